"""Masks: independent, summing to one, and hard."""

import numpy as np


def sigmoid_glimpse(feature: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Features (n,) times a sigmoid mask made of scores (n,)."""
    ### BEGIN SOLUTION
    return (1 + np.tanh(score / 2)) / 2 * feature
    ### END SOLUTION


def context(value: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Sum (d,) of the rows of values (n, d) under a softmax mask."""
    ### BEGIN SOLUTION
    weight = np.exp(score - score.max())
    return weight / weight.sum() @ value
    ### END SOLUTION


def hard_glimpse(feature: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The chosen features (n_chosen,) under a boolean mask (n,)."""
    ### BEGIN SOLUTION
    return feature[mask]
    ### END SOLUTION


def put_back(glimpse: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Array (n,) with a hard glimpse in its old places, zero elsewhere."""
    ### BEGIN SOLUTION
    whole = np.zeros(len(mask))
    whole[mask] = glimpse
    return whole
    ### END SOLUTION
