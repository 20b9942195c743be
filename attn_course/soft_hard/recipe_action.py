"""Which way does the cued digit go? ``python -m attn_course.training soft_hard.action``.

A film shows two digits of different classes that cross a dimmed piece of photograph, each in one of
eight directions. A cue names the class of one of them; the answer is that one's direction. The
frames lie on a torus (what leaves on the right comes in on the left), so that wherever a digit is,
all directions are as likely: no frame tells anything. Nor does the order in which its places are
visited show in them, so that the frames without their order tell the axis and not the sign.

The reader follows Sharma et al. (2015), Action recognition using visual attention: features on a
grid, a softmax over its places, the weighted mean of the features there as a glimpse, a recurrent
cell. It departs from them in that its scores see the features as well as the state, in that a
place's features come from two successive frames, and in that it learns them. They took theirs from
a network that could already name a thousand kinds of thing; ours are taught to name the digit at
each place while the reader learns the directions ("lesson"). The arms:

attention       all of this
mean            the same with equal weights, and a wider state for the parameters this saves
convolution     no glimpses: frames as channels, the cue at every place, the maximum over places
no-cue          attention that is not told which digit is meant
no-lesson       attention whose features learn from the directions alone
shuffled        attention on films whose frames come in an order drawn anew for each
still           attention on films that show one frame of theirs throughout

All have as many parameters, within one in a hundred, and see as many films; "convolution-long" sees
two and a half times as many, which takes it a little longer than the attention takes.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from attn_course import data
from attn_course._typing import Array, Float, Int, UInt8
from attn_course.preliminaries.modules import Dense, GruCell
from attn_course.soft_hard import task

MECHANISM = "soft_hard.action"
DATA = ("mnist", "photographs")
SIZE, CELL = 40, 4  # side of a frame and of a place of the grid, in pixels
N_CELL = SIZE // CELL
N_FRAME, STEP, N_DIGIT = 5, 2, 2  # of a film; pixels along either axis from frame to frame
SIDE = 14  # of a digit, half of what it is in MNIST
DIM = 0.6  # brightness of the photographs
# What is added to (x, y) in each direction: to the right, then clockwise by an eighth of a turn.
MOVE = np.array([(1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1)])
N_CLASS, N_DIRECTION = 10, len(MOVE)
NOTHING, UNCLEAR, NEAR = 10, -1, 3.0  # what the lesson says of a place that is no digit's middle
TRAINING, HELD_OUT = (1, 2), (0,)  # indices into data.PHOTOGRAPHS
RATES = (2e-3, 4e-3, 8e-3, 1.6e-2)


@dataclass(frozen=True)
class Config:
    """Settings of a run; `--set name=value` changes one."""

    model: str = "attention"  # or mean, convolution
    cue: bool = True  # whether the model is told the class of the digit that is meant
    order: str = "film"  # of the frames: as filmed, shuffled, or still
    lesson: float = 1.0  # weight of naming what is at each place
    d_value: int = 48
    d_hidden: int = 64  # width of the state, or of the convolution's last layer
    n_train: int = 50_000  # digits to train on, the first of MNIST; below 1,000 of the shipped
    n_example: int = 2_000  # test films, of test digits over another photograph
    tune: bool = False  # evaluate on the last 10,000 training digits, over training photographs
    batch: int = 32
    n_update: int = 4_000
    lr: float = 8e-3  # a model has its own, of LR
    warm_up: int = 100
    clip: float = 1.0
    dtype: str = "float32"


LR = {"attention": 8e-3, "mean": 8e-3, "convolution": 8e-3}  # by RATES tried on digits set aside
WIDTH = {"attention": 64, "mean": 65, "convolution": 64}  # so that all have as many parameters


def _arms() -> dict[str, dict[str, Any]]:
    models = {name: {"model": name, "lr": LR[name], "d_hidden": WIDTH[name]} for name in LR}
    arms: dict[str, dict[str, Any]] = dict(models)
    arms["convolution-long"] = models["convolution"] | {"n_update": 10_000}
    arms["no-cue"] = models["attention"] | {"cue": False}
    arms["no-lesson"] = models["attention"] | {"lesson": 0.0}
    arms["shuffled"] = models["attention"] | {"order": "shuffled"}
    arms["still"] = models["attention"] | {"order": "still"}
    for name, model in models.items():
        for lr in RATES:
            arms[f"{name}-tune-{lr}"] = model | {"lr": lr, "tune": True}
    return arms


ARMS = _arms()
PRESETS: dict[str, dict[str, Any]] = {
    "smoke": {"n_train": 500, "n_example": 64, "batch": 8, "n_update": 30, "warm_up": 5},
    "book": {},
    "paper": {"n_update": 50_000, "batch": 128, "lr": 1e-3},
}


def configure(preset: str, arm: str) -> Config:
    """Settings of an arm at a preset."""
    return replace(Config(), **ARMS[arm] | PRESETS[preset])


# Films ------------------------------------------------------------------------------------------


def act(
    rng: np.random.Generator,
    image: UInt8[Array, "m 28 28"],
    label: UInt8[Array, " m"],
    photo: Float[Array, "k height width"],
    n: int,
) -> tuple[
    Float[Array, "n n_frame size size"],
    Int[Array, "n n_digit"],
    Int[Array, "n n_digit"],
    Float[Array, "n n_frame n_digit 4"],
]:
    """Films of digits, each of a class and a direction of its own, over pieces of photograph.

    All digits, places, directions and pieces of photograph are equally likely, but that no two
    digits of a film have the class or the direction in common.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the draws.
    image : (m, 28, 28)
        Digits to draw from.
    label : (m,)
        Their classes.
    photo : (k, height, width)
        Grey photographs in [0, 1]; a piece may be mirrored.
    n : int
        Films.

    Returns
    -------
    frame : (n, n_frame, size, size)
        The films, in [0, 1].
    name, direction : (n, n_digit)
        Class and direction of each digit; the first is the one that the cue is about.
    box : (n, n_frame, n_digit, 4)
        Tight boxes (x, y, width, height) on the torus, (x, y) the centre in pixels.
    """
    chosen = rng.integers(0, len(image), (n, N_DIGIT))
    while (again := _repeats(label[chosen])).any():
        chosen[again] = rng.integers(0, len(image), (int(again.sum()), N_DIGIT))
    direction = rng.permuted(np.tile(np.arange(N_DIRECTION), (n, 1)), axis=1)[:, :N_DIGIT]
    start = rng.integers(0, SIZE, (n, 1, N_DIGIT, 2))
    corner = start + STEP * np.arange(N_FRAME)[:, None, None] * MOVE[direction][:, None]
    half = image[chosen].reshape(n, N_DIGIT, SIDE, 2, SIDE, 2).mean(axis=(3, 5)) / 255

    # Backgrounds, and how much of each pixel the digits leave bare.
    axis, inside = np.arange(SIZE), np.arange(SIDE)
    top, left = (rng.integers(0, side - SIZE + 1, n)[:, None] for side in photo.shape[1:])
    columns = left + np.where(rng.random((n, 1)) < 0.5, axis, axis[::-1])
    which = rng.integers(0, len(photo), n)[:, None, None]
    scene = DIM * photo[which, (top + axis)[:, :, None], columns[:, None, :]]
    bare = np.ones((n, N_FRAME, SIZE, SIZE), np.float32)
    film, time = np.arange(n)[:, None, None, None], np.arange(N_FRAME)[:, None, None]
    x, y = np.moveaxis((corner[..., None] + inside) % SIZE, 3, 0)  # (n, n_frame, n_digit, side)
    for k in range(N_DIGIT):
        bare[film, time, y[:, :, k, :, None], x[:, :, k, None, :]] *= 1 - half[:, None, k]
    frame = 1 - bare * (1 - scene[:, None])

    ink = half > 0.2
    first, size = (
        np.stack(x, axis=-1)[:, None] for x in zip(_span(2, ink), _span(3, ink), strict=True)
    )
    centre = (corner + first + (size - 1) / 2) % SIZE
    box = np.concatenate(np.broadcast_arrays(centre, size), axis=-1)
    return frame.astype(np.float32), label[chosen].astype(int), direction, box.astype(np.float32)


def _repeats(name: Array) -> Array:
    name = np.sort(name, axis=1)
    return (name[:, 1:] == name[:, :-1]).any(axis=1)


def _span(axis: int, ink: Array) -> tuple[Array, Array]:
    """First place with ink along x (axis 2: over the rows) or y, and how many up to the last."""
    there = np.asarray(ink.any(axis=axis))
    first, last = there.argmax(axis=-1), there.shape[-1] - 1 - there[..., ::-1].argmax(axis=-1)
    return first, last - first + 1


def cover(box: Float[Array, "*n 4"]) -> Float[Array, "*n n_cell n_cell"]:
    """Share of each place of the grid (row, column) that lies in a box on the torus.

    Examples
    --------
    >>> cover(np.array([0.5, 5.5, 4.0, 4.0]))[:3, [9, 0, 1]]  # rows 3.5 to 7.5, columns -1.5 to 2.5
    array([[0.  , 0.  , 0.  ],
           [0.25, 0.75, 0.  ],
           [0.  , 0.  , 0.  ]])
    """
    low = CELL * np.arange(N_CELL) - 0.5
    turn = SIZE * np.arange(-1, 2)[:, None]
    centre, half = box[..., :2, None, None], box[..., 2:, None, None] / 2
    high = np.minimum(centre + half + turn, low + CELL)
    along = np.clip(high - np.maximum(centre - half + turn, low), 0, None).sum(axis=-2) / CELL
    return along[..., 1, :, None] * along[..., 0, None, :]


def at_each_place(
    name: Int[Array, "n n_digit"], box: Float[Array, "n n_frame n_digit 4"]
) -> Int[Array, "n n_frame n_place"]:
    """Class of the digit in whose middle a place lies, or NOTHING where no digit's box reaches.

    In the middle: the centres are no more than NEAR pixels apart along either axis. Places that lie
    in the middle of two digits, or at the edge of one, are UNCLEAR.
    """
    centre = CELL * (np.arange(N_CELL) + 0.5) - 0.5
    away = np.abs((centre - box[..., :2, None] + SIZE / 2) % SIZE - SIZE / 2)
    near = (away <= NEAR)[..., 1, :, None] & (away <= NEAR)[..., 0, None, :]
    said = (near * name[:, None, :, None, None]).sum(axis=2)
    nothing = (cover(box) == 0).all(axis=2)
    said = np.where(near.sum(axis=2) == 1, said, np.where(nothing, NOTHING, UNCLEAR))
    return said.reshape(*said.shape[:2], -1)


def batch(config: Config, seed: int, update: int) -> dict[str, Array]:
    """Arrays for one update, a function of the seed and the update's number alone."""
    image, label = _digits("train", config.n_train < 1_000)
    rng = np.random.default_rng([seed, update])
    n = config.n_train
    return _part(config, rng, image[:n], label[:n], _photos(TRAINING), config.batch)


