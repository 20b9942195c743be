"""Thin-plate splines as matrices, and the price of bending one."""

import numpy as np


def radial(distance: np.ndarray) -> np.ndarray:
    """U(r) = r^2 log r^2, and U(0) = 0; distances of any shape."""
    ### BEGIN SOLUTION
    square = np.asarray(distance, dtype=float) ** 2
    return square * np.log(np.where(square > 0, square, 1.0))
    ### END SOLUTION


### BEGIN SOLUTION
def _distance(point: np.ndarray, control: np.ndarray) -> np.ndarray:
    """Distances (n, k) from points (n, 2) to control points (k, 2)."""
    return np.linalg.norm(point[:, None] - control, axis=-1)


def _plane(point: np.ndarray) -> np.ndarray:
    """Rows (1, x, y)."""
    return np.column_stack([np.ones(len(point)), point])


### INSTEAD
# # What your functions share may stand here.
### END SOLUTION


def spline_weights(control: np.ndarray, point: np.ndarray) -> np.ndarray:
    """How much each landing point counts at each point: (n, k).

    Control points are (k, 2), points (n, 2).
    """
    ### BEGIN SOLUTION
    n_control = len(control)
    bump, plane = radial(_distance(control, control)), _plane(control)
    corner = np.zeros((plane.shape[1], plane.shape[1]))
    system = np.block([[bump, plane], [plane.T, corner]])
    # A column of coefficients for each control point: 1 there, 0 elsewhere.
    coefficient = np.linalg.solve(system, np.eye(len(system), n_control))
    near = radial(_distance(point, control))
    return np.column_stack([near, _plane(point)]) @ coefficient
    ### END SOLUTION


def bending_energy(control: np.ndarray, landing: np.ndarray) -> float:
    """How much the spline bends that takes control points to landing points.

    Both are (k, 2).
    """
    ### BEGIN SOLUTION
    # What of a landing no affine map can reach: it decides the bend alone.
    plane = np.column_stack([np.ones(len(control)), control])
    rest = np.linalg.qr(plane, mode="complete")[0][:, 3:]
    bump = rest.T @ radial(_distance(control, control)) @ rest
    bent = rest.T @ landing
    return float(np.sum(bent * np.linalg.solve(bump, bent)))
    ### END SOLUTION
