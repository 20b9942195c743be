"""What the whole suite shares: where torch runs, and which tests may run on this machine."""

import importlib.util
import os
import re
import shutil

import hypothesis
import pytest

# The same examples in every run, so that a failure can be seen again.
hypothesis.settings.register_profile("book", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("book")

OPTIONAL = ("cuda", "site", "recheck", "grading")  # markers whose tests run only when asked for

HAS_TORCH = importlib.util.find_spec("torch") is not None
NEEDS_THE_BOOK = re.compile(  # at module level: a test may still import torch where it has it
    r"^(import|from) (torch|nbformat|attn_course\.(training|grading\.gradebook))\b"
    r"|^(import|from) attn_course\.\w+\.(functional|modules|bench|recipe\w*)\b",
    re.MULTILINE,
)


def pytest_addoption(parser):
    parser.addoption(
        "--device", choices=("cpu", "cuda"), default="cpu", help="where torch runs in the tests"
    )
    parser.addoption("--site", metavar="FOLDER", help="check the built book in this folder")
    parser.addoption("--recheck", action="store_true", help="recompute records from the full data")
    parser.addoption("--grading", action="store_true", help="grade the whole class of cheats")


def pytest_configure(config):
    if config.getoption("device") == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise pytest.UsageError("--device cuda: torch sees no CUDA device here")


@pytest.fixture(scope="session")
def device(request):
    """The torch device of this run: 'cpu', or 'cuda' under --device cuda."""
    return request.config.getoption("device")


def pytest_ignore_collect(collection_path):
    """Under `make test-numpy`, leave out the tests that import torch or build the book."""
    if HAS_TORCH or collection_path.suffix != ".py":
        return None
    return bool(NEEDS_THE_BOOK.search(collection_path.read_text(encoding="utf-8"))) or None


def pytest_collection_modifyitems(config, items):
    for notebook in {item.parent for item in items if hasattr(item.parent, "skip_compare")}:
        notebook.skip_compare += ("text/html",)  # a drawing is stored by its name alone
    asked = {
        "cuda": config.getoption("device") == "cuda",
        "site": config.getoption("site") is not None,
        "recheck": config.getoption("recheck"),
        "grading": config.getoption("grading"),
    }
    left_out = [
        item for item in items if any(item.get_closest_marker(n) and not asked[n] for n in OPTIONAL)
    ]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]


def pytest_runtest_setup(item):
    """Skip by name what needs a system tool that is not here."""
    for marker in item.iter_markers("requires"):
        missing = [tool for tool in marker.args if shutil.which(tool) is None]
        if missing:
            pytest.skip(f"{' and '.join(missing)} not found on this machine")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Under REQUIRE_TOOLS a skip is a failure: a machine that has everything leaves nothing out."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("REQUIRE_TOOLS"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and REQUIRE_TOOLS allows no skip"
    return report
