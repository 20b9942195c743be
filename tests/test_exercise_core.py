"""The core of the exercises: the wire, checks, the format on disk, cells, and what is released."""

import contextlib
import json
import subprocess
import sys
import zipfile
from inspect import unwrap
from pathlib import Path

import numpy as np
import pytest
from exercise_secrets import leaks
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from paths import HAS_TORCH

from attn_course import exercises
from attn_course.exercises import cells, checking, release, source, wire
from attn_course.exercises.checking import (
    Answer,
    OutOfTimeError,
    StudentError,
    Wrong,
    close,
    diagnose,
    distinct,
)
from attn_course.exercises.source import ExerciseError
from attn_course.exercises.submission import Submission, read_notebook
from attn_course.gaussian import reference

PROMPT = """+++
title = "Running totals"
kind = "code"
difficulty = 1
minutes = 15
needs = "numpy"
order = 2
+++
Write `totals(step)`; `step` has shape (n_step,) and $s_i = \\\\sum_{j \\\\le i} x_j$.

```
# Hint: this is no heading
```

# Hint
What stands last?

# Hint
Each total is the one before it and one step more.

# Hint
`np.cumsum`

# Question: why
Why is the last total the sum?

## Model answer
Because nothing is left out at the very end of it.

## Rubric
- 1 point: names the upper
  limit of the sum
- 2 points: says that all terms are in it
"""

SOLUTION = '''"""Running totals."""

import numpy as np


def totals(step):
    """The totals of (n_step,) steps."""
    ### BEGIN SOLUTION
    return np.cumsum(step)  # the secret of it
    ### END SOLUTION


def halved(step):
    """Half of it."""
    half = 0.5
    ### BEGIN SOLUTION
    return half * np.asarray(step)
    ### END SOLUTION
'''

CHECKS = '''"""Checks whose heading tells a secret."""

import numpy as np
import math

from attn_course.exercises.checking import Mutant, check, close

# The solution is a cumulative sum.
STEPS = np.array([1.0, 2.0, 4.0])  # planted: a comment at a line's end
HIDDEN_CASES = [total + 41 for total in range(3)]; HIDDEN_MORE = 43


def expected(step):
    # a comment inside of what stays, which its author must answer for
    return [sum(step[: i + 1]) for i in range(len(step))]


def hidden_helper(n):
    return hidden_helper(n - 1) if n else math.tau


def want(rng):
    return rng.normal(size=HIDDEN_MORE)


@check()
def three_steps(answer, rng):
    """1, 2 and 4 add up to 1, 3 and 7."""
    want = expected(STEPS)
    total = answer.totals(STEPS)
    close(total, want)


@check(
    points = 2 ,
    hidden = True
)
def random_steps(answer, rng):
    """Every total takes in all steps up to its own, at any length."""
    step = want(rng)
    close(answer.totals(step), np.cumsum(step))


@check(1,
       True)
def hidden_by_its_place(answer, rng):
    """This one is secret too, although the word is not there."""
    close(answer.totals(np.full(3, hidden_helper(2))), HIDDEN_CASES)


@check(points=1, hidden=False)
def half_of_two(answer, rng):
    """Half of 2 is 1."""
    close(answer.halved(np.array([2.0])), [1.0])


MUTANTS = {
    "back": Mutant(old="np.cumsum(step)", new="np.sort(step)", falls_by="random_steps", says="all"),
}
'''

PLANTED = ("secret", "cumulative", "planted", "41", "43", "tau", "math", "cumsum(step)", "Mutant(")


