"""A simple recurrent cell, forwards and backwards."""

import numpy as np


def states(
    feature: np.ndarray,
    w_input: np.ndarray,
    w_hidden: np.ndarray,
    b: np.ndarray,
) -> np.ndarray:
    """All states of the cell, from a state of zeros: (n_step, d_hidden)."""
    ### BEGIN SOLUTION
    found = np.zeros((len(feature), len(b)))
    before = np.zeros(len(b))
    for t, x in enumerate(feature):
        before = np.tanh(w_input @ x + w_hidden @ before + b)
        found[t] = before
    return found
    ### END SOLUTION


def gradients(
    feature: np.ndarray,
    w_input: np.ndarray,
    w_hidden: np.ndarray,
    b: np.ndarray,
    upstream: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Slopes of the loss: by_feature, by_w_input, by_w_hidden, by_b."""
    ### BEGIN SOLUTION
    found = states(feature, w_input, w_hidden, b)
    by_score = np.zeros(found.shape)
    later = np.zeros(len(b))
    for t in reversed(range(len(feature))):
        by_score[t] = (upstream[t] + later) * (1 - found[t] ** 2)
        later = w_hidden.T @ by_score[t]
    by_feature = by_score @ w_input
    by_w_input = by_score.T @ feature
    by_w_hidden = by_score[1:].T @ found[:-1]
    return by_feature, by_w_input, by_w_hidden, by_score.sum(axis=0)
    ### END SOLUTION


def influence(
    feature: np.ndarray,
    w_input: np.ndarray,
    w_hidden: np.ndarray,
    b: np.ndarray,
) -> np.ndarray:
    """Slope of the last state by the first: (d_hidden, d_hidden)."""
    ### BEGIN SOLUTION
    product = np.eye(len(b))
    for state in states(feature, w_input, w_hidden, b)[1:]:
        step = (1 - state**2)[:, None] * w_hidden
        product = step @ product
    return product
    ### END SOLUTION
