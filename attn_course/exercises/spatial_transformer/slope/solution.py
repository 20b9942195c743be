"""The gradients of a bilinear sampler, and of the affine map before it."""

import numpy as np

### BEGIN SOLUTION
NEIGHBOURS = ((0, 0), (1, 0), (0, 1), (1, 1))


def _in_pixels(
    grid: np.ndarray, size: np.ndarray, padding: str, align_corners: bool
) -> np.ndarray:
    """Positions (x, y) of normalised points; size is (width, height)."""
    if align_corners:
        position = (grid + 1) * (size - 1) / 2
    else:
        position = ((grid + 1) * size - 1) / 2
    return np.clip(position, 0, size - 1) if padding == "border" else position


### INSTEAD
# # What your functions share may stand here.
### END SOLUTION


def image_gradient(
    size: tuple[int, int],
    grid: np.ndarray,
    upstream: np.ndarray,
    padding: str = "zeros",
    align_corners: bool = False,
) -> np.ndarray:
    """Gradient by the image: (channel, height, width)."""
    ### BEGIN SOLUTION
    count = np.array(size[::-1])
    position = _in_pixels(grid, count, padding, align_corners)
    before = np.floor(position)
    beyond = position - before
    d_image = np.zeros((len(upstream), *size))
    for step in NEIGHBOURS:
        pixel = before + step
        there = ((pixel >= 0) & (pixel < count)).all(axis=-1)
        weight = np.where(step, beyond, 1 - beyond).prod(axis=-1)
        x, y = pixel[there].astype(int).T
        passed = (weight * upstream)[:, there]
        np.add.at(np.moveaxis(d_image, 0, -1), (y, x), passed.T)
    return d_image
    ### END SOLUTION


def grid_gradient(
    image: np.ndarray,
    grid: np.ndarray,
    upstream: np.ndarray,
    padding: str = "zeros",
    align_corners: bool = False,
) -> np.ndarray:
    """Gradient by the normalised points: (h, w, 2)."""
    ### BEGIN SOLUTION
    count = np.array(image.shape[:0:-1])
    position = _in_pixels(grid, count, padding, align_corners)
    before = np.floor(position)
    beyond = position - before
    d_position = np.zeros(grid.shape)
    for step in NEIGHBOURS:
        pixel = before + step
        there = ((pixel >= 0) & (pixel < count)).all(axis=-1)
        sign = np.where(step, 1.0, -1.0)
        weight = np.where(step, beyond, 1 - beyond)[..., ::-1]
        x, y = np.moveaxis(np.clip(pixel, 0, count - 1).astype(int), -1, 0)
        seen = there * (upstream * image[:, y, x]).sum(axis=0)
        d_position += seen[..., None] * sign * weight
    if padding == "border":
        d_position *= (position > 0) & (position < count - 1)
    return np.asarray(d_position * (count - bool(align_corners)) / 2)
    ### END SOLUTION


def matrix_gradient(
    by_grid: np.ndarray, align_corners: bool = False
) -> np.ndarray:
    """Gradient by the affine map that made the points: (2, 3)."""
    ### BEGIN SOLUTION
    along = []
    for n in by_grid.shape[1::-1]:
        outermost = 1.0 if align_corners and n > 1 else 1 - 1 / n
        along.append(np.linspace(-outermost, outermost, n))
    x, y = np.meshgrid(*along)
    point = np.stack([x, y, np.ones_like(x)], axis=-1)
    return np.asarray(np.einsum("ijk,ijl->kl", by_grid, point))
    ### END SOLUTION


def printed_slope(line: np.ndarray, x: float) -> float:
    """The slope by the position as the paper prints it."""
    ### BEGIN SOLUTION
    pixel = np.arange(len(line))
    rule = np.where(pixel >= x, 1.0, -1.0)
    rule[np.abs(pixel - x) >= 1] = 0.0
    return float(rule @ line)
    ### END SOLUTION
