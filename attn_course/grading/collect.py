"""What came back: finding each student's notebook and the time at which it was handed in.

Nothing is unpacked by the names in an archive: the notebooks are read from it one by one, up to a
size, and written under the student's id. What belongs to nobody is listed, and so is what cannot be
read: nothing that one student hands in keeps the others' work from being graded.
A `timestamp.txt` is believed in `submitted/`, where nbgrader's exchange or this module put it.
"""

import contextlib
import csv
import os
import re
import stat
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from attn_course.exercises.submission import NotebookError, read_notebook
from attn_course.grading.course import Assignment, Course, CourseError, Student
from attn_course.grading.grade import SIZE, RefusedError, read

MOST_BYTES = 50_000_000  # of one file
MOST_IN_ALL = 8_000_000_000  # of an archive, unpacked
YEARS = range(1970, 2200)  # in which something may have been handed in
CANVAS = re.compile(
    r"(?P<name>[^_]+)_(?P<late>LATE_)?(?P<lms>[0-9]+)_(?P<attempt>[0-9]{1,18})_.+\.ipynb"
)
MOODLE = re.compile(r"(?P<name>.+?)_(?P<number>\d+)_assignsubmission_(?:file|onlinetext)(?:_.*)?")
NOISE = re.compile(r"(^|/)(\.|__MACOSX|Thumbs\.db|desktop\.ini)")


@dataclass(frozen=True)
class Submission:
    """A student's notebook; `time_from` says where the time comes from."""

    student: str
    path: Path
    time: datetime
    time_from: str


@dataclass
class Collected:
    """What there is to grade, what belongs to nobody, and what whoever grades should know."""

    submissions: list[Submission] = field(default_factory=list)
    unknown: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _File:
    """A file of what was downloaded: its path within, its time, how to open it."""

    where: str
    time: datetime
    open: Callable[[], Any]

    def read(self) -> bytes:
        """The content; CourseError where it is too large or cannot be read."""
        try:
            with self.open() as file:
                data = file.read(MOST_BYTES + 1)
        except Exception as error:  # an archive can be damaged in many ways
            raise CourseError(f"cannot be read: {error}") from None
        if len(data) > MOST_BYTES:
            raise CourseError(f"is larger than {MOST_BYTES // 10**6} MB")
        return data


def collect(course: Course, assignment: Assignment, source: Path | None = None) -> Collected:
    """Find the submissions of an assignment: in `submitted/`, and in a download that is taken in.

    Whose work is not in the download, but was handed in before, is there all the same.
    """
    found = Collected()
    students = course.roster()
    if source is not None:
        source = Path(source)
        if not source.exists():
            raise CourseError(f"there is no folder and no archive {source}")
        if zipfile.is_zipfile(source):
            with _opened(source) as archive:
                _take(course, assignment, students, list(_archived(archive, found)), found)
        elif source.is_dir():
            _take(course, assignment, students, list(_in_folder(source, found)), found)
        else:
            raise CourseError(f"{source} is neither a folder nor a zip archive")
    _submitted(course, assignment, students, found)
    known = {one.id for one in students}
    for student in course.extensions.get(assignment.name, {}):
        if student not in known:
            found.notes.append(f"The extension of {student!r} is for nobody in roster.csv.")
    found.submissions.sort(key=lambda one: one.student)
    return found


def _opened(source: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(source)
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise CourseError(f"{source} is damaged ({error}); download it again") from None


# From nbgrader's exchange, or from an earlier download


def _submitted(
    course: Course, assignment: Assignment, students: list[Student], found: Collected
) -> None:
    known = {one.id for one in students}
    taken = {one.student for one in found.submissions}
    folder = course.folder / "submitted"
    times = folder / "times.csv"
    given = _times(times.read_bytes(), str(times), assignment) if times.exists() else {}
    for home in sorted(folder.glob("*/")):
        student, where = home.name, f"submitted/{home.name}/{assignment.name}"
        try:
            if student in taken or not (home / assignment.name).is_dir():
                continue
            if student not in known:
                raise CourseError(f"{student!r} is not in roster.csv")
            path = course.submitted(assignment.name, student)
            _settle_on(path, student, found.notes)
            if student in given:
                time, said = given[student], "times.csv"
            else:
                time, said = _stamped(path, student, found.notes)
        except (CourseError, RefusedError, OSError) as error:
            found.unknown.append((where, str(error)))
            continue
        found.submissions.append(Submission(student, path, time, said))


def _settle_on(path: Path, student: str, notes: list[str]) -> None:
    """See to it that a student's notebook stands where it is looked for, and is a plain file."""
    _refuse_links(path)
    if not os.path.lexists(path):
        others = [one for one in path.parent.glob("*.ipynb") if _is_plain(one)]
        if not others:
            raise CourseError("there is no notebook in it")
        best = max(others, key=_own_time)
        _put(path, read(best, path.parents[2]))
        os.utime(path, (0, best.stat().st_mtime))
        notes.append(f"{student} handed in {best.name}; it is taken for {path.name}.")
    if not _is_plain(path):
        raise CourseError(f"{path.name} is no plain file")


def _stamped(path: Path, student: str, notes: list[str]) -> tuple[datetime, str]:
    """When it was handed in; a `timestamp.txt` that is no time is replaced: nbgrader reads it."""
    stamp = path.with_name("timestamp.txt")
    if os.path.lexists(stamp):
        try:
            text = read(stamp, path.parents[2])[:200].decode("utf-8", "replace")
            return _time(text, "it"), "timestamp.txt"
        except (CourseError, RefusedError) as error:
            notes.append(f"{student}: timestamp.txt cannot be used, the file's time is: {error}")
            _put_time(path, _own_time(path))
    return _own_time(path), "the file's own time"


def _refuse_links(path: Path) -> None:
    if any(folder.is_symlink() for folder in (path.parent, path.parent.parent)):
        raise CourseError("is a link, and links are not followed")


def _is_plain(path: Path) -> bool:
    return stat.S_ISREG(path.lstat().st_mode)


def _own_time(path: Path) -> datetime:
    """When a file was last changed; now, where its owner has set that to no possible time."""
    with contextlib.suppress(ValueError, OverflowError, OSError):
        time = datetime.fromtimestamp(path.lstat().st_mtime, UTC)
        if time.year in YEARS:
            return time
    return datetime.now(UTC)


def _put(path: Path, data: bytes) -> None:
    """Write a file anew, and never through a link."""
    path.unlink(missing_ok=True)
    with path.open("xb") as file:
        file.write(data)


def _put_time(path: Path, time: datetime) -> None:
    text = f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f} UTC\n"
    _put(path.with_name("timestamp.txt"), text.encode())


