"""A trained model in the page: it says what NumPy says, by mouse, finger and keys alone."""

import base64
import contextlib
import hashlib
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
from attn_course.figures import COLOURS, trained
from attn_course.figures.canvas import LOOKS, Canvas, encoded, lies_upright
from attn_course.figures.draw import LETTER
from attn_course.figures.live import STATIC
from attn_course.figures.readers import read_digit, read_turned_digit
from attn_course.figures.trained import (
    FILE,
    model_folder,
    named,
    read_weights,
    recorded_digest,
    recorded_weights,
)
from attn_course.gaussian.reference import draw_window, glimpse_reader
from attn_course.spatial_transformer.reference import affine_grid, warp, warp_reader
from attn_course.spatial_transformer.task import distorted

DIGIT, LABEL = data.mnist("test", subset=True)
FIRST = [int(np.flatnonzero(n == LABEL)[0]) for n in range(10)]
PLACES = [(16, 16), (0, 0), (32, 3), (5, 30), (32, 32)]  # x, y
LYING = (255 * distorted(np.random.default_rng(3), DIGIT[FIRST], "rotated")).astype(np.uint8)
TURNED = "made/turned"  # its weights are made here


def figure():
    return Canvas(
        read_digit,
        "gaussian/reader-4",
        DIGIT[FIRST],
        names=[f"a {n}" for n in range(10)],
        alt="a digit in a field, and the four windows of the trained reader",
    )


