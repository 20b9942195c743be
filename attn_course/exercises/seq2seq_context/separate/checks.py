"""Checks of a judge of pairs of runs."""

from typing import Any

import numpy as np

from attn_course._typing import Array
from attn_course.exercises.checking import Mutant, Wrong, check, close

PLAIN = {
    "context": "fixed",
    "width": 24,
    "order": "forwards",
    "gates": "closed",
    "told": False,
}
CHANGES: dict[str, Any] = {
    "width": 64,
    "order": "reversed",
    "gates": "open",
    "told": True,
}
FACTOR = {
    3: 4.303,
    4: 3.182,
    5: 2.776,
    6: 2.571,
}  # Student's t, by the number of seeds


@check()
def a_guess_for_each_change(answer: Any, rng: np.random.Generator) -> None:
    """For each change expected() must return a number from -1 to 1, what you expect before you look."""
    for change in ("wider", "reversed", "open", "told"):
        got = answer.expected(change)
        close(got, got)
        if np.shape(got) != () or not -1 <= got <= 1:
            raise Wrong(
                "An expected change of the error is a number from -1 to 1."
            )


@check()
def an_interval_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """Errors of 0.1, 0.2, 0.3 have the mean 0.2 and s = 0.1: 0.2 ± 4.303 · 0.1 / √3, which is -0.0484
    to 0.4484."""
    half = 4.303 * 0.1 / np.sqrt(3)
    got = _two(answer.interval(np.array([0.1, 0.2, 0.3])))
    close(got[0], 0.2 - half)
    close(got[1], 0.2 + half)


@check()
def effects_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """From 0.50, 0.51, 0.52 to 0.10, 0.11, 0.12 the error fell; to 0.1, 0.5, 0.9 nobody can tell; and
    with a margin of 0.1 it is the same as 0.50, 0.51, 0.53."""
    before = np.array([0.50, 0.51, 0.52])
    for after, want in (
        ([0.10, 0.11, 0.12], "fell"),
        ([0.1, 0.5, 0.9], "open"),
        ([0.50, 0.51, 0.53], "same"),
    ):
        if answer.effect(before, np.array(after), 0.1) != want:
            raise Wrong(f"To {after} the effect is {want!r}.")


@check()
def a_verdict_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """A wider model whose error fell from about 0.5 to about 0.1 speaks for capacity, in whichever
    order the two are handed over."""
    one = PLAIN | {"error": np.array([0.50, 0.51, 0.52])}
    other = PLAIN | {"width": 64, "error": np.array([0.10, 0.11, 0.12])}
    if [answer.verdict(one, other, 0.1), answer.verdict(other, one, 0.1)] != [
        "capacity"
    ] * 2:
        raise Wrong("This pair speaks for capacity, whichever comes first.")


def _two(got: Any) -> tuple[Any, Any]:
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise Wrong("interval returns two numbers, (low, high).")
    return got[0], got[1]


def _seeds(
    rng: np.random.Generator, mean: float, half: float, n: int
) -> Array:
    """Errors whose 95 % interval has this middle and this half width."""
    drawn = rng.normal(size=n)
    drawn = (drawn - drawn.mean()) / drawn.std(ddof=1)
    return np.asarray(mean + drawn * half * np.sqrt(n) / FACTOR[n])


@check(
    hidden=True,
    points=2,
    safety="effects are made of intervals, and here the slip is named",
)
def intervals_of_seeds(answer: Any, rng: np.random.Generator) -> None:
    """An interval is wrong: the mean, and t standard errors to either side, with t for as many
    seeds."""
    for n in rng.permutation([3, 4, 5, 6]):
        error = rng.uniform(0.1, 0.9, n)
        mean = error.mean()
        spread = np.sqrt(((error - mean) ** 2).sum() / (n - 1))
        half = FACTOR[int(n)] * spread / np.sqrt(n)
        low, high = _two(answer.interval(error))
        if np.shape(low) == np.shape(high) == () and not np.isclose(
            high - mean, half
        ):
            mistakes = {
                "Divide by the number of seeds less one under the root.": half
                * np.sqrt((n - 1) / n),
                "This is the seeds' spread; their mean's error is smaller by the root of n.": half
                * np.sqrt(n),
                "The 1.96 is for many seeds; with so few take Student's t.": 1.96
                * spread
                / np.sqrt(n),
                "This is one standard error; the interval has t of them.": spread
                / np.sqrt(n),
            }
            for slip_told, wrong in mistakes.items():
                if np.isclose(high - mean, wrong):
                    raise Wrong(slip_told)
        close(low, mean - half)
        close(high, mean + half)


