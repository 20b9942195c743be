"""Checks of variances, against sums over all outcomes of components that take two values each."""

import itertools
from typing import Any

import numpy as np

from attn_course._typing import Array
from attn_course.exercises.checking import Mutant, Wrong, check, close

Moments = tuple[Array, Array, Array, Array]


@check()
def plain_components(answer: Any, rng: np.random.Generator) -> None:
    """With means 0 and variances 1 the variance is the width and the factor one over its root; at width
    64 that is 64 and 1/8."""
    zero, one = np.zeros(64), np.ones(64)
    close(answer.score_variance(zero, one, zero, one), 64.0)
    close(answer.unit_factor(zero, one, zero, one), 0.125)


@check()
def one_component_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """A query of mean 1 and variance 4, a key of mean 3 and variance 2: the product has the variance
    8 + 36 + 2 = 46. Two keys for that query are 2 * 2 * 5 = 20 apart."""
    given = [np.array([one]) for one in (1.0, 4.0, 3.0, 2.0)]
    close(answer.score_variance(*given), 46.0)
    close(answer.gap_variance(*given), 20.0)


@check()
def units_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """Three units of which one is at 0 and two are far out, at plus and minus 50, and v has std 3: the
    variance is 2 * 9 = 18. With 16 units the std 1/4 is safe."""
    close(answer.additive_variance(np.array([0.0, 50.0, -50.0]), 3.0), 18.0)
    close(answer.safe_std(16), 0.25)


def _moments(rng: np.random.Generator, n: int = 3) -> Moments:
    sign = rng.choice([-1.0, 1.0], (2, n))
    mean = sign * rng.uniform(0.5, 2, (2, n))
    variance = rng.uniform(0.3, 3, (2, n))
    return mean[0], variance[0], mean[1], variance[1]


def _values(mean: Array, variance: Array) -> Array:
    """Every outcome (2**d, d) of components that are a std above or below their means."""
    sign = np.array(list(itertools.product([-1.0, 1.0], repeat=len(mean))))
    return mean + sign * np.sqrt(variance)


def _score_variance(given: Moments) -> float:
    query, key = _values(*given[:2]), _values(*given[2:])
    return float(np.var(query @ key.T))


def _gap_variance(given: Moments) -> float:
    score = _values(*given[:2]) @ _values(*given[2:]).T
    return float(np.var(score[:, :, None] - score[:, None, :]))


@check(hidden=True, points=2)
def variance_of_a_score(answer: Any, rng: np.random.Generator) -> None:
    """The variance of the score is a sum over the components, of three terms each."""
    for n in (1, 3, 4):
        given = _moments(rng, n)
        mean_query, var_query, mean_key, var_key = given
        want = _score_variance(given)
        centred = float(var_query @ var_key)
        mistakes = {
            "The means count too: a component of mean zero is a special case.": centred,
            "The part of the key's mean is missing.": want
            - float(var_query @ mean_key**2),
            "The part of the query's mean is missing.": want
            - float(var_key @ mean_query**2),
            "This is the mean of the square; the square of the mean has to come off.": float(
                (var_query + mean_query**2) @ (var_key + mean_key**2)
            ),
            "What is handed over are variances already; they need no square.": float(
                var_query**2 @ var_key**2
                + var_query**2 @ mean_key**2
                + var_key**2 @ mean_query**2
            ),
        }
        if n > 1:
            mistakes[
                "Variances of the components add up; this is their mean."
            ] = want / n
        _recognise(answer.score_variance(*given), want, mistakes)


@check(hidden=True)
def factor_to_one(answer: Any, rng: np.random.Generator) -> None:
    """Multiplied by the factor, the score must have variance one: a variance goes with the square."""
    for n in (2, 4):
        given = _moments(rng, n)
        own = answer.score_variance(*given)
        if np.shape(own) != () or not own > 0:
            raise Wrong(
                "Without a positive variance of the score there is no factor."
            )
        _recognise(
            answer.unit_factor(*given),
            own**-0.5,
            {
                "Divide by the std of the score, not by its variance.": 1
                / own,
                "This is the std: multiply by one over it.": own**0.5,
                "Means and variances decide, not the width alone.": n**-0.5,
            },
        )


@check(hidden=True, points=2)
def gap_of_two_keys(answer: Any, rng: np.random.Generator) -> None:
    """The query is the same on both sides of the gap, and so is whatever is common to all keys."""
    for n in (2, 3):
        given = _moments(rng, n)
        mean_query, var_query, _, var_key = given
        _recognise(
            answer.gap_variance(*given),
            _gap_variance(given),
            {
                "The two scores have their query in common: their variances do not just add up.": (
                    2 * _score_variance(given)
                ),
                "There are two keys that scatter, and the gap has the variance of both.": (
                    _gap_variance(given) / 2
                ),
                "The mean of the query does not cancel, only that of the keys does.": float(
                    2 * var_query @ var_key
                ),
                "Only the query's mean counted; it scatters, too.": float(
                    2 * mean_query**2 @ var_key
                ),
            },
        )
    rigid = answer.gap_variance(*given[:3], np.zeros_like(var_key))
    close(
        rigid,
        0.0,
        "Keys that do not scatter are all the same, and so are their scores.",
    )


