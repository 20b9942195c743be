"""Checks of the softmax and its slopes, against steps along the imaginary axis."""

from typing import Any

import numpy as np

from attn_course.exercises.checking import Mutant, Wrong, check, close


@check()
def weights_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """Scores 0, ln 2, ln 5 weigh 1/8, 2/8, 5/8; at temperature 2 they weigh as 1, 1.414, 2.236."""
    score = np.log([1.0, 2.0, 5.0])
    close(
        answer.weights(score, 1.0),
        np.array([1, 2, 5]) / 8,
        "weights([0, ln 2, ln 5], 1) must be 1/8, 2/8, 5/8.",
    )
    root = np.sqrt([1.0, 2.0, 5.0])
    close(
        answer.weights(score, 2.0),
        root / root.sum(),
        "At temperature 2 the scores 0, ln 2, ln 5 weigh as the roots of 1, 2, 5: divide the "
        "scores, and not the weights, by the temperature.",
    )


@check()
def slopes_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """For the weights 1/4 and 3/4 at temperature 2 the slopes are 3/32, and -3/32 off the
    diagonal."""
    score = 2 * np.log([1.0, 3.0])
    want = np.array([[3.0, -3.0], [-3.0, 3.0]]) / 32
    close(
        answer.jacobian(score, 2.0),
        want,
        "With weights 1/4 and 3/4 and temperature 2 the slope of a weight by its own score is "
        "1/4 * 3/4 / 2 = 3/32, and by the other's -3/32.",
    )
    close(
        answer.pulled_back(score, np.array([32.0, 0.0]), 2.0),
        np.array([3.0, -3.0]),
        "With upstream (32, 0) the loss is 32 times the first weight, and its slopes are 3 and -3.",
    )
    close(
        answer.by_temperature(score, 2.0),
        np.log(3) * np.array([3.0, -3.0]) / 32,
        "The scores 0 and 2 ln 3 have the mean 1.5 ln 3 under the weights 1/4 and 3/4. By the "
        "temperature 2 the first weight changes by 1/4 * 1.5 ln 3 / 4, the second by the opposite.",
    )


@check(hidden=True)
def weights_of_any_scores(answer: Any, rng: np.random.Generator) -> None:
    """Scores of any size and sign must give weights that sum to one, and no NaN."""
    gap = rng.uniform(0.5, 2, 3)
    for offset in (0.0, 1e6, -1e6, 800.0, -800.0):
        temperature = rng.uniform(0.3, 3)
        score = np.concatenate([[0.0], gap, [-1e6]])
        want = np.append(_weights(score[:4], temperature), 0.0)
        got = answer.weights(score + offset, temperature)
        if np.shape(got) == (5,) and not np.isfinite(got).all():
            raise Wrong(
                "With large scores exp overflows, or underflows everywhere, and the result is not "
                "a finite number. Take the largest score off before the exponential."
            )
        close(got, want, rtol=1e-6)


@check(hidden=True)
def jacobian_is_the_slope(answer: Any, rng: np.random.Generator) -> None:
    """Column j of the Jacobian must say what happens to all weights when score j moves a little."""
    for _ in range(3):
        score, temperature = _row(rng)
        got = answer.jacobian(score, temperature)
        want = _jacobian(score, temperature)
        _recognise(
            got,
            want,
            {
                "Where is the temperature? A score is divided by it, and so is every slope.": (
                    want * temperature
                ),
                "This is the Jacobian at temperature 1.": _jacobian(
                    score, 1.0
                ),
                "Off the diagonal stands zero, but every score stands in the normaliser: raising "
                "one lowers all other weights.": np.diag(np.diag(want)),
                "The sign is turned: a weight grows with its own score.": -want,
            },
        )
        if np.shape(got) == want.shape and not np.allclose(
            np.sum(got, axis=0), 0
        ):
            raise Wrong(
                "The weights sum to one whatever happens, so each column of the Jacobian must sum "
                "to zero, and yours does not."
            )
        close(got, want)


@check(hidden=True)
def pulled_back_is_the_product(answer: Any, rng: np.random.Generator) -> None:
    """The gradient by the scores is the upstream gradient times the Jacobian."""
    for _ in range(3):
        score, temperature = _row(rng)
        upstream = rng.normal(size=len(score)) + 2
        want = upstream @ _jacobian(score, temperature)
        weight = _weights(score, temperature)
        got = answer.pulled_back(score, upstream, temperature)
        _recognise(
            got,
            want,
            {
                "In pulled_back the temperature is missing.": want
                * temperature,
                "The mean of the upstream gradient has to come off, and it is the mean under the "
                "weights: that is the normaliser's part.": weight
                * upstream
                / temperature,
                "The mean that comes off is the one under the weights, and not the plain mean.": (
                    weight * (upstream - upstream.mean()) / temperature
                ),
                "This is the slope of independent sigmoids: the weights share one normaliser.": (
                    weight * (1 - weight) * upstream / temperature
                ),
            },
        )
        close(got, want)


