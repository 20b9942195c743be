"""The figure of the alignment in a browser: typing, walking, with and without a kernel."""

import contextlib
import json
import shutil

import numpy as np
import pytest
from chromium import launched, served
from numpy.testing import assert_allclose
from test_figures import html_of
from test_figures_alignment import weights
from test_figures_generic_live import KERNEL, document
from test_figures_live import NARROW, NEXT_FRAME, PHONE, TOO_WIDE, WIDE, middle, pixels, window_on

from attn_course.figures import Alignment
from attn_course.figures.draw import heat
from attn_course.figures.live import STATIC
from attn_course.seq2seq import task

pytestmark = pytest.mark.requires("chromium")

PARAMS = weights(12, d=6, d_in=4, source=task.LETTERS, target=task.WORDS)
LONGEST = "siebenhundertsiebenundsiebzigtausendsiebenhundertsiebenundsiebzig"


def alignment(text="einundzwanzig"):
    return Alignment(PARAMS, task.LETTERS, task.WORDS, text, n_step=5, alt="a translator")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    for module in STATIC.glob("*.mjs"):
        shutil.copy(module, folder)
    page = document(html_of(alignment()))
    (folder / "index.html").write_text(page, encoding="utf-8")
    dark = (
        '<html style="--pst-color-text-base: #eee; --pst-color-text-muted: #bbb; color: #eee;'
        ' background: #14181e" '
    )
    (folder / "dark.html").write_text(page.replace("<html ", dark, 1), encoding="utf-8")
    spoilt = page.replace('"base64":"', '"base64":"AAAA')
    (folder / "spoilt.html").write_text(spoilt.replace("AAAA", "AAAAAAAAAAAAAAAA"), "utf-8")
    kernel = KERNEL.replace("STATE", json.dumps(alignment().state()))
    (folder / "kernel.html").write_text(kernel.replace("MODULE", "alignment"), encoding="utf-8")
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
        page.locator(".attn-alignment .letters span").first.wait_for(state="attached")
        yield page


@pytest.fixture
def page(browser, server):
    with reading(browser, server, **WIDE) as page:
        yield page


def called(shown, k):
    return "(end)" if shown.token[k] == 2 else shown.target_tokens[shown.token[k]]


def figure(page):
    """The figure on the page, once all it says and paints is found equal to the package's."""
    root = page.locator(".attn-alignment")
    said = root.evaluate(NEXT_FRAME)
    shown = alignment(said["text"])
    shown.step = step = int(said["step"])
    assert json.loads(said["token"]) == shown.token.tolist()
    assert_allclose(json.loads(said["probability"]), shown.probability, rtol=1e-9)
    assert_allclose(json.loads(said["weight"]), shown.weight, rtol=1e-9, atol=1e-12)
    n = len(shown.token)
    assert root.locator(".letters span").all_text_contents() == list(shown.text)
    assert root.locator(".rows span").all_text_contents() == [called(shown, k) for k in range(n)]
    assert root.locator(".rows .on").all_text_contents() == [called(shown, step)]
    sentence = "Written so far: " + " ".join(called(shown, k) for k in range(step + 1))
    assert root.locator(".so-far").inner_text().strip() == sentence
    grounds = root.locator(".letters span").evaluate_all(
        "(all) => all.map((e) => getComputedStyle(e).backgroundColor.match(/\\d+/g).map(Number))"
    )
    assert_allclose(grounds, heat(shown.weight[step]), atol=1)
    painted = pixels(root.locator("canvas"))
    assert painted.shape[:2] == shown.weight.shape
    assert_allclose(painted[: step + 1], heat(shown.weight[: step + 1]), atol=1)
    mark, cells = (root.locator(name).bounding_box() for name in (".cells i", ".cells"))
    assert_allclose(mark["y"] - cells["y"], cells["height"] * step / n, atol=1)
    assert root.locator(".place").inner_text() == f"word {step + 1} of {n}"
    words = root.locator(".read-out").inner_text()
    j = shown.weight[step].argmax()
    most = f"{shown.text[j]} (letter {j + 1}) {shown.weight[step, j]:.2f}"
    chance = f"{shown.probability[step]:.2f}"
    assert words.startswith(f"{called(shown, step)}, probability {chance}. Most weight on {most}")
    assert ("No end within 5 words" in words) == (2 not in shown.token)
    cells = root.locator(".cells")
    assert cells.get_attribute("aria-valuetext").startswith(f"word {step + 1} of {n}: ")
    assert cells.get_attribute("aria-valuenow") == str(step + 1)
    assert root.get_by_role("button", name="Back a word").is_disabled() == (step == 0)
    assert root.get_by_role("button", name="Next word").is_disabled() == (step == n - 1)
    return shown


