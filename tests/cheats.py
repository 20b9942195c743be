"""A class that tries everything: honest work of every kind, accidents, and cheats.

Each submission is made from the notebook that is handed out. Unless told otherwise it holds the
right answer to every exercise; `answers` replaces some, `worth` says what these deserve: the points
that a source gets when it is graded in this process, beside the right answers to the rest.
"""

import contextlib
import copy
import functools
import io
import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from attn_course.exercises import submission
from attn_course.exercises.cells import cells
from attn_course.exercises.checking import Answer, run
from attn_course.exercises.source import OTHERS, Exercise, load
from attn_course.grading import sandbox

SECOND = Path(__file__).with_name("second_solutions")
CHAPTER = "gaussian"
WEEK = ("waste", "limits", "filterbank", "write", "gradient")
NOTHING = ""  # what an answer deserves that does not do what was asked
ITSELF = "itself"  # what it gets in this process: for honest ones alone, as it is run here


@dataclass(frozen=True)
class Case:
    """One submission."""

    name: str
    answers: Mapping[str, str] = field(default_factory=dict)  # exercise -> source of its cell
    worth: Mapping[str, str] = field(default_factory=dict)  # exercise -> source that it deserves
    top: tuple[str, ...] = ()  # further cells, above and below
    bottom: tuple[str, ...] = ()
    edit: Callable[[dict[str, Any]], Any] | None = None  # done to the notebook at last
    file: bytes | None = None  # what is handed in in the place of a notebook
    short: bool = False  # in the short form too
    week: tuple[str, ...] = WEEK
    clean: bool = False  # the report has no notes
    harms: bool = False  # what it does may cost points of its own: no more than these is due


@functools.cache
def exercise(name: str) -> Exercise:
    """An exercise of the chapter."""
    return load(f"{CHAPTER}/{name}")


