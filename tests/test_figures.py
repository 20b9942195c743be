"""The figures without a browser: their numbers under Node, what they leave in a page, the plots."""

import base64
import inspect
import io
import itertools
import json
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import anywidget
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from attn_course import figures
from attn_course.figures import COLOURS, Frames, GlimpseFigure, HeatMap, Threshold
from attn_course.figures.draw import png
from attn_course.figures.live import STATIC
from attn_course.figures.style import INK, PAPER
from attn_course.gaussian import reference

NASTY = 'bars </script><b>& "quotes" <!--<script> of a cage'  # what could end the JSON too early


def photograph(height=7, width=9, seed=0):
    """An image without structure, so that nothing can be swapped unseen."""
    return np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)


@pytest.fixture
def glimpse():
    return GlimpseFigure(
        photograph(), alt="noise", mean=(1.25, 2.5), std=0.75, stride=1.5, n_filter=3
    )


@pytest.fixture
def frames():
    return Frames(photograph(8, 6).reshape(2, 4, 6), ["before", "after"], alt="noise", label="step")


@pytest.fixture
def heatmap():
    return HeatMap(
        np.array([[0.25, 0.75], [1, 0]]), alt="noise", names=("query", "key"), rows=["a", "b"]
    )


@pytest.fixture
def threshold():
    return Threshold({"one": np.array([1.0, 3.0]), "two": np.array([-0.5])}, alt="noise")


# --- parity: what the page computes is what the package computes ----------------------------------

RUNNER = """
import { readFileSync } from "node:fs";
const { modules, states } = JSON.parse(readFileSync(0, "utf8"));
const results = [];
for (const path of modules) {
  const { compute } = await import(path);
  results.push(states.map((state) => {
    const { filterX, filterY, glimpse, written, rowSum } = compute(state);
    const lists = { filterX, filterY, glimpse, written, rowSum: [rowSum] };
    return Object.fromEntries(Object.entries(lists).map(([k, v]) => [k, Array.from(v)]));
  }));
}
console.log(JSON.stringify(results));
"""

MUTANTS = {
    "x and y swapped": ("filterbank(mean_x, std", "filterbank(mean_y, std"),
    "height for width": ("n_filter, width, rule)", "n_filter, height, rule)"),
    "std twice as wide": ("(distance + nearest)) / std) / 2", "(distance + nearest)) / std) / 4"),
    "nearest pixel off the image": (
        "Math.min(Math.max(Math.round(centre), 0), nPixel - 1)",
        "Math.round(centre)",
    ),
    "the other epsilon": ("1e-8", "1e-6"),
    "rules confused": ('rule === "exact"', 'rule !== "exact"'),
    "glimpse not transposed": ("n_filter, { right: true }", "n_filter"),
    "written without transposing": ("width, { left: true }", "width"),
    "bytes not divided": ("/ 255", "/ 256"),
    "largest row sum": ("rowSum = Math.min(rowSum, sum)", "rowSum = sum"),
}


def random_states(n_state):
    """States of the figure: both rules, windows off the image, narrow and wide bells."""
    rng = np.random.default_rng(20)
    for k in range(n_state):
        height, width = (int(n) for n in rng.choice(np.arange(2, 15), 2, replace=False))
        yield {
            "image": rng.integers(0, 256, height * width).tolist(),
            "height": height,
            "width": width,
            "n_filter": int(rng.integers(1, 7)),
            "mean_x": float(rng.uniform(-2 * width, 2 * width)) if k % 3 else -3.0 * width,
            "mean_y": float(rng.uniform(-1 * height, 2 * height)),
            "std": (0.05, 16.0, float(2 ** rng.uniform(-4, 4)))[min(k % 6, 2)],
            "stride": float(rng.uniform(0.05, 5)),
            "rule": reference.RULES[k % 2],
        }


def expected(state):
    """What `compute` must return for a state, from the package's NumPy."""
    n, std, stride, rule = (state[name] for name in ("n_filter", "std", "stride", "rule"))
    size = state["height"], state["width"]
    mean = np.array([state["mean_x"], state["mean_y"]])
    pair = {"mean": mean, "std": np.full(2, std), "stride": np.full(2, stride), "rule": rule}
    bank_x = reference.filterbank(mean[0], std, stride, n, size[1], rule)
    bank_y = reference.filterbank(mean[1], std, stride, n, size[0], rule)
    image = np.reshape(state["image"], (1, *size)) / 255
    read = reference.gaussian_glimpse(image, **pair, size=(n, n))
    return {
        "filterX": bank_x,
        "filterY": bank_y,
        "glimpse": read,
        "written": reference.gaussian_write(read, **pair, size=size),
        "rowSum": min(bank_x.sum(axis=1).min(), bank_y.sum(axis=1).min()),
    }


