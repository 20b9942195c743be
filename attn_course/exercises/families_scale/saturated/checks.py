"""Checks of norms of any size, by sums over pairs of weights whose logarithms are kept."""

from typing import Any

import numpy as np

from attn_course._typing import Array
from attn_course.exercises.checking import Mutant, Wrong, check, close

TINY = 1e-290


@check()
def even_weights(answer: Any, rng: np.random.Generator) -> None:
    """Two keys of equal scores have four slopes of 1/4 at temperature 1: the norm is 1/2. At temperature
    2 it is half of that."""
    close(answer.slope_norm(np.array([7.0, 7.0]), 1.0), 0.5)
    close(answer.slope_norm(np.array([7.0, 7.0]), 2.0), 0.25)
    close(answer.two_keys(0.0, 1.0), 0.5)


@check()
def weights_of_a_quarter(answer: Any, rng: np.random.Generator) -> None:
    """A gap of ln 3 weighs 1/4 and 3/4: the four slopes are 3/16 and the norm is 3/8."""
    close(answer.two_keys(np.log(3.0), 1.0), 0.375)
    close(answer.slope_norm(np.log([3.0, 1.0]), 1.0), 0.375)


@check()
def four_times_as_wide(answer: Any, rng: np.random.Generator) -> None:
    """At width 4 the entries ln 3 and 0 make scores that are 2 ln 3 apart: weights of 9/10 and 1/10, a
    norm of 0.18 by the scores, and 0.36 by the entries."""
    close(answer.at_width(np.log([3.0, 1.0]), 4.0), 0.36)


@check()
def a_best_temperature(answer: Any, rng: np.random.Generator) -> None:
    """For a gap of one the best temperature lies between 0.6 and 0.7."""
    got = answer.best_temperature(1.0)
    close(got, got)
    if np.shape(got) != () or not 0.6 < got < 0.7:
        raise Wrong(
            "For a gap of one the best temperature lies between 0.6 and 0.7."
        )


def _norm(score: Array, temperature: float) -> float:
    """The norm from logarithms: J has -a_i a_j off the diagonal, and minus a row's sum on it."""
    level = (score - score.max()) / temperature
    log_weight = level - np.log(np.exp(level).sum())
    pair = log_weight[:, None] + log_weight
    np.fill_diagonal(pair, -np.inf)
    diagonal = np.logaddexp.reduce(pair, axis=1)
    entries = np.concatenate([pair.ravel(), diagonal])
    top = entries.max()
    if top < -5000:
        return 0.0
    return float(
        np.exp(top + np.log(np.exp(2 * (entries - top)).sum()) / 2)
        / temperature
    )


def _row(rng: np.random.Generator) -> tuple[Array, float]:
    return rng.normal(0, 1.5, int(rng.integers(3, 9))), float(
        rng.uniform(1.5, 3)
    )


def _near(got: Any, want: float) -> None:
    """Nine digits, of tiny numbers too; and anything tiny below the least that is asked for."""
    close(got, got)
    if want < TINY:
        if not 0 <= got < 10 * TINY:
            raise Wrong
        return
    close(got / want, 1.0)


@check(hidden=True, points=2)
def norm_of_a_row(answer: Any, rng: np.random.Generator) -> None:
    """The norm is the root of the sum of the squares of all slopes, those off the diagonal too."""
    for _ in range(3):
        score, temperature = _row(rng)
        want = _norm(score, temperature)
        bell = np.exp(score / temperature)
        weight = bell / bell.sum()
        matrix = (np.diag(weight) - np.outer(weight, weight)) / temperature
        got = answer.slope_norm(score, temperature)
        if np.shape(got) == () and not np.allclose(got, want, rtol=1e-7):
            for told, value in {
                "The slopes have 1/T in front, since a score is divided by T.": want
                * temperature,
                "The square root is missing.": want**2,
                "Off the diagonal there are slopes too.": np.sqrt(
                    np.sum(np.diag(matrix) ** 2)
                ),
                "This is the largest stretch of a vector; the root of the sum of all squares is "
                "asked for.": np.linalg.norm(matrix, 2),
                "Square the slopes, and take the root of their sum.": np.abs(
                    matrix
                ).sum(),
                "The temperature divides the scores, too.": _norm(score, 1.0)
                / temperature,
            }.items():
                if np.allclose(got, value, rtol=1e-7):
                    raise Wrong(told)
        close(got, want)


@check(hidden=True)
def enormous_scores(answer: Any, rng: np.random.Generator) -> None:
    """Scores of 1e30 leave a norm of zero, or that of the keys which share the top; never NaN."""
    for size in (1e30, -1e30, 1e6, -1e6):
        n_top = int(rng.integers(2, 6))
        rest = -rng.uniform(0.2, 0.9, 4) * abs(size)
        top = max(size, 0.0)
        close(answer.slope_norm(np.append(rest + top, top), 1.0), 0.0)
        score = np.append(np.full(n_top, top), rest + top)
        close(
            answer.slope_norm(score, 1.0),
            np.sqrt(n_top - 1) / n_top,
        )


