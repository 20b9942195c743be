"""Checks of counts: parameters by shapes, numbers that are carried, and messages."""

import math
from typing import Any

import numpy as np

from attn_course.exercises.checking import Mutant, Wrong, check


@check()
def smallest_translator(answer: Any, rng: np.random.Generator) -> None:
    """One letter, one word, width 1 and one reader: embeddings 2, reader 12, first state 2, cell 15,
    readout 4, 35 in all, and 3 more with attention."""
    _same(answer.n_parameter(1, 1, 1, 1, False), 35)
    _same(answer.n_parameter(1, 1, 1, 1, True), 38)


@check()
def carried_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """Ten letters, width 4 and two readers: a fixed context of 8 numbers, or ten annotations of 8."""
    got = answer.carried(10, 4, 2)
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise Wrong("carried returns two whole numbers, (fixed, attending).")
    _same(got[0], 8)
    _same(got[1], 80)


@check()
def messages_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """Eight messages need three units of two levels, and nine need four; one message needs none."""
    for n_message, units in ((1, 0), (2, 1), (8, 3), (9, 4)):
        _same(answer.least_width(n_message, 2), units)


@check()
def a_fair_width(answer: Any, rng: np.random.Generator) -> None:
    """With one letter, one word and one reader, width 1 attends with 38 parameters; a fixed context
    of width 1 has 35 and one of width 2 has 101, so width 1 is the fair one."""
    _same(answer.fair_width(1, 1, 1, 1), 1)


def _same(got: Any, want: int) -> None:
    """Raise Wrong unless `got` is the whole number."""
    if not isinstance(got, int | np.integer) or isinstance(got, bool):
        raise Wrong("Return whole numbers, of Python's int.")
    if int(got) != want:
        raise Wrong


def _shapes(
    n_letter: int, n_word: int, w: int, readers: int, attend: bool
) -> dict[str, int]:
    """Sizes of the parts, from the shapes of their weights."""
    a = readers * w
    gru = {d: 3 * w * d + 3 * w * w + 3 * w + 3 * w for d in (w, w + a)}
    return {
        "embeddings": n_letter * w + n_word * w,
        "readers": readers * gru[w],
        "first state": w * a + w,
        "cell": gru[w + a],
        "readout": n_word * (2 * w + a) + n_word,
        "alignment": (w * w + w * a + w) * attend,
    }


def _drawn(rng: np.random.Generator) -> tuple[int, int, int, int]:
    return (
        int(rng.integers(20, 60)),
        int(rng.integers(61, 99)),
        int(rng.integers(8, 70)),
        int(rng.integers(1, 3)),
    )


@check(hidden=True, points=2)
def parameters_of_any_translator(
    answer: Any, rng: np.random.Generator
) -> None:
    """The number of parameters is wrong, with a fixed context already; write down the shape of each array of weights, and of each
    bias, and add up."""
    for readers in (1, 2):
        letters, words, w, _ = _drawn(rng)
        parts = _shapes(letters, words, w, readers, False)
        want, a = sum(parts.values()), readers * w
        got = answer.n_parameter(letters, words, w, readers, False)
        slips = {
            "A GRU has two biases of three blocks each.": 3
            * w
            * (readers + 1),
            "The decoder's cell reads the word and the context.": 3 * w * a,
            "The decoder's first state has a layer of its own.": parts[
                "first state"
            ],
            "The readout reads state, word and context.": words * a,
        }
        if isinstance(got, int):
            for slip_told, slip in slips.items():
                if got == want - slip:
                    raise Wrong(slip_told)
        _same(got, want)


@check(hidden=True, points=2)
def the_alignment_has_a_price(answer: Any, rng: np.random.Generator) -> None:
    """The price of attention is wrong: W, U and v, of which U is as wide as an annotation, and no
    bias."""
    for readers in (1, 2):
        letters, words, w, _ = _drawn(rng)
        with_it = answer.n_parameter(letters, words, w, readers, True)
        without = answer.n_parameter(letters, words, w, readers, False)
        _same(with_it, with_it)
        _same(without, without)
        _same(int(with_it) - int(without), w * (w + readers * w + 1))


@check(hidden=True, points=2)
def nearest_fair_width(answer: Any, rng: np.random.Generator) -> None:
    """A fair width is wrong: of all widths it is the one whose fixed model is nearest in size to the
    attending one."""
    wanted, gots, above, below = [], [], [], []
    for width in (
        1,
        2,
        3,
        *(int(n) for n in rng.permutation(np.arange(8, 90))[:12]),
    ):
        letters, words, _, readers = _drawn(rng)
        aim = sum(_shapes(letters, words, width, readers, True).values())
        sizes = {
            one: sum(_shapes(letters, words, one, readers, False).values())
            for one in range(1, 3 * width + 3)
        }
        wanted.append(min(sizes, key=lambda one: (abs(sizes[one] - aim), one)))
        above.append(min(one for one in sizes if sizes[one] >= aim))
        below.append(max(one for one in sizes if sizes[one] <= aim))
        got = answer.fair_width(letters, words, width, readers)
        _same(got, got)
        gots.append(int(got))
    if gots != wanted:
        if gots == above:
            raise Wrong(
                "This is the first width with at least as many; the one below may be nearer."
            )
        if gots == below:
            raise Wrong(
                "This is the last width with at most as many; the one above may be nearer."
            )
        raise Wrong(
            "A fair width is wrong: of all widths it is the one whose fixed model is nearest in size "
            "to the attending one."
        )


