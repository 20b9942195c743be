"""From notebooks to points.

The code of a notebook runs in a sandbox, the checks run here, and only plain data passes between
the two. Each notebook is graded in a process of its own, so that nothing one of them does, even to
the grader, reaches another. What comes out is one JSON file for each student.
"""

import contextlib
import copy
import errno
import hashlib
import json
import multiprocessing
import os
import re
import stat
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from multiprocessing import connection
from pathlib import Path
from typing import Any

from attn_course.exercises.cells import bare
from attn_course.exercises.checking import Outcome, attempt, lost
from attn_course.exercises.source import HERE, Exercise, ExerciseError, load
from attn_course.exercises.submission import (
    CodeCell,
    Launch,
    NotebookError,
    Stop,
    Submission,
    plain,
    read_notebook,
)
from attn_course.grading import sandbox

VERSION = 1  # of the report and of the way to it: with a new one everything is graded again
SIZE = 20 * 2**20  # bytes of a notebook
SECONDS = 600  # for one notebook
MEMORY = 2 * 2**30  # bytes that checks may need besides what a grader has at its start
PATIENCE = 2  # how often an exercise may run out of time, or end the program

Launcher = Callable[[str, int], Launch]

NOT_YOURS = "Your notebook could not be graded. That is no fault of yours; your teacher was told."
LATE = "Not run: the time for one notebook had come to an end."
TIRED = "Not run: earlier checks ran out of time, or ended the program."
LINK = "What was handed in is a link, and links are not followed."
COSTS = "Cells that stopped cost nothing unless an answer needs what they define."
AGAIN = "Not passed in the run with the course's own solution of what comes before."


class RefusedError(ValueError):
    """A file that is not read; the text says why."""


