"""The score of a Gaussian place, and the exact gradient that it estimates."""

from math import erf, sqrt

import numpy as np


def chance_below(x: np.ndarray) -> np.ndarray:
    """The chance that a standard Gaussian is below each x, of x's shape."""
    halves = [(1 + erf(one / sqrt(2))) / 2 for one in np.ravel(x)]
    return np.reshape(halves, np.shape(x))


def mean_score(
    mean: np.ndarray, std: float, location: np.ndarray
) -> np.ndarray:
    """Gradient (d,) of the log-density of a place by the mean."""
    ### BEGIN SOLUTION
    return (location - mean) / std**2
    ### END SOLUTION


def log_std_score(mean: np.ndarray, std: float, location: np.ndarray) -> float:
    """Derivative of the log-density of a place by the logarithm of the std."""
    ### BEGIN SOLUTION
    distance = np.sum((location - mean) ** 2)
    return float(distance / std**2 - len(mean))
    ### END SOLUTION


def exact_gradient(
    mean: np.ndarray, std: float, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, float]:
    """Derivatives of the chance to hit the box, by mean and by log std."""
    ### BEGIN SOLUTION
    a, b = (low - mean) / std, (high - mean) / std
    chance = chance_below(b) - chance_below(a)
    height_a, height_b = (
        np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi) for x in (a, b)
    )
    others = np.array([np.prod(np.delete(chance, k)) for k in range(len(a))])
    by_mean = (height_a - height_b) / std * others
    by_log_std = np.sum((a * height_a - b * height_b) * others)
    return by_mean, float(by_log_std)
    ### END SOLUTION


def estimated_gradient(
    mean: np.ndarray,
    std: float,
    noise: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
) -> tuple[np.ndarray, float]:
    """The same as the draws estimate it, less the pay of the others."""
    ### BEGIN SOLUTION
    place = mean + std * noise
    paid = np.all((place > low) & (place < high), axis=1).astype(float)
    gain = paid - (paid.sum() - paid) / (len(paid) - 1)
    by_mean = np.mean(gain[:, None] * (place - mean) / std**2, axis=0)
    square = np.sum(noise**2, axis=1) - len(mean)
    return by_mean, float(np.mean(gain * square))
    ### END SOLUTION
