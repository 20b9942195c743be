"""Every exercise held to its form: what passes, what fails, and with which words.

The tests run over whatever exercises there are. Each is a `proof_…` function; that it can fail is
shown in `test_exercise_faults.py`. `python tests/test_exercises.py` prints the counts.
"""

import ast
import copy
import importlib.util
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exercise_secrets import leaks, secrets

from attn_course.exercises import wire
from attn_course.exercises.cells import cells
from attn_course.exercises.checking import Answer, Check, Mutant, Outcome, run
from attn_course.exercises.source import HERE, OTHERS, Exercise, load, names

HAS_TORCH = importlib.util.find_spec("torch") is not None
TESTS = Path(__file__).resolve().parent
SECOND = TESTS / "second_solutions"  # CHAPTER/NAME.py, written from the prompt and starter alone
SEEDS = ([0], [1, 2, 3], [20261130, 7])  # the first is the one that students see
MUTANTS_AT_LEAST = 5
WIDTH = 79  # of a starter, which stands in the book's page beside the contents
# EXERCISES names a folder of somebody's own, which is then held to the same.
OWN = [Path(one) for one in os.environ.get("EXERCISES", "").split(os.pathsep) if one]
ROOTS = (*OWN, HERE)
ALL = names(OWN or ROOTS)
# Where torch is absent (`make test-numpy`) what needs it cannot be run.
RUNNABLE = [name for name in ALL if HAS_TORCH or load(name, ROOTS).needs == "numpy"]
WITH_CODE = [name for name in RUNNABLE if load(name, ROOTS).has_code]


# --- running an answer ----------------------------------------------------------------------------


def root_of(exercise: Exercise) -> Path:
    """The folder of chapters that an exercise was read from."""
    return exercise.folder.parents[1]


@cache
def checks_of(exercise: Exercise) -> list[Check]:
    """The checks of an exercise, read once."""
    return exercise.checks()


@cache
def mutants_of(exercise: Exercise) -> dict[str, Mutant]:
    """The wrong answers of an exercise, read once."""
    return exercise.mutants()


def before(exercise: Exercise) -> list[Exercise]:
    """The exercises whose answers stand in a notebook already, the earliest first."""
    found: dict[str, Exercise] = {}
    for name in exercise.after:
        one = load(name, (root_of(exercise), HERE))
        found |= {earlier.name: earlier for earlier in before(one)}
        found[one.name] = one
    return list(found.values())


def written(exercise: Exercise) -> list[str]:
    """The functions that a student writes or repairs; others are given in full."""
    starter, solution = (
        {node.name: ast.dump(node) for node in ast.parse(source).body if hasattr(node, "name")}
        for source in (exercise.starter(), exercise.solution())
    )
    return [name for name in exercise.gives() if starter[name] != solution.get(name)]


