"""Exercises, and the check of one's own answer: ``check("CHAPTER/NAME")`` in a notebook."""

import ast
import difflib
import importlib.util
import inspect
import sys
import textwrap
import time
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

from attn_course.exercises.cells import points
from attn_course.exercises.checking import Answer, Outcome, is_ours, run
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
    lines = verdict(name, namespace)
    print("\n".join(wrapped for line in lines for wrapped in wrap(line)))


def verdict(name: Any, namespace: Mapping[str, Any]) -> list[str]:
    """What `check` says, in lines that are still to be wrapped."""
    try:
        exercise = find(name)
        if exercise.needs == "torch" and importlib.util.find_spec("torch") is None:
            return ["This exercise needs torch, which is not here. To have it: pip install torch"]
        visible = [one for one in exercise.checks() if not one.hidden]
        outcomes = run(visible, Answer(namespace, exercise.needs), SEED)
        asked = {name: namespace.get(name) for name in functions([exercise])}
        there = {name for name, value in asked.items() if _is_written(value)}
        borrowed = {name for name, value in asked.items() if is_ours(value)}
        missing = unwritten(exercise, outcomes, there)
        lines = [*report(exercise, outcomes, missing), *to_write(missing)]
        return [*lines, *first(exercise, outcomes, there, borrowed), _minutes(exercise)]
    except KeyboardInterrupt:
        return ["Stopped. Nothing was checked."]
    except ExerciseError as error:
        return [f"{error}."]
    except Exception as error:  # a fault of ours, which is no use to a student
        return [f"The checks could not be run ({type(error).__name__}: {error})."]


def find(name: Any) -> Exercise:
    """The exercise called `name`; where there is none, the error names the nearest first."""
    if not isinstance(name, str):
        raise ExerciseError('Give the exercise by its name, in quotes: check("CHAPTER/NAME")')
    known = names()
    if name in known:
        return load(name)
    near = difflib.get_close_matches(name, known, n=len(known) or 1, cutoff=0.0)
    raise ExerciseError(f"There is no exercise {name!r}; there are {', '.join(near) or 'none'}")


def functions(exercises: Iterable[Exercise]) -> set[str]:
    """The functions that exercises ask for, and those before them on which they build."""
    known = [*exercises]
    known += [find(name) for one in known for name in one.after]
    return {name for one in known if one.has_code for name in one.gives()}


def stubs(exercise: Exercise) -> set[str]:
    """The functions of which a starter holds no more than the head."""
    tree = ast.parse(exercise.starter())
    named = (one for one in tree.body if isinstance(one, ast.FunctionDef))
    return {one.name for one in named if "NotImplementedError" in ast.unparse(one)}


def unwritten(exercise: Exercise, outcomes: Sequence[Outcome], there: set[str]) -> list[str]:
    """The functions that are still to be written; none where nothing has been begun."""
    if not exercise.has_code:
        return []
    begun = any(one.earned for one in outcomes) or any(one in there for one in stubs(exercise))
    return [one for one in exercise.gives() if begun and one not in there]


def report(
    exercise: Exercise, outcomes: Sequence[Outcome], missing: Sequence[str] = ()
) -> Iterator[str]:
    """What the visible checks gave, as lines of plain text; `missing` is still to be written."""
    yield f"{exercise.name}: {exercise.title}"
    for one in outcomes:
        verdict = "not yet" if one.message else "passed "
        yield f"  {verdict}  {one.title} ({points(one.points)})"
        if one.message:
            yield f"           {one.message}"
    earned, total = sum(one.earned for one in outcomes), sum(one.points for one in outcomes)
    if not outcomes:
        yield "There is nothing here that can be checked by running it."
    elif earned == total and not missing:
        yield f"Everything that is checked here passes: {earned} of {points(total)}."
    else:
        yield f"So far {earned} of {points(total)}."
    if hidden := exercise.hidden_points():
        yield f"The grader has further checks, with inputs of its own, worth {points(hidden)}."
    if exercise.questions:
        by_hand = sum(one.points for one in exercise.questions)
        yield f"A person marks what you write in words, for {points(by_hand)}."


def to_write(missing: Sequence[str]) -> Iterator[str]:
    """Which functions are missing, checked here or not."""
    if missing:
        them = "it" if len(missing) == 1 else "them"
        yield f"Not written yet: {', '.join(missing)}; the grader checks {them} too."


def first(
    exercise: Exercise,
    outcomes: Sequence[Outcome],
    there: set[str],
    borrowed: Container[str] = (),
) -> Iterator[str]:
    """Which exercise to do first, where one fails for want of another's functions."""
    passed = all(not one.message for one in outcomes)
    for name in exercise.after:
        earlier = find(name)
        missing = [one for one in earlier.gives() if one not in there] if earlier.has_code else []
        taken = [one for one in missing if one in borrowed]
        if taken:
            yield (
                f"This exercise comes after {name}, and {' and '.join(taken)} is the book's own "
                "here, imported. The grader does not have it: write yours."
            )
        elif missing and not passed:
            yield (
                f"This exercise comes after {name}, and {' and '.join(missing)} from there is not "
                "written here yet: do that one first."
            )


def wrap(line: str) -> list[str]:
    """A line as lines that fit, those that follow set in as far as the first."""
    indent = " " * (len(line) - len(line.lstrip()))
    return textwrap.wrap(line, WIDTH, subsequent_indent=indent, break_on_hyphens=False) or [""]


def _is_written(value: Any) -> bool:
    """Whether this is a function that is more than the starter's stub."""
    if not callable(value) or is_ours(value):
        return False
    code = getattr(inspect.unwrap(value), "__code__", None)
    return "NotImplementedError" not in getattr(code, "co_names", ())


def _minutes(exercise: Exercise) -> str:
    """The minutes planned, and from the second call on those since the first."""
    now = time.monotonic()
    planned = f"Planned: {exercise.minutes} minutes"
    if exercise.name not in _first:
        _first[exercise.name] = now
        return f"{planned}."
    elapsed = round((now - _first[exercise.name]) / 60)
    if not elapsed:
        return f"{planned}."
    return f"{planned}; {elapsed} minute{'s' * (elapsed != 1)} since your first check."
