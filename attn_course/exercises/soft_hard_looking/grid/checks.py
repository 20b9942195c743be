"""Checks of the readings of a walk, of the two controls, and of the record of errors."""

from functools import cache
from typing import Any

import numpy as np

from attn_course._typing import Array
from attn_course.exercises.checking import Mutant, Wrong, check, close

N_CELL, N_LINE, NOISE = 48, 400, 0.35
SPACINGS, WANDERS = (0, 1, 2, 3, 4, 6, 8, 12), (3, 5, 12)
ARMS = ("policy", "random", "grid", "yoked")
N_SEED, N_AGAIN = 3, 3  # fewest seeds; trials of each arm that are run again
KEYS = ("seed", "wander", "arm", "spacing", "error")
Scene = tuple[Array, Array, Array]


def _lines(wander: int) -> Array:
    bits = (np.arange(8)[:, None] >> np.array([2, 1, 0])) & 1
    sign = 1 + np.concatenate([bits - 0.5, 0.5 - bits], axis=1)
    found = np.zeros((8, 2 * wander + 1, N_CELL))
    for k in range(2 * wander + 1):
        found[:, k, 21 - wander + k : 27 - wander + k] = sign
    return found


def _scene(seed: int, wander: int, part: str, n_line: int = N_LINE) -> Scene:
    rng = np.random.default_rng([seed, wander, len(part) - 4])
    label = rng.integers(8, size=N_LINE)
    line = _lines(wander)[label, rng.integers(2 * wander + 1, size=N_LINE)]
    noise = NOISE * rng.standard_normal((N_LINE, 3, 8))
    return line[:n_line], label[:n_line], noise[:n_line]


def _eye(place: int) -> Array:
    """The eight rows by which a line is read at a place."""
    rows = np.zeros((8, N_CELL + 32))
    for k in range(4):
        rows[k, 16 + place - 2 + k] = 1
        rows[4 + k, 16 + place - 8 + 4 * k : 16 + place - 4 + 4 * k] = 0.25
    return rows[:, 16 : 16 + N_CELL]


EYES = np.stack([_eye(place) for place in range(N_CELL)])


@cache
def _shown(wander: int) -> Array:
    """What each line shows from each place: (places, 8, starts, 8)."""
    return np.asarray(np.einsum("prc,skc->pskr", EYES, _lines(wander)))


def _chances(wander: int, given: Scene, place: Array) -> Array:
    """How likely each sign at each start is: (n, 8, starts)."""
    line, _, noise = given
    every = _lines(wander)
    score = np.zeros((len(line), *every.shape[:2]))
    for t in range(place.shape[1]):
        eye = EYES[place[:, t]]
        seen = np.einsum("nrc,nc->nr", eye, line) + noise[:, t]
        shown = _shown(wander)[place[:, t]]
        score -= ((seen[:, None, None] - shown) ** 2).sum(axis=-1) / (
            2 * NOISE**2
        )
    weight = np.exp(score - score.max(axis=(1, 2), keepdims=True))
    return np.asarray(weight / weight.sum(axis=(1, 2), keepdims=True))


def _error(wander: int, given: Scene, place: Array) -> float:
    sign = _chances(wander, given, place).sum(axis=2).argmax(axis=1)
    return float(np.mean(sign != given[1]))


def _policy(wander: int, given: Scene) -> Array:
    place = np.full((len(given[0]), 1), 24)
    for _ in range(2):
        start = _chances(wander, given, place).sum(axis=1).argmax(axis=1)
        place = np.append(place, start[:, None] + 24 - wander, axis=1)
    return place


def _grid(spacing: int, n_line: int) -> Array:
    return np.array([[24, 24 - spacing, 24 + spacing]] * n_line)


def _errors(seed: int, wander: int, part: str) -> Array:
    given = _scene(seed, wander, part)
    return np.array(
        [_error(wander, given, _grid(s, N_LINE)) for s in SPACINGS]
    )


def _whole(got: Any, shape: tuple[int, ...]) -> Array:
    """Places, which are whole numbers on the line."""
    if not isinstance(got, np.ndarray) or got.dtype.kind not in "iu":
        raise Wrong("Return the places as an array of whole numbers.")
    if got.shape != shape:
        raise Wrong(
            "There must be a row for each line, and a place for each look."
        )
    return got