@check(hidden=True)
def pulled_back_of_a_long_row(answer: Any, rng: np.random.Generator) -> None:
    """A row of 400000 scores must not make a matrix, which would have 160 billion numbers."""
    score, upstream = rng.normal(size=(2, 400_000))
    weight = _weights(score, 1.0)
    got = answer.pulled_back(score, upstream, 1.0)
    close(got, weight * (upstream - weight @ upstream), rtol=1e-6)


@check(hidden=True)
def slope_by_the_temperature(answer: Any, rng: np.random.Generator) -> None:
    """Warming moves weight from the scores above the average to those below it."""
    for _ in range(3):
        score, temperature = _row(rng)
        step = 1e-30
        want = _weights(score, temperature + 1j * step).imag / step
        weight = _weights(score, temperature)
        got = answer.by_temperature(score, temperature)
        _recognise(
            got,
            want,
            {
                "The sign is turned: warming takes from the large scores.": -want,
                "The derivative of s / T by T has T squared below the line.": want
                * temperature,
                "The mean of the scores under the weights has to come off: the normaliser depends "
                "on the temperature too.": -weight * score / temperature**2,
            },
        )
        close(got, want)


def _row(rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """Scores, and a temperature that is not near one."""
    temperature = rng.choice([rng.uniform(0.4, 0.7), rng.uniform(1.6, 3)])
    return rng.normal(scale=1.5, size=int(rng.integers(3, 8))), float(
        temperature
    )


def _weights(score: Any, temperature: Any) -> Any:
    share = np.exp((score - np.max(score.real)) / temperature)
    return share / share.sum()


def _jacobian(score: np.ndarray, temperature: float) -> np.ndarray:
    """Exact slopes, by a step too small to be rounded along the imaginary axis."""
    step = 1e-30
    moved = [
        _weights(score + 1j * step * unit, temperature)
        for unit in np.eye(len(score))
    ]
    return np.stack(moved, axis=1).imag / step


def _recognise(
    got: Any, want: np.ndarray, mistakes: dict[str, np.ndarray]
) -> None:
    """Name the mistake if the numbers are those that it leads to, and not the right ones."""
    if np.shape(got) != want.shape or np.allclose(got, want, rtol=1e-6):
        return
    for sentence, value in mistakes.items():
        if np.allclose(got, value, rtol=1e-6):
            raise Wrong(sentence)


MUTANTS = {
    "exponentials as they stand": Mutant(
        old="below = (score - np.max(score)) / temperature",
        new="below = score / temperature",
        falls_by="weights_of_any_scores",
        says="Take the largest score off",
    ),
    "temperature forgotten": Mutant(
        old="return share[:, None] * bracket / temperature",
        new="return share[:, None] * bracket",
        falls_by="jacobian_is_the_slope",
        says="Where is the temperature?",
    ),
    "only the diagonal": Mutant(
        old="return share[:, None] * bracket / temperature",
        new="return np.diag(share * (1 - share)) / temperature",
        falls_by="jacobian_is_the_slope",
        says="every score stands in the normaliser",
    ),
    "the sign turned": Mutant(
        old="bracket = np.eye(len(share)) - share",
        new="bracket = share - np.eye(len(share))",
        falls_by="jacobian_is_the_slope",
        says="The sign is turned",
    ),
    "the diagonal with its weight alone": Mutant(
        old="bracket = np.eye(len(share)) - share",
        new="bracket = np.where(np.eye(len(share)) > 0, 1.0, -share)",
        falls_by="jacobian_is_the_slope",
        says="must sum to zero",
    ),
    "mean not taken off": Mutant(
        old="average = np.dot(share, upstream)",
        new="average = 0.0",
        falls_by="pulled_back_is_the_product",
        says="has to come off",
    ),
    "plain mean": Mutant(
        old="average = np.dot(share, upstream)",
        new="average = upstream.mean()",
        falls_by="pulled_back_is_the_product",
        says="not the plain mean",
    ),
    "sigmoids": Mutant(
        old="return share * (upstream - average) / temperature",
        new="return share * (1 - share) * upstream / temperature",
        falls_by="pulled_back_is_the_product",
        says="independent sigmoids",
    ),
    "pulled back at temperature one": Mutant(
        old="return share * (upstream - average) / temperature",
        new="return share * (upstream - average)",
        falls_by="pulled_back_is_the_product",
        says="temperature is missing",
    ),
    "the matrix formed": Mutant(
        old="return share * (upstream - average) / temperature",
        new="return upstream @ jacobian(score, temperature)",
        falls_by="pulled_back_of_a_long_row",
        says="160 billion",
    ),
    "warming the wrong way": Mutant(
        old="return -share * centred / temperature**2",
        new="return share * centred / temperature**2",
        falls_by="slope_by_the_temperature",
        says="takes from the large scores",
    ),
    "temperature not squared": Mutant(
        old="return -share * centred / temperature**2",
        new="return -share * centred / temperature",
        falls_by="slope_by_the_temperature",
        says="T squared",
    ),
    "scores not centred": Mutant(
        old="centred = score - np.dot(share, score)",
        new="centred = score",
        falls_by="slope_by_the_temperature",
        says="depends on the temperature too",
    ),
}
