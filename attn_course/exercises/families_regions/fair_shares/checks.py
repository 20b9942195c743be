"""Checks of the penalty and its slopes, which are taken here along the imaginary axis."""

from typing import Any

import numpy as np

from attn_course._typing import Array
from attn_course.exercises.checking import Mutant, Wrong, check, close

GLANCES = np.array([[0.5, 0.5, 0.0], [0.25, 0.5, 0.25], [0.9, 0.05, 0.05]])
TWO = np.array([True, True, False])  # the third step is padding


@check()
def shares_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """The steps (1/2, 1/2, 0) and (1/4, 1/2, 1/4) give the shares 3/4, 1 and 1/4: the penalty is
    1/16 + 0 + 9/16 = 5/8. A third step that does not count changes nothing."""
    close(answer.fairness(GLANCES, TWO), 0.625)


@check()
def slopes_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """With shares 3/4, 1 and 1/4 the slopes are -1/2, 0 and -3/2 at both steps that count, and zero at
    the third."""
    row = [-0.5, 0.0, -1.5]
    close(
        answer.weight_slopes(GLANCES, TWO),
        np.array([row, row, [0.0, 0.0, 0.0]]),
    )


@check()
def one_step_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """One step whose scores 0 and ln 3 weigh 1/4 and 3/4: the slopes by the weights are -3/2 and -1/2,
    their mean is -3/4, and the slopes by the scores -3/16 and 3/16. At least, it could be 1/2."""
    got = answer.score_slopes(np.log([[1.0, 3.0]]), np.array([True]))
    close(got, np.array([[-3.0, 3.0]]) / 16)
    close(answer.least(1, 2), 0.5)


def _steps(rng: np.random.Generator) -> tuple[Array, Array]:
    """Weights whose rows do not sum to one, and a mask in which steps of both kinds stand."""
    n_step, n_region = int(rng.integers(5, 8)), int(rng.integers(7, 10))
    mask = rng.permutation(np.arange(n_step) < n_step - 2)
    return rng.uniform(0.1, 0.6, (n_step, n_region)), mask


def _penalty(weight: Any, mask: Array) -> Any:
    return sum((1 - sum(column)) ** 2 for column in weight[mask].T)


def _slopes(function: Any, at: Array) -> Array:
    """Exact slopes of a function of an array, by a tiny step along the imaginary axis."""
    slope = np.zeros(at.shape)
    for place in np.ndindex(at.shape):
        moved = at.astype(complex)
        moved[place] += 1e-30j
        slope[place] = function(moved).imag / 1e-30
    return slope


def _glances(score: Any) -> Any:
    bell = np.exp(score - score.max(axis=1, keepdims=True))
    return bell / bell.sum(axis=1, keepdims=True)


@check(hidden=True)
def penalty_of_all_regions(answer: Any, rng: np.random.Generator) -> None:
    """Sum over the steps first, then take each region's squared distance from one, then sum these."""
    for _ in range(3):
        weight, mask = _steps(rng)
        want, kept = float(_penalty(weight, mask)), weight[mask]
        _recognise(
            answer.fairness(weight, mask),
            want,
            {
                "Steps that do not count were summed too.": _penalty(
                    weight, mask | True
                ),
                "The mask is turned: True means that a step counts.": _penalty(
                    weight, ~mask
                ),
                "It is the regions that get a share over the steps, not the steps over the "
                "regions.": np.sum((1 - kept.sum(axis=1)) ** 2),
                "Square the distance of the sum, not the sum of distances.": np.sum(
                    1 - kept.sum(0)
                )
                ** 2,
                "The squares are missing.": np.sum(
                    np.abs(1 - kept.sum(axis=0))
                ),
                "The distances of the regions add up; this is their mean.": want
                / len(weight[0]),
                "One distance for each region, after the sum over the steps.": np.sum(
                    (1 - kept) ** 2
                ),
            },
        )


@check(hidden=True)
def push_on_the_weights(answer: Any, rng: np.random.Generator) -> None:
    """Each weight of a step that counts is pushed by what its region's share lacks, twice."""
    for _ in range(3):
        weight, mask = _steps(rng)
        want = _slopes(lambda moved, mask=mask: _penalty(moved, mask), weight)
        everywhere = want[mask][:1] + np.zeros_like(weight)
        _recognise(
            answer.weight_slopes(weight, mask),
            want,
            {
                "The sign is turned: where the share is too small, more weight lowers the penalty.": (
                    -want
                ),
                "The square gives a factor of two.": want / 2,
                "A step that does not count has no slope.": everywhere,
                "Every step that counts is asked for the same, the whole of what is lacking.": (
                    want / mask.sum()
                ),
                "The share is a sum over all the steps that count, and not this step's own.": (
                    -2 * mask[:, None] * (1 - weight)
                ),
            },
        )


