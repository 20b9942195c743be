"""The recurrent model that looks around, as a module."""

import torch
from torch import Tensor, nn

from attn_course import _check
from attn_course.preliminaries.modules import Dense, SimpleCell
from attn_course.soft_hard.functional import retina


class RecurrentAttention(nn.Module):
    """Recurrent model of visual attention, the module of `reference.recurrent_attention`.

    Cross-entropy trains what sees and remembers; the layers that place the next glimpse and foresee
    the reward read a state that is cut off from the graph, and learn from `hybrid_loss` alone.

    Parameters
    ----------
    size, n_scale : int
        As in `functional.retina`.
    n_class : int
        Number of classes.
    generator : torch.Generator
        Where the initial weights come from.
    d_part, d_hidden : int
        Widths of the two halves of the glimpse network, and of glimpse and state.
    channel : int
        Channels of the images.
    """

    def __init__(
        self,
        size: int,
        n_scale: int,
        n_class: int,
        generator: torch.Generator,
        d_part: int = 128,
        d_hidden: int = 256,
        channel: int = 1,
    ) -> None:
        super().__init__()
        self.size, self.n_scale = size, n_scale
        self.patch = Dense(n_scale * channel * size**2, d_part, generator)
        self.place = Dense(2, d_part, generator)
        self.what = Dense(d_part, d_hidden, generator)
        self.where = Dense(d_part, d_hidden, generator)
        self.core = SimpleCell(d_hidden, d_hidden, generator)
        self.mean = Dense(d_hidden, 2, generator)
        self.baseline = Dense(d_hidden, 1, generator)
        self.answer = Dense(d_hidden, n_class, generator)

    def forward(
        self, feature: Tensor, noise: Tensor, std: float, place: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Images ``(*batch, channel, height, width)`` to scores, places, means and baselines.

        Shapes are those of the reference behind ``*batch``, for `noise` and `place` too.
        """
        _check.at_least("n_step", noise.shape[-2], 1)
        _check.at_least("std", std, 0)
        _check.shape("noise", noise.shape[-2:], (None, 2))
        if place is not None:
            _check.shape("place", place.shape[-2:], noise.shape[-2:], "a place for each step")
        batch = feature.shape[:-3]
        hidden = feature.new_zeros(*batch, self.core.w_hidden.shape[1])
        locations, means, baselines = [], [], []
        for t in range(noise.shape[-2]):
            past = hidden.detach()
            mean = self.mean(past).tanh() if t else feature.new_zeros(*batch, 2)
            location = mean + std * noise[..., t, :] if place is None else place[..., t, :]
            location = location.detach()
            baselines.append(self.baseline(past).squeeze(-1))
            here = location.clamp(-1, 1)
            seen = retina(feature, here, self.size, self.n_scale).flatten(-4)
            glimpse = (
                self.what(self.patch(seen).relu()) + self.where(self.place(here).relu())
            ).relu()
            core = self.core
            moved = hidden @ core.w_hidden.mT
            hidden = (nn.functional.linear(glimpse, core.w_input, core.b) + moved).relu()
            locations.append(location)
            means.append(mean)
        stacked = (torch.stack(x, dim=-2) for x in (locations, means))
        return self.answer(hidden), *stacked, torch.stack(baselines, dim=-1)
