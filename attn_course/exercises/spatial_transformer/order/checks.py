"""Checks of the exercise: telling eight ports of a spatial transformer apart."""

from collections.abc import Iterable
from itertools import combinations, product
from typing import Any

import numpy as np

from attn_course._typing import Array
from attn_course.exercises.checking import Mutant, Wrong, check
from attn_course.spatial_transformer.reference import (
    bilinear_sample,
    output_grid,
)

NAMES = ("swap", "transpose", "corners")
RIGHT = (False, False, False)
PORTS = tuple(product((False, True), repeat=3))
SIZES = ((8, 11), (23, 16), (12, 12), (17, 34), (64, 21))  # height, width


def read(image: Array, theta: Array, faults: tuple[bool, ...]) -> Array:
    """What a port with these faults reads."""
    swap, transpose, corners = faults
    height, width = image.shape[1:]
    matrix = theta[:, :2].T if transpose else theta[:, :2]
    point = output_grid((height, width), corners) @ matrix.T + theta[:, 2]
    return bilinear_sample(image, point[..., ::-1] if swap else point)


def rounded(view: Array, rng: np.random.Generator) -> Array:
    """A view with the last digits that single precision leaves to chance."""
    off = 0.0019 * rng.uniform(-1, 1, view.shape)
    return (view + off).astype(np.float32)


def named(faults: tuple[bool, ...]) -> str:
    """The faults in words."""
    having = [
        name for name, one in zip(NAMES, faults, strict=True) if one
    ] or ["right"]
    return " + ".join(having)


def probed(answer: Any, size: tuple[int, int]) -> tuple[Array, Array]:
    """The image and theta of the answer, looked over."""
    given = answer.question(size)
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise Wrong("question must return two things, the image and theta.")
    image, theta = (np.array(one, dtype=float) for one in given)
    if image.shape != (1, *size):
        raise Wrong(
            "The image must have shape (1, height, width), with the size asked for."
        )
    if theta.shape != (2, 3):
        raise Wrong("theta must have shape (2, 3).")
    if not (np.abs(image).max() <= 1000 and np.abs(theta).max() <= 2):
        raise Wrong(
            "The image must hold finite numbers up to 1000 either way, and theta up to 2."
        )
    return image, theta


def told(
    answer: Any,
    rng: np.random.Generator,
    faults: tuple[bool, ...],
    size: tuple[int, int],
) -> tuple[bool, ...]:
    """The verdict on what a port reads from the answer's own probe."""
    view = rounded(read(*probed(answer, size), faults), rng)
    said = answer.diagnosis(view, size)
    if not isinstance(said, tuple | list | np.ndarray) or np.shape(said) != (
        3,
    ):
        raise Wrong(
            "A verdict is three truth values, for swap, transpose and corners."
        )
    if not all(isinstance(one, bool | np.bool_) for one in said):
        raise Wrong("The three values of a verdict must be True or False.")
    return tuple(bool(one) for one in said)


def judge(
    answer: Any,
    rng: np.random.Generator,
    port: tuple[bool, ...],
    other: tuple[bool, ...],
    sizes: Iterable[tuple[int, int]],
    sentence: str,
) -> None:
    """Raise Wrong unless the verdict on this port, and not on the other, names its faults.

    The two are asked about twice each in an order that nobody knows, so that counting the
    questions does not answer them.
    """
    for size in sizes:
        asked = rng.permutation([True, False] * 2)
        said = [
            (one, told(answer, rng, port if one else other, size))
            for one in asked
        ]
        if any(one and verdict != port for one, verdict in said):
            raise Wrong(f"{sentence} Your verdict on it is another.")
        if any(not one and verdict == port for one, verdict in said):
            raise Wrong(
                f"You call this port {named(port)!r}, but another one as well."
            )


def sizes(rng: np.random.Generator) -> tuple[tuple[int, int], ...]:
    """Sizes for the hidden checks: tall and wide, small and large, no whole ratios."""
    small, large = (int(one) for one in rng.integers((9, 31), (16, 38)))
    more = int(rng.integers(2, 7))
    return (small, small + more), (large + 3 * more, large), (large, 64)


