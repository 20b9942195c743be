"""How the runs on a grid of patches are made: soft against hard, and looking against recognising.

A digit lies somewhere on a canvas of 60 × 60 among pieces of other digits. There are 25 places to
look, overlapping patches of 28 × 28. One network serves all arms: a locator that sees the canvas
averaged down gives every patch a score, a reader makes features of a patch, a classifier reads the
features. The arms differ in which patches are read, and in what teaches the locator:

soft          all, their features averaged with the softmax of the scores; its own gradient
hard          one, drawn from that softmax; the score function, with a learned baseline
gumbel        one, drawn alike; the gradient of a relaxed draw, "straight through"
uniform       all, averaged with equal weights; nothing
random        one, drawn evenly; nothing
oracle        the one that covers most of the digit; nothing
retrained     one, the likeliest of the locator that `hard` of the same seed ends with

"retrained" first repeats `hard`, then teaches its reader and classifier, which start afresh where
those of all arms start, on the canvases that all arms see.
"""

import math
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

MECHANISM = "soft_hard.patches"
DATA = ("mnist",)
SIDE, PATCH, STRIDE = 60, 28, 8  # of the canvas, of a patch, from one patch to the next
COARSE = 4  # the locator sees means over blocks of 4 × 4
COVERED = 0.8  # share of the digit's ink from which on a patch is said to cover it
PATCHES = task.patch_corners(SIDE, PATCH, STRIDE)
N_PATCH = len(PATCHES)


@dataclass(frozen=True)
class Config:
    """Settings of a run; `--set name=value` changes one."""

    model: str = "soft"  # one of MODELS
    d_locator: int = 64  # width of the locator
    d_feature: int = 96  # features of a patch
    d_hidden: int = 64  # width of the classifier
    entropy: float = 0.05  # weight of the scores' entropy, hard only
    baseline: bool = True  # whether a learnt baseline is taken off the cost, hard only
    temperature: float = 1.0  # of the relaxed draw, gumbel only
    n_train: int = 60_000  # digits to train on, the first of MNIST; below 1,000 of the shipped
    n_example: int = 10_000  # test digits
    tune: bool = False  # evaluate on training digits set aside, the last 10,000
    batch: int = 128
    n_update: int = 2_800  # steps of gradient descent
    lr: float = 4e-3  # an arm has its own, of LR
    first_lr: float = 4e-3  # of the locator that "retrained" starts with: that of "hard"
    warm_up: int = 50
    clip: float = 1.0
    dtype: str = "float32"


MODELS = ("soft", "hard", "gumbel", "uniform", "random", "oracle", "retrained")
READS_ALL = ("soft", "uniform")  # at inference; gumbel reads all while it learns
LEARNT = ("soft", "hard", "gumbel")  # whose locator learns
TOP = (1, 2, 4, 8)  # as many patches is "soft" read with besides all
RATES = (2e-3, 4e-3, 8e-3, 1.6e-2)
# The best of RATES on digits set aside, after 700 updates ("hard": after all of them). "retrained"
# takes that of "oracle".
LR = {
    "soft": 8e-3,
    "hard": 4e-3,
    "gumbel": 8e-3,
    "uniform": 1.6e-2,
    "random": 4e-3,
    "oracle": 8e-3,
}


def _arms() -> dict[str, dict[str, Any]]:
    arms: dict[str, dict[str, Any]] = {name: {"model": name, "lr": lr} for name, lr in LR.items()}
    arms["retrained"] = {"model": "retrained", "lr": LR["oracle"], "first_lr": LR["hard"]}
    arms["hard-no-baseline"] = arms["hard"] | {"baseline": False}
    arms["hard-no-entropy"] = arms["hard"] | {"entropy": 0.0}
    for name in LR:
        for lr in RATES:
            # After 700 updates the score function is still looking for the digit.
            n_update = 2_800 if name == "hard" else 700
            tuned = {"n_train": 50_000, "n_update": n_update, "tune": True}
            arms[f"{name}-tune-{lr}"] = {"model": name, "lr": lr} | tuned
    return arms


ARMS = _arms()
PRESETS: dict[str, dict[str, Any]] = {
    "smoke": {"n_train": 500, "n_example": 64, "batch": 16, "n_update": 30, "d_feature": 24},
    "book": {},
    "paper": {
        "d_locator": 256,
        "d_feature": 512,
        "d_hidden": 256,
        "n_update": 100_000,
        "lr": 1e-3,
        "first_lr": 1e-3,
    },
}


def configure(preset: str, arm: str) -> Config:
    """Settings of an arm at a preset."""
    return replace(Config(), **ARMS[arm] | PRESETS[preset])


