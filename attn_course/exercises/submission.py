"""A submission: a notebook's code, run apart from whoever checks it, its functions within reach.

    with Submission(cells) as submission:
        outcomes = run(checks, submission.answer, seed)

The code runs in a process of its own (`worker`), which is believed nothing: what it sends is plain
data of limited size, awaited for a limited time. How the process is started is up to `launch`: as
it is, or in a sandbox.
"""

import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from attn_course._typing import Number
from attn_course.exercises import wire
from attn_course.exercises.cells import grade_id
from attn_course.exercises.checking import (
    MISSING,
    OutOfTimeError,
    StudentError,
    called,
    value_of,
)
from attn_course.exercises.worker import LEAST

Launch = Callable[[list[str]], "subprocess.Popen[bytes]"]
Stop = tuple[int, str, str, int | None]  # number of the cell, kind of the error, text, line

WORKER = Path(__file__).with_name("worker.py")
IMPORTING = 60  # seconds for NumPy and torch to be imported on a busy machine
GRACE = 2  # seconds that a cell may go on after its alarm
LEFT_OUT = 3  # cells that are given up because they ended the process or could not be stopped
STARTS = 20  # of one submission; calls that did end it too
BRANCHES = 100_000  # lists and dictionaries in one message
STOPS = 200  # that are kept
CODE = 2_000_000  # characters in a notebook's code cells
CELLS = 2000  # of any kind
FILE = 50_000_000  # bytes of a notebook
ENDED = "Ended"
THREADS = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
)


class LaunchError(RuntimeError):
    """The worker does not run, for no fault of the submission."""


class NotebookError(ValueError):
    """A file that cannot be read as a notebook."""


@dataclass(frozen=True)
class CodeCell:
    """One cell; what its metadata say may be forged, so that only its source counts."""

    index: int  # among all cells
    id: str
    source: str
    exercise: str = ""
    part: str = ""


@dataclass(frozen=True)
class Notebook:
    """What of a notebook counts: code, and the answers that a person marks, by grade id.

    `texts` are the cells without code; `exercises` those that it was handed out with, if it says.
    """

    cells: list[CodeCell]
    answers: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    texts: list[CodeCell] = field(default_factory=list)
    exercises: list[str] = field(default_factory=list)


def read_notebook(path: Path | str | bytes) -> Notebook:
    """A notebook from its file, or from the file's bytes."""
    data = path if isinstance(path, bytes) else Path(path).read_bytes()
    if len(data) > FILE:
        raise NotebookError("The file is too large; clear the outputs and save it again.")
    try:
        content = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise NotebookError(
            "The file is not a notebook; was it saved and uploaded whole?"
        ) from None
    cells = content.get("cells") if isinstance(content, dict) else None
    if not isinstance(cells, list):
        raise NotebookError("The notebook has no cells; save it in Jupyter as notebook format 4.")
    if len(cells) > CELLS:
        raise NotebookError(f"The notebook has {len(cells)} cells; more than {CELLS} are not read.")
    language = _language(content.get("metadata"))
    if language not in ("", "python"):
        raise NotebookError(f"The notebook is written in {language}, not in Python.")
    book = _sorted_out([_plain(one) for one in cells])
    book.exercises.extend(_handed_out(content.get("metadata")))
    return book


def _handed_out(metadata: Any) -> list[str]:
    """The exercises that a notebook's metadata name."""
    attn = metadata.get("attn") if isinstance(metadata, dict) else None
    found = attn.get("exercises") if isinstance(attn, dict) else None
    named = [one for one in found if isinstance(one, str)] if isinstance(found, list) else []
    return [one for one in dict.fromkeys(named) if re.fullmatch(r"\w{1,99}/\w{1,99}", one)]


def _language(metadata: Any) -> str:
    for key, inner in (("kernelspec", "language"), ("language_info", "name")):
        block = metadata.get(key) if isinstance(metadata, dict) else None
        found = block.get(inner) if isinstance(block, dict) else None
        if isinstance(found, str) and found:
            return found.lower()[:40]
    return ""


def _plain(cell: Any) -> dict[str, Any]:
    """A cell with text where text is due."""
    cell = cell if isinstance(cell, dict) else {}
    source = cell.get("source", "")
    lines = source if isinstance(source, list) else [source]
    metadata = cell.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    blocks = {key: metadata.get(key) for key in ("attn", "nbgrader")}
    return {
        "type": cell.get("cell_type"),
        "id": _text(cell.get("id")),
        "source": "".join(one for one in lines if isinstance(one, str)),
        **{key: one if isinstance(one, dict) else {} for key, one in blocks.items()},
    }


def _text(value: Any) -> str:
    return value[:200] if isinstance(value, str) else ""


