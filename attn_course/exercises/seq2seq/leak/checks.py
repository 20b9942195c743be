"""Checks of parts of an encoder: nothing of the padding may be heard."""

from typing import Any

import numpy as np

from attn_course._typing import Array
from attn_course.exercises.checking import Mutant, Wrong, check, close

NAN = float("nan")


@check()
def a_reader_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """With weights of 0 and the bias atanh(1/2) every state that has been read into is 1/2; with
    W_h = 1 and no bias a reader of NaN, 0, NaN stays at 0 whichever way it goes."""
    zero, mask = np.zeros((1, 1)), np.array([[False, True, False]])
    feature = np.array([[[NAN], [0.0], [NAN]]])
    for back in (False, True):
        got = answer.sweep(feature, mask, zero, zero, np.arctanh([0.5]), back)
        close(got, [[[0.0], [0.5], [0.0]]])
        got = answer.sweep(
            feature, mask, zero + 1, zero + 1, np.zeros(1), back
        )
        close(got, [[[0.0], [0.0], [0.0]]])


@check()
def ends_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """Of the states 1, 2, 0 and 7, 8, 0 with two real steps the ends are 2 and 7; with padding in
    front, 0, 1, 2 and 0, 8, 9, they are 2 and 8."""
    ahead = np.array([[[1.0], [2.0], [0.0]], [[0.0], [1.0], [2.0]]])
    back = np.array([[[7.0], [8.0], [0.0]], [[0.0], [8.0], [9.0]]])
    mask = ahead[:, :, 0] > 0
    close(answer.ends(ahead, back, mask), [[2.0, 7.0], [2.0, 8.0]])


@check()
def means_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """The mean of 4, 8 and a NaN that is masked is 6, and of nothing it is 0. Words of probability
    1/2 in a sentence of one word, 1/4 in one of three: the mean over the four words is 7/4 log 2."""
    annotation = np.array([[[4.0], [8.0], [NAN]], [[NAN], [NAN], [NAN]]])
    mask = np.array([[True, True, False], [False, False, False]])
    close(answer.mean_annotation(annotation, mask), [[6.0], [0.0]])
    log_p = -np.log(2) * np.array([[[1, 9], [NAN, 9], [0, 9]], [[2, 9]] * 3])
    mask = np.array([[True, False, False], [True, True, True]])
    close(
        answer.word_loss(log_p, np.zeros((2, 3), int), mask),
        7 / 4 * np.log(2),
    )


@check(
    hidden=True,
    points=2,
    safety="what it finds shows behind any padding, and only here it is told apart",
)
def states_are_those_alone(answer: Any, rng: np.random.Generator) -> None:
    """The states of a source differ from those that it has alone: a masked step must leave the
    state as it was, in both directions."""
    feature, mask, reader = _batch(rng)
    filled = np.where(mask[:, :, None], feature, 0.0)
    for back in (False, True):
        got = answer.sweep(filled, mask, *reader, back)
        want = _states(feature, mask, reader, back)
        if np.shape(got) == want.shape and not np.allclose(got, want):
            if np.allclose(got, _states(feature, mask, reader, not back)):
                raise Wrong("The two directions are exchanged.")
            if np.allclose(
                np.where(mask[:, :, None], got, 0.0), want
            ) and not np.allclose(np.where(mask[:, :, None], 0.0, got), 0.0):
                raise Wrong(
                    "At masked steps the states returned must be zero."
                )
            if back and np.allclose(got[:, ::-1], want):
                raise Wrong(
                    "Each state belongs at its own step's index, also when reading from the end."
                )
        close(got, want)


@check(hidden=True)
def padding_of_any_kind(answer: Any, rng: np.random.Generator) -> None:
    """Features behind the mask have changed a state; NaN stands there, and zero times NaN is NaN."""
    feature, mask, reader = _batch(rng)
    for behind in (NAN, np.inf, 1e6):
        spoilt = np.where(mask[:, :, None], feature, behind)
        for back in (False, True):
            close(
                answer.sweep(spoilt, mask, *reader, back),
                _states(feature, mask, reader, back),
            )


