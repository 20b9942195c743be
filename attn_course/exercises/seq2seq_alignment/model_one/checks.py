"""Checks of a word aligner: who is shared out to whom, what is counted, and which links are claimed."""

from collections.abc import Callable
from typing import Any

import numpy as np

from attn_course._typing import Array
from attn_course.exercises.checking import (
    Mutant,
    Wrong,
    check,
    close,
    diagnose,
    distinct,
)

Pair = tuple[list[int], list[int]]
# la luz, la noche, luz; the light, the night, light
LIGHT: list[Pair] = [([1, 2], [0, 1]), ([1, 3], [0, 2]), ([2], [1])]
EQUAL = np.full((4, 3), 1 / 3)
FIRST = np.array(
    [
        [4 / 11, 5 / 11, 2 / 11],
        [1 / 2, 1 / 4, 1 / 4],
        [2 / 7, 5 / 7, 0],
        [1 / 2, 0, 1 / 2],
    ]
)
STRICT = {
    "rtol": 1e-9,
    "atol": 1e-12,
}  # mistakes with a small t are near one another


@check()
def first_round_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """From equal t the three pairs of the prompt give the empty word counts of 2/3, 5/6 and 1/3, so its
    row is 4/11, 5/11, 2/11; the row of luz is 2/7, 5/7, 0."""
    close(answer.new_table(EQUAL, LIGHT), FIRST)


@check()
def shares_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """By the table of the prompt, the of the first pair has shares of 56/177 for the empty word, 77/177
    for la and 44/177 for luz, and light has 140/437, 77/437 and 220/437."""
    want = np.array([[56, 77, 44], [140, 77, 220]]) / [[177], [437]]
    close(answer.shares(FIRST, *LIGHT[0]), want)


@check()
def likelihood_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """Five English words of 1/3 each have the log-likelihood 5 log(1/3); after the first round their
    chances are 177/462, 437/924, 5/11, 41/132 and 45/77."""
    close(answer.log_likelihood(EQUAL, LIGHT), -5 * np.log(3))
    parts = [177 / 462, 437 / 924, 5 / 11, 41 / 132, 45 / 77]
    close(answer.log_likelihood(FIRST, LIGHT), np.log(parts).sum())


@check()
def links_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """By the table of the prompt, the is linked to la in both pairs, and night to noche. Where the empty
    word's t are raised to 1 none has a link."""
    for pair in LIGHT[:2]:
        close(answer.best_links(FIRST, *pair), np.eye(2, dtype=bool))
    empty = FIRST.copy()
    empty[0] = 1.0
    close(answer.best_links(empty, *LIGHT[1]), np.zeros((2, 2), dtype=bool))


@check()
def error_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """Of four links that are claimed three are possible and two of these sure, and three are sure in
    all: the error rate is 1 - (2 + 3)/(4 + 3) = 2/7."""
    claimed = np.array([[1, 1, 0], [0, 1, 0], [0, 0, 1]], dtype=bool)
    sure = np.array([[1, 0, 0], [0, 1, 0], [1, 0, 0]], dtype=bool)
    possible = np.array([[1, 0, 0], [0, 1, 1], [1, 0, 1]], dtype=bool)
    close(answer.alignment_error([claimed], [sure], [possible]), 2 / 7)


# --- what the hidden checks share -----------------------------------------------------------------

N_SPANISH, N_ENGLISH = 12, 15


def _random(rng: np.random.Generator) -> Array:
    """A table without zeros."""
    return rng.dirichlet(np.full(N_ENGLISH, 0.8), N_SPANISH + 1) + 1e-4


def _pair(rng: np.random.Generator, m: int, n: int) -> Pair:
    """Sentences in which no word stands twice."""
    source = 1 + rng.permutation(N_SPANISH)[:m]
    return source.tolist(), rng.permutation(N_ENGLISH)[:n].tolist()


def _all_t(t: Array, source: list[int], target: list[int]) -> Array:
    """The t of each English word, a column for each place."""
    found = [[t[f, e] for f in [0] + source] for e in target]
    return np.array(found, dtype=float).reshape(len(target), len(source) + 1)


def _rows(matrix: Array) -> Array:
    """Each row divided by its sum, where there is one."""
    total = matrix.sum(axis=1, keepdims=True)
    return matrix / np.where(total > 0, total, 1.0)


def _share(t: Array, source: list[int], target: list[int]) -> Array:
    return _rows(_all_t(t, source, target))


def _one_best(t: Array, source: list[int], target: list[int]) -> Array:
    """All of each word to its best place."""
    return np.eye(len(source) + 1)[_all_t(t, source, target).argmax(axis=1)]


def _count(
    t: Array,
    pairs: list[Pair],
    share: Callable[..., Array] = _share,
    once: bool = False,
) -> Array:
    """What each Spanish word gets of each English one; `once`: the last of several overwrites."""
    count = np.zeros(t.shape)
    for source, target in pairs:
        given, before = share(t, source, target), count.copy()
        for row, e in zip(given, target, strict=True):
            for part, f in zip(row, [0] + source, strict=True):
                count[f, e] = part + (before if once else count)[f, e]
    return count


def _table(t: Array, count: Array) -> Array:
    """Counts as probabilities, a row without counts as it was."""
    return np.where(count.sum(axis=1, keepdims=True) > 0, _rows(count), t)


# --- hidden ---------------------------------------------------------------------------------------


