"""Read the two conventions as two rulers, in fractions, and compare what they say."""

from fractions import Fraction

MARKS = {True: Fraction(0), False: Fraction(1, 2)}  # how far -1 lies outside the first centre


def pixels(coordinate: Fraction, n_pixel: int, align_corners: bool) -> Fraction:
    """Position of a coordinate, between the marks at its two sides."""
    left = -MARKS[align_corners]
    right = n_pixel - 1 + MARKS[align_corners]
    return left + (right - left) * (1 + coordinate) / 2


def outermost(n_sample: int, align_corners: bool) -> Fraction:
    """Output coordinate of the last sample; that of the first is its opposite."""
    if n_sample == 1:
        return Fraction(0)
    return Fraction(n_sample - 1) / (n_sample - 1 + 2 * MARKS[align_corners])


def exact_ends(
    scale: float, shift: float, n_pixel: int, n_sample: int, align_corners: bool
) -> list[Fraction]:
    reach = outermost(n_sample, align_corners)
    return [
        pixels(Fraction(scale) * side + Fraction(shift), n_pixel, align_corners)
        for side in (-reach, reach)
    ]


def ends(
    scale: float, shift: float, n_pixel: int, n_sample: int, align_corners: bool
) -> tuple[float, float]:
    """Positions in pixels that the first and the last sample read."""
    first, last = exact_ends(scale, shift, n_pixel, n_sample, align_corners)
    return float(first), float(last)


def crop_of_slice(start: int, stop: int, n_pixel: int, align_corners: bool) -> tuple[float, float]:
    """Solve for the straight line: probe the ends at scale and shift of 0 and 1."""
    n_sample = stop - start
    at_zero, per_shift, per_scale = (
        exact_ends(scale, shift, n_pixel, n_sample, align_corners)[1]
        for scale, shift in ((0, 0), (0, 1), (1, 0))
    )
    middle, half = Fraction(start + stop - 1, 2), Fraction(n_sample - 1, 2)
    scale, shift = half / (per_scale - at_zero), (middle - at_zero) / (per_shift - at_zero)
    return float(scale), float(shift)


def miss(
    scale: float, shift: float, start: int, stop: int, n_pixel: int, align_corners: bool
) -> tuple[float, float]:
    """How far a crop's ends lie to the right of a slice's ends, in pixels."""
    first, last = exact_ends(scale, shift, n_pixel, stop - start, align_corners)
    return float(first - start), float(last - (stop - 1))


def gap(coordinate: float, n_pixel: int) -> float:
    """The difference of the two positions."""
    outside, centre = (pixels(Fraction(coordinate), n_pixel, one) for one in (False, True))
    return float(outside - centre)


def agree(scale: float, shift: float, n_pixel: int, n_sample: int) -> bool:
    """Evenly spaced samples agree if the first and the last ones do."""
    crop = scale, shift, n_pixel, n_sample
    return exact_ends(*crop, True) == exact_ends(*crop, False)
