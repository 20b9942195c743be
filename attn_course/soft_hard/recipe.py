"""How the runs of the recurrent model are made: ``python -m attn_course.training soft_hard``.

The arms of one task differ in who places the glimpses. What it measures, in full, is in `measure`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from attn_course import data
from attn_course._typing import Array
from attn_course.preliminaries.modules import Dense
from attn_course.soft_hard import task
from attn_course.soft_hard.functional import hybrid_loss, leave_one_out
from attn_course.soft_hard.modules import RecurrentAttention

MECHANISM = "soft_hard"
DATA = ("mnist",)
SIDE = {"plain": 28, "translated": 60, "cluttered": 60}  # pixels of an image
CENTRAL = 20 / 28  # the part of a plain image in which MNIST draws its digits


@dataclass(frozen=True)
class Config:
    """Settings of a run; `--set name=value` changes one."""

    task: str = "plain"  # plain, translated or cluttered
    policy: str = "learned"  # or random, near, grid, centre; dense and convolution see everything
    n_step: int = 6  # glimpses
    size: int = 8  # numbers along either side of a patch
    n_scale: int = 1  # patches of a glimpse
    std: float = 0.1  # of a place round what the policy proposes, in half images
    n_draw: int = 1  # walks over an image in one update; from two on they are each other's baseline
    d_part: int = 64  # width of either half of the glimpse network
    d_hidden: int = 128  # width of the state
    tune: bool = False  # read digits of the training set that training does not use
    n_train: int = 60_000  # digits to train on
    n_example: int = 10_000  # digits of the evaluation
    batch: int = 128
    n_update: int = 2_340  # five times through the digits
    lr: float = 2e-3
    warm_up: int = 100
    clip: float = 0.0  # none: the score function's gradient would decide for all the others
    dtype: str = "float32"


def _arms() -> dict[str, dict[str, Any]]:
    arms: dict[str, dict[str, Any]] = {"plain-learned-6": {}}
    for n_step in (2, 4):
        arms[f"plain-learned-{n_step}"] = {"n_step": n_step}
    for n_step in (2, 4, 6):
        arms[f"plain-grid-{n_step}"] = {"policy": "grid", "n_step": n_step}
    for policy in ("random", "near", "centre"):
        arms[f"plain-{policy}-6"] = {"policy": policy}
    # What it might take for the learned policy to beat the grid.
    arms["plain-std-0.2"] = {"std": 0.2}
    for kind, retina in RETINAS.items():
        shape = {"task": kind.removeprefix("few-"), **retina}
        for policy in ("learned", "grid", "random"):
            arms[f"{kind}-{policy}"] = shape | {"policy": policy}
    few = {"task": "translated", **RETINAS["few-translated"]}
    arms["few-translated-centre"] = few | {"policy": "centre"}
    arms["few-translated-draws"] = few | {"n_draw": 4}
    for kind in SIDE:
        for model in ("dense", "convolution"):
            arms[f"{kind}-{model}"] = {"task": kind, "policy": model}
    return arms


RETINAS: dict[str, dict[str, Any]] = {
    "translated": {"size": 12, "n_scale": 3, "n_step": 4},  # the paper's
    "cluttered": {"size": 12, "n_scale": 3, "n_step": 4},
    "few-translated": {"size": 8, "n_scale": 3, "n_step": 2, "std": 0.2},
}
ARMS = _arms()
PRESETS: dict[str, dict[str, Any]] = {
    "smoke": {"n_train": 500, "n_example": 100, "batch": 16, "n_update": 30},
    "book": {},
    "paper": {"d_part": 128, "d_hidden": 256, "n_update": 200_000, "lr": 3e-4},
}


def configure(preset: str, arm: str) -> Config:
    """Settings of an arm at a preset."""
    return replace(Config(), **ARMS[arm] | PRESETS[preset])


# Models -----------------------------------------------------------------------------------------


def build(config: Config, generator: torch.Generator) -> nn.Module:
    """The model with its initial weights, a function of the generator alone."""
    side = SIDE[config.task]
    if config.policy == "dense":
        return nn.Sequential(nn.Flatten(), *_layers((side**2, *_widths(side), 10), generator))
    if config.policy == "convolution":
        return _convolution(side, generator)
    return RecurrentAttention(
        config.size, config.n_scale, 10, generator, config.d_part, config.d_hidden
    )


def _widths(side: int) -> tuple[int, ...]:
    """Two layers that bring a dense net to the size of the recurrent one."""
    return {28: (64, 64), 60: (21, 42)}[side]


def _layers(widths: tuple[int, ...], generator: torch.Generator) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for d_in, d_out in zip(widths, widths[1:], strict=False):
        layers += [Dense(d_in, d_out, generator), nn.ReLU()]
    return layers[:-1]


def _convolution(side: int, generator: torch.Generator) -> nn.Module:
    layers: list[nn.Module] = []
    widths = (1, 12, 24, 48, 96) if side == 28 else (1, 12, 24, 56, 120)
    for d_in, d_out in zip(widths, widths[1:], strict=False):
        layer = nn.Conv2d(d_in, d_out, 3, stride=2, padding=1)
        nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu", generator=generator)
        nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        layers += [layer, nn.ReLU()]
    return nn.Sequential(
        *layers, nn.AdaptiveMaxPool2d(1), nn.Flatten(), Dense(widths[-1], 10, generator)
    )


# Batches ----------------------------------------------------------------------------------------


def batch(config: Config, seed: int, update: int) -> dict[str, Array]:
    """Arrays for one update, a function of the seed and the update's number alone."""
    rng = np.random.default_rng([seed, update])
    image, label = _digits("train", config.n_train < 60_000)
    last = len(image) - 10_000 if config.tune else min(len(image), config.n_train)
    image, label = image[:last], label[:last]
    per_epoch = len(image) // config.batch
    order = _order(len(image), seed, update // per_epoch)
    chosen = order[update % per_epoch * config.batch :][: config.batch]
    return _arrays(config, rng, image[chosen], label[chosen], image)


def examples(config: Config, subset: bool) -> Iterator[dict[str, Array]]:
    """Batches to evaluate on, the same for every seed; `subset` takes the shipped data only."""
    rng = np.random.default_rng(20_140_624)
    if config.tune:
        image, label = (part[-10_000:] for part in _digits("train", subset))
    else:
        image, label = _digits("test", subset)
    for i in range(0, min(len(image), config.n_example), 250):
        part = slice(i, min(i + 250, config.n_example))
        yield _arrays(config, rng, image[part], label[part], image)


def _arrays(
    config: Config, rng: np.random.Generator, digit: Array, label: Array, pool: Array
) -> dict[str, Array]:
    """The images, and what the policy needs: noise, and places if it is not the learned one."""
    n = len(digit)
    if config.task == "plain":
        image = digit.astype(np.float32) / 255
    else:
        n_piece = 4 if config.task == "cluttered" else 0
        image, _ = task.strew(rng, digit, pool, SIDE[config.task], n_piece)
    noise = rng.standard_normal((n, config.n_draw, config.n_step, 2)).astype(np.float32)
    arrays: dict[str, Array] = {
        "image": image[:, None],
        "label": label.astype(np.int64),
        "noise": noise,
    }
    if config.policy in ("random", "near"):
        reach = 1.0 if config.policy == "random" else 0.5
        place = rng.uniform(-reach, reach, noise.shape)
        arrays["place"] = place.astype(np.float32)
    elif config.policy in ("grid", "centre"):
        arrays["place"] = np.broadcast_to(places(config), noise.shape).astype(np.float32)
    return arrays


def places(config: Config) -> Array:
    """Where the policies that do not look at the image look, (n_step, 2)."""
    if config.policy == "centre":
        return np.zeros((config.n_step, 2))
    n_row = int(config.n_step**0.5)
    n_column = config.n_step // n_row
    x, y = ((2 * np.arange(n) + 1) / n - 1 for n in (n_row, n_column))
    reach = CENTRAL if config.task == "plain" else 1.0
    return reach * np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


@lru_cache(4)
def _digits(split: str, subset: bool) -> tuple[Array, Array]:
    return data.mnist(split, subset=subset)


@lru_cache(2)
def _order(n: int, seed: int, epoch: int) -> Array:
    return np.random.default_rng([seed, epoch, 0]).permutation(n)


# Loss and evaluation ----------------------------------------------------------------------------


def loss(config: Config, model: nn.Module, part: dict[str, Tensor], done: float) -> Tensor:
    """One loss for each image; `done` is the share of the updates already made."""
    label = part["label"]
    if not isinstance(model, RecurrentAttention):
        return nn.functional.cross_entropy(model(part["image"]), label, reduction="none")
    image = part["image"][:, None].expand(-1, config.n_draw, -1, -1, -1)
    label = label[:, None].expand(-1, config.n_draw)
    score, location, mean, baseline = model(image, part["noise"], config.std, part.get("place"))
    if config.policy != "learned":
        entropy = nn.functional.cross_entropy(score.mT, label, reduction="none")
        return entropy.mean(dim=1)
    if config.n_draw > 1:
        reward = (score.argmax(dim=-1) == label).to(score.dtype)
        baseline = leave_one_out(reward)[..., None].expand_as(baseline)
    return hybrid_loss(score, label, location, mean, config.std, baseline).mean(dim=1)


def predict(config: Config, model: nn.Module, part: dict[str, Tensor]) -> dict[str, Tensor]:
    """Answers, drawing no places and drawing them, and where the glimpses fell."""
    kept = {"label": part["label"].to(torch.uint8)}
    if not isinstance(model, RecurrentAttention):
        return kept | {"answer": model(part["image"]).argmax(dim=-1).to(torch.uint8)}
    noise, place = part["noise"][:, 0], part.get("place")
    place = None if place is None else place[:, 0]
    score, location, _, _ = model(part["image"], 0 * noise, 0.0, place)
    kept |= {"answer": score.argmax(dim=-1).to(torch.uint8)}
    if config.policy != "learned":
        return kept
    drawn = model(part["image"], noise, config.std)[0].argmax(dim=-1)
    return kept | {"drawn": drawn.to(torch.uint8), "place": location.half()}


def measure(config: Config, predicted: dict[str, Array]) -> dict[str, Any]:
    """Error of the answers; of a learned policy also with places drawn, and how far it walks."""
    label = predicted["label"]
    found: dict[str, Any] = {"error": float((predicted["answer"] != label).mean())}
    if "drawn" in predicted:
        found["error_drawn"] = float((predicted["drawn"] != label).mean())
        place = predicted["place"].astype(float)
        step = np.hypot(*np.moveaxis(np.diff(place, axis=1), -1, 0))
        found["walk"] = float(step.mean()) if step.size else 0.0
        # How much the places depend on the image: their standard deviation over the images.
        found["spread"] = float(place.std(axis=0).mean())
    return found
