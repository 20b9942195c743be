"""An LSTM that attends to a tape of its states and a tape of its cells."""

import numpy as np


def lstm(total: np.ndarray, cell: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """State and cell (d_hidden,) from the gates' sums (4 * d_hidden,)."""
    opens, forgets, offers, shows = np.split(total, 4)
    opens, forgets, shows = (
        1 / (1 + np.exp(-gate)) for gate in (opens, forgets, shows)
    )
    cell = forgets * cell + opens * np.tanh(offers)
    return shows * np.tanh(cell), cell


def tape_step(
    feature: np.ndarray,
    tape: np.ndarray,
    cell_tape: np.ndarray,
    summary: np.ndarray,
    params: dict[str, np.ndarray],
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """New state, cell and summary (d_hidden,), and the weights (n_past,)."""
    ### BEGIN SOLUTION
    from_input = params["w_feature"] @ feature
    from_summary = params["w_summary"] @ summary
    unit = np.tanh(tape @ params["w_tape"].T + from_input + from_summary)
    bell = np.exp(unit @ params["v"])
    share = bell / bell.sum() if len(tape) else np.zeros(0)
    read, read_cell = share @ tape, share @ cell_tape
    total = params["w_in"] @ feature + params["w_back"] @ read
    hidden, cell = lstm(total + params["bias"], read_cell)
    return hidden, cell, read, share
    ### END SOLUTION


def tape_walk(
    feature: np.ndarray, params: dict[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """States (n_step, d_hidden) and weights (n_step, n_step)."""
    ### BEGIN SOLUTION
    n_step, d_hidden = len(feature), params["w_tape"].shape[1]
    states, cells = np.zeros((2, n_step, d_hidden))
    shares, read = np.zeros((n_step, n_step)), np.zeros(d_hidden)
    for t, x in enumerate(feature):
        past, past_cells = states[:t], cells[:t]
        state, cell, read, share = tape_step(x, past, past_cells, read, params)
        states[t], cells[t], shares[t, :t] = state, cell, share
    return states, shares
    ### END SOLUTION