@check(hidden=True, points=2)
def rounded_to_one(answer: Any, rng: np.random.Generator) -> None:
    """Where a weight rounds to one the sum of the others is still there, and it has all its digits."""
    for gap in (25.0, 45.0, 150.0):
        rest = -gap - rng.uniform(0, 2, int(rng.integers(2, 6)))
        score = np.append(rest, 0.0)
        _near(answer.slope_norm(score, 1.0), _norm(score, 1.0))


@check(hidden=True)
def squares_that_vanish(answer: Any, rng: np.random.Generator) -> None:
    """A norm near 1e-200 is not zero, though the squares of the slopes are."""
    for gap in (420.0, 500.0, 600.0):
        score = np.append(-gap - rng.uniform(0, 2, 3), 0.0)
        got = answer.slope_norm(score, 1.0)
        close(got, got)
        if got == 0:
            raise Wrong(
                "Such slopes are small, and their squares are zero to a computer: divide by the "
                "largest slope before you square."
            )
        if not 0.1 < got / _norm(score, 1.0) < 10:
            raise Wrong


@check(hidden=True)
def norm_of_two(answer: Any, rng: np.random.Generator) -> None:
    """For two keys all four slopes have the size p (1 - p) / T, and the norm is twice that."""
    for _ in range(4):
        gap, temperature = (
            float(rng.uniform(0.5, 3)),
            float(rng.uniform(1.5, 3)),
        )
        want = _norm(np.array([gap, 0.0]), temperature)
        got = answer.two_keys(gap, temperature)
        if np.shape(got) == () and not np.allclose(got, want, rtol=1e-7):
            for told, value in {
                "There are four slopes of that size, and the root of four is two.": want
                / 2,
                "Their squares add up to four, and the root of that is two.": want
                * 2,
                "The slopes have 1/T in front.": want * temperature,
                "The gap is to be divided by the temperature.": _norm(
                    np.array([gap, 0.0]), 1.0
                )
                / temperature,
            }.items():
                if np.allclose(got, value, rtol=1e-7):
                    raise Wrong(told)
        close(got, want)


@check(hidden=True)
def two_far_apart(answer: Any, rng: np.random.Generator) -> None:
    """Two keys far apart have a small norm that has all its digits, and no NaN however far."""
    for gap in rng.uniform([30, 200, 500, 1e29], [50, 400, 600, 1e30]):
        got = answer.two_keys(float(gap), 1.0)
        _near(got, _norm(np.array([gap, 0.0]), 1.0))


@check(hidden=True)
def best_of_temperatures(answer: Any, rng: np.random.Generator) -> None:
    """The best temperature is in proportion to the gap, and at it the slope of the norm is zero."""
    x = 0.77  # one Newton step after the other, towards 2 x tanh x = 1
    for _ in range(20):
        x -= (2 * x * np.tanh(x) - 1) / (
            2 * np.tanh(x) + 2 * x / np.cosh(x) ** 2
        )
    for gap in rng.uniform([0.01, 0.5, 20], [0.1, 5, 500]):
        got, want = answer.best_temperature(float(gap)), float(gap / (2 * x))
        if np.shape(got) == () and not np.allclose(got, want, rtol=1e-9):
            if np.allclose(got, want, rtol=1e-4):
                raise Wrong(
                    "This is close, but lacks digits: look for the zero of the slope, and not for "
                    "the largest value."
                )
            if np.allclose(got, 2 * want) or np.allclose(got, want / 2):
                raise Wrong(
                    "A factor of two is off: x is the gap over twice the temperature."
                )
            if np.allclose(got, want / gap**2, rtol=1e-6):
                raise Wrong("A wider gap wants a warmer softmax.")
        close(got / want, 1.0)


@check(hidden=True)
def widths_of_any_size(answer: Any, rng: np.random.Generator) -> None:
    """By z the slopes have a factor of the root of the width; if it is large, only near ties have any."""
    for width in rng.uniform([2, 10, 30], [9, 29, 99]):
        z = np.append(rng.normal(0, 0.2, 4), 0.5)
        root, width = float(np.sqrt(width)), float(width)
        own = answer.slope_norm(root * z, 1.0)
        close(own, own)
        got = answer.at_width(z, width)
        if np.shape(got) == () and not np.allclose(got, root * own, rtol=1e-7):
            for told, value in {
                "This is the norm by the scores; by z the chain rule has its say.": own,
                "The scores grow with the root of the width.": width
                * answer.slope_norm(width * z, 1.0),
                "The chain rule multiplies by the root of the width.": own
                / root,
                "These are the scaled scores, and the width is gone.": answer.slope_norm(
                    z, 1.0
                ),
            }.items():
                if np.allclose(got, value, rtol=1e-7):
                    raise Wrong(told)
        close(got, root * own)
    far = np.append(-rng.uniform(1, 900, 4), 0.0)
    for width in (1e10, 1e30, 1e50):
        close(answer.at_width(far, width), 0.0)
    close_by = 1e3 - np.append(rng.uniform(1, 9, 3) * 1e-11, 0.0)
    own = 1e11 * answer.slope_norm((close_by - 1e3) * 1e11, 1.0)
    close(
        answer.at_width(close_by, 1e22),
        own,
        "Large entries that are nearly equal lose digits in a product: take their differences "
        "before anything is multiplied.",
    )


