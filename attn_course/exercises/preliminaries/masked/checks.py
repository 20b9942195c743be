"""Checks of masked attention: what is left, what is nothing, and what may never be heard of."""

from typing import Any

import numpy as np

from attn_course.exercises.checking import Mutant, Wrong, check, close

SCORE = np.log([[1.0, 2.0, 5.0], [1.0, 2.0, 5.0], [1.0, 2.0, 5.0]])
MASK = np.array([[1, 1, 1], [1, 1, 0], [0, 0, 0]], dtype=bool)
VALUE = np.array([[8.0], [16.0], [24.0]])


@check()
def three_rows_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """Scores 0, ln 2, ln 5 weigh as 1, 2, 5; without the last key as 1, 2; a row with nowhere to
    look is zero."""
    close(
        answer.masked_softmax(SCORE, MASK),
        np.array([[1 / 8, 2 / 8, 5 / 8], [1 / 3, 2 / 3, 0], [0, 0, 0]]),
        "The rows must be 1/8, 2/8, 5/8, then 1/3, 2/3, 0, then 0, 0, 0.",
    )
    close(
        answer.context(SCORE, VALUE, MASK),
        np.array([[20.0], [40 / 3], [0.0]]),
        "With the values 8, 16, 24 the contexts are 20, 40/3 and 0.",
    )


@check()
def slopes_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """A score's slope is its weight times what its value brings beyond the context."""
    got = answer.slope_by_score(SCORE, VALUE, MASK, np.ones((3, 1)))
    want = [[-1.5, -1.0, 2.5], [-16 / 9, 16 / 9, 0.0], [0.0, 0.0, 0.0]]
    close(
        got,
        np.array(want),
        "In the first row 1/8 * (8 - 20) = -1.5, 2/8 * (16 - 20) = -1 and 5/8 * (24 - 20) = 2.5; "
        "in the second 1/3 * (8 - 40/3) = -16/9; the last row is zero.",
    )


@check()
def nan_behind_the_mask(answer: Any, rng: np.random.Generator) -> None:
    """A NaN as the second row's last score changes nothing, and nor does one as the last value."""
    spoilt = SCORE[1:].copy()
    spoilt[0, 2] = spoilt[1, 0] = np.nan
    value = np.array([[8.0], [16.0], [np.nan]])
    close(
        answer.context(spoilt, value, MASK[1:]),
        np.array([[40 / 3], [0.0]]),
        "With NaN where nobody may look the contexts must still be 40/3 and 0.",
    )


@check(
    hidden=True,
    safety="all else is made of the weights, and this names the usual mistakes",
)
def weights_over_what_is_left(answer: Any, rng: np.random.Generator) -> None:
    """Over the keys that a query may see the weights are its softmax and sum to one."""
    for shape in ((4, 5), (3, 4, 5), (2, 3, 4, 5)):
        score = rng.normal(scale=2, size=shape)
        for own in (shape, shape[-2:]):
            mask = _mask(rng, own)
            whole = np.broadcast_to(mask, shape)
            got = answer.masked_softmax(score, mask)
            want = _weights(score, whole)
            bell = np.exp(score)
            _recognise(
                got,
                want,
                {
                    "The mask is read the wrong way round: true means that a query may look.": (
                        _weights(score, ~whole)
                    ),
                    "Your rows do not sum to one: a masked key still counts in the sum.": whole
                    * bell
                    / bell.sum(-1, keepdims=True),
                    "The softmax goes over the keys, the last axis, and not over the queries.": (
                        _weights(
                            np.swapaxes(score, -1, -2),
                            np.swapaxes(whole, -1, -2),
                        ).swapaxes(-1, -2)
                    ),
                },
            )
            close(got, want)


