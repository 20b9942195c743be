"""Each proof about exercises fails on an exercise with one planted fault, and passes without it."""

import inspect
import re
from pathlib import Path
from typing import Any

import pytest
import test_exercises
from exercise_secrets import leaks, secrets
from test_exercises import (
    CODE,
    FORM,
    proof_of_checks,
    proof_of_code,
    proof_of_kinds,
    proof_of_messages,
    proof_of_mutants,
    proof_of_names,
    proof_of_numpy_alone,
    proof_of_one_notebook,
    proof_of_order,
    proof_of_prompt,
    proof_of_questions,
    proof_of_secrecy,
    proof_of_seeds,
    proof_of_width,
    proof_that_hidden_are_needed,
    proof_that_it_passes,
    proof_that_second_differs,
    proof_that_starter_fails,
)

from attn_course.exercises.source import Exercise, load

PROMPT = """+++
title = "Shares"
kind = "code"
difficulty = 1
minutes = 10
needs = "numpy"
order = 2
after = ["tiny/bell"]
+++
Write `share(score)`, which turns an array `(n_query, n_key)` of scores into weights: every row is
positive and sums to one, and a score that is larger by one weighs $e$ times as much.

# Hint

What grows by a factor where its argument grows by one?

# Hint

Divide by the sum of the row. What does `np.exp(score)` give for a score of 1000?

# Hint

Take away the largest score of a row first: the weights stay the same.

# Question: why

Why do the weights stay the same?

## Model answer

Numerator and denominator are both multiplied by the exponential of minus the largest score.

## Rubric

- 2 points: The same factor stands in the numerator
  and in the denominator.
- 1 point: It cancels for every row by itself.
"""

SOLUTION = '''import numpy as np

from attn_course.exercises.tiny.bell.solution import bell_of


def share(score: np.ndarray) -> np.ndarray:
    """Weights of each row."""
    ### BEGIN SOLUTION
    bell = bell_of(score - score.max(axis=-1, keepdims=True))
    return bell / bell.sum(axis=-1, keepdims=True)
    ### END SOLUTION
'''

SECOND_SOLUTION = '''import numpy as np


def share(score: np.ndarray) -> np.ndarray:
    """Weights of each row."""
    weight = np.empty(score.shape)
    for i, row in enumerate(score):
        for j, one in enumerate(row):
            weight[i, j] = 1 / np.exp(row - one).sum()
    return weight
'''

CHECKS = '''"""Checks of the shares."""

import numpy as np

from attn_course.exercises.checking import Mutant, check, close


def shares(score):
    return np.exp(score) / np.exp(score).sum(-1, keepdims=True)


@check()
def by_hand(answer, rng):
    """Equal scores share the weight equally: is each row divided by its sum?"""
    close(answer.share(np.zeros((2, 4))), np.full((2, 4), 0.25), "Four equal scores get 1/4 each.")


@check(points=2, hidden=True)
def rows_by_formula(answer, rng):
    """Each row holds the softmax of its scores; did you sum along the columns?"""
    score = rng.normal(size=(rng.integers(2, 5), 6))
    close(answer.share(score), shares(score), "The weights of a row are its softmax.")


@check(hidden=True)
def large_scores(answer, rng):
    """Scores in the thousands overflow nothing; was the largest one taken away?"""
    weight = answer.share(rng.normal(size=(3, 5)) + 5000)
    assert np.shape(weight) == (3, 5)
    assert np.isfinite(weight).all()


MUTANTS = {
    "wrong axis": Mutant("bell.sum(axis=-1", "bell.sum(axis=0", "rows_by_formula", "its softmax"),
    "no sum": Mutant("return bell / ", "return bell / 4 + 0 * ", "rows_by_formula", "its softmax"),
    "zeros": Mutant("return bell / ", "return 0 * ", "rows_by_formula", "its softmax"),
    "upside down": Mutant("bell = bell_of(", "bell = bell_of(-", "rows_by_formula", "its softmax"),
    "overflow": Mutant("score - score.max(axis=-1, keepdims=True)", "score",
                       "large_scores", "in the thousands"),
}
'''

