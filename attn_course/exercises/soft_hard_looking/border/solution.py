"""The score function where a place is pulled in, before or after."""

from math import erfc, exp, pi, sqrt

import numpy as np


def _height(x: float) -> float:
    """Standard normal density."""
    return exp(-(x**2) / 2) / sqrt(2 * pi)


def _below(x: float) -> float:
    """Standard normal distribution function, accurate in its left tail."""
    return erfc(-x / sqrt(2)) / 2


def border_push(mean: float, std: float, gain: float) -> float:
    """Expected estimate if one clips first and every place pays the same."""
    ### BEGIN SOLUTION
    left, right = (-1 - mean) / std, (1 - mean) / std
    beyond = (1 - mean) * _below(-right) - (1 + mean) * _below(left)
    inside = std * (_height(left) - _height(right))
    return gain * (inside + beyond) / std**2
    ### END SOLUTION


def by_quadrature(
    mean: float, std: float, level: float, slope: float, clip_first: bool
) -> float:
    """Expected estimate by quadrature; the gain is level + slope * place."""
    ### BEGIN SOLUTION
    noise = np.linspace(-9, 9, 180_001)
    height = np.exp(-(noise**2) / 2) / np.sqrt(2 * np.pi)
    drawn = mean + std * noise
    clipped = np.clip(drawn, -1, 1)
    scored = clipped if clip_first else drawn
    term = (level + slope * clipped) * (scored - mean) / std**2
    return float(np.sum(height * term) * (noise[1] - noise[0]))
    ### END SOLUTION


def right_slope(mean: float, std: float, slope: float) -> float:
    """Derivative of the expected gain by the mean, in closed form."""
    ### BEGIN SOLUTION
    left, right = (-1 - mean) / std, (1 - mean) / std
    return slope * (_below(right) - _below(left))
    ### END SOLUTION


def place_estimate(
    mean: float, std: float, noise: np.ndarray, level: float, slope: float
) -> float:
    """The same as draws estimate it, in the right order."""
    ### BEGIN SOLUTION
    drawn = mean + std * noise
    gain = level + slope * np.clip(drawn, -1, 1)
    return float(np.mean(gain * (drawn - mean)) / std**2)
    ### END SOLUTION


def atom_score(mean: float, std: float, looked: np.ndarray) -> np.ndarray:
    """The score of the place that was looked at, atoms at the border."""
    ### BEGIN SOLUTION
    score = (looked - mean) / std**2
    left, right = (-1 - mean) / std, (1 - mean) / std
    if (looked >= 1).any():  # else the lump may be no number's worth
        at_right = _height(right) / (std * _below(-right))
        score = np.where(looked >= 1, at_right, score)
    if (looked <= -1).any():
        at_left = -_height(left) / (std * _below(left))
        score = np.where(looked <= -1, at_left, score)
    return np.asarray(score)
    ### END SOLUTION
