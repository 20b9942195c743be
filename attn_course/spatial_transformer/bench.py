"""The race between two croppers, for `attn_course.benchmark`: one window, two ways to read it.

Both read the same windows, four numbers each: centre and stride, (x, y) in pixels. The std of the
Gaussians is tied to the stride; the transformer gets the same window as scale and shift.
"""

import importlib
import importlib.metadata
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from attn_course.benchmark import Arm, Case
from attn_course.gaussian.functional import centre_to_first, filterbank, gaussian_glimpse
from attn_course.spatial_transformer.functional import (
    affine_grid,
    crop_matrix,
    gathered_sample,
    warp,
)

IMAGES = (16, 32, 64, 128, 256, 512, 1024)
GLIMPSES = (4, 16, 64, 128)
BATCHES = (1, 64)
PASSES = ("forward", "parameters", "image")  # what the backward pass, if any, goes to
MOST = 64 * 1024 * 1024 * 4  # bytes of a batch of images
TIE = 0.5  # std of the Gaussians over their stride


def settings(preset: str) -> Iterator[dict[str, Any]]:
    """What to time: side of the image and of the glimpse, size of the batch, which pass."""
    images, glimpses, batches = (
        ((32, 256), (16,), (8,)) if preset == "smoke" else (IMAGES, GLIMPSES, BATCHES)
    )
    for side in images:
        for glimpse in glimpses:
            for batch in batches:
                if glimpse <= side and 4 * batch * side**2 <= MOST:
                    for back in PASSES:
                        yield {"image": side, "glimpse": glimpse, "batch": batch, "pass": back}


def case(setting: dict[str, Any], device: str = "cpu") -> Case:
    """The arms of one setting, on windows that cover a little over half of each axis."""
    side, glimpse, batch = (setting[name] for name in ("image", "glimpse", "batch"))
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(batch, 1, side, side, generator=generator).to(device)
    jitter = torch.rand(batch, 4, generator=generator).to(device) - 0.5
    centre = (side - 1) / 2 + side / 8 * jitter[:, :2]
    stride = 0.6 * side / glimpse * (1 + 0.2 * jitter[:, 2:])
    leaves: tuple[Tensor, ...] = ()
    if setting["pass"] != "forward":
        leaves = (centre.requires_grad_(), stride.requires_grad_())
    if setting["pass"] == "image":
        leaves = (*leaves, image.requires_grad_())
    window = image, centre, stride, glimpse, leaves
    return setting, _gaussian(*window) + _bilinear(*window)


def _gaussian(
    image: Tensor, centre: Tensor, stride: Tensor, glimpse: int, leaves: tuple[Tensor, ...]
) -> list[Arm]:
    def ours() -> Tensor:
        mean = centre_to_first(centre, stride, glimpse)
        return gaussian_glimpse(image, mean, TIE * stride, stride, (glimpse, glimpse))

    def einsum() -> Tensor:
        mean = centre_to_first(centre, stride, glimpse)
        bank_x, bank_y = (
            filterbank(mean[:, k], TIE * stride[:, k], stride[:, k], glimpse, image.shape[-1])
            for k in range(2)
        )
        return torch.einsum("biy,bcyx,bjx->bcij", bank_y, image, bank_x)

    floor: dict[str, Any] = dict(
        zip(("operations", "traffic"), gaussian_cost(image, glimpse, leaves), strict=True)
    )
    ways = {"gaussian": ours, "gaussian, einsum": einsum}
    return [Arm(name, "gaussian", way, leaves, (image,), **floor) for name, way in ways.items()]


def _bilinear(
    image: Tensor, centre: Tensor, stride: Tensor, glimpse: int, leaves: tuple[Tensor, ...]
) -> list[Arm]:
    batch, side, size = image.shape[0], image.shape[-1], (glimpse, glimpse)

    def window() -> tuple[Tensor, Tensor]:
        """Scale and shift: outer edges at -1 and 1, so a window spans glimpse * stride pixels."""
        return stride * glimpse / side, (2 * centre + 1) / side - 1

    def ours() -> Tensor:
        return warp(image, torch.cat(window(), dim=-1), "crop", size)

    def gathered() -> Tensor:
        return gathered_sample(image, affine_grid(crop_matrix(*window()), size))

    def library() -> Tensor:
        scale, shift = window()
        theta = torch.cat([torch.diag_embed(scale), shift[..., None]], dim=-1)
        grid = torch.nn.functional.affine_grid(theta, [batch, 1, *size], align_corners=False)
        return torch.nn.functional.grid_sample(image, grid, align_corners=False)

    def kornia() -> Tensor:
        # From the image to the glimpse, in pixels: the inverse of p = centre + stride (i - half).
        half = (glimpse - 1) / 2
        move = torch.cat([torch.diag_embed(1 / stride), (half - centre / stride)[..., None]], -1)
        return transform.warp_affine(image, move, size, align_corners=True)

    ways = {"bilinear": ours, "bilinear, gathers": gathered, "grid_sample": library}
    transform = _kornia()
    if transform:
        ways["kornia"] = kornia
    floor: dict[str, Any] = dict(
        zip(("operations", "traffic"), bilinear_cost(image, glimpse, leaves), strict=True)
    )
    return [Arm(name, "bilinear", way, leaves, (image,), **floor) for name, way in ways.items()]


def gaussian_cost(image: Tensor, glimpse: int, leaves: tuple[Tensor, ...]) -> tuple[float, float]:
    """Operations, and bytes read and written, of the two products; the bells are left out.

    With T = I A_x^T the glimpse is A_y T. Backwards both filterbanks need products of the same
    sizes as forwards, and T one more; so does the image, if its gradient is wanted.
    """
    batch, channel, height, width = image.shape
    first, second = height * width * glimpse, height * glimpse**2
    product = first + second
    moved = height * width + 2 * height * glimpse + glimpse**2
    if leaves:
        product += first + 2 * second
        moved += height * width + 2 * height * glimpse + glimpse**2
        if any(leaf is image for leaf in leaves):
            product += first
            moved += height * width + height * glimpse
    lot = batch * channel
    return 2.0 * lot * product, float(lot * moved * image.element_size())


def bilinear_cost(image: Tensor, glimpse: int, leaves: tuple[Tensor, ...]) -> tuple[float, float]:
    """Operations, and bytes read and written, of the sampling.

    A pixel of the glimpse takes two coordinates (four operations), four weights (eight) and, for
    each channel, four products and three sums. Backwards to the parameters it takes about as much
    again; the gradient of the image has to be cleared, all of it, and four places are added to.
    """
    batch, channel, height, width = image.shape
    n = glimpse**2
    operations, moved = n * (12 + 7 * channel), n * (2 + 5 * channel)
    if leaves:
        operations, moved = 2 * operations, 2 * moved
        if any(leaf is image for leaf in leaves):
            operations += 8 * n * channel
            moved += channel * (height * width + 8 * n)
    return float(batch * operations), float(batch * moved * image.element_size())


def _kornia() -> Any:
    try:
        return importlib.import_module("kornia.geometry.transform")
    except ImportError:  # in the benchmark's own environment only
        return None


def versions() -> dict[str, str]:
    """Versions of what is compared with, where it is installed."""
    return {"kornia": importlib.metadata.version("kornia")} if _kornia() else {}
