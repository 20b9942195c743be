"""Checks of a corpus score: what is counted, what is added up, and what is divided."""

from collections import Counter
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

Rows = list[list[int]]
RIGHT, SHORT = [[4, 5, 6, 7, 8]], [[4, 5, 6, 7]]
END = 2


@check()
def a_wrong_word_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """Of five words the last is wrong: 4/5, 3/4, 2/3 and 1/2 have the product 1/5, so BLEU is 100 times
    its fourth root, 66.87. What stands behind an END changes nothing."""
    close(answer.bleu(RIGHT, RIGHT), 100.0)
    close(answer.bleu([[4, 5, 6, 7, 9]], RIGHT), 100 * 0.2**0.25)
    close(answer.bleu([[4, 5, 6, 7, 9, END, 8]], RIGHT), 100 * 0.2**0.25)


@check()
def a_word_too_often_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """One word is said five times and stands four times in the reference, before another: of its five
    matches one is cut off, and likewise for pairs, triples and fours. BLEU is 66.87 here, too."""
    close(answer.bleu([[4, 4, 4, 4, 4]], [[4, 4, 4, 4, 5]]), 100 * 0.2**0.25)


@check()
def too_few_words_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """Four right words for a reference of six: all is a match, and the penalty is exp(1 - 6/4), so BLEU
    is 60.65. With six words for a reference of four nothing is taken off the precisions."""
    close(answer.bleu(SHORT, [[4, 5, 6, 7, 8, 9]]), 100 * np.exp(-0.5))
    close(
        answer.bleu([[4, 5, 6, 7, 8, 9]], SHORT),
        100 * (4 / 6 * 3 / 5 * 2 / 4 * 1 / 3) ** 0.25,
    )


@check()
def two_sentences_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """Two sentences have 8 of 9, 6 of 7, 4 of 5 and 2 of 3 matches, and 9 words for 11: BLEU is 63.93.
    Without the one it is 66.87, and without the other 60.65."""
    said = [*SHORT, [4, 5, 6, 7, 9]]
    reference = [[4, 5, 6, 7, 8, 9], *RIGHT]
    share = 8 / 9 * 6 / 7 * 4 / 5 * 2 / 3
    close(answer.bleu(said, reference), 100 * np.exp(-2 / 9) * share**0.25)
    close(
        answer.without_one(said, reference),
        [100 * 0.2**0.25, 100 * np.exp(-0.5)],
    )


# --- what the hidden checks share -----------------------------------------------------------------

Matches = Callable[[list[Any], list[Any]], int]
TEXT = np.arange(4, 64)  # tokens of words


def _grams(words: list[int], n: int) -> list[Any]:
    return [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]


def _clipped(ours: list[Any], theirs: list[Any]) -> int:
    return sum(min(ours.count(one), theirs.count(one)) for one in set(ours))


def _table(said: Rows, reference: Rows, match: Matches = _clipped) -> Array:
    """Matches and n-grams of four lengths, words of both, a row for each sentence without an END."""
    rows = np.zeros((len(said), 10))
    for row, ours, theirs in zip(rows, said, reference, strict=True):
        for n in range(1, 5):
            mine = _grams(ours, n)
            row[n - 1] = match(mine, _grams(theirs, n))
            row[n + 3] = len(mine)
        row[8], row[9] = len(ours), len(theirs)
    return rows


def _precision(total: Array) -> float:
    """The geometric mean of four precisions, in per cent."""
    if total[:4].min() == 0:
        return 0.0
    return float(100 * np.prod(total[:4] / total[4:8]) ** 0.25)


def _score(total: Array) -> float:
    short = total[8] < total[9]
    penalty = np.exp(1 - total[9] / total[8]) if short and total[8] else 1.0
    return float(penalty * _precision(total))


def _pair(
    rng: np.random.Generator, n: int, longer: int = 0
) -> tuple[list[int], list[int]]:
    """A sentence in which one word is wrong, and its reference of n >= 8; no word occurs twice."""
    words = [int(one) for one in rng.permutation(TEXT)]
    reference = words[:n]
    said = reference.copy()
    said[int(rng.integers(1, n - 5))] = words[n]
    return words[n + 1 : n + 1 + longer] + said[max(0, -longer) :], reference


