"""Checks of the two scores, of the exact gradient, and of its estimate."""

from math import erf, sqrt
from typing import Any

import numpy as np

from attn_course._typing import Array
from attn_course.exercises.checking import Mutant, Wrong, check, close


def _pair(got: Any, d: int) -> tuple[Any, Any]:
    """The two parts of a gradient."""
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise Wrong("Return a pair, (by_mean, by_log_std).")
    if np.shape(got[0]) != (d,) or np.shape(got[1]) != ():
        raise Wrong(
            "The pair is (by_mean, by_log_std): an array with a number for each axis, and a number."
        )
    return got[0], got[1]


def _log_density(mean: Array, std: Any, location: Array) -> Any:
    """Up to what depends on neither; takes a complex mean or std."""
    return -(((location - mean) / std) ** 2).sum() / 2 - len(mean) * np.log(
        std
    )


def _chance(mean: Array, std: float, low: Array, high: Array) -> float:
    """Probability of the box."""
    ends = (np.stack([low, high]) - mean) / std
    below = np.array(
        [[(1 + erf(x / sqrt(2))) / 2 for x in row] for row in ends]
    )
    return float(np.prod(below[1] - below[0]))


def _exact(
    mean: Array, std: float, low: Array, high: Array
) -> tuple[Array, float]:
    """Central differences of the fourth order, good to nine digits."""

    def slope(f: Any) -> float:
        step = 1e-3
        near, far = (f(step) - f(-step), f(2 * step) - f(-2 * step))
        return float((8 * near - far) / (12 * step))

    axes = np.eye(len(mean))
    by_mean = [
        slope(lambda h, e=e: _chance(mean + h * e, std, low, high))
        for e in axes
    ]
    return np.array(by_mean), slope(
        lambda h: _chance(mean, std * np.exp(h), low, high)
    )


def _estimate(
    mean: Array,
    std: float,
    noise: Array,
    low: Array,
    high: Array,
    way: str = "",
) -> tuple[Array, float]:
    """One draw after the other; and what mistakes make of it."""
    n, d = noise.shape
    paid = [
        float(np.all(mean + std * e > low) and np.all(mean + std * e < high))
        for e in noise
    ]
    by_mean, by_log_std = np.zeros(d), 0.0
    for k, e in enumerate(noise):
        others = np.mean([p for j, p in enumerate(paid) if j != k])
        base: Any = {"none": 0.0, "own": np.mean(paid)}.get(way, others)
        by_mean += (paid[k] - base) * e / std / n
        by_log_std += (paid[k] - base) * (e @ e - d) / n
    return by_mean, by_log_std


def _box(
    rng: np.random.Generator, d: int
) -> tuple[Array, float, Array, Array]:
    """A policy, and a box that it hits now and then; nothing in it is symmetric."""
    mean, std = rng.uniform(-0.5, 0.5, d), float(rng.uniform(0.4, 0.7))
    low = mean - std * rng.uniform(0.2, 0.6, d)
    return mean, std, low, mean + std * rng.uniform(0.9, 1.6, d)


@check()
def a_place_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """For the mean (0, 1), the std 0.5 and the place (1, 1) the score by the mean is (4, 0), and
    the one by the logarithm of the std is 4 - 2 = 2."""
    mean, place = np.array([0.0, 1.0]), np.array([1.0, 1.0])
    close(answer.mean_score(mean, 0.5, place), [4.0, 0.0])
    close(answer.log_std_score(mean, 0.5, place), 2.0)


@check()
def a_half_line_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """One axis, mean 0, std 2, and everything above 0 pays: the chance is a half, by the mean it
    grows by 1 / (2 sqrt(2 pi)) = 0.1995, and by the std not at all."""
    got = answer.exact_gradient(
        np.zeros(1), 2.0, np.zeros(1), np.array([1000.0])
    )
    by_mean, by_log_std = _pair(got, 1)
    close(by_mean, [1 / np.sqrt(8 * np.pi)])
    close(by_log_std, 0.0, atol=1e-12)


