"""Checks of a beam: its step, its search, the order of its results, and where it goes wrong."""

import itertools
from typing import Any

import numpy as np

from attn_course._typing import Array
from attn_course.exercises.checking import Mutant, Wrong, check, close
from attn_course.seq2seq.reference import beam_search, beam_step


@check()
def a_step_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """Two hypotheses of 1/2 each, with 1/2, 1/4, 1/4 and 1/8, 3/4, 1/8 to follow: the best three are
    3/8 (of the second, token 1), 1/4 (of the first, token 0), and 1/8 (of the first, token 1)."""
    after = np.log([[0.5, 0.25, 0.25], [0.125, 0.75, 0.125]])
    total, origin, token = _parts(
        answer.widen(after, np.log([0.5, 0.5]), 3), 3
    )
    close(total, np.log([0.375, 0.25, 0.125]))
    close(origin, [1, 0, 0])
    close(token, [1, 0, 1])


@check()
def greedy_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """The likelier first word, 1, has no likely successor: greedy search finds 1, 1 with 0.2, and a
    beam of two finds 2 and the end with 0.38."""
    token, total = _parts(answer.beam(_example(), 1, 0, 1), 2)
    close(token, [[1, 1]])
    close(total, [np.log(0.2)], rtol=1e-6)
    token, total = _parts(answer.beam(_example(), 1, 0, 2), 2)
    close(token, [[2, 0], [1, 1]])
    close(total, np.log([0.38, 0.2]), rtol=1e-6)


@check()
def order_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """Totals of -2 for one word and -3 for two: by the total the first is better, by the total per
    word the second, -1.5."""
    token, total = np.array([[0, 0, 0], [4, 0, 0]]), np.array([-2.0, -3.0])
    close(answer.reranked(token, total, 0, 0.0), [0, 1])
    close(answer.reranked(token, total, 0, 1.0), [1, 0])


@check()
def a_trap_for_greedy(answer: Any, rng: np.random.Generator) -> None:
    """The table trap(1) must hold distributions, and on it a beam of 2 must find a sequence that is
    twice as likely as the one that greedy search finds."""
    _caught(answer.trap(1), 1)


def _example() -> Array:
    first = [[0.5, 0.4999, 0.0001], [0.1, 0.5, 0.4], [0.0001, 0.4999, 0.5]]
    then = [[0.3, 0.3, 0.4], [0.2999, 0.4, 0.3001], [0.95, 0.04, 0.01]]
    return np.log(np.array([first, then]))


def _parts(got: Any, n: int) -> tuple[Any, ...]:
    if not isinstance(got, tuple | list) or len(got) != n:
        raise Wrong(
            "widen returns three arrays (total, origin, token), beam returns two (token, total)."
        )
    return tuple(got)


def _caught(table: Any, width: int) -> None:
    if not isinstance(table, np.ndarray) or table.ndim != 3:
        raise Wrong("A trap is an array (n_step, n_token, n_token).")
    n_step, n_token, wide = table.shape
    if n_token != wide or not (1 <= n_step <= 5 and 2 <= n_token <= 40):
        raise Wrong(
            "A trap has at most 5 steps and 40 tokens, and each step's table is square."
        )
    if not np.isfinite(table).all() or not np.allclose(
        np.exp(table).sum(axis=2), 1
    ):
        raise Wrong(
            "Each row of the trap must hold finite log-probabilities whose exponentials sum to one."
        )
    missed = beam_search(table, 1, 0, width)[1][0]
    found = beam_search(table, 1, 0, width + 1)[1][0]
    if not found - missed >= np.log(2) - 1e-9:
        raise Wrong(
            "The beam is not caught: one place more must find a sequence that is twice as likely."
        )


@check(
    hidden=True,
    points=2,
    safety="every search is made of steps, and this one tells the usual mistakes apart",
)
def steps_take_the_best(answer: Any, rng: np.random.Generator) -> None:
    """A step keeps the best sums of all hypotheses together, in falling order, with where they come
    from."""
    for n_keep in (1, 3, 6):
        n_beam, n_token = int(rng.integers(3, 6)), int(rng.integers(6, 9))
        after = np.log(rng.dirichlet(np.ones(n_token), n_beam))
        total = rng.uniform(-2, 0, n_beam)
        want = beam_step(after, total, n_keep)
        got = _parts(answer.widen(after, total, n_keep), 3)
        if all(np.shape(one) == (n_keep,) for one in got):
            if np.allclose(
                got[0], np.sort((total[:, None] + after).ravel())[:n_keep]
            ):
                raise Wrong("These are the worst: argsort goes upward.")
            if n_keep > 1 and np.allclose(got[0], want[0][::-1]):
                raise Wrong(
                    "The best are there, and in rising order: best first."
                )
            turned = np.array_equal(got[1], want[2]) and np.array_equal(
                got[2], want[1]
            )
            if turned and not np.array_equal(got[1], want[1]):
                raise Wrong("The origin comes before the token.")
            if np.allclose(got[0], np.sort(after.ravel())[::-1][:n_keep]):
                raise Wrong(
                    "The totals so far must be added to what comes next."
                )
        for one, right in zip(got, want, strict=True):
            close(one, right)