# --- hidden ---------------------------------------------------------------------------------------


@check(hidden=True, points=3)
def sums_before_ratios(answer: Any, rng: np.random.Generator) -> None:
    """Add up the matches, the n-grams and the words of all sentences; then divide, and take the
    geometric mean of the four precisions."""
    for longer in ([0] * 6, [2, -2, 1, -1, 3, -3]):
        while True:
            pairs = [_pair(rng, int(rng.integers(9, 20)), k) for k in longer]
            said, reference = [a for a, _ in pairs], [b for _, b in pairs]
            rows = _table(said, reference)
            want = _score(rows.sum(axis=0))
            mistakes = _slips(said, reference, rows)
            if longer[0] == 0:
                del mistakes[BY_SENTENCE]
            if distinct(want, mistakes):
                break
        diagnose(answer.bleu(said, reference), want, mistakes)


BY_SENTENCE = (
    "The penalty compares all words said with those of all references, and not sentence by sentence: "
    "a short one may be balanced by a long one."
)


def _slips(said: Rows, reference: Rows, rows: Array) -> dict[str, float]:
    """What usual mistakes with several sentences lead to, where as much was said as there is."""
    total = rows.sum(axis=0)
    share = total[:4] / total[4:8]
    short = np.minimum(1.0, np.exp(1 - rows[:, 9] / rows[:, 8]))
    pooled = total.copy()
    for n in range(1, 5):
        ours, theirs = (
            Counter(g for row in both for g in _grams(row, n))
            for both in (said, reference)
        )
        pooled[n - 1] = (ours & theirs).total()
    one = [[w for row in both for w in row] for both in (said, reference)]
    more = total + np.repeat([1, 0], [8, 2])
    fewer = total - np.repeat([0, len(said), 0], [4, 4, 2])
    return {
        "BLEU is no mean of the scores of sentences; add up their counts first.": float(
            np.mean([_score(row) for row in rows])
        ),
        "A precision of the corpus is a ratio of sums, and no mean of the sentences' precisions.": (
            _geometric((rows[:, :4] / rows[:, 4:8]).mean(axis=0))
        ),
        "The mean of the four precisions is the geometric one, not a quarter of their sum.": float(
            100 * share.mean()
        ),
        "n-grams of 1, 2, 3 and 4 words all count, and not those of 4 alone.": float(
            100 * share[3]
        ),
        "The product of the precisions wants its fourth root.": float(
            100 * share.prod()
        ),
        "BLEU is asked for from 0 to 100.": _geometric(share) / 100,
        "An n-gram lies in one sentence; none begins in one and ends in the next.": _precision(
            _table([one[0]], [one[1]])[0]
        ),
        "A match has to stand in the reference of its own sentence, not in that of another.": (
            _precision(pooled)
        ),
        "Nothing is smoothed; add no one to the counts.": _precision(more),
        "A sentence of m words has m - n + 1 n-grams.": _precision(fewer),
        BY_SENTENCE: float(short.mean() * _precision(total)),
    }


def _geometric(share: Array) -> float:
    return float(100 * np.prod(share) ** 0.25)


@check(hidden=True, points=2)
def matches_are_clipped(answer: Any, rng: np.random.Generator) -> None:
    """An n-gram that is said k times and stands j times in the reference makes min(k, j) matches."""
    for _ in range(3):
        while True:
            words = [int(one) for one in rng.permutation(TEXT)[:4]]
            reference = [int(one) for one in rng.choice(words, 16)]
            block = reference[2:8]
            said = block + reference[8:12] + block
            rows = _table([said], [reference])
            want = _score(rows[0])
            kinds = [len(set(_grams(said, n))) for n in range(1, 5)]
            once = _table([said], [reference], lambda a, b: len({*a} & {*b}))
            among = once.copy()
            among[0, 4:8] = kinds
            every = _table(
                [said], [reference], lambda a, b: sum(g in b for g in a)
            )
            often = _table(
                [said], [reference], lambda a, b: sum(g in a for g in b)
            )
            mistakes = {
                "What is said more often than it stands in the reference must not match every time: "
                "clip its matches.": _precision(every[0]),
                "This clips the wrong side: count what was said, as often as it is found in the "
                "reference.": _precision(often[0]),
                "An n-gram that stands twice in both makes two matches; a set has forgotten that.": (
                    _precision(once[0])
                ),
                "Of n-grams that occur twice each one counts, in matches and in what was said; these "
                "are kinds of n-grams.": _precision(among[0]),
            }
            if distinct(want, mistakes):
                break
        diagnose(answer.bleu([said], [reference]), want, mistakes)


