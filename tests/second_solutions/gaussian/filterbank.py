"""The filter matrix in one go, in logarithms to the end."""

import numpy as np


def filterbank(
    mean: float, std: float, stride: float, n_filter: int, n_pixel: int, rule: str = "exact"
) -> np.ndarray:
    """The logarithm of every bell less the logarithm of its row's normaliser."""
    i, p = np.ogrid[:n_filter, :n_pixel]
    log_bell = -0.5 * np.square((p - mean - i * stride) / std)
    log_sum = np.logaddexp.reduce(log_bell, axis=1)
    if rule == "source":
        log_sum = np.logaddexp(log_sum, np.log(1e-8))
    return np.exp(log_bell - log_sum.reshape(-1, 1))
