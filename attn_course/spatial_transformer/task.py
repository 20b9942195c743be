"""Distorted MNIST: digits turned, scaled and moved, seen askew, or bent.

NumPy only: a random generator comes in, arrays go out. Points are (x, y) in pixels, counted from
the centre of the first pixel, y downwards; the centre of a digit is (13.5, 13.5) and the corners
of its image are the outer edges, -0.5 and 27.5. Images are float32 in [0, 1] and black outside.

The kinds are those of Jaderberg et al. (2015), Spatial Transformer Networks, arXiv 1506.02025v3,
appendix A.4. From the paper:

==========================  ======================================================================
rotated                     by -90 to 90 degrees, uniform
rotated-scaled-translated   by -45 to 45 degrees, by a factor of 0.7 to 1.2, anywhere on 42 × 42
projective                  by a factor of 0.75 to 1, then each corner moved by normal noise of
                            5 pixels
elastic                     by a factor of 0.75 to 1, then the 16 control points, on a regular grid,
                            of a thin-plate spline moved by normal noise of 1.5 pixels
==========================  ======================================================================

Where the paper is silent, we choose: 28 × 28 for the other three kinds; uniform factors; turning
and scaling about the digit's centre; places uniform, in fractions of a pixel, among those that
leave no ink off the canvas (on 28 × 28 some ink may leave); noise on x and on y, each alone;
corners and a 4 × 4 grid that span the whole image, edge to edge; a spline that says where each
pixel of the canvas is read, as in the paper's own transformer; linear interpolation. Corners are
drawn again (one digit in 120) where one of them and its two neighbours make a triangle of less than
a tenth of its area in the square: no projection sends a square to a quadrilateral with a dent, and
one that is nearly a triangle squashes the digit to nothing.
"""

from functools import lru_cache

import numpy as np

from attn_course import _check
from attn_course._typing import Array, Float, UInt8

DISTORTIONS = ("rotated", "rotated-scaled-translated", "projective", "elastic")

SIDE = 28  # of a digit, in pixels
CENTRE = (SIDE - 1) / 2
CORNERS = np.array([[-0.5, -0.5], [27.5, -0.5], [27.5, 27.5], [-0.5, 27.5]])  # in order around
CORNERS.setflags(write=False)
CORNER_STD = 5.0
LEAST_CORNER = 0.1
CONTROL_STD = 1.5
N_CONTROL = 16


def side_of(kind: str) -> int:
    """Side of the canvas of a distortion, in pixels.

    Examples
    --------
    >>> [side_of(kind) for kind in DISTORTIONS]
    [28, 42, 28, 28]
    """
    _check.one_of("kind", kind, DISTORTIONS)
    return 42 if kind == "rotated-scaled-translated" else SIDE


def distorted(
    rng: np.random.Generator, digit: UInt8[Array, "n 28 28"], kind: str
) -> Float[Array, "n side side"]:
    """Each digit under a distortion of its own.

    It is `posed` with `poses`, or `bent` with `bends`; call those where the truth is wanted too.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the draws.
    digit : (n, 28, 28)
        The digits.
    kind : str
        One of `DISTORTIONS`.

    Returns
    -------
    image : (n, side, side)
        In [0, 1]; the side is `side_of(kind)`.
    """
    _check.one_of("kind", kind, DISTORTIONS)
    if kind == "elastic":
        return bent(digit, bends(rng, len(digit)))
    return posed(digit, poses(rng, digit, kind), side_of(kind))


# Poses: what a matrix can say --------------------------------------------------------------------


def poses(
    rng: np.random.Generator, digit: UInt8[Array, "n 28 28"], kind: str
) -> Float[Array, "n 3 3"]:
    """Random poses: where each point (x, y, 1) of a digit lands on the canvas.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the draws.
    digit : (n, 28, 28)
        The digits; the ink of each decides where "rotated-scaled-translated" may put it.
    kind : str
        Any of `DISTORTIONS` but "elastic".
    """
    _check.one_of("kind", kind, DISTORTIONS[:3])
    n = len(digit)
    if kind == "rotated":
        return affine_pose(_angles(rng, n, 90.0), np.ones(n), np.full((n, 2), CENTRE))
    if kind == "projective":
        scaled = affine_pose(np.zeros(n), rng.uniform(0.75, 1, n), np.full((n, 2), CENTRE))
        return corner_pose(_landings(rng, n)) @ scaled
    angle, scale = _angles(rng, n, 45.0), rng.uniform(0.7, 1.2, n)
    low, high = _room(digit, angle, scale, side_of(kind))
    spare = np.maximum(high - low, 0)  # ink that does not fit at all is put in the middle
    place = (low + high) / 2 + spare * rng.uniform(-0.5, 0.5, (n, 2))
    return affine_pose(angle, scale, place)


