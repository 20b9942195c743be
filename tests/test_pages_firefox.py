"""The built book in Debian's Firefox, driven by puppeteer: `.ci/firefox.mjs` does it."""

import shutil
import subprocess
from pathlib import Path

import pytest
from browsers import installed
from chromium import served

SCRIPT = Path(__file__).resolve().parent.parent / ".ci" / "firefox.mjs"


@pytest.mark.site
@pytest.mark.requires("node", "firefox-esr")
def test_firefox_reads_every_page_and_moves_its_figures(request, tmp_path):
    site = Path(request.config.getoption("site")).resolve()
    names = [one.relative_to(site).as_posix() for one in sorted(site.glob("book/**/*.html"))]
    modules = installed("puppeteer-core").parent
    with served(site) as address:
        done = subprocess.run(
            ["node", SCRIPT, modules, shutil.which("firefox-esr"), address, *names],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert not done.stdout, done.stdout
    print(done.stderr)
    assert f"{len(names)} pages" in done.stderr
    assert " 0 figures" not in done.stderr
