"""Real sentences as rows of tokens, and their score against references.

captions: German descriptions of photographs to English, 29,000 to train on.
help: the English help of an office suite to French, 8,847 sentences to train on.
"""

import re
import zlib
from collections import Counter
from functools import cache
from typing import Any

import numpy as np

from attn_course import _check
from attn_course._typing import Array, Float, Int

Pairs = tuple[list[list[str]], list[list[str]]]  # sources and targets, as words
SPLITS = ("train", "val", "test")
PADDING, START, END, UNKNOWN = 0, 1, 2, 3
SPECIAL = ("<pad>", "<start>", "<end>", "<unknown>")
LENGTH = (3, 25)  # words and marks of a sentence of the help, in both languages
LEAST = 2  # times that a word has to occur in training to be in the list
PROBES = {  # sentences made up here, kept with their translations and weights
    "captions": (
        "Ein Hund läuft durch den Schnee.",
        "Zwei Frauen in roten Jacken sitzen auf einer Bank.",
        "Ein Mann mit einem Hut spielt Gitarre auf der Straße.",
        "Der kleine Junge, der einen blauen Ball hält, steht vor einem Haus.",
        "Eine Gruppe von Kindern spielt am Strand, während ein Hund ins Wasser springt.",
    ),
    "help": (
        "Click the arrow to close the window.",
        "The macro deletes every empty row of the selected table.",
        "Choose Insert - Chart and enter a title for the new drawing.",
        "If you hold down the key, the frame moves along with the pointer.",
        "To print only the first page, open the dialog, select the printer and mark the check box "
        "at the bottom.",
    ),
}


def words(sentence: str) -> list[str]:
    """Words and marks of a sentence in lower case.

    Examples
    --------
    >>> words("Ein Hund, der läuft.")
    ['ein', 'hund', ',', 'der', 'läuft', '.']
    """
    return re.findall(r"\w+|[^\w\s]", sentence.lower())


def part_of(page: str) -> str:
    """The split to which a page of the help belongs, with all that it says.

    About one page in ten is for the test and one in ten for validation.

    Examples
    --------
    >>> part_of("swriter/guide/footer_nextpage.html")
    'train'
    """
    return {0: "test", 1: "val"}.get(zlib.crc32(page.encode()) % 10, "train")


@cache
def _help() -> tuple[dict[str, Pairs], dict[str, int]]:
    """Sources and targets of each split, and how many sentences of it were left out as repeats."""
    from attn_course import data

    least, most = LENGTH
    rows = [(part_of(page), words(ours), words(theirs)) for page, ours, theirs in data.help_texts()]
    found: dict[str, Pairs] = {split: ([], []) for split in SPLITS}
    n_repeat = dict.fromkeys(SPLITS, 0)
    seen: set[tuple[str, ...]] = set()
    for wanted in SPLITS:  # training first
        for part, source, target in rows:
            if part != wanted or not all(least <= len(row) <= most for row in (source, target)):
                continue
            if tuple(source) in seen:
                n_repeat[part] += 1
                continue
            seen.add(tuple(source))
            found[part][0].append(source)
            found[part][1].append(target)
    return found, n_repeat


def repeats() -> dict[str, int]:
    """How many sentences of each split of the help were left out because they stand elsewhere.

    Raises
    ------
    DataError
        The help is absent and cannot be fetched.
    """
    return dict(_help()[1])


@cache
def pairs(corpus: str, split: str) -> Pairs:
    """Sources and targets of a split, as words.

    The help is split by its pages, see `part_of`. They quote one another, so a source sentence is
    kept the first time that it comes: of training, else of validation, else of the test. What the
    test and the validation share with training, word for word, is left out of them.

    Raises
    ------
    ValueError
        If there is no such corpus or split.
    DataError
        The corpus is absent and cannot be fetched.
    """
    from attn_course import data

    _check.one_of("corpus", corpus, tuple(PROBES))
    _check.one_of("split", split, SPLITS)
    if corpus == "help":
        return _help()[0][split]
    both = data.captions(split)
    return [words(source) for source, _ in both], [words(target) for _, target in both]


def vocabulary(rows: list[list[str]]) -> tuple[str, ...]:
    """The special tokens and, in order of the alphabet, the words that occur often enough.

    Examples
    --------
    >>> vocabulary([["a", "dog", "a"], ["dog", "cat"]])
    ('<pad>', '<start>', '<end>', '<unknown>', 'a', 'dog')
    """
    count = Counter(word for row in rows for word in row)
    return *SPECIAL, *sorted(word for word, n in count.items() if n >= LEAST)


