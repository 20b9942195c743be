"""Pulled in at the border: three stretches of the draw, each with nodes of its own."""

from math import erfc, exp, pi, sqrt

import numpy as np


def _height(x: float) -> float:
    """Standard normal density."""
    return exp(-(x**2) / 2) / sqrt(2 * pi)


def _below(x: float) -> float:
    """Standard normal distribution function."""
    return erfc(-x / sqrt(2)) / 2


def mean_beyond(distance: float, std: float) -> float:
    """Mean of how far a draw lies beyond a border `distance` away, zero where it does not."""
    z = distance / std
    return std * _height(z) - distance * _below(-z)


def border_push(mean: float, std: float, gain: float) -> float:
    """Clipping takes from l - mu, whose mean is zero, what lies beyond either border."""
    return gain * (mean_beyond(1 + mean, std) - mean_beyond(1 - mean, std)) / std**2


def by_quadrature(mean: float, std: float, level: float, slope: float, clip_first: bool) -> float:
    """Gauss-Legendre between the borders and beyond either, where nothing has a kink."""
    node, weight = np.polynomial.legendre.leggauss(200)
    ends = np.clip([-14.0, (-1 - mean) / std, (1 - mean) / std, 14.0], -14, 14)
    total = 0.0
    for left, right in zip(ends[:-1], ends[1:], strict=True):
        noise = (left + right) / 2 + (right - left) / 2 * node
        place = mean + std * noise
        looked = np.minimum(np.maximum(place, -1), 1)
        term = (level + slope * looked) * ((looked if clip_first else place) - mean) / std**2
        density = np.exp(-(noise**2) / 2) / sqrt(2 * pi)
        total += (right - left) / 2 * float(weight @ (term * density))
    return total


def right_slope(mean: float, std: float, slope: float) -> float:
    """The line's slope times the share of draws that lie inside."""
    return slope * (1 - _below((-1 - mean) / std) - _below((mean - 1) / std))


def place_estimate(mean: float, std: float, noise: np.ndarray, level: float, slope: float) -> float:
    """Mean of gain times noise, over the std."""
    looked = np.minimum(np.maximum(mean + std * noise, -1), 1)
    return float(noise @ (level + slope * looked) / (len(noise) * std))


def hazard(z: float) -> float:
    """Density over tail, by a continued fraction where both are tiny."""
    if z < 10:
        return _height(z) / _below(-z)
    fraction = z
    for k in range(60, 0, -1):
        fraction = z + k / fraction
    return fraction


def atom_score(mean: float, std: float, looked: np.ndarray) -> np.ndarray:
    """Outward at a border, by how likely a draw beyond becomes; as always between."""
    found = (looked - mean) / std**2
    for border in (-1.0, 1.0):
        out = border * hazard((1 - border * mean) / std) / std
        found = np.where(looked == border, out, found)
    return found
