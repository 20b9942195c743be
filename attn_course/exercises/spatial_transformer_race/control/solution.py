"""Two windows that follow their slopes home, and the control between them."""

from functools import cache
from typing import Any

import numpy as np

N_PIXEL = 512  # of a line
N_POINT, SPACING = 9, 1.5  # points of a window, and pixels between them
N_START = 48  # windows for each seed and distance
STD = 2.0  # of the bell in the trials
STEP = 1e-4  # pixels, for differences
DISTANCES = (2.0, 4.0, 6.0, 8.0, 12.0)  # pixels from home, roughly
ARMS = ("triangle", "bell", "control")


def rough_line(seed: int) -> np.ndarray:
    """A line (N_PIXEL,) with structure of every size, mean 0 and std 1."""
    rng = np.random.default_rng(seed)
    wave = np.fft.rfft(rng.standard_normal(N_PIXEL))
    wave[0] = 0
    wave[1:] /= np.sqrt(np.arange(1, len(wave)))
    line = np.fft.irfft(wave, N_PIXEL)
    return line / line.std()


def places(seed: int, distance: float) -> tuple[np.ndarray, np.ndarray]:
    """First points of N_START windows, (home, start), `distance` apart."""
    rng = np.random.default_rng([seed, round(distance)])
    home = rng.uniform(40, N_PIXEL - 40 - SPACING * N_POINT, N_START)
    way = distance + rng.uniform(-0.5, 0.5, N_START)
    return home, home + way * rng.choice([-1, 1], N_START)


def expected_shares() -> dict[str, float]:
    """The share of starts that you expect to point home at distance 6."""
    ### BEGIN SOLUTION
    return {"triangle": 0.7, "bell": 0.9, "control": 0.8}
    ### END SOLUTION


def triangle_read(line: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Readings between two pixels, of the shape of x; ends go on."""
    ### BEGIN SOLUTION
    place = np.clip(x, 0, len(line) - 1)
    left = np.minimum(np.floor(place).astype(int), len(line) - 2)
    beyond = place - left
    return np.asarray((1 - beyond) * line[left] + beyond * line[left + 1])
    ### END SOLUTION


def bell_read(line: np.ndarray, x: np.ndarray, std: float) -> np.ndarray:
    """Means under a Gaussian around x, std > 0; of the shape of x."""
    ### BEGIN SOLUTION
    away = np.asarray(x)[..., None] - np.arange(len(line))
    weight = np.exp(-(away**2) / (2 * std**2))
    return np.asarray(weight @ line / weight.sum(axis=-1))
    ### END SOLUTION


def pixels_seen(x: float, std: float) -> int:
    """How many pixels count at x under a bell; a triangle where std is 0."""
    ### BEGIN SOLUTION
    away = x - np.arange(N_PIXEL)
    if std:
        weight = np.exp(-(away**2) / (2 * std**2))
    else:
        weight = np.maximum(0, 1 - np.abs(away))
    return int(np.sum(weight > 0.01 * weight.max()))
    ### END SOLUTION


def control_std(std: float) -> float:
    """The blur that makes a triangle as blurred as a bell of this std."""
    ### BEGIN SOLUTION
    return float(np.sqrt(max(0.0, std**2 - 1 / 6)))
    ### END SOLUTION


def smoothed(line: np.ndarray, std: float) -> np.ndarray:
    """The line as the bell reads it on its pixels; as it is where std is 0."""
    ### BEGIN SOLUTION
    if std == 0:
        return line.copy()
    return bell_read(line, np.arange(len(line)), std)
    ### END SOLUTION


def pull(
    line: np.ndarray, home: np.ndarray, start: np.ndarray, std: float
) -> np.ndarray:
    """How fast the error falls on the way home, for each start.

    The window is read with a bell, or with triangles where std is 0.
    """
    ### BEGIN SOLUTION
    point = SPACING * np.arange(N_POINT)

    def window(begin: np.ndarray) -> np.ndarray:
        x = begin[:, None] + point
        return bell_read(line, x, std) if std else triangle_read(line, x)

    target, step = window(home), STEP * np.sign(home - start)
    before = np.sum((window(start - step) - target) ** 2, axis=1) / 2
    after = np.sum((window(start + step) - target) ** 2, axis=1) / 2
    return np.asarray((before - after) / (2 * STEP))
    ### END SOLUTION


@cache  # run once, however often it is asked for
def share_record() -> dict[str, Any]:
    """What was run and what came of it: `trials`, and `mean` at distance 6."""
    ### BEGIN SOLUTION
    trials: list[dict[str, Any]] = []
    for seed in (1, 2, 3):
        for distance in DISTANCES:
            home, start = places(seed, distance)
            for arm in ARMS:
                blur = control_std(STD) if arm == "control" else 0.0
                std = STD if arm == "bell" else 0.0
                line = smoothed(rough_line(seed), blur)
                share = float(np.mean(pull(line, home, start, std) > 0))
                one = {"seed": seed, "distance": distance, "arm": arm}
                trials.append(one | {"blur": blur, "share": share})
    mean = {}
    for arm in ARMS:
        shares = [
            one["share"]
            for one in trials
            if one["arm"] == arm and one["distance"] == 6
        ]
        mean[arm] = float(np.mean(shares))
    return {"trials": trials, "mean": mean}
    ### END SOLUTION
