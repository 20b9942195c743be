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


def test_what_is_printed_is_told_before_the_next_line_runs():
    told, seen = [], []
    kept = session.Session()
    kept.run("def see(): pass")
    kept._spaces["page"]["see"] = lambda: seen.append("".join(told))
    kept.run("print(1, 2)\nprint(3, end='')\nsee()\nprint(4)\nsee()", "page", told.append)
    assert seen == ["1 2\n3", "1 2\n34\n"]


def test_telling_ends_where_the_text_is_cut():
    told = []
    code = "for _ in range(5):\n    print('x' * 60_000)"
    gave = json.loads(session.Session().run(code, "page", told.append))
    assert "".join(told) == gave["text"]


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("import matplotlib_or_torch", "NumPy and attn_course. Run what needs more in Jupyter."),
        ("raise EOFError('EOF when reading a line')", "or run it in Jupyter."),
        ("raise SystemExit", "the next cell runs as always."),
    ],
)
def test_what_a_page_does_not_have_is_said(run, code, advice):
    assert run(code)["error"].endswith(advice)


def test_no_other_error_bears_advice(run):
    assert run("1 / 0")["error"].endswith("ZeroDivisionError: division by zero")
    assert run("raise EOFError('mine')")["error"].endswith("EOFError: mine")


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
    assert unsolved["counts"] == [0, 3]
    assert solved["counts"] == [3, 3]
    assert "not yet" not in solved["text"]
    assert json.loads(kept.check("gaussian/nothing", name))["text"].startswith("There is no")


def test_a_check_quotes_the_line_that_it_names_and_leaves_the_wrapping_to_the_page():
    name = "gaussian/filterbank"
    raises = "raise ValueError('a long text ' * 12)"
    code = load(name).starter().replace("raise NotImplementedError", raises)
    number = code[: code.index(raises)].count("\n") + 1
    kept = session.Session()
    kept.run(code, name)
    said = json.loads(kept.check(name, name))["text"].splitlines()
    named = [i for i, line in enumerate(said) if f"raised ValueError in line {number}: " in line]
    assert named
    assert all(len(said[i]) > 150 for i in named)
    assert all(said[i + 1].startswith(f"{' ' * 11}Line {number}: {raises}") for i in named)


def test_what_the_code_prints_in_a_check_comes_after_the_verdict():
    name = "gaussian/filterbank"
    much = "print('  passed   x\\n' * 50_000)"
    kept = session.Session()
    kept.run(load(name).starter().replace("raise NotImplementedError", much), name)
    gave = json.loads(kept.check(name, name))
    assert gave["text"].startswith(name)
    assert gave["text"].index("So far") < gave["text"].index("Your code printed:")
    assert gave["counts"] == [0, 3]
    assert not gave["passed"]
