"""The figure of the estimator in a browser: buttons, slider and keys, with and without a kernel."""

import contextlib
import json
import re
import shutil

import numpy as np
import pytest
from chromium import launched, served
from numpy.testing import assert_allclose, assert_array_equal
from test_figures import html_of
from test_figures_estimator import REWARD, estimator
from test_figures_generic_live import KERNEL, document
from test_figures_live import NARROW, NEXT_FRAME, PHONE, TOO_WIDE, WIDE, window_on

from attn_course.figures import COLOURS
from attn_course.figures.estimator import MOST, WAYS
from attn_course.figures.live import STATIC

pytestmark = pytest.mark.requires("chromium")

START = {"n_draw": 10, "offset": 3.0, "seed": 0}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    for module in STATIC.glob("*.mjs"):
        shutil.copy(module, folder)
    page = document(html_of(estimator(**START)))
    (folder / "index.html").write_text(page, encoding="utf-8")
    dark = (
        '<html style="--pst-color-text-base: #eee; --pst-color-text-muted: #bbb; color: #eee;'
        ' background: #14181e" '
    )
    (folder / "dark.html").write_text(page.replace("<html ", dark, 1), encoding="utf-8")
    spoilt = re.sub(r'"reward":\[[^]]*\]', '"reward":[1]', page)
    (folder / "spoilt.html").write_text(spoilt, encoding="utf-8")
    many = document(html_of(estimator(n_draw=MOST - 5)))
    (folder / "many.html").write_text(many, encoding="utf-8")
    kernel = KERNEL.replace("STATE", json.dumps(estimator(**START).state()))
    (folder / "kernel.html").write_text(kernel.replace("MODULE", "estimator"), encoding="utf-8")
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
        page.locator(".attn-estimator .exact").first.wait_for(state="attached")
        yield page


@pytest.fixture
def page(browser, server):
    with reading(browser, server, **WIDE) as page:
        yield page


def figure(page):
    """The figure on the page, once all it says is found equal to the package's."""
    root = page.locator(".attn-estimator")
    said = root.evaluate(NEXT_FRAME)
    shown = estimator(
        n_draw=int(said["n_draw"]), offset=float(said["offset"]), seed=int(said["seed"])
    )
    assert_array_equal(json.loads(said["counts"]), shown.counts())
    for way, one in shown.estimates().items():
        got = json.loads(said[way])
        for name, value in one.items():
            assert (got[name] is None) == (value is None)
            if value is not None:
                assert_allclose(got[name], value, rtol=1e-9, atol=1e-11)
        text = root.locator(f".ways .{way} p").inner_text()
        cosine = "–" if one["cosine"] is None else f"{one['cosine']:.3f}".replace("-", "−")
        assert text.startswith(f"cosine {cosine}, spread of a draw ")
        dots = root.locator(f".ways .{way} circle").count()
        assert dots == (0 if one["gradient"] is None else len(REWARD))
    n = shown.n_draw
    drawn = root.locator(".drawn").inner_text()
    assert drawn.startswith(f"{n} draw" + "s" * (n != 1))
    if n:
        last = shown.choices()[-1]
        worth = f"{REWARD[last] + shown.offset:.1f}".replace("-", "−")
        assert drawn.endswith(f"the last was {shown.items[last]}, reward {worth}")
    assert float(root.locator("input").input_value()) == shown.offset
    assert root.locator("output").inner_text() == f"{shown.offset:.1f}".replace("-", "−")
    return shown


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def test_figure_replaces_its_picture(page):
    shown = figure(page)
    assert {name: getattr(shown, name) for name in START} == START
    assert not page.locator(".attn-fallback").is_visible()


def test_with_a_spoilt_state_the_picture_remains(browser, server):
    with window_on(browser, server, "stays a picture.*not as many", **WIDE) as page:
        page.goto(server + "spoilt.html")
        page.wait_for_function("document.querySelector('[data-mounted=no]')")
        assert page.locator(".attn-fallback svg").is_visible()
        assert page.locator(".attn-estimator").count() == 0


def test_buttons_draw(page):
    for name, n in (("draw 1", 11), ("draw 10", 21), ("draw 100", 121), ("draw 1", 122)):
        press(page, name)
        assert figure(page).n_draw == n


def test_start_again_draws_others(page):
    before = figure(page).choices()
    press(page, "start again")
    shown = figure(page)
    assert (shown.n_draw, shown.seed, shown.offset) == (0, 1, 3.0)
    press(page, "draw 1")
    assert figure(page).estimates()["baseline"]["gradient"] is None
    assert "two are needed" in page.locator(".ways .baseline p").inner_text()
    press(page, "draw 10")
    assert (figure(page).choices()[:10] != before).any()


