"""What the script of live cells (`static/live.mjs`) finds in a page.

An exercise's cells say which exercise they belong to, which part of it they
are, what it needs and which exercises come before it. Any cell may ask for
more time by its metadata: `"attn": {"seconds": 30}`. Beside the script stands
`editor.mjs`: CodeMirror where `.ci/editor.py` could make it, else a plain text
box.
"""

from pathlib import Path

from docutils import nodes

from attn_course.exercises import load
from attn_course.exercises.source import before


class LiveCell(nodes.container):
    """A code cell with facts for the script, which only HTML shows."""


def visit(writer, node):
    facts = {f"data-{key}": value for key, value in node["facts"].items()}
    writer.body.append(
        writer.starttag(node, "div", CLASS="docutils container", **facts)
    )


def depart(writer, node):
    writer.body.append("</div>\n")


def facts(metadata):
    """What a cell's metadata say to the script, by attribute of HTML."""
    own = metadata.get("attn", {})
    keys = "exercise", "part", "seconds"
    said = {key: str(own[key]) for key in keys if key in own}
    if own.get("part") == "starter":
        exercise = load(own["exercise"])
        said["needs"] = exercise.needs
        said["after"] = " ".join(one.name for one in before(exercise))
    return said


def mark(app, doctree):
    """Put the facts on the cells."""
    for cell in list(doctree.findall(nodes.container)):
        said = facts(cell.get("cell_metadata") or {})
        if said:
            marked = LiveCell("", **cell.attributes, facts=said)
            marked.source, marked.line = cell.source, cell.line
            marked.extend(cell.children)
            cell.replace_self(marked)


def add_editor(app):
    """Choose the editor; Sphinx copies the bundle with the static files."""
    if app.builder.format == "html":
        vendor = Path(__file__).parent.parent / "_vendor"
        made = (vendor / "codemirror" / "codemirror.mjs").exists()
        path = "../codemirror/codemirror.mjs" if made else "./textarea.mjs"
        target = Path(app.outdir) / "_static" / "attn" / "editor.mjs"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(
            f'export {{ open }} from "{path}";\n', encoding="utf-8"
        )


NO_SCRIPTS = (
    '<noscript><p class="attn-note" role="note">Without JavaScript the '
    "figures stand still, the cells are text, and formulas stand as they are "
    "typed.</p></noscript>"
)


def tell_without_scripts(app, pagename, templatename, context, doctree):
    """Say below a page's title what it lacks where scripts are off."""
    body = context.get("body", "")
    context["body"] = body.replace("</h1>", f"</h1>\n{NO_SCRIPTS}", 1)


def setup(app):
    """To be called after what empties `_static/attn`."""
    app.add_node(LiveCell, html=(visit, depart))
    app.connect("builder-inited", add_editor)
    app.connect("doctree-read", mark)
    app.connect("html-page-context", tell_without_scripts)
    app.add_css_file("attn/live.css", priority=901)
    app.add_js_file("attn/live.mjs", type="module")
