"""Four kinds of attention with one interface, and the loop around them."""

from collections.abc import Callable

import numpy as np

SIZE, STD = 3, 0.1  # side of a crop in pixels, std of its place


def soft_item(
    control: np.ndarray, feature: np.ndarray, noise: None
) -> np.ndarray:
    """Items (n_item, d) summed under the softmax of scores (n_item,)."""
    ### BEGIN SOLUTION
    weight = np.exp(control - control.max())
    return weight @ feature / weight.sum()
    ### END SOLUTION


def hard_item(
    control: np.ndarray, feature: np.ndarray, noise: np.ndarray
) -> np.ndarray:
    """The item (d,) with the largest sum of score and noise (n_item,)."""
    ### BEGIN SOLUTION
    return feature[np.argmax(control + noise)]
    ### END SOLUTION


def soft_location(
    control: np.ndarray, feature: np.ndarray, noise: None
) -> np.ndarray:
    """An image (height, width) under a sigmoid mask of its own size."""
    ### BEGIN SOLUTION
    return feature / (1 + np.exp(-control))
    ### END SOLUTION


def hard_location(
    control: np.ndarray, feature: np.ndarray, noise: np.ndarray
) -> np.ndarray:
    """The crop (SIZE, SIZE) of an image around a place (x, y) drawn near."""
    ### BEGIN SOLUTION
    height, width = feature.shape
    place = control + STD * noise
    left, top = np.floor(
        (place + 1) / 2 * [width, height] - SIZE / 2 + 0.5
    ).astype(int)
    crop = np.zeros((SIZE, SIZE))
    for i in range(SIZE):
        for j in range(SIZE):
            if 0 <= top + i < height and 0 <= left + j < width:
                crop[i, j] = feature[top + i, left + j]
    return crop
    ### END SOLUTION


KINDS: dict[str, Callable[..., np.ndarray]] = {
    "soft_item": soft_item,
    "hard_item": hard_item,
    "soft_location": soft_location,
    "hard_location": hard_location,
}


def walk(
    kind: str,
    feature: np.ndarray,
    noise: list,
    w_control: np.ndarray,
    w_input: np.ndarray,
    w_hidden: np.ndarray,
) -> np.ndarray:
    """States (n_step, d_hidden) of the loop around one of the four kinds."""
    ### BEGIN SOLUTION
    hidden = np.zeros(len(w_hidden))
    states = []
    for draw in noise:
        control = w_control @ hidden
        if kind == "soft_location":
            control = control.reshape(feature.shape)
        glimpse = KINDS[kind](control, feature, draw)
        hidden = np.tanh(w_input @ glimpse.ravel() + w_hidden @ hidden)
        states.append(hidden)
    return np.array(states)
    ### END SOLUTION
