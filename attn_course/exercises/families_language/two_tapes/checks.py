"""Checks of the weights on the tapes, of the two summaries, and of a walk by the answer's own step."""

from typing import Any

import numpy as np

from attn_course._typing import Array
from attn_course.exercises.checking import Mutant, Wrong, check, close

Params = dict[str, Array]
WIDE, DEEP = 4, 3  # of the input, of the state


@check()
def a_step_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """With all parameters zero the weights are equal, and the gates are half open. States 2 and 4 make
    the summary 3, cells 8 and 16 the summary 12, of which the cell keeps 6."""
    params = _plain()
    tape, cell_tape = np.array([[2.0], [4.0]]), np.array([[8.0], [16.0]])
    got = answer.tape_step(np.ones(1), tape, cell_tape, np.zeros(1), params)
    hidden, cell, summary, weight = _four(got)
    close(weight, np.array([0.5, 0.5]))
    close(summary, np.array([3.0]))
    close(cell, np.array([6.0]))
    close(hidden, np.tanh([6.0]) / 2)


@check()
def a_step_that_chooses(answer: Any, rng: np.random.Generator) -> None:
    """With v = 2 and W_h = 1 the states 0 and -9 have scores 0 and -2: the weights are as 1 to
    exp(-2)."""
    params = _plain() | {"v": np.array([2.0]), "w_tape": np.ones((1, 1))}
    tape = np.array([[0.0], [-9.0]])
    got = answer.tape_step(np.ones(1), tape, tape, np.zeros(1), params)
    score = 2 * np.tanh([0.0, -9.0])
    close(_four(got)[3], np.exp(score) / np.exp(score).sum())


@check()
def a_walk_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """With all parameters zero each step attends to all before it alike: the rows of the weights are
    zeros, then 1, then 1/2 and 1/2."""
    _, weight = _pair(answer.tape_walk(np.ones((3, 1)), _plain()))
    close(weight, np.array([[0, 0, 0], [1, 0, 0], [0.5, 0.5, 0]]))


def _plain() -> Params:
    """All zeros, of width one."""
    one = np.zeros((1, 1))
    many = np.zeros((4, 1))
    return {
        "w_tape": one,
        "w_feature": one,
        "w_summary": one,
        "v": np.zeros(1),
        "w_in": many,
        "w_back": many,
        "bias": np.zeros(4),
    }


def _four(got: Any) -> tuple[Any, Any, Any, Any]:
    if not isinstance(got, tuple | list) or len(got) != 4:
        raise Wrong(
            "tape_step returns four arrays: state, cell, summary, weights."
        )
    return got[0], got[1], got[2], got[3]


def _pair(got: Any) -> tuple[Any, Any]:
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise Wrong("tape_walk returns two arrays: states, weights.")
    return got[0], got[1]


def _params(rng: np.random.Generator) -> Params:
    d_score = 5
    return {
        "w_tape": rng.normal(0, 1, (d_score, DEEP)),
        "w_feature": rng.normal(0, 0.5, (d_score, WIDE)),
        "w_summary": rng.normal(0, 1, (d_score, DEEP)),
        "v": rng.normal(0, 1, d_score),
        "w_in": rng.normal(0, 0.5, (4 * DEEP, WIDE)),
        "w_back": rng.normal(0, 1, (4 * DEEP, DEEP)),
        "bias": rng.normal(0, 0.5, 4 * DEEP),
    }


def _past(
    rng: np.random.Generator, n: int
) -> tuple[Array, Array, Array, Array]:
    """Input, tapes and the summary of the step before."""
    return (
        rng.normal(0, 1, WIDE),
        rng.uniform(-1, 1, (n, DEEP)),
        rng.normal(0, 1, (n, DEEP)),
        rng.uniform(-1, 1, DEEP),
    )


def _softmax(score: Array) -> Array:
    bell = np.exp(score)
    return bell / bell.sum()


def _gates(total: Array, cell: Array) -> tuple[Array, Array]:
    i, f, g, o = total.reshape(4, -1)
    cell = cell / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
    return np.tanh(cell) / (1 + np.exp(-o)), cell


@check(hidden=True, points=2)
def weights_of_a_tape(answer: Any, rng: np.random.Generator) -> None:
    """A weight comes from the entry's state, the input, and the summary of the step before."""
    for n in (3, 6):
        params = _params(rng)
        x, tape, cell_tape, before = _past(rng, n)
        by_tape = tape @ params["w_tape"].T
        by_input, by_summary = (
            params["w_feature"] @ x,
            params["w_summary"] @ before,
        )
        v = params["v"]
        score = np.tanh(by_tape + by_input + by_summary) @ v
        _recognise(
            _four(answer.tape_step(x, tape, cell_tape, before, params))[3],
            _softmax(score),
            {
                "The summary of the step before is missing in the scores.": _softmax(
                    np.tanh(by_tape + by_input) @ v
                ),
                "The input is missing in the scores.": _softmax(
                    np.tanh(by_tape + by_summary) @ v
                ),
                "Without its tanh the score does not depend on input and summary at all.": _softmax(
                    by_tape @ v
                ),
                "The scores come from the tape of states, not from that of cells.": _softmax(
                    np.tanh(
                        cell_tape @ params["w_tape"].T + by_input + by_summary
                    )
                    @ v
                ),
                "These are scores; take their softmax.": score,
                "The weights are a softmax over the tape, and not sigmoids.": 1
                / (1 + np.exp(-score)),
            },
        )


