"""The book's own Sphinx extension: live figures, and two checks of a build.

* `attn_course/figures/static/*.mjs` go to `_static/attn/`, whence each page
  loads the host script.
* A role that finds nothing ({func}`nowhere`) is a warning, hence an error.
* So is an entry of the bibliography that no page cites.
"""

import shutil
from pathlib import Path

from sphinx import addnodes
from sphinx.util import logging

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
    for path in [*sorted(STATIC.glob("*.mjs")), HERE / "book.css"]:
        shutil.copyfile(path, target / path.name)


def warn_of_dangling_roles(app, doctree):
    """Ask Sphinx to report each cross-reference that it cannot resolve."""
    for node in doctree.findall(addnodes.pending_xref):
        if "refwarn" in node:  # by a role, not by the type of a parameter
            node["refwarn"] = True


def check_bibliography(app, env):
    """Warn of entries that no page cites."""
    domain = env.get_domain("cite")
    references = domain.citation_refs
    cited = {target.key for one in references for target in one.targets}
    for key in sorted(set(domain.bibdata.data.entries) - cited):
        log.warning("the bibliography's entry '%s' is cited on no page", key)


def setup(app):
    app.connect("builder-inited", copy_modules)
    app.connect("doctree-read", warn_of_dangling_roles)
    app.connect("env-check-consistency", check_bibliography)
    app.add_css_file("attn/book.css", priority=900)
    if (STATIC / "host.mjs").exists():
        app.add_js_file("attn/host.mjs", type="module")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