BELL = """+++
title = "Bells"
kind = "code"
difficulty = 1
minutes = 5
needs = "numpy"
order = 1
+++
Write `bell_of(score)`, the exponential of every score.
"""

BELL_SOLUTION = '''import numpy as np


def bell_of(score: np.ndarray) -> np.ndarray:
    """Exponentials."""
    ### BEGIN SOLUTION
    return np.exp(score)
    ### END SOLUTION
'''

BELL_CHECKS = '''import numpy as np

from attn_course.exercises.checking import check, close


@check()
def at_zero(answer, rng):
    """The exponential of zero is one, whatever the shape."""
    close(answer.bell_of(np.zeros(3)), np.ones(3), "The exponential of zero is one.")
'''

FILES = {
    "tiny/share/prompt.md": PROMPT,
    "tiny/share/solution.py": SOLUTION,
    "tiny/share/checks.py": CHECKS,
    "second/tiny/share.py": SECOND_SOLUTION,
    "tiny/bell/prompt.md": BELL,
    "tiny/bell/solution.py": BELL_SOLUTION,
    "tiny/bell/checks.py": BELL_CHECKS,
}


def planted(folder: Path, *edits: tuple[str, str, str]) -> Exercise:
    """The tiny exercise with edits (file, old, new)."""
    files = dict(FILES)
    for file, old, new in edits:
        path = next(path for path in files if path.endswith(file))
        assert files[path].count(old) >= 1, (file, old)
        files[path] = files[path].replace(old, new, 1)
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return load("tiny/share", (folder,))


def passes(who: str) -> Any:
    """The proof that an answer passes, as a proof of one argument."""
    return lambda exercise: proof_that_it_passes(exercise, who)


@pytest.mark.parametrize("proof", [*FORM, *CODE, passes("solution"), passes("second")])
def test_tiny_exercise_stands(tmp_path, proof):
    proof(planted(tmp_path))


