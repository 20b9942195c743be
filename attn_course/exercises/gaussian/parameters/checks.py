"""Checks of the window that descends on a line, and of the record of its trials."""

from typing import Any

import numpy as np

from attn_course.exercises.checking import Mutant, Wrong, check, close

N_PIXEL, N_FILTER, N_STEP, TIE = 64, 12, 150, 0.75
HALF = (N_FILTER - 1) / 2
RATE = np.array([1.0, 0.03, 0.03])
ARMS = ("free", "tied")
N_TRIAL, N_SEED, N_AGAIN = (
    20,
    3,
    24,
)  # trials of a seed, fewest seeds, trials of an arm run again


def _line(seed: int) -> np.ndarray:
    walk = np.random.default_rng(seed).standard_normal(N_PIXEL).cumsum()
    return (walk - walk.mean()) / walk.std()


def _starts(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng([seed, 1])
    distance = np.repeat([3.0, 6.0, 9.0, 12.0, 15.0], 4)
    stride = np.exp(rng.uniform(-0.2, 0.2, N_TRIAL))
    move = distance * rng.choice([-1, 1], N_TRIAL)
    low = np.maximum(HALF, HALF * stride - move)
    centre = rng.uniform(
        low, N_PIXEL - 1 - np.maximum(HALF, HALF * stride + move)
    )
    target = np.column_stack([centre - HALF, np.ones(N_TRIAL)])
    return target, np.column_stack([centre + move - HALF * stride, stride])


def _read(line: np.ndarray, window: np.ndarray) -> tuple[np.ndarray, ...]:
    """Readings (n, N_FILTER) of lines (n, N_PIXEL) and their slopes by centre and by log std."""
    mean, stride, std = np.moveaxis(window, -1, 0)[..., None]
    place = np.arange(N_PIXEL) - N_PIXEL / 2
    centre = mean + stride * np.arange(N_FILTER) - N_PIXEL / 2
    away = (place - centre[..., None]) / std[..., None]
    weight = np.exp((away**2).min(axis=-1, keepdims=True) / 2 - away**2 / 2)
    weight /= weight.sum(axis=-1, keepdims=True)
    ones = np.ones_like(line)
    powers = np.stack(
        [line, ones * place, line * place, ones * place**2, line * place**2],
        -1,
    )
    value, p, value_p, p_p, value_p_p = np.moveaxis(weight @ powers, -1, 0)
    straight, bent = value_p - value * p, value_p_p - value * p_p
    return value, straight / std**2, (bent - 2 * centre * straight) / std**2


def _slope(
    line: np.ndarray, window: np.ndarray, wanted: np.ndarray
) -> np.ndarray:
    value, by_centre, by_log_std = _read(line, window)
    error = 2 / N_FILTER * (value - wanted)
    lever = window[:, 1, None] * np.arange(N_FILTER)
    parts = (error * by_centre, error * by_centre * lever, error * by_log_std)
    return np.stack([part.sum(axis=-1) for part in parts], axis=-1)


def _descend(
    line: np.ndarray,
    start: np.ndarray,
    target: np.ndarray,
    tied: np.ndarray,
    n_step: int = N_STEP,
) -> np.ndarray:
    """The procedure of the text, each window with a line of its own and tied or not."""
    wanted = _read(line, np.column_stack([target, TIE * target[:, 1]]))[0]
    mean, log_stride, log_std = (
        start[:, 0],
        np.log(start[:, 1]),
        np.log(TIE * start[:, 1]),
    )
    first, second = np.zeros((2, len(start), 3))
    for t in range(n_step):
        log_std = np.where(tied, log_stride + np.log(TIE), log_std)
        window = np.column_stack([mean, np.exp(log_stride), np.exp(log_std)])
        by = _slope(line, window, wanted)
        by[:, 1] += np.where(tied, by[:, 2], 0)
        first += 0.1 * (by - first)
        second += 0.001 * (by**2 - second)
        root = np.sqrt(second / (1 - 0.999 ** (t + 1))) + 1e-8
        step = RATE * (1 - t / n_step) * first / (1 - 0.9 ** (t + 1)) / root
        mean, log_stride, log_std = (
            mean - step[:, 0],
            log_stride - step[:, 1],
            log_std - step[:, 2],
        )
    log_std = np.where(tied, log_stride + np.log(TIE), log_std)
    return np.column_stack([mean, np.exp(log_stride), np.exp(log_std)])


def _found(end: np.ndarray, target: np.ndarray) -> np.ndarray:
    miss = end[:, 0] - target[:, 0] + HALF * (end[:, 1] - target[:, 1])
    return (np.abs(miss) < 1) & (
        np.abs(end[:, 1] - target[:, 1]) < 0.05 * target[:, 1]
    )


def _shaped(got: Any, want: np.ndarray, message: str) -> None:
    if not isinstance(got, np.ndarray) or got.shape != want.shape:
        raise Wrong(message)


def _trials(record: Any) -> list[tuple[str, int, int, bool]]:
    """The trials of a record as (arm, seed, trial, found); a sentence where one cannot be read."""
    trials = record.get("trials") if isinstance(record, dict) else None
    if not isinstance(trials, list) or not trials:
        raise Wrong(
            'record() must return a dictionary whose "trials" is a list of dictionaries.'
        )
    read = []
    for one in trials:
        if not isinstance(one, dict) or not {
            "arm",
            "seed",
            "trial",
            "found",
        } <= set(one):
            raise Wrong(
                'Each trial is a dictionary with "arm", "seed", "trial" and "found".'
            )
        if one["arm"] not in ARMS:
            raise Wrong('The "arm" of a trial is "free" or "tied".')
        seed, trial, found = (
            np.asarray(one[key]) for key in ("seed", "trial", "found")
        )
        whole = seed.dtype.kind in "iu" and trial.dtype.kind in "iu"
        if not whole or seed.shape or trial.shape or found.shape:
            raise Wrong(
                'The "seed" and "trial" of a trial are whole numbers, "found" true or false.'
            )
        if (
            found not in (0, 1)
            or not 0 <= seed < 2**32
            or not 0 <= trial < N_TRIAL
        ):
            raise Wrong(
                '"found" is true or false, "seed" at least 0, "trial" between 0 and 19.'
            )
        read.append((one["arm"], int(seed), int(trial), bool(found)))
    return read


@check(points=1)
def prediction_is_written_down(answer: Any, rng: np.random.Generator) -> None:
    """prediction() must return {"free": share, "tied": share}, shares between 0 and 1."""
    got = answer.prediction()
    if not isinstance(got, dict) or set(got) != set(ARMS):
        raise Wrong('Return a dictionary with the two keys "free" and "tied".')
    if not all(np.ndim(got[arm]) == 0 and 0 <= got[arm] <= 1 for arm in ARMS):
        raise Wrong(
            "A share is a number between 0 and 1: write 0.4 for 40 per cent."
        )


@check(points=1)
def slope_on_a_ramp(answer: Any, rng: np.random.Generator) -> None:
    """The line is I_p = p, a window half a pixel too far right: each reading is 0.5 too large, so
    that the slopes are 2 × 0.5 = 1 by the mean, 2 × 0.5 × 5.5 = 5.5 by the log stride, 0 by the
    log std."""
    wanted = 20.0 + np.arange(N_FILTER)[None]
    got = answer.slope(np.arange(64.0), np.array([[20.5, 1.0, 1.5]]), wanted)
    close(got, [[1.0, 5.5, 0.0]], rtol=1e-4, atol=1e-4)


@check(points=1)
def first_step_is_the_rate(answer: Any, rng: np.random.Generator) -> None:
    """The first step of Adam is the rate itself: on a ramp, three pixels too far right, the mean
    falls from 23 to 22 and the stride from 1 to exp(-0.03) = 0.9704; the std stays 0.75 if free
    and becomes 0.75 × 0.9704 = 0.7278 if tied."""
    for tied, std in ((False, 0.75), (True, 0.75 * np.exp(-0.03))):
        start, target = np.array([[23.0, 1.0]]), np.array([[20.0, 1.0]])
        got = answer.descend(np.arange(64.0), start, target, tied, 1)
        close(got, [[22.0, np.exp(-0.03), std]], rtol=1e-4)


@check(points=1)
def arrived_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """The target's mean is 20 and its stride 1, so its centre lies at 25.5. A window of mean 19 and
    stride 1.1 has its centre at 25.05 and has not arrived, as its stride is 10 % off; one of mean
    20.2 and stride 0.96 has its centre at 25.48 and has."""
    end = np.array([[19.0, 1.1, 0.75], [20.2, 0.96, 0.75]])
    close(
        answer.found(end, np.array([[20.0, 1.0], [20.0, 1.0]])),
        np.array([False, True]),
    )


@check(points=3, hidden=True)
def slopes_are_right(answer: Any, rng: np.random.Generator) -> None:
    """The slopes on random windows are wrong."""
    line, n = rng.standard_normal(N_PIXEL).cumsum(), int(rng.integers(4, 8))
    window = np.column_stack(
        [
            rng.uniform(-6, 50, n),
            rng.uniform(0.6, 1.8, n),
            rng.uniform(0.5, 3, n),
        ]
    )
    wanted = line.mean() + rng.standard_normal((n, N_FILTER))
    got = answer.slope(line, window, wanted)
    want = _slope(np.tile(line, (n, 1)), window, wanted)
    _shaped(got, want, "Return one row for each window, with three slopes.")
    if np.allclose(got, N_FILTER * want, rtol=1e-5):
        raise Wrong(
            "The loss is the mean over the twelve readings, and yours is their sum."
        )
    scale = np.abs(want).max()
    told = (
        "The slope by the mean is wrong: it is the sum, over the filters, of 2/12 times the error "
        "times the covariance of place and line under the filter, over std squared.",
        "The slope by the log stride is wrong: filter i lies at mean + i × stride, so its centre "
        "moves by i × stride for each unit of the log stride.",
        "The slope by the log std is wrong: it is std times the slope by the std, which leaves the "
        "covariance of squared distance and line over std squared.",
    )
    for column, message in enumerate(told):
        close(
            got[:, column],
            want[:, column],
            message,
            rtol=1e-5,
            atol=1e-6 * scale,
        )


def _steady(
    rng: np.random.Generator, tied: bool, n_step: int
) -> tuple[np.ndarray, ...]:
    """A line, starts and targets, and ends that don't hang on the last digits of anything."""
    line = _line(int(rng.integers(2**31)))
    n = 24
    target = np.column_stack(
        [rng.uniform(8, 36, n), np.exp(rng.uniform(-0.25, 0.25, n))]
    )
    start = target + rng.uniform(-1, 1, (n, 2)) * np.array([6, 0.2])
    lines, both = np.tile(line, (n, 1)), np.full(n, tied)
    end = _descend(lines, start, target, both, n_step)
    moved = _descend(lines, start + 1e-7, target, both, n_step)
    same = (np.abs(end - moved) < 1e-5).all(axis=1)
    return line, start[same], target[same], end[same]


@check(points=2, hidden=True)
def free_windows_end_where_they_should(
    answer: Any, rng: np.random.Generator
) -> None:
    """Windows with a std of their own end elsewhere than by the procedure of the text: look at the
    rates, the corrections of the two averages, and the rate's fall to zero."""
    line, start, target, want = _steady(rng, False, N_STEP)
    got = answer.descend(line, start, target, False)
    _shaped(got, want, "Return one row for each window: mean, stride, std.")
    if np.allclose(got[:, :2], want[:, :2], rtol=1e-3, atol=1e-3):
        message = "Mean and stride end where they should, and the std does not: return the one "
        close(got, want, message + "that was descended.", rtol=1e-3, atol=1e-3)
    close(got, want, rtol=1e-3, atol=1e-3)


@check(points=2, hidden=True)
def tied_windows_end_where_they_should(
    answer: Any, rng: np.random.Generator
) -> None:
    """Tied windows end elsewhere than by the procedure of the text. Their one log parameter moves
    stride and std alike, so that its slope is the sum of two."""
    n_step = int(rng.integers(60, 100))
    line, start, target, want = _steady(rng, True, n_step)
    got = answer.descend(line, start, target, True, n_step)
    _shaped(got, want, "Return one row for each window: mean, stride, std.")
    if not np.allclose(got[:, 2], TIE * got[:, 1], rtol=1e-6):
        raise Wrong(
            "In the tied arm the std of every window must be 0.75 times its stride."
        )
    close(got, want, rtol=1e-3, atol=1e-3)


@check(points=1, hidden=True)
def arrival_is_judged_in_proportion(
    answer: Any, rng: np.random.Generator
) -> None:
    """A window has arrived if its centre, not its mean, is less than a pixel off and its stride is
    off by less than 5 % of the target's stride, whatever that is, to either side."""
    stride = np.repeat([rng.uniform(0.55, 0.65), rng.uniform(1.8, 2.0)], 16)
    near = np.tile(np.repeat([True, False], 8), 2)
    alike = np.tile(np.repeat([True, False], 4), 4)
    miss = np.where(
        near, rng.uniform(0.75, 0.9, 32), rng.uniform(1.1, 1.25, 32)
    )
    off = np.where(
        alike, rng.uniform(0.03, 0.045, 32), rng.uniform(0.06, 0.075, 32)
    )
    # Both ways of signs with the wide stride: the mean is then off by at least 0.75 + 5.5 × 0.03 ×
    # 1.8 = 1.05 where the centre is near, and by at most 1.25 - 0.3 = 0.95 where it is not.
    off *= np.tile([1, -1], 16)
    miss *= np.tile([1, 1, -1, -1], 8)
    target = np.column_stack([rng.uniform(10, 30, 32), stride])
    end = target + np.column_stack([miss - HALF * off * stride, off * stride])
    end = np.column_stack([end, rng.uniform(0.5, 1, 32)])
    order = rng.permutation(32)
    close(answer.found(end[order], target[order]), (near & alike)[order])


@check(points=1, hidden=True)
def record_is_complete(answer: Any, rng: np.random.Generator) -> None:
    """The record must hold, for three seeds or more, the twenty trials of `starts(seed)` once in
    either arm."""
    keys = [
        (arm, seed, trial) for arm, seed, trial, _ in _trials(answer.record())
    ]
    seeds = {seed for _, seed, _ in keys}
    if len(seeds) < N_SEED:
        raise Wrong(
            f"The record has {len(seeds)} different seeds; run {N_SEED} at least."
        )
    if len(set(keys)) < len(keys):
        raise Wrong("Some trial stands in the record twice.")
    if len(keys) != len(seeds) * len(ARMS) * N_TRIAL:
        raise Wrong(
            "Some seed lacks some of its twenty trials in one of the arms."
        )


@check(points=1, hidden=True)
def shares_follow_from_the_trials(
    answer: Any, rng: np.random.Generator
) -> None:
    """The two numbers under "share" must be the shares of found trials in either arm, over all
    seeds of the record."""
    record = answer.record()
    trials = _trials(record)
    share = record.get("share")
    if not isinstance(share, dict) or set(share) != set(ARMS):
        raise Wrong(
            '"share" must be a dictionary with the two keys "free" and "tied".'
        )
    for arm in ARMS:
        outcomes = [found for one, _, _, found in trials if one == arm]
        if not outcomes:
            raise Wrong(f"The record has no trials of the {arm} arm.")
        close(share[arm], np.mean(outcomes), rtol=0.0, atol=0.0051)


@check(points=3, hidden=True)
def trials_run_again_end_alike(answer: Any, rng: np.random.Generator) -> None:
    """Run again by the procedure of the text, some of the recorded trials end otherwise. Record
    what your own run gives, once `slope`, `descend` and `found` pass their checks."""
    recorded = {
        (arm, seed, trial): found
        for arm, seed, trial, found in _trials(answer.record())
    }
    keys = []
    for arm in ARMS:
        known = sorted(key for key in recorded if key[0] == arm)
        if len(known) < N_AGAIN:
            raise Wrong(
                f"The {arm} arm has {len(known)} trials; too few to run some again."
            )
        keys += [
            known[i] for i in rng.choice(len(known), N_AGAIN, replace=False)
        ]
    claimed = np.array([recorded[key] for key in keys])
    lines = np.stack([_line(seed) for _, seed, _ in keys])
    made = {seed: _starts(seed) for _, seed, _ in keys}
    target = np.stack([made[seed][0][trial] for _, seed, trial in keys])
    start = np.stack([made[seed][1][trial] for _, seed, trial in keys])
    tied = np.array([arm == "tied" for arm, _, _ in keys])
    # An end that hangs on the last digits of the start may be claimed either way.
    possible = np.zeros_like(claimed)
    for nudge in (0.0, 1e-8, -1e-8):
        left = np.flatnonzero(~possible)
        if len(left):
            end = _descend(
                lines[left], start[left] + nudge, target[left], tied[left]
            )
            possible[left] = _found(end, target[left]) == claimed[left]
    assert possible.all()


MUTANTS = {
    "forgets that later filters move further": Mutant(
        old="(by_centre * number * stride)",
        new="(by_centre * stride)",
        falls_by="slopes_are_right",
        says="filter i lies at mean + i × stride",
    ),
    "slope by the stride and not by its logarithm": Mutant(
        old="(by_centre * number * stride)",
        new="(by_centre * number)",
        falls_by="slopes_are_right",
        says="by the log stride is wrong",
    ),
    "sum over the filters for their mean": Mutant(
        old="2 * (reading - wanted) / N_FILTER",
        new="2 * (reading - wanted)",
        falls_by="slopes_are_right",
        says="yours is their sum",
    ),
    "std returned as it started": Mutant(
        old="""    return np.column_stack([place[:, 0], np.exp(place[:, 1:])])
""",
        new="""    std = TIE * (np.exp(place[:, 1]) if tied else stride)
    return np.column_stack([place[:, 0], np.exp(place[:, 1]), std])
""",
        falls_by="free_windows_end_where_they_should",
        says="the std does not",
    ),
    "tied std returned as it started": Mutant(
        old="""    return np.column_stack([place[:, 0], np.exp(place[:, 1:])])
""",
        new="""    std = TIE * stride if tied else np.exp(place[:, 2])
    return np.column_stack([place[:, 0], np.exp(place[:, 1]), std])
""",
        falls_by="tied_windows_end_where_they_should",
        says="must be 0.75 times its stride",
    ),
    "tied without the slope by the std": Mutant(
        old="by[:, 1] += by[:, 2]",
        new="pass",
        falls_by="tied_windows_end_where_they_should",
        says="its slope is the sum of two",
    ),
    "rates the wrong way round": Mutant(
        old="RATE * (1 - t / n_step)",
        new="RATE[::-1] * (1 - t / n_step)",
        falls_by="free_windows_end_where_they_should",
        says="look at the rates",
    ),
    "averages not corrected": Mutant(
        old="up = first / (1 - 0.9 ** (t + 1))",
        new="up = first",
        falls_by="free_windows_end_where_they_should",
        says="the corrections of the two averages",
    ),
    "stride compared in absolute terms": Mutant(
        old="np.abs(off[:, 1] / target[:, 1])",
        new="np.abs(off[:, 1])",
        falls_by="arrival_is_judged_in_proportion",
        says="5 % of the target's stride",
    ),
    "mean compared for the centre": Mutant(
        old="miss = off[:, 0] + HALF * off[:, 1]",
        new="miss = off[:, 0]",
        falls_by="arrival_is_judged_in_proportion",
        says="its centre, not its mean",
    ),
    "two seeds": Mutant(
        old="for seed in (1, 2, 3):",
        new="for seed in (1, 2):",
        falls_by="record_is_complete",
        says="has 2 different seeds",
    ),
    "share of the last seed": Mutant(
        old='if one["arm"] == arm]',
        new='if one["arm"] == arm and one["seed"] == 3]',
        falls_by="shares_follow_from_the_trials",
        says="shares of found trials in either arm",
    ),
    "everything is found": Mutant(
        old='"found": bool(arrived)',
        new='"found": True',
        falls_by="trials_run_again_end_alike",
        says="end otherwise",
    ),
}
