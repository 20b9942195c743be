"""Data for the chapters, checked against its registered SHA-256 every time it is read.

A small part of MNIST, three photographs and a few emoji ship with the package and need NumPy alone.
All else is fetched into the user's cache the first time it is asked for.
"""

import gzip
import io
import json
import re
import tarfile
import zlib
from html.parser import HTMLParser
from typing import NamedTuple

import numpy as np

from attn_course import _check
from attn_course._typing import Array, UInt8
from attn_course.data.registry import REGISTRY
from attn_course.data.store import DataError, contents, digest, fetch

PHOTOGRAPHS = ("cat", "coffee", "rocket")
_NAMES = (
    "anchor banana bell bicycle bus butterfly cactus camel candle carrot castle cat chair cherries "
    "crab crown doughnut drum duck elephant fire fish frog ghost grapes guitar hamburger house key "
    "kite lemon leopard lion magnet mushroom octopus owl panda penguin rainbow rocket rose "
    "sailboat scissors snail strawberry turtle umbrella"
)
EMOJI = tuple(_NAMES.split())

__all__ = [
    "EMOJI",
    "PHOTOGRAPHS",
    "REGISTRY",
    "DataError",
    "Verse",
    "captions",
    "digest",
    "emoji",
    "fetch",
    "few_emoji",
    "help_texts",
    "mnist",
    "photograph",
    "pronunciations",
    "verses",
]

_STEM = {"train": "train", "test": "t10k"}


def mnist(
    split: str, subset: bool = False
) -> tuple[UInt8[Array, "n_image 28 28"], UInt8[Array, "n_image"]]:
    """Handwritten digits and their labels, in the official order.

    The subset that ships with the package is every 12th of the 60,000 training images and every
    10th of the 10,000 test images. It is spread over the whole of each because the second half of
    the official test set is known to be harder than the first: the first thousand would flatter.

    Parameters
    ----------
    split : "train" or "test"
        Which of the two.
    subset : bool
        Take the 5,000 / 1,000 images that ship with the package instead of all of them.

    Returns
    -------
    image : (n_image, 28, 28)
        0 for paper and 255 for ink; axes are (image, y, x).
    label : (n_image,)
        The digit.

    Raises
    ------
    DataError
        A file is damaged, or absent and cannot be fetched.

    Examples
    --------
    >>> image, label = mnist("test", subset=True)
    >>> image.shape, image.dtype, label[:5].tolist()
    ((1000, 28, 28), dtype('uint8'), [7, 0, 9, 3, 1])
    """
    _check.one_of("split", split, _STEM)
    stem = _STEM[split]
    filenames = (f"{stem}-images-idx3-ubyte", f"{stem}-labels-idx1-ubyte")
    if subset:
        packed = contents("mnist-subset", *(f"mnist-subset-{name}.gz" for name in filenames))
        images, labels = (
            np.frombuffer(bytearray(gzip.decompress(p.data)), np.uint8) for p in packed
        )
    else:
        images, labels = contents("mnist", *filenames)
    return images[16:].reshape(-1, 28, 28), labels[8:]  # behind the headers of the IDX format


def photograph(name: str) -> UInt8[Array, "height width 3"]:
    """One of the photographs that ship with the package, 192 pixels high and 256 wide.

    Parameters
    ----------
    name : str
        One of ``PHOTOGRAPHS``.

    Returns
    -------
    image : (height, width, 3)
        Red, green and blue from 0 to 255.

    Raises
    ------
    DataError
        The file is damaged or absent.

    Examples
    --------
    >>> photograph("cat").shape
    (192, 256, 3)
    """
    _check.one_of("name", name, PHOTOGRAPHS)
    return _image("photographs", f"{name}.npz")


def pronunciations(split: str) -> list[tuple[str, list[str]]]:
    """French words and their sounds, of the shared task on grapheme-to-phoneme conversion of 2020.

    Parameters
    ----------
    split : "train", "dev" or "test"
        3,600, 450 and 450 words.

    Returns
    -------
    pairs : list
        Each word with its sounds, in the order of the file.

    Raises
    ------
    DataError
        The file is damaged, or absent and cannot be fetched.
    """
    _check.one_of("split", split, ("train", "dev", "test"))
    (content,) = contents("sigmorphon2020", f"{split}/fre_{split}.tsv")
    lines = content.tobytes().decode("utf-8").splitlines()
    rows = (line.split("\t") for line in lines)
    return [(word, sounds.split()) for word, sounds in rows]


