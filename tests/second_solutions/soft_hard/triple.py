"""The weights by solving equations, the error from the fifth power written out."""

from itertools import product
from math import factorial

import numpy as np


def weights(scale: float, third: float) -> tuple[np.ndarray, np.ndarray]:
    """Solve for what each monomial without squares must sum to: nothing, but for x1 x2 x3."""
    sign = np.array(list(product([1.0, -1.0], repeat=3)))
    subsets = np.array(list(product([0, 1], repeat=3)))
    monomial = np.stack([np.prod(sign**subset, axis=1) for subset in subsets])
    wanted = np.zeros(8)
    wanted[-1] = 1 / (third * scale**3)  # 3!/3! is 1
    return scale * sign, np.linalg.solve(monomial, wanted)


def lost_share(factor: np.ndarray, scale: float, third: float, fifth: float) -> float:
    """Exponents (3, 1, 1) in their three orders, over the exponents (1, 1, 1)."""
    lead = third * scale**3 / factorial(3) * factorial(3)
    share = sum(
        fifth * scale**5 / factorial(5) * factorial(5) / factorial(3) * x**2 for x in factor
    )
    return float(share / lead)


def best_scale(n_factor: int, truncation: float, rounding: float) -> float:
    """Where 2 A s^2 = N B / s^N, by logarithms."""
    ratio = np.log(n_factor) + np.log(rounding) - np.log(2) - np.log(truncation)
    return float(np.exp(ratio / (n_factor + 2)))
