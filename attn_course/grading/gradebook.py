"""nbgrader as the carrier: its gradebook and formgrader, without its way of testing.

A student's answers are laid into a fresh copy of the release, and the points that `grade` found are
entered as the results of the cells that check. Nothing of the student's is executed here, and
nothing of a student's notebook but the text of its cells gets through.
"""

import contextlib
import json
import logging
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbformat.v4 import (
    new_code_cell,
    new_markdown_cell,
    new_notebook,
    new_output,
)
from traitlets import Unicode
from traitlets.config import Config

from attn_course.exercises.cells import ANSWER, grade_id
from attn_course.exercises.source import STUB, load
from attn_course.exercises.submission import CELLS, NotebookError
from attn_course.grading.course import (
    Assignment,
    Course,
    CourseError,
    Mark,
    Student,
    load_course,
)

COURSE_ID = "attn_course"
ALL = ["*"]  # of the files that lie beside what was handed in: none is copied
MOST_EXTRA_CELLS = 300
MOST_CHARACTERS = 200_000  # of one cell
MOST_PICTURES = 20  # in one cell
PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Leave out what nbgrader makes SQLAlchemy and others warn of, and nothing else."""
    from sqlalchemy.exc import SAWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)
        for module in ("nbgrader", "nbformat", "nbconvert", "alembic", "sqlalchemy"):
            warnings.filterwarnings("ignore", category=DeprecationWarning, module=module)
        yield


with quietly():
    from nbgrader.api import Gradebook, MissingEntry
    from nbgrader.converters import Autograde, GenerateAssignment
    from nbgrader.converters.base import NbGraderException
    from nbgrader.coursedir import CourseDirectory
    from nbgrader.preprocessors import (
        CheckCellMetadata,
        ClearOutput,
        ComputeChecksums,
        LockCells,
        NbGraderPreprocessor,
        OverwriteCells,
        SaveAutoGrades,
        SaveCells,
    )


@contextlib.contextmanager
def opened(course: Course) -> Iterator[Any]:
    """The gradebook of a course, made if need be."""
    if not course.database.exists():
        _new_gradebook(course)
    with quietly(), Gradebook(course.db_url, COURSE_ID) as gradebook:
        yield gradebook
        gradebook.db.commit()


def _new_gradebook(course: Course) -> None:
    """Make the gradebook, whole or not at all; nbgrader runs `alembic`, which must be found."""
    part = course.database.with_name("gradebook.db.part")
    part.unlink(missing_ok=True)
    path = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), path])
    try:
        with quietly(), Gradebook(f"sqlite:///{part}", COURSE_ID):
            pass
    finally:
        os.environ["PATH"] = path
    part.replace(course.database)


def students_in(gradebook: Any, students: Iterable[Student]) -> None:
    """Enter the roster."""
    for one in students:
        gradebook.update_or_create_student(
            one.id,
            first_name=one.first_name,
            last_name=one.last_name,
            email=one.email,
            lms_user_id=one.lms_user_id or None,
        )


# What a student's notebook may bring in


class SubmissionExporter(NotebookExporter):
    """Reads a submission, of whatever kind, as cells that hold text and nothing else."""

    folder = Unicode("", help="The course folder").tag(config=True)

    def from_file(self, file_stream: Any, resources: Any = None, **kw: Any) -> Any:
        """Convert; a file that is no notebook counts as an empty one."""
        from attn_course.grading.grade import read

        folder, path = Path(self.folder).resolve(), Path(file_stream.name).absolute()
        if path.is_relative_to(folder / "autograded"):
            return super().from_file(file_stream, resources, **kw)
        try:
            notebook = harmless_notebook(read(path, folder / "submitted"))
        except Exception:  # broken in one of many ways; the report says which
            notebook = new_notebook()
        return self.from_notebook_node(notebook, resources=resources, **kw)


def harmless_notebook(data: bytes) -> Any:
    """The text of a notebook's cells with the ids that say where they belong."""
    cells = json.loads(data.decode("utf-8-sig"))["cells"]
    if len(cells) > CELLS:
        raise NotebookError(f"more than {CELLS} cells")
    made = new_notebook()
    for cell in cells:
        source = cell.get("source", "") if isinstance(cell, dict) else None
        if isinstance(source, list):
            source = "".join(one for one in source if isinstance(one, str))
        if not isinstance(source, str):
            continue
        if len(source) > MOST_CHARACTERS:
            source = source[:MOST_CHARACTERS] + "\n(the rest is left out: too long)"
        source = _encodable(source)
        if cell.get("cell_type") == "code":
            one = new_code_cell(source)
        else:  # raw cells too: formgrader shows their HTML
            one = new_markdown_cell(harmless(source), **_pictures(cell.get("attachments")))
        one.metadata = {"claims": _claims(cell)}
        one.id = f"s{len(made.cells)}"
        made.cells.append(one)
    return made


