"""Digits strewn among pieces of digits: where they lie, and the very canvases of the records."""

import hashlib

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from attn_course import data
from attn_course.gaussian import task as gaussian
from attn_course.soft_hard import task

BLANK = np.zeros((1, 28, 28), np.uint8)


@pytest.fixture(scope="module")
def digits():
    return data.mnist("test", subset=True)[0]


def test_grey_is_the_mean_over_blocks_of_the_middle_square():
    whole = data.photograph("cat").mean(axis=-1) / 255
    small = task.grey("cat", 32)
    assert small.dtype == np.float32
    side = min(whole.shape) // 32 * 32
    top, left = ((s - side) // 2 for s in whole.shape)
    block = side // 32
    row, column = top + 7 * block, left + 30 * block
    mean = whole[row : row + block, column : column + block].mean()
    assert_allclose(small[7, 30], mean, rtol=1e-6)
    assert gaussian.grey is task.grey


def test_the_digit_lies_where_the_corner_says(digits):
    image, corner = task.strew(np.random.default_rng(0), digits[:300], digits)
    assert image.shape == (300, 60, 60)
    assert image.dtype == np.float32
    assert corner.shape == (300, 2)
    alone, same = task.strew(np.random.default_rng(0), digits[:300], np.zeros_like(digits))
    assert_array_equal(same, corner)  # what the pieces show moves nothing
    for i, (row, column) in enumerate(corner):
        there = np.s_[row : row + 28, column : column + 28]
        assert_array_equal(alone[i][there], digits[i] / np.float32(255))
        assert np.count_nonzero(alone[i]) == np.count_nonzero(alone[i][there])
        assert (image[i] >= alone[i]).all()
    assert_array_equal(corner.min(axis=0), [0, 0])
    assert_array_equal(corner.max(axis=0), [32, 32])


def test_corners_are_uniform_over_the_places_there_are():
    _, corner = task.strew(np.random.default_rng(1), np.repeat(BLANK, 20_000, axis=0), BLANK)
    count = np.zeros((33, 33))
    np.add.at(count, tuple(corner.T), 1)
    expected = 20_000 / 33**2
    chi_square = ((count - expected) ** 2 / expected).sum()
    # If they are, of mean 1088 and standard deviation 47; without the last row, over 1,700.
    assert 1088 - 4 * 47 < chi_square < 1088 + 4 * 47


def test_pieces_are_cut_from_the_pool():
    white = np.full((1, 28, 28), 255, np.uint8)
    image, _ = task.strew(np.random.default_rng(2), np.repeat(BLANK, 50, axis=0), white, n_piece=1)
    for canvas in image:
        rows, columns = np.nonzero(canvas)
        assert len(rows) == task.PIECE**2
        assert np.ptp(rows) == np.ptp(columns) == task.PIECE - 1
    none, _ = task.strew(np.random.default_rng(2), np.repeat(BLANK, 5, axis=0), white, n_piece=0)
    assert not none.any()


def test_canvases_are_those_of_the_recorded_runs(digits):
    """The sum is of the function that drew them when the Gaussian chapter was recorded."""
    image, _ = task.strew(np.random.default_rng(20_171_014), digits[:50], digits)
    sha256 = hashlib.sha256(np.rint(255 * image).astype(np.uint8).tobytes()).hexdigest()
    assert sha256 == "dc95ed5083ab3ed75055ce653d9f57e2279cc741d582dedfefaabed557652034"
    assert_array_equal(
        gaussian.clutter(np.random.default_rng(20_171_014), digits[:50], digits), image
    )


def test_canvases_are_a_function_of_the_generator_and_leave_the_digits_alone(digits):
    digit = digits[:4].copy()
    digit.setflags(write=False)
    (one, at), (same, there), (other, _) = (
        task.strew(np.random.default_rng(seed), digit, digit) for seed in (1, 1, 2)
    )
    assert_array_equal(one, same)
    assert_array_equal(at, there)
    assert np.abs(one - other).max() > 0.5