def write(folder, checks=CHECKS, prompt=PROMPT, solution=SOLUTION):
    """An exercise in a folder of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("prompt.md", prompt), ("checks.py", checks), ("solution.py", solution)):
        if text is not None:
            (folder / name).write_text(text, encoding="utf-8")


@pytest.fixture
def root(tmp_path):
    """A folder of exercises that holds one."""
    write(tmp_path / "small" / "totals")
    return tmp_path


@pytest.fixture
def exercise(root):
    """The small exercise."""
    return source.load("small/totals", [root])


# --- the wire -------------------------------------------------------------------------------------

scalars = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text()
arrays = hnp.arrays(
    st.one_of(
        hnp.boolean_dtypes(),
        hnp.integer_dtypes(endianness="?"),
        hnp.unsigned_integer_dtypes(endianness="?"),
        hnp.floating_dtypes(endianness="?"),
        hnp.complex_number_dtypes(endianness="?"),
    ),
    hnp.array_shapes(min_dims=1, min_side=0, max_side=3),
)
values = st.recursive(
    scalars | arrays,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(), inner, max_size=3)
    ),
    max_leaves=5,
)


def same(a, b):
    """Whether two values are the same, types included; an array may be in another byte order."""
    if isinstance(a, np.ndarray | np.generic):
        a, b = np.asarray(a), np.asarray(b)
        alike = a.dtype.newbyteorder("=") == b.dtype.newbyteorder("=") and a.shape == b.shape
        return alike and np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")
    if type(a) is not type(b):
        return False
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return same(list(a), list(b)) and same(list(a.values()), list(b.values()))
    return a == b or a != a


@given(values)
def test_what_goes_over_the_wire_comes_out_the_same(value):
    assert same(value, wire.decode(wire.encode(value)))


@given(arrays)
def test_what_is_read_can_never_be_written(array):
    got = wire.decode(wire.encode(array))
    with pytest.raises(ValueError, match="read-only"):
        got[...] = 0
    with pytest.raises(ValueError, match="WRITEABLE"):
        got.setflags(write=True)


def test_a_scalar_stays_a_scalar():
    got = wire.decode(wire.encode({"one": np.float32(2), "other": np.array(3)}))
    assert type(got["one"]) is np.float32
    assert got["other"] == 3


def test_keys_are_strings_since_numbers_can_be_chosen_to_collide():
    with pytest.raises(TypeError, match="cannot be returned"):
        wire.encode({1: 2})
    with pytest.raises(ValueError, match="no string"):
        wire.decode(b'{"dict": [[2305843009213693951, 1], [0, 2]]}')


def test_an_empty_array_of_a_great_shape_is_refused():
    with pytest.raises(TypeError, match="cannot be returned"):
        wire.encode(np.zeros((10**9, 0)))
    with pytest.raises(ValueError, match="too great"):
        wire.decode(b'{"array": ["<f8", [1000000000, 0], ""]}')
    assert wire.decode(wire.encode(np.zeros((0, 7)))).shape == (0, 7)


def test_the_code_that_is_asked_may_raise_at_underflow():
    namespace = {"np": np}
    with np.errstate():  # what follows sets it for the whole process
        exec("np.seterr(all='raise')\ndef f(x):\n    return np.exp(-1e4 * x)", namespace)
        assert Answer(namespace).f(1.0) == 0


class Liar(np.ndarray):
    """An array that says what it is not."""

    def __eq__(self, other):
        return True

    @property
    def shape(self):
        return (99,)


def test_a_class_of_ones_own_arrives_as_a_plain_array():
    got = wire.decode(wire.encode(np.arange(3.0).view(Liar)))
    assert type(got) is np.ndarray
    assert got.shape == (3,)
    masked = wire.decode(wire.encode(np.ma.masked_equal([1, 2], 2)))
    assert type(masked) is np.ndarray


class Text(str):
    """Plain data's heir."""


@pytest.mark.parametrize(
    "value",
    [
        np.array([None]),
        np.array([{}, []], dtype=object),
        np.array(["a"]),
        np.array(["2020-01-01"], dtype="M8[D]"),
        np.zeros(2, dtype=[("x", "f8")]),
        np.zeros(2, dtype="c32") if hasattr(np, "complex256") else object(),
        object(),
        len,
        {1, 2},
        Text("a"),
        [Text("a")],
        {Text("a"): 1},
        b"bytes",
    ],
)
def test_what_is_not_plain_data_is_refused(value):
    with pytest.raises(TypeError, match="cannot be returned"):
        wire.encode(value)


json_like = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["array", "tuple", "dict", "other"]), inner, max_size=2)
    ),
    max_leaves=8,
)


@given(st.binary() | json_like.map(lambda value: wire.json.dumps(value).encode()))
def test_what_is_no_message_is_a_value_error_and_nothing_else(data):
    with contextlib.suppress(ValueError):
        wire.decode(data)


@pytest.mark.parametrize(
    "array",
    [
        ["O", [1], "AAAAAAAAAAA="],
        ["f8,(", [1], ""],
        ["<f8,<f8", [1], ""],
        ["V8", [1], "AAAAAAAAAAA="],
        ["<c32", [0], ""],
        ["<f8", [-1], "AAAAAAAAAAA="],
        ["<f8", [2], "AAAAAAAAAAA="],
        ["<f8", [10**30], ""],
        ["<f8", [True], "AAAAAAAAAAA="],
        ["<f8", None, "AAAAAAAAAAA="],
        ["<f8", [1], "not base64"],
        ["<f8", [1]],
        [None, [1], ""],
        "array",
    ],
)
def test_a_forged_array_is_refused(array):
    with pytest.raises(ValueError, match="not a message"):
        wire.decode(wire.json.dumps({"array": array}).encode())


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xfe", b"[" * 100_000, b'{"dict": [[[], 1]]}', b'{"a": 1, "b": 2}', b"{}"]
)
def test_a_broken_message_is_refused(data):
    with pytest.raises(ValueError, match="not a message"):
        wire.decode(data)


