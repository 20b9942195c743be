"""The recurrent model of visual attention walking over a picture: what it says, and its page."""

import contextlib
import hashlib
import json
import re

import numpy as np
import pytest
from chromium import launched, served
from numpy.testing import assert_allclose, assert_array_equal
from pyodide_folder import EXTENSION, module, static_folder
from test_figures_generic_live import KERNEL, document
from test_figures_live import NARROW, TOO_WIDE, WIDE, html, pixels, window_on

from attn_course import data
from attn_course.figures import COLOURS, trained
from attn_course.figures.canvas import LOOKS, Canvas
from attn_course.figures.live import STATIC
from attn_course.figures.readers import walk_over_digit
from attn_course.figures.trained import FILE, recorded_weights
from attn_course.soft_hard.reference import crop, recurrent_attention, retina

DIGIT, LABEL = data.mnist("test", subset=True)
FIRST = [int(np.flatnonzero(n == LABEL)[0]) for n in range(10)]
MODEL, SIZE, N_SCALE = "made/walk", 8, 2
OPTIONS = {"n_step": 5, "size": SIZE}


def weights(size=SIZE, n_scale=N_SCALE, seed=2):
    """Weights of a model that was never trained and walks far."""
    rng, d_part, d_hidden = np.random.default_rng(seed), 12, 16
    shapes = {
        "patch": (d_part, n_scale * size**2),
        "place": (d_part, 2),
        "what": (d_hidden, d_part),
        "where": (d_hidden, d_part),
        "mean": (2, d_hidden),
        "baseline": (1, d_hidden),
        "answer": (10, d_hidden),
    }
    params = {}
    for name, shape in shapes.items():
        params[f"{name}.w"] = rng.normal(size=shape) * 2 / np.sqrt(shape[1])
        params[f"{name}.b"] = rng.normal(size=shape[0]) / 5
    for name in ("w_input", "w_hidden"):
        params[f"core.{name}"] = rng.normal(size=(d_hidden, d_hidden)) / 4
    return params | {"core.b": np.zeros(d_hidden)}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A folder of runs where such a model is recorded."""
    save = pytest.importorskip("safetensors.numpy", reason="safetensors is not installed").save
    runs = tmp_path_factory.mktemp("runs")
    folder = runs / MODEL / "book-seed0"
    folder.mkdir(parents=True)
    content = save(weights())
    (folder / FILE).write_bytes(content)
    record = {"files": {FILE: hashlib.sha256(content).hexdigest()}}
    (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trained, "RUNS", runs)
        recorded_weights.cache_clear()
        yield runs
        recorded_weights.cache_clear()


def figure(**changes):
    given = {"size": (40, 36), "margin": 3, "options": OPTIONS} | changes
    return Canvas(
        walk_over_digit, MODEL, DIGIT[FIRST], alt="a digit and five numbered glimpses", **given
    )


# --- what it says ---------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("n_scale", "size", "shape"), [(1, 8, (28, 28)), (3, 5, (30, 47))])
def test_the_walk_is_the_packages(seed, n_scale, size, shape):
    params, n_step = weights(size, n_scale, seed), 6
    image = np.random.default_rng(seed).random(shape)
    reply = walk_over_digit(image, params, size=size)
    score, place, _, _ = recurrent_attention(
        image[None], params, np.zeros((n_step, 2)), 0.5, size, n_scale
    )
    share = np.exp(score - score.max())
    assert_allclose(reply["share"], share / share.sum())
    assert reply["answer"] == score.argmax()
    assert_allclose(reply["centre"], (place + 1) / 2 * np.array(shape[::-1]))
    assert [len(squares) for squares in reply["outer"]] == [n_scale - 1] * n_step
    read = np.zeros(shape, bool)
    for k in range(n_step):
        want = retina(image[None], place[k], size, n_scale)[:, 0]
        assert_allclose(np.reshape(reply["patch"][k], want.shape), want, atol=5.01e-5)
        squares = np.array([reply["corner"][k], *reply["outer"][k]])
        for one, square in enumerate(squares):
            left, top = square[0]
            side = size * 2**one
            assert_array_equal(
                square - square[0], np.array([[0, 0], [side, 0], [side, side], [0, side]])
            )
            # Cut out there, by index, is what the patch is the mean of; the centre is near.
            piece = crop(image[None], np.array([int(left), int(top)]), side)[0]
            blocks = piece.reshape(size, 2**one, size, 2**one).mean(axis=(1, 3))
            assert_allclose(blocks, want[one])
            assert (np.abs(square.mean(axis=0) - reply["centre"][k]) <= 0.5).all()
        left, top = (int(n) for n in squares[0, 0])
        read[max(top, 0) : max(top + size, 0), max(left, 0) : max(left + size, 0)] = True
    assert reply["says"].startswith(f"It reads {reply['answer']}, with ")
    percent = f"{100 * read.mean():.0f} %"
    assert reply["says"].endswith(f" Its 6 glimpses show {percent} of the picture sharply.")
    json.dumps(reply)


def test_the_first_glimpse_is_of_the_middle_and_none_lies_far_out():
    params = weights() | {"mean.b": np.array([90.0, -90.0])}
    reply = walk_over_digit(np.ones((28, 28)), params, n_step=3)
    assert reply["centre"] == [[14, 14], [28, 0], [28, 0]]
    assert reply["corner"][1][0] == [24, -4]


def test_it_goes_elsewhere_on_another_digit():
    ways = {str(walk_over_digit(image / 255, weights(), 3)["centre"]) for image in DIGIT[FIRST]}
    assert len(ways) == 10


@pytest.mark.parametrize("size", [7, 12, 20])
def test_weights_of_another_retina_are_refused(size):
    with pytest.raises(ValueError, match=f"weights must be for patches of {size} by {size}"):
        walk_over_digit(np.zeros((28, 28)), weights(), size=size)


# --- its canvas -----------------------------------------------------------------------------------


def test_options_go_to_the_function(runs):
    canvas = figure()
    assert canvas.state()["options"] == OPTIONS
    want = walk_over_digit(canvas.field(), recorded_weights(MODEL), **OPTIONS)
    assert canvas.read() == want
    assert len(want["corner"]) == 5
    assert len(figure(options={"n_step": 2}).read()["corner"]) == 2
    with pytest.raises(ValueError, match="patches of 7 by 7"):
        figure(options={"size": 7}).read()


def test_the_picture_joins_and_numbers_the_glimpses(runs):
    canvas = figure()
    picture, said = canvas.picture(), canvas.read()
    assert picture.count("<polygon") == 5
    white = re.findall(r'<polyline points="([^"]*)"[^>]*stroke="#fff"', picture)
    points = np.array([pair.split(",") for pair in white[0].split()], float)
    assert_allclose(points, (np.array(said["centre"]) + 3) * 300 / 42, atol=0.051)
    assert re.findall(r"text-anchor=\"middle\">(\d)</text>", picture) == list("12345")
    rings = re.findall(r'<circle [^>]*stroke="(#\w+)"', picture)
    assert rings == [COLOURS[LOOKS[k % 4]] for k in range(5)]
    assert said["says"] in re.search('aria-label="([^"]*)"', picture)[1]


# --- in the page ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser():
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with launched() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def server(tmp_path_factory, runs):
    folder = tmp_path_factory.mktemp("page")
    static = static_folder(folder) / "attn"
    for path in STATIC.glob("*.mjs"):
        (static / path.name).symlink_to(path)
    module(EXTENSION / "trained_models.py").copy(runs, static / "models")
    page = document(html(figure())).replace("host.mjs", "_static/attn/host.mjs")
    (folder / "index.html").write_text(page, encoding="utf-8")
    dark = "<style>html { --pst-color-text-base: #eee } body { background: #111 }</style>"
    page = page.replace("<style>", dark + "<style>")
    (folder / "dark.html").write_text(page, encoding="utf-8")
    kernel = KERNEL.replace("STATE", json.dumps(figure().state())).replace("MODULE", "canvas")
    kernel = kernel.replace("save_changes: () => window.saved++", "save_changes() {}, send() {}")
    (static / "kernel.html").write_text(kernel.replace("module.render", "await module.render"))
    with served(folder) as address:
        yield address


PATIENCE = 120_000  # milliseconds; Python starts slowly where others work, too

# Notes how many windows and numbers are shown, and how long the way is, whenever they change.
WATCH = """() => {
  window.shown = [];
  const marks = document.querySelector(".field svg");
  const way = () => marks.querySelector(".way")?.getAttribute("points").split(" ").length ?? 0;
  new MutationObserver(() => window.shown.push([
    marks.querySelectorAll("polygon:not([stroke-dasharray])").length,
    [...marks.querySelectorAll("text")].map((one) => one.textContent).join(""), way(),
  ])).observe(marks, { childList: true });
}"""


@contextlib.contextmanager
def reading(browser, server, path="", **settings):
    with window_on(browser, server, **settings) as page:
        page.set_default_timeout(PATIENCE)
        page.goto(server + path)
        page.locator(".attn-canvas").wait_for()
        yield page


def done(page):
    page.wait_for_selector(".attn-canvas[data-state=done]", timeout=PATIENCE)
    return page.locator(".attn-canvas").evaluate("(root) => ({ ...root.dataset })")


def drawn(shape):
    return np.array(re.findall("[^ ,]+", shape.get_attribute("points")), float).reshape(-1, 2)


def walked(page, shown=5):
    """The reply, once it is NumPy's and the field shows the walk up to a glimpse."""
    reply = json.loads(done(page)["reply"])
    image = pixels(page.locator(".field canvas"))[..., 0] / 255
    want = walk_over_digit(image, recorded_weights(MODEL), **OPTIONS)
    for name in ("share", "corner", "centre", "outer"):
        assert_allclose(reply[name], want[name], rtol=1e-9, atol=1e-12)
    assert_allclose(reply["patch"], want["patch"], atol=1.01e-4)
    assert page.locator(".said").inner_text() == reply["says"] == want["says"]
    for way in page.locator(".field .way").all():
        assert_allclose(drawn(way), reply["centre"][:shown])
    numbers = page.locator(".field text").all_text_contents()
    assert numbers == [str(k + 1) for k in range(shown)]
    high, wide = image.shape
    low, most = 0.3 - 3, np.array([wide, high]) + 3 - 0.3
    squares = page.locator(".field polygon:not([stroke-dasharray])").all()
    assert len(squares) == shown
    for square, corner in zip(squares, reply["corner"], strict=False):
        assert_allclose(drawn(square), np.clip(corner, low, most))
    (outer,) = page.locator(".field polygon[stroke-dasharray]").all()
    assert_allclose([drawn(outer)], np.clip(reply["outer"][shown - 1], low, most))
    return reply


