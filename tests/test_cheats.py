"""A class that cheats: no cheat gains a point, no honest answer loses one, none stops another."""

import csv
import functools
import html.parser
import json
import os
import random
import re
import stat
import time
import zipfile
from pathlib import Path

import cheats
import numpy as np
import pytest
from cheats import CHAPTER, CLASS, LATER, MIXED, WEEK, cell, exercise, fair, written

from attn_course.exercises.checking import Answer, run
from attn_course.exercises.source import load
from attn_course.grading.collect import collect
from attn_course.grading.grade import Report, grade_all, grade_notebook

SEED = [2, 7, 1]
SHORT = [case for case in [*CLASS, *LATER] if case.short]
SECRET = "SECRET-of-the-grader"
boxed = pytest.mark.requires("bwrap")


# --- what is looked for --------------------------------------------------------------------------


class Recorder:
    """Right answers, and what they were asked by hidden checks."""

    def __init__(self, week, seed):
        space = {"__name__": "__main__"}
        for name in week:
            exec(exercise(name).solution(), space)
        self.asked = []
        for name in week:
            self.answer = Answer(space, exercise(name).needs)
            run([one for one in exercise(name).checks() if one.hidden], self, list(seed))

    def __getattr__(self, name):
        def call(*args):
            self.asked.append(args)
            return getattr(self.answer, name)(*args)

        return call


@functools.cache
def hidden_digits(week, seed):
    """The first seven digits of every number, of at least seven, that a hidden check hands in."""
    found = set()

    def look(value):
        if isinstance(value, tuple | list):
            for one in value:
                look(one)
        elif isinstance(value, float | np.ndarray | np.floating):
            for number in np.ravel(value).tolist():
                digits = re.sub(r"e.*|\D", "", repr(number)).lstrip("0")
                if len(digits) >= 7:
                    found.add(digits[:7])

    look(Recorder(week, seed).asked)
    assert len(found) > 20
    return found


def digits_in(text):
    """The first seven digits of every number in a text."""
    numbers = re.findall(r"\d[\d._]*", text)
    return {re.sub(r"\D", "", one).lstrip("0")[:7] for one in numbers}


def nothing_leaks(text, week, seed):
    """Hold that a text has no hidden input, nothing of a solution, nothing of the grader's."""
    assert not digits_in(text) & hidden_digits(week, tuple(seed))
    assert SECRET not in text
    assert "np.asarray(bell /" not in text


def held(case, report, seed):
    """What is wrong with a report, in words."""
    got = {name.partition("/")[2]: one["earned"] for name, one in report.exercises.items()}
    due, wrong = fair(case, seed), []
    if report.failed:
        wrong.append(report.failed)
    if set(got) != set(due) or any(got[name] > due[name] for name in due):
        wrong.append(f"gains: got {got}, fair {due}")
    elif got != due and not case.harms:
        wrong.append(f"loses: got {got}, fair {due}; {report.notes}")
    if case.clean and (report.notes or any(report_messages(report))):
        wrong.append(f"is told {report.notes}")
    try:
        nothing_leaks(json.dumps(vars(report)), case.week, seed)
    except AssertionError as error:
        wrong.append(f"leaks: {error}")
    for one in outcomes(report):
        if one["hidden"] and re.search(r"LEAK|<|\$", one["message"]):
            wrong.append(f"a hidden check says {one['message']!r}")
    return [f"{case.name}: {one}" for one in wrong]


def outcomes(report):
    return [one for marks in report.exercises.values() for one in marks["outcomes"]]


def report_messages(report):
    return [one["message"] for one in outcomes(report) if one["message"]]


