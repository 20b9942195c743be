"""Docstrings say what the code does: documented shapes are the annotated ones, nothing is left out.

The checks are plain functions that return complaints, so that planted faults can be shown to them.
"""

import ast
import importlib
import inspect
import pkgutil
import re
import textwrap
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

import numpy as np
import pytest
from paths import HAS_TORCH

import attn_course
from attn_course import _check
from attn_course._typing import Array, Float, Int, Number

ROOT = Path(attn_course.__file__).parent
SECOND_TWINS = {  # twins with another's reference, and parts of a twin that modules call
    "gathered_sample": "bilinear_sample",
    "start": "decode",
    "step": "decode",
    "readout": "decode",
    "stay": "beam_search",
}
NEEDS_TORCH = re.compile(
    r"\.(functional|modules|bench|recipe\w*)$|^attn_course\.(training|benchmark)"
)
SECTIONS = ("Parameters", "Returns", "Raises", "Conventions", "Notes", "References", "Examples")

# Functions of a reference that rest on no paper.
NO_PAPER = {
    "softmax",  # older than any paper we could name
    "softmax_jacobian",
    "masked_softmax",  # the rule for an empty row is ours
    "masked_context",  # and so is that for padding
    "padding_mask",
    "causal_mask",
    "dense",
    "first_to_centre",  # the inverse of centre_to_first
    "glimpse_reader",  # our own small model
    "sigmoid_mask",
    "soft_location",  # the slides name it and give no formula
    "hard_location",
    "expected_gradient",  # two lines of calculus
    "choice_score",
    "straight_through_gradient",
    "crop",
    "product_net",  # a sum; the weights are the paper's
}
# Functions whose example would be a page of weights.
NO_EXAMPLE = {"glimpse_reader", "glimpse_loop", "recurrent_attention"}


def module_names() -> list[str]:
    """Every module of the package that can be imported here."""
    found = pkgutil.walk_packages(attn_course.__path__, "attn_course.")
    names = [each.name for each in found]
    return sorted(name for name in names if HAS_TORCH or not NEEDS_TORCH.search(name))


def public(module: Any) -> dict[str, Any]:
    """The public functions and classes that a module defines, and the classes' own methods."""
    found = {}
    for name, thing in vars(module).items():
        if name.startswith("_") or getattr(thing, "__module__", None) != module.__name__:
            continue
        if inspect.isfunction(thing):
            found[name] = thing
        elif inspect.isclass(thing):
            found[name] = thing
            for own, method in vars(thing).items():
                if inspect.isfunction(method) and not own.startswith("_"):
                    found[f"{name}.{own}"] = method
    return found


THINGS = {
    f"{module.removeprefix('attn_course.')}.{name}": thing
    for module in module_names()
    for name, thing in public(importlib.import_module(module)).items()
}
REFERENCES = {name: thing for name, thing in THINGS.items() if ".reference." in name}
TWINS = {name: thing for name, thing in THINGS.items() if ".functional." in name}


# --- reading a docstring --------------------------------------------------------------------------


def sections(thing: Any) -> dict[str, str]:
    """A numpydoc docstring cut at its headings; what stands before the first is the head."""
    cut = re.split(r"^([A-Z][a-z]+)\n-{3,}\n", inspect.getdoc(thing) or "", flags=re.MULTILINE)
    return {"": cut[0], **dict(zip(cut[1::2], cut[2::2], strict=True))}


def entries(section: str) -> list[tuple[str, str, str]]:
    """(name, type, description) of each entry; one heading may name several."""
    found: list[tuple[str, str, str]] = []
    for block in re.split(r"\n(?=\S)", section.strip()):
        heading, _, description = block.partition("\n")
        names, _, kind = heading.partition(" : ")
        found += [
            (name.strip(" *"), kind.strip(), description.strip()) for name in names.split(",")
        ]
    return found


def shape_of(kind: str) -> list[str] | None:
    """'(n_query, d_key)' -> ['n_query', 'd_key']; None where no shape is given."""
    found = re.match(r"\(([^)]*)\)", kind)
    return [size.strip() for size in found[1].split(",") if size.strip()] if found else None


def annotated(annotation: Any) -> str | list[str] | None:
    """What a docstring must give for an annotation: a shape, a word, or None for anything."""
    if hasattr(annotation, "dim_str"):
        return annotation.dim_str.replace("#", "").split()
    if annotation == tuple[int, int]:
        return ["", ""]  # any pair of names
    words = {int: "int", float: "float", Number: "float", bool: "bool"}
    words |= {np.random.Generator: "numpy.random.Generator"}
    if annotation in words:
        return words[annotation]
    return "mapping" if get_origin(annotation) is Mapping else None


