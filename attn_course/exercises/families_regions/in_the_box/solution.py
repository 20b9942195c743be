"""How much of a map lies in a box, and how much would by chance."""

import numpy as np


def covered(
    box: np.ndarray, n_row: int, n_column: int, size: float
) -> np.ndarray:
    """Share (n_region,) of each region that lies in the box."""
    ### BEGIN SOLUTION
    x, y, width, height = box
    across = _overlap(x, width, n_column, size)
    down = _overlap(y, height, n_row, size)
    return np.outer(down, across).ravel()
    ### END SOLUTION


def share_inside(
    weight: np.ndarray, cover: np.ndarray, mask: np.ndarray
) -> np.ndarray:
    """Weight (n_picture, n_word) of each map in the box of its word."""
    ### BEGIN SOLUTION
    inside = np.sum(weight * cover, axis=-1)
    return np.where(mask, inside, 0.0)
    ### END SOLUTION


def share_expected(cover: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Weight (n_picture, n_word) that an even map has in each box."""
    ### BEGIN SOLUTION
    even = np.mean(cover, axis=-1)
    return np.where(mask, even, 0.0)
    ### END SOLUTION


def share_of_strangers(
    weight: np.ndarray, cover: np.ndarray, mask: np.ndarray
) -> np.ndarray:
    """Mean weight (n_picture, n_word) of others' maps in each box."""
    ### BEGIN SOLUTION
    share, both = _of_all_pairs(weight, cover, mask)
    stranger = both & ~np.eye(len(mask), dtype=bool)[..., None]
    n_stranger = stranger.sum(axis=1)
    total = np.where(stranger, share, 0.0).sum(axis=1)
    return total / np.maximum(n_stranger, 1)
    ### END SOLUTION


def permutation_p(
    weight: np.ndarray, cover: np.ndarray, mask: np.ndarray, order: np.ndarray
) -> float:
    """How often shuffled maps lead as far as those where they belong."""
    ### BEGIN SOLUTION
    share, both = _of_all_pairs(weight, cover, mask)
    lead = share - share_expected(cover, mask)[:, None]
    own = np.arange(len(mask))
    true = _mean_of_given(lead, both, own)
    found = [_mean_of_given(lead, both, given) for given in order]
    n_above = sum(one > true - 1e-9 for one in found)
    return (1 + n_above) / (1 + len(order))
    ### END SOLUTION


### BEGIN SOLUTION
def _overlap(
    start: float, length: float, n_place: int, size: float
) -> np.ndarray:
    """Share of each of n_place intervals that another one covers."""
    edge = size * np.arange(n_place)
    end = start + length
    shared = np.minimum(end, edge + size) - np.maximum(start, edge)
    return np.maximum(shared, 0) / size


def _of_all_pairs(
    weight: np.ndarray, cover: np.ndarray, mask: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Weight of each map in each box, and whether there are both.

    The axes: picture of the box, picture of the map, word.
    """
    weight = np.where(mask[..., None], weight, 0.0)
    cover = np.where(mask[..., None], cover, 0.0)
    looked = weight.any(axis=-1)
    share = np.einsum("pwr,qwr->pqw", cover, weight)
    return share, mask[:, None] & looked


def _mean_of_given(
    lead: np.ndarray, both: np.ndarray, given: np.ndarray
) -> float:
    """Mean lead of the maps of the pictures that are given to each."""
    box = np.arange(len(given))
    scored = both[box, given]
    return lead[box, given][scored].sum() / max(scored.sum(), 1)


### INSTEAD
# # What your functions share may stand here.
### END SOLUTION
