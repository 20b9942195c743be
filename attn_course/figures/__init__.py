"""Pictures of the book: live figures, plots of arrays and records, and one style for them all."""

from attn_course.figures.frames import Frames
from attn_course.figures.glimpse import GlimpseFigure
from attn_course.figures.live import LiveFigure
from attn_course.figures.plots import seed_curves, show_images
from attn_course.figures.source import show_source
from attn_course.figures.style import COLOURS, style

__all__ = [
    "COLOURS",
    "Frames",
    "GlimpseFigure",
    "LiveFigure",
    "seed_curves",
    "show_images",
    "show_source",
    "style",
]
