"""Checks of distances, of what they leave, and of the order in which to read."""

import itertools
from typing import Any

import numpy as np

from attn_course._typing import Array
from attn_course.exercises.checking import Mutant, Wrong, check, close


@check()
def three_letters_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """Three letters, each for its own word: forwards all distances are 3, from the end 1, 3 and 5."""
    letter = np.arange(3)
    close(answer.distances(letter, np.array([0, 1, 2])), [3, 3, 3])
    close(answer.distances(letter, np.array([2, 1, 0])), [1, 3, 5])


@check()
def shares_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """Two letters that halve with each step: forwards 1/4 is left, from the end 1/2 and 1/8, in the
    mean 5/16, which is 5/4 of it."""
    letter = np.arange(2)
    close(answer.share_left(letter, np.array([0, 1]), 0.5), 1 / 4)
    close(answer.share_left(letter, np.array([1, 0]), 0.5), 5 / 16)
    close(answer.turned_gain(2, 0.5), 5 / 4)


@check()
def an_order_is_a_permutation(answer: Any, rng: np.random.Generator) -> None:
    """Letters that are needed in their own order are best read from the end: 3, 2, 1, 0."""
    close(answer.best_order(np.arange(4)), [3, 2, 1, 0])


@check(
    hidden=True,
    points=2,
    safety="shares are made of distances, and here the slip is named",
)
def distances_of_any_order(answer: Any, rng: np.random.Generator) -> None:
    """The distances are wrong: find the place at which the letter of each word is read."""
    for _ in range(3):
        n, n_word = int(rng.integers(6, 10)), int(rng.integers(4, 6))
        order = rng.permutation(n)
        while np.array_equal(order[order], np.arange(n)):  # its own inverse
            order = rng.permutation(n)
        letter = rng.integers(0, n, n_word)
        letter[-1] = order[order[letter[0]]]
        place = np.array([order.tolist().index(k) for k in letter])
        want = n - place + np.arange(n_word)
        got = answer.distances(letter, order)
        if np.shape(got) == want.shape and not np.array_equal(got, want):
            mistakes = {
                "order[p] is the letter at place p; you need the place of a letter.": n
                - order[letter]
                + np.arange(n_word),
                "A step is missing, or there is one too many: d = n - p + i.": want
                - 1,
                "The further a letter is from the end, the longer its way: n - p.": place
                + np.arange(n_word)
                + 1,
                "Later words are further away: the decoder's steps are added.": n
                - place
                - np.arange(n_word),
            }
            for slip_told, wrong in mistakes.items():
                if np.array_equal(got, wrong):
                    raise Wrong(slip_told)
        close(got, want)


@check(hidden=True, points=2)
def what_the_way_leaves(answer: Any, rng: np.random.Generator) -> None:
    """The share is wrong: keep to the power of each distance, and then the mean over the words."""
    for _ in range(3):
        n, n_word = int(rng.integers(6, 10)), int(rng.integers(3, 6))
        order, letter = rng.permutation(n), rng.integers(0, n, n_word)
        keep = float(rng.uniform(0.6, 0.9))
        steps = [n - order.tolist().index(k) + i for i, k in enumerate(letter)]
        want = sum(keep**d for d in steps) / n_word
        got = answer.share_left(letter, order, keep)
        if np.shape(got) == ():
            if np.allclose(
                got, keep ** (sum(steps) / n_word)
            ) and not np.allclose(got, want):
                raise Wrong(
                    "The mean of the powers, and not the power of the mean distance."
                )
            if np.allclose(got, want * n_word) and not np.allclose(got, want):
                raise Wrong("The mean over the words, and not their sum.")
        close(got, want)


@check(hidden=True, points=2)
def no_order_is_better(answer: Any, rng: np.random.Generator) -> None:
    """There is a better order of reading: which letter should be read last?"""
    for n in (4, 5, 6):
        letter = rng.permutation(n)
        while np.array_equal(letter[letter], np.arange(n)):
            letter = rng.permutation(n)
        got = answer.best_order(letter)
        close(np.sort(np.asarray(got)), np.arange(n))
        shares = {
            order: _share(letter, np.array(order))
            for order in itertools.permutations(range(n))
        }
        best = max(shares, key=lambda order: shares[order])
        if not np.array_equal(got, best):
            if np.array_equal(got, letter):
                raise Wrong(
                    "This is the worst order: the letter needed first is read first."
                )
            if np.array_equal(got, np.arange(n)[::-1]):
                raise Wrong(
                    "The words do not need the letters in the order in which they stand."
                )
            if np.array_equal(got, np.argsort(letter)[::-1]):
                raise Wrong(
                    "letter[i] is what word i needs; you have turned this round."
                )
        close(got, np.array(best))


