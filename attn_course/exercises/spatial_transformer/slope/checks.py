"""Checks of the gradients, against differences of the sum over all pixels."""

from typing import Any

import numpy as np

from attn_course.exercises.checking import Mutant, Wrong, check, close

ROW = np.array([[[1.0, 2.0, 4.0]]])
POINT = np.array([[[0.5, 0.0]]])  # pixel 1.75 of three, 0 of one


@check()
def one_point_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """One point at pixel 1.75 of a row of three hands a quarter of 8 to pixel 1, the rest to 2."""
    close(
        answer.image_gradient((1, 3), POINT, np.full((1, 1, 1), 8.0)),
        np.array([[[0.0, 2.0, 6.0]]]),
        "The point x = 0.5 lies at pixel 1.75 of a row of three: of the 8 that come down, pixel 1 "
        "gets a quarter and pixel 2 three quarters.",
    )


@check()
def one_slope_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """At pixel 1.75 the row 1, 2, 4 rises by 2 for each pixel, and a unit of u is 1.5 pixels."""
    got = answer.grid_gradient(ROW, POINT, np.full((1, 1, 1), 8.0))
    if np.shape(got) == (1, 1, 2):
        close(
            got[0, 0, 0],
            24.0,
            "At pixel 1.75 the row 1, 2, 4 rises by 2 for each pixel. A unit of u is 1.5 pixels, "
            "and 8 comes down: 2 * 1.5 * 8 = 24.",
        )
    close(
        got,
        np.array([[[24.0, -14.0]]]),
        "By v: the only row is read at its centre, 3.5, and downwards it fades to 0 over one "
        "pixel. A unit of v is half a pixel, and 8 comes down: -3.5 * 0.5 * 8 = -14.",
    )


@check()
def two_points_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """Two columns lie at -0.5 and 0.5, or at -1 and 1 with aligned corners; a lone row at 0."""
    by_grid = np.array([[[1.0, 10.0], [3.0, 50.0]]])
    close(
        answer.matrix_gradient(by_grid),
        np.array([[1.0, 0.0, 4.0], [20.0, 0.0, 60.0]]),
        "Points at x = -0.5 and 0.5, y = 0, with the gradients (1, 10) and (3, 50): the first row "
        "is (3 - 1)/2, 0, 3 + 1, the second (50 - 10)/2, 0, 50 + 10.",
    )


@check()
def the_blank_wall(answer: Any, rng: np.random.Generator) -> None:
    """On the line 3, 3, 3, 3 the printed rule gives 0 at x = 1.5, and at x = 2 it does not."""
    line = np.full(4, 3.0)
    close(
        answer.printed_slope(line, 1.5),
        0.0,
        "On the line 3, 3, 3, 3 at x = 1.5 pixel 1 counts -1 and pixel 2 counts 1: 0.",
    )
    close(
        answer.printed_slope(line, 2.0),
        3.0,
        "On the line 3, 3, 3, 3 at x = 2 the printed rule gives 3, which is wrong as a slope and "
        "right as a reading of the rule: pixel 2 counts 1, pixels 1 and 3 are at a distance of 1.",
    )


@check(hidden=True, points=2)
def what_a_pixel_gets(answer: Any, rng: np.random.Generator) -> None:
    """By the image: each point hands its upstream to the four pixels around it, weighed as it read
    them."""
    for align_corners in (False, True):
        height, width = size = _size(rng, 9)
        # Two pixels apart or more, so that no pixel is read by two points.
        x = 2 * np.arange(3) + rng.uniform(0.1, 0.9, (4, 3))
        y = 2 * np.arange(4)[:, None] + rng.uniform(0.1, 0.9, (4, 3))
        upstream = rng.uniform(1, 9, (2, 4, 3))
        grid = _grid(x, y, size, align_corners)
        got = answer.image_gradient(
            size, grid, upstream, "zeros", align_corners
        )
        want = _handed_back(upstream, grid, size, align_corners)
        added = upstream.sum(axis=0, keepdims=True)
        _recognise(
            got,
            want,
            {
                "x and y are swapped: the last axis of the grid is (x, y), the image's axes are "
                "(height, width).": _handed_back(
                    upstream, grid[..., ::-1], size, align_corners
                ),
                "This is the other convention: look at align_corners.": _handed_back(
                    upstream, grid, size, not align_corners
                ),
                "Every channel has its own upstream.": np.broadcast_to(
                    _handed_back(added, grid, size, align_corners), want.shape
                ),
            },
        )
        close(got, want, atol=1e-9)


