"""Checks of slopes along a reader, against complex steps, and of powers."""

import math
from typing import Any

import numpy as np

from attn_course._typing import Array
from attn_course.exercises.checking import Mutant, Wrong, check, close

Params = dict[str, Array]


@check()
def a_step_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """One unit with z = 1/2, n = 0.6, h = 1, A_h = 2 and W_h = 1: the slope is
    1/2 + 1/4 · 0.4 · 2 + 1/2 · 0.64 · 1 = 1.02."""
    params = {
        "a_input": np.zeros((1, 1)),
        "w_input": np.zeros((1, 1)),
        "a_hidden": np.array([[2.0]]),
        "w_hidden": np.array([[1.0]]),
        "a": np.array([-2.0]),
        "b": np.array([np.log(2) - 1]),
    }
    close(answer.step_slope(np.zeros(1), np.ones(1), params), [[1.02]])


@check()
def a_gate_alone(answer: Any, rng: np.random.Generator) -> None:
    """With W_h and all of A zero and a gate of 1/2, an input that enters with slope 1/2 is halved at
    each step: after four steps 1/16 is left."""
    zero = np.zeros((1, 1))
    params = {
        "a_input": zero,
        "w_input": np.ones((1, 1)),
        "a_hidden": zero,
        "w_hidden": zero,
        "a": np.zeros(1),
        "b": np.zeros(1),
    }
    close(answer.first_letter(np.zeros((4, 1)), params), [[1 / 16]])


@check()
def powers_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """A half is below 0.6 after one step and below 0.2 after three; a bias of 0 keeps 1/8 over three
    steps, and one of log 3 keeps 9/16 over two."""
    _whole(answer.steps_until(0.5, 0.6), 1)
    _whole(answer.steps_until(0.5, 0.2), 3)
    close(answer.gate_bias(3, 1 / 8), 0.0, atol=1e-9)
    close(answer.gate_bias(2, 9 / 16), math.log(3))


def _whole(got: Any, want: int) -> None:
    if not isinstance(got, int | np.integer) or isinstance(got, bool):
        raise Wrong("The number of steps is a whole number.")
    if int(got) != want:
        raise Wrong


def _next(x: Array, h: Array, params: Params) -> Array:
    """The step, for complex numbers as well."""
    gate = 1 / (
        1
        + np.exp(
            -(params["a_input"] @ x + params["a_hidden"] @ h + params["a"])
        )
    )
    new = np.tanh(params["w_input"] @ x + params["w_hidden"] @ h + params["b"])
    return np.asarray(gate * h + (1 - gate) * new)


def _drawn(rng: np.random.Generator, n_step: int) -> tuple[Array, Params]:
    d_in, d = int(rng.integers(2, 4)), int(rng.integers(4, 6))
    sizes: dict[str, tuple[int, ...]] = {
        "a_input": (d, d_in),
        "w_input": (d, d_in),
        "a_hidden": (d, d),
    }
    sizes |= {"w_hidden": (d, d), "a": (d,), "b": (d,)}
    params = {name: rng.normal(size=size) for name, size in sizes.items()}
    return rng.normal(size=(n_step, d_in)), params


def _by_state(x: Array, h: Array, params: Params) -> Array:
    """The slope by complex steps, which are exact."""
    small = 1e-30
    columns = [
        _next(x, h + 1j * small * one, params).imag / small
        for one in np.eye(len(h))
    ]
    return np.stack(columns, axis=1)


def _by_first(feature: Array, params: Params) -> Array:
    small, columns = 1e-30, []
    for one in np.eye(feature.shape[1]):
        h = np.zeros(len(params["b"])) + 0j
        for t, x in enumerate(feature):
            h = _next(x + (1j * small * one if t == 0 else 0), h, params)
        columns.append(h.imag / small)
    return np.stack(columns, axis=1)


@check(
    hidden=True,
    points=3,
    safety="the product is made of such steps, and here the missing term is named",
)
def slope_of_one_step(answer: Any, rng: np.random.Generator) -> None:
    """The slope of a step is wrong: the state enters directly, through the gate, and through the
    candidate."""
    for _ in range(3):
        feature, params = _drawn(rng, 1)
        x, h = feature[0], rng.normal(size=len(params["b"]))
        want = _by_state(x, h, params)
        got = answer.step_slope(x, h, params)
        if np.shape(got) == want.shape and not np.allclose(got, want):
            gate = params["a_input"] @ x + params["a_hidden"] @ h + params["a"]
            z = 1 / (1 + np.exp(-gate))
            n = np.tanh(
                params["w_input"] @ x + params["w_hidden"] @ h + params["b"]
            )
            direct = np.diag(z)
            by_gate = (z * (1 - z) * (h - n))[:, None] * params["a_hidden"]
            mistakes = {
                "The gate hangs on the state too: its term is missing.": want
                - by_gate,
                "The state also enters as it is, with the gate as its share.": want
                - direct,
                "The candidate's term is missing.": direct + by_gate,
                "In the gate's term the sign is turned: more z means more h and less n.": want
                - 2 * by_gate,
                "Rows are units of the next state, columns units of the state.": want.T,
            }
            for slip_told, wrong in mistakes.items():
                if np.allclose(got, wrong):
                    raise Wrong(slip_told)
        close(got, want)


@check(hidden=True, points=3)
def slope_from_end_to_end(answer: Any, rng: np.random.Generator) -> None:
    """The slope by the first input is wrong: that of the first step by its input, and from the left
    the matrix of each later step, at the state before it."""
    for n_step in (2, 5, int(rng.integers(6, 12))):
        feature, params = _drawn(rng, n_step)
        close(answer.first_letter(feature, params), _by_first(feature, params))


