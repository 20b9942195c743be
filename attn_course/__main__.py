"""The command ``attn-course``, which is ``python -m attn_course`` too."""

import argparse
import importlib
import importlib.util
import os
import sys

# A command's module is imported only where the command is asked for.
COMMANDS = {
    "attn_course.doctor": ("doctor", "fetch"),
    "attn_course.exercises.commands": ("exercises", "check", "validate"),
    "attn_course.grading.commands": (
        "new",
        "assign",
        "grade",
        "feedback",
        "export",
        "export-answers",
        "sample",
    ),
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    asked = arguments[0] if arguments else ""
    modules = [module for module, names in COMMANDS.items() if asked in names]
    parser = argparse.ArgumentParser(prog="attn-course")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in modules or filter(_is_here, COMMANDS):
        if modules and not _is_here(module):
            print(
                f"{asked} is a command for instructors, and not part of this copy", file=sys.stderr
            )
            return 1
        importlib.import_module(module).register(commands)
    options = parser.parse_args(arguments)
    try:
        code = int(options.run(options))
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # whoever read what we print has stopped, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 130
    except Exception as error:  # an error of ours is a sentence that says what to do
        if not type(error).__module__.startswith("attn_course."):
            raise
        print(error, file=sys.stderr)
        return 1


def _is_here(module: str) -> bool:
    """Whether a module is part of this copy; a student's has no grading."""
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


if __name__ == "__main__":
    sys.exit(main())