@check(hidden=True)
def scores_of_any_size(answer: Any, rng: np.random.Generator) -> None:
    """Scores of 1e4 or 1e30, of either sign, must neither overflow nor be taken for masked ones."""
    gap = rng.uniform(0.5, 2)
    for low in (1e5, 1e30, 0.0, -1e5, -1e10, -1e30):
        exact = low + np.array([gap, 0.0])
        want = _weights(exact, np.array([True, True]))
        score = np.append(exact, rng.uniform(0, 1e5))
        got = answer.masked_softmax(
            score[None], np.array([[True, True, False]])
        )
        if np.shape(got) == (1, 3) and not np.isfinite(got).all():
            raise Wrong(
                "With large scores the result is not a finite number: take the largest of the "
                "scores that a query may see off, and not the largest of all."
            )
        close(
            got,
            np.array([[*want, 0.0]]),
            "A score may be as low as the number that you put in the place of masked ones; minus "
            "infinity is lower than any. And the largest score that comes off must be one that "
            "the query may see.",
            rtol=1e-6,
        )


@check(hidden=True)
def rows_with_nowhere_to_look(answer: Any, rng: np.random.Generator) -> None:
    """A query that may see nothing has weight, context and slope zero."""
    score, value = rng.normal(size=(2, 4, 5)), rng.normal(size=(2, 5, 3))
    mask = _mask(rng, (2, 4, 5))
    mask[:, 1] = False
    weight = answer.masked_softmax(score, mask)
    if np.shape(weight) == (2, 4, 5):
        row = weight[:, 1]
        if np.isnan(row).any():
            raise Wrong("The empty row is zero over zero: NaN.")
        if np.allclose(row, 1 / 5):
            raise Wrong(
                "The empty row is spread evenly over keys that the query may not see; it must be "
                "zero."
            )
        close(row, np.zeros((2, 5)))
    got = answer.context(score, value, mask)
    close(got[:, 1], np.zeros((2, 3)), "The context of an empty row is 0.")
    got = answer.slope_by_score(score, value, mask, rng.normal(size=(2, 4, 3)))
    close(got[:, 1], np.zeros((2, 5)), "The slopes of an empty row are 0.")


@check(hidden=True)
def junk_in_the_scores(answer: Any, rng: np.random.Generator) -> None:
    """Whatever stands behind the mask, NaN and infinity included, the weights stay as they are."""
    score = rng.normal(size=(3, 4, 5))
    mask = _mask(rng, (3, 4, 5))
    want = _weights(score, mask)
    for junk in (np.nan, np.inf, -np.inf, 1e300):
        close(
            answer.masked_softmax(np.where(mask, score, junk), mask),
            want,
            "What stands behind the mask has changed the weights. NaN minus anything is NaN, and "
            "so is NaN times zero: replace it before you compute.",
        )


@check(hidden=True)
def context_of_each_query(answer: Any, rng: np.random.Generator) -> None:
    """The context is the sum of the values under the query's weights."""
    for shape in ((), (3,), (2, 3)):
        score, value = (
            rng.normal(size=(*shape, 4, 5)),
            rng.normal(size=(*shape, 5, 2)),
        )
        for own in ((*shape, 4, 5), (4, 5), (1, 5), (4, 1), (1, 1)):
            mask = _mask(rng, own)
            want = _weights(score, np.broadcast_to(mask, score.shape)) @ value
            close(
                answer.context(score, value, mask),
                want,
                "A context is wrong, or a mask with axes of size one or without leading axes is "
                "not broadcast.",
            )


@check(hidden=True, points=2)
def what_others_may_see(answer: Any, rng: np.random.Generator) -> None:
    """A NaN that a query may not see must not reach its context, whoever else may see it."""
    score, value = rng.normal(size=(4, 4)), rng.normal(size=(4, 2))
    mask = np.tri(4, dtype=bool)
    want = _weights(score, mask) @ value
    last = int(rng.integers(1, 4))
    value[last] = np.nan
    got = answer.context(score, value, mask)
    close(
        got[:last],
        want[:last],
        "A NaN that only later queries may see has reached an earlier one: its weight there is "
        "zero, and zero times NaN is NaN. Clear it for each query by itself.",
    )
    if not np.isnan(got[last:]).all():
        raise Wrong(
            "Who may see a NaN must get NaN: hidden, it would be a fault that nobody finds."
        )


