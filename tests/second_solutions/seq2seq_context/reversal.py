"""Places found one by one; the gain as a quotient of two hyperbolic sines."""

from math import log, sinh

import numpy as np


def distances(letter: np.ndarray, order: np.ndarray) -> np.ndarray:
    """The place of each letter in a dictionary."""
    place = {int(one): p for p, one in enumerate(order)}
    return np.array([len(order) - place[int(one)] + i for i, one in enumerate(letter)], dtype=int)


def share_left(letter: np.ndarray, order: np.ndarray, keep: float) -> float:
    """The mean over words."""
    found = distances(letter, order)
    return sum(keep ** int(d) for d in found) / len(found)


def best_order(letter: np.ndarray) -> np.ndarray:
    """What is needed first is read last."""
    return np.array([int(one) for one in reversed(letter)], dtype=int)


def turned_gain(n: int, keep: float) -> float:
    """(q^-n - q^n) / (q^-1 - q) / n."""
    rate = -log(keep)
    return sinh(n * rate) / sinh(rate) / n