@check(hidden=True, points=2)
def both_ends(answer: Any, rng: np.random.Generator) -> None:
    """The ends are wrong: the reader from the front ends at the last real step, the one from the end
    at the first."""
    for _ in range(3):
        _, mask, reader = _batch(rng)
        d = len(reader[2])
        drawn = rng.normal(size=(2, *mask.shape, d))
        ahead, back = np.where(mask[:, :, None], drawn, np.nan)
        want = np.zeros((len(mask), 2 * d))
        for k, row in enumerate(mask):
            places = np.flatnonzero(row)
            want[k] = np.concatenate(
                [ahead[k, places[-1]], back[k, places[0]]]
            )
        got = answer.ends(ahead, back, mask)
        if np.shape(got) == want.shape and not np.allclose(got, want):
            if np.allclose(got, np.roll(want, d, axis=1)):
                raise Wrong("The reader from the front comes first.")
            lengths = mask.sum(axis=1)
            by_length = ahead[np.arange(len(mask)), lengths - 1]
            if np.allclose(got[:, :d], by_length, equal_nan=True):
                raise Wrong(
                    "Padding may stand in front and in between: the number of real steps does not "
                    "tell where the last one is."
                )
        close(got, want)


@check(hidden=True)
def nothing_real(answer: Any, rng: np.random.Generator) -> None:
    """An example without real steps has ends and a mean of zero, and a batch without real words a
    loss of 0, and none of it is NaN."""
    feature, mask, _ = _batch(rng)
    mask = mask.copy()
    row = int(rng.integers(len(mask)))
    mask[row] = False
    states = np.where(mask[:, :, None], feature, rng.normal())
    got = answer.ends(states, states, mask)
    close(got[row], np.zeros(2 * feature.shape[2]))
    got = answer.mean_annotation(states, mask)
    close(got[row], np.zeros(feature.shape[2]))
    token = np.zeros(mask.shape, int)
    close(answer.word_loss(states, token, mask & False), 0.0)


@check(hidden=True)
def means_over_real_steps(answer: Any, rng: np.random.Generator) -> None:
    """The mean annotation is wrong: add up real steps alone and divide by their number."""
    feature, mask, _ = _batch(rng)
    pairs = zip(feature, mask, strict=True)
    want = np.stack([one[row].mean(axis=0) for one, row in pairs])
    for behind in (0.0, NAN):
        spoilt = np.where(mask[:, :, None], feature, behind)
        got = answer.mean_annotation(spoilt, mask)
        by_all = want * mask.mean(axis=1)[:, None]
        if np.shape(got) == want.shape and np.allclose(got, by_all):
            raise Wrong(
                "This divides by all steps, padding included: a longer neighbour makes the mean "
                "smaller."
            )
        close(got, want)


@check(hidden=True, points=2)
def every_word_counts_the_same(answer: Any, rng: np.random.Generator) -> None:
    """The loss is wrong: it is the sum over all real words of the batch, divided by their number."""
    _, mask, _ = _batch(rng)
    n_token = int(rng.integers(4, 8))
    log_p = np.log(rng.dirichlet(np.ones(n_token), mask.shape))
    token = rng.integers(0, n_token, mask.shape)
    index = np.indices(mask.shape)
    each = -log_p[index[0], index[1], token]
    want = each[mask].sum() / np.count_nonzero(mask)
    for behind in (0.0, NAN):
        spoilt = np.where(mask[:, :, None], log_p, behind)
        got = answer.word_loss(spoilt, token, mask)
        if np.shape(got) == () and not np.allclose(got, want):
            each = np.where(mask, each, 0.0)
            by_example = each.sum(axis=1) / mask.sum(axis=1)
            if np.allclose(got, -want):
                raise Wrong("The sign is turned: a loss of words is positive.")
            if np.allclose(got, by_example.mean()):
                raise Wrong(
                    "This is a mean of the sentences' means, in which the words of short sentences "
                    "count more."
                )
            if np.allclose(got, each.mean()):
                raise Wrong("The padding is counted among the words.")
        close(got, want)


def _batch(
    rng: np.random.Generator,
) -> tuple[Array, Array, tuple[Array, Array, Array]]:
    """Sources of several lengths, with padding behind, in front, and in between."""
    n_step, d_in = int(rng.integers(6, 9)), int(rng.integers(2, 5))
    d_hidden = d_in + 1
    mask = np.zeros((4, n_step), bool)
    mask[0] = True
    mask[1, : n_step - 3] = True
    mask[2, 2:] = True
    mask[3, 1:-2] = True
    mask[3, 2 + int(rng.integers(n_step - 5))] = False
    reader = (
        rng.normal(size=(d_hidden, d_in)),
        rng.normal(size=(d_hidden, d_hidden)) / 2,
        rng.uniform(0.3, 0.8, d_hidden),
    )
    return rng.normal(size=(4, n_step, d_in)), mask[rng.permutation(4)], reader


