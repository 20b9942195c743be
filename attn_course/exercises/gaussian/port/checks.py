"""Checks of the exercise: finding a displaced pixel from a port's output."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from attn_course._typing import Array
from attn_course.exercises.checking import Mutant, Wrong, check
from attn_course.gaussian.reference import gaussian_glimpse

PORTS = {"right": (0, 0), "g": (1, 0), "i": (0, 1), "both": (1, 1)}
# must not be called the same
OTHER = {"right": "g", "g": "right", "i": "g", "both": "i"}
# height, width, n_filter
SIZES = ((17, 17, 17), (26, 19, 7), (20, 31, 2), (24, 40, 5))


def stride_of(raw: Array, size: tuple[int, ...], n_filter: int) -> float:
    """The stride of a window, in pixels."""
    return (max(size) - 1) / (n_filter - 1) * np.exp(raw[3])


def read(image: Array, raw: Array, n_filter: int, port: str) -> Array:
    """What a port reads: no -1 in the centre, or the paper's filters counted from zero, or both."""
    (height, width), (wrong_g, wrong_i) = image.shape[1:], PORTS[port]
    centre = np.array([width + 1, height + 1]) / 2 * (raw[:2] + 1)
    centre = centre - (0 if wrong_g else 1)
    stride = stride_of(raw, (height, width), n_filter)
    before = 0 - n_filter / 2 - 0.5 if wrong_i else (1 - n_filter) / 2
    first = centre + before * stride
    pairs = first, np.full(2, np.exp(raw[2] / 2)), np.full(2, stride)
    patch = np.exp(raw[4]) * gaussian_glimpse(
        image, *pairs, (n_filter, n_filter)
    )
    return patch.astype(np.float32)


def rounded(patch: Array, rng: np.random.Generator) -> Array:
    """A patch with the last digits that single precision leaves to chance."""
    off = 5e-6 * rng.uniform(-1, 1, patch.shape)
    return patch * (1 + off).astype(np.float32)


def probed(
    answer: Any, size: tuple[int, int], n_filter: int
) -> tuple[Array, Array]:
    """The image and window of the answer, looked over."""
    given = answer.probe(size, n_filter)
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise Wrong(
            "probe must return two things, the image and the five numbers."
        )
    image, raw = (np.array(one, dtype=float) for one in given)
    if image.shape != (1, *size):
        raise Wrong(
            "The image must have shape (1, height, width), with the size asked for."
        )
    if raw.shape != (5,):
        raise Wrong("A window is five numbers, an array of shape (5,).")
    if not (
        np.isfinite(image).all()
        and np.isfinite(raw).all()
        and np.abs(raw).max() < 20
    ):
        raise Wrong(
            "Image and window must be finite, and each of the five numbers below 20."
        )
    return image, raw


def told(
    answer: Any,
    rng: np.random.Generator,
    port: str,
    size: tuple[int, int],
    n_filter: int,
) -> tuple[str, Array]:
    """The verdict on what a port reads from the answer's own probe, and the window."""
    image, raw = probed(answer, size, n_filter)
    patch = rounded(read(image, raw, n_filter, port), rng)
    said = answer.verdict(patch, size, n_filter)
    if said not in PORTS:
        raise Wrong('A verdict is one of "right", "g", "i" and "both".')
    return said, raw


def judge(
    answer: Any,
    rng: np.random.Generator,
    port: str,
    sizes: Iterable[Any],
    sentence: str,
) -> None:
    """Raise Wrong unless the verdict on this port, and on no other, is its name at each size.

    The two are asked about twice each in an order that nobody knows, so that counting the
    questions does not answer them.
    """
    for height, width, n_filter in sizes:
        asked = [str(one) for one in rng.permutation([port, OTHER[port]] * 2)]
        said = [
            (one, *told(answer, rng, one, (height, width), n_filter))
            for one in asked
        ]
        for one, verdict, raw in said:
            stride = stride_of(raw, (height, width), n_filter)
            if one == port == "both" != verdict and abs(stride - 1) < 0.01:
                raise Wrong(
                    "Your window has a stride of one pixel. One fault moves the grid a pixel "
                    "forwards, the other a stride backwards: this port reads what the right one "
                    "reads, and no verdict can tell them apart."
                )
            if one == port != verdict:
                raise Wrong(f"{sentence} Your verdict on it is another.")
        if any(verdict == port for one, verdict, _ in said if one != port):
            raise Wrong(
                f"You call this port {port!r}, but another one as well."
            )


def sizes(rng: np.random.Generator) -> tuple[tuple[int, int, int], ...]:
    """Sizes for the hidden checks: as many filters as pixels, few filters, tall and wide images."""
    n = int(rng.integers(16, 24))
    tall = (
        int(rng.integers(24, 32)),
        int(rng.integers(16, 22)),
        int(rng.integers(3, 8)),
    )
    wide = (
        int(rng.integers(16, 22)),
        int(rng.integers(24, 32)),
        int(rng.integers(9, 16)),
    )
    return (n, n, n), (n, n + 5, 2), tall, wide


@check(points=1)
def probe_fits_the_size(answer: Any, rng: np.random.Generator) -> None:
    """A probe is an image of shape (1, height, width) and a window of five numbers."""
    for height, width, n_filter in SIZES:
        probed(answer, (height, width), n_filter)


