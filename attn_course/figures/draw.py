"""Drawings as SVG from NumPy and the standard library alone, for the browser's Python as well.

A drawing lies on no paper. Its text takes the colour of the page around it, and the colours of
`style.COLOURS` and of `heat` can be told from the page in the light and in the dark.
"""

import base64
import html
import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from attn_course import _check
from attn_course._typing import Array, Number
from attn_course.figures.style import COLOURS

# Colours of the levels -1, -1/2, 0, 1/2, 1; the upper half is that of glimpse.mjs.
SCALE = np.array(
    [[214, 230, 255], [61, 127, 214], [20, 24, 30], [208, 102, 10], [255, 238, 208]]
)  # fmt: skip
# Colour and dashes of the curves: they differ by more than their colour.
LOOKS = tuple(zip(COLOURS.values(), ("", "7 4", "2 3", "10 3 2 3", "4 2"), strict=True))
N_NUMBERED = 12  # rows and columns of a matrix whose cells show their numbers
LETTER = 7.8  # width of a letter of 13 px, roughly
MIDDLE = 'text-anchor="middle"'


class Drawing:
    """An SVG picture with alternative text, shown by Jupyter and by a page, its live cells too.

    Parameters
    ----------
    width, height : float
        Size in pixels; on a narrow page the drawing shrinks.
    alt : str
        What the drawing shows, for those who do not see it. It may not be empty.
    content : str
        What stands inside the SVG element.

    Raises
    ------
    ValueError
        If there is no alternative text.
    """

    def __init__(self, width: Number, height: Number, alt: str, content: str) -> None:
        self.alt = described(alt)
        self.svg = svg(width, height, alt, content)

    def __repr__(self) -> str:
        return f"<Drawing: {self.alt}>"

    def _repr_html_(self) -> str:
        return f'<figure class="attn-drawing" style="margin:0">{self.svg}</figure>'


def show_matrix(
    values: Array,
    *,
    alt: str,
    rows: Sequence[object] | None = None,
    columns: Sequence[object] | None = None,
    names: tuple[str, str] = ("row", "column"),
    limit: Number | None = None,
    digits: int = 2,
) -> Drawing:
    """A matrix as coloured cells, small ones with their numbers.

    Parameters
    ----------
    values : (n_row, n_column)
        Weights, scores, a boolean mask. What is not finite is grey.
    alt : str
        What the matrix shows; size, range and the place of the largest value are added.
    rows, columns : sequence, optional
        A name for each row and column. Without them they are counted from zero.
    names : (str, str)
        What a row and a column are: ("query", "key").
    limit : float, optional
        Size of the value with the brightest colour; without it that of the largest. Zero is dark,
        positive values are amber and negative ones blue.
    digits : int
        Digits behind the point.

    Returns
    -------
    drawing : Drawing

    Raises
    ------
    ValueError
        If the shape is not that of a matrix, the names are not as many or there is no text.

    Examples
    --------
    >>> show_matrix(np.eye(2), alt="each token attends to itself", names=("query", "key"))
    <Drawing: each token attends to itself. 2 by 2, from 0.00 to 1.00, largest at query 0, key 0>
    """
    values = np.asarray(values)
    digits = 0 if values.dtype.kind in "biu" else digits
    values = values.astype(float)
    _check.shape("values", values.shape, (None, None))
    _check.at_least("the size of values", values.size, 1)
    n_row, n_column = values.shape
    row_names = labels("rows", rows, n_row)
    column_names = labels("columns", columns, n_column)
    texts = [[number(value, digits) for value in row] for row in values]
    colours = heat(values / (limit or largest(values)))

    numbered = max(n_row, n_column) <= N_NUMBERED
    wide = max(4, min(20, 400 / max(n_row, n_column)))  # of one cell
    high = 26 if numbered else wide
    if numbered:
        wide = max(30, 8 + LETTER * max(len(text) for row in texts for text in row))
    named = wide >= 12  # there is room for names
    upright = any(LETTER * len(name) > wide for name in column_names)
    heading = f"{names[0]} ↓  {names[1]} →" if named and names != ("row", "column") else ""
    left, top = 0.0, 20.0 if heading else 0.0
    content = f'<text y="13">{html.escape(heading)}</text>' if heading else ""
    if named:
        left = 8 + LETTER * max(map(len, row_names))
        top += 8 + (LETTER * max(map(len, column_names)) if upright else 13)
        for i, name in enumerate(row_names):
            content += _text(left - 6, top + (i + 0.5) * high + 4.5, name, 'text-anchor="end"')
        for j, name in enumerate(column_names):
            x, y = left + (j + 0.5) * wide, top - 6
            turn = f'transform="rotate(-90 {x + 4.5:.1f} {y:.1f})"'
            content += _text(x + 4.5, y, name, turn) if upright else _text(x, y, name, MIDDLE)
    across, down = n_column * wide, n_row * high
    content += svg_image(colours, left, top, across, down)
    if numbered:
        for i, j in np.ndindex(n_row, n_column):
            ink = "#000" if luminance(colours[i, j]) > 0.179 else "#fff"
            x, y = left + (j + 0.5) * wide, top + (i + 0.5) * high + 4.5
            content += _text(x, y, texts[i][j], f'{MIDDLE} fill="{ink}"')
    # A line around the cells: those of zero are as dark as a dark page.
    content += (
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{across:.1f}" height="{down:.1f}"'
        f' fill="none" stroke="{COLOURS["grey"]}"/>'
    )

    said = f"{n_row} by {n_column}"
    known = np.isfinite(values)
    if known.any():
        i, j = divmod(int(np.argmax(np.where(known, values, -np.inf))), n_column)
        low, most = number(values[known].min(), digits), texts[i][j]
        place = f"{names[0]} {row_names[i]}, {names[1]} {column_names[j]}"
        said += f", from {low} to {most}, largest at {place}"
    size = max(left + across, LETTER * len(heading)) + 1, top + down + 1
    return Drawing(*size, described(alt, said), content)


