"""Finding, checking and fetching the files of a registered data set."""

import contextlib
import hashlib
import importlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from attn_course import _check
from attn_course._typing import Array, UInt8
from attn_course.data.registry import REGISTRY, DataSet, File

SHIPPED = Path(__file__).parent / "shipped"
_PARTIAL = ".partial-"


class DataError(RuntimeError):
    """A data set is absent or damaged; the message names it, its folder and the command to run."""


def entry(name: str) -> DataSet:
    """The registry's entry called `name`."""
    _check.one_of("name", name, REGISTRY)
    return REGISTRY[name]


def digest(name: str) -> str:
    """SHA-256 that stands for all files of a registered data set, in hexadecimal.

    It is what the registry pins, so it costs no reading; what is read is checked against it.

    >>> len(digest("mnist"))
    64
    """
    return entry(name).sha256


def cache() -> Path:
    """The folder of this package in the user's cache, where fetched data sets lie."""
    return Path(_library("pooch", "to know the cache folder").os_cache("attn_course"))


def folder_of(name: str) -> Path:
    """The folder where `name` lies, or where it would be put if it were fetched."""
    wanted = entry(name)
    if not wanted.sources:
        return SHIPPED
    given = os.environ.get("ATTN_COURSE_DATA")
    if given:
        folder = Path(given).expanduser() / name
        if any((folder / file.name).exists() for file in wanted.files):
            return folder
    return cache() / name


def offline() -> bool:
    """True where ``ATTN_COURSE_OFFLINE`` forbids fetching."""
    return os.environ.get("ATTN_COURSE_OFFLINE", "0") not in ("", "0")


def contents(name: str, *filenames: str) -> list[UInt8[Array, "n_byte"]]:
    """The bytes of some files of a data set, each read once and checked before it is handed over.

    A set that is nowhere to be found is fetched, with a line on stdout that says so; one that is
    there but damaged is left alone for its owner to look at.
    """
    wanted = entry(name)
    files = [file for file in wanted.files if file.name in filenames]
    folder = folder_of(name)
    if wanted.sources and not all((folder / file.name).exists() for file in files):
        if not offline():
            print(f"{name}: not in {folder}; fetching it ({_size(wanted.n_byte)})", flush=True)
        folder = fetch(name)
    return [_read(wanted, folder, file) for file in files]


def is_there(name: str) -> bool:
    """Whether all files of `name` are on this machine, sound or not."""
    folder = folder_of(name)
    return all((folder / file.name).exists() for file in entry(name).files)


def fetch(name: str, progress: bool = False) -> Path:
    """Make sure that every file of `name` is here and sound, and return its folder.

    What is missing or damaged is taken from the first source that gives the right bytes. Files are
    made in a hidden folder beside their place and moved there whole; processes that fetch the same
    set at once wait for one another, and the next fetch clears what a killed one left behind.

    Parameters
    ----------
    name : str
        A key of ``REGISTRY``.
    progress : bool
        Whether to print every step, with a bar per download.

    Raises
    ------
    DataError
        No source gave the right bytes, or fetching is forbidden (``ATTN_COURSE_OFFLINE``).
    """
    wanted = entry(name)
    folder = folder_of(name)
    if not wanted.sources:
        for file in wanted.files:
            _read(wanted, folder, file)
        return folder
    if not _bad(wanted, folder) and not _leftovers(folder):
        return folder
    if offline():
        bad = _bad(wanted, folder)
        if not bad:
            return folder
        raise DataError(
            f"{name}: {', '.join(bad)} absent or damaged in {folder}, and ATTN_COURSE_OFFLINE "
            f"forbids fetching; unset it and run: {_command(wanted)}"
        )
    try:
        with _alone(folder):
            return _fill(wanted, folder, progress)
    except OSError as error:
        raise DataError(
            f"{name}: cannot write to {folder} ({error}); make room or set ATTN_COURSE_DATA to "
            f"another folder that holds it, then run: {_command(wanted)}"
        ) from error


def _fill(wanted: DataSet, folder: Path, progress: bool) -> Path:
    for leftover in _leftovers(folder):
        shutil.rmtree(leftover, ignore_errors=True)
    missing = _bad(wanted, folder)
    failures = []
    for source in wanted.sources:
        if not missing:
            break
        if progress:
            print(f"{wanted.name}: trying {source.label}", flush=True)
        with tempfile.TemporaryDirectory(prefix=_PARTIAL, dir=folder) as made:
            why = ""
            try:
                sizes = {file.name: file.n_byte for file in missing.values()}
                source.get(sizes, Path(made), progress)
            except Exception as error:  # whatever a source does, the next one gets its turn
                why = str(error) or type(error).__name__
            for file in list(missing.values()):
                path = Path(made) / file.name
                if not path.exists():
                    continue
                fault = _fault_of(np.fromfile(path, dtype=np.uint8), file)
                if fault:
                    why = why or f"{file.name} {fault}"
                else:
                    (folder / file.name).parent.mkdir(parents=True, exist_ok=True)
                    os.replace(path, folder / file.name)
                    del missing[file.name]
        if why:
            failures.append(f"  {source.label}: {why}")
            if progress:
                print(failures[-1], flush=True)
    if missing:
        raise DataError(
            f"{wanted.name}: {', '.join(missing)} absent or damaged in {folder}, and no source "
            f"gave the right bytes:\n" + "\n".join(failures) + f"\nrun: {_command(wanted)}"
        )
    return folder


def _read(wanted: DataSet, folder: Path, file: File) -> UInt8[Array, "n_byte"]:
    path = folder / file.name
    try:
        content = np.fromfile(path, dtype=np.uint8)
    except OSError:
        fault = "is absent" if not path.exists() else "cannot be read"
    else:
        fault = _fault_of(content, file)
        if not fault:
            return content
    raise DataError(f"{wanted.name}: {file.name} {fault} in {folder}; run: {_command(wanted)}")


def _fault_of(content: UInt8[Array, "n_byte"], file: File) -> str:
    if len(content) != file.n_byte:
        return f"has {len(content):,} bytes instead of {file.n_byte:,}"
    if hashlib.sha256(content.data).hexdigest() != file.sha256:
        return "is damaged (its SHA-256 is not the registered one)"
    return ""


def _bad(wanted: DataSet, folder: Path) -> dict[str, File]:
    bad = {}
    for file in wanted.files:
        try:
            _read(wanted, folder, file)
        except DataError:
            bad[file.name] = file
    return bad


def _leftovers(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"{_PARTIAL}*"))


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time; the system takes the lock back when its holder is killed."""
    filelock = _library("filelock", "to fetch data")
    folder.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(folder / ".lock"):
        yield


def _library(name: str, why: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise DataError(
            f"{name} is needed {why}; run: python -m pip install filelock pooch tqdm"
        ) from error


def _command(wanted: DataSet) -> str:
    if wanted.sources:
        return f"python -m attn_course fetch {wanted.name}"
    return f"git checkout -- {SHIPPED} (or install attn_course again)"


def _size(n_byte: int) -> str:
    return f"{n_byte / 1e6:.0f} MB"
