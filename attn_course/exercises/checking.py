"""Checks: functions that call a submission's functions and say what is wrong with the answers.

The same check runs in a student's notebook, in the page, in the tests and in the grader. What it is
handed, `answer`, has the submission's functions as attributes: here in the same process, in the
grader at the far end of a pipe. Either way what goes in and comes out passes through `wire`.
"""

import contextlib
import importlib
import traceback
import zlib
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from attn_course._typing import Array
from attn_course.exercises import wire

WROTE = "WroteIntoInput"
MISSING = "Missing"
ENDED = "Ended"  # the process is gone
MASKED = "Masked"  # of the book's package, or forbidden
NOTHING = "Nothing"  # None came back, which is never an answer
UNWRITTEN = "NotImplementedError"
COMMON = (
    "AttributeError",
    "IndexError",
    "NameError",
    "RuntimeError",
    "TypeError",
    "ValueError",
)
SINGLE = "Your result comes in single precision; compute in float64, NumPy's own."
SAID = {
    WROTE: "Your code writes into one of its inputs; work on a copy.",
    UNWRITTEN: "A function that is needed for this is not written yet.",
    NOTHING: "A function returned nothing; is a return missing? print only shows a value.",
    MASKED: "Your code uses what may not be used here: the book's package, or an operation that "
    "does the whole work.",
    ENDED: "Your code ended the program.",
}
NAMED = {  # the same, where it is known of which function
    UNWRITTEN: "{} is not written yet.",
    NOTHING: "{} returned nothing; is a return missing? print only shows a value.",
    MASKED: "{} is the book's own, imported; write yours.",
}


class Wrong(Exception):  # noqa: N818 - a verdict on an answer and no error
    """Raised by a check that recognises a mistake; its text is the sentence that helps.

    A second text is what a hidden check says instead, where the first may tell its inputs. What
    came out, `got`, is shown by visible checks alone.
    """

    got = ""


class StudentError(Exception):
    """The submission's code returned no value: the name of its exception, its text, the line.

    `name` is that of a function that a check asked for, and no word of the submission's.
    """

    def __init__(self, kind: str, text: str = "", line: int | None = None, name: str = "") -> None:
        super().__init__(kind, text, line)
        self.kind, self.text, self.line, self.name = kind, text, line, name

    def told(self, openly: bool) -> str:
        """A sentence on the error; without words of its own where these might tell an input."""
        if self.kind == MISSING:
            called = f"called {self.text}" if openly else "of a name that is asked for"
            return f"There is no function {called}; was it renamed or deleted?"
        name = self.text if openly and self.text.isidentifier() else self.name
        if self.kind in NAMED and name:
            return NAMED[self.kind].format(name)
        own_words = openly and self.kind == UNWRITTEN and self.text
        if self.kind in SAID and not own_words:
            return SAID[self.kind]
        if not openly:
            # Of common kinds alone: each name that may be shown could tell something of an input.
            return f"Your code raised {self.kind if self.kind in COMMON else 'an exception'}."
        where = "" if self.line is None else f" in line {self.line}"
        text = f": {self.text}" if self.text else ""
        return f"Your code raised {self.kind}{where}{text}".rstrip(" .") + "."


class OutOfTimeError(StudentError):
    """The submission did not answer in time."""

    def told(self, openly: bool) -> str:
        """A sentence on the time-out."""
        return "Your code did not come to an end in time; is there a loop that never ends?"


@dataclass(frozen=True)
class Check:
    """One check of an exercise."""

    name: str
    function: Callable[[Any, np.random.Generator], None]
    message: str
    points: int
    hidden: bool
    safety: str  # why it stays although no wrong answer in the list falls by it alone

    @property
    def title(self) -> str:
        """The name as words."""
        return self.name.replace("_", " ")


@dataclass(frozen=True)
class Mutant:
    """A typical wrong answer: an edit of the solution, and what a student who wrote it is told."""

    old: str
    new: str
    falls_by: str  # a hidden check that rejects it
    says: str  # part of what that check says


@dataclass(frozen=True)
class Outcome:
    """What one check gave."""

    name: str
    title: str
    points: int
    earned: int
    hidden: bool
    message: str  # empty where it passed


def check(points: int = 1, hidden: bool = False, safety: str = "") -> Callable[[Any], Any]:
    """Make a function a check; its docstring is the message of one that fails."""

    def mark(function: Any) -> Any:
        message = " ".join((function.__doc__ or "").split())
        function.check = Check(function.__name__, function, message, points, hidden, safety)
        return function

    return mark


def checks_in(namespace: Mapping[str, Any]) -> list[Check]:
    """The checks that a module holds, in the order in which they were written."""
    return [
        one.check for one in namespace.values() if isinstance(getattr(one, "check", None), Check)
    ]


