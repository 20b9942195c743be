"""Checks of the variance, of the best constant, and of a policy where it matters."""

from typing import Any

import numpy as np

from attn_course._typing import Array
from attn_course.exercises.checking import Mutant, Wrong, check, close


def _policy(score: Array) -> Array:
    bell = np.exp(score - score.max())
    return bell / bell.sum()


def _square(p: Array) -> Array:
    """Squared length of each item's score function."""
    return 1 - 2 * p + p @ p


def _variance(score: Array, reward: Array, baseline: float) -> float:
    p = _policy(score)
    gradient = p * (reward - p @ reward)
    return float(
        p * _square(p) @ (reward - baseline) ** 2 - gradient @ gradient
    )


def _best(score: Array, reward: Array) -> float:
    p = _policy(score)
    return float(np.average(reward, weights=p * _square(p)))


def _items(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    return rng.normal(0, 1, n), rng.normal(1, 1, n)


@check()
def two_items_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """Two items with probabilities 3/4 and 1/4 pay 1 and 0. Less the mean, 3/4, the terms are
    (1/16, -1/16) and (9/16, -9/16), and the variance is 3/32 = 0.09375."""
    score, reward = np.log([0.75, 0.25]), np.array([1.0, 0.0])
    close(answer.total_variance(score, reward, 0.75), 3 / 32)


@check()
def best_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """Two items with probabilities 3/4 and 1/4 pay 1 and 0: the best constant is 1/4. For a uniform
    policy it is the mean of the rewards."""
    close(
        answer.best_baseline(np.log([0.75, 0.25]), np.array([1.0, 0.0])), 0.25
    )
    close(answer.best_baseline(np.zeros(3), np.array([0.0, 1.0, 5.0])), 2.0)


@check(hidden=True, points=2)
def variance_of_a_policy(answer: Any, rng: np.random.Generator) -> None:
    """total_variance must be the mean squared length of the terms, less that of their mean."""
    for n in (2, 4, 7):
        score, reward = _items(rng, n)
        baseline = float(rng.uniform(-1, 1))
        want = _variance(score, reward, baseline)
        p = _policy(score)
        second = float(p * _square(p) @ (reward - baseline) ** 2)
        got = answer.total_variance(score, reward, baseline)
        if np.shape(got) == () and not np.allclose(got, want):
            if np.allclose(got, second):
                raise Wrong(
                    "The squared length of the mean term is not taken off."
                )
            if np.allclose(got, want / n):
                raise Wrong(
                    "This is the mean over the components, and their sum is asked for."
                )
            if np.allclose(got, want**0.5):
                raise Wrong(
                    "This is a standard deviation, and the variance is asked for."
                )
        close(got, want)


@check(hidden=True)
def large_scores(answer: Any, rng: np.random.Generator) -> None:
    """With scores near a thousand the exponential overflows, unless the largest is taken off first."""
    score, reward = _items(rng, 4)
    for ask in (
        lambda s: answer.total_variance(s, reward, 0.5),
        lambda s: answer.best_baseline(s, reward),
    ):
        small = ask(score)
        if np.shape(small) != () or not np.isfinite(small):
            raise Wrong(
                "Your functions return no finite number even for small scores."
            )
        close(ask(score + 1000), small, rtol=1e-6)


@check(hidden=True, points=2)
def best_of_a_policy(answer: Any, rng: np.random.Generator) -> None:
    """best_baseline must be the lowest point of the parabola that the variance is."""
    for n in (3, 6, 2):
        score, reward = _items(rng, n)
        p, want = _policy(score), _best(score, reward)
        got = answer.best_baseline(score, reward)
        if np.shape(got) == () and not np.allclose(got, want):
            if np.allclose(got, p @ reward):
                raise Wrong(
                    "This is the mean reward. The terms have different lengths; weigh them."
                )
            if np.allclose(got, np.average(reward, weights=_square(p))):
                raise Wrong("The weights lack how often an item is drawn.")
            if np.allclose(
                got, np.average(reward, weights=p * np.sqrt(_square(p)))
            ):
                raise Wrong(
                    "The lengths of the score functions have to be squared."
                )
            if np.allclose(got, np.average(reward, weights=p * (1 - p))):
                raise Wrong(
                    "Not one component of the score function alone, all of them have a say."
                )
        close(got, want)


@check(hidden=True)
def own_reward_shrinks(answer: Any, rng: np.random.Generator) -> None:
    """The factor of shrinkage is wrong: of the mean of all, only the others' part is free, and the own part takes
    its share of the gradient away."""
    for n in rng.choice(np.arange(2, 60), 3, replace=False):
        close(answer.shrinkage(int(n)), (n - 1) / n)


@check(hidden=True, points=2)
def mean_is_bad(answer: Any, rng: np.random.Generator) -> None:
    """bad_mean must return scores and rewards for which the mean reward is ten times worse."""
    got = answer.bad_mean()
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise Wrong("bad_mean returns a pair, (score, reward).")
    if not all(
        isinstance(one, np.ndarray)
        and one.ndim == 1
        and one.dtype.kind in "iuf"
        for one in got
    ):
        raise Wrong("bad_mean returns two arrays of numbers.")
    score, reward = (one.astype(float) for one in got)
    if score.shape != reward.shape or len(score) < 3:
        raise Wrong(
            "bad_mean is to have at least three items, and a reward for each."
        )
    if not (np.isfinite(score).all() and np.isfinite(reward).all()):
        raise Wrong("Scores and rewards of bad_mean are to be finite.")
    p = _policy(score)
    if p.min() < 0.01 - 1e-12:
        raise Wrong("A probability of bad_mean is below 0.01.")
    if np.abs(reward).max() > 1 + 1e-12:
        raise Wrong("The rewards of bad_mean lie between -1 and 1.")
    if np.diff(np.sort(reward)).min() < 0.01 - 1e-12:
        raise Wrong(
            "Any two rewards of bad_mean are to be at least 0.01 apart."
        )
    best = _variance(score, reward, _best(score, reward))
    if best < 1e-6:
        raise Wrong(
            "In bad_mean the best constant leaves no variance worth speaking of."
        )
    if _variance(score, reward, float(p @ reward)) < 10 * best:
        raise Wrong(
            "In bad_mean the mean reward is not ten times worse than the best constant."
        )


MUTANTS = {
    "second moment": Mutant(
        old="np.sum((term - mean) ** 2, axis=1)",
        new="np.sum(term**2, axis=1)",
        falls_by="variance_of_a_policy",
        says="is not taken off",
    ),
    "mean over components": Mutant(
        old="np.sum((term - mean) ** 2, axis=1)",
        new="np.mean((term - mean) ** 2, axis=1)",
        falls_by="variance_of_a_policy",
        says="mean over the components",
    ),
    "a standard deviation": Mutant(
        old="float(p @ np.sum((term - mean) ** 2, axis=1))",
        new="float(np.sqrt(p @ np.sum((term - mean) ** 2, axis=1)))",
        falls_by="variance_of_a_policy",
        says="standard deviation",
    ),
    "items alike": Mutant(
        old="float(p @ np.sum((term - mean) ** 2, axis=1))",
        new="float(np.mean(np.sum((term - mean) ** 2, axis=1)))",
        falls_by="variance_of_a_policy",
        says="mean squared length",
    ),
    "overflow": Mutant(
        old="""    p = np.exp(score - score.max())
    p = p / p.sum()
    weight""",
        new="""    p = np.exp(score)
    p = p / p.sum()
    weight""",
        falls_by="large_scores",
        says="overflows",
    ),
    "the mean reward": Mutant(
        old="float(weight @ reward / weight.sum())",
        new="float(p @ reward)",
        falls_by="best_of_a_policy",
        says="This is the mean reward",
    ),
    "not how often": Mutant(
        old="weight = p * np.sum((np.eye(len(p)) - p) ** 2, axis=1)",
        new="weight = np.sum((np.eye(len(p)) - p) ** 2, axis=1)",
        falls_by="best_of_a_policy",
        says="how often an item is drawn",
    ),
    "lengths not squared": Mutant(
        old="weight = p * np.sum((np.eye(len(p)) - p) ** 2, axis=1)",
        new="weight = p * np.sqrt(np.sum((np.eye(len(p)) - p) ** 2, axis=1))",
        falls_by="best_of_a_policy",
        says="have to be squared",
    ),
    "by probability and its rest": Mutant(
        old="weight = p * np.sum((np.eye(len(p)) - p) ** 2, axis=1)",
        new="weight = p * (1 - p)",
        falls_by="best_of_a_policy",
        says="all of them have a say",
    ),
    "the wrong way round": Mutant(
        old="return 1 - 1 / n_draw",
        new="return n_draw / (n_draw - 1)",
        falls_by="own_reward_shrinks",
        says="takes its share",
    ),
    "no shrinkage": Mutant(
        old="return 1 - 1 / n_draw",
        new="return 1.0",
        falls_by="own_reward_shrinks",
        says="takes its share",
    ),
    "even policy": Mutant(
        old="np.log([0.9, 0.05, 0.05])",
        new="np.log([0.4, 0.3, 0.3])",
        falls_by="mean_is_bad",
        says="not ten times worse",
    ),
    "two items": Mutant(
        old="return np.log([0.9, 0.05, 0.05]), np.array([1.0, -0.1, 0.1])",
        new="return np.log([0.9, 0.1]), np.array([1.0, 0.0])",
        falls_by="mean_is_bad",
        says="at least three items",
    ),
    "two that pay alike": Mutant(
        old="np.array([1.0, -0.1, 0.1])",
        new="np.array([1.0, 0.0, 0.0])",
        falls_by="mean_is_bad",
        says="0.01 apart",
    ),
    "too rare": Mutant(
        old="np.log([0.9, 0.05, 0.05])",
        new="np.log([0.998, 0.001, 0.001])",
        falls_by="mean_is_bad",
        says="below 0.01",
    ),
}
