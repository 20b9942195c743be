"""Four kinds of attention: the crop by two matrices of zeros and ones, the rest by hand."""

import numpy as np

SIZE, STD = 3, 0.1


def soft_item(control: np.ndarray, feature: np.ndarray, noise: None) -> np.ndarray:
    """Each weight is one over a sum of exponentials of differences."""
    weight = 1 / np.exp(control[None] - control[:, None]).sum(axis=1)
    return weight @ feature


def hard_item(control: np.ndarray, feature: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """The last in the order of the sums."""
    return feature[np.argsort(control + noise)[-1]].copy()


def soft_location(control: np.ndarray, feature: np.ndarray, noise: None) -> np.ndarray:
    """Half the image, more or less of it where the score is high or low."""
    return feature * (0.5 + 0.5 * np.tanh(control / 2))


def selection(place: float, n_pixel: int) -> np.ndarray:
    """Matrix (SIZE, n_pixel) that picks the crop's pixels along one axis; rows of zeros outside."""
    first = np.floor((place + 1) / 2 * n_pixel - SIZE / 2 + 0.5)
    return (first + np.arange(SIZE)[:, None] == np.arange(n_pixel)).astype(float)


def hard_location(control: np.ndarray, feature: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Rows picked from the left, columns from the right."""
    x, y = control + STD * noise
    height, width = feature.shape
    return selection(y, height) @ feature @ selection(x, width).T


KINDS = {
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
    """The states stacked under a first one of zeros, which is dropped at the end."""
    states = [np.zeros(len(w_hidden))]
    both = np.concatenate([w_input, w_hidden], axis=1)
    for one in noise:
        control = w_control @ states[-1]
        if kind == "soft_location":
            control = control.reshape(feature.shape)
        glimpse = KINDS[kind](control, feature, one)
        states.append(np.tanh(both @ np.concatenate([np.ravel(glimpse), states[-1]])))
    return np.array(states[1:]).reshape(len(noise), len(w_hidden))
