"""A window by its first and last place, and each query's keys taken out of the row."""

import numpy as np


def reached(position: np.ndarray, n_key: int, radius: int) -> np.ndarray:
    """Between the first whole number that is near enough and the last."""
    first, last = np.ceil(position - radius), np.floor(position + radius)
    place = np.arange(n_key)
    return (first[:, None] <= place) & (place <= last[:, None])


def softened(score: np.ndarray, position: np.ndarray, radius: int) -> np.ndarray:
    """One query at a time, with no more than what is in its window."""
    n_key = score.shape[1]
    weight = np.zeros(score.shape)
    for row, inside in enumerate(reached(position, n_key, radius)):
        (place,) = np.nonzero(inside)
        if place.size:
            own = score[row, place]
            share = np.exp(own - own.max())
            bell = np.exp(-2 * ((place - position[row]) / radius) ** 2)
            weight[row, place] = share * bell / share.sum()
    return weight


def by_position(score: np.ndarray, position: np.ndarray, radius: int) -> np.ndarray:
    """The logarithm of a weight has the slope 4 u / D^2."""
    distance = np.subtract.outer(position, np.arange(score.shape[1]))
    return -4 / radius**2 * distance * softened(score, position, radius)
