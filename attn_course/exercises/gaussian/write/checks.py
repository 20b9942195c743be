"""Checks of the exercise: reading and writing through a grid of Gaussians."""

from typing import Any

import numpy as np

from attn_course._typing import Array
from attn_course.exercises.checking import Mutant, Wrong, check, close
from attn_course.gaussian.reference import (
    filterbank,
    gaussian_glimpse,
    gaussian_write,
)


def window(
    rng: np.random.Generator, size: tuple[int, int], grid: tuple[int, int]
) -> tuple[Array, Array, Array]:
    """A random window inside an image of `size`, all of its six numbers different."""
    pixels, filters = np.array(size)[::-1], np.array(grid)[::-1]
    stride = rng.uniform(0.5, 0.8, 2) * pixels / filters * [1, 0.8]
    mean = rng.uniform(0.5, 2, 2) + [0, 0.7]
    std = rng.uniform(0.6, 0.9, 2) * [1, 1.8]
    return mean, std, stride


@check(points=1)
def read_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """Very narrow filters on whole pixels crop: rows 1 and 3, columns 0, 2 and 4 were expected."""
    image = np.arange(24.0).reshape(1, 4, 6)
    pairs = np.array([0.0, 1.0]), np.full(2, 0.05), np.array([2.0, 2.0])
    close(
        answer.glimpse(image, *pairs, (2, 3)),
        [[[6, 8, 10], [18, 20, 22]]],
        "The image 0, 1, …, 23 in four rows of six, read by very narrow filters from x = 0 and "
        "y = 1 on at a stride of 2, gives 6, 8, 10 and 18, 20, 22. Pairs are in the order (x, y).",
        rtol=1e-6,
    )


@check(points=1)
def write_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """A patch of 1 × 2 pixels, the 8 and the 4, was to be painted with filters worked out by hand.

    The only row of the grid lies on row 1 of the canvas; its columns lie midway between the pixels
    0 and 1, and on pixel 3.
    """
    patch = np.array([[[8.0, 4.0]]])
    pairs = np.array([0.5, 1.0]), np.full(2, 0.05), np.array([2.5, 1.0])
    close(
        answer.write(patch, *pairs, (3, 4)),
        [[[0, 0, 0, 0], [4, 4, 0, 4], [0, 0, 0, 0]]],
        "A filter midway between the pixels 0 and 1 spreads its 8 as 4 and 4; one that lies on "
        "pixel 3 puts its whole 4 there; all of it in row 1 of a canvas of 3 × 4.",
        rtol=1e-6,
        atol=1e-9,
    )


@check(points=1)
def reading_and_writing_are_adjoint(
    answer: Any, rng: np.random.Generator
) -> None:
    """The sum of glimpse(image) · patch must equal the sum of image · write(patch)."""
    size, grid = (7, 11), (4, 3)
    image, patch = rng.normal(size=(1, *size)), rng.normal(size=(1, *grid))
    pairs = window(rng, size, grid)
    read = answer.glimpse(image, *pairs, grid)
    written = answer.write(patch, *pairs, size)
    if np.shape(read) != patch.shape or np.shape(written) != image.shape:
        raise Wrong(
            f"From an image of {image.shape} a glimpse of {patch.shape} was expected, got "
            f"{np.shape(read)}, and from that a canvas like the image, got {np.shape(written)}."
        )
    close(
        (image * written).sum(),
        (read * patch).sum(),
        "The sum of glimpse(image) · patch and the sum of image · write(patch) differ: the write "
        "is not the transpose of your read.",
    )


@check(points=1)
def mass_is_kept(answer: Any, rng: np.random.Generator) -> None:
    """A canvas holds in all as much as the patch painted on it, off the edge too."""
    patch = rng.random((1, 3, 2)) + 0.5
    for mean in ([2.0, 3.0], [-40.0, 5.0], [4.0, 90.0]):
        canvas = answer.write(
            patch,
            np.array(mean),
            np.array([0.8, 1.1]),
            np.array([1.4, 1.7]),
            (9, 8),
        )
        close(
            np.sum(canvas),
            patch.sum(),
            "The canvas does not hold in all what the patch held. Each row of a filterbank sums to "
            "one: painted along its rows, nothing is lost.",
        )


