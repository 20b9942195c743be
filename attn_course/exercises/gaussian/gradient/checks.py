"""Checks of the two derivatives, and of the lines by the properties that they must have."""

from typing import Any

import numpy as np

from attn_course.exercises.checking import Mutant, Wrong, check, close
from attn_course.gaussian import reference


@check()
def two_pixels_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """Line 0, 1 with mean 0.5 and std 2: both pixels weigh a half, and the pair is (1/16, 0)."""
    by_mean, by_std = _pair(answer.gradient(np.array([0.0, 1.0]), 0.5, 2.0))
    close(
        by_mean,
        1 / 16,
        "For the line 0, 1, mean 0.5 and std 2 the covariance of p and I is 1/4, and by_mean is "
        "1/4 divided by std squared, 1/16.",
    )
    close(
        by_std,
        0.0,
        "For the line 0, 1, mean 0.5 and std 2 both squared distances are 1/4, they do not vary, "
        "and by_std is 0.",
    )


@check()
def dark_middle_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """Line 1, 0, 5 with mean 1 and std 0.8493, at which the row is 1/4, 1/2, 1/4: the covariances
    are 1 and 3/4, and so the pair is 1/std squared = 1.386 and 3/4 divided by std cubed = 1.224."""
    # One pixel from its centre the bell is a half.
    std = 1 / np.sqrt(2 * np.log(2))
    by_mean, by_std = _pair(
        answer.gradient(np.array([1.0, 0.0, 5.0]), 1.0, std)
    )
    bell = np.exp(-1 / (2 * std))  # where std is not squared
    _recognise(
        by_mean,
        1 / std**2,
        _powers("by_mean", 1.0, std, 2)
        | {
            "For the line 1, 0, 5, mean 1 and std 0.8493 the row is 1/4, 1/2, 1/4, and yours is "
            "about 0.26, 0.47, 0.26: the exponent is divided by 2 std squared, not by 2 std.": (
                4 * bell / (1 + 2 * bell) / std**2
            )
        },
    )
    close(
        by_mean,
        1 / std**2,
        "For the line 1, 0, 5, mean 1 and std 0.8493 the row is 1/4, 1/2, 1/4, the covariance of p "
        "and I is 1, and by_mean is 1 divided by std squared, 1.386.",
    )
    _recognise(by_std, 0.75 / std**3, _powers("by_std", 0.75, std, 3))
    close(
        by_std,
        0.75 / std**3,
        "For the line 1, 0, 5, mean 1 and std 0.8493 the row is 1/4, 1/2, 1/4, the covariance of "
        "the squared distances 1, 0, 1 and I is 3/4, and by_std is 3/4 divided by the third power "
        "of std, 1.224.",
    )


@check(hidden=True)
def slope_by_mean(answer: Any, rng: np.random.Generator) -> None:
    """by_mean must agree with what happens to the reading when the mean moves a little."""
    for _ in range(4):
        line, mean, std = _inside(rng)
        got = _pair(answer.gradient(line, mean, std))
        by_mean, by_std = _differences(line, mean, std)
        if _near(got, (by_std, by_mean)):
            raise Wrong(
                "The two derivatives are swapped: return by_mean first, then by_std."
            )
        _recognise(
            got[0],
            by_mean,
            _powers("by_mean", by_mean * std**2, std, 2)
            | {
                "Your row is not this filter's: the exponent is divided by 2 std squared, not by "
                "2 std.": _derivatives(line, mean, std**0.5)[0] / std,
                "by_mean has the wrong sign: a larger mean moves weight to larger p.": -by_mean,
                "by_mean is not centred: the normaliser Z depends on the mean too, which takes "
                "the product of the two means off.": by_mean
                + mean * (_row(line, mean, std) @ line) / std**2,
            },
        )
        close(got[0], by_mean, rtol=1e-5, atol=1e-8)


