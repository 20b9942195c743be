"""A page for each student: what was expected where, what it earned, and what a person wrote.

It holds sentences and points and nothing else: no code, no input of a hidden check, no request to
any host.
"""

import contextlib
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jinja2

from attn_course.grading.course import Assignment, Course
from attn_course.grading.grade import RefusedError, read
from attn_course.grading.gradebook import Row, read_result, rows

TEMPLATE = "feedback.html.j2"
# By these nbgrader's exchange knows whose a page is; they lie beside what was collected from it.
EXCHANGE = ("timestamp.txt", "submission_secret.txt")


def write_feedback(course: Course, assignment: Assignment) -> Iterator[tuple[Row, Path]]:
    """Write the page of every student who handed in, where nbgrader releases feedback from."""
    template = _environment().get_template(TEMPLATE)
    for row in rows(course, assignment):
        if row.time is None:
            continue
        path = course.feedback(assignment.name, row.student.id)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(template.render(_told(course, assignment, row)), encoding="utf-8")
        for name in EXCHANGE:
            given = course.submitted(assignment.name, row.student.id).with_name(name)
            with contextlib.suppress(RefusedError):
                path.with_name(name).write_bytes(read(given, course.folder / "submitted")[:1000])
        yield row, path


def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).resolve().parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    made.filters |= {
        "points": lambda value: f"{value:.2f}".rstrip("0").rstrip("."),
        "percent": lambda share: f"{100 * share:.3g} %",
        "moment": _moment,
        "sentence": lambda name: (name[:1].upper() + name[1:]).replace("_", " "),
    }
    return made


def _moment(time: datetime) -> str:
    offset = time.strftime("%z")
    zone = f"UTC{offset[:3]}:{offset[3:5]}" if time.utcoffset() else "UTC"
    return f"{time.day} {time:%B %Y, %H:%M} {zone}"


def _told(course: Course, assignment: Assignment, row: Row) -> dict[str, Any]:
    """What the template shows."""
    report = read_result(course.results(assignment.name), row.student.id) or {}
    if report.get("failed"):  # its notes and outcomes say nothing of the student's work
        report = {"failed": report["failed"]}
    assert row.time is not None
    over = row.time - row.due
    return {
        "title": course.title,
        "assignment": assignment.name,
        "due": assignment.due,
        # In the zone that the deadline is given in.
        "row": Row(**{**row.__dict__, "time": row.time.astimezone(row.due.tzinfo)}),
        "late": _duration(over) if over > timedelta() else "",
        "share": course.share_off(assignment, row.student.id, row.time),
        "failed": bool(report.get("failed")),
        "notes": report.get("notes", []),
        "exercises": [
            _exercise(assignment, exercise, row, report)
            for exercise in course.exercises(assignment)
        ],
    }


def _duration(time: timedelta) -> str:
    minutes = max(1, int(time.total_seconds() // 60))
    if minutes < 120:
        return f"{minutes} minute" + "s" * (minutes != 1)
    hours = minutes // 60
    return f"{hours} hours" if hours < 48 else f"{hours // 24} days {hours % 24} hours"


def _exercise(
    assignment: Assignment, exercise: Any, row: Row, report: Mapping[str, Any]
) -> dict[str, Any]:
    weight = assignment.weight_of(exercise.name)
    found = report.get("exercises", {}).get(exercise.name, {})
    items = [item for item in row.items if item.mark.exercise == exercise.name]
    overruled = [
        f"Your instructor set the points of the checks to {item.score:g}."
        for item in items
        if not item.mark.question and (item.manual is not None or item.extra)
    ]
    return {
        "title": exercise.title,
        "weight": weight,
        "score": sum(item.score for item in items),
        "points": sum(item.mark.points for item in items),
        "carried": found.get("carried", []),
        "overruled": overruled[0] if overruled else "",
        "outcomes": []
        if report.get("failed")
        else [_outcome(o) for o in found.get("outcomes", [])],
        "questions": [item for item in items if item.mark.question],
    }


def _outcome(one: Mapping[str, Any]) -> dict[str, Any]:
    full, none = one["earned"] >= one["points"], not one["earned"]
    if full:
        mark, word = "passed", "passed"
    else:
        mark, word = ("missed", "not passed") if none else ("partly", "partly")
    return {
        "title": one["title"],
        "mark": mark,
        "word": word,
        "earned": one["earned"],
        "points": one["points"],
        "message": one["message"],
    }
