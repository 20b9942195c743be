"""Checks of the counts: each form on sizes that all differ, and where the two meet."""

from typing import Any

import numpy as np

from attn_course.exercises.checking import Mutant, Wrong, check, close


@check()
def known_counts(answer: Any, rng: np.random.Generator) -> None:
    """The chapter's own counts must come out, 32768 and 215040 with a layer that costs nothing, and
    280 and 170 for an image of 4 × 10 pixels, a glimpse of 2 × 3 and a layer that costs 5."""
    close(
        answer.vector_cost(128, 128, 0),
        32768,
        "vector_cost(128, 128, 0) must be 32768: two multiplications for each pixel.",
    )
    close(
        answer.matrix_cost(128, 128, 12, 12, 0),
        215040,
        "matrix_cost(128, 128, 12, 12, 0) must be 215040: the two products, one after the other.",
    )
    close(
        answer.vector_cost(4, 10, 5),
        280,
        "vector_cost(4, 10, 5) must be 280: 4 × 10 pixels, each with two multiplications and the "
        "layer's five.",
    )
    close(
        answer.matrix_cost(4, 10, 2, 3, 5),
        170,
        "matrix_cost(4, 10, 2, 3, 5) must be 170: the first product, (2, 4) times (4, 10), takes "
        "80, the second, (2, 10) times (10, 3), takes 60, and the layer 5 × 6 = 30.",
    )


@check()
def known_thresholds(answer: Any, rng: np.random.Generator) -> None:
    """For 128 × 128 pixels and a glimpse of 12 × 12 the threshold lies between 11.2 and 11.3, and
    for 4 × 10 pixels and a glimpse of 2 × 3 it is 30/17 = 1.765."""
    got = answer.threshold(128, 128, 12, 12)
    if not 11.2 < got < 11.3:
        raise Wrong(
            "threshold(128, 128, 12, 12) must lie between 11.2 and 11.3. Put your result into "
            "vector_cost and matrix_cost: the two must come out equal."
        )
    close(
        answer.threshold(4, 10, 2, 3),
        30 / 17,
        "threshold(4, 10, 2, 3) must be 30/17 = 1.765: without the layer the matrix form costs "
        "140 - 80 = 60 more, and it hands on 40 - 6 = 34 numbers fewer.",
    )


@check(hidden=True)
def vector_form_on_any_image(answer: Any, rng: np.random.Generator) -> None:
    """The vector form takes two multiplications a pixel, and the layer after it sees all pixels."""
    height, width, h, w = _sizes(rng)
    pixels, cost = height * width, int(rng.integers(3, 50))
    got = answer.vector_cost(height, width, cost)
    want = (2 + cost) * pixels
    _recognise(
        got,
        want,
        {
            "The image need not be square: count height times width.": [
                (2 + cost) * height**2,
                (2 + cost) * width**2,
            ],
            "Two multiplications a pixel: one forms the map, one applies it to the image.": [
                (1 + cost) * pixels
            ],
            "The layer's cost falls due for every pixel that it is handed.": [
                2 * pixels + cost
            ],
        },
    )
    close(got, want)


@check(hidden=True)
def two_products(answer: Any, rng: np.random.Generator) -> None:
    """A product of (n, m) and (m, k) costs n m k, and there are two: A_y I, then times A_x^T."""
    height, width, h, w = _sizes(rng)
    got = answer.matrix_cost(height, width, h, w, 0)
    first = h * height * width
    want = first + h * width * w
    _recognise(
        got,
        want,
        {
            "After the first product h × width numbers are left, not h × height or the image: "
            "the second product takes h * width * w.": [
                first + h * height * w,
                2 * first,
            ],
            "These are the multiplications of A_y (I A_x^T); take A_y I first.": [
                w * height * width + h * height * w
            ],
            "There is a second product: what A_y I leaves is multiplied by A_x^T.": [
                first
            ],
            "This is the four-fold loop over glimpse and image; two products one after the other "
            "are cheaper.": [h * w * height * width],
        },
    )
    close(got, want)


@check(hidden=True)
def layer_after_the_glimpse(answer: Any, rng: np.random.Generator) -> None:
    """After the matrix form the layer is handed h × w numbers and no more."""
    height, width, h, w = _sizes(rng)
    cost = int(rng.integers(3, 50))
    got = answer.matrix_cost(height, width, h, w, cost)
    got = got - answer.matrix_cost(height, width, h, w, 0)
    want = cost * h * w
    _recognise(
        got,
        want,
        {
            "After the matrix form the layer is handed the glimpse, h × w numbers, and no longer "
            "the whole image.": [cost * height * width],
            "The layer's cost falls due for every number of the glimpse, h × w times.": [
                cost
            ],
        },
    )
    close(got, want)


