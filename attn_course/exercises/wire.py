"""Plain data as bytes: all that may pass between a submission and whoever checks it.

Numbers, strings, None, arrays of numbers, and lists, tuples and dictionaries of these. Nothing that
is read here can run code, and a class of the sender's own arrives as the plain array that it holds.
"""

import base64
import json
import math
import re
import sys
from typing import Any

import numpy as np

KINDS = "biufc"  # booleans, integers, floats, complex numbers
WIDEST = 16  # bytes of one number
LIMIT = 2**24  # bytes of one message
HEADER = 4  # bytes that tell a message's length


def encode(value: Any) -> bytes:
    """The value as JSON; TypeError if something in it is not plain data."""
    return json.dumps(_pack(value)).encode()


def decode(data: bytes) -> Any:
    """What was encoded, its arrays read-only for good; ValueError if it is not a message."""
    try:
        return _unpack(json.loads(data))
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(f"not a message: {error}") from None


def send(stream: Any, value: Any) -> None:
    """Write one message: its length in four bytes, then the message."""
    data = encode(value)
    if len(data) > LIMIT:
        raise TypeError(f"{len(data)} bytes are more than can be returned ({LIMIT})")
    stream.write(len(data).to_bytes(HEADER, "big") + data)
    stream.flush()


def _pack(value: Any) -> Any:
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        value = (value.float() if value.dtype == torch.bfloat16 else value).numpy()
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, np.ndarray | np.generic):
        array = np.array(value, subok=False, order="C")
        if array.dtype.kind not in KINDS or array.dtype.itemsize > WIDEST:
            raise TypeError(f"an array of {array.dtype} cannot be returned")
        if math.prod(size or 1 for size in array.shape) > LIMIT:  # empty, and yet to beware of
            raise TypeError(f"an array of shape {array.shape} cannot be returned")
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        data = base64.b64encode(array.tobytes()).decode()
        return {"array": [array.dtype.str, list(array.shape), data]}
    if type(value) is list:
        return [_pack(one) for one in value]
    if type(value) is tuple:
        return {"tuple": [_pack(one) for one in value]}
    if type(value) is dict:
        if any(type(key) is not str for key in value):  # numbers can be chosen to collide
            raise TypeError("a dictionary with keys that are no strings cannot be returned")
        return {"dict": [[key, _pack(one)] for key, one in value.items()]}
    raise TypeError(f"a value of type {type(value).__name__} cannot be returned")


def _unpack(value: Any) -> Any:
    if isinstance(value, list):
        return [_unpack(one) for one in value]
    if not isinstance(value, dict):
        return value
    ((kind, inside),) = value.items()
    if kind == "tuple":
        return tuple(_unpack(one) for one in inside)
    if kind == "dict":
        if any(type(key) is not str for key, _ in inside):
            raise ValueError("a key that is no string")
        return {key: _unpack(one) for key, one in inside}
    if kind == "array":
        name, shape, data = inside
        # Looked at before NumPy does, which would read a type such as "f8,(" as Python.
        if not re.fullmatch(rf"[<|][{KINDS}]\d\d?", name) or np.dtype(name).itemsize > WIDEST:
            raise ValueError("array of another kind")
        if not all(type(size) is int and size >= 0 for size in shape):
            raise ValueError("array of no shape")
        if math.prod(size or 1 for size in shape) > LIMIT:
            raise ValueError("array of too great a shape")
        dtype = np.dtype(name)
        # A view of bytes: nobody can make it writeable.
        array = np.frombuffer(base64.b64decode(data, validate=True), dtype).reshape(shape)
        return array if array.ndim else array[()]
    raise ValueError("unknown tag")
