"""The package's own code, shown on a page."""

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

from IPython.display import Markdown


def show_source(*functions: Callable[..., Any]) -> Markdown:
    """Code of functions as it stands in the package, without the docstrings.

    Parameters
    ----------
    functions : callable
        Functions or classes of the package.

    Returns
    -------
    code : Markdown
        A block of Python, coloured by whatever shows it.
    """
    return Markdown("```python\n" + "\n\n\n".join(map(_bare, functions)) + "\n```")


def _bare(function: Callable[..., Any]) -> str:
    lines = textwrap.dedent(inspect.getsource(inspect.unwrap(function))).splitlines()
    for node in ast.walk(ast.parse("\n".join(lines))):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node):
            doc = node.body[0]
            for i in range(doc.lineno - 1, doc.end_lineno or doc.lineno):
                lines[i] = "\0"
    return "\n".join(line for line in lines if line != "\0")
