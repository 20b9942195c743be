"""A caption, word by word, from the regions of a picture: Xu et al. 2015, on emoji.

``python -m attn_course.training families.regions``. Two to four emoji, each by one of two artists,
lie on a canvas of 96 × 96: each in a cell of its own of a grid of 3 × 3, shifted within it. The
caption names them in reading order: row by row, and from the left within a row. Of the pairs of
names a fifth never meet in training: five of each name for the test, where each picture has one at
least, and four to choose rates with. A convolutional encoder makes 12 × 12 regions, a GRU says the
words. The arms differ in what it sees of the regions. soft: their mean, weighted by the attention.
soft-penalty: the same, with a penalty for regions that are not looked at once in all. hard: one,
drawn from the weights, by the score function with a learned baseline and an entropy; at the test
the one of most weight. mean: their plain mean. shuffled: their mean, weighted by the attention to
another picture of the batch. The first half of its training hard sees as soft does. In every arm
the encoder learns besides to say which things there are, by the maxima over all regions, and is not
told where: the paper's encoder, too, had learned to see before.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot

from attn_course import data
from attn_course._typing import Array
from attn_course.families.functional import doubly_stochastic_penalty
from attn_course.families.modules import RegionAttention
from attn_course.preliminaries.modules import Dense, GruCell

MECHANISM = "families.regions"
DATA = ("few-emoji",)
NAMES = data.EMOJI
PADDING, START, END = 0, 1, 2  # names from 3
N_TOKEN = 3 + len(NAMES)
LONGEST = 4  # names in a caption
SIDE, CELL, EMOJI, REGION = 96, 32, 24, 8  # of the canvas, a cell, an emoji, a region, in pixels
GRID = SIDE // REGION
NOISE = 0.15  # greatest std of a background's pixels, where black is 0 and white 1
FIT = 0.01  # weight of the squares that the baseline of hard is fitted by
N_MAP = 20  # pictures whose weights are kept
TEST, TUNING, TRAINING = range(3)
APART = ((7, 19, 24), (5, 11))  # seats between two names that meet in the test, and in tuning


@dataclass(frozen=True)
class Config:
    """Settings of a run; `--set name=value` changes one."""

    model: str = "soft"  # or hard, mean, shuffled
    penalty: float = 0.0  # lambda of the doubly stochastic penalty
    as_soft: float = 0.5  # share of the updates, the first, in which hard sees as soft does
    lesson: float = 1.0  # weight of saying which things there are
    entropy: float = 0.02  # weight of the weights' entropy, hard only
    width: int = 128  # of the decoder
    d_region: int = 64
    tune: bool = False  # measured on other combinations, to choose the rate with
    n_example: int = 1_000
    batch: int = 32
    n_update: int = 4_000
    lr: float = 2e-3
    warm_up: int = 100
    clip: float = 5.0
    dtype: str = "float32"


MODELS: dict[str, dict[str, Any]] = {
    "soft": {},
    "soft-penalty": {"penalty": 1.0},
    "hard": {"model": "hard"},
    "mean": {"model": "mean"},
    "shuffled": {"model": "shuffled"},
}
RATES = (1e-3, 2e-3, 4e-3)
LR: dict[str, float] = {}  # of each arm the best of the rates tried


def _arms() -> dict[str, dict[str, Any]]:
    arms = {name: change | {"lr": LR.get(name, Config().lr)} for name, change in MODELS.items()}
    for (name, change), lr in itertools.product(MODELS.items(), RATES):
        arms[f"{name}-tune-{lr}"] = change | {"lr": lr, "tune": True}
    return arms


ARMS = _arms()
BOOK = tuple(MODELS)  # to record; other rates have not been tried
PRESETS: dict[str, dict[str, Any]] = {
    "smoke": {"n_update": 30, "n_example": 40, "batch": 16, "warm_up": 5},
    "book": {},
    "paper": {},
}


def configure(preset: str, arm: str) -> Config:
    """Settings of an arm at a preset."""
    return replace(Config(), **ARMS[arm] | PRESETS[preset])


# Pictures ---------------------------------------------------------------------------------------


def pair_table() -> Array:
    """Where two kinds may meet, ``(n_kind, n_kind)``: TEST, TUNING or TRAINING alone.

    The names sit round a table: who may not meet in training is a matter of how far apart they sit,
    so that each has five for the test and four for tuning.
    """
    seat = np.arange(len(NAMES))
    apart = abs(seat[:, None] - seat)
    apart = np.minimum(apart, len(NAMES) - apart)
    return np.select([np.isin(apart, APART[TEST]), np.isin(apart, APART[TUNING])], (0, 1), TRAINING)


PAIRS = pair_table()


@cache
def sprites() -> Array:
    """The emoji of `NAMES`, ``(2, n_kind, 24, 24, 4)``, from 0 to 1."""
    return data.few_emoji().astype(np.float32) / 255


def drawn(rng: np.random.Generator, n_example: int, part: int) -> dict[str, Array]:
    """Pictures whose most restricted pair belongs to `part`, with their captions.

    `image` is ``(n_example, 3, 96, 96)`` about zero, `target` has the words with END behind them,
    `corner` the upper left pixel (x, y) of each emoji in the order of the words, `uniform` numbers
    to draw regions with.
    """
    art = sprites()
    colour = rng.random((n_example, 1, 1, 3), dtype=np.float32)
    std = NOISE * rng.random((n_example, 1, 1, 1), dtype=np.float32)
    noise = rng.standard_normal((n_example, SIDE, SIDE, 1), dtype=np.float32)
    image = (colour + std * noise).clip(0, 1)
    target = np.zeros((n_example, LONGEST + 1), int)
    corner = np.zeros((n_example, LONGEST, 2), int)
    for canvas, words, place in zip(image, target, corner, strict=True):
        kinds = _kinds(rng, int(rng.integers(2, LONGEST + 1)), part)
        cell = np.sort(rng.permutation((SIDE // CELL) ** 2)[: len(kinds)])  # in reading order
        shift = rng.integers(CELL - EMOJI + 1, size=(len(kinds), 2))
        place[: len(kinds)] = CELL * np.stack([cell % 3, cell // 3], axis=1) + shift
        words[: len(kinds)], words[len(kinds)] = kinds + 3, END
        for kind, (x, y), artist in zip(kinds, place, rng.integers(2, size=LONGEST), strict=False):
            under = canvas[y : y + EMOJI, x : x + EMOJI]
            colours, opacity = np.split(art[artist, kind], [3], axis=-1)
            under += opacity * (colours - under)
    uniform = rng.random((n_example, LONGEST + 1), dtype=np.float32)
    centred = image.transpose(0, 3, 1, 2) - np.float32(0.5)
    return {"image": centred, "target": target, "corner": corner, "uniform": uniform}


def _kinds(rng: np.random.Generator, n: int, part: int) -> Array:
    while True:
        kinds = rng.permutation(len(NAMES))[:n]
        if PAIRS[np.ix_(kinds, kinds)].min() == part:
            return kinds


def in_box(corner: Tensor) -> Tensor:
    """Regions with their centre in the boxes at ``(*batch, 2)``: bool ``(*batch, n_region)``."""
    centre = REGION * torch.arange(GRID, device=corner.device) + REGION // 2
    near = (centre >= corner[..., None]) & (centre < corner[..., None] + EMOJI)
    x, y = near.unbind(dim=-2)
    return (y[..., :, None] & x[..., None, :]).flatten(-2)


def batch(config: Config, seed: int, update: int) -> dict[str, Array]:
    """Arrays for one update, a function of the seed and the update's number alone.

    For hard, the first have -1 in the place of numbers to draw with: they are seen as by soft.
    """
    part = drawn(np.random.default_rng([seed, update, config.tune]), config.batch, TRAINING)
    if config.model == "hard" and update < config.as_soft * config.n_update:
        part["uniform"][:] = -1
    return part


def examples(config: Config, subset: bool) -> Iterator[dict[str, Array]]:
    """What is measured on, with the number of each picture; the first tenth of it if `subset`."""
    rng = np.random.default_rng([2015, 2**20, config.tune])
    n_example = config.n_example // 10 if subset else config.n_example
    for start in range(0, n_example, 100):
        part = drawn(rng, 100, TUNING if config.tune else TEST) | {"number": start + np.arange(100)}
        yield {name: each[: n_example - start] for name, each in part.items()}


# The model --------------------------------------------------------------------------------------


def _convolution(
    d_in: int, d_out: int, side: int, stride: int, generator: torch.Generator
) -> tuple[nn.Module, ...]:
    layer = nn.Conv2d(d_in, d_out, side, stride, padding=(side - stride + 1) // 2, bias=False)
    nn.init.kaiming_normal_(layer.weight, generator=generator)
    return layer, nn.GroupNorm(8, d_out), nn.ReLU()


class Captioner(nn.Module):
    """Convolutions, attention to their regions, and a GRU that says the words."""

    def __init__(self, config: Config, generator: torch.Generator) -> None:
        super().__init__()
        self.kind, width, d_region = config.model, config.width, config.d_region
        self.encoder = nn.Sequential(
            *_convolution(3, 32, 4, 4, generator),
            *_convolution(32, d_region, 3, 2, generator),
            *_convolution(d_region, d_region, 3, 1, generator),
        )
        self.place = nn.Parameter(0.5 * torch.randn(d_region, GRID, GRID, generator=generator))
        self.bind = nn.Sequential(*_convolution(d_region, d_region, 1, 1, generator))
        self.embedding = nn.Parameter(torch.randn(N_TOKEN, d_region, generator=generator))
        self.start = Dense(d_region, width, generator)
        self.attention = RegionAttention(width, d_region, d_region, generator)
        self.cell = GruCell(2 * d_region, width, generator)
        self.readout = Dense(width + 2 * d_region, N_TOKEN, generator)
        self.baseline = Dense(width, 1, generator)
        self.thing = Dense(d_region, len(NAMES), generator)

    def read(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Regions ``(batch, n_region, d_region)``, the first state, and scores of the names."""
        feature = self.encoder(image)
        region = self.bind(feature + self.place).flatten(2).mT  # what there is, and where
        there = self.thing(feature.flatten(2).amax(dim=-1))
        return region, self.start(region.mean(dim=1)).tanh(), there

    def look(
        self, hidden: Tensor, region: Tensor, uniform: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Context, weights, gate, and the region that `hard` sees: drawn, or the most weighted.

        It is -1 where nothing is drawn, since `uniform` is negative, and `hard` sees the mean.
        """
        context, weight, gate = self.attention(hidden, region)
        if uniform is None:
            choice = weight.argmax(dim=-1)
        else:
            choice = (weight.cumsum(dim=-1) <= uniform[:, None]).sum(dim=-1)
            choice = choice.clamp(max=weight.shape[-1] - 1).masked_fill(uniform < 0, -1)
        seen = weight
        if self.kind == "hard":
            one = one_hot(choice.clamp(min=0), weight.shape[-1]).to(weight)
            seen = torch.where(choice.unsqueeze(-1) < 0, weight, one)
        elif self.kind == "mean":
            seen = weight = torch.full_like(weight, 1 / weight.shape[-1])
        elif self.kind == "shuffled":
            seen = weight = weight.roll(1, dims=0)
        if self.kind != "soft":
            context = gate[:, None] * torch.einsum("br,brd->bd", seen, region)
        return context, weight, gate, choice

    def step(
        self, word: Tensor, hidden: Tensor, region: Tensor, uniform: Tensor | None
    ) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """Scores of the next words, the new state, and what there is to know of the look."""
        feature = self.embedding[word]
        context, weight, gate, choice = self.look(hidden, region, uniform)
        expected = self.baseline(hidden.detach()).squeeze(-1)
        hidden = self.cell(torch.cat([feature, context], dim=-1), hidden)
        score = self.readout(torch.cat([hidden, feature, context], dim=-1))
        look = {"weight": weight, "gate": gate, "choice": choice, "baseline": expected}
        return score, hidden, look

    def forward(
        self, image: Tensor, target: Tensor, uniform: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Scores and looks, ``(batch, n_step, ...)`` each, when the teacher's words are given.

        And `there`, ``(batch, n_name)``, scores of the names for the picture as a whole.
        """
        region, hidden, there = self.read(image)
        before = torch.cat([torch.full_like(target[:, :1], START), target[:, :-1]], dim=1)
        steps = []
        for t, word in enumerate(before.unbind(dim=1)):
            draw = None if uniform is None else uniform[:, t]
            score, hidden, look = self.step(word, hidden, region, draw)
            steps.append({"score": score} | look)
        told = {name: torch.stack([s[name] for s in steps], dim=1) for name in steps[0]}
        return told | {"there": there}

    def caption(self, image: Tensor) -> Tensor:
        """The words that greedy search says, ``(batch, n_step)``."""
        region, hidden, _there = self.read(image)
        word, said = torch.full_like(image[:, 0, 0, 0], START, dtype=torch.long), []
        for _ in range(LONGEST + 1):
            score, hidden, _look = self.step(word, hidden, region, None)
            word = score.argmax(dim=-1)
            said.append(word)
        return torch.stack(said, dim=1)


def build(config: Config, generator: torch.Generator) -> nn.Module:
    """The model with its initial weights, a function of the generator's seed alone.

    All arms start alike; what an arm does not use is not trained.
    """
    model = Captioner(config, generator)
    model.baseline.requires_grad_(config.model == "hard")
    for name in ("w_query", "w_key", "v"):
        getattr(model.attention, name).requires_grad_(config.model != "mean")
    return model


# Losses and measures ----------------------------------------------------------------------------


def loss(config: Config, model: nn.Module, part: dict[str, Tensor], done: float) -> Tensor:
    """Minus log-probability of each caption, and what the arm adds to it."""
    target = part["target"]
    told = model(part["image"], target, part["uniform"])
    mask = target != PADDING
    surprise = cross_entropy(
        told["score"].mT, target, ignore_index=PADDING, reduction="none"
    )  # (batch, n_step)
    total = surprise.sum(dim=1) + config.lesson * lesson(told["there"], target)
    if config.penalty:
        total = total + config.penalty * doubly_stochastic_penalty(told["weight"], mask)
    if config.model == "hard":
        total = total + hard_terms(config, told, surprise, mask)
    return total


def lesson(there: Tensor, target: Tensor) -> Tensor:
    """Minus log-probability of each picture's names, without an order: one softmax over all names.

    With n names it is n log n at least.
    """
    chance = there.log_softmax(dim=-1)
    each = torch.take_along_dim(chance, (target - 3).clamp(min=0), dim=-1)
    return -each.masked_fill(target <= END, 0.0).sum(dim=-1)


def hard_terms(config: Config, told: dict[str, Tensor], surprise: Tensor, mask: Tensor) -> Tensor:
    """What gives the weights of drawn regions a gradient: Xu et al. 2015, eqs 11 and 12.

    A draw is rewarded with the log-probabilities of its own word and those behind it, on which
    alone it has an influence, less what the state before it led to expect.
    """
    reward = -surprise.detach().flip(1).cumsum(dim=1).flip(1)
    mask = mask & (told["choice"] >= 0)
    gain = (reward - told["baseline"]).masked_fill(~mask, 0.0)
    safe = told["weight"].clamp(min=1e-20)
    log_weight, choice = safe.log(), told["choice"].clamp(min=0).unsqueeze(-1)
    taken = torch.take_along_dim(log_weight, choice, dim=-1).squeeze(-1)
    entropy = -(safe * log_weight).sum(dim=-1).masked_fill(~mask, 0.0)
    each = FIT * gain.square() - gain.detach() * taken - config.entropy * entropy
    return each.sum(dim=1)


def predict(config: Config, model: nn.Module, part: dict[str, Tensor]) -> dict[str, Tensor]:
    """What greedy search says, and how the weights lie when the right words are given.

    For each name: the share of the weights in its emoji's box, and the most weighted region. The
    weights themselves of the first pictures.
    """
    assert isinstance(model, Captioner)
    told = model(part["image"], part["target"])
    weight = told["weight"][:, :-1]
    inside = (weight * in_box(part["corner"])).sum(dim=-1)
    return {
        "said": model.caption(part["image"]).to(torch.uint8),
        "target": part["target"].to(torch.uint8),
        "corner": part["corner"].to(torch.uint8),
        "inside": inside.half(),
        "top": weight.argmax(dim=-1).to(torch.uint8),
        "gate": told["gate"].half(),
        "map": told["weight"][part["number"] < N_MAP].half(),
    }


def measure(config: Config, predicted: dict[str, Array]) -> dict[str, Any]:
    """Shares, of captions and of names: wrong, weights in the box, most weighted region there.

    `uniform` is what even weights would have in the box, which is the box's share of the canvas;
    `gate` the mean gate when a name is to be said, `gate_end` when nothing is left to be named.
    """
    said, target = predicted["said"], predicted["target"]
    wrong = (said != target) & (target != PADDING)
    named = (target > END)[:, :-1]
    box = in_box(torch.from_numpy(predicted["corner"].astype(np.int64))).numpy()
    hit = np.take_along_axis(box, predicted["top"][..., None].astype(np.int64), axis=-1)[..., 0]
    gate = predicted["gate"].astype(np.float64)
    count = named.sum(axis=1)
    return {
        "error": float(wrong.any(axis=1).mean()),
        "word_error": float(wrong[:, :-1][named].mean()),
        "inside": float(predicted["inside"].astype(np.float64)[named].mean()),
        "uniform": float(box[named].mean()),
        "hit": float(hit[named].mean()),
        "gate": float(gate[:, :-1][named].mean()),
        "gate_end": float(gate[target == END].mean()),
        "error_of": {
            str(n): float(wrong.any(axis=1)[count == n].mean()) for n in np.unique(count).tolist()
        },
    }
