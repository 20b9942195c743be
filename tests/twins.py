"""The table of twins: one row per public reference function. `test_twins.py` runs over it.

A row's `cases` draws arguments with hypothesis: a leading batch in front of whatever the twin takes
as ``*batch``, no two axes of one size. A `wild` case adds what breaks careless code: empty mask
rows, NaN behind a mask, scores of 1e30, a std of 1e-6 or 1e6, windows far off the image. Tame
cases serve gradients and low precisions, where rounding alone would make wild ones differ.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, get_args

import numpy as np
import torch
from hypothesis import strategies as st
from jaxtyping import Float
from torch import Tensor

from attn_course.families import functional as families
from attn_course.families import modules as families_modules
from attn_course.families import reference as families_reference
from attn_course.gaussian import functional as gaussian
from attn_course.gaussian import modules as gaussian_modules
from attn_course.gaussian import reference as gaussian_reference
from attn_course.preliminaries import functional as preliminaries
from attn_course.preliminaries import modules as preliminaries_modules
from attn_course.preliminaries import reference as preliminaries_reference
from attn_course.seq2seq import functional as seq2seq
from attn_course.seq2seq import modules as seq2seq_modules
from attn_course.seq2seq import reference as seq2seq_reference
from attn_course.soft_hard import functional as soft_hard
from attn_course.soft_hard import modules as soft_hard_modules
from attn_course.soft_hard import reference as soft_hard_reference
from attn_course.spatial_transformer import functional as transformer
from attn_course.spatial_transformer import modules as transformer_modules
from attn_course.spatial_transformer import reference as transformer_reference

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
    name: str | None = None  # of the class, where it is not the function's


@dataclass(frozen=True, repr=False)
class Twin:
    """A reference function, its torch twin, and all that is needed to compare them."""

    reference: Callable[..., Any]
    functional: Callable[..., Any]
    cases: Callable[[Any, Batch, bool], Arguments]
    errors: tuple[Error, ...] = ()
    gradient: tuple[str, ...] = ()
    surrogate: tuple[str, ...] = ()  # by design no slope of the reference: in the room's own tests
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
            for kind in (parameter.annotation, *get_args(parameter.annotation))
            if getattr(kind, "dim_str", "").startswith(("*batch", "*#batch"))
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
# Where rounding decides which item or which pixels are taken, no tolerance would help.
ONLY_FROM_FLOAT32 = (
    *("draw_window", "draw_read", "draw_write", "glimpse_reader", "warp_reader"),
    *("hard_item", "straight_through", "hard_location", "retina", "glimpse_loop"),
    *("recurrent_attention", "hybrid_loss", "product_net"),
    *("beam_step", "beam_search"),
    *("window_mask", "local_weight", "local_attend"),
)


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


def jacobian_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    weight = between(draw, 0.1, 1, *batch, draw(st.integers(1, 6)))
    if wild:  # weights that were masked, and a row with nowhere to look
        weight = salted(draw, weight, 0.0)
    total = weight.sum(-1, keepdims=True)
    return {"weight": weight / np.where(total == 0, 1.0, total)}


def context_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    n_query, n_key, d_value = sizes(draw, 3)
    weight = normal(draw, *batch, n_query, n_key)
    value = normal(draw, *batch, n_key, d_value)
    own = draw(st.sampled_from([batch, (), (1,) * len(batch)]))
    shape = draw(st.sampled_from([(n_query, n_key), (1, n_key), (n_query, 1), (1, 1)]))
    mask = between(draw, 0, 1, *own, *shape) < 0.7
    if draw(st.booleans()):
        mask[..., draw(st.integers(0, shape[0] - 1)), :] = False  # a query with nowhere to look
    if draw(st.booleans()):
        mask[..., draw(st.integers(0, shape[1] - 1))] = False  # a key that nobody may see
    if wild:
        whole = np.broadcast_to(mask, weight.shape)
        weight = np.where(whole, weight, salted(draw, weight, np.nan, np.inf, -np.inf))
        seen = whole.any(-2)[..., None]
        value = np.where(seen, value, salted(draw, value, np.nan, np.inf, -np.inf))
    return {"weight": weight, "value": value, "mask": mask}


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
        preliminaries_reference.softmax_jacobian,
        preliminaries.softmax_jacobian,
        jacobian_cases,
        gradient=("weight",),
    ),
    Twin(
        preliminaries_reference.masked_context,
        preliminaries.masked_context,
        context_cases,
        errors=(
            Error(
                {
                    "weight": TWO_BY_THREE,
                    "value": np.zeros((3, 1)),
                    "mask": np.ones((2, 3)),
                },
                TypeError,
                "mask must be bool with True where attention is allowed, got float64",
            ),
            Error(
                {
                    "weight": TWO_BY_THREE,
                    "value": np.zeros((3, 1)),
                    "mask": np.ones((2, 4), dtype=bool),
                },
                ValueError,
                "mask must broadcast to shape (2, 3), got (2, 4)",
            ),
            *(
                Error(
                    {
                        "weight": TWO_BY_THREE,
                        "value": np.zeros((n, 5)),
                        "mask": np.ones((1, 1), dtype=bool),
                    },
                    ValueError,
                    f"value must have shape (3, any), got ({n}, 5); one value for each key",
                )
                for n in (1, 2)
            ),
        ),
        gradient=("weight", "value"),
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

# --- spatial transformer ---

# Positions in float32 are off by some 1e-6 pixels, times the step from one pixel to the next.
WARP = {torch.float32: (1e-4, 5e-5)}

# Corners, centres and grid lines, and far off the image; exact in every precision.
WILD_POINT = (-1e4, -3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0, 1e4)


def layout(draw: Any, n_sample: bool = True) -> Arguments:
    """What an output looks like."""
    how = {"size": tuple(sizes(draw, 2)), "align_corners": draw(st.booleans())}
    return how | ({"n_sample": draw(st.integers(1, 3))} if n_sample else {})


def position_cases(name: str) -> Callable[[Any, Batch, bool], Arguments]:
    def cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
        position = between(draw, -2, 2, *batch, draw(st.integers(1, 4)))
        if wild:
            position = salted(draw, position, *WILD_POINT)
        n_pixel, align = draw(st.integers(1, 6)), draw(st.booleans())
        return {name: position, "n_pixel": n_pixel, "align_corners": align}

    return cases


def layout_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    return layout(draw)


def parts_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    case = {"angle": between(draw, -4, 4, *batch), "scale": normal(draw, *batch, 2)}
    return case | {"shear": normal(draw, *batch), "shift": normal(draw, *batch, 2)}


def crop_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    return {"scale": normal(draw, *batch, 2), "shift": normal(draw, *batch, 2)}


def compose_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    return {"first": normal(draw, *batch, 2, 3), "second": normal(draw, *batch, 2, 3)}


def affine_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    theta = normal(draw, *batch, 2, 3)
    return {"theta": salted(draw, theta, 0.0, 1e4) if wild else theta} | layout(draw)


def projective_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    # tame: depths of 0.4 at least; wild: some points behind the camera
    theta = normal(draw, *batch, 3, 3)
    if not wild:
        theta[..., 2, :2] = between(draw, -0.2, 0.2, *batch, 2)
        theta[..., 2, 2] = between(draw, 1, 1.5, *batch)
    return {"theta": theta} | layout(draw)


squares = st.sampled_from([4, 9, 16])


def control_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    return {"n_control": draw(squares)}


def weight_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    return {"n_control": draw(squares)} | layout(draw)


def landing_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    return {"landing": normal(draw, *batch, draw(squares), 2)} | layout(draw)


kinds = st.sampled_from(transformer_reference.KINDS)


def identity_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    return {"kind": draw(kinds), "n_control": draw(squares)}


def warp_numbers(draw: Any, batch: Batch, wild: bool) -> Arguments:
    """A kind, and numbers about its identity; with `wild` far from it too."""
    kind = draw(kinds)
    raw = transformer_reference.identity_raw(kind, draw(st.sampled_from([4, 9])))
    raw = raw + between(draw, -0.2, 0.2, *batch, len(raw))
    if wild:
        raw = salted(draw, raw, -5.0, 0.0, 1.0, 100.0)
    return {"raw": raw, "kind": kind}


def warp_grid_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    return warp_numbers(draw, batch, wild) | layout(draw)


paddings = st.sampled_from(transformer_reference.PADDINGS)


def sample_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    channel, height, width, h, w = sizes(draw, 5)
    grid = between(draw, -1.5, 1.5, *batch, h, w, 2)
    return {
        "image": normal(draw, *batch, channel, height, width),
        "grid": salted(draw, grid, *WILD_POINT) if wild else grid,
        "padding": draw(paddings),
        "align_corners": draw(st.booleans()),
    }


def sample_gradient_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    case = sample_cases(draw, batch, wild)
    channel, (h, w) = case["image"].shape[-3], case["grid"].shape[-3:-1]
    how = {name: case.pop(name) for name in ("padding", "align_corners")}
    return case | {"upstream": normal(draw, *batch, channel, h, w)} | how


def warp_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    channel, height, width = sizes(draw, 3)
    image = {"image": normal(draw, *batch, channel, height, width)}
    how = layout(draw)
    how = {"size": how.pop("size"), "padding": draw(paddings)} | how
    return image | warp_numbers(draw, batch, False) | how


def sample_gradient(
    image: Float[Tensor, "*batch channel height width"],
    grid: Float[Tensor, "*batch h w 2"],
    upstream: Float[Tensor, "*batch channel h w"],
    padding: str = "zeros",
    align_corners: bool = False,
) -> tuple[Tensor, Tensor]:
    """Autograd through the second sampler, which can be differentiated once more."""
    again = any(each.requires_grad for each in (image, grid, upstream))
    image, grid = (
        each if each.requires_grad else each.detach().requires_grad_() for each in (image, grid)
    )
    sample = transformer.gathered_sample(image, grid, padding, align_corners)
    d_image, d_grid = torch.autograd.grad(sample, (image, grid), upstream, create_graph=again)
    return d_image, d_grid


def warp_reader_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    channel, height, width = sizes(draw, 3, high=4)
    h, w, d_one, d_two, n_class = sizes(draw, 5, low=2)
    shapes = {
        "transformer.localiser.layers.0": (d_one, channel * height * width),
        "transformer.localiser.layers.1": (d_two, d_one),
        "transformer.localiser.layers.2": (6, d_two),
        "reader.layers.0": (d_two, channel * h * w),
        "reader.layers.1": (n_class, d_two),
    }
    params = {}
    for name, (d_out, d_in) in shapes.items():
        params |= {f"{name}.w": 0.4 * normal(draw, d_out, d_in), f"{name}.b": normal(draw, d_out)}
    return {
        "image": normal(draw, *batch, channel, height, width),
        "params": params,
        "size": (h, w),
        "n_sample": draw(st.integers(1, 2)),
        "padding": draw(paddings),
        "align_corners": draw(st.booleans()),
    }


def build_warp_reader(case: Arguments, generator: torch.Generator) -> torch.nn.Module:
    params = case["params"]
    n_pixel, n_seen = (
        params[f"{n}.layers.0.w"].shape[1] for n in ("transformer.localiser", "reader")
    )
    *hidden, n_class = (len(params[f"reader.layers.{i}.b"]) for i in (0, 1))
    localiser = transformer_modules.DenseLocaliser(
        n_pixel,
        tuple(len(params[f"transformer.localiser.layers.{i}.b"]) for i in (0, 1)),
        "affine",
        generator=generator,
    )
    warped = transformer_modules.SpatialTransformer(
        localiser,
        "affine",
        case["size"],
        case["padding"],
        case["align_corners"],
        case["n_sample"],
    )
    reader = transformer_modules.dense_reader(n_seen, tuple(hidden), n_class, generator)
    return transformer_modules.WarpReader(warped, reader)


def warp_reader(
    image: Float[Tensor, "*batch channel height width"],
    params: Mapping[str, Tensor],
    size: tuple[int, int],
    n_sample: int = 1,
    padding: str = "zeros",
    align_corners: bool = False,
) -> tuple[Tensor, Tensor]:
    """`WarpReader` with other weights: its twin is a module, not a function."""
    case = {"params": params, "size": size, "n_sample": n_sample}
    case |= {"padding": padding, "align_corners": align_corners}
    module = build_warp_reader(case, torch.Generator())
    return torch.func.functional_call(module, dict(params), (image,))


OUTPUT = {"size": (2, 3)}
MAP = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
NO_SAMPLE = "n_sample must be at least 1, got 0"
NO_SIZE = "size must be at least 1, got 0"
NO_PIXEL = "n_pixel must be at least 1, got 0"
KIND = "kind must be one of 'crop', 'affine', 'projective', 'spline', got 'rigid'"
PADDING = "padding must be one of 'zeros', 'border', got 'reflection'"
SCALE_SHIFT = {"scale": np.ones(2), "shift": np.ones(2)}
SAMPLE = {"image": np.ones((1, 4, 5)), "grid": np.zeros((2, 3, 2))}


def layout_errors(good: Arguments) -> tuple[Error, ...]:
    """What every grid refuses."""
    return (
        Error(good | {"n_sample": 0}, ValueError, NO_SAMPLE),
        Error(good | {"size": (2, 0)}, ValueError, NO_SIZE),
        Error(good | {"size": (0, 3)}, ValueError, NO_SIZE),
    )


def pair_errors(good: Arguments) -> tuple[Error, ...]:
    """Scales and shifts that are no pairs; one of size one would be broadcast."""
    return tuple(
        Error(
            good | {name: np.ones(n)},
            ValueError,
            f"{name} must have shape (2,), got ({n},); a pair is (x, y)",
        )
        for name in ("scale", "shift")
        for n in (1, 3)
    )


def control_errors(good: Arguments) -> tuple[Error, ...]:
    return (
        Error(good | {"n_control": 8}, ValueError, "n_control must be a square number, got 8"),
        Error(good | {"n_control": 1}, ValueError, "n_control must be at least 4, got 1"),
        Error(good | {"n_control": -4}, ValueError, "n_control must be at least 4, got -4"),
    )


SAMPLE_ERRORS = (
    Error(
        SAMPLE | {"image": np.ones((4, 5))},
        ValueError,
        "image must have shape (any, any, any), got (4, 5); an image is (channel, height, width)",
        in_batch=False,
    ),
    Error(
        SAMPLE | {"grid": np.zeros((2, 3, 3))},
        ValueError,
        "grid must have shape (any, any, 2), got (2, 3, 3); a grid is (h, w, 2)",
    ),
    Error(
        SAMPLE | {"grid": np.zeros((3, 2))},
        ValueError,
        "grid must have shape (any, any, 2), got (3, 2); a grid is (h, w, 2)",
        in_batch=False,
    ),
    Error(SAMPLE | {"padding": "reflection"}, ValueError, PADDING),
)


def raw_errors(good: Arguments) -> tuple[Error, ...]:
    """What `warp_grid` and `warp` refuse alike."""

    def numbers(n: int, kind: str, text: str) -> Error:
        return Error(good | {"raw": np.ones(n), "kind": kind}, ValueError, text)

    return (
        numbers(6, "rigid", KIND),
        numbers(5, "crop", "raw must have shape (4,), got (5,)"),
        numbers(4, "affine", "raw must have shape (6,), got (4,)"),
        numbers(9, "projective", "raw must have shape (8,), got (9,)"),
        numbers(9, "spline", "raw must have shape (8,), got (9,)"),
        numbers(10, "spline", "n_control must be a square number, got 5"),
        *layout_errors(good | {"raw": np.ones(4), "kind": "crop"}),
    )


WARP_READER = {"image": np.ones((1, 2, 3)), "size": (2, 2)}
WARP_READER["params"] = {
    "transformer.localiser.layers.0.w": np.ones((4, 6)),
    "transformer.localiser.layers.0.b": np.ones(4),
    "transformer.localiser.layers.1.w": np.ones((5, 4)),
    "transformer.localiser.layers.1.b": np.ones(5),
    "transformer.localiser.layers.2.w": np.ones((6, 5)),
    "transformer.localiser.layers.2.b": np.ones(6),
    "reader.layers.0.w": np.ones((3, 4)),
    "reader.layers.0.b": np.ones(3),
    "reader.layers.1.w": np.ones((2, 3)),
    "reader.layers.1.b": np.ones(2),
}

SPATIAL_TRANSFORMER = (
    Twin(
        transformer_reference.pixel_position,
        transformer.pixel_position,
        position_cases("coordinate"),
        errors=(Error({"coordinate": np.zeros(2), "n_pixel": 0}, ValueError, NO_PIXEL),),
        gradient=("coordinate",),
    ),
    Twin(
        transformer_reference.normalised_position,
        transformer.normalised_position,
        position_cases("pixel"),
        errors=(Error({"pixel": np.zeros(2), "n_pixel": 0}, ValueError, NO_PIXEL),),
        gradient=("pixel",),
    ),
    Twin(
        transformer_reference.output_grid,
        transformer.output_grid,
        layout_cases,
        errors=layout_errors(OUTPUT),
        has_batch=False,
    ),
    Twin(
        transformer_reference.affine_matrix,
        transformer.affine_matrix,
        parts_cases,
        errors=pair_errors({"angle": 0.5, "shear": 0.5} | SCALE_SHIFT),
        gradient=("angle", "scale", "shear", "shift"),
    ),
    Twin(
        transformer_reference.crop_matrix,
        transformer.crop_matrix,
        crop_cases,
        errors=pair_errors(SCALE_SHIFT),
        gradient=("scale", "shift"),
    ),
    Twin(
        transformer_reference.compose,
        transformer.compose,
        compose_cases,
        errors=tuple(
            Error(
                {"first": MAP, "second": MAP} | {name: np.ones(shape)},
                ValueError,
                f"{name} must have shape (2, 3), got {shape}",
            )
            for name in ("first", "second")
            for shape in ((3, 3), (3, 2), (2, 1))
        ),
        gradient=("first", "second"),
    ),
    Twin(
        transformer_reference.affine_grid,
        transformer.affine_grid,
        affine_cases,
        errors=(
            *layout_errors(OUTPUT | {"theta": MAP}),
            *(
                Error(
                    OUTPUT | {"theta": np.ones(shape)},
                    ValueError,
                    f"theta must have shape (2, 3), got {shape}",
                )
                for shape in ((3, 2), (3, 3), (2, 2))
            ),
        ),
        gradient=("theta",),
    ),
    Twin(
        transformer_reference.projective_grid,
        transformer.projective_grid,
        projective_cases,
        errors=(
            *layout_errors(OUTPUT | {"theta": np.eye(3)}),
            Error(OUTPUT | {"theta": MAP}, ValueError, "theta must have shape (3, 3), got (2, 3)"),
        ),
        gradient=("theta",),
    ),
    Twin(
        transformer_reference.control_points,
        transformer.control_points,
        control_cases,
        errors=control_errors({}),
        has_batch=False,
    ),
    Twin(
        transformer_reference.spline_weight,
        transformer.spline_weight,
        weight_cases,
        errors=(*layout_errors(OUTPUT | {"n_control": 4}), *control_errors(OUTPUT)),
        has_batch=False,
    ),
    Twin(
        transformer_reference.spline_grid,
        transformer.spline_grid,
        landing_cases,
        errors=(
            *layout_errors(OUTPUT | {"landing": np.ones((4, 2))}),
            Error(
                OUTPUT | {"landing": np.ones((9, 3))},
                ValueError,
                "landing must have shape (any, 2), got (9, 3)",
            ),
            Error(
                OUTPUT | {"landing": np.ones((7, 2))},
                ValueError,
                "n_control must be a square number, got 7",
            ),
        ),
        gradient=("landing",),
    ),
    Twin(
        transformer_reference.identity_raw,
        transformer.identity_raw,
        identity_cases,
        errors=(
            Error({"kind": "rigid"}, ValueError, KIND),
            *control_errors({"kind": "spline"}),
        ),
        has_batch=False,
    ),
    Twin(
        transformer_reference.warp_grid,
        transformer.warp_grid,
        warp_grid_cases,
        errors=raw_errors(OUTPUT),
        gradient=("raw",),
    ),
    Twin(
        transformer_reference.bilinear_sample,
        transformer.bilinear_sample,
        sample_cases,
        errors=SAMPLE_ERRORS,
        gradient=("image", "grid"),
        tolerance=WARP,
    ),
    Twin(
        transformer_reference.bilinear_gradient,
        sample_gradient,
        sample_gradient_cases,
        errors=tuple(
            replace(error, arguments=error.arguments | {"upstream": np.ones((1, 2, 3))})
            for error in SAMPLE_ERRORS
        ),
        gradient=("image", "grid", "upstream"),
        tolerance=WARP,
    ),
    Twin(
        transformer_reference.warp,
        transformer.warp,
        warp_cases,
        errors=(
            *raw_errors(OUTPUT | {"image": np.ones((1, 4, 5))}),
            Error(
                OUTPUT | {"image": np.ones((4, 5)), "raw": np.ones(4), "kind": "crop"},
                ValueError,
                "image must have shape (any, any, any), got (4, 5); an image is",
                in_batch=False,
            ),
            Error(
                OUTPUT
                | {"image": np.ones((1, 4, 5)), "raw": np.ones(4), "kind": "crop"}
                | {"padding": "reflection"},
                ValueError,
                PADDING,
            ),
        ),
        gradient=("image", "raw"),
        tolerance=WARP,
    ),
    Twin(
        transformer_reference.warp_reader,
        warp_reader,
        warp_reader_cases,
        errors=(
            Error(WARP_READER | {"n_sample": 0}, ValueError, NO_SAMPLE),
            Error(WARP_READER | {"padding": "reflection"}, ValueError, PADDING),
            Error(
                WARP_READER | {"image": np.ones((1, 3, 3))},
                ValueError,
                "w must have shape (4, 9), got (4, 6)",
            ),
            Error(
                WARP_READER | {"size": (2, 3)},
                ValueError,
                "w must have shape (3, 6), got (3, 4)",
            ),
        ),
        gradient=("image", "params"),
        module=Module(build_warp_reader, ("image",), params="params"),
        tolerance=WARP,
    ),
)


# --- soft_hard ---


def vector_of_scores(draw: Any, batch: Batch, wild: bool, n: int) -> np.ndarray:
    score = 2 * normal(draw, *batch, n)
    return salted(draw, score, *EXTREME) if wild else score


def sigmoid_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    score = vector_of_scores(draw, batch, wild, draw(st.integers(1, 6)))
    return {"score": salted(draw, score, np.inf, -np.inf) if wild else score}


def soft_glimpse_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    n = draw(st.integers(1, 6))
    feature, mask = normal(draw, *batch, n), normal(draw, *batch, n)
    return {"feature": feature, "mask": salted(draw, mask, 0.0, 1.0, 1e4) if wild else mask}


def item_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    n_item, d = sizes(draw, 2)
    control = vector_of_scores(draw, batch, wild, n_item)
    return {"control": control, "feature": normal(draw, *batch, n_item, d)}


def hard_item_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    case = item_cases(draw, batch, wild)
    noise = normal(draw, *case["control"].shape)
    # noise of nought and equal scores: a tie, which the first item wins
    return case | {"noise": salted(draw, noise, 0.0) if wild else noise}


def soft_location_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    channel, height, width = sizes(draw, 3)
    control = 2 * normal(draw, *batch, height, width)
    if wild:
        control = salted(draw, control, *EXTREME)
    return {"control": control, "feature": normal(draw, *batch, channel, height, width)}


def places(draw: Any, wild: bool, *shape: int) -> np.ndarray:
    """Places on the image and round it."""
    place = between(draw, -1.4, 1.4, *shape)
    return salted(draw, place, *WILD_POINT) if wild else place


def hard_location_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    channel, height, width, size = sizes(draw, 4)
    return {
        "control": places(draw, wild, *batch, 2),
        "feature": normal(draw, *batch, channel, height, width),
        "noise": normal(draw, *batch, 2),
        "size": size,
        "std": draw(st.sampled_from([0.0, 0.1, 0.7])),
    }


def loop_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    """Any of the four kinds; both paths are told of it by the reference's function."""
    kinds = soft_hard_reference
    size = draw(st.integers(1, 3))
    n_step, d_hidden = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    n_item, d = sizes(draw, 2)
    channel, height, width = sizes(draw, 3, high=4)
    items, image = normal(draw, n_item, d), normal(draw, channel, height, width)
    crop_near = partial(kinds.hard_location, size=size, std=0.3)
    look, feature, d_control, d_noise, d_glimpse = draw(
        st.sampled_from(
            [
                (kinds.soft_item, items, n_item, 0, d),
                (kinds.hard_item, items, n_item, n_item, d),
                (kinds.soft_location, image, height * width, 0, image.size),
                (crop_near, image, 2, 2, channel * size**2),
            ]
        )
    )
    shapes = {
        "control.w": (d_control, d_hidden),
        "control.b": (d_control,),
        "cell.w_input": (d_hidden, d_glimpse),
        "cell.w_hidden": (d_hidden, d_hidden),
        "cell.b": (d_hidden,),
    }
    return {
        "look": look,
        "feature": feature,
        "noise": normal(draw, n_step, d_noise) if d_noise else None,
        "params": {name: 0.7 * normal(draw, *shape) for name, shape in shapes.items()},
        "n_step": n_step,
    }


