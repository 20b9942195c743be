"""Products of signs by threshold units, and why this ends with the signs."""

import numpy as np


def units(n: int) -> dict[str, np.ndarray | float]:
    """Threshold units on a sum of signs that give the product of the signs.

    Returns "threshold" and "out", arrays of one length, and "bias".
    """
    ### BEGIN SOLUTION
    first = (-1.0) ** n
    return {
        "threshold": np.arange(-n + 1.0, n, 2.0),
        "out": -2 * first * (-1.0) ** np.arange(n),
        "bias": first,
    }
    ### END SOLUTION


def same_sum(n: int) -> np.ndarray:
    """Two points (2, n) in [-2, 2] with one sum and two products."""
    ### BEGIN SOLUTION
    points = np.ones((2, n))
    points[1, :2] = 2, 0
    return points
    ### END SOLUTION