def test_a_message_has_a_limit(tmp_path):
    with open(tmp_path / "pipe", "wb") as pipe, pytest.raises(TypeError, match="more than"):
        wire.send(pipe, np.zeros(wire.LIMIT // 6))
    assert (tmp_path / "pipe").read_bytes() == b""


# --- checks ---------------------------------------------------------------------------------------


def ran(body, answer=None, hidden=False, **more):
    """The outcome of one check, whose message is "Meant so."."""

    def one(answer, rng):
        body(answer, rng)

    one.__doc__ = "Meant so."
    one = checking.check(points=3, hidden=hidden)(one)
    (outcome,) = checking.run([one.check], answer, [0], **more)
    return outcome


def raising(error):
    """A body of a check that raises `error`."""

    def body(answer, rng):
        raise error

    return body


def test_a_check_that_passes_earns_its_points():
    outcome = ran(lambda answer, rng: None)
    assert (outcome.earned, outcome.points, outcome.message, outcome.title) == (3, 3, "", "one")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (Wrong("Turn\n  it round."), "Turn it round."),
        (Wrong(""), "Meant so."),
        (AssertionError("7 != 8"), "Meant so."),
        (IndexError("inside the check"), "Meant so."),
        (StudentError("NotImplementedError"), "Meant so. A function that is needed for this is"),
        (StudentError("NotImplementedError", "f"), "Meant so. f is not written yet."),
        (StudentError("NotImplementedError", "to do"), "raised NotImplementedError: to do."),
        (StudentError("Masked", "attn_course.f cannot"), "uses what may not be used here"),
        (StudentError("ValueError", "shapes (3,) (4,) "), "ValueError: shapes (3,) (4,)."),
        (StudentError("Missing", "f"), "There is no function called f;"),
        (StudentError(checking.WROTE, "x"), "work on a copy."),
        (StudentError("KeyError", "'a'", 7), "Your code raised KeyError in line 7: 'a'."),
        (OutOfTimeError("TimeOut"), "Meant so. Your code did not come to an end in time"),
    ],
)
def test_a_check_that_fails_says_why(error, message):
    outcome = ran(raising(error))
    assert outcome.earned == 0
    assert message in outcome.message


@pytest.mark.parametrize(
    "error",
    [
        StudentError("KeyError", "leaked", 4321),
        StudentError("leaked", "leaked", 4321),
        StudentError("NotImplementedError", "leaked", 4321),
        StudentError("Missing", "leaked", 4321),
        Wrong("The shape is (4321,): leaked", "The shape is wrong."),
    ],
)
def test_a_hidden_check_shows_no_word_of_the_submission(error):
    assert "leaked" in ran(raising(error)).message
    hidden = ran(raising(error), hidden=True).message
    assert hidden
    assert "leaked" not in hidden
    assert "4321" not in hidden


def test_a_shape_tells_nothing_of_a_hidden_input():
    outcome = ran(lambda answer, rng: close(np.zeros((0, 4321)), [1.0]), hidden=True)
    assert "(1,)" in outcome.message
    assert "4321" not in outcome.message
    assert "4321" in ran(lambda answer, rng: close(np.zeros((0, 4321)), [1.0])).message


def test_what_came_out_is_shown_where_it_is_short_and_never_by_a_hidden_check():
    for got, want, says in (
        (37.3, 11.3, "Meant so. Yours: 37.3."),
        (0.10000001, 0.1, "Meant so. Yours: 0.10000001."),
        (np.float64("nan"), 1.0, "Meant so. Yours holds NaN."),
        (np.array([1.0, np.nan]), np.ones(2), "Meant so. Yours holds NaN."),
        (np.zeros(2), np.ones(2), "Meant so."),
    ):
        assert ran(lambda answer, rng: close(got, want)).message == says  # noqa: B023
        assert ran(lambda answer, rng: close(got, want), hidden=True).message == "Meant so."  # noqa: B023
    assert ran(lambda answer, rng: close(2.5, 1.0, "One.")).message == "One. Yours: 2.5."


def test_a_value_that_is_no_number_says_what_to_return():
    said = ran(lambda answer, rng: close("a", 1.0)).message
    assert said == "Return numbers (a NumPy array or a number), not a value of type str."


def test_nothing_is_never_an_answer():
    answer = Answer({"f": lambda: print("1", end="")})
    for hidden in (False, True):
        said = ran(lambda answer, rng: answer.f(), answer, hidden).message
        assert said == (
            "Meant so. f returned nothing; is a return missing? print only shows a value."
        )
    with Submission(["def f():\n    3"]) as one:
        assert "f returned nothing" in ran(lambda a, rng: a.f(), one.answer, True).message


STUBS = "def f():\n    return g()\ndef g():\n    raise NotImplementedError\ndef h():\n    return 1"


def test_the_function_that_is_not_written_is_named():
    namespace = {}
    exec(STUBS, namespace)
    calls = {
        "asked": lambda answer, rng: (answer.h(), answer.f()),
        "known": lambda answer, rng: answer.g(),
    }
    with Submission([STUBS]) as one:
        for answer in (Answer(namespace), one.answer):
            assert "g is not written yet." in ran(calls["asked"], answer).message
            # In a hidden check a name must be one that was asked for, here or before.
            assert "g is" not in ran(calls["asked"], answer, hidden=True).message
            assert "g is not written yet." in ran(calls["known"], answer, hidden=True).message
            assert "g is not written yet." in ran(calls["asked"], answer, hidden=True).message


def test_an_answer_that_is_the_books_own_is_none():
    cell = "from attn_course.gaussian.reference import filterbank\ndef glimpse():\n    return 1"
    with Submission([cell]) as one:
        for answer in (Answer({"filterbank": reference.filterbank}), one.answer):
            for hidden in (False, True):
                said = ran(lambda a, rng: a.filterbank(1.0), answer, hidden).message
                assert said == "Meant so. filterbank is the book's own, imported; write yours."
        assert one.answer.glimpse() == 1


def test_a_stop_from_the_keyboard_goes_through():
    with pytest.raises(KeyboardInterrupt):
        ran(raising(KeyboardInterrupt()))


