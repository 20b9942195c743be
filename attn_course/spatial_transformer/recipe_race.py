"""Which window finds its way? ``python -m attn_course.training spatial_transformer.race``.

A window of 24 by 24 is dropped on a photograph and follows its gradient to where a given crop came
from. The arms differ in how the window reads, in nothing else: the same photographs, starts, four
numbers (centre and log stride), updates, and four learning rates tried on a photograph set aside.
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
from attn_course.gaussian import task
from attn_course.gaussian.functional import centre_to_first, gaussian_glimpse
from attn_course.spatial_transformer.functional import bilinear_sample, normalised_position

MECHANISM = "spatial_transformer.race"
DATA = ("photographs",)
SIDE, GLIMPSE = 128, 24  # pixels of a photograph and of a window
HALF = (GLIMPSE - 1) / 2
DISTANCES = (2.0, 4.0, 8.0, 12.0, 16.0, 20.0, 24.0)  # centre to centre; strides are off by a tenth
SCALES = (1 / 3, 1 / 2, 2 / 3, 3 / 2, 2.0, 3.0)  # stride of the start; centres 4 pixels off
APART = 4.0  # distance at which the scales are tried
TRIANGLE = 1 / 6  # variance of the bilinear kernel, in squared pixels
BLURS = (0.75, 1.5, 3.0, 6.0)
TUNING = 0  # index into data.PHOTOGRAPHS of the one set aside
RATES = (0.03, 0.1, 0.3, 1.0)


@dataclass(frozen=True)
class Config:
    """Settings of a run; `--set name=value` changes one."""

    sampler: str = "gaussian"  # or bilinear
    std: float = 0.75  # blur at the end: of the Gaussians, or of image and triangle together
    std_start: float = 0.75  # blur at the start
    width: str = "planned"  # the std of the Gaussians: planned, free, or tied to the stride
    blur_target: bool = True  # whether the target is blurred as the window is
    tune: bool = False  # run on the photograph set aside
    n_start: int = 16  # windows for each distance and each scale on each photograph
    n_example: int = 0  # not used: all windows are evaluated
    batch: int = 0  # not used: all windows move at once
    n_update: int = 300
    lr: float = 0.3  # of the four rates the best for every arm on the photograph set aside
    warm_up: int = 0
    clip: float = 0.0
    dtype: str = "float32"


def _arms() -> dict[str, dict[str, Any]]:
    sharp = TRIANGLE**0.5  # a bilinear window on the photograph as it is
    arms: dict[str, dict[str, Any]] = {
        "gaussian": {},
        "gaussian-free": {"width": "free"},
        "gaussian-tied": {"width": "tied"},
        "bilinear": {"sampler": "bilinear", "std": sharp, "std_start": sharp},
    }
    for name, end in (("gaussian", 0.75), ("bilinear", sharp)):
        plan = {"sampler": name, "std": end, "std_start": 8.0}
        arms[f"{name}-planned"] = plan
        arms[f"{name}-planned-sharp"] = plan | {"blur_target": False}
        for blur in BLURS:
            if (name, blur) != ("gaussian", 0.75):  # that one is the first arm
                arms[f"{name}-{blur}"] = {"sampler": name, "std": blur, "std_start": blur}
    for name, change in list(arms.items()):
        for lr in RATES:
            arms[f"{name}-tune-{lr}"] = change | {"lr": lr, "tune": True, "n_start": 8}
    return arms


ARMS = _arms()
PRESETS: dict[str, dict[str, Any]] = {
    "smoke": {"n_start": 2, "n_update": 20},
    "book": {},
    "paper": {"n_start": 100},
}


def configure(preset: str, arm: str) -> Config:
    """Settings of an arm at a preset."""
    return replace(Config(), **ARMS[arm] | PRESETS[preset])


class Finder(nn.Module):
    """Windows on photographs, each fitted to its own target by gradient descent."""

    which: Tensor
    target: Tensor
    wanted: Tensor | None = None  # what the targets look like at `blur`
    blur: float | None = None

    def __init__(self, config: Config, windows: dict[str, Array]) -> None:
        super().__init__()
        start = {k: torch.as_tensor(a, dtype=torch.float32) for k, a in windows.items()}
        self.register_buffer("which", torch.as_tensor(windows["which"]))
        self.register_buffer("target", start["target"])
        self.centre = nn.Parameter(start["centre"])
        self.log_stride = nn.Parameter(start["stride"].log())
        if config.width == "free":
            self.log_std = nn.Parameter(torch.full_like(self.centre, config.std).log())


def build(config: Config, generator: torch.Generator) -> nn.Module:
    """The windows at their starts, a function of the generator's seed alone."""
    return Finder(config, _windows(config.tune, config.n_start, generator.initial_seed()))


