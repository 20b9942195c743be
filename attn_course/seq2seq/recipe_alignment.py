"""Verses with links between words: ``python -m attn_course.training seq2seq.alignment``.

Does a translator, of Spanish to English, look where the words come from? Whoever tagged both with
Strong's numbers said of some English words which Spanish words render the same original; weights
that nobody taught so are judged by these links, while the teacher's words are given. untrained is
the same translator as it starts; model1 learns a table of pairs of words from the same verses;
diagonal looks as far along the Spanish verse as the word is along the English one.

The weights of a word are computed before the word is known, and before the one in front of it is
read. So it is also asked where the largest weight lies in hindsight, by the rule of Bayes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from attn_course._typing import Array
from attn_course.seq2seq import functional
from attn_course.seq2seq import task_alignment as task
from attn_course.seq2seq.modules import PADDING, START, Translator, forced_loss
from attn_course.seq2seq.task_sentences import trimmed

MECHANISM = "seq2seq.alignment"
DATA = ("bibles",)
N_CHUNK = 8  # batches that are drawn at once, to choose one of verses of like length from
N_PART = 100  # verses measured at once
N_SHOWN = 6  # verses of which all weights are kept, those with the most sure links
STEPS = (-1, 0, 1)  # whose weights are read for a word: of the step before, its own, the next
KINDS = {
    "surprise": torch.float32,
    "n_word": torch.uint8,
    "verse": torch.int16,
    "word": torch.uint8,
    "first": torch.uint8,
    "end": torch.uint8,
    "sure": torch.bool,
    "best": torch.uint8,
    "hindsight": torch.uint8,
    "likely": torch.uint8,
    "on_link": torch.float16,
    "text": torch.uint8,
    "weight": torch.float16,
}


@dataclass(frozen=True)
class Config:
    """Settings of a run; `--set name=value` changes one."""

    model: str = "attention"  # or model1, diagonal
    width: int = 128  # of embeddings and states, and of the maxout layer
    n_round: int = 10  # of the learning of model1
    batch: int = 32
    n_update: int = 4_000
    lr: float = 2e-3
    warm_up: int = 100
    clip: float = 1.0
    dtype: str = "float32"


ARMS: dict[str, dict[str, Any]] = {
    "attention": {},
    "untrained": {"n_update": 0},
    "model1": {"model": "model1", "n_update": 0},
    "diagonal": {"model": "diagonal", "n_update": 0},
}
PRESETS: dict[str, dict[str, Any]] = {
    "smoke": {"n_update": 10, "warm_up": 2, "width": 16, "n_round": 2},
    "book": {},
    "paper": {"width": 512, "batch": 64, "n_update": 20_000},
}


def configure(preset: str, arm: str) -> Config:
    """Settings of an arm at a preset; what does not learn by updates has none at any."""
    return replace(Config(), **PRESETS[preset] | ARMS[arm])


class Rule(nn.Module):
    """What has weights for a verse and its translation, but says no words."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.model = config.model
        if config.model == "model1":
            training = task.corpora()[0]
            self.code, self.t = task.model1(training.source, training.target, config.n_round)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Weights ``(batch, n_target, n_source)``."""
        rows, wanted = source.cpu().numpy(), target.cpu().numpy()
        if self.model == "model1":
            weight = task.model1_weight(self.code, self.t, rows, wanted)
        else:
            weight = np.zeros((*wanted.shape, rows.shape[1]))
            for each, row, said in zip(weight, rows, wanted, strict=True):
                n_target, n_source = int((said > 0).sum()) - 1, int((row > 0).sum())  # no END
                each[:n_target, :n_source] = task.diagonal_weight(n_target, n_source)
        return torch.from_numpy(weight).to(source.device)


def build(config: Config, generator: torch.Generator) -> nn.Module:
    """The model with its initial weights, a function of the generator's seed alone."""
    if config.model != "attention":
        return Rule(config)
    n_source, n_target = map(len, task.corpora()[2:])
    width = config.width
    return Translator(n_source, n_target, width, width, generator, d_maxout=width)


def batch(config: Config, seed: int, update: int) -> dict[str, Array]:
    """Arrays for one update, a function of the seed and the update's number alone.

    Several batches are drawn and sorted by length, and one of them is taken: little padding.
    """
    training, *_ = task.corpora()
    rng = np.random.default_rng([seed, update])
    drawn = rng.choice(len(training.source), N_CHUNK * config.batch, replace=False)
    drawn = drawn[np.argsort((training.source[drawn] > 0).sum(axis=1), kind="stable")]
    return arrays(training, drawn.reshape(N_CHUNK, -1)[rng.integers(N_CHUNK)])


def arrays(corpus: task.Corpus, rows: Array) -> dict[str, Array]:
    """Verses with their links, no longer than need be."""
    source, target = trimmed(corpus.source[rows]), trimmed(corpus.target[rows])
    return {"source": source, "target": target, "link": corpus.link[rows, : target.shape[1]]}


def examples(config: Config, subset: bool) -> Iterator[dict[str, Array]]:
    """The verses held out, the same for all; a tenth of them if `subset`."""
    _, aside, *_ = task.corpora()
    n_sure = aside.link[:, :, 2].sum(axis=1)
    shown = np.zeros(len(n_sure), dtype=bool)
    shown[np.argsort(-n_sure, kind="stable")[:N_SHOWN]] = True
    row = np.arange(len(n_sure))[:: 10 if subset else 1]
    for start in range(0, len(row), N_PART):
        part = row[start : start + N_PART]
        yield arrays(aside, part) | {"shown": shown[part], "verse": part}