@check(hidden=True, points=2)
def penalty_for_too_few(answer: Any, rng: np.random.Generator) -> None:
    """The penalty is exp(1 - r/c) where fewer words were said than the reference has, and 1 elsewhere."""
    for longer in (3, -3, 5, -1):
        said, reference = _pair(rng, int(rng.integers(14, 20)), longer)
        total = _table([said], [reference])[0]
        ratio, plain = total[9] / total[8], _precision(total)
        recall = total.copy()
        recall[4:8] += total[9] - total[8]
        penalty = _score(total) / plain
        if longer > 0:
            mistakes = {
                "Nobody is paid for more words than the reference has: from c = r on the penalty is "
                "1.": np.exp(1 - ratio) * plain,
                "Too many words lower the precisions as it is; the penalty is for too few.": np.exp(
                    1 - 1 / ratio
                )
                * plain,
            }
        else:
            mistakes = {
                "Fewer words than in the reference, and nothing is taken off for it: where is the "
                "penalty?": plain,
                "The penalty's ratio is turned: r/c, the words of the reference by those said.": (
                    np.exp(1 - 1 / ratio) * plain
                ),
                "The penalty is exp(1 - r/c), and not c/r itself.": plain
                / ratio,
            }
        mistakes[
            "Divide by the n-grams that were said, not by those of the reference."
        ] = penalty * _precision(recall)
        diagnose(answer.bleu([said], [reference]), _score(total), mistakes)


@check(hidden=True)
def zero_without_a_match(answer: Any, rng: np.random.Generator) -> None:
    """Where one of the four counts of matches is zero BLEU is 0.0, without smoothing and without an
    error: no match of four words, no sentence of four words, no words, no sentences."""
    n = int(rng.integers(2, 6))
    words = [[int(one) for one in rng.permutation(TEXT)[:7]] for _ in range(n)]
    three = [row[:3] for row in words]
    broken = [[*row[:3], 70, *row[4:]] for row in words]
    diagnose(answer.bleu(broken, words), 0.0, {})
    got = answer.bleu(three, three)
    if np.shape(got) == () and np.allclose(got, 100):
        raise Wrong(
            "Without a 4-gram there is no match of four words, and BLEU is 0.0; it does not make do "
            "with shorter ones."
        )
    diagnose(got, 0.0, {})
    nothing: Rows = [[] for _ in range(n)]
    for said, reference in ((nothing, words), (words, nothing), ([], [])):
        diagnose(answer.bleu(said, reference), 0.0, {})


@check(hidden=True)
def words_before_the_end(answer: Any, rng: np.random.Generator) -> None:
    """The words of a sentence are its tokens before the first END, or all of them if it has none."""
    for ends in ((True, True), (True, False), (False, True)):
        while True:
            pair = _pair(rng, int(rng.integers(9, 14)))
            tail = [int(one) for one in rng.permutation(TEXT)[:4]]
            closed = [
                [*row, END, *tail[:2], tail[2 + i], END] if end else row
                for i, (row, end) in enumerate(zip(pair, ends, strict=True))
            ]
            counted = [
                [*row, END] if end else row
                for row, end in zip(pair, ends, strict=True)
            ]
            # The last END closes, or every one is dropped.
            late = [row[:-1] if row[-1] == END else row for row in closed]
            dropped = [[one for one in row if one != END] for row in closed]
            want = _score(_table([pair[0]], [pair[1]])[0])
            mistakes = {
                sentence: _score(_table([ours], [theirs])[0])
                for sentence, (ours, theirs) in {
                    "END closes a sentence and is no word of it; it counts neither as a match nor for "
                    "the lengths.": counted,
                    "A sentence ends before its first END; all tokens were counted here.": closed,
                    "A sentence ends before its first END, and not before the last.": late,
                    "What stands behind an END is no part of the sentence; it is not enough to leave "
                    "the END out.": dropped,
                }.items()
            }
            if distinct(want, mistakes):
                break
        diagnose(answer.bleu([closed[0]], [closed[1]]), want, mistakes)


