"""The slopes of a softmax, by its scores and by its temperature."""

import numpy as np


def weights(score: np.ndarray, temperature: float) -> np.ndarray:
    """Softmax of the scores (n,) at a temperature: (n,)."""
    ### BEGIN SOLUTION
    below = (score - np.max(score)) / temperature
    share = np.exp(below)
    return share / share.sum()
    ### END SOLUTION


def jacobian(score: np.ndarray, temperature: float) -> np.ndarray:
    """Slopes of weight i by score j: (n, n)."""
    ### BEGIN SOLUTION
    share = weights(score, temperature)
    bracket = np.eye(len(share)) - share
    return share[:, None] * bracket / temperature
    ### END SOLUTION


def pulled_back(
    score: np.ndarray, upstream: np.ndarray, temperature: float
) -> np.ndarray:
    """Slopes (n,) of a loss by the scores, given those by the weights."""
    ### BEGIN SOLUTION
    share = weights(score, temperature)
    average = np.dot(share, upstream)
    return share * (upstream - average) / temperature
    ### END SOLUTION


def by_temperature(score: np.ndarray, temperature: float) -> np.ndarray:
    """Slopes (n,) of the weights by the temperature."""
    ### BEGIN SOLUTION
    share = weights(score, temperature)
    centred = score - np.dot(share, score)
    return -share * centred / temperature**2
    ### END SOLUTION
