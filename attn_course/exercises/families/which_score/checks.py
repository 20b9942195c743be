"""Checks with boxes: each asks what the answer wants to know, and has the box's name told."""

from collections.abc import Callable
from typing import Any

import numpy as np

from attn_course._typing import Array
from attn_course.exercises.checking import Mutant, Wrong, check

KNOWN = ("dot", "scaled", "cosine", "general", "additive", "location")
ROWS = 8
LARGEST = 100.0


def _questions(answer: Any) -> tuple[Array, Array]:
    """What the answer asks for, if it may be asked."""
    got = answer.to_ask()
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise Wrong("to_ask returns a pair, (query, key).")
    for asked in got:
        if (
            not isinstance(asked, np.ndarray)
            or asked.dtype.kind not in "iuf"
            or asked.ndim != 2
            or asked.shape[1] != 4
        ):
            raise Wrong(
                "to_ask returns two arrays of numbers, each row four wide."
            )
        if not 1 <= len(asked) <= ROWS:
            raise Wrong(
                "to_ask may ask for one to eight queries, and as many keys."
            )
        if not (np.abs(asked) <= LARGEST).all():
            raise Wrong(
                "What to_ask returns is to be finite, and no entry beyond 100."
            )
    return got[0].astype(float), got[1].astype(float)


def _tell(
    answer: Any, kind: str, box: Callable[[Array, Array], Array]
) -> None:
    """Have one box named, and say what it was taken for."""
    query, key = _questions(answer)
    got = answer.kind_of(query, key, box(query, key))
    if not isinstance(got, str) or got not in KNOWN:
        raise Wrong("kind_of returns one of the six names, as a string.")
    if got != kind:
        raise Wrong(f"A box with the {kind} score was taken for {got}.")


def _product(w: Array) -> Callable[[Array, Array], Array]:
    return lambda query, key: query @ w @ key.T


def _cosine(strength: float) -> Callable[[Array, Array], Array]:
    def box(query: Array, key: Array) -> Array:
        long = np.linalg.norm(query, axis=1)[:, None] * np.linalg.norm(
            key, axis=1
        )
        return strength * (query @ key.T) / np.where(long > 0, long, 1.0)

    return box


def _additive(rng: np.random.Generator) -> Callable[[Array, Array], Array]:
    w_query, w_key = rng.normal(0, 1, (2, 5, 4))
    v = rng.normal(0, 1, 5)
    return lambda query, key: (
        np.tanh((query @ w_query.T)[:, None] + (key @ w_key.T)[None]) @ v
    )


def _location(rng: np.random.Generator) -> Callable[[Array, Array], Array]:
    w = rng.normal(0, 1, (ROWS, 4))
    return lambda query, key: query @ w[: len(key)].T


@check()
def questions_to_a_box(answer: Any, rng: np.random.Generator) -> None:
    """Queries and keys are two arrays of numbers, each with one to eight rows, four wide."""
    _questions(answer)


@check()
def two_boxes_without_parameters(
    answer: Any, rng: np.random.Generator
) -> None:
    """A box with the plain dot product is to be told from one that divides by two."""
    _tell(answer, "dot", lambda query, key: query @ key.T)
    _tell(answer, "scaled", lambda query, key: query @ key.T / 2)


@check()
def a_cosine_of_strength_three(answer: Any, rng: np.random.Generator) -> None:
    """A box with three times the cosine of the angle is to be told by its name."""
    _tell(answer, "cosine", _cosine(3.0))


@check(hidden=True, points=2)
def stretched_matrices(answer: Any, rng: np.random.Generator) -> None:
    """A matrix that stretches one axis alone makes a general score, however plain the rest is."""
    for axis in range(4):
        for plain in (1.0, 0.5):
            w = plain * np.eye(4)
            w[axis, axis] += rng.uniform(0.5, 2) * rng.choice([-1, 1])
            _tell(answer, "general", _product(w))
    _tell(answer, "general", _product(np.diag(rng.uniform(0.2, 2, 4))))


@check(hidden=True, points=2)
def turned_matrices(answer: Any, rng: np.random.Generator) -> None:
    """A matrix that turns makes a general score, though a vector and itself may not show it."""
    for plain in (1.0, 0.5):
        skew = rng.normal(0, 1, (4, 4))
        _tell(answer, "general", _product(plain * np.eye(4) + skew - skew.T))
    _tell(
        answer, "general", _product(np.linalg.qr(rng.normal(0, 1, (4, 4)))[0])
    )


