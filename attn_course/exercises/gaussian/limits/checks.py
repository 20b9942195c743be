"""Checks of the limits, against the chapter's filters with extreme parameters."""

from typing import Any

import numpy as np

from attn_course.exercises.checking import Mutant, Wrong, check, close
from attn_course.gaussian import reference

LINE = np.array([4.0, 0.0, 1.0, 8.0, 2.0])


@check()
def narrow_on_five_pixels(answer: Any, rng: np.random.Generator) -> None:
    """A very narrow filter at 1.2 on the line 4, 0, 1, 8, 2 reads the pixel at 1, which is 0."""
    close(
        answer.narrow(LINE, 1.2),
        0.0,
        "narrow of the line 4, 0, 1, 8, 2 at 1.2 must be 0, the pixel at 1 and nothing else.",
    )
    close(
        answer.narrow(LINE, 2.9),
        8.0,
        "narrow of the line 4, 0, 1, 8, 2 at 2.9 must be 8.",
    )


@check()
def wide_on_five_pixels(answer: Any, rng: np.random.Generator) -> None:
    """A very wide filter weighs all pixels of the line 4, 0, 1, 8, 2 alike and reads 3."""
    close(answer.wide(LINE), 3.0)


@check()
def far_from_five_pixels(answer: Any, rng: np.random.Generator) -> None:
    """Far to the left of the line 4, 0, 1, 8, 2 the rule "exact" still reads a pixel: which one?"""
    close(answer.far(LINE, "left", "exact"), 4.0)


@check(hidden=True)
def nearest_pixel(answer: Any, rng: np.random.Generator) -> None:
    """A filter narrower than any distance reads the pixel nearest to its mean, and that alone."""
    line = _line(rng)
    nearest = rng.integers(1, len(line) - 1, 4)
    for mean in nearest + rng.uniform(0.1, 0.4, 4) * np.array([-1, 1, -1, 1]):
        got = answer.narrow(line, float(mean))
        low, high = line[int(np.floor(mean))], line[int(np.ceil(mean))]
        want = reference.filterbank(mean, 1e-4, 1, 1, len(line))[0] @ line
        _recognise(
            got,
            want,
            {
                "A filter is no interpolation: as it narrows, the nearer of the two pixels takes "
                "all the weight.": np.interp(mean, np.arange(len(line)), line),
                "Take the nearest pixel, not the one below: do not round down.": low,
                "Take the nearest pixel, not the one above: do not round up.": high,
            },
        )
        close(got, want)


@check(hidden=True)
def half_way_between_two(answer: Any, rng: np.random.Generator) -> None:
    """Exactly half way between two pixels both weigh the same, however narrow the filter is."""
    line = _line(rng)
    for low in (0, int(rng.integers(1, len(line) - 2)), len(line) - 2):
        want = reference.filterbank(low + 0.5, 1e-4, 1, 1, len(line))[0] @ line
        close(
            answer.narrow(line, low + 0.5),
            want,
            "Exactly half way between two pixels neither is the nearest: both weigh a half, "
            "however narrow the filter is. argmin and round pick one of the two.",
        )


@check(hidden=True)
def narrow_beyond_the_border(answer: Any, rng: np.random.Generator) -> None:
    """Off the image some pixel is still the nearest, and under "exact" it takes all the weight."""
    line = _line(rng)
    n_pixel = len(line)
    for mean in (
        -0.8,
        float(-rng.integers(2, 6)),
        n_pixel - 0.3,
        1e6 * rng.uniform(-1, 1),
    ):
        got = answer.narrow(line, mean)
        want = reference.filterbank(mean, 1e-3, 1, 1, n_pixel)[0] @ line
        _recognise(
            got,
            want,
            {
                "Off the image a filter under the rule exact reads the border pixel and not "
                "nothing: its weights add up to one.": 0.0,
                "A negative index counts from the other end of the line in Python; keep the index "
                "on the image.": line[round(mean) % n_pixel],
            },
        )
        close(got, want)


@check(hidden=True)
def wide_is_the_mean(answer: Any, rng: np.random.Generator) -> None:
    """A filter wider than any image weighs all pixels alike: it reads the mean of the line."""
    for _ in range(3):
        line = _line(rng)
        got = answer.wide(line)
        want = (
            reference.filterbank(rng.uniform(-9, 99), 1e8, 1, 1, len(line))[0]
            @ line
        )
        _recognise(
            got,
            want,
            {
                "All pixels weigh alike, so it is their mean and not their median.": np.median(
                    line
                ),
                "The weights add up to one: a mean and not a sum.": line.sum(),
                "All pixels weigh alike, and not the two extreme ones alone.": (
                    line.min() + line.max()
                )
                / 2,
                "The row gets flat, but its sum stays one: the reading does not fade.": 0.0,
            },
        )
        close(got, want)


