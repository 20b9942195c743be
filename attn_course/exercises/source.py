"""Exercises as they stand on disk: a folder each, with a prompt, a solution and checks.

`prompt.md` opens with TOML between two lines `+++`, then comes the text. Headings of the first
level divide it: `# Hint` (three of them), and `# Question: NAME` with `## Model answer` and
`## Rubric`, whose items read `- 2 points: what earns them`. `solution.py` holds regions between
`### BEGIN SOLUTION` and `### END SOLUTION`; the starter is derived from it. Where a student is to
repair something, the broken lines stand at the region's end after `### INSTEAD`, each commented out
by `# `, and become the starter. `checks.py` holds the checks and `MUTANTS`. What a student is given
has `starter.py` in the solution's place, a `checks.py` without hidden checks and mutants, and a
`prompt.md` without model answers and rubrics.
"""

import ast
import re
import symtable
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from attn_course.exercises.checking import Check, Mutant, checks_in

HERE = Path(__file__).resolve().parent
KINDS = ("concept", "derivation", "code", "debug", "experiment")
FRONT = {"title": str, "kind": str, "difficulty": int, "minutes": int, "needs": str}
STUB = "raise NotImplementedError  # your code"
REGION = re.compile(
    r"^([ \t]*)### BEGIN SOLUTION\n(.*?)(?:^[ \t]*### INSTEAD\n(.*?))?^[ \t]*### END SOLUTION\n",
    re.MULTILINE | re.DOTALL,
)
# What an exercise takes from one before it stands in a notebook already.
OTHERS = re.compile(
    r"\n?^from attn_course\.exercises\.\S+ import (?:\([^)]*\)|.*)[^\n]*\n", re.MULTILINE
)


class ExerciseError(ValueError):
    """An exercise that does not exist or is not written as it must be."""


@dataclass(frozen=True)
class Question:
    """A question that a person marks."""

    name: str
    text: str
    model: str = ""
    rubric: tuple[tuple[int, str], ...] = ()
    points: int = 0


@dataclass(frozen=True)
class Exercise:
    """One exercise; `minutes` are those of a student who has read the chapter."""

    name: str
    folder: Path
    title: str
    kind: str
    difficulty: int
    minutes: int
    needs: str
    text: str
    hints: tuple[str, ...]
    questions: tuple[Question, ...]
    order: int = 0
    after: tuple[str, ...] = ()
    forbids: tuple[str, ...] = field(default=())  # operations of torch that would do the work

    @property
    def chapter(self) -> str:
        """The chapter's word."""
        return self.name.partition("/")[0]

    @property
    def has_code(self) -> bool:
        """Whether there is something to write and to check, besides questions."""
        return (self.folder / "checks.py").exists()

    def solution(self, marked: bool = False) -> str:
        """The source of the solution, its regions marked or not."""
        source = (self.folder / "solution.py").read_text(encoding="utf-8")
        source = OTHERS.sub("", source)
        return source if marked else REGION.sub(r"\2", source)

    def starter(self) -> str:
        """What a student starts from."""
        path = self.folder / "starter.py"
        if path.exists():
            return path.read_text(encoding="utf-8")
        source, n_region = REGION.subn(_unsolved, self.solution(marked=True))
        if not n_region or "### BEGIN" in source or "### END" in source:
            raise ExerciseError(f"{self.name}: solution.py must have solution regions, each ended")
        return source

    def gives(self) -> tuple[str, ...]:
        """The functions that a student writes."""
        tree = ast.parse(self.starter())
        named = (node.name for node in tree.body if isinstance(node, ast.FunctionDef))
        return tuple(name for name in named if not name.startswith("_"))

    def binds(self) -> tuple[str, ...]:
        """Every name that its cell gives a value, imports apart."""
        found = []
        for node in ast.parse(self.starter()).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found.append(node.name)
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                stored = (one for one in ast.walk(node) if isinstance(one, ast.Name))
                found += [one.id for one in stored if isinstance(one.ctx, ast.Store)]
        return tuple(dict.fromkeys(found))

    def checks(self) -> list[Check]:
        """The checks, in order; a student's copy has the visible ones alone."""
        return checks_in(self._module()) if self.has_code else []

    def hidden_points(self) -> int:
        """The points of the hidden checks, which a student's copy only counts."""
        hidden = (one.points for one in self.checks() if one.hidden)
        return sum(hidden, self._module().get("HIDDEN_POINTS", 0) if self.has_code else 0)

    def mutants(self) -> dict[str, Mutant]:
        """Typical wrong answers."""
        return dict(self._module().get("MUTANTS", {})) if self.has_code else {}

    def mutated(self, mutant: Mutant) -> str:
        """The source of a wrong answer."""
        source = self.solution()
        if source.count(mutant.old) != 1:
            raise ExerciseError(f"{self.name}: {mutant.old!r} must occur once in the solution")
        return source.replace(mutant.old, mutant.new)

    def visible_checks(self) -> str:
        """The source of `checks.py` with nothing in it that a student may not see."""
        try:
            source = visible((self.folder / "checks.py").read_text(encoding="utf-8"))
        except ExerciseError as error:
            raise ExerciseError(f"{self.name}: checks.py: {error}") from None
        source += f"\n\nHIDDEN_POINTS = {self.hidden_points()}\n"
        namespace: dict[str, Any] = {"__name__": f"checks of {self.name}"}
        exec(compile(source, f"visible checks of {self.name}", "exec"), namespace)
        left = [one.name for one in checks_in(namespace)]
        if left != [one.name for one in self.checks() if not one.hidden]:
            raise ExerciseError(
                f"{self.name}: checks.py: write each check as a function of its own"
            )
        return source

    def visible_prompt(self) -> str:
        """`prompt.md` without model answers and rubrics; a question keeps its points."""
        kept: list[str] = []
        points = {question.name: question.points for question in self.questions}
        for heading, text in _sections((self.folder / "prompt.md").read_text(encoding="utf-8")):
            if heading in ("Model answer", "Rubric"):
                continue
            if heading:
                kept.append(f"# {heading}\n")
            kept.append(text)
            name = heading.removeprefix("Question:").strip()
            if heading.startswith("Question:"):
                kept.append(f"\n# Points\n\n{points[name]}\n\n")
        return "".join(kept)

    def _module(self) -> dict[str, Any]:
        path = self.folder / "checks.py"
        namespace: dict[str, Any] = {"__name__": f"checks of {self.name}", "__file__": str(path)}
        exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), namespace)
        return namespace