def reward_cases(name: str) -> Callable[[Any, Batch, bool], Arguments]:
    """Scores, and a number for each choice."""

    def cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
        score = vector_of_scores(draw, batch, wild, draw(st.integers(1, 6)))
        return {"score": score, name: normal(draw, *score.shape)}

    return cases


def choices(draw: Any, n: int, *shape: int) -> np.ndarray:
    return between(draw, 0, n, *shape).astype(np.int64)


def choice_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    score = vector_of_scores(draw, batch, wild, draw(st.integers(1, 6)))
    return {"score": score, "choice": choices(draw, score.shape[-1], *batch)}


def location_score_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    return {
        "mean": between(draw, -1, 1, *batch, 2),
        "std": draw(st.sampled_from([1e-2, 1e2] if wild else [0.5, 1.0, 1.5])),
        "location": places(draw, wild, *batch, 2),
    }


def estimate_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    n, n_draw = sizes(draw, 2)
    return {
        "score": vector_of_scores(draw, batch, wild, n),
        "choice": choices(draw, n, *batch, n_draw),
        "reward": normal(draw, *batch, n_draw),
        "baseline": normal(draw, *batch, n_draw),
    }


def rewards_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    reward = normal(draw, *batch, draw(st.integers(2, 6)))
    return {"reward": salted(draw, reward, 0.0, 1e3) if wild else reward}