@check(hidden=True, points=2)
def each_word_shared_out(answer: Any, rng: np.random.Generator) -> None:
    """Row j of the shares has the t of English word j at the empty word and at each place of the source,
    each divided by the sum of them."""
    for m, n in ((4, 7), (6, 3), (1, 4)):
        while True:
            t, (source, target) = _random(rng), _pair(rng, m, n)
            source = [*source, source[0]]  # twice
            found = _all_t(t, source, target)
            want = _rows(found)
            grown = np.exp(found)
            mistakes = {
                "The empty word takes its share too, in column 0.": _rows(
                    found[:, 1:]
                ),
                "The empty word is left out after dividing; the shares need its column, too.": want[
                    :, 1:
                ],
                "Column 0 is the empty word's, and the source follows.": np.roll(
                    want, -1, axis=1
                ),
                "Each English word is shared out among the places: rows sum to one, and not columns.": (
                    found / found.sum(axis=0)
                ),
                "These are the t themselves; divide by their sum over the places.": found,
                "The t are probabilities, not scores: divide them by their sum, without exp.": (
                    _rows(grown)
                ),
                "The shares are wanted with a row for each English word; this is turned.": want.T,
                "A word is shared out, and not given to its best place as a whole.": _one_best(
                    t, source, target
                ),
                "All places have the same chance at first; once the word is seen, t decides.": (
                    np.full(want.shape, 1 / want.shape[1])
                ),
                "A word that stands twice in the source has two columns.": _share(
                    t, source[:-1], target
                ),
            }
            if distinct(want, mistakes, rtol=1e-4, atol=1e-6):
                break
        diagnose(answer.shares(t, source, target), want, mistakes, **STRICT)


@check(hidden=True)
def shares_of_next_to_nothing(answer: Any, rng: np.random.Generator) -> None:
    """A row whose t are all zero has shares of zero, without NaN; any other sums to one, however small its
    t are. An empty source leaves all to the empty word, and an empty target leaves no rows."""
    t, (source, target) = _random(rng), _pair(rng, 4, 6)
    none, small = target[1], target[3]
    t[:, none] = 0.0
    t[:, small] *= 1e-30
    want = _share(t, source, target)
    got = answer.shares(t, source, target)
    if np.isnan(got).any():
        raise Wrong(
            "Where all t are zero nothing can be divided; the shares are then zero, not NaN."
        )
    guarded, level = want.copy(), want.copy()
    guarded[3], level[1] = 0.0, 1 / (len(source) + 1)
    alone = want.copy()
    alone[1, 0] = 1.0
    diagnose(
        got,
        want,
        {
            "Small t have shares as well, which sum to one; do not hold their sum above some bound.": (
                guarded
            ),
            "Where all t are zero nobody gets a share, and not everybody the same.": level,
            "Where all t are zero nobody gets a share, not even the empty word.": alone,
        },
        **STRICT,
    )
    t = _random(rng)
    close(answer.shares(t, [], target), np.ones((len(target), 1)))
    close(answer.shares(t, source, []), np.zeros((0, len(source) + 1)))


@check(hidden=True, points=3)
def counts_of_all_pairs(answer: Any, rng: np.random.Generator) -> None:
    """A round adds up the shares of all pairs by the old t, for each Spanish word (the empty one as well)
    and each English word; then each row is divided by its sum."""
    while True:
        t = _random(rng)
        sizes = rng.integers(4, 9, (9, 2))
        pairs = [_pair(rng, int(m), int(n)) for m, n in sizes]
        # Every Spanish word stands somewhere.
        pairs[2:2] = [([], pairs[1][1]), (pairs[1][0], [])]
        pairs.append((list(range(1, N_SPANISH + 1)), pairs[0][1]))
        count = _count(t, pairs)
        want = _table(t, count)
        each = [_count(t, [pair]) for pair in pairs]
        online = t
        for pair in pairs:
            online = _table(online, _count(online, [pair]))
        empty, alone = want.copy(), count.copy()
        empty[0], alone[0] = t[0], 0.0
        mistakes = {
            "These are counts; divide each row by its sum.": count,
            "The probabilities of one Spanish word sum to one: divide rows, and not columns.": count
            / count.sum(axis=0).clip(1e-9),
            "The empty word's row is learned like any other.": empty,
            "The empty word is counted like any other; its row is zero here.": _rows(
                alone
            ),
            "Beside an empty source the English words come from the empty word, and count.": _table(
                t, _count(t, [pair for pair in pairs if pair[0]])
            ),
            "The empty word takes its share before the others are counted.": _table(
                t, _count(t, pairs, _without_empty)
            ),
            "Count the shares, and not the best place alone.": _table(
                t, _count(t, pairs, _one_best)
            ),
            "Count the shares; here each meeting counted as one.": _table(
                t, _count(t, pairs, _one_each)
            ),
            "Shares are asked for by t; here all places of a pair got the same.": _table(
                t,
                _count(t, pairs, lambda *one: _rows(_one_each(*one))),
            ),
            "Count the shares; here t itself was counted.": _table(
                t, _count(t, pairs, _all_t)
            ),
            "The shares have t in them already; do not multiply by it once more.": _rows(
                t * count
            ),
            "All pairs count; this is what the last one gives.": _table(
                t, each[-1]
            ),
            "Add the counts of all pairs, and divide once; this is a mean of the pairs' tables.": np.mean(
                [_rows(one) for one in each], axis=0
            ),
            "All pairs are shared out by the old t; here each pair changed it for the next.": online,
        }
        if distinct(want, mistakes, rtol=1e-4, atol=1e-6):
            break
    diagnose(answer.new_table(t, pairs), want, mistakes, **STRICT)


def _one_each(t: Array, source: list[int], target: list[int]) -> Array:
    return np.ones((len(target), len(source) + 1))


def _without_empty(t: Array, source: list[int], target: list[int]) -> Array:
    """All to the written words, and what the empty word would have got to itself as well."""
    found = _all_t(t, source, target)
    return np.column_stack([_rows(found)[:, 0], _rows(found[:, 1:])])


