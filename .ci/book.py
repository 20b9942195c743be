"""Build the book, so that what is wrong stays wrong until it is mended.

Jupyter Book keeps two memories. The cache of executed notebooks knows their code but not the
package that they import; the doctrees remember that a page was read but not that it was faulty. So
the first is forgotten when what the pages compute from has changed, and the second after every
build that did not end well.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import editor
import vendor

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "_build"

# What an executed page depends on besides its own cells, and what a page's text depends on.
EXECUTED = ("attn_course", "book/runs", "constraints.txt", "pyproject.toml")
READ = ("book/references.bib", "book/_ext", "_config.yml", "_toc.yml")


def digest(names: tuple[str, ...]) -> str:
    """One hash over the content of all files below the named ones."""
    whole = hashlib.sha256()
    for name in names:
        for path in sorted([ROOT / name, *(ROOT / name).rglob("*")]):
            if path.is_file() and "__pycache__" not in path.parts:
                content = hashlib.sha256(path.read_bytes()).hexdigest()
                whole.update(f"{path.relative_to(ROOT)} {content}\n".encode())
    return whole.hexdigest()


def changed(name: str, names: tuple[str, ...]) -> bool:
    """Whether the files differ from those of the last call; remembers them for the next one."""
    stamp, now = BUILD / f".{name}", digest(names)
    before = stamp.read_text() if stamp.exists() else ""
    stamp.write_text(now)
    return before != now


def jupyter_book() -> tuple[int, list[str]]:
    """Run Jupyter Book, showing what it says; its exit code and the lines that complain."""
    command = "from jupyter_book.cli.main import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", command, "build", str(ROOT), "-W", "--keep-going"],
        env={**os.environ, "PYDEVD_DISABLE_FILE_VALIDATION": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    complaints = []
    for line in process.stdout:
        print(line, end="", flush=True)
        plain = re.sub(r"\x1b\[[\d;]*m", "", line).strip()
        if re.search(r"\b(WARNING|ERROR): |^\w+(Error|Warning): \S", plain):
            complaints.append(plain)
    return process.wait(), list(dict.fromkeys(complaints))


def build() -> int:
    """Build what is out of date; the exit code."""
    doctrees, sound = BUILD / ".doctrees", BUILD / ".sound"
    BUILD.mkdir(exist_ok=True)
    fetched = vendor.fetch() | editor.build()
    if changed("executed", EXECUTED):
        shutil.rmtree(BUILD / ".jupyter_cache", ignore_errors=True)
        sound.unlink(missing_ok=True)
    if changed("read", READ) or fetched or not sound.exists():
        shutil.rmtree(doctrees, ignore_errors=True)
        shutil.rmtree(BUILD / "html" / "_modules", ignore_errors=True)  # older than their frame
    sound.unlink(missing_ok=True)
    code, complaints = jupyter_book()
    if code == 0:
        sound.touch()
        print("\nThe book stands in _build/html. `make serve` shows it, live figures included,")
        print(f"at http://127.0.0.1:8000; without a server, open {BUILD / 'html' / 'index.html'}")
    else:
        shutil.rmtree(doctrees, ignore_errors=True)
        print("\nThe book was not built:", *complaints, sep="\n", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(build())