def captions(split: str) -> list[tuple[str, str]]:
    """German captions of photographs and their English, of Multi30k.

    Parameters
    ----------
    split : "train", "val" or "test"
        29,000, 1,014 and 1,000 pairs; the test is that of 2016.

    Returns
    -------
    pairs : list
        German and English, one sentence each as a rule, in the order of the files.

    Raises
    ------
    DataError
        A file is damaged, or absent and cannot be fetched.
    """
    _check.one_of("split", split, ("train", "val", "test"))
    stem = "test_2016_flickr" if split == "test" else split
    packed = contents("multi30k", f"{stem}.de.gz", f"{stem}.en.gz")
    german, english = (gzip.decompress(p.data).decode("utf-8").splitlines() for p in packed)
    return list(zip(german, english, strict=True))


def help_texts() -> list[tuple[str, str, str]]:
    """Sentences of the help of an office suite (LibreOffice 7.4) in English and French.

    Paragraphs of a page belong together that have the same name in both languages. Kept are those
    of one sentence in both: what ends in a full stop, a question or an exclamation mark and has
    none of them before a space. Left out are those that are the same in both languages, because
    nobody has translated them, and those that have other words on another system. Pages quote one
    another, so a sentence may come many times.

    Returns
    -------
    sentences : list
        The page, the English and the French; pages in the order of the alphabet, and on each the
        order of the English.

    Raises
    ------
    DataError
        A file is damaged, or absent and cannot be fetched (which takes Debian's tools).
    """
    english, french = map(
        _help_pages, contents("libreoffice-help", "en-US/text.tar", "fr/text.tar")
    )
    found = []
    for page, paragraphs in english.items():
        for name, ours in paragraphs.items():
            theirs = french[page].get(name, "")
            if ours != theirs and _is_sentence(ours) and _is_sentence(theirs):
                found.append((page, ours, theirs))
    return found


def _help_pages(packed: UInt8[Array, "n_byte"]) -> dict[str, dict[str, str]]:
    """Pages of an archive, each with its paragraphs by their names."""
    pages = {}
    with tarfile.open(fileobj=io.BytesIO(packed.data)) as archive:
        for member in archive:
            stream = archive.extractfile(member)
            assert stream is not None  # there are files alone in it
            reader = _HelpPage()
            # The menus before it are the same everywhere.
            reader.feed(stream.read().decode("utf-8").partition('<div id="DisplayArea"')[2])
            reader.close()
            pages[member.name] = {k: v.pop() for k, v in reader.said.items() if len(v) == 1}
    return pages


class _HelpPage(HTMLParser):
    """What the paragraphs of a page say, by their names; a name may come with several texts."""

    def __init__(self) -> None:
        super().__init__()
        self.said: dict[str, set[str]] = {}
        self._name = self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "p":
            self._name, self._text = given.get("id") or "", ""
        elif "hidden" in given:  # one of the wordings for several systems
            self._name = ""
        elif tag in ("br", "img"):
            self._text += " "

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "p" and self._name:
            self.said.setdefault(self._name, set()).add(" ".join(self._text.split()))
            self._name = ""


def _is_sentence(text: str) -> bool:
    return re.fullmatch(r"([^.!?]|[.!?](?! ))*[.!?]", text) is not None


def emoji(side: int = 32) -> tuple[UInt8[Array, "2 n_emoji side side 4"], list[str]]:
    """Emoji of two artists with their English names: those of one or two words without capitals.

    No skin tones and no flags. The first artist is Google's (Noto), the second Twitter's (Twemoji).

    Parameters
    ----------
    side : int
        Height and width, to which the pictures of 64 pixels are brought by averaging over areas,
        where a pixel counts as much as it is opaque.

    Returns
    -------
    image : (2, n_emoji, side, side, 4)
        Red, green, blue and opacity from 0 to 255.
    name : list
        The names, in alphabetical order.

    Raises
    ------
    DataError
        A file is damaged, or absent and cannot be fetched (a download of 143 MB, kept are 27).
    """
    from PIL import Image

    _check.at_least("side", side, 1)
    table, first = contents("emoji-google", "emoji.json", "img/google/sheets-clean/64.png")
    (second,) = contents("emoji-twitter", "img/twitter/sheets-clean/64.png")
    (words,) = contents("emoji-names", "annotations/en/annotations.json")
    said = json.loads(words.tobytes())["annotations"]["annotations"]
    place = {}
    for row in json.loads(table.tobytes()):
        signs = (chr(int(code, 16)) for code in row["unified"].split("-") if code != "FE0F")
        (name,) = said.get("".join(signs), {}).get("tts", [""])
        drawn = row["has_img_google"] and row["has_img_twitter"]
        if drawn and row["category"] != "Flags" and re.fullmatch("[a-z]+( [a-z]+)?", name):
            left, top = 66 * row["sheet_x"] + 1, 66 * row["sheet_y"] + 1  # a rim of one pixel
            place[name] = (left, top, left + 64, top + 64)
    image = np.empty((2, len(place), side, side, 4), np.uint8)
    for artist, content in enumerate((first, second)):
        with Image.open(io.BytesIO(content.data)) as file:
            sheet = file.convert("RGBA")
        for i, name in enumerate(sorted(place)):
            piece = sheet.crop(place[name])
            image[artist, i] = np.asarray(piece.resize((side, side), Image.Resampling.BOX))
    return image, sorted(place)


