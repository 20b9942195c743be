"""Additive attention beside its peers, for `attn_course.benchmark`: same weights, same answers.

Keys are values too, as annotations are. The layer of keras has no projections, so its arm applies
ours first; its `scale` is v. The module of yoyodyne has both in one layer over a key and a query
side by side, has biases, set to zero here, and takes one query a call. A mask of keras says where
to look, as ours does, a mask of yoyodyne where not to.
"""

import importlib
import importlib.metadata
import importlib.util
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from attn_course.benchmark import Arm, Case
from attn_course.preliminaries.functional import masked_softmax
from attn_course.seq2seq.functional import additive_attention

QUERIES = (1, 16)  # a step of a decoder, and all words of a target
SOURCES = (16, 64, 256)
WIDTHS = (64, 256)  # of queries, keys and the hidden layer of the score
BATCHES = (1, 64)
PASSES = ("forward", "all")  # what the backward pass, if any, goes to

Inputs = tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]


@dataclass(frozen=True)
class Way:
    """One way to attend: what computes context and weight, its leaves, and how to compare it."""

    call: Callable[[], tuple[Tensor, Tensor]]
    leaves: tuple[Tensor, ...]
    form: Callable[[tuple[Tensor, ...]], tuple[Tensor, ...]] = tuple


def settings(preset: str) -> Iterator[dict[str, Any]]:
    """What to time: numbers of queries and keys, width, size of the batch, which pass."""
    queries, sources, widths, batches = (
        (QUERIES, (16,), (64,), (8,)) if preset == "smoke" else (QUERIES, SOURCES, WIDTHS, BATCHES)
    )
    for query in queries:
        for source in sources:
            for width in widths:
                for batch in batches:
                    for back in PASSES:
                        yield {"query": query, "source": source, "width": width} | {
                            "batch": batch,
                            "pass": back,
                        }


def case(setting: dict[str, Any], device: str = "cpu") -> Case:
    """The arms of one setting, on sources of which up to a half is padding."""
    n_query, n_source, width, batch = (setting[k] for k in ("query", "source", "width", "batch"))
    query, key, mask, *weights = inputs(n_query, n_source, width, batch, device)
    back = setting["pass"] != "forward"
    given = query, key, *weights
    for one in given:
        one.requires_grad_(back)
    ways = {"additive": _additive, "keras": _keras_way, "yoyodyne": _yoyodyne_way}
    if n_query > 1:
        ways |= {"additive, in turn": _in_turn, "additive, keys once": _keys_once}
    costs = dict(zip(("operations", "traffic"), cost(query, key, back), strict=True))
    arms = []
    for name, make in ways.items():
        way = make(query, key, mask, *weights)
        if way:
            leaves = way.leaves if back else ()
            form = way.form if back else tuple
            call = _context(way)
            arms.append(Arm(name, "additive", call, leaves, (*given, mask), **costs, form=form))
    return setting, arms