@check(hidden=True, points=2)
def each_sentence_left_out(answer: Any, rng: np.random.Generator) -> None:
    """Entry i is the BLEU of all sentences but i: take its matches, its n-grams and its words, said and of
    the reference, out of the sums. What is left may have no match, or no sentence."""
    for longer in ([-2, -1, 0, -3, -2], [-1, -4, -2, 0]):
        while True:
            pairs = [_pair(rng, int(rng.integers(9, 20)), k) for k in longer]
            said, reference = [a for a, _ in pairs], [b for _, b in pairs]
            rows = _table(said, reference)
            rest = rows.sum(axis=0) - rows
            want = np.array([_score(row) for row in rest])
            alone = np.array([_score(row) for row in rows])
            kept, long = rest.copy(), rest.copy()
            kept[:, 8:], long[:, 9] = rows[:, 8:].sum(axis=0), rows[:, 9].sum()
            whole = _score(rows.sum(axis=0))
            mistakes = {
                "These are the scores of the sentences alone; the others are asked for.": alone,
                "This is how much BLEU changes; its value without the sentence is asked for.": whole
                - want,
                "This is how much BLEU changes, the other way round; its value is asked for.": want
                - whole,
                "The others' scores have no mean that would be BLEU; subtract counts.": (
                    alone.sum() - alone
                )
                / (len(alone) - 1),
                "The words of the reference that is left out still count in the penalty.": np.array(
                    [_score(row) for row in long]
                ),
                "The penalty is still that of the whole corpus; each rest has its own.": np.array(
                    [_score(row) for row in kept]
                ),
            }
            if distinct(want, mistakes):
                break
        diagnose(answer.without_one(said, reference), want, mistakes)
    # One sentence has all the matches of four words.
    n = int(rng.integers(3, 6))
    pair = _pair(rng, int(rng.integers(9, 14)))
    short = [[int(one) for one in rng.permutation(TEXT)[:3]] for _ in range(n)]
    said, reference = [[], *short, pair[0]], [short[0], *short, pair[1]]
    rows = _table(said, reference)
    rest = rows.sum(axis=0) - rows
    close(answer.without_one(said, reference), [_score(row) for row in rest])
    close(answer.without_one([pair[0]], [pair[1]]), [0.0])
    close(answer.without_one([], []), np.zeros(0))


@check(
    hidden=True,
    safety="whoever counts the corpus anew for each sentence is right and too slow",
)
def two_thousand_left_out(answer: Any, rng: np.random.Generator) -> None:
    """With two thousand sentences it goes wrong: count each sentence once, and subtract its counts from
    the sums. To count all the others for each one takes too long."""
    n = int(rng.integers(1950, 2000))
    # No word twice in a sentence: a match is a run of places that agree.
    reference = 4 + rng.random((n, 40)).argsort(axis=1)[:, :7]
    agree = rng.random((n, 7)) < 0.8
    short = rng.random(n) < 0.2
    said = np.where(agree, reference, reference + 40).tolist()
    said = [row[: 7 - int(cut)] for row, cut in zip(said, short, strict=True)]
    got = answer.without_one(said, reference.tolist())
    agree[:, 6] &= ~short
    runs = [
        np.lib.stride_tricks.sliding_window_view(agree, k, axis=1).all(axis=2)
        for k in range(1, 5)
    ]
    length = 7 - short
    rows = np.stack(
        [one.sum(axis=1) for one in runs]
        + [length - k + 1 for k in range(1, 5)]
        + [length, np.full(n, 7)],
        axis=1,
    )
    rest = rows.sum(axis=0) - rows
    close(got, [_score(row) for row in rest])