@check(hidden=True, points=2)
def certain_effects(answer: Any, rng: np.random.Generator) -> None:
    """An effect is wrong where the intervals lie apart: it fell or it rose, however small it is."""
    for n, m in ((3, 3), (3, 5), (6, 4)):
        mean, half = (
            float(rng.uniform(0.4, 0.5)),
            float(rng.uniform(0.01, 0.03)),
        )
        for sign, want in ((-1, "fell"), (1, "rose")):
            for margin in (0.05, 0.5):
                before = _seeds(rng, mean, half, n)
                after = _seeds(rng, mean + sign * 2.4 * half, 1.2 * half, m)
                got = answer.effect(before, after, margin)
                if got == {"fell": "rose", "rose": "fell"}[want]:
                    raise Wrong(
                        "The direction is turned: the error after less the error before."
                    )
                if got == "same":
                    raise Wrong(
                        "An effect may be small and certain: look at the overlap first."
                    )
                if got != want:
                    raise Wrong(
                        "Intervals that lie apart, however little, show an effect."
                    )


@check(hidden=True, points=2)
def nothing_shown(answer: Any, rng: np.random.Generator) -> None:
    """Intervals that overlap show no effect, and too wide ones do not show that there is none."""
    for n, m in ((3, 3), (3, 6), (5, 4)):
        mean, half = (
            float(rng.uniform(0.4, 0.5)),
            float(rng.uniform(0.05, 0.09)),
        )
        for sign in (-1, 1):
            before = _seeds(rng, mean, half, n)
            after = _seeds(rng, mean + sign * 1.5 * half, half, m)
            got = answer.effect(before, after, 3.2 * half)
            if got in ("fell", "rose"):
                raise Wrong(
                    "The intervals overlap: with these seeds there is no effect to be seen."
                )
            if got == "same":
                raise Wrong(
                    "Overlap is no proof of sameness: the whole interval of the difference must lie "
                    "inside of the margin."
                )
            if got != "open":
                raise Wrong('An effect is "fell", "rose", "same" or "open".')


@check(hidden=True)
def shown_to_be_the_same(answer: Any, rng: np.random.Generator) -> None:
    """Where the whole interval of the difference lies inside of the margin, the errors are the same."""
    for n, m in ((3, 4), (6, 3)):
        mean, half = (
            float(rng.uniform(0.4, 0.5)),
            float(rng.uniform(0.005, 0.02)),
        )
        for sign in (-1, 1):
            before = _seeds(rng, mean, half, n)
            after = _seeds(rng, mean + sign * half, half, m)
            if answer.effect(before, after, 3.2 * half) != "same":
                raise Wrong(
                    "Where the whole interval of the difference lies inside of the margin, the "
                    "errors are the same."
                )


@check(hidden=True, points=2)
def more_than_one_thing(answer: Any, rng: np.random.Generator) -> None:
    """A pair is confounded if it differs in two settings, in none, or in attention, whatever its
    errors are."""
    errors = [
        _seeds(rng, float(rng.uniform(0.4, 0.6)), 0.01, 3),
        _seeds(rng, 0.1, 0.01, 4),
    ]
    keys = [str(key) for key in rng.permutation(list(CHANGES))]
    pairs = [(PLAIN, PLAIN | {"context": "attention"}), (PLAIN, PLAIN)]
    pairs += [
        (PLAIN, PLAIN | {key: CHANGES[key] for key in keys[:n]})
        for n in (2, 3)
    ]
    pairs += [
        (
            PLAIN | {keys[2]: CHANGES[keys[2]]},
            PLAIN | {keys[3]: CHANGES[keys[3]]},
        )
    ]
    pairs += [
        (PLAIN, PLAIN | {"context": "attention", keys[0]: CHANGES[keys[0]]})
    ]
    for k, (one, other) in enumerate(pairs):
        for first, second in ((one, other), (other, one)):
            got = answer.verdict(
                first | {"error": errors[0]},
                second | {"error": errors[1]},
                0.05,
            )
            if got != "confounded" and k == 0:
                raise Wrong(
                    "Attention changes the room and the path at once: confounded."
                )
            if got != "confounded":
                raise Wrong(
                    "A pair that differs in two settings, or in none, is confounded."
                )


@check(hidden=True, points=3)
def verdicts_of_pairs(answer: Any, rng: np.random.Generator) -> None:
    """A verdict is wrong: mind the direction of the change, and what each change leaves as it is."""
    kinds = {"fell": -0.2, "same": 0.0, "rose": 0.2, "open": 0.05}
    told: list[tuple[str, str, Any]] = []
    for key in rng.permutation(list(CHANGES)):
        named = "capacity" if key == "width" else "path"
        wants = {
            "fell": named,
            "same": f"not {named}",
            "rose": "undecided",
            "open": "undecided",
        }
        for kind, shift in kinds.items():
            mean, half = (
                float(rng.uniform(0.4, 0.6)),
                0.05 if kind == "open" else 0.01,
            )
            after = (
                {key: CHANGES[key]}
                if key != "width"
                else {"width": int(rng.integers(30, 90))}
            )
            runs = [
                PLAIN | {"error": _seeds(rng, mean, half, 3)},
                PLAIN | after | {"error": _seeds(rng, mean + shift, half, 5)},
            ]
            for first, second in ((0, 1), (1, 0)):
                got = answer.verdict(runs[first], runs[second], 0.06)
                told.append(
                    (kind, wants[kind], got if isinstance(got, str) else None)
                )
    if any(
        kind == "rose" and got not in ("undecided", None)
        for kind, _, got in told
    ):
        raise Wrong(
            "An error that rose decides nothing. Take the change in its own direction, whichever of "
            "the two records comes first."
        )
    if any(kind == "open" and got != want for kind, want, got in told):
        raise Wrong("Where the seeds leave it open, the pair is undecided.")
    if any(got != want for _, want, got in told):
        raise Wrong(
            "More room speaks about capacity, and the other three changes about the path."
        )


