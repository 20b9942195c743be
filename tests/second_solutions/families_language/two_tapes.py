"""Two tapes that lie side by side as one; entries are scored one by one."""

import numpy as np


def lstm(total: np.ndarray, cell: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """State and cell (d_hidden,) from the gates' sums (4 * d_hidden,)."""
    opens, forgets, offers, shows = np.split(total, 4)
    opens, forgets, shows = (1 / (1 + np.exp(-gate)) for gate in (opens, forgets, shows))
    cell = forgets * cell + opens * np.tanh(offers)
    return shows * np.tanh(cell), cell


def tape_step(
    feature: np.ndarray,
    tape: np.ndarray,
    cell_tape: np.ndarray,
    summary: np.ndarray,
    params: dict[str, np.ndarray],
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Sums are kept as they are and divided last; nothing is divided if there is nothing."""
    common = params["w_feature"] @ feature + params["w_summary"] @ summary
    raised = np.zeros(len(tape))
    for place, state in enumerate(tape):
        raised[place] = np.exp(params["v"] @ np.tanh(params["w_tape"] @ state + common))
    weight = raised / max(raised.sum(), np.finfo(float).tiny)
    read, cell = np.split(np.hstack([tape, cell_tape]).T @ weight, 2)
    total = params["w_in"] @ feature + params["w_back"] @ read + params["bias"]
    return *lstm(total, cell), read, weight


def tape_walk(feature: np.ndarray, params: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Tapes of full length from the start, of which a step is shown the part that is filled."""
    n_step, d_hidden = len(feature), len(params["bias"]) // 4
    tape, cell_tape = np.zeros((2, n_step, d_hidden))
    weight = np.zeros((n_step, n_step))
    summary = np.zeros(d_hidden)
    for now in range(n_step):
        tape[now], cell_tape[now], summary, weight[now, :now] = tape_step(
            feature[now], tape[:now], cell_tape[:now], summary, params
        )
    return tape, weight
