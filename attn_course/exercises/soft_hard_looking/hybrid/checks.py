"""Checks of the surrogate, of its slopes by hand and by differences, and of what leaks."""

from typing import Any

import numpy as np

from attn_course._typing import Array
from attn_course.exercises.checking import Mutant, Wrong, check, close

Example = tuple[Array, int, Array, Array, float, Array]


def _example(
    rng: np.random.Generator, right: bool, n_step: int = 4
) -> Example:
    """Scores and a label that is or is not that of the greatest; places, means, std, baselines."""
    n_class = int(rng.integers(3, 6))
    score = rng.permutation(np.arange(n_class) * 0.7) + rng.uniform(
        0, 0.3, n_class
    )
    label = int(np.argmax(score) if right else np.argmin(score))
    std = float(rng.choice([rng.uniform(0.3, 0.6), rng.uniform(1.5, 2)]))
    mean = rng.uniform(-0.8, 0.8, (n_step, 2))
    noise = rng.uniform(0.4, 1.5, (n_step, 2)) * rng.choice(
        [-1, 1], (n_step, 2)
    )
    return (
        score,
        label,
        mean + std * noise,
        mean,
        std,
        rng.uniform(0.15, 0.45, n_step),
    )


def _log_density(location: Array, mean: Array, std: float) -> Array:
    square = ((location - mean) ** 2).sum(axis=1)
    return np.asarray(-square / (2 * std**2) - np.log(2 * np.pi * std**2))


def _value(given: Example, reward: float, held: Array) -> float:
    score, label, location, mean, std, baseline = given
    answer = np.logaddexp.reduce(score) - score[label]
    second = (reward - held) @ _log_density(location, mean, std)
    return float(answer - second + np.square(reward - baseline).sum())


def _reward(given: Example) -> float:
    return float(given[0].argmax() == given[1])


def _slopes(given: Example) -> tuple[Array, Array, Array]:
    score, label, location, mean, std, baseline = given
    p = np.exp(score - np.logaddexp.reduce(score))
    gain = _reward(given) - baseline
    by_mean = (location - mean) * (-gain / std**2)[:, None]
    return p - np.eye(len(p))[label], by_mean, -2 * gain


def _three(got: Any, given: Example) -> tuple[Any, Any, Any]:
    if not isinstance(got, tuple | list) or len(got) != 3:
        raise Wrong(
            "Return three things: the slopes by score, by mean and by baseline."
        )
    return got[0], got[1], got[2]


def _like(got: Any, value: Any) -> bool:
    return np.shape(got) == np.shape(value) and np.allclose(got, value)


HAND = (
    np.array([0.0, np.log(3.0)]),
    1,
    np.array([[0.5, 0.0]]),
    np.array([[0.0, 0.0]]),
    0.5,
    np.array([0.25]),
)


@check()
def value_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """Scores 0 and log 3, label 1, one place half a unit and one std away, baseline and held 1/4, reward
    1: log(4/3) + 3/4 · (1/2 + log(pi/2)) + 9/16 = 1.5639."""
    want = np.log(4 / 3) + 0.75 * (0.5 + np.log(np.pi / 2)) + 0.5625
    close(answer.surrogate(*HAND, 1.0, np.array([0.25])), want)


@check()
def slopes_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """In the same example the probabilities are 1/4 and 3/4 and the gain is 3/4: the slopes are
    (1/4, -1/4) by the scores, (-3/2, 0) by the mean and -3/2 by the baseline, and differences with a
    small step agree."""
    for got in (
        answer.hybrid_slopes(*HAND),
        answer.numeric_slopes(*HAND, 1e-4),
    ):
        by_score, by_mean, by_baseline = _three(got, HAND)
        close(by_score, [0.25, -0.25], rtol=1e-6, atol=1e-6)
        close(by_mean, [[-1.5, 0.0]], rtol=1e-6, atol=1e-6)
        close(by_baseline, [-1.5], rtol=1e-6, atol=1e-6)


