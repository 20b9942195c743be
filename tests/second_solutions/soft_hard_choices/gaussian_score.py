"""Scores of a Gaussian by standardised distances, the box by signed corners of an interval."""

from math import erf, exp, inf, pi, sqrt

import numpy as np


def mean_score(mean: np.ndarray, std: float, location: np.ndarray) -> np.ndarray:
    """Standardised distance, once more over the std."""
    return (location - mean) / std / std


def log_std_score(mean: np.ndarray, std: float, location: np.ndarray) -> float:
    """One square less one, for each axis."""
    return float(sum(((x - m) / std) ** 2 - 1 for x, m in zip(location, mean, strict=True)))


def bell(x: float) -> float:
    """Density of a standard Gaussian."""
    return exp(-x * x / 2) / sqrt(2 * pi)


def exact_gradient(
    mean: np.ndarray, std: float, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, float]:
    """Grow the product axis by axis, with its derivatives, by the rule of products."""
    chance, by_mean, by_log_std = 1.0, np.zeros(len(mean)), 0.0
    for k in range(len(mean)):
        factor = slope = stretch = 0.0
        for sign, edge in ((1, float(high[k])), (-1, float(low[k]))):
            x = (edge - float(mean[k])) / std
            factor += sign * erf(x / sqrt(2)) / 2
            slope -= sign * bell(x) / std
            stretch -= sign * x * bell(x) if abs(x) < inf else 0.0
        by_log_std = by_log_std * factor + chance * stretch
        by_mean = by_mean * factor
        by_mean[k] = chance * slope
        chance *= factor
    return by_mean, by_log_std


def estimated_gradient(
    mean: np.ndarray,
    std: float,
    noise: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
) -> tuple[np.ndarray, float]:
    """One draw after the other; a draw's gain is n/(n-1) of its distance from the mean pay."""
    n_draw = len(noise)
    place = mean + std * noise
    paid = [float(((low < one) & (one < high)).all()) for one in place]
    by_mean, by_log_std = np.zeros(len(mean)), 0.0
    for one, own in zip(place, paid, strict=True):
        gain = (own - sum(paid) / n_draw) / (n_draw - 1)
        by_mean = by_mean + gain * mean_score(mean, std, one)
        by_log_std += gain * log_std_score(mean, std, one)
    return by_mean, by_log_std
