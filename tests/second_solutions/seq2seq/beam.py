"""Sorted lists of tuples in place of sorted arrays."""

import numpy as np


def widen(
    log_probability: np.ndarray, total: np.ndarray, n_keep: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All continuations as tuples, whose own order is the order that is wanted."""
    every = sorted(
        (-float(total[i] + value), i, j)
        for i, row in enumerate(log_probability)
        for j, value in enumerate(row)
    )
    kept = every[:n_keep]
    return (
        np.array([-one[0] for one in kept]),
        np.array([one[1] for one in kept]),
        np.array([one[2] for one in kept]),
    )


def beam(table: np.ndarray, start: int, end: int, n_beam: int) -> tuple[np.ndarray, np.ndarray]:
    """Hypotheses as pairs of a total and a tuple of words; only possible ones are ever made."""
    alive: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
    for step in table:
        longer = []
        for total, words in alive:
            if end in words:
                longer.append((total, (*words, end)))
                continue
            row = step[words[-1] if words else start]
            longer += [(total + float(one), (*words, j)) for j, one in enumerate(row)]
        alive = sorted(longer, key=lambda pair: -pair[0])[:n_beam]
    return np.array([words for _, words in alive]), np.array([total for total, _ in alive])


def reranked(token: np.ndarray, total: np.ndarray, end: int, power: float) -> np.ndarray:
    """Python's sorting keeps the order of equals, upside down as well."""
    quality = []
    for words, one in zip(token.tolist(), total, strict=True):
        length = words.index(end) + 1 if end in words else len(words)
        quality.append(one / length**power)
    return np.array(sorted(range(len(quality)), key=quality.__getitem__, reverse=True), dtype=int)


def trap(width: int) -> np.ndarray:
    """Decoys 2, 3, … that go on to anything, and one word more that goes on to the end."""
    n_token = 40
    good = width + 2
    chance = np.ones((2, n_token, n_token))
    first = np.full(n_token, 1e-6)
    first[2:good] = 1.1 + 0.01 * np.arange(width)
    first[good] = 1.0
    chance[0] = first
    chance[1, good] = 1e-6
    chance[1, good, 0] = 1.0
    return np.log(chance / chance.sum(axis=2, keepdims=True))
