"""``attn-course exercises, check, validate``: what a student is told, and the exit codes."""

import argparse
import json
import os
import subprocess
import sys

import pytest
from paths import HAS_TORCH
from test_exercise_core import CHECKS, PROMPT, SOLUTION, front, write

from attn_course import __main__ as command
from attn_course import exercises
from attn_course.exercises import cells, source
from attn_course.exercises import commands as student

NEW = SOLUTION.replace("    ### BEGIN SOLUTION\n", "").replace("    ### END SOLUTION\n", "")
BORROW = "from attn_course.gaussian.reference import filterbank as totals"
BOOKS = f"{BORROW}\n{NEW.replace('totals', 'mine')}"


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A folder with one exercise, which is all that there is; the working folder is beside it."""
    root = tmp_path / "exercises"
    write(root / "small" / "totals")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    for module in (exercises, student):
        monkeypatch.setattr(module, "names", lambda: source.names([root]))
        monkeypatch.setattr(module, "load", lambda name: source.load(name, [root]))
    return root


@pytest.fixture
def call(root, capsys):
    """Run a command in this process: exit code, standard output in one line, standard error."""

    def call(*arguments):
        code = command.main([str(one) for one in arguments])
        out, err = capsys.readouterr()
        assert all(len(line) <= 100 for line in out.splitlines())
        return code, " ".join(out.split()), err

    return call


# --- the command itself ---------------------------------------------------------------------------


def test_every_command_is_where_it_is_said_to_be():
    for module, names in command.COMMANDS.items():
        commands = argparse.ArgumentParser().add_subparsers()
        command.importlib.import_module(module).register(commands)
        assert tuple(commands.choices) == names


def test_a_students_copy_has_no_commands_for_instructors(monkeypatch, capsys):
    here = command._is_here
    monkeypatch.setattr(
        command, "_is_here", lambda module: "grading" not in module and here(module)
    )
    assert command.main(["grade", "week1"]) == 1
    assert "for instructors" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        command.main(["--help"])
    said = capsys.readouterr().out
    assert "validate" in said
    assert "grade" not in said.replace("grader", "")


def test_a_stop_from_the_keyboard(root, monkeypatch, capsys):
    def stop(*args, **more):
        raise KeyboardInterrupt

    monkeypatch.setattr(student, "names", stop)
    assert command.main(["exercises"]) == 130
    assert capsys.readouterr().err == "\nstopped\n"


def test_a_fault_of_ours_is_not_dressed_up(root, monkeypatch):
    monkeypatch.setattr(student, "names", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        command.main(["exercises"])


def test_the_module_and_the_script_are_the_same():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "attn_course", "exercises"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.stderr == ""
    for name in source.names():
        assert f"\n{name} " in done.stdout


# --- exercises ------------------------------------------------------------------------------------


def test_the_table_of_exercises(root, call):
    write(root / "other" / "words", **front("minutes = 15", "minutes = 7"), checks=None)
    code, out, err = call("exercises")
    assert (code, err) == (0, "")
    assert "NAME LEVEL MIN NEEDS POINTS AFTER TITLE" in out
    assert "small/totals easy 15 numpy 2+3+3 - Running totals" in out
    assert "other/words easy 7 - 0+0+3 - Running totals" in out
    assert "small/totals" not in call("exercises", "other")[1]
    code, out, err = call("exercises", "smal")
    assert (code, out) == (1, "")
    assert err == "there are no exercises on 'smal'; the chapters are other, small\n"


# --- check ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        (NEW, 0, "Everything that is checked here passes: 2 of 2 points."),
        (NEW.replace("cumsum", "sort"), 1, "not yet three steps (1 point) 1, 2 and 4 add up"),
        (NEW.replace("half * ", "stop * "), 1, "NameError in line 14: name 'stop' is not defined"),
        (NEW[: NEW.index("def halved")], 1, "Not written yet: halved; the grader checks it too."),
        (BOOKS, 1, "totals is the book's own, imported; write yours. passed half of two"),
        (NEW.replace("totals", "total"), 1, "no function called totals; was it renamed"),
        (NEW + "\n1 / 0\n", 0, "! The file stopped in line 16 with ZeroDivisionError"),
        ("def totals(step:\n", 1, "! The file stopped in line 1 with SyntaxError"),
        ("import sys\nsys.exit()\n" + NEW, 1, "! The file stopped in line 2 with SystemExit"),
    ],
)
def test_a_file_is_checked(call, tmp_path, text, code, says):
    path = tmp_path / "mine.py"
    path.write_text(text, encoding="utf-8")
    got, out, err = call("check", "small/totals", path)
    assert (got, err) == (code, "")
    assert says in out


def test_a_loop_without_end_ends(call, tmp_path, monkeypatch):
    whole = student.Submission
    monkeypatch.setattr(
        student,
        "Submission",
        lambda *args, **more: whole(*args, **more, call_seconds=0.3, start_seconds=1),
    )
    path = tmp_path / "mine.py"
    path.write_text(
        NEW.replace("    return half *", "    while True: pass\n    return"), encoding="utf-8"
    )
    code, out, _ = call("check", "small/totals", path)
    assert code == 1
    assert "passed three steps" in out
    assert "did not come to an end in time; is there a loop that never ends?" in out


def test_what_an_exercise_builds_on_is_named(root, call, tmp_path):
    write(root / "small" / "more", **front("order = 2", 'order = 3\nafter = ["small/totals"]'))
    path = tmp_path / "mine.py"
    path.write_text("", encoding="utf-8")
    code, out, _ = call("check", "small/more", path)
    assert code == 1
    assert "comes after small/totals, and totals and halved from there is not written" in out


@pytest.mark.parametrize(
    ("name", "file", "says"),
    [
        ("small/total", "absent.py", "There is no exercise 'small/total'; there are small/totals"),
        ("small/totals", "absent.py", "absent.py cannot be read: No such file"),
        ("small/totals", "week1.ipynb", "run: attn-course validate week1.ipynb"),
        ("small/totals", ".", ". cannot be read: Is a directory"),
    ],
)
def test_what_cannot_be_checked_is_one_sentence(call, name, file, says):
    code, out, err = call("check", name, file)
    assert (code, out) == (1, "")
    assert says in err
    assert err.count("\n") == 1


# --- validate -------------------------------------------------------------------------------------


def code(text, **meta):
    """A code cell; `run` is its place in the order of execution."""
    run = meta.pop("run", None)
    return {"cell_type": "code", "source": text, "metadata": meta, "execution_count": run}


def words(text, name="why"):
    """A markdown cell with the answer to a question."""
    meta = {
        "nbgrader": {"grade_id": f"small-totals-{name}"},
        "attn": {"exercise": "small/totals", "part": "question", "name": name},
    }
    return {"cell_type": "markdown", "source": text, "metadata": meta}


STARTER_META = {"attn": {"exercise": "small/totals", "part": "starter"}}
CHECK = 'from attn_course.exercises import check\n\ncheck("small/totals")'
ANSWERED = words("Since it takes in all of them.")


@pytest.fixture
def seen(call, tmp_path):
    """validate(...) of a notebook with these cells, handed out with these exercises."""

    def seen(*cells, exercises=()):
        meta = {"attn": {"assignment": "week1", "exercises": list(exercises)}} if exercises else {}
        content = {"cells": list(cells), "metadata": meta, "nbformat": 4, "nbformat_minor": 5}
        path = tmp_path / "work" / "week1.ipynb"
        path.write_text(json.dumps(content), encoding="utf-8")
        got, out, err = call("validate", "week1.ipynb")
        assert err == ""
        assert out.startswith("week1.ipynb ")
        return got, out

    return seen


def test_a_notebook_that_is_in_order(seen):
    got, out = seen(
        code(NEW, run=1, **STARTER_META), code(CHECK, run=2), code(""), code("%ls\n!ls"), ANSWERED
    )
    assert "Everything that is checked here passes: 2 of 2 points." in out
    assert out.endswith(
        "Run from the top, 2 of 2 points that can be checked here are earned, "
        "and nothing stands in the way of handing it in."
    )
    assert "!" not in out.replace("!ls", "")
    assert got == 0


STARTER = SOLUTION.replace(
    "return np.cumsum(step)  # the secret of it", "raise NotImplementedError"
)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ([code(NEW.replace("cumsum", "sort"))], "not yet three steps (1 point)"),
        (
            [code(NEW.replace("0.5", "share")), code("x = 1\nshare = z")],
            "! cell 2 (`x = 1`) stopped in line 2 with NameError: name 'z' is not defined; "
            "an answer needs share from it",
        ),
        (
            [code(NEW[: NEW.index("def halved")]), code("def halved(step:\n    pass")],
            "! cell 2 (`def halved(step:`) stopped in line 1 with SyntaxError",
        ),
        ([code(NEW[: NEW.index("def halved")])], "! there is no function halved; was it renamed"),
        (
            [code(NEW.replace("return half *", "raise NotImplementedError #"))],
            "! halved is not written yet; the grader checks it too",
        ),
        (
            [code(NEW), code(BORROW), code("x = totals")],
            f"! totals is the book's own, imported in cell 2 (`{BORROW[:40]}`); write yours",
        ),
        (
            [
                code("from attn_course.gaussian import reference\nA = reference.filterbank(1)"),
                code(NEW.replace("half * ", "half * B * ")),
                code("B = A"),
            ],
            "! cell 1 (`from attn_course.gaussian import referen`) uses reference of attn_course",
        ),
        (
            [code(NEW.replace("totals", "my_totals"))],
            "! there is no function totals; is it the one",
        ),
        (
            [code(NEW.replace("def totals", "def f"))],
            "! there is no function totals; was it renamed",
        ),
        (
            [
                code(NEW.replace("return np", "return reference.totals(step) or np")),
                code("from attn_course.gaussian import reference"),
            ],
            '! cell 1 (`"""Running totals."""`) uses reference of attn_course for an answer',
        ),
    ],
)
def test_what_would_cost_points_is_marked(seen, more, says):
    got, out = seen(*more, code(CHECK), ANSWERED)
    assert got == 1
    assert says in out
    assert "would cost points." in out


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ([code(NEW, run=3), code("x = 1", run=2)], "cell 2 (`x = 1`) was run before cell 1, which"),
        ([code(NEW, run=3), code("x = 1")], "never run: cells 2, 3"),
        ([code(NEW), code(NEW)], "totals is written in cells 1 and 2; the last of them counts"),
        (
            [code(NEW), code("from attn_course.gaussian.task import clutter\nclutter(3)")],
            "(`from attn_course.gaussian.task import cl`) uses clutter of attn_course, which is",
        ),
        ([code(NEW), words("Another.")], "answers small-totals-why twice"),
        (
            [code(NEW), code("x = 1\ny = z")],
            "? cell 2 (`x = 1`) stopped in line 2 with NameError: name 'z' is not defined. "
            "No answer needs it, so it costs nothing",
        ),
        ([code(NEW), code("x = (")], "? cell 2 (`x = (`) stopped in line 1 with SyntaxError"),
        ([code(NEW + "\nprint(totals())")], '? cell 1 (`"""Running totals."""`) stopped in'),
        ([code("import no_such\n" + NEW)], "? cell 1 (`import no_such`) stopped in line 1"),
        (
            [
                code("from attn_course import data\ndef films():\n    return data.mnist('test')"),
                code(NEW.replace("half = 0.5", "half, data = 0.5, 1")),
            ],
            "uses data of attn_course, which is left out when it is graded",
        ),
        (
            [code("if True:\n" + "".join(f"    {line}\n" for line in NEW.splitlines()))],
            "2 of 2 points",
        ),
    ],
)
def test_what_costs_nothing_is_told(seen, more, says):
    got, out = seen(*more, code(CHECK), ANSWERED)
    assert says in out
    assert "! " not in out
    assert got == 0


def test_an_untouched_starter_is_told_and_replaces_no_answer(root, seen):
    starter = source.load("small/totals", [root]).starter()
    got, out = seen(code(starter, **STARTER_META), code(CHECK), ANSWERED)
    assert got == 1
    assert "! not begun: the starter is as it was handed out" in out
    assert "1 thing above" in out
    got, out = seen(code(NEW), code(starter + "\n", **STARTER_META), code(CHECK), ANSWERED)
    assert got == 0
    assert "2 of 2 points" in out


@pytest.mark.parametrize("text", ["", cells.ANSWER, " *Write your\nanswer here.* "])
def test_a_question_without_an_answer_is_told(seen, text):
    got, out = seen(code(NEW), code(CHECK), words(text))
    assert got == 1
    assert '! the question "Why is the last total the sum?" has no answer yet' in out


def test_the_question_alone_is_no_answer(root, seen):
    asked = [one for one in cells.cells(source.load("small/totals", [root])) if one.name]
    assert "has no answer yet" in seen(code(NEW), code(CHECK), words(asked[0].source))[1]


def test_an_answer_cell_that_is_gone_is_told(seen):
    got, out = seen(code(NEW), code(CHECK), words("Something.", "other"))
    assert got == 1
    assert '! the cell for the answer to "Why is the last total the sum?" is gone, or has' in out


def prompt(root, name="small/totals", **meta):
    """The first cell of an exercise."""
    first = next(cells.cells(source.load(name, [root])))
    return {"cell_type": "markdown", "source": first.source.splitlines(True), "metadata": meta}


@pytest.mark.parametrize("metadata", [True, False])
def test_an_exercise_whose_code_is_gone_is_told(root, seen, metadata):
    meta = {"attn": {"exercise": "small/totals", "part": "prompt"}} if metadata else {}
    got, out = seen(prompt(root, **meta), code("x = 1"), ANSWERED)
    assert got == 1
    assert "! small/totals is not in this notebook any more; take its cells from a fresh" in out
    assert "1 thing above" in out


def test_an_exercise_of_which_nothing_is_left_is_told(root, seen):
    write(root / "small" / "more", prompt=PROMPT.replace("Running", "More"))
    write(root / "small" / "words", prompt=PROMPT.replace("Running", "My"), checks=None)
    handed_out = ["small/words", "small/totals", "small/more", "small/absent"]
    got, out = seen(code(NEW), code(CHECK), ANSWERED, exercises=handed_out)
    assert got == 1
    assert "! small/words is not in this notebook any more" in out
    assert "small/totals is not in" not in out
    assert "? small/absent is not in this copy of the course" in out
    # In the order of the hand-out.
    assert out.index("small/words: My") < out.index("small/totals: R") < out.index("small/more: M")


def test_exercises_come_in_the_notebooks_order(root, seen):
    write(root / "small" / "earlier", prompt=PROMPT.replace("order = 2", "order = 1"))
    got, out = seen(code(NEW), code(CHECK), code('check("small/earlier")'))
    assert out.index("small/totals: ") < out.index("small/earlier: ")


@pytest.mark.parametrize("handed_out", [[], ["small/totals"]])
def test_answers_that_have_lost_their_metadata_are_told(root, seen, handed_out):
    told = prompt(root) if not handed_out else words("x", "other") | {"metadata": {}}
    answer = {"cell_type": "markdown", "source": "Since it does.", "metadata": {}}
    got, out = seen(told, code(NEW), code(CHECK), answer, exercises=handed_out)
    assert got == 1
    assert "is gone, or has lost what tells it from other cells" in out
    assert "1 thing above" in out


def test_what_a_starter_gives_need_not_be_written_again(root, seen):
    given = SOLUTION.replace("    half = 0.5\n    ### BEGIN SOLUTION", "    half = 0.5")
    write(root / "small" / "totals", solution=given[: given.rindex("    ### END")])
    starter = source.load("small/totals", [root]).starter()
    own = NEW[: NEW.index("def halved")]
    got, out = seen(code(starter, **STARTER_META), code(own), code(CHECK), ANSWERED)
    assert "2 of 2 points" in out
    assert got == 0


def test_importing_what_an_exercise_builds_on_is_blamed_on_that_cell_alone(root, seen):
    later = PROMPT.replace("order = 2", 'order = 3\nafter = ["small/totals"]')
    write(
        root / "small" / "more",
        CHECKS.replace("totals", "sums").replace("halved", "thirds"),
        later.replace("Question: why", "Question: more"),
        SOLUTION.replace("totals", "sums").replace("halved", "thirds"),
    )
    more = NEW.replace("totals", "sums").replace("halved", "thirds")
    more = more.replace("np.cumsum(step)", "totals(step)")
    got, out = seen(code(BORROW), code(more), code('check("small/more")'))
    assert got == 1
    assert "imports totals, which is the book's own; an answer here builds on yours" in out
    assert out.count("cell 1 (") == 1
    assert "cell 2 (" not in out


def test_a_page_of_the_book_has_no_questions_to_hand_in(seen):
    got, out = seen(code(NEW), code(CHECK))
    assert got == 0
    assert "gone" not in out


def test_a_cell_that_never_ends_costs_no_other_cell(seen, monkeypatch):
    whole = student.Submission
    monkeypatch.setattr(
        student, "Submission", lambda *args, **more: whole(*args, **more, start_seconds=1)
    )
    got, out = seen(code("while True: pass"), code(NEW), code(CHECK), ANSWERED)
    assert got == 0
    assert "? cell 1 (`while True: pass`) did not come to an end in time" in out
    assert "2 of 2 points that can be checked here" in out


def test_a_notebook_without_exercises_is_told(seen):
    got, out = seen(code("x = 1"))
    assert got == 1
    assert "There is no exercise in this notebook" in out


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("not json", "not a notebook"),
        ('{"cells": 3}', "no cells"),
        ('{"cells": [], "metadata": {"language_info": {"name": "julia"}}}', "written in julia"),
        (None, "cannot be read: No such file"),
    ],
)
def test_what_is_no_notebook_is_one_sentence(call, tmp_path, data, says):
    if data is not None:
        (tmp_path / "work" / "week1.ipynb").write_text(data, encoding="utf-8")
    got, out, err = call("validate", "week1.ipynb")
    assert (got, out) == (1, "")
    assert says in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("odd", [None, 3, {"source": 3}, {"cell_type": "code", "metadata": []}])
def test_odd_cells_are_no_fault(seen, odd):
    got, out = seen(odd, code(NEW), code(CHECK), ANSWERED)
    assert got == 0


TORCH = CHECKS.replace("np.cumsum(step)", "step")


@pytest.mark.skipif(not HAS_TORCH, reason="torch is absent")
def test_exercises_of_both_kinds_in_one_notebook(root, seen):
    solution = SOLUTION.replace("import numpy as np", "import torch").replace("totals", "sums")
    solution = solution.replace("np.cumsum(step)", "torch.cumsum(step, 0)").replace(
        "half * np.asarray(step)", "half * step"
    )
    prompt = PROMPT.replace('"numpy"', '"torch"').replace("# Question: why", "# Question: more")
    write(root / "small" / "sums", CHECKS.replace("totals", "sums"), prompt, solution)
    text = source.load("small/sums", [root]).solution().replace("halved", "halved")
    got, out = seen(code(text), code(NEW), code('check("small/totals")\ncheck("small/sums")'))
    assert "4 of 4 points" in out or "3 of 4 points" in out
    assert "small/sums: Running totals passed three steps" in out


def test_where_torch_is_absent_it_says_so(root, seen, call, monkeypatch, tmp_path):
    write(root / "small" / "totals", **front('"numpy"', '"torch"'))
    find = student.importlib.util.find_spec
    without = lambda name: None if name == "torch" else find(name)  # noqa: E731
    monkeypatch.setattr(student.importlib.util, "find_spec", without)
    got, out = seen(code(NEW), code(CHECK), ANSWERED)
    assert got == 1
    assert "! not run: it needs torch, which is not installed here" in out
    (tmp_path / "mine.py").write_text(NEW, encoding="utf-8")
    got, out, err = call("check", "small/totals", tmp_path / "mine.py")
    assert got == 1
    assert "needs torch; to have it: pip install torch" in err
