"""Install what drives browsers and checks accessibility, by npm, into `_build/browsers`.

`browsers/package-lock.json` names every package and its hash. Nothing of it goes into the book.
"""

import shutil
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("browsers")
TARGET = Path(__file__).resolve().parent.parent / "_build" / "browsers"


def install() -> None:
    """Bring `node_modules` up to the lock."""
    lock, done = SOURCE / "package-lock.json", TARGET / "installed.json"
    if done.exists() and done.read_bytes() == lock.read_bytes():
        return
    TARGET.mkdir(parents=True, exist_ok=True)
    for path in (lock, SOURCE / "package.json"):
        shutil.copy(path, TARGET)
    flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(["npm", "ci", *flags], cwd=TARGET, check=True, timeout=300)
    shutil.copyfile(lock, done)


if __name__ == "__main__":
    install()
