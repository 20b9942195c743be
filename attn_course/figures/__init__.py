"""Pictures of the book: live figures, drawings, plots of arrays and records, one style for all.

What needs more than NumPy is imported when it is asked for: the browser's Python has nothing else.
"""

import importlib
from typing import Any

from attn_course.figures.draw import Drawing, show_curves, show_image, show_matrix
from attn_course.figures.style import COLOURS, style

_LATER = {
    "Alignment": "alignment",
    "Canvas": "canvas",
    "Estimator": "estimator",
    "Fovea": "fovea",
    "Frames": "frames",
    "GlimpseFigure": "glimpse",
    "HeatMap": "heatmap",
    "LiveFigure": "live",
    "SamplerFigure": "sampler",
    "Scores": "scores",
    "Threshold": "threshold",
    "read_digit": "readers",
    "read_turned_digit": "readers",
    "room": "scene",
    "seed_curves": "plots",
    "show_images": "plots",
    "show_source": "source",
    "walk_over_digit": "readers",
}

__all__ = [
    "COLOURS",
    "Alignment",
    "Canvas",
    "Drawing",
    "Estimator",
    "Fovea",
    "Frames",
    "GlimpseFigure",
    "HeatMap",
    "LiveFigure",
    "SamplerFigure",
    "Scores",
    "Threshold",
    "read_digit",
    "read_turned_digit",
    "room",
    "seed_curves",
    "show_curves",
    "show_image",
    "show_images",
    "show_matrix",
    "show_source",
    "style",
    "walk_over_digit",
]


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
