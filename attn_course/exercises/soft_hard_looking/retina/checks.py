"""Checks of a crop, of a retina made from crops, of its price and of its reach."""

from typing import Any

import numpy as np

from attn_course._typing import Array
from attn_course.exercises.checking import Mutant, Wrong, check, close


def _crop(feature: Array, corner: Array, size: int) -> Array:
    """A crop by a wide margin of zeros."""
    channel, height, width = feature.shape
    margin = size + int(np.abs(corner).max()) + max(height, width)
    wide = np.zeros((channel, height + 2 * margin, width + 2 * margin))
    wide[:, margin : margin + height, margin : margin + width] = feature
    x, y = corner + margin
    return wide[:, y : y + size, x : x + size]


def _corner(feature: Array, location: Array, side: int) -> Array:
    size = np.array(feature.shape[:0:-1])
    return np.floor((location + 1) / 2 * size - side / 2 + 0.5).astype(int)


def _patch(crop: Array, size: int) -> Array:
    """Means over blocks."""
    block = crop.shape[1] // size
    rows = np.add.reduceat(crop, np.arange(0, crop.shape[1], block), axis=1)
    return (
        np.add.reduceat(rows, np.arange(0, crop.shape[2], block), axis=2)
        / block**2
    )


def _retina(feature: Array, location: Array, size: int, n_scale: int) -> Array:
    sides = [size * 2**k for k in range(n_scale)]
    return np.stack(
        [
            _patch(_crop(feature, _corner(feature, location, m), m), size)
            for m in sides
        ]
    )


def _same(got: Any, value: Array) -> bool:
    return np.shape(got) == value.shape and np.allclose(got, value)


@check()
def crop_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """Of the image with the rows 0, 1, 2 and 3, 4, 5 the crop of side 2 from column 2 and row 0 holds
    2 and 5 in its first column and zeros in its second."""
    image = np.arange(6.0).reshape(1, 2, 3)
    close(answer.crop(image, np.array([2, 0]), 2), [[[2.0, 0.0], [5.0, 0.0]]])


@check()
def retina_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """From the middle of the page's image of 4 by 4, numbered from 0 to 15, two scales of side 2 show
    5, 6, 9, 10 and 2.5, 4.5, 10.5, 12.5."""
    image = np.arange(16.0).reshape(1, 4, 4)
    want = [[[[5.0, 6.0], [9.0, 10.0]]], [[[2.5, 4.5], [10.5, 12.5]]]]
    close(answer.retina(image, np.zeros(2), 2, 2), want)


@check()
def counts_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """Three scales of 12 by 12 of a grey image are 432 numbers. From the middle of a field of 60 by 60
    a crop of 96 would do, but from its edge it takes 120 or more, and that is the fifth scale: 192."""
    close(answer.numbers_read(12, 3, 1), 432)
    close(answer.scales_needed(12, 60), 5)


@check(hidden=True, points=2)
def pieces_of_an_image(answer: Any, rng: np.random.Generator) -> None:
    """A crop of an image that is not square must have the column first in its corner, all the image's
    channels, and zeros wherever it leaves the image, by little or by far."""
    height, width = int(rng.integers(5, 8)), int(rng.integers(10, 14))
    image = rng.uniform(1, 2, (3, height, width))
    x, y = int(rng.integers(4, 7)), int(rng.integers(0, 2))
    inside, over = np.array([x, y]), np.array([-2, height - 2])
    for corner in (inside, over):
        got, want = answer.crop(image, corner, 4), _crop(image, corner, 4)
        if np.shape(got) == want.shape and not np.allclose(got, want):
            if _same(got, _crop(image, corner[::-1], 4)):
                raise Wrong(
                    "The corner is (x, y): the column comes first, and the row second."
                )
            if _same(got, want.transpose(0, 2, 1)):
                raise Wrong(
                    "The piece lies on its side: rows come before columns."
                )
            outside = want == 0
            if outside.any() and np.allclose(got[~outside], want[~outside]):
                raise Wrong(
                    "What is inside the image is right, and outside it there must be zeros."
                )
        close(got, want)
    for corner, size in (
        (np.array([-40 - x, y]), 3),
        (np.array([x, 50 + y]), 3),
        (np.array([-3, -5]), 20),
    ):
        close(
            answer.crop(image, corner, size),
            _crop(image, corner, size),
            "A crop may miss the image by far, and is nothing but zeros then, or be larger than it.",
        )


