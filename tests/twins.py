"""The table of twins: one row per public reference function. `test_twins.py` runs over it.

A row's `cases` draws arguments with hypothesis: a leading batch in front of whatever the twin takes
as ``*batch``, no two axes of one size. A `wild` case adds what breaks careless code: empty mask
rows, NaN behind a mask, scores of 1e30, a std of 1e-6 or 1e6, windows far off the image. Tame
cases serve gradients and low precisions, where rounding alone would make wild ones differ.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from jaxtyping import Float
from torch import Tensor

from attn_course.gaussian import functional as gaussian
from attn_course.gaussian import modules as gaussian_modules
from attn_course.gaussian import reference as gaussian_reference
from attn_course.preliminaries import functional as preliminaries
from attn_course.preliminaries import modules as preliminaries_modules
from attn_course.preliminaries import reference as preliminaries_reference

Arguments = dict[str, Any]
Batch = tuple[int, ...]


@dataclass(frozen=True)
class Error:
    """Arguments of one example that must be refused, how, and with which words."""

    arguments: Arguments
    exception: type[Exception]
    text: str
    in_batch: bool = True  # False where a missing axis would be taken from the batch


@dataclass(frozen=True)
class Module:
    """How a module stands for a row: how to build it for a case, and which arguments it takes.

    Whatever else the reference takes as an array must be a parameter of that name.
    """

    build: Callable[[Arguments, torch.Generator], torch.nn.Module]
    inputs: tuple[str, ...]
    params: str | None = None  # the argument that takes the whole state_dict, where there is one


@dataclass(frozen=True, repr=False)
class Twin:
    """A reference function, its torch twin, and all that is needed to compare them."""

    reference: Callable[..., Any]
    functional: Callable[..., Any]
    cases: Callable[[Any, Batch, bool], Arguments]
    errors: tuple[Error, ...] = ()
    gradient: tuple[str, ...] = ()
    module: Module | None = None
    has_batch: bool = True
    tolerance: Mapping[torch.dtype, tuple[float, float]] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<twins of {self.name}>"

    @property
    def name(self) -> str:
        """Room and function."""
        return f"{self.reference.__module__.split('.')[-2]}.{self.reference.__name__}"

    def batched(self) -> set[str]:
        """Names of the arguments that carry the batch, as the twin's signature says."""
        annotations = inspect.signature(self.functional).parameters
        return {
            name
            for name, parameter in annotations.items()
            if getattr(parameter.annotation, "dim_str", "").startswith(("*batch", "*#batch"))
        }


# (rtol, atol) of a batched twin against the float64 reference at the same, already rounded inputs.
# float64 and float32 are those of notes on style; bfloat16 keeps 8 bits, and sums of a handful of
# numbers of size 3 are rounded to them.
TOLERANCE = {
    torch.float64: (1e-10, 1e-12),
    torch.float32: (1.3e-6, 1e-5),
    torch.bfloat16: (2e-2, 5e-2),
}

# A Gaussian's exponent d^2 / 2 std^2 reaches some hundreds at the smallest std of a tame case, and
# one part in 1.7e7 of it is a relative error of some 1e-5 in the weight. The twins form exponents
# in float32 at least, so that in bfloat16 only the result is rounded, to one part in 256.
BELLS = {torch.float32: (1e-4, 2e-5), torch.bfloat16: (4e-3, 1e-6)}
GAUSSIAN = {torch.float32: (1e-4, 2e-5), torch.bfloat16: (2e-2, 5e-2)}

# The stride of DRAW is an exponential of a bfloat16 sum, times up to 5 pixels: a twentieth of a
# pixel is all that is left, and the reader's windows are fed back. These stay in float32.
DRAW = {torch.float32: (2e-4, 5e-5)}
ONLY_FROM_FLOAT32 = ("draw_window", "draw_read", "draw_write", "glimpse_reader")


# --- drawing ---


def sizes(draw: Any, n: int, low: int = 1, high: int = 6) -> list[int]:
    """`n` sizes, no two alike."""
    return draw(st.lists(st.integers(low, high), min_size=n, max_size=n, unique=True))


def normal(draw: Any, *shape: int) -> np.ndarray:
    """Standard normal numbers."""
    return np.random.default_rng(draw(st.integers(0, 2**32 - 1))).normal(size=shape)


