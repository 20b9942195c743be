"""Checks of the two windows, of the control between them, and of the record of shares."""

from typing import Any

import numpy as np

from attn_course._typing import Array
from attn_course.exercises.checking import Mutant, Wrong, check, close

N_PIXEL, N_START, STD, STEP = 512, 48, 2.0, 1e-4
POINT = 1.5 * np.arange(9)  # of a window, from its first
DISTANCES = (2.0, 4.0, 6.0, 8.0, 12.0)
ARMS = ("triangle", "bell", "control")
N_SEED, N_FEW = 3, 8  # fewest seeds, and trials of each arm
N_AGAIN = {
    "triangle": 8,
    "bell": 8,
    "control": 14,
}  # trials run again; bell and control are alike
KEYS = ("seed", "distance", "arm", "blur", "share")
RAMP = np.arange(60.0)


def _line(seed: int) -> Array:
    wave = np.fft.rfft(np.random.default_rng(seed).standard_normal(N_PIXEL))
    scale = np.append(0, np.arange(1, len(wave)) ** -0.5)
    line = np.fft.irfft(wave * scale, N_PIXEL)
    return line / line.std()


def _places(seed: int, distance: float) -> tuple[Array, Array]:
    rng = np.random.default_rng([seed, round(distance)])
    home = rng.uniform(40, N_PIXEL - 53.5, N_START)
    way = distance + rng.uniform(-0.5, 0.5, N_START)
    return home, home + way * rng.choice([-1, 1], N_START)


def _bell(line: Array, x: Array, std: float) -> Array:
    """Means, one position after the other."""
    pixel, found = np.arange(len(line)), []
    for one in np.ravel(x):
        weight = np.exp(-0.5 * ((one - pixel) / std) ** 2)
        found.append(np.average(line, weights=weight))
    return np.reshape(found, np.shape(x))


def _own(got: Any, shape: tuple[int, ...]) -> Array:
    """A reading of the submission's own, which has to be numbers that differ from place to place."""
    if not isinstance(got, np.ndarray) or got.dtype.kind not in "iuf":
        raise Wrong(
            "Your own readings are needed for this, and they are no arrays of numbers."
        )
    if got.shape != shape:
        raise Wrong(
            "Your own readings are needed for this, and they have not the shape of the positions."
        )
    if not np.isfinite(got).all() or np.ptp(got) < 1e-6:
        raise Wrong(
            "Your own readings are needed for this, and on a random line they are not numbers or "
            "do not change with the position."
        )
    return got


def _pulled(read: Any, home: Array, start: Array) -> dict[str, Array]:
    """Pulls towards home by somebody's readings, and what mistakes make of them."""
    shape = (len(home), len(POINT))

    def window(begin: Array) -> Array:
        return _own(read(begin[:, None] + POINT), shape)

    target, right, left = (
        window(home),
        window(start + STEP),
        window(start - STEP),
    )
    ahead, behind = ((one - target) ** 2 for one in (right, left))
    uphill = (ahead - behind).sum(axis=1) / (4 * STEP)
    return {"home": -uphill * np.sign(home - start), "right": -uphill}


def _trials(record: Any) -> list[dict[str, Any]]:
    """The trials of a record; a sentence where one cannot be read."""
    trials = record.get("trials") if isinstance(record, dict) else None
    if not isinstance(trials, list) or not trials:
        raise Wrong(
            'share_record() must return a dictionary whose "trials" is a list of dictionaries.'
        )
    read = []
    for one in trials:
        if not isinstance(one, dict) or not set(KEYS) <= set(one):
            raise Wrong(
                'Each trial is a dictionary with "seed", "distance", "arm", "blur" and "share".'
            )
        if one["arm"] not in ARMS:
            raise Wrong('"arm" is "triangle", "bell" or "control".')
        values = {key: np.asarray(one[key]) for key in KEYS if key != "arm"}
        if any(v.shape or v.dtype.kind not in "iuf" for v in values.values()):
            raise Wrong(
                'All that a trial holds, "arm" apart, is single numbers.'
            )
        seed, distance, blur, share = values.values()
        if seed.dtype.kind == "f" or not 0 <= seed < 2**31:
            raise Wrong(
                '"seed" is a whole number, at least 0 and less than 2**31.'
            )
        if distance not in DISTANCES:
            raise Wrong('"distance" is one of DISTANCES.')
        if not (0 <= blur <= 50 and 0 <= share <= 1):
            raise Wrong(
                '"blur" is a std from 0 up, in pixels, and "share" lies between 0 and 1.'
            )
        read.append(
            {
                key: one["arm"] if key == "arm" else values[key].item()
                for key in KEYS
            }
        )
    return read