def few_emoji() -> UInt8[Array, "2 48 24 24 4"]:
    """The emoji of ``EMOJI`` by both artists, as `emoji` has them, 24 pixels wide; they ship.

    Returns
    -------
    image : (2, 48, 24, 24, 4)
        Red, green, blue and opacity from 0 to 255.

    Raises
    ------
    DataError
        The file is damaged or absent.

    Examples
    --------
    >>> image = few_emoji()
    >>> image[0, EMOJI.index("lemon"), 12, 12].tolist()  # yellow, and nothing shines through
    [252, 194, 25, 255]
    """
    return _image("few-emoji", "emoji.npz")


def _image(name: str, filename: str) -> UInt8[Array, "..."]:
    (packed,) = contents(name, filename)
    with np.load(io.BytesIO(packed.data)) as archive:
        return archive["image"]


Tagged = list[tuple[str, tuple[str, ...]]]  # words and marks, each with its Strong's numbers


class Verse(NamedTuple):
    """A verse in two languages; `book` is an abbreviation such as 1Sam."""

    book: str
    chapter: int
    verse: int
    english: Tagged
    spanish: Tagged


def verses() -> list[Verse]:
    """The King James Bible beside the Reina-Valera of 1909, each word with its Strong's numbers.

    Such a number, H7225 say, names a word of the Hebrew or Greek original, so that an English word
    and a Spanish one with the same number render the same original. Words are in lower case. A tag
    may hold several words, of which each gets its numbers; marks have none.

    Returns
    -------
    verses : list
        The 31,084 verses that both have, in the order of the Bible.

    Raises
    ------
    DataError
        A file is damaged, or absent and cannot be fetched (which takes Debian's tools).
    """
    found = []
    for testament in ("ot", "nt"):
        english = _sword("engKJV2006eb", testament)
        spanish = _sword("spaRV1909eb", testament)
        book, chapter, verse = "", 0, 0
        for ours, theirs in zip(english, spanish, strict=True):
            if opened := re.search(r'<chapter [^>]*osisID="(\w+)\.(\d+)"', theirs):
                book, chapter, verse = opened[1], int(opened[2]), 0
                continue
            verse += 1
            both = _tagged(ours), _tagged(theirs)
            if all(both):  # headings have no words
                found.append(Verse(book, chapter, verse, *both))
    return found


def _sword(module: str, testament: str) -> list[str]:
    """Headings and verses in OSIS, from a table of blocks, one of verses, and packed blocks."""
    stem = f"{module}/{testament}"
    blocks, table, packed = contents("bibles", *(f"{stem}.{end}" for end in ("bzs", "bzv", "bzz")))
    texts = [
        zlib.decompress(packed[start : start + n_byte].data)
        for start, n_byte, _ in blocks.view("<u4").reshape(-1, 3).tolist()
    ]
    rows = table.view([("block", "<u4"), ("start", "<u4"), ("n_byte", "<u2")]).tolist()
    return [texts[block][start : start + n].decode("utf-8") for block, start, n in rows]


def _tagged(osis: str) -> Tagged:
    """Words and marks of a verse; notes and the headings of editors are left out."""
    osis = re.sub(r"<(note|title(?! canonical)).*?</\1>|\\\w+|¶", " ", osis, flags=re.DOTALL)
    numbers: tuple[str, ...] = ()
    tagged: Tagged = []
    for part in re.finditer(r"(<[^>]*>)|(\w+(?:’\w+)*)|[^\w\s]", osis.lower()):
        if part[1]:
            if part[1].startswith(("<w ", "</w>")):
                numbers = tuple(n.upper() for n in re.findall(r"\b[hg]\d+", part[1]))
        else:
            tagged.append((part[0], numbers if part[2] else ()))
    return tagged
