"""Find the faults of a port from the slopes of one view, with no second port to compare with."""

import numpy as np

SAME, CROSS, SHIFT = 0.5, 0.2, 0.1
THETA = np.array([[SAME, CROSS, SHIFT], [-CROSS, SAME, -SHIFT]])


def question(size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """A ramp along x, which a bilinear view turns into a plane."""
    return np.indices(size)[1][None].astype(float), THETA


def diagnosis(view: np.ndarray, size: tuple[int, int]) -> tuple[bool, bool, bool]:
    """One fault each from the plane's height, the sign of a slope and the size of the other.

    In the middle both conventions of the grid are zero, and only the shift is left.
    """
    height, width = size
    row, column = np.indices(size) - (np.array(size)[:, None, None] - 1) / 2
    plane = view[0].astype(float)
    per_column = (plane * column).sum() / (column**2).sum() * 2 / width
    per_row = (plane * row).sum() / (row**2).sum() * 2 / width
    # Either slope is an entry of the matrix times 2 / n, or 2 / (n - 1).
    swap = plane.mean() < (width - 1) / 2
    if swap:
        cross, same, n = per_column, per_row, height
    else:
        cross, same, n = per_row, per_column, width
    transpose = (cross > 0) == swap
    corners = same > SAME * (1 / n + 1 / (n - 1))
    return bool(swap), bool(transpose), bool(corners)