@check(points=1)
def three_shares_are_predicted(answer: Any, rng: np.random.Generator) -> None:
    """expected_shares() must return {"triangle": p, "bell": p, "control": p}, shares from 0 to 1."""
    got = answer.expected_shares()
    if not isinstance(got, dict) or set(got) != set(ARMS):
        raise Wrong(
            'Return a dictionary with the keys "triangle", "bell" and "control".'
        )
    if not all(np.ndim(got[arm]) == 0 and 0 <= got[arm] <= 1 for arm in ARMS):
        raise Wrong("A share is a number between 0 and 1.")


@check(points=1)
def readings_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """On the line 1, 3, 2 the triangle reads 1.5 at 0.25 and 2.5 at 1.5, and 1 and 2 beyond the
    ends. On 0, 1, 0 a bell of std 1 at pixel 1 reads 1 over 1 + 2 exp(-1/2) = 2.2131, that is
    0.4519."""
    line, x = np.array([1.0, 3.0, 2.0]), np.array([0.25, 1.5, -2.0, 4.0])
    close(answer.triangle_read(line, x), [1.5, 2.5, 1.0, 2.0])
    want = [1 / (1 + 2 * np.exp(-0.5))]
    close(
        answer.bell_read(np.array([0.0, 1.0, 0.0]), np.array([1.0]), 1.0), want
    )


@check(points=1)
def sight_and_blur_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """A bell of std 1 sees 7 pixels at 100 (three steps off, exp(-4.5) is just more than a
    hundredth), and a triangle sees 2 at 100.5. A bell of variance 7/6 is matched by a blur of std 1
    and the triangle's 1/6."""
    close(answer.pixels_seen(100.0, 1.0), 7)
    close(answer.pixels_seen(100.5, 0.0), 2)
    close(answer.control_std(float(np.sqrt(7 / 6))), 1.0)


@check(points=1)
def pull_on_a_ramp(answer: Any, rng: np.random.Generator) -> None:
    """On the line 0, 1, 2, … each of the 9 points of a window reads as much too low or too high as
    the window is off. So E is 4.5 d², and the pull at d pixels is 9 d, positive on either side: 36
    at 4 to the left and 31.5 at 3.5 to the right, for triangle and bell alike."""
    home, start = np.array([30.25, 30.25]), np.array([26.25, 33.75])
    for std in (0.0, 1.5):
        close(answer.pull(RAMP, home, start, std), [36.0, 31.5], rtol=1e-3)


@check(points=1, hidden=True)
def triangle_blends_two(answer: Any, rng: np.random.Generator) -> None:
    """A triangle's reading is wrong on a random line: between two pixels it goes straight from the
    one to the other, and beyond the ends it stays at the last of them."""
    line = rng.uniform(1, 2, int(rng.integers(12, 20)))
    n = len(line)
    for x in (
        rng.uniform(0, n - 1, (4, 5)),
        np.arange(n) * 1.0,
        np.array(rng.uniform(1, n - 2)),
    ):
        got, want = (
            answer.triangle_read(line, x),
            np.interp(x, np.arange(n), line),
        )
        near = line[np.rint(x).astype(int)]
        if (
            np.shape(got) == want.shape
            and np.allclose(got, near)
            and not np.allclose(got, want)
        ):
            raise Wrong(
                "This is the nearest pixel. The two around the position are to be blended."
            )
        close(got, want)
    off = np.append(rng.uniform(-5, -0.1, 3), n - 1 + rng.uniform(0.1, 5, 3))
    close(
        answer.triangle_read(line, off),
        np.repeat(line[[0, -1]], 3),
        "Inside the line your triangle is right. Beyond its ends the first and the last pixel go "
        "on; nothing fades, and nothing begins again at the other end.",
    )


