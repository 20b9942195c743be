"""Print what the pages of the built book cost: files, bytes, seconds, and Python's first answer.

make book && .venv/bin/python .ci/pages_report.py [_build/html]
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from chromium import launched  # noqa: E402
from page_costs import compressed, cost, python  # noqa: E402

CHAPTER = "book/gaussian.html"


def report(site: Path) -> None:
    """The table of pages, then that of Python."""
    print(f"{'page':40} {'files':>5} {'kB sent':>8} {'interactive':>12}")
    with launched() as browser:
        with compressed(site) as address:
            for path in sorted(site.glob("book/**/*.html")):
                name = path.relative_to(site).as_posix()
                files, size, seconds = cost(browser, address + name)
                print(f"{name:40} {files:5} {size / 1e3:8.0f} {seconds:10.2f} s", flush=True)
        if (site / "_static" / "python").exists():
            print(f"\n{'Python in ' + CHAPTER:40} {'first':>8} {'again':>8}")
            for megabits in (None, 10):
                with compressed(site, megabits) as address:
                    line = f"{megabits} Mbit/s" if megabits else "loopback"
                    context = browser.new_context()
                    for cache in ("cold", "warm"):
                        first, again = python(context, address + CHAPTER)
                        print(f"{line + ', ' + cache:40} {first:6.2f} s {again:6.2f} s", flush=True)
                    context.close()
    print(f"\nLoad of this machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    report(Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "_build" / "html").resolve())
