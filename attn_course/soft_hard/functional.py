"""The torch twins of `attn_course.soft_hard.reference`: leading batch axes, one gather a crop."""

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn.functional import softplus

from attn_course import _check
from attn_course._typing import Float, Int, Number
from attn_course.preliminaries.functional import dense, simple_cell

_IMAGE = "an image is (channel, height, width)"


def sigmoid_mask(score: Float[Tensor, "*batch n"]) -> Float[Tensor, "*batch n"]:
    """Twin of `reference.sigmoid_mask` on a batch."""
    return torch.sigmoid(score)


def soft_glimpse(
    feature: Float[Tensor, "*batch n"], mask: Float[Tensor, "*batch n"]
) -> Float[Tensor, "*batch n"]:
    """Twin of `reference.soft_glimpse` on a batch."""
    _check.shape("mask", mask.shape[-1:], feature.shape[-1:])
    return mask * feature


def soft_item(
    control: Float[Tensor, "*batch n_item"],
    feature: Float[Tensor, "*batch n_item d"],
    noise: None = None,
) -> Float[Tensor, "*batch d"]:
    """Twin of `reference.soft_item` on a batch."""
    _check.shape("control", control.shape[-1:], feature.shape[-2:-1], "one score for each item")
    return torch.einsum("...i,...id->...d", control.softmax(dim=-1), feature)


def hard_item(
    control: Float[Tensor, "*batch n_item"],
    feature: Float[Tensor, "*batch n_item d"],
    noise: Float[Tensor, "*batch n_item"],
) -> Float[Tensor, "*batch d"]:
    """Twin of `reference.hard_item` on a batch."""
    _check.shape("control", control.shape[-1:], feature.shape[-2:-1], "one score for each item")
    _check.shape("noise", noise.shape[-1:], control.shape[-1:])
    index = (control + noise).argmax(dim=-1)[..., None, None]
    return torch.take_along_dim(feature, index, dim=-2).squeeze(-2)


def soft_location(
    control: Float[Tensor, "*batch height width"],
    feature: Float[Tensor, "*batch channel height width"],
    noise: None = None,
) -> Float[Tensor, "*batch channel height width"]:
    """Twin of `reference.soft_location` on a batch."""
    _check.shape("control", control.shape[-2:], feature.shape[-2:], "one score for each pixel")
    return control.sigmoid().unsqueeze(-3) * feature


def hard_location(
    control: Float[Tensor, "*batch 2"],
    feature: Float[Tensor, "*batch channel height width"],
    noise: Float[Tensor, "*batch 2"],
    size: int,
    std: Number,
) -> Float[Tensor, "*batch channel size size"]:
    """Twin of `reference.hard_location` on a batch."""
    _check.shape("control", control.shape[-1:], (2,), "a place is (x, y)")
    _check.shape("noise", noise.shape[-1:], (2,))
    _check.at_least("std", std, 0)
    _check.shape("feature", feature.shape[-3:], (None, None, None), _IMAGE)
    place = (control + std * noise).clamp(-1, 1)
    return crop(feature, _corner(place, feature.shape[-2:], size), size)


def glimpse_loop(
    look: Callable[..., Tensor],
    feature: Float[Tensor, "..."],
    noise: Float[Tensor, "n_step ..."] | None,
    params: Mapping[str, Tensor],
    n_step: int,
) -> tuple[Float[Tensor, "n_step ..."], Float[Tensor, "n_step d_hidden"]]:
    """Twin of `reference.glimpse_loop` for one example; vmap makes a batch of it."""
    _check.at_least("n_step", n_step, 1)
    if noise is not None:
        _check.shape("noise", noise.shape[:1], (n_step,), "one draw for each step")
    hidden = feature.new_zeros(params["cell.w_hidden"].shape[1])
    glimpses, states = [], []
    for t in range(n_step):
        control = dense(hidden, params["control.w"], params["control.b"])
        if look is soft_location:
            control = control.reshape(feature.shape[-2:])
        glimpse = look(control, feature, None if noise is None else noise[t])
        weights = (params[f"cell.{name}"] for name in ("w_input", "w_hidden", "b"))
        hidden = simple_cell(glimpse.flatten(), hidden, *weights)
        glimpses.append(glimpse)
        states.append(hidden)
    return torch.stack(glimpses), torch.stack(states)


