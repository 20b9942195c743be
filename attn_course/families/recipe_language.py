"""The next word of the King James text: ``python -m attn_course.training families.language``.

Every model reads 40 words from a state of zeros, in training and in the test; measured are its last
20 predictions, so that each counted word has more than 20 words of past. Weights belong to the step
at which a word has been read and the next is asked for, and go to earlier states alone: distance 1
is the state of the word before.

lstm-attention is the lstm with additive attention to all earlier states, which joins its own state
at the end; uniform is the same with even weights, the control. In lstmn, memory and state are
themselves made of all earlier ones (Cheng et al. 2016).

Embedding and readout are alike; what lies between them has as many weights in all. unigram, bigram
and trigram count, and learn nothing.
"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from attn_course._typing import Array
from attn_course.families import task_language as task
from attn_course.families.functional import attend
from attn_course.families.modules import Lstmn
from attn_course.preliminaries.modules import Dense, LstmCell
from attn_course.seq2seq.modules import AdditiveAttention

MECHANISM = "families.language"
DATA = ("bibles",)
D_WORD = 128  # width of embeddings, and of the layer before the readout
N_PART = 100  # windows measured at once
N_COMMON = 100  # words too frequent for it to mean much that they stood in the window before
KINDS = {
    "surprise": torch.float16,
    "chapter": torch.uint8,
    "again": torch.float16,
    "n_again": torch.uint8,
    "entropy": torch.float16,
    "distance": torch.float32,
    "probe": torch.uint8,
    "weight": torch.float16,
}


@dataclass(frozen=True)
class Config:
    """Settings of a run; `--set name=value` changes one."""

    model: str = "lstmn"  # one of MODELS or COUNTING
    width: int = 128  # of the states
    n_word: int = 4_000  # of the vocabulary, most frequent first; the rest is one unknown word
    tune: bool = False  # measured on the chapters for validation, to choose the rate with
    batch: int = 32
    n_update: int = 1_600
    lr: float = 3e-3
    warm_up: int = 100
    clip: float = 1.0
    dtype: str = "float32"


MODELS = ("lstm", "lstm-attention", "uniform", "lstmn")
COUNTING = ("unigram", "bigram", "trigram")
RATES = (3e-3, 1e-2, 3e-2)
LR = dict.fromkeys(MODELS, 1e-2)  # of each model the best of the rates tried


def n_between(model: str, width: int) -> int:
    """Number of weights between embedding and readout."""
    cell = 4 * width * (D_WORD + width + 2)
    score = {"lstm-attention": 2 * width + 1, "lstmn": 2 * width + D_WORD + 1}.get(model, 0)
    n_joined = 2 if model in ("lstm-attention", "uniform") else 1
    return cell + width * score + D_WORD * (n_joined * width + 1)


def _arms() -> dict[str, dict[str, Any]]:
    arms: dict[str, dict[str, Any]] = {}
    wanted = n_between("lstmn", Config().width)
    for model in MODELS:
        width = min(range(1, 300), key=lambda w: abs(n_between(model, w) - wanted))
        arms[model] = {"model": model, "width": width, "lr": LR[model]}
    for model, lr in itertools.product(MODELS, RATES):
        arms[f"{model}-tune-{lr}"] = arms[model] | {"lr": lr, "tune": True}
    return arms | {model: {"model": model, "n_update": 0} for model in COUNTING}


ARMS = _arms()
PRESETS: dict[str, dict[str, Any]] = {
    "smoke": {"n_update": 20, "batch": 8, "warm_up": 5},
    "book": {},
    "paper": {"n_update": 20_000},
}


def configure(preset: str, arm: str) -> Config:
    """Settings of an arm at a preset; what counts is never trained."""
    return replace(Config(), **PRESETS[preset] | ARMS[arm])


# Models -----------------------------------------------------------------------------------------


class LanguageModel(nn.Module):
    """One of `MODELS` between an embedding and a readout."""

    def __init__(self, config: Config, generator: torch.Generator) -> None:
        super().__init__()
        self.kind, width = config.model, config.width
        n_token = config.n_word + len(task.SPECIAL)
        self.embedding = nn.Parameter(torch.randn(n_token, D_WORD, generator=generator))
        self.readout = Dense(D_WORD, n_token, generator)
        if self.kind == "lstmn":
            self.lstmn = Lstmn(D_WORD, width, width, generator)
        else:
            self.cell = LstmCell(D_WORD, width, generator)
        if self.kind == "lstm-attention":
            self.attention = AdditiveAttention(width, width, width, generator)
        self.looks = self.kind in ("lstm-attention", "uniform")
        self.join = Dense(2 * width if self.looks else width, D_WORD, generator)

    def states(self, feature: Tensor) -> Tensor:
        """States ``(batch, n_step, width)`` of the long short-term memory."""
        hidden = cell = feature.new_zeros(len(feature), self.cell.w_hidden.shape[1])
        states = []
        for each in feature.unbind(dim=1):
            hidden, cell = self.cell(each, hidden, cell)
            states.append(hidden)
        return torch.stack(states, dim=1)

    def forward(self, token: Tensor) -> tuple[Tensor, Tensor]:
        """Scores of the words behind tokens ``(batch, n_step)``, and weights.

        Weights are ``(batch, n_step, n_step)``, of each step a row, zero from its own column on.
        """
        feature = self.embedding[token]
        if self.kind == "lstmn":
            hidden, weight = self.lstmn(feature)
        else:
            hidden = self.states(feature)
            weight = hidden.new_zeros(*token.shape, token.shape[1])
        if self.looks:
            earlier = torch.ones_like(weight[0], dtype=torch.bool).tril(-1)
            if self.kind == "lstm-attention":
                context, weight = self.attention(hidden, hidden, hidden, earlier)
            else:
                context, weight = attend(weight, hidden, earlier)
            hidden = torch.cat([hidden, context], dim=-1)
        return self.readout(self.join(hidden).tanh()), weight


class Counting(nn.Module):
    """Counts of training in the place of a model."""

    def __init__(self, order: int, n_word: int) -> None:
        super().__init__()
        self.order, self.n_word = order, n_word


def build(config: Config, generator: torch.Generator) -> nn.Module:
    """The model with its initial weights, a function of the generator's seed alone."""
    if config.model in COUNTING:
        return Counting(1 + COUNTING.index(config.model), config.n_word)
    return LanguageModel(config, generator)


