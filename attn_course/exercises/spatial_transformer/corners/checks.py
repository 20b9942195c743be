"""Checks of the two conventions, against positions computed from where the two marks lie."""

from typing import Any

import numpy as np

from attn_course.exercises.checking import Mutant, Wrong, check, close

INEXACT = (0.3, 0.7, 1 / 3)  # scales that binary fractions do not hold


@check()
def the_posts_crop_with_corners(answer: Any, rng: np.random.Generator) -> None:
    """Scale 0.4 and shift -0.1 on ten pixels, five samples, corners aligned: 2.25 and 5.85."""
    close(
        _pair(answer.ends(0.4, -0.1, 10, 5, True)),
        np.array([2.25, 5.85]),
        "With aligned corners the crop 0.4, -0.1 of ten pixels runs from -0.5 to 0.3 in normalised "
        "coordinates, and those are the positions 0.5 * 4.5 = 2.25 and 1.3 * 4.5 = 5.85.",
    )


@check()
def the_posts_slice_without_corners(
    answer: Any, rng: np.random.Generator
) -> None:
    """Without aligned corners the slice 2:7 of ten pixels has half the image's length."""
    close(
        _pair(answer.crop_of_slice(2, 7, 10, False)),
        np.array([0.5, -0.1]),
        "Without aligned corners the slice 2:7 covers five of ten pixels, edge to edge: its scale "
        "is 0.5, and its middle is 0.5 pixels left of the image's, a shift of -0.1.",
    )


@check()
def the_posts_miss_without_corners(
    answer: Any, rng: np.random.Generator
) -> None:
    """Without aligned corners the crop 0.4, -0.1 starts 0.4 pixels late and ends 0.4 early."""
    close(
        _pair(answer.miss(0.4, -0.1, 2, 7, 10, False)), np.array([0.4, -0.4])
    )


@check()
def the_middle_does_not_move(answer: Any, rng: np.random.Generator) -> None:
    """The coordinate 0 is the middle of the image under both conventions: no gap there."""
    for n_pixel in (4, 9):
        close(answer.gap(0.0, n_pixel), 0.0)


@check(hidden=True)
def ends_with_corners(answer: Any, rng: np.random.Generator) -> None:
    """With aligned corners the first sample reads shift - scale and the last shift + scale, where
    -1 and 1 are the positions 0 and n_pixel - 1."""
    for _ in range(3):
        crop, n_pixel, n_sample = _crop(rng)
        _compare(
            answer.ends(*crop, n_pixel, n_sample, True),
            crop,
            n_pixel,
            n_sample,
            True,
        )


@check(hidden=True)
def ends_without_corners(answer: Any, rng: np.random.Generator) -> None:
    """Without aligned corners the outermost samples lie half an output pixel inside -1 and 1, and
    those are the positions -0.5 and n_pixel - 0.5."""
    for _ in range(3):
        crop, n_pixel, n_sample = _crop(rng)
        _compare(
            answer.ends(*crop, n_pixel, n_sample, False),
            crop,
            n_pixel,
            n_sample,
            False,
        )


@check(hidden=True)
def a_lone_sample(answer: Any, rng: np.random.Generator) -> None:
    """A lone sample lies in the middle of the output, at 0, and is first and last in one."""
    crop, n_pixel, _ = _crop(rng)
    for align_corners in (True, False):
        close(
            _pair(answer.ends(*crop, n_pixel, 1, align_corners)),
            np.full(2, _position(crop[1], n_pixel, align_corners)),
            "A lone sample lies at 0 in the output under either convention: it reads the image at "
            "`shift`, and first and last are the same.",
        )


@check(hidden=True)
def a_lone_pixel(answer: Any, rng: np.random.Generator) -> None:
    """On an image of one pixel aligned corners leave the position 0 alone; without them -1 and 1
    are that pixel's edges, -0.5 and 0.5."""
    crop, _, n_sample = _crop(rng)
    close(
        _pair(answer.ends(*crop, 1, n_sample, True)),
        np.zeros(2),
        "With aligned corners -1 and 1 are both the centre of the only pixel: every sample reads "
        "position 0.",
    )
    close(
        _pair(answer.ends(*crop, 1, 1, False)),
        np.full(2, crop[1] / 2),
        "Without aligned corners -1 and 1 are the edges of the only pixel, at -0.5 and 0.5: the "
        "coordinate u is the position u / 2.",
    )


