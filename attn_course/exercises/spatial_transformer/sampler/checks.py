"""Checks of the sampler, against the sum over all pixels."""

from typing import Any

import numpy as np

from attn_course.exercises.checking import Mutant, Wrong, check, close

IMAGE = np.array([[[10.0, 20.0, 40.0], [50.0, 70.0, 90.0]]])


@check()
def three_pixels_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """The row 1, 2, 4 at x = 0, 0.5 and 1 lies at pixels 1, 1.75 and 2.5: it reads 2, 3.5 and 2."""
    image = np.array([[[1.0, 2.0, 4.0]]])
    grid = np.array([[[0.0, 0.0], [0.5, 0.0], [1.0, 0.0]]])
    close(
        answer.bilinear_sample(image, grid),
        np.array([[[2.0, 3.5, 2.0]]]),
        "The row 1, 2, 4 at x = 0, 0.5 and 1 lies at pixels 1, 1.75 and 2.5, and reads 2, then 3.5 "
        "= 2/4 + 3 * 4/4, then 2: half of the last pixel and half of nothing.",
    )
    close(
        answer.bilinear_sample(image, grid, "border"),
        np.array([[[2.0, 3.5, 4.0]]]),
        'Under "border" the row 1, 2, 4 at x = 1 reads 4: pixel 2.5 is moved to pixel 2.',
    )
    close(
        answer.bilinear_sample(image, grid, "zeros", True),
        np.array([[[2.0, 3.0, 4.0]]]),
        "With aligned corners the row 1, 2, 4 at x = 0, 0.5 and 1 lies at pixels 1, 1.5 and 2, and "
        "reads 2, 3 and 4.",
    )


@check()
def x_goes_along_the_rows(answer: Any, rng: np.random.Generator) -> None:
    """With corners aligned (x, y) = (1, -1) is the upper right pixel, and (-1, 1) the lower left."""
    grid = np.array([[[1.0, -1.0]], [[-1.0, 1.0]]])
    close(
        answer.bilinear_sample(IMAGE, grid, "zeros", True),
        np.array([[[40.0], [50.0]]]),
        "In the image 10, 20, 40 over 50, 70, 90 the point (x, y) = (1, -1) is the upper right "
        "pixel, 40, and (-1, 1) the lower left, 50: x goes along the width, and y points down.",
    )


@check(hidden=True, points=3)
def between_the_pixels(answer: Any, rng: np.random.Generator) -> None:
    """Between four pixels each weighs the product of two numbers, one from x and one from y, and
    align_corners says where -1 and 1 lie: on the outer edges or on the outermost centres."""
    for align_corners in (False, True):
        for padding in ("zeros", "border"):
            _interior(answer, rng, padding, align_corners)


@check(hidden=True)
def on_the_pixels(answer: Any, rng: np.random.Generator) -> None:
    """At whole-number positions, the last row and column included, the pixel itself is read."""
    # Of these sizes all positions are exact, however they are computed.
    height, width = (int(one) for one in rng.permutation([4, 8]))
    image = _image(rng, height, width)
    y, x = np.indices((height, width)).astype(float)
    got = answer.bilinear_sample(
        image, _grid(x, y, image, False), "zeros", False
    )
    if np.shape(got) == image.shape and not np.allclose(got, image):
        if np.allclose(got[:, :-1, :-1], image[:, :-1, :-1]):
            raise Wrong(
                "All pixels are read but those of the last row and column. Are weights computed "
                "from clipped indices, or does the last pixel not exist for you?"
            )
        if (np.abs(got) < 1e-6 * np.abs(image)).mean() > 0.2:
            raise Wrong(
                "On a whole-number position nothing is read: rounded up it is the position itself, "
                "and both weights of the axis are zero. The right neighbour is one more than the "
                "left, always."
            )
    close(got, image)
    image = _image(rng, 1, 1)
    close(
        answer.bilinear_sample(
            image, rng.uniform(-0.9, 0.9, (4, 5, 2)), "zeros", True
        ),
        np.broadcast_to(image, (len(image), 4, 5)),
        "With aligned corners (u + 1)(n - 1)/2 is 0 on an axis of one pixel, whatever u is: the "
        "pixel itself is read.",
    )


