"""The torch twins of `attn_course.seq2seq.reference`: leading batch axes, fused kernels."""

from collections.abc import Mapping

import torch
from torch import Tensor

from attn_course import _check
from attn_course._typing import Bool, Float, Int
from attn_course.preliminaries.functional import dense, gru_cell, masked_context, masked_softmax

GRU = ("w_input", "w_hidden", "b_input", "b_hidden")


def additive_score(
    query: Float[Tensor, "*batch n_query d_query"],
    key: Float[Tensor, "*batch n_key d_key"],
    w_query: Float[Tensor, "d_score d_query"],
    w_key: Float[Tensor, "d_score d_key"],
    v: Float[Tensor, " d_score"],
) -> Float[Tensor, "*batch n_query n_key"]:
    """Twin of `reference.additive_score` on a batch."""
    d_score = v.shape[-1]
    _check.shape("w_query", w_query.shape, (d_score, query.shape[-1]))
    _check.shape("w_key", w_key.shape, (d_score, key.shape[-1]))
    return torch.tanh((query @ w_query.mT).unsqueeze(-2) + (key @ w_key.mT).unsqueeze(-3)) @ v


def additive_attention(
    query: Float[Tensor, "*batch n_query d_query"],
    key: Float[Tensor, "*batch n_key d_key"],
    value: Float[Tensor, "*batch n_key d_value"],
    mask: Bool[Tensor, "*#batch #n_query #n_key"],
    w_query: Float[Tensor, "d_score d_query"],
    w_key: Float[Tensor, "d_score d_key"],
    v: Float[Tensor, " d_score"],
) -> tuple[Float[Tensor, "*batch n_query d_value"], Float[Tensor, "*batch n_query n_key"]]:
    """Twin of `reference.additive_attention` on a batch.

    A key that no query may attend to is replaced before it meets the weights: a NaN that the
    softmax drops would still come back through the gradients of `w_key`.
    """
    _check.boolean("mask", mask.dtype)
    _check.broadcasts("mask", mask.shape[-2:], (query.shape[-2], key.shape[-2]))
    unseen = ~mask.any(dim=-2).unsqueeze(-1)
    score = additive_score(query, key.masked_fill(unseen, 0.0), w_query, w_key, v)
    weight = masked_softmax(score, mask)
    return masked_context(weight, value, mask), weight


def encode(
    feature: Float[Tensor, "*batch n_source d_in"],
    mask: Bool[Tensor, "*batch n_source"],
    params: Mapping[str, Tensor],
) -> tuple[Float[Tensor, "*batch n_source d_annotation"], Float[Tensor, "*batch d_annotation"]]:
    """Twin of `reference.encode` on a batch.

    The real steps are moved to the front, in their order for one reader and against it for the
    other, so that both read the whole batch side by side; whatever they make of the padding behind
    is thrown away.
    """
    _check.boolean("mask", mask.dtype)
    _check.shape("mask", mask.shape[-1:], feature.shape[-2:-1], "one entry for each step")
    names = ("ahead", "back") if "back.w_input" in params else ("ahead",)
    d_hidden, shape = params["ahead.w_hidden"].shape[-1], mask.shape
    for name in names:
        shapes = {part: params[f"{name}.{part}"].shape for part in GRU}
        _check.cell(3, feature.shape[-1], d_hidden, **shapes)
    if not shape[-1]:  # nothing to read
        nothing = feature.new_zeros(*shape[:-1], len(names) * d_hidden)
        return nothing.unsqueeze(-2).expand(*shape, -1), nothing
    weights = [torch.stack([params[f"{name}.{part}"] for name in names]) for part in GRU]
    n_example = shape[:-1].numel()
    mask = mask.reshape(n_example, shape[-1])
    feature = feature.reshape(n_example, *feature.shape[-2:])
    seen, count = mask.unsqueeze(-1), mask.sum(dim=-1)
    place = torch.arange(shape[-1], device=mask.device)
    places = torch.stack([place, -place][: len(names)]).unsqueeze(-2)
    order = places.expand(-1, *mask.shape).masked_fill(~mask, shape[-1]).argsort(dim=-1)
    moved = order.unsqueeze(-1).expand(*order.shape, feature.shape[-1])
    feature = feature.masked_fill(~seen, 0.0).expand(len(names), *feature.shape)
    hidden = _run(feature.gather(-2, moved), weights)
    end = (count - 1).clamp(min=0).view(1, -1, 1, 1).expand(len(names), -1, 1, d_hidden)
    last = hidden.gather(-2, end).squeeze(-2) * (count > 0).unsqueeze(-1)
    home = order.argsort(dim=-1).unsqueeze(-1).expand(hidden.shape)
    annotation = hidden.gather(-2, home).masked_fill(~seen, 0.0)
    annotation, last = (torch.cat([*each], dim=-1) for each in (annotation, last))
    width = last.shape[-1:]
    return annotation.reshape(shape + width), last.reshape(shape[:-1] + width)