@check(hidden=True)
def slices_with_corners(answer: Any, rng: np.random.Generator) -> None:
    """With aligned corners lengths are counted from centre to centre: a slice of k pixels is k - 1
    long, on an image that is n_pixel - 1 long."""
    _slices(answer, rng, True)


@check(hidden=True)
def slices_without_corners(answer: Any, rng: np.random.Generator) -> None:
    """Without aligned corners lengths are counted from edge to edge: a slice of k pixels is k
    long, on an image that is n_pixel long."""
    _slices(answer, rng, False)


@check(hidden=True)
def misses_have_a_sign(answer: Any, rng: np.random.Generator) -> None:
    """A miss is the position that is read less the pixel that should have been, at either end."""
    for align_corners in (True, False):
        crop, n_pixel, _ = _crop(rng)
        start, stop = _slice(rng, n_pixel)
        got = _pair(answer.miss(*crop, start, stop, n_pixel, align_corners))
        wanted = np.array([start, stop - 1])
        right = _ends(*crop, n_pixel, stop - start, align_corners) - wanted
        if np.allclose(got, right, rtol=1e-9):
            continue
        # Whoever has the ends wrong is told so elsewhere, and pays once.
        own = _pair(answer.ends(*crop, n_pixel, stop - start, align_corners))
        _recognise(
            got,
            own - wanted,
            {
                "The sign is the other way: a sample to the right of its pixel has missed it by a "
                "positive number.": wanted - own,
                "The last pixel of the slice start:stop is stop - 1.": own
                - np.array([start, stop]),
                "The crop has as many samples as the slice has pixels, stop - start.": _ends(
                    *crop, n_pixel, n_pixel, align_corners
                )
                - wanted,
            },
        )
        close(got, own - wanted)


@check(hidden=True)
def one_coordinate_two_positions(
    answer: Any, rng: np.random.Generator
) -> None:
    """The gap grows with the distance from the middle of the image, and only with that."""
    for sign in (-1, 1):
        coordinate = sign * rng.uniform(0.2, 0.9)
        n_pixel = int(rng.integers(5, 60))
        want = coordinate / 2
        _recognise(
            answer.gap(coordinate, n_pixel),
            want,
            {
                "The sign is the other way: take the position with aligned corners off the one "
                "without them.": -want,
                "To the left of the middle the gap is negative.": abs(want),
                "The gap is asked for in pixels; in pixels it does not depend on how many there "
                "are.": want * 2 / n_pixel,
                "Half a pixel is the gap at the edge of the image; in the middle there is "
                "none.": 0.5 * sign,
            },
        )
        close(answer.gap(coordinate, n_pixel), want)


@check(hidden=True)
def where_they_agree(answer: Any, rng: np.random.Generator) -> None:
    """Without a shift the conventions agree in three cases: as many samples as pixels, a lone
    sample, and a crop of no length."""
    n_pixel, n_sample = (int(one) for one in 2 + rng.permutation(12)[:2])
    scale = rng.uniform(0.2, 2)
    alike = (
        "With as many samples as pixels and no shift both conventions read the same, whatever the "
        "scale: output and image are laid out alike."
    )
    rounded = (
        "With as many samples as pixels and no shift both conventions read the same positions. "
        "Computed in floats these may differ in the last digits, which must not decide."
    )
    mirrored = "A crop with a negative scale is mirrored; where it agrees does not change by that."
    lone = "A lone sample without a shift reads the middle of the image under both conventions."
    for crop, said in (
        ((0.5, 0.0, 8, 8), alike),  # all of it is exact in binary
        *(
            ((one, 0.0, n, n), rounded)
            for one in INEXACT
            for n in range(2, 13)
        ),
        ((-0.5, 0.0, 6, 6), mirrored),
        ((scale, 0.0, n_pixel, n_pixel), alike),
        ((scale, 0.0, n_pixel, 1), lone),
        ((0.5, 0.0, 1, 1), lone),
        (
            (0.0, 0.0, n_pixel, n_sample),
            "With scale 0 and no shift all samples read the middle of the image, and the middle is "
            "the same point under both conventions.",
        ),
    ):
        if _truth(answer.agree(*crop)) is not True:
            raise Wrong(said)


