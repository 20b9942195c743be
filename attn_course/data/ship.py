"""Make the files in ``shipped/`` from their sources: ``python -m attn_course.data.ship WHEEL``.

WHEEL is scikit-image 0.24 as pip downloads it (``pip download --no-deps scikit-image==0.24.0``);
all of MNIST and all emoji have to be in the cache. Pillow does the resizing and is needed for
nothing else. The lines to pin in the registry are printed at the end.
"""

import gzip
import hashlib
import io
import sys
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from attn_course._typing import Array, UInt8
from attn_course.data import EMOJI, emoji
from attn_course.data.store import SHIPPED, contents

# The strides that make 5,000 of 60,000 and 1,000 of 10,000.
STRIDE = {"train": 12, "t10k": 10}

# picture -> file in the wheel, its SHA-256 there, the part to keep (left, top, right, bottom)
PICTURE = {
    "cat": (
        "skimage/data/chelsea.png",
        "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
        (10, 0, 410, 300),
    ),
    "coffee": (
        "skimage/data/coffee.png",
        "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
        (20, 0, 553, 400),
    ),
    "rocket": (
        "skimage/data/rocket.jpg",
        "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c",
        (110, 107, 537, 427),
    ),
}
SIZE = (256, 192)  # (width, height), as Pillow has it


def idx(items: UInt8[Array, "n_item ..."]) -> bytes:
    """An array of bytes in the IDX format: type 8, number of axes, sizes, then the items."""
    head = bytes((0, 0, 8, items.ndim)) + np.array(items.shape, dtype=">i4").tobytes()
    return head + items.tobytes()


def subset_files() -> dict[str, bytes]:
    """Every 12th training and every 10th test image of MNIST, with their labels."""
    made = {}
    for stem, stride in STRIDE.items():
        names = (f"{stem}-images-idx3-ubyte", f"{stem}-labels-idx1-ubyte")
        images, labels = contents("mnist", *names)
        for name, items in zip(names, (images[16:].reshape(-1, 28, 28), labels[8:]), strict=True):
            made[f"mnist-subset-{name}.gz"] = gzip.compress(idx(items[::stride]), 9, mtime=0)
    return made


def photograph_files(wheel: Path) -> dict[str, bytes]:
    """The pictures, cropped and resized."""
    made = {}
    with zipfile.ZipFile(wheel) as archive:
        for name, (inside, sha256, box) in PICTURE.items():
            original = archive.read(inside)
            if hashlib.sha256(original).hexdigest() != sha256:
                raise SystemExit(f"{inside} in {wheel} is not the picture that is registered")
            with Image.open(io.BytesIO(original)) as picture:
                small = picture.crop(box).resize(SIZE, Image.Resampling.LANCZOS)
            made[f"{name}.npz"] = npz(np.asarray(small.convert("RGB")))
    return made


def emoji_files() -> dict[str, bytes]:
    """The emoji of `EMOJI`, 24 pixels wide."""
    image, name = emoji(24)
    return {"emoji.npz": npz(image[:, [name.index(each) for each in EMOJI]])}


def npz(image: UInt8[Array, "..."]) -> bytes:
    """An archive that holds one array."""
    out = io.BytesIO()
    np.savez_compressed(out, image=image)
    return out.getvalue()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m attn_course.data.ship WHEEL")
    made = {**subset_files(), **emoji_files(), **photograph_files(Path(sys.argv[1]))}
    for name, content in made.items():
        (SHIPPED / name).write_bytes(content)
        print(f'File("{name}", {len(content):_}, "{hashlib.sha256(content).hexdigest()}"),')
