"""The fovea in a browser: mouse, finger and keys, questions and ways, with and without a kernel."""

import contextlib
import json
import shutil

import numpy as np
import pytest
from chromium import launched, served
from numpy.testing import assert_allclose, assert_array_equal
from test_figures import html_of
from test_figures_fovea import ASKED, HEIGHT, PHOTOGRAPH, WIDTH, fovea
from test_figures_generic_live import KERNEL, document, swipe
from test_figures_live import NARROW, NEXT_FRAME, PHONE, TOO_WIDE, WIDE, pixels, window_on
from test_site import CONTRAST

from attn_course.figures import Fovea, room
from attn_course.figures.live import STATIC
from attn_course.figures.scene import QUESTIONS, SEEN

pytestmark = pytest.mark.requires("chromium")

START = (0.25, -0.5)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    for module in STATIC.glob("*.mjs"):
        shutil.copy(module, folder)
    page = document(html_of(fovea()))
    (folder / "index.html").write_text(page, encoding="utf-8")
    dark = (
        "<style>html { --pst-color-text-base: #eee; --pst-color-text-muted: #bbb }"
        " body { background: #111; color: #eee }</style>"
    )
    spoilt = page.replace('"base64":"', '"base64":"AAAA')
    (folder / "spoilt.html").write_text(spoilt, encoding="utf-8")
    bare = document(html_of(fovea(questions=[])))
    (folder / "bare.html").write_text(bare, encoding="utf-8")
    scene = Fovea(room(), alt=SEEN, n_scale=5, questions=list(QUESTIONS))
    (folder / "room.html").write_text(document(html_of(scene)), encoding="utf-8")
    (folder / "dark.html").write_text(
        document(html_of(scene)).replace("<style>", f"{dark}<style>", 1), encoding="utf-8"
    )
    kernel = KERNEL.replace("STATE", json.dumps(fovea().state())).replace("MODULE", "fovea")
    (folder / "kernel.html").write_text(kernel, encoding="utf-8")
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
        page.locator(".attn-fovea .patches canvas").first.wait_for()
        yield page


@pytest.fixture(scope="module")
def wide_page(browser, server):
    with reading(browser, server, **WIDE) as page:
        yield page


@pytest.fixture
def page(wide_page):
    wide_page.evaluate("scrollTo(0, 0)")
    wide_page.mouse.move(0, 0)
    wide_page.locator(".reset").click()
    wide_page.mouse.move(0, 0)
    assert place(figure(wide_page)) == START
    return wide_page


def figure(page):
    """The figure on the page, once all it says and paints is found equal to the package's."""
    said = page.locator(".attn-fovea").evaluate(NEXT_FRAME)
    shown = fovea(
        size=int(said["size"]),
        n_scale=int(said["nScale"]),
        location=(float(said["x"]), float(said["y"])),
    )
    shown.whole, shown.question = said["whole"] == "true", int(said["question"])
    patches = shown.patches()
    assert_allclose(float(said["patchMean"]), patches.mean(), atol=1e-10)
    assert int(said["numbers"]) == shown.n_number
    assert (
        f"= {shown.n_number:,} numbers read for 2,240 pixels" in page.locator(".count").inner_text()
    )
    canvases = page.locator(".patches canvas").all()
    assert len(canvases) == shown.n_scale
    for canvas, patch in zip(canvases, patches, strict=True):
        assert_allclose(pixels(canvas)[..., 0], patch * 255, atol=0.5001)
    painted, seen = pixels_with_cover(page.locator(".stage canvas")), shown.seen()
    if shown.whole:
        assert_array_equal(painted[..., 0], PHOTOGRAPH)
    else:
        assert_array_equal(painted[..., 3] == 255, ~np.isnan(seen))
        assert_allclose(painted[..., 0], 255 * np.nan_to_num(seen), atol=0.5001)
    squares = page.locator(".stage svg rect").all()[::2]
    assert len(squares) == (shown.n_scale if shown.whole else 1)
    for k, square in enumerate(squares):
        left, top, side, _ = (
            float(square.get_attribute(name) or "nan") for name in ("x", "y", "width", "height")
        )
        assert ((left, top), side) == (shown._corner(k), shown.size * 2**k)
    return shown


