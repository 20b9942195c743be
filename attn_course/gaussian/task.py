"""Three tasks for a Gaussian glimpse: find a crop, read a digit in clutter, follow a digit.

NumPy only: a random generator comes in, arrays go out. Images are float32 in [0, 1]; a box is
(x, y, width, height) with (x, y) its centre in pixels, so a box of width 1 covers one pixel.
"""

from functools import lru_cache

import numpy as np

from attn_course._typing import Array, Bool, Float, Int, UInt8
from attn_course.soft_hard.task import grey as grey
from attn_course.soft_hard.task import strew

# Find a crop ------------------------------------------------------------------------------------


def crop_starts(
    rng: np.random.Generator, size: int, n_filter: int, distances: tuple[float, ...], n_start: int
) -> tuple[Float[Array, "n 2"], Float[Array, "n 2"], Float[Array, "n 2"], Float[Array, " n"]]:
    """Targets to find and places to start from, `n_start` for every distance.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the draws.
    size, n_filter : int
        Sides of the image and of the target crop, in pixels; the target's stride is 1.
    distances : tuple of float
        Distances from the target's centre to the start's, in pixels; the direction is drawn.
    n_start : int
        Starts for every distance.

    Returns
    -------
    target, start : (n, 2)
        Means (x, y) of the first Gaussians, in pixels; both windows lie inside the image.
    stride : (n, 2)
        Strides to start from, within about a tenth of 1.
    distance : (n,)
        Which distance each start has.
    """
    distance = np.repeat(np.asarray(distances, float), n_start)
    stride = np.exp(0.1 * np.clip(rng.standard_normal((distance.size, 2)), -2, 2))
    target, start = np.zeros((2, distance.size, 2))
    half = (n_filter - 1) / 2
    bad = np.ones(distance.size, bool)
    while bad.any():
        n_bad = int(bad.sum())
        centre = rng.integers(0, size - n_filter + 1, (n_bad, 2)) + half
        angle = rng.uniform(0, 2 * np.pi, n_bad)
        move = distance[bad, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        target[bad], start[bad] = centre - half, centre + move - half * stride[bad]
        bad = ((start < 0) | (start + stride * (n_filter - 1) > size - 1)).any(axis=1)
    return target, start, stride, distance


# Read a digit in clutter ------------------------------------------------------------------------


def clutter(
    rng: np.random.Generator,
    digit: UInt8[Array, "n 28 28"],
    pool: UInt8[Array, "m 28 28"],
    size: int = 60,
    n_piece: int = 4,
) -> Float[Array, "n size size"]:
    """Each digit somewhere on a black canvas among pieces of other digits.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the draws.
    digit : (n, 28, 28)
        The digits to be read.
    pool : (m, 28, 28)
        Digits from which the pieces of 8 × 8 pixels are cut.
    size : int
        Side of the canvas, in pixels.
    n_piece : int
        Pieces on each canvas.

    Returns
    -------
    image : (n, size, size)
        Where things overlap the brighter one shows.
    """
    return strew(rng, digit, pool, size, n_piece)[0]


# Follow a digit ---------------------------------------------------------------------------------


def drift(
    rng: np.random.Generator,
    n_frame: int,
    low: Float[Array, " 2"],
    high: Float[Array, " 2"],
    speed: tuple[float, float],
    push: float,
) -> Float[Array, "n_frame 2"]:
    """Path of a point between mirror walls, its velocity drifting.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the draws.
    n_frame : int
        Length of the path.
    low, high : (2,)
        Opposite corners of the walls; the first place is uniform between them.
    speed : (float, float)
        Least and greatest first speed; its direction is drawn.
    push : float
        Standard deviation of what each frame adds to either component of the velocity, which stays
        within the greatest first speed.
    """
    angle = rng.uniform(0, 2 * np.pi)
    velocity = rng.uniform(*speed) * np.array([np.cos(angle), np.sin(angle)])
    place = rng.uniform(low, high)
    path = np.empty((n_frame, 2))
    for t in range(n_frame):
        path[t] = place
        velocity = np.clip(velocity + push * rng.standard_normal(2), -speed[1], speed[1])
        beyond = place + velocity
        place = np.clip(np.where(beyond < low, 2 * low - beyond, beyond), low, None)
        place = np.where(place > high, 2 * high - place, place)
        velocity = np.where(place == beyond, velocity, -velocity)
    return path


def resize(
    image: Float[Array, "height width"], size: tuple[int, int]
) -> Float[Array, "new_height new_width"]:
    """Linear interpolation of an image to another size, edges on edges."""
    return _linear(size[0], image.shape[0]) @ image @ _linear(size[1], image.shape[1]).T


@lru_cache(4096)
def _linear(new: int, old: int) -> Array:
    place = ((np.arange(new) + 0.5) * old / new - 0.5).clip(0, old - 1)
    return np.clip(1 - np.abs(place[:, None] - np.arange(old)), 0, None).astype(np.float32)


def film(
    rng: np.random.Generator,
    digit: UInt8[Array, "n 28 28"],
    pool: UInt8[Array, "m 28 28"],
    photo: Float[Array, "k height width"],
    n_frame: int,
    n_hidden: Int[Array, " n"],
    size: int = 64,
) -> tuple[
    Float[Array, "n n_frame size size"],
    Float[Array, "n n_frame size size"],
    Float[Array, "n n_frame 4"],
    Bool[Array, "n n_frame"],
]:
    """Films of a digit that moves over a piece of photograph strewn with pieces of digits.

    It drifts at 1 to 3 pixels a frame between mirror walls, and its width and height swell and
    shrink, each on its own, between 2/3 and 3/2 of what they are in MNIST.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the draws.
    digit : (n, 28, 28)
        The digits to be followed.
    pool : (m, 28, 28)
        Digits from which four distractor pieces a film are cut.
    photo : (k, height, width)
        Grey photographs, in [0, 1]; backgrounds are cut from them and dimmed to 0.6.
    n_frame : int
        Frames of a film.
    n_hidden : (n,)
        Consecutive frames in which the digit is not drawn; they begin between frames 6 and 12.
    size : int
        Side of a frame, in pixels.

    Returns
    -------
    frame : (n, n_frame, size, size)
        The films.
    ink : (n, n_frame, size, size)
        The digit's own pixels, drawn or hidden: how much of each pixel it covers.
    box : (n, n_frame, 4)
        The tight box of the digit, hidden or not.
    visible : (n, n_frame)
        False where the digit is hidden.
    """
    n = len(digit)
    frame = np.empty((n, n_frame, size, size), np.float32)
    ink = np.zeros_like(frame)
    box = np.empty((n, n_frame, 4), np.float32)
    first = rng.integers(6, 13, n)
    time = np.arange(n_frame)
    visible = ~((time >= first[:, None]) & (time < (first + n_hidden)[:, None]))
    empty = np.zeros((n, 28, 28), np.uint8)
    strewn = clutter(rng, empty, pool, size)
    for i in range(n):
        ys, xs = np.nonzero(digit[i] > 50)
        tight = digit[i, ys.min() : ys.max() + 1, xs.min() : xs.max() + 1] / np.float32(255)
        background = photo[rng.integers(0, len(photo))]
        top = rng.integers(0, background.shape[0] - size + 1)
        left = rng.integers(0, background.shape[1] - size + 1)
        scene = np.maximum(0.6 * background[top : top + size, left : left + size], strewn[i])
        frame[i] = scene
        side = np.array(tight.shape[::-1], float)  # (x, y), as everywhere
        margin = np.ceil(1.5 * side / 2)
        place = drift(rng, n_frame, margin, size - 1 - margin, (1.0, 3.0), 0.3)
        most = np.full(2, np.log(1.5))
        scale = np.exp(drift(rng, n_frame, -most, most, (0.0, 0.06), 0.01))
        sides = np.maximum(np.rint(side * scale), 2).astype(int)
        corner = np.rint(place - (sides - 1) / 2).astype(int)
        box[i] = np.column_stack([corner + (sides - 1) / 2, sides])
        corners_and_sides = zip(corner.tolist(), sides.tolist(), strict=True)
        for t, ((x, y), (width, height)) in enumerate(corners_and_sides):
            here = np.s_[i, t, y : y + height, x : x + width]
            ink[here] = resize(tight, (height, width))
            if visible[i, t]:
                frame[here] = frame[here] * (1 - ink[here]) + ink[here]
    return frame, ink, box, visible


def intersection_over_union(
    one: Float[Array, "*n 4"], other: Float[Array, "*n 4"]
) -> Float[Array, "*n"]:
    """Area that two boxes share over the area that they cover together: 1 if equal, 0 if apart.

    Examples
    --------
    >>> intersection_over_union(np.array([[0.0, 0, 2, 2]]), np.array([[1.0, 0, 2, 2]])).round(3)
    array([0.333])
    """
    low = np.maximum(one[..., :2] - one[..., 2:] / 2, other[..., :2] - other[..., 2:] / 2)
    high = np.minimum(one[..., :2] + one[..., 2:] / 2, other[..., :2] + other[..., 2:] / 2)
    shared = np.clip(high - low, 0, None).prod(axis=-1)
    return shared / (one[..., 2:].prod(axis=-1) + other[..., 2:].prod(axis=-1) - shared)


def match_template(
    frame: Float[Array, "n_frame height width"], box: Float[Array, " 4"], reach: int = 8
) -> Float[Array, "n_frame 4"]:
    """Follow the contents of the first frame's box by normalised correlation.

    Each frame is searched within `reach` pixels of the last place found; the template never
    changes.
    """
    width, height = int(box[2]), int(box[3])
    x, y = np.rint(box[:2] - (box[2:] - 1) / 2).astype(int)
    template = frame[0, y : y + height, x : x + width]
    template = template - template.mean()
    found = np.tile(box, (len(frame), 1))
    for t in range(1, len(frame)):
        top, left = max(y - reach, 0), max(x - reach, 0)
        area = frame[t, top : y + height + reach, left : x + width + reach]
        patch = np.lib.stride_tricks.sliding_window_view(area, (height, width))
        product = np.einsum("abhw,hw->ab", patch, template)
        match = product / (patch.std(axis=(2, 3)) + 1e-6)
        best = np.unravel_index(match.argmax(), match.shape)
        y, x = top + int(best[0]), left + int(best[1])
        found[t, :2] = x + (width - 1) / 2, y + (height - 1) / 2
    return found
