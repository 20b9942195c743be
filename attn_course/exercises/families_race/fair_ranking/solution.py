"""Ranks of the arms of a race, and how sure they are."""

import numpy as np


def ranks(wrong: np.ndarray) -> np.ndarray:
    """Ranks (n_arm,) by error; 1 is the smallest, and ties share."""
    ### BEGIN SOLUTION
    if 0 in wrong.shape:
        raise ValueError("a race must have arms, seeds and examples")
    count = wrong.sum(axis=(1, 2))
    ahead = (count < count[:, None]).sum(axis=1)
    level = (count == count[:, None]).sum(axis=1)
    return ahead + (level + 1) / 2
    ### END SOLUTION


def rank_intervals(wrong: np.ndarray, n_draw: int, seed: int) -> np.ndarray:
    """Bootstrap intervals (n_arm, 2) of the ranks."""
    ### BEGIN SOLUTION
    rng, shape = np.random.default_rng(seed), wrong.shape
    n_arm, n_seed, n_example = shape
    arm = np.arange(n_arm)[:, None]
    drawn = []
    for _ in range(n_draw):
        run = rng.integers(n_seed, size=(n_arm, n_seed))
        example = rng.integers(n_example, size=n_example)
        race = wrong[arm, run][:, :, example]
        drawn.append(ranks(race))
    bounds = np.percentile(drawn, [2.5, 97.5], axis=0)
    return bounds.T
    ### END SOLUTION
