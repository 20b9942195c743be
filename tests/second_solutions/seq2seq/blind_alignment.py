"""Six tries: two paddings, two sets of new annotations, two orders."""

import numpy as np

SMALL = 1e-9


def tries(annotation: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Copies of the annotations, each with something else about it."""
    place = np.flatnonzero(mask)
    same, padded, broken, scaled, turned, rolled = (annotation.astype(float) for _ in range(6))
    padded[~mask] = 7.0 - annotation[~mask]
    broken[~mask] = np.nan
    scaled[place] = np.sin(1 + np.arange(scaled[place].size)).reshape(scaled[place].shape)
    turned[place] = annotation[place[::-1]]
    rolled[place] = annotation[np.roll(place, 1)]
    return np.stack([same, padded, broken, scaled, turned, rolled])


def apart(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two arrays differ anywhere; NaN differs from everything."""
    return not np.all(np.abs(one - other) < SMALL)


def verdict(tried: np.ndarray, mask: np.ndarray, context: np.ndarray, weight: np.ndarray) -> str:
    """One question after the other."""
    real = weight[:, mask]
    if apart(weight[:, ~mask], np.zeros(1)):
        return "leaks"
    if any(apart(real[0], real[k]) or apart(context[0], context[k]) for k in (1, 2)):
        return "leaks"
    if apart(context, np.einsum("tj,tjd->td", real, tried[:, mask])):
        return "not its weights"
    if not apart(real, real[:1]):
        return "blind"
    if apart(real[4], real[0, ::-1]) or apart(real[5], np.roll(real[0], 1)):
        return "tied to places"
    return "looks"