@check(hidden=True)
def equal_sums(answer: Any, rng: np.random.Generator) -> None:
    """Of equal sums that of the lower origin comes first, then that of the lower token, and minus
    infinity is a sum like any other."""
    for _ in range(3):
        n_beam, n_token = int(rng.integers(3, 6)), int(rng.integers(5, 9))
        after = -rng.integers(0, 2, (n_beam, n_token)).astype(float)
        after[rng.random(after.shape) < 0.3] = -np.inf
        total = -rng.integers(0, 2, n_beam).astype(float)
        n_keep = n_beam * n_token - int(rng.integers(0, 3))
        got = _parts(answer.widen(after, total, n_keep), 3)
        want = beam_step(after, total, n_keep)
        if not np.array_equal(got[0], want[0]):
            raise Wrong("Sums with many equal ones among them are wrong.")
        close(got[1], want[1])
        close(got[2], want[2])


@check(hidden=True, points=2)
def beams_of_every_width(answer: Any, rng: np.random.Generator) -> None:
    """A search finds other sequences than a beam of its width; look at finished hypotheses first."""
    for n_beam in (1, 2, 3, 5):
        n_step, n_token = int(rng.integers(4, 6)), int(rng.integers(4, 6))
        table = _table(rng, n_step, n_token)
        start, end = (int(one) for one in rng.permutation(n_token)[:2])
        token, total = _parts(answer.beam(table, start, end, n_beam), 2)
        want, sums = beam_search(table, start, end, n_beam)
        there = sums > -np.inf
        want, sums = want[there], sums[there]
        if np.shape(token) != want.shape or np.shape(total) != sums.shape:
            raise Wrong(
                "A search finds other sequences than a beam of its width, or another number of them."
            )
        after_end = (token == end).cumsum(axis=1) > 0
        if ((token != end) & after_end).any():
            raise Wrong(
                "A finished hypothesis goes on: after the end only the end follows."
            )
        if not (np.diff(total) <= 0).all():
            raise Wrong("The best sequence comes first.")
        close(token, want)
        close(total, sums)


@check(hidden=True)
def a_beam_for_everything(answer: Any, rng: np.random.Generator) -> None:
    """A beam that is wide enough holds every possible sequence once, and their probabilities sum to
    one."""
    n_token = int(rng.integers(3, 5))
    table = _table(rng, 3, n_token)
    start, end = (int(one) for one in rng.permutation(n_token)[:2])
    token, total = _parts(answer.beam(table, start, end, n_token**3 + 5), 2)
    others = [one for one in range(n_token) if one != end]
    n_possible = sum(len(others) ** k for k in range(3)) + len(others) ** 3
    if np.shape(token) != (n_possible, 3) or np.shape(total) != (n_possible,):
        raise Wrong(
            "With a beam as wide as this all possible sequences, and no impossible ones, are found."
        )
    if len(np.unique(token, axis=0)) < n_possible:
        raise Wrong(
            "A sequence was found twice: the search begins with one hypothesis."
        )
    close(np.exp(total).sum(), 1.0)
    want = beam_search(table, start, end, n_possible)
    close(token, want[0])


@check(hidden=True)
def lengths_count_the_first_end(answer: Any, rng: np.random.Generator) -> None:
    """The order by total / length**power is wrong: a length counts the words with the first end and
    none behind it."""
    for power in (0.0, 0.5, 1.0, 2.0):
        n_found, n_step = int(rng.integers(10, 15)), int(rng.integers(7, 10))
        end = int(rng.integers(3))
        token = rng.integers(3, 9, (n_found, n_step))
        length = rng.permutation(np.arange(n_found) % (n_step + 1))
        for row, n in zip(token, length, strict=True):
            row[n:] = end
        counted = np.minimum(length + 1, n_step)
        total = -counted * rng.uniform(0.8, 1.2, n_found) - rng.random(n_found)
        want = np.argsort(-total / counted.astype(float) ** power)
        got = answer.reranked(token, total, end, power)
        if np.shape(got) == want.shape and np.array_equal(got, want[::-1]):
            raise Wrong("Best first: the order is turned.")
        close(got, want)


@check(hidden=True)
def traps_for_wider_beams(answer: Any, rng: np.random.Generator) -> None:
    """A beam of some width is not caught by the trap that was made for it."""
    for width in rng.permutation(np.arange(2, 11))[:4]:
        _caught(answer.trap(int(width)), int(width))


