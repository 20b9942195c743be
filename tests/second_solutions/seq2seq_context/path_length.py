"""Slopes by a step into the imaginary, which takes no difference; powers in many decimals."""

from decimal import Decimal, localcontext

import numpy as np

TINY = 1e-100


def step(x: np.ndarray, h: np.ndarray, params: dict[str, np.ndarray]) -> np.ndarray:
    """One step of the cell, for complex numbers too."""
    z = 1 / (1 + np.exp(-(params["a_input"] @ x + params["a_hidden"] @ h + params["a"])))
    n = np.tanh(params["w_input"] @ x + params["w_hidden"] @ h + params["b"])
    return z * h + (1 - z) * n


def step_slope(x: np.ndarray, h: np.ndarray, params: dict[str, np.ndarray]) -> np.ndarray:
    """A column for each unit of the state."""
    nudge = 1j * TINY * np.eye(len(h))
    return np.stack([step(x, h + one, params).imag / TINY for one in nudge], axis=1)


def first_letter(feature: np.ndarray, params: dict[str, np.ndarray]) -> np.ndarray:
    """A column for each number of the first input, whose nudge runs through all steps."""
    columns = []
    for one in 1j * TINY * np.eye(feature.shape[1]):
        h = step(feature[0] + one, np.zeros(len(params["a"])), params)
        for x in feature[1:]:
            h = step(x, h, params)
        columns.append(h.imag / TINY)
    return np.stack(columns, axis=1)


def steps_until(keep: float, share: float) -> int:
    """The whole steps of a ratio of logarithms, and one more."""
    with localcontext() as context:
        context.prec = 60
        return int(Decimal(share).ln() / Decimal(keep).ln()) + 1


def gate_bias(n_step: int, share: float) -> float:
    """From 1 + e^(-a) = share^(-1/n)."""
    return float(-np.log(np.expm1(-np.log(share) / n_step)))