@check(points=2, hidden=True)
def bell_is_a_mean(answer: Any, rng: np.random.Generator) -> None:
    """A bell's reading is wrong on a random line: pixel m counts by exp(-(x - m)²/(2 std²)), over
    the sum of these, and all pixels of the line take part."""
    line = rng.uniform(1, 2, int(rng.integers(40, 50)))
    n, std = len(line), float(rng.uniform(1.2, 1.8))
    middle = rng.uniform(12, n - 13, (3, 4))
    edge = np.append(rng.uniform(-2, 1, 3), n - 1 + rng.uniform(-1, 2, 3))
    for x in (middle, np.array(middle[0, 0]), edge):
        got, want = answer.bell_read(line, x, std), _bell(line, x, std)
        if np.shape(got) == want.shape and not np.allclose(got, want):
            if np.allclose(got, _bell(line, x, std / 2**0.5)):
                raise Wrong(
                    "Your bell is too narrow by the root of 2: twice the squared std stands below."
                )
            if np.allclose(got, _bell(line, x, std**0.5)):
                raise Wrong(
                    "You divide by twice the std, and it is twice its square that stands below."
                )
            if np.allclose(
                got, np.interp(x, np.arange(n), _bell(line, np.arange(n), std))
            ):
                raise Wrong(
                    "You read a blurred line with a triangle. That is the control; a bell weighs "
                    "the pixels around the position itself, also where it lies between two."
                )
        said = (
            "In the middle of the line your bell is right and near its ends it is not: divide by "
            "the sum of the weights of those pixels that are there."
        )
        close(got, want, said if x is edge else "")


@check(points=1, hidden=True)
def sight_is_counted(answer: Any, rng: np.random.Generator) -> None:
    """The number of pixels seen is wrong: count those whose weight is more than one per cent of the
    greatest weight that any pixel has at that position."""
    counts, ways = [], []
    for low, high in ((0.3, 0.6), (0.6, 1.2), (1.2, 3), (3, 8)):
        for place, std in _clear_of_ties(rng, low, high):
            weight = np.exp(-0.5 * ((place - np.arange(N_PIXEL)) / std) ** 2)
            counts.append(answer.pixels_seen(place, std))
            against = np.array([weight.max(), 1.0, weight.sum()])
            ways.append((weight > against[:, None] / 100).sum(axis=1))
            close(counts[-1], counts[-1])
    got, (want, top, total) = np.array(counts), np.array(ways).T
    if got.shape == want.shape and (got != want).any():
        if (got == top).all():
            raise Wrong(
                "You compare with the top of the bell. Between two pixels no pixel has that "
                "weight; compare with the greatest that one has."
            )
        if (got == total).all():
            raise Wrong(
                "You compare with the sum of the weights, and not with the greatest."
            )
    close(got, want)
    whole = float(rng.integers(60, 400))
    close(answer.pixels_seen(whole + float(rng.uniform(0.1, 0.9)), 0.0), 2)
    close(
        answer.pixels_seen(whole, 0.0),
        1,
        "On a pixel centre a triangle gives all its weight to one pixel, and its neighbours none.",
    )


