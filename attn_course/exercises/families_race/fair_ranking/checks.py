"""Checks of ranks, and of intervals by what holds whatever the order of the draws."""

from typing import Any

import numpy as np

from attn_course._typing import Array
from attn_course.exercises.checking import (
    Mutant,
    StudentError,
    Wrong,
    check,
    close,
)


@check()
def places_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """Three arms, each with one run on four examples, are wrong 2, 0 and 1 times: their ranks are 3, 1
    and 2. With 1, 2, 2 and 4 wrong answers the two in the middle share 2.5."""
    count = np.array([[2], [0], [1]])
    close(answer.ranks(np.arange(4) < count[:, None]), [3.0, 1.0, 2.0])
    count = np.array([[1], [2], [2], [4]])
    close(answer.ranks(np.arange(4) < count[:, None]), [1.0, 2.5, 2.5, 4.0])


@check()
def twins(answer: Any, rng: np.random.Generator) -> None:
    """Two arms, each with one run and the same errors, sit the same drawn test: they are level in every
    race, and both intervals go from 1.5 to 1.5."""
    wrong = np.tile(np.arange(12) % 3 == 0, (2, 1, 1))
    close(answer.rank_intervals(wrong, 50, 7), np.full((2, 2), 1.5))


@check()
def far_apart(answer: Any, rng: np.random.Generator) -> None:
    """An arm that is always wrong, one that never is, and one that is wrong every other time: in each
    race the ranks are 3, 1 and 2."""
    wrong = np.zeros((3, 2, 40), dtype=bool)
    wrong[0], wrong[2, :, ::2] = True, True
    got = answer.rank_intervals(wrong, 20, 7)
    close(got, [[3.0, 3.0], [1.0, 1.0], [2.0, 2.0]])


def _places(count: Array) -> Array:
    """Ranks by counts, ties at the mean of their places."""
    both = np.searchsorted(np.sort(count), [count, count + 1])
    return (both[0] + 1 + both[1]) / 2


def _answers(
    rng: np.random.Generator, count: Array, n_seed: int, n_example: int
) -> Array:
    """A race in which the arms are wrong that often in all, anywhere."""
    size = n_seed * n_example
    rows = [rng.permutation(size) < one for one in count]
    return np.array(rows).reshape(len(count), n_seed, n_example)


@check(
    hidden=True,
    safety="whoever ranks arms and has no rule for level ones earns this part",
)
def places_of_arms(answer: Any, rng: np.random.Generator) -> None:
    """Rank 1 goes to the smallest error of all answers an arm gave, and every arm keeps its place."""
    for n_arm in (5, 7):
        while True:
            spread = rng.choice(np.arange(5, 60), n_arm, replace=False)
            wrong = _answers(rng, spread, 4, 16)
            want = _places(spread)
            order = np.argsort(spread) + 1
            first = _places(wrong[:, 0].sum(axis=1))
            told = [want, n_arm + 1 - want, order, first]
            if len({tuple(one) for one in told}) == len(told):
                break  # each mistake shows, and as itself
        got = answer.ranks(wrong)
        if np.shape(got) == want.shape and not np.array_equal(got, want):
            for said, value in {
                "Rank 1 is for the smallest error.": n_arm + 1 - want,
                "These are the arms in the order of their places; the place of each arm is "
                "asked for.": order,
                "Ranks begin at 1.": want - 1,
                "All runs of an arm count, and not the first alone.": first,
            }.items():
                if np.array_equal(got, value):
                    raise Wrong(said)
        close(got, want)


