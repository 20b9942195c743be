"""Checks of the exact and the passed slope, and of a place where the latter rests."""

from typing import Any

import numpy as np

from attn_course._typing import Array
from attn_course.exercises.checking import Mutant, Wrong, check, close


def _policy(score: Array) -> Array:
    bell = np.exp(score - score.max())
    return bell / bell.sum()


def _items(rng: np.random.Generator) -> tuple[Array, Array, float]:
    n = int(rng.integers(3, 7))
    return rng.normal(size=n), rng.normal(size=n), float(rng.normal())


def _passed(score: Array, value: Array, target: float) -> Array:
    """What is passed on, a row for each item that may be drawn."""
    p = _policy(score)
    jacobian = np.diag(p) - np.outer(p, p)
    return np.stack([jacobian @ (-2 * (v - target) * value) for v in value])


@check()
def three_items_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """For probabilities 1/2, 3/10, 1/5, values 0, 1, 2 and the target 1 the exact slope is
    (-0.15, 0.21, -0.06), and straight-through passes on (-0.21, 0.054, 0.156) in the mean."""
    args = np.log([0.5, 0.3, 0.2]), np.array([0.0, 1.0, 2.0]), 1.0
    close(answer.exact_slope(*args), [-0.15, 0.21, -0.06])
    close(answer.passed_slope(*args), [-0.21, 0.054, 0.156])


@check()
def rest_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """For the values 0, 1, 2 and the target 1 a bad rest has as much of the first item as of the
    last, each at least an eighth, for the expected f to be at most -1/4."""
    p = answer.bad_rest(np.array([0.0, 1.0, 2.0]), 1.0)
    close(p, p)
    if np.shape(p) != (3,):
        raise Wrong("bad_rest returns a probability for each item.")
    close(p[0], p[2])
    close(p.sum(), 1.0)
    if p[0] < 0.125 or p.min() < 0.01 - 1e-12:
        raise Wrong(
            "At this rest there is little to be had, or a probability is below 0.01."
        )


@check(hidden=True, points=2)
def exact_slope_of_a_policy(answer: Any, rng: np.random.Generator) -> None:
    """exact_slope must be what happens to the expected f as a score moves."""
    for _ in range(3):
        score, value, target = _items(rng)
        p, reward = _policy(score), -((value - target) ** 2)
        got, want = (
            answer.exact_slope(score, value, target),
            p * (reward - p @ reward),
        )
        if np.shape(got) == want.shape and np.allclose(got, p * reward):
            raise Wrong(
                "exact_slope lacks the mean reward: raising one score lowers the others."
            )
        close(got, want)


@check(hidden=True, points=2)
def passed_slope_of_a_policy(answer: Any, rng: np.random.Generator) -> None:
    """passed_slope must be the mean, over the items that are drawn, of the softmax's Jacobian applied
    to the slope of f at that item."""
    for _ in range(3):
        args = _items(rng)
        p, rows = _policy(args[0]), _passed(*args)
        got, want = answer.passed_slope(*args), p @ rows
        if np.shape(got) == want.shape and not np.allclose(got, want):
            if np.allclose(got, rows.mean(axis=0)):
                raise Wrong(
                    "passed_slope counts all items alike; they are drawn with p."
                )
            if np.allclose(got, -want):
                raise Wrong(
                    "passed_slope has the wrong sign: f is minus a square."
                )
            if np.allclose(2 * got, want):
                raise Wrong(
                    "passed_slope is half of what it should be: a square has a factor of 2."
                )
        close(got, want)


@check(hidden=True, points=2)
def variance_of_the_passed(answer: Any, rng: np.random.Generator) -> None:
    """passed_variance must be the mean squared distance of what is passed on from its mean."""
    for _ in range(3):
        args = _items(rng)
        p, rows = _policy(args[0]), _passed(*args)
        want = float(p @ ((rows - p @ rows) ** 2).sum(axis=1))
        got = answer.passed_variance(*args)
        if np.shape(got) == () and not np.allclose(got, want):
            if np.allclose(got, p @ (rows**2).sum(axis=1)):
                raise Wrong("The squared length of the mean is not taken off.")
            if np.allclose(
                got, ((rows - rows.mean(axis=0)) ** 2).sum(axis=1).mean()
            ):
                raise Wrong(
                    "passed_variance counts all items alike; they are drawn with p."
                )
        close(got, want)