@check(hidden=True)
def slope_by_std(answer: Any, rng: np.random.Generator) -> None:
    """by_std must agree with what happens to the reading when the std grows a little."""
    for _ in range(4):
        line, mean, std = _inside(rng)
        got = _pair(answer.gradient(line, mean, std))
        _, by_std = _differences(line, mean, std)
        _recognise(
            got[1],
            by_std,
            _powers("by_std", by_std * std**3, std, 3)
            | {
                "Your row is not this filter's: the exponent is divided by 2 std squared, not by "
                "2 std.": _derivatives(line, mean, std**0.5)[1] / std**1.5,
                "This is the derivative by the variance; the one by std is 2 std times it.": by_std
                / (2 * std),
                "by_std has the wrong sign: a larger std moves weight outwards.": -by_std,
                "by_std is not centred: it is a covariance, and the mean of the squared distances "
                "has to come off.": (
                    by_std + _row(line, mean, std) @ line / std
                ),
            },
        )
        close(got[1], by_std, rtol=1e-5, atol=1e-8)


@check(hidden=True)
def at_the_border(answer: Any, rng: np.random.Generator) -> None:
    """Where the border cuts the row off, the mean position under the row is no longer `mean`."""
    n_pixel = int(rng.integers(20, 40))
    line = rng.uniform(1, 2, n_pixel)
    for mean in (-rng.uniform(0, 2), n_pixel - 1 + rng.uniform(0, 2)):
        got = _pair(answer.gradient(line, mean, 1.0))
        by_mean, by_std = _derivatives(line, mean, 1.0)
        row, pixel = _row(line, mean, 1.0), np.arange(n_pixel)
        off_mean = (pixel - mean) ** 2
        off_centre = (pixel - row @ pixel) ** 2
        _recognise(
            got[0],
            by_mean,
            {
                "Centre the positions at their weighted mean under the row and not at `mean`: at "
                "the border, and for narrow filters, the two differ.": float(
                    row @ ((pixel - mean) * line)
                )
            },
        )
        _recognise(
            got[1],
            by_std,
            {
                "Centre the squared distances at their weighted mean under the row: at the border, "
                "and for narrow filters, it is not std squared.": float(
                    row @ ((off_mean - 1) * line)
                ),
                "by_std takes the squared distances from `mean`, not from the weighted mean of "
                "the positions.": float(
                    row @ ((off_centre - row @ off_centre) * line)
                ),
            },
        )
        close(got[0], by_mean, rtol=1e-6, atol=1e-9)
        close(got[1], by_std, rtol=1e-6, atol=1e-9)


@check(hidden=True, points=2)
def where_the_bell_vanishes(answer: Any, rng: np.random.Generator) -> None:
    """Far off the image, and between two pixels for a narrow filter, the row still sums to one."""
    n_pixel, k = int(rng.integers(20, 40)), int(rng.integers(3, 12))
    line = np.cumsum(rng.uniform(0.5, 1, n_pixel))

    def ask(mean: float, std: float) -> np.ndarray:
        # Of reading zero, so that a wrong centre, which another check is about, does not matter.
        pair = _pair(
            answer.gradient(line - _row(line, mean, std) @ line, mean, std)
        )
        got = np.array(pair, dtype=float)
        if not np.isfinite(got).all():
            raise Wrong(
                "The result is not a finite number: exp underflows at every pixel, and the row is "
                "zero over zero. Take the largest score off all scores before the exponential."
            )
        return got

    for mean in (-rng.uniform(6, 8), n_pixel - 1 + rng.uniform(6, 8)):
        close(
            ask(mean, 1.0),
            np.array(_derivatives(line, mean, 1.0)),
            "A few std off the image the bell is tiny at every pixel, but the weights still sum to "
            "one, and the gradient is small but not gone. Is something added to their sum?",
            rtol=1e-6,
        )
    for mean, std in (
        (k + rng.uniform(0.2, 0.3), 1e-3),
        (-1e4 * rng.uniform(1, 2), 0.5),
        (n_pixel + rng.uniform(50, 60), 1.0),
    ):
        close(
            ask(mean, std),
            np.zeros(2),
            "A filter that sees one pixel alone has both derivatives 0.",
            atol=1e-3,
        )
    # half way, where the reading jumps within std squared
    std = rng.uniform(1e-3, 2e-3)
    places = k + 0.5 + np.array([1.0, -0.5]) * std**2
    first, second = (ask(float(mean), std) for mean in places)
    shift = places - (k + 0.5)
    # of two pixels, the weight of the right one
    share = 1 / (1 + np.exp(-shift / std**2))
    slope = share * (1 - share)
    ratio = slope[0] / slope[1] * np.array([1, shift[0] / shift[1]])
    close(
        first / second,
        ratio,
        "Half way between two pixels a narrow filter jumps from one to the other within a fraction "
        "of std squared, where the weights must be safe, and where differences of two readings "
        "are too coarse: use the formulas.",
        rtol=1e-6,
    )