def uniform_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    uniform = between(draw, 0.1, 0.8, *draw(st.sampled_from([(3,), (2, 4)])))
    return {"uniform": salted(draw, uniform, 1e-30, 1 - 2.0**-24) if wild else uniform}


def noisy_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    score = vector_of_scores(draw, batch, wild, draw(st.integers(1, 6)))
    noise = normal(draw, *score.shape)
    return {"score": score, "noise": salted(draw, noise, 0.0) if wild else noise}


def relaxed_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    temperature = draw(st.sampled_from([1e-3, 1e3] if wild else [0.5, 1.0, 3.0]))
    return noisy_cases(draw, batch, wild) | {"temperature": temperature}


def plain_crop_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    channel, height, width, size = sizes(draw, 4)
    corner = between(draw, -size, 1 + max(height, width), *batch, 2)
    corner = salted(draw, corner, -(10.0**6), 10.0**6) if wild else corner
    return {
        "feature": normal(draw, *batch, channel, height, width),
        "corner": np.floor(corner).astype(np.int64),
        "size": size,
    }


def retina_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    channel, height, width, size = sizes(draw, 4)
    return {
        "feature": normal(draw, *batch, channel, height, width),
        "location": places(draw, wild, *batch, 2),
        "size": size,
        "n_scale": draw(st.integers(1, 3)),
    }


def hybrid_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    n_class, n_step = sizes(draw, 2)
    return {
        "score": vector_of_scores(draw, batch, wild, n_class),
        "label": choices(draw, n_class, *batch),
        "location": places(draw, False, *batch, n_step, 2),
        "mean": between(draw, -1, 1, *batch, n_step, 2),
        "std": draw(st.sampled_from([0.5, 1.0, 2.0])),
        "baseline": between(draw, 0, 1, *batch, n_step),
    }


def looker_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    channel, height, width = sizes(draw, 3)
    d_part, d_hidden, n_class = sizes(draw, 3, high=5)
    size, n_scale, n_step = (draw(st.integers(1, 3)) for _ in range(3))
    shapes = {
        "patch": (d_part, n_scale * channel * size**2),
        "what": (d_hidden, d_part),
        "place": (d_part, 2),
        "where": (d_hidden, d_part),
        "mean": (2, d_hidden),
        "baseline": (1, d_hidden),
        "answer": (n_class, d_hidden),
    }
    params = {f"{name}.w": 0.7 * normal(draw, *shape) for name, shape in shapes.items()}
    params |= {f"{name}.b": 0.7 * normal(draw, shape[0]) for name, shape in shapes.items()}
    params |= {"core.w_input": 0.7 * normal(draw, d_hidden, d_hidden)}
    params |= {"core.w_hidden": 0.7 * normal(draw, d_hidden, d_hidden)}
    noise = normal(draw, *batch, n_step, 2)
    return {
        "feature": normal(draw, *batch, channel, height, width),
        "params": params | {"core.b": 0.7 * normal(draw, d_hidden)},
        "noise": salted(draw, noise, -40.0, 40.0) if wild else noise,  # far off the image
        "std": draw(st.sampled_from([0.0, 0.1, 0.5])),
        "size": size,
        "n_scale": n_scale,
        "place": places(draw, wild, *batch, n_step, 2) if draw(st.booleans()) else None,
    }


