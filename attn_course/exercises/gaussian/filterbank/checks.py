"""Checks of the filter matrix: its rows under both rules, and what extreme parameters do to it."""

from typing import Any

import numpy as np

from attn_course.exercises.checking import Mutant, Wrong, check, close
from attn_course.gaussian import reference


@check()
def two_filters_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """Mean 0, std 0.5, stride 2, two filters on three pixels: weights 1, e^-2, e^-8, mirrored."""
    row = np.exp([0.0, -2.0, -8.0])
    row /= row.sum()
    close(
        answer.filterbank(0.0, 0.5, 2.0, 2, 3, "exact"),
        np.stack([row, row[::-1]]),
        "filterbank(0, 0.5, 2, 2, 3) must be 0.881, 0.119, 0.000 in the first row, centred on "
        "pixel 0, and the same backwards in the second, centred on pixel 2.",
    )


@check()
def exact_is_the_default(answer: Any, rng: np.random.Generator) -> None:
    """Without a rule, every row sums to one, also off the image."""
    got = answer.filterbank(-3.0, 0.7, 2.5, 4, 6)
    close(
        got.sum(axis=1),
        np.ones(4),
        "Without a rule, each row must sum to one over its pixels.",
    )


@check()
def source_between_two_pixels(answer: Any, rng: np.random.Generator) -> None:
    """The chapter's row under "source": std 0.08, half way between two pixels, sums to 0.40."""
    got = answer.filterbank(4.5, 0.08, 1.0, 1, 10, "source").sum()
    if not 0.395 < got < 0.405:
        raise Wrong(
            "Under the rule source a filter of std 0.08 half way between two pixels must sum to "
            "0.40: its exponentials are no larger than the 1e-8 that is added to their sum."
        )


@check(hidden=True, points=2)
def rows_under_exact(answer: Any, rng: np.random.Generator) -> None:
    """Row i is a bell curve about mean + i * stride, divided by its sum over the pixels."""
    for _ in range(6):
        window = _window(rng)
        got = answer.filterbank(*window, "exact")
        want = reference.filterbank(*window)
        _recognise(got, want, window)
        close(got, want, rtol=1e-9)


@check(hidden=True, points=2)
def rows_under_source(answer: Any, rng: np.random.Generator) -> None:
    """Under "source" 1e-8 is added to the sum of each row, which then fades off the image."""
    n_pixel = int(rng.integers(12, 30))
    std = rng.uniform(0.8, 1.5)
    for mean in (
        rng.uniform(3, 6),
        -rng.uniform(4, 6) * std,
        -rng.uniform(7, 9) * std,
        n_pixel - 1 + rng.uniform(5, 6) * std,
        -rng.uniform(1e4, 1e6),
    ):
        window = (
            mean,
            std,
            rng.uniform(0.1, 0.3),
            int(rng.integers(2, 5)),
            n_pixel,
        )
        got = answer.filterbank(*window, "source")
        want = reference.filterbank(*window, "source")
        alike = np.shape(got) == np.shape(want)
        if alike and not np.allclose(got, want, rtol=1e-6, atol=1e-14):
            total = np.sum(got, axis=1)
            if np.isnan(total).any():
                raise Wrong(
                    "Under source no row may be NaN: its divisor is never less than 1e-8."
                )
            if np.allclose(total, 1) and not np.allclose(want.sum(axis=1), 1):
                raise Wrong(
                    "Under source a row fades as it leaves the image, and yours still sums to one. "
                    "Is the rule looked at, and 1e-8 added to the sum before anything is taken off "
                    "the scores?"
                )
            if (total > 1.01).any():
                raise Wrong(
                    "Under source a row of yours sums to more than one: add 1e-8 to the sum, once."
                )
        close(got, want, rtol=1e-6, atol=1e-14)


