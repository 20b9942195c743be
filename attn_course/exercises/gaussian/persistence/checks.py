"""Checks of the measurement that tells holding still from extrapolating."""

from typing import Any

import numpy as np

from attn_course.exercises.checking import Mutant, Wrong, check, close


def _films(
    rng: np.random.Generator, n: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boxes (n, 24, 4), where the digit is seen (n, 24), the last such frame before it hides."""
    n_hidden = int(rng.integers(3, 9))
    last = rng.permutation(np.arange(n) % 7 + 5)
    frame = np.arange(24)
    visible = (frame <= last[:, None]) | (frame > last[:, None] + n_hidden)
    step = rng.normal(0, 2, (n, 24, 2))
    return (
        np.concatenate(
            [step.cumsum(axis=1) + 30, rng.uniform(8, 20, (n, 24, 2))], -1
        ),
        visible,
        last,
    )


@check(points=1)
def one_film_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """The digit goes two pixels to the right and one up in every frame from (20, 40), and hides in
    frames 5 to 7: it was last seen in frame 4, at (28, 36), with the velocity (2, -1)."""
    frame = np.arange(10.0)
    box = np.stack(
        [20 + 2 * frame, 40 - frame, 12 + 0 * frame, 18 + 0 * frame], axis=-1
    )[None]
    visible = (frame < 5) | (frame > 7)
    got = _pair(answer.last_seen(box, visible[None]))
    close(got[0], np.array([[28.0, 36.0]]))
    close(got[1], np.array([[2.0, -1.0]]))


@check(points=1)
def still_and_straight_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """A tracker that stands still has carried 0 in every frame, and one that goes on by the
    velocity in each of three hidden frames has carried 1, 1, 1."""
    velocity = np.array([[2.0, -1.0], [0.5, 1.5]])
    way = velocity[:, None] * np.array([1.0, 2.0, 3.0])[:, None]
    close(answer.carried(np.zeros_like(way), velocity), np.zeros(3))
    close(answer.carried(way, velocity), np.ones(3))


@check(points=1, hidden=True)
def place_is_where_it_was_last_seen(
    answer: Any, rng: np.random.Generator
) -> None:
    """The place is the box's centre in the last frame before the first hidden one, which is another
    frame in every film."""
    box, visible, last = _films(rng, 9)
    place, _ = _pair(answer.last_seen(box, visible))
    film = np.arange(9)
    if np.shape(place) == (9, 2) and np.allclose(
        place, box[film, last + 1, :2]
    ):
        raise Wrong(
            "That is the place in the first hidden frame, one frame too late."
        )
    close(place, box[film, last, :2])


@check(points=1, hidden=True)
def velocity_is_the_mean_of_three_steps(
    answer: Any, rng: np.random.Generator
) -> None:
    """The velocity is the mean of the last three steps that were seen: from the centre three frames
    before the last seen one to the last seen one, divided by three."""
    box, visible, last = _films(rng, 9)
    _, velocity = _pair(answer.last_seen(box, visible))
    film = np.arange(9)
    place = [box[film, last - k, :2] for k in range(4)]
    steps = np.stack(place[:3]) - np.stack(place[1:])
    if np.shape(velocity) == (9, 2) and np.allclose(velocity, steps[0]):
        raise Wrong(
            "That is the last step alone; take the mean of the last three."
        )
    close(velocity, steps.mean(axis=0))


@check(points=3, hidden=True)
def carried_is_the_best_factor(answer: Any, rng: np.random.Generator) -> None:
    """For each hidden frame one factor for all films: the sum over the films of the move times the
    straight way, divided by the sum of the straight way times itself."""
    n, n_hidden = int(rng.integers(5, 9)), int(rng.integers(3, 5))
    velocity = rng.normal(0, 2, (n, 2)) + np.array([1.0, 0.0])
    moved = rng.normal(0, 4, (n, n_hidden, 2))
    number = np.arange(1.0, n_hidden + 1)
    got = answer.carried(moved, velocity)
    straight = np.einsum("k,nc->nkc", number, velocity)
    product, square = (
        np.einsum("nkc,nkc->k", one, straight) for one in (moved, straight)
    )
    share = product / square
    if np.shape(got) == share.shape:
        far, way = (np.linalg.norm(one, axis=2) for one in (moved, straight))
        ratios = (far.sum(axis=0) / way.sum(axis=0), (far / way).mean(axis=0))
        if any(np.allclose(got, one) for one in ratios):
            raise Wrong(
                "A ratio of lengths counts a move sideways or backwards as carrying on."
            )
        if np.allclose(got, share * number):
            raise Wrong(
                "In hidden frame k the straight way is k times the velocity, k from 1."
            )
        if np.allclose(got, product / (far**2).sum(axis=0)):
            raise Wrong(
                "Divide by the straight way times itself, not by the move times itself."
            )
    close(got, share)


def _pair(got: Any) -> tuple[Any, Any]:
    if not isinstance(got, list | tuple) or len(got) != 2:
        raise Wrong("Return two arrays, place and velocity.")
    return got[0], got[1]


MUTANTS = {
    "place one frame too late": Mutant(
        old="place = box[film, last, :2]\n    velocity = (place - box[film, last - 3, :2]) / 3",
        new="place = box[film, last + 1, :2]\n"
        "    velocity = (box[film, last, :2] - box[film, last - 3, :2]) / 3",
        falls_by="place_is_where_it_was_last_seen",
        says="one frame too late",
    ),
    "corner for the centre": Mutant(
        old="return place, velocity",
        new="return place - box[film, last, 2:] / 2, velocity",
        falls_by="place_is_where_it_was_last_seen",
        says="the box's centre",
    ),
    "the last step alone": Mutant(
        old="(place - box[film, last - 3, :2]) / 3",
        new="place - box[film, last - 1, :2]",
        falls_by="velocity_is_the_mean_of_three_steps",
        says="the last step alone",
    ),
    "three steps divided by four": Mutant(
        old="box[film, last - 3, :2]) / 3",
        new="box[film, last - 3, :2]) / 4",
        falls_by="velocity_is_the_mean_of_three_steps",
        says="divided by three",
    ),
    "every film hides when the first does": Mutant(
        old="visible.argmin(axis=1) - 1",
        new="visible[:1].argmin(axis=1) - 1",
        falls_by="place_is_where_it_was_last_seen",
        says="another frame in every film",
    ),
    "ratio of lengths": Mutant(
        old="return (moved * straight).sum(axis=(0, 2)) / (straight**2).sum(axis=(0, 2))",
        new="far = [np.linalg.norm(one, axis=2).sum(axis=0) for one in (moved, straight)]\n"
        "    return far[0] / far[1]",
        falls_by="carried_is_the_best_factor",
        says="sideways or backwards",
    ),
    "mean of the films' own factors": Mutant(
        old="return (moved * straight).sum(axis=(0, 2)) / (straight**2).sum(axis=(0, 2))",
        new="return ((moved * straight).sum(axis=2) / (straight**2).sum(axis=2)).mean(axis=0)",
        falls_by="carried_is_the_best_factor",
        says="one factor for all films",
    ),
    "velocity without the number of frames": Mutant(
        old="straight = frame[:, None] * velocity[:, None, :]",
        new="straight = np.ones_like(frame)[:, None] * velocity[:, None, :]",
        falls_by="carried_is_the_best_factor",
        says="k times the velocity",
    ),
    "hidden frames counted from zero": Mutant(
        old="np.arange(1, moved.shape[1] + 1)",
        new="np.maximum(np.arange(moved.shape[1]), 1)",
        falls_by="carried_is_the_best_factor",
        says="one factor for all films",
    ),
    "divided by the wrong square": Mutant(
        old="/ (straight**2).sum(axis=(0, 2))",
        new="/ (moved**2).sum(axis=(0, 2))",
        falls_by="carried_is_the_best_factor",
        says="not by the move times itself",
    ),
}
