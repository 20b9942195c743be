"""One suite over the table of twins: two implementations of every function must agree.

The checks are plain functions of a row, so that `test_wrong_versions.py` can hold wrong versions
to the very same ones.
"""

import importlib
import inspect
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import jaxtyping
import numpy as np
import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from paths import twin_of
from torch.testing import assert_close
from twins import ONLY_FROM_FLOAT32, TOLERANCE, TWINS, Twin

import attn_course
from attn_course.spatial_transformer import functional as transformer

ROOT = Path(attn_course.__file__).parent
BATCHES = st.sampled_from([(), (3,), (2, 3)])
DOUBLE = torch.float64

# What a twin takes beyond its reference, and why.
OWN_PARAMETERS = {
    "preliminaries.causal_mask": ("device",),  # no tensor comes in that would say where to make it
    "soft_hard.product_weights": ("dtype", "device"),
    "spatial_transformer.output_grid": ("device", "dtype"),  # nor of which precision
    "spatial_transformer.control_points": ("device", "dtype"),
    "spatial_transformer.spline_weight": ("device", "dtype"),
    "spatial_transformer.identity_raw": ("device", "dtype"),
}

# References whose twins are no functions of the room: made in `twins.py`.
TWIN_IS_NO_FUNCTION = {
    "gaussian.glimpse_reader",  # a module
    "soft_hard.recurrent_attention",  # a module
    "spatial_transformer.warp_reader",  # a module
    "spatial_transformer.bilinear_gradient",  # autograd
}

# Second twins: another implementation, held to the row of the first.
SECOND_TWINS = {"spatial_transformer.gathered_sample": "spatial_transformer.bilinear_sample"}

# Parts of a twin that a module puts together in another way.
PARTS = {f"seq2seq.{name}" for name in ("start", "step", "readout", "stay")}

# Modules that stand for no reference function, and why.
NO_REFERENCE = {
    "seq2seq.Translator": "embeddings, an Encoder and a Decoder",
    "gaussian.GlimpseTracker": "a trained model, not a mechanism: held by the tests of its runs",
    "gaussian.CropFinder": "holds windows to be fitted and calls gaussian_glimpse",
    "spatial_transformer.DenseLocaliser": "a part of WarpReader",
    "spatial_transformer.ConvolutionLocaliser": "torch's own convolutions",
    "spatial_transformer.SpatialTransformer": "a localiser and `warp`",
    "spatial_transformer.ParallelTransformers": "several of SpatialTransformer",
}

ROWS = TWINS | {
    name: replace(TWINS[first], functional=getattr(transformer, name.split(".")[1]))
    for name, first in SECOND_TWINS.items()
}
each_twin = pytest.mark.parametrize("twin", ROWS.values(), ids=ROWS)


def rooms() -> list[str]:
    """The rooms that have a reference."""
    return sorted(path.parent.name for path in ROOT.glob("*/reference.py"))


def public(room: str, file: str, kind=inspect.isfunction) -> dict:
    """The public functions, or classes, that a file of a room defines."""
    module = importlib.import_module(f"attn_course.{room}.{file}")
    return {
        f"{room}.{name}": thing
        for name, thing in vars(module).items()
        if kind(thing) and thing.__module__ == module.__name__ and not name.startswith("_")
    }


@contextmanager
def unhooked() -> Iterator[None]:
    """The package as users run it: without the shape hook of the test run, inner calls included."""
    jaxtyping.config.update("jaxtyping_disable", True)
    try:
        yield
    finally:
        jaxtyping.config.update("jaxtyping_disable", False)


# --- evaluating a row -----------------------------------------------------------------------------


def present(names: set[str], arguments: dict) -> list[str]:
    """Those that are given: an argument that may be left out is None."""
    return [name for name in names if arguments[name] is not None]


def core_axes(twin: Twin) -> dict[str, int]:
    """Axes of one example, for masks that are broadcast where they have no batch of their own."""
    parameters = inspect.signature(twin.functional).parameters
    dims = {name: getattr(each.annotation, "dim_str", "") for name, each in parameters.items()}
    return {name: len(d.split()) - 1 for name, d in dims.items() if d.startswith("*#batch")}


