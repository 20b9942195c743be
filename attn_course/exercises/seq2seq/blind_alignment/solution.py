"""A test of unknown decoder steps: do their weights look at the source?"""

import numpy as np


def tries(annotation: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Annotations to try (n_try, n_source, d_annotation), itself first."""
    ### BEGIN SOLUTION
    padded, other, turned = (annotation.copy() for _ in range(3))
    padded[~mask] = np.nan
    row, column = np.indices(annotation.shape)
    other[mask] = (3 * np.cos(row + 2 * column))[mask]
    turned[mask] = annotation[mask][::-1]
    return np.stack([annotation, padded, other, turned])
    ### END SOLUTION


def verdict(
    tried: np.ndarray,
    mask: np.ndarray,
    context: np.ndarray,
    weight: np.ndarray,
) -> str:
    """What one step is, from its contexts and weights on the tries."""
    ### BEGIN SOLUTION
    real = weight[:, mask]
    if not np.array_equal(weight[:, ~mask], np.zeros((4, (~mask).sum()))):
        return "leaks"
    same_weight = np.allclose(real[1], real[0], 0, 1e-9)
    if not (same_weight and np.allclose(context[1], context[0], 0, 1e-9)):
        return "leaks"
    mixture = (real[:, :, None] * tried[:, mask]).sum(axis=1)
    if not np.allclose(context, mixture, 0, 1e-9):
        return "not its weights"
    if np.allclose(real[2:], real[0], 0, 1e-9):
        return "blind"
    goes_along = np.allclose(real[3], real[0, ::-1], 0, 1e-9)
    return "looks" if goes_along else "tied to places"
    ### END SOLUTION
