"""The torch twins of `attn_course.spatial_transformer.reference`, with leading batch axes.

Positions are formed in float32 at least, whatever comes in. Where no tensor comes in, `dtype` and
`device` say what is made; without them it is the reference's float64.
"""

import math
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import grid_sample, pad

from attn_course import _check
from attn_course._typing import Float

PADDINGS = ("zeros", "border")
KINDS = ("crop", "affine", "projective", "spline")
LEAST_DEPTH = 1e-6
FAR = 4.0  # as far as this nothing is left of an image of any size, at any convention
Size = tuple[int, int]
Device = torch.device | None


def pixel_position(
    coordinate: Float[Tensor, "*batch"], n_pixel: int, align_corners: bool = False
) -> Float[Tensor, "*batch"]:
    """Twin of `reference.pixel_position` on tensors of any shape."""
    _check.at_least("n_pixel", n_pixel, 1)
    side, first = ((n_pixel - 1) / 2, 0.0) if align_corners else (n_pixel / 2, 0.5)
    return ((coordinate.to(_wide(coordinate.dtype)) + 1) * side - first).to(coordinate.dtype)


def normalised_position(
    pixel: Float[Tensor, "*batch"], n_pixel: int, align_corners: bool = False
) -> Float[Tensor, "*batch"]:
    """Twin of `reference.normalised_position` on tensors of any shape."""
    _check.at_least("n_pixel", n_pixel, 1)
    twice = 2 * pixel.to(_wide(pixel.dtype))
    if align_corners:
        return (twice / (n_pixel - 1) - 1 if n_pixel > 1 else 0 * twice).to(pixel.dtype)
    return ((twice + 1) / n_pixel - 1).to(pixel.dtype)


def output_grid(
    size: Size,
    align_corners: bool = False,
    n_sample: int = 1,
    dtype: torch.dtype = torch.float64,
    device: Device = None,
) -> Float[Tensor, "h w 2"]:
    """Twin of `reference.output_grid`."""
    _check.at_least("size", min(size), 1)
    _check.at_least("n_sample", n_sample, 1)
    cells = [torch.arange(n * n_sample, dtype=_wide(dtype), device=device) for n in size]
    y, x = (
        normalised_position((cell + 0.5) / n_sample - 0.5, n, align_corners)
        for cell, n in zip(cells, size, strict=True)
    )
    return torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1).to(dtype)


def affine_matrix(
    angle: Float[Tensor, "*batch"],
    scale: Float[Tensor, "*batch 2"],
    shear: Float[Tensor, "*batch"],
    shift: Float[Tensor, "*batch 2"],
) -> Float[Tensor, "*batch 2 3"]:
    """Twin of `reference.affine_matrix` on a batch."""
    wide = _wide(angle.dtype)
    crop = crop_matrix(scale.to(wide), shift.to(wide))
    cos, sin, shear = angle.to(wide).cos(), angle.to(wide).sin(), shear.to(wide)
    turned = torch.stack([cos, cos * shear - sin, sin, sin * shear + cos], dim=-1)
    turned = turned.unflatten(-1, (2, 2)) * scale[..., None, :].to(wide)
    return torch.cat([turned, crop[..., 2:]], dim=-1).to(angle.dtype)


def crop_matrix(
    scale: Float[Tensor, "*batch 2"], shift: Float[Tensor, "*batch 2"]
) -> Float[Tensor, "*batch 2 3"]:
    """Twin of `reference.crop_matrix` on a batch."""
    for name, pair in (("scale", scale), ("shift", shift)):
        _check.shape(name, pair.shape[-1:], (2,), "a pair is (x, y)")
    return torch.cat([torch.diag_embed(scale), shift[..., None]], dim=-1)