def _angles(rng: np.random.Generator, n: int, most: float) -> Array:
    return np.radians(rng.uniform(-most, most, n))


def _landings(rng: np.random.Generator, n: int) -> Array:
    landing = np.empty((n, 4, 2))
    bad = np.ones(n, bool)
    while bad.any():
        noise = CORNER_STD * rng.standard_normal((int(bad.sum()), 4, 2))
        landing[bad] = CORNERS + noise
        x, y = np.moveaxis(np.roll(landing, -1, axis=1) - landing, -1, 0)  # edges, in order
        turn = x * np.roll(y, -1, axis=1) - y * np.roll(x, -1, axis=1)
        bad = (turn < LEAST_CORNER * SIDE**2).any(axis=1)
    return landing


def _room(digit: Array, angle: Array, scale: Array, side: int) -> tuple[Array, Array]:
    """Least and greatest (x, y) for a digit's centre with all its ink on the canvas."""
    ink: Array = digit > 0
    inked = ink.any(axis=2, keepdims=True)
    ends = np.stack([ink.argmax(axis=2), SIDE - 1 - ink[..., ::-1].argmax(axis=2)], axis=-1)
    x, y = ends - CENTRE, np.arange(SIDE)[:, None] - CENTRE  # the outermost ink of every row
    cosine, sine = (part[:, None, None] for part in (scale * np.cos(angle), scale * np.sin(angle)))
    turned = cosine * x - sine * y, sine * x + cosine * y
    # The centre of a digit lies among its ink, so counting 0 as ink changes nothing.
    low = np.stack([t.min(axis=(1, 2), where=inked, initial=0) for t in turned], axis=-1)
    high = np.stack([t.max(axis=(1, 2), where=inked, initial=0) for t in turned], axis=-1)
    reach = (np.abs(cosine) + np.abs(sine))[:, 0]  # interpolation smears a point this far
    return reach - 1 - low, side - reach - high


def affine_pose(
    angle: Float[Array, " n"], scale: Float[Array, " n"], place: Float[Array, "n 2"]
) -> Float[Array, "n 3 3"]:
    """Poses of digits turned and scaled about their centres, which land on `place`.

    Parameters
    ----------
    angle : (n,)
        In radians; from x towards y, which is clockwise as one looks at the image.
    scale : (n,)
        Above 1 the digit grows.
    place : (n, 2)
        Where the centre lands, (x, y) in pixels.

    Examples
    --------
    A quarter turn about the centre brings the middle of the top edge to the right:

    >>> pose = affine_pose(np.array([np.pi / 2]), np.ones(1), np.full((1, 2), 13.5))
    >>> (pose @ [13.5, 0, 1]).round(6)
    array([[27. , 13.5,  1. ]])
    """
    pose = np.zeros((len(angle), 3, 3))
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    pose[:, 0, 0], pose[:, 0, 1] = cosine, -sine
    pose[:, 1, 0], pose[:, 1, 1] = sine, cosine
    pose[:, :2, 2] = place - CENTRE * pose[:, :2, :2].sum(axis=2)
    pose[:, 2, 2] = 1
    return pose


def corner_pose(landing: Float[Array, "n 4 2"]) -> Float[Array, "n 3 3"]:
    """Projective poses that send the corners of the image, `CORNERS`, to `landing`.

    With (u, v) where (x, y) lands, u (gx + hy + 1) = ax + by + c and v (gx + hy + 1) = dx + ey + f:
    two linear equations a corner for the eight entries, a to h.
    """
    n = len(landing)
    point = np.column_stack([CORNERS, np.ones(4)])
    system = np.zeros((n, 4, 2, 8))
    system[:, :, 0, :3] = system[:, :, 1, 3:6] = point
    system[..., 6:] = -landing[..., None] * CORNERS[:, None]
    entry = np.linalg.solve(system.reshape(n, 8, 8), landing.reshape(n, 8, 1))[..., 0]
    return np.column_stack([entry, np.ones(n)]).reshape(n, 3, 3)


