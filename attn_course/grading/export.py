"""Grades as CSV for Canvas, Moodle and a spreadsheet; answers for a tool that looks for copies."""

import csv
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import nbformat

from attn_course.exercises.cells import grade_id
from attn_course.grading.assign import starters
from attn_course.grading.course import Assignment, Course
from attn_course.grading.gradebook import Row, quietly, rows


def write_grades(course: Course, assignments: Sequence[Assignment]) -> dict[Path, int]:
    """Write `grades/{canvas,moodle,grades}.csv`; file -> how many students have a grade in it."""
    graded = {one.name: rows(course, one) for one in assignments}
    folder = course.folder / "grades"
    folder.mkdir(exist_ok=True)
    files = {
        "canvas.csv": _canvas(course, graded),
        "moodle.csv": _moodle(course, graded),
        "grades.csv": _all(course, assignments, graded),
    }
    written = {}
    for name, table in files.items():
        path = folder / name
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([_safe(value) for value in line] for line in table)
        there = {row.student.id for of in graded.values() for row in of if row.time}
        written[path] = len(there)
    return written


def _safe(value: object) -> object:
    """A text that no spreadsheet takes for a formula."""
    if isinstance(value, str) and re.match(r"\s*[=+\-@]|[\t\r\n]", value):
        return f"'{value}"
    return value


def _points(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _canvas(course: Course, graded: dict[str, list[Row]]) -> Iterable[list[object]]:
    """Canvas's gradebook; ID is Canvas's own number of the student."""
    yield ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *graded]
    points = [_points(of[0].points) if of else "" for of in graded.values()]
    yield ["    Points Possible", "", "", "", "", *points]
    for number, student in enumerate(course.roster()):
        name = ", ".join(one for one in (student.last_name, student.first_name) if one)
        scores = [_points(of[number].score) if of[number].time else "" for of in graded.values()]
        yield [name, student.lms_user_id, student.id, student.email, "", *scores]


def _moodle(course: Course, graded: dict[str, list[Row]]) -> Iterable[list[object]]:
    """What Moodle's import of grades takes; matched by e-mail address or ID number."""
    yield ["First name", "Last name", "ID number", "Email address", *graded]
    for number, student in enumerate(course.roster()):
        scores = [_points(of[number].score) if of[number].time else "" for of in graded.values()]
        yield [student.first_name, student.last_name, student.id, student.email, *scores]


def _all(
    course: Course, assignments: Sequence[Assignment], graded: dict[str, list[Row]]
) -> Iterable[list[object]]:
    """A line for each student and assignment, with every part of it."""
    parts = [mark.grade_id for one in assignments for mark in course.marks(one)]
    yield [
        "assignment", "student", "first_name", "last_name", "email", "due", "handed_in",
        "earned", "late_penalty", "score", "points", "to_be_marked", *parts,
    ]  # fmt: skip
    for name, of in graded.items():
        for row in of:
            one = row.student
            who = [name, one.id, one.first_name, one.last_name, one.email, row.due.isoformat()]
            if row.time is None:
                yield [*who, "", "", "", "", _points(row.points), "", *[""] * len(parts)]
                continue
            items = {item.mark.grade_id: item for item in row.items}
            yield [
                *who,
                row.time.isoformat(),
                _points(row.raw),
                _points(row.penalty),
                _points(row.score),
                _points(row.points),
                row.unmarked,
                *[_points(items[part].score) if part in items else "" for part in parts],
            ]


def write_answers(course: Course, assignment: Assignment) -> list[Path]:
    """Write `answers/ASSIGNMENT/EXERCISE/STUDENT.py`: what each student added to the starter."""
    written = []
    for exercise in course.exercises(assignment):
        if not exercise.has_code:
            continue
        defines = tuple(f"def {name}(" for name in exercise.gives())
        sources = [
            exercise.starter(),
            *(one for one in starters(course, assignment) if any(part in one for part in defines)),
        ]
        given = {line.strip() for source in sources for line in source.splitlines()}
        folder = course.folder / "answers" / assignment.name / exercise.name.replace("/", "-")
        folder.mkdir(parents=True, exist_ok=True)
        for student in course.roster():
            path = course.autograded(assignment.name, student.id)
            if not path.exists():
                continue
            source = _code(path, grade_id(exercise.name, "answer"), exercise.gives())
            kept = [line for line in source.splitlines() if line.strip() not in given]
            target = folder / f"{student.id}.py"
            target.write_text("\n".join([*kept, ""]), encoding="utf-8")
            written.append(target)
    return written


def _code(path: Path, name: str, gives: Sequence[str]) -> str:
    """An answer cell, and cells of the student's own that define what it asks for."""
    with quietly():
        notebook = nbformat.read(path, as_version=4)
    defines = re.compile(rf"^[ \t]*(def[ \t]+)?({'|'.join(gives)})[ \t]*[(=]", re.MULTILINE)
    parts = []
    for cell in notebook.cells:
        of = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        if cell.cell_type == "code" and (of == name or (not of and defines.search(cell.source))):
            parts.append(cell.source)
    return "\n\n".join(parts)