@check(hidden=True, points=2)
def places_of_one_patch(answer: Any, rng: np.random.Generator) -> None:
    """With one scale the retina must be the crop whose centre is nearest to the place, the right or
    lower one of two that are equally near."""
    image = rng.uniform(1, 2, (1, 12, 20))
    size = 4
    for location in rng.permutation(
        np.array([[0.86, 0.0917], [-0.86, -0.408]])
    ):
        place = location + rng.uniform(-0.005, 0.005, 2)
        got, want = (
            answer.retina(image, place, size, 1),
            _retina(image, place, size, 1),
        )
        if np.shape(got) == want.shape and not np.allclose(got, want):
            height, width = image.shape[1:]
            unit = (place + 1) / 2
            swapped = np.floor(unit * [height, width] - size / 2 + 0.5).astype(
                int
            )
            middles = np.floor(
                unit * [width - 1, height - 1] - size / 2 + 0.5 + 0.5
            ).astype(int)
            first = np.floor(unit * [width, height] + 0.5).astype(int)
            truncated = np.floor(unit * [width, height] - size / 2).astype(int)
            for corner, reason in (
                (
                    _corner(image, place[::-1], size),
                    "The place is (x, y), and x goes to the right.",
                ),
                (
                    swapped,
                    "Along x the image is as long as it is wide, and along y as it is high.",
                ),
                (
                    middles,
                    "Edges lie at -1 and 1, and not the middles of the outer pixels.",
                ),
                (
                    first,
                    "The place is the centre of the crop, and not its corner.",
                ),
                (
                    truncated,
                    "Take the nearest crop, and not the last one before the place.",
                ),
            ):
                if _same(got, _crop(image, corner, size)[None]):
                    raise Wrong(reason)
        close(got, want)
    for _ in range(2):
        # a place in the middle of a pixel, in columns and rows both even and odd
        pixel = np.array([int(rng.integers(5, 7)), int(rng.integers(5, 7))])
        for one in (pixel, pixel + 1):
            place = 2 * (one + 0.5) / np.array([20, 12]) - 1
            # halves are not exact in binary, so go to where the next crop is surely the nearer
            place = np.where(_exact(place, one), place, place + 1e-9)
            close(
                answer.retina(image, place, size, 1),
                _retina(image, place, size, 1),
                "Where two crops are equally near the right or the lower one is to be taken, and not "
                "the one with the even number.",
            )


def _exact(place: Array, pixel: Array) -> Array:
    """Whether the way back from a place to its pixel is free of rounding."""
    return np.asarray((place + 1) / 2 * np.array([20, 12]) == pixel + 0.5)


@check(hidden=True, points=2)
def means_of_the_scales(answer: Any, rng: np.random.Generator) -> None:
    """Patch k must be the mean over blocks of 2^k by 2^k, the finest patch first, each channel by
    itself, zeros outside counted."""
    image = rng.uniform(1, 2, (2, 10, 10))
    size, n_scale = 2, 4
    place = np.zeros(2)
    got, want = (
        answer.retina(image, place, size, n_scale),
        _retina(image, place, size, n_scale),
    )
    if np.shape(got) == want.shape and not np.allclose(got, want):
        crops = [
            _crop(image, _corner(image, place, 2 * 2**k), 2 * 2**k)
            for k in range(n_scale)
        ]
        there = _retina(np.ones_like(image), place, size, n_scale)
        for value, reason in (
            (
                want[::-1],
                "The patches come in the wrong order: the sharp one is the first.",
            ),
            (
                want * 4.0 ** np.arange(n_scale)[:, None, None, None],
                "These are sums over the blocks; take their means.",
            ),
            (
                np.stack(
                    [c[:, :: 2**k, :: 2**k] for k, c in enumerate(crops)]
                ),
                "One pixel of each block is kept; take the mean over all of them.",
            ),
            (
                want / there,
                "The mean over a block leaves out its pixels outside; they count as zeros.",
            ),
            (
                np.broadcast_to(want.mean(axis=1, keepdims=True), want.shape),
                "The means go over the channels, too; keep each by itself.",
            ),
        ):
            if _same(got, value):
                raise Wrong(reason)
    close(got, want)


