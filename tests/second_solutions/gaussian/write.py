"""Read through a grid of Gaussians by one contraction, and paint one patch pixel at a time."""

import numpy as np

from attn_course.exercises.gaussian.filterbank.solution import filterbank


def glimpse(
    image: np.ndarray,
    mean: np.ndarray,
    std: np.ndarray,
    stride: np.ndarray,
    size: tuple[int, int],
) -> np.ndarray:
    """Read all channels in one sum over the image's two axes."""
    x_filter, y_filter = (
        filterbank(mean[axis], std[axis], stride[axis], size[1 - axis], image.shape[2 - axis])
        for axis in range(2)
    )
    return np.einsum("chw,yh,xw->cyx", image, y_filter, x_filter)


def write(
    patch: np.ndarray,
    mean: np.ndarray,
    std: np.ndarray,
    stride: np.ndarray,
    size: tuple[int, int],
) -> np.ndarray:
    """Add up the footprints of the patch's pixels."""
    n_channel, n_row, n_column = patch.shape
    canvas = np.zeros((n_channel, *size))
    across = filterbank(mean[0], std[0], stride[0], n_column, size[1])
    down = filterbank(mean[1], std[1], stride[1], n_row, size[0])
    for i in range(n_row):
        for j in range(n_column):
            canvas += patch[:, i, j, None, None] * np.outer(down[i], across[j])
    return canvas
