"""A window descends on a line, its std free or tied to its stride."""

from functools import cache
from typing import Any

import numpy as np

N_PIXEL, N_FILTER, N_STEP = 64, 12, 150
HALF = (N_FILTER - 1) / 2  # from the first Gaussian to the centre, in strides
TIE = 0.75  # std over stride: of a target, of a start, of the tied arm
RATE = np.array([1.0, 0.03, 0.03])  # of mean, log stride and log std
DISTANCES = (3.0, 6.0, 9.0, 12.0, 15.0)  # centre to centre, in pixels
N_TRIAL = 20  # four for every distance


def line(seed: int) -> np.ndarray:
    """A line (N_PIXEL,) to search: a random walk of mean 0 and std 1."""
    walk = np.cumsum(np.random.default_rng(seed).standard_normal(N_PIXEL))
    return (walk - walk.mean()) / walk.std()


def starts(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A seed's targets and starts, (20, 2) each, and distances (20,)."""
    rng = np.random.default_rng([seed, 1])
    distance = np.repeat(DISTANCES, N_TRIAL // len(DISTANCES))
    stride = np.exp(rng.uniform(-0.2, 0.2, N_TRIAL))
    move = distance * rng.choice([-1, 1], N_TRIAL)
    # Both windows lie on the line.
    low = np.maximum(HALF, HALF * stride - move)
    high = N_PIXEL - 1 - np.maximum(HALF, HALF * stride + move)
    centre = rng.uniform(low, high)
    target = np.column_stack([centre - HALF, np.ones(N_TRIAL)])
    start = np.column_stack([centre + move - HALF * stride, stride])
    return target, start, distance


def weights(window: np.ndarray) -> np.ndarray:
    """Filters (n, N_FILTER, N_PIXEL) of windows (n, 3): mean, stride, std."""
    mean, stride, std = (window[:, k, None] for k in range(3))
    centre = mean + stride * np.arange(N_FILTER)
    away = np.arange(N_PIXEL) - centre[..., None]
    score = -((away / std[..., None]) ** 2) / 2
    bell = np.exp(score - score.max(axis=-1, keepdims=True))
    return bell / bell.sum(axis=-1, keepdims=True)


def prediction() -> dict[str, float]:
    """The share of windows that you expect to arrive in each arm."""
    ### BEGIN SOLUTION
    return {"free": 0.6, "tied": 0.5}
    ### END SOLUTION


def slope(
    line: np.ndarray, window: np.ndarray, wanted: np.ndarray
) -> np.ndarray:
    """Slopes (n, 3) of the loss by mean, log stride and log std."""
    ### BEGIN SOLUTION
    mean, stride, std = (window[:, k, None] for k in range(3))
    number = np.arange(N_FILTER)
    away = np.arange(N_PIXEL) - (mean + stride * number)[..., None]
    weight = weights(window)
    reading = weight @ line

    def covariance(value: np.ndarray) -> np.ndarray:
        part = weight * value
        return part @ line - part.sum(axis=-1) * reading

    by_reading = 2 * (reading - wanted) / N_FILTER
    by_centre = by_reading * covariance(away) / std**2
    by_mean = by_centre.sum(axis=-1)
    by_log_stride = (by_centre * number * stride).sum(axis=-1)
    by_log_std = (by_reading * covariance(away**2) / std**2).sum(axis=-1)
    return np.column_stack([by_mean, by_log_stride, by_log_std])
    ### END SOLUTION


def descend(
    line: np.ndarray,
    start: np.ndarray,
    target: np.ndarray,
    tied: bool,
    n_step: int = N_STEP,
) -> np.ndarray:
    """Windows (n, 3), mean, stride, std, after `n_step` steps."""
    ### BEGIN SOLUTION
    wanted = weights(np.column_stack([target, TIE * target[:, 1]])) @ line
    mean, stride = start.T
    place = np.column_stack([mean, np.log(stride), np.log(TIE * stride)])
    first, second = np.zeros_like(place), np.zeros_like(place)
    for t in range(n_step):
        window = np.column_stack([place[:, 0], np.exp(place[:, 1:])])
        by = slope(line, window, wanted)
        if tied:  # one parameter moves both, so their slopes add
            by[:, 1] += by[:, 2]
        first = 0.9 * first + 0.1 * by
        second = 0.999 * second + 0.001 * by**2
        up = first / (1 - 0.9 ** (t + 1))
        size = np.sqrt(second / (1 - 0.999 ** (t + 1))) + 1e-8
        place = place - RATE * (1 - t / n_step) * up / size
        if tied:
            place[:, 2] = np.log(TIE) + place[:, 1]
    return np.column_stack([place[:, 0], np.exp(place[:, 1:])])
    ### END SOLUTION


def found(end: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Which windows (n, 3) have arrived at their targets (n, 2): (n,)."""
    ### BEGIN SOLUTION
    off = end[:, :2] - target
    miss = off[:, 0] + HALF * off[:, 1]
    return (np.abs(miss) < 1) & (np.abs(off[:, 1] / target[:, 1]) < 0.05)
    ### END SOLUTION


@cache  # run once, however often it is asked for
def record() -> dict[str, Any]:
    """What was run and what came of it: `trials`, and `share` by arm."""
    ### BEGIN SOLUTION
    trials: list[dict[str, Any]] = []
    for seed in (1, 2, 3):
        target, start, _ = starts(seed)
        for arm in ("free", "tied"):
            end = descend(line(seed), start, target, arm == "tied")
            for number, arrived in enumerate(found(end, target)):
                one = {"arm": arm, "seed": seed, "trial": number}
                trials.append(one | {"found": bool(arrived)})
    share = {}
    for arm in ("free", "tied"):
        outcomes = [one["found"] for one in trials if one["arm"] == arm]
        share[arm] = float(np.mean(outcomes))
    return {"trials": trials, "share": share}
    ### END SOLUTION