def loss(config: Config, model: nn.Module, part: dict[str, Tensor], done: float) -> Tensor:
    """Cross-entropy of the words, their mean for each example."""
    return forced_loss(model, part["source"], part["target"])


def likelihood(model: Translator, source: Tensor, before: Tensor, target: Tensor) -> Tensor:
    r"""How likely each word is from each place: :math:`\log p(y_t \mid s_{t-1}, y_{t-1}, a_i)`.

    That is if the decoder's context at this step, and at this step alone, were the one annotation.
    ``(batch, n_target, n_source)``, and minus infinity at padding.
    """
    params = dict(model.decoder.named_parameters())
    annotation, last, mask = model.read(source)
    feature, projected = model.target_embedding[before], annotation @ params["w_key"].mT
    hidden, states = functional.start(last, params), []
    for now in feature.unbind(dim=1):
        states.append(hidden)
        hidden, *_ = functional.step(now, hidden, annotation, projected, last, mask, params)
    state = torch.stack(states, dim=1)
    alone = {name: value for name, value in params.items() if name != "v"}  # a given context
    each = []
    for one in annotation.unbind(dim=1):
        context = one.unsqueeze(1).expand(*before.shape, -1)
        _, joined, _ = functional.step(feature, state, annotation, projected, context, mask, alone)
        score = functional.readout(joined, params).log_softmax(dim=-1)
        each.append(torch.take_along_dim(score, target.unsqueeze(-1), dim=-1))
    return torch.cat(each, dim=-1).masked_fill(~mask.unsqueeze(1), -torch.inf)


def predict(config: Config, model: nn.Module, part: dict[str, Tensor]) -> dict[str, Tensor]:
    """For each English word with a link: where the largest weight lies at `STEPS`, weight on it.

    With the number of its `verse` and of the `word` in it, the link's `first` place and its `end`,
    one behind its last, and whether it is `sure`; for each verse the cross-entropy of its words
    together and their number, END included. Of what says words, the largest weight in `hindsight`,
    and the place that makes the word most `likely`, whatever its weight. Of verses that are shown:
    the `text`, Spanish and English with a tab between and a line's end behind, and the `weight` of
    each English word, one word behind the other.
    """
    source, target = part["source"], part["target"]
    kept: dict[str, list] = {k: [] for k in KINDS}
    verse, word = part["link"][:, :, 1].nonzero(as_tuple=True)
    if isinstance(model, Translator):
        start = torch.full_like(target[:, :1], START)
        before = torch.cat([start, target[:, :-1]], dim=1)
        score, weight = model(source, before)
        likely = likelihood(model, source, before, target)[verse, word]
        kept["likely"] = likely.argmax(dim=-1).tolist()
        kept["hindsight"] = (weight[verse, word].log() + likely).argmax(dim=-1).tolist()
        each = cross_entropy(score.mT, target, ignore_index=PADDING, reduction="none")
        kept["surprise"] = each.sum(dim=1).tolist()
        kept["n_word"] = (target != PADDING).sum(dim=1).tolist()
    else:
        weight = model(source, target)
    best = weight.argmax(dim=-1)
    first, end, sure = part["link"][verse, word].T
    last = target.shape[1] - 1
    at = torch.stack([best[verse, (word + by).clamp(0, last)] for by in STEPS], dim=1)
    place = torch.arange(source.shape[1], device=source.device)
    linked = (place >= first[:, None]) & (place < end[:, None])
    kept |= {"verse": part["verse"][verse].tolist(), "word": word.tolist()}
    kept |= {"first": first.tolist(), "end": end.tolist(), "sure": sure.tolist()}
    kept |= {"best": at.tolist(), "on_link": (weight[verse, word] * linked).sum(dim=1).tolist()}
    _, _, *lists = task.corpora()
    for i in part["shown"].nonzero().flatten().tolist():
        n_target, n_source = int((target[i] > 0).sum()) - 1, int((source[i] > 0).sum())
        rows = (source[i, :n_source], target[i, :n_target])
        said = (" ".join(names[j] for j in row) for names, row in zip(lists, rows, strict=True))
        kept["text"] += list(("\t".join(said) + "\n").encode())
        kept["weight"] += weight[i, :n_target, :n_source].flatten().tolist()
    tensors = {k: torch.tensor(v, dtype=KINDS[k]) for k, v in kept.items()}
    return tensors | {"best": tensors["best"].reshape(-1, len(STEPS))}


def measure(config: Config, predicted: dict[str, Array]) -> dict[str, Any]:
    """Agreement of the largest weights with the links; perplexity of what says words.

    `hindsight` is the error rate once the word is told, `likely` the same without regard to the
    weights; `near` is the share of words whose largest weight lies on the link or beside it;
    `by_step` has the error rate where the weights of the step before or of the next are read.
    """
    first, end, sure = (predicted[k].astype(int) for k in ("first", "end", "sure"))
    best = predicted["best"].astype(int).T
    hit = (best >= first) & (best < end)
    rates = [task.error_rate(each, sure > 0) for each in hit]
    here = STEPS.index(0)
    measured: dict[str, Any] = rates[here] | {
        "weight": float(predicted["on_link"].astype(float).mean()),
        "near": float(((best[here] >= first - 1) & (best[here] <= end)).mean()),
        "by_step": {str(by): rate["aer"] for by, rate in zip(STEPS, rates, strict=True)},
    }
    if len(predicted["n_word"]):
        for name in ("hindsight", "likely"):
            told = predicted[name].astype(int)
            measured[name] = task.error_rate((told >= first) & (told < end), sure > 0)["aer"]
        n_word = predicted["n_word"].astype(int).sum()
        surprise = predicted["surprise"].astype(float).sum()
        measured["perplexity"] = float(np.exp(surprise / n_word))
    return measured
