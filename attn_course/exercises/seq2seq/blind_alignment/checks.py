"""Checks of a test: it is run on decoder steps of which we know what is wrong with them."""

from collections.abc import Callable
from typing import Any

import numpy as np

from attn_course._typing import Array
from attn_course.exercises.checking import Mutant, Wrong, check
from attn_course.seq2seq.reference import additive_attention

Step = Callable[[Array, Array], tuple[Array, Array]]
VERDICTS = ("leaks", "not its weights", "blind", "tied to places", "looks")


def _source(rng: np.random.Generator) -> tuple[Array, Array]:
    """Annotations and a mask with padding anywhere, more than half of it real."""
    n, d = int(rng.integers(6, 9)), int(rng.integers(2, 5))
    mask = rng.permutation(n) >= int(rng.integers(1, 3))
    return rng.uniform(-2, 2, (n, d)), mask


def _weights_of(score: Array, mask: Array) -> Array:
    bell = np.where(mask, np.exp(np.where(mask, score, 0.0)), 0.0)
    return bell / bell.sum()


def _right(rng: np.random.Generator, d: int) -> Step:
    """Additive attention with weights of its own."""
    given = (
        rng.normal(size=(5, 3)),
        rng.normal(size=(5, d)) / 2,
        rng.uniform(1, 2, 5) * rng.choice([-1, 1], 5),
    )
    query = rng.normal(size=(1, 3))

    def step(annotation: Array, mask: Array) -> tuple[Array, Array]:
        context, weight = additive_attention(
            query, annotation, annotation, mask[None], *given
        )
        return context[0], weight[0]

    return step


def _blind(rng: np.random.Generator, n: int) -> Step:
    """Scores of the query alone, one for each place."""
    score = rng.normal(size=n)

    def step(annotation: Array, mask: Array) -> tuple[Array, Array]:
        weight = _weights_of(score, mask)
        return weight @ np.where(mask[:, None], annotation, 0.0), weight

    return step


def _asked(answer: Any, step: Step, annotation: Array, mask: Array) -> Any:
    """The answer's verdict on a step, by way of its own tries."""
    tried = _tried(answer, annotation, mask)
    with np.errstate(all="ignore"):
        out = [step(one, mask) for one in tried]
    got = answer.verdict(
        tried,
        mask,
        np.array([context for context, _ in out]),
        np.array([weight for _, weight in out]),
    )
    if not isinstance(got, str) or got not in VERDICTS:
        raise Wrong("A verdict is one of the five strings of the prompt.")
    return got


def _tried(answer: Any, annotation: Array, mask: Array) -> Array:
    got = answer.tries(annotation, mask)
    form = "tries returns an array (n_try, n_source, d_annotation) of floats, the first of them the annotations."
    if not isinstance(got, np.ndarray) or got.ndim != 3:
        raise Wrong(form)
    if got.shape[1:] != annotation.shape or got.dtype.kind != "f":
        raise Wrong(form)
    if not 1 <= len(got) <= 20:
        raise Wrong("There may be 20 tries at most.")
    if not np.array_equal(got[0], annotation):
        raise Wrong(
            "The first try must be the annotations as they were given."
        )
    if not (np.abs(got[:, mask]) <= 10).all():
        raise Wrong(
            "At real positions a try must have finite numbers of at most 10 in size."
        )
    return got


@check()
def tries_of_a_source(answer: Any, rng: np.random.Generator) -> None:
    """What tries returns must be annotations of the same shape, the ones given first, finite and no
    larger than 10 where the mask is True."""
    _tried(answer, *_source(rng))


