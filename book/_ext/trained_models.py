"""Recorded weights for the pages, in `_static/attn/models/`, as recorded.

A figure fetches one of them at the reader's first click and holds it to the
hash of the record.
"""

import hashlib
import shutil
from pathlib import Path

from attn_course.figures.trained import FILE, recorded_digest

RUNS = Path(__file__).parents[1] / "runs"


def copy(runs, target):
    """Copy all recorded weights; their sizes by model."""
    sizes = {}
    for path in sorted(runs.rglob(FILE)):
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        if digest != recorded_digest(path.parent):
            raise ValueError(f"{path} is not the file that was recorded")
        model = path.parent.relative_to(runs).as_posix()
        place = target / f"{model}.safetensors"
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
        sizes[model] = len(content)
    return sizes


def add_models(app):
    """Put the weights beside the modules of the figures."""
    if app.builder.format == "html":
        copy(RUNS, Path(app.outdir) / "_static" / "attn" / "models")


def setup(app):
    """To be called after what empties `_static/attn`."""
    app.connect("builder-inited", add_models)