def assert_parity(states, results):
    assert len(states) == len(results)
    for state, result in zip(states, results, strict=True):
        for name, want in expected(state).items():
            got = np.array(result[name], float)
            assert_allclose(got, np.ravel(want), rtol=0, atol=1e-9, err_msg=name)


@pytest.fixture(scope="module")
def computed(tmp_path_factory):
    """The states, and what the module and each of its mutants make of them."""
    folder, states = tmp_path_factory.mktemp("modules"), list(random_states(66))
    source = (STATIC / "glimpse.mjs").read_text(encoding="utf-8")
    modules = {"the figure": STATIC / "glimpse.mjs"}
    for k, (name, (old, new)) in enumerate(MUTANTS.items()):
        if old not in source:
            continue
        modules[name] = folder / f"mutant{k}.mjs"
        modules[name].write_text(source.replace(old, new, 1), encoding="utf-8")
    work = {"modules": [path.as_uri() for path in modules.values()], "states": states}
    (folder / "run.mjs").write_text(RUNNER, encoding="utf-8")
    done = subprocess.run(
        ["node", str(folder / "run.mjs")], input=json.dumps(work), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return states, dict(zip(modules, json.loads(done.stdout), strict=True))


def test_states_try_what_matters():
    states = list(random_states(66))
    assert {s["rule"] for s in states} == set(reference.RULES)
    assert {0.05, 16.0} < {s["std"] for s in states}
    assert all(s["height"] != s["width"] for s in states)
    last = [s["mean_x"] + s["stride"] * (s["n_filter"] - 1) for s in states]
    assert sum(x < 0 for x in last) > 5, "windows left of the image"
    assert sum(s["mean_x"] > s["width"] for s in states) > 5, "windows right of the image"


@pytest.mark.requires("node")
def test_the_page_computes_what_the_package_computes(computed):
    states, results = computed
    assert_parity(states, results["the figure"])


@pytest.mark.requires("node")
@pytest.mark.parametrize("mutant", MUTANTS)
def test_parity_rejects(computed, mutant):
    states, results = computed
    assert mutant in results, "the module reads differently now: the mutant changes nothing"
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        assert_parity(states, results[mutant])


# --- what a figure leaves in the page -------------------------------------------------------------


class Page(HTMLParser):
    """The elements of a piece of HTML, with their attributes, and the text of its scripts."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.script = [], [], ""
        self.feed(text)
        self.close()
        assert not self.open, f"left open: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] == ["script"]:
            self.script += data

    def one(self, tag):
        (attributes,) = (a for t, a in self.elements if t == tag)
        return attributes


def html_of(figure):
    data, _ = figure._repr_mimebundle_()
    return data["text/html"]


STATES = {
    "glimpse": {
        "alt": "noise",
        "image": {"base64": base64.b64encode(photograph().tobytes()).decode()},
        "height": 7,
        "width": 9,
        "n_filter": 3,
        "mean_x": 1.25,
        "mean_y": 2.5,
        "std": 0.75,
        "stride": 1.5,
        "rule": "exact",
    },
    "frames": {
        "alt": "noise",
        "images": {"base64": base64.b64encode(photograph(8, 6).tobytes()).decode()},
        "shape": [2, 4, 6, 1],
        "captions": ["before", "after"],
        "label": "step",
        "index": 0,
    },
    "heatmap": {
        "alt": "noise",
        "values": {"base64": base64.b64encode(np.float32([0.25, 0.75, 1, 0]).tobytes()).decode()},
        "shape": [1, 2, 2],
        "rows": ["a", "b"],
        "columns": ["0", "1"],
        "steps": ["0"],
        "names": ["query", "key", "step"],
        "limit": 1.0,
        "row": 0,
        "column": 0,
        "step": 0,
    },
    "threshold": {
        "alt": "noise",
        "values": {"base64": base64.b64encode(np.array([3.0, 1.0, -0.5]).tobytes()).decode()},
        "sizes": [2, 1],
        "groups": ["one", "two"],
        "colours": [COLOURS["orange"], COLOURS["blue"]],
        "dashes": ["", "7 4"],
        "low": -0.5,
        "high": 3.0,
        "label": "value",
        "threshold": 3.5 / 3,
    },
}
N_PICTURE = {"glimpse": 2, "frames": 2, "heatmap": 1, "threshold": 0}


@pytest.mark.parametrize("name", STATES)
def test_page_holds_the_module_and_the_whole_state(request, name):
    page = Page(html_of(request.getfixturevalue(name)))
    assert page.one("figure")["class"] == "attn-live"
    assert page.one("figure")["data-module"] == name
    assert page.one("script") == {"type": "application/json"}
    assert json.loads(page.script) == STATES[name]


@pytest.mark.parametrize("name", STATES)
def test_page_and_widget_load_the_same_module(request, name):
    figure = request.getfixturevalue(name)
    assert figure._esm == (STATIC / f"{figure._module}.mjs").read_text(encoding="utf-8")
    data, _ = figure._repr_mimebundle_()
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == figure.model_id
    assert repr(figure) == data["text/plain"] == f"<{type(figure).__name__}: noise>"


@pytest.mark.parametrize("name", STATES)
def test_page_holds_a_picture_with_alternative_text(request, name):
    page = Page(html_of(request.getfixturevalue(name)))
    assert page.one("figure")["role"] == "group"
    assert page.one("figure")["aria-label"] == "noise"
    assert ("div", {"class": "attn-fallback"}) in page.elements
    drawing = page.one("svg")
    assert drawing["role"] == "img"
    assert drawing["aria-label"].startswith("noise")
    assert len(drawing["aria-label"]) > 20
    pictures = [a["href"] for t, a in page.elements if t == "image"]
    assert len(pictures) == N_PICTURE[name]
    assert all(href.startswith("data:image/png;base64,") for href in pictures)


NASTY_FIGURES = {
    "glimpse": lambda: GlimpseFigure(photograph(), alt=NASTY),
    "frames": lambda: Frames(photograph()[None], [NASTY], alt=NASTY, label=NASTY),
    "heatmap": lambda: HeatMap(np.eye(1), alt=NASTY, rows=[NASTY], names=(NASTY, NASTY)),
    "threshold": lambda: Threshold({NASTY: np.ones(2), "b": np.ones(1)}, alt=NASTY, label=NASTY),
}


@pytest.mark.parametrize("make", NASTY_FIGURES.values(), ids=NASTY_FIGURES)
def test_no_text_breaks_out_of_its_place(make):
    text = html_of(make())
    page = Page(text)
    assert json.loads(page.script)["alt"] == NASTY
    assert page.one("figure")["aria-label"] == NASTY
    assert page.one("svg")["aria-label"].startswith(NASTY)
    assert "b" not in [tag for tag, _ in page.elements]
    between = text.split("application/json")[1]
    assert between.count("</") == 2, "the ends of script and figure"
    assert "<!--" not in between, "a comment could hide the end of the script"


def test_state_follows_the_traits(glimpse):
    glimpse.std, glimpse.mean_x, glimpse.rule = 2.0, -3.5, "source"
    state = json.loads(Page(html_of(glimpse)).script)
    assert (state["std"], state["mean_x"], state["rule"]) == (2.0, -3.5, "source")
    drawing = Page(html_of(glimpse)).one("svg")["aria-label"]
    assert "x -3.5, y 2.5, standard deviation 2, stride 1.5 pixels" in drawing


def decoded(href):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(href.split(",")[1]))))


def test_picture_shows_the_photograph_the_window_and_the_glimpse(glimpse):
    page = Page(glimpse.picture())
    left, right = (decoded(a["href"]) for t, a in page.elements if t == "image")
    assert_array_equal(left, photograph())
    assert_array_equal(right, np.rint(glimpse.glimpse() * 255))
    black, white = (a for t, a in page.elements if t == "rect")
    for outline in (black, white):  # pixel p covers p to p + 1 of the drawing; 20 for the heading
        assert_allclose(float(outline["x"]), 1.25 + 0.5 - 1.5 / 2)
        assert_allclose(float(outline["y"]), 2.5 + 0.5 - 1.5 / 2 + 20)
        assert_allclose([float(outline[side]) for side in ("width", "height")], 4.5)


@pytest.mark.parametrize(("n_frame", "shown"), [(1, [0]), (4, [0, 1, 2, 3]), (9, [0, 2, 4, 6, 8])])
def test_picture_of_frames_spreads_over_them(n_frame, shown):
    images = np.random.default_rng(1).integers(0, 256, (n_frame, 4, 6, 3), dtype=np.uint8)
    page = Page(Frames(images, alt="colours").picture())
    got = [decoded(a["href"]) for t, a in page.elements if t == "image"]
    assert_array_equal(got, images[shown])
    assert f"Frames {', '.join(map(str, shown))} of {n_frame}." in page.one("svg")["aria-label"]


def test_png_keeps_every_pixel():
    for image in (photograph(), photograph(7, 27).reshape(7, 9, 3)):
        assert_array_equal(np.asarray(Image.open(io.BytesIO(png(image)))), image)


# --- arguments ------------------------------------------------------------------------------------

BAD = {
    "empty alt": (ValueError, "alt must say what the figure shows, got '  '", {"alt": "  "}),
    "no std": (ValueError, "std must be positive, got 0", {"std": 0}),
    "negative stride": (ValueError, "stride must be positive, got -1", {"stride": -1}),
    "NaN": (ValueError, "std must be positive, got nan", {"std": float("nan")}),
    "no place": (ValueError, "mean_x must be finite, got nan", {"mean": (float("nan"), 1.0)}),
    "endless": (ValueError, "mean_y must be finite, got inf", {"mean": (1.0, float("inf"))}),
    "no filter": (ValueError, "n_filter must be at least 1, got 0", {"n_filter": 0}),
    "unknown rule": (
        ValueError,
        "rule must be one of 'exact', 'source', got 'paper'",
        {"rule": "paper"},
    ),
    "floats": (TypeError, "image must be uint8, got float64", {"image": np.zeros((4, 5))}),
    "four axes": (
        ValueError,
        r"image must have shape \(any, any\), got \(1, 2, 3, 3\)",
        {"image": np.zeros((1, 2, 3, 3), np.uint8)},
    ),
    "two channels": (
        ValueError,
        r"image must have shape \(any, any, 3\), got \(4, 5, 2\)",
        {"image": np.zeros((4, 5, 2), np.uint8)},
    ),
}


@pytest.mark.parametrize(("error", "words", "bad"), BAD.values(), ids=BAD)
def test_glimpse_figure_refuses(error, words, bad):
    arguments = {"image": photograph(), "alt": "noise"} | bad
    with pytest.raises(error, match=words):
        GlimpseFigure(arguments.pop("image"), **arguments)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("std", 0.0, "std must be positive, got 0"),
        ("stride", -2.0, "stride must be positive, got -2"),
        ("n_filter", 0, "n_filter must be at least 1, got 0"),
        ("rule", "paper", "rule must be one of 'exact', 'source', got 'paper'"),
    ],
)
def test_traits_refuse_later_as_well(glimpse, name, value, words):
    before = glimpse.state()
    with pytest.raises(ValueError, match=words):
        setattr(glimpse, name, value)
    assert glimpse.state() == before


BAD_FRAMES = {
    "empty alt": (ValueError, "alt must say what the figure shows, got ''", {"alt": ""}),
    "floats": (
        TypeError,
        "images must be uint8, got float32",
        {"images": np.zeros((2, 3, 4), np.float32)},
    ),
    "one image": (
        ValueError,
        r"images must have shape .*, got \(3, 4\)",
        {"images": photograph(3, 4)},
    ),
    "no frame": (
        ValueError,
        r"images must have shape .*, got \(0, 3, 4, 1\)",
        {"images": np.zeros((0, 3, 4), np.uint8)},
    ),
    "two channels": (
        ValueError,
        r"images must have shape .*, got \(2, 3, 4, 2\)",
        {"images": np.zeros((2, 3, 4, 2), np.uint8)},
    ),
    "a caption short": (
        ValueError,
        r"captions must have shape \(2,\), got \(1,\); one caption for each frame",
        {"captions": ["before"]},
    ),
}


@pytest.mark.parametrize(("error", "words", "bad"), BAD_FRAMES.values(), ids=BAD_FRAMES)
def test_frames_refuse(error, words, bad):
    arguments = {"images": np.zeros((2, 3, 4), np.uint8), "alt": "noise"} | bad
    with pytest.raises(error, match=words):
        Frames(arguments.pop("images"), **arguments)


def test_frames_count_themselves_and_stay_inside():
    frames = Frames(np.zeros((3, 2, 2), np.uint8), alt="black", label="step")
    assert frames.captions == ["step 0", "step 1", "step 2"]
    for index, want in ((1, 1), (7, 2), (-4, 0)):
        frames.index = index
        assert frames.index == want


def test_the_base_draws_nothing():
    class Bare(figures.LiveFigure):
        pass

    with pytest.raises(NotImplementedError, match="^$"):
        Bare(alt="nothing").picture()


# --- the figure in Jupyter ------------------------------------------------------------------------


@pytest.mark.parametrize("rule", reference.RULES)
def test_glimpse_is_the_packages(glimpse, rule):
    glimpse.rule, glimpse.mean_x, glimpse.n_filter = rule, -2.0, 4
    want = reference.gaussian_glimpse(
        photograph()[None] / 255,
        np.array([-2.0, 2.5]),
        np.full(2, 0.75),
        np.full(2, 1.5),
        size=(4, 4),
        rule=rule,
    )
    assert_allclose(glimpse.glimpse(), want[0], rtol=0, atol=1e-15)
    assert_array_equal(glimpse.window["mean"], [-2.0, 2.5])
    assert_array_equal(glimpse.window["std"], [0.75, 0.75])
    assert_array_equal(glimpse.window["stride"], [1.5, 1.5])


def test_without_a_mean_the_grid_is_in_the_middle():
    figure = GlimpseFigure(photograph(7, 11), alt="noise", stride=2, n_filter=4)
    centre = reference.first_to_centre(**_pair(figure), n_filter=4)
    assert_allclose(centre, [(11 - 1) / 2, (7 - 1) / 2])


def _pair(figure):
    return {name: figure.window[name] for name in ("mean", "stride")}


def test_of_colours_the_mean_is_taken():
    colour = photograph(4, 15).reshape(4, 5, 3)
    figure = GlimpseFigure(colour, alt="noise")
    assert_array_equal(figure.pixels[0] * 255, np.rint(colour.mean(axis=2)))


def test_photograph_cannot_be_exchanged_behind_the_figures_back(glimpse):
    with pytest.raises(Exception, match="read-only"):
        glimpse.image = b"0"


def test_controls_and_figure_move_each_other(glimpse):
    controls = glimpse.controls()
    for name, value in (("mean_x", -1.25), ("mean_y", 3.0), ("std", 2.25), ("stride", 0.5)):
        assert controls.sliders[name].value == getattr(glimpse, name)
        controls.sliders[name].value = value
        assert getattr(glimpse, name) == value
        setattr(glimpse, name, value + 0.25)
        assert controls.sliders[name].value == value + 0.25
    controls.rule.value = "source"
    assert glimpse.rule == "source"


def test_controls_show_the_packages_glimpse(glimpse):
    controls = glimpse.controls()
    for change in ({}, {"mean_x": 4.0}, {"std": 0.25}, {"rule": "source", "mean_y": -9.0}):
        for name, value in change.items():
            setattr(glimpse, name, value)
        shown = np.asarray(Image.open(io.BytesIO(controls.image.value)))
        assert_array_equal(shown, np.kron(np.rint(glimpse.glimpse() * 255), np.ones((56, 56))))


def test_controls_reach_as_far_as_the_figure_stands():
    figure = GlimpseFigure(photograph(), alt="noise", mean=(-40, 90), std=30, stride=20)
    controls = figure.controls()
    got = {name: slider.value for name, slider in controls.sliders.items()}
    assert got == {"mean_x": -40, "mean_y": 90, "std": 30, "stride": 20}
    assert (figure.mean_x, figure.mean_y, figure.std, figure.stride) == (-40, 90, 30, 20)


def test_controls_leave_a_sentence_in_the_page(glimpse):
    data = glimpse.controls()._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert [tag for tag, _ in Page(data["text/html"]).elements] == ["p", "em"]
    assert repr(glimpse.controls()) == "<Controls of a GlimpseFigure>"


def test_state_holds_nothing_of_the_widget_machinery(glimpse, frames):
    for figure in (glimpse, frames):
        assert not set(figure.state()) & set(anywidget.AnyWidget.class_trait_names())
        assert not [name for name in figure.state() if name.startswith("_")]


# --- the package's code on the page ---------------------------------------------------------------


def outer(number):
    """Add one, after the inner function.

    >>> outer(1)
    3
    """

    def inner(number):
        'Docstrings of all kinds go; "strings" stay.'
        return number + 1  # comments stay

    text = """a string over
    two lines"""
    assert text
    return inner(number) + 1


OUTER = '''\
def outer(number):

    def inner(number):
        return number + 1  # comments stay

    text = """a string over
    two lines"""
    assert text
    return inner(number) + 1'''


def fenced(*functions):
    block = figures.show_source(*functions).data
    assert block.startswith("```python\n")
    assert block.endswith("\n```")
    return block.removeprefix("```python\n").removesuffix("\n```")


def test_source_loses_its_docstrings_and_nothing_else():
    assert fenced(outer) == OUTER


def test_source_of_a_class_loses_the_docstrings_of_its_methods():
    code = fenced(GlimpseFigure)
    assert "class GlimpseFigure" in code
    assert "def picture(self)" in code
    assert '"""' not in code
    compile(code, "shown", "exec")


def test_source_is_the_packages():
    code = fenced(reference.filterbank)
    assert '"""' not in code
    assert "Parameters" not in code
    kept = inspect.getsource(inspect.unwrap(reference.filterbank)).splitlines()
    assert all(line in kept for line in code.splitlines())
    room = {name: getattr(reference, name) for name in ("np", "_check", "RULES", "EPSILON")}
    room |= {name: getattr(reference, name) for name in ("Array", "Float", "Number")}
    exec(code, room)
    window = {"mean": -1.5, "std": 0.5, "stride": 2.0, "n_filter": 3, "n_pixel": 4}
    assert_array_equal(room["filterbank"](**window), reference.filterbank(**window))


def test_two_functions_are_shown_one_after_the_other():
    both = fenced(reference.filterbank, outer)
    assert both == fenced(reference.filterbank) + "\n\n\n" + OUTER


# --- plots ----------------------------------------------------------------------------------------


@pytest.fixture
def plots():
    """Matplotlib in the book's style, and as it was afterwards."""
    with mpl.rc_context():
        figures.style()
        yield plt
    plt.close("all")


def test_images_are_shown_each_with_its_title(plots):
    images = [photograph(3, 4, seed) for seed in range(5)]
    axes = figures.show_images(images, list("abcde"), columns=3)
    assert len(axes) == 5
    for ax, image, title in zip(axes, images, "abcde", strict=True):
        (shown,) = ax.images
        assert_array_equal(shown.get_array(), image)
        assert shown.get_clim() == (image.min(), image.max())
        assert shown.get_cmap().name == "gray"
        assert "a" <= title == ax.get_title(loc="left")
    whole = axes[0].figure.axes
    assert len(whole) == 6
    assert not any(ax.axison for ax in whole)
    assert not whole[5].images


def test_limits_hold_for_all_images(plots):
    axes = figures.show_images([np.zeros((2, 2)), np.ones((3, 2))], limits=(-1, 2), columns=2)
    assert [ax.images[0].get_clim() for ax in axes] == [(-1, 2), (-1, 2)]
    assert [ax.get_title(loc="left") for ax in axes] == ["", ""]


def test_a_line_for_each_seed_and_one_for_their_mean(plots):
    lists = np.random.default_rng(2).normal(size=(3, 4))
    records = [{"final": {"iou": row.tolist(), "other": 1}} for row in lists]
    _, ax = plots.subplots()
    assert figures.seed_curves(records, "iou", ax, "plum", label="moving") is ax
    *seeds, mean = ax.lines
    assert_array_equal([line.get_ydata() for line in seeds], lists)
    assert_allclose(mean.get_ydata(), lists.mean(axis=0))
    assert {to_hex(line.get_color()) for line in ax.lines} == {COLOURS["plum"]}
    assert all(line.get_linewidth() < mean.get_linewidth() for line in seeds)
    assert [text.get_text() for text in ax.legend().get_texts()] == ["moving"]


def test_style_gives_plots_the_books_colours(plots):
    assert plots.rcParams["axes.prop_cycle"].by_key()["color"] == list(COLOURS.values())
    _, ax = plots.subplots()
    assert to_hex(ax.get_facecolor()) == to_hex(ax.figure.get_facecolor()) == PAPER
    assert to_hex(ax.title.get_color()) == to_hex(ax.xaxis.label.get_color()) == INK


# --- colours: WCAG 2 contrast, and distance in CIELAB for four kinds of eyes ----------------------

EYES = {  # Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB
    "all cones": np.eye(3),
    "no red cones": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "no green cones": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "no blue cones": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
     [0.0193339, 0.1191920, 0.9503041]]
)  # fmt: skip
APART = dict.fromkeys(EYES, 12) | {"all cones": 30}  # about 2.3 is just noticeable


