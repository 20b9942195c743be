"""German number words and their English: a whole number is one German word.

*einundzwanzig* is one-and-twenty, so the letters of the units come before those of the tens, and a
translator has to turn them round. The spelling is num2words', its slips included: from 101,000 on
a one before *tausend* keeps its s, where a German would say *einhunderteintausend*.
"""

from functools import cache

import numpy as np

from attn_course import _check
from attn_course._typing import Array, Int

PADDING, START, END = 0, 1, 2
LETTERS = ("<pad>", "<start>", "<end>", *"abcdefghilnrstuvwzßöü")
WORDS = (
    *("<pad>", "<start>", "<end>", "and", "hundred", "thousand", "zero", "one", "two", "three"),
    *("four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen"),
    *("fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty", "thirty"),
    *("forty", "fifty", "sixty", "seventy", "eighty", "ninety"),
)
N_DIGIT = 6  # numbers below a million
N_SOURCE, N_TARGET = 65, 12  # letters and words of the longest, its END included
_LETTER = {letter: i for i, letter in enumerate(LETTERS)}
_WORD = {word: i for i, word in enumerate(WORDS)}


def german(number: int) -> str:
    """The number as one German word.

    Examples
    --------
    >>> german(21), german(1_021)
    ('einundzwanzig', 'eintausendeinundzwanzig')
    """
    thousand, rest = _split(number)
    return (_spelled("de", 1000 * thousand) if thousand else "") + (
        _spelled("de", rest) if rest or not thousand else ""
    )


def english(number: int) -> list[str]:
    """The number as English words, without hyphens and commas.

    Examples
    --------
    >>> english(21), " ".join(english(1_021))
    (['twenty', 'one'], 'one thousand and twenty one')
    """
    thousand, rest = _split(number)
    words = _spelled("en", 1000 * thousand).split() if thousand else []
    if thousand and 0 < rest < 100:
        words = [*words, "and"]
    return [*words, *_spelled("en", rest).split()] if rest or not thousand else words


def _split(number: int) -> tuple[int, int]:
    _check.at_least("number", number, 0)
    _check.at_most("number", number, 10**N_DIGIT - 1)
    return divmod(int(number), 1000)


@cache
def _spelled(language: str, number: int) -> str:
    from num2words import num2words

    return num2words(number, lang=language).replace("-", " ").replace(",", "")


def letter_tokens(text: str) -> list[int]:
    """Tokens of the letters of a German number word.

    Raises
    ------
    ValueError
        If a letter occurs in no number word.
    """
    for letter in text:
        _check.one_of("letter", letter, LETTERS[3:])
    return [_LETTER[letter] for letter in text]


def word_tokens(words: list[str]) -> list[int]:
    """Tokens of English words, END behind them."""
    return [*(_WORD[word] for word in words), END]


def words(token: Array) -> list[str]:
    """English words of whole-number tokens (n_target,), up to the first END."""
    end = np.flatnonzero(token == END)
    return [WORDS[i] for i in token[: end[0] if len(end) else None]]


def held_out(number: Int[Array, " n"]) -> Array:
    """Whether a number is kept for the test: about a tenth of those from 100 on."""
    return (number >= 100) & (number * 7919 % 1009 < 101)


def numbers(
    rng: np.random.Generator, n_example: int, n_digit: int = N_DIGIT, test: bool = False
) -> Int[Array, " n_example"]:
    """Numbers of 1 to `n_digit` digits, as many of each length; from the test's or from the rest.

    Parameters
    ----------
    rng : numpy.random.Generator
        Where they come from.
    n_example : int
        How many.
    n_digit : int
        Digits at most; 3 to 6 if they are for the test, which starts at 100.
    test : bool
        Take those held out.

    Returns
    -------
    number : (n_example,)

    Raises
    ------
    ValueError
        If there can be no such number.
    """
    _check.at_least("n_digit", n_digit, 3 if test else 1)
    _check.at_most("n_digit", n_digit, N_DIGIT)
    found = np.zeros(0, dtype=int)
    while len(found) < n_example:
        digits = rng.integers(3 if test else 1, n_digit + 1, 12 * n_example)
        low = np.where(digits > 1, 10 ** (digits - 1), 0)
        drawn = rng.integers(low, 10**digits)
        found = np.concatenate([found, drawn[held_out(drawn) == test]])
    return found[:n_example]


def pairs(
    number: Int[Array, " n"],
) -> tuple[Int[Array, "n n_source"], Int[Array, "n n_target"]]:
    """Letters and words of numbers as tokens, padded to the longest there can be.

    Returns
    -------
    source : (n, n_source)
        65 letters, padded with 0.
    target : (n, n_target)
        12 words, END behind them, padded with 0.
    """
    source = np.zeros((len(number), N_SOURCE), dtype=int)
    target = np.zeros((len(number), N_TARGET), dtype=int)
    for i, each in enumerate(number.tolist()):
        read, said = letter_tokens(german(each)), word_tokens(english(each))
        source[i, : len(read)], target[i, : len(said)] = read, said
    return source, target
