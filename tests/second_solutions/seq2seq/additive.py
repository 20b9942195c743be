"""One query at a time, and of each row only the keys that may be looked at."""

import numpy as np


def alignment(
    query: np.ndarray,
    annotation: np.ndarray,
    w_query: np.ndarray,
    w_key: np.ndarray,
    v: np.ndarray,
) -> np.ndarray:
    """Both matrices side by side, on a query and an annotation one above the other."""
    both = np.concatenate([w_query, w_key], axis=1)
    score = np.empty((len(query), len(annotation)))
    for i, one in enumerate(query):
        for j, other in enumerate(annotation):
            score[i, j] = v @ np.tanh(both @ np.concatenate([one, other]))
    return score


def allowed_weight(score: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Exponentials less the logarithm of their sum, over the allowed keys of each row."""
    weight = np.zeros(score.shape)
    for i in range(len(score)):
        key = np.flatnonzero(mask[i % len(mask)])
        allowed = score[i, key]
        if len(key):
            log_sum = np.logaddexp.reduce(allowed)
            weight[i, key] = np.exp(allowed - log_sum)
    return weight


def look_back(
    query: np.ndarray,
    annotation: np.ndarray,
    mask: np.ndarray,
    w_query: np.ndarray,
    w_key: np.ndarray,
    v: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Keys of no use to any query are taken out of the arrays, and their columns put back."""
    seen = np.flatnonzero(mask.sum(axis=0))
    score = alignment(query, annotation[seen], w_query, w_key, v)
    few = allowed_weight(score, mask[:, seen])
    weight = np.zeros((len(query), len(annotation)))
    weight[:, seen] = few
    return few @ annotation[seen], weight
