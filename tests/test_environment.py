"""The three lists of packages (pyproject.toml, constraints.txt, environment.yml) say the same."""

import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
LISTED = {"jupyter-book", "numpy", "torch", "matplotlib", "ipywidgets", "nbval"}

project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
extras = project["optional-dependencies"]


def requirements():
    """Every requirement of the project, the project's own extras apart."""
    texts = [*project["dependencies"], *(text for extra in extras.values() for text in extra)]
    found = {Requirement(text) for text in texts}
    return sorted((r for r in found if r.name != project["name"]), key=str)


def pins():
    """Name -> version, as constraints.txt pins it."""
    lines = [
        line.split("#")[0].strip() for line in (ROOT / "constraints.txt").read_text().splitlines()
    ]
    rows = [Requirement(line) for line in lines if line]
    assert all(str(row.specifier).startswith("==") for row in rows), "pins only"
    return {canonicalize_name(row.name): str(row.specifier)[2:] for row in rows}


def conda():
    """The environment's Python requirement and its pip section."""
    dependencies = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    python = next(x for x in dependencies if isinstance(x, str) and x.startswith("python="))
    return python.removeprefix("python="), next(
        x["pip"] for x in dependencies if "pip" in x and isinstance(x, dict)
    )


@pytest.mark.parametrize("requirement", requirements(), ids=str)
def test_requirement_is_met_by_its_pin(requirement):
    assert requirement.specifier.contains(pins()[canonicalize_name(requirement.name)])


def test_torch_has_a_lower_bound_and_a_pin_for_every_build_of_it():
    (torch,) = (r for r in requirements() if r.name == "torch")
    assert [s.operator for s in torch.specifier] == [">="]
    assert pins()["torch"] == "2.13.0"


def test_numpy_is_all_that_the_reference_half_needs():
    assert [Requirement(text).name for text in project["dependencies"]] == ["numpy"]


def test_environment_lists_the_packages_as_the_project_does():
    rows = [Requirement(row) for row in conda()[1] if not row.startswith("-")]
    ours = {r.name: r.specifier for r in requirements()}
    assert {row.name: row.specifier for row in rows} == {name: ours[name] for name in LISTED}


def test_environment_installs_the_project_under_its_constraints():
    python, rows = conda()
    assert "-c constraints.txt" in rows
    assert "-e .[test,lab]" in rows
    assert Requirement(f"python{project['requires-python']}").specifier.contains(python)