def _run(feature: Tensor, weights: list[Tensor]) -> Tensor:
    """States ``(n_reader, batch, n_step, d_hidden)`` of several GRUs that start at zero."""
    w_input, w_hidden, b_input, b_hidden = weights
    n_reader, n_example, n_step, _ = feature.shape
    d_hidden = w_hidden.shape[-1]
    flat = feature.transpose(1, 2).flatten(1, 2)  # step by step, all examples of a step together
    entered = torch.baddbmm(b_input.unsqueeze(1), flat, w_input.mT).unflatten(1, (n_step, -1))
    gates, news = entered[..., : 2 * d_hidden].unbind(1), entered[..., 2 * d_hidden :].unbind(1)
    hidden = feature.new_zeros(n_reader, n_example, d_hidden)
    states = []
    for gate, new in zip(gates, news, strict=True):
        kept = torch.baddbmm(b_hidden.unsqueeze(1), hidden, w_hidden.mT)
        reset, update = torch.sigmoid(gate + kept[..., : 2 * d_hidden]).chunk(2, dim=-1)
        new = torch.tanh(torch.addcmul(new, reset, kept[..., 2 * d_hidden :]))
        hidden = torch.lerp(new, hidden, update)
        states.append(hidden)
    return torch.stack(states, dim=-2)


def maxout(feature: Float[Tensor, "*batch d_pair"]) -> Float[Tensor, "*batch d_out"]:
    """Twin of `reference.maxout` on a batch."""
    _check.even("feature", feature.shape[-1])
    return feature.unflatten(-1, (-1, 2)).amax(dim=-1)


def decode(
    feature: Float[Tensor, "*batch n_target d_in"],
    annotation: Float[Tensor, "*batch n_source d_annotation"],
    last: Float[Tensor, "*batch d_annotation"],
    mask: Bool[Tensor, "*batch n_source"],
    params: Mapping[str, Tensor],
) -> tuple[Float[Tensor, "*batch n_target n_token"], Float[Tensor, "*batch n_target n_source"]]:
    """Twin of `reference.decode` on a batch."""
    _check.boolean("mask", mask.dtype)
    _check.shape("mask", mask.shape[-1:], annotation.shape[-2:-1], "one entry for each step")
    _check.shape("last", last.shape[-1:], annotation.shape[-1:], "as wide as an annotation")
    hidden = start(last, params)
    if "v" in params:
        d_score = len(params["v"])
        _check.shape("w_query", params["w_query"].shape, (d_score, hidden.shape[-1]))
        _check.shape("w_key", params["w_key"].shape, (d_score, annotation.shape[-1]))
    annotation = annotation.masked_fill(~mask.unsqueeze(-1), 0.0)
    projected = annotation @ params["w_key"].mT if "v" in params else annotation
    joined, weights = [], []
    for now in feature.unbind(dim=-2):
        hidden, all_three, weight = step(now, hidden, annotation, projected, last, mask, params)
        joined.append(all_three)
        weights.append(weight)
    if not joined:
        shape = feature.shape[:-1]
        n_token = len(params["readout.b"])
        return feature.new_zeros(*shape, n_token), feature.new_zeros(*shape, mask.shape[-1])
    return readout(torch.stack(joined, dim=-2), params), torch.stack(weights, dim=-2)


def start(last: Tensor, params: Mapping[str, Tensor]) -> Tensor:
    """Part of the twin of `reference.decode`: the first state, from the readers' last ones."""
    return torch.tanh(dense(last, params["start.w"], params["start.b"]))