def linear(colour):
    value = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def contrast(one, other):
    low, high = sorted(float(linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (one, other))
    return (high + 0.05) / (low + 0.05)


def lab(rgb):
    xyz = TO_XYZ @ np.clip(rgb, 0, 1) / TO_XYZ.sum(axis=1)
    root = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * root[1] - 16, 500 * (root[0] - root[1]), 200 * (root[1] - root[2])])


def distance(one, other, eyes="all cones"):
    return float(np.linalg.norm(np.subtract(*(lab(EYES[eyes] @ linear(c)) for c in (one, other)))))


def test_measures_of_colour_give_known_numbers():
    assert_allclose(contrast("#000000", "#ffffff"), 21)
    assert_allclose(contrast("#777777", "#ffffff"), 4.478, atol=1e-3)
    assert_allclose(lab(linear("#ff0000")), [53.24, 80.09, 67.20], atol=0.02)
    assert_allclose(distance("#000000", "#ffffff"), 100, atol=1e-6)
    red, green = "#d62728", "#2ca02c"  # matplotlib's own, which fail
    assert distance(red, green) > APART["all cones"]
    assert distance(red, green, "no green cones") < APART["no green cones"]


CSS = (Path(__file__).parents[1] / "book" / "_ext" / "book.css").read_text(encoding="utf-8")


