"""A run of the course: `course.toml`, the roster, and where everything lies in its folder."""

import csv
import difflib
import hashlib
import re
import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from math import ceil, isfinite
from pathlib import Path
from typing import Any

from attn_course.exercises.cells import grade_id
from attn_course.exercises.source import HERE, Exercise, ExerciseError, load, names

CONFIG = "course.toml"
ROSTER = ("id", "first_name", "last_name", "email", "lms_user_id")
# What may be a name of a folder anywhere, and no pattern to nbgrader.
WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,99}")
DAY = timedelta(days=1)
COURSE_KEYS = ("title", "seed", "exercises", "late", "assignment", "extensions")
ASSIGNMENT_KEYS = ("name", "due", "exercises", "weight", "by_hand")

NEW_CONFIG = """\
# One run of the course. Times need their offset from UTC: +01:00 is Berlin in winter, Z is UTC.
title = "Attention"

# The hidden inputs of the checks are drawn from this seed. It is private: whoever knows it knows
# them. Draw a new one for each run of the course, and keep this file out of public places.
seed = "{seed}"

# Folders with exercises of your own, in the form of the course's; looked into first.
# exercises = ["my-exercises"]

# Without this table nothing is taken off for lateness. A day counts once it has begun, and the
# first one begins when the grace is over.
[late]
per_day = 0.1        # of the points earned
at_most = 0.5
grace_minutes = 15

[[assignment]]
name = "week1"
due = {due}
exercises = [{exercises}]
# by_hand = false      # leaves out the questions that a person would have to mark
# weight = {{ "{first}" = 2 }}   # its points count twice

# Later deadlines for single students.
[extensions.week1]
# ada = {later}
"""

NEW_ROSTER = """\
id,first_name,last_name,email,lms_user_id
ada,Ada,Example,ada@example.org,1001
kurt,Kurt,Sample,kurt@example.org,1002
"""

NEW_IGNORE = """\
# What is private to the course: its seed, solutions, names, work and grades.
course.toml
roster.csv
source/
submitted/
sample/
results/
autograded/
feedback/
answers/
grades/
gradebook.db*
"""


class CourseError(ValueError):
    """Something in the course folder that must be put right first; the text says how."""


@dataclass(frozen=True)
class Student:
    """A line of the roster."""

    id: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    lms_user_id: str = ""

    @property
    def name(self) -> str:
        """First and last name, or the id where there is neither."""
        return f"{self.first_name} {self.last_name}".strip() or self.id


@dataclass(frozen=True)
class Late:
    """What lateness costs."""

    per_day: float
    at_most: float
    grace: timedelta = timedelta()

    def share(self, seconds_late: float) -> float:
        """The share of the points earned that is taken off."""
        days = ceil((timedelta(seconds=seconds_late) - self.grace) / DAY)
        return min(self.at_most, self.per_day * max(0, days))


@dataclass(frozen=True)
class Assignment:
    """Exercises that are handed in together."""

    name: str
    due: datetime
    exercises: tuple[str, ...]
    weight: Mapping[str, float] = field(default_factory=dict)
    by_hand: bool = True  # with the questions that a person marks

    def weight_of(self, exercise: str) -> float:
        """What a point of the exercise counts."""
        return self.weight.get(exercise, 1.0)


@dataclass(frozen=True)
class Mark:
    """A cell of the gradebook: the checks of an exercise, or a question that a person marks."""

    grade_id: str
    exercise: str
    question: str  # empty for the checks
    points: float  # weighted


