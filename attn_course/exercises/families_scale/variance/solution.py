"""How far scores scatter, and how far a softmax sees them scatter."""

import numpy as np


def score_variance(
    mean_query: np.ndarray,
    var_query: np.ndarray,
    mean_key: np.ndarray,
    var_key: np.ndarray,
) -> float:
    """Variance of q . k, from means and variances (d_key,)."""
    ### BEGIN SOLUTION
    both = np.sum(var_query * var_key)
    by_query = np.sum(var_query * mean_key**2)
    by_key = np.sum(mean_query**2 * var_key)
    return float(both + by_query + by_key)
    ### END SOLUTION


def unit_factor(
    mean_query: np.ndarray,
    var_query: np.ndarray,
    mean_key: np.ndarray,
    var_key: np.ndarray,
) -> float:
    """What to multiply q . k by, so that its variance is one."""
    ### BEGIN SOLUTION
    spread = score_variance(mean_query, var_query, mean_key, var_key)
    return float(1 / np.sqrt(spread))
    ### END SOLUTION


def gap_variance(
    mean_query: np.ndarray,
    var_query: np.ndarray,
    mean_key: np.ndarray,
    var_key: np.ndarray,
) -> float:
    """Variance of q . k - q . k' for one query and two keys."""
    ### BEGIN SOLUTION
    square = var_query + mean_query**2
    return float(2 * np.sum(square * var_key))
    ### END SOLUTION


def additive_variance(inner: np.ndarray, std_v: float) -> float:
    """Variance of v . tanh(inner) over draws of v; inner (d_score,)."""
    ### BEGIN SOLUTION
    return float(std_v**2 * np.sum(np.tanh(inner) ** 2))
    ### END SOLUTION


def safe_std(d_score: int) -> float:
    """Largest std of v for which that variance is never above one."""
    ### BEGIN SOLUTION
    return d_score**-0.5
    ### END SOLUTION
