"""An affine grid over a photograph that the reader drags, turns and shears, and what it reads."""

from typing import Any

import ipywidgets
import numpy as np
from traitlets import Bool, Bytes, Float, Int, List, Unicode, validate

from attn_course import _check
from attn_course._typing import Array
from attn_course.figures.draw import png, svg, svg_image
from attn_course.figures.live import STATIC, LiveFigure
from attn_course.spatial_transformer.reference import (
    PADDINGS,
    affine_grid,
    bilinear_sample,
    crop_matrix,
    identity_raw,
    pixel_position,
)

CORNERS = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])


class SamplerFigure(LiveFigure):
    """The box and the points of an affine grid on a photograph, and the output read there.

    One pixel of the output is chosen; of it the figure shows the four pixels around the point that
    is read, their weights, and the sum. In Jupyter the traits follow the mouse and the mouse
    follows the traits: read `figure.theta` or `figure.glimpse()` in the next cell, or show
    `figure.controls()`. On a built page the same figure computes in the page.

    Parameters
    ----------
    image : (height, width) or (height, width, 3), uint8
        The photograph. Of colours the mean is taken.
    alt : str
        What the photograph shows, for those who do not see it.
    theta : (2, 3), optional
        The affine map, as `affine_grid` takes it. Without it the box is half as wide and as high as
        the photograph, in its middle.
    size : (h, w)
        Size of the output, in pixels.
    align_corners : bool
        If true -1 and 1 are the centres of the outermost pixels, else their outer edges.
    padding : "zeros" or "border"
        What lies outside, as in `bilinear_sample`.
    pixel : (row, column)
        The pixel of the output that is chosen.

    Raises
    ------
    ValueError
        If an argument has the wrong shape, a number is not finite, the padding is unknown or the
        pixel is not in the output.
    TypeError
        If the image is not uint8.

    Examples
    --------
    >>> figure = SamplerFigure(np.eye(4, dtype=np.uint8) * 255, alt="a diagonal", size=(2, 2))
    >>> figure.glimpse()
    array([[1., 0.],
           [0., 1.]])
    >>> figure.theta = np.array([[1.0, 0.0, 0.25], [0.0, 1.0, 0.0]])
    >>> figure.positions()[0]  # (x, y) of the first row of points, in pixels
    array([[1. , 0.5],
           [3. , 0.5]])
    """

    _module = "sampler"
    _esm = STATIC / "sampler.mjs"

    image = Bytes(read_only=True).tag(sync=True)
    height = Int(read_only=True).tag(sync=True)
    width = Int(read_only=True).tag(sync=True)
    rows = Int(read_only=True).tag(sync=True)
    columns = Int(read_only=True).tag(sync=True)
    raw = List(Float(), identity_raw("affine").tolist()).tag(sync=True)
    align_corners = Bool(False).tag(sync=True)
    padding = Unicode("zeros").tag(sync=True)
    row = Int(0).tag(sync=True)
    column = Int(0).tag(sync=True)

    def __init__(
        self,
        image: Array,
        *,
        alt: str,
        theta: Array | None = None,
        size: tuple[int, int] = (8, 8),
        align_corners: bool = False,
        padding: str = "zeros",
        pixel: tuple[int, int] = (0, 0),
    ) -> None:
        if image.dtype != np.uint8:
            raise TypeError(f"image must be uint8, got {image.dtype}")
        if image.ndim == 3:
            _check.shape("image", image.shape, (None, None, 3))
            image = np.rint(image.mean(axis=2)).astype(np.uint8)
        _check.shape("image", image.shape, (None, None))
        _check.at_least("size", min(size), 1)
        fixed = {"image": image.tobytes(), "rows": size[0], "columns": size[1]}
        fixed |= dict(zip(("height", "width"), image.shape, strict=True))
        for name, value in fixed.items():
            self.set_trait(name, value)
        if theta is None:
            theta = crop_matrix(np.full(2, 0.5), np.zeros(2))
        _check.shape("theta", theta.shape, (2, 3))
        super().__init__(
            alt=alt,
            raw=theta.ravel().tolist(),
            align_corners=align_corners,
            padding=padding,
            row=pixel[0],
            column=pixel[1],
        )

    @validate("raw")
    def _six(self, proposal: Any) -> list[float]:
        _check.shape("raw", (len(proposal["value"]),), (6,))
        for number in proposal["value"]:
            _check.finite("theta", number)
        return proposal["value"]

    @validate("padding")
    def _known(self, proposal: Any) -> str:
        _check.one_of("padding", proposal["value"], PADDINGS)
        return proposal["value"]

    @validate("row", "column")
    def _inside(self, proposal: Any) -> int:
        name, value = proposal["trait"].name, proposal["value"]
        _check.at_least(name, value, 0)
        _check.at_most(name, value, getattr(self, f"{name}s") - 1)
        return value

    @property
    def pixels(self) -> Array:
        """The photograph as it is read: (1, height, width), grey from 0 to 1."""
        grey = np.frombuffer(self.image, np.uint8).reshape(1, self.height, self.width)
        return grey / 255

    @property
    def theta(self) -> Array:
        """The affine map now, (2, 3); setting it moves the figure."""
        return np.reshape(self.raw, (2, 3))

    @theta.setter
    def theta(self, theta: Array) -> None:
        _check.shape("theta", theta.shape, (2, 3))
        self.raw = theta.ravel().tolist()

    def glimpse(self) -> Array:
        """What is read at the points of the grid now, (h, w), grey from 0 to 1.

        It is computed by `attn_course.spatial_transformer.reference`, not by the figure.
        """
        grid = affine_grid(self.theta, (self.rows, self.columns), self.align_corners)
        return bilinear_sample(self.pixels, grid, self.padding, self.align_corners)[0]

    def positions(self) -> Array:
        """Where it is read, (h, w, 2): points (x, y) in pixels, clipped under "border"."""
        grid = affine_grid(self.theta, (self.rows, self.columns), self.align_corners)
        point = self._in_pixels(grid)
        last = [self.width - 1, self.height - 1]
        return np.clip(point, 0, last) if self.padding == "border" else point

    def controls(self) -> "Controls":
        """Fields tied to the figure, and the output as the package computes it."""
        return Controls(self)

    def picture(self) -> str:
        """Static form of the figure: the photograph with box and points, and the output."""
        h, w, gap, top = self.rows, self.columns, 24, 20
        corner = self._in_pixels(CORNERS @ self.theta[:, :2].T + self.theta[:, 2])
        point = self.positions()
        # All that lies outside the photograph finds room too.
        ends = np.concatenate([corner, [[-0.5, -0.5], [self.width - 0.5, self.height - 0.5]]])
        low, high = np.floor(ends.min(axis=0) - 1), np.ceil(ends.max(axis=0) + 1)
        scale = max(1, int(320 // (high - low).max()))
        wide, side = scale * (high - low)
        corner, where, photo = (
            scale * (place - low) + [0, top] for place in (corner, point, np.full(2, -0.5))
        )
        box = "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in corner) + "Z"
        dots = "".join(f"M{x:.2f} {y:.2f}h0" for x, y in where.reshape(-1, 2))
        chosen = '<path d="M{:.2f} {:.2f}h0"'.format(*where[self.row, self.column])
        x, y = point[self.row, self.column]
        seen = self.glimpse()
        alt = (
            f"{self.alt}, with the box of an affine grid of {h} by {w} points on it, its matrix "
            f"{', '.join(f'{number:.4g}' for number in self.raw[:3])}; "
            f"{', '.join(f'{number:.4g}' for number in self.raw[3:])}. Beside it the output, "
            f"{h} by {w} pixels, with align_corners {str(self.align_corners).lower()} and padding "
            f"{self.padding}. Its pixel in row {self.row}, column {self.column} is read at "
            f"x {x:.4g}, y {y:.4g}: {seen[self.row, self.column]:.3f}."
        )
        cell = side / h
        content = (
            f'<text y="13">image, {self.height} × {self.width}</text>'
            f'<text x="{wide + gap:g}" y="13">output, {h} × {w}</text>'
            + svg_image(
                _grey(self.pixels[0]), photo[0], photo[1], scale * self.width, scale * self.height
            )
            + f'<g fill="none" stroke-linecap="round"><path d="{box}" stroke="#000"'
            f' stroke-width="3"/><path d="{box}" stroke="#fff" stroke-width="1.5"/>'
            f'<path d="{dots}" stroke="#000" stroke-width="3"/>'
            f'<path d="{dots}" stroke="#fff" stroke-width="1.8"/>'
            f'{chosen} stroke="#000" stroke-width="6"/>{chosen} stroke="#ffa94d"'
            ' stroke-width="4"/></g>'
            + svg_image(_grey(seen), wide + gap, top, cell * w, side)
            + f'<rect x="{wide + gap + cell * self.column:.2f}" y="{top + cell * self.row:.2f}"'
            f' width="{cell:.2f}" height="{cell:.2f}" fill="none" stroke="#ffa94d"'
            ' stroke-width="2"/>'
        )
        return svg(wide + gap + cell * w, side + top, alt, content)

    def _in_pixels(self, point: Array) -> Array:
        sizes = (self.width, self.height)
        return np.stack(
            [pixel_position(point[..., k], n, self.align_corners) for k, n in enumerate(sizes)],
            axis=-1,
        )


class Controls(ipywidgets.HBox):
    """Fields for the numbers and rules of a `SamplerFigure`, and the package's own output.

    A built page, where no kernel answers, shows a line of text in its place.
    """

    def __init__(self, figure: SamplerFigure) -> None:
        layout = ipywidgets.Layout(width="6rem")
        self.numbers = [ipywidgets.FloatText(step=0.05, layout=layout) for _ in figure.raw]
        width = {"button_width": "5.5rem"}
        self.padding = ipywidgets.ToggleButtons(
            options=PADDINGS, description="padding", style=width
        )
        self.align_corners = ipywidgets.Checkbox(description="align_corners", indent=False)
        for name in ("padding", "align_corners"):
            ipywidgets.link((figure, name), (getattr(self, name), "value"))
        scale = max(1, 168 // max(figure.rows, figure.columns))
        self.image = ipywidgets.Image(format="png", width=scale * figure.columns)

        def change(place: int, value: float) -> None:
            figure.raw = [*figure.raw[:place], value, *figure.raw[place + 1 :]]

        def show(_: Any = None) -> None:
            for number, value in zip(self.numbers, list(figure.raw), strict=True):
                number.value = value
            block = np.ones((scale, scale), np.uint8)
            self.image.value = png(np.kron(_grey(figure.glimpse()), block))

        show()
        for k, number in enumerate(self.numbers):
            number.observe(lambda event, k=k: change(k, event["new"]), "value")
        figure.observe(show, ["raw", "padding", "align_corners"])
        heading = ipywidgets.HTML("output, computed in Python")
        rows = [ipywidgets.HBox(self.numbers[:3]), ipywidgets.HBox(self.numbers[3:])]
        super().__init__(
            [
                ipywidgets.VBox([*rows, self.padding, self.align_corners]),
                ipywidgets.VBox([heading, self.image]),
            ]
        )

    def __repr__(self) -> str:
        return "<Controls of a SamplerFigure>"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        data = super()._repr_mimebundle_(**kwargs)
        data["text/html"] = (
            "<p><em>In Jupyter, fields stand here that move the figure, and beside them the same "
            "output computed by the package.</em></p>"
        )
        return data


def _grey(image: Array) -> Array:
    return np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