def _states(
    feature: Array, mask: Array, reader: tuple[Array, Array, Array], back: bool
) -> Array:
    """Each source read alone, its padding taken out."""
    w_input, w_hidden, b = reader
    found = np.zeros((*mask.shape, len(b)))
    for k, row in enumerate(mask):
        state = np.zeros(len(b))
        places = np.flatnonzero(row)
        for place in places[::-1] if back else places:
            state = np.tanh(w_input @ feature[k, place] + w_hidden @ state + b)
            found[k, place] = state
    return found


MUTANTS = {
    "padding moves the state": Mutant(
        old="now = np.where(real, fresh, now)",
        new="now = fresh",
        falls_by="states_are_those_alone",
        says="must leave the state as it was",
    ),
    "padding resets the state": Mutant(
        old="now = np.where(real, fresh, now)",
        new="now = np.where(real, fresh, 0.0)",
        falls_by="states_are_those_alone",
        says="must leave the state as it was",
    ),
    "states carried on": Mutant(
        old="found[:, t] = np.where(real, now, 0.0)",
        new="found[:, t] = now",
        falls_by="states_are_those_alone",
        says="the states returned must be zero",
    ),
    "never from the end": Mutant(
        old="for t in range(n_step)[::-1] if back else range(n_step):",
        new="for t in range(n_step) if back else range(n_step)[::-1]:",
        falls_by="states_are_those_alone",
        says="directions are exchanged",
    ),
    "states in the order of reading": Mutant(
        old="    return found\n",
        new="    return found[:, ::-1] if back else found\n",
        falls_by="states_are_those_alone",
        says="its own step's index",
    ),
    "mask as a factor": Mutant(
        old="now = np.where(real, fresh, now)",
        new="now = real * fresh + ~real * now",
        falls_by="padding_of_any_kind",
        says="zero times NaN",
    ),
    "the last column": Mutant(
        old="final = n_step - 1 - mask[:, ::-1].argmax(axis=1)",
        new="final = np.full(len(mask), n_step - 1)",
        falls_by="both_ends",
        says="The ends are wrong",
    ),
    "as many as are real": Mutant(
        old="final = n_step - 1 - mask[:, ::-1].argmax(axis=1)",
        new="final = mask.sum(axis=1) - 1",
        falls_by="both_ends",
        says="does not tell where",
    ),
    "the first column": Mutant(
        old="first = mask.argmax(axis=1)",
        new="first = np.zeros(len(mask), int)",
        falls_by="both_ends",
        says="The ends are wrong",
    ),
    "readers exchanged": Mutant(
        old="both = np.hstack([ahead[every, final], back[every, first]])",
        new="both = np.hstack([back[every, first], ahead[every, final]])",
        falls_by="both_ends",
        says="from the front comes first",
    ),
    "an end of nothing": Mutant(
        old="return np.where(mask.any(axis=1, keepdims=True), both, 0.0)",
        new="return both",
        falls_by="nothing_real",
        says="without real steps",
    ),
    "nothing by nothing": Mutant(
        old="np.maximum(mask.sum(axis=1), 1)[:, None]",
        new="mask.sum(axis=1)[:, None]",
        falls_by="nothing_real",
        says="none of it is NaN",
    ),
    "divides by all steps": Mutant(
        old="np.maximum(mask.sum(axis=1), 1)[:, None]",
        new="mask.shape[1]",
        falls_by="means_over_real_steps",
        says="a longer neighbour",
    ),
    "a masked NaN in the mean": Mutant(
        old="np.where(mask[:, :, None], annotation, 0.0).sum(axis=1)",
        new="(annotation * mask[:, :, None]).sum(axis=1)",
        falls_by="means_over_real_steps",
        says="add up real steps alone",
    ),
    "a mean of means": Mutant(
        old="return -float(right[mask].sum() / max(mask.sum(), 1))",
        new="each = np.where(mask, right, 0.0).sum(1) / np.maximum(mask.sum(1), 1)\n"
        "    return -float(each.mean())",
        falls_by="every_word_counts_the_same",
        says="words of short sentences",
    ),
    "padding among the words": Mutant(
        old="right[mask].sum() / max(mask.sum(), 1)",
        new="np.where(mask, right, 0.0).mean()",
        falls_by="every_word_counts_the_same",
        says="counted among the words",
    ),
}