@check(hidden=True)
def push_on_the_scores(answer: Any, rng: np.random.Generator) -> None:
    """By the scores the slopes go through each step's softmax, whose rows have one glance to give."""
    for _ in range(3):
        weight, mask = _steps(rng)
        score = rng.normal(0, 1.5, weight.shape)
        glance = _glances(score)
        # Their own slopes by the weights: who has these wrong is told above.
        push = np.asarray(answer.weight_slopes(glance, mask))
        if push.shape != glance.shape:
            raise Wrong(
                "Slopes by the scores need those by the weights, of the same shape."
            )
        want = glance * (push - np.sum(glance * push, axis=1, keepdims=True))
        _recognise(
            answer.score_slopes(score, mask),
            want,
            {
                "These are the slopes by the weights; go on to the scores.": push,
                "The mean of the slopes under the weights has to come off.": glance
                * push,
                "The mean that comes off is the one under the weights, not the plain one.": glance
                * (push - push.mean(axis=1, keepdims=True)),
                "The sign is turned.": -want,
                "Each step's softmax goes over the regions.": _over_steps(
                    score, mask
                ),
            },
        )


def _over_steps(score: Array, mask: Array) -> Array:
    glance = _glances(np.where(mask[:, None], score, 0.0).T).T
    push = np.where(mask[:, None], 2 * (glance[mask].sum(axis=0) - 1), 0.0)
    return glance * (push - np.sum(glance * push, axis=1, keepdims=True))


@check(hidden=True)
def large_scores_of_a_step(answer: Any, rng: np.random.Generator) -> None:
    """A large number that is added to all scores of a step changes no slope."""
    weight, mask = _steps(rng)
    score = rng.normal(0, 1, weight.shape)
    for level in (1e6, -1e6):
        close(
            answer.score_slopes(score + level, mask),
            answer.score_slopes(score, mask),
            rtol=1e-6,
        )


@check(hidden=True)
def padding_reaches_nothing(answer: Any, rng: np.random.Generator) -> None:
    """What stands in a step that does not count, NaN too, reaches neither the penalty nor a slope."""
    for junk in (np.nan, np.inf, -np.inf):
        weight, mask = _steps(rng)
        spoilt = np.where(mask[:, None], weight, junk)
        clean = np.where(mask[:, None], weight, 0.0)
        for ask in (
            answer.fairness,
            answer.weight_slopes,
            answer.score_slopes,
        ):
            close(ask(spoilt, mask), ask(clean, mask))


@check(hidden=True)
def nothing_counts(answer: Any, rng: np.random.Generator) -> None:
    """Where no step counts each region lacks its whole share, and nobody can be pushed."""
    weight = rng.uniform(0, 1, (3, int(rng.integers(4, 9))))
    mask = np.zeros(3, bool)
    close(answer.fairness(weight, mask), float(weight.shape[1]))
    close(answer.weight_slopes(weight, mask), 0 * weight)
    close(answer.score_slopes(weight, mask), 0 * weight)


@check(hidden=True)
def least_of_all(answer: Any, rng: np.random.Generator) -> None:
    """The shares of all regions sum to the number of steps, and the penalty is least if they are equal."""
    for n_step, n_region in rng.integers([2, 30], [20, 200], (3, 2)).tolist():
        for one, other in ((n_step, n_region), (n_region, n_step)):
            want = (one - other) ** 2 / other
            _recognise(
                answer.least(one, other),
                want,
                {
                    "Zero would need as many steps as there are regions.": 0.0,
                    "With few steps some regions can have a whole share and the others none; equal "
                    "shares are better still.": float(max(other - one, 0)),
                    "The same distance stands at every region: divide by their number.": want
                    * other,
                },
            )
    close(answer.least(7, 7), 0.0)


def _recognise(got: Any, want: Any, mistakes: dict[str, Any]) -> None:
    """Name the mistake if the numbers are those that it leads to; else see that they are right."""
    if np.shape(got) == np.shape(want) and not np.allclose(
        got, want, rtol=1e-7
    ):
        for sentence, value in mistakes.items():
            if np.allclose(got, value, rtol=1e-7):
                raise Wrong(sentence)
    close(got, want)


