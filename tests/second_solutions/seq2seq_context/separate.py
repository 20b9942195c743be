"""Ranks in place of sorting, and the two ends of the interval in place of its middle."""

import numpy as np

T_95 = {3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571}

RISING = {
    "width": None,
    "order": ["forwards", "reversed"],
    "gates": ["closed", "open"],
    "told": [False, True],
}


def expected(change: str) -> float:
    """A guess of one's own."""
    return {"wider": -0.2, "reversed": -0.1, "open": -0.3, "told": -0.5}[change]


def interval(error: np.ndarray) -> tuple[float, float]:
    """The mean less and plus the half width."""
    n = len(error)
    mean = sum(error) / n
    variance = sum((one - mean) ** 2 for one in error) / (n - 1)
    half = T_95[n] * (variance / n) ** 0.5
    return float(mean - half), float(mean + half)


def effect(before: np.ndarray, after: np.ndarray, margin: float) -> str:
    """The largest and the smallest change that the two intervals allow."""
    was, now = interval(before), interval(after)
    least, most = now[0] - was[1], now[1] - was[0]
    if most < 0:
        return "fell"
    if least > 0:
        return "rose"
    return "same" if max(most, -least) < margin else "open"


def verdict(one: dict, other: dict, margin: float) -> str:
    """The setting that differs decides which is the run before and what is said."""
    differ = [key for key in ("context", *RISING) if one[key] != other[key]]
    if len(differ) != 1 or differ == ["context"]:
        return "confounded"
    (key,) = differ
    steps = RISING[key] or sorted([one[key], other[key]])
    before, after = (one, other) if one[key] == steps[0] else (other, one)
    found = effect(before["error"], after["error"], margin)
    cause = "capacity" if key == "width" else "path"
    return {"fell": cause, "same": f"not {cause}"}.get(found, "undecided")
