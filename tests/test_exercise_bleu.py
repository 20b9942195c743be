"""The solution of "What BLEU counts" beside the program that the book scores with."""

import numpy as np
import pytest
from sacrebleu.metrics import BLEU

from attn_course.exercises.source import load


@pytest.fixture(scope="module")
def solved():
    """What the solution defines."""
    namespace = {}
    exec(load("seq2seq_sentences/bleu").solution(), namespace)
    return namespace


def theirs(said, reference):
    """The score of sacrebleu, of tokens as they are and without smoothing."""
    metric = BLEU(tokenize="none", force=True, smooth_method="none")
    texts = [[" ".join(map(str, row)) for row in rows] for rows in (said, reference)]
    return metric.corpus_score(texts[0], [texts[1]]).score


def corpus(seed, n_sentence, longest, n_word):
    """Sentences of few words, some repeated, some wrong, some too short or too long."""
    rng = np.random.default_rng(seed)
    said, reference = [], []
    for _ in range(n_sentence):
        row = rng.integers(4, 4 + n_word, rng.integers(0, longest + 1))
        wrong = rng.random(len(row)) < 0.15
        other = np.where(wrong, rng.integers(4, 4 + n_word, len(row)), row).tolist()
        other = other[int(rng.integers(0, 3)) :] + row[: rng.integers(0, 2)].tolist()
        said.append(other)
        reference.append(row.tolist())
    return said, reference


SIZES = [(12, 14, 6), (12, 14, 200), (40, 9, 3), (3, 20, 50), (5, 3, 4), (1, 9, 4), (2, 0, 4)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("seed", range(3))
def test_the_score_is_sacrebleus(solved, seed, size):
    for turned in (False, True):
        said, reference = corpus(seed, *size)[:: -1 if turned else 1]
        assert solved["bleu"](said, reference) == pytest.approx(theirs(said, reference), abs=1e-9)


def test_the_score_without_one_is_sacrebleus(solved):
    said, reference = corpus(7, 12, 14, 6)
    rests = [
        theirs(said[:i] + said[i + 1 :], reference[:i] + reference[i + 1 :]) for i in range(12)
    ]
    assert solved["without_one"](said, reference) == pytest.approx(rests, abs=1e-9)
    assert min(rests) > 1
    assert len(set(rests)) == 12
