"""What came back: finding each student's notebook and the time at which it was handed in.

Nothing is unpacked by the names in an archive: the notebooks are read from it one by one, up to a
size, and written under the student's id. What belongs to nobody is listed.
A `timestamp.txt` is believed in `submitted/`, where nbgrader's exchange or this module put it.
"""

import csv
import re
import stat
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from attn_course.grading.course import Assignment, Course, CourseError, Student

MOST_BYTES = 50_000_000  # of one file
MOST_IN_ALL = 8_000_000_000  # of an archive, unpacked
CANVAS = re.compile(r"(?P<name>[^_]+)_(?P<late>LATE_)?(?P<lms>\d+)_(?P<attempt>\d+)_.+\.ipynb")
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
    """A file of what was downloaded: its path within, its time, how to read it."""

    where: str
    time: datetime
    size: int
    source: "Path | zipfile.ZipFile"

    def read(self) -> bytes:
        """The content; CourseError where it is too large or cannot be read."""
        try:
            if isinstance(self.source, Path):
                with (self.source / self.where).open("rb") as file:
                    data = file.read(MOST_BYTES + 1)
            else:
                with self.source.open(self.where) as file:
                    data = file.read(MOST_BYTES + 1)
        except (OSError, RuntimeError, zipfile.BadZipFile, NotImplementedError, EOFError) as error:
            raise CourseError(f"cannot be read: {error}") from None
        if len(data) > MOST_BYTES:
            raise CourseError(f"is larger than {MOST_BYTES // 10**6} MB")
        return data


def collect(course: Course, assignment: Assignment, source: Path | None = None) -> Collected:
    """Find the submissions of an assignment: in `submitted/`, or in a download that is taken in."""
    found = Collected()
    students = course.roster()
    if source is not None:
        source = Path(source)
        if not source.exists():
            raise CourseError(f"there is no folder and no archive {source}")
        if zipfile.is_zipfile(source):
            with zipfile.ZipFile(source) as archive:
                _take(course, assignment, students, list(_archived(archive, found)), found)
        elif source.is_dir():
            _take(course, assignment, students, list(_in_folder(source, found)), found)
        else:
            raise CourseError(f"{source} is neither a folder nor a zip archive")
    else:
        _submitted(course, assignment, students, found)
    known = {one.id for one in students}
    for student in course.extensions.get(assignment.name, {}):
        if student not in known:
            found.notes.append(f"The extension of {student!r} is for nobody in roster.csv.")
    found.submissions.sort(key=lambda one: one.student)
    return found


# From nbgrader's exchange, or from an earlier download


def _submitted(
    course: Course, assignment: Assignment, students: list[Student], found: Collected
) -> None:
    known = {one.id for one in students}
    folder = course.folder / "submitted"
    given = _times(folder / "times.csv", assignment) if (folder / "times.csv").exists() else {}
    for home in sorted(folder.glob("*/")):
        theirs = home / assignment.name
        if not theirs.is_dir():
            continue
        where = f"submitted/{home.name}/{assignment.name}"
        if home.name not in known:
            found.unknown.append((where, f"{home.name!r} is not in roster.csv"))
            continue
        if home.is_symlink() or theirs.is_symlink():
            found.unknown.append((where, "is a link, and links are not followed"))
            continue
        path = course.submitted(assignment.name, home.name)
        if not path.is_file():
            others = [one for one in sorted(theirs.glob("*.ipynb")) if _plain(one)]
            if not others:
                found.unknown.append((where, "there is no notebook in it"))
                continue
            best = max(others, key=lambda one: one.stat().st_mtime)
            path.write_bytes(best.read_bytes())
            found.notes.append(f"{home.name} handed in {best.name}; it is taken for {path.name}.")
        if not _plain(path):
            found.unknown.append((f"{where}/{path.name}", "is no plain file"))
            continue
        stamp = theirs / "timestamp.txt"
        if home.name in given:
            time, said = given[home.name], "times.csv"
        elif _plain(stamp):
            time, said = _stamp(stamp), "timestamp.txt"
        else:
            time, said = datetime.fromtimestamp(path.stat().st_mtime, UTC), "the file's own time"
        found.submissions.append(Submission(home.name, path, time, said))


