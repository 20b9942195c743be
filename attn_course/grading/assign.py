"""Hand-out: an assignment's notebook, its points in the gradebook, and the wheel beside it."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from attn_course.exercises.cells import ANSWER, cells, grade_id
from attn_course.exercises.source import Exercise, load
from attn_course.grading.course import Assignment, Course, CourseError
from attn_course.grading.gradebook import generate, opened, quietly, students_in

CONFIG = '''\
"""What nbgrader and its formgrader need to know of this course; `attn-course assign` wrote it."""

from pathlib import Path

from attn_course.grading.gradebook import configure

configure(get_config(), Path(__file__).resolve().parent)  # noqa: F821 - nbgrader puts it here
'''


def assign(course: Course, assignment: Assignment, force: bool = False) -> Path:
    """Write source and release of an assignment and enter it into the gradebook."""
    from attn_course.exercises.release import student_wheel

    exercises = course.exercises(assignment)
    students = course.roster()  # an error in the roster comes before anything is written
    _refuse_changes(course, assignment, force)
    folder = course.release(assignment.name).parent
    folder.mkdir(parents=True, exist_ok=True)
    wheel = Path(student_wheel(course.folder / "release", course.roots))
    source = course.folder / "source" / assignment.name / f"{assignment.name}.ipynb"
    source.parent.mkdir(parents=True, exist_ok=True)
    before = starters(course, assignment)
    notebook = source_notebook(course, assignment, wheel.name, before)
    nbformat.write(notebook, source)
    config = course.folder / "nbgrader_config.py"
    if not config.exists():
        config.write_text(CONFIG, encoding="utf-8")
    with opened(course) as gradebook:
        gradebook.update_or_create_assignment(assignment.name, duedate=assignment.due)
        students_in(gradebook, students)
    generate(course, assignment)
    _check_release(course, assignment, exercises)
    wheel.replace(folder / wheel.name)
    return course.release(assignment.name)


PARTS = {"answer": "starter", "prompt": "text"}  # as a reader would call them


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def starters(course: Course, assignment: Assignment) -> list[str]:
    """The starters that were handed out, also by an earlier `assign`; none if nothing was."""
    path = course.release(assignment.name)
    if not path.exists():
        return []
    notebook = _read(path)
    found = [
        "".join(cell["source"])
        for cell in notebook["cells"]
        if cell["metadata"].get("attn", {}).get("part") == "starter"
    ]
    return found + notebook["metadata"].get("attn", {}).get("earlier", [])


def changed(course: Course, assignment: Assignment) -> list[str]:
    """A sentence for each exercise whose text is another now than in the notebook handed out."""
    path = course.release(assignment.name)
    if not path.exists():
        return []
    texts: dict[str, dict[str, tuple[str, str]]] = {"then": {}, "now": {}}
    for cell in _read(path)["cells"]:
        _note_text(texts["then"], cell["metadata"], "".join(cell["source"]))
    for cell in source_notebook(course, assignment, "").cells:
        _note_text(texts["now"], cell.metadata, cell.source)
    for exercise in course.exercises(assignment):
        name = grade_id(exercise.name, "answer")
        if name in texts["now"]:
            texts["now"][name] = exercise.name, exercise.starter().rstrip()
    differ: dict[str, list[str]] = {}
    for name in texts["then"] | texts["now"]:
        one, other = texts["then"].get(name), texts["now"].get(name)
        if one != other:
            of, _ = one or other or ("", "")
            part = name.removeprefix(grade_id(of, "") + "-")
            differ.setdefault(of, []).append(PARTS.get(part, part))
    return [
        f"{of}: what students were handed out is not what the exercise says now "
        f"({', '.join(parts)}), and the checks are those of now; see that they fit both."
        for of, parts in differ.items()
    ]


def _note_text(texts: dict[str, tuple[str, str]], metadata: Any, source: str) -> None:
    """Note the text of a cell that a student is given to read or to start from."""
    attn, name = metadata.get("attn", {}), metadata.get("nbgrader", {}).get("grade_id", "")
    if attn.get("exercise") and attn.get("part") in ("prompt", "starter"):
        texts[name] = attn["exercise"], source.rstrip()


def source_notebook(
    course: Course, assignment: Assignment, wheel: str, before: Sequence[str] = ()
) -> Any:
    """The instructor's notebook, with solutions and model answers; the release is cut from it.

    `before` are starters that were handed out already; those that have changed are noted.
    """
    attn: dict[str, Any] = {
        "assignment": assignment.name,
        "exercises": list(assignment.exercises),
    }
    exercises = course.exercises(assignment)
    now = {one.starter().rstrip() for one in exercises if one.has_code}
    earlier = [one for one in dict.fromkeys(before) if one.rstrip() not in now]
    attn |= {"earlier": earlier} if earlier else {}
    made = new_notebook(
        metadata={"kernelspec": _KERNEL, "language_info": {"name": "python"}, "attn": attn}
    )
    made.cells = [_about(course, assignment, wheel)]
    there = set(assignment.exercises)
    for exercise in exercises:
        for other in exercise.after:
            if other not in there:
                made.cells.append(_own_work(course, exercise, other))
                there.add(other)
        made.cells += _cells(assignment, exercise)
    for number, cell in enumerate(made.cells):
        cell.id = f"c{number:03d}-{cell.metadata.nbgrader.grade_id}"[:64]
    names = [cell.metadata.nbgrader.grade_id for cell in made.cells]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise CourseError(f"{assignment.name}: two cells would be called {', '.join(twice)}")
    return made


_KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


def _cells(assignment: Assignment, exercise: Exercise) -> Iterator[Any]:
    weight, prompt = assignment.weight_of(exercise.name), grade_id(exercise.name, "prompt")
    of = {question.name: question for question in exercise.questions}
    for cell in cells(exercise):
        attn = {"exercise": exercise.name, "part": cell.part}
        if cell.part == "starter":
            source = exercise.solution(marked=True).rstrip()
            yield _cell("code", source, grade_id(exercise.name, "answer"), attn, solution=True)
        elif cell.part == "check":
            name = grade_id(exercise.name, "checks")
            points = weight * sum(one.points for one in exercise.checks())
            yield _cell("code", cell.source, name, attn, grade=True, locked=True, points=points)
        elif cell.part == "question":
            question = of[cell.name]
            name, attn = grade_id(exercise.name, question.name), attn | {"name": question.name}
            said = cell.source
            if weight != 1:
                said = f"**{weight * question.points:g} points.** {question.text}"
            asked = {"exercise": exercise.name, "part": "prompt", "name": question.name}
            yield _cell("markdown", said, f"{name}-question", asked, locked=True)
            rubric = "\n".join(f"- {points} points: {text}" for points, text in question.rubric)
            model = f"{question.model}\n\n{rubric}"
            points = weight * question.points
            yield _cell("markdown", model, name, attn, grade=True, solution=True, points=points)
        else:
            yield _cell(cell.kind, cell.source, prompt, attn, locked=True)


def _cell(
    kind: str,
    source: str,
    name: str,
    attn: dict[str, str],
    grade: bool = False,
    solution: bool = False,
    locked: bool = False,
    points: float | None = None,
) -> Any:
    meta: dict[str, Any] = {
        "schema_version": 3,
        "grade_id": name,
        "grade": grade,
        "solution": solution,
        "locked": locked,
        "task": False,
    }
    if points is not None:
        meta["points"] = points
    make = new_code_cell if kind == "code" else new_markdown_cell
    return make(source, metadata={"nbgrader": meta, "attn": attn})


def _about(course: Course, assignment: Assignment, wheel: str) -> Any:
    exercises = course.exercises(assignment)
    minutes = sum(one.minutes for one in exercises)
    points = sum(mark.points for mark in course.marks(assignment))
    extra = "[torch]" if any(one.needs == "torch" for one in exercises) else ""
    due, name = assignment.due, assignment.name
    offset = due.strftime("%z")
    asks = any(one.questions for one in exercises)
    in_words = f", and your answers where it says\n   *{ANSWER.strip('*')}*" if asks else ""
    zone = f"UTC{offset[:3]}:{offset[3:5]}" if due.utcoffset() else "UTC"
    text = f"""\
