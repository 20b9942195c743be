"""Bilinear sampling from a frame of zeros, by the square of two by two pixels at each point."""

import numpy as np


def bilinear_sample(
    image: np.ndarray,
    grid: np.ndarray,
    padding: str = "zeros",
    align_corners: bool = False,
) -> np.ndarray:
    """Read an image at normalised points (x, y): (channel, h, w)."""
    framed = np.pad(np.asarray(image, dtype=float), ((0, 0), (1, 2), (1, 2)))
    squares = np.lib.stride_tricks.sliding_window_view(framed, (2, 2), axis=(1, 2))
    corner, weight = [], []
    for axis, n_pixel in ((1, image.shape[1]), (0, image.shape[2])):
        coordinate = np.asarray(grid[..., axis], dtype=float)
        middle = (n_pixel - 1) / 2
        position = middle + coordinate * (middle if align_corners else n_pixel / 2)
        # Beyond one pixel outside there is nothing but zeros, so that a point may stop there.
        edge = 0 if padding == "border" else 1
        position = np.clip(position, -edge, n_pixel - 1 + edge)
        left = np.floor(position).astype(int)
        share = position - left
        corner.append(left + 1)
        weight.append(np.stack([1 - share, share], axis=-1))
    square = squares[:, corner[0], corner[1]]
    return np.einsum("cijyx,ijy,ijx->cij", square, weight[0], weight[1])
