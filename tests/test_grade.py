"""Grading: what a notebook earns, and that nothing in one of them reaches another."""

import functools
import importlib.util
import json
import os
import time

import pytest

from attn_course.exercises.source import ExerciseError, load, names
from attn_course.exercises.submission import plain
from attn_course.grading import grade, sandbox
from attn_course.grading.grade import Report, grade_all, grade_notebook, unprotected
from attn_course.grading.sample import CLASS, write_class

SEED = [3, 1, 4]

PROMPT = """\
+++
title = "{name}"
kind = "code"
difficulty = 1
minutes = 5
needs = "{needs}"
order = {order}
after = {after}
forbids = {forbids}
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
import numpy as np


def {function}(x):
    """What it says."""
    ### BEGIN SOLUTION
    return {answer}
    ### END SOLUTION
'''

CHECKS = '''\
from attn_course.exercises.checking import Mutant, Wrong, check, close


@check(points=1)
def a_known_number(answer, rng):
    """{function} of two must be right."""
    close(answer.{function}(2.0), {factor} * 2.0, "{function} of two must be right.")


@check(points=3, hidden=True)
def any_numbers(answer, rng):
    """{function} must be right for all numbers."""
    x = rng.normal(size=5)
    got = answer.{function}(x)
    if isinstance(got, str) and got.startswith("crash"):
        {crash}
    close(got, {factor} * x, "{function} must be right for all numbers.")


MUTANTS = {{
    "constant": Mutant("return ", "return 1 + ", "any_numbers", "for all numbers"),
}}
'''

CRASH = """exec(got.partition(":")[2], {"rng": rng})"""


class Course:
    """Small exercises: a number doubled, quadrupled by doubling twice, and tripled."""

    def __init__(self, root):
        self.root = root
        self.make("double", "2 * x", 2)
        self.make("quadruple", "double(double(x))", 4, after=["tiny/double"], order=2)
        self.make("triple", "np.add(x, 2 * x)", 3, order=3)
        self.all = [self.load("double"), self.load("quadruple"), self.load("triple")]

    def make(self, function, answer, factor, after=(), needs="numpy", forbids=(), order=1):
        """Write an exercise."""
        folder = self.root / "tiny" / function
        folder.mkdir(parents=True, exist_ok=True)
        facts = {"name": function, "needs": needs, "order": order}
        lists = {"after": json.dumps(list(after)), "forbids": json.dumps(list(forbids))}
        (folder / "prompt.md").write_text(PROMPT.format(**facts, **lists))
        (folder / "solution.py").write_text(SOLUTION.format(function=function, answer=answer))
        (folder / "checks.py").write_text(
            CHECKS.format(function=function, factor=factor, crash=CRASH)
        )

    def load(self, function):
        """Read an exercise."""
        return load(f"tiny/{function}", [self.root])


@pytest.fixture
def course(tmp_path):
    return Course(tmp_path / "exercises")


@pytest.fixture
def write(tmp_path):
    """Write a notebook with these code cells and give its path."""

    def made(*sources, name="work.ipynb", **metadata):
        cells = [
            {"cell_type": "code", "metadata": {}, "source": one} if isinstance(one, str) else one
            for one in sources
        ]
        path = tmp_path / name
        content = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 4}
        path.write_text(json.dumps(content))
        return path

    return made


DOUBLE = "def double(x):\n    return x + x"
QUADRUPLE = "def quadruple(x):\n    return double(double(x))"
TRIPLE = "def triple(x):\n    return 3 * x"


def graded(path, exercises, **options):
    return grade_notebook(path, exercises, SEED, unprotected, **options)


def earned(report):
    return {name.partition("/")[2]: marks["earned"] for name, marks in report.exercises.items()}


def messages(report, name):
    return [one["message"] for one in report.exercises[f"tiny/{name}"]["outcomes"]]


# What counts in a notebook


def test_right_answers_earn_all_points(course, write):
    report = graded(write(DOUBLE, QUADRUPLE, TRIPLE), course.all, student="ada", assignment="one")
    assert earned(report) == {"double": 4, "quadruple": 4, "triple": 4}
    assert (report.earned, report.points, report.student) == (12, 12, "ada")
    assert report.notes == []
    assert not report.failed
    assert [marks["carried"] for marks in report.exercises.values()] == [[], [], []]


def test_a_report_is_the_same_after_writing_and_reading(course, write, tmp_path):
    report = graded(write(DOUBLE), course.all)
    report.write(tmp_path / "report.json")
    assert Report.read(tmp_path / "report.json") == report
    assert set(json.loads((tmp_path / "report.json").read_text())) == {
        *("student", "assignment", "key", "notebook", "notes", "exercises", "seconds"),
        *("unread", "failed", "kept", "version"),
    }


@pytest.mark.parametrize("content", ["", "[]", '{"version": 0}', '{"student": "x"', '{"a": 1}'])
def test_what_is_no_report_is_none(tmp_path, content):
    (tmp_path / "report.json").write_text(content)
    assert Report.read(tmp_path / "report.json") is None


def test_nothing_but_the_text_of_code_cells_counts(course, write):
    forged = {
        "cell_type": "code",
        "id": "tiny-triple-answer",
        "metadata": {
            "attn": {"exercise": "tiny/triple", "part": "check"},
            "nbgrader": {"grade": True, "points": 100, "grade_id": "tiny-double-checks"},
        },
        "source": TRIPLE.splitlines(keepends=True),
    }
    text = {"cell_type": "markdown", "metadata": {}, "source": DOUBLE}
    report = graded(write(text, forged, forged), course.all)
    assert earned(report) == {"double": 0, "quadruple": 0, "triple": 4}


@pytest.mark.parametrize("below", [True, False])
def test_an_untouched_starter_overrides_no_answer(course, write, below):
    starter = course.load("double").starter().replace("\n\n", "  \n \n").rstrip()
    cells = [DOUBLE, starter] if below else [starter, DOUBLE]
    report = graded(write(*cells), course.all[:1])
    assert earned(report) == {"double": 4}


OLD_STARTER = "def double(x):\n    pass  # your code, as it was said then"


@pytest.mark.parametrize("below", [True, False])
def test_a_starter_that_was_handed_out_before_an_update_is_no_answer(course, write, below):
    cells = [DOUBLE, OLD_STARTER] if below else [OLD_STARTER, DOUBLE]
    path = write(*cells)
    assert earned(graded(path, course.all[:1], starters=[OLD_STARTER])) == {"double": 4}
    report = graded(write(OLD_STARTER), course.all[:1], starters=[OLD_STARTER])
    assert report.exercises["tiny/double"]["begun"] is False
    assert report.key != graded(path, course.all[:1]).key


def test_a_class_is_graded_with_the_starters_handed_out(batch, write, starts):
    jobs = [("ada", write(DOUBLE, OLD_STARTER))]
    assert earned(batch(jobs)[0])["double"] == 0
    for _ in range(2):
        assert earned(batch(jobs, starters=[OLD_STARTER])[0])["double"] == 4
    assert starts == ["ada", "ada"]


def test_an_untouched_starter_that_stops_is_not_told(course, write):
    script = "raise NotImplementedError  # your code"
    assert graded(write(script, DOUBLE), course.all[:1], starters=[script]).notes == []
    assert "NotImplementedError" in graded(write(script, DOUBLE), course.all[:1]).notes[0]


def test_what_is_begun_is_told_from_what_is_only_used(course, write):
    sources = (
        QUADRUPLE, "from numpy import sin, cos as triple", course.load("double").starter(),
    )  # fmt: skip
    marks = graded(write(*sources), course.all).exercises
    assert [one["begun"] for one in marks.values()] == [False, True, True]


def test_what_an_untouched_starter_imports_is_there(course, write):
    answer = "def double(x):\n    return np.add(x, x)"
    report = graded(write(answer, course.load("double").starter()), course.all[:1])
    assert earned(report) == {"double": 4}


def test_an_untouched_starter_is_told_from_a_missing_function(course, write):
    report = graded(write(course.load("double").starter(), TRIPLE), course.all)
    assert "written" in messages(report, "double")[0]
    assert "no function called quadruple" in messages(report, "quadruple")[0]
    assert earned(report)["triple"] == 4


def test_the_last_definition_counts_as_in_jupyter(course, write):
    assert earned(graded(write(DOUBLE, "def double(x):\n    return x"), course.all[:1])) == {
        "double": 0
    }
    assert earned(graded(write("def double(x):\n    return x", DOUBLE), course.all[:1])) == {
        "double": 4
    }


@pytest.mark.parametrize(
    "source",
    [
        'from attn_course.exercises import check\n\ncheck("tiny/double")',
        "import attn_course.exercises\nattn_course.exercises.check('a/b', globals())",
    ],
)
def test_cells_that_ask_for_a_check_do_nothing(course, write, source):
    report = graded(write(source, DOUBLE, source), course.all[:1])
    assert (report.earned, report.notes) == (4, [])


def test_a_broken_cell_costs_no_other_exercise(course, write):
    path = write("def double(x):\n    retrun x", QUADRUPLE + "\nnowhere", TRIPLE)
    report = graded(path, course.all)
    assert earned(report)["triple"] == 4
    assert earned(report)["double"] == 0
    syntax, name = report.notes[:2]
    assert "Cell 1 of the notebook, which begins with `def double(x):`" in syntax
    assert "SyntaxError in line 2" in syntax
    assert "Cell 2" in name
    assert "NameError in line 3: name 'nowhere' is not defined." in name


def test_cells_are_numbered_as_in_the_notebook(course, write):
    text = {"cell_type": "markdown", "metadata": {}, "source": "Hello."}
    path = write(text, "import numpy", course.load("double").starter(), "1 / 0")
    note, costs = graded(path, course.all[:1]).notes
    assert costs == grade.COSTS
    assert note.startswith("Cell 4 of the notebook, which begins with `1 / 0`, stopped with Zero")


def test_a_hidden_check_shows_nothing_of_its_inputs(course, write):
    source = "def double(x):\n    if hasattr(x, 'shape'):\n        raise ValueError(repr(x))\n"
    report = graded(write(source + "    return 2 * x"), course.all[:1])
    assert messages(report, "double") == [
        "",
        "double must be right for all numbers. Your code raised ValueError.",
    ]


REMEMBERS = """\
KEPT = []

