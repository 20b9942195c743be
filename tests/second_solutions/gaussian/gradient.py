"""The gradient of one filter's reading from all pairs of pixels, and two lines that mislead it."""

import numpy as np


def row(n_pixel: int, mean: float, std: float) -> np.ndarray:
    """The filter's weights, each bell relative to the one at the nearest pixel."""
    distance = np.abs(np.arange(n_pixel) - mean)
    nearest = distance.min()
    bell = np.exp(-(distance - nearest) * (distance + nearest) / (2 * std**2))
    return bell / bell.sum()


def gradient(line: np.ndarray, mean: float, std: float) -> tuple[float, float]:
    """A covariance is half the mean over pairs of the product of two differences."""
    weight = row(len(line), mean, std)
    by_mean = by_std = 0.0
    for p in range(len(line)):
        for q in range(p):
            pair = weight[p] * weight[q] * (p - q) * float(line[p] - line[q])
            by_mean += pair / std**2
            by_std += pair * (p + q - 2 * mean) / std**3
    return by_mean, by_std


def blind_line(n_pixel: int, mean: float, std: float) -> np.ndarray:
    """Among the lines orthogonal to the gradient, the basis vector that the filter sees best."""
    weight = row(n_pixel, mean, std)
    pixel = np.arange(n_pixel)
    by_pixel = weight * (pixel - weight @ pixel)  # how the mean's gradient hangs on every pixel
    null = np.linalg.svd(by_pixel[None])[2][1:]
    spread = np.sqrt(np.square(null - (null @ weight)[:, None]) @ weight)
    best = spread.argmax()
    return 2 * null[best] / spread[best]


def wrong_way_line(n_pixel: int, mean: float, target: float, std: float) -> np.ndarray:
    """Bright everywhere but in a ditch that lies just before the mean, on the target's side."""
    ahead = (np.arange(n_pixel) - mean) * np.sign(target - mean) / std
    return np.where(ahead < 3, np.clip(0.5 - ahead / 3, 0, 1), 1.0)