def field(page):
    return page.get_by_role("textbox", name="A German number word, or a number up to 999 999")


def trouble(page):
    return page.locator(".trouble").inner_text()


def test_the_translator_has_something_to_show():
    shown = alignment()
    assert len(shown.token) == 5
    assert len(set(shown.token.tolist())) > 1
    assert shown.weight.max(axis=1).min() < 0.99


def test_figure_replaces_its_picture(page):
    shown = figure(page)
    assert (shown.text, shown.step) == ("einundzwanzig", 0)
    assert field(page).input_value() == "einundzwanzig"
    assert not page.locator(".attn-fallback").is_visible()


def test_with_spoilt_weights_the_picture_remains(browser, server):
    with window_on(browser, server, "stays a picture.*incomplete", **WIDE) as page:
        page.goto(server + "spoilt.html")
        page.wait_for_function("document.querySelector('[data-mounted=no]')")
        assert page.locator(".attn-fallback svg").is_visible()
        assert page.locator(".attn-alignment").count() == 0


def test_typing_translates(page):
    page.get_by_role("button", name="Next word").click()
    field(page).fill("zwölf")
    shown = figure(page)
    assert (shown.text, shown.step, trouble(page)) == ("zwölf", 0, "")
    field(page).press_sequentially("TAUSEND ")
    assert figure(page).text == "zwölftausend"


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("0", "null"),
        ("21", "einundzwanzig"),
        ("1 001", "eintausendeins"),
        ("347,016", "dreihundertsiebenundvierzigtausendsechzehn"),
        ("777777", LONGEST),
    ],
)
def test_numbers_are_spelt(page, typed, text):
    field(page).fill(typed)
    assert figure(page).text == text
    number = int("".join(filter(str.isdigit, typed)))
    assert trouble(page) == f"{number} is “{text}”."
    assert field(page).input_value() == typed, "what is typed stays"


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("exotik", "The model has never met “x”, “o”, “k”. It knows the letters a b c d e"),
        ("  ", "Type a German number word, or a number."),
        ("1000000", "The number must lie between 0 and 999 999."),
        ("-3", "The number must lie between 0 and 999 999."),
        ("3a", "The model has never met “3”."),
        ("<b>", "The model has never met “<”, “>”."),
        ("e" * 81, "The word must have at most 80 letters."),
    ],
)
def test_what_cannot_be_read_is_said_and_the_last_text_stays(page, typed, words):
    field(page).fill(typed)
    assert trouble(page).startswith(words)
    assert field(page).get_attribute("aria-invalid") == "true"
    assert figure(page).text == "einundzwanzig"
    field(page).fill("elf")
    assert (trouble(page), field(page).get_attribute("aria-invalid")) == ("", "false")
    assert figure(page).text == "elf"


def test_another_number_is_drawn(page):
    texts = set()
    for _ in range(4):
        page.get_by_role("button", name="Another number").click()
        text = figure(page).text
        assert trouble(page) == f"{field(page).input_value()} is “{text}”."
        texts.add(text)
    assert len(texts) > 1


def test_buttons_walk(page):
    for step in (1, 2, 3, 4):
        page.get_by_role("button", name="Next word").click()
        assert figure(page).step == step
    page.get_by_role("button", name="Back a word").click()
    assert figure(page).step == 3


@pytest.mark.parametrize(
    ("keys", "want"),
    [
        ("ArrowDown", 1),
        ("ArrowRight ArrowRight", 2),
        ("End", 4),
        ("End ArrowRight", 4),
        ("End ArrowUp ArrowLeft", 2),
        ("ArrowDown Home", 0),
        ("ArrowUp", 0),
        ("Control+ArrowDown a", 0),
    ],
)
def test_keys_walk(page, keys, want):
    cells = page.get_by_role("slider", name="a translator; the arrow keys walk through the words")
    cells.focus()
    for key in keys.split():
        page.keyboard.press(key)
    assert figure(page).step == want
    style = "getComputedStyle(document.activeElement).outlineStyle"
    assert page.evaluate(style) == "solid"


