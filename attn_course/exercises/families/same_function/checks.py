"""Checks of the concat score, of its weights taken apart, and of what it costs."""

from typing import Any

import numpy as np

from attn_course._typing import Array
from attn_course.exercises.checking import Mutant, Wrong, check, close


@check()
def one_pair_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """For the query 1 and the key (2, 3), W = (6, 3, -4) and v = 5 the tanh is of 6 + 6 - 12 = 0. If the
    query is 2 it is of 6, and the score is 5 tanh(6)."""
    got = answer.paired_score(
        np.array([[1.0], [2.0]]),
        np.array([[2.0, 3.0]]),
        np.array([[6.0, 3.0, -4.0]]),
        np.array([5.0]),
    )
    close(got, np.array([[0.0], [5 * np.tanh(6)]]))


@check()
def weights_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """Of W = (6, 3, -4), with a query of width 1, the query has the 6 and the key 3 and -4; joined they
    are W again."""
    w_query, w_key = _two(answer.parted(np.array([[6.0, 3.0, -4.0]]), 1))
    close(w_query, np.array([[6.0]]))
    close(w_key, np.array([[3.0, -4.0]]))
    close(
        answer.joined(np.array([[6.0]]), np.array([[3.0, -4.0]])),
        [[6.0, 3.0, -4.0]],
    )


@check()
def a_cost_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """Two queries and three keys of width 1 and one unit: six pairs take two products each, and one with
    v, 18; in parts it is 2 + 3, and six with v, 11."""
    close(
        np.array(_two(answer.multiplications(2, 3, 1, 1, 1))),
        np.array([18, 11]),
    )


def _two(got: Any) -> tuple[Any, Any]:
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise Wrong("Two things are asked for; return them as a pair.")
    return got[0], got[1]


def _weights(rng: np.random.Generator) -> tuple[int, Array, Array]:
    """The query's width, W and v; the widths of query and key differ."""
    d_query, d_key = (int(one) for one in rng.permutation([2, 3, 4, 6])[:2])
    d_score = 5 + int(rng.integers(3))
    return (
        d_query,
        rng.uniform(-1, 1, (d_score, d_query + d_key)),
        rng.uniform(-1, 1, d_score),
    )


def _additive(
    query: Array, key: Array, w_query: Array, w_key: Array, v: Array
) -> Array:
    inner = (query @ w_query.T)[:, None] + (key @ w_key.T)[None]
    return np.einsum("qks,s->qk", np.tanh(inner), v)


def _points(
    rng: np.random.Generator, d_query: int, d_key: int
) -> tuple[Array, Array]:
    return rng.normal(0, 1, (4, d_query)), rng.normal(0, 1, (3, d_key))


@check(hidden=True, points=2)
def scores_of_all_pairs(answer: Any, rng: np.random.Generator) -> None:
    """Each query is paired with each key, the query first: one row per query, one column per key."""
    for _ in range(3):
        d_query, w, v = _weights(rng)
        d_key = w.shape[1] - d_query
        query, key = _points(rng, d_query, d_key)
        want = _additive(query, key, w[:, :d_query], w[:, d_query:], v)
        _recognise(
            answer.paired_score(query, key, w, v),
            want,
            {
                "The query comes first in the long vector, and its columns first in W.": _additive(
                    query, key, w[:, d_key:], w[:, :d_key], v
                ),
                "The tanh is missing.": _additive_plain(
                    query, key, w[:, :d_query], w[:, d_query:], v
                ),
                "The units are summed with the weights v; this is their mean.": want
                / len(v),
                "The tanh goes over the units, before v, and not over the score.": np.tanh(
                    _additive_plain(
                        query, key, w[:, :d_query], w[:, d_query:], v
                    )
                ),
            },
        )


def _additive_plain(
    query: Array, key: Array, w_query: Array, w_key: Array, v: Array
) -> Array:
    return (query @ w_query.T @ v)[:, None] + key @ w_key.T @ v


