"""The scores and readers that have weights, as modules; parameters bear the reference's names."""

import math

import torch
from torch import Tensor, nn

from attn_course.families import functional
from attn_course.preliminaries.modules import LstmCell


def _matrix(generator: torch.Generator, d_out: int, d_in: int) -> nn.Parameter:
    draw = 2 * torch.rand(d_out, d_in, generator=generator) - 1
    return nn.Parameter(draw / math.sqrt(d_in))


def _vector(generator: torch.Generator, d: int) -> nn.Parameter:
    return nn.Parameter(torch.randn(d, generator=generator) / math.sqrt(d))


class GeneralScore(nn.Module):
    """Bilinear score, the module of `reference.general_score`.

    Parameters
    ----------
    d_query, d_key : int
        Widths of queries and keys.
    generator : torch.Generator
        Where the initial weights come from.
    """

    def __init__(self, d_query: int, d_key: int, generator: torch.Generator) -> None:
        super().__init__()
        self.w = _matrix(generator, d_query, d_key)

    def forward(self, query: Tensor, key: Tensor) -> Tensor:
        """``(*batch, n_query, d_query)`` and keys to scores ``(*batch, n_query, n_key)``."""
        return functional.general_score(query, key, self.w)


class LocationScore(nn.Module):
    """Scores from the query alone, the module of `reference.location_score`.

    Parameters
    ----------
    d_query, n_key : int
        Width of queries, and the number of positions to score.
    generator : torch.Generator
        Where the initial weights come from.
    """

    def __init__(self, d_query: int, n_key: int, generator: torch.Generator) -> None:
        super().__init__()
        self.w = _matrix(generator, n_key, d_query)

    def forward(self, query: Tensor) -> Tensor:
        """``(*batch, n_query, d_query)`` to scores ``(*batch, n_query, n_key)``."""
        return functional.location_score(query, self.w)


class PredictedPosition(nn.Module):
    """Where a window goes, the module of `reference.predicted_position`.

    Parameters
    ----------
    d_query, d_score : int
        Width of queries and of the layer behind them.
    generator : torch.Generator
        Where the initial weights come from.
    """

    def __init__(self, d_query: int, d_score: int, generator: torch.Generator) -> None:
        super().__init__()
        self.w = _matrix(generator, d_score, d_query)
        self.v = _vector(generator, d_score)

    def forward(self, query: Tensor, length: Tensor) -> Tensor:
        """``(*batch, n_query, d_query)`` and ``(*batch,)`` to ``(*batch, n_query)``."""
        return functional.predicted_position(query, self.w, self.v, length)


class RegionAttention(nn.Module):
    """Gated attention to regions of a picture, the module of `reference.region_attention`.

    Parameters
    ----------
    d_query, d_region, d_score : int
        Widths of query and regions, and of the layer that compares them.
    generator : torch.Generator
        Where the initial weights come from.
    """

    def __init__(
        self, d_query: int, d_region: int, d_score: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.w_query = _matrix(generator, d_score, d_query)
        self.w_key = _matrix(generator, d_score, d_region)
        self.v = _vector(generator, d_score)
        self.w_gate = _vector(generator, d_query)
        self.b_gate = nn.Parameter(torch.zeros(()))

    def forward(self, query: Tensor, region: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """``(*batch, d_query)`` and regions to context, weights and gate."""
        return functional.region_attention(
            query, region, self.w_query, self.w_key, self.v, self.w_gate, self.b_gate
        )


class Lstmn(nn.Module):
    """LSTM that attends to its own past states, the module of `reference.lstmn`.

    Parameters
    ----------
    d_in, d_hidden, d_score : int
        Widths of the features, of the states, and of the layer that compares them.
    generator : torch.Generator
        Where the initial weights come from.
    """

    def __init__(self, d_in: int, d_hidden: int, d_score: int, generator: torch.Generator) -> None:
        super().__init__()
        self.w_tape = _matrix(generator, d_score, d_hidden)
        self.w_feature = _matrix(generator, d_score, d_in)
        self.w_summary = _matrix(generator, d_score, d_hidden)
        self.v = _vector(generator, d_score)
        self.cell = LstmCell(d_in, d_hidden, generator)

    def forward(self, feature: Tensor) -> tuple[Tensor, Tensor]:
        """``(*batch, n_step, d_in)`` to states and weights ``(*batch, n_step, n_step)``."""
        return functional.lstmn(feature, dict(self.named_parameters()))
