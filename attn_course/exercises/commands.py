"""The student's commands: list the exercises, check a file, look over a notebook."""

import ast
import difflib
import importlib.util
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from attn_course.exercises import (
    SEED,
    find,
    first,
    functions,
    load,
    names,
    report,
    to_write,
    unwritten,
    wrap,
)
from attn_course.exercises.cells import ANSWER, LEVELS, bare, cells, grade_id, points
from attn_course.exercises.checking import Outcome, run
from attn_course.exercises.source import Exercise, ExerciseError, names_read
from attn_course.exercises.submission import Notebook, Stop, Submission, read_notebook

ASKED = re.compile(r"\bcheck\(\s*[\"']([\w/]+)[\"']")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
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
    found = outcomes[exercise.name]
    missing = unwritten(exercise, found, there)
    lines = [f"! The file {_stopped(stop)}" for stop in stops]
    lines += [*report(exercise, found, missing), *to_write(missing)]
    _print(lines + [*first(exercise, found, there, _taken(_parsed(source)))])
    return int(any(one.message for one in found) or bool(missing))


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
        self.cells = sorted([*self.notebook.cells, *self.notebook.texts], key=lambda c: c.index)
        known = names()
        self.code = {cell.index: cell.source for cell in self.notebook.cells if cell.source.strip()}
        self.exercises = sorted(filter(self.holds, map(load, known)), key=self.place)
        self.unknown = [name for name in self.notebook.exercises if name not in known]
        starters = {bare(one.starter()) for one in self.exercises if one.has_code}
        # As when graded: an untouched starter runs first, so that it replaces nobody's answer.
        self.untouched = [i for i, source in self.code.items() if bare(source) in starters]
        self.trees = {index: _parsed(source) for index, source in self.code.items()}
        self.given: set[str] = set()  # what an untouched starter holds besides stubs
        self.stubs: set[str] = set()
        self.defined: dict[str, list[int]] = {}
        self.borrowed: dict[str, int] = {}  # imported from the package, in which cell
        for index in self.untouched:
            written = _defined(self.code[index])
            self.given |= {name for name, text in written if "NotImplementedError" not in text}
        for index in [i for i in self.code if i not in self.untouched]:
            self.look_into(index)
        self.asked = functions(self.exercises)
        self.reached = _closed(self.asked, self.trees.values())

    def look_into(self, index: int) -> None:
        """Note what a cell gives a value; of a name that has several the last one counts."""
        nodes = self.trees[index].body
        if not nodes:  # no Python, but perhaps nearly
            for name, _ in _defined(self.code[index]):
                self.defined.setdefault(name, []).append(index)
        for node in nodes:
            for name in _taken(node) if isinstance(node, ast.Import | ast.ImportFrom) else ():
                self.borrowed[name] = index
                self.defined.pop(name, None)
            for name, text in _written(node):
                self.borrowed.pop(name, None)
                self.stubs.discard(name)
                if "NotImplementedError" in text:
                    self.stubs.add(name)
                where = self.defined.setdefault(name, [])
                where += [index] * (index not in where)

    def mentions(self, exercise: Exercise) -> list[int]:
        """The cells that belong to an exercise, by what they say of themselves or by their text."""
        return [
            cell.index
            for cell in self.cells
            if cell.exercise == exercise.name
            or exercise.name in ASKED.findall(self.code.get(cell.index, ""))
            or cell.source.startswith(f"## {exercise.title}\n\n*")
        ]

    def holds(self, exercise: Exercise) -> bool:
        """Whether the exercise is one of this notebook's."""
        by_name = exercise.name in self.notebook.exercises or bool(self.mentions(exercise))
        return by_name or any(
            grade_id(exercise.name, q.name) in self.notebook.answers for q in exercise.questions
        )

    def place(self, exercise: Exercise) -> tuple[int, int]:
        """Where an exercise stands in the notebook: as handed out, or by its first cell."""
        handed_out = self.notebook.exercises
        if exercise.name in handed_out:
            return 0, handed_out.index(exercise.name)
        return 1, min(self.mentions(exercise), default=len(self.cells))

    def is_gone(self, exercise: Exercise) -> bool:
        """Whether nothing of an exercise is left that could be graded."""
        if not exercise.has_code:
            answers = (grade_id(exercise.name, one.name) for one in exercise.questions)
            there = any(self.mentions(exercise))
            return not there and not any(one in self.notebook.answers for one in answers)
        if any(index in self.code for index in self.mentions(exercise)):
            return False
        return not any(name in self.defined or name in self.borrowed for name in exercise.gives())

    def is_handed_out(self) -> bool:
        """Whether this is, or once was, a notebook that was handed out, and no page of the book."""
        if self.notebook.exercises:
            return True
        if any("nbgrader" in _dict(_dict(one).get("metadata")) for one in self.raw):
            return True
        titles = tuple(f"## {one.title}\n\n*" for one in self.exercises)
        return any(cell.source.startswith(titles) for cell in self.notebook.texts)

    def lines(self) -> Iterator[str]:
        """What there is to say, the verdict last."""
        for name in self.unknown:
            yield f"? {name} is not in this copy of the course, so nothing is said of it"
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
        written = {*self.defined, *self.given} - self.stubs
        gives = exercise.gives() if exercise.has_code else ()
        missing = [name for name in gives if name not in written]
        if self.is_gone(exercise):
            yield f"{exercise.name}: {exercise.title}"
            yield self.costly(
                f"{exercise.name} is not in this notebook any more; take its cells from a fresh "
                "copy of what was handed out"
            )
        elif _lacks_torch(exercise):
            yield f"{exercise.name}: {exercise.title}"
            yield self.costly("not run: it needs torch, which is not installed here")
        elif gives and not any(name in self.defined for name in gives):
            yield f"{exercise.name}: {exercise.title}"
            starter = bare(exercise.starter())
            untouched = starter in {bare(self.code[index]) for index in self.untouched}
            if untouched and not any(name in self.borrowed for name in gives):
                yield self.costly("not begun: the starter is as it was handed out")
            else:
                yield from self.missing(missing)
        else:
            yield from report(exercise, outcomes, missing)
            self.n_costly += sum(bool(one.message) for one in outcomes)
            yield from self.missing(missing)
            yield from first(exercise, outcomes, written, self.borrowed)
        if self.is_handed_out():
            yield from self.questions(exercise)

    def questions(self, exercise: Exercise) -> Iterator[str]:
        """A line for each question that a person would find no answer to."""
        for question in exercise.questions:
            answer = self.notebook.answers.get(grade_id(exercise.name, question.name))
            asked = f'"{_begins(question.text)}"'
            if answer is None:
                yield self.costly(
                    f"the cell for the answer to {asked} is gone, or has lost what tells it from "
                    "other cells; copy your answer into a fresh copy of what was handed out"
                )
            elif _letters(answer) in {"", _letters(ANSWER), *_asked(exercise)}:
                yield self.costly(f"the question {asked} has no answer yet")

    def missing(self, missing: Sequence[str]) -> Iterator[str]:
        """A line for each function that is not there."""
        others = set(self.defined) - self.asked
        for name in missing:
            near = difflib.get_close_matches(name, others, n=1)
            if name in self.borrowed:
                where = self.cell(self.borrowed[name])
                yield self.costly(
                    f"{name} is the book's own, imported in {where}; write yours, since the book "
                    "is not there when it is graded"
                )
            elif name in self.stubs:
                yield self.costly(f"{name} is not written yet; the grader checks it too")
            elif near:
                yield self.costly(f"there is no function {name}; is it the one called {near[0]}?")
            else:
                yield self.costly(f"there is no function {name}; was it renamed or deleted?")

    def stopped(self, stops: Sequence[Stop]) -> Iterator[str]:
        """A line for each cell that did not run to its end; it costs what it does not define."""
        for stop in dict.fromkeys(stops):
            index, kind, _, line = stop
            if kind == "NotImplementedError":
                continue
            said = f"{self.cell(index)} {_stopped(stop)}"
            elsewhere = {
                name
                for other, tree in self.trees.items()
                for name in (_binds(tree) if other != index else ())
            }
            lost = _lost(self.code[index], kind, line) & self.reached - elsewhere
            if lost:
                yield self.costly(f"{said}; an answer needs {', '.join(sorted(lost))} from it")
            else:
                yield f"? {said}. No answer needs it, so it costs nothing"

    def masked(self) -> Iterator[str]:
        """A line for each cell that uses the package, which is not there when graded."""
        taken = {name for tree in self.trees.values() for name in _taken(tree)}
        taken -= {*self.defined, *self.asked}
        own = {name for one in self.exercises if one.has_code for name in one.gives()}
        for name, index in self.borrowed.items():
            if name in self.asked - own:
                yield self.costly(
                    f"{self.cell(index)} imports {name}, which is the book's own; an answer here "
                    "builds on yours"
                )
        for index, tree in self.trees.items():
            needed: set[str] = set()
            uses: set[str] = set()
            for node in tree.body:
                used = _uses(node) & taken
                uses |= used
                needed |= used if set(_binds(node)) & self.reached else set()
            said = f"{self.cell(index)} uses {', '.join(sorted(needed or uses))} of attn_course"
            if needed:
                yield self.costly(f"{said} for an answer; there is no attn_course in grading")
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


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).lower()


