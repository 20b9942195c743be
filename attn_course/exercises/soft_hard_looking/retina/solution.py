"""A retina from slices and means."""

import numpy as np


def crop(feature: np.ndarray, corner: np.ndarray, size: int) -> np.ndarray:
    """Square piece (channel, size, size) of an image; zero outside it."""
    ### BEGIN SOLUTION
    height, width = feature.shape[1:]
    row, column = corner[1] + np.arange(size), corner[0] + np.arange(size)
    inside_y = (row >= 0) & (row < height)
    inside_x = (column >= 0) & (column < width)
    row = np.clip(row, 0, height - 1)
    column = np.clip(column, 0, width - 1)
    piece = feature[:, row[:, None], column]
    return np.where(inside_y[:, None] & inside_x, piece, 0.0)
    ### END SOLUTION


def retina(
    feature: np.ndarray, location: np.ndarray, size: int, n_scale: int
) -> np.ndarray:
    """Patches (n_scale, channel, size, size) round one place."""
    ### BEGIN SOLUTION
    channel, height, width = feature.shape
    centre = (location + 1) / 2 * np.array([width, height])
    patches = []
    for k in range(n_scale):
        block = 2**k
        side = size * block
        corner = np.floor(centre - side / 2 + 0.5).astype(int)
        wide = crop(feature, corner, side)
        blocks = wide.reshape(channel, size, block, size, block)
        patches.append(blocks.mean(axis=(2, 4)))
    return np.stack(patches)
    ### END SOLUTION


def numbers_read(size: int, n_scale: int, n_channel: int) -> int:
    """How many numbers one look hands on."""
    ### BEGIN SOLUTION
    return n_scale * n_channel * size**2
    ### END SOLUTION


def scales_needed(size: int, width: int) -> int:
    """The fewest scales that show all of a square image from any place."""
    ### BEGIN SOLUTION
    n_scale = 1
    while size * 2 ** (n_scale - 1) < 2 * width:
        n_scale += 1
    return n_scale
    ### END SOLUTION
