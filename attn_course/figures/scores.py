"""A query among a few keys, and the weights that every score function makes of the same vectors."""

import html
from typing import Any

import numpy as np
from traitlets import Float, Int, List, validate

from attn_course import _check
from attn_course._typing import Array, Number
from attn_course.families.reference import (
    attend,
    concat_score,
    cosine_score,
    dot_score,
    general_score,
    location_score,
    scaled_dot_score,
)
from attn_course.figures.draw import MIDDLE, described, number, svg
from attn_course.figures.live import STATIC, LiveFigure
from attn_course.figures.style import COLOURS

NAMES = ("dot", "scaled", "cosine", "general", "additive", "location")
TITLES = ("dot", "scaled dot", "cosine", "general", "additive", "location")
LOOKS = tuple(COLOURS.values())  # of the keys
LETTERS = "abcde"
EDGE = 2.2  # the plane shows from -EDGE to EDGE
LIMITS = {"scale": (0.25, 4.0), "key_strength": (0.0, 20.0)}

KEY = ((1.8, 0.6), (0.6, 0.8), (-0.9, 1.3), (-1.4, -0.9), (0.8, -1.5))
GENERAL = ((0.0, 1.0), (-1.0, 0.0))  # a quarter turn
CONCAT = ((1.0, 0.0, 1.0, 0.0), (0.0, 1.0, 0.0, 1.0), (1.0, -1.0, -1.0, 1.0))
V = (1.5, 1.5, 1.0)
LOCATION = ((1.0, 0.0), (0.3, 0.9), (-0.8, 0.6), (-0.8, -0.6), (0.3, -0.9))