def pixels_with_cover(canvas):
    values = canvas.evaluate(
        "(c) => [c.height, c.width,"
        " ...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]"
    )
    return np.array(values[2:]).reshape(values[0], values[1], 4)


def place(shown):
    return shown.x, shown.y


def screen(page, x, y):
    """Where a normalised place of the picture is on the screen."""
    box = page.locator(".stage").bounding_box()
    return box["x"] + (x + 1) / 2 * box["width"], box["y"] + (y + 1) / 2 * box["height"]


def points(page):
    return json.loads(page.locator(".attn-fovea").evaluate(NEXT_FRAME)["points"])


def ask(page, k):
    page.get_by_role("radio").nth(k).check(force=True)
    figure(page)


def test_figure_replaces_its_picture(page):
    shown = figure(page)
    assert (shown.size, shown.n_scale, shown.question, shown.whole) == (6, 2, -1, False)
    assert not page.locator(".attn-fallback").is_visible()
    box = page.locator(".stage").bounding_box()
    assert_allclose(box["width"] / box["height"], WIDTH / HEIGHT, rtol=0.01)
    label = page.get_by_role("application").get_attribute("aria-label")
    assert label.startswith("a noisy photograph; as the retina gives it, the fovea at x 35, y 10 ")


def test_with_a_spoilt_state_the_picture_remains(browser, server):
    with window_on(browser, server, "stays a picture.*image is incomplete", **WIDE) as page:
        page.goto(server + "spoilt.html")
        page.locator("figure[data-mounted=no]").wait_for()
        assert page.locator(".attn-fallback svg").first.is_visible()


def test_without_scripts_the_picture_remains(browser, server):
    with window_on(browser, server, java_script_enabled=False, **WIDE) as page:
        page.goto(server)
        picture = page.get_by_role("img", name="a noisy photograph. Beside it what a retina of 2")
        assert picture.is_visible()
        assert picture.bounding_box()["height"] > 100


@pytest.mark.parametrize("at", [(-0.6, 0.4), (0.97, 0.95), (0, 0)])
def test_the_mouse_is_the_fovea_without_a_button(page, at):
    page.mouse.move(*screen(page, *at))
    got = place(figure(page))
    assert_allclose(got, at, atol=0.01)
    page.mouse.move(5, 5)
    assert place(figure(page)) == got, "beside the picture nothing moves it"


@pytest.mark.parametrize(
    ("keys", "pixel"),
    [
        ("ArrowLeft", (-4, 0)),
        ("Shift+ArrowRight ArrowDown", (16, 4)),
        ("ArrowUp ArrowUp", (0, -8)),
        ("Control+ArrowLeft a", (0, 0)),
    ],
)
def test_keys(page, keys, pixel):
    page.locator(".stage").focus()
    for key in keys.split():
        page.keyboard.press(key)
    want = np.array(START) + 2 * np.array(pixel) / [WIDTH, HEIGHT]
    assert_allclose(place(figure(page)), want, atol=1.1e-4 * len(keys))
    assert page.evaluate("scrollY") == 0


def test_keys_stop_at_the_edge_and_lead_to_the_middle(page):
    page.locator(".stage").focus()
    for _ in range(5):
        page.keyboard.press("Shift+ArrowRight")
        page.keyboard.press("Shift+ArrowUp")
    assert place(figure(page)) == (1, -1)
    page.keyboard.press("Home")
    assert place(figure(page)) == (0, 0)
    page.wait_for_function(
        "document.querySelector('.heard').textContent === 'fovea at x 28, y 20 of 56 by 40 pixels'"
    )


def test_size_and_scales_are_chosen(page):
    page.get_by_label("size").select_option("16")
    page.get_by_label("scales").select_option("4")
    assert figure(page).n_number == 1024
    page.get_by_label("scales").select_option("1")
    shown = figure(page)
    assert (shown.size, shown.n_scale) == (16, 1)
    page.locator(".reset").click()
    shown = figure(page)
    assert (shown.size, shown.n_scale) == (6, 2)
    choices = page.get_by_label("size").locator("option").all_text_contents()
    assert choices == ["4", "6", "8", "12", "16", "24", "32"]


