"""The student's commands: list the exercises, check a file, look over a notebook."""

import ast
import difflib
import importlib.util
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from attn_course.exercises import SEED, find, first, load, names, points, report, wrap
from attn_course.exercises.cells import ANSWER, LEVELS, cells
from attn_course.exercises.checking import Outcome, run
from attn_course.exercises.source import Exercise, ExerciseError
from attn_course.exercises.submission import Notebook, Stop, Submission, read_notebook

ASKED = re.compile(r"\bcheck\(\s*[\"']([\w/]+)[\"']")
MAGIC = re.compile(r"^[ \t]*[%!].*$", re.MULTILINE)


def register(commands: Any) -> None:
    """Add `exercises`, `check` and `validate` to a parser's subcommands."""
    lister = commands.add_parser("exercises", help="list the exercises")
    lister.add_argument("chapter", nargs="?", metavar="CHAPTER", help="of this chapter only")
    lister.set_defaults(run=lambda options: list_exercises(options.chapter))
    checker = commands.add_parser("check", help="check a file with your answer to an exercise")
    checker.add_argument("name", metavar="NAME", help="of the exercise: CHAPTER/NAME")
    checker.add_argument("file", metavar="FILE.py", help="your functions")
    checker.set_defaults(run=lambda options: check_file(options.name, Path(options.file)))
    looker = commands.add_parser("validate", help="say what a grader would see of a notebook")
    looker.add_argument("notebook", metavar="NOTEBOOK")
    looker.set_defaults(run=lambda options: validate(Path(options.notebook)))


def list_exercises(chapter: str | None = None) -> int:
    """Print a table of the exercises."""
    found = [load(name) for name in names()]
    chapters = list(dict.fromkeys(one.chapter for one in found))
    if chapter is not None and chapter not in chapters:
        known = ", ".join(chapters) or "none"
        raise ExerciseError(f"there are no exercises on {chapter!r}; the chapters are {known}")
    rows = [("NAME", "LEVEL", "MIN", "NEEDS", "POINTS", "AFTER", "TITLE")]
    for one in found:
        if chapter not in (None, one.chapter):
            continue
        parts = (
            sum(check.points for check in one.checks() if not check.hidden),
            one.hidden_points(),
            sum(question.points for question in one.questions),
        )
        needs = one.needs if one.has_code else "-"
        after = ", ".join(name.removeprefix(f"{one.chapter}/") for name in one.after) or "-"
        level = LEVELS[one.difficulty]
        worth = "+".join(map(str, parts))
        rows.append((one.name, level, str(one.minutes), needs, worth, after, one.title))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(f"{text:{n}}" for text, n in zip(row, widths, strict=True)).rstrip())
    print("\nPOINTS: checks that you can run + checks that the grader runs + marked by a person")
    return 0


def check_file(name: str, path: Path) -> int:
    """Check a file of functions; 0 if everything visible passes."""
    exercise = find(name)
    if path.suffix == ".ipynb":
        raise ExerciseError(f"{path} is a notebook; run: attn-course validate {path}")
    try:
        source = _bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ExerciseError(f"{path} is not a text file") from None
    _need_torch(exercise)
    outcomes, stops = _run([source], [exercise])
    there = {name for name, text in _defined(source) if "NotImplementedError" not in text}
    lines = [f"! The file {_stopped(stop)}" for stop in stops]
    lines += [*report(exercise, outcomes[exercise.name])]
    _print(lines + [*first(exercise, outcomes[exercise.name], there)])
    return int(any(one.message for one in outcomes[exercise.name]))


def validate(path: Path) -> int:
    """Say what a grader would see of a notebook; 0 if nothing in it would cost points."""
    data = _bytes(path)
    look = _Look(read_notebook(data), json.loads(data.decode("utf-8-sig"))["cells"])
    _print([str(path), "", *look.lines()])
    return int(look.n_costly > 0)


