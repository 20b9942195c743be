"""The torch twins of `attn_course.preliminaries.reference`: leading batch axes, fused kernels."""

import torch
from torch import Tensor

from attn_course import _check
from attn_course._typing import Bool, Float, Int


def softmax(score: Float[Tensor, "*batch n_query n_key"]) -> Float[Tensor, "*batch n_query n_key"]:
    """Twin of `reference.softmax` on a batch."""
    return torch.softmax(score, dim=-1)


def softmax_jacobian(weight: Float[Tensor, "*batch n_key"]) -> Float[Tensor, "*batch n_key n_key"]:
    """Twin of `reference.softmax_jacobian` on a batch."""
    return weight.diag_embed() - weight.unsqueeze(-1) * weight.unsqueeze(-2)


def masked_softmax(
    score: Float[Tensor, "*batch n_query n_key"], mask: Bool[Tensor, "*#batch #n_query #n_key"]
) -> Float[Tensor, "*batch n_query n_key"]:
    """Twin of `reference.masked_softmax` on a batch.

    Masked scores are replaced before the softmax and masked weights after it, so that neither a
    NaN there nor an empty row reaches a result or a gradient.
    """
    _check.boolean("mask", mask.dtype)
    _check.broadcasts("mask", mask.shape[-2:], score.shape[-2:])
    empty = ~mask.any(dim=-1, keepdim=True)
    safe = score.masked_fill(~mask, -torch.inf).masked_fill(empty, 0.0)
    return torch.softmax(safe, dim=-1).masked_fill(~mask, 0.0)


def masked_context(
    weight: Float[Tensor, "*batch n_query n_key"],
    value: Float[Tensor, "*batch n_key d_value"],
    mask: Bool[Tensor, "*#batch #n_query #n_key"],
) -> Float[Tensor, "*batch n_query d_value"]:
    """Twin of `reference.masked_context` on a batch.

    Values that no query of their own example may attend to are replaced before the product, so
    that a NaN among them reaches neither the context nor the gradient of a weight.
    """
    _check.boolean("mask", mask.dtype)
    _check.broadcasts("mask", mask.shape[-2:], weight.shape[-2:])
    _check.shape("value", value.shape[-2:], (weight.shape[-1], None), "one value for each key")
    unseen = ~mask.any(dim=-2).unsqueeze(-1)
    return weight.masked_fill(~mask, 0.0) @ value.masked_fill(unseen, 0.0)


def padding_mask(length: Int[Tensor, "*batch"], n_key: int) -> Bool[Tensor, "*batch 1 n_key"]:
    """Twin of `reference.padding_mask`: one length per example."""
    if length.numel() and not length.is_cuda:  # reading a value back from a GPU would stall it
        _check.at_least("length", int(length.min()), 0)
        _check.at_most("length", int(length.max()), n_key)
    return torch.arange(n_key, device=length.device) < length[..., None, None]


def causal_mask(
    n_query: int, n_key: int, device: torch.device | None = None
) -> Bool[Tensor, "n_query n_key"]:
    """Twin of `reference.causal_mask`; `device` says where the mask is made."""
    _check.at_least("n_query", n_query, 1)
    return torch.ones(n_query, n_key, dtype=torch.bool, device=device).tril()


def dense(
    feature: Float[Tensor, "*batch d_in"],
    w: Float[Tensor, "d_out d_in"],
    b: Float[Tensor, " d_out"],
) -> Float[Tensor, "*batch d_out"]:
    """Twin of `reference.dense` on a batch."""
    _check.shape("w", w.shape, (b.shape[-1], feature.shape[-1]), "w is (d_out, d_in)")
    return torch.nn.functional.linear(feature, w, b)


def simple_cell(
    feature: Float[Tensor, "*batch d_in"],
    hidden: Float[Tensor, "*batch d_hidden"],
    w_input: Float[Tensor, "d_hidden d_in"],
    w_hidden: Float[Tensor, "d_hidden d_hidden"],
    b: Float[Tensor, " d_hidden"],
) -> Float[Tensor, "*batch d_hidden"]:
    """Twin of `reference.simple_cell` on a batch."""
    _check.cell(
        1,
        feature.shape[-1],
        hidden.shape[-1],
        w_input=w_input.shape,
        w_hidden=w_hidden.shape,
        b=b.shape,
    )
    return torch.tanh(dense(feature, w_input, b) + dense(hidden, w_hidden, torch.zeros_like(b)))


def gru_cell(
    feature: Float[Tensor, "*batch d_in"],
    hidden: Float[Tensor, "*batch d_hidden"],
    w_input: Float[Tensor, "3*d_hidden d_in"],
    w_hidden: Float[Tensor, "3*d_hidden d_hidden"],
    b_input: Float[Tensor, " 3*d_hidden"],
    b_hidden: Float[Tensor, " 3*d_hidden"],
) -> Float[Tensor, "*batch d_hidden"]:
    """Twin of `reference.gru_cell` on a batch."""
    _check.cell(
        3,
        feature.shape[-1],
        hidden.shape[-1],
        w_input=w_input.shape,
        w_hidden=w_hidden.shape,
        b_input=b_input.shape,
        b_hidden=b_hidden.shape,
    )
    reset_in, update_in, new_in = dense(feature, w_input, b_input).chunk(3, dim=-1)
    reset_hid, update_hid, new_hid = dense(hidden, w_hidden, b_hidden).chunk(3, dim=-1)
    update = torch.sigmoid(update_in + update_hid)
    new = torch.tanh(new_in + torch.sigmoid(reset_in + reset_hid) * new_hid)
    return torch.lerp(new, hidden, update)


def lstm_cell(
    feature: Float[Tensor, "*batch d_in"],
    hidden: Float[Tensor, "*batch d_hidden"],
    cell: Float[Tensor, "*batch d_hidden"],
    w_input: Float[Tensor, "4*d_hidden d_in"],
    w_hidden: Float[Tensor, "4*d_hidden d_hidden"],
    b_input: Float[Tensor, " 4*d_hidden"],
    b_hidden: Float[Tensor, " 4*d_hidden"],
) -> tuple[Float[Tensor, "*batch d_hidden"], Float[Tensor, "*batch d_hidden"]]:
    """Twin of `reference.lstm_cell` on a batch."""
    _check.cell(
        4,
        feature.shape[-1],
        hidden.shape[-1],
        w_input=w_input.shape,
        w_hidden=w_hidden.shape,
        b_input=b_input.shape,
        b_hidden=b_hidden.shape,
        cell=cell.shape[-1:],
    )
    score = dense(feature, w_input, b_input) + dense(hidden, w_hidden, b_hidden)
    enter, forget, new, out = score.chunk(4, dim=-1)
    cell = torch.addcmul(forget.sigmoid() * cell, enter.sigmoid(), new.tanh())
    return out.sigmoid() * cell.tanh(), cell