@check(hidden=True)
def taken_apart(answer: Any, rng: np.random.Generator) -> None:
    """The first columns, as many as a query is wide, are the query's matrix, and the rest is the key's."""
    for _ in range(3):
        d_query, w, v = _weights(rng)
        query, key = _points(rng, d_query, w.shape[1] - d_query)
        w_query, w_key = _two(answer.parted(w, d_query))
        if np.shape(w_query) == w[:, d_query:].shape != w[:, :d_query].shape:
            raise Wrong("The query's matrix comes first in the pair.")
        close(w_query, w[:, :d_query])
        close(w_key, w[:, d_query:])
        close(
            _additive(query, key, np.asarray(w_query), np.asarray(w_key), v),
            _additive(query, key, w[:, :d_query], w[:, d_query:], v),
        )


@check(hidden=True)
def put_together(answer: Any, rng: np.random.Generator) -> None:
    """Joined, the two matrices stand side by side, the query's to the left."""
    for _ in range(3):
        d_query, w, _ = _weights(rng)
        w_query, w_key = w[:, :d_query].copy(), w[:, d_query:].copy()
        _recognise(
            answer.joined(w_query, w_key),
            w,
            {
                "The query's columns come first, as the query does.": np.concatenate(
                    [w_key, w_query], axis=1
                )
            },
        )


@check(hidden=True, points=2)
def not_to_be_recognised(answer: Any, rng: np.random.Generator) -> None:
    """The disguised weights must give the same scores, whatever query and key are."""
    for _ in range(2):
        d_query, w, v = _weights(rng)
        _disguise(answer, rng, d_query, w, v)


@check(hidden=True)
def one_unit_in_disguise(answer: Any, rng: np.random.Generator) -> None:
    """With one unit there is no other order of units, but its sign can be turned."""
    for _ in range(2):
        d_query, w, v = _weights(rng)
        _disguise(answer, rng, d_query, w[:1], v[:1])


def _disguise(
    answer: Any, rng: np.random.Generator, d_query: int, w: Array, v: Array
) -> None:
    new_w, new_v = _two(answer.disguised(w, v))
    close(new_w, new_w)
    close(new_v, new_v)
    if np.shape(new_w) != w.shape or np.shape(new_v) != v.shape:
        raise Wrong(
            "The disguised weights must have the shapes that they had."
        )
    new_w, new_v = np.asarray(new_w, float), np.asarray(new_v, float)
    kept = [
        np.isclose(new, old, rtol=1e-7, atol=0).any()
        for new, old in ((new_w, w), (new_v, v))
    ]
    if any(kept):
        raise Wrong("Some number of the disguised weights is what it was.")
    query, key = _points(rng, d_query, w.shape[1] - d_query)
    close(
        _additive(query, key, new_w[:, :d_query], new_w[:, d_query:], new_v),
        _additive(query, key, w[:, :d_query], w[:, d_query:], v),
    )


@check(hidden=True)
def products_counted(answer: Any, rng: np.random.Generator) -> None:
    """Formed pair by pair, the matrix is used once per pair; in parts, once per query and once per key."""
    for _ in range(4):
        n_query, n_key, d_query, d_key, d_score = (
            int(one) for one in rng.permutation(np.arange(2, 30))[:5]
        )
        pair = n_query * n_key
        literal = pair * d_score * (d_query + d_key + 1)
        thrifty = d_score * (n_query * d_query + n_key * d_key + pair)
        got = np.asarray(
            _two(
                answer.multiplications(n_query, n_key, d_query, d_key, d_score)
            )
        )
        wrong = {
            "The products with v are missing.": [
                literal - pair * d_score,
                thrifty - pair * d_score,
            ],
            "In parts no matrix is used for each pair.": [literal, literal],
            "First the concat score, then the additive one.": [
                thrifty,
                literal,
            ],
            "The products with v are one for each unit of each pair.": [
                literal - pair * d_score + d_score,
                thrifty - pair * d_score + d_score,
            ],
        }
        _recognise(
            got,
            np.array([literal, thrifty]),
            {sentence: np.array(value) for sentence, value in wrong.items()},
        )


