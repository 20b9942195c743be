"""Read an image through a grid of Gaussians, and paint through it."""

import numpy as np

from attn_course.exercises.gaussian.filterbank.solution import filterbank


def glimpse(
    image: np.ndarray,
    mean: np.ndarray,
    std: np.ndarray,
    stride: np.ndarray,
    size: tuple[int, int],
) -> np.ndarray:
    """Read (channel, height, width) through the grid: (channel, h, w).

    `size` is (h, w).
    """
    ### BEGIN SOLUTION
    height, width = image.shape[1:]
    read_y = filterbank(mean[1], std[1], stride[1], size[0], height)
    read_x = filterbank(mean[0], std[0], stride[0], size[1], width)
    return np.stack([read_y @ channel @ read_x.T for channel in image])
    ### END SOLUTION


def write(
    patch: np.ndarray,
    mean: np.ndarray,
    std: np.ndarray,
    stride: np.ndarray,
    size: tuple[int, int],
) -> np.ndarray:
    """Paint (channel, h, w) onto black: (channel, height, width).

    `size` is (height, width).
    """
    ### BEGIN SOLUTION
    h, w = patch.shape[1:]
    write_y = filterbank(mean[1], std[1], stride[1], h, size[0])
    write_x = filterbank(mean[0], std[0], stride[0], w, size[1])
    return np.stack([write_y.T @ layer @ write_x for layer in patch])
    ### END SOLUTION