def orphans():
    """Processes of a sandbox whose grader is gone."""
    commands, parents = {}, {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            commands[path.name] = (path / "cmdline").read_bytes()
            parents[path.name] = (path / "stat").read_text().rpartition(")")[2].split()[1]
        except OSError:
            pass
    found = []
    for pid, command in commands.items():
        if b"/worker/worker.py" not in command:
            continue
        above = pid
        while b"/worker/worker.py" in commands.get(above, b""):
            above = parents[above]
        if above in ("0", "1"):
            found.append(pid)
    return found


def no_orphans():
    """Hold that in a moment nothing is left; what another test ends just now may be."""
    until = time.monotonic() + 10
    while left := orphans():
        assert time.monotonic() < until, left
        time.sleep(0.2)


# --- the class -----------------------------------------------------------------------------------


def graded(cases, folder, hasty):
    """Grade a class in one batch of each week; reports by name, and the seconds of the batch."""
    launch = functools.partial(cheats.launcher, hasty=hasty)
    found, begun = {}, time.monotonic()
    for week in dict.fromkeys(case.week for case in cases):
        jobs = []
        for case in cases:
            if case.week == week:
                path = folder / "class" / f"{case.name}.ipynb"
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(written(case))
                jobs.append((case.name, path))
        exercises = [exercise(name) for name in week]
        reports = grade_all(jobs, exercises, SEED, folder / "results", launch=launch, n_jobs=2)
        found |= {report.student: report for report in reports}
    return found, time.monotonic() - begun


def table(cases, reports, seconds, seed):
    """One line for each submission: name, fair, got, seconds."""
    for case in cases:
        got = [one["earned"] for one in reports[case.name].exercises.values()]
        due = list(fair(case, seed).values())
        print(f"{case.name:<30} {due!s:<22} {got!s:<22} {reports[case.name].seconds:6.1f} s")
    print(f"{len(cases)} submissions in {seconds:.0f} s")


def test_the_class_is_large_and_its_names_are_different():
    names = [case.name for case in [*CLASS, *LATER]]
    assert len(names) == len(set(names)) >= 60
    assert 30 <= len(SHORT) < len(names) / 2
    for case in SHORT:
        assert all(fair(case, SEED)[name] >= 0 for name in case.week)


@boxed
def test_the_short_class_gets_what_it_deserves(tmp_path, monkeypatch):
    monkeypatch.setenv("A_TOKEN", SECRET)
    cases = random.Random(1).sample(SHORT, len(SHORT))
    reports, seconds = graded(cases, tmp_path, hasty=True)
    table(cases, reports, seconds, SEED)
    assert [line for case in cases for line in held(case, reports[case.name], SEED)] == []
    slow = {name: one.seconds for name, one in reports.items() if one.seconds > 30}
    assert slow == {}
    for case in cases:
        assert (tmp_path / "class" / f"{case.name}.ipynb").read_bytes() == written(case)
    names = {f"{case.name}.json" for case in cases}
    assert {path.name for path in (tmp_path / "results").iterdir()} == names
    assert {path.name for path in tmp_path.iterdir()} == {"class", "results"}
    no_orphans()


# --- the whole class, through the course's commands ----------------------------------------------

CONFIG = """\
title = "A class <b>that</b> cheats"
seed = "{seed}"

[[assignment]]
name = "week1"
due = 2030-11-30T23:59:00+01:00
exercises = [{first}]

[[assignment]]
name = "week2"
due = 2030-12-07T23:59:00+01:00
exercises = [{then}]
"""
NASTY = ['=HYPERLINK("http://x")', "<script>alert(1)</script>", "@SUM(A1)", "+1", "$\\href{x}{y}$"]


class Page(html.parser.HTMLParser):
    """What a page could do beside being read."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag in ("script", "img", "iframe", "object", "a", "form", "base", "link"):
            self.found.append(tag)
        self.found += [name for name, value in attrs if name.startswith("on") or name == "href"]


@pytest.fixture
def course(tmp_path):
    """A course folder whose students are the class."""
    from attn_course.grading.course import load_course

    folder = tmp_path / "course"
    folder.mkdir()
    weeks = [", ".join(f'"{CHAPTER}/{name}"' for name in week) for week in (WEEK, MIXED)]
    text = CONFIG.format(seed="5eed" * 8, first=weeks[0], then=weeks[1])
    (folder / "course.toml").write_text(text)
    with open(folder / "roster.csv", "w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["id", "first_name", "last_name", "email", "lms_user_id"])
        for number, case in enumerate([*CLASS, *LATER]):
            first, last = (NASTY[(number + shift) % len(NASTY)] for shift in (0, 1))
            lines.writerow([case.name, first, last, f"-{case.name}@example.org", 5000 + number])
    return load_course(folder)


def packed(cases, course, week, path):
    """A download of what the class handed in, in no order, with files that lead elsewhere."""
    released = json.loads(course.release(week).read_text())
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for case in random.Random(3).sample(cases, len(cases)):
            archive.writestr(f"{case.name}/{week}.ipynb", written(case, released))
        right = written(CLASS[0], released)
        for name in ("../../up.ipynb", "/tmp/absolute.ipynb", "blank/../../../../up.ipynb"):
            archive.writestr(name, right)
        archive.writestr("blank/timestamp.txt", "2001-01-01 00:00:00 UTC")
        archive.writestr("nobody/week1.ipynb", right)
        link = zipfile.ZipInfo("blank/z.ipynb")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "../../correct/week1/week1.ipynb")


@boxed
@pytest.mark.grading
@pytest.mark.parametrize("week", ["week1", "week2"])
def test_the_whole_class_gets_what_it_deserves(tmp_path, course, monkeypatch, week):
    from attn_course.__main__ import main

    monkeypatch.setenv("A_TOKEN", SECRET)
    cases = [one for one in [*CLASS, *LATER] if one.week == (WEEK if week == "week1" else MIXED)]
    seed = list(course.seed)
    config = ["--course", str(course.folder)]
    assert main(["assign", *config]) == 0
    download = tmp_path / "download.zip"
    packed(cases, course, week, download)
    begun = time.monotonic()
    told = main(["grade", *config, week, "--submissions", str(download), "--jobs", "2"])
    seconds = time.monotonic() - begun
    found = {one.name: Report.read(course.results(week) / f"{one.name}.json") for one in cases}
    table(cases, found, seconds, seed)
    assert [line for case in cases for line in held(case, found[case.name], seed)] == []
    assert told == 0
    again = time.monotonic()
    assert main(["grade", *config, week, "--jobs", "2"]) == 0
    print(f"entered again in {time.monotonic() - again:.0f} s")
    assert main(["feedback", *config, week]) == 0
    assert main(["export", *config, week]) == 0
    with open(course.folder / "grades" / "grades.csv", newline="") as file:
        lines = {line["student"].lstrip("'"): line for line in csv.DictReader(file)}
    for case in cases:
        due = fair(case, seed)
        for name, one in found[case.name].exercises.items():
            short = name.partition("/")[2]
            column = float(lines[case.name][f"{CHAPTER}-{short}-checks"])
            assert column == one["earned"] <= due[short], case.name
        page = course.feedback(week, case.name).read_text(encoding="utf-8")
        assert Page(page).found == [], case.name
        nothing_leaks(page, case.week, seed)
        shown = json.loads(course.autograded(week, case.name).read_text(encoding="utf-8"))
        for one in shown["cells"]:
            text = "".join(one["source"])
            assert one["cell_type"] == "code" or not re.search(r"<script|<img", text), case.name
            assert one["cell_type"] == "code" or "\\href" not in text, case.name
    for path in (course.folder / "grades").iterdir():
        for line in csv.reader(path.read_text(encoding="utf-8").splitlines()):
            assert not [one for one in line if re.match(r"[=@+]|-\D", one)], path
    assert not list(tmp_path.rglob("up.ipynb")) + list(tmp_path.parent.glob("up.ipynb"))
    assert not Path("/tmp/absolute.ipynb").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"course", "download.zip"}
    no_orphans()


# --- what is handed in beside the notebook -------------------------------------------------------


def test_a_link_plants_no_report(course):
    """A link that leads nowhere, and beside it a notebook that is a report with all points."""
    forged = {"student": "blank", "assignment": "week1", "notebook": "0" * 64}
    folder = course.submitted("week1", "blank").parent
    folder.mkdir(parents=True)
    target = course.results("week1") / "blank.json"
    target.parent.mkdir(parents=True)
    course.submitted("week1", "blank").symlink_to(target)
    (folder / "other.ipynb").write_text(json.dumps(forged))
    found = collect(course, course.assignment("week1"))
    assert not target.exists()
    assert found.submissions == []
    assert len(found.unknown) == 1


@pytest.mark.parametrize(
    "hand_in",
    [
        lambda folder: (folder / "timestamp.txt").write_text("yesterday, honestly"),
        lambda folder: (folder / "timestamp.txt").write_bytes(bytes(range(256))),
        lambda folder: (folder / "timestamp.txt").write_text("9999-12-31 23:59:59 -2359"),
        lambda folder: os.mkfifo(folder / "timestamp.txt"),
        lambda folder: (folder / "timestamp.txt").mkdir(),
        lambda folder: (folder / "timestamp.txt").symlink_to("/dev/zero"),
        lambda folder: os.truncate((folder / "week1.ipynb"), 2**38),
        lambda folder: (folder / "week1.ipynb").rename(folder / "a.ipynb") and sparse(folder),
        lambda folder: (folder / "week1.ipynb").unlink() or os.mkfifo(folder / "week1.ipynb"),
        lambda folder: (folder / "week1.ipynb").unlink() or (folder / "week1.ipynb").mkdir(),
    ],
)
def test_what_one_hands_in_stops_no_other(course, hand_in):
    for student in ("blank", "correct"):
        path = course.submitted("week1", student)
        path.parent.mkdir(parents=True)
        path.write_bytes(written(CLASS[0]))
    hand_in(course.submitted("week1", "blank").parent)
    found = collect(course, course.assignment("week1"))
    assert "correct" in [one.student for one in found.submissions]


def sparse(folder):
    """A file of 256 GB that takes no room."""
    with open(folder / "other.ipynb", "wb") as file:
        file.truncate(2**38)


# --- handed in again, graded again ---------------------------------------------------------------

LOTTERY = """
import os
import numpy as np
def filterbank(mean, std, stride, n_filter, n_pixel, rule="exact"):
    return np.full((n_filter, n_pixel), os.urandom(1)[0] / 255)
"""


@boxed
def test_a_lottery_is_drawn_once(tmp_path):
    """The same notebook is not graded again, however often it is handed in."""
    path = tmp_path / "luck.ipynb"
    path.write_bytes(written(cheats.Case("luck", {"filterbank": LOTTERY})))
    graded_once = [
        next(grade_all([("luck", path)], [exercise("filterbank")], SEED, tmp_path / "results"))
        for _ in range(3)
    ]
    assert graded_once[0] == graded_once[1] == graded_once[2]


# --- operations that an exercise forbids ---------------------------------------------------------

ATTENTION = {
    "prompt.md": """\
+++
title = "Attention"
kind = "code"
difficulty = 1
minutes = 5
needs = "torch"
order = 1
forbids = ["scaled_dot_product_attention"]
+++
Write it.
""",
    "solution.py": '''\
import torch


def attend(query, key, value):
    """Attention."""
    ### BEGIN SOLUTION
    score = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
    return torch.softmax(score, dim=-1) @ value
    ### END SOLUTION
''',
    "checks.py": '''\
import numpy as np

from attn_course.exercises.checking import check, close


@check(points=3, hidden=True)
def any_numbers(answer, rng):
    """Attention is a weighted mean of the values."""
    query, key, value = rng.normal(size=(3, 4, 8))
    weight = np.exp(query @ key.T / np.sqrt(8))
    close(answer.attend(query, key, value), weight / weight.sum(1, keepdims=True) @ value)
''',
}
WAYS = """
import importlib, json, os, subprocess, sys
import torch
import torch.nn.functional as F
from torch.nn.functional import scaled_dot_product_attention as mine

PROGRAM = '''
import json, sys
sys.path[:] = json.loads(sys.argv[1])
import torch
given = [torch.tensor(one, dtype=torch.float64) for one in json.loads(sys.stdin.read())]
print(json.dumps(torch.nn.functional.scaled_dot_product_attention(*given).tolist()))
'''

def another_process(*given):
    for program in (sys.executable, sys._base_executable, "/usr/bin/python3"):
        try:
            words = [program, "-S", "-c", PROGRAM, json.dumps(sys.path)]
            told = json.dumps([one.tolist() for one in given])
            return torch.tensor(json.loads(subprocess.check_output(words, input=told, text=True)))
        except (OSError, TypeError, subprocess.SubprocessError):
            pass

def heads(query, key, value):
    layer = torch.nn.MultiheadAttention(8, 1, bias=False, batch_first=True, dtype=query.dtype)
    one = torch.eye(8, dtype=query.dtype)
    with torch.no_grad():
        layer.in_proj_weight.copy_(torch.cat([one, one, one]))
        layer.out_proj.weight.copy_(one)
    return layer(query[None], key[None], value[None])[0][0]

def scripted(*given):
    with open("/tmp/scripted.py", "w") as file:
        file.write("import torch\\ndef f(q, k, v):\\n")
        file.write("    return torch.nn.functional.scaled_dot_product_attention(q, k, v)\\n")
    sys.path.insert(0, "/tmp")
    return torch.jit.script(importlib.import_module("scripted").f)(*given)

def unmasked(*given):
    sys.meta_path[:] = [one for one in sys.meta_path if "Mask" not in type(one).__name__]
    for name in [one for one in sys.modules if one.startswith("torch.nn")]:
        del sys.modules[name]
    return importlib.import_module("torch.nn.functional").scaled_dot_product_attention(*given)

def decomposed(query, key, value):
    from torch._decomp import decompositions
    given = [one[None, None] for one in (query, key, value)]
    return decompositions.scaled_dot_product_flash_attention_for_cpu(*given)[0][0, 0]

def flexible(*given):
    from torch.nn.attention.flex_attention import flex_attention
    return flex_attention(*[one[None, None] for one in given])[0, 0]

def pattern(query, key, value):
    from torch._inductor.fx_passes import fuse_attention
    return fuse_attention._sfdp_pattern_1(query, key, value, 8**0.5)

def forked(*given):
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.write(writing, json.dumps(F.scaled_dot_product_attention(*given).tolist()).encode())
        os._exit(0)
    os.close(writing)
    return torch.tensor(json.loads(os.read(reading, 10**6)))

MANY = [
    lambda *given: mine(*given),
    lambda *given: F.scaled_dot_product_attention(*given),
    lambda *given: torch._C._nn.scaled_dot_product_attention(*given),
    lambda *given: torch.ops.aten.scaled_dot_product_attention(*given),
    lambda *given: torch.ops.aten._scaled_dot_product_attention_math(*given)[0],
    lambda *given: torch.func.vmap(torch._C._nn.scaled_dot_product_attention)(*given),
    another_process, heads, scripted, decomposed, flexible, pattern, forked, unmasked,
]

def attend(query, key, value):
    told = []
    for number, way in enumerate(MANY):
        try:
            return way(query, key, value) + 0
        except BaseException as error:
            told.append(f"{number}: {error!r:.60}")
    raise ValueError(told)
"""


@boxed
@pytest.mark.grading
def test_what_is_forbidden_is_not_had_another_way(tmp_path):
    folder = tmp_path / "own" / "trial" / "attention"
    folder.mkdir(parents=True)
    for name, text in ATTENTION.items():
        (folder / name).write_text(text)
    one = load("trial/attention", [tmp_path / "own"])
    for source, due in ((one.solution(), 3), (WAYS, 0)):
        path = tmp_path / "work.ipynb"
        path.write_text(json.dumps({"cells": [cell(source)], "metadata": {}, "nbformat": 4}))
        assert grade_notebook(path, [one], SEED).earned == due
