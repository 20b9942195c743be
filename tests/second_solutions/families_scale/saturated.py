"""All in logarithms: entries of the Jacobian are added up as exponents."""

import math

import numpy as np


def slope_norm(score: np.ndarray, temperature: float) -> float:
    """Log of each entry's size, their largest taken out of the root of the sum of squares."""
    far = (np.asarray(score, dtype=float) - np.max(score)) / temperature
    log_weight = far - np.logaddexp.reduce(far)
    log_entry = np.add.outer(log_weight, log_weight)
    for i in range(len(far)):
        others = np.delete(log_weight, i)
        log_entry[i, i] = log_weight[i] + np.logaddexp.reduce(others, initial=-np.inf)
    top = log_entry.max()
    if top == -np.inf:
        return 0.0
    size = np.sqrt(np.exp(2 * (log_entry - top)).sum())
    return float(np.exp(top) * size / temperature)


def two_keys(gap: float, temperature: float) -> float:
    """Two over T, times e over the square of 1 + e, with e the ratio of the two weights."""
    ratio = math.exp(-gap / temperature)
    return 2 * ratio / (1 + ratio) ** 2 / temperature


def best_temperature(gap: float) -> float:
    """Newton's method on 2 x tanh x = 1."""
    x = 1.0
    for _ in range(20):
        bend = math.tanh(x)
        x -= (2 * x * bend - 1) / (2 * bend + 2 * x * (1 - bend**2))
    return gap / x / 2


def at_width(unit_score: np.ndarray, d_key: float) -> float:
    """A width is a temperature, the chain rule's factor included."""
    return slope_norm(unit_score, d_key**-0.5)
