"""Checks of additive attention: scores, weights under a mask, and contexts."""

from typing import Any

import numpy as np

from attn_course._typing import Array
from attn_course.exercises.checking import Mutant, Wrong, check, close
from attn_course.preliminaries.reference import masked_softmax
from attn_course.seq2seq.reference import additive_attention, additive_score

Given = tuple[Array, Array, Array, Array, Array]


@check()
def scores_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """tanh(log 2) is 0.6 and tanh(log 3) is 0.8: with W = U = 1 and v = 10 the query 0 scores 0 and 8
    with the annotations 0 and log 3, the query log 2 scores 6 with the first."""
    one = np.ones((1, 1))
    got = answer.alignment(
        np.array([[0.0], [np.log(2)]]),
        np.array([[0.0], [np.log(3)]]),
        one,
        one,
        np.array([10.0]),
    )
    close(got, [[0.0, 8.0], [6.0, 10 * np.tanh(np.log(6))]])


@check()
def weights_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """Scores 0 and log 3 weigh 1/4 and 3/4, whatever stands behind the mask; where a query may look
    at nothing its weights are zero."""
    score = np.array([[0.0, np.log(3), np.nan], [0.0, np.log(3), 7.0]])
    mask = np.array([[True, True, False], [False, False, False]])
    close(
        answer.allowed_weight(score, mask),
        [[0.25, 0.75, 0.0], [0.0, 0.0, 0.0]],
    )


@check()
def context_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """With v = 0 all scores are equal: the context is the mean of the annotations that may be seen,
    of 4 and 8 it is 6, and a third that is NaN and masked takes no part."""
    one = np.ones((1, 1))
    context, weight = _pair(
        answer.look_back(
            one,
            np.array([[4.0], [8.0], [np.nan]]),
            np.array([[True, True, False]]),
            one,
            one,
            np.zeros(1),
        )
    )
    close(context, [[6.0]])
    close(weight, [[0.5, 0.5, 0.0]])


def _pair(got: Any) -> tuple[Any, Any]:
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise Wrong("look_back returns two arrays, (context, weight).")
    return got[0], got[1]


@check(
    hidden=True,
    points=2,
    safety="contexts are made of the scores, and this one names the usual mistakes",
)
def every_pair_is_scored(answer: Any, rng: np.random.Generator) -> None:
    """The scores are wrong: each is v times the tanh of a sum of two vectors, one of the query and
    one of the annotation."""
    for _ in range(3):
        query, key, w_query, w_key, v = given = _given(rng)
        want = additive_score(*given)
        total = (query @ w_query.T)[:, None] + (key @ w_key.T)[None]
        product = (query @ w_query.T)[:, None] * (key @ w_key.T)[None]
        got = answer.alignment(*given)
        if np.shape(got) == want.shape and not np.allclose(got, want):
            other = answer.alignment(query, -2 * key, w_query, w_key, v)
            if np.shape(other) == want.shape and np.allclose(other, got):
                raise Wrong(
                    "No annotation enters the score: other annotations get the same scores. Weights "
                    "from the query and the place alone have never looked at the source."
                )
        _recognise(
            got,
            want,
            {
                "The tanh is missing: without it the query would add the same to all its scores, and "
                "drop out of the softmax.": total @ v,
                "The tanh comes before v weighs the units, and not after.": np.tanh(
                    total @ v
                ),
                "The query's and the annotation's vectors are added here, not multiplied.": np.tanh(
                    product
                )
                @ v,
                "The tanh is taken of each part alone; it must bend their sum.": (
                    np.tanh(query @ w_query.T) @ v
                )[:, None]
                + np.tanh(key @ w_key.T) @ v,
                "The units are added up as they are; v weighs them.": np.tanh(
                    total
                ).sum(-1),
            },
        )


@check(
    hidden=True,
    points=2,
    safety="every weight is such a row, and this one tells the usual mistakes apart",
)
def rows_are_distributions(answer: Any, rng: np.random.Generator) -> None:
    """A row's weights are the softmax of its allowed scores, they sum to one, and the rest is zero."""
    for broadcast in (False, True):
        n_query, n_key = _sizes(rng)[:2]
        score = rng.normal(scale=2, size=(n_query, n_key))
        mask = _mask(rng, 1 if broadcast else n_query, n_key)
        may = np.broadcast_to(mask, score.shape)
        bell = np.exp(score)
        _recognise(
            answer.allowed_weight(score, mask),
            masked_softmax(score, mask=mask),
            {
                "The softmax runs over the queries. Each query shares its weight out among the keys: "
                "rows sum to one.": may * bell / (may * bell).sum(axis=0),
                "The mask is read the wrong way round: True means that a query may look.": (
                    ~may * bell / (~may * bell).sum(axis=1, keepdims=True)
                ),
                "The rows do not sum to one: masked keys are still in the sum that is divided by.": may
                * bell
                / bell.sum(axis=1, keepdims=True),
                "The mask is not used: a key behind it has weight zero.": bell
                / bell.sum(axis=1, keepdims=True),
            },
        )


