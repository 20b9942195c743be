"""A penalty on unequal shares, and where it pushes."""

import numpy as np


def fairness(weight: np.ndarray, mask: np.ndarray) -> float:
    """Squared distances of the regions' total shares from one, summed."""
    ### BEGIN SOLUTION
    share = np.where(mask[:, None], weight, 0.0).sum(axis=0)
    return float(np.sum((1 - share) ** 2))
    ### END SOLUTION


def weight_slopes(weight: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Slopes (n_step, n_region) of the penalty by the weights."""
    ### BEGIN SOLUTION
    share = np.where(mask[:, None], weight, 0.0).sum(axis=0)
    return np.where(mask[:, None], 2 * (share - 1), 0.0)
    ### END SOLUTION


def score_slopes(score: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Slopes (n_step, n_region) of the penalty by the scores."""
    ### BEGIN SOLUTION
    level = np.where(mask[:, None], score, 0.0)
    glance = np.exp(level - level.max(axis=1, keepdims=True))
    glance = glance / glance.sum(axis=1, keepdims=True)
    push = weight_slopes(glance, mask)
    mean = np.sum(glance * push, axis=1, keepdims=True)
    return glance * (push - mean)
    ### END SOLUTION


def least(n_step: int, n_region: int) -> float:
    """Smallest value of the penalty if each step has one glance to give."""
    ### BEGIN SOLUTION
    return (n_region - n_step) ** 2 / n_region
    ### END SOLUTION
