"""The last layer of a localisation network, and the warp that it decides."""

import torch
from torch import Tensor


def last_layer(
    kind: str, n_feature: int, n_control: int = 16
) -> tuple[Tensor, Tensor]:
    """Weight (n_raw, n_feature) and bias (n_raw,) that answer the identity.

    The kind is "crop", "affine", "projective" or "spline".
    """
    ### BEGIN SOLUTION
    if kind == "spline":
        side = torch.linspace(-1, 1, round(n_control**0.5))
        y, x = torch.meshgrid(side, side, indexing="ij")
        bias = torch.stack([x, y], dim=-1).flatten()
    elif kind == "crop":
        bias = torch.tensor([1.0, 1.0, 0.0, 0.0])
    else:
        bias = torch.eye(3).flatten()[: 6 if kind == "affine" else 8]
    return torch.zeros(len(bias), n_feature), bias
    ### END SOLUTION


def transformed(
    image: Tensor,
    feature: Tensor,
    weight: Tensor,
    bias: Tensor,
    size: tuple[int, int],
) -> Tensor:
    """View (batch, channel, h, w) of each image through its own 2x3 matrix.

    `image` is (batch, channel, height, width), `feature` (batch, n_feature),
    `weight` (6, n_feature), `bias` (6,), and `size` is (h, w).
    """
    ### BEGIN SOLUTION
    raw = feature @ weight.mT + bias
    theta = raw.unflatten(-1, (2, 3))
    h, w = size
    x = (2 * torch.arange(w, dtype=raw.dtype) + 1) / w - 1
    y = (2 * torch.arange(h, dtype=raw.dtype) + 1) / h - 1
    grid = (
        theta[:, None, None, :, 0] * x[:, None]
        + theta[:, None, None, :, 1] * y[:, None, None]
        + theta[:, None, None, :, 2]
    )
    sample = torch.nn.functional.grid_sample
    return sample(image, grid, align_corners=False)
    ### END SOLUTION
