"""Which scores survive growth? ``python -m attn_course.training families.width``.

Retrieval: 32 keys drawn at random, each with one of 16 classes, and a query that is a noisy copy
of one of them; wanted is the class of that one. Queries and keys go through a learned map each,
which start unrelated, and are compared by one of four scores. Arms are SCORE-WIDTH; the learning
rate of each is the best of its arms -tune-RATE, which have draws and initial weights of their own.
"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot

from attn_course._typing import Array
from attn_course.families.functional import attend, dot_score, scaled_dot_score
from attn_course.seq2seq.functional import additive_score

MECHANISM = "families.width"
DATA = ()
N_KEY, N_CLASS, NOISE = 32, 16, 0.3  # std of a query round its key, whose own numbers have std 1
N_QUERY = 8  # queries to one set of keys, to save work
SURE = 8.0  # weight on one class alone gives it a probability of 0.995


@dataclass(frozen=True)
class Config:
    """Settings of a run; `--set name=value` changes one."""

    score: str = "scaled"  # one of SCORES
    width: int = 64  # of keys, of queries, and of what the maps make of them
    tune: bool = False  # draws and initial weights of their own, to choose the rate with
    n_example: int = 250  # sets of keys that are measured
    batch: int = 8  # sets of keys
    n_update: int = 300
    lr: float = 3e-3
    warm_up: int = 20
    clip: float = 1.0
    dtype: str = "float32"


SCORES = ("dot", "scaled", "additive", "additive-unit")
WIDTHS = (32, 64, 128, 256, 1024)
RATES = (1e-3, 3e-3, 1e-2, 3e-2)
LR = {  # at each width the one of RATES with the lowest loss
    "dot": (1e-2, 1e-2, 1e-2, 3e-3, 3e-3),
    "scaled": (1e-2, 1e-2, 3e-2, 3e-2, 1e-2),
    "additive": (3e-2, 3e-2, 1e-2, 1e-2, 3e-3),
    "additive-unit": (3e-2, 1e-2, 3e-3, 1e-3, 1e-3),
}


def _arms() -> dict[str, dict[str, Any]]:
    arms: dict[str, dict[str, Any]] = {}
    for score, (i, width) in itertools.product(SCORES, enumerate(WIDTHS)):
        arms[f"{score}-{width}"] = {"score": score, "width": width, "lr": LR[score][i]}
    for (name, arm), lr in itertools.product(list(arms.items()), RATES):
        arms[f"{name}-tune-{lr}"] = arm | {"lr": lr, "tune": True}
    return arms


ARMS = _arms()
PRESETS: dict[str, dict[str, Any]] = {
    "smoke": {"n_update": 60, "n_example": 16},
    "book": {},
    "paper": {"n_update": 5_000, "batch": 64},
}


def configure(preset: str, arm: str) -> Config:
    """Settings of an arm at a preset."""
    return replace(Config(), **ARMS[arm] | PRESETS[preset])


# The model --------------------------------------------------------------------------------------


class Retriever(nn.Module):
    """Two maps, a score, and attention to one-hot classes, which is the answer but for a factor.

    The maps keep the variance of what they are given: the unscaled product starts with a variance
    near `width`, the scaled one near 1. The additive score weighs the tanh of the maps' sum by `v`,
    whose numbers start with variance 1 / width or, in additive-unit, 1. It has a bias `b`: without
    one it is odd, so that (-q, -k) gets minus the score of (q, k), and what finds a query's own key
    would keep the query's opposite from its own.
    """

    def __init__(self, score: str, width: int, generator: torch.Generator) -> None:
        super().__init__()
        self.name = score
        maps = torch.randn(2, width, width, generator=generator) / math.sqrt(width)
        self.w_query, self.w_key = (nn.Parameter(w.clone()) for w in maps)
        if score.startswith("additive"):
            std = 1.0 if score == "additive-unit" else 1 / math.sqrt(width)
            self.v = nn.Parameter(std * torch.randn(width, generator=generator))
            self.b = nn.Parameter(torch.randn(width, 1, generator=generator))

    def score(self, query: Tensor, key: Tensor) -> Tensor:
        """``(*batch, n_query, width)`` and keys to scores ``(*batch, n_query, n_key)``."""
        if self.name.startswith("additive"):
            one = torch.ones_like(query[..., :1])  # gives the layer a bias
            query, w_query = torch.cat([query, one], -1), torch.cat([self.w_query, self.b], -1)
            return additive_score(query, key, w_query, self.w_key, self.v)
        function = scaled_dot_score if self.name == "scaled" else dot_score
        return function(query @ self.w_query.mT, key @ self.w_key.mT)

    def forward(self, query: Tensor, key: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
        """Queries, keys and their classes to scores of the classes, and weights."""
        score = self.score(query, key)
        value = one_hot(label, N_CLASS).to(score.dtype)
        context, weight = attend(score, value, score.new_ones(1, 1, dtype=torch.bool))
        return SURE * context, weight


def build(config: Config, generator: torch.Generator) -> nn.Module:
    """The model with its initial weights, a function of the generator's seed alone."""
    if config.tune:
        generator = torch.Generator().manual_seed(1_000 + generator.initial_seed())
    return Retriever(config.score, config.width, generator)