MUTANTS = {
    "spread of all": Mutant(
        old="error.std(ddof=1) / np.sqrt(n)",
        new="error.std() / np.sqrt(n)",
        falls_by="intervals_of_seeds",
        says="less one under the root",
    ),
    "spread for error": Mutant(
        old="error.std(ddof=1) / np.sqrt(n)",
        new="error.std(ddof=1)",
        falls_by="intervals_of_seeds",
        says="This is the seeds' spread",
    ),
    "as with many seeds": Mutant(
        old="half = T_95[n] * error",
        new="half = 1.96 * error",
        falls_by="intervals_of_seeds",
        says="with so few take",
    ),
    "one standard error": Mutant(
        old="half = T_95[n] * error",
        new="half = error",
        falls_by="intervals_of_seeds",
        says="This is one standard error",
    ),
    "direction of the effect": Mutant(
        old="(low, high), (low_after, high_after) = interval(before), interval(after)",
        new="(low_after, high_after), (low, high) = interval(before), interval(after)",
        falls_by="certain_effects",
        says="The direction is turned",
    ),
    "margin first": Mutant(
        old="    if high_after < low:\n",
        new="    if -margin < low_after - high and high_after - low < margin:\n"
        '        return "same"\n'
        "    if high_after < low:\n",
        falls_by="certain_effects",
        says="small and certain",
    ),
    "means alone": Mutant(
        old="    if high_after < low:\n",
        new="    low = high = before.mean()\n"
        "    low_after = high_after = after.mean()\n"
        "    if high_after < low:\n",
        falls_by="nothing_shown",
        says="The intervals overlap",
    ),
    "mean inside of the interval": Mutant(
        old="    if high_after < low:\n",
        new="    if after.mean() < low:\n",
        falls_by="nothing_shown",
        says="The intervals overlap",
    ),
    "overlap for sameness": Mutant(
        old='return "same" if small else "open"',
        new='return "same"',
        falls_by="nothing_shown",
        says="no proof of sameness",
    ),
    "the difference of means inside": Mutant(
        old="small = -margin < low_after - high and high_after - low < margin",
        new="small = abs(after.mean() - before.mean()) < margin",
        falls_by="nothing_shown",
        says="no proof of sameness",
    ),
    "never the same": Mutant(
        old='return "same" if small else "open"',
        new='return "open"',
        falls_by="shown_to_be_the_same",
        says="inside of the margin",
    ),
    "half of the margin": Mutant(
        old="small = -margin < low_after - high and high_after - low < margin",
        new="small = max(high - low_after, high_after - low) < margin / 2",
        falls_by="shown_to_be_the_same",
        says="inside of the margin",
    ),
    "attention for the path": Mutant(
        old='if len(differ) != 1 or differ == ["context"]:',
        new="if len(differ) != 1:",
        falls_by="more_than_one_thing",
        says="room and the path at once",
    ),
    "the first difference": Mutant(
        old='if len(differ) != 1 or differ == ["context"]:',
        new='if not differ or differ[0] == "context":',
        falls_by="more_than_one_thing",
        says="differs in two settings",
    ),
    "as handed over": Mutant(
        old="before, after = sorted([one, other], key=lambda run: run[key])",
        new="before, after = one, other",
        falls_by="verdicts_of_pairs",
        says="its own direction",
    ),
    "open gates for room": Mutant(
        old='named = "capacity" if key == "width" else "path"',
        new='named = "capacity" if key in ("width", "gates") else "path"',
        falls_by="verdicts_of_pairs",
        says="about capacity, and the other three",
    ),
    "told for room": Mutant(
        old='named = "capacity" if key == "width" else "path"',
        new='named = "capacity" if key in ("width", "told") else "path"',
        falls_by="verdicts_of_pairs",
        says="about capacity, and the other three",
    ),
    "no effect, no verdict": Mutant(
        old='says = {"fell": named, "same": f"not {named}"}',
        new='says = {"fell": named, "same": f"not {named}", "open": f"not {named}"}',
        falls_by="verdicts_of_pairs",
        says="the pair is undecided",
    ),
    "a rise against it": Mutant(
        old='says = {"fell": named, "same": f"not {named}"}',
        new='says = {"fell": named, "same": f"not {named}", "rose": f"not {named}"}',
        falls_by="verdicts_of_pairs",
        says="rose decides nothing",
    ),
}