@check(hidden=True, points=2)
def fading_out(answer: Any, rng: np.random.Generator) -> None:
    """Under zeros what is read fades from the outermost pixel centres over one pixel to nothing."""
    image = _image(rng)
    height, width = image.shape[1:]
    x, y = np.meshgrid(
        _around(rng, width),
        np.append(_around(rng, height), rng.uniform(1.1, 1.9)),
    )
    got = answer.bilinear_sample(
        image, _grid(x, y, image, False), "zeros", False
    )
    want = _sum(image, x, y)
    before, after = ((0, 0), (9, 0), (9, 0)), ((0, 0), (0, 9), (0, 9))
    low = np.floor([x, y]).astype(int)
    wrapped_before = np.pad(image, before, "wrap")
    wrapped = np.pad(wrapped_before, after, "wrap")
    wrapped[:, 9 + height :] = image[:, [0]][
        :, :, np.arange(-9, width + 9) % width
    ]
    wrapped[:, :, 9 + width :] = image[:, np.arange(-9, height + 9) % height][
        :, :, [0]
    ]
    opposite = "the last one in NumPy, and yet it does not exist here."
    _recognise(
        got,
        want,
        {
            'Under "zeros" nothing is repeated outside: this is "border". It is also what comes of '
            "weights that are scaled up to one again: a pixel that does not exist is black and keeps "
            "its weight.": _sum(
                image, np.clip(x, 0, width - 1), np.clip(y, 0, height - 1)
            ),
            "Rounding towards zero is not rounding down: int() makes 0 of -0.3, and the left "
            "neighbour there is -1.": _by_neighbours(
                image, x, y, np.trunc([x, y]).astype(int)
            ),
            f"A pixel of the opposite side is read: index -1 is {opposite}": _by_neighbours(
                wrapped, x + 9, y + 9, low + 9
            ),
            f"Beyond the left and the upper edge a pixel of the opposite side is read: index -1 is "
            f"{opposite}": _by_neighbours(
                np.pad(wrapped_before, after), x + 9, y + 9, low + 9
            ),
            "Beyond the outermost centres all is cut off; it must fade over one pixel.": want
            * ((x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)),
        },
    )
    close(got, want)


@check(hidden=True)
def the_border_repeated(answer: Any, rng: np.random.Generator) -> None:
    """Under border a position beyond the outermost centre is moved to it, x and y each alone."""
    for image in (_image(rng), _image(rng, 1, 5)):
        height, width = image.shape[1:]
        x, y = np.meshgrid(*(_about(rng, n) for n in (width, height)))
        got = answer.bilinear_sample(
            image, _grid(x, y, image, False), "border", False
        )
        want = _sum(image, np.clip(x, 0, width - 1), np.clip(y, 0, height - 1))
        _recognise(
            got,
            want,
            {
                'Under "border" the outermost pixels go on for ever: it must not fade.': _sum(
                    image, x, y
                ),
                "What is clipped is the position in pixels, to 0 … n - 1. The coordinates -1 and 1 "
                "are not the outermost centres unless corners are aligned.": _sum(
                    image,
                    np.clip(x, -0.5, width - 0.5),
                    np.clip(y, -0.5, height - 0.5),
                ),
                "The last pixel is n - 1, and not n.": _sum(
                    image, np.clip(x, 0, width), np.clip(y, 0, height)
                ),
            },
        )
        close(got, want)


@check(hidden=True)
def a_mile_away(answer: Any, rng: np.random.Generator) -> None:
    """Under zeros nothing is read more than one pixel outside, be it two pixels or a million."""
    image = _image(rng)
    height, width = image.shape[1:]
    x, y = np.meshgrid(*(_about(rng, n)[4:] for n in (width, height)))
    got = answer.bilinear_sample(
        image, _grid(x, y, image, False), "zeros", False
    )
    if np.shape(got) == (len(image), *x.shape) and not np.isfinite(got).all():
        raise Wrong("Far off the image the result is not a finite number.")
    close(got, _sum(image, x, y))


