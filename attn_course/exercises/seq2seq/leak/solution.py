"""Parts of an encoder and of a loss, for batches with padding."""

import numpy as np


def sweep(
    feature: np.ndarray,
    mask: np.ndarray,
    w_input: np.ndarray,
    w_hidden: np.ndarray,
    b: np.ndarray,
    back: bool,
) -> np.ndarray:
    """States (batch, n_step, d_hidden) of a reader, by the contract."""
    batch, n_step, _ = feature.shape
    found = np.zeros((batch, n_step, len(b)))
    now = np.zeros((batch, len(b)))
    ### BEGIN SOLUTION
    for t in range(n_step)[::-1] if back else range(n_step):
        real = mask[:, t, None]
        fresh = np.tanh(feature[:, t] @ w_input.T + now @ w_hidden.T + b)
        now = np.where(real, fresh, now)
        found[:, t] = np.where(real, now, 0.0)
    return found
    ### INSTEAD
    # steps = range(n_step)
    # for t in reversed(steps) if back else steps:
    #     now = np.tanh(feature[:, t] @ w_input.T + now @ w_hidden.T + b)
    #     found[:, t] = now * mask[:, t, None]
    # return found
    ### END SOLUTION


def ends(ahead: np.ndarray, back: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Where both readers end (batch, 2 * d_hidden), by the contract."""
    ### BEGIN SOLUTION
    every = np.arange(len(mask))
    n_step = mask.shape[1]
    final = n_step - 1 - mask[:, ::-1].argmax(axis=1)
    first = mask.argmax(axis=1)
    both = np.hstack([ahead[every, final], back[every, first]])
    return np.where(mask.any(axis=1, keepdims=True), both, 0.0)
    ### INSTEAD
    # return np.concatenate([ahead[:, -1], back[:, 0]], axis=1)
    ### END SOLUTION


def mean_annotation(annotation: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Mean (batch, d) of the real annotations, by the contract."""
    ### BEGIN SOLUTION
    counted = np.where(mask[:, :, None], annotation, 0.0).sum(axis=1)
    return counted / np.maximum(mask.sum(axis=1), 1)[:, None]
    ### INSTEAD
    # return (annotation * mask[:, :, None]).mean(axis=1)
    ### END SOLUTION


def word_loss(
    log_probability: np.ndarray, target: np.ndarray, mask: np.ndarray
) -> float:
    """Mean loss of the real words of a batch, by the contract."""
    ### BEGIN SOLUTION
    right = np.take_along_axis(log_probability, target[:, :, None], 2)[..., 0]
    return -float(right[mask].sum() / max(mask.sum(), 1))
    ### INSTEAD
    # right = np.take_along_axis(log_probability, target[..., None], axis=2)
    # each = (right[..., 0] * mask).sum(axis=1) / mask.sum(axis=1)
    # return -float(each.mean())
    ### END SOLUTION
