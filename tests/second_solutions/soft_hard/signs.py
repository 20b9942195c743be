"""Threshold units by filling in a table from the bottom up; two points whose sum is zero."""

import numpy as np


def units(n: int) -> dict[str, np.ndarray | float]:
    """Go through the values that the sum can take and put a jump between neighbours."""
    total = np.arange(-n, n + 1, 2)
    product = (-1.0) ** ((n - total) // 2)
    return {
        "threshold": (total[1:] + total[:-1]) / 2,
        "out": np.diff(product),
        "bias": float(product[0]),
    }


def same_sum(n: int) -> np.ndarray:
    """All zeros, and numbers of which none is zero but their sum."""
    other = np.array([2.0, -1.0, -1.0][: 3 * (n % 2)] + [1.0, -1.0] * ((n - 3 * (n % 2)) // 2))
    return np.stack([np.zeros(n), other])
