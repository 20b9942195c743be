"""Checks of nets on signs: all sign patterns, and few units."""

import itertools
from typing import Any

import numpy as np

from attn_course.exercises.checking import Mutant, Wrong, check


@check()
def one_and_two_signs(answer: Any, rng: np.random.Generator) -> None:
    """With one sign the product is the sign itself; with two it is 1 if they are equal, else -1."""
    for n in (1, 2):
        _is_the_product(answer, n)


@check()
def two_points_of_two_numbers(answer: Any, rng: np.random.Generator) -> None:
    """For n = 2 two pairs of numbers are wanted, such as (1, 1) and (2, 0): one sum, two products."""
    _points(answer, 2)


@check(hidden=True)
def odd_numbers_of_signs(answer: Any, rng: np.random.Generator) -> None:
    """With an odd number of signs the sum runs over odd numbers, and all minus has the product -1."""
    for n in rng.permutation([3, 5, 7, 9, 11]):
        _is_the_product(answer, int(n))


@check(hidden=True)
def even_numbers_of_signs(answer: Any, rng: np.random.Generator) -> None:
    """With an even number of signs the sum may be zero, and all minus has the product 1."""
    for n in rng.permutation([4, 6, 8, 10, 12]):
        _is_the_product(answer, int(n))


@check(hidden=True)
def few_units(answer: Any, rng: np.random.Generator) -> None:
    """As many threshold units as there are signs are enough; a unit for each pattern is too many."""
    for n in rng.permutation(np.arange(1, 13)):
        net = _net(answer.units(int(n)))
        if len(net[0]) > n:
            raise Wrong(
                "There are more units than signs. All patterns with the same sum have the same "
                "product: count the sums and not the patterns."
            )


@check(hidden=True)
def one_sum_two_products(answer: Any, rng: np.random.Generator) -> None:
    """Two points are wanted whose numbers have equal sums, while their products differ by 1."""
    for n in rng.permutation(np.arange(2, 13)):
        _points(answer, int(n))


def _net(got: Any) -> tuple[np.ndarray, np.ndarray, float]:
    if not isinstance(got, dict) or not {"threshold", "out", "bias"} <= set(
        got
    ):
        raise Wrong(
            'units must return a dictionary with "threshold", "out" and "bias".'
        )
    threshold, out, bias = (
        np.asarray(got[k], float) for k in ("threshold", "out", "bias")
    )
    if (
        threshold.ndim != 1
        or threshold.shape != out.shape
        or bias.size != 1
        or not np.isfinite(out).all()
    ):
        raise Wrong(
            "Thresholds and output weights must be two arrays of one length, the bias one number."
        )
    return threshold, out, float(bias.item())


def _is_the_product(answer: Any, n: int) -> None:
    threshold, out, bias = _net(answer.units(n))
    x = np.array(list(itertools.product([-1.0, 1.0], repeat=n)))
    said = bias + (x.sum(axis=1)[:, None] > threshold) @ out
    want = x.prod(axis=1)

    def is_said(numbers: np.ndarray) -> bool:
        return bool(np.abs(said - numbers).max() < 1e-9)

    if is_said(want):
        return
    for sentence, wrong in {
        "Every sign is the other way: with no minus at all the product is 1.": -want,
        "The output is 0 or 1 where it should be -1 or 1.": (want + 1) / 2,
        "The output is 0 or 1 where it should be -1 or 1, and the other way round.": (
            1 - want
        )
        / 2,
        "Each jump is too small: from -1 to 1 it is 2.": np.where(
            x.sum(axis=1) == -n, want, want * 0
        ),
    }.items():
        if is_said(wrong):
            raise Wrong(sentence)
    if (np.abs(said) > 1 + 1e-9).any() and np.isclose(np.abs(said[0]), 1):
        raise Wrong(
            "The output runs off beyond 1: the jumps have to go up and down in turn, one at a "
            "time, between two values of the sum."
        )
    raise Wrong(
        "The output is not the product for every pattern of signs; the sum takes the values -n, "
        "-n + 2 and so on up to n, and a threshold belongs between two of them."
    )


def _points(answer: Any, n: int) -> None:
    got = answer.same_sum(n)
    if np.shape(got) != (2, n):
        raise Wrong("Return two points as an array of shape (2, n).")
    points = np.asarray(got, float)
    if not (np.abs(points) <= 2).all():
        raise Wrong("All numbers must lie between -2 and 2.")
    if abs(points[0].sum() - points[1].sum()) > 1e-9:
        raise Wrong(
            "The two sums differ: the net would tell the points apart."
        )
    if not abs(points[0].prod() - points[1].prod()) >= 1:
        raise Wrong("The two products are too near to each other.")


MUTANTS = {
    "starts at one": Mutant(
        old="first = (-1.0) ** n",
        new="first = 1.0",
        falls_by="odd_numbers_of_signs",
        says="Every sign is the other way",
    ),
    "starts at minus one": Mutant(
        old="first = (-1.0) ** n",
        new="first = -1.0",
        falls_by="even_numbers_of_signs",
        says="Every sign is the other way",
    ),
    "zero and one": Mutant(
        old='"bias": first,',
        new='"bias": (first + 1) / 2,\n        **{"out": -first * (-1.0) ** np.arange(n)},',
        falls_by="even_numbers_of_signs",
        says="0 or 1 where it should be",
    ),
    "jumps of one kind": Mutant(
        old="-2 * first * (-1.0) ** np.arange(n)",
        new="-2 * first * np.ones(n)",
        falls_by="even_numbers_of_signs",
        says="up and down in turn",
    ),
    "thresholds on the sums": Mutant(
        old="np.arange(-n + 1.0, n, 2.0)",
        new="np.arange(-n + 2.0, n + 1, 2.0)",
        falls_by="odd_numbers_of_signs",
        says="belongs between two",
    ),
    "a unit for each whole number": Mutant(
        old='"threshold": np.arange(-n + 1.0, n, 2.0),\n        "out": -2 * first * (-1.0) ** np.arange(n),',
        new='"threshold": np.arange(-n + 0.5, n),\n        "out": -2 * first * np.where(np.arange(2 * n) % 2, 0, (-1.0) ** (np.arange(2 * n) // 2)),',
        falls_by="few_units",
        says="count the sums",
    ),
    "one point twice": Mutant(
        old="points[1, :2] = 2, 0",
        new="points[1, :2] = 1, 1",
        falls_by="one_sum_two_products",
        says="too near",
    ),
    "only the last two numbers": Mutant(
        old="points[1, :2] = 2, 0",
        new="points[1, :2] = 2, 2",
        falls_by="one_sum_two_products",
        says="sums differ",
    ),
    "beyond the box": Mutant(
        old="points[1, :2] = 2, 0",
        new="points[1, :2] = 4, -2",
        falls_by="one_sum_two_products",
        says="between -2 and 2",
    ),
}
