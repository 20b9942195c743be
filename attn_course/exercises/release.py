"""What a student is given: the package without solutions, hidden checks and the grader."""

import base64
import hashlib
import re
import zipfile
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path

from attn_course.exercises.source import HERE, Exercise, ExerciseError, load, names

PACKAGE = HERE.parent
KINDS = {".gz", ".md", ".mjs", ".npz", ".py"}  # whatever else lies about stays here
WHEEL = "Wheel-Version: 1.0\nGenerator: attn-course\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
SCRIPT = "[console_scripts]\nattn-course = attn_course.__main__:main\n"


def student_tree(folder: Path, roots: Sequence[Path] = (HERE,)) -> Path:
    """Write the student's package into `folder`, with the exercises of `roots`; its path."""
    for where, data in sorted(_files(roots).items()):
        path = Path(folder) / where
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return Path(folder) / PACKAGE.name


def student_wheel(folder: Path, roots: Sequence[Path] = (HERE,)) -> Path:
    """Write the student's package as a wheel into `folder`; the same bytes for the same sources."""
    described, version, licences = _metadata()
    files = _files(roots)
    # With a version of its own pip puts it in the place of an earlier one.
    named = f"{version}+s{hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()[:8]}"
    described = described.replace(f"\nVersion: {version}\n", f"\nVersion: {named}\n")
    version = named
    info = f"{PACKAGE.name}-{version}.dist-info"
    files[f"{info}/METADATA"] = described.encode()
    files |= {f"{info}/licenses/{name}": text.encode() for name, text in licences.items()}
    files[f"{info}/WHEEL"] = WHEEL.encode()
    files[f"{info}/entry_points.txt"] = SCRIPT.encode()
    rows = [f"{where},{_digest(data)},{len(data)}\n" for where, data in sorted(files.items())]
    files[f"{info}/RECORD"] = "".join([*rows, f"{info}/RECORD,,\n"]).encode()
    path = Path(folder) / f"{PACKAGE.name}-{version}-py3-none-any.whl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as wheel:
        # What describes the package stands last, as the format advises.
        for where in sorted(files, key=lambda name: (name.startswith(info), name)):
            entry = zipfile.ZipInfo(where)  # of 1980, which is no moment of ours
            entry.external_attr = 0o644 << 16
            wheel.writestr(entry, files[where], zipfile.ZIP_DEFLATED)
    return path


def _files(roots: Sequence[Path]) -> dict[str, bytes]:
    """Path within the wheel -> content, of everything that a student is given."""
    found = {}
    for path in PACKAGE.rglob("*"):
        where = path.relative_to(PACKAGE)
        inside = where.parts[0] == "grading" or (where.parts[0] == HERE.name and where.parts[2:])
        if inside or path.suffix not in KINDS or not path.is_file():
            continue
        if not any(part.startswith((".", "__pycache__")) for part in where.parts):
            found[f"{PACKAGE.name}/{where.as_posix()}"] = path.read_bytes()
    for name in names(roots):
        for file, text in exercise_files(load(name, roots)):
            found[f"{PACKAGE.name}/{HERE.name}/{name}/{file}"] = text.encode()
    return found


def exercise_files(exercise: Exercise) -> Iterator[tuple[str, str]]:
    """The files of an exercise that a student is given: name and text."""
    yield "prompt.md", exercise.visible_prompt()
    if exercise.has_code:
        yield "starter.py", exercise.starter()
        yield "checks.py", exercise.visible_checks()


def _metadata() -> tuple[str, str, dict[str, str]]:
    """The project's own METADATA without its README, the version that it names, the licences."""
    try:
        installed = metadata.distribution("attn-course")
    except metadata.PackageNotFoundError:
        raise ExerciseError(
            "attn-course must be installed to be handed out; run: python -m pip install -e ."
        ) from None
    text = installed.read_text("METADATA") or installed.read_text("PKG-INFO") or ""
    head, *_ = re.split(r"\n\s*\n", text)
    licences = {}
    for name in re.findall(r"^License-File: (.+)$", head, re.MULTILINE):
        beside = PACKAGE.parent / name  # where it is installed as an editable project
        licence = installed.read_text(f"licenses/{name}")
        licences[name] = licence or beside.read_text(encoding="utf-8")
    head = re.sub(r"^Description-Content-Type:.*\n", "", head + "\n", flags=re.MULTILINE)
    return head, installed.version, licences


def _digest(data: bytes) -> str:
    hashed = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=")
    return f"sha256={hashed.decode()}"
