"""The figure of the sampler in a browser: mouse, finger and keys, with and without a kernel."""

import contextlib
import json
import re
import shutil

import numpy as np
import pytest
from chromium import launched, served
from numpy.testing import assert_allclose, assert_array_equal
from test_figures import html_of
from test_figures_generic_live import KERNEL, document, swipe
from test_figures_live import NARROW, NEXT_FRAME, PHONE, TOO_WIDE, WIDE, middle, pixels, window_on
from test_figures_sampler import HEIGHT, PHOTOGRAPH, THETA, WIDTH, expected, sampler

from attn_course.figures.live import STATIC
from attn_course.spatial_transformer import reference

pytestmark = pytest.mark.requires("chromium")

ROOM = 8  # an eighth of the longer side, around the photograph
UNITS = np.array([WIDTH, HEIGHT]) / 2


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    for module in STATIC.glob("*.mjs"):
        shutil.copy(module, folder)
    page = document(html_of(sampler()))
    (folder / "index.html").write_text(page, encoding="utf-8")
    dark = '<html style="--pst-color-text-base: #eee; --pst-color-text-muted: #bbb" '
    (folder / "dark.html").write_text(page.replace("<html ", dark, 1), encoding="utf-8")
    spoilt = page.replace('"base64":"', '"base64":"AAAA')
    (folder / "spoilt.html").write_text(spoilt, encoding="utf-8")
    kernel = KERNEL.replace("STATE", json.dumps(sampler().state())).replace("MODULE", "sampler")
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
        page.locator(".attn-sampler .dots").first.wait_for(state="attached")
        yield page


@pytest.fixture(scope="module")
def wide_page(browser, server):
    with reading(browser, server, **WIDE) as page:
        yield page


@pytest.fixture
def page(wide_page):
    wide_page.evaluate("scrollTo(0, 0)")
    wide_page.locator(".reset").click()
    wide_page.mouse.move(0, 0)
    figure(wide_page)
    return wide_page


def figure(page):
    """The figure on the page, once all it says and paints is found equal to the package's."""
    said = page.locator(".attn-sampler").evaluate(NEXT_FRAME)
    shown = sampler(
        theta=np.reshape(json.loads(said["theta"]), (2, 3)),
        align_corners=said["alignCorners"] == "true",
        padding=said["padding"],
        pixel=(int(said["row"]), int(said["column"])),
    )
    row, column = shown.row, shown.column
    output, here = shown.glimpse(), shown.positions()[row, column]
    assert_allclose(float(said["value"]), output[row, column], atol=1e-10)
    assert_allclose(float(said["outputMean"]), output.mean(), atol=1e-10)
    assert_allclose([float(said["x"]), float(said["y"])], here, atol=1e-10)
    weight = expected(shown.state() | {"image": PHOTOGRAPH.ravel()})["weight"]
    weights = json.loads(said["weights"])
    assert_allclose(sum(weights), weight.sum(), atol=1e-10)
    assert_allclose(sorted(weights), np.sort(weight.ravel())[-4:], atol=1e-10)
    painted = pixels(page.locator(".sampled canvas"))[..., 0]
    assert_allclose(painted, output * 255, atol=0.5001)
    assert page.locator(".near text:not(.name)").all_text_contents() == [
        f"{w:.3f}" for w in weights
    ]
    text = page.locator(".sum").inner_text()
    assert text.endswith(f"sum of the weights {weight.sum():.3f}")
    assert f"= {output[row, column]:.3f}" in text
    for k, radio in enumerate(page.locator("input[type=radio]").all()):
        want = (not shown.align_corners, shown.align_corners, *(
            shown.padding == name for name in reference.PADDINGS
        ))[k]  # fmt: skip
        assert radio.is_checked() == want
    dots = page.locator("path.light.dots").get_attribute("d")
    points = [pair.split() for pair in re.findall(r"M(.*?)h0", dots)]
    assert_allclose(np.array(points, float), shown.positions().reshape(-1, 2), atol=1e-9)
    return shown


def screen(page, point):
    """Where a point of the photograph, in its pixels, is on the screen."""
    box = page.locator(".picture").bounding_box()
    scale = box["width"] / (WIDTH + 2 * ROOM)
    return np.array([box["x"], box["y"]]) + scale * (np.array(point) + ROOM + 0.5)


def grip_at(theta, u, v):
    """Where a grip is, in pixels of the photograph, edges being -1 and 1."""
    return (theta @ [u, v, 1] + 1) * UNITS - 0.5


def drag(page, start, dx, dy):
    """From a point of the photograph by so many of its pixels."""
    page.mouse.move(*screen(page, start))
    page.mouse.down()
    page.mouse.move(*screen(page, np.add(start, [dx / 2, dy / 2])))
    page.mouse.move(*screen(page, np.add(start, [dx, dy])))
    page.mouse.up()


