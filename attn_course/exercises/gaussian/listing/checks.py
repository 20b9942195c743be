"""Checks of the exercise: a listing to repair, and inputs that show its faults."""

from typing import Any

import numpy as np

from attn_course._typing import Array
from attn_course.exercises.checking import Mutant, Wrong, check, close
from attn_course.gaussian.reference import filterbank


def masks(
    mean: Array,
    std: Array,
    stride: Array,
    n_filter: int,
    n_pixel: int,
    fault: str = "",
) -> Array:
    """The right mask, or the one with a single fault put back."""
    shape = (1, -1, 1) if fault == "batch" else (-1, 1, 1)
    mean, std, stride = (one.reshape(shape) for one in (mean, std, stride))
    index, pixel = np.arange(n_filter), np.arange(n_pixel)[:, np.newaxis]
    score = -(((pixel - (mean + index * stride)) / std) ** 2) / 2
    score = np.swapaxes(score, 1, 2)
    if fault == "fading":
        bell = np.exp(score)
        return bell / (bell.sum(axis=2, keepdims=True) + 1e-8)
    axis = 1 if fault == "axis" else 2
    bell = np.exp(score - score.max(axis=axis, keepdims=True))
    return bell / bell.sum(axis=axis, keepdims=True)


def glimpses(
    image: Array, params: Array, size: tuple[int, ...], fault: str = ""
) -> Array:
    """The right glimpse, or the one with a single fault put back."""
    mean_y, std_y, stride_y, mean_x, std_x, stride_x = params.T
    mask_y = masks(mean_y, std_y, stride_y, size[0], image.shape[1], fault)
    mask_x = masks(mean_x, std_x, stride_x, size[1], image.shape[2], fault)
    return np.einsum("bhi,bijc,bwj->bhwc", mask_y, image, mask_x)


@check(points=1)
def two_examples_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """Two windows with std 0.5 on three pixels: means 0 and 2, strides 2 and -2."""
    bank = np.array(
        [[0.880539, 0.119165, 0.000295], [0.000295, 0.119165, 0.880539]]
    )
    mean, std = np.array([0.0, 2.0]), np.array([0.5, 0.5])
    stride = np.array([2.0, -2.0])
    close(
        answer.masks(mean, std, stride, 2, 3),
        np.stack([bank, bank[::-1]]),
        "The masks of the two windows are [[0.881, 0.119, 0], [0, 0.119, 0.881]] and the same with "
        "its rows in the other order: an example's row is one Gaussian over the pixels.",
        rtol=1e-2,
        atol=1e-5,
    )


@check(points=1)
def midway_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """A filter with a std of 0.05 midway between two pixels must give each of them one half."""
    half = np.array([[[0, 0.5, 0.5, 0]]])
    close(
        answer.masks(np.array([1.5]), np.array([0.05]), np.array([1.0]), 1, 4),
        half,
        "Midway between the pixels 1 and 2 of four, a filter weighs each of the two by one half, "
        "however narrow it is: its row sums to one.",
        rtol=1e-6,
    )


@check(points=1)
def bright_square_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """A bright square in two colours, read by 5 × 3 filters, gives the chapter's numbers."""
    image = np.zeros((1, 10, 10, 2))
    image[0, 3:6, 3:6] = 1.0, 0.5
    near, far = np.exp(-2), np.exp(-8)
    three = np.array([near + far, 1 + near + far, 1 + 2 * near])
    outside, edge, middle = three / (1 + 2 * near + 2 * far)
    rows = np.array([outside, edge, middle, edge, outside])
    columns = [edge, middle, edge]
    close(
        answer.glimpses(image, np.array([[2.0, 0.5, 1, 3, 0.5, 1]]), (5, 3)),
        np.einsum("h,w,c->hwc", rows, columns, [1, 0.5])[np.newaxis],
        "The square on the rows and columns 3 to 5, read with std 0.5 and stride 1 from row 2 and "
        "from column 3, is the outer product of (0.107, 0.893, 0.999, 0.893, 0.107) and (0.893, "
        "0.999, 0.893), and half of it in the second channel.",
        rtol=1e-5,
    )


