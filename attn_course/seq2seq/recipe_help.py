"""The help of an office suite, to French: ``python -m attn_course.training seq2seq.help``.

The models of `recipe_sentences`, with the lists of words of other sentences: attention, fixed with
the same two readers, forth and reversed with one.
"""

from dataclasses import replace
from typing import Any

from attn_course.seq2seq import recipe_sentences
from attn_course.seq2seq.recipe_sentences import (
    Config,
    batch,
    build,
    examples,
    loss,
    measure,
    predict,
)

__all__ = ["Config", "batch", "build", "examples", "loss", "measure", "predict"]

MECHANISM = "seq2seq.help"
DATA = ("libreoffice-help",)
HELP: dict[str, Any] = {"corpus": "help", "n_update": 1_800}
ARMS: dict[str, dict[str, Any]] = {
    "attention": HELP | {"model": "attention", "width": 192},
    "fixed": HELP | {"model": "fixed", "width": 197},  # as many weights as with attention
    "forth": HELP | {"model": "forth", "width": 223},
    "reversed": HELP | {"model": "reversed", "width": 223},
}
PRESETS = recipe_sentences.PRESETS
PAPER = {"attention": 512, "fixed": 529, "forth": 627, "reversed": 627}  # widths, equal weights


def configure(preset: str, arm: str) -> Config:
    """Settings of an arm at a preset."""
    config = replace(Config(), **ARMS[arm] | PRESETS[preset])
    return replace(config, width=PAPER[config.model]) if preset == "paper" else config