def _claims(cell: Mapping[str, Any]) -> list[str]:
    """What a cell says of itself: nbgrader's name of it, our own, its id."""
    metadata = cell.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    nbgrader, attn = (
        block if isinstance(block, dict) else {}
        for block in (metadata.get("nbgrader"), metadata.get("attn"))
    )
    claims = [nbgrader.get("grade_id")]
    if attn.get("part") == "question":
        claims.append(grade_id(str(attn.get("exercise")), str(attn.get("name"))))
    claims.append(cell.get("id"))
    return [one for one in claims if isinstance(one, str)]


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def harmless(text: str) -> str:
    """Markdown that can do nothing in the browser of whoever marks it, and reads the same.

    formgrader shows Markdown with the HTML that it holds; a script there would act with the
    marker's rights. Without tags, entities and links of other kinds there is none.
    """
    text = re.sub(r"<(?=[A-Za-z/!?])", "< ", text)
    text = re.sub(r"&(?=#|\w+;)", "& ", text)
    text = re.sub(r"(?i)\b(javascript|vbscript|data)(\s*):", r"\1\2 :", text)
    return re.sub(r"\\(href|style|cssId|class|require|html|data)(?![A-Za-z])", r"\\ \1", text)


def _pictures(attachments: Any) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, bundle in attachments.items() if isinstance(attachments, dict) else ():
        good = {
            kind: data
            for kind, data in (bundle.items() if isinstance(bundle, dict) else ())
            if kind in PICTURES and isinstance(data, str) and BASE64.fullmatch(data)
        }
        if good and len(kept) < MOST_PICTURES:
            kept[_encodable(name)] = good
    return {"attachments": kept} if kept else {}


class _Preprocessor(NbGraderPreprocessor):
    folder = Unicode("", help="The course folder").tag(config=True)

    def preprocess_cell(self, cell: Any, resources: Any, cell_index: int) -> Any:
        return cell, resources

    def report(self, resources: Any) -> dict[str, Any]:
        """What grading found for the submission at hand."""
        asked = resources["nbgrader"]
        report = read_result(Path(self.folder) / "results" / asked["assignment"], asked["student"])
        if report is None:
            raise CourseError(
                f"{asked['student']} has no results yet; "
                f"run: attn-course grade {asked['assignment']}"
            )
        return report


class CutAnswers(_Preprocessor):
    """Puts starters in the place of solutions, and room to write in that of model answers."""

    def preprocess(self, nb: Any, resources: Any) -> Any:
        """Return the notebook as it is handed out."""
        roots = load_course(Path(self.folder)).roots
        for cell in nb.cells:
            if cell.metadata.get("nbgrader", {}).get("solution"):
                code = cell.cell_type == "code"
                exercise = load(cell.metadata.attn.exercise, roots)
                cell.source = exercise.starter().rstrip() if code else ANSWER
        return nb, resources


class Transplant(_Preprocessor):
    """Lays the student's answers into a fresh copy of the release."""

    def preprocess(self, nb: Any, resources: Any) -> Any:
        """Return the release with the answers of `nb` in it, and its further cells between."""
        name = resources["nbgrader"]["assignment"]
        path = Path(self.folder) / "release" / name / f"{name}.ipynb"
        release = nbformat.read(path, as_version=4)
        made = transplanted(release, nb)
        notes = self.report(resources).get("notes", []) + _lost(unplaced(release, nb))
        if notes:
            text = "**From grading**\n\n" + "\n".join(f"- {harmless(note)}" for note in notes)
            made.cells.insert(0, _extra(new_markdown_cell(text), "notes"))
        return made, resources


@dataclass
class _Placed:
    """The cells of a submission by the cell of the release that they belong to."""

    answers: dict[str, Any]
    extras: dict[str, list[Any]]  # the student's own, by the cell that they stand below
    seen: set[str]