def examples(twin: Twin, batch: tuple, arguments: dict) -> list[dict]:
    """The arguments of each example of a batch, numbers as Python numbers."""
    core = core_axes(twin)
    split = []
    for index in np.ndindex(batch):
        one = dict(arguments)
        for name in present(twin.batched(), arguments):
            value = np.asarray(arguments[name])
            if name in core:
                value = np.broadcast_to(value, batch + value.shape[value.ndim - core[name] :])
            value = value[index]
            one[name] = value.item() if value.ndim == 0 else value
        split.append(one)
    return split


def as_tuple(result) -> tuple:
    return result if isinstance(result, tuple) else (result,)


def of_reference(twin: Twin, batch: tuple, arguments: dict) -> tuple:
    """The reference on every example, its results stacked."""
    results = [as_tuple(twin.reference(**one)) for one in examples(twin, batch, arguments)]
    return tuple(
        np.stack([np.asarray(each) for each in column]).reshape(batch + np.shape(column[0]))
        for column in zip(*results, strict=True)
    )


def to_torch(twin: Twin, arguments: dict, dtype=DOUBLE, device="cpu") -> dict:
    """Arrays, and numbers that carry the batch, as tensors; functions as their twins."""

    def convert(name, value):
        if isinstance(value, Mapping):
            return {key: convert("", each) for key, each in value.items()}
        if callable(value):
            return twin_of(value)
        if value is not None and (isinstance(value, np.ndarray) or name in twin.batched()):
            tensor = torch.tensor(np.asarray(value))
            return tensor.to(device, dtype if tensor.is_floating_point() else None)
        return value

    converted = {name: convert(name, value) for name, value in arguments.items()}
    own = {"device": torch.device(device), "dtype": dtype}
    return converted | {name: own[name] for name in OWN_PARAMETERS.get(twin.name, ())}


def rounded(arguments: dict, dtype) -> dict:
    """The same arguments with floats as `dtype` can hold them, still float64 arrays."""

    def round_off(value):
        if isinstance(value, Mapping):
            return {key: round_off(each) for key, each in value.items()}
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            return torch.tensor(value).to(dtype).double().numpy()
        return value

    return {name: round_off(value) for name, value in arguments.items()}


def tolerance(twin: Twin, dtype) -> dict:
    rtol, atol = twin.tolerance.get(dtype, TOLERANCE[dtype])
    return {"rtol": rtol, "atol": atol}


# --- the checks -----------------------------------------------------------------------------------


def check_values(twin: Twin, batch: tuple, arguments: dict, dtype=DOUBLE, device="cpu") -> None:
    """The twin on the batch is the reference on each of its examples."""
    arguments = rounded(arguments, dtype)
    expected = of_reference(twin, batch, arguments)
    got = as_tuple(twin.functional(**to_torch(twin, arguments, dtype, device)))
    assert len(got) == len(expected)
    for ours, theirs in zip(got, expected, strict=True):
        assert ours.shape == theirs.shape
        assert ours.device.type == torch.device(device).type
        if theirs.dtype.kind == "f":
            assert ours.dtype == dtype
            ours = ours.double()
        assert_allclose(ours.cpu().numpy(), theirs, **tolerance(twin, dtype))


def check_strides(twin: Twin, arguments: dict, device="cpu") -> None:
    """Tensors that are views into others, with junk between their numbers, give the same."""

    def spread(value):
        if isinstance(value, Mapping):
            return {key: spread(each) for key, each in value.items()}
        if not isinstance(value, torch.Tensor):
            return value
        junk = ~value if value.dtype == torch.bool else value + 100
        view = torch.stack([value, junk], dim=-1)[..., 0]
        if view.ndim > 1:  # and the last two axes stored the other way round
            view = view.mT.contiguous(memory_format=torch.contiguous_format).mT
        return view

    plain = to_torch(twin, arguments, device=device)
    strided = {name: spread(value) for name, value in plain.items()}
    for ours, theirs in zip(
        as_tuple(twin.functional(**strided)), as_tuple(twin.functional(**plain)), strict=True
    ):
        assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


