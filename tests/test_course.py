"""The course side: hand-out, gradebook, marks by hand, lateness, feedback and exports."""

import copy
import csv
import html.parser
import io
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import time
import zipfile
from datetime import UTC, datetime, timedelta

import pytest

pytest.importorskip("nbgrader", reason="the extra `grading` is not installed")
import nbformat
from nbconvert.filters import markdown2html

from attn_course.__main__ import main
from attn_course.exercises import release
from attn_course.exercises.cells import ANSWER
from attn_course.exercises.source import load
from attn_course.grading import collect as collecting
from attn_course.grading import sandbox
from attn_course.grading.assign import assign, changed, source_notebook, starters
from attn_course.grading.collect import collect
from attn_course.grading.course import CourseError, Late, load_course, new_course
from attn_course.grading.export import write_answers, write_grades
from attn_course.grading.feedback import _first_words, write_feedback
from attn_course.grading.gradebook import (
    MOST_EXTRA_CELLS,
    harmless,
    harmless_notebook,
    opened,
    rows,
    store,
    transplanted,
)

ROSTER = """\
id,first_name,last_name,email,lms_user_id
ada,Ada,Lind,ada@example.org,1001
bo,Bo,Berg,bo@example.org,1002
cy,=HYPERLINK(1),Cy,cy@example.org,1003
di,Di,O'Neil,di@example.org,1004
"""

CONFIG = """\
title = "Trial <1>"
seed = "00112233445566778899aabbccddeeff"
exercises = ["mine"]

[late]
per_day = 0.1
at_most = 0.5
grace_minutes = 15

[[assignment]]
name = "week1"
due = 2026-11-30T23:59:00+01:00
exercises = ["trial/double", "trial/reason"]
weight = { "trial/double" = 2 }

[[assignment]]
name = "week2"
due = 2026-12-07T23:59:00+01:00
exercises = ["trial/fourfold"]

[extensions.week1]
bo = 2026-12-02T23:59:00+01:00
"""

FRONT = """\
+++
title = "{title}"
kind = "{kind}"
difficulty = 1
minutes = 5
needs = "numpy"
order = {order}
{more}
+++
Write it.

# Hint

One.

# Hint

Two.

# Hint

Three.
"""

SOLUTION = '''\
"""Twice a number."""


def double(x: float) -> float:
    """Return two times x."""
    ### BEGIN SOLUTION
    secret_of_the_solution = 2
    return secret_of_the_solution * x
    ### END SOLUTION
'''

CHECKS = '''\
"""Checks of double."""

from attn_course.exercises.checking import Mutant, check, close


@check(points=1)
def of_three(answer, rng):
    """Twice 3 is 6."""
    close(answer.double(3.0), 6.0, "Twice 3 is 6.")


@check(points=2, hidden=True)
def of_any(answer, rng):
    """Twice a number is the number added to itself: sentence_of_the_hidden."""
    x = float(rng.normal() + trace_of_the_hidden)
    close(answer.double(x), x + x, "Twice a number is itself and itself again.")


trace_of_the_hidden = 0.0
MUTANTS = {"six": Mutant("secret_of_the_solution * x", "6.0", "of_any", "itself")}
'''

QUESTION = """
# Question: why

Why is it so?

## Model answer

It is trace_of_the_model.

## Rubric

- 3 points: trace_of_the_rubric
- 1 point: for a sentence
"""

RIGHT = "def double(x):\n    return x + x\n"
HALF = "def double(x):\n    return 6.0\n"


@pytest.fixture(scope="module")
def handed_out(tmp_path_factory):
    """A course folder with exercises of its own, whose first assignment is handed out."""
    home = tmp_path_factory.mktemp("course")
    exercises = {
        "double": (FRONT.format(title="Double", kind="code", order=1, more=""), SOLUTION, CHECKS),
        "reason": (FRONT.format(title="Why", kind="concept", order=2, more="") + QUESTION,),
        "size": (
            FRONT.format(title="Size", kind="code", order=5, more=""),
            SOLUTION.replace("double", "size").replace('."""\n\n', '."""\n\ndouble = 2\n', 1),
            CHECKS.replace("double", "size"),
        ),
        "twice": (FRONT.format(title="Two", kind="code", order=4, more=""), SOLUTION, CHECKS),
        "fourfold": (
            FRONT.format(title="Four", kind="code", order=3, more='after = ["trial/double"]'),
            SOLUTION.replace("double", "fourfold").replace("= 2", "= 4"),
            CHECKS.replace("double", "fourfold").replace("6.0", "12.0").replace("x + x", "4 * x"),
        ),
    }
    for name, files in exercises.items():
        folder = home / "mine" / "trial" / name
        folder.mkdir(parents=True)
        for file, text in zip(("prompt.md", "solution.py", "checks.py"), files, strict=False):
            (folder / file).write_text(text, encoding="utf-8")
    (home / "course.toml").write_text(CONFIG, encoding="utf-8")
    (home / "roster.csv").write_text(ROSTER, encoding="utf-8")
    course = load_course(home)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(release, "student_wheel", wheel)
        assign(course, course.assignments[0])
    return home


def wheel(folder, roots):
    """The wheel is tested elsewhere."""
    path = folder / "attn_course-0.0-py3-none-any.whl"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"wheel")
    return path


@pytest.fixture
def course(handed_out, tmp_path, monkeypatch):
    """A course folder of the test's own."""
    monkeypatch.setattr(release, "student_wheel", wheel)
    shutil.copytree(handed_out, tmp_path, dirs_exist_ok=True)
    return load_course(tmp_path)


@pytest.fixture
def week1(course):
    """Its first assignment, which is handed out."""
    return course.assignments[0]


def released(course, name="week1"):
    return json.loads(course.release(name).read_text(encoding="utf-8"))


def cell_of(notebook, grade_id):
    (found,) = [
        one
        for one in notebook["cells"]
        if one["metadata"].get("nbgrader", {}).get("grade_id") == grade_id
    ]
    return found


def answered(course, code=None, words=None):
    made = released(course)
    if code is not None:
        cell_of(made, "trial-double-answer")["source"] = code
    if words is not None:
        cell_of(made, "trial-reason-why")["source"] = words
    return made


def hand_in(course, student, notebook, time="2026-11-30 20:00:00 UTC"):
    path = course.submitted("week1", student)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = notebook if isinstance(notebook, str) else json.dumps(notebook)
    path.write_text(text, encoding="utf-8")
    path.with_name("timestamp.txt").write_text(time, encoding="utf-8")


def grade(course, *more):
    """Grade with the command; without a sandbox where there is none, the code being our own."""
    unsafe = ["--unsafe"] if sandbox.available() else []
    return main(["grade", "--course", str(course.folder), "week1", "--jobs", "2", *more, *unsafe])


