"""Glimpses drawn one by one, and what they tell of a gradient, without a baseline and with one."""

from typing import Any

import numpy as np
from traitlets import Float, Int, List, Unicode, validate

from attn_course import _check
from attn_course._typing import Array, Number
from attn_course.figures.draw import LETTER, described, labels, number, svg
from attn_course.figures.live import STATIC, LiveFigure
from attn_course.figures.style import COLOURS
from attn_course.preliminaries.reference import softmax
from attn_course.soft_hard.reference import (
    expected_gradient,
    leave_one_out,
    score_function_gradient,
)

MOST = 10_000  # draws
WAYS = ("plain", "baseline")
WEYL, MASK = 0x6D2B79F5, 2**32 - 1  # of the generator


def uniforms(seed: int, n_draw: int) -> Array:
    """Numbers from 0 to 1, the same ones in a page: number k depends on the seed and k alone.

    Mulberry32, a generator small enough to be written down twice: 32 bits are mixed by products
    and shifts. It is good enough for a figure and for nothing that matters.

    Parameters
    ----------
    seed : int
        From 0 to 2³² - 1.
    n_draw : int
        How many.

    Returns
    -------
    uniform : (n_draw,)

    Examples
    --------
    >>> uniforms(0, 3).round(6)
    array([0.266429, 0.00033 , 0.223272])
    """
    bits = (seed + WEYL * np.arange(1, n_draw + 1, dtype=np.uint64)) & MASK
    bits = ((bits ^ (bits >> 15)) * (bits | 1)) & MASK
    bits ^= (bits + (((bits ^ (bits >> 7)) * (bits | 61)) & MASK)) & MASK
    return (bits ^ (bits >> 14)) / 2**32


