"""The figure of the scores in a browser: hand, keys and sliders, with and without a kernel."""

import contextlib
import json
import re
import shutil

import numpy as np
import pytest
from chromium import launched, served
from numpy.testing import assert_allclose
from test_figures import html_of
from test_figures_generic_live import KERNEL, document, swipe
from test_figures_live import NARROW, NEXT_FRAME, PHONE, TOO_WIDE, WIDE, drag, middle, window_on

from attn_course.figures import COLOURS, Scores
from attn_course.figures.live import STATIC
from attn_course.figures.scores import EDGE, KEY, NAMES

pytestmark = pytest.mark.requires("chromium")

START = {"query": [1.0, 0.9], "key": [list(one) for one in KEY], "width": 2, "scale": 1.0}
START["key_strength"] = 5.0


# Of each chart the heights of its bars, that of a weight of one, its numbers and its name.
CHARTS = """() => Object.fromEntries([...document.querySelectorAll(".chart")].map((chart) => {
  const all = (selector, f) => [...chart.querySelectorAll(selector)].map(f);
  return [chart.classList[1], {
    heights: all("i", (e) => e.getBoundingClientRect().height),
    high: parseFloat(getComputedStyle(chart).getPropertyValue("--high")),
    numbers: all("b", (e) => e.textContent),
    label: chart.getAttribute("aria-label"),
  }];
}))"""
PLACES = """() => {
  const box = (e) => e.getBoundingClientRect().toJSON();
  return [box(document.querySelector(".plane")), [...document.querySelectorAll(".spot")].map(box)];
}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    for module in STATIC.glob("*.mjs"):
        shutil.copy(module, folder)
    page = document(html_of(Scores(alt="five keys")))
    (folder / "index.html").write_text(page, encoding="utf-8")
    dark = (
        '<html style="--pst-color-text-base: #eee; --pst-color-text-muted: #bbb; color: #eee;'
        ' background: #14181e" '
    )
    (folder / "dark.html").write_text(page.replace("<html ", dark, 1), encoding="utf-8")
    spoilt = re.sub(r'"v":\[[^]]*\]', '"v":[1]', page)
    (folder / "spoilt.html").write_text(spoilt, encoding="utf-8")
    kernel = KERNEL.replace("STATE", json.dumps(Scores(alt="five keys").state()))
    (folder / "kernel.html").write_text(kernel.replace("MODULE", "scores"), encoding="utf-8")
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
        page.locator(".attn-scores .bars b").first.wait_for(state="attached")
        yield page


@pytest.fixture
def page(browser, server):
    with reading(browser, server, **WIDE) as page:
        yield page


def figure(page):
    """The figure on the page, once all it says and draws is found equal to the package's."""
    root = page.locator(".attn-scores")
    said = root.evaluate(NEXT_FRAME)
    shown = Scores(**json.loads(said["state"]))
    for kind, want in (("scores", shown.scores()), ("weights", shown.weights())):
        got = json.loads(said[kind])
        for name in NAMES:
            assert_allclose(got[name], want[name], rtol=1e-9, atol=1e-11)
    box, places = page.evaluate(PLACES)
    for at, point in zip(places, [shown.query, *shown.key], strict=True):
        x, y = at["x"] + at["width"] / 2 - box["x"], at["y"] + at["height"] / 2 - box["y"]
        got = [x / box["width"] * 2 - 1, 1 - y / box["height"] * 2]
        assert_allclose(got, np.array(point) / EDGE, atol=0.02)
    charts = page.evaluate(CHARTS)
    assert tuple(charts) == NAMES
    for name, chart in charts.items():
        weight = shown.weights()[name]
        assert_allclose(chart["heights"], chart["high"] * weight, atol=0.6)
        assert chart["numbers"] == [f"{w:.2f}" for w in weight]
        told = ", ".join(f"{a} {w:.2f}" for a, w in zip("abcde", weight, strict=True))
        assert chart["label"].endswith(f": {told}")
    return shown


def spots(page):
    """The handles of the keys, and behind them that of the query."""
    return [*page.locator(".spot:not(.query)").all(), page.locator(".spot.query")]


def live(shown):
    return {name: getattr(shown, name) for name in START}


def test_figure_replaces_its_picture(page):
    assert live(figure(page)) == START
    assert not page.locator(".attn-fallback").is_visible()


def test_with_a_spoilt_state_the_picture_remains(browser, server):
    with window_on(browser, server, "stays a picture.*do not fit", **WIDE) as page:
        page.goto(server + "spoilt.html")
        page.wait_for_function("document.querySelector('[data-mounted=no]')")
        assert page.locator(".attn-fallback svg").is_visible()
        assert page.locator(".attn-scores").count() == 0


def test_query_is_dragged_and_stays_in_the_plane(page):
    unit = page.locator(".plane").bounding_box()["width"] / (2 * EDGE)
    drag(page, page.locator(".spot.query"), -100, 30)
    shown = figure(page)
    assert_allclose(shown.query, [1.0 - 100 / unit, 0.9 - 30 / unit], atol=0.02)
    assert live(shown) | {"query": START["query"]} == START
    drag(page, page.locator(".spot.query"), 900, -900)
    assert figure(page).query == [EDGE, EDGE]


def test_a_click_brings_the_query(page):
    box = page.locator(".plane").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 4, box["y"] + box["height"] * 0.9)
    assert_allclose(figure(page).query, [-EDGE / 2, -0.8 * EDGE], atol=0.02)


