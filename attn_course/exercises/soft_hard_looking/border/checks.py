"""Checks of the push at the border, of its twin by quadrature, and of two right orders."""

from math import erfc
from typing import Any

import numpy as np

from attn_course._typing import Array
from attn_course.exercises.checking import Mutant, Wrong, check, close

NODE, SHARE = np.polynomial.legendre.leggauss(80)


def _height(x: Any) -> Any:
    return np.exp(-(np.asarray(x) ** 2) / 2) / np.sqrt(2 * np.pi)


def _chance(x: float) -> float:
    return erfc(-x / 2**0.5) / 2


def _borders(mean: float, std: float) -> tuple[float, float]:
    return (-1 - mean) / std, (1 - mean) / std


def _mean_of(mean: float, std: float, function: Any) -> float:
    """Mean of a function of (looked, drawn), piece by piece between the kinks."""
    left, right = (float(np.clip(x, -12, 12)) for x in _borders(mean, std))
    edges = np.unique(
        np.concatenate([np.linspace(-12, 12, 25), [left, right]])
    )
    total = 0.0
    for a, b in zip(edges, edges[1:], strict=False):
        noise = (a + b) / 2 + (b - a) / 2 * NODE
        drawn = mean + std * noise
        value = function(np.clip(drawn, -1, 1), drawn) * _height(noise)
        total += float(SHARE @ value) * (b - a) / 2
    return total


def _expected(
    mean: float, std: float, level: float, slope: float, first: bool
) -> float:
    def term(looked: Array, drawn: Array) -> Array:
        return (
            (level + slope * looked)
            * ((looked if first else drawn) - mean)
            / std**2
        )

    return _mean_of(mean, std, term)


def _policies(rng: np.random.Generator) -> list[tuple[float, float]]:
    """Means and stds near both borders, wide ones and narrow ones; no std is near 1."""
    return [
        (float(rng.uniform(-0.5, 0.5)), float(rng.uniform(1.3, 1.9))),
        (float(rng.uniform(0.6, 0.95)), float(rng.uniform(0.2, 0.5))),
        (float(rng.uniform(-0.95, -0.6)), float(rng.uniform(0.2, 0.5))),
    ]


def _number(got: Any) -> bool:
    return np.ndim(got) == 0 and isinstance(got, int | float | np.generic)


@check()
def push_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """With the mean on the border, 1, and a std of 0.05, half of the draws are pulled in: the push is
    minus the height of the normal density, 0.398942, over the std, that is -7.97885."""
    close(
        answer.border_push(1.0, 0.05, 1.0),
        -1 / np.sqrt(2 * np.pi) / 0.05,
        rtol=1e-6,
    )


@check()
def right_order_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """With the mean on the border, 1, and a std of 0.05, half of the draws count: the right slope is half
    of `slope`. The draws 0.8 and 1.2, looked at in 0.8 and 1, estimate it for the mean 1, std 0.2,
    level 0 and slope 1 as the mean of 0.8 · (-5) and 1 · 5, that is 0.5."""
    close(answer.right_slope(1.0, 0.05, 3.0), 1.5, rtol=1e-6)
    close(
        answer.place_estimate(1.0, 0.2, np.array([-1.0, 1.0]), 0.0, 1.0), 0.5
    )


@check()
def quadrature_agrees(answer: Any, rng: np.random.Generator) -> None:
    """For the mean 0.9 and the std 0.2 and a gain of 1 everywhere, clipped first the expected estimate is
    -0.988983, and clipped after it is 0."""
    close(
        answer.by_quadrature(0.9, 0.2, 1.0, 0.0, True), -0.9889828, rtol=1e-6
    )
    close(answer.by_quadrature(0.9, 0.2, 1.0, 0.0, False), 0.0, atol=5e-6)


@check()
def lump_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """With the mean on the border, 1, and a std of 1/2 the lump at 1 holds half of the draws, and its
    score is 4 times 0.398942; at 0.5 the score is -2."""
    got = answer.atom_score(1.0, 0.5, np.array([0.5, 1.0]))
    close(got, [-2.0, 4 / np.sqrt(2 * np.pi)], rtol=1e-6)


