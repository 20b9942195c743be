"""What a perplexity counts, and what it is when nobody is spared a word."""

import numpy as np


def perplexity(surprise: np.ndarray, counted: np.ndarray) -> float:
    """Perplexity of the tokens that count, in all windows together."""
    ### BEGIN SOLUTION
    paid = np.asarray(surprise, dtype=float)[counted]
    if not paid.size:
        raise ValueError("a model that is asked nothing has no perplexity")
    return float(np.exp(paid.mean()))
    ### END SOLUTION


def spelled_out(
    surprise: np.ndarray,
    counted: np.ndarray,
    unknown: np.ndarray,
    n_hidden: int,
) -> float:
    """Perplexity if UNKNOWN is shared out among the words behind it."""
    ### BEGIN SOLUTION
    charge = np.log(n_hidden) if n_hidden else 0.0
    dearer = surprise + np.where(unknown, charge, 0.0)
    return perplexity(dearer, counted)
    ### END SOLUTION


def bits_per_character(
    surprise: np.ndarray, counted: np.ndarray, n_character: np.ndarray
) -> float:
    """Bits that a character of the tokens that count costs."""
    ### BEGIN SOLUTION
    n_letter = np.where(counted, n_character, 0).sum()
    if not n_letter:
        raise ValueError("a text without a character has no price for one")
    paid = np.asarray(surprise, dtype=float)[counted]
    return float(paid.sum() / np.log(2) / n_letter)
    ### END SOLUTION


def without_context(count: np.ndarray, n_kept: int) -> np.ndarray:
    """Perplexity of word counts, plain and spelled out: (2,)."""
    ### BEGIN SOLUTION
    ranked = np.sort(count)[::-1]
    known, rest = ranked[:n_kept], ranked[n_kept:]
    part = np.append(known, rest.sum()) / ranked.sum()
    part = part[part > 0]
    plain = np.exp(-np.sum(part * np.log(part)))
    toll = len(rest) ** (rest.sum() / ranked.sum())
    return np.array([plain, plain * toll])
    ### END SOLUTION


def paired_interval(
    one: np.ndarray,
    other: np.ndarray,
    counted: np.ndarray,
    chapter: np.ndarray,
    draw: np.ndarray,
) -> np.ndarray:
    """Bounds (2,) of the ratio of two perplexities, by drawn chapters."""
    ### BEGIN SOLUTION
    gap = np.asarray(one, dtype=float) - other
    lead = np.bincount(chapter, np.where(counted, gap, 0.0).sum(axis=1))
    size = np.bincount(chapter, counted.sum(axis=1))
    ratio = np.exp(lead[draw].sum(axis=1) / size[draw].sum(axis=1))
    return np.percentile(ratio, [2.5, 97.5])
    ### END SOLUTION
