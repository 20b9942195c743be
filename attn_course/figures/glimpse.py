"""A Gaussian glimpse of a photograph that the reader drags and resizes."""

from typing import Any

import ipywidgets
import numpy as np
from traitlets import Bytes, Float, Int, Unicode, validate

from attn_course import _check
from attn_course._typing import Array, Number
from attn_course.figures.draw import png, svg, svg_image
from attn_course.figures.live import STATIC, LiveFigure
from attn_course.gaussian.reference import RULES, centre_to_first, gaussian_glimpse

WINDOW = ("mean_x", "mean_y", "std", "stride", "rule")


class GlimpseFigure(LiveFigure):
    """A window of Gaussians over a photograph, what it reads, and the same written back.

    In Jupyter the traits follow the mouse and the mouse follows the traits: read `figure.window`
    or `figure.glimpse()` in the next cell, or show `figure.controls()`. On a built page the same
    figure computes in the page.

    Parameters
    ----------
    image : (height, width) or (height, width, 3), uint8
        The photograph. Of colours the mean is taken.
    alt : str
        What the photograph shows, for those who do not see it.
    mean : (x, y), optional
        Centre of the *first* Gaussian, in pixels. Without it the grid is put in the middle.
    std, stride : float
        Standard deviation and distance of the Gaussians, in pixels, the same for both axes.
    n_filter : int
        Number of Gaussians along either axis.
    rule : "exact" or "source"
        How the filters are normalised; see `attn_course.gaussian.reference.filterbank`.

    Raises
    ------
    ValueError
        If the image has the wrong shape, a length is not positive or the rule is unknown.
    TypeError
        If the image is not uint8.

    Examples
    --------
    >>> figure = GlimpseFigure(np.eye(9, dtype=np.uint8) * 255, alt="a diagonal", n_filter=3,
    ...                        mean=(3, 3), std=0.1, stride=1)
    >>> figure.glimpse().round(6)
    array([[1., 0., 0.],
           [0., 1., 0.],
           [0., 0., 1.]])
    """

    _module = "glimpse"
    _esm = STATIC / "glimpse.mjs"

    image = Bytes(read_only=True).tag(sync=True)
    height = Int(read_only=True).tag(sync=True)
    width = Int(read_only=True).tag(sync=True)
    n_filter = Int(12).tag(sync=True)
    mean_x = Float(0.0).tag(sync=True)
    mean_y = Float(0.0).tag(sync=True)
    std = Float(1.5).tag(sync=True)
    stride = Float(3.0).tag(sync=True)
    rule = Unicode("exact").tag(sync=True)

    def __init__(
        self,
        image: Array,
        *,
        alt: str,
        mean: tuple[Number, Number] | Array | None = None,
        std: Number = 1.5,
        stride: Number = 3.0,
        n_filter: int = 12,
        rule: str = "exact",
    ) -> None:
        if image.dtype != np.uint8:
            raise TypeError(f"image must be uint8, got {image.dtype}")
        if image.ndim == 3:
            _check.shape("image", image.shape, (None, None, 3))
            image = np.rint(image.mean(axis=2)).astype(np.uint8)
        _check.shape("image", image.shape, (None, None))
        height, width = image.shape
        if mean is None:
            centre = np.array([width - 1, height - 1]) / 2
            mean = centre_to_first(centre, np.full(2, float(stride)), n_filter)
        self.set_trait("image", image.tobytes())
        self.set_trait("height", height)
        self.set_trait("width", width)
        super().__init__(
            alt=alt,
            n_filter=n_filter,
            mean_x=float(mean[0]),
            mean_y=float(mean[1]),
            std=float(std),
            stride=float(stride),
            rule=rule,
        )

    @validate("mean_x", "mean_y")
    def _finite(self, proposal: Any) -> float:
        _check.finite(proposal["trait"].name, proposal["value"])
        return proposal["value"]

    @validate("std", "stride")
    def _positive(self, proposal: Any) -> float:
        _check.positive(proposal["trait"].name, proposal["value"])
        return proposal["value"]

    @validate("n_filter")
    def _some(self, proposal: Any) -> int:
        _check.at_least("n_filter", proposal["value"], 1)
        return proposal["value"]

    @validate("rule")
    def _known(self, proposal: Any) -> str:
        _check.one_of("rule", proposal["value"], RULES)
        return proposal["value"]

    @property
    def pixels(self) -> Array:
        """The photograph as it is read: (1, height, width), grey from 0 to 1."""
        grey = np.frombuffer(self.image, np.uint8).reshape(1, self.height, self.width)
        return grey / 255

    @property
    def window(self) -> dict[str, Array]:
        """The window now: mean, std and stride, each (x, y) in pixels."""
        return {
            "mean": np.array([self.mean_x, self.mean_y]),
            "std": np.full(2, self.std),
            "stride": np.full(2, self.stride),
        }

    def glimpse(self) -> Array:
        """Glimpse of the photograph through the window now, (n_filter, n_filter), grey from 0 to 1.

        It is computed by `attn_course.gaussian.reference.gaussian_glimpse`, not by the figure.
        """
        size = (self.n_filter, self.n_filter)
        return gaussian_glimpse(self.pixels, **self.window, size=size, rule=self.rule)[0]

    def controls(self) -> "Controls":
        """Sliders tied to the figure, and the glimpse as the package computes it."""
        return Controls(self)

    def picture(self) -> str:
        """Static form of the figure: the photograph with the window, and the glimpse."""
        height, width, n = self.height, self.width, self.n_filter
        gap, top, side = 24, 20, height
        left = self.mean_x - self.stride / 2 + 0.5
        upper = self.mean_y - self.stride / 2 + 0.5 + top
        edge = self.stride * n
        at = (np.arange(n) + 0.5) * self.stride
        dots = "".join(f"M{left + x:.2f} {upper + y:.2f}h0" for x in at for y in at)
        alt = (
            f"{self.alt}, with a window of {n} by {n} Gaussians on it: the first at "
            f"x {self.mean_x:.4g}, y {self.mean_y:.4g}, standard deviation {self.std:.4g}, "
            f"stride {self.stride:.4g} pixels. Beside it the glimpse, {n} by {n} pixels."
        )
        outline = f'<rect x="{left:.2f}" y="{upper:.2f}" width="{edge:.2f}" height="{edge:.2f}"'
        content = (
            f'<text y="13">image, {height} × {width}</text>'
            f'<text x="{width + gap}" y="13">glimpse, {n} × {n}</text>'
            + svg_image(
                np.frombuffer(self.image, np.uint8).reshape(height, width), 0, top, width, height
            )
            + f'<g fill="none" stroke-linecap="round">{outline} stroke="#000" stroke-width="3"/>'
            f'{outline} stroke="#fff" stroke-width="1.5"/>'
            f'<path d="{dots}" stroke="#000" stroke-width="2"/>'
            f'<path d="{dots}" stroke="#fff" stroke-width="1.2"/></g>'
            + svg_image(_grey(self.glimpse()), width + gap, top, side, side)
        )
        return svg(width + gap + side, height + top, alt, content)