@check(hidden=True, points=2)
def rest_is_bad(answer: Any, rng: np.random.Generator) -> None:
    """At bad_rest straight-through must pass on nothing, and the expected f must be far below 0."""
    for _ in range(6):
        n, way = int(rng.integers(3, 7)), rng.uniform(1, 1.4)
        first, last = (-1.0, way) if rng.random() < 0.5 else (-way, 1.0)
        inner = np.sort(np.append(rng.uniform(-0.9, 0.9, n - 3), 0.0))
        target = float(rng.uniform(-2, 2))
        value = target + np.concatenate([[first], inner, [last]])
        value[1 + int(np.flatnonzero(inner == 0)[0])] = target
        p = answer.bad_rest(value, target)
        if (
            not isinstance(p, np.ndarray)
            or p.shape != (n,)
            or not np.isfinite(p).all()
        ):
            raise Wrong("bad_rest returns a probability for each item.")
        if p.min() < 0 or abs(p.sum() - 1) > 1e-9:
            raise Wrong(
                "The numbers of bad_rest are probabilities: not negative, with sum 1."
            )
        if np.abs(p @ _passed(np.log(p), value, target)).max() > 1e-9:
            raise Wrong(
                "At bad_rest straight-through still passes on something: the mean value there "
                "is not the target."
            )
        reward = -((value - target) ** 2)
        if p @ reward > reward.min() / 4:
            raise Wrong(
                "At bad_rest there is too little to be had: the likely items are too good."
            )
        if p.min() < 0.01 - 1e-9:
            raise Wrong("Each probability of bad_rest is to be at least 0.01.")


MUTANTS = {
    "no mean reward": Mutant(
        old="    return p * (reward - p @ reward)",
        new="    return p * reward",
        falls_by="exact_slope_of_a_policy",
        says="lacks the mean reward",
    ),
    "not squared": Mutant(
        old="reward = -((value - target) ** 2)",
        new="reward = -np.abs(value - target)",
        falls_by="exact_slope_of_a_policy",
        says="as a score moves",
    ),
    "items alike": Mutant(
        old="slope = -2 * (p @ value - target) * value",
        new="slope = -2 * (value.mean() - target) * value",
        falls_by="passed_slope_of_a_policy",
        says="counts all items alike",
    ),
    "downhill": Mutant(
        old="slope = -2 * (p @ value - target) * value",
        new="slope = 2 * (p @ value - target) * value",
        falls_by="passed_slope_of_a_policy",
        says="wrong sign",
    ),
    "half the slope": Mutant(
        old="slope = -2 * (p @ value - target) * value",
        new="slope = -(p @ value - target) * value",
        falls_by="passed_slope_of_a_policy",
        says="a factor of 2",
    ),
    "no Jacobian": Mutant(
        old="    return p * (slope - p @ slope)",
        new="    return slope",
        falls_by="passed_slope_of_a_policy",
        says="Jacobian",
    ),
    "second moment": Mutant(
        old="np.sum((passed - p @ passed) ** 2, axis=1)",
        new="np.sum(passed**2, axis=1)",
        falls_by="variance_of_the_passed",
        says="is not taken off",
    ),
    "variance of items alike": Mutant(
        old="float(p @ np.sum((passed - p @ passed) ** 2, axis=1))",
        new="float(passed.var(axis=0).sum())",
        falls_by="variance_of_the_passed",
        says="counts all items alike",
    ),
    "linear, so none": Mutant(
        old="float(p @ np.sum((passed - p @ passed) ** 2, axis=1))",
        new="0.0",
        falls_by="variance_of_the_passed",
        says="mean squared distance",
    ),
    "half and half": Mutant(
        old="last = (mean - value[0]) / (value[-1] - value[0])",
        new="last = 0.5",
        falls_by="rest_is_bad",
        says="still passes on something",
    ),
    "the small shares forgotten": Mutant(
        old="mean = (target - p @ value) / left  # of what is left",
        new="mean = target",
        falls_by="rest_is_bad",
        says="still passes on something",
    ),
    "mostly the target": Mutant(
        old="    p[-1] += left * last\n    return p",
        new="    p[-1] += left * last\n    return 0.2 * p + 0.8 * (value == target)",
        falls_by="rest_is_bad",
        says="too little to be had",
    ),
    "no small shares": Mutant(
        old="p = np.full(len(value), 0.01)",
        new="p = np.zeros(len(value))",
        falls_by="rest_is_bad",
        says="at least 0.01",
    ),
}
