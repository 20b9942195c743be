"""Data for the chapters, checked against its registered SHA-256 every time it is read.

A small part of MNIST and three photographs ship with the package and need NumPy alone. All of
MNIST, and the French words with their sounds, are fetched into the user's cache the first time
they are asked for.
"""

import gzip
import io

import numpy as np

from attn_course import _check
from attn_course._typing import Array, UInt8
from attn_course.data.registry import REGISTRY
from attn_course.data.store import DataError, contents, digest, fetch

PHOTOGRAPHS = ("cat", "coffee", "rocket")

__all__ = [
    "PHOTOGRAPHS",
    "REGISTRY",
    "DataError",
    "digest",
    "fetch",
    "mnist",
    "photograph",
    "pronunciations",
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
    (packed,) = contents("photographs", f"{name}.npz")
    with np.load(io.BytesIO(packed.data)) as archive:
        return archive["image"]


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