def between(draw: Any, low: float, high: float, *shape: int) -> np.ndarray:
    """Uniform numbers."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return np.asarray(rng.uniform(low, high, size=shape))


def salted(draw: Any, array: np.ndarray, *grains: float) -> np.ndarray:
    """A copy with about a third of its numbers replaced by `grains`."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return np.where(rng.random(array.shape) < 0.3, rng.choice(grains, size=array.shape), array)


# --- preliminaries ---

EXTREME = (1e4, -1e4, 1e30, -1e30)


def score_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    n_query, n_key = sizes(draw, 2)
    score = 2 * normal(draw, *batch, n_query, n_key)
    if wild:
        score = salted(draw, score, *EXTREME, -np.inf)
        score[..., 0] = np.where(np.isinf(score[..., 0]), 0.0, score[..., 0])  # one finite a row
    return {"score": score}


def masked_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    n_query, n_key = sizes(draw, 2)
    score = 2 * normal(draw, *batch, n_query, n_key)
    own = draw(st.sampled_from([batch, (), (1,) * len(batch)]))
    shape = draw(st.sampled_from([(n_query, n_key), (1, n_key), (n_query, 1), (1, 1)]))
    mask = between(draw, 0, 1, *own, *shape) < 0.7
    if draw(st.booleans()):
        mask[..., draw(st.integers(0, shape[0] - 1)), :] = False  # a query with nowhere to look
    if wild:
        score = salted(draw, score, *EXTREME, -np.inf)
        whole = np.broadcast_to(mask, score.shape)
        lost = ~(np.isfinite(score) & whole).any(-1, keepdims=True)
        score = np.where(lost & whole, 0.0, score)
        score = np.where(whole, score, salted(draw, score, np.nan, np.inf, -np.inf))
    return {"score": score, "mask": mask}


def padding_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    n_key = draw(st.integers(1, 6))
    return {"length": (between(draw, 0, n_key + 1, *batch)).astype(np.int64), "n_key": n_key}


def causal_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    return {"n_query": draw(st.integers(1, 6)), "n_key": draw(st.integers(1, 6))}


def dense_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    d_in, d_out = sizes(draw, 2)
    feature = normal(draw, *batch, d_in)
    if wild:
        feature = salted(draw, feature, 1e6, -1e6, 0.0)
    return {"feature": feature, "w": normal(draw, d_out, d_in), "b": normal(draw, d_out)}


def cell_cases(n_gate: int) -> Callable[[Any, Batch, bool], Arguments]:
    """Cases of a cell whose weights have `n_gate` blocks; 1 is the simple cell."""

    def cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
        d_in, d_hidden = sizes(draw, 2, high=4)
        feature = normal(draw, *batch, d_in)
        if wild:
            feature = salted(draw, feature, 1e4, -1e4)
        case = {"feature": feature, "hidden": normal(draw, *batch, d_hidden)}
        if n_gate == 4:
            case["cell"] = normal(draw, *batch, d_hidden)
        case["w_input"] = normal(draw, n_gate * d_hidden, d_in)
        case["w_hidden"] = normal(draw, n_gate * d_hidden, d_hidden)
        biases = ["b"] if n_gate == 1 else ["b_input", "b_hidden"]
        return case | {name: normal(draw, n_gate * d_hidden) for name in biases}

    return cases


def cell_errors(n_gate: int) -> tuple[Error, ...]:
    """Weights transposed or cut, states too narrow; size one, which broadcasting would let pass."""
    n = n_gate * 3
    biases = ["b"] if n_gate == 1 else ["b_input", "b_hidden"]
    good = {"feature": np.ones(2), "hidden": np.ones(3)}
    good |= {"cell": np.ones(3)} if n_gate == 4 else {}
    good |= {"w_input": np.ones((n, 2)), "w_hidden": np.ones((n, 3))}
    good |= {name: np.ones(n) for name in biases}
    bad = [
        ({"w_input": (2, n)}, f"w_input must have shape ({n}, 2), got (2, {n})"),
        ({"w_input": (n + 1, 2)}, f"w_input must have shape ({n}, 2), got ({n + 1}, 2)"),
        ({"w_hidden": (n, 2)}, f"w_hidden must have shape ({n}, 3), got ({n}, 2)"),
        ({"feature": (4,)}, f"w_input must have shape ({n}, 4), got ({n}, 2)"),
        ({"hidden": (1,), "w_hidden": (n, 1)}, f"w_input must have shape ({n_gate}, 2), got"),
        *(({name: (1,)}, f"{name} must have shape ({n},), got (1,)") for name in biases),
    ]
    if n_gate == 4:
        bad += [({"cell": (k,)}, f"cell must have shape (3,), got ({k},)") for k in (1, 2)]
    return tuple(
        Error(good | {name: np.ones(shape) for name, shape in change.items()}, ValueError, text)
        for change, text in bad
    )