@check()
def leaks_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """With noise (1, 0), std 1/2, baseline 1/4 and reward 1 the slopes are (-3/2, 0) and -3/2 if all is
    held. Where 2 pi std² is 1, its logarithm is 0, and the offset is 1/2."""
    noise, baseline = np.array([[1.0, 0.0]]), np.array([0.25])
    by_mean, by_baseline = answer.leaky_slopes(
        noise, 0.5, baseline, 1.0, True, True
    )
    close(by_mean, [[-1.5, 0.0]])
    close(by_baseline, [-1.5])
    close(answer.resting_offset(float(1 / np.sqrt(2 * np.pi))), 0.5)


@check(hidden=True, points=2)
def value_with_held_numbers(answer: Any, rng: np.random.Generator) -> None:
    """The surrogate must take its reward and the second term's gains as they are handed in, and the
    third term's from the baseline."""
    for right in (True, False):
        given = _example(rng, right)
        n_step = len(given[5])
        reward, held = (
            float(rng.uniform(0.3, 0.7)),
            rng.uniform(0.8, 1.5, n_step),
        )
        got, want = (
            answer.surrogate(*given, reward, held),
            _value(given, reward, held),
        )
        if np.shape(got) == () and not np.allclose(got, want):
            twice = 2 * np.log(given[4]) + np.log(2 * np.pi)
            mean = given[:5]
            for value, reason in (
                (
                    _value(given, reward, given[5]),
                    "The second term's gains are to be held: use `held`.",
                ),
                (
                    _value((*mean, held), reward, held),
                    "The third term has the baseline, not `held`.",
                ),
                (
                    _value(given, _reward(given), held),
                    "Use the reward that is handed in, whatever the scores say.",
                ),
                (
                    want - (reward - held).sum() * twice,
                    "The density's constant is asked for here.",
                ),
                (
                    want - (reward - held).sum() * twice / 2,
                    "The density's constant stands there once for each of the two coordinates.",
                ),
            ):
                if np.allclose(got, value):
                    raise Wrong(reason)
        close(got, want)


@check(hidden=True)
def scores_of_a_thousand(answer: Any, rng: np.random.Generator) -> None:
    """With scores near a thousand the exponential overflows, unless the largest is taken off first."""
    given = _example(rng, True)
    far = (given[0] + rng.uniform(900, 1000), *given[1:])
    small, large = answer.hybrid_slopes(*given), answer.hybrid_slopes(*far)
    zero = np.zeros(len(given[5]))
    for a, b in zip(_three(small, given), _three(large, far), strict=True):
        close(a, a)
        close(b, a, rtol=1e-6)
    close(
        answer.surrogate(*far, 0.0, zero), _value(given, 0.0, zero), rtol=1e-9
    )


@check(hidden=True, points=3)
def slopes_by_formula(answer: Any, rng: np.random.Generator) -> None:
    """hybrid_slopes must be p less the one-hot label, minus gain times distance over the variance, and
    minus twice the gain, for a right answer as for a wrong one."""
    for right in (True, False):
        given = _example(rng, right)
        got, want = _three(answer.hybrid_slopes(*given), given), _slopes(given)
        if _like(got[0], -want[0]):
            raise Wrong(
                "The slope by the scores has the wrong sign: the loss falls as p(y) rises."
            )
        if _like(got[1], -want[1]):
            raise Wrong(
                "The slope by the mean has the wrong sign: a loss is made small."
            )
        if _like(got[1], want[1] * given[4]):
            raise Wrong(
                "The distance is divided by the variance, and not by the std."
            )
        if _like(got[1], want[1] * given[4] ** 2):
            raise Wrong("The distance is to be divided by the variance.")
        if _like(got[2], want[2] / 2) or _like(got[2], -want[2]):
            raise Wrong(
                "The slope by the baseline is that of a square, (R - b)², by b."
            )
        if _like(got[2], want[2] + _log_density(*given[2:5])):
            raise Wrong(
                "The second term's gain is held, and has no slope by the baseline."
            )
        shared = (_reward(given) - given[5].mean()) / (
            _reward(given) - given[5]
        )
        if _like(got[1], want[1] * shared[:, None]):
            raise Wrong(
                "Each glimpse has its own baseline, and so its own gain."
            )
        p = np.exp(given[0] - np.logaddexp.reduce(given[0]))[given[1]]
        if _like(got[2], -2 * (p - given[5])):
            raise Wrong(
                "The reward is 1 or 0, and not the probability of the label."
            )
        for one, value in zip(got, want, strict=True):
            close(one, value)


