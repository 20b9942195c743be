"""What does a product cost? ``python -m attn_course.training soft_hard.products``.

Three tasks. product-MODEL-N: the product of N numbers, by nets that add and nets that multiply.
mix-MODEL: four outputs, two of which add a pair of numbers while two multiply one. steer-MODEL:
an image under a filter that is turned by a given angle. The learning rate of an arm is the best of
its arms -tune-RATE, which have draws and initial weights of their own.
"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from attn_course._typing import Array
from attn_course.preliminaries.modules import Dense
from attn_course.soft_hard.functional import add_or_multiply, dynamic_filter, product_weights

MECHANISM = "soft_hard.products"
DATA = ()
BOX, SHELL = 2.0, 3.0  # factors are drawn from [-2, 2]; the shell is what [-3, 3] has besides
PAIRS = ("add", "multiply", "multiply", "add")  # what mix asks of each pair of its eight numbers
RANGE, BEYOND = (0.5, 2.0), (2.0, 3.0)  # of these numbers, and where they were never drawn from
KERNEL, SIDE, WIDTH = 9, 24, 1.5  # steer: pixels of the filter and of the image, std of the filter
NUDGE = 1e-6  # a learning rate that leaves the constructed weights nearly alone
CONTRAST = 3.0  # steer: the images that were never drawn have three times the contrast


@dataclass(frozen=True)
class Config:
    """Settings of a run; `--set name=value` changes one."""

    task: str = "product"  # product, mix or steer
    model: str = "shallow"  # one of MODELS[task], or constructed
    n_factor: int = 2  # numbers to multiply
    n_parameter: int = 1_000  # of the nets that are compared at equal sizes
    scale: float = 0.1  # of the constructed net
    shift: float = 1.0  # of the softplus of the nets with 2^N units
    tune: bool = False  # draws and initial weights of their own, to choose the rate with
    n_example: int = 500
    batch: int = 128
    n_update: int = 1_500
    lr: float = 1e-2
    warm_up: int = 50
    clip: float = 1.0
    dtype: str = "float64"


MODELS = {
    "product": ("shallow", "deep", "multiplicative", "exact"),
    "mix": ("learned", "additive", "multiplicative", "dense"),
    "steer": ("dynamic", "additive", "fixed"),
}
N_FACTOR = (2, 3, 4, 5)
RATES = {
    "product": (1e-2, 3e-2, 1e-1, 3e-1, 1.0),
    "mix": (1e-2, 3e-2, 1e-1),
    "steer": (1e-2, 3e-2, 1e-1, 3e-1),
}
LR = {  # of each arm the best of the rates tried
    "product-shallow": (0.3, 0.3, 0.3, 0.3),
    "product-deep": (0.1, 0.03, 0.03, 0.03),
    "product-multiplicative": (0.03, 0.1, 0.1, 0.03),
    "product-exact": (1.0, 0.03, 0.3, 0.3),
    "mix-learned": (0.1,),
    "mix-additive": (0.01,),
    "mix-multiplicative": (0.01,),
    "mix-dense": (0.1,),
    "steer-dynamic": (0.3,),
    "steer-additive": (0.1,),
    "steer-fixed": (0.3,),
}


def _arms() -> dict[str, dict[str, Any]]:
    plain: dict[str, dict[str, Any]] = {}
    for model, n in itertools.product(MODELS["product"], N_FACTOR):
        plain[f"product-{model}-{n}"] = {"task": "product", "model": model, "n_factor": n}
    for model in MODELS["mix"]:
        plain[f"mix-{model}"] = {"task": "mix", "model": model, "batch": 64}
    for model in MODELS["steer"]:
        change = {"n_parameter": 2_750, "batch": 16, "n_update": 1_000, "n_example": 32}
        plain[f"steer-{model}"] = {"task": "steer", "model": model, "dtype": "float32"} | change
    rates = itertools.chain.from_iterable(LR.values())
    arms = {name: plain[name] | {"lr": lr} for name, lr in zip(plain, rates, strict=True)}
    for n in N_FACTOR:  # the net of exactly 2^N units, started at the constructed weights
        exact = arms[f"product-exact-{n}"]
        arms[f"product-constructed-{n}"] = exact | {"model": "constructed"}
        arms[f"product-nudged-{n}"] = exact | {"model": "constructed", "lr": NUDGE}
    arms["product-shallow-5-long"] = arms["product-shallow-5"] | {"n_update": 15_000}
    arms["product-deep-5-long"] = arms["product-deep-5"] | {"n_update": 15_000}
    for name, change in plain.items():
        for lr in RATES[name.split("-")[0]]:
            arms[f"{name}-tune-{lr}"] = change | {"lr": lr, "tune": True}
    return arms


ARMS = _arms()
PRESETS: dict[str, dict[str, Any]] = {
    "smoke": {"n_update": 30, "n_example": 8, "batch": 16},
    "book": {},
    "paper": {},
}


def configure(preset: str, arm: str) -> Config:
    """Settings of an arm at a preset."""
    return replace(Config(), **ARMS[arm] | PRESETS[preset])


# Models -----------------------------------------------------------------------------------------


class Additive(nn.Module):
    """Dense layers with a softplus between them: numbers meet only by being added."""

    def __init__(
        self, widths: tuple[int, ...], generator: torch.Generator, shift: float = 0.0
    ) -> None:
        super().__init__()
        pairs = itertools.pairwise(widths)
        self.layers = nn.ModuleList([Dense(d_in, d_out, generator) for d_in, d_out in pairs])
        self.shift = shift

    def forward(self, feature: Tensor) -> Tensor:
        """``(*batch, n_factor)`` to ``(*batch, 1)``."""
        *hidden, last = self.layers
        for layer in hidden:
            feature = softplus(layer(feature) + self.shift)
        return last(feature)


class Multiplicative(nn.Module):
    """Layers whose units are a product of two sums, a ⊙ z with both of them computed."""

    def __init__(self, n_factor: int, width: int, depth: int, generator: torch.Generator) -> None:
        super().__init__()
        pairs = list(itertools.pairwise([n_factor] + [width] * depth))
        self.gates = nn.ModuleList([Dense(d_in, d_out, generator) for d_in, d_out in pairs])
        self.layers = nn.ModuleList([Dense(d_in, d_out, generator) for d_in, d_out in pairs])
        self.readout = Dense(width, 1, generator)

    def forward(self, feature: Tensor) -> Tensor:
        """``(*batch, n_factor)`` to ``(*batch, 1)``."""
        for gate, layer in zip(self.gates, self.layers, strict=True):
            feature = gate(feature) * layer(feature)
        return self.readout(feature)


class Mixed(nn.Module):
    """Units that add, multiply, or do something between; `free` lets them choose."""

    times: Tensor

    def __init__(self, n_in: int, n_out: int, times: float, free: bool) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.full((n_out, n_in), 1 / n_in))
        start = torch.full((n_out,), times)
        if free:
            self.times = nn.Parameter(start)
        else:
            self.register_buffer("times", start)

    def forward(self, feature: Tensor) -> Tensor:
        """``(*batch, n_in)`` to ``(*batch, n_out)``."""
        return add_or_multiply(feature, self.w, self.times.clamp(0, 1))


class Steerer(nn.Module):
    """An image and an angle to an image, by one of three nets of the same size."""

    def __init__(self, kind: str, n_parameter: int, generator: torch.Generator) -> None:
        super().__init__()
        self.kind = kind
        if kind == "dynamic":  # the angle makes the filter
            width = round((n_parameter - KERNEL**2) / (3 + KERNEL**2))
            self.make = Additive((2, width, KERNEL**2), generator)
        elif kind == "fixed":
            self.kernel = nn.Parameter(torch.zeros(KERNEL, KERNEL))
        else:  # a patch of the image and the angle, side by side, through two hidden layers
            width = min(range(1, 99), key=lambda w: abs(w * (w + 86) + 1 - n_parameter))
            self.net = Additive((KERNEL**2 + 2, width, width, 1), generator)

    def forward(self, image: Tensor, angle: Tensor) -> Tensor:
        """Images ``(batch, height, width)`` and angles ``(batch,)`` to filtered images."""
        turn = torch.stack([angle.cos(), angle.sin()], dim=-1)
        if self.kind == "dynamic":
            kernel = self.make(turn).unflatten(-1, (KERNEL, KERNEL))
            return dynamic_filter(image, kernel)
        if self.kind == "fixed":
            return dynamic_filter(image, self.kernel.expand(len(image), -1, -1))
        patch = image.unfold(1, KERNEL, 1).unfold(2, KERNEL, 1).flatten(-2)
        both = [patch, turn[:, None, None].expand(*patch.shape[:3], 2)]
        return self.net(torch.cat(both, dim=-1)).squeeze(-1)


def build(config: Config, generator: torch.Generator) -> nn.Module:
    """The model with its initial weights, a function of the generator's seed alone."""
    if config.tune:
        generator = torch.Generator().manual_seed(1_000 + generator.initial_seed())
    if config.task == "steer":
        return Steerer(config.model, config.n_parameter, generator)
    if config.task == "mix":
        n_in, n_out = 2 * len(PAIRS), len(PAIRS)
        if config.model == "dense":  # as many weights as the units that choose
            return Additive((n_in, 3, n_out), generator)
        times = {"learned": 0.5, "additive": 0.0, "multiplicative": 1.0}[config.model]
        return Mixed(n_in, n_out, times, free=config.model == "learned")
    n, size = config.n_factor, config.n_parameter
    if config.model == "multiplicative":
        depth = math.ceil(math.log2(n))
        count = lambda w: 2 * (n + 1) * w + 2 * (depth - 1) * (w + 1) * w + w + 1  # noqa: E731
        return Multiplicative(n, _nearest(count, size), depth, generator)
    if config.model == "deep":
        width = _nearest(lambda w: (n + 1) * w + 2 * (w + 1) * w + w + 1, size)
        return Additive((n, width, width, width, 1), generator)
    if config.model == "shallow":
        return Additive((n, _nearest(lambda w: (n + 2) * w + 1, size), 1), generator)
    net = Additive((n, 2**n, 1), generator, config.shift)
    if config.model == "constructed":
        hidden, out = product_weights(n, config.scale, config.shift, dtype=torch.float64)
        zero = torch.zeros(2**n), torch.zeros(1)
        weights = dict(zip(net.state_dict(), (hidden, zero[0], out[None], zero[1]), strict=True))
        net.double().load_state_dict(weights)
    return net


