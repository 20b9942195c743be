"""Train: ``python -m attn_course.training gaussian --preset smoke --seed 0``."""

import argparse
import importlib
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import torch
from torch import distributed
from tqdm.auto import tqdm

from attn_course.data import DataError
from attn_course.training import record
from attn_course.training.loop import ResumeError, evaluate, train

PRESETS = ("smoke", "book", "paper")


def main(argv: list[str] | None = None) -> int:
    """Run the command line; 0 if all went well, 1 with one message if not."""
    args = _parser().parse_args(argv)
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C
    try:
        recipe = _recipe(args.mechanism)
        settings = dict(_setting(text) for text in args.set)
        arms = list(recipe.ARMS) if args.arms == "all" else args.arms.split(",")
        if arms == [""]:
            arms = [next(iter(recipe.ARMS))]
        seeds = [int(seed) for seed in args.seeds.split(",")] if args.seeds else [args.seed]
        for arm in arms:
            record.configure(recipe, args.preset, arm, settings)
        if len(arms) * len(seeds) > 1:
            return _sweep(args, arms, seeds)
        _run(args, recipe, arms[0], seeds[0], settings)
    except (ValueError, DataError, ResumeError, FloatingPointError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on from the last saved state", file=sys.stderr)
        return 130
    finally:
        signal.signal(signal.SIGTERM, before)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m attn_course.training", description=__doc__)
    parser.add_argument("mechanism", help="a chapter's word, such as gaussian")
    parser.add_argument("--preset", choices=PRESETS, default="smoke")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seeds", default="", help="several, with commas: a sweep")
    parser.add_argument("--arms", default="", help="one or several with commas, or all")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--out", type=Path, help="folder of the records")
    parser.add_argument("--weights", action="store_true", help="keep the weights in the record")
    return parser


def _recipe(mechanism: str) -> ModuleType:
    # gaussian/recipe.py goes by the name gaussian, gaussian/recipe_NAME.py by gaussian.NAME.
    files = sorted(Path(record.PACKAGE).glob("*/recipe*.py"))
    known = {(f.parent.name + f.stem[len("recipe") :].replace("_", ".", 1)): f for f in files}
    if mechanism not in known:
        raise ValueError(f"mechanism must be one of {', '.join(known)}, got {mechanism}")
    file = known[mechanism]
    return importlib.import_module(f"attn_course.{file.parent.name}.{file.stem}")


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"--set must be NAME=VALUE, got {text}")
    return name.strip(), value.strip()


def _out(args: argparse.Namespace) -> Path:
    # Smoke runs and runs with changed settings are nobody's results.
    if args.out:
        return args.out
    tried = args.preset == "smoke" or args.set
    return Path("_build") / "runs" if tried else record.RUNS


def _run(
    args: argparse.Namespace, recipe: ModuleType, arm: str, seed: int, settings: dict[str, str]
) -> None:
    config = record.configure(recipe, args.preset, arm, settings)
    folder = record.run_folder(_out(args), args.mechanism, arm, args.preset, seed)
    if "RANK" in os.environ:  # started by torchrun
        distributed.init_process_group("nccl" if args.device == "cuda" else "gloo")
    first = int(os.environ.get("RANK", "0")) == 0
    if args.device == "cuda":
        if not torch.cuda.is_available():
            raise ValueError("--device must be cpu where torch sees no GPU, got cuda")
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    if args.device == "cpu":
        torch.set_num_threads(1)  # these models are small: more threads are slower
    state_file = folder / "state.pt"
    if first and state_file.exists():
        print(f"going on from the state saved in {folder}", flush=True)
    start = time.monotonic()
    with tqdm(total=config.n_update, disable=None if first else True, unit="update") as bar:

        def report(update: int, loss: float) -> None:
            bar.update(update - bar.n)
            bar.set_postfix(loss=f"{loss:.3f}", refresh=False)

        model, curve = train(recipe, config, seed, args.device, state_file, report)
    if first:
        seconds = time.monotonic() - start
        final, predicted = evaluate(recipe, config, model, args.preset == "smoke", args.device)
        check, _ = evaluate(recipe, config, model, True, args.device)
        weights = None
        if args.weights:
            weights = {k: v.cpu().numpy() for k, v in model.state_dict().items()}
        settings_said = "".join(f" --set {shlex.quote(text)}" for text in args.set)
        command = f"python -m attn_course.training {args.mechanism} --arms {arm}"
        command += f" --preset {args.preset} --seed {seed}{settings_said}"
        command += " --weights" if args.weights else ""
        record.write(
            folder, command, recipe, arm, args.preset, seed, config, args.device, seconds,
            sum(p.numel() for p in model.parameters()), curve, final, check, predicted, weights,
        )  # fmt: skip
        state_file.unlink(missing_ok=True)
        numbers = {k: round(v, 4) for k, v in final.items() if isinstance(v, float)}
        print(f"{arm} seed {seed}: {numbers} in {seconds:.0f} s; record in {folder}", flush=True)
    if distributed.is_initialized():
        distributed.destroy_process_group()


def _sweep(args: argparse.Namespace, arms: list[str], seeds: list[int]) -> int:
    """Run what is missing of arms × seeds, a process to a core; say what is left."""
    jobs = [(arm, seed) for seed in seeds for arm in arms]
    out = _out(args)
    folders = {
        job: record.run_folder(out, args.mechanism, job[0], args.preset, job[1]) for job in jobs
    }
    todo = [job for job in jobs if not (folders[job] / "run.json").exists()]
    print(f"{len(jobs) - len(todo)} of {len(jobs)} runs are there, {len(todo)} left", flush=True)
    n_worker = (
        1
        if args.device == "cuda"
        else len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count() or 1
    )
    running: dict[subprocess.Popen, tuple[str, int]] = {}
    failed = []
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    try:
        while todo or running:
            while todo and len(running) < n_worker:
                arm, seed = todo.pop(0)
                command = [sys.executable, "-m", "attn_course.training", args.mechanism]
                command += ["--arms", arm, "--seed", str(seed), "--preset", args.preset]
                command += ["--device", args.device, "--out", str(out)]
                command += [word for text in args.set for word in ("--set", text)]
                if args.weights and seed == seeds[0]:
                    command.append("--weights")
                running[subprocess.Popen(command, env=environment)] = (arm, seed)
            time.sleep(0.2)
            for process in [p for p in running if p.poll() is not None]:
                job = running.pop(process)
                if process.returncode:
                    failed.append(job)
                print(f"{len(todo) + len(running)} runs left", flush=True)
    finally:
        for process in running:
            process.terminate()
    for arm, seed in failed:
        print(f"failed: {arm} seed {seed}; run it alone to see why", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
