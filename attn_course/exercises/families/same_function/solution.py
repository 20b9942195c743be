"""The concat score and the additive score are one function."""

import numpy as np


def paired_score(
    query: np.ndarray, key: np.ndarray, w: np.ndarray, v: np.ndarray
) -> np.ndarray:
    """Concat scores (n_query, n_key): v . tanh(W [q; k])."""
    ### BEGIN SOLUTION
    n_query, n_key = len(query), len(key)
    first = np.repeat(query, n_key, axis=0)
    second = np.tile(key, (n_query, 1))
    pair = np.concatenate([first, second], axis=1)
    return (np.tanh(pair @ w.T) @ v).reshape(n_query, n_key)
    ### END SOLUTION


def parted(w: np.ndarray, d_query: int) -> tuple[np.ndarray, np.ndarray]:
    """The query's matrix and the key's, from the one for both."""
    ### BEGIN SOLUTION
    return w[:, :d_query], w[:, d_query:]
    ### END SOLUTION


def joined(w_query: np.ndarray, w_key: np.ndarray) -> np.ndarray:
    """The matrix (d_score, d_query + d_key) for both, from two."""
    ### BEGIN SOLUTION
    return np.concatenate([w_query, w_key], axis=1)
    ### END SOLUTION


def disguised(w: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Other weights with the same scores."""
    ### BEGIN SOLUTION
    return -w, -v
    ### END SOLUTION


def multiplications(
    n_query: int, n_key: int, d_query: int, d_key: int, d_score: int
) -> tuple[int, int]:
    """Products of two numbers: pair by pair, and in parts."""
    ### BEGIN SOLUTION
    weighed = n_query * n_key * d_score
    by_pair = n_query * n_key * d_score * (d_query + d_key)
    in_parts = d_score * (n_query * d_query + n_key * d_key)
    return by_pair + weighed, in_parts + weighed
    ### END SOLUTION