@check(hidden=True, points=2)
def slopes_by_differences(answer: Any, rng: np.random.Generator) -> None:
    """numeric_slopes must be the central difference quotient for the step that is given, with reward,
    places and gains where they were before the step."""
    for right, step in ((True, 1e-4), (True, 1.2), (False, 1.2)):
        given = _example(rng, right, 2)
        reward, held = _reward(given), given[5]
        inputs: Any = given
        got = _three(answer.numeric_slopes(*given, step), given)
        for which, one in zip((0, 3, 5), got, strict=True):
            want, ahead, alive = (
                np.zeros(inputs[which].shape) for _ in range(3)
            )
            for at in np.ndindex(want.shape):
                values, live = [], []
                for way in (step, 0, -step):
                    moved = inputs[which].copy()
                    moved[at] += way
                    there: Any = (*given[:which], moved, *given[which + 1 :])
                    values.append(_value(there, reward, held))
                    live.append(_value(there, _reward(there), there[5]))
                want[at] = (values[0] - values[2]) / (2 * step)
                ahead[at] = (values[0] - values[1]) / step
                alive[at] = (live[0] - live[2]) / (2 * step)
            if which == 5 and _like(one, alive):
                raise Wrong(
                    "The gains move along with the baseline; hold them where they were."
                )
            tolerance = 1e-6 if step < 0.1 else 1e-9
            if np.shape(one) == want.shape and not np.allclose(
                one, want, rtol=tolerance, atol=1e-8
            ):
                if _like(one, ahead):
                    raise Wrong(
                        "This is a difference ahead; go a step up and a step down."
                    )
                if step > 0.1 and which == 0 and _like(one, alive):
                    raise Wrong(
                        "The reward is found again after the step; hold it where it was."
                    )
            close(one, want, rtol=tolerance, atol=1e-8)


@check(hidden=True, points=2)
def place_that_moves_along(answer: Any, rng: np.random.Generator) -> None:
    """If the place is not held, the mean gets no slope at all, and the baseline gets what it got."""
    for reward in (0.0, 1.0):
        noise, std, baseline = (
            rng.standard_normal((3, 2)),
            float(rng.uniform(0.1, 0.4)),
            rng.uniform(0.2, 0.8, 3),
        )
        gain = np.subtract(reward, baseline)
        by_mean, by_baseline = answer.leaky_slopes(
            noise, std, baseline, reward, True, False
        )
        close(by_mean, np.zeros((3, 2)))
        close(by_baseline, -2 * gain)
        close(
            answer.leaky_slopes(noise, std, baseline, reward, True, True)[0],
            -gain[:, None] * noise / std,
            "If all is held, the slope by the mean is minus gain times noise over std.",
        )


