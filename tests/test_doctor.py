"""``attn-course doctor``: what it finds, what it says, and that its remedies are remedies."""

import os
import platform
import shutil
import subprocess
import sys
from importlib import metadata

import pytest

from attn_course import __main__ as command
from attn_course import doctor
from attn_course.data import REGISTRY, store
from attn_course.data.registry import DataSet


@pytest.fixture
def has(monkeypatch):
    """What is installed, to be changed by the test: name -> version."""
    has = {"numpy": "2.1.0", "PyYAML": "6.0"}
    monkeypatch.setattr(metadata, "version", lambda name: has.get(name) or absent(name))
    return has


@pytest.fixture
def machine(has, tmp_path, monkeypatch):
    """A machine with an empty cache and a package that needs numpy, and PyYAML to build books."""
    monkeypatch.delenv("ATTN_COURSE_DATA", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(store, "cache", lambda: tmp_path / "cache")
    needs = ["numpy>=1.0", 'PyYAML>=1; extra == "book"', 'attn-course[data]; extra == "book"']
    monkeypatch.setattr(metadata, "requires", lambda name: needs)
    return tmp_path


def absent(name):
    raise metadata.PackageNotFoundError(name)


def report(capsys):
    """The doctor's exit code, and its report as name -> the line and what follows it."""
    code = command.main(["doctor"])
    out, err = capsys.readouterr()
    assert err == ""
    lines = out.splitlines()
    found = {}
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        if line.startswith(("    ", "  ! ")) and not line.startswith("      "):
            mend = after.partition("it: ")[2] if after.startswith("      to ") else ""
            found[line[4:].split()[0]] = (line.startswith("  !"), line[4:], mend)
    return code, found, out


@pytest.mark.usefixtures("machine")
def test_a_machine_in_order(capsys):
    code, found, out = report(capsys)
    assert code == 0
    assert not any(wrong for wrong, _, _ in found.values())
    assert out.endswith("All that is required is in order.\n")
    assert f"Python {platform.python_version()}" in out
    assert found["required"][1:] == ("required      numpy 2.1.0", "")
    assert found["book"][1:] == ("book          PyYAML 6.0", "")
    assert f"sound, in {store.SHIPPED}" in found["mnist-subset"][1]
    assert f"sound, in {store.SHIPPED}" in found["photographs"][1]
    assert f"{os.cpu_count()} threads" in found["CPU"][1]


def test_missing_mnist_is_optional_and_has_its_command(machine, capsys):
    code, found, _ = report(capsys)
    assert code == 0
    wrong, line, mend = found["mnist"]
    assert not wrong
    assert f"missing in {machine / 'cache' / 'mnist'}" in line
    assert mend == "python -m attn_course fetch mnist"


def test_damaged_mnist_is_a_problem_and_has_its_command(machine, capsys):
    folder = machine / "cache" / "mnist"
    folder.mkdir(parents=True)
    for file in REGISTRY["mnist"].files:
        (folder / file.name).write_bytes(b"damaged")
    code, found, out = report(capsys)
    assert code == 1
    wrong, line, mend = found["mnist"]
    assert wrong
    assert "has 7 bytes instead of" in line
    assert str(folder) in line
    assert mend == "python -m attn_course fetch mnist"
    assert "1 of these must be mended" in out


def test_damage_to_what_ships_is_a_problem(machine, capsys, monkeypatch):
    copy = machine / "shipped"
    shutil.copytree(store.SHIPPED, copy)
    monkeypatch.setattr(store, "SHIPPED", copy)
    assert report(capsys)[0] == 0
    with open(copy / "cat.npz", "r+b") as file:
        file.write(b"dog")
    code, found, _ = report(capsys)
    assert code == 1
    wrong, line, mend = found["photographs"]
    assert wrong
    assert "cat.npz is damaged" in line
    assert mend.startswith(f"git checkout -- {copy}")
    assert not found["mnist-subset"][0]


@pytest.mark.usefixtures("machine")
def test_packages_that_are_missing_or_too_old(has, capsys):
    del has["PyYAML"]
    code, found, _ = report(capsys)
    assert code == 0  # only needed for the book
    assert found["book"][1:] == (
        "book          PyYAML missing; for building the book",
        'python -m pip install "PyYAML>=1"',
    )
    has["PyYAML"] = "0.9"
    code, found, _ = report(capsys)
    assert code == 1
    assert found["book"][0]
    assert "PyYAML 0.9 (must be >=1)" in found["book"][1]
    assert found["book"][2] == 'python -m pip install "PyYAML>=1"'
    has.update(PyYAML="1.0", numpy="0.1")
    code, found, _ = report(capsys)
    assert code == 1
    assert found["required"][0]
    assert found["required"][2] == 'python -m pip install "numpy>=1.0"'


@pytest.mark.usefixtures("machine")
def test_a_package_that_was_never_installed(capsys, monkeypatch):
    monkeypatch.setattr(metadata, "requires", absent)
    code, found, _ = report(capsys)
    assert code == 0
    assert found["others"][2] == "python -m pip install -e ."


@pytest.mark.usefixtures("machine")
def test_without_torch(capsys):
    code, found, _ = report(capsys)
    assert code == 0
    assert "torch is not installed" in found["CUDA"][1]


@pytest.mark.usefixtures("machine")
def test_a_torch_that_does_not_load_is_a_problem(has, capsys, monkeypatch):
    has["torch"] = "2.13.0"
    monkeypatch.setitem(sys.modules, "torch", None)
    code, found, _ = report(capsys)
    assert code == 1
    wrong, line, mend = found["CUDA"]
    assert wrong
    assert "torch is installed but does not work" in line
    assert mend == "python -m pip install --force-reinstall torch"


class FakeCuda:
    """A torch with two devices."""

    class cuda:  # noqa: N801
        """What the doctor asks of torch.cuda."""

        is_available = staticmethod(lambda: True)
        device_count = staticmethod(lambda: 2)
        get_device_name = staticmethod("Device {}".format)


@pytest.mark.usefixtures("machine")
def test_cuda_devices_are_named(has, capsys, monkeypatch):
    has["torch"] = "2.13.0"
    monkeypatch.setitem(sys.modules, "torch", FakeCuda)
    assert report(capsys)[1]["CUDA"][1] == "CUDA          Device 0, Device 1"


@pytest.mark.parametrize(
    ("installer", "mend"),
    [
        (
            "apt-get",
            {"npm": "npm", "node": "nodejs", "chromium": "chromium", "bwrap": "bubblewrap"},
        ),
        ("brew", {"npm": "node", "node": "node", "chromium": "--cask chromium"}),
    ],
)
def test_missing_tools_have_their_commands(installer, mend, machine, capsys):
    (machine / "bin").mkdir()
    (machine / "bin" / installer).write_text("#!/bin/sh\n")
    (machine / "bin" / installer).chmod(0o755)
    code, found, _ = report(capsys)
    assert code == 0
    for tool, package in mend.items():
        wrong, line, remedy = found[tool]
        assert not wrong
        assert f"{tool:<13} missing (for " in line
        assert remedy.removeprefix("sudo ") == f"{installer} install {package}"


@pytest.mark.usefixtures("machine")
def test_a_sandbox_is_not_looked_for_where_there_is_none(capsys, monkeypatch):
    monkeypatch.setattr(doctor.sys, "platform", "darwin")
    assert report(capsys)[1]["bwrap"][1:] == (
        "bwrap         exists on Linux only (for grading in a sandbox)",
        "",
    )


@pytest.mark.usefixtures("machine")
def test_what_grading_needs_is_told(has, capsys, monkeypatch):
    needs = ["numpy>=1.0", 'nbgrader>=0.9.6; extra == "grading"']
    monkeypatch.setattr(metadata, "requires", lambda name: needs)
    assert report(capsys)[1]["grading"][1:] == (
        "grading       nbgrader missing; for handing out and grading",
        'python -m pip install "nbgrader>=0.9.6"',
    )
    has["nbgrader"] = "0.9.6"
    assert report(capsys)[1]["grading"][1:] == ("grading       nbgrader 0.9.6", "")


@pytest.mark.usefixtures("machine")
def test_a_students_copy_is_not_asked_for_what_only_the_book_needs(has, capsys, monkeypatch):
    extras = ["book", "test", "lab", "grading", "torch", "figures"]
    needs = ["numpy>=1.0", *(f'of-{one}; extra == "{one}"' for one in extras)]
    monkeypatch.setattr(metadata, "requires", lambda name: needs)
    assert set(extras) | {"mnist", "npm"} <= set(report(capsys)[1])
    monkeypatch.setattr(doctor, "is_students", lambda: True)
    code, found, out = report(capsys)
    assert code == 0
    assert {"required", "torch", "figures", "CPU", "photographs", "mnist-subset"} <= set(found)
    assert not {"book", "test", "lab", "grading", "mnist", "npm", "bwrap"} & set(found)
    assert "\ntools\n" not in out


def test_tools_that_are_there_tell_their_version(machine, capsys):
    (machine / "bin").mkdir()
    for tool, line in (("node", "echo v99.1"), ("npm", "exit 3")):
        (machine / "bin" / tool).write_text(f"#!/bin/sh\n{line}\n")
        (machine / "bin" / tool).chmod(0o755)
    code, found, _ = report(capsys)
    assert code == 0
    assert found["node"][1] == f"node          v99.1 in {machine / 'bin' / 'node'}"
    assert "does not tell its version" in found["npm"][1]


def run(*arguments, **more):
    """The real thing, in its own process; more environment by keyword."""
    called = [sys.executable, "-W", "error", "-m", "attn_course", *arguments]
    return subprocess.run(called, capture_output=True, text=True, env={**os.environ, **more})


def test_the_real_doctor(tmp_path):
    done = run("doctor", HOME=str(tmp_path), XDG_CACHE_HOME=str(tmp_path), ATTN_COURSE_DATA="")
    assert done.stderr == ""
    assert done.returncode == 0, done.stdout
    for part in ("packages", "device", "data", "tools"):
        assert f"\n{part}\n" in done.stdout
    assert metadata.version("numpy") in done.stdout


def test_fetch_offline_is_one_message(tmp_path):
    done = run(
        "fetch",
        "mnist",
        HOME=str(tmp_path),
        XDG_CACHE_HOME=str(tmp_path),
        ATTN_COURSE_DATA="",
        ATTN_COURSE_OFFLINE="1",
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("mnist: ")
    assert done.stderr.count("\n") == 1
    assert done.stderr.endswith("run: python -m attn_course fetch mnist\n")


def test_fetch_of_an_unknown_set_lists_the_known_ones():
    done = run("fetch", "cifar")
    assert done.returncode == 1
    known = ", ".join(repr(name) for name in REGISTRY)
    assert done.stderr == f"name must be one of {known}, got 'cifar'\n"


def test_no_command_shows_the_commands():
    done = run()
    assert done.returncode == 2
    assert "usage: attn-course" in done.stderr


class Half:
    """A source that is interrupted."""

    label = "half"

    def get(self, wanted, folder, progress):
        """Write a little, then be stopped from the keyboard."""
        (folder / "file").write_bytes(b"hal")
        raise KeyboardInterrupt


def test_fetch_stopped_from_the_keyboard(machine, capsys, monkeypatch):
    files = REGISTRY["photographs"].files
    monkeypatch.setitem(REGISTRY, "half", DataSet("half", files, (Half(),), "none", "none"))
    assert command.main(["fetch", "half"]) == 130
    out, err = capsys.readouterr()
    assert out == "half: trying half\n"
    assert err == "\nstopped; nothing half-written is left\n"
    assert [p.name for p in (machine / "cache" / "half").iterdir()] == [".lock"]