def build_cell(cls: type) -> Callable[[Arguments, torch.Generator], torch.nn.Module]:
    return lambda case, generator: cls(
        case["w_input"].shape[1], case["hidden"].shape[-1], generator
    )


TWO_BY_THREE = np.zeros((2, 3))

PRELIMINARIES = (
    Twin(
        preliminaries_reference.softmax,
        preliminaries.softmax,
        score_cases,
        gradient=("score",),
    ),
    Twin(
        preliminaries_reference.masked_softmax,
        preliminaries.masked_softmax,
        masked_cases,
        errors=tuple(
            Error(
                {"score": TWO_BY_THREE, "mask": np.ones((2, 3), dtype=kind)},
                TypeError,
                f"mask must be bool with True where attention is allowed, got {name}",
            )
            for kind, name in ((np.float64, "float64"), (np.int64, "int64"), (np.uint8, "uint8"))
        )
        + tuple(
            Error(
                {"score": np.zeros(shape), "mask": np.ones((4, 3), dtype=bool)},
                ValueError,
                "mask must",
            )
            for shape in ((2, 3), (1, 3), (4, 2))
        ),
        gradient=("score",),
    ),
    Twin(
        preliminaries_reference.padding_mask,
        preliminaries.padding_mask,
        padding_cases,
        errors=(
            Error({"length": -1, "n_key": 3}, ValueError, "length must be at least 0, got -1"),
            Error({"length": 4, "n_key": 3}, ValueError, "length must be at most 3, got 4"),
        ),
    ),
    Twin(
        preliminaries_reference.causal_mask,
        preliminaries.causal_mask,
        causal_cases,
        errors=(
            Error({"n_query": 0, "n_key": 3}, ValueError, "n_query must be at least 1, got 0"),
        ),
        has_batch=False,
    ),
    Twin(
        preliminaries_reference.dense,
        preliminaries.dense,
        dense_cases,
        errors=(
            Error(
                {"feature": np.ones(2), "w": np.ones((2, 3)), "b": np.ones(3)},
                ValueError,
                "w must have shape (3, 2), got (2, 3)",
            ),
            Error(
                {"feature": np.ones(2), "w": np.ones((3, 2)), "b": np.ones(1)},
                ValueError,
                "w must have shape (1, 2), got (3, 2)",
            ),
        ),
        gradient=("feature", "w", "b"),
        module=Module(
            lambda case, generator: preliminaries_modules.Dense(
                case["w"].shape[1], case["w"].shape[0], generator
            ),
            inputs=("feature",),
        ),
    ),
    Twin(
        preliminaries_reference.simple_cell,
        preliminaries.simple_cell,
        cell_cases(1),
        errors=cell_errors(1),
        gradient=("feature", "hidden", "w_input", "w_hidden", "b"),
        module=Module(build_cell(preliminaries_modules.SimpleCell), ("feature", "hidden")),
    ),
    Twin(
        preliminaries_reference.gru_cell,
        preliminaries.gru_cell,
        cell_cases(3),
        errors=cell_errors(3),
        gradient=("feature", "hidden", "w_input", "w_hidden", "b_input", "b_hidden"),
        module=Module(build_cell(preliminaries_modules.GruCell), ("feature", "hidden")),
    ),
    Twin(
        preliminaries_reference.lstm_cell,
        preliminaries.lstm_cell,
        cell_cases(4),
        errors=cell_errors(4),
        gradient=("feature", "hidden", "cell", "w_input", "w_hidden", "b_input", "b_hidden"),
        module=Module(build_cell(preliminaries_modules.LstmCell), ("feature", "hidden", "cell")),
    ),
)


# --- gaussian ---

WILD_MEAN = (-1e4, -30.0, -0.5, 0.0, 1.5, 2.0, 40.0, 1e4)
WILD_STD = (1e-6, 1e-3, 0.07, 30.0, 1e6)
WILD_STRIDE = (0.0, -3.0, 1.0, 1e3)


