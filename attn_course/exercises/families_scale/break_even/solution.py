"""Multiplications of global and of local attention."""


def global_count(n_query: int, n_key: int, d_key: int, d_value: int) -> int:
    """Multiplications of attention to all keys."""
    ### BEGIN SOLUTION
    return n_query * n_key * (d_key + d_value)
    ### END SOLUTION


def masked_count(
    n_query: int, n_key: int, d_key: int, d_value: int, radius: int
) -> int:
    """Those of local attention by a mask."""
    ### BEGIN SOLUTION
    return global_count(n_query, n_key, d_key, d_value)
    ### END SOLUTION


def gathered_count(n_query: int, d_key: int, d_value: int, radius: int) -> int:
    """Those of local attention by fetching each window."""
    ### BEGIN SOLUTION
    return n_query * (2 * radius + 1) * (d_key + d_value)
    ### END SOLUTION


def pairs_seen(n: int, radius: int) -> int:
    """Pairs of a query and a key of its window, both on the sequence."""
    ### BEGIN SOLUTION
    reach = min(radius, n - 1)
    return n * (2 * reach + 1) - reach * (reach + 1)
    ### END SOLUTION


def break_even(
    d_key: int, d_value: int, radius: int, slowdown: int, overhead: int
) -> int:
    """Smallest length from which on fetching is cheaper."""

    ### BEGIN SOLUTION
    def cheaper(n: int) -> bool:
        fetched = slowdown * gathered_count(n, d_key, d_value, radius)
        return fetched + overhead < global_count(n, n, d_key, d_value)

    high = 1
    while not cheaper(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if cheaper(middle) else (middle, high)
    return high
    ### END SOLUTION