def _nearest(count: Any, size: int) -> int:
    """The width whose count of parameters is nearest to a size."""
    return min(range(1, 1_000), key=lambda width: abs(count(width) - size))


# Batches ----------------------------------------------------------------------------------------


def batch(config: Config, seed: int, update: int) -> dict[str, Array]:
    """Arrays for one update, a function of the seed and the update's number alone."""
    return _draw(np.random.default_rng([seed, update, config.tune]), config, config.batch, False)


def _draw(rng: np.random.Generator, config: Config, n: int, far: bool) -> dict[str, Array]:
    """Inputs and what is wanted, from where the nets are trained or from outside of it."""
    if config.task == "mix":
        x = rng.uniform(*(BEYOND if far else RANGE), (n, len(PAIRS), 2))
        wanted = np.where(np.array(PAIRS) == "add", x.sum(axis=-1), x.prod(axis=-1))
        return {"feature": x.reshape(n, -1), "wanted": wanted}
    if config.task == "steer":
        angle = rng.uniform(0, 2 * np.pi, n)
        image = rng.standard_normal((n, SIDE, SIDE)) * (CONTRAST if far else 1.0)
        views = np.lib.stride_tricks.sliding_window_view(image, (KERNEL, KERNEL), axis=(1, 2))
        wanted = np.einsum("nyxij,nij->nyx", views, steered(angle), optimize=True)
        return {"feature": image, "angle": angle, "wanted": wanted}
    x = rng.uniform(-BOX, BOX, (n, config.n_factor))
    if far:  # drawn again until one factor at least is off the box
        x = rng.uniform(-SHELL, SHELL, (40 * n, config.n_factor))
        x = x[np.abs(x).max(axis=1) > BOX][:n]
    return {"feature": x, "wanted": x.prod(axis=1, keepdims=True)}