@check()
def a_right_and_a_blind_step(answer: Any, rng: np.random.Generator) -> None:
    """Two steps, one that scores each annotation by its own first number, and one whose weights are
    1/2, 1/3, 1/6 whatever the annotations are: the first looks, the second is blind."""
    annotation = np.array([[1.0, 2.0], [0.5, -1.0], [-1.0, 0.0], [2.0, 2.0]])
    mask = np.array([True, True, True, False])

    def first_number(one: Array, may: Array) -> tuple[Array, Array]:
        weight = _weights_of(one[:, 0], may)
        return weight @ np.where(may[:, None], one, 0.0), weight

    def places_only(one: Array, may: Array) -> tuple[Array, Array]:
        weight = np.array([1 / 2, 1 / 3, 1 / 6, 0.0])
        return weight @ np.where(may[:, None], one, 0.0), weight

    if _asked(answer, first_number, annotation, mask) != "looks":
        raise Wrong(
            "Scores that are each annotation's own first number do look."
        )
    if _asked(answer, places_only, annotation, mask) != "blind":
        raise Wrong("Weights of 1/2, 1/3, 1/6 for any annotations are blind.")


@check(hidden=True, points=2)
def right_steps_look(answer: Any, rng: np.random.Generator) -> None:
    """A right step was not told that it looks; sums are rounded differently when rows trade places."""
    for _ in range(12):
        annotation, mask = _source(rng)
        step = _right(rng, annotation.shape[1])
        if _asked(answer, step, annotation, mask) != "looks":
            raise Wrong(
                "A right step was not told that it looks. Allow for rounding, and turn only the real "
                "positions round."
            )


@check(hidden=True, points=2)
def blind_steps_are_found(answer: Any, rng: np.random.Generator) -> None:
    """A step whose weights come from the query and the place alone is blind; its context changes
    with the annotations all the same."""
    for kind in range(6):
        annotation, mask = _source(rng)
        step = _blind(rng, len(mask))
        if kind == 5:

            def step(one: Array, may: Array) -> tuple[Array, Array]:
                weight = may / may.sum()
                return weight @ np.where(may[:, None], one, 0.0), weight

        got = _asked(answer, step, annotation, mask)
        if got == "looks":
            raise Wrong(
                "A blind step got through. Its context changes with the annotations, being made of "
                "them; do its weights?"
            )
        if got != "blind":
            raise Wrong(
                "A blind step was given another name; check the order."
            )


@check(hidden=True, points=2)
def leaks_are_found(answer: Any, rng: np.random.Generator) -> None:
    """A step leaks if a masked position has weight, or what stands there changes anything."""
    for kind in ("weight", "sum", "state", "context"):
        annotation, mask = _source(rng)
        right = _right(rng, annotation.shape[1])
        aim = rng.normal(size=annotation.shape[1])

        def step(
            one: Array,
            may: Array,
            kind: str = kind,
            right: Step = right,
            aim: Any = aim,
        ) -> tuple[Array, Array]:
            if kind == "weight":  # no mask at all
                return right(np.nan_to_num(one), may | True)
            if (
                kind == "sum"
            ):  # masked after the softmax, the padding still in its sum
                bell = np.exp(np.nan_to_num(one) @ aim)
                weight = np.where(may, bell, 0.0) / bell.sum()
                return weight @ np.where(may[:, None], one, 0.0), weight
            if (
                kind == "state"
            ):  # the query was made of a mean over all positions
                by = aim * np.tanh(np.nan_to_num(one).mean(axis=0))
                weight = _weights_of(one @ (aim + by), may)
                return weight @ np.where(may[:, None], one, 0.0), weight
            context, weight = right(one, may)
            return context + np.tanh(one[~may].mean()), weight

        if _asked(answer, step, annotation, mask) != "leaks":
            raise Wrong(
                "A leaking step got through, or got another name: change what stands at masked "
                "positions, and compare weights and contexts."
            )


@check(hidden=True)
def contexts_of_their_own(answer: Any, rng: np.random.Generator) -> None:
    """A step whose context is not the sum under its weights was not found: compute that sum."""
    for kind in ("mean", "sharp", "shifted"):
        annotation, mask = _source(rng)
        right = _right(rng, annotation.shape[1])

        def step(
            one: Array, may: Array, kind: str = kind, right: Step = right
        ) -> tuple[Array, Array]:
            weight = right(one, may)[1]
            rows = np.where(may[:, None], one, 0.0)
            used = {
                "mean": may / may.sum(),
                "sharp": weight**2 / (weight**2).sum(),
                "shifted": np.roll(weight, 1),
            }[kind]
            return used @ rows, weight

        if _asked(answer, step, annotation, mask) != "not its weights":
            raise Wrong(
                "A step whose context is not the sum under its weights was not found: compute that "
                "sum for every try."
            )


