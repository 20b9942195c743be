"""The slopes forwards: how every state moves with every number, carried along with the states."""

import numpy as np


def states(
    feature: np.ndarray, w_input: np.ndarray, w_hidden: np.ndarray, b: np.ndarray
) -> np.ndarray:
    """All inputs at once, then the states one by one."""
    pushed = feature @ w_input.T + b
    kept: list[np.ndarray] = []
    for row in pushed:
        kept.append(np.tanh(row + w_hidden @ kept[-1]) if kept else np.tanh(row))
    return np.array(kept)


def gradients(
    feature: np.ndarray,
    w_input: np.ndarray,
    w_hidden: np.ndarray,
    b: np.ndarray,
    upstream: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Sensitivities, one column for each number of the arguments."""
    n_step, d_in = feature.shape
    d = len(b)
    h = states(feature, w_input, w_hidden, b)
    sizes = [n_step * d_in, d * d_in, d * d, d]
    moves = np.zeros((d, sum(sizes)))
    total = np.zeros(sum(sizes))
    unit = np.eye(d)
    for t in range(n_step):
        x, before = feature[t], h[t - 1] if t else np.zeros(d)
        own = np.zeros((d, n_step, d_in))
        own[:, t] = w_input
        direct = [own.reshape(d, -1), np.kron(unit, x), np.kron(unit, before), unit]
        moves = (1 - h[t] ** 2)[:, None] * (np.hstack(direct) + w_hidden @ moves)
        total += upstream[t] @ moves
    parts = np.split(total, np.cumsum(sizes)[:-1])
    shapes = [feature.shape, w_input.shape, w_hidden.shape, b.shape]
    one, two, three, four = (part.reshape(s) for part, s in zip(parts, shapes, strict=True))
    return one, two, three, four


def influence(
    feature: np.ndarray, w_input: np.ndarray, w_hidden: np.ndarray, b: np.ndarray
) -> np.ndarray:
    """Row by row: a loss that is one unit of the last state, carried back to the first."""
    h = states(feature, w_input, w_hidden, b)
    rows = np.eye(len(b))
    for t in range(len(h) - 1, 0, -1):
        rows = (rows * (1 - h[t] ** 2)) @ w_hidden
    return rows
