"""The notebooks as they are stored: canonical, compared to the last cell, free of copied code."""

import ast
import importlib.util
import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "attn_course"

spec = importlib.util.spec_from_file_location("notebooks", ROOT / ".ci" / "notebooks.py")
form = importlib.util.module_from_spec(spec)
spec.loader.exec_module(form)

SMALLEST_COPY = 15  # nodes: below that, two functions may well be equal by chance


# What the tests look for, as functions that return the faults, so that faults can be planted below.


def unstored(notebook):
    """Code cells that nbval passes whatever they print: it compares only cells with a number."""
    return [
        cell.id
        for cell in notebook.cells
        if cell.cell_type == "code"
        and cell.source.strip()
        and cell.execution_count is None
        and form.NO_RUN not in form.tags(cell)
    ]


def unchecked(notebook):
    """Cells stored without output that no next code cell asserts anything about."""
    code = [c for c in notebook.cells if c.cell_type == "code" and c.source.strip()]
    following = [*code[1:], None]
    return [
        cell.id
        for cell, after in zip(code, following, strict=True)
        if form.NO_OUTPUT in form.tags(cell)
        and (after is None or not re.search(r"^\s*assert\b|\bassert_\w+\(", after.source, re.M))
    ]


class Renamed(ast.NodeTransformer):
    """A function with its names numbered as they appear, its notes and types dropped."""

    def __init__(self):
        self.order = {}

    def number(self, name):
        return f"n{self.order.setdefault(name, len(self.order))}"

    def visit_Name(self, node):
        return ast.Name(self.number(node.id), node.ctx)

    def visit_arg(self, node):
        return ast.arg(self.number(node.arg), None)

    def visit_keyword(self, node):
        return ast.keyword(None, self.visit(node.value))

    def visit_AnnAssign(self, node):
        if node.value is None:
            return None
        return ast.Assign([self.visit(node.target)], self.visit(node.value))

    def visit_FunctionDef(self, node):
        body = node.body[1:] if ast.get_docstring(node) is not None else node.body
        inside = [self.visit(x) for x in body if not isinstance(x, ast.Assert)]
        return ast.FunctionDef("f", self.visit(node.args), [x for x in inside if x], [])