def names(roots: Sequence[Path] = (HERE,)) -> list[str]:
    """All exercises, chapter by chapter in their order."""
    found = {
        f"{path.parent.parent.name}/{path.parent.name}": None
        for root in roots
        for path in sorted(Path(root).glob("*/*/prompt.md"))
    }
    return sorted(found, key=lambda name: (name.split("/")[0], load(name, roots).order, name))


def load(name: str, roots: Sequence[Path] = (HERE,)) -> Exercise:
    """The exercise CHAPTER/NAME, from the first of the folders that has it."""
    for root in roots:
        folder = Path(root) / name
        if re.fullmatch(r"\w+/\w+", name) and (folder / "prompt.md").exists():
            return _read(name, folder)
    known = [str(p.parent.relative_to(r)) for r in roots for p in Path(r).glob("*/*/prompt.md")]
    raise ExerciseError(f"there is no exercise {name!r}; there are {', '.join(sorted(known))}")


def before(exercise: Exercise) -> list[Exercise]:
    """All that an exercise builds on, in the order of doing them."""
    roots = (exercise.folder.parents[1], HERE)
    found: dict[str, Exercise] = {}
    for earlier in (load(name, roots) for name in exercise.after):
        found |= {one.name: one for one in (*before(earlier), earlier)}
    return list(found.values())