@check(hidden=True, points=2)
def blind_line_is_blind(answer: Any, rng: np.random.Generator) -> None:
    """The line must vary under the filter, and its covariance with p under the row must be zero."""
    n_pixel = int(rng.integers(9, 40))
    middle = n_pixel / 2 + rng.uniform(-1, 1)
    for mean in (
        0.0,
        middle,
        n_pixel - 1 - rng.uniform(0, 1),
        rng.uniform(0, n_pixel - 1),
    ):
        std = rng.uniform(0.7, 4)
        got = _line(answer.blind_line(n_pixel, mean, std), n_pixel)
        row, pixel = _row(got, mean, std), np.arange(n_pixel)
        spread = np.sqrt(row @ (got - row @ got) ** 2)
        if not spread > 1 - 1e-6:
            raise Wrong(
                "blind_line hardly varies where the filter looks: the spread under the row must be "
                "at least 1. A flat line, or one that varies only out of sight, is too easy."
            )
        slope = row @ ((pixel - row @ pixel) * got) / std**2
        if not abs(slope) <= 1e-6:
            raise Wrong(
                "blind_line gives the mean a gradient. If it is a valley or a hill about `mean`, "
                "it fails near the border, where the row is cut off and no longer symmetric: "
                "remove the covariance with p that is left."
            )


@check(hidden=True, points=2)
def wrong_way_line_misleads(answer: Any, rng: np.random.Generator) -> None:
    """On the line, a step of gradient descent from `mean` must lead away from `target`."""
    # A wide filter on the border, where a few bright pixels are not enough, then any other.
    for side, border in ((1, True), (1, False), (-1, False), (-1, True)):
        std = 4.0 if border else rng.uniform(0.7, 4)
        gap = (rng.uniform(6, 6.2) if border else rng.uniform(6.1, 9)) * std
        n_pixel = int(np.ceil(gap + rng.uniform(4, 20)))
        mean = 0.0 if border else rng.uniform(1.5, n_pixel - 1 - gap)
        if side < 0:
            mean = n_pixel - 1 - mean
        target = mean + side * gap
        got = _line(answer.wrong_way_line(n_pixel, mean, target, std), n_pixel)
        if got.min() < 0 or got.max() > 1:
            raise Wrong(
                "The numbers of wrong_way_line must lie between 0 and 1."
            )
        row, pixel = _row(got, mean, std), np.arange(n_pixel)
        error = row @ got - _row(got, target, std) @ got
        slope = error * (row @ ((pixel - row @ pixel) * got)) / std**2
        if abs(slope) < 1e-4:
            raise Wrong(
                "On wrong_way_line the loss has hardly any slope at `mean`: the reading must "
                "differ from the target's, and it must change with the mean."
            )
        if slope * side < 0:
            raise Wrong(
                "On wrong_way_line descent leads towards `target`, at least where it lies to the "
                f"{'right' if side > 0 else 'left'}. Descent goes against the sign of "
                "(g - g*) times the derivative of g."
            )


def _pair(got: Any) -> tuple[Any, Any]:
    """The two numbers of an answer."""
    if not isinstance(got, tuple | list | np.ndarray) or len(got) != 2:
        raise Wrong("gradient must return two numbers, by_mean and by_std.")
    return got[0], got[1]


def _line(got: Any, n_pixel: int) -> np.ndarray:
    """A line of finite numbers."""
    if not isinstance(got, np.ndarray) or got.shape != (n_pixel,):
        raise Wrong("The line must be an array of shape (n_pixel,).")
    got = got.astype(float)
    if not np.isfinite(got).all():
        raise Wrong(
            "The line holds numbers that are infinite or not numbers at all."
        )
    return got


def _row(line: np.ndarray, mean: float, std: float) -> np.ndarray:
    return reference.filterbank(mean, std, 1, 1, len(line))[0]


