"""The chapter of the built book as its readers meet it, in Chromium and in Firefox.

Its figures are moved and their numbers compared with NumPy's, its cells run, an exercise is failed
and solved; and where something is missing, the page shows what it should.

make book && .venv/bin/python .ci/browsers.py
.venv/bin/python -m pytest tests/test_pages_browsers.py --site _build/html
"""

import contextlib
import functools
import json
import re
import time
from pathlib import Path

import numpy as np
import pytest
from browsers import ROOT, WIDE, Look, firefox
from chromium import Chromium, launched, served
from numpy.testing import assert_allclose
from test_figures_live import TOO_WIDE
from test_pages_firefox import TYPESET
from test_site import CONTRAST

from attn_course import data
from attn_course.exercises import load
from attn_course.figures import read_digit, read_turned_digit
from attn_course.figures.trained import recorded_weights
from attn_course.gaussian import reference, task
from attn_course.spatial_transformer import reference as transformer

pytestmark = [
    pytest.mark.site,
    pytest.mark.requires("node", "firefox-esr", "chromium"),
]

CHAPTER = "book/gaussian.html"
PHONE = Look(width=320, height=700, dark=True, calm=True, touch=True)
CELLS = json.loads((ROOT / CHAPTER).with_suffix(".ipynb").read_text(encoding="utf-8"))["cells"]
LIVE = [cell for cell in CELLS if "live" in cell["metadata"].get("tags", [])]
MODULES = {"glimpse", "canvas", "frames"}


@pytest.fixture(scope="module")
def site(request):
    folder = Path(request.config.getoption("site")).resolve()
    if not (folder / "_static" / "python").exists():
        pytest.skip("this book was built without Python for its pages")
    return folder


@pytest.fixture(scope="module", params=["chromium", "firefox"])
def browser(request):
    if request.param == "firefox":
        with firefox() as running:
            yield running
    else:
        with launched() as running:
            yield Chromium(running)


@contextlib.contextmanager
def opened(browser, site, *missing, look=WIDE, chapter=CHAPTER):
    """A chapter in a window of its own, without some of the site's files."""
    with served(site, *missing) as address, browser.window(look) as window:
        window.goto(address + chapter)
        if look.scripts:  # until the formulas stand, the page moves under a hand
            window.evaluate("async () => { await MathJax.startup.promise; }")
        yield window


@pytest.fixture(scope="module")
def wide(browser, site):
    with opened(browser, site) as window:
        window.wait("() => document.querySelector('.attn-bar')")
        yield window


@pytest.fixture
def page(wide):
    """One wide page for all tests that break nothing."""
    yield wide
    assert wide.faults() == []


def alive(window, module, mounted="yes"):
    """Bring a figure into view, and wait until it lives or has given up."""
    figure = f"figure[data-module={module}]"
    window.middle(figure)
    window.wait("(one) => document.querySelector(one).dataset.mounted", figure)
    found = window.evaluate("(one) => document.querySelector(one).dataset.mounted", figure)
    assert found == mounted, f"{module}: {window.faults()}"


DATA = """(one) => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(
  () => done({ ...document.querySelector(one).dataset }))))"""

PIXELS = """(one) => {
  const canvas = document.querySelector(one), { width, height } = canvas;
  const all = canvas.getContext("2d").getImageData(0, 0, width, height).data;
  return [height, width, [...all]];
}"""


def pixels(window, canvas):
    """Red, green and blue of a canvas, (height, width, 3)."""
    height, width, values = window.evaluate(PIXELS, canvas)
    return np.array(values).reshape(height, width, 4)[..., :3]


def scale(window, element, n_pixel):
    """Pixels of a picture for one of the screen."""
    width = "(one) => document.querySelector(one).getBoundingClientRect().width"
    return n_pixel / window.evaluate(width, element)


# --- figures --------------------------------------------------------------------------------------


@functools.cache
def cat():
    """The photograph (1, 128, 128) below the window, in the 256 greys of the figure."""
    return (task.grey("cat", 128) * 255).round().astype(float)[None] / 255