def look(
    config: Config, photo: Tensor, which: Tensor, centre: Tensor, stride: Tensor, std: Tensor
) -> Tensor:
    """Glimpses (n, 24, 24) of windows on photographs (k, 128, 128); `std` is (n, 2)."""
    if config.sampler == "gaussian":
        mean = centre_to_first(centre, stride, GLIMPSE)
        size = (GLIMPSE, GLIMPSE)
        return gaussian_glimpse(photo[which][:, None], mean, std, stride, size)[:, 0]
    # The blur that is left to do after the triangle has done its own, on the whole photograph.
    rest = float(std[0, 0]) ** 2 - TRIANGLE
    if rest > 1e-6:
        one = photo.new_ones(len(photo), 2)
        photo = gaussian_glimpse(photo[:, None], 0 * one, rest**0.5 * one, one, (SIDE, SIDE))[:, 0]
    step = torch.arange(GLIMPSE, device=photo.device) - HALF
    place = centre[:, None, :] + stride[:, None, :] * step[:, None]  # (n, 24, 2), either axis
    x, y = (normalised_position(place[..., k], SIDE) for k in range(2))
    grid = torch.stack(torch.broadcast_tensors(x[:, None, :], y[:, :, None]), dim=-1)
    return bilinear_sample(photo[which][:, None], grid, padding="border")[:, 0]


def planned(config: Config, done: float) -> float:
    """The blur after a share of the updates: down by a fixed factor a step, then constant."""
    return config.std_start * (config.std / config.std_start) ** min(1.0, done / 0.8)


def loss(config: Config, model: nn.Module, part: dict[str, Tensor], done: float) -> Tensor:
    """Squared error of each window's glimpse; `done` is the share of the updates already made."""
    assert isinstance(model, Finder)
    photo, one = part["photo"], torch.ones_like(model.centre)
    plan = planned(config, done)
    stride = model.log_stride.exp()
    std = {"planned": plan * one, "tied": config.std * stride}.get(config.width)
    if std is None:
        std = model.log_std.exp()
    seen = look(config, photo, model.which, model.centre, stride, std)
    blur = plan if config.blur_target else config.std
    if model.wanted is None or blur != model.blur:  # a target of one blur is read once
        with torch.no_grad():
            model.wanted = look(config, photo, model.which, model.target, one, blur * one)
        model.blur = blur
    return (seen - model.wanted).square().sum(dim=(1, 2))


def batch(config: Config, seed: int, update: int) -> dict[str, Array]:
    """The photographs, whole, for every update."""
    return {"photo": _photos(config.tune)}


def examples(config: Config, subset: bool) -> Iterator[dict[str, Array]]:
    """Nothing: the windows themselves are the examples."""
    yield {}


def predict(config: Config, model: nn.Module, part: dict[str, Tensor]) -> dict[str, Tensor]:
    """Where the windows ended."""
    assert isinstance(model, Finder)
    end = {"centre": model.centre, "stride": model.log_stride.exp(), "target": model.target}
    return end | ({"std": model.log_std.exp()} if config.width == "free" else {})


def found(predicted: dict[str, Array]) -> Array:
    """Which windows arrived: centre within a pixel, both strides within a twentieth of 1."""
    miss = np.hypot(*(predicted["centre"] - predicted["target"]).T)
    return (miss < 1) & (np.abs(predicted["stride"] - 1) < 0.05).all(axis=1)


def measure(config: Config, predicted: dict[str, Array]) -> dict[str, Any]:
    """Shares of windows that arrived: over all distances, by distance, by scale."""
    n_photo = 1 if config.tune else len(data.PHOTOGRAPHS) - 1
    rate = found(predicted).reshape(n_photo, len(DISTANCES) + len(SCALES), -1).mean(axis=(0, 2))
    near, zoom = rate[: len(DISTANCES)], rate[len(DISTANCES) :]
    return {
        "found": float(near.mean()),
        "found_by_distance": near.round(6).tolist(),
        "found_by_scale": zoom.round(6).tolist(),
    }


@lru_cache(2)
def _photos(tune: bool) -> Array:
    which = [i for i in range(len(data.PHOTOGRAPHS)) if (i == TUNING) == tune]
    return np.stack([task.grey(data.PHOTOGRAPHS[i], SIDE) for i in which])


@lru_cache(2)
def _windows(tune: bool, n_start: int, seed: int) -> dict[str, Array]:
    """Starts and targets (n, 2), centres in pixels, photograph by photograph."""
    rng = np.random.default_rng([seed, tune, 1])
    target, centre, stride, which = [], [], [], []
    for i in range(len(_photos(tune))):
        goal, first, step, _ = task.crop_starts(rng, SIDE, GLIMPSE, DISTANCES, n_start)
        goals, firsts = goal + HALF, first + HALF * step
        again, near, _, _ = task.crop_starts(rng, SIDE, GLIMPSE, (APART,) * len(SCALES), n_start)
        scale = np.repeat(SCALES, n_start)[:, None] * np.ones(2)
        target += [goals, again + HALF]
        centre += [firsts, near + HALF]
        stride += [step, scale]
        which += [np.full(len(goals) + len(again), i)]
    lots = {"target": target, "centre": centre, "stride": stride, "which": which}
    return {name: np.concatenate(lot) for name, lot in lots.items()}