def _time(text: str, where: str) -> datetime:
    """A time with its offset; nbgrader's own form ends in a space and UTC."""
    said = re.sub(r"\s+(UTC|Z)$", "+00:00", text.strip())
    said = re.sub(r"\s+([+-]\d\d:?\d\d)$", r"\1", said)
    time = None
    with contextlib.suppress(ValueError):
        time = datetime.fromisoformat(said)
    if time is None or time.year not in YEARS:
        raise CourseError(
            f"{where}: {text.strip()[:60]!r} is no time; write it as 2026-11-30T23:59:00+01:00"
        )
    if time.tzinfo is None:
        raise CourseError(
            f"{where}: {said!r} must say its offset from UTC, as in {time.isoformat()}+01:00"
        )
    return time.astimezone(UTC)


def _times(data: bytes, path: str, assignment: Assignment) -> dict[str, datetime]:
    """Student -> time; a column `assignment` is optional."""
    lines = data.decode("utf-8-sig", "replace").splitlines()
    rows = csv.DictReader(lines, skipinitialspace=True)
    if not {"student", "time"} <= set(rows.fieldnames or ()):
        raise CourseError(f"{path}: the first line must be student,time")
    found: dict[str, datetime] = {}
    for row in rows:
        if row.get("assignment") in (None, "", assignment.name) and (row["time"] or "").strip():
            time = _time(row["time"], f"{path}, line {rows.line_num}")
            found[(row["student"] or "").strip()] = time
    return found


# From a download


def _in_folder(source: Path, found: Collected) -> Iterator[_File]:
    for path in sorted(source.rglob("*")):
        where = path.relative_to(source).as_posix()
        if path.is_symlink():
            found.unknown.append((where, "is a link, and links are not followed"))
        elif _is_plain(path):
            yield _File(where, _own_time(path), partial(path.open, "rb"))


