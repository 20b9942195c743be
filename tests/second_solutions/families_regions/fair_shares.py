"""The penalty from the rows that count alone; slopes through the scores pair by pair."""

import numpy as np


def missing(weight: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """What each region lacks of one glance, (n_region,)."""
    return 1 - weight[mask].sum(axis=0)


def fairness(weight: np.ndarray, mask: np.ndarray) -> float:
    """Squared length of what is missing."""
    lack = missing(weight, mask)
    return float(lack @ lack)


def weight_slopes(weight: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """One row, given to each step that counts."""
    return np.multiply.outer(mask.astype(float), -2 * missing(weight, mask))


def score_slopes(score: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """What region i gains from region j where a score rises, summed over j."""
    weight = np.zeros(score.shape)
    for step in np.flatnonzero(mask):
        raised = np.exp(score[step] - score[step].max())
        weight[step] = raised / raised.sum()
    slope = -2 * missing(weight, mask)
    differences = slope[:, None] - slope
    return weight * (weight @ differences.T)


def least(n_step: int, n_region: int) -> float:
    """Every region gets the same number of glances."""
    return n_region * (1 - n_step / n_region) ** 2
