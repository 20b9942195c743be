"""Swaps of halves by contrasts: each effect is a fixed sum of the four errors of an example."""

import numpy as np

# Weights of errors [frozen, learned], [frozen, oracle], [retrained, learnt], [retrained, oracle]
CONTRAST = np.array([[0.5, -0.5, 0.5, -0.5], [0.5, 0.5, -0.5, -0.5], [1.0, -1.0, -1.0, 1.0]])


def expected_share() -> float:
    """Two parts in three."""
    return 2 / 3


def effects(wrong: np.ndarray) -> np.ndarray:
    """Mean of the contrasts over the examples."""
    return (CONTRAST @ wrong.reshape(4, -1)).mean(axis=1)


def half_width(wrong: np.ndarray) -> float:
    """The last contrast of each example, and the spread of it."""
    each = CONTRAST[2] @ wrong.reshape(4, -1)
    return float(1.96 * np.std(each, ddof=1) / np.sqrt(len(each)))


def split(covered: np.ndarray, answered_wrong: np.ndarray) -> tuple[float, float]:
    """Count the examples in a table of two by two."""
    table = np.zeros((2, 2))
    np.add.at(table, (covered.astype(int), answered_wrong.astype(int)), 1)
    return float(table[0, 1] / table.sum()), float(table[1, 1] / table.sum())


def ceiling(covered: np.ndarray, n_class: int) -> float:
    """What is not covered is lost, but for one guess in n_class."""
    return float(1 - np.mean(np.where(covered == 1, 1.0, 1 / n_class)))


def verdict(wrong: np.ndarray) -> str:
    """Compare each swap, doubled, with both together; counts are whole numbers."""
    (as_it_was, place), (reader, both) = np.asarray(wrong).astype(int).sum(axis=2)
    mends = [bool(2 * (as_it_was - one) >= as_it_was - both) for one in (place, reader)]
    return {
        (True, False): "looking",
        (False, True): "recognising",
        (True, True): "each other",
        (False, False): "both",
    }[tuple(mends)]
