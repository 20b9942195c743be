"""Real sentences: ``python -m attn_course.training seq2seq.sentences``.

attention looks at all words again for every word it says; fixed has one context for all of them,
from the same two readers; forth and reversed have one reader, from the front or from the end.
fixed-long, forth-long and reversed-long are trained for twice as long.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from attn_course._typing import Array
from attn_course.seq2seq import task_sentences as task
from attn_course.seq2seq.modules import Translator, forced_loss

MECHANISM = "seq2seq.sentences"
DATA = ("multi30k",)
N_CHUNK = 20  # batches of which sentences of like length are put together
N_PART = 100  # sentences translated at once
N_STEP = 50  # words of a translation at most
KINDS = {
    "said": torch.uint16,
    "reference": torch.uint16,
    "n_source": torch.uint8,
    "is_test": torch.bool,
    "probe": torch.uint8,
    "weight": torch.float16,
}
LENGTHS = (1, 9, 12, 15, 18, 22)  # first length of each bin, in words of the source


@dataclass(frozen=True)
class Config:
    """Settings of a run; `--set name=value` changes one."""

    corpus: str = "captions"
    model: str = "attention"  # or fixed, forth, reversed
    width: int = 192  # of embeddings and states, and of the maxout layer
    n_longest: int = 40  # words of a sentence to train on, the END included
    batch: int = 64
    n_update: int = 3_000
    lr: float = 2e-3
    warm_up: int = 100
    clip: float = 1.0
    dtype: str = "float32"


ARMS: dict[str, dict[str, Any]] = {
    "attention": {"model": "attention", "width": 192},
    "fixed": {"model": "fixed", "width": 195},  # as many weights as with attention
    "forth": {"model": "forth", "width": 211},
    "reversed": {"model": "reversed", "width": 211},
}
# The same three once more, with twice the updates.
ARMS |= {f"{arm}-long": ARMS[arm] | {"n_update": 6_000} for arm in ("fixed", "forth", "reversed")}
PRESETS: dict[str, dict[str, Any]] = {
    "smoke": {"n_update": 10, "width": 16},
    "book": {},
    "paper": {"n_update": 20_000},
}
PAPER = {"attention": 512, "fixed": 526, "forth": 601, "reversed": 601}  # widths, equal weights


def configure(preset: str, arm: str) -> Config:
    """Settings of an arm at a preset."""
    config = replace(Config(), **ARMS[arm] | PRESETS[preset])
    if preset != "paper":
        return config
    longer = 2 if arm.endswith("-long") else 1
    return replace(config, width=PAPER[config.model], n_update=longer * config.n_update)


def build(config: Config, generator: torch.Generator) -> nn.Module:
    """The model with its initial weights, a function of the generator's seed alone."""
    n_source, n_target = map(len, task.vocabularies(config.corpus))
    width = config.width
    attention, back = config.model == "attention", config.model in ("attention", "fixed")
    return Translator(n_source, n_target, width, width, generator, attention, back, width)


@cache
def _training(corpus: str, n_longest: int) -> tuple[Array, Array]:
    tables = (
        task.tokens(rows, words)
        for rows, words in zip(task.pairs(corpus, "train"), task.vocabularies(corpus), strict=True)
    )
    source, target = tables
    short = ((source > 0).sum(axis=1) <= n_longest) & ((target > 0).sum(axis=1) <= n_longest)
    return source[short, :n_longest], target[short, :n_longest]


