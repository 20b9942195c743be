"""The dense layer and the recurrent cells as modules; parameters bear the reference's names."""

import math

import torch
from torch import Tensor, nn

from attn_course.preliminaries import functional


def _uniform(generator: torch.Generator, bound: float, *size: int) -> nn.Parameter:
    return nn.Parameter((2 * torch.rand(*size, generator=generator) - 1) * bound)


class Dense(nn.Module):
    """Dense layer; weights start uniform within 1/sqrt(d_in), the bias at zero.

    Parameters
    ----------
    d_in, d_out : int
        Widths of input and output.
    generator : torch.Generator
        Where the initial weights come from.
    """

    def __init__(self, d_in: int, d_out: int, generator: torch.Generator) -> None:
        super().__init__()
        self.w = _uniform(generator, 1 / math.sqrt(d_in), d_out, d_in)
        self.b = nn.Parameter(torch.zeros(d_out))

    def forward(self, feature: Tensor) -> Tensor:
        """``(*batch, d_in)`` to ``(*batch, d_out)``."""
        return functional.dense(feature, self.w, self.b)


class SimpleCell(nn.Module):
    """Simple recurrent cell; `d_in`, `d_hidden` and `generator` as in `Dense`."""

    def __init__(self, d_in: int, d_hidden: int, generator: torch.Generator) -> None:
        super().__init__()
        bound = 1 / math.sqrt(d_hidden)
        self.w_input = _uniform(generator, bound, d_hidden, d_in)
        self.w_hidden = _uniform(generator, bound, d_hidden, d_hidden)
        self.b = nn.Parameter(torch.zeros(d_hidden))

    def forward(self, feature: Tensor, hidden: Tensor) -> Tensor:
        """``(*batch, d_in)`` and ``(*batch, d_hidden)`` to the new ``(*batch, d_hidden)``."""
        return functional.simple_cell(feature, hidden, self.w_input, self.w_hidden, self.b)


class _GatedCell(nn.Module):
    n_gate: int

    def __init__(self, d_in: int, d_hidden: int, generator: torch.Generator) -> None:
        super().__init__()
        bound = 1 / math.sqrt(d_hidden)
        self.w_input = _uniform(generator, bound, self.n_gate * d_hidden, d_in)
        self.w_hidden = _uniform(generator, bound, self.n_gate * d_hidden, d_hidden)
        self.b_input = nn.Parameter(torch.zeros(self.n_gate * d_hidden))
        self.b_hidden = nn.Parameter(torch.zeros(self.n_gate * d_hidden))


class GruCell(_GatedCell):
    """Gated recurrent unit; `d_in`, `d_hidden` and `generator` as in `Dense`."""

    n_gate = 3

    def forward(self, feature: Tensor, hidden: Tensor) -> Tensor:
        """``(*batch, d_in)`` and ``(*batch, d_hidden)`` to the new ``(*batch, d_hidden)``."""
        return functional.gru_cell(
            feature, hidden, self.w_input, self.w_hidden, self.b_input, self.b_hidden
        )


class LstmCell(_GatedCell):
    """Long short-term memory; `d_in`, `d_hidden` and `generator` as in `Dense`."""

    n_gate = 4

    def forward(self, feature: Tensor, hidden: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
        """``(*batch, d_in)`` and two of ``(*batch, d_hidden)`` to the new state and cell."""
        return functional.lstm_cell(
            feature, hidden, cell, self.w_input, self.w_hidden, self.b_input, self.b_hidden
        )