def run(
    checks: Iterable[Check], answer: Any, seed: Sequence[int], patience: int = 2
) -> list[Outcome]:
    """Run checks; after `patience` calls that did not come back the rest is not run.

    The random numbers of a check depend on the seed and the check's name alone.
    """
    outcomes = []
    for one in checks:
        if patience <= 0:
            outcomes.append(lost(one, "Not run: in earlier checks your code did not come back."))
            continue
        outcome, came_back = attempt(one, answer, seed)
        patience -= not came_back
        outcomes.append(outcome)
    return outcomes


def attempt(one: Check, answer: Any, seed: Sequence[int]) -> tuple[Outcome, bool]:
    """Run one check; what it gave, and whether the submission came back from every call."""
    rng = np.random.default_rng([*seed, zlib.crc32(one.name.encode())])
    try:
        with np.errstate(all="ignore"):
            one.function(answer, rng)
    except StudentError as error:
        came_back = not isinstance(error, OutOfTimeError) and error.kind != ENDED
        return lost(one, f"{one.message} {error.told(not one.hidden)}"), came_back
    except Wrong as error:
        said = str(error.args[-1 if one.hidden else 0]) if error.args else ""
        message = " ".join(said.split()) or one.message
        shown = f" {error.got}" if error.got and not one.hidden else ""
        return lost(one, message + shown), True
    except Exception:  # it does not hold, or is an answer that the check did not foresee
        return lost(one, one.message), True
    return Outcome(one.name, one.title, one.points, one.points, one.hidden, ""), True


def lost(one: Check, message: str) -> Outcome:
    """A check that earns nothing, and what is said of it."""
    return Outcome(one.name, one.title, one.points, 0, one.hidden, message)


def close(
    got: Any, want: Any, message: str = "", rtol: float | int = 1e-9, atol: float | int = 1e-12
) -> None:
    """Raise Wrong unless `got` is numbers of the shape of `want`, and equal to it within tolerance.

    Unlike `assert_allclose`, one number does not pass for an array that is constant.
    """
    want = np.asarray(want)
    if not isinstance(got, np.ndarray | np.generic | int | float | complex):
        said = "Return numbers (a NumPy array or a number)"
        raise Wrong(f"{said}, not a value of type {type(got).__name__}.")
    if np.shape(got) != want.shape:
        said = f"The result must have shape {want.shape}"
        raise Wrong(f"{said}, not {np.shape(got)}. {message}", f"{said}. {message}")
    if not np.allclose(got, want, rtol=rtol, atol=atol, equal_nan=False):
        single = np.asarray(got).dtype == np.float32 and np.allclose(got, want, rtol=1e-4)
        wrong = Wrong(f"{message} {SINGLE}" if single else message)
        wrong.got = _shown(np.asarray(got), want)
        raise wrong


def diagnose(
    result: Any,
    right: Any,
    mistakes: Mapping[str, Any],
    rtol: float | int = 1e-5,
    atol: float | int = 1e-8,
) -> None:
    """As `close`; where the result is, within tolerance, that of a mistake, say its sentence."""
    if not _same(result, right, 1e-9, 1e-12):
        for sentence, value in mistakes.items():
            if _same(result, value, rtol, atol):
                raise Wrong(sentence)
    close(result, right)


def distinct(
    want: Any, mistakes: Mapping[str, Any], rtol: float | int = 1e-5, atol: float | int = 1e-8
) -> bool:
    """Whether no mistake leads, within tolerance, to the result or to that of another mistake."""
    values = [np.asarray(one, float) for one in (want, *mistakes.values())]
    pairs = ((one, other) for i, one in enumerate(values) for other in values[:i])
    return not any(_same(one, other, rtol, atol) for one, other in pairs)


def _same(one: Any, other: Any, rtol: float | int, atol: float | int) -> bool:
    return np.shape(one) == np.shape(other) and np.allclose(one, other, rtol=rtol, atol=atol)


def _shown(got: Array, want: Array) -> str:
    """What came out, where that is short."""
    if np.isnan(got).any():
        return "Yours holds NaN."
    if got.ndim:
        return ""
    near = np.allclose(got, want, rtol=1e-4)
    return f"Yours: {got.item():.{12 if near else 6}g}."


class Answer:
    """The functions of a namespace behind the wire, in this process.

    Arguments reach them as read-only copies; results come back as plain data. Where an exercise
    needs torch they are handed tensors.
    """

    def __init__(self, namespace: Mapping[str, Any], needs: str = "numpy") -> None:
        self._namespace, self._needs = namespace, needs
        self._asked: set[str] = set()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)

        def call(*args: Any, **kwargs: Any) -> Any:
            message = wire.encode([name, args, kwargs])
            reply = answer_to(message, self._namespace, self._needs)
            self._asked.add(called(name, args))
            return value_of(wire.decode(wire.encode(reply)), called(name, args), self._asked)

        return call


