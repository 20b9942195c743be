"""The torch twins of `attn_course.gaussian.reference`: leading batch axes, no loop over samples.

Every parameter of the reference that is a number or a pair becomes a tensor with the batch axes in
front. On a GPU the sign of a std is not checked, since reading it back would stall the device.
"""

import torch
from torch import Tensor

from attn_course import _check
from attn_course._typing import Float

RULES = ("exact", "source")
EPSILON = 1e-8


def gaussian_vector(
    mean: Float[Tensor, "*batch"], std: Float[Tensor, "*batch"], n_pixel: int
) -> Float[Tensor, "*batch n_pixel"]:
    """Twin of `reference.gaussian_vector` on a batch."""
    _positive("std", std)
    _check.at_least("n_pixel", n_pixel, 1)
    pixel = torch.arange(n_pixel, device=mean.device, dtype=_wide(mean.dtype))
    z = (pixel - mean[..., None]) / std[..., None]
    return torch.exp(-0.5 * z.square()).to(mean.dtype)


def attention_map(
    row: Float[Tensor, "*batch width"], column: Float[Tensor, "*batch height"]
) -> Float[Tensor, "*batch height width"]:
    """Twin of `reference.attention_map` on a batch."""
    return torch.einsum("...h,...w->...hw", column, row)


def filterbank(
    mean: Float[Tensor, "*batch"],
    std: Float[Tensor, "*batch"],
    stride: Float[Tensor, "*batch"],
    n_filter: int,
    n_pixel: int,
    rule: str = "exact",
) -> Float[Tensor, "*batch n_filter n_pixel"]:
    """Twin of `reference.filterbank` on a batch; the exponents are formed in float32 at least."""
    _positive("std", std)
    _check.at_least("n_filter", n_filter, 1)
    _check.at_least("n_pixel", n_pixel, 1)
    _check.one_of("rule", rule, RULES)
    given, dtype = mean.dtype, _wide(mean.dtype)
    mean, std, stride = (t.to(dtype) for t in torch.broadcast_tensors(mean, std, stride))
    centre = mean[..., None] + stride[..., None] * torch.arange(
        n_filter, device=mean.device, dtype=dtype
    )
    pixel = torch.arange(n_pixel, device=mean.device, dtype=dtype)
    std = std[..., None, None]
    if rule == "exact":
        # Take off the square of the nearest pixel's distance, a constant of the row, before
        # dividing: (p - c)^2 - (q - c)^2 = (p - q)(p + q - 2c) for the nearest pixel q.
        nearest = centre.detach().round().clamp(0, n_pixel - 1)[..., None]
        square = (pixel - nearest) / std * (pixel + nearest - 2 * centre[..., None]) / std
        bank = torch.softmax(-0.5 * square, dim=-1)
    else:
        bell = torch.exp(-0.5 * ((pixel - centre[..., None]) / std).square())
        bank = bell / (bell.sum(dim=-1, keepdim=True) + EPSILON)
    return bank.to(given)


def gaussian_glimpse(
    image: Float[Tensor, "*batch channel height width"],
    mean: Float[Tensor, "*batch 2"],
    std: Float[Tensor, "*batch 2"],
    stride: Float[Tensor, "*batch 2"],
    size: tuple[int, int],
    rule: str = "exact",
) -> Float[Tensor, "*batch channel h w"]:
    """Twin of `reference.gaussian_glimpse` on a batch: two batched matrix products."""
    _check.shape(
        "image", image.shape[-3:], (None, None, None), "an image is (channel, height, width)"
    )
    filter_y, filter_x = _filterbanks(mean, std, stride, size, image.shape[-2:], rule)
    filter_y, filter_x = filter_y.to(image.dtype), filter_x.to(image.dtype)
    return filter_y[..., None, :, :] @ (image @ filter_x[..., None, :, :].mT)


def gaussian_write(
    patch: Float[Tensor, "*batch channel h w"],
    mean: Float[Tensor, "*batch 2"],
    std: Float[Tensor, "*batch 2"],
    stride: Float[Tensor, "*batch 2"],
    size: tuple[int, int],
    rule: str = "exact",
) -> Float[Tensor, "*batch channel height width"]:
    """Twin of `reference.gaussian_write` on a batch."""
    _check.shape("patch", patch.shape[-3:], (None, None, None), "a patch is (channel, h, w)")
    filter_y, filter_x = _filterbanks(mean, std, stride, patch.shape[-2:], size, rule)
    filter_y, filter_x = filter_y.to(patch.dtype), filter_x.to(patch.dtype)
    return filter_y[..., None, :, :].mT @ (patch @ filter_x[..., None, :, :])