@check(hidden=True)
def numbers_to_be_read(answer: Any, rng: np.random.Generator) -> None:
    """What is carried is wrong: a fixed context is as wide as an annotation, and with attention there
    is an annotation for each letter."""
    for readers in (1, 2):
        n_source, (_, _, width, _) = int(rng.integers(5, 70)), _drawn(rng)
        got = answer.carried(n_source, width, readers)
        if not isinstance(got, tuple | list) or len(got) != 2:
            raise Wrong(
                "carried returns two whole numbers, (fixed, attending)."
            )
        _same(got[0], readers * width)
        _same(got[1], n_source * readers * width)


@check(hidden=True, points=2)
def messages_without_rounding(answer: Any, rng: np.random.Generator) -> None:
    """A least width is wrong: the smallest number of units whose patterns are no fewer than the
    messages, exact for large numbers as well."""
    for n_level in (2, 3, 5, 10, int(rng.integers(6, 9))):
        for units in (1, 5, int(rng.integers(8, 15)), 30):
            least = math.prod([n_level] * units)
            for n_message, want in (
                (least, units),
                (least + 1, units + 1),
                (least - 1, units),
            ):
                if n_message > 1:
                    _same(answer.least_width(n_message, n_level), want)


MUTANTS = {
    "one bias": Mutant(
        old="reading = n_reader * (3 * w * (w + w) + 2 * 3 * w)\n"
        "    writing = a * w + w + 3 * w * (w + a + w) + 2 * 3 * w",
        new="reading = n_reader * (3 * w * (w + w) + 3 * w)\n"
        "    writing = a * w + w + 3 * w * (w + a + w) + 3 * w",
        falls_by="parameters_of_any_translator",
        says="two biases",
    ),
    "a cell without the context": Mutant(
        old="3 * w * (w + a + w)",
        new="3 * w * (w + w)",
        falls_by="parameters_of_any_translator",
        says="the word and the context",
    ),
    "no first state": Mutant(
        old="writing = a * w + w + 3 * w",
        new="writing = 3 * w",
        falls_by="parameters_of_any_translator",
        says="a layer of its own",
    ),
    "a readout of state and word": Mutant(
        old="(w + w + a + 1) * n_target_token",
        new="(w + w + 1) * n_target_token",
        falls_by="parameters_of_any_translator",
        says="state, word and context",
    ),
    "one gate": Mutant(
        old="3 * w * (w + w) + 2 * 3 * w)",
        new="w * (w + w) + 2 * w)",
        falls_by="parameters_of_any_translator",
        says="each array of weights",
    ),
    "an alignment with a bias": Mutant(
        old="w * (w + a + 1) if attention else 0",
        new="w * (w + a + 2) if attention else 0",
        falls_by="the_alignment_has_a_price",
        says="no bias",
    ),
    "keys as wide as a state": Mutant(
        old="w * (w + a + 1) if attention else 0",
        new="w * (w + w + 1) if attention else 0",
        falls_by="the_alignment_has_a_price",
        says="as wide as an annotation",
    ),
    "at least as many": Mutant(
        old="        return abs(n_parameter(*sizes, False) - aim)\n",
        new="        more = n_parameter(*sizes, False) - aim\n"
        "        return more if more >= 0 else 10**12\n",
        falls_by="nearest_fair_width",
        says="the one below may be nearer",
    ),
    "at most as many": Mutant(
        old="        return abs(n_parameter(*sizes, False) - aim)\n",
        new="        less = aim - n_parameter(*sizes, False)\n"
        "        return less if less >= 0 else 10**12\n",
        falls_by="nearest_fair_width",
        says="the one above may be nearer",
    ),
    "as wide as before": Mutant(
        old="return min(range(1, 2 * width + 2), key=off)",
        new="return min([width], key=off)",
        falls_by="nearest_fair_width",
        says="of all widths",
    ),
    "annotations of one reader": Mutant(
        old="fixed = n_reader * width",
        new="fixed = width",
        falls_by="numbers_to_be_read",
        says="as wide as an annotation",
    ),
    "a logarithm": Mutant(
        old="    units, patterns = 0, 1\n"
        "    while patterns < n_message:\n"
        "        units, patterns = units + 1, patterns * n_level\n"
        "    return units",
        new="    import math\n    return math.ceil(math.log(n_message) / math.log(n_level))",
        falls_by="messages_without_rounding",
        says="exact for large numbers",
    ),
    "one unit more than a power": Mutant(
        old="while patterns < n_message:",
        new="while patterns <= n_message:",
        falls_by="messages_without_rounding",
        says="no fewer than the messages",
    ),
}