def window(draw: Any, batch: Batch, wild: bool, *pair: int) -> Arguments:
    """Mean, std and stride, for one axis or, with `pair` 2, for both."""
    shape = (*batch, *pair)
    drawn = {
        "mean": between(draw, -1.5, 6.5, *shape),
        "std": between(draw, 0.5, 2.5, *shape),
        "stride": between(draw, -1.5, 1.5, *shape),
    }
    grains = {"mean": WILD_MEAN, "std": WILD_STD, "stride": WILD_STRIDE}
    if wild:
        drawn = {name: salted(draw, value, *grains[name]) for name, value in drawn.items()}
    return drawn


def vector_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    drawn = window(draw, batch, wild)
    return {"mean": drawn["mean"], "std": drawn["std"], "n_pixel": draw(st.integers(1, 6))}


def map_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    width, height = sizes(draw, 2)
    return {"row": normal(draw, *batch, width), "column": normal(draw, *batch, height)}


rules = st.sampled_from(["exact", "source"])


def filterbank_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    n_filter, n_pixel = sizes(draw, 2)
    counts = {"n_filter": n_filter, "n_pixel": n_pixel, "rule": draw(rules)}
    return window(draw, batch, wild) | counts


def glimpse_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    channel, height, width, h, w = sizes(draw, 5)
    image = {"image": normal(draw, *batch, channel, height, width)}
    return image | window(draw, batch, wild, 2) | {"size": (h, w), "rule": draw(rules)}


def write_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    channel, height, width, h, w = sizes(draw, 5)
    patch = {"patch": normal(draw, *batch, channel, h, w)}
    return patch | window(draw, batch, wild, 2) | {"size": (height, width), "rule": draw(rules)}


def grid_cases(first: str) -> Callable[[Any, Batch, bool], Arguments]:
    def cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
        return {
            first: between(draw, -9, 9, *batch, 2),
            "stride": between(draw, -3, 3, *batch, 2),
            "n_filter": draw(st.integers(1, 9)),
        }

    return cases


def raw_numbers(draw: Any, batch: Batch, wild: bool) -> np.ndarray:
    raw = between(draw, -0.8, 0.8, *batch, 5)
    return salted(draw, raw, -6.0, 0.0, 6.0) if wild else raw


def draw_window_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    height, width = sizes(draw, 2)
    raw = raw_numbers(draw, batch, wild)
    return {"raw": raw, "size": (height, width), "n_filter": draw(st.integers(2, 6))}


def draw_read_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    channel, height, width = sizes(draw, 3)
    image = normal(draw, *batch, channel, height, width)
    raw = raw_numbers(draw, batch, wild)
    return {"image": image, "raw": raw, "n_filter": draw(st.integers(2, 4))}


def draw_write_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    channel, height, width = sizes(draw, 3)
    n_filter = draw(st.integers(2, 4))
    patch = normal(draw, *batch, channel, n_filter, n_filter)
    return {"patch": patch, "raw": raw_numbers(draw, batch, wild), "size": (height, width)}


def reader_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    height, width, d_hidden, n_class = sizes(draw, 4, low=2, high=5)
    n_filter = draw(st.integers(2, 3))
    shapes = {
        "window.w": (5, d_hidden),
        "window.b": (5,),
        "read.w": (d_hidden, n_filter**2 + 5),
        "read.b": (d_hidden,),
        "core.w_input": (3 * d_hidden, d_hidden),
        "core.w_hidden": (3 * d_hidden, d_hidden),
        "core.b_input": (3 * d_hidden,),
        "core.b_hidden": (3 * d_hidden,),
        "answer.w": (n_class, d_hidden),
        "answer.b": (n_class,),
    }
    return {
        "image": normal(draw, *batch, 1, height, width),
        "params": {name: 0.4 * normal(draw, *shape) for name, shape in shapes.items()},
        "n_step": draw(st.integers(1, 3)),
        "n_filter": n_filter,
        "frozen": draw(st.booleans()),
    }


def build_reader(case: Arguments, generator: torch.Generator) -> torch.nn.Module:
    return gaussian_modules.GlimpseReader(
        n_step=case["n_step"],
        n_filter=case["n_filter"],
        d_hidden=case["params"]["core.w_hidden"].shape[1],
        n_class=len(case["params"]["answer.b"]),
        size=case["image"].shape[-2:],
        generator=generator,
        frozen=case["frozen"],
    )


