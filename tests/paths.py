"""The two paths of a room behind one face: NumPy arguments in, NumPy results out, one example.

So one test holds the reference and its torch twin to the same hand-worked numbers. Where torch is
absent only the reference is tested.
"""

import functools
import importlib
import importlib.util
import inspect
from types import ModuleType
from typing import Any, get_args

import numpy as np
import pytest

HAS_TORCH = importlib.util.find_spec("torch") is not None


class Reference:
    """The reference of a room, its functions looked up at each call."""

    def __init__(self, module: ModuleType) -> None:
        self.module = module

    def __getattr__(self, name: str) -> Any:
        return getattr(self.module, name)


def twin_of(function: Any) -> Any:
    """The torch twin of a reference function, or of one with some arguments filled in."""
    if isinstance(function, functools.partial):
        return functools.partial(twin_of(function.func), *function.args, **function.keywords)
    module = importlib.import_module(function.__module__.replace("reference", "functional"))
    return getattr(module, function.__name__)


class Functional(Reference):
    """The torch twins of a room, called with arrays and numbers, in float64."""

    def __getattr__(self, name: str) -> Any:
        import_torch = importlib.import_module("torch")
        function = getattr(self.module, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            bound = inspect.signature(function).bind(*args, **kwargs)
            for key, value in bound.arguments.items():
                if isinstance(value, dict):
                    bound.arguments[key] = {k: import_torch.tensor(v) for k, v in value.items()}
                elif callable(value):
                    bound.arguments[key] = twin_of(value)
                elif value is not None and is_tensor(bound.signature.parameters[key].annotation):
                    array = np.asarray(value)
                    if array.dtype.kind in "iu" and "Float" in repr(
                        bound.signature.parameters[key].annotation
                    ):
                        array = array.astype(float)
                    bound.arguments[key] = import_torch.tensor(array)
            result = function(*bound.args, **bound.kwargs)
            if isinstance(result, tuple):
                return tuple(one.numpy() for one in result)
            return result.numpy()

        return call


def is_tensor(annotation: Any) -> bool:
    """Whether a parameter is annotated as a jaxtyping array or tensor, be it an optional one."""
    return any(hasattr(kind, "dim_str") for kind in (annotation, *get_args(annotation)))


def paths(room: str) -> list[Any]:
    """Pytest parameters: both paths of a room, or the reference alone where torch is absent."""
    reference = importlib.import_module(f"attn_course.{room}.reference")
    both = [pytest.param(Reference(reference), id="reference")]
    if HAS_TORCH:
        functional = importlib.import_module(f"attn_course.{room}.functional")
        both.append(pytest.param(Functional(functional), id="functional"))
    return both
