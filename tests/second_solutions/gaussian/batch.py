"""A filterbank for every window of a batch, one row of filters at a time."""

import torch
from torch import Tensor


def batch_filterbank(
    mean: Tensor, std: Tensor, stride: Tensor, n_filter: int, n_pixel: int
) -> Tensor:
    """Rows (*batch, n_pixel), each relative to the pixel where its bell is highest, stacked."""
    pixel = torch.arange(n_pixel, dtype=mean.dtype, device=mean.device)
    rows = []
    for i in range(n_filter):
        centre = mean + i * stride
        nearest = centre.detach().round().clamp(0, n_pixel - 1).unsqueeze(-1)
        # (p - c)^2 - (n - c)^2 = (p - n) (p + n - 2c), which is never below zero
        excess = (pixel - nearest) * (pixel + nearest - 2 * centre.unsqueeze(-1))
        scale = std.unsqueeze(-1)
        bell = torch.exp(-(excess / scale) / scale / 2)
        rows.append(bell / bell.sum(-1, keepdim=True))
    return torch.stack(rows, dim=-2)