MUTANTS = {
    "padding counted": Mutant(
        old="    share = np.where(mask[:, None], weight, 0.0).sum(axis=0)\n    return float",
        new="    share = np.nan_to_num(weight, posinf=0, neginf=0).sum(axis=0)\n    return float",
        falls_by="penalty_of_all_regions",
        says="were summed too",
    ),
    "mask turned": Mutant(
        old="    share = np.where(mask[:, None], weight, 0.0).sum(axis=0)\n    return float",
        new="    share = np.where(mask[:, None], 0.0, weight).sum(axis=0)\n    return float",
        falls_by="penalty_of_all_regions",
        says="mask is turned",
    ),
    "shares of the steps": Mutant(
        old="    return float(np.sum((1 - share) ** 2))",
        new="    inside = np.where(mask[:, None], weight, 0.0).sum(axis=1)\n"
        "    short = mask * (1 - inside) ** 2\n"
        "    return float(np.sum(short) if mask.any() else len(share))",
        falls_by="penalty_of_all_regions",
        says="not the steps over the regions",
    ),
    "no square": Mutant(
        old="np.sum((1 - share) ** 2)",
        new="np.sum(np.abs(1 - share))",
        falls_by="penalty_of_all_regions",
        says="squares are missing",
    ),
    "mean over the regions": Mutant(
        old="np.sum((1 - share) ** 2)",
        new="np.mean((1 - share) ** 2)",
        falls_by="penalty_of_all_regions",
        says="this is their mean",
    ),
    "sign of the push": Mutant(
        old="2 * (share - 1), 0.0)",
        new="2 * (1 - share), 0.0)",
        falls_by="push_on_the_weights",
        says="sign is turned",
    ),
    "half the push": Mutant(
        old="2 * (share - 1), 0.0)",
        new="share - 1, 0.0)",
        falls_by="push_on_the_weights",
        says="factor of two",
    ),
    "padding pushed": Mutant(
        old="np.where(mask[:, None], 2 * (share - 1), 0.0)",
        new="np.tile(2 * (share - 1), (len(mask), 1))",
        falls_by="push_on_the_weights",
        says="no slope",
    ),
    "push divided among the steps": Mutant(
        old="    return np.where(mask[:, None], 2 * (share - 1), 0.0)",
        new="    each = 2 * (share - 1) / max(mask.sum(), 1)\n"
        "    return np.where(mask[:, None], each, 0.0)",
        falls_by="push_on_the_weights",
        says="whole of what is lacking",
    ),
    "only the weights": Mutant(
        old="return glance * (push - mean)",
        new="return push",
        falls_by="push_on_the_scores",
        says="go on to the scores",
    ),
    "no mean off": Mutant(
        old="return glance * (push - mean)",
        new="return glance * push",
        falls_by="push_on_the_scores",
        says="has to come off",
    ),
    "the plain mean": Mutant(
        old="mean = np.sum(glance * push, axis=1, keepdims=True)",
        new="mean = np.mean(push, axis=1, keepdims=True)",
        falls_by="push_on_the_scores",
        says="not the plain one",
    ),
    "softmax over the steps": Mutant(
        old="""    glance = np.exp(level - level.max(axis=1, keepdims=True))
    glance = glance / glance.sum(axis=1, keepdims=True)""",
        new="""    glance = np.exp(level - level.max(axis=0))
    glance = glance / glance.sum(axis=0)""",
        falls_by="push_on_the_scores",
        says="goes over the regions",
    ),
    "overflow": Mutant(
        old="np.exp(level - level.max(axis=1, keepdims=True))",
        new="np.exp(level)",
        falls_by="large_scores_of_a_step",
        says="added to all scores",
    ),
    "zero times NaN": Mutant(
        old="    share = np.where(mask[:, None], weight, 0.0).sum(axis=0)\n    return float",
        new="    share = (mask[:, None] * weight).sum(axis=0)\n    return float",
        falls_by="padding_reaches_nothing",
        says="reaches neither",
    ),
    "scores of padding": Mutant(
        old="level = np.where(mask[:, None], score, 0.0)",
        new="level = score",
        falls_by="padding_reaches_nothing",
        says="reaches neither",
    ),
    "a mean over nothing": Mutant(
        old="    return float(np.sum((1 - share) ** 2))",
        new="    return float(np.sum((1 - share) ** 2)) if mask.any() else 0.0",
        falls_by="nothing_counts",
        says="lacks its whole share",
    ),
    "zero at least": Mutant(
        old="return (n_region - n_step) ** 2 / n_region",
        new="return 0.0",
        falls_by="least_of_all",
        says="as many steps",
    ),
    "some have all": Mutant(
        old="return (n_region - n_step) ** 2 / n_region",
        new="return float(max(n_region - n_step, 0))",
        falls_by="least_of_all",
        says="equal shares are better",
    ),
    "once more the regions": Mutant(
        old="return (n_region - n_step) ** 2 / n_region",
        new="return float((n_region - n_step) ** 2)",
        falls_by="least_of_all",
        says="divide by their number",
    ),
}