def _clear_of_ties(
    rng: np.random.Generator, low: float, high: float
) -> list[tuple[float, float]]:
    """Positions and stds; where bells are narrow, such that it counts what one compares with."""
    found: list[tuple[float, float]] = []
    while len(found) < 4:
        place = float(rng.integers(60, 400) + rng.uniform(0.1, 0.9))
        std = float(rng.uniform(low, high))
        weight = np.exp(-0.5 * ((place - np.arange(N_PIXEL)) / std) ** 2)
        ways = (weight.max(), 1.0, weight.sum())
        tied = min(np.abs(100 * weight / one - 1).min() for one in ways) < 1e-3
        seen = [int(np.sum(100 * weight > one)) for one in ways]
        if not tied and (high > 1.5 or seen[0] != seen[1]):
            found.append((place, std))
    return found


@check(points=1, hidden=True)
def variances_add_up(answer: Any, rng: np.random.Generator) -> None:
    """The std of the control's blur is wrong: its square and the triangle's variance of 1/6 together
    make the bell's std squared."""
    for std in rng.uniform(0.5, 6, 4):
        want = float(np.sqrt(std**2 - 1 / 6))
        got = answer.control_std(float(std))
        if np.ndim(got) == 0 and not np.isclose(got, want):
            wrong = {
                std
                - 6
                ** -0.5: "Stds are not subtracted from one another; variances are.",
                std**2
                - 1
                / 6: "This is the variance of the blur, and its std is asked for.",
                (std**2 + 1 / 6)
                ** 0.5: "You add the triangle's variance to the bell's. The triangle will blur "
                "by itself, so that the blur before it has to be less.",
                (std**2 - 1 / 12)
                ** 0.5: "1/12 is the variance of a box one pixel wide.",
            }
            for value, reason in wrong.items():
                if np.isclose(got, value):
                    raise Wrong(reason)
        close(got, want)
    for std in rng.uniform(0.05, 0.4, 3):
        close(
            answer.control_std(float(std)),
            0.0,
            "Where the bell's std squared is 1/6 or less there is nothing to add, and the std of "
            "the blur is 0.0.",
        )


@check(points=1, hidden=True)
def pixels_of_a_smoothed_line(answer: Any, rng: np.random.Generator) -> None:
    """A smoothed line is not what your own bell_read reads on its pixels."""
    line, std = (
        rng.uniform(1, 2, int(rng.integers(30, 40))),
        float(rng.uniform(1.3, 1.9)),
    )
    n = len(line)
    close(
        answer.smoothed(line, 0.0),
        line,
        "With a std of 0 the line comes back as it is.",
    )
    got = answer.smoothed(line, std)
    pixel = np.arange(n) * 1.0
    want = _own(answer.bell_read(line, pixel, std), (n,))
    if np.shape(got) == (n,) and not np.allclose(got, want):
        if np.allclose(got, answer.bell_read(line, pixel, std**2)):
            raise Wrong(
                "You hand bell_read the variance, and it takes the std."
            )
        inside = slice(10, -10)
        if np.allclose(got[inside], want[inside], rtol=1e-3):
            raise Wrong(
                "In the middle the line is smoothed rightly and at its ends it is not: there, "
                "too, it is what bell_read gives, a mean over the pixels that exist."
            )
    close(got, want)


