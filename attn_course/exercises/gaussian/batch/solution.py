"""A filterbank for every example of a batch, in torch."""

import torch
from torch import Tensor


def batch_filterbank(
    mean: Tensor, std: Tensor, stride: Tensor, n_filter: int, n_pixel: int
) -> Tensor:
    """Gaussian filters (*batch, n_filter, n_pixel) from tensors (*batch,)."""
    ### BEGIN SOLUTION
    index = torch.arange(n_filter, dtype=mean.dtype, device=mean.device)
    pixel = torch.arange(n_pixel, dtype=mean.dtype, device=mean.device)
    centre = mean[..., None] + stride[..., None] * index
    distance = pixel - centre[..., None]
    score = -((distance / std[..., None, None]) ** 2) / 2
    return torch.softmax(score, dim=-1)
    ### END SOLUTION
