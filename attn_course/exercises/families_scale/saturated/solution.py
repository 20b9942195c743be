"""How much a softmax still moves when its scores do."""

import numpy as np


def slope_norm(score: np.ndarray, temperature: float) -> float:
    """Frobenius norm of the softmax's Jacobian by the scores (n_key,)."""
    ### BEGIN SOLUTION
    part = np.exp((score - np.max(score)) / temperature)
    share = part / part.sum()
    apart = ~np.eye(len(share), dtype=bool)
    others = np.where(apart, share, 0.0).sum(axis=1)
    entry = share[:, None] * np.where(apart, share, others[:, None])
    largest = entry.max()
    if largest < 1e-300:
        return 0.0
    length = np.sqrt(np.sum((entry / largest) ** 2))
    return float(length * largest / temperature)
    ### END SOLUTION


def two_keys(gap: float, temperature: float) -> float:
    """The same for two keys whose scores are a gap apart."""
    ### BEGIN SOLUTION
    less = np.exp(-gap / temperature)
    return float(2 * less / (1 + less) ** 2 / temperature)
    ### END SOLUTION


def best_temperature(gap: float) -> float:
    """Temperature at which two keys a gap apart move most."""
    ### BEGIN SOLUTION
    low, high = 0.0, 2.0
    for _ in range(100):
        x = (low + high) / 2
        if 2 * x * np.tanh(x) < 1:
            low = x
        else:
            high = x
    return float(gap / (2 * x))
    ### END SOLUTION


def at_width(unit_score: np.ndarray, d_key: float) -> float:
    """Norm of the Jacobian by z of the weights softmax(sqrt(d_key) z)."""
    ### BEGIN SOLUTION
    root = np.sqrt(d_key)
    below = unit_score - np.max(unit_score)
    return float(root * slope_norm(root * below, 1.0))
    ### END SOLUTION