@check(hidden=True)
def many_points_one_pixel(answer: Any, rng: np.random.Generator) -> None:
    """A pixel that several points read gets the sum of what they hand back."""
    height, width = _size(rng, 5)
    x, y = rng.uniform(1.1, 2.9, (6, 7)), rng.uniform(2.1, 3.9, (6, 7))
    upstream = rng.uniform(1, 9, (2, 6, 7))
    got = answer.image_gradient(
        (height, width),
        _grid(x, y, (height, width), False),
        upstream,
        "zeros",
        False,
    )
    want = _by_image(upstream, x, y, (height, width))
    if np.shape(got) == want.shape and np.all(np.asarray(got) <= want + 1e-9):
        close(
            got,
            want,
            "Some of what comes down is lost. With `a[index] += …` an index that occurs twice is "
            "added once; np.add.at adds every time.",
        )
    close(got, want)


@check(hidden=True)
def pixels_for_points_outside(answer: Any, rng: np.random.Generator) -> None:
    """Under zeros a point outside hands back nothing, or fading shares, and under border all."""
    height, width = _size(rng, 9)
    beyond = rng.uniform(0.2, 0.4, 2)
    x = np.array(
        [-beyond[0], 3.3, width - 1 + beyond[1], rng.uniform(2e5, 4e5)]
    )[:, None]
    y = np.array([2.4, -rng.uniform(0.2, 0.8), 4.6, 6.3])[:, None]
    upstream = rng.uniform(1, 9, (2, 4, 1))
    grid = _grid(x, y, (height, width), False)
    for padding in ("zeros", "border"):
        got = answer.image_gradient(
            (height, width), grid, upstream, padding, False
        )
        repeated = _by_image(
            upstream,
            np.clip(x, 0, width - 1),
            np.clip(y, 0, height - 1),
            (height, width),
        )
        faded = _by_image(upstream, x, y, (height, width))
        want, other = (
            (faded, repeated) if padding == "zeros" else (repeated, faded)
        )
        _recognise(
            got,
            want,
            {
                "Under zeros a pixel that does not exist gets its share too, and that share is "
                "lost; under border the outermost pixel gets everything. Yours are exchanged, or "
                "alike.": other
            },
        )
        if np.shape(got) == want.shape and np.any(np.asarray(got)[want == 0]):
            raise Wrong(
                "A pixel gets something that no point reads: a negative index counts from the "
                "other end of the image, and int() does not round down."
            )
        close(got, want, atol=1e-9)


@check(hidden=True, points=3)
def slope_between_grid_lines(answer: Any, rng: np.random.Generator) -> None:
    """By a point: what happens to the loss when the point moves a little, in normalised units."""
    for align_corners in (False, True):
        for padding in ("zeros", "border"):
            image = _image(rng)
            size = image.shape[1], image.shape[2]
            x = rng.integers(0, size[1] - 1, (4, 5)) + rng.uniform(
                0.1, 0.9, (4, 5)
            )
            y = rng.integers(0, size[0] - 1, (4, 5)) + rng.uniform(
                0.1, 0.9, (4, 5)
            )
            upstream = rng.uniform(1, 9, (3, 4, 5))
            got = answer.grid_gradient(
                image,
                _grid(x, y, size, align_corners),
                upstream,
                padding,
                align_corners,
            )
            by_pixel = _differences(image, x, y, upstream)
            pixels = np.array([size[1], size[0]])
            edges, centres = by_pixel * pixels / 2, by_pixel * (pixels - 1) / 2
            want = centres if align_corners else edges
            _recognise(
                got,
                want,
                {
                    "These are slopes for each pixel, and asked for are those for each unit of the "
                    "normalised coordinates: the chain rule has one more factor.": by_pixel,
                    "The factor is that of the other convention: a unit is n / 2 pixels, or "
                    "(n - 1) / 2 where corners are aligned.": edges
                    if align_corners
                    else centres,
                    "The factor is twice too large: it is 2 units and not 1 from end to end.": want
                    * 2,
                    "The factor is upside down: a unit of the coordinate is several pixels.": (
                        by_pixel**2 / want
                    ),
                    "The sign is the other way: a step to larger x reads more of the pixel to the "
                    "right.": -want,
                    "The two slopes are exchanged: the last axis is (by u, by v).": want[
                        ..., ::-1
                    ],
                    "The width scales the slope by u, and the height the slope by v.": want
                    * (want[0, 0] / by_pixel[0, 0])[::-1]
                    / (want[0, 0] / by_pixel[0, 0]),
                    "A point moves all channels: their slopes are added, each times its own "
                    "upstream.": want / 3,
                },
                rtol=1e-6,
            )
            if np.shape(got) == want.shape and np.allclose(
                got,
                _differences(image, x, y, np.ones_like(upstream))
                * want
                / by_pixel,
                rtol=1e-6,
            ):
                raise Wrong(
                    "The slope of what is read has to be multiplied by upstream."
                )
            close(got, want, rtol=1e-6)


