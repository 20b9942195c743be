"""What trained models say of a reader's picture; NumPy only, so that a page can ask them too."""

from collections.abc import Mapping
from math import isqrt
from typing import Any

import numpy as np

from attn_course._typing import Array, Float
from attn_course.gaussian import reference


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
        `box`: left, top, width and height of each window, in pixels from the picture's edge;
        `patch`: what it saw there, (n_step, n_filter, n_filter); `says`: a sentence.
    """
    n_filter = isqrt(params["read.w"].shape[1] - 5)  # the layer reads a patch and five numbers
    score, raws = reference.glimpse_reader(image[None], params, n_step, n_filter)
    share = np.exp(score - score.max())
    share /= share.sum()
    box, patch = [], []
    for raw in raws:
        mean, _, stride, _ = reference.draw_window(raw, image.shape, n_filter)
        left, top = mean - stride / 2 + 0.5  # pixel centres lie at 0, 1, 2, …
        box.append([left, top, stride[0] * n_filter, stride[1] * n_filter])
        patch.append(reference.draw_read(image[None], raw, n_filter)[0])
    first, second = (int(n) for n in np.argsort(-share)[:2])
    sure, rest = (_percent(share[n]) for n in (first, second))
    return {
        "answer": first,
        "share": share.tolist(),
        "names": [str(n) for n in range(len(share))],
        "box": np.array(box).tolist(),
        "patch": np.array(patch).round(4).tolist(),
        "says": f"It reads {first}, with {sure}; second comes {second}, with {rest}.",
    }


def _percent(share: float) -> str:
    percent = 100 * share
    near = "over 99" if percent > 99 else "under 1" if percent < 1 else f"{percent:.0f}"
    return f"{near} %"
