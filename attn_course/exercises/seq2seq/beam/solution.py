"""Beam search in a model that is a table."""

import numpy as np


def widen(
    log_probability: np.ndarray, total: np.ndarray, n_keep: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Best continuations (n_keep,) each: total, origin, token."""
    ### BEGIN SOLUTION
    sums = (log_probability + total[:, None]).reshape(-1)
    chosen = (-sums).argsort(kind="stable")[:n_keep]
    origin, token = np.divmod(chosen, log_probability.shape[1])
    return sums[chosen], origin, token
    ### END SOLUTION


def beam(
    table: np.ndarray, start: int, end: int, n_beam: int
) -> tuple[np.ndarray, np.ndarray]:
    """Sequences (n_found, n_step), and their totals (n_found,)."""
    ### BEGIN SOLUTION
    path, total = np.full((1, 1), start), np.zeros(1)
    over = np.full(table.shape[1], -np.inf)
    over[end] = 0.0
    for t, now in enumerate(table):
        ended = (path[:, -1] == end) & (t > 0)
        after = np.where(ended[:, None], over, now[path[:, -1]])
        n_keep = min(n_beam, int(np.isfinite(after).sum()))
        total, origin, token = widen(after, total, n_keep)
        path = np.column_stack([path[origin], token])
    return path[:, 1:], total
    ### END SOLUTION


def reranked(
    token: np.ndarray, total: np.ndarray, end: int, power: float
) -> np.ndarray:
    """Indices (n_found,) in falling order of total / length**power."""
    ### BEGIN SOLUTION
    before_end = (token == end).cumsum(axis=1) == 0
    length = np.minimum(before_end.sum(axis=1) + 1, token.shape[1])
    return np.argsort(-(total / length**power), kind="stable")
    ### END SOLUTION


def trap(width: int) -> np.ndarray:
    """A table on which a beam of this width misses the best sequence."""
    ### BEGIN SOLUTION
    n_token = 2 * width + 12
    first, then = np.full((2, n_token, n_token), 1e-6)
    first[:, 1 : width + 1] = 1.2
    first[:, width + 1] = 1.0
    then[:] = 1.0
    then[width + 1, 1] = 1e4
    chance = np.stack([first, then])
    return np.log(chance / chance.sum(axis=2, keepdims=True))
    ### END SOLUTION