@cache
def vocabularies(corpus: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The word lists of both languages, from what there is to train on."""
    source, target = pairs(corpus, "train")
    return vocabulary(source), vocabulary(target)


def tokens(rows: list[list[str]], vocabulary: tuple[str, ...]) -> Int[Array, "n n_token"]:
    """Places of the words in a list, END behind them, padded with 0.

    Examples
    --------
    >>> tokens([["a", "cat"], []], (*SPECIAL, "a")).tolist()
    [[4, 3, 2], [2, 0, 0]]
    """
    place = {word: i for i, word in enumerate(vocabulary)}
    table = np.full((len(rows), max(map(len, rows)) + 1), PADDING)
    for row, sentence in zip(table, rows, strict=True):
        row[: len(sentence)] = [place.get(word, UNKNOWN) for word in sentence]
        row[len(sentence)] = END
    return table


def exact(rows: list[list[str]], vocabulary: tuple[str, ...]) -> Int[Array, "n n_token"]:
    """As `tokens`, but a word that is not in the list has a number behind it, equal words the same.

    A reference has to be kept so: no translation may get credit for an unknown word.

    Examples
    --------
    >>> exact([["a", "cat"], ["cat"]], (*SPECIAL, "a")).tolist()
    [[4, 5, 2], [5, 2, 0]]
    """
    known = set(vocabulary)
    unknown = sorted({word for row in rows for word in row if word not in known})
    return tokens(rows, (*vocabulary, *unknown))


def trimmed(table: Int[Array, "n n_token"]) -> Int[Array, "n n_kept"]:
    """A table without the columns at its end that are padding in every row.

    Examples
    --------
    >>> trimmed(np.array([[5, 2, 0, 0], [5, 6, 2, 0]])).tolist()
    [[5, 2, 0], [5, 6, 2]]
    """
    return table[:, : (table != PADDING).sum(axis=1).max()]


def turned(table: Int[Array, "n n_token"]) -> Int[Array, "n n_token"]:
    """Each row's tokens against their order, the padding where it was.

    Examples
    --------
    >>> turned(np.array([[5, 6, 2, 0], [7, 2, 0, 0]])).tolist()
    [[2, 6, 5, 0], [2, 7, 0, 0]]
    """
    n = table.shape[1]
    place = (table != PADDING).sum(axis=1, keepdims=True) - 1 - np.arange(n)
    return np.where(place < 0, PADDING, np.take_along_axis(table, place % n, axis=1))


def split(flat: Int[Array, " n_token"]) -> list[list[int]]:
    """Sentences that lie behind one another, each with its END, which is left off.

    Examples
    --------
    >>> split(np.array([7, 8, 2, 2, 9, 2]))
    [[7, 8], [], [9]]
    """
    sentences: list[list[int]] = [[]]
    for token in flat.tolist():
        if token == END:
            sentences.append([])
        else:
            sentences[-1].append(token)
    return sentences[:-1]


@cache
def _metric() -> Any:
    from sacrebleu.metrics import BLEU

    return BLEU(tokenize="none", force=True)


def signature() -> str:
    """How sacrebleu computes the score."""
    metric = _metric()
    metric.corpus_score(["3"], [["3"]])
    return str(metric.get_signature())


def statistics(
    said: list[list[int]], reference: list[list[int]]
) -> Float[Array, "n_sentence n_statistic"]:
    """What BLEU adds up: matches and totals of one to four words, and both lengths.

    Examples
    --------
    >>> statistics([[4, 5, 6]], [[4, 5, 7, 8]]).tolist()
    [[2.0, 1.0, 0.0, 0.0, 3.0, 2.0, 1.0, 0.0, 3.0, 4.0]]
    """
    metric = _metric()
    rows = np.zeros((len(said), 10))
    for row, ours, theirs in zip(rows, said, reference, strict=True):
        text, wanted = (" ".join(map(str, each)) for each in (ours, theirs))
        score = metric.corpus_score([text], [[wanted]])
        row[:] = [*score.counts, *score.totals, score.sys_len, score.ref_len]
    return rows


def bleu(total: Float[Array, " n_statistic"]) -> float:
    """BLEU of a corpus whose `statistics` add up to `total`, from 0 to 100 (Papineni et al. 2002).

    Examples
    --------
    >>> bleu(statistics([[4, 5, 6, 7, 8]], [[4, 5, 6, 7, 8]])[0])
    100.00000000000004
    """
    whole = [int(n) for n in total]
    metric = _metric()
    score = metric.compute_bleu(whole[:4], whole[4:8], whole[8], whole[9], smooth_method="exp")
    return float(score.score)
