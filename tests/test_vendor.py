"""Third-party files of the pages: the right bytes whole, or nothing and a word about it."""

import hashlib
import importlib.util
import io
import json
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

spec = importlib.util.spec_from_file_location("vendor", ROOT / ".ci" / "vendor.py")
vendor = importlib.util.module_from_spec(spec)
spec.loader.exec_module(vendor)

FILES = {"tool.js": b"run()", "fonts/one.woff": b"glyphs"}


def tar(into, files):
    path = into / "archive.tar.gz"
    with tarfile.open(path, "w:gz") as box:
        for name, content in files.items():
            info = tarfile.TarInfo("package/" + name)
            info.size = len(content)
            box.addfile(info, io.BytesIO(content))
    return path


def wheel(into, files):
    path = into / "archive.whl"
    with zipfile.ZipFile(path, "w") as box:
        for name, content in files.items():
            box.writestr("package/" + name, content)
    return path


def bare(content):
    def make(into, files):
        (into / "fetched").write_bytes(content)
        return into / "fetched"

    return make


def absent(into, files):
    raise OSError("no network")


def tampered(into, files):
    return tar(into, {**files, "tool.js": b"steal()"})


def short(into, files):
    return tar(into, {"tool.js": files["tool.js"]})


@pytest.fixture
def fetch(tmp_path, monkeypatch):
    """Fetch the files above from the named sources; whether something changed, and the folder."""
    rows = [f"{hashlib.sha256(x).hexdigest()}  tool/{name}\n" for name, x in FILES.items()]
    (tmp_path / "listing").write_text("".join(rows))
    monkeypatch.setattr(vendor, "LISTING", tmp_path / "listing")
    monkeypatch.setattr(vendor, "download", lambda source, into: source.name(into, FILES))

    def run(*makers):
        sources = tuple(vendor.Source("made up", maker, "package") for maker in makers)
        bundle = vendor.Bundle("tool", "nothing runs", sources)
        return vendor.fetch((bundle,), tmp_path / "home"), tmp_path / "home" / "tool"

    return run


def content(folder):
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


@pytest.mark.parametrize("maker", [tar, wheel])
def test_files_arrive_whole_and_are_fetched_once(fetch, maker):
    changed, folder = fetch(maker)
    assert changed
    assert content(folder) == FILES
    assert fetch(absent) == (False, folder)


@pytest.mark.parametrize("bad", [absent, tampered, short])
def test_next_source_is_tried_after_a_bad_one(fetch, bad):
    changed, folder = fetch(bad, tar)
    assert changed
    assert content(folder) == FILES


@pytest.mark.parametrize("bad", [absent, tampered, short])
def test_without_a_good_source_nothing_is_left_and_it_says_so(fetch, bad, capsys):
    changed, folder = fetch(bad)
    assert not changed
    assert content(folder.parent) == {}
    assert "tool could not be fetched, so nothing runs" in capsys.readouterr().out


@pytest.mark.parametrize(("sent", "right"), [(b"code", True), (b"edoc", False)])
def test_a_source_may_be_the_one_file_itself(tmp_path, monkeypatch, sent, right):
    (tmp_path / "listing").write_text(f"{hashlib.sha256(b'code').hexdigest()}  tool/one.whl\n")
    monkeypatch.setattr(vendor, "LISTING", tmp_path / "listing")
    monkeypatch.setattr(vendor, "download", lambda source, into: source.name(into, FILES))
    bundle = vendor.Bundle("tool", "nothing runs", (vendor.Source("file", bare(sent)),))
    assert vendor.fetch((bundle,), tmp_path / "home") == right
    assert content(tmp_path / "home") == ({"tool/one.whl": b"code"} if right else {})


def test_pyodide_and_the_numpy_that_its_lock_names_are_listed_together():
    assert set(vendor.listed("numpy-wasm")) == {vendor.NUMPY}
    assert "pyodide-lock.json" in vendor.listed("pyodide")
    folder = vendor.FOLDER / "pyodide"
    if folder.exists():
        lock = json.loads((folder / "pyodide-lock.json").read_text(encoding="utf-8"))
        numpy = lock["packages"]["numpy"]
        assert vendor.listed("numpy-wasm") == {numpy["file_name"]: numpy["sha256"]}


def test_a_damaged_file_is_replaced(fetch):
    _, folder = fetch(tar)
    (folder / "tool.js").write_bytes(b"run")
    changed, _ = fetch(tar)
    assert changed
    assert content(folder) == FILES


def test_every_listed_file_belongs_to_a_bundle():
    names = [line.split(maxsplit=1)[1] for line in vendor.LISTING.read_text().splitlines()]
    assert {name.split("/")[0] for name in names} == {bundle.name for bundle in vendor.BUNDLES}