def _archived(archive: zipfile.ZipFile, found: Collected) -> Iterator[_File]:
    total = sum(one.file_size for one in archive.infolist())
    if total > MOST_IN_ALL:
        raise CourseError(
            f"the archive would unpack to {total / 1e9:.0f} GB; "
            "is it what the students handed in? Then give it in parts"
        )
    for one in archive.infolist():
        path = PurePosixPath(one.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts:
            found.unknown.append((one.filename, "its path leads out of the archive"))
        elif stat.S_ISLNK(one.external_attr >> 16):
            found.unknown.append((one.filename, "is a link, and links are not followed"))
        elif not one.filename.endswith("/"):
            try:
                local = datetime(*one.date_time)  # the archive does not say of which zone
                time = local.astimezone(UTC)
            except (ValueError, OverflowError):
                time = datetime.now(UTC)
            yield _File(one.filename, time, partial(archive.open, one))


def _take(
    course: Course,
    assignment: Assignment,
    students: list[Student],
    files: list[_File],
    found: Collected,
) -> None:
    """Match the files to students and lay the notebooks into `submitted/`."""
    matcher = _Matcher(students, assignment)
    given: dict[str, datetime] = {}
    candidates: dict[str, list[tuple[int, bool, _File]]] = {}
    for file in files:
        name = PurePosixPath(file.where).name
        if file.where == "times.csv":
            given = _times(file.read(), file.where, assignment)
        elif name in ("timestamp.txt", "times.csv"):
            said = "is not believed, it may be a student's own; times go into times.csv at the top"
            found.unknown.append((file.where, said))
        elif NOISE.search(file.where):
            continue
        elif not name.lower().endswith(".ipynb"):
            found.unknown.append((file.where, "is no notebook"))
        else:
            student, attempt, said = matcher.match(file.where)
            if not student:
                found.unknown.append((file.where, said))
            else:
                right = name.endswith(f"{assignment.name}.ipynb")
                candidates.setdefault(student, []).append((attempt, right, file))
    for student, several in candidates.items():
        # The later attempt, then the right name, then the later time; what can be read before all.
        ranked = [file for *_, file in sorted(several, key=lambda o: (*o[:2], o[2].time))]
        best = next((one for one in reversed(ranked) if not _unreadable(one.read)), ranked[-1])
        for other in [one for one in ranked if one is not best]:
            said = f"{student} handed in {best.where} too, which is the one that counts"
            found.unknown.append((other.where, said))
        if student in given:
            time, said = given[student], "times.csv"
        else:
            time, said = best.time, "the file's own time"
            if "_LATE_" in PurePosixPath(best.where).name and time <= course.due(
                assignment, student
            ):
                found.notes.append(
                    f"{student}: the name of the file says LATE, its time does not; "
                    "give the time in times.csv (student,time) beside the notebooks."
                )
        path = course.submitted(assignment.name, student)
        try:
            why = _unreadable(best.read)
            _refuse_links(path)
            if why and not _unreadable(partial(read, path, course.folder / "submitted")):
                said = f"{why}. What {student} handed in before is kept, and counts"
                found.unknown.append((best.where, said))
                continue
            data = best.read()
            path.parent.mkdir(parents=True, exist_ok=True)
            if os.path.lexists(path) and not _holds(path, data):
                found.notes.append(f"{student}: what was handed in before is replaced.")
            _put(path, data)
            _put_time(path, time)
        except (CourseError, OSError) as error:
            found.unknown.append((best.where, str(error)))
            continue
        found.submissions.append(Submission(student, path, time, said))


def _unreadable(data: Callable[[], bytes]) -> str:
    """Why something is no notebook that can be read; empty if it is one."""
    try:
        content = data()
        if len(content) > SIZE:
            raise NotebookError(f"is larger than {SIZE // 2**20} MB")
        read_notebook(content)
    except (NotebookError, CourseError, RefusedError) as error:
        return str(error).rstrip(".")
    return ""


def _holds(path: Path, data: bytes) -> bool:
    same_size = _is_plain(path) and path.lstat().st_size == len(data)
    return same_size and path.read_bytes() == data


class _Matcher:
    """Finds the student whom a path names: by id, by the id in the LMS, or by name."""

    def __init__(self, students: list[Student], assignment: Assignment) -> None:
        self.assignment = assignment
        self.by_id = {one.id.lower(): one.id for one in students}
        self.by_lms = _once((one.lms_user_id, one.id) for one in students)
        self.by_name = _once(
            (_squeezed(name), one.id)
            for one in students
            for name in {
                f"{one.first_name} {one.last_name}",
                f"{one.last_name} {one.first_name}",
            }
        )
        self.has_lms = any(one.lms_user_id for one in students)

    def match(self, where: str) -> tuple[str, int, str]:
        """(student or '', attempt, why it is nobody's)."""
        path = PurePosixPath(where)
        canvas = CANVAS.fullmatch(path.name)
        for part in path.parts[:-1]:
            moodle = MOODLE.fullmatch(part)
            if moodle:
                return self.named(moodle["name"])
            if part.lower() in self.by_id:
                return self.by_id[part.lower()], 0, ""
        if path.stem.lower() in self.by_id:
            return self.by_id[path.stem.lower()], 0, ""
        if canvas:
            attempt = int(canvas["attempt"])
            student = self.by_lms.get(canvas["lms"], "")
            if student:
                return student, attempt, ""
            if student is None:
                return "", 0, f"two students in roster.csv have the lms_user_id {canvas['lms']}"
            if self.has_lms:
                return "", 0, f"nobody in roster.csv has the lms_user_id {canvas['lms']}"
            student, _, said = self.named(canvas["name"])
            return student, attempt, said
        moodle = MOODLE.fullmatch(path.stem)
        if moodle:
            return self.named(moodle["name"])
        return "", 0, "its name is nobody's in roster.csv"

    def named(self, name: str) -> tuple[str, int, str]:
        """By first and last name."""
        student = self.by_name.get(_squeezed(name), "")
        if student:
            return student, 0, ""
        if student is None:
            return "", 0, f"two students in roster.csv are called {name}; name the folder by the id"
        return "", 0, f"nobody in roster.csv is called {name}"


def _once(pairs: Iterable[tuple[str, str]]) -> Mapping[str, str | None]:
    """A dictionary; None for what is there for two students."""
    found: dict[str, str | None] = {}
    for key, student in pairs:
        if key:
            found[key] = student if found.get(key, student) == student else None
    return found


def _squeezed(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()
