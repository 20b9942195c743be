"""Variances by conditioning on the query: what the keys add, and what the query adds."""

import numpy as np


def score_variance(
    mean_query: np.ndarray, var_query: np.ndarray, mean_key: np.ndarray, var_key: np.ndarray
) -> float:
    """Mean of the variance for a given query, and variance of the mean for a given query."""
    given = (mean_query**2 + var_query) @ var_key
    between = var_query @ mean_key**2
    return float(given + between)


def unit_factor(
    mean_query: np.ndarray, var_query: np.ndarray, mean_key: np.ndarray, var_key: np.ndarray
) -> float:
    """One over the std."""
    return score_variance(mean_query, var_query, mean_key, var_key) ** -0.5


def gap_variance(
    mean_query: np.ndarray, var_query: np.ndarray, mean_key: np.ndarray, var_key: np.ndarray
) -> float:
    """The score's variance with a key of mean zero that varies twice as much."""
    return score_variance(mean_query, var_query, np.zeros_like(mean_key), var_key + var_key)


def additive_variance(inner: np.ndarray, std_v: float) -> float:
    """Squared length of the units' values in stds of v."""
    return float(np.linalg.norm(std_v * np.tanh(inner)) ** 2)


def safe_std(d_score: int) -> float:
    """All units at their ends."""
    return float(d_score) ** -0.5
