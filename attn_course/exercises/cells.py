"""An exercise as the cells of a notebook, the same in the book and in what is handed out."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from attn_course.exercises.source import Exercise, Question

ANSWER = "*Write your answer here.*"  # what stands where a question is to be answered
LEVELS = {1: "easy", 2: "medium", 3: "hard"}


@dataclass(frozen=True)
class Cell:
    """One cell: `part` is prompt, starter, check or question."""

    kind: str  # markdown or code
    part: str
    source: str
    name: str = ""  # of the question


def cells(exercise: Exercise, book: bool = False) -> Iterator[Cell]:
    """The cells of an exercise; in the book its text stands in a numbered box."""
    yield Cell("markdown", "prompt", prompt(exercise, book))
    if exercise.has_code:
        yield Cell("code", "starter", exercise.starter().rstrip())
        call = f'from attn_course.exercises import check\n\ncheck("{exercise.name}")'
        yield Cell("code", "check", call)
    if not book:
        for question in exercise.questions:
            yield Cell("markdown", "question", asked(question), question.name)


def prompt(exercise: Exercise, book: bool = False) -> str:
    """Title, effort, text and folded hints; in the book with the questions."""
    facts = f"*{LEVELS[exercise.difficulty].capitalize()}, about {exercise.minutes} minutes"
    if exercise.has_code:
        seen = sum(one.points for one in exercise.checks() if not one.hidden)
        facts += f", {points(seen + exercise.hidden_points())}"
        facts += f", {'NumPy in float64' if exercise.needs == 'numpy' else 'torch'}"
    for name in exercise.after:
        facts += f", after `{name}`"
    parts = [facts + ".*", exercise.text]
    if book:
        parts += [asked(question) for question in exercise.questions]
    for number, hint in enumerate(exercise.hints, start=1):
        parts.append(f"<details><summary>Hint {number}</summary>\n\n{hint}\n\n</details>")
    body = "\n\n".join(parts)
    if not book:
        return f"## {exercise.title}\n\n{body}"
    return f"::::{{exercise}} {exercise.title}\n:label: {label(exercise)}\n\n{body}\n::::"


def asked(question: Question) -> str:
    """A question with its points."""
    return f"**In words, {points(question.points)}.** {question.text}"


def points(number: int) -> str:
    """``1 point``, ``2 points``."""
    return f"{number} point" + "s" * (number != 1)


def grade_id(exercise: str, part: str) -> str:
    """The name of a cell in nbgrader's gradebook: gaussian-filterbank-checks."""
    return re.sub(r"[^A-Za-z0-9_]+", "-", f"{exercise}-{part}").strip("-")


def bare(source: str) -> str:
    """A cell's code without what may differ in an untouched one: blanks at ends, blank lines."""
    return "\n".join(line.rstrip() for line in source.strip().splitlines() if line.strip())


def label(exercise: Exercise) -> str:
    """The label that the book's references use: ex-NAME."""
    return "ex-" + exercise.name.partition("/")[2].replace("_", "-")
