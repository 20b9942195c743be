"""The live figures in a browser, on a small page of their own: what a hand can do to them.

The page holds what the figures leave in a built page, the host script and the modules, served over
loopback. A figure is watched through the data attributes that it writes.
"""

import contextlib
import re
import shutil

import numpy as np
import pytest
from chromium import launched, served
from numpy.testing import assert_allclose, assert_array_equal

from attn_course.figures import Frames, GlimpseFigure
from attn_course.figures.live import STATIC
from attn_course.gaussian import reference

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.requires("chromium")

WIDE = {"viewport": {"width": 1100, "height": 900}}
NARROW = {"viewport": {"width": 320, "height": 700}}
PHONE = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "is_mobile": True}

HEIGHT, WIDTH, N = 48, 64, 6
START = {"mean": (20.0, 12.0), "std": 1.5, "stride": 3.0, "rule": "exact"}
HALF = 3.0 * (N - 1) / 2  # from the first Gaussian to the middle of the grid
NASTY = 'a cage </script><b>& "bars" <!--<script>'

RNG = np.random.default_rng(7)
PHOTOGRAPH = RNG.integers(0, 256, (HEIGHT, WIDTH), dtype=np.uint8)
COLOURFUL = RNG.integers(0, 256, (6, 5, 8, 3), dtype=np.uint8)
GREY = RNG.integers(0, 256, (3, 6, 4), dtype=np.uint8)


def glimpse_figure(**window):
    return GlimpseFigure(PHOTOGRAPH, alt="a noisy photograph", n_filter=N, **(START | window))


def html(figure):
    data, _ = figure._repr_mimebundle_()
    return data["text/html"]


