"""Areas from running sums, readings by index, blur by convolution; the std from the weights."""

from functools import cache
from itertools import product
from typing import Any

import numpy as np

N_SIDE, N_VIEW = 96, 12
SCALES = (1.0, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0)
WAYS = ("1x1", "2x2", "4x4", "8x8", "blur")
SEEDS = (12, 34, 56, 78)


def noise(seed: int) -> np.ndarray:
    """An image (N_SIDE, N_SIDE): each pixel by itself, mean 0 and std 1."""
    return np.random.default_rng(seed).standard_normal((N_SIDE, N_SIDE))


def stripes(period: float) -> np.ndarray:
    """An image (N_SIDE, N_SIDE) of upright stripes, `period` in pixels."""
    wave = np.cos(2 * np.pi * np.arange(N_SIDE) / period)
    return np.tile(wave, (N_SIDE, 1))


def corner(seed: int, scale: float) -> np.ndarray:
    """Where a seed's window begins, (x, y) of its upper left corner."""
    room = N_SIDE - 16 - N_VIEW * scale
    return 7.5 + room * np.random.default_rng([seed, 1]).random(2)


def expected_errors() -> dict[str, float]:
    """A guess."""
    return dict(zip(WAYS, (2.0, 1.0, 0.3, 0.1, 0.5), strict=True))


def exact_view(image: np.ndarray, begin: np.ndarray, scale: float) -> np.ndarray:
    """What lies to the left of each cut, and differences of successive cuts."""

    def shrunk(lines: np.ndarray, start: float) -> np.ndarray:
        """Along the last axis."""
        edge = np.arange(lines.shape[1] + 1) - 0.5
        cut = start + scale * np.arange(N_VIEW + 1)
        so_far = [np.interp(cut, edge, np.append(0.0, np.cumsum(line))) for line in lines]
        return np.diff(so_far, axis=1) / scale

    return shrunk(shrunk(image, begin[0]).T, begin[1]).T


def sampled_view(image: np.ndarray, begin: np.ndarray, scale: float, n_sample: int) -> np.ndarray:
    """One set of samples after the other, a reading for each pixel of the view at once."""
    total = np.zeros((N_VIEW, N_VIEW))
    for i, j in product(range(n_sample), repeat=2):
        x = begin[0] + scale * (np.arange(N_VIEW) + (j + 0.5) / n_sample)
        y = begin[1] + scale * (np.arange(N_VIEW) + (i + 0.5) / n_sample)
        left, top = np.floor(x).astype(int), np.floor(y).astype(int)
        right, low = x - left, (y - top)[:, None]
        rows = (1 - low) * image[top] + low * image[top + 1]
        total += (1 - right) * rows[:, left] + right * rows[:, left + 1]
    return total / n_sample**2


def blurred(image: np.ndarray, std: float) -> np.ndarray:
    """A convolution over the one of an image of ones, along x and then, turned, along y."""
    for _ in range(2):
        n = image.shape[1]
        bell = np.exp(-((np.arange(1 - n, n) / std) ** 2) / 2)
        there = np.convolve(np.ones(n), bell)[n - 1 : 2 * n - 1]
        lines = [np.convolve(line, bell)[n - 1 : 2 * n - 1] / there for line in image]
        image = np.array(lines).T
    return image


def relative_error(view: np.ndarray, exact: np.ndarray) -> float:
    """A ratio of two lengths: both means have the same number of terms."""
    return float(np.linalg.norm(view - exact) / np.linalg.norm(exact))


@cache
def chosen_std(scale: float) -> float:
    """The least expected error on noise, from the weights alone and for windows anywhere.

    With weights v along an axis where e are exact, unit noise errs by the square
    (v.v)^2 - 2 (v.e)^2 + (e.e)^2.
    """
    pixel = np.arange(-12, 13)
    middle = np.arange(0.05, 1, 0.1)[:, None]
    covered = np.clip(
        np.minimum(middle + scale / 2, pixel + 0.5) - np.maximum(middle - scale / 2, pixel - 0.5),
        0,
        None,
    )
    exact = covered / scale

    def error(std: float) -> float:
        weight = np.zeros_like(exact)
        for place, share in ((0, 1 - middle), (1, middle)):
            bell = np.exp(-(((pixel - place) / std) ** 2) / 2)
            weight += share * bell / bell.sum()
        own, cross, true = (
            (one * two).sum(axis=1).mean()
            for one, two in ((weight, weight), (weight, exact), (exact, exact))
        )
        return float(own**2 - 2 * cross**2 + true**2)

    return float(min(np.arange(0.1, 3, 0.02), key=error))


@cache
def trial_record() -> dict[str, Any]:
    """All seeds, scales and ways."""
    trials, at_four = [], {way: [] for way in WAYS}
    for seed, scale in product(SEEDS, SCALES):
        image, begin = noise(seed), corner(seed, scale)
        exact = exact_view(image, begin, scale)
        std = chosen_std(scale)
        ways = [(f"{n}x{n}", image, n, 0.0) for n in range(1, 9)]
        for way, seen, n, wide in [*ways, ("blur", blurred(image, std), 1, std)]:
            error = relative_error(sampled_view(seen, begin, scale, n), exact)
            trials.append(
                {"seed": seed, "scale": scale, "n_sample": n, "std": wide, "error": error}
            )
            if scale == 4 and way in at_four:
                at_four[way].append(error)
    return {"trials": trials, "mean": {way: float(np.mean(at_four[way])) for way in WAYS}}
