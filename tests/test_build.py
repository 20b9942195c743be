"""Faults planted in a tiny book, under the real configuration: none may pass, nor on a retry."""

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent

INDEX = """# A book

One claim {cite}`known`, and one [reference](#there).

(there)=
## Sources

```{bibliography}
```
"""
BIB = "@misc{known, author = {Somebody}, title = {Something}, year = {2000}}\n"

FAULTS = {
    "failing cell": ("page", "1 / 0", "ZeroDivisionError"),
    "python warning": ("page", "import warnings; warnings.warn('careful')", "stderr was found"),
    "undefined reference": ("index", "See [](#nowhere).", "nowhere"),
    "undefined function": ("index", "See {func}`nothing`.", "nothing"),
    "undefined citation": ("index", "See {cite}`nobody`.", "nobody"),
    "uncited entry": ("bib", BIB.replace("known", "idle"), "'idle' is cited on no page"),
}


def write(book, page="", index="", bib=""):
    """The tiny book's three files, each with what is added to it."""
    cells = [nbformat.v4.new_markdown_cell("# A page")]
    cells += [nbformat.v4.new_code_cell(page)] if page else []
    nbformat.write(nbformat.v4.new_notebook(cells=cells), book / "book" / "page.ipynb")
    (book / "book" / "index.md").write_text(INDEX + index)
    (book / "book" / "references.bib").write_text(BIB + bib)


def build(book):
    """Build it; whether that succeeded, and what was said."""
    done = subprocess.run(
        [sys.executable, ".ci/book.py"], cwd=book, capture_output=True, text=True, check=False
    )
    return done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def book(tmp_path):
    for name in (".ci", "book/_ext"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "_config.yml", tmp_path)
    (tmp_path / "_toc.yml").write_text(
        "format: jb-book\nroot: book/index\nchapters:\n- file: book/page\n"
    )
    (tmp_path / ".ci" / "vendor.sha256").write_text("")  # nothing to fetch
    shutil.rmtree(tmp_path / ".ci" / "codemirror")  # and nothing to bundle
    (tmp_path / "attn_course").mkdir()
    return tmp_path


def test_sound_book_is_built_and_its_pages_are_run_again_when_the_package_changes(book):
    write(book, page="print(1)")
    ok, said = build(book)
    assert ok, said
    assert "Executing notebook" in said
    assert (book / "_build" / "html" / "book" / "page.html").exists()
    ok, said = build(book)
    assert ok, said
    assert "Executing notebook" not in said
    (book / "attn_course" / "new.py").write_text("changed = True\n")
    ok, said = build(book)
    assert ok, said
    assert "Executing notebook" in said


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_fails_the_build_and_fails_it_again(book, fault):
    file, planted, complaint = FAULTS[fault]
    write(book, **{file: planted})
    for _ in range(2):
        ok, said = build(book)
        assert not ok
        assert complaint in said.split("The book was not built:")[1]
