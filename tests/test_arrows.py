"""Who may import whom, and what can be imported without torch.

`complaints` reads the sources of a package folder; `import_blocked` imports modules in a fresh
interpreter where some packages cannot be imported and nothing can be fetched. Both are shown
planted faults in a copy of the package.
"""

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest
from paths import HAS_TORCH

import attn_course

PACKAGE = Path(attn_course.__file__).parent
PROJECT = PACKAGE.parent

CHAPTERS = (
    "preliminaries",
    "soft_hard",
    "gaussian",
    "spatial_transformer",
    "seq2seq",
    "families",
    "ntm",
    "pointer",
    "transformer",
    "snail",
    "sagan",
)

# Downwards along the arrows; a step may be left out. Everything may import the bottom.
BOTTOM = {"_typing", "_check"}
MAY_IMPORT = {
    "training": {"recipe", "modules", "functional", "task", "data"},
    "recipe": {"recipe", "modules", "functional", "task", "data"},
    "modules": {"functional"},
    "functional": set(),
    "task": {"task", "data"},  # of two tasks of a room, or recipes, one may build on the other
    "reference": set(),
    "figures": {"reference", "task", "data"},
    "exercises": {"checking"},
    "checking": {"exercises"},
    "checks": {"checking", "reference", "task"},
    "solution": set(),  # what it takes from another's solution a student has written before
    "grading": {"exercises", "checking"},
    "bench": {"benchmark", "functional"},
    "benchmark": set(),  # a mechanism's bench is imported when it is asked for
    "data": set(),
    "doctor": {"data"},
    "__main__": set(),  # a command's module is imported when it is asked for
    "__init__": set(),
    "_check": set(),
    "_typing": set(),
}
FILES = {"reference", "functional", "modules", "task", "recipe", "bench"}
TORCH = {"torch", "einops", "safetensors"}
# The doctor looks at torch; checks and the sandbox's worker hand tensors to code that needs them.
WITH_TORCH = {"functional", "modules", "recipe", "training", "doctor", "checking"}
WITH_TORCH |= {"bench", "benchmark"}
ONLY_NUMPY = {"reference", "checks", "solution", "_check", "_typing", "__init__"}
WITHOUT_TORCH = ("reference", "task", "data", "figures", "exercises", "checking", "checks")


def place(parts: Iterable[str]) -> tuple[str, str]:
    """(room or '', kind) of a module of the package, from its dotted name within it."""
    first, *rest = [*parts, ""]
    if first in CHAPTERS:
        # A room with several recipes or tasks has recipe.py and others, such as recipe_race.py.
        kind, _, more = rest[0].partition("_")
        return first, kind if more and kind in ("recipe", "task") else rest[0] or "__init__"
    if first == "exercises" and rest[-2:-1] in (["solution"], ["checks"]) and len(rest) == 4:
        return "", rest[2]  # exercises/CHAPTER/NAME/solution
    if first == "exercises" and rest[0] in ("checking", "worker"):
        return "", "checking"
    return "", first or "__init__"


@cache
def targets(source: str) -> tuple[str, ...]:
    """Dotted names that a source imports, at any depth."""
    return tuple(_targets(source))


