"""Measure how long grading takes, for the page that tells instructors: book/runs/grading.json.

The submissions are those of the sample class. Run it on a machine that does nothing else.
"""

import json
import os
import platform
import tempfile
import time
from pathlib import Path

from attn_course.exercises import load, names
from attn_course.grading import sample, sandbox
from attn_course.grading.grade import grade_all

RECORD = Path(__file__).resolve().parent.parent / "book" / "runs" / "grading.json"
N_JOBS, N_NUMPY, N_TORCH, QUARTER = 2, 200, 24, 50
LOOP = "greta"


def graded(folder: Path, exercises, n: int, looping: bool = False) -> list[float]:
    """Seconds after the start at which each of n submissions was done."""
    pupils = sample.write_class(folder / "class", exercises, "bench")
    chosen = [one.id for one in pupils if (one.id == LOOP) == looping]
    paths = [folder / "class" / one / "bench" / "bench.ipynb" for one in chosen]
    jobs = [(f"s{k:04}", paths[k % len(paths)]) for k in range(n)]
    start, done = time.monotonic(), []
    for report in grade_all(jobs, exercises, [7], folder / "results", n_jobs=N_JOBS):
        assert not report.failed, report.failed
        done.append(time.monotonic() - start)
    return done


def main() -> None:
    """Grade three classes and write down what it took."""
    wrong = sandbox.available()
    if wrong:
        raise SystemExit(wrong)
    known = [load(name) for name in names()]
    numpy = [one for one in known if one.has_code and one.needs == "numpy" and one.kind == "code"]
    torch = [one for one in known if one.has_code and one.needs == "torch"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first = graded(folder / "numpy", numpy, N_NUMPY)
        second = graded(folder / "torch", torch, N_TORCH)
        third = graded(folder / "loop", numpy, 1, looping=True)
    early, late = first[QUARTER - 1], first[-1] - first[-QUARTER - 1]
    record = {
        "command": "make bench-grading",
        "cpu": f"{platform.machine()}, {os.cpu_count()} cores",
        "n_jobs": N_JOBS,
        "exercises_numpy": [one.name for one in numpy],
        "exercises_torch": [one.name for one in torch],
        "n_growth": N_NUMPY,
        "seconds_numpy": first[-1] / N_NUMPY,
        "seconds_torch": second[-1] / N_TORCH,
        "seconds_loop": third[-1],
        "growth": late / early,
        "hours_thousand": first[-1] / N_NUMPY * 10_000 / 3600,
    }
    RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(RECORD.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