@check(points=1)
def probe_fits_the_size(answer: Any, rng: np.random.Generator) -> None:
    """A probe is an image of shape (1, height, width) and a theta of shape (2, 3)."""
    for size in SIZES:
        probed(answer, size)


@check(points=1)
def probe_tells_the_ports_apart(answer: Any, rng: np.random.Generator) -> None:
    """Of any two of the eight views of a probe some pixel must differ by more than 0.01."""
    for size in SIZES:
        image, theta = probed(answer, size)
        views = {faults: read(image, theta, faults) for faults in PORTS}
        for one, other in combinations(PORTS, 2):
            if np.abs(views[one] - views[other]).max() <= 0.01:
                raise Wrong(
                    f"On {size[0]} × {size[1]} pixels the ports {named(one)!r} and "
                    f"{named(other)!r} read the same view from your probe, or nearly. Is theta "
                    "symmetric, or is the image at this size the same after the fault?"
                )


@check(points=1)
def verdict_on_the_corners(answer: Any, rng: np.random.Generator) -> None:
    """The port with mixed corners and no other fault is (False, False, True)."""
    judge(
        answer,
        rng,
        (False, False, True),
        RIGHT,
        SIZES,
        "A port with mixed corners and no other fault is (False, False, True).",
    )


@check(points=1, hidden=True)
def nothing_is_found_in_a_right_port(
    answer: Any, rng: np.random.Generator
) -> None:
    """A port without a fault must be (False, False, False), also in single precision."""
    judge(
        answer,
        rng,
        RIGHT,
        (False, True, True),
        sizes(rng),
        "A right port is called faulty.",
    )


@check(points=1, hidden=True)
def swap_alone_is_found(answer: Any, rng: np.random.Generator) -> None:
    """A port that does nothing wrong but exchange x and y in its grid must be told."""
    judge(
        answer,
        rng,
        (True, False, False),
        RIGHT,
        sizes(rng),
        "The grid holds its coordinates in the wrong order, and nothing else is wrong.",
    )


@check(points=1, hidden=True)
def transpose_alone_is_found(answer: Any, rng: np.random.Generator) -> None:
    """A port that does nothing wrong but multiply by the transpose must be told."""
    for size in sizes(rng):
        matrix = probed(answer, size)[1][:, :2]
        if np.allclose(matrix, matrix.T, rtol=1e-3):
            raise Wrong(
                "The 2×2 part of your theta is symmetric: with it the transpose changes nothing, "
                "and no verdict can tell."
            )
    judge(
        answer,
        rng,
        (False, True, False),
        RIGHT,
        sizes(rng),
        "The matrix is applied from the wrong side, and nothing else is wrong.",
    )


@check(points=1, hidden=True)
def corners_alone_are_found(answer: Any, rng: np.random.Generator) -> None:
    """A port whose grid has another convention than its sampler must be told."""
    judge(
        answer,
        rng,
        (False, False, True),
        (True, False, True),
        sizes(rng),
        "Grid and sampler differ by half a pixel at the rim, and nothing else is wrong.",
    )


@check(points=2, hidden=True)
def several_faults_are_found(answer: Any, rng: np.random.Generator) -> None:
    """A port with two of the faults, or with all three, must be told each of them."""
    for port in PORTS:
        if sum(port) > 1:
            judge(
                answer,
                rng,
                port,
                RIGHT,
                sizes(rng),
                "This port has several faults at once.",
            )


@check(points=2, hidden=True)
def whole_ratios_hide_no_swap(answer: Any, rng: np.random.Generator) -> None:
    """Where one side is a multiple of the other, or equal to it, a swap must still be found."""
    n = int(rng.integers(10, 16))
    for size in ((n, n), (n, 2 * n), (n, 3 * n), (2 * n, n), (4 * n, n)):
        for swap in rng.permutation([True, False] * 2):
            if told(answer, rng, (bool(swap), False, True), size)[0] != swap:
                raise Wrong(
                    "The swap is not found, or found where there is none, on a square image or on "
                    "one whose sides have a whole ratio; an image that rises along both axes may "
                    "be its own reflection."
                )