def row_of(course, week, student):
    return next(row for row in rows(course, week) if row.student.id == student)


def mark(course, student, points, comment):
    """What formgrader does when a person marks the question."""
    with opened(course) as gradebook:
        found = gradebook.find_grade("trial-reason-why", "week1", "week1", student)
        found.manual_score, found.needs_manual_grade = points, False
        gradebook.find_comment(
            "trial-reason-why", "week1", "week1", student
        ).manual_comment = comment


def fake_report(course, student, earned, **more):
    """A report as `grade` writes it."""
    outcome = {"name": "of_any", "title": "of any", "points": 3, "earned": earned, "hidden": True}
    found = {"outcomes": [outcome | {"message": ""}], "earned": earned, "points": 3, "carried": []}
    report = {"notes": [], "failed": "", "exercises": {"trial/double": found}} | more
    folder = course.results("week1")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{student}.json").write_text(json.dumps(report), encoding="utf-8")


# course.toml


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("T23:59:00+01:00\nexercises = [\"trial/d", "T23:59:00\nexercises = [\"trial/d",
         r"line 12: due must say its offset from UTC.*23:59:00\+01:00"),
        ("2026-12-07T23:59:00+01:00", '"monday"', r"line 18: due must be a time such as"),
        ('"trial/reason"]', '"trial/raeson"]', r"line 13: .*did you mean trial/reason"),
        ("per_day", "perday", r"line 6: \[late\] has no key 'perday'; did you mean per_day"),
        ("per_day = 0.1", "per_day = 3", r"line 6: per_day must be a number from 0 to 1"),
        ("per_day = 0.1", "", r"per_day must be a number from 0 to 1 and is missing"),
        ('name = "week2"', 'name = "../x"', r"line 17: name must be letters"),
        ('name = "week2"', 'name = "week1"', r"line 17: there are two assignments 'week1'"),
        ('"trial/double" = 2', '"trial/duoble" = 2', r"line 14: .*did you mean trial/double"),
        ('"trial/double" = 2', '"trial/double" = 0', r"line 14: .*must be a number above 0"),
        ('"00112233445566778899aabbccddeeff"', '"short"', r"line 2: seed must be a string of 16"),
        ('["trial/double", ', "[", r"builds on trial/double, .*add trial/double before"),
        ('["mine"]', '["thine"]', r"line 3: there is no folder .*thine"),
        ("[extensions.week1]", "[extensions.week9]", r"line 21: .*did you mean week2 or week1"),
        ('"trial/reason"]', '"trial/twice"]',
         r"line 13: week1: trial/double and trial/twice both define 'double'"),
        ('"trial/reason"]', '"trial/size"]',
         r"line 13: week1: trial/double and trial/size both define 'double'"),
        ("bo = 2026-12-02", "bo = 2026-11-02", r"line 22: .*ends before week1 is due"),
        ("[late]", "[late", r"line 5"),
        ('weight = { "trial/double" = 2 }', 'by_hand = "no"', r"line 14: by_hand must be true or"),
        ('weight = { "trial/double" = 2 }', "by_hand = false",
         r"line 13: week1: nothing is left of trial/reason"),
        ("grace_minutes = 15", 'grace_minutes = 15\ntitle = "x"',
         r"line 9: title stands below \[late\] .* the top of the file"),
        ("bo = 2026-12-02T23:59:00+01:00", 'exercises = ["mine"]',
         r"line 22: exercises stands below \[extensions.week1\] .* the top of the file"),
        ("bo = 2026-12-02T23:59:00+01:00", "by_hand = false",
         r"line 22: by_hand stands below .* its table \[\[assignment\]\]"),
    ],
)  # fmt: skip
def test_a_wrong_course_file_names_the_line_and_the_cure(course, old, new, said):
    assert CONFIG.count(old) == 1
    text = CONFIG.replace(old, new)
    if said.startswith("builds on"):
        text = text.replace('weight = { "trial/double" = 2 }', "")
    (course.folder / "course.toml").write_text(text, encoding="utf-8")
    with pytest.raises(CourseError, match=said):
        load_course(course.folder)


def test_an_exercise_that_comes_too_late_is_refused(course):
    text = CONFIG.replace('"trial/double", "trial/reason"', '"trial/fourfold", "trial/double"')
    (course.folder / "course.toml").write_text(text.split('[[assignment]]\nname = "week2')[0])
    with pytest.raises(CourseError, match="comes below it; name trial/double first"):
        load_course(course.folder)


def test_a_new_course_is_complete_private_and_its_own(tmp_path):
    for name in "ab":
        assert main(["new", str(tmp_path / name)]) == 0
    one, other = (load_course(tmp_path / name) for name in "ab")
    assert one.seed != other.seed
    assert len(one.seed) == 4
    assert all(0 <= part < 2**32 for part in one.seed)
    assert one.assignments[0].due > datetime.now(UTC) + timedelta(days=13)
    assert [student.id for student in one.roster()] == ["ada", "kurt"]
    assert stat.S_IMODE((tmp_path / "a" / "course.toml").stat().st_mode) == 0o600
    ignored = (tmp_path / "a" / ".gitignore").read_text().split()
    assert {"course.toml", "gradebook.db*", "submitted/", "source/", "results/"} <= set(ignored)
    with pytest.raises(CourseError, match="is there already"):
        new_course(tmp_path / "a")


def test_a_roster_that_would_write_elsewhere_is_refused(course):
    for wrong in ("../up", "-x", "a b", "", "*"):
        (course.folder / "roster.csv").write_text(f"id,first_name\n{wrong},Name\n")
        with pytest.raises(CourseError, match=r"line 2: an id is letters"):
            course.roster()
    (course.folder / "roster.csv").write_text("name\nx\n")
    with pytest.raises(CourseError, match="must not have"):
        course.roster()


# The way in


