"""What runs a submission: its cells first, then calls of its functions, in a process of its own.

Started as a script beside `wire.py` and `checking.py`; nothing else of the package is needed, and
nothing here knows what an answer should be. The submission's code shares this process, so whoever
is at the other end of the pipe believes nothing that comes out of it.
"""

import ast
import ctypes
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import inspect
import json
import linecache
import os
import re
import signal
import sys
import time
import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGE = "attn_course"
LEAST = 0.5  # seconds that any cell gets, however long the ones before it took
MAGIC = re.compile(
    r"^([ \t]*)(?:[%!?].*|[^#'\"\n]*\w\?{1,2}[ \t]*|[\w, ]+=[ \t]*[%!].*)$", re.MULTILINE
)
TIMING = re.compile(r"%%(time|timeit|capture|prun)\b")  # cell magics that run the cell's own text


class Masked(Exception):  # noqa: N818 - no fault of the code, only of where it runs
    """Something was used that is not to be used where an exercise is checked."""


class OutOfTime(BaseException):
    """The alarm went off in a cell."""


def refuse(name: str) -> Any:
    """Raise Masked in the name of what was used."""
    raise Masked(f"{name} cannot be used where exercises are checked")


class StandIn:
    """Whatever is asked of a masked module: it has all attributes, and can be used for nothing."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return StandIn(f"{self._name}.{name}")

    def __getitem__(self, item: Any) -> Any:
        return self  # so that `Float[Array, "n"]` may stand in a signature

    def __or__(self, other: Any) -> Any:
        return self

    __ror__ = __or__

    def __instancecheck__(self, instance: Any) -> bool:
        return False

    def __repr__(self) -> str:
        return f"<{self._name}, masked>"


def _refuses(self: StandIn, *args: Any, **kwargs: Any) -> Any:
    refuse(self._name)


USES = (
    "call mro_entries iter len bool contains float int index complex array array_ufunc "
    "array_function add radd sub rsub mul rmul truediv rtruediv floordiv pow rpow matmul rmatmul "
    "mod neg pos abs invert and rand lt le gt ge enter exit setitem delitem round"
)
for _name in USES.split():
    setattr(StandIn, f"__{_name}__", _refuses)


class MaskedModule(types.ModuleType):
    """A module of which everything can be imported and nothing used."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return StandIn(f"{self.__name__}.{name}")