def sampled(window):
    """The matrix of the box over the cat, once the picture read through it is NumPy's."""
    said = window.evaluate(DATA, ".attn-sampler")
    theta, aligned = (
        np.array(json.loads(said["theta"])).reshape(2, 3),
        said["alignCorners"] == "true",
    )
    grid = transformer.affine_grid(theta, (12, 12), aligned)
    seen = transformer.bilinear_sample(cat(), grid, said["padding"], aligned)[0]
    assert_allclose(float(said["outputMean"]), seen.mean(), rtol=0, atol=1e-9)
    grey = pixels(window, ".attn-sampler .sampled canvas")[..., 0]
    assert_allclose(grey, 255 * seen, rtol=0, atol=0.501)
    return theta


def test_the_sampler_is_moved_and_reads_what_numpy_reads(browser, site):
    with opened(browser, site, chapter="book/spatial_transformer.html") as window:
        alive(window, "sampler")
        start = sampled(window)
        window.drag(".attn-sampler [data-grip=move]", 90, -70)
        moved = sampled(window)
        assert_allclose(moved[:, :2], start[:, :2])
        assert (np.sign(moved[:, 2] - start[:, 2]) == [1, -1]).all()
        window.focus(".attn-sampler [data-grip=turn]")
        window.press("]", "]", "]", "ArrowRight")
        turned = sampled(window)
        assert np.abs(turned[:, :2] - moved[:, :2]).max() > 0.05
        for choice in ("border", "true"):
            window.click(f".attn-sampler input[value={choice}]")
            sampled(window)
        assert window.faults() == []


def glimpse(window):
    """The window over the cat, once all that the figure shows is what NumPy computes."""
    said = window.evaluate(DATA, ".attn-glimpse")
    mean = np.array([float(said["meanX"]), float(said["meanY"])])
    std, stride, rule = float(said["std"]), float(said["stride"]), said["rule"]
    both = np.full(2, std), np.full(2, stride)
    seen = reference.gaussian_glimpse(cat(), mean, *both, (12, 12), rule)[0]
    banks = [reference.filterbank(first, std, stride, 12, 128, rule) for first in mean]
    least = min(bank.sum(axis=1).min() for bank in banks)
    shown = [float(said["glimpseMean"]), float(said["rowSum"])]
    assert_allclose(shown, [seen.mean(), least], rtol=0, atol=1e-9)
    grey = pixels(window, ".attn-glimpse .read canvas")[..., 0]
    assert_allclose(grey, 255 * seen, rtol=0, atol=0.501)
    words = window.text(".attn-glimpse .read-out")
    assert f"({mean[0]:.2f}, {mean[1]:.2f}) px" in words
    assert f"row sum {least:.3f}" in words
    return mean, std, stride, rule


def assert_at(window, mean, *rest, within=0.0051):
    """The figure rounds to a hundredth of a pixel; a finger is less sure."""
    got = glimpse(window)
    assert_allclose(got[0], mean, rtol=0, atol=within)
    assert got[1:] == rest


def test_the_glimpse_is_moved_and_is_what_numpy_computes(page):
    alive(page, "glimpse")
    assert_at(page, (34, 30), 1.5, 3.0, "exact")
    page.drag(".attn-glimpse .window", 40, -26)
    mean = np.array([34, 30]) + np.array([40, -26]) * scale(page, ".attn-glimpse .picture", 128)
    assert_at(page, mean, 1.5, 3.0, "exact")
    page.focus(".attn-glimpse .window")
    page.press("Shift+ArrowRight", "ArrowUp", "-", "]")
    assert_at(page, mean + (8, -1), 1.65, 2.75, "exact")
    page.focus(".attn-glimpse input[name=stride]")
    page.press("End")
    page.focus(".attn-glimpse input[name=std]")
    page.press("Home")
    before = glimpse(page)[0]
    assert_at(page, before, 0.05, 10.67, "exact")
    page.click(".attn-glimpse input[value=source]")
    assert_at(page, before, 0.05, 10.67, "source")
    assert float(page.evaluate(DATA, ".attn-glimpse")["rowSum"]) < 0.9
    page.click(".attn-glimpse .reset")
    assert_at(page, (34, 30), 1.5, 3.0, "exact")