def test_the_package_offers_what_needs_no_gradebook():
    code = """
import sys, attn_course.grading as offered
assert not {"nbgrader", "nbformat", "nbconvert", "sqlalchemy", "jinja2", "torch"} & {*sys.modules}
print(*[getattr(offered, name).__module__ + "." + name for name in offered.__all__])
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert [one.removeprefix("attn_course.grading.") for one in said.stdout.split()] == [
        "course.Course", "grade.Report", "grade.grade_all", "grade.grade_notebook",
        "course.load_course",
    ]  # fmt: skip


@pytest.mark.parametrize("words", [["exercises"], ["new", "FOLDER"]])
@pytest.mark.parametrize("buffered", ["", "1"])
def test_a_reader_that_stops_reading_makes_no_traceback(tmp_path, words, buffered):
    words = [str(tmp_path / "new") if word == "FOLDER" else word for word in words]
    with subprocess.Popen(
        [sys.executable, "-m", "attn_course", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": buffered},
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


# Lateness


@pytest.mark.parametrize(
    ("late", "share"),
    [
        (timedelta(minutes=15), 0.0),
        (timedelta(minutes=15, seconds=1), 0.1),
        (timedelta(days=1, minutes=15), 0.1),
        (timedelta(days=1, minutes=15, seconds=1), 0.2),
        (timedelta(days=4, hours=1), 0.5),
        (timedelta(days=300), 0.5),
        (timedelta(days=-3), 0.0),
    ],
)
def test_a_day_costs_once_it_has_begun_after_the_grace(late, share):
    rule = Late(per_day=0.1, at_most=0.5, grace=timedelta(minutes=15))
    assert rule.share(late.total_seconds()) == pytest.approx(share)


def test_lateness_is_counted_in_hours_that_pass_and_not_on_the_clock(course):
    """The clocks go back in the night: 22:59 the next day is a whole day later."""
    text = CONFIG.replace("2026-11-30T23:59:00+01:00", "2026-10-24T23:59:00+02:00")
    (course.folder / "course.toml").write_text(text.replace("minutes = 15", "minutes = 0"))
    course = load_course(course.folder)
    week = course.assignments[0]
    on_the_day = datetime.fromisoformat("2026-10-25T22:59:00+01:00")
    assert course.share_off(week, "ada", on_the_day) == pytest.approx(0.1)
    assert course.share_off(week, "ada", on_the_day + timedelta(seconds=1)) == pytest.approx(0.2)
    assert course.share_off(week, "ada", on_the_day - timedelta(days=1)) == 0


def test_an_extension_moves_the_deadline_of_one_student(course):
    week = course.assignments[0]
    time = datetime.fromisoformat("2026-12-02T23:59:00+01:00")
    assert course.share_off(week, "bo", time) == 0
    assert course.share_off(week, "ada", time) == pytest.approx(0.2)


def test_a_penalty_grows_with_the_marks_and_shrinks_with_an_extension(course, week1):
    """2 x 3 points, and 4 for the question; 30 hours late is the second day: a fifth."""
    hand_in(course, "ada", answered(course, RIGHT, "Because."))
    fake_report(course, "ada", 3)
    time = week1.due + timedelta(hours=30)
    assert store(course, week1, {"ada": time}) == {}
    assert row_of(course, week1, "ada").penalty == pytest.approx(1.2)
    mark(course, "ada", 4, "Good.")
    row = row_of(course, week1, "ada")
    assert (row.raw, row.penalty, row.score) == (10, pytest.approx(2), pytest.approx(8))
    more = CONFIG + "ada = 2026-12-01T10:00:00+01:00\n"  # now 20 hours late
    (course.folder / "course.toml").write_text(more)
    assert row_of(load_course(course.folder), week1, "ada").penalty == pytest.approx(1)


# The hand-out


def test_the_release_says_what_to_do_and_holds_no_answer(course, week1):
    text = course.release("week1").read_text(encoding="utf-8")
    for secret in ("secret_of", "of_the_hidden", "trace_of", "BEGIN SOLUTION", "MUTANTS"):
        assert secret not in text
        where = course.folder / "source" / "week1" / "week1.ipynb"
        assert (secret in where.read_text(encoding="utf-8")) == (
            secret in ("secret_of", "trace_of", "BEGIN SOLUTION")
        )
    assert course.seed[0] > 0
    assert "00112233" not in text
    about = "".join(released(course)["cells"][0]["source"])
    for said in ("30 November 2026, 23:59 (UTC+01:00)", "0.0-py3-none-any.whl", "validate", "10 p"):
        assert said in about
    assert (course.release("week1").parent / "attn_course-0.0-py3-none-any.whl").exists()
    exercise = load("trial/double", course.roots)
    assert "".join(cell_of(released(course), "trial-double-answer")["source"]) == (
        exercise.starter().rstrip()
    )
    with opened(course) as gradebook:
        cells = gradebook.find_notebook("week1", "week1").grade_cells
        assert {cell.name: cell.max_score for cell in cells} == {
            "trial-double-checks": 6,
            "trial-reason-why": 4,
        }
        assert gradebook.find_assignment("week1").duedate == datetime(2026, 11, 30, 22, 59)
        assert {one.id for one in gradebook.students} == {"ada", "bo", "cy", "di"}


def test_handing_out_again_changes_nothing(course, week1):
    before = course.release("week1").read_bytes()
    assign(course, week1)
    assert course.release("week1").read_bytes() == before


def test_a_second_assignment_makes_room_for_what_was_written_in_the_first(course, week1):
    made = source_notebook(course, course.assignments[1], "wheel")
    assert any("copy your own into it" in cell.source and "`double`" in cell.source
               for cell in made.cells)  # fmt: skip


def test_points_that_have_been_given_do_not_change_unless_told(course, week1):
    hand_in(course, "ada", answered(course, RIGHT))
    fake_report(course, "ada", 3)
    store(course, week1, {"ada": week1.due})
    (course.folder / "course.toml").write_text(CONFIG.replace('double" = 2', 'double" = 3'))
    changed = load_course(course.folder)
    with pytest.raises(CourseError, match="trial-double-checks from 6 to 9.*--force"):
        assign(changed, changed.assignments[0])
    assign(changed, changed.assignments[0], force=True)
    store(changed, changed.assignments[0], {"ada": week1.due})
    assert row_of(changed, changed.assignments[0], "ada").score == 9
    text = CONFIG.replace(', "trial/reason"', "")
    (course.folder / "course.toml").write_text(text)
    changed = load_course(course.folder)
    with pytest.raises(CourseError, match="nothing can be added to it or taken out"):
        assign(changed, changed.assignments[0], force=True)


def test_the_notebook_names_its_assignment_and_exercises(course, week1):
    assert released(course)["metadata"]["attn"] == {
        "assignment": "week1",
        "exercises": ["trial/double", "trial/reason"],
    }


def test_what_a_person_would_mark_can_be_left_out(course):
    text = CONFIG.replace('"trial/double", "trial/reason"', '"trial/double", "trial/both"')
    both = course.folder / "mine" / "trial" / "both"
    shutil.copytree(both.with_name("double"), both)
    for path in both.iterdir():
        said = path.read_text().replace("double", "both")
        path.write_text(said + (QUESTION if path.name == "prompt.md" else ""))
    for by_hand, points in (("true", 13), ("false", 9)):
        (course.folder / "course.toml").write_text(
            text.replace("weight =", f"by_hand = {by_hand}\nweight =")
        )
        there = load_course(course.folder)
        week = there.assignments[0]
        assert week.by_hand == (by_hand == "true")
        assert sum(one.points for one in there.marks(week)) == points
        made = source_notebook(there, week, "wheel")
        asked = [one for one in made.cells if one.metadata.attn.part == "question"]
        assert len(asked) == int(week.by_hand)
        assert ("Write your answer here" in made.cells[0].source) == week.by_hand
        assert f"{points} points" in made.cells[0].source
        assert ("Why is it so?" in nbformat.writes(made)) == week.by_hand
    assign(there, week)
    assert "of_the_model" not in there.release("week1").read_text()


def update(course):
    """Another text and another starter, as a new version of the course may have them."""
    folder = course.folder / "mine" / "trial" / "double"
    for name, old, new in (
        ("prompt.md", "Write it.", "Write it well."),
        ("solution.py", "Return two times x.", "Return x twice."),
    ):
        text = (folder / name).read_text()
        assert text.count(old) == 1
        (folder / name).write_text(text.replace(old, new))


def test_an_update_of_the_exercises_costs_no_answer_and_is_told(course, week1, capsys):
    made = answered(course)
    starter = copy.deepcopy(cell_of(made, "trial-double-answer"))
    own = {"cell_type": "code", "metadata": {}, "source": RIGHT, "outputs": []}
    made["cells"].insert(made["cells"].index(starter), own)  # above the untouched starter
    hand_in(course, "ada", made)
    assert changed(course, week1) == []
    update(course)
    assert grade(course) == 0
    said = capsys.readouterr().out
    assert "trial/double: what students were handed out is not what" in said
    assert "(text, starter)" in said
    assert row_of(course, week1, "ada").score == 6
    before = starters(course, week1)
    (course.folder / "gradebook.db").unlink()
    assert main(["assign", "--course", str(course.folder), "week1"]) == 0  # by mistake, say
    assert "week1 was handed out before. trial/double: " in capsys.readouterr().out
    assert before[0] in starters(course, week1)
    assert len(starters(course, week1)) == 2
    assert changed(course, week1) == []
    shutil.rmtree(course.results("week1"))
    assert grade(course) == 0
    assert row_of(course, week1, "ada").score == 6


# What comes back


def test_the_whole_way(course, week1, capsys):
    """Hand-out, four submissions, marks, a second grading, feedback, exports."""
    hand_in(course, "ada", answered(course, RIGHT, "Because it is <b>so</b>."))
    hand_in(course, "bo", answered(course, HALF), "2026-12-02T23:59:00+01:00")
    hand_in(course, "cy", '{"cells": [', "2026-11-30 22:58:00 UTC")
    hand_in(course, "nobody", answered(course, RIGHT))
    assert grade(course) == 0
    said = capsys.readouterr().out
    assert "not taken: submitted/nobody/week1: 'nobody' is not in roster.csv" in said
    assert "3 from timestamp.txt" in said
    assert re.search(r"di +nothing was handed in", said)
    assert "1 answers wait for a person" in said
    assert re.search(r"cy +0 of 10: the file is not a notebook", said)
    assert "1 could not be read: cy" in said
    scores = {row.student.id: (row.score, row.unmarked) for row in rows(course, week1)}
    assert scores == {"ada": (6, 1), "bo": (2, 0), "cy": (0, 0), "di": (0, 0)}

    mark(course, "ada", 3, "Nearly <i>all</i> of it.")
    mark(course, "bo", 1, "")  # nothing was written, yet a person may mark it
    for _ in range(2):
        assert grade(course) == 0
        ada, bo = row_of(course, week1, "ada"), row_of(course, week1, "bo")
        assert (ada.score, ada.unmarked, bo.score, bo.unmarked) == (9, 0, 3, 0)
    assert ada.items[1].comment == "Nearly <i>all</i> of it."
    hand_in(course, "ada", answered(course, RIGHT, "Another answer."))
    assert grade(course) == 0
    assert row_of(course, week1, "ada").unmarked == 1  # the mark stays, and is to be looked at
    assert row_of(course, week1, "ada").score == 9

    course.submitted("week1", "bo").with_name("submission_secret.txt").write_text("of the exchange")
    pages = {row.student.id: path for row, path in write_feedback(course, week1)}
    assert pages["bo"].with_name("submission_secret.txt").read_text() == "of the exchange"
    assert set(pages) == {"ada", "bo", "cy"}
    assert pages["bo"] == course.folder / "feedback" / "bo" / "week1" / "week1.html"
    bo = pages["bo"].read_text(encoding="utf-8")
    assert "Twice a number is itself and itself again." in bo
    assert "3 of 10 points" in bo
    assert "by your extension" in bo
    ada = pages["ada"].read_text(encoding="utf-8")
    assert "Nearly &lt;i&gt;all&lt;/i&gt; of it." in ada
    assert "Trial &lt;1&gt;" in ada
    cy = pages["cy"].read_text(encoding="utf-8")
    assert cy.index("The file is not a notebook") < cy.index("<section")
    assert cy.count("Not checked") == 1
    assert "Not run" not in cy
    for page in (ada, bo, cy):
        assert "def double" not in page
        assert "6.0" not in page
        assert not re.search(r"(src|href)=|https?://|url\(|@import", page)
        assert '<html lang="en">' in page

    for path in write_grades(course, course.assignments[:1]):
        assert path.exists()
    lines = {
        name: list(csv.reader((course.folder / "grades" / f"{name}.csv").read_text().splitlines()))
        for name in ("canvas", "moodle", "grades")
    }
    assert lines["canvas"][1] == ["    Points Possible", "", "", "", "", "10"]
    assert lines["canvas"][2] == ["Lind, Ada", "1001", "ada", "ada@example.org", "", "9"]
    assert lines["canvas"][5][-1] == ""  # nothing handed in is no grade, and not a zero
    assert lines["moodle"][3][:2] == ["'=HYPERLINK(1)", "Cy"]
    table = [dict(zip(lines["grades"][0], line, strict=True)) for line in lines["grades"][1:]]
    assert table[1]["trial-double-checks"] == "2"
    assert [line["score"] for line in table] == ["9", "3", "0", ""]

    answers = course.folder / "answers" / "week1" / "trial-double"
    assert {path.name for path in write_answers(course, week1)} == {"ada.py", "bo.py", "cy.py"}
    assert (answers / "bo.py").read_text().strip() == HALF.strip()
    assert (answers / "cy.py").read_text().strip() == ""


def page_of(course, week, student):
    (path,) = (path for row, path in write_feedback(course, week) if row.student.id == student)
    return path.read_text(encoding="utf-8")


def test_a_page_says_what_is_pending_and_what_was_not_begun(course, week1):
    hand_in(course, "ada", answered(course, None, "Because."))
    fake_report(course, "ada", 0)
    path = course.results("week1") / "ada.json"
    report = json.loads(path.read_text())
    found = report["exercises"]["trial/double"]
    found |= {"begun": False, "outcomes": [{**found["outcomes"][0], "message": "No."}] * 3}
    path.write_text(json.dumps(report | {"notes": ["Cell 1, `a < <b>`, stopped."]}))
    store(course, week1, {"ada": week1.due})
    page = page_of(course, week1, "ada")
    assert "0 of 6 points marked so far; 4 points still to be marked" in page
    assert "Not begun: no cell but the starter defines <code>double</code>" in page
    assert "No." not in page
    assert "Cell 1, <code>a &lt; &lt;b&gt;</code>, stopped." in page
    assert "Why: Why is it so?" in page
    assert re.search(r"to be marked</span>\s*<span class=\"score\">of 4</span>", page)
    mark(course, "ada", 3, "")
    page = page_of(course, week1, "ada")
    assert "3 of 10 points</p>" in page
    assert "marked so far" not in page


def test_first_words_end_where_a_word_does_and_in_no_formula():
    assert _first_words("Why  is\nit so?") == "Why is it so?"
    assert _first_words("one two three", 9) == "one two …"
    assert _first_words("Show that $a + b = c$ holds.", 20) == "Show that …"


def test_without_a_sandbox_it_refuses(course, week1, monkeypatch, capsys):
    monkeypatch.setattr(sandbox, "available", lambda: "bubblewrap is missing; install it")
    assert main(["grade", "--course", str(course.folder), "week1"]) == 1
    said = capsys.readouterr().err
    assert "bubblewrap is missing" in said
    assert "--unsafe" in said


def test_a_name_that_is_nearly_one_is_told(course, capsys):
    assert main(["feedback", "--course", str(course.folder), "weak1"]) == 1
    assert "did you mean week1" in capsys.readouterr().err
    assert main(["grade", "--course", str(course.folder), "week2"]) == 1
    assert "never handed out" in capsys.readouterr().err
    assert main(["assign", "--course", str(course.folder / "no")]) == 1
    assert "attn-course new" in capsys.readouterr().err


def test_no_notebook_stops_another(course, week1):
    """Forged, doubled, moved, deleted, of another kind: points come from the report alone."""
    forged = answered(course, RIGHT, "Mine.")
    for cell in forged["cells"]:
        if "nbgrader" in cell["metadata"]:
            cell["metadata"]["nbgrader"] |= {
                "points": 1000, "grade": True, "solution": True, "schema_version": 1,
                "checksum": "x", "task": True,
            }  # fmt: skip
    doubled = answered(course, RIGHT, "Mine.")
    doubled["cells"] = doubled["cells"] * 2
    other = {"nbformat": 4, "cells": [7, {"cell_type": "code"}, {"cell_type": [], "source": 3}]}
    broken = {
        "ada": forged,
        "bo": doubled,
        "cy": other,
        "di": "[" * 100_000,
    }
    for student, notebook in broken.items():
        hand_in(course, student, notebook)
        fake_report(course, student, 2, notes=["A note with a <script>."])
    times = dict.fromkeys(broken, week1.due)
    assert store(course, week1, times) == {}
    for student in broken:
        row = row_of(course, week1, student)
        assert row.items[0].score == 4, student  # 2 of 3 points, each counting 2
        assert sum(item.mark.points for item in row.items) == 10
        made = json.loads(course.autograded("week1", student).read_text(encoding="utf-8"))
        ids = [one["metadata"].get("nbgrader", {}).get("grade_id") for one in made["cells"]]
        wanted = [one["metadata"]["nbgrader"]["grade_id"] for one in released(course)["cells"]]
        assert [one for one in ids if one] == wanted, student
    assert row_of(course, week1, "ada").unmarked == 1
    assert row_of(course, week1, "di").unmarked == 0


def test_a_failure_of_the_grader_waits_for_a_person(course, week1):
    hand_in(course, "ada", answered(course, RIGHT))
    fake_report(course, "ada", 0, failed="It broke.", notes=["told to the teacher"])
    assert store(course, week1, {"ada": week1.due}) == {}
    assert row_of(course, week1, "ada").items[0].unmarked
    ((_, path),) = write_feedback(course, week1)
    page = path.read_text(encoding="utf-8")
    assert "no fault of yours" in page
    assert "It broke" not in page


def test_a_submission_without_a_report_is_named(course, week1):
    (course.folder / "roster.csv").write_text(ROSTER + "ada-2,Ada,Two,,\n")
    for student in ("ada", "ada-2", "bo"):
        hand_in(course, student, answered(course, RIGHT))
    fake_report(course, "bo", 3)
    lost = store(course, week1, dict.fromkeys(("ada", "ada-2", "bo"), week1.due))
    assert list(lost) == ["ada", "ada-2"]
    assert all(f"{student} has no results yet" in said for student, said in lost.items())
    assert row_of(course, week1, "bo").score == 6


def test_a_notebook_of_endless_cells_counts_as_an_empty_one(course, week1):
    """Such a file is small; nbgrader would be at it for minutes."""
    hand_in(course, "ada", '{"nbformat": 4, "cells": [' + ",".join(["{}"] * 50_000) + "]}")
    fake_report(course, "ada", 2)
    begun = time.perf_counter()
    assert store(course, week1, {"ada": week1.due}) == {}
    assert time.perf_counter() - begun < 5
    assert row_of(course, week1, "ada").items[0].score == 4
    shown = json.loads(course.autograded("week1", "ada").read_text(encoding="utf-8"))
    assert len(shown["cells"]) == len(released(course)["cells"])


def test_only_so_many_cells_and_pictures_are_shown(course, week1):
    more = {"cell_type": "code", "metadata": {}, "source": "1", "outputs": []}
    for place in (0, 3, None):

        def add(cells, place=place):
            cells[place:place] = [more] * 1500

        made = submission(course, add)
        assert len(made.cells) <= len(released(course)["cells"]) + MOST_EXTRA_CELLS
    pictures = {f"{n}\ud800.png": {"image/png": "aaaa"} for n in range(1000)}
    picture = {"cell_type": "markdown", "source": "x", "attachments": pictures}
    read = harmless_notebook(json.dumps({"cells": [picture]}).encode())
    assert len(read.cells[0].attachments) == 20
    nbformat.writes(read).encode()


def test_what_a_student_made_of_an_error_stops_nobody(course, week1):
    """A text that cannot be written as UTF-8, and a report that cannot be read."""
    for student in ("ada", "bo"):
        hand_in(course, student, answered(course, RIGHT))
        fake_report(course, student, 2, notes=["Half a \ud800 letter."])
    path = course.results("week1") / "ada.json"
    path.write_text(path.read_text().replace('"message": ""', '"message": "\\udfff too"'))
    assert store(course, week1, dict.fromkeys(("ada", "bo"), week1.due)) == {}
    (course.results("week1") / "bo.json").write_text("{")
    pages = {row.student.id: path for row, path in write_feedback(course, week1)}
    assert set(pages) == {"ada", "bo"}
    assert "Half a ? letter." in pages["ada"].read_text(encoding="utf-8")
    assert "? too" in pages["ada"].read_text(encoding="utf-8")


def test_a_cell_of_empty_lines_holds_nothing_up(course, week1):
    made = answered(course, RIGHT)
    empty = {"cell_type": "code", "metadata": {}, "source": "\n" * 100_000 + "1", "outputs": []}
    made["cells"].insert(3, empty)
    hand_in(course, "ada", made)
    fake_report(course, "ada", 3)
    store(course, week1, {"ada": week1.due})
    begun = time.perf_counter()
    (path,) = write_answers(course, week1)
    assert time.perf_counter() - begun < 5
    assert path.read_text().strip() == RIGHT.strip()


def submission(course, change):
    notebook = answered(course)
    change(notebook["cells"])
    read = harmless_notebook(json.dumps(notebook).encode())
    return transplanted(nbformat.read(course.release("week1"), as_version=4), read)


def test_an_answer_is_found_wherever_it_stands(course, week1):
    words = {"cell_type": "markdown", "metadata": {}, "source": "It is so."}
    code = {"cell_type": "code", "metadata": {}, "source": RIGHT, "outputs": []}

    def at_the_end(cells):
        cells.append(copy.deepcopy(words))  # below the answer cell, which is the last one

    def forgotten(cells, ids=False):
        cells[-1]["source"] = "It is so."
        for cell in cells:
            cell["metadata"] = {}
            if ids:
                cell.pop("id", None)

    def forgotten_ids(cells):
        forgotten(cells, ids=True)

    def in_the_question(cells):
        forgotten_ids(cells)
        cells.pop()
        cells[-1]["source"] = ["".join(cells[-1]["source"]), "\n\nIt is so."]

    def in_the_question_with_ids(cells):
        cells[-2]["source"] = ["".join(cells[-2]["source"]), "\n\nIt is so."]

    def between(cells):
        cells.insert(-1, copy.deepcopy(words))
        for cell in cells:
            cell["metadata"] = {}
            cell.pop("id", None)

    def moved_up(cells):
        cells[-1]["source"] = "It is so."
        cells.insert(0, cells.pop())

    def copied(cells):
        cells[-1]["source"] = "It is so."
        cells.append(copy.deepcopy(cells[-1]) | {"source": ANSWER})
        cells.insert(1, code)

    places = at_the_end, in_the_question, in_the_question_with_ids, between
    for change in (*places, forgotten, forgotten_ids, moved_up, copied):
        made = submission(course, change)
        answer = cell_of(made, "trial-reason-why")["source"]
        shown = "\n".join(cell.source for cell in made.cells)
        assert answer == "It is so.", change
        assert shown.count("It is so.") == 1, change
    assert RIGHT in [cell.source for cell in made.cells]
    made = submission(course, lambda cells: cells[-1].update(source="It is so.", cell_type="raw"))
    assert cell_of(made, "trial-reason-why")["source"] == "It is so."
    for text in ("", "  \n", f" {ANSWER}\n"):
        made = submission(course, lambda cells, text=text: cells[-1].update(source=text))
        assert cell_of(made, "trial-reason-why")["source"] == ANSWER


def test_an_answer_that_is_not_found_is_told_and_looked_for(course, week1, capsys):
    made = answered(course, RIGHT)
    words = {"cell_type": "markdown", "metadata": {}, "source": "It is so."}
    del made["cells"][-2:]  # the question and the cell for its answer
    made["cells"].insert(0, words)
    hand_in(course, "ada", made)
    bare = answered(course, RIGHT)
    del bare["cells"][-1:]
    hand_in(course, "bo", bare)  # nothing that could be the answer
    assert grade(course) == 0
    said = capsys.readouterr().out
    assert said.count("The cell for the answer trial-reason-why is gone") == 1
    assert row_of(course, week1, "ada").unmarked == 1
    assert row_of(course, week1, "bo").unmarked == 0
    assert "trial-reason-why is gone" in page_of(course, week1, "ada")
    shown = json.loads(course.autograded("week1", "ada").read_text(encoding="utf-8"))
    assert "trial-reason-why is gone" in "".join(shown["cells"][0]["source"])


class Tags(html.parser.HTMLParser):
    """The tags and the links of a page."""

    def __init__(self):
        super().__init__()
        self.found, self.links = set(), []

    def handle_starttag(self, tag, attrs):
        self.found.add(tag)
        self.found |= {name for name, _ in attrs if name.startswith("on") or name == "style"}
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        '<img src=x onerror="alert(1)">',
        "<svg/onload=alert(1)>",
        "<!--><img src=x onerror=alert(1)>-->",
        "[a](javascript:alert(1))",
        "[a](JaVaScRiPt:alert(1))",
        "[a](java&#115;cript:alert(1))",
        "[a](javascript&colon;alert(1))",
        "[a](&Tab;javascript:alert(1))",
        "<javascript:alert(1)>",
        "[a]: javascript:alert(1)\n\n[a]",
        "[a](data:text/html;base64,PHNjcmlwdD4=)",
        "![a](x \"y\" onerror='alert(1)')",
        '```"><script>alert(1)</script>\nx\n```',
        "$<img src=x onerror=alert(1)>$",
        "`<img src=x onerror=alert(1)>`",
        "# <img src=x onerror=alert(1)>",
        "| a |\n|---|\n| <img src=x onerror=alert(1)> |",
        r"$\href{javascript:alert(1)}{a}$",
        r"\begin{x}<img src=x onerror=alert(1)>\end{x}",
    ],
)
def test_an_answer_does_nothing_to_whoever_marks_it(text):
    page = markdown2html(harmless(text))
    tags = Tags()
    tags.feed(page)
    allowed = {"p", "a", "h1", "pre", "code", "div", "span", "img", "table", "thead", "tbody"}
    assert tags.found <= allowed | {"tr", "th", "td"}, page
    for link in tags.links:
        assert not re.match(r"[\s\x00-\x20]*(javascript|data|vbscript)[\s\x00-\x20]*:$", link, re.I)
        assert not re.match(r"(?i)(javascript|data|vbscript):", re.sub(r"[\x00-\x1f]", "", link))
    assert r"\href" not in page


def test_what_is_meant_as_mathematics_stays_so():
    for text in (r"$a \le b < c$ and $\mu_i &= x$", "`a < b`", "5 < 6", r"$$\sum_{i<10} i$$"):
        assert harmless(text) == text


def test_a_picture_of_a_derivation_comes_through_and_nothing_else(course, week1):
    def paste(cells):
        cells[-1]["source"] = "![](attachment:page.png)"
        cells[-1]["attachments"] = {
            "page.png": {"image/png": "iVBORw0KGgo="},
            "x.svg": {"image/svg+xml": "PHN2Zz4="},
            "y.png": {"image/png": '" onerror="'},
        }

    cell = cell_of(submission(course, paste), "trial-reason-why")
    assert cell["attachments"] == {"page.png": {"image/png": "iVBORw0KGgo="}}


# Downloads


def zipped(files):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return data.getvalue()


def test_downloads_of_each_kind_are_matched_and_the_rest_is_listed(course):
    week = course.assignments[0]
    notebook = json.dumps({"cells": [], "nbformat": 4, "nbformat_minor": 5, "metadata": {}})
    first, second = notebook, notebook + " "
    kinds = {
        "canvas": (
            {
                "lindada_1001_77_week1.ipynb": first,
                "lindada_1001_78_week1-1.ipynb": second,  # the later attempt
                "bergbo_LATE_1002_80_week1.ipynb": first,
                "strangerx_4711_81_week1.ipynb": first,
            },
            {"ada", "bo"},
            {"strangerx_4711_81_week1.ipynb", "lindada_1001_77_week1.ipynb"},
        ),
        "moodle": (
            {
                "Ada Lind_12345_assignsubmission_file/work.ipynb": second,
                "Di O'Neil_12346_assignsubmission_file_/week1.ipynb": first,
                "Di O'Neil_12346_assignsubmission_file_/photo.pdf": first,
                "Di O'Neil_12346_assignsubmission_file_/timestamp.txt": "2020-01-01 00:00:00 UTC",
                "No Body_12347_assignsubmission_file/week1.ipynb": first,
            },
            {"ada", "di"},
            {"No Body_12347_assignsubmission_file/week1.ipynb",
             "Di O'Neil_12346_assignsubmission_file_/photo.pdf",
             "Di O'Neil_12346_assignsubmission_file_/timestamp.txt"},
        ),
        "plain": (
            {
                "all/ada.ipynb": second,
                "all/bo/anything.ipynb": first,
                "all/../../di.ipynb": first,
                "/etc/cy.ipynb": first,
                "__MACOSX/._ada.ipynb": "x",
            },
            {"ada", "bo"},
            {"all/../../di.ipynb", "/etc/cy.ipynb"},
        ),
    }  # fmt: skip
    for name, (files, students, unknown) in kinds.items():
        archive = course.folder / f"{name}.zip"
        archive.write_bytes(zipped(files))
        found = collect(course, week, archive)
        taken = {one.student for one in found.submissions if one.time_from != "timestamp.txt"}
        assert taken == students, name
        assert {where for where, _ in found.unknown} == unknown, name
        assert course.submitted("week1", "ada").read_text() == second
    assert {one.student for one in found.submissions} == {"ada", "bo", "di"}  # di from before
    assert not (course.folder.parent / "di.ipynb").exists()
    assert {one.time_from for one in collect(course, week).submissions} == {"timestamp.txt"}


def test_times_come_from_the_list_beside_the_notebooks(course):
    week = course.assignments[0]
    folder = course.folder / "download"
    folder.mkdir()
    for name in ("ada", "bo"):
        (folder / f"{name}.ipynb").write_text("{}")
        os.utime(folder / f"{name}.ipynb", (1_790_000_000, 1_790_000_000))
    (folder / "times.csv").write_text("student,time\nada,2026-11-30T23:58:00+01:00\n")
    found = {one.student: one for one in collect(course, week, folder).submissions}
    assert found["ada"].time == datetime(2026, 11, 30, 22, 58, tzinfo=UTC)
    assert found["ada"].time_from == "times.csv"
    assert found["bo"].time == datetime.fromtimestamp(1_790_000_000, UTC)
    again = {one.student: one.time for one in collect(course, week).submissions}
    assert again == {name: one.time for name, one in found.items()}
    (folder / "times.csv").write_text("student,time\nada,2026-11-30T23:58:00\n")
    with pytest.raises(CourseError, match=r"line 2: .*must say its offset"):
        collect(course, week, folder)


def test_bombs_and_links_are_left_alone(course, monkeypatch):
    week = course.assignments[0]
    secret = course.folder / "secret.ipynb"
    secret.write_text("private")
    folder = course.folder / "download"
    folder.mkdir()
    (folder / "ada.ipynb").symlink_to(secret)
    monkeypatch.setattr(collecting, "MOST_BYTES", 1000)
    (folder / "bo.ipynb").write_text("x" * 1001)
    found = collect(course, week, folder)
    assert not found.submissions
    assert {where for where, _ in found.unknown} == {"ada.ipynb", "bo.ipynb"}
    monkeypatch.setattr(collecting, "MOST_IN_ALL", 5000)
    archive = course.folder / "bomb.zip"
    archive.write_bytes(zipped({"ada.ipynb": "0" * 6000}))
    with pytest.raises(CourseError, match="would unpack to"):
        collect(course, week, archive)
    theirs = course.submitted("week1", "cy")
    theirs.parent.mkdir(parents=True)
    theirs.symlink_to(secret)
    assert collect(course, week).unknown == [("submitted/cy/week1", "week1.ipynb is no plain file")]


def test_nothing_is_written_through_a_link(course, week1):
    """A forged report under another name, and the place of the notebook a link to the results."""
    theirs = course.submitted("week1", "ada")
    theirs.parent.mkdir(parents=True)
    course.results("week1").mkdir(parents=True)
    theirs.with_name("other.ipynb").write_text('{"exercises": "all of the points"}')
    theirs.symlink_to(course.results("week1") / "ada.json")
    elsewhere = course.folder / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "week1.ipynb").write_text("{}")
    course.submitted("week1", "cy").parent.parent.mkdir()
    course.submitted("week1", "cy").parent.symlink_to(elsewhere)
    hand_in(course, "bo", answered(course, RIGHT))
    stamp = course.submitted("week1", "bo").with_name("timestamp.txt")
    stamp.unlink()
    stamp.symlink_to(course.results("week1") / "bo.json")
    (course.folder / "ada.ipynb").write_text("{}")
    (course.folder / "cy.ipynb").write_text("{}")
    found = collect(course, week1)
    assert [one.student for one in found.submissions] == ["bo"]
    assert found.submissions[0].time_from == "the file's own time"
    assert [where for where, _ in found.unknown] == ["submitted/ada/week1", "submitted/cy/week1"]
    archive = course.folder / "all.zip"
    archive.write_bytes(zipped({f"{name}.ipynb": '{"cells": []}' for name in ("ada", "bo", "cy")}))
    found = collect(course, week1, archive)
    assert [one.student for one in found.submissions] == ["ada", "bo"]
    assert [where for where, _ in found.unknown] == ["cy.ipynb", "submitted/cy/week1"]
    assert not theirs.is_symlink()
    assert not list(course.results("week1").iterdir())
    assert [path.name for path in elsewhere.iterdir()] == ["week1.ipynb"]


def stamped(text):
    return lambda path: path.with_name("timestamp.txt").write_bytes(text)


def sized(name, size):
    def made(path):
        path.with_name(name).write_bytes(b"")
        os.truncate(path.with_name(name), size)

    return made


def moved(path):
    path.rename(path.with_name("other.ipynb"))


SPOILERS = {
    "no time": (stamped(b"yesterday"), True),
    "no text": (stamped(b"\xff\xfe\x00" * 100), True),
    "no offset": (stamped(b"2026-11-30 20:00:00"), True),
    "before there is a year": (stamped(b"0001-01-01T00:00:00+23:00"), True),
    "after all years": (stamped(b"9999-12-31T23:59:59+00:00"), True),
    "a stamp of any size": (sized("timestamp.txt", 2**42), True),
    "a file of no time": (lambda path: (stamped(b"x")(path), os.utime(path, (0, 2**50))), True),
    "another name": (moved, True),
    "another name and too large": (
        lambda path: (sized("other.ipynb", 2**25)(path), path.unlink()), False,
    ),
    "a folder": (lambda path: (path.unlink(), path.mkdir()), False),
    "a pipe": (lambda path: (path.unlink(), os.mkfifo(path)), False),
}  # fmt: skip


@pytest.mark.parametrize("what", SPOILERS)
def test_no_submission_stops_the_class(course, week1, what):
    spoil, taken = SPOILERS[what]
    for student in ("ada", "bo"):
        hand_in(course, student, answered(course, RIGHT))
    spoil(course.submitted("week1", "ada"))
    for _ in range(2):
        found = collect(course, week1)
        assert [one.student for one in found.submissions] == ["ada", "bo"][1 - taken :]
        assert [where for where, _ in found.unknown] == ["submitted/ada/week1"] * (not taken)
        assert all(1970 <= one.time.year < 2200 for one in found.submissions)
    stamp = course.submitted("week1", "ada").with_name("timestamp.txt")
    if taken:  # formgrader reads it too
        assert re.fullmatch(r"\d{4}-[\d :.-]+ UTC\n?", stamp.read_text())


def test_a_notebook_of_another_name_keeps_its_time(course, week1):
    path = course.submitted("week1", "ada")
    hand_in(course, "ada", answered(course, RIGHT))
    path.with_name("timestamp.txt").unlink()
    moved(path)
    os.utime(path.with_name("other.ipynb"), (0, 1_790_000_000))
    (found,) = collect(course, week1).submissions
    assert found.time == datetime.fromtimestamp(1_790_000_000, UTC)


def test_no_download_stops_the_class(course, week1):
    hand_in(course, "ada", "")
    sized("week1.ipynb", 2**42)(course.submitted("week1", "ada"))
    course.submitted("week1", "cy").mkdir(parents=True)
    files = dict.fromkeys(("ada.ipynb", "bo.ipynb", "cy.ipynb", "di/sub/1.ipynb"), "{}" * 300)
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
        begins = archive.getinfo("bo.ipynb").header_offset + 30 + len("bo.ipynb")
        archive.writestr(".", "nameless")
    content = bytearray(data.getvalue())
    content[begins : begins + 4] = b"\xff" * 4
    (course.folder / "all.zip").write_bytes(content)
    found = collect(course, week1, course.folder / "all.zip")
    assert [one.student for one in found.submissions] == ["ada", "di"]
    unknown = {where for where, _ in found.unknown}
    assert unknown == {"bo.ipynb", "cy.ipynb", "submitted/cy/week1"}
    assert json.loads("[" + course.submitted("week1", "ada").read_text()[:2] + "]") == [{}]


def test_what_cannot_be_read_replaces_nothing_that_can(course, week1):
    good, other = json.dumps(answered(course, RIGHT)), json.dumps(answered(course, HALF))
    for student, before in (("ada", good), ("bo", "half a no"), ("cy", good), ("di", good)):
        hand_in(course, student, before)
    archive = course.folder / "all.zip"
    files = {
        "ada.ipynb": '{"cells": [',
        "bo.ipynb": '{"cells":',
        "week1_cy/no.txt": "",
        "oneildi_1004_1_week1.ipynb": other,
        "oneildi_1004_2_week1-1.ipynb": '{"cells": [',  # the later attempt
    }
    archive.write_bytes(zipped(files))
    found = collect(course, week1, archive)
    assert [one.student for one in found.submissions] == ["ada", "bo", "cy", "di"]
    assert [one.time_from for one in found.submissions] == [
        "timestamp.txt", "the file's own time", "timestamp.txt", "the file's own time",
    ]  # fmt: skip
    texts = [course.submitted("week1", name).read_text() for name in ("ada", "bo", "cy", "di")]
    assert texts == [good, '{"cells":', good, other]
    said = dict(found.unknown)
    assert "What ada handed in before is kept, and counts" in said["ada.ipynb"]
    assert "which is the one that counts" in said["oneildi_1004_2_week1-1.ipynb"]


def test_a_damaged_download_is_told(course, week1):
    archive = course.folder / "all.zip"
    archive.write_bytes(b"PK\5\6" + b"\xff" * 18)
    with pytest.raises(CourseError, match="is damaged .* download it again"):
        collect(course, week1, archive)


def test_a_name_does_nothing_to_the_terminal(course, capsys):
    folder = course.folder / "download"
    folder.mkdir()
    (folder / os.fsdecode(b"\x1b[31m\xff.ipynb")).write_text("{}")
    assert grade(course, "--submissions", str(folder)) == 1
    assert "not taken: ?[31m?.ipynb: its name is nobody's" in capsys.readouterr().out


def test_two_students_of_one_name_are_not_guessed(course):
    twins = ROSTER + "ada2,Ada,Lind,ada2@example.org,1009\n"
    (course.folder / "roster.csv").write_text(twins)
    archive = course.folder / "moodle.zip"
    archive.write_bytes(zipped({"Ada Lind_1_assignsubmission_file/week1.ipynb": "{}"}))
    found = collect(course, course.assignments[0], archive)
    assert not found.submissions
    assert "two students in roster.csv are called Ada Lind" in found.unknown[0][1]