def test_the_whole_picture_is_shown_and_covered(page):
    page.get_by_role("button", name="Show the whole picture").click()
    assert figure(page).whole
    label = page.get_by_role("application").get_attribute("aria-label")
    assert "; all of it, the fovea at" in label
    page.get_by_role("button", name="Cover the picture").click()
    assert not figure(page).whole


def test_ways_are_kept_for_each_question(page):
    page.mouse.move(*screen(page, 0.5, 0.5))
    assert points(page) == [0, 0], "no question, no way"
    looks = [[(-0.5, -0.5), (0.5, 0.5)], [(0.5, -0.5), (-0.5, -0.5), (0.2, 0.1)]]
    for k, places in enumerate(looks):
        ask(page, k)
        page.mouse.move(5, 5)
        for one in places:
            page.mouse.move(*screen(page, *one))
            page.wait_for_timeout(320)
        ways = page.locator(".stage polyline").count()
        assert ways == 2, "covered, only the chosen question's way is drawn, with its white edge"
    page.mouse.move(5, 5)
    assert points(page) == [2, 3]
    page.locator(".show").click()
    figure(page)
    assert page.locator(".stage polyline").count() == 4
    colours = page.locator(".stage polyline").evaluate_all(
        "(a) => a.map((e) => e.attributes.stroke.value)"
    )
    assert colours == ["#fff", "#3d7fd6", "#fff", "#d0660a"]
    assert page.locator(".stage text").all_text_contents() == ["1", "2"]
    assert page.locator(".stage circle[fill-opacity]").count() == 5, "where the eye rested"
    drawn = page.locator(".stage polyline").last.get_attribute("points")
    drawn = np.array([pair.split(",") for pair in drawn.split()], float)
    want = (np.array(looks[1]) + 1) / 2 * [WIDTH, HEIGHT]
    assert_allclose(drawn, want, atol=0.3)
    cards = page.locator(".question")
    assert cards.locator("polyline").count() == 4
    assert [card.locator("small").inner_text() for card in cards.all()] == ["looked for 1 s"] * 2
    shown = cards.locator(".trace").first.evaluate("(e) => getComputedStyle(e).backgroundImage")
    assert "data:image/png" in shown
    page.mouse.move(*screen(page, 0, 0))
    assert points(page) == [2, 3], "who sees all of it does not search"
    ask(page, 0)
    assert not figure(page).whole, "with a question the picture is covered"
    assert (
        cards.locator(".trace").first.evaluate("(e) => getComputedStyle(e).backgroundImage")
        == "none"
    )
    page.get_by_role("button", name="Clear the traces").click()
    assert points(page) == [0, 0]
    assert page.locator("polyline").count() == 0
    assert figure(page).question == 0


def test_cards_hold_the_questions_as_text(page):
    labels = page.locator(".question > span:last-child > span:nth-child(2)").all_text_contents()
    assert labels == ASKED
    assert page.get_by_role("group", name="Choose a question").get_by_role("radio").count() == 2
    assert page.get_by_role("radio", name=ASKED[1]).count() == 1


def test_by_keyboard_alone(page):
    page.get_by_role("radio").first.focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    assert figure(page).question == 1
    look = "((e, s) => [e.className || e.name, s.outlineStyle !== 'none'])"
    look += (
        "(document.activeElement, getComputedStyle(document.activeElement.closest('.question') ??"
    )
    look += " document.activeElement))"
    reached = [page.evaluate(look)]
    while reached[-1][0] != "reset":
        page.keyboard.press("Tab")
        reached.append(page.evaluate(look))
        if reached[-1][0] == "stage":
            for key in ("ArrowLeft", "Shift+ArrowDown", "ArrowLeft"):
                page.keyboard.press(key)
        assert len(reached) < 10
    names = [name for name, _ in reached]
    assert names[1:] == ["stage", "size", "n_scale", "show", "clear", "reset"]
    assert all(seen for _, seen in reached)
    assert points(page) == [0, 3]
    assert_allclose(place(figure(page)), np.array(START) + [-16 / WIDTH, 32 / HEIGHT], atol=3e-4)