@check(hidden=True, points=2)
def slope_on_grid_lines(answer: Any, rng: np.random.Generator) -> None:
    """Where x or y is a whole number, the outermost pixels included, the slope to the right."""
    # Of these sizes all positions are exact, however they are computed.
    height, width = (int(one) for one in rng.permutation([4, 8]))
    image = _image(rng, height, width)
    x, y = np.meshgrid(
        np.append(np.arange(-1.0, width), rng.uniform(0.1, 0.9)),
        np.append(np.arange(-1.0, height), rng.uniform(1.1, 1.9)),
    )
    upstream = rng.uniform(1, 9, (3, *x.shape))
    factor = np.array([width, height]) / 2
    got = answer.grid_gradient(
        image, _grid(x, y, (height, width), False), upstream, "zeros", False
    )
    right, left = (
        _differences(image, x, y, upstream, side) * factor for side in (1, -1)
    )
    both = _differences(image, x, y, upstream) * factor
    _recognise(
        got,
        right,
        {
            "On grid lines this is the slope to the left; rounded down, a whole number is "
            "itself.": left,
            "On grid lines this is the mean of the slopes on both sides; the chapter's rule is the "
            "one to the right.": both,
            "On grid lines this is the rule as it is printed: the pixel at the position counts 1 "
            "and nothing counts -1.": _printed(image, x, y, upstream) * factor,
        },
        rtol=1e-6,
    )
    close(got, right, rtol=1e-6, atol=1e-9)


@check(hidden=True)
def slope_outside(answer: Any, rng: np.random.Generator) -> None:
    """Under zeros there is a slope within a pixel outside, where the image fades, and none beyond."""
    image = _image(rng)
    size = image.shape[1], image.shape[2]
    x, y = np.meshgrid(*(_about(rng, n) for n in size[::-1]))
    upstream = rng.uniform(1, 9, (3, *x.shape))
    got = answer.grid_gradient(
        image, _grid(x, y, size, False), upstream, "zeros", False
    )
    want = (
        _differences(image, x, y, upstream) * np.array([size[1], size[0]]) / 2
    )
    if np.shape(got) == want.shape and not np.allclose(
        got, want, rtol=1e-6, atol=1e-6
    ):
        if not np.isfinite(got).all():
            raise Wrong("Far outside the result is not a finite number.")
        place, count = np.stack([x, y], axis=-1), np.array([size[1], size[0]])
        if np.any(got[((place < -1) | (place > count)).any(axis=-1)]):
            raise Wrong(
                "Beyond one pixel outside nothing is read and there is no slope. Are clipped "
                "indices taken for pixels that exist, or negative ones for the other end?"
            )
        if np.all(got[(place < 0) | (place > count - 1)] == 0):
            raise Wrong(
                "Within a pixel outside the image fades, and what fades has a slope; it is not 0."
            )
    close(got, want, rtol=1e-6, atol=1e-6)


@check(hidden=True)
def slope_where_clipped(answer: Any, rng: np.random.Generator) -> None:
    """Under border the slope is 0 along the axis on which the position is clipped, at 0 and at
    n - 1 already, and goes on along the other."""
    height, width = (int(one) for one in rng.permutation([4, 8]))
    image = _image(rng, height, width)
    x, y = (
        np.concatenate(
            [[0.0, n - 1.0], rng.uniform(0.1, 0.9, 2), _about(rng, n)]
        )
        for n in (width, height)
    )
    x, y = np.meshgrid(x, y)
    upstream = rng.uniform(1, 9, (3, *x.shape))
    got = answer.grid_gradient(
        image, _grid(x, y, (height, width), False), upstream, "border", False
    )
    count = np.array([width, height])
    place = np.stack([x, y], axis=-1)
    moves = (place > 0) & (place < count - 1)
    on = np.clip(place, 0, count - 1)
    on_image = (
        _differences(image, on[..., 0], on[..., 1], upstream, 1) * count / 2
    )
    want = on_image * moves
    _recognise(
        got,
        want,
        {
            "Under border a position that is clipped does not move what is read: its slope is "
            "0.": on_image,
            "At 0 and n - 1 themselves the slope is 0 too, by the chapter's rule.": on_image
            * ((place >= 0) & (place <= count - 1)),
            "A point that is clipped along one axis may still move along the other.": want
            * moves.all(axis=-1, keepdims=True),
        },
        rtol=1e-6,
    )
    close(got, want, rtol=1e-6, atol=1e-6)


