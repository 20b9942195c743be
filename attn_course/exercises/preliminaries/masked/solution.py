"""Masked attention in which no query hears of what it may not see."""

import numpy as np


def masked_softmax(score: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Weights over the keys that a query may see: (..., n_query, n_key)."""
    ### BEGIN SOLUTION
    allowed = np.where(mask, score, -np.inf)
    top = allowed.max(axis=-1, keepdims=True)
    bell = np.exp(allowed - np.where(top > -np.inf, top, 0.0))
    total = bell.sum(axis=-1, keepdims=True)
    return bell / np.where(total > 0, total, 1.0)
    ### END SOLUTION


def context(
    score: np.ndarray, value: np.ndarray, mask: np.ndarray
) -> np.ndarray:
    """Values summed under the weights: (..., n_query, d_value)."""
    ### BEGIN SOLUTION
    own = np.broadcast_to(mask, score.shape)[..., None]
    visible = np.where(own, value[..., None, :, :], 0.0)
    share = masked_softmax(score, mask)
    return np.einsum("...qk,...qkd->...qd", share, visible)
    ### END SOLUTION


def slope_by_score(
    score: np.ndarray,
    value: np.ndarray,
    mask: np.ndarray,
    upstream: np.ndarray,
) -> np.ndarray:
    """Slopes of the loss by the scores: (..., n_query, n_key)."""
    ### BEGIN SOLUTION
    own = np.broadcast_to(mask, score.shape)[..., None]
    visible = np.where(own, value[..., None, :, :], 0.0)
    share = masked_softmax(score, mask)
    gain = np.einsum("...qd,...qkd->...qk", upstream, visible)
    usual = (share * gain).sum(axis=-1, keepdims=True)
    return share * (gain - usual)
    ### END SOLUTION
