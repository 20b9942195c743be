"""Find a displaced pixel in a port of DRAW by reading the probe through all four ports oneself."""

import numpy as np

STRIDE = 0.3  # pixels


def axis(n_pixel: int, n_filter: int, count_from_one: bool, first_is_one: bool) -> np.ndarray:
    """Filters (n_filter, n_pixel) of one port along one axis, for a window in the middle."""
    centre = (n_pixel + 1) / 2 - (0 if count_from_one else 1)
    index = np.arange(n_filter) - n_filter / 2 + (-0.5 if first_is_one else 0.5)
    score = -((np.arange(n_pixel) - (centre + index * STRIDE)[:, None]) ** 2) / 2
    return np.exp(score - np.logaddexp.reduce(score, axis=1)[:, None])


def probe(size: tuple[int, int], n_filter: int) -> tuple[np.ndarray, np.ndarray]:
    """A tilted plane, three times as steep along y, and a narrow window in the middle of it."""
    y, x = np.indices(size)
    raw = np.zeros(5)
    raw[3] = np.log(STRIDE) + np.log(n_filter - 1) - np.log(max(size) - 1)
    return (3.0 * y - x)[None], raw


def verdict(patch: np.ndarray, size: tuple[int, int], n_filter: int) -> str:
    """The port whose patch is the likest."""
    image = probe(size, n_filter)[0][0]
    far = {}
    for name, faults in (
        ("right", (False, False)),
        ("g", (True, False)),
        ("i", (False, True)),
        ("both", (True, True)),
    ):
        read = axis(size[0], n_filter, *faults) @ image @ axis(size[1], n_filter, *faults).T
        far[name] = float(np.abs(read - patch[0]).sum())
    return min(far, key=lambda name: far[name])