def _share(letter: Array, order: Array) -> float:
    place = np.argsort(order)[letter]
    return float((0.5 ** (len(order) - place + np.arange(len(letter)))).sum())


@check(
    hidden=True,
    safety="here the usual mistakes are named, and long sources come on top",
)
def gain_of_turning(answer: Any, rng: np.random.Generator) -> None:
    """The gain is wrong: the mean of keep to the powers 1, 3, 5 and so on, divided by keep to the
    power n."""
    for _ in range(4):
        n, keep = int(rng.integers(2, 40)), float(rng.uniform(0.5, 0.95))
        want = np.mean([keep ** (2 * i + 1 - n) for i in range(n)])
        got = answer.turned_gain(n, keep)
        if np.shape(got) == () and not np.allclose(got, want):
            if np.allclose(got, 1 / want):
                raise Wrong(
                    "The factor is turned round: what the end leaves by what the front does."
                )
            if np.allclose(got, want * n):
                raise Wrong("Both are means over the words: divide by n.")
        close(got, want, rtol=1e-8)
    close(answer.turned_gain(1, float(rng.uniform(0.2, 0.9))), 1.0)


@check(
    hidden=True,
    safety="formulas can lose digits in ways that nobody has listed",
)
def gain_of_long_sources(answer: Any, rng: np.random.Generator) -> None:
    """For a source of very many letters, or one that fades much, the gain has lost its digits."""
    for _ in range(3):
        n = int(rng.integers(500_000, 900_000))
        small = float(rng.uniform(0.1, 0.5))
        # Means of exp(u (n - 1 - 2 i) / n) are sinh(u) / (n sinh(u / n)).
        keep = float(np.exp(-small / n))
        u = -np.log(keep) * n
        close(answer.turned_gain(n, keep), np.sinh(u) / u, rtol=1e-6)
    n, keep = int(rng.integers(600, 640)), float(rng.uniform(0.36, 0.4))
    want = np.exp((1 - n) * np.log(keep)) / n / (1 - keep**2)
    close(answer.turned_gain(n, keep), want, rtol=1e-8)


MUTANTS = {
    "letters for places": Mutant(
        old="return n - place[letter] + np.arange(len(letter))",
        new="return n - order[letter] + np.arange(len(letter))",
        falls_by="distances_of_any_order",
        says="you need the place of a letter",
    ),
    "one step short": Mutant(
        old="return n - place[letter] + np.arange(len(letter))",
        new="return n - 1 - place[letter] + np.arange(len(letter))",
        falls_by="distances_of_any_order",
        says="A step is missing",
    ),
    "counted from the front": Mutant(
        old="return n - place[letter] + np.arange(len(letter))",
        new="return place[letter] + 1 + np.arange(len(letter))",
        falls_by="distances_of_any_order",
        says="the longer its way",
    ),
    "words nearer and nearer": Mutant(
        old="return n - place[letter] + np.arange(len(letter))",
        new="return n - place[letter] - np.arange(len(letter))",
        falls_by="distances_of_any_order",
        says="steps are added",
    ),
    "power of the mean": Mutant(
        old="np.mean(keep ** distances(letter, order))",
        new="keep ** np.mean(distances(letter, order))",
        falls_by="what_the_way_leaves",
        says="power of the mean distance",
    ),
    "a sum": Mutant(
        old="np.mean(keep ** distances(letter, order))",
        new="np.sum(keep ** distances(letter, order))",
        falls_by="what_the_way_leaves",
        says="and not their sum",
    ),
    "worst order": Mutant(
        old="return letter[::-1].copy()",
        new="return letter.copy()",
        falls_by="no_order_is_better",
        says="the worst order",
    ),
    "always from the end": Mutant(
        old="return letter[::-1].copy()",
        new="return np.arange(len(letter))[::-1].copy()",
        falls_by="no_order_is_better",
        says="in the order in which they stand",
    ),
    "inverse of the need": Mutant(
        old="return letter[::-1].copy()",
        new="return np.argsort(letter)[::-1].copy()",
        falls_by="no_order_is_better",
        says="you have turned this round",
    ),
    "factor turned": Mutant(
        old="return float(mean_term * np.exp((1 - n) * log_keep))",
        new="return float(1 / (mean_term * np.exp((1 - n) * log_keep)))",
        falls_by="gain_of_turning",
        says="The factor is turned",
    ),
    "gain of sums": Mutant(
        old="np.expm1(2 * log_keep) / n",
        new="np.expm1(2 * log_keep)",
        falls_by="gain_of_turning",
        says="divide by n",
    ),
}
