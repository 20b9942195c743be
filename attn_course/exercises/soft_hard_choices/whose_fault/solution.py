"""Looking or recognising: swaps of halves, and what they say."""

import numpy as np


def expected_share() -> float:
    """The share of the error that you expect to be the looking's."""
    ### BEGIN SOLUTION
    return 0.5
    ### END SOLUTION


def effects(wrong: np.ndarray) -> np.ndarray:
    """What the place and retraining are worth, and the interaction: (3,)."""
    ### BEGIN SOLUTION
    e = wrong.mean(axis=2)
    by_place = e[:, 0] - e[:, 1]
    by_reader = e[0] - e[1]
    both = by_place[0] - by_place[1]
    return np.array([by_place.mean(), by_reader.mean(), both])
    ### END SOLUTION


def half_width(wrong: np.ndarray) -> float:
    """Half the width of the 95 % interval of the interaction."""
    ### BEGIN SOLUTION
    w = wrong.astype(float)
    each = (w[0, 0] - w[0, 1]) - (w[1, 0] - w[1, 1])
    return float(1.96 * each.std(ddof=1) / np.sqrt(len(each)))
    ### END SOLUTION


def split(
    covered: np.ndarray, answered_wrong: np.ndarray
) -> tuple[float, float]:
    """Shares of all examples: wrong and missed, wrong and covered."""
    ### BEGIN SOLUTION
    missed = np.mean(answered_wrong * (1 - covered))
    return float(missed), float(np.mean(answered_wrong * covered))
    ### END SOLUTION


def ceiling(covered: np.ndarray, n_class: int) -> float:
    """Error of a reader that is right where it is covered, else guesses."""
    ### BEGIN SOLUTION
    return float((1 - np.mean(covered)) * (1 - 1 / n_class))
    ### END SOLUTION


def verdict(wrong: np.ndarray) -> str:
    """Whose fault it was, by the swaps that mend it."""
    ### BEGIN SOLUTION
    e = wrong.mean(axis=2)
    half = (e[0, 0] - e[1, 1]) / 2
    place_mends = e[0, 0] - e[0, 1] >= half
    reader_mends = e[0, 0] - e[1, 0] >= half
    if place_mends and reader_mends:
        return "each other"
    if place_mends:
        return "looking"
    return "recognising" if reader_mends else "both"
    ### END SOLUTION