def _inside(rng: np.random.Generator) -> tuple[np.ndarray, float, float]:
    """A line with a step and noise, and a filter on the step, far from the borders."""
    n_pixel = int(rng.integers(60, 80))
    mean, std = rng.uniform(28, 32), rng.uniform(1.3, 3)
    line = (
        1
        + (np.arange(n_pixel) > mean + std / 2)
        + rng.uniform(0, 0.1, n_pixel)
    )
    return line, mean, std


def _differences(
    line: np.ndarray, mean: float, std: float
) -> tuple[float, float]:
    """Central differences of the package's reading."""
    step = 1e-5
    by_mean = _row(line, mean + step, std) - _row(line, mean - step, std)
    by_std = _row(line, mean, std + step) - _row(line, mean, std - step)
    return by_mean @ line / (2 * step), by_std @ line / (2 * step)


def _derivatives(
    line: np.ndarray, mean: float, std: float
) -> tuple[float, float]:
    """Exact derivatives, by a step too small to be rounded along the imaginary axis."""

    def reading(mean: complex, std: complex) -> Any:
        score = -(((np.arange(len(line)) - mean) / std) ** 2) / 2
        weight = np.exp(score - score.real.max())
        return weight @ line / weight.sum()

    step = 1e-30
    by_mean = reading(mean + 1j * step, std).imag / step
    by_std = reading(mean, std + 1j * step).imag / step
    return by_mean, by_std


def _powers(
    name: str, covariance: float, std: float, right: int
) -> dict[str, float]:
    """What comes of dividing the covariance by another power of std than the right one."""
    power = ("", "std itself", "std squared", "the third power of std")
    asked = f"divide the covariance by {power[right]}"
    too_high = f"{name} has too high a power of std: {asked}."
    wrong = {
        f"{name} is the covariance alone; {asked}.": covariance,
        too_high: covariance / std ** (right + 1),
    }
    for k in range(1, right):
        too_low = (
            f"{name} has too low a power of std: {asked}, not by {power[k]}."
        )
        wrong[too_low] = covariance / std**k
    return wrong


def _near(got: Any, want: Any) -> bool:
    return bool(
        np.allclose(np.array(got, dtype=float), want, rtol=1e-5, atol=1e-8)
    )


def _recognise(got: Any, want: float, mistakes: dict[str, float]) -> None:
    """Name the mistake if the number is the one that it leads to, and not the right one."""
    for sentence, value in mistakes.items():
        if not _near(got, want) and _near(got, value):
            raise Wrong(sentence)


