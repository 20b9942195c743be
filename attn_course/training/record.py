"""What a run leaves behind: `run.json`, its predictions and, where wanted, its weights."""

import ast
import hashlib
import json
import os
import platform
import subprocess
from dataclasses import asdict, fields, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from safetensors.numpy import load_file, save_file

PACKAGE = Path(__file__).parents[1]
RUNS = PACKAGE.parent / "book" / "runs"


def configure(recipe: ModuleType, preset: str, arm: str, settings: dict[str, str]) -> Any:
    """The recipe's Config for a preset and an arm, with `settings` from the command line on top.

    Raises
    ------
    ValueError
        If there is no such preset, arm or setting, or a value has the wrong type.
    """
    for name, got, known in (("preset", preset, recipe.PRESETS), ("arm", arm, recipe.ARMS)):
        if got not in known:
            raise ValueError(f"{name} must be one of {', '.join(known)}, got {got}")
    config = recipe.configure(preset, arm)
    kinds = {field.name: type(getattr(config, field.name)) for field in fields(config)}
    for name, text in settings.items():
        if name not in kinds:
            raise ValueError(f"setting must be one of {', '.join(kinds)}, got {name}")
        config = replace(config, **{name: _parse(name, text, kinds[name])})
    return config


def _parse(name: str, text: str, kind: type) -> Any:
    if kind is bool:
        if text.lower() not in ("true", "false"):
            raise ValueError(f"{name} must be true or false, got {text}")
        return text.lower() == "true"
    try:
        return kind(text)
    except ValueError:
        raise ValueError(f"{name} must be of type {kind.__name__}, got {text}") from None


def run_folder(out: Path, mechanism: str, arm: str, preset: str, seed: int) -> Path:
    """Where a run's record lies."""
    return out / mechanism / arm / f"{preset}-seed{seed}"


def write(
    folder: Path,
    command: str,
    recipe: ModuleType,
    arm: str,
    preset: str,
    seed: int,
    config: Any,
    device: str,
    seconds: float,
    n_parameter: int,
    curve: dict[str, list[float | int]],
    final: dict[str, Any],
    check: dict[str, Any],
    predicted: dict[str, np.ndarray],
    weights: dict[str, np.ndarray] | None,
) -> None:
    """Write a record; `run.json` comes last, so that a folder with one is whole."""
    from attn_course import data

    folder.mkdir(parents=True, exist_ok=True)
    arrays = {"predictions": predicted} | ({"weights": weights} if weights else {})
    files = {}
    for name, content in arrays.items():
        file = folder / f"{name}.safetensors"
        save_file({k: np.ascontiguousarray(a) for k, a in content.items()}, file)
        files[file.name] = hashlib.sha256(file.read_bytes()).hexdigest()
    record = {
        "mechanism": recipe.MECHANISM,
        "arm": arm,
        "preset": preset,
        "seed": seed,
        "command": command,
        "config": asdict(config),
        "code": code_hash(recipe),
        "data": {name: data.digest(name) for name in recipe.DATA},
        "commit": _commit(),
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "torch": torch.__version__,
        },
        "device": torch.cuda.get_device_name()
        if device == "cuda"
        else f"cpu ({platform.machine()})",
        "seconds": round(seconds, 1),
        "n_parameter": n_parameter,
        "curve": {k: [round(x, 5) for x in v] for k, v in curve.items()},
        "final": final,
        "check": check,
        "files": files,
    }
    part = folder / "run.json.part"
    part.write_text(_lines(record), encoding="utf-8")
    os.replace(part, folder / "run.json")


def read(folder: Path) -> dict[str, Any]:
    """A record as a dictionary."""
    return json.loads((folder / "run.json").read_text(encoding="utf-8"))


def read_arrays(folder: Path, name: str) -> dict[str, np.ndarray]:
    """The arrays "predictions" or "weights" of a record.

    Raises
    ------
    ValueError
        If the file is not the one that the record was written with.
    """
    file = folder / f"{name}.safetensors"
    got = hashlib.sha256(file.read_bytes()).hexdigest()
    want = read(folder)["files"][file.name]
    if got != want:
        raise ValueError(f"{file.name} of {folder.name} must have SHA-256 {want}, got {got}")
    return load_file(file)


def records(mechanism: str, arm: str, preset: str = "book", out: Path = RUNS) -> list[dict]:
    """All recorded runs of an arm, in the order of their seeds."""
    found = [read(file.parent) for file in (out / mechanism / arm).glob(f"{preset}-seed*/run.json")]
    return sorted(found, key=lambda record: record["seed"])


def code_hash(recipe: ModuleType) -> str:
    """SHA-256 of the code behind a run: the recipe, what it imports of ours, and the loop.

    Docstrings, comments on their own lines and empty lines do not count.
    """
    files = {PACKAGE / "training" / "loop.py", Path(str(recipe.__file__))}
    todo = list(files)
    while todo:
        for node in ast.walk(ast.parse(todo.pop().read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ImportFrom) or not node.module:
                continue
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            for name in names:
                file = PACKAGE.parent.joinpath(*name.split(".")).with_suffix(".py")
                if name.startswith("attn_course.") and file.exists() and file not in files:
                    files.add(file)
                    todo.append(file)
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(str(file.relative_to(PACKAGE).as_posix()).encode())
        digest.update(_bare(file.read_text(encoding="utf-8")).encode())
    return digest.hexdigest()


def _bare(source: str) -> str:
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            for i in range(node.lineno - 1, node.end_lineno or node.lineno):
                lines[i] = ""
    kept = (line.rstrip() for line in lines)
    return "\n".join(line for line in kept if line and not line.lstrip().startswith("#"))


def _commit() -> str | None:
    ask = ["git", "-C", str(PACKAGE.parent), "rev-parse", "HEAD"]
    try:
        return subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def _lines(record: dict[str, Any]) -> str:
    """JSON with one line for each item, so that a change shows as the lines that changed."""
    items = (f"  {json.dumps(k)}: {json.dumps(v, allow_nan=False)}" for k, v in record.items())
    return "{\n" + ",\n".join(items) + "\n}\n"