def mismatch(name: str, kind: str, annotation: Any) -> list[str]:
    """The complaint, if a documented type is not the annotated one."""
    want, got = annotated(annotation), shape_of(kind)
    if isinstance(want, list):
        fits = got is not None and len(got) == len(want)
        if fits and any(w not in ("", g) for g, w in zip(got, want, strict=True)):
            fits = False
    elif annotation is str:
        fits = got is None
    else:
        is_prose = kind.endswith(".")  # "name : what it means." on one line
        fits = want is None or (got is None and (want in kind or is_prose))
    return [] if fits else [f"{name} is documented as '{kind}' and annotated as {want}"]


# --- the checks -----------------------------------------------------------------------------------


def wrong_parameters(thing: Any) -> list[str]:
    """Parameters that the docstring forgets, invents or gives another shape."""
    if "Parameters" not in sections(thing):
        return []
    parameters = dict(inspect.signature(thing).parameters)
    parameters.pop("self", None)
    documented = entries(sections(thing)["Parameters"])
    names = [name for name, _, _ in documented]
    complaints = [f"{name} is not documented" for name in parameters if name not in names]
    if inspect.isfunction(thing) and not complaints and names != list(parameters):
        complaints.append(f"documented {names}, signature {list(parameters)}")
    for name, kind, description in documented:
        if name not in parameters:
            complaints.append(f"{name} is no parameter")
            continue
        if not description and not kind.endswith("."):
            complaints.append(f"{name} has no description")
        if kind or inspect.isfunction(thing):
            complaints += mismatch(name, kind, parameters[name].annotation)
    return complaints


def wrong_returns(function: Callable[..., Any]) -> list[str]:
    """Results that the docstring forgets, invents or gives another shape."""
    if "Returns" not in sections(function):
        return []
    annotation = inspect.signature(function).return_annotation
    is_several = get_origin(annotation) is tuple
    wanted = get_args(annotation) if is_several else (annotation,)
    documented = entries(sections(function)["Returns"])
    if len(documented) != len(wanted):
        return [f"{len(wanted)} results, {len(documented)} documented"]
    return [
        complaint
        for (name, kind, _), want in zip(documented, wanted, strict=True)
        for complaint in mismatch(name, kind, want)
    ]


def raises(function: Callable[..., Any], seen: frozenset = frozenset()) -> bool:
    """Whether a function, or one of ours that it calls, checks something or raises."""
    plain = inspect.unwrap(function)
    if plain in seen:
        return False
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(plain)))):
        if isinstance(node, ast.Raise):
            return True
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called.startswith("_check."):
                return True
            other = plain.__globals__.get(called)
            if (
                inspect.isfunction(other)
                and other.__module__.startswith("attn_course")
                and raises(other, seen | {plain})
            ):
                return True
    return False


def missing_sections(function: Callable[..., Any]) -> list[str]:
    """What a reference's docstring lacks, has for nothing, or has in the wrong place."""
    found = sections(function)
    name = function.__name__
    wanted = {
        "Parameters": True,
        "Returns": True,
        "Raises": raises(function),
        "References": name not in NO_PAPER,
        "Examples": name not in NO_EXAMPLE,
    }
    complaints = [
        f"{section} is {'missing' if need else 'there for nothing'}"
        for section, need in wanted.items()
        if (section in found) != need
    ]
    order = [SECTIONS.index(section) for section in found if section in SECTIONS]
    unknown = set(found) - set(SECTIONS) - {""}
    if order != sorted(order) or unknown:
        complaints.append(f"sections in the order {list(found)[1:]}")
    if "Examples" in found and not re.search(r"^>>> .*\n(?!>>>|\Z)", found["Examples"], re.M):
        complaints.append("the example shows no result")
    return complaints


def wrong_head(thing: Any) -> list[str]:
    """A docstring opens with one line that ends."""
    first = (inspect.getdoc(thing) or "").split("\n")[0]
    return [] if re.search(r"[.:`]$", first) else [f"opens with '{first}'"]


# --- the package ----------------------------------------------------------------------------------


def each(things: dict) -> Any:
    return pytest.mark.parametrize("thing", things.values(), ids=things)


def test_the_package_is_seen():
    assert {"preliminaries.reference.softmax", "gaussian.reference.filterbank"} <= set(REFERENCES)
    assert bool(TWINS) == HAS_TORCH


