"""What trained models say of a reader's picture; NumPy only, so that a page can ask them too."""

from collections.abc import Mapping
from math import isqrt
from typing import Any

import numpy as np

from attn_course._typing import Array, Float
from attn_course.gaussian.reference import draw_read, draw_window, glimpse_reader
from attn_course.soft_hard.reference import recurrent_attention, retina
from attn_course.spatial_transformer.reference import pixel_position, warp, warp_reader

CORNERS = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])  # of what is read


def read_digit(
    image: Float[Array, "height width"], params: Mapping[str, Array], n_step: int = 4
) -> dict[str, Any]:
    """Let the recurrent reader look at a picture and name its digit.

    Parameters
    ----------
    image : (height, width)
        Grey, in [0, 1].
    params : mapping
        Weights of `gaussian.reference.glimpse_reader`.
    n_step : int
        Number of glimpses.

    Returns
    -------
    reply : dict
        `answer`: the likeliest class; `share`: softmax of the scores; `names`: of the classes;
        `corner`: of each window its four corners (x, y), from the upper left on in the order
        upper right, lower right, lower left as the window sees them, in pixels from the picture's
        edge; `patch`: what it saw there, (n_step, n_filter, n_filter); `says`: a sentence.
    """
    n_filter = isqrt(params["read.w"].shape[1] - 5)  # the layer reads a patch and five numbers
    score, raws = glimpse_reader(image[None], params, n_step, n_filter)
    corner, patch = [], []
    for raw in raws:
        mean, _, stride, _ = draw_window(raw, image.shape, n_filter)
        left, top = mean - stride / 2 + 0.5  # pixel centres lie at 0, 1, 2, …
        right, bottom = np.array([left, top]) + stride * n_filter
        corner.append([[left, top], [right, top], [right, bottom], [left, bottom]])
        patch.append(draw_read(image[None], raw, n_filter)[0])
    return _reply(score, corner, patch)


def read_turned_digit(
    image: Float[Array, "height width"], params: Mapping[str, Array]
) -> dict[str, Any]:
    """Let the reader behind an affine transformer look at a picture and name its digit.

    Parameters
    ----------
    image : (height, width)
        Grey, in [0, 1].
    params : mapping
        Weights of `spatial_transformer.reference.warp_reader`, for a view as large as the picture.

    Returns
    -------
    reply : dict
        As from `read_digit`, with one window; the sentence says how the view is turned, too.
    """
    score, raw = warp_reader(image[None], params, image.shape)
    theta, (height, width) = raw.reshape(2, 3), image.shape
    x, y = theta[:, :2] @ CORNERS.T + theta[:, 2:]
    corner = 0.5 + np.stack([pixel_position(x, width), pixel_position(y, height)], axis=-1)
    patch = warp(image[None], raw, "affine", image.shape)
    reply = _reply(score, [corner], patch)
    return reply | {"says": f"{reply['says']} {_turn(corner, image.shape)}"}


def walk_over_digit(
    image: Float[Array, "height width"],
    params: Mapping[str, Array],
    n_step: int = 6,
    size: int = 8,
) -> dict[str, Any]:
    """Let the recurrent model of visual attention walk over a picture and name its digit.

    Parameters
    ----------
    image : (height, width)
        Grey, in [0, 1].
    params : mapping
        Weights of `soft_hard.reference.recurrent_attention`. It goes where its policy's means are.
    n_step : int
        Number of glimpses.
    size : int
        Side of a patch of the retina; how many scales it has follows from the weights.

    Returns
    -------
    reply : dict
        As from `read_digit`, the windows being the finest squares of the retina, and of each
        glimpse all patches one below the other. Besides `centre`: the places, (n_step, 2), in
        pixels from the picture's edge; `outer`: the corners of the wider squares,
        (n_step, n_scale - 1, 4, 2).

    Raises
    ------
    ValueError
        If the weights are not those of a retina with patches of that size.
    """
    n_scale, rest = divmod(params["patch.w"].shape[1], size**2)
    if rest or not n_scale:
        raise ValueError(f"the weights must be for patches of {size} by {size}")
    score, location, _, _ = recurrent_attention(
        image[None], params, np.zeros((n_step, 2)), 0.0, size, n_scale
    )
    pixels = np.array(image.shape[::-1])
    centre = (np.clip(location, -1, 1) + 1) / 2 * pixels
    half = size * 2.0 ** np.arange(n_scale)[:, None] / 2
    first = np.floor(centre[:, None] - half + 0.5)  # the retina reads whole pixels
    corner = first[:, :, None] + (CORNERS + 1) * half[:, :, None]
    patch = [
        retina(image[None], np.clip(one, -1, 1), size, n_scale).reshape(-1, size)
        for one in location
    ]
    y, x = np.indices(image.shape)[:, None]
    left, top = np.moveaxis(first[:, 0, :, None, None], 1, 0)
    inside = (x >= left) & (x < left + size) & (y >= top) & (y < top + size)
    share = _percent(inside.any(axis=0).mean())
    reply = _reply(score, corner[:, 0], patch)
    return reply | {
        "centre": centre.tolist(),
        "outer": corner[:, 1:].tolist(),
        "says": f"{reply['says']} Its {n_step} glimpses show {share} of the picture sharply.",
    }


def _reply(score: Array, corner: Any, patch: Any) -> dict[str, Any]:
    share = np.exp(score - score.max())
    share /= share.sum()
    first, second = (int(n) for n in np.argsort(-share)[:2])
    sure, rest = (_percent(share[n]) for n in (first, second))
    return {
        "answer": first,
        "share": share.tolist(),
        "names": [str(n) for n in range(len(share))],
        "corner": np.array(corner).tolist(),
        "patch": np.array(patch).round(4).tolist(),
        "says": f"It reads {first}, with {sure}; second comes {second}, with {rest}.",
    }


def _percent(share: float) -> str:
    percent = 100 * share
    near = "over 99" if percent > 99 else "under 1" if percent < 1 else f"{percent:.0f}"
    return f"{near} %"


def _turn(corner: Float[Array, "4 2"], size: tuple[int, int]) -> str:
    """How a view is turned: as its window is, the other way round."""
    right, down = (corner[1] - corner[0]) / size[1], (corner[3] - corner[0]) / size[0]
    if right[0] * down[1] < right[1] * down[0]:
        return "It saw everything mirrored."
    # y points down: the rotation nearest to the map turns its window clockwise by this angle.
    angle = round(np.degrees(np.arctan2(right[1] - down[0], right[0] + down[1])))
    if not angle:
        return "It did not turn what it saw."
    degrees = "1 degree" if abs(angle) == 1 else f"{abs(angle)} degrees"
    return f"It turned what it saw by {degrees} {'anti' if angle > 0 else ''}clockwise."