def reader(raw, size=(28, 28), spread=0.0):
    """Weights of a reader behind a transformer that reads `raw`, or a different map each time."""
    rng, n_pixel = np.random.default_rng(5), size[0] * size[1]
    return {
        "transformer.localiser.layers.0.w": spread * rng.normal(size=(6, n_pixel)),
        "transformer.localiser.layers.0.b": np.asarray(raw, float),
        "reader.layers.0.w": rng.normal(size=(10, n_pixel)) / 3,
        "reader.layers.0.b": rng.normal(size=10),
    }


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A folder of runs where a reader behind a transformer is recorded, too."""
    save = pytest.importorskip("safetensors.numpy", reason="safetensors is not installed").save
    runs = tmp_path_factory.mktemp("runs")
    for room in trained.RUNS.iterdir():
        (runs / room.name).symlink_to(room)
    folder = runs / TURNED / "book-seed0"
    folder.mkdir(parents=True)
    content = save(reader([0.9, -0.5, 0.05, 0.4, 0.8, -0.1], spread=0.02))
    (folder / FILE).write_bytes(content)
    record = {"files": {FILE: hashlib.sha256(content).hexdigest()}}
    (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")
    return runs


@pytest.fixture(scope="module")
def turned_figure(runs):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trained, "RUNS", runs)
        yield Canvas(
            read_turned_digit,
            TURNED,
            LYING,
            alt="a digit that lies turned, and what a transformer reads of it",
            size=(28, 28),
            n_piece=0,
            margin=5,
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
    assert (picture.count("<polygon"), picture.count("<polyline")) == (4, 0)
    assert "It reads 7" in re.search('aria-label="([^"]*)"', picture)[1]
    lines = re.findall("<text[^>]*>([^<]*)</text>", picture)
    assert " ".join(lines) == canvas.read()["says"]
    assert all(len(line) * LETTER <= 300 for line in lines)


def test_the_windows_reach_half_a_stride_past_their_outer_centres():
    canvas = figure()
    weights = recorded_weights("gaussian/reader-4")
    for canvas.stamp in (2, 5):  # type: ignore[misc]
        for raw, corner in zip(
            glimpse_reader(canvas.field()[None], weights, 4, 12)[1],
            canvas.read()["corner"],
            strict=True,
        ):
            mean, _, stride, _ = draw_window(raw, (60, 60), 12)
            low = 0.5 + mean - stride / 2  # the field's edge lies half a pixel before a centre
            high = 0.5 + mean + 11 * stride + stride / 2
            (left, top), (right, bottom) = low, high
            assert_allclose(corner, [[left, top], [right, top], [right, bottom], [left, bottom]])
            assert lies_upright(np.array(corner))


@pytest.mark.parametrize("size", [(28, 28), (12, 20)])
def test_the_turned_digit_is_what_the_transformer_reads(size):
    rng = np.random.default_rng(1)
    params, image = reader([0.9, -0.5, 0.05, 0.4, 0.8, -0.1], size, 0.02), rng.random(size)
    reply = read_turned_digit(image, params)
    score, raw = warp_reader(image[None], params, size)
    assert_allclose(reply["share"], np.exp(score) / np.exp(score).sum())
    assert reply["answer"] == score.argmax()
    assert_allclose(reply["patch"], warp(image[None], raw, "affine", size), atol=5.01e-5)
    # The outer edges lie half a step beyond the grid's outermost points.
    grid = (affine_grid(raw.reshape(2, 3), size) + 1) / 2 * np.array(size[::-1])
    row, column = (grid[1, 0] - grid[0, 0]) / 2, (grid[0, 1] - grid[0, 0]) / 2
    edge = [
        grid[0, 0] - row - column,
        grid[0, -1] - row + column,
        grid[-1, -1] + row + column,
        grid[-1, 0] + row - column,
    ]
    assert_allclose(reply["corner"], [edge])
    assert not lies_upright(np.array(edge))
    assert reply["says"].startswith(f"It reads {reply['answer']}, with ")


def test_the_recorded_transformer_reads_turned_digits():
    weights = recorded_weights("spatial_transformer/rotated-st-fcn-20k")
    read = [read_turned_digit(image / 255, weights)["answer"] for image in LYING]
    assert sum(n == k for k, n in enumerate(read)) >= 8, read


def test_as_it_is_the_window_is_the_picture():
    reply = read_turned_digit(np.eye(4, 6), reader([1, 0, 0, 0, 1, 0], (4, 6)))
    (corner,) = reply["corner"]
    assert corner == [[0, 0], [6, 0], [6, 4], [0, 4]]
    assert lies_upright(np.array(corner))
    assert reply["says"].endswith(" It did not turn what it saw.")
    reply = read_turned_digit(np.eye(4, 6), reader([-1, 0, 0, 0, 1, 0], (4, 6)))
    assert not lies_upright(np.array(reply["corner"][0]))
    assert reply["says"].endswith(" It saw everything mirrored.")
    reply = read_turned_digit(np.eye(4, 6), reader([-1, 0, 0, 0, -1, 0], (4, 6)))
    assert "180 degrees" in reply["says"]


@pytest.mark.parametrize("size", [(28, 28), (28, 36)])
@pytest.mark.parametrize("angle", [-140, -31, 1, 31, 90])
def test_the_sentence_says_how_the_picture_turns(size, angle):
    """The map turns the grid clockwise by the angle; a dot right of the middle goes the other way.

    From the middle the dot is then seen at minus the angle, y pointing down.
    """
    height, width = size
    sine, cosine = np.sin(np.radians(angle)), np.cos(np.radians(angle))
    raw = [cosine, -sine * height / width, 0, sine * width / height, cosine, 0]
    image = np.zeros(size)
    image[height // 2 - 1 : height // 2 + 1, width // 2 + 8 : width // 2 + 10] = 1
    reply = read_turned_digit(image, reader(raw, size))
    (patch,) = np.array(reply["patch"])
    y, x = (np.indices(size) - np.array([[[height - 1]], [[width - 1]]]) / 2) * patch
    clockwise = np.degrees(np.arctan2(y.sum(), x.sum()))
    assert_allclose(clockwise, -angle, atol=1)
    degrees = "1 degree" if abs(angle) == 1 else f"{abs(angle)} degrees"
    way = "clockwise" if clockwise > 0 else "anticlockwise"
    assert reply["says"].endswith(f" It turned what it saw by {degrees} {way}.")


def test_the_picture_shows_a_slanted_window_on_its_rim(turned_figure):
    turned_figure.stamp = 4
    picture = turned_figure.picture()
    (points,) = re.findall('<polygon points="([^"]*)"', picture)
    (top,) = re.findall('<polyline class="top" points="([^"]*)"', picture)
    assert points.startswith(f"{top} ")
    shown = np.array([point.split(",") for point in points.split()], float)
    (corner,) = np.array(turned_figure.read()["corner"])
    assert_allclose(shown, (corner + 5) * 300 / 38, atol=0.051)


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
def server(tmp_path_factory, runs, turned_figure):
    folder = tmp_path_factory.mktemp("page")
    static = static_folder(folder) / "attn"
    for path in STATIC.glob("*.mjs"):
        (static / path.name).symlink_to(path)
    models = module(EXTENSION / "trained_models.py")
    for recorded in (models.RUNS, runs):
        models.copy(recorded, static / "models")
    dark = "<style>html { --pst-color-text-base: #eee } body { background: #111 }</style>"
    for name, one in {"index": figure(), "turned": turned_figure}.items():
        one.stamp = 0
        page = document(html(one)).replace("host.mjs", "_static/attn/host.mjs")
        (folder / f"{name}.html").write_text(page, encoding="utf-8")
        page = page.replace("<style>", dark + "<style>")
        (folder / f"{name}-dark.html").write_text(page, encoding="utf-8")
    kernel = KERNEL.replace("STATE", json.dumps(figure().state())).replace("MODULE", "canvas")
    kernel = kernel.replace("save_changes: () => window.saved++", "save_changes() {}, send() {}")
    (static / "kernel.html").write_text(kernel.replace("module.render", "await module.render"))
    with served(folder) as address:
        yield address


@contextlib.contextmanager
def reading(browser, server, path="", expected="(?!)", **settings):
    with window_on(browser, server, expected, reduced_motion="reduce", **settings) as page:
        page.set_default_timeout(PATIENCE)
        asked = page.asked = []
        page.on("request", lambda one: asked.append(one.url.removeprefix(server)))
        page.goto(server + path)
        page.wait_for_selector("figure[data-mounted]")
        yield page


def wait(page, state="done"):
    page.wait_for_selector(f".attn-canvas[data-state={state}]", timeout=PATIENCE)
    return page.locator(".attn-canvas").evaluate("(root) => ({ ...root.dataset })")


def drawn(shape):
    """The points of a shape in the field."""
    return np.array(re.findall("[^ ,]+", shape.get_attribute("points")), float).reshape(-1, 2)


def equal_to_numpy(page, function=read_digit, model="gaussian/reader-4", margin=0):
    """What the page says is what NumPy here says of the very pixels that the page shows."""
    said = wait(page)
    image = pixels(page.locator(".field canvas"))[..., 0] / 255
    reply, want = json.loads(said["reply"]), function(image, recorded_weights(model))
    for name in ("share", "corner"):
        assert_allclose(reply[name], want[name], rtol=1e-9, atol=1e-12)
    assert_allclose(reply["patch"], want["patch"], atol=1.01e-4)
    assert reply["says"] == want["says"] == page.locator(".said").inner_text()
    assert page.locator(".patches canvas").count() == len(want["corner"])
    tops = page.locator(".field polyline").all()
    for shape, corner in zip(
        page.locator(".field polygon").all(), np.array(want["corner"]), strict=True
    ):
        if lies_upright(corner):
            corner = np.clip(corner, 0.3 - margin, np.array(image.shape[::-1]) + margin - 0.3)
        else:
            assert_allclose(drawn(tops.pop(0)), corner[:2])
        assert_allclose(drawn(shape), corner)
    assert not tops
    return int(said["answer"])


@pytest.fixture(scope="module")
def awake(browser, server):
    """A page whose Python is loaded."""
    with reading(browser, server, **WIDE) as page:
        page.get_by_role("button", name="Read it").click()
        wait(page)
        yield page


requires = pytest.mark.requires("chromium")
PATIENCE = 120_000  # milliseconds; Python starts slowly where others work, too

# Whether there is Python the page learns late.
HOLD = """const load = fetch;
window.fetch = async (...asked) => {
  await new Promise((go) => { window.release = go; });
  return load(...asked);
};"""

# Notes how many windows are shown, and what is said with them, whenever either changes.
WATCH = """() => {
  window.shown = [];
  const root = document.querySelector(".attn-canvas");
  new MutationObserver(() => window.shown.push([
    root.querySelectorAll(".field polygon").length, root.querySelector(".said").textContent,
  ])).observe(root, { childList: true, subtree: true, characterData: true });
}"""


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
        page.evaluate(WATCH)  # long before an answer comes
        assert equal_to_numpy(page) == 0
        shown = dict.fromkeys((n, said) for n, said in page.evaluate("window.shown") if n)
        looking = [(n, "It looks …") for n in range(1, 4)]
        assert list(shown) == [*looking, (4, page.locator(".said").inner_text())]


@requires
def test_no_button_before_it_is_heard(browser, server):
    """A click on a figure that does not listen yet would be lost."""
    with window_on(browser, server, **WIDE) as page:
        page.add_init_script(HOLD)
        page.goto(server)
        page.wait_for_function("Boolean(window.release)")
        assert page.locator(".attn-canvas").count() == 0
        assert page.locator(".attn-fallback > svg").first.is_visible()
        page.evaluate("window.release()")
        page.get_by_role("button", name="Read it").click()
        assert "Python" in page.locator(".said").inner_text()


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
    with reading(browser, server, "index-dark.html", **settings) as page:
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
def test_a_digit_that_fills_its_field_is_read_through_a_slanted_window(browser, server):
    turned = (read_turned_digit, TURNED, 5)
    with reading(browser, server, "turned.html", **WIDE) as page:
        assert page.get_by_role("button", name="Add clutter").count() == 0
        words = page.locator(".help").inner_text().lower()
        assert "choose another digit" in words
        assert "draw one" in words
        assert not re.search("drag|arrow|move|clutter", words)
        field = page.locator(".field")
        assert field.get_attribute("aria-label") == "field; 0; Enter reads"
        page.get_by_role("button", name="Read it").click()
        answers = {equal_to_numpy(page, *turned)}
        for n in (3, 7):
            page.get_by_role("button", name=f"drop {n}").click()
            page.wait_for_function(f"document.querySelector('.attn-canvas').dataset.stamp == {n}")
            answers.add(equal_to_numpy(page, *turned))
        assert len(answers) > 1
        assert page.locator(".patches li").inner_text() == "what it sees"
        # The keys scroll the page as everywhere; the pen writes where it points, on the digit too.
        field.press("ArrowLeft")
        box = page.locator(".field canvas").bounding_box()
        assert_allclose(box["width"], field.bounding_box()["width"] * 28 / 38, atol=0.5)
        before = pixels(page.locator(".field canvas"))[..., 0]
        page.mouse.click(*(box[k] + 27 / 28 * box["width"] for k in "xy"))
        page.wait_for_function("document.querySelector('.attn-canvas').dataset.state === 'done'")
        equal_to_numpy(page, *turned)
        after = pixels(page.locator(".field canvas"))[..., 0]
        assert np.argwhere(after != before).min() >= 25
        assert after[26:, 26:].min() > 100
        page.get_by_role("button", name="Clear and draw").click()
        assert field.get_attribute("aria-label") == "field; nothing dropped; Enter reads"


@requires
@pytest.mark.parametrize("settings", [NARROW, WIDE], ids=["narrow", "wide"])
def test_one_window_moves_no_button(browser, server, settings):
    with reading(browser, server, "turned-dark.html", **settings) as page:
        button = page.get_by_role("button", name="Read it")
        before = button.bounding_box()
        button.click()
        equal_to_numpy(page, read_turned_digit, TURNED, 5)
        assert button.bounding_box() == before
        width = settings["viewport"]["width"]
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(TOO_WIDE) == []


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
        assert page.locator(".attn-fallback > svg").is_visible()
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
