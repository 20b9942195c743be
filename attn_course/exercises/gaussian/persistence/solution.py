"""Does a tracker hold still or carry on while what it follows is hidden?"""

import numpy as np


def last_seen(
    box: np.ndarray, visible: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Where each digit was last seen and its velocity there, (n, 2) each."""
    ### BEGIN SOLUTION
    film = np.arange(len(box))
    last = visible.argmin(axis=1) - 1  # the frame before the first hidden one
    place = box[film, last, :2]
    velocity = (place - box[film, last - 3, :2]) / 3
    return place, velocity
    ### END SOLUTION


def carried(moved: np.ndarray, velocity: np.ndarray) -> np.ndarray:
    """The share (n_hidden,) of the straight way that was gone."""
    ### BEGIN SOLUTION
    frame = np.arange(1, moved.shape[1] + 1)
    straight = frame[:, None] * velocity[:, None, :]
    return (moved * straight).sum(axis=(0, 2)) / (straight**2).sum(axis=(0, 2))
    ### END SOLUTION