def _trials(record: Any) -> list[dict[str, Any]]:
    """The trials of a record; a sentence where one cannot be read."""
    trials = record.get("trials") if isinstance(record, dict) else None
    if not isinstance(trials, list) or not trials:
        raise Wrong(
            'looking_record() must return a dictionary whose "trials" is a list of dictionaries.'
        )
    read = []
    for one in trials:
        if not isinstance(one, dict) or not set(KEYS) <= set(one):
            raise Wrong(
                'Each trial is a dictionary with "seed", "wander", "arm", "spacing" and "error".'
            )
        if one["arm"] not in ARMS:
            raise Wrong('"arm" is "policy", "random", "grid" or "yoked".')
        values = {key: np.asarray(one[key]) for key in KEYS if key != "arm"}
        if any(v.shape or v.dtype.kind not in "iuf" for v in values.values()):
            raise Wrong(
                'All that a trial holds, "arm" apart, is single numbers.'
            )
        seed, wander, spacing, error = values.values()
        if seed.dtype.kind == "f" or not 0 <= seed < 2**31:
            raise Wrong(
                '"seed" is a whole number, at least 0 and less than 2**31.'
            )
        if (
            wander not in WANDERS
            or spacing not in SPACINGS
            or not 0 <= error <= 1
        ):
            raise Wrong(
                '"wander" is one of WANDERS, "spacing" of SPACINGS, and "error" between 0 and 1.'
            )
        read.append(
            {
                key: one["arm"] if key == "arm" else values[key].item()
                for key in KEYS
            }
        )
    return read


@check()
def four_errors_are_predicted(answer: Any, rng: np.random.Generator) -> None:
    """expected_errors() must return a share from 0 to 1 for "policy", "random", "grid" and "yoked"."""
    got = answer.expected_errors()
    if not isinstance(got, dict) or set(got) != set(ARMS):
        raise Wrong(
            'Return a dictionary with the keys "policy", "random", "grid" and "yoked".'
        )
    if not all(np.ndim(got[arm]) == 0 and 0 <= got[arm] <= 1 for arm in ARMS):
        raise Wrong("An error is a share, a number between 0 and 1.")


@check()
def a_dull_walk_and_its_spread(answer: Any, rng: np.random.Generator) -> None:
    """A grid of spacing 3 looks at 24, 21 and 27 on each line, and its places have no spread; those of
    two lines that are looked at in 24, 10 and in 24, 14 have the spreads 0 and 2."""
    close(_whole(answer.grid_walk(3, 2), (2, 3)), [[24, 21, 27], [24, 21, 27]])
    close(answer.place_spread(np.array([[24, 10], [24, 14]])), [0.0, 2.0])


@check()
def a_walk_without_noise(answer: Any, rng: np.random.Generator) -> None:
    """Without noise, and looked at in the middle of where they lie, no sign is misread; looked at in
    the cell 2, far from any, all signs look alike, the first is the answer, and 7 of 8 are wrong."""
    line, label = _lines(5)[:, 5], np.arange(8)
    given = line, label, np.zeros((8, 3, 8))
    close(answer.share_wrong(5, given, np.full((8, 3), 24)), 0.0)
    close(answer.share_wrong(5, given, np.full((8, 2), 2)), 7 / 8)


@check(hidden=True, points=3)
def errors_of_random_walks(answer: Any, rng: np.random.Generator) -> None:
    """share_wrong must be the share of lines whose likeliest sign, all starts taken together, is not
    their label, each look with its own noise at its own places."""
    for wander in (3, 5):
        given = _scene(int(rng.integers(2**31)), wander, "train", 300)
        place = rng.integers(14, 34, (300, 3))
        got, want = (
            answer.share_wrong(wander, given, place),
            _error(wander, given, place),
        )
        chance = _chances(wander, given, place)
        pairs = chance.reshape(300, -1).argmax(axis=1) // (2 * wander + 1)
        still = given[0], given[1], given[2][:, [0, 0, 0]]
        if np.ndim(got) == 0 and abs(got - want) > 1e-9:
            for value, reason in (
                (1 - want, "This is the share of right answers."),
                (
                    300 * want,
                    "This is a number of lines, and their share is asked for.",
                ),
                (
                    np.mean(pairs != given[1]),
                    "Take the likeliest sign, not the likeliest sign and start.",
                ),
                (
                    _error(wander, still, place),
                    "Each look has its own noise, noise[:, t].",
                ),
                (
                    _error(wander, (*given[:2], 0 * given[2]), place),
                    "The noise is missing from what is seen.",
                ),
                (
                    _error(wander, given, place[:, :1]),
                    "Only the first look is used.",
                ),
                (
                    _error(wander, given, place[:, -1:]),
                    "Only the last look is used.",
                ),
            ):
                if abs(got - value) < 1e-9:
                    raise Wrong(reason)
        close(got, want)
    few = place[:, :2]
    close(answer.share_wrong(wander, given, few), _error(wander, given, few))


