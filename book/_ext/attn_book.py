"""The book's own Sphinx extension: figures, exercises, measured numbers.

* `attn_course/figures/static/*.mjs` and what stands in `static/` beside this
  file go to `_static/attn/`, whence each page loads the host script.
* `_static/python/` is what Python in the page is loaded from, where that could
  be fetched (`page_python.py`).
* `{exercise-table}` lists all exercises, with what they ask for, and
  `{common-errors}` what students get wrong in them.
* {measured}`FILE KEY FORMAT` is a number of a record below `book/runs`, in
  Python's format.
* A role that finds nothing ({func}`nowhere`) is a warning, hence an error.
* So is an entry of the bibliography that no page cites.
"""

import json
import shutil
from pathlib import Path

import live_cells
import page_python
import trained_models
from docutils import nodes
from docutils.statemachine import StringList
from sphinx import addnodes
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole

from attn_course.exercises import load, names
from attn_course.exercises.cells import LEVELS, label

HERE = Path(__file__).resolve().parent
STATIC = HERE.parents[1] / "attn_course" / "figures" / "static"

log = logging.getLogger(__name__)


def copy_modules(app):
    """Put modules and style sheet where the pages look for them."""
    if app.builder.format != "html":
        return
    target = Path(app.outdir) / "_static" / "attn"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    figures, own = STATIC.glob("*.mjs"), (HERE / "static").glob("*.*")
    for path in [*sorted(figures), *sorted(own), HERE / "book.css"]:
        shutil.copyfile(path, target / path.name)


def add_python(app):
    """Put the student's package where Python in the page looks for it."""
    if app.builder.format == "html":
        static = Path(app.outdir) / "_static"
        page_python.build(HERE.parent / "_vendor", static)


def warn_of_dangling_roles(app, doctree):
    """Ask Sphinx to report each cross-reference that it cannot resolve."""
    for node in doctree.findall(addnodes.pending_xref):
        if "refwarn" in node:  # by a role, not by the type of a parameter
            node["refwarn"] = True


def name_by_the_text(app, pagename, templatename, context, doctree):
    """Mend a fault of MyST-NB: a folded cell is not named by what it says."""
    label = '<summary aria-label="Toggle hidden content">'
    context["body"] = context.get("body", "").replace(label, "<summary>")


def leave_out_widgets(app, pagename, templatename, context, doctree):
    """Drop the widgets' state: a live figure holds its own."""
    scripts = context.get("script_files", [])
    context["script_files"] = [
        one
        for one in scripts
        if "widget-state" not in getattr(one, "attributes", {}).get("type", "")
    ]


def draw_icons_by_font(app, error):
    """Mend a fault of the theme: half a megabyte of icons its font draws."""
    if app.builder.format == "html" and error is None:
        path = Path(app.outdir) / "_static" / "scripts" / "fontawesome.js"
        path.write_text(
            "// The style sheet draws the icons.\n", encoding="utf-8"
        )


def colour_without_scripts(app, error):
    """Mend a fault of the theme: scripts alone choose the light or the dark.

    Without them even the header has no ground, and the text shows through.
    """
    if app.builder.format == "html" and error is None:
        for name, light in (
            ("styles/pydata-sphinx-theme.css", "html:not([data-theme])"),
            ("pygments.css", 'html[data-theme="light"]'),
        ):
            path = Path(app.outdir) / "_static" / name
            text = path.read_text(encoding="utf-8")
            text = text.replace(light, 'html:not([data-theme="dark"])')
            path.write_text(text, encoding="utf-8")


def check_bibliography(app, env):
    """Warn of entries that no page cites."""
    domain = env.get_domain("cite")
    references = domain.citation_refs
    cited = {target.key for one in references for target in one.targets}
    for key in sorted(set(domain.bibdata.data.entries) - cited):
        log.warning("the bibliography's entry '%s' is cited on no page", key)


def parsed(directive, lines):
    """What lines of Markdown say, in the place of a directive."""
    box = nodes.container()
    text = StringList(lines, source="exercises")
    directive.state.nested_parse(text, directive.content_offset, box)
    return box.children


class ExerciseTable(SphinxDirective):
    """A row for every exercise; nothing of it is a secret."""

    def run(self):
        heads = "name", "kind", "effort", "minutes", "needs", "points"
        rows = [[*heads, "by hand"], ["---"] * 7]
        for name in names():
            one = load(name)
            machine = sum(check.points for check in one.checks())
            hand = sum(question.points for question in one.questions)
            link = f"[{name}](#{label(one)})"
            facts = [link, one.kind, LEVELS[one.difficulty], one.minutes]
            rows.append([*facts, one.needs, machine, hand])
        lines = [f"| {' | '.join(map(str, row))} |" for row in rows]
        return parsed(self, lines)


class CommonErrors(SphinxDirective):
    """The typical wrong answers by name; neither how they read nor a check."""

    def run(self):
        lines = []
        for one in map(load, names()):
            if one.has_code:
                errors = "; ".join(one.mutants())
                lines += [
                    f"**[{one.title}](#{label(one)})**",
                    f": {errors}",
                    "",
                ]
        return parsed(self, lines)


class Measured(SphinxRole):
    """A number that a committed command has measured."""

    def run(self):
        file, key, form = self.text.split()
        path = HERE.parent / "runs" / file
        record = json.loads(path.read_text(encoding="utf-8"))
        return [nodes.Text(format(record[key], form))], []


def setup(app):
    app.add_directive("exercise-table", ExerciseTable)
    app.add_directive("common-errors", CommonErrors)
    app.add_role("measured", Measured())
    app.connect("builder-inited", copy_modules)
    app.connect("builder-inited", add_python)
    live_cells.setup(app)
    trained_models.setup(app)
    app.connect("doctree-read", warn_of_dangling_roles)
    app.connect("env-check-consistency", check_bibliography)
    app.connect("html-page-context", name_by_the_text)
    app.connect("html-page-context", leave_out_widgets, priority=900)
    app.connect("build-finished", draw_icons_by_font)
    app.connect("build-finished", colour_without_scripts, priority=900)
    app.add_css_file("attn/book.css", priority=900)
    app.add_js_file("attn/mends.mjs", type="module")
    app.add_js_file(
        "attn/file.js"
    )  # no module: it speaks where modules are not loaded
    if (STATIC / "host.mjs").exists():
        app.add_js_file("attn/host.mjs", type="module")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