def namespace_of(exercise: Exercise, source: str, label: str) -> dict[str, Any]:
    """What a notebook holds once the exercises before this one, and then `source`, are run."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for one in before(exercise):
        if one.has_code:
            exec(compile(one.solution(), f"solution of {one.name}", "exec"), namespace)
    exec(compile(source, f"{label} of {exercise.name}", "exec"), namespace)
    return namespace


def second_source(exercise: Exercise) -> str:
    """The second solution, written by somebody who knew the prompt and the starter alone."""
    folder = SECOND if root_of(exercise) == HERE else root_of(exercise) / "second"
    path = folder / f"{exercise.name}.py"
    assert path.exists(), f"{exercise.name}: write a second solution, {path}, from the prompt alone"
    return OTHERS.sub("", path.read_text(encoding="utf-8"))


def source_of(exercise: Exercise, who: str) -> str:
    """The source of the `solution`, the `second` one, the `starter` or the mutant of a name."""
    if who == "second":
        return second_source(exercise)
    if who in ("solution", "starter"):
        return getattr(exercise, who)()
    return exercise.mutated(mutants_of(exercise)[who])


@cache
def answer_of(exercise: Exercise, who: str) -> Answer:
    """An answer, its source run once: what it keeps from one check to the next it keeps."""
    return Answer(namespace_of(exercise, source_of(exercise, who), who), exercise.needs)


@cache
def outcome(exercise: Exercise, who: str, seed: tuple[int, ...], check: str) -> Outcome:
    """What one check gives for an answer."""
    (one,) = (one for one in checks_of(exercise) if one.name == check)
    with warnings.catch_warnings():
        if who not in ("solution", "second"):  # a wrong answer may warn, as it would in a notebook
            warnings.simplefilter("ignore")
        return run([one], answer_of(exercise, who), seed)[0]


def outcomes(exercise: Exercise, who: str, seed: tuple[int, ...]) -> dict[str, Outcome]:
    """What each check gives for an answer."""
    given = [one.name for one in checks_of(exercise)]
    return {name: outcome(exercise, who, seed, name) for name in given}


def all_seeds() -> list[tuple[int, ...]]:
    """The seeds as tuples."""
    return [tuple(seed) for seed in SEEDS]


class Spy:
    """An answer that keeps what its functions were asked."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.asked: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            self.asked.append(wire.encode([name, args, kwargs]))
            return getattr(self._answer, name)(*args, **kwargs)

        return call


# --- the form -------------------------------------------------------------------------------------

ROLE = re.compile(r"\{[a-zA-Z:._-]+\}`|^\s*(```+|~~~+|:::+)\s*\{|\[@\w|\]\(#", re.MULTILINE)
SENTENCE = re.compile(r"([A-Z`]|[a-z]+[_(]).*[.?!`)]", re.DOTALL)  # a name may come first


def texts_of(exercise: Exercise) -> list[str]:
    """All that a person reads of the prompt."""
    found = [exercise.text, *exercise.hints]
    for question in exercise.questions:
        found += [question.text, question.model, *(said for _, said in question.rubric)]
    return found


def proof_of_prompt(exercise: Exercise) -> None:
    """The prompt is whole and reads the same in the book and in a notebook."""
    name = exercise.name
    assert exercise.title.strip(), f"{name}: the title is empty"
    assert len(exercise.text) > 80, f"{name}: the text does not say what to do"
    hints = [hint for hint in exercise.hints if hint]
    assert len(exercise.hints) == len(set(hints)) == 3, f"{name}: there must be three hints"
    assert 3 <= exercise.minutes <= 180, f"{name}: {exercise.minutes} minutes?"
    assert exercise.has_code or exercise.questions, f"{name}: there is nothing to answer"
    for text in texts_of(exercise):
        found = ROLE.search(text)
        assert found is None, f"{name}: {found[0]!r} is read by Sphinx alone"
        assert text.count("```") % 2 == 0, f"{name}: a fence is open"
        prose = re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.DOTALL)
        assert prose.count("$") % 2 == 0, f"{name}: a $ is without its partner"
    for one in exercise.after:
        assert one != name, f"{name}: it cannot come after itself"
        earlier = load(one, (root_of(exercise), HERE))
        assert (earlier.chapter, earlier.order) < (exercise.chapter, exercise.order) or (
            earlier.chapter != exercise.chapter
        ), f"{name}: {one} must come before it, see `order`"
    if exercise.needs == "numpy":
        assert not exercise.forbids, f"{name}: only operations of torch can be forbidden"
        for one in before(exercise):
            assert one.needs == "numpy", f"{name} needs numpy alone, but {one.name} needs torch"


