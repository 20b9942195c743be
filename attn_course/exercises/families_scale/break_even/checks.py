"""Checks of counts, in whole numbers throughout."""

import math
from typing import Any

import numpy as np

from attn_course.exercises.checking import Mutant, Wrong, check


@check()
def counts_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """Ten queries, ten keys of width 3 and values of width 2 take 100 times 5 multiplications. Windows
    of radius 1, fetched, take 30 times 5."""
    _whole(answer.global_count(10, 10, 3, 2), 500)
    _whole(answer.gathered_count(10, 3, 2, 1), 150)


@check()
def pairs_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """Four queries with windows of radius 1 see 2, 3, 3 and 2 keys, 10 in all."""
    _whole(answer.pairs_seen(4, 1), 10)


@check()
def a_length_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """With radius 1 and nothing else to pay, four keys cost more than a window of three: from 4 on."""
    _whole(answer.break_even(3, 2, 1, 1, 0), 4)


def _whole(
    got: Any, want: int, mistakes: dict[str, int] | None = None
) -> None:
    """Raise Wrong unless this is the whole number that is wanted, to the last digit."""
    if not isinstance(got, int | np.integer) or isinstance(got, bool):
        raise Wrong("Return a whole number, an int.")
    if got != want:
        for why, value in (mistakes or {}).items():
            if got == value:
                raise Wrong(why)
        raise Wrong


def _sizes(rng: np.random.Generator) -> tuple[int, int, int, int, int]:
    n_query, n_key = (int(one) for one in rng.integers([50, 500], [400, 900]))
    d_key, d_value = (int(one) for one in rng.integers([5, 40], [30, 90]))
    return n_query, n_key, d_key, d_value, int(rng.integers(2, 9))


@check(hidden=True)
def count_of_all_keys(answer: Any, rng: np.random.Generator) -> None:
    """Each query has a dot product with each key, and a share in each value."""
    for _ in range(3):
        n_query, n_key, d_key, d_value, _ = _sizes(rng)
        pair = n_query * n_key
        _whole(
            answer.global_count(n_query, n_key, d_key, d_value),
            pair * (d_key + d_value),
            {
                "The weighted sums of the values are missing.": pair * d_key,
                "The scores are missing.": pair * d_value,
                "The values have a width of their own.": 2 * pair * d_key,
                "Multiplications are counted, and additions are not.": 2
                * pair
                * (d_key + d_value),
                "Scores and sums come one after the other: add their counts.": pair
                * d_key
                * d_value,
            },
        )


@check(hidden=True)
def count_with_a_mask(answer: Any, rng: np.random.Generator) -> None:
    """A mask is laid over scores that are there already: does it save a multiplication?"""
    for _ in range(3):
        n_query, n_key, d_key, d_value, radius = _sizes(rng)
        place = n_query * (2 * radius + 1)
        _whole(
            answer.masked_count(n_query, n_key, d_key, d_value, radius),
            answer.global_count(n_query, n_key, d_key, d_value),
            {
                "All scores are computed before the mask, and the matrix of weights is multiplied "
                "as a whole.": answer.gathered_count(
                    n_query, d_key, d_value, radius
                ),
                "The zeros among the weights are multiplied like the others.": n_query
                * n_key
                * d_key
                + place * d_value,
            },
        )


@check(hidden=True)
def count_of_windows(answer: Any, rng: np.random.Generator) -> None:
    """Each query has a window of 2 D + 1 places, all of which are computed."""
    for _ in range(3):
        n_query, _, d_key, d_value, radius = _sizes(rng)
        one = n_query * (d_key + d_value)
        _whole(
            answer.gathered_count(n_query, d_key, d_value, radius),
            one * (2 * radius + 1),
            {
                "The middle of the window counts too.": one * 2 * radius,
                "A window reaches to both sides.": one * (radius + 1),
                "Places off the sequence are computed like the others.": (
                    d_key + d_value
                )
                * (n_query * (2 * radius + 1) - radius * (radius + 1)),
                "The weighted sums of the values are missing.": n_query
                * d_key
                * (2 * radius + 1),
            },
        )