def document(glimpse):
    """A page with a third figure so far down that nobody has looked at it yet."""
    frames = Frames(COLOURFUL, list("abcdef"), alt="six colourful frames", label="step")
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>figures</title>'
        '<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">'
        "<style>body { margin: 16px; font: 16px sans-serif } hr { margin: 3000px 0 9px }</style>"
        f"{glimpse}{html(frames)}<hr>{html(Frames(GREY, alt=NASTY))}<p>After.</p>"
        '<script type="module" src="host.mjs"></script></html>'
    )


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Address of a folder with the page and the modules, while its server runs."""
    folder = tmp_path_factory.mktemp("page")
    for module in STATIC.glob("*.mjs"):
        shutil.copy(module, folder)
    glimpse = html(glimpse_figure())
    (folder / "index.html").write_text(document(glimpse), encoding="utf-8")
    spoilt = glimpse.replace('"base64":"', '"base64":"AAAA')  # three bytes too many
    assert spoilt != glimpse
    (folder / "spoilt.html").write_text(document(spoilt), encoding="utf-8")

    with served(folder) as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    with launched() as chromium:
        yield chromium


@contextlib.contextmanager
def window_on(browser, server, expected="(?!)", **settings):
    """A window without a page yet; afterwards, every fault of the page must match `expected`."""
    context, faults = browser.new_context(**settings), []
    context.set_default_timeout(15_000)
    page = context.new_page()

    def heard(message):
        if message.type == "error" or "stays a picture" in message.text:
            faults.append(message.text)

    def asked(request):
        if not request.url.startswith((server, "data:", "blob:")):
            faults.append(f"another host: {request.url}")

    page.on("console", heard)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("requestfailed", lambda request: faults.append(f"failed: {request.url}"))
    page.on("request", asked)
    try:
        yield page
        assert [fault for fault in faults if not re.search(expected, fault)] == []
        assert faults or expected == "(?!)", "the fault that was expected is missing"
    finally:
        context.close()


def mounted(page):
    """Wait until the two figures in reach have settled; they may have failed."""
    page.wait_for_function(
        "[...document.querySelectorAll('figure.attn-live')].slice(0, 2)"
        ".every((figure) => figure.dataset.mounted)"
    )


@contextlib.contextmanager
def reading(browser, server, **settings):
    """The page with its figures alive, the first in view."""
    with window_on(browser, server, **settings) as page:
        page.goto(server)
        mounted(page)
        yield page


@pytest.fixture(scope="module")
def wide_page(browser, server):
    with reading(browser, server, **WIDE) as page:
        yield page


@pytest.fixture
def page(wide_page):
    """One wide page for most tests, made new before each."""
    wide_page.evaluate("scrollTo(0, 0)")
    wide_page.locator(".reset").click()
    wide_page.mouse.move(0, 0)
    assert state(wide_page) == START
    return wide_page


@pytest.fixture
def fresh_page(browser, server):
    with reading(browser, server, **WIDE) as page:
        yield page


NEXT_FRAME = """(root) => new Promise((done) =>
  requestAnimationFrame(() => requestAnimationFrame(() => done({ ...root.dataset }))))"""


def state(page):
    """The window on the page, once what it shows is found equal to what the package computes."""
    said = page.locator(".attn-glimpse").evaluate(NEXT_FRAME)
    mean = float(said["meanX"]), float(said["meanY"])
    std, stride, rule = float(said["std"]), float(said["stride"]), said["rule"]
    figure = glimpse_figure(mean=mean, std=std, stride=stride, rule=rule)
    assert_allclose(float(said["glimpseMean"]), figure.glimpse().mean(), rtol=0, atol=1e-9)
    smallest = min(
        reference.filterbank(first, std, stride, N, n_pixel, rule).sum(axis=1).min()
        for first, n_pixel in zip(mean, (WIDTH, HEIGHT), strict=True)
    )
    assert_allclose(float(said["rowSum"]), smallest, rtol=0, atol=1e-9)
    return {"mean": mean, "std": std, "stride": stride, "rule": rule}


def middle(locator):
    """Centre of an element, in whole pixels of the screen."""
    box = locator.bounding_box()
    return round(box["x"] + box["width"] / 2), round(box["y"] + box["height"] / 2)


def scale(page):
    """Pixels of the photograph for one of the screen."""
    return WIDTH / page.locator(".picture").bounding_box()["width"]


def drag(page, locator, dx, dy):
    x, y = middle(locator)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx / 2, y + dy / 2)
    page.mouse.move(x + dx, y + dy)
    page.mouse.up()


def assert_close(got, want):
    """Equal up to the hundredth of a pixel that the figure rounds to."""
    assert_allclose(got, want, rtol=0, atol=0.0051)


# --- coming to life, or not -----------------------------------------------------------------------


def test_figures_replace_their_pictures(page):
    assert state(page) == START
    for figure in page.locator("figure.attn-live").all()[:2]:
        assert figure.get_attribute("data-mounted") == "yes"
        assert not figure.locator(".attn-fallback").is_visible()
        assert figure.locator("canvas").first.is_visible()
    photograph = page.locator(".picture .image")
    assert photograph.get_attribute("aria-label") == "a noisy photograph"
    assert_array_equal(pixels(photograph), np.repeat(PHOTOGRAPH[..., None], 3, axis=2))


def test_a_figure_comes_to_life_when_the_reader_draws_near(fresh_page):
    page = fresh_page
    far = page.locator("figure.attn-live").nth(2)
    assert far.get_attribute("data-mounted") is None
    assert far.locator(".attn-fallback svg").get_attribute("aria-label").startswith(NASTY)
    far.scroll_into_view_if_needed()
    far.locator(".attn-frames").wait_for()
    canvas = far.locator("canvas")
    assert canvas.get_attribute("aria-label") == NASTY
    assert_array_equal(pixels(canvas), np.repeat(GREY[0][..., None], 3, axis=2))
    assert page.get_by_text("After.").is_visible()


def test_without_scripts_the_pictures_remain(browser, server):
    with window_on(browser, server, java_script_enabled=False, **WIDE) as page:
        page.goto(server)
        for name in ("a noisy photograph, with a window", "six colourful frames. Frames 0"):
            picture = page.get_by_role("img", name=name)
            assert picture.is_visible()
            assert picture.bounding_box()["height"] > 40
        assert page.locator(".attn-glimpse, .attn-frames").count() == 0
        assert "base64" not in page.locator("body").inner_text()


def assert_only_frames_live(page):
    glimpse, frames = page.locator("figure.attn-live").all()[:2]
    assert glimpse.get_attribute("data-mounted") == "no"
    assert glimpse.locator(".attn-fallback svg").is_visible()
    assert glimpse.locator(".attn-glimpse, canvas").count() == 0
    assert frames.get_attribute("data-mounted") == "yes"


def test_without_its_module_a_figure_stays_a_picture(browser, server):
    with window_on(browser, server, "404|glimpse.mjs", **WIDE) as page:
        page.route("**/glimpse.mjs", lambda route: route.fulfill(status=404))
        page.goto(server)
        mounted(page)
        assert_only_frames_live(page)


def test_with_a_spoilt_state_a_figure_stays_a_picture(browser, server):
    with window_on(browser, server, "stays a picture.*image is incomplete", **WIDE) as page:
        page.goto(server + "spoilt.html")
        mounted(page)
        assert_only_frames_live(page)


# --- layout ---------------------------------------------------------------------------------------

TOO_WIDE = """() => [...document.querySelectorAll("figure.attn-live *")]
  .filter((e) => e.checkVisibility() && !e.closest(".picture, .heard"))
  .filter((e) => e.getBoundingClientRect().right > innerWidth || e.getBoundingClientRect().left < 0)
  .map((e) => e.outerHTML.slice(0, 80))"""


def shape(page):
    box = page.locator(".attn-glimpse").bounding_box()
    return box["height"] / box["width"]


def test_wide_figure_is_not_tall(page):
    assert 0.2 < shape(page) < 1.6


def test_that_the_test_of_the_shape_can_fail(browser, server):
    """Left in the flow, the canvas beside the photograph stretches the whole figure."""
    module = (STATIC / "glimpse.mjs").read_text(encoding="utf-8")
    old = re.sub(r"position: absolute; (top: var\(--margin\); height: calc)", r"\1", module)
    assert old != module
    with window_on(browser, server, **WIDE) as page:
        page.route(
            "**/glimpse.mjs", lambda route: route.fulfill(body=old, content_type="text/javascript")
        )
        page.goto(server)
        mounted(page)
        assert shape(page) > 1.6


def test_narrow_page_is_not_wider_than_its_window(browser, server):
    with reading(browser, server, **NARROW) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        assert page.evaluate(TOO_WIDE) == []
        assert page.locator(".picture").bounding_box()["width"] > 160
        page.evaluate("document.querySelector('.results').style.width = '400px'")
        assert page.evaluate(TOO_WIDE) != [], "the check sees nothing"


@pytest.mark.parametrize("width", [320, 1100])
def test_filters_stand_beside_the_pixels_they_read(browser, server, width):
    with reading(browser, server, viewport={"width": width, "height": 800}) as page:
        picture = page.locator(".picture").bounding_box()
        assert_allclose(picture["width"] / picture["height"], WIDTH / HEIGHT, rtol=0.01)
        for along, size, parts in (
            ("x", "width", (".bank-x canvas", ".bell-x svg")),
            ("y", "height", (".bank-y canvas", ".bell-y svg")),
        ):
            for part in parts:
                box = page.locator(part).bounding_box()
                assert_allclose((box[along], box[size]), (picture[along], picture[size]), atol=1)


def test_motion_is_reduced_where_asked_for(page):
    duration = "getComputedStyle(document.querySelector('.handle')).transitionDuration"
    assert page.evaluate(duration) != "0s"
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(duration) == "0s"
    page.emulate_media(reduced_motion="no-preference")


def test_window_is_drawn_where_it_reads(page):
    picture, box = (page.locator(s).bounding_box() for s in (".picture", ".window"))
    pixel = picture["width"] / WIDTH
    want = {
        "x": picture["x"] + (START["mean"][0] + 0.5 - 1.5) * pixel,
        "y": picture["y"] + (START["mean"][1] + 0.5 - 1.5) * pixel,
        "width": N * 3.0 * pixel,
        "height": N * 3.0 * pixel,
    }
    assert_allclose([box[k] for k in want], list(want.values()), atol=1)


# --- hands ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("dx", "dy"), [(60, -34), (-80, 50)])
def test_mouse_drags_the_window(page, dx, dy):
    drag(page, page.locator(".window"), dx, dy)
    got = state(page)
    assert_close(got.pop("mean"), np.array(START["mean"]) + np.array([dx, dy]) * scale(page))
    assert got == {k: v for k, v in START.items() if k != "mean"}


def test_the_middle_of_the_grid_stays_on_the_photograph(page):
    drag(page, page.locator(".window"), -1500, 1500)
    assert_close(state(page)["mean"], (0 - HALF, HEIGHT - 1 - HALF))


def test_a_button_let_go_lets_go(page):
    drag(page, page.locator(".window"), 20, 20)
    before = state(page)
    page.mouse.move(300, 300)
    assert state(page) == before


def test_mouse_on_the_photograph_fetches_the_window(page):
    box = page.locator(".picture").bounding_box()
    at = np.round([box["x"] + 0.8 * box["width"], box["y"] + 0.75 * box["height"]])
    page.mouse.click(*at)
    corner = np.array([box["x"], box["y"]])
    assert_close(state(page)["mean"], (at - corner) * scale(page) - 0.5 - HALF)


def test_corner_resizes(page):
    drag(page, page.locator(".handle"), 30, 52)
    got = state(page)
    assert_close(got["stride"], 3.0 + (30 + 52) / 2 * scale(page) / (N - 0.5))
    assert got["mean"] == START["mean"]
    drag(page, page.locator(".handle"), -900, -900)
    assert state(page)["stride"] == 0.2


@pytest.mark.parametrize(
    ("keys", "change"),
    [
        ("ArrowLeft", {"mean": (19.0, 12.0)}),
        ("ArrowRight", {"mean": (21.0, 12.0)}),
        ("ArrowUp", {"mean": (20.0, 11.0)}),
        ("ArrowDown", {"mean": (20.0, 13.0)}),
        ("Shift+ArrowRight", {"mean": (28.0, 12.0)}),
        ("Shift+ArrowDown", {"mean": (20.0, 20.0)}),
        ("Shift+ArrowUp Shift+ArrowUp Shift+ArrowUp", {"mean": (20.0, -HALF)}),
        ("+", {"stride": 3.25}),
        ("= =", {"stride": 3.5}),
        ("-", {"stride": 2.75}),
        ("]", {"std": 1.65}),
        ("[", {"std": 1.36}),
        ("Control+ArrowLeft a", {}),
    ],
)
def test_keys(page, keys, change):
    page.locator(".window").focus()
    for key in keys.split():
        page.keyboard.press(key)
    assert state(page) == START | change


def test_keys_do_not_scroll_the_page(page):
    page.locator(".window").focus()
    before = page.evaluate("scrollY")
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    state(page)
    assert page.evaluate("scrollY") == before


def test_tab_reaches_everything(fresh_page):
    page = fresh_page
    reached = []
    for _ in range(7):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                "(({ name, className, type, textContent }) => /std|stride/.test(name) ? name"
                " : className || type || textContent)(document.activeElement)"
            )
        )
    assert reached == ["window", "std", "stride", "radio", "reset", "button", "range"]


def test_sliders(page):
    page.locator("input[name=std]").fill("1")  # the slider is logarithmic
    page.locator("input[name=stride]").fill("5")
    got = state(page)
    assert (got["std"], got["stride"]) == (2.0, 5.0)
    assert page.locator(".setting output").all_inner_texts() == ["2.00 px", "5.00 px"]
    assert page.locator("input[name=std]").get_attribute("aria-valuetext") == "2.00 pixels"
    for name, key, want in (("std", "End", 16), ("std", "Home", 0.05), ("stride", "End", 10.67)):
        page.locator(f"input[name={name}]").press(key)
        assert state(page)[name] == want


@pytest.mark.parametrize(
    ("keys", "want"),
    [
        ("ArrowRight", 1.58),
        ("ArrowUp ArrowUp", 1.66),
        ("ArrowLeft", 1.43),
        ("PageUp", 1.91),
        ("PageDown", 1.18),
        ("Home ArrowRight", 0.06),
        ("Home ArrowRight ArrowDown", 0.05),
        ("End ArrowRight", 16),
    ],
)
def test_a_key_changes_the_standard_deviation_by_a_twentieth(page, keys, want):
    for key in keys.split():
        page.locator("input[name=std]").press(key)
        state(page)
    assert_close(state(page)["std"], want)


def test_the_handle_stays_on_the_photograph(page):
    page.locator("input[name=stride]").press("End")
    wide = state(page)["stride"]
    handle, picture = page.locator(".handle"), page.locator(".picture").bounding_box()
    x, y = middle(handle)
    assert abs(x - picture["x"] - picture["width"]) < 1
    assert abs(y - picture["y"] - picture["height"]) < 1
    drag(page, handle, -30, -30)
    assert_close(state(page)["stride"], wide - 30 * scale(page) / (N - 0.5))


def test_rule_shows_where_the_rows_lose_weight(page):
    page.locator(".window").focus()
    for _ in range(5):
        page.keyboard.press("Shift+ArrowLeft")
    page.locator("input[name=std]").fill("-3")
    root = page.locator(".attn-glimpse")
    assert state(page)["rule"] == "exact"
    assert_allclose(float(root.get_attribute("data-row-sum")), 1)
    page.get_by_role("radio", name="source").check()
    assert state(page)["rule"] == "source"
    assert float(root.get_attribute("data-row-sum")) < 1e-3
    assert "row sum 0.000" in page.locator(".read-out").inner_text()
    page.get_by_role("radio", name="exact").check()
    assert state(page)["rule"] == "exact"


def test_reset_undoes_everything(page):
    drag(page, page.locator(".window"), 50, 30)
    page.locator("input[name=std]").fill("2")
    page.locator("input[name=stride]").fill("1")
    page.get_by_role("radio", name="source").check()
    changed = state(page)
    assert all(changed[name] != START[name] for name in START)
    page.locator(".reset").click()
    assert state(page) == START
    assert page.get_by_role("radio", name="exact").is_checked()


def test_changes_are_heard(page):
    page.locator(".window").press("ArrowRight")
    heard = page.locator(".heard")
    playwright.expect(heard).to_have_text(
        "first mean x 21.00, y 12.00, std 1.50, stride 3.00 pixels, rule exact"
    )


def test_finger_drags_the_window_and_scrolls_beside_it(browser, server):
    with reading(browser, server, **PHONE) as page:
        session = page.context.new_cdp_session(page)

        def touch(kind, *points):
            session.send(
                "Input.dispatchTouchEvent",
                {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]},
            )

        def swipe(x, y, dx, dy):
            touch("touchStart", (x, y))
            for step in range(1, 5):
                touch("touchMove", (x + dx * step / 4, y + dy * step / 4))
            touch("touchEnd")

        swipe(*middle(page.locator(".window")), 40, -16)
        moved = state(page)
        assert_close(moved["mean"], np.array(START["mean"]) + np.array([40, -16]) * scale(page))

        swipe(*middle(page.locator(".handle")), 20, 20)
        resized = state(page)
        assert_close(resized["stride"], 3.0 + 20 * scale(page) / (N - 0.5))

        box = page.locator(".picture").bounding_box()
        x, y = round(box["x"] + 0.1 * box["width"]), round(box["y"] + 0.9 * box["height"])
        swipe(x, y, 8, -40)  # a finger beside the window scrolls the page
        assert state(page) == resized


def test_tap_on_the_photograph_fetches_the_window(browser, server):
    with reading(browser, server, **PHONE) as page:
        box = page.locator(".picture").bounding_box()
        x, y = round(box["x"] + 0.1 * box["width"]), round(box["y"] + 0.9 * box["height"])
        page.touchscreen.tap(x, y)
        page.wait_for_function("document.querySelector('.attn-glimpse').dataset.meanX !== '20'")
        want = np.array([x - box["x"], y - box["y"]]) * scale(page) - 0.5 - HALF
        assert_close(state(page)["mean"], want)


# --- frames ---------------------------------------------------------------------------------------


def pixels(canvas):
    """Red, green and blue of a canvas, (height, width, 3)."""
    data = canvas.evaluate(
        "(c) => [c.height, c.width,"
        " ...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]"
    )
    return np.array(data[2:]).reshape(data[0], data[1], 4)[..., :3]


def assert_frame(page, index):
    strip = page.locator(".attn-frames").first
    assert strip.get_attribute("data-index") == str(index)
    assert strip.locator("p").inner_text() == "abcdef"[index]
    assert strip.locator("input").input_value() == str(index)
    assert strip.locator("input").get_attribute("aria-valuetext") == "abcdef"[index]
    assert_array_equal(pixels(strip.locator("canvas")), COLOURFUL[index])


def test_frames_follow_the_slider_and_its_keys(page):
    slider = page.get_by_role("slider", name="step")
    assert_frame(page, 0)
    slider.fill("4")
    assert_frame(page, 4)
    for key, index in (("ArrowLeft", 3), ("Home", 0), ("ArrowRight", 1), ("End", 5)):
        slider.press(key)
        assert_frame(page, index)


TICKS = """
window.setInterval = (tick) => { window.tick = tick; return 1; };
window.clearInterval = () => { window.tick = null; };
window.pass = (count) => { for (let k = 0; k < count; k++) window.tick?.(); };
"""


def test_frames_play_stop_and_begin_again(browser, server):
    with window_on(browser, server, **WIDE) as page:
        page.add_init_script(TICKS)  # time passes only when told to
        page.goto(server)
        mounted(page)
        button = page.locator(".attn-frames button").first
        button.click()
        assert button.inner_text() == "pause"
        page.evaluate("pass(2)")
        assert_frame(page, 2)
        button.click()
        assert button.inner_text() == "play"
        page.evaluate("pass(9)")
        assert_frame(page, 2)

        button.click()
        page.evaluate("pass(9)")
        assert_frame(page, 5)
        assert button.inner_text() == "play"

        button.click()
        assert_frame(page, 0)
        page.evaluate("pass(1)")
        assert_frame(page, 1)
        page.get_by_role("slider", name="step").fill("3")  # a hand stops the film
        page.evaluate("pass(9)")
        assert_frame(page, 3)
        assert button.inner_text() == "play"
