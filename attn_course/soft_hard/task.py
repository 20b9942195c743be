"""What the chapter's runs look at: photographs in grey, and digits strewn among pieces of digits.

NumPy only: a random generator comes in, arrays go out. Images are float32 in [0, 1].
"""

import numpy as np

from attn_course import data
from attn_course._typing import Array, Float, Int, UInt8

PIECE = 8  # side of a distractor piece, as in Mnih et al. (2014)


def grey(name: str, size: int) -> Float[Array, "size size"]:
    """Photograph `name` in grey, its middle square averaged down to (size, size), in [0, 1]."""
    image = data.photograph(name).mean(axis=-1) / 255
    side = min(image.shape) // size * size
    top, left = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
    square = image[top : top + side, left : left + side]
    blocks = square.reshape(size, side // size, size, side // size)
    return blocks.mean(axis=(1, 3)).astype(np.float32)


def strew(
    rng: np.random.Generator,
    digit: UInt8[Array, "n 28 28"],
    pool: UInt8[Array, "m 28 28"],
    size: int = 60,
    n_piece: int = 4,
) -> tuple[Float[Array, "n size size"], Int[Array, "n 2"]]:
    """Each digit somewhere on a black canvas among pieces of other digits, and where it lies.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the draws.
    digit : (n, 28, 28)
        The digits to be read.
    pool : (m, 28, 28)
        Digits from which the pieces of 8 × 8 pixels are cut.
    size : int
        Side of the canvas, in pixels.
    n_piece : int
        Pieces on each canvas.

    Returns
    -------
    image : (n, size, size)
        Where things overlap the brighter one shows.
    corner : (n, 2)
        (row, column) of the canvas where the first pixel of each digit lies.
    """
    n = len(digit)
    canvas = np.zeros((n, size, size), np.uint8)
    for _ in range(n_piece):
        source = pool[rng.integers(0, len(pool), n)]
        corner = rng.integers(0, 28 - PIECE + 1, (n, 2))
        rows, columns = corner[:, :1] + np.arange(PIECE), corner[:, 1:] + np.arange(PIECE)
        piece = source[np.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]]
        _paste(canvas, piece, rng.integers(0, size - PIECE + 1, (n, 2)))
    place = rng.integers(0, size - 28 + 1, (n, 2))
    _paste(canvas, digit, place)
    return canvas.astype(np.float32) / 255, place


def _paste(canvas: Array, patch: Array, corner: Array) -> None:
    index = (
        np.arange(len(canvas))[:, None, None],
        corner[:, 0, None, None] + np.arange(patch.shape[1])[:, None],
        corner[:, 1, None, None] + np.arange(patch.shape[2]),
    )
    canvas[index] = np.maximum(canvas[index], patch)


# Patches ----------------------------------------------------------------------------------------


def patch_corners(size: int = 60, side: int = 28, stride: int = 8) -> Int[Array, "n_patch 2"]:
    """Corners (row, column) of the patches of a regular grid that lie inside the canvas.

    Parameters
    ----------
    size, side : int
        Sides of the canvas and of a patch, in pixels.
    stride : int
        From a patch to the next one, in pixels.

    Examples
    --------
    >>> patch_corners(60, 28, 16)[:4].tolist()
    [[0, 0], [0, 16], [0, 32], [16, 0]]
    """
    axis = np.arange(0, size - side + 1, stride)
    rows, columns = np.meshgrid(axis, axis, indexing="ij")
    return np.column_stack([rows.ravel(), columns.ravel()])


def coverage(
    digit: UInt8[Array, "n 28 28"],
    corner: Int[Array, "n 2"],
    patch: Int[Array, "n_patch 2"],
    side: int = 28,
) -> Float[Array, "n n_patch"]:
    """Share of each digit's ink that lies inside each patch; what hides behind a piece counts.

    Parameters
    ----------
    digit : (n, 28, 28)
        The digits; a pixel has as much ink as it is bright.
    corner : (n, 2)
        (row, column) of the canvas where the first pixel of each digit lies.
    patch : (n_patch, 2)
        (row, column) of the canvas where each patch begins.
    side : int
        Side of a patch, in pixels.

    Examples
    --------
    >>> digit = np.zeros((1, 28, 28), np.uint8)
    >>> digit[0, 4:24, 14] = 255
    >>> coverage(digit, np.array([[8, 8]]), patch_corners())[0, [0, 5, 6]]
    array([0.8, 1. , 1. ], dtype=float32)
    """
    table = np.zeros((len(digit), 29, 29), np.int32)  # ink above and to the left of each place
    table[:, 1:, 1:] = digit.cumsum(axis=1, dtype=np.int32).cumsum(axis=2)
    first = np.clip(patch - corner[:, None], 0, 28)  # what a patch holds of the digit, in its frame
    last = np.clip(patch - corner[:, None] + side, 0, 28)
    (top, left), (bottom, right) = np.moveaxis(first, -1, 0), np.moveaxis(last, -1, 0)
    which = np.arange(len(digit))[:, None]
    ink = table[which, bottom, right] - table[which, top, right]
    ink += table[which, top, left] - table[which, bottom, left]
    return (ink / np.maximum(table[:, -1:, -1], 1)).astype(np.float32)


def best_patch(
    cover: Float[Array, "n n_patch"], corner: Int[Array, "n 2"], patch: Int[Array, "n_patch 2"]
) -> Int[Array, " n"]:
    """The patch that covers most of each digit; of several that do, the one nearest to it.

    Parameters
    ----------
    cover : (n, n_patch)
        What `coverage` says.
    corner : (n, 2)
        As in `coverage`.
    patch : (n_patch, 2)
        As in `coverage`.
    """
    distance = ((patch - corner[:, None]) ** 2).sum(axis=-1)
    most = cover >= cover.max(axis=1, keepdims=True)
    return np.where(most, distance, distance.max() + 1).argmin(axis=1)