@check(hidden=True)
def grid_of_any_size(answer: Any, rng: np.random.Generator) -> None:
    """A grid looks at the middle, left of it and right of it, in this order, and alike on all lines."""
    for _ in range(3):
        spacing, n_line = int(rng.integers(1, 13)), int(rng.integers(2, 9))
        got = _whole(answer.grid_walk(spacing, n_line), (n_line, 3))
        want = _grid(spacing, n_line)
        if (np.sort(got, axis=1) == np.sort(want, axis=1)).all() and (
            got != want
        ).any():
            raise Wrong(
                "The places are right, and the order is the middle, left, right."
            )
        close(got, want)


@check(
    hidden=True,
    points=2,
    safety="a record may be right by a choice of its own, and best_spacing wrong",
)
def spacing_from_training_lines(answer: Any, rng: np.random.Generator) -> None:
    """best_spacing must return the spacing with the fewest errors on the training scene."""
    found = 0
    while found < 2:
        seed, wander = int(rng.integers(2**31)), int(rng.integers(4, 8))
        train, test = (
            _errors(seed, wander, part) for part in ("train", "test")
        )
        if train.argmin() == test.argmin():
            continue
        found += 1
        got = answer.best_spacing(seed, wander)
        if np.ndim(got) == 0 and got != SPACINGS[train.argmin()]:
            if got == SPACINGS[test.argmin()]:
                raise Wrong(
                    "The spacing is chosen on the lines it will be tested on, so the grid knows them."
                )
            if got == SPACINGS[train.argmax()]:
                raise Wrong("This is the worst of the spacings.")
        close(got, SPACINGS[train.argmin()])