def reading(window, reader=read_digit, model="gaussian/reader-4"):
    """Place and answer of the reader, once all that it says of the field is what NumPy says."""
    window.wait("() => document.querySelector('.attn-canvas').dataset.state === 'done'")
    said = window.evaluate(DATA, ".attn-canvas")
    field = pixels(window, ".attn-canvas .field canvas")[..., 0] / 255
    want = reader(field, recorded_weights(model))
    reply = json.loads(said["reply"])
    for name in ("share", "corner"):
        assert_allclose(reply[name], want[name], rtol=1e-9, atol=1e-12)
    assert_allclose(reply["patch"], want["patch"], rtol=0, atol=1.01e-4)
    assert window.text(".attn-canvas .said") == want["says"]
    for k, patch in enumerate(want["patch"], start=1):
        seen = pixels(window, f".attn-canvas .patches li:nth-child({k}) canvas")[..., 0]
        assert_allclose(seen, 255 * np.clip(patch, 0, 1), rtol=0, atol=0.6)
    return int(said["x"]), int(said["y"]), int(said["answer"])


def test_the_trained_reader_is_asked_and_says_what_numpy_says(page):
    alive(page, "canvas")
    page.click("[aria-label='drop a 3']")
    page.push(".attn-canvas", "Read it")
    assert reading(page) == (16, 16, 3)
    page.focus(".attn-canvas .field")
    page.press("ArrowLeft", "Shift+ArrowUp")
    assert reading(page) == (15, 8, 3)
    page.click("[aria-label='drop a 6']")
    pixel = 1 / scale(page, ".attn-canvas .field", 60)
    page.drag(".attn-canvas .field", 7 * pixel, 5 * pixel)
    x, y, answer = reading(page)
    assert (x, y, answer) == (22, 13, 6)
    page.push(".attn-canvas", "Add clutter")
    reading(page)


def test_the_trained_transformer_is_asked_and_says_what_numpy_says(browser, site):
    asked = read_turned_digit, "spatial_transformer/rotated-st-fcn-20k"
    with opened(browser, site, chapter="book/spatial_transformer.html") as window:
        alive(window, "canvas")
        window.push(".attn-canvas", "Read it")
        reading(window, *asked)
        for digit in (3, 7):
            window.click(f"[aria-label='drop a turned {digit}']")
            reading(window, *asked)
        window.push(".attn-canvas", "Clear and draw")
        pixel = 1 / scale(window, ".attn-canvas .field", 38)
        window.drag(".attn-canvas .field", 9 * pixel, 4 * pixel)
        reading(window, *asked)
        alive(window, "frames")
        assert window.faults() == []


@functools.cache
def tracked():
    """Films (6, 40, 64, 64) and overlaps (6, 40) of the recorded tracker; the overlap by NumPy."""
    torch = pytest.importorskip("torch")
    from attn_course.gaussian import recipe
    from attn_course.training import RUNS, read_arrays, records, run_folder

    config = recipe.Config(**records("gaussian", "track")[0]["config"])
    tracker = recipe.build(config, torch.Generator())
    weights = read_arrays(run_folder(RUNS, "gaussian", "track", "book", 0), "weights")
    tracker.load_state_dict({name: torch.from_numpy(one) for name, one in weights.items()})
    digits, _ = data.mnist("test", subset=True)
    photo = task.grey(data.PHOTOGRAPHS[2], 128)[None]
    rng = np.random.default_rng(11)
    frame, _, box, _ = task.film(rng, digits[40:46], digits, photo, 40, np.full(6, 5))
    with torch.no_grad():
        guess, _, _ = tracker(torch.from_numpy(frame), torch.from_numpy(box[:, 0]))
    return frame, task.intersection_over_union(guess.numpy(), box)


@pytest.mark.parametrize(("key", "index"), [("Home", 0), ("ArrowRight", 1), ("End", 39)])
def test_the_films_are_walked_through_and_are_those_of_the_tracker(page, key, index):
    alive(page, "frames")
    frame, overlap = tracked()
    mean = overlap.mean(axis=1)
    page.focus(".attn-frames input")
    page.press(key)
    assert page.evaluate(DATA, ".attn-frames")["index"] == str(index)
    said = re.findall(r"\d\.\d\d", page.text(".attn-frames p"))
    best, worst = mean.argmax(), mean.argmin()
    assert_allclose(np.array(said, float), overlap[[best, worst], index], rtol=0, atol=0.0051)
    shown = pixels(page, ".attn-frames canvas")
    left, right = (
        (17 * (15 * frame[n, index]).round()).repeat(2, 0).repeat(2, 1) for n in (best, worst)
    )
    film = np.concatenate([left, np.full((128, 4), 255), right], axis=1)
    bare = (shown == shown[..., :1]).all(axis=-1) & (shown[..., 0] < 255)  # no outline there
    assert bare.mean() > 0.5
    assert_allclose(shown[bare][:, 0], film[bare])


