"""Find out with one probe what is wrong with a spatial transformer."""

import numpy as np

### BEGIN SOLUTION
THETA = np.array([[0.5, 0.25, 0.1], [-0.25, 0.25, -0.1]])
SLOPE = np.array([1.0, 0.0])  # of the image along x and y, per pixel


def _predicted(
    size: tuple[int, int], swap: bool, transpose: bool, corners: bool
) -> np.ndarray:
    """What a port with these faults reads from the plane with that slope."""
    height, width = size
    column, row = np.meshgrid(np.arange(width), np.arange(height))
    u = np.stack([(2 * column + 1) / width, (2 * row + 1) / height]) - 1
    if corners:
        u = np.stack([2 * column / (width - 1), 2 * row / (height - 1)]) - 1
    matrix = THETA[:, :2].T if transpose else THETA[:, :2]
    v = np.einsum("ij,jhw->ihw", matrix, u) + THETA[:, 2, None, None]
    v_x, v_y = v[::-1] if swap else v
    x, y = ((v_x + 1) * width - 1) / 2, ((v_y + 1) * height - 1) / 2
    return SLOPE[0] * x + SLOPE[1] * y


### INSTEAD
# THETA = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])  # a good choice?
### END SOLUTION


def question(size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """An image (1, height, width) and a theta (2, 3) for a port to read."""
    ### BEGIN SOLUTION
    row, column = np.indices(size)
    return (SLOPE[0] * column + SLOPE[1] * row)[np.newaxis], THETA
    ### END SOLUTION


def diagnosis(
    view: np.ndarray, size: tuple[int, int]
) -> tuple[bool, bool, bool]:
    """Which faults the port has that read the probe.

    Given in the order (swap, transpose, corners).
    """
    ### BEGIN SOLUTION
    off = {
        (swap, transpose, corners): np.abs(
            view[0] - _predicted(size, swap, transpose, corners)
        ).max()
        for swap in (False, True)
        for transpose in (False, True)
        for corners in (False, True)
    }
    return min(off, key=lambda faults: off[faults])
    ### END SOLUTION