@dataclass
class _Look:
    """A look over a notebook; what would cost points is counted."""

    notebook: Notebook
    raw: list[Any]  # the cells as they stand in the file
    n_costly: int = 0
    exercises: list[Exercise] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.exercises = [load(name) for name in names() if self.holds(load(name))]
        starters = {_bare(one.starter()) for one in self.exercises if one.has_code}
        self.code = {cell.index: cell.source for cell in self.notebook.cells if cell.source.strip()}
        # As when graded: an untouched starter runs first, so that it replaces nobody's answer.
        self.untouched = [i for i, source in self.code.items() if _bare(source) in starters]
        self.defined: dict[str, list[int]] = {}
        for index in [i for i in self.code if i not in self.untouched]:
            for name in dict.fromkeys(name for name, _ in _defined(self.code[index])):
                self.defined.setdefault(name, []).append(index)

    def holds(self, exercise: Exercise) -> bool:
        """Whether the exercise is one of this notebook's."""
        by_name = any(
            cell.exercise == exercise.name or exercise.name in ASKED.findall(cell.source)
            for cell in self.notebook.cells
        )
        return by_name or any(
            _grade_id(exercise, q.name) in self.notebook.answers for q in exercise.questions
        )

    def lines(self) -> Iterator[str]:
        """What there is to say, the verdict last."""
        if not self.exercises:
            self.n_costly = 1
            yield "There is no exercise in this notebook, or none that this copy of the course has."
            return
        outcomes, stops = self.run()
        for exercise in self.exercises:
            yield from self.about(exercise, outcomes.get(exercise.name, []))
            yield ""
        notes = [*self.stopped(stops), *self.masked(), *self.twice(), *self.order()]
        notes += [f"  {note}" for note in self.notebook.notes]
        if notes:
            yield from ["The cells", *notes, ""]
        earned = sum(one.earned for each in outcomes.values() for one in each)
        total = sum(one.points for each in outcomes.values() for one in each)
        said = f"Run from the top, {earned} of {points(total)} that can be checked here are earned"
        if self.n_costly:
            things = f"{self.n_costly} thing" + "s" * (self.n_costly != 1)
            yield f"{said}; {things} above, marked ! or not yet, would cost points."
        else:
            yield f"{said}, and nothing stands in the way of handing it in."

    def run(self) -> tuple[dict[str, list[Outcome]], list[Stop]]:
        """Run the notebook afresh, once for each kind of exercise; the cells by their index."""
        order = [*self.untouched, *(i for i in self.code if i not in self.untouched)]
        outcomes: dict[str, list[Outcome]] = {}
        stops: dict[str, list[Stop]] = {}
        coded = [one for one in self.exercises if one.has_code and not _lacks_torch(one)]
        for kind in dict.fromkeys((one.needs, one.forbids) for one in coded):
            group = [one for one in coded if (one.needs, one.forbids) == kind]
            found, stopped = _run([self.code[index] for index in order], group)
            outcomes |= found
            stops[kind[0]] = [
                (order[number], said, text, line)
                for number, said, text, line in stopped
                if number >= 0
            ]
        return outcomes, stops.get("torch", stops.get("numpy", []))

    def about(self, exercise: Exercise, outcomes: Sequence[Outcome]) -> Iterator[str]:
        """What is to say of an exercise."""
        missing = (
            []
            if not exercise.has_code
            else [name for name in exercise.gives() if name not in self.defined]
        )
        if _lacks_torch(exercise):
            yield f"{exercise.name}: {exercise.title}"
            yield self.costly("not run: it needs torch, which is not installed here")
        elif exercise.has_code and set(missing) == set(exercise.gives()):
            yield f"{exercise.name}: {exercise.title}"
            if any(_bare(self.code[i]) == _bare(exercise.starter()) for i in self.untouched):
                yield self.costly("not begun: the starter is as it was handed out")
            else:
                yield from self.missing(exercise, missing)
        else:
            yield from report(exercise, outcomes)
            self.n_costly += sum(bool(one.message) for one in outcomes)
            yield from self.missing(exercise, missing)
            yield from first(exercise, outcomes, set(self.defined))
        if not any("nbgrader" in _dict(_dict(one).get("metadata")) for one in self.raw):
            return  # not a notebook that was handed out: nothing is marked in it
        for question in exercise.questions:
            answer = self.notebook.answers.get(_grade_id(exercise, question.name))
            if answer is None:
                yield self.costly(f"the cell for the answer to {question.name!r} is gone")
            elif _letters(answer) in {"", _letters(ANSWER), *_asked(exercise)}:
                yield self.costly(f"the question {question.name!r} has no answer yet")

    def missing(self, exercise: Exercise, missing: Sequence[str]) -> Iterator[str]:
        """A line for each function that is not there."""
        others = set(self.defined) - {
            name for one in self.exercises if one.has_code for name in one.gives()
        }
        for name in missing:
            near = difflib.get_close_matches(name, others, n=1)
            instead = (
                f"; is it the one called {near[0]}?" if near else "; was it renamed or deleted?"
            )
            yield self.costly(f"there is no function {name}{instead}")

    def stopped(self, stops: Sequence[Stop]) -> Iterator[str]:
        """A line for each cell that did not run to its end."""
        for stop in dict.fromkeys(stops):
            if stop[1] != "NotImplementedError":
                yield self.costly(f"{self.cell(stop[0])} {_stopped(stop)}")

    def masked(self) -> Iterator[str]:
        """A line for each cell that uses the package, which is not there when graded."""
        trees = {index: _parsed(source) for index, source in self.code.items()}
        taken = {name for tree in trees.values() for name in _taken(tree)} - set(self.defined)
        for index, tree in trees.items():
            uses = _uses(tree) & taken
            within = [one for one in tree.body if isinstance(one, ast.FunctionDef | ast.ClassDef)]
            inside = {name for node in within for name in _uses(node)} & taken
            said = f"{self.cell(index)} uses {', '.join(sorted(inside or uses))} of attn_course"
            if inside:
                yield self.costly(
                    f"{said} in a function; there is no attn_course when it is graded"
                )
            elif uses:
                yield f"  {said}, which is left out when it is graded"

    def twice(self) -> Iterator[str]:
        """A line for each function that is written in several cells."""
        for exercise in self.exercises:
            for name in exercise.gives() if exercise.has_code else ():
                where = self.defined.get(name, [])
                if len(where) > 1:
                    places = " and ".join(str(index + 1) for index in where)
                    yield f"  {name} is written in cells {places}; the last of them counts"

    def order(self) -> Iterator[str]:
        """Cells that were run in another order than the grader's, or never."""
        counts = {index: _dict(self.raw[index]).get("execution_count") for index in self.code}
        run = [(index, count) for index, count in counts.items() if isinstance(count, int)]
        never = [str(index + 1) for index, count in counts.items() if not isinstance(count, int)]
        if never and run:
            yield f"  never run: cell{'s' * (len(never) > 1)} {', '.join(never)}"
        for (above, earlier), (below, later) in zip(run, run[1:], strict=False):
            if earlier > later:
                yield (
                    f"  {self.cell(below)} was run before cell {above + 1}, which stands above it; "
                    "a grader runs them from the top"
                )

    def costly(self, text: str) -> str:
        """A line on something that costs points."""
        self.n_costly += 1
        return f"! {text}"

    def cell(self, index: int) -> str:
        """A cell as a reader can find it."""
        begins = next(line.strip() for line in self.code[index].splitlines() if line.strip())
        return f"cell {index + 1} (`{begins[:40]}`)"