def _asked(exercise: Exercise) -> set[str]:
    """The questions of an exercise as they are handed out."""
    return {_letters(cell.source) for cell in cells(exercise) if cell.part == "question"}


def _parsed(source: str) -> ast.Module:
    """A cell without what only IPython understands; empty if it is no Python."""
    try:
        return ast.parse(MAGIC.sub("", source))
    except (SyntaxError, ValueError, RecursionError):
        return ast.Module([], [])


def _begins(text: str, n: int = 7) -> str:
    """The first words of a text."""
    words = re.sub(r"[*`]", "", text).split()
    return " ".join(words[:n]) + " …" * (len(words) > n)


def _bound(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """The names that a statement gives a value where it stands, imports apart, each with how."""
    if isinstance(node, FUNCTIONS):
        yield node.name, node
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id, node
    elif not isinstance(node, ast.Lambda):
        for inner in ast.iter_child_nodes(node):
            yield from _bound(inner)


def _written(node: ast.AST) -> Iterator[tuple[str, str]]:
    """The names that a statement gives a value, each with its code if it is a function."""
    for name, inner in _bound(node):
        yield name, ast.unparse(inner) if isinstance(inner, FUNCTIONS) else ""


def _defined(source: str) -> Iterator[tuple[str, str]]:
    """The same of a cell."""
    tree = _parsed(source)
    yield from _written(tree)
    if not tree.body:
        yield from ((name, "") for name in re.findall(r"^def (\w+)", source, re.MULTILINE))


def _binds(node: ast.AST) -> set[str]:
    """The names that code gives a value, imports among them."""
    imported = {
        (one.asname or one.name).partition(".")[0]
        for inner in ([node] if isinstance(node, ast.stmt) else ast.iter_child_nodes(node))
        if isinstance(inner, ast.Import | ast.ImportFrom)
        for one in inner.names
    }
    return imported | {name for name, _ in _bound(node)}


def _lost(source: str, kind: str, line: int | None) -> set[str]:
    """The names that a cell which stopped did not come to define."""
    body = _parsed(source).body
    if not body or line is None:
        return {name for name, _ in _defined(source)} | _binds(_parsed(source))
    at = next((i for i, one in enumerate(body) if (one.end_lineno or 0) >= line), len(body))
    if kind in ("ImportError", "ModuleNotFoundError"):  # the rest of the cell runs
        return set().union(*map(_binds, body[at : at + 1]))
    there = body[at] if at < len(body) else None
    if isinstance(there, FUNCTIONS) and there.body[0].lineno <= line:
        while at < len(body) and isinstance(body[at], FUNCTIONS):
            at += 1  # it is there: a later statement called it
    return set().union(*map(_binds, body[at:]))


def _closed(wanted: set[str], trees: Iterable[ast.Module]) -> set[str]:
    """The names that functions use, and those that these use, and so on."""
    uses: dict[str, set[str]] = {}
    for tree in trees:
        for node in tree.body:
            for name in _binds(node):
                uses.setdefault(name, set()).update(_uses(node))
    reached, new = set(wanted), set(wanted)
    while new:
        new = set().union(*(uses.get(name, set()) for name in new)) - reached
        reached |= new
    return reached


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


def _uses(node: ast.stmt) -> set[str]:
    """The names of the notebook that a statement reads, and what it imports within a function."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return set()
    try:
        return names_read(node) | _taken(node)
    except SyntaxError:  # what IPython alone can run, such as an await at the top
        return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