def transplanted(release: Any, submission: Any) -> Any:
    """The release with a submission's answers, wherever in it they stand."""
    placed = _placed(release, submission)
    extras = placed.extras
    made = new_notebook(metadata=release.metadata)
    made.cells += [_extra(one, f"x0-{i}") for i, one in enumerate(extras[""][:MOST_EXTRA_CELLS])]
    left = MOST_EXTRA_CELLS - len(made.cells)
    for original in release.cells:
        cell = original.copy()
        name = cell.metadata.nbgrader.grade_id
        if cell.metadata.nbgrader.solution and name in placed.answers:
            cell.source = placed.answers[name].source
            if "attachments" in placed.answers[name]:
                cell.attachments = placed.answers[name].attachments
        made.cells.append(cell)
        more = extras.get(name, [])[:left]
        made.cells += [_extra(one, f"x{len(made.cells) + i}-{i}") for i, one in enumerate(more)]
        left -= len(more)
    return made


def unplaced(release: Any, submission: Any) -> list[str]:
    """The questions whose cell is gone, where there is text that may be the answer."""
    placed = _placed(release, submission)
    if not any(one.source.strip() for more in placed.extras.values() for one in _words(more)):
        return []
    return [
        name
        for name in _asked(release).values()
        if name not in placed.answers and name not in placed.seen
    ]


def _lost(names: Iterable[str]) -> list[str]:
    return [
        f"The cell for the answer {name} is gone, and none of the other texts stands below its "
        "question; whoever marks looks through them."
        for name in names
    ]


def _asked(release: Any) -> dict[str, str]:
    """The text cell of each question -> the cell for its answer, which follows it."""
    names = [cell.metadata.nbgrader.grade_id for cell in release.cells]
    return {f"{name}-question": name for name in names if f"{name}-question" in names}


def _placed(release: Any, submission: Any) -> _Placed:
    """Find what belongs where: by what the cells say of themselves, by their text, by their place.

    An answer without a name of its own is what stands below the question, or in its cell.
    """
    known = {cell.metadata.nbgrader.grade_id: cell for cell in release.cells}
    asked = _asked(release)
    by_id = {cell.get("id", ""): name for name, cell in known.items()} | {
        name: name for name in known
    }
    by_text: dict[tuple[str, str], str] = {}
    for name, cell in known.items():
        text = (cell.cell_type, _shown(cell))
        by_text[text] = "" if text in by_text else name  # what stands there twice tells nothing
    placed = _Placed({}, {"": []}, set())
    last = ""
    for cell in submission.cells:
        claims = [by_id[one] for one in cell.metadata.get("claims", []) if one in by_id]
        name = next((one for one in claims if known[one].cell_type == cell.cell_type), "")
        name = name or by_text.get((cell.cell_type, _words_of(cell.source)), "")
        if not name and cell.cell_type == "markdown":
            name = next((one for one in asked if _within(cell, known[one])), "")
            if not name and last in asked and _same(cell, known[asked[last]]):
                name = asked[last]
        if not name:
            placed.extras.setdefault(last, []).append(cell)
            continue
        last = name
        placed.seen.add(name)
        original = known[name]
        if name in asked and _within(cell, original):
            cell = cell.copy()
            cell.source = cell.source.strip()[_end_of(cell, original) :].strip()
            placed.extras.setdefault(name, []).append(cell)
        elif original.metadata.nbgrader.solution and not _same(cell, original):
            if name in placed.answers:
                placed.extras.setdefault(name, []).append(cell)
            else:
                placed.answers[name] = cell
    for question, name in asked.items():
        for place in (name, question):
            if name not in placed.answers and place in placed.extras:
                # Written beside the cell for it instead of into it: that is an answer too.
                answer, placed.extras[place] = _written_below(placed.extras[place])
                if answer is not None:
                    placed.answers[name] = answer
    return placed


def _words_of(source: str) -> str:
    return " ".join(source.split())


def _shown(cell: Any) -> str:
    """The text of a cell of the release as it comes back in a submission."""
    return _words_of(harmless(cell.source) if cell.cell_type == "markdown" else cell.source)


def _within(cell: Any, original: Any) -> bool:
    """Whether a cell holds the text of another, and something below it."""
    return _words_of(cell.source) != _shown(original) and _end_of(cell, original) > 0