@check(
    hidden=True,
    safety="small races are level often, and much hangs on it in the other function",
)
def places_that_are_shared(answer: Any, rng: np.random.Generator) -> None:
    """Arms that are level share the mean of the places that they take up together."""
    for _ in range(3):
        low, middle, high = np.sort(rng.choice(15, 3, replace=False)) + 1
        count = rng.permutation([low, low, middle, high, high, high])
        wrong = _answers(rng, count, 2, 8)
        want = _places(count)
        got = answer.ranks(wrong)
        if np.shape(got) == want.shape and not np.array_equal(got, want):
            below = (count < count[:, None]).sum(axis=1)
            for told, value in {
                "Level arms take up several places; give each the mean of these and not the "
                "first of them.": below + 1,
                "Level arms take up several places; give each the mean of these and not the "
                "last of them.": below + (count == count[:, None]).sum(axis=1),
                "After two arms that share a place the next is not the second but the "
                "third.": np.unique(count, return_inverse=True)[1] + 1,
            }.items():
                if np.array_equal(got, value):
                    raise Wrong(told)
            if sorted(np.asarray(got).tolist()) == [1, 2, 3, 4, 5, 6]:
                raise Wrong(
                    "Arms of equal error share a rank; theirs must not depend on the order in which "
                    "they stand."
                )
        close(got, want)


@check(hidden=True)
def level_to_the_last_digit(answer: Any, rng: np.random.Generator) -> None:
    """Arms with as many wrong answers are level, however these are spread over the runs: count them,
    since means of means differ in the last digit."""
    for _ in range(3):
        while True:
            wrong = _answers(rng, np.full(8, 20), 5, 7)
            means = wrong.mean(axis=2).mean(axis=1)
            swapped = wrong.mean(axis=1).mean(axis=1)
            if len(set(means)) > 1 and len(set(swapped)) > 1:
                break
        close(answer.ranks(wrong), np.full(8, 4.5))


def _bounds(answer: Any, wrong: Array, n_draw: int, seed: int) -> Array:
    """The intervals, of which at least the shape is right and nothing is NaN."""
    got = answer.rank_intervals(wrong, n_draw, seed)
    close(got, np.zeros((len(wrong), 2)), atol=1e6)
    return np.asarray(got)


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(2**31))


def _is(got: Array, want: Any) -> bool:
    return bool(np.allclose(got, want, rtol=0, atol=1e-9))


@check(hidden=True, points=2)
def arms_sit_one_test(answer: Any, rng: np.random.Generator) -> None:
    """An arm that is wrong only where another is wrong as well is never behind it: in a race all arms sit
    the same drawn examples."""
    for _ in range(2):
        fewer = rng.permutation(30) < 10
        more = fewer.copy()
        more[rng.choice(np.flatnonzero(~fewer))] = True
        wrong = np.repeat(np.array([fewer, more])[:, None], 3, axis=1)
        first = int(rng.integers(2))
        wrong = wrong if first == 0 else wrong[::-1]
        got = _bounds(answer, wrong, 120, _seed(rng))
        low, high = got[first]
        if not (_is(low, 1) and 1 <= high < 1.5 + 1e-9):
            raise Wrong
        low, high = got[1 - first]
        if not (_is(high, 2) and 1.5 - 1e-9 < low <= 2):
            raise Wrong


@check(hidden=True, points=2)
def tests_differ(answer: Any, rng: np.random.Generator) -> None:
    """Each race has a test of its own, drawn with replacement, once for all of its runs."""
    for n_seed in (1, 40):
        part = rng.permutation(20) < 9
        wrong = np.repeat(np.array([part, ~part])[:, None], n_seed, axis=1)
        got = _bounds(answer, wrong, 120, _seed(rng))
        if not _is(got, [[1, 2], [1, 2]]):
            if n_seed == 1 and _is(got, [[1, 1], [2, 2]]):
                raise Wrong(
                    "The examples too are a matter of chance: draw the test with replacement, as "
                    "many as there are."
                )
            if n_seed > 1 and _is(got, [[1, 1], [2, 2]]):
                raise Wrong(
                    "Is the test of a race drawn anew for each run? Then what the examples do to "
                    "the ranks is averaged away."
                )
            raise Wrong