@check(hidden=True, points=2)
def summaries_of_both_tapes(answer: Any, rng: np.random.Generator) -> None:
    """The same weights make a summary of the states, for the gates, and one of the cells, to go on
    from."""
    for n in (2, 5):
        params = _params(rng)
        x, tape, cell_tape, before = _past(rng, n)
        state, cell, summary, weight = _four(
            answer.tape_step(x, tape, cell_tape, before, params)
        )
        if np.shape(weight) != (n,):
            raise Wrong(
                "Without a weight for each entry of the tapes there is no summary."
            )
        own = np.asarray(weight)

        def goes_on(
            read: Array,
            read_cell: Array,
            x: Array = x,
            params: Params = params,
        ) -> Array:
            total = (
                params["w_in"] @ x + params["w_back"] @ read + params["bias"]
            )
            return np.array(_gates(total, read_cell))

        read, read_cell = own @ tape, own @ cell_tape
        _recognise(
            summary,
            read,
            {
                "The new summary is to be returned, and this is the old one.": before,
                "The summary that is returned is that of the states.": read_cell,
            },
        )
        if np.shape(state) == np.shape(cell) == (DEEP,):
            _recognise(
                np.array([state, cell]),
                goes_on(read, read_cell),
                {
                    "The gates take the new summary of the states, and not the old one.": goes_on(
                        before, read_cell
                    ),
                    "The gates take the summary, not the last state of the tape.": goes_on(
                        tape[-1], read_cell
                    ),
                    "The cell goes on from the summary of the cells, not from the last cell.": (
                        goes_on(read, cell_tape[-1])
                    ),
                    "The two tapes have changed places.": goes_on(
                        read_cell, read
                    ),
                    "The cell goes on from the summary of the cells; here it is that of the "
                    "states.": goes_on(read, read),
                    "The bias is missing in the gates.": goes_on(
                        read,
                        read_cell,
                        x,
                        params | {"bias": 0 * params["bias"]},
                    ),
                },
            )
        close(state, goes_on(read, read_cell)[0])
        close(cell, goes_on(read, read_cell)[1])


@check(hidden=True)
def tapes_without_an_entry(answer: Any, rng: np.random.Generator) -> None:
    """From empty tapes both summaries are zeros, whatever the summary before was; the input still
    counts."""
    params = _params(rng)
    x, tape, cell_tape, before = _past(rng, 0)
    state, cell, summary, weight = _four(
        answer.tape_step(x, tape, cell_tape, before, params)
    )
    close(weight, np.zeros(0))
    close(summary, np.zeros(DEEP))
    want = _gates(params["w_in"] @ x + params["bias"], np.zeros(DEEP))
    close(state, want[0])
    close(cell, want[1])


@check(hidden=True, points=2)
def walk_of_many_steps(answer: Any, rng: np.random.Generator) -> None:
    """Each step sees the tapes of all the steps before it, and hands its summary to the next."""
    for n in (2, 5):
        params, feature = _params(rng), rng.normal(0, 1, (n + 2, WIDE))
        states, weight = _pair(answer.tape_walk(feature, params))
        want = _walk(answer, feature, params)
        if (
            np.shape(states) == want[0].shape
            and np.shape(weight) == want[1].shape
        ):
            if not np.allclose(np.triu(weight), 0):
                raise Wrong(
                    "Step t has weights for the steps before it, in the columns below t."
                )
            mistakes: dict[str, dict[str, Any]] = {
                "The summary of a step is to be handed to the next.": {
                    "forgets": True
                },
                "The second tape holds the cells, not the states again.": {
                    "one_tape": True
                },
                "A step attends to all that came before it, and not to the last step alone.": {
                    "window": 1
                },
                "The newest entry is put at the end of the tapes.": {
                    "newest_first": True
                },
            }
            for told, how in mistakes.items():
                other = _walk(answer, feature, params, **how)
                right = np.allclose(states, want[0]) and np.allclose(
                    weight, want[1]
                )
                if not right and all(
                    map(np.allclose, (states, weight), other)
                ):
                    raise Wrong(told)
        close(states, want[0])
        close(weight, want[1])