@check(hidden=True, points=2)
def slopes_of_the_loss(answer: Any, rng: np.random.Generator) -> None:
    """The slope is what happens to the loss when a score moves a little."""
    for shape in ((), (3,)):
        score, value = (
            rng.normal(size=(*shape, 4, 5)),
            rng.normal(size=(*shape, 5, 2)),
        )
        upstream = rng.normal(size=(*shape, 4, 2))
        mask = _mask(rng, (4, 5))
        weight = _weights(score, np.broadcast_to(mask, score.shape))
        gain = mask * (upstream @ np.swapaxes(value, -1, -2))
        want = weight * (gain - (weight * gain).sum(axis=-1, keepdims=True))
        got = answer.slope_by_score(score, value, mask, upstream)
        _recognise(
            got,
            want,
            {
                "What the context brings already has to come off: raising one score lowers the "
                "other weights.": weight * gain,
                "The mean that comes off is the one under the weights.": weight
                * (gain - gain.mean(axis=-1, keepdims=True)),
                "This is the slope by the weights; the softmax is still to be gone through.": (
                    gain
                ),
            },
        )
        close(got, want)


@check(hidden=True)
def junk_and_slopes(answer: Any, rng: np.random.Generator) -> None:
    """What a query may not see must not reach its slopes, whoever else may see it."""
    score, value = rng.normal(size=(4, 4)), rng.normal(size=(4, 2))
    upstream = rng.normal(size=(4, 2))
    mask = np.tri(4, dtype=bool)
    last = int(rng.integers(1, 4))
    clean = np.where(np.arange(4)[:, None] < last, value, 0.0)
    want = answer.slope_by_score(score, clean, mask, upstream)
    value[last] = np.nan
    got = answer.slope_by_score(score, value, mask, upstream)
    close(
        got[:last],
        want[:last],
        "A query's slopes have changed, or are NaN, because of a value that it may not see.",
    )


