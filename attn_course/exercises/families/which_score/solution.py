"""Six score functions, told apart by one question."""

import numpy as np

SCORES = ("dot", "scaled", "cosine", "general", "additive", "location")


def to_ask() -> tuple[np.ndarray, np.ndarray]:
    """Queries (n_query, 4) and keys (n_key, 4) to put into the box."""
    ### BEGIN SOLUTION
    size = np.array([[0.0], [1.0], [2.0]])
    here = np.array([1.0, -2.0, 3.0, 0.5])
    there = np.array([2.0, 1.0, -1.0, 4.0])
    return size * here, size * there
    ### END SOLUTION


def kind_of(query: np.ndarray, key: np.ndarray, score: np.ndarray) -> str:
    """Name of the score function that gave these scores (n_query, n_key)."""
    ### BEGIN SOLUTION
    once, twice = score[1, 1], score[2, 2]
    if abs(score[0, 1]) > 1e-9:
        return "additive"
    if abs(score[1, 0]) > 1e-9:
        return "location"
    if np.isclose(once, twice, rtol=1e-9):
        return "cosine"
    product = query[1] @ key[1]
    if np.isclose(once, product, rtol=1e-9):
        return "dot"
    if np.isclose(once, product / 2, rtol=1e-9):
        return "scaled"
    return "general"
    ### END SOLUTION