def leaves(twin: Twin, arguments: dict) -> list[tuple]:
    """Where the differentiable numbers are: (argument, key or None)."""
    found = []
    for name in twin.gradient:
        value = arguments[name]
        found += [(name, key) for key in value] if isinstance(value, Mapping) else [(name, None)]
    return found


def replaced(arguments: dict, leaf: tuple, value) -> dict:
    name, key = leaf
    if key is None:
        return arguments | {name: value}
    return arguments | {name: {**arguments[name], key: value}}


def taken(arguments: dict, leaf: tuple):
    name, key = leaf
    return arguments[name] if key is None else arguments[name][key]


def check_gradient(twin: Twin, batch: tuple, arguments: dict, seed: int = 0) -> None:
    """Autograd through the twin is the slope of the reference, by central differences."""
    rng = np.random.default_rng(seed)
    outputs = of_reference(twin, batch, arguments)
    pulls = [rng.normal(size=each.shape) for each in outputs]

    def loss(changed):
        with unhooked():
            results = of_reference(twin, batch, changed)
        return sum((pull * each).sum() for pull, each in zip(pulls, results, strict=True))

    tensors = to_torch(twin, arguments)
    inputs = [taken(tensors, leaf).requires_grad_() for leaf in leaves(twin, arguments)]
    results = as_tuple(twin.functional(**tensors))
    total = sum((torch.tensor(p) * each).sum() for p, each in zip(pulls, results, strict=True))
    gradients = torch.autograd.grad(total, inputs, materialize_grads=True)

    for leaf, gradient in zip(leaves(twin, arguments), gradients, strict=True):
        value = np.asarray(taken(arguments, leaf))
        slope = np.zeros(value.shape)
        for index in np.ndindex(value.shape):
            # two steps of different length, whose leading errors cancel
            differences = []
            for step in (1e-5, 2e-5):  # short, not to step over a kink of relu
                up, down = value.copy(), value.copy()
                up[index] += step
                down[index] -= step
                rise = loss(replaced(arguments, leaf, up)) - loss(replaced(arguments, leaf, down))
                differences.append(rise / (2 * step))
            slope[index] = (4 * differences[0] - differences[1]) / 3
        assert_allclose(
            gradient.numpy(), slope, rtol=1e-5, atol=1e-7, err_msg=f"gradient of {leaf}"
        )


def check_gradient_is_finite(twin: Twin, arguments: dict, dtype=DOUBLE, device="cpu") -> None:
    """However wild the arguments, finite results have finite gradients."""
    tensors = to_torch(twin, arguments, dtype, device)
    inputs = [taken(tensors, leaf).requires_grad_() for leaf in leaves(twin, arguments)]
    results = as_tuple(twin.functional(**tensors))
    for result in results:
        assert torch.isfinite(result).all()
    total = sum(result.double().sum() for result in results)
    for gradient in torch.autograd.grad(total, inputs, materialize_grads=True):
        assert torch.isfinite(gradient).all()


def check_errors(twin: Twin, error, batch: tuple = ()) -> None:
    """Both paths refuse the arguments, with the same exception and the same words."""

    def refused(function, arguments):
        with unhooked(), pytest.raises(error.exception, match=re.escape(error.text)) as caught:
            inspect.unwrap(function)(**arguments)
        assert type(caught.value) is error.exception
        return str(caught.value)

    stacked = dict(error.arguments)
    for name in present(twin.batched(), stacked) if batch else ():
        value = np.asarray(stacked[name])
        stacked[name] = np.broadcast_to(value, batch + value.shape).copy()
    theirs = refused(twin.reference, error.arguments)
    assert refused(twin.functional, to_torch(twin, stacked)) == theirs