@check(hidden=True)
def scores_without_a_matrix(answer: Any, rng: np.random.Generator) -> None:
    """The dot and the scaled score differ by a factor of two, and a random matrix is neither."""
    _tell(answer, "dot", _product(np.eye(4)))
    _tell(answer, "scaled", _product(np.eye(4) / 2))
    for _ in range(3):
        _tell(answer, "general", _product(rng.normal(0, 1, (4, 4))))


@check(hidden=True, points=2)
def cosines_of_any_strength(answer: Any, rng: np.random.Generator) -> None:
    """A cosine must be known by what it ignores, whatever its strength is."""
    for strength in (
        1.0,
        0.5,
        float(rng.uniform(1.5, 9)),
        float(rng.uniform(0.1, 0.4)),
    ):
        _tell(answer, "cosine", _cosine(strength))


@check(hidden=True)
def additives_drawn_at_random(answer: Any, rng: np.random.Generator) -> None:
    """An additive score has something to say of a key even where the query is zero."""
    for _ in range(4):
        _tell(answer, "additive", _additive(rng))


@check(hidden=True)
def locations_drawn_at_random(answer: Any, rng: np.random.Generator) -> None:
    """A location score does not look at the keys, and yet each position has a score of its own."""
    for _ in range(4):
        _tell(answer, "location", _location(rng))


MUTANTS = {
    "along one axis": Mutant(
        old="here = np.array([1.0, -2.0, 3.0, 0.5])",
        new="here = np.array([1.0, 0.0, 0.0, 0.0])",
        falls_by="stretched_matrices",
        says="general score was taken for dot",
    ),
    "the query as its own key": Mutant(
        old="there = np.array([2.0, 1.0, -1.0, 4.0])",
        new="there = np.array([1.0, -2.0, 3.0, 0.5])",
        falls_by="turned_matrices",
        says="general score was taken for dot",
    ),
    "two of a kind": Mutant(
        old="np.isclose(once, product / 2, rtol=1e-9)",
        new="np.isclose(once, product / 4, rtol=1e-9)",
        falls_by="scores_without_a_matrix",
        says="scaled score was taken for general",
    ),
    "whatever is a product is a dot": Mutant(
        old="if np.isclose(once, product, rtol=1e-9):",
        new="if np.isclose(twice, 4 * once, rtol=1e-9):",
        falls_by="scores_without_a_matrix",
        says="scaled score was taken for dot",
    ),
    "a cosine has strength one": Mutant(
        old="if np.isclose(once, twice, rtol=1e-9):",
        new="length = np.linalg.norm(query[1]) * np.linalg.norm(key[1])\n"
        "    if np.isclose(once * length, query[1] @ key[1]):",
        falls_by="cosines_of_any_strength",
        says="cosine score was taken for general",
    ),
    "vectors of length one": Mutant(
        old="    return size * here, size * there\n",
        new="    here, there = (\n"
        "        one / np.linalg.norm(one) for one in (here, there)\n"
        "    )\n"
        "    size = np.array([[0.0], [1.0], [1.0]])\n"
        "    return size * here, size * there\n",
        falls_by="scores_without_a_matrix",
        says="dot score was taken for cosine",
    ),
    "dot before cosine": Mutant(
        old="""    if np.isclose(once, twice, rtol=1e-9):
        return "cosine"
    product = query[1] @ key[1]
    if np""",
        new="""    product = query[1] @ key[1]
    cosine = product / np.sqrt(query[1] @ query[1] * (key[1] @ key[1]))
    if np.isclose(once, cosine):
        return "dot"
    if np.isclose(once, twice, rtol=1e-9):
        return "cosine"
    if np""",
        falls_by="cosines_of_any_strength",
        says="cosine score was taken for dot",
    ),
    "a zero key tells": Mutant(
        old='    if abs(score[0, 1]) > 1e-9:\n        return "additive"\n    if abs',
        new="    if abs",
        falls_by="additives_drawn_at_random",
        says="additive score was taken for location",
    ),
    "location as a constant": Mutant(
        old="abs(score[1, 0]) > 1e-9",
        new="np.ptp(score[1]) < 1e-9",
        falls_by="locations_drawn_at_random",
        says="location score was taken for general",
    ),
    "a ninth key": Mutant(
        old="size * there\n",
        new="np.tile(there, (9, 1))\n",
        falls_by="stretched_matrices",
        says="one to eight",
    ),
}
