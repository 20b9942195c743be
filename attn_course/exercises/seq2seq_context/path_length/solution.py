"""Slopes of a gated reader, step by step and from end to end."""

from collections.abc import Mapping

import numpy as np


def step_slope(
    x: np.ndarray, h: np.ndarray, params: Mapping[str, np.ndarray]
) -> np.ndarray:
    """Slope (d_hidden, d_hidden) of the next state by the state."""
    ### BEGIN SOLUTION
    z, n = _inside(x, h, params)
    through_gate = (z * (1 - z) * (h - n))[:, None] * params["a_hidden"]
    through_new = ((1 - z) * (1 - n**2))[:, None] * params["w_hidden"]
    return np.diag(z) + through_gate + through_new
    ### END SOLUTION


def first_letter(
    feature: np.ndarray, params: Mapping[str, np.ndarray]
) -> np.ndarray:
    """Slope (d_hidden, d_in) of the last state by the first input."""
    ### BEGIN SOLUTION
    h = np.zeros(len(params["b"]))
    z, n = _inside(feature[0], h, params)
    slope = (z * (1 - z) * (h - n))[:, None] * params["a_input"]
    slope = slope + ((1 - z) * (1 - n**2))[:, None] * params["w_input"]
    h = z * h + (1 - z) * n
    for x in feature[1:]:
        slope = step_slope(x, h, params) @ slope
        z, n = _inside(x, h, params)
        h = z * h + (1 - z) * n
    return slope
    ### END SOLUTION


def steps_until(keep: float, share: float) -> int:
    """Fewest steps after which less than a share is left."""
    ### BEGIN SOLUTION
    return int(np.floor(np.log(share) / np.log(keep))) + 1
    ### END SOLUTION


def gate_bias(n_step: int, share: float) -> float:
    """Bias of a gate that keeps a share over some steps."""
    ### BEGIN SOLUTION
    log_keep = np.log(share) / n_step
    return float(log_keep - np.log(-np.expm1(log_keep)))
    ### END SOLUTION


def _inside(
    x: np.ndarray, h: np.ndarray, params: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Gate z and candidate n, (d_hidden,) each."""
    gate = params["a_input"] @ x + params["a_hidden"] @ h + params["a"]
    new = params["w_input"] @ x + params["w_hidden"] @ h + params["b"]
    return 1 / (1 + np.exp(-gate)), np.tanh(new)