def proof_of_questions(exercise: Exercise) -> None:
    """A person who marks has a model answer and a rubric."""
    source = (exercise.folder / "prompt.md").read_text(encoding="utf-8")
    given = [question.name for question in exercise.questions]
    assert len(given) == len(set(given)), f"{exercise.name}: two questions have one name"
    for question in exercise.questions:
        where = f"{exercise.name}, question {question.name}"
        assert re.fullmatch(r"[a-z][a-z0-9_]*", question.name), f"{where}: not a plain name"
        assert question.text, f"{where}: there is no question"
        assert len(question.model) > 40, f"{where}: there is no model answer"
        assert all(points > 0 for points, _ in question.rubric), f"{where}: an item without points"
        said = re.search(r"(\d+) points", question.text)
        assert said is None or int(said[1]) == question.points, f"{where}: its points disagree"
    written = re.findall(r"^# *Question:.*?(?=^# |\Z)", source, re.MULTILINE | re.DOTALL)
    items = [
        re.findall(r"^- ", one.partition("## Rubric")[2].partition("\n## ")[0], re.MULTILINE)
        for one in written
    ]
    assert [len(one) for one in items] == [len(one.rubric) for one in exercise.questions], (
        f"{exercise.name}: an item of a rubric must read '- 2 points: …'"
    )


def proof_of_checks(exercise: Exercise) -> None:
    """Checks to help and checks to decide, each with its own sentence."""
    name, checks = exercise.name, checks_of(exercise)
    assert any(not one.hidden for one in checks), f"{name}: there must be a visible check"
    assert any(one.hidden for one in checks), f"{name}: there must be a hidden check"
    assert len({one.name for one in checks}) == len(checks), f"{name}: two checks have one name"
    mutants = mutants_of(exercise)
    assert len(mutants) >= MUTANTS_AT_LEAST, f"{name}: {len(mutants)} mutants are too few"
    sources = [exercise.mutated(one) for one in mutants.values()]
    assert len({ast.dump(ast.parse(one)) for one in [*sources, exercise.solution()]}) == (
        len(sources) + 1
    ), f"{name}: two mutants are the same, or one is the solution"
    for one in checks:
        where = f"{name}, check {one.name}"
        assert one.points >= 1, f"{where}: it is worth nothing"
        assert SENTENCE.fullmatch(one.message), f"{where}: {one.message!r} is no sentence"
        assert len(one.message.split()) >= 5, f"{where}: {one.message!r} helps nobody"
        assert not ROLE.search(one.message), f"{where}: the message is plain text"
    assert len({one.message for one in checks}) == len(checks), f"{name}: two messages are equal"


def proof_of_code(exercise: Exercise) -> None:
    """The solution and the starter are whole modules with types, docstrings and nothing of ours."""
    name, starter, solution = exercise.name, exercise.starter(), exercise.solution()
    assert written(exercise), f"{name}: there is no function to write"
    for label, source in (("starter", starter), ("solution", solution)):
        compile(source, f"{label} of {name}", "exec")
        assert "attn_course" not in source, f"{name}: the {label} uses attn_course"
        assert "SOLUTION" not in source, f"{name}: the {label} has a marker left"
        for node in ast.parse(source).body:
            if isinstance(node, ast.FunctionDef) and node.name in exercise.gives():
                where = f"{name}: {node.name} of the {label}"
                assert ast.get_docstring(node), f"{where} has no docstring"
                every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                assert node.returns is not None, f"{where} must say what it returns"
                assert all(one.annotation for one in every), f"{where} must type its parameters"
    for operation in exercise.forbids:
        for who in ("solution", "second"):
            assert operation not in source_of(exercise, who), f"{name}: the {who} uses {operation}"


def proof_of_width(exercise: Exercise) -> None:
    """A starter fits the page."""
    source = exercise.starter() if exercise.has_code else ""
    for number, line in enumerate(source.splitlines(), start=1):
        where = f"{exercise.name}: line {number} of the starter"
        assert len(line) <= WIDTH, f"{where} has {len(line)} characters, more than {WIDTH}"


CALLED = re.compile(r"`([a-z_]\w*(?:\.\w+)*)\(")
LANGUAGE = {"print", "range", "len", "sum", "min", "max", "abs", "float", "int", "round", "zip"}


