"""Checks of the exercise: a pipeline to repair, and inputs that show its faults."""

from typing import Any

import numpy as np

from attn_course._typing import Array
from attn_course.exercises.checking import Mutant, Wrong, check, close
from attn_course.spatial_transformer.reference import (
    affine_grid,
    pixel_position,
)


def positions(
    theta: Array,
    size: tuple[int, int],
    shape: tuple[int, int],
    fault: str = "",
) -> tuple[Array, Array]:
    """The right positions, or those from the other convention of corners."""
    if fault == "corners":
        u = np.meshgrid(*(np.linspace(-1, 1, n) for n in size[::-1]))
        grid = np.stack([*u, np.ones(size)], axis=-1) @ theta.T
    else:
        grid = affine_grid(theta, size)
    height, width = shape
    return (
        pixel_position(grid[..., 0], width),
        pixel_position(grid[..., 1], height),
    )


def pixels(image: Array, x: Array, y: Array, fault: str = "") -> Array:
    """What is read at positions in pixels, from the sum over all; or with clipped neighbours."""
    weight = []
    for position, n in ((y, image.shape[0]), (x, image.shape[1])):
        kernel = np.maximum(0, 1 - np.abs(position[..., None] - np.arange(n)))
        if fault == "edge":
            first = np.floor(position)
            low, high = first.clip(0, n - 1), (first + 1).clip(0, n - 1)
            kernel = (high - position)[..., None] * (
                np.arange(n) == low[..., None]
            ) + (position - low)[..., None] * (np.arange(n) == high[..., None])
        weight.append(kernel)
    return np.einsum("...n,...m,nm->...", *weight, image)


def prepared(
    image: Array,
    theta: Array,
    size: tuple[int, int],
    mean: float,
    std: float,
    fault: str = "",
) -> Array:
    """The right view, or the one with a single fault put back."""
    height, width = image.shape
    x, y = positions(theta, size, (height, width), fault)
    if fault == "frame":
        return pixels((image - mean) / std, x, y)
    return (pixels(image, x, y, fault) - mean) / std


def zoomed_out(rng: np.random.Generator) -> Array:
    """A map whose view is larger than the image, turned a little."""
    theta = rng.uniform(-0.4, 0.4, (2, 3))
    theta[:, :2] += np.diag(rng.uniform(1.6, 2.4, 2))
    return theta


@check(points=1)
def identity_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """The identity must read columns 0, 1, 2 and rows 0, 1 of an image of two by three pixels."""
    x, y = answer.read_positions(np.eye(2, 3), (2, 3), (2, 3))
    said = (
        "Under the identity a view of an image's own size, 2 × 3, reads its pixels one by one: "
        "x is 0, 1, 2 in either row, y is 0 in the upper row and 1 in the lower."
    )
    close(x, [[0, 1, 2], [0, 1, 2]], said)
    close(y, [[0, 0, 0], [1, 1, 1]], said)


@check(points=1)
def pixels_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """In a row of pixels 1, 2, 4 there are 1.5 at 0.5, 4 at 2, 2 at 2.5 and nothing at 3."""
    x = np.array([0.5, 2.0, 2.5, 3.0, -0.25])
    close(
        answer.read_pixels(np.array([[1.0, 2.0, 4.0]]), x, np.zeros(5)),
        [1.5, 4.0, 2.0, 0.0, 0.75],
        "In a single row of pixels 1, 2, 4 one reads 1.5 at x = 0.5, the last pixel, 4, at x = 2, "
        "half of it at 2.5, nothing at 3, and three quarters of the first pixel at -0.25.",
    )


@check(points=1)
def frame_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """A white pixel seen from afar, mean 0.5 and std 0.25, is 2 in the middle and -2 around it."""
    theta = np.array([[3.0, 0.0, 0.0], [0.0, 3.0, 0.0]])
    want = np.full((3, 3), -2.0)
    want[1, 1] = 2.0
    close(
        answer.prepared_view(np.ones((1, 1)), theta, (3, 3), 0.5, 0.25),
        want,
        "A single white pixel, seen through a window three times as wide and high, is white in the "
        "middle, (1 - 0.5)/0.25 = 2, and black around it, which is (0 - 0.5)/0.25 = -2.",
    )


