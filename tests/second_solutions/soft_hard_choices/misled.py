"""Everything by enumeration over the draws, a row each; the resting place from two equations."""

import numpy as np


def policy(score: np.ndarray) -> np.ndarray:
    """The softmax."""
    return np.exp(score - np.logaddexp.reduce(score))


def exact_slope(score: np.ndarray, value: np.ndarray, target: float) -> np.ndarray:
    """Each reward times its score function, weighed by how often it comes."""
    p = policy(score)
    reward = -np.square(value - target)
    return (p * reward) @ (np.eye(len(p)) - p)


def passed(score: np.ndarray, value: np.ndarray, target: float) -> np.ndarray:
    """What each draw passes on: its slope through the softmax's Jacobian, one a row."""
    p = policy(score)
    slope = np.outer(-2 * (value - target), value)
    return slope @ (np.diag(p) - np.outer(p, p))


def passed_slope(score: np.ndarray, value: np.ndarray, target: float) -> np.ndarray:
    """Mean of the rows."""
    return policy(score) @ passed(score, value, target)


def passed_variance(score: np.ndarray, value: np.ndarray, target: float) -> float:
    """Mean squared distance of the rows from their mean."""
    far = passed(score, value, target) - passed_slope(score, value, target)
    return float(policy(score) @ np.square(far).sum(axis=1))


def bad_rest(value: np.ndarray, target: float) -> np.ndarray:
    """The items between have 0.01 each; the outer two follow from the sum and from the mean."""
    p = np.full(len(value), 0.01)
    between = p[1:-1]
    outer = np.stack([np.ones(2), value[[0, -1]] - target])
    wanted = [1 - between.sum(), -between @ (value[1:-1] - target)]
    p[[0, -1]] = np.linalg.solve(outer, wanted)
    return p
