"""The King James text as a stream of words, cut into windows, and what counting alone predicts.

Words are in lower case, marks count as words, and an END stands behind every verse. A chapter in
ten is for the test and one in ten for validation, by a hash of its book and number, so that text
on both sides of a split may tell the same story (Kings and Chronicles, say) but never is the same
chapter. No window crosses the edge of a chapter.
"""

import zlib
from collections import Counter
from functools import cache
from typing import NamedTuple

import numpy as np

from attn_course import _check
from attn_course._typing import Array, Float, Int

SPLITS = ("test", "val", "train")
END, UNKNOWN = 0, 1
SPECIAL = ("<end>", "<unknown>")
N_READ = 40  # words that a model reads one after the other, from a state of zeros
N_COUNTED = 20  # the last predictions of a window are measured: each has over 20 words of past
N_PROBE = 24
PROBES = (("1Cor", 15, 55), ("John", 10, 11), ("1Kgs", 10, 1))  # verses of the test


class Corpus(NamedTuple):
    """Tokens of each split, chapter behind chapter, and the lengths of the chapters.

    `words` are the special tokens and the most frequent words of training, the most frequent first;
    `verse` tells the split and the place of each verse.
    """

    words: tuple[str, ...]
    token: dict[str, Int[Array, " n_token"]]
    length: dict[str, list[int]]
    verse: dict[tuple[str, int, int], tuple[str, int]]


def split_of(book: str, chapter: int) -> str:
    """Which split a chapter belongs to.

    Examples
    --------
    >>> split_of("John", 10), split_of("Gen", 1)
    ('test', 'train')
    """
    return SPLITS[min(zlib.crc32(f"{book} {chapter}".encode()) % 10, 2)]


@cache
def corpus(n_word: int) -> Corpus:
    """The text with the `n_word` most frequent words of training; all others are UNKNOWN.

    Raises
    ------
    DataError
        The text is absent and cannot be fetched.
    """
    from attn_course import data

    text: dict[str, list[str]] = {split: [] for split in SPLITS}
    chapters: dict[str, Counter[tuple[str, int]]] = {split: Counter() for split in SPLITS}
    place = {}
    for verse in data.verses():
        split = split_of(verse.book, verse.chapter)
        place[verse.book, verse.chapter, verse.verse] = split, len(text[split])
        text[split] += [*(word for word, _ in verse.english), SPECIAL[END]]
        chapters[split][verse.book, verse.chapter] += len(verse.english) + 1
    count = Counter(word for word in text["train"] if word not in SPECIAL)
    ranked = sorted(count, key=lambda word: (-count[word], word))
    words = (*SPECIAL, *ranked[:n_word])
    known = {word: i for i, word in enumerate(words)}
    token = {
        split: np.array([known.get(word, UNKNOWN) for word in text[split]], int) for split in SPLITS
    }
    length = {split: list(chapters[split].values()) for split in SPLITS}
    return Corpus(words, token, length, place)


def windows(
    length: list[int], n_token: int, stride: int
) -> tuple[Int[Array, " n_window"], Int[Array, " n_window"]]:
    """First tokens of windows inside chapters that lie behind one another.

    Parameters
    ----------
    length : list
        The chapters' numbers of tokens.
    n_token, stride : int
        Tokens of a window, and tokens from one window to the next of the same chapter.

    Returns
    -------
    start : (n_window,)
        Places of the first tokens.
    chapter : (n_window,)
        The chapters' numbers from 0.

    Examples
    --------
    >>> windows([5, 2, 4], n_token=3, stride=1)
    (array([0, 1, 2, 7, 8]), array([0, 0, 0, 2, 2]))
    """
    _check.at_least("n_token", n_token, 1)
    _check.at_least("stride", stride, 1)
    first = np.cumsum([0, *length[:-1]])
    starts = [np.arange(0, n - n_token + 1, stride) for n in length]
    n_window = [len(start) for start in starts]
    return np.concatenate(starts) + np.repeat(first, n_window), np.repeat(
        np.arange(len(length)), n_window
    )