def _targets(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            before = "." * node.level + (node.module or "")
            yield from (f"{before}.{alias.name}" for alias in node.names)
        elif (
            isinstance(node, ast.Call)
            and ast.unparse(node.func) in ("importlib.import_module", "import_module", "__import__")
            and node.args
            and isinstance(node.args[0], ast.Constant)
        ):
            yield node.args[0].value


def module_parts(path: Path, package: Path) -> list[str]:
    """gaussian/__init__.py -> ['gaussian'], gaussian/task.py -> ['gaussian', 'task']."""
    parts = list(path.relative_to(package).with_suffix("").parts)
    return parts[:-1] if parts[-1] == "__init__" else parts


def forbidden(importer: tuple[str, str], imported: tuple[str, str]) -> bool:
    """Whether an import within the package goes against the arrows."""
    (room, kind), (other_room, other_kind) = importer, imported
    if other_kind in BOTTOM or (not room and kind == other_kind):
        return False
    if not other_room and other_kind == "__init__":
        return kind != "doctor"  # the package itself holds the version and nothing else
    if room and other_room and room != other_room:
        # What it may have of its own room it may have of an earlier one, and its own kind too.
        if CHAPTERS.index(other_room) > CHAPTERS.index(room):
            return True
        return kind != other_kind and other_kind not in MAY_IMPORT[kind]
    return other_kind not in MAY_IMPORT[kind]


def complaints(package: Path) -> list[str]:
    """Everything in a package folder that goes against the house's arrows."""
    found = []
    for path in sorted(package.rglob("*")):
        where = path.relative_to(package)
        if path.stem in ("torch", "numpy"):
            found.append(f"{where} shadows {path.stem}")
        if path.suffix != ".py":
            continue
        room, kind = place(module_parts(path, package))
        if kind not in MAY_IMPORT or (room and kind not in FILES | {"__init__"}):
            found.append(f"{where} has no place in the house")
            continue
        for name in targets(path.read_text(encoding="utf-8")):
            root, *rest = name.split(".")
            if not root:
                found.append(f"{where} imports {name} by a relative path")
            elif root == package.name:
                while rest and not (
                    (package.joinpath(*rest)).is_dir()
                    or package.joinpath(*rest).with_suffix(".py").exists()
                ):
                    rest.pop()  # a name within the module
                if forbidden((room, kind), place(rest)):
                    found.append(f"{where} imports {name}")
            elif root == "torch" and kind == "solution":
                if not needs_torch(path.with_name("prompt.md")):
                    found.append(f"{where} imports torch, which its exercise does not need")
            elif (root in TORCH and kind not in WITH_TORCH) or (
                kind in ONLY_NUMPY
                and root not in sys.stdlib_module_names | {"numpy"}
                and (kind, root) != ("_typing", "jaxtyping")
            ):
                found.append(f"{where} imports {name}")
    return found


def needs_torch(prompt: Path) -> bool:
    """Whether an exercise says that it needs torch."""
    return prompt.exists() and 'needs = "torch"' in prompt.read_text(encoding="utf-8")


def book_complaints(book: Path) -> list[str]:
    """Notebooks may import everything but the inside of training, and nothing private.

    A live cell, which repeats a function of the package, may need what words its errors.
    """
    found = []
    for path in sorted(book.glob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] != "code":
                continue
            lines = "".join(cell["source"]).splitlines()
            source = "\n".join(line for line in lines if not line.lstrip().startswith(("%", "!")))
            for name in targets(source):
                parts = name.split(".")
                inside = (PACKAGE / "training" / f"{parts[2]}.py").exists() if parts[2:] else False
                private = any(part.startswith("_") for part in parts)
                if "live" in cell.get("metadata", {}).get("tags", ()) and parts[1:] == ["_check"]:
                    continue
                if parts[0] == PACKAGE.name and (private or (parts[1] == "training" and inside)):
                    found.append(f"{path.name} imports {name}")
    return found


# --- importing in a fresh interpreter -------------------------------------------------------------

FRESH = """
import doctest, importlib, importlib.abc, sys

blocked, modules, examples = (set(filter(None, each.split(","))) for each in sys.argv[1:])


class Blocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ModuleNotFoundError(f"{name} is blocked", name=name)


def stay_here(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "urllib.Request"):
        raise RuntimeError(f"fetches at import: {event} {args}")


sys.meta_path.insert(0, Blocker())
sys.addaudithook(stay_here)
for name in sorted(modules):
    module = importlib.import_module(name)
    if name in examples:
        result = doctest.testmod(module)
        if result.failed or not result.attempted:
            sys.exit(f"{name}: {result}")
"""


def import_blocked(
    modules: Iterable[str],
    blocked: Iterable[str] = (),
    project: Path = PROJECT,
    examples: Iterable[str] = (),
) -> str:
    """Import `modules` where `blocked` cannot be had; '' or what went wrong."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", FRESH, *map(",".join, (blocked, modules, examples))],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(project), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    return (done.stdout + done.stderr or f"exit {done.returncode}") if done.returncode else ""


def modules_of(*kinds: str, package: Path = PACKAGE) -> list[str]:
    """Dotted names of all modules of these kinds."""
    return sorted(
        ".".join([package.name, *parts])
        for parts in (module_parts(path, package) for path in package.rglob("*.py"))
        if place(parts)[1] in kinds
    )


# --- the package ----------------------------------------------------------------------------------


def test_arrows():
    assert complaints(PACKAGE) == []


def test_arrows_of_the_book():
    assert book_complaints(PROJECT / "book") == []


def test_a_room_its_page_and_its_test_bear_the_same_word():
    rooms = sorted(path.parent.name for path in PACKAGE.glob("*/reference.py"))
    assert set(rooms) <= set(CHAPTERS)
    assert {"preliminaries", "gaussian"} <= set(rooms)
    for room in rooms:
        assert (PROJECT / "tests" / f"test_{room}.py").exists()
        assert any((PROJECT / "book" / f"{room}.{kind}").exists() for kind in ("ipynb", "md"))


def test_references_need_nothing_but_numpy():
    modules = modules_of("reference")
    assert len(modules) >= 2
    bare = ("torch", "jaxtyping", "beartype", "einops", "matplotlib", "scipy", "anywidget", "pooch")
    assert import_blocked(modules, bare, examples=modules) == ""


def test_what_a_student_checks_with_needs_nothing_but_numpy():
    bare = ("torch", "jaxtyping", "beartype", "einops", "matplotlib", "scipy", "yaml", "nbformat")
    checks = modules_of("checks")
    assert set(map(module_of, PACKAGE.glob("exercises/*/*/checks.py"))) == set(checks)
    needed = [f"{PACKAGE.name}.exercises", f"{PACKAGE.name}.exercises.commands", *checks]
    assert import_blocked(needed, [*bare, "nbgrader", "jinja2", "pooch", "IPython"]) == ""


def module_of(path: Path) -> str:
    return ".".join([PACKAGE.name, *module_parts(path, PACKAGE)])


def test_numpy_half_needs_no_torch():
    modules = modules_of(*WITHOUT_TORCH)
    assert f"{PACKAGE.name}.gaussian.task" in modules
    assert import_blocked(modules, TORCH) == ""


def test_the_package_itself_imports_nothing():
    assert import_blocked([PACKAGE.name], ("torch", "numpy", "jaxtyping")) == ""


@pytest.mark.skipif(not HAS_TORCH, reason="torch is absent")
def test_nothing_is_fetched_at_import():
    modules = modules_of(*MAY_IMPORT)
    assert f"{PACKAGE.name}.gaussian.recipe" in modules
    assert import_blocked(modules) == ""


# --- planted faults -------------------------------------------------------------------------------


@pytest.fixture
def copy(tmp_path):
    """A copy of the package's sources in a folder of its own."""
    folder = tmp_path / PACKAGE.name
    ignore = shutil.ignore_patterns("__pycache__", "shipped", "static")
    shutil.copytree(PACKAGE, folder, ignore=ignore)
    assert complaints(folder) == complaints(PACKAGE)
    return folder


def plant(copy: Path, where: str, line: str) -> None:
    path = copy / where
    path.parent.mkdir(parents=True, exist_ok=True)
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    path.write_text(old + line + "\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("where", "line"),
    [
        ("gaussian/functional.py", "from attn_course.gaussian import reference"),
        ("gaussian/functional.py", "from attn_course.gaussian.reference import RULES"),
        ("gaussian/reference.py", "import attn_course.gaussian.functional"),
        ("gaussian/functional.py", "from attn_course.preliminaries.modules import Dense"),
        ("gaussian/modules.py", "from attn_course.gaussian import recipe"),
        ("gaussian/reference.py", "from attn_course.gaussian import task"),
        ("gaussian/task.py", "from attn_course.gaussian import reference"),
        ("gaussian/task.py", "import torch.nn"),
        ("gaussian/recipe.py", "from attn_course.training import loop"),
        ("preliminaries/reference.py", "from attn_course.gaussian.reference import filterbank"),
        ("preliminaries/reference.py", "import scipy.special"),
        ("preliminaries/reference.py", "def f():\n    import torch"),
        ("preliminaries/reference.py", "from attn_course.data import mnist"),
        ("figures/style.py", "from attn_course.gaussian.functional import filterbank"),
        ("figures/style.py", "from torch import Tensor"),
        ("figures/style.py", "from attn_course import training"),
        ("data/store.py", "from attn_course.gaussian.task import clutter"),
        ("exercises/gaussian.py", "import importlib\nimportlib.import_module('torch')"),
        ("exercises/commands.py", "import torch"),
        ("exercises/submission.py", "def f():\n    import torch"),
        ("exercises/release.py", "from attn_course.grading import sandbox"),
        ("exercises/release.py", "from attn_course.exercises.gaussian.waste import solution"),
        ("exercises/gaussian/a/solution.py", "import torch"),
        ("exercises/gaussian/a/solution.py", "import scipy"),
        ("exercises/gaussian/a/solution.py", "from attn_course.gaussian.reference import glimpse"),
        ("exercises/gaussian/a/solution.py", "from attn_course.exercises import load"),
        ("exercises/gaussian/a/checks.py", "import torch"),
        ("exercises/gaussian/a/checks.py", "import scipy"),
        ("exercises/gaussian/a/checks.py", "from attn_course.exercises.source import load"),
        ("exercises/gaussian/a/checks.py", "from attn_course.gaussian import functional"),
        ("exercises/gaussian/a/checks.py", "from attn_course.exercises.gaussian.a import solution"),
        ("exercises/gaussian/a/helpers/more.py", "import torch"),
        ("__main__.py", "from attn_course.data import store"),
        ("doctor.py", "from attn_course.exercises import load"),
        ("grading/grade.py", "import torch"),
        ("grading/grade.py", "from attn_course.gaussian.reference import filterbank"),
        ("_check.py", "import numpy as np\nfrom attn_course.data import mnist"),
        ("_check.py", "import torch"),
        ("__init__.py", "from attn_course.gaussian import reference"),
        ("gaussian/reference.py", "from . import task"),
        ("gaussian/torch.py", ""),
        ("gaussian/helpers.py", ""),
        ("torch/__init__.py", ""),
        ("numpy/__init__.py", ""),
    ],
)
def test_a_planted_import_is_seen(copy, where, line):
    before = complaints(copy)
    plant(copy, where, line)
    assert len(complaints(copy)) > len(before)


@pytest.mark.parametrize(
    ("where", "line"),
    [
        ("gaussian/reference.py", "from attn_course.preliminaries.reference import softmax"),
        ("gaussian/recipe.py", "from attn_course.gaussian.task import clutter"),
        ("gaussian/recipe.py", "from attn_course import data"),
        ("gaussian/modules.py", "from attn_course.preliminaries import modules"),
        ("figures/style.py", "from attn_course.gaussian import reference, task"),
        ("exercises/gaussian/a/checks.py", "from attn_course.gaussian.reference import glimpse"),
        ("exercises/gaussian/a/checks.py", "from attn_course.gaussian.task import clutter"),
        ("exercises/gaussian/a/checks.py", "from attn_course.exercises.checking import close"),
        (
            "exercises/gaussian/a/solution.py",
            "from attn_course.exercises.gaussian.filterbank.solution import filterbank",
        ),
        ("grading/grade.py", "from attn_course import exercises"),
        ("grading/grade.py", "from attn_course.exercises.source import load"),
    ],
)
def test_an_arrow_that_is_drawn_may_be_used(copy, where, line):
    before = complaints(copy)
    (copy / "exercises").mkdir(exist_ok=True)
    plant(copy, where, line)
    assert complaints(copy) == before


def test_a_solution_may_import_torch_where_its_exercise_needs_it(copy):
    before = complaints(copy)
    plant(copy, "exercises/gaussian/a/prompt.md", 'needs = "torch"')
    plant(copy, "exercises/gaussian/a/solution.py", "import torch\nimport torch.nn.functional")
    assert complaints(copy) == before
    plant(copy, "exercises/gaussian/a/solution.py", "import einops")
    assert len(complaints(copy)) == len(before) + 1


@pytest.mark.parametrize(
    ("line", "blocked", "sign"),
    [
        ("import torch", TORCH, "torch is blocked"),
        ("import urllib.request as u\nu.urlopen('http://127.0.0.1:9')", (), "fetches at import"),
        ("import socket\nsocket.create_connection(('127.0.0.1', 9))", (), "fetches at import"),
        ('"""\n>>> 1 + 1\n3\n"""\n__doc__ = ">>> 1 + 1\\n3\\n"', (), "failed=1"),
    ],
)
def test_a_planted_need_is_seen(copy, line, blocked, sign):
    plant(copy, "preliminaries/reference.py", line)
    module = f"{PACKAGE.name}.preliminaries.reference"
    assert sign in import_blocked([module], blocked, copy.parent, examples=[module])


@pytest.mark.parametrize(
    ("line", "is_fault"),
    [
        ("from attn_course.training.loop import train", True),
        ("from attn_course.training import loop", True),
        ("import attn_course._check", True),
        ("from attn_course import _typing", True),
        ("from attn_course.training import records", False),
        ("from attn_course.gaussian.functional import filterbank", False),
    ],
)
def test_a_planted_import_in_the_book_is_seen(tmp_path, line, is_fault):
    cell = {"cell_type": "code", "source": ["%matplotlib inline\n", line]}
    (tmp_path / "page.ipynb").write_text(json.dumps({"cells": [cell]}), encoding="utf-8")
    assert bool(book_complaints(tmp_path)) == is_fault