def expected_gradient(
    score: Float[Tensor, "*batch n"], reward: Float[Tensor, "*batch n"]
) -> Float[Tensor, "*batch n"]:
    """Twin of `reference.expected_gradient` on a batch."""
    _check.shape("reward", reward.shape[-1:], score.shape[-1:], "one reward for each choice")
    p = score.softmax(dim=-1)
    return p * (reward - (p * reward).sum(dim=-1, keepdim=True))


def choice_score(
    score: Float[Tensor, "*batch n"], choice: Int[Tensor, "*batch"]
) -> Float[Tensor, "*batch n"]:
    """Twin of `reference.choice_score` on a batch."""
    _check_choice("choice", choice, score.shape[-1])
    return _one_hot(choice, score) - score.softmax(dim=-1)


def location_score(
    mean: Float[Tensor, "*batch 2"], std: Number, location: Float[Tensor, "*batch 2"]
) -> Float[Tensor, "*batch 2"]:
    """Twin of `reference.location_score` on a batch."""
    _check.positive("std", std)
    _check.shape("mean", mean.shape[-1:], (2,), "a place is (x, y)")
    _check.shape("location", location.shape[-1:], (2,), "a place is (x, y)")
    return (location - mean) / std**2


def score_function_gradient(
    score: Float[Tensor, "*batch n"],
    choice: Int[Tensor, "*batch n_draw"],
    reward: Float[Tensor, "*batch n_draw"],
    baseline: Float[Tensor, "*batch n_draw"],
) -> Float[Tensor, "*batch n"]:
    """Twin of `reference.score_function_gradient` on a batch."""
    _check.shape("reward", reward.shape[-1:], choice.shape[-1:], "one reward for each draw")
    _check.shape("baseline", baseline.shape[-1:], choice.shape[-1:], "one baseline for each draw")
    scores = choice_score(score.unsqueeze(-2).expand(*choice.shape, -1), choice)
    return torch.einsum("...k,...kn->...n", reward - baseline, scores) / choice.shape[-1]


def leave_one_out(reward: Float[Tensor, "*batch n_draw"]) -> Float[Tensor, "*batch n_draw"]:
    """Twin of `reference.leave_one_out` on a batch."""
    n_draw = reward.shape[-1]
    _check.at_least("n_draw", n_draw, 2, "one draw has no others")
    return (reward.sum(dim=-1, keepdim=True) - reward) / (n_draw - 1)