def _walk(
    answer: Any,
    feature: Array,
    params: Params,
    forgets: bool = False,
    one_tape: bool = False,
    window: int = 99,
    newest_first: bool = False,
) -> tuple[Array, Array]:
    """The walk again, by the student's own step: who has that wrong is told so elsewhere."""
    tape = np.zeros((0, DEEP))
    cell_tape, summary = tape, np.zeros(DEEP)
    weight = np.zeros((len(feature), len(feature)))
    states = []
    for t, x in enumerate(feature):
        if forgets:
            summary = np.zeros(DEEP)
        first = max(t - window, 0)
        state, cell, summary, row = (
            np.asarray(one)
            for one in _four(
                answer.tape_step(
                    x, tape[first:], cell_tape[first:], summary, params
                )
            )
        )
        weight[t, first:t] = row
        states.append(state)
        where = 0 if newest_first else t
        tape = np.insert(tape, where, state, axis=0)
        cell_tape = np.insert(
            cell_tape, where, state if one_tape else cell, axis=0
        )
    return np.array(states), weight


def _recognise(got: Any, want: Array, mistakes: dict[str, Array]) -> None:
    """Name the mistake if the numbers are those that it leads to; else see that they are right."""
    if np.shape(got) == want.shape and not np.allclose(got, want, rtol=1e-7):
        for sentence, value in mistakes.items():
            if np.allclose(got, value, rtol=1e-7):
                raise Wrong(sentence)
    close(got, want)


MUTANTS = {
    "no summary in the scores": Mutant(
        old=" + from_input + from_summary)",
        new=" + from_input)",
        falls_by="weights_of_a_tape",
        says="summary of the step before is missing",
    ),
    "no input in the scores": Mutant(
        old=" + from_input + from_summary)",
        new=" + from_summary)",
        falls_by="weights_of_a_tape",
        says="input is missing",
    ),
    "no bend": Mutant(
        old='unit = np.tanh(tape @ params["w_tape"].T + from_input + from_summary)',
        new='unit = tape @ params["w_tape"].T + from_input + from_summary',
        falls_by="weights_of_a_tape",
        says="Without its tanh",
    ),
    "scores of the cells": Mutant(
        old="np.tanh(tape @",
        new="np.tanh(cell_tape @",
        falls_by="weights_of_a_tape",
        says="not from that of cells",
    ),
    "sigmoids": Mutant(
        old="share = bell / bell.sum() if len(tape) else np.zeros(0)",
        new="share = bell / (1 + bell)",
        falls_by="weights_of_a_tape",
        says="not sigmoids",
    ),
    "the old summary returned": Mutant(
        old="return hidden, cell, read, share",
        new="return hidden, cell, summary if len(tape) else read, share",
        falls_by="summaries_of_both_tapes",
        says="this is the old one",
    ),
    "the old summary in the gates": Mutant(
        old='params["w_back"] @ read',
        new='params["w_back"] @ (summary if len(tape) else read)',
        falls_by="summaries_of_both_tapes",
        says="not the old one",
    ),
    "the last state in the gates": Mutant(
        old='params["w_back"] @ read',
        new='params["w_back"] @ (tape[-1] if len(tape) else read)',
        falls_by="summaries_of_both_tapes",
        says="not the last state",
    ),
    "on from the last cell": Mutant(
        old="read, read_cell = share @ tape, share @ cell_tape",
        new="read, read_cell = share @ tape, share @ cell_tape\n"
        "    if len(tape):\n        read_cell = cell_tape[-1]",
        falls_by="summaries_of_both_tapes",
        says="not from the last cell",
    ),
    "one tape for both": Mutant(
        old="share @ cell_tape",
        new="share @ tape",
        falls_by="summaries_of_both_tapes",
        says="here it is that of the states",
    ),
    "no bias": Mutant(
        old='lstm(total + params["bias"], read_cell)',
        new='lstm(total + 0 * params["bias"], read_cell)',
        falls_by="summaries_of_both_tapes",
        says="bias is missing",
    ),
    "an empty tape keeps the summary": Mutant(
        old="    total = params",
        new="    read = read if len(tape) else summary\n    total = params",
        falls_by="tapes_without_an_entry",
        says="both summaries are zeros",
    ),
    "no weights in an empty tape": Mutant(
        old="bell / bell.sum() if len(tape) else np.zeros(0)",
        new="bell / bell.sum() if len(tape) else np.zeros(1)",
        falls_by="tapes_without_an_entry",
        says="both summaries are zeros",
    ),
    "summary not handed on": Mutant(
        old="tape_step(x, past, past_cells, read, params)",
        new="tape_step(\n            x, past, past_cells, 0 * read, params\n        )",
        falls_by="walk_of_many_steps",
        says="handed to the next",
    ),
    "states on both tapes": Mutant(
        old="tape_step(x, past, past_cells, read, params)",
        new="tape_step(x, past, past, read, params)",
        falls_by="walk_of_many_steps",
        says="not the states again",
    ),
    "zeros on the tape": Mutant(
        old="past, past_cells = states[:t], cells[:t]",
        new="past, past_cells = states, cells",
        falls_by="walk_of_many_steps",
        says="Each step sees the tapes",
    ),
    "weights of itself": Mutant(
        old="states[t], cells[t], shares[t, :t] = state, cell, share",
        new="states[t], cells[t], shares[t, 1 : t + 1] = state, cell, share",
        falls_by="walk_of_many_steps",
        says="in the columns below t",
    ),
}
