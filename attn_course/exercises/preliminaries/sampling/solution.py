"""Means of draws, their errors, and the slope of an expectation."""

import numpy as np


def mean_and_error(sample: np.ndarray) -> tuple[float, float]:
    """Mean of draws (n_draw,), and its standard error."""
    ### BEGIN SOLUTION
    spread = sample.std(ddof=1)
    return float(sample.mean()), float(spread / np.sqrt(len(sample)))
    ### END SOLUTION


def draws_needed(sample: np.ndarray, error: float) -> int:
    """The smallest number of draws whose mean has at most this error."""
    ### BEGIN SOLUTION
    count = sample.var(ddof=1) / error**2
    return max(1, int(np.ceil(count * (1 - 1e-9))))
    ### END SOLUTION


def exact_slope(score: np.ndarray, reward: np.ndarray) -> np.ndarray:
    """Slope (n,) of the expected reward by the scores."""
    ### BEGIN SOLUTION
    bell = np.exp(score - score.max())
    share = bell / bell.sum()
    advantage = reward - share @ reward
    return share * advantage
    ### END SOLUTION


def sampled_slope(
    score: np.ndarray, choice: np.ndarray, reward: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mean (n,) of reward times slope of the log-probability, and error."""
    ### BEGIN SOLUTION
    bell = np.exp(score - score.max())
    share = bell / bell.sum()
    direction = np.eye(len(score))[choice] - share
    draw = reward[:, None] * direction
    return draw.mean(axis=0), draw.std(axis=0, ddof=1) / np.sqrt(len(draw))
    ### END SOLUTION
