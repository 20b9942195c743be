"""A listing that promises more than it does, and the inputs that show it."""

import numpy as np


def masks(
    mean: np.ndarray,
    std: np.ndarray,
    stride: np.ndarray,
    n_filter: int,
    n_pixel: int,
) -> np.ndarray:
    """Filters of a batch: (batch, n_filter, n_pixel), rows summing to 1.

    `mean`, `std` and `stride` are arrays (batch,).
    """
    ### BEGIN SOLUTION
    mean, std, stride = (
        one[:, np.newaxis, np.newaxis] for one in (mean, std, stride)
    )
    pixel, index = np.arange(n_pixel), np.arange(n_filter)[:, np.newaxis]
    score = -(((pixel - (mean + index * stride)) / std) ** 2) / 2
    bell = np.exp(score - score.max(axis=2, keepdims=True))
    return bell / bell.sum(axis=2, keepdims=True)
    ### INSTEAD
    # mean, std, stride = (
    #     one[np.newaxis, :, np.newaxis] for one in (mean, std, stride)
    # )
    # index, pixel = np.arange(n_filter), np.arange(n_pixel)[:, np.newaxis]
    # bell = np.exp(-(((pixel - (mean + index * stride)) / std) ** 2) / 2)
    # filters = np.swapaxes(bell, 1, 2)  # one Gaussian a row
    # # no division by zero
    # return filters / (filters.sum(axis=1, keepdims=True) + 1e-8)
    ### END SOLUTION


def glimpses(
    image: np.ndarray, params: np.ndarray, size: tuple[int, int]
) -> np.ndarray:
    """Glimpses (batch, h, w, channel) of a batch of images; size is (h, w).

    `image` is (batch, height, width, channel). The rows of `params`,
    (batch, 6), are mean, std and stride along y, then the same along x.
    """
    ### BEGIN SOLUTION
    h, w = size
    mean_y, std_y, stride_y, mean_x, std_x, stride_x = params.T
    mask_y = masks(mean_y, std_y, stride_y, h, image.shape[1])
    mask_x = masks(mean_x, std_x, stride_x, w, image.shape[2])
    return np.einsum("bhi,bijc,bwj->bhwc", mask_y, image, mask_x)
    ### INSTEAD
    # height, width = size
    # height, width = image.shape[1:3]
    # mean_y, std_y, stride_y, mean_x, std_x, stride_x = params.T
    # mask_y = masks(mean_y, std_y, stride_y, height, height)
    # mask_x = masks(mean_x, std_x, stride_x, width, width)
    # return mask_y @ image @ np.swapaxes(mask_x, 1, 2)
    ### END SOLUTION


def shows_batch() -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    """Arguments of `glimpses` on which the wrong batch axis shows.

    It changes the glimpse in silence.
    """
    ### BEGIN SOLUTION
    image = np.array([[0.0, 1.0], [0.0, 1.0]])[..., np.newaxis]
    params = np.array([[0, 0.5, 1, 0, 0.5, 1], [0, 0.5, 1, 1, 0.5, 0]])
    return np.stack([image, image]), params, (2, 2)
    ### END SOLUTION


def shows_axis() -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    """Arguments of `glimpses` on which the sum over the wrong axis shows."""
    ### BEGIN SOLUTION
    return np.ones((1, 1, 1, 1)), np.array([[0.0, 1, 0, 0, 1, 0]]), (1, 2)
    ### END SOLUTION


def shows_fading() -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    """Arguments of `glimpses` on which the 1e-8 changes the glimpse."""
    ### BEGIN SOLUTION
    return np.ones((1, 1, 1, 1)), np.array([[0.5, 0.05, 0, 0, 1, 0]]), (1, 1)
    ### END SOLUTION
