"""Checks of four masks, against the package's and against what must hold of any mask."""

from typing import Any

import numpy as np

from attn_course.exercises.checking import Mutant, Wrong, check, close
from attn_course.preliminaries.reference import softmax
from attn_course.soft_hard.reference import sigmoid_mask

FEATURE = np.array([2.0, 4.0, 6.0])


@check()
def sigmoid_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """A score of 0 lets half of a feature pass, log 3 three quarters, and a very low one nothing."""
    close(
        answer.sigmoid_glimpse(FEATURE, np.array([0.0, np.log(3.0), -60.0])),
        np.array([1.0, 3.0, 0.0]),
        atol=1e-9,
    )


@check()
def context_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """Scores 0 and log 3 give weights 1/4 and 3/4; the rows (4, 0) and (0, 4) sum to (1, 3)."""
    close(
        answer.context(4 * np.eye(2), np.array([0.0, np.log(3.0)])),
        np.array([1.0, 3.0]),
    )


@check()
def hard_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """Of 2, 4, 6 the mask (True, False, True) leaves 2, 6; put back they are 2, 0, 6."""
    mask = np.array([True, False, True])
    close(answer.hard_glimpse(FEATURE, mask), np.array([2.0, 6.0]))
    close(
        answer.put_back(np.array([2.0, 6.0]), mask), np.array([2.0, 0.0, 6.0])
    )


@check(hidden=True)
def entries_are_independent(answer: Any, rng: np.random.Generator) -> None:
    """A sigmoid mask has independent entries: each feature is multiplied by its own sigmoid."""
    feature, score = _features(rng)
    got = answer.sigmoid_glimpse(feature, score)
    weight = softmax(score[None, :])[0]
    _recognise(
        got,
        sigmoid_mask(score) * feature,
        {
            "This is the softmax mask: its entries compete, those of a sigmoid do not.": weight
            * feature,
            "The sign of the score is the other way: a high score lets its feature pass.": sigmoid_mask(
                -score
            )
            * feature,
            "Return the glimpse and not the mask alone: multiply by the feature.": sigmoid_mask(
                score
            ),
            "A soft mask is not rounded to zero and one.": (score > 0)
            * feature,
        },
    )
    close(got, sigmoid_mask(score) * feature)


@check(hidden=True)
def sigmoid_at_extremes(answer: Any, rng: np.random.Generator) -> None:
    """At scores of ten thousand a sigmoid is 1, at minus ten thousand it is 0, and never NaN."""
    feature, _ = _features(rng)
    sign = rng.choice([-1.0, 1.0], len(feature))
    close(answer.sigmoid_glimpse(feature, 1e4 * sign), (sign > 0) * feature)


@check(hidden=True)
def context_is_a_weighted_sum(answer: Any, rng: np.random.Generator) -> None:
    """The context is the sum of the values, each times its softmax weight."""
    n, d = (int(k) for k in rng.permutation(np.arange(3, 8))[:2])
    value, score = rng.normal(size=(n, d)) + 3, rng.normal(size=n)
    want = softmax(score[None])[0] @ value
    _recognise(
        answer.context(value, score),
        want,
        {
            "Sum over the items; a mean divides by their number once more, and the weights have "
            "done so already.": want / n,
            "The weights must sum to one: divide by their sum.": np.exp(score)
            @ value,
            "These are sigmoids as weights: they do not sum to one.": sigmoid_mask(
                score
            )
            @ value,
            "Take all items with their weights, not the likeliest alone.": value[
                np.argmax(score)
            ],
        },
    )
    close(answer.context(value, score), want)


@check(hidden=True)
def softmax_at_extremes(answer: Any, rng: np.random.Generator) -> None:
    """With scores of thousands one item takes all the weight, and no number becomes NaN."""
    value = rng.normal(size=(4, 3))
    first = int(rng.integers(4))
    for sign in (1.0, -1.0):
        score = np.full(4, sign * 9_000.0)
        score[first] += 500
        close(answer.context(value, score), value[first])


@check(hidden=True)
def hard_changes_the_size(answer: Any, rng: np.random.Generator) -> None:
    """A hard glimpse holds the chosen features alone, in their order, zeros among them included."""
    for _ in range(3):
        feature, score = _features(rng)
        mask = score > 0
        feature[np.argmax(mask)] = 0.0  # a chosen feature may be zero
        got = answer.hard_glimpse(feature, mask)
        if np.shape(got) == mask.shape and not mask.all():
            raise Wrong(
                "The hard glimpse is shorter than the features: index, do not multiply."
            )
        if np.shape(got) == (mask.sum() - 1,):
            raise Wrong(
                "A chosen feature that happens to be zero was dropped; the mask decides, and not "
                "the feature."
            )
        close(got, feature[mask])


@check(hidden=True)
def nothing_and_everything(answer: Any, rng: np.random.Generator) -> None:
    """A mask may choose nothing, which leaves an empty glimpse, or everything."""
    feature, _ = _features(rng)
    none = np.zeros(len(feature), bool)
    close(answer.hard_glimpse(feature, none), np.zeros(0))
    close(answer.hard_glimpse(feature, ~none), feature)
    close(answer.put_back(np.zeros(0), none), np.zeros(len(feature)))