@check(hidden=True, points=2)
def the_six_numbers(answer: Any, rng: np.random.Generator) -> None:
    """By the matrix: what happens to the loss when one of its six numbers changes a little."""
    for align_corners in (False, True):
        image = _image(rng)
        size = image.shape[1], image.shape[2]
        h, w = (int(one) for one in 2 + rng.permutation(4)[:2])
        upstream = rng.uniform(1, 9, (3, h, w))
        theta = _theta(rng, (h, w), size, align_corners)

        def positions(
            theta: np.ndarray,
            shape: tuple[tuple[int, int], tuple[int, int]] = (size, (h, w)),
            align_corners: bool = align_corners,
        ) -> tuple[np.ndarray, np.ndarray]:
            grid = _points(shape[1], align_corners) @ theta.T
            return (
                _pixel(grid[..., 0], shape[0][1], align_corners),
                _pixel(grid[..., 1], shape[0][0], align_corners),
            )

        unit = (np.array([size[1], size[0]]) - align_corners) / 2
        by_grid = _differences(image, *positions(theta), upstream) * unit
        want = np.zeros((2, 3))
        for entry in np.ndindex(2, 3):
            step = np.zeros((2, 3))
            step[entry] = 1e-5
            ahead, behind = (
                (upstream * _sum(image, *positions(theta + sign * step))).sum()
                for sign in (1, -1)
            )
            want[entry] = (ahead - behind) / 2e-5
        got = answer.matrix_gradient(by_grid, align_corners)
        other = np.einsum(
            "ijk,ijl->kl", by_grid, _points((h, w), not align_corners)
        )
        _recognise(
            got,
            want,
            {
                "The output's pixels are laid out by the other convention: look at align_corners "
                "once more.": other,
                "x and y of the output are exchanged: the columns go with x, y and 1.": want[
                    :, [1, 0, 2]
                ],
                "The rows are exchanged: the first makes u, the second v.": want[
                    ::-1
                ],
                "This is the mean over the points: every entry moves all of them, and what they "
                "hand back is added.": want / (h * w),
            },
            rtol=1e-5,
        )
        close(got, want, rtol=1e-5, atol=1e-5)


@check(hidden=True)
def a_lone_row(answer: Any, rng: np.random.Generator) -> None:
    """A lone row or column lies in the middle of the output, at 0, also with aligned corners."""
    for h, w in ((1, 4), (3, 1), (1, 1)):
        by_grid = rng.uniform(1, 9, (h, w, 2))
        close(
            answer.matrix_gradient(by_grid, True),
            np.einsum("ijk,ijl->kl", by_grid, _points((h, w), True)),
            "A lone row or column lies at 0 under either convention, and its column of the result "
            "is 0; np.linspace(-1, 1, 1) is -1.",
        )


@check(hidden=True)
def printed_on_a_pixel(answer: Any, rng: np.random.Generator) -> None:
    """At a whole number the printed rule is the pixel itself, constant line or not."""
    for constant in (True, False):
        n_pixel = int(rng.integers(5, 9))
        line = (
            np.full(n_pixel, rng.uniform(2, 9))
            if constant
            else rng.uniform(2, 9, n_pixel)
        )
        for x in (0, int(rng.integers(1, n_pixel - 1)), n_pixel - 1):
            after = line[x + 1] if x + 1 < n_pixel else 0.0
            _recognise(
                answer.printed_slope(line, float(x)),
                line[x],
                {
                    "This is what the rule should be. Asked for is the rule as it is printed.": (
                        after - line[x]
                    ),
                    "The rule says 1 if m >= x: equality counts.": -line[x],
                },
            )
            close(answer.printed_slope(line, float(x)), line[x])