def _end_of(cell: Any, original: Any) -> int:
    """Where in a cell the text of another ends that it begins with; 0 if it does not."""
    text = harmless(original.source).strip()
    return len(text) if cell.source.strip().startswith(text) else 0


def _words(cells: Iterable[Any]) -> list[Any]:
    return [one for one in cells if one.cell_type == "markdown"]


def _written_below(more: list[Any]) -> tuple[Any, list[Any]]:
    """(answer, what is left): the Markdown cells that follow an answer cell that was not filled."""
    written: list[Any] = []
    rest: list[Any] = []
    for one in more:
        (written if one.cell_type == "markdown" and one.source.strip() else rest).append(one)
    if not written:
        return None, rest
    answer = new_markdown_cell("\n\n".join(one.source for one in written)[:MOST_CHARACTERS])
    pictures = {k: v for one in written for k, v in one.get("attachments", {}).items()}
    if pictures:
        answer.attachments = pictures
    return answer, rest


def _same(cell: Any, original: Any) -> bool:
    """Whether an answer cell was left as it was, or emptied."""
    words = cell.source.split()
    if cell.get("attachments"):
        return False
    return words in (original.source.split(), [], STUB.split())


def _extra(cell: Any, name: str) -> Any:
    cell.metadata = {}
    cell.id = name
    return cell


# The points


class StoreScores(_Preprocessor):
    """Enters the points that grading found as the results of the cells that check."""

    def preprocess(self, nb: Any, resources: Any) -> Any:
        """Fill in the outputs; nbgrader takes the last one for the points."""
        report = self.report(resources)
        for cell in nb.cells:
            asked = cell.metadata.get("nbgrader", {})
            if cell.cell_type != "code" or not asked.get("grade"):
                continue
            found = report["exercises"].get(cell.metadata["attn"]["exercise"])
            found = None if report["failed"] else found
            points = float(asked["points"])
            share = found["earned"] / found["points"] if found and found["points"] else 0
            earned = points * min(max(share, 0), 1)
            cell.outputs = [
                new_output("stream", name="stdout", text=_told(found)),
                new_output("execute_result", {"text/plain": f"{earned:.12g}"}, execution_count=1),
            ]
            cell.execution_count = 1
        return nb, resources


