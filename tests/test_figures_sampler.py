"""The figure of the sampler without a browser: numbers under Node, arguments, its picture."""

import io
import json
import re
import subprocess

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from test_figures import Page, decoded, html_of, photograph

from attn_course.figures import SamplerFigure
from attn_course.figures.live import STATIC
from attn_course.spatial_transformer import reference

# --- parity: what the page computes is what the package computes ----------------------------------

RUNNER = """
import { readFileSync } from "node:fs";
const { modules, states } = JSON.parse(readFileSync(0, "utf8"));
const results = [];
for (const path of modules) {
  const { compute } = await import(path);
  results.push(states.map(compute));
}
console.log(JSON.stringify(results));
"""

MUTANTS = {
    "corners confused": ("aligned ? n - 1 : n", "aligned ? n : n - 1"),
    "edges of the output": ("(i - (n - 1) / 2) / Math", "(i - n / 2) / Math"),
    "a single pixel off its centre": ("unit(n, aligned), 0.5)", "unit(n, aligned), -0.5)"),
    "matrix transposed": ("raw[0] * u + raw[1] * v", "raw[0] * u + raw[3] * v"),
    "no shift": ("raw[4] * v + raw[5]", "raw[4] * v"),
    "height for width": ("raw[2], width, align", "raw[2], height, align"),
    "rounded, not floored": ("Math.floor(x), Math.floor(y)", "Math.round(x), Math.round(y)"),
    "towards zero": ("Math.floor(x), Math.floor(y)", "Math.trunc(x), Math.trunc(y)"),
    "lower right pixels left out": ("top + (k >> 1), left", "top + (k >> 2), left"),
    "wraps to the next row": ("column >= 0 && column < width", "column < width"),
    "paddings confused": ('padding === "border"', 'padding !== "border"'),
    "clipped to the edge": ("clamp(x, 0, width - 1)", "clamp(x, -0.5, width - 0.5)"),
    "bytes not divided": ("/ 255", "/ 256"),
    "another pixel chosen": ("row * columns + column;", "row * columns;"),
    "rows read as columns": ("coordinate(j, columns,", "coordinate(j, rows,"),
}  # fmt: skip


def random_states(n_state):
    """States of the figure: all four rules, axes of one pixel, points far off and on pixels."""
    rng = np.random.default_rng(30)
    for k in range(n_state):
        height, width = (int(n) for n in rng.choice(np.arange(1, 9), 2, replace=False))
        rows, columns = (int(n) for n in rng.choice(np.arange(1, 7), 2, replace=False))
        raw = rng.normal(0, (0.7, 2.5)[k % 3 == 0], 6)
        yield {
            "image": rng.integers(0, 256, height * width).tolist(),
            "height": height,
            "width": width,
            "rows": rows,
            "columns": columns,
            "raw": np.rint(raw).tolist() if k % 5 == 0 else raw.tolist(),
            "align_corners": bool(k & 1),
            "padding": reference.PADDINGS[k >> 1 & 1],
            "row": int(rng.integers(rows)),
            "column": int(rng.integers(columns)),
        }


def expected(state):
    """Sample, points, weights on the whole image, from the package's NumPy."""
    image = np.reshape(state["image"], (1, state["height"], state["width"])) / 255
    aligned, padding = state["align_corners"], state["padding"]
    size = state["rows"], state["columns"]
    grid = reference.affine_grid(np.reshape(state["raw"], (2, 3)), size, aligned)
    chosen = np.zeros((1, *size))
    chosen[0, state["row"], state["column"]] = 1
    weight, _ = reference.bilinear_gradient(image, grid, chosen, padding, aligned)
    point = [
        reference.pixel_position(grid[..., k], state[side], aligned)
        for k, side in enumerate(("width", "height"))
    ]
    if padding == "border":
        sides = ("width", "height")
        point = [np.clip(p, 0, state[side] - 1) for p, side in zip(point, sides, strict=True)]
    return {
        "sample": reference.bilinear_sample(image, grid, padding, aligned).ravel(),
        "points": np.stack(point, axis=-1).reshape(-1, 2),
        "weight": weight[0],
    }


