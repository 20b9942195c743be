"""IBM Model 1 of pairs of sentences, and how wrong its links are."""

import numpy as np

Pair = tuple[list[int], list[int]]  # Spanish words from 1, English from 0


def shares(t: np.ndarray, source: list[int], target: list[int]) -> np.ndarray:
    """Who each English word came from (n, m + 1), the empty word first."""
    ### BEGIN SOLUTION
    return _divided(_meant(t, source, target))
    ### END SOLUTION


def new_table(t: np.ndarray, pairs: list[Pair]) -> np.ndarray:
    """The table (n_spanish + 1, n_english) after one round."""
    ### BEGIN SOLUTION
    count = np.zeros(t.shape)
    for source, target in pairs:
        given = _divided(_meant(t, source, target))
        np.add.at(count, np.ix_([0, *source], target), given.T)
    served = count.sum(axis=1, keepdims=True) > 0
    return np.where(served, _divided(count), t)
    ### END SOLUTION


def log_likelihood(t: np.ndarray, pairs: list[Pair]) -> float:
    """Natural logarithm of the chance of all English sentences."""
    ### BEGIN SOLUTION
    chances = [_meant(t, *pair).mean(axis=1) for pair in pairs]
    return float(np.log(np.concatenate([[1.0], *chances])).sum())
    ### END SOLUTION


def best_links(
    t: np.ndarray, source: list[int], target: list[int]
) -> np.ndarray:
    """True (n, m) where an English word is linked to a Spanish one."""
    ### BEGIN SOLUTION
    column = _meant(t, source, target).argmax(axis=1)
    return column[:, None] == np.arange(1, len(source) + 1)
    ### END SOLUTION


def alignment_error(
    claimed: list[np.ndarray],
    sure: list[np.ndarray],
    possible: list[np.ndarray],
) -> float:
    """Error rate of the links that are claimed, of all pairs together."""
    ### BEGIN SOLUTION
    a, s, p = (_flat(side) for side in (claimed, sure, possible))
    if not (a | s).any():
        return 0.0
    found = np.sum(a & s) + np.sum(a & p)
    return float(1 - found / (a.sum() + s.sum()))
    ### END SOLUTION


### BEGIN SOLUTION
def _meant(t: np.ndarray, source: list[int], target: list[int]) -> np.ndarray:
    """The t of each target word under the empty and each source word."""
    return t[np.ix_([0, *source], target)].T


def _divided(row: np.ndarray) -> np.ndarray:
    """Rows that sum to one, but for rows of zeros."""
    total = row.sum(axis=1, keepdims=True)
    return np.divide(row, total, out=np.zeros(row.shape), where=total > 0)


def _flat(side: list[np.ndarray]) -> np.ndarray:
    """The places of all pairs in a row."""
    return np.concatenate([np.zeros(0, dtype=bool), *map(np.ravel, side)])


### INSTEAD
# # What your functions share may stand here.
### END SOLUTION
