"""Means and errors from sums of squares about the mean, slopes from counts."""

import numpy as np


def mean_and_error(sample: np.ndarray) -> tuple[float, float]:
    """The first draw is taken off, so that nothing large is squared."""
    n = len(sample)
    away = sample - sample[0]
    centred = away - away.sum() / n
    error = np.sqrt((centred**2).sum() / (n * (n - 1)))
    return float(sample[0] + away.sum() / n), float(error)


def draws_needed(sample: np.ndarray, error: float) -> int:
    """From the error that the pilot's own mean has."""
    pilot = mean_and_error(sample)[1]
    exact = len(sample) * (pilot / error) ** 2
    whole = round(exact)
    if abs(exact - whole) > 1e-9 * exact:
        whole = int(exact) + 1
    return max(whole, 1)


def _probabilities(score: np.ndarray) -> np.ndarray:
    return 1 / np.exp(score[None, :] - score[:, None]).sum(axis=1)


def exact_slope(score: np.ndarray, reward: np.ndarray) -> np.ndarray:
    """What each pair of choices trades."""
    p = _probabilities(score)
    gain = reward[:, None] - reward[None, :]
    return (p[:, None] * p[None, :] * gain).sum(axis=1)


def sampled_slope(
    score: np.ndarray, choice: np.ndarray, reward: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Column by column, each a sample of its own."""
    p = _probabilities(score)
    pairs = [mean_and_error(reward * ((choice == j) - p[j])) for j in range(len(score))]
    mean, error = np.array(pairs).T
    return mean, error
