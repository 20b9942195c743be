"""The notebooks as they are stored: canonical, compared to the last cell, free of copied code."""

import ast
import builtins
import importlib.util
import re
import symtable
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


def undescribed(notebook):
    """Cells that draw a figure and have no words for it."""
    found = []
    for cell in notebook.cells:
        plain = [x.get("data", {}).get("text/plain", "") for x in cell.get("outputs", ())]
        drawn = any("<Figure size" in "".join(text) for text in plain)
        if drawn and not cell.metadata.get("mystnb", {}).get("image", {}).get("alt"):
            found.append(cell.id)
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


UNITS = """one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
sixteen seventeen eighteen nineteen"""
TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
NUMBER = {word: n for n, word in enumerate(UNITS.split(), start=1)}
for ten, name in enumerate(TENS.split(), start=2):
    NUMBER |= {f"{name}-{one}": 10 * ten + n for one, n in NUMBER.items() if n < 10}
    NUMBER[name] = 10 * ten
READING = 45  # minutes that a page may take


def numbers_in(text):
    """The whole numbers of a text, in digits or as words; three quarters of an hour are 45."""
    text = text.lower().replace("three quarters of an hour", "45 minutes")
    words = re.findall(r"\d+|[a-z]+(?:-[a-z]+)*", text)
    found = [int(one) if one.isdigit() else NUMBER.get(one) for one in words]
    return [number for number in found if number is not None]


def announced(text):
    """Minutes in a section's line such as *(Six minutes. Bring a pencil.)*; 0 if it names none."""
    found = [
        numbers_in(said)
        for line in re.findall(r"^\*\((.*)\)\*$", text, re.M)
        for said in re.findall(r"(.*?)\bminutes?\b", line)
    ]
    return found[0][0] if [len(numbers) for numbers in found] == [1] else 0


def misjudged(notebook):
    """What is wrong with the minutes of a page: its sections', their sum and what the head says.

    The head speaks of computing as well, in its last clause, and may part the reading in two.
    """
    head, *rest = re.split(r"^## +(.*)$", prose(notebook), flags=re.M)
    time = re.search(r"\*\*Time:\*\*(.*?)(?:\*\*|\n\n|\Z)", head, re.S)
    if not time:
        return ["the head names no **Time:**"]
    reading = re.sub(r"[,;][^,;]*\bcomputing\b.*", "", time[1], flags=re.S)
    said, faults, total = sum(numbers_in(reading)), [], 0
    if not said:
        faults.append(f"no minutes of reading in: {time[1].strip()}")
    for title, text in zip(rest[::2], rest[1::2], strict=True):
        if title.startswith("Exercises"):  # what an exercise takes is no reading
            continue
        minutes = announced(text)
        total += minutes
        if not minutes and title != "In five lines":
            faults.append(f"no minutes for: {title}")
    if abs(said - total) > 5:  # heads are rounded to fives
        faults.append(f"the head says {said} minutes, the sections {total}")
    if total > READING:
        faults.append(f"the sections take {total} minutes, more than {READING}")
    return faults


def unknown(notebook):
    """Names that live cells use and no live cell before them has: a browser runs no other cell."""
    known, found = set(dir(builtins)), []
    for cell in notebook.cells:
        if cell.cell_type == "code" and "live" in form.tags(cell):
            given, used = bound_and_used(symtable.symtable(cell.source, cell.id, "exec"))
            found += [f"{cell.id}: {name}" for name in sorted(used - given - known)]
            known |= given
    return found


def bound_and_used(table):
    """Names that a table binds, and names that it or what is inside it looks for outside."""
    top = table.get_type() == "module"
    symbols = table.get_symbols()
    given = {x.get_name() for x in symbols if x.is_assigned() or x.is_imported()}
    used = {x.get_name() for x in symbols if x.is_referenced() and (top or x.is_global())}
    for inside in table.get_children():
        used |= bound_and_used(inside)[1]
    return given, used


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


def test_live_cells_stand_on_live_cells_alone(notebook):
    assert unknown(notebook) == []


def test_each_figure_has_words(notebook):
    assert undescribed(notebook) == []


def test_each_objective_has_an_exercise(notebook):
    assert unexercised(notebook) == []


def test_minutes_of_the_sections_are_those_of_the_head(notebook):
    assert misjudged(notebook) == []


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


def test_live_cell_that_needs_another_cell_is_found():
    live = {"tags": ["live"]}
    first = "import math\n\ndef half(x):\n    return math.floor(x / 2)"
    second = "[half(k) * scale for k in range(3)]"
    alone = page(first, second, metadata=live)
    assert unknown(alone) == [f"{alone.cells[1].id}: scale"]
    alone.cells[1].source = alone.cells[1].source.replace("scale", "2")
    assert unknown(alone) == []
    alone.cells[0].metadata.clear()
    assert unknown(alone) == [f"{alone.cells[1].id}: half"]


def test_figure_without_words_is_found():
    drawn = page("plot()")
    data = {"text/plain": "<Figure size 600x320 with 1 Axes>"}
    drawn.cells[0].outputs = [nbformat.v4.new_output("display_data", data)]
    assert undescribed(drawn) == [drawn.cells[0].id]
    drawn.cells[0].metadata["mystnb"] = {"image": {"alt": "A line that rises"}}
    assert undescribed(drawn) == []


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


def test_wrong_minutes_are_found():
    head = "**Time:** about {} of reading, half a minute of computing. **After it**"
    sections = [
        "## One\n\n*(Twenty-one minutes; trained before.)*\n\nIt took 30 minutes.",
        "## Two\n\n*(Eight minutes. Bring a pencil.)*",
        "## Three\n\n*(One minute.)*",
        "## Exercises\n\n*(Between forty minutes and an hour each.)*",
        "## In five lines",
    ]

    def faults(time="30 minutes", sections=sections):
        return misjudged(page(head.format(time), *sections, kind="markdown"))

    assert faults() == faults("thirty-five minutes") == []
    parts = "five minutes for the test, and of the other twenty-five none"
    assert faults(parts) == []
    assert faults("36 minutes") == ["the head says 36 minutes, the sections 30"]
    assert faults("three quarters of an hour")[0].startswith("the head says 45 minutes")
    assert faults(sections=sections[2:]) == ["the head says 30 minutes, the sections 1"]
    assert faults("an hour")[0].startswith("no minutes of reading in: about an hour")
    later = [*sections[:2], "## Three\n\n*(Some minutes.)*", "## Four\n\nText."]
    assert faults(sections=later) == ["no minutes for: Three", "no minutes for: Four"]
    long = [*sections, "## More\n\n*(Sixteen minutes.)*"]
    assert faults("45 minutes", long) == ["the sections take 46 minutes, more than 45"]
    assert misjudged(page(*sections, kind="markdown")) == ["the head names no **Time:**"]
