"""The course on WebAssembly, without a browser: node loads what the built pages load."""

import json
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from exercise_secrets import leaks
from pyodide_folder import ROOT, in_node, module, static_folder

from attn_course.exercises import load, names
from attn_course.exercises.source import Exercise
from attn_course.gaussian import reference

NUMPY = [name for name in names() if load(name).needs == "numpy" and load(name).has_code]
ROOMS = sorted(path.parent.name for path in ROOT.glob("attn_course/*/reference.py"))
ABSENT = ("torch", "matplotlib", "anywidget", "scipy", "jaxtyping")

IMPORTS = f"""
import importlib.util, sys
from attn_course import exercises
for room in {ROOMS}:
    importlib.import_module(f"attn_course.{{room}}.reference")
print(sys.platform, [name for name in {ABSENT} if importlib.util.find_spec(name)])
"""
WARNS = "import numpy as np, warnings\nwarnings.warn('careful')\n1 / np.zeros(1)"
VALUES = """
import json
import numpy as np
from attn_course.gaussian import reference
image = np.random.default_rng(5).normal(size=(9, 11))
rows, columns = reference.filterbank(3.3, 0.7, 1.4, 4, 9), reference.filterbank(6, 0.9, 1.2, 3, 11)
print(json.dumps([rows.tolist(), (rows @ image @ columns.T).tolist()]))
"""


def before(exercise: Exercise) -> list[str]:
    """The sources of the exercises that stand in a page before this one."""
    return [x for name in exercise.after for x in [*before(load(name)), load(name).solution()]]


@pytest.fixture(scope="module")
def static(tmp_path_factory):
    return static_folder(tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="module")
def given(static):
    """What node gave, by a name: one process for all, since each takes seconds to start."""
    tasks = {"imports": ["run", IMPORTS, "page"], "values": ["run", VALUES, "page"]}
    tasks["error"] = ["run", "import numpy as np\nnp.zeros(3) + np.zeros(2)", "page"]
    for i in range(2):
        tasks[f"warning {i}"] = ["run", WARNS, "page"]
    for name in NUMPY:
        one = load(name)
        for who, source in (("solution", one.solution()), ("starter", one.starter())):
            space = f"{name} {who}"
            for i, text in enumerate([*before(one), source]):
                tasks[f"{space} {i}"] = ["run", text, space]
            tasks[f"check of {space}"] = ["check", name, space]
    return dict(zip(tasks, in_node(static, list(tasks.values())), strict=True))


@pytest.mark.requires("node")
class TestInNode:
    def test_all_references_and_the_exercises_are_imported_with_numpy_alone(self, given):
        assert given["imports"]["error"] == ""
        assert given["imports"]["text"] == "emscripten []\n"

    def test_the_reference_gives_the_same_numbers(self, given):
        image = np.random.default_rng(5).normal(size=(9, 11))
        rows = reference.filterbank(3.3, 0.7, 1.4, 4, 9)
        columns = reference.filterbank(6, 0.9, 1.2, 3, 11)
        got = json.loads(given["values"]["text"])
        for one, other in zip(got, (rows, rows @ image @ columns.T), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)

    def test_an_error_shows_the_lines_of_the_cell(self, given):
        lines = given["error"]["error"].splitlines()
        assert lines[1].strip() == "Line 2, in <module>"
        assert lines[-1].startswith("ValueError: operands could not be broadcast")

    def test_a_warning_is_given_in_each_run(self, given):
        for i in range(2):
            assert ":2: UserWarning: careful" in given[f"warning {i}"]["text"]
            # The page differs from Jupyter here: WebAssembly does not tell of a division by zero.
            assert given[f"warning {i}"]["text"].endswith("\narray([inf])\n")

    @pytest.mark.parametrize("name", NUMPY)
    def test_a_solution_passes_its_checks_and_the_starter_does_not(self, given, name):
        runs = [x for key, x in given.items() if key.startswith(f"{name} solution")]
        assert {x["error"] for x in runs} == {""}
        solved, unsolved = (given[f"check of {name} {who}"] for who in ("solution", "starter"))
        assert solved["error"] == unsolved["error"] == ""
        assert solved["passed"], solved["text"]
        assert not unsolved["passed"], unsolved["text"]
        assert "not yet" in unsolved["text"]


def test_the_wheel_holds_no_solution_hidden_check_or_wrong_answer(static):
    (wheel,) = (static / "python").glob("*.whl")
    with zipfile.ZipFile(wheel) as box:
        inside = {name: box.read(name) for name in box.namelist()}
    texts = {
        name: data.decode() for name, data in inside.items() if not name.endswith((".gz", ".npz"))
    }
    exercises = [load(name) for name in names()]
    found = [
        f"{where}: {one.name}: {secret}"
        for where, text in texts.items()
        for one in exercises
        for secret in leaks(one, text)
    ]
    assert not found, "\n".join(found)
    own = {name: t for name, t in texts.items() if re.search(r"/exercises/\w+/\w+/", name)}
    assert {Path(name).name for name in own} == {"prompt.md", "starter.py", "checks.py"}
    for name, text in own.items():
        assert not re.search(r"MUTANTS|hidden=True|BEGIN SOLUTION|# Rubric", text), name
    assert not [name for name in inside if "/grading/" in name]


def test_the_lock_names_what_is_there_and_nothing_else(static):
    lock = json.loads((static / "python" / "pyodide-lock.json").read_text())
    digest = module(ROOT / "book" / "_ext" / "page_python.py").digest
    assert set(lock["packages"]) == {"numpy", "attn-course"}
    for one in lock["packages"].values():
        assert digest(static / "python" / one["file_name"]) == one["sha256"]
        assert "+" not in one["file_name"]


def test_another_numpy_than_the_locks_is_refused(tmp_path):
    build = module(ROOT / "book" / "_ext" / "page_python.py").build
    core, numpy = tmp_path / "vendor" / "pyodide", tmp_path / "vendor" / "numpy-wasm"
    core.mkdir(parents=True)
    numpy.mkdir()
    (numpy / "numpy.whl").write_bytes(b"another")
    packages = {"numpy": {"file_name": "numpy.whl", "sha256": "0" * 64}}
    (core / "pyodide-lock.json").write_text(json.dumps({"info": {}, "packages": packages}))
    with pytest.raises(ValueError, match=r"numpy\.whl is not the file that"):
        build(tmp_path / "vendor", tmp_path / "static")


@pytest.mark.parametrize("missing", ["pyodide", "numpy-wasm"])
def test_where_a_part_is_missing_the_pages_are_told_so(tmp_path, missing):
    build = module(ROOT / "book" / "_ext" / "page_python.py").build
    for name in {"pyodide", "numpy-wasm"} - {missing}:
        (tmp_path / "vendor" / name).mkdir(parents=True)
        (tmp_path / "vendor" / name / "pyodide-lock.json").write_text("{}")
    (tmp_path / "static" / "python").mkdir(parents=True)  # of an earlier build
    assert build(tmp_path / "vendor", tmp_path / "static") is None
    assert not (tmp_path / "static" / "python").exists()
    said = (tmp_path / "static" / "attn" / "files.mjs").read_text()
    assert said.endswith("export const files = null;\n")