@check(hidden=True, points=2)
def gain_that_moves_along(answer: Any, rng: np.random.Generator) -> None:
    """If the gain is not held, the log-density comes in addition to the baseline's slope, its constant
    included."""
    for place_held in (True, False):
        noise, std, baseline = (
            rng.standard_normal((3, 2)),
            float(rng.uniform(0.1, 0.3)),
            rng.uniform(0.2, 0.8, 3),
        )
        reward = float(rng.integers(0, 2))
        log_prob = -np.square(noise).sum(axis=1) / 2 - np.log(
            2 * np.pi * std**2
        )
        got = answer.leaky_slopes(
            noise, std, baseline, reward, False, place_held
        )[1]
        gain = np.subtract(reward, baseline)
        if _like(got, -2 * gain):
            raise Wrong(
                "The second term now depends on the baseline, and adds a slope of its own."
            )
        if _like(got, -2 * gain - log_prob):
            raise Wrong(
                "What comes in addition has the wrong sign: the gain is R less b."
            )
        if _like(got, -2 * gain - np.square(noise).sum(axis=1) / 2):
            raise Wrong(
                "Here the density's constant has a say: it is a factor of the gain."
            )
        close(got, -2 * gain + log_prob)


@check(hidden=True)
def rest_of_a_leaky_baseline(answer: Any, rng: np.random.Generator) -> None:
    """resting_offset must be half of minus the mean log-density: its mean square is 2, one for each
    coordinate."""
    for std in rng.uniform(0.05, 0.9, 3):
        got = answer.resting_offset(float(std))
        want = (1 + np.log(2 * np.pi * std**2)) / 2
        if np.shape(got) == () and np.allclose(got, -want):
            raise Wrong(
                "The offset has the wrong sign: where is the mean slope zero?"
            )
        if np.shape(got) == () and np.allclose(got, 2 * want):
            raise Wrong(
                "The slope of the square has a factor of 2, and the offset is half."
            )
        close(got, want)


