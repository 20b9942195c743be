"""The fovea without a browser: numbers under Node, arguments, its picture, and the drawn room."""

import json
import subprocess

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from test_figures import Page, decoded, html_of, photograph

from attn_course import figures
from attn_course.figures import COLOURS, Fovea, room
from attn_course.figures.fovea import GROUND, LOOKS
from attn_course.figures.live import STATIC
from attn_course.figures.scene import QUESTIONS, SEEN
from attn_course.soft_hard.reference import retina

# --- parity: what the page computes is what the package computes ----------------------------------

RUNNER = """
import { readFileSync } from "node:fs";
const { modules, states } = JSON.parse(readFileSync(0, "utf8"));
const results = [];
for (const path of modules) {
  const { compute } = await import(path);
  results.push(states.map((state) => {
    const { patches, seen } = compute(state);
    return { patches: [...patches], seen: [...seen] }; // NaN becomes null
  }));
}
console.log(JSON.stringify(results));
"""

MUTANTS = {
    "half a pixel up and left": ("/ 2 + 0.5)", "/ 2)"),
    "towards zero": ("Math.floor(((place", "Math.trunc(((place"),
    "x and y swapped": ("[[x, width], [y, height]]", "[[y, width], [x, height]]"),
    "height for width": ("[[x, width], [y, height]]", "[[x, height], [y, width]]"),
    "scales by one": ("(size * 2 ** k) / 2 +", "(size * (k + 1)) / 2 +"),
    "sums along one axis": ("value / (block * block)", "value / block"),
    "bytes not divided": ("/ 255", "/ 256"),
    "blocks from the edge of the image": ("(row - top) / block", "(row - first) / block"),
    "columns from the edge": ("(column - left) / block", "(column - from) / block"),
    "last row left out": ("top + size * block, height)", "top + size * block, height - 1)"),
    "wraps to the next row": ("[Math.max(left, 0), Math.min", "[left, Math.min"),
    "coarse over fine": (
        "let k = n_scale - 1; k >= 0; k--",
        "let k = 0; k < n_scale; k++",
    ),
    "black where nothing is seen": (".fill(NaN)", ""),
    "the finest patch everywhere": ("(k * size + Math.floor((row - top) / 2 ** k))",
                                    "(Math.floor((row - top) / 2 ** k))"),
}  # fmt: skip


def random_states(n_state):
    """States of the figure: places on edges and between pixels, patches wider than the picture."""
    rng = np.random.default_rng(40)
    for k in range(n_state):
        height, width = (int(n) for n in rng.choice(np.arange(1, 26), 2, replace=False))
        x, y = rng.uniform(-1, 1, 2) if k % 3 else rng.integers(-4, 5, 2) / 4
        yield {
            "image": rng.integers(0, 256, height * width).tolist(),
            "height": height,
            "width": width,
            "x": float(x),
            "y": float(y),
            "size": int(rng.integers(1, 7)),
            "n_scale": int(rng.integers(1, 5)),
        }


def expected(state):
    """The patches from the package's NumPy, and a loop over pixels that asks which is the finest.

    A pixel lies in patch k if its distance from the patch's corner is less than its side.
    """
    height, width, size, n_scale = (state[name] for name in ("height", "width", "size", "n_scale"))
    image = np.reshape(state["image"], (1, height, width)) / 255
    place = np.array([state["x"], state["y"]])
    patches = retina(image, place, size, n_scale)[:, 0]
    seen = np.full((height, width), np.nan)
    for row in range(height):
        for column in range(width):
            for k in range(n_scale):
                middle = (place + 1) / 2 * [width, height]
                left, top = np.floor(middle - size * 2**k / 2 + 0.5)
                i, j = (row - top) // 2**k, (column - left) // 2**k
                if 0 <= i < size and 0 <= j < size:
                    seen[row, column] = patches[k, int(i), int(j)]
                    break
    return {"patches": patches, "seen": seen}


def assert_parity(states, results):
    assert len(states) == len(results)
    for state, result in zip(states, results, strict=True):
        for name, want in expected(state).items():
            got = np.array(result[name], float)
            assert_allclose(got, want.ravel(), rtol=0, atol=1e-12, err_msg=name)


@pytest.fixture(scope="module")
def computed(tmp_path_factory):
    """The states, and what the module and each of its mutants make of them."""
    folder, states = tmp_path_factory.mktemp("modules"), list(random_states(90))
    source = (STATIC / "fovea.mjs").read_text(encoding="utf-8")
    modules = {"the figure": STATIC / "fovea.mjs"}
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
    states = list(random_states(90))
    assert {s["n_scale"] for s in states} == {1, 2, 3, 4}
    assert sum(abs(s["x"]) == 1 or abs(s["y"]) == 1 for s in states) > 5, "on an edge"
    unseen = [np.isnan(expected(s)["seen"]).mean() for s in states]
    assert sum(share == 0 for share in unseen) > 5
    assert sum(0.1 < share < 0.9 for share in unseen) > 20


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


