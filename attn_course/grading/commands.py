"""The commands of whoever gives the course: new, assign, grade, feedback, export, sample."""

import argparse
import csv
import functools
import importlib.util
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from attn_course.exercises.source import ExerciseError
from attn_course.grading.course import (
    CONFIG,
    ROSTER,
    Assignment,
    Course,
    CourseError,
    load_course,
    new_course,
)

MISSING = 'grading needs more packages; run: python -m pip install "attn-course[grading]"'


def register(subparsers: Any) -> None:
    """Add the commands."""
    new = subparsers.add_parser("new", help="begin a course: course.toml, roster.csv")
    new.add_argument("folder", type=Path, metavar="FOLDER")
    new.set_defaults(run=_told(_new))

    one = _command(subparsers, "assign", _assign, "make the notebooks that are handed out", "*")
    one.add_argument("--force", action="store_true", help="change points even if there are grades")

    one = _command(subparsers, "grade", _grade, "grade what was handed in")
    one.add_argument(
        "--submissions",
        type=Path,
        metavar="FOLDER_OR_ZIP",
        help="take these in first: a download from Canvas or Moodle, or STUDENT.ipynb",
    )
    one.add_argument("--jobs", type=_count, default=os.cpu_count() or 1, metavar="N")
    one.add_argument(
        "--lower", action="store_true", help="let points fall too, where a check was corrected"
    )
    one.add_argument(
        "--unsafe",
        action="store_true",
        help="run students' code without a sandbox, with your own rights",
    )

    _command(subparsers, "feedback", _feedback, "write a page for each student", "*")
    _command(subparsers, "export", _export, "write grades for Canvas, Moodle, a spreadsheet", "*")
    _command(subparsers, "export-answers", _answers, "write each answer to a file of its own")
    _command(subparsers, "sample", _sample, "hand in the work of twelve invented students")