def functions(code):
    """(name, normalised text) of every function that is long enough to be a copy."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.FunctionDef):
            plain = Renamed().visit(node)
            if len(list(ast.walk(plain))) >= SMALLEST_COPY:
                yield node.name, ast.dump(plain)


def package_functions():
    """Normalised text -> where the package has it; and the names that the package exports."""
    place, public = {}, set()
    for path in sorted(PACKAGE.rglob("*.py")):
        for name, plain in functions(path.read_text(encoding="utf-8")):
            place.setdefault(plain, f"{path.relative_to(ROOT)}: {name}")
            if path.name in ("reference.py", "functional.py") and not name.startswith("_"):
                public.add(name)
    return place, public


def copies(notebook, place, public):
    """Functions of a notebook that the package has, under this name or another."""
    found = []
    for cell in notebook.cells:
        starter = cell.metadata.get("attn", {}).get("part") == "starter"  # compared below
        if cell.cell_type != "code" or starter or "live" in form.tags(cell):
            continue
        code = re.sub(r"^\s*[%!].*$", "", cell.source, flags=re.M)
        for name, plain in functions(code):
            if plain in place:
                found.append(f"{cell.id}: {name} is {place[plain]}")
            elif name in public:
                found.append(f"{cell.id}: {name} is the name of a function of the package")
    return found


def altered(notebook, place, public):
    """Functions in live cells that bear a name of the package's and are not the package's."""
    return [
        f"{cell.id}: {name}"
        for cell in notebook.cells
        if cell.cell_type == "code" and "live" in form.tags(cell)
        for name, plain in functions(cell.source)
        if name in public and plain not in place
    ]


def prose(notebook):
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def objectives(notebook):
    """The items of the list below the sentence that ends in 'you will be able to'."""
    after = re.split(r"you will be able to\W*\n+", prose(notebook), maxsplit=1, flags=re.I)[1:]
    items = re.match(r"(?:[-*] .*\n?(?:[ \t]+\S.*\n?)*\n?)+", after[0]) if after else None
    return re.split(r"^[-*] ", items.group(), flags=re.M)[1:] if items else []


def unexercised(notebook):
    """Objectives that lead to no exercise of the page, and exercises that serve no objective."""
    directive = r"^[`:]{3,}\{exercise(?:-start)?\}.*\n(?:[ \t]*:\w+:.*\n)*?[ \t]*:label: *(\S+)"
    exercises = set(re.findall(directive, prose(notebook), re.M))
    named = [
        set(re.findall(r"\]\(#([\w-]+)\)|ref\}`(?:[^`<]*<)?([\w-]+)", x))
        for x in objectives(notebook)
    ]
    named = [{a or b for a, b in pairs} & exercises for pairs in named]
    aims = objectives(notebook)
    lost = [
        f"no exercise for: {aim.strip()}"
        for aim, found in zip(aims, named, strict=True)
        if not found
    ]
    idle = [f"no objective for: {label}" for label in sorted(exercises - set().union(*named))]
    return lost + idle if aims else ["the page names no objectives"]


@pytest.fixture(params=form.notebooks(), ids=lambda path: path.name)
def path(request):
    return request.param


@pytest.fixture
def notebook(path):
    return nbformat.read(path, as_version=4)


def test_is_canonical(path, notebook):
    stored = path.read_text(encoding="utf-8")
    assert stored == form.text(form.canonical(notebook)), "run: make notebooks"


def stale(notebook, chapter):
    """Cells of exercises that are not what the sources of the exercises give."""

    def shown(book):
        return [(cell.cell_type, cell.source, cell.metadata.get("attn")) for cell in book.cells]

    now, then = shown(form.with_exercises(notebook, chapter)), shown(notebook)
    return [cell for cell in then if cell not in now] + [cell for cell in now if cell not in then]


def test_exercises_are_those_of_the_sources(path, notebook):
    assert stale(notebook, path.stem) == [], "run: make notebooks"


def test_every_cell_was_run_before_it_was_stored(notebook):
    assert unstored(notebook) == [], "nbval compares nothing there; run: make notebooks"


def test_says_nothing_on_stderr(notebook):
    loud = [
        cell.id
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.get("name") == "stderr" or output.output_type == "error"
    ]
    assert loud == []


def test_unstored_output_is_asserted_in_the_next_cell(notebook):
    assert unchecked(notebook) == []


def test_copies_nothing_from_the_package(notebook):
    assert copies(notebook, *package_functions()) == []


def test_live_functions_of_the_package_are_the_packages(notebook):
    assert altered(notebook, *package_functions()) == []


def test_each_objective_has_an_exercise(notebook):
    assert unexercised(notebook) == []


# Each of these would be worth nothing if it could not fail.


def page(*sources, **keys):
    new = {"code": nbformat.v4.new_code_cell, "markdown": nbformat.v4.new_markdown_cell}
    kind = keys.pop("kind", "code")
    return nbformat.v4.new_notebook(cells=[new[kind](source, **keys) for source in sources])


def test_canonical_form_drops_what_changes_and_keeps_text():
    rich = {"image/png": "AAAA", "text/plain": "<Figure>"}
    outputs = [
        nbformat.v4.new_output("display_data", rich, metadata={"width": 3}),
        nbformat.v4.new_output("display_data", {"image/png": "AAAA"}),
        nbformat.v4.new_output("stream", name="stdout", text="1\n"),
    ]
    before = page(
        "print(1)", outputs=outputs, execution_count=1, metadata={"when": 1, "tags": ["x"]}
    )
    before.metadata["widgets"] = {"state": {}}
    after = form.canonical(before)
    assert [dict(o).get("data", o.get("text")) for o in after.cells[0].outputs] == [
        {"text/plain": "<Figure>"},
        "1\n",
    ]
    assert after.cells[0].metadata == {"tags": ["x"]}
    assert set(after.metadata) == {"kernelspec", "language_info"}
    assert form.text(form.canonical(after)) == form.text(after)
    assert "png" in form.text(before), "canonical() must not write to its argument"


def test_canonical_form_does_not_tell_when_a_line_was_printed():
    outputs = [
        nbformat.v4.new_output("stream", name="stdout", text="1"),
        nbformat.v4.new_output("stream", name="stdout", text="\n"),
        nbformat.v4.new_output("display_data", {"image/png": "AAAA"}),
        nbformat.v4.new_output("stream", name="stdout", text="2\n"),
        nbformat.v4.new_output("stream", name="stderr", text="3\n"),
    ]
    before = page("print(1)", outputs=outputs, execution_count=1)
    after = form.canonical(before).cells[0].outputs
    assert [(o.name, o.text) for o in after] == [
        ("stdout", "1\n"),
        ("stdout", "2\n"),
        ("stderr", "3\n"),
    ]
    assert before.cells[0].outputs[0].text == "1"


def test_stripped_cell_is_found():
    assert len(unstored(page("print(2)"))) == 1
    assert unstored(page("print(2)", execution_count=1)) == []


def test_unasserted_figure_is_found():
    tagged = page("figure", "assert True", metadata={"tags": [form.NO_OUTPUT]})
    assert unchecked(tagged) == [tagged.cells[1].id]


def test_renamed_copy_is_found():
    package = '''
def window(mean: float, n_pixel: int):
    """A row."""
    pixel = np.arange(n_pixel)
    return np.exp(-((pixel - mean) ** 2) / 2)
'''
    copy = "def mine(m, n):\n    p = np.arange(n)\n    return np.exp(-((p - m) ** 2) / 2)"
    other = "def mine(m, n):\n    p = np.arange(n)\n    return np.exp(-((p - m) ** 2) / 3)"
    place = {plain: name for name, plain in functions(package)}
    assert len(copies(page(copy), place, set())) == 1
    assert copies(page(copy, metadata={"tags": ["live"]}), place, set()) == []
    live = {"tags": ["live"]}
    assert altered(page(copy, metadata=live), place, {"mine"}) == []
    assert len(altered(page(other, metadata=live), place, {"mine"})) == 1
    assert copies(page(other), place, set()) == []
    assert len(copies(page(other), place, {"mine"})) == 1


def test_altered_starter_is_found():
    cell = {"exercise": "gaussian/filterbank", "part": "starter"}
    chapter = form.with_exercises(page("## Exercises", kind="markdown"), "gaussian")
    assert stale(chapter, "gaussian") == []
    (starter,) = (c for c in chapter.cells if c.metadata.get("attn") == cell)
    starter.source += "\n# or so"
    assert len(stale(chapter, "gaussian")) == 2


def test_lost_objective_and_idle_exercise_are_found():
    head = "You will be able to\n\n- walk ([](#ex-walk));\n- run\n  fast.\n\nNow go."
    task = "```{exercise} Walk\n:label: ex-walk\n\nWalk.\n```"
    idle = "```{exercise} Swim\n:label: ex-swim\n\nSwim.\n```"
    found = unexercised(page(head, task, idle, kind="markdown"))
    assert found == ["no exercise for: run\n  fast.", "no objective for: ex-swim"]
    assert (
        unexercised(page(head.replace("fast", "{ref}`ex-swim`"), task, idle, kind="markdown")) == []
    )