def posed(
    digit: UInt8[Array, "n 28 28"], pose: Float[Array, "n 3 3"], size: int
) -> Float[Array, "n size size"]:
    """Digits in their poses on a black canvas.

    Parameters
    ----------
    digit : (n, 28, 28)
        The digits.
    pose : (n, 3, 3)
        Where (x, y, 1) of each lands: at the first two entries over the third.
    size : int
        Side of the canvas, in pixels.

    Raises
    ------
    ValueError
        If there is not one pose of (3, 3) for each digit.
    numpy.linalg.LinAlgError
        If a pose cannot be undone.
    """
    _check.shape("pose", pose.shape, (len(digit), 3, 3))
    across, down = np.meshgrid(np.arange(size), np.arange(size))
    canvas = np.stack([across.ravel(), down.ravel(), np.ones(size * size)]).astype(np.float32)
    back = np.linalg.inv(pose).astype(np.float32)
    x, y, z = np.moveaxis(back @ canvas, 1, 0)
    z = np.where(np.abs(z) < 1e-6, np.float32(1e-6), z)  # on the horizon: far outside the digit
    return _read(digit, x / z, y / z).reshape(-1, size, size)


# Bends: what a thin-plate spline can say ---------------------------------------------------------


def control_points() -> Float[Array, "16 2"]:
    """The control points, (x, y) in pixels: a regular grid over the image, row by row."""
    axis = np.linspace(-0.5, SIDE - 0.5, int(N_CONTROL**0.5))
    across, down = np.meshgrid(axis, axis)
    return np.column_stack([across.ravel(), down.ravel()])


def bends(rng: np.random.Generator, n: int) -> Float[Array, "n 16 2"]:
    """Random bends: the points of the digit that are seen at the control points of the canvas.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the draws.
    n : int
        How many.
    """
    scale = rng.uniform(0.75, 1, (n, 1, 1))
    noisy = control_points() + CONTROL_STD * rng.standard_normal((n, N_CONTROL, 2))
    return CENTRE + (noisy - CENTRE) / scale


def bent(digit: UInt8[Array, "n 28 28"], seen: Float[Array, "n 16 2"]) -> Float[Array, "n 28 28"]:
    """Digits bent so that the points `seen` show at the control points.

    Between the control points, each pixel is read where the smoothest interpolation says: a
    thin-plate spline.

    Raises
    ------
    ValueError
        If there are not 16 points for each digit.
    """
    _check.shape("seen", seen.shape, (len(digit), N_CONTROL, 2))
    moved = (seen - control_points()).astype(np.float32)
    x, y = np.moveaxis(_spline_weight() @ moved, -1, 0)
    down, across = np.indices((SIDE, SIDE), np.float32).reshape(2, -1)
    return _read(digit, across + x, down + y).reshape(-1, SIDE, SIDE)


@lru_cache(1)
def _spline_weight() -> Array:
    """How much of each control point's shift each pixel takes, (784, 16)."""
    control = control_points() / SIDE
    pixel = np.indices((SIDE, SIDE)).reshape(2, -1)[::-1].T / SIDE
    system = np.zeros((N_CONTROL + 3, N_CONTROL + 3))
    system[:N_CONTROL] = _basis(control, control)
    system[N_CONTROL:, :N_CONTROL] = system[:N_CONTROL, N_CONTROL:].T
    weight = np.linalg.solve(system, _basis(pixel, control).T)[:N_CONTROL].T  # it is symmetric
    weight = np.ascontiguousarray(weight, np.float32)
    weight.setflags(write=False)
    return weight


def _basis(point: Array, control: Array) -> Array:
    """r² log r² from each control point, then 1, x, y."""
    square = ((point[:, None] - control) ** 2).sum(axis=-1)
    bump = square * np.log(np.where(square > 0, square, 1))
    return np.column_stack([bump, np.ones(len(point)), point])


# Reading between pixels --------------------------------------------------------------------------


def _read(digit: Array, x: Array, y: Array) -> Array:
    """Linear interpolation of each digit at its points x, y (n, k); black outside."""
    _check.shape("digit", digit.shape, (None, SIDE, SIDE))
    wide = SIDE + 3  # a black rim: one pixel before, two after
    padded = np.zeros((len(digit), wide, wide), np.float32)
    padded[:, 1 : SIDE + 1, 1 : SIDE + 1] = digit
    x, y = np.clip(x, -1, SIDE) + 1, np.clip(y, -1, SIDE) + 1
    column, row = x.astype(np.intp), y.astype(np.intp)
    x -= column
    y -= row
    first = row * wide + column
    first += np.arange(len(digit))[:, None] * wide * wide
    flat = padded.ravel()
    left, right = flat[first], flat[first + 1]
    above = left + x * (right - left)
    left, right = flat[first + wide], flat[first + wide + 1]
    below = left + x * (right - left)
    return (above + y * (below - above)) / 255