NEAREST = "return min(off, key=lambda faults: off[faults])"

MUTANTS = {
    "always right": Mutant(
        old=NEAREST,
        new="return (False, False, False)",
        falls_by="nothing_is_found_in_a_right_port",
        says="another one as well",
    ),
    "no right port expected": Mutant(
        old=NEAREST,
        new="del off[False, False, False]\n    " + NEAREST,
        falls_by="nothing_is_found_in_a_right_port",
        says="called faulty",
    ),
    "an exact comparison": Mutant(
        old=NEAREST,
        new="return next((one for one in off if off[one] == 0), (False,) * 3)",
        falls_by="corners_alone_are_found",
        says="half a pixel at the rim",
    ),
    "a swap only where something else is wrong": Mutant(
        old="v[::-1] if swap else v",
        new="v[::-1] if swap and (transpose or corners) else v",
        falls_by="swap_alone_is_found",
        says="in the wrong order",
    ),
    "the probe that is not there": Mutant(
        old="(SLOPE[0] * column + SLOPE[1] * row)",
        new="(0 * (column + row))",
        falls_by="corners_alone_are_found",
        says="half a pixel at the rim",
    ),
    "a theta with a symmetric part": Mutant(
        old="[-0.25, 0.25, -0.1]",
        new="[0.25, 0.35, -0.1]",
        falls_by="transpose_alone_is_found",
        says="is symmetric",
    ),
    "the identity": Mutant(
        old="[[0.5, 0.25, 0.1], [-0.25, 0.25, -0.1]]",
        new="[[0.8, 0.0, 0.0], [0.0, 0.8, 0.0]]",
        falls_by="transpose_alone_is_found",
        says="transpose changes nothing",
    ),
    "the shift transposed with the rest": Mutant(
        old="+ THETA[:, 2, None, None]",
        new="+ THETA[::-1 if transpose and not swap and not corners else 1, 2, None, None]",
        falls_by="transpose_alone_is_found",
        says="from the wrong side",
    ),
    "a sampler with its corners at the centres": Mutant(
        old="((v_x + 1) * width - 1) / 2",
        new="(v_x + 1) * (width - 1) / 2",
        falls_by="nothing_is_found_in_a_right_port",
        says="called faulty",
    ),
    "corners in which nothing changes": Mutant(
        old="    if corners:\n",
        new="    if corners and (swap or transpose):\n",
        falls_by="corners_alone_are_found",
        says="half a pixel at the rim",
    ),
    "a probe with too little contrast": Mutant(
        old="SLOPE = np.array([1.0, 0.0])",
        new="SLOPE = np.array([1e-6, 0.0])",
        falls_by="corners_alone_are_found",
        says="half a pixel at the rim",
    ),
    "one fault at most": Mutant(
        old=NEAREST,
        new="off = {one: far for one, far in off.items() if sum(one) < 2}\n    "
        + NEAREST,
        falls_by="several_faults_are_found",
        says="several faults at once",
    ),
    "an image that rises along both axes": Mutant(
        old="SLOPE = np.array([1.0, 0.0])",
        new="SLOPE = np.array([1.0, 1.0])",
        falls_by="whole_ratios_hide_no_swap",
        says="its own reflection",
    ),
    "an image that rises twice as fast along y": Mutant(
        old="SLOPE = np.array([1.0, 0.0])",
        new="SLOPE = np.array([1.0, 2.0])",
        falls_by="whole_ratios_hide_no_swap",
        says="whole ratio",
    ),
    "height and width exchanged": Mutant(
        old="np.indices(size)",
        new="np.indices(size[::-1])",
        falls_by="nothing_is_found_in_a_right_port",
        says="image must have shape",
    ),
}