# The network ------------------------------------------------------------------------------------


class Locator(nn.Module):
    """From a canvas to a score for every patch, and to the loss it expects (the baseline)."""

    def __init__(self, d_locator: int, generator: torch.Generator) -> None:
        super().__init__()
        self.hidden = Dense((SIDE // COARSE) ** 2, d_locator, generator)
        self.score = Dense(d_locator, N_PATCH, generator)
        self.baseline = Dense(d_locator, 1, generator)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Canvases (batch, 60, 60) to scores (batch, 25) and baselines (batch,)."""
        coarse = nn.functional.avg_pool2d(image[:, None], COARSE).flatten(1)
        hidden = self.hidden(coarse).relu()
        return self.score(hidden), self.baseline(hidden.detach())[:, 0]


class PatchNetwork(nn.Module):
    """Locator, reader and classifier; what is read is the caller's choice."""

    def __init__(self, config: Config, generator: torch.Generator) -> None:
        super().__init__()
        self.locator = Locator(config.d_locator, generator)
        self.reader = Dense(PATCH**2, config.d_feature, generator)
        self.hidden = Dense(config.d_feature, config.d_hidden, generator)
        self.answer = Dense(config.d_hidden, 10, generator)
        self.seed = generator.initial_seed()
        self.located: Tensor
        self.register_buffer("located", torch.tensor(config.model != "retrained"))

    def read(self, patch: Tensor) -> Tensor:
        """Patches (..., 28, 28) to features (..., d_feature)."""
        return self.reader(patch.flatten(-2)).relu()

    def classify(self, feature: Tensor) -> Tensor:
        """Features (batch, d_feature) to a score for every digit."""
        return self.answer(self.hidden(feature).relu())

    def all_features(self, image: Tensor) -> Tensor:
        """Features of all patches, (batch, 25, d_feature)."""
        return self.read(_grid(image).flatten(1, 2))

    def one_feature(self, image: Tensor, choice: Tensor) -> Tensor:
        """Features of the chosen patches, (batch, d_feature): nothing else is read."""
        return self.read(chosen_patch(image, choice))


def _grid(image: Tensor) -> Tensor:
    """All patches, (batch, 5, 5, 28, 28), a view."""
    return image.unfold(1, PATCH, STRIDE).unfold(2, PATCH, STRIDE)


def chosen_patch(image: Tensor, choice: Tensor) -> Tensor:
    """From canvases (batch, 60, 60) the patches (batch, 28, 28) of the numbers (batch,)."""
    grid = _grid(image)
    n = grid.shape[2]
    return grid[torch.arange(len(image), device=image.device), choice // n, choice % n]


def build(config: Config, generator: torch.Generator) -> nn.Module:
    """The network with its initial weights, a function of the generator alone.

    All arms start from the same weights. What an arm does not use is not trained.
    """
    model = PatchNetwork(config, generator)
    model.locator.requires_grad_(config.model in LEARNT)
    model.locator.baseline.requires_grad_(config.model == "hard" and config.baseline)
    return model


# Batches ----------------------------------------------------------------------------------------


def batch(config: Config, seed: int, update: int) -> dict[str, Array]:
    """Arrays for one update, a function of the seed and the update's number alone."""
    rng = np.random.default_rng([seed, update])
    image, label = (part[: config.n_train] for part in _digits("train", config.n_train < 1_000))
    # Each epoch is its own shuffle: update u reads the next stretch of its epoch's order.
    per_epoch = len(image) // config.batch
    order = _order(len(image), seed, update // per_epoch)
    chosen = order[update % per_epoch * config.batch :][: config.batch]
    return _scenes(rng, rng, image[chosen], label[chosen], image)


def examples(config: Config, subset: bool) -> Iterator[dict[str, Array]]:
    """Batches to evaluate on, the same for every seed; `subset` takes the shipped data only."""
    rng, noise = np.random.default_rng(20_171_014), np.random.default_rng(0)
    split = slice(-10_000, None) if config.tune else slice(config.n_example)
    digits, labels = _digits("train" if config.tune else "test", subset)
    image, label = digits[split], labels[split]
    for i in range(0, len(image), 250):
        part = slice(i, i + 250)
        yield _scenes(rng, noise, image[part], label[part], digits)


def _scenes(
    rng: np.random.Generator, draw: np.random.Generator, digit: Array, label: Array, pool: Array
) -> dict[str, Array]:
    """Canvases, what a perfect pointer would know of them, and the noise of a draw.

    The patch with the greatest score + noise is a draw from the softmax of the scores.
    """
    image, corner = task.strew(rng, digit, pool, SIDE)
    cover = task.coverage(digit, corner, PATCHES, PATCH)
    return {
        "image": image,
        "label": label.astype(np.int64),
        "cover": cover,
        "oracle": task.best_patch(cover, corner, PATCHES),
        "noise": draw.gumbel(size=(len(digit), N_PATCH)).astype(np.float32),
    }


@lru_cache(4)
def _digits(split: str, subset: bool) -> tuple[Array, Array]:
    return data.mnist(split, subset=subset)


@lru_cache(2)
def _order(n: int, seed: int, epoch: int) -> Array:
    return np.random.default_rng([seed, epoch, 0]).permutation(n)


# Loss -------------------------------------------------------------------------------------------


def loss(config: Config, model: nn.Module, part: dict[str, Tensor], done: float) -> Tensor:
    """Cross entropy of each example, and for "hard" what teaches its locator and its baseline."""
    assert isinstance(model, PatchNetwork)
    if not model.located:
        locate(config, model)
    image, label, noise = part["image"], part["label"], part["noise"]
    if config.model == "hard":
        score, baseline = model.locator(image)
        if not config.baseline:
            baseline = torch.zeros_like(baseline)
        choice = (score + noise).argmax(dim=-1)
        cost = _cross_entropy(model.classify(model.one_feature(image, choice)), label)
        return cost + score_function_loss(score, choice, cost, baseline, config.entropy)
    if config.model == "gumbel":
        score, _ = model.locator(image)
        relaxed = ((score + noise) / config.temperature).softmax(dim=-1)
        drawn = nn.functional.one_hot(relaxed.argmax(dim=-1), N_PATCH).to(relaxed)
        weight = drawn + relaxed - relaxed.detach()  # one patch forwards, all of them backwards
        feature = _mean(weight, model.all_features(image))
    else:
        feature = glimpse(config, model, part)[0]
    return _cross_entropy(model.classify(feature), label)


def score_function_loss(
    score: Tensor, choice: Tensor, cost: Tensor, baseline: Tensor, entropy: float
) -> Tensor:
    """Whose gradient in the scores is an unbiased one of the expected cost, less the entropy's.

    The gradient of log p(choice) times what the cost exceeds the baseline by; the baseline itself
    learns to expect the cost.
    """
    log_p = score.log_softmax(dim=-1)
    surprise = (cost - baseline).detach()
    teach = surprise * log_p.gather(-1, choice[:, None])[:, 0]
    expect = 0.5 * (cost.detach() - baseline).square()
    return teach + expect + entropy * (log_p.exp() * log_p).sum(dim=-1)


def _cross_entropy(score: Tensor, label: Tensor) -> Tensor:
    return nn.functional.cross_entropy(score, label, reduction="none")


def _mean(weight: Tensor, feature: Tensor) -> Tensor:
    return (weight[:, None] @ feature)[:, 0]


def glimpse(
    config: Config, model: PatchNetwork, part: dict[str, Tensor]
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """What is read without a draw of its own: features, the patch most looked at, its weight."""
    image = part["image"]
    if config.model == "uniform":
        return model.all_features(image).mean(dim=1), None, None
    if config.model in ("random", "oracle"):
        choice = part["oracle"] if config.model == "oracle" else part["noise"].argmax(dim=-1)
        return model.one_feature(image, choice), choice, None
    weight = model.locator(image)[0].softmax(dim=-1)
    most, choice = weight.max(dim=-1)
    if config.model == "soft":
        return _mean(weight, model.all_features(image)), choice, most
    return model.one_feature(image, choice), choice, most


def locate(config: Config, model: PatchNetwork) -> None:
    """Give a network the locator that the arm "hard" of the same seed ends with, to the last bit.

    A network that was not trained yet stands where "hard" starts, so a copy of it is trained as
    the training loop would, in one go; from then on the locator is a part of every saved state.
    """
    first = replace(config, model="hard", lr=config.first_lr)
    like = model.answer.w
    copy = build(first, torch.Generator().manual_seed(model.seed)).to(like)
    assert isinstance(copy, PatchNetwork)
    weights = [p for p in copy.parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(weights, lr=first.lr)
    for update in range(first.n_update):
        rise = min(1.0, (update + 1) / (first.warm_up + 1))
        fall = (1 + math.cos(math.pi * update / first.n_update)) / 2
        optimiser.param_groups[0]["lr"] = first.lr * (rise * fall)
        arrays = batch(first, model.seed, update).items()
        part = {k: torch.from_numpy(v).to(like.device) for k, v in arrays}
        part = {k: v.to(like.dtype) if v.is_floating_point() else v for k, v in part.items()}
        cost = loss(first, copy, part, update / first.n_update).sum() / len(part["label"])
        optimiser.zero_grad()
        cost.backward()
        if first.clip:
            nn.utils.clip_grad_norm_(weights, first.clip)
        optimiser.step()
    model.locator.load_state_dict(copy.locator.state_dict())
    model.located.fill_(True)


# Evaluation -------------------------------------------------------------------------------------


def predict(config: Config, model: nn.Module, part: dict[str, Tensor]) -> dict[str, Tensor]:
    """What a run keeps of each example, small enough to be recorded, enough for `measure`."""
    assert isinstance(model, PatchNetwork)
    feature, choice, weight = glimpse(config, model, part)
    image, best = part["image"], part["oracle"]
    kept = {"answer": model.classify(feature).argmax(dim=-1), "label": part["label"]}
    kept["oracle_answer"] = model.classify(model.one_feature(image, best)).argmax(dim=-1)
    if choice is not None:
        kept["one_answer"] = model.classify(model.one_feature(image, choice)).argmax(dim=-1)
        kept["chosen"] = choice
    kept = {name: number.to(torch.uint8) for name, number in kept.items()}
    if choice is not None:
        kept["cover"] = part["cover"].gather(-1, choice[:, None])[:, 0].half()
    if weight is not None:
        kept["weight"] = weight.half()
    if config.model == "soft":
        kept["top_answer"] = _top_answers(model, image)
    kept["best_cover"] = part["cover"].gather(-1, best[:, None])[:, 0].half()
    return kept


def _top_answers(model: PatchNetwork, image: Tensor) -> Tensor:
    """Answers (batch, len(TOP)) where only so many patches of the greatest weights are averaged."""
    score, feature = model.locator(image)[0], model.all_features(image)
    answers = []
    for k in TOP:
        last = score.topk(k, dim=-1).values[:, -1:]
        weight = score.masked_fill(score < last, -math.inf).softmax(dim=-1)
        answers.append(model.classify(_mean(weight, feature)).argmax(dim=-1))
    return torch.stack(answers, dim=-1).to(torch.uint8)


def measure(config: Config, predicted: dict[str, Array]) -> dict[str, Any]:
    """The numbers that are quoted, from `predict`'s arrays alone.

    ==================  ==========================================================================
    error               share of canvases answered wrongly
    oracle_error        the same reader and classifier, shown the patch that covers most
    one_error           the same, shown only the patch most looked at
    covered             share of canvases whose patch most looked at covers the digit
    error_covered       share of wrong answers among those
    error_missed        and among the others; None where there are no others
    part_covered        error = part_covered + part_missed: what is wrong though it was looked at,
    part_missed         and what is wrong and was not
    perfect_error       of a reader that is right if, and only if, the patch covers the digit
    perfect_oracle      of the same reader, shown the patch that covers most
    weight              mean weight of the patch most looked at
    top_error           of "soft" where it averages only the 1, 2, 4, 8 patches of most weight
    operations          multiplications at inference, for one canvas
    ==================  ==========================================================================
    """
    label = predicted["label"]
    wrong = predicted["answer"] != label
    result: dict[str, Any] = {
        "error": float(wrong.mean()),
        "oracle_error": float((predicted["oracle_answer"] != label).mean()),
        "perfect_oracle": float((predicted["best_cover"] < COVERED).mean()),
        "operations": sum(operations(config).values()),
    }
    if "chosen" in predicted:
        covered = predicted["cover"] >= COVERED
        result["one_error"] = float((predicted["one_answer"] != label).mean())
        result["covered"] = float(covered.mean())
        result["error_covered"] = float(wrong[covered].mean()) if covered.any() else None
        result["error_missed"] = float(wrong[~covered].mean()) if not covered.all() else None
        result["part_covered"] = float((wrong & covered).mean())
        result["part_missed"] = float((wrong & ~covered).mean())
        result["perfect_error"] = float((~covered).mean())
    if "weight" in predicted:
        result["weight"] = float(predicted["weight"].mean(dtype=np.float64))
    if "top_answer" in predicted:
        result["top_error"] = (predicted["top_answer"] != label[:, None]).mean(axis=0).tolist()
    return result


def operations(config: Config) -> dict[str, int]:
    """Multiplications at inference for one canvas, part by part; sums and bells come on top."""
    n_read = N_PATCH if config.model in READS_ALL else 1
    locator = config.d_locator * ((SIDE // COARSE) ** 2 + N_PATCH)
    return {
        "locator": locator if config.model in (*LEARNT, "retrained") else 0,
        "reader": n_read * PATCH**2 * config.d_feature,
        "mean": n_read * config.d_feature if n_read > 1 else 0,
        "classifier": config.d_hidden * (config.d_feature + 10),
    }