def called(name: str, args: Sequence[Any]) -> str:
    """The submission's function that is meant, which for `gradient` is the first argument."""
    return args[0] if name == "gradient" and args and isinstance(args[0], str) else name


def value_of(reply: Mapping[str, Any], name: str = "", asked: Container[str] = ()) -> Any:
    """The value that the function `name` gives, or the error; `asked` are the names known."""
    if "error" in reply:
        kind, text, line = reply["error"]
        kind, text, line = str(kind)[:80], str(text)[:300], line if type(line) is int else None
        raise StudentError(kind, text, line, text if text in asked else "")
    if reply["value"] is None:
        raise StudentError(NOTHING, name, None, name)
    return reply["value"]


def answer_to(message: bytes, namespace: Mapping[str, Any], needs: str) -> dict[str, Any]:
    """Do the call that a message asks for; {"value": …} or {"error": [kind, text, line]}.

    The name `gradient` asks for the gradients of `sum(cotangent * f(*args))` by the floating-point
    arguments: `answer.gradient("f", cotangent, *args)`; torch only.
    """
    name, args, kwargs = wire.decode(message)
    function: Any = None
    try:
        cotangent = None
        if name == "gradient" and needs == "torch":
            name, cotangent, *args = args
        function = namespace.get(name)
        if not callable(function):
            return {"error": [MISSING, name, None]}
        if is_ours(function):
            return {"error": [MASKED, name, None]}
        with np.errstate(all="ignore"):  # in a notebook and in the grader alike
            if needs == "torch":
                value = _with_tensors(function, args, kwargs, cotangent)
            else:
                value = function(*args, **kwargs)
        wire.encode(value)  # what cannot be sent is an error of the submission
        return {"value": value}
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        kind, text, line = describe(error, getattr(function, "__code__", None))
        if kind == UNWRITTEN and not text:  # of a starter: the innermost function is the one
            text = traceback.extract_tb(error.__traceback__)[-1].name
        return {"error": [kind, text, line]}


def is_ours(function: Any) -> bool:
    """Whether a function is the book's, or what stands for it where the book is masked."""
    where = getattr(function, "_name" if type(function).__name__ == "StandIn" else "__module__", "")
    return str(where).split(".")[0] == "attn_course"


def describe(error: BaseException, code: Any = None) -> list[Any]:
    """[kind, text, line] of an exception; the line is the last one in the file of `code`."""
    kind, text = type(error).__name__, ""
    with contextlib.suppress(BaseException):  # an exception's text is the submission's code too
        text = str(error.msg if isinstance(error, SyntaxError) else error)[:300]
    read_only = isinstance(error, ValueError) and "read-only" in text
    if read_only or isinstance(error, _WroteIntoInputError):
        kind = WROTE
    line = error.lineno if isinstance(error, SyntaxError) else None
    if code is not None:
        for frame in traceback.extract_tb(error.__traceback__):
            if frame.filename == code.co_filename:
                line = frame.lineno
    return [kind, text, line]


class _WroteIntoInputError(Exception):
    pass


def _with_tensors(function: Any, args: Any, kwargs: Any, cotangent: Array | None) -> Any:
    torch = importlib.import_module("torch")

    def tensor(value: Any) -> Any:
        if not isinstance(value, np.ndarray | np.generic):
            return value
        made = torch.from_numpy(np.array(value))  # of a single number as well: no axes
        return made.requires_grad_(cotangent is not None and value.dtype.kind == "f")

    given: dict[Any, Any] = {key: tensor(value) for key, value in enumerate(args)}
    given |= {key: tensor(value) for key, value in kwargs.items()}
    named: dict[str, Any] = {key: value for key, value in given.items() if isinstance(key, str)}
    value = function(*(given[i] for i in range(len(args))), **named)
    original = dict(enumerate(args)) | kwargs
    for key, one in given.items():
        if isinstance(one, torch.Tensor) and not torch.equal(
            one.detach(), torch.from_numpy(np.array(original[key]))
        ):
            raise _WroteIntoInputError
    if cotangent is None or value is None:
        return value
    leaves = [one for one in given.values() if isinstance(one, torch.Tensor) and one.requires_grad]
    grads = torch.autograd.grad(
        value, leaves, torch.from_numpy(np.array(cotangent)).to(value.dtype), allow_unused=True
    )
    return [
        torch.zeros_like(leaf) if g is None else g for leaf, g in zip(leaves, grads, strict=True)
    ]
