"""Token by token in plain Python numbers: an array is only what comes in and what goes out."""

import heapq
import math
from collections import Counter
from collections.abc import Iterator

import numpy as np


def asked(counted: np.ndarray, *tables: np.ndarray) -> Iterator[tuple]:
    """What the tables hold at each token that counts, and nothing of the others."""
    rows = [np.asarray(table).tolist() for table in (counted, *tables)]
    for window in zip(*rows, strict=True):
        for counts, *values in zip(*window, strict=True):
            if counts:
                yield tuple(values)


def raised(exponent: float) -> float:
    """The exponential, infinite where it does not fit into a float."""
    try:
        return math.exp(exponent)
    except OverflowError:
        return math.inf


def average(charges: list[float]) -> float:
    """The mean of the charges, refused where there is none."""
    if not charges:
        raise ValueError("no token counts")
    return math.fsum(charges) / len(charges)


def perplexity(surprise: np.ndarray, counted: np.ndarray) -> float:
    """One long list, whatever window a token stands in."""
    return raised(average([nats for (nats,) in asked(counted, surprise)]))


def spelled_out(
    surprise: np.ndarray, counted: np.ndarray, unknown: np.ndarray, n_hidden: int
) -> float:
    """The logarithm is taken only when a token asks for it, so that of 0 never is."""
    charges = []
    for nats, hidden in asked(counted, surprise, unknown):
        charges.append(nats + math.log(n_hidden) if hidden else nats)
    return raised(average(charges))


def bits_per_character(surprise: np.ndarray, counted: np.ndarray, n_character: np.ndarray) -> float:
    """Characters are added as whole numbers, which cannot run over."""
    cost, length = [], 0
    for nats, characters in asked(counted, surprise, n_character):
        cost.append(nats)
        length += int(characters)
    if length == 0:
        raise ValueError("no characters")
    return math.fsum(cost) / math.log(2) / length


def without_context(count: np.ndarray, n_kept: int) -> np.ndarray:
    """What is not kept is what remains, of the words and of the types."""
    numbers = [int(n) for n in np.asarray(count).tolist()]
    n_word = sum(numbers)
    known = heapq.nlargest(int(n_kept), numbers)
    n_unknown, n_hidden = n_word - sum(known), len(numbers) - len(known)
    answers = [*known, n_unknown] if n_hidden else known
    entropy = math.fsum(n / n_word * math.log(n_word / n) for n in answers)
    extra = n_unknown / n_word * math.log(n_hidden) if n_hidden else 0.0
    return np.array([raised(entropy), raised(entropy + extra)])


def between(ordered: list[float], share: float) -> float:
    """The value that lies at a share of the way through an ordered list."""
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def paired_interval(
    one: np.ndarray,
    other: np.ndarray,
    counted: np.ndarray,
    chapter: np.ndarray,
    draw: np.ndarray,
) -> np.ndarray:
    """Each text is put together from its chapters, as often as they occur in it."""
    lead: dict[int, list[float]] = {}
    of_chapter = np.broadcast_to(np.asarray(chapter)[:, None], np.shape(counted))
    for mine, yours, home in asked(counted, one, other, of_chapter):
        lead.setdefault(home, []).append(mine - yours)
    total = {home: math.fsum(values) for home, values in lead.items()}
    ratios = []
    for text in np.asarray(draw).tolist():
        times = Counter(text)
        nats = math.fsum(n * total[home] for home, n in times.items())
        n_token = sum(n * len(lead[home]) for home, n in times.items())
        ratios.append(raised(nats / n_token))
    ratios.sort()
    return np.array([between(ratios, 0.025), between(ratios, 0.975)])