PROMPT_MD, CHECKS_PY, SOLUTION_PY = "share/prompt.md", "share/checks.py", "share/solution.py"
ASKS = "score = rng.normal(size=(rng.integers(2, 5), 6))"
WITH = '"The weights of a row are its softmax."'
FAULTS = {
    "a hint too few": (proof_of_prompt, "three hints", PROMPT_MD, "# Hint\n\nWhat grows", "What"),
    "minutes": (proof_of_prompt, "0 minutes", PROMPT_MD, "minutes = 10", "minutes = 0"),
    "role": (
        proof_of_prompt,
        "Sphinx alone",
        PROMPT_MD,
        "every row is",
        "see {eq}`x`: every row is",
    ),
    "directive": (
        proof_of_prompt,
        "Sphinx",
        PROMPT_MD,
        "larger by one",
        "larger\n:::{note}\n:::\n",
    ),
    "citation": (
        proof_of_prompt,
        "Sphinx",
        PROMPT_MD,
        "which turns",
        "[@kosiorek2017] which turns",
    ),
    "a $ too few": (proof_of_prompt, "partner", PROMPT_MD, "$e$ times", "$e times"),
    "out of order": (proof_of_prompt, "must come before", PROMPT_MD, "order = 2", "order = 0"),
    "forbidden": (
        proof_of_prompt,
        "forbidden",
        PROMPT_MD,
        "order = 2",
        'order = 2\nforbids = ["a"]',
    ),
    "needs torch before": (
        proof_of_prompt,
        "needs torch",
        "bell/prompt.md",
        'needs = "numpy"',
        'needs = "torch"',
    ),
    "no model answer": (
        proof_of_questions,
        "model answer",
        PROMPT_MD,
        "Numerator and denominator are both multiplied by the exponential of minus the largest",
        "Cancels.",
    ),
    "an item lost": (proof_of_questions, "2 points", PROMPT_MD, "- 1 point: It", "- One point: it"),
    "no points": (proof_of_questions, "without points", PROMPT_MD, "- 1 point", "- 0 points"),
    "points disagree": (
        proof_of_questions,
        "disagree",
        PROMPT_MD,
        "Why do the weights stay the same?\n\n## M",
        "Why do the weights stay the same? (4 points)\n\n## M",
    ),
    "no visible check": (proof_of_checks, "visible", CHECKS_PY, "@check()", "@check(hidden=True)"),
    "too few mutants": (proof_of_checks, "4 mutants", CHECKS_PY, '    "zeros"', '    "no sum"'),
    "no sentence": (
        proof_of_checks,
        "no sentence",
        CHECKS_PY,
        "Equal scores share the weight equally: is each row divided by its sum?",
        "equal scores",
    ),
    "one message twice": (
        proof_of_checks,
        "equal",
        CHECKS_PY,
        "Equal scores share the weight equally: is each row divided by its sum?",
        "Scores in the thousands overflow nothing; was the largest one taken away?",
    ),
    "worth nothing": (proof_of_checks, "worth nothing", CHECKS_PY, "@check()", "@check(points=0)"),
    "two equal mutants": (
        proof_of_checks,
        "the same",
        CHECKS_PY,
        '"return bell / ", "return 0 * "',
        '"return bell / ", "return bell / 4 + 0 * "',
    ),
    "no docstring": (
        proof_of_code,
        "docstring",
        SOLUTION_PY,
        '    """Weights of each row."""\n',
        "",
    ),
    "no type": (proof_of_code, "type its", SOLUTION_PY, "score: np.ndarray", "score"),
    "no type returned": (proof_of_code, "it returns", SOLUTION_PY, " -> np.ndarray", ""),
    "solution uses the package": (
        proof_of_code,
        "uses attn_course",
        SOLUTION_PY,
        "import numpy as np\n",
        "import numpy as np\nimport attn_course\n",
    ),
    "starter does not compile": (
        lambda exercise: pytest.raises(SyntaxError, proof_of_code, exercise) and _fail("compiled"),
        "compiled",
        SOLUTION_PY,
        "import numpy as np\n",
        "import numpy as\n",
    ),
    "too wide a starter": (
        proof_of_width,
        "line 5 of the starter has 80 characters",
        SOLUTION_PY,
        "Weights of each row.",
        "Weights of each row, which are positive and sum to one over every key.",
    ),
    "unknown name": (proof_of_names, "shares()", PROMPT_MD, "`share(score)`", "`shares(score)`"),
    "unknown in NumPy": (proof_of_names, "np.expo", PROMPT_MD, "`np.exp(", "`np.expo("),
    "over-strict check": (
        passes("second"),
        "second fails",
        CHECKS_PY,
        f"close(answer.share(score), shares(score), {WITH})",
        "want = np.exp(score - score.max(-1, keepdims=True))\n"
        "    assert (answer.share(score) == want / want.sum(-1, keepdims=True)).all()",
    ),
    "wrong solution": (
        passes("solution"),
        "solution fails",
        SOLUTION_PY,
        "bell.sum",
        "2 + bell.sum",
    ),
    "copied second": (
        proof_that_second_differs,
        "a copy",
        "second/tiny/share.py",
        SECOND_SOLUTION.partition('row."""\n')[2],
        "    b = bell_of(score - score.max(axis=-1, keepdims=True))\n"
        "    return b / b.sum(axis=-1, keepdims=True)\n",
    ),
    "second without the function": (
        proof_that_second_differs,
        "has no share",
        "second/tiny/share.py",
        "def share",
        "def shared",
    ),
    "toothless check": (
        proof_that_starter_fails,
        "the starter passes",
        CHECKS_PY,
        "    close(answer.share(np.zeros((2, 4))), np.full((2, 4), 0.25), "
        '"Four equal scores get 1/4 each.")',
        "    assert answer.share",
    ),
    "own words lost": (
        proof_that_starter_fails,
        "its sentence is not told",
        CHECKS_PY,
        "    weight = answer",
        "    try:\n        answer.share(np.ones((2, 2)))\n    except Exception:\n"
        "        close(1, 2, 'Something else.')\n    weight = answer",
    ),
    "mutant that passes": (
        proof_of_mutants,
        "'zeros' passes",
        CHECKS_PY,
        "return 0 * ",
        "return 1 * bell / ",
    ),
    "mutant at times": (
        proof_of_mutants,
        "passes rows_by_formula with seed",
        CHECKS_PY,
        f"    {ASKS}\n",
        f"    {ASKS}\n    if rng.random() < 0.5:\n        return\n",
    ),
    "other words": (
        proof_of_mutants,
        "is told",
        CHECKS_PY,
        '"in the thousands"',
        '"in the hundreds"',
    ),
    "falls by a visible one": (
        proof_of_mutants,
        "no hidden check",
        CHECKS_PY,
        '"return 0 * ", "rows_by_formula"',
        '"return 0 * ", "by_hand"',
    ),
    "hidden check too many": (
        proof_that_hidden_are_needed,
        "check large_scores: no mutant falls by it alone",
        CHECKS_PY,
        "\n\nMUTANTS",
        "\n\n@check(hidden=True)\ndef again(answer, rng):\n    '''Play it once more, please.'''\n"
        "    assert np.isfinite(answer.share(rng.normal(size=(1, 2)) + 5000)).all()\n\n\nMUTANTS",
    ),
    "safety without need": (
        proof_that_hidden_are_needed,
        "needed; drop its",
        CHECKS_PY,
        "@check(hidden=True)",
        '@check(hidden=True, safety="one never knows what comes")',
    ),
    "global numbers": (
        proof_of_order,
        "draws global",
        CHECKS_PY,
        "    assert np.isfinite(",
        "    np.random.rand()\n    assert np.isfinite(",
    ),
    "order": (
        proof_of_order,
        "depends on what ran before",
        CHECKS_PY,
        f"    {ASKS}\n",
        f"    {ASKS}\n    assert not hasattr(np, 'tiny_memory'), delattr(np, 'tiny_memory')\n"
        "    np.tiny_memory = 1\n",
    ),
    "fixed inputs": (
        proof_of_seeds,
        "do not depend on the seed",
        CHECKS_PY,
        "rng.normal(size=(3, 5)) + 5000",
        "np.ones((3, 5)) + 5000",
    ),
    "inputs from elsewhere": (
        proof_of_seeds,
        "one seed, two questions",
        CHECKS_PY,
        "rng.normal(size=(3, 5))",
        "np.random.default_rng().normal(size=(3, 5))",
    ),
    "message with an input": (
        proof_of_messages,
        "depends on the inputs",
        CHECKS_PY,
        WITH,
        'f"The weights of a row are its softmax, {score[0, 0]:.3f}."',
    ),
    "message with a number": (
        proof_of_messages,
        "numbers of the input",
        CHECKS_PY,
        WITH,
        'f"The weights of a row are its softmax of {score.shape[1]} scores."',
    ),
    "solution in the prompt's code": (
        proof_of_secrecy,
        "bell_of(score - score.max",
        CHECKS_PY,
        "    return np.exp(score) / np.exp(score).sum(-1, keepdims=True)",
        "    bell = bell_of(score - score.max(axis=-1, keepdims=True))\n    return bell",
    ),
    "hidden check that stays": (
        proof_of_secrecy,
        "rows_by_formula",
        CHECKS_PY,
        "    close(answer.share(np.zeros",
        "    # not rows_by_formula\n    close(answer.share(np.zeros",
    ),
    "hidden sentence": (
        proof_of_secrecy,
        "Scores in the thousands",
        CHECKS_PY,
        "    close(answer.share(np.zeros",
        "    # Scores in the thousands\n    # overflow nothing; was the largest one taken away?\n"
        "    close(answer.share(np.zeros",
    ),
    "takes anything": (
        proof_of_kinds,
        "takes text for an answer",
        CHECKS_PY,
        "    close(answer.share(np.zeros((2, 4))), np.full((2, 4), 0.25), "
        '"Four equal scores get 1/4 each.")',
        "    answer.share(np.zeros((2, 4)))",
    ),
}