def _table(rng: np.random.Generator, n_step: int, n_token: int) -> Array:
    """A table in which beams of different widths, and with other mistakes, find different sequences."""
    for _ in range(10_000):
        chance = rng.dirichlet(np.full(n_token, 0.6), (n_step, n_token))
        table = np.log(np.maximum(chance, 1e-4))
        table -= np.log(np.exp(table).sum(axis=2, keepdims=True))
        ends = [
            [beam_search(table, start, end, n)[1][0] for n in (1, 2, 3, 5)]
            for start, end in itertools.permutations(range(n_token), 2)
        ]
        if np.mean([len(set(one)) > 1 for one in ends]) > 0.5:
            break
    return np.asarray(table)


MUTANTS = {
    "ascending": Mutant(
        old='chosen = (-sums).argsort(kind="stable")[:n_keep]',
        new='chosen = sums.argsort(kind="stable")[:n_keep]',
        falls_by="steps_take_the_best",
        says="argsort goes upward",
    ),
    "best last": Mutant(
        old='chosen = (-sums).argsort(kind="stable")[:n_keep]',
        new='chosen = (-sums).argsort(kind="stable")[:n_keep][::-1]',
        falls_by="steps_take_the_best",
        says="in rising order",
    ),
    "each step by itself": Mutant(
        old="sums = (log_probability + total[:, None]).reshape(-1)",
        new="sums = (log_probability + 0 * total[:, None]).reshape(-1)",
        falls_by="steps_take_the_best",
        says="must be added",
    ),
    "token before origin": Mutant(
        old="return sums[chosen], origin, token",
        new="return sums[chosen], token, origin",
        falls_by="steps_take_the_best",
        says="origin comes before",
    ),
    "turned after sorting": Mutant(
        old='chosen = (-sums).argsort(kind="stable")[:n_keep]',
        new='chosen = sums.argsort(kind="stable")[::-1][:n_keep]',
        falls_by="equal_sums",
        says="lower origin",
    ),
    "finished ones continue": Mutant(
        old="after = np.where(ended[:, None], over, now[path[:, -1]])",
        new="after = now[path[:, -1]]",
        falls_by="beams_of_every_width",
        says="A finished hypothesis goes on",
    ),
    "the end paid again": Mutant(
        old="over[end] = 0.0",
        new="over[end] = -0.5",
        falls_by="beams_of_every_width",
        says="finished hypotheses first",
    ),
    "greedy": Mutant(
        old="n_keep = min(n_beam, int(np.isfinite(after).sum()))",
        new="n_keep = 1",
        falls_by="beams_of_every_width",
        says="than a beam of its width",
    ),
    "one too many": Mutant(
        old="n_keep = min(n_beam, int(np.isfinite(after).sum()))",
        new="n_keep = min(n_beam + 1, int(np.isfinite(after).sum()))",
        falls_by="beams_of_every_width",
        says="than a beam of its width",
    ),
    "finished ones dropped": Mutant(
        old="over[end] = 0.0",
        new="over[end] = -1e9",
        falls_by="beams_of_every_width",
        says="finished hypotheses first",
    ),
    "impossible ones kept": Mutant(
        old="n_keep = min(n_beam, int(np.isfinite(after).sum()))",
        new="n_keep = min(n_beam, after.size)",
        falls_by="a_beam_for_everything",
        says="no impossible ones",
    ),
    "copies of the start": Mutant(
        old="path, total = np.full((1, 1), start), np.zeros(1)",
        new="path, total = np.full((n_beam, 1), start), np.zeros(n_beam)",
        falls_by="a_beam_for_everything",
        says="all possible sequences",
    ),
    "every end is a word": Mutant(
        old="length = np.minimum(before_end.sum(axis=1) + 1, token.shape[1])",
        new="length = np.full(len(token), token.shape[1])",
        falls_by="lengths_count_the_first_end",
        says="none behind it",
    ),
    "the end not counted": Mutant(
        old="length = np.minimum(before_end.sum(axis=1) + 1, token.shape[1])",
        new="length = np.maximum(before_end.sum(axis=1), 1)",
        falls_by="lengths_count_the_first_end",
        says="with the first end",
    ),
    "multiplied by the length": Mutant(
        old="-(total / length**power)",
        new="-(total * length**power)",
        falls_by="lengths_count_the_first_end",
        says="The order by total",
    ),
    "a trap for greedy alone": Mutant(
        old="    n_token = 2 * width + 12\n",
        new="    n_token, width = 2 * width + 12, 1\n",
        falls_by="traps_for_wider_beams",
        says="The beam is not caught",
    ),
}
