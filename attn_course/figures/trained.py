"""Recorded weights on NumPy alone: the same call in a kernel and in a page.

A function for it takes what the reader has made and the weights by name, and returns what JSON can
hold. `Canvas` sends it a picture; `readers.read_digit` shows how.
"""

import base64
import hashlib
import importlib
import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from attn_course._typing import Array

RUNS = Path(__file__).parents[2] / "book" / "runs"
FILE = "weights.safetensors"


def model_folder(model: str) -> Path:
    """Folder of a recorded run with weights: "gaussian/reader-4", or one with a preset and a seed.

    Raises
    ------
    ValueError
        If no such run, or none with weights, is recorded.
    """
    folder = RUNS / model if model.count("/") == 2 else RUNS / model / "book-seed0"
    if not (folder / FILE).exists():
        raise ValueError(f"no weights are recorded for {model} below {RUNS}")
    return folder


def recorded_digest(folder: Path) -> str:
    """SHA-256 of a run's weights, as its record names it."""
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return record["files"][FILE]


def read_weights(content: bytes, digest: str) -> dict[str, Array]:
    """The arrays of a file of weights, by their names, as float64.

    Raises
    ------
    ValueError
        If the content is not the one that was recorded.
    """
    if hashlib.sha256(content).hexdigest() != digest:
        raise ValueError("the file of weights is not the one that was recorded")
    start = 8 + int.from_bytes(content[:8], "little")
    kinds = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "I64": "<i8"}
    arrays = {}
    for name, one in json.loads(content[8:start]).items():
        if name != "__metadata__":
            first, last = one["data_offsets"]
            flat = np.frombuffer(content[start + first : start + last], kinds[one["dtype"]])
            arrays[name] = flat.reshape(one["shape"]).astype(float)
    return arrays


@lru_cache(4)
def recorded_weights(model: str) -> dict[str, Array]:
    """The weights of a recorded run, in a checkout of the book."""
    folder = model_folder(model)
    return read_weights((folder / FILE).read_bytes(), recorded_digest(folder))


def named(function: Callable[..., Any]) -> str:
    """The name by which a page finds a function: "attn_course.figures.readers:read_digit".

    Raises
    ------
    ValueError
        If the function does not stand in the package, which is all of ours that a page has.
    """
    name = f"{function.__module__}:{function.__qualname__}"
    if not name.startswith("attn_course.") or "<" in name:
        raise ValueError(f"a page can call functions of attn_course only, got {name}")
    return name


def in_page(request: str) -> None:
    """Print as JSON what a function says of a picture; the canvas in a page calls it so."""
    asked = json.loads(request)
    params = _fetched(asked["address"], asked["digest"])
    module, name = asked["function"].split(":")
    function = getattr(importlib.import_module(module), name)
    image = picture_of(asked["image"], asked["size"])
    print(json.dumps(function(image, params, **asked.get("options", {}))))


def picture_of(text: str, size: list[int]) -> Array:
    """A grey picture (height, width) in [0, 1] from its bytes in base 64."""
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(size) / 255


@lru_cache(4)
def _fetched(address: str, digest: str) -> dict[str, Array]:
    js = importlib.import_module("js")  # Pyodide's own: the browser
    request = js.XMLHttpRequest.new()
    request.open("GET", address, False)  # the worker has nothing else to do
    request.responseType = "arraybuffer"
    try:
        request.send()
    except Exception:
        raise ValueError("the file of weights did not come") from None
    if request.status != 200:
        raise ValueError("the file of weights did not come")
    return read_weights(request.response.to_bytes(), digest)
