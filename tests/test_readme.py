"""What the README and its neighbours tell a reader to type or to open is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TEXTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "book" / "use.md"]


@pytest.fixture(params=TEXTS, ids=lambda path: path.name)
def text(request):
    return request.param.read_text(encoding="utf-8")


def test_every_make_command_is_a_target(text):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    named = set(re.findall(r"^make ([a-z-]+)|`make (?:[A-Z_]+=\S* )*([a-z-]+)", text, re.M))
    named = {a or b for a, b in named}
    assert named
    assert named <= targets


def test_every_file_that_is_linked_or_named_exists():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"\]\((?!https?:)([^)#]+)", text))
    assert linked
    assert [name for name in sorted(linked) if not (ROOT / name).exists()] == []


def test_the_table_of_commands_is_complete():
    table = (ROOT / "README.md").read_text(encoding="utf-8").split("## All commands")[1]
    helped = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.M)
    assert [name for name in helped if name != "help" and f"`make {name}" not in table] == []
