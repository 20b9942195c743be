"""The identity as a last layer, and a warp that weighs every pixel of the image."""

import math

import torch
from torch import Tensor


def middles(n: int, like: Tensor) -> Tensor:
    """Coordinates of n pixels between -1 and 1, where those are the outer edges."""
    return (2 * torch.arange(n, dtype=like.dtype, device=like.device) + 1) / n - 1


def last_layer(kind: str, n_feature: int, n_control: int = 16) -> tuple[Tensor, Tensor]:
    """Nothing of the feature, and what each kind of warp calls the identity."""
    if kind == "crop":
        answer = [1.0, 1.0, 0.0, 0.0]
    elif kind == "affine":
        answer = [1.0, 0.0, 0.0] + [0.0, 1.0, 0.0]
    elif kind == "projective":
        answer = [1.0, 0.0, 0.0] + [0.0, 1.0, 0.0] + [0.0, 0.0]
    else:
        n = math.isqrt(n_control)
        answer = []
        for place in range(n_control):
            row, column = divmod(place, n)
            answer += [2 * column / (n - 1) - 1, 2 * row / (n - 1) - 1]
    return torch.zeros(len(answer), n_feature), torch.tensor(answer)


def hat(position: Tensor, n: int) -> Tensor:
    """Weight of each of n pixels, on a new last axis.

    Written with the part behind the point, which has the slope of the right side on a pixel's
    centre; `relu(1 - abs(...))` is the same number, but torch takes its slope there to be zero.
    """
    pixel = torch.arange(n, dtype=position.dtype, device=position.device)
    left = position.detach().floor()[..., None]
    part = position[..., None] - left
    return (pixel == left) * (1 - part) + (pixel == left + 1) * part


def transformed(
    image: Tensor, feature: Tensor, weight: Tensor, bias: Tensor, size: tuple[int, int]
) -> Tensor:
    """View (batch, channel, h, w), a sum over all pixels of the image."""
    height, width = image.shape[-2:]
    a, b, c, d, e, f = torch.addmm(bias, feature, weight.T)[:, :, None, None].unbind(1)
    y, x = middles(size[0], bias)[:, None], middles(size[1], bias)
    column = ((a * x + b * y + c + 1) * width - 1) / 2
    row = ((d * x + e * y + f + 1) * height - 1) / 2
    return torch.einsum("bcnm,bhwn,bhwm->bchw", image, hat(row, height), hat(column, width))