@check()
def two_draws_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """One axis, mean 0, std 2, draws with noise 1 and -1, of which the first is paid: the gains are 1
    and -1, the scores by the mean 1/2 and -1/2, and the pair is (1/2, 0)."""
    got = answer.estimated_gradient(
        np.zeros(1),
        2.0,
        np.array([[1.0], [-1.0]]),
        np.zeros(1),
        np.array([5.0]),
    )
    by_mean, by_log_std = _pair(got, 1)
    close(by_mean, [0.5])
    close(by_log_std, 0.0)


@check(hidden=True)
def score_by_the_mean(answer: Any, rng: np.random.Generator) -> None:
    """mean_score must be the derivative of the log-density by each number of the mean."""
    for d in (1, 2, 3):
        mean, place = rng.normal(size=(2, d))
        std = float(rng.uniform(0.3, 0.7))
        want = [
            _log_density(mean + 1e-30j * e, std, place).imag / 1e-30
            for e in np.eye(d)
        ]
        got = answer.mean_score(mean, std, place)
        if np.shape(got) == (d,):
            if np.allclose(got, -np.array(want)):
                raise Wrong(
                    "mean_score has the wrong sign: a place to the right asks for more."
                )
            if np.allclose(got, np.array(want) * std):
                raise Wrong(
                    "mean_score divides by std; the exponent has std squared."
                )
        close(got, np.array(want))


@check(hidden=True)
def score_by_the_std(answer: Any, rng: np.random.Generator) -> None:
    """log_std_score must be the derivative of the log-density by the logarithm of the std."""
    for d in (1, 2, 4):
        mean, place = rng.normal(size=(2, d))
        std = float(rng.uniform(0.3, 0.7))
        want = _log_density(mean, std * np.exp(1e-30j), place).imag / 1e-30
        got = answer.log_std_score(mean, std, place)
        if np.shape(got) == () and not np.allclose(got, want):
            if np.allclose(got, want / std):
                raise Wrong(
                    "This is the derivative by std; by its logarithm there is one std more."
                )
            if np.allclose(got, want + d):
                raise Wrong(
                    "The normaliser is missing: it has one log std for each axis."
                )
            if d > 1 and np.allclose(got, want + d - 1):
                raise Wrong(
                    "The normaliser has one log std for each axis, not one in all."
                )
        if d == 1 and np.shape(got) == () and np.allclose(got, want):
            continue  # the number of axes shows in the others
        close(got, want)


@check(hidden=True, points=2)
def exact_by_the_mean(answer: Any, rng: np.random.Generator) -> None:
    """by_mean of exact_gradient must be what happens to the chance of the box as the mean moves."""
    for d in (1, 2, 3):
        box = _box(rng, d)
        got, _ = _pair(answer.exact_gradient(*box), d)
        want, _ = _exact(*box)
        if np.allclose(got, -want, rtol=1e-6):
            raise Wrong(
                "by_mean has the wrong sign: towards the box the chance grows."
            )
        if np.allclose(got, want * box[1], rtol=1e-6):
            raise Wrong(
                "by_mean lacks a division by std: that is how fast the ends move."
            )
        close(got, want, rtol=1e-6, atol=1e-9)


@check(hidden=True, points=2)
def exact_by_the_std(answer: Any, rng: np.random.Generator) -> None:
    """by_log_std of exact_gradient must be what happens to the chance as the std is scaled."""
    for d in (1, 2, 3):
        box = _box(rng, d)
        _, got = _pair(answer.exact_gradient(*box), d)
        _, want = _exact(*box)
        if np.allclose(got, want / box[1], rtol=1e-6):
            raise Wrong(
                "by_log_std is the derivative by std; by its logarithm there is one more std."
            )
        close(got, want, rtol=1e-6, atol=1e-9)


@check(hidden=True)
def a_box_out_of_reach(answer: Any, rng: np.random.Generator) -> None:
    """Where the box is out of reach along one axis, its chance there is zero, and the gradient is
    zero and finite, not a division of zero by zero."""
    mean, std, low, high = _box(rng, 2)
    low[1] += 60
    high[1] += 60
    for part in _pair(answer.exact_gradient(mean, std, low, high), 2):
        close(part, np.zeros(np.shape(part)), atol=1e-12)


