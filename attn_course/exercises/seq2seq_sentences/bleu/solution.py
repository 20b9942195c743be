"""BLEU of a corpus, and of what is left of it without one sentence."""

import numpy as np

END = 2  # closes a sentence and is no word of it


def bleu(said: list[list[int]], reference: list[list[int]]) -> float:
    """BLEU of all sentences together, from 0 to 100."""
    ### BEGIN SOLUTION
    total = _counted(said, reference).sum(axis=0)
    return _score(total)
    ### END SOLUTION


def without_one(
    said: list[list[int]], reference: list[list[int]]
) -> np.ndarray:
    """BLEU of the others (n_sentence,), for each sentence left out."""
    ### BEGIN SOLUTION
    count = _counted(said, reference)
    rest = count.sum(axis=0) - count
    return np.array([_score(row) for row in rest])
    ### END SOLUTION


### BEGIN SOLUTION
from collections import Counter  # noqa: E402


def _words(sentence: list[int]) -> list[int]:
    """A sentence as far as its end."""
    return sentence[: sentence.index(END)] if END in sentence else sentence


def _grams(words: list[int], n: int) -> Counter[tuple[int, ...]]:
    """How often each n-gram occurs."""
    return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))


def _counted(said: list[list[int]], reference: list[list[int]]) -> np.ndarray:
    """Matches and n-grams of four lengths, words of both; (n_sentence, 10)."""
    count = np.zeros((len(said), 10), dtype=int)
    for row, one, other in zip(count, said, reference, strict=True):
        ours, theirs = _words(one), _words(other)
        for n in range(1, 5):
            written, wanted = _grams(ours, n), _grams(theirs, n)
            row[n - 1] = (written & wanted).total()
            row[n + 3] = written.total()
        row[8:] = len(ours), len(theirs)
    return count


def _score(total: np.ndarray) -> float:
    """BLEU from the ten sums of a corpus."""
    match, n_gram, (c, r) = total[:4], total[4:8], total[8:]
    if not match.all():
        return 0.0
    brevity = min(0.0, 1 - r / c)
    return float(100 * np.exp(brevity + np.mean(np.log(match / n_gram))))


### INSTEAD
# # What your functions share may stand here.
### END SOLUTION