class Scores(LiveFigure):
    """Keys and a query in a plane, and beside them the weights under six score functions.

    The reader drags the query, or a key, and sees the weights that dot, scaled dot, cosine,
    general, additive and location-based scores give. The last three have fixed weights of their
    own. One slider makes all vectors longer, another sets the key strength of the cosine, a third
    the width that the vectors stand for: dot products of independent numbers spread like the root
    of the width, so at width d the vectors here are :math:`(d/2)^{1/4}` times as long, with zeros
    behind their two numbers.

    In Jupyter the traits `query`, `key`, `width`, `scale` and `key_strength` follow the reader, and
    the reader them.

    Parameters
    ----------
    query : (2,)
        Where the query is at first; it stays between -2.2 and 2.2, and so do the keys.
    key : (n_key, 2)
        Two to five keys.
    alt : str
        What the figure shows, for those who do not see it.
    width : int
        Width d that the vectors stand for at first, from 2 to 512.
    scale : float
        Factor of all vectors at first, from 1/4 to 4.
    key_strength : float
        Of the cosine at first, from 0 to 20.
    general : (2, 2)
        W of `general_score`.
    concat : (d_score, 4)
        W of `concat_score`, the query's two columns first.
    v : (d_score,)
        v of `concat_score`.
    location : (n_key, 2)
        W of `location_score`.

    Raises
    ------
    ValueError
        If a shape does not fit, a number is not finite or there is no text.

    Examples
    --------
    >>> figure = Scores(query=(1.0, 0.0), key=[[2.0, 0.0], [0.5, 0.0], [0.0, 1.0]])
    >>> figure.scores()["dot"], figure.scores()["cosine"]
    (array([2. , 0.5, 0. ]), array([5., 5., 0.]))
    >>> figure.weights()["dot"].round(2)
    array([0.74, 0.16, 0.1 ])
    >>> figure.width = 128
    >>> figure.scores()["dot"], figure.scores()["scaled"].round(2)
    (array([16.,  4.,  0.]), array([1.41, 0.35, 0.  ]))
    """

    _module = "scores"
    _esm = STATIC / "scores.mjs"

    query = List(Float()).tag(sync=True)
    key = List(List(Float())).tag(sync=True)
    width = Int(2).tag(sync=True)
    scale = Float(1.0).tag(sync=True)
    key_strength = Float(5.0).tag(sync=True)
    general = List(List(Float()), read_only=True).tag(sync=True)
    concat = List(List(Float()), read_only=True).tag(sync=True)
    v = List(Float(), read_only=True).tag(sync=True)
    location = List(List(Float()), read_only=True).tag(sync=True)

    def __init__(
        self,
        query: Any = (1.0, 0.9),
        key: Any = KEY,
        *,
        alt: str = "a query among keys, and the weights that six score functions give them",
        width: int = 2,
        scale: Number = 1.0,
        key_strength: Number = 5.0,
        general: Any = GENERAL,
        concat: Any = CONCAT,
        v: Any = V,
        location: Any = None,
    ) -> None:
        n_key = len(key)
        _check.at_least("the number of keys", n_key, 2)
        _check.at_most("the number of keys", n_key, len(LETTERS))
        self._n_key = n_key
        location = LOCATION[:n_key] if location is None else location
        fixed = {
            "general": _finite("general", general, (2, 2)),
            "concat": _finite("concat", concat, (len(v), 4)),
            "v": _finite("v", v, (None,)),
            "location": _finite("location", location, (n_key, 2)),
        }
        for name, value in fixed.items():
            self.set_trait(name, value.tolist())
        super().__init__(
            alt=alt,
            query=np.asarray(query, float).tolist(),
            key=np.asarray(key, float).tolist(),
            width=width,
            scale=float(scale),
            key_strength=float(key_strength),
        )

    @validate("query", "key")
    def _inside(self, proposal: Any) -> Any:
        name = proposal["trait"].name
        shape = (2,) if name == "query" else (self._n_key, 2)
        return np.clip(_finite(name, proposal["value"], shape), -EDGE, EDGE).tolist()

    @validate("width")
    def _wide(self, proposal: Any) -> int:
        return min(max(proposal["value"], 2), 512)

    @validate("scale", "key_strength")
    def _limited(self, proposal: Any) -> float:
        name, value = proposal["trait"].name, proposal["value"]
        _check.finite(name, value)
        low, high = LIMITS[name]
        return min(max(value, low), high)

    def scores(self) -> dict[str, Array]:
        """The score of each key under each function, six arrays (n_key,).

        They are computed by `attn_course.families.reference` on vectors `width` wide.
        """
        grow = self.scale * (self.width / 2) ** 0.25
        query = self._padded(grow * np.array([self.query]))
        key = self._padded(grow * np.array(list(self.key)))
        concat, v = np.array(list(self.concat)), np.array(self.v)
        general = self._padded(self._padded(np.array(list(self.general))).T).T
        both = np.hstack([self._padded(concat[:, :2]), self._padded(concat[:, 2:])])
        found = (
            dot_score(query, key),
            scaled_dot_score(query, key),
            cosine_score(query, key, self.key_strength),
            general_score(query, key, general),
            concat_score(query, key, both, v),
            location_score(query, self._padded(np.array(list(self.location)))),
        )
        return {name: score[0] for name, score in zip(NAMES, found, strict=True)}

    def _padded(self, rows: Array) -> Array:
        """Rows of two numbers with zeros behind them, up to the width."""
        return np.pad(rows, ((0, 0), (0, self.width - rows.shape[1])))

    def weights(self) -> dict[str, Array]:
        """The weight of each key under each function, six arrays (n_key,) that sum to one."""
        value = np.eye(self._n_key)
        mask = np.ones((1, self._n_key), bool)
        return {
            name: attend(score[None], value, mask)[1][0] for name, score in self.scores().items()
        }

    def picture(self) -> str:
        """Static form of the figure: the plane, and six groups of bars."""
        side, top, gap = 288.0, 4.0, 22.0
        middle, unit = side / 2, side / (2 * EDGE)

        def place(point: Any) -> tuple[float, float]:
            return middle + unit * point[0], top + middle - unit * point[1]

        content = (
            f'<rect x="0.5" y="{top:g}" width="{side - 1:g}" height="{side:g}" fill="none"'
            f' stroke="{COLOURS["grey"]}"/><path d="M0 {top + middle:g}h{side:g}M{middle:g} {top:g}'
            f'v{side:g}" stroke="{COLOURS["grey"]}" stroke-width="0.7"/>'
        )
        spots = [*zip(LETTERS, LOOKS, list(self.key), strict=False), ("q", None, self.query)]
        for name, colour, point in spots:
            x, y = place(point)
            colour = colour or "currentColor"
            content += (
                f'<path d="M{middle:g} {top + middle:g}L{x:.1f} {y:.1f}" stroke="{colour}"'
                f' stroke-width="{3 if name == "q" else 1.6}"/>'
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="10" fill="#fff" stroke="{colour}"'
                f' stroke-width="2.5"/><text x="{x:.1f}" y="{y + 4.5:.1f}" fill="#1d2026"'
                f' {MIDDLE} font-weight="600">{name}</text>'
            )
        wide, high, bar = 175.0, 99.0, 44.0
        said = [
            f"The query at {_pair(self.query)}, the keys "
            + ", ".join(f"{a} at {_pair(k)}" for a, k in zip(LETTERS, list(self.key), strict=False))
        ]
        for k, (title, weight) in enumerate(zip(TITLES, self.weights().values(), strict=True)):
            left, upper = side + gap + (k % 2) * (wide + gap), (k // 2) * high
            content += f'<text x="{left:g}" y="{upper + 13:g}">{html.escape(title)}</text>'
            said.append(
                f"{title}: "
                + ", ".join(f"{a} {w:.2f}" for a, w in zip(LETTERS, weight, strict=False))
            )
            foot, each = upper + 33 + bar, wide / self._n_key
            for j, w in enumerate(weight):
                x = left + each * j
                content += (
                    f'<rect x="{x + 3:.1f}" y="{foot - bar * w:.2f}" width="{each - 6:.1f}"'
                    f' height="{bar * w:.2f}" fill="{LOOKS[j]}"/>'
                    f'<text x="{x + each / 2:.1f}" y="{foot + 14:.1f}" {MIDDLE}>{LETTERS[j]}'
                    f'</text><text x="{x + each / 2:.1f}" y="{foot - bar * w - 4:.1f}" {MIDDLE}'
                    f' font-size="11">{number(w, 2)}</text>'
                )
            content += (
                f'<path d="M{left:g} {foot:g}h{wide:g}" stroke="currentColor" stroke-width="0.8"/>'
            )
        settings = (
            f"width {self.width}, vectors × {self.scale:.2g}, key strength {self.key_strength:.3g}"
        )
        content += f'<text y="{top + side + 18:g}">{settings}</text>'
        alt = described(self.alt, *said, settings)
        return svg(side + 2 * (gap + wide), top + side + 24, alt, content)


def _finite(name: str, values: Any, shape: tuple[int | None, ...]) -> Array:
    array = np.asarray(values, float)
    _check.shape(name, array.shape, shape)
    for value in array.flat:
        _check.finite(name, float(value))
    return array


def _pair(point: Any) -> str:
    return f"({number(point[0], 1)}, {number(point[1], 1)})"