def surprise_of(model: nn.Module, token: Tensor) -> tuple[Tensor, Tensor | None]:
    """Minus log-probability of each token of a window but the first, and weights if there are."""
    if isinstance(model, Counting):
        counted = task.counted_surprise(token.cpu().numpy(), model.order, model.n_word)
        return torch.from_numpy(counted), None
    score, weight = model(token[:, :-1])
    wanted = token[:, 1:]
    surprise = cross_entropy(score.flatten(0, 1), wanted.flatten(), reduction="none")
    surprise = surprise.view_as(wanted)
    return surprise, None if model.kind == "lstm" else weight


# Batches ----------------------------------------------------------------------------------------


def batch(config: Config, seed: int, update: int) -> dict[str, Array]:
    """Windows of the training chapters, a function of the seed and the update's number alone.

    Any token of a chapter may be the first of a window, if there are enough behind it.
    """
    token, start = _training(config.n_word)
    rng = np.random.default_rng([seed, update, config.tune])
    first = start[rng.integers(len(start), size=config.batch)]
    return {"token": token[first[:, None] + np.arange(task.N_READ + 1)]}


@cache
def _training(n_word: int) -> tuple[Array, Array]:
    text = task.corpus(n_word)
    return text.token["train"], task.windows(text.length["train"], task.N_READ + 1, 1)[0]


