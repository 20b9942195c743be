"""A trained model in the page: it says what NumPy says, by mouse, finger and keys alone."""

import base64
import contextlib
import json
import re

import numpy as np
import pytest
from chromium import launched, served
from numpy.testing import assert_allclose
from pyodide_folder import EXTENSION, module, static_folder
from test_figures_generic_live import KERNEL, document, swipe
from test_figures_live import NARROW, PHONE, TOO_WIDE, WIDE, drag, html, middle, pixels, window_on

from attn_course import data
from attn_course.figures import COLOURS
from attn_course.figures.canvas import LOOKS, Canvas, encoded
from attn_course.figures.draw import LETTER
from attn_course.figures.live import STATIC
from attn_course.figures.readers import read_digit
from attn_course.figures.trained import (
    FILE,
    model_folder,
    named,
    read_weights,
    recorded_digest,
    recorded_weights,
)

DIGIT, LABEL = data.mnist("test", subset=True)
FIRST = [int(np.flatnonzero(n == LABEL)[0]) for n in range(10)]
PLACES = [(16, 16), (0, 0), (32, 3), (5, 30), (32, 32)]  # x, y


def figure():
    return Canvas(
        read_digit,
        "gaussian/reader-4",
        DIGIT[FIRST],
        names=[f"a {n}" for n in range(10)],
        alt="a digit in a field, and the four windows of the trained reader",
    )


# --- without a browser ----------------------------------------------------------------------------


def test_weights_are_those_of_the_record():
    safetensors = pytest.importorskip("safetensors.numpy", reason="safetensors is not installed")
    folder = model_folder("gaussian/reader-4")
    theirs, ours = safetensors.load_file(folder / FILE), recorded_weights("gaussian/reader-4")
    assert theirs.keys() == ours.keys()
    for name, array in theirs.items():
        assert ours[name].shape == array.shape
        assert (ours[name] == array).all()


def test_other_weights_are_refused():
    folder = model_folder("gaussian/reader-4")
    content = bytearray((folder / FILE).read_bytes())
    content[-1] ^= 1
    with pytest.raises(ValueError, match="not the one that was recorded"):
        read_weights(bytes(content), recorded_digest(folder))
    with pytest.raises(ValueError, match="no weights are recorded for gaussian/none"):
        model_folder("gaussian/none")
    with pytest.raises(ValueError, match="functions of attn_course only"):
        named(lambda image, params: {})


@pytest.mark.parametrize("place", PLACES)
def test_the_model_reads_shipped_digits(place):
    canvas = figure()
    canvas.x, canvas.y = place
    read = []
    for canvas.stamp in range(10):  # type: ignore[misc]
        read.append(canvas.read()["answer"])
    assert sum(n == k for k, n in enumerate(read)) >= 8, f"{place}: read as {read}"


def test_the_kernel_answers_the_browser():
    canvas = figure()
    canvas.request = json.dumps({"id": 3, "image": encoded(canvas.field())})
    reply = json.loads(canvas.reply)
    assert reply.pop("id") == 3
    assert reply == canvas.read()
    assert_allclose(sum(reply["share"]), 1)
    canvas.request = json.dumps({"id": 4, "image": ""})
    assert json.loads(canvas.reply)["error"].startswith("ValueError")


def test_the_picture_says_what_was_read():
    canvas = figure()
    canvas.stamp = 7
    picture = canvas.picture()
    assert picture.count("<rect") == 4
    assert "It reads 7" in re.search('aria-label="([^"]*)"', picture)[1]
    lines = re.findall("<text[^>]*>([^<]*)</text>", picture)
    assert " ".join(lines) == canvas.read()["says"]
    assert all(len(line) * LETTER <= 300 for line in lines)


def test_browser_and_kernel_agree_on_colours():
    source = (STATIC / "canvas.mjs").read_text(encoding="utf-8")
    (named,) = re.findall(r"^const COLOURS = (.*);", source, re.MULTILINE)
    assert json.loads(named) == [COLOURS[look] for look in LOOKS]


def test_all_recorded_weights_are_copied(tmp_path):
    models = module(EXTENSION / "trained_models.py")
    sizes = models.copy(models.RUNS, tmp_path)
    model = "gaussian/reader-4/book-seed0"
    assert sizes[model] == (tmp_path / f"{model}.safetensors").stat().st_size < 500_000