@check(hidden=True, points=2)
def threshold_where_costs_meet(answer: Any, rng: np.random.Generator) -> None:
    """At the threshold both forms cost the same; check yours by putting it into both counts."""
    for _ in range(3):
        height, width, h, w = _sizes(rng)
        pixels = height * width
        first, second = h * pixels, h * width * w
        want = (first + second - 2 * pixels) / (pixels - h * w)
        got = answer.threshold(height, width, h, w)
        _recognise(
            got,
            want,
            {
                "The vector form is not free: its two multiplications a pixel come off what the "
                "matrix form costs.": [(first + second) / (pixels - h * w)],
                "The second product is missing from the threshold.": [
                    (first - 2 * pixels) / (pixels - h * w)
                ],
                "The layer after the glimpse has a cost too, h × w times: divide by the "
                "difference of what the two forms hand on.": [
                    (first + second - 2 * pixels) / pixels
                ],
                "Do not round the threshold.": [
                    np.floor(want),
                    np.ceil(want),
                    np.round(want),
                ],
                "This is the threshold for A_y (I A_x^T); take A_y I first.": [
                    (w * pixels + h * height * w - 2 * pixels)
                    / (pixels - h * w)
                ],
            },
        )
        close(got, want)


@check(hidden=True)
def threshold_below_zero(answer: Any, rng: np.random.Generator) -> None:
    """A glimpse of a single row wins whatever the layer costs: the threshold is then negative."""
    height, width, _, w = _sizes(rng)
    if not answer.threshold(height, width, 1, w) < 0:
        raise Wrong(
            "A glimpse of a single row costs less than the map even before the layer: return the "
            "equation's negative solution, and do not cut it off at zero."
        )


def _sizes(rng: np.random.Generator) -> tuple[int, int, int, int]:
    """Sizes of an image and a glimpse, no two alike."""
    height, width = rng.choice(np.arange(40, 200), 2, replace=False)
    h, w = rng.choice(np.arange(4, 16), 2, replace=False)
    return int(height), int(width), int(h), int(w)


def _recognise(
    got: Any, want: float, mistakes: dict[str, list[float]]
) -> None:
    """Name the mistake if the number is one that it leads to, and not the right one."""
    if not isinstance(got, int | float | np.generic) or np.isclose(
        got, want, rtol=1e-9
    ):
        return
    for sentence, values in mistakes.items():
        if np.isclose(got, values, rtol=1e-9).any():
            raise Wrong(sentence)


MUTANTS = {
    "square images only": Mutant(
        old="formed + cost * height * width",
        new="(2 + cost) * height**2",
        falls_by="vector_form_on_any_image",
        says="need not be square",
    ),
    "the map is free": Mutant(
        old="2 * height * width  # the map, and the map times the image",
        new="height * width",
        falls_by="vector_form_on_any_image",
        says="one forms the map, one applies it",
    ),
    "second product counted with the height": Mutant(
        old="second = h * width * w",
        new="second = h * height * w",
        falls_by="two_products",
        says="the second product takes h * width * w",
    ),
    "the other order": Mutant(
        old="return first + second + cost * h * w",
        new="return w * height * width + h * height * w + cost * h * w",
        falls_by="two_products",
        says="take A_y I first",
    ),
    "four-fold loop": Mutant(
        old="return first + second + cost * h * w",
        new="return first * w + cost * h * w",
        falls_by="two_products",
        says="four-fold loop",
    ),
    "layer sees the whole image": Mutant(
        old="second + cost * h * w",
        new="second + cost * height * width",
        falls_by="layer_after_the_glimpse",
        says="no longer the whole image",
    ),
    "vector form free in the threshold": Mutant(
        old="(height + w) - 2 * height * width",
        new="(height + w)",
        falls_by="threshold_where_costs_meet",
        says="The vector form is not free",
    ),
    "second product forgotten in the threshold": Mutant(
        old="h * width * (height + w)",
        new="h * width * height",
        falls_by="threshold_where_costs_meet",
        says="second product is missing",
    ),
    "layer after the glimpse free": Mutant(
        old="height * width - h * w",
        new="height * width",
        falls_by="threshold_where_costs_meet",
        says="The layer after the glimpse has a cost too",
    ),
    "rounded up": Mutant(
        old="return dearer / fewer",
        new="return -(-dearer // fewer)",
        falls_by="threshold_where_costs_meet",
        says="Do not round",
    ),
    "cut off at zero": Mutant(
        old="return dearer / fewer",
        new="return max(dearer / fewer, 0)",
        falls_by="threshold_below_zero",
        says="do not cut it off at zero",
    ),
    "returns zero": Mutant(
        old="return dearer / fewer",
        new="return 0.0",
        falls_by="threshold_where_costs_meet",
        says="both forms cost the same",
    ),
}
