"""Run the book's notebooks and store them in canonical form: what a person wrote, and text outputs.

The exercises of a chapter are put in from their sources. No images, no widget state, no times,
cells numbered in order: running a notebook again changes no byte, and a difference between two
versions of it is one that somebody made.

    python .ci/notebooks.py [NOTEBOOK ...]
"""

import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from attn_course.exercises import load, names
from attn_course.exercises.cells import cells

BOOK = Path(__file__).resolve().parent.parent / "book"

KEPT = ("tags", "mystnb", "attn")  # of a cell's metadata
UNSTORED = (
    "image/png",
    "image/jpeg",
    "text/html",  # a drawing; its name remains
    "application/vnd.jupyter.widget-view+json",
)
NO_OUTPUT = "nbval-ignore-output"  # live figures and training: run, never stored
NO_RUN = "skip-execution"


def notebooks() -> list[Path]:
    """The book's notebooks."""
    return sorted(BOOK.glob("*.ipynb"))


def tags(cell) -> list[str]:
    """The cell's tags."""
    return cell.metadata.get("tags", [])


def with_exercises(notebook, chapter: str):
    """A copy with the exercises of the sources, where the old ones or their heading stood."""
    ours = [bool(cell.metadata.get("attn")) for cell in notebook.cells]
    heading = [cell.source.lstrip().startswith("## Exercises") for cell in notebook.cells]
    place = ours.index(True) if any(ours) else heading.index(True) + 1 if any(heading) else None
    kept = [cell for cell, mine in zip(notebook.cells, ours, strict=True) if not mine]
    made = []
    for name in names():
        for cell in cells(load(name), book=True) if name.split("/")[0] == chapter else ():
            new = (
                nbformat.v4.new_markdown_cell
                if cell.kind == "markdown"
                else nbformat.v4.new_code_cell
            )
            made.append(new(cell.source, metadata={"attn": {"exercise": name, "part": cell.part}}))
    if made and place is None:
        raise ValueError(f"{chapter}: the chapter has exercises and no heading '## Exercises'")
    whole = nbformat.from_dict(dict(notebook))
    whole.cells = [*kept[:place], *made, *kept[place:]] if made else kept
    return whole


def text_only(output):
    """The output without pictures and times, or None where nothing is left of it."""
    output = dict(output)
    output.pop("transient", None)
    if "data" in output:
        output["data"] = {kind: x for kind, x in output["data"].items() if kind not in UNSTORED}
        output["metadata"] = {}
        if not output["data"]:
            return None
    return nbformat.from_dict(output)


def joined(outputs):
    """The outputs, with printed text that follows printed text in one piece: timing splits it."""
    whole = []
    for output in outputs:
        last = whole[-1] if whole else {}
        if output.output_type == "stream" and output["name"] == last.get("name"):
            last["text"] += output["text"]
        else:
            whole.append(nbformat.from_dict(dict(output)))
    return whole


def canonical(notebook):
    """A copy in canonical form."""
    cells = []
    for number, old in enumerate(notebook.cells):
        cell = nbformat.from_dict(dict(old))
        cell.id = f"c{number:03}"
        cell.metadata = nbformat.from_dict({k: old.metadata[k] for k in KEPT if k in old.metadata})
        if cell.cell_type == "code":
            shown = [] if NO_OUTPUT in tags(cell) else map(text_only, joined(cell.outputs))
            cell.outputs = [output for output in shown if output is not None]
            if not cell.source.strip() or NO_RUN in tags(cell):
                cell.outputs, cell.execution_count = [], None
        cells.append(cell)
    metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    whole = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return nbformat.from_dict(whole)


def text(notebook) -> str:
    """The notebook as it is stored."""
    return nbformat.writes(notebook, version=4).rstrip("\n") + "\n"


def execute(path: Path) -> None:
    """Run a notebook from its own folder and store it; a failing cell leaves the file as it was."""
    notebook = with_exercises(nbformat.read(path, as_version=4), path.stem)
    NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(path.parent)}},
    ).execute()
    half = path.with_suffix(".ipynb.part")
    half.write_text(text(canonical(notebook)), encoding="utf-8")
    os.replace(half, path)


def main(names: list[str]) -> int:
    """Store all notebooks, or the named ones."""
    failed = 0
    for path in [Path(name).resolve() for name in names] or notebooks():
        try:
            execute(path)
            print(f"{path.name}: stored")
        except CellExecutionError as error:
            failed += 1
            print(f"{path.name}: a cell failed, file left as it was\n{error}", file=sys.stderr)
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