@check(hidden=True, points=2)
def odd_sizes(answer: Any, rng: np.random.Generator) -> None:
    """Each scale looks for its own nearest crop: with an odd size the wider crops cannot have the
    centre of the first."""
    for size, n_scale in ((3, 3), (1, 4), (5, 2)):
        for _ in range(3):
            image = rng.uniform(1, 2, (2, 30, 36))
            place = rng.uniform(-0.3, 0.3, 2)  # all is inside
            close(
                answer.retina(image, place, size, n_scale),
                _retina(image, place, size, n_scale),
            )


@check(hidden=True)
def price_of_a_look(answer: Any, rng: np.random.Generator) -> None:
    """Each scale of each channel hands on a square of size by size numbers, however wide it was."""
    for _ in range(3):
        size, n_scale, channel = (
            int(rng.integers(5, 30)),
            int(rng.integers(3, 7)),
            int(rng.integers(2, 5)),
        )
        close(
            answer.numbers_read(size, n_scale, channel),
            size * size * n_scale * channel,
        )


@check(hidden=True, points=2)
def reach_from_the_edge(answer: Any, rng: np.random.Generator) -> None:
    """The widest crop must hold the whole image from its very edge too, and no scale may be spared."""
    cases = [
        (int(rng.integers(2, 14)), int(rng.integers(20, 200)))
        for _ in range(4)
    ]
    size = int(rng.integers(3, 9))
    cases += [
        (size, 4 * size),
        (size, 4 * size + 1),
        (2 * size, size),
        (2 * size - 1, size),
    ]
    got = [answer.scales_needed(*case) for case in cases]
    want = [_scales(*case) for case in cases]
    middle = [
        max(1, int(np.ceil(np.log2(width / size) - 1e-9)) + 1)
        for size, width in cases
    ]
    if all(np.shape(one) == () for one in got) and got != want:
        if got == middle:
            raise Wrong(
                "That is enough from the middle. From the edge, half of the crop has to do."
            )
        if got == [one - 1 for one in want]:
            raise Wrong(
                "This is one too few: the first scale, of side size, counts too."
            )
    for one, right in zip(got, want, strict=True):
        close(one, right)


def _scales(size: int, width: int) -> int:
    """By trying: whether the crops at both ends begin and end outside."""
    n_scale = 1
    while True:
        side = size * 2 ** (n_scale - 1)
        first, last = (int(np.floor(at - side / 2 + 0.5)) for at in (0, width))
        if last <= 0 and first + side >= width:
            return n_scale
        n_scale += 1