@check(hidden=True)
def back_in_its_place(answer: Any, rng: np.random.Generator) -> None:
    """Put back, each number stands where it came from, and the places left out are zero."""
    for _ in range(3):
        feature, score = _features(rng)
        mask = score > 0
        _recognise(
            answer.put_back(feature[mask], mask),
            mask * feature,
            {
                "The numbers stand at the front; each belongs in its old place.": np.sort(
                    ~mask
                )
                * 0
                + np.concatenate([feature[mask], np.zeros((~mask).sum())]),
                "They are in the places that were left out.": _spread(
                    feature[mask], ~mask
                ),
            },
        )
        close(answer.put_back(feature[mask], mask), mask * feature)


def _spread(glimpse: np.ndarray, mask: np.ndarray) -> np.ndarray:
    whole = np.zeros(len(mask))
    n = min(len(glimpse), int(mask.sum()))
    whole[np.flatnonzero(mask)[:n]] = glimpse[:n]
    return whole


def _features(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Features far from zero, and scores of both signs; the first and the last differ in sign."""
    n = int(rng.integers(6, 10))
    score = rng.uniform(0.3, 2, n) * np.where(
        rng.permutation(n) % 2 == 0, 1, -1
    )
    if score[0] > 0 and np.all(
        np.diff((score > 0).astype(int)) <= 0
    ):  # chosen ones all in front
        score = score[::-1].copy()
    return rng.uniform(1, 3, n), score


def _recognise(
    got: Any, want: np.ndarray, mistakes: dict[str, np.ndarray]
) -> None:
    """Name the mistake if the answer is the one that it leads to, and not the right one."""
    if np.shape(got) != want.shape or np.allclose(got, want):
        return
    for sentence, wrong in mistakes.items():
        if np.allclose(got, wrong):
            raise Wrong(sentence)


MUTANTS = {
    "softmax for sigmoid": Mutant(
        old="(1 + np.tanh(score / 2)) / 2 * feature",
        new="np.exp(score - score.max()) / np.exp(score - score.max()).sum() * feature",
        falls_by="entries_are_independent",
        says="its entries compete",
    ),
    "tanh of the whole score": Mutant(
        old="np.tanh(score / 2)",
        new="np.tanh(score)",
        falls_by="entries_are_independent",
        says="its own sigmoid",
    ),
    "sign of the score": Mutant(
        old="np.tanh(score / 2)",
        new="np.tanh(-score / 2)",
        falls_by="entries_are_independent",
        says="other way",
    ),
    "the mask alone": Mutant(
        old="(1 + np.tanh(score / 2)) / 2 * feature",
        new="(1 + np.tanh(score / 2)) / 2",
        falls_by="entries_are_independent",
        says="multiply by the feature",
    ),
    "a sigmoid that overflows": Mutant(
        old="(1 + np.tanh(score / 2)) / 2 * feature",
        new="np.exp(score) / (1 + np.exp(score)) * feature",
        falls_by="sigmoid_at_extremes",
        says="never NaN",
    ),
    "a mean": Mutant(
        old="return weight / weight.sum() @ value",
        new="return (weight / weight.sum())[:, None].__mul__(value).mean(axis=0)",
        falls_by="context_is_a_weighted_sum",
        says="have done so already",
    ),
    "not normalised": Mutant(
        old="weight = np.exp(score - score.max())\n    return weight / weight.sum() @ value",
        new="return np.exp(score) @ value",
        falls_by="context_is_a_weighted_sum",
        says="divide by their sum",
    ),
    "the likeliest alone": Mutant(
        old="weight = np.exp(score - score.max())\n    return weight / weight.sum() @ value",
        new="return value[score.argmax()]",
        falls_by="context_is_a_weighted_sum",
        says="not the likeliest alone",
    ),
    "a softmax that overflows": Mutant(
        old="np.exp(score - score.max())",
        new="np.exp(score)",
        falls_by="softmax_at_extremes",
        says="no number becomes NaN",
    ),
    "multiplies and keeps the size": Mutant(
        old="return feature[mask]",
        new="return feature * mask if 0 < mask.sum() < len(mask) else feature[mask]",
        falls_by="hard_changes_the_size",
        says="index, do not multiply",
    ),
    "drops zeros": Mutant(
        old="return feature[mask]",
        new="return (feature * mask)[feature * mask != 0]",
        falls_by="hard_changes_the_size",
        says="happens to be zero",
    ),
    "at least one": Mutant(
        old="return feature[mask]",
        new="return feature[mask] if mask.any() else feature[:1]",
        falls_by="nothing_and_everything",
        says="must have shape (0,)",
    ),
    "at the front": Mutant(
        old="whole[mask] = glimpse",
        new="whole[: len(glimpse)] = glimpse",
        falls_by="back_in_its_place",
        says="stand at the front",
    ),
}