def _read(name: str, folder: Path) -> Exercise:
    source = (folder / "prompt.md").read_text(encoding="utf-8")
    found = re.match(r"\+\+\+\n(.*?)^\+\+\+\n", source, re.MULTILINE | re.DOTALL)
    if found is None:
        raise ExerciseError(f"{name}: prompt.md must begin with TOML between two lines +++")
    try:
        front = tomllib.loads(found[1])
    except tomllib.TOMLDecodeError as error:
        raise ExerciseError(f"{name}: prompt.md: {error}") from None
    for key, of in FRONT.items():
        if not isinstance(front.get(key), of):
            raise ExerciseError(f"{name}: prompt.md: {key} must be given, as {of.__name__}")
    text, hints = "", []
    questions: list[Question] = []
    for heading, body in _sections(source[found.end() :]):
        if not heading:
            text = body.strip()
        elif heading == "Hint":
            hints.append(body.strip())
        elif heading.startswith("Question:"):
            questions.append(Question(heading.removeprefix("Question:").strip(), body.strip()))
        elif questions and heading == "Model answer":
            questions[-1] = _with(questions[-1], model=body.strip())
        elif questions and heading == "Rubric":
            items = re.findall(r"^- (\d+) points?: (.*(?:\n  .*)*)", body, re.MULTILINE)
            rubric = tuple((int(n), " ".join(said.split())) for n, said in items)
            questions[-1] = _with(questions[-1], rubric=rubric, points=sum(n for n, _ in rubric))
        elif questions and heading == "Points":
            questions[-1] = _with(questions[-1], points=int(body))
        else:
            raise ExerciseError(f"{name}: prompt.md: a heading {heading!r} has no place here")
    for question in questions:
        if not question.name or not question.points:
            raise ExerciseError(f"{name}: a question must have a name, and a rubric with points")
    given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in front.items()}
    try:
        made = Exercise(
            name=name,
            folder=folder,
            text=text,
            hints=tuple(hints),
            questions=tuple(questions),
            **given,
        )
    except TypeError as error:
        raise ExerciseError(f"{name}: prompt.md: {error}") from None
    for key, known in (("kind", KINDS), ("difficulty", (1, 2, 3)), ("needs", ("numpy", "torch"))):
        if getattr(made, key) not in known:
            raise ExerciseError(f"{name}: {key} must be one of {known}, got {getattr(made, key)!r}")
    return made


def _unsolved(region: re.Match[str]) -> str:
    if region[3] is None:
        return f"{region[1]}{STUB}\n"
    return re.sub(r"^([ \t]*)# ?", r"\1", region[3], flags=re.MULTILINE)


def _with(question: Question, **changes: Any) -> Question:
    return Question(**{**question.__dict__, **changes})


def _sections(text: str) -> Iterator[tuple[str, str]]:
    """(heading, text under it); the heading is empty for what stands before the first one."""
    heading, fenced = "", False
    lines: list[str] = []
    for line in text.splitlines(keepends=True):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        found = None if fenced else re.fullmatch(r"##? (.+?)\s*", line)
        if found:
            yield heading, "".join(lines)
            heading, lines = found[1], []
        else:
            lines.append(line)
    yield heading, "".join(lines)


def visible(source: str) -> str:
    """The source of checks without the hidden ones, MUTANTS, comments, and what only these use."""
    left: list[tuple[set[str], set[str], str]] = []  # names bound, names used, text
    wanted: set[str] = set()
    secret: set[str] = {"MUTANTS"}
    for node in ast.parse(source).body:
        binds, uses = _binds(node), names_read(node)
        decorators = getattr(node, "decorator_list", [])
        if _is_visible(node):
            wanted |= binds
        elif any("check" in ast.unparse(one) for one in decorators):
            secret |= binds
        texts = ["@" + (ast.get_source_segment(source, one) or "") for one in decorators]
        left.append((binds, uses, "\n".join([*texts, ast.get_source_segment(source, node) or ""])))
    while more := {name for binds, uses, _ in left if binds & wanted for name in uses} - wanted:
        wanted |= more
    if wanted & secret:
        raise ExerciseError(f"a visible check uses {', '.join(wanted & secret)}, which is hidden")
    return "\n\n\n".join(text for binds, _, text in left if binds & wanted) + "\n"


def _is_visible(node: ast.stmt) -> bool:
    """Whether this is a check that is written in a way that shows it to be visible."""
    if not isinstance(node, ast.FunctionDef) or len(node.decorator_list) != 1:
        return False
    call = node.decorator_list[0]
    if not isinstance(call, ast.Call) or ast.unparse(call.func).split(".")[-1] != "check":
        return False
    hidden = [one.value for one in call.keywords if one.arg in ("hidden", None)] + call.args[1:2]
    return all(isinstance(one, ast.Constant) and one.value is False for one in hidden)


def _binds(node: ast.stmt) -> set[str]:
    """The names that a statement at the top of checks.py gives a value."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {(one.asname or one.name).split(".")[0] for one in node.names}
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return {one.id for whole in targets for one in ast.walk(whole) if isinstance(one, ast.Name)}
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return set()
    raise ExerciseError(f"line {node.lineno}: only imports, constants and functions may stand here")


def names_read(node: ast.stmt) -> set[str]:
    """The names of the module that a statement reads, local ones of the same word left out."""

    def used(table: symtable.SymbolTable) -> Iterator[str]:
        for symbol in table.get_symbols():
            if symbol.is_global() or (table.get_type() == "module" and symbol.is_referenced()):
                yield symbol.get_name()
        for inner in table.get_children():
            yield from used(inner)

    return set(used(symtable.symtable(ast.unparse(node), "checks", "exec")))