# --- in the page ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser():
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with launched() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    static = static_folder(folder) / "attn"
    for path in STATIC.glob("*.mjs"):
        (static / path.name).symlink_to(path)
    models = module(EXTENSION / "trained_models.py")
    models.copy(models.RUNS, static / "models")
    dark = "<style>html { --pst-color-text-base: #eee } body { background: #111 }</style>"
    page = document(html(figure())).replace("host.mjs", "_static/attn/host.mjs")
    (folder / "index.html").write_text(page, encoding="utf-8")
    (folder / "dark.html").write_text(page.replace("<style>", dark + "<style>"), encoding="utf-8")
    kernel = KERNEL.replace("STATE", json.dumps(figure().state())).replace("MODULE", "canvas")
    kernel = kernel.replace("save_changes: () => window.saved++", "save_changes() {}, send() {}")
    (static / "kernel.html").write_text(kernel.replace("module.render", "await module.render"))
    with served(folder) as address:
        yield address


@contextlib.contextmanager
def reading(browser, server, path="", expected="(?!)", **settings):
    with window_on(browser, server, expected, reduced_motion="reduce", **settings) as page:
        page.set_default_timeout(60_000)
        asked = page.asked = []
        page.on("request", lambda one: asked.append(one.url.removeprefix(server)))
        page.goto(server + path)
        page.wait_for_selector("figure[data-mounted]")
        yield page


def wait(page, state="done"):
    page.wait_for_selector(f".attn-canvas[data-state={state}]", timeout=60_000)
    return page.locator(".attn-canvas").evaluate("(root) => ({ ...root.dataset })")


def equal_to_numpy(page):
    """What the page says is what NumPy here says of the very pixels that the page shows."""
    said = wait(page)
    image = pixels(page.locator(".field canvas"))[..., 0] / 255
    reply, want = (
        json.loads(said["reply"]),
        read_digit(image, recorded_weights("gaussian/reader-4")),
    )
    for name in ("share", "box"):
        assert_allclose(reply[name], want[name], rtol=1e-9, atol=1e-12)
    assert_allclose(reply["patch"], want["patch"], atol=1.01e-4)
    assert reply["says"] == want["says"] == page.locator(".said").inner_text()
    assert page.locator(".field rect").count() == page.locator(".patches canvas").count() == 4
    return int(said["answer"])


@pytest.fixture(scope="module")
def awake(browser, server):
    """A page whose Python is loaded."""
    with reading(browser, server, **WIDE) as page:
        page.get_by_role("button", name="Read it").click()
        wait(page)
        yield page


requires = pytest.mark.requires("chromium")


@requires
def test_nothing_is_loaded_before_a_click(browser, server):
    with reading(browser, server, **WIDE) as page:
        page.get_by_role("button", name="drop a 3").click()
        page.locator(".field").press("ArrowLeft")
        assert not [url for url in page.asked if re.search("worker|pyodide/|whl|models/", url)]
        assert page.locator("figure").get_attribute("data-mounted") == "yes"


@requires
def test_the_page_reads_what_numpy_reads(awake):
    read = []
    for n in range(10):
        awake.get_by_role("button", name=f"drop a {n}").click()
        awake.wait_for_function(f"document.querySelector('.attn-canvas').dataset.stamp == {n}")
        read.append(equal_to_numpy(awake))
    assert sum(n == k for k, n in enumerate(read)) >= 8, read


@requires
def test_the_digit_is_dragged_among_clutter(awake):
    awake.get_by_role("button", name="drop a 6").click()
    for _ in range(3):
        awake.get_by_role("button", name="Add clutter").click()
        equal_to_numpy(awake)
    before = wait(awake)
    scale = awake.locator(".field").bounding_box()["width"] / 60
    drag(awake, awake.locator(".field"), 8 * scale, -5 * scale)
    after = wait(awake)
    assert int(after["x"]) == int(before["x"]) + 8
    assert int(after["y"]) == int(before["y"]) - 5
    equal_to_numpy(awake)


@requires
def test_a_drawn_one_is_read(awake):
    awake.get_by_role("button", name="Clear and draw").click()
    awake.get_by_role("button", name="Read it").click()
    wait(awake, "empty")
    assert "nothing in the field" in awake.locator(".said").inner_text()
    box = awake.locator(".field").bounding_box()
    scale = box["width"] / 60
    at = [(box["x"] + scale * x, box["y"] + scale * y) for x, y in ((31, 20), (29, 30), (27, 40))]
    awake.mouse.move(*at[0])
    awake.mouse.down()
    for point in at[1:]:
        awake.mouse.move(*point)
    awake.mouse.up()
    awake.get_by_role("button", name="Read it").click()
    assert equal_to_numpy(awake) == 1