@check(points=2, hidden=True)
def pull_is_towards_home(answer: Any, rng: np.random.Generator) -> None:
    """A pull is not the one that follows from your own readings: half the sum of squares at a step
    away from home, less that at a step towards it, over twice the step."""
    line = rng.standard_normal(int(rng.integers(90, 110)))
    n = 10
    # The points of a window are clear of the pixel centres, where a triangle has kinks.
    home = rng.integers(30, 50, n) + rng.uniform(0.05, 0.45, n)
    away = rng.integers(1, 10, n) * np.where(np.arange(n) % 2, 1, -1)
    start = np.floor(home) + away + rng.uniform(0.55, 0.95, n)
    bell = float(rng.uniform(1.2, 2.2))
    ways = {
        std: _pulled(
            lambda x, std=std: (
                answer.bell_read(line, x, std)
                if std
                else answer.triangle_read(line, x)
            ),
            home,
            start,
        )
        for std in (0.0, bell)
    }
    for std in (0.0, bell):
        got, want = answer.pull(line, home, start, std), ways[std]["home"]
        atol = 1e-3 * np.abs(want).max()

        def like(value: Array, got: Any = got, atol: float = atol) -> bool:
            return np.allclose(got, value, rtol=1e-3, atol=atol)

        if np.shape(got) == want.shape and not like(want):
            mistakes = {
                "Your pull is positive where a step home makes the error larger; turn its sign.": -want,
                "You take the slope to one side of the line for all. Home lies to the right of "
                "some starts and to the left of others.": ways[std]["right"],
                "You take the slope to one side of the line for all, and uphill. Home lies to the "
                "right of some starts and to the left of others.": -ways[std][
                    "right"
                ],
                "Your pull is twice too large: half the sum of squares is the error, and a step to "
                "either side is two steps.": 2 * want,
                "You take the mean over the points, and the sum is asked for.": want
                / 9,
                "Your windows are read in one way whatever the std: with a bell, or with triangles "
                "where it is 0.": ways[bell if std == 0 else 0.0]["home"],
            }
            for reason, value in mistakes.items():
                if like(value):
                    raise Wrong(reason)
        close(got, want, rtol=1e-3, atol=atol)


@check(points=1, hidden=True)
def record_holds_every_arm(answer: Any, rng: np.random.Generator) -> None:
    """The record must hold, for three seeds or more, each of the five distances with each of the
    three arms."""
    trials = _trials(answer.share_record())
    seeds = {one["seed"] for one in trials}
    if len(seeds) < N_SEED:
        raise Wrong(
            f"The record has {len(seeds)} different seeds; run {N_SEED} at least."
        )
    run = {(one["seed"], one["distance"], one["arm"]) for one in trials}
    if len(run) < len(seeds) * len(DISTANCES) * len(ARMS):
        raise Wrong("Some seed lacks some arm at some of the distances.")


@check(points=1, hidden=True)
def means_are_those_of_the_trials(
    answer: Any, rng: np.random.Generator
) -> None:
    """The three numbers under "mean" must be the means of the recorded shares at distance 6, over
    all seeds of the record."""
    record = answer.share_record()
    trials = _trials(record)
    mean = record.get("mean")
    if not isinstance(mean, dict) or set(mean) != set(ARMS):
        raise Wrong(
            '"mean" must be a dictionary with the keys "triangle", "bell" and "control".'
        )
    for arm in ARMS:
        mine = [one for one in trials if one["arm"] == arm]
        shares = [one["share"] for one in mine if one["distance"] == 6]
        if not shares:
            raise Wrong("Some arm has no trials at distance 6.")
        close(mean[arm], np.mean(shares), rtol=0.005)