# {course.title}: {name}

**Hand in by {due.day} {due:%B %Y, %H:%M} ({zone}).** {points:g} points, about {minutes} minutes of
work. Your instructor knows of any later date that was agreed with you.

1. Once, install what the notebook needs, from the file that came beside it. Run this in a new cell:
   `%pip install "./{wheel}{extra}"`, then restart the kernel.
2. Write your code where it says `# your code`{in_words}. Add
   as many cells of your own as you like. Do not rename the functions.
3. The cell under an exercise checks it and says what is not right yet. Further checks, on inputs
   that you do not see, are run once you have handed in; they ask for nothing beyond the text.
4. Before you hand in, save and run this in a new cell. It starts afresh, runs everything from the
   top and says what a grader would see.

   ```python
   import sys
   !"{{sys.executable}}" -m attn_course validate {name}.ipynb
   ```

Write the work yourself: in grading `attn_course` is not there to be called."""
    return _cell(
        "markdown", text, grade_id(assignment.name, "about"), {"part": "about"}, locked=True
    )


def _own_work(course: Course, exercise: Exercise, other: str) -> Any:
    """A place for a function that the student wrote in an assignment before this one."""
    where = next(one.name for one in course.assignments if other in one.exercises)
    gives = " and ".join(f"`{name}`" for name in load(other, course.roots).gives())
    text = (
        f"The next exercise builds on {gives} from {where}. Open a cell below this one and copy "
        "your own into it, mended if need be."
    )
    name = grade_id(exercise.name, f"from-{other}")
    return _cell("markdown", text, name, {"exercise": exercise.name, "part": "prompt"}, locked=True)


def _refuse_changes(course: Course, assignment: Assignment, force: bool) -> None:
    """Refuse to change what has been marked already."""
    from nbgrader.api import MissingEntry

    wanted = {mark.grade_id: mark.points for mark in course.marks(assignment)}
    with opened(course) as gradebook:
        try:
            notebook = gradebook.find_notebook(assignment.name, assignment.name)
        except MissingEntry:
            return
        if not notebook.submissions:
            return
        there = {cell.name: cell.max_score for cell in notebook.grade_cells}
        n_graded = len(notebook.submissions)
    if set(there) != set(wanted):
        changed = ", ".join(sorted(set(there) ^ set(wanted)))
        raise CourseError(
            f"{assignment.name} has {n_graded} graded submissions, so nothing can be added to it "
            f"or taken out of it ({changed}); make an assignment of its own for what is new"
        )
    changed = ", ".join(
        f"{name} from {there[name]:g} to {wanted[name]:g}"
        for name in wanted
        if there[name] != wanted[name]
    )
    if changed and not force:
        raise CourseError(
            f"{assignment.name} has {n_graded} graded submissions, and the points would change: "
            f"{changed}; if that is meant, say --force and grade again"
        )


def _check_release(course: Course, assignment: Assignment, exercises: list[Exercise]) -> None:
    """Refuse to leave a release in which an answer cell is not the starter."""
    path = course.release(assignment.name)
    with quietly():
        released = nbformat.read(path, as_version=4)
    of = {cell.metadata.nbgrader.grade_id: cell.source for cell in released.cells}
    for exercise in exercises:
        wanted = {grade_id(exercise.name, one.name): ANSWER for one in exercise.questions}
        if exercise.has_code:
            wanted[grade_id(exercise.name, "answer")] = exercise.starter().rstrip()
        for name, source in wanted.items():
            if of.get(name) != source:
                path.unlink()
                raise CourseError(
                    f"{exercise.name}: the cell {name} did not come out as the starter, so that "
                    "it may hold the solution; nothing is released"
                )