def test_the_numbers_of_a_check_depend_on_the_seed_and_its_name_alone():
    drawn = {}

    def first(answer, rng):
        drawn.setdefault("first", []).append(rng.integers(10**9))

    def second(answer, rng):
        drawn.setdefault("second", []).append(rng.integers(10**9))

    marked = [checking.check()(one).check for one in (first, second)]
    for seed in ([0], [0], [1], [0, 1]):
        checking.run(marked, None, seed)
    checking.run(marked[::-1], None, [0])
    for got in drawn.values():
        assert got[0] == got[1] == got[4]
        assert len(set(got)) == 3
    assert drawn["first"][0] != drawn["second"][0]


def test_patience_ends_after_two_that_ran_out_of_time():
    calls = []

    def make(name, error):
        def one(answer, rng):
            calls.append(name)
            if error:
                raise error

        one.__name__ = name
        return checking.check()(one).check

    slow = OutOfTimeError("TimeOut")
    marked = [make("a", slow), make("b", None), make("c", slow), make("d", None)]
    outcomes = checking.run(marked, None, [0])
    assert calls == ["a", "b", "c"]
    assert [one.earned for one in outcomes] == [0, 1, 0, 0]
    assert "Not run" in outcomes[-1].message


@pytest.mark.parametrize(
    "got",
    [
        1.0,
        np.float64(1),
        np.ones(1),
        np.ones((3, 1)),
        np.ones((1, 3)),
        [1.0, 1.0, 1.0],
        None,
        "1",
        np.array([1, 1, np.nan]),
        np.array([1, 1, 1 + 1e-6]),
    ],
)
def test_close_refuses_what_is_not_the_array(got):
    with pytest.raises(Wrong):
        close(got, np.ones(3))


@pytest.mark.parametrize(
    ("got", "want"),
    [
        (np.ones(3), [1, 1, 1]),
        (1, 1.0),
        (np.float32(0.5), 0.5),
        (np.zeros((0, 2)), np.zeros((0, 2))),
    ],
)
def test_close_takes_what_is_equal(got, want):
    close(got, want)


def test_an_answer_gets_copies_and_gives_plain_data():
    def double(array):
        return (2 * array).view(Liar)

    def wipe(array):
        array[:] = 0

    def force(array):
        array.setflags(write=True)

    answer = Answer({"double": double, "wipe": wipe, "force": force, "number": 3})
    given = np.arange(3.0)
    got = answer.double(given)
    assert type(got) is np.ndarray
    np.testing.assert_allclose(got, [0, 2, 4])
    with pytest.raises(StudentError) as caught:
        answer.wipe(given)
    assert caught.value.kind == checking.WROTE
    with pytest.raises(StudentError):
        answer.force(given)
    np.testing.assert_allclose(given, [0, 1, 2])
    for name in ("absent", "number"):
        with pytest.raises(StudentError) as caught:
            getattr(answer, name)()
        assert (caught.value.kind, caught.value.text) == ("Missing", name)


class SilentError(Exception):
    """An exception whose text raises."""

    def __str__(self):
        raise SystemExit


def test_an_error_is_told_by_kind_text_and_line_of_the_submission():
    text = "import json\ndef f(x):\n    return json.loads(x)\ndef g():\n    return object()\n"
    namespace = {"h": raising(SilentError()), "quit": raising(SystemExit(3))}
    exec(compile(text, "submission", "exec"), namespace)
    answer = Answer(namespace)
    for name, args, kind, line in (
        ("f", ("{",), "JSONDecodeError", 3),
        ("g", (), "TypeError", None),
        ("h", (0, 0), "SilentError", None),
        ("quit", (0, 0), "SystemExit", None),
        ("f", (), "TypeError", None),
    ):
        with pytest.raises(StudentError) as caught:
            getattr(answer, name)(*args)
        assert caught.value.kind == kind
        assert line in (None, caught.value.line)


@pytest.mark.parametrize("line", ["leaked", 4.5, [1], None, True])
def test_a_forged_reply_tells_no_more_than_it_may(line):
    with pytest.raises(StudentError) as caught:
        checking.value_of({"error": ["E" * 10**6, "x" * 10**6, line]})
    assert len(caught.value.told(True)) < 500
    assert caught.value.line is None


@pytest.mark.skipif(not HAS_TORCH, reason="torch is absent")
def test_where_torch_is_needed_arrays_become_tensors_and_gradients_come_back():
    import torch

    def square(x, scale=1):
        assert isinstance(x, torch.Tensor)
        return scale * x**2

    def write(x):
        return x.zero_()

    answer = Answer({"square": square, "write": write}, "torch")
    np.testing.assert_allclose(answer.square(np.array([1.0, 3.0]), scale=2), [2, 18])
    (gradient,) = answer.gradient("square", np.array([1.0, 10.0]), np.array([1.0, 3.0]))
    np.testing.assert_allclose(gradient, [2, 60])
    with pytest.raises(StudentError) as caught:
        answer.write(np.array([1.0]))
    assert caught.value.kind == checking.WROTE


# --- the format on disk ---------------------------------------------------------------------------


def test_an_exercise_is_read(root, exercise):
    assert source.names([root]) == ["small/totals"]
    assert (exercise.chapter, exercise.minutes, len(exercise.hints)) == ("small", 15, 3)
    assert "# Hint: this is no heading" in exercise.text
    (question,) = exercise.questions
    assert question.points == 3
    assert question.rubric[0] == (1, "names the upper limit of the sum")
    assert question.model.startswith("Because")
    assert exercise.gives() == ("totals", "halved")
    assert [one.name for one in exercise.checks() if one.hidden] == [
        "random_steps",
        "hidden_by_its_place",
    ]
    assert exercise.hidden_points() == 3