@check(hidden=True)
def printed_between_pixels(answer: Any, rng: np.random.Generator) -> None:
    """Between two pixels the printed rule is their difference, right less left, as it should be;
    off the line what does not exist counts nothing."""
    n_pixel = int(rng.integers(5, 9))
    line = rng.uniform(2, 9, n_pixel) * rng.choice([-1, 1], n_pixel)
    framed = np.concatenate([[0, 0], line, [0, 0]])
    for left in (
        -2,
        -1,
        0,
        int(rng.integers(1, n_pixel - 2)),
        n_pixel - 1,
        n_pixel,
    ):
        close(
            answer.printed_slope(line, left + rng.uniform(0.1, 0.9)),
            (framed[left + 3] if left + 3 < len(framed) else 0.0)
            - framed[left + 2],
        )


def _size(rng: np.random.Generator, least: int) -> tuple[int, int]:
    """Height and width, not the same."""
    height, width = (int(one) for one in least + rng.permutation(4)[:2])
    return height, width


def _image(
    rng: np.random.Generator,
    height: int | None = None,
    width: int | None = None,
) -> np.ndarray:
    """Several channels, all sizes different, no pixel near zero."""
    drawn = _size(rng, 4)
    size = (
        3,
        *(
            given or one
            for given, one in zip((height, width), drawn, strict=True)
        ),
    )
    return np.asarray(rng.uniform(1, 9, size) * rng.choice([-1, 1], size))


def _pixel(
    coordinate: np.ndarray, n_pixel: int, align_corners: bool
) -> np.ndarray:
    marks = (0.0, n_pixel - 1.0) if align_corners else (-0.5, n_pixel - 0.5)
    return np.asarray(marks[0] + (coordinate + 1) / 2 * (marks[1] - marks[0]))


def _coordinate(
    pixel: np.ndarray, n_pixel: int, align_corners: bool
) -> np.ndarray:
    return (
        2 * pixel / (n_pixel - 1) - 1
        if align_corners
        else (2 * pixel + 1) / n_pixel - 1
    )


def _grid(
    x: np.ndarray, y: np.ndarray, size: tuple[int, int], align_corners: bool
) -> np.ndarray:
    """Normalised points of positions in pixels."""
    u, v = (
        _coordinate(x, size[1], align_corners),
        _coordinate(y, size[0], align_corners),
    )
    return np.stack([u, v], axis=-1)


def _points(size: tuple[int, int], align_corners: bool) -> np.ndarray:
    """The output's pixels, (x, y, 1)."""
    x, y = np.meshgrid(*(_centres(n, align_corners) for n in size[::-1]))
    return np.stack([x, y, np.ones(size)], axis=-1)


def _centres(n_pixel: int, align_corners: bool) -> np.ndarray:
    if n_pixel == 1:
        return np.zeros(1)
    return _coordinate(np.arange(float(n_pixel)), n_pixel, align_corners)


def _theta(
    rng: np.random.Generator,
    output: tuple[int, int],
    size: tuple[int, int],
    align_corners: bool,
) -> np.ndarray:
    """An affine map of which no point comes near a grid line."""
    while True:
        theta = np.eye(2, 3) * 0.7 + rng.uniform(-0.3, 0.3, (2, 3))
        grid = _points(output, align_corners) @ theta.T
        place = [
            _pixel(grid[..., i], size[1 - i], align_corners) for i in (0, 1)
        ]
        if np.abs(np.array(place) - np.rint(place)).min() > 0.01:
            return theta


def _kernels(
    x: np.ndarray, y: np.ndarray, size: tuple[int, int]
) -> list[np.ndarray]:
    return [
        np.maximum(0, 1 - np.abs(position[..., None] - np.arange(n)))
        for position, n in ((y, size[0]), (x, size[1]))
    ]