def inputs(n_query: int, n_source: int, width: int, batch: int, device: str = "cpu") -> Inputs:
    """Query, key, mask ``(batch, n_source)``, w_query, w_key and v, the same ones each time."""
    generator = torch.Generator().manual_seed(0)

    def normal(*size: int) -> Tensor:
        return torch.randn(*size, generator=generator).to(device)

    query, key = normal(batch, n_query, width), normal(batch, n_source, width)
    length = torch.randint(n_source // 2, n_source, (batch, 1), generator=generator) + 1
    mask = (torch.arange(n_source) < length).to(device)
    w_query, w_key, v = (normal(*s, width) / width**0.5 for s in ((width,), (width,), ()))
    return query, key, mask, w_query, w_key, v


def _context(way: Way) -> Callable[[], Tensor]:
    return lambda: way.call()[0]


def _additive(
    query: Tensor, key: Tensor, mask: Tensor, w_query: Tensor, w_key: Tensor, v: Tensor
) -> Way:
    def call() -> tuple[Tensor, Tensor]:
        return additive_attention(query, key, key, mask.unsqueeze(-2), w_query, w_key, v)

    return Way(call, (query, key, w_query, w_key, v))


def _in_turn(
    query: Tensor, key: Tensor, mask: Tensor, w_query: Tensor, w_key: Tensor, v: Tensor
) -> Way:
    def call() -> tuple[Tensor, Tensor]:
        seen = mask.unsqueeze(-2)
        pairs = [
            additive_attention(one, key, key, seen, w_query, w_key, v) for one in query.split(1, 1)
        ]
        return _joined(pairs)

    return Way(call, (query, key, w_query, w_key, v))


def _keys_once(
    query: Tensor, key: Tensor, mask: Tensor, w_query: Tensor, w_key: Tensor, v: Tensor
) -> Way:
    def call() -> tuple[Tensor, Tensor]:
        seen, safe = mask.unsqueeze(-2), key.masked_fill(~mask.unsqueeze(-1), 0.0)
        projected = safe @ w_key.mT
        pairs = []
        for one in query.split(1, 1):
            score = torch.tanh(one @ w_query.mT + projected) @ v
            weight = masked_softmax(score.unsqueeze(-2), seen)
            pairs.append((weight @ safe, weight))
        return _joined(pairs)

    return Way(call, (query, key, w_query, w_key, v))


def _keras_way(
    query: Tensor, key: Tensor, mask: Tensor, w_query: Tensor, w_key: Tensor, v: Tensor
) -> Way | None:
    keras = _keras()
    if not keras:
        return None
    device = query.device.type
    with keras.device(device):
        layer = keras.layers.AdditiveAttention()
        layer.build([query.shape, key.shape, key.shape])
        layer.scale.assign(v.detach())
    layer.requires_grad_(v.requires_grad)

    def call() -> tuple[Tensor, Tensor]:
        with keras.device(device):
            three = [query @ w_query.mT, key, key @ w_key.mT]  # query, value, key
            return layer(three, mask=[None, mask], return_attention_scores=True)

    return Way(call, (query, key, w_query, w_key, layer.scale.value))


def _yoyodyne_way(
    query: Tensor, key: Tensor, mask: Tensor, w_query: Tensor, w_key: Tensor, v: Tensor
) -> Way | None:
    peer = _yoyodyne()
    if not peer:
        return None
    d_key = key.shape[-1]
    module = peer(d_key, query.shape[-1]).to(query.device)
    with torch.no_grad():
        module.M.weight.copy_(torch.cat([w_key, w_query], dim=1))
        module.V.weight.copy_(v.unsqueeze(0))
        for layer in (module.M, module.V):
            layer.bias.zero_()
            layer.weight.requires_grad_(v.requires_grad)
            layer.bias.requires_grad_(False)

    def call() -> tuple[Tensor, Tensor]:
        return _joined([module(key, one, ~mask) for one in query.split(1, 1)])

    def form(got: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        out, by_query, by_key, by_both, by_v = got
        return out, by_query, by_key, by_both[:, d_key:], by_both[:, :d_key], by_v.squeeze(0)

    return Way(call, (query, key, module.M.weight, module.V.weight), form)


def _joined(pairs: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    context, weight = zip(*pairs, strict=True)
    return torch.cat(context, dim=1), torch.cat(weight, dim=1)


def cost(query: Tensor, key: Tensor, back: bool) -> tuple[float, float]:
    """Operations, and bytes read and written, if each key meets its weights once.

    A pair of query and key takes a sum, a tanh, a product and a sum for each hidden unit, and a
    product and a sum for each entry of its context. Backwards all takes twice as much again.
    """
    batch, n_query, width = query.shape
    n_source = key.shape[-2]
    operations = 2 * (n_query + n_source) * width**2 + 6 * n_query * n_source * width
    weights = 2 * width**2 + width
    moved = batch * (n_query + n_source) * width + weights
    out = batch * n_query * width
    if back:
        return 3.0 * batch * operations, float((3 * moved + 2 * out) * query.element_size())
    return float(batch * operations), float((moved + out) * query.element_size())


def edges() -> dict[str, dict[str, dict[str, str]]]:
    """What each peer gives where there is nothing to attend to, and with a NaN behind the mask.

    A word for weight, context and all gradients of the context's sum. "unchanged" is what the same
    peer gives if a zero stands behind the mask.
    """
    ways = {"additive": _additive, "keras": _keras_way, "yoyodyne": _yoyodyne_way}
    table: dict[str, dict[str, dict[str, str]]] = {"nothing to attend to": {}, "NaN behind": {}}
    for name, make in ways.items():
        query, key, mask, *weights = inputs(1, 4, 8, 1)
        for one in (query, key, *weights):
            one.requires_grad_()
        way = make(query, key, torch.zeros_like(mask), *weights)
        if not way:
            continue
        context, weight, gradient = _all(way)
        even = torch.full_like(weight, 1 / 4)
        table["nothing to attend to"][name] = {
            "weight": _word(weight, {"even": even}),
            "context": _word(context, {"mean of all": even @ key}),
            "gradient": _word(gradient, {}),
        }
        mask[:] = torch.tensor([True, True, True, False])
        both = []
        for behind in (0.0, torch.nan):
            other = key.detach().clone()
            other[:, -1] = behind
            again = make(query, other.requires_grad_(), mask, *weights)
            assert again is not None
            both.append(_all(again))
        table["NaN behind"][name] = {
            part: _word(got, {"unchanged": want})
            for part, want, got in zip(("context", "weight", "gradient"), *both, strict=True)
        }
    return table


def _all(way: Way) -> tuple[Tensor, Tensor, Tensor]:
    context, weight = way.call()
    gradient = torch.autograd.grad(context.sum(), way.leaves)
    return context, weight, torch.cat([one.flatten() for one in gradient])


def _word(got: Tensor, named: dict[str, Tensor]) -> str:
    if got.isnan().any():
        return "NaN"
    for word, want in ({"zero": torch.zeros_like(got)} | named).items():
        if torch.allclose(got, want, atol=1e-6):
            return word
    return "other numbers"


def _keras() -> Any:
    os.environ["KERAS_BACKEND"] = "torch"  # keras looks here when it is imported
    try:
        return importlib.import_module("keras")
    except ImportError:  # in the benchmark's own environment only
        return None


def _yoyodyne() -> Any:
    """Its attention from the one file, which needs torch alone; the package needs far more."""
    package = importlib.util.find_spec("yoyodyne")
    if package is None or package.origin is None:
        return None
    file = Path(package.origin).parent / "models" / "modules" / "attention.py"
    spec = importlib.util.spec_from_file_location("yoyodyne.models.modules.attention", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Attention


def versions() -> dict[str, str]:
    """Versions of what is compared with, where it is installed."""
    peers = {"keras": _keras(), "yoyodyne": _yoyodyne()}
    return {name: importlib.metadata.version(name) for name, peer in peers.items() if peer}
