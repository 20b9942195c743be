"""Heat map and threshold in a browser: mouse, finger and keys, with and without a kernel."""

import contextlib
import json
import shutil

import numpy as np
import pytest
from chromium import launched, served
from numpy.testing import assert_allclose, assert_array_equal
from test_figures_live import (
    NARROW,
    NEXT_FRAME,
    PHONE,
    TOO_WIDE,
    WIDE,
    drag,
    html,
    middle,
    pixels,
    window_on,
)

from attn_course.figures import COLOURS, Frames, HeatMap, Threshold
from attn_course.figures.draw import heat
from attn_course.figures.live import STATIC

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.requires("chromium")

RNG = np.random.default_rng(11)
STACK = RNG.normal(size=(3, 4, 6)).astype(np.float32)
STACK[1, 0, 2] = -np.inf
GROUPS = {"sharp": np.array([0.05, 0.7, 0.05, 0.2]), "flat": np.array([0.3, 0.25, 0.25, 0.2])}


def heat_map():
    return HeatMap(
        STACK, alt="weights of three heads", rows=["das", "Überqueren", "der", "Straße"],
        steps=["first", "second", "third"], names=("query", "key", "head"), limit=2,
    )  # fmt: skip


def threshold():
    return Threshold(GROUPS, alt="weights of two queries", label="weight", threshold=0.25)


def document(*figures):
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>figures</title>'
        '<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">'
        "<style>body { margin: 16px; font: 16px sans-serif }</style>"
        f'{"".join(figures)}<script type="module" src="host.mjs"></script></html>'
    )