def check_inputs_unharmed(twin: Twin, batch: tuple, arguments: dict) -> None:
    """Neither path writes to what it is given."""

    def lock(value):
        if isinstance(value, Mapping):
            return {key: lock(each) for key, each in value.items()}
        if isinstance(value, np.ndarray):
            value = value.copy()
            value.flags.writeable = False
        return value

    kept = {name: lock(value) for name, value in arguments.items()}
    try:
        for one in examples(twin, batch, kept):
            twin.reference(**one)
    except ValueError as error:
        raise AssertionError("the reference writes to its input") from error

    tensors, before = to_torch(twin, arguments), to_torch(twin, arguments)
    twin.functional(**tensors)
    for name, value in tensors.items():
        pairs = (
            [(value[key], before[name][key]) for key in value]
            if isinstance(value, Mapping)
            else [(value, before[name])]
        )
        for after, was in pairs:
            if isinstance(after, torch.Tensor):
                assert after._version == 0, f"the twin writes to {name}"
                assert_close(after, was, rtol=0, atol=0, equal_nan=True)


def check_signature(twin: Twin) -> None:
    """Names, order, kinds and defaults are the reference's."""

    def parts(function):
        return [
            (each.name, each.kind, each.default)
            for each in inspect.signature(function).parameters.values()
        ]

    theirs, ours = parts(twin.reference), parts(twin.functional)
    for name in OWN_PARAMETERS.get(twin.name, ()):
        assert ours.pop()[0] == name
    assert ours == theirs


def check_module(twin: Twin, batch: tuple, arguments: dict) -> None:
    """The module is the reference with the module's own weights."""
    generator = torch.Generator().manual_seed(0)
    module = twin.module.build(arguments, generator).double()
    with torch.no_grad():  # biases start at zero and alike, which would hide a lost one
        for parameter in module.parameters():
            parameter += 0.3 * torch.randn(parameter.shape, generator=generator)
    weights = {name: value.numpy() for name, value in module.state_dict().items()}
    if twin.module.params:
        weights = {twin.module.params: weights}
    arrays = {name for name, value in arguments.items() if isinstance(value, np.ndarray | dict)}
    assert set(weights) == arrays - set(twin.module.inputs)
    expected = of_reference(twin, batch, arguments | weights)
    inputs = to_torch(twin, {name: arguments[name] for name in twin.module.inputs})
    with torch.no_grad():
        got = as_tuple(module(*inputs.values()))
    for ours, theirs in zip(got, expected, strict=True):
        assert_allclose(ours.numpy(), theirs, **tolerance(twin, DOUBLE))


# --- the table is whole ---------------------------------------------------------------------------


def test_every_reference_function_has_a_row():
    functions = {name for room in rooms() for name in public(room, "reference")}
    assert functions == set(TWINS)
    assert {"preliminaries.softmax", "gaussian.filterbank"} <= functions


def test_every_twin_has_a_reference():
    for room in rooms():
        twins = set(public(room, "functional"))
        rows = {name for name in TWINS if name.startswith(f"{room}.")} - TWIN_IS_NO_FUNCTION
        assert twins - set(SECOND_TWINS) - PARTS == rows
        for name in rows:
            assert TWINS[name].functional is public(room, "functional")[name]


@each_twin
def test_row_is_whole(twin):
    raises = "Raises\n    ------" in inspect.getsource(inspect.unwrap(twin.reference))
    assert bool(twin.errors) == raises
    floats = {
        name
        for name, parameter in inspect.signature(twin.functional).parameters.items()
        if "Float" in repr(parameter.annotation) or "Mapping" in repr(parameter.annotation)
    }
    held = set(twin.gradient) | set(twin.surrogate)
    assert floats == held, "every floating-point argument has a gradient to check"
    assert not set(twin.gradient) & set(twin.surrogate)


@each_twin
def test_documented_exceptions_are_those_of_the_row(twin):
    text = inspect.getdoc(twin.reference)
    documented = set(re.findall(r"^(\w+Error)$", text, re.MULTILINE))
    assert documented == {error.exception.__name__ for error in twin.errors}


def test_every_module_stands_for_a_reference():
    classes = {
        name
        for room in rooms()
        for name in public(
            room,
            "modules",
            lambda thing: inspect.isclass(thing) and issubclass(thing, torch.nn.Module),
        )
    }
    camel = {
        f"{room}.{twin.module.name or ''.join(word.title() for word in function.split('_'))}"
        for name, twin in TWINS.items()
        for room, function in [name.split(".")]
        if twin.module
    }
    assert classes == camel | set(NO_REFERENCE)


@each_twin
def test_signature(twin):
    check_signature(twin)


