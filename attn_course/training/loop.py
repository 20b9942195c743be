"""The training loop. Read it from top to bottom: there is nothing behind it.

A recipe offers `build`, `batch`, `loss`, `examples`, `predict` and `measure`; this file puts them
in order, saves the state about twice a minute, and returns what a record needs.
"""

import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, distributed, nn

SAVE_EVERY = 30.0  # seconds between two saved states
N_CURVE = 100  # points of a curve


class ResumeError(RuntimeError):
    """A saved state that belongs to another run."""


def train(
    recipe: ModuleType,
    config: Any,
    seed: int,
    device: str = "cpu",
    state_file: Path | None = None,
    report: Callable[[int, float], None] = lambda update, loss: None,
) -> tuple[nn.Module, dict[str, list[float | int]]]:
    """Train one model.

    Parameters
    ----------
    recipe : module
        A mechanism's `recipe`.
    config : dataclass
        The recipe's settings, its `Config`.
    seed : int
        Initial weights and batches are functions of it and of the update's number alone.
    device : str
        "cpu" or "cuda".
    state_file : Path, optional
        Where to save the state; if it is there, training goes on from it.
    report : callable
        Told the number of the update and its loss.

    Returns
    -------
    model : Module
    curve : dict
        Lists "update" and "loss", the loss averaged between two points.

    Raises
    ------
    ResumeError
        If the saved state belongs to other settings or another seed.
    """
    dtype = getattr(torch, config.dtype)
    model = recipe.build(config, torch.Generator().manual_seed(seed)).to(device, dtype)
    weights = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(weights or [torch.zeros(1)], lr=config.lr)
    curve: dict[str, list[float | int]] = {"update": [], "loss": []}
    run = {"config": repr(config), "seed": seed}
    start, since = 0, []
    if state_file and state_file.exists():
        state = torch.load(state_file, map_location=device, weights_only=True)
        if state["run"] != run:
            raise ResumeError(
                f"{state_file.name} in {state_file.parent} must be a state of this run, got one of "
                "other settings or another seed; delete it to start again"
            )
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        start, curve, since = state["update"], state["curve"], state["since"]

    n_process = distributed.get_world_size() if distributed.is_initialized() else 1
    rank = distributed.get_rank() if n_process > 1 else 0
    every = max(1, config.n_update // N_CURVE)
    saved = time.monotonic()
    for update in range(start, config.n_update):
        for group in optimiser.param_groups:
            group["lr"] = config.lr * rate(update, config.n_update, config.warm_up)
        whole = recipe.batch(config, seed, update)
        part = to_tensors(whole, device, dtype, slice(rank, None, n_process))
        n_example = len(next(iter(whole.values())))
        # Divide by the number of examples of all processes, then add the gradients up.
        loss = recipe.loss(config, model, part, update / config.n_update).sum() / n_example
        optimiser.zero_grad()
        loss.backward()
        total = loss.detach()
        if n_process > 1:
            for p in weights:
                distributed.all_reduce(p.grad)
            distributed.all_reduce(total)
        if config.clip:
            nn.utils.clip_grad_norm_(weights, config.clip)
        optimiser.step()

        since.append(float(total))
        if not math.isfinite(since[-1]):
            raise FloatingPointError(f"loss must be finite, got {since[-1]} at update {update}")
        if (update + 1) % every == 0 or update + 1 == config.n_update:
            curve["update"].append(update + 1)
            curve["loss"].append(float(np.mean(since)))
            since = []
        report(update + 1, float(total))
        if state_file and rank == 0 and time.monotonic() - saved > SAVE_EVERY:
            save(
                state_file,
                {
                    "run": run,
                    "update": update + 1,
                    "model": model.state_dict(),
                    "optimiser": optimiser.state_dict(),
                    "curve": curve,
                    "since": since,
                },
            )
            saved = time.monotonic()
    return model, curve


def rate(update: int, n_update: int, warm_up: int) -> float:
    """Share of the full learning rate: up in a line, down in half a cosine."""
    rise = min(1.0, (update + 1) / (warm_up + 1))
    return rise * (1 + math.cos(math.pi * update / n_update)) / 2


@torch.no_grad()
def evaluate(
    recipe: ModuleType, config: Any, model: nn.Module, subset: bool, device: str = "cpu"
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Measure a model on the evaluation data: the numbers, and the predictions behind them."""
    dtype = getattr(torch, config.dtype)
    parts = [
        recipe.predict(config, model, to_tensors(arrays, device, dtype))
        for arrays in recipe.examples(config, subset)
    ]
    predicted = {k: np.concatenate([p[k].cpu().numpy() for p in parts]) for k in parts[0]}
    return recipe.measure(config, predicted), predicted


def to_tensors(
    arrays: dict[str, np.ndarray], device: str, dtype: torch.dtype, part: slice = slice(None)
) -> dict[str, Tensor]:
    """Arrays to tensors, real numbers in `dtype`; `part` picks examples."""
    tensors = {k: torch.from_numpy(np.ascontiguousarray(a[part])) for k, a in arrays.items()}
    return {k: t.to(device, dtype if t.is_floating_point() else None) for k, t in tensors.items()}


def save(file: Path, state: dict[str, Any]) -> None:
    """Write a state so that a reader sees the old one or the new one, never half of either."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.{os.getpid()}")
    torch.save(state, part)
    os.replace(part, file)