class Controls(ipywidgets.HBox):
    """Sliders for x, y, std and stride of a `GlimpseFigure`, and the package's own glimpse.

    A built page, where no kernel answers, shows a line of text in its place.
    """

    def __init__(self, figure: GlimpseFigure) -> None:
        wide, high = figure.width, figure.height
        coarse = max(wide, high) / figure.n_filter
        self.sliders = {
            "mean_x": _slider("x", -wide / 2, 1.5 * wide, 0.25),
            "mean_y": _slider("y", -high / 2, 1.5 * high, 0.25),
            "std": _slider("std", 0.05, 16, 0.05),
            "stride": _slider("stride", 0.05, coarse, 0.05),
        }
        for name, slider in self.sliders.items():
            value = getattr(figure, name)
            slider.min, slider.max = min(slider.min, value), max(slider.max, value)
            ipywidgets.link((figure, name), (slider, "value"))
        width = {"button_width": "5.5rem"}
        self.rule = ipywidgets.ToggleButtons(options=RULES, description="rule", style=width)
        ipywidgets.link((figure, "rule"), (self.rule, "value"))
        self.image = ipywidgets.Image(format="png", width=168, height=168)

        def show(change: Any = None) -> None:
            scale = max(1, 168 // figure.n_filter)
            self.image.value = png(
                np.kron(_grey(figure.glimpse()), np.ones((scale, scale), np.uint8))
            )

        figure.observe(show, [*WINDOW, "n_filter"])
        show()
        heading = ipywidgets.HTML("glimpse, computed in Python")
        super().__init__(
            [
                ipywidgets.VBox([*self.sliders.values(), self.rule]),
                ipywidgets.VBox([heading, self.image]),
            ]
        )

    def __repr__(self) -> str:
        return "<Controls of a GlimpseFigure>"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        data = super()._repr_mimebundle_(**kwargs)
        data["text/html"] = (
            "<p><em>In Jupyter, sliders stand here that move the figure, and beside them the same "
            "glimpse computed by the package.</em></p>"
        )
        return data


def _slider(name: str, low: Number, high: Number, step: Number) -> ipywidgets.FloatSlider:
    return ipywidgets.FloatSlider(
        value=high, min=low, max=high, step=step, description=name, readout_format=".2f"
    )


def _grey(image: Array) -> Array:
    return np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