@check(points=2, hidden=True)
def mask_of_one_example(answer: Any, rng: np.random.Generator) -> None:
    """The mask of one random example, of shape (1, n_filter, n_pixel), is not right."""
    for n_filter, n_pixel in ((3, 8), (5, 11)):
        mean, std = rng.uniform(1, 2, 1), rng.uniform(1.2, 2, 1)
        stride = rng.uniform(1.2, 1.6, 1)
        got = answer.masks(mean, std, stride, n_filter, n_pixel)
        want = filterbank(mean[0], std[0], stride[0], n_filter, n_pixel)[None]
        if np.shape(got) == (1, n_pixel, n_filter):
            raise Wrong(
                "The mask lies on its side: one Gaussian a row, not a column."
            )
        if np.shape(got) == want.shape:
            if np.allclose(np.sum(got, axis=1), 1):
                raise Wrong(
                    "You normalise over the filters. It is each row that sums to one, over the "
                    "pixels."
                )
            window = mean[0], std[0] ** 0.5, stride[0]
            if np.allclose(got, filterbank(*window, n_filter, n_pixel)):
                raise Wrong(
                    "You take std for a variance: it has to be squared."
                )
        close(got, want, "The mask of one random example is wrong.", rtol=1e-5)


@check(points=1, hidden=True)
def mask_of_a_batch(answer: Any, rng: np.random.Generator) -> None:
    """The mask of a batch must hold what each example gives alone, the batch axis first."""
    for batch, n_filter, n_pixel in ((3, 2, 5), (4, 3, 4), (3, 3, 7)):
        low, high = (0.5, 0.6, 0.5), (2, 2, 1.5)
        mean, std, stride = rng.uniform(low, high, (batch, 3)).T
        got = answer.masks(mean, std, stride, n_filter, n_pixel)
        alone = [
            answer.masks(mean[[n]], std[[n]], stride[[n]], n_filter, n_pixel)
            for n in range(batch)
        ]
        if np.ndim(got) == 3 and len(got) == 1:
            raise Wrong(
                "From a batch a single mask came out: the examples lie on another axis than the "
                "first, among the pixels or the filters."
            )
        close(
            got,
            np.concatenate(alone),
            "The masks of a batch are not those of its examples taken one by one; with as many "
            "examples as pixels or filters numpy may take the one for the other.",
            rtol=1e-7,
        )


@check(points=1, hidden=True)
def mask_of_narrow_filters(answer: Any, rng: np.random.Generator) -> None:
    """Rows of very narrow filters must sum to one, between pixels and off the image alike."""
    for mean in (
        float(rng.integers(1, 5)) + 0.5,
        -rng.uniform(5, 30),
        rng.uniform(20, 90),
    ):
        got = answer.masks(
            np.array([mean]), np.array([1e-3]), np.array([1.0]), 2, 8
        )
        want = filterbank(mean, 1e-3, 1.0, 2, 8)[np.newaxis]
        if np.shape(got) == want.shape:
            if not np.isfinite(got).all():
                raise Wrong(
                    "Narrow filters give zero divided by zero: subtract before you exp."
                )
            if np.any(np.sum(got, axis=2) < 0.999):
                raise Wrong(
                    "Rows of narrow filters fade: a small number is added to their sum."
                )
        close(
            got,
            want,
            "Narrow filters do not sit on their nearest pixels.",
            rtol=1e-6,
        )


@check(points=1, hidden=True)
def every_colour_is_read(answer: Any, rng: np.random.Generator) -> None:
    """Narrow filters on every pixel of a colour image must give the image back, all channels."""
    image = rng.random((1, 4, 6, 3))
    params = np.array([[0, 0.02, 1.0, 0, 0.02, 1.0]])
    close(
        answer.glimpses(image, params, (4, 6)),
        image,
        "Narrow filters on every pixel of a colour image do not give it back, (batch, height, "
        "width, channel) with every channel read alike.",
        rtol=1e-6,
    )


@check(points=1, hidden=True)
def size_that_was_asked_for(answer: Any, rng: np.random.Generator) -> None:
    """Narrow filters must crop: as many rows and columns as asked, from the place along y and x."""
    image, (y, x) = rng.random((1, 9, 12, 1)), rng.integers((0, 3), (3, 6))
    params = np.array([[y, 0.02, 3.0, x, 0.02, 2.0]])
    got = answer.glimpses(image, params, (3, 4))
    want = image[:, y : y + 7 : 3, x : x + 7 : 2]
    if np.shape(got) == image.shape:
        raise Wrong(
            "The glimpse has the size of the image and not the one that was asked for."
        )
    close(
        got,
        want,
        "Narrow filters do not crop where params say, mean, std and stride along y first.",
        rtol=1e-6,
    )


