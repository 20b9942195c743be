"""The one place where arrays become tensors: a loop, its records, and a command line."""

from attn_course.training.loop import evaluate, to_tensors, train
from attn_course.training.record import RUNS, read_arrays, records, run_folder

__all__ = ["RUNS", "evaluate", "read_arrays", "records", "run_folder", "to_tensors", "train"]
