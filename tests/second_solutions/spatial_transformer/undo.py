"""An affine map is what it does to three points: follow these, and take the map from them."""

from collections.abc import Callable

import numpy as np

CORNERS = np.array([(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)])


def affine_through(walk: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """The matrix (2, 3) of an affine walk of points, from where three of them arrive."""
    start, right, below = walk(CORNERS)
    return np.column_stack([right - start, below - start, start])


def go(matrix: np.ndarray, point: np.ndarray) -> np.ndarray:
    """Points (n, 2) sent through a matrix (2, 3)."""
    return point @ matrix[:, :2].T + matrix[:, 2]


def to_pixel(u: np.ndarray, size: tuple[int, int], align_corners: bool) -> np.ndarray:
    """Normalised points (n, 2) in pixels."""
    n = np.array([size[1], size[0]])
    return (u + 1) * (n - 1) / 2 if align_corners else ((u + 1) * n - 1) / 2


def to_normal(x: np.ndarray, size: tuple[int, int], align_corners: bool) -> np.ndarray:
    """Points (n, 2) in pixels, normalised."""
    n = np.array([size[1], size[0]])
    return 2 * x / (n - 1) - 1 if align_corners else (2 * x + 1) / n - 1


def upright_theta(
    pose: np.ndarray,
    digit_size: tuple[int, int],
    canvas_size: tuple[int, int],
    align_corners: bool,
) -> np.ndarray:
    """Digit's u, digit's pixels, canvas's pixels, canvas's u."""

    def walk(u: np.ndarray) -> np.ndarray:
        landed = go(pose, to_pixel(u, digit_size, align_corners))
        return to_normal(landed, canvas_size, align_corners)

    return affine_through(walk)


def composed(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The last view asks where it looks in the first view, and that where in the image."""
    return affine_through(lambda u: go(first, go(second, u)))


def undone(theta: np.ndarray) -> np.ndarray:
    """Cramer's rule for u in A u = p - t, at the three points p."""
    (a, b, right), (c, d, down) = theta

    def walk(p: np.ndarray) -> np.ndarray:
        x, y = (p - (right, down)).T
        return np.column_stack([x * d - b * y, a * y - x * c]) / (a * d - b * c)

    return affine_through(walk)


def can_be_undone(theta: np.ndarray) -> bool:
    """Any A is a turn with zoom plus a mirror with zoom; the axes are their sum and difference."""
    (a, b), (c, d) = theta[:, :2]
    turn, mirror = np.hypot(a + d, c - b) / 2, np.hypot(a - d, b + c) / 2
    return bool(abs(turn - mirror) > 1e-9 * (turn + mirror))


def pixels_covered(
    theta: np.ndarray,
    image_size: tuple[int, int],
    size: tuple[int, int],
    align_corners: bool,
) -> float:
    """The shoelace formula round four neighbours of the view, in pixels of the image."""
    ring = np.array([(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)])
    read = go(theta, to_normal(ring, size, align_corners))
    x, y = to_pixel(read, image_size, align_corners).T
    return float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)) / 2)