@check(points=3, hidden=True)
def shares_run_again_agree(answer: Any, rng: np.random.Generator) -> None:
    """Run again with your own functions on the lines and at the places of their seeds, some of the
    recorded trials have another share."""
    trials = _trials(answer.share_record())
    if any(one["blur"] for one in trials if one["arm"] != "control"):
        raise Wrong(
            "The triangle and the bell read the sharp line, and their blur is 0.0."
        )
    blur = answer.control_std(STD)
    for one in trials:
        if one["arm"] == "control" and not np.isclose(one["blur"], blur):
            if np.isclose(one["blur"], STD):
                raise Wrong(
                    "The control's line is blurred by STD itself. The triangle that reads it will "
                    "blur once more, and the control is then more blurred than the bell."
                )
            raise Wrong(
                "The control's line is to be blurred by your control_std(STD)."
            )
    for arm in ARMS:
        some = [one for one in trials if one["arm"] == arm]
        if len(some) < N_FEW:
            raise Wrong("There are too few trials to run some again.")
        got, want, else_read, pulled = [], [], [], []
        for i in rng.permutation(len(some))[: N_AGAIN[arm]]:
            one = some[i]
            line, places = (
                _line(one["seed"]),
                _places(one["seed"], one["distance"]),
            )
            if one["blur"]:
                line = answer.smoothed(line, one["blur"])
            std = STD if arm == "bell" else 0.0
            pulls = answer.pull(line, *places, std)
            close(pulls, pulls, "")  # numbers, and not NaN
            if np.shape(pulls) != (N_START,):
                raise Wrong(
                    "pull must return one number for each pair of places."
                )
            pulled.append(pulls)
            got.append(one["share"])
            want.append(np.mean(pulls > 0))
            if arm == "control":
                pulls = answer.pull(line, *places, STD)
                else_read.append(np.mean(pulls > 0))
        if np.ptp(pulled) < 1e-9:
            raise Wrong(
                "Your pulls are the same wherever a window starts, and their shares say nothing."
            )
        if np.allclose(got, want, rtol=0, atol=0.005):
            continue
        if np.allclose(got, 1 - np.array(want), rtol=0, atol=0.005):
            raise Wrong(
                "You record the share of pulls that do not point home."
            )
        if arm == "control" and np.allclose(
            got, else_read, rtol=0, atol=0.005
        ):
            raise Wrong(
                "Your control reads the blurred line with the bell. It is the triangle that is to "
                "read it, or sight and blur are mixed up again."
            )
        close(np.array(got), np.array(want), rtol=0, atol=0.005)


