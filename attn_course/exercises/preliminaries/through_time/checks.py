"""Checks of a simple cell's states and slopes, by hand and along the imaginary axis."""

from typing import Any

import numpy as np

from attn_course.exercises.checking import Mutant, Wrong, check, close

HALF = np.log(3) / 2  # the number whose tanh is 1/2
ONE_UNIT = {
    "feature": np.array([[HALF], [0.0]]),
    "w_input": np.array([[1.0]]),
    "w_hidden": np.array([[2 * HALF]]),
    "b": np.array([0.0]),
}


@check()
def two_steps_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """With x = 0.5493, 0 and weights 1 and 1.0986 both states are 1/2."""
    close(
        answer.states(**ONE_UNIT),
        np.array([[0.5], [0.5]]),
        "The first state is tanh 0.5493 = 1/2; the second tanh(1.0986 * 1/2) = 1/2.",
    )


@check()
def two_slopes_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """The loss is 16 times the last state: at every step a factor 3/4, and 1.0986 in between."""
    upstream = np.array([[0.0], [16.0]])
    got = _four(answer.gradients(**ONE_UNIT, upstream=upstream))
    first = 12 * 2 * HALF * 0.75
    close(
        got[0],
        np.array([[first], [12.0]]),
        "By the inputs: the last is 16 * 3/4 = 12; the first 12 * 1.0986 * 3/4 = 9.8875.",
    )
    close(
        got[1],
        np.array([[first * HALF]]),
        "By w_input: 9.8875 * 0.5493 from the first step, and nothing from the second, whose input "
        "is 0.",
    )
    close(
        got[2],
        np.array([[6.0]]),
        "By w_hidden: 12 * 1/2 from the second step, and nothing from the first, before which the "
        "state is 0.",
    )
    close(got[3], np.array([first + 12]), "By b: both steps, 9.8875 + 12.")
    close(
        answer.influence(**ONE_UNIT),
        np.array([[0.75 * 2 * HALF]]),
        "The last state by the first: 3/4 * 1.0986.",
    )


@check(
    hidden=True,
    safety="wrong states spoil every slope, and this check says where it began",
)
def states_of_any_cell(answer: Any, rng: np.random.Generator) -> None:
    """Each state is the tanh of input, state before and bias, each with its own weights."""
    for n_step in (1, 5):
        cell = _cell(rng, n_step)
        close(
            answer.states(**cell),
            _states(**cell)[1:],
            "Some state is wrong: h is tanh of W_x x plus W_h times the state before plus b, and "
            "before the first step it is zero.",
        )


@check(hidden=True, points=2)
def slopes_by_the_inputs(answer: Any, rng: np.random.Generator) -> None:
    """Every input reaches all later states, and the loss hears of it through each of them."""
    cell, upstream = _loss(rng)
    got = _four(answer.gradients(**cell, upstream=upstream))[0]
    want = _slope(cell, upstream, "feature")
    _recognise(
        got,
        want,
        {
            "What comes back from later steps is missing: an input reaches them through the "
            "states.": _backward(cell, upstream, carried=0.0),
            "Going back the matrix is transposed: it adds over the units that received.": (
                _backward(cell, upstream, turned=True)
            ),
            "The slope of tanh, 1 - h squared, is missing.": _backward(
                cell, upstream, bent=False
            ),
        },
    )
    close(got, want, rtol=1e-8)


@check(hidden=True, points=2)
def slopes_by_the_weights(answer: Any, rng: np.random.Generator) -> None:
    """A weight is used at every step, and its slope is the sum of what each use says."""
    cell, upstream = _loss(rng)
    got = _four(answer.gradients(**cell, upstream=upstream))
    by_score = _by_score(cell, upstream)
    before = _states(**cell)[:-1]
    wrong = {
        "w_input": {
            "By w_input only one step counts in yours; each step used it.": (
                np.outer(by_score[-1], cell["feature"][-1])
            )
        },
        "w_hidden": {
            "By w_hidden each step counts with the state before it, and not with its own.": (
                by_score.T @ _states(**cell)[1:]
            ),
            "By w_hidden only one step counts in yours; each step used it.": (
                np.outer(by_score[-1], before[-1])
            ),
            "By w_hidden yours is transposed: rows belong to the unit that receives.": (
                before.T @ by_score
            ),
        },
        "b": {
            "By b only one step counts in yours; each step used it.": by_score[
                -1
            ]
        },
    }
    for k, name in enumerate(("w_input", "w_hidden", "b"), start=1):
        want = _slope(cell, upstream, name)
        _recognise(got[k], want, wrong[name])
        close(
            got[k],
            want,
            "A slope by the weights is wrong: it is a sum over all steps.",
            rtol=1e-8,
        )