def test_the_solution_passes_its_mutant_and_the_starter_do_not(exercise):
    def outcomes(text):
        namespace = {}
        exec(text, namespace)
        return {one.name: one for one in checking.run(exercise.checks(), Answer(namespace), [5])}

    solved = outcomes(exercise.solution())
    assert solved["three_steps"].earned
    assert solved["random_steps"].earned
    begun = outcomes(exercise.starter())
    assert {one.earned for one in begun.values()} == {0}
    assert "totals is not written yet." in begun["random_steps"].message
    mutant = exercise.mutants()["back"]
    assert mutant.says in outcomes(exercise.mutated(mutant))["random_steps"].message


def test_the_starter_keeps_all_but_the_regions(exercise):
    starter = exercise.starter()
    assert starter.count("    raise NotImplementedError  # your code\n") == 2
    assert "half = 0.5" in starter
    assert "cumsum" not in starter
    assert "SOLUTION" not in starter + exercise.solution()


def test_what_stands_in_the_notebook_already_is_not_imported_again(root):
    line = "from attn_course.exercises.small.other.solution import "
    for names in ("other\n", "(  # two\n    other,\n    another,\n)\n"):
        write(root / "small" / "totals", solution=line + names + SOLUTION)
        exercise = source.load("small/totals", [root])
        assert exercise.solution() == SOLUTION.replace("    ### BEGIN SOLUTION\n", "").replace(
            "    ### END SOLUTION\n", ""
        )
        assert "other" not in exercise.starter()


def test_the_first_folder_that_has_it_gives_the_exercise(root, tmp_path):
    own = tmp_path / "own"
    write(own / "small" / "totals", prompt=PROMPT.replace("Running", "My"))
    assert source.load("small/totals", [own, root]).title == "My totals"
    assert source.names([own, root]) == ["small/totals"]


def front(old, new):
    return {"prompt": PROMPT.replace(old, new, 1)}


@pytest.mark.parametrize(
    ("files", "says"),
    [
        (front("+++\n", ""), "must begin with TOML"),
        (front('"code"', "code"), "prompt.md"),
        (front("minutes = 15\n", ""), "minutes must be given, as int"),
        (front("minutes = 15", 'minutes = "15"'), "minutes must be given, as int"),
        (front('title = "Running totals"\n', ""), "title must be given, as str"),
        (front("order", "ordre"), "ordre"),
        (front('"code"', '"essay"'), "kind must be one of"),
        (front("difficulty = 1", "difficulty = 4"), "difficulty must be one of"),
        (front('"numpy"', '"jax"'), "needs must be one of"),
        (front("# Hint\n", "# Help\n"), "'Help' has no place"),
        (front("## Rubric", "## Marks"), "'Marks' has no place"),
        (front("- 1 point: names the upper\n  limit of the sum\n- 2 points:", "- "), "rubric"),
        (front("Question: why", "Question:"), "must have a name"),
    ],
)
def test_a_prompt_that_is_not_in_the_format_is_named(root, files, says):
    write(root / "small" / "totals", **files)
    with pytest.raises(ExerciseError, match=f"(?s)small/totals.*{says}"):
        source.load("small/totals", [root])


@pytest.mark.parametrize(
    "solution",
    [
        SOLUTION.replace("### BEGIN SOLUTION", "# nothing"),
        SOLUTION[: SOLUTION.rindex("    ### END")],
        SOLUTION.rstrip("\n"),  # the last region's end has no line's end
    ],
)
def test_a_region_that_does_not_end_is_never_handed_out(root, solution):
    write(root / "small" / "totals", solution=solution)
    exercise = source.load("small/totals", [root])
    with pytest.raises(ExerciseError, match="solution regions"):
        exercise.starter()


def test_a_mutant_that_changes_nothing_is_refused(root):
    write(root / "small" / "totals", checks=CHECKS.replace('old="np.cumsum', 'old="no.such'))
    exercise = source.load("small/totals", [root])
    with pytest.raises(ExerciseError, match="must occur once"):
        exercise.mutated(exercise.mutants()["back"])


@pytest.mark.parametrize("name", ["small/absent", "../small/totals", "small", "small/totals/x"])
def test_an_unknown_exercise_names_those_there_are(root, name):
    with pytest.raises(ExerciseError, match="there are small/totals"):
        source.load(name, [root])


# --- what may be seen -----------------------------------------------------------------------------


def test_what_only_hidden_checks_use_does_not_survive(exercise):
    text = exercise.visible_checks()
    for planted in PLANTED:
        assert planted not in text
    for kept in ("three_steps", "half_of_two", "def expected", "STEPS", "1, 2 and 4 add up"):
        assert kept in text
    assert "def want" not in text  # a local name of the same word is not a use
    assert leaks(exercise, text) == []
    assert text.endswith("HIDDEN_POINTS = 3\n")