class Estimator(LiveFigure):
    """A policy over a few items, draws from it, and two estimates of its gradient.

    The reader draws glimpses, one, ten or a hundred at a time, and sees the score-function estimate
    of each score's gradient beside the exact one: on the left the reward as it is, on the right
    less a baseline, the mean reward of the *other* draws. The same draws serve both. A slider adds
    an offset to all rewards, which changes neither the policy nor its gradient.

    In Jupyter the traits `n_draw`, `offset` and `seed` follow the reader, and the reader them.

    Parameters
    ----------
    score : (n_item,)
        Scores of the policy; an item is drawn with the probability of their softmax.
    reward : (n_item,)
        What an item is worth, before the offset.
    alt : str
        What the figure shows, for those who do not see it.
    items : sequence, optional
        Names of the items; without them they are counted from 1.
    n_draw : int
        Draws at first, at most 10 000.
    offset : float
        What is added to all rewards at first, from -5 to 5.
    seed : int
        Of the draws.

    Raises
    ------
    ValueError
        If shapes disagree, a number is not finite, the rewards are all equal or there is no text.

    Examples
    --------
    >>> figure = Estimator(np.log([0.5, 0.3, 0.2]), np.arange(3.0), alt="three items", n_draw=100)
    >>> figure.gradient.round(2)
    array([-0.35,  0.09,  0.26])
    >>> int(figure.counts().sum())
    100
    >>> figure.offset = 3
    >>> {name: round(one["cosine"], 2) for name, one in figure.estimates().items()}
    {'plain': 0.61, 'baseline': 0.99}
    """

    _module = "estimator"
    _esm = STATIC / "estimator.mjs"

    score = List(Float(), read_only=True).tag(sync=True)
    reward = List(Float(), read_only=True).tag(sync=True)
    items = List(Unicode(), read_only=True).tag(sync=True)
    seed = Int(0).tag(sync=True)
    n_draw = Int(0).tag(sync=True)
    offset = Float(0.0).tag(sync=True)

    def __init__(
        self,
        score: Array,
        reward: Array,
        *,
        alt: str,
        items: Any = None,
        n_draw: int = 0,
        offset: Number = 0.0,
        seed: int = 0,
    ) -> None:
        score, reward = np.asarray(score, float), np.asarray(reward, float)
        _check.shape("score", score.shape, (None,))
        _check.at_least("the size of score", score.size, 2)
        _check.at_most("the size of score", score.size, 8)
        _check.shape("reward", reward.shape, score.shape)
        for name, values in (("score", score), ("reward", reward)):
            for value in values:
                _check.finite(name, float(value))
        _check.positive("the range of reward", float(np.ptp(reward)))
        counted = range(1, score.size + 1)
        fixed = {
            "score": score.tolist(),
            "reward": reward.tolist(),
            "items": labels("items", counted if items is None else items, score.size),
        }
        for name, value in fixed.items():
            self.set_trait(name, value)
        super().__init__(alt=alt, n_draw=n_draw, offset=float(offset), seed=seed)

    @validate("n_draw")
    def _drawn(self, proposal: Any) -> int:
        return min(max(proposal["value"], 0), MOST)

    @validate("seed")
    def _seeded(self, proposal: Any) -> int:
        _check.at_least("seed", proposal["value"], 0)
        _check.at_most("seed", proposal["value"], MASK)
        return proposal["value"]

    @validate("offset")
    def _shifted(self, proposal: Any) -> float:
        _check.finite("offset", proposal["value"])
        return min(max(proposal["value"], -5.0), 5.0)

    @property
    def probability(self) -> Array:
        """The policy, (n_item,)."""
        return softmax(np.array(self.score)[None])[0]

    @property
    def gradient(self) -> Array:
        """The exact gradient of the expected reward by the scores, (n_item,)."""
        return expected_gradient(np.array(self.score), np.array(self.reward) + self.offset)

    def choices(self) -> Array:
        """The items drawn so far, (n_draw,), counted from 0."""
        edge = np.cumsum(self.probability)[:-1]
        return np.searchsorted(edge, uniforms(self.seed, self.n_draw), side="right")

    def counts(self) -> Array:
        """How often each item was drawn, (n_item,)."""
        return np.bincount(self.choices(), minlength=len(self.score))

    def estimates(self) -> dict[str, dict[str, Any]]:
        """What the draws tell, for "plain" and "baseline".

        `gradient` is the estimate (n_item,), `cosine` that of its angle to the exact gradient,
        `error` its distance from it over the exact one's length, `half` half the width of the 95 %
        interval of each number (n_item,), and `spread` the standard deviation of a single draw's
        term, all numbers together. What the draws are too few for is None: a baseline needs two.
        """
        score, choice = np.array(self.score), self.choices()
        reward = np.array(self.reward)[choice] + self.offset
        found = {}
        for name in WAYS:
            n = len(choice)
            found[name] = dict.fromkeys(("gradient", "cosine", "error", "half", "spread"))
            if n < 1 + (name == "baseline"):
                continue
            base = leave_one_out(reward) if name == "baseline" else np.zeros(n)
            got = score_function_gradient(score, choice, reward, base)
            length = float(np.linalg.norm(self.gradient))
            away = float(np.linalg.norm(got))
            found[name]["gradient"] = got
            found[name]["error"] = float(np.linalg.norm(got - self.gradient)) / length
            if away > 1e-12:  # else it points nowhere
                found[name]["cosine"] = float(got @ self.gradient) / (length * away)
            if n > 1:
                term = (reward - base)[:, None] * (np.eye(len(score))[choice] - self.probability)
                variance = term.var(axis=0, ddof=1)
                found[name]["half"] = 1.96 * np.sqrt(variance / n)
                found[name]["spread"] = float(np.sqrt(variance.sum()))
        return found

    def picture(self) -> str:
        """Static form of the figure: both estimates with their intervals, the exact gradient."""
        exact, found = self.gradient, self.estimates()
        limit = 3 * np.abs(exact).max()
        left = 20 + LETTER * max(map(len, self.items))
        wide, high, gap = (420 - left - 24) / 2, 26, 24
        low = 40 + high * len(exact)
        said = [
            f"After {self.n_draw} draw{'s' * (self.n_draw != 1)}, "
            f"{number(self.offset, 1)} added to all rewards"
        ]
        content = ""
        for i, name in enumerate(self.items):
            place = f'x="{left - 12:.0f}" y="{40 + high * (i + 0.5) + 4.5:.1f}"'
            content += f'<text {place} text-anchor="end">{_plain(name)}</text>'
        for k, one in enumerate(found.values()):
            begin = left + k * (wide + gap)
            middle = begin + wide / 2
            cosine = "none yet" if one["cosine"] is None else number(one["cosine"], 3)
            title = ("no baseline", "with a baseline")[k]
            said.append(f"{title}: cosine to the exact gradient {cosine}")
            content += f'<text x="{begin:.1f}" y="13">{title}</text>'
            content += f'<text x="{begin:.1f}" y="31">cosine {cosine}</text>'
            content += (
                f'<path d="M{middle:.1f} 40V{low}" stroke="currentColor" stroke-width="0.8"/>'
            )
            for i, truth in enumerate(exact):
                y = 40 + high * (i + 0.5)

                def x(value: float, middle: float = middle) -> float:
                    return middle + float(np.clip(value / limit, -1, 1)) * wide / 2

                content += (
                    f'<path d="M{x(truth):.1f} {y - 9:.1f}v18" stroke="{COLOURS["blue"]}"'
                    ' stroke-width="3"/>'
                )
                if one["gradient"] is None:
                    continue
                at, half = one["gradient"][i], 0.0 if one["half"] is None else one["half"][i]
                content += (
                    f'<path d="M{x(at - half):.1f} {y:.1f}H{x(at + half):.1f}"'
                    f' stroke="{COLOURS["orange"]}" stroke-width="2"/>'
                    f'<circle cx="{x(at):.1f}" cy="{y:.1f}" r="4" fill="{COLOURS["orange"]}"/>'
                )
        content += (
            f'<text x="0" y="{low + 18}">bar: exact gradient; dot: estimate, with its 95 % '
            "interval</text>"
        )
        return svg(420, low + 24, described(self.alt, *said), content)


def _plain(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