requires = pytest.mark.requires("chromium")


@requires
def test_it_walks_in_the_page_step_by_step(browser, server, runs):
    with reading(browser, server, **WIDE) as page:
        page.get_by_role("button", name="Read it").click()
        page.evaluate(WATCH)
        reply = walked(page)
        steps = dict.fromkeys(map(tuple, page.evaluate("window.shown")))
        assert [one for one in steps if one[0]] == [(k, "12345"[:k], k) for k in range(1, 6)]
        shown = page.locator(".patches canvas").all()
        for canvas, patch in zip(shown, reply["patch"], strict=True):
            assert_allclose(pixels(canvas)[..., 0], 255 * np.clip(patch, 0, 1), atol=0.5001)
            assert pixels(canvas).shape[:2] == (N_SCALE * SIZE, SIZE)
        assert page.locator(".patches li").all_inner_texts() == list("12345")
        assert page.locator(".help").inner_text().count("Press one of its glimpses") == 1
        # Back to a step, by mouse and by keys, and on with another digit.
        page.get_by_role("button", name="the walk up to glimpse 2").click()
        walked(page, 2)
        page.get_by_role("button", name="the walk up to glimpse 4").focus()
        page.keyboard.press("Enter")
        walked(page, 4)
        pressed = page.locator(".patches button").evaluate_all("(a) => a.map((e) => e.ariaPressed)")
        assert pressed == ["false", "false", "false", "true", "false"]
        page.get_by_role("button", name="drop 7").click()
        page.wait_for_function("document.querySelectorAll('.field text').length === 5")
        assert walked(page) != reply


@requires
@pytest.mark.parametrize("path", ["", "dark.html"])
def test_narrow_and_calm(browser, server, runs, path):
    with reading(browser, server, path, reduced_motion="reduce", **NARROW) as page:
        button = page.get_by_role("button", name="Read it")
        before = button.bounding_box()
        button.click()
        page.evaluate(WATCH)
        walked(page)
        assert {one[0] for one in page.evaluate("window.shown")} <= {0, 5}, "all at once"
        assert button.bounding_box() == before
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        assert page.evaluate(TOO_WIDE) == []
        sizes = page.locator(".patches button").evaluate_all(
            "(all) => all.map((e) => e.getBoundingClientRect()).map((e) => [e.width, e.height])"
        )
        assert np.min(sizes) >= 40


@requires
def test_in_jupyter_the_kernel_answers(browser, server, runs):
    canvas = figure()
    with window_on(browser, server, reduced_motion="reduce", **WIDE) as page:
        page.goto(server + "_static/attn/kernel.html")
        page.get_by_role("button", name="Read it").click()
        page.wait_for_function("window.model.get('request')")
        canvas.request = page.evaluate("window.model.get('request')")
        page.evaluate("(reply) => window.model.set('reply', reply)", canvas.reply)
        walked(page)