@dataclass
class Report:
    """What a notebook earned, and why.

    `exercises` holds for each exercise with code its `outcomes` (one dictionary for each check),
    `earned`, `points` and `carried`: the earlier exercises whose reference solution stood in for
    the student's own, and `begun`: whether anything was written for it. `notes` are sentences for
    the student. `unread` says why the file could not be read, where that is so. `failed` is a
    sentence for the teacher where the grader itself broke. `kept` names the checks whose points
    come from an earlier run.
    """

    student: str
    assignment: str
    key: str = ""  # of all that the points depend on
    notebook: str = ""  # SHA-256 of the file
    notes: list[str] = field(default_factory=list)
    exercises: dict[str, dict[str, Any]] = field(default_factory=dict)
    seconds: float | int = 0.0
    unread: str = ""
    failed: str = ""
    kept: list[str] = field(default_factory=list)
    version: int = VERSION

    @property
    def earned(self) -> int:
        """The points of all exercises."""
        return sum(marks["earned"] for marks in self.exercises.values())

    @property
    def points(self) -> int:
        """The points that there were to earn."""
        return sum(marks["points"] for marks in self.exercises.values())

    def write(self, path: Path) -> None:
        """Write it as JSON, whole or not at all."""
        part = path.with_name(f".{path.name}.part")
        part.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")
        os.replace(part, path)

    @classmethod
    def read(cls, path: Path) -> "Report | None":
        """What was written; None where there is nothing, or nothing of this version."""
        try:
            made = cls(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        return made if made.version == VERSION else None


def unprotected(needs: str, slot: int = 0) -> Launch:
    """In the sandbox's place: run code with all the rights of whoever grades."""
    del needs, slot
    return plain


def read(path: Path, inside: Path | None = None) -> bytes:
    """The bytes of a file handed in; RefusedError unless it is a plain file of a fitting size.

    With `inside`, no folder between that one and the file may be a link.
    """
    if inside is not None:
        inside = Path(inside).absolute()
        apart = os.path.relpath(Path(path).absolute(), inside)
        if os.path.realpath(path) != os.path.join(os.path.realpath(inside), apart):
            raise RefusedError(LINK)
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        handle = os.open(path, flags)
    except FileNotFoundError:
        raise RefusedError("No notebook was handed in.") from None
    except (OSError, ValueError) as error:
        linked = getattr(error, "errno", None) == errno.ELOOP
        said = f"The notebook cannot be opened ({type(error).__name__})."
        raise RefusedError(LINK if linked else said) from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise RefusedError("What was handed in is not a file.")
    with open(handle, "rb") as file:
        data = file.read(SIZE + 1)
    if len(data) > SIZE:
        raise RefusedError(f"The notebook is larger than {SIZE // 2**20} MB; clear its outputs.")
    return data


def grade_notebook(
    path: Path,
    exercises: Sequence[Exercise],
    seed: Sequence[int],
    launch: Launcher = sandbox.launcher,
    *,
    student: str = "",
    assignment: str = "",
    slot: int = 0,
    seconds: float | int = SECONDS,
    inside: Path | None = None,
    starters: Sequence[str] = (),
) -> Report:
    """Grade one notebook in this process; after `seconds` no further check is begun.

    `starters` are those that were handed out, where the exercises' own have changed since.
    """
    started = time.monotonic()
    report = Report(_clean(student), assignment)
    known = _known(exercises)
    coded = [one for one in exercises if one.has_code]
    try:
        data = read(path, inside)
        report.notebook = hashlib.sha256(data).hexdigest()
        notebook = read_notebook(data)
    except (RefusedError, NotebookError) as error:
        report.unread = _clean(str(error))
        report.notes.append(report.unread)
        report.exercises = _nothing(coded, "Not run: there is no notebook that could be run.")
    else:
        report.notes += [_clean(note) for note in notebook.notes]
        grader = _Grader(coded, known, seed, launch, slot, started + seconds, starters)
        report.exercises = grader.grade(notebook.cells)
        report.notes += grader.notes
    report.key = _key(exercises, known, seed, report.notebook, starters)
    report.seconds = round(time.monotonic() - started, 3)
    return report


@dataclass
class _Grader:
    """The grading of one notebook."""

    exercises: Sequence[Exercise]
    known: dict[str, Exercise]
    seed: Sequence[int]
    launch: Launcher
    slot: int
    deadline: float | int
    starters: Sequence[str] = ()  # further ones
    notes: list[str] = field(default_factory=list)

    def grade(self, cells: Sequence[CodeCell]) -> dict[str, dict[str, Any]]:
        """The marks of each exercise: with what the student wrote, then with stand-ins."""
        # Untouched starters run first: what they import is there, and whatever else the notebook
        # defines under their names, above or below, is what counts.
        starters = {bare(exercise.starter()) for exercise in self.exercises}
        starters |= {bare(source) for source in self.starters}
        ours = [cell for cell in cells if bare(cell.source) in starters]
        theirs = [cell for cell in cells if bare(cell.source) not in starters]
        self.cells, self.n_ours = ours + theirs, len(ours)
        self.written = "\n".join(cell.source for cell in theirs)
        best: dict[str, list[Outcome]] = {}
        stops: dict[str, list[Stop]] = {}
        # A sandbox for each kind of exercise: what one forbids, another may ask for.
        for needs, forbids in dict.fromkeys((one.needs, one.forbids) for one in self.exercises):
            group = [one for one in self.exercises if (one.needs, one.forbids) == (needs, forbids)]
            with self.submission(group[0]) as submission:
                stops.setdefault(needs, []).extend(submission.stops)
                best |= self.outcomes(group, submission)
        self.tell(stops.get("torch", stops.get("numpy", [])))
        carried = {one: self.carry(self.known[one], best) for one in self.known if one in best}
        return {
            one.name: _marks(best[one.name], carried[one.name]) | {"begun": self.begun(one)}
            for one in self.exercises
        }

    def begun(self, exercise: Exercise) -> bool:
        """Whether a cell other than a starter defines something that the exercise asks for."""
        return any(
            re.search(
                rf"\b(?:def|import|as)\b[ \t,\w]{{0,200}}\b{name}\b|\b{name}\s{{0,9}}=(?!=)",
                self.written,
            )
            for name in exercise.gives()
        )

    def submission(self, exercise: Exercise) -> Submission:
        """A sandbox with the notebook's code, for this exercise and those of its kind."""
        sources = [cell.source for cell in self.cells]
        launch = self.launch(exercise.needs, self.slot)
        return Submission(sources, exercise.needs, launch, forbids=exercise.forbids)

    def outcomes(
        self, group: Sequence[Exercise], submission: Submission
    ) -> dict[str, list[Outcome]]:
        """What the checks of exercises that share a sandbox give.

        All that is shown of what the code says, `stops` as well, is had before the first hidden
        check: code that has met one remembers its inputs, and could tell them later.
        """
        checks = {one.name: one.checks() for one in group}
        found: dict[str, dict[str, Outcome]] = {name: {} for name in checks}
        patience = dict.fromkeys(checks, PATIENCE)
        for hidden in (False, True):
            for name, done in found.items():
                for one in [one for one in checks[name] if one.hidden == hidden]:
                    if patience[name] <= 0:
                        done[one.name] = lost(one, TIRED)
                    elif time.monotonic() > self.deadline:
                        done[one.name] = lost(one, LATE)
                    else:
                        done[one.name], came_back = attempt(one, submission.answer, self.seed)
                        patience[name] -= not came_back
        return {name: [found[name][one.name] for one in checks[name]] for name in checks}

    def tell(self, stops: Iterable[Stop]) -> None:
        """A note for each cell that stopped, and whether it matters."""
        stopped = 0
        for number, kind, text, line in dict.fromkeys(stops):
            if 0 <= number < self.n_ours and kind == "NotImplementedError":
                continue
            if not 0 <= number < len(self.cells):
                self.notes.append("The notebook's code could not be run: it ended the program.")
                continue
            cell = self.cells[number]
            text = re.sub(r" \(<cell \d+>, line \d+\)$", "", text)
            begins = next((one.strip() for one in cell.source.splitlines() if one.strip()), "")
            where = f"Cell {cell.index + 1} of the notebook, which begins with `{begins[:60]}`,"
            at = "" if line is None else f" in line {line}"
            if kind == "OutOfTime":
                said = "did not come to an end in time and was stopped"
            elif kind == "Ended":
                said = "ended the program and was left out"
            else:
                said = f"stopped with {kind}{at}" + (f": {text}" if text else "")
            self.notes.append(_clean(f"{where} {said}".rstrip(".") + "."))
            stopped += 1
        if stopped:
            self.notes.append(COSTS)

    def carry(self, exercise: Exercise, best: dict[str, list[Outcome]]) -> list[str]:
        """Grade once more with reference solutions for what went wrong before this exercise.

        The sandbox is a new one and only this exercise's checks run in it. Its outcomes count
        together or not at all: code can tell this run from the first, and would guess twice. No
        message of it reaches a report, because code in it can read a reference solution.
        """
        name, own = exercise.name, best[exercise.name]
        failed = {one for one in best if any(each.earned < each.points for each in best[one])}
        stand_ins = {
            one.name: source
            for one in _before(exercise, self.known)
            if (one.name in failed or one.name not in best) and (source := _stand_in(one, exercise))
        }
        tried = any(re.search(rf"\b{one}\b", self.written) for one in exercise.gives())
        if name not in failed or not stand_ins or not tried:
            return []
        with self.submission(exercise) as submission:
            submission.override("\n".join(stand_ins.values()))
            second = self.outcomes([exercise], submission)[name]
        gained = sum(one.earned for one in second) - sum(one.earned for one in own)
        if gained <= 0:
            return []
        best[name] = [
            replace(old, earned=new.earned, message=new.message and (old.message or AGAIN))
            for old, new in zip(own, second, strict=True)
        ]
        points = f"{gained} point{' comes' if gained == 1 else 's come'}"
        earlier = " and ".join(self.known[one].title for one in stand_ins)
        self.notes.append(
            f"{exercise.title}: {points} from a run with the course's own solution of {earlier} "
            "in place of yours."
        )
        return list(stand_ins)


def _clean(text: str) -> str:
    return " ".join(text.encode("utf-8", "replace").decode().split())[:500]


def _marks(outcomes: Sequence[Outcome], carried: Sequence[str] = ()) -> dict[str, Any]:
    return {
        "outcomes": [asdict(one) for one in outcomes],
        "earned": sum(one.earned for one in outcomes),
        "points": sum(one.points for one in outcomes),
        "carried": list(carried),
    }


def _nothing(exercises: Iterable[Exercise], message: str) -> dict[str, dict[str, Any]]:
    return {
        one.name: _marks([lost(check, message) for check in one.checks()])
        for one in exercises
        if one.has_code
    }


def _known(exercises: Sequence[Exercise]) -> dict[str, Exercise]:
    """The exercises and all that they build on, by name, each after what it builds on."""
    known = {one.name: one for one in exercises}
    left = list(exercises)
    while left:
        one = left.pop()
        for name in one.after:
            if name not in known:
                known[name] = load(name, [one.folder.parents[1], HERE])
                left.append(known[name])
    try:
        order = list(TopologicalSorter({one: known[one].after for one in known}).static_order())
    except CycleError as error:
        raise ExerciseError(f"exercises must not wait for each other: {error.args[1]}") from None
    return {name: known[name] for name in order}


def _before(exercise: Exercise, known: dict[str, Exercise]) -> list[Exercise]:
    """All that an exercise builds on and that has code, the earliest first."""
    names = set(exercise.after)
    for one in reversed(known.values()):
        names |= set(one.after) if one.name in names else set()
    return [one for one in known.values() if one.name in names and one.has_code]


def _stand_in(earlier: Exercise, later: Exercise) -> str:
    """Code that puts the reference solution of an exercise in the place of the student's functions.

    Helpers of the solution stay out of the student's sight, and what the later exercise asks for
    is never given.
    """
    given = [name for name in earlier.gives() if name not in later.gives()]
    if not given:
        return ""
    lines = ["_course = {**globals()}", f"exec({earlier.solution()!r}, _course)"]
    return "\n".join(lines + [f"{name} = _course[{name!r}]" for name in given] + ["del _course"])


def _key(
    exercises: Sequence[Exercise],
    known: Mapping[str, Exercise],
    seed: Sequence[int],
    notebook: str,
    starters: Sequence[str],
) -> str:
    head = [VERSION, [one.name for one in exercises], [int(one) for one in seed], notebook]
    head.append(sorted({bare(one) for one in starters}))
    for name in sorted(known):
        for file in ("prompt.md", "solution.py", "starter.py", "checks.py"):
            path = known[name].folder / file
            data = path.read_bytes() if path.exists() else b""
            head += [name, hashlib.sha256(data).hexdigest()]
    return hashlib.sha256(json.dumps(head).encode()).hexdigest()


def raised(new: Report, old: Report | None) -> Report:
    """The new report; where the notebook is the same, no check with fewer points than before."""
    if old is None or old.notebook != new.notebook or not new.notebook:
        return new
    for name, marks in new.exercises.items():
        before = {one["name"]: one for one in old.exercises.get(name, {}).get("outcomes", [])}
        for outcome in marks["outcomes"]:
            earned = min(before.get(outcome["name"], outcome)["earned"], outcome["points"])
            if earned > outcome["earned"]:
                outcome["earned"] = earned
                outcome["message"] = "" if earned == outcome["points"] else outcome["message"]
                new.kept.append(f"{name}: {outcome['name']}")
        marks["earned"] = sum(one["earned"] for one in marks["outcomes"])
    return new


def fits_a_file(student: str) -> bool:
    """Whether a student's id can be the name of a file."""
    plain = re.fullmatch(r"[^\W_][\w.,@+'()\- ]{0,99}", student) is not None
    return plain and len(student.encode("utf-8", "replace")) <= 200 and student == student.strip()


def grade_all(
    jobs: Iterable[tuple[str, Path]],
    exercises: Sequence[Exercise],
    seed: Sequence[int],
    results: Path,
    *,
    assignment: str = "",
    launch: Launcher = sandbox.launcher,
    n_jobs: int = 1,
    progress: bool = False,
    lower: bool = False,
    seconds: float | int = SECONDS,
    inside: Path | None = None,
    starters: Sequence[str] = (),
) -> Iterator[Report]:
    """Grade the notebooks of a class, given as (student, path); reports come as they are finished.

    Each is written to `results/STUDENT.json` at once. What was graded before, with the same
    exercises and seed, is read from there. A notebook that is graded anew loses no points by that,
    unless `lower` is set. After `seconds` the grading of a notebook is ended by force. Files that
    are reached through a link below `inside` are refused. `starters` are as in `grade_notebook`.
    """
    arguments = {"exercises": list(exercises), "seed": list(seed), "launch": launch}
    arguments |= {"assignment": assignment, "seconds": 0.75 * seconds, "inside": inside}
    arguments["starters"] = list(starters)
    waiting = deque(jobs)
    batch = _Batch(arguments, Path(results), lower, seconds, list(range(max(1, n_jobs))))
    reports: Iterable[Report] = batch.reports(waiting)
    if progress:
        from tqdm import tqdm

        reports = tqdm(reports, total=len(waiting), unit=" notebooks")
    yield from reports


@dataclass
class _Batch:
    """The grading of a class."""

    arguments: dict[str, Any]
    results: Path
    lower: bool
    seconds: float | int
    free: list[int]  # slots

    def __post_init__(self) -> None:
        self.results.mkdir(parents=True, exist_ok=True)
        self.exercises: list[Exercise] = self.arguments["exercises"]
        self.known = _known(self.exercises)
        self.blank = _nothing(self.exercises, "Not graded.")  # checks that cannot be read fail now
        self.running: list[_Process] = []
        self.seen: set[str] = set()

    def reports(self, waiting: deque[tuple[str, Path]]) -> Iterator[Report]:
        """The reports, in the order in which they are finished."""
        try:
            while waiting or self.running:
                if waiting and self.free:
                    report = self.begin(*waiting.popleft())
                else:
                    report = self.end(_first(self.running))
                if report is not None:
                    yield report
        finally:
            for one in self.running:
                one.kill()

    def begin(self, student: str, path: Path) -> Report | None:
        """Start the grading of a notebook; its report, if that needs no grading."""
        if not fits_a_file(student):
            return self.failed(student, f"{student!r:.100} cannot be the name of a student's file.")
        if student in self.seen:
            return self.failed(student, f"{student!r:.100} is there twice; the first one counts.")
        self.seen.add(student)
        try:
            notebook = hashlib.sha256(read(path, self.arguments["inside"])).hexdigest()
        except RefusedError:
            notebook = ""
        old = Report.read(self.results / f"{student}.json")
        seed, starters = self.arguments["seed"], self.arguments["starters"]
        key = _key(self.exercises, self.known, seed, notebook, starters)
        if old and notebook and old.key == key and not (old.failed or (self.lower and old.kept)):
            return old
        arguments = {**self.arguments, "path": path, "student": student, "slot": self.free[0]}
        try:
            self.running.append(_Process(arguments, self.seconds, old, notebook))
        except OSError as error:
            return self.failed(student, f"The grader could not be started: {error}.", notebook)
        del self.free[0]
        return None

    def end(self, process: "_Process") -> Report:
        """Take the report of a grading that ended, and store it."""
        student = process.arguments["student"]
        self.running.remove(process)
        self.free.append(process.arguments["slot"])
        report = process.result()
        if isinstance(report, str):
            report = self.failed(student, report, process.notebook)
        if not self.lower:
            report = raised(report, process.old)
        report.write(self.results / f"{student}.json")
        return report

    def failed(self, student: str, why: str, notebook: str = "") -> Report:
        """The report of a notebook that could not be graded through no fault of its own."""
        report = Report(
            _clean(student), self.arguments["assignment"], notebook=notebook, failed=why
        )
        report.notes, report.exercises = [NOT_YOURS], copy.deepcopy(self.blank)
        return report


class _Process:
    """A process that grades one notebook."""

    def __init__(
        self, arguments: dict[str, Any], seconds: float | int, old: Report | None, notebook: str
    ) -> None:
        self.arguments, self.old, self.notebook = arguments, old, notebook
        # Forked, where that can be, from a process with NumPy loaded and nothing else going on.
        forks = "forkserver" in multiprocessing.get_all_start_methods()
        context: Any = multiprocessing.get_context("forkserver" if forks else "spawn")
        if forks:
            context.set_forkserver_preload(["__main__", __name__])
        self.pipe, other = context.Pipe(duplex=False)
        self.process = context.Process(target=_work, args=(other, arguments), daemon=True)
        self.process.start()
        other.close()
        self.seconds, self.deadline = seconds, time.monotonic() + seconds

    def result(self) -> "Report | str":
        """The report, or why there is none."""
        try:
            if not self.pipe.poll():
                return f"Grading took longer than {self.seconds:.0f} seconds and was ended."
            answer: Report | str = self.pipe.recv()
            self.process.join(5)
            return answer
        except (EOFError, OSError):
            self.process.join(5)
            code = self.process.exitcode
            return f"The grader came to an end without a report (exit code {code})."
        finally:
            self.kill()

    def kill(self) -> None:
        """End it, and what it started."""
        pid = self.process.pid
        if pid is not None and self.process.is_alive():
            with contextlib.suppress(OSError):
                os.killpg(pid, 9)
            self.process.kill()
            self.process.join()
        self.pipe.close()


def _first(running: Sequence[_Process]) -> _Process:
    """The first that ends or runs out of time."""
    next_up = min(running, key=lambda one: one.deadline)
    left = max(0.0, next_up.deadline - time.monotonic())
    ready = connection.wait([one.pipe for one in running], left)
    return next((one for one in running if one.pipe in ready), next_up)


def _work(pipe: Any, arguments: dict[str, Any]) -> None:
    """What such a process does."""
    if sys.platform != "win32":
        import resource

        os.setsid()  # the terminal's Ctrl-C is for the process that waits for this one
        with contextlib.suppress(OSError, ValueError):  # no Linux, or a lower limit set before
            size = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
            most = resource.getrlimit(resource.RLIMIT_DATA)[1]
            resource.setrlimit(resource.RLIMIT_DATA, (size + MEMORY, most))
    answer: Report | str
    try:
        answer = grade_notebook(**arguments)
    except BaseException as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{'/'.join(Path(place.filename).parts[-2:])}:{place.lineno}"
        answer = _clean(f"The grader stopped with {type(error).__name__} in {where}: {error}")
    pipe.send(answer)