@check(points=1, hidden=True)
def each_example_has_its_window(answer: Any, rng: np.random.Generator) -> None:
    """Each example of a batch must be read through its own window."""
    image = rng.random((3, 4, 5, 1))
    last, still = rng.integers(1, 3, 2)
    s = 0.02
    windows = [
        [0, s, 1, 4, s, -1],
        [3, s, -1, still, s, 0],
        [last, s, 0, 0, s, 1],
    ]
    rows = np.array([[0, 1, 2, 3], [3, 2, 1, 0], [last] * 4])
    columns = np.array([[4, 3, 2, 1, 0], [still] * 5, [0, 1, 2, 3, 4]])
    close(
        answer.glimpses(image, np.array(windows, dtype=float), (4, 5)),
        image[
            np.arange(3)[:, None, None], rows[:, :, None], columns[:, None, :]
        ],
        "The examples of a batch are not read through a window each: mirrored, standing still.",
        rtol=1e-6,
    )


@check(points=1, hidden=True)
def test_for_the_batch(answer: Any, rng: np.random.Generator) -> None:
    """`shows_batch` must return an input on which the wrong batch axis is silent and wrong."""
    shows(answer.shows_batch(), "batch", 8)


@check(points=1, hidden=True)
def test_for_the_axis(answer: Any, rng: np.random.Generator) -> None:
    """`shows_axis` must return an input on which the sum over the filters is silent and wrong."""
    shows(answer.shows_axis(), "axis", 1)


@check(points=1, hidden=True)
def test_for_the_fading(answer: Any, rng: np.random.Generator) -> None:
    """`shows_fading` must return an input on which the 1e-8 makes the glimpse wrong."""
    shows(answer.shows_fading(), "fading", 1)


def shows(given: Any, fault: str, fewest: int) -> None:
    """Raise Wrong unless the arguments show the fault, it alone, with the fewest numbers."""
    if not isinstance(given, tuple | list) or len(given) != 3:
        raise Wrong("Return three things: image, params and size.")
    image, params = (np.asarray(one, dtype=float) for one in given[:2])
    size = tuple(int(one) for one in np.ravel(given[2]))
    if image.ndim != 4 or params.shape != (len(image), 6) or len(size) != 2:
        raise Wrong(
            "The image must be (batch, height, width, channel), params (batch, 6), and size (h, w)."
        )
    if image.size == 0 or not 1 <= min(size) <= max(size) <= 64:
        raise Wrong(
            "The image must not be empty, and a size is between 1 and 64."
        )
    if (
        image.size > 4096
        or not np.isfinite(params).all()
        or np.any(params[:, [1, 4]] <= 0)
    ):
        raise Wrong(
            "params must be finite, each std positive, and the image small."
        )
    if not (np.all(image >= 0) and np.all(image <= 1)):
        raise Wrong("The numbers of the image must lie between 0 and 1.")
    inputs = image, params, size
    right = glimpses(*inputs)
    if not differs(inputs, right, fault):
        raise Wrong(
            "On this input the listing with the fault put back gives an error, another shape, or a "
            "number that is none; it should be wrong in silence, or the fault would not need you."
            if wrong_aloud(inputs, right, fault)
            else "On this input the listing with the fault put back is right, or off by less than "
            "0.1: the input does not show the fault."
        )
    if image.size > fewest:
        raise Wrong(
            "The fault shows, but the image holds more numbers than it may."
        )
    if fault != "batch":
        for other in {"batch", "axis", "fading"} - {fault}:
            if wrong_aloud(inputs, right, other) or differs(
                inputs, right, other, 1e-3
            ):
                raise Wrong(
                    "The fault shows, but so does one of the other two: who sees this test fail "
                    "would not know which it was."
                )


def differs(
    inputs: tuple[Array, Array, tuple[int, ...]],
    right: Array,
    fault: str,
    by: float = 0.1,
) -> bool:
    """Whether the fault changes the glimpse in silence."""
    if wrong_aloud(inputs, right, fault):
        return False
    return bool(np.abs(glimpses(*inputs, fault) - right).max() > by)


def wrong_aloud(
    inputs: tuple[Array, Array, tuple[int, ...]], right: Array, fault: str
) -> bool:
    """Whether the fault leads to an error, another shape, or values that are not numbers."""
    try:
        wrong = glimpses(*inputs, fault)
    except ValueError:
        return True
    return wrong.shape != right.shape or not np.isfinite(wrong).all()


SOFTMAX = """    bell = np.exp(score - score.max(axis=2, keepdims=True))
    return bell / bell.sum(axis=2, keepdims=True)"""