def _plain(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def _stamp(path: Path) -> datetime:
    return _time(path.read_text(encoding="utf-8", errors="replace"), str(path))


def _time(text: str, where: str) -> datetime:
    """A time with its offset; nbgrader's own form ends in a space and UTC."""
    said = re.sub(r"\s+(UTC|Z)$", "+00:00", text.strip())
    said = re.sub(r"\s+([+-]\d\d:?\d\d)$", r"\1", said)
    try:
        time = datetime.fromisoformat(said)
    except ValueError:
        raise CourseError(
            f"{where}: {text.strip()[:60]!r} is no time; write it as 2026-11-30T23:59:00+01:00"
        ) from None
    if time.tzinfo is None:
        raise CourseError(
            f"{where}: {said!r} must say its offset from UTC, as in {time.isoformat()}+01:00"
        )
    return time.astimezone(UTC)


def _times(path: Path, assignment: Assignment) -> dict[str, datetime]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return _read_times(lines, str(path), assignment)


def _read_times(lines: Iterable[str], path: str, assignment: Assignment) -> dict[str, datetime]:
    """Student -> time; a column `assignment` is optional."""
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
        elif path.is_file():
            status = path.stat()
            if stat.S_ISREG(status.st_mode):
                time = datetime.fromtimestamp(status.st_mtime, UTC)
                yield _File(where, time, status.st_size, source)


def _archived(archive: zipfile.ZipFile, found: Collected) -> Iterator[_File]:
    total = sum(one.file_size for one in archive.infolist())
    if total > MOST_IN_ALL:
        raise CourseError(
            f"the archive would unpack to {total / 1e9:.0f} GB; "
            "is it what the students handed in? Then give it in parts"
        )
    for one in archive.infolist():
        if one.is_dir():
            continue
        path = PurePosixPath(one.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
            found.unknown.append((one.filename, "its path leads out of the archive"))
        elif stat.S_ISLNK(one.external_attr >> 16):
            found.unknown.append((one.filename, "is a link, and links are not followed"))
        else:
            try:
                local = datetime(*one.date_time)  # the archive does not say of which zone
                time = local.astimezone(UTC)
            except (ValueError, OverflowError):
                time = datetime.now(UTC)
            yield _File(one.filename, time, one.file_size, archive)


@dataclass(frozen=True)
class _Candidate:
    file: _File
    attempt: int
    late: bool


def _take(
    course: Course,
    assignment: Assignment,
    students: list[Student],
    files: list[_File],
    found: Collected,
) -> None:
    """Match the files to students and lay the notebooks into `submitted/`."""
    depth = _common(files)
    matcher = _Matcher(students, assignment)
    given: dict[str, datetime] = {}
    candidates: dict[str, list[_Candidate]] = {}
    for file in files:
        where = "/".join(PurePosixPath(file.where).parts[depth:])
        if where == "times.csv":
            text = file.read().decode("utf-8-sig", "replace")
            given = _read_times(text.splitlines(), file.where, assignment)
        elif PurePosixPath(where).name == "timestamp.txt":
            said = "is not believed: in a download it may be the student's own; use times.csv"
            found.unknown.append((file.where, said))
        elif NOISE.search(where):
            continue
        elif not where.lower().endswith(".ipynb"):
            found.unknown.append((file.where, "is no notebook"))
        else:
            student, attempt, said = matcher.match(where)
            if not student:
                found.unknown.append((file.where, said))
            else:
                one = _Candidate(file, attempt, "_LATE_" in PurePosixPath(where).name)
                candidates.setdefault(student, []).append(one)
    for student, several in candidates.items():
        best = max(several, key=lambda one: _rank(one, assignment))
        for one in several:
            if one is not best:
                said = f"{student} handed in {best.file.where} too, which is the one that counts"
                found.unknown.append((one.file.where, said))
        try:
            data = best.file.read()
        except CourseError as error:
            found.unknown.append((best.file.where, str(error)))
            continue
        if student in given:
            time, said = given[student], "times.csv"
        else:
            time, said = best.file.time, "the file's own time"
            if best.late and time <= course.due(assignment, student):
                found.notes.append(
                    f"{student}: the name of the file says LATE, its time does not; "
                    "give the time in times.csv (student,time) beside the notebooks."
                )
        path = course.submitted(assignment.name, student)
        if path.parent.is_symlink() or path.parent.parent.is_symlink():
            found.unknown.append((best.file.where, f"{path.parent} is a link"))
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink() or (path.exists() and path.read_bytes() != data):
            path.unlink()
            found.notes.append(f"{student}: what was handed in before is replaced.")
        path.write_bytes(data)
        stamp = path.with_name("timestamp.txt")
        stamp.unlink(missing_ok=True)
        stamp.write_text(f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f} UTC\n", encoding="utf-8")
        found.submissions.append(Submission(student, path, time, said))


def _rank(one: _Candidate, assignment: Assignment) -> tuple[int, bool, datetime]:
    """The later attempt, then the right name, then the later time."""
    name = PurePosixPath(one.file.where).name
    return one.attempt, name.endswith(f"{assignment.name}.ipynb"), one.file.time


def _common(files: list[_File]) -> int:
    """How many folders all the files share: some archives have one around everything."""
    tops = {PurePosixPath(one.where).parts for one in files if not NOISE.search(one.where)}
    first = {parts[0] for parts in tops if len(parts) > 2}
    alone = len(first) == 1 and all(len(parts) > 2 for parts in tops)
    return int(alone and bool(tops))


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
