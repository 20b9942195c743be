"""The one place that words an error: *name* must *requirement*, got *value*.

The functions see shapes, names of types and Python numbers, never arrays, so that the reference
and its twin raise the same text.
"""

import math
from collections.abc import Iterable, Sequence

from attn_course._typing import Number


def shape(name: str, got: Sequence[int], want: Sequence[int | None], hint: str = "") -> None:
    """Raise ValueError unless `got` has the sizes of `want`; None stands for any size."""
    got = tuple(got)
    if len(got) != len(want) or any(w not in (None, g) for g, w in zip(got, want, strict=True)):
        sizes = ", ".join("any" if w is None else str(w) for w in want)
        wanted = f"({sizes},)" if len(want) == 1 else f"({sizes})"
        raise ValueError(f"{name} must have shape {wanted}, got {got}" + _said(hint))


def broadcasts(name: str, got: Sequence[int], want: Sequence[int]) -> None:
    """Raise ValueError unless the shape `got` can be broadcast to `want`."""
    got, want = tuple(got), tuple(want)
    tail = want[len(want) - len(got) :]
    if len(got) > len(want) or any(g not in (1, w) for g, w in zip(got, tail, strict=True)):
        raise ValueError(f"{name} must broadcast to shape {want}, got {got}")


def cell(n_gate: int, d_in: int, d_hidden: int, **shapes: Sequence[int]) -> None:
    """Raise ValueError unless the weights, biases and memory of a recurrent cell fit."""
    n = n_gate * d_hidden
    wanted = {"w_input": (n, d_in), "w_hidden": (n, d_hidden), "cell": (d_hidden,)}
    for name, got in shapes.items():
        shape(name, got, wanted.get(name, (n,)))


def positive(name: str, value: Number) -> None:
    """Raise ValueError unless `value` > 0."""
    if not value > 0:
        raise ValueError(f"{name} must be positive, got {value}")


def finite(name: str, value: Number) -> None:
    """Raise ValueError if `value` is infinite or not a number."""
    if not math.isfinite(value):
        raise ValueError(f"{name} must be finite, got {value}")


def at_least(name: str, value: Number, minimum: int, hint: str = "") -> None:
    """Raise ValueError unless `value` >= `minimum`."""
    if value < minimum:
        raise ValueError(f"{name} must be at least {minimum}, got {value}" + _said(hint))


def at_most(name: str, value: Number, maximum: int) -> None:
    """Raise ValueError unless `value` <= `maximum`."""
    if value > maximum:
        raise ValueError(f"{name} must be at most {maximum}, got {value}")


def square(name: str, value: int) -> None:
    """Raise ValueError unless `value` is the square of a whole number."""
    if value < 0 or math.isqrt(value) ** 2 != value:
        raise ValueError(f"{name} must be a square number, got {value}")


def even(name: str, width: int) -> None:
    """Raise ValueError unless `width`, the size of the last axis, is even."""
    if width % 2:
        raise ValueError(f"{name} must have an even width, got {width}")


def one_of(name: str, value: str, options: Iterable[str]) -> None:
    """Raise ValueError unless `value` is among `options`."""
    options = list(options)
    if value not in options:
        known = ", ".join(repr(option) for option in options)
        raise ValueError(f"{name} must be one of {known}, got {value!r}")


def boolean(name: str, dtype: object) -> None:
    """Raise TypeError unless `dtype` is boolean."""
    kind = str(dtype).removeprefix("torch.")
    if kind != "bool":
        raise TypeError(f"{name} must be bool with True where attention is allowed, got {kind}")


def _said(hint: str) -> str:
    return f"; {hint}" if hint else ""