MUTANTS = {
    "no temperature in front": Mutant(
        old="return float(length * largest / temperature)",
        new="return float(length * largest)",
        falls_by="norm_of_a_row",
        says="1/T in front",
    ),
    "the diagonal alone": Mutant(
        old="    largest = entry.max()",
        new="    entry = np.diag(entry)\n    largest = entry.max()",
        falls_by="norm_of_a_row",
        says="Off the diagonal",
    ),
    "sizes summed": Mutant(
        old="length = np.sqrt(np.sum((entry / largest) ** 2))",
        new="length = np.sum(entry / largest)",
        falls_by="norm_of_a_row",
        says="Square the slopes",
    ),
    "no root": Mutant(
        old="return float(length * largest / temperature)",
        new="return float((length * largest / temperature) ** 2)",
        falls_by="norm_of_a_row",
        says="square root is missing",
    ),
    "as they stand": Mutant(
        old="np.exp((score - np.max(score)) / temperature)",
        new="np.exp(score / temperature)",
        falls_by="enormous_scores",
        says="never NaN",
    ),
    "the first of those on top": Mutant(
        old="    share = part / part.sum()",
        new="    if np.ptp(score) > 1e5:\n        return 0.0\n    share = part / part.sum()",
        falls_by="enormous_scores",
        says="share the top",
    ),
    "one less the weight": Mutant(
        old="others = np.where(apart, share, 0.0).sum(axis=1)",
        new="others = 1 - share",
        falls_by="rounded_to_one",
        says="sum of the others",
    ),
    "small is zero": Mutant(
        old="    if largest < 1e-300:",
        new="    if largest < 1e-150:",
        falls_by="squares_that_vanish",
        says="before you square",
    ),
    "squared at once": Mutant(
        old="    length = np.sqrt(np.sum((entry / largest) ** 2))\n"
        "    return float(length * largest / temperature)",
        new="    length = np.sqrt(np.sum(entry**2))\n    return float(length / temperature)",
        falls_by="squares_that_vanish",
        says="before you square",
    ),
    "one slope of four": Mutant(
        old="return float(2 * less / (1 + less) ** 2 / temperature)",
        new="return float(less / (1 + less) ** 2 / temperature)",
        falls_by="norm_of_two",
        says="root of four",
    ),
    "two at temperature one": Mutant(
        old="less = np.exp(-gap / temperature)",
        new="less = np.exp(-gap)",
        falls_by="norm_of_two",
        says="gap is to be divided",
    ),
    "two without 1/T": Mutant(
        old="return float(2 * less / (1 + less) ** 2 / temperature)",
        new="return float(2 * less / (1 + less) ** 2)",
        falls_by="norm_of_two",
        says="1/T in front",
    ),
    "infinity over infinity": Mutant(
        old="less = np.exp(-gap / temperature)",
        new="less = np.exp(gap / temperature)",
        falls_by="two_far_apart",
        says="no NaN",
    ),
    "one less a sigmoid": Mutant(
        old="return float(2 * less / (1 + less) ** 2 / temperature)",
        new="p = 1 / (1 + less)\n    return float(2 * p * (1 - p) / temperature)",
        falls_by="two_far_apart",
        says="all its digits",
    ),
    "by trying": Mutant(
        old="return float(gap / (2 * x))",
        new="return float(gap * np.round(1 / (2 * x), 6))",
        falls_by="best_of_temperatures",
        says="lacks digits",
    ),
    "factor of two": Mutant(
        old="return float(gap / (2 * x))",
        new="return float(gap / x)",
        falls_by="best_of_temperatures",
        says="factor of two",
    ),
    "upside down": Mutant(
        old="return float(gap / (2 * x))",
        new="return float(1 / (2 * x * gap))",
        falls_by="best_of_temperatures",
        says="wants a warmer softmax",
    ),
    "by the scores": Mutant(
        old="return float(root * slope_norm(root * below, 1.0))",
        new="return float(slope_norm(root * unit_score, 1.0))",
        falls_by="widths_of_any_size",
        says="by z the chain rule",
    ),
    "width for its root": Mutant(
        old="root = np.sqrt(d_key)",
        new="root = d_key",
        falls_by="widths_of_any_size",
        says="root of the width",
    ),
    "scaled before the difference": Mutant(
        old="below = unit_score - np.max(unit_score)",
        new="below = unit_score",
        falls_by="widths_of_any_size",
        says="before anything is multiplied",
    ),
    "scaled after all": Mutant(
        old="return float(root * slope_norm(root * below, 1.0))",
        new="return slope_norm(unit_score, 1.0)",
        falls_by="widths_of_any_size",
        says="width is gone",
    ),
}
