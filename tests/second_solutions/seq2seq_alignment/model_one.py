"""No array arithmetic: dictionaries of distinct words, each with how often it stands there."""

import math
from collections import Counter, defaultdict
from itertools import chain

import numpy as np

NOBODY = 0  # the empty word


def rivals(t: np.ndarray, bag: Counter, english: int) -> tuple[float, dict[int, float], float]:
    """The largest t of a word, every t as a part of it, and the sum of the parts over places."""
    height = {spanish: float(t[spanish, english]) for spanish in bag}
    top = max(height.values())
    if top == 0:
        return 0.0, {}, 0.0
    part = {spanish: value / top for spanish, value in height.items() if value > 0}
    return top, part, math.fsum(bag[spanish] * value for spanish, value in part.items())


def bag_of(source: list[int]) -> Counter:
    """The words of a source and the empty word, with their numbers of places."""
    return Counter(chain([NOBODY], source))


def shares(t: np.ndarray, source: list[int], target: list[int]) -> np.ndarray:
    """Column by column, a word's column being copied to each of its places."""
    bag = bag_of(source)
    known = [rivals(t, bag, english) for english in target]
    result = np.zeros((len(target), len(source) + 1))
    for place, spanish in enumerate(chain([NOBODY], source)):
        for row, (_, part, total) in enumerate(known):
            if spanish in part:
                result[row, place] = part[spanish] / total
    return result


def new_table(t: np.ndarray, pairs: list[tuple[list[int], list[int]]]) -> np.ndarray:
    """Each two words of a pair are met once, and their numbers multiplied."""
    earned: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for source, target in pairs:
        bag = bag_of(source)
        for english, times in Counter(target).items():
            _, part, total = rivals(t, bag, english)
            for spanish, value in part.items():
                earned[spanish][english] += times * bag[spanish] * (value / total)
    table = np.array(t, dtype=float)
    for spanish, row in earned.items():
        total = math.fsum(row.values())
        if total > 0:
            table[spanish] = 0
            for english, count in row.items():
                table[spanish, english] = count / total
    return table


def log_likelihood(t: np.ndarray, pairs: list[tuple[list[int], list[int]]]) -> float:
    """The product itself, as a fraction and a power of two that may be as low as it likes."""
    fraction, power = 1.0, 0
    for source, target in pairs:
        bag = bag_of(source)
        for english, times in Counter(target).items():
            top, _, total = rivals(t, bag, english)
            if top == 0:
                return -np.inf
            head, shift = math.frexp(top)
            for _ in range(times):
                fraction, more = math.frexp(fraction * head * total / (len(source) + 1))
                power += shift + more
    return math.log(fraction) + power * math.log(2)


def best_links(t: np.ndarray, source: list[int], target: list[int]) -> np.ndarray:
    """A place takes the word from the one before it only by being larger; no share is needed."""
    linked = np.zeros((len(target), len(source)), dtype=bool)
    for row, english in enumerate(target):
        holder, held = None, t[NOBODY, english]
        for place, spanish in enumerate(source):
            if t[spanish, english] > held:
                holder, held = place, t[spanish, english]
        if holder is not None:
            linked[row, holder] = True
    return linked


def alignment_error(
    claimed: list[np.ndarray], sure: list[np.ndarray], possible: list[np.ndarray]
) -> float:
    """Sets of links, each named by its pair and its two places."""
    a, s, p = (
        {(pair, *link) for pair, marks in enumerate(side) for link in np.argwhere(marks).tolist()}
        for side in (claimed, sure, possible)
    )
    if not a and not s:
        return 0.0
    return 1 - (len(a & s) + len(a & p)) / (len(a) + len(s))