@check(hidden=True, points=2)
def words_that_stand_twice(answer: Any, rng: np.random.Generator) -> None:
    """Each occurrence counts: a word that stands twice in the source gets a share at both places, and one
    that stands twice in the target is shared out twice."""
    while True:
        t, pairs = _random(rng), []
        for _ in range(4):
            source, target = _pair(rng, 5, 6)
            pairs.append((source + source[1:3], target + target[:3]))
        pairs.append((list(range(1, N_SPANISH + 1)), target))
        want = _table(t, _count(t, pairs))[1:]
        fewer = [(list(dict.fromkeys(f)), e) for f, e in pairs]
        kinds = [(f, list(dict.fromkeys(e))) for f, e in pairs]
        mistakes = {
            "count[...] += writes a repeated place once, and the other shares are lost; add every "
            "one.": _table(t, _count(t, pairs, once=True))[1:],
            "A word that stands twice in the source has two places, and may be picked at either.": (
                _table(t, _count(t, fewer))[1:]
            ),
            "A word that stands twice in the target is shared out twice.": _table(
                t, _count(t, kinds)
            )[1:],
        }
        if distinct(want, mistakes, rtol=1e-4, atol=1e-6):
            break
    diagnose(answer.new_table(t, pairs)[1:], want, mistakes, **STRICT)


@check(hidden=True)
def rows_without_a_count(answer: Any, rng: np.random.Generator) -> None:
    """A Spanish word that gets no share keeps its row of t: it stands in no pair, or all that it meets has
    t of zero under it. Without pairs all of t stays."""
    t = _random(rng)
    pairs = [_pair(rng, 5, 6) for _ in range(3)]
    absent, mute = 3, 5
    # One word stands nowhere; one stands there, and yields nothing of what it meets.
    pairs = [
        ([mute] + [f for f in s if f not in (absent, mute)], [*e])
        for s, e in pairs
    ]
    met = sorted({e for _, target in pairs for e in target})
    t[mute, met] = 0.0
    want = _table(t, _count(t, pairs))[1:]
    got = answer.new_table(t, pairs)[1:]
    if np.isnan(got).any():
        raise Wrong("A row without counts has nothing to divide; it stays.")
    idle = _count(t, pairs)[1:].sum(axis=1) == 0
    zero, level = want.copy(), want.copy()
    zero[idle], level[idle] = 0.0, 1 / N_ENGLISH
    mistakes = {
        "A Spanish word without any share keeps its row of t; here it became zero.": zero,
        "A Spanish word without any share keeps its row of t; here all became equal.": level,
    }
    diagnose(got, want, mistakes, **STRICT)
    # Shares of next to nothing are shares.
    faint = _random(rng)
    rare = pairs[0][0][1]
    faint[rare] *= 1e-14
    count = _count(faint, pairs)[1:]
    want = _table(faint[1:], count)
    small = (count > 0) & (count.sum(axis=1, keepdims=True) < 1e-12)
    bounded = np.where(small, count / 1e-12, want)
    kept = np.where(small.any(axis=1, keepdims=True), faint[1:], want)
    mistakes = {
        "Rows of small counts sum to one as well; do not hold their sum above some bound.": bounded,
        "A small share is a share: only a row without any stays.": kept,
    }
    diagnose(answer.new_table(faint, pairs)[1:], want, mistakes, **STRICT)
    close(answer.new_table(t, []), t)


@check(hidden=True, points=2)
def likelihood_of_all_words(answer: Any, rng: np.random.Generator) -> None:
    """Of each English word take the mean of its t over the m + 1 places, then the logarithm, and add them
    up over all words of all pairs. Beside an empty source there is one place, the empty word's."""
    while True:
        t = _random(rng)
        sizes = rng.integers(3, 8, (6, 2))
        pairs = [_pair(rng, int(m), int(n)) for m, n in sizes]
        tables = [_all_t(t, *pair) for pair in pairs]
        words = [one.mean(axis=1) for one in tables]
        whole = [np.log(one).sum() for one in words]
        want = sum(whole)
        lengths = [one.shape[1] for one in tables]
        mistakes = {
            "Each place is picked with the chance 1/(m + 1); this is without it.": sum(
                np.log(one.sum(axis=1)).sum() for one in tables
            ),
            "With the empty word there are m + 1 places, and not m.": sum(
                np.log(one.sum(axis=1) / (one.shape[1] - 1)).sum()
                for one in tables
            ),
            "Each English word picks a place: 1/(m + 1) comes once for each, and not once for the "
            "pair.": sum(
                np.log(one.sum(axis=1)).sum() - np.log(k)
                for one, k in zip(tables, lengths, strict=True)
            ),
            "The empty word's t is part of each sum.": sum(
                np.log(one[:, 1:].mean(axis=1)).sum() for one in tables
            ),
            "A sum over all places stands inside the logarithm, and not the largest t.": sum(
                np.log(one.max(axis=1) / one.shape[1]).sum() for one in tables
            ),
            "The logarithm comes after the sum over places.": sum(
                np.log(one).mean(axis=1).sum() for one in tables
            ),
            "The logarithm is asked for to the base e.": want / np.log(2),
            "Logarithms are added up; this is their mean over the words.": want
            / sum(map(len, words)),
            "Logarithms are added up; this is their mean over the pairs.": want
            / len(pairs),
            "The log-likelihood is asked for, without a minus.": -want,
            "This is the likelihood; its logarithm is asked for.": np.exp(
                want
            ),
            "The pairs' chances are multiplied, and not added up.": np.log(
                sum(np.exp(whole))
            ),
            "All pairs count; this is the last one.": whole[-1],
        }
        if distinct(want, mistakes, rtol=1e-4, atol=1e-6):
            break
    diagnose(answer.log_likelihood(t, pairs), want, mistakes, **STRICT)
    t, target = _random(rng), pairs[0][1]
    diagnose(
        answer.log_likelihood(t, [([], target), pairs[1]]),
        np.log(t[0, target]).sum()
        + np.log(_all_t(t, *pairs[1]).mean(axis=1)).sum(),
        {
            "Beside an empty source the English words come from the empty word, and count.": np.log(
                _all_t(t, *pairs[1]).mean(axis=1)
            ).sum()
        },
        **STRICT,
    )


