"""Each source by itself, its padding cut away first."""

import numpy as np


def sweep(
    feature: np.ndarray,
    mask: np.ndarray,
    w_input: np.ndarray,
    w_hidden: np.ndarray,
    b: np.ndarray,
    back: bool,
) -> np.ndarray:
    """Only the real steps of each example are walked through."""
    states = np.zeros((*mask.shape, len(b)))
    for one, real, out in zip(feature, mask, states, strict=True):
        h = np.zeros(len(b))
        walk = np.flatnonzero(real)
        for t in walk[::-1] if back else walk:
            h = np.tanh(w_input @ one[t] + w_hidden @ h + b)
            out[t] = h
    return states


def ends(ahead: np.ndarray, back: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The last of the real states of one reader, the first of the other."""
    found = np.zeros((len(mask), ahead.shape[2] + back.shape[2]))
    for k, real in enumerate(mask):
        if real.any():
            found[k] = np.concatenate([ahead[k][real][-1], back[k][real][0]])
    return found


def mean_annotation(annotation: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The mean of what is left when padding has been cut away."""
    mean = np.zeros((len(annotation), annotation.shape[2]))
    for k, real in enumerate(mask):
        if real.any():
            mean[k] = annotation[k][real].mean(axis=0)
    return mean


def word_loss(log_probability: np.ndarray, target: np.ndarray, mask: np.ndarray) -> float:
    """All real words of the batch in one row."""
    words, right = log_probability[mask], target[mask]
    if not len(words):
        return 0.0
    return -sum(float(row[k]) for row, k in zip(words, right, strict=True)) / len(words)