def test_the_visible_checks_run_by_themselves(root, exercise):
    folder = root / "out" / "small" / "totals"
    write(folder, exercise.visible_checks(), exercise.visible_prompt(), solution=None)
    (folder / "starter.py").write_text(exercise.starter())
    seen = source.load("small/totals", [root / "out"])
    assert seen.starter() == exercise.starter()
    assert seen.gives() == exercise.gives()
    assert (seen.title, seen.text, seen.hints) == (exercise.title, exercise.text, exercise.hints)
    assert [(one.name, one.points) for one in seen.questions] == [("why", 3)]
    assert seen.questions[0].model == ""
    assert seen.mutants() == {}
    assert seen.hidden_points() == 3
    namespace = {}
    exec(exercise.solution(), namespace)
    outcomes = checking.run(seen.checks(), Answer(namespace), [0])
    assert [one.name for one in outcomes if one.earned] == ["three_steps", "half_of_two"]
    assert seen.visible_checks() == exercise.visible_checks()


def test_the_visible_prompt_has_no_answer(exercise):
    text = exercise.visible_prompt()
    assert "nothing is left out" not in text
    assert "upper" not in text
    assert "Why is the last total the sum?" in text
    assert leaks(exercise, text) == []


HIDDEN = '\n\n@check({})\ndef planted(answer, rng):\n    """Planted."""\n    close(1, 2)\n'


@pytest.mark.parametrize(
    "arguments",
    ["hidden=True", "hidden = not False", "2, True", "**{'hidden': True}", "hidden=bool(1)"],
)
def test_a_hidden_check_in_any_guise_is_left_out(root, arguments):
    write(root / "small" / "totals", checks=CHECKS + HIDDEN.format(arguments))
    assert "planted" not in source.load("small/totals", [root]).visible_checks()


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (
            "\nif True:\n    " + HIDDEN.format("hidden=True").strip().replace("\n", "\n    "),
            "line ",
        ),
        ('\nMUTANTS |= {"more": 1}\n', "line "),
        ("\nfor name in []:\n    print(name)\n", "line "),
        ("\nc = check\n" + HIDDEN.format("").replace("@check", "@c"), "a function of its own"),
        ("\n@check()\ndef both(answer, rng):\n    random_steps(answer, rng)\n", "which is hidden"),
        ("\n@check()\ndef count(answer, rng):\n    assert not MUTANTS\n", "which is hidden"),
    ],
)
def test_checks_that_cannot_be_taken_apart_are_refused(root, more, says):
    write(root / "small" / "totals", checks=CHECKS + more)
    with pytest.raises(ExerciseError, match=f"small/totals: checks.py: .*{says}"):
        source.load("small/totals", [root]).visible_checks()


# --- cells ----------------------------------------------------------------------------------------


def test_the_cells_of_a_notebook(exercise):
    made = list(cells.cells(exercise))
    assert [one.part for one in made] == ["prompt", "starter", "check", "question"]
    assert made[0].source.startswith(
        "## Running totals\n\n*Easy, about 15 minutes, 5 points, NumPy in float64.*"
    )
    assert made[0].source.count("<details>") == 3
    assert made[1].source == exercise.starter().rstrip()
    assert 'check("small/totals")' in made[2].source
    assert made[3].source.startswith("**In words, 3 points.** Why")
    assert made[3].name == "why"
    assert leaks(exercise, "\n".join(one.source for one in made)) == []


def test_the_cells_of_the_book(exercise):
    made = list(cells.cells(exercise, book=True))
    assert [one.part for one in made] == ["prompt", "starter", "check"]
    assert made[0].source.startswith("::::{exercise} Running totals\n:label: ex-totals\n")
    assert made[0].source.endswith("\n::::")
    assert "Why is the last total the sum?" in made[0].source


def test_an_exercise_in_words_has_no_code(root):
    write(root / "small" / "words", checks=None, solution=None)
    words = source.load("small/words", [root])
    assert not words.has_code
    assert words.checks() == []
    assert words.hidden_points() == 0
    assert [one.part for one in cells.cells(words)] == ["prompt", "question"]


# --- check, in a notebook -------------------------------------------------------------------------


@pytest.fixture
def checked(root, monkeypatch, capsys):
    """check(...) where the small exercise, and one that comes after it, are all there are."""
    later = PROMPT.replace("Running totals", "More totals").replace(
        "order = 2", 'order = 3\nafter = ["small/totals"]'
    )
    write(root / "small" / "more", prompt=later)
    monkeypatch.setattr(exercises, "names", lambda: source.names([root]))
    monkeypatch.setattr(exercises, "load", lambda name: source.load(name, [root]))
    monkeypatch.setattr(exercises, "_first", {})

    def checked(name, code="", **namespace):
        exec(code, namespace)
        assert unwrap(exercises.check)(name, namespace) is None
        out, err = capsys.readouterr()
        assert err == ""
        assert all(len(line) <= 100 for line in out.splitlines())
        return out

    return checked


def test_a_check_that_has_nothing_to_check_yet(checked, exercise):
    assert checked("small/totals", exercise.starter()) == (
        "small/totals: Running totals\n"
        "  not yet  three steps (1 point)\n"
        "           1, 2 and 4 add up to 1, 3 and 7. totals is not written yet.\n"
        "  not yet  half of two (1 point)\n"
        "           Half of 2 is 1. halved is not written yet.\n"
        "So far 0 of 2 points.\n"
        "The grader has further checks, with inputs of its own, worth 3 points.\n"
        "A person marks what you write in words, for 3 points.\n"
        "Planned: 15 minutes.\n"
    )


