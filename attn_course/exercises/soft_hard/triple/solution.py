"""The product of three numbers by eight units that add."""

import numpy as np


def weights(scale: float, third: float) -> tuple[np.ndarray, np.ndarray]:
    """Hidden weights (8, 3) and output weights (8,) of the net.

    `third` is the third derivative of the units' function at their bias.
    """
    ### BEGIN SOLUTION
    sign = np.array(
        [
            (p, q, r)
            for p in (1.0, -1.0)
            for q in (1.0, -1.0)
            for r in (1.0, -1.0)
        ]
    )
    return scale * sign, sign.prod(axis=1) / (8 * scale**3 * third)
    ### END SOLUTION


def lost_share(
    factor: np.ndarray, scale: float, third: float, fifth: float
) -> float:
    """Leading relative error at the three numbers `factor`."""
    ### BEGIN SOLUTION
    return float(scale**2 * fifth / third * np.sum(factor**2) / 6)
    ### END SOLUTION


def best_scale(n_factor: int, truncation: float, rounding: float) -> float:
    """Scale with the least truncation * scale^2 + rounding / scale^N."""
    ### BEGIN SOLUTION
    power = 1 / (n_factor + 2)
    return float((n_factor * rounding / (2 * truncation)) ** power)
    ### END SOLUTION
