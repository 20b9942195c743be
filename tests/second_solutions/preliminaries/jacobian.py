"""The slopes of a softmax from pairs of scores."""

import numpy as np


def weights(score: np.ndarray, temperature: float) -> np.ndarray:
    """One over the sum of all ratios, through logarithms of sums."""
    scaled = score / temperature
    total = np.logaddexp.reduce(scaled)
    return np.exp(scaled - total)


def jacobian(score: np.ndarray, temperature: float) -> np.ndarray:
    """Each pair of weights trades what the product of the two allows."""
    alpha = weights(score, temperature)
    trade = np.outer(alpha, alpha)
    np.fill_diagonal(trade, 0.0)
    return (np.diag(trade.sum(axis=0)) - trade) / temperature


def pulled_back(score: np.ndarray, upstream: np.ndarray, temperature: float) -> np.ndarray:
    """The weighted gradient, less the weights' share of its total."""
    gain = weights(score, temperature) * upstream
    return (gain - gain.sum() * weights(score, temperature)) / temperature


def by_temperature(score: np.ndarray, temperature: float) -> np.ndarray:
    """A change of temperature is a change of all scores in proportion to themselves."""
    return pulled_back(score, -(score - score.max()) / temperature, temperature)
