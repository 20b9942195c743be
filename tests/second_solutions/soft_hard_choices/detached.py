"""Losses whose two parts are made apart, from numbers that carry no history."""

import torch
from torch.nn import functional


def two_parts(log_p: torch.Tensor, reward: torch.Tensor, baseline: torch.Tensor) -> torch.Tensor:
    """What teaches the policy, and what teaches the baseline."""
    paid = reward.detach()
    with torch.no_grad():
        gain = paid - baseline
    return functional.mse_loss(baseline, paid, reduction="none") / 2 - gain * log_p


def place_loss(
    mean: torch.Tensor,
    std: torch.Tensor,
    noise: torch.Tensor,
    baseline: torch.Tensor,
    low: torch.Tensor,
    high: torch.Tensor,
) -> torch.Tensor:
    """Losses (batch,) of places."""
    with torch.no_grad():
        location = torch.addcmul(mean, std.expand_as(noise), noise)
        outside = ((location <= low) | (location >= high)).sum(dim=-1)
        reward = (outside == 0).to(baseline.dtype)
    log_p = torch.distributions.Normal(mean, std).log_prob(location).sum(dim=-1)
    return two_parts(log_p, reward, baseline)


def item_loss(
    score: torch.Tensor,
    choice: torch.Tensor,
    reward: torch.Tensor,
    baseline: torch.Tensor,
) -> torch.Tensor:
    """Losses (batch,) of items."""
    log_p = -functional.cross_entropy(score, choice, reduction="none")
    return two_parts(log_p, reward, baseline)