@check(hidden=True)
def and_nowhere_else(answer: Any, rng: np.random.Generator) -> None:
    """The conventions disagree wherever there is a shift, and mostly without one."""
    n_pixel, n_sample = (int(one) for one in 2 + rng.permutation(12)[:2])
    scale = rng.uniform(0.2, 2)
    shift = rng.choice([-1, 1]) * rng.uniform(0.1, 0.9)
    sizes = (
        "Without a shift the middle agrees and the ends do not, unless there are as many samples "
        "as pixels."
    )
    one_pixel = (
        "On an image of one pixel aligned corners read that pixel's centre whatever the crop, and "
        "without them a crop still has a length and a place."
    )
    one_end = "One end of a crop may agree while the other does not; every sample has to."
    for crop, said in (
        (
            (scale, shift, n_pixel, n_pixel),
            "A shift t moves the middle of the crop by t / 2 pixels from one convention to the "
            "other, also where there are as many samples as pixels.",
        ),
        (
            (0.0, shift, n_pixel, n_sample),
            "With a shift even a crop of no length reads another position.",
        ),
        (
            (0.5, 0.2, 5, 1),  # 2.4 and 2.5
            "With a shift even a lone sample reads another position.",
        ),
        ((0.5, 0.0, 8, 4), sizes),  # 7/4 and 2
        ((0.5, 0.0, 4, 8), sizes),  # 3/4 and 5/8
        ((-0.5, 0.0, 8, 4), sizes),
        ((scale, 0.0, n_pixel, n_sample), sizes),
        ((0.5, 0.25, 1, 3), one_pixel),  # 0 and -1/24; 0 and 7/24
        ((0.5, 0.0, 1, 3), one_pixel),  # 0 and -1/6; 0 and 1/6
        ((0.5, 0.25, 1, 1), one_pixel),  # 0 and 1/8
        ((0.5, 0.25, 4, 8), one_end),  # 9/8 twice; 21/8 and 23/8
        ((0.5, -0.25, 4, 8), one_end),  # 3/8 and 1/8; 15/8 twice
    ):
        if _truth(answer.agree(*crop)) is not False:
            raise Wrong(said)


def _position(coordinate: float, n_pixel: int, align_corners: bool) -> float:
    """A line through the two marks: the positions of -1 and of 1."""
    marks = (0.0, n_pixel - 1.0) if align_corners else (-0.5, n_pixel - 0.5)
    return marks[0] + (coordinate + 1) / 2 * (marks[1] - marks[0])


def _ends(
    scale: float,
    shift: float,
    n_pixel: int,
    n_sample: int,
    align_corners: bool,
) -> np.ndarray:
    """First and last position; the output is laid out as the image is."""
    if align_corners:
        output = np.linspace(-1, 1, n_sample) if n_sample > 1 else np.zeros(1)
    else:
        edges = np.linspace(-1, 1, n_sample + 1)
        output = (edges[1:] + edges[:-1]) / 2
    return np.array(
        [
            _position(scale * v + shift, n_pixel, align_corners)
            for v in output[[0, -1]]
        ]
    )


def _crop(rng: np.random.Generator) -> tuple[tuple[float, float], int, int]:
    """Scale and shift, pixels and samples; never as many samples as pixels."""
    n_pixel, n_sample = (int(one) for one in 3 + rng.permutation(12)[:2])
    return (rng.uniform(0.2, 0.7), -rng.uniform(0.1, 0.4)), n_pixel, n_sample


def _slice(rng: np.random.Generator, n_pixel: int) -> tuple[int, int]:
    """Start and stop, two pixels apart or more, and never the whole image."""
    length = int(rng.integers(2, n_pixel))
    start = int(rng.integers(0, n_pixel - length + 1))
    return start, start + length