def proof_of_names(exercise: Exercise) -> None:
    """A function that the prompt names can be found: in the starter, before it, or in NumPy."""
    known = set(LANGUAGE)
    for source in [exercise.starter(), *(one.solution() for one in before(exercise))]:
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                known.add(node.name)
            elif isinstance(node, ast.arg):
                known.add(node.arg)
    for text in texts_of(exercise)[: 1 + len(exercise.hints)]:
        for called in CALLED.findall(text):
            module, _, inside = called.rpartition(".")
            if not module:
                assert called in known, f"{exercise.name}: no {called}() in the starter"
            elif module in ("np", "numpy", "np.linalg", "np.random"):
                home = importlib.import_module(module.replace("np", "numpy", module[:5] != "numpy"))
                assert hasattr(home, inside), f"{exercise.name}: there is no {called}()"
    for given in written(exercise):
        assert given in exercise.text, f"{exercise.name}: the prompt never names {given}"


# --- what passes and what fails -------------------------------------------------------------------


def proof_that_it_passes(exercise: Exercise, who: str) -> None:
    """A right answer passes every check, whatever the seed."""
    for seed in all_seeds():
        told = {one.name: one.message for one in outcomes(exercise, who, seed).values()}
        wrong = {name: message for name, message in told.items() if message}
        assert not wrong, f"{exercise.name}: the {who} fails with seed {seed}: {wrong}"


def bodies(source: str) -> dict[str, str]:
    """The functions of a module without docstrings, types and names of variables."""
    found = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef):
            node = copy.deepcopy(node)
            if ast.get_docstring(node) is not None:
                node.body = node.body[1:]
            order: dict[str, int] = {}
            for one in ast.walk(ast.Module(node.body, [])):
                if isinstance(one, ast.Name):
                    one.id = str(order.setdefault(one.id, len(order)))
                elif isinstance(one, ast.AnnAssign):
                    one.annotation = ast.Constant(None)
            found[node.name] = ast.dump(ast.Module(node.body, []))
    return found


def proof_that_second_differs(exercise: Exercise) -> None:
    """The second solution is no copy."""
    first, second = bodies(exercise.solution()), bodies(second_source(exercise))
    for name in written(exercise):
        assert name in second, f"{exercise.name}: the second solution has no {name}"
        assert first[name] != second[name], f"{exercise.name}: the second {name} is a copy"


def proof_that_starter_fails(exercise: Exercise) -> None:
    """Who has written nothing gets nothing, and each check's own sentence."""
    messages = {one.name: one.message for one in checks_of(exercise)}
    repairs = exercise.kind == "debug"  # then the starter runs, and what is wrong with it is told
    for seed in all_seeds():
        for name, one in outcomes(exercise, "starter", seed).items():
            where = f"{exercise.name}, check {name}"
            assert one.earned == 0, f"{where}: the starter passes it"
            assert one.message, f"{where}: nothing is told"
            assert repairs or messages[name] in one.message, f"{where}: its sentence is not told"


def proof_of_mutants(exercise: Exercise) -> None:
    """Every wrong answer falls by the hidden check that is named, with the words that are named."""
    hidden = {one.name for one in checks_of(exercise) if one.hidden}
    for name, mutant in mutants_of(exercise).items():
        where = f"{exercise.name}, mutant {name!r}"
        assert mutant.falls_by in hidden, f"{where}: {mutant.falls_by} is no hidden check"
        assert len(mutant.says) >= 3, f"{where}: say more of what is said"
        for seed in all_seeds():
            told = outcome(exercise, name, seed, mutant.falls_by).message
            assert told, f"{where} passes {mutant.falls_by} with seed {seed}"
            assert mutant.says in told, f"{where} is told with seed {seed}: {told}"