@check(hidden=True)
def a_single_letter(answer: Any, rng: np.random.Generator) -> None:
    """With one letter only there is no product: what is left is the first step's slope by its
    input."""
    feature, params = _drawn(rng, 1)
    close(answer.first_letter(feature, params), _by_first(feature, params))


@check(hidden=True)
def steps_of_a_decay(answer: Any, rng: np.random.Generator) -> None:
    """A number of steps is wrong: the smallest one after which less than the share is left."""
    for _ in range(12):
        n = int(rng.integers(1, 60))
        keep = float(rng.uniform(0.3, 0.99))
        _whole(answer.steps_until(keep, keep ** (n - 0.4)), n)
    for keep in rng.uniform(0.1, 0.6, 3):
        n = int(300 * math.log(10) / -math.log(keep)) - 2
        share = math.exp((n - 0.5) * math.log(keep))
        _whole(answer.steps_until(float(keep), share), n)


@check(hidden=True, points=2)
def biases_that_keep(answer: Any, rng: np.random.Generator) -> None:
    """A bias is wrong: the gate to the power of the steps must be the share."""
    for _ in range(5):
        n_step, share = (
            int(rng.integers(2, 80)),
            float(rng.uniform(0.05, 0.95)),
        )
        keep = share ** (1 / n_step)
        close(
            answer.gate_bias(n_step, share),
            math.log(keep / (1 - keep)),
            rtol=1e-8,
        )


@check(hidden=True)
def almost_everything_kept(answer: Any, rng: np.random.Generator) -> None:
    """For a share near 1 the bias has lost digits: 1 - k is a small difference of large numbers, so
    compute it another way."""
    for _ in range(3):
        lost, n_step = (
            float(rng.uniform(1, 9)) * 1e-11,
            int(rng.integers(50, 90)),
        )
        share = 1 - lost
        power = math.log(share) / n_step
        close(
            answer.gate_bias(n_step, share),
            power - math.log(-math.expm1(power)),
            rtol=1e-9,
        )


MUTANTS = {
    "gate held fixed": Mutant(
        old="return np.diag(z) + through_gate + through_new",
        new="return np.diag(z) + through_new",
        falls_by="slope_of_one_step",
        says="its term is missing",
    ),
    "candidate alone": Mutant(
        old="return np.diag(z) + through_gate + through_new",
        new="return through_gate + through_new",
        falls_by="slope_of_one_step",
        says="enters as it is",
    ),
    "no candidate": Mutant(
        old="return np.diag(z) + through_gate + through_new",
        new="return np.diag(z) + through_gate",
        falls_by="slope_of_one_step",
        says="candidate's term is missing",
    ),
    "sign of the gate's term": Mutant(
        old='(z * (1 - z) * (h - n))[:, None] * params["a_hidden"]',
        new='(z * (1 - z) * (n - h))[:, None] * params["a_hidden"]',
        falls_by="slope_of_one_step",
        says="the sign is turned",
    ),
    "rows and columns": Mutant(
        old="return np.diag(z) + through_gate + through_new",
        new="return (np.diag(z) + through_gate + through_new).T",
        falls_by="slope_of_one_step",
        says="Rows are units",
    ),
    "columns scaled": Mutant(
        old='((1 - z) * (1 - n**2))[:, None] * params["w_hidden"]',
        new='((1 - z) * (1 - n**2)) * params["w_hidden"]',
        falls_by="slope_of_one_step",
        says="through the gate, and through",
    ),
    "each step the other way": Mutant(
        old="slope = step_slope(x, h, params) @ slope",
        new="slope = step_slope(x, h, params).T @ slope",
        falls_by="slope_from_end_to_end",
        says="from the left",
    ),
    "the state after the step": Mutant(
        old="        slope = step_slope(x, h, params) @ slope\n"
        "        z, n = _inside(x, h, params)\n"
        "        h = z * h + (1 - z) * n\n",
        new="        z, n = _inside(x, h, params)\n"
        "        h = z * h + (1 - z) * n\n"
        "        slope = step_slope(x, h, params) @ slope\n",
        falls_by="slope_from_end_to_end",
        says="at the state before it",
    ),
    "as if the last were first": Mutant(
        old="    return slope\n",
        new="    return slope if len(feature) > 1 else slope * 0\n",
        falls_by="a_single_letter",
        says="there is no product",
    ),
    "one step too many": Mutant(
        old="int(np.floor(np.log(share) / np.log(keep))) + 1",
        new="int(np.ceil(np.log(share) / np.log(keep))) + 1",
        falls_by="steps_of_a_decay",
        says="the smallest one",
    ),
    "rounded down": Mutant(
        old="int(np.floor(np.log(share) / np.log(keep))) + 1",
        new="int(np.floor(np.log(share) / np.log(keep)))",
        falls_by="steps_of_a_decay",
        says="less than the share",
    ),
    "one step's share": Mutant(
        old="log_keep = np.log(share) / n_step",
        new="log_keep = np.log(share) + 0 * n_step",
        falls_by="biases_that_keep",
        says="to the power of the steps",
    ),
    "the share divided": Mutant(
        old="log_keep = np.log(share) / n_step",
        new="log_keep = np.log(share / n_step)",
        falls_by="biases_that_keep",
        says="to the power of the steps",
    ),
    "only where nearly all is kept": Mutant(
        old="log_keep - np.log(-np.expm1(log_keep))",
        new="-np.log(-log_keep)",
        falls_by="biases_that_keep",
        says="must be the share",
    ),
    "digits lost": Mutant(
        old="log_keep - np.log(-np.expm1(log_keep))",
        new="log_keep - np.log(1 - np.exp(log_keep))",
        falls_by="almost_everything_kept",
        says="has lost digits",
    ),
}
