"""A window on a line, descended free or tied, each number with averages of its own."""

from functools import cache
from typing import Any

import numpy as np

N_PIXEL, N_FILTER, N_STEP = 64, 12, 150
HALF = (N_FILTER - 1) / 2
TIE = 0.75
RATE = np.array([1.0, 0.03, 0.03])
DISTANCES = (3.0, 6.0, 9.0, 12.0, 15.0)
N_TRIAL = 20


def line(seed: int) -> np.ndarray:
    """A line (N_PIXEL,) to search: a random walk of mean 0 and standard deviation 1."""
    walk = np.cumsum(np.random.default_rng(seed).standard_normal(N_PIXEL))
    return (walk - walk.mean()) / walk.std()


def starts(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The trials of a seed: target (20, 2) and start (20, 2) as mean, stride; distance (20,)."""
    rng = np.random.default_rng([seed, 1])
    distance = np.repeat(DISTANCES, N_TRIAL // len(DISTANCES))
    stride = np.exp(rng.uniform(-0.2, 0.2, N_TRIAL))
    move = distance * rng.choice([-1, 1], N_TRIAL)
    low = np.maximum(HALF, HALF * stride - move)
    high = N_PIXEL - 1 - np.maximum(HALF, HALF * stride + move)
    centre = rng.uniform(low, high)
    target = np.column_stack([centre - HALF, np.ones(N_TRIAL)])
    return target, np.column_stack([centre + move - HALF * stride, stride]), distance


def weights(window: np.ndarray) -> np.ndarray:
    """Filters (n, N_FILTER, N_PIXEL), rows summing to one, of windows (n, 3): mean, stride, std."""
    mean, stride, std = (window[:, k, None] for k in range(3))
    centre = mean + stride * np.arange(N_FILTER)
    score = -(((np.arange(N_PIXEL) - centre[..., None]) / std[..., None]) ** 2) / 2
    bell = np.exp(score - score.max(axis=-1, keepdims=True))
    return bell / bell.sum(axis=-1, keepdims=True)


def prediction() -> dict[str, float]:
    """A guess."""
    return dict.fromkeys(("free", "tied"), 0.5)


def slope(line: np.ndarray, window: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Backwards from the loss, filter by filter: to the scores, then to what moves them."""
    mean, stride, std = window.T[:, :, None]
    by = np.zeros(window.shape)
    weight = weights(window)
    for i in range(N_FILTER):
        away = (np.arange(N_PIXEL) - mean - i * stride) / std
        reading = weight[:, i] @ line
        error = 2 * (reading - wanted[:, i]) / N_FILTER
        # ds/dmu_i = away / std and ds/dlog(std) = away^2; the softmax takes their mean off
        by_score = error[:, None] * weight[:, i] * (line - reading[:, None])
        by_centre = (by_score * away).sum(axis=1) / std[:, 0]
        by += np.stack([by_centre, i * stride[:, 0] * by_centre, (by_score * away**2).sum(1)], 1)
    return by


def descend(
    line: np.ndarray, start: np.ndarray, target: np.ndarray, tied: bool, n_step: int = N_STEP
) -> np.ndarray:
    """Adam on two numbers if tied and on three if free."""

    def window_of(place: list[np.ndarray]) -> np.ndarray:
        stride = np.exp(place[1])
        return np.stack([place[0], stride, TIE * stride if tied else np.exp(place[2])], axis=1)

    wanted = weights(np.stack([*target.T, TIE * target[:, 1]], axis=1)) @ line
    place = [start[:, 0].astype(float), np.log(start[:, 1])]
    if not tied:
        place.append(np.log(start[:, 1]) + np.log(TIE))
    average = [np.zeros(len(start)) for _ in place]
    square = [np.zeros(len(start)) for _ in place]
    for t in range(n_step):
        steep = list(slope(line, window_of(place), wanted).T)
        if tied:
            steep = [steep[0], steep[1] + steep[2]]
        for k, one in enumerate(steep):
            average[k] = 0.9 * average[k] + 0.1 * one
            square[k] = 0.999 * square[k] + 0.001 * one * one
            straight = average[k] / (1 - 0.9 ** (t + 1))
            size = np.sqrt(square[k] / (1 - 0.999 ** (t + 1))) + 1e-8
            place[k] = place[k] - RATE[k] * (1 - t / n_step) * straight / size
    return window_of(place)


def found(end: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Near in place and in stride, one window after the other."""
    return np.array(
        [
            abs(mean + HALF * stride - (aim + HALF * wide)) < 1 and abs(stride / wide - 1) < 0.05
            for (mean, stride, _), (aim, wide) in zip(end, target, strict=True)
        ]
    )


@cache
def record() -> dict[str, Any]:
    """Three seeds, the two arms one after the other."""
    trials = []
    for arm in ("free", "tied"):
        for seed in (101, 102, 103):
            target, start, _ = starts(seed)
            hits = found(descend(line(seed), start, target, arm == "tied"), target)
            trials += [
                {"arm": arm, "seed": seed, "trial": row, "found": bool(hit)}
                for row, hit in enumerate(hits)
            ]
    share = {
        arm: sum(one["found"] for one in trials if one["arm"] == arm) / (len(trials) / 2)
        for arm in ("free", "tied")
    }
    return {"trials": trials, "share": share}