def others_fallen(exercise: Exercise, mutant: str) -> Iterator[str]:
    """The hidden checks that a mutant fails besides the one that is named."""
    named = mutants_of(exercise)[mutant].falls_by
    others = [one.name for one in checks_of(exercise) if one.hidden and one.name != named]
    yield from (one for one in others if outcome(exercise, mutant, all_seeds()[1], one).message)


def proof_that_hidden_are_needed(exercise: Exercise) -> None:
    """Without any one hidden check some wrong answer would get through; or it says why it stays."""
    for one in checks_of(exercise):
        where = f"{exercise.name}, check {one.name}"
        assert one.hidden or not one.safety, f"{where}: a visible check needs no reason"
        if one.hidden:
            fall = [name for name, it in mutants_of(exercise).items() if it.falls_by == one.name]
            alone = any(next(others_fallen(exercise, name), None) is None for name in fall)
            if one.safety:
                assert not alone, f"{where}: it is needed; drop its `safety`"
                assert len(one.safety.split()) >= 4, f"{where}: why does it stay?"
            else:
                others = {} if alone else {name: [*others_fallen(exercise, name)] for name in fall}
                assert alone, (
                    f"{where}: no mutant falls by it alone, and it has no `safety`; "
                    f"what falls by it falls by others too: {others}"
                )


# --- what a check may not do ----------------------------------------------------------------------


def proof_of_order(exercise: Exercise) -> None:
    """Checks give the same in any order and alone, and draw from their own generator only."""
    checks = checks_of(exercise)
    for who in ["solution", "starter", next(iter(mutants_of(exercise)))]:
        seed = all_seeds()[1]
        want = outcomes(exercise, who, seed)
        answer = Answer(namespace_of(exercise, source_of(exercise, who), who), exercise.needs)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            again = run(checks[::-1], answer, seed)
        for one in again:
            assert one == want[one.name], f"{exercise.name}: {one.name} depends on what ran before"
    answer = answer_of(exercise, "solution")
    torch = sys.modules.get("torch") if exercise.needs == "torch" else None
    for one in checks:
        states = global_states(torch)
        (alone,) = run([one], answer, all_seeds()[1])
        assert not alone.message, f"{exercise.name}: {one.name} fails when it runs alone"
        assert global_states(torch) == states, f"{exercise.name}: {one.name} draws global numbers"


def global_states(torch: Any) -> list[Any]:
    """The states of the generators that everybody shares."""
    found = [repr(np.random.get_state())]  # noqa: NPY002
    return found if torch is None else [*found, torch.get_rng_state().tolist()]


def asked(exercise: Exercise, one: Check, seed: tuple[int, ...]) -> list[bytes]:
    """What a check asks of the solution."""
    spy = Spy(answer_of(exercise, "solution"))
    run([one], spy, seed)
    return spy.asked


def takes_nothing(questions: list[bytes]) -> bool:
    """Whether a check hands nothing over: then there is no input to draw, or to tell."""
    return all(wire.decode(question)[1:] == [(), {}] for question in questions)


def proof_of_seeds(exercise: Exercise) -> None:
    """The same seed gives the same questions; another course's seed gives others in secret."""
    public, first, second = all_seeds()
    for one in checks_of(exercise):
        where = f"{exercise.name}, check {one.name}"
        questions = asked(exercise, one, first)
        assert questions, f"{where}: it asks nothing of the answer"
        assert questions == asked(exercise, one, first), f"{where}: one seed, two questions"
        if one.hidden and not takes_nothing(questions):
            others = asked(exercise, one, second), asked(exercise, one, public)
            assert questions not in others, f"{where}: its inputs do not depend on the seed"


SHAPE = re.compile(r"\([\d, ]*\)")