@check(hidden=True)
def pairs_of_a_long_sequence(answer: Any, rng: np.random.Generator) -> None:
    """At the ends windows hang over, by D places and then by one less for each step inwards."""
    for top in (20, 1000, 10**9):
        n, radius = top + int(rng.integers(1, 9)), int(rng.integers(2, 9))
        full = n * (2 * radius + 1)
        _whole(
            answer.pairs_seen(n, radius),
            full - radius * (radius + 1),
            {
                "Windows hang over at the ends; these places are not on the sequence.": full,
                "Windows hang over at both ends.": full
                - radius * (radius + 1) // 2,
                "Not all windows at an end hang over by as much.": full
                - 2 * radius * radius,
            },
        )


@check(hidden=True)
def pairs_of_a_short_sequence(answer: Any, rng: np.random.Generator) -> None:
    """Where a window is wider than the sequence, no query can see more keys than there are."""
    for n in (1, 2, 5, 9):
        for radius in (n - 1, n, n + int(rng.integers(1, 50))):
            count = sum(
                min(n - 1, i + radius) - max(0, i - radius) + 1
                for i in range(n)
            )
            _whole(answer.pairs_seen(n, radius), count)


@check(
    hidden=True,
    points=2,
    safety="whoever is at a loss with an overhead earns the part without it",
)
def length_without_overhead(answer: Any, rng: np.random.Generator) -> None:
    """Without overhead the sequence has to be longer than a window times the slowdown."""
    for _ in range(3):
        _, _, d_key, d_value, radius = _sizes(rng)
        slowdown = int(rng.integers(3, 20))
        want = slowdown * (2 * radius + 1) + 1
        _length(
            answer,
            (d_key, d_value, radius, slowdown, 0),
            {
                "At this length the costs are equal, and cheaper means less.": want
                - 1,
                "The slowdown is missing.": 2 * radius + 2,
            },
        )