@check(hidden=True)
def a_single_row_or_column(answer: Any, rng: np.random.Generator) -> None:
    """Images of one row, column, pixel or channel and grids of one point keep all their axes."""
    for height, width in ((1, 6), (5, 1), (1, 1)):
        for h, w in ((1, 4), (3, 1), (1, 1)):
            image = _image(rng, height, width)[: 1 if h == w else 2]
            grid = rng.uniform(0.1, 0.9, (h, w, 2))
            x, y = (
                _pixel(grid[..., i], n, False)
                for i, n in ((0, width), (1, height))
            )
            close(
                answer.bilinear_sample(image, grid, "zeros", False),
                _sum(image, x, y),
                "The result has the axes (channel, h, w), also where one of them is 1 long, and an "
                "image of one row or one column is read like any other.",
            )


def _image(
    rng: np.random.Generator,
    height: int | None = None,
    width: int | None = None,
) -> np.ndarray:
    """Several channels, all sizes different, no pixel near zero."""
    drawn = (int(one) for one in 4 + rng.permutation(5)[:2])
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


def _grid(
    x: np.ndarray, y: np.ndarray, image: np.ndarray, align_corners: bool
) -> np.ndarray:
    """Normalised points of positions in pixels."""
    height, width = image.shape[1:]
    if align_corners:
        return np.stack(
            [2 * x / (width - 1) - 1, 2 * y / (height - 1) - 1], axis=-1
        )
    return np.stack(
        [(2 * x + 1) / width - 1, (2 * y + 1) / height - 1], axis=-1
    )


