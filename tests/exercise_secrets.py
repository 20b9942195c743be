"""What of an exercise no student may be handed: strings to look for in anything that is released.

`secrets(exercise)` has the lines of the solution, the source and the sentences of hidden checks,
and the sentences of model answers and rubrics. `leaks(exercise, text)` says which of them stand in
a text, be it a source, a notebook or a page. What the starter, the prompt, the visible checks or a
source that the book shows say as well is no secret.
"""

import ast
import html
import re
from functools import cache, lru_cache
from pathlib import Path

from attn_course.exercises.source import REGION, Exercise

PACKAGE = Path(__file__).resolve().parents[1] / "attn_course"
SHORTEST_LINE = 13  # characters of code, blanks left out, that can be told from others
SHORTEST_SENTENCE = 25  # letters
# Lines that anybody writes.
GENERIC = re.compile(
    r"((for|while|if|elif|with|except) .*:|return \w+(, \w+)*|continue|else:"
    r"|(import|from) .*|got = answer\.\w+\(|@check\(.*\)|def \w+\(answer.*|#.*"
    r"|\) -> .*:|\w+: [\w.]+,)"  # of a signature
)


def secrets(exercise: Exercise) -> set[str]:
    """Strings that only the exercise's author, the grader and the instructor may see."""
    return {*_lines(exercise), *_sentences(exercise), *_names(exercise)}


def leaks(exercise: Exercise, text: str) -> list[str]:
    """The secrets that stand in a text, whatever markup, escapes or line breaks it has."""
    plain, as_code, as_prose = _seen(text)
    found = {one for one in _lines(exercise) if any(_code(one) in seen for seen in as_code)}
    found |= {one for one in _sentences(exercise) if any(_prose(one) in seen for seen in as_prose)}
    for name in _names(exercise):
        if any(re.search(rf"\b{name}\b", seen) for seen in (text, plain)):
            found.add(name)
    return sorted(found)


@lru_cache(maxsize=2)  # the same text is looked through for every exercise
def _seen(text: str) -> tuple[str, list[str], list[str]]:
    """A text without tags; it and the whole as code; both as prose."""
    plain = re.sub(r"<[^<>]*>", "", text)  # a tag; in a source it may be a comparison: look at both
    return plain, [_code(text), _code(plain)], [_prose(text), _prose(plain)]


@cache
def _lines(exercise: Exercise) -> frozenset[str]:
    """Lines of the solution's regions and of the hidden checks."""
    solved = [line for found in REGION.findall(_marked(exercise)) for line in found[1].splitlines()]
    hidden = [line for part in _parts(exercise, hidden=True) for line in part.splitlines()]
    public = _code(_public(exercise))
    # A hidden check may look like a visible one; a visible one that does the solution's work tells.
    shown = _code("\n".join(_parts(exercise, hidden=False)))
    secret = solved + [line for line in hidden if _code(line) not in shown]
    lines = (line.strip() for line in secret)
    return frozenset(
        line
        for line in lines
        if len(_code(line)) >= SHORTEST_LINE
        and not GENERIC.fullmatch(line)
        and _code(line) not in public
    )


@cache
def _sentences(exercise: Exercise) -> frozenset[str]:
    """Sentences of hidden checks, model answers and rubrics."""
    texts = [one.message for one in exercise.checks() if one.hidden]
    for part in _parts(exercise, hidden=True):
        texts += _strings(part)
    for question in exercise.questions:
        texts += [question.model, *(said for _, said in question.rubric)]
    shown = [text for part in _parts(exercise, hidden=False) for text in _strings(part)]
    public = _prose("\n".join([_public(exercise), *shown]))
    pieces = {piece.strip() for text in texts for piece in re.split(r"(?<=[.!?:])\s|\n\s*\n", text)}
    return frozenset(
        one for one in pieces if len(_prose(one)) >= SHORTEST_SENTENCE and _prose(one) not in public
    )


@cache
def _names(exercise: Exercise) -> frozenset[str]:
    """Names of hidden checks; one word alone may stand anywhere."""
    hidden = {one.name for one in exercise.checks() if one.hidden and "_" in one.name}
    return frozenset(name for name in hidden if not re.search(rf"\b{name}\b", _public(exercise)))


def _marked(exercise: Exercise) -> str:
    path = exercise.folder / "solution.py"
    return exercise.solution(marked=True) if path.exists() else ""


@cache
def _public(exercise: Exercise) -> str:
    """What everybody may read: the prompt with its hints, the starter, the sources shown."""
    texts = [exercise.title, exercise.text, *exercise.hints]
    texts += [question.text for question in exercise.questions]
    # The starter, but for what might be left in it by mistake; a line to be repaired is given.
    texts.append(REGION.sub(lambda found: (found[3] or "").replace("# ", ""), _marked(exercise)))
    return "\n".join([*texts, _paths()])


@cache
def _paths() -> str:
    # The book shows the source of every room, of the figures, and of the tests behind the errata.
    rooms = {path.parent for path in PACKAGE.glob("*/reference.py")} | {PACKAGE / "figures"}
    files = [path for room in sorted(rooms) for path in sorted(room.glob("*.py"))]
    files.append(PACKAGE.parent / "tests" / "test_errata.py")
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


@cache
def _parts(exercise: Exercise, hidden: bool) -> tuple[str, ...]:
    """The sources of the hidden or the visible checks."""
    if not exercise.has_code:
        return ()
    source = (exercise.folder / "checks.py").read_text(encoding="utf-8")
    wanted = {one.name for one in exercise.checks() if one.hidden is hidden}
    lines = source.splitlines()
    return tuple(
        "\n".join(lines[node.lineno - 1 : node.end_lineno])
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef) and node.name in wanted
    )


def _strings(source: str) -> list[str]:
    """The strings in a source, an f-string's pieces apart."""
    nodes = ast.walk(ast.parse(source))
    return [one.value for one in nodes if isinstance(one, ast.Constant) and type(one.value) is str]


def _plain(text: str) -> str:
    """The text without the escapes of HTML and JSON."""
    text = re.sub(
        r"\\+u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), html.unescape(text)
    )
    return re.sub(r"\\+[nt]", " ", text)


def _code(text: str) -> str:
    """Code without blanks, quotes and backslashes."""
    return re.sub(r"[\s\\\"']+", "", _plain(text))


def _prose(text: str) -> str:
    """The letters and digits of a text."""
    return re.sub(r"[\W_]+", "", _plain(text)).lower()