def assert_parity(states, results):
    assert len(states) == len(results)
    for state, result in zip(states, results, strict=True):
        want = expected(state)
        for name in ("sample", "points"):
            got = np.array(result[name], float)
            assert_allclose(got, want[name], rtol=0, atol=1e-10, err_msg=name)
        weight, value = np.zeros((state["height"], state["width"])), 0.0
        for pixel in result["pixels"]:
            if not pixel["inside"]:
                assert_allclose(pixel["weight"], 0, err_msg="outside")
                continue
            weight[pixel["row"], pixel["column"]] += pixel["weight"]
            value += pixel["weight"] * pixel["value"]
        assert_allclose(weight, want["weight"], rtol=0, atol=1e-10, err_msg="weight")
        chosen = state["row"] * state["columns"] + state["column"]
        assert_allclose(value, want["sample"][chosen], rtol=0, atol=1e-10, err_msg="value")


@pytest.fixture(scope="module")
def computed(tmp_path_factory):
    """The states, and what the module and each of its mutants make of them."""
    folder, states = tmp_path_factory.mktemp("modules"), list(random_states(120))
    source = (STATIC / "sampler.mjs").read_text(encoding="utf-8")
    modules = {"the figure": STATIC / "sampler.mjs"}
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
    states = list(random_states(120))
    assert {(s["align_corners"], s["padding"]) for s in states} == {
        (aligned, padding) for aligned in (False, True) for padding in reference.PADDINGS
    }
    for side in ("height", "width", "rows", "columns"):
        assert sum(s[side] == 1 and s["align_corners"] for s in states) > 3
    sums = [expected(s)["weight"].sum() for s in states if s["padding"] == "zeros"]
    assert sum(total == 0 for total in sums) > 5, "nothing read"
    assert sum(0 < total < 0.999 for total in sums) > 5, "in part outside"
    assert sum(total > 0.999 for total in sums) > 5, "inside"
    assert all(expected(s)["weight"].sum() > 0.999 for s in states if s["padding"] == "border")


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


# --- the class ------------------------------------------------------------------------------------

HEIGHT, WIDTH, SIZE = 40, 60, (5, 6)
THETA = np.array([[0.4, -0.1, 0.1], [0.15, 0.5, -0.2]])
PHOTOGRAPH = photograph(HEIGHT, WIDTH)


def sampler(**changes):
    given = {"theta": THETA, "size": SIZE, "pixel": (1, 2), "alt": "a noisy photograph"} | changes
    return SamplerFigure(PHOTOGRAPH, **given)


def test_page_holds_the_module_and_the_whole_state():
    page = Page(html_of(sampler(padding="border")))
    assert page.one("figure")["data-module"] == "sampler"
    state = json.loads(page.script)
    assert len(state.pop("image")["base64"]) == HEIGHT * WIDTH * 4 // 3
    assert state == {
        "alt": "a noisy photograph",
        "height": HEIGHT,
        "width": WIDTH,
        "rows": 5,
        "columns": 6,
        "raw": [0.4, -0.1, 0.1, 0.15, 0.5, -0.2],
        "align_corners": False,
        "padding": "border",
        "row": 1,
        "column": 2,
    }
    assert sampler()._esm == (STATIC / "sampler.mjs").read_text(encoding="utf-8")


@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize("padding", reference.PADDINGS)
def test_output_is_the_packages(aligned, padding):
    figure = sampler(align_corners=aligned, padding=padding)
    figure.theta = 3 * THETA
    want = reference.warp(
        PHOTOGRAPH[None] / 255, (3 * THETA).ravel(), "affine", SIZE, padding, aligned
    )
    assert_allclose(figure.glimpse(), want[0])
    state = figure.state() | {"image": PHOTOGRAPH.ravel()}
    assert_allclose(figure.positions().reshape(-1, 2), expected(state)["points"])


def test_without_a_map_the_box_is_the_middle():
    figure = SamplerFigure(np.stack([PHOTOGRAPH] * 3, axis=-1), alt="grey in colours")
    assert_array_equal(figure.theta, [[0.5, 0, 0], [0, 0.5, 0]])
    assert_array_equal(figure.pixels[0], PHOTOGRAPH / 255)
    assert figure.glimpse().shape == (8, 8)