def assert_same(got, want, atol=2e-4):
    """Equal up to what the figure rounds to and the mouse's own pixels."""
    assert_allclose(got, want, rtol=0, atol=atol)


def test_figure_replaces_its_picture(page):
    shown = figure(page)
    assert_array_equal(shown.theta, THETA)
    assert not page.locator(".attn-fallback").is_visible()
    canvas = page.locator("canvas.image")
    assert canvas.get_attribute("aria-label") == "a noisy photograph"
    painted = pixels(canvas)[..., 0]
    assert_array_equal(painted[ROOM:-ROOM, ROOM:-ROOM], PHOTOGRAPH)


def test_with_a_spoilt_state_the_picture_remains(browser, server):
    with window_on(browser, server, "stays a picture.*image is incomplete", **WIDE) as page:
        page.goto(server + "spoilt.html")
        page.locator("figure[data-mounted=no]").wait_for()
        assert page.locator(".attn-fallback svg").is_visible()


def test_handles_and_box_are_where_the_map_takes_them(page):
    for name, u, v in (("x", 1, 0), ("y", 0, 1), ("turn", 1, 1)):
        got = middle(page.locator(f".handle[data-grip={name}]"))
        assert_allclose(got, screen(page, grip_at(THETA, u, v)), atol=1)


def test_mouse_drags_the_box(page):
    drag(page, grip_at(THETA, -0.5, 0.1), 7, -5)
    want = THETA.copy()
    want[:, 2] += np.array([7, -5]) / UNITS
    assert_same(figure(page).theta, want)
    before = figure(page).raw
    page.mouse.move(300, 300)
    assert figure(page).raw == before, "a button let go lets go"
    drag(page, grip_at(figure(page).theta, -0.3, -0.3), -900, 900)
    assert_same(figure(page).theta[:, 2], [1 / WIDTH - 1, 1 - 1 / HEIGHT])


@pytest.mark.parametrize(("name", "u", "v"), [("x", 1, 0), ("y", 0, 1)])
def test_an_edge_moves_one_column_of_the_map(page, name, u, v):
    drag(page, grip_at(THETA, u, v), -4, 6)
    want = THETA.copy()
    want[:, v] += np.array([-4, 6]) / UNITS
    assert_same(figure(page).theta, want)


def test_the_corner_turns_and_scales(page):
    centre, corner = grip_at(THETA, 0, 0), grip_at(THETA, 1, 1)
    quarter = [[0, -1], [1, 0]] @ (corner - centre) * 0.8  # and a little smaller
    drag(page, corner, *(centre + quarter - corner))
    in_pixels = UNITS[:, None] * THETA[:, :2]
    want = 0.8 * np.array([[0, -1], [1, 0]]) @ in_pixels / UNITS[:, None]
    got = figure(page).theta
    assert_same(got[:, :2], want)
    assert_same(got[:, 2], THETA[:, 2])


def test_mouse_on_the_photograph_fetches_the_box(page):
    page.mouse.click(*screen(page, (6, 33)))
    assert_same(figure(page).theta[:, 2], (np.array([6, 33]) + 0.5) / UNITS - 1)


def moved(column, dx, dy):
    theta = THETA.copy()
    theta[:, column] += np.array([dx, dy]) / UNITS
    return theta


@pytest.mark.parametrize(
    ("grip", "keys", "want"),
    [
        ("move", "ArrowLeft ArrowUp", moved(2, -1, -1)),
        ("move", "Shift+ArrowRight ArrowDown", moved(2, 8, 1)),
        ("x", "ArrowRight ArrowRight", moved(0, 2, 0)),
        ("y", "Shift+ArrowUp", moved(1, 0, -8)),
        ("move", "+ + -", np.column_stack([1.1 * THETA[:, :2], THETA[:, 2]])),
        ("turn", "] ] [ [", THETA),
        ("turn", "Control+ArrowLeft a", THETA),
    ],
)
def test_keys(page, grip, keys, want):
    page.locator(f"[data-grip={grip}]").focus()
    for key in keys.split():
        page.keyboard.press(key)
    assert_same(figure(page).theta, want, atol=3e-4)
    assert page.evaluate("scrollY") == 0


def test_brackets_turn_by_five_degrees(page):
    page.locator("[data-grip=move]").press("]")
    angle = np.deg2rad(5)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    want = turn @ (UNITS[:, None] * THETA[:, :2]) / UNITS[:, None]
    assert_same(figure(page).theta[:, :2], want)