@check(hidden=True, points=3)
def the_missing_control(answer: Any, rng: np.random.Generator) -> None:
    """yoked_walk must deal the same walks, whole and each once, out to other lines than their own."""
    for n_line in (2, 7, 40):
        place = rng.permutation(48 * 48)[:n_line]
        place = np.stack(
            [np.full(n_line, 24), place // 48, place % 48], axis=1
        )
        got = _whole(answer.yoked_walk(place), place.shape)
        if n_line == 2:
            close(
                got,
                place[::-1],
                "Of two lines each must get the walk of the other.",
            )
            continue
        if (got == place).all():
            raise Wrong(
                "Nothing has changed: each line still has the walk that was made for it."
            )
        mine, given = (
            {tuple(row) for row in one.tolist()} for one in (got, place)
        )
        if mine != given:
            if all(
                (np.sort(got[:, t]) == np.sort(place[:, t])).all()
                for t in range(3)
            ):
                raise Wrong(
                    "The places of each look are those of the policy, but its walks are torn apart: "
                    "what goes with what within a walk must stay."
                )
            if mine < given:
                raise Wrong(
                    "Some walks are used more than once, and others not at all."
                )
            raise Wrong(
                "There are walks that the policy never took; use its own."
            )
        if (got == place).all(axis=1).any():
            raise Wrong("Some line has kept the walk that was made for it.")


@check(hidden=True)
def spread_of_each_look(answer: Any, rng: np.random.Generator) -> None:
    """place_spread must be the standard deviation over the lines, for each look."""
    place = rng.integers(0, 48, (9, 3)) + np.array([0, 20, 60])
    got, want = answer.place_spread(place), place.std(axis=0)
    if np.shape(got) == (9,):
        raise Wrong(
            "This is the spread within a walk; it is that over the lines which is asked for."
        )
    if np.shape(got) == (3,):
        if np.allclose(got, want**2):
            raise Wrong(
                "This is a variance, and the standard deviation is asked for."
            )
        if np.allclose(got, place.std(axis=0, ddof=1)):
            raise Wrong("Divide by the number of lines, and not by one less.")
    close(got, want)


@check(points=1, hidden=True)
def record_holds_every_arm(answer: Any, rng: np.random.Generator) -> None:
    """The record must hold, for three seeds or more, each of the three wanders with each of the four
    arms."""
    trials = _trials(answer.looking_record())
    seeds = {one["seed"] for one in trials}
    if len(seeds) < N_SEED:
        raise Wrong(
            f"The record has {len(seeds)} different seeds; run {N_SEED} at least."
        )
    run = {(one["seed"], one["wander"], one["arm"]) for one in trials}
    if len(run) < len(seeds) * len(WANDERS) * len(ARMS):
        raise Wrong("Some seed lacks some arm at some of the wanders.")


@check(points=1, hidden=True)
def means_are_those_of_the_trials(
    answer: Any, rng: np.random.Generator
) -> None:
    """The four numbers under "mean" must be the means of the recorded errors at wander 5, over all
    seeds of the record."""
    record = answer.looking_record()
    trials = _trials(record)
    mean = record.get("mean")
    if not isinstance(mean, dict) or set(mean) != set(ARMS):
        raise Wrong(
            '"mean" must be a dictionary with the keys "policy", "random", "grid" and "yoked".'
        )
    for arm in ARMS:
        errors = [
            one["error"]
            for one in trials
            if one["arm"] == arm and one["wander"] == 5
        ]
        if not errors:
            raise Wrong("Some arm has no trials at wander 5.")
        close(mean[arm], np.mean(errors), rtol=1e-6)


@check(points=3, hidden=True)
def errors_run_again_agree(answer: Any, rng: np.random.Generator) -> None:
    """Run again on the test scenes of their seeds, some of the recorded trials have another error."""
    trials = _trials(answer.looking_record())
    if any(one["spacing"] for one in trials if one["arm"] != "grid"):
        raise Wrong("Only the grid has a spacing; for the other arms it is 0.")
    for arm in ARMS:
        mine = [one for one in trials if one["arm"] == arm]
        if len(mine) < N_AGAIN:
            raise Wrong("There are too few trials to run some again.")
        for i in rng.permutation(len(mine))[:N_AGAIN]:
            one = mine[i]
            seed, wander, spacing = (
                one["seed"],
                one["wander"],
                int(one["spacing"]),
            )
            given = _scene(seed, wander, "test")
            if arm == "random":
                random = np.random.default_rng([seed, 7])
                place = random.integers(N_CELL, size=(N_LINE, 3))
            elif arm == "grid":
                place = _grid(spacing, N_LINE)
            else:
                place = _policy(wander, given)
            if arm == "yoked":
                own, place = (
                    place,
                    _whole(answer.yoked_walk(place), place.shape),
                )
                if place.min() < 0 or place.max() >= N_CELL:
                    raise Wrong("Your control looks beyond the line.")
                kept = _error(wander, given, own)
            want = _error(wander, given, place)
            if abs(one["error"] - want) > 0.006:
                train = _scene(seed, wander, "train")
                if (
                    arm in ("random", "grid")
                    and abs(one["error"] - _error(wander, train, place))
                    < 0.006
                ):
                    raise Wrong(
                        "Your errors are those on the training lines; test on the test scene."
                    )
                if arm == "yoked" and abs(one["error"] - kept) < 0.006:
                    raise Wrong(
                        "What is recorded as yoked is the policy once more."
                    )
                close(one["error"], want, rtol=0, atol=0.006)
            if (
                arm == "grid"
                and spacing
                != SPACINGS[_errors(seed, wander, "train").argmin()]
            ):
                raise Wrong(
                    "The grid's spacing is not the best one for this seed and wander."
                )


MUTANTS = {
    "right answers": Mutant(
        old="sign.argmax(axis=1) != label",
        new="sign.argmax(axis=1) == label",
        falls_by="errors_of_random_walks",
        says="share of right answers",
    ),
    "the likeliest start": Mutant(
        old="belief(wander, np.stack(seen, axis=1), place).sum(axis=2)",
        new="belief(wander, np.stack(seen, axis=1), place).max(axis=2)",
        falls_by="errors_of_random_walks",
        says="not the likeliest sign and start",
    ),
    "one noise for all": Mutant(
        old="seen = [look(line, place[:, t]) + noise[:, t] for t in looks]",
        new="seen = [look(line, place[:, t]) + noise[:, 0] for t in looks]",
        falls_by="errors_of_random_walks",
        says="its own noise",
    ),
    "no noise": Mutant(
        old="seen = [look(line, place[:, t]) + noise[:, t] for t in looks]",
        new="seen = [look(line, place[:, t]) for t in looks]",
        falls_by="errors_of_random_walks",
        says="noise is missing",
    ),
    "the first look alone": Mutant(
        old="looks = range(place.shape[1])",
        new="looks = range(1)",
        falls_by="errors_of_random_walks",
        says="Only the first look",
    ),
    "always three looks": Mutant(
        old="looks = range(place.shape[1])",
        new="looks = range(N_LOOK)",
        falls_by="errors_of_random_walks",
        says="IndexError",
    ),
    "right before left": Mutant(
        old="np.array([0, -1, 1])",
        new="np.array([0, 1, -1])",
        falls_by="grid_of_any_size",
        says="the order is",
    ),
    "from left to right": Mutant(
        old="np.array([0, -1, 1])",
        new="np.array([-1, 0, 1])",
        falls_by="grid_of_any_size",
        says="the order is",
    ),
    "as many lines as a scene has": Mutant(
        old="return np.tile(place, (n_line, 1))",
        new="return np.tile(place, (N_LINE, 1))",
        falls_by="grid_of_any_size",
        says="a row for each line",
    ),
    "chosen on the test": Mutant(
        old='given = scene(seed, wander, "train")',
        new='given = scene(seed, wander, "test")',
        falls_by="spacing_from_training_lines",
        says="it will be tested on",
    ),
    "the worst spacing": Mutant(
        old="return SPACINGS[int(np.argmin(error))]",
        new="return SPACINGS[int(np.argmax(error))]",
        falls_by="spacing_from_training_lines",
        says="worst",
    ),
    "nothing yoked": Mutant(
        old="return np.roll(place, 1, axis=0)",
        new="return place.copy() if len(place) > 2 else place[::-1]",
        falls_by="the_missing_control",
        says="Nothing has changed",
    ),
    "walks torn apart": Mutant(
        old="return np.roll(place, 1, axis=0)",
        new="if len(place) == 2:\n        return place[::-1]\n"
        "    looks = range(place.shape[1])\n"
        "    return np.stack([np.roll(place[:, t], 1 + t) for t in looks], axis=1)",
        falls_by="the_missing_control",
        says="torn apart",
    ),
    "one walk for all": Mutant(
        old="return np.roll(place, 1, axis=0)",
        new="if len(place) == 2:\n        return place[::-1]\n"
        "    return np.tile(place[0], (len(place), 1))",
        falls_by="the_missing_control",
        says="more than once",
    ),
    "the mean walk": Mutant(
        old="return np.roll(place, 1, axis=0)",
        new="if len(place) == 2:\n        return place[::-1]\n"
        "    mean = np.rint(place.mean(axis=0)).astype(int)\n"
        "    return np.tile(mean, (len(place), 1)) + np.arange(len(place))[:, None]",
        falls_by="the_missing_control",
        says="never took",
    ),
    "turned round": Mutant(
        old="return np.roll(place, 1, axis=0)",
        new="return place[::-1]",
        falls_by="the_missing_control",
        says="has kept the walk",
    ),
    "looks exchanged": Mutant(
        old="return np.roll(place, 1, axis=0)",
        new="return np.roll(place, 1, axis=1)",
        falls_by="the_missing_control",
        says="walk of the other",
    ),
    "spread of a walk": Mutant(
        old="return np.std(place, axis=0)",
        new="return np.std(place, axis=1)",
        falls_by="spread_of_each_look",
        says="within a walk",
    ),
    "a variance": Mutant(
        old="return np.std(place, axis=0)",
        new="return np.var(place, axis=0)",
        falls_by="spread_of_each_look",
        says="is a variance",
    ),
    "two seeds": Mutant(
        old="for seed in (1, 2, 3):",
        new="for seed in (1, 2):",
        falls_by="record_holds_every_arm",
        says="has 2 different seeds",
    ),
    "without the wide world": Mutant(
        old="for wander in WANDERS:",
        new="for wander in WANDERS[:-1]:",
        falls_by="record_holds_every_arm",
        says="lacks some arm",
    ),
    "the mean over all wanders": Mutant(
        old='if one["arm"] == arm and one["wander"] == 5',
        new='if one["arm"] == arm',
        falls_by="means_are_those_of_the_trials",
        says="at wander 5",
    ),
    "tested on training lines": Mutant(
        old='given = scene(seed, wander, "test")',
        new='given = scene(seed, wander, "train")',
        falls_by="errors_run_again_agree",
        says="have another error",
    ),
    "the policy for its control": Mutant(
        old='"yoked": yoked_walk(walked),',
        new='"yoked": walked,',
        falls_by="errors_run_again_agree",
        says="the policy once more",
    ),
    "one spacing for all": Mutant(
        old="spacing = best_spacing(seed, wander)",
        new="spacing = 12",
        falls_by="errors_run_again_agree",
        says="not the best one",
    ),
}