@requires
def test_by_keyboard_alone(browser, server):
    with reading(browser, server, **WIDE) as page:
        for _ in range(5):
            page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.ariaLabel") == "drop a 4"
        page.keyboard.press("Enter")
        for _ in range(6):
            page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "field"
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        for key in ("ArrowLeft", "Shift+ArrowUp", "ArrowDown", "Enter"):
            page.keyboard.press(key)
        said = wait(page)
        assert (said["x"], said["y"]) == ("15", "9")
        assert equal_to_numpy(page) == 4
        page.wait_for_function(
            "document.querySelector('[role=status]').textContent.startsWith('It reads 4')"
        )
        label = page.locator(".field").get_attribute("aria-label")
        assert label.startswith("field; a 4 at x 15, y 9")


@requires
def test_the_windows_come_one_after_another(browser, server):
    with window_on(browser, server, **WIDE) as page:
        page.goto(server)
        page.get_by_role("button", name="Read it").click()
        page.wait_for_selector(".field rect", timeout=60_000)
        assert page.locator(".said").inner_text() == "It looks …"
        for n in range(2, 5):
            page.wait_for_function(f"document.querySelectorAll('.field rect').length === {n}")
        assert equal_to_numpy(page) == 0


@requires
def test_a_finger_drags_the_digit(browser, server):
    with reading(browser, server, **PHONE) as page:
        page.get_by_role("button", name="Read it").tap()
        before = wait(page)
        field = page.locator(".field")
        field.scroll_into_view_if_needed()
        scale = field.bounding_box()["width"] / 60
        swipe(page, *middle(field), 10 * scale, 6 * scale)
        page.wait_for_function("document.querySelector('.attn-canvas').dataset.x === '26'")
        assert (before["x"], wait(page)["y"]) == ("16", "22")
        assert equal_to_numpy(page) == 0


@requires
@pytest.mark.parametrize("settings", [NARROW, PHONE], ids=["narrow", "phone"])
def test_narrow(browser, server, settings):
    with reading(browser, server, "dark.html", **settings) as page:
        page.get_by_role("button", name="Read it").click()
        assert equal_to_numpy(page) == 0
        assert (
            page.evaluate("document.documentElement.scrollWidth") <= settings["viewport"]["width"]
        )
        assert page.evaluate(TOO_WIDE) == []
        assert page.locator(".field").bounding_box()["width"] > 200


@requires
@pytest.mark.parametrize("settings", [NARROW, PHONE, WIDE], ids=["narrow", "phone", "wide"])
def test_buttons_stay_under_the_finger(browser, server, settings):
    with reading(browser, server, **settings) as page:
        button, root = page.get_by_role("button", name="Read it"), page.locator(".attn-canvas")
        before = button.bounding_box()
        button.click()
        wait(page)
        assert button.bounding_box() == before
        labels = page.locator(".patches li")
        assert len({label.bounding_box()["height"] for label in labels.all()}) == 1
        assert labels.first.evaluate("one => one.scrollWidth <= one.clientWidth")
        tall = root.bounding_box()["height"]
        page.get_by_role("button", name="Clear and draw").click()
        assert not page.locator(".patches, .bars").filter(visible=True).count()
        assert root.bounding_box()["height"] == tall


@requires
def test_weights_that_do_not_come_are_said(browser, server):
    with reading(browser, server, **WIDE) as page:
        page.route("**/models/**", lambda route: route.fulfill(status=404))
        page.get_by_role("button", name="Read it").click()
        wait(page, "error")
        assert "weights did not come" in page.locator(".said").inner_text()
        page.unroute("**/models/**")
        page.get_by_role("button", name="Read it").click()
        assert equal_to_numpy(page) == 0


@requires
def test_without_python_the_picture_remains(browser, server):
    with reading(browser, server, expected="404|stays a picture", **WIDE) as page:
        assert page.locator(".attn-canvas").count() == 1
        page.route("**/pyodide-lock.json", lambda route: route.fulfill(status=404))
        page.reload()
        page.wait_for_selector("figure[data-mounted=no]")
        assert page.locator(".attn-fallback svg").is_visible()
        assert page.locator(".attn-canvas").count() == 0


@requires
def test_in_jupyter_the_kernel_answers(browser, server):
    canvas = figure()
    with window_on(browser, server, reduced_motion="reduce", **WIDE) as page:
        page.goto(server + "_static/attn/kernel.html")
        page.get_by_role("button", name="Read it").click()
        page.wait_for_function("window.model.get('request')")
        canvas.request = request = page.evaluate("window.model.get('request')")
        assert base64.b64decode(json.loads(request)["image"])
        page.evaluate("(reply) => window.model.set('reply', reply)", canvas.reply)
        assert equal_to_numpy(page) == 0
