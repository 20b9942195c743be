"""A pipeline that draws a grey frame, and the inputs that show its faults."""

import numpy as np


def read_positions(
    theta: np.ndarray, size: tuple[int, int], shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Positions x and y, each (h, w), at which a view reads an image.

    They are in pixels; `size` is (h, w), `shape` is (height, width).
    """
    ### BEGIN SOLUTION
    (h, w), (height, width) = size, shape
    u_x, u_y = (2 * np.arange(w) + 1) / w - 1, (2 * np.arange(h) + 1) / h - 1
    u = np.stack([*np.meshgrid(u_x, u_y), np.ones((h, w))])
    v_x, v_y = np.einsum("ij,jhw->ihw", theta, u)
    return ((v_x + 1) * width - 1) / 2, ((v_y + 1) * height - 1) / 2
    ### INSTEAD
    # (h, w), (height, width) = size, shape
    # u_x, u_y = np.linspace(-1, 1, w), np.linspace(-1, 1, h)
    # u = np.stack([*np.meshgrid(u_x, u_y), np.ones((h, w))])
    # v_x, v_y = np.einsum("ij,jhw->ihw", theta, u)
    # return ((v_x + 1) * height - 1) / 2, ((v_y + 1) * width - 1) / 2
    ### END SOLUTION


def read_pixels(image: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """What an image (height, width) holds at positions, in pixels.

    Bilinear between pixels; a pixel that does not exist weighs nothing.
    """
    ### BEGIN SOLUTION
    height, width = image.shape
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    read = np.zeros(np.shape(x))
    for row in (top, top + 1):
        for column in (left, left + 1):
            weight = (1 - np.abs(x - column)) * (1 - np.abs(y - row))
            nearest = row.clip(0, height - 1), column.clip(0, width - 1)
            exists = (row == nearest[0]) & (column == nearest[1])
            read += np.where(exists, weight, 0) * image[nearest]
    return read
    ### INSTEAD
    # height, width = image.shape
    # left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    # right, bottom = left + 1, top + 1
    # left, right = left.clip(0, width - 1), right.clip(0, width - 1)
    # top, bottom = top.clip(0, height - 1), bottom.clip(0, height - 1)
    # upper = (right - x) * image[top, left] + (x - left) * image[top, right]
    # lower = (right - x) * image[bottom, left]
    # lower = lower + (x - left) * image[bottom, right]
    # return (bottom - y) * upper + (y - top) * lower
    ### END SOLUTION


def prepared_view(
    image: np.ndarray,
    theta: np.ndarray,
    size: tuple[int, int],
    mean: float,
    std: float,
) -> np.ndarray:
    """View (h, w) of an image on a black ground, normalised by mean and std.

    `image` is (height, width), `theta` (2, 3), and `size` is (h, w).
    """
    ### BEGIN SOLUTION
    x, y = read_positions(theta, size, image.shape)
    return (read_pixels(image, x, y) - mean) / std
    ### INSTEAD
    # image = image - mean / std
    # x, y = read_positions(theta, size, image.shape)
    # return read_pixels(image, x, y)
    ### END SOLUTION


def shows_frame() -> tuple[
    np.ndarray, np.ndarray, tuple[int, int], float, float
]:
    """Arguments of `prepared_view` on which normalising first shows."""
    ### BEGIN SOLUTION
    theta = np.array([[1.0, 0.0, 8.0], [0.0, 1.0, 0.0]])
    return np.ones((1, 1)), theta, (1, 1), 0.5, 0.5
    ### END SOLUTION


def shows_lost_edge() -> tuple[
    np.ndarray, np.ndarray, tuple[int, int], float, float
]:
    """Arguments of `prepared_view` on which clipped neighbours show."""
    ### BEGIN SOLUTION
    return np.ones((1, 1)), np.zeros((2, 3)), (1, 1), 0.0, 1.0
    ### END SOLUTION


def shows_corners() -> tuple[
    np.ndarray, np.ndarray, tuple[int, int], float, float
]:
    """Arguments of `prepared_view` on which the other convention shows."""
    ### BEGIN SOLUTION
    image = np.array([[0.0, 1.0], [0.0, 1.0]])
    upper_row = np.array([[0.5, 0.0, 0.0], [0.0, 0.0, -0.5]])
    return image, upper_row, (1, 2), 0.0, 0.5
    ### END SOLUTION
