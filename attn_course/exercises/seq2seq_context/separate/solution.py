"""A judge of pairs of runs: capacity, path, or nothing."""

from collections.abc import Mapping
from typing import Any

import numpy as np

T_95 = {3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571}  # by the number of seeds


def expected(change: str) -> float:
    """What you expect a change to do to the error."""
    ### BEGIN SOLUTION
    guess = {"wider": -0.2, "reversed": -0.2, "open": -0.1, "told": -0.5}
    return guess[change]
    ### END SOLUTION


def interval(error: np.ndarray) -> tuple[float, float]:
    """95 % interval (low, high) of the mean over seeds."""
    ### BEGIN SOLUTION
    n = len(error)
    half = T_95[n] * error.std(ddof=1) / np.sqrt(n)
    middle = error.mean()
    return float(middle - half), float(middle + half)
    ### END SOLUTION


def effect(before: np.ndarray, after: np.ndarray, margin: float) -> str:
    """What a change did to the error: fell, rose, same or open."""
    ### BEGIN SOLUTION
    (low, high), (low_after, high_after) = interval(before), interval(after)
    if high_after < low:
        return "fell"
    if low_after > high:
        return "rose"
    small = -margin < low_after - high and high_after - low < margin
    return "same" if small else "open"
    ### END SOLUTION


def verdict(
    one: Mapping[str, Any], other: Mapping[str, Any], margin: float
) -> str:
    """What a pair of runs says about the two explanations."""
    ### BEGIN SOLUTION
    differ = [key for key in one if key != "error" and one[key] != other[key]]
    if len(differ) != 1 or differ == ["context"]:
        return "confounded"
    key = differ[0]
    before, after = sorted([one, other], key=lambda run: run[key])
    found = effect(before["error"], after["error"], margin)
    named = "capacity" if key == "width" else "path"
    says = {"fell": named, "same": f"not {named}"}
    return says.get(found, "undecided")
    ### END SOLUTION
