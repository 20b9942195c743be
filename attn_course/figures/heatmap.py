"""A matrix, or a stack of them, whose cells the reader walks through."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from traitlets import Bytes, Float, Int, List, Unicode, validate

from attn_course import _check
from attn_course._typing import Array, Number
from attn_course.figures.draw import labels, largest, show_matrix
from attn_course.figures.live import STATIC, LiveFigure


class HeatMap(LiveFigure):
    """Weights as coloured cells: mouse, finger or arrow keys choose one, and its value is read out.

    In Jupyter the traits `row`, `column` and `step` follow the reader, and the reader them.

    Parameters
    ----------
    values : (n_row, n_column) or (n_step, n_row, n_column)
        Weights, scores, a mask; of a stack a slider shows one step at a time. What is not finite
        is grey.
    alt : str
        What the matrix shows, for those who do not see it.
    rows, columns, steps : sequence, optional
        A name for each row, column and step. Without them they are counted from zero.
    names : (str, str, str)
        What a row, a column and a step are: ("query", "key", "head").
    limit : float, optional
        Size of the value with the brightest colour; without it that of the largest.

    Raises
    ------
    ValueError
        If the values have the wrong shape, names are not as many or there is no text.

    Examples
    --------
    >>> weight = np.array([[0.5, 0.5, 0.0], [0.25, 0.5, 0.25]])
    >>> figure = HeatMap(weight, alt="a window of two", columns=["the", "cat", "sat"])
    >>> figure.row, figure.column = 1, 2
    >>> figure.value
    0.25
    """

    _module = "heatmap"
    _esm = STATIC / "heatmap.mjs"

    values = Bytes(read_only=True).tag(sync=True)  # float32
    shape = List(Int(), read_only=True).tag(sync=True)
    rows = List(Unicode(), read_only=True).tag(sync=True)
    columns = List(Unicode(), read_only=True).tag(sync=True)
    steps = List(Unicode(), read_only=True).tag(sync=True)
    names = List(Unicode(), read_only=True).tag(sync=True)
    limit = Float(1.0).tag(sync=True)
    row = Int(0).tag(sync=True)
    column = Int(0).tag(sync=True)
    step = Int(0).tag(sync=True)

    def __init__(
        self,
        values: Array,
        *,
        alt: str,
        rows: Sequence[object] | None = None,
        columns: Sequence[object] | None = None,
        steps: Sequence[object] | None = None,
        names: tuple[str, str] | tuple[str, str, str] = ("row", "column", "step"),
        limit: Number | None = None,
    ) -> None:
        stack = np.asarray(values, np.float32)
        stack = stack[None] if stack.ndim == 2 else stack
        _check.shape("values", stack.shape, (None, None, None), "a matrix or a stack of them")
        _check.at_least("the size of values", stack.size, 1)
        if limit is not None:
            _check.positive("limit", limit)
        self._stack = stack
        n_step, n_row, n_column = stack.shape
        fixed = {
            "values": stack.tobytes(),
            "shape": list(stack.shape),
            "rows": labels("rows", rows, n_row),
            "columns": labels("columns", columns, n_column),
            "steps": labels("steps", steps, n_step),
            "names": [*names, "step"][:3],
        }
        for name, value in fixed.items():
            self.set_trait(name, value)
        super().__init__(alt=alt, limit=largest(stack) if limit is None else limit)

    @validate("row", "column", "step")
    def _inside(self, proposal: dict[str, Any]) -> int:
        axis = ("step", "row", "column").index(proposal["trait"].name)
        return min(max(proposal["value"], 0), self.shape[axis] - 1)

    @property
    def value(self) -> float:
        """Value of the chosen cell."""
        return float(self._stack[self.step, self.row, self.column])

    def picture(self) -> str:
        """Static form of the figure: the chosen step, small ones with their numbers."""
        alt = self.alt
        if len(self.steps) > 1:
            step = self.steps[self.step]
            alt = f"{alt}. Of {len(self.steps)} the one of {self.names[2]} {step}"
        drawing = show_matrix(
            self._stack[self.step],
            alt=alt,
            rows=self.rows,
            columns=self.columns,
            names=(self.names[0], self.names[1]),
            limit=self.limit,
        )
        return drawing.svg