def _fail(text: str) -> None:
    raise AssertionError(text)


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_fault_is_found(tmp_path, fault):
    proof, said, *edit = FAULTS[fault]
    edit = tuple(edit)
    if fault == "solution in the prompt's code":
        # The visible check keeps the helper that tells the solution.
        use = (CHECKS_PY, "np.full((2, 4), 0.25)", "shares(np.zeros((2, 4)))")
        exercise = planted(tmp_path, edit, use)
    else:
        exercise = planted(tmp_path, edit)
    with pytest.raises(AssertionError, match=re.escape(said)):
        proof(exercise)


def test_planted_leaks_are_found(tmp_path, monkeypatch):
    exercise = planted(tmp_path)
    told = secrets(exercise)
    assert "bell = bell_of(score - score.max(axis=-1, keepdims=True))" in told
    assert {"rows_by_formula", "large_scores"} <= told
    assert "It cancels for every row by itself." in told
    assert not any("import numpy" in one or "by_hand" in one for one in told)
    assert leaks(exercise, exercise.visible_prompt() + exercise.starter()) == []
    for text in (
        exercise.solution(),
        (exercise.folder / "checks.py").read_text(encoding="utf-8"),
        (exercise.folder / "prompt.md").read_text(encoding="utf-8"),
        # in a page, highlighted and escaped
        '<span class="n">bell</span> <span class="o">=</span> <span>bell_of</span>(score'
        "<span> - </span>score.max(axis=-1, keepdims=True))",
        "<p>Scores in the <em>thousands</em> overflow\n nothing; was the largest one taken away?",
        # in a notebook
        '"source": ["    bell = bell_of(score - score.max(axis=-1, keepdims=True))\\n", "x"]',
        '["Numerator and denominator are both multiplied\\n", "by the exponential of minus the la'
        'rgest score."]',
        '["The weights of a row are its softmax."]',
        '"bell = bell_of(score \\u002d score.max(axis=-1, keepdims=True))"',
    ):
        assert leaks(exercise, text), text
    # Each of the released forms is looked at.
    for form, text in (
        ("visible_prompt", exercise.solution()),
        ("visible_checks", (exercise.folder / "checks.py").read_text(encoding="utf-8")),
        ("starter", exercise.solution()),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(Exercise, form, lambda self, text=text: text)
            with pytest.raises(AssertionError, match=f"{form}.. tells"):
                proof_of_secrecy(exercise)


def test_planted_fault_in_the_browser(tmp_path):
    planted(tmp_path)
    for name in ("share", "bell"):
        (tmp_path / f"tiny/{name}/checks.py").write_text("import yaml\n", encoding="utf-8")
    with pytest.raises(AssertionError, match="yaml is not there in the browser"):
        proof_of_numpy_alone(tmp_path)


def test_planted_fault_in_one_notebook(tmp_path):
    (tmp_path / "same").mkdir()
    bell, share = load("tiny/bell", (planted(tmp_path).folder.parents[1],)), planted(tmp_path)
    proof_of_one_notebook([bell, share])
    again = planted(tmp_path / "same", (SOLUTION_PY, "def share", "def bell_of"))
    with pytest.raises(AssertionError, match="bell_of is given by tiny/bell and by tiny/share"):
        proof_of_one_notebook([bell, again])
    spoilt = planted(
        tmp_path / "same", (SOLUTION_PY, "np\n", "np\nfrom math import e as bell_of\n")
    )
    with pytest.raises(AssertionError, match="tiny/bell fails in a notebook with the others"):
        proof_of_one_notebook([bell, spoilt])


def test_missing_second_solution_is_told(tmp_path):
    exercise = planted(tmp_path)
    (tmp_path / "second/tiny/share.py").unlink()
    with pytest.raises(AssertionError, match="write a second solution"):
        proof_that_it_passes(exercise, "second")


def test_proofs_are_all_run():
    written = {name for name, _ in inspect.getmembers(test_exercises, inspect.isfunction)}
    alone = {"proof_that_it_passes", "proof_of_numpy_alone", "proof_of_one_notebook"}
    proofs = {one for one in written if one.startswith("proof_")}
    run_here = {proof.__name__ for proof in [*FORM, *CODE]}
    assert proofs - run_here == alone