@check(hidden=True, points=3)
def push_in_closed_form(answer: Any, rng: np.random.Generator) -> None:
    """border_push must be the mean of gain times (clipped place less mean) over the variance."""
    for mean, std in _policies(rng):
        gain = float(rng.uniform(1.5, 2))
        got, want = (
            answer.border_push(mean, std, gain),
            _expected(mean, std, gain, 0.0, True),
        )
        if _number(got) and not np.allclose(got, want, rtol=1e-8):
            a, b = _borders(mean, std)
            inside = float(std * (_height(a) - _height(b)))
            lumps = (1 - mean) * _chance(-b) - (1 + mean) * _chance(a)
            for value, reason in (
                (
                    -want,
                    "The push has the wrong sign: draws are pulled towards the middle.",
                ),
                (want / gain, "The push grows with the gain."),
                (
                    gain * inside / std**2,
                    "The draws beyond the borders are missing.",
                ),
                (
                    gain * lumps / std**2,
                    "The draws between the borders are missing.",
                ),
                (
                    want * std,
                    "The distance is divided by the variance, and not by the std.",
                ),
                (
                    want * std**2,
                    "The distance is to be divided by the variance.",
                ),
                (
                    gain * (inside + (1 - mean) * _chance(-b)) / std**2,
                    "Draws are pulled in at either border; one of them is missing.",
                ),
                (
                    gain * (inside / std + lumps) / std**2,
                    "The mean of the noise between the borders has to be multiplied by the std.",
                ),
            ):
                if np.allclose(got, value, rtol=1e-8):
                    raise Wrong(reason)
        close(got, want, rtol=1e-8)


@check(hidden=True, points=2)
def quadrature_of_both_orders(answer: Any, rng: np.random.Generator) -> None:
    """by_quadrature must be right to a relative 1e-6 in both orders: the gain always takes the place
    that was looked at."""
    for mean, std in _policies(rng):
        level, slope = float(rng.uniform(0.5, 1)), float(rng.uniform(1, 2))
        for first in (True, False):
            got = answer.by_quadrature(mean, std, level, slope, first)
            want = _expected(mean, std, level, slope, first)
            if _number(got) and not np.allclose(got, want, rtol=1e-6):
                other = _expected(mean, std, level, slope, not first)
                if np.allclose(got, other, rtol=1e-6):
                    raise Wrong(
                        "The two orders are exchanged, or one is returned for both."
                    )
                if not first and np.allclose(got, slope, rtol=1e-6):
                    raise Wrong(
                        "The gain is that of a place outside, at which nobody ever looked."
                    )
                if np.allclose(got, want, rtol=0.05, atol=0.02):
                    raise Wrong(
                        "Nearly, but not to a relative 1e-6: the sum is too coarse for a function with "
                        "kinks at the borders, or is cut off too early."
                    )
            close(got, want, rtol=1e-6)


@check(hidden=True, points=2)
def slope_in_closed_form(answer: Any, rng: np.random.Generator) -> None:
    """right_slope must be the derivative of the expected gain by the mean."""
    for mean, std in _policies(rng):
        slope = float(rng.uniform(1.5, 3))
        got, want = (
            answer.right_slope(mean, std, slope),
            _expected(mean, std, 0.0, slope, False),
        )
        if _number(got) and not np.allclose(got, want, rtol=1e-8):
            a, b = _borders(mean, std)
            if np.allclose(got, slope):
                raise Wrong(
                    "This is the slope without borders: draws beyond them do not move along."
                )
            if np.allclose(got, slope * _chance(b)):
                raise Wrong(
                    "The share of the draws beyond the left border counts as inside."
                )
            if np.allclose(
                got,
                slope
                * (_chance(b) - _chance(a) - _height(b) * b + _height(a) * a),
            ):
                raise Wrong(
                    "The terms with the density cancel: the lumps change, too."
                )
        close(got, want, rtol=1e-8)


@check(hidden=True, points=2)
def estimate_in_the_right_order(answer: Any, rng: np.random.Generator) -> None:
    """place_estimate must weigh the gain of the place looked at by the score of the place drawn."""
    for mean, std in _policies(rng):
        level, slope, noise = (
            0.7,
            float(rng.uniform(1, 2)),
            rng.normal(size=12),
        )
        noise[:3] = 2.5, -2.5, 4.0  # beyond a border
        drawn = mean + std * noise
        looked = drawn.clip(-1, 1)
        got = answer.place_estimate(mean, std, noise, level, slope)
        want = np.mean((level + slope * looked) * noise) / std
        if _number(got) and not np.allclose(got, want):
            if np.allclose(
                got,
                np.mean((level + slope * looked) * (looked - mean)) / std**2,
            ):
                raise Wrong(
                    "The score is that of the place after clipping; it belongs to the draw."
                )
            if np.allclose(
                got, np.mean((level + slope * drawn) * noise) / std
            ):
                raise Wrong(
                    "The gain is that of a place outside, at which nobody ever looked."
                )
            inside = np.abs(drawn) <= 1
            kept = (level + slope * looked) * noise / std * inside
            if np.allclose(got, kept.mean()) or np.allclose(
                got, kept.sum() / inside.sum()
            ):
                raise Wrong(
                    "Draws that were pulled in are left out, and that is a bias of its own."
                )
        close(got, want)


