"""Python in a page, in Chromium: one worker, its limits, and what is missing."""

import contextlib
import shutil

import pytest
from chromium import launched, served
from pyodide_folder import static_folder

from attn_course.exercises import load

pytestmark = pytest.mark.requires("chromium")

PAGE = '<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>A page</title></html>'
# `python` does what it is told; everything is kept in the window for the next call.
PYTHON = """async ([method, ...rest]) => {
  const { Python, available } = await import("./_static/attn/python.mjs");
  if (method === "available") return available();
  window.stages ??= [];
  window.python ??= new Python({ onprogress: (one) => window.stages.push(one) });
  const start = performance.now();
  const result = await window.python[method](...rest);
  return { ...result, took: (performance.now() - start) / 1000 };
}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page") / "book"  # the book need not stand at the root
    folder.mkdir()
    static_folder(folder)
    (folder / "index.html").write_text(PAGE)
    return folder


@pytest.fixture(scope="module")
def browser():
    with launched() as chromium:
        yield chromium


@contextlib.contextmanager
def opened(browser, folder):
    """A page of the book, and what its console and network complained of."""
    with served(folder.parent) as address:
        context = browser.new_context()
        window, faults = context.new_page(), []
        window.set_default_timeout(180_000)
        window.on("console", lambda one: faults.append(one.text))
        window.on("pageerror", lambda error: faults.append(str(error)))
        window.on("requestfailed", lambda one: faults.append(f"failed: {one.url}"))
        window.on(
            "request",
            lambda one: None if one.url.startswith((address, "data:")) else faults.append(one.url),
        )
        window.goto(f"{address}{folder.name}/index.html")
        yield window, faults
        context.close()


def told(window, *what):
    return window.evaluate(PYTHON, list(what))


@pytest.fixture(scope="module")
def page(browser, folder):
    """A page for all tests that break nothing."""
    with opened(browser, folder) as (window, faults):
        yield window
        assert not faults, "\n".join(faults)


def test_asking_whether_there_is_python_loads_nothing(browser, folder):
    with opened(browser, folder) as (window, faults):
        asked = []
        window.on("request", lambda one: asked.append(one.url.split("/")[-1]))
        assert told(window, "available") is True
        assert told(window, "available") is True
        assert asked == ["python.mjs", "files.mjs", "pyodide-lock.json"]
        assert not faults


def test_a_cell_runs_and_the_next_one_finds_its_names(page):
    gave = told(page, "run", "import numpy as np\nx = np.arange(3)\nprint(x.sum())\nx")
    assert (gave["text"], gave["error"]) == ("3\narray([0, 1, 2])\n", "")
    again = told(page, "run", "x @ x")
    assert again["text"] == "np.int32(5)\n"  # whole numbers have 32 bits on WebAssembly
    assert again["took"] < 1
    assert again["session"] == gave["session"] == 1


def test_progress_grows_to_the_end(page):
    told(page, "load")
    stages = page.evaluate("window.stages")
    names = [one["stage"] for one in stages]
    order = {"files": 0, "start": 1, "ready": 2}
    assert [order[one] for one in names] == sorted(order[one] for one in names)
    assert set(names) == set(order)
    loaded = [one["loaded"] for one in stages]
    assert loaded == sorted(loaded)
    assert loaded[0] == 0
    assert loaded[-1] == stages[-1]["total"] > 10_000_000


def test_an_exercise_is_failed_and_then_solved(page):
    name = "gaussian/filterbank"
    space = {"namespace": name}
    told(page, "run", load(name).starter(), space)
    assert "not yet" in told(page, "check", name, space)["text"]
    told(page, "run", load(name).solution(), space)
    solved = told(page, "check", name, space)
    assert solved["passed"], solved["text"]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("def f(): return f()\nf()", "RecursionError"),
        ("import torch", "No module named 'torch'"),
        ("import matplotlib", "Run what needs more in Jupyter."),
        ("input()", "input() has nobody to ask"),
        ("exit()", "there is nothing to exit"),
    ],
)
def test_what_goes_wrong_is_said_and_nothing_is_lost(page, code, said):
    before = told(page, "run", "kept = 3")
    wrong = told(page, "run", code)
    assert said in wrong["error"]
    assert not wrong["stopped"]
    after = told(page, "run", "kept")
    assert after["text"] == "3\n"
    assert after["session"] == before["session"]


def test_an_endless_loop_is_stopped_and_python_starts_anew(browser, folder):
    with opened(browser, folder) as (window, faults):
        told(window, "run", "kept = 3")
        endless = "print('begun', flush=True)\nwhile True: print('.', end='')"
        results = window.evaluate(
            """(code) => Promise.all([
              window.python.run(code, { seconds: 1 }), window.python.run("kept"),
            ])""",
            endless,
        )
        assert results[0]["stopped"]
        assert "Stopped after 1 seconds" in results[0]["error"]
        assert results[0]["text"].startswith("begun\n.")
        assert results[1]["error"].endswith("Press the button again: Python starts anew.")
        gave = told(window, "run", "'kept' in globals()")
        assert gave["text"] == "False\n"
        assert gave["session"] == 2
        # What was printed just before comes out too.
        silent = window.evaluate(
            "(code) => window.python.run(code, { seconds: 1 })",
            "print('one')\nprint('two')\nprint('three', end='')\nwhile True: pass",
        )
        assert silent["text"] == "one\ntwo\nthree"
        # By the reader, in the middle of a run.
        stopped = window.evaluate(
            """() => {
              setTimeout(() => window.python.interrupt(), 300);
              return window.python.run("while True: pass");
            }"""
        )
        assert stopped["stopped"]
        assert stopped["error"].startswith("Stopped.")
        assert not faults


MISSING = [
    "pyodide/pyodide.mjs",
    "pyodide/pyodide.asm.mjs",
    "pyodide/pyodide.asm.wasm",
    "pyodide/python_stdlib.zip",
    "numpy-wasm/*.whl",
    "python/*.whl",
    "python/pyodide-lock.json",
    "attn/worker.mjs",
    "attn/session.py",
]


@pytest.mark.parametrize("pattern", MISSING)
def test_a_missing_file_is_said_soon(browser, folder, tmp_path, pattern):
    broken = tmp_path / "book"
    shutil.copytree(folder, broken)
    (path,) = (broken / "_static").glob(pattern)
    path.unlink()
    with opened(browser, broken) as (window, _):
        assert told(window, "available") == (pattern != "python/pyodide-lock.json")
        gave = told(window, "run", "1")
        assert gave["error"].startswith("Python could not be loaded")
        assert gave["stopped"]
        assert gave["took"] < 30


def test_a_file_of_another_build_is_refused(browser, folder, tmp_path):
    broken = tmp_path / "book"
    shutil.copytree(folder, broken)
    (path,) = (broken / "_static" / "python").glob("*.whl")
    path.write_bytes(path.read_bytes() + b" ")
    with opened(browser, broken) as (window, _):
        assert told(window, "run", "1")["error"].startswith("Python could not be loaded")


def test_a_book_built_without_python_says_nothing(browser, folder, tmp_path):
    bare = tmp_path / "book"
    (bare / "_static" / "attn").mkdir(parents=True)
    shutil.copy(folder / "index.html", bare)
    shutil.copy(folder / "_static" / "attn" / "python.mjs", bare / "_static" / "attn")
    (bare / "_static" / "attn" / "files.mjs").write_text("export const files = null;\n")
    with opened(browser, bare) as (window, faults):
        assert told(window, "available") is False
        assert not faults