def test_page_and_class_agree_on_colours():
    source = (STATIC / "fovea.mjs").read_text(encoding="utf-8")
    (line,) = (one for one in source.splitlines() if one.startswith("const COLOURS = "))
    assert json.loads(line.split(" = ")[1].split(";")[0]) == [COLOURS[look] for look in LOOKS]


# --- the class ------------------------------------------------------------------------------------

HEIGHT, WIDTH = 40, 56
PHOTOGRAPH = photograph(HEIGHT, WIDTH)
ASKED = ["Where is it?", "What <b>is</b> it?"]


def fovea(**changes):
    given = {"size": 6, "n_scale": 2, "location": (0.25, -0.5), "questions": ASKED}
    return Fovea(PHOTOGRAPH, alt="a noisy photograph", **given | changes)


def test_page_holds_the_module_and_the_whole_state():
    page = Page(html_of(fovea()))
    assert page.one("figure")["data-module"] == "fovea"
    state = json.loads(page.script)
    assert len(state.pop("image")["base64"]) == -(-HEIGHT * WIDTH // 3) * 4
    assert state == {
        "alt": "a noisy photograph",
        "height": HEIGHT,
        "width": WIDTH,
        "questions": ASKED,
        "x": 0.25,
        "y": -0.5,
        "size": 6,
        "n_scale": 2,
        "question": -1,
        "whole": False,
        "gaze": [[], []],
    }
    assert fovea()._esm == (STATIC / "fovea.mjs").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "changes",
    [{}, {"location": (-1, 1)}, {"size": 16, "n_scale": 4}, {"n_scale": 1, "location": (0.97, 0)}],
)
def test_what_is_seen_is_the_packages(changes):
    figure = fovea(**changes)
    want = expected(figure.state() | {"image": PHOTOGRAPH.ravel()})
    assert_array_equal(figure.patches(), want["patches"])
    assert_array_equal(figure.seen(), want["seen"])
    assert figure.n_number == want["patches"].size


def test_pictures_of_all_kinds_become_bytes():
    grey = Fovea(PHOTOGRAPH, alt="noise")
    for image in (PHOTOGRAPH / 255, np.stack([PHOTOGRAPH] * 3, axis=-1),
                  np.stack([PHOTOGRAPH] * 3, axis=-1) / 255):  # fmt: skip
        assert Fovea(image, alt="noise").image == grey.image
    assert_array_equal(grey.pixels, PHOTOGRAPH[None] / 255)
    assert (grey.size, grey.n_scale, grey.n_number, grey.trails) == (16, 3, 768, {})


def test_traits_stay_in_their_limits():
    figure = fovea()
    figure.x, figure.question = -7, 5
    assert_array_equal(figure.location, [-1, -0.5])
    assert figure.question == 1
    with pytest.raises(ValueError, match="size must be at least 1, got 0"):
        figure.size = 0
    with pytest.raises(ValueError, match="n_scale must be at most 6, got 7"):
        figure.n_scale = 7
    with pytest.raises(ValueError, match="y must be finite, got nan"):
        figure.y = float("nan")
    with pytest.raises(ValueError, match=r"gaze must have shape \(2,\), got \(1,\); one list for"):
        figure.gaze = [[]]
    with pytest.raises(ValueError, match=r"a point of gaze must have shape \(3,\), got \(2,\)"):
        figure.gaze = [[], [[0.0, 0.0]]]
    with pytest.raises(Exception, match="read-only"):
        figure.image = b""
    assert (figure.size, figure.n_scale, figure.gaze) == (6, 2, [[], []])


def test_trails_are_the_readers_ways():
    figure = fovea()
    figure.gaze = [[[0, 0, 1], [0.5, -0.5, 0.25]], []]
    assert list(figure.trails) == ASKED
    assert_array_equal(figure.trails[ASKED[0]], [[0, 0, 1], [0.5, -0.5, 0.25]])
    assert figure.trails[ASKED[1]].shape == (0, 3)


@pytest.mark.parametrize("location", [(0.25, -0.5), (1, 1)])
def test_picture_shows_what_is_seen_the_whole_and_the_patches(location):
    figure = fovea(location=location)
    page = Page(figure.picture())
    seen, whole, *patches = (decoded(a["href"]) for t, a in page.elements if t == "image")
    grey = np.nan_to_num(figure.seen(), nan=GROUND)
    assert_array_equal(seen, np.rint(255 * grey))
    assert_array_equal(whole, PHOTOGRAPH)
    assert_array_equal(patches, np.rint(255 * figure.patches()))
    scale = 256 / WIDTH
    squares = [a for t, a in page.elements if t == "rect"][::2]
    assert_allclose([float(a["width"]) for a in squares], [6 * scale, 12 * scale], atol=0.006)
    middle = [float(squares[0][side]) + 3 * scale for side in "xy"]
    assert_allclose(middle, (np.array(location) + 1) / 2 * [256, HEIGHT * scale], atol=scale / 2)
    alt = next(a for t, a in page.elements if t == "svg")["aria-label"]
    assert alt.startswith("a noisy photograph. Beside it what a retina of 2 patches of 6 by 6")
    assert "72 numbers for 2240 pixels" in alt
    right, bottom = (
        max(float(a[at]) + float(a[side]) for t, a in page.elements if t == "image")
        for at, side in (("x", "width"), ("y", "height"))
    )
    wide, high = page.elements[0][1]["viewbox"].split()[2:]
    assert right <= float(wide)
    assert bottom <= float(high)


