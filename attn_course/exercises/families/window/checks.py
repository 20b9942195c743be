"""Checks of a window, of its bell, and of what is left where it has no key."""

from typing import Any

import numpy as np

from attn_course._typing import Array
from attn_course.exercises.checking import Mutant, Wrong, check, close


@check()
def windows_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """Of five keys, a window of radius 1 round place 2 has the keys 1, 2, 3; round 2.5 it has only
    2 and 3; round -1 only key 0; and round 7 none."""
    by_hand = np.array(
        [[0, 1, 1, 1, 0], [0, 0, 1, 1, 0], [1, 0, 0, 0, 0], [0, 0, 0, 0, 0]],
        bool,
    )
    _same_window(
        answer.reached(np.array([2.0, 2.5, -1.0, 7.0]), 5, 1), by_hand
    )


@check()
def weights_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """With equal scores, radius 2 and position 1, the three keys share by thirds, and the bell, whose
    std is 1, leaves exp(-1/2) of the outer two thirds. The sum is 0.738, and stays so."""
    side = np.exp(-0.5) / 3
    got = answer.softened(np.zeros((1, 3)), np.array([1.0]), 2)
    close(got, np.array([[side, 1 / 3, side]]))


@check()
def slopes_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """If the position moves to the right, the right key gains what the left one loses, exp(-1/2)/3 per
    step; the key at the position is at the top of the bell, where it is flat."""
    side = np.exp(-0.5) / 3
    got = answer.by_position(np.zeros((1, 3)), np.array([1.0]), 2)
    close(got, np.array([[-side, 0.0, side]]))


def _same_window(got: Any, open_keys: Array) -> None:
    """Raise Wrong unless this is the window, as booleans."""
    if isinstance(got, np.ndarray) and got.dtype != bool:
        raise Wrong("The window is a mask: return booleans.")
    close(got, open_keys)


def _window(position: Array, n_key: int, radius: int) -> Array:
    return np.array(
        [[abs(j - p) <= radius for j in range(n_key)] for p in position]
    )


def _own(answer: Any, position: Array, n_key: int, radius: int) -> Array:
    """The student's own window: who has that wrong is told so elsewhere."""
    near = answer.reached(position, n_key, radius)
    if np.shape(near) != (len(position), n_key):
        raise Wrong(
            "The window has to have a row for each query before there can be weights."
        )
    return np.asarray(near, bool)


def _share(score: Array, near: Array) -> Array:
    """Softmax over each window, row by row."""
    share = np.zeros(score.shape)
    for row, into, open_ in zip(score, share, near, strict=True):
        if open_.any():
            inside = np.exp(row[open_] - row[open_].max())
            into[open_] = inside / inside.sum()
    return share


def _bell(position: Array, n_key: int, std: float) -> Array:
    return np.exp(-(((np.arange(n_key) - position[:, None]) / std) ** 2) / 2)


def _middle(rng: np.random.Generator) -> tuple[Array, Array, int]:
    """Scores, positions well inside and between the places, and a radius of at least 2."""
    radius = int(rng.integers(2, 5))
    n_key = 2 * radius + int(rng.integers(6, 10))
    position = rng.integers(radius + 1, n_key - radius - 2, 4) + rng.uniform(
        0.2, 0.4, 4
    )
    return rng.normal(0, 1, (4, n_key)), position, radius


@check(hidden=True)
def windows_of_whole_places(answer: Any, rng: np.random.Generator) -> None:
    """A key at the radius exactly belongs to the window: at whole positions it has 2 D + 1 keys."""
    for _ in range(4):
        radius = int(rng.integers(1, 4))
        position = rng.integers(radius, 15 - radius, 3).astype(float)
        _same_window(
            answer.reached(position, 15, radius), _window(position, 15, radius)
        )


@check(hidden=True)
def windows_between_places(answer: Any, rng: np.random.Generator) -> None:
    """A position between two places is not rounded: its window has 2 D keys, as many on each side."""
    for _ in range(4):
        radius = int(rng.integers(1, 4))
        position = rng.integers(radius, 14 - radius, 3) + rng.uniform(
            0.1, 0.9, 3
        )
        _same_window(
            answer.reached(position, 15, radius), _window(position, 15, radius)
        )


@check(hidden=True)
def windows_at_the_ends(answer: Any, rng: np.random.Generator) -> None:
    """At the ends the window loses keys, and it is not moved: from far outside it reaches none."""
    for _ in range(3):
        n_key, radius = int(rng.integers(4, 9)), int(rng.integers(2, 4))
        position = np.array(
            [
                -0.6,
                -1.0 - rng.uniform(0.6, 0.9),
                n_key + 0.6,
                n_key + radius + 2.7,
            ]
        )
        position = np.append(
            position, [-radius - 3.4, n_key - rng.uniform(0.1, 0.4)]
        )
        got = answer.reached(position, n_key, radius)
        if np.shape(got) == (6, n_key) and np.any(np.asarray(got)[3:5]):
            raise Wrong(
                "From far outside no key can be reached; was the position moved inside?"
            )
        _same_window(got, _window(position, n_key, radius))


