"""Sorted values and a threshold to drag: how many it keeps, and how much of the sum."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from traitlets import Bytes, Float, Int, List, Unicode, validate

from attn_course import _check
from attn_course._typing import Array, Number
from attn_course.figures.draw import LOOKS, Plane, described, legend, look, number, svg
from attn_course.figures.live import STATIC, LiveFigure


class Threshold(LiveFigure):
    """Values in falling order, the largest first, cut by a threshold.

    For each group the figure reads out how many values reach the threshold and, where none is
    negative, how much of the sum they hold: how few keys carry most of a query's weight, how many
    windows overlap their object by half, what a cut between two kinds of scores lets through.

    In Jupyter the trait `threshold` follows the reader, and the reader the trait.

    Parameters
    ----------
    values : (n_value,) or mapping of str to (n_value,)
        One group of values, or up to five by name.
    alt : str
        What the values are, for those who do not see them.
    label : str
        What is measured: "weight", "overlap", "score".
    threshold : float, optional
        Where the threshold stands at first; without it at the mean of all values.

    Raises
    ------
    ValueError
        If a group is empty, has another shape or a value that is not finite, if there are too
        many groups or there is no text.

    Examples
    --------
    >>> figure = Threshold(np.array([0.5, 0.25, 0.125, 0.125]), alt="four weights", label="weight")
    >>> figure.threshold
    0.25
    >>> figure.kept()
    {'values': {'count': 2, 'share': 0.5, 'mass': 0.75}}
    """

    _module = "threshold"
    _esm = STATIC / "threshold.mjs"

    values = Bytes(read_only=True).tag(sync=True)  # float64, each group in falling order
    sizes = List(Int(), read_only=True).tag(sync=True)
    groups = List(Unicode(), read_only=True).tag(sync=True)
    colours = List(Unicode(), read_only=True).tag(sync=True)
    dashes = List(Unicode(), read_only=True).tag(sync=True)
    low = Float(0.0, read_only=True).tag(sync=True)
    high = Float(1.0, read_only=True).tag(sync=True)
    label = Unicode("value").tag(sync=True)
    threshold = Float(0.0).tag(sync=True)

    def __init__(
        self,
        values: Array | Mapping[str, Array],
        *,
        alt: str,
        label: str = "value",
        threshold: Number | None = None,
    ) -> None:
        named = values if isinstance(values, Mapping) else {"values": values}
        _check.at_least("the number of groups", len(named), 1)
        _check.at_most("the number of groups", len(named), len(LOOKS))
        self._sorted: dict[str, Array] = {}
        for name, group in named.items():
            group = np.sort(np.asarray(group, float))[::-1]
            _check.shape(name, group.shape, (None,))
            _check.at_least(f"the size of {name}", group.size, 1)
            for end in (group[0], group[-1]):  # NaN is sorted to an end
                _check.finite(name, float(end))
            self._sorted[name] = group
        every = np.concatenate(list(self._sorted.values()))
        low, high = min(0.0, every.min()), float(every.max())
        fixed = {
            "values": every.tobytes(),
            "sizes": [group.size for group in self._sorted.values()],
            "groups": list(named),
            "colours": [colour for colour, _ in LOOKS[: len(named)]],
            "dashes": [dash for _, dash in LOOKS[: len(named)]],
            "low": low,
            "high": high if high > low else low + 1.0,
        }
        for name, value in fixed.items():
            self.set_trait(name, value)
        at = float(every.mean()) if threshold is None else threshold
        super().__init__(alt=alt, label=label, threshold=at)

    @validate("threshold")
    def _inside(self, proposal: dict[str, Any]) -> float:
        _check.finite("threshold", proposal["value"])
        return min(max(proposal["value"], self.low), self.high)

    def kept(self) -> dict[str, dict[str, Any]]:
        """What reaches the threshold, by group: its count, its share of the values and of the sum.

        The share of the sum, `mass`, is None where a value is negative or all are zero.
        """
        found = {}
        for name, group in self._sorted.items():
            reach = group >= self.threshold
            is_mass = group[-1] >= 0 and group[0] > 0
            found[name] = {
                "count": int(reach.sum()),
                "share": float(reach.mean()),
                "mass": float(group[reach].sum() / group.sum()) if is_mass else None,
            }
        return found

    def picture(self) -> str:
        """Static form of the figure: the sorted values, the threshold, and what it keeps."""
        names, above = legend(self.groups)
        plane = Plane((0, 1), (self.low, self.high), above)
        content = names + plane.axes("share of the values, largest first", self.label)
        for (colour, dash), group in zip(LOOKS, self._sorted.values(), strict=False):
            x = np.repeat(np.arange(group.size + 1), 2)[1:-1] / group.size
            content += f'<path d="{plane.path(x, np.repeat(group, 2))}" {look(colour, dash)}/>'
        y = plane.y(self.threshold)
        content += (
            f'<path d="M{plane.left} {y:.1f}H{plane.right}" stroke="currentColor"'
            ' stroke-width="1.5"/>'
        )
        said = [f"The threshold stands at {self.label} {number(self.threshold, 3)}"]
        for name, kept in self.kept().items():
            mass = f", {kept['mass']:.0%} of the sum" if kept["mass"] is not None else ""
            size = self._sorted[name].size
            said.append(f"{name}: {kept['count']} of {size} reach it{mass}")
        return svg(plane.width, plane.height, described(self.alt, *said), content)