def test_a_grid_that_is_flat_is_not_turned_to_nonsense(page):
    for name in ("x from x", "x from y", "y from x", "y from y"):
        page.get_by_role("spinbutton", name=f"theta, {name}").fill("0")
    page.locator("[data-grip=turn]").press("ArrowRight")
    page.locator("[data-grip=turn]").press("]")
    assert_array_equal(figure(page).theta[:, :2], 0)
    page.locator("[data-grip=x]").press("Shift+ArrowRight")
    assert_same(figure(page).theta[:, :2], [[8 / 30, 0], [0, 0]])


def test_fields_hold_the_six_numbers(page):
    fields = page.get_by_role("group", name="settings").get_by_role("spinbutton")
    assert [float(field.input_value()) for field in fields.all()] == THETA.ravel().tolist()
    fields.nth(2).fill("-0.35")
    assert figure(page).theta[0, 2] == -0.35
    fields.nth(2).fill("")  # half typed
    assert figure(page).theta[0, 2] == -0.35
    fields.nth(0).press("ArrowUp")
    assert_same(figure(page).theta[0, 0], 0.41)


def test_output_chooses_a_pixel(page):
    output = page.get_by_role("slider", name="output, 5 by 6")
    for keys, want in (
        ("ArrowRight ArrowDown", (2, 3)), ("ArrowUp ArrowUp ArrowUp ArrowLeft", (0, 2)),
        ("End", (0, 5)), ("Home ArrowLeft", (0, 0)),
    ):  # fmt: skip
        for key in keys.split():
            output.press(key)
        shown = figure(page)
        assert (shown.row, shown.column) == want
    box = output.bounding_box()
    output.click(position={"x": box["width"] * 4.5 / 6, "y": box["height"] * 3.5 / 5})
    shown = figure(page)
    assert (shown.row, shown.column) == (3, 4)
    assert output.get_attribute("aria-valuenow") == "22"
    assert output.get_attribute("aria-valuetext").startswith(
        f"row 3, column 4: {shown.glimpse()[3, 4]:.3f}, read at ("
    )
    mark = page.locator(".sampled i").bounding_box()
    assert_allclose(mark["x"] - box["x"], box["width"] * 4 / 6, atol=1)
    assert_allclose(mark["y"] - box["y"], box["height"] * 3 / 5, atol=1)
    here = page.locator("path.mark.here").get_attribute("d")
    got = [float(number) for number in here[1:-2].split()]
    assert_allclose(got, shown.positions()[3, 4], atol=1e-9)


def test_corners_move_the_points_to_the_edge_of_the_box(page):
    box = page.locator("polygon.box")

    def gap():
        corner = np.array(box.get_attribute("points").replace(",", " ").split(), float)[:2]
        return np.linalg.norm(figure(page).positions()[0, 0] - corner)

    assert gap() > 2
    page.get_by_role("radiogroup", name="align_corners").get_by_role("radio", name="true").check()
    assert figure(page).align_corners is True
    assert gap() < 1e-9


def test_padding_shows_outside_the_photograph(page):
    page.get_by_role("spinbutton", name="theta, x shift").fill("1.02")
    page.locator(".sampled").press("End")
    outside = figure(page)
    assert outside.positions()[1, 5, 0] > WIDTH
    assert page.locator(".near .nothing").count() == 4
    assert page.locator(".sum").inner_text().endswith("sum of the weights 0.000")
    canvas = page.locator("canvas.image")
    assert pixels(canvas)[ROOM : ROOM + HEIGHT, -ROOM:].max() == 0
    page.get_by_role("radio", name="border").check()
    clipped = figure(page)
    assert clipped.positions()[1, 5, 0] == WIDTH - 1
    assert page.locator(".sum").inner_text().endswith("sum of the weights 1.000")
    smear = pixels(canvas)[ROOM : ROOM + HEIGHT, -ROOM:, 0]
    assert_array_equal(smear, np.repeat(PHOTOGRAPH[:, -1:], ROOM, axis=1))


def test_a_handle_out_of_sight_waits_at_the_rim(page):
    page.get_by_role("spinbutton", name="theta, x from x").fill("5")
    figure(page)
    handle, picture = (page.locator(s).bounding_box() for s in ("span[data-grip=x]", ".picture"))
    assert handle["x"] + handle["width"] <= picture["x"] + picture["width"] + 1
    page.locator("[data-grip=x]").press("ArrowLeft")
    theta = figure(page).theta
    assert_same(grip_at(theta, 1, 0)[0], WIDTH - 1 + ROOM, atol=0.01)


