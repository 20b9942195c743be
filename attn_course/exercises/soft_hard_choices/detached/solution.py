"""Two losses of lookers that do not teach what they should."""

import math

import torch


def place_loss(
    mean: torch.Tensor,
    std: torch.Tensor,
    noise: torch.Tensor,
    baseline: torch.Tensor,
    low: torch.Tensor,
    high: torch.Tensor,
) -> torch.Tensor:
    """Losses (batch,) of places, by the contract."""
    ### BEGIN SOLUTION
    location = (mean + std * noise).detach()
    inside = (location > low) & (location < high)
    reward = inside.all(dim=-1).to(baseline)
    square = ((location - mean) ** 2).sum(dim=-1)
    log_p = -square / (2 * std**2) - 2 * std.log() - math.log(2 * math.pi)
    gain = (reward - baseline).detach()
    return -gain * log_p + (reward - baseline) ** 2 / 2
    ### INSTEAD
    # location = mean + std * noise
    # inside = (location > low) & (location < high)
    # reward = inside.any(dim=-1).to(baseline)
    # square = ((location - mean) ** 2).sum(dim=-1)
    # log_p = -square / (2 * std**2) - 2 * std.log() - math.log(2 * math.pi)
    # gain = reward - baseline
    # return -gain.mean() * log_p + (reward - baseline.detach()) ** 2 / 2
    ### END SOLUTION


def item_loss(
    score: torch.Tensor,
    choice: torch.Tensor,
    reward: torch.Tensor,
    baseline: torch.Tensor,
) -> torch.Tensor:
    """Losses (batch,) of items, by the contract."""
    ### BEGIN SOLUTION
    log_p = score.log_softmax(dim=-1)
    taken = log_p.gather(-1, choice[:, None])[:, 0]
    reward = reward.detach()
    gain = (reward - baseline).detach()
    return -gain * taken + (reward - baseline) ** 2 / 2
    ### INSTEAD
    # log_p = torch.log(torch.softmax(score, dim=-1))
    # taken = log_p.gather(-1, choice[:, None])[:, 0]
    # gain = reward - baseline
    # return gain * taken + (reward - baseline) ** 2 / 2
    ### END SOLUTION