@check(hidden=True, points=2)
def extreme_windows(answer: Any, rng: np.random.Generator) -> None:
    """Under "exact" a very narrow filter is its nearest pixel, on the image and far off it."""
    n_pixel = int(rng.integers(20, 30))
    off = rng.uniform(500, 600)
    for mean, std, stride in (
        (2 + rng.uniform(0.1, 0.2), 1e-6, 2 + rng.uniform(0, 0.05)),
        (-off, 0.05, off + int(rng.integers(3, 15)) + rng.uniform(-0.3, 0.3)),
        (1e6 * rng.uniform(0.5, 1), 1e-6, 3.0),
        (-1e6 * rng.uniform(0.5, 1), 0.1, 1.0),
    ):
        n_filter = int(rng.integers(4, 7))
        got = answer.filterbank(mean, std, stride, n_filter, n_pixel, "exact")
        nearest = np.clip(
            np.rint(mean + stride * np.arange(n_filter)), 0, n_pixel - 1
        )
        want = np.eye(n_pixel)[nearest.astype(int)]
        if np.shape(got) == want.shape:
            if np.isnan(got).any():
                raise Wrong(
                    "A row is zero over zero: exp underflows at every pixel of it. Take the row's "
                    "own largest score off before the exponential; one number for all rows does "
                    "not help the row that is farthest away."
                )
            if np.allclose(got[~np.isclose(np.sum(got, axis=1), 1)], 0):
                close(
                    np.sum(got, axis=1),
                    np.ones(n_filter),
                    "Under exact a row whose exponentials all underflow must not be left at zero: "
                    "far off the image it is the border pixel.",
                )
        close(got, want, rtol=1e-9)


@check(hidden=True)
def stride_negative_or_zero(answer: Any, rng: np.random.Generator) -> None:
    """A negative stride goes to the left, and with stride zero all filters are alike."""
    n_filter, n_pixel = int(rng.integers(3, 6)), int(rng.integers(20, 30))
    first = int(rng.integers(12, 16))
    # on pixels and narrow: every row is one pixel under either rule
    for stride in (-1, -2, 0):
        want = np.eye(n_pixel)[first + stride * np.arange(n_filter)]
        for rule in ("exact", "source"):
            close(
                answer.filterbank(
                    float(first), 0.1, float(stride), n_filter, n_pixel, rule
                ),
                want,
                "The stride may be negative, and the grid then runs to the left from its first "
                "Gaussian, or zero, and all rows are then the same.",
                rtol=1e-6,
            )


@check(hidden=True)
def one_filter_or_one_pixel(answer: Any, rng: np.random.Generator) -> None:
    """One filter or one pixel is a matrix too, of one row or of one column."""
    n_filter, n_pixel = int(rng.integers(2, 5)), int(rng.integers(5, 9))
    first = int(rng.integers(1, n_pixel))
    for rule in ("exact", "source"):
        for mean, n_row, want in (
            (float(first), 1, np.eye(n_pixel)[[first]]),
            (0.0, n_filter, np.ones((n_filter, 1))),
            (0.0, 1, np.ones((1, 1))),
        ):
            close(
                answer.filterbank(mean, 0.1, 0.01, n_row, want.shape[1], rule),
                want,
                "One filter makes a matrix of one row, one pixel a matrix of one column.",
                rtol=1e-6,
            )


def _window(rng: np.random.Generator) -> tuple[float, float, float, int, int]:
    """A window of several filters, most of them on the image, the std never near one."""
    n_filter, n_pixel = int(rng.integers(3, 9)), int(rng.integers(12, 40))
    std = rng.choice([rng.uniform(0.5, 0.8), rng.uniform(1.3, 3)])
    mean, stride = rng.uniform(-3, n_pixel / 2), rng.uniform(0.5, 3)
    return mean, float(std), stride, n_filter, n_pixel