MUTANTS = {
    "nearest pixel": Mutant(
        old="beyond = place - left\n",
        new="beyond = np.rint(place) - left\n",
        falls_by="triangle_blends_two",
        says="This is the nearest pixel",
    ),
    "shares exchanged": Mutant(
        old="(1 - beyond) * line[left] + beyond * line[left + 1]",
        new="beyond * line[left] + (1 - beyond) * line[left + 1]",
        falls_by="triangle_blends_two",
        says="goes straight from the one to the other",
    ),
    "no clipping": Mutant(
        old="place = np.clip(x, 0, len(line) - 1)\n",
        new="place = np.asarray(x)\n",
        falls_by="triangle_blends_two",
        says="nothing begins again",
    ),
    "nothing beyond the ends": Mutant(
        old="return np.asarray((1 - beyond) * line[left] + beyond * line[left + 1])",
        new="there = place == x\n"
        "    return np.asarray(there * ((1 - beyond) * line[left] + beyond * line[left + 1]))",
        falls_by="triangle_blends_two",
        says="Inside the line your triangle is right",
    ),
    "a bell without its two": Mutant(
        old="away = np.asarray(x)[..., None] - np.arange(len(line))\n"
        "    weight = np.exp(-(away**2) / (2 * std**2))",
        new="away = np.asarray(x)[..., None] - np.arange(len(line))\n"
        "    weight = np.exp(-(away**2) / std**2)",
        falls_by="bell_is_a_mean",
        says="too narrow",
    ),
    "a std for a variance": Mutant(
        old="away = np.asarray(x)[..., None] - np.arange(len(line))\n"
        "    weight = np.exp(-(away**2) / (2 * std**2))",
        new="away = np.asarray(x)[..., None] - np.arange(len(line))\n"
        "    weight = np.exp(-(away**2) / (2 * std))",
        falls_by="bell_is_a_mean",
        says="twice its square",
    ),
    "ends that darken": Mutant(
        old="weight @ line / weight.sum(axis=-1)",
        new="weight @ line / (std * np.sqrt(2 * np.pi))",
        falls_by="bell_is_a_mean",
        says="near its ends it is not",
    ),
    "a bell cut at two stds": Mutant(
        old="weight @ line / weight.sum(axis=-1)",
        new="(weight * (np.abs(away) <= 2 * std)) @ line\n"
        "        / (weight * (np.abs(away) <= 2 * std)).sum(axis=-1)",
        falls_by="bell_is_a_mean",
        says="all pixels of the line take part",
    ),
    "the control for the bell": Mutant(
        old="return np.asarray(weight @ line / weight.sum(axis=-1))",
        new="away = np.subtract.outer(np.arange(len(line)), np.arange(len(line)))\n"
        "    weight = np.exp(-(away**2) / (2 * std**2))\n"
        "    return triangle_read(weight @ line / weight.sum(axis=-1), x)",
        falls_by="bell_is_a_mean",
        says="That is the control",
    ),
    "against the top of the bell": Mutant(
        old="weight > 0.01 * weight.max()",
        new="weight > 0.01",
        falls_by="sight_is_counted",
        says="the top of the bell",
    ),
    "against the sum": Mutant(
        old="weight > 0.01 * weight.max()",
        new="weight > 0.01 * weight.sum()",
        falls_by="sight_is_counted",
        says="with the sum of the weights",
    ),
    "all within three stds": Mutant(
        old="return int(np.sum(weight > 0.01 * weight.max()))",
        new="return int(np.sum(np.abs(away) <= 3 * std)) if std else 2",
        falls_by="sight_is_counted",
        says="one per cent of the greatest weight",
    ),
    "two pixels on a pixel": Mutant(
        old="weight = np.maximum(0, 1 - np.abs(away))",
        new="return 2",
        falls_by="sight_is_counted",
        says="On a pixel centre",
    ),
    "stds subtracted": Mutant(
        old="float(np.sqrt(max(0.0, std**2 - 1 / 6)))",
        new="float(max(0.0, std - np.sqrt(1 / 6)))",
        falls_by="variances_add_up",
        says="Stds are not subtracted",
    ),
    "the variance of the blur": Mutant(
        old="float(np.sqrt(max(0.0, std**2 - 1 / 6)))",
        new="max(0.0, std**2 - 1 / 6)",
        falls_by="variances_add_up",
        says="the variance of the blur",
    ),
    "a box for the triangle": Mutant(
        old="float(np.sqrt(max(0.0, std**2 - 1 / 6)))",
        new="float(np.sqrt(max(0.0, std**2 - 1 / 12)))",
        falls_by="variances_add_up",
        says="a box one pixel wide",
    ),
    "variances added once more": Mutant(
        old="float(np.sqrt(max(0.0, std**2 - 1 / 6)))",
        new="float(np.sqrt(std**2 + 1 / 6))",
        falls_by="variances_add_up",
        says="You add the triangle's variance",
    ),
    "a root of less than nothing": Mutant(
        old="float(np.sqrt(max(0.0, std**2 - 1 / 6)))",
        new="float(np.sqrt(np.float64(std**2 - 1 / 6)))",
        falls_by="variances_add_up",
        says="there is nothing to add",
    ),
    "smoothed by a variance": Mutant(
        old="return bell_read(line, np.arange(len(line)), std)",
        new="return bell_read(line, np.arange(len(line)), std**2)",
        falls_by="pixels_of_a_smoothed_line",
        says="You hand bell_read the variance",
    ),
    "smoothed by a division by 0": Mutant(
        old="    if std == 0:\n        return line.copy()\n",
        new="",
        falls_by="pixels_of_a_smoothed_line",
        says="comes back as it is",
    ),
    "a convolution with dark ends": Mutant(
        old="return bell_read(line, np.arange(len(line)), std)",
        new="weight = np.exp(-(np.arange(-15, 16) ** 2) / (2 * std**2))\n"
        '    return np.convolve(line, weight / weight.sum(), "same")',
        falls_by="pixels_of_a_smoothed_line",
        says="at its ends it is not",
    ),
    "away from home": Mutant(
        old="np.asarray((before - after) / (2 * STEP))",
        new="np.asarray((after - before) / (2 * STEP))",
        falls_by="pull_is_towards_home",
        says="turn its sign",
    ),
    "always to the right": Mutant(
        old="STEP * np.sign(home - start)",
        new="STEP * np.ones_like(start)",
        falls_by="pull_is_towards_home",
        says="to the left of others",
    ),
    "the slope along the line": Mutant(
        old="STEP * np.sign(home - start)",
        new="-STEP * np.ones_like(start)",
        falls_by="pull_is_towards_home",
        says="and uphill",
    ),
    "over a single step": Mutant(
        old="np.asarray((before - after) / (2 * STEP))",
        new="np.asarray((before - after) / STEP)",
        falls_by="pull_is_towards_home",
        says="twice too large",
    ),
    "the mean over the points": Mutant(
        old="np.asarray((before - after) / (2 * STEP))",
        new="np.asarray((before - after) / (2 * STEP * N_POINT))",
        falls_by="pull_is_towards_home",
        says="mean over the points",
    ),
    "triangles whatever the std": Mutant(
        old="return bell_read(line, x, std) if std else triangle_read(line, x)",
        new="return triangle_read(line, x)",
        falls_by="pull_is_towards_home",
        says="in one way whatever the std",
    ),
    "a target that is seen sharply": Mutant(
        old="target, step = window(home), STEP * np.sign(home - start)",
        new="target = triangle_read(line, home[:, None] + point)\n"
        "    step = STEP * np.sign(home - start)",
        falls_by="pull_is_towards_home",
        says="follows from your own readings",
    ),
    "two seeds": Mutant(
        old="for seed in (1, 2, 3):",
        new="for seed in (1, 2):",
        falls_by="record_holds_every_arm",
        says="has 2 different seeds",
    ),
    "without the last distance": Mutant(
        old="for distance in DISTANCES:",
        new="for distance in DISTANCES[:-1]:",
        falls_by="record_holds_every_arm",
        says="lacks some arm",
    ),
    "blurred twice over": Mutant(
        old='blur = control_std(STD) if arm == "control" else 0.0',
        new='blur = STD if arm == "control" else 0.0',
        falls_by="shares_run_again_agree",
        says="blurred by STD itself",
    ),
    "a blur for the bell as well": Mutant(
        old='blur = control_std(STD) if arm == "control" else 0.0',
        new='blur = 0.0 if arm == "triangle" else control_std(STD)',
        falls_by="shares_run_again_agree",
        says="read the sharp line",
    ),
    "the mean over all distances": Mutant(
        old='if one["arm"] == arm and one["distance"] == 6',
        new='if one["arm"] == arm',
        falls_by="means_are_those_of_the_trials",
        says="at distance 6",
    ),
    "the share that is lost": Mutant(
        old="np.mean(pull(line, home, start, std) > 0)",
        new="np.mean(pull(line, home, start, std) < 0)",
        falls_by="shares_run_again_agree",
        says="do not point home",
    ),
    "a bell on the blurred line": Mutant(
        old='std = STD if arm == "bell" else 0.0',
        new='std = 0.0 if arm == "triangle" else STD',
        falls_by="shares_run_again_agree",
        says="mixed up again",
    ),
    "places of another seed": Mutant(
        old="home, start = places(seed, distance)",
        new="home, start = places(0, distance)",
        falls_by="shares_run_again_agree",
        says="have another share",
    ),
    "home seen on the sharp line": Mutant(
        old="                share = float(np.mean(pull(line, home, start, std) > 0))\n",
        new="                sharp, near = rough_line(seed), STEP * np.sign(home - start)\n"
        "                x = SPACING * np.arange(N_POINT)\n"
        "                read = bell_read if std else lambda a, b, c: triangle_read(a, b)\n"
        "                goal = read(sharp, home[:, None] + x, std)\n"
        "                a, b = (\n"
        "                    read(line, (start + s * near)[:, None] + x, std) for s in (-1, 1)\n"
        "                )\n"
        "                gain = ((a - goal) ** 2 - (b - goal) ** 2).sum(axis=1)\n"
        "                share = float(np.mean(gain > 0))\n",
        falls_by="shares_run_again_agree",
        says="have another share",
    ),
}