def theme(name, variable="--pst-color-background"):
    """A colour of the light or of the dark page."""
    # The light theme holds where nothing is said, as without scripts.
    themed = {"dark": 'html[data-theme="dark"]', "light": 'html:not([data-theme="dark"])'}[name]
    block = re.search(re.escape(themed) + r" {(.*?)}", CSS, re.DOTALL)[1]
    return re.search(rf"{variable}: (#\w{{6}});", block)[1]


def dimmed(colour):
    """A colour on a plot's card, as the dark page dims it."""
    (factor,) = re.findall(r"filter: brightness\(([\d.]+)\)", CSS)
    channels = (round(float(factor) * int(colour[k : k + 2], 16)) for k in (1, 3, 5))
    return "#" + "".join(f"{channel:02x}" for channel in channels)


@pytest.mark.parametrize("name", COLOURS)
def test_lines_stand_out_from_paper_and_pages(name):
    colour = COLOURS[name]
    assert contrast(colour, PAPER) >= 3
    assert contrast(dimmed(colour), dimmed(PAPER)) >= 3
    for page in ("light", "dark"):
        assert contrast(colour, theme(page)) >= 3


def test_the_themes_are_read():
    assert contrast(theme("light"), theme("dark")) > 15
    assert contrast(theme("light"), theme("light", "--pst-color-text-base")) > 7
    assert contrast("#6f2468", theme("dark")) < 3, "the plum of old is seen on no dark page"


def test_accents_of_the_figures_are_the_palettes():
    for module in STATIC.glob("*.mjs"):
        accents = re.findall(r"--(?:attn-)?accent: (#\w+)", module.read_text(encoding="utf-8"))
        assert set(accents) <= {COLOURS["orange"]}
        assert len(accents) == (module.name != "host.mjs")


def test_ink_reads_on_the_paper():
    assert contrast(INK, PAPER) >= 4.5


@pytest.mark.parametrize("eyes", EYES)
def test_any_two_colours_can_be_told_apart(eyes):
    near = {
        (one, other): distance(COLOURS[one], COLOURS[other], eyes)
        for one, other in itertools.combinations(COLOURS, 2)
    }
    assert {pair: d for pair, d in near.items() if d < APART[eyes]} == {}