@each(THINGS)
def test_everything_public_has_a_docstring(thing):
    assert not wrong_head(thing)


@each(THINGS)
def test_documented_shapes_are_the_annotated_ones(thing):
    complaints = wrong_parameters(thing)
    if inspect.isfunction(thing):
        complaints += wrong_returns(thing)
    assert not complaints


@each(REFERENCES)
def test_reference_has_its_sections(thing):
    assert not missing_sections(thing)


@each(TWINS)
def test_twin_names_its_reference(thing):
    first = SECOND_TWINS.get(thing.__name__, thing.__name__)
    assert f"`reference.{first}`" in inspect.getdoc(thing)


def test_examples_are_run():
    with (ROOT.parent / "pyproject.toml").open("rb") as file:
        options = tomllib.load(file)["tool"]["pytest"]["ini_options"]
    assert "--doctest-modules" in options["addopts"]
    assert ROOT.name in options["testpaths"]


# --- planted faults -------------------------------------------------------------------------------


def right(
    query: Float[Array, "n_query d_key"], std: Number, size: tuple[int, int], mode: str = "a"
) -> tuple[Float[Array, " n_query"], float]:
    """Nothing.

    Parameters
    ----------
    query : (n_query, d_key)
        Queries.
    std : float
        In pixels.
    size : (height, width)
        Size.
    mode : "a" or "b"
        Which.

    Returns
    -------
    weight : (n_query,)
    total : float

    Raises
    ------
    ValueError
        If `std` is not positive.

    References
    ----------
    Nobody (1900).

    Examples
    --------
    >>> 1 + 1
    2
    """
    _check.positive("std", std)
    return query[:, 0], 0.0


def planted(old: str, new: str) -> Callable[..., Any]:
    """`right` with one fault in its docstring."""
    # Python 3.13 takes the indentation off a docstring and older ones do not: take it off here.
    text = f"{inspect.getdoc(right)}\n"
    old, new = (re.sub(r"(^|\n)    ", r"\1", part) for part in (old, new))
    assert old in text

    def function(*args: Any) -> Any:
        return inspect.unwrap(right)(*args)

    function.__signature__ = inspect.signature(right)
    function.__name__, function.__wrapped__ = right.__name__, right
    function.__doc__ = text.replace(old, new)
    return function


def test_the_right_docstring_passes():
    complaints = wrong_parameters(right), wrong_returns(right), missing_sections(right)
    assert complaints == ([], [], [])


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("query : (n_query, d_key)", "query : (d_key, n_query)", "query is documented as"),
        ("query : (n_query, d_key)", "query : (n_query,)", "query is documented as"),
        ("query : (n_query, d_key)", "query : array", "query is documented as"),
        ("query : (n_query, d_key)", "key : (n_query, d_key)", "query is not documented"),
        ("std : float\n        In pixels.\n", "", "std is not documented"),
        ("std : float", "std : int", "std is documented as 'int'"),
        ("        In pixels.\n", "", "std has no description"),
        ("size : (height, width)", "size : (height, width, 3)", "size is documented as"),
        ('mode : "a" or "b"', "mode : (1,)", "mode is documented as"),
        ("weight : (n_query,)", "weight : (n_key,)", "weight is documented as"),
        ("    total : float\n", "", "2 results, 1 documented"),
        ("total : float", "total : (1,)", "total is documented as"),
        ("Raises\n    ------", "Notes\n    -----", "Raises is missing"),
        ("Parameters\n    ----------", "Notes\n    -----", "Parameters is missing"),
        ("References\n    ----------", "Notes\n    -----", "References is missing"),
        ("Examples\n    --------", "Usage\n    -----", "Examples is missing"),
        ("    2\n", "", "the example shows no result"),
        ("Examples\n    --------", "Returns\n    -------", "Examples is missing"),
    ],
)
def test_a_planted_fault_is_seen(old, new, complaint):
    function = planted(old, new)
    found = wrong_parameters(function) + wrong_returns(function) + missing_sections(function)
    assert any(complaint in each for each in found), found


def test_a_check_that_is_not_documented_is_seen():
    def silent(image: Float[Array, " n"]) -> Int[Array, " n"]:
        """Nothing.

        Raises
        ------
        ValueError
            Never.
        """
        return image

    assert "Raises is there for nothing" in missing_sections(silent)
    assert wrong_head(lambda: None) == ["opens with ''"]