MUTANTS = {
    "std taken for a variance": Mutant(
        old="(mean + index * stride)) / std) ** 2) / 2",
        new="(mean + index * stride))) ** 2 / std) / 2",
        falls_by="mask_of_one_example",
        says="std for a variance",
    ),
    "the batch left on the pixels' axis": Mutant(
        old="one[:, np.newaxis, np.newaxis] for one",
        new="one[np.newaxis, np.newaxis, :] for one",
        falls_by="mask_of_a_batch",
        says="raised ValueError",
    ),
    "the batch left on the filters' axis": Mutant(
        old="one[:, np.newaxis, np.newaxis] for one",
        new="one[np.newaxis, :, np.newaxis] for one",
        falls_by="mask_of_a_batch",
        says="raised ValueError",
    ),
    "the std of the first example": Mutant(
        old="    pixel, index =",
        new="    std = std[:1]\n    pixel, index =",
        falls_by="mask_of_a_batch",
        says="taken one by one",
    ),
    "normalised over the filters": Mutant(
        old=SOFTMAX,
        new="    bell = np.exp(score)\n    return bell / bell.sum(axis=1, keepdims=True)",
        falls_by="mask_of_one_example",
        says="normalise over the filters",
    ),
    "a mask on its side": Mutant(
        old="    return bell / bell.sum(axis=2, keepdims=True)",
        new="    return np.swapaxes(bell / bell.sum(axis=2, keepdims=True), 1, 2)",
        falls_by="mask_of_one_example",
        says="lies on its side",
    ),
    "the small number left in": Mutant(
        old=SOFTMAX,
        new="    bell = np.exp(score)\n    return bell / (bell.sum(axis=2, keepdims=True) + 1e-8)",
        falls_by="mask_of_narrow_filters",
        says="narrow filters fade",
    ),
    "the small number taken out and nothing put in": Mutant(
        old=SOFTMAX,
        new="    bell = np.exp(score)\n    return bell / bell.sum(axis=2, keepdims=True)",
        falls_by="mask_of_narrow_filters",
        says="zero divided by zero",
    ),
    "the first channel alone": Mutant(
        old="mask_y, image, mask_x)",
        new="mask_y, image[..., :1], mask_x)",
        falls_by="every_colour_is_read",
        says="must have shape",
    ),
    "the size overwritten": Mutant(
        old="    h, w = size\n",
        new="    h, w = size\n    h, w = image.shape[1:3]\n",
        falls_by="size_that_was_asked_for",
        says="size of the image",
    ),
    "x before y": Mutant(
        old="mean_y, std_y, stride_y, mean_x, std_x, stride_x =",
        new="mean_x, std_x, stride_x, mean_y, std_y, stride_y =",
        falls_by="size_that_was_asked_for",
        says="along y first",
    ),
    "the first window for all": Mutant(
        old="    mean_y, std_y,",
        new="    params = np.repeat(params[:1], len(params), axis=0)\n    mean_y, std_y,",
        falls_by="each_example_has_its_window",
        says="a window each",
    ),
    "a test with two windows alike": Mutant(
        old="[0, 0.5, 1, 1, 0.5, 0]",
        new="[0, 0.5, 1, 0, 0.5, 1]",
        falls_by="test_for_the_batch",
        says="does not show the fault",
    ),
    "a test on which the fault is loud": Mutant(
        old="    return np.stack([image, image]), params, (2, 2)",
        new="    return np.stack([image] * 3), params[[0, 1, 1]], (2, 2)",
        falls_by="test_for_the_batch",
        says="in silence",
    ),
    "a test for the axis with one filter": Mutant(
        old="(1, 2)\n",
        new="(1, 1)\n",
        falls_by="test_for_the_axis",
        says="does not show the fault",
    ),
    "a test for the axis with more than it needs": Mutant(
        old="return np.ones((1, 1, 1, 1)), np.array([[0.0, 1, 0, 0, 1, 0]])",
        new="return np.ones((1, 2, 2, 1)), np.array([[0.0, 1, 0, 0, 1, 0]])",
        falls_by="test_for_the_axis",
        says="more numbers than it may",
    ),
    "a test for the fading that is wide": Mutant(
        old="[[0.5, 0.05, 0, 0, 1, 0]]",
        new="[[0.5, 0.5, 0, 0, 1, 0]]",
        falls_by="test_for_the_fading",
        says="does not show the fault",
    ),
    "a test that shows two faults": Mutant(
        old="np.array([[0.5, 0.05, 0, 0, 1, 0]]), (1, 1)",
        new="np.array([[0.5, 0.05, 0, 0, 1, 0]]), (2, 1)",
        falls_by="test_for_the_fading",
        says="so does one of the other two",
    ),
}
