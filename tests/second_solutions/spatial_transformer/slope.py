"""The gradients of a bilinear sampler by two matrices for each axis: weights, and their slopes."""

import numpy as np


def by_axis(
    coordinate: np.ndarray, n_pixel: int, padding: str, align_corners: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Weight of each pixel at each point, and its slope by the coordinate: (h, w, n_pixel)."""
    per_unit = (n_pixel - 1 if align_corners else n_pixel) / 2
    position = (n_pixel - 1) / 2 + per_unit * np.asarray(coordinate, dtype=float)
    free = np.ones(position.shape, dtype=bool)
    if padding == "border":
        free = (position > 0) & (position < n_pixel - 1)
        position = np.clip(position, 0, n_pixel - 1)
    offset = np.arange(n_pixel) - position[..., None]
    weight = np.maximum(0, 1 - np.abs(offset))
    # To the right of the point up to 1, that included, a weight grows; to the left it shrinks.
    grows = (offset > 0) & (offset <= 1)
    shrinks = (offset > -1) & (offset <= 0)
    sign = grows.astype(float) - shrinks
    return weight, sign * (per_unit * free)[..., None]


def image_gradient(
    size: tuple[int, int],
    grid: np.ndarray,
    upstream: np.ndarray,
    padding: str = "zeros",
    align_corners: bool = False,
) -> np.ndarray:
    """Gradient by the image: (channel, height, width)."""
    row, _ = by_axis(grid[..., 1], size[0], padding, align_corners)
    column, _ = by_axis(grid[..., 0], size[1], padding, align_corners)
    return np.einsum("cij,ijn,ijm->cnm", upstream, row, column)


def grid_gradient(
    image: np.ndarray,
    grid: np.ndarray,
    upstream: np.ndarray,
    padding: str = "zeros",
    align_corners: bool = False,
) -> np.ndarray:
    """Gradient by the normalised points: (h, w, 2)."""
    row, row_slope = by_axis(grid[..., 1], image.shape[1], padding, align_corners)
    column, column_slope = by_axis(grid[..., 0], image.shape[2], padding, align_corners)
    seen = np.einsum("cij,cnm->ijnm", upstream, image)  # what each pixel would pay for its weight
    return np.stack(
        [
            np.einsum("ijnm,ijn,ijm->ij", seen, row, column_slope),
            np.einsum("ijnm,ijn,ijm->ij", seen, row_slope, column),
        ],
        axis=-1,
    )


def centres(n_pixel: int, align_corners: bool) -> np.ndarray:
    """Normalised coordinates of an output's pixels along one axis."""
    length = max(n_pixel - 1, 1) if align_corners else n_pixel
    return (2 * np.arange(n_pixel) - (n_pixel - 1)) / length


def matrix_gradient(by_grid: np.ndarray, align_corners: bool = False) -> np.ndarray:
    """Gradient by the affine map: what flows to each column, to each row, and to all."""
    n_row, n_column, _ = by_grid.shape
    of_column, of_row = by_grid.sum(axis=0), by_grid.sum(axis=1)
    return np.column_stack(
        [
            of_column.T @ centres(n_column, align_corners),
            of_row.T @ centres(n_row, align_corners),
            of_row.sum(axis=0),
        ]
    )


def printed_slope(line: np.ndarray, x: float) -> float:
    """The pixel at x or next to its right, less the one to its left if x is between two."""
    right = int(np.ceil(x))
    wanted = {right: 1.0} if right == x else {right: 1.0, right - 1: -1.0}
    return float(sum(sign * line[m] for m, sign in wanted.items() if 0 <= m < len(line)))