# As anywidget does it: somebody else holds the model and may change it.
KERNEL = """<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><div></div>
<script type="module">
const state = STATE;
for (const [name, value] of Object.entries(state)) {
  if (!value?.base64) continue;
  const bytes = Uint8Array.from(atob(value.base64), (c) => c.charCodeAt(0));
  const whole = new Uint8Array(bytes.length + 3); // not where an array of floats may begin
  whole.set(bytes, 3);
  state[name] = new DataView(whole.buffer, 3);
}
const listeners = {};
window.saved = 0;
window.model = {
  get: (name) => state[name],
  set(name, value) {
    state[name] = value;
    listeners["change:" + name]?.forEach((listener) => listener());
  },
  on: (name, f) => (listeners[name] ??= new Set()).add(f),
  off: (name, f) => listeners[name].delete(f),
  save_changes: () => window.saved++,
};
const { default: module } = await import("./MODULE.mjs");
window.leave = module.render({ model, el: document.querySelector("div") });
window.left = () => Object.values(listeners).reduce((n, set) => n + set.size, 0);
</script>"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    for module in STATIC.glob("*.mjs"):
        shutil.copy(module, folder)
    (folder / "index.html").write_text(
        document(html(heat_map()), html(threshold())), encoding="utf-8"
    )
    spoilt = [html(f).replace('"base64":"', '"base64":"AAAA') for f in (heat_map(), threshold())]
    (folder / "spoilt.html").write_text(document(*spoilt), encoding="utf-8")
    strip = Frames(np.zeros((3, 2, 2), np.uint8), list("abc"), alt="black", label="step")
    (folder / "frames.html").write_text(document(html(strip)), encoding="utf-8")
    for figure in (heat_map(), threshold()):
        page = KERNEL.replace("STATE", json.dumps(figure.state()))
        (folder / f"kernel-{figure._module}.html").write_text(
            page.replace("MODULE", figure._module), encoding="utf-8"
        )
    with served(folder) as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    with launched() as chromium:
        yield chromium


@contextlib.contextmanager
def reading(browser, server, path="", **settings):
    with window_on(browser, server, **settings) as page:
        page.goto(server + path)
        page.wait_for_function(
            "[...document.querySelectorAll('figure.attn-live')].every((f) => f.dataset.mounted)"
        )
        yield page


@pytest.fixture
def page(browser, server):
    with reading(browser, server, **WIDE) as page:
        yield page


def cell(page):
    """(step, row, column) chosen on the page, once value, sum, texts and picture fit to it."""
    root = page.locator(".attn-heat")
    said = root.evaluate(NEXT_FRAME)
    step, row, column = at = tuple(int(said[name]) for name in ("step", "row", "column"))
    figure = heat_map()
    figure.step, figure.row, figure.column = at
    known = STACK[step, row][np.isfinite(STACK[step, row])]
    assert_allclose(float(said["rowSum"]), known.sum(dtype=float), atol=1e-6)
    text = f"query {figure.rows[row]}, key {column}"
    value = f"{figure.value:.3f}".replace("-", "−") if np.isfinite(figure.value) else "−∞"
    assert_allclose(float(said["value"]), figure.value)
    board = page.get_by_role("slider", name="weights of three heads; the arrow keys choose a cell")
    assert board.get_attribute("aria-valuetext") == f"{text}: {value}"
    assert board.get_attribute("aria-valuenow") == str(6 * row + column)
    assert root.locator(".read-out").inner_text().startswith(f"{text}: {value}; the sum")
    assert root.locator("span.on").all_inner_texts() == [str(column), figure.rows[row]]
    assert (
        page.get_by_role("slider", name="head", exact=True).get_attribute("aria-valuetext")
        == (figure.steps[step])
    )
    assert_array_equal(pixels(root.locator("canvas")), heat(STACK[step] / np.float32(2)))
    box, mark = (root.locator(s).bounding_box() for s in (".cells", ".cells i"))
    assert_allclose(mark["x"] - box["x"], box["width"] * column / 6, atol=0.6)
    assert_allclose(mark["y"] - box["y"], box["height"] * row / 4, atol=0.6)
    return at


def cut(page):
    """The threshold on the page, once what it keeps is found equal to what the package says."""
    root = page.locator(".attn-threshold")
    said = root.evaluate(NEXT_FRAME)
    figure = threshold()
    figure.threshold = float(said["threshold"])
    kept = list(figure.kept().values())
    for name in ("count", "share", "mass"):
        assert_allclose(json.loads(said[name]), [one[name] for one in kept], atol=1e-12)
    line = page.get_by_role("slider", name="threshold of weight; weights of two queries")
    assert float(line.get_attribute("aria-valuenow")) == figure.threshold
    texts = root.locator("li").all_inner_texts()
    for text, name, one in zip(texts, GROUPS, kept, strict=True):
        assert text.startswith(f"{name}: {one['count']} of 4 reach ")
        assert text.endswith(f", {100 * one['mass']:.0f} % of the sum")
        assert text in line.get_attribute("aria-valuetext")
    assert line.get_attribute("aria-valuetext").startswith("weight ")
    assert_allclose(middle(line)[1], page_y(page, figure.threshold), atol=1.01)
    return figure.threshold


def page_y(page, value):
    """Pixel of the screen at which a value stands: the plot is 200 high, 10 below its top."""
    return page.locator(".plot").bounding_box()["y"] + 10 + 200 * (0.7 - value) / 0.7


# --- both -----------------------------------------------------------------------------------------


def test_figures_replace_their_pictures(page):
    for figure in page.locator("figure.attn-live").all():
        assert figure.get_attribute("data-mounted") == "yes"
        assert not figure.locator(".attn-fallback").is_visible()
    assert cell(page) == (0, 0, 0)
    assert cut(page) == 0.25


def test_with_a_spoilt_state_the_pictures_remain(browser, server):
    expected = "stays a picture.*values are incomplete"
    with window_on(browser, server, expected, **WIDE) as page:
        page.goto(server + "spoilt.html")
        page.wait_for_function("document.querySelectorAll('[data-mounted=no]').length === 2")
        for picture in page.locator(".attn-fallback svg").all():
            assert picture.is_visible()
        assert page.locator(".attn-heat, .attn-threshold").count() == 0


@pytest.mark.parametrize("settings", [NARROW, PHONE], ids=["narrow", "phone"])
def test_narrow_page_is_not_wider_than_its_window(browser, server, settings):
    with reading(browser, server, **settings) as page:
        width = settings["viewport"]["width"]
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(TOO_WIDE) == []
        assert page.locator(".cells").bounding_box()["width"] > 150
        assert cell(page) == (0, 0, 0)
        assert cut(page) == 0.25


def test_tab_reaches_everything_and_shows_where_it_is(page):
    for want in ("head", "weights of three heads", "threshold of weight"):
        page.keyboard.press("Tab")
        name, style, colour = page.evaluate(
            "(({ outlineStyle, outlineColor }) => [document.activeElement.ariaLabel, outlineStyle,"
            " outlineColor])(getComputedStyle(document.activeElement))"
        )
        assert name.startswith(want)
        assert style == "solid"
        orange = [int(COLOURS["orange"][k : k + 2], 16) for k in (1, 3, 5)]
        assert colour == f"rgb({', '.join(map(str, orange))})"


def test_nothing_moves_by_itself(page):
    page.locator(".cells").press("ArrowDown")
    page.locator(".line").press("ArrowDown")
    assert page.evaluate("document.getAnimations().length") == 0


# --- heat map -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "want"),
    [
        ("ArrowRight ArrowRight ArrowDown", (0, 1, 2)),
        ("ArrowLeft ArrowUp", (0, 0, 0)),
        ("End", (0, 0, 5)),
        ("End ArrowDown Home", (0, 1, 0)),
        ("Control+End", (0, 3, 5)),
        ("Control+End ArrowRight ArrowDown", (0, 3, 5)),
        ("Control+End Control+Home", (0, 0, 0)),
        ("PageDown ArrowRight ArrowRight", (1, 0, 2)),
        ("PageDown PageDown PageDown PageUp", (1, 0, 0)),
        ("a", (0, 0, 0)),
    ],
)
def test_keys_choose_a_cell(page, keys, want):
    page.locator(".cells").focus()
    for key in keys.split():
        page.keyboard.press(key)
    assert cell(page) == want
    assert page.evaluate("scrollY") == 0


def place(page, row, column):
    box = page.locator(".cells").bounding_box()
    return (
        round(box["x"] + box["width"] * (column + 0.5) / 6),
        round(box["y"] + box["height"] * (row + 0.5) / 4),
    )


def test_mouse_reads_what_it_is_over(page):
    for row, column in ((2, 4), (3, 0), (0, 5)):
        page.mouse.move(*place(page, row, column))
        assert cell(page) == (0, row, column)
    page.mouse.move(5, 5)
    assert cell(page) == (0, 0, 5)


def test_slider_steps_through_the_stack(page):
    page.mouse.move(*place(page, 1, 2))
    slider = page.get_by_role("slider", name="head", exact=True)
    slider.fill("2")
    assert cell(page) == (2, 1, 2)
    for key, step in (("ArrowLeft", 1), ("Home", 0), ("End", 2)):
        slider.press(key)
        assert cell(page) == (step, 1, 2)


def test_a_single_matrix_has_no_slider(browser, server):
    with window_on(browser, server, **WIDE) as page:
        text = document(html(HeatMap(STACK[0], alt="one matrix")))
        page.route("**/single.html", lambda r: r.fulfill(body=text, content_type="text/html"))
        page.goto(server + "single.html")
        page.locator(".attn-heat").wait_for()
        assert page.get_by_role("slider").count() == 1


def test_names_without_room_are_left_out(browser, server):
    many = HeatMap(RNG.normal(size=(64, 64)), alt="many", columns=["a long name"] * 64)
    with window_on(browser, server, **NARROW) as page:
        page.route(
            "**/m.html", lambda r: r.fulfill(body=document(html(many)), content_type="text/html")
        )
        page.goto(server + "m.html")
        page.locator(".attn-heat").wait_for()
        assert page.locator(".cells").evaluate("(e) => e.clientWidth") > 250
        assert page.locator(".rows span:visible, .columns span:visible").count() == 0
        page.locator(".cells").press("End")
        assert "column a long name" in page.locator(".read-out").inner_text()


def swipe(page, x, y, dx, dy):
    session = page.context.new_cdp_session(page)
    for step in range(6):
        kind = "touchStart" if step == 0 else "touchMove"
        points = [{"x": x + dx * step / 5, "y": y + dy * step / 5}]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_finger_taps_a_cell_and_slides_along_a_row(browser, server):
    with reading(browser, server, **PHONE) as page:
        page.touchscreen.tap(*place(page, 2, 3))
        page.wait_for_function("document.querySelector('.attn-heat').dataset.row === '2'")
        assert cell(page) == (0, 2, 3)
        x, y = place(page, 1, 1)
        swipe(page, x, y, place(page, 1, 4)[0] - x, 0)
        assert cell(page) == (0, 1, 4)


# --- threshold ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "want"),
    [
        ("ArrowUp", 0.257),
        ("ArrowRight ArrowRight", 0.264),
        ("ArrowDown", 0.243),
        ("ArrowLeft", 0.243),
        ("Shift+ArrowUp", 0.32),
        ("PageUp PageDown PageDown", 0.18),
        ("Home", 0.0),
        ("End", 0.7),
        ("End ArrowUp", 0.7),
        ("Home ArrowDown ArrowUp", 0.007),
        ("Control+ArrowUp a", 0.25),
    ],
)
def test_keys_move_the_threshold(page, keys, want):
    page.locator(".line").focus()
    for key in keys.split():
        page.keyboard.press(key)
    assert_allclose(cut(page), want, atol=1e-9)
    assert page.evaluate("scrollY") == 0


@pytest.mark.parametrize(
    ("dy", "want"), [(-40, 0.25 + 0.14), (30, 0.25 - 0.105), (900, 0), (-900, 0.7)]
)
def test_mouse_drags_the_threshold(page, dy, want):
    drag(page, page.locator(".line"), 15, dy)
    assert_allclose(cut(page), want, atol=0.0036)
    before = cut(page)
    page.mouse.move(300, 300)
    assert cut(page) == before, "a button let go lets go"


def test_mouse_on_the_plot_fetches_the_threshold(page):
    x = middle(page.locator(".plot"))[0]
    page.mouse.click(x, page_y(page, 0.6))
    assert_allclose(cut(page), 0.6, atol=0.0036)


def test_finger_drags_the_line_and_scrolls_beside_it(browser, server):
    with reading(browser, server, **PHONE) as page:
        page.locator(".plot").scroll_into_view_if_needed()
        line = page.locator(".line")
        swipe(page, *middle(line), 0, -40)
        moved = cut(page)
        assert_allclose(moved, 0.25 + 0.14, atol=0.0036)
        x = middle(page.locator(".plot"))[0]
        swipe(page, x, round(page_y(page, 0.1)), 0, -60)
        assert cut(page) == moved
        page.touchscreen.tap(x, page_y(page, 0.6))
        page.wait_for_function("document.querySelector('.attn-threshold').dataset.threshold > 0.5")
        assert_allclose(cut(page), 0.6, atol=0.0036)


def test_curves_stand_where_their_values_do(page):
    curve = page.locator(f".plot path[stroke='{COLOURS['orange']}']").evaluate(
        "(path) => (({ x, y, width, height }) => ({ x, y, width, height }))(path.getBBox())"
    )  # within the plot, without the width of its line
    assert_allclose((curve["y"], curve["height"]), (10, 200 * 0.65 / 0.7), atol=0.1)
    line, plot = (page.locator(name).bounding_box() for name in (".line", ".plot"))
    assert_allclose((curve["x"], curve["width"]), (line["x"] - plot["x"], line["width"]), atol=0.1)


# --- with a kernel --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "changes", "target"),
    [
        ("heatmap", {"row": 2, "column": 4, "step": 1}, ".cells"),
        ("threshold", {"threshold": 0.5}, ".line"),
    ],
)
def test_model_and_figure_follow_each_other(browser, server, module, changes, target):
    read = {"heatmap": cell, "threshold": cut}[module]
    with window_on(browser, server, **WIDE) as page:
        page.goto(server + f"kernel-{module}.html")
        page.locator(target).wait_for()
        for name, value in changes.items():
            page.evaluate("([name, value]) => model.set(name, value)", [name, value])
        assert read(page) == ((1, 2, 4) if module == "heatmap" else 0.5)
        assert page.evaluate("saved") == 0
        page.locator(target).press("ArrowDown")
        got = [page.evaluate("(name) => model.get(name)", name) for name in changes]
        want = [3, 4, 1] if module == "heatmap" else [0.493]
        assert_allclose(got, want)
        read(page)
        assert page.evaluate("saved") == 1
        assert page.evaluate("left()") > 0
        page.evaluate("leave()")
        assert page.evaluate("left()") == 0, "a figure that is closed listens no longer"


# --- frames where less motion is asked for --------------------------------------------------------


def test_frames_do_not_play_where_less_motion_is_asked_for(browser, server):
    with reading(browser, server, "frames.html", reduced_motion="reduce", **WIDE) as page:
        button, strip = page.locator(".attn-frames button"), page.locator(".attn-frames")
        assert button.inner_text() == "next"
        page.evaluate("() => { window.setInterval = () => { throw new Error('it plays') } }")
        for index in (1, 2, 0):
            button.click()
            assert strip.get_attribute("data-index") == str(index)
        page.emulate_media(reduced_motion="no-preference")
        playwright.expect(button).to_have_text("play")
