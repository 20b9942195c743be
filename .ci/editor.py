"""Bundle the editor of the pages' live cells: CodeMirror, by npm and esbuild.

`codemirror/package-lock.json` names every package and its hash. The bundle's first line bears the
hash of what it was made from, so it is made once. Where node, npm or the packages are missing, the
build goes on, and the cells are edited in a plain text box.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import vendor

SOURCE = Path(__file__).with_name("codemirror")
TARGET = vendor.FOLDER / "codemirror" / "codemirror.mjs"
TOOLS = ("node", "npm")
NOTICE = "CodeMirror, (c) Marijn Haverbeke and others, MIT License"


def stamp() -> str:
    """The first line of a bundle that is up to date."""
    whole = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(SOURCE.glob("*.*"))))
    return f"// {NOTICE}; {whole.hexdigest()}"


def bundle(first_line: str, target: Path) -> None:
    """Make the bundle, or raise and leave nothing behind."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        raise FileNotFoundError(f"{' and '.join(missing)} not installed")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".make-") as scratch:
        shutil.copytree(SOURCE, scratch, dirs_exist_ok=True)
        install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        esbuild = ["node", "node_modules/esbuild/bin/esbuild", "editor.mjs", "--bundle"]
        flags = ["--minify", "--format=esm", "--log-level=error", f"--banner:js={first_line}"]
        for command in (install, [*esbuild, *flags, "--outfile=made.mjs"]):
            subprocess.run(command, cwd=scratch, check=True, capture_output=True, timeout=300)
        os.replace(Path(scratch, "made.mjs"), target)


def build(target: Path = TARGET) -> bool:
    """Make the bundle where it is missing or old. True if it changed."""
    if not (SOURCE / "package-lock.json").exists():
        return False
    first_line = stamp()
    if target.exists() and target.read_text("utf-8").startswith(first_line + "\n"):
        return False
    before = target.exists()
    shutil.rmtree(target.parent, ignore_errors=True)
    try:
        bundle(first_line, target)
    except Exception as error:
        print("codemirror could not be made, so cells are edited in a plain text box:")
        print(f"  npm: {vendor.reason(error)}\n  `make book` tries again.")
        shutil.rmtree(target.parent, ignore_errors=True)
        return before
    print("codemirror: from npm")
    return True


if __name__ == "__main__":
    build()
