"""The folder that Python in a page is loaded from, made as the book's build makes it."""

import importlib.util
import json
import os
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "book" / "_vendor"
EXTENSION = ROOT / "book" / "_ext"


def module(path: Path) -> ModuleType:
    """A module of the book's extension, by its file."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def static_folder(folder: Path) -> Path:
    """Make `_static` below `folder`, with all that Python in a page needs; skip where it cannot."""
    for name in ("pyodide", "numpy-wasm"):
        if not (VENDOR / name).exists():
            pytest.skip(f"{name} is not in book/_vendor; python .ci/vendor.py fetches it")
    static = folder / "_static"
    static.mkdir()
    for name in ("pyodide", "numpy-wasm"):
        (static / name).symlink_to(VENDOR / name)
    assert module(EXTENSION / "page_python.py").build(VENDOR, static)
    for path in (EXTENSION / "static").iterdir():
        (static / "attn" / path.name).symlink_to(path)
    return static


IN_NODE = """
import { readFileSync } from "node:fs";
const [folder, tasks] = process.argv.slice(-2);
const { loadPyodide } = await import(`${folder}/pyodide/pyodide.mjs`);
const python = await loadPyodide({
  indexURL: `${folder}/pyodide/`,
  lockFileContents: JSON.parse(readFileSync(`${folder}/python/pyodide-lock.json`, "utf-8")),
  packageBaseUrl: `${folder}/python/`,
});
await python.loadPackage("attn-course", { messageCallback() {} });
python.runPython(readFileSync(`${folder}/attn/session.py`, "utf-8"));
const session = python.globals.get("Session")();
for (const [method, ...rest] of JSON.parse(readFileSync(tasks, "utf-8"))) {
  console.log(session[method](...rest));
}
"""


def in_node(static: Path, tasks: list[list[str]]) -> list[dict[str, Any]]:
    """What a session on Pyodide, loaded by node, gives for `[method, argument, namespace]` each."""
    file = static.parent / "tasks.json"  # longer than what a pipe holds
    file.write_text(json.dumps(tasks), encoding="utf-8")
    done = subprocess.run(
        ["node", "--input-type=module", "--eval", IN_NODE, "--", str(static), str(file)],
        env={"PATH": os.environ["PATH"], "HOME": str(static)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]
