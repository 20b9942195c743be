"""Checks of the ceiling; widths are counted with sixty digits."""

import math
from decimal import ROUND_CEILING, Decimal, localcontext
from typing import Any

import numpy as np

from attn_course.exercises.checking import Mutant, Wrong, check, close

ULP = 2.0**-53  # between one and the number before it


@check()
def two_keys_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """Two keys of width 1 can score 1 and −1, scaled or not: the better one gets e / (e + 1/e), which is
    0.880797. A single key gets everything."""
    for scaled in (False, True):
        close(answer.most_weight(2, 1, scaled), 1 / (1 + math.exp(-2)))
        close(answer.most_weight(1, 3, scaled), 1.0)


@check()
def sixteen_keys(answer: Any, rng: np.random.Generator) -> None:
    """For 99 % among 16 keys plain scores take a width of 4: at width 3 they reach 96.4 %, and at 4
    they reach 99.5 %."""
    _whole(answer.width_needed(16, 0.99, False))
    if answer.width_needed(16, 0.99, False) != 4:
        raise Wrong


def _whole(got: Any) -> None:
    """Raise Wrong unless this is a whole number."""
    if not isinstance(got, int | np.integer) or isinstance(got, bool):
        raise Wrong("Return a whole number, an int.")


def _ceiling(n_key: int, gap: float) -> float:
    """The weight of a key that is a gap above all the others."""
    return 1 / (1 + (n_key - 1) * math.exp(-gap))


@check(hidden=True, points=2)
def weight_of_the_best(answer: Any, rng: np.random.Generator) -> None:
    """The best key can score as high as there is and all the others as low as there is, at once."""
    for top in (3, 50, 10**6, 10**12):
        for scaled in (False, True):
            n_key = top + int(rng.integers(1, top))
            # Where the weight is neither one nor next to nothing.
            half = math.log(n_key) / 2 + rng.uniform(-0.3, 0.3)
            d_key = max(2, round(half**2 if scaled else half))
            gap = 2 * (math.sqrt(d_key) if scaled else d_key)
            got = answer.most_weight(n_key, d_key, scaled)
            want = _ceiling(n_key, gap)
            if np.shape(got) == () and not np.allclose(got, want, rtol=1e-9):
                for told, value in {
                    "The other keys need not score zero: they can be pushed down as far as the "
                    "best one is raised.": _ceiling(n_key, gap / 2),
                    "The best key is not one of the others.": _ceiling(
                        n_key + 1, gap
                    ),
                    "Scaled scores are divided by the root of the width, and plain ones are "
                    "not.": _ceiling(
                        n_key, 2 * (d_key if scaled else math.sqrt(d_key))
                    ),
                    "Divided by the root, a score still grows with the width: only its root is "
                    "gone.": _ceiling(n_key, 2),
                }.items():
                    if np.allclose(got, value, rtol=1e-9):
                        raise Wrong(told)
            close(got, want)


@check(hidden=True)
def states_of_any_width(answer: Any, rng: np.random.Generator) -> None:
    """Wide states leave the others nothing, and the weight is one: neither NaN nor an overflow."""
    for width in rng.integers([380, 9_000, 800_000], [700, 20_000, 10**6]):
        n_key = int(rng.integers(2, 10**6))
        close(answer.most_weight(n_key, int(width), False), 1.0)
        root = math.sqrt(width)
        close(
            answer.most_weight(n_key, int(width), True),
            _ceiling(n_key, 2 * root),
        )


def _length(
    n_key: int, share: float, scaled: bool, halved: bool = True
) -> Decimal:
    """The width that would do if widths were not whole, to sixty digits."""
    with localcontext() as context:
        context.prec = 60
        given = Decimal(share)
        gap = ((n_key - 1) * given / (1 - given)).ln()
        half = max(gap, Decimal(0)) / (2 if halved else 1)
        return half**2 if scaled else half


def _first(width: Decimal) -> int:
    """The first whole width from there on."""
    return max(1, int(width.to_integral_value(ROUND_CEILING)))


def _share(odds: float) -> float:
    """The share with this logarithm of its odds."""
    return 1 / (1 + math.exp(-odds))


@check(hidden=True, points=3)
def first_width_that_will_do(answer: Any, rng: np.random.Generator) -> None:
    """The width is the first at which the largest weight is as large as the share, and it is whole."""
    asked: list[tuple[int, float, bool]] = []
    for i in range(24):
        # A share just below what some width allows, and one just above it.
        scaled = i % 2 == 0
        width = int(rng.integers(6, 40) if scaled else rng.integers(2, 9))
        gap = 2 * (math.sqrt(width) if scaled else width)
        n_key = int(rng.integers(3, 9)) + 10**7 * (i % 4 > 1)
        odds = min(gap - math.log(n_key - 1), 15.0)
        for shift in (-1e-6, 1e-6):
            asked.append((n_key, _share(odds + shift), scaled))
    got = [answer.width_needed(*one) for one in asked]
    for one in got:
        _whole(one)
    want = [_first(_length(*one)) for one in asked]
    if got == want:
        return
    for told, value in {
        "At this width the largest weight is still below the share.": [
            one - 1 for one in want
        ],
        "A narrower one will do as well.": [one + 1 for one in want],
        "The best key is not one of the others.": [
            _first(_length(n_key + 1, share, scaled))
            for n_key, share, scaled in asked
        ],
        "The other keys need not score zero: they can be pushed down as far as the best one is "
        "raised.": [_first(_length(*one, halved=False)) for one in asked],
        "Scaled scores grow with the root of the width, and plain ones with the width.": [
            _first(_length(n_key, share, False)) for n_key, share, _ in asked
        ],
    }.items():
        # One less than the first width can be none.
        if [max(1, one) for one in value] == [max(1, one) for one in got]:
            raise Wrong(told)
    raise Wrong


