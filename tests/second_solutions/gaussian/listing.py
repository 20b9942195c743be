"""The repaired listing, example by example, and the least inputs that show three of its faults."""

import numpy as np


def masks(
    mean: np.ndarray, std: np.ndarray, stride: np.ndarray, n_filter: int, n_pixel: int
) -> np.ndarray:
    """One row at a time: distances, less the nearest one, then the bell."""
    made = np.empty((len(mean), n_filter, n_pixel))
    for b, (start, width, step) in enumerate(zip(mean, std, stride, strict=True)):
        for i in range(n_filter):
            distance = np.abs(np.arange(n_pixel) - (start + i * step))
            excess = (distance - distance.min()) * (distance + distance.min())
            bell = np.exp(-excess / width / width / 2)
            made[b, i] = bell / bell.sum()
    return made


def glimpses(image: np.ndarray, params: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Every channel of every example between its own two masks."""
    n_batch, height, width, n_channel = image.shape
    mask_y = masks(params[:, 0], params[:, 1], params[:, 2], size[0], height)
    mask_x = masks(params[:, 3], params[:, 4], params[:, 5], size[1], width)
    read = np.zeros((n_batch, *size, n_channel))
    for b in range(n_batch):
        for c in range(n_channel):
            read[b, :, :, c] = mask_y[b] @ image[b, :, :, c] @ mask_x[b].T
    return read


def shows_batch() -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    """Two examples of 2 × 2 pixels, one lit pixel each, read where it is lit."""
    image = np.zeros((2, 2, 2, 1))
    image[0, 0, 0] = image[1, 1, 1] = 1
    return image, np.array([[0, 0.1, 1, 0, 0.1, 1], [1, 0.1, 1, 1, 0.1, 1]]), (1, 1)


def shows_axis() -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    """One pixel, read three times over along x."""
    return np.ones((1, 1, 1, 1)), np.array([[0, 1, 0, 0, 1, 0.0]]), (1, 3)


def shows_fading() -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    """One pixel, and a filter sixty standard deviations below it."""
    return np.ones((1, 1, 1, 1)), np.array([[60, 1, 1, 0, 1, 1.0]]), (1, 1)