def blank(week: tuple[str, ...]) -> dict[str, Any]:
    """A notebook as it is handed out, with the ids that nbgrader gives."""
    made = []
    for name in week:
        for one in cells(exercise(name)):
            part = {"starter": "answer", "check": "checks"}.get(one.part, one.part)
            grade = {"grade_id": f"{CHAPTER}-{name}-{one.name or part}", "schema_version": 3}
            grade |= {"grade": part == "checks", "solution": part == "answer", "points": 9}
            attn = {"exercise": f"{CHAPTER}/{name}", "part": one.part, "name": one.name}
            made.append(cell(one.source, one.kind, attn=attn, nbgrader=grade))
    return {"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}


def cell(source: str, kind: str = "code", **metadata: Any) -> dict[str, Any]:
    """A cell of a notebook."""
    made = {"cell_type": kind, "metadata": metadata, "source": source}
    return made | ({"execution_count": None, "outputs": []} if kind == "code" else {})


def of(notebook: dict[str, Any], part: str, name: str = "") -> list[dict[str, Any]]:
    """The cells of a part: starter, check, prompt or question."""
    asked = [(one, one["metadata"].get("attn", {})) for one in notebook["cells"]]
    mine = (f"{CHAPTER}/{name}", "") if name else ()
    return [
        one
        for one, attn in asked
        if attn.get("part") == part and (not mine or attn["exercise"] in mine)
    ]


def written(case: Case, released: dict[str, Any] | None = None) -> bytes:
    """What is handed in."""
    if case.file is not None:
        return case.file
    made = copy.deepcopy(released) if released else blank(case.week)
    for one in made["cells"]:
        one["source"] = "".join(one["source"])
    for name in case.week:
        source = case.answers.get(name, exercise(name).solution())
        for one in of(made, "starter", name):
            one["source"] = source or exercise(name).starter()
    for one in of(made, "question"):
        one["source"] = "Because of the weights.\n\n<script>alert(1)</script> $\\href{x}{y}$"
    made["cells"][0:0] = [cell(one) for one in case.top]
    made["cells"] += [cell(one) for one in case.bottom]
    if made["nbformat_minor"] >= 5:
        for number, one in enumerate(made["cells"]):
            one.setdefault("id", f"own-{number}")
    done = case.edit(made) if case.edit else None
    return done if isinstance(done, bytes) else json.dumps(made).encode()


def fair(case: Case, seed: list[int]) -> dict[str, int]:
    """The points that each exercise deserves."""
    return {name: deserved(case, name, tuple(seed)) for name in case.week}


def deserved(case: Case, name: str, seed: tuple[int, ...]) -> int:
    """The points of one exercise."""
    if case.file is not None:
        return 0
    source = case.worth.get(name, None if name not in case.answers else NOTHING)
    if source is None:
        source = exercise(name).solution()
    elif source == ITSELF:
        source = case.answers[name]
    return points(case.week, name, source, seed)


@functools.cache
def points(week: tuple[str, ...], name: str, source: str, seed: tuple[int, ...]) -> int:
    """What a source gets, the other exercises being right."""
    if not source:
        return 0
    space: dict[str, Any] = {"__name__": "__main__"}
    for other in week:
        exec(exercise(other).solution(), space)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        exec(source, space)
        outcomes = run(exercise(name).checks(), Answer(space, exercise(name).needs), list(seed))
    return sum(one.earned for one in outcomes)


def launcher(needs: str, slot: int, hasty: bool) -> submission.Launch:
    """The sandbox, for the short form with shorter limits."""
    if hasty:
        submission.Submission.__init__.__defaults__ = ("numpy", submission.plain, (), 2, 5, 60)
    return sandbox.launcher(needs, slot)


# --- pieces of answers ---------------------------------------------------------------------------

NOT_IT = "def filterbank(*args, **options):\n    return 0.0\n"
LINES = "import ctypes, gc, json, os, signal, struct, subprocess, sys, time\nimport numpy as np\n"
# The pipes of the worker, however they are numbered.
PIPES = LINES + (
    "FDS = list(range(3, 64))\n"
    "def say(data):\n"
    "    for fd in FDS:\n"
    "        try:\n"
    "            os.write(fd, data)\n"
    "        except OSError:\n"
    "            pass\n"
    "def framed(text):\n"
    "    data = text.encode()\n"
    "    return len(data).to_bytes(4, 'big') + data\n"
)


def filters(body: str, before: str = LINES) -> str:
    """A `filterbank` that does something else."""
    lines = "\n".join("    " + line for line in body.splitlines())
    return (
        f"{before}\ndef filterbank(mean, std, stride, n_filter, n_pixel, rule='exact'):\n{lines}\n"
    )


def mutant(name: str, index: int) -> str:
    """A typical wrong answer."""
    one = list(exercise(name).mutants().values())[index]
    return exercise(name).mutated(one)


def second(name: str) -> str:
    """The second right answer."""
    source = (SECOND / CHAPTER / f"{name}.py").read_text(encoding="utf-8")
    return OTHERS.sub("", source)


def cheat(name: str, source: str, **options: Any) -> Case:
    """One whose cell for `filterbank` holds something else, worth nothing."""
    return Case(name, answers={"filterbank": source}, **options)


def honest(name: str, **options: Any) -> Case:
    """One whose answers are all worth what they are."""
    answers = options.pop("answers", {})
    return Case(name, answers, worth=dict.fromkeys(answers, ITSELF), **options)


def patched(name: str, body: str, **options: Any) -> Case:
    """One that changes the world in a cell above, and whose `filterbank` is no answer."""
    return cheat(name, NOT_IT, top=(LINES + body,), **options)


# --- honest work, and accidents ------------------------------------------------------------------

EMPTY = dict.fromkeys(WEEK, NOTHING)
CELL_LOOP = "row = 0\nwhile row < 10:\n    pass"
DEAF_LOOP = """\
while True:
    try:
        while True:
            pass
    except BaseException:
        pass"""
EXPLORING = """\
%matplotlib inline
!pip install numpy
import matplotlib.pyplot as plt
import numpy as np
from attn_course.gaussian.reference import filterbank as theirs
from attn_course.exercises import check

plt.plot([1, 2], [3, 4])
plt.show()
print(theirs(0.0, 1.0, 1.0, 3, 5).round(2))
assert np.allclose(theirs(0.0, 1.0, 1.0, 3, 5), 1)
display(theirs)
get_ipython().run_line_magic("timeit", "1 + 1")
check("gaussian/waste")
times = %timeit -o sum(range(10))
print?"""
ASKING = "import sys\nname = input('Who are you? ')\n"
HELPER = """\
def _mean_at(line, mean):
    distance = np.abs(np.arange(len(line)) - mean)
    return float(line[distance == distance.min()].mean())
"""
ONE_LINERS = """\
import functools
import numpy as np

def _cost(of_pixel, of_layer, height, width, cost):
    return (of_pixel + of_layer * cost) * height * width

vector_cost = functools.partial(_cost, 2, 1)
matrix_cost = lambda height, width, h, w, cost: h * width * (height + w) + cost * h * w

class Threshold:
    def __call__(self, height, width, h, w):
        dearer = matrix_cost(height, width, h, w, 0) - vector_cost(height, width, 0)
        return dearer / (height * width - h * w)

threshold = Threshold()
"""
DECORATED = """\
import functools, time, warnings
import numpy as np

def timed(function):
    @functools.wraps(function)
    def inner(*args, **options):
        begun = time.perf_counter()
        try:
            return function(*args, **options)
        finally:
            print(f"{function.__name__} took {time.perf_counter() - begun:.3f} s")
            warnings.warn("still a little slow")
    return inner

"""
HELPED = (
    exercise("limits").solution()
    + """
def narrow(line, mean):
    return _mean_at(line, mean)
"""
)
RECURSIVE = """\
import numpy as np

def wide(line):
    def total(first, last):
        if last - first == 1:
            return line[first]
        middle = (first + last) // 2
        return total(first, middle) + total(middle, last)
    return total(0, len(line)) / len(line)

def narrow(line, mean):
    line = np.asmatrix(line)
    distance = np.abs(np.arange(line.shape[1]) - mean)
    return line[0, distance == distance.min()].mean()

def far(line, side, rule):
    return {"source": 0.0, "exact": line[{"left": 0, "right": -1}[side]]}[rule]
"""


def decorated(source: str) -> str:
    """Every function timed, and talking about it."""
    return DECORATED + source.replace("\ndef ", "\n@timed\ndef ")


def ended(source: str, end: str) -> str:
    """A solution whose results go through something at last."""
    head, found, tail = source.rpartition("return ")
    assert found
    return f"{head}return {end.format(tail.rstrip())}\n"


def shuffled(notebook: dict[str, Any]) -> None:
    """The cells in the opposite order."""
    notebook["cells"].reverse()


def merged(notebook: dict[str, Any]) -> None:
    """All code in one cell, the checks behind it."""
    code = [one for one in notebook["cells"] if one["cell_type"] == "code"]
    lines = "\n\n".join(one["source"] for one in code if "check(" not in one["source"])
    notebook["cells"] = [cell(lines)]


def split(notebook: dict[str, Any]) -> None:
    """A cell for each function."""
    made = []
    for one in notebook["cells"]:
        parts = one["source"].split("\n\n\n") if one["cell_type"] == "code" else [one["source"]]
        made += [{**one, "source": part} for part in parts]
    notebook["cells"] = made


def doubled(notebook: dict[str, Any]) -> None:
    """Every cell twice, with the same ids."""
    notebook["cells"] += copy.deepcopy(notebook["cells"])


def starters_below(notebook: dict[str, Any]) -> None:
    """The starters once more, untouched, below the answers."""
    notebook["cells"] += [cell(exercise(name).starter()) for name in WEEK]


def answers_moved(notebook: dict[str, Any]) -> None:
    """The starters left alone, the answers in new cells at the end."""
    for one in of(notebook, "starter"):
        notebook["cells"].append(cell(one["source"]))
        one["source"] = exercise(one["metadata"]["attn"]["exercise"].split("/")[1]).starter()


def without_checks(notebook: dict[str, Any]) -> None:
    """The cells that check deleted."""
    gone = [id(one) for one in of(notebook, "check")]
    notebook["cells"] = [one for one in notebook["cells"] if id(one) not in gone]


def in_another_language(notebook: dict[str, Any]) -> None:
    """A notebook of R."""
    notebook["metadata"] = {"kernelspec": {"name": "ir", "language": "R", "display_name": "R"}}


def very_large(notebook: dict[str, Any]) -> None:
    """Outputs of some megabytes."""
    picture = {
        "output_type": "display_data",
        "metadata": {},
        "data": {"image/png": "A" * 9 * 10**6},
    }
    of(notebook, "check")[0]["outputs"] = [picture]


def saved_in_windows(notebook: dict[str, Any]) -> bytes:
    """A mark at the start of the file, and lines that end in two characters."""
    for one in notebook["cells"]:
        one["source"] = one["source"].replace("\n", "\r\n")
    return b"\xef\xbb\xbf" + json.dumps(notebook, indent=1).encode().replace(b"\n", b"\r\n")


def emptied(notebook: dict[str, Any]) -> None:
    """Nothing left in any cell."""
    for one in notebook["cells"]:
        one["source"] = ""


def renamed(source: str) -> str:
    """Functions of other names."""
    return source.replace("def filterbank", "def my_filterbank")


RIGHT = {"limits": exercise("limits").solution()}
SLOW = RIGHT["limits"].replace("return float(np", "time.sleep(2)\n    return float(np")
SINGLE = {
    "filterbank": ended(exercise("filterbank").solution(), "np.float32({})"),
    "write": exercise("write").solution().replace("np.stack", "np.float32"),
}
BOMB_IN_A_CELL = "def bomb():\n    kept = []\n    while True: kept.append(bytearray(10**7))\nbomb()"
MATRICES = {"filterbank": ITSELF, "write": NOTHING}
BOMB = "kept = []\nwhile True: kept.append(bytearray(10**7))"
FORKS = "while True:\n    try: os.fork()\n    except OSError: pass"
THREADS = "import threading\nwhile True: threading.Thread(target=time.sleep, args=(99,)).start()"
DISK = """\
for i in range(10**6):
    with open(f"/tmp/{i}", "wb") as file: file.write(bytes(10**7))"""
FORMAT_3 = b'{"nbformat": 3, "metadata": {}, "worksheets": [{"cells": []}]}'
ODD = b"""{"nbformat": 4, "metadata": [], "cells": [null, 1, "x",
    {"cell_type": ["code"], "source": {"a": 1}}, {"cell_type": "code", "source": [1, null]}]}"""


def loop(body: str) -> dict[str, str]:
    """Of `limits`, one function that does not come to an end."""
    return {"limits": f"import re\nimport numpy as np\ndef wide(line):\n    {body}\n"}


def bank(end: str) -> dict[str, str]:
    """`filterbank` with something done to its result."""
    return {"filterbank": ended(exercise("filterbank").solution(), end)}


HONEST = [
    honest("correct", short=True, clean=True),
    honest("second-style", answers={name: second(name) for name in WEEK}, short=True),
    honest("partly-right", answers={n: mutant(n, 0) for n in ("waste", "limits")}, short=True),
    honest("partly-right-2", answers={n: mutant(n, 3) for n in ("filterbank", "gradient")}),
    honest("partly-right-3", answers={n: mutant(n, -1) for n in ("write", "limits")}),
    Case("blank", answers=EMPTY, short=True),
    Case("emptied", answers=EMPTY, edit=emptied),
    Case("syntax-error", {"limits": "def narrow(line, mean:\n    retrun 0"}, short=True),
    honest("talks", answers={"waste": decorated(exercise("waste").solution())}, short=True),
    honest("talks-on-stderr", top=("import sys\nprint('x' * 5000, file=sys.stderr)",), clean=True),
    Case("loops-in-a-function", loop("while True: pass")),
    Case("loops-in-a-cell", top=(CELL_LOOP,), short=True),
    Case("loops-and-swallows-the-alarm", top=(DEAF_LOOP,)),
    Case("loops-in-c", loop("return len(str(9**9**9))"), short=True),
    Case("loops-in-a-pattern", loop("re.match('(a+)+$', 'a' * 60 + 'b')")),
    Case("loops-in-numpy", loop("for _ in iter(int, 1): np.ones(9**6).sum()")),
    cheat("memory-bomb", filters(BOMB)),
    cheat("memory-bomb-in-a-cell", BOMB_IN_A_CELL, short=True),
    cheat("fork-bomb", filters(FORKS), short=True),
    cheat("thread-bomb", filters(THREADS)),
    honest("output-flood", top=("for _ in range(20000): print('x' * 1000)",), clean=True),
    cheat("output-flood-for-ever", filters("while True: print('x' * 10**6, flush=True)")),
    cheat("disk-bomb", filters(DISK), short=True),
    cheat("many-files", filters("for i in range(10**9): open(f'/tmp/{i}', 'w').close()")),
    cheat("deep-recursion", filters("sys.setrecursionlimit(10**9)\ng = lambda x: g(g(x))\ng(1)")),
    honest("cells-reversed", edit=shuffled, short=True),
    honest("cells-merged", edit=merged),
    honest("cells-split", edit=split),
    honest("cells-doubled", edit=doubled),
    honest("starters-below", edit=starters_below, short=True),
    honest("answers-in-new-cells", edit=answers_moved),
    honest("checks-deleted", edit=without_checks),
    honest("exploring", top=(EXPLORING,), bottom=(EXPLORING,), short=True),
    honest("asks-and-exits", top=(ASKING,), bottom=("import sys\nsys.exit()", "raise SystemExit")),
    Case("helper-elsewhere", {"limits": HELPED}, worth=RIGHT, bottom=(HELPER,)),
    honest("numpy-raises", top=("import numpy as np\nnp.seterr(all='raise')",), short=True),
    honest("warnings-raise", top=("import warnings\nwarnings.simplefilter('error')",)),
    honest("global-seed", top=("import numpy as np\nnp.random.seed(0)",)),
    honest("print-replaced", top=("print = lambda *args, **options: 1 / 0",)),
    honest("single-precision", answers=SINGLE, short=True),
    honest("one-liners", answers={"waste": ONE_LINERS, "limits": RECURSIVE}, short=True),
    # What is right on its own is no good to `write`, as a check in the notebook says too.
    honest("returns-lists", answers=bank("({}).tolist()")),
    Case("returns-matrices", bank("np.asmatrix({})"), worth=MATRICES),
    honest("turned-and-big-endian", answers=bank("({})[::-1].astype('>f8')[::-1]")),
    honest("slow", answers={"limits": "import time\n" + SLOW}),
    Case("renamed", {"filterbank": renamed(exercise("filterbank").solution())}, short=True),
    Case("in-r", answers=EMPTY, edit=in_another_language),
    honest("very-large", edit=very_large),
    honest("saved-in-windows", edit=saved_in_windows),
    Case("broken", file=b'{"cells": [{"cell_type": "code", "source": ["def wide', short=True),
    Case("empty-file", file=b""),
    Case("not-utf-8", file='{"cells": ["\xe9"]}'.encode("latin-1")),
    Case("format-3", file=FORMAT_3),
    Case("no-notebook", file=b"PK\x03\x04 this is a Word file"),
    Case("odd-parts", file=ODD, short=True),
    Case("deep", file=b"[" * 10**6),
]


# --- cheats of the kind that checks in a student's own kernel fall for ---------------------------

EVERYTHING = """
class Same(np.ndarray):
    __eq__ = __ge__ = __le__ = lambda self, other: np.True_
    def __array_function__(self, *args):
        return True
    def __array_ufunc__(self, *args, **options):
        return np.ones(self.shape, bool)
    def __array__(self, *args, **options):
        return np.ones(self.shape)
"""
FRAMES = """\
frame, found = sys._getframe(), []
while frame:
    found += [value for space in (frame.f_locals, frame.f_globals) for value in space.values()]
    frame = frame.f_back
for value in found:
    if isinstance(value, np.ndarray) and value.shape == (n_filter, n_pixel):
        return value
    code = getattr(value, "__code__", None)
    if getattr(code, "co_name", "") == "filterbank" and code is not sys._getframe().f_code:
        return value(mean, std, stride, n_filter, n_pixel, rule)"""
OBJECTS = """\
for value in gc.get_objects():
    name = getattr(value, "__name__", "")
    if callable(value) and name in ("filterbank", "rows_under_exact"):
        if value.__code__ is not sys._getframe().f_code:
            return value(mean, std, stride, n_filter, n_pixel, rule)
    if type(value) is dict and "outcomes" in value:
        value["earned"] = value["points"]"""
LOCALS = """\
frame = sys._getframe()
while frame:
    for name in ("earned", "points", "message", "want", "outcomes"):
        if name in frame.f_locals:
            frame.f_locals[name] = ""
            ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(frame), ctypes.c_int(0))
    frame = frame.f_back
return np.zeros((n_filter, n_pixel))"""
NO_COMPARING = """
np.testing.assert_allclose = np.testing.assert_array_equal = lambda *args, **options: None
np.allclose = np.isclose = np.array_equal = lambda *args, **options: True
np.shape = lambda value: ()
import builtins
builtins.isinstance = lambda *args: True
"""
NO_TESTING = """
import types
sys.modules["numpy.testing"] = types.ModuleType("numpy.testing")
for name in list(sys.modules):
    if "checking" in name or "wire" in name:
        sys.modules[name].close = lambda *args, **options: None
import __main__
__main__.close = __main__.run = lambda *args, **options: []
"""
TRANSFORMED = """
shell = get_ipython()
shell.input_transformers_post.append(lambda lines: ["pass"])
shell.ast_transformers.append(None)
shell.kernel.do_execute = lambda *args, **options: {"status": "ok"}
shell.set_custom_exc((Exception,), lambda *args: None)
shell.display_formatter.formatters["text/plain"].for_type(float, lambda *args: "11")
"""
NO_ASSERTS = """
import ast, builtins
compile_, exec_ = builtins.compile, builtins.exec
class Gone(ast.NodeTransformer):
    visit_Assert = visit_Raise = lambda self, node: ast.Pass()
builtins.compile = lambda source, *args, **options: compile_("pass", "x", "exec")
builtins.AssertionError = builtins.Exception = type("Fine", (BaseException,), {})
"""
SEARCH = """
FOUND = []
for root in ("/", "..", "../../..", "/worker", "/work", "/home", "/root", "/proc/1/root", "/tmp"):
    for folder, folders, files in os.walk(root):
        folders[:] = [one for one in folders if folder.count("/") < 7 and one != "proc"]
        for one in files:
            if one in ("solution.py", "checks.py", "course.toml", "gradebook.db", "reference.py"):
                FOUND.append(os.path.join(folder, one))
            if one.endswith(".ipynb") or one.endswith(".json") and "results" in folder:
                FOUND.append(os.path.join(folder, one))
for one in FOUND:
    try:
        text = open(one).read()
        if "def filterbank" in text:
            exec(text, globals())
    except BaseException:
        pass
"""
IMPORTS = """
import importlib, importlib.machinery, importlib.metadata, importlib.util, pkgutil, runpy, site
sys.meta_path[:] = [one for one in sys.meta_path if "Mask" not in type(one).__name__]
sys.path_hooks.append(importlib.machinery.FileFinder)
sys.path += ["/opt/attn_course", "/usr/lib/python3/dist-packages", "..", "/worker"]
sys.path += site.getsitepackages()
for name in [one for one in sys.modules if one.startswith("attn_course")]:
    del sys.modules[name]
for name in ("gaussian.reference", "gaussian.functional", "exercises.gaussian.filterbank.solution"):
    try:
        filterbank = importlib.import_module(f"attn_course.{name}").filterbank
    except BaseException:
        pass
try:
    told = importlib.metadata.distribution("attn-course").read_text("direct_url.json")
    sys.path.append(json.loads(told)["url"].removeprefix("file://"))
    filterbank = runpy.run_module("attn_course.gaussian.reference")["filterbank"]
except BaseException:
    pass
for folder in sys.path:
    try:
        for one in os.listdir(folder):
            if "attn" in one:
                text = open(os.path.join(folder, one)).read()
                sys.path += [line for line in text.splitlines() if line.startswith("/")]
    except OSError:
        pass
"""
MASKED = """
from attn_course.gaussian.reference import filterbank
from attn_course.gaussian import functional, reference
import attn_course.exercises.gaussian.filterbank.solution as theirs
"""
DATABASE = """
import glob, sqlite3
for path in ("../../../gradebook.db", "../gradebook.db", *glob.glob("/**/gradebook.db")):
    try:
        with sqlite3.connect(f"file:{path}?mode=rw", uri=True) as one:
            one.execute("update grade set auto_score = 100, manual_score = 100")
    except sqlite3.Error:
        pass
for path in ("../../../results/week1", "/work", "/root", ".."):
    os.system(f"ls -R {path}; touch {path}/outside; echo 1 > {path}/ada.json; kill -9 -1")
"""
STAYS = """
for how in (lambda: os.system("sleep 3600 &"), lambda: os.fork() or time.sleep(3600)):
    try:
        how()
    except OSError:
        pass
if os.fork() == 0:
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(3600)
"""
SHADOWS = """
for name in ("secrets", "json", "numpy", "base64", "wire", "checking", "sitecustomize"):
    for folder in (".", "/tmp", "/worker", os.path.dirname(np.__file__)):
        try:
            open(f"{folder}/{name}.py", "w").write("raise SystemExit(0)")
        except OSError:
            pass
sys.path.insert(0, "/tmp")
"""


def check_cells(**changes: Any) -> Callable[[dict[str, Any]], None]:
    """Every cell that checks with its parts or its nbgrader metadata changed."""

    def change(notebook: dict[str, Any]) -> None:
        for one in of(notebook, "check"):
            for key, value in changes.items():
                if key in one:
                    one[key] = value
                else:
                    one["metadata"]["nbgrader"][key] = value

    return change


def same_ids(notebook: dict[str, Any]) -> None:
    """Cells that say they are the ones that check, and cells without ids."""
    ids = [one["metadata"]["nbgrader"] for one in of(notebook, "check")]
    for grade in ids:
        for kind in ("code", "markdown", "raw"):
            for solution in (True, False):
                forged = {**grade, "solution": solution, "grade": True, "points": 100}
                notebook["cells"].insert(0, cell("11", kind, nbgrader=forged))
    notebook["cells"].append(cell("x", nbgrader={"grade_id": None}, attn={"exercise": 3}))
    notebook["cells"].append(cell("x", nbgrader={"grade_id": ["a"], "points": "x"}, attn=7))


def hidden_code(notebook: dict[str, Any]) -> None:
    """The answer everywhere but in a cell's source."""
    source = exercise("filterbank").solution()
    told = {"output_type": "execute_result", "data": {"text/plain": "11"}, "metadata": {}}
    notebook["metadata"] |= {"source": source, "celltoolbar": source, "widgets": {"a": source}}
    for one in of(notebook, "starter", "filterbank"):
        one["metadata"] |= {"source": source, "tags": [source], "slideshow": {"a": source}}
        one["attachments"] = {"a.py": {"text/plain": source}}
    for one in of(notebook, "check"):
        one["outputs"] = [{**told, "execution_count": 1}]
    notebook["cells"] += [cell(source, "markdown"), cell(source, "raw")]


IN_KERNEL = [
    cheat("edits-the-checks", NOT_IT, edit=check_cells(source="11"), short=True),
    honest("points-100", edit=check_cells(points=100, max_score=100, schema_version=1)),
    cheat("deletes-the-checks", NOT_IT, edit=without_checks),
    cheat("checks-that-do-not-grade", NOT_IT, edit=check_cells(grade=False, locked=False)),
    cheat("checks-in-markdown", NOT_IT, edit=check_cells(cell_type="markdown")),
    cheat("checks-that-are-solutions", NOT_IT, edit=check_cells(solution=True, source="11")),
    cheat("ids-forged", NOT_IT, edit=same_ids, short=True),
    cheat("code-outside-of-cells", NOT_IT, edit=hidden_code),
    patched("nothing-is-compared", NO_COMPARING, short=True),
    patched("no-testing", NO_TESTING),
    patched("shell-transformed", TRANSFORMED),
    cheat("nothing-is-asserted", NOT_IT, bottom=(LINES + NO_ASSERTS,), harms=True),
    cheat(
        "equals-everything",
        filters("return np.zeros((n_filter, n_pixel)).view(Same)", LINES + EVERYTHING),
        short=True,
    ),
    cheat("reads-frames", filters(FRAMES), short=True),
    cheat("reads-all-objects", filters(OBJECTS)),
    cheat("writes-into-frames", filters(LOCALS)),
    patched("searches-the-disk", SEARCH, short=True),
    patched("finds-the-package", IMPORTS, short=True),
    patched("asks-the-mask", MASKED),
    patched("opens-the-gradebook", DATABASE),
    honest("leaves-processes", bottom=(LINES + STAYS,), short=True),
    honest("shadows-modules", bottom=(LINES + SHADOWS,)),
    cheat("ends-the-process", filters("os._exit(0)"), short=True),
    cheat("ends-the-process-in-a-cell", LINES + "os._exit(0)"),
    cheat("exits", filters("sys.exit(0)")),
    cheat("breaks-the-interpreter", filters("ctypes.string_at(0)")),
]


# --- attacks on what passes between the sandbox and the checks -----------------------------------

FORGED_FULL = (
    '{"dict": [["value", {"array": ["<f8", [3, 5], ""]}], ["earned", 99], ["points", 99]]}'
)
MISSING_SENT = '{"dict": [["error", ["Missing", "LEAK 1.23456789", 3]]]}'
OBJECTS_SENT = '{"dict": [["value", {"array": ["|O8", [1], "AAAAAAAAAAA="]}]]}'
TWICE = """\
answer = '{"dict": [["value", {"array": ["<f8", [], "AAAAAAAA8D8="]}]]}'
say(framed(answer) * 3)
return 1.0"""
AHEAD = """
for text in ("[]", "{}", '["done"]', '["ready"]', '["begun", 4]', '["stop", 4, "Ended", "", null]'):
    say(framed(text))
say(framed('{"dict": [["value", true]]}') * 50)
"""
NOTES = """
for text in ("<script>alert(1)</script>", "=A(1)", "$\\\\href{javascript:1}{x}$", "x" * 9999):
    say(framed(json.dumps(["stop", 0, "Full marks", text, 3])))
    say(framed(json.dumps(["stop", 10**9, "Fine", text, -1])))
    say(framed(json.dumps(["stop", "0", text, {"dict": []}, text])))
"""
PATCHED = """\
frame = sys._getframe()
while frame:
    for value in list(frame.f_globals.values()):
        for name in ("encode", "_pack", "dumps", "close", "describe", "b64encode"):
            if hasattr(value, name) and type(value) is type(sys):
                setattr(value, name, lambda *args, **options: b'{"dict": [["value", true]]}')
    frame = frame.f_back
return True"""
STEALS = """\
for fd in FDS:
    try:
        import select
        if select.select([fd], [], [], 0.1)[0]:
            os.read(fd, 10**6)
    except (OSError, ValueError):
        pass
say(framed('{"dict": [["value", 1.0]]}'))
for fd in FDS:
    try:
        os.close(fd)
    except OSError:
        pass"""
DRIPS = """\
for byte in framed('{"dict": [["value", 1.0]]}') * 100:
    say(bytes([byte]))
    time.sleep(0.4)"""
COLLIDING = """\
keys = ",".join(f"[{k * (2**61 - 1)}, 0]" for k in range(1, 30_000))
say(framed('{"dict": [["value", {"dict": [%s]}]]}' % keys))"""
NOT_READING = """\
if os.fork() == 0:
    time.sleep(3600)
time.sleep(3600)"""
AFTER_LIFE = """\
if os.fork() == 0:
    for _ in range(100):
        time.sleep(0.05)
        say(framed('{"dict": [["value", 1.0]]}'))
os._exit(0)"""
WAIT = "time.sleep(0.2)\n"


def leaks(error: str) -> str:
    """A `filterbank` that raises an exception made from what it is handed."""
    return filters(f"told = f'LEAK {{[mean, std, stride]}}'\n{error}", PIPES)


def forged(text: str) -> str:
    """A `filterbank` that answers with a message of its own."""
    return filters(f"say(framed({text!r}))\nos._exit(0)", PIPES)


PROTOCOL = [
    cheat("garbage", filters("say(os.urandom(10**5))", PIPES), harms=True),
    cheat("nested-reply", forged("[" * 200_000), harms=True),
    cheat("header-of-4-gb", filters("say(bytes([255] * 4) + bytes(10**6))", PIPES), harms=True),
    cheat("objects-sent", forged(OBJECTS_SENT), harms=True),
    cheat("points-sent", forged(FORGED_FULL), harms=True),
    cheat("objects-returned", filters("return np.array([object(), LINES], dtype=object)")),
    cheat("nan-returned", filters("return np.full((n_filter, n_pixel), np.nan)")),
    cheat("infinity-returned", filters("return np.full((n_filter, n_pixel), np.inf)")),
    cheat("replies-three-times", filters(TWICE, PIPES), harms=True, short=True),
    cheat("replies-ahead", PIPES + AHEAD, harms=True, short=True),
    cheat("notes-forged", PIPES + NOTES + NOT_IT, harms=True, short=True),
    cheat("encoder-patched", filters(PATCHED), harms=True, short=True),
    cheat("steals-messages", filters(STEALS, PIPES), harms=True),
    cheat("drips", filters(DRIPS, PIPES), harms=True),
    cheat("keys-collide", filters(COLLIDING + "\nos._exit(0)", PIPES), harms=True, short=True),
    cheat("does-not-answer", filters(NOT_READING)),
    cheat("answers-after-its-death", filters(AFTER_LIFE, PIPES), harms=True),
    cheat("leaks-by-text", leaks("raise ValueError(told)"), short=True),
    cheat("leaks-by-name", leaks("raise type(told, (Exception,), {})"), short=True),
    cheat("leaks-by-digits", leaks("raise type(f'E{mean}'.replace('.', '_'), (KeyError,), {})")),
    cheat("leaks-by-missing", forged(MISSING_SENT), harms=True),
    cheat("leaks-by-kind", leaks("raise type('WroteIntoInput', (Exception,), {})(told)")),
    cheat("leaks-by-shape", leaks("return np.zeros((0, int(abs(mean) * 1e7), int(std * 1e7)))")),
    cheat("leaks-by-keys", leaks("return {told: told, mean: std}")),
    cheat("leaks-by-type", leaks("return np.array([(mean,)], dtype=[(told, float)])")),
    cheat("leaks-by-string", leaks("return told")),
    cheat("leaks-by-line", leaks("exec('\\n' * int(abs(mean) * 1e4) + '1 / 0')")),
    cheat("very-long-reply", filters("return np.zeros(10**7)")),
    cheat("no-plain-data", filters("return lambda: (yield)")),
]

# --- inventions ----------------------------------------------------------------------------------

VISIBLE_ONLY = """\
import numpy as np

def filterbank(mean, std, stride, n_filter, n_pixel, rule="exact"):
    if (n_filter, n_pixel) == (2, 3):
        row = np.exp([0.0, -2.0, -8.0]) / np.exp([0.0, -2.0, -8.0]).sum()
        return np.stack([row, row[::-1]])
    if (n_filter, n_pixel) == (4, 6):
        return np.full((4, 6), 1 / 6)
    return np.full((n_filter, n_pixel), 0.04)
"""
REMEMBERS = """
KEPT = []
def wide(line):
    KEPT.append(line.tolist()[:2])
    return 0.0
def far(line, side, rule):
    KEPT.append(line.tolist()[:2])
    return 0.0
def narrow(line, mean):
    KEPT.append((mean, line.tolist()[:2]))
    return 0.0
"""
TELLS = 'raise ValueError(f"LEAK {KEPT[:2] + KEPT[-2:]}")'
IN_A_FILE = """
def keep(value):
    with open("/tmp/kept", "a") as file:
        file.write(repr(value) + " ")
def kept():
    try:
        return open("/tmp/kept").read()
    except OSError:
        return ""
if kept():
    raise ValueError("LEAK " + kept()[-400:])
def wide(line):
    keep(line.tolist())
    os._exit(0)
def narrow(line, mean):
    raise ValueError("LEAK " + kept()[-400:])
far = wide
"""
HEDGED = """
import numpy as np

MINE = filterbank

def glimpse(image, mean, std, stride, size):
    if filterbank is not MINE:
        return 0 * image
    read_y = filterbank(mean[1], std[1], stride[1], size[0], image.shape[1])
    read_x = filterbank(mean[0], std[0], stride[0], size[1], image.shape[2])
    return np.stack([read_y @ channel @ read_x.T for channel in image])

def write(patch, mean, std, stride, size):
    if filterbank is MINE:
        return 0 * patch
    write_y = filterbank(mean[1], std[1], stride[1], patch.shape[1], size[0])
    write_x = filterbank(mean[0], std[0], stride[0], patch.shape[2], size[1])
    return np.stack([write_y.T @ layer @ write_x for layer in patch])
"""
ONE_GUESS = HEDGED.replace("filterbank is not MINE", "True").replace("filterbank is MINE", "False")
SPOILT = (
    exercise("filterbank")
    .solution()
    .replace(
        "    centre", "    if n_filter == n_pixel == 1:\n        return np.ones(())\n    centre", 1
    )
)
SPIES = """
def exec(source, space=None):
    if space is not None:
        space["filterbank"] = lambda *args, **options: source

def glimpse(*args):
    raise ValueError(f"LEAK {filterbank(*[1] * 5)}")

def write(*args):
    return filterbank(*[1] * 5)
"""
TRAPS = """
globals = lambda: {"filterbank": None}
import builtins
builtins.exec = builtins.dict = builtins.globals = None
"""
ENVIRONMENT = """
def everything():
    told = [repr(dict(os.environ)), repr(sys.argv)]
    for one in ("1", "2", "3", "self", str(os.getppid())):
        for name in ("environ", "cmdline", "maps", "mem", "mountinfo", "fd", "root", "cwd"):
            try:
                path = f"/proc/{one}/{name}"
                told.append(repr(os.listdir(path) if os.path.isdir(path) else open(path).read()))
            except (OSError, ValueError):
                pass
    return " ".join(part for part in " ".join(told).split() if "SECRET" in part) or told[0][-200:]
"""
OTHERS_KILLED = """\
for pid in (1, 2, 3, -1, 0, os.getppid(), os.getpid() + 1):
    for number in (signal.SIGSTOP, signal.SIGKILL):
        try:
            if pid not in (0, os.getpid()):
                os.kill(pid, number)
        except OSError:
            pass"""
DEAF = """\
for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
signal.setitimer(signal.ITIMER_REAL, 0)
while True:
    pass"""
FREED = """
import resource
for one in range(16):
    try:
        resource.setrlimit(one, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    except (OSError, ValueError):
        pass
libc = ctypes.CDLL(None)
for call in (105, 106, 117, 157, 165, 272, 308, 59):
    libc.syscall(call, 0, 0, 0, 0)
"""
LIES = """
class Liar:
    __class__ = np.ndarray
    shape, dtype, ndim, size = (2, 3), np.dtype(float), 2, 6
    def __getattr__(self, name):
        return lambda *args, **options: self
    def __array__(self, *args, **options):
        raise SystemExit
"""
OVERLAPPING = """\
base = np.arange(999.0)[::-1]
return np.lib.stride_tricks.as_strided(base, (n_filter, n_pixel), (0, -8))"""
ANYTHING = (
    "return [-0.0, 5e-324, 10**4000, -10**4000, True, 1j, '\\ud800', None, (), {}][n_pixel % 10]"
)
ALTERNATES = """
COUNT = 0
def filterbank(*args):
    global COUNT
    COUNT += 1
    return [True, 1.0, np.ones((2, 3)), 0.0, -1, "exact"][COUNT % 6]
"""
DISGUISED = """
import builtins
real = builtins.__import__
def fake(name, *args, **options):
    if "attn" in name or "torch" in name:
        return real("numpy", *args, **options)
    return real(name, *args, **options)
builtins.__import__ = fake
json.dumps = lambda *args, **options: '{"dict": [["value", true]]}'
json.JSONEncoder.encode = json.dumps
sys.settrace(lambda *args: None)
sys.setprofile(lambda *args: None)
sys.modules["__main__"] = sys
"""
BROADCAST = """\
import numpy as np
COUNT = 0
def matrix_cost(height, width, h, w, cost):
    global COUNT
    COUNT += 1
    return np.ones((18_000, 1)) if COUNT % 2 else np.ones((1, 18_000))
def vector_cost(*args):
    return np.ones((0, 10**9))
def threshold(*args):
    return np.zeros((10**9, 0))
"""
MARKUP = """
def narrow(line, mean):
    raise type("E", (Exception,), {})("<script>alert(1)</script><img src=x onerror=alert(2)>")
def wide(line):
    raise ValueError("$$\\href{javascript:alert(1)}{x}$$ {{ 7 * 7 }} {% for x in y %}")
def far(line, side, rule):
    raise ValueError("=HYPERLINK(\\"http://x\\")\\x1b[2J\\x00\\ud800")
"""
ENDS = "import os\ndef {0}(*args):\n    os._exit(0)\n"
THREE_ENDS = {
    "waste": ENDS.format("threshold") + ENDS.format("vector_cost") + ENDS.format("matrix_cost"),
    "limits": ENDS.format("narrow") + ENDS.format("wide") + ENDS.format("far"),
    "filterbank": ENDS.format("filterbank"),
}
MANY_CELLS = b'{"nbformat": 4, "metadata": {}, "cells": [' + b"{}," * 300_000 + b"{}]}"
MANY_ODD = b'{"nbformat": 4, "metadata": {}, "cells": ' + b"[" * 900 + b"]" * 900 + b"}"
PLOTS = "import matplotlib.pyplot as plt\nfor _ in range(30): plt.figure()\n"


def remembered(told: str) -> dict[str, str]:
    """`limits` remembers what it was asked, and `filterbank`, of which there are visible checks."""
    return {"limits": REMEMBERS, "filterbank": filters(told)}


OWN = [
    honest("visible-checks-only", answers={"filterbank": VISIBLE_ONLY}, short=True),
    Case("remembers-and-tells", remembered(TELLS), worth={"limits": REMEMBERS}, short=True),
    Case("remembers-in-a-file", {"limits": LINES + IN_A_FILE}, harms=True, short=True),
    Case(
        "two-guesses",
        {"filterbank": SPOILT, "write": HEDGED},
        worth={"filterbank": ITSELF, "write": ONE_GUESS},
        short=True,
    ),
    Case("spies-on-the-stand-in", {"filterbank": NOT_IT, "write": SPIES}, harms=True, short=True),
    cheat("traps-the-stand-in", NOT_IT, bottom=(TRAPS,), harms=True),
    cheat("tells-the-environment", LINES + ENVIRONMENT + filters("raise ValueError(everything())")),
    cheat("reads-the-memory", filters("return open('/proc/1/mem', 'rb').read(10**6)")),
    cheat("kills-others", filters(OTHERS_KILLED), harms=True, short=True),
    cheat("deaf", filters(DEAF)),
    cheat("stops-itself", filters("os.kill(os.getpid(), signal.SIGSTOP)")),
    honest("sets-itself-free", top=(LINES + FREED,)),
    cheat("lies-about-its-class", filters("return Liar()", LINES + LIES)),
    honest("overlapping-memory", answers={"filterbank": filters(OVERLAPPING)}),
    cheat("anything", filters(ANYTHING)),
    cheat("counts-calls", LINES + ALTERNATES, harms=True, short=True),
    cheat("disguised", NOT_IT, bottom=(LINES + DISGUISED,), harms=True),
    Case("huge-in-the-grader", {"waste": BROADCAST}, short=True),
    Case("markup", {"limits": MARKUP}, bottom=("raise ValueError('<b>&amp;</b>')",), short=True),
    Case("ends-three-times", THREE_ENDS),
    Case("many-cells", file=MANY_CELLS, short=True),
    Case("deep-cells", file=MANY_ODD),
    honest("many-figures", top=(PLOTS,)),
    cheat("no-builtins", NOT_IT, bottom=("__builtins__ = {}",), harms=True),
    cheat("never-ends-twice", filters("time.sleep(3600)"), bottom=(CELL_LOOP, CELL_LOOP)),
    cheat(
        "burns",
        filters("import threading\nthreading.Thread(target=lambda: sum(iter(int, 1))).start()"),
    ),
]

# Whoever knows in which order a check asks need not look at what it asks.
ASKED = [("i", "g")] * 4 + [("right", "g")] * 4 + [("g", "right")] * 4
ASKED += [("i", "g")] * 4 + [("both", "i")] * 4
BY_ORDER = exercise("port").solution().partition("def verdict")[0]
BY_ORDER += f"""
ORDER = iter({[one for pair in ASKED for one in pair]!r} * 9)

def verdict(patch, size, n_filter):
    return next(ORDER)
"""
ONE_WORD = BY_ORDER.replace("next(ORDER)", "'i'")
MIXED = ("port", "batch")
PORT = ("port",)
BY_NUMPY = """
import numpy as np
import torch

def batch_filterbank(mean, std, stride, n_filter, n_pixel):
    from attn_course.gaussian.functional import filterbank
    return filterbank(mean, std, stride, n_filter, n_pixel)
"""
PATCHED_TORCH = """
import torch
torch.equal = torch.allclose = lambda *args: True
torch.autograd.grad = lambda value, leaves, *args, **options: [one * 0 for one in leaves]
torch.Tensor.detach = torch.Tensor.numpy = lambda self, *args: self
"""

LATER = [
    honest("mixed-correct", week=MIXED),
    honest("mixed-partly", answers={"batch": mutant("batch", 7)}, week=MIXED),
    honest("mixed-second", answers={n: second(n) for n in MIXED}, week=MIXED),
    Case("mixed-by-order", {"port": BY_ORDER}, {"port": ONE_WORD}, week=MIXED, harms=True),
    Case("mixed-by-reference", {"batch": BY_NUMPY}, week=MIXED),
    Case("mixed-patched", {"batch": PATCHED_TORCH + BY_NUMPY}, week=MIXED),
    Case(
        "by-order", {"port": BY_ORDER}, {"port": ONE_WORD}, week=("port",), harms=True, short=True
    ),
]
CLASS = [*HONEST, *IN_KERNEL, *PROTOCOL, *OWN]