def reader(
    image: Float[Tensor, "*batch channel height width"],
    params: Mapping[str, Tensor],
    n_step: int,
    n_filter: int,
    frozen: bool = False,
) -> tuple[Tensor, Tensor]:
    """`GlimpseReader` with other weights: the reader's twin is a module, not a function."""
    case = {"image": image, "params": params, "n_step": n_step, "n_filter": n_filter}
    module = build_reader(case | {"frozen": frozen}, torch.Generator())
    return torch.func.functional_call(module, dict(params), (image,))


PAIR = np.array([2.0, 1.0])
GOOD_WINDOW = {"mean": PAIR, "std": PAIR, "stride": PAIR}
STD = "std must be positive, got "
RULE = "rule must be one of 'exact', 'source', got 'softmax'"


def window_errors(good: Arguments) -> tuple[Error, ...]:
    """What `gaussian_glimpse` and `gaussian_write` refuse alike."""
    wrong_pairs = tuple(
        Error(
            good | {name: np.ones(shape)},
            ValueError,
            f"{name} must have shape (2,), got {shape}",
        )
        for name in ("mean", "std", "stride")
        for shape in ((3,), (1,))
    )
    return (
        *wrong_pairs,
        Error(good | {"std": np.array([1.0, 0.0])}, ValueError, STD + "0.0"),
        Error(good | {"std": np.array([-0.5, 1.0])}, ValueError, STD + "-0.5"),
        Error(good | {"std": np.array([1.0, np.nan])}, ValueError, STD + "nan"),
        Error(good | {"rule": "softmax"}, ValueError, RULE),
    )


ONE_AXIS = {"mean": 1.0, "std": 1.0, "stride": 1.0, "n_filter": 2, "n_pixel": 4}
READ = {"image": np.ones((1, 3, 4)), "size": (2, 3)} | GOOD_WINDOW
WRITE = {"patch": np.ones((1, 2, 3)), "size": (3, 4)} | GOOD_WINDOW
NO_FILTER = "n_filter must be at least 1, got 0"
ONE_FILTER = "n_filter must be at least 2, got 1"
FOUR = Error({"raw": np.ones(4), "size": (3, 4), "n_filter": 2}, ValueError, "raw must have shape")
READER = {"image": np.ones((1, 3, 4)), "n_step": 1, "n_filter": 2}
READER["params"] = {
    "window.w": np.ones((5, 3)),
    "window.b": np.ones(5),
    "read.w": np.ones((3, 9)),
    "read.b": np.ones(3),
    "core.w_input": np.ones((9, 3)),
    "core.w_hidden": np.ones((9, 3)),
    "core.b_input": np.ones(9),
    "core.b_hidden": np.ones(9),
    "answer.w": np.ones((2, 3)),
    "answer.b": np.ones(2),
}

