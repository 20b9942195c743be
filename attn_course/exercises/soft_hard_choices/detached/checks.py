"""Checks of the two losses: their values, and where their gradients go."""

from typing import Any

import numpy as np

from attn_course._typing import Array
from attn_course.exercises.checking import Mutant, Wrong, check, close

Places = tuple[Array, Any, Array, Array, Array, Array]
Items = tuple[Array, Array, Array, Array]
N = 8  # examples of a batch


def _places(rng: np.random.Generator) -> Places:
    """Places of which some hit the box, some miss it along one axis, and some along both."""
    low, high = np.array([0.1, -0.5]), np.array([0.7, 0.2])
    inside, outside = (
        rng.uniform(low + 0.05, high - 0.05, (N, 2)),
        high + rng.uniform(0.2, 0.6, (N, 2)),
    )
    kind = np.arange(N) % 4
    place = np.where(
        np.stack([kind % 2, kind // 2], axis=1) == 1, outside, inside
    )
    std, noise = float(rng.uniform(0.3, 0.6)), rng.normal(size=(N, 2))
    return (
        place - std * noise,
        np.float64(std),
        noise,
        rng.uniform(0.1, 0.9, N),
        low,
        high,
    )


def _paid(given: Places) -> Array:
    mean, std, noise, _, low, high = given
    place = mean + std * noise
    return np.all((place > low) & (place < high), axis=1).astype(float)


def _items(rng: np.random.Generator) -> Items:
    return (
        rng.normal(size=(N, 4)),
        rng.integers(0, 4, N),
        rng.normal(1, 1, N),
        rng.normal(size=N),
    )


def _log_policy(score: Array) -> Array:
    score = score - score.max(axis=1, keepdims=True)
    return score - np.log(np.exp(score).sum(axis=1, keepdims=True))


def _log_density(noise: Array, std: Any) -> Array:
    return np.asarray(
        -(noise**2).sum(axis=1) / 2 - 2 * np.log(std) - np.log(2 * np.pi)
    )


def _place_value(given: Places) -> Array:
    _, std, noise, baseline, _, _ = given
    gain = _paid(given) - baseline
    log_p = _log_density(noise, std)
    return -gain * log_p + gain**2 / 2


def _item_value(given: Items) -> Array:
    score, choice, reward, baseline = given
    log_p = _log_policy(score)[np.arange(len(choice)), choice]
    gain = reward - baseline
    return -gain * log_p + gain**2 / 2


@check()
def a_place_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """One place in the box, noise (1, 0), std 1/2, baseline 1/4: the gain is 3/4, log p is
    -1/2 + 2 log 2 - log 2 pi = -0.9516, and so the loss is 0.9949 and its gradient by the mean
    -3/4 · (2, 0) = (-1.5, 0)."""
    given = (
        np.zeros((1, 2)),
        np.float64(0.5),
        np.array([[1.0, 0.0]]),
        np.array([0.25]),
        np.array([-1.0, -1.0]),
        np.array([1.0, 1.0]),
    )
    log_p = -0.5 + 2 * np.log(2) - np.log(2 * np.pi)
    close(answer.place_loss(*given), [-0.75 * log_p + 0.75**2 / 2])
    close(answer.gradient("place_loss", np.ones(1), *given)[0], [[-1.5, 0.0]])


@check()
def an_item_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """Two items of equal score, the first drawn, paid 1 with 0 expected: the gradient by the scores is
    (-1/2, 1/2), by the baseline -1, and by the reward 0."""
    given = np.zeros((1, 2)), np.array([0]), np.array([1.0]), np.array([0.0])
    by_score, by_reward, by_baseline = answer.gradient(
        "item_loss", np.ones(1), *given
    )
    close(by_score, [[-0.5, 0.5]])
    close(by_baseline, [-1.0])
    close(by_reward, [0.0])


@check(hidden=True, points=2)
def value_of_the_place_loss(answer: Any, rng: np.random.Generator) -> None:
    """The value of place_loss is wrong: a place is paid if it lies in the box in both coordinates,
    and each example's gain goes with its own log-density."""
    given = _places(rng)
    got, want = answer.place_loss(*given), _place_value(given)
    if np.shape(got) == want.shape and not np.allclose(got, want):
        _, std, noise, baseline, _, _ = given
        log_p = _log_density(noise, std)
        gain = _paid(given) - baseline
        if np.allclose(got, -gain.mean() * log_p + gain**2 / 2):
            raise Wrong(
                "The gain is averaged over the batch: every place is paid alike."
            )
    close(got, want)


@check(hidden=True, points=2)
def mean_learns(answer: Any, rng: np.random.Generator) -> None:
    """The gradient of place_loss by the mean must be minus gain times noise over std."""
    given = _places(rng)
    got = answer.gradient("place_loss", np.ones(N), *given)[0]
    if np.shape(got) == given[0].shape and np.allclose(got, 0):
        raise Wrong(
            "The mean gets no gradient at all: the place moves along with it."
        )
    close(got, -(_paid(given) - given[3])[:, None] * given[2] / given[1])


@check(hidden=True)
def std_learns(answer: Any, rng: np.random.Generator) -> None:
    """The gradient of place_loss by the std must be minus the sum of gain times
    (squared noise - 2) / std."""
    given = _places(rng)
    gain = _paid(given) - given[3]
    want = -np.sum(gain * ((given[2] ** 2).sum(axis=1) - 2)) / given[1]
    close(answer.gradient("place_loss", np.ones(N), *given)[1], want)


@check(hidden=True, points=2)
def baseline_of_places_learns(answer: Any, rng: np.random.Generator) -> None:
    """The gradient of place_loss by the baseline must be baseline - reward."""
    given = _places(rng)
    got = answer.gradient("place_loss", np.ones(N), *given)[3]
    want = given[3] - _paid(given)
    if np.shape(got) == want.shape:
        if np.allclose(got, 0):
            raise Wrong(
                "The baseline of the places gets no gradient: it must learn from the square."
            )
        if np.allclose(got, want + _log_density(given[2], given[1])):
            raise Wrong(
                "The gain in front of the log-density is attached to the baseline."
            )
    close(got, want)


@check(hidden=True)
def value_of_the_item_loss(answer: Any, rng: np.random.Generator) -> None:
    """The value of item_loss is wrong for random scores."""
    given = _items(rng)
    close(answer.item_loss(*given), _item_value(given))


@check(hidden=True)
def large_scores(answer: Any, rng: np.random.Generator) -> None:
    """With scores a thousand apart the loss of the items must be finite: the logarithm of a
    probability that is too small for a float is not minus infinity."""
    score, choice, reward, baseline = _items(rng)
    score[np.arange(N), choice] -= 1000
    got = answer.item_loss(score, choice, reward, baseline)
    if np.shape(got) != (N,) or not np.isfinite(got).all():
        raise Wrong(
            "With scores a thousand apart the loss of the items is not finite."
        )


@check(hidden=True, points=2)
def scores_learn(answer: Any, rng: np.random.Generator) -> None:
    """The gradient of item_loss by the scores must be minus gain times ([i = j] - p)."""
    given = _items(rng)
    score, choice, reward, baseline = given
    got = answer.gradient("item_loss", np.ones(N), *given)[0]
    gain = (reward - baseline)[:, None]
    close(got, -gain * (np.eye(4)[choice] - np.exp(_log_policy(score))))


@check(hidden=True, points=2)
def rest_of_the_items(answer: Any, rng: np.random.Generator) -> None:
    """The gradient of item_loss by the baseline must be baseline - reward, and by the reward zero."""
    given = _items(rng)
    score, choice, reward, baseline = given
    _, by_reward, by_baseline = answer.gradient(
        "item_loss", np.ones(N), *given
    )
    want = baseline - reward
    log_p = _log_policy(score)[np.arange(N), choice]
    if np.shape(by_baseline) == want.shape:
        if np.allclose(by_baseline, want + log_p):
            raise Wrong(
                "The gain in front of log p is attached to the baseline of the items."
            )
        if np.allclose(by_baseline, 0):
            raise Wrong(
                "The baseline of the items gets no gradient: it must learn from the square."
            )
    close(by_baseline, want)
    close(
        by_reward,
        np.zeros(N),
        "A gradient goes to the reward, which is given.",
    )


MUTANTS = {
    "place attached": Mutant(
        old="location = (mean + std * noise).detach()",
        new="location = mean + std * noise",
        falls_by="mean_learns",
        says="moves along with it",
    ),
    "place held, mean detached as well": Mutant(
        old="square = ((location - mean) ** 2).sum(dim=-1)",
        new="square = ((location - mean.detach()) ** 2).sum(dim=-1)",
        falls_by="mean_learns",
        says="no gradient at all",
    ),
    "std held": Mutant(
        old="-square / (2 * std**2) - 2 * std.log()",
        new="-square / (2 * std.detach()**2) - 2 * std.log()",
        falls_by="std_learns",
        says="by the std",
    ),
    "one log for two axes": Mutant(
        old="- 2 * std.log() -",
        new="- std.log() -",
        falls_by="value_of_the_place_loss",
        says="value of place_loss",
    ),
    "no normaliser": Mutant(
        old=" - math.log(2 * math.pi)",
        new="",
        falls_by="value_of_the_place_loss",
        says="value of place_loss",
    ),
    "paid for one axis": Mutant(
        old="inside.all(dim=-1)",
        new="inside.any(dim=-1)",
        falls_by="value_of_the_place_loss",
        says="in both coordinates",
    ),
    "gain of the batch": Mutant(
        old="return -gain * log_p",
        new="return -gain.mean() * log_p",
        falls_by="value_of_the_place_loss",
        says="every place is paid alike",
    ),
    "gain of the places attached": Mutant(
        old="""    gain = (reward - baseline).detach()
    return -gain * log_p""",
        new="""    gain = reward - baseline
    return -gain * log_p""",
        falls_by="baseline_of_places_learns",
        says="attached to the baseline",
    ),
    "baseline of the places detached": Mutant(
        old="return -gain * log_p + (reward - baseline) ** 2 / 2",
        new="return -gain * log_p + (reward - baseline.detach()) ** 2 / 2",
        falls_by="baseline_of_places_learns",
        says="must learn from the square",
    ),
    "half a square missing": Mutant(
        old="return -gain * taken + (reward - baseline) ** 2 / 2",
        new="return -gain * taken + (reward - baseline) ** 2 / 2 + gain",
        falls_by="value_of_the_item_loss",
        says="value of item_loss",
    ),
    "logarithm of a softmax": Mutant(
        old="log_p = score.log_softmax(dim=-1)",
        new="log_p = torch.log(torch.softmax(score, dim=-1))",
        falls_by="large_scores",
        says="is not finite",
    ),
    "scores of the probability": Mutant(
        old="    taken = log_p.gather(-1, choice[:, None])[:, 0]",
        new="    taken = log_p.gather(-1, choice[:, None])[:, 0]\n"
        "    taken = taken.detach() + (taken.exp() - taken.exp().detach())",
        falls_by="scores_learn",
        says="by the scores",
    ),
    "gain of the items attached": Mutant(
        old="""    gain = (reward - baseline).detach()
    return -gain * taken""",
        new="""    gain = reward - baseline
    return -gain * taken""",
        falls_by="rest_of_the_items",
        says="attached to the baseline of the items",
    ),
    "reward attached": Mutant(
        old="    reward = reward.detach()\n",
        new="",
        falls_by="rest_of_the_items",
        says="goes to the reward",
    ),
    "baseline of the items detached": Mutant(
        old="return -gain * taken + (reward - baseline) ** 2 / 2",
        new="return -gain * taken + (reward - baseline.detach()) ** 2 / 2",
        falls_by="rest_of_the_items",
        says="of the items gets no gradient",
    ),
}