def test_tab_reaches_everything_and_shows_where_it_is(page):
    page.evaluate("document.activeElement.blur()")
    look = (
        "((e, s) => [e.dataset.grip ?? e.className.split(' ')[0] ?? '', e.type ?? '',"
        " s.outlineStyle !== 'none' || s.stroke !== 'rgba(0, 0, 0, 0)' && s.stroke !== 'none',"
        " Boolean(e.ariaLabel || e.labels?.length || e.textContent)])"
        "(document.activeElement, getComputedStyle(document.activeElement))"
    )
    page.locator("[data-grip=move]").press("ArrowLeft")  # a key: focus is shown
    reached = [page.evaluate(look)]
    while reached[-1][0] != "sampled":
        page.keyboard.press("Tab")
        reached.append(page.evaluate(look))
        assert len(reached) < 20
    assert [name or kind for name, kind, *_ in reached] == [
        "move", "x", "y", "turn", *["number"] * 6, "radio", "radio", "reset", "sampled",
    ]  # fmt: skip
    assert all(seen and named for *_, seen, named in reached)


def test_reset_and_what_is_heard(page):
    page.get_by_role("radio", name="border").check()
    page.locator("[data-grip=turn]").press("]")
    page.locator(".sampled").press("End")
    page.locator(".reset").click()
    shown = figure(page)
    assert_array_equal(shown.theta, THETA)
    assert (shown.padding, shown.row, shown.column) == ("zeros", 1, 2)
    page.locator("[data-grip=move]").press("Shift+ArrowRight")
    page.wait_for_function(
        "document.querySelector('.heard').textContent ==="
        " 'theta 0.4, -0.1, 0.3667, 0.15, 0.5, -0.2, align_corners false, padding zeros'"
    )


def test_motion_is_reduced_where_asked_for(page):
    duration = "getComputedStyle(document.querySelector('.handle')).transitionDuration"
    assert page.evaluate(duration) != "0s"
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(duration) == "0s"
    page.emulate_media(reduced_motion="no-preference")


def test_narrow_page_is_not_wider_than_its_window(browser, server):
    with reading(browser, server, **NARROW) as page:
        figure(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        assert page.evaluate(TOO_WIDE) == []
        assert page.locator(".picture").bounding_box()["width"] > 250
        sizes = page.locator(".near text").evaluate_all(
            "(all) => all.map((e) => e.getBoundingClientRect().height)"
        )
        assert min(sizes) > 9, "numbers that can be read"


def test_text_takes_the_colours_of_the_page(browser, server):
    with reading(browser, server, "dark.html", **WIDE) as page:
        figure(page)
        colour = "(e) => getComputedStyle(e)"
        assert page.locator("input[type=number]").first.evaluate(f"{colour}.color") == (
            "rgb(238, 238, 238)"
        )
        assert page.locator(".sum").evaluate(f"{colour}.color") == "rgb(187, 187, 187)"
        assert page.locator(".near .name").first.evaluate(f"{colour}.fill") == "rgb(187, 187, 187)"


def test_finger_drags_the_box_and_the_handles_and_scrolls_beside_them(browser, server):
    with reading(browser, server, **PHONE) as page:
        swipe(page, *screen(page, grip_at(THETA, -0.4, 0)), 20, -12)
        first = figure(page).theta
        scale = (WIDTH + 2 * ROOM) / page.locator(".picture").bounding_box()["width"]
        assert_same(first[:, 2], THETA[:, 2] + scale * np.array([20, -12]) / UNITS)
        assert_same(first[:, :2], THETA[:, :2])
        swipe(page, *screen(page, grip_at(first, 1, 0)), 10, 15)
        second = figure(page).theta
        assert_same(second[:, 0], first[:, 0] + scale * np.array([10, 15]) / UNITS)
        swipe(page, *screen(page, (3, HEIGHT - 3)), 4, -40)
        assert_array_equal(figure(page).theta, second)
        page.evaluate("scrollTo(0, 0)")
        page.touchscreen.tap(*screen(page, (3, HEIGHT - 3)))
        page.wait_for_function(
            "JSON.parse(document.querySelector('.attn-sampler').dataset.theta)[2] < -0.8"
        )
        figure(page)


def test_model_and_figure_follow_each_other(browser, server):
    with reading(browser, server, "kernel.html", **WIDE) as page:
        page.evaluate("model.set('raw', [1, 0, 0, 0, 1, 0])")
        page.evaluate("model.set('align_corners', true)")
        page.evaluate("model.set('row', 4)")
        shown = figure(page)
        assert (shown.raw, shown.row, shown.align_corners) == ([1, 0, 0, 0, 1, 0], 4, True)
        assert page.evaluate("saved") == 0
        page.locator("[data-grip=move]").press("ArrowRight")
        assert_same(page.evaluate("model.get('raw')"), [1, 0, 2 / (WIDTH - 1), 0, 1, 0])
        assert page.evaluate("saved") == 1
        figure(page)
        assert page.evaluate("left()") > 0
        page.evaluate("leave()")
        assert page.evaluate("left()") == 0, "a figure that is closed listens no longer"