def _told(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return "This was not graded: the grader itself failed. Grade it by hand, or again.\n"
    lines = []
    for one in found["outcomes"]:
        mark = "passed" if not one["message"] else "not passed"
        lines.append(f"{mark}, {one['earned']} of {one['points']}: {one['title']}")
        if one["message"]:
            lines.append(f"    {one['message']}")
    if found.get("carried"):
        names = ", ".join(found["carried"])
        lines.append(f"Checked with the course's own {names}: an error there is not charged twice.")
    return "\n".join(lines) + "\n"


def configure(config: Any, folder: Path) -> None:
    """Make a configuration of nbgrader's that of a course folder."""
    folder = Path(folder).resolve()
    config.CourseDirectory.root = str(folder)
    config.CourseDirectory.course_id = COURSE_ID
    config.CourseDirectory.db_url = load_course(folder).db_url
    config.GenerateAssignment.preprocessors = [
        LockCells,
        CutAnswers,
        ClearOutput,
        CheckCellMetadata,
        ComputeChecksums,
        SaveCells,
        CheckCellMetadata,
    ]
    config.Autograde.exporter_class = SubmissionExporter
    config.Autograde.sanitize_preprocessors = [Transplant, OverwriteCells, CheckCellMetadata]
    config.Autograde.autograde_preprocessors = [
        StoreScores,
        SaveAutoGrades,
        CheckCellMetadata,
    ]
    for one in ("CutAnswers", "SubmissionExporter", "Transplant", "StoreScores"):
        config[one].folder = str(folder)


class _Log(logging.Handler):
    """Keeps the errors that nbgrader logs."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


@contextlib.contextmanager
def _converter(course: Course, assignment: Assignment, kind: Any) -> Iterator[Any]:
    """A converter of nbgrader's on the course folder, and the errors it logs."""
    config = Config()
    configure(config, course.folder)
    log = logging.getLogger(f"{__name__}.{kind.__name__}")
    handler = _Log()
    log.propagate = False
    log.handlers = [handler]
    folder = CourseDirectory(config=config, log=log, assignment_id=assignment.name)
    if issubclass(kind, Autograde):
        folder.ignore = ALL
    made = kind(coursedir=folder, config=config, log=log)
    made.force = True
    with quietly():
        yield made, handler.said


def generate(course: Course, assignment: Assignment) -> None:
    """Cut the release from the source and enter its cells into the gradebook."""
    with _converter(course, assignment, GenerateAssignment) as (converter, said):
        try:
            converter.start()
        except NbGraderException as error:
            raise CourseError(
                f"nbgrader cannot make {assignment.name}: {' '.join(said) or error}"
            ) from None


class _Store(Autograde):
    """Autograde for chosen submissions, whose times are known already."""

    chosen: Sequence[str] = ()
    done: Callable[[str], None] = staticmethod(lambda student: None)

    def init_notebooks(self) -> None:
        self.notebooks: list[str] = []
        self.assignments = {
            str(Path(path).parent): [path]
            for path in (self._submitted(student) for student in self.chosen)
        }

    def _submitted(self, student: str) -> str:
        name = self.coursedir.assignment_id
        return str(Path(self._format_source(name, student)) / f"{name}.ipynb")

    def set_permissions(self, assignment_id: str, student_id: str) -> None:
        super().set_permissions(assignment_id, student_id)
        self.done(student_id)


def store(
    course: Course,
    assignment: Assignment,
    times: Mapping[str, datetime],
    done: Callable[[str], None] = lambda student: None,
) -> dict[str, str]:
    """Enter the results of these students (handed in at these times); say who failed and why.

    What a person has marked stays. It is asked for again only where the answer or the points that
    the mark stands against have changed.
    """
    with opened(course) as gradebook:
        before = {one: _marked(course, assignment, gradebook, one) for one in times}
        students_in(gradebook, course.roster())
        for student, time in times.items():
            later = course.due(assignment, student) - assignment.due
            gradebook.update_or_create_submission(
                assignment.name,
                student,
                timestamp=time.astimezone(UTC).replace(tzinfo=None),
                extension=later or None,
            )
    stored: list[str] = []

    def note(student: str) -> None:
        stored.append(student)
        done(student)

    with _converter(course, assignment, _Store) as (converter, said):
        converter.chosen, converter.done = list(times), note
        converter.coursedir.get_existing_timestamp = lambda path: None
        with contextlib.suppress(NbGraderException):
            converter.start()
    failed = {student: "nbgrader could not store it" for student in times if student not in stored}
    for where, text in pairwise(said):  # nbgrader logs the student's folder, then a traceback
        student = Path(where).parent.name
        if student in failed and text.startswith("Traceback"):
            failed[student] = text.strip().splitlines()[-1]
    with opened(course) as gradebook:
        for student in stored:
            _settle_marks(course, assignment, gradebook, student, before[student])
    return failed


def _answers(path: Path) -> dict[str, str]:
    """The answers that a notebook of formgrader's shows."""
    if not path.exists():
        return {}
    with quietly():
        notebook = nbformat.read(path, as_version=4)
    return {
        cell.metadata.nbgrader.grade_id: cell.source
        for cell in notebook.cells
        if cell.metadata.get("nbgrader", {}).get("solution")
    }


def _marked(course: Course, assignment: Assignment, gradebook: Any, student: str) -> dict[str, Any]:
    """What was marked by a person and is settled: cell -> (automatic points, answer)."""
    try:
        name = assignment.name
        notebook = gradebook.find_submission_notebook(name, name, student)
    except MissingEntry:
        return {}
    answers = _answers(course.autograded(assignment.name, student))
    return {
        grade.name: (grade.auto_score, answers.get(grade.name))
        for grade in notebook.grades
        if grade.manual_score is not None and not grade.needs_manual_grade
    }


def _settle_marks(
    course: Course, assignment: Assignment, gradebook: Any, student: str, before: Mapping[str, Any]
) -> None:
    """Take back the flag of what was marked and is unchanged; set it where the grader failed."""
    answers = _answers(course.autograded(assignment.name, student))
    report = read_result(course.results(assignment.name), student)
    notebook = gradebook.find_submission_notebook(assignment.name, assignment.name, student)
    gone = _unplaced(course, assignment, student)
    for grade in notebook.grades:
        if grade.name in gone and grade.manual_score is None:
            grade.needs_manual_grade = True  # a person looks whether it stands elsewhere
        if before.get(grade.name) == (grade.auto_score, answers.get(grade.name)):
            grade.needs_manual_grade = False
        failed = report is None or report["failed"]
        if grade.cell_type == "code" and failed and grade.manual_score is None:
            grade.needs_manual_grade = True


def _unplaced(course: Course, assignment: Assignment, student: str) -> list[str]:
    from attn_course.grading.grade import read

    try:
        path = course.submitted(assignment.name, student)
        notebook = harmless_notebook(read(path, course.folder / "submitted"))
        with quietly():
            release = nbformat.read(course.release(assignment.name), as_version=4)
        return unplaced(release, notebook)
    except Exception:  # broken in one of many ways; the report says which
        return []


def lost_answers(course: Course, assignment: Assignment, student: str) -> list[str]:
    """A sentence for each written answer of a student that may stand where it is not looked for."""
    return _lost(_unplaced(course, assignment, student))


def settle(course: Course, assignment: Assignment) -> None:
    """Bring the penalties up to date with what has been marked and with `course.toml`.

    nbgrader itself would work a penalty out before a person has marked, and not again after that.
    """
    with opened(course) as gradebook:
        gradebook.update_or_create_assignment(assignment.name, duedate=assignment.due)
        for submission in gradebook.assignment_submissions(assignment.name):
            student = submission.student.id
            later = course.due(assignment, student) - assignment.due
            submission.extension = later or None
            time = submission.timestamp.replace(tzinfo=UTC)
            share = course.share_off(assignment, student, time)
            for notebook in submission.notebooks:
                notebook.late_submission_penalty = round(share * notebook.score, 6) or None


def read_result(folder: Path, student: str) -> dict[str, Any] | None:
    """The report on a student's submission; None where there is none, or a damaged one."""
    try:
        report = json.loads((folder / f"{student}.json").read_bytes())
        text = json.dumps(report, ensure_ascii=False).encode("utf-8", "replace")
    except (OSError, ValueError):
        return None
    return {"failed": "", "notes": [], "exercises": {}} | json.loads(text)


# What the gradebook says


@dataclass(frozen=True)
class Item:
    """What one cell of the gradebook earned."""

    mark: Mark
    score: float
    auto: float | None
    manual: float | None
    extra: float
    comment: str
    unmarked: bool


@dataclass(frozen=True)
class Row:
    """A student's assignment; without items where nothing was handed in."""

    student: Student
    points: float
    due: datetime
    time: datetime | None = None
    raw: float = 0.0
    penalty: float = 0.0
    items: tuple[Item, ...] = ()

    @property
    def score(self) -> float:
        """The points that count."""
        return max(0.0, self.raw - self.penalty)

    @property
    def unmarked(self) -> int:
        """How many cells wait for a person."""
        return sum(item.unmarked for item in self.items)


def rows(course: Course, assignment: Assignment) -> list[Row]:
    """What every student of the roster has, penalties brought up to date."""
    marks = {mark.grade_id: mark for mark in course.marks(assignment)}
    points = sum(mark.points for mark in marks.values())
    settle(course, assignment)
    found = []
    with opened(course) as gradebook:
        for student in course.roster():
            due = course.due(assignment, student.id)
            try:
                submission = gradebook.find_submission(assignment.name, student.id)
            except MissingEntry:
                found.append(Row(student, points, due))
                continue
            items = [
                _item(gradebook, assignment, student.id, grade, marks[grade.name])
                for notebook in submission.notebooks
                for grade in notebook.grades
                if grade.name in marks
            ]
            items.sort(key=lambda item: list(marks).index(item.mark.grade_id))
            found.append(
                Row(
                    student=student,
                    points=points,
                    due=due,
                    time=submission.timestamp.replace(tzinfo=UTC),
                    raw=submission.score,
                    penalty=submission.late_submission_penalty or 0.0,
                    items=tuple(items),
                )
            )
    return found


def _item(gradebook: Any, assignment: Assignment, student: str, grade: Any, mark: Mark) -> Item:
    comment = ""
    if mark.question:
        name = assignment.name
        comment = gradebook.find_comment(grade.name, name, name, student).comment or ""
    return Item(
        mark=mark,
        score=grade.score,
        auto=grade.auto_score,
        manual=grade.manual_score,
        extra=grade.extra_credit or 0.0,
        comment=comment,
        unmarked=bool(grade.needs_manual_grade),
    )