GAUSSIAN_ROOM = (
    Twin(
        gaussian_reference.gaussian_vector,
        gaussian.gaussian_vector,
        vector_cases,
        errors=(
            Error({"mean": 1.0, "std": 0.0, "n_pixel": 3}, ValueError, STD + "0.0"),
            Error({"mean": 1.0, "std": -1.0, "n_pixel": 3}, ValueError, STD + "-1.0"),
            Error(
                {"mean": 1.0, "std": 1.0, "n_pixel": 0}, ValueError, "n_pixel must be at least 1"
            ),
        ),
        gradient=("mean", "std"),
        tolerance=BELLS,
    ),
    Twin(
        gaussian_reference.attention_map,
        gaussian.attention_map,
        map_cases,
        gradient=("row", "column"),
    ),
    Twin(
        gaussian_reference.filterbank,
        gaussian.filterbank,
        filterbank_cases,
        errors=(
            Error(ONE_AXIS | {"std": 0.0}, ValueError, STD + "0.0"),
            Error(ONE_AXIS | {"std": -2.0}, ValueError, STD + "-2.0"),
            Error(ONE_AXIS | {"std": float("nan")}, ValueError, STD + "nan"),
            Error(ONE_AXIS | {"n_filter": 0}, ValueError, NO_FILTER),
            Error(ONE_AXIS | {"n_pixel": 0}, ValueError, "n_pixel must be at least 1, got 0"),
            Error(ONE_AXIS | {"rule": "softmax"}, ValueError, RULE),
        ),
        gradient=("mean", "std", "stride"),
        tolerance=BELLS,
    ),
    Twin(
        gaussian_reference.gaussian_glimpse,
        gaussian.gaussian_glimpse,
        glimpse_cases,
        errors=(
            Error(
                READ | {"image": np.ones((3, 4))},
                ValueError,
                "image must have shape (any, any, any), got (3, 4); an image is",
                in_batch=False,
            ),
            Error(READ | {"size": (0, 3)}, ValueError, NO_FILTER),
            *window_errors(READ),
        ),
        gradient=("image", "mean", "std", "stride"),
        tolerance=GAUSSIAN,
    ),
    Twin(
        gaussian_reference.gaussian_write,
        gaussian.gaussian_write,
        write_cases,
        errors=(
            Error(
                WRITE | {"patch": np.ones((2, 3))},
                ValueError,
                "patch must have shape (any, any, any), got (2, 3); a patch is",
                in_batch=False,
            ),
            Error(WRITE | {"size": (3, 0)}, ValueError, "n_pixel must be at least 1, got 0"),
            *window_errors(WRITE),
        ),
        gradient=("patch", "mean", "std", "stride"),
        tolerance=GAUSSIAN,
    ),
    Twin(
        gaussian_reference.first_to_centre,
        gaussian.first_to_centre,
        grid_cases("mean"),
        errors=(Error({"mean": PAIR, "stride": PAIR, "n_filter": 0}, ValueError, NO_FILTER),),
        gradient=("mean", "stride"),
    ),
    Twin(
        gaussian_reference.centre_to_first,
        gaussian.centre_to_first,
        grid_cases("centre"),
        errors=(Error({"centre": PAIR, "stride": PAIR, "n_filter": 0}, ValueError, NO_FILTER),),
        gradient=("centre", "stride"),
    ),
    Twin(
        gaussian_reference.draw_window,
        gaussian.draw_window,
        draw_window_cases,
        errors=(
            FOUR,
            Error({"raw": np.ones(5), "size": (3, 4), "n_filter": 1}, ValueError, ONE_FILTER),
        ),
        gradient=("raw",),
        tolerance=DRAW,
    ),
    Twin(
        gaussian_reference.draw_read,
        gaussian.draw_read,
        draw_read_cases,
        errors=(
            Error(
                {"image": np.ones((1, 3, 4)), "raw": np.ones(4), "n_filter": 2},
                ValueError,
                "raw must have shape (5,), got (4,)",
            ),
            Error(
                {"image": np.ones((1, 3, 4)), "raw": np.ones(5), "n_filter": 1},
                ValueError,
                ONE_FILTER,
            ),
            Error(
                {"image": np.ones((3, 4)), "raw": np.ones(5), "n_filter": 2},
                ValueError,
                "image must have shape (any, any, any), got (3, 4)",
                in_batch=False,
            ),
        ),
        gradient=("image", "raw"),
        tolerance=DRAW,
    ),
    Twin(
        gaussian_reference.draw_write,
        gaussian.draw_write,
        draw_write_cases,
        errors=(
            Error(
                {"patch": np.ones((1, 3, 2)), "raw": np.ones(5), "size": (3, 4)},
                ValueError,
                "patch must have shape (any, 2, 2), got (1, 3, 2)",
            ),
            Error(
                {"patch": np.ones((3, 3)), "raw": np.ones(5), "size": (3, 4)},
                ValueError,
                "patch must have shape (any, 3, 3), got (3, 3)",
                in_batch=False,
            ),
            Error(
                {"patch": np.ones((1, 1, 1)), "raw": np.ones(5), "size": (3, 4)},
                ValueError,
                ONE_FILTER,
            ),
            Error(
                {"patch": np.ones((1, 2, 2)), "raw": np.ones(6), "size": (3, 4)},
                ValueError,
                "raw must have shape (5,), got (6,)",
            ),
        ),
        gradient=("patch", "raw"),
        tolerance=DRAW,
    ),
    Twin(
        gaussian_reference.glimpse_reader,
        reader,
        reader_cases,
        errors=(Error(READER | {"n_step": 0}, ValueError, "n_step must be at least 1, got 0"),),
        gradient=("image", "params"),
        module=Module(build_reader, ("image",), params="params"),
        tolerance=DRAW,
    ),
)

TWINS = {twin.name: twin for twin in (*PRELIMINARIES, *GAUSSIAN_ROOM)}