def test_a_check_that_passes_says_so(checked, exercise):
    out = checked("small/totals", exercise.solution())
    assert "  passed   three steps (1 point)\n" in out
    assert "Everything that is checked here passes: 2 of 2 points." in out
    assert "not yet" not in out
    again = checked("small/totals", exercise.solution())
    assert out.endswith("\nPlanned: 15 minutes.\n")
    assert again == out
    exercises._first["small/totals"] -= 7 * 60
    out = checked("small/totals", "")
    assert out.endswith("Planned: 15 minutes; 7 minutes since your first check.\n")


# Without a visible check of `halved`.
FEWER = CHECKS[: CHECKS.index("@check(points=1, hidden=False)")] + "MUTANTS = {}\n"


def test_a_function_that_no_visible_check_calls_is_missed(checked, root, exercise):
    write(root / "small" / "totals", checks=FEWER)
    solved = exercise.solution()
    assert "Everything that is checked here passes" in checked("small/totals", solved)
    gone = solved[: solved.index("def halved")]
    stub = exercise.starter()
    stub = gone + stub[stub.index("def halved") :]
    book = solved.replace("halved", "mine") + "from attn_course.gaussian.reference import "
    for code in (gone, stub, book + "filterbank as halved"):
        out = checked("small/totals", code)
        assert "Everything" not in out
        assert "So far 1 of 1 point.\n" in out
        assert "Not written yet: halved; the grader checks it too.\n" in out
    # Where nothing has been begun, that goes without saying.
    assert "Not written" not in checked("small/totals", exercise.starter())
    assert "Not written" not in checked("small/totals", "")


def test_a_function_behind_a_decorator_is_looked_at(checked, root, exercise):
    starter = exercise.starter()
    stub = starter[starter.index("def halved") :]
    cached = exercise.solution() + "from functools import cache\n@cache\n" + stub
    assert "Not written yet: halved;" in checked("small/totals", cached)


def test_what_it_builds_on_must_not_be_the_books(checked, root, exercise):
    book = "\nfrom attn_course.gaussian.reference import filterbank as totals\n"
    out = " ".join(checked("small/more", book).split())
    assert "totals is the book's own, imported; write yours." in out
    assert "comes after small/totals, and totals is the book's own here, imported." in out


def test_a_notebook_tells_what_it_was_handed_out_with():
    def held(attn):
        text = json.dumps({"cells": [], "metadata": {"attn": attn}})
        return read_notebook(text.encode()).exercises

    names = ["small/totals", 3, "small/totals", "../x", "small/more"]
    assert held({"exercises": names}) == ["small/totals", "small/more"]
    for odd in (None, 3, {"exercises": 3}, []):
        assert held(odd) == []


def test_an_exercise_that_builds_on_another_says_which_to_do_first(checked, exercise):
    first = "comes after small/totals, and totals and halved from there is not"
    for code in ("", exercise.starter()):
        assert first in " ".join(checked("small/more", code).split())
    assert "comes after" not in checked("small/more", exercise.solution())
    wrong = exercise.solution().replace("np.cumsum", "np.sort")
    assert "comes after" not in checked("small/more", wrong)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("small/total", "There is no exercise 'small/total'; there are small/totals, small/more."),
        ("more", "There is no exercise 'more'; there are small/more, small/totals."),
        (7, 'in quotes: check("CHAPTER/NAME").'),
    ],
)
def test_an_unknown_name_says_which_there_are(checked, name, says):
    assert says in " ".join(checked(name).split())


def test_a_stop_from_the_keyboard_says_so(checked):
    def totals(step):
        raise KeyboardInterrupt

    assert checked("small/totals", totals=totals) == "Stopped. Nothing was checked.\n"


def test_a_fault_of_ours_shows_no_stack_trace(checked, root):
    (root / "small" / "totals" / "checks.py").write_text("1 / 0")
    assert checked("small/totals").startswith("The checks could not be run (ZeroDivisionError")


def test_left_out_the_namespace_is_the_callers(checked, exercise, monkeypatch, capsys):
    monkeypatch.setattr(exercises, "_first", {})
    namespace = {"check": unwrap(exercises.check)}
    exec(exercise.solution() + '\ncheck("small/totals")', namespace)
    assert "Everything that is checked here passes" in capsys.readouterr().out


def test_where_torch_is_needed_and_absent_it_says_so(checked, root, monkeypatch):
    write(root / "small" / "totals", **front('"numpy"', '"torch"'))
    monkeypatch.setattr(exercises.importlib.util, "find_spec", lambda name: None)
    assert "needs torch, which is not here" in checked("small/totals")


def test_words_alone_cannot_be_checked_by_running(checked, root):
    write(root / "small" / "words", checks=None, solution=None)
    out = checked("small/words")
    assert "There is nothing here that can be checked by running it." in out
    assert "for 3 points" in out


# --- what is released -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The student's wheel with the small exercise beside the course's own."""
    root = tmp_path_factory.mktemp("root")
    write(root / "small" / "totals")
    for junk in ("notes.md", "solution.py~", "old/solution.py"):
        path = root / "small" / "totals" / junk
        path.parent.mkdir(exist_ok=True)
        path.write_text("np.cumsum(step)  # the secret of it")
    return release.student_wheel(root / "dist", (root, source.HERE))


