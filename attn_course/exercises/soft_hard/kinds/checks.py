"""Checks of four kinds of attention, and of the loop as its own functions say it should go."""

from typing import Any

import numpy as np

from attn_course.exercises.checking import Mutant, Wrong, check, close
from attn_course.preliminaries.reference import softmax
from attn_course.soft_hard import reference

SIZE, STD = 3, 0.1
IMAGE = np.arange(20.0).reshape(4, 5) + 1


@check()
def items_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """Scores 0 and log 3 mix the items (4, 0) and (0, 4) to (1, 3); the likeliest alone is (0, 4)."""
    item, score = 4 * np.eye(2), np.array([0.0, np.log(3.0)])
    close(answer.soft_item(score, item, None), np.array([1.0, 3.0]))
    close(answer.hard_item(score, item, np.zeros(2)), np.array([0.0, 4.0]))


@check()
def locations_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """In the middle of 4 rows and 5 columns the crop of 3 starts in row 1 and column 1."""
    close(
        answer.soft_location(np.zeros((4, 5)), IMAGE, None),
        IMAGE / 2,
    )
    close(
        answer.hard_location(np.zeros(2), IMAGE, np.zeros(2)), IMAGE[1:4, 1:4]
    )


@check()
def first_step_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """At the first step all scores are zero: the glimpse is the mean of the items."""
    item = np.array([[1.0, 0.0], [0.0, 3.0]])
    state = answer.walk(
        "soft_item",
        item,
        [None],
        np.ones((2, 2)),
        np.eye(2),
        np.zeros((2, 2)),
    )
    close(state, np.tanh([[0.5, 1.5]]))


@check(hidden=True)
def soft_items(answer: Any, rng: np.random.Generator) -> None:
    """The soft item is a sum of all items, under weights that are positive and sum to one."""
    score, item, _ = _items(rng)
    weight = softmax(score[None, :])[0]
    _recognise(
        answer.soft_item(score, item, None),
        weight @ item,
        {
            "Divide the exponentials by their sum.": np.exp(
                score - score.max()
            )
            @ item,
            "The scores are not weights yet: take their softmax.": score
            @ item,
            "These weights are sigmoids; those of items are a softmax.": reference.sigmoid_mask(
                score
            )
            @ item,
        },
    )
    close(answer.soft_item(score, item, None), weight @ item)


@check(hidden=True)
def hard_items(answer: Any, rng: np.random.Generator) -> None:
    """The hard item is one item, the one at which score plus noise is largest."""
    for _ in range(6):
        score, item, noise = _items(rng)
        want = item[np.argmax(score + noise)]
        _recognise(
            answer.hard_item(score, item, noise),
            want,
            {
                "The noise decides too: add it to the scores.": item[
                    np.argmax(score)
                ],
                "The largest sum of score and noise wins, not the smallest.": item[
                    np.argmin(score + noise)
                ],
            },
        )
        close(answer.hard_item(score, item, noise), want)


@check(hidden=True)
def soft_locations(answer: Any, rng: np.random.Generator) -> None:
    """The soft mask of an image has independent entries: each pixel times its own sigmoid."""
    image = rng.uniform(1, 2, (5, 4))
    score = rng.normal(size=(5, 4)) * 2
    want = reference.soft_location(score, image[None])[0]
    weight = softmax(score.reshape(1, -1)).reshape(5, 4)
    _recognise(
        answer.soft_location(score, image, None),
        want,
        {
            "This mask sums to one over the image; the entries of a sigmoid mask are "
            "independent.": weight * image,
            "The sign of the scores is the other way.": image - want,
        },
    )
    close(answer.soft_location(score, image, None), want)


@check(hidden=True)
def crops_inside(answer: Any, rng: np.random.Generator) -> None:
    """Inside the image the crop is a slice around the place, x being the column and y the row."""
    for _ in range(6):
        place = rng.uniform(-0.35, 0.35, 2)
        _crop(answer, rng, (12, 15), place, rng.uniform(-1, 1, 2))


@check(hidden=True)
def crops_at_the_border(answer: Any, rng: np.random.Generator) -> None:
    """Where the crop leaves the image it is zero, and its size stays the same."""
    for corner in rng.permutation(
        [(-1.0, -1.0), (1.0, 1.0), (-1.0, 1.0), (1.0, -0.9)]
    ):
        image = rng.uniform(1, 2, (6, 8))
        got = answer.hard_location(corner, image, np.zeros(2))
        want = reference.hard_location(
            corner, image[None], np.zeros(2), SIZE, STD
        )[0]
        if np.shape(got) != want.shape:
            raise Wrong(
                "At the border the crop keeps its size: zeros stand where there is no image."
            )
        _recognise(
            got,
            want,
            {
                "The crop was moved into the image; it is to stay where it is and be zero "
                "outside.": _moved(image, corner),
            },
        )
        close(got, want)


