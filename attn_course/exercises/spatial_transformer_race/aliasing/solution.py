"""Shrink a fine-grained image in three ways, and measure the errors."""

from functools import cache
from typing import Any

import numpy as np

N_SIDE, N_VIEW = 96, 12  # sides of an image and of a view
SCALES = (1.0, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0)  # image pixels per view pixel
WAYS = ("1x1", "2x2", "4x4", "8x8", "blur")


def noise(seed: int) -> np.ndarray:
    """An image (N_SIDE, N_SIDE): each pixel by itself, mean 0 and std 1."""
    return np.random.default_rng(seed).standard_normal((N_SIDE, N_SIDE))


def stripes(period: float) -> np.ndarray:
    """An image (N_SIDE, N_SIDE) of upright stripes, `period` in pixels."""
    wave = np.cos(2 * np.pi * np.arange(N_SIDE) / period)
    return np.tile(wave, (N_SIDE, 1))


def corner(seed: int, scale: float) -> np.ndarray:
    """Where a seed's window begins, (x, y) of its upper left corner."""
    room = N_SIDE - 16 - N_VIEW * scale  # 8 pixels are left on all sides
    return 7.5 + room * np.random.default_rng([seed, 1]).random(2)


def expected_errors() -> dict[str, float]:
    """The relative error that you expect of each way at scale 4."""
    ### BEGIN SOLUTION
    return {"1x1": 1.0, "2x2": 0.5, "4x4": 0.2, "8x8": 0.1, "blur": 0.1}
    ### END SOLUTION


def exact_view(
    image: np.ndarray, begin: np.ndarray, scale: float
) -> np.ndarray:
    """The exact mean (N_VIEW, N_VIEW) over the area of each view pixel."""
    ### BEGIN SOLUTION
    covered = []
    for first, n_pixel in zip(begin, image.shape[::-1], strict=True):
        low = first + scale * np.arange(N_VIEW)[:, None]
        high, pixel = low + scale, np.arange(n_pixel)
        part = np.minimum(high, pixel + 0.5) - np.maximum(low, pixel - 0.5)
        covered.append(np.maximum(part, 0) / scale)
    across, down = covered
    return down @ image @ across.T
    ### END SOLUTION


def sampled_view(
    image: np.ndarray, begin: np.ndarray, scale: float, n_sample: int
) -> np.ndarray:
    """The mean of n_sample x n_sample readings for each view pixel."""
    ### BEGIN SOLUTION
    weight = []
    for first, n_pixel in zip(begin, image.shape[::-1], strict=True):
        cell = (np.arange(N_VIEW * n_sample) + 0.5) / n_sample
        place = first + scale * cell
        away = np.abs(place[:, None] - np.arange(n_pixel))
        triangle = np.maximum(0, 1 - away)
        weight.append(triangle.reshape(N_VIEW, n_sample, n_pixel).mean(axis=1))
    across, down = weight
    return down @ image @ across.T
    ### END SOLUTION


def blurred(image: np.ndarray, std: float) -> np.ndarray:
    """The image under a Gaussian of this std > 0, in pixels, on both axes."""
    ### BEGIN SOLUTION
    weight = []
    for n_pixel in image.shape:
        away = np.arange(n_pixel)[:, None] - np.arange(n_pixel)
        bell = np.exp(-(away**2) / (2 * std**2))
        weight.append(bell / bell.sum(axis=1, keepdims=True))
    down, across = weight
    return down @ image @ across.T
    ### END SOLUTION


def relative_error(view: np.ndarray, exact: np.ndarray) -> float:
    """Root mean square of the error over that of the exact view."""
    ### BEGIN SOLUTION
    return float(np.sqrt(np.mean((view - exact) ** 2) / np.mean(exact**2)))
    ### END SOLUTION


def chosen_std(scale: float) -> float:
    """The std of the blur that you choose for a scale, in pixels."""
    ### BEGIN SOLUTION
    return 0.33 * scale
    ### END SOLUTION


@cache  # run once, however often it is asked for
def trial_record() -> dict[str, Any]:
    """What was run and what came of it: `trials`, and `mean` at scale 4."""
    ### BEGIN SOLUTION
    trials: list[dict[str, Any]] = []
    for seed in (1, 2, 3):
        for scale in SCALES:
            begin = corner(seed, scale)
            exact = exact_view(noise(seed), begin, scale)
            ways = [(n, 0.0) for n in range(1, 9)] + [(1, chosen_std(scale))]
            for n_sample, std in ways:
                image = blurred(noise(seed), std) if std else noise(seed)
                view = sampled_view(image, begin, scale, n_sample)
                error = relative_error(view, exact)
                one = {"seed": seed, "scale": scale, "n_sample": n_sample}
                trials.append(one | {"std": std, "error": error})
    mean = {}
    for way in WAYS:
        errors = [
            one["error"]
            for one in trials
            if one["scale"] == 4
            and (one["std"] > 0) == (way == "blur")
            and (way == "blur" or one["n_sample"] == int(way[0]))
        ]
        mean[way] = float(np.mean(errors))
    return {"trials": trials, "mean": mean}
    ### END SOLUTION