# Batches ----------------------------------------------------------------------------------------


def batch(config: Config, seed: int, update: int) -> dict[str, Array]:
    """Arrays for one update, a function of the seed and the update's number alone."""
    return _draw(np.random.default_rng([seed, update, config.tune]), config, config.batch)


def _draw(rng: np.random.Generator, config: Config, n: int) -> dict[str, Array]:
    """Sets of keys with their classes, and the queries that are put to each."""
    key = rng.standard_normal((n, N_KEY, config.width), dtype=np.float32)
    label = rng.integers(N_CLASS, size=(n, N_KEY))
    index = rng.integers(N_KEY, size=(n, N_QUERY))
    noise = rng.standard_normal((n, N_QUERY, config.width), dtype=np.float32)
    query = np.take_along_axis(key, index[..., None], axis=1) + NOISE * noise
    wanted = np.take_along_axis(label, index, axis=1)
    return {"query": query, "key": key, "label": label, "index": index, "wanted": wanted}


def examples(config: Config, subset: bool) -> Iterator[dict[str, Array]]:
    """What is measured, in parts; other draws than those that rates are chosen with."""
    rng = np.random.default_rng([2017, 2**20, config.tune])
    for start in range(0, config.n_example, 50):
        yield _draw(rng, config, min(50, config.n_example - start))


# Losses and measures ----------------------------------------------------------------------------


def loss(config: Config, model: nn.Module, part: dict[str, Tensor], done: float) -> Tensor:
    """Cross-entropy, the mean over the queries of each set."""
    return _surprise(*_said(model, part)[:2]).mean(dim=-1)


def _said(model: nn.Module, part: dict[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    said, weight = model(part["query"], part["key"], part["label"])
    return said, part["wanted"], weight


def _surprise(said: Tensor, wanted: Tensor) -> Tensor:
    return cross_entropy(said.flatten(0, 1), wanted.flatten(), reduction="none").view_as(wanted)


def predict(config: Config, model: nn.Module, part: dict[str, Tensor]) -> dict[str, Tensor]:
    """For each query: wrong or not, cross-entropy, the weight of the key it was made from."""
    said, wanted, weight = _said(model, part)
    found = torch.take_along_dim(weight, part["index"].unsqueeze(-1), dim=-1).squeeze(-1)
    return {
        "wrong": (said.argmax(dim=-1) != wanted).flatten().to(torch.uint8),
        "loss": _surprise(said, wanted).flatten().half(),
        "found": found.flatten().half(),
    }


def measure(config: Config, predicted: dict[str, Array]) -> dict[str, Any]:
    """Share of wrong answers, mean cross-entropy, mean weight of the right key."""
    names = {"error": "wrong", "loss": "loss", "found": "found"}
    return {name: float(predicted[k].astype(np.float64).mean()) for name, k in names.items()}
