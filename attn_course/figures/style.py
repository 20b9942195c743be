"""One look for all plots: colours that can be told apart, from each other and from any page.

A plot of matplotlib lies on a white card. On the light page the card is not seen; on the dark page
the theme dims it, and everything on it keeps its contrast. Drawings and live figures lie on the
page itself, and their text has its colour. A test measures all of this, colour-blind eyes included.
"""

from typing import Any

PAPER = "#ffffff"  # the card
INK = "#1d2026"  # text, axes, what is not a series
COLOURS = {
    "orange": "#d0660a",
    "blue": "#3d7fd6",
    "plum": "#a045a0",
    "teal": "#0c7a6c",
    "grey": "#8b8e94",
}

_RC: dict[Any, Any] = {
    "figure.facecolor": PAPER,
    "figure.figsize": (7.0, 3.4),
    "figure.dpi": 150,
    "figure.constrained_layout.use": True,
    "savefig.facecolor": PAPER,
    "axes.facecolor": PAPER,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlesize": "medium",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.axisbelow": True,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "font.size": 10,
    "grid.color": "#d9dbdf",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "image.cmap": "gray",
    "image.interpolation": "nearest",
}


def style() -> None:
    """Give all plots made from here on the look of the book.

    Examples
    --------
    >>> import matplotlib as mpl
    >>> style()
    >>> mpl.rcParams["text.color"]
    '#1d2026'
    """
    import matplotlib as mpl  # the browser's Python has the colours without it
    from cycler import cycler

    cycle = cycler(color=list(COLOURS.values()))
    mpl.rcParams.update({**_RC, "axes.prop_cycle": cycle})