@check(hidden=True, points=2)
def runs_differ(answer: Any, rng: np.random.Generator) -> None:
    """Of every arm whole runs are drawn, with replacement and for each arm by itself."""
    for _ in range(2):
        wrong = np.zeros((2, 8, 50), dtype=bool)
        failed = rng.permutation(8)
        wrong[0, failed[:4]] = True
        wrong[1, failed[:3]] = True
        got = _bounds(answer, wrong, 200, _seed(rng))
        if not _is(got, [[1, 2], [1, 2]]):
            if _is(got, [[2, 2], [1, 1]]):
                raise Wrong(
                    "The seeds are a matter of chance, too: draw the runs of an arm, whole and with "
                    "replacement."
                )
            if got[0, 0] > 1.4 and got[1, 1] < 1.6:
                raise Wrong(
                    "Each arm draws its own runs: those of the same number have nothing in common."
                )
            raise Wrong


@check(hidden=True)
def bounds_are_percentiles(answer: Any, rng: np.random.Generator) -> None:
    """The bounds are the 2.5th and the 97.5th percentile of as many ranks as there were races, by linear
    interpolation."""
    places = (1.0, 1.5, 2.0)
    allowed = [
        (a + 0.025 * (b - a), b - 0.025 * (b - a))
        for a in places
        for b in places
        if a <= b
    ]
    for _ in range(24):
        part = rng.permutation(8) < 4
        wrong = np.array([part, ~part])[:, None]
        got = _bounds(answer, wrong, 2, _seed(rng))
        for told, wider in {
            "An interval of 95 % leaves 2.5 % on either side.": 0.05,
            "No standard errors: a rank does not scatter like a bell.": 0.5
            - 0.98,
        }.items():
            if any(
                _is(got[0], (a + wider * (b - a), b - wider * (b - a)))
                for a in places
                for b in places
                if a < b
            ):
                raise Wrong(told)
        if not any(_is(got[0], one) for one in allowed):
            raise Wrong
        if not _is(got[1], 3 - got[0, ::-1]):
            raise Wrong


@check(hidden=True)
def seed_decides(answer: Any, rng: np.random.Generator) -> None:
    """The same seed gives the same intervals, and another seed gives others."""
    wrong = rng.permutation(60).reshape(3, 2, 10) < 30
    seen = []
    for _ in range(12):
        seed = _seed(rng)
        once = _bounds(answer, wrong, 2, seed)
        again = _bounds(answer, wrong, 2, seed)
        if not np.array_equal(once, again):
            raise Wrong("The same seed must give the same intervals.")
        seen.append(once.tolist())
    if all(one == seen[0] for one in seen):
        raise Wrong(
            "The intervals do not depend on the seed that is handed over."
        )


@check(hidden=True)
def races_with_nothing_in_them(answer: Any, rng: np.random.Generator) -> None:
    """Where there is no arm, no seed or no example there is no rank: raise a ValueError."""
    for axis in range(3):
        shape = [int(one) for one in rng.integers(2, 9, 3)]
        shape[axis] = 0
        wrong = np.zeros(shape, dtype=bool)
        for ask in (
            lambda wrong: answer.ranks(wrong),
            lambda wrong: answer.rank_intervals(wrong, 3, _seed(rng)),
        ):
            try:
                ask(wrong)
            except StudentError as error:
                if error.kind != "ValueError":
                    raise
            else:
                raise Wrong


