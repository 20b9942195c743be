"""Masks by other means: two exponentials, a running mean, positions instead of booleans."""

import numpy as np


def sigmoid_glimpse(feature: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Exponentials of negative numbers only: whichever of e^s and e^-s is the smaller."""
    small = np.exp(-np.abs(score))
    return feature * np.where(score < 0, small, 1.0) / (1 + small)


def context(value: np.ndarray, score: np.ndarray) -> np.ndarray:
    """A running mean of the rows: each new item takes its share of all weight so far."""
    mean, log_weight = np.zeros(value.shape[1]), -np.inf
    for row, log_new in zip(value, score, strict=True):
        log_weight = np.logaddexp(log_weight, log_new)
        mean = mean + np.exp(log_new - log_weight) * (row - mean)
    return mean


def hard_glimpse(feature: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The features at the positions of True."""
    return np.take(feature, np.flatnonzero(mask))


def put_back(glimpse: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """A column of the identity for each number of the glimpse."""
    return np.eye(len(mask))[:, np.flatnonzero(mask)] @ glimpse
