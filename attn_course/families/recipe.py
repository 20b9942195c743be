"""Every score on one task, one budget: ``python -m attn_course.training families``.

Arms are TASK-SCORE. One encoder and one decoder of the same widths for all; only the way in which
a decoder's state scores the annotations differs. `uniform` weighs all of them alike: the baseline.
`projected` is the general score over the root of the width: scaled dot after a learned projection.
local-m looks at a window that moves on by one position a step, local-p at one that it places
itself; inside it both use the general score. The learning rate of an arm is the best of its arms
-tune-RATE, which are measured on examples of their own.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from attn_course._typing import Array
from attn_course.families import functional, task
from attn_course.families.modules import GeneralScore, LocationScore, PredictedPosition
from attn_course.preliminaries.functional import masked_context
from attn_course.preliminaries.modules import Dense, GruCell
from attn_course.seq2seq.functional import additive_score
from attn_course.seq2seq.modules import AdditiveAttention, Encoder, forced_loss

MECHANISM = "families"
DATA = ("sigmorphon2020",)
SCORES = (
    *("additive", "general", "projected", "dot", "scaled", "cosine", "location"),
    *("local-m", "local-p", "uniform"),
)
RADIUS = 5  # of both windows
N_POSITION = 48  # that the location-based score has weights for
RATES = (4e-3, 1e-2, 2.5e-2, 6e-2)


@dataclass(frozen=True)
class Config:
    """Settings of a run; `--set name=value` changes one."""

    task: str = "numbers"  # or reversal, phonemes
    score: str = "additive"  # one of SCORES
    width: int = 32  # of the decoder and of an annotation; each reader has half of it
    tune: bool = False  # measured on other examples, to choose the rate with
    n_example: int = 1_000
    batch: int = 64
    n_update: int = 1_000
    lr: float = 1e-2
    warm_up: int = 50
    clip: float = 1.0
    dtype: str = "float32"


LR: dict[str, float] = {  # of each arm the best of the rates tried, of equals the smallest
    "numbers-additive": 0.004,
    "numbers-general": 0.01,
    "numbers-projected": 0.025,
    "numbers-dot": 0.025,
    "numbers-scaled": 0.004,
    "numbers-cosine": 0.004,
    "numbers-location": 0.01,
    "numbers-local-m": 0.025,
    "numbers-local-p": 0.025,
    "numbers-uniform": 0.025,
    "reversal-additive": 0.025,
    "reversal-general": 0.01,
    "reversal-projected": 0.025,
    "reversal-dot": 0.01,
    "reversal-scaled": 0.025,
    "reversal-cosine": 0.025,
    "reversal-location": 0.025,
    "reversal-local-m": 0.025,
    "reversal-local-p": 0.01,
    "reversal-uniform": 0.025,
    "phonemes-additive": 0.01,
    "phonemes-general": 0.01,
    "phonemes-projected": 0.01,
    "phonemes-dot": 0.025,
    "phonemes-scaled": 0.01,
    "phonemes-cosine": 0.01,
    "phonemes-location": 0.01,
    "phonemes-local-m": 0.01,
    "phonemes-local-p": 0.01,
    "phonemes-uniform": 0.025,
}


def _arms() -> dict[str, dict[str, Any]]:
    arms: dict[str, dict[str, Any]] = {}
    plain = {f"{t}-{s}": {"task": t, "score": s} for t in task.TASKS for s in SCORES}
    for name, change in plain.items():
        arms[name] = change | {"lr": LR.get(name, Config().lr)}
    for name, change in plain.items():
        for lr in RATES:
            arms[f"{name}-tune-{lr}"] = change | {"lr": lr, "tune": True}
    return arms


ARMS = _arms()
PRESETS: dict[str, dict[str, Any]] = {
    "smoke": {"n_update": 30, "n_example": 40, "batch": 16},
    "book": {},
    "paper": {},
}


def configure(preset: str, arm: str) -> Config:
    """Settings of an arm at a preset."""
    return replace(Config(), **ARMS[arm] | PRESETS[preset])


class Reader(nn.Module):
    """Encoder and GRU decoder that scores the annotations in one of `SCORES`."""

    def __init__(self, config: Config, generator: torch.Generator) -> None:
        super().__init__()
        n_source, n_target = task.vocabulary(config.task)
        width, self.kind = config.width, config.score
        self.source_embedding = nn.Parameter(torch.randn(n_source, width, generator=generator))
        self.target_embedding = nn.Parameter(torch.randn(n_target, width, generator=generator))
        self.encoder = Encoder(width, width // 2, generator)
        self.start = Dense(width, width, generator)
        self.cell = GruCell(2 * width, width, generator)
        self.readout = Dense(3 * width, n_target, generator)
        # The score's own weights come last, so that all models start alike but for them.
        if self.kind == "additive":
            self.additive = AdditiveAttention(width, width, width, generator)
        if self.kind in ("general", "projected", "local-m", "local-p"):
            self.general = GeneralScore(width, width, generator)
        if self.kind == "location":
            self.location = LocationScore(width, N_POSITION, generator)
        if self.kind == "cosine":
            self.log_strength = nn.Parameter(torch.tensor(1.0))
        if self.kind == "local-p":
            self.position = PredictedPosition(width, width, generator)

    def look(
        self, hidden: Tensor, annotation: Tensor, mask: Tensor, t: int
    ) -> tuple[Tensor, Tensor]:
        """Context ``(batch, width)`` and weight ``(batch, n_source)`` of step `t`."""
        query, mask = hidden.unsqueeze(-2), mask.unsqueeze(-2)
        score = self._score(query, annotation)
        if self.kind == "local-m":
            place = query.new_full(query.shape[:-1], float(t))
            mask = mask & functional.window_mask(place, mask.shape[-1], RADIUS)
        if self.kind == "local-p":
            place = self.position(query, mask.sum(dim=-1).squeeze(-1).clamp(min=1))
            mask = mask & functional.window_mask(place, mask.shape[-1], RADIUS)
        context, weight = functional.attend(score, annotation, mask)
        if self.kind == "local-p":
            weight = functional.local_weight(weight, place, RADIUS)
            context = masked_context(weight, annotation, mask)
        return context.squeeze(-2), weight.squeeze(-2)

    def _score(self, query: Tensor, key: Tensor) -> Tensor:
        if self.kind == "additive":
            own = self.additive
            return additive_score(query, key, own.w_query, own.w_key, own.v)
        if self.kind == "projected":
            return self.general(query, key) / math.sqrt(key.shape[-1])
        if self.kind in ("general", "local-m", "local-p"):
            return self.general(query, key)
        if self.kind == "dot":
            return functional.dot_score(query, key)
        if self.kind == "scaled":
            return functional.scaled_dot_score(query, key)
        if self.kind == "cosine":
            strength = self.log_strength.exp()
            return strength * functional.cosine_score(query, key, 1.0)
        if self.kind == "location":
            return self.location(query)[..., : key.shape[-2]]
        return query.new_zeros(*query.shape[:-1], key.shape[-2])

    def read(self, source: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Annotations, the first state and the mask of sources ``(batch, n_source)``."""
        mask = source != task.PADDING
        annotation, last = self.encoder(self.source_embedding[source], mask)
        return annotation, self.start(last).tanh(), mask

    def step(
        self, word: Tensor, hidden: Tensor, annotation: Tensor, mask: Tensor, t: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Scores of the next words, the new state and the weights."""
        feature = self.target_embedding[word]
        context, weight = self.look(hidden, annotation, mask, t)
        hidden = self.cell(torch.cat([feature, context], dim=-1), hidden)
        return self.readout(torch.cat([hidden, feature, context], dim=-1)), hidden, weight

    def forward(self, source: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        """Scores and weights for targets, of which `before` has the words one step earlier."""
        annotation, hidden, mask = self.read(source)
        scores, weights = [], []
        for t, word in enumerate(before.unbind(dim=1)):
            score, hidden, weight = self.step(word, hidden, annotation, mask, t)
            scores.append(score)
            weights.append(weight)
        return torch.stack(scores, dim=1), torch.stack(weights, dim=1)


def build(config: Config, generator: torch.Generator) -> nn.Module:
    """The model with its initial weights, a function of the generator's seed alone."""
    return Reader(config, generator)


def batch(config: Config, seed: int, update: int) -> dict[str, Array]:
    """Arrays for one update, a function of the seed and the update's number alone."""
    rng = np.random.default_rng([seed, update, config.tune])
    return _trimmed(*task.draw(rng, config.task, config.batch))


def _trimmed(source: Array, target: Array) -> dict[str, Array]:
    longest = ((table != task.PADDING).sum(axis=1).max() for table in (source, target))
    return {k: t[:, :n] for k, t, n in zip(("source", "target"), (source, target), longest)}  # noqa: B905


def examples(config: Config, subset: bool) -> Iterator[dict[str, Array]]:
    """What is measured on, in one batch; a tenth of it if `subset`."""
    rng = np.random.default_rng([2015, config.tune])
    if config.tune:
        source, target = task.tuning(rng, config.task, config.n_example)
    else:
        source, target = task.draw(rng, config.task, config.n_example, test=True)
    every = 10 if subset else 1
    yield _trimmed(source[: config.n_example : every], target[: config.n_example : every])


def loss(config: Config, model: nn.Module, part: dict[str, Tensor], done: float) -> Tensor:
    """Cross-entropy of the words, their mean for each example."""
    return forced_loss(model, part["source"], part["target"])


def predict(config: Config, model: nn.Module, part: dict[str, Tensor]) -> dict[str, Tensor]:
    """What greedy search says, token by token, and what should have been said."""
    assert isinstance(model, Reader)
    target = part["target"]
    annotation, hidden, mask = model.read(part["source"])
    word = torch.full_like(target[:, 0], task.START)
    said = []
    for t in range(target.shape[1]):
        score, hidden, _ = model.step(word, hidden, annotation, mask, t)
        word = score.argmax(dim=-1)
        said.append(word)
    return {"said": torch.stack(said, dim=1).to(torch.int16), "target": target.to(torch.int16)}


def measure(config: Config, predicted: dict[str, Array]) -> dict[str, Any]:
    """Share of examples with any wrong token up to the END."""
    said, target = predicted["said"], predicted["target"]
    wrong = ((said != target) & (target != task.PADDING)).any(axis=1)
    return {"error": float(wrong.mean())}