@pytest.mark.parametrize("factor", [1, 4])
def test_picture_shows_photograph_grid_and_output(factor):
    figure = sampler(theta=factor * THETA, align_corners=True)
    page = Page(figure.picture())
    photo, output = (a for t, a in page.elements if t == "image")
    assert_array_equal(decoded(photo["href"]), PHOTOGRAPH)
    assert_array_equal(decoded(output["href"]), np.rint(figure.glimpse() * 255))
    outline, _, dots = [a["d"] for t, a in page.elements if t == "path"][:3]
    numbers = [np.array(re.findall(r"[-\d.]+ [-\d.]+", path)) for path in (outline, dots)]
    corner, point = (np.array([pair.split() for pair in part], float) for part in numbers)
    # With aligned corners the outermost points are the corners of the box.
    assert_allclose(corner[[0, 1, 3]], point[[0, 5, 24]], atol=0.011)
    scale = float(photo["width"]) / WIDTH
    first = (point[0] - [float(photo["x"]), float(photo["y"])]) / scale - 0.5
    assert_allclose(first, figure.positions()[0, 0], atol=0.02)
    wide, high = (float(n) for n in page.one("svg")["viewbox"].split()[2:])
    assert (corner >= 0).all()
    assert (corner <= [wide, high]).all()
    alt = page.one("svg")["aria-label"]
    assert alt.startswith("a noisy photograph, with the box of an affine grid of 5 by 6 points")
    assert "align_corners true and padding zeros" in alt
    x, y = figure.positions()[1, 2]
    assert f"read at x {x:.4g}, y {y:.4g}: {figure.glimpse()[1, 2]:.3f}." in alt


BAD = {
    "empty alt": (ValueError, "alt must say", {"alt": " "}),
    "flat map": (ValueError, r"theta must have shape \(2, 3\), got \(6,\)", {"theta": np.ones(6)}),
    "endless": (ValueError, "theta must be finite, got inf", {"theta": np.full((2, 3), np.inf)}),
    "no output": (ValueError, "size must be at least 1, got 0", {"size": (4, 0)}),
    "padding": (ValueError, "padding must be one of 'zeros', 'border'", {"padding": "reflect"}),
    "pixel": (ValueError, "column must be at most 5, got 6", {"pixel": (0, 6)}),
    "before": (ValueError, "row must be at least 0, got -1", {"pixel": (-1, 0)}),
}


@pytest.mark.parametrize("name", BAD)
def test_wrong_arguments_are_named(name):
    kind, text, changes = BAD[name]
    with pytest.raises(kind, match=text):
        sampler(**changes)


def test_wrong_images_and_numbers_are_named():
    with pytest.raises(TypeError, match="image must be uint8, got float64"):
        SamplerFigure(np.zeros((4, 5)), alt="floats")
    with pytest.raises(ValueError, match="image must have shape"):
        SamplerFigure(np.zeros(4, np.uint8), alt="one axis")
    figure = sampler()
    with pytest.raises(ValueError, match=r"raw must have shape \(6,\), got \(2,\)"):
        figure.raw = [1.0, 2.0]
    with pytest.raises(ValueError, match=r"theta must have shape \(2, 3\)"):
        figure.theta = np.eye(3)
    assert_array_equal(figure.theta, THETA)


def test_controls_and_figure_move_each_other():
    figure = sampler()
    controls = figure.controls()

    def shown():
        assert [number.value for number in controls.numbers] == figure.raw
        image = np.asarray(Image.open(io.BytesIO(controls.image.value)))
        assert_array_equal(image, np.kron(np.rint(figure.glimpse() * 255), np.ones((28, 28))))

    shown()
    controls.numbers[4].value = 1.5
    assert figure.theta[1, 1] == 1.5
    shown()
    figure.theta = -THETA
    shown()
    controls.padding.value, controls.align_corners.value = "border", True
    assert (figure.padding, figure.align_corners) == ("border", True)
    shown()
    assert repr(controls) == "<Controls of a SamplerFigure>"
    text = controls._repr_mimebundle_()["text/html"]
    assert [tag for tag, _ in Page(text).elements] == ["p", "em"]
