"""Spanish and English verses with links between their words, and aligners that need no attention.

A link joins what carries the same Strong's number in both, if the number stands once in each: on
one word or on words side by side. Nobody drew these links by hand: they are silver, not gold.
"""

import hashlib
from functools import cache
from typing import NamedTuple

import numpy as np

from attn_course._typing import Array, Bool, Float, Int
from attn_course.seq2seq.task_sentences import END, PADDING, START, tokens, vocabulary

N_LONGEST = 15  # words and marks of a verse whose links are judged, in both languages
N_TRAINING = 25  # and of one to train on
FOLD = 4  # of the judged ones one in so many is held out
N_CODE = 2**16  # above every token
TINY = 1e-12


class Corpus(NamedTuple):
    """Verses as tokens, the Spanish without END; for each English word its link, or zeros."""

    source: Int[Array, "n_verse n_source"]
    target: Int[Array, "n_verse n_target"]
    link: Int[Array, "n_verse n_target 3"]  # the first linked Spanish place, one behind, if sure


def runs(numbers: list[tuple[str, ...]]) -> dict[str, tuple[int, int]]:
    """Where each number stands, from its first place to behind its last, if that is one stretch.

    Examples
    --------
    >>> runs([("H1",), ("H2",), ("H2", "H3"), ("H1",)])
    {'H2': (1, 3), 'H3': (2, 3)}
    """
    places: dict[str, list[int]] = {}
    for place, carried in enumerate(numbers):
        for number in carried:
            places.setdefault(number, []).append(place)
    ends = {number: (found[0], found[-1] + 1) for number, found in places.items()}
    return {n: (first, end) for n, (first, end) in ends.items() if end - first == len(places[n])}


def links(
    english: list[tuple[str, ...]], spanish: list[tuple[str, ...]]
) -> Int[Array, "n_english 3"]:
    """Link of each English word: the first Spanish place, the one behind the last, whether sure.

    Sure is a link from one word to one word. A tag of several words does not say which of them
    belongs to which, so any of them will do; such a link is only possible. A word without a link
    has zeros.

    Examples
    --------
    >>> links([(), ("H1",), ("H2",)], [("H2",), ("H1",), ("H1",)]).tolist()
    [[0, 0, 0], [1, 3, 0], [0, 1, 1]]
    """
    ours, theirs = runs(english), runs(spanish)
    link = np.zeros((len(english), 3), dtype=int)
    for number in sorted(ours.keys() & theirs.keys()):
        (start, stop), (first, end) = ours[number], theirs[number]
        link[start:stop] = first, end, stop - start == 1 and end - first == 1
    return link


def held_out(spanish: list[str]) -> bool:
    """Whether a short verse is set aside: by its own words, so that its repetitions are too."""
    return hashlib.sha256(" ".join(spanish).encode()).digest()[0] % FOLD == 0


@cache
def corpora() -> tuple[Corpus, Corpus, tuple[str, ...], tuple[str, ...]]:
    """Verses to train on, verses held out, and the Spanish and the English word list.

    Raises
    ------
    DataError
        The Bibles are absent and cannot be fetched.
    """
    from attn_course import data

    sides: tuple[list, list] = [], []
    for verse in data.verses():
        both = verse.spanish, verse.english
        longest, words = max(map(len, both)), [word for word, _ in verse.spanish]
        to_judge = longest <= N_LONGEST and held_out(words)
        if to_judge or longest <= N_TRAINING:
            sides[to_judge].append(both)
    known, named = (
        vocabulary([[word for word, _ in both[i]] for both in sides[False]]) for i in range(2)
    )
    training, aside = (_corpus(side, known, named) for side in sides)
    return training, aside, known, named


def _corpus(side: list, known: tuple[str, ...], named: tuple[str, ...]) -> Corpus:
    source = tokens([[word for word, _ in spanish] for spanish, _ in side], known)
    target = tokens([[word for word, _ in english] for _, english in side], named)
    link = np.zeros((*target.shape, 3), dtype=int)
    for row, (spanish, english) in zip(link, side, strict=True):
        ours, theirs = ([numbers for _, numbers in text] for text in (english, spanish))
        row[: len(ours)] = links(ours, theirs)
    return Corpus(np.where(source == END, PADDING, source)[:, :-1], target, link)


# Aligners ---------------------------------------------------------------------------------------