def _mask(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """A mask in which every query may see something, and some not all."""
    mask = rng.random(shape) < 0.6
    mask[..., 0] = True
    return mask


def _weights(score: np.ndarray, mask: np.ndarray) -> np.ndarray:
    bell = np.where(mask, np.exp(score - score.max(axis=-1, keepdims=True)), 0)
    total = bell.sum(axis=-1, keepdims=True)
    return bell / np.where(total == 0, 1, total)


def _recognise(
    got: Any, want: np.ndarray, mistakes: dict[str, np.ndarray]
) -> None:
    """Name the mistake if the numbers are those that it leads to, and not the right ones."""
    if np.shape(got) != want.shape or np.allclose(got, want, rtol=1e-7):
        return
    for sentence, value in mistakes.items():
        if np.allclose(got, value, rtol=1e-7):
            raise Wrong(sentence)


MUTANTS = {
    "mask inverted": Mutant(
        old="allowed = np.where(mask, score, -np.inf)",
        new="allowed = np.where(mask, -np.inf, score)",
        falls_by="weights_over_what_is_left",
        says="the wrong way round",
    ),
    "masked after the softmax": Mutant(
        old="    return bell / np.where(total > 0, total, 1.0)",
        new="    whole = np.exp(score - score.max(axis=-1, keepdims=True))\n    return mask * whole / whole.sum(axis=-1, keepdims=True)",
        falls_by="weights_over_what_is_left",
        says="still counts in the sum",
    ),
    "softmax over the queries": Mutant(
        old="    return bell / np.where(total > 0, total, 1.0)",
        new="    bell = np.exp(allowed)\n    total = bell.sum(axis=-2, keepdims=True)\n    return bell / np.where(total > 0, total, 1.0)",
        falls_by="weights_over_what_is_left",
        says="not over the queries",
    ),
    "a large negative number": Mutant(
        old="    return bell / np.where(total > 0, total, 1.0)",
        new="    low = np.where(mask, score, -1e9)\n    raised = np.exp(low - low.max(axis=-1, keepdims=True))\n    return mask * raised / raised.sum(axis=-1, keepdims=True)",
        falls_by="scores_of_any_size",
        says="minus infinity is lower than any",
    ),
    "largest score of all": Mutant(
        old="top = allowed.max(axis=-1, keepdims=True)",
        new="top = np.nan_to_num(score, posinf=0.0).max(axis=-1, keepdims=True)",
        falls_by="scores_of_any_size",
        says="one that the query may see",
    ),
    "exponentials as they stand": Mutant(
        old="np.exp(allowed - np.where(top > -np.inf, top, 0.0))",
        new="np.exp(allowed)",
        falls_by="scores_of_any_size",
        says="not a finite number",
    ),
    "empty row zero over zero": Mutant(
        old="    return bell / np.where(total > 0, total, 1.0)",
        new="    return bell / total",
        falls_by="rows_with_nowhere_to_look",
        says="zero over zero",
    ),
    "empty row uniform": Mutant(
        old="    return bell / np.where(total > 0, total, 1.0)",
        new="    even = np.full(bell.shape, 1 / bell.shape[-1])\n    return np.where(total > 0, bell / np.where(total > 0, total, 1.0), even)",
        falls_by="rows_with_nowhere_to_look",
        says="spread evenly",
    ),
    "masked by a bias": Mutant(
        old="allowed = np.where(mask, score, -np.inf)",
        new="allowed = score + np.where(mask, 0.0, -np.inf)",
        falls_by="junk_in_the_scores",
        says="replace it before you compute",
    ),
    "all that is allowed alike": Mutant(
        old="    share = masked_softmax(score, mask)\n    return np.einsum",
        new="    share = own[..., 0] / np.maximum(own.sum(axis=-2), 1)\n    return np.einsum",
        falls_by="context_of_each_query",
        says="A context is wrong",
    ),
    "the first example for all": Mutant(
        old='    return np.einsum("...qk,...qkd->...qd", share, visible)',
        new="    first = visible[:1] if visible.ndim > 3 else visible\n    return (share[..., None] * first).sum(axis=-2)",
        falls_by="context_of_each_query",
        says="A context is wrong",
    ),
    "one product for all": Mutant(
        old='    return np.einsum("...qk,...qkd->...qd", share, visible)',
        new="    return share @ value",
        falls_by="what_others_may_see",
        says="Clear it for each query by itself",
    ),
    "cleared where nobody looks": Mutant(
        old='    return np.einsum("...qk,...qkd->...qd", share, visible)',
        new="    return share @ np.where(own[..., 0].any(axis=-2)[..., None], value, 0.0)",
        falls_by="what_others_may_see",
        says="Clear it for each query by itself",
    ),
    "NaN hidden": Mutant(
        old='    return np.einsum("...qk,...qkd->...qd", share, visible)',
        new="    return share @ np.nan_to_num(value)",
        falls_by="what_others_may_see",
        says="a fault that nobody finds",
    ),
    "slope not centred": Mutant(
        old="return share * (gain - usual)",
        new="return share * gain",
        falls_by="slopes_of_the_loss",
        says="lowers the other weights",
    ),
    "plain mean": Mutant(
        old="usual = (share * gain).sum(axis=-1, keepdims=True)",
        new="usual = gain.mean(axis=-1, keepdims=True)",
        falls_by="slopes_of_the_loss",
        says="under the weights",
    ),
    "slope by the weights": Mutant(
        old="return share * (gain - usual)",
        new="return mask * gain",
        falls_by="slopes_of_the_loss",
        says="still to be gone through",
    ),
    "slopes from one product": Mutant(
        old='gain = np.einsum("...qd,...qkd->...qk", upstream, visible)',
        new="gain = upstream @ np.swapaxes(value, -1, -2)",
        falls_by="junk_and_slopes",
        says="a value that it may not see",
    ),
}
