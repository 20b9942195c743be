"""Frames computed beforehand, and a slider to walk through them."""

from collections.abc import Sequence

import numpy as np
from traitlets import Bytes, Int, List, Unicode, validate

from attn_course import _check
from attn_course._typing import Array
from attn_course.figures.draw import svg, svg_image
from attn_course.figures.live import STATIC, LiveFigure

N_SHOWN = 5  # frames of the static picture


class Frames(LiveFigure):
    """A strip of pictures with a slider.

    Parameters
    ----------
    images : (n_frame, height, width) or (n_frame, height, width, 3), uint8
        The frames, grey or in colour.
    captions : sequence of str, optional
        A line of text for each frame. Without it the frames are counted from zero.
    alt : str
        What the strip shows, for those who do not see it.
    label : str
        What the slider walks through: "frame", "step", "std".

    Raises
    ------
    ValueError
        If the images have the wrong shape or the captions are not as many.
    TypeError
        If the images are not uint8.

    Examples
    --------
    >>> strip = Frames(np.zeros((2, 4, 6), np.uint8), ["before", "after"], alt="two black frames")
    >>> strip.index = 1
    >>> strip.captions[strip.index]
    'after'
    """

    _module = "frames"
    _esm = STATIC / "frames.mjs"

    images = Bytes(read_only=True).tag(sync=True)
    shape = List(Int(), read_only=True).tag(sync=True)
    captions = List(Unicode(), read_only=True).tag(sync=True)
    label = Unicode("frame").tag(sync=True)
    index = Int(0).tag(sync=True)

    def __init__(
        self,
        images: Array,
        captions: Sequence[str] | None = None,
        *,
        alt: str,
        label: str = "frame",
    ) -> None:
        if images.dtype != np.uint8:
            raise TypeError(f"images must be uint8, got {images.dtype}")
        if images.ndim == 3:
            images = images[..., None]
        if images.ndim != 4 or images.shape[3] not in (1, 3) or not images.size:
            raise ValueError(
                "images must have shape (n_frame, height, width) or (n_frame, height, width, 3), "
                f"got {images.shape}"
            )
        if captions is None:
            captions = [f"{label} {i}" for i in range(len(images))]
        _check.shape("captions", (len(captions),), (len(images),), "one caption for each frame")
        self.set_trait("images", images.tobytes())
        self.set_trait("shape", list(images.shape))
        self.set_trait("captions", list(captions))
        super().__init__(alt=alt, label=label)

    @validate("index")
    def _inside(self, proposal: dict) -> int:
        return min(max(proposal["value"], 0), len(self.captions) - 1)

    def picture(self) -> str:
        """Static form of the figure: up to five frames, evenly spread, side by side."""
        n_frame, height, width, n_channel = self.shape
        frames = np.frombuffer(self.images, np.uint8).reshape(self.shape)
        shown = np.unique(np.linspace(0, n_frame - 1, min(n_frame, N_SHOWN)).round().astype(int))
        scale, gap, top = 128 / max(height, width), 10, 20
        across, down = width * scale, height * scale
        content = "".join(
            f'<text x="{k * (across + gap):g}" y="13">{i}</text>'
            + svg_image(
                frames[i] if n_channel == 3 else frames[i, :, :, 0],
                k * (across + gap), top, across, down,
            )
            for k, i in enumerate(shown)
        )  # fmt: skip
        alt = f"{self.alt}. Frames {', '.join(map(str, shown))} of {n_frame}."
        return svg(len(shown) * (across + gap) - gap, down + top, alt, content)
