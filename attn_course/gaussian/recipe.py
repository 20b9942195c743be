"""How the recorded runs of the chapter are made: configuration, batches, loss and evaluation.

An arm is one line of one of the chapter's tables. What it measures, in full, is in `measure`.
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
from attn_course.gaussian import modules, task
from attn_course.gaussian.functional import gaussian_glimpse

MECHANISM = "gaussian"
DATA = ("mnist", "photographs")


@dataclass(frozen=True)
class Config:
    """Settings of a run; `--set name=value` changes one."""

    task: str = "clutter"  # crop, clutter or track
    model: str = "reader"  # which model of the task
    n_step: int = 4  # glimpses of the reader
    n_filter: int = 12  # Gaussians along either axis
    d_hidden: int = 128  # width of the recurrent state
    std: float = 0.75  # crop: standard deviation of the target, in pixels
    std_start: float = 0.75  # crop: standard deviation at the start
    learn_std: bool = False  # crop: whether gradient descent moves the std
    blur_target: bool = False  # crop: whether the target is blurred as the window is
    tune: bool = False  # crop: run on the photograph set aside for learning rates
    box_loss: float = 1.0  # track: weight of -log intersection over union
    coverage_loss: float = 1.0  # track: weight of keeping the box inside the window
    appearance_loss: float = 1.0  # track: weight of telling the object's pixels
    memory: bool = True  # track: whether the state outlives a frame
    n_hidden: int = 5  # track: most frames hidden in a training film
    n_train: int = 60_000  # digits to train on
    n_example: int = 2_000  # examples in the evaluation (10,000 digits where there are as many)
    batch: int = 128
    n_update: int = 2_800  # steps of gradient descent
    lr: float = 2e-3
    warm_up: int = 100  # updates over which the learning rate rises; then it falls as a cosine
    clip: float = 1.0  # largest norm of a gradient
    dtype: str = "float32"


def _arms() -> dict[str, dict]:
    arms: dict[str, dict] = {f"reader-{n}": {"n_step": n} for n in (4, 1, 2, 6)}
    arms["frozen-4"] = {"model": "frozen"}
    arms |= {name: {"model": name} for name in ("centre", "dense", "convolution")}
    crop: dict[str, dict[str, Any]] = {
        "crop-fixed": {},
        "crop-learned": {"learn_std": True},
        "crop-schedule": {"std_start": 8.0},
        "crop-schedule-alike": {"std_start": 8.0, "blur_target": True},
    }
    base: dict[str, Any] = {
        "task": "crop",
        "n_filter": 24,
        "n_update": 300,
        "warm_up": 0,
        "clip": 0.0,
    }
    for name, change in crop.items():
        arms[name] = base | change | {"lr": CROP_LR[name]}
        for lr in (0.1, 0.3, 1.0):
            arms[f"{name}-tune-{lr}"] = base | change | {"lr": lr, "tune": True}
    base = {"task": "track", "model": "tracker", "n_filter": 16, "batch": 32, "n_update": 1_600}
    base |= {"lr": 1e-3, "n_example": 128}
    arms["track"] = base
    arms["track-no-box-loss"] = base | {"box_loss": 0.0}
    arms["track-no-coverage-loss"] = base | {"coverage_loss": 0.0}
    arms["track-no-appearance-loss"] = base | {"appearance_loss": 0.0}
    arms["track-no-memory"] = base | {"memory": False}
    arms["track-never-hidden"] = base | {"n_hidden": 0}
    for name in ("still", "velocity", "template"):
        arms[f"track-{name}"] = base | {"model": name, "n_update": 0}
    return arms


CROP_LR = {
    "crop-fixed": 0.3,
    "crop-learned": 0.3,
    "crop-schedule": 0.3,
    "crop-schedule-alike": 0.3,
}  # the best on the photograph set aside
ARMS = _arms()
PRESETS: dict[str, dict] = {
    "smoke": {"n_train": 500, "n_example": 64, "batch": 16, "n_update": 30, "d_hidden": 32},
    "book": {},
    "paper": {"d_hidden": 256, "n_update": 200_000, "lr": 1e-3},
}
FRAMES = (20, 40)  # frames of a film in training and in evaluation
HIDDEN = tuple(range(6))  # numbers of hidden frames in the evaluation
DISTANCES = (2.0, 4.0, 8.0, 12.0, 16.0, 20.0, 24.0)
TUNING, TRAINING, HELD_OUT = 0, (0, 1), (2,)  # indices into data.PHOTOGRAPHS


def configure(preset: str, arm: str) -> Config:
    """Settings of an arm at a preset; what takes no training or hardly any stays as it is."""
    config = replace(Config(), **ARMS[arm] | PRESETS[preset])
    if config.task == "crop" or config.model in ("still", "velocity", "template"):
        config = replace(config, n_update=min(ARMS[arm]["n_update"], config.n_update))
        config = replace(config, lr=ARMS[arm]["lr"])
    return config


# Models -----------------------------------------------------------------------------------------


def build(config: Config, generator: torch.Generator) -> nn.Module:
    """The model with its initial weights, a function of the generator alone."""
    if config.task == "crop":
        _, windows = _crop(config, generator.initial_seed())
        target, start, stride = (torch.as_tensor(a, dtype=torch.float32) for a in windows)
        return modules.CropFinder(target, start, stride, config.std_start, config.learn_std)
    if config.task == "track":
        if config.model != "tracker":
            return nn.Module()  # nothing to learn
        return modules.GlimpseTracker(config.n_filter, config.d_hidden, generator, config.memory)
    if config.model in ("reader", "frozen"):
        return modules.GlimpseReader(
            config.n_step, config.n_filter, config.d_hidden, 10, (60, 60), generator,
            frozen=config.model == "frozen",
        )  # fmt: skip
    layers = {
        "centre": lambda: _dense_layers((784, 136, 128, 10), generator, crop=16),
        "dense": lambda: _dense_layers((3600, 35, 35, 10), generator),
        "convolution": lambda: _convolution((1, 24, 48, 64, 128), generator),
    }
    return layers[config.model]()


class _Crop(nn.Module):
    def __init__(self, border: int) -> None:
        super().__init__()
        self.border = border

    def forward(self, image: Tensor) -> Tensor:
        inside = slice(self.border, image.shape[-1] - self.border)
        return image[..., inside, inside]


def _dense_layers(widths: tuple[int, ...], generator: torch.Generator, crop: int = 0) -> nn.Module:
    layers: list[nn.Module] = [_Crop(crop), nn.Flatten()]
    for d_in, d_out in zip(widths, widths[1:], strict=False):
        layers += [modules.Dense(d_in, d_out, generator), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def _convolution(channels: tuple[int, ...], generator: torch.Generator) -> nn.Module:
    layers: list[nn.Module] = []
    for d_in, d_out in zip(channels, channels[1:], strict=False):
        layer = nn.Conv2d(d_in, d_out, 3, stride=2, padding=1)
        nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu", generator=generator)
        nn.init.constant_(layer.bias, 0.0)  # type: ignore[arg-type]
        layers += [layer, nn.ReLU()]
    pool = [nn.AdaptiveMaxPool2d(1), nn.Flatten(), modules.Dense(channels[-1], 10, generator)]
    return nn.Sequential(*layers, *pool)


# Batches ----------------------------------------------------------------------------------------


def batch(config: Config, seed: int, update: int) -> dict[str, Array]:
    """Arrays for one update, a function of the seed and the update's number alone."""
    rng = np.random.default_rng([seed, update])
    if config.task == "crop":
        image, (target, _, _) = _crop(config, seed)
        return {"image": image, "target": target.astype(np.float32)}
    image, label = _digits("train", config.n_train < 60_000)
    image, label = image[: config.n_train], label[: config.n_train]
    if config.task == "clutter":
        # Each epoch is its own shuffle: update u reads the next stretch of its epoch's order.
        per_epoch = len(image) // config.batch
        order = _order(len(image), seed, update // per_epoch)
        chosen = order[update % per_epoch * config.batch :][: config.batch]
        return {
            "image": task.clutter(rng, image[chosen], image)[:, None],
            "label": label[chosen].astype(np.int64),
        }
    chosen = image[rng.integers(0, len(image), config.batch)]
    n_hidden = rng.integers(0, config.n_hidden + 1, config.batch)
    photo = np.stack([_photo(i) for i in TRAINING])
    frame, ink, box, visible = task.film(rng, chosen, image, photo, FRAMES[0], n_hidden)
    return {"frame": frame, "ink": ink, "box": box, "visible": visible}


def examples(config: Config, subset: bool) -> Iterator[dict[str, Array]]:
    """Batches to evaluate on, the same for every seed; `subset` takes the shipped data only."""
    rng = np.random.default_rng(20_171_014)
    if config.task == "crop":
        yield {}  # the windows themselves are the examples
        return
    image, label = _digits("test", subset)
    if config.task == "clutter":
        n = len(image) if config.n_example >= 1000 else config.n_example
        for i in range(0, n, 250):
            part = slice(i, min(i + 250, n))
            scene = task.clutter(rng, image[part], image)[:, None]
            yield {"image": scene, "label": label[part].astype(np.int64)}
        return
    photo = np.stack([_photo(i) for i in HELD_OUT])
    for n_hidden in HIDDEN:
        chosen = image[rng.integers(0, len(image), config.n_example)]
        count = np.full(config.n_example, n_hidden)
        frame, ink, box, visible = task.film(rng, chosen, image, photo, FRAMES[1], count)
        yield {"frame": frame, "ink": ink, "box": box, "visible": visible}


@lru_cache(4)
def _digits(split: str, subset: bool) -> tuple[Array, Array]:
    return data.mnist(split, subset=subset)


@lru_cache(2)
def _order(n: int, seed: int, epoch: int) -> Array:
    return np.random.default_rng([seed, epoch, 0]).permutation(n)


@lru_cache(4)
def _photo(index: int) -> Array:
    return task.grey(data.PHOTOGRAPHS[index], 128)


@lru_cache(2)
def _crop(config: Config, seed: int) -> tuple[Array, tuple[Array, Array, Array]]:
    """Images (n, 1, 128, 128) and windows; smaller when tuning."""
    which = [i for i in range(len(data.PHOTOGRAPHS)) if (i == TUNING) == config.tune]
    n_start = 8 if config.n_example < 1000 else 40
    rng = np.random.default_rng([seed, config.tune, 0])
    drawn = [task.crop_starts(rng, 128, config.n_filter, DISTANCES, n_start)[:3] for _ in which]
    image = np.concatenate(
        [
            np.broadcast_to(_photo(i), (len(d[0]), 1, 128, 128))
            for i, d in zip(which, drawn, strict=True)
        ]
    )
    target, start, stride = (np.concatenate(part) for part in zip(*drawn, strict=True))
    return image, (target, start, stride)


# Losses -----------------------------------------------------------------------------------------


def loss(config: Config, model: nn.Module, part: dict[str, Tensor], done: float) -> Tensor:
    """One loss for each example; `done` is the share of the updates already made."""
    if config.task == "clutter":
        score = _scores(config, model, part["image"])
        return nn.functional.cross_entropy(score, part["label"], reduction="none")
    if config.task == "crop":
        return _crop_loss(config, model, part, done)
    return _track_loss(config, model, part)


def _crop_loss(config: Config, model: nn.Module, part: dict[str, Tensor], done: float) -> Tensor:
    """Squared error, while a std that is not learned goes down to the target's by a fixed plan."""
    start, end = config.std_start, config.std
    planned = start * (end / start) ** min(1.0, done / 0.8)
    std = end if config.learn_std or not config.blur_target else planned
    one = torch.ones_like(part["target"])
    size = (config.n_filter, config.n_filter)
    target = gaussian_glimpse(part["image"], part["target"], std * one, one, size)
    found = model(part["image"], config.n_filter, None if config.learn_std else planned)
    return (found - target).square().sum(dim=(1, 2, 3))


def _track_loss(config: Config, model: nn.Module, part: dict[str, Tensor]) -> Tensor:
    """HART's three losses: the box, the window's cover of it, the pixels that are the object's.

    The first and the last count the frames in which the object is seen, the second all frames.
    """
    assert isinstance(model, modules.GlimpseTracker)
    truth = part["box"]
    box, window, score = model(part["frame"], truth[:, 0])
    seen = part["visible"].to(box.dtype)
    box_loss = -(_shared(box, truth) / _joined(box, truth) + 1e-3).log()
    n_pixel = part["frame"].shape[-1] * part["frame"].shape[-2]
    share = (window[..., 2:].prod(dim=-1) / n_pixel).clamp(max=0.99)
    covered = _shared(window, truth) / truth[..., 2:].prod(dim=-1)
    coverage_loss = -(covered + 1e-3).log() - (1 - share).log()
    with torch.no_grad():
        own = [model.glimpse(part["ink"][:, t], window[:, t]) for t in range(box.shape[1])]
    appearance_loss = nn.functional.binary_cross_entropy_with_logits(
        score, torch.stack(own, dim=1).clamp(0, 1), reduction="none"
    ).mean(dim=(2, 3))
    total = (config.box_loss * box_loss + config.appearance_loss * appearance_loss) * seen
    return (total + config.coverage_loss * coverage_loss).mean(dim=1)


def _shared(one: Tensor, other: Tensor) -> Tensor:
    """Area that two boxes share."""
    low = torch.maximum(one[..., :2] - one[..., 2:] / 2, other[..., :2] - other[..., 2:] / 2)
    high = torch.minimum(one[..., :2] + one[..., 2:] / 2, other[..., :2] + other[..., 2:] / 2)
    return (high - low).clamp(min=0).prod(dim=-1)


def _joined(one: Tensor, other: Tensor) -> Tensor:
    """Area that two boxes cover together."""
    areas = one[..., 2:].prod(dim=-1) + other[..., 2:].prod(dim=-1)
    return areas - _shared(one, other)


def _scores(config: Config, model: nn.Module, image: Tensor) -> Tensor:
    return model(image)[0] if config.model in ("reader", "frozen") else model(image)


# Evaluation -------------------------------------------------------------------------------------


def predict(config: Config, model: nn.Module, part: dict[str, Tensor]) -> dict[str, Tensor]:
    """What a run keeps of each example, small enough to be recorded, enough for `measure`."""
    if config.task == "clutter":
        answer = _scores(config, model, part["image"]).argmax(dim=-1)
        return {"answer": answer.to(torch.uint8), "label": part["label"].to(torch.uint8)}
    if config.task == "crop":
        assert isinstance(model, modules.CropFinder)
        end = {"stride": model.log_stride.exp(), "std": model.log_std.exp()}
        return end | {"mean": model.mean, "target": model.target}
    truth = part["box"]
    overlap = _shared(box := follow(config, model, part), truth) / _joined(box, truth)
    return {"overlap": overlap.half(), "visible": part["visible"]}


def follow(config: Config, model: nn.Module, part: dict[str, Tensor]) -> Tensor:
    """The boxes (batch, n_frame, 4) of a tracker, or of one of the three that learn nothing."""
    truth = part["box"]
    if config.model == "tracker":
        return model(part["frame"], truth[:, 0])[0]
    box = truth[:, :1].repeat(1, truth.shape[1], 1)
    if config.model == "velocity":  # given the first two boxes; the size stays the first one's
        step = torch.arange(truth.shape[1], device=truth.device)[:, None]
        box[..., :2] += step * (truth[:, 1:2, :2] - truth[:, :1, :2])
    if config.model == "template":
        frames, first = part["frame"].cpu().numpy(), truth[:, 0].cpu().numpy()
        found = [task.match_template(f, b) for f, b in zip(frames, first, strict=True)]
        box = torch.as_tensor(np.stack(found)).to(truth)
    return box


def measure(config: Config, predicted: dict[str, Array]) -> dict[str, Any]:
    """The numbers that are quoted, from `predict`'s arrays alone."""
    if config.task == "clutter":
        return {"error": float((predicted["answer"] != predicted["label"]).mean())}
    if config.task == "crop":
        # Found: centre within a pixel of the target's, stride within a twentieth of 1.
        half = (config.n_filter - 1) / 2
        centre = predicted["mean"] + half * predicted["stride"]
        miss = np.hypot(*(centre - predicted["target"] - half).T)
        found = (miss < 1) & (np.abs(predicted["stride"] - 1) < 0.05).all(axis=1)
        n_photo = 1 if config.tune else len(data.PHOTOGRAPHS) - 1
        rate = found.reshape(n_photo, len(DISTANCES), -1).mean(axis=(0, 2))
        return {"found": float(found.mean()), "found_by_distance": rate.round(6).tolist()}
    # Films with 0, 1, … hidden frames, one lot after the other.
    overlap = predicted["overlap"].astype(np.float64).reshape(len(HIDDEN), -1, FRAMES[1])
    visible = predicted["visible"].reshape(overlap.shape)
    gone = [overlap[k][~visible[k]].mean() for k in HIDDEN[1:]]
    kept = (overlap[:, :, FRAMES[0] - 1] > 0.3).mean(axis=1)  # two frames after the last hidden one
    return {
        "iou_20": float(overlap[0, :, 1 : FRAMES[0]].mean()),
        "iou_40": float(overlap[0, :, FRAMES[0] :].mean()),
        "iou_by_frame": overlap[0].mean(axis=0).round(4).tolist(),
        "iou_while_hidden": np.round(gone, 4).tolist(),
        "kept_after_hidden": kept.round(4).tolist(),
    }