MUTANTS = {
    "the largest first": Mutant(
        old="ahead = (count < count[:, None])",
        new="ahead = (count > count[:, None])",
        falls_by="places_of_arms",
        says="for the smallest error",
    ),
    "arms by place": Mutant(
        old="return ahead + (level + 1) / 2",
        new="return np.argsort(count) + 1.0",
        falls_by="places_of_arms",
        says="the place of each arm",
    ),
    "the first run alone": Mutant(
        old="count = wrong.sum(axis=(1, 2))",
        new="count = wrong[:, 0].sum(axis=1)",
        falls_by="places_of_arms",
        says="not the first alone",
    ),
    "ties by order": Mutant(
        old="return ahead + (level + 1) / 2",
        new="order = np.argsort(count, kind='stable')\n"
        "    return np.argsort(order) + 1.0",
        falls_by="places_that_are_shared",
        says="the order in which they stand",
    ),
    "ties at the first place": Mutant(
        old="return ahead + (level + 1) / 2",
        new="return ahead + 1.0",
        falls_by="places_that_are_shared",
        says="not the first of them",
    ),
    "ties at the last place": Mutant(
        old="return ahead + (level + 1) / 2",
        new="return ahead + 1.0 * level",
        falls_by="places_that_are_shared",
        says="not the last of them",
    ),
    "no place left out": Mutant(
        old="return ahead + (level + 1) / 2",
        new="return np.unique(count, return_inverse=True)[1] + 1.0",
        falls_by="places_that_are_shared",
        says="the next is not the second",
    ),
    "means of means": Mutant(
        old="count = wrong.sum(axis=(1, 2))",
        new="count = wrong.mean(axis=2).mean(axis=1)",
        falls_by="level_to_the_last_digit",
        says="differ in the last digit",
    ),
    "a test for each arm": Mutant(
        old="        race = wrong[arm, run][:, :, example]\n",
        new="        example = rng.integers(n_example, size=(n_arm, 1, n_example))\n"
        "        race = wrong[arm[..., None], run[..., None], example]\n",
        falls_by="arms_sit_one_test",
        says="never behind it",
    ),
    "a test for each answer": Mutant(
        old="        race = wrong[arm, run][:, :, example]\n",
        new="        size = (n_arm, n_seed, n_example)\n"
        "        example = rng.integers(n_example, size=size)\n"
        "        race = wrong[arm[..., None], run[..., None], example]\n",
        falls_by="arms_sit_one_test",
        says="never behind it",
    ),
    "a test for each run": Mutant(
        old="        race = wrong[arm, run][:, :, example]\n",
        new="        example = rng.integers(n_example, size=(n_seed, n_example))\n"
        "        race = wrong[arm[..., None], run[..., None], example]\n",
        falls_by="tests_differ",
        says="drawn anew for each run",
    ),
    "examples as they are": Mutant(
        old="race = wrong[arm, run][:, :, example]",
        new="race = wrong[arm, run]",
        falls_by="tests_differ",
        says="The examples too",
    ),
    "without replacement": Mutant(
        old="example = rng.integers(n_example, size=n_example)",
        new="example = rng.permutation(n_example)",
        falls_by="tests_differ",
        says="draw the test with replacement",
    ),
    "runs as they are": Mutant(
        old="race = wrong[arm, run][:, :, example]",
        new="race = wrong[:, :, example]",
        falls_by="runs_differ",
        says="draw the runs of an arm",
    ),
    "the same runs for all": Mutant(
        old="run = rng.integers(n_seed, size=(n_arm, n_seed))",
        new="run = rng.integers(n_seed, size=(1, n_seed))",
        falls_by="runs_differ",
        says="draws its own runs",
    ),
    "nine tenths": Mutant(
        old="[2.5, 97.5]",
        new="[5, 95]",
        falls_by="bounds_are_percentiles",
        says="2.5 % on either side",
    ),
    "standard errors": Mutant(
        old="    bounds = np.percentile(drawn, [2.5, 97.5], axis=0)\n",
        new="    middle, std = np.mean(drawn, axis=0), np.std(drawn, axis=0)\n"
        "    bounds = np.array([middle - 1.96 * std, middle + 1.96 * std])\n",
        falls_by="bounds_are_percentiles",
        says="No standard errors",
    ),
    "always a thousand races": Mutant(
        old="for _ in range(n_draw):",
        new="for _ in range(1000):",
        falls_by="bounds_are_percentiles",
        says="as many ranks as there were races",
    ),
    "nobody's seed": Mutant(
        old="np.random.default_rng(seed)",
        new="np.random.default_rng()",
        falls_by="seed_decides",
        says="must give the same",
    ),
    "one's own seed": Mutant(
        old="np.random.default_rng(seed)",
        new="np.random.default_rng(0)",
        falls_by="seed_decides",
        says="do not depend on the seed",
    ),
    "no ranks of nothing": Mutant(
        old="if 0 in wrong.shape:",
        new="if wrong.ndim != 3:",
        falls_by="races_with_nothing_in_them",
        says="raise a ValueError",
    ),
}