@check(hidden=True)
def likelihood_at_its_ends(answer: Any, rng: np.random.Generator) -> None:
    """The log-likelihood of a long corpus is finite where the product is zero as a float; it is -np.inf
    where an English word has no t above zero, and 0.0 where there are no English words."""
    t = _random(rng)
    pairs = [_pair(rng, 5, 7) for _ in range(120)]
    got = answer.log_likelihood(t, pairs)
    if np.shape(got) == () and np.isneginf(got):
        raise Wrong(
            "A product of many chances is too small for a float; add up logarithms instead."
        )
    if np.shape(got) or not np.isfinite(got):
        raise Wrong
    t[:, pairs[0][1][2]] = 0.0
    got = answer.log_likelihood(t, pairs)
    if np.shape(got) == () and np.isfinite(got):
        raise Wrong(
            "An English word that nothing can yield makes the corpus impossible: -np.inf."
        )
    diagnose(got, -np.inf, {}, **STRICT)
    without: list[list[Pair]] = [[], [(pairs[0][0], [])], [([], [])]]
    for nothing in without:
        diagnose(answer.log_likelihood(t, nothing), 0.0, {}, **STRICT)


@check(
    hidden=True,
    safety="it holds the two functions to each other, on a corpus of some size",
)
def rounds_never_lose(answer: Any, rng: np.random.Generator) -> None:
    """From round to round the log-likelihood must not fall, since each round makes the corpus at least as
    likely as before; with new_table and log_likelihood together it goes wrong."""
    sizes = rng.integers(0, 9, (60, 2))
    pairs = [_pair(rng, int(m), int(n)) for m, n in sizes]
    pairs = [(f + f[:2], e + e[:1]) for f, e in pairs]
    t = np.full((N_SPANISH + 1, N_ENGLISH), 1 / N_ENGLISH)
    start = before = answer.log_likelihood(t, pairs)
    for _ in range(6):
        t = answer.new_table(t, pairs)
        now = answer.log_likelihood(t, pairs)
        if not now >= before - 1e-9:
            raise Wrong
        before = now
    if not now > start + 1:
        raise Wrong(
            "Rounds from a table in which all are equal must raise the log-likelihood; it stays."
        )


@check(hidden=True, points=2)
def largest_share_or_none(answer: Any, rng: np.random.Generator) -> None:
    """An English word is linked to the place with the largest of its shares; if that is the empty word's,
    it has no link."""
    for m, n in ((5, 9), (8, 6)):
        while True:
            t, (source, target) = _random(rng), _pair(rng, m, n)
            t[0] *= 2.5
            t[:, target[0]] = 0.1 + 0.02 * rng.random(len(t))  # hardly decided
            share = _share(t, source, target)
            best = np.eye(m + 1, dtype=bool)[share.argmax(axis=1)]
            want = best[:, 1:]
            high = np.sort(share, axis=1)
            if not 1 < best[:, 0].sum() < n - 2 or np.any(
                high[:, -1] < 1.01 * high[:, -2]
            ):
                continue
            written = share[:, 1:]
            mistakes = {
                "A word whose largest share is the empty word's has no link.": np.eye(
                    m, dtype=bool
                )[written.argmax(axis=1)],
                "Links are asked for without a column for the empty word.": best,
                "Column 0 of the shares is the empty word's: place i of the source stands in "
                "column i + 1.": best[:, :-1],
                "Each English word has one link at most; these are all with more than the empty "
                "word's.": written > share[:, :1],
                "The largest share is enough for a link; it need not be over a half.": written
                > 0.5,
                "The largest share is enough for a link, however small it is.": want
                & (high[:, -1:] > 0.25),
                "Each English word has one link at most; these are all with more than an equal "
                "share.": written > 1 / (m + 1),
                "Each English word chooses; here each Spanish word did.": (
                    np.arange(n)[:, None] == share.argmax(axis=0)
                )[:, 1:],
                "English words are the rows of the links; this is turned.": want.T,
                "This is where there is no link.": ~want,
            }
            if distinct(want, mistakes, rtol=1e-4, atol=1e-6):
                break
        diagnose(
            answer.best_links(t, source, target), want, mistakes, **STRICT
        )


@check(hidden=True)
def links_where_shares_are_equal(
    answer: Any, rng: np.random.Generator
) -> None:
    """Of several largest shares the empty word's wins, so that there is no link, and then the first
    place. A word whose t are all zero has no link; nor is there one beside an empty source."""
    t, (source, target) = _random(rng), _pair(rng, 5, 6)
    source = [*source, source[1], source[2]]
    twice, tied, none, third = target[0], target[1], target[2], target[3]
    t[source[1], twice] = 2.0  # stands at two places
    t[[0, source[3]], tied] = 2.0  # the empty word as well
    t[:, none] = 0.0
    t[[source[4], source[2]], third] = 2.0  # at three places
    found = _all_t(t, source, target)
    top = found == found.max(axis=1, keepdims=True)
    want = np.eye(len(source) + 1, dtype=bool)[found.argmax(axis=1)][:, 1:]
    last = np.zeros_like(want)
    for row, line in zip(last, top, strict=True):
        if not line[0]:
            row[np.flatnonzero(line)[-1] - 1] = True
    greedy = want.copy()
    greedy[[1, 2]] = np.eye(len(source), dtype=bool)[
        found[[1, 2], 1:].argmax(axis=1)
    ]
    zeros = want.copy()
    zeros[2, 0] = True
    mistakes = {
        "Where several places are equal the first one gets the link, and not the last.": last,
        "Where several places are equal the first one gets the link, and not each of them.": top[
            :, 1:
        ]
        & ~top[:, :1],
        "Where the empty word's share is among the largest there is no link.": greedy,
        "A word whose t are all zero has no link.": zeros,
    }
    diagnose(answer.best_links(t, source, target), want, mistakes, **STRICT)
    close(answer.best_links(t, [], target), np.zeros((6, 0), dtype=bool))
    close(
        answer.best_links(t, source, []),
        np.zeros((0, len(source)), dtype=bool),
    )


