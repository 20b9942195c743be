"""Checks of the effects, of their interval, of the split and of the verdict."""

from typing import Any

import numpy as np

from attn_course._typing import Array
from attn_course.exercises.checking import Mutant, Wrong, check, close

VERDICTS = ("looking", "recognising", "both", "each other")
TABLES = {  # errors in tenths: frozen at the learned place and the oracle's, then retrained
    "looking": ((6, 2), (5, 1)),
    "recognising": ((6, 5), (2, 1)),
    "both": ((6, 5), (5, 1)),
    "each other": ((6, 2), (2, 1)),
}


def _wrong(rng: np.random.Generator, table: Any, n: int) -> Array:
    """Errors (2, 2, n) with the shares of a table in tenths, in any order."""
    found = np.zeros((2, 2, n), int)
    for (i, j), tenths in np.ndenumerate(np.array(table)):
        found[i, j, rng.permutation(n)[: tenths * n // 10]] = 1
    return found


def _random(rng: np.random.Generator) -> Array:
    """Errors of examples some of which are hard for all four."""
    n = int(rng.integers(40, 60))
    hard = rng.random(n) < 0.3
    rate = np.array([[0.5, 0.3], [0.35, 0.05]])[..., None]
    return ((rng.random((2, 2, n)) < rate) | hard).astype(int)


@check()
def a_share_is_predicted(answer: Any, rng: np.random.Generator) -> None:
    """expected_share() must return a number from 0 to 1, what you expect before you look."""
    got = answer.expected_share()
    close(got, got)
    if np.shape(got) != () or not 0 <= got <= 1:
        raise Wrong("A share is a number between 0 and 1.")


@check()
def a_table_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """Ten examples of which 6 and 2 are wrong when frozen, 5 and 1 when retrained: the place is worth
    0.4 to either, retraining 0.1 at either, and nothing is left for the interaction."""
    wrong = np.zeros((2, 2, 10), int)
    for (i, j), n in np.ndenumerate(np.array([[6, 2], [5, 1]])):
        wrong[i, j, :n] = 1
    close(answer.effects(wrong), [0.4, 0.1, 0.0])
    if answer.verdict(wrong) != "looking":
        raise Wrong(
            "For 6 and 2, 5 and 1 the oracle's place alone takes away 4 of 5: looking."
        )


@check()
def a_split_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """Four examples, covered 1, 1, 0, 0 and wrong 0, 1, 1, 1: half of all are wrong and missed, a
    quarter wrong and covered. A perfect reader of ten classes would be wrong on 0.45 of them."""
    covered = np.array([1, 1, 0, 0])
    got = answer.split(covered, np.array([0, 1, 1, 1]))
    close(np.array(_two(got)), [0.5, 0.25])
    close(answer.ceiling(covered, 10), 0.45)


def _two(got: Any) -> tuple[Any, Any]:
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise Wrong("split returns two numbers, (part_missed, part_covered).")
    if any(
        np.shape(one) != () or isinstance(one, str) or one is None
        for one in got
    ):
        raise Wrong("split returns two numbers, (part_missed, part_covered).")
    return got[0], got[1]


@check(hidden=True, points=2)
def effects_of_a_looker(answer: Any, rng: np.random.Generator) -> None:
    """The effects are wrong for a random looker: place, retraining and interaction, in this order,
    errors that go away counting as positive."""
    for _ in range(3):
        wrong = _random(rng)
        e = wrong.mean(axis=2)
        place = (e[0, 0] - e[0, 1] + e[1, 0] - e[1, 1]) / 2
        reader = (e[0, 0] - e[1, 0] + e[0, 1] - e[1, 1]) / 2
        want = np.array([place, reader, e[0, 0] - e[0, 1] - e[1, 0] + e[1, 1]])
        got = answer.effects(wrong)
        if np.shape(got) == (3,) and not np.allclose(got, want):
            if np.allclose(got, want[[1, 0, 2]]):
                raise Wrong(
                    "The axes are confused: the first is the recogniser, the second the place."
                )
            if np.allclose(got, -want):
                raise Wrong(
                    "The signs are turned: what takes errors away is worth something positive."
                )
            if np.allclose(got[:2], [e[0, 0] - e[0, 1], e[0, 0] - e[1, 0]]):
                raise Wrong(
                    "Each worth is averaged over both kinds of the other half."
                )
            if np.allclose(got[:2], want[:2]):
                raise Wrong(
                    "The interaction is wrong: a difference of two differences, not halved."
                )
        close(got, want)


@check(hidden=True, points=2)
def interval_of_the_interaction(answer: Any, rng: np.random.Generator) -> None:
    """half_width must be 1.96 standard errors of the interaction, formed example by example."""
    for _ in range(3):
        wrong = _random(rng)
        n = wrong.shape[2]
        each = wrong[0, 0] - wrong[0, 1] - wrong[1, 0] + wrong[1, 1]
        want = 1.96 * np.sqrt(
            ((each - each.mean()) ** 2).sum() / (n * (n - 1))
        )
        alone = 1.96 * np.sqrt(wrong.var(axis=2, ddof=1).sum() / n)
        got = answer.half_width(wrong)
        if np.shape(got) == () and not np.allclose(got, want):
            if np.allclose(got, alone, rtol=0.03):
                raise Wrong(
                    "The four errors of an example are not independent; form the interaction "
                    "for each example first."
                )
            if np.allclose(got, want * np.sqrt(n)):
                raise Wrong(
                    "This is the spread of the examples; a mean's error is smaller by the root "
                    "of their number."
                )
            if np.allclose(got, want / 1.96):
                raise Wrong(
                    "This is one standard error, and half the interval is 1.96 of them."
                )
        close(got, want, rtol=1e-9)


@check(hidden=True)
def parts_of_the_error(answer: Any, rng: np.random.Generator) -> None:
    """The two parts of split are shares of all examples, wrong and missed first, and they add up to
    the error."""
    for _ in range(3):
        n = int(rng.integers(30, 50))
        covered, wrong = (rng.random((2, n)) < [[0.7], [0.4]]).astype(int)
        want = (
            np.array([np.sum((1 - covered) * wrong), np.sum(covered * wrong)])
            / n
        )
        got = np.array(_two(answer.split(covered, wrong)))
        within = want * n / [np.sum(1 - covered), np.sum(covered)]
        if not np.allclose(got, want):
            if np.allclose(got, want[::-1]):
                raise Wrong(
                    "The parts are exchanged: what was missed comes first."
                )
            if np.allclose(got, within):
                raise Wrong(
                    "These are shares within each kind. Divide by the number of all examples."
                )
        close(got, want)


@check(hidden=True)
def ceiling_of_a_place(answer: Any, rng: np.random.Generator) -> None:
    """The ceiling is wrong: where the digit is not covered, a guess among n_class is right once in
    n_class."""
    for n_class in (2, 10, 5):
        covered = (rng.random(40) < 0.6).astype(int)
        close(
            answer.ceiling(covered, n_class),
            (1 - covered.mean()) * (n_class - 1) / n_class,
        )


@check(hidden=True, points=2)
def verdict_of_four(answer: Any, rng: np.random.Generator) -> None:
    """A verdict is wrong for a looker that looks badly, reads badly, does both, or whose halves make
    up for one another."""
    for name in rng.permutation(VERDICTS):
        got = answer.verdict(
            _wrong(rng, TABLES[name], 10 * int(rng.integers(4, 9)))
        )
        if got not in VERDICTS:
            raise Wrong(
                'A verdict is "looking", "recognising", "both" or "each other".'
            )
    for name in VERDICTS:
        got = answer.verdict(
            _wrong(rng, TABLES[name], 10 * int(rng.integers(4, 9)))
        )
        if got != name:
            raise Wrong(
                "A verdict is wrong. Compare each single swap, from the table's first number, with "
                "half of what both together take away."
            )


MUTANTS = {
    "axes confused": Mutant(
        old="    by_place = e[:, 0] - e[:, 1]\n    by_reader = e[0] - e[1]\n"
        "    both = by_place[0] - by_place[1]",
        new="    by_reader = e[:, 0] - e[:, 1]\n    by_place = e[0] - e[1]\n"
        "    both = by_place[0] - by_place[1]",
        falls_by="effects_of_a_looker",
        says="The axes are confused",
    ),
    "signs turned": Mutant(
        old="return np.array([by_place.mean(), by_reader.mean(), both])",
        new="return -np.array([by_place.mean(), by_reader.mean(), both])",
        falls_by="effects_of_a_looker",
        says="The signs are turned",
    ),
    "one kind only": Mutant(
        old="return np.array([by_place.mean(), by_reader.mean(), both])",
        new="return np.array([by_place[0], by_reader[0], both])",
        falls_by="effects_of_a_looker",
        says="averaged over both kinds",
    ),
    "interaction halved": Mutant(
        old="both = by_place[0] - by_place[1]",
        new="both = (by_place[0] - by_place[1]) / 2",
        falls_by="effects_of_a_looker",
        says="not halved",
    ),
    "as if independent": Mutant(
        old="    each = (w[0, 0] - w[0, 1]) - (w[1, 0] - w[1, 1])\n"
        "    return float(1.96 * each.std(ddof=1) / np.sqrt(len(each)))",
        new="    return float(1.96 * np.sqrt(w.var(axis=2, ddof=1).sum() / w.shape[2]))",
        falls_by="interval_of_the_interaction",
        says="not independent",
    ),
    "spread of the examples": Mutant(
        old="each.std(ddof=1) / np.sqrt(len(each))",
        new="each.std(ddof=1)",
        falls_by="interval_of_the_interaction",
        says="spread of the examples",
    ),
    "one standard error": Mutant(
        old="1.96 * each",
        new="each",
        falls_by="interval_of_the_interaction",
        says="one standard error",
    ),
    "parts exchanged": Mutant(
        old="return float(missed), float(np.mean(answered_wrong * covered))",
        new="return float(np.mean(answered_wrong * covered)), float(missed)",
        falls_by="parts_of_the_error",
        says="The parts are exchanged",
    ),
    "shares within": Mutant(
        old="    missed = np.mean(answered_wrong * (1 - covered))\n"
        "    return float(missed), float(np.mean(answered_wrong * covered))",
        new="    missed = answered_wrong[covered == 0].mean()\n"
        "    return float(missed), float(answered_wrong[covered == 1].mean())",
        falls_by="parts_of_the_error",
        says="within each kind",
    ),
    "never a lucky guess": Mutant(
        old="(1 - np.mean(covered)) * (1 - 1 / n_class)",
        new="(1 - np.mean(covered))",
        falls_by="ceiling_of_a_place",
        says="once in n_class",
    ),
    "guesses that are mostly right": Mutant(
        old="(1 - np.mean(covered)) * (1 - 1 / n_class)",
        new="(1 - np.mean(covered)) / n_class",
        falls_by="ceiling_of_a_place",
        says="once in n_class",
    ),
    "swaps from the other end": Mutant(
        old="place_mends = e[0, 0] - e[0, 1] >= half",
        new="place_mends = e[1, 0] - e[1, 1] >= half",
        falls_by="verdict_of_four",
        says="from the table's first number",
    ),
    "both for each other": Mutant(
        old='        return "each other"\n',
        new='        return "both"\n',
        falls_by="verdict_of_four",
        says="A verdict is wrong",
    ),
    "halves exchanged": Mutant(
        old='        return "looking"\n    return "recognising" if reader_mends else "both"',
        new='        return "recognising"\n    return "looking" if reader_mends else "both"',
        falls_by="verdict_of_four",
        says="A verdict is wrong",
    ),
}