def first_to_centre(
    mean: Float[Tensor, "*batch 2"], stride: Float[Tensor, "*batch 2"], n_filter: int
) -> Float[Tensor, "*batch 2"]:
    """Twin of `reference.first_to_centre` on a batch."""
    _check.at_least("n_filter", n_filter, 1)
    return torch.add(mean, stride, alpha=(n_filter - 1) / 2)


def centre_to_first(
    centre: Float[Tensor, "*batch 2"], stride: Float[Tensor, "*batch 2"], n_filter: int
) -> Float[Tensor, "*batch 2"]:
    """Twin of `reference.centre_to_first` on a batch."""
    _check.at_least("n_filter", n_filter, 1)
    return torch.sub(centre, stride, alpha=(n_filter - 1) / 2)


def draw_window(
    raw: Float[Tensor, "*batch 5"], size: tuple[int, int], n_filter: int
) -> tuple[
    Float[Tensor, "*batch 2"],
    Float[Tensor, "*batch 2"],
    Float[Tensor, "*batch 2"],
    Float[Tensor, "*batch"],
]:
    """Twin of `reference.draw_window` on a batch."""
    _check.shape("raw", raw.shape[-1:], (5,))
    _check.at_least("n_filter", n_filter, 2, "with one Gaussian the stride means nothing")
    height, width = size
    half = raw.new_tensor([(width + 1) / 2, (height + 1) / 2])
    centre = half * raw[..., :2] + (half - 1)
    std = (0.5 * raw[..., 2:3]).exp().expand_as(centre)
    stride = ((max(size) - 1) / (n_filter - 1) * raw[..., 3:4].exp()).expand_as(centre)
    return centre_to_first(centre, stride, n_filter), std, stride, raw[..., 4].exp()


def draw_read(
    image: Float[Tensor, "*batch channel height width"],
    raw: Float[Tensor, "*batch 5"],
    n_filter: int,
) -> Float[Tensor, "*batch channel n_filter n_filter"]:
    """Twin of `reference.draw_read` on a batch."""
    _check.shape(
        "image", image.shape[-3:], (None, None, None), "an image is (channel, height, width)"
    )
    height, width = image.shape[-2:]
    mean, std, stride, intensity = draw_window(raw, (height, width), n_filter)
    patch = gaussian_glimpse(image, mean, std, stride, (n_filter, n_filter))
    return patch * intensity[..., None, None, None]


def draw_write(
    patch: Float[Tensor, "*batch channel n_filter n_filter"],
    raw: Float[Tensor, "*batch 5"],
    size: tuple[int, int],
) -> Float[Tensor, "*batch channel height width"]:
    """Twin of `reference.draw_write` on a batch."""
    _check.shape("patch", patch.shape[-3:], (None, patch.shape[-1], patch.shape[-1]))
    mean, std, stride, intensity = draw_window(raw, size, patch.shape[-1])
    return gaussian_write(patch, mean, std, stride, size) / intensity[..., None, None, None]


def _filterbanks(
    mean: Tensor, std: Tensor, stride: Tensor, n_filter: tuple, n_pixel: tuple, rule: str
) -> tuple[Tensor, Tensor]:
    for name, pair in (("mean", mean), ("std", std), ("stride", stride)):
        _check.shape(name, pair.shape[-1:], (2,), "a pair is (x, y)")
    (h, w), (height, width) = n_filter, n_pixel
    filter_y = filterbank(mean[..., 1], std[..., 1], stride[..., 1], h, height, rule)
    filter_x = filterbank(mean[..., 0], std[..., 0], stride[..., 0], w, width, rule)
    return filter_y, filter_x


def _positive(name: str, value: Tensor) -> None:
    if value.numel() and not value.is_cuda:
        _check.positive(name, value.detach().min().item())


def _wide(dtype: torch.dtype) -> torch.dtype:
    return torch.promote_types(dtype, torch.float32)