Links = list[Array]


def _links(rng: np.random.Generator) -> tuple[Links, Links, Links]:
    """Claimed, sure and possible links of a few pairs of different sizes."""
    claimed, sure, possible = [], [], []
    for k, (m, n) in enumerate(rng.integers(4, 9, (5, 2))):
        may = rng.random((n, m)) < 0.3
        may[0, :2] = True
        must = may & (rng.random((n, m)) < 0.6)
        must[0, :2] = True, False
        said = rng.random((n, m)) < np.where(may, 0.3 + k / 8, 0.15)
        said[0, 0] = True
        claimed.append(said)
        sure.append(must)
        possible.append(may)
    return claimed, sure, possible


def _sums(claimed: Links, sure: Links, possible: Links) -> Array:
    """|A|, |S|, |P|, and of A those in S and in P, a row for each pair."""
    rows = [
        [a.sum(), s.sum(), p.sum(), (a & s).sum(), (a & p).sum()]
        for a, s, p in zip(claimed, sure, possible, strict=True)
    ]
    return np.array(rows, dtype=float)


@check(hidden=True, points=2)
def error_of_all_pairs(answer: Any, rng: np.random.Generator) -> None:
    """The error rate is 1 - (|A and S| + |A and P|)/(|A| + |S|), each counted over all pairs; a sure link
    that is claimed counts in both."""
    while True:
        three = _links(rng)
        rows = _sums(*three)
        a, s, p, in_s, in_p = rows.sum(axis=0)
        want = 1 - (in_s + in_p) / (a + s)
        alone = 1 - (rows[:, 3] + rows[:, 4]) / (rows[:, 0] + rows[:, 1])
        precision, recall = in_p / a, in_s / s
        mistakes = {
            "Count over all pairs and divide then; this is a mean of the pairs' rates.": alone.mean(),
            "This is the share that is right; the error rate is one minus it.": 1
            - want,
            "Sure links that are claimed count twice, since they are possible as well.": 1
            - in_p / (a + s),
            "This is one minus precision; sure links that were missed are errors, too.": 1
            - precision,
            "This is one minus recall; impossible links that were claimed are errors, too.": 1
            - recall,
            "Possible links that are not claimed cost nothing: divide by |A| + |S|.": 1
            - (in_s + in_p) / (a + p),
            "A link that is possible and not sure may be missed at no cost.": 1
            - 2 * in_p / (a + p),
            "A link that is possible and not sure may be claimed at no cost.": 1
            - 2 * in_s / (a + s),
            "No mean of precision and recall: add up what is above and what is below.": 1
            - (precision + recall) / 2,
            "No harmonic mean of precision and recall: add up what is above and what is below.": 1
            - 2 * precision * recall / (precision + recall),
            "Only links count, and not the places where nobody sees one.": np.mean(
                np.concatenate(
                    [
                        (x != y).ravel()
                        for x, y in zip(three[0], three[1], strict=True)
                    ]
                )
            ),
            "A number from 0 to 1 is asked for, not from 0 to 100.": 100
            * want,
            "All pairs count; this is the last one.": alone[-1],
        }
        if distinct(want, mistakes, rtol=1e-4, atol=1e-6):
            break
    diagnose(answer.alignment_error(*three), want, mistakes, **STRICT)


@check(hidden=True)
def error_without_claims(answer: Any, rng: np.random.Generator) -> None:
    """Nothing claimed where something is sure is an error rate of 1.0; nothing claimed and nothing sure is
    0.0, without pairs as well. Claims are judged where nothing is sure, too."""
    claimed, sure, possible = _links(rng)
    nothing = [np.zeros_like(one) for one in sure]
    got = answer.alignment_error(nothing, sure, possible)
    diagnose(
        got,
        1.0,
        {
            "Whoever claims nothing misses every sure link: the error rate is 1.0, not 0.0.": 0.0
        },
        **STRICT,
    )
    got = answer.alignment_error(nothing, nothing, possible)
    if np.isnan(got):
        raise Wrong("Nothing claimed and nothing sure is 0.0, and not NaN.")
    diagnose(
        got,
        0.0,
        {"With nothing claimed and nothing sure nothing is wrong: 0.0.": 1.0},
        **STRICT,
    )
    a, _, _, _, in_p = _sums(claimed, nothing, possible).sum(axis=0)
    diagnose(
        answer.alignment_error(claimed, nothing, possible),
        1 - in_p / a,
        {
            "Where nothing is sure the claims may be impossible still, and are judged.": 0.0,
            "Where nothing is sure a claim that is possible is right still.": 1.0,
        },
        **STRICT,
    )
    m = int(rng.integers(2, 6))
    empty = [np.zeros((0, m), dtype=bool), np.zeros((m, 0), dtype=bool)]
    close(answer.alignment_error(empty, empty, empty), 0.0)
    close(
        answer.alignment_error(empty + sure, empty + sure, empty + possible),
        0.0,
    )
    close(answer.alignment_error([], [], []), 0.0)