@check(hidden=True)
def nowhere_to_look(answer: Any, rng: np.random.Generator) -> None:
    """A query that may look at nothing has weights of zero: no NaN, and no share of what is masked."""
    n_query, n_key = _sizes(rng)[:2]
    score = rng.normal(size=(n_query, n_key))
    mask = _mask(rng, n_query, n_key)
    mask[rng.integers(n_query)] = False
    close(answer.allowed_weight(score, mask), masked_softmax(score, mask))
    none = np.zeros((1, n_key), bool)
    close(answer.allowed_weight(score, none), np.zeros((n_query, n_key)))


@check(hidden=True)
def scores_of_any_size(answer: Any, rng: np.random.Generator) -> None:
    """Scores of ten thousand must give weights and no NaN, whatever stands behind the mask."""
    n_query, n_key = _sizes(rng)[:2]
    for sign in (1.0, -1.0):
        score = sign * rng.uniform(8_000, 9_000, (n_query, n_key))
        mask = _mask(rng, n_query, n_key)
        for behind in (np.nan, np.inf, -np.inf, 1e300):
            spoilt = np.where(mask, score, behind)
            close(
                answer.allowed_weight(spoilt, mask),
                masked_softmax(score, mask=mask),
            )


@check(
    hidden=True,
    points=2,
    safety="the check on unseen annotations needs right contexts too, and says another thing",
)
def contexts_are_mixtures(answer: Any, rng: np.random.Generator) -> None:
    """The context is wrong: it is the sum of the annotations, each with its weight."""
    for broadcast in (False, True):
        query, key, w_query, w_key, v = _given(rng)
        mask = _mask(rng, 1 if broadcast else len(query), len(key))
        context, weight = additive_attention(
            query, key, key, mask, w_query, w_key, v
        )
        got, shares = _pair(
            answer.look_back(query, key, mask, w_query, w_key, v)
        )
        if np.shape(got) == weight.shape and np.shape(shares) == context.shape:
            raise Wrong(
                "The two are exchanged: the context comes first, then the weight."
            )
        _recognise(
            got,
            context,
            {
                "This is a mean of what has been weighted; the weights have divided already.": context
                / len(key),
                "The mask does not reach the weights of look_back.": (
                    additive_attention(
                        query, key, key, mask | True, w_query, w_key, v
                    )[0]
                ),
            },
        )
        close(shares, weight)


@check(hidden=True)
def unseen_annotations(answer: Any, rng: np.random.Generator) -> None:
    """An annotation that nobody may look at has reached a result; it can be NaN, and zero times NaN
    is NaN."""
    query, key, w_query, w_key, v = _given(rng)
    mask = _mask(rng, 1, len(key))
    behind = np.where(mask.T, key, np.nan)
    want = additive_attention(query, behind, behind, mask, w_query, w_key, v)
    got = _pair(answer.look_back(query, behind, mask, w_query, w_key, v))
    close(got[0], want[0])
    close(got[1], want[1])


def _sizes(rng: np.random.Generator) -> list[int]:
    """Five sizes that differ: queries, keys, and three widths."""
    return [int(n) for n in rng.permutation(np.arange(3, 8))]


def _given(rng: np.random.Generator) -> Given:
    n_query, n_key, d_query, d_key, d_score = _sizes(rng)
    return (
        rng.normal(size=(n_query, d_query)),
        rng.normal(size=(n_key, d_key)) + 0.5,
        rng.normal(size=(d_score, d_query)),
        rng.normal(size=(d_score, d_key)),
        rng.normal(scale=2, size=d_score),
    )


def _mask(rng: np.random.Generator, n_row: int, n_key: int) -> Array:
    """A mask in which each row allows all keys but two neighbours."""
    first = rng.integers(n_key)
    place = (np.arange(n_row)[:, None] + np.arange(n_key) + first) % n_key
    return np.asarray((place > 0) & (place != n_key - 1))