@check(hidden=True, points=3)
def score_of_a_lump(answer: Any, rng: np.random.Generator) -> None:
    """atom_score must be the slope of the logarithm of a density inside, and of a probability at either
    border."""
    far = (float(-rng.uniform(0.70, 0.75)), 0.25)  # the lump at 1 is tiny
    for mean, std in (*_policies(rng), far):
        looked = np.append(rng.uniform(-0.9, 0.9, 4), [1.0, -1.0, 1.0])
        got = answer.atom_score(mean, std, looked)
        a, b = _borders(mean, std)
        right, left = (
            _height(b) / (std * _chance(-b)),
            -_height(a) / (std * _chance(a)),
        )
        inside = (looked - mean) / std**2
        want = np.where(
            looked == 1, right, np.where(looked == -1, left, inside)
        )
        if np.shape(got) == want.shape and not np.allclose(
            got, want, rtol=1e-8
        ):
            if np.allclose(got, inside):
                raise Wrong(
                    "At the borders this is the score of the density, and there are the lumps."
                )
            if np.allclose(got, np.where(looked == -1, -left, want)):
                raise Wrong(
                    "The lump at -1 grows as the mean goes away from it? Mind its sign."
                )
            if np.allclose(
                got, np.where(np.abs(looked) == 1, want * std, want)
            ):
                raise Wrong(
                    "The slope by the mean has one more 1/std: the chain rule."
                )
            slope = np.where(looked == 1, _height(b) / std, -_height(a) / std)
            if np.allclose(got, np.where(np.abs(looked) == 1, slope, inside)):
                raise Wrong(
                    "This is the slope of the lump itself, and that of its logarithm is asked."
                )
            if np.allclose(got, want, rtol=0.1):
                raise Wrong(
                    "A tiny lump loses its digits in one minus nearly one; use the other tail."
                )
        close(got, want, rtol=1e-8)


@check(hidden=True)
def no_lump_no_division(answer: Any, rng: np.random.Generator) -> None:
    """With a narrow policy far from a border the lump there is zero, and nothing may be divided by it."""
    for mean in (-float(rng.uniform(0.3, 0.5)), float(rng.uniform(0.3, 0.5))):
        looked = mean + 0.02 * rng.normal(size=5)
        close(answer.atom_score(mean, 0.02, looked), (looked - mean) / 0.02**2)


RIGHT = """    if (looked >= 1).any():  # else the lump may be no number's worth
        at_right = _height(right) / (std * _below(-right))
        score = np.where(looked >= 1, at_right, score)
"""
LEFT = """    if (looked <= -1).any():
        at_left = -_height(left) / (std * _below(left))
        score = np.where(looked <= -1, at_left, score)
"""

