"""Concat and additive by sums over columns; the disguise by changing places."""

import numpy as np


def paired_score(query: np.ndarray, key: np.ndarray, w: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Every pair written out as a row of a long matrix."""
    pairs = np.hstack([np.repeat(query, len(key), axis=0), np.tile(key, (len(query), 1))])
    return (np.tanh(pairs @ w.T) @ v).reshape(len(query), len(key))


def parted(w: np.ndarray, d_query: int) -> tuple[np.ndarray, np.ndarray]:
    """The columns that meet the query, and those that meet the key."""
    w_query, w_key = np.split(w, [d_query], axis=1)
    return w_query, w_key


def joined(w_query: np.ndarray, w_key: np.ndarray) -> np.ndarray:
    """Side by side."""
    return np.vstack([w_query.T, w_key.T]).T


def disguised(w: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each unit moves to the next one's place; a single one turns round."""
    if len(v) == 1:
        return -w, -v
    order = np.arange(len(v)) - 1
    return w[order], v[order]


def multiplications(
    n_query: int, n_key: int, d_query: int, d_key: int, d_score: int
) -> tuple[int, int]:
    """Each unit of the score takes the same number."""
    both = n_query * n_key
    pairwise = both * (d_query + d_key + 1)
    apart = n_query * d_query + n_key * d_key + both
    return d_score * pairwise, d_score * apart
