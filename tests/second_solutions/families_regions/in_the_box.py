"""Word by word and no masking: only what is there is read. No table over word and two pictures.

The strangers' maps are averaged before anyone looks into the box, and the leads are added up over
the words of each pair of pictures before any row of `order` is opened.
"""

from collections.abc import Iterable

import numpy as np


def pieces(start: float, length: float, n: int, size: float) -> list[float]:
    """What the interval has of each of `n` units: the grid's lines are pushed into it."""
    line = np.arange(n + 1.0).clip(start / size, (start + length) / size)
    return np.diff(line).tolist()


def covered(box: np.ndarray, n_row: int, n_column: int, size: float) -> np.ndarray:
    """A list of products, the column running fastest."""
    x, y, width, height = (float(number) for number in box)
    across = pieces(x, width, n_column, size)
    down = pieces(y, height, n_row, size)
    return np.array([tall * wide for tall in down for wide in across])


def words(mask: np.ndarray) -> list[tuple[int, int]]:
    """Picture and number of all words that there are."""
    return [(int(p), int(w)) for p, w in np.argwhere(mask)]


def givers(weight: np.ndarray, mask: np.ndarray) -> list[list[int]]:
    """For each number of a word the pictures that have a map to lend."""
    lists = [[] for _ in range(mask.shape[1])]
    for p, w in words(mask):
        if weight[p, w].any():
            lists[w].append(p)
    return lists


def share_inside(weight: np.ndarray, cover: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """A map of zeros needs no case of its own."""
    result = np.zeros(mask.shape)
    for at in words(mask):
        result[at] = weight[at] @ cover[at]
    return result


def share_expected(cover: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The box's part of the picture."""
    result = np.zeros(mask.shape)
    for at in words(mask):
        result[at] = cover[at].sum() / cover[at].size
    return result


def share_of_strangers(weight: np.ndarray, cover: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """How much of the strangers' mean map lies in the box."""
    result = np.zeros(mask.shape)
    lenders = givers(weight, mask)
    for p, w in words(mask):
        others = [q for q in lenders[w] if q != p]
        if others:
            result[p, w] = weight[others, w].mean(axis=0) @ cover[p, w]
    return result


def permutation_p(
    weight: np.ndarray, cover: np.ndarray, mask: np.ndarray, order: np.ndarray
) -> float:
    """Two square tables of pictures: what is gained over an even map, and in how many words."""
    n_picture = len(mask)
    gain, scored = np.zeros((2, n_picture, n_picture))
    lenders = givers(weight, mask)
    for p, w in words(mask):
        above_even = cover[p, w] - cover[p, w].mean()  # a map sums to one
        for q in lenders[w]:
            gain[p, q] += weight[q, w] @ above_even
            scored[p, q] += 1

    def lead(row: Iterable[int]) -> float:
        pairs = list(zip(range(n_picture), row, strict=True))
        count = sum(scored[pair] for pair in pairs)
        return sum(gain[pair] for pair in pairs) / count if count else 0.0

    to_beat = lead(range(n_picture))
    as_good = sum(lead(row) > to_beat - 1e-9 for row in order)
    return float((1 + as_good) / (1 + len(order)))
