"""Checks of means, errors and slopes on draws that the checks make themselves."""

from typing import Any

import numpy as np

from attn_course.exercises.checking import Mutant, Wrong, check, close


@check()
def three_draws_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """The draws 1, 3, 8 have the mean 4, the variance 13 and the standard error 2.0817; an error
    of 0.5 costs 52 draws."""
    sample = np.array([1.0, 3.0, 8.0])
    mean, error = _pair(answer.mean_and_error(sample), "mean_and_error")
    close(mean, 4.0, "The mean of 1, 3, 8 is 4.")
    close(
        error,
        np.sqrt(13 / 3),
        "For the draws 1, 3, 8 the squares 9, 1, 16 add up to 26; divided by 2 that is 13, and the "
        "standard error is the root of 13/3, 2.0817.",
    )
    close(
        answer.draws_needed(sample, 0.5),
        52,
        "With a variance of 13 a standard error of 0.5 takes 13 / 0.25 = 52 draws.",
    )


@check()
def two_choices_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """For p = 1/4, 3/4 and rewards 8, 0 the exact slope is 1.5, -1.5; the draws 0, 1 with rewards
    8, 0 give 3, -3 with an error of 3."""
    score = np.log([1.0, 3.0])
    close(
        answer.exact_slope(score, np.array([8.0, 0.0])),
        np.array([1.5, -1.5]),
        "With p = 1/4, 3/4 and rewards 8, 0 the expected reward is 2, and its slope by the first "
        "score is 1/4 * (8 - 2) = 1.5.",
    )
    mean, error = _pair(
        answer.sampled_slope(score, np.array([0, 1]), np.array([8.0, 0.0])),
        "sampled_slope",
    )
    close(
        mean,
        np.array([3.0, -3.0]),
        "The first draw gives 8 * (1 - 1/4, 0 - 3/4) = (6, -6), the second 0: their mean is 3, -3.",
    )
    close(
        error,
        np.array([3.0, 3.0]),
        "The draws 6 and 0 have the variance 18, and the standard error of their mean is the root "
        "of 18/2, 3.",
    )


@check(hidden=True)
def error_of_a_mean(answer: Any, rng: np.random.Generator) -> None:
    """The standard error is the unbiased spread of one draw, divided by the root of their number."""
    for n_draw in (7, 40, 2):
        sample = rng.normal(rng.uniform(1, 3), rng.uniform(2, 4), n_draw)
        got = _pair(answer.mean_and_error(sample), "mean_and_error")
        variance = sample.var(ddof=1)
        close(got[0], sample.mean(), "The first of the pair is the mean.")
        _recognise(
            got[1],
            np.sqrt(variance / n_draw),
            {
                "This is the spread of one draw; the mean of many is surer, by the root of their "
                "number.": np.sqrt(variance),
                "Take the unbiased variance, with n - 1 below the line: np.std has ddof for it.": (
                    sample.std() / np.sqrt(n_draw)
                ),
                "The error falls with the root of the number of draws, not with their number.": (
                    np.sqrt(variance) / n_draw
                ),
                "This is the variance of the mean; the standard error is its root.": variance
                / n_draw,
            },
        )
        close(got[1], np.sqrt(variance / n_draw))


@check(hidden=True)
def large_numbers_that_differ_little(
    answer: Any, rng: np.random.Generator
) -> None:
    """Draws near a billion that differ by a few must keep the error that they have near zero."""
    sample = rng.integers(0, 9, 30).astype(float)
    want = np.sqrt(sample.var(ddof=1) / 30)
    _, error = _pair(answer.mean_and_error(sample + 1e9), "mean_and_error")
    close(
        error,
        want,
        "Near a billion your error is wrong or not a number: the mean of the squares less the "
        "square of the mean is a difference of huge, nearly equal numbers. Take the mean off first.",
        rtol=1e-6,
    )


@check(hidden=True)
def draws_that_an_error_costs(answer: Any, rng: np.random.Generator) -> None:
    """Half the error costs four times the draws, and the number is rounded up to a whole one."""
    for _ in range(4):
        sample = rng.normal(0, 3, 20)
        error = rng.uniform(0.02, 0.05)
        count = sample.var(ddof=1) / error**2
        got = answer.draws_needed(sample, error)
        if type(got) is not int:
            raise Wrong("draws_needed must return a whole number, an int.")
        _recognise(
            got,
            np.ceil(count),
            {
                "Rounded down, the error is a little above the one that was asked for.": (
                    np.floor(count)
                ),
                "The error falls with the root of the number of draws, so that its square "
                "decides.": np.ceil(sample.std(ddof=1) / error),
                "It does not matter how many draws the pilot had: it only says how much one draw "
                "varies.": np.ceil(count / 20),
            },
        )
        close(got, np.ceil(count))