def _command(
    subparsers: Any,
    name: str,
    run: Callable[[Course, list[Assignment], argparse.Namespace], int],
    help_text: str,
    nargs: str = "",
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser(name, help=help_text)
    parser.add_argument(
        "--course", type=Path, default=Path(CONFIG), metavar=CONFIG, help="or its folder"
    )
    if nargs:
        parser.add_argument(
            "assignment", nargs=nargs, metavar="ASSIGNMENT", help="all of them if none is named"
        )
    else:
        parser.add_argument("assignment", nargs=1, metavar="ASSIGNMENT")
    parser.set_defaults(run=_told(functools.partial(_on_course, run)))
    return parser


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, got {count}")
    return count


def _told(run: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    """Say what is wrong in a sentence, and return 1."""

    @functools.wraps(run, assigned=())
    def told(options: argparse.Namespace) -> int:
        try:
            return run(options)
        except (CourseError, ExerciseError) as error:
            print(error, file=sys.stderr)
        except BrokenPipeError:  # whoever read has stopped reading
            raise
        except OSError as error:
            print(f"{error.filename or 'a file'}: {error.strerror or error}", file=sys.stderr)
        except KeyboardInterrupt:
            print("\nstopped; what was graded is kept, run it again to go on", file=sys.stderr)
            return 130
        return 1

    return told


def _on_course(
    run: Callable[[Course, list[Assignment], argparse.Namespace], int], options: argparse.Namespace
) -> int:
    if importlib.util.find_spec("nbgrader") is None:
        raise CourseError(MISSING)
    course = load_course(options.course)
    names = options.assignment or [one.name for one in course.assignments]
    return run(course, [course.assignment(name) for name in names], options)


def _new(options: argparse.Namespace) -> int:
    for path in new_course(options.folder):
        print(f"wrote {path}")
    print(
        f"Next: choose exercises in {options.folder / CONFIG}, put your students into roster.csv,\n"
        f"then run: attn-course assign --course {options.folder / CONFIG}"
    )
    return 0


def _assign(course: Course, assignments: list[Assignment], options: argparse.Namespace) -> int:
    from attn_course.grading.assign import assign, changed

    for one in assignments:
        for said in changed(course, one):
            print(f"{one.name} was handed out before. {_printable(said)}")
        path = assign(course, one, options.force)
        marks = course.marks(one)
        by_hand = sum(mark.points for mark in marks if mark.question)
        points = sum(mark.points for mark in marks)
        print(
            f"{one.name}: {len(one.exercises)} exercises, {points:g} points "
            f"({by_hand:g} of them marked by a person), due {one.due.isoformat()}"
        )
        print(f"  give your students what is in {path.parent}")
    return 0


def _grade(course: Course, assignments: list[Assignment], options: argparse.Namespace) -> int:
    from attn_course.grading import sandbox
    from attn_course.grading.assign import changed, starters
    from attn_course.grading.collect import collect
    from attn_course.grading.grade import grade_all, unprotected
    from attn_course.grading.gradebook import store

    (assignment,) = assignments
    _handed_out(course, assignment)
    missing = sandbox.available()
    if missing and not options.unsafe:
        raise CourseError(
            f"{missing}\nStudents' code is not run without a sandbox. Where you trust all of it "
            "as you would your own, --unsafe runs it with your rights."
        )
    if options.unsafe:
        print("--unsafe: students' code runs with your rights, and can change its own grade.")
    for said in changed(course, assignment):
        print(_printable(said))
    found = collect(course, assignment, options.submissions)
    _list_collected(found)
    if not found.submissions:
        where = options.submissions or course.folder / "submitted"
        raise CourseError(f"there is nothing to grade for {assignment.name} in {where}")
    jobs = [(one.student, one.path) for one in found.submissions]
    reports = {}
    for report in grade_all(
        jobs,
        course.exercises(assignment),
        course.seed,
        course.results(assignment.name),
        assignment=assignment.name,
        launch=unprotected if options.unsafe else sandbox.launcher,
        n_jobs=min(options.jobs, len(jobs)),
        progress=True,
        lower=options.lower,
        inside=course.folder / "submitted",
        starters=starters(course, assignment),
    ):
        reports[report.student] = report
    with _bar(len(jobs), "entering grades") as advance:
        times = {one.student: one.time for one in found.submissions if one.student in reports}
        lost = store(course, assignment, times, lambda student: advance.update())
    return _list_grades(course, assignment, reports, lost)


def _handed_out(course: Course, assignment: Assignment) -> Path:
    release = course.release(assignment.name)
    if not release.exists():
        raise CourseError(
            f"{assignment.name} was never handed out; run: attn-course assign "
            f"--course {course.folder / CONFIG} {assignment.name}"
        )
    return release


def _bar(total: int, what: str) -> Any:
    from tqdm import tqdm

    return tqdm(total=total, unit=" notebooks", desc=what)


def _list_collected(found: Any) -> None:
    origins = Counter(one.time_from for one in found.submissions)
    said = ", ".join(f"{count} from {origin}" for origin, count in origins.items())
    print(f"{len(found.submissions)} submissions; their times are {said or 'none'}")
    for where, why in found.unknown:
        print(f"  not taken: {_printable(where)}: {_printable(why)}")
    for note in found.notes:
        print(f"  {_printable(note)}")


def _printable(text: str) -> str:
    """A student's name of a file, say, that does nothing to the terminal."""
    return "".join(one if one.isprintable() else "?" for one in text[:500])


def _list_grades(
    course: Course, assignment: Assignment, reports: dict[str, Any], lost: dict[str, str]
) -> int:
    from attn_course.grading.gradebook import lost_answers, rows

    broken = {name: report.failed for name, report in reports.items() if report.failed} | lost
    unread = {name: report.unread for name, report in reports.items() if report.unread}
    to_mark = 0
    for row in rows(course, assignment):
        if row.student.id not in reports:
            if row.time is None:
                print(f"  {row.student.id:<16} nothing was handed in")
            continue
        to_mark += row.unmarked
        off = f", {row.penalty:g} taken off for lateness" if row.penalty else ""
        wait = f", {row.unmarked} to be marked" if row.unmarked else ""
        why = unread.get(row.student.id, "").rstrip(".")
        why = f": {why[0].lower()}{why[1:]}" if why else ""
        print(f"  {row.student.id:<16} {row.score:g} of {row.points:g}{off}{wait}{_printable(why)}")
        for said in lost_answers(course, assignment, row.student.id):
            print(f"  {'':<16} {said}")
    kept = sum(len(report.kept) for report in reports.values())
    if kept:
        print(f"{kept} checks keep points of an earlier run; --lower would take them back.")
    if unread:
        print(f"{len(unread)} could not be read: {', '.join(unread)}")
    for name, why in broken.items():
        print(f"! {name} was not graded: {_printable(why)}")
    if to_mark:
        print(
            f"{to_mark} answers wait for a person: run `jupyter lab` in {course.folder} "
            "and open Nbgrader > Formgrader."
        )
    return 1 if broken else 0


def _feedback(course: Course, assignments: list[Assignment], options: argparse.Namespace) -> int:
    from attn_course.grading.feedback import write_feedback

    for assignment in assignments:
        written = list(write_feedback(course, assignment))
        waiting = sum(row.unmarked > 0 for row, _ in written)
        said = f", {waiting} of them with answers still to be marked" if waiting else ""
        print(f"{assignment.name}: {len(written)} pages in {course.folder / 'feedback'}{said}")
    return 0


def _export(course: Course, assignments: list[Assignment], options: argparse.Namespace) -> int:
    from attn_course.grading.export import write_grades
    from attn_course.grading.gradebook import rows

    for one in assignments:
        waiting = sum(row.unmarked > 0 for row in rows(course, one))
        if waiting:
            print(f"{one.name}: {waiting} students have answers still to be marked, counted as 0")
    for path, count in write_grades(course, assignments).items():
        print(f"wrote {path}: {count} students have handed something in")
    return 0


def _answers(course: Course, assignments: list[Assignment], options: argparse.Namespace) -> int:
    from attn_course.grading.export import write_answers

    written = [path for one in assignments for path in write_answers(course, one)]
    if not written:
        raise CourseError("nothing is graded yet; run: attn-course grade first")
    print(f"wrote {len(written)} files in {course.folder / 'answers'}")
    return 0


def _sample(course: Course, assignments: list[Assignment], options: argparse.Namespace) -> int:
    from attn_course.grading.sample import CLASS, write_class

    (assignment,) = assignments
    release = _handed_out(course, assignment)
    invented = {pupil.id for pupil in CLASS}
    there = {path.name for path in (course.folder / "submitted").glob("*/")}
    if there - invented:
        raise CourseError(
            f"{course.folder} has work of real students ({', '.join(sorted(there - invented)[:3])}"
            "); try the sample in a folder of its own: attn-course new FOLDER"
        )
    pupils = write_class(
        course.folder / "submitted",
        course.exercises(assignment),
        assignment.name,
        release,
        assignment.due,
    )
    _into_roster(course, pupils)
    for pupil in pupils:
        print(f"  {pupil.id:<8} {pupil.what}")
    print(
        f"Their work is in {course.folder / 'submitted'}, their names in roster.csv. Next:\n"
        f"attn-course grade --course {course.folder / CONFIG} {assignment.name}"
    )
    return 0


def _into_roster(course: Course, pupils: Iterable[Any]) -> None:
    there = course.roster()
    known = {one.id for one in there}
    with (course.folder / "roster.csv").open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(ROSTER)
        for one in there:
            lines.writerow([getattr(one, key) for key in ROSTER])
        for number, pupil in enumerate(pupils, start=2001):
            if pupil.id not in known:
                mail = f"{pupil.id}@example.org"
                lines.writerow([pupil.id, pupil.first_name, pupil.last_name, mail, number])
