"""A test that needs an absent tool is skipped by name, and fails where no skip is allowed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent

FILE = """
import pytest

@pytest.mark.requires("no-such-tool")
def test_needs_a_tool():
    pass

@pytest.mark.parametrize("n", [pytest.param(1, marks=getattr(pytest.mark, name))
                               for name in ("cuda", "site", "recheck")])
def test_runs_when_asked(n):
    assert False

def test_on(device):
    assert device == "cpu"
"""


@pytest.mark.parametrize(("required", "outcome"), [("", "1 skipped"), ("1", "1 error")])
def test_absent_tool(tmp_path, required, outcome):
    (tmp_path / "test_file.py").write_text(FILE)
    options = ["-rs", "-p", "conftest", "-c", os.devnull]
    alone = {"PYTHONPATH": str(HERE), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "test_file.py"],
        cwd=tmp_path,
        env={**os.environ, **alone, "REQUIRE_TOOLS": required},
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome in done.stdout
    assert "1 passed" in done.stdout
    assert "3 deselected" in done.stdout
    assert ("no-such-tool not found" in done.stdout) == (required == "")
    assert done.returncode == (0 if required == "" else 1)
