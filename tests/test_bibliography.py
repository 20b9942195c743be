"""The bibliography holds what the pages cite, nothing less and nothing more."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

BOOK = Path(__file__).parents[1] / "book"
CITATION = re.compile(r"\{cite(?::[a-z]+)?\}`([^`]+)`")
ENTRY = re.compile(r"^@(\w+)\s*\{\s*([^,\s]+)\s*,(.*?)^\}", flags=re.M | re.S)

NEEDED = {
    "article": {"author", "title", "journal", "year"},
    "inproceedings": {"author", "title", "booktitle", "year"},
    "misc": {"author", "title", "year"},
}


def prose(page):
    """The text of a page, code left out."""
    text = page.read_text(encoding="utf-8")
    if page.suffix == ".md":
        return text
    cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "markdown"]
    return "\n\n".join("".join(cell["source"]) for cell in cells)


def cited():
    """Page by page, the keys cited."""
    pages = [*sorted(BOOK.glob("*.md")), *sorted(BOOK.glob("*.ipynb"))]
    return {
        page.name: {
            key.strip() for keys in CITATION.findall(prose(page)) for key in keys.split(",")
        }
        for page in pages
    }


def bibliography():
    """Key -> (kind, names of the fields), in the order of the file."""
    text = (BOOK / "references.bib").read_text(encoding="utf-8")
    assert len(ENTRY.findall(text)) == len(re.findall(r"^@", text, flags=re.M))
    return [
        (key, kind, set(re.findall(r"^\s*(\w+)\s*=", body, flags=re.M)))
        for kind, key, body in ENTRY.findall(text)
    ]


def test_every_citation_has_its_entry():
    keys = {key for key, _, _ in bibliography()}
    missing = {page: found - keys for page, found in cited().items() if found - keys}
    assert not missing


def test_every_entry_is_cited():
    used = set().union(*cited().values())
    assert used  # the pattern above still finds citations
    assert {key for key, _, _ in bibliography()} == used


def test_keys_are_unique_and_in_order():
    keys = [key for key, _, _ in bibliography()]
    assert [key for key, count in Counter(keys).items() if count > 1] == []
    assert keys == sorted(keys)


@pytest.mark.parametrize(
    ("key", "kind", "fields"), bibliography(), ids=[row[0] for row in bibliography()]
)
def test_entries_are_complete(key, kind, fields):
    assert NEEDED[kind] <= fields, key