@check(hidden=True)
def the_loop(answer: Any, rng: np.random.Generator) -> None:
    """Control from the state before, glimpse from the control, new state from glimpse and state."""
    for kind in ("soft_item", "hard_item"):
        w_control, w_input, w_hidden = (
            rng.normal(size=(4, 3)),
            rng.normal(size=(3, 2)) / 4,
            rng.normal(size=(3, 3)),
        )
        feature = rng.normal(size=(4, 2))
        noise = [rng.normal(size=4) for _ in range(4)]
        draws = noise if kind == "hard_item" else [None] * 4
        weights = (w_control, w_input, w_hidden)
        _walks(answer, kind, feature, draws, weights)


@check(hidden=True)
def the_loop_on_images(answer: Any, rng: np.random.Generator) -> None:
    """On an image the control of a mask is brought into the image's shape, and glimpses flattened."""
    image = rng.uniform(0, 1, (3, 4))
    weights = (
        rng.normal(size=(12, 5)),
        rng.normal(size=(5, 12)) / 4,
        rng.normal(size=(5, 5)),
    )
    _walks(answer, "soft_location", image, [None] * 3, weights)
    weights = (
        rng.normal(size=(2, 5)) / 9,
        rng.normal(size=(5, 9)) / 4,
        rng.normal(size=(5, 5)),
    )
    noise = [rng.uniform(-1, 1, 2) for _ in range(3)]
    _walks(answer, "hard_location", image, noise, weights)


def _walks(
    answer: Any, kind: str, feature: np.ndarray, noise: list, weights: tuple
) -> None:
    """The loop again, on the student's own kind: who has that wrong is told so elsewhere."""
    w_control, w_input, w_hidden = weights
    own = getattr(answer, kind)
    got = answer.walk(kind, feature, noise, *weights)

    def states(late: bool, forgets: bool, plain: bool) -> np.ndarray:
        hidden, found = np.zeros(len(w_hidden)), []
        for k in range(len(noise)):
            control = w_control @ hidden
            if kind == "soft_location":
                control = control.reshape(feature.shape)
            draw = noise[0] if late else noise[k]
            glimpse = np.asarray(own(control, feature, draw))
            total = w_input @ glimpse.ravel()
            total = total if forgets else total + w_hidden @ hidden
            hidden = total if plain else np.tanh(total)
            found.append(hidden)
        return np.array(found)

    want = states(False, False, False)
    if np.shape(got) == want[0].shape:
        raise Wrong("Return the states of all steps, and not the last alone.")
    wrong = {
        "The state before is missing from the new state.": states(
            False, True, False
        ),
        "The new state is the hyperbolic tangent of the sum.": states(
            False, False, True
        ),
    }
    if noise[0] is not None:
        wrong["Each step has noise of its own."] = states(True, False, False)
    if np.shape(got) == want.shape and np.allclose(got[1:], want[:-1]):
        raise Wrong(
            "Your states are a step late: keep each state after its glimpse."
        )
    _recognise(got, want, wrong)
    close(got, want)


def _crop(
    answer: Any,
    rng: np.random.Generator,
    size: tuple[int, int],
    place: np.ndarray,
    noise: np.ndarray,
) -> None:
    image = rng.uniform(1, 2, size)
    got = answer.hard_location(place, image, noise)

    def right(place: np.ndarray, noise: np.ndarray) -> np.ndarray:
        return reference.hard_location(place, image[None], noise, SIZE, STD)[0]

    _recognise(
        got,
        right(place, noise),
        {
            "Add the noise times STD to the place.": right(place, 0 * noise),
            "x is the column and y the row: an array is indexed by the row first.": reference.crop(
                image[None], _corner(image, place + STD * noise)[::-1], SIZE
            )[0],
            "The noise is to be multiplied by STD.": right(place, noise / STD)
            if np.abs(place + noise).max() <= 1
            else np.zeros(1),
        },
    )
    close(got, right(place, noise))