def test_a_key_is_dragged_and_location_overlooks_it(page):
    before = figure(page).scores()
    drag(page, spots(page)[2], 60, 60)
    shown = figure(page)
    assert shown.query == START["query"]
    assert [k for k in range(5) if shown.key[k] != START["key"][k]] == [2]
    after = shown.scores()
    changed = {name for name in NAMES if abs(after[name] - before[name]).max() > 1e-9}
    assert changed == set(NAMES) - {"location"}


def test_keys_move_what_has_the_focus(page):
    page.keyboard.press("Tab")
    for key in ("ArrowRight", "ArrowUp", "Shift+ArrowLeft", "Shift+ArrowDown", "Control+ArrowUp"):
        page.keyboard.press(key)
    assert_allclose(figure(page).query, [1.05 - 0.5, 0.95 - 0.5])
    label = page.locator(".spot.query").get_attribute("aria-label")
    assert label == "query at x 0.55, y 0.45; arrow keys move it"
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    shown = figure(page)
    assert_allclose(shown.key[0], [KEY[0][0], KEY[0][1] - 0.05])
    assert page.evaluate("scrollY") == 0


def test_keys_reach_everything_and_show_where_they_are(page):
    orange = [int(COLOURS["orange"][k : k + 2], 16) for k in (1, 3, 5)]
    reached = []
    for _ in range(10):
        page.keyboard.press("Tab")
        name, style, colour = page.evaluate(
            "(({ outlineStyle, outlineColor }) => [document.activeElement.name ||"
            " document.activeElement.textContent, outlineStyle, outlineColor])"
            "(getComputedStyle(document.activeElement))"
        )
        assert (style, colour) == ("solid", f"rgb({', '.join(map(str, orange))})")
        reached.append(name)
    assert reached == [*"qabcde", "scale", "width", "key_strength", "Reset"]


def test_sliders_set_the_vectors_and_reset_brings_them_back(page):
    for name, place, trait, value, words in (
        ("scale of all", "2", "scale", 4.0, "× 4"),
        ("scale of all", "-1.5", "scale", 2**-1.5, "× 0.35"),
        ("width d", "7", "width", 128, "128"),
        ("key strength β", "12.5", "key_strength", 12.5, "12.5"),
    ):
        slider = page.get_by_role("slider", name=name)
        slider.fill(place)
        shown = figure(page)
        assert getattr(shown, trait) == value
        assert float(slider.input_value()) == float(place)
        assert slider.locator("+ output").inner_text() == words
    page.get_by_role("slider", name="width d").press("ArrowRight")
    assert figure(page).width == 256
    page.get_by_role("button", name="Reset").click()
    assert live(figure(page)) == START


def test_finger_drags_the_query_and_taps_the_plane(browser, server):
    with reading(browser, server, **PHONE) as page:
        x, y = middle(page.locator(".spot.query"))
        swipe(page, x, y, -70, 90)
        unit = page.locator(".plane").bounding_box()["width"] / (2 * EDGE)
        assert_allclose(figure(page).query, [1.0 - 70 / unit, 0.9 - 90 / unit], atol=0.03)
        assert page.evaluate("scrollY") == 0, "the page does not scroll along"
        box = page.locator(".plane").bounding_box()
        page.wait_for_timeout(700)  # a touch right behind a swipe stops its fling and is no click
        page.touchscreen.tap(box["x"] + box["width"] * 0.25, box["y"] + box["height"] * 0.9)
        assert_allclose(figure(page).query, [-EDGE / 2, -0.8 * EDGE], atol=0.03)


@pytest.mark.parametrize("settings", [NARROW, PHONE], ids=["narrow", "phone"])
def test_narrow_page_shows_points_and_bars_at_once(browser, server, settings):
    with reading(browser, server, **settings) as page:
        figure(page)
        width, height = settings["viewport"].values()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(TOO_WIDE) == []
        charts = page.locator(".charts").bounding_box()
        assert charts["y"] + charts["height"] < height
        over = page.locator(".bars b").evaluate_all(
            "(all) => all.map((e) => [...e.children].reduce((sum, one) => sum +"
            " one.getBoundingClientRect().width, 0) - e.parentElement.clientWidth)"
        )
        assert max(over) < 0, "numbers stand apart"


def test_dark_page_keeps_text_and_query_in_sight(browser, server):
    with reading(browser, server, "dark.html", **WIDE) as page:
        ink = page.locator(".chart .name").first.evaluate("(e) => getComputedStyle(e).color")
        assert ink == "rgb(238, 238, 238)"
        line = page.locator(".plane path").last.evaluate("(e) => getComputedStyle(e).stroke")
        assert line == "rgb(238, 238, 238)"
        figure(page)


def test_what_happens_is_spoken_once_it_rests(page):
    page.locator(".spot.query").press("Shift+ArrowLeft")
    page.wait_for_function("document.querySelector('.heard').textContent")
    weights = figure(page).weights()
    words = page.locator(".heard").text_content()
    assert words.startswith(f"dot: {'abcde'[weights['dot'].argmax()]} {weights['dot'].max():.2f}; ")


def test_model_and_figure_follow_each_other(browser, server):
    with window_on(browser, server, **WIDE) as page:
        page.goto(server + "kernel.html")
        page.locator(".attn-scores .bars b").first.wait_for(state="attached")
        page.evaluate("() => { model.set('query', [-1, 0.5]); model.set('width', 32) }")
        shown = figure(page)
        assert (shown.query, shown.width) == ([-1.0, 0.5], 32)
        assert page.evaluate("saved") == 0
        page.locator(".spot.query").press("ArrowUp")
        assert_allclose(page.evaluate("model.get('query')"), [-1, 0.55])
        figure(page)
        assert page.evaluate("saved") == 1
        assert page.evaluate("left()") > 0
        page.evaluate("leave()")
        assert page.evaluate("left()") == 0, "a figure that is closed listens no longer"
