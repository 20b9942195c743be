"""The drawings: what stands in the SVG, who can read it, and that NumPy is all they need."""

import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from test_figures import NASTY, Page, contrast, decoded

from attn_course import figures
from attn_course.figures import COLOURS, show_curves, show_image, show_matrix
from attn_course.figures.draw import SCALE, Plane, heat, ticks

NUMPY_ALONE = """
import sys

class Only:
    def find_spec(self, name, path=None, target=None):
        root = name.partition(".")[0]
        if root not in sys.stdlib_module_names and root not in ("numpy", "attn_course"):
            raise ModuleNotFoundError(f"{name} is not in the browser", name=name)

sys.meta_path.insert(0, Only())
import numpy as np
from attn_course.figures import COLOURS, show_curves, show_image, show_matrix
assert show_matrix(np.eye(2), alt="a")._repr_html_().startswith("<figure")
assert show_curves(np.arange(3), {"a": np.arange(3)}, alt="a")._repr_html_()
assert show_image(np.eye(3), alt="a")._repr_html_()
assert list(COLOURS)
import attn_course.figures
assert "HeatMap" in dir(attn_course.figures)
try:
    attn_course.figures.HeatMap
except ModuleNotFoundError as error:
    print(error)
"""


def page_of(drawing):
    return Page(drawing._repr_html_())


class Texts(Page):
    """A page that also keeps its texts: (attributes of the element, text)."""

    def __init__(self, text):
        self.texts = []
        super().__init__(text)

    def handle_data(self, data):
        super().handle_data(data)
        if self.open[-1:] == ["text"]:
            self.texts.append((self.elements[-1][1], data))


def said_in(drawing):
    return [text for _, text in Texts(drawing._repr_html_()).texts]


# --- the package ----------------------------------------------------------------------------------