@cache
def _plan(corpus: str, n_longest: int, size: int, seed: int, epoch: int) -> list[Array]:
    """Batches of one pass: within every `N_CHUNK` of them sentences are sorted by length."""
    source, _ = _training(corpus, n_longest)
    rng = np.random.default_rng([seed, epoch])
    order, length = rng.permutation(len(source)), (source > 0).sum(axis=1)
    n_batch = len(order) // size
    plan: list[Array] = []
    for chunk in np.array_split(
        order[: n_batch * size], np.arange(N_CHUNK, n_batch, N_CHUNK) * size
    ):
        plan += np.split(chunk[np.argsort(length[chunk], kind="stable")], len(chunk) // size)
    return [plan[i] for i in rng.permutation(n_batch)]


def batch(config: Config, seed: int, update: int) -> dict[str, Array]:
    """Arrays for one update, a function of the seed and the update's number alone."""
    source, target = _training(config.corpus, config.n_longest)
    epoch, place = divmod(update, len(source) // config.batch)
    plan = _plan(config.corpus, config.n_longest, config.batch, seed, epoch)
    return arrays(config, source[plan[place]], target[plan[place]])


def arrays(config: Config, source: Array, target: Array) -> dict[str, Array]:
    """What a model reads and should say, no longer than need be."""
    source, target = task.trimmed(source), task.trimmed(target)
    if config.model == "reversed":
        source = task.turned(source)
    return {"source": source, "target": target}


def examples(config: Config, subset: bool) -> Iterator[dict[str, Array]]:
    """The test set, what was set aside for validation, and the probes at the end."""
    known, named = task.vocabularies(config.corpus)
    both = [task.pairs(config.corpus, part) for part in ("test", "val")]
    rows, wanted = both[0][0] + both[1][0], both[0][1] + both[1][1]
    source, target = task.tokens(rows, known), task.exact(wanted, named)
    every = 20 if subset else 1
    for i in range(0, len(rows), N_PART * every):
        part = slice(i, i + N_PART * every, every)
        is_test = np.arange(len(rows))[part] < len(both[0][0])
        yield arrays(config, source[part], target[part]) | {"is_test": is_test}
    for probe in task.PROBES[config.corpus]:
        row = task.tokens([task.words(probe)], known)
        yield arrays(config, row, np.zeros((1, 1), dtype=int))  # there is no reference


def loss(config: Config, model: nn.Module, part: dict[str, Tensor], done: float) -> Tensor:
    """Cross-entropy of the words, their mean for each example."""
    return forced_loss(model, part["source"], part["target"])


def predict(config: Config, model: nn.Module, part: dict[str, Tensor]) -> dict[str, Tensor]:
    """What greedy search says, sentence behind sentence, each with its END; of a probe in letters.

    `weight` has the weights of the probes' words, END included, one word behind the other.
    """
    assert isinstance(model, Translator)
    token, _, weight = model.translate(part["source"], N_STEP)
    token = torch.cat([token, token.new_full((len(token), 1), task.END)], dim=1)
    n_said = (token == task.END).int().argmax(dim=1) + 1
    said = torch.cat([row[:n] for row, n in zip(token, n_said, strict=True)]).cpu()
    kept: dict[str, Any] = {k: [] for k in KINDS}
    if part["target"].any():
        kept["said"] = said.tolist()
        kept["reference"] = part["target"][part["target"] > 0].tolist()
        kept["is_test"] = part["is_test"].tolist()
        kept["n_source"] = ((part["source"] > 0).sum(dim=1) - 1).tolist()
    else:
        names = task.vocabularies(config.corpus)[1]
        kept["probe"] = list((" ".join(names[i] for i in said.tolist()) + "\n").encode())
        kept["weight"] = weight[0, : len(said)].flatten().tolist()
    return {k: torch.tensor(v, dtype=KINDS[k]) for k, v in kept.items()}


def measure(config: Config, predicted: dict[str, Array]) -> dict[str, Any]:
    """BLEU of the test set, and of all sentences with a reference by the length of the source."""
    said, reference = (task.split(predicted[k].astype(int)) for k in ("said", "reference"))
    rows, length = task.statistics(said, reference), predicted["n_source"].astype(int)
    bins = np.searchsorted(LENGTHS, length, side="right") - 1
    by_length = {
        str(first): task.bleu(rows[bins == i].sum(axis=0))
        for i, first in enumerate(LENGTHS)
        if (bins == i).any()
    }
    return {
        "bleu": task.bleu(rows[predicted["is_test"].astype(bool)].sum(axis=0)),
        "by_length": by_length,
    }