@check(points=1)
def probe_tells_the_ports_apart(answer: Any, rng: np.random.Generator) -> None:
    """Of any two of the four reads of a probe some pixel must differ by more than 0.01."""
    for height, width, n_filter in SIZES:
        image, raw = probed(answer, (height, width), n_filter)
        reads = {port: read(image, raw, n_filter, port) for port in PORTS}
        for one in PORTS:
            for other in PORTS:
                apart = np.abs(reads[one] - reads[other]).max()
                if one < other and apart < 0.01:
                    raise Wrong(
                        f"With {n_filter} filters on {height} × {width} pixels the ports {one!r} "
                        f"and {other!r} read the same patch from your probe. Is the image flat "
                        "where the window looks, or has the window an unlucky stride?"
                    )


@check(points=1)
def verdict_on_the_port_of_the_chapter(
    answer: Any, rng: np.random.Generator
) -> None:
    """The port of the chapter, right centre and filters counted from zero, must be called "i"."""
    judge(answer, rng, "i", SIZES, 'The port of the chapter is "i".')


@check(points=1, hidden=True)
def nothing_is_found_in_a_right_read(
    answer: Any, rng: np.random.Generator
) -> None:
    """A read without a fault must be called "right", also when it comes in single precision."""
    judge(answer, rng, "right", sizes(rng), "A right read is called faulty.")


@check(points=1, hidden=True)
def missing_minus_one_is_found(answer: Any, rng: np.random.Generator) -> None:
    """A centre without the -1, everything else being right, must be called "g"."""
    judge(
        answer,
        rng,
        "g",
        sizes(rng),
        "The centre of the grid is a pixel too far along x and y.",
    )


@check(points=1, hidden=True)
def counting_from_zero_is_found(answer: Any, rng: np.random.Generator) -> None:
    """Filters counted from zero with the paper's formula, alone, must be called "i"."""
    judge(
        answer,
        rng,
        "i",
        sizes(rng),
        "The grid begins a whole stride too early along x and y.",
    )


@check(points=2, hidden=True)
def both_faults_are_found(answer: Any, rng: np.random.Generator) -> None:
    """A port with both faults must be called "both"."""
    judge(
        answer,
        rng,
        "both",
        sizes(rng),
        "The grid is displaced by one pixel less one stride.",
    )


MUTANTS = {
    "always the same verdict": Mutant(
        old="return min(displaced, key=lambda name: abs(displaced[name] - found))",
        new="return 'right' if found else 'right'",
        falls_by="nothing_is_found_in_a_right_read",
        says="another one as well",
    ),
    "a stride of one pixel": Mutant(
        old="STRIDE = 0.5",
        new="STRIDE = 1.0",
        falls_by="both_faults_are_found",
        says="stride of one pixel",
    ),
    "the sum of the displacements with the wrong sign": Mutant(
        old='"both": 1 - STRIDE',
        new='"both": 1 + STRIDE',
        falls_by="both_faults_are_found",
        says="one pixel less one stride",
    ),
    "a pixel in the wrong direction": Mutant(
        old='"g": 1.0',
        new='"g": -1.0',
        falls_by="missing_minus_one_is_found",
        says="a pixel too far",
    ),
    "a stride in the wrong direction": Mutant(
        old='"i": -STRIDE',
        new='"i": STRIDE',
        falls_by="counting_from_zero_is_found",
        says="a whole stride too early",
    ),
    "no right read expected": Mutant(
        old='"right": 0.0, ',
        new="",
        falls_by="nothing_is_found_in_a_right_read",
        says="is called faulty",
    ),
    "the distance without its direction": Mutant(
        old="abs(displaced[name] - found)",
        new="abs(abs(displaced[name]) - abs(found))",
        falls_by="counting_from_zero_is_found",
        says="stride too early",
    ),
    "an exact comparison": Mutant(
        old="return min(displaced, key=lambda name: abs(displaced[name] - found))",
        new="return {value: name for name, value in displaced.items()}.get(found, 'right')",
        falls_by="counting_from_zero_is_found",
        says="stride too early",
    ),
    "half a pixel in the middle": Mutant(
        old="(size[1] - 1) / 2",
        new="size[1] / 2",
        falls_by="nothing_is_found_in_a_right_read",
        says="right read is called faulty",
    ),
    "the window over the whole image": Mutant(
        old="np.log(STRIDE / largest), 0]",
        new="0, 0]",
        falls_by="both_faults_are_found",
        says="stride of one pixel",
    ),
    "a constant image": Mutant(
        old="np.arange(width, dtype=float)",
        new="np.ones(width)",
        falls_by="nothing_is_found_in_a_right_read",
        says="right read is called faulty",
    ),
    "height and width exchanged": Mutant(
        old="np.tile(np.arange(width, dtype=float), (1, height, 1))",
        new="np.tile(np.arange(height, dtype=float), (1, width, 1))",
        falls_by="nothing_is_found_in_a_right_read",
        says="image must have shape",
    ),
    "one size for all": Mutant(
        old="    height, width = size\n",
        new="    height, width = size = (28, 28)\n",
        falls_by="nothing_is_found_in_a_right_read",
        says="image must have shape",
    ),
}