@check(hidden=True, points=2)
def weights_go_along(answer: Any, rng: np.random.Generator) -> None:
    """A step reacts to the annotations and ties its weights to places: trade the places of real
    annotations, and see where the weights go."""
    for kind in ("mean", "neighbour", "last", "both"):
        annotation, mask = _source(rng)
        d = annotation.shape[1]
        right, aim = _right(rng, d), rng.normal(size=d)
        by_place = rng.normal(size=(len(mask), d))

        def step(
            one: Array,
            may: Array,
            kind: str = kind,
            right: Step = right,
            aim: Any = aim,
            by_place: Array = by_place,
        ) -> tuple[Array, Array]:
            real = one[may]
            score = np.zeros(len(may))
            if kind == "mean":  # of what the reader has, and the place
                score = by_place @ real.mean(axis=0) + by_place[:, 0]
            elif kind == "neighbour":
                score[may] = np.roll(real @ aim, 1)
            elif kind == "last":
                score = by_place @ real[-1]
            else:  # its own annotation, and then the place as well
                score[may] = (real @ aim) + by_place[may, 0]
            weight = _weights_of(score, may)
            return weight @ np.where(may[:, None], one, 0.0), weight

        got = _asked(answer, step, annotation, mask)
        if got == "looks":
            raise Wrong(
                "A step got through whose weights react, and stay in their places when the "
                "annotations trade theirs."
            )
        if got != "tied to places":
            raise Wrong(
                "A step that is tied to places was given another name."
            )


MUTANTS = {
    "exact equality": Mutant(
        old="goes_along = np.allclose(real[3], real[0, ::-1], 0, 1e-9)",
        new="goes_along = np.array_equal(real[3], real[0, ::-1])",
        falls_by="right_steps_look",
        says="Allow for rounding",
    ),
    "padding turned round as well": Mutant(
        old="turned[mask] = annotation[mask][::-1]",
        new="turned = annotation[::-1].copy()",
        falls_by="right_steps_look",
        says="only the real positions",
    ),
    "watches the context": Mutant(
        old="if np.allclose(real[2:], real[0], 0, 1e-9):",
        new="if np.allclose(context[2:], context[0], 0, 1e-9):",
        falls_by="blind_steps_are_found",
        says="another name",
    ),
    "any reaction will do": Mutant(
        old='    if np.allclose(real[2:], real[0], 0, 1e-9):\n        return "blind"\n'
        "    goes_along = np.allclose(real[3], real[0, ::-1], 0, 1e-9)",
        new="    goes_along = not np.allclose(context[2], context[0])",
        falls_by="blind_steps_are_found",
        says="Its context changes",
    ),
    "padding left alone": Mutant(
        old="padded[~mask] = np.nan",
        new="padded[mask] = annotation[mask]",
        falls_by="leaks_are_found",
        says="change what stands at masked",
    ),
    "leaks of weight alone": Mutant(
        old="same_weight = np.allclose(real[1], real[0], 0, 1e-9)\n"
        "    if not (same_weight and np.allclose(context[1], context[0], 0, 1e-9)):",
        new="same_weight = True\n    if not same_weight:",
        falls_by="leaks_are_found",
        says="A leaking step",
    ),
    "contexts never compared": Mutant(
        old="if not np.allclose(context, mixture, 0, 1e-9):",
        new="if not np.allclose(mixture, mixture, 0, 1e-9):",
        falls_by="contexts_of_their_own",
        says="compute that sum",
    ),
    "no places traded": Mutant(
        old='return "looks" if goes_along else "tied to places"',
        new='return "looks"',
        falls_by="weights_go_along",
        says="stay in their places",
    ),
    "blind by the order alone": Mutant(
        old="if np.allclose(real[2:], real[0], 0, 1e-9):",
        new="if np.allclose(real[3], real[0], 0, 1e-9):",
        falls_by="weights_go_along",
        says="another name",
    ),
}
