"""Cells and checks as a page runs them, in the Python of the tests."""

import json

import pytest
from pyodide_folder import EXTENSION, module

from attn_course.exercises import load

session = module(EXTENSION / "static" / "session.py")


@pytest.fixture
def run():
    """Run cells in one session; what each gave."""
    kept = session.Session()
    return lambda code, *args: json.loads(kept.run(code, *args))


def test_what_is_printed_and_the_last_value_come_out(run):
    gave = run("import sys\nx = 'é'\nprint(1)\nprint(2, file=sys.stderr)\nx")
    assert (gave["text"], gave["html"], gave["error"]) == ("1\n2\n'é'\n", "", "")
    assert 0 < gave["seconds"] < 5
    assert not gave["passed"]


@pytest.mark.parametrize("code", ["", "# nothing", "None", "x = 3", "x = 3; x;", "def f(): 1"])
def test_nothing_comes_out_of_what_has_no_value(run, code):
    gave = run(code)
    assert gave["text"] == gave["html"] == gave["error"] == ""


def test_names_last_within_a_namespace_and_no_further(run):
    run("x = 3", "one")
    assert run("x", "one")["text"] == "3\n"
    assert run("x", "other")["error"].endswith("NameError: name 'x' is not defined")


@pytest.mark.parametrize("form", ["html", "svg"])
def test_a_picture_comes_out_as_markup(run, form):
    run(f"class Picture:\n    def _repr_{form}_(self): return '<b>one</b>'\n")
    gave = run("display(Picture(), 2)\nPicture()")
    assert gave["html"] == "<b>one</b>\n<b>one</b>"
    assert gave["text"] == "2\n"
    assert run("Picture")["text"] == "<class '__main__.Picture'>\n"


def test_a_picture_that_declines_or_fails_is_text_or_an_error(run):
    shy = run("class Shy:\n    def _repr_html_(self): return None\nShy()")
    assert "Shy object" in shy["text"]
    broken = run("class Broken:\n    def _repr_html_(self): return 1 / 0\nBroken()")
    assert "ZeroDivisionError" in broken["error"]


def test_an_error_shows_the_readers_lines_alone(run):
    run("def share(part):\n    return part / 0")
    gave = run("print('before')\n\nshare(1)")
    assert gave["text"] == "before\n"
    lines = [line.strip() for line in gave["error"].splitlines() if not set(line) <= set(" ~^")]
    assert lines == [
        "Traceback (most recent call last):",
        "Line 3, in <module>",
        "share(1)",
        "Line 2 of an earlier cell, in share",
        "return part / 0",
        "ZeroDivisionError: division by zero",
    ]


def test_an_error_inside_a_package_points_to_the_line_that_called_it(run):
    gave = run("import json\njson.loads('{')")
    assert "Line 2, in <module>" in gave["error"]
    assert "decoder.py" not in gave["error"]
    assert gave["error"].splitlines()[-1].startswith("json.decoder.JSONDecodeError")


def test_a_cell_that_cannot_be_read_points_to_the_place(run):
    error = run("x = 1\ny = = 2")["error"]
    assert error.splitlines()[0].strip() == "Line 2"
    assert "y = = 2" in error
    assert error.endswith("SyntaxError: invalid syntax")


@pytest.mark.parametrize("end", ["exit()", "raise SystemExit(3)", "raise KeyboardInterrupt"])
def test_a_cell_cannot_end_the_session(run, end):
    run("x = 3")
    assert run(end)["error"]
    assert run("x")["text"] == "3\n"


def test_endless_printing_is_cut(run):
    text = run("for _ in range(3):\n    print('x' * 60_000)")["text"]
    assert len(text) < 101_000
    assert text.endswith("and so on\n")


def test_what_is_printed_is_told_on_the_way():
    told = []
    code = "import time\nfor i in range(5):\n    print(i)\n    time.sleep(0.15)"
    session.Session().run(code, "page", told.append)
    assert told
    assert told[0].startswith("0\n1\n")


def test_a_check_is_that_of_the_exercise():
    name = "gaussian/filterbank"
    kept = session.Session()
    kept.run(load(name).starter(), name)
    unsolved = json.loads(kept.check(name, name))
    assert "not yet" in unsolved["text"]
    assert not unsolved["passed"]
    kept.run(load(name).solution(), name)
    solved = json.loads(kept.check(name, name))
    assert solved["passed"], solved["text"]
    assert "not yet" not in solved["text"]
    assert json.loads(kept.check("gaussian/nothing", name))["text"].startswith("There is no")
