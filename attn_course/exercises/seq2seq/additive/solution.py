"""Additive attention of a decoder to the annotations of a source."""

import numpy as np


def alignment(
    query: np.ndarray,
    annotation: np.ndarray,
    w_query: np.ndarray,
    w_key: np.ndarray,
    v: np.ndarray,
) -> np.ndarray:
    """Scores (n_query, n_key) of queries and annotations."""
    ### BEGIN SOLUTION
    asked = (query @ w_query.T)[:, None]
    offered = (annotation @ w_key.T)[None]
    return np.tanh(asked + offered) @ v
    ### END SOLUTION


def allowed_weight(score: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Weights (n_query, n_key) over the keys that each query may see."""
    ### BEGIN SOLUTION
    may = np.broadcast_to(mask, score.shape)
    open_score = np.where(may, score, -np.inf)
    top = open_score.max(axis=1, keepdims=True)
    bell = np.exp(open_score - np.where(np.isinf(top), 0.0, top))
    total = bell.sum(axis=1, keepdims=True)
    return bell / np.where(total == 0, 1.0, total)
    ### END SOLUTION


def look_back(
    query: np.ndarray,
    annotation: np.ndarray,
    mask: np.ndarray,
    w_query: np.ndarray,
    w_key: np.ndarray,
    v: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Contexts (n_query, d_annotation) and weights (n_query, n_key)."""
    ### BEGIN SOLUTION
    any_query = mask.any(axis=0, keepdims=True)
    clean = np.where(any_query.T, annotation, 0.0)
    score = alignment(query, clean, w_query, w_key, v)
    weight = allowed_weight(score, mask)
    return weight @ clean, weight
    ### END SOLUTION