MUTANTS = {
    "std for std squared": Mutant(
        old="(position * line) / std**2",
        new="(position * line) / std",
        falls_by="slope_by_mean",
        says="by std squared, not by std itself",
    ),
    "covariance alone": Mutant(
        old="row @ (position * line) / std**2",
        new="row @ (position * line)",
        falls_by="slope_by_mean",
        says="by_mean is the covariance alone",
    ),
    "std not squared in the exponent": Mutant(
        old="score = -(((pixel - mean) / std) ** 2) / 2",
        new="score = -((pixel - mean) ** 2) / (2 * std)",
        falls_by="slope_by_mean",
        says="by 2 std squared, not by 2 std",
    ),
    "positions not centred": Mutant(
        old="row @ (position * line)",
        new="row @ (pixel * line)",
        falls_by="slope_by_mean",
        says="by_mean is not centred",
    ),
    "pair swapped": Mutant(
        old="return float(by_mean), float(by_std)",
        new="return float(by_std), float(by_mean)",
        falls_by="slope_by_mean",
        says="swapped",
    ),
    "returns zeros": Mutant(
        old="return float(by_mean), float(by_std)",
        new="return 0.0, 0.0",
        falls_by="slope_by_mean",
        says="when the mean moves a little",
    ),
    "writes into the line": Mutant(
        old="    position = pixel - row @ pixel",
        new="    line -= row @ line\n    position = pixel",
        falls_by="slope_by_mean",
        says="writes into one of its inputs",
    ),
    "std squared for std cubed": Mutant(
        old="(square * line) / std**3",
        new="(square * line) / std**2",
        falls_by="slope_by_std",
        says="by the third power of std, not by std squared",
    ),
    "std for std cubed": Mutant(
        old="(square * line) / std**3",
        new="(square * line) / std",
        falls_by="slope_by_std",
        says="by the third power of std, not by std itself",
    ),
    "squares not centred": Mutant(
        old="square = square - row @ square",
        new="square = square + 0",
        falls_by="slope_by_std",
        says="by_std is not centred",
    ),
    "derivative by the variance": Mutant(
        old="(square * line) / std**3",
        new="(square * line) / (2 * std**4)",
        falls_by="slope_by_std",
        says="derivative by the variance",
    ),
    "positions centred at mean": Mutant(
        old="position = pixel - row @ pixel",
        new="position = pixel - mean",
        falls_by="at_the_border",
        says="Centre the positions at their weighted mean",
    ),
    "squares centred at the variance": Mutant(
        old="square = square - row @ square",
        new="square = square - std**2",
        falls_by="at_the_border",
        says="Centre the squared distances at their weighted mean",
    ),
    "squares taken from the weighted mean": Mutant(
        old="square = (pixel - mean) ** 2\n",
        new="square = (pixel - row @ pixel) ** 2\n",
        falls_by="at_the_border",
        says="takes the squared distances from `mean`",
    ),
    "softmax unprotected": Mutant(
        old="bell = np.exp(score - score.max())",
        new="bell = np.exp(score)",
        falls_by="where_the_bell_vanishes",
        says="zero over zero",
    ),
    "the other rule": Mutant(
        old="bell = np.exp(score - score.max())\n    row = bell / bell.sum()",
        new="bell = np.exp(score)\n    row = bell / (bell.sum() + 1e-8)",
        falls_by="where_the_bell_vanishes",
        says="added to their sum",
    ),
    "differences of readings": Mutant(
        old="    return float(by_mean), float(by_std)",
        new="""
    def reading(mean, std):
        score = -(((pixel - mean) / std) ** 2) / 2
        bell = np.exp(score - score.max())
        return bell @ line / bell.sum()

    step = 1e-5
    by_mean = (reading(mean + step, std) - reading(mean - step, std)) / (2 * step)
    by_std = (reading(mean, std + step) - reading(mean, std - step)) / (2 * step)
    return float(by_mean), float(by_std)""",
        falls_by="where_the_bell_vanishes",
        says="too coarse",
    ),
    "NaN replaced by zero": Mutant(
        old="bell = np.exp(score - score.max())\n    row = bell / bell.sum()",
        new="bell = np.exp(score)\n    row = np.nan_to_num(bell / bell.sum())",
        falls_by="where_the_bell_vanishes",
        says="the weights must be safe",
    ),
    "a symmetric valley": Mutant(
        old="blind = valley - tilt * ramp",
        new="blind = valley",
        falls_by="blind_line_is_blind",
        says="fails near the border",
    ),
    "a flat line": Mutant(
        old="return np.asarray(2 * blind / spread)",
        new="return np.ones(n_pixel)",
        falls_by="blind_line_is_blind",
        says="hardly varies where the filter looks",
    ),
    "leads home": Mutant(
        old="(ahead > 0) & (ahead < abs(target - mean) / 2)",
        new="ahead < 0.5",
        falls_by="wrong_way_line_misleads",
        says="descent leads towards `target`",
    ),
    "three bright pixels": Mutant(
        old="(ahead > 0) & (ahead < abs(target - mean) / 2)",
        new="(ahead > 0) & (ahead <= 3)",
        falls_by="wrong_way_line_misleads",
        says="descent leads towards `target`",
    ),
    "for a target on the right alone": Mutant(
        old=" * np.sign(target - mean)",
        new="",
        falls_by="wrong_way_line_misleads",
        says="lies to the left",
    ),
    "too bright": Mutant(
        old="np.where(bright, 1.0, 0.0)",
        new="np.where(bright, 255.0, 0.0)",
        falls_by="wrong_way_line_misleads",
        says="between 0 and 1",
    ),
    "a bump out of sight": Mutant(
        old="(ahead > 0) & (ahead < abs(target - mean) / 2)",
        new="abs(ahead - abs(target - mean)) < std",
        falls_by="wrong_way_line_misleads",
        says="hardly any slope",
    ),
}