def _slices(
    answer: Any, rng: np.random.Generator, align_corners: bool
) -> None:
    for _ in range(4):
        n_pixel = int(rng.integers(5, 20))
        start, stop = _slice(rng, n_pixel)
        wanted = {
            True: np.array(
                [stop - 1 - start, stop - 1 + start - (n_pixel - 1)]
            )
            / (n_pixel - 1),
            False: np.array([stop - start, stop + start - n_pixel]) / n_pixel,
        }
        got = _pair(answer.crop_of_slice(start, stop, n_pixel, align_corners))
        right = wanted[align_corners]
        pixels = n_pixel - 1 if align_corners else n_pixel
        _recognise(
            got,
            right,
            {
                "This is the crop of the other convention.": wanted[
                    not align_corners
                ],
                "Scale comes first, then shift.": right[::-1],
                "The image is 2 long in normalised coordinates, and the crop 2 * scale: a slice of "
                "half the image has the scale 0.5.": right * [2, 1],
                "Stop is the first pixel that is not read.": np.array(
                    [stop - start, stop + start - pixels]
                )
                / pixels,
            },
        )
        close(got, right)


def _compare(
    got: Any,
    crop: tuple[float, float],
    n_pixel: int,
    n_sample: int,
    align_corners: bool,
) -> None:
    got, want = _pair(got), _ends(*crop, n_pixel, n_sample, align_corners)
    scale, shift = crop
    at_marks = [
        _position(shift + end * scale, n_pixel, align_corners)
        for end in (-1, 1)
    ]
    inside = [
        _position(
            shift + end * scale * (1 - 1 / n_sample), n_pixel, align_corners
        )
        for end in (-1, 1)
    ]
    _recognise(
        got,
        want,
        {
            "The two conventions are swapped.": _ends(
                scale, shift, n_pixel, n_sample, not align_corners
            ),
            "The first sample comes first.": want[::-1],
            "These are the crop's edges: the outermost samples lie half an output pixel inside "
            "them.": at_marks,
            "The outermost samples lie half an output pixel too far inside: with aligned corners "
            "they are at -1 and 1.": inside,
            "The shift is the middle of the crop and not its beginning.": want
            + scale * (n_pixel - 1 if align_corners else n_pixel) / 2,
            "Positions are counted from the centre of the first pixel, which is 0; its outer edge "
            "is -0.5.": want + 0.5,
            "With aligned corners the distance from -1 to 1 is n_pixel - 1 pixels.": (
                want
            )
            * n_pixel
            / (n_pixel - 1),
        },
    )
    close(got, want)


def _pair(got: Any) -> np.ndarray:
    """Two numbers."""
    if not isinstance(got, tuple | list | np.ndarray) or len(got) != 2:
        raise Wrong("The function must return a pair of numbers.")
    return np.array([float(one) for one in got])


def _truth(got: Any) -> bool:
    if not isinstance(got, bool | np.bool_):
        raise Wrong("agree must return True or False.")
    return bool(got)


def _recognise(got: Any, want: Any, mistakes: dict[str, Any]) -> None:
    """Name the mistake if the numbers are those that it leads to, and not the right ones."""
    if np.shape(got) != np.shape(want) or np.allclose(got, want, rtol=1e-9):
        return
    for sentence, value in mistakes.items():
        if np.allclose(got, value, rtol=1e-9):
            raise Wrong(sentence)


