"""How the recorded classifiers are made: digits under distortions, and digits in clutter.

An arm is named DISTORTION-MODEL-SIZE, as rotated-st-cnn-5k: trained on 5,000 digits, each distorted
afresh whenever it comes up; or, on the very canvases of the Gaussian chapter, clutter-MODEL, with
the number of updates for the models that differ in nothing but how they read a window. The arms
strip-UPDATES watch one transformer over its training, DISTORTION-frame-PADDING what a frame does.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from attn_course import data
from attn_course._typing import Array
from attn_course.gaussian.functional import (
    draw_read,
    draw_window,
    first_to_centre,
    gaussian_glimpse,
)
from attn_course.gaussian.modules import GlimpseReader
from attn_course.gaussian.task import clutter
from attn_course.spatial_transformer import modules, task
from attn_course.spatial_transformer.functional import warp

MECHANISM = "spatial_transformer"
DATA = ("mnist",)


@dataclass(frozen=True)
class Config:
    """Settings of a run; `--set name=value` changes one."""

    distortion: str = "rotated"  # one of task.DISTORTIONS, or clutter
    model: str = "st-cnn"  # fcn or cnn, with st- in front behind a transformer; or one of READERS
    warp: str = "affine"  # kind of the transformer
    padding: str = "zeros"  # of the transformer
    normalise: bool = False  # whether images are given mean 0 and std 1 before the model sees them
    n_parameter: int = 250_000  # of the whole model, transformer included
    n_train: int = 20_000  # digits to train on, the first of MNIST; below 1,000 of the shipped
    n_example: int = 10_000  # test digits
    tune: bool = False  # evaluate on training digits set aside, the last 10,000
    keep_raw: bool = False  # whether the record keeps every pose and the raw numbers of every warp
    batch: int = 128
    n_update: int = 1_200  # steps of gradient descent
    lr: float = 4e-3  # an arm has its own, of LR
    warm_up: int = 50
    clip: float = 1.0
    dtype: str = "float32"


SHORT = dict(zip(("rotated", "rts", "projective", "elastic"), task.DISTORTIONS, strict=True))
MODELS = ("fcn", "cnn", "st-fcn", "st-cnn")
SIZES = {"1k": 1_000, "5k": 5_000, "20k": 20_000}
UPDATES = {"fcn": 3_000, "cnn": 800}  # about the same time
CANVASES = (700, 2_800)  # updates, each of 128 new canvases
FRAMES = {  # three ways for a warp that reaches past the edge
    "black": {"normalise": False, "padding": "zeros"},
    "grey": {"normalise": True, "padding": "zeros"},
    "border": {"normalise": True, "padding": "border"},
}
STRIP = tuple(50 * 2**k for k in range(11))  # updates, 50 to 51,200
CHANNELS = (16, 32)  # of the convolution readers
MEAN, STD = 0.1307, 0.3081  # of MNIST's training pixels
RATES = (5e-4, 1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2)


def _cropped(
    image: Tensor, raw: Tensor, n: int, std: float | None = None, n_sample: int = 1
) -> Tensor:
    """The window of `draw_read` without its own std: `std` is in strides, None for bilinear."""
    height, width = image.shape[-2:]
    mean, _, stride, intensity = draw_window(raw, (height, width), n)
    if std is not None:
        patch = gaussian_glimpse(image, mean, std * stride, stride, (n, n))
    else:  # outer edges at -1 and 1: a window spans a stride for each of its pixels
        span, centre = raw.new_tensor([width, height]), first_to_centre(mean, stride, n)
        crop = torch.cat([n * stride / span, (2 * centre + 1) / span - 1], dim=-1)
        patch = warp(image, crop, "crop", (n, n), n_sample=n_sample)
    return patch * intensity[..., None, None, None]


READERS: dict[str, Callable[[Tensor, Tensor, int], Tensor]] = {
    "gaussian": draw_read,
    "tied": partial(_cropped, std=0.5),
    "tied-0.29": partial(_cropped, std=12**-0.5),  # as wide as a square of one stride, averaged
    "bilinear": _cropped,
    "bilinear-2x2": partial(_cropped, n_sample=2),  # a pixel of the glimpse is four samples' mean
    "bilinear-4x4": partial(_cropped, n_sample=4),
}


LR = {  # by RATES tried on digits set aside, for 600 updates (readers: 700)
    "fcn": 8e-3,
    "cnn": 8e-3,
    "st-fcn": 4e-3,
    "st-cnn": 8e-3,
    "gaussian": 2e-3,
    "tied": 4e-3,
    "tied-0.29": 4e-3,
    "bilinear": 1e-3,
    "bilinear-2x2": 2e-3,
    "bilinear-4x4": 2e-3,
}


def _arms() -> dict[str, dict[str, Any]]:
    arms: dict[str, dict[str, Any]] = {}
    for short in ("rotated", "rts"):
        for model in MODELS:
            for size, n in SIZES.items():
                arms[f"{short}-{model}-{size}"] = _plain(model) | {"n_train": n}
    clutter = {"n_parameter": 120_000, "n_update": 2_800, "n_train": 60_000}
    for model in ("st-fcn", "st-cnn"):
        arms[f"clutter-{model}"] = clutter | {"model": model, "lr": LR[model]}
    arms["clutter-st-cnn-twice"] = arms["clutter-st-cnn"] | {"lr": 2 * LR["st-cnn"]}
    for model in READERS:
        change = clutter | {"model": model, "lr": LR[model]}
        for n in CANVASES:
            arms[f"clutter-{model}-{n}"] = change | {"n_update": n}
        for lr in RATES:
            tuned = {"n_update": CANVASES[0], "n_train": 50_000, "tune": True, "lr": lr}
            arms[f"clutter-{model}-tune-{lr}"] = change | tuned
    for model in MODELS:
        for lr in RATES:
            change = {"model": model, "n_train": 5_000, "tune": True, "n_update": 600, "lr": lr}
            arms[f"rotated-{model}-tune-{lr}"] = change
    for n in STRIP:
        change = {"n_update": n, "n_example": 500, "keep_raw": True}
        arms[f"strip-{n}"] = _plain("st-fcn") | change
    for name, how in FRAMES.items():
        arms[f"rotated-frame-{name}"] = _plain("st-fcn") | {"n_update": 1_000, "n_example": 1_000}
        change = {"model": "st-fcn", "lr": LR["st-fcn"], "n_update": 1_000, "n_example": 1_000}
        arms[f"clutter-frame-{name}"] = clutter | change
        for short in ("rotated", "clutter"):
            arms[f"{short}-frame-{name}"] |= how
    book = tuple(arms)
    for short in SHORT:  # the paper's table
        for model in MODELS:
            for kind in ("affine", "projective", "spline") if "st" in model else ("",):
                name = f"{short}-{model}-{kind}-60k".replace("--", "-")
                change = {"n_train": 60_000, "warp": kind or "affine"}
                arms[name] = _plain(model) | change
    of = SHORT | {"clutter": "clutter", "strip": "rotated"}
    for name in arms:
        arms[name]["distortion"] = of[name.split("-")[0]]
    return {name: arms[name] for name in (*book, *arms)}


def _plain(model: str) -> dict[str, Any]:
    return {"model": model, "lr": LR[model], "n_update": UPDATES[model.removeprefix("st-")]}


ARMS = _arms()
BOOK = tuple(name for name in ARMS if not name.endswith("60k"))  # the arms that the page quotes
PRESETS: dict[str, dict[str, Any]] = {
    "smoke": {"n_train": 500, "n_example": 64, "batch": 16, "n_update": 30, "n_parameter": 60_000},
    "book": {},
    "paper": {"n_parameter": 400_000, "batch": 256, "n_update": 150_000},
}


def configure(preset: str, arm: str) -> Config:
    """Settings of an arm at a preset."""
    return replace(Config(), **ARMS[arm] | PRESETS[preset])


def side(config: Config) -> int:
    """Side of the images, in pixels."""
    return 60 if config.distortion == "clutter" else task.side_of(config.distortion)


# Models -----------------------------------------------------------------------------------------


def build(config: Config, generator: torch.Generator) -> nn.Module:
    """The model with its initial weights, a function of the generator alone.

    Whatever the transformer costs is taken off the reader's widest layer, so that all models of a
    task have as many parameters. Behind a transformer the reader sees 28 × 28 pixels.
    """
    if config.model in READERS:
        return _crop_reader(config, generator)
    transformer, size = None, side(config)
    if config.model.startswith("st-"):
        localiser = _localiser(config, generator)
        # Where the image is larger than what is read, four samples a pixel keep it from aliasing.
        n_sample = 1 if size == task.SIDE else 2
        size = task.SIDE
        transformer = modules.SpatialTransformer(
            localiser, config.warp, (size, size), config.padding, n_sample=n_sample
        )
    left = config.n_parameter - (n_parameter(transformer) if transformer else 0)
    if config.model.endswith("fcn"):
        # What the second and third layer have whatever the width is: 128 biases, 128 * 10 + 10.
        width = round((left - 128 - 1290) / (size**2 + 1 + 128))
        return modules.WarpReader(
            transformer, modules.dense_reader(size**2, (width, 128), 10, generator)
        )
    flat = CHANNELS[-1] * (size // 4) ** 2
    spent = sum(25 * a * b + b for a, b in zip((1, *CHANNELS), CHANNELS, strict=False)) + 10
    width = round((left - spent) / (flat + 1 + 10))
    reader = modules.convolution_reader(1, (size, size), CHANNELS, width, 10, generator)
    return modules.WarpReader(transformer, reader)


def _localiser(config: Config, generator: torch.Generator) -> nn.Module:
    size = side(config)
    if config.model == "st-cnn":
        return modules.ConvolutionLocaliser(1, (size, size), config.warp, generator)
    if config.distortion != "clutter":
        return modules.DenseLocaliser(size**2, kind=config.warp, generator=generator)
    # On 60 × 60 the first layer alone would take all parameters: halve the image first.
    dense = modules.DenseLocaliser((size // 2) ** 2, kind=config.warp, generator=generator)
    return nn.Sequential(nn.AvgPool2d(2), dense)


def _crop_reader(config: Config, generator: torch.Generator) -> nn.Module:
    """The reader of the Gaussian chapter: four glimpses of 12 by 12 pixels, whatever reads them.

    It has 6 d^2 + 171 d + 15 parameters; its state is as wide as `n_parameter` allows.
    """
    d_hidden = round((-171 + (171**2 + 24 * (config.n_parameter - 15)) ** 0.5) / 12)
    size, look = (side(config), side(config)), READERS[config.model]
    return GlimpseReader(4, 12, d_hidden, 10, size, generator, look=look)


def n_parameter(model: nn.Module) -> int:
    """Numbers that are learned."""
    return sum(p.numel() for p in model.parameters())


# Batches ----------------------------------------------------------------------------------------


def batch(config: Config, seed: int, update: int) -> dict[str, Array]:
    """Arrays for one update, a function of the seed and the update's number alone."""
    rng = np.random.default_rng([seed, update])
    image, label = (part[: config.n_train] for part in _digits("train", config.n_train < 1_000))
    # Each epoch is its own shuffle: update u reads the next stretch of its epoch's order.
    per_epoch = len(image) // config.batch
    order = _order(len(image), seed, update // per_epoch)
    chosen = order[update % per_epoch * config.batch :][: config.batch]
    if config.distortion == "clutter":
        seen = clutter(rng, image[chosen], image)
    else:
        seen = task.distorted(rng, image[chosen], config.distortion)
    return {"image": _shown(config, seen), "label": label[chosen].astype(np.int64)}


def examples(config: Config, subset: bool) -> Iterator[dict[str, Array]]:
    """Batches to evaluate on, the same for every seed; `subset` takes the shipped data only."""
    rng = np.random.default_rng(20_171_014)
    split = slice(-10_000, None) if config.tune else slice(config.n_example)
    digits, labels = _digits("train" if config.tune else "test", subset)
    image, label = digits[split], labels[split]
    step = 250 if config.distortion == "clutter" else 1_000
    for i in range(0, len(image), step):
        part = slice(i, i + step)
        arrays = {"label": label[part].astype(np.int64)}
        if config.distortion == "clutter":  # the very canvases of the Gaussian chapter
            seen = clutter(rng, image[part], digits)
        elif config.distortion == "elastic":
            seen = task.distorted(rng, image[part], "elastic")
        else:
            pose = task.poses(rng, image[part], config.distortion)
            seen = task.posed(image[part], pose, side(config))
            arrays["pose"] = pose.astype(np.float32)
        yield arrays | {"image": _shown(config, seen)}


def _shown(config: Config, image: Array) -> Array:
    return ((image - MEAN) / STD if config.normalise else image)[:, None]


@lru_cache(4)
def _digits(split: str, subset: bool) -> tuple[Array, Array]:
    return data.mnist(split, subset=subset)


@lru_cache(2)
def _order(n: int, seed: int, epoch: int) -> Array:
    return np.random.default_rng([seed, epoch, 0]).permutation(n)


# Loss and evaluation ----------------------------------------------------------------------------


def loss(config: Config, model: nn.Module, part: dict[str, Tensor], done: float) -> Tensor:
    """Cross entropy of each example."""
    return nn.functional.cross_entropy(model(part["image"])[0], part["label"], reduction="none")


def predict(config: Config, model: nn.Module, part: dict[str, Tensor]) -> dict[str, Tensor]:
    """Whether each example is read wrongly; behind a transformer that turns, how it then stands."""
    score, raw = model(part["image"])
    kept = {"wrong": (score.argmax(dim=-1) != part["label"]).to(torch.uint8)}
    if raw is None or config.model in READERS or config.warp != "affine":
        return kept
    # How much wider what is read is than the image, in hundredths.
    scale = torch.linalg.det(_turn(raw)).abs().sqrt()
    kept["scale"] = (100 * scale).round().clamp(max=1000).to(torch.int16)
    if config.distortion in task.DISTORTIONS[:2]:
        # A point of the digit goes by its pose to the canvas, and from there by the inverse of the
        # warp to what is read: the angle of both together is what the reader has to cope with.
        turn = torch.linalg.solve(_turn(raw), part["pose"][:, :2, :2])
        tilt = torch.atan2(turn[:, 1, 0] - turn[:, 0, 1], turn[:, 0, 0] + turn[:, 1, 1])
        kept["tilt"] = tilt.rad2deg().round().to(torch.int16)
    return kept | ({"raw": raw, "pose": part["pose"]} if config.keep_raw else {})


def _turn(raw: Tensor) -> Tensor:
    """The 2 x 2 part of an affine warp, kept invertible."""
    return raw.unflatten(-1, (2, 3))[..., :2] + 1e-6 * torch.eye(2, device=raw.device)


def measure(config: Config, predicted: dict[str, Array]) -> dict[str, Any]:
    """Share of examples read wrongly; standard deviation of the digits' tilt as read, in degrees.

    A constant tilt is no trouble to a reader, so the mean is taken off, as a mean of directions.
    The scale is the median side of what is read, over the side of the image.
    """
    result = {"error": float(predicted["wrong"].mean())}
    if "tilt" in predicted:
        direction = np.exp(1j * np.radians(predicted["tilt"].astype(float)))
        off = np.degrees(np.angle(direction / direction.mean()))
        result["tilt"] = float(np.sqrt((off**2).mean()))
    if "scale" in predicted:
        result["scale"] = float(np.median(predicted["scale"])) / 100
    return result