@check(hidden=True)
def draws_that_come_out_whole(answer: Any, rng: np.random.Generator) -> None:
    """Where the number comes out whole but for rounding, one draw more is one too many."""
    for _ in range(20):
        spread, count = rng.uniform(1, 3), int(rng.integers(5, 5000))
        sample = spread * np.sqrt(1 / 2) * np.array([-1.0, 1.0])
        got = answer.draws_needed(sample, spread / np.sqrt(count))
        close(
            got,
            count,
            "Rounding lifts a whole number by a last digit, and ceil then adds one: allow for one "
            "part in a billion.",
        )


@check(hidden=True)
def slope_of_the_expectation(answer: Any, rng: np.random.Generator) -> None:
    """The expected reward rises by p times what a choice brings beyond the average."""
    for _ in range(3):
        score, reward = rng.normal(size=(2, int(rng.integers(3, 7))))
        share = _share(score)
        want = share * (reward - share @ reward)
        got = answer.exact_slope(score, reward)
        _recognise(
            got,
            want,
            {
                "A score that raises one probability lowers all others: the mean reward has to "
                "come off.": share * reward,
                "The mean that comes off is the one under the probabilities.": share
                * (reward - reward.mean()),
            },
        )
        close(got, want)


@check(hidden=True)
def mean_of_the_sampled_slope(answer: Any, rng: np.random.Generator) -> None:
    """Each draw contributes its reward times a one-hot row less the probabilities."""
    score, choice, reward, draw = _draws(rng)
    got, _ = _pair(
        answer.sampled_slope(score, choice, reward), "sampled_slope"
    )
    _recognise(
        got,
        draw.mean(axis=0),
        {
            "The probabilities have to come off the one-hot row: that is the slope of the "
            "normaliser.": (reward[:, None] * np.eye(len(score))[choice]).mean(
                axis=0
            ),
            "This is the sum over the draws; the mean is asked for.": draw.sum(
                axis=0
            ),
            "The draws are made with p already. To weigh them by p once more counts it twice.": (
                _share(score)[choice][:, None] * draw
            ).mean(axis=0),
            "The mean of the sampled rewards is subtracted, and it was not asked for. It depends on "
            "the draw, and so it bends the mean a little.": (
                (reward - reward.mean())[:, None]
                * (np.eye(len(score))[choice] - _share(score))
            ).mean(axis=0),
        },
    )
    close(got, draw.mean(axis=0))


@check(hidden=True)
def error_of_the_sampled_slope(answer: Any, rng: np.random.Generator) -> None:
    """Each entry of the slope has a standard error of its own, over the draws."""
    score, choice, reward, draw = _draws(rng)
    _, error = _pair(
        answer.sampled_slope(score, choice, reward), "sampled_slope"
    )
    want = draw.std(axis=0, ddof=1) / np.sqrt(len(draw))
    _recognise(
        error,
        want,
        {
            "This is the spread of one draw's slope; the error of the mean is smaller.": want
            * np.sqrt(len(draw)),
            "Take the unbiased variance here too.": draw.std(axis=0)
            / np.sqrt(len(draw)),
        },
    )
    close(error, want)


