"""Slopes of a loss whose value means nothing, by hand and by differences."""

import numpy as np


def surrogate(
    score: np.ndarray,
    label: int,
    location: np.ndarray,
    mean: np.ndarray,
    std: float,
    baseline: np.ndarray,
    reward: float,
    held: np.ndarray,
) -> float:
    """The loss, with what is to be held fixed handed in as numbers."""
    ### BEGIN SOLUTION
    top = score.max()
    answer = top + np.log(np.sum(np.exp(score - top))) - score[label]
    square = np.sum((location - mean) ** 2, axis=1)
    log_prob = -square / (2 * std**2) - np.log(2 * np.pi * std**2)
    gain = reward - held
    return float(answer - gain @ log_prob + np.sum((reward - baseline) ** 2))
    ### END SOLUTION


def hybrid_slopes(
    score: np.ndarray,
    label: int,
    location: np.ndarray,
    mean: np.ndarray,
    std: float,
    baseline: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What training follows: slopes by score, mean and baseline."""
    ### BEGIN SOLUTION
    bell = np.exp(score - score.max())
    by_score = bell / bell.sum()
    by_score[label] -= 1
    gain = float(score.argmax() == label) - baseline
    by_mean = -gain[:, None] * (location - mean) / std**2
    return by_score, by_mean, -2 * gain
    ### END SOLUTION


def numeric_slopes(
    score: np.ndarray,
    label: int,
    location: np.ndarray,
    mean: np.ndarray,
    std: float,
    baseline: np.ndarray,
    step: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same three from central differences of the surrogate."""
    ### BEGIN SOLUTION
    reward = float(score.argmax() == label)
    inputs = score, mean, baseline
    found = tuple(np.zeros(one.shape) for one in inputs)
    for which, slope in enumerate(found):
        for place in np.ndindex(slope.shape):
            for way in (1, -1):
                s, m, b = (one.copy() for one in inputs)
                (s, m, b)[which][place] += way * step
                loss = surrogate(
                    s, label, location, m, std, b, reward, baseline
                )
                slope[place] += way * loss / (2 * step)
    return found[0], found[1], found[2]
    ### END SOLUTION


def leaky_slopes(
    noise: np.ndarray,
    std: float,
    baseline: np.ndarray,
    reward: float,
    gain_held: bool,
    place_held: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Slopes by mean and baseline where one forgot to hold something."""
    ### BEGIN SOLUTION
    gain = np.subtract(reward, baseline)
    by_mean = np.zeros(noise.shape)
    if place_held:
        by_mean = -gain[:, None] * noise / std
    by_baseline = -2 * gain
    if not gain_held:
        square = np.sum(noise**2, axis=1)
        log_prob = -square / 2 - np.log(2 * np.pi * std**2)
        by_baseline = by_baseline + log_prob
    return by_mean, by_baseline
    ### END SOLUTION


def resting_offset(std: float) -> float:
    """How far above the mean reward a leaky baseline comes to rest."""
    ### BEGIN SOLUTION
    return float((1 + np.log(2 * np.pi * std**2)) / 2)
    ### END SOLUTION
