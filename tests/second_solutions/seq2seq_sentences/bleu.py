"""No counter and no loop over sentences: n-grams are numbers that grow by a word at a time."""

from itertools import chain

import numpy as np

END = 2  # closes a sentence and is no word of it


def flatten(sentences: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """All words in a row, and which sentence each belongs to."""
    size = np.array([len(sentence) for sentence in sentences], dtype=int)
    owner = np.repeat(np.arange(len(size)), size)
    token = np.fromiter(chain.from_iterable(sentences), dtype=np.int64, count=size.sum())
    ends = np.cumsum(np.append(0, token == END))  # how many stand before each place
    first = np.cumsum(size) - size
    open_still = ends[1:] == ends[first][owner]
    return token[open_still], owner[open_still]


def rename(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Small numbers from 0 for pairs of numbers, equal where the pairs are."""
    span = right.max(initial=0) + 1
    return np.unique(left * span + right, return_inverse=True)[1].reshape(-1)


def tally(said: list[list[int]], reference: list[list[int]]) -> np.ndarray:
    """For each sentence four matches, four n-grams, words said and words of the reference."""
    n_sentence = len(said)
    (mine, mine_of), (yours, yours_of) = flatten(said), flatten(reference)
    word = np.unique(np.concatenate([mine, yours]), return_inverse=True)[1].reshape(-1)
    owner = np.concatenate([mine_of, yours_of])
    run = np.concatenate([mine_of, yours_of + n_sentence])  # the two sides are kept apart here
    place = np.arange(len(word))
    gram = rename(owner, word)  # the sentence is part of the name
    matched, spoken = [], []
    for n in range(1, 5):
        if n > 1:
            last = place + n - 1
            fits = last < len(word)
            fits[fits] = run[last[fits]] == run[place[fits]]
            place, gram = place[fits], gram[fits]
            gram = rename(gram, word[place + n - 1])
        by_me = run[place] < n_sentence
        n_gram = gram.max(initial=-1) + 1
        home = np.zeros(n_gram, dtype=int)
        home[gram] = owner[place]
        both = np.minimum(*(np.bincount(gram[who], minlength=n_gram) for who in (by_me, ~by_me)))
        matched.append(np.bincount(np.repeat(home, both), minlength=n_sentence))
        spoken.append(np.bincount(owner[place][by_me], minlength=n_sentence))
    length = np.bincount(yours_of, minlength=n_sentence)
    return np.stack([*matched, *spoken, spoken[0], length], axis=1)


def score(rows: np.ndarray) -> np.ndarray:
    """BLEU for every row of sums."""
    result = np.zeros(len(rows))
    some = (rows[:, :4] > 0).all(axis=1)
    match, total, (c, r) = rows[some, :4], rows[some, 4:8], rows[some, 8:].T
    mean = np.sqrt(np.sqrt(np.prod(match / total, axis=1)))
    result[some] = 100 * mean * np.exp(np.minimum(0, 1 - r / c))
    return result


def bleu(said: list[list[int]], reference: list[list[int]]) -> float:
    """The score of the only row."""
    return score(tally(said, reference).sum(axis=0, keepdims=True)).item()


def without_one(said: list[list[int]], reference: list[list[int]]) -> np.ndarray:
    """Nothing is subtracted: what comes before a sentence plus what comes after it."""
    table = tally(said, reference)
    rest = np.zeros_like(table)
    rest[1:] += np.cumsum(table[:-1], axis=0)
    rest[:-1] += np.cumsum(table[:0:-1], axis=0)[::-1]
    return score(rest)