def build_looker(case: Arguments, generator: torch.Generator) -> torch.nn.Module:
    params = case["params"]
    return soft_hard_modules.RecurrentAttention(
        size=case["size"],
        n_scale=case["n_scale"],
        n_class=len(params["answer.b"]),
        generator=generator,
        d_part=len(params["patch.b"]),
        d_hidden=len(params["core.b"]),
        channel=params["patch.w"].shape[1] // (case["n_scale"] * case["size"] ** 2),
    )


def looker(
    feature: Float[Tensor, "*batch channel height width"],
    params: Mapping[str, Tensor],
    noise: Float[Tensor, "*batch n_step 2"],
    std: float | int,
    size: int,
    n_scale: int,
    place: Float[Tensor, "*batch n_step 2"] | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """`RecurrentAttention` with other weights: its twin is a module, not a function."""
    case = {"params": params, "size": size, "n_scale": n_scale}
    module = build_looker(case, torch.Generator())
    return torch.func.functional_call(module, dict(params), (feature, noise, std, place))


PLACE = "; a place is (x, y)"
IMAGE = np.ones((1, 3, 4))
FLAT = "feature must have shape (any, any, any), got (3, 4); an image is (channel, height, width)"
ITEMS = {"control": np.ones(3), "feature": np.ones((3, 2))}
HARD = {"control": np.ones(2), "feature": IMAGE, "noise": np.ones(2), "size": 2, "std": 0.5}
CROP = {"feature": IMAGE, "corner": np.zeros(2, dtype=np.int64), "size": 2}
RETINA = {"feature": IMAGE, "location": np.zeros(2), "size": 2, "n_scale": 2}
DRAWN = {"score": np.zeros(3), "choice": np.array([0, 2])}
DRAWN |= {"reward": np.ones(2), "baseline": np.ones(2)}
HYBRID = {"score": np.zeros(3), "label": 2, "location": np.ones((2, 2)), "mean": np.ones((2, 2))}
HYBRID |= {"std": 0.5, "baseline": np.ones(2)}
LOOP = {"look": soft_hard_reference.hard_item, "feature": np.ones((3, 2)), "n_step": 2}
LOOP |= {"noise": np.ones((2, 3))}
LOOP["params"] = {
    "control.w": np.ones((3, 4)),
    "control.b": np.ones(3),
    "cell.w_input": np.ones((4, 2)),
    "cell.w_hidden": np.ones((4, 4)),
    "cell.b": np.ones(4),
}
LOOKER = {"feature": IMAGE, "noise": np.ones((2, 2)), "std": 0.5, "size": 2, "n_scale": 1}
LOOKER["place"] = None
LOOKER["params"] = {
    "patch.w": np.ones((5, 4)),
    "patch.b": np.ones(5),
    "what.w": np.ones((6, 5)),
    "what.b": np.ones(6),
    "place.w": np.ones((5, 2)),
    "place.b": np.ones(5),
    "where.w": np.ones((6, 5)),
    "where.b": np.ones(6),
    "core.w_input": np.ones((6, 6)),
    "core.w_hidden": np.ones((6, 6)),
    "core.b": np.ones(6),
    "mean.w": np.ones((2, 6)),
    "mean.b": np.ones(2),
    "baseline.w": np.ones((1, 6)),
    "baseline.b": np.ones(1),
    "answer.w": np.ones((3, 6)),
    "answer.b": np.ones(3),
}


def wrong_sizes(good: Arguments, name: str, shape: tuple, hint: str, *got: tuple):
    """An argument of other shapes than the one it must have, size one among them."""
    wanted = str(shape).replace("None", "any")
    return tuple(
        Error(
            good | {name: np.ones(one, dtype=np.asarray(good[name]).dtype)},
            ValueError,
            f"{name} must have shape {wanted}, got {one}{hint}",
        )
        for one in got
    )


def at_least(good: Arguments, name: str, value: float, minimum: int) -> Error:
    text = f"{name} must be at least {minimum}, got {value}"
    return Error(good | {name: value}, ValueError, text)


SOFT_HARD = (
    Twin(
        soft_hard_reference.sigmoid_mask,
        soft_hard.sigmoid_mask,
        sigmoid_cases,
        gradient=("score",),
    ),
    Twin(
        soft_hard_reference.soft_glimpse,
        soft_hard.soft_glimpse,
        soft_glimpse_cases,
        errors=wrong_sizes(
            {"feature": np.ones(3), "mask": np.ones(3)}, "mask", (3,), "", (1,), (2,)
        ),
        gradient=("feature", "mask"),
    ),
    Twin(
        soft_hard_reference.soft_item,
        soft_hard.soft_item,
        item_cases,
        errors=wrong_sizes(ITEMS, "control", (3,), "; one score for each item", (2,), (1,)),
        gradient=("control", "feature"),
    ),
    Twin(
        soft_hard_reference.hard_item,
        soft_hard.hard_item,
        hard_item_cases,
        errors=(
            *wrong_sizes(
                ITEMS | {"noise": np.ones(3)},
                *("control", (3,), "; one score for each item", (2,), (1,)),
            ),
            *wrong_sizes(ITEMS | {"noise": np.ones(3)}, "noise", (3,), "", (2,), (1,)),
        ),
        gradient=("control", "feature", "noise"),
    ),
    Twin(
        soft_hard_reference.soft_location,
        soft_hard.soft_location,
        soft_location_cases,
        errors=wrong_sizes(
            {"control": np.ones((3, 4)), "feature": IMAGE},
            *("control", (3, 4), "; one score for each pixel", (4, 3), (1, 4), (3, 1)),
        ),
        gradient=("control", "feature"),
    ),
    Twin(
        soft_hard_reference.hard_location,
        soft_hard.hard_location,
        hard_location_cases,
        errors=(
            *wrong_sizes(HARD, "control", (2,), PLACE, (1,), (3,)),
            *wrong_sizes(HARD, "noise", (2,), "", (1,), (3,)),
            at_least(HARD, "std", -0.5, 0),
            at_least(HARD, "size", 0, 1),
            Error(HARD | {"feature": IMAGE[0]}, ValueError, FLAT, in_batch=False),
        ),
        gradient=("control", "feature", "noise"),
    ),
    Twin(
        soft_hard_reference.glimpse_loop,
        soft_hard.glimpse_loop,
        loop_cases,
        errors=(
            at_least(LOOP, "n_step", 0, 1),
            Error(
                LOOP | {"n_step": 3},
                ValueError,
                "noise must have shape (3,), got (2,); one draw for each step",
            ),
        ),
        gradient=("feature", "params"),
        surrogate=("noise",),
        has_batch=False,
        tolerance={torch.float32: (1e-5, 1e-5)},
    ),
    Twin(
        soft_hard_reference.expected_gradient,
        soft_hard.expected_gradient,
        reward_cases("reward"),
        errors=wrong_sizes(
            {"score": np.ones(3), "reward": np.ones(3)},
            *("reward", (3,), "; one reward for each choice", (1,), (2,)),
        ),
        gradient=("score", "reward"),
    ),
    Twin(
        soft_hard_reference.choice_score,
        soft_hard.choice_score,
        choice_cases,
        errors=(
            at_least({"score": np.zeros(3)}, "choice", -1, 0),
            Error(
                {"score": np.zeros(3), "choice": 3}, ValueError, "choice must be at most 2, got 3"
            ),
        ),
        gradient=("score",),
    ),
    Twin(
        soft_hard_reference.location_score,
        soft_hard.location_score,
        location_score_cases,
        errors=(
            *(
                Error(
                    {"mean": np.ones(2), "std": std, "location": np.ones(2)},
                    ValueError,
                    f"std must be positive, got {std}",
                )
                for std in (0.0, -1.0, float("nan"))
            ),
            *(
                error
                for name in ("mean", "location")
                for error in wrong_sizes(
                    {"mean": np.ones(2), "std": 0.5, "location": np.ones(2)},
                    *(name, (2,), PLACE, (1,), (3,)),
                )
            ),
        ),
        gradient=("mean", "location"),
    ),
    Twin(
        soft_hard_reference.score_function_gradient,
        soft_hard.score_function_gradient,
        estimate_cases,
        errors=(
            *wrong_sizes(DRAWN, "reward", (2,), "; one reward for each draw", (1,), (3,)),
            *wrong_sizes(DRAWN, "baseline", (2,), "; one baseline for each draw", (1,), (3,)),
            Error(
                DRAWN | {"choice": np.array([0, 3])}, ValueError, "choice must be at most 2, got 3"
            ),
        ),
        gradient=("score", "reward", "baseline"),
    ),
    Twin(
        soft_hard_reference.leave_one_out,
        soft_hard.leave_one_out,
        rewards_cases,
        errors=(
            Error(
                {"reward": np.ones(1)},
                ValueError,
                "n_draw must be at least 2, got 1; one draw has no others",
            ),
        ),
        gradient=("reward",),
    ),
    Twin(
        soft_hard_reference.gumbel_noise,
        soft_hard.gumbel_noise,
        uniform_cases,
        gradient=("uniform",),
        has_batch=False,
    ),
    Twin(
        soft_hard_reference.gumbel_softmax,
        soft_hard.gumbel_softmax,
        relaxed_cases,
        errors=(
            *(
                Error(
                    {"score": np.ones(3), "noise": np.ones(3), "temperature": temperature},
                    ValueError,
                    f"temperature must be positive, got {temperature}",
                )
                for temperature in (0.0, -1.0)
            ),
            *wrong_sizes(
                {"score": np.ones(3), "noise": np.ones(3), "temperature": 1.0},
                *("noise", (3,), "", (1,), (2,)),
            ),
        ),
        gradient=("score", "noise"),
    ),
    Twin(
        soft_hard_reference.straight_through,
        soft_hard.straight_through,
        noisy_cases,
        errors=wrong_sizes(
            {"score": np.ones(3), "noise": np.ones(3)}, "noise", (3,), "", (1,), (2,)
        ),
        surrogate=("score", "noise"),
    ),
    Twin(
        soft_hard_reference.straight_through_gradient,
        soft_hard.straight_through_gradient,
        reward_cases("slope"),
        errors=wrong_sizes(
            {"score": np.ones(3), "slope": np.ones(3)},
            *("slope", (3,), "; one slope for each choice", (1,), (2,)),
        ),
        gradient=("score", "slope"),
    ),
    Twin(
        soft_hard_reference.crop,
        soft_hard.crop,
        plain_crop_cases,
        errors=(
            at_least(CROP, "size", 0, 1),
            *wrong_sizes(CROP, "corner", (2,), "; a corner is (x, y)", (1,), (3,)),
            Error(CROP | {"feature": IMAGE[0]}, ValueError, FLAT, in_batch=False),
        ),
        gradient=("feature",),
    ),
    Twin(
        soft_hard_reference.retina,
        soft_hard.retina,
        retina_cases,
        errors=(
            at_least(RETINA, "size", 0, 1),
            at_least(RETINA, "n_scale", 0, 1),
            *wrong_sizes(RETINA, "location", (2,), PLACE, (1,), (3,)),
            Error(RETINA | {"feature": IMAGE[0]}, ValueError, FLAT, in_batch=False),
        ),
        gradient=("feature", "location"),
    ),
    Twin(
        soft_hard_reference.recurrent_attention,
        looker,
        looker_cases,
        errors=(
            Error(
                LOOKER | {"noise": np.ones((0, 2))}, ValueError, "n_step must be at least 1, got 0"
            ),
            at_least(LOOKER, "std", -0.5, 0),
            *wrong_sizes(LOOKER, "noise", (None, 2), "", (2, 1), (2, 3)),
            *wrong_sizes(
                LOOKER | {"place": np.ones((2, 2))},
                *("place", (2, 2), "; a place for each step", (1, 2), (3, 2), (2, 1)),
            ),
            Error(LOOKER | {"feature": IMAGE[0]}, ValueError, FLAT, in_batch=False),
        ),
        surrogate=("feature", "params", "noise", "place"),
        module=Module(build_looker, ("feature", "noise", "std", "place"), params="params"),
        tolerance={torch.float32: (1e-4, 5e-5)},
    ),
    Twin(
        soft_hard_reference.hybrid_loss,
        soft_hard.hybrid_loss,
        hybrid_cases,
        errors=(
            Error(HYBRID | {"std": 0.0}, ValueError, "std must be positive, got 0.0"),
            at_least(HYBRID, "label", -1, 0),
            Error(HYBRID | {"label": 3}, ValueError, "label must be at most 2, got 3"),
            *wrong_sizes(HYBRID, "mean", (2, 2), "", (1, 2), (2, 1), (3, 2)),
            *wrong_sizes(HYBRID, "baseline", (2,), "", (1,), (3,)),
        ),
        gradient=("score", "mean"),
        surrogate=("location", "baseline"),
        tolerance={torch.float32: (1e-5, 1e-4)},
    ),
)


def product_weight_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    scale = draw(st.sampled_from([1e-3, 1e3] if wild else [0.5, 2.0]))
    return {"n_factor": draw(st.integers(1, 6)), "scale": scale, "shift": 1.0}


def product_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    factor = normal(draw, *batch, draw(st.integers(1, 4)))
    if wild:
        factor = salted(draw, factor, 0.0, 100.0, -100.0)
    return {"factor": factor, "scale": draw(st.sampled_from([0.7, 1.5])), "shift": 1.0}


def iterated_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    shape = (*batch, draw(st.integers(1, 6)))
    value = between(draw, -3, 3, *shape)
    times = between(draw, -1, 1, *shape)
    if wild:
        value, times = salted(draw, value, 0.0, 20.0, 1e-6), salted(draw, times, 0.0, 1.0, -1.0)
    return {"value": value, "times": np.where(value > 0, times, np.abs(times))}


def add_or_multiply_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    d_in, n_unit = sizes(draw, 2)
    feature, times = between(draw, 0.3, 3, *batch, d_in), between(draw, 0, 1, n_unit)
    if wild:
        times = salted(draw, times, 0.0, 1.0)
    return {"feature": feature, "w": normal(draw, n_unit, d_in) / 2, "times": times}


def filter_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    rows, columns, h, w = sizes(draw, 4, high=5)
    feature = normal(draw, *batch, rows + h, columns + w)
    kernel = normal(draw, *batch, rows, columns)
    return {"feature": feature, "kernel": salted(draw, kernel, 1e4, 0.0) if wild else kernel}


PRODUCT = {"n_factor": 3, "scale": 0.5, "shift": 1.0}
UNITS = {"feature": np.ones(3), "w": np.ones((2, 3)), "times": np.ones(2)}

PRODUCTS = (
    Twin(
        soft_hard_reference.product_weights,
        soft_hard.product_weights,
        product_weight_cases,
        errors=(
            at_least(PRODUCT, "n_factor", 0, 1),
            Error(PRODUCT | {"scale": 0.0}, ValueError, "scale must be positive, got 0.0"),
        ),
        has_batch=False,
    ),
    Twin(
        soft_hard_reference.product_net,
        soft_hard.product_net,
        product_cases,
        errors=(
            Error(
                {"factor": np.ones(2), "scale": -1.0, "shift": 1.0},
                ValueError,
                "scale must be positive, got -1.0",
            ),
            Error(
                {"factor": np.ones(0), "scale": 1.0, "shift": 1.0},
                ValueError,
                "n_factor must be at least 1, got 0",
            ),
        ),
        gradient=("factor",),
        # A difference of large numbers: what remains has lost some digits.
        tolerance={torch.float64: (1e-9, 1e-10), torch.float32: (1e-3, 1e-2)},
    ),
    Twin(
        soft_hard_reference.iterated_exp,
        soft_hard.iterated_exp,
        iterated_cases,
        errors=(
            *wrong_sizes({"value": np.ones(3), "times": np.ones(3)}, "times", (3,), "", (1,), (2,)),
            Error(
                {"value": np.ones(1), "times": np.full(1, 1.5)},
                ValueError,
                "times must be at most 1, got 1.5",
            ),
            Error(
                {"value": np.ones(1), "times": np.full(1, -1.5)},
                ValueError,
                "times must be at least -1, got -1.5",
            ),
            Error(
                {"value": np.zeros(1), "times": np.full(1, -0.5)},
                ValueError,
                "value must be positive, got 0.0",
            ),
        ),
        gradient=("value", "times"),
        has_batch=False,
        tolerance={torch.float32: (1e-4, 1e-5)},
    ),
    Twin(
        soft_hard_reference.add_or_multiply,
        soft_hard.add_or_multiply,
        add_or_multiply_cases,
        errors=wrong_sizes(UNITS, "w", (2, 3), "", (3, 2), (2, 1), (1, 3)),
        gradient=("feature", "w", "times"),
        tolerance={torch.float32: (1e-4, 1e-5)},
    ),
    Twin(
        soft_hard_reference.dynamic_filter,
        soft_hard.dynamic_filter,
        filter_cases,
        errors=(
            Error(
                {"feature": np.ones((3, 4)), "kernel": np.ones((4, 2))},
                ValueError,
                "rows must be at most 3, got 4",
            ),
            Error(
                {"feature": np.ones((3, 4)), "kernel": np.ones((2, 5))},
                ValueError,
                "columns must be at most 4, got 5",
            ),
        ),
        gradient=("feature", "kernel"),
    ),
)


# --- families ---


def two_widths(draw: Any, batch: Batch, wild: bool, *grains: float) -> Arguments:
    """Queries and keys of widths of their own."""
    n_query, n_key, d_query, d_key = sizes(draw, 4)
    query = normal(draw, *batch, n_query, d_query)
    if wild:
        query = salted(draw, query, *(grains or (0.0, 1e4, -1e4)))
    return {"query": query, "key": normal(draw, *batch, n_key, d_key)}


def product_score_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    n_query, n_key, d_key = sizes(draw, 3)
    query, key = normal(draw, *batch, n_query, d_key), normal(draw, *batch, n_key, d_key)
    return {"query": salted(draw, query, 0.0, 1e6, -1e6) if wild else query, "key": key}


def cosine_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    case = product_score_cases(draw, batch, False)
    if wild:  # vectors of zeros, long ones and short ones
        sized = {name: np.ones((*each.shape[:-1], 1)) for name, each in case.items()}
        grains = (0.0, 1e4, 1e-4)
        case = {name: each * salted(draw, sized[name], *grains) for name, each in case.items()}
    return case | {"key_strength": draw(st.sampled_from([0.0, 1e3] if wild else [0.5, 3.0]))}


def general_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    case = two_widths(draw, batch, wild)
    d_query, d_key = case["query"].shape[-1], case["key"].shape[-1]
    return case | {"w": normal(draw, d_query, d_key) / 2}


def concat_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    case = two_widths(draw, batch, wild, 0.0, *EXTREME)
    d_score, d_both = draw(st.integers(1, 6)), case["query"].shape[-1] + case["key"].shape[-1]
    return case | {"w": normal(draw, d_score, d_both) / 2, "v": normal(draw, d_score)}


def place_score_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    case = two_widths(draw, batch, wild)
    n_key, d_query = case["key"].shape[-2], case["query"].shape[-1]
    return {"query": case["query"], "w": normal(draw, n_key, d_query)}


def attend_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    case = masked_cases(draw, batch, wild)
    if draw(st.booleans()):
        case["mask"][..., draw(st.integers(0, case["mask"].shape[-1] - 1))] = False
    value = normal(draw, *batch, case["score"].shape[-1], draw(st.integers(1, 6)))
    if wild:
        seen = np.broadcast_to(case["mask"], case["score"].shape).any(-2)[..., None]
        value = np.where(seen, value, salted(draw, value, np.nan, np.inf, -np.inf))
    return {"score": case["score"], "value": value, "mask": case["mask"]}


def predicted_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    query = two_widths(draw, batch, wild, 0.0, *EXTREME)["query"]
    d_score = draw(st.integers(1, 6))
    return {
        "query": query,
        "w": normal(draw, d_score, query.shape[-1]) / 2,
        "v": normal(draw, d_score),
        "length": np.asarray(between(draw, 1, 7, *batch)).astype(np.int64),
    }


def centres(draw: Any, wild: bool, n_key: int, *shape: int) -> np.ndarray:
    """Positions on a sequence and beside it; wild ones far off, on a key or between two."""
    position = between(draw, -2, n_key + 1, *shape)
    whole = np.floor(position)
    if wild:
        position = np.where(between(draw, 0, 1, *shape) < 0.3, whole, position)
        position = np.where(between(draw, 0, 1, *shape) < 0.2, whole + 0.5, position)
        position = salted(draw, position, 1e6, -1e6)
    return position


def window_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    n_query, n_key = sizes(draw, 2)
    position = centres(draw, wild, n_key, *batch, n_query)
    return {"position": position, "n_key": n_key, "radius": draw(st.integers(0, 4))}


def local_weight_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    n_query, n_key = sizes(draw, 2)
    return {
        "weight": between(draw, 0, 1, *batch, n_query, n_key),
        "position": centres(draw, wild, n_key, *batch, n_query),
        "radius": draw(st.integers(1, 4)),
    }


def local_attend_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    n_query, n_key, d_key, d_value = sizes(draw, 4)
    position = centres(draw, wild, n_key, *batch, n_query)
    radius = draw(st.integers(0, 4))
    query, key = normal(draw, *batch, n_query, d_key), normal(draw, *batch, n_key, d_key)
    value = normal(draw, *batch, n_key, d_value)
    if wild:  # what no window reaches
        query = salted(draw, query, 0.0, 1e4, -1e4)
        distance = np.arange(n_key) - np.floor(position + 0.5)[..., None]
        seen = (np.abs(distance) <= radius).any(-2)[..., None]
        key = np.where(seen, key, salted(draw, key, np.nan, np.inf, -np.inf))
        value = np.where(seen, value, salted(draw, value, np.nan, np.inf, -np.inf))
    return {"query": query, "key": key, "value": value, "position": position, "radius": radius}


def region_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    d_query, n_region, d_region, d_score = sizes(draw, 4)
    query = normal(draw, *batch, d_query)
    return {
        "query": salted(draw, query, 0.0, *EXTREME) if wild else query,
        "region": normal(draw, *batch, n_region, d_region),
        "w_query": normal(draw, d_score, d_query) / 2,
        "w_key": normal(draw, d_score, d_region) / 2,
        "v": normal(draw, d_score),
        "w_gate": normal(draw, d_query),
        "b_gate": normal(draw),
    }


def penalty_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    n_step, n_region = sizes(draw, 2)
    weight = between(draw, 0, 1, *batch, n_step, n_region)
    weight = weight / weight.sum(-1, keepdims=True)
    mask = between(draw, 0, 1, *batch, n_step) < (0.5 if wild else 0.8)
    if wild:
        weight = np.where(mask[..., None], weight, salted(draw, weight, np.nan, np.inf))
    return {"weight": weight, "mask": mask}


def tape_weights(draw: Any, d_in: int, d_hidden: int, d_score: int) -> dict[str, np.ndarray]:
    shapes: dict[str, tuple[int, ...]] = {
        "w_tape": (d_score, d_hidden),
        "w_feature": (d_score, d_in),
        "w_summary": (d_score, d_hidden),
        "v": (d_score,),
        "cell.w_input": (4 * d_hidden, d_in),
        "cell.w_hidden": (4 * d_hidden, d_hidden),
        "cell.b_input": (4 * d_hidden,),
        "cell.b_hidden": (4 * d_hidden,),
    }
    return {name: 0.7 * normal(draw, *shape) for name, shape in shapes.items()}


def tape_step_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    d_in, d_hidden, d_score = sizes(draw, 3, high=4)
    n_past = draw(st.integers(0, 5))
    feature, summary = normal(draw, *batch, d_in), normal(draw, *batch, d_hidden)
    return {
        "feature": salted(draw, feature, 1e4, -1e4) if wild else feature,
        "tape": normal(draw, *batch, n_past, d_hidden),
        "cell_tape": normal(draw, *batch, n_past, d_hidden),
        "summary": salted(draw, summary, 0.0) if wild else summary,
        "params": tape_weights(draw, d_in, d_hidden, d_score),
    }


def tape_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    d_in, d_hidden, d_score = sizes(draw, 3, high=4)
    feature = normal(draw, *batch, draw(st.integers(1, 5)), d_in)
    return {
        "feature": salted(draw, feature, 1e4, -1e4) if wild else feature,
        "params": tape_weights(draw, d_in, d_hidden, d_score),
    }


def build_predictor(case: Arguments, generator: torch.Generator) -> torch.nn.Module:
    return families_modules.PredictedPosition(case["w"].shape[1], len(case["v"]), generator)


def build_region(case: Arguments, generator: torch.Generator) -> torch.nn.Module:
    d_score, d_query = case["w_query"].shape
    return families_modules.RegionAttention(d_query, case["w_key"].shape[1], d_score, generator)


def build_lstmn(case: Arguments, generator: torch.Generator) -> torch.nn.Module:
    d_score, d_hidden = case["params"]["w_tape"].shape
    return families_modules.Lstmn(case["feature"].shape[-1], d_hidden, d_score, generator)


ONE_WIDTH = "; a query and a key must be of one width"
PAIR = {"query": np.ones((2, 3)), "key": np.ones((4, 3))}
GENERAL = {"query": np.ones((2, 3)), "key": np.ones((4, 5)), "w": np.ones((3, 5))}
CONCAT = GENERAL | {"w": np.ones((6, 8)), "v": np.ones(6)}
ATTEND = {
    "score": TWO_BY_THREE,
    "value": np.zeros((3, 5)),
    "mask": np.ones((1, 1), dtype=bool),
}
PREDICTED = {"query": np.ones((2, 3)), "w": np.ones((6, 3)), "v": np.ones(6), "length": 4}
LOCAL = PAIR | {"value": np.ones((4, 5)), "position": np.ones(2), "radius": 1}
LOCAL_WEIGHT = {"weight": np.ones((2, 3)), "position": np.ones(2), "radius": 1}
REGION = {
    "query": np.ones(3),
    "region": np.ones((4, 5)),
    "w_query": np.ones((6, 3)),
    "w_key": np.ones((6, 5)),
    "v": np.ones(6),
    "w_gate": np.ones(3),
    "b_gate": np.array(1.0),
}
PENALTY = {"weight": np.ones((2, 3)), "mask": np.ones(2, dtype=bool)}
TAPE: Arguments = {
    "feature": np.ones(2),
    "tape": np.ones((4, 3)),
    "cell_tape": np.ones((4, 3)),
    "summary": np.ones(3),
}
TAPE["params"] = {
    "w_tape": np.ones((5, 3)),
    "w_feature": np.ones((5, 2)),
    "w_summary": np.ones((5, 3)),
    "v": np.ones(5),
    "cell.w_input": np.ones((12, 2)),
    "cell.w_hidden": np.ones((12, 3)),
    "cell.b_input": np.ones(12),
    "cell.b_hidden": np.ones(12),
}
SHORT_BIAS = TAPE["params"] | {"cell.b_input": np.ones(1)}
BIAS_TEXT = "b_input must have shape (12,), got (1,)"

FAMILIES = (
    Twin(
        families_reference.dot_score,
        families.dot_score,
        product_score_cases,
        errors=wrong_sizes(PAIR, "key", (None, 3), ONE_WIDTH, (4, 1), (3, 4)),
        gradient=("query", "key"),
    ),
    Twin(
        families_reference.scaled_dot_score,
        families.scaled_dot_score,
        product_score_cases,
        errors=wrong_sizes(PAIR, "key", (None, 3), ONE_WIDTH, (4, 1), (3, 4)),
        gradient=("query", "key"),
    ),
    Twin(
        families_reference.cosine_score,
        families.cosine_score,
        cosine_cases,
        errors=wrong_sizes(
            PAIR | {"key_strength": 2.0}, "key", (None, 3), ONE_WIDTH, (4, 1), (3, 4)
        ),
        gradient=("query", "key"),
    ),
    Twin(
        families_reference.general_score,
        families.general_score,
        general_cases,
        errors=wrong_sizes(GENERAL, "w", (3, 5), "; w is (d_query, d_key)", (5, 3), (3, 1), (1, 5)),
        gradient=("query", "key", "w"),
        module=Module(
            lambda case, generator: families_modules.GeneralScore(*case["w"].shape, generator),
            ("query", "key"),
        ),
    ),
    Twin(
        families_reference.concat_score,
        families.concat_score,
        concat_cases,
        errors=wrong_sizes(
            *(CONCAT, "w", (6, 8), "; w is (d_score, d_query + d_key)", (8, 6), (6, 3), (1, 8))
        ),
        gradient=("query", "key", "w", "v"),
    ),
    Twin(
        families_reference.location_score,
        families.location_score,
        place_score_cases,
        errors=wrong_sizes(
            {"query": np.ones((2, 3)), "w": np.ones((4, 3))},
            *("w", (None, 3), "; w is (n_key, d_query)", (3, 4), (4, 1)),
        ),
        gradient=("query", "w"),
        module=Module(
            lambda case, generator: families_modules.LocationScore(
                *case["w"].shape[::-1], generator
            ),
            ("query",),
        ),
    ),
    Twin(
        families_reference.attend,
        families.attend,
        attend_cases,
        errors=(
            Error(
                ATTEND | {"mask": np.ones((2, 3))},
                TypeError,
                "mask must be bool with True where attention is allowed, got float64",
            ),
            Error(
                ATTEND | {"mask": np.ones((2, 4), dtype=bool)},
                ValueError,
                "mask must broadcast to shape (2, 3), got (2, 4)",
            ),
            *wrong_sizes(ATTEND, "value", (3, None), "; one value for each key", (2, 5), (1, 5)),
        ),
        gradient=("score", "value"),
    ),
    Twin(
        families_reference.predicted_position,
        families.predicted_position,
        predicted_cases,
        errors=(
            *wrong_sizes(PREDICTED, "w", (6, 3), "; w is (d_score, d_query)", (3, 6), (1, 3)),
            at_least(PREDICTED, "length", 0, 1),
        ),
        gradient=("query", "w", "v"),
        module=Module(build_predictor, ("query", "length")),
    ),
    Twin(
        families_reference.window_mask,
        families.window_mask,
        window_cases,
        errors=(at_least({"position": np.ones(2), "n_key": 3}, "radius", -1, 0),),
        surrogate=("position",),  # a mask has no slope at all
    ),
    Twin(
        families_reference.local_weight,
        families.local_weight,
        local_weight_cases,
        errors=(
            *wrong_sizes(
                LOCAL_WEIGHT, "position", (2,), "; one position for each query", (1,), (3,)
            ),
            at_least(LOCAL_WEIGHT, "radius", 0, 1),
        ),
        gradient=("weight", "position"),
        tolerance=BELLS,
    ),
    Twin(
        families_reference.local_attend,
        families.local_attend,
        local_attend_cases,
        errors=(
            *wrong_sizes(LOCAL, "key", (None, 3), ONE_WIDTH, (4, 1), (3, 4)),
            *wrong_sizes(LOCAL, "value", (4, None), "; one value for each key", (1, 5), (3, 5)),
            *wrong_sizes(LOCAL, "position", (2,), "; one position for each query", (1,), (3,)),
            at_least(LOCAL, "radius", -1, 0),
        ),
        gradient=("query", "key", "value", "position"),
    ),
    Twin(
        families_reference.region_attention,
        families.region_attention,
        region_cases,
        errors=(
            *wrong_sizes(REGION, "w_gate", (3,), "; as wide as the query", (1,), (2,)),
            *wrong_sizes(REGION, "w_query", (6, 3), "", (3, 6), (1, 3), (6, 1)),
            *wrong_sizes(REGION, "w_key", (6, 5), "", (5, 6), (1, 5), (6, 1)),
        ),
        gradient=("query", "region", "w_query", "w_key", "v", "w_gate", "b_gate"),
        module=Module(build_region, ("query", "region")),
    ),
    Twin(
        families_reference.doubly_stochastic_penalty,
        families.doubly_stochastic_penalty,
        penalty_cases,
        errors=(
            Error(
                PENALTY | {"mask": np.ones(2)},
                TypeError,
                "mask must be bool with True where attention is allowed, got float64",
            ),
            *wrong_sizes(PENALTY, "mask", (2,), "; one entry for each step", (1,), (3,)),
        ),
        gradient=("weight",),
    ),
    Twin(
        families_reference.lstmn_step,
        families.lstmn_step,
        tape_step_cases,
        errors=(
            *wrong_sizes(TAPE, "tape", (None, 3), "; as wide as the summary", (4, 1), (3, 4)),
            *wrong_sizes(
                TAPE, "cell_tape", (4, 3), "; a cell for each state", (1, 3), (4, 1), (5, 3)
            ),
            Error(TAPE | {"params": SHORT_BIAS}, ValueError, BIAS_TEXT),
        ),
        gradient=("feature", "tape", "cell_tape", "summary", "params"),
        tolerance={torch.float32: (1e-5, 1e-5)},
    ),
    Twin(
        families_reference.lstmn,
        families.lstmn,
        tape_cases,
        errors=(
            Error(
                {"feature": np.ones((0, 2)), "params": TAPE["params"]},
                ValueError,
                "n_step must be at least 1, got 0",
            ),
            Error({"feature": np.ones((4, 2)), "params": SHORT_BIAS}, ValueError, BIAS_TEXT),
        ),
        gradient=("feature", "params"),
        module=Module(build_lstmn, ("feature",), params="params"),
        tolerance={torch.float32: (1e-5, 1e-5)},
    ),
)


# --- seq2seq ---


def additive_weights(draw: Any, d_query: int, d_key: int, d_score: int) -> Arguments:
    return {
        "w_query": normal(draw, d_score, d_query),
        "w_key": normal(draw, d_score, d_key),
        "v": normal(draw, d_score),
    }


def additive_score_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    n_query, n_key, d_query, d_key, d_score = sizes(draw, 5)
    query, key = normal(draw, *batch, n_query, d_query), normal(draw, *batch, n_key, d_key)
    if wild:
        query, key = salted(draw, query, *EXTREME), salted(draw, key, *EXTREME)
    return {"query": query, "key": key} | additive_weights(draw, d_query, d_key, d_score)


def additive_attention_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    n_query, n_key, d_query, d_key, d_score, d_value = sizes(draw, 6)
    query, key = normal(draw, *batch, n_query, d_query), normal(draw, *batch, n_key, d_key)
    value = normal(draw, *batch, n_key, d_value)
    own = draw(st.sampled_from([batch, (), (1,) * len(batch)]))
    shape = draw(st.sampled_from([(n_query, n_key), (1, n_key), (n_query, 1), (1, 1)]))
    mask = between(draw, 0, 1, *own, *shape) < 0.7
    if draw(st.booleans()):
        mask[..., draw(st.integers(0, shape[0] - 1)), :] = False  # a query with nowhere to look
    if draw(st.booleans()):
        mask[..., draw(st.integers(0, shape[1] - 1))] = False  # a key that nobody may see
    if wild:
        query, key = salted(draw, query, *EXTREME), salted(draw, key, *EXTREME)
        seen = np.broadcast_to(mask, (*batch, n_query, n_key)).any(-2)[..., None]
        key = np.where(seen, key, salted(draw, key, np.nan, np.inf, -np.inf))
        value = np.where(seen, value, salted(draw, value, np.nan, np.inf, -np.inf))
    case = {"query": query, "key": key, "value": value, "mask": mask}
    return case | additive_weights(draw, d_query, d_key, d_score)


def real_steps(draw: Any, batch: Batch, n_step: int) -> np.ndarray:
    """Which steps of each source are real: padded at the end, with holes, or none at all."""
    length = (between(draw, 0, n_step + 1, *batch, 1)).astype(int)
    padded = np.arange(n_step) < length
    holes = between(draw, 0, 1, *batch, n_step) < 0.6
    return draw(st.sampled_from([padded, holes, np.ones_like(holes), np.zeros_like(holes)]))


def gru_params(draw: Any, name: str, d_in: int, d_hidden: int) -> Arguments:
    shapes = {"w_input": (d_in,), "w_hidden": (d_hidden,), "b_input": (), "b_hidden": ()}
    return {f"{name}.{w}": normal(draw, 3 * d_hidden, *shape) for w, shape in shapes.items()}


def dense_params(draw: Any, name: str, d_in: int, d_out: int) -> Arguments:
    return {f"{name}.w": normal(draw, d_out, d_in), f"{name}.b": normal(draw, d_out)}


def encode_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    n_source, d_in, d_hidden = sizes(draw, 3, high=4)
    feature, mask = normal(draw, *batch, n_source, d_in), real_steps(draw, batch, n_source)
    if wild:
        feature = salted(draw, feature, 1e4, -1e4)
        feature = np.where(mask[..., None], feature, salted(draw, feature, np.nan, np.inf))
    params = gru_params(draw, "ahead", d_in, d_hidden)
    if draw(st.booleans()):
        params |= gru_params(draw, "back", d_in, d_hidden)
    return {"feature": feature, "mask": mask, "params": params}


def maxout_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    feature = normal(draw, *batch, 2 * draw(st.integers(1, 6)))
    return {"feature": salted(draw, feature, *EXTREME, 0.0) if wild else feature}


def decode_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    n_target, n_source, n_token = sizes(draw, 3, high=4)
    d_in, d_hidden, d_annotation = sizes(draw, 3, high=3)
    feature = normal(draw, *batch, n_target, d_in)
    annotation = normal(draw, *batch, n_source, d_annotation)
    mask = real_steps(draw, batch, n_source)
    if wild:
        feature, annotation = salted(draw, feature, 40.0, -40.0), salted(draw, annotation, 40.0)
        masked = salted(draw, annotation, np.nan, np.inf)
        annotation = np.where(mask[..., None], annotation, masked)
    d_joined = d_hidden + d_in + d_annotation
    params = dense_params(draw, "start", d_annotation, d_hidden)
    params |= gru_params(draw, "cell", d_in + d_annotation, d_hidden)
    if draw(st.booleans()):  # if not, the context is fixed
        params |= additive_weights(draw, d_hidden, d_annotation, draw(st.integers(1, 4)))
    if draw(st.booleans()):
        d_out = draw(st.integers(1, 3))
        params |= dense_params(draw, "maxout", d_joined, 2 * d_out)
        d_joined = d_out
    return {
        "feature": feature,
        "annotation": annotation,
        "last": normal(draw, *batch, d_annotation),
        "mask": mask,
        "params": params | dense_params(draw, "readout", d_joined, n_token),
    }


def beam_step_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    n_beam, n_token = sizes(draw, 2)
    log_probability = -np.abs(normal(draw, *batch, n_beam, n_token))
    total = -np.abs(normal(draw, *batch, n_beam))
    n_keep = draw(st.integers(1, n_beam * n_token))
    if wild:  # ties; sums of minus infinity, of which none is among the kept, or so many ties
        log_probability = np.round(log_probability)
        n_keep = draw(st.integers(1, n_token))
        log_probability[..., 1:, :] = salted(draw, log_probability[..., 1:, :], -np.inf, -1e30)
    return {"log_probability": log_probability, "total": total, "n_keep": n_keep}


def beam_search_cases(draw: Any, batch: Batch, wild: bool) -> Arguments:
    n_step, n_token = draw(st.integers(1, 5)), draw(st.integers(2, 5))
    start, end = draw(st.integers(0, n_token - 1)), draw(st.integers(0, n_token - 1))
    table = -np.abs(normal(draw, *batch, n_step, n_token, n_token))
    n_beam = draw(st.integers(1, n_token))
    if wild:  # ties; what cannot follow, though the first token and the end always may
        table = np.round(table)
        free = table.copy()
        table = salted(draw, table, -np.inf, -1e30)
        table[..., 0, start, :], table[..., end] = free[..., 0, start, :], free[..., end]
    return {"log_probability": table, "start": start, "end": end, "n_beam": n_beam}


def build_additive(case: Arguments, generator: torch.Generator) -> torch.nn.Module:
    d_score, d_query = case["w_query"].shape
    return seq2seq_modules.AdditiveAttention(d_query, case["w_key"].shape[1], d_score, generator)


def build_encoder(case: Arguments, generator: torch.Generator) -> torch.nn.Module:
    params = case["params"]
    d_hidden, d_in = params["ahead.w_hidden"].shape[1], params["ahead.w_input"].shape[1]
    return seq2seq_modules.Encoder(d_in, d_hidden, generator, back="back.w_input" in params)


def build_decoder(case: Arguments, generator: torch.Generator) -> torch.nn.Module:
    params = case["params"]
    d_hidden, d_annotation = params["start.w"].shape
    return seq2seq_modules.Decoder(
        case["feature"].shape[-1],
        d_annotation,
        d_hidden,
        len(params["readout.b"]),
        generator,
        d_score=len(params.get("v", ())),
        d_maxout=len(params.get("maxout.b", ())) // 2,
    )


def reader_params(name: str, d_in: int, d_hidden: int) -> Arguments:
    """Weights of ones."""
    shapes = {"w_input": (d_in,), "w_hidden": (d_hidden,), "b_input": (), "b_hidden": ()}
    return {f"{name}.{w}": np.ones((3 * d_hidden, *shape)) for w, shape in shapes.items()}


def wrong_params(good: Arguments, name: str, shape: tuple, text: str) -> Error:
    params = good["params"] | {name: np.ones(shape)}
    return Error(good | {"params": params}, ValueError, text)


NOT_BOOL = "mask must be bool with True where attention is allowed, got float64"
ADDITIVE = {"query": np.ones((2, 3)), "key": np.ones((5, 4)), "w_query": np.ones((6, 3))}
ADDITIVE |= {"w_key": np.ones((6, 4)), "v": np.ones(6)}
ATTENDED = ADDITIVE | {"value": np.ones((5, 2)), "mask": np.ones((2, 5), dtype=bool)}
ENCODED = {"feature": np.ones((4, 2)), "mask": np.ones(4, dtype=bool)}
ENCODED["params"] = reader_params("ahead", 2, 3) | reader_params("back", 2, 3)
DECODED = {"feature": np.ones((3, 2)), "annotation": np.ones((4, 6)), "last": np.ones(6)}
DECODED |= {"mask": np.ones(4, dtype=bool)}
DECODED["params"] = reader_params("cell", 8, 5) | {
    "start.w": np.ones((5, 6)),
    "start.b": np.ones(5),
    "w_query": np.ones((7, 5)),
    "w_key": np.ones((7, 6)),
    "v": np.ones(7),
    "maxout.w": np.ones((4, 13)),
    "maxout.b": np.ones(4),
    "readout.w": np.ones((9, 2)),
    "readout.b": np.ones(9),
}
CONTINUED = {"log_probability": np.zeros((2, 3)), "total": np.zeros(2), "n_keep": 4}
TABLE = {"log_probability": np.zeros((4, 3, 3)), "start": 1, "end": 2, "n_beam": 2}
DENSE_W = "w must have shape ({}, {}), got {}; w is (d_out, d_in)"

SEQ2SEQ = (
    Twin(
        seq2seq_reference.additive_score,
        seq2seq.additive_score,
        additive_score_cases,
        errors=(
            *wrong_sizes(ADDITIVE, "w_query", (6, 3), "", (3, 6), (1, 3), (6, 1), (5, 3)),
            *wrong_sizes(ADDITIVE, "w_key", (6, 4), "", (4, 6), (1, 4), (6, 1), (6, 3)),
            Error(
                ADDITIVE | {"v": np.ones(1)}, ValueError, "w_query must have shape (1, 3), got (6,"
            ),
        ),
        gradient=("query", "key", "w_query", "w_key", "v"),
    ),
    Twin(
        seq2seq_reference.additive_attention,
        seq2seq.additive_attention,
        additive_attention_cases,
        errors=(
            Error(ATTENDED | {"mask": np.ones((2, 5))}, TypeError, NOT_BOOL),
            *(
                Error(
                    ATTENDED | {"mask": np.ones(shape, dtype=bool)},
                    ValueError,
                    f"mask must broadcast to shape (2, 5), got {shape}",
                )
                for shape in ((2, 4), (3, 5), (5, 2))
            ),
            *wrong_sizes(
                ATTENDED, "value", (5, None), "; one value for each key", (4, 2), (1, 2), (2, 5)
            ),
            *wrong_sizes(ATTENDED, "w_query", (6, 3), "", (3, 6), (1, 3), (6, 1)),
            *wrong_sizes(ATTENDED, "w_key", (6, 4), "", (4, 6), (1, 4), (6, 1)),
        ),
        gradient=("query", "key", "value", "w_query", "w_key", "v"),
        module=Module(build_additive, ("query", "key", "value", "mask")),
    ),
    Twin(
        seq2seq_reference.encode,
        seq2seq.encode,
        encode_cases,
        errors=(
            Error(ENCODED | {"mask": np.ones(4)}, TypeError, NOT_BOOL),
            *wrong_sizes(ENCODED, "mask", (4,), "; one entry for each step", (3,), (5,), (1,)),
            *(
                wrong_params(
                    ENCODED, f"{reader}.{name}", got, f"{name} must have shape {want}, got {got}"
                )
                for reader in ("ahead", "back")
                for name, want, got in (
                    ("w_input", (9, 2), (2, 9)),
                    ("w_input", (9, 2), (9, 1)),
                    ("b_input", (9,), (1,)),
                    ("b_hidden", (9,), (3,)),
                )
            ),
        ),
        gradient=("feature", "params"),
        module=Module(build_encoder, ("feature", "mask"), params="params", name="Encoder"),
    ),
    Twin(
        seq2seq_reference.maxout,
        seq2seq.maxout,
        maxout_cases,
        errors=tuple(
            Error({"feature": np.ones(n)}, ValueError, f"feature must have an even width, got {n}")
            for n in (1, 3)
        ),
        gradient=("feature",),
    ),
    Twin(
        seq2seq_reference.decode,
        seq2seq.decode,
        decode_cases,
        errors=(
            Error(DECODED | {"mask": np.ones(4)}, TypeError, NOT_BOOL),
            *wrong_sizes(DECODED, "mask", (4,), "; one entry for each step", (3,), (5,), (1,)),
            *wrong_sizes(DECODED, "last", (6,), "; as wide as an annotation", (1,), (5,)),
            wrong_params(DECODED, "start.w", (6, 5), DENSE_W.format(5, 6, (6, 5))),
            wrong_params(DECODED, "w_query", (7, 1), "w_query must have shape (7, 5), got (7, 1)"),
            wrong_params(DECODED, "w_key", (7, 5), "w_key must have shape (7, 6), got (7, 5)"),
            wrong_params(DECODED, "cell.w_input", (15, 2), "w_input must have shape (15, 8), got"),
            wrong_params(DECODED, "cell.b_hidden", (1,), "b_hidden must have shape (15,), got"),
            wrong_params(DECODED, "maxout.w", (4, 5), DENSE_W.format(4, 13, (4, 5))),
            wrong_params(DECODED, "readout.w", (9, 4), DENSE_W.format(9, 2, (9, 4))),
            Error(
                DECODED
                | {
                    "params": DECODED["params"]
                    | {"maxout.w": np.ones((3, 13)), "maxout.b": np.ones(3)}
                },
                ValueError,
                "feature must have an even width, got 3",
            ),
        ),
        gradient=("feature", "annotation", "last", "params"),
        module=Module(
            build_decoder,
            ("feature", "annotation", "last", "mask"),
            params="params",
            name="Decoder",
        ),
    ),
    Twin(
        seq2seq_reference.beam_step,
        seq2seq.beam_step,
        beam_step_cases,
        errors=(
            *wrong_sizes(CONTINUED, "total", (2,), "; one total for each beam", (1,), (3,)),
            at_least(CONTINUED, "n_keep", 0, 1),
            Error(CONTINUED | {"n_keep": 7}, ValueError, "n_keep must be at most 6, got 7"),
        ),
        gradient=("log_probability", "total"),
    ),
    Twin(
        seq2seq_reference.beam_search,
        seq2seq.beam_search,
        beam_search_cases,
        errors=(
            *wrong_sizes(TABLE, "log_probability", (4, 3, 3), "", (4, 3, 2), (4, 3, 1)),
            at_least(TABLE, "n_beam", 0, 1),
            *(at_least(TABLE, name, -1, 0) for name in ("start", "end")),
            *(
                Error(TABLE | {name: 3}, ValueError, f"{name} must be at most 2, got 3")
                for name in ("start", "end")
            ),
        ),
        gradient=("log_probability",),
    ),
)


TWINS = {
    twin.name: twin
    for room in (
        PRELIMINARIES,
        SOFT_HARD,
        PRODUCTS,
        GAUSSIAN_ROOM,
        SPATIAL_TRANSFORMER,
        SEQ2SEQ,
        FAMILIES,
    )
    for twin in room
}
