"""Sixty digits instead of care: one exact weight, and the width by bisection over it."""

from bisect import bisect_left
from decimal import Context, Decimal

DIGITS = Context(prec=60)


def exact_weight(n_key: int, d_key: int, scaled: bool) -> Decimal:
    """All ones against all minus ones: a score of reach for one key and of -reach for the rest."""
    width = Decimal(int(d_key))
    reach = DIGITS.sqrt(width) if scaled else width
    rest = DIGITS.multiply(int(n_key) - 1, DIGITS.exp(-2 * reach))
    return DIGITS.divide(1, DIGITS.add(1, rest))


def most_weight(n_key: int, d_key: int, scaled: bool) -> float:
    """The exact weight, rounded once."""
    return float(exact_weight(n_key, d_key, scaled))


def width_needed(n_key: int, share: float, scaled: bool) -> int:
    """The weight grows with the width, so double until it is enough and then halve the gap."""
    goal = Decimal(float(share))
    enough = 1
    while exact_weight(n_key, enough, scaled) < goal:
        enough *= 2
    widths = range(1, enough + 1)
    return widths[bisect_left(widths, goal, key=lambda d: exact_weight(n_key, d, scaled))]
