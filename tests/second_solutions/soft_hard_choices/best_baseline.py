"""The best constant by weights in logarithms; the variance as a mean squared distance."""

import numpy as np


def log_policy(score: np.ndarray) -> np.ndarray:
    """Logarithms of the probabilities."""
    return score - np.logaddexp.reduce(score)


def total_variance(score: np.ndarray, reward: np.ndarray, baseline: float) -> float:
    """Mean squared distance of the terms, one a row, from their mean."""
    p = np.exp(log_policy(score))
    term = (reward - baseline)[:, None] * (np.eye(len(p)) - p)
    return float(p @ np.square(term - p @ term).sum(axis=1))


def best_baseline(score: np.ndarray, reward: np.ndarray) -> float:
    """Weights p_i q_i with q_i = (sum of the others)^2 + sum of the others' squares."""
    log_p = log_policy(score)
    log_weight = np.empty(len(log_p))
    for i in range(len(log_p)):
        other = np.delete(log_p, i)
        log_weight[i] = log_p[i] + np.logaddexp(
            2 * np.logaddexp.reduce(other), np.logaddexp.reduce(2 * other)
        )
    return float(np.exp(log_policy(log_weight)) @ reward)


def shrinkage(n_draw: int) -> float:
    """The own reward stays with what is left after its share in the mean is taken off."""
    return 1.0 - 1.0 / n_draw


def bad_mean() -> tuple[np.ndarray, np.ndarray]:
    """Three rare items that pay well and nearly alike, and a common one that costs."""
    return np.log([0.02, 0.94, 0.02, 0.02]), np.array([0.9, -0.9, 0.8, 0.7])
