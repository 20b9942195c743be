"""Readings by np.interp and outwards from the nearest pixel, blur by convolution, looped pulls."""

from functools import cache
from itertools import product
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
    """A guess."""
    return {"triangle": 0.65, "bell": 0.8, "control": 0.8}


def triangle_read(line: np.ndarray, x: np.ndarray) -> np.ndarray:
    """numpy's own, which goes on at the ends."""
    line = np.asarray(line, dtype=float)
    return np.asarray(np.interp(x, np.arange(len(line)), line))


def bell_read(line: np.ndarray, x: np.ndarray, std: float) -> np.ndarray:
    """Pixel by pixel outwards from the nearest that exists, whose weight is called 1."""
    line, x = np.asarray(line, dtype=float), np.asarray(x, dtype=float)
    nearest = np.clip(np.floor(x + 0.5), 0, len(line) - 1).astype(int)
    total, weights = np.zeros(x.shape), np.zeros(x.shape)
    reach = min(len(line) - 1, int(np.ceil(9 * std)) + 1)
    for offset in range(-reach, reach + 1):
        m = nearest + offset
        there = (m >= 0) & (m < len(line))
        further = np.where(there, (x - m) ** 2 - (x - nearest) ** 2, np.inf)
        weight = np.exp(-further / (2 * std**2))
        total = total + weight * line[np.clip(m, 0, len(line) - 1)]
        weights = weights + weight
    return np.asarray(total / weights)


def pixels_seen(x: float, std: float) -> int:
    """Whole numbers nearer than a radius; of a triangle's two pixels, the lesser or not."""
    right = x - np.floor(x)
    least = min(right, 1 - right)
    if std == 0:
        return 2 if least > 0.01 * (1 - least) else 1
    radius = np.sqrt(least**2 + 2 * std**2 * np.log(100))
    return int(np.ceil(x + radius) - np.floor(x - radius)) - 1


def control_std(std: float) -> float:
    """What is left of the variance."""
    return float(max(std**2 - 1 / 6, 0.0) ** 0.5)


def smoothed(line: np.ndarray, std: float) -> np.ndarray:
    """A convolution, over the one of a line of ones."""
    if std == 0:
        return line
    n = len(line)
    bell = np.exp(-((np.arange(1 - n, n) / std) ** 2) / 2)
    above, below = (np.convolve(one, bell)[n - 1 : 2 * n - 1] for one in (line, np.ones(n)))
    return above / below


def pull(line: np.ndarray, home: np.ndarray, start: np.ndarray, std: float) -> np.ndarray:
    """Window by window; a difference of squares is a product."""
    points = SPACING * np.arange(N_POINT)

    def window(begin: float) -> np.ndarray:
        x = begin + points
        return triangle_read(line, x) if std == 0 else bell_read(line, x, std)

    pulls = []
    for h, s in zip(home, start, strict=True):
        step = STEP if h > s else -STEP
        away, nearer = window(s - step), window(s + step)
        middle = (away + nearer) / 2 - window(h)
        pulls.append(middle @ (away - nearer) / (2 * STEP))
    return np.array(pulls)


@cache
def share_record() -> dict[str, Any]:
    """Three seeds, all distances and arms."""
    blur = control_std(STD)
    trials = []
    for seed in (71, 72, 73):
        sharp = rough_line(seed)
        arms = ((sharp, 0.0, 0.0), (sharp, STD, 0.0), (smoothed(sharp, blur), 0.0, blur))
        for distance, (arm, (line, std, wide)) in product(DISTANCES, zip(ARMS, arms, strict=True)):
            pulls = pull(line, *places(seed, distance), std)
            share = float(np.count_nonzero(pulls > 0) / N_START)
            trials.append(
                {"seed": seed, "distance": distance, "arm": arm, "blur": wide, "share": share}
            )
    at_six = [trial for trial in trials if trial["distance"] == 6]
    mean = {
        arm: float(np.mean([trial["share"] for trial in at_six if trial["arm"] == arm]))
        for arm in ARMS
    }
    return {"trials": trials, "mean": mean}
