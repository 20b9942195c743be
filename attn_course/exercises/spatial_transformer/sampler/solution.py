"""Bilinear sampling by four fetched pixels."""

import numpy as np


def bilinear_sample(
    image: np.ndarray,
    grid: np.ndarray,
    padding: str = "zeros",
    align_corners: bool = False,
) -> np.ndarray:
    """Read an image at normalised points (x, y): (channel, h, w)."""
    ### BEGIN SOLUTION
    channel, height, width = image.shape
    size = np.array([width, height])
    if align_corners:
        position = (grid + 1) * (size - 1) / 2
    else:
        position = ((grid + 1) * size - 1) / 2
    if padding == "border":
        position = np.clip(position, 0, size - 1)
    low = np.floor(position)
    share = position - low
    sample = np.zeros((channel, *grid.shape[:2]))
    for step in ((0, 0), (1, 0), (0, 1), (1, 1)):
        pixel = low + step
        exists = ((pixel >= 0) & (pixel < size)).all(axis=-1)
        weight = np.where(step, share, 1 - share).prod(axis=-1) * exists
        x, y = np.moveaxis(np.clip(pixel, 0, size - 1).astype(int), -1, 0)
        sample += weight * image[:, y, x]
    return sample
    ### END SOLUTION
