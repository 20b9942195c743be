"""Checks with units whose series ends: polynomials, for which the claims hold exactly."""

from typing import Any

import numpy as np

from attn_course.exercises.checking import Mutant, Wrong, check, close

FACTOR = np.array([1.5, -2.0, 0.5])


@check()
def a_pure_cube(answer: Any, rng: np.random.Generator) -> None:
    """With the unit t^3 / 6, whose third derivative is 1, the net is the product at any scale."""
    close(_net(answer, [0, 0, 0, 1 / 6], FACTOR, 1.0, 1.0), -1.5)


@check()
def a_pure_fifth_power(answer: Any, rng: np.random.Generator) -> None:
    """At 1.5, -2, 0.5 the squares sum to 6.5; scale 1/2 and derivatives 2 and 12 lose 13/8."""
    close(answer.lost_share(FACTOR, 0.5, 2.0, 12.0), 1.625)


@check()
def a_scale_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """For two factors, truncation 1 and rounding 16 the best scale is 2."""
    close(answer.best_scale(2, 1.0, 16.0), 2.0)


@check(hidden=True)
def lower_powers_cancel(answer: Any, rng: np.random.Generator) -> None:
    """A constant, a slope and a square in the unit must cancel over the eight sign patterns."""
    for _ in range(3):
        lower, scale, factor = (
            list(rng.normal(size=3)),
            rng.uniform(0.5, 2),
            rng.uniform(0.5, 2, 3),
        )
        got = _net(answer, [*lower, 0], factor, scale, 1.0)
        close(
            got,
            0.0,
            "The lower powers of the series do not cancel: each unit is weighted by the product "
            "of its own three signs, and all eight sign patterns are needed.",
            atol=1e-8,
        )


@check(hidden=True)
def the_cube_gives_the_product(answer: Any, rng: np.random.Generator) -> None:
    """What is left of the third power, divided by the weights' constant, is the product."""
    for _ in range(3):
        third, scale, factor = _numbers(rng)
        got = _net(answer, [0, 0, 0, third / 6], factor, scale, third)
        want = factor.prod()
        _recognise(
            got,
            want,
            {
                "You divide by the factorial 3! twice: that of Taylor's series cancels that of "
                "the cube.": [want / 6, want / 36],
                "You multiply by the factorial 3!, which cancels.": [
                    want * 6,
                    want * 36,
                ],
                "There are eight units, each of which adds its share: divide by 8.": [
                    want * 8,
                    want * 4,
                    want * 2,
                ],
                "The scale comes in with its third power.": [
                    want * scale**k for k in (1, 2, 3, -1)
                ],
                "Divide by the third derivative.": [
                    want * third,
                    want * third**2,
                ],
                "The sign is wrong throughout.": [-want],
            },
        )
        close(got, want)


@check(hidden=True)
def hidden_weights_have_the_scale(
    answer: Any, rng: np.random.Generator
) -> None:
    """The hidden weights are the scale times the eight sign patterns, each pattern once."""
    third, scale, _ = _numbers(rng)
    hidden, _ = _pair(answer.weights(scale, third))
    patterns = np.unique(np.round(hidden / scale, 6), axis=0)
    if not np.allclose(np.abs(hidden), scale):
        raise Wrong("Every hidden weight must be plus or minus the scale.")
    if len(patterns) < 8:
        raise Wrong(
            "Some sign pattern is missing and another one is there twice."
        )


@check(hidden=True)
def what_the_fifth_power_leaves(answer: Any, rng: np.random.Generator) -> None:
    """The relative error is that of the first power beyond the cube which does not cancel."""
    for _ in range(3):
        third, scale, factor = _numbers(rng)
        fifth = rng.uniform(1, 3) * rng.choice([-1, 1])
        got = answer.lost_share(factor, scale, third, fifth)
        square = float(np.sum(factor**2))
        want = scale**2 * fifth / third * square / 6
        _recognise(
            got,
            want,
            {
                "The error has a sign: keep it.": [abs(want)]
                if want < 0
                else [],
                "This is the absolute error: divide by the product of the numbers.": [
                    want * factor.prod()
                ],
                "A factorial is off: 20 of the fifth power over 5! leaves 1/6.": [
                    want * 6,
                    want / 20,
                    want * 6 / 120,
                    want * 120,
                ],
                "The squares of the numbers are summed, and no other power.": [
                    want / square * float(np.sum(factor)),
                    want / square * float(np.sum(factor)) ** 2,
                    want / square * factor.prod() ** 2,
                ],
                "The share falls with the square of the scale.": [
                    want / scale,
                    want / scale**2,
                    want * scale,
                    want * scale**3,
                ],
                "The third derivative divides: the share is relative to what the cube gives.": [
                    want * third,
                    want * third**2,
                ],
            },
        )
        close(got, want)


@check(hidden=True)
def best_of_two_errors(answer: Any, rng: np.random.Generator) -> None:
    """At the best scale the derivative of the summed errors is zero."""
    for n in rng.permutation(np.arange(2, 11))[:4]:
        n = int(n)
        a, b = 10 ** rng.uniform(-1, 1), 10 ** rng.uniform(-18, -14)
        got = answer.best_scale(n, a, b)
        want = (n * b / (2 * a)) ** (1 / (n + 2))
        _recognise(
            got,
            want,
            {
                "There the two errors are equal, which is near the best and not at it.": [
                    (b / a) ** (1 / (n + 2))
                ],
                "The root is wrong: multiply the equation by the power N + 1 of the scale.": [
                    (n * b / (2 * a)) ** (1 / n),
                    (n * b / (2 * a)) ** (1 / (n + 1)),
                    (n * b / (2 * a)) ** 0.5,
                ],
                "The fraction is upside down: more rounding calls for a larger scale.": [
                    1 / want
                ],
            },
        )
        close(got, want)