def examples(config: Config, subset: bool) -> Iterator[dict[str, Array]]:
    """Films to evaluate on, the same for every model and seed; a quarter of them of the subset."""
    rng = np.random.default_rng(20_151_114)
    image, label = _digits("train" if config.tune else "test", subset)
    if config.tune:
        image, label = image[-len(image) // 6 :], label[-len(label) // 6 :]
    photo = _photos(TRAINING if config.tune else HELD_OUT)
    left = config.n_example // 4 if subset else config.n_example
    while left > 0:
        yield _part(config, rng, image, label, photo, min(left, 100))
        left -= 100


def _part(
    config: Config, rng: np.random.Generator, image: Array, label: Array, photo: Array, n: int
) -> dict[str, Array]:
    frame, name, direction, box = act(rng, image, label, photo, n)
    # The order is drawn whether it is used or not: all arms see the same films.
    film = np.tile(np.arange(N_FRAME), (n, 1))
    shuffled = rng.permuted(film, axis=1)
    order = {"film": film, "shuffled": shuffled, "still": 0 * film + shuffled[:, :1]}[config.order]
    frame, box = (a[np.arange(n)[:, None], order] for a in (frame, box))
    inside = cover(box)
    return {
        "frame": frame,
        "cue": name[:, 0],
        "direction": direction,
        "place": at_each_place(name, box),
        "inside": inside.reshape(n, N_FRAME, N_DIGIT, -1).astype(np.float32),
    }


@lru_cache(4)
def _digits(split: str, subset: bool) -> tuple[Array, Array]:
    return data.mnist(split, subset=subset)


@lru_cache(2)
def _photos(which: tuple[int, ...]) -> Array:
    return np.stack([task.grey(data.PHOTOGRAPHS[i], 128) for i in which])


# Models -----------------------------------------------------------------------------------------


def _convolution(channels: tuple[int, int, int, int], generator: torch.Generator) -> nn.Sequential:
    layers: list[nn.Module] = []
    for k, (side, stride) in enumerate(((5, 2), (3, 2), (3, 1))):
        layer = nn.Conv2d(channels[k], channels[k + 1], side, stride, padding=side // 2)
        nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu", generator=generator)
        nn.init.constant_(layer.bias, 0.0)  # type: ignore[arg-type]
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers)


def _seen(frame: Tensor) -> Tensor:
    """Frames with numbers of about unit size."""
    return 4 * (frame - 0.3)


def _names(layer: Dense, feature: Tensor) -> Tensor:
    """Log-probabilities (…, 11, n_place) of what lies at each place of (…, channel, n_place)."""
    return (layer.w @ feature + layer.b[:, None]).log_softmax(dim=-2)


class Watcher(nn.Module):
    """Looks at every frame but the first, where state and cue ask it to.

    The key of a place is what is believed to lie there, the probabilities of the ten names and of
    nothing; the query is a linear function of state and cue. That the cue of a 3 should ask for
    what is called a 3 is for the query to learn. `mean` gives all places the same weight.
    """

    position: Tensor

    def __init__(self, config: Config, generator: torch.Generator) -> None:
        super().__init__()
        self.mean = config.model == "mean"
        self.see = _convolution((2, 16, 32, 32), generator)
        self.name = Dense(32, N_CLASS + 1, generator)
        if not self.mean:
            self.query = Dense(config.d_hidden + N_CLASS, N_CLASS + 1, generator)
        self.value = Dense(32 + 4, config.d_value, generator)
        self.start = Dense(N_CLASS, config.d_hidden, generator)
        self.core = GruCell(config.d_value + N_CLASS, config.d_hidden, generator)
        self.answer = Dense(config.d_hidden, N_DIRECTION, generator)
        angle = 2 * math.pi * (torch.arange(N_CELL) + 0.5) / N_CELL
        y, x = torch.meshgrid(angle, angle, indexing="ij")
        where = torch.stack([x.cos(), x.sin(), y.cos(), y.sin()], dim=-1).flatten(0, 1)
        self.register_buffer("position", where, persistent=False)

    def forward(self, frame: Tensor, cue: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Films (batch, n_frame, size, size) and cues (batch, 10) to what is answered.

        Returns scores (batch, 8), weights (batch, n_frame - 1, n_place), and log-probabilities of
        names (batch, n_frame - 1, 11, n_place).
        """
        pair = _seen(torch.stack([frame[:, 1:], frame[:, :-1]], dim=2))
        feature = self.see(pair.flatten(0, 1)).flatten(2).unflatten(0, pair.shape[:2])
        where = self.position.expand(*feature.shape[:2], -1, -1)
        value = self.value(torch.cat([feature.mT, where], dim=-1)).relu()
        name = _names(self.name, feature)
        key = name.exp()
        hidden, weights = self.start(cue).tanh(), []
        for here, there in zip(key.unbind(dim=1), value.unbind(dim=1), strict=True):
            if self.mean:
                weight = there.new_full(there.shape[:2], 1 / there.shape[1])
            else:
                query = self.query(torch.cat([hidden, cue], dim=-1))
                weight = (query[:, None] @ here)[:, 0].softmax(dim=-1)
            glimpse = (weight[:, None] @ there)[:, 0]
            hidden = self.core(torch.cat([glimpse, cue], dim=-1), hidden)
            weights.append(weight)
        return self.answer(hidden), torch.stack(weights, dim=1), name


class Convolution(nn.Module):
    """Sees the whole film at once, with the cue at every place; called as `Watcher` is."""

    def __init__(self, config: Config, generator: torch.Generator) -> None:
        super().__init__()
        self.see = _convolution((N_FRAME, 24, 32, 86), generator)
        self.name = Dense(86, N_CLASS + 1, generator)
        self.mix = Dense(86, config.d_hidden, generator)
        self.cue = Dense(N_CLASS, config.d_hidden, generator)
        self.answer = Dense(config.d_hidden, N_DIRECTION, generator)

    def forward(self, frame: Tensor, cue: Tensor) -> tuple[Tensor, None, Tensor]:
        """Scores (batch, 8), no weights, and log-probabilities of names for the last frame."""
        feature = self.see(_seen(frame)).flatten(2)
        mixed = (self.mix(feature.mT) + self.cue(cue)[:, None]).relu().amax(dim=1)
        return self.answer(mixed), None, _names(self.name, feature)[:, None]


def build(config: Config, generator: torch.Generator) -> nn.Module:
    """The model with its initial weights, a function of the generator alone."""
    kind = Convolution if config.model == "convolution" else Watcher
    return kind(config, generator)


def watch(
    config: Config, model: nn.Module, part: dict[str, Tensor]
) -> tuple[Tensor, Tensor | None, Tensor]:
    """What a model makes of films: scores, weights of the places, names of what lies there."""
    cue = nn.functional.one_hot(part["cue"], N_CLASS).to(part["frame"].dtype)
    return model(part["frame"], cue if config.cue else torch.zeros_like(cue))


def loss(config: Config, model: nn.Module, part: dict[str, Tensor], done: float) -> Tensor:
    """Cross-entropy of the direction and, in the lesson, of what is at each place, for each film.

    In the lesson the places with a digit count together as much as those with none.
    """
    score, _, name = watch(config, model, part)
    total = nn.functional.cross_entropy(score, part["direction"][:, 0], reduction="none")
    if config.lesson:
        place = part["place"][:, -name.shape[1] :]
        wrong = nn.functional.nll_loss(
            name.flatten(0, 1), place.flatten(0, 1), ignore_index=UNCLEAR, reduction="none"
        ).unflatten(0, place.shape[:2])
        for there in (place == NOTHING, (place != NOTHING) & (place != UNCLEAR)):
            mean = (wrong * there).sum(dim=(1, 2)) / there.sum(dim=(1, 2)).clamp(min=1)
            total = total + config.lesson / 2 * mean
    return total


# Evaluation -------------------------------------------------------------------------------------


def predict(config: Config, model: nn.Module, part: dict[str, Tensor]) -> dict[str, Tensor]:
    """Answer, truth and cue of each film; which shares of the attention lie on the two boxes.

    "apart" tells the films in which the two boxes have no place in common in any frame.
    """
    score, weight, _ = watch(config, model, part)
    inside = part["inside"]
    kept = {
        "answer": score.argmax(dim=-1).to(torch.uint8),
        "label": part["direction"][:, 0].to(torch.uint8),
        "other": part["direction"][:, 1].to(torch.uint8),
        "cue": part["cue"].to(torch.uint8),
        "apart": (inside.prod(dim=2) == 0).all(dim=2).all(dim=1),
        "area": inside[:, 1:, 0].mean(dim=(1, 2)).half(),
    }
    if weight is not None:
        share = (inside[:, 1:] * weight[:, :, None]).sum(dim=-1).half()  # (n, n_frame - 1, n_digit)
        kept |= {"share": share[..., 0], "share_other": share[..., 1]}
    return kept


def measure(config: Config, predicted: dict[str, Array]) -> dict[str, Any]:
    """Errors and what they are made of; where the attention lay, frame by frame."""
    answer, label = (predicted[k].astype(int) for k in ("answer", "label"))
    turn = (answer - label) % N_DIRECTION  # by how many eighths of a turn the answer is off
    found: dict[str, Any] = {
        "error": float((turn != 0).mean()),
        "error_apart": float((turn != 0)[predicted["apart"]].mean()),
        "opposite": float((turn == 4).mean()),  # the axis is right, the sign is not
        "axis_error": float((turn % 4 != 0).mean()),
        "other": float((answer == predicted["other"]).mean()),  # the other digit's direction
        "area": float(predicted["area"].astype(float).mean()),  # what equal weights would give
    }
    for name in ("share", "share_other"):
        if name in predicted:
            by_frame = predicted[name].astype(float).mean(axis=0)
            found |= {name: float(by_frame.mean()), f"{name}_by_frame": by_frame.round(4).tolist()}
    return found
