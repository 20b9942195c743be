"""Number words: the spelling, the tokens, and which numbers are kept for the test."""

import inspect

import numpy as np
import pytest
from num2words import num2words

from attn_course.seq2seq import task

SOME = [*range(2_000), 16_016, 21_001, 100_000, 101_000, 700_021, 999_999]


def test_the_spelling_is_the_librarys():
    rng = np.random.default_rng(0)
    for number in [*SOME, *rng.integers(0, 10**6, 500).tolist()]:
        assert task.german(number) == num2words(number, lang="de")
        said = num2words(number, lang="en").replace("-", " ").replace(",", "")
        assert task.english(number) == said.split()


@pytest.mark.parametrize("spell", [task.german, task.english])
@pytest.mark.parametrize(
    ("number", "text"),
    [
        (-1, "number must be at least 0, got -1"),
        (10**6, "number must be at most 999999, got 1000000"),
    ],
)
def test_other_numbers_are_refused(spell, number, text):
    with pytest.raises(ValueError, match=f"^{text}$"):
        spell(number)


def test_the_vocabularies_are_exactly_what_occurs():
    spelled = list(range(1_000)) + [1_000 * n for n in range(1, 1_000)]
    letters = {letter for n in spelled for letter in task.german(n)}
    words = {word for n in spelled for word in task.english(n)}
    assert set(task.LETTERS[3:]) == letters
    assert len(task.LETTERS) == len(letters) + 3
    # "and" behind a thousand stands in none of these alone
    assert set(task.WORDS[3:]) == words
    assert len(task.WORDS) == len(words) + 3


def test_the_longest_fit_and_no_room_is_left():
    longest = [777_777, 373_777, 999_999]
    source, target = task.pairs(np.array(longest))
    assert source.shape == (3, task.N_SOURCE)
    assert target.shape == (3, task.N_TARGET)
    lengths = [len(task.german(n)) for n in (*range(1_000), *longest)]
    thousands = [len(task.german(1_000 * n)) for n in range(1, 1_000)]
    assert max(lengths[:1_000]) + max(thousands) == task.N_SOURCE
    assert max(len(task.english(n)) + 1 for n in (*range(999_000, 10**6),)) == task.N_TARGET


def test_pairs_by_hand():
    source, target = task.pairs(np.array([21, 3]))
    assert "".join(task.LETTERS[i] for i in source[0] if i) == "einundzwanzig"
    assert [task.WORDS[i] for i in target[0, :4]] == ["twenty", "one", "<end>", "<pad>"]
    assert task.words(target[0]) == ["twenty", "one"]
    assert (source[1, 4:] == task.PADDING).all()
    assert (source[1, :4] > 2).all()


def test_an_unknown_letter_is_named():
    with pytest.raises(ValueError, match=r"^letter must be one of 'a', .*, got 'q'$"):
        task.letter_tokens("quatre")


def test_the_tests_numbers_are_never_trained_on():
    rng = np.random.default_rng(1)
    train, test = task.numbers(rng, 5_000), task.numbers(rng, 5_000, test=True)
    assert not set(train.tolist()) & set(test.tolist())
    assert task.held_out(test).all()
    assert not task.held_out(train).any()
    assert test.min() >= 100
    share = task.held_out(np.arange(100, 10**6)).mean()
    assert 0.09 < share < 0.11
    for numbers, low in ((train, 1), (test, 3)):  # as many of each number of digits
        count = np.bincount(np.char.str_len(numbers.astype(str)))[low:]
        assert count.min() / count.max() > 0.8, count


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"n_digit": 0}, "n_digit must be at least 1, got 0"),
        ({"n_digit": 2, "test": True}, "n_digit must be at least 3, got 2"),
        ({"n_digit": 7}, "n_digit must be at most 6, got 7"),
    ],
)
def test_impossible_draws_are_refused(change, text):
    with pytest.raises(ValueError, match=f"^{text}$"):
        inspect.unwrap(task.numbers)(np.random.default_rng(0), 1, **change)