@dataclass(frozen=True)
class Course:
    """What `course.toml` says."""

    folder: Path
    title: str
    seed: tuple[int, ...]
    roots: tuple[Path, ...]
    assignments: tuple[Assignment, ...]
    late: Late | None = None
    extensions: Mapping[str, Mapping[str, datetime]] = field(default_factory=dict)

    def assignment(self, name: str) -> Assignment:
        """The assignment of that name."""
        for one in self.assignments:
            if one.name == name:
                return one
        known = [one.name for one in self.assignments]
        raise CourseError(f"there is no assignment {name!r} in {CONFIG}; {_nearest(name, known)}")

    def exercises(self, assignment: Assignment) -> list[Exercise]:
        """The exercises of an assignment, in its order; without questions where none are asked."""
        found = [load(name, self.roots) for name in assignment.exercises]
        return found if assignment.by_hand else [replace(one, questions=()) for one in found]

    def marks(self, assignment: Assignment) -> list[Mark]:
        """What there are points for in an assignment."""
        found = []
        for exercise in self.exercises(assignment):
            weight = assignment.weight_of(exercise.name)
            if exercise.has_code:
                points = weight * sum(one.points for one in exercise.checks())
                found.append(Mark(grade_id(exercise.name, "checks"), exercise.name, "", points))
            for question in exercise.questions:
                name = grade_id(exercise.name, question.name)
                points = weight * question.points
                found.append(Mark(name, exercise.name, question.name, points))
        return found

    def due(self, assignment: Assignment, student: str) -> datetime:
        """When the student must have handed in."""
        return self.extensions.get(assignment.name, {}).get(student, assignment.due)

    def share_off(self, assignment: Assignment, student: str, time: datetime) -> float:
        """The share of the points earned that lateness costs the student."""
        late = (time - self.due(assignment, student)).total_seconds()
        return self.late.share(late) if self.late and late > 0 else 0.0

    def roster(self) -> list[Student]:
        """The students in `roster.csv`."""
        return read_roster(self.folder / "roster.csv")

    @property
    def database(self) -> Path:
        """nbgrader's gradebook."""
        return self.folder / "gradebook.db"

    @property
    def db_url(self) -> str:
        """The gradebook as SQLAlchemy calls it."""
        return f"sqlite:///{self.database}"

    def release(self, assignment: str) -> Path:
        """The notebook that students are given."""
        return self.folder / "release" / assignment / f"{assignment}.ipynb"

    def submitted(self, assignment: str, student: str) -> Path:
        """The notebook that came back."""
        return self.folder / "submitted" / student / assignment / f"{assignment}.ipynb"

    def results(self, assignment: str) -> Path:
        """The folder of the automatic results."""
        return self.folder / "results" / assignment

    def autograded(self, assignment: str, student: str) -> Path:
        """The notebook that formgrader shows to whoever marks."""
        return self.folder / "autograded" / student / assignment / f"{assignment}.ipynb"

    def feedback(self, assignment: str, student: str) -> Path:
        """The page that the student is given; where nbgrader releases feedback from."""
        return self.folder / "feedback" / student / assignment / f"{assignment}.html"


def new_course(folder: Path, now: datetime | None = None) -> list[Path]:
    """Write `course.toml` with a fresh seed, a roster and a `.gitignore`, each where it is not."""
    if (folder / CONFIG).exists():
        raise CourseError(
            f"{folder / CONFIG} is there already; name another folder, or change that file"
        )
    day = (now or datetime.now(UTC)).astimezone(UTC) + timedelta(days=14)
    due = day.replace(hour=22, minute=59, second=0, microsecond=0, tzinfo=None)
    first = (names() or ["gaussian/filterbank"])[:2]
    text = NEW_CONFIG.format(
        seed=secrets.token_hex(16),
        due=f"{due.isoformat()}Z",
        later=f"{(due + 2 * DAY).isoformat()}Z",
        exercises=", ".join(f'"{name}"' for name in first),
        first=first[0],
    )
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, content in ((CONFIG, text), ("roster.csv", NEW_ROSTER), (".gitignore", NEW_IGNORE)):
        path = folder / name
        if not path.exists():
            path.write_text(content, encoding="utf-8")
            written.append(path)
    (folder / CONFIG).chmod(0o600)
    return written


