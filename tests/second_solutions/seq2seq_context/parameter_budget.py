"""A list of shapes to add up, and a search by halves for the width."""

from math import prod


def shapes(
    n_source_token: int, n_target_token: int, width: int, n_reader: int, attention: bool
) -> list[tuple[int, ...]]:
    """The shape of every array of parameters."""
    w, a = width, n_reader * width
    reader = [(3 * w, w), (3 * w, w), (3 * w,), (3 * w,)]
    return [
        (n_source_token, w),
        (n_target_token, w),
        *(reader * n_reader),
        *[(w, a), (w,)],
        *[(3 * w, w + a), (3 * w, w), (3 * w,), (3 * w,)],
        *[(n_target_token, 2 * w + a), (n_target_token,)],
        *([(w, w), (w, a), (w,)] if attention else []),
    ]


def n_parameter(
    n_source_token: int, n_target_token: int, width: int, n_reader: int, attention: bool
) -> int:
    """The sizes of all arrays."""
    return sum(map(prod, shapes(n_source_token, n_target_token, width, n_reader, attention)))


def fair_width(n_source_token: int, n_target_token: int, width: int, n_reader: int) -> int:
    """The last width that has no more parameters, or the next one."""
    wanted = n_parameter(n_source_token, n_target_token, width, n_reader, True)

    def over(trial: int) -> int:
        return n_parameter(n_source_token, n_target_token, trial, n_reader, False) - wanted

    low, high = width, 2 * width + 1
    while over(high) <= 0:
        high *= 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if over(middle) > 0 else (middle, high)
    return low if -over(low) <= over(high) else high


def carried(n_source: int, width: int, n_reader: int) -> tuple[int, int]:
    """One annotation's worth of numbers, or one for each letter."""
    return n_reader * width, n_source * n_reader * width


def least_width(n_message: int, n_level: int) -> int:
    """How many digits the last message's number has, if they are counted from zero."""
    last, n_digit = n_message - 1, 0
    while last:
        last, n_digit = last // n_level, n_digit + 1
    return n_digit