def test_slider_moves_one_estimate_and_leaves_the_other(page):
    def dots(way):
        page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
        found = page.locator(f".ways .{way} circle").all()
        return [float(one.get_attribute("cx")) for one in found]

    before = {way: dots(way) for way in WAYS}
    slider = page.get_by_role("slider", name="added to all rewards; three places")
    slider.fill("-2")
    assert figure(page).offset == -2
    assert_allclose(dots("baseline"), before["baseline"], atol=1e-6)
    assert np.abs(np.subtract(dots("plain"), before["plain"])).max() > 5
    for key, want in (("ArrowRight", -1.5), ("ArrowLeft", -2.0), ("End", 5.0), ("Home", -5.0)):
        slider.press(key)
        assert figure(page).offset == want


def test_keys_reach_everything_and_show_where_they_are(page):
    for want in ("draw 1", "draw 10", "draw 100", "start again", ""):
        page.keyboard.press("Tab")
        name, style, colour = page.evaluate(
            "(({ outlineStyle, outlineColor }) => [document.activeElement.textContent,"
            " outlineStyle, outlineColor])(getComputedStyle(document.activeElement))"
        )
        assert (name, style) == (want, "solid")
        orange = [int(COLOURS["orange"][k : k + 2], 16) for k in (1, 3, 5)]
        assert colour == f"rgb({', '.join(map(str, orange))})"
    page.get_by_role("button", name="draw 10", exact=True).focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Space")
    assert figure(page).n_draw == 30
    assert page.evaluate("document.getAnimations().length") == 0


def test_draws_come_to_an_end(browser, server):
    with reading(browser, server, "many.html", **WIDE) as page:
        press(page, "draw 10")
        assert figure(page).n_draw == MOST
        assert page.get_by_role("button", name="draw 1", exact=True).is_disabled()
        press(page, "start again")
        assert figure(page).n_draw == 0
        assert page.get_by_role("button", name="draw 1", exact=True).is_enabled()


@pytest.mark.parametrize("settings", [NARROW, PHONE], ids=["narrow", "phone"])
def test_narrow_page_is_not_wider_than_its_window(browser, server, settings):
    with reading(browser, server, **settings) as page:
        width = settings["viewport"]["width"]
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(TOO_WIDE) == []
        press(page, "draw 100")
        assert figure(page).n_draw == 110
        plain, other = (page.locator(f".ways .{way}").bounding_box() for way in WAYS)
        assert other["y"] > plain["y"] + plain["height"] - 1, "one below the other"


def test_wide_page_sets_them_side_by_side(page):
    plain, other = (page.locator(f".ways .{way}").bounding_box() for way in WAYS)
    assert abs(other["y"] - plain["y"]) < 1
    assert other["x"] > plain["x"] + plain["width"]


def test_text_takes_the_colour_of_a_dark_page(browser, server):
    with reading(browser, server, "dark.html", **WIDE) as page:
        ink = page.locator(".ways text").first.evaluate("(e) => getComputedStyle(e).fill")
        assert ink == "rgb(238, 238, 238)"


def test_exact_gradient_stands_where_it_is(page):
    exact = figure(page).gradient
    at = [
        float(re.match(r"M([\d.]+)", one.get_attribute("d"))[1])
        for one in page.locator(".ways .plain .exact").all()
    ]
    assert_allclose(np.diff(at) / np.diff(exact), (at[1] - at[0]) / (exact[1] - exact[0]))
    axis = page.locator(".ways .plain path").first.get_attribute("d")
    middle = float(re.match(r"M([\d.]+)", axis)[1])
    assert_allclose(middle + exact * (at[1] - at[0]) / (exact[1] - exact[0]), at)


def test_model_and_figure_follow_each_other(browser, server):
    with window_on(browser, server, **WIDE) as page:
        page.goto(server + "kernel.html")
        page.locator(".attn-estimator .exact").first.wait_for(state="attached")
        page.evaluate("() => { model.set('n_draw', 33); model.set('offset', -1.5) }")
        shown = figure(page)
        assert (shown.n_draw, shown.offset) == (33, -1.5)
        assert page.evaluate("saved") == 0
        press(page, "draw 1")
        assert page.evaluate("model.get('n_draw')") == 34
        figure(page)
        assert page.evaluate("saved") == 1
        assert page.evaluate("left()") > 0
        page.evaluate("leave()")
        assert page.evaluate("left()") == 0, "a figure that is closed listens no longer"