BAD = {
    "empty alt": ("alt must say", {"alt": " "}),
    "one axis": (r"image must have shape \(any, any\)", {"image": np.zeros(4)}),
    "nothing": ("the size of image must be at least 1", {"image": np.zeros((0, 4))}),
    "too bright": (r"image must be uint8 or lie in \[0, 1\]", {"image": np.full((2, 2), 3.0)}),
    "NaN": (r"image must be uint8 or lie in \[0, 1\]", {"image": np.full((2, 2), np.nan)}),
    "no number": ("size must be at least 1, got 0", {"size": 0}),
    "too wide": ("n_scale must be at most 6, got 7", {"n_scale": 7}),
    "nowhere": ("x must be finite, got inf", {"location": (float("inf"), 0)}),
    "curious": ("the number of questions must be at most 4, got 5", {"questions": ["?"] * 5}),
}


@pytest.mark.parametrize(("words", "changes"), BAD.values(), ids=BAD)
def test_wrong_arguments_are_named(words, changes):
    arguments = {"image": PHOTOGRAPH, "alt": "noise"} | changes
    with pytest.raises(ValueError, match=words):
        Fovea(arguments.pop("image"), **arguments)


def test_no_text_breaks_out_of_its_place():
    text = html_of(fovea(questions=["</script><b>?"]))
    page = Page(text)
    assert json.loads(page.script)["questions"] == ["</script><b>?"]
    assert "b" not in [tag for tag, _ in page.elements]


# --- the room -------------------------------------------------------------------------------------


def test_the_room_is_small_and_always_the_same():
    one = room()
    assert one.shape == (256, 256)
    assert_array_equal(one, room())
    html = html_of(Fovea(one, alt=SEEN, n_scale=5, questions=list(QUESTIONS)))
    assert len(html) < 120_000
    assert {"Fovea", "room", "walk_over_digit"} <= set(figures.__all__)


def test_from_its_middle_the_whole_room_is_seen_in_blocks():
    figure = Fovea(room(), alt=SEEN, n_scale=5, questions=list(QUESTIONS))
    assert figure.n_number == 1280
    blocks = figure.pixels[0].reshape(16, 16, 16, 16).mean(axis=(1, 3))
    assert_allclose(figure.patches()[-1], blocks)
    assert not np.isnan(figure.seen()).any()


def test_what_answers_is_lost_from_afar_and_seen_from_near():
    """From the middle most of the detail at each place is gone; from the place itself it is not."""
    figure = Fovea(room(), alt=SEEN, n_scale=5)
    whole = figure.pixels[0]
    for _, boxes in QUESTIONS.values():
        for left, top, right, bottom in boxes:
            part = np.s_[top:bottom, left:right]
            lost = []
            for figure.x, figure.y in (  # type: ignore[misc]
                (0.0, 0.0),
                ((left + right) / 256 - 1, (top + bottom) / 256 - 1),
            ):
                lost.append(np.square(figure.seen()[part] - whole[part]).mean())
            assert lost[0] > 0.003
            assert lost[1] < 0.8 * lost[0]


def test_the_questions_lead_to_places_apart():
    middles = [
        np.array([(left + right) / 2, (top + bottom) / 2])
        for _, boxes in QUESTIONS.values()
        for left, top, right, bottom in boxes
    ]
    assert len(middles) == 4
    for k, one in enumerate(middles):
        for other in middles[:k]:
            assert np.linalg.norm(one - other) > 64


def test_six_candles_burn():
    row = room()[153, 126:165] < 150
    assert (np.diff(row.astype(int)) == 1).sum() == 6


def test_it_is_ten_past_four():
    """Along the hands the dial is dark; opposite them it is not."""
    image = room() / 255
    for share, length, dark in (
        (10 / 60, 8, True), ((4 + 10 / 60) / 12, 6, True), (40 / 60, 8, False), (0.85, 6, False),
    ):  # fmt: skip
        x = 96 + length * np.sin(2 * np.pi * share)
        y = 44 - length * np.cos(2 * np.pi * share)
        assert (image[int(y), int(x)] < 0.6) == dark