def double(x):
    if hasattr(x, "shape"):
        KEPT.append(repr(x))
    return 2 * x

def triple(x):
    if KEPT:
        raise ValueError("; ".join(KEPT))
    return 3 * x
"""


def hidden_first(course, name):
    """Let the hidden check of an exercise stand above the visible one."""
    path = course.root / "tiny" / name / "checks.py"
    head, visible, hidden = path.read_text().partition("MUTANTS")[0].split("@check")
    path.write_text("@check".join([head, hidden, visible]))


def test_what_a_hidden_check_asked_is_not_told_in_another_exercise(course, write):
    hidden_first(course, "double")
    report = graded(write(REMEMBERS), course.all)
    outcomes = report.exercises["tiny/double"]["outcomes"]
    assert [one["name"] for one in outcomes] == ["any_numbers", "a_known_number"]
    assert earned(report) == {"double": 4, "quadruple": 0, "triple": 1}
    assert messages(report, "triple")[1].endswith("Your code raised ValueError.")
    assert "array" not in json.dumps(vars(report))


def test_what_a_hidden_check_asked_is_not_told_by_a_cell_that_runs_again(course, write, tmp_path):
    tells = (
        f"import os, pathlib\nfile = pathlib.Path({str(tmp_path / 'kept')!r})\n"
        "if file.exists():\n    raise ValueError(file.read_text())\n"
        "def double(x):\n    if hasattr(x, 'shape'):\n"
        "        file.write_text(repr(x))\n        os._exit(1)\n    return 2 * x"
    )
    hidden_first(course, "triple")
    report = graded(write(tells, TRIPLE), course.all[::2])
    assert "array" in (tmp_path / "kept").read_text()
    assert earned(report) == {"double": 1, "triple": 4}
    assert "array" not in json.dumps(vars(report))


@pytest.mark.parametrize(
    ("does", "says"), [("while True: pass", "never ends?"), ("import os; os._exit(1)", "program.")]
)
def test_an_exercise_has_one_patience(course, write, monkeypatch, does, says):
    path = course.root / "tiny" / "double" / "checks.py"
    head, visible, hidden = path.read_text().partition("MUTANTS")[0].split("@check")
    others = [hidden.replace("any_numbers", f"others_{number}") for number in range(40)]
    path.write_text("@check".join([head, hidden, visible, *others]))
    monkeypatch.setattr(grade, "Submission", functools.partial(grade.Submission, call_seconds=0.4))
    # Both kinds may start the program anew, which is done for a notebook a limited number of times.
    report = graded(write(f"def double(x):\n    {does}", TRIPLE), course.all[::2])
    first, second, *rest = messages(report, "double")
    assert first.endswith(says)
    assert second.endswith(says)
    assert rest == [grade.TIRED] * 40
    assert earned(report) == {"double": 0, "triple": 4}


# Errors carried over


WRONG = "def double(x):\n    return x + 1"


def test_an_error_carried_over_costs_once(course, write):
    report = graded(write(WRONG, QUADRUPLE, TRIPLE), course.all)
    assert earned(report) == {"double": 0, "quadruple": 4, "triple": 4}
    assert report.exercises["tiny/quadruple"]["carried"] == ["tiny/double"]
    assert report.exercises["tiny/double"]["carried"] == []
    (note,) = report.notes
    assert note.startswith("quadruple: 4 points come from a run with the course's own")
    assert note.endswith("solution of double in place of yours.")


def test_one_point_comes_and_two_come(course, write):
    checks = course.root / "tiny" / "quadruple" / "checks.py"
    visible = checks.read_text().replace("points=3", "points=3, hidden=True", 1)
    checks.write_text(visible.replace(", hidden=True, hidden=True", ", hidden=True"))
    half = "def quadruple(x):\n    return double(double(x)) if isinstance(x, float) else 0 * x"
    (note,) = graded(write(WRONG, half), course.all[:2]).notes
    assert note.startswith("quadruple: 1 point comes from")


def test_a_missing_function_is_carried_over_too(course, write):
    assert earned(graded(write(QUADRUPLE), course.all)) == {
        "double": 0,
        "quadruple": 4,
        "triple": 0,
    }


def test_an_error_of_its_own_stays_one(course, write):
    report = graded(write(WRONG, "def quadruple(x):\n    return double(x)"), course.all)
    assert earned(report)["quadruple"] == 0
    assert report.exercises["tiny/quadruple"]["carried"] == []


def test_what_comes_through_two_exercises_costs_once(course, write):
    course.make("octuple", "double(quadruple(x))", 8, after=["tiny/quadruple"])
    octuple = "def octuple(x):\n    return double(quadruple(x))"
    exercises = [course.load("octuple"), *course.all]  # not in the order in which they build
    report = graded(write(WRONG, QUADRUPLE, octuple), exercises)
    assert earned(report) == {"octuple": 4, "double": 0, "quadruple": 4, "triple": 0}
    assert report.exercises["tiny/octuple"]["carried"] == ["tiny/double"]
    report = graded(write(WRONG, "def quadruple(x):\n    return 1", octuple), exercises)
    assert earned(report) == {"octuple": 4, "double": 0, "quadruple": 0, "triple": 0}
    assert report.exercises["tiny/octuple"]["carried"] == ["tiny/double", "tiny/quadruple"]
    report = graded(write(WRONG, octuple), exercises[:2])  # quadruple was an assignment before
    assert earned(report) == {"octuple": 4, "double": 0}


def test_what_was_written_for_an_earlier_assignment_may_be_missing(course, write):
    report = graded(write(QUADRUPLE), [course.load("quadruple")])
    assert earned(report) == {"quadruple": 4}


def test_the_answer_itself_is_never_put_in_place(course, write):
    course.make("quadruple", "x * 4", 4)
    (course.root / "tiny" / "quadruple" / "solution.py").write_text(
        "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION\n"
        "\n\ndef quadruple(x):\n    ### BEGIN SOLUTION\n    return 4 * x\n    ### END SOLUTION\n"
    )
    course.make("octuple", "8 * x", 2, after=["tiny/quadruple"])
    checks = course.root / "tiny" / "octuple" / "checks.py"
    checks.write_text(checks.read_text().replace("answer.octuple", "answer.double"))
    solution = course.root / "tiny" / "octuple" / "solution.py"
    solution.write_text(solution.read_text().replace("octuple", "double"))
    report = graded(write(WRONG), [course.load("quadruple"), course.load("octuple")])
    assert earned(report) == {"quadruple": 0, "octuple": 0}


def test_helpers_of_a_solution_and_of_a_student_do_not_meet(course, write):
    (course.root / "tiny" / "double" / "solution.py").write_text(
        "def _times(x):\n    return 2 * x\n\n\n"
        "def double(x):\n    ### BEGIN SOLUTION\n    return _times(x)\n    ### END SOLUTION\n"
    )
    own = (
        "def _times(x, n):\n    return double(x) * n\n\ndef quadruple(x):\n    return _times(x, 2)"
    )
    report = graded(write(WRONG, own), course.all[:2])
    assert earned(report) == {"double": 0, "quadruple": 4}


def test_a_reference_solution_that_was_read_reaches_no_report(course, write):
    solution = course.root / "tiny" / "double" / "solution.py"
    solution.write_text(solution.read_text().replace("2 * x", "2 * x  # SECRET"))
    spy = (
        "def exec(source, space):\n    space['double'] = lambda x: source\n\n"
        "def quadruple(x):\n"
        "    found = double(x)\n"
        "    if isinstance(found, str):\n        raise ValueError(found)\n"
        "    return found"
    )
    report = graded(write(WRONG, spy), course.all[:2])
    assert earned(report) == {"double": 0, "quadruple": 0}
    assert "SECRET" not in json.dumps(vars(report))


@pytest.mark.parametrize("first", ["float", "ndarray"])
def test_guessing_once_in_each_run_does_not_add_up(course, write, first):
    hedge = (
        "MINE = double\n\ndef quadruple(x):\n"
        f"    expected = (type(x).__name__ == {first!r}) == (double is MINE)\n"
        "    return 4 * x if expected else 0 * x"
    )
    report = graded(write(f"{WRONG}\n\n{hedge}"), course.all[:2])
    marks = report.exercises["tiny/quadruple"]
    assert (marks["earned"], marks["points"]) == (3, 4)
    assert [bool(one["message"]) for one in marks["outcomes"]] == [True, False]
    assert marks["carried"] == (["tiny/double"] if first == "float" else [])
    assert (grade.AGAIN in messages(report, "quadruple")) == (first == "float")


def test_a_second_run_happens_only_where_it_can_matter(course, write):
    started = []

    def launch(needs, slot):
        started.append(needs)
        return plain

    for cells, n_start in (
        ((DOUBLE, QUADRUPLE), 1),
        ((WRONG, QUADRUPLE), 2),
        ((WRONG, "def quadruple(x):\n    return 4 * x"), 1),
        ((WRONG, course.load("quadruple").starter()), 1),
        ((DOUBLE, "def quadruple(x):\n    return 1"), 1),
    ):
        started.clear()
        grade_notebook(write(*cells), course.all[:2], SEED, launch)
        assert len(started) == n_start, cells


def test_exercises_must_not_wait_for_each_other(course, write):
    course.make("double", "2 * x", 2, after=["tiny/quadruple"])
    with pytest.raises(ExerciseError, match="wait for each other"):
        graded(write(DOUBLE), [course.load("double"), course.load("quadruple")])


def test_exercises_of_different_needs_run_apart(course, write):
    course.make("triple", "3 * x", 3, forbids=["matmul"])
    course.make("fivefold", "5 * x", 5, needs="torch")
    started = []

    def launch(needs, slot):
        started.append((needs, slot))
        return lambda arguments: plain(["numpy"])  # torch would take its time

    five = "def fivefold(x):\n    return 5 * x"
    exercises = [course.load(name) for name in ("fivefold", "double", "triple", "quadruple")]
    report = grade_notebook(
        write(DOUBLE, QUADRUPLE, TRIPLE, five, "1 / 0"), exercises, SEED, launch, slot=7
    )
    assert started == [("torch", 7), ("numpy", 7), ("numpy", 7)]
    assert list(report.exercises) == [one.name for one in exercises]
    assert report.earned == 16
    assert len(report.notes) == 2


# Files that are none


def test_what_is_no_notebook_is_told_in_a_sentence(course, write, tmp_path):
    (tmp_path / "broken.ipynb").write_text('{"cells": [')
    (tmp_path / "deep.ipynb").write_text("[" * 200_000)
    (tmp_path / "folder.ipynb").mkdir()
    (tmp_path / "link.ipynb").symlink_to(write(DOUBLE, name="else.ipynb"))
    os.mkfifo(tmp_path / "pipe.ipynb")
    with open(tmp_path / "huge.ipynb", "wb") as file:
        file.truncate(grade.SIZE + 1)
    write("x <- 1", name="other.ipynb", kernelspec={"language": "R"})
    for name, said in {
        "broken": "not a notebook",
        "deep": "not a notebook",
        "folder": "not a file",
        "link": "links are not followed",
        "pipe": "not a file",
        "huge": "larger than 20 MB",
        "other": "written in r",
        "missing": "No notebook",
    }.items():
        report = graded(tmp_path / f"{name}.ipynb", course.all)
        assert said in report.notes[0], name
        assert report.unread == report.notes[0]
        assert (report.earned, report.points, report.failed) == (0, 12, "")


def test_a_folder_that_is_a_link_is_refused(write, tmp_path):
    (tmp_path / "class" / "ada").mkdir(parents=True)
    (tmp_path / "class" / "bob").symlink_to(tmp_path / "class" / "ada")
    write(DOUBLE, name="class/ada/work.ipynb")
    inside = tmp_path / "class"
    assert grade.read(inside / "ada" / "work.ipynb", inside)
    for path in (inside / "bob" / "work.ipynb", inside / ".." / "class" / "bob" / "work.ipynb"):
        with pytest.raises(grade.RefusedError, match="link"):
            grade.read(path, inside)


@pytest.mark.parametrize(
    ("student", "fits"),
    [
        *((one, True) for one in ("ada", "Núñez, José_123", "o'connor", "a.b@c.org", "李明", "7")),
        *((one, False) for one in ("", ".", "..", ".x", "a/b", "../a", "a\\b", "a\0b", "a\n")),
        *((one, False) for one in ("a" * 300, "-rf", "a:b", "\ud800", " a", "a ", "$(id)")),
    ],
)
def test_names_of_students_that_can_name_a_file(student, fits):
    assert grade.fits_a_file(student) is fits


# A whole class


@pytest.fixture
def batch(course, tmp_path):
    """Grade jobs with the small exercises; the reports as they come, without the time they took."""

    def made(jobs, **options):
        options = {"launch": unprotected, "exercises": course.all, "seed": SEED} | options
        reports = list(grade_all(jobs, results=options.pop("results", tmp_path / "r"), **options))
        for one in reports:
            one.seconds = 0
        return reports

    return made


@pytest.fixture
def starts(monkeypatch):
    """How many notebooks were graded, and not read from what was stored."""
    started = []
    begin = grade._Process.__init__

    def counted(self, arguments, *others):
        started.append(arguments["student"])
        begin(self, arguments, *others)

    monkeypatch.setattr(grade._Process, "__init__", counted)
    return started


def crashing(how):
    return f"def double(x):\n    return 2 * x if isinstance(x, float) else {'crash:' + how!r}"


def test_what_breaks_the_grader_stops_no_other_notebook(batch, write, tmp_path):
    jobs = [
        ("exits", write(crashing("raise SystemExit"), name="a.ipynb")),
        ("dies", write(crashing("import os; os._exit(3)"), name="b.ipynb")),
        ("hangs", write(crashing("while True: pass"), name="c.ipynb")),
        ("../../up", write(DOUBLE, name="d.ipynb")),
        ("right", write(DOUBLE, QUADRUPLE, TRIPLE, name="e.ipynb")),
        ("right", write(name="f.ipynb")),
        ("recurses", write(crashing("f = lambda: f(); f()"), TRIPLE, name="g.ipynb")),
    ]
    reports = batch(jobs, seconds=2.5, n_jobs=2)
    failed = {one.student: one for one in reports if one.failed}
    assert "SystemExit" in failed["exits"].failed
    assert "exit code 3" in failed["dies"].failed
    assert "longer than 2 seconds" in failed["hangs"].failed
    assert "cannot be the name" in failed["../../up"].failed
    assert "is there twice" in failed["right"].failed
    assert len(failed) == 5
    for one in failed.values():
        assert (one.earned, one.points, one.notes) == (0, 12, [grade.NOT_YOURS])
    assert {one.student: one.earned for one in reports if not one.failed} == {
        "right": 12,
        "recurses": 5,
    }
    stored = sorted(path.name for path in (tmp_path / "r").iterdir())
    assert stored == [f"{name}.json" for name in ("dies", "exits", "hangs", "recurses", "right")]


def test_a_check_that_asks_for_much_memory_fails(batch, write):
    much = crashing("import numpy; numpy.zeros(3 * 2**30, 'u1')")
    little = crashing("import numpy; numpy.zeros(2**30, 'u1')")
    jobs = [("ada", write(much, name="a.ipynb")), ("bob", write(little, name="b.ipynb"))]
    reports = {one.student: one for one in batch(jobs)}
    assert messages(reports["ada"], "double") == ["", "double must be right for all numbers."]
    assert messages(reports["bob"], "double")[1].startswith("Return ")
    assert [one.failed for one in reports.values()] == ["", ""]


def test_the_same_notebook_is_not_graded_twice(batch, starts, write, course, capsys):
    jobs = [("ada", write(DOUBLE, name="a.ipynb")), ("bob", write(WRONG, name="b.ipynb"))]
    first = batch(jobs)
    assert starts == ["ada", "bob"]
    assert batch(jobs, progress=True) == first
    assert starts == ["ada", "bob"]
    told = capsys.readouterr().err
    assert "2/2" in told
    assert "ada" not in told
    write(DOUBLE, TRIPLE, name="b.ipynb")  # handed in again
    assert [one.earned for one in batch(jobs)] == [4, 8]
    assert starts == ["ada", "bob", "bob"]
    batch(jobs, seed=[7])
    course.make("triple", "4 * x", 4)
    batch(jobs)
    assert starts == ["ada", "bob", "bob"] + 2 * ["ada", "bob"]


def test_what_failed_or_was_not_there_is_tried_again(batch, starts, write, tmp_path):
    path = write(crashing("raise SystemExit"))
    jobs = [("ada", path), ("bob", tmp_path / "none.ipynb")]
    assert [bool(one.failed) for one in batch(jobs)] == [True, False]
    batch(jobs)
    assert starts == ["ada", "bob"] * 2


def test_grading_again_only_raises_points(batch, course, write):
    jobs = [("ada", write(DOUBLE, "def triple(x):\n    return 4 * x"))]
    assert earned(batch(jobs)[0]) == {"double": 4, "quadruple": 0, "triple": 0}
    course.make("triple", "4 * x", 4)  # corrected, and so is `double`, wrongly
    course.make("double", "3 * x", 3)
    (again,) = batch(jobs)
    assert earned(again) == {"double": 4, "quadruple": 0, "triple": 4}
    assert again.kept == ["tiny/double: a_known_number", "tiny/double: any_numbers"]
    assert messages(again, "double") == ["", ""]
    assert batch(jobs) == [again]
    (lowered,) = batch(jobs, lower=True)
    assert earned(lowered) == {"double": 0, "quadruple": 0, "triple": 4}
    assert lowered.kept == []


def test_points_that_became_fewer_are_not_exceeded(batch, course, write):
    jobs = [("ada", write(DOUBLE))]
    batch(jobs)
    course.make("double", "3 * x", 3)
    checks = course.root / "tiny" / "double" / "checks.py"
    checks.write_text(checks.read_text().replace("points=3", "points=2"))
    (again,) = batch(jobs)
    assert (earned(again)["double"], again.exercises["tiny/double"]["points"]) == (3, 3)


def test_what_is_handed_in_again_has_its_own_points(batch, write):
    batch([("ada", write(DOUBLE, TRIPLE))])
    (again,) = batch([("ada", write(DOUBLE))])
    assert (again.earned, again.kept) == (4, [])


def test_a_grader_that_fails_takes_no_points_away(batch, course, write):
    jobs = [("ada", write(DOUBLE))]
    batch(jobs)
    checks = course.root / "tiny" / "double" / "checks.py"
    checks.write_text(checks.read_text().replace("got = ", "raise SystemExit\n    got = "))
    (again,) = batch(jobs)
    assert again.failed
    assert again.earned == 4


def test_scores_do_not_depend_on_the_number_of_jobs(batch, write, tmp_path):
    sources = [(DOUBLE, QUADRUPLE), (WRONG, QUADRUPLE, TRIPLE), (TRIPLE, "1 / 0"), ()]
    jobs = [(f"s{i}", write(*one, name=f"{i}.ipynb")) for i, one in enumerate(sources)]
    one, two = (
        sorted(batch(jobs, n_jobs=n, results=tmp_path / str(n)), key=lambda report: report.student)
        for n in (1, 2)
    )
    assert one == two
    assert [report.earned for report in one] == [8, 8, 4, 0]


def test_what_is_finished_stays_when_grading_is_broken_off(course, write, tmp_path, starts):
    forever = crashing("import time; time.sleep(60)")
    jobs = [("ada", write(DOUBLE, name="a.ipynb")), ("bob", write(forever, name="b.ipynb"))]
    options = {"results": tmp_path / "r", "launch": unprotected, "n_jobs": 2}
    reports = grade_all(jobs, course.all, SEED, **options)
    assert next(reports).student == "ada"
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        reports.throw(KeyboardInterrupt)
    assert time.monotonic() - begun < 10
    assert [path.name for path in (tmp_path / "r").iterdir()] == ["ada.json"]
    assert next(grade_all(jobs, course.all, SEED, **options)).student == "ada"
    assert starts == ["ada", "bob"]


# A class, in the sandbox


def test_the_sample_class_is_the_same_each_time(course, tmp_path):
    assert len(CLASS) == 12
    for name in ("one", "two"):
        write_class(tmp_path / name, course.all, "week1")
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").glob("*/*/*"))
    assert len(files) == 24
    for file in files:
        one, two = tmp_path / "one" / file, tmp_path / "two" / file
        assert one.read_bytes() == two.read_bytes()
        assert one.stat().st_mtime == two.stat().st_mtime
    stamps = {
        path.parent.parent.name: path.read_text()
        for path in (tmp_path / "one").glob("*/week1/timestamp.txt")
    }
    assert stamps["liam"] == "2027-01-17 04:59:00 UTC\n"
    assert max(stamp for name, stamp in stamps.items() if name != "liam") < "2027-01-15 22:59"


def handed_in(folder, student):
    return folder / student / "week1" / "week1.ipynb"


@pytest.mark.requires("bwrap")
def test_the_sample_class_is_graded_as_it_deserves(course, batch, tmp_path):
    folder = tmp_path / "class"
    pupils = write_class(folder, course.all, "week1")
    jobs = [(one.id, handed_in(folder, one.id)) for one in pupils if one.id != "greta"]
    reports = batch(jobs, n_jobs=2, launch=sandbox.launcher, inside=folder)
    assert {one.student: tuple(earned(one).values()) for one in reports} == {
        "amina": (4, 4, 4),
        "bruno": (4, 4, 4),
        "chiara": (0, 4, 0),
        "daniel": (0, 0, 0),
        "elif": (4, 0, 0),
        "farid": (4, 4, 0),
        "hiro": (4, 4, 4),
        "ines": (0, 4, 4),
        "jonas": (4, 4, 4),
        "kavya": (4, 4, 4),
        "liam": (4, 4, 4),
    }
    assert not [one for one in reports if one.failed]
    notes = {one.student: one.notes for one in reports if one.notes}
    assert sorted(notes) == ["chiara", "farid", "ines"]


@pytest.mark.requires("bwrap")
def test_a_loop_without_end_costs_its_own_exercise(course, tmp_path, monkeypatch):
    impatient = functools.partial(grade.Submission, call_seconds=0.4)
    monkeypatch.setattr(grade, "Submission", impatient)
    write_class(tmp_path, course.all, "week1")
    report = grade_notebook(handed_in(tmp_path, "greta"), course.all, SEED)
    assert earned(report) == {"double": 4, "quadruple": 4, "triple": 0}
    assert "is there a loop that never ends?" in messages(report, "triple")[0]


@pytest.mark.requires("bwrap")
@pytest.mark.parametrize("chapter", sorted({load(name).chapter for name in names()}))
def test_a_notebook_with_every_solution_earns_every_point(chapter, tmp_path):
    there = [load(name) for name in names() if load(name).chapter == chapter]
    known = [one for one in there if one.needs == "numpy" or importlib.util.find_spec("torch")]
    write_class(tmp_path, known, "week1")
    report = grade_notebook(handed_in(tmp_path, "amina"), known, SEED)
    lost = {
        name: [one for one in marks["outcomes"] if one["message"]]
        for name, marks in report.exercises.items()
        if marks["earned"] < marks["points"]
    }
    assert lost == {}
    assert report.notes == []
    assert report.points > 0