def _recognise(got: Any, want: Array, mistakes: dict[str, Array]) -> None:
    """Name the mistake if the numbers are those that it leads to; else see that they are right."""
    if np.shape(got) == want.shape and not np.allclose(got, want, rtol=1e-7):
        for sentence, value in mistakes.items():
            if np.shape(value) == want.shape and np.allclose(
                got, value, rtol=1e-7
            ):
                raise Wrong(sentence)
    close(got, want)


MUTANTS = {
    "key first": Mutant(
        old="np.concatenate([first, second], axis=1)",
        new="np.concatenate([second, first], axis=1)",
        falls_by="scores_of_all_pairs",
        says="query comes first",
    ),
    "no tanh": Mutant(
        old="(np.tanh(pair @ w.T) @ v)",
        new="(pair @ w.T @ v)",
        falls_by="scores_of_all_pairs",
        says="tanh is missing",
    ),
    "tanh of the score": Mutant(
        old="(np.tanh(pair @ w.T) @ v)",
        new="np.tanh(pair @ w.T @ v)",
        falls_by="scores_of_all_pairs",
        says="before v",
    ),
    "a row per key": Mutant(
        old=".reshape(n_query, n_key)",
        new=".reshape(n_query, n_key).T",
        falls_by="scores_of_all_pairs",
        says="must have shape",
    ),
    "in halves": Mutant(
        old="return w[:, :d_query], w[:, d_query:]",
        new="half = w.shape[1] // 2\n    return w[:, :half], w[:, half:]",
        falls_by="taken_apart",
        says="must have shape",
    ),
    "rows for columns": Mutant(
        old="return w[:, :d_query], w[:, d_query:]",
        new="return w[:d_query], w[d_query:]",
        falls_by="taken_apart",
        says="must have shape",
    ),
    "the key's matrix first": Mutant(
        old="return w[:, :d_query], w[:, d_query:]",
        new="return w[:, d_query:], w[:, :d_query]",
        falls_by="taken_apart",
        says="comes first in the pair",
    ),
    "joined the other way": Mutant(
        old="np.concatenate([w_query, w_key], axis=1)",
        new="np.concatenate([w_key, w_query], axis=1)",
        falls_by="put_together",
        says="query's columns come first",
    ),
    "one below the other": Mutant(
        old="np.concatenate([w_query, w_key], axis=1)",
        new="np.concatenate([w_query.T, w_key.T])",
        falls_by="put_together",
        says="must have shape",
    ),
    "turned inside alone": Mutant(
        old="return -w, -v",
        new="return -w, v + 0.0",
        falls_by="not_to_be_recognised",
        says="is what it was",
    ),
    "twice and half": Mutant(
        old="return -w, -v",
        new="return 2 * w, v / 2",
        falls_by="not_to_be_recognised",
        says="must give the same scores",
    ),
    "one unit turned": Mutant(
        old="return -w, -v",
        new="turn = np.where(np.arange(len(v)) == 0, -1.0, 1.0)\n"
        "    return turn[:, None] * w, turn * v",
        falls_by="not_to_be_recognised",
        says="is what it was",
    ),
    "another order": Mutant(
        old="return -w, -v",
        new="return np.roll(w, 1, axis=0), np.roll(v, 1)",
        falls_by="one_unit_in_disguise",
        says="is what it was",
    ),
    "without v": Mutant(
        old="return by_pair + weighed, in_parts + weighed",
        new="return by_pair, in_parts",
        falls_by="products_counted",
        says="with v are missing",
    ),
    "parts for each pair": Mutant(
        old="in_parts = d_score * (n_query * d_query + n_key * d_key)",
        new="in_parts = by_pair",
        falls_by="products_counted",
        says="no matrix is used for each pair",
    ),
    "v once": Mutant(
        old="weighed = n_query * n_key * d_score",
        new="weighed = d_score",
        falls_by="products_counted",
        says="one for each unit of each pair",
    ),
}