def examples(config: Config, subset: bool) -> Iterator[dict[str, Array]]:
    """Windows that move on by as many tokens as are counted, with their chapters; then the probes.

    Every token of a test chapter is counted once, but for its first 21 and, at its end, fewer than
    20. A tenth of the windows if `subset`.
    """
    text, split = task.corpus(config.n_word), "val" if config.tune else "test"
    start, chapter = task.windows(text.length[split], task.N_READ + 1, task.N_COUNTED)
    every = 10 if subset else 1
    for i in range(0, len(start), N_PART * every):
        part = slice(i, i + N_PART * every, every)
        place = start[part, None] + np.arange(task.N_READ + 1)
        yield {"token": text.token[split][place], "chapter": chapter[part]}
    if config.model not in ("lstm", *COUNTING):
        yield {"token": task.probes(config.n_word)}


# Losses and measures ----------------------------------------------------------------------------


def loss(config: Config, model: nn.Module, part: dict[str, Tensor], done: float) -> Tensor:
    """Minus log-probability of a word, the mean over each window."""
    return surprise_of(model, part["token"])[0].mean(dim=1)


def predict(config: Config, model: nn.Module, part: dict[str, Tensor]) -> dict[str, Tensor]:
    """What each window's counted words cost, and where the weights lie.

    For each window: `surprise`, the mean over its counted words; `again`, the sum over those of
    them that are not among the most frequent and stood in the window before, and `n_again`, their
    number. With attention also `entropy`, the mean over the counted steps, and for all windows of
    the part together `distance`, the weights of those steps summed by distance from 1. Of the
    probes: `probe`, the words in letters, and `weight`.
    """
    token = part["token"]
    none, n_step = token[:0, 0], token.shape[1]
    if "chapter" not in part:
        words = task.corpus(config.n_word).words
        lines = "".join(" ".join(words[i] for i in row) + "\n" for row in token.tolist())
        empty = dict.fromkeys(KINDS, none) | {"distance": token[:0, :1].expand(0, task.N_READ - 1)}
        probe = {"probe": torch.tensor(list(lines.encode())), "weight": model(token)[1]}
        return {name: each.to(KINDS[name]) for name, each in (empty | probe).items()}
    surprise, weight = surprise_of(model, token)
    there = (token[:, 1:, None] == token[:, None, :-1]).tril().any(dim=-1)
    again = there & (token[:, 1:] >= len(task.SPECIAL) + N_COMMON)
    surprise, again = surprise[:, -task.N_COUNTED :], again[:, -task.N_COUNTED :]
    kept = {
        "surprise": surprise.mean(dim=1),
        "chapter": part["chapter"],
        "again": surprise.masked_fill(~again, 0.0).sum(dim=1),
        "n_again": again.sum(dim=1),
    }
    if weight is not None:
        each = torch.special.entr(weight[:, -task.N_COUNTED :]).sum(dim=-1)
        far = [weight.diagonal(-d, 1, 2)[:, -task.N_COUNTED :].sum() for d in range(1, n_step - 1)]
        kept |= {"entropy": each.mean(dim=1), "distance": torch.stack(far)[None]}
        kept |= {"probe": none, "weight": weight[:0, : task.N_PROBE, : task.N_PROBE]}
    return {name: each.to(KINDS[name]) for name, each in kept.items()}


def measure(config: Config, predicted: dict[str, Array]) -> dict[str, Any]:
    """Perplexity, also of rarer words that stood in the window before; means over the weights.

    `perplexity` is exp of `loss`. `previous` is the weight of the word before, `by_distance` the
    weights of all distances: those beyond 20 are not there for every step.
    """
    real = {name: each.astype(np.float64) for name, each in predicted.items()}
    loss, n_step = real["surprise"].mean(), task.N_COUNTED * len(real["surprise"])
    again = real["again"].sum() / max(1, real["n_again"].sum())
    result = {
        "perplexity": round(math.exp(loss), 6),
        "loss": float(loss),
        "perplexity_again": round(math.exp(again), 6),
    }
    if "distance" not in real:
        return result
    far = real["distance"].sum(axis=0) / n_step
    return result | {
        "entropy": float(real["entropy"].mean()),
        "previous": float(far[0]),
        "by_distance": {str(d + 1): float(each) for d, each in enumerate(far)},
    }
