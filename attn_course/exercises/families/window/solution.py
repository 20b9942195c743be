"""A window round a position, the bell in it, and the position's slope."""

import numpy as np


def reached(position: np.ndarray, n_key: int, radius: int) -> np.ndarray:
    """Which keys lie in the window of each query: bool (n_query, n_key)."""
    ### BEGIN SOLUTION
    away = np.arange(n_key) - position[:, None]
    return np.abs(away) <= radius
    ### END SOLUTION


def softened(
    score: np.ndarray, position: np.ndarray, radius: int
) -> np.ndarray:
    """Weights (n_query, n_key): softmax over the window, times the bell."""
    ### BEGIN SOLUTION
    n_key = score.shape[1]
    near = reached(position, n_key, radius)
    level = np.where(near, score, -np.inf)
    top = np.where(near.any(axis=1), level.max(axis=1), 0.0)
    share = np.exp(level - top[:, None])
    share = share / np.maximum(share.sum(axis=1, keepdims=True), 1e-300)
    away = np.arange(n_key) - position[:, None]
    return share * np.exp(-(away**2) / (2 * (radius / 2) ** 2))
    ### END SOLUTION


def by_position(
    score: np.ndarray, position: np.ndarray, radius: int
) -> np.ndarray:
    """Slopes (n_query, n_key) of the weights by their query's position."""
    ### BEGIN SOLUTION
    away = np.arange(score.shape[1]) - position[:, None]
    return softened(score, position, radius) * away / (radius / 2) ** 2
    ### END SOLUTION