def _sum(image: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The definition: a sum over all pixels."""
    return np.einsum(
        "cnm,ijn,ijm->cij", image, *_kernels(x, y, image.shape[1:])
    )


def _by_image(
    upstream: np.ndarray, x: np.ndarray, y: np.ndarray, size: tuple[int, int]
) -> np.ndarray:
    """Differences of the loss by every pixel; it is linear in them, so that any step will do."""
    found = np.zeros((len(upstream), *size))
    for n, m in np.ndindex(*size):
        image = np.zeros((1, *size))
        image[0, n, m] = 0.5
        ahead, behind = (
            (upstream * _sum(sign * image, x, y)).sum((1, 2))
            for sign in (1, -1)
        )
        found[:, n, m] = ahead - behind
    return found


def _handed_back(
    upstream: np.ndarray,
    grid: np.ndarray,
    size: tuple[int, int],
    align_corners: bool,
) -> np.ndarray:
    """Gradient by the image of what is read at normalised points."""
    x, y = (_pixel(grid[..., i], size[1 - i], align_corners) for i in (0, 1))
    return _by_image(upstream, x, y, size)


def _differences(
    image: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    upstream: np.ndarray,
    side: int = 0,
) -> np.ndarray:
    """Slopes of the loss by positions in pixels: to the right, to the left or (0) across both."""
    step = (
        2.0**-12
    )  # exact, and shorter than the way to any grid line but one's own
    ahead, behind = (step if side >= 0 else 0.0), (step if side <= 0 else 0.0)
    slopes = [
        _sum(image, x + dx * ahead, y + dy * ahead)
        - _sum(image, x - dx * behind, y - dy * behind)
        for dx, dy in ((1, 0), (0, 1))
    ]
    return np.stack(
        [(upstream * one).sum(axis=0) for one in slopes], axis=-1
    ) / (ahead + behind)


def _printed(
    image: np.ndarray, x: np.ndarray, y: np.ndarray, upstream: np.ndarray
) -> np.ndarray:
    """Slopes by positions in pixels, by the rule as it is printed."""
    rules = []
    for position, n in ((y, image.shape[1]), (x, image.shape[2])):
        distance = np.arange(n) - position[..., None]
        rules.append(
            np.where(
                np.abs(distance) >= 1, 0, np.where(distance >= 0, 1.0, -1.0)
            )
        )
    along_y, along_x = _kernels(x, y, image.shape[1:])
    pairs = ((along_y, rules[1]), (rules[0], along_x))
    read = [
        np.einsum("cij,cnm,ijn,ijm->ij", upstream, image, *pair)
        for pair in pairs
    ]
    return np.stack(read, axis=-1)


def _about(rng: np.random.Generator, n_pixel: int) -> np.ndarray:
    """Positions just outside, inside, a few pixels outside and some hundred thousand away."""
    beyond, off = rng.uniform(0.1, 0.9, 2), rng.uniform(2.1, 2.9, 2)
    inside = rng.integers(0, n_pixel - 1) + rng.uniform(0.1, 0.9)
    far = 1e5 * rng.integers(2, 4) + 0.5
    ends = n_pixel - 1
    return np.array(
        [
            -beyond[0],
            ends + beyond[1],
            inside,
            -off[0],
            ends + off[1],
            -far,
            far,
        ]
    )


def _recognise(
    got: Any, want: Any, mistakes: dict[str, Any], rtol: float = 1e-9
) -> None:
    """Name the mistake if the numbers are those that it leads to, and not the right ones."""
    if np.shape(got) != np.shape(want) or np.allclose(
        got, want, rtol=rtol, atol=1e-9
    ):
        return
    for sentence, value in mistakes.items():
        if np.allclose(got, value, rtol=rtol, atol=1e-9):
            raise Wrong(sentence)


MUTANTS = {
    "image: corners never aligned": Mutant(
        old="    count = np.array(size[::-1])\n",
        new="    count, align_corners = np.array(size[::-1]), False\n",
        falls_by="what_a_pixel_gets",
        says="the other convention",
    ),
    "image: x and y swapped": Mutant(
        old="    count = np.array(size[::-1])\n",
        new="    count, grid = np.array(size[::-1]), grid[..., ::-1]\n",
        falls_by="what_a_pixel_gets",
        says="x and y are swapped",
    ),
    "image: channels added up": Mutant(
        old="passed = (weight * upstream)[:, there]",
        new="passed = (weight * upstream)[:, there].sum(axis=0, keepdims=True)",
        falls_by="what_a_pixel_gets",
        says="Every channel has its own upstream",
    ),
    "image: duplicates lost": Mutant(
        old="np.add.at(np.moveaxis(d_image, 0, -1), (y, x), passed.T)",
        new="d_image[:, y, x] += passed",
        falls_by="many_points_one_pixel",
        says="an index that occurs twice is added once",
    ),
    "image: shares of absent pixels go to the outermost": Mutant(
        old="x, y = pixel[there].astype(int).T\n"
        "        passed = (weight * upstream)[:, there]\n",
        new="x, y = np.clip(pixel, 0, count - 1).astype(int).reshape(-1, 2).T\n"
        "        passed = (weight * upstream).reshape(len(upstream), -1)\n",
        falls_by="pixels_for_points_outside",
        says="Yours are exchanged, or alike",
    ),
    "image: absent pixels wrap round": Mutant(
        old="x, y = pixel[there].astype(int).T\n"
        "        passed = (weight * upstream)[:, there]\n",
        new="x, y = (pixel % count).astype(int).reshape(-1, 2).T\n"
        "        passed = (weight * upstream).reshape(len(upstream), -1)\n",
        falls_by="pixels_for_points_outside",
        says="A pixel gets something that no point reads",
    ),
    "grid: no factor from coordinates to pixels": Mutant(
        old="return np.asarray(d_position * (count - bool(align_corners)) / 2)",
        new="return np.asarray(d_position)",
        falls_by="slope_between_grid_lines",
        says="one more factor",
    ),
    "grid: n / 2 under both conventions": Mutant(
        old="return np.asarray(d_position * (count - bool(align_corners)) / 2)",
        new="return np.asarray(d_position * count / 2)",
        falls_by="slope_between_grid_lines",
        says="that of the other convention",
    ),
    "grid: (n - 1) / 2 under both conventions": Mutant(
        old="return np.asarray(d_position * (count - bool(align_corners)) / 2)",
        new="return np.asarray(d_position * (count - 1) / 2)",
        falls_by="slope_between_grid_lines",
        says="that of the other convention",
    ),
    "grid: height for width": Mutant(
        old="return np.asarray(d_position * (count - bool(align_corners)) / 2)",
        new="return np.asarray(d_position * (count - bool(align_corners))[::-1] / 2)",
        falls_by="slope_between_grid_lines",
        says="The width scales",
    ),
    "grid: two units taken for one": Mutant(
        old="return np.asarray(d_position * (count - bool(align_corners)) / 2)",
        new="return np.asarray(d_position * (count - bool(align_corners)))",
        falls_by="slope_between_grid_lines",
        says="twice too large",
    ),
    "grid: signs exchanged": Mutant(
        old="sign = np.where(step, 1.0, -1.0)",
        new="sign = np.where(step, -1.0, 1.0)",
        falls_by="slope_between_grid_lines",
        says="The sign is the other way",
    ),
    "grid: mean over the channels": Mutant(
        old="(upstream * image[:, y, x]).sum(axis=0)",
        new="(upstream * image[:, y, x]).mean(axis=0)",
        falls_by="slope_between_grid_lines",
        says="A point moves all channels",
    ),
    "grid: upstream forgotten": Mutant(
        old="(upstream * image[:, y, x]).sum(axis=0)",
        new="image[:, y, x].sum(axis=0)",
        falls_by="slope_between_grid_lines",
        says="has to be multiplied by upstream",
    ),
    "grid: weights not of the other axis": Mutant(
        old="weight = np.where(step, beyond, 1 - beyond)[..., ::-1]",
        new="weight = np.where(step, beyond, 1 - beyond)",
        falls_by="slope_between_grid_lines",
        says="when the point moves a little",
    ),
    "grid: slope to the left": Mutant(
        old="    before = np.floor(position)\n"
        "    beyond = position - before\n"
        "    d_position",
        new="    before = np.ceil(position) - 1\n"
        "    beyond = position - before\n"
        "    d_position",
        falls_by="slope_on_grid_lines",
        says="this is the slope to the left",
    ),
    "grid: as printed": Mutant(
        old="sign = np.where(step, 1.0, -1.0)",
        new="sign = np.where(pixel >= position, 1.0, -1.0)\n"
        "        sign[np.abs(pixel - position) >= 1] = 0",
        falls_by="slope_on_grid_lines",
        says="this is the rule as it is printed",
    ),
    "grid: sign() of the distance": Mutant(
        old="sign = np.where(step, 1.0, -1.0)",
        new="sign = np.sign(pixel - position)",
        falls_by="slope_on_grid_lines",
        says="Where x or y is a whole number",
    ),
    "grid: absent pixels repeated": Mutant(
        old="seen = there * (upstream",
        new="seen = (upstream",
        falls_by="slope_outside",
        says="slope",
    ),
    "grid: absent pixels wrap round": Mutant(
        old="np.clip(pixel, 0, count - 1).astype(int), -1, 0)\n        seen = there *",
        new="(pixel % count).astype(int), -1, 0)\n        seen =",
        falls_by="slope_outside",
        says="negative ones for the other end",
    ),
    "grid: int() for floor": Mutant(
        old="    before = np.floor(position)\n    beyond = position - before\n    d_position",
        new="    before = np.trunc(position)\n    beyond = position - before\n    d_position",
        falls_by="slope_outside",
        says="where the image fades",
    ),
    "grid: a frame one pixel wide and no farther": Mutant(
        old="np.clip(pixel, 0, count - 1).astype(int), -1, 0)\n"
        "        seen = there * (upstream * image[:, y, x])",
        new="pixel.astype(int) + 1, -1, 0)\n"
        "        framed = np.pad(image, ((0, 0), (1, 1), (1, 1)))\n"
        "        seen = (upstream * framed[:, y, x])",
        falls_by="slope_outside",
        says="Your code raised IndexError",
    ),
    "grid: no slope outside": Mutant(
        old='    if padding == "border":\n        d_position',
        new="    if padding:\n        d_position",
        falls_by="slope_outside",
        says="what fades has a slope",
    ),
    "grid: slope goes on where clipped": Mutant(
        old='    if padding == "border":\n        d_position',
        new="    if not padding:\n        d_position",
        falls_by="slope_where_clipped",
        says="does not move what is read",
    ),
    "grid: both slopes 0 where one is clipped": Mutant(
        old="d_position *= (position > 0) & (position < count - 1)",
        new="moves = (position > 0) & (position < count - 1)\n"
        "        d_position *= moves.all(axis=-1, keepdims=True)",
        falls_by="slope_where_clipped",
        says="may still move along the other",
    ),
    "grid: ends not counted as clipped": Mutant(
        old="d_position *= (position > 0) & (position < count - 1)",
        new='d_position *= position == _in_pixels(grid, count, "zeros", align_corners)',
        falls_by="slope_where_clipped",
        says="At 0 and n - 1 themselves",
    ),
    "matrix: corners always aligned": Mutant(
        old="1.0 if align_corners and n > 1 else 1 - 1 / n",
        new="float(n > 1)",
        falls_by="the_six_numbers",
        says="laid out by the other convention",
    ),
    "matrix: x and y exchanged": Mutant(
        old="np.stack([x, y, np.ones_like(x)], axis=-1)",
        new="np.stack([y, x, np.ones_like(x)], axis=-1)",
        falls_by="the_six_numbers",
        says="x and y of the output are exchanged",
    ),
    "matrix: mean over the points": Mutant(
        old='np.asarray(np.einsum("ijk,ijl->kl", by_grid, point))',
        new='np.asarray(np.einsum("ijk,ijl->kl", by_grid, point)) / x.size',
        falls_by="the_six_numbers",
        says="mean over the points",
    ),
    "matrix: transposed": Mutant(
        old='"ijk,ijl->kl"',
        new='"ijk,ijl->lk"',
        falls_by="the_six_numbers",
        says="must have shape",
    ),
    "matrix: a lone row at the first mark": Mutant(
        old="1.0 if align_corners and n > 1 else 1 - 1 / n",
        new="1.0 if align_corners else 1 - 1 / n",
        falls_by="a_lone_row",
        says="A lone row or column lies at 0",
    ),
    "printed: mended": Mutant(
        old="rule[np.abs(pixel - x) >= 1] = 0.0",
        new="rule = 1.0 * (pixel == np.floor(x) + 1) - (pixel == np.floor(x))",
        falls_by="printed_on_a_pixel",
        says="the rule as it is printed",
    ),
    "printed: equality to the left": Mutant(
        old="np.where(pixel >= x, 1.0, -1.0)",
        new="np.where(pixel > x, 1.0, -1.0)",
        falls_by="printed_on_a_pixel",
        says="equality counts",
    ),
    "printed: no pixel counts -1": Mutant(
        old="np.where(pixel >= x, 1.0, -1.0)",
        new="np.where(pixel >= x, 1.0, 0.0)",
        falls_by="printed_between_pixels",
        says="right less left",
    ),
    "writes into upstream": Mutant(
        old="passed = (weight * upstream)[:, there]",
        new="upstream *= 1\n        passed = (weight * upstream)[:, there]",
        falls_by="what_a_pixel_gets",
        says="writes into one of its inputs",
    ),
}
