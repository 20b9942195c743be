"""A pipeline that sums over all pixels, and three inputs that each show one fault."""

import numpy as np

Arguments = tuple[np.ndarray, np.ndarray, tuple[int, int], float, float]


def hat(position: np.ndarray, n: int) -> np.ndarray:
    """Weight of each of n pixels, on a new last axis; none beyond them."""
    return np.maximum(0, 1 - np.abs(np.asarray(position)[..., None] - np.arange(n)))


def read_positions(
    theta: np.ndarray, size: tuple[int, int], shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Positions x and y, in pixels."""
    row, column = np.indices(size)
    u_x, u_y = (2 * column + 1) / size[1] - 1, (2 * row + 1) / size[0] - 1
    v = [a * u_x + b * u_y + t for a, b, t in theta]
    x, y = (((one + 1) * n - 1) / 2 for one, n in zip(v, shape[::-1], strict=True))
    return x, y


def read_pixels(image: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The sum of the contract, literally."""
    height, width = image.shape
    return np.einsum("...n,nm,...m->...", hat(y, height), image, hat(x, width))


def prepared_view(
    image: np.ndarray, theta: np.ndarray, size: tuple[int, int], mean: float, std: float
) -> np.ndarray:
    """Read, and then normalise."""
    return (read_pixels(image, *read_positions(theta, size, image.shape)) - mean) / std


def shows_frame() -> Arguments:
    """A black pixel from afar: whoever reads black anywhere, in whatever way, reads black."""
    return np.zeros((1, 1)), np.array([[4.0, 0, 0], [0, 4.0, 0]]), (2, 2), 0.5, 0.5


def shows_lost_edge() -> Arguments:
    """The very centre of one pixel; the weights sum to one there, so the mean does not matter."""
    return np.ones((1, 1)), np.zeros((2, 3)), (1, 2), 0.3, 0.5


def shows_corners() -> Arguments:
    """A view of one pixel, which the other convention takes from the left."""
    theta = np.array([[0.5, 0, 0], [0, 0, 0]])
    return np.array([[0.0, 1.0], [0.0, 1.0]]), theta, (1, 1), 0.3, 0.5