def gumbel_noise(uniform: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    """Twin of `reference.gumbel_noise`."""
    return -(-uniform.log()).log()


def gumbel_softmax(
    score: Float[Tensor, "*batch n"], noise: Float[Tensor, "*batch n"], temperature: Number
) -> Float[Tensor, "*batch n"]:
    """Twin of `reference.gumbel_softmax` on a batch."""
    _check.positive("temperature", temperature)
    _check.shape("noise", noise.shape[-1:], score.shape[-1:])
    return ((score + noise) / temperature).softmax(dim=-1)


def straight_through(
    score: Float[Tensor, "*batch n"], noise: Float[Tensor, "*batch n"]
) -> Float[Tensor, "*batch n"]:
    """Twin of `reference.straight_through` on a batch; its gradient is the softmax's."""
    _check.shape("noise", noise.shape[-1:], score.shape[-1:])
    soft = score.softmax(dim=-1)
    hard = _one_hot((score + noise).argmax(dim=-1), score)
    return hard + (soft - soft.detach())


def straight_through_gradient(
    score: Float[Tensor, "*batch n"], slope: Float[Tensor, "*batch n"]
) -> Float[Tensor, "*batch n"]:
    """Twin of `reference.straight_through_gradient` on a batch."""
    _check.shape("slope", slope.shape[-1:], score.shape[-1:], "one slope for each choice")
    return expected_gradient(score, slope)


def crop(
    feature: Float[Tensor, "*batch channel height width"],
    corner: Int[Tensor, "*batch 2"],
    size: int,
) -> Float[Tensor, "*batch channel size size"]:
    """Twin of `reference.crop` on a batch: one gather, no loop."""
    _check.at_least("size", size, 1)
    _check.shape("corner", corner.shape[-1:], (2,), "a corner is (x, y)")
    _check.shape("feature", feature.shape[-3:], (None, None, None), _IMAGE)
    height, width = feature.shape[-2:]
    step = torch.arange(size, device=feature.device)
    x, y = corner[..., :1] + step, corner[..., 1:] + step  # (*batch, size) each
    index = y.clamp(0, height - 1)[..., :, None] * width + x.clamp(0, width - 1)[..., None, :]
    flat = torch.take_along_dim(feature.flatten(-2), index.flatten(-2).unsqueeze(-2), dim=-1)
    piece = flat.unflatten(-1, (size, size))
    inside_x, inside_y = (x >= 0) & (x < width), (y >= 0) & (y < height)
    outside = ~(inside_y[..., :, None] & inside_x[..., None, :]).unsqueeze(-3)
    return piece.masked_fill(outside, 0.0)


def retina(
    feature: Float[Tensor, "*batch channel height width"],
    location: Float[Tensor, "*batch 2"],
    size: int,
    n_scale: int,
) -> Float[Tensor, "*batch n_scale channel size size"]:
    """Twin of `reference.retina` on a batch."""
    _check.at_least("size", size, 1)
    _check.at_least("n_scale", n_scale, 1)
    _check.shape("location", location.shape[-1:], (2,), "a place is (x, y)")
    _check.shape("feature", feature.shape[-3:], (None, None, None), _IMAGE)
    patches = []
    for k in range(n_scale):
        side = size * 2**k
        wide = crop(feature, _corner(location, feature.shape[-2:], side), side)
        blocks = wide.unflatten(-1, (size, 2**k)).unflatten(-3, (size, 2**k))
        patches.append(blocks.mean(dim=(-3, -1)))
    return torch.stack(patches, dim=-4)


def hybrid_loss(
    score: Float[Tensor, "*batch n_class"],
    label: Int[Tensor, "*batch"],
    location: Float[Tensor, "*batch n_step 2"],
    mean: Float[Tensor, "*batch n_step 2"],
    std: Number,
    baseline: Float[Tensor, "*batch n_step"],
) -> Float[Tensor, "*batch"]:
    """Twin of `reference.hybrid_loss` on a batch, one loss for each example.

    Places are cut off from the graph, and the gain where it weighs log-probabilities: without the
    first the score function's gradient would vanish, without the second it would train the
    baseline to be low where the policy is likely.
    """
    _check.positive("std", std)
    _check_choice("label", label, score.shape[-1])
    _check.shape("mean", mean.shape[-2:], location.shape[-2:])
    _check.shape("baseline", baseline.shape[-1:], location.shape[-2:-1])
    reward = (score.argmax(dim=-1) == label).to(score.dtype)
    gain = reward.unsqueeze(-1) - baseline
    log_prob = -(location.detach() - mean).square().sum(dim=-1) / (2 * std**2)
    right = torch.take_along_dim(score.log_softmax(dim=-1), label.unsqueeze(-1), dim=-1)
    return -right.squeeze(-1) - (gain.detach() * log_prob).sum(dim=-1) + gain.square().sum(dim=-1)


def _check_choice(name: str, choice: Tensor, n: int) -> None:
    if choice.numel() and not choice.is_cuda:  # reading a value back from a GPU would stall it
        _check.at_least(name, int(choice.min()), 0)
        _check.at_most(name, int(choice.max()), n - 1)


def _one_hot(choice: Tensor, like: Tensor) -> Tensor:
    index = torch.arange(like.shape[-1], device=like.device)
    return (choice.unsqueeze(-1) == index).to(like.dtype)


def _corner(location: Tensor, size: torch.Size, side: int) -> Tensor:
    """Upper left pixels (x, y) of the crops of that side round normalised places."""
    height, width = size
    wide = torch.tensor([width, height], dtype=location.dtype, device=location.device)
    return torch.floor((location + 1) / 2 * wide - side / 2 + 0.5).long()


# Products ---------------------------------------------------------------------------------------


def product_weights(
    n_factor: int,
    scale: Number,
    shift: Number,
    device: torch.device | None = None,
    dtype: torch.dtype | None = None,
) -> tuple[Float[Tensor, "n_hidden n_factor"], Float[Tensor, " n_hidden"]]:
    """Twin of `reference.product_weights`; `device` and `dtype` are those of the weights."""
    _check.at_least("n_factor", n_factor, 1)
    _check.positive("scale", scale)
    plus_minus = torch.tensor([1.0, -1.0], device=device, dtype=dtype)
    sign = torch.cartesian_prod(*[plus_minus] * n_factor).reshape(-1, n_factor)
    slope = _softplus_slope(shift, n_factor)
    return scale * sign, sign.prod(dim=1) / ((2 * scale) ** n_factor * slope)


def product_net(
    factor: Float[Tensor, "*batch n_factor"], scale: Number, shift: Number
) -> Float[Tensor, "*batch"]:
    """Twin of `reference.product_net` on a batch."""
    hidden, out = product_weights(factor.shape[-1], scale, shift, factor.device, factor.dtype)
    return softplus(factor @ hidden.mT + shift, threshold=40) @ out


def iterated_exp(value: Float[Tensor, "*n"], times: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    """Twin of `reference.iterated_exp` on any shape.

    Every branch is computed on numbers that are safe for it, so that no NaN comes back from one
    that was not taken.
    """
    _check.shape("times", times.shape, value.shape)
    if times.numel():
        _check.at_least("times", float(times.detach().min()), -1)
        _check.at_most("times", float(times.detach().max()), 1)
        negative = value[times < 0]
        if negative.numel() and not negative.min() > 0:
            _check.positive("value", float(negative.detach().min()))
    low = value < 0
    place, level = torch.where(low, value.clamp(max=0).exp(), value), torch.zeros_like(value)
    for _ in range(4):  # the largest number that there is takes four logarithms
        high = ~low & (place >= 1)
        place = torch.where(high, torch.where(high, place, 1.0).log(), place)
        level = level + high
    place = place + level + times - low.to(value)
    below = place < 0
    # Where value and result are both negative, 1 is taken off and put on again: do neither.
    direct = torch.where(low, value.clamp(max=0).exp() + times, place + 1)
    result = place - place.detach().floor()
    for k in range(5):
        again = ~below & (place >= k + 1)
        result = torch.where(again, torch.where(again, result, 0.0).exp(), result)
    return torch.where(below, torch.where(below, direct, 1.0).log(), result)


def add_or_multiply(
    feature: Float[Tensor, "*batch d_in"],
    w: Float[Tensor, "n_unit d_in"],
    times: Float[Tensor, " n_unit"],
) -> Float[Tensor, "*batch n_unit"]:
    """Twin of `reference.add_or_multiply` on a batch."""
    _check.shape("w", w.shape, (len(times), feature.shape[-1]))
    wide = feature.unsqueeze(-2).expand(*feature.shape[:-1], *w.shape)
    inner = iterated_exp(wide, -times.unsqueeze(-1).expand_as(wide))
    total = (w * inner).sum(dim=-1)
    return iterated_exp(total, times.expand_as(total))


def dynamic_filter(
    feature: Float[Tensor, "*batch height width"], kernel: Float[Tensor, "*batch rows columns"]
) -> Float[Tensor, "*batch h w"]:
    """Twin of `reference.dynamic_filter` on a batch: every example has a filter of its own."""
    _check.at_most("rows", kernel.shape[-2], feature.shape[-2])
    _check.at_most("columns", kernel.shape[-1], feature.shape[-1])
    rows, columns = kernel.shape[-2:]
    piece = feature.unfold(-2, rows, 1).unfold(-2, columns, 1)  # (*batch, h, w, rows, columns)
    return torch.einsum("...hwij,...ij->...hw", piece, kernel)


def _softplus_slope(at: Number, order: int) -> float:
    """Derivative of the softplus, by the coefficients of its polynomial in the sigmoid p."""
    p = 1 / (1 + math.exp(-at))
    power = [0, 1]  # lowest power first: the derivative of p^k is k p^k - k p^(k + 1)
    for _ in range(order - 1):
        rise = [k * c for k, c in enumerate(power)]
        power = [a - b for a, b in zip([*rise, 0], [0, *rise], strict=True)]
    return math.fsum(c * p**k for k, c in enumerate(power))