def _sum(image: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The definition: a sum over all pixels."""
    along_y, along_x = (
        np.maximum(0, 1 - np.abs(position[..., None] - np.arange(n)))
        for position, n in ((y, image.shape[1]), (x, image.shape[2]))
    )
    return np.einsum("cnm,ijn,ijm->cij", image, along_y, along_x)


def _by_neighbours(
    image: np.ndarray, x: np.ndarray, y: np.ndarray, low: np.ndarray
) -> np.ndarray:
    """Blended from the neighbours `low` and `low + 1`, whichever they are; black outside."""
    (column, row), (right, down) = low, np.array([x, y]) - low
    image = np.pad(image, ((0, 0), (1, 2), (1, 2)))
    upper, lower = (
        (1 - right) * image[:, row + i, column + 1]
        + right * image[:, row + i, column + 2]
        for i in (1, 2)
    )
    return np.asarray((1 - down) * upper + down * lower)


def _around(rng: np.random.Generator, n_pixel: int) -> np.ndarray:
    """Positions within a pixel beyond either end of an axis."""
    beyond = np.append(rng.uniform(0.1, 0.4, 2), rng.uniform(0.6, 0.9, 2))
    return np.concatenate([-beyond, n_pixel - 1 + beyond])[rng.permutation(8)]


def _about(rng: np.random.Generator, n_pixel: int) -> np.ndarray:
    """Positions just outside, inside, two pixels outside and a million away."""
    near, far = _around(rng, n_pixel)[:4], rng.uniform(2e5, 4e5, 2) * [-1, 1]
    off = [-rng.uniform(2, 9), n_pixel + rng.uniform(2, 9)]
    return np.concatenate(
        [near, rng.uniform(0.1, 0.9, 2) * (n_pixel - 1), off, far]
    )


def _interior(
    answer: Any, rng: np.random.Generator, padding: str, align_corners: bool
) -> None:
    image = _image(rng)
    height, width = image.shape[1:]
    x = rng.integers(0, width - 1, (4, 5)) + rng.uniform(0.1, 0.9, (4, 5))
    y = rng.integers(0, height - 1, (4, 5)) + rng.uniform(0.1, 0.9, (4, 5))
    grid = _grid(x, y, image, align_corners)
    got = answer.bilinear_sample(image, grid, padding, align_corners)
    want = _sum(image, x, y)

    def read(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        if padding == "border":
            x, y = np.clip(x, 0, width - 1), np.clip(y, 0, height - 1)
        return _sum(image, x, y)

    other, edges = (
        _pixel(grid[..., 0], width, not align_corners),
        (grid + 1) / 2,
    )
    low = np.floor([x, y]).astype(int)
    away = (
        2 * np.array([x, y]) - 2 * low - 1
    )  # turns the two weights of an axis round
    _recognise(
        got,
        want,
        {
            "x and y are swapped: the last axis of the grid is (x, y), x along the width.": read(
                _pixel(grid[..., 1], width, align_corners),
                _pixel(grid[..., 0], height, align_corners),
            ),
            "This is the other convention: look at align_corners.": read(
                other, _pixel(grid[..., 1], height, not align_corners)
            ),
            "From -1 to 1 it is n pixels from edge to edge, and n - 1 from centre to centre; the "
            "centre of the first pixel is 0, its outer edge -0.5.": read(
                edges[..., 0] * width, edges[..., 1] * height
            ),
            "The two weights of an axis are exchanged: the nearer neighbour weighs more.": _sum(
                image, x - away[0], y - away[1]
            ),
            "The nearest pixel is read; blend the four around the position.": _sum(
                image, np.rint(x), np.rint(y)
            ),
            "Only the pixel below and to the left of the position is read.": _sum(
                image, *low
            ),
            "Every channel must be read by itself; yours are all the same.": np.broadcast_to(
                want[:1], want.shape
            ),
        },
    )
    close(got, want)


def _recognise(
    got: Any, want: np.ndarray, mistakes: dict[str, np.ndarray]
) -> None:
    """Name the mistake if the numbers are those that it leads to, and not the right ones."""
    if np.shape(got) != want.shape or np.allclose(got, want, rtol=1e-9):
        return
    for sentence, value in mistakes.items():
        if np.allclose(got, value, rtol=1e-9):
            raise Wrong(sentence)


LOOP = """        pixel = low + step
        exists = ((pixel >= 0) & (pixel < size)).all(axis=-1)
        weight = np.where(step, share, 1 - share).prod(axis=-1) * exists
"""
INDEX = """        x, y = np.moveaxis(np.clip(pixel, 0, size - 1).astype(int), -1, 0)
        sample += weight * image[:, y, x]
"""
MUTANTS = {
    "x and y swapped": Mutant(
        old="    size = np.array([width, height])\n",
        new="    size = np.array([width, height])\n    grid = grid[..., ::-1]\n",
        falls_by="between_the_pixels",
        says="x and y are swapped",
    ),
    "counted from the outer edge": Mutant(
        old="position = ((grid + 1) * size - 1) / 2",
        new="position = (grid + 1) * size / 2",
        falls_by="between_the_pixels",
        says="its outer edge -0.5",
    ),
    "conventions swapped": Mutant(
        old="if align_corners:",
        new="if not align_corners:",
        falls_by="between_the_pixels",
        says="the other convention",
    ),
    "weights exchanged": Mutant(
        old="np.where(step, share, 1 - share)",
        new="np.where(step, 1 - share, share)",
        falls_by="between_the_pixels",
        says="the nearer neighbour weighs more",
    ),
    "nearest pixel": Mutant(
        old="share = position - low",
        new="share = np.rint(position - low)",
        falls_by="between_the_pixels",
        says="blend the four",
    ),
    "below and to the left": Mutant(
        old="share = position - low",
        new="share = np.zeros(position.shape)",
        falls_by="between_the_pixels",
        says="Only the pixel below",
    ),
    "first channel alone": Mutant(
        old="weight * image[:, y, x]",
        new="weight * image[0, y, x]",
        falls_by="between_the_pixels",
        says="Every channel must be read by itself",
    ),
    "n / 2 for (n - 1) / 2": Mutant(
        old="position = (grid + 1) * (size - 1) / 2",
        new="position = (grid + 1) * size / 2",
        falls_by="between_the_pixels",
        says="n - 1 from centre to centre",
    ),
    "edges always": Mutant(
        old="if align_corners:",
        new="if align_corners is None:",
        falls_by="between_the_pixels",
        says="the other convention",
    ),
    "counted from the middle": Mutant(
        old="position = (grid + 1) * (size - 1) / 2",
        new="position = grid * (size - 1) / 2",
        falls_by="between_the_pixels",
        says="on the outermost centres",
    ),
    "rounded up for the right neighbour": Mutant(
        old='    if padding == "border":\n'
        "        position = np.clip(position, 0, size - 1)\n"
        "    low = np.floor(position)\n"
        "    share = position - low\n"
        "    sample = np.zeros((channel, *grid.shape[:2]))\n"
        "    for step in ((0, 0), (1, 0), (0, 1), (1, 1)):\n" + LOOP,
        new="    low, high = np.floor(position), np.ceil(position)\n"
        "    sample = np.zeros((channel, *grid.shape[:2]))\n"
        "    for step in ((0, 0), (1, 0), (0, 1), (1, 1)):\n"
        "        pixel = np.where(step, high, low)\n"
        "        exists = ((pixel >= 0) & (pixel < size)).all(axis=-1)\n"
        "        weight = np.where(step, position - low, high - position).prod(axis=-1)\n"
        '        weight = weight * (exists | (padding == "border"))\n',
        falls_by="on_the_pixels",
        says="rounded up it is the position itself",
    ),
    "weights from clipped indices": Mutant(
        old=LOOP,
        new="        first, second = np.clip([low, low + 1], 0, size - 1)\n"
        "        pixel = np.where(step, second, first)\n"
        "        weight = np.where(step, position - first, second - position).prod(axis=-1)\n",
        falls_by="on_the_pixels",
        says="computed from clipped indices",
    ),
    "a lone pixel treated as two": Mutant(
        old="(grid + 1) * (size - 1) / 2",
        new="(grid + 1) * np.maximum(size - 1, 1) / 2",
        falls_by="on_the_pixels",
        says="on an axis of one pixel",
    ),
    "int() for floor": Mutant(
        old="low = np.floor(position)",
        new="low = np.trunc(position)",
        falls_by="fading_out",
        says="int() makes 0 of -0.3",
    ),
    "absent pixels wrap round": Mutant(
        old=LOOP + INDEX,
        new="        pixel = low + step\n"
        "        weight = np.where(step, share, 1 - share).prod(axis=-1)\n"
        "        x, y = np.moveaxis((pixel % size).astype(int), -1, 0)\n"
        "        sample += weight * image[:, y, x]\n",
        falls_by="fading_out",
        says="A pixel of the opposite side",
    ),
    "negative indices wrap round": Mutant(
        old="exists = ((pixel >= 0) & (pixel < size)).all(axis=-1)",
        new="exists = (pixel < size).all(axis=-1)\n"
        "        pixel = np.where(pixel < 0, pixel % size, pixel)",
        falls_by="fading_out",
        says="Beyond the left and the upper edge",
    ),
    "weights of absent pixels given to the others": Mutant(
        old=INDEX + "    return sample\n",
        new=INDEX + "        total = weight + (total if any(step) else 0)\n"
        "    return sample / np.where(total > 0, total, 1)\n",
        falls_by="fading_out",
        says="does not exist is black and keeps its weight",
    ),
    "cut off at the outermost centres": Mutant(
        old="exists = ((pixel >= 0) & (pixel < size)).all(axis=-1)",
        new="exists = ((position >= 0) & (position <= size - 1)).all(axis=-1)\n"
        "        exists = exists & (pixel < size).all(axis=-1)",
        falls_by="fading_out",
        says="it must fade over one pixel",
    ),
    "always border": Mutant(
        old='if padding == "border":',
        new="if padding:",
        falls_by="fading_out",
        says='this is "border"',
    ),
    "always zeros": Mutant(
        old='if padding == "border":',
        new="if not padding:",
        falls_by="the_border_repeated",
        says="it must not fade",
    ),
    "coordinates clipped instead of positions": Mutant(
        old="    size = np.array([width, height])\n",
        new="    size = np.array([width, height])\n"
        '    if padding == "border":\n'
        '        grid, padding = np.clip(grid, -1, 1), "zeros"\n',
        falls_by="the_border_repeated",
        says="What is clipped is the position in pixels",
    ),
    "clipped to n": Mutant(
        old="position = np.clip(position, 0, size - 1)",
        new="position = np.clip(position, 0, size)",
        falls_by="the_border_repeated",
        says="and not n",
    ),
    "a frame one pixel wide and no farther": Mutant(
        old=INDEX,
        new="        x, y = np.moveaxis(pixel.astype(int) + 1, -1, 0)\n"
        "        sample += weight * np.pad(image, ((0, 0), (1, 1), (1, 1)))[:, y, x]\n",
        falls_by="a_mile_away",
        says="Your code raised IndexError",
    ),
    "axes of one squeezed": Mutant(
        old="    return sample\n",
        new="    return np.squeeze(sample)\n",
        falls_by="a_single_row_or_column",
        says="must have shape",
    ),
    "writes into the grid": Mutant(
        old="    low = np.floor(position)\n",
        new="    grid += 1\n    low = np.floor(position)\n",
        falls_by="between_the_pixels",
        says="writes into one of its inputs",
    ),
}
