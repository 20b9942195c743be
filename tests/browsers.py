"""What `.ci/browsers.py` installs for the tests of pages."""

from pathlib import Path

import pytest

MODULES = Path(__file__).resolve().parent.parent / "_build" / "browsers" / "node_modules"


def installed(name: str) -> Path:
    """The folder of an installed package, or a skip that says what installs it."""
    folder = MODULES / name
    if not folder.exists():
        pytest.skip(f"{name} is not installed; python .ci/browsers.py installs it")
    return folder
