"""Multiplications from the price of a pair; the break-even length by a whole square root."""

import math


def global_count(n_query: int, n_key: int, d_key: int, d_value: int) -> int:
    """The queries against the matrix of keys, and then the weights against that of values."""
    return sum(n_query * width * n_key for width in (d_key, d_value))


def masked_count(n_query: int, n_key: int, d_key: int, d_value: int, radius: int) -> int:
    """A window of radius n_key leaves nothing out, and costs the same as any other."""
    return n_key * global_count(n_query, 1, d_key, d_value)


def gathered_count(n_query: int, d_key: int, d_value: int, radius: int) -> int:
    """As many keys as a window has places."""
    return global_count(n_query, 2 * radius + 1, d_key, d_value)


def pairs_seen(n: int, radius: int) -> int:
    """The diagonal, and n - 1, n - 2, ... pairs on each side of it."""
    beside = min(radius, n - 1)
    return n + beside * (2 * n - beside - 1)


def break_even(d_key: int, d_value: int, radius: int, slowdown: int, overhead: int) -> int:
    """Complete the square in n (n - least) > overhead per price, rounded down."""
    least = slowdown * (2 * radius + 1)
    root = math.isqrt(least**2 + 4 * (overhead // (d_key + d_value)))
    return (least + root) // 2 + 1