@check(hidden=True)
def no_others_at_all(answer: Any, rng: np.random.Generator) -> None:
    """A single key has all the weight at any width: a width of 1 will do, without an error."""
    for share in rng.uniform([0.1, 0.9], [0.8, 0.999]):
        for scaled in (False, True):
            got = answer.width_needed(1, float(share), scaled)
            _whole(got)
            if got != 1:
                raise Wrong


@check(hidden=True)
def shares_that_come_for_nothing(
    answer: Any, rng: np.random.Generator
) -> None:
    """A share below 1/n is reached at any width, and the first width is 1; what is negative becomes
    large when it is squared."""
    for low in (1e-9, 1e-6, 1e-3):
        n_key = int(rng.integers(2, 9))
        share = float(low * rng.uniform(1, 9))
        for scaled in (True, False):
            got = answer.width_needed(n_key, share, scaled)
            _whole(got)
            if got != 1:
                raise Wrong


@check(hidden=True)
def nearly_sure(answer: Any, rng: np.random.Generator) -> None:
    """Near one a weight has lost its last digits, and so has one over a share: compare what is left
    over, 1 − share, which has them all."""
    for scaled in (True, False):
        n_asked = 0
        while n_asked < 40:
            n_key = int(10 ** rng.uniform(7, 12))
            # Steps below one; rounding hides the odd ones, or the even ones.
            share = 1 - int(rng.integers(10, 25)) * ULP
            length = _length(n_key, share, scaled)
            if abs(length - round(length)) < 1e-6:
                continue  # too near for anybody's logarithm
            n_asked += 1
            got = answer.width_needed(n_key, share, scaled)
            _whole(got)
            if got != _first(length):
                raise Wrong


MUTANTS = {
    "the others at zero": Mutant(
        old="math.exp(-2 * reach)",
        new="math.exp(-reach)",
        falls_by="weight_of_the_best",
        says="need not score zero",
    ),
    "no root": Mutant(
        old="reach = math.sqrt(d_key) if scaled else d_key",
        new="reach = d_key",
        falls_by="weight_of_the_best",
        says="divided by the root of the width",
    ),
    "the width is gone": Mutant(
        old="math.sqrt(d_key) if scaled",
        new="1.0 if scaled",
        falls_by="weight_of_the_best",
        says="still grows with the width",
    ),
    "one key too many": Mutant(
        old="(n_key - 1) * math.exp(",
        new="n_key * math.exp(",
        falls_by="weight_of_the_best",
        says="not one of the others",
    ),
    "overflow": Mutant(
        old="    others = (n_key - 1) * math.exp(-2 * reach)\n"
        "    return 1 / (1 + others)",
        new="    best = math.exp(reach)\n"
        "    return best / (best + (n_key - 1) / best)",
        falls_by="states_of_any_width",
        says="neither NaN nor an overflow",
    ),
    "infinity over infinity": Mutant(
        old="    others = (n_key - 1) * math.exp(-2 * reach)\n"
        "    return 1 / (1 + others)",
        new="    import numpy as np\n\n    score = np.array([reach, -reach])\n"
        "    best, other = np.exp(score)\n"
        "    return best / (best + (n_key - 1) * other)",
        falls_by="states_of_any_width",
        says="neither NaN nor an overflow",
    ),
    "rounded down": Mutant(
        old="math.ceil(width)",
        new="math.floor(width)",
        falls_by="first_width_that_will_do",
        says="still below the share",
    ),
    "one more to be safe": Mutant(
        old="return max(1, math.ceil(width))",
        new="return max(1, math.ceil(width) + 1)",
        falls_by="first_width_that_will_do",
        says="narrower one will do",
    ),
    "width for others at zero": Mutant(
        old="half = max(0.0, math.log(n_key - 1) + odds) / 2",
        new="half = max(0.0, math.log(n_key - 1) + odds)",
        falls_by="first_width_that_will_do",
        says="need not score zero",
    ),
    "width without a square": Mutant(
        old="width = half**2 if scaled else half",
        new="width = half",
        falls_by="first_width_that_will_do",
        says="with the root of the width",
    ),
    "width for one key more": Mutant(
        old="math.log(n_key - 1)",
        new="math.log(n_key)",
        falls_by="first_width_that_will_do",
        says="not one of the others",
    ),
    "logarithm of zero": Mutant(
        old="if n_key == 1:",
        new="if n_key == 0:",
        falls_by="no_others_at_all",
        says="without an error",
    ),
    "a negative root": Mutant(
        old="max(0.0, math.log(n_key - 1) + odds) / 2",
        new="(math.log(n_key - 1) + odds) / 2",
        falls_by="shares_that_come_for_nothing",
        says="when it is squared",
    ),
    "by trying": Mutant(
        old="    if n_key == 1:\n        return 1\n",
        new="    width = 1\n"
        "    while most_weight(n_key, width, scaled) < share:\n"
        "        width += 1\n"
        "    return width\n",
        falls_by="nearly_sure",
        says="compare what is left over",
    ),
    "one over the share": Mutant(
        old="math.log(share) - math.log1p(-share)",
        new="-math.log(1 / share - 1)",
        falls_by="nearly_sure",
        says="compare what is left over",
    ),
}