def compose(
    first: Float[Tensor, "*batch 2 3"], second: Float[Tensor, "*batch 2 3"]
) -> Float[Tensor, "*batch 2 3"]:
    """Twin of `reference.compose` on a batch."""
    _check.shape("first", first.shape[-2:], (2, 3))
    _check.shape("second", second.shape[-2:], (2, 3))
    outer, inner = first.to(_wide(first.dtype)), second.to(_wide(first.dtype))
    turned = (outer[..., :2, None] * inner[..., None, :, :]).sum(dim=-2)
    return (turned + pad(outer[..., 2:], (2, 0))).to(first.dtype)


def affine_grid(
    theta: Float[Tensor, "*batch 2 3"], size: Size, align_corners: bool = False, n_sample: int = 1
) -> Float[Tensor, "*batch h w 2"]:
    """Twin of `reference.affine_grid` on a batch."""
    _check.shape("theta", theta.shape[-2:], (2, 3))
    return _moved(theta, size, align_corners, n_sample).to(theta.dtype)


def projective_grid(
    theta: Float[Tensor, "*batch 3 3"], size: Size, align_corners: bool = False, n_sample: int = 1
) -> Float[Tensor, "*batch h w 2"]:
    """Twin of `reference.projective_grid` on a batch."""
    _check.shape("theta", theta.shape[-2:], (3, 3))
    point = _moved(theta, size, align_corners, n_sample)
    return (point[..., :2] / point[..., 2:].clamp(min=LEAST_DEPTH)).to(theta.dtype)


def control_points(
    n_control: int, dtype: torch.dtype = torch.float64, device: Device = None
) -> Float[Tensor, "n_control 2"]:
    """Twin of `reference.control_points`."""
    _check.at_least("n_control", n_control, 4, "the points are a square grid")
    _check.square("n_control", n_control)
    side = math.isqrt(n_control)
    return output_grid((side, side), True, 1, dtype, device).flatten(0, 1)


def spline_weight(
    n_control: int,
    size: Size,
    align_corners: bool = False,
    n_sample: int = 1,
    dtype: torch.dtype = torch.float64,
    device: Device = None,
) -> Float[Tensor, "h w n_control"]:
    """Twin of `reference.spline_weight`: a copy of what was solved in float64, once."""
    device = device or torch.get_default_device()
    return _spline_weight(n_control, size, align_corners, n_sample, dtype, device).clone()


def spline_grid(
    landing: Float[Tensor, "*batch n_control 2"],
    size: Size,
    align_corners: bool = False,
    n_sample: int = 1,
) -> Float[Tensor, "*batch h w 2"]:
    """Twin of `reference.spline_grid` on a batch: one matrix product."""
    _check.shape("landing", landing.shape[-2:], (None, 2), "landing points are (n_control, 2)")
    n_control, dtype, device = landing.shape[-2], _wide(landing.dtype), landing.device
    weight = _spline_weight(n_control, size, align_corners, n_sample, dtype, device)
    with torch.autocast(device.type, enabled=False):  # eight bits do not place a pixel
        grid = (landing.to(dtype).mT @ weight.flatten(0, 1).mT).mT
    return grid.unflatten(-2, [n * n_sample for n in size]).to(landing.dtype)


def identity_raw(
    kind: str, n_control: int = 16, dtype: torch.dtype = torch.float64, device: Device = None
) -> Float[Tensor, " n_raw"]:
    """Twin of `reference.identity_raw`."""
    _check.one_of("kind", kind, KINDS)
    if kind == "spline":
        return control_points(n_control, dtype, device).flatten()
    if kind == "crop":
        return torch.tensor([1, 1, 0, 0], dtype=dtype, device=device)
    return torch.eye(3, dtype=dtype, device=device).flatten()[: 6 if kind == "affine" else 8]