@check(points=2, hidden=True)
def read_of_any_window(answer: Any, rng: np.random.Generator) -> None:
    """The glimpse of a random image, not square and of one channel, is not the right one."""
    for _ in range(3):
        size = (int(rng.integers(8, 12)), int(rng.integers(13, 17)))
        grid = (3, 5)
        image = rng.random((1, *size))
        mean, std, stride = window(rng, size, grid)
        got = answer.glimpse(image, mean, std, stride, grid)
        want = gaussian_glimpse(image, mean, std, stride, grid)
        recognise(got, gaussian_glimpse, image, mean, std, stride, grid)
        close(
            got,
            want,
            "The glimpse of a random image is not A_y I A_x^T.",
            rtol=1e-7,
        )


@check(points=2, hidden=True)
def write_of_any_window(answer: Any, rng: np.random.Generator) -> None:
    """The canvas of a random patch, not square and of one channel, is not the right one."""
    for _ in range(3):
        size = (int(rng.integers(8, 12)), int(rng.integers(13, 17)))
        grid = (3, 5)
        patch = rng.random((1, *grid))
        mean, std, stride = window(rng, size, grid)
        got = answer.write(patch, mean, std, stride, size)
        want = gaussian_write(patch, mean, std, stride, size)
        recognise(got, gaussian_write, patch, mean, std, stride, size)
        if np.shape(got) == want.shape:
            bank_y = filterbank(mean[1], std[1], stride[1], grid[0], size[0])
            bank_x = filterbank(mean[0], std[0], stride[0], grid[1], size[1])
            back_y, back_x = np.linalg.pinv(bank_y), np.linalg.pinv(bank_x)
            if np.allclose(got, back_y @ patch @ back_x.T):
                raise Wrong(
                    "You paint with the pseudo-inverse, which undoes the read as well as can be. "
                    "The write is the transpose and undoes nothing."
                )
            even_y = bank_y / bank_y.sum(axis=0)
            even_x = bank_x / bank_x.sum(axis=0)
            if np.allclose(got, even_y.T @ patch @ even_x):
                raise Wrong(
                    "You normalise the transposed filters anew. They are used as they are: it is "
                    "the weights of a patch pixel that sum to one, not those of a canvas pixel."
                )
        close(
            got,
            want,
            "The canvas of a random patch is not A_y^T w A_x.",
            rtol=1e-7,
        )


@check(points=1, hidden=True)
def every_channel_is_read(answer: Any, rng: np.random.Generator) -> None:
    """Each channel of an image must be read by itself, all of them through the same grid."""
    image = rng.random((3, 9, 9))
    mean, std, stride = np.full(2, 1.2), np.full(2, 0.8), np.full(2, 1.6)
    got = answer.glimpse(image, mean, std, stride, (4, 4))
    want = gaussian_glimpse(image, mean, std, stride, (4, 4))
    close(got, want, channel_fault(got, want), rtol=1e-7)


@check(points=1, hidden=True)
def every_channel_is_painted(answer: Any, rng: np.random.Generator) -> None:
    """Each channel of a patch must be painted by itself, all of them through the same grid."""
    patch = rng.random((3, 4, 4))
    mean, std, stride = np.full(2, 1.2), np.full(2, 0.8), np.full(2, 1.6)
    got = answer.write(patch, mean, std, stride, (9, 9))
    want = gaussian_write(patch, mean, std, stride, (9, 9))
    close(got, want, channel_fault(got, want), rtol=1e-7)


def channel_fault(got: Any, want: Array) -> str:
    """A sentence on channels that were taken for one another."""
    if np.shape(got) == want.shape:
        if np.allclose(got, want[:1]):
            return "Every channel of your result is the first one's."
        if np.allclose(got, want.sum(axis=0)) or np.allclose(
            got, want.mean(axis=0)
        ):
            return "Your result mixes the channels: the result of each depends on that one alone."
    return (
        "Each channel is treated by itself, all of them through the same grid."
    )


def recognise(got: Any, function: Any, *window: Any) -> None:
    """Raise Wrong if the result is the one of a window with two things exchanged."""
    image, mean, std, stride, size = window
    swapped = function(image, mean[::-1], std[::-1], stride[::-1], size)
    exchanged = function(image, mean, stride, std, size)
    if np.shape(got) == swapped.shape:
        if np.allclose(got, swapped):
            raise Wrong(
                "You have exchanged x and y: pairs are (x, y), sizes (height, width)."
            )
        if np.allclose(got, exchanged):
            raise Wrong("You have exchanged std and stride.")
        if not np.any(got):
            raise Wrong("Your result is zero everywhere.")