def show_curves(
    x: Array,
    curves: Mapping[str, Array],
    *,
    alt: str,
    names: tuple[str, str] = ("x", "y"),
) -> Drawing:
    """Curves over one axis, told apart by colour and by dashes.

    Parameters
    ----------
    x : (n_point,)
        Where the curves are known, in rising order.
    curves : mapping of str to (n_point,)
        Up to five curves by name. A value that is not finite leaves a gap.
    alt : str
        What the curves show; where each begins and ends is added.
    names : (str, str)
        What the axes measure.

    Returns
    -------
    drawing : Drawing

    Raises
    ------
    ValueError
        If a curve has the wrong length, there is none or too many, or there is no text.

    Examples
    --------
    >>> show_curves(np.arange(3), {"loss": np.array([2.0, 1.0, 0.5])}, alt="the loss falls")
    <Drawing: the loss falls. loss: from 2 to 0.5>
    """
    x = np.asarray(x, float)
    _check.shape("x", x.shape, (None,))
    _check.at_least("the size of x", x.size, 1)
    _check.at_least("the number of curves", len(curves), 1)
    _check.at_most("the number of curves", len(curves), len(COLOURS))
    lines = {name: np.asarray(line, float) for name, line in curves.items()}
    for name, line in lines.items():
        _check.shape(name, line.shape, (x.size,), "as many values as x")
    known = np.concatenate([line[np.isfinite(line)] for line in lines.values()])
    known = known if known.size else np.zeros(1)
    names_above, above = legend(list(lines))
    plane = Plane((x.min(), x.max()), (known.min(), known.max()), above)
    content = names_above + plane.axes(*names)
    for (colour, dash), line in zip(LOOKS, lines.values(), strict=False):
        content += f'<path d="{plane.path(x, line)}" {look(colour, dash)}/>'
    said = [f"{name}: from {line[0]:.3g} to {line[-1]:.3g}" for name, line in lines.items()]
    return Drawing(plane.width, plane.height, described(alt, *said), content)