MUTANTS = {
    "samples inside the marks although corners are aligned": Mutant(
        old="outermost = 1.0 if align_corners else 1 - 1 / n_sample",
        new="outermost = 1 - 1 / n_sample",
        falls_by="ends_with_corners",
        says="with aligned corners they are at -1 and 1",
    ),
    "n pixels from -1 to 1 although corners are aligned": Mutant(
        old="(first + 1) * (n_pixel - 1) / 2, (last + 1) * (n_pixel - 1) / 2",
        new="(first + 1) * n_pixel / 2, (last + 1) * n_pixel / 2",
        falls_by="ends_with_corners",
        says="the distance from -1 to 1 is n_pixel - 1 pixels",
    ),
    "samples at the crop's edges": Mutant(
        old="outermost = 1.0 if align_corners else 1 - 1 / n_sample",
        new="outermost = 1.0",
        falls_by="ends_without_corners",
        says="half an output pixel inside",
    ),
    "counted from the outer edge": Mutant(
        old="((first + 1) * n_pixel - 1) / 2, ((last + 1) * n_pixel - 1) / 2",
        new="(first + 1) * n_pixel / 2, (last + 1) * n_pixel / 2",
        falls_by="ends_without_corners",
        says="its outer edge is -0.5",
    ),
    "conventions swapped": Mutant(
        old="outermost = 1.0 if",
        new="align_corners = not align_corners\n    outermost = 1.0 if",
        falls_by="ends_without_corners",
        says="conventions are swapped",
    ),
    "shift is where the crop begins": Mutant(
        old="first, last = shift - scale * outermost, shift + scale * outermost",
        new="first, last = shift + scale * (1 - outermost), shift + scale * (1 + outermost)",
        falls_by="ends_with_corners",
        says="not its beginning",
    ),
    "last before first": Mutant(
        old="first, last = shift - scale * outermost, shift + scale * outermost",
        new="last, first = shift - scale * outermost, shift + scale * outermost",
        falls_by="ends_with_corners",
        says="The first sample comes first",
    ),
    "a lone sample at the first mark": Mutant(
        old="    if n_sample == 1:\n        outermost = 0.0\n",
        new="",
        falls_by="a_lone_sample",
        says="lies at 0 in the output",
    ),
    "a lone pixel treated as two": Mutant(
        old="(first + 1) * (n_pixel - 1) / 2, (last + 1) * (n_pixel - 1) / 2",
        new="(first + 1) * max(n_pixel - 1, 1) / 2, (last + 1) * max(n_pixel - 1, 1) / 2",
        falls_by="a_lone_pixel",
        says="every sample reads position 0",
    ),
    "edge to edge for both": Mutant(
        old="    if align_corners:\n        distance",
        new="    if align_corners is None:\n        distance",
        falls_by="slices_with_corners",
        says="of the other convention",
    ),
    "stop is read": Mutant(
        old="return (stop - 1 - start) / distance, (stop - 1 + start) / distance - 1",
        new="return (stop - start) / distance, (stop + start) / distance - 1",
        falls_by="slices_with_corners",
        says="Stop is the first pixel that is not read",
    ),
    "centre to centre for both": Mutant(
        old="return (stop - start) / n_pixel, (stop + start) / n_pixel - 1",
        new="return (stop - 1 - start) / (n_pixel - 1), (stop - 1 + start) / (n_pixel - 1) - 1",
        falls_by="slices_without_corners",
        says="of the other convention",
    ),
    "scale as a length": Mutant(
        old="return (stop - start) / n_pixel,",
        new="return 2 * (stop - start) / n_pixel,",
        falls_by="slices_without_corners",
        says="has the scale 0.5",
    ),
    "shift before scale": Mutant(
        old="return (stop - start) / n_pixel, (stop + start) / n_pixel - 1",
        new="return (stop + start) / n_pixel - 1, (stop - start) / n_pixel",
        falls_by="slices_without_corners",
        says="Scale comes first",
    ),
    "missed the other way": Mutant(
        old="return first - start, last - (stop - 1)",
        new="return start - first, (stop - 1) - last",
        falls_by="misses_have_a_sign",
        says="sign is the other way",
    ),
    "stop is the last pixel": Mutant(
        old="last - (stop - 1)",
        new="last - stop",
        falls_by="misses_have_a_sign",
        says="is stop - 1",
    ),
    "as many samples as pixels": Mutant(
        old="n_pixel, stop - start, align_corners)",
        new="n_pixel, n_pixel, align_corners)",
        falls_by="misses_have_a_sign",
        says="as the slice has pixels",
    ),
    "gap the other way": Mutant(
        old="return coordinate / 2",
        new="return -coordinate / 2",
        falls_by="one_coordinate_two_positions",
        says="sign is the other way",
    ),
    "gap in normalised units": Mutant(
        old="return coordinate / 2",
        new="return coordinate / n_pixel",
        falls_by="one_coordinate_two_positions",
        says="it does not depend on how many",
    ),
    "half a pixel everywhere": Mutant(
        old="return coordinate / 2",
        new="return 0.5 if coordinate > 0 else -0.5",
        falls_by="one_coordinate_two_positions",
        says="the gap at the edge",
    ),
    "the identity alone": Mutant(
        old="return shift == 0 and same_length",
        new="return shift == 0 and scale == 1 and n_sample == n_pixel",
        falls_by="where_they_agree",
        says="whatever the scale",
    ),
    "a lone sample forgotten": Mutant(
        old="n_sample == n_pixel or n_sample == 1 or scale == 0",
        new="n_sample == n_pixel or scale == 0",
        falls_by="where_they_agree",
        says="A lone sample",
    ),
    "scale 0 forgotten": Mutant(
        old="n_sample == n_pixel or n_sample == 1 or scale == 0",
        new="n_sample == n_pixel or n_sample == 1",
        falls_by="where_they_agree",
        says="With scale 0",
    ),
    "no shift is enough": Mutant(
        old="return shift == 0 and same_length",
        new="return shift == 0",
        falls_by="and_nowhere_else",
        says="the ends do not",
    ),
    "shift does not matter": Mutant(
        old="return shift == 0 and same_length",
        new="return same_length",
        falls_by="and_nowhere_else",
        says="moves the middle of the crop",
    ),
    "equal only for a scale above 0": Mutant(
        old="n_sample == n_pixel or n_sample == 1 or scale == 0",
        new="n_sample == n_pixel and scale > 0 or n_sample == 1 or scale == 0",
        falls_by="where_they_agree",
        says="is mirrored",
    ),
    "rounded positions compared with ==": Mutant(
        old="return shift == 0 and same_length",
        new="one, other = (\n        ends(scale, shift, n_pixel, n_sample, k) for k in (True, False)\n    )\n    return one == other",
        falls_by="where_they_agree",
        says="differ in the last digits",
    ),
    "a lone sample whatever the shift": Mutant(
        old="return shift == 0 and same_length",
        new="return n_sample == 1 or shift == 0 and same_length",
        falls_by="and_nowhere_else",
        says="even a lone sample",
    ),
    "a crop of no length whatever the shift": Mutant(
        old="return shift == 0 and same_length",
        new="return scale == 0 or shift == 0 and same_length",
        falls_by="and_nowhere_else",
        says="even a crop of no length",
    ),
    "a lone pixel whatever the shift": Mutant(
        old="return shift == 0 and same_length",
        new="return shift == 0 and same_length or n_pixel == 1",
        falls_by="and_nowhere_else",
        says="On an image of one pixel",
    ),
    "a lone pixel without a shift": Mutant(
        old="return shift == 0 and same_length",
        new="return shift == 0 and (same_length or n_pixel == 1)",
        falls_by="and_nowhere_else",
        says="On an image of one pixel",
    ),
    "the first sample alone compared": Mutant(
        old="return shift == 0 and same_length",
        new="one, other = (\n        ends(scale, shift, n_pixel, n_sample, k)[0] for k in (True, False)\n    )\n    return abs(one - other) < 1e-9",
        falls_by="and_nowhere_else",
        says="One end of a crop",
    ),
    "the last sample alone compared": Mutant(
        old="return shift == 0 and same_length",
        new="one, other = (\n        ends(scale, shift, n_pixel, n_sample, k)[1] for k in (True, False)\n    )\n    return abs(one - other) < 1e-9",
        falls_by="and_nowhere_else",
        says="One end of a crop",
    ),
    "no more samples than pixels": Mutant(
        old="n_sample == n_pixel or n_sample == 1 or scale == 0",
        new="n_sample <= n_pixel or scale == 0",
        falls_by="and_nowhere_else",
        says="the ends do not",
    ),
    "no fewer samples than pixels": Mutant(
        old="n_sample == n_pixel or n_sample == 1 or scale == 0",
        new="n_sample >= n_pixel or n_sample == 1 or scale == 0",
        falls_by="and_nowhere_else",
        says="the ends do not",
    ),
    "any scale that is not above 0": Mutant(
        old="n_sample == n_pixel or n_sample == 1 or scale == 0",
        new="n_sample == n_pixel or n_sample == 1 or scale <= 0",
        falls_by="and_nowhere_else",
        says="the ends do not",
    ),
}