SHARES = "    return _divided(_meant(t, source, target))\n"
GIVEN = "given = _divided(_meant(t, source, target))"
ADDED = "np.add.at(count, np.ix_([0, *source], target), given.T)"
MADE = "return np.where(served, _divided(count), t)"
CHANCES = "_meant(t, *pair).mean(axis=1) for pair in pairs"
SUMMED = "float(np.log(np.concatenate([[1.0], *chances])).sum())"
COLUMN = "_meant(t, source, target).argmax(axis=1)"
CHOSEN = "    return column[:, None] == np.arange(1, len(source) + 1)\n"
FOUND = "found = np.sum(a & s) + np.sum(a & p)"
ERROR = "float(1 - found / (a.sum() + s.sum()))"


def _edit(old: str, new: str, falls_by: str, says: str) -> Mutant:
    return Mutant(old=old, new=new, falls_by=falls_by, says=says)


def _shared(new: str, says: str) -> Mutant:
    return _edit(SHARES, new, "each_word_shared_out", says)


def _counted(old: str, new: str, says: str) -> Mutant:
    return _edit(old, new, "counts_of_all_pairs", says)


MUTANTS = {
    # shares
    "no empty word": _shared(
        "    return _divided(_meant(t, source, target)[:, 1:])\n",
        "takes its share too",
    ),
    "empty word cut off": _shared(
        "    return _divided(_meant(t, source, target))[:, 1:]\n",
        "left out after dividing",
    ),
    "empty word last": _shared(
        "    row = t[np.ix_([*source, 0], target)].T\n    return _divided(row)\n",
        "and the source follows",
    ),
    "columns sum to one": _shared(
        "    return _divided(_meant(t, source, target).T).T\n",
        "and not columns",
    ),
    "not divided": _shared(
        "    return _meant(t, source, target)\n",
        "t themselves",
    ),
    "a softmax": _shared(
        "    return _divided(np.exp(_meant(t, source, target)))\n",
        "without exp",
    ),
    "turned": _shared(
        "    return _divided(_meant(t, source, target)).T\n",
        "this is turned",
    ),
    "all to the best": _shared(
        "    best = _meant(t, source, target).argmax(axis=1)\n"
        "    return np.eye(len(source) + 1)[best]\n",
        "as a whole",
    ),
    "before the word is seen": _shared(
        "    return np.full((len(target), len(source) + 1), 1 / (len(source) + 1))\n",
        "t decides",
    ),
    "each word once": _shared(
        "    return _divided(_meant(t, list(dict.fromkeys(source)), target))\n",
        "has two columns",
    ),
    "sums held above a bound": _edit(
        SHARES,
        "    row = _meant(t, source, target)\n"
        "    return row / np.maximum(row.sum(axis=1, keepdims=True), 1e-12)\n",
        "shares_of_next_to_nothing",
        "above some bound",
    ),
    "zero by zero": _edit(
        SHARES,
        "    row = _meant(t, source, target)\n"
        "    return row / row.sum(axis=1, keepdims=True)\n",
        "shares_of_next_to_nothing",
        "not NaN",
    ),
    "equal where nothing is": _edit(
        SHARES,
        "    row = _meant(t, source, target)\n"
        "    row[row.sum(axis=1) == 0] = 1.0\n"
        "    return _divided(row)\n",
        "shares_of_next_to_nothing",
        "not everybody the same",
    ),
    "empty word where nothing is": _edit(
        SHARES,
        "    row = _meant(t, source, target)\n"
        "    row[row.sum(axis=1) == 0, 0] = 1.0\n"
        "    return _divided(row)\n",
        "shares_of_next_to_nothing",
        "not even the empty word",
    ),
    # new_table
    "counts": _counted(
        MADE, "return np.where(served, count, t)", "These are counts"
    ),
    "columns of the table": _counted(
        MADE,
        "return np.where(served, _divided(count.T).T, t)",
        "divide rows, and not columns",
    ),
    "the empty word does not learn": _counted(
        "served = count.sum(axis=1, keepdims=True) > 0\n",
        "served = count.sum(axis=1, keepdims=True) > 0\n    served[0] = False\n",
        "learned like any other",
    ),
    "the empty word forgets": _counted(
        MADE,
        "count[0] = 0.0\n    return np.where(served, _divided(count), t)",
        "its row is zero here",
    ),
    "the empty word takes nothing": _counted(
        GIVEN,
        "row = _meant(t, source, target)\n"
        "        given = np.column_stack([_divided(row)[:, 0], _divided(row[:, 1:])])",
        "before the others are counted",
    ),
    "counts of the best": _counted(
        GIVEN,
        "given = np.eye(len(source) + 1)[_meant(t, source, target).argmax(axis=1)]",
        "not the best place alone",
    ),
    "meetings": _counted(
        GIVEN,
        "given = np.ones((len(target), len(source) + 1))",
        "each meeting counted as one",
    ),
    "equal shares": _counted(
        GIVEN,
        "given = np.ones((len(target), len(source) + 1)) / (len(source) + 1)",
        "got the same",
    ),
    "t is counted": _counted(
        GIVEN,
        "given = _meant(t, source, target)",
        "t itself was counted",
    ),
    "t twice": _counted(
        MADE,
        "return np.where(served, _divided(t * count), t)",
        "once more",
    ),
    "the last pair": _counted(
        GIVEN,
        "given = _divided(_meant(t, source, target))\n"
        "        count = np.zeros(t.shape)",
        "the last one gives",
    ),
    "pair by pair": _counted(
        ADDED,
        "np.add.at(count, np.ix_([0, *source], target), given.T)\n"
        "        t = np.where(count.sum(axis=1, keepdims=True) > 0, _divided(count), t)\n"
        "        count = np.zeros(t.shape)",
        "changed it for the next",
    ),
    "a mean of tables": _counted(
        ADDED,
        "one = np.zeros(t.shape)\n"
        "        np.add.at(one, np.ix_([0, *source], target), given.T)\n"
        "        count += _divided(one) / len(pairs)\n"
        "    return count",
        "a mean of the pairs' tables",
    ),
    "a repeated word is written once": _edit(
        ADDED,
        "count[np.ix_([0, *source], target)] += given.T",
        "words_that_stand_twice",
        "the other shares are lost",
    ),
    "a set of Spanish words": _edit(
        GIVEN,
        "source = list(dict.fromkeys(source))\n"
        "        given = _divided(_meant(t, source, target))",
        "words_that_stand_twice",
        "may be picked at either",
    ),
    "a set of English words": _edit(
        GIVEN,
        "target = list(dict.fromkeys(target))\n"
        "        given = _divided(_meant(t, source, target))",
        "words_that_stand_twice",
        "is shared out twice",
    ),
    "rows become zero": _edit(
        MADE,
        "return _divided(count)",
        "rows_without_a_count",
        "here it became zero",
    ),
    "rows become equal": _edit(
        MADE,
        "return np.where(served, _divided(count), 1 / t.shape[1])",
        "rows_without_a_count",
        "here all became equal",
    ),
    "rows of NaN": _edit(
        MADE,
        "return count / count.sum(axis=1, keepdims=True)",
        "rows_without_a_count",
        "nothing to divide",
    ),
    "rows held above a bound": _edit(
        MADE,
        "total = np.maximum(count.sum(axis=1, keepdims=True), 1e-12)\n"
        "    return np.where(served, count / total, t)",
        "rows_without_a_count",
        "Rows of small counts",
    ),
    "only rows that matter": _edit(
        "served = count.sum(axis=1, keepdims=True) > 0",
        "served = count.sum(axis=1, keepdims=True) > 1e-12",
        "rows_without_a_count",
        "A small share is a share",
    ),
    "empty sources left out": _edit(
        GIVEN,
        "if not source:\n            continue\n"
        "        given = _divided(_meant(t, source, target))",
        "counts_of_all_pairs",
        "come from the empty word",
    ),
    # log_likelihood
    "no choice of a place": _edit(
        CHANCES,
        "_meant(t, *pair).sum(axis=1) for pair in pairs",
        "likelihood_of_all_words",
        "this is without it",
    ),
    "m places": _edit(
        CHANCES,
        "_meant(t, *pair).sum(axis=1) / max(1, len(pair[0])) for pair in pairs",
        "likelihood_of_all_words",
        "and not m.",
    ),
    "one choice for the pair": _edit(
        "    return float(np.log",
        "    chances = [one * (len(f) + 1) ** (1 - 1 / max(1, len(e)))\n"
        "               for one, (f, e) in zip(chances, pairs, strict=True)]\n"
        "    return float(np.log",
        "likelihood_of_all_words",
        "not once for the pair",
    ),
    "only written words": _edit(
        CHANCES,
        "_meant(t, *pair)[:, 1:].mean(axis=1) for pair in pairs",
        "likelihood_of_all_words",
        "part of each sum",
    ),
    "the best way": _edit(
        CHANCES,
        "_meant(t, *pair).max(axis=1) / (len(pair[0]) + 1) for pair in pairs",
        "likelihood_of_all_words",
        "not the largest t",
    ),
    "a sum of logarithms": _edit(
        CHANCES,
        "np.exp(np.log(_meant(t, *pair)).mean(axis=1)) for pair in pairs",
        "likelihood_of_all_words",
        "after the sum over places",
    ),
    "bits": _edit(
        SUMMED,
        "float(np.log2(np.concatenate([[1.0], *chances])).sum())",
        "likelihood_of_all_words",
        "to the base e",
    ),
    "mean of the words": _edit(
        SUMMED,
        "float(np.log(np.concatenate(chances)).mean()) if chances else 0.0",
        "likelihood_of_all_words",
        "mean over the words",
    ),
    "with a minus": _edit(
        SUMMED,
        "-float(np.log(np.concatenate([[1.0], *chances])).sum())",
        "likelihood_of_all_words",
        "without a minus",
    ),
    "sum of the pairs' chances": _edit(
        SUMMED,
        "float(np.log(sum(one.prod() for one in chances)))",
        "likelihood_of_all_words",
        "multiplied, and not added up",
    ),
    "the product": _edit(
        SUMMED,
        "float(np.log(np.concatenate([[1.0], *chances]).prod()))",
        "likelihood_at_its_ends",
        "too small for a float",
    ),
    "never impossible": _edit(
        SUMMED,
        "float(np.log(np.concatenate([[1.0], *chances]).clip(1e-12)).sum())",
        "likelihood_at_its_ends",
        "makes the corpus impossible",
    ),
    "empty sources have no chance": _edit(
        CHANCES,
        "_meant(t, *pair).mean(axis=1) for pair in pairs if pair[0]",
        "likelihood_of_all_words",
        "come from the empty word",
    ),
    # best_links
    "always linked": _edit(
        CHOSEN,
        "    column = _meant(t, source, target)[:, 1:].argmax(axis=1) if source else column\n"
        "    return column[:, None] == np.arange(len(source))\n",
        "largest_share_or_none",
        "has no link",
    ),
    "a column for the empty word": _edit(
        CHOSEN,
        "    return column[:, None] == np.arange(len(source) + 1)\n",
        "largest_share_or_none",
        "without a column",
    ),
    "one place off": _edit(
        CHOSEN,
        "    return column[:, None] == np.arange(len(source))\n",
        "largest_share_or_none",
        "stands in column i + 1",
    ),
    "all above the empty word": _edit(
        CHOSEN,
        "    row = _meant(t, source, target)\n    return row[:, 1:] > row[:, :1]\n",
        "largest_share_or_none",
        "more than the empty word's",
    ),
    "over a half": _edit(
        CHOSEN,
        "    return _divided(_meant(t, source, target))[:, 1:] > 0.5\n",
        "largest_share_or_none",
        "over a half",
    ),
    "over a quarter": _edit(
        CHOSEN,
        "    enough = _divided(_meant(t, source, target)).max(axis=1) > 0.25\n"
        "    column = np.where(enough, column, 0)\n"
        "    return column[:, None] == np.arange(1, len(source) + 1)\n",
        "largest_share_or_none",
        "however small it is",
    ),
    "over an equal share": _edit(
        CHOSEN,
        "    return _divided(_meant(t, source, target))[:, 1:] > 1 / (len(source) + 1)\n",
        "largest_share_or_none",
        "than an equal share",
    ),
    "Spanish words choose": _edit(
        CHOSEN,
        "    row = _divided(_meant(t, source, target))\n"
        "    return (np.arange(len(target))[:, None] == row.argmax(axis=0))[:, 1:]\n",
        "largest_share_or_none",
        "here each Spanish word did",
    ),
    "links turned": _edit(
        CHOSEN,
        "    return (column[:, None] == np.arange(1, len(source) + 1)).T\n",
        "largest_share_or_none",
        "this is turned",
    ),
    "the last of equals": _edit(
        COLUMN,
        "_meant(t, source, target).argmax(axis=1)\n"
        "    other = len(source) - _meant(t, source, target)[:, ::-1].argmax(axis=1)\n"
        "    column = np.where(column > 0, other, 0)",
        "links_where_shares_are_equal",
        "not the last",
    ),
    "all of equals": _edit(
        CHOSEN,
        "    row = _meant(t, source, target)\n"
        "    top = row == row.max(axis=1, keepdims=True)\n"
        "    return top[:, 1:] & ~top[:, :1]\n",
        "links_where_shares_are_equal",
        "not each of them",
    ),
    "a tie is no win": _edit(
        CHOSEN,
        "    row = _meant(t, source, target)\n"
        "    if not source:\n        return np.zeros((len(target), 0), dtype=bool)\n"
        "    best = row[:, 1:].argmax(axis=1)\n"
        "    won = row[:, 1:].max(axis=1) >= row[:, 0]\n"
        "    return won[:, None] & (best[:, None] == np.arange(len(source)))\n",
        "links_where_shares_are_equal",
        "among the largest there is no link",
    ),
    # alignment_error
    "mean of the pairs": _edit(
        ERROR,
        "float(np.mean([1 - ((x & y).sum() + (x & z).sum()) / max(1, x.sum() + y.sum())\n"
        "        for x, y, z in zip(claimed, sure, possible, strict=True)]))",
        "error_of_all_pairs",
        "mean of the pairs' rates",
    ),
    "what is right": _edit(
        ERROR,
        "float(found / (a.sum() + s.sum()))",
        "error_of_all_pairs",
        "the share that is right",
    ),
    "sure ones are not possible": _edit(
        FOUND,
        "found = np.sum(a & s) + np.sum(a & p & ~s)",
        "error_of_all_pairs",
        "count twice",
    ),
    "precision": _edit(
        ERROR,
        "float(1 - np.sum(a & p) / max(1, a.sum()))",
        "error_of_all_pairs",
        "one minus precision",
    ),
    "recall": _edit(
        ERROR,
        "float(1 - np.sum(a & s) / max(1, s.sum()))",
        "error_of_all_pairs",
        "one minus recall",
    ),
    "possible ones must be claimed": _edit(
        ERROR,
        "float(1 - found / (a.sum() + p.sum()))",
        "error_of_all_pairs",
        "divide by |A| + |S|",
    ),
    "all possible ones are sure": _edit(
        ERROR,
        "float(1 - 2 * np.sum(a & p) / (a.sum() + p.sum()))",
        "error_of_all_pairs",
        "may be missed at no cost",
    ),
    "only sure ones are right": _edit(
        ERROR,
        "float(1 - 2 * np.sum(a & s) / (a.sum() + s.sum()))",
        "error_of_all_pairs",
        "may be claimed at no cost",
    ),
    "half of precision and recall": _edit(
        ERROR,
        "float(1 - np.sum(a & p) / max(1, a.sum()) / 2 - np.sum(a & s) / max(1, s.sum()) / 2)",
        "error_of_all_pairs",
        "No mean of precision",
    ),
    "harmonic mean": _edit(
        ERROR,
        "float(1 - 2 / (a.sum() / np.sum(a & p) + s.sum() / np.sum(a & s)))",
        "error_of_all_pairs",
        "No harmonic mean",
    ),
    "places": _edit(
        ERROR,
        "float(np.mean(a != s))",
        "error_of_all_pairs",
        "Only links count",
    ),
    "per cent": _edit(
        ERROR,
        "float(100 - 100 * found / (a.sum() + s.sum()))",
        "error_of_all_pairs",
        "not from 0 to 100",
    ),
    "silence is golden": _edit(
        "if not (a | s).any()",
        "if not a.any()",
        "error_without_claims",
        "misses every sure link",
    ),
    "nothing by nothing": _edit(
        "    if not (a | s).any():\n        return 0.0\n",
        "",
        "error_without_claims",
        "not NaN",
    ),
    "nothing is wrong": _edit(
        "        return 0.0\n",
        "        return 1.0\n",
        "error_without_claims",
        "nothing is wrong",
    ),
    "nothing sure, nothing wrong": _edit(
        "if not (a | s).any()",
        "if not s.any()",
        "error_without_claims",
        "are judged",
    ),
}
