"""Find a displaced pixel in a port of DRAW from one patch that it read."""

import numpy as np

### BEGIN SOLUTION
STRIDE = 0.5  # pixels
### INSTEAD
# STRIDE = 1.0  # pixels; is this a good choice?
### END SOLUTION


def probe(
    size: tuple[int, int], n_filter: int
) -> tuple[np.ndarray, np.ndarray]:
    """An image (1, height, width) and a window (5,), for a port to read."""
    ### BEGIN SOLUTION
    height, width = size
    image = np.tile(np.arange(width, dtype=float), (1, height, 1))
    largest = (max(height, width) - 1) / (n_filter - 1)
    window = np.array([0, 0, 2 * np.log(0.75), np.log(STRIDE / largest), 0])
    return image, window
    ### END SOLUTION


def verdict(patch: np.ndarray, size: tuple[int, int], n_filter: int) -> str:
    """Which port read the probe: "right", "g", "i" or "both"."""
    ### BEGIN SOLUTION
    found = patch.mean() - (size[1] - 1) / 2
    displaced = {"right": 0.0, "both": 1 - STRIDE, "g": 1.0, "i": -STRIDE}
    return min(displaced, key=lambda name: abs(displaced[name] - found))
    ### END SOLUTION