def _sorted_out(cells: list[dict[str, Any]]) -> Notebook:
    book = Notebook([])
    for index, one in enumerate(cells):
        exercise, part = _text(one["attn"].get("exercise")), _text(one["attn"].get("part"))
        if one["type"] == "code":
            book.cells.append(CodeCell(index, one["id"], one["source"], exercise, part))
            continue
        book.texts.append(CodeCell(index, one["id"], one["source"], exercise, part))
        if one["type"] == "markdown":
            asked = _text(one["nbgrader"].get("grade_id"))
            if part == "question" and not asked:
                asked = grade_id(exercise, _text(one["attn"].get("name")))
            if asked and asked in book.answers:
                book.notes.append(f"The notebook answers {asked} twice; the first one counts.")
            elif asked:
                book.answers[asked] = one["source"]
    if not book.cells:
        book.notes.append("The notebook has no code.")
    if sum(len(one.source) for one in book.cells) > CODE:
        raise NotebookError(f"The notebook holds more than {CODE} characters of code.")
    return book


def plain(arguments: list[str]) -> "subprocess.Popen[bytes]":
    """Start the worker as it is: for code that one trusts, such as one's own."""
    limits = {"CORE": 0, "CPU": 600} | ({"DATA": 4 * 2**30} if arguments == ["numpy"] else {})
    options = {"limits": limits}
    return subprocess.Popen(
        [sys.executable, "-P", "-B", str(WORKER), *arguments, json.dumps(options)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        start_new_session=True,
        env={**os.environ, **THREADS, "MPLBACKEND": "Agg"},
    )


class Submission:
    """A notebook's code, run apart; its functions are attributes of `answer`.

    Parameters
    ----------
    cells : list of str
        The code cells, in order.
    needs : str
        "numpy" or "torch".
    launch : callable
        Starts the worker with the arguments that it is given.
    forbids : sequence of str
        Operations of torch that the code may not use.
    call_seconds, start_seconds : float
        For one call, and for all cells together. A cell gets half of what is left.
    total_seconds : float
        For all calls together.
    """

    def __init__(
        self,
        cells: Sequence[str],
        needs: str = "numpy",
        launch: Launch = plain,
        forbids: Sequence[str] = (),
        call_seconds: Number = 5,
        start_seconds: Number = 20,
        total_seconds: Number = 300,
    ) -> None:
        self._cells = dict(enumerate(cells))
        self._needs, self._launch, self._forbids = needs, launch, list(forbids)
        self._call_seconds, self._start_seconds = call_seconds, start_seconds
        self._left: dict[str, Number] = {"calls": total_seconds, "starts": 3 * start_seconds}
        self._starts, self._left_out = STARTS, 0
        self._process: subprocess.Popen[bytes] | None = None
        self._failed: StudentError | None = None
        self._broken = ""
        self._stops: dict[int, list[Stop]] = {}
        self._asked: set[str] = set()  # names of functions
        self.answer = Remote(self._call)

    def __enter__(self) -> "Submission":
        try:
            self._started()
        except BaseException:  # of the grader, such as its being interrupted
            self._kill()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._kill()
        if self._broken and kind is None:  # a check may have taken it for a wrong answer
            raise LaunchError(self._broken)

    @property
    def stops(self) -> list[Stop]:
        """The cells that did not run to their end: (number, kind of error, text, line)."""
        self._started()
        return [one for number in sorted(self._stops) for one in self._stops[number]][:STOPS]

    def override(self, source: str) -> None:
        """Run more code, after the cells, now and whenever they are run again."""
        number = max([*self._cells, *self._stops], default=-1) + 1
        running = self._started()
        self._cells[number] = source
        if running:
            try:
                self._run([number])
            except StudentError as error:
                self._failed = error

    def _call(self, name: str, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        message = wire.encode([name, tuple(args), kwargs])
        if len(message) > wire.LIMIT:
            raise ValueError(f"the arguments of {name} must be smaller, got {len(message)} bytes")
        if not self._started():
            assert self._failed is not None
            raise self._failed
        if self._left["calls"] <= 0:
            raise OutOfTimeError("OutOfTime", "the calls took too long together")
        begun = time.monotonic()
        try:
            reply = self._exchange(message, self._call_seconds)
            if not isinstance(reply, dict) or not {"value", "error"} & set(reply):
                raise StudentError(ENDED, "the reply was no reply")
        except StudentError:
            self._kill()
            raise
        finally:
            self._left["calls"] -= time.monotonic() - begun
        function = called(name, args)
        self._asked.add(function)
        if "error" in reply:
            kind, text, line = told(reply["error"])
            if kind == MISSING and text not in (name, function):
                text = name
            reply = {"error": [kind, text, line]}
        return value_of(reply, function, self._asked)

    def _started(self) -> bool:
        """Whether the worker runs and has run the cells; it is started if need be."""
        while self._process is None and self._failed is None:
            try:
                if self._starts <= 0:
                    raise StudentError(ENDED, "the program had to be started too often")
                self._starts -= 1
                self._begin()
                self._run(list(self._cells))
            except StudentError as error:
                self._failed = error
                self._kill()
        return self._failed is None

    def _begin(self) -> None:
        """Start the worker; nothing of the submission has run when this fails."""
        if self._broken:
            raise LaunchError(self._broken)
        try:
            self._process = self._launch([self._needs])
            if self._exchange(None, IMPORTING) == ["ready"]:
                return
            self._broken = "the worker sent something else than that it is ready"
        except OSError as error:
            self._broken = f"the worker could not be started: {error}"
        except StudentError as error:
            self._broken = f"the worker did not come up: {error.text}"
        self._kill()
        raise LaunchError(self._broken)

    def _run(self, numbers: list[int]) -> None:
        """Run cells; one that ends the process or cannot be stopped is left out from then on."""
        for number in numbers:
            self._stops.pop(number, None)
        seconds: Number = min(self._start_seconds, self._left["starts"])
        begun, current = time.monotonic(), -1
        end = begun + min(seconds + LEAST * len(numbers) + GRACE, self._left["starts"])
        cells = [[number, self._cells[number]] for number in numbers]
        message: bytes | None = wire.encode([None, cells, seconds, self._forbids])
        try:
            if seconds <= 0:
                raise OutOfTimeError("OutOfTime", "the cells took too long together")
            for _ in range(3 * STOPS + 3 * len(numbers)):
                left = max(0, end - time.monotonic())
                got = self._exchange(message, min(seconds / 2 + GRACE, left))
                message = None
                match got:
                    case [str(word)] if word == "done":
                        return
                    case [str(word), int(number)] if word == "begun" and number in self._cells:
                        current = number
                    case [str(word), _, kind, text, line] if word == "stop":
                        stop = (current, *told([kind, text, line]))
                        self._stops.setdefault(current, []).append(stop)
                    case _:
                        break
            raise StudentError(ENDED, "the worker sent something that has no place here")
        except StudentError as error:
            self._kill()
            self._stops[current] = [(current, error.kind, error.text, None)]
            if current not in self._cells or self._left_out >= LEFT_OUT or seconds <= 0:
                raise
            del self._cells[current]
            self._left_out += 1
        finally:
            self._left["starts"] -= time.monotonic() - begun

    def _exchange(self, message: bytes | None, seconds: Number) -> Any:
        """Send a message, if there is one, and await the next one from the other side.

        In a thread, since neither reading nor writing can be relied upon to come to an end.
        """
        assert self._process is not None
        box: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        threading.Thread(target=_pump, args=(self._process, message, box), daemon=True).start()
        try:
            got = box.get(timeout=seconds)
        except queue.Empty:
            raise OutOfTimeError("OutOfTime", f"no answer within {seconds:g} seconds") from None
        if got is None:
            raise StudentError(ENDED, "the program came to an end")
        if got.count(b"[") + got.count(b"{") > BRANCHES:
            raise StudentError(ENDED, "the reply has too many parts")
        try:
            return wire.decode(got)
        except Exception:  # whatever NumPy may say to a dtype that was made up
            raise StudentError(ENDED, "the reply could not be read") from None

    def _kill(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if hasattr(os, "killpg"):
            with suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)  # what it left behind
        process.kill()
        for stream in (process.stdin, process.stdout):
            assert stream is not None
            with suppress(OSError):
                stream.close()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)


class Remote:
    """The functions of a submission, as attributes."""

    def __init__(self, call: Callable[[str, Sequence[Any], dict[str, Any]], Any]) -> None:
        self._call = call

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *args, **kwargs: self._call(name, args, kwargs)


def told(error: Any) -> tuple[str, str, int | None]:
    """(kind, text, line) as they should be, whatever was sent."""
    kind, text, line = error if isinstance(error, list) and len(error) == 3 else ("", "", None)
    if not isinstance(kind, str) or not kind.isidentifier() or len(kind) > 60:
        kind = "Exception"
    text = text[:300] if isinstance(text, str) else ""
    line = line if isinstance(line, int) and 0 < line < 100_000 else None
    return kind, text, line


def _pump(
    process: "subprocess.Popen[bytes]",
    message: bytes | None,
    box: "queue.SimpleQueue[bytes | None]",
) -> None:
    """Write a message, read one, and put it into the box; None where that fails."""
    try:
        if message is not None:
            view = memoryview(len(message).to_bytes(wire.HEADER, "big") + message)
            while view:
                assert process.stdin is not None
                view = view[process.stdin.write(view) :]
        length = int.from_bytes(_read(process, wire.HEADER), "big")
        box.put(_read(process, length) if length <= wire.LIMIT else None)
    except (OSError, ValueError, EOFError):  # closed, here or there
        box.put(None)


def _read(process: "subprocess.Popen[bytes]", length: int) -> bytes:
    assert process.stdout is not None
    parts = bytearray()
    while len(parts) < length:
        part = process.stdout.read(length - len(parts))
        if not part:
            raise EOFError
        parts += part
    return bytes(parts)
