"""Time a mechanism beside what one would use instead: ``python -m attn_course.benchmark NAME``.

A mechanism's `bench.py` offers `cases`. This file checks that the arms of a case that claim to
compute the same thing do, times all of them in turns, again and again in one run, and writes
`book/runs/benchmark/NAME-DEVICE-N.json`. Seconds belong to one machine; compare ratios.
"""

import argparse
import importlib
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

PACKAGE = Path(__file__).parent
RUNS = PACKAGE.parent / "book" / "runs" / "benchmark"
LEAST = 2e-3  # seconds that one reading takes at least: a quick call is repeated within it
PRESETS = ("smoke", "book")


@dataclass(frozen=True)
class Arm:
    """One way of computing something.

    Parameters
    ----------
    name : str
        What the table calls it.
    same : str
        Arms of a case with the same word here must give equal outputs and gradients.
    call : callable
        Computes the output.
    leaves : tuple of Tensor
        What the backward pass goes to; where there is none, only the forward pass is run.
    given : tuple of Tensor
        What else the arm is handed, and does not have to store.
    operations, traffic : float
        The floor: additions and multiplications, and bytes that have to be read or written, in
        the least one pass can do with.
    form : callable
        Brings output and gradients into the form in which arms are compared; it is not timed.
    """

    name: str
    same: str
    call: Callable[[], Tensor]
    leaves: tuple[Tensor, ...] = ()
    given: tuple[Tensor, ...] = ()
    operations: float = 0.0
    traffic: float = 0.0
    form: Callable[[tuple[Tensor, ...]], tuple[Tensor, ...]] = tuple

    def __call__(self) -> tuple[Tensor, ...]:
        """Output and gradients of its sum, weighted by the output's own place."""
        out = self.call()
        if not self.leaves:
            return (out,)
        upstream = torch.linspace(-1, 1, out.numel(), device=out.device, dtype=out.dtype)
        return out, *torch.autograd.grad(out, self.leaves, upstream.view_as(out))


Case = tuple[dict[str, int | str], list[Arm]]


def compare(arms: list[Arm]) -> None:
    """Hold every arm against the first of those that claim to do the same.

    Raises
    ------
    AssertionError
        If two of them differ by more than single precision explains.
    """
    first: dict[str, tuple[str, tuple[Tensor, ...]]] = {}
    for arm in arms:
        got = arm.form(arm())
        name, want = first.setdefault(arm.same, (arm.name, got))
        for one, other in zip(got, want, strict=True):
            scale = float(other.detach().abs().max()) + 1e-6
            message = f"{arm.name} must give what {name} gives"
            torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3 * scale, msg=message)


def measure(arms: list[Arm], n_round: int) -> dict[str, dict[str, float]]:
    """Seconds of each arm, the median and the quartiles of `n_round` readings taken in turns."""
    count = {}
    for arm in arms:
        _seconds(arm, 1)  # the first call prepares what later ones find ready
        count[arm.name] = max(1, round(LEAST / _seconds(arm, 1)))
    readings: dict[str, list[float]] = {arm.name: [] for arm in arms}
    for i in range(n_round):
        turn = i % len(arms)
        for arm in arms[turn:] + arms[:turn]:
            readings[arm.name].append(_seconds(arm, count[arm.name]))
    table = {}
    for arm in arms:
        low, middle, high = np.percentile(readings[arm.name], [25, 50, 75])
        table[arm.name] = {"seconds": middle, "low": low, "high": high}
        table[arm.name] |= {"operations": arm.operations, "traffic": arm.traffic, "kept": kept(arm)}
    return table


def _seconds(arm: Arm, count: int) -> float:
    cuda = torch.cuda.is_available()
    if cuda:
        torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(count):
        arm()
    if cuda:
        torch.cuda.synchronize()
    return (time.perf_counter() - start) / count


def kept(arm: Arm) -> int:
    """Bytes that the forward pass lays by for the backward pass, what is given apart."""
    if not arm.leaves:
        return 0
    given = {leaf.untyped_storage().data_ptr() for leaf in (*arm.leaves, *arm.given)}
    saved: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        out = arm.call()  # alive till here, so that no two of its parts share an address
        return sum(size for at, size in saved.items() if at not in given) + 0 * out.numel()


def run(
    cases: Iterator[Case] | list[Case], n_round: int, report: Callable[[], Any] = lambda: None
) -> list[dict[str, Any]]:
    """Check and time all cases: one dictionary for each, its settings and its arms."""
    rows = []
    for settings, arms in cases:
        compare(arms)
        rows.append(settings | {"arms": measure(arms, n_round)})
        report()
    return rows


def ratio(row: dict[str, Any], slow: str, quick: str) -> float:
    """How many times as long one arm of a row takes as another."""
    return row["arms"][slow]["seconds"] / row["arms"][quick]["seconds"]


def read(name: str, device: str = "cpu", n_thread: int = 1, folder: Path = RUNS) -> dict[str, Any]:
    """A record of this file."""
    return json.loads((folder / f"{name}-{device}-{n_thread}.json").read_text(encoding="utf-8"))


def main(argv: list[str] | None = None) -> int:
    """Run the command line; 0 if all went well, 1 with one message if not."""
    known = sorted(file.parent.name for file in PACKAGE.glob("*/bench.py"))
    parser = argparse.ArgumentParser(prog="python -m attn_course.benchmark", description=__doc__)
    parser.add_argument("mechanism", choices=known)
    parser.add_argument("--preset", choices=PRESETS, default="smoke")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--out", type=Path, help="folder of the record")
    args = parser.parse_args(argv)
    if args.device == "cuda" and not torch.cuda.is_available():
        print("error: --device must be cpu where torch sees no GPU, got cuda", file=sys.stderr)
        return 1
    torch.set_num_threads(args.threads)
    bench = importlib.import_module(f"attn_course.{args.mechanism}.bench")
    cases = list(bench.settings(args.preset))
    with tqdm(total=len(cases), unit="case") as bar:
        rows = run((bench.case(one, args.device) for one in cases), args.rounds, bar.update)
    record = {
        "command": f"python -m attn_course.benchmark {args.mechanism} --preset {args.preset} "
        f"--device {args.device} --threads {args.threads} --rounds {args.rounds}",
        "device": torch.cuda.get_device_name()
        if args.device == "cuda"
        else f"cpu ({platform.machine()}), {os.cpu_count()} cores",
        "threads": args.threads,
        "versions": {"python": platform.python_version(), "torch": torch.__version__}
        | bench.versions(),
    }
    if hasattr(bench, "edges"):
        record["edges"] = bench.edges()
    record["rows"] = rows
    folder = args.out or (Path("_build") / "benchmark" if args.preset == "smoke" else RUNS)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{args.mechanism}-{args.device}-{args.threads}.json"
    file.write_text(_lines(record), encoding="utf-8")
    print(f"wrote {file}")
    return 0


def _lines(record: dict[str, Any]) -> str:
    """JSON with one line for each item and each row, numbers to four digits."""
    rounded = json.loads(json.dumps(record), parse_float=lambda text: float(f"{float(text):.4g}"))
    rows = ",\n".join(f"    {json.dumps(row)}" for row in rounded.pop("rows"))
    items = ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in rounded.items())
    return f'{{\n{items},\n  "rows": [\n{rows}\n  ]\n}}\n'


if __name__ == "__main__":
    raise SystemExit(main())