def diagonal_weight(n_target: int, n_source: int) -> Float[Array, "n_target n_source"]:
    """All weight of each word on the word that lies as far along the other sentence.

    Examples
    --------
    >>> diagonal_weight(4, 2).argmax(axis=1).tolist()
    [0, 0, 1, 1]
    """
    place = (2 * np.arange(n_target) + 1) * n_source // (2 * n_target)
    return np.eye(n_source)[place]


def model1(
    source: Int[Array, "n n_source"], target: Int[Array, "n n_target"], n_round: int
) -> tuple[Int[Array, " n_pair"], Float[Array, " n_pair"]]:
    r"""IBM Model 1: each target word comes from one source word or from none, all equally likely.

    .. math:: p(e_1 \dots e_n \mid f_1 \dots f_m) \propto \prod_j \sum_{i=0}^m t(e_j \mid f_i)

    Here :math:`f_0` is START, which stands for no word. All `t` start equal. Each round shares
    every target word out among the words of its sentence by their `t`, counts the shares of each
    pair of words (expectation), and makes those of each source word sum to one (maximisation).
    Brown et al. 1993, section 4.1.

    Parameters
    ----------
    source : (n, n_source)
        Tokens, padded with 0.
    target : (n, n_target)
        Tokens, padded with 0.
    n_round : int
        Rounds of both.

    Returns
    -------
    code : (n_pair,)
        The pairs that ever meet, in order: the source word times 65,536 plus the target word.
    t : (n_pair,)
        Probability of the target word where it comes from the source word.
    """
    met = _pairs(source, target)
    code, place = np.unique(met, return_inverse=True)
    place, word = place.reshape(met.shape), code // N_CODE
    t = (code > 0).astype(float)
    for _ in range(n_round):
        count = np.bincount(place.ravel(), _shares(t[place]).ravel())
        t = count / np.maximum(np.bincount(word, count)[word], TINY)
    return code, t


def model1_weight(
    code: Int[Array, " n_pair"],
    t: Float[Array, " n_pair"],
    source: Int[Array, "n n_source"],
    target: Int[Array, "n n_target"],
) -> Float[Array, "n n_target n_source"]:
    """How likely each target word comes from each source word; the rest comes from none.

    A word that met none of them in training is shared out equally.
    """
    met = _pairs(source, target)
    place = np.searchsorted(code, met).clip(max=len(code) - 1)
    found = np.where(code[place] == met, t[place], TINY)
    return _shares(np.where(met > 0, found, 0.0))[:, :, 1:]


def _pairs(
    source: Int[Array, "n n_source"], target: Int[Array, "n n_target"]
) -> Int[Array, "n n_target n_source+1"]:
    """Codes of START and each source word beside each target word, 0 where either is padding."""
    start = np.full_like(source[:, :1], START)
    source, target = np.concatenate([start, source], axis=1)[:, None], target[:, :, None]
    both = (source != PADDING) & (target != PADDING)
    return np.where(both, source.astype(np.int64) * N_CODE + target, 0)


def _shares(t: Float[Array, "n n_target n_word"]) -> Float[Array, "n n_target n_word"]:
    return t / np.maximum(t.sum(axis=-1, keepdims=True), TINY)


def error_rate(hit: Bool[Array, " n_link"], sure: Bool[Array, " n_link"]) -> dict[str, float]:
    r"""Alignment error rate, precision and recall of one link for each judged word.

    With :math:`A` the links that are claimed, :math:`S` the sure ones and :math:`P` the possible
    ones, the sure among them:

    .. math::

        \mathrm{precision} = \frac{|A \cap P|}{|A|}, \quad
        \mathrm{recall} = \frac{|A \cap S|}{|S|}, \quad
        \mathrm{AER} = 1 - \frac{|A \cap S| + |A \cap P|}{|A| + |S|}

    Och and Ney 2003, section 5.2. Only words with a link are judged, so that a word that has none
    costs nothing, whatever is claimed for it. Where all links are sure, the error rate is one
    minus precision and recall, which are then the same.

    Parameters
    ----------
    hit : (n_link,)
        Whether the link that is claimed for a word is a possible one.
    sure : (n_link,)
        Whether the word's own link is sure: it is the only possible one.

    Examples
    --------
    >>> error_rate(np.array([True, True, False, True]), np.array([True, False, True, False]))
    {'aer': 0.33333333333333337, 'precision': 0.75, 'recall': 0.5}
    """
    both, n_sure = int((hit & sure).sum()), int(sure.sum())
    return {
        "aer": 1 - (both + int(hit.sum())) / (len(hit) + n_sure),
        "precision": float(hit.mean()),
        "recall": both / n_sure,
    }
