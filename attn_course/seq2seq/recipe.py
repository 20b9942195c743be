"""German number words to English: ``python -m attn_course.training seq2seq``.

attention-WIDTH looks at all letters again for every word; fixed-WIDTH has one context for all
words, from the same two readers. The others take the fixed decoder apart: forth and reversed have
one reader, from the front or from the end; open is forth with gates that start out keeping what
they have; told has no reader at all, one dense layer tells it the digits.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from attn_course._typing import Array
from attn_course.preliminaries.modules import Dense
from attn_course.seq2seq import task
from attn_course.seq2seq.modules import Decoder, Translator, forced_loss
from attn_course.seq2seq.task_sentences import trimmed, turned

MECHANISM = "seq2seq"
DATA = ()
KEPT = 3.0  # where the bias of the update gates of `open` starts: 95 % of the state is kept
N_PART = 500  # numbers translated at once


@dataclass(frozen=True)
class Config:
    """Settings of a run; `--set name=value` changes one."""

    model: str = "attention"  # or fixed, forth, reversed, open, told
    width: int = 16  # of embeddings and states
    n_digit: int = 6
    n_example: int = 2_000
    batch: int = 64
    n_update: int = 4_000
    lr: float = 1e-2
    warm_up: int = 50
    clip: float = 1.0
    dtype: str = "float32"


def _arms() -> dict[str, dict[str, Any]]:
    early = {"n_update": 2_000}
    sizes = {
        "attention": (16, 8),
        "fixed": (17, 8, 12, 24, 34),
        "forth": (24,),
        "reversed": (24,),
        "open": (24,),
        "told": (24, 8, 12, 17, 34),
    }
    arms: dict[str, dict[str, Any]] = {
        f"{model}-{width}": {"model": model, "width": width}
        for model, widths in sizes.items()
        for width in widths
    }
    for name in ("attention-16", "fixed-17"):
        arms[f"{name}-early"] = arms[name] | early
    arms["fixed-17-late"] = arms["fixed-17"] | {"n_update": 8_000}
    for model in ("fixed", "forth"):
        arms[f"{model}-64-early"] = {"model": model, "width": 64} | early
    return arms


ARMS = _arms()
PRESETS: dict[str, dict[str, Any]] = {
    "smoke": {"n_update": 120, "n_digit": 3, "n_example": 100, "batch": 32},
    "book": {},
    "paper": {},
}


def configure(preset: str, arm: str) -> Config:
    """Settings of an arm at a preset."""
    return replace(Config(), **ARMS[arm] | PRESETS[preset])


class Told(nn.Module):
    """The fixed-context decoder, given the digits by one dense layer instead of by a reader."""

    def __init__(self, width: int, generator: torch.Generator) -> None:
        super().__init__()
        self.layer = Dense(11 * task.N_DIGIT, width, generator)
        n_token = len(task.WORDS)
        self.target_embedding = nn.Parameter(torch.randn(n_token, width, generator=generator))
        self.decoder = Decoder(width, width, width, n_token, generator)

    def forward(self, digit: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        """Digits ``(batch, 6)``, 10 for none, and the words one step earlier."""
        given = one_hot(digit, 11).to(self.target_embedding.dtype).flatten(-2)
        context = self.layer(given).tanh()
        alone = torch.ones(len(digit), 1, dtype=torch.bool, device=digit.device)
        feature = self.target_embedding[before]
        return self.decoder(feature, context.unsqueeze(-2), context, alone)


def build(config: Config, generator: torch.Generator) -> nn.Module:
    """The model with its initial weights, a function of the generator's seed alone."""
    if config.model == "told":
        return Told(config.width, generator)
    model = Translator(
        len(task.LETTERS),
        len(task.WORDS),
        config.width,
        config.width,
        generator,
        attention=config.model == "attention",
        back=config.model in ("attention", "fixed"),
    )
    if config.model == "open":
        with torch.no_grad():
            model.encoder.ahead.b_input[config.width : 2 * config.width] = KEPT
    return model


def batch(config: Config, seed: int, update: int) -> dict[str, Array]:
    """Arrays for one update, a function of the seed and the update's number alone."""
    rng = np.random.default_rng([seed, update])
    return arrays(config, task.numbers(rng, config.batch, config.n_digit))


def arrays(config: Config, number: Array) -> dict[str, Array]:
    """What a model reads of numbers and what it should say, no longer than need be."""
    source, target = task.pairs(number)
    source, target = trimmed(source), trimmed(target)
    if config.model == "reversed":
        source = turned(source)
    if config.model == "told":
        place = 10 ** np.arange(task.N_DIGIT)
        there = (number[:, None] >= place) | (place == 1)
        source = np.where(there, number[:, None] // place % 10, 10)
    return {"source": source, "target": target, "number": number}


def examples(config: Config, subset: bool) -> Iterator[dict[str, Array]]:
    """The numbers of the test, the same for all; a tenth of them if `subset`."""
    number = task.numbers(np.random.default_rng(2015), config.n_example, config.n_digit, test=True)
    if subset:
        number = number[::10]
    for i in range(0, len(number), N_PART):
        yield arrays(config, number[i : i + N_PART])


def loss(config: Config, model: nn.Module, part: dict[str, Tensor], done: float) -> Tensor:
    """Cross-entropy of the words, their mean for each example."""
    return forced_loss(model, part["source"], part["target"])


def predict(config: Config, model: nn.Module, part: dict[str, Tensor]) -> dict[str, Tensor]:
    """The numbers and the tokens that greedy search says for them."""
    n_step = task.N_TARGET
    if isinstance(model, Translator):
        token, _, _ = model.translate(part["source"], n_step)
    else:
        token = torch.full((len(part["source"]), 1), task.START, device=part["source"].device)
        for _ in range(n_step):
            score, _ = model(part["source"], token)
            token = torch.cat([token, score[:, -1:].argmax(dim=-1)], dim=1)
        token = token[:, 1:]
        done = (token == task.END).cumsum(dim=1) > 0
        token = token.masked_fill(done, task.END)
    return {"number": part["number"].int(), "token": token.to(torch.uint8)}


def measure(config: Config, predicted: dict[str, Array]) -> dict[str, Any]:
    """Share of numbers with any wrong word: of all, and by the number of digits."""
    number, token = predicted["number"].astype(int), predicted["token"]
    _, target = task.pairs(number)
    target = np.where(target == task.PADDING, task.END, target)
    wrong = (token != target).any(axis=1)
    digits = np.char.str_len(number.astype(str))
    by_digit = {str(n): float(wrong[digits == n].mean()) for n in np.unique(digits)}
    return {"error": float(wrong.mean()), "by_digit": by_digit}
