"""A page for each student: what was expected where, what it earned, and what a person wrote.

It holds sentences and points and nothing else: no code, no input of a hidden check, no request to
any host.
"""

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from attn_course.exercises.source import Exercise, load
from attn_course.grading.course import Assignment, Course
from attn_course.grading.grade import RefusedError, read
from attn_course.grading.gradebook import Item, Row, lost_answers, read_result, rows

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
        "coded": _coded,
        "sentence": lambda name: (name[:1].upper() + name[1:]).replace("_", " "),
    }
    return made


def _coded(text: str) -> Markup:
    """A sentence in which what stands between backticks is code."""
    return Markup(re.sub(r"`([^`\n]+)`", r"<code>\1</code>", str(escape(text))))


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
    unread = report.get("unread", "")
    notes = [one for one in report.get("notes", []) if one != unread]
    return {
        "title": course.title,
        "assignment": assignment.name,
        "due": assignment.due,
        # In the zone that the deadline is given in.
        "row": Row(**{**row.__dict__, "time": row.time.astimezone(row.due.tzinfo)}),
        "late": _duration(over) if over > timedelta() else "",
        "share": course.share_off(assignment, row.student.id, row.time),
        "pending": _pending(row.items),
        "failed": bool(report.get("failed")),
        "unread": unread,
        "notes": notes + lost_answers(course, assignment, row.student.id),
        "exercises": [
            _exercise(course, assignment, exercise, row, report)
            for exercise in course.exercises(assignment)
        ],
    }


def _duration(time: timedelta) -> str:
    minutes = max(1, int(time.total_seconds() // 60))
    if minutes < 120:
        return f"{minutes} minute" + "s" * (minutes != 1)
    hours = minutes // 60
    return f"{hours} hours" if hours < 48 else f"{hours // 24} days {hours % 24} hours"


def _pending(items: Iterable[Item]) -> float:
    """The points of what waits for a person and has earned nothing so far."""
    return sum((item.mark.points for item in items if item.unmarked and not item.score), 0.0)


def _exercise(
    course: Course, assignment: Assignment, exercise: Exercise, row: Row, report: Mapping[str, Any]
) -> dict[str, Any]:
    weight = assignment.weight_of(exercise.name)
    found = report.get("exercises", {}).get(exercise.name, {})
    items = [item for item in row.items if item.mark.exercise == exercise.name]
    overruled = [
        f"Your instructor set the points of the checks to {item.score:g}."
        for item in items
        if not item.mark.question and (item.manual is not None or item.extra)
    ]
    outcomes = [] if report.get("failed") else found.get("outcomes", [])
    said = ""
    if outcomes and report.get("unread"):
        said = "Not checked, for want of a file that can be read."
    elif outcomes and not found.get("begun", True) and not found.get("earned"):
        names = " or ".join(f"`{name}`" for name in exercise.gives())
        said = (
            f"Not begun: no cell but the starter defines {names}. "
            "If you did write it, was it renamed or deleted?"
        )
    words = {question.name: question.text for question in exercise.questions}
    return {
        "title": exercise.title,
        "weight": weight,
        "score": sum(item.score for item in items),
        "points": sum(item.mark.points for item in items),
        "pending": _pending(items),
        "carried": [load(name, course.roots).title for name in found.get("carried", [])],
        "overruled": overruled[0] if overruled else "",
        "said": said,
        "outcomes": [] if said else [_outcome(one) for one in outcomes],
        "questions": [
            (item, _first_words(words.get(item.mark.question, "")))
            for item in items
            if item.mark.question
        ],
    }


def _first_words(text: str, most: int = 80) -> str:
    """How a text begins."""
    text = " ".join(text.split())
    if len(text) <= most:
        return text
    begins = text[:most].rpartition(" ")[0] or text[:most]
    if begins.count("$") % 2:  # not in the middle of a formula
        begins = begins.rpartition("$")[0]
    return begins.rstrip(" ,;:.") + " …"


def _outcome(one: Mapping[str, Any]) -> dict[str, Any]:
    if one["earned"] >= one["points"]:
        mark, word = "passed", "passed"
    else:
        mark, word = ("partly", "partly") if one["earned"] else ("missed", "not passed")
    return {**one, "mark": mark, "word": word}