def _pair(got: Any) -> tuple[np.ndarray, np.ndarray]:
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise Wrong("weights must return two arrays, (8, 3) and (8,).")
    hidden, out = got
    if np.shape(hidden) != (8, 3) or np.shape(out) != (8,):
        raise Wrong("weights must return two arrays, (8, 3) and (8,).")
    hidden, out = np.asarray(hidden, float), np.asarray(out, float)
    if not np.isfinite(hidden).all() or not np.isfinite(out).all():
        raise Wrong("A weight is infinite or not a number.")
    return hidden, out


def _net(
    answer: Any,
    coefficients: list[float],
    factor: np.ndarray,
    scale: float,
    third: float,
) -> float:
    """The student's net with a polynomial for a unit, lowest power first."""
    hidden, out = _pair(answer.weights(scale, third))
    return float(out @ np.polyval(coefficients[::-1], hidden @ factor))


def _numbers(rng: np.random.Generator) -> tuple[float, float, np.ndarray]:
    """A third derivative, a scale, and three numbers whose product is negative."""
    factor = rng.uniform(0.5, 1.9, 3) * rng.permutation([-1, 1, 1])
    return rng.uniform(1.5, 3), rng.uniform(0.3, 0.7), factor


def _recognise(
    got: Any, want: float, mistakes: dict[str, list[float]]
) -> None:
    """Name the mistake if the number is one that it leads to, and not the right one."""
    if not isinstance(got, int | float | np.generic) or np.isclose(
        got, want, rtol=1e-9
    ):
        return
    for sentence, values in mistakes.items():
        if values and np.isclose(got, values, rtol=1e-7, atol=0).any():
            raise Wrong(sentence)


MUTANTS = {
    "no products of signs": Mutant(
        old="sign.prod(axis=1) / (8",
        new="np.abs(sign.prod(axis=1)) / (8",
        falls_by="lower_powers_cancel",
        says="product of its own three signs",
    ),
    "two of the three signs": Mutant(
        old="sign.prod(axis=1) / (8",
        new="sign[:, :2].prod(axis=1) / (8",
        falls_by="lower_powers_cancel",
        says="product of its own three signs",
    ),
    "half of the patterns": Mutant(
        old="sign.prod(axis=1) / (8",
        new="np.where(sign.prod(axis=1) > 0, 2.0, 0.0) / (8",
        falls_by="lower_powers_cancel",
        says="all eight sign patterns are needed",
    ),
    "a factorial too many": Mutant(
        old="(8 * scale**3 * third)",
        new="(48 * scale**3 * third)",
        falls_by="the_cube_gives_the_product",
        says="cancels that of",
    ),
    "not divided by eight": Mutant(
        old="(8 * scale**3 * third)",
        new="(scale**3 * third)",
        falls_by="the_cube_gives_the_product",
        says="divide by 8",
    ),
    "square of the scale": Mutant(
        old="(8 * scale**3 * third)",
        new="(8 * scale**2 * third)",
        falls_by="the_cube_gives_the_product",
        says="third power",
    ),
    "third derivative forgotten": Mutant(
        old="(8 * scale**3 * third)",
        new="(8 * scale**3)",
        falls_by="the_cube_gives_the_product",
        says="Divide by the third derivative",
    ),
    "scale in the output alone": Mutant(
        old="return scale * sign, sign.prod(axis=1) / (8 * scale**3 * third)",
        new="return sign, sign.prod(axis=1) / (8 * third)",
        falls_by="hidden_weights_have_the_scale",
        says="plus or minus the scale",
    ),
    "absolute error": Mutant(
        old="np.sum(factor**2) / 6)",
        new="np.sum(factor**2) / 6 * np.prod(factor))",
        falls_by="what_the_fifth_power_leaves",
        says="This is the absolute error",
    ),
    "factorial of the series alone": Mutant(
        old="np.sum(factor**2) / 6)",
        new="np.sum(factor**2) / 120)",
        falls_by="what_the_fifth_power_leaves",
        says="leaves 1/6",
    ),
    "square of the sum": Mutant(
        old="np.sum(factor**2) / 6)",
        new="np.sum(factor) ** 2 / 6)",
        falls_by="what_the_fifth_power_leaves",
        says="squares of the numbers are summed",
    ),
    "linear in the scale": Mutant(
        old="scale**2 * fifth",
        new="scale * fifth",
        falls_by="what_the_fifth_power_leaves",
        says="square of the scale",
    ),
    "errors made equal": Mutant(
        old="n_factor * rounding / (2 * truncation)",
        new="rounding / truncation",
        falls_by="best_of_two_errors",
        says="near the best and not at it",
    ),
    "wrong root": Mutant(
        old="1 / (n_factor + 2)",
        new="1 / n_factor",
        falls_by="best_of_two_errors",
        says="The root is wrong",
    ),
    "upside down": Mutant(
        old="n_factor * rounding / (2 * truncation)",
        new="2 * truncation / (n_factor * rounding)",
        falls_by="best_of_two_errors",
        says="upside down",
    ),
}