@check(hidden=True)
def far_exact(answer: Any, rng: np.random.Generator) -> None:
    """Far off the image the rule "exact" repeats the border pixel of the side it left by."""
    line = _line(rng)
    for side, mean in (("left", -1e6), ("right", 1e6)):
        got = answer.far(line, side, "exact")
        want = reference.filterbank(mean, 2.0, 1, 1, len(line))[0] @ line
        _recognise(
            got,
            want,
            {
                "The two sides are swapped: off to the left the first pixel is the nearest.": line[
                    0 if side == "right" else -1
                ],
                "Under the rule exact the weights add up to one wherever the filter is: it does "
                "not fade. Are the two rules swapped?": 0.0,
                "The squares of the distances drift apart as the filter leaves, so that the pixels "
                "do not weigh alike out there.": line.mean(),
            },
        )
        close(got, want)


@check(hidden=True)
def far_source(answer: Any, rng: np.random.Generator) -> None:
    """Far off the image the rule "source" reads nothing: 1e-8 outweighs what the bell has left."""
    line = _line(rng)
    for side in ("left", "right"):
        close(
            answer.far(line, side, "source"),
            0.0,
            "Far off the image the rule source reads 0 on either side: every bell curve becomes "
            "small against the 1e-8 that is added to the sum.",
        )


@check(hidden=True)
def a_line_of_one_pixel(answer: Any, rng: np.random.Generator) -> None:
    """On a line of one pixel every filter under "exact" reads that pixel: there is no second."""
    line = rng.normal(size=1)
    for got in (
        answer.narrow(line, float(rng.uniform(-0.4, 0.4))),
        answer.narrow(line, 0.5),
        answer.wide(line),
        answer.far(line, "left", "exact"),
        answer.far(line, "right", "exact"),
    ):
        close(got, line[0])


def _line(rng: np.random.Generator) -> np.ndarray:
    """A line whose pixels are all far from zero, from their mean and from each other."""
    n_pixel = int(rng.integers(7, 12))
    return np.asarray(
        rng.permutation(2.0 ** np.arange(n_pixel)) * rng.uniform(0.5, 1)
    )


def _recognise(got: Any, want: float, mistakes: dict[str, float]) -> None:
    """Name the mistake if the number is the one that it leads to, and not the right one."""
    if not isinstance(got, int | float | np.generic) or np.isclose(got, want):
        return
    for sentence, value in mistakes.items():
        if np.isclose(got, value):
            raise Wrong(sentence)


MUTANTS = {
    "linear interpolation": Mutant(
        old="line[distance == distance.min()].mean()",
        new="np.interp(mean, np.arange(len(line)), line)",
        falls_by="nearest_pixel",
        says="no interpolation",
    ),
    "rounded down": Mutant(
        old="line[distance == distance.min()].mean()",
        new="line[int(np.clip(mean, 0, len(line) - 1))]",
        falls_by="nearest_pixel",
        says="do not round down",
    ),
    "first of two at a tie": Mutant(
        old="line[distance == distance.min()].mean()",
        new="line[distance.argmin()]",
        falls_by="half_way_between_two",
        says="both weigh a half",
    ),
    "rounds, and leaves the image": Mutant(
        old="line[distance == distance.min()].mean()",
        new="line[round(mean) % len(line)]",
        falls_by="narrow_beyond_the_border",
        says="counts from the other end",
    ),
    "nothing off the image": Mutant(
        old="line[distance == distance.min()].mean()",
        new="line[distance == distance.min()].mean() * (distance.min() <= 0.5)",
        falls_by="narrow_beyond_the_border",
        says="reads the border pixel",
    ),
    "always two pixels": Mutant(
        old="return float(line[distance == distance.min()].mean())",
        new="p, q = np.argsort(distance)[:2]\n"
        "    return float(line[[p, q]].mean() if distance[p] == distance[q] else line[p])",
        falls_by="a_line_of_one_pixel",
        says="there is no second",
    ),
    "median": Mutant(
        old="np.mean(line)",
        new="np.median(line)",
        falls_by="wide_is_the_mean",
        says="not their median",
    ),
    "sum": Mutant(
        old="np.mean(line)",
        new="np.sum(line)",
        falls_by="wide_is_the_mean",
        says="a mean and not a sum",
    ),
    "fades when wide": Mutant(
        old="np.mean(line)",
        new="0.0",
        falls_by="wide_is_the_mean",
        says="does not fade",
    ),
    "sides swapped": Mutant(
        old='side == "left"',
        new='side == "right"',
        falls_by="far_exact",
        says="sides are swapped",
    ),
    "rules swapped": Mutant(
        old='rule == "source"',
        new='rule == "exact"',
        falls_by="far_exact",
        says="Are the two rules swapped",
    ),
    "rule ignored": Mutant(
        old='rule == "source"',
        new='rule == "sauce"',
        falls_by="far_source",
        says="small against the 1e-8",
    ),
    "mean of the line when far": Mutant(
        old='line[0] if side == "left" else line[-1]',
        new="np.mean(line)",
        falls_by="far_exact",
        says="do not weigh alike",
    ),
    "sorts its input": Mutant(
        old="return float(np.mean(line))",
        new="line.sort()\n    return float(line.mean())",
        falls_by="wide_is_the_mean",
        says="writes into one of its inputs",
    ),
}
