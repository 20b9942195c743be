"""A class of twelve invented students, to try the grading out on.

Their notebooks are made from the solutions, the starters and the known wrong answers when they are
asked for; nothing of them is stored.
"""

import copy
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from attn_course.exercises.cells import cells
from attn_course.exercises.source import REGION, STUB, Exercise


@dataclass(frozen=True)
class Pupil:
    """A student who does not exist, and what became of the work."""

    id: str
    first_name: str
    last_name: str
    what: str


CLASS = (
    Pupil("amina", "Amina", "Diallo", "everything right"),
    Pupil("bruno", "Bruno", "Keller", "answers in new cells at the end, the last one first"),
    Pupil("chiara", "Chiara", "Rossi", "every other answer a typical wrong one"),
    Pupil("daniel", "Daniel", "Novak", "handed in as it was handed out"),
    Pupil("elif", "Elif", "Demir", "the first exercise alone"),
    Pupil("farid", "Farid", "Rahimi", "a syntax error in the last exercise"),
    Pupil("greta", "Greta", "Lindqvist", "a loop that never ends in the last exercise"),
    Pupil("hiro", "Hiro", "Tanaka", "prints and warns all the way"),
    Pupil("ines", "Inês", "Carvalho", "the first exercise's functions renamed"),
    Pupil("jonas", "Jonas", "Weber", "tries the package out in cells between"),
    Pupil("kavya", "Kavya", "Menon", "the cells that check deleted"),
    Pupil("liam", "Liam", "O'Connor", "everything right, thirty hours late"),
)

DUE = datetime(2027, 1, 15, 22, 59, tzinfo=UTC)  # where no date is given
LATE = timedelta(hours=30)

TRYING = """\
import numpy as np
from attn_course.preliminaries.reference import softmax

print(softmax(np.array([[0.0, 1.0, 2.0]])))"""
WARNING = """\
import warnings

print("here we go")
warnings.warn("this is only a try")"""


def write_class(
    folder: Path,
    exercises: Sequence[Exercise],
    assignment: str,
    release: Path | None = None,
    due: datetime | None = None,
) -> list[Pupil]:
    """Write what the twelve hand in, as `folder/STUDENT/ASSIGNMENT/`; returns the class.

    The notebooks start from the released one, or from one with the same cells where none is given.
    """
    if release is None:
        base = _notebook(exercises)
    else:
        base = json.loads(Path(release).read_text(encoding="utf-8"))
    due = (due or DUE).astimezone(UTC)
    for number, pupil in enumerate(CLASS):
        notebook = copy.deepcopy(base)
        _write(notebook["cells"], list(exercises), pupil.id)
        for place_in, cell in enumerate(notebook["cells"]):
            if notebook["nbformat_minor"] >= 5:
                cell.setdefault("id", f"own-{place_in}")
        place = Path(folder) / pupil.id / assignment
        place.mkdir(parents=True, exist_ok=True)
        late = "late" in pupil.what
        when = due + (LATE if late else -timedelta(hours=3 * (number + 1)))
        path = place / f"{assignment}.ipynb"
        path.write_text(json.dumps(notebook, indent=1) + "\n", encoding="utf-8")
        stamp = place / "timestamp.txt"
        stamp.write_text(f"{when:%Y-%m-%d %H:%M:%S} UTC\n", encoding="utf-8")
        for file in (path, stamp):
            os.utime(file, (when.timestamp(), when.timestamp()))
    return list(CLASS)


def _write(there: list[dict[str, Any]], exercises: list[Exercise], pupil: str) -> None:
    """Do to the cells of a notebook what this student did."""
    coded = [one for one in exercises if one.has_code]
    added: list[dict[str, Any]] = []
    for number, exercise in enumerate(coded):
        source = _answer(exercise, pupil, first=number == 0, last=exercise is coded[-1])
        if pupil == "chiara" and number % 2 == 0 and exercise.mutants():
            source = exercise.mutated(next(iter(exercise.mutants().values())))
        if pupil == "bruno":
            added.insert(0, _cell("code", source))
            continue
        starter = _find(there, exercise, "starter")
        if source and starter is not None:
            starter["source"] = source.rstrip()
    for exercise in exercises:
        for question in exercise.questions:
            cell = _find(there, exercise, "question", question.name)
            if cell is not None and pupil not in ("daniel", "elif"):
                said = "I tried it with two numbers and it seems to hold."
                cell["source"] = question.model if pupil in ("amina", "liam") else said
    if pupil == "kavya":
        there[:] = [cell for cell in there if _meta(cell).get("part") != "check"]
    if pupil == "jonas":
        there[1:1] = [_cell("code", TRYING)]
        there.append(_cell("code", TRYING))
    if pupil == "hiro":
        there[1:1] = [_cell("code", WARNING)]
    there.extend(added)


def _answer(exercise: Exercise, pupil: str, first: bool, last: bool) -> str:
    """What this student wrote for an exercise; empty where that is nothing."""
    source = exercise.solution()
    name = exercise.gives()[0]
    if pupil == "daniel" or (pupil == "elif" and not first):
        return ""
    if pupil == "farid" and last:
        return re.sub(r"\breturn\b", "retrun", source, count=1)
    if pupil == "greta" and last:
        loop = "row = 0\n{0}while row < 10:  # and on it goes\n{0}    pass"
        starter = exercise.starter()
        found = re.search(rf"^( *){re.escape(STUB)}", starter, re.MULTILINE)
        if found is None:
            return f"def {name}(*args):\n    {loop.format('    ')}\n"
        return starter.replace(STUB, loop.format(found[1]))
    if pupil == "hiro":
        said = f'print("now in {name}")\n'
        marked = exercise.solution(marked=True)
        return REGION.sub(lambda region: region[1] + said + region[2], marked)
    if pupil == "ines" and first:
        for one in exercise.gives():
            source = re.sub(rf"\b{one}\b", f"my_{one}", source)
    return source


def _find(
    there: list[dict[str, Any]], exercise: Exercise, part: str, name: str = ""
) -> dict[str, Any] | None:
    wanted = {"exercise": exercise.name, "part": part} | ({"name": name} if name else {})
    return next((cell for cell in there if wanted.items() <= _meta(cell).items()), None)


def _meta(cell: dict[str, Any]) -> dict[str, str]:
    meta: dict[str, str] = cell["metadata"].get("attn", {})
    return meta


def _cell(kind: str, source: str, **meta: str) -> dict[str, Any]:
    cell: dict[str, Any] = {
        "cell_type": kind,
        "metadata": {"attn": meta} if meta else {},
        "source": source.rstrip(),
    }
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})


def _notebook(exercises: Sequence[Exercise]) -> dict[str, Any]:
    made = [
        _cell(cell.kind, cell.source, exercise=exercise.name, part=cell.part, name=cell.name)
        for exercise in exercises
        for cell in cells(exercise)
    ]
    python = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {
        "cells": made,
        "metadata": {"kernelspec": python, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 4,  # without ids of cells
    }