@check(hidden=True, points=2)
def weights_in_the_window(answer: Any, rng: np.random.Generator) -> None:
    """In the window a weight is a softmax over the window, times a bell of half the radius."""
    for _ in range(3):
        score, position, radius = _middle(rng)
        n_key = score.shape[1]
        near = _own(answer, position, n_key, radius)
        share, bell = _share(score, near), _bell(position, n_key, radius / 2)
        whole = _share(score, near | True)
        want = share * bell
        _recognise(
            answer.softened(score, position, radius),
            want,
            {
                "After the bell the weights were divided by their sum again; they are not to be.": (
                    want / want.sum(axis=1, keepdims=True)
                ),
                "The softmax goes over the window alone; here it went over all keys.": (
                    near * whole * bell
                ),
                "The bell is missing.": share,
                "The std of the bell is half the radius.": share
                * _bell(position, n_key, radius),
                "Under the bell's fraction line stands twice the square of the std.": share
                * _bell(position, n_key, radius / 2 / np.sqrt(2)),
                "The bell has its top at the position itself, which is not rounded.": share
                * _bell(np.rint(position), n_key, radius / 2),
                "Outside the window the weights are to be zero.": whole * bell,
            },
        )


@check(hidden=True)
def scores_of_any_size(answer: Any, rng: np.random.Generator) -> None:
    """Large scores in a window must neither overflow nor be lost below larger ones outside of it."""
    score, position, radius = _middle(rng)
    near = _own(answer, position, score.shape[1], radius)
    small = answer.softened(np.where(near, score, 0.0), position, radius)
    for level in (1e6, -1e6):
        far = np.where(near, score + level, 0.0)
        close(answer.softened(far, position, radius), small, rtol=1e-6)


@check(hidden=True)
def nothing_comes_in(answer: Any, rng: np.random.Generator) -> None:
    """What stands outside the window, NaN or infinity, must reach no weight and no slope."""
    for junk in (np.nan, np.inf, -np.inf):
        score, position, radius = _middle(rng)
        near = _own(answer, position, score.shape[1], radius)
        spoilt = np.where(near, score, junk)
        for ask in (answer.softened, answer.by_position):
            close(
                ask(spoilt, position, radius),
                ask(np.where(near, score, 0), position, radius),
            )


@check(hidden=True)
def rows_without_a_key(answer: Any, rng: np.random.Generator) -> None:
    """A window without a key gives zeros, weights and slopes, and leaves the other rows alone."""
    score, radius = rng.normal(0, 1, (3, 6)), int(rng.integers(1, 4))
    position = np.array(
        [-radius - 2.0, 2.0 + rng.uniform(0.1, 0.2), radius + 8.5]
    )
    empty = np.logical_not(_own(answer, position, 6, radius).any(axis=1))
    for ask in (answer.softened, answer.by_position):
        got = ask(score, position, radius)
        close(got, np.where(empty.reshape(3, 1), 0.0, got))
        close(got[1:2], ask(score[1:2], position[1:2], radius))


@check(hidden=True, points=2)
def slope_of_the_bell(answer: Any, rng: np.random.Generator) -> None:
    """The slope is the weight times the distance, with its sign, over the square of the std."""
    for _ in range(3):
        score, position, radius = _middle(rng)
        away = np.arange(score.shape[1]) - position[:, None]
        weight = np.asarray(answer.softened(score, position, radius))
        if weight.shape != score.shape:
            raise Wrong(
                "The weights have to have the shape of the scores before the slopes can."
            )
        want = weight * away / (radius / 2) ** 2
        mean = np.sum(weight * away, axis=1, keepdims=True)
        _recognise(
            answer.by_position(score, position, radius),
            want,
            {
                "The sign is turned: moved towards a key, the position gives it more.": -want,
                "Divide by the square of the std, and the std is half the radius.": want
                / 4,
                "Divide by the square of the std, not by the std.": want
                * radius
                / 2,
                "By the position, not by the place: is a factor of two left over?": want
                * 2,
                "No mean comes off here, because nothing was normalised after the bell.": (
                    weight
                    * (away - mean / weight.sum(axis=1, keepdims=True))
                    / (radius / 2) ** 2
                ),
            },
        )


def _recognise(got: Any, want: Array, mistakes: dict[str, Array]) -> None:
    """Name the mistake if the numbers are those that it leads to; else see that they are right."""
    if np.shape(got) == want.shape and not np.allclose(got, want, rtol=1e-7):
        for sentence, value in mistakes.items():
            if np.allclose(got, value, rtol=1e-7):
                raise Wrong(sentence)
    close(got, want)