def steered(angle: Array) -> Array:
    """The filters that are wanted, (n, 9, 9): a bar detector turned by each angle.

    The second derivative of a Gaussian along the direction of the angle, less a first derivative,
    so that a turn by half a circle is told from none.
    """
    step = (np.arange(KERNEL) - KERNEL // 2) / WIDTH
    along = step * np.cos(angle)[:, None, None] + step[:, None] * np.sin(angle)[:, None, None]
    bell = np.exp(-(step**2 + step[:, None] ** 2) / 2)
    kernel = (along**2 - 1 + along) * bell
    return kernel / np.sqrt(np.square(kernel).sum(axis=(1, 2), keepdims=True))


def examples(config: Config, subset: bool) -> Iterator[dict[str, Array]]:
    """Two batches, from inside and from outside; others than those that rates are chosen with."""
    for far in (False, True):
        rng = np.random.default_rng([2016, far, config.tune])
        yield _draw(rng, config, config.n_example, far) | {"far": np.full(config.n_example, far)}


# Losses and measures ----------------------------------------------------------------------------


def _said(config: Config, model: nn.Module, part: dict[str, Tensor]) -> Tensor:
    if config.task == "steer":
        return model(part["feature"], part["angle"])
    return model(part["feature"])


def loss(config: Config, model: nn.Module, part: dict[str, Tensor], done: float) -> Tensor:
    """Squared error over the mean square of what is wanted, for each example."""
    error = (_said(config, model, part) - part["wanted"]).square().flatten(1).mean(dim=1)
    if config.task == "product":
        return error / (BOX**2 / 3) ** config.n_factor
    return error


def predict(config: Config, model: nn.Module, part: dict[str, Tensor]) -> dict[str, Tensor]:
    """Squares of errors and of what is wanted, example by example; what the units chose."""
    said, wanted = _said(config, model, part), part["wanted"]
    found = {"error": said - wanted, "wanted": wanted}
    squares = {k: v.square().flatten(1).mean(dim=1).double() for k, v in found.items()}
    if isinstance(model, Mixed):
        squares["times"] = model.times.clamp(0, 1).double()
    return squares | {"far": part["far"]}


def measure(config: Config, predicted: dict[str, Array]) -> dict[str, Any]:
    """Relative errors, root mean square over root mean square, where trained and outside."""
    far = predicted["far"]
    ratio = [
        predicted["error"][far == k].mean() / predicted["wanted"][far == k].mean() for k in (0, 1)
    ]
    result: dict[str, Any] = dict(zip(("inside", "outside"), np.sqrt(ratio).tolist(), strict=True))
    if "times" in predicted:
        result["times"] = predicted["times"][: len(PAIRS)].round(4).tolist()
    return result
