"""The page for instructors, taken at its word: its commands are typed, its files are read."""

import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from paths import HAS_TORCH

from attn_course.exercises import load, names
from attn_course.exercises.source import visible
from attn_course.grading.course import load_course

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "book" / "instructors.md").read_text(encoding="utf-8")
SETTING_UP = ("make grader", "source .venv/bin/activate")  # done already where tests run
HEAD = 'title = "A course"\nseed = "b1f8c2a07d5e4936a7c0d1e2f3948576"\n'


def blocks(language: str, below: str) -> list[str]:
    """The fenced blocks of one language in a section of the page."""
    section = PAGE.split(f"\n## {below}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(rf"^```{language}\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


def courses() -> list[str]:
    """Every course.toml on the page; where only assignments are shown, with the rest added."""
    (whole,) = blocks("toml", "The file of a course")
    return [whole, *(HEAD + block for block in blocks("toml", "Five syllabi"))]


@pytest.mark.requires("bwrap")
@pytest.mark.skipif(not HAS_TORCH, reason="the gradebook is not part of the NumPy half")
def test_the_quarter_of_an_hour_gives_a_graded_class(tmp_path):
    (typed,) = blocks("console", "A quarter of an hour")
    lines = [line.removeprefix("$ ") for line in typed.splitlines()]
    assert tuple(lines[:2]) == SETTING_UP
    said = ""
    for line in lines[2:]:
        program, *words = shlex.split(line)
        assert program == "attn-course"
        done = subprocess.run(
            [sys.executable, "-m", "attn_course", *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        said += done.stdout
    assert len(list((tmp_path / "autumn" / "feedback").glob("*/week1/week1.html"))) == 12
    assert {path.name for path in (tmp_path / "autumn" / "grades").iterdir()} == {
        "canvas.csv",
        "moodle.csv",
        "grades.csv",
    }
    full = sum(
        one.points
        for name in load_course(tmp_path / "autumn" / "course.toml").assignments[0].exercises
        for one in load(name).checks()
    )
    assert f"amina            {full} of " in said


@pytest.mark.parametrize("text", courses())
def test_every_course_file_loads(text, tmp_path):
    (tmp_path / "course.toml").write_text(text, encoding="utf-8")
    course = load_course(tmp_path / "course.toml")
    assert course.assignments


def test_between_them_the_syllabi_set_every_exercise():
    syllabi = [tomllib.loads(block)["assignment"] for block in blocks("toml", "Five syllabi")]
    week, half, term, first, sequences = (
        {name for one in rows for name in one["exercises"]} for rows in syllabi
    )
    assert not term & half, "the term begins with the half term's exercises"
    assert week | half | term | first | sequences == set(names())


def test_the_example_of_a_check_is_one():
    (example,) = blocks("python", "Exercises of your own")
    assert visible("import numpy as np\n\n\n" + example).strip() == "", (
        "a hidden check, and no other code"
    )


def test_the_measured_times_were_measured():
    record = json.loads((ROOT / "book" / "runs" / "grading.json").read_text())
    assert record["command"] == "make bench-grading"
    used = re.findall(r"\{measured\}`grading\.json (\w+) ", PAGE)
    assert used
    assert set(used) <= record.keys()
    assert record["hours_thousand"] == pytest.approx(record["seconds_numpy"] * 10_000 / 3600)
