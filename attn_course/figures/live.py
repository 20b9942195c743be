"""The base of the live figures: a widget in Jupyter, the same module with no kernel on a page.

A figure is one ES module in `static/`, in anywidget's form, and one class that holds its state. In
Jupyter it is an ordinary widget. A built page takes the other form of the output instead, plain
HTML: a static picture, the state as JSON, and the module's name, which `static/host.mjs` loads.
Where there is no JavaScript, or anything at all goes wrong, the picture is what remains.
"""

import base64
import html
import json
from pathlib import Path
from typing import Any, ClassVar

import anywidget
from traitlets import Unicode

from attn_course.figures.draw import described

STATIC = Path(__file__).parent / "static"


class LiveFigure(anywidget.AnyWidget):
    """A figure with two lives.

    A subclass names its module, tags the traits that make up its state with ``sync=True``, and
    draws a static picture of that state. `Frames` and `HeatMap` show how.

    Parameters
    ----------
    alt : str
        What the figure shows, for those who do not see it. It may not be empty.
    **state
        The traits of the subclass.

    Raises
    ------
    ValueError
        If there is no alternative text.
    """

    _module: ClassVar[str]
    _esm: ClassVar[Any] = "export default { render() {} }"

    alt = Unicode().tag(sync=True)

    def __init__(self, *, alt: str, **state: Any) -> None:
        super().__init__(alt=described(alt), **state)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.alt}>"

    def picture(self) -> str:
        """Static form of the figure: an SVG element that takes its text colour from the page."""
        raise NotImplementedError

    def state(self) -> dict[str, Any]:
        """State of the figure as JSON can hold it, bytes as ``{"base64": ...}``."""
        widget = anywidget.AnyWidget.class_trait_names()  # layout and the like
        names = [name for name in self.keys if name not in widget and not name.startswith("_")]
        state = {name: getattr(self, name) for name in names}
        for name, value in state.items():
            if isinstance(value, bytes):
                state[name] = {"base64": base64.b64encode(value).decode("ascii")}
        return state

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict, dict]:
        data, metadata = super()._repr_mimebundle_(**kwargs)  # type: ignore[misc]
        state = json.dumps(self.state(), separators=(",", ":")).replace("<", "\\u003c")
        data["text/html"] = (
            f'<figure class="attn-live" data-module="{self._module}" style="margin:0"'
            f' role="group" aria-label="{html.escape(self.alt)}">'
            f'<div class="attn-fallback">{self.picture()}</div>'
            f'<script type="application/json">{state}</script></figure>'
        )
        return data, metadata
