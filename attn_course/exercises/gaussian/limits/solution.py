"""What one Gaussian filter reads at the ends of its scale."""

import numpy as np


def narrow(line: np.ndarray, mean: float) -> float:
    """Reading in the limit of std to zero, under the rule "exact"."""
    ### BEGIN SOLUTION
    distance = np.abs(np.arange(len(line)) - mean)
    return float(line[distance == distance.min()].mean())
    ### END SOLUTION


def wide(line: np.ndarray) -> float:
    """Reading in the limit of std to infinity, under the rule "exact"."""
    ### BEGIN SOLUTION
    return float(np.mean(line))
    ### END SOLUTION


def far(line: np.ndarray, side: str, rule: str) -> float:
    """Reading as the mean goes off the image for ever, "left" or "right"."""
    ### BEGIN SOLUTION
    if rule == "source":
        return 0.0
    return float(line[0] if side == "left" else line[-1])
    ### END SOLUTION