def warp_grid(
    raw: Float[Tensor, "*batch n_raw"],
    kind: str,
    size: Size,
    align_corners: bool = False,
    n_sample: int = 1,
) -> Float[Tensor, "*batch h w 2"]:
    """Twin of `reference.warp_grid` on a batch."""
    _check.one_of("kind", kind, KINDS)
    n_control = raw.shape[-1] // 2
    n_raw = {"crop": 4, "affine": 6, "projective": 8, "spline": 2 * n_control}[kind]
    _check.shape("raw", raw.shape[-1:], (n_raw,))
    if kind == "spline":
        return spline_grid(raw.unflatten(-1, (n_control, 2)), size, align_corners, n_sample)
    if kind == "projective":
        theta = pad(raw, (0, 1), value=1.0).unflatten(-1, (3, 3))
        return projective_grid(theta, size, align_corners, n_sample)
    if kind == "crop":
        return affine_grid(crop_matrix(*raw.split(2, dim=-1)), size, align_corners, n_sample)
    return affine_grid(raw.unflatten(-1, (2, 3)), size, align_corners, n_sample)


def bilinear_sample(
    image: Float[Tensor, "*#batch channel height width"],
    grid: Float[Tensor, "*#batch h w 2"],
    padding: str = "zeros",
    align_corners: bool = False,
) -> Float[Tensor, "*batch channel h w"]:
    """Twin of `reference.bilinear_sample` on a batch: torch's own kernel.

    The batch axes of image and grid are broadcast: several windows may read one image.
    """
    pair = _broadcast(image, grid, padding)
    batch = pair[0].shape[:-3]
    flat_image, flat_grid = (each.reshape(math.prod(batch), *each.shape[-3:]) for each in pair)
    if padding == "border":  # where a position is not a number torch's kernel ends the process
        lost, flat_grid = flat_grid.isnan().any(dim=-1), flat_grid.nan_to_num(nan=0.0)
    sampled = grid_sample(flat_image, flat_grid, "bilinear", padding, align_corners)
    if padding == "border":
        sampled = sampled.masked_fill(lost[:, None], torch.nan)
    return sampled.reshape(*batch, *sampled.shape[1:]).to(image.dtype)


def gathered_sample(
    image: Float[Tensor, "*#batch channel height width"],
    grid: Float[Tensor, "*#batch h w 2"],
    padding: str = "zeros",
    align_corners: bool = False,
) -> Float[Tensor, "*batch channel h w"]:
    """A second twin of `reference.bilinear_sample`: fetch the four pixels around, blend them.

    Values and gradients, those on grid lines included, are those of `bilinear_sample`.
    """
    given, (image, grid) = image.dtype, _broadcast(image, grid, padding)
    (height, width), (h, w) = image.shape[-2:], grid.shape[-3:-1]
    x, right = _neighbours(grid[..., 0], width, padding, align_corners)
    y, down = _neighbours(grid[..., 1], height, padding, align_corners)
    column, row = x.clamp(0, width - 1), y.clamp(0, height - 1)
    index = (row[..., None, :, :] * width + column[..., None, :, :, :]).flatten(-4)
    index = index[..., None, :].expand(*image.shape[:-2], -1)
    corner = image.flatten(-2).gather(-1, index).unflatten(-1, (2, 2, h, w))
    if padding == "zeros":
        outside = (row != y)[..., None, :, :] | (column != x)[..., None, :, :, :]
        corner = corner.masked_fill(outside[..., None, :, :, :, :], 0.0)
    upper, lower = corner.unbind(-4)
    left_end, right_end = upper.lerp(lower, down[..., None, None, :, :]).unbind(-3)
    return left_end.lerp(right_end, right[..., None, :, :]).to(given)


def warp(
    image: Float[Tensor, "*#batch channel height width"],
    raw: Float[Tensor, "*#batch n_raw"],
    kind: str,
    size: Size,
    padding: str = "zeros",
    align_corners: bool = False,
    n_sample: int = 1,
) -> Float[Tensor, "*batch channel h w"]:
    """Twin of `reference.warp` on a batch; batch axes are broadcast as in `bilinear_sample`."""
    dtype = _wide(image.dtype, raw.dtype)
    grid = warp_grid(raw.to(dtype), kind, size, align_corners, n_sample)
    sampled = bilinear_sample(image.to(dtype), grid, padding, align_corners)
    cell = (size[0], n_sample, size[1], n_sample)
    return sampled.reshape(*sampled.shape[:-2], *cell).mean(dim=(-3, -1)).to(image.dtype)


