"""Distances from letters to words in different orders of reading."""

import numpy as np


def distances(letter: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Steps (n_word,) from each needed letter to its word."""
    ### BEGIN SOLUTION
    n = len(order)
    place = np.empty(n, int)
    place[order] = np.arange(n)
    return n - place[letter] + np.arange(len(letter))
    ### END SOLUTION


def share_left(letter: np.ndarray, order: np.ndarray, keep: float) -> float:
    """Mean over the words of what the way leaves of their letters."""
    ### BEGIN SOLUTION
    return float(np.mean(keep ** distances(letter, order)))
    ### END SOLUTION


def best_order(letter: np.ndarray) -> np.ndarray:
    """Order of reading (n,) that leaves most."""
    ### BEGIN SOLUTION
    return letter[::-1].copy()
    ### END SOLUTION


def turned_gain(n: int, keep: float) -> float:
    """How much more is left if a source is read from its end."""
    ### BEGIN SOLUTION
    log_keep = np.log(keep)
    mean_term = np.expm1(2 * n * log_keep) / np.expm1(2 * log_keep) / n
    return float(mean_term * np.exp((1 - n) * log_keep))
    ### END SOLUTION