class Mask(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds a stand-in for every module of some packages."""

    def __init__(self, packages: Sequence[str]) -> None:
        self.packages = list(packages)

    def takes(self, name: str) -> bool:
        """Whether a module is of one of the packages."""
        return any(f"{name}.".startswith(f"{one}.") for one in self.packages)

    def find_spec(
        self, fullname: str, path: Any = None, target: Any = None
    ) -> importlib.machinery.ModuleSpec | None:
        """A stand-in, if the module is of one of the packages."""
        if not self.takes(fullname):
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        """A masked module."""
        return MaskedModule(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        """Let `check` be called, to no effect."""
        if module.__name__ == f"{PACKAGE}.exercises":
            vars(module)["check"] = _nothing


def _nothing(*args: Any, **kwargs: Any) -> None:
    return None


class Cells:
    """The submission's code, run cell by cell in one namespace."""

    def __init__(self, tell: Callable[..., None], describe: Callable[..., list[Any]]) -> None:
        self.tell, self.describe = tell, describe
        self.module = types.ModuleType("__main__")
        self.space = vars(self.module)
        self.space["display"] = _nothing
        self.space["get_ipython"] = StandIn("get_ipython")
        self.flags = 0  # of `from __future__ import` in an earlier cell

    def run(self, cells: Sequence[tuple[int, str]], seconds: float | int) -> None:
        """Run cells; each gets half of the time that is left, so that no one starves the rest."""
        end = time.monotonic() + seconds
        for number, source in cells:
            self.tell(["begun", number])
            allowed = max(LEAST, (end - time.monotonic()) / 2)
            code: Any = types.SimpleNamespace(co_filename=f"<cell {number}>")
            try:
                with alarm(allowed):
                    self.one(number, source, code)
            except BaseException as error:
                self.stop(number, error, code)
        self.tell(["done"])

    def stop(self, number: int, error: BaseException, code: Any) -> None:
        """Tell of an error."""
        try:
            told = self.describe(error, code)
            self.tell(["stop", number, *told])
        except BaseException:  # an exception whose own methods fail, say
            self.tell(["stop", number, "Exception", "", None])

    def one(self, number: int, source: str, code: Any) -> None:
        """Run one cell, statement by statement."""
        for node in self.parsed(source, code.co_filename):
            try:
                ready = compile(
                    ast.Module([node], []),
                    code.co_filename,
                    "exec",
                    self.flags | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
                    True,
                )
                self.flags |= ready.co_flags & FUTURE
                execute(ready, self.space)
            except Masked:
                self.stand_in(node)
            except ImportError as error:
                if not isinstance(node, ast.Import | ast.ImportFrom):
                    raise
                self.stop(number, error, code)  # what is imported next may be there
                self.stand_in(node)

    def parsed(self, source: str, filename: str) -> list[ast.stmt]:
        """The statements of a cell, without what only IPython understands."""
        if source.lstrip().startswith("%%"):
            first, _, source = source.lstrip().partition("\n")
            if not TIMING.match(first):
                return []
            source = "\n" + source
        # What shows a function's source, torch.jit.script for one, finds it here.
        linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
        try:
            return ast.parse(source, filename).body
        except SyntaxError:
            return ast.parse(MAGIC.sub(r"\1pass", source), filename).body

    def stand_in(self, node: ast.stmt) -> None:
        """Let the names that a skipped statement would have bound be there, unfit for use."""
        for name in bound(node):
            self.space.setdefault(name, StandIn(name))


FUTURE = 0
for _name in __import__("__future__").all_feature_names:
    FUTURE |= getattr(__import__("__future__"), _name).compiler_flag


def bound(node: ast.stmt) -> Iterator[str]:
    """The names that a statement gives a value."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Import | ast.ImportFrom):
        yield from ((one.asname or one.name).partition(".")[0] for one in node.names)
    else:
        for one in ast.walk(node):
            if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store):
                yield one.id


def execute(code: types.CodeType, space: dict[str, Any]) -> None:
    """Run code, in an event loop if it awaits something."""
    result = eval(code, space)
    if code.co_flags & inspect.CO_COROUTINE:
        importlib.import_module("asyncio").run(result)


@contextmanager
def alarm(seconds: float | int) -> Iterator[None]:
    """Raise OutOfTime in the body after some seconds, and again while it goes on."""
    if not hasattr(signal, "setitimer"):
        yield
        return
    running = True

    def ring(*args: Any) -> None:
        if running:
            raise OutOfTime("the cell took too long")

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        running = False
        signal.setitimer(signal.ITIMER_REAL, 0)


def confine(options: dict[str, Any]) -> None:
    """Give up what rights this process has, and limit what it may use."""
    if options.get("uid"):
        os.setgroups([])
        os.setresgid(*[options["uid"]] * 3)
        os.setresuid(*[options["uid"]] * 3)
        numbers = ctypes.c_uint32
        ctypes.CDLL(None).capset((numbers * 2)(0x20080522, 0), (numbers * 6)())  # the heritable too
    with suppress(ImportError):
        resource = importlib.import_module("resource")
        for name, limit in options.get("limits", {}).items():
            with suppress(AttributeError, ValueError, OSError):
                what = getattr(resource, f"RLIMIT_{name}")
                most = resource.getrlimit(what)[1]
                limit = limit if most == resource.RLIM_INFINITY else min(limit, most)
                resource.setrlimit(what, (limit, limit))


def filter_calls(program: bytes) -> None:
    """Have the kernel refuse system calls to this process, from now on and for good."""

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))

    made = Program(len(program) // 8, program)
    no_new_privileges, seccomp, filtering = 38, 22, 2
    control = ctypes.CDLL(None, use_errno=True).prctl
    if control(no_new_privileges, 1, 0, 0, 0) or control(seccomp, filtering, ctypes.byref(made)):
        raise OSError(ctypes.get_errno(), "system calls could not be filtered")


def channel() -> tuple[BinaryIO, BinaryIO]:
    """Standard input and output for ourselves; what the submission finds there is nothing."""
    incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    os.close(nothing)
    return incoming, outgoing


def load(*names: str) -> list[Any]:
    """Modules of the package from the files beside this one, under their names for the moment."""
    made = []
    package, exercises, typing = (
        types.ModuleType(name) for name in (PACKAGE, f"{PACKAGE}.exercises", f"{PACKAGE}._typing")
    )
    vars(typing)["Array"] = importlib.import_module("numpy").ndarray
    sys.modules |= {one.__name__: one for one in (package, exercises, typing)}
    for name in names:
        full = f"{PACKAGE}.exercises.{name}"
        spec = importlib.util.spec_from_file_location(full, os.path.join(HERE, f"{name}.py"))
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[full] = module
        spec.loader.exec_module(module)
        setattr(exercises, name, module)
        made.append(module)
    for name in [one for one in sys.modules if one.partition(".")[0] == PACKAGE]:
        del sys.modules[name]
    return made


def main(needs: str, options: dict[str, Any]) -> None:
    """Serve until the pipe closes."""
    confine(options)
    if options.get("filter"):
        filter_calls(bytes.fromhex(options["filter"]))
    incoming, outgoing = channel()
    sys.path[:] = [one for one in sys.path if os.path.abspath(one or ".") != HERE]
    sys.path += options.get("paths", [])
    wire, checking = load("wire", "checking")
    mask = Mask([PACKAGE] if needs == "torch" else [PACKAGE, "torch"])
    sys.meta_path.insert(0, mask)
    if needs == "torch":
        importlib.import_module("torch")
    cells = Cells(lambda message: wire.send(outgoing, message), checking.describe)
    sys.modules["__main__"] = cells.module
    sys.argv[:] = [""]
    wire.send(outgoing, ["ready"])
    while len(header := incoming.read(wire.HEADER)) == wire.HEADER:
        message = incoming.read(int.from_bytes(header, "big"))
        asked = wire.decode(message)
        if asked[0] is None:  # [None, cells, seconds, forbidden names]
            forbid(asked[3], mask)
            cells.run(asked[1], asked[2])
            continue
        try:
            data = wire.encode(checking.answer_to(message, cells.space, needs))
            if len(data) > wire.LIMIT:
                data = wire.encode({"error": ["TypeError", "the result is too large", None]})
        except BaseException as error:
            data = wire.encode({"error": [type(error).__name__, "", None]})
        outgoing.write(len(data).to_bytes(wire.HEADER, "big") + data)
        outgoing.flush()
    os._exit(0)


# Operations that do the same work bear other names too: whatever has one of these in its name.
FAMILIES = {
    "scaled_dot_product_attention": ("attention", "transformer_encoder_layer"),
    "grid_sample": ("grid_sampl",),
}
KEYS = (
    "CPU AutogradCPU AutocastCPU ADInplaceOrView Undefined Meta MkldnnCPU QuantizedCPU SparseCPU "
    "SparseCsrCPU NestedTensorCPU AutogradNestedTensor FuncTorchBatched FuncTorchVmapMode "
    "FuncTorchBatchedDecomposition FuncTorchGradWrapper CompositeImplicitAutograd "
    "CompositeImplicitAutogradNestedTensor"
)


def forbid(names: Sequence[str], mask: Mask) -> None:
    """Make operations of torch unusable: for PyTorch's dispatcher, and where Python has them.

    A hurdle and no wall, since the code that meets it runs in the same process.
    """
    parts = [part for name in names for part in FAMILIES.get(name, (name,))]
    if not parts or "torch" not in sys.modules or len(mask.packages) > 1:
        return  # nothing to do, or done
    torch: Any = importlib.import_module("torch")
    known = {one for one in torch._C._dispatch_get_all_op_names() if one.startswith("aten::")}
    library = torch._C._dispatch_library("IMPL", "aten", "", "", 0)
    for full in sorted(one for one in known if any(part in one for part in parts)):
        name = full.removeprefix("aten::")
        for key in KEYS.split():
            with suppress(RuntimeError):  # not every operation takes every key
                library.impl(name, key, refusal(f"torch.{name.partition('.')[0]}"))
    # For good: nothing in Python refers to it any longer, so that nothing can take it back.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(library))
    mask.packages = [*mask.packages, *(f"torch.nn.{part}" for part in parts)]
    for module in [one for name, one in sys.modules.items() if name.partition(".")[0] == "torch"]:
        for name in [one for one in vars(module) if any(part in one for part in parts)]:
            if isinstance(vars(module)[name], types.FunctionType | types.BuiltinFunctionType):
                setattr(module, name, refusal(f"torch.{name}"))
    for name in [one for one in sys.modules if mask.takes(one)]:
        del sys.modules[name]


def refusal(name: str) -> Callable[..., Any]:
    """A function that refuses in the name of another one."""
    return lambda *args, **kwargs: refuse(name)


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