def _run(
    sources: Sequence[str], group: Sequence[Exercise]
) -> tuple[dict[str, list[Outcome]], list[Stop]]:
    """Run cells in a process of their own, and the visible checks of exercises of one kind."""
    kind = group[0]
    with Submission(list(sources), kind.needs, forbids=kind.forbids) as submission:
        outcomes = {
            one.name: run([c for c in one.checks() if not c.hidden], submission.answer, SEED)
            for one in group
        }
        return outcomes, submission.stops


def _stopped(stop: Stop) -> str:
    _, kind, text, line = stop
    if kind == "OutOfTime":
        return "did not come to an end in time; is there a loop that never ends?"
    if kind == "Ended":
        return "ended the program"
    where = "" if line is None else f" in line {line}"
    return f"stopped{where} with {kind}" + f": {text}" * bool(text)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ExerciseError(f"{path} cannot be read: {error.strerror}") from None


def _lacks_torch(exercise: Exercise) -> bool:
    return exercise.needs == "torch" and importlib.util.find_spec("torch") is None


def _need_torch(exercise: Exercise) -> None:
    if _lacks_torch(exercise):
        raise ExerciseError(f"{exercise.name} needs torch; to have it: pip install torch")


def _print(lines: Sequence[str]) -> None:
    print("\n".join(part for line in lines for part in wrap(line)))


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _bare(source: str) -> str:
    return "\n".join(line.rstrip() for line in source.strip().splitlines())


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).lower()


def _asked(exercise: Exercise) -> set[str]:
    """The questions of an exercise as they are handed out."""
    return {_letters(cell.source) for cell in cells(exercise) if cell.part == "question"}


def _grade_id(exercise: Exercise, question: str) -> str:
    return f"{exercise.name.replace('/', '-')}-{question}"


def _parsed(source: str) -> ast.Module:
    """A cell without what only IPython understands; empty if it is no Python."""
    try:
        return ast.parse(MAGIC.sub("", source))
    except (SyntaxError, ValueError, RecursionError):
        return ast.Module([], [])


def _defined(source: str) -> Iterator[tuple[str, str]]:
    """The names that a cell gives a value, each with the code that does."""
    tree = _parsed(source)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name, ast.unparse(node)
        elif isinstance(node, ast.Assign):
            yield from ((one.id, "") for one in node.targets if isinstance(one, ast.Name))
    if not tree.body:
        yield from ((name, "") for name in re.findall(r"^def (\w+)", source, re.MULTILINE))


def _taken(tree: ast.AST) -> set[str]:
    """The names under which a cell imports something of the package, other than `check`."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = getattr(node, "module", None) or ""
            for one in node.names:
                if (module or one.name).split(".")[0] == "attn_course" and one.name != "check":
                    found.add(one.asname or (one.name if module else "attn_course"))
    return found


def _uses(tree: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