MUTANTS = {
    "x and y exchanged in the read": Mutant(
        old="""    read_y = filterbank(mean[1], std[1], stride[1], size[0], height)
    read_x = filterbank(mean[0], std[0], stride[0], size[1], width)""",
        new="""    read_y = filterbank(mean[0], std[0], stride[0], size[0], height)
    read_x = filterbank(mean[1], std[1], stride[1], size[1], width)""",
        falls_by="read_of_any_window",
        says="exchanged x and y",
    ),
    "x and y exchanged in the write": Mutant(
        old="""    write_y = filterbank(mean[1], std[1], stride[1], h, size[0])
    write_x = filterbank(mean[0], std[0], stride[0], w, size[1])""",
        new="""    write_y = filterbank(mean[0], std[0], stride[0], h, size[0])
    write_x = filterbank(mean[1], std[1], stride[1], w, size[1])""",
        falls_by="write_of_any_window",
        says="exchanged x and y",
    ),
    "std and stride exchanged in the read": Mutant(
        old="    height, width = image.shape[1:]",
        new="    height, width = image.shape[1:]\n    std, stride = stride, std",
        falls_by="read_of_any_window",
        says="exchanged std and stride",
    ),
    "std and stride exchanged in the write": Mutant(
        old="    h, w = patch.shape[1:]",
        new="    h, w = patch.shape[1:]\n    std, stride = stride, std",
        falls_by="write_of_any_window",
        says="exchanged std and stride",
    ),
    "size of the glimpse turned over": Mutant(
        old="""stride[1], size[0], height)
    read_x = filterbank(mean[0], std[0], stride[0], size[1], width)""",
        new="""stride[1], size[1], height)
    read_x = filterbank(mean[0], std[0], stride[0], size[0], width)""",
        falls_by="read_of_any_window",
        says="must have shape",
    ),
    "read multiplied by filters that lie on their side": Mutant(
        old="read_y @ channel @ read_x.T for channel in image",
        new="read_y.T @ channel @ read_x for channel in image",
        falls_by="read_of_any_window",
        says="raised ValueError",
    ),
    "write that forgets to transpose": Mutant(
        old="write_y.T @ layer @ write_x for layer in patch",
        new="write_y @ layer @ write_x.T for layer in patch",
        falls_by="write_of_any_window",
        says="raised ValueError",
    ),
    "pseudo-inverse in the place of the transpose": Mutant(
        old="write_y.T @ layer @ write_x for layer in patch",
        new="np.linalg.pinv(write_y) @ layer @ np.linalg.pinv(write_x).T for layer in patch",
        falls_by="write_of_any_window",
        says="pseudo-inverse",
    ),
    "transposed filters normalised anew": Mutant(
        old="    return np.stack([write_y.T @",
        new="    write_y, write_x = write_y / write_y.sum(axis=0), write_x / write_x.sum(axis=0)\n"
        "    return np.stack([write_y.T @",
        falls_by="write_of_any_window",
        says="normalise the transposed filters anew",
    ),
    "an empty canvas": Mutant(
        old="write_y.T @ layer @ write_x for layer in patch",
        new="np.zeros(size) for layer in patch",
        falls_by="write_of_any_window",
        says="zero everywhere",
    ),
    "grey images only, in the read": Mutant(
        old="read_x.T for channel in image",
        new="read_x.T for channel in image[:1]",
        falls_by="every_channel_is_read",
        says="must have shape",
    ),
    "the mean over channels": Mutant(
        old="read_y @ channel @ read_x.T for channel in image",
        new="read_y @ image.mean(axis=0) @ read_x.T for channel in image",
        falls_by="every_channel_is_read",
        says="mixes the channels",
    ),
    "the first channel painted for all": Mutant(
        old="write_y.T @ layer @ write_x for layer in patch",
        new="write_y.T @ patch[0] @ write_x for layer in patch",
        falls_by="every_channel_is_painted",
        says="first one's",
    ),
    "the image scaled in place": Mutant(
        old="    height, width = image.shape[1:]",
        new="    height, width = image.shape[1:]\n    image *= 1.0",
        falls_by="read_of_any_window",
        says="writes into one of its inputs",
    ),
}