def _moved(theta: Tensor, size: Size, align_corners: bool, n_sample: int) -> Tensor:
    """(*batch, n, 3) times every (x, y, 1): (*batch, h, w, n), in float32 at least.

    Not a matrix product, which under mixed precision would round positions to eight bits.
    """
    grid = output_grid(size, align_corners, n_sample, _wide(theta.dtype), theta.device)
    x, y = grid[:1, :, :1], grid[:, :1, 1:]
    by_x, by_y, constant = theta.to(grid.dtype)[..., None, None, :, :].unbind(-1)
    return by_x * x + (by_y * y + constant)


def _spline_weight(*settings: Any) -> Tensor:
    """What is remembered, if it was solved before; a compiler, which cannot ask, solves anew."""
    return (_solved_weight if torch.compiler.is_compiling() else _remembered_weight)(*settings)


def _solved_weight(
    n_control: int, size: Size, align: bool, n_sample: int, dtype: torch.dtype, device: torch.device
) -> Tensor:
    with torch.inference_mode(False), torch.no_grad():  # it outlives the mode of its first call
        control = control_points(n_control)
        grid = output_grid(size, align, n_sample)
        system = _basis(control, control)
        system = torch.cat([system, pad(system[:, n_control:].mT, (0, 3))])
        weight = torch.linalg.solve(system, _basis(grid, control).flatten(0, 1), left=False)
        weight = weight[:, :n_control].unflatten(0, grid.shape[:2])
        return weight.to(dtype).contiguous().to(device, non_blocking=True)


_remembered_weight = lru_cache(32)(_solved_weight)


def _basis(point: Tensor, control: Tensor) -> Tensor:
    """U of the distances to the control points, then 1, x and y: (*point, n_control + 3)."""
    square = (point[..., None, :] - control).square().sum(dim=-1)
    return torch.cat([torch.xlogy(square, square), torch.ones_like(point[..., :1]), point], dim=-1)


def _broadcast(image: Tensor, grid: Tensor, padding: str) -> tuple[Tensor, Tensor]:
    """Both with the batch axes of both, in one precision, no coordinate beyond `FAR`."""
    hint = "an image is (channel, height, width)"
    _check.shape("image", image.shape[-3:], (None, None, None), hint)
    _check.shape("grid", grid.shape[-3:], (None, None, 2), "a grid is (h, w, 2), its points (x, y)")
    _check.one_of("padding", padding, PADDINGS)
    batch = torch.broadcast_shapes(image.shape[:-3], grid.shape[:-3])
    dtype = _wide(image.dtype, grid.dtype)
    grid = grid.to(dtype).clamp(-FAR, FAR)
    return image.to(dtype).expand(*batch, -1, -1, -1), grid.expand(*batch, -1, -1, -1)


def _neighbours(
    coordinate: Tensor, n_pixel: int, padding: str, align: bool
) -> tuple[Tensor, Tensor]:
    """The two pixels about each position, (*batch, 2, h, w), and how far it is past the first."""
    position = pixel_position(coordinate, n_pixel, align)
    if padding == "border":  # on the outermost pixels, as beyond them, it no longer moves
        held = position.detach().clamp(0, n_pixel - 1)
        position = position.where((position > 0) & (position < n_pixel - 1), held)
    low = position.detach().floor()
    first = low.long()
    return torch.stack([first, first + 1], dim=-3), position - low


def _wide(dtype: torch.dtype, other: torch.dtype = torch.float32) -> torch.dtype:
    return torch.promote_types(torch.promote_types(dtype, other), torch.float32)
