"""Build the instructor's book: the same pages, with solutions, model answers and wrong answers.

The tree is a copy, in `_build/instructor`, whose notebooks have one cell more after each exercise.
The student's book is built from the sources, which hold none of this.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat

from attn_course.exercises import load, names
from attn_course.exercises.cells import label
from attn_course.exercises.checking import Answer, run
from attn_course.exercises.source import before

ROOT = Path(__file__).resolve().parent.parent
TREE = ROOT / "_build" / "instructor"
COPIED = ("book", ".ci", "_config.yml", "_toc.yml", "constraints.txt", "pyproject.toml")
LINKED = ("attn_course", "tests")  # the pages show parts of them


def wrong_answers(exercise):
    """(name, message) of every typical wrong answer, as its author would be told."""
    earlier = {}
    for one in before(exercise):
        exec(one.solution(), earlier)
    for name, mutant in exercise.mutants().items():
        namespace = dict(earlier)
        exec(exercise.mutated(mutant), namespace)
        outcomes = run(exercise.checks(), Answer(namespace, exercise.needs), [0])
        (message,) = (one.message for one in outcomes if one.name == mutant.falls_by)
        yield name, message


def answer(exercise) -> str:
    """The cell that follows an exercise: what solves it, what is asked for, what goes wrong."""
    parts = [f"::::{{solution}} {label(exercise)}", ":class: dropdown", ""]
    if exercise.has_code:
        parts += ["```python", exercise.solution().rstrip(), "```", ""]
        rows = [
            f"| {c.title} | {c.points} | {'yes' if c.hidden else ''} |" for c in exercise.checks()
        ]
        parts += ["| check | points | hidden |", "| --- | --- | --- |", *rows, ""]
    for question in exercise.questions:
        parts += [f"**Model answer: {question.name}** ({question.points} points)", ""]
        parts += [question.model, "", "*Rubric*", ""]
        parts += [f"- {points}: {said}" for points, said in question.rubric] + [""]
    if exercise.has_code:
        rows = [f"| {name} | {message} |" for name, message in wrong_answers(exercise)]
        parts += ["*Typical wrong answers, and what their authors are told*", ""]
        parts += ["| mistake | message |", "| --- | --- |", *rows, ""]
    return "\n".join([*parts, "::::"])


def with_answers(notebook):
    """A copy of a chapter with the answers in it."""
    whole = nbformat.from_dict(dict(notebook))
    whole.cells = []
    for number, cell in enumerate(notebook.cells):
        whole.cells.append(cell)
        name = cell.metadata.get("attn", {}).get("exercise")
        following = notebook.cells[number + 1 :][:1]
        last = not following or following[0].metadata.get("attn", {}).get("exercise") != name
        if name and last:
            whole.cells.append(nbformat.v4.new_markdown_cell(answer(load(name))))
    return whole


def main() -> int:
    """Make the tree anew, keep what was built from it before, and build."""
    TREE.mkdir(parents=True, exist_ok=True)
    for name in (*COPIED, *LINKED):
        old = TREE / name
        if old.is_dir() and not old.is_symlink():
            shutil.rmtree(old)
        else:
            old.unlink(missing_ok=True)
    for name in LINKED:
        (TREE / name).symlink_to(ROOT / name)
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, TREE / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, TREE / name)
    assert set(names()), "the package has no exercises"
    for path in (TREE / "book").glob("*.ipynb"):
        nbformat.write(with_answers(nbformat.read(path, as_version=4)), path)
    code = subprocess.run([sys.executable, str(TREE / ".ci" / "book.py")], check=False).returncode
    if code == 0:
        print(f"\nWith solutions, for instructors: {TREE / '_build' / 'html' / 'index.html'}")
    return code


if __name__ == "__main__":
    sys.exit(main())