def read_roster(path: Path) -> list[Student]:
    """The students of a roster: id,first_name,last_name,email,lms_user_id."""
    if not path.exists():
        raise CourseError(f"{path} is missing; its first line must be {','.join(ROSTER)}")
    found: dict[str, Student] = {}
    with path.open(encoding="utf-8-sig", newline="") as lines:
        rows = csv.DictReader(lines, skipinitialspace=True)
        unknown = [one for one in rows.fieldnames or () if one not in ROSTER]
        if "id" not in (rows.fieldnames or ()) or unknown:
            what = f"has columns it must not have ({', '.join(map(repr, unknown))})"
            said = what if unknown else "has no column 'id'"
            raise CourseError(f"{path} {said}; its first line must be {','.join(ROSTER)}")
        for row in rows:
            given = {key: (row.get(key) or "").strip() for key in ROSTER}
            where = f"{path}, line {rows.line_num}"
            if not any(given.values()):
                continue
            if not WORD.fullmatch(given["id"]):
                raise CourseError(
                    f"{where}: an id is letters, digits, '.', '_', '@' and '-' "
                    f"and begins with a letter or a digit, got {given['id']!r}"
                )
            if given["id"].lower() in map(str.lower, found):
                raise CourseError(f"{where}: there are two students with the id {given['id']!r}")
            found[given["id"]] = Student(**given)
    return list(found.values())


def load_course(path: Path | str) -> Course:
    """Read `course.toml`, or say which line must be put right and how."""
    path = Path(path)
    path = path / CONFIG if path.is_dir() else path
    if not path.exists():
        raise CourseError(f"{path} is missing; write one with: attn-course new FOLDER")
    text = path.read_text(encoding="utf-8")
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CourseError(f"{path}: {error}") from None
    return _Reader(path.resolve(), text).course(given)