MUTANTS = {
    "without its rim": Mutant(
        old="return np.abs(away) <= radius",
        new="return np.abs(away) < radius",
        falls_by="windows_of_whole_places",
        says="belongs to the window",
    ),
    "from the rounded position": Mutant(
        old="away = np.arange(n_key) - position[:, None]\n    return np.abs",
        new="away = np.arange(n_key) - np.rint(position)[:, None]\n    return np.abs",
        falls_by="windows_between_places",
        says="is not rounded",
    ),
    "moved inside": Mutant(
        old="away = np.arange(n_key) - position[:, None]\n    return np.abs",
        new="place = np.clip(position, 0, n_key - 1)\n"
        "    away = np.arange(n_key) - place[:, None]\n    return np.abs",
        falls_by="windows_at_the_ends",
        says="moved inside",
    ),
    "round the corner": Mutant(
        old="return np.abs(away) <= radius",
        new="away = np.abs(away)\n    return np.minimum(away, n_key - away) <= radius",
        falls_by="windows_at_the_ends",
        says="no key can be reached",
    ),
    "divided again": Mutant(
        old="    return share * np.exp(-(away**2) / (2 * (radius / 2) ** 2))",
        new="    bell = share * np.exp(-(away**2) / (2 * (radius / 2) ** 2))\n"
        "    return bell / np.maximum(bell.sum(axis=1, keepdims=True), 1e-300)",
        falls_by="weights_in_the_window",
        says="divided by their sum again",
    ),
    "softmax over all": Mutant(
        old="    return share * np.exp(-(away**2)",
        new="    safe = np.where(np.isfinite(score), score, -1e300)\n"
        "    wide = np.exp(safe - safe.max(axis=1, keepdims=True))\n"
        "    share = near * wide / wide.sum(axis=1, keepdims=True)\n"
        "    return share * np.exp(-(away**2)",
        falls_by="weights_in_the_window",
        says="over the window alone",
    ),
    "no bell": Mutant(
        old="return share * np.exp(-(away**2) / (2 * (radius / 2) ** 2))",
        new="return share",
        falls_by="weights_in_the_window",
        says="bell is missing",
    ),
    "std of a radius": Mutant(
        old="(2 * (radius / 2) ** 2)",
        new="(2 * radius**2)",
        falls_by="weights_in_the_window",
        says="half the radius",
    ),
    "bell without its two": Mutant(
        old="(2 * (radius / 2) ** 2)",
        new="(radius / 2) ** 2",
        falls_by="weights_in_the_window",
        says="twice the square",
    ),
    "bell at a whole place": Mutant(
        old="    away = np.arange(n_key) - position[:, None]\n    return share",
        new="    away = np.arange(n_key) - np.rint(position)[:, None]\n    return share",
        falls_by="weights_in_the_window",
        says="which is not rounded",
    ),
    "exponentials as they are": Mutant(
        old="share = np.exp(level - top[:, None])",
        new="share = np.exp(level)",
        falls_by="scores_of_any_size",
        says="neither overflow",
    ),
    "NaN plus minus infinity": Mutant(
        old="level = np.where(near, score, -np.inf)",
        new="level = score + np.where(near, 0.0, -np.inf)",
        falls_by="nothing_comes_in",
        says="must reach no weight",
    ),
    "zero over zero": Mutant(
        old="np.where(near.any(axis=1), level.max(axis=1), 0.0)",
        new="level.max(axis=1)",
        falls_by="rows_without_a_key",
        says="without a key gives zeros",
    ),
    "an even row": Mutant(
        old="    away = np.arange(n_key) - position[:, None]\n    return share",
        new="    away = np.arange(n_key) - position[:, None]\n"
        "    share = np.where(near.any(axis=1)[:, None], share, 1 / n_key)\n    return share",
        falls_by="rows_without_a_key",
        says="without a key gives zeros",
    ),
    "sign of the slope": Mutant(
        old="radius) * away / (radius / 2) ** 2",
        new="radius) * -away / (radius / 2) ** 2",
        falls_by="slope_of_the_bell",
        says="sign is turned",
    ),
    "slope by the radius": Mutant(
        old="radius) * away / (radius / 2) ** 2",
        new="radius) * away / radius**2",
        falls_by="slope_of_the_bell",
        says="half the radius",
    ),
    "slope of a softmax": Mutant(
        old="    return softened(score, position, radius) * away / (radius / 2) ** 2",
        new="    weight = softened(score, position, radius)\n"
        "    total = np.maximum(weight.sum(axis=1, keepdims=True), 1e-300)\n"
        "    mean = np.sum(weight * away, axis=1, keepdims=True) / total\n"
        "    return weight * (away - mean) / (radius / 2) ** 2",
        falls_by="slope_of_the_bell",
        says="No mean comes off",
    ),
}
