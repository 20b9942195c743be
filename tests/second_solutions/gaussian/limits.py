"""What one Gaussian filter reads at the ends of its scale, by cases."""

import math

import numpy as np


def narrow(line: np.ndarray, mean: float) -> float:
    """Reading in the limit of std to zero: the border, a pixel, or two that share."""
    last = len(line) - 1
    if mean <= 0:
        return float(line[0])
    if mean >= last:
        return float(line[last])
    below = math.floor(mean)
    rest = mean - below
    if rest == 0.5:
        return (float(line[below]) + float(line[below + 1])) / 2
    return float(line[below + int(rest > 0.5)])


def wide(line: np.ndarray) -> float:
    """Reading in the limit of std to infinity: every pixel counts alike."""
    total = 0.0
    for pixel in line:
        total += float(pixel) / line.size
    return total


def far(line: np.ndarray, side: str, rule: str) -> float:
    """Reading of a filter that has left for ever: a border pixel, or nothing."""
    return {"left": line[0], "right": line[-1]}[side] * {"exact": 1.0, "source": 0.0}[rule]
