"""Which constant to subtract from the rewards of a policy."""

import numpy as np


def total_variance(
    score: np.ndarray, reward: np.ndarray, baseline: float
) -> float:
    """Variance of one draw's term, all components together, exactly."""
    ### BEGIN SOLUTION
    p = np.exp(score - score.max())
    p = p / p.sum()
    term = (reward - baseline)[:, None] * (np.eye(len(p)) - p)
    mean = p @ term
    return float(p @ np.sum((term - mean) ** 2, axis=1))
    ### END SOLUTION


def best_baseline(score: np.ndarray, reward: np.ndarray) -> float:
    """The constant at which that variance is smallest."""
    ### BEGIN SOLUTION
    p = np.exp(score - score.max())
    p = p / p.sum()
    weight = p * np.sum((np.eye(len(p)) - p) ** 2, axis=1)
    return float(weight @ reward / weight.sum())
    ### END SOLUTION


def shrinkage(n_draw: int) -> float:
    """Factor of the mean estimate when a draw's own reward is subtracted."""
    ### BEGIN SOLUTION
    return 1 - 1 / n_draw
    ### END SOLUTION


def bad_mean() -> tuple[np.ndarray, np.ndarray]:
    """Scores and rewards where the mean reward is a bad baseline."""
    ### BEGIN SOLUTION
    return np.log([0.9, 0.05, 0.05]), np.array([1.0, -0.1, 0.1])
    ### END SOLUTION
