"""What a crop reads under either meaning of the coordinates -1 and 1."""


def ends(
    scale: float,
    shift: float,
    n_pixel: int,
    n_sample: int,
    align_corners: bool,
) -> tuple[float, float]:
    """Positions in pixels that the first and the last sample read."""
    ### BEGIN SOLUTION
    outermost = 1.0 if align_corners else 1 - 1 / n_sample
    if n_sample == 1:
        outermost = 0.0
    first, last = shift - scale * outermost, shift + scale * outermost
    if align_corners:
        return (first + 1) * (n_pixel - 1) / 2, (last + 1) * (n_pixel - 1) / 2
    return ((first + 1) * n_pixel - 1) / 2, ((last + 1) * n_pixel - 1) / 2
    ### END SOLUTION


def crop_of_slice(
    start: int, stop: int, n_pixel: int, align_corners: bool
) -> tuple[float, float]:
    """Scale and shift of the crop that reads the pixels start:stop."""
    ### BEGIN SOLUTION
    if align_corners:
        distance = n_pixel - 1
        return (stop - 1 - start) / distance, (stop - 1 + start) / distance - 1
    return (stop - start) / n_pixel, (stop + start) / n_pixel - 1
    ### END SOLUTION


def miss(
    scale: float,
    shift: float,
    start: int,
    stop: int,
    n_pixel: int,
    align_corners: bool,
) -> tuple[float, float]:
    """How far a crop's ends lie to the right of a slice's ends, in pixels."""
    ### BEGIN SOLUTION
    first, last = ends(scale, shift, n_pixel, stop - start, align_corners)
    return first - start, last - (stop - 1)
    ### END SOLUTION


def gap(coordinate: float, n_pixel: int) -> float:
    """Position without aligned corners less the position with them."""
    ### BEGIN SOLUTION
    return coordinate / 2
    ### END SOLUTION


def agree(scale: float, shift: float, n_pixel: int, n_sample: int) -> bool:
    """Whether a crop reads the same positions under both conventions."""
    ### BEGIN SOLUTION
    same_length = n_sample == n_pixel or n_sample == 1 or scale == 0
    return shift == 0 and same_length
    ### END SOLUTION