@check(points=2, hidden=True)
def positions_of_any_view(answer: Any, rng: np.random.Generator) -> None:
    """The positions of a random view of a tall or a wide image are not right."""
    for shape in ((5, 9), (11, 4)):
        theta, size = rng.uniform(-1, 1, (2, 3)), (3, 7)
        got = answer.read_positions(theta, size, shape)
        if not isinstance(got, tuple | list) or len(got) != 2:
            raise Wrong("Return two arrays, x and y.")
        want = positions(theta, size, shape)
        if np.shape(got) == np.shape(want):
            if np.allclose(got, positions(theta, size, shape, "corners")):
                raise Wrong(
                    "The outermost pixels of the view get the coordinates -1 and 1, which are "
                    "those of its edges; their centres lie half a pixel further in."
                )
            if np.allclose(got, positions(theta, size, shape[::-1])):
                raise Wrong(
                    "Width and height are exchanged: x runs along the width."
                )
        for one, right in zip(got, want, strict=True):
            close(one, right, "Positions of a random view are wrong.")


@check(points=1, hidden=True)
def pixels_inside(answer: Any, rng: np.random.Generator) -> None:
    """What is read between and on the pixels of a random image, last ones included, is wrong."""
    image = rng.random((4, 7))
    x, y = rng.uniform(0, 6, (3, 5)), rng.uniform(0, 3, (3, 5))
    x[0, :2], y[1, 1:3], x[2, 4], y[2, 4] = 6, 3, 6, 3
    got = answer.read_pixels(image, x, y)
    want = pixels(image, x, y)
    if np.shape(got) == want.shape and np.allclose(
        got[x % 1 > 0], want[x % 1 > 0]
    ):
        close(got, want, "A position exactly on the last column reads wrong.")
    close(
        got,
        want,
        "Within the image, between its pixels or on them, the wrong numbers are read.",
    )


@check(points=2, hidden=True)
def white_fades_into_black(answer: Any, rng: np.random.Generator) -> None:
    """A white image must fade to zero within one pixel, at each edge, and be zero from there on."""
    image = np.ones((5, 8))
    x, y = rng.uniform(1, 6, (4, 6)), rng.uniform(1, 3, (4, 6))
    near, far = rng.uniform(0.1, 0.9, 6), rng.uniform(1.5, 40, 6)
    x[0], x[1], y[2], y[3] = -near, 7 + near, -near, 4 + near
    got = answer.read_pixels(image, x, y)
    if np.shape(got) == x.shape:
        if np.allclose(got, 1):
            raise Wrong(
                "Outside a white image your pixels are white: the border is repeated, and the "
                "contract has black there."
            )
        if np.allclose(got, 0):
            raise Wrong(
                "The image ends abruptly at its outermost centres: it ought to fade over one pixel."
            )
    wanted = pixels(image, x, y)
    close(
        got,
        wanted,
        "Within a pixel outside of a white image the fading is wrong.",
    )
    x[0], x[1], y[2], y[3] = -far, 7 + far, -far, 4 + far
    close(
        answer.read_pixels(image, x, y),
        np.zeros(x.shape),
        "Further than a pixel outside of the image there must be nothing.",
    )


@check(points=1, hidden=True)
def numbers_are_normalised(answer: Any, rng: np.random.Generator) -> None:
    """A view that reads one pixel everywhere must be (I - mean)/std, of the size asked for."""
    image = rng.random((5, 5))
    column, row = (int(one) for one in rng.integers(1, 4, 2))
    theta = np.zeros((2, 3))
    theta[:, 2] = (2 * np.array([column, row]) + 1) / 5 - 1
    mean, std = float(rng.uniform(0.2, 0.5)), float(rng.uniform(0.2, 0.4))
    close(
        answer.prepared_view(image, theta, (2, 3), mean, std),
        np.full((2, 3), (image[row, column] - mean) / std),
        "A pixel I becomes something else than (I - mean)/std; mind the brackets.",
        rtol=1e-7,
    )


