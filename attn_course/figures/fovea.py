"""A picture that is sharp only where the reader points: the pointer as the fovea of a retina."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from traitlets import Bool, Bytes, Float, Int, List, Unicode, validate

from attn_course import _check
from attn_course._typing import Array, Number
from attn_course.figures.draw import described, svg, svg_image
from attn_course.figures.live import STATIC, LiveFigure
from attn_course.soft_hard.reference import retina

LOOKS = ("blue", "orange", "teal", "plum")  # of the first question, the second, …
GROUND = 0.08  # grey of what no patch covers
LIMITS = {"size": (1, 64), "n_scale": (1, 6)}


class Fovea(LiveFigure):
    """A picture seen through a retina of several scales, which the reader's pointer moves.

    At each place the figure shows the patches that `attn_course.soft_hard.reference.retina` gives,
    and what they tell of the whole picture: each pixel at the resolution of the finest patch that
    covers it. If there are questions, the reader's way is kept for each of them and drawn in a
    colour of its own. In Jupyter the traits follow the pointer and the pointer follows the traits:
    read `figure.location`, `figure.patches()` or `figure.trails` in the next cell. On a built page
    the same figure computes in the page.

    Parameters
    ----------
    image : (height, width) or (height, width, 3)
        The picture: uint8, or numbers in [0, 1]. Of colours the mean is taken.
    alt : str
        What the picture shows, for those who do not see it.
    size : int
        Side of a patch, in numbers.
    n_scale : int
        How many patches, each twice as wide as the last.
    location : (x, y)
        Where the fovea is at first; the edges of the picture lie at -1 and 1.
    questions : sequence of str
        Up to four questions about the picture.

    Raises
    ------
    ValueError
        If the image has the wrong shape or range, a number is not in its limits, there are too many
        questions or there is no text.

    Examples
    --------
    >>> figure = Fovea(np.arange(16).reshape(4, 4) / 16, alt="a ramp", size=2, n_scale=2)
    >>> (figure.patches()[0] * 255).round()
    array([[ 80.,  96.],
           [143., 159.]])
    >>> figure.n_number, figure.seen().shape
    (8, (4, 4))
    """

    _module = "fovea"
    _esm = STATIC / "fovea.mjs"

    image = Bytes(read_only=True).tag(sync=True)
    height = Int(read_only=True).tag(sync=True)
    width = Int(read_only=True).tag(sync=True)
    questions = List(Unicode(), read_only=True).tag(sync=True)
    x = Float(0.0).tag(sync=True)
    y = Float(0.0).tag(sync=True)
    size = Int(16).tag(sync=True)
    n_scale = Int(3).tag(sync=True)
    question = Int(-1).tag(sync=True)  # the one that is chosen
    whole = Bool(False).tag(sync=True)  # whether the picture is shown as it is
    gaze = List(List(List(Float()))).tag(sync=True)  # of each question: x, y, seconds of rest

    def __init__(
        self,
        image: Array,
        *,
        alt: str,
        size: int = 16,
        n_scale: int = 3,
        location: tuple[Number, Number] = (0.0, 0.0),
        questions: Sequence[str] = (),
    ) -> None:
        grey = _bytes(np.asarray(image))
        _check.at_most("the number of questions", len(questions), len(LOOKS))
        fixed: dict[str, Any] = {"image": grey.tobytes(), "questions": list(map(str, questions))}
        fixed |= dict(zip(("height", "width"), grey.shape, strict=True))
        for name, value in fixed.items():
            self.set_trait(name, value)
        super().__init__(
            alt=alt,
            size=size,
            n_scale=n_scale,
            x=float(location[0]),
            y=float(location[1]),
            gaze=[[] for _ in questions],
        )

    @validate("x", "y")
    def _inside(self, proposal: Any) -> float:
        _check.finite(proposal["trait"].name, proposal["value"])
        return min(max(proposal["value"], -1.0), 1.0)

    @validate("size", "n_scale")
    def _limited(self, proposal: Any) -> int:
        name, value = proposal["trait"].name, proposal["value"]
        low, high = LIMITS[name]
        _check.at_least(name, value, low)
        _check.at_most(name, value, high)
        return value

    @validate("question")
    def _asked(self, proposal: Any) -> int:
        return min(max(proposal["value"], -1), len(self.questions) - 1)

    @validate("gaze")
    def _complete(self, proposal: Any) -> list[list[list[float]]]:
        ways = proposal["value"]
        _check.shape("gaze", (len(ways),), (len(self.questions),), "one list for each question")
        for point in (point for way in ways for point in way):
            _check.shape("a point of gaze", (len(point),), (3,), "x, y, seconds of rest")
        return ways

    @property
    def pixels(self) -> Array:
        """The picture as it is read: (1, height, width), grey from 0 to 1."""
        grey = np.frombuffer(self.image, np.uint8).reshape(1, self.height, self.width)
        return grey / 255

    @property
    def location(self) -> Array:
        """Where the fovea is now: (x, y), the edges of the picture being -1 and 1."""
        return np.array([self.x, self.y])

    @property
    def n_number(self) -> int:
        """How many numbers the retina gives."""
        return self.n_scale * self.size**2

    @property
    def trails(self) -> dict[str, Array]:
        """For each question the reader's way, (n_point, 3): x, y and seconds of rest there."""
        return {
            question: np.reshape(np.array(way, float), (-1, 3))
            for question, way in zip(self.questions, list(self.gaze), strict=True)
        }

    def patches(self) -> Array:
        """What the retina gives now, (n_scale, size, size), grey from 0 to 1.

        It is computed by `attn_course.soft_hard.reference.retina`, not by the figure.
        """
        return retina(self.pixels, self.location, self.size, self.n_scale)[:, 0]

    def seen(self) -> Array:
        """The picture (height, width) as the patches show it, NaN where none of them covers it."""
        return self._seen(self.patches())

    def _seen(self, patches: Array) -> Array:
        seen = np.full((self.height, self.width), np.nan)
        for k, patch in reversed(list(enumerate(patches))):
            wide = np.kron(patch, np.ones((2**k, 2**k)))
            left, top = self._corner(k)
            rows = slice(max(top, 0), max(min(top + len(wide), self.height), 0))
            columns = slice(max(left, 0), max(min(left + len(wide), self.width), 0))
            seen[rows, columns] = wide[
                rows.start - top : rows.stop - top, columns.start - left : columns.stop - left
            ]
        return seen

    def _corner(self, k: int) -> tuple[int, int]:
        """Upper left corner (x, y) of a patch, in pixels."""
        middle = (self.location + 1) / 2 * [self.width, self.height]
        left, top = np.floor(middle - self.size * 2**k / 2 + 0.5).astype(int)
        return int(left), int(top)

    def picture(self) -> str:
        """Static form of the figure: what is seen, the picture with the squares, the patches."""
        gap, top, side = 24, 20, 256 / max(self.height, self.width)
        wide, high = self.width * side, self.height * side
        below = top + high + gap + 12
        across = 2 * wide + gap
        patch = min((across - 8 * (self.n_scale - 1)) / self.n_scale, 96)
        content = (
            f'<text y="13">what you see</text><text x="{wide + gap:g}" y="13">the picture</text>'
            f'<text y="{below - 7:g}">the {self.n_scale} patches, each of {self.size} × '
            f"{self.size} numbers</text>"
        )
        patches = self.patches()
        seen = np.nan_to_num(self._seen(patches), nan=GROUND)
        content += svg_image(_grey(seen), 0, top, wide, high)
        content += svg_image(_grey(self.pixels[0]), wide + gap, top, wide, high)
        squares = ""
        for k, values in enumerate(patches):
            left, upper = (side * n for n in self._corner(k))
            edge = side * self.size * 2**k
            place = f'x="{left:.2f}" y="{upper:.2f}" width="{edge:.2f}" height="{edge:.2f}"'
            squares += f'<rect {place} stroke="#000" stroke-width="3"/>'
            squares += f'<rect {place} stroke="#fff" stroke-width="1.2"/>'
            content += svg_image(_grey(values), k * (patch + 8), below, patch, patch)
        content += (  # cuts off what lies beyond the picture
            f'<svg x="{wide + gap:g}" y="{top}" width="{wide:g}" height="{high:g}"'
            f' fill="none">{squares}</svg>'
        )
        alt = described(
            self.alt,
            f"Beside it what a retina of {self.n_scale} patches of {self.size} by {self.size} "
            f"numbers gives of it at x {self.x:.4g}, y {self.y:.4g}: sharp there, coarser with "
            f"distance, {self.n_number} numbers for {self.height * self.width} pixels.",
        )
        return svg(across, below + patch, alt, content)


def _bytes(image: Array) -> Array:
    """A grey picture in uint8."""
    if image.ndim == 3:
        _check.shape("image", image.shape, (None, None, 3))
        image = image.mean(axis=2) / (255 if image.dtype == np.uint8 else 1)
    _check.shape("image", image.shape, (None, None))
    _check.at_least("the size of image", image.size, 1)
    if image.dtype == np.uint8:
        return image
    if not (image >= 0).all() or not (image <= 1).all():
        raise ValueError("image must be uint8 or lie in [0, 1]")
    return _grey(image)


def _grey(image: Array) -> Array:
    return np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
