"""Hold still or carry on, film after film, and a fit of one number by least squares."""

import numpy as np


def last_seen(box: np.ndarray, visible: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Walk along each film until the digit is gone; three steps telescope to a difference."""
    place, velocity = [], []
    for film, seen in zip(box, visible, strict=True):
        last = 0
        while seen[last + 1]:
            last += 1
        place.append(film[last][:2])
        velocity.append([(film[last][k] - film[last - 3][k]) / 3 for k in (0, 1)])
    return np.array(place), np.array(velocity)


def carried(moved: np.ndarray, velocity: np.ndarray) -> np.ndarray:
    """A regression through the origin for every hidden frame."""
    factor = []
    for k in range(1, moved.shape[1] + 1):
        straight = (k * velocity).reshape(-1, 1)
        factor.append(np.linalg.lstsq(straight, moved[:, k - 1].reshape(-1), rcond=None)[0][0])
    return np.array(factor)