@check(hidden=True, points=2)
def length_with_an_overhead(answer: Any, rng: np.random.Generator) -> None:
    """The overhead is paid once for the whole sequence, and the length is the first that earns it back."""
    for size in (10**5, 10**9, 10**15):
        _, _, d_key, d_value, radius = _sizes(rng)
        slowdown, overhead = (
            int(rng.integers(2, 5)),
            int(rng.integers(size // 2, size)),
        )
        window = slowdown * (2 * radius + 1)
        wide = d_key + d_value
        _length(
            answer,
            (d_key, d_value, radius, slowdown, overhead),
            {
                "The overhead is paid once, and not for each query.": window
                + overhead // wide
                + 1,
                "The overhead is fixed: the slowdown does not multiply it.": _first(
                    wide, window * wide, slowdown * overhead
                ),
                "The overhead is missing.": window + 1,
                "This is the last length at which local is not cheaper.": _first(
                    wide, window * wide, overhead
                )
                - 1,
            },
        )

    n = 5 * 10**7 + int(rng.integers(1, 4 * 10**7))
    _, _, d_key, d_value, radius = _sizes(rng)
    slowdown = int(rng.integers(2, 5))
    excess = n * (n - slowdown * (2 * radius + 1)) * (d_key + d_value)
    equal = "At this length the costs are equal, and cheaper means less."
    _length(answer, (d_key, d_value, radius, slowdown, excess), {equal: n})
    lost = "Floating point has lost the last digits; count in whole numbers."
    _length(
        answer, (d_key, d_value, radius, slowdown, excess - 1), {lost: n + 1}
    )


def _length(
    answer: Any,
    asked: tuple[int, int, int, int, int],
    mistakes: dict[str, int],
) -> None:
    """The length is right, or would be if the answer's own counts were: these are told elsewhere."""
    d_key, d_value, radius, slowdown, overhead = asked
    got = answer.break_even(*asked)
    wide = d_key + d_value
    want = _first(wide, slowdown * (2 * radius + 1) * wide, overhead)
    key = answer.global_count(1, 1, d_key, d_value)
    window = answer.gathered_count(1, d_key, d_value, radius)
    if type(key) is type(window) is int and min(key, window) > 0:
        own = _first(key, slowdown * window, overhead)
        want = own if got == own else want
    _whole(got, want, mistakes)


def _first(key: int, window: int, overhead: int) -> int:
    """The first n for which n windows and the overhead cost less than n times n keys."""
    n = max(
        1,
        (window + math.isqrt(window**2 + 4 * key * overhead)) // (2 * key) - 1,
    )
    while n * (n * key - window) <= overhead:
        n += 1
    return n


MUTANTS = {
    "no values": Mutant(
        old="return n_query * n_key * (d_key + d_value)",
        new="return n_query * n_key * d_key",
        falls_by="count_of_all_keys",
        says="sums of the values are missing",
    ),
    "additions too": Mutant(
        old="return n_query * n_key * (d_key + d_value)",
        new="return 2 * n_query * n_key * (d_key + d_value)",
        falls_by="count_of_all_keys",
        says="additions are not",
    ),
    "widths multiplied": Mutant(
        old="return n_query * n_key * (d_key + d_value)",
        new="return n_query * n_key * d_key * d_value",
        falls_by="count_of_all_keys",
        says="add their counts",
    ),
    "a mask saves": Mutant(
        old="return global_count(n_query, n_key, d_key, d_value)",
        new="return gathered_count(n_query, d_key, d_value, radius)",
        falls_by="count_with_a_mask",
        says="All scores are computed",
    ),
    "zeros for nothing": Mutant(
        old="return global_count(n_query, n_key, d_key, d_value)",
        new="inside = n_query * (2 * radius + 1)\n"
        "    return n_query * n_key * d_key + inside * d_value",
        falls_by="count_with_a_mask",
        says="multiplied like the others",
    ),
    "no middle": Mutant(
        old="return n_query * (2 * radius + 1) * (d_key + d_value)",
        new="return n_query * 2 * radius * (d_key + d_value)",
        falls_by="count_of_windows",
        says="middle of the window",
    ),
    "one side": Mutant(
        old="return n_query * (2 * radius + 1) * (d_key + d_value)",
        new="return n_query * (radius + 1) * (d_key + d_value)",
        falls_by="count_of_windows",
        says="both sides",
    ),
    "only what is there": Mutant(
        old="return n_query * (2 * radius + 1) * (d_key + d_value)",
        new="return pairs_seen(n_query, radius) * (d_key + d_value)",
        falls_by="count_of_windows",
        says="off the sequence",
    ),
    "nothing hangs over": Mutant(
        old="return n * (2 * reach + 1) - reach * (reach + 1)",
        new="return min(n * n, n * (2 * radius + 1))",
        falls_by="pairs_of_a_long_sequence",
        says="not on the sequence",
    ),
    "over at one end": Mutant(
        old="- reach * (reach + 1)",
        new="- reach * (reach + 1) // 2",
        falls_by="pairs_of_a_long_sequence",
        says="both ends",
    ),
    "over by as much": Mutant(
        old="- reach * (reach + 1)",
        new="- 2 * reach * reach",
        falls_by="pairs_of_a_long_sequence",
        says="by as much",
    ),
    "wider than all": Mutant(
        old="reach = min(radius, n - 1)",
        new="reach = radius",
        falls_by="pairs_of_a_short_sequence",
        says="more keys than there are",
    ),
    "not more expensive": Mutant(
        old="return fetched + overhead < global",
        new="return fetched + overhead <= global",
        falls_by="length_without_overhead",
        says="the costs are equal",
    ),
    "as fast as a matrix": Mutant(
        old="fetched = slowdown * gathered_count(",
        new="fetched = gathered_count(",
        falls_by="length_without_overhead",
        says="slowdown is missing",
    ),
    "overhead for each query": Mutant(
        old="return fetched + overhead <",
        new="return fetched + n * overhead <",
        falls_by="length_with_an_overhead",
        says="paid once",
    ),
    "overhead slowed down": Mutant(
        old="return fetched + overhead <",
        new="return fetched + slowdown * overhead <",
        falls_by="length_with_an_overhead",
        says="does not multiply it",
    ),
    "no overhead": Mutant(
        old="return fetched + overhead <",
        new="return fetched <",
        falls_by="length_with_an_overhead",
        says="overhead is missing",
    ),
    "one too early": Mutant(
        old="    return high\n",
        new="    return low\n",
        falls_by="length_with_an_overhead",
        says="last length",
    ),
    "in floating point": Mutant(
        old="    high = 1\n",
        new="    window = slowdown * (2 * radius + 1)\n"
        "    wide = d_key + d_value\n"
        "    root = (window**2 + 4 * overhead / wide) ** 0.5\n"
        "    return int((window + root) / 2) + 1\n"
        "    high = 1\n",
        falls_by="length_with_an_overhead",
        says="lost the last digits",
    ),
}