def test_nothing_moves_by_itself(page):
    assert page.evaluate("document.getAnimations().length") == 0
    durations = page.locator(".attn-fovea *").evaluate_all(
        "(all) => all.map((e) => getComputedStyle(e).transitionDuration)"
    )
    assert set(durations) == {"0s"}


def test_without_questions_there_are_no_cards(browser, server):
    with reading(browser, server, "bare.html", **WIDE) as page:
        assert page.locator(".question, .questions, .clear").count() == 0
        page.mouse.move(*screen(page, -0.4, 0.2))
        assert_allclose(place(figure_without_questions(page)), (-0.4, 0.2), atol=0.01)
        page.locator(".reset").click()
        assert place(figure_without_questions(page)) == START
        assert "question" not in page.locator(".help").inner_text()


def figure_without_questions(page):
    assert points(page) == []
    return figure(page)


@pytest.mark.parametrize("path", ["room.html", "dark.html"])
@pytest.mark.parametrize("settings", [NARROW, PHONE, WIDE], ids=["narrow", "phone", "wide"])
def test_layout(browser, server, path, settings):
    with reading(browser, server, path, **settings) as page:
        width = settings["viewport"]["width"]
        for _ in range(2):
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.evaluate(TOO_WIDE) == []
            assert page.evaluate(CONTRAST) == []
            assert page.locator(".stage").bounding_box()["width"] > 200
            page.locator(".show").click()
        if width < 400:
            assert page.locator(".stage").bounding_box()["width"] <= width - 16 - 40
            sizes = page.locator("button, select, .question").evaluate_all(
                "(all) => all.map((e) => e.getBoundingClientRect().height)"
            )
            assert min(sizes) >= 44


def test_text_takes_the_colours_of_the_page(browser, server):
    with reading(browser, server, "dark.html", **WIDE) as page:
        colour = "(e) => getComputedStyle(e).color"
        assert page.locator(".count").evaluate(colour) == "rgb(238, 238, 238)"
        assert page.locator(".reset").evaluate(colour) == "rgb(238, 238, 238)"
        assert page.locator(".help").evaluate(colour) == "rgb(187, 187, 187)"


def test_a_finger_moves_the_fovea_and_scrolls_beside_it(browser, server):
    with reading(browser, server, **PHONE) as page:
        page.locator(".stage").scroll_into_view_if_needed()
        x, y = screen(page, 0, 0)
        ask(page, 1)
        box = page.locator(".stage").bounding_box()
        swipe(page, round(x), round(y), 40, -24)
        want = (80 / box["width"], -48 / box["height"])
        assert_allclose(place(figure(page)), want, atol=0.02)
        assert points(page)[1] > 1
        beside = box["x"] + box["width"] + 10
        assert beside < PHONE["viewport"]["width"] - 16
        before = place(figure(page))
        swipe(page, round(beside), round(y), 0, -60)
        assert place(figure(page)) == before


def test_model_and_figure_follow_each_other(browser, server):
    with reading(browser, server, "kernel.html", **WIDE) as page:
        for name, value in {"x": -0.5, "n_scale": 3, "question": 1, "whole": True}.items():
            page.evaluate("([name, value]) => model.set(name, value)", [name, value])
        shown = figure(page)
        assert (shown.x, shown.n_scale, shown.question, shown.whole) == (-0.5, 3, 1, True)
        page.evaluate("model.set('gaze', [[], [[0, 0, 1], [0.5, 0.5, 0.5]]])")
        assert points(page) == [0, 2]
        assert page.evaluate("saved") == 0
        page.evaluate("model.set('whole', false)")
        page.locator(".stage").press("ArrowRight")
        assert_allclose(page.evaluate("model.get('x')"), -0.5 + 8 / WIDTH, atol=1e-4)
        assert page.evaluate("saved") > 0
        page.wait_for_function("model.get('gaze')[1].length === 3")
        mirror = fovea()
        mirror.gaze = page.evaluate("model.get('gaze')")
        assert mirror.trails[ASKED[1]][-1, 0] == page.evaluate("model.get('x')")
        assert page.evaluate("left()") > 0
        page.evaluate("leave()")
        assert page.evaluate("left()") == 0, "a figure that is closed listens no longer"
