"""A field to draw on, and a trained model that looks at it."""

import base64
import html
import json
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from traitlets import Bytes, Dict, Int, List, Unicode, observe, validate

from attn_course import _check
from attn_course._typing import Array
from attn_course.figures.draw import LETTER, labels, svg, svg_image
from attn_course.figures.live import STATIC, LiveFigure
from attn_course.figures.style import COLOURS
from attn_course.figures.trained import (
    model_folder,
    named,
    picture_of,
    recorded_digest,
    recorded_weights,
)

LOOKS = ("blue", "teal", "orange", "plum")  # of the first window, the second, …


class Canvas(LiveFigure):
    """The reader draws, or drops a shipped picture into a field, and a trained model reads it.

    In Jupyter the kernel answers. In a page the very same function of the package answers, in the
    page's Python and with the recorded weights, loaded at the first click; where there is no
    Python, the picture remains.

    Parameters
    ----------
    function : callable
        Of the package, NumPy only: takes a picture (height, width) in [0, 1] and the weights, and
        returns a dictionary as `readers.read_digit` does. If it names the windows' centres too, as
        `readers.walk_over_digit` does, they are joined by a line and numbered.
    model : str
        The recorded run, "gaussian/reader-4".
    stamps : (n, height, width), uint8
        Pictures to drop into the field.
    alt : str
        What the figure shows, for those who do not see it.
    names : sequence, optional
        A name for each stamp. Without it they are counted from zero.
    size : (height, width)
        Of the field.
    what : str
        What a stamp is, in one word.
    n_piece, piece : int
        How many pieces of stamps make up clutter, and their side. Without pieces there is no
        button for clutter.
    margin : int
        Width of a black rim around the field, in its pixels. Windows are drawn on it too, so that
        one sees those that reach over the edge.
    options : mapping, optional
        Further arguments of the function, by name; numbers or text.

    Raises
    ------
    ValueError
        If the stamps do not fit the field, the function is not of the package, or no weights are
        recorded.
    """

    _module = "canvas"
    _esm = STATIC / "canvas.mjs"

    function = Unicode(read_only=True).tag(sync=True)
    model = Unicode(read_only=True).tag(sync=True)
    digest = Unicode(read_only=True).tag(sync=True)
    stamps = Bytes(read_only=True).tag(sync=True)
    shape = List(Int(), read_only=True).tag(sync=True)
    names = List(Unicode(), read_only=True).tag(sync=True)
    size = List(Int(), read_only=True).tag(sync=True)
    what = Unicode(read_only=True).tag(sync=True)
    clutter = List(Int(), read_only=True).tag(sync=True)
    margin = Int(read_only=True).tag(sync=True)
    options = Dict(read_only=True).tag(sync=True)
    stamp = Int(0).tag(sync=True)
    x = Int(0).tag(sync=True)
    y = Int(0).tag(sync=True)
    request = Unicode("").tag(sync=True)  # JSON: a picture from the browser
    reply = Unicode("").tag(sync=True)  # JSON: what the model says of it

    def __init__(
        self,
        function: Callable[..., dict[str, Any]],
        model: str,
        stamps: Array,
        *,
        alt: str,
        names: Sequence[object] | None = None,
        size: tuple[int, int] = (60, 60),
        what: str = "digit",
        n_piece: int = 4,
        piece: int = 8,
        margin: int = 0,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        if stamps.dtype != np.uint8:
            raise TypeError(f"stamps must be uint8, got {stamps.dtype}")
        _check.shape("stamps", stamps.shape, (None, None, None), "one picture or more")
        n, height, width = stamps.shape
        if not n or height > size[0] or width > size[1]:
            raise ValueError(f"stamps {stamps.shape} must fit a field of {size}")
        folder = model_folder(model)
        self._function = function
        self._stamps = stamps
        fixed = {
            "function": named(function),
            "model": folder.relative_to(folder.parents[2]).as_posix(),
            "digest": recorded_digest(folder),
            "stamps": stamps.tobytes(),
            "shape": list(stamps.shape),
            "names": labels("names", names, n),
            "size": list(size),
            "what": what,
            "clutter": [n_piece, piece],
            "margin": margin,
            "options": dict(options or {}),
        }
        for name, value in fixed.items():
            self.set_trait(name, value)
        super().__init__(alt=alt, x=(size[1] - width) // 2, y=(size[0] - height) // 2)

    @validate("stamp", "x", "y")
    def _inside(self, proposal: dict[str, Any]) -> int:
        height, width = self.size
        last = {
            "stamp": self.shape[0] - 1,
            "x": width - self.shape[2],
            "y": height - self.shape[1],
        }
        return min(max(proposal["value"], 0), last[proposal["trait"].name])

    @observe("request")
    def _answer(self, change: dict[str, Any]) -> None:
        if not change["new"]:
            return
        asked = json.loads(change["new"])
        try:
            said = self.read(picture_of(asked["image"], self.size))
        except Exception as error:  # is for the reader to see
            said = {"error": f"{type(error).__name__}: {error}"}
        self.reply = json.dumps({"id": asked["id"], **said})

    def field(self) -> Array:
        """The field (height, width) in [0, 1] with the chosen stamp and nothing else."""
        field = np.zeros(self.size)
        _, height, width = self.shape
        field[self.y : self.y + height, self.x : self.x + width] = self._stamps[self.stamp] / 255
        return field

    def read(self, image: Array | None = None) -> dict[str, Any]:
        """What the model says of a picture, or of the field as it stands."""
        weights = recorded_weights(self.model)
        field = self.field() if image is None else image
        return self._function(field, weights, **self.options)

    def picture(self) -> str:
        """Static form of the figure: the field, the windows, what was read."""
        said = self.read()
        grey = np.pad((255 * self.field()).round().astype(np.uint8), self.margin)
        height, width = grey.shape
        scale = 300 / width
        bottom = height * scale
        field = svg_image(grey, 0, 0, 300, bottom)
        if self.margin:
            left, wide, high = (n * scale for n in (self.margin, self.size[1], self.size[0]))
            place = f'x="{left:.1f}" y="{left:.1f}" width="{wide:.1f}" height="{high:.1f}"'
            field += f'<rect {place} fill="none" stroke="{COLOURS["grey"]}"/>'
        walk = "centre" in said
        for k, corner in enumerate(np.array(said["corner"]) + self.margin):
            upright = lies_upright(corner)
            if upright:  # a window larger than the field remains in sight
                corner = np.clip(corner, 0.3, np.array([width, height]) - 0.3)
            points = [f"{x:.1f},{y:.1f}" for x, y in corner * scale]
            look = f'fill="none" stroke="{COLOURS[LOOKS[k % len(LOOKS)]]}" stroke-width='
            thickness = 2 if walk else 1.5 + k / 2
            field += f'<polygon points="{" ".join(points)}" {look}"{thickness:g}"/>'
            if not upright:
                field += f'<polyline class="top" points="{" ".join(points[:2])}" {look}"5"/>'
        if walk:
            field += _way((np.array(said["centre"]) + self.margin) * scale)
        field = f'<svg width="300" height="{bottom:.1f}">{field}</svg>'  # cuts off what lies beyond
        for line in textwrap.wrap(said["says"], int(300 / LETTER)):
            bottom += 18
            field += f'<text x="0" y="{bottom:g}">{html.escape(line)}</text>'
        return svg(300, bottom + 6, f"{self.alt.rstrip(' .')}. {said['says']}", field)


def lies_upright(corner: Array) -> bool:
    """Whether a window lies in the field as the reader sees it: not turned, slanted or mirrored."""
    (left, top), _, (right, bottom), _ = corner
    plain = [[left, top], [right, top], [right, bottom], [left, bottom]]
    return bool(left < right and top < bottom and (corner == plain).all())


def _way(centre: Array) -> str:
    """A line from centre to centre, and the number of each."""
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in centre)
    way = f'<g class="way" fill="none" stroke-linejoin="round"><polyline points="{points}"'
    content = f'{way} stroke="#000" stroke-width="4"/><polyline points="{points}" stroke="#fff"'
    content += ' stroke-width="1.5"/></g>'
    for k, (x, y) in enumerate(centre):
        colour = COLOURS[LOOKS[k % len(LOOKS)]]
        content += f'<circle cx="{x:.1f}" cy="{y:.1f}" r="8" fill="#fff"'
        content += f' stroke="{colour}" stroke-width="2"/>'
        content += (
            f'<text x="{x:.1f}" y="{y + 4:.1f}" fill="#1d2026" font-size="11" font-weight="600"'
            f' text-anchor="middle">{k + 1}</text>'
        )
    return content


def encoded(image: Array) -> str:
    """A grey picture in [0, 1] as the browser sends it."""
    return base64.b64encode((255 * image).round().astype(np.uint8).tobytes()).decode("ascii")