# --- cells and exercises --------------------------------------------------------------------------

STATUS = "(cell) => document.querySelector(`${cell} .attn-status`).textContent"
NAMED = ".cell[data-part=starter][data-exercise='{}']"


def ended(window, cell):
    """What a cell's status says when nothing runs in it any more."""
    window.wait("(cell) => document.querySelector(cell).ariaBusy === 'false'", cell)
    return window.evaluate(STATUS, cell)


def write(window, cell, code):
    """Put code in the place of a cell's."""
    if not window.evaluate("(one) => document.querySelector(`${one} .attn-editor`)", cell):
        window.push(cell, "Edit")
        editor = "(one) => document.querySelector(`${one} .attn-editor [contenteditable]`)"
        window.wait(editor, cell)
    window.focus(f"{cell} .attn-editor [contenteditable]")
    window.press("Control+A")
    window.insert(code)


def number_cells(window):
    """Give the live cells names, `#live-0` and so on, and empty what the book shows below them."""
    window.wait("() => document.querySelector('.attn-bar')")
    window.evaluate("""() => document.querySelectorAll(".cell.tag_live").forEach((cell, k) => {
      cell.id = `live-${k}`;
      cell.querySelector(".cell_output").replaceChildren();
    })""")


def printed(cell):
    """What the notebook keeps of a cell: printed text, or the name of a drawing."""
    (output,) = cell["outputs"]
    if output["output_type"] == "stream":
        return "".join(output["text"]).strip()
    return re.fullmatch("<Drawing: (.*)>", "".join(output["data"]["text/plain"]))[1]


@pytest.mark.parametrize("number", range(len(LIVE)))
def test_each_live_cell_of_a_fresh_page_gives_what_the_book_shows(browser, site, number):
    with opened(browser, site) as window:
        number_cells(window)
        cell = f"#live-{number}"
        window.push(cell, "Run")
        assert ended(window, cell).startswith("Ran in")
        gave = """(cell) => {
          const output = document.querySelector(`${cell} .cell_output`);
          return output.querySelector("svg")?.getAttribute("aria-label") ?? output.innerText.trim();
        }"""
        assert window.evaluate(gave, cell) == printed(LIVE[number])
        assert window.faults() == []


def test_each_starter_runs(page):
    starters = page.evaluate("""() => [...document.querySelectorAll("[data-part=starter]")]
      .map((one) => [one.dataset.exercise, one.dataset.needs])""")
    assert len(starters) > 5
    for name, needs in starters:
        cell = NAMED.format(name)
        if needs == "torch":
            assert "run it in Jupyter" in page.text(f"{cell} .attn-note")
        else:
            page.push(cell, "Run")
            assert ended(page, cell).startswith("Ran in"), name


def test_an_exercise_is_failed_its_hints_are_opened_and_it_is_solved(page):
    name = "gaussian/filterbank"
    cell, verdict = NAMED.format(name), f"[data-part=check][data-exercise='{name}'] .cell_output"
    wrong = load(name).starter().replace("raise NotImplementedError", "return np.ones(3)")
    write(page, cell, wrong)
    page.push(cell, "Check")
    assert ended(page, cell) == "Not yet"
    assert "not yet" in page.text(verdict)
    assert "shape" in page.text(verdict)
    for k in (1, 2, 3):
        hint = f"#ex-filterbank details:nth-of-type({k})"
        seen = "(one) => document.querySelector(`${one} > p`).checkVisibility()"
        assert not page.evaluate(seen, hint)
        page.push(hint, f"Hint {k}")
        page.wait(seen, hint, seconds=5)
    write(page, cell, load(name).solution())
    page.push(cell, "Check")
    assert "passed" in ended(page, cell)
    assert "3 of 3 points" in page.text(verdict)


