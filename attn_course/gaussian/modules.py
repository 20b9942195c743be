"""Models with a Gaussian glimpse: a reader of digits, a tracker, and bare windows to be fitted."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from attn_course import _check
from attn_course.gaussian.functional import centre_to_first, draw_read, gaussian_glimpse
from attn_course.preliminaries.modules import Dense, GruCell


class GlimpseReader(nn.Module):
    """Recurrent reader, the module of `reference.glimpse_reader`.

    Parameters
    ----------
    n_step, n_filter, frozen
        As in the reference.
    d_hidden, n_class : int
        Width of the recurrent state; number of classes.
    size : (int, int)
        Height and width of the images, in pixels.
    generator : torch.Generator
        Where the initial weights come from.
    look : callable
        What takes the place of `functional.draw_read`, called as that is.

    Notes
    -----
    The first window, before all learning, spreads its grid over the whole image with a std of
    half a stride, about what it takes for the Gaussians to leave no gaps.
    """

    def __init__(
        self,
        n_step: int,
        n_filter: int,
        d_hidden: int,
        n_class: int,
        size: tuple[int, int],
        generator: torch.Generator,
        frozen: bool = False,
        look: Callable[[Tensor, Tensor, int], Tensor] = draw_read,
    ) -> None:
        super().__init__()
        _check.at_least("n_step", n_step, 1)
        self.look = look
        self.n_step, self.n_filter, self.frozen = n_step, n_filter, frozen
        self.window = Dense(d_hidden, 5, generator)
        self.read = Dense(n_filter**2 + 5, d_hidden, generator)
        self.core = GruCell(d_hidden, d_hidden, generator)
        self.answer = Dense(d_hidden, n_class, generator)
        stride = (max(size) - 1) / (n_filter - 1)
        with torch.no_grad():
            self.window.b[2] = 2 * torch.log(torch.tensor(stride / 2))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Image to ``score (*batch, n_class)`` and ``raw (*batch, n_step, 5)``."""
        hidden = image.new_zeros(*image.shape[:-3], self.answer.w.shape[1])
        raws = []
        for _ in range(self.n_step):
            raw = self.window(torch.zeros_like(hidden) if self.frozen else hidden)
            patch = self.look(image, raw, self.n_filter)
            feature = torch.cat([patch.flatten(-3), raw], dim=-1)
            hidden = self.core(self.read(feature).relu(), hidden)
            raws.append(raw)
        return self.answer(hidden), torch.stack(raws, dim=-2)


class GlimpseTracker(nn.Module):
    """Tracker that keeps a Gaussian glimpse on a moving object, after HART.

    At each frame it reads the window, estimates which of the glimpse's pixels are the object's,
    hides the others, updates its state, corrects the box, and places the window of the next frame.

    Parameters
    ----------
    n_filter : int
        Number of Gaussians along either axis.
    d_hidden : int
        Width of the recurrent state.
    generator : torch.Generator
        Where the initial weights come from.
    memory : bool
        If false the state is cleared before every frame.
    """

    def __init__(
        self, n_filter: int, d_hidden: int, generator: torch.Generator, memory: bool = True
    ) -> None:
        super().__init__()
        self.n_filter, self.memory = n_filter, memory
        self.appearance = Dense(n_filter**2 + d_hidden, n_filter**2, generator)
        self.read = Dense(2 * n_filter**2, d_hidden, generator)
        self.core = GruCell(d_hidden + 6, d_hidden, generator)
        self.move = Dense(d_hidden, 8, generator)  # 4 for the box, 4 for the next window
        with torch.no_grad():
            self.move.w.mul_(0.1)  # at first the window stays where it is

    def forward(self, frame: Tensor, box: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Follow the object of the first frame's box.

        (batch, n_frame, height, width), (batch, 4) -> boxes (batch, n_frame, 4), windows
        (batch, n_frame, 4) as boxes too, appearance scores (batch, n_frame, n_filter, n_filter).
        """
        hidden = frame.new_zeros(len(frame), self.core.w_hidden.shape[1])
        first = box
        window = torch.cat([box[:, :2], 2 * box[:, 2:]], dim=-1)
        last_move = torch.zeros_like(box[:, :2])
        boxes, windows, scores = [], [], []
        for t in range(frame.shape[1]):
            patch = self.glimpse(frame[:, t], window).flatten(1)
            score = self.appearance(torch.cat([patch, hidden], dim=-1))
            feature = torch.cat([patch, patch * score.sigmoid()], dim=-1)
            shape = (box[:, 2:] / first[:, 2:]).log()
            place = torch.cat([last_move / 4, shape, (window[:, 2:] / first[:, 2:]).log()], dim=-1)
            seen = torch.cat([self.read(feature).relu(), place], dim=-1)
            hidden = self.core(seen, hidden if self.memory else torch.zeros_like(hidden))
            windows.append(window)
            scores.append(score.unflatten(-1, (self.n_filter, self.n_filter)))
            box, window, last_move = self.step(self.move(hidden), box, window, first)
            boxes.append(box)
        return torch.stack(boxes, 1), torch.stack(windows, 1), torch.stack(scores, 1)

    def glimpse(self, frame: Tensor, window: Tensor) -> Tensor:
        """Read (batch, height, width) through window boxes (batch, 4): (batch, n_filter, n_filter).

        The outermost Gaussians lie on the window's edge; a std is half a stride.
        """
        stride = window[:, 2:] / (self.n_filter - 1)
        mean = centre_to_first(window[:, :2], stride, self.n_filter)
        size = (self.n_filter, self.n_filter)
        return gaussian_glimpse(frame[:, None], mean, stride / 2, stride, size)[:, 0]

    def step(
        self, move: Tensor, box: Tensor, window: Tensor, first: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """New box and next window from the eight numbers of `move`, in units of the first box."""
        side = first[:, 2:]
        centre = window[:, :2] + side * 2 * torch.tanh(move[:, :2])
        new = torch.cat([centre, side * (0.7 * torch.tanh(move[:, 2:4])).exp()], dim=-1)
        ahead = centre + side * 2 * torch.tanh(move[:, 4:6])
        extent = 2 * side * (0.7 * torch.tanh(move[:, 6:8])).exp()
        return new, torch.cat([ahead, extent], dim=-1), ahead - window[:, :2]


class CropFinder(nn.Module):
    """Windows on photographs, nothing else: each is fitted to its own target by gradient descent.

    Parameters
    ----------
    target : (n, 2)
        First means (x, y) of the windows that are looked for, kept beside the parameters.
    mean, stride : (n, 2)
        Where each window starts, in pixels.
    std : float
        Standard deviation at the start, in pixels.
    learn_std : bool
        Whether the std is a parameter too.
    """

    target: Tensor

    def __init__(
        self, target: Tensor, mean: Tensor, stride: Tensor, std: float, learn_std: bool
    ) -> None:
        super().__init__()
        self.register_buffer("target", target)
        self.mean = nn.Parameter(mean)
        self.log_stride = nn.Parameter(stride.log())
        log_std = torch.full_like(mean, std).log()
        self.log_std = nn.Parameter(log_std, requires_grad=learn_std)

    def forward(self, image: Tensor, n_filter: int, std: float | None = None) -> Tensor:
        """(n, 1, height, width) -> (n, 1, n_filter, n_filter); `std` overrules the window's own."""
        width = self.log_std.exp() if std is None else torch.full_like(self.mean, std)
        stride = self.log_stride.exp()
        return gaussian_glimpse(image, self.mean, width, stride, (n_filter, n_filter))
