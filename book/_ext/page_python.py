"""What Python in a page is loaded from: the student's package and a lock.

Pyodide and NumPy's wheel come by `.ci/vendor.py`. Where either is missing
there is no Python in the pages, and they show no buttons for it.
"""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from attn_course.exercises.release import student_wheel

CORE = [
    "pyodide.mjs",
    "pyodide.asm.mjs",
    "pyodide.asm.wasm",
    "python_stdlib.zip",
]
LOCK = "pyodide-lock.json"


def build(vendor: Path, static: Path) -> dict[str, int] | None:
    """Fill `static/python` and tell the pages by `static/attn/files.mjs`.

    Returns the files that Python is loaded from, with their sizes, or None.
    `vendor` holds what Sphinx will copy into `static`.
    """
    shutil.rmtree(static / "python", ignore_errors=True)
    files = None
    core, numpy = vendor / "pyodide", vendor / "numpy-wasm"
    if (core / LOCK).exists() and numpy.exists():
        files = fill(static / "python", core, numpy)
    (static / "attn").mkdir(parents=True, exist_ok=True)
    (static / "attn" / "files.mjs").write_text(
        "// Written by the build: what Python is loaded from, in bytes.\n"
        f"export const files = {json.dumps(files, indent=2)};\n",
        encoding="utf-8",
    )
    return files


def fill(folder: Path, core: Path, numpy: Path) -> dict[str, int]:
    """Write our wheel and the lock; all that is loaded, and its sizes."""
    own = student_wheel(folder)
    # Some hosts read the plus sign in an address as a blank.
    own = own.rename(own.with_name(own.name.replace("+", ".")))
    lock = json.loads((core / LOCK).read_text(encoding="utf-8"))
    wheel = numpy / lock["packages"]["numpy"]["file_name"]
    lock = trimmed(lock, wheel, own)
    (folder / LOCK).write_text(json.dumps(lock), encoding="utf-8")
    paths = [*(core / name for name in CORE), wheel, own]
    return {
        f"{one.parent.name}/{one.name}": one.stat().st_size for one in paths
    }


def trimmed(lock: dict[str, Any], numpy: Path, own: Path) -> dict[str, Any]:
    """Pyodide's lock with NumPy alone, and with our package, which needs it.

    Pyodide holds what it loads to the hashes of the lock.
    """
    theirs = lock["packages"]["numpy"]
    if digest(numpy) != theirs["sha256"]:
        raise ValueError(f"{numpy.name} is not the file that {LOCK} names")
    ours = {
        **theirs,
        "name": "attn-course",
        "version": own.name.split("-")[1],
        "file_name": own.name,
        "sha256": digest(own),
        "imports": ["attn_course"],
        "depends": ["numpy"],
    }
    theirs = {**theirs, "file_name": f"../{numpy.parent.name}/{numpy.name}"}
    return {
        "info": lock["info"],
        "packages": {"numpy": theirs, "attn-course": ours},
    }


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
