"""Turn a distorted image upright, and count what a warp costs."""

import numpy as np


def upright_theta(
    pose: np.ndarray,
    digit_size: tuple[int, int],
    canvas_size: tuple[int, int],
    align_corners: bool,
) -> np.ndarray:
    """Theta (2, 3) that shows a posed digit upright when the canvas is read.

    `pose` is (2, 3), in pixels; sizes are (height, width).
    """
    ### BEGIN SOLUTION
    from_digit = _to_pixels(digit_size, align_corners)
    from_canvas = _to_pixels(canvas_size, align_corners)
    whole = np.vstack([pose, [0.0, 0.0, 1.0]])
    return (np.linalg.inv(from_canvas) @ whole @ from_digit)[:2]
    ### END SOLUTION


### BEGIN SOLUTION
def _to_pixels(size: tuple[int, int], align_corners: bool) -> np.ndarray:
    """Matrix (3, 3) from normalised (x, y, 1) to pixels."""
    height, width = size
    if align_corners:
        half_x, half_y = (width - 1) / 2, (height - 1) / 2
    else:
        half_x, half_y = width / 2, height / 2
    centre_x, centre_y = (width - 1) / 2, (height - 1) / 2
    return np.array(
        [[half_x, 0.0, centre_x], [0.0, half_y, centre_y], [0.0, 0.0, 1.0]]
    )


### INSTEAD
# # What your functions share may stand here.
### END SOLUTION


def composed(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """One theta (2, 3): read with `first`, then the result with `second`."""
    ### BEGIN SOLUTION
    matrix, shift = first[:, :2], first[:, 2]
    return np.column_stack(
        [matrix @ second[:, :2], matrix @ second[:, 2] + shift]
    )
    ### END SOLUTION


def undone(theta: np.ndarray) -> np.ndarray:
    """Theta (2, 3) that brings back what reading with `theta` has moved."""
    ### BEGIN SOLUTION
    back = np.linalg.inv(theta[:, :2])
    return np.column_stack([back, -back @ theta[:, 2]])
    ### END SOLUTION


def can_be_undone(theta: np.ndarray) -> bool:
    """Whether the view is spread over an area, however small or large."""
    ### BEGIN SOLUTION
    longest, shortest = np.linalg.svd(theta[:, :2], compute_uv=False)
    return bool(shortest > 1e-9 * longest)
    ### END SOLUTION


def pixels_covered(
    theta: np.ndarray,
    image_size: tuple[int, int],
    size: tuple[int, int],
    align_corners: bool,
) -> float:
    """Pixels of the image for each pixel of the view; negative if mirrored."""
    ### BEGIN SOLUTION
    rim = 1 if align_corners else 0
    (height, width), (h, w) = image_size, size
    across, down = (width - rim) / (w - rim), (height - rim) / (h - rim)
    return float(np.linalg.det(theta[:, :2]) * across * down)
    ### END SOLUTION