def _corner(image: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Column and row of a crop's first pixel."""
    middle = (place + 1) / 2 * np.array(image.shape[::-1])
    return np.floor(middle - SIZE / 2 + 0.5).astype(int)


def _moved(image: np.ndarray, place: np.ndarray) -> np.ndarray:
    height, width = image.shape
    x, y = _corner(image, place)
    x, y = np.clip(x, 0, width - SIZE), np.clip(y, 0, height - SIZE)
    return image[y : y + SIZE, x : x + SIZE]


def _items(
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores, items and noise such that the noise changes the winner, and the loser is another."""
    score, item = rng.normal(size=6), rng.normal(size=(6, 3)) + 2
    first, second = rng.permutation(6)[:2]
    score[first], noise = score.max() + 1, rng.normal(size=6)
    noise[second] = score[first] - score[second] + np.abs(noise).max() + 1
    return score, item, noise


def _recognise(
    got: Any, want: np.ndarray, mistakes: dict[str, np.ndarray]
) -> None:
    """Name the mistake if the answer is the one that it leads to, and not the right one."""
    if np.shape(got) != want.shape or np.allclose(got, want):
        return
    for sentence, wrong in mistakes.items():
        if np.shape(wrong) == want.shape and np.allclose(got, wrong):
            raise Wrong(sentence)


MUTANTS = {
    "weights that are not normalised": Mutant(
        old="weight @ feature / weight.sum()",
        new="weight @ feature",
        falls_by="soft_items",
        says="Divide the exponentials",
    ),
    "scores for weights": Mutant(
        old="weight @ feature / weight.sum()",
        new="control @ feature",
        falls_by="soft_items",
        says="not weights yet",
    ),
    "noise ignored": Mutant(
        old="feature[np.argmax(control + noise)]",
        new="feature[np.argmax(control)]",
        falls_by="hard_items",
        says="add it to the scores",
    ),
    "the least likely": Mutant(
        old="feature[np.argmax(control + noise)]",
        new="feature[np.argmin(control + noise)]",
        falls_by="hard_items",
        says="not the smallest",
    ),
    "softmax over the image": Mutant(
        old="feature / (1 + np.exp(-control))",
        new="feature * np.exp(control) / np.exp(control).sum()",
        falls_by="soft_locations",
        says="are independent",
    ),
    "sign of the scores": Mutant(
        old="np.exp(-control)",
        new="np.exp(control)",
        falls_by="soft_locations",
        says="other way",
    ),
    "no noise in the place": Mutant(
        old="control + STD * noise",
        new="control + 0 * noise",
        falls_by="crops_inside",
        says="noise times STD",
    ),
    "rows and columns swapped": Mutant(
        old="left, top = np.floor(",
        new="top, left = np.floor(",
        falls_by="crops_inside",
        says="indexed by the row first",
    ),
    "cut off at the border": Mutant(
        old="    return crop\n",
        new="    return feature[max(top, 0) : top + SIZE, max(left, 0) : left + SIZE].copy()\n",
        falls_by="crops_at_the_border",
        says="keeps its size",
    ),
    "moved into the image": Mutant(
        old="    crop = np.zeros((SIZE, SIZE))\n",
        new="    crop = np.zeros((SIZE, SIZE))\n"
        "    left, top = np.clip([left, top], 0, [width - SIZE, height - SIZE])\n",
        falls_by="crops_at_the_border",
        says="moved into the image",
    ),
    "negative indices": Mutant(
        old="if 0 <= top + i < height and 0 <= left + j < width:",
        new="if top + i < height and left + j < width:",
        falls_by="crops_at_the_border",
        says="it is zero",
    ),
    "the last state alone": Mutant(
        old="return np.array(states)",
        new="return states[-1]",
        falls_by="the_loop",
        says="not the last alone",
    ),
    "no memory": Mutant(
        old="w_input @ glimpse.ravel() + w_hidden @ hidden",
        new="w_input @ glimpse.ravel()",
        falls_by="the_loop",
        says="missing from the new state",
    ),
    "no hyperbolic tangent": Mutant(
        old="np.tanh(w_input @ glimpse.ravel() + w_hidden @ hidden)",
        new="w_input @ glimpse.ravel() + w_hidden @ hidden",
        falls_by="the_loop",
        says="hyperbolic tangent",
    ),
    "one draw for all steps": Mutant(
        old="KINDS[kind](control, feature, draw)",
        new="KINDS[kind](control, feature, noise[0])",
        falls_by="the_loop",
        says="noise of its own",
    ),
    "items only": Mutant(
        old="        glimpse = KINDS[kind](control, feature, draw)\n",
        new="        name = kind.replace('location', 'item')\n"
        "        glimpse = KINDS[name](control, feature, draw)\n",
        falls_by="the_loop_on_images",
        says="On an image",
    ),
    "columns first": Mutant(
        old="glimpse.ravel()",
        new="glimpse.ravel(order='F')",
        falls_by="the_loop_on_images",
        says="On an image",
    ),
}
