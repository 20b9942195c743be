"""Three things to say after reading a sequence, for comparing ways to score it.

numbers: German number words below ten thousand, letter by letter, to English words. reversal: a
sequence of symbols, to be said backwards. phonemes: French words, letter by letter, to their
sounds.
"""

from functools import cache

import numpy as np

from attn_course import _check
from attn_course._typing import Array, Int
from attn_course.seq2seq import task as number_words

PADDING, START, END = number_words.PADDING, number_words.START, number_words.END
N_SYMBOL = 20  # of the sequences to be reversed
LENGTH = (4, 16)  # shortest and longest of them
N_DIGIT = 4
TASKS = ("numbers", "reversal", "phonemes")


def vocabulary(task: str) -> tuple[int, int]:
    """How many tokens there are to read and to say, the three special ones included."""
    _check.one_of("task", task, TASKS)
    if task == "numbers":
        return len(number_words.LETTERS), len(number_words.WORDS)
    if task == "reversal":
        return 3 + N_SYMBOL, 3 + N_SYMBOL
    letters, sounds = _alphabets()
    return 3 + len(letters), 3 + len(sounds)


def draw(
    rng: np.random.Generator, task: str, n_example: int, test: bool = False
) -> tuple[Int[Array, "n n_source"], Int[Array, "n n_target"]]:
    """Examples as tokens: what to read, and what to say with END behind it, padded with 0.

    Parameters
    ----------
    rng : numpy.random.Generator
        Where they come from; the words of `phonemes` are drawn with replacement for training.
    task : str
        One of ``TASKS``.
    n_example : int
        How many; for a test of `phonemes` all 450 words of the official test set.
    test : bool
        Take what training never sees; sequences to be reversed are always new.

    Raises
    ------
    ValueError
        If there is no such task.
    DataError
        The words of `phonemes` are absent and cannot be fetched.
    """
    _check.one_of("task", task, TASKS)
    if task == "numbers":
        return number_words.pairs(number_words.numbers(rng, n_example, N_DIGIT, test))
    if task == "reversal":
        length = rng.integers(LENGTH[0], LENGTH[1] + 1, n_example)
        symbol = rng.integers(3, 3 + N_SYMBOL, (n_example, LENGTH[1]))
        rows = [row[:n].tolist() for row, n in zip(symbol, length, strict=True)]
        return _padded(rows), _padded([[*row[::-1], END] for row in rows])
    read, said = _words("test" if test else "train")
    take = np.arange(len(read)) if test else rng.integers(0, len(read), n_example)
    return read[take], said[take]


def tuning(rng: np.random.Generator, task: str, n_example: int) -> tuple[Array, Array]:
    """Examples to choose settings by: neither trained on nor of the test."""
    if task == "phonemes":
        return _words("dev")
    return draw(rng, task, n_example, test=task == "numbers")


@cache
def _alphabets() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Letters and sounds of the training words; a letter seen nowhere there is not read."""
    from attn_course import data

    pairs = data.pronunciations("train")
    letters = {letter for word, _ in pairs for letter in word}
    return tuple(sorted(letters)), tuple(sorted({s for _, sounds in pairs for s in sounds}))


@cache
def _words(split: str) -> tuple[Array, Array]:
    from attn_course import data

    letters, sounds = ({t: i + 3 for i, t in enumerate(each)} for each in _alphabets())
    pairs = data.pronunciations(split)
    read = [[letters[t] for t in word if t in letters] for word, _ in pairs]
    # A sound that training never had cannot be said: -1 is never right.
    said = [[*(sounds.get(t, -1) for t in spoken), END] for _, spoken in pairs]
    return _padded(read), _padded(said)


def _padded(rows: list[list[int]]) -> Array:
    table = np.zeros((len(rows), max(map(len, rows))), dtype=int)
    for row, tokens in zip(table, rows, strict=True):
        row[: len(tokens)] = tokens
    return table
