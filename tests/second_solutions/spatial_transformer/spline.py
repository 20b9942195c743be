"""The bending part alone, among weights that obey the three equations; then a plane for the rest.

In a unit of the control points' own, measured from their middle, nothing is badly conditioned. The
spline is the same function in any unit, and its energy goes as one over the unit's square.
"""

import numpy as np


def radial(distance: np.ndarray) -> np.ndarray:
    """2 r^2 log r, where there is a logarithm."""
    r = np.asarray(distance, dtype=float)
    return 2 * r**2 * np.log(r, out=np.zeros_like(r), where=r > 0)


def between(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """U of all distances, (len(one), len(other))."""
    away = one[:, None] - other
    return radial(np.hypot(away[..., 0], away[..., 1]))


def flat(point: np.ndarray) -> np.ndarray:
    """Rows (1, x, y)."""
    return np.insert(point, 0, 1.0, axis=1)


def unit(control: np.ndarray) -> tuple[np.ndarray, float]:
    """The control points' middle and how far they spread."""
    middle = control.mean(axis=0)
    return middle, float(np.abs(control - middle).max())


def bends(place: np.ndarray) -> np.ndarray:
    """The matrix (k, k) from landing values to w."""
    free = np.linalg.qr(flat(place), mode="complete")[0][:, 3:]  # what P^T sends to zero
    stiff = free.T @ between(place, place) @ free
    return free @ np.linalg.solve(stiff, free.T)


def spline_weights(control: np.ndarray, point: np.ndarray) -> np.ndarray:
    """The bends' part, and the plane through what they leave of the landing points."""
    middle, wide = unit(control)
    place, asked = (control - middle) / wide, (point - middle) / wide
    weight = bends(place)
    rest = np.eye(len(place)) - between(place, place) @ weight
    return between(asked, place) @ weight + flat(asked) @ np.linalg.pinv(flat(place)) @ rest


def bending_energy(control: np.ndarray, landing: np.ndarray) -> float:
    """The quadratic form y^T B y, since w^T K w = w^T y."""
    middle, wide = unit(control)
    return float(np.sum(landing * (bends((control - middle) / wide) @ landing))) / wide**2