MUTANTS = {
    "outwards": Mutant(
        old="return gain * (inside + beyond) / std**2",
        new="return -gain * (inside + beyond) / std**2",
        falls_by="push_in_closed_form",
        says="wrong sign",
    ),
    "no lumps": Mutant(
        old="return gain * (inside + beyond) / std**2",
        new="return gain * inside / std**2",
        falls_by="push_in_closed_form",
        says="beyond the borders are missing",
    ),
    "nothing but lumps": Mutant(
        old="return gain * (inside + beyond) / std**2",
        new="return gain * beyond / std**2",
        falls_by="push_in_closed_form",
        says="between the borders are missing",
    ),
    "one border": Mutant(
        old="beyond = (1 - mean) * _below(-right) - (1 + mean) * _below(left)",
        new="beyond = (1 - mean) * _below(-right)",
        falls_by="push_in_closed_form",
        says="one of them is missing",
    ),
    "noise without its std": Mutant(
        old="inside = std * (_height(left) - _height(right))",
        new="inside = _height(left) - _height(right)",
        falls_by="push_in_closed_form",
        says="multiplied by the std",
    ),
    "over the std": Mutant(
        old="return gain * (inside + beyond) / std**2",
        new="return gain * (inside + beyond) / std",
        falls_by="push_in_closed_form",
        says="not by the std",
    ),
    "orders exchanged": Mutant(
        old="scored = clipped if clip_first else drawn",
        new="scored = drawn if clip_first else clipped",
        falls_by="quadrature_of_both_orders",
        says="exchanged",
    ),
    "a gain from outside": Mutant(
        old="term = (level + slope * clipped) * (scored - mean) / std**2",
        new="seen = clipped if clip_first else drawn\n"
        "    term = (level + slope * seen) * (scored - mean) / std**2",
        falls_by="quadrature_of_both_orders",
        says="nobody ever looked",
    ),
    "a coarse sum": Mutant(
        old="noise = np.linspace(-9, 9, 180_001)",
        new="noise = np.linspace(-9, 9, 61)",
        falls_by="quadrature_of_both_orders",
        says="too coarse",
    ),
    "cut off early": Mutant(
        old="noise = np.linspace(-9, 9, 180_001)",
        new="noise = np.linspace(-3.5, 3.5, 180_001)",
        falls_by="quadrature_of_both_orders",
        says="cut off too early",
    ),
    "no borders": Mutant(
        old="return slope * (_below(right) - _below(left))",
        new="return slope",
        falls_by="slope_in_closed_form",
        says="do not move along",
    ),
    "the left border forgotten": Mutant(
        old="return slope * (_below(right) - _below(left))",
        new="return slope * _below(right)",
        falls_by="slope_in_closed_form",
        says="counts as inside",
    ),
    "lumps that stay": Mutant(
        old="return slope * (_below(right) - _below(left))",
        new="edges = left * _height(left) - right * _height(right)\n"
        "    return slope * (_below(right) - _below(left) + edges)",
        falls_by="slope_in_closed_form",
        says="the lumps change, too",
    ),
    "the wrong order": Mutant(
        old="return float(np.mean(gain * (drawn - mean)) / std**2)",
        new="return float(np.mean(gain * (np.clip(drawn, -1, 1) - mean)) / std**2)",
        falls_by="estimate_in_the_right_order",
        says="it belongs to the draw",
    ),
    "not clipped at all": Mutant(
        old="gain = level + slope * np.clip(drawn, -1, 1)",
        new="gain = level + slope * drawn",
        falls_by="estimate_in_the_right_order",
        says="nobody ever looked",
    ),
    "only draws inside": Mutant(
        old="return float(np.mean(gain * (drawn - mean)) / std**2)",
        new="kept = np.abs(drawn) <= 1\n"
        "    return float(np.mean((gain * (drawn - mean))[kept]) / std**2)",
        falls_by="estimate_in_the_right_order",
        says="left out",
    ),
    "no lump": Mutant(
        old=RIGHT + LEFT,
        new="",
        falls_by="score_of_a_lump",
        says="there are the lumps",
    ),
    "sign of the left lump": Mutant(
        old="at_left = -_height(left)",
        new="at_left = _height(left)",
        falls_by="score_of_a_lump",
        says="Mind its sign",
    ),
    "no chain rule": Mutant(
        old=RIGHT + LEFT,
        new=(RIGHT + LEFT)
        .replace("(std * _below(-right))", "_below(-right)")
        .replace("(std * _below(left))", "_below(left)"),
        falls_by="score_of_a_lump",
        says="one more 1/std",
    ),
    "the lump for its logarithm": Mutant(
        old=RIGHT + LEFT,
        new=(RIGHT + LEFT)
        .replace("(std * _below(-right))", "std")
        .replace("(std * _below(left))", "std"),
        falls_by="score_of_a_lump",
        says="of the lump itself",
    ),
    "one minus nearly one": Mutant(
        old="(std * _below(-right))",
        new="(std * (1 - _below(right)))",
        falls_by="score_of_a_lump",
        says="the other tail",
    ),
    "divided by nothing": Mutant(
        old=RIGHT + LEFT,
        new=(RIGHT + LEFT)
        .replace("if (looked >= 1).any():", "if True:")
        .replace("if (looked <= -1).any():", "if True:"),
        falls_by="no_lump_no_division",
        says="nothing may be divided",
    ),
}