def test_an_endless_loop_is_stopped_after_ten_seconds(page):
    number_cells(page)
    write(page, "#live-0", "while True: pass")
    page.push("#live-0", "Run")
    page.wait("() => document.querySelector('#live-0 .attn-status').textContent === 'Running'")
    start = time.monotonic()
    assert ended(page, "#live-0") == "Stopped"
    assert 9 < time.monotonic() - start < 20
    assert "Stopped after 10 seconds" in page.text("#live-0 .cell_output")
    page.push("#live-0", "Reset")
    page.push("#live-0", "Run")
    assert ended(page, "#live-0").startswith("Ran in")
    assert page.evaluate("() => document.querySelectorAll('#live-0 .cell_output svg').length") == 1


# --- what is missing ------------------------------------------------------------------------------

PICTURES = """() => Object.fromEntries([...document.querySelectorAll("figure.attn-live")]
  .map((figure) => [figure.dataset.module, figure.querySelector(".attn-fallback svg")])
  .map(([name, svg]) => [name, svg.checkVisibility() && svg.clientHeight > 40]))"""


def assert_pictures(window, *modules):
    """These figures show their pictures, and the others do not."""
    assert window.evaluate(PICTURES) == {name: name in modules for name in MODULES}


def assert_only_missing(window, pattern):
    """Nothing went wrong but what was kept back; and that did."""
    faults = window.faults()
    assert faults
    assert [one for one in faults if not re.search(f"404|{pattern}", one)] == []


def assert_cells_as_in_the_book(window):
    """No buttons; the code and what it gave when the book was made stand there."""
    count = "(one) => document.querySelectorAll(one).length"
    assert window.evaluate(count, ".attn-bar, .attn-button") == 0
    assert window.evaluate(count, ".cell.tag_live .cell_output svg[role=img]") == 2
    texts = window.evaluate("""() => [...document.querySelectorAll(".cell.tag_live")]
      .map((cell) => cell.innerText)""")
    assert "by_hand = np.zeros((5, 5))" in texts[0]
    assert printed(LIVE[2]) in texts[2]


def test_a_figure_without_its_module_stays_a_picture(browser, site):
    with opened(browser, site, "glimpse.mjs", "frames.mjs") as window:
        alive(window, "glimpse", mounted="no")
        alive(window, "frames", mounted="no")
        alive(window, "canvas")
        assert_pictures(window, "glimpse", "frames")
        assert_only_missing(window, "glimpse|frames")


def test_without_python_the_cells_and_the_reader_stay_as_in_the_book(browser, site):
    with opened(browser, site, "/python/", "/pyodide/", "/numpy-wasm/") as window:
        alive(window, "glimpse")
        alive(window, "canvas", mounted="no")
        alive(window, "frames")
        assert_pictures(window, "canvas")
        assert_cells_as_in_the_book(window)
        assert_at(window, (34, 30), 1.5, 3.0, "exact")
        assert_only_missing(window, "pyodide-lock.json")


def test_python_that_does_not_load_is_said_and_what_was_there_stays(browser, site):
    with opened(browser, site, "pyodide.asm.wasm") as window:
        window.wait("() => document.querySelector('.attn-bar')")
        window.evaluate("() => (document.querySelector('.cell.tag_live').id = 'live-0')")
        window.push("#live-0", "Run")
        assert ended(window, "#live-0") == "Stopped"
        assert "Python could not be loaded" in window.text("#live-0 .cell_output")
        kept = "() => document.querySelectorAll('#live-0 .cell_output svg[role=img]').length"
        assert window.evaluate(kept) == 1
        alive(window, "canvas")
        window.push(".attn-canvas", "Read it")
        window.wait("() => document.querySelector('.attn-canvas').dataset.state === 'error'")
        assert "Python could not be loaded" in window.text(".attn-canvas .said")
        # What was still on its way is broken off.
        assert_only_missing(
            window, "pyodide.asm.wasm|failed: .*/_static/(pyodide|numpy-wasm|python)/"
        )


def test_without_scripts_there_are_pictures_and_hints(browser, site):
    with opened(browser, site, look=Look(scripts=False)) as window:
        assert_pictures(window, *MODULES)
        assert_cells_as_in_the_book(window)
        hint = "() => document.querySelector('#ex-filterbank details > p').checkVisibility()"
        assert not window.evaluate(hint)
        window.focus("#ex-filterbank summary")
        window.press("Enter")
        window.wait(hint, seconds=5)
        formula = "() => document.querySelector('#ex-filterbank div.math').innerText"
        assert r"\exp\left(" in window.evaluate(formula)  # as the author wrote it


