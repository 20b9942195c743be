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

Tell = Callable[[str], Any] | None  # is told each piece that is printed
LONGEST = 100_000  # characters that one run may print
# What `attn_course.exercises.check` says where nothing is left to do.
PASSED = "Everything that is checked here passes"
VERDICTS = "  passed   ", "  not yet  "
# What a page has, for whoever misses something.
HAS = (
    "In a page Python has its own library, NumPy and attn_course. "
    "Run what needs more in Jupyter."
)
ASKS = (
    "In a page input() has nobody to ask: write the value into the code, "
    "or run it in Jupyter."
)
ENDS = "In a page there is nothing to exit: the next cell runs as always."


class Printed(io.TextIOBase):
    """What a run prints; told at once, for what comes next may never end."""

    def __init__(self, tell: Tell) -> None:
        self._pieces: list[str] = []
        self._room, self._tell = LONGEST, tell

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    def write(self, text: str) -> int:
        if text and self._room >= 0:
            piece = text[: self._room]
            self._room -= len(text)
            if self._room < 0:
                piece += "\n... and so on\n"
            self._pieces.append(piece)
            if self._tell:
                self._tell(piece)
        return len(text)


class Session:
    """The namespaces of a page, kept from one run to the next."""

    def __init__(self) -> None:
        self._spaces: dict[str, dict[str, Any]] = {}
        self._codes: dict[str, str] = {}  # namespace -> what was run last
        self._n_run = 0

    def run(
        self, code: str, namespace: str = "page", tell: Tell = None
    ) -> str:
        """Run a cell; show its last expression as a notebook would."""
        self._n_run += 1
        file = f"<cell {self._n_run}>"
        self._codes[namespace] = code
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
        said: list[str] = []

        def work(space: dict[str, Any], show: Callable[..., None]) -> None:
            from attn_course.exercises import verdict

            said.extend(verdict(name, space))  # the page wraps

        return self._do(work, namespace, tell, said=said)

    def _do(
        self,
        work: Callable[[dict[str, Any], Callable[..., None]], None],
        namespace: str,
        tell: Tell,
        file: str = "",
        said: list[str] | None = None,
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
        text = printed.text
        if said:  # first, for the code may print much
            verdict = quoted(said, self._codes.get(namespace, ""))
            text = (
                f"{verdict}\nYour code printed:\n{text}" if text else verdict
            )
        done, left = (
            sum(one.startswith(begin) for one in said or ())
            for begin in VERDICTS
        )
        result = {
            "text": text,
            "html": "\n".join(shown),
            "error": error,
            "seconds": time.perf_counter() - start,
            "passed": any(one.startswith(PASSED) for one in said or ()),
            "counts": [done, done + left],  # checks that pass, and all
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


def quoted(verdict: list[str], code: str) -> str:
    """What a check says, with the lines of the code that it names."""
    lines, said = code.splitlines(), []
    for line in verdict:
        said.append(line)
        indent = " " * (len(line) - len(line.lstrip()))
        for number in re.findall(r" in line (\d+)\b", line):
            said += [
                f"{indent}Line {number}: {one.strip()}"
                for one in lines[int(number) - 1 : int(number)]
            ]
    return "".join(f"{line}\n" for line in said)


def advice(error: BaseException) -> str:
    """What to do where the page, and not the code, is the reason."""
    if isinstance(error, ModuleNotFoundError):
        return HAS
    if isinstance(error, EOFError) and "reading a line" in str(error):
        return ASKS
    return ENDS if isinstance(error, SystemExit) else ""


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
    text = re.sub(r'File "<cell \d+>", line (\d+)', earlier, text)
    return f"{text}\n{advice(error)}".rstrip()