def proof_of_messages(exercise: Exercise) -> None:
    """What a hidden check says tells no input but its shape: it is the same for every seed.

    A check may say one thing or another, but for one and the same wrong answer always the same; and
    a number that it names stands in the text of the checks.
    """
    source = ast.parse((exercise.folder / "checks.py").read_text(encoding="utf-8"))
    strings = [one.value for one in ast.walk(source) if isinstance(one, ast.Constant)]
    known = {n for text in strings if isinstance(text, str) for n in re.findall(r"\d+", text)}
    free = [
        one for one in checks_of(exercise) if takes_nothing(asked(exercise, one, all_seeds()[0]))
    ]
    open_to_all = {one.name for one in free}
    hidden = [one.name for one in checks_of(exercise) if one.hidden and one.name not in open_to_all]
    wrong = [("starter", check) for check in hidden]
    wrong += [(name, it.falls_by) for name, it in mutants_of(exercise).items()]
    for name, check in wrong:
        if check in hidden:
            told = [outcome(exercise, name, seed, check).message for seed in all_seeds()]
            texts = {SHAPE.sub("(…)", text) for text in told}
            where = f"{exercise.name}, check {check}, mutant {name!r}"
            assert len(texts) == 1, f"{where}: what it says depends on the inputs: {sorted(texts)}"
            numbers = set(re.findall(r"\d+", next(iter(texts))))
            assert numbers <= known, f"{where}: it tells numbers of the input: {texts}"


def proof_of_secrecy(exercise: Exercise) -> None:
    """What is released tells nothing of the solution, the hidden checks and the model answers."""
    released = {"visible_prompt()": exercise.visible_prompt()}
    if exercise.has_code:
        released["visible_checks()"] = exercise.visible_checks()
        released["starter()"] = exercise.starter()
    for book in (False, True):
        text = "\n".join(cell.source for cell in cells(exercise, book=book))
        released[f"cells(book={book})"] = text
    assert secrets(exercise), f"{exercise.name}: nothing in it could leak?"
    for where, text in released.items():
        found = leaks(exercise, text)
        assert not found, f"{exercise.name}: {where} tells {found}"


def proof_of_kinds(exercise: Exercise) -> None:
    """An answer of a kind that nobody foresaw is told in words and earns nothing."""
    for value in (None, "text", [1, "a"], {}, float("nan"), ()):
        namespace = namespace_of(exercise, exercise.starter(), "starter")
        namespace |= dict.fromkeys(written(exercise), lambda *_, value=value, **__: value)
        for one in run(checks_of(exercise), Answer(namespace, exercise.needs), SEEDS[0]):
            where = f"{exercise.name}, check {one.name}"
            assert one.message, f"{where}: it takes {value} for an answer"


# --- every exercise -------------------------------------------------------------------------------

FORM = [proof_of_prompt, proof_of_questions, proof_of_width, proof_of_secrecy]
CODE = [
    proof_of_checks,
    proof_of_code,
    proof_of_names,
    proof_that_second_differs,
    proof_that_starter_fails,
    proof_of_mutants,
    proof_that_hidden_are_needed,
    proof_of_order,
    proof_of_seeds,
    proof_of_messages,
    proof_of_kinds,
]


def test_there_are_exercises():
    assert ALL
    places = [(load(name, ROOTS).chapter, load(name, ROOTS).order) for name in ALL]
    assert len(places) == len(set(places)), "two exercises of a chapter have the same `order`"
    labels = [name.partition("/")[2] for name in ALL]
    assert len(labels) == len(set(labels)), "two exercises would have one label in the book"


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("proof", FORM)
def test_form(name, proof):
    proof(load(name, ROOTS))


@pytest.mark.parametrize("name", WITH_CODE)
@pytest.mark.parametrize("proof", CODE)
def test_code(name, proof):
    proof(load(name, ROOTS))


@pytest.mark.parametrize("name", WITH_CODE)
@pytest.mark.parametrize("who", ["solution", "second"])
def test_right_answers_pass(name, who):
    proof_that_it_passes(load(name, ROOTS), who)