def _recognise(
    got: Any, want: Any, window: tuple[float, float, float, int, int]
) -> None:
    """Name the mistake if the matrix is one that it leads to."""
    mean, std, stride, n_filter, n_pixel = window
    if np.shape(got) == (n_pixel, n_filter):
        raise Wrong(
            "The matrix is transposed: one row for each filter, one column for each pixel."
        )
    if np.shape(got) != np.shape(want):
        return
    if np.allclose(got, want, rtol=1e-9, atol=1e-12):
        return
    centre = mean + stride * np.arange(n_filter)[:, None]
    distance = np.abs(np.arange(n_pixel) - centre)
    beyond = distance - distance.min(axis=1, keepdims=True)
    mistakes = {
        "Twice the variance stands under the square: std is a standard deviation, square it.": (
            reference.filterbank(mean, np.sqrt(std), stride, n_filter, n_pixel)
        ),
        "The bell curve is too narrow: twice the variance stands under the square.": (
            reference.filterbank(
                mean, std / np.sqrt(2), stride, n_filter, n_pixel
            )
        ),
        "The distance must be squared in the exponent.": _normalised(
            -distance / (2 * std**2)
        ),
        "Square the distance first, and take off afterwards: the constant that is taken off the "
        "scores is the largest score of the row.": _normalised(
            -((beyond / std) ** 2) / 2
        ),
        "`mean` is the centre of the first Gaussian and not of the whole grid.": (
            reference.filterbank(
                mean - stride * (n_filter - 1) / 2,
                std,
                stride,
                n_filter,
                n_pixel,
            )
        ),
        "The first filter lies at `mean`: count filters from 0.": (
            reference.filterbank(mean + stride, std, stride, n_filter, n_pixel)
        ),
        "Pixel centres lie at 0, 1, 2 …: count pixels from 0.": (
            reference.filterbank(mean - 1, std, stride, n_filter, n_pixel)
        ),
        "The rows are normalised over the filters: each row must sum to one over its pixels.": (
            _normalised(-((distance / std) ** 2) / 2, axis=0)
        ),
        "The rows are not normalised: each must sum to one over its pixels.": np.exp(
            -((distance / std) ** 2) / 2
        ),
        "This is the rule source, but under exact nothing is added to the sum.": (
            reference.filterbank(*window, "source")
        ),
    }
    for sentence, value in mistakes.items():
        if np.allclose(got, value, rtol=1e-9, atol=1e-14):
            raise Wrong(sentence)
    total = np.sum(got, axis=1)
    if np.allclose(total, 1, atol=1e-6) and (total < 1 - 1e-10).all():
        raise Wrong(
            "Under exact nothing is added to the sum: the rows add up to one, not nearly."
        )
    if np.allclose(_finite(np.sum(got, axis=0)), 1):
        raise Wrong(
            "The rows are normalised over the filters: each row must sum to one over its pixels."
        )


def _finite(numbers: np.ndarray) -> np.ndarray:
    return numbers[np.isfinite(numbers)]


def _normalised(score: np.ndarray, axis: int = 1) -> np.ndarray:
    bell = np.exp(score - score.max(axis=axis, keepdims=True))
    return np.asarray(bell / bell.sum(axis=axis, keepdims=True))