@check(hidden=True)
def one_step_alone(answer: Any, rng: np.random.Generator) -> None:
    """With a single step nothing comes back, w_hidden was never used, and the influence is 1."""
    cell = _cell(rng, 1)
    n = len(cell["b"])
    upstream = rng.normal(size=(1, n))
    got = _four(answer.gradients(**cell, upstream=upstream))
    by_score = upstream * (1 - _states(**cell)[1:] ** 2)
    close(got[0], by_score @ cell["w_input"], "One step: W_x transposed.")
    close(
        got[2],
        np.zeros((n, n)),
        "With one step the slope by w_hidden is zero, since the state before is zero.",
    )
    close(
        answer.influence(**cell),
        np.eye(n),
        "With one step the last state is the first, and the influence is the identity.",
    )


@check(hidden=True)
def influence_of_the_first_state(
    answer: Any, rng: np.random.Generator
) -> None:
    """The last state by the first is a product of one matrix for each step between."""
    cell = _cell(rng, 5)
    n = len(cell["b"])
    step = 1e-30
    want = np.zeros((n, n))
    for j in range(n):
        state = _states(**cell)[1] + 1j * step * np.eye(n)[j]
        for x in cell["feature"][1:]:
            state = np.tanh(
                cell["w_input"] @ x + cell["w_hidden"] @ state + cell["b"]
            )
        want[:, j] = state.imag / step
    got = answer.influence(**cell)
    factors = [
        (1 - h**2)[:, None] * cell["w_hidden"] for h in _states(**cell)[1:]
    ]

    def product(parts: list[np.ndarray]) -> np.ndarray:
        whole = np.eye(n)
        for part in parts:
            whole = part @ whole
        return whole

    _recognise(
        got,
        want,
        {
            "The matrices stand in the wrong order: the later one on the left.": product(
                factors[:0:-1]
            ),
            "There is a factor too many: from the first state to the last there are T - 1 steps.": (
                product(factors)
            ),
            "Yours is transposed: row i belongs to unit i of the last state.": want.T,
            "The slope of tanh is missing from the influence.": product(
                [cell["w_hidden"]] * 4
            ),
        },
    )
    close(got, want, rtol=1e-8)


def _cell(rng: np.random.Generator, n_step: int) -> dict[str, np.ndarray]:
    """Inputs and weights of a cell, its two widths different."""
    d_in, d_hidden = (int(n) for n in rng.permutation([2, 3, 4])[:2])
    return {
        "feature": rng.normal(size=(n_step, d_in)),
        "w_input": rng.normal(size=(d_hidden, d_in)) / 2,
        "w_hidden": rng.normal(size=(d_hidden, d_hidden)) / 2,
        "b": rng.normal(size=d_hidden) / 2,
    }


