"""Cells and checks, run in a built page: code comes in, what it gave goes out.

The worker loads this file into Pyodide. It needs the standard library alone,
and the book's package for a check, so that it can be tested in any Python.
"""

import ast
import contextlib
import io
import json
import linecache
import re
import time
import traceback
from collections.abc import Callable
from typing import Any

Tell = Callable[[str], Any] | None  # is told what was printed so far
LONGEST = 100_000  # characters that one run may print
OFTEN = 0.2  # seconds between two tellings
# What `attn_course.exercises.check` says where nothing is left to do.
PASSED = "Everything that is checked here passes"


class Printed(io.TextIOBase):
    """What a run prints, told on the way too, for it may never end."""

    def __init__(self, tell: Tell) -> None:
        self.text = ""
        self._tell, self._told = tell, time.monotonic()

    def write(self, text: str) -> int:
        if len(self.text) <= LONGEST:
            self.text += text
            if len(self.text) > LONGEST:
                self.text = self.text[:LONGEST] + "\n... and so on\n"
        if self._tell and time.monotonic() - self._told > OFTEN:
            self._tell(self.text)
            self._told = time.monotonic()
        return len(text)


class Session:
    """The namespaces of a page, kept from one run to the next."""

    def __init__(self) -> None:
        self._spaces: dict[str, dict[str, Any]] = {}
        self._n_run = 0

    def run(
        self, code: str, namespace: str = "page", tell: Tell = None
    ) -> str:
        """Run a cell; show its last expression as a notebook would."""
        self._n_run += 1
        file = f"<cell {self._n_run}>"
        lines = code.splitlines(keepends=True)
        linecache.cache[file] = len(code), None, lines, file

        def work(space: dict[str, Any], show: Callable[..., None]) -> None:
            # In a notebook too a warning is given again in each run.
            space.pop("__warningregistry__", None)
            space["display"] = show
            body = ast.parse(code, file).body
            last = body[-1] if body else None
            if not isinstance(last, ast.Expr) or code.rstrip().endswith(";"):
                exec(compile(code, file, "exec"), space)
                return
            exec(compile(ast.Module(body[:-1], []), file, "exec"), space)
            expression = ast.Expression(last.value)
            value = eval(compile(expression, file, "eval"), space)
            if value is not None:
                show(value)

        return self._do(work, namespace, tell, file)

    def check(
        self, name: str, namespace: str = "page", tell: Tell = None
    ) -> str:
        """Check the answer to an exercise that a namespace holds."""

        def work(space: dict[str, Any], show: Callable[..., None]) -> None:
            from attn_course.exercises import check

            check(name, space)

        return self._do(work, namespace, tell)

    def _do(
        self,
        work: Callable[[dict[str, Any], Callable[..., None]], None],
        namespace: str,
        tell: Tell,
        file: str = "",
    ) -> str:
        printed = Printed(tell)
        shown: list[str] = []
        error = ""

        def show(*values: Any) -> None:
            for value in values:
                if markup := rich(value):
                    shown.append(markup)
                else:
                    print(repr(value))

        space = self._spaces.setdefault(namespace, {"__name__": "__main__"})
        start = time.perf_counter()
        with (
            contextlib.redirect_stdout(printed),
            contextlib.redirect_stderr(printed),
        ):
            try:
                work(space, show)
            except BaseException as caught:  # exit() is no exit from here
                error = told(caught, file)
        result = {
            "text": printed.text,
            "html": "\n".join(shown),
            "error": error,
            "seconds": time.perf_counter() - start,
            "passed": PASSED in printed.text,
        }
        return json.dumps(result)


def rich(value: Any) -> str:
    """The value as HTML or SVG; empty where it knows neither form."""
    for name in ("_repr_html_", "_repr_svg_"):
        form = getattr(type(value), name, None)
        markup = form(value) if callable(form) else None
        if isinstance(markup, str):
            return markup
    return ""


def told(error: BaseException, file: str) -> str:
    """A traceback of the reader's own lines, without the package's."""
    whole = traceback.TracebackException.from_exception(error)
    whole.__cause__ = whole.__context__ = None
    own = [one for one in whole.stack if one.filename.startswith("<cell ")]
    whole.stack = traceback.StackSummary.from_list(own)
    text = "".join(whole.format()).rstrip()
    if not own:
        text = text.removeprefix("Traceback (most recent call last):\n")
    text = text.replace(f'File "{file}", line ', "Line ")
    earlier = r"Line \1 of an earlier cell"
    return re.sub(r'File "<cell \d+>", line (\d+)', earlier, text)
