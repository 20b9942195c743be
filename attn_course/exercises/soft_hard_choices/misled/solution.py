"""Where straight-through leads, and where it comes to rest."""

import numpy as np


def exact_slope(
    score: np.ndarray, value: np.ndarray, target: float
) -> np.ndarray:
    """Gradient (n,) of the expectation by the scores, by enumeration."""
    ### BEGIN SOLUTION
    p = np.exp(score - score.max())
    p = p / p.sum()
    reward = -((value - target) ** 2)
    return p * (reward - p @ reward)
    ### END SOLUTION


def passed_slope(
    score: np.ndarray, value: np.ndarray, target: float
) -> np.ndarray:
    """Mean (n,) of what straight-through passes on, exactly."""
    ### BEGIN SOLUTION
    p = np.exp(score - score.max())
    p = p / p.sum()
    slope = -2 * (p @ value - target) * value
    return p * (slope - p @ slope)
    ### END SOLUTION


def passed_variance(
    score: np.ndarray, value: np.ndarray, target: float
) -> float:
    """Variance of what it passes on, all components together, exactly."""
    ### BEGIN SOLUTION
    p = np.exp(score - score.max())
    p = p / p.sum()
    slope = -2 * (value - target)[:, None] * value
    passed = p * (slope - (slope @ p)[:, None])
    return float(p @ np.sum((passed - p @ passed) ** 2, axis=1))
    ### END SOLUTION


def bad_rest(value: np.ndarray, target: float) -> np.ndarray:
    """Probabilities (n,) where it rests, far from the best there is."""
    ### BEGIN SOLUTION
    p = np.full(len(value), 0.01)
    left = 1 - p.sum()
    mean = (target - p @ value) / left  # of what is left
    last = (mean - value[0]) / (value[-1] - value[0])
    p[0] += left * (1 - last)
    p[-1] += left * last
    return p
    ### END SOLUTION
