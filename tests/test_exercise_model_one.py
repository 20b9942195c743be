"""The solution of "Links from counting" beside the aligner and the error rate of the package."""

import numpy as np
import pytest

from attn_course.exercises.source import load
from attn_course.seq2seq import task_alignment
from attn_course.seq2seq.task_sentences import PADDING, START

FIRST = START + 3  # of the package's words, behind its marks
N_SPANISH, N_ENGLISH = 7, 6


@pytest.fixture(scope="module")
def solved():
    """What the solution defines."""
    namespace = {}
    exec(load("seq2seq_alignment/model_one").solution(), namespace)
    return namespace


def corpus(seed, n_pair=12):
    """Short sentences of few words, some of them repeated, and a first table."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 6, (n_pair, 2))
    return [
        (
            rng.integers(1, N_SPANISH + 1, m).tolist(),
            rng.integers(0, N_ENGLISH, n).tolist(),
        )
        for m, n in lengths
    ]


def padded(sentences, shift):
    """Sentences as the package wants them."""
    rows = np.full((len(sentences), max(map(len, sentences))), PADDING)
    for row, one in zip(rows, sentences, strict=True):
        row[: len(one)] = np.array(one) + shift
    return rows


@pytest.mark.parametrize("n_round", [1, 2, 5])
@pytest.mark.parametrize("seed", range(3))
def test_rounds_are_those_of_the_package(solved, seed, n_round):
    pairs = corpus(seed)
    source = padded([one for one, _ in pairs], FIRST - 1)
    target = padded([other for _, other in pairs], FIRST)
    code, t = task_alignment.model1(source, target, n_round)
    spanish, english = np.divmod(code, task_alignment.N_CODE)
    met = code > 0
    theirs = np.zeros((N_SPANISH + 1, N_ENGLISH))
    place = np.where(spanish == START, 0, spanish - FIRST + 1)
    theirs[place[met], english[met] - FIRST] = t[met]

    ours = np.full(theirs.shape, 1 / N_ENGLISH)
    for _ in range(n_round):
        ours = solved["new_table"](ours, pairs)
    seen = sorted({0, *(word for one, _ in pairs for word in one)})
    assert len(seen) > 4
    np.testing.assert_allclose(ours[seen], theirs[seen], rtol=1e-9, atol=1e-12)

    weight = task_alignment.model1_weight(code, t, source, target)
    for row, pair in zip(weight, pairs, strict=True):
        share = solved["shares"](ours, *pair)
        n, m = len(pair[1]), len(pair[0])
        np.testing.assert_allclose(share[:, 1:], row[:n, :m], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(share.sum(axis=1), 1.0)


@pytest.mark.parametrize("seed", range(3))
def test_the_likelihood_climbs_to_one_top_from_any_start(solved, seed):
    """It is concave (Brown et al. 1993), so that two starts must end alike, and no round loses."""
    pairs = corpus(seed)
    rng = np.random.default_rng(seed)
    tops = []
    for _ in range(2):
        t, steps = rng.dirichlet(np.ones(N_ENGLISH), N_SPANISH + 1), []
        for _ in range(400):
            steps.append(solved["log_likelihood"](t, pairs))
            t = solved["new_table"](t, pairs)
        assert np.diff(steps).min() > -1e-10
        assert steps[-1] > steps[0] + 1
        tops.append(steps[-1])
    assert tops[0] == pytest.approx(tops[1], abs=0.02)


def test_the_error_rate_is_that_of_the_package(solved):
    """Where each judged word has one claim, and one sure link or several possible ones."""
    rng = np.random.default_rng(4)
    chosen, sure = rng.integers(0, 5, 40), rng.random(40) < 0.5
    first = rng.integers(0, 4, 40)
    one = np.eye(5, dtype=bool)
    must = one[first] & sure[:, None]
    may = one[first] | (one[first + 1] & ~sure[:, None])
    claimed = one[chosen]
    theirs = task_alignment.error_rate((claimed & may).any(axis=1), sure)["aer"]
    halves = (np.split(side, [17]) for side in (claimed, must, may))
    assert solved["alignment_error"](*halves) == pytest.approx(theirs)
    assert 0.2 < theirs < 0.9