def probes(n_word: int) -> Int[Array, "n_probe n_token"]:
    """The first words from the verses of `PROBES` on, END and what follows it included."""
    text = corpus(n_word)
    places = (text.verse[name] for name in PROBES)
    return np.stack([text.token[split][start : start + N_PROBE] for split, start in places])


# Counting ---------------------------------------------------------------------------------------


class Counts(NamedTuple):
    """How often words follow one another: each run of words, and for each run what comes after.

    `n_run` counts runs, `n_next` the words behind a run, `n_kind` how many different words these
    are. A run is a tuple of tokens, the empty one among them.
    """

    n_run: Counter[tuple[int, ...]]
    n_next: Counter[tuple[int, ...]]
    n_kind: Counter[tuple[int, ...]]


def counts(chapters: list[list[int]], order: int) -> Counts:
    """Counts of all runs of up to `order` words inside chapters.

    Examples
    --------
    >>> made = counts([[5, 6, 5, 7], [5, 6]], order=2)
    >>> made.n_run[5, 6], made.n_next[5,], made.n_kind[5,], made.n_run[7, 5]
    (2, 3, 2, 0)
    """
    n_run: Counter[tuple[int, ...]] = Counter()
    for chapter in chapters:
        for k in range(1, order + 1):
            n_run.update(zip(*(chapter[i:] for i in range(k)), strict=False))
    n_next: Counter[tuple[int, ...]] = Counter()
    n_kind: Counter[tuple[int, ...]] = Counter()
    for run, n in n_run.items():
        n_next[run[:-1]] += n
        n_kind[run[:-1]] += 1
    return Counts(n_run, n_next, n_kind)


def counted_probability(
    word: int, past: tuple[int, ...], counts: Counts, order: int, n_word: int
) -> float:
    r"""Probability of a word after the last `order` - 1 others, interpolated from counts.

    .. math::
        p_k(w) = \frac{n(u_k w) + d(u_k)\, p_{k-1}(w)}{n(u_k) + d(u_k)}, \qquad p_0(w) = 1 / |V|

    where :math:`u_k` are the k - 1 words before w, :math:`n(u_k)` how often a word followed them
    and :math:`d(u_k)` how many different ones: the rule of Witten and Bell (1991), method C. A past
    that training does not have is left out.

    Parameters
    ----------
    word, past : int and tuple
        The word asked for, and all that stands before it.
    counts : Counts
        Of runs of `order` words at least.
    order, n_word : int
        1 for single words, 2 for pairs, and so on; the size of the vocabulary.

    Returns
    -------
    probability : float

    Examples
    --------
    >>> made = counts([[0, 1, 0, 2]], order=2)
    >>> counted_probability(0, (2,), made, order=1, n_word=4)  # (2 + 3 / 4) / (4 + 3)
    0.39285714285714285
    """
    probability = 1 / n_word
    for k in range(min(order, len(past) + 1)):
        before = past[len(past) - k :]
        n, kind = counts.n_next[before], counts.n_kind[before]
        if n:
            probability = (counts.n_run[*before, word] + kind * probability) / (n + kind)
    return probability


@cache
def _training_counts(n_word: int, order: int) -> Counts:
    text = corpus(n_word)
    edges = np.cumsum(text.length["train"])[:-1]
    return counts([part.tolist() for part in np.split(text.token["train"], edges)], order)


def counted_surprise(
    token: Int[Array, "n_window n_token"], order: int, n_word: int
) -> Float[Array, "n_window n_token-1"]:
    """Minus log-probability, in nats, of every token but the first of each window, by counting."""
    made, n_kind = _training_counts(n_word, order), n_word + len(SPECIAL)
    surprise = np.empty((len(token), token.shape[1] - 1))
    for row, window in zip(surprise, token.tolist(), strict=True):
        for t in range(len(row)):
            past = tuple(window[max(0, t + 2 - order) : t + 1])
            row[t] = -np.log(counted_probability(window[t + 1], past, made, order, n_kind))
    return surprise
