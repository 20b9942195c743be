"""What the pages print is what Python prints, and the reference lists every public module."""

import doctest
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BOOK, PACKAGE = ROOT / "book", ROOT / "attn_course"
EXAMPLE = re.compile(r"^```python\n(>>> .*?)^```$", flags=re.M | re.S)
PAGES = {
    page.stem: "\n".join(EXAMPLE.findall(page.read_text("utf-8"))) for page in BOOK.glob("*.md")
}


@pytest.mark.parametrize("page", sorted(name for name, examples in PAGES.items() if examples))
def test_examples(page):
    examples = doctest.DocTestParser().get_doctest(PAGES[page], {}, page, None, 0)
    report = []
    result = doctest.DocTestRunner().run(examples, out=report.append)
    assert result.attempted > 0
    assert result.failed == 0, "".join(report)


def test_pages_with_examples():
    assert {"index", "notation"} <= {name for name, examples in PAGES.items() if examples}


def test_reference_is_complete():
    page = (BOOK / "api.md").read_text("utf-8")
    listed = set(re.findall(r"^\.\. automodule:: attn_course\.(\S+)$", page, flags=re.M))
    files = {path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py") if path.name[0] != "_"}
    modules = {".".join(path.with_suffix("").parts) for path in files}
    # These offer what is theirs themselves, whichever of their modules it is in.
    offering = {"data", "exercises", "figures", "grading"}
    inside = {name for name in modules if name.partition(".")[0] in offering}
    inside |= {"doctor"}  # a command
    assert listed == modules - inside | offering | {"exercises.checking"}