def step(
    feature: Tensor,
    hidden: Tensor,
    annotation: Tensor,
    projected: Tensor,
    last: Tensor,
    mask: Tensor,
    params: Mapping[str, Tensor],
) -> tuple[Tensor, Tensor, Tensor]:
    """Part of the twin of `reference.decode`: new state, what the readout sees, and the weights.

    `projected` is what `w_key` makes of the annotations, the same at every step of a sentence.
    """
    if "v" in params:
        moved = (hidden @ params["w_query"].mT).unsqueeze(-2)
        score = torch.tanh(moved + projected) @ params["v"]
        weight = masked_softmax(score.unsqueeze(-2), mask.unsqueeze(-2))
        context = (weight @ annotation).squeeze(-2)
        weight = weight.squeeze(-2)
    else:
        context, weight = last, torch.zeros(mask.shape, dtype=last.dtype, device=last.device)
    cell = [params[f"cell.{part}"] for part in GRU]
    w_input, w_hidden, b_input, b_hidden = cell
    both = torch.cat([feature, context], dim=-1)
    hidden = gru_cell(both, hidden, w_input, w_hidden, b_input, b_hidden)
    return hidden, torch.cat([hidden, feature, context], dim=-1), weight


def readout(joined: Tensor, params: Mapping[str, Tensor]) -> Tensor:
    """Part of the twin of `reference.decode`: scores, through a maxout layer if there is one."""
    if "maxout.w" in params:
        joined = maxout(dense(joined, params["maxout.w"], params["maxout.b"]))
    return dense(joined, params["readout.w"], params["readout.b"])


def beam_step(
    log_probability: Float[Tensor, "*batch n_beam n_token"],
    total: Float[Tensor, "*batch n_beam"],
    n_keep: int,
) -> tuple[
    Float[Tensor, "*batch n_keep"], Int[Tensor, "*batch n_keep"], Int[Tensor, "*batch n_keep"]
]:
    """Twin of `reference.beam_step` on a batch."""
    n_beam, n_token = log_probability.shape[-2:]
    _check.shape("total", total.shape[-1:], (n_beam,), "one total for each beam")
    _check.at_least("n_keep", n_keep, 1)
    _check.at_most("n_keep", n_keep, n_beam * n_token)
    every = (total.unsqueeze(-1) + log_probability).flatten(-2)
    best, index = every.sort(dim=-1, descending=True, stable=True)
    index = index[..., :n_keep]
    return best[..., :n_keep], index // n_token, index % n_token


def beam_search(
    log_probability: Float[Tensor, "*batch n_step n_token n_token"],
    start: int,
    end: int,
    n_beam: int,
) -> tuple[Int[Tensor, "*batch n_beam n_step"], Float[Tensor, "*batch n_beam"]]:
    """Twin of `reference.beam_search` on a batch of tables."""
    n_step, n_token = log_probability.shape[-3:-1]
    _check.shape("log_probability", log_probability.shape[-3:], (n_step, n_token, n_token))
    for name, value in (("start", start), ("end", end)):
        _check.at_least(name, value, 0)
        _check.at_most(name, value, n_token - 1)
    _check.at_least("n_beam", n_beam, 1)
    batch = log_probability.shape[:-3]
    total = log_probability.new_full((*batch, n_beam), -torch.inf)
    total[..., 0] = 0.0
    token = torch.full((*batch, n_beam, 0), end, device=log_probability.device)
    last = torch.full((*batch, n_beam), start, device=log_probability.device)
    for t in range(n_step):
        rows = log_probability[..., t, :, :].gather(
            -2, last.unsqueeze(-1).expand(*last.shape, n_token)
        )
        rows = stay(rows, (last == end) & (t > 0), end)
        total, origin, last = beam_step(rows, total, n_beam)
        last = last.masked_fill(total == -torch.inf, end)
        past = token.gather(-2, origin.unsqueeze(-1).expand(token.shape))
        past = past.masked_fill((total == -torch.inf).unsqueeze(-1), end)
        token = torch.cat([past, last.unsqueeze(-1)], dim=-1)
    return token, total


def stay(log_probability: Tensor, finished: Tensor, end: int) -> Tensor:
    """Part of the twin of `reference.beam_search`: what is finished goes on with `end` alone."""
    n_token = log_probability.shape[-1]
    only = torch.full((n_token,), -torch.inf).to(log_probability)
    only[end] = 0.0
    return torch.where(finished.unsqueeze(-1), only, log_probability)
