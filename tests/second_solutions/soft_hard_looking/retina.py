"""A crop by overlapping slices, a retina by matrices of averages, one for each axis."""

import numpy as np


def crop(feature: np.ndarray, corner: np.ndarray, size: int) -> np.ndarray:
    """Copy what image and piece have in common."""
    piece = np.zeros((feature.shape[0], size, size), feature.dtype)
    from_image, to_piece = [slice(None)], [slice(None)]
    for first, n_pixel in ((int(corner[1]), feature.shape[1]), (int(corner[0]), feature.shape[2])):
        start, stop = max(first, 0), min(first + size, n_pixel)
        if start >= stop:
            return piece
        from_image.append(slice(start, stop))
        to_piece.append(slice(start - first, stop - first))
    piece[tuple(to_piece)] = feature[tuple(from_image)]
    return piece


def averages(centre: float, n_pixel: int, size: int, block: int) -> np.ndarray:
    """Matrix (size, n_pixel): the block in which each pixel lies, over the block's size."""
    first = np.floor(centre - size * block / 2 + 0.5)
    which = np.floor((np.arange(n_pixel) - first) / block)
    return (which == np.arange(size)[:, None]) / block


def retina(feature: np.ndarray, location: np.ndarray, size: int, n_scale: int) -> np.ndarray:
    """Rows from the left, columns from the right, for each scale."""
    height, width = feature.shape[1:]
    x, y = (location + 1) / 2 * np.array([width, height])
    patches = [
        averages(y, height, size, 2**k) @ feature @ averages(x, width, size, 2**k).T
        for k in range(n_scale)
    ]
    return np.array(patches)


def numbers_read(size: int, n_scale: int, n_channel: int) -> int:
    """Every patch has one size, whatever it was taken from."""
    return size * size * n_scale * n_channel


def scales_needed(size: int, width: int) -> int:
    """Double the side until half of it reaches across the image."""
    side, n_scale = size, 1
    while side < 2 * width:
        side, n_scale = 2 * side, n_scale + 1
    return n_scale