def _recognise(got: Any, want: Array, mistakes: dict[str, Array]) -> None:
    """Name the mistake if the answer is the one that it leads to, and not the right one."""
    if np.shape(got) == want.shape and not np.allclose(got, want):
        for sentence, wrong in mistakes.items():
            if np.allclose(got, wrong):
                raise Wrong(sentence)
    close(got, want)


MUTANTS = {
    "no tanh": Mutant(
        old="np.tanh(asked + offered) @ v",
        new="(asked + offered) @ v",
        falls_by="every_pair_is_scored",
        says="The tanh is missing",
    ),
    "tanh last": Mutant(
        old="np.tanh(asked + offered) @ v",
        new="np.tanh((asked + offered) @ v)",
        falls_by="every_pair_is_scored",
        says="comes before v",
    ),
    "a product in the tanh": Mutant(
        old="np.tanh(asked + offered) @ v",
        new="np.tanh(asked * offered) @ v",
        falls_by="every_pair_is_scored",
        says="not multiplied",
    ),
    "each part bent alone": Mutant(
        old="np.tanh(asked + offered) @ v",
        new="(np.tanh(asked) + np.tanh(offered)) @ v",
        falls_by="every_pair_is_scored",
        says="bend their sum",
    ),
    "units not weighed": Mutant(
        old="np.tanh(asked + offered) @ v",
        new="np.tanh(asked + offered).sum(axis=2)",
        falls_by="every_pair_is_scored",
        says="v weighs them",
    ),
    "annotations without weight": Mutant(
        old="np.tanh(asked + offered) @ v",
        new="np.tanh(asked + 0 * offered) @ v",
        falls_by="every_pair_is_scored",
        says="No annotation enters the score",
    ),
    "places for annotations": Mutant(
        old="np.tanh(asked + offered) @ v",
        new="np.tanh(asked + np.arange(len(annotation))[:, None]) @ v",
        falls_by="every_pair_is_scored",
        says="No annotation enters the score",
    ),
    "softmax over the queries": Mutant(
        old="total = bell.sum(axis=1, keepdims=True)",
        new="total = np.where(may, np.exp(open_score), 0).sum(axis=0)\n    bell = np.exp(open_score)",
        falls_by="rows_are_distributions",
        says="runs over the queries",
    ),
    "mask turned": Mutant(
        old="may = np.broadcast_to(mask, score.shape)",
        new="may = np.broadcast_to(~mask, score.shape)",
        falls_by="rows_are_distributions",
        says="wrong way round",
    ),
    "masked keys in the sum": Mutant(
        old="total = bell.sum(axis=1, keepdims=True)",
        new="total = np.exp(score - top).sum(axis=1, keepdims=True)",
        falls_by="rows_are_distributions",
        says="still in the sum",
    ),
    "nothing divided by nothing": Mutant(
        old="bell / np.where(total == 0, 1.0, total)",
        new="bell / total",
        falls_by="nowhere_to_look",
        says="no NaN",
    ),
    "a very low score for the mask": Mutant(
        old="open_score = np.where(may, score, -np.inf)",
        new="open_score = np.where(may, score, -1e9)",
        falls_by="nowhere_to_look",
        says="no share of what is masked",
    ),
    "exponentials that overflow": Mutant(
        old="bell = np.exp(open_score - np.where(np.isinf(top), 0.0, top))",
        new="bell = np.exp(open_score)",
        falls_by="scores_of_any_size",
        says="ten thousand",
    ),
    "mask as a factor": Mutant(
        old="    open_score = np.where(may, score, -np.inf)\n",
        new="    open_score = np.where(may, score, -np.inf) + 0 * score\n",
        falls_by="scores_of_any_size",
        says="whatever stands behind the mask",
    ),
    "a mean of the annotations": Mutant(
        old="return weight @ clean, weight",
        new="return weight @ clean / len(clean), weight",
        falls_by="contexts_are_mixtures",
        says="have divided already",
    ),
    "weight first": Mutant(
        old="return weight @ clean, weight",
        new="return weight, weight @ clean",
        falls_by="contexts_are_mixtures",
        says="exchanged",
    ),
    "values not guarded": Mutant(
        old="return weight @ clean, weight",
        new="return weight @ annotation, weight",
        falls_by="unseen_annotations",
        says="zero times NaN",
    ),
}