@check(hidden=True)
def variance_of_units(answer: Any, rng: np.random.Generator) -> None:
    """The additive score is a sum of entries of v, each times a fixed number: the tanh of its unit."""
    for n in (2, 5):
        inner, std = rng.normal(0, 1, n), float(rng.uniform(1.5, 3))
        unit = np.tanh(inner)
        _recognise(
            answer.additive_variance(inner, std),
            float(np.sum((std * unit) ** 2)),
            {
                "std_v is a std: the variance has its square.": float(
                    std * unit @ unit
                ),
                "The tanh has to be squared, unit by unit.": float(
                    std**2 * np.abs(unit).sum()
                ),
                "Square each unit and sum, and not the other way round.": float(
                    std**2 * unit.sum() ** 2
                ),
                "The tanh is missing.": float(std**2 * inner @ inner),
                "The units add up; this is their mean.": float(
                    std**2 * np.mean(unit**2)
                ),
                "This counts every unit as one, its largest value.": std**2
                * n,
            },
        )


@check(hidden=True)
def safe_for_all_units(answer: Any, rng: np.random.Generator) -> None:
    """At worst each tanh is plus or minus one, and then all units together must make a variance of one."""
    for n in rng.choice(np.arange(2, 500), 3, replace=False):
        n = int(n)
        _recognise(
            answer.safe_std(n),
            float(1 / np.sqrt(n)),
            {
                "This is the variance of an entry, and its std is asked for.": 1
                / n,
                "A std of one is safe for one unit alone.": 1.0,
                "The more units there are, the smaller v has to be.": float(
                    np.sqrt(n)
                ),
            },
        )


def _recognise(got: Any, want: float, mistakes: dict[str, float]) -> None:
    """Name the mistake if the number is what it leads to; else see that it is right."""
    if np.shape(got) == () and not np.allclose(got, want, rtol=1e-7):
        for sentence, value in mistakes.items():
            if np.allclose(got, value, rtol=1e-7):
                raise Wrong(sentence)
    close(got, want)


MUTANTS = {
    "as if all were centred": Mutant(
        old="return float(both + by_query + by_key)",
        new="return float(both)",
        falls_by="variance_of_a_score",
        says="The means count too",
    ),
    "mean of the queries forgotten": Mutant(
        old="return float(both + by_query + by_key)",
        new="return float(both + by_query)",
        falls_by="variance_of_a_score",
        says="part of the query's mean",
    ),
    "mean of the keys forgotten": Mutant(
        old="return float(both + by_query + by_key)",
        new="return float(both + by_key)",
        falls_by="variance_of_a_score",
        says="part of the key's mean",
    ),
    "second moment": Mutant(
        old="return float(both + by_query + by_key)",
        new="means = np.sum((mean_query * mean_key) ** 2)\n"
        "    return float(both + by_query + by_key + means)",
        falls_by="variance_of_a_score",
        says="square of the mean",
    ),
    "variances for stds": Mutant(
        old="    both = np.sum(",
        new="    var_query, var_key = var_query**2, var_key**2\n    both = np.sum(",
        falls_by="variance_of_a_score",
        says="need no square",
    ),
    "mean over components": Mutant(
        old="return float(both + by_query + by_key)",
        new="return float((both + by_query + by_key) / len(var_key))",
        falls_by="variance_of_a_score",
        says="this is their mean",
    ),
    "one over the variance": Mutant(
        old="return float(1 / np.sqrt(spread))",
        new="return float(1 / spread)",
        falls_by="factor_to_one",
        says="not by its variance",
    ),
    "the rule of the width": Mutant(
        old="return float(1 / np.sqrt(spread))",
        new="return float(1 / np.sqrt(len(var_key)))",
        falls_by="factor_to_one",
        says="not the width alone",
    ),
    "two scores as strangers": Mutant(
        old="""    square = var_query + mean_query**2
    return float(2 * np.sum(square * var_key))""",
        new="""    spread = score_variance(mean_query, var_query, mean_key, var_key)
    return 2 * spread""",
        falls_by="gap_of_two_keys",
        says="query in common",
    ),
    "one key scatters": Mutant(
        old="float(2 * np.sum(square * var_key))",
        new="float(np.sum(square * var_key))",
        falls_by="gap_of_two_keys",
        says="two keys that scatter",
    ),
    "centred gap": Mutant(
        old="square = var_query + mean_query**2",
        new="square = var_query",
        falls_by="gap_of_two_keys",
        says="mean of the query does not cancel",
    ),
    "a query that does not scatter": Mutant(
        old="square = var_query + mean_query**2",
        new="square = mean_query**2",
        falls_by="gap_of_two_keys",
        says="it scatters, too",
    ),
    "std of v not squared": Mutant(
        old="std_v**2 * np.sum(np.tanh(inner) ** 2)",
        new="std_v * np.sum(np.tanh(inner) ** 2)",
        falls_by="variance_of_units",
        says="has its square",
    ),
    "units summed first": Mutant(
        old="np.sum(np.tanh(inner) ** 2)",
        new="np.sum(np.tanh(inner)) ** 2",
        falls_by="variance_of_units",
        says="not the other way round",
    ),
    "no tanh": Mutant(
        old="np.sum(np.tanh(inner) ** 2)",
        new="np.sum(inner**2)",
        falls_by="variance_of_units",
        says="tanh is missing",
    ),
    "the bound for the value": Mutant(
        old="np.sum(np.tanh(inner) ** 2)",
        new="len(inner)",
        falls_by="variance_of_units",
        says="its largest value",
    ),
    "a variance for a std": Mutant(
        old="return d_score**-0.5",
        new="return 1 / d_score",
        falls_by="safe_for_all_units",
        says="variance of an entry",
    ),
    "upside down": Mutant(
        old="return d_score**-0.5",
        new="return d_score**0.5",
        falls_by="safe_for_all_units",
        says="the smaller v has to be",
    ),
}
