"""A draw with replacement as multiplicities of runs and examples; ranks by a counting sort."""

import numpy as np


def shared_places(count: np.ndarray) -> np.ndarray:
    """Ranks of whole numbers: how many lie below, and the middle of those of equal size."""
    frequency = np.bincount(count)
    below = np.cumsum(frequency) - frequency
    return below[count] + (frequency[count] + 1) / 2


def checked(wrong: np.ndarray) -> np.ndarray:
    """Ones and zeros, of which there are some."""
    wrong = np.asarray(wrong)
    if wrong.size == 0:
        raise ValueError(f"an axis of length 0: {wrong.shape}")
    return wrong.astype(np.int64)


def ranks(wrong: np.ndarray) -> np.ndarray:
    """All arms gave equally many answers, so that counts rank them as shares do."""
    return shared_places(checked(wrong).sum(axis=(1, 2)))


def rank_intervals(wrong: np.ndarray, n_draw: int, seed: int) -> np.ndarray:
    """How often each run and each example comes up, for all races at once."""
    wrong = checked(wrong)
    n_arm, n_seed, n_example = wrong.shape
    rng = np.random.default_rng(seed)
    times_run = rng.multinomial(n_seed, np.full(n_seed, 1 / n_seed), size=(n_draw, n_arm))
    times_example = rng.multinomial(n_example, np.full(n_example, 1 / n_example), size=n_draw)
    of_run = np.moveaxis(wrong @ times_example.T, -1, 0)
    place = [shared_places(count) for count in (times_run * of_run).sum(axis=-1)]
    return np.percentile(place, [2.5, 97.5], axis=0).T