# --- the suite ------------------------------------------------------------------------------------


def drawn_case(twin: Twin, data, wild: bool, batches=BATCHES) -> tuple:
    batch = data.draw(batches) if twin.has_batch else ()
    return batch, twin.cases(data.draw, batch, wild)


@each_twin
@settings(max_examples=25)
@given(data=st.data())
def test_values(twin, data, device):
    check_values(twin, *drawn_case(twin, data, wild=True), device=device)


@each_twin
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
@settings(max_examples=10)
@given(data=st.data())
def test_values_in_low_precision(twin, dtype, data, device):
    if dtype == torch.bfloat16 and twin.reference.__name__ in ONLY_FROM_FLOAT32:
        dtype = torch.float32
    check_values(twin, *drawn_case(twin, data, wild=False), dtype, device)


@each_twin
@settings(max_examples=5)
@given(data=st.data())
def test_strides(twin, data, device):
    _, arguments = drawn_case(twin, data, wild=False)
    check_strides(twin, arguments, device)


differentiable = pytest.mark.parametrize(
    "twin", [pytest.param(twin, id=name) for name, twin in ROWS.items() if twin.gradient]
)


@differentiable
@settings(max_examples=5, phases=[Phase.generate])  # to shrink a case takes minutes here
@given(data=st.data())
def test_gradient(twin, data):
    check_gradient(twin, *drawn_case(twin, data, wild=False, batches=st.sampled_from([(), (2,)])))


@differentiable
@pytest.mark.parametrize("dtype", [DOUBLE, torch.float32], ids=["float64", "float32"])
@settings(max_examples=15)
@given(data=st.data())
def test_gradient_is_finite(twin, dtype, data, device):
    _, arguments = drawn_case(twin, data, wild=True)
    check_gradient_is_finite(twin, arguments, dtype, device)


@each_twin
@settings(max_examples=5)
@given(data=st.data())
def test_inputs_unharmed(twin, data):
    check_inputs_unharmed(twin, *drawn_case(twin, data, wild=True))


@pytest.mark.parametrize(
    ("twin", "error", "batch"),
    [
        pytest.param(twin, error, batch, id=f"{name}-{i}-{'batch' if batch else 'one'}")
        for name, twin in ROWS.items()
        for i, error in enumerate(twin.errors)
        for batch in ([(), (3,)] if error.in_batch else [()])
    ],
)
def test_errors(twin, error, batch):
    check_errors(twin, error, batch)


@pytest.mark.parametrize(
    "twin", [t for t in TWINS.values() if t.module], ids=lambda twin: twin.name
)
@settings(max_examples=10)
@given(data=st.data())
def test_module(twin, data):
    check_module(twin, *drawn_case(twin, data, wild=False))


@each_twin
@settings(max_examples=3, phases=[Phase.generate])
@given(data=st.data())
def test_batch_of_none(twin, data):
    """An empty batch in, an empty batch out."""
    if not twin.has_batch:
        return
    arguments = twin.cases(data.draw, (1,), False)
    full = to_torch(twin, arguments)
    empty = {
        name: value[:0] if value.ndim > core_axes(twin).get(name, 0) else value
        for name, value in full.items()
        if name in present(twin.batched(), full)
    }
    empty = full | empty
    for none, one in zip(
        as_tuple(twin.functional(**empty)), as_tuple(twin.functional(**full)), strict=True
    ):
        assert none.shape == (0, *one.shape[1:])


def test_the_gradient_check_sees_numbers():
    """Central differences of a known slope: the ruler itself, measured once."""
    twin = TWINS["gaussian.attention_map"]
    case = {"row": np.array([2.0, 3.0]), "column": np.array([5.0])}
    check_gradient(twin, (), case)
    leaf = ("row", None)
    assert_array_equal(taken(replaced(case, leaf, np.zeros(2)), leaf), np.zeros(2))
    with pytest.raises(AssertionError, match="gradient of"):
        check_gradient(
            Twin(
                twin.reference,
                lambda row, column: twin.functional(row, column.detach()),
                twin.cases,
                gradient=twin.gradient,
            ),
            (),
            case,
        )