MUTANTS = {
    "variance for std": Mutant(
        old="- centre) / std) ** 2) / 2",
        new="- centre) ** 2) / std) / 2",
        falls_by="rows_under_exact",
        says="std is a standard deviation",
    ),
    "distance not squared": Mutant(
        old="score = -(((np.arange(n_pixel) - centre) / std) ** 2) / 2",
        new="score = -np.abs(np.arange(n_pixel) - centre) / (2 * std**2)",
        falls_by="rows_under_exact",
        says="must be squared",
    ),
    "nearest distance off before squaring": Mutant(
        old="score = score - score.max(axis=1, keepdims=True)",
        new="score = np.sqrt(-2 * score)\n"
        "        score = -((score - score.min(axis=1, keepdims=True)) ** 2) / 2",
        falls_by="rows_under_exact",
        says="Square the distance first",
    ),
    "mean of the grid": Mutant(
        old="np.arange(n_filter)[:, None]",
        new="(np.arange(n_filter)[:, None] - (n_filter - 1) / 2)",
        falls_by="rows_under_exact",
        says="not of the whole grid",
    ),
    "filters counted from one": Mutant(
        old="np.arange(n_filter)[:, None]",
        new="np.arange(1, n_filter + 1)[:, None]",
        falls_by="rows_under_exact",
        says="count filters from 0",
    ),
    "pixels counted from one": Mutant(
        old="np.arange(n_pixel) - centre",
        new="np.arange(1, n_pixel + 1) - centre",
        falls_by="rows_under_exact",
        says="count pixels from 0",
    ),
    "normalised over the filters": Mutant(
        old="bell.sum(axis=1, keepdims=True)",
        new="bell.sum(axis=0, keepdims=True)",
        falls_by="rows_under_exact",
        says="each row must sum to one over its pixels",
    ),
    "1e-8 under exact too": Mutant(
        old='(1e-8 if rule == "source" else 0.0)',
        new="1e-8",
        falls_by="rows_under_exact",
        says="nothing is added to the sum",
    ),
    "rules swapped": Mutant(
        old='if rule == "exact":\n        score',
        new='rule = {"exact": "source", "source": "exact"}[rule]\n'
        '    if rule == "exact":\n        score',
        falls_by="rows_under_source",
        says="yours still sums to one",
    ),
    "shifted before 1e-8 is added": Mutant(
        old='if rule == "exact":\n        score',
        new="if rule:\n        score",
        falls_by="rows_under_source",
        says="before anything is taken off",
    ),
    "rule ignored": Mutant(
        old="bell = np.exp(score)",
        new='rule = "exact"\n    bell = np.exp(score - score.max(axis=1, keepdims=True))',
        falls_by="rows_under_source",
        says="Is the rule looked at",
    ),
    "1e-8 to each pixel": Mutant(
        old="(1e-8 if",
        new="(1e-8 * n_pixel if",
        falls_by="rows_under_source",
        says="1e-8 is added to the sum of each row",
    ),
    "softmax unprotected": Mutant(
        old='if rule == "exact":\n        score',
        new='if rule == "neither":\n        score',
        falls_by="extreme_windows",
        says="zero over zero",
    ),
    "largest score of all rows": Mutant(
        old="score.max(axis=1, keepdims=True)",
        new="score.max()",
        falls_by="extreme_windows",
        says="one number for all rows",
    ),
    "largest score over the wrong axis": Mutant(
        old="score.max(axis=1, keepdims=True)",
        new="score.max(axis=0, keepdims=True)",
        falls_by="rows_under_exact",
        says="divided by its sum over the pixels",
    ),
    "NaN replaced by zero": Mutant(
        old="score = score - score.max(axis=1, keepdims=True)",
        new="bell = np.exp(score)\n"
        "        return np.nan_to_num(bell / bell.sum(axis=1, keepdims=True))",
        falls_by="extreme_windows",
        says="must not be left at zero",
    ),
    "stride without its sign": Mutant(
        old="mean + stride *",
        new="mean + abs(stride) *",
        falls_by="stride_negative_or_zero",
        says="runs to the left",
    ),
    "squeezed": Mutant(
        old='np.asarray(bell / (total + (1e-8 if rule == "source" else 0.0)))',
        new='np.squeeze(bell / (total + (1e-8 if rule == "source" else 0.0)))',
        falls_by="one_filter_or_one_pixel",
        says="must have shape",
    ),
    "returns zeros": Mutant(
        old='np.asarray(bell / (total + (1e-8 if rule == "source" else 0.0)))',
        new="np.zeros((n_filter, n_pixel))",
        falls_by="rows_under_exact",
        says="divided by its sum over the pixels",
    ),
    "transposed": Mutant(
        old='np.asarray(bell / (total + (1e-8 if rule == "source" else 0.0)))',
        new='np.transpose(bell / (total + (1e-8 if rule == "source" else 0.0)))',
        falls_by="rows_under_exact",
        says="transposed",
    ),
}