MUTANTS = {
    "row first": Mutant(
        old="row, column = corner[1] + np.arange(size), corner[0] + np.arange(size)",
        new="row, column = corner[0] + np.arange(size), corner[1] + np.arange(size)",
        falls_by="pieces_of_an_image",
        says="the column comes first",
    ),
    "on its side": Mutant(
        old="    piece = feature[:, row[:, None], column]\n"
        "    return np.where(inside_y[:, None] & inside_x, piece, 0.0)",
        new="    piece = feature[:, row[:, None], column]\n"
        "    whole = np.where(inside_y[:, None] & inside_x, piece, 0.0)\n"
        "    return whole.transpose(0, 2, 1)",
        falls_by="pieces_of_an_image",
        says="on its side",
    ),
    "the border goes on": Mutant(
        old="np.where(inside_y[:, None] & inside_x, piece, 0.0)",
        new="piece",
        falls_by="pieces_of_an_image",
        says="there must be zeros",
    ),
    "beginning again at the other side": Mutant(
        old="    row = np.clip(row, 0, height - 1)\n"
        "    column = np.clip(column, 0, width - 1)\n"
        "    piece = feature[:, row[:, None], column]\n"
        "    return np.where(inside_y[:, None] & inside_x, piece, 0.0)",
        new="    return feature[:, row[:, None] % height, column % width]",
        falls_by="pieces_of_an_image",
        says="there must be zeros",
    ),
    "a margin of one size": Mutant(
        old="    height, width = feature.shape[1:]\n    row, column",
        new="    margin = ((0, 0), (size, size), (size, size))\n"
        "    wide, (x, y) = np.pad(feature, margin), corner + size\n"
        "    if min(x, y) >= 0 and x + size <= wide.shape[2]:\n"
        "        if y + size <= wide.shape[1]:\n"
        "            return wide[:, y : y + size, x : x + size]\n"
        "    raise IndexError\n"
        "    height, width = feature.shape[1:]\n    row, column",
        falls_by="pieces_of_an_image",
        says="IndexError",
    ),
    "place row first": Mutant(
        old="centre = (location + 1) / 2 * np.array([width, height])",
        new="centre = (location[::-1] + 1) / 2 * np.array([width, height])",
        falls_by="places_of_one_patch",
        says="x goes to the right",
    ),
    "width for height": Mutant(
        old="centre = (location + 1) / 2 * np.array([width, height])",
        new="centre = (location + 1) / 2 * np.array([height, width])",
        falls_by="places_of_one_patch",
        says="as long as it is wide",
    ),
    "middles of the outer pixels": Mutant(
        old="centre = (location + 1) / 2 * np.array([width, height])",
        new="centre = (location + 1) / 2 * np.array([width - 1, height - 1]) + 0.5",
        falls_by="places_of_one_patch",
        says="Edges lie at -1 and 1",
    ),
    "place as the corner": Mutant(
        old="np.floor(centre - side / 2 + 0.5)",
        new="np.floor(centre + 0.5)",
        falls_by="places_of_one_patch",
        says="centre of the crop",
    ),
    "the last before the place": Mutant(
        old="np.floor(centre - side / 2 + 0.5)",
        new="np.floor(centre - side / 2)",
        falls_by="places_of_one_patch",
        says="Take the nearest",
    ),
    "half to even": Mutant(
        old="np.floor(centre - side / 2 + 0.5)",
        new="np.rint(centre - side / 2)",
        falls_by="places_of_one_patch",
        says="even number",
    ),
    "sums": Mutant(
        old="blocks.mean(axis=(2, 4))",
        new="blocks.sum(axis=(2, 4))",
        falls_by="means_of_the_scales",
        says="sums over the blocks",
    ),
    "coarse first": Mutant(
        old="return np.stack(patches)",
        new="return np.stack(patches[::-1])",
        falls_by="means_of_the_scales",
        says="wrong order",
    ),
    "one pixel of a block": Mutant(
        old="blocks.mean(axis=(2, 4))",
        new="blocks[:, :, 0, :, 0]",
        falls_by="means_of_the_scales",
        says="One pixel of each block",
    ),
    "mean of what is there": Mutant(
        old="blocks.mean(axis=(2, 4))",
        new="blocks.sum(axis=(2, 4))\n"
        "                       / np.maximum(1, (blocks != 0).sum(axis=(2, 4)))",
        falls_by="means_of_the_scales",
        says="count as zeros",
    ),
    "mean over channels": Mutant(
        old="patches.append(blocks.mean(axis=(2, 4)))",
        new="patches.append(np.tile(blocks.mean(axis=(0, 2, 4)), (channel, 1, 1)))",
        falls_by="means_of_the_scales",
        says="over the channels",
    ),
    "wide crops about the first": Mutant(
        old="corner = np.floor(centre - side / 2 + 0.5).astype(int)",
        new="corner = np.floor(centre - size / 2 + 0.5).astype(int)\n"
        "        corner = corner - (side - size) // 2",
        falls_by="odd_sizes",
        says="its own nearest crop",
    ),
    "price of the widest crop": Mutant(
        old="return n_scale * n_channel * size**2",
        new="return n_channel * (size * 2 ** (n_scale - 1)) ** 2",
        falls_by="price_of_a_look",
        says="however wide it was",
    ),
    "no channels": Mutant(
        old="return n_scale * n_channel * size**2",
        new="return n_scale * size**2",
        falls_by="price_of_a_look",
        says="of each channel",
    ),
    "enough from the middle": Mutant(
        old="< 2 * width",
        new="< width",
        falls_by="reach_from_the_edge",
        says="enough from the middle",
    ),
    "one too few": Mutant(
        old="    return n_scale\n",
        new="    return n_scale - 1\n",
        falls_by="reach_from_the_edge",
        says="one too few",
    ),
    "one where none is missing": Mutant(
        old="< 2 * width",
        new="<= 2 * width",
        falls_by="reach_from_the_edge",
        says="no scale may be spared",
    ),
}