def show_image(
    image: Array, *, alt: str, limits: tuple[Number, Number] | None = None, size: int = 224
) -> Drawing:
    """An image, enlarged with sharp pixels.

    Parameters
    ----------
    image : (height, width) or (height, width, 3)
        Grey or colours: uint8, or numbers between the limits.
    alt : str
        What the image shows; its size is added.
    limits : (low, high), optional
        Values shown black and white. Without them 0 and 255 for uint8, else the smallest and the
        largest value.
    size : int
        Length of the longer side, in pixels of the page.

    Returns
    -------
    drawing : Drawing

    Raises
    ------
    ValueError
        If the shape is not that of an image or there is no text.

    Examples
    --------
    >>> show_image(np.eye(8), alt="a diagonal")
    <Drawing: a diagonal. 8 by 8 pixels>
    """
    image = np.asarray(image)
    _check.shape("image", image.shape, (None, None, 3) if image.ndim == 3 else (None, None))
    _check.at_least("the size of image", image.size, 1)
    if image.dtype != np.uint8 or limits is not None:
        low, high = limits or (np.nanmin(image), np.nanmax(image))
        level = np.nan_to_num((image.astype(float) - low) / ((high - low) or 1))
        image = np.rint(255 * np.clip(level, 0, 1)).astype(np.uint8)
    height, width = image.shape[:2]
    across, down = (size * side / max(height, width) for side in (width, height))
    said = described(alt, f"{height} by {width} pixels")
    return Drawing(across, down, said, svg_image(image, 0, 0, across, down))


# --- what the drawings, and the static pictures of the live figures, are made of ------------------


def described(alt: str, *more: str) -> str:
    """The text for those who do not see, and what can be added to it; it may not be empty."""
    if not alt.strip():
        raise ValueError(f"alt must say what the figure shows, got {alt!r}")
    return ". ".join([alt.rstrip(" ."), *more]) if more else alt


def heat(level: Array) -> Array:
    """Colours of levels from -1 to 1, (..., 3) in uint8: zero is dark, both ends are bright.

    What is not finite has the palette's grey; what lies beyond has the colour of the end.
    """
    known = np.isfinite(level)
    at = np.linspace(-1, 1, len(SCALE))
    mixed = np.stack([np.interp(level, at, channel) for channel in SCALE.T], axis=-1)
    grey = [int(COLOURS["grey"][k : k + 2], 16) for k in (1, 3, 5)]
    return np.rint(np.where(known[..., None], mixed, grey)).astype(np.uint8)


def largest(values: Array) -> float:
    """Size of the largest finite value, or 1 where there is none but zeros."""
    return float(np.abs(values[np.isfinite(values)]).max(initial=0)) or 1.0


def luminance(colour: Array) -> float:
    """Relative luminance of a colour of three bytes, as WCAG 2 has it."""
    value = np.asarray(colour) / 255
    bright = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return float(bright @ [0.2126, 0.7152, 0.0722])


def number(value: Number, digits: int) -> str:
    """A number for a cell: a true minus, and a sign for what is infinite."""
    if not np.isfinite(value):
        return {np.inf: "∞", -np.inf: "−∞"}.get(value, "nan")
    return minus(f"{value:.{digits}f}")


def minus(text: str) -> str:
    """The text with a true minus."""
    return text.replace("-", "−")


def labels(name: str, given: Sequence[object] | None, n: int) -> list[str]:
    """The names given for rows, columns or steps, or their numbers from zero."""
    if given is None:
        return [str(i) for i in range(n)]
    _check.shape(name, (len(given),), (n,), "one name for each")
    return [str(each) for each in given]


def ticks(low: Number, high: Number) -> list[float]:
    """Three to six round numbers from low to high."""
    rough = (high - low) / 4
    unit = 10.0 ** np.floor(np.log10(rough))
    step = unit * min((1, 2, 5, 10), key=lambda m: abs(np.log(m * unit / rough)))
    first, last = np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9)
    return [float(round(k * step, 12)) + 0.0 for k in np.arange(first, last + 1)]