def test_drawing_needs_nothing_but_numpy():
    done = subprocess.run([sys.executable, "-c", NUMPY_ALONE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "is not in the browser" in done.stdout


def test_all_names_of_the_package_are_there():
    for name in figures.__all__:
        assert getattr(figures, name) is not None
        assert name in dir(figures)
    assert callable(figures.style), "the function, not the module of the same name"
    assert figures.HeatMap.__name__ == "HeatMap"
    with pytest.raises(AttributeError, match="no attribute 'show_nothing'"):
        figures.show_nothing  # noqa: B018


# --- colours --------------------------------------------------------------------------------------


def test_scale_by_hand():
    assert_array_equal(
        heat(np.array([0.0, 1.0, -1.0, 0.5])), [SCALE[2], SCALE[4], SCALE[0], SCALE[3]]
    )
    assert_array_equal(heat(np.array([7.0, -7.0])), heat(np.array([1.0, -1.0])))
    assert_array_equal(heat(np.array(0.25)), [114, 63, 20])  # half-way from dark to amber
    grey = [int(COLOURS["grey"][k : k + 2], 16) for k in (1, 3, 5)]
    assert_array_equal(heat(np.array([[np.nan, np.inf, -np.inf]])), [[grey] * 3])


def hexed(colour):
    return "#" + "".join(f"{channel:02x}" for channel in colour)


def test_scale_grows_brighter_to_both_sides():
    for sign in (1, -1):
        bright = [contrast(hexed(c), "#000000") for c in heat(sign * np.linspace(0, 1, 50))]
        assert (np.diff(bright) > 0).all()


def test_numbers_read_on_every_colour():
    """Text of 13 pixels needs 4.5; the pixels are those of the picture itself."""
    values = np.linspace(-1, 1, 144).reshape(12, 12)
    page = Texts(show_matrix(values, alt="all levels", limit=1)._repr_html_())
    colours = decoded(page.one("image")["href"]).reshape(-1, 3)
    inks = [a["fill"] for a, _ in page.texts if "fill" in a]
    assert len(inks) == 144
    assert {"#000", "#fff"} == set(inks)
    for ink, colour in zip(inks, colours, strict=True):
        assert contrast({"#000": "#000000", "#fff": "#ffffff"}[ink], hexed(colour)) >= 4.5


@pytest.mark.parametrize(
    "drawing",
    [
        show_matrix(np.eye(3), alt="a"),
        show_curves(np.arange(3), {"a": np.arange(3), "b": np.ones(3)}, alt="a"),
    ],
    ids=["matrix", "curves"],
)
def test_text_has_the_colour_of_the_page(drawing):
    page = Texts(drawing._repr_html_())
    assert page.one("svg")["fill"] == "currentColor"
    inks = {a.get("fill", "page") for a, _ in page.texts}
    assert inks <= {"page", "#000", "#fff"}
    strokes = {a["stroke"] for _, a in page.elements if "stroke" in a}
    assert strokes <= {"currentColor", *COLOURS.values()}


# --- matrices -------------------------------------------------------------------------------------


def test_matrix_shows_names_numbers_and_colours():
    weight = np.array([[0.25, 0.75, 0.0], [1.0, 0.0, -0.5]])
    drawing = show_matrix(
        weight, alt="weights.", rows=["das", "Tier"], columns=["the", "big", "cat"],
        names=("query", "key"),
    )  # fmt: skip
    page = Texts(drawing._repr_html_())
    assert [text for _, text in page.texts] == [
        "query ↓  key →", "das", "Tier", "the", "big", "cat",
        "0.25", "0.75", "0.00", "1.00", "0.00", "−0.50",
    ]  # fmt: skip
    assert_array_equal(decoded(page.one("image")["href"]), heat(weight))
    said = "weights. 2 by 3, from −0.50 to 1.00, largest at query Tier, key the"
    assert page.one("svg")["aria-label"] == said
    assert page.one("svg")["role"] == "img"
    assert repr(drawing) == f"<Drawing: {said}>"


def test_numbers_stand_in_their_cells():
    page = Texts(show_matrix(np.arange(6).reshape(2, 3), alt="a")._repr_html_())
    picture = {k: float(page.one("image")[k]) for k in ("x", "y", "width", "height")}
    cells = [(float(a["x"]), float(a["y"]), text) for a, text in page.texts if "fill" in a]
    for x, y, text in cells:
        i = int((y - 4.5 - picture["y"]) / picture["height"] * 2)
        j = int((x - picture["x"]) / picture["width"] * 3)
        assert text == str(3 * i + j)


def test_mask_and_scores():
    assert said_in(show_matrix(np.eye(2, dtype=bool), alt="a"))[4:] == ["1", "0", "0", "1"]
    scores = np.array([[1.0, -np.inf], [np.nan, np.inf]])
    drawing = show_matrix(scores, alt="a", digits=1)
    assert said_in(drawing)[4:] == ["1.0", "−∞", "nan", "∞"]
    assert "from 1.0 to 1.0, largest at row 0, column 0" in drawing.alt
    assert show_matrix(np.full((1, 2), np.nan), alt="a").alt == "a. 1 by 2"


def test_large_matrix_has_no_numbers_and_a_huge_one_no_names():
    assert len(said_in(show_matrix(np.ones((13, 5)), alt="a"))) == 13 + 5
    assert said_in(show_matrix(np.ones((80, 5)), alt="a", names=("query", "key"))) == []


def test_long_names_of_columns_stand_upright():
    page = Texts(show_matrix(np.eye(2), alt="a", columns=["a", "Aufmerksamkeit"])._repr_html_())
    turned = [text for a, text in page.texts if "rotate(-90" in a.get("transform", "")]
    assert turned == ["a", "Aufmerksamkeit"]


def test_limit_sets_the_brightest_value():
    page = page_of(show_matrix(np.array([[0.5, 2.0]]), alt="a", limit=1))
    assert_array_equal(decoded(page.one("image")["href"]), [[SCALE[3], SCALE[4]]])
    page = page_of(show_matrix(np.zeros((1, 2)), alt="a"))
    assert_array_equal(decoded(page.one("image")["href"]), [[SCALE[2], SCALE[2]]])


# --- curves ---------------------------------------------------------------------------------------


def test_curves_differ_by_more_than_colour():
    lines = {name: np.arange(4.0) * k for k, name in enumerate("abcde")}
    drawing = show_curves(np.arange(4), lines, alt="five lines", names=("step", "loss"))
    page = Texts(drawing._repr_html_())
    looks = [
        (a["stroke"], a.get("stroke-dasharray"))
        for tag, a in page.elements
        if tag == "path" and a["stroke"] != "currentColor"
    ]
    assert looks[:5] == looks[5:], "legend and curves"
    assert [colour for colour, _ in looks[:5]] == list(COLOURS.values())
    assert len({dash for _, dash in looks[:5]}) == 5
    said = [text for _, text in page.texts]
    assert said[:5] == list("abcde")
    assert {"step", "loss"} <= set(said)
    assert drawing.alt.startswith("five lines. a: from 0 to 0. b: from 0 to 3. ")


def test_a_curve_passes_through_its_points():
    plane = Plane((0, 10), (-1, 1))
    assert (plane.x(0), plane.x(10), plane.y(-1), plane.y(1)) == (52, 408, 210, 24)
    path = plane.path(np.array([0.0, 5, 10]), np.array([-1.0, 0, 1]))
    assert path == "M52.0 210.0h0L230.0 117.0L408.0 24.0"
    x, y = np.arange(5.0), np.array([0.0, np.nan, 1, 0, np.inf])
    assert plane.path(x, y).count("M") == 2, "a gap at what is not finite"


def test_axes_of_what_does_not_change():
    page = Texts(show_curves(np.array([2.0]), {"a": np.array([3.0])}, alt="a")._repr_html_())
    assert {"2", "3"} <= {text for _, text in page.texts}
    assert said_in(show_curves(np.arange(2), {"a": np.full(2, np.nan)}, alt="a"))


@pytest.mark.parametrize(
    ("low", "high", "want"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (-3, 3, [-2, 0, 2]),
        (0, 49, [0, 10, 20, 30, 40]),
        (1e-4, 3e-4, [1e-4, 1.5e-4, 2e-4, 2.5e-4, 3e-4]),
    ],
)
def test_ticks_by_hand(low, high, want):
    got = ticks(low, high)
    if want[0] == 1e-4:  # round numbers inside, whichever they are
        assert all(low <= tick <= high for tick in got)
        assert len(got) >= 3
    else:
        assert_allclose(got, want)
    assert "-0.0" not in map(str, got)


# --- images ---------------------------------------------------------------------------------------


def test_image_is_shown_pixel_by_pixel():
    bytes_ = np.arange(24, dtype=np.uint8).reshape(4, 6)
    for image, limits, want in (
        (bytes_, None, bytes_),
        (bytes_, (0, 23), np.rint(bytes_ / 23 * 255)),
        (bytes_ / 23, None, np.rint(bytes_ / 23 * 255)),
        (np.array([[-1.0, 0.5, 2.0, np.nan]]), (0, 1), [[0, 128, 255, 0]]),
        (np.full((2, 2), 0.3), None, np.zeros((2, 2))),
        (np.stack([bytes_] * 3, axis=2), None, np.stack([bytes_] * 3, axis=2)),
    ):
        drawing = show_image(image, alt="pixels", limits=limits)
        page = page_of(drawing)
        assert_array_equal(decoded(page.one("image")["href"]), want)
        assert "pixelated" in page.one("image")["style"]
        assert drawing.alt == f"pixels. {image.shape[0]} by {image.shape[1]} pixels"
    assert float(page.one("image")["width"]) == 224


# --- arguments ------------------------------------------------------------------------------------

BAD = {
    "no text": ("alt must say what the figure shows", lambda: show_matrix(np.eye(2), alt=" ")),
    "no text, curves": (
        "alt must say",
        lambda: show_curves(np.arange(2), {"a": np.ones(2)}, alt=""),
    ),
    "no text, image": ("alt must say", lambda: show_image(np.eye(2), alt="")),
    "no matrix": (
        r"values must have shape \(any, any\), got \(3,\)",
        lambda: show_matrix(np.ones(3), alt="a"),
    ),
    "empty": ("the size of values must be", lambda: show_matrix(np.ones((0, 2)), alt="a")),
    "a name short": (
        r"rows must have shape \(2,\), got \(1,\); one name for each",
        lambda: show_matrix(np.eye(2), alt="a", rows=["x"]),
    ),
    "no curve": ("the number of curves", lambda: show_curves(np.arange(2), {}, alt="a")),
    "six curves": (
        "the number of curves must be at most 5, got 6",
        lambda: show_curves(np.arange(2), dict.fromkeys("abcdef", np.ones(2)), alt="a"),
    ),
    "a short curve": (
        r"loss must have shape \(3,\), got \(2,\); as many values as x",
        lambda: show_curves(np.arange(3), {"loss": np.ones(2)}, alt="a"),
    ),
    "two channels": (
        r"image must have shape \(any, any, 3\)",
        lambda: show_image(np.ones((2, 2, 2)), alt="a"),
    ),
}


@pytest.mark.parametrize(("words", "call"), BAD.values(), ids=BAD)
def test_drawings_refuse(words, call):
    with pytest.raises(ValueError, match=words):
        call()


def test_no_text_breaks_out_of_a_drawing():
    for drawing in (
        show_matrix(np.eye(1), alt=NASTY, rows=[NASTY], columns=[NASTY], names=(NASTY, NASTY)),
        show_curves(
            np.arange(2), {NASTY: np.ones(2), "b": np.ones(2)}, alt=NASTY, names=(NASTY, NASTY)
        ),
        show_image(np.eye(2), alt=NASTY),
    ):
        page = page_of(drawing)
        assert page.one("svg")["aria-label"].startswith(NASTY)
        assert {tag for tag, _ in page.elements} <= {
            "figure",
            "svg",
            "image",
            "rect",
            "path",
            "text",
        }
