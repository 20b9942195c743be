"""Exercises, and the check of one's own answer: ``check("CHAPTER/NAME")`` in a notebook."""

import difflib
import importlib.util
import sys
import textwrap
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attn_course.exercises.checking import Answer, Outcome, run
from attn_course.exercises.source import Exercise, ExerciseError, load, names

__all__ = ["check", "load", "names"]

WIDTH = 79  # what fits beside the contents of a page
SEED = (0,)  # of the visible checks, the same for everybody
_first: dict[str, float] = {}  # exercise -> when it was first checked in this session


def check(name: Any, namespace: Mapping[str, Any] | None = None) -> None:
    """Check your answer to an exercise, and say of each check whether it passes.

    `namespace` holds your functions; left out, it is that of the cell that calls.
    """
    if namespace is None:
        namespace = sys._getframe(1).f_globals
    try:
        exercise = find(name)
        if exercise.needs == "torch" and importlib.util.find_spec("torch") is None:
            print("This exercise needs torch, which is not here. To have it: pip install torch")
            return
        visible = [one for one in exercise.checks() if not one.hidden]
        outcomes = run(visible, Answer(namespace, exercise.needs), SEED)
        there = {name for name, value in namespace.items() if _is_written(value)}
        lines = [*report(exercise, outcomes), *first(exercise, outcomes, there), _minutes(exercise)]
    except KeyboardInterrupt:
        lines = ["Stopped. Nothing was checked."]
    except ExerciseError as error:
        lines = [f"{error}."]
    except Exception as error:  # a fault of ours, which is no use to a student
        lines = [f"The checks could not be run ({type(error).__name__}: {error})."]
    print("\n".join(wrapped for line in lines for wrapped in wrap(line)))


def find(name: Any) -> Exercise:
    """The exercise called `name`; where there is none, the error names the nearest first."""
    if not isinstance(name, str):
        raise ExerciseError('Give the exercise by its name, in quotes: check("CHAPTER/NAME")')
    known = names()
    if name in known:
        return load(name)
    near = difflib.get_close_matches(name, known, n=len(known) or 1, cutoff=0.0)
    raise ExerciseError(f"There is no exercise {name!r}; there are {', '.join(near) or 'none'}")


def report(exercise: Exercise, outcomes: Sequence[Outcome]) -> Iterator[str]:
    """What the visible checks gave, as lines of plain text."""
    yield f"{exercise.name}: {exercise.title}"
    for one in outcomes:
        verdict = "not yet" if one.message else "passed "
        yield f"  {verdict}  {one.title} ({points(one.points)})"
        if one.message:
            yield f"           {one.message}"
    earned, total = sum(one.earned for one in outcomes), sum(one.points for one in outcomes)
    if not outcomes:
        yield "There is nothing here that can be checked by running it."
    elif earned == total:
        yield f"Everything that is checked here passes: {earned} of {points(total)}."
    else:
        yield f"So far {earned} of {points(total)}."
    if exercise.hidden_points():
        numbers = points(exercise.hidden_points())
        yield f"The grader has further checks, with inputs of its own, worth {numbers}."
    if exercise.questions:
        by_hand = sum(one.points for one in exercise.questions)
        yield f"A person marks what you write in words, for {points(by_hand)}."


def first(exercise: Exercise, outcomes: Sequence[Outcome], there: set[str]) -> Iterator[str]:
    """Which exercise to do first, where one fails for want of another's functions."""
    if all(not one.message for one in outcomes):
        return
    for name in exercise.after:
        earlier = find(name)
        missing = [one for one in earlier.gives() if one not in there] if earlier.has_code else []
        if missing:
            yield (
                f"This exercise comes after {name}, and {' and '.join(missing)} from there is not "
                "written here yet: do that one first."
            )


def points(number: int) -> str:
    """``1 point``, ``2 points``."""
    return f"{number} point" + "s" * (number != 1)


def wrap(line: str) -> list[str]:
    """A line as lines that fit, those that follow set in as far as the first."""
    indent = " " * (len(line) - len(line.lstrip()))
    return textwrap.wrap(line, WIDTH, subsequent_indent=indent, break_on_hyphens=False) or [""]


def _is_written(value: Any) -> bool:
    """Whether this is a function that is more than the starter's stub."""
    code = getattr(value, "__code__", None)
    return callable(value) and "NotImplementedError" not in getattr(code, "co_names", ())


def _minutes(exercise: Exercise) -> str:
    """The minutes planned, and from the second call on those since the first."""
    now = time.monotonic()
    planned = f"Planned: {exercise.minutes} minutes"
    if exercise.name not in _first:
        _first[exercise.name] = now
        return f"{planned}."
    elapsed = round((now - _first[exercise.name]) / 60)
    return f"{planned}; {elapsed} since your first check."