@check(hidden=True, points=2)
def estimate_of_the_draws(answer: Any, rng: np.random.Generator) -> None:
    """estimated_gradient must be the mean over the draws of gain times score, the gain being the pay
    less the mean pay of the other draws."""
    for d in (1, 2):
        mean, std, low, high = _box(rng, d)
        noise = rng.normal(size=(7, d))
        noise[:2] = [[0.3] * d, [4.0] * d]  # one hits, one does not
        args = mean, std, noise, low, high
        got = _pair(answer.estimated_gradient(*args), d)
        want = _estimate(*args)
        for way, said in (
            (
                "none",
                "There is no baseline: subtract the mean pay of the other draws.",
            ),
            (
                "own",
                "The baseline holds the draw's own pay. Take the mean of the others alone.",
            ),
        ):
            wrong = _estimate(*args, way)
            near, right = (
                np.allclose(np.append(*got), np.append(*one))
                for one in (wrong, want)
            )
            if near and not right:
                raise Wrong(said)
        close(got[0], want[0], "by_mean is wrong for random draws.")
        close(got[1], want[1], "by_log_std is wrong for random draws.")


MUTANTS = {
    "sign of the mean": Mutant(
        old="    return (location - mean) / std**2",
        new="    return (mean - location) / std**2",
        falls_by="score_by_the_mean",
        says="wrong sign",
    ),
    "std for its square": Mutant(
        old="    return (location - mean) / std**2",
        new="    return (location - mean) / std",
        falls_by="score_by_the_mean",
        says="the exponent has std squared",
    ),
    "no normaliser": Mutant(
        old="distance / std**2 - len(mean)",
        new="distance / std**2",
        falls_by="score_by_the_std",
        says="The normaliser is missing",
    ),
    "one axis": Mutant(
        old="distance / std**2 - len(mean)",
        new="distance / std**2 - 1",
        falls_by="score_by_the_std",
        says="not one in all",
    ),
    "by the std itself": Mutant(
        old="float(distance / std**2 - len(mean))",
        new="float((distance / std**2 - len(mean)) / std)",
        falls_by="score_by_the_std",
        says="one std more",
    ),
    "ends that do not move": Mutant(
        old="(height_a - height_b) / std * others",
        new="(height_a - height_b) * others",
        falls_by="exact_by_the_mean",
        says="lacks a division by std",
    ),
    "away from the box": Mutant(
        old="(height_a - height_b) / std * others",
        new="(height_b - height_a) / std * others",
        falls_by="exact_by_the_mean",
        says="towards the box",
    ),
    "the other axis forgotten": Mutant(
        old="(height_a - height_b) / std * others",
        new="(height_a - height_b) / std",
        falls_by="exact_by_the_mean",
        says="as the mean moves",
    ),
    "chance by the std": Mutant(
        old="np.sum((a * height_a - b * height_b) * others)",
        new="np.sum((a * height_a - b * height_b) * others) / std",
        falls_by="exact_by_the_std",
        says="one more std",
    ),
    "heights without their places": Mutant(
        old="np.sum((a * height_a - b * height_b) * others)",
        new="np.sum((height_a - height_b) * others)",
        falls_by="exact_by_the_std",
        says="as the std is scaled",
    ),
    "others by division": Mutant(
        old="np.array([np.prod(np.delete(chance, k)) for k in range(len(a))])",
        new="np.prod(chance) / chance",
        falls_by="a_box_out_of_reach",
        says="zero by zero",
    ),
    "no baseline": Mutant(
        old="gain = paid - (paid.sum() - paid) / (len(paid) - 1)",
        new="gain = paid",
        falls_by="estimate_of_the_draws",
        says="There is no baseline",
    ),
    "its own pay as well": Mutant(
        old="gain = paid - (paid.sum() - paid) / (len(paid) - 1)",
        new="gain = paid - paid.mean()",
        falls_by="estimate_of_the_draws",
        says="holds the draw's own pay",
    ),
    "paid for one axis": Mutant(
        old="np.all((place > low) & (place < high), axis=1)",
        new="np.any((place > low) & (place < high), axis=1)",
        falls_by="estimate_of_the_draws",
        says="for random draws",
    ),
    "square of the place": Mutant(
        old="square = np.sum(noise**2, axis=1) - len(mean)",
        new="square = np.sum(place**2, axis=1) - len(mean)",
        falls_by="estimate_of_the_draws",
        says="by_log_std is wrong",
    ),
}