def _draws(
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Scores, choices, noisy rewards, and the draws of the slope."""
    n, n_draw = int(rng.integers(3, 6)), int(rng.integers(6, 20))
    score = rng.normal(size=n)
    choice = rng.integers(0, n, n_draw)
    reward = rng.normal(2, 1, n_draw)
    draw = reward[:, None] * (np.eye(n)[choice] - _share(score))
    return score, choice, reward, draw


def _share(score: np.ndarray) -> np.ndarray:
    share = np.exp(score - score.max())
    return share / share.sum()


def _pair(got: Any, name: str) -> tuple[Any, Any]:
    """The two parts of an answer."""
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise Wrong(
            f"{name} must return a pair: the mean first, then its error."
        )
    return got[0], got[1]


def _recognise(got: Any, want: Any, mistakes: dict[str, Any]) -> None:
    """Name the mistake if the numbers are those that it leads to, and not the right ones."""
    want = np.asarray(want)
    if np.shape(got) != want.shape or np.allclose(got, want, rtol=1e-9):
        return
    for sentence, value in mistakes.items():
        if np.allclose(got, value, rtol=1e-9):
            raise Wrong(sentence)


MUTANTS = {
    "spread of one draw": Mutant(
        old="float(spread / np.sqrt(len(sample)))",
        new="float(spread)",
        falls_by="error_of_a_mean",
        says="This is the spread of one draw",
    ),
    "median": Mutant(
        old="float(sample.mean())",
        new="float(np.median(sample))",
        falls_by="error_of_a_mean",
        says="The first of the pair is the mean",
    ),
    "n below the line": Mutant(
        old="spread = sample.std(ddof=1)",
        new="spread = sample.std()",
        falls_by="error_of_a_mean",
        says="unbiased variance",
    ),
    "divided by n": Mutant(
        old="float(spread / np.sqrt(len(sample)))",
        new="float(spread / len(sample))",
        falls_by="error_of_a_mean",
        says="falls with the root",
    ),
    "squares of large numbers": Mutant(
        old="spread = sample.std(ddof=1)",
        new="n = len(sample)\n    spread = np.sqrt(abs((sample**2).mean() - sample.mean() ** 2) * n / (n - 1))",
        falls_by="large_numbers_that_differ_little",
        says="Take the mean off first",
    ),
    "rounded down": Mutant(
        old="return max(1, int(np.ceil(count * (1 - 1e-9))))",
        new="return max(1, int(count * (1 + 1e-9)))",
        falls_by="draws_that_an_error_costs",
        says="Rounded down",
    ),
    "error not squared": Mutant(
        old="count = sample.var(ddof=1) / error**2",
        new="count = sample.std(ddof=1) / error",
        falls_by="draws_that_an_error_costs",
        says="so that its square decides",
    ),
    "error of the pilot's mean": Mutant(
        old="count = sample.var(ddof=1) / error**2",
        new="count = sample.var(ddof=1) / len(sample) / error**2",
        falls_by="draws_that_an_error_costs",
        says="how many draws the pilot had",
    ),
    "rounding not allowed for": Mutant(
        old="int(np.ceil(count * (1 - 1e-9)))",
        new="int(np.ceil(count))",
        falls_by="draws_that_come_out_whole",
        says="one part in a billion",
    ),
    "mean reward not taken off": Mutant(
        old="advantage = reward - share @ reward",
        new="advantage = reward",
        falls_by="slope_of_the_expectation",
        says="the mean reward has to come off",
    ),
    "plain mean of the rewards": Mutant(
        old="advantage = reward - share @ reward",
        new="advantage = reward - reward.mean()",
        falls_by="slope_of_the_expectation",
        says="under the probabilities",
    ),
    "one-hot rows alone": Mutant(
        old="direction = np.eye(len(score))[choice] - share",
        new="direction = np.eye(len(score))[choice]",
        falls_by="mean_of_the_sampled_slope",
        says="slope of the normaliser",
    ),
    "a sum for a mean": Mutant(
        old="return draw.mean(axis=0), draw",
        new="return draw.sum(axis=0), draw",
        falls_by="mean_of_the_sampled_slope",
        says="the mean is asked for",
    ),
    "weighed by p again": Mutant(
        old="draw = reward[:, None] * direction",
        new="draw = (share[choice] * reward)[:, None] * direction",
        falls_by="mean_of_the_sampled_slope",
        says="counts it twice",
    ),
    "mean of the sampled rewards taken off": Mutant(
        old="draw = reward[:, None] * direction",
        new="draw = (reward - reward.mean())[:, None] * direction",
        falls_by="mean_of_the_sampled_slope",
        says="it was not asked for",
    ),
    "error of one draw's slope": Mutant(
        old="draw.std(axis=0, ddof=1) / np.sqrt(len(draw))",
        new="draw.std(axis=0, ddof=1)",
        falls_by="error_of_the_sampled_slope",
        says="the error of the mean is smaller",
    ),
    "slope's error with n below the line": Mutant(
        old="draw.std(axis=0, ddof=1) / np.sqrt(len(draw))",
        new="draw.std(axis=0) / np.sqrt(len(draw))",
        falls_by="error_of_the_sampled_slope",
        says="here too",
    ),
}