def test_pointer_walks(page):
    box = page.locator(".cells").bounding_box()

    def row(k):
        return box["x"] + 20, box["y"] + (k + 0.5) * box["height"] / 5

    page.mouse.click(*row(3))
    assert figure(page).step == 3
    page.mouse.move(*row(3))
    page.mouse.down()
    page.mouse.move(*row(1))
    assert figure(page).step == 1
    page.mouse.up()
    page.mouse.move(*row(4))
    assert figure(page).step == 1


def test_letters_stand_over_their_columns(page):
    spans = page.locator(".letters span").all()
    cells = page.locator(".cells").bounding_box()
    for j in (0, 6, 12):
        box = spans[j].bounding_box()
        assert_allclose(box["x"] + box["width"] / 2 - cells["x"], cells["width"] * (j + 0.5) / 13,
                        atol=1)  # fmt: skip


def test_what_is_to_come_is_pale(page):
    alpha = page.locator("canvas").evaluate(
        "(c) => [...c.getContext('2d').getImageData(0, 0, 1, c.height).data]"
        ".filter((_, k) => k % 4 === 3)"
    )
    assert alpha[0] == 255
    assert max(alpha[1:]) < 128


@pytest.mark.parametrize("settings", [NARROW, PHONE], ids=["narrow", "phone"])
@pytest.mark.parametrize("text", ["einundzwanzig", LONGEST])
def test_narrow_page_is_not_wider_than_its_window(browser, server, settings, text):
    with reading(browser, server, **settings) as page:
        field(page).fill(text)
        figure(page)
        assert (
            page.evaluate("document.documentElement.scrollWidth") <= (settings["viewport"]["width"])
        )
        assert page.evaluate(TOO_WIDE) == []
        boxes = [span.bounding_box() for span in page.locator(".letters span").all()]
        assert min(box["width"] for box in boxes) >= 12, "letters can be read"
        lines = {round(box["y"]) for box in boxes}
        assert (len(lines) == 1) == (len(text) < 20), "long words run on"
        assert (
            max(box["y"] + box["height"] for box in boxes)
            <= (page.locator(".cells").bounding_box()["y"])
        )


def test_finger_taps_a_word(browser, server):
    with reading(browser, server, **PHONE) as page:
        box = page.locator(".cells").bounding_box()
        page.touchscreen.tap(box["x"] + 30, box["y"] + box["height"] * 0.7)
        page.wait_for_function("document.querySelector('.attn-alignment').dataset.step === '3'")
        figure(page)
        page.touchscreen.tap(*middle(page.get_by_role("button", name="Back a word")))
        page.wait_for_function("document.querySelector('.attn-alignment').dataset.step === '2'")


def test_dark_page_and_letters_can_be_read(browser, server):
    with reading(browser, server, "dark.html", **WIDE) as page:
        ink = page.locator(".so-far").evaluate("(e) => getComputedStyle(e).color")
        assert ink == "rgb(238, 238, 238)"
        shown, pairs = figure(page), []
        for _ in range(5):
            pairs += page.locator(".letters span").evaluate_all(
                "(all) => all.map((e) => [getComputedStyle(e).backgroundColor,"
                " getComputedStyle(e).color].map((c) => c.match(/\\d+/g).map(Number)))"
            )
            page.locator(".cells").press("ArrowDown")
            figure(page)
        assert len(pairs) == 5 * len(shown.text)

        def luminance(colour):
            value = np.array(colour) / 255
            bright = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
            return bright @ [0.2126, 0.7152, 0.0722]

        for pair in pairs:
            low, high = sorted(map(luminance, pair))
            assert (high + 0.05) / (low + 0.05) > 4.5


def test_model_and_figure_follow_each_other(browser, server):
    with window_on(browser, server, **WIDE) as page:
        page.goto(server + "kernel.html")
        page.locator(".attn-alignment .letters span").first.wait_for(state="attached")
        page.evaluate("() => { model.set('text', 'drei'); model.set('step', 2) }")
        shown = figure(page)
        assert (shown.text, shown.step, field(page).input_value()) == ("drei", 2, "drei")
        assert page.evaluate("saved") == 0
        field(page).fill("7")
        assert page.evaluate("[model.get('text'), model.get('step')]") == ["sieben", 0]
        assert figure(page).text == "sieben"
        assert page.evaluate("saved") == 1
        field(page).fill("7x")
        assert page.evaluate("saved") == 1, "what cannot be read does not reach the kernel"
        assert page.evaluate("left()") > 0
        page.evaluate("leave()")
        assert page.evaluate("left()") == 0, "a figure that is closed listens no longer"
