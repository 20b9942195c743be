"""Masked attention with what is not allowed moved out of the way first."""

import numpy as np


def masked_softmax(score: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Logarithms of sums over what is allowed; where there is none, nothing."""
    whole = np.broadcast_to(mask, score.shape)
    weight = np.zeros(score.shape)
    total = np.logaddexp.reduce(score, axis=-1, where=whole, initial=-np.inf, keepdims=True)
    # A sum of logarithms of 1e30 is rounded, and the row is then divided by its own sum once more.
    np.exp(np.where(whole, score, 0.0) - total, out=weight, where=whole)
    again = weight.sum(axis=-1, keepdims=True)
    return np.divide(weight, again, out=np.zeros(score.shape), where=again > 0)


def _for_each_query(value: np.ndarray, mask: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    n_query = shape[-2]
    copies = np.repeat(np.expand_dims(value, -3), n_query, axis=-3)
    copies[~np.broadcast_to(mask, shape)] = 0.0
    return copies


def context(score: np.ndarray, value: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """One small product a query."""
    row = np.expand_dims(masked_softmax(score, mask), -2)
    return (row @ _for_each_query(value, mask, score.shape))[..., 0, :]


def slope_by_score(
    score: np.ndarray, value: np.ndarray, mask: np.ndarray, upstream: np.ndarray
) -> np.ndarray:
    """Each key by what its value brings beyond the context."""
    weight = masked_softmax(score, mask)
    beyond = _for_each_query(value, mask, score.shape)
    beyond = beyond - np.expand_dims(context(score, value, mask), -2)
    return weight * (beyond @ upstream[..., None])[..., 0]
