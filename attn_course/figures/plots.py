"""Plots with matplotlib that take arrays and records."""

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from attn_course._typing import Array, Number
from attn_course.figures.style import COLOURS


def show_images(
    images: Sequence[Array],
    titles: Sequence[str] = (),
    columns: int = 4,
    limits: tuple[Number, Number] | None = None,
) -> list[Axes]:
    """Grey images in a grid, with titles.

    Parameters
    ----------
    images : sequence of (height, width)
        The images; sizes may differ.
    titles : sequence of str
        One for each image, or none.
    columns : int
        Images in a row.
    limits : (low, high), optional
        Values shown black and white. Without them each image uses its own smallest and largest.

    Returns
    -------
    axes : list of Axes
        One for each image.
    """
    rows = -(-len(images) // columns)
    _, grid = plt.subplots(rows, columns, figsize=(7, 7 / columns * rows + 0.3), squeeze=False)
    low, high = limits or (None, None)
    for ax, image in zip(grid.flat, images, strict=False):
        ax.imshow(image, vmin=low, vmax=high)
    for ax, title in zip(grid.flat, titles, strict=False):
        ax.set_title(title, fontsize="small")
    for ax in grid.flat:
        ax.set_axis_off()
    return list(grid.flat[: len(images)])


def seed_curves(
    records: Sequence[dict[str, Any]], name: str, ax: Axes, colour: str = "blue", label: str = ""
) -> Axes:
    """Lists from each record's `final`: a thin line for a seed, a thick one for the mean.

    Parameters
    ----------
    records : sequence of dict
        Runs that differ in their seed.
    name : str
        Key of the list in `final`.
    ax : Axes
        Where to draw.
    colour : str
        A name of `COLOURS`.
    label : str
        The mean's name in a legend.

    Returns
    -------
    ax : Axes
    """
    lists = np.array([record["final"][name] for record in records])
    ax.plot(lists.T, color=COLOURS[colour], lw=0.6, alpha=0.5)
    ax.plot(lists.mean(axis=0), color=COLOURS[colour], label=label)
    return ax