def test_the_wheel_holds_what_a_student_is_given_and_no_more(wheel):
    root = wheel.parents[1]
    with zipfile.ZipFile(wheel) as opened:
        assert opened.testzip() is None
        held = {name: opened.read(name) for name in opened.namelist()}
    own = {name.rpartition("/")[2] for name in held if "/small/totals/" in name}
    assert own == {"prompt.md", "starter.py", "checks.py"}
    for name in held:
        assert "grading" not in name
        assert not name.endswith(("/solution.py", ".pyc", "~"))
    for needed in ("gaussian/reference.py", "gaussian/modules.py", "exercises/wire.py"):
        assert f"attn_course/{needed}" in held
    assert any(name.endswith(".npz") for name in held)
    text = "\n".join(
        data.decode() for name, data in held.items() if name.endswith((".py", ".md", "METADATA"))
    )
    for planted in ("cumsum(step)", "the secret of it", "hidden_by_its_place", "left out at the"):
        assert planted not in text
    for name in source.names((root, source.HERE)):
        folder = f"attn_course/exercises/{name}/"
        text = "\n".join(held[file].decode() for file in held if file.startswith(folder))
        assert "title" in text
        assert leaks(source.load(name, (root, source.HERE)), text) == []


def test_the_same_sources_make_the_same_bytes(wheel, tmp_path):
    again = release.student_wheel(tmp_path, (wheel.parents[1], source.HERE))
    assert again.name == wheel.name
    assert again.read_bytes() == wheel.read_bytes()


def test_the_tree_is_what_the_wheel_holds(wheel, tmp_path):
    folder = release.student_tree(tmp_path, (wheel.parents[1], source.HERE))
    assert folder == tmp_path / "attn_course"
    with zipfile.ZipFile(wheel) as opened:
        for path in folder.rglob("*"):
            if path.is_file():
                assert opened.read(path.relative_to(tmp_path).as_posix()) == path.read_bytes()
    assert not (folder / "grading").exists()


def test_a_student_installs_the_wheel_and_checks_an_answer(wheel, tmp_path):
    target = tmp_path / "installed"
    asked = ["--quiet", "--no-deps", "--no-index", "--disable-pip-version-check"]
    pip = [sys.executable, "-m", "pip", "install", *asked, "--target", str(target), str(wheel)]
    subprocess.run(pip, check=True, cwd=tmp_path)
    assert (target / "bin" / "attn-course").exists() or sys.platform == "win32"
    numpy = Path(np.__file__).parents[1]
    code = f"""
import sys
sys.path[:0] = [{str(target)!r}]
sys.path.append({str(numpy)!r})
for name in ("torch", "yaml", "jaxtyping", "nbformat", "packaging"):
    sys.modules[name] = None
import attn_course
assert attn_course.__file__.startswith({str(target)!r})
import numpy as np
from attn_course.exercises import check, load, names
def totals(step):
    return np.cumsum(step)
def halved(step):
    return step
check("small/totals")
for name in names():
    load(name).checks()
"""
    run = [sys.executable, "-S", "-E", "-I", "-W", "error", "-c", code]
    done = subprocess.run(run, capture_output=True, text=True, cwd=tmp_path)
    assert done.stderr == ""
    assert "  passed   three steps (1 point)" in done.stdout
    assert "  not yet  half of two (1 point)" in done.stdout
    assert "So far 1 of 2 points.\nThe grader has further checks" in done.stdout


def test_a_package_that_was_never_installed_says_so(tmp_path, monkeypatch):
    def absent(name):
        raise release.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(release.metadata, "distribution", absent)
    with pytest.raises(ExerciseError, match="python -m pip install -e ."):
        release.student_wheel(tmp_path)


def test_nothing_of_a_notebook_is_needed_to_check():
    code = (
        "import sys; sys.modules['jaxtyping'] = None\n"
        "import attn_course.exercises; print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"subprocess", "torch", "yaml", "IPython", "nbformat", "matplotlib"}


def test_a_mistake_is_named_by_what_it_leads_to():
    want, mistakes = np.array([1.0, 2.0]), {"Twice.": [2.0, 4.0], "The sum.": 3.0}
    diagnose(want, want, mistakes)
    diagnose(want + 1e-13, want, {"Right is no mistake.": want})
    for got, said in (([2.0, 4.0], "Twice."), (3.0, "The sum.")):
        with pytest.raises(Wrong, match=said):
            diagnose(np.array(got), want, mistakes)
    with pytest.raises(Wrong) as caught:
        diagnose(np.array([2.0, 4.001]), want, mistakes)
    assert not str(caught.value)
    with pytest.raises(Wrong, match="Twice"):
        diagnose(np.array([2.0, 4.001]), want, mistakes, rtol=1e-2)


def test_mistakes_that_lead_to_the_same_are_not_told_apart():
    want = np.array([1.0, 2.0])
    assert distinct(want, {"a": [1.0, 3.0], "b": 1.0})
    assert not distinct(want, {"a": [1.0, 2.0 + 1e-9]})
    assert not distinct(want, {"a": 4.0, "b": 4.0})
    assert not distinct(want, {"a": [1.0, 2.01]}, rtol=0.1)