MUTANTS = {
    "mean of the sentences": Mutant(
        old="    total = _counted(said, reference).sum(axis=0)\n    return _score(total)",
        new="    rows = _counted(said, reference)\n"
        "    return float(np.mean([_score(row) for row in rows])) if said else 0.0",
        falls_by="sums_before_ratios",
        says="no mean of the scores",
    ),
    "mean of the sentences' precisions": Mutant(
        old="    total = _counted(said, reference).sum(axis=0)\n    return _score(total)",
        new="    rows = _counted(said, reference)\n"
        "    share = np.mean(rows[:, :4] / rows[:, 4:8].clip(1), axis=0)\n"
        "    c, r = rows[:, 8:].sum(axis=0)\n"
        "    if not share.all():\n        return 0.0\n"
        "    return float(100 * np.exp(min(0, 1 - r / c)) * np.prod(share) ** 0.25)",
        falls_by="sums_before_ratios",
        says="a ratio of sums",
    ),
    "penalty sentence by sentence": Mutant(
        old="    return _score(total)",
        new="    rows = _counted(said, reference)[:, 8:].astype(float)\n"
        "    if not rows.all():\n        return 0.0\n"
        "    p = np.mean([np.exp(min(0.0, 1 - r / c)) for c, r in rows])\n"
        "    total[9] = total[8]\n"
        "    return float(p * _score(total))",
        falls_by="sums_before_ratios",
        says="balanced by a long one",
    ),
    "n-grams across borders": Mutant(
        old="total = _counted(said, reference).sum(axis=0)",
        new="one, other = (sum(map(_words, rows), []) for rows in (said, reference))\n"
        "    total = _counted([one], [other]).sum(axis=0)",
        falls_by="sums_before_ratios",
        says="none begins in one",
    ),
    "clipped by the whole corpus": Mutant(
        old="total = _counted(said, reference).sum(axis=0)",
        new="total = _counted(said, reference).sum(axis=0)\n"
        "    for n in range(1, 5):\n"
        "        ours, theirs = Counter(), Counter()\n"
        "        for one, other in zip(said, reference, strict=True):\n"
        "            ours += _grams(_words(one), n)\n"
        "            theirs += _grams(_words(other), n)\n"
        "        total[n - 1] = (ours & theirs).total()",
        falls_by="sums_before_ratios",
        says="of its own sentence",
    ),
    "arithmetic mean": Mutant(
        old="np.mean(np.log(match / n_gram))",
        new="np.log(np.mean(match / n_gram))",
        falls_by="sums_before_ratios",
        says="the geometric one",
    ),
    "no root": Mutant(
        old="np.mean(np.log(match / n_gram))",
        new="np.sum(np.log(match / n_gram))",
        falls_by="sums_before_ratios",
        says="fourth root",
    ),
    "only four words": Mutant(
        old="np.mean(np.log(match / n_gram))",
        new="np.log(match[3] / n_gram[3])",
        falls_by="sums_before_ratios",
        says="not those of 4 alone",
    ),
    "one added": Mutant(
        old="np.mean(np.log(match / n_gram))",
        new="np.mean(np.log((match + 1) / (n_gram + 1)))",
        falls_by="sums_before_ratios",
        says="Nothing is smoothed",
    ),
    "one n-gram too few": Mutant(
        old="row[n + 3] = written.total()",
        new="row[n + 3] = len(ours) - n",
        falls_by="sums_before_ratios",
        says="has m - n + 1",
    ),
    "a share": Mutant(
        old="float(100 * np.exp",
        new="float(np.exp",
        falls_by="sums_before_ratios",
        says="from 0 to 100",
    ),
    "no clipping": Mutant(
        old="(written & wanted).total()",
        new="sum(k for one, k in written.items() if one in wanted)",
        falls_by="matches_are_clipped",
        says="clip its matches",
    ),
    "clipping the reference": Mutant(
        old="(written & wanted).total()",
        new="sum(k for one, k in wanted.items() if one in written)",
        falls_by="matches_are_clipped",
        says="the wrong side",
    ),
    "a set of matches": Mutant(
        old="(written & wanted).total()",
        new="len(written & wanted)",
        falls_by="matches_are_clipped",
        says="a set has forgotten",
    ),
    "sets on both sides": Mutant(
        old="return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))",
        new="return Counter({tuple(words[i : i + n]) for i in range(len(words) - n + 1)})",
        falls_by="matches_are_clipped",
        says="kinds of n-grams",
    ),
    "no penalty": Mutant(
        old="brevity = min(0.0, 1 - r / c)",
        new="brevity = 0.0",
        falls_by="penalty_for_too_few",
        says="where is the penalty",
    ),
    "a reward": Mutant(
        old="brevity = min(0.0, 1 - r / c)",
        new="brevity = 1 - r / c",
        falls_by="penalty_for_too_few",
        says="Nobody is paid",
    ),
    "penalty for too many": Mutant(
        old="brevity = min(0.0, 1 - r / c)",
        new="brevity = min(0.0, 1 - c / r)",
        falls_by="penalty_for_too_few",
        says="for too few",
    ),
    "penalty without exp": Mutant(
        old="brevity = min(0.0, 1 - r / c)",
        new="brevity = min(0.0, np.log(c / r))",
        falls_by="penalty_for_too_few",
        says="not c/r itself",
    ),
    "recall": Mutant(
        old="row[n + 3] = written.total()",
        new="row[n + 3] = wanted.total()",
        falls_by="penalty_for_too_few",
        says="not by those of the reference",
    ),
    "a zero as one": Mutant(
        old="    return _score(total)",
        new="    return _score(np.maximum(total, 1))",
        falls_by="zero_without_a_match",
        says="without smoothing",
    ),
    "shorter ones will do": Mutant(
        old="    if not match.all():",
        new="    match, n_gram = match[n_gram > 0], n_gram[n_gram > 0]\n"
        "    if not len(match) or not match.all():",
        falls_by="zero_without_a_match",
        says="make do with shorter ones",
    ),
    "zero by zero": Mutant(
        old="    if not match.all():\n        return 0.0\n",
        new="",
        falls_by="zero_without_a_match",
        says="without an error",
    ),
    "END is a word": Mutant(
        old="sentence[: sentence.index(END)]",
        new="sentence[: sentence.index(END) + 1]",
        falls_by="words_before_the_end",
        says="is no word of it",
    ),
    "all tokens are words": Mutant(
        old="return sentence[: sentence.index(END)] if END in sentence else sentence",
        new="return sentence",
        falls_by="words_before_the_end",
        says="all tokens were counted",
    ),
    "END left out": Mutant(
        old="return sentence[: sentence.index(END)] if END in sentence else sentence",
        new="return [token for token in sentence if token != END]",
        falls_by="words_before_the_end",
        says="not enough to leave",
    ),
    "sentences alone": Mutant(
        old="for row in rest]",
        new="for row in count]",
        falls_by="each_sentence_left_out",
        says="of the sentences alone",
    ),
    "a difference": Mutant(
        old="return np.array([_score(row) for row in rest])",
        new="whole = _score(count.sum(axis=0))\n"
        "    return whole - np.array([_score(row) for row in rest])",
        falls_by="each_sentence_left_out",
        says="how much BLEU changes",
    ),
    "mean of the others": Mutant(
        old="return np.array([_score(row) for row in rest])",
        new="each = np.array([_score(row) for row in count])\n"
        "    return (each.sum() - each) / max(1, len(each) - 1)",
        falls_by="each_sentence_left_out",
        says="subtract counts",
    ),
    "reference left in": Mutant(
        old="rest = count.sum(axis=0) - count\n",
        new="rest = count.sum(axis=0) - count\n    rest[:, 9] = count[:, 9].sum()\n",
        falls_by="each_sentence_left_out",
        says="still count in the penalty",
    ),
    "one penalty for all": Mutant(
        old="rest = count.sum(axis=0) - count\n",
        new="rest = count.sum(axis=0) - count\n    rest[:, 8:] = count[:, 8:].sum(axis=0)\n",
        falls_by="each_sentence_left_out",
        says="each rest has its own",
    ),
    "a rest of zeros": Mutant(
        old="rest = count.sum(axis=0) - count\n",
        new="rest = np.maximum(count.sum(axis=0) - count, 1)\n",
        falls_by="each_sentence_left_out",
        says="may have no match",
    ),
}