def proof_of_one_notebook(exercises: list[Exercise]) -> None:
    """All answers of a chapter stand in one notebook, and none of them spoils another."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    taken: dict[str, str] = {}
    for one in exercises:
        for name in one.binds():
            assert name not in taken, f"{name} is given by {taken[name]} and by {one.name}"
            taken[name] = one.name
        exec(compile(one.solution(), f"solution of {one.name}", "exec"), namespace)
    for one in exercises:
        told = run(checks_of(one), Answer(namespace, one.needs), SEEDS[0])
        wrong = {outcome.name: outcome.message for outcome in told if outcome.message}
        assert not wrong, f"{one.name} fails in a notebook with the others: {wrong}"


@pytest.mark.parametrize("chapter", sorted({load(name, ROOTS).chapter for name in WITH_CODE}))
def test_one_notebook_holds_a_chapter(chapter):
    proof_of_one_notebook(
        [load(name, ROOTS) for name in WITH_CODE if load(name, ROOTS).chapter == chapter]
    )


ALONE = """
import sys

class OnlyNumPy:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in sys.stdlib_module_names and top not in ("numpy", "attn_course"):
            raise ImportError(f"{name} is not there in the browser")

sys.meta_path.insert(0, OnlyNumPy())
from pathlib import Path
from attn_course.exercises.checking import Answer, run
from attn_course.exercises.source import load, names

roots = [Path(one) for one in sys.argv[1:]]
for name in names(roots):
    exercise = load(name, roots)
    if exercise.needs == "numpy" and exercise.has_code:
        namespace = {}
        for one in (*exercise.after, name):
            if load(one, roots).has_code:
                exec(load(one, roots).solution(), namespace)
        for one in run(exercise.checks(), Answer(namespace), [0]):
            assert not one.message, (name, one)
        print(name, "in the browser")
"""


def proof_of_numpy_alone(*roots: Path) -> str:
    """Exercises that need NumPy load and run where there is nothing else, as in the browser."""
    command = [sys.executable, "-c", ALONE, *map(str, roots)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=TESTS.parent)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_numpy_alone_is_enough():
    done = proof_of_numpy_alone(*ROOTS)
    for name in ALL:
        expected = load(name, ROOTS).needs == "numpy" and load(name, ROOTS).has_code
        assert (f"{name} in the browser" in done) == expected


def summary(chosen: list[str] | None = None) -> str:
    """Counts of exercises, checks and mutants, and how many of the mutants are caught."""
    rows, total = [], np.zeros(6, int)
    for name in RUNNABLE if chosen is None else chosen:
        exercise = load(name, ROOTS)
        checks, mutants = checks_of(exercise), mutants_of(exercise)
        hidden = sum(one.hidden for one in checks)
        caught = sum(
            bool(outcome(exercise, name, all_seeds()[0], mutant.falls_by).message)
            for name, mutant in mutants.items()
        )
        row = [
            len(checks) - hidden,
            hidden,
            sum(one.points for one in checks),
            sum(question.points for question in exercise.questions),
            len(mutants),
            caught,
        ]
        total += row
        kind = f"{exercise.kind}, {exercise.minutes} min"
        rows.append(f"{name:26} {kind:20}" + "".join(f"{one:9}" for one in row))
    heads = ("visible", "hidden", "points", "by hand", "mutants", "caught")
    head = f"{'':47}" + "".join(f"{one:>9}" for one in heads)
    last = f"{f'{len(rows)} exercises':47}" + "".join(f"{one:9}" for one in total)
    score = f"mutation score {total[5]}/{total[4]}"
    return "\n".join([head, *rows, last, score])


def test_summary_counts_everything():
    told = summary().splitlines()
    assert len(told) == len(RUNNABLE) + 3
    caught, mutants = told[-1].removeprefix("mutation score ").split("/")
    assert caught == mutants
    assert int(mutants) == sum(len(mutants_of(load(name, ROOTS))) for name in WITH_CODE)


if __name__ == "__main__":
    print(summary())