def _loss(
    rng: np.random.Generator,
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """A cell of five steps and what the loss says of each of its states."""
    cell = _cell(rng, 5)
    return cell, rng.normal(size=(5, len(cell["b"])))


def _states(feature: Any, w_input: Any, w_hidden: Any, b: Any) -> np.ndarray:
    """The states, the zeros before the first step included."""
    found = [np.zeros(len(b))]
    for x in feature:
        found.append(np.tanh(w_input @ x + w_hidden @ found[-1] + b))
    return np.stack(found)


def _slope(
    cell: dict[str, np.ndarray], upstream: np.ndarray, name: str
) -> np.ndarray:
    """Exact slope by one argument, by steps along the imaginary axis."""
    step = 1e-30
    found = np.zeros(cell[name].shape)
    for index in np.ndindex(found.shape):
        moved = cell[name].astype(complex)
        moved[index] += 1j * step
        loss = (upstream * _states(**cell | {name: moved})[1:]).sum()
        found[index] = loss.imag / step
    return found


def _by_score(
    cell: dict[str, np.ndarray],
    upstream: np.ndarray,
    carried: float = 1.0,
    turned: bool = False,
    bent: bool = True,
) -> np.ndarray:
    """Slopes by what stands under the tanh, right or with a mistake."""
    matrix = cell["w_hidden"] if turned else cell["w_hidden"].T
    back, found = np.zeros(len(cell["b"])), []
    for direct, h in zip(upstream[::-1], _states(**cell)[:0:-1], strict=True):
        here = (direct + carried * back) * (1 - h**2 if bent else 1.0)
        back = matrix @ here
        found.append(here)
    return np.stack(found[::-1])


def _backward(
    cell: dict[str, np.ndarray], upstream: np.ndarray, **mistake: Any
) -> np.ndarray:
    return _by_score(cell, upstream, **mistake) @ cell["w_input"]


def _four(got: Any) -> Any:
    """The four parts of an answer."""
    if not isinstance(got, tuple | list) or len(got) != 4:
        raise Wrong(
            "gradients must return four arrays: by_feature, by_w_input, by_w_hidden, by_b."
        )
    return got


def _recognise(
    got: Any, want: np.ndarray, mistakes: dict[str, np.ndarray]
) -> None:
    """Name the mistake if the numbers are those that it leads to, and not the right ones."""
    if np.shape(got) != want.shape or np.allclose(got, want, rtol=1e-7):
        return
    for sentence, value in mistakes.items():
        if np.allclose(got, value, rtol=1e-7):
            raise Wrong(sentence)


MUTANTS = {
    "no bias": Mutant(
        old="w_hidden @ before + b)",
        new="w_hidden @ before)",
        falls_by="states_of_any_cell",
        says="Some state is wrong",
    ),
    "hidden weights transposed": Mutant(
        old="+ w_hidden @ before + b)",
        new="+ w_hidden.T @ before + b)",
        falls_by="states_of_any_cell",
        says="Some state is wrong",
    ),
    "a last state that is not kept": Mutant(
        old="    return found\n",
        new="    return np.roll(found, 1, axis=0) if len(found) > 1 else found\n",
        falls_by="states_of_any_cell",
        says="Some state is wrong",
    ),
    "nothing carried back": Mutant(
        old="later = w_hidden.T @ by_score[t]",
        new="later = 0 * by_score[t]",
        falls_by="slopes_by_the_inputs",
        says="later steps is missing",
    ),
    "not transposed on the way back": Mutant(
        old="later = w_hidden.T @ by_score[t]",
        new="later = w_hidden @ by_score[t]",
        falls_by="slopes_by_the_inputs",
        says="the matrix is transposed",
    ),
    "tanh forgotten": Mutant(
        old="(upstream[t] + later) * (1 - found[t] ** 2)",
        new="upstream[t] + later",
        falls_by="slopes_by_the_inputs",
        says="slope of tanh",
    ),
    "inputs of the last step alone": Mutant(
        old="by_feature = by_score @ w_input",
        new="by_feature = by_score @ w_input\n    by_feature[:-1] = 0",
        falls_by="slopes_by_the_inputs",
        says="Every input reaches all later states",
    ),
    "last step alone by w_input": Mutant(
        old="by_w_input = by_score.T @ feature",
        new="by_w_input = np.outer(by_score[-1], feature[-1])",
        falls_by="slopes_by_the_weights",
        says="By w_input only one step",
    ),
    "its own state instead of the one before": Mutant(
        old="by_w_hidden = by_score[1:].T @ found[:-1]",
        new="by_w_hidden = by_score.T @ found",
        falls_by="slopes_by_the_weights",
        says="the state before it",
    ),
    "matrix of slopes transposed": Mutant(
        old="by_w_hidden = by_score[1:].T @ found[:-1]",
        new="by_w_hidden = found[:-1].T @ by_score[1:]",
        falls_by="slopes_by_the_weights",
        says="yours is transposed",
    ),
    "last step alone by b": Mutant(
        old="by_score.sum(axis=0)",
        new="by_score[-1]",
        falls_by="slopes_by_the_weights",
        says="By b only one step",
    ),
    "one step has no influence": Mutant(
        old="    return product\n",
        new="    return product if len(feature) > 1 else 0 * product\n",
        falls_by="one_step_alone",
        says="the influence is the identity",
    ),
    "wrong order of the product": Mutant(
        old="product = step @ product",
        new="product = product @ step",
        falls_by="influence_of_the_first_state",
        says="wrong order",
    ),
    "a factor too many": Mutant(
        old="w_hidden, b)[1:]:",
        new="w_hidden, b)[int(len(feature) == 1) :]:",
        falls_by="influence_of_the_first_state",
        says="a factor too many",
    ),
    "influence without tanh": Mutant(
        old="step = (1 - state**2)[:, None] * w_hidden",
        new="step = w_hidden",
        falls_by="influence_of_the_first_state",
        says="missing from the influence",
    ),
    "slope of tanh on the wrong side": Mutant(
        old="step = (1 - state**2)[:, None] * w_hidden",
        new="step = w_hidden * (1 - state**2)",
        falls_by="influence_of_the_first_state",
        says="product of one matrix for each step",
    ),
}