class Plane:
    """Data coordinates on a plane 420 pixels wide, with axes.

    Parameters
    ----------
    across, up : (low, high)
        What the axes span; what has no span is given one.
    above : float
        Room above, in pixels, for a legend.
    """

    def __init__(
        self, across: tuple[Number, Number], up: tuple[Number, Number], above: Number = 0
    ) -> None:
        self.above = above
        self.left, self.top, self.right, self.bottom = 52, above + 24, 408, above + 210
        self.width, self.height = 420, above + 250
        self.across, self.up = (
            (low, high) if high > low else (low - 0.5, low + 0.5) for low, high in (across, up)
        )

    def x(self, value: Any) -> Any:
        """Pixels from the left."""
        low, high = self.across
        return self.left + (self.right - self.left) * (value - low) / (high - low)

    def y(self, value: Any) -> Any:
        """Pixels from above."""
        low, high = self.up
        return self.bottom + (self.top - self.bottom) * (value - low) / (high - low)

    def path(self, x: Array, y: Array) -> str:
        """Path through points; one that is not finite leaves a gap, a lone one is a dot."""
        path, pen = "", "M"
        for one, other in zip(self.x(x), self.y(y), strict=True):
            if np.isfinite(other):
                path += f"{pen}{one:.1f} {other:.1f}" + ("h0" if pen == "M" else "")
            pen = "L" if np.isfinite(other) else "M"
        return path

    def axes(self, x_name: str, y_name: str) -> str:
        """Axes with round numbers and names."""
        left, bottom = self.left, self.bottom
        line = f"M{left} {self.top}V{bottom}H{self.right}"
        content = _text(0, self.above + 13, y_name)
        content += _text(self.right, self.height - 4, x_name, 'text-anchor="end"')
        for tick in ticks(*self.across):
            line += f"M{self.x(tick):.1f} {bottom}v4"
            content += _text(self.x(tick), bottom + 17, minus(f"{tick:.6g}"), MIDDLE)
        for tick in ticks(*self.up):
            line += f"M{left} {self.y(tick):.1f}h-4"
            place = left - 7, self.y(tick) + 4.5
            content += _text(*place, minus(f"{tick:.6g}"), 'text-anchor="end"')
        return f'<path d="{line}" fill="none" stroke="currentColor" stroke-width="0.8"/>{content}'


def look(colour: str, dash: str) -> str:
    """Attributes of a curve's path."""
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'fill="none" stroke="{colour}" stroke-width="2.2" stroke-linejoin="round"{dashed}'


def legend(names: list[str]) -> tuple[str, int]:
    """A sample and a name for each of several curves, and the height of them all."""
    if len(names) < 2:
        return "", 0
    content, x, y = "", 0.0, 13
    for (colour, dash), name in zip(LOOKS, names, strict=False):
        wide = 46 + LETTER * len(name)
        if x and x + wide > 420:
            x, y = 0.0, y + 20
        content += f'<path d="M{x:.1f} {y - 4}h28" {look(colour, dash)}/>'
        content += _text(x + 34, y, name)
        x += wide
    return content, y + 7


def _text(x: Number, y: Number, text: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {more}>{html.escape(text)}</text>'


def png(image: Array) -> bytes:
    """An uint8 image, (height, width) or (height, width, 3), as the bytes of a PNG file."""
    height, width = image.shape[:2]
    change = np.diff(image.reshape(height, -1), axis=0, prepend=np.uint8(0))  # modulo 256
    rows = np.insert(change, 0, 2, axis=1)  # 2: "what is added to the row above"
    kind = 2 if image.ndim == 3 else 0
    chunks = {
        b"IHDR": struct.pack(">2I5B", width, height, 8, kind, 0, 0, 0),
        b"IDAT": zlib.compress(rows.tobytes(), 9),
        b"IEND": b"",
    }
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks.items()
    )


def svg(width: Number, height: Number, alt: str, content: str) -> str:
    """An SVG element with alternative text that fits itself to the width of the page."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{html.escape(alt)}"'
        f' viewBox="0 0 {width:g} {height:g}" style="display:block;width:100%;'
        f'max-width:{width:g}px;font:13px system-ui,sans-serif" fill="currentColor">{content}</svg>'
    )


def svg_image(image: Array, x: Number, y: Number, width: Number, height: Number) -> str:
    """A picture inside an SVG element; enlarged pixels stay sharp."""
    data = base64.b64encode(png(image)).decode("ascii")
    return (
        f'<image x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"'
        ' preserveAspectRatio="none" style="image-rendering:pixelated"'
        f' href="data:image/png;base64,{data}"/>'
    )