def test_from_a_file_all_that_does_not_move_is_right_and_it_says_how_to_serve_it(browser, site):
    with browser.window() as window:
        window.goto((site / CHAPTER).as_uri())
        assert window.evaluate("() => document.querySelectorAll('.math').length") > 50
        assert window.evaluate(TYPESET) == 0
        fonts = """() => [...document.fonts].filter((one) => /MJX/.test(one.family))
          .filter((one) => one.status === "loaded").length"""
        window.wait(f"() => ({fonts})() > 3", seconds=20)
        assert_pictures(window, *MODULES)
        assert_cells_as_in_the_book(window)
        broken = """() => [...document.querySelectorAll("article img")]
          .filter((one) => !(one.loading = "eager", one.complete && one.naturalWidth)).length"""
        window.wait(f"() => ({broken})() === 0", seconds=20)
        assert "python -m http.server" in window.text("article [role=note]")
        assert not [one for one in window.faults() if "another host" in one]


# --- a phone, at night, held by someone who likes it calm -----------------------------------------


@pytest.fixture(scope="module")
def phone(browser, site):
    with opened(browser, site, look=PHONE) as window:
        window.wait("() => document.querySelector('.attn-bar')")
        for module in MODULES:
            alive(window, module)
        yield window
        assert window.faults() == []


def test_a_served_page_does_not_say_how_to_serve_it(phone):
    assert phone.evaluate("() => document.querySelectorAll('article [role=note]').length") == 0


def test_a_finger_moves_the_figures_and_runs_a_cell(phone):
    phone.swipe(".attn-glimpse .window", 24, -12)
    pixel = scale(phone, ".attn-glimpse .picture", 128)
    moved = np.array([34, 30]) + np.array([24, -12]) * pixel
    assert_at(phone, moved, 1.5, 3.0, "exact", within=pixel)
    phone.tap("[aria-label='drop a 6']")
    phone.wait("() => document.querySelector('.attn-canvas').dataset.stamp === '6'", seconds=5)
    counts = """() => {
      const field = document.querySelector(".attn-canvas .field svg");
      window.counts = [];
      new MutationObserver(() => counts.push(field.childElementCount))
        .observe(field, { childList: true });
    }"""
    phone.evaluate(counts)
    phone.tap(".attn-canvas .read")
    phone.wait("() => counts.length", seconds=60)
    assert reading(phone) == (16, 16, 6)
    assert set(phone.evaluate("() => counts")) == {4}  # no window after another
    pixel = 1 / scale(phone, ".attn-canvas .field", 60)
    phone.swipe(".attn-canvas .field", 5 * pixel, -4 * pixel)
    phone.wait("() => document.querySelector('.attn-canvas').dataset.x === '21'", seconds=5)
    assert reading(phone) == (21, 12, 6)
    phone.tap(".attn-frames button")
    phone.wait("() => document.querySelector('.attn-frames').dataset.index === '1'", seconds=5)
    number_cells(phone)
    phone.evaluate("() => (document.querySelector('#live-0 .attn-bar button + button').id = 'run')")
    phone.tap("#run")
    phone.wait("() => document.querySelector('#live-0').ariaBusy === 'true'", seconds=5)
    assert ended(phone, "#live-0").startswith("Ran in")


def test_nothing_moves_by_itself_where_less_motion_is_asked_for(phone):
    assert phone.text(".attn-frames button") == "next"
    duration = "(one) => getComputedStyle(document.querySelector(one)).transitionDuration"
    assert phone.evaluate(duration, ".attn-glimpse .handle") == "0s"
    assert phone.evaluate("() => document.getAnimations().length") == 0
    assert (
        phone.evaluate("() => getComputedStyle(document.documentElement).scrollBehavior") == "auto"
    )


def test_a_narrow_dark_page_is_read_without_scrolling_aside(phone):
    number_cells(phone)
    write(phone, "#live-2", "print('x' * 300)  # " + "word " * 30)
    phone.push("#live-2", "Run")
    assert ended(phone, "#live-2").startswith("Ran in")
    assert phone.evaluate("() => document.documentElement.scrollWidth") <= 320
    assert phone.evaluate(TOO_WIDE) == []
    assert phone.evaluate("() => document.documentElement.dataset.theme") == "dark"
    ground = phone.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert max(map(float, re.findall(r"\d+", ground)[:3])) < 64
    assert phone.evaluate(CONTRAST) == []
