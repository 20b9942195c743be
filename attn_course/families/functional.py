"""The torch twins of `attn_course.families.reference`: leading batch axes, one gather a window."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from attn_course import _check
from attn_course._typing import Bool, Float, Int, Number
from attn_course.preliminaries.functional import lstm_cell, masked_context, masked_softmax
from attn_course.seq2seq.functional import additive_score

_ONE_WIDTH = "a query and a key must be of one width"

# Score functions --------------------------------------------------------------------------------


def dot_score(
    query: Float[Tensor, "*batch n_query d_key"], key: Float[Tensor, "*batch n_key d_key"]
) -> Float[Tensor, "*batch n_query n_key"]:
    """Twin of `reference.dot_score` on a batch."""
    _check.shape("key", key.shape[-2:], (None, query.shape[-1]), _ONE_WIDTH)
    return query @ key.mT


def scaled_dot_score(
    query: Float[Tensor, "*batch n_query d_key"], key: Float[Tensor, "*batch n_key d_key"]
) -> Float[Tensor, "*batch n_query n_key"]:
    """Twin of `reference.scaled_dot_score` on a batch."""
    return dot_score(query / math.sqrt(query.shape[-1]), key)


def cosine_score(
    query: Float[Tensor, "*batch n_query d_key"],
    key: Float[Tensor, "*batch n_key d_key"],
    key_strength: Number,
) -> Float[Tensor, "*batch n_query n_key"]:
    """Twin of `reference.cosine_score` on a batch; a zero vector gets no gradient."""
    return key_strength * dot_score(_direction(query), _direction(key))


def general_score(
    query: Float[Tensor, "*batch n_query d_query"],
    key: Float[Tensor, "*batch n_key d_key"],
    w: Float[Tensor, "d_query d_key"],
) -> Float[Tensor, "*batch n_query n_key"]:
    """Twin of `reference.general_score` on a batch."""
    _check.shape("w", w.shape, (query.shape[-1], key.shape[-1]), "w is (d_query, d_key)")
    return query @ w @ key.mT


def concat_score(
    query: Float[Tensor, "*batch n_query d_query"],
    key: Float[Tensor, "*batch n_key d_key"],
    w: Float[Tensor, "d_score d_query+d_key"],
    v: Float[Tensor, " d_score"],
) -> Float[Tensor, "*batch n_query n_key"]:
    """Twin of `reference.concat_score` on a batch; nothing is put side by side."""
    d_query = query.shape[-1]
    wanted = (len(v), d_query + key.shape[-1])
    _check.shape("w", w.shape, wanted, "w is (d_score, d_query + d_key)")
    return additive_score(query, key, w[:, :d_query], w[:, d_query:], v)


def location_score(
    query: Float[Tensor, "*batch n_query d_query"], w: Float[Tensor, "n_key d_query"]
) -> Float[Tensor, "*batch n_query n_key"]:
    """Twin of `reference.location_score` on a batch."""
    _check.shape("w", w.shape, (None, query.shape[-1]), "w is (n_key, d_query)")
    return query @ w.mT


def attend(
    score: Float[Tensor, "*batch n_query n_key"],
    value: Float[Tensor, "*batch n_key d_value"],
    mask: Bool[Tensor, "*#batch #n_query #n_key"],
) -> tuple[Float[Tensor, "*batch n_query d_value"], Float[Tensor, "*batch n_query n_key"]]:
    """Twin of `reference.attend` on a batch."""
    weight = masked_softmax(score, mask)
    return masked_context(weight, value, mask), weight


def _direction(feature: Tensor) -> Tensor:
    """Vectors at length one, a zero vector as it is; no square overflows on the way."""
    size = feature.detach().abs().amax(dim=-1, keepdim=True)
    zero = size == 0
    feature = (feature / size.masked_fill(zero, 1.0)).masked_fill(zero, 0.0)
    square = feature.square().sum(dim=-1, keepdim=True).masked_fill(zero, 1.0)
    return feature / square.sqrt()


# Windows ----------------------------------------------------------------------------------------


def predicted_position(
    query: Float[Tensor, "*batch n_query d_query"],
    w: Float[Tensor, "d_score d_query"],
    v: Float[Tensor, " d_score"],
    length: Int[Tensor, "*batch"],
) -> Float[Tensor, "*batch n_query"]:
    """Twin of `reference.predicted_position` on a batch: one length for each example."""
    _check.shape("w", w.shape, (len(v), query.shape[-1]), "w is (d_score, d_query)")
    if length.numel() and not length.is_cuda:  # reading a value back from a GPU would stall it
        _check.at_least("length", int(length.min()), 1)
    share = torch.sigmoid(torch.tanh(query @ w.mT) @ v)
    return (length - 1).to(share)[..., None] * share


def window_mask(
    position: Float[Tensor, "*batch n_query"], n_key: int, radius: int
) -> Bool[Tensor, "*batch n_query n_key"]:
    """Twin of `reference.window_mask` on a batch; distances are formed in float64."""
    _check.at_least("radius", radius, 0)
    key = torch.arange(n_key, device=position.device)
    return (key - position.detach().double()[..., None]).abs() <= radius


def local_weight(
    weight: Float[Tensor, "*batch n_query n_key"],
    position: Float[Tensor, "*batch n_query"],
    radius: int,
) -> Float[Tensor, "*batch n_query n_key"]:
    """Twin of `reference.local_weight` on a batch; the bells are formed in float32 at least."""
    _check.shape(
        "position", position.shape[-1:], weight.shape[-2:-1], "one position for each query"
    )
    _check.at_least("radius", radius, 1)
    n_key = weight.shape[-1]
    outside = ~window_mask(position, n_key, radius)
    wide = torch.promote_types(position.dtype, torch.float32)
    distance = torch.arange(n_key, device=position.device) - position.to(wide)[..., None]
    bell = torch.exp(-2 * (distance.masked_fill(outside, 0.0) / radius).square())
    return weight.masked_fill(outside, 0.0) * bell.to(weight.dtype)


def local_attend(
    query: Float[Tensor, "*batch n_query d_key"],
    key: Float[Tensor, "*batch n_key d_key"],
    value: Float[Tensor, "*batch n_key d_value"],
    position: Float[Tensor, "*batch n_query"],
    radius: int,
) -> tuple[Float[Tensor, "*batch n_query d_value"], Float[Tensor, "*batch n_query n_slot"]]:
    """Twin of `reference.local_attend` on a batch: one gather each for keys and values."""
    _check.shape("key", key.shape[-2:], (None, query.shape[-1]), _ONE_WIDTH)
    _check.shape("value", value.shape[-2:], (key.shape[-2], None), "one value for each key")
    _check.shape("position", position.shape[-1:], query.shape[-2:-1], "one position for each query")
    _check.at_least("radius", radius, 0)
    n_key = key.shape[-2]
    centre = torch.floor(position.detach().double() + 0.5).clamp(-radius - 1, n_key + radius)
    index = centre.long()[..., None] + torch.arange(-radius, radius + 1, device=centre.device)
    inside = (index >= 0) & (index < n_key)
    near = [_gathered(each, index.clamp(0, n_key - 1), inside) for each in (key, value)]
    scale = math.sqrt(query.shape[-1])
    score = torch.einsum("...qd,...qsd->...qs", query / scale, near[0])
    weight = masked_softmax(score, inside)
    return torch.einsum("...qs,...qsd->...qd", weight, near[1]), weight


def _gathered(feature: Tensor, index: Tensor, inside: Tensor) -> Tensor:
    """Rows of a sequence for each slot of each query, zeros for slots off the sequence."""
    flat = torch.take_along_dim(feature, index.flatten(-2)[..., None], dim=-2)
    return flat.unflatten(-2, index.shape[-2:]).masked_fill(~inside[..., None], 0.0)


# Pictures ---------------------------------------------------------------------------------------


def region_attention(
    query: Float[Tensor, "*batch d_query"],
    region: Float[Tensor, "*batch n_region d_region"],
    w_query: Float[Tensor, "d_score d_query"],
    w_key: Float[Tensor, "d_score d_region"],
    v: Float[Tensor, " d_score"],
    w_gate: Float[Tensor, " d_query"],
    b_gate: Float[Tensor, ""],
) -> tuple[
    Float[Tensor, "*batch d_region"], Float[Tensor, "*batch n_region"], Float[Tensor, "*batch"]
]:
    """Twin of `reference.region_attention` on a batch."""
    _check.shape("w_gate", w_gate.shape, query.shape[-1:], "as wide as the query")
    score = additive_score(query.unsqueeze(-2), region, w_query, w_key, v).squeeze(-2)
    weight = score.softmax(dim=-1)
    gate = torch.sigmoid(query @ w_gate + b_gate)
    context = torch.einsum("...r,...rd->...d", weight, region)
    return gate[..., None] * context, weight, gate


def doubly_stochastic_penalty(
    weight: Float[Tensor, "*batch n_step n_region"], mask: Bool[Tensor, "*batch n_step"]
) -> Float[Tensor, "*batch"]:
    """Twin of `reference.doubly_stochastic_penalty` on a batch, one penalty for each example."""
    _check.boolean("mask", mask.dtype)
    _check.shape("mask", mask.shape[-1:], weight.shape[-2:-1], "one entry for each step")
    total = weight.masked_fill(~mask[..., None], 0.0).sum(dim=-2)
    return (1 - total).square().sum(dim=-1)


# Attention within a sequence --------------------------------------------------------------------


def lstmn_step(
    feature: Float[Tensor, "*batch d_in"],
    tape: Float[Tensor, "*batch n_past d_hidden"],
    cell_tape: Float[Tensor, "*batch n_past d_hidden"],
    summary: Float[Tensor, "*batch d_hidden"],
    params: Mapping[str, Tensor],
) -> tuple[
    Float[Tensor, "*batch d_hidden"],
    Float[Tensor, "*batch d_hidden"],
    Float[Tensor, "*batch d_hidden"],
    Float[Tensor, "*batch n_past"],
]:
    """Twin of `reference.lstmn_step` on a batch."""
    _check.shape("tape", tape.shape[-2:], (None, summary.shape[-1]), "as wide as the summary")
    _check.shape("cell_tape", cell_tape.shape[-2:], tape.shape[-2:], "a cell for each state")
    query = torch.cat([feature, summary], dim=-1).unsqueeze(-2)
    w_query = torch.cat([params["w_feature"], params["w_summary"]], dim=-1)
    score = additive_score(query, tape, w_query, params["w_tape"], params["v"])
    weight = score.softmax(dim=-1)
    summary, cell = (weight @ tape).squeeze(-2), (weight @ cell_tape).squeeze(-2)
    names = ("w_input", "w_hidden", "b_input", "b_hidden")
    hidden, cell = lstm_cell(feature, summary, cell, *(params[f"cell.{name}"] for name in names))
    return hidden, cell, summary, weight.squeeze(-2)


def lstmn(
    feature: Float[Tensor, "*batch n_step d_in"], params: Mapping[str, Tensor]
) -> tuple[Float[Tensor, "*batch n_step d_hidden"], Float[Tensor, "*batch n_step n_step"]]:
    """Twin of `reference.lstmn` on a batch."""
    *batch, n_step, _ = feature.shape
    _check.at_least("n_step", n_step, 1)
    tape = cell_tape = feature.new_zeros(*batch, 0, params["cell.w_hidden"].shape[1])
    summary = feature.new_zeros(*batch, params["cell.w_hidden"].shape[1])
    weights = []
    for t in range(n_step):
        hidden, cell, summary, weight = lstmn_step(
            feature[..., t, :], tape, cell_tape, summary, params
        )
        tape = torch.cat([tape, hidden.unsqueeze(-2)], dim=-2)
        cell_tape = torch.cat([cell_tape, cell.unsqueeze(-2)], dim=-2)
        weights.append(torch.nn.functional.pad(weight, (0, n_step - t)))
    return tape, torch.stack(weights, dim=-2)