@check(points=2, hidden=True)
def black_stays_black(answer: Any, rng: np.random.Generator) -> None:
    """A black picture seen from afar must be one and the same number, without a frame."""
    mean, std = float(rng.uniform(0.2, 0.5)), float(rng.uniform(0.2, 0.4))
    got = answer.prepared_view(
        np.zeros((6, 4)), zoomed_out(rng), (15, 17), mean, std
    )
    if np.shape(got) == (15, 17) and np.any(np.abs(got) < 1e-9):
        raise Wrong(
            "The picture has a frame of zeros, which after normalising is grey: black is below "
            "zero there."
        )
    close(
        got,
        np.full((15, 17), -mean / std),
        "A black picture seen from afar is not one and the same black.",
        rtol=1e-7,
    )


@check(points=1, hidden=True)
def test_for_the_frame(answer: Any, rng: np.random.Generator) -> None:
    """`shows_frame` must return an input on which an image that is normalised first shows."""
    shows(answer.shows_frame(), "frame", 1)


@check(points=1, hidden=True)
def test_for_the_edge(answer: Any, rng: np.random.Generator) -> None:
    """`shows_lost_edge` must return an input on which the clipped neighbours show."""
    shows(answer.shows_lost_edge(), "edge", 1)


@check(points=1, hidden=True)
def test_for_the_corners(answer: Any, rng: np.random.Generator) -> None:
    """`shows_corners` must return an input on which the other convention shows."""
    shows(answer.shows_corners(), "corners", 4)


def shows(given: Any, fault: str, fewest: int) -> None:
    """Raise Wrong unless the arguments show the fault, it alone, with the fewest numbers."""
    if not isinstance(given, tuple | list) or len(given) != 5:
        raise Wrong("Return five things: image, theta, size, mean and std.")
    image, theta = (np.asarray(one, dtype=float) for one in given[:2])
    size = tuple(int(one) for one in np.ravel(given[2]))
    mean, std = (float(one) for one in given[3:])
    if image.ndim != 2 or theta.shape != (2, 3) or len(size) != 2:
        raise Wrong(
            "The image must be (height, width), theta (2, 3), and size (h, w)."
        )
    if not 1 <= image.size <= 4096 or not 1 <= min(size) <= max(size) <= 64:
        raise Wrong(
            "The image must not be empty, nor large, and a size is between 1 and 64."
        )
    if not (np.all(image >= 0) and np.all(image <= 1)):
        raise Wrong("The numbers of the image must lie between 0 and 1.")
    if not (np.abs(theta).max() <= 64 and 0 <= mean <= 1 and 0.1 <= std <= 1):
        raise Wrong(
            "theta must be finite and at most 64, mean between 0 and 1, std between 0.1 and 1."
        )
    inputs = image, theta, (size[0], size[1]), mean, std
    off = {
        one: np.abs(prepared(*inputs, one) - prepared(*inputs)).max()
        for one in ("frame", "edge", "corners")
    }
    if off.pop(fault) <= 0.1:
        raise Wrong(
            "On this input the pipeline with the fault put back is right, or off by less than 0.1: "
            "the input does not show the fault."
        )
    if image.size > fewest:
        raise Wrong(
            "The fault shows, but the image holds more numbers than it may."
        )
    if max(off.values()) > 1e-3:
        raise Wrong(
            "The fault shows, but so does one of the other two: who sees this test fail would not "
            "know which it was."
        )


NORMALISED = "return (read_pixels(image, x, y) - mean) / std"

