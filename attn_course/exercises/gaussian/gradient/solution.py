"""The gradient of one filter's reading, and lines on which it is no help."""

import numpy as np


def gradient(line: np.ndarray, mean: float, std: float) -> tuple[float, float]:
    """Derivatives of the reading by mean and std, under the rule "exact"."""
    ### BEGIN SOLUTION
    pixel = np.arange(len(line))
    score = -(((pixel - mean) / std) ** 2) / 2
    bell = np.exp(score - score.max())
    row = bell / bell.sum()
    position = pixel - row @ pixel
    square = (pixel - mean) ** 2
    square = square - row @ square
    by_mean = row @ (position * line) / std**2
    by_std = row @ (square * line) / std**3
    return float(by_mean), float(by_std)
    ### END SOLUTION


def blind_line(n_pixel: int, mean: float, std: float) -> np.ndarray:
    """A line that varies under the filter and gives its mean no gradient."""
    ### BEGIN SOLUTION
    pixel = np.arange(n_pixel)
    weight = np.exp(-(((pixel - mean) / std) ** 2) / 2)
    weight = weight / weight.sum()
    ramp = pixel - weight @ pixel
    valley = (pixel - mean) ** 2
    tilt = weight @ (ramp * valley) / (weight @ ramp**2)
    blind = valley - tilt * ramp
    spread = np.sqrt(weight @ (blind - weight @ blind) ** 2)
    return np.asarray(2 * blind / spread)
    ### END SOLUTION


def wrong_way_line(
    n_pixel: int, mean: float, target: float, std: float
) -> np.ndarray:
    """A line on which gradient descent on `mean` leads away from `target`."""
    ### BEGIN SOLUTION
    ahead = (np.arange(n_pixel) - mean) * np.sign(target - mean)
    bright = (ahead > 0) & (ahead < abs(target - mean) / 2)
    return np.where(bright, 1.0, 0.0)
    ### END SOLUTION
