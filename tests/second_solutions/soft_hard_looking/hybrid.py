"""The hybrid loss as a sum over steps; its slopes by vectors of everything that is moved."""

import numpy as np


def log_density(offset: np.ndarray, std: float) -> np.ndarray:
    """Log-density (n_step,) of places that lie this far from their means."""
    return -np.square(offset / std).sum(axis=-1) / 2 - 2 * np.log(std) - np.log(2 * np.pi)


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
    """Term by term."""
    reading = np.logaddexp.reduce(score) - score[label]
    looking = (held - reward) @ log_density(location - mean, std)
    expecting = np.linalg.norm(baseline - reward) ** 2
    return float(reading + looking + expecting)


def reward_of(score: np.ndarray, label: int) -> float:
    """One if no score is above the label's."""
    return float(score[label] >= score.max())


def hybrid_slopes(
    score: np.ndarray,
    label: int,
    location: np.ndarray,
    mean: np.ndarray,
    std: float,
    baseline: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """By the formulas."""
    by_score = np.exp(score - np.logaddexp.reduce(score))
    by_score[label] -= 1
    lack = baseline - reward_of(score, label)
    return by_score, lack[:, None] * (location - mean) / std**2, lack + lack


def numeric_slopes(
    score: np.ndarray,
    label: int,
    location: np.ndarray,
    mean: np.ndarray,
    std: float,
    baseline: np.ndarray,
    step: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One input after the other, one number of it after the other."""
    reward = reward_of(score, label)
    before = {"score": score, "mean": mean, "baseline": baseline}

    def loss(name: str, place: tuple[int, ...], shift: float) -> float:
        moved = {key: np.array(value, dtype=float) for key, value in before.items()}
        moved[name][place] += shift
        return surrogate(
            moved["score"],
            label,
            location,
            moved["mean"],
            std,
            moved["baseline"],
            reward,
            baseline,
        )

    found = []
    for name, value in before.items():
        slope = np.zeros(value.shape)
        for place in np.ndindex(value.shape):
            slope[place] = (loss(name, place, step) - loss(name, place, -step)) / (2 * step)
        found.append(slope)
    return found[0], found[1], found[2]


def leaky_slopes(
    noise: np.ndarray,
    std: float,
    baseline: np.ndarray,
    reward: float,
    gain_held: bool,
    place_held: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Start from what is right; a place that moves along takes the mean's slope away."""
    lack = baseline - reward
    by_mean = np.outer(lack, np.full(2, 1 / std)) * noise * int(place_held)
    by_baseline = 2 * lack
    if not gain_held:
        by_baseline = by_baseline + log_density(std * noise, std)
    return by_mean, by_baseline


def resting_offset(std: float) -> float:
    """Half the entropy of the policy, with its sign turned round twice."""
    entropy = np.log(2 * np.pi * np.e * std**2)
    return float(entropy / 2)