MUTANTS = {
    "corners at -1 and 1": Mutant(
        old="u_x, u_y = (2 * np.arange(w) + 1) / w - 1, (2 * np.arange(h) + 1) / h - 1",
        new="u_x, u_y = np.linspace(-1, 1, w), np.linspace(-1, 1, h)",
        falls_by="positions_of_any_view",
        says="those of its edges",
    ),
    "width and height exchanged": Mutant(
        old="(h, w), (height, width) = size, shape",
        new="(h, w), (width, height) = size, shape",
        falls_by="positions_of_any_view",
        says="are exchanged",
    ),
    "theta from the wrong side": Mutant(
        old='"ij,jhw->ihw", theta, u',
        new='"ij,jhw->ihw", np.c_[theta[:, :2].T, theta[:, 2]], u',
        falls_by="positions_of_any_view",
        says="random view are wrong",
    ),
    "pixels counted from their corners": Mutant(
        old="((v_x + 1) * width - 1) / 2, ((v_y + 1) * height - 1) / 2",
        new="(v_x + 1) * width / 2, (v_y + 1) * height / 2",
        falls_by="positions_of_any_view",
        says="random view are wrong",
    ),
    "the same pixel four times": Mutant(
        old="read += np.where(exists, weight, 0) * image[nearest]",
        new="same = top.clip(0, height - 1), left.clip(0, width - 1)\n"
        "            read += np.where(exists, weight, 0) * image[same]",
        falls_by="pixels_inside",
        says="wrong numbers are read",
    ),
    "clipped neighbours": Mutant(
        old="            weight =",
        new="            row, column = row.clip(0, height - 1), column.clip(0, width - 1)\n"
        "            weight =",
        falls_by="white_fades_into_black",
        says="fading is wrong",
    ),
    "positions that end at the last pixel": Mutant(
        old="    left, top = np.floor(x)",
        new="    outside = (x < 0) | (x > width - 1) | (y < 0) | (y > height - 1)\n"
        "    x = np.where(outside, -9.0, x)\n"
        "    left, top = np.floor(x)",
        falls_by="white_fades_into_black",
        says="ends abruptly",
    ),
    "the last column lost": Mutant(
        old="(column == nearest[1])",
        new="(column == nearest[1]) & (x < width - 1)",
        falls_by="pixels_inside",
        says="on the last column",
    ),
    "the border repeated": Mutant(
        old="np.where(exists, weight, 0)",
        new="np.where(exists, weight, weight)",
        falls_by="white_fades_into_black",
        says="the border is repeated",
    ),
    "numbers cut off towards zero": Mutant(
        old="np.floor(x).astype(int)",
        new="np.trunc(x).astype(int)",
        falls_by="white_fades_into_black",
        says="fading is wrong",
    ),
    "brackets forgotten": Mutant(
        old=NORMALISED,
        new="return read_pixels(image, x, y) - mean / std",
        falls_by="numbers_are_normalised",
        says="mind the brackets",
    ),
    "normalised first": Mutant(
        old=NORMALISED,
        new="return read_pixels((image - mean) / std, x, y)",
        falls_by="black_stays_black",
        says="a frame of zeros",
    ),
    "normalised first, the zeros painted over": Mutant(
        old=NORMALISED,
        new="read = read_pixels((image - mean) / std, x, y)\n"
        "    return np.where(read == 0, -mean / std, read)",
        falls_by="black_stays_black",
        says="not one and the same black",
    ),
    "a test for the frame with a mean of zero": Mutant(
        old="(1, 1), 0.5, 0.5",
        new="(1, 1), 0.0, 0.5",
        falls_by="test_for_the_frame",
        says="does not show the fault",
    ),
    "a test for the frame that keeps the image in view": Mutant(
        old="[[1.0, 0.0, 8.0], [0.0, 1.0, 0.0]]",
        new="[[1.0, 0.0, 1.2], [0.0, 1.0, 0.0]]",
        falls_by="test_for_the_frame",
        says="so does one of the other two",
    ),
    "a test for the edge that shows the corners too": Mutant(
        old="np.zeros((2, 3)), (1, 1)",
        new="np.eye(2, 3), (1, 1)",
        falls_by="test_for_the_edge",
        says="so does one of the other two",
    ),
    "a test for the edge on a black pixel": Mutant(
        old="return np.ones((1, 1)), np.zeros((2, 3))",
        new="return np.zeros((1, 1)), np.zeros((2, 3))",
        falls_by="test_for_the_edge",
        says="does not show the fault",
    ),
    "a test for the corners with a larger image": Mutant(
        old="[[0.0, 1.0], [0.0, 1.0]]",
        new="[[0.0, 1.0, 0.0], [0.0, 1.0, 0.0]]",
        falls_by="test_for_the_corners",
        says="more numbers than it may",
    ),
    "a test for the corners that reads the last pixel": Mutant(
        old="upper_row = np.array([[0.5, 0.0, 0.0]",
        new="upper_row = np.array([[1.0, 0.0, 0.0]",
        falls_by="test_for_the_corners",
        says="so does one of the other two",
    ),
}