MUTANTS = {
    "gains that live": Mutant(
        old="gain = reward - held",
        new="gain = np.subtract(reward, baseline)",
        falls_by="value_with_held_numbers",
        says="use `held`",
    ),
    "third term held": Mutant(
        old="np.sum((reward - baseline) ** 2)",
        new="np.sum((reward - held) ** 2)",
        falls_by="value_with_held_numbers",
        says="third term has the baseline",
    ),
    "reward from the scores": Mutant(
        old="    gain = reward - held",
        new="    reward = float(score.argmax() == label)\n    gain = reward - held",
        falls_by="value_with_held_numbers",
        says="handed in",
    ),
    "no constant": Mutant(
        old="log_prob = -square / (2 * std**2) - np.log(2 * np.pi * std**2)",
        new="log_prob = -square / (2 * std**2)",
        falls_by="value_with_held_numbers",
        says="constant is asked for",
    ),
    "the constant of one coordinate": Mutant(
        old="log_prob = -square / (2 * std**2) - np.log(2 * np.pi * std**2)",
        new="log_prob = -square / (2 * std**2) - np.log(2 * np.pi * std**2) / 2",
        falls_by="value_with_held_numbers",
        says="each of the two coordinates",
    ),
    "value overflows": Mutant(
        old="top = score.max()",
        new="top = 0.0",
        falls_by="scores_of_a_thousand",
        says="overflows",
    ),
    "slope overflows": Mutant(
        old="bell = np.exp(score - score.max())",
        new="bell = np.exp(score)",
        falls_by="scores_of_a_thousand",
        says="overflows",
    ),
    "sign of the answer": Mutant(
        old="    by_score[label] -= 1\n",
        new="    by_score[label] -= 1\n    by_score = -by_score\n",
        falls_by="slopes_by_formula",
        says="slope by the scores has the wrong sign",
    ),
    "sign of the mean": Mutant(
        old="by_mean = -gain[:, None] * (location - mean) / std**2",
        new="by_mean = gain[:, None] * (location - mean) / std**2",
        falls_by="slopes_by_formula",
        says="slope by the mean has the wrong sign",
    ),
    "over the std": Mutant(
        old="by_mean = -gain[:, None] * (location - mean) / std**2",
        new="by_mean = -gain[:, None] * (location - mean) / std",
        falls_by="slopes_by_formula",
        says="not by the std",
    ),
    "one gain for all": Mutant(
        old="by_mean = -gain[:, None] * (location - mean) / std**2",
        new="by_mean = -gain.mean() * (location - mean) / std**2",
        falls_by="slopes_by_formula",
        says="its own gain",
    ),
    "half a square": Mutant(
        old="return by_score, by_mean, -2 * gain",
        new="return by_score, by_mean, -gain",
        falls_by="slopes_by_formula",
        says="that of a square",
    ),
    "a probability for a reward": Mutant(
        old="gain = float(score.argmax() == label) - baseline",
        new="gain = bell[label] / bell.sum() - baseline",
        falls_by="slopes_by_formula",
        says="not the probability",
    ),
    "a step ahead": Mutant(
        old="(s, m, b)[which][place] += way * step",
        new="(s, m, b)[which][place] += (way + 1) * step",
        falls_by="slopes_by_differences",
        says="where they were before",
    ),
    "one step only": Mutant(
        old="                slope[place] += way * loss / (2 * step)",
        new="                here = surrogate(\n"
        "                    score, label, location, mean, std, baseline, reward, baseline\n"
        "                )\n"
        "                slope[place] += (way > 0) * (loss - here) / step",
        falls_by="slopes_by_differences",
        says="difference ahead",
    ),
    "differences of what lives": Mutant(
        old="s, label, location, m, std, b, reward, baseline",
        new="s, label, location, m, std, b, reward, b",
        falls_by="slopes_by_differences",
        says="move along with the baseline",
    ),
    "a reward found again": Mutant(
        old="s, label, location, m, std, b, reward, baseline",
        new="s, label, location, m, std, b, float(s.argmax() == label), baseline",
        falls_by="slopes_by_differences",
        says="found again",
    ),
    "a step of its own": Mutant(
        old="    reward = float(score.argmax() == label)\n    inputs",
        new="    reward, step = float(score.argmax() == label), 1e-5\n    inputs",
        falls_by="slopes_by_differences",
        says="the step that is given",
    ),
    "a mean that learns all the same": Mutant(
        old="    if place_held:\n",
        new="    if True:\n",
        falls_by="place_that_moves_along",
        says="no slope at all",
    ),
    "over the variance of the noise": Mutant(
        old="by_mean = -gain[:, None] * noise / std",
        new="by_mean = -gain[:, None] * noise / std**2",
        falls_by="place_that_moves_along",
        says="noise over std",
    ),
    "nothing leaks": Mutant(
        old="by_baseline = by_baseline + log_prob",
        new="by_baseline = by_baseline + 0 * log_prob",
        falls_by="gain_that_moves_along",
        says="adds a slope of its own",
    ),
    "leaks the other way": Mutant(
        old="by_baseline = by_baseline + log_prob",
        new="by_baseline = by_baseline - log_prob",
        falls_by="gain_that_moves_along",
        says="wrong sign",
    ),
    "leaks without the constant": Mutant(
        old="log_prob = -square / 2 - np.log(2 * np.pi * std**2)",
        new="log_prob = -square / 2",
        falls_by="gain_that_moves_along",
        says="constant has a say",
    ),
    "rest on the other side": Mutant(
        old="return float((1 + np.log(2 * np.pi * std**2)) / 2)",
        new="return float(-(1 + np.log(2 * np.pi * std**2)) / 2)",
        falls_by="rest_of_a_leaky_baseline",
        says="wrong sign",
    ),
    "rest of one coordinate": Mutant(
        old="return float((1 + np.log(2 * np.pi * std**2)) / 2)",
        new="return float((0.5 + np.log(2 * np.pi * std**2) / 2) / 2)",
        falls_by="rest_of_a_leaky_baseline",
        says="one for each",
    ),
    "no half": Mutant(
        old="return float((1 + np.log(2 * np.pi * std**2)) / 2)",
        new="return float(1 + np.log(2 * np.pi * std**2))",
        falls_by="rest_of_a_leaky_baseline",
        says="offset is half",
    ),
}