class _Reader:
    """Turns the tables of a `course.toml` into a course; knows on which line a thing stands."""

    def __init__(self, path: Path, text: str) -> None:
        self.path, self.lines = path, text.splitlines()

    def wrong(self, said: str, pattern: str = "", nth: int = 0) -> CourseError:
        """An error that names the line of the nth match of a pattern."""
        hits = [
            i for i, line in enumerate(self.lines, 1) if pattern and re.search(pattern, line)
        ] or [0]
        line = hits[min(nth, len(hits) - 1)]
        return CourseError(f"{self.path}{f', line {line}' if line else ''}: {said}")

    def known(self, table: Mapping[str, Any], allowed: tuple[str, ...], where: str) -> None:
        for key in table:
            if key not in allowed:
                what = f"{where} has no key {key!r}; {_nearest(key, allowed)}"
                raise self.wrong(what, rf"(^|\[)\s*{re.escape(key)}\b")

    def get(self, table: Mapping[str, Any], key: str, kind: Any, said: str, nth: int = 0) -> Any:
        value = table.get(key)
        if not isinstance(value, kind) or isinstance(value, bool) or value in ("", []):
            got = f", got {value!r}" if key in table else " and is missing"
            raise self.wrong(f"{key} must be {said}{got}", rf"^\s*{key}\s*=", nth)
        return value

    def course(self, given: Mapping[str, Any]) -> Course:
        self.known(given, COURSE_KEYS, "a course")
        self.misplaced(given)
        if not isinstance(given.get("assignment"), list) or not given["assignment"]:
            raise self.wrong("there is no assignment; add a table [[assignment]]")
        folder = self.path.parent
        roots = [folder / one for one in self.strings(given, "exercises")]
        for root in roots:
            if not root.is_dir():
                raise self.wrong(f"there is no folder {root}", r"^\s*exercises\s*=")
        course_roots = (*roots, HERE)
        assignments: list[Assignment] = []
        for nth, table in enumerate(given["assignment"]):
            assignments.append(self.assignment(table, nth, course_roots, assignments))
        return Course(
            folder=folder,
            title=self.get(given, "title", str, "the name of the course"),
            seed=self.seed(given),
            roots=course_roots,
            assignments=tuple(assignments),
            late=self.late(given["late"]) if "late" in given else None,
            extensions=self.extensions(given.get("extensions", {}), assignments),
        )

    def misplaced(self, given: Mapping[str, Any]) -> None:
        """Refuse what is meant for the whole course, or an assignment, and stands below a table."""
        extensions = given.get("extensions")
        tables = {f"extensions.{name}": table for name, table in _dict(extensions).items()}
        for name, table in {"late": given.get("late"), **tables}.items():
            for key, value in _dict(table).items():
                if isinstance(value, datetime) or key not in COURSE_KEYS + ASSIGNMENT_KEYS:
                    continue  # a student may be called so
                where = "the top of the file, above the first table"
                if key not in COURSE_KEYS:
                    where = "its table [[assignment]]"
                head = rf"^\s*\[\s*{name.split('.')[0]}\b"
                starts = [i for i, line in enumerate(self.lines) if re.search(head, line)]
                lines = (
                    f", line {i}"
                    for i, line in enumerate(self.lines, 1)
                    if i > min(starts, default=0) and re.match(rf"\s*\W?{key}\W?\s*=", line)
                )
                raise CourseError(
                    f"{self.path}{next(lines, '')}: {key} stands below [{name}] and so would "
                    f"belong to that; move it to {where}"
                )

    def seed(self, given: Mapping[str, Any]) -> tuple[int, ...]:
        seed = self.get(given, "seed", str, "a string of 16 characters or more")
        if len(seed) < 16:
            raise self.wrong(
                "seed must be a string of 16 characters or more, so that nobody finds it by "
                f'trying; take for instance "{secrets.token_hex(16)}"',
                r"^\s*seed\s*=",
            )
        digest = hashlib.sha256(seed.encode()).digest()
        return tuple(int.from_bytes(digest[i : i + 4], "big") for i in range(0, 16, 4))

    def strings(self, table: Mapping[str, Any], key: str, nth: int = 0) -> list[str]:
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self.wrong(f"{key} must be a list of strings", rf"^\s*{key}\s*=", nth)
        return value

    def late(self, table: Any) -> Late:
        if not isinstance(table, dict):
            raise self.wrong("late must be a table [late]", r"^\s*late\s*=")
        self.known(table, ("per_day", "at_most", "grace_minutes"), "[late]")
        numbers = {"at_most": 1.0, "grace_minutes": 0} | table
        for key, top in (("per_day", 1), ("at_most", 1), ("grace_minutes", float("inf"))):
            said = "a number from 0 to 1" if top == 1 else "a number of minutes, not below 0"
            value = self.get(numbers, key, int | float, said)
            if not 0 <= value <= top or not isfinite(value):
                raise self.wrong(f"{key} must be {said}, got {value}", rf"^\s*{key}\s*=")
        grace = timedelta(minutes=numbers["grace_minutes"])
        return Late(float(numbers["per_day"]), float(numbers["at_most"]), grace)

    def time(self, value: Any, what: str, pattern: str, nth: int = 0) -> datetime:
        if not isinstance(value, datetime):
            raise self.wrong(
                f"{what} must be a time such as 2026-11-30T23:59:00+01:00, "
                f"without quotes, got {value!r}",
                pattern,
                nth,
            )
        if value.tzinfo is None:
            raise self.wrong(
                f"{what} must say its offset from UTC, or nobody knows when it is: "
                f"{value.isoformat()}+01:00 in Berlin in winter, {value.isoformat()}Z in UTC",
                pattern,
                nth,
            )
        return value

    def assignment(
        self, table: Any, nth: int, roots: tuple[Path, ...], before: list[Assignment]
    ) -> Assignment:
        if not isinstance(table, dict):
            raise self.wrong("assignment must be tables [[assignment]]", "assignment")
        self.known(table, ASSIGNMENT_KEYS, "[[assignment]]")
        name = self.get(table, "name", str, "the name of the assignment", nth)
        if not WORD.fullmatch(name):
            raise self.wrong(
                f"name must be letters, digits, '.', '_' and '-', got {name!r}", r"^\s*name", nth
            )
        if name in [one.name for one in before]:
            raise self.wrong(f"there are two assignments {name!r}; rename one", r"^\s*name", nth)
        due = self.time(table.get("due"), "due", r"^\s*due\s*=", nth)
        exercises = self.strings(table, "exercises")
        if not exercises:
            raise self.wrong(
                f"{name} has no exercises; name some that `attn-course exercises` lists",
                r"^\s*name\s*=",
                nth,
            )
        by_hand = table.get("by_hand", True)
        if not isinstance(by_hand, bool):
            raise self.wrong(f"by_hand must be true or false, got {by_hand!r}", r"^\s*by_hand\s*=")
        known = names(roots)
        earlier = {one for assignment in before for one in assignment.exercises}
        writes: dict[str, str] = {}  # function -> the exercise that asks for it
        for i, exercise in enumerate(exercises):
            here = re.escape(f'"{exercise}"')
            if exercise not in known:
                raise self.wrong(
                    f"{name}: there is no exercise {exercise!r}; {_nearest(exercise, known)}", here
                )
            if exercise in exercises[:i]:
                raise self.wrong(f"{name} has {exercise} twice; take one out", here)
            if exercise in earlier:
                raise self.wrong(f"{name}: {exercise} is in an assignment before it", here, 1)
            if not by_hand and not load(exercise, roots).has_code:
                raise self.wrong(
                    f"{name}: nothing is left of {exercise} with by_hand = false, a person marks "
                    "all of it; take it out",
                    here,
                )
            try:
                self.fits(load(exercise, roots), exercises, earlier.union(exercises[:i]), writes)
            except (ExerciseError, SyntaxError) as error:
                raise self.wrong(f"{name}: {error}", here) from None
        weight = table.get("weight", {})
        if not isinstance(weight, dict):
            raise self.wrong('weight must be a table { "CHAPTER/NAME" = 2 }', r"^\s*weight")
        for exercise, value in weight.items():
            if exercise not in exercises:
                said = f"{name}: weight names {exercise!r}; {_nearest(exercise, exercises)}"
                raise self.wrong(said, rf"{re.escape(exercise)}\W*=")
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e6:
                said = f"{name}: the weight of {exercise} must be a number above 0, got {value!r}"
                raise self.wrong(said, r"^\s*weight")
        weights = {exercise: float(value) for exercise, value in weight.items()}
        return Assignment(name, due, tuple(exercises), weights, by_hand)

    def fits(
        self, exercise: Exercise, together: list[str], met: set[str], writes: dict[str, str]
    ) -> None:
        """Refuse an exercise that builds on one not met or defines what another defines."""
        for other in exercise.after:
            if other in together and other not in met:
                raise ExerciseError(
                    f"{exercise.name} builds on {other}, which comes below it; name {other} first"
                )
            if other not in met:
                raise ExerciseError(
                    f"{exercise.name} builds on {other}, which is in no assignment up to this one; "
                    f"add {other} before it"
                )
        for name in exercise.binds() if exercise.has_code else ():
            other = writes.setdefault(name, exercise.name)
            if other != exercise.name:
                raise ExerciseError(
                    f"{other} and {exercise.name} both define {name!r}, and a notebook "
                    "can hold one; move one of the two to another assignment"
                )

    def extensions(
        self, tables: Any, assignments: list[Assignment]
    ) -> dict[str, dict[str, datetime]]:
        if not isinstance(tables, dict):
            raise self.wrong("extensions must be tables [extensions.ASSIGNMENT]", "extensions")
        known = {one.name: one for one in assignments}
        found: dict[str, dict[str, datetime]] = {}
        for name, table in tables.items():
            here = rf"\[extensions\.\W*{re.escape(name)}"
            if name not in known or not isinstance(table, dict):
                said = f"[extensions] names no assignment {name!r}; {_nearest(name, list(known))}"
                raise self.wrong(said, here)
            found[name] = {}
            for student, value in table.items():
                key = rf"^\s*\W?{re.escape(student)}\W?\s*="
                time = self.time(value, f"the extension of {student!r}", key)
                if time < known[name].due:
                    raise self.wrong(
                        f"the extension of {student!r} ends before {name} is due; "
                        f"give a time after {known[name].due.isoformat()}",
                        key,
                    )
                found[name][student] = time
        return found


def _dict(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _nearest(name: str, known: tuple[str, ...] | list[str]) -> str:
    """The names that may have been meant."""
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    if not near:
        word = name.rpartition("/")[2]
        near = [one for one in known if word and word in one][:3] or list(known)[:12]
    return f"did you mean {' or '.join(near)}?" if near else "there are none"
