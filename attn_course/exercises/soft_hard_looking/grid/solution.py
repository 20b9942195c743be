"""A policy that looks around on a line, and the controls for it."""

from functools import cache
from typing import Any

import numpy as np

N_CELL = 48  # of a line
N_LOOK = 3  # looks at each line
N_LINE = 400  # lines of a scene
NOISE = 0.35  # std of the noise on each number that is read
SPACINGS = (0, 1, 2, 3, 4, 6, 8, 12)  # of grids to choose from, in cells
WANDERS = (3, 5, 12)  # how far a sign may lie from the middle, in cells
ARMS = ("policy", "random", "grid", "yoked")

Scene = tuple[np.ndarray, np.ndarray, np.ndarray]  # line, label, noise


@cache
def every_line(wander: int) -> np.ndarray:
    """All lines that there are, (8 signs, 2 * wander + 1 places, N_CELL)."""
    found = np.zeros((8, 2 * wander + 1, N_CELL))
    for sign in range(8):
        half = np.array([sign & 4, sign & 2, sign & 1], dtype=bool) - 0.5
        for k in range(2 * wander + 1):
            start = N_CELL // 2 - 3 - wander + k
            found[sign, k, start : start + 6] = 1 + np.append(half, -half)
    return found


def scene(seed: int, wander: int, part: str) -> Scene:
    """Lines (N_LINE, N_CELL), labels (N_LINE,), and the noise of looks.

    `part` is "train" or "test".
    """
    rng = np.random.default_rng([seed, wander, len(part) - 4])
    label = rng.integers(8, size=N_LINE)
    line = every_line(wander)[label, rng.integers(2 * wander + 1, size=N_LINE)]
    return line, label, NOISE * rng.standard_normal((N_LINE, N_LOOK, 8))


def look(line: np.ndarray, place: np.ndarray) -> np.ndarray:
    """What is seen at one place of each line, (n, 8): 4 cells, 4 means.

    Sharp are the cells place - 2 to place + 1; the means are of four cells
    each, from place - 8 to place + 7. Beyond the ends lie zeros.
    """
    wide = np.pad(line, ((0, 0), (16, 16)))
    near, far = (np.arange(-n, n) + 16 + place[:, None] for n in (2, 8))
    coarse = np.take_along_axis(wide, far, 1).reshape(-1, 4, 4).mean(axis=2)
    return np.append(np.take_along_axis(wide, near, 1), coarse, axis=1)


@cache
def seen_from(wander: int) -> np.ndarray:
    """What every line shows from every place: (N_CELL, lines, 8)."""
    every = every_line(wander).reshape(-1, N_CELL)
    return np.stack([look(every, np.full(len(every), p)) for p in range(48)])


def belief(wander: int, seen: np.ndarray, place: np.ndarray) -> np.ndarray:
    """How likely each sign at each start is: (n, 8, 2 * wander + 1).

    From what was seen, (n, looks, 8), and where, (n, looks). Nobody who
    knows this world and saw this can do better than to trust it.
    """
    score = np.zeros((len(seen), 8 * (2 * wander + 1)))
    for t in range(seen.shape[1]):
        off = seen[:, t, None] - seen_from(wander)[place[:, t]]
        score -= np.sum(off**2, axis=2) / (2 * NOISE**2)
    weight = np.exp(score - score.max(axis=1, keepdims=True))
    weight /= weight.sum(axis=1, keepdims=True)
    return weight.reshape(len(seen), 8, -1)


def policy_walk(
    wander: int, line: np.ndarray, noise: np.ndarray
) -> np.ndarray:
    """Places (n, N_LOOK) of the policy: the middle, then where it may be."""
    place = np.full((len(line), 1), N_CELL // 2)
    seen = (look(line, place[:, 0]) + noise[:, 0])[:, None]
    for t in range(1, N_LOOK):
        start = belief(wander, seen, place).sum(axis=1).argmax(axis=1)
        goal = start + N_CELL // 2 - wander  # the third cell after it
        place = np.append(place, goal[:, None], axis=1)
        new = (look(line, goal) + noise[:, t])[:, None]
        seen = np.append(seen, new, axis=1)
    return place


def random_walk(seed: int) -> np.ndarray:
    """Places (N_LINE, N_LOOK) anywhere on the line."""
    rng = np.random.default_rng([seed, 7])
    return rng.integers(N_CELL, size=(N_LINE, N_LOOK))


def expected_errors() -> dict[str, float]:
    """The share of wrong answers that you expect from each arm at wander 5."""
    ### BEGIN SOLUTION
    return {"policy": 0.2, "random": 0.6, "grid": 0.4, "yoked": 0.5}
    ### END SOLUTION


def share_wrong(wander: int, given: Scene, place: np.ndarray) -> float:
    """Share of lines misread when looked at in these places (n, looks)."""
    ### BEGIN SOLUTION
    line, label, noise = given
    looks = range(place.shape[1])
    seen = [look(line, place[:, t]) + noise[:, t] for t in looks]
    sign = belief(wander, np.stack(seen, axis=1), place).sum(axis=2)
    return float(np.mean(sign.argmax(axis=1) != label))
    ### END SOLUTION


def grid_walk(spacing: int, n_line: int) -> np.ndarray:
    """The same places for each line: the middle, left of it, right of it."""
    ### BEGIN SOLUTION
    place = N_CELL // 2 + spacing * np.array([0, -1, 1])
    return np.tile(place, (n_line, 1))
    ### END SOLUTION


def best_spacing(seed: int, wander: int) -> int:
    """The best of SPACINGS, chosen where choosing is allowed."""
    ### BEGIN SOLUTION
    given = scene(seed, wander, "train")
    error = [
        share_wrong(wander, given, grid_walk(s, N_LINE)) for s in SPACINGS
    ]
    return SPACINGS[int(np.argmin(error))]
    ### END SOLUTION


def yoked_walk(place: np.ndarray) -> np.ndarray:
    """The missing control: other places for each line, (n, looks)."""
    ### BEGIN SOLUTION
    return np.roll(place, 1, axis=0)
    ### END SOLUTION


def place_spread(place: np.ndarray) -> np.ndarray:
    """How much the place of each look differs from line to line, (looks,)."""
    ### BEGIN SOLUTION
    return np.std(place, axis=0)
    ### END SOLUTION


@cache  # run once, however often it is asked for
def looking_record() -> dict[str, Any]:
    """What was run and what came of it: `trials`, and `mean` at wander 5."""
    ### BEGIN SOLUTION
    trials: list[dict[str, Any]] = []
    for seed in (1, 2, 3):
        for wander in WANDERS:
            given = scene(seed, wander, "test")
            spacing = best_spacing(seed, wander)
            walked = policy_walk(wander, given[0], given[2])
            places = {
                "policy": walked,
                "random": random_walk(seed),
                "grid": grid_walk(spacing, N_LINE),
                "yoked": yoked_walk(walked),
            }
            for arm, place in places.items():
                one: dict[str, Any] = {"seed": seed, "wander": wander}
                one["arm"] = arm
                one["spacing"] = spacing if arm == "grid" else 0
                one["error"] = share_wrong(wander, given, place)
                trials.append(one)
    mean = {}
    for arm in ARMS:
        errors = [
            one["error"]
            for one in trials
            if one["arm"] == arm and one["wander"] == 5
        ]
        mean[arm] = float(np.mean(errors))
    return {"trials": trials, "mean": mean}
    ### END SOLUTION
