"""Checks of perplexities: what is averaged, who pays for UNKNOWN, and what is drawn together."""

from collections.abc import Callable
from typing import Any

import numpy as np

from attn_course._typing import Array
from attn_course.exercises.checking import (
    Mutant,
    StudentError,
    Wrong,
    check,
    close,
    diagnose,
    distinct,
)

BITS = np.array([[1.0, 1.0, 1.0], [5.0, np.nan, np.nan]])
TOLD = np.array([[True, True, True], [True, False, False]])
HIDDEN = np.array([[False, True, False], [False, False, True]])
LETTERS = np.array([[4, 3, 0], [9, 5, 5]])


@check()
def eight_bits_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """Three tokens of one window cost 1 bit each and the only one of another 5 bits: that is 2 bits a
    token and a perplexity of 4. With certainty everywhere it is 1."""
    close(answer.perplexity(BITS * np.log(2), TOLD), 4.0)
    close(answer.perplexity(0 * BITS, TOLD), 1.0)


@check()
def twelve_bits_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """One of four tokens is UNKNOWN and stands for 16 words, which costs 4 bits more: 12 bits in all, 3 a
    token, and a perplexity of 8. With one word behind UNKNOWN it stays 4."""
    close(answer.spelled_out(BITS * np.log(2), TOLD, HIDDEN, 16), 8.0)
    close(answer.spelled_out(BITS * np.log(2), TOLD, HIDDEN, 1), 4.0)


@check()
def sixteen_characters_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """The tokens cost 8 bits and have 4 + 3 + 0 + 9 = 16 characters: half a bit for each."""
    close(answer.bits_per_character(BITS * np.log(2), TOLD, LETTERS), 0.5)


@check()
def eight_words_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """Four types occur 4, 2, 1 and 1 times. Who knows all has 3.364 twice, who knows one has 2 and 3.464,
    and who knows none has 1 and 4."""
    count = np.array([1, 4, 1, 2])
    close(answer.without_context(count, 4), [2**1.75, 2**1.75])
    close(answer.without_context(count, 1), [2.0, 2 * 3**0.5])
    close(answer.without_context(count, 0), [1.0, 4.0])


@check()
def three_texts_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """In chapter 0 one model pays a bit less for each of three tokens, in chapter 1 a bit more for its
    only one. Of the drawn texts the first has both: the ratio is 2 to the power of -1/2. The second has
    chapter 0 twice, 1/2, and the third chapter 1 twice, 2. The bounds are 0.5104 and 1.9354."""
    less = np.array([[1.0, 1.0, 1.0], [-1.0, np.nan, np.nan]])
    one, other = 3 - less, 0 * less + 3
    draw = np.array([[0, 1], [0, 0], [1, 1]])
    got = answer.paired_interval(
        one * np.log(2), other * np.log(2), TOLD, np.array([0, 1]), draw
    )
    middle = 0.5**0.5
    close(got, [0.5 + 0.05 * (middle - 0.5), 2 - 0.05 * (2 - middle)])


# --- what the hidden checks share -----------------------------------------------------------------


def _mask(rng: np.random.Generator, n_window: int, n_token: int) -> Array:
    """Tokens that count: in every window at least one, and in all of them together a few do not."""
    n_told = rng.permutation(np.arange(n_window) % (n_token - 2)) + 1
    return rng.random((n_window, n_token)).argsort(axis=1) < n_told[:, None]


def _row(rng: np.random.Generator) -> tuple[Array, Array]:
    """Surprises of a single window, and which of them count."""
    nats = rng.uniform(0.2, 7, (1, 14))
    return nats, rng.permutation(14)[None] < 9


def _refused(ask: Callable[[], Any], otherwise: str) -> None:
    """See that a question gets a ValueError."""
    try:
        ask()
    except StudentError as error:
        if error.kind != "ValueError":
            raise
    else:
        raise Wrong(otherwise)


# --- hidden ---------------------------------------------------------------------------------------


@check(hidden=True, points=2)
def pooled_over_tokens(answer: Any, rng: np.random.Generator) -> None:
    """Add up the surprises of all tokens that count, divide by their number, and take exp of that."""
    for _ in range(3):
        while True:
            mask = _mask(rng, 7, 9)
            mask[rng.integers(7)] = False
            nats = rng.uniform(0.2, 7, mask.shape)
            nats[rng.random(mask.shape) < 0.1] = 0.0
            rows = [
                row[kept].mean()
                for row, kept in zip(nats, mask, strict=True)
                if kept.any()
            ]
            mean = nats[mask].mean()
            mistakes = _pooling(nats, mask, np.array(rows), mean)
            if distinct(np.exp(mean), mistakes, rtol=1e-3):
                break
        diagnose(answer.perplexity(nats, mask), float(np.exp(mean)), mistakes)


def _pooling(
    nats: Array, mask: Array, rows: Array, mean: float
) -> dict[str, float]:
    """What usual mistakes with the mean lead to."""
    return {
        "This is the mean of the windows' perplexities; there is one perplexity, of all tokens "
        "together.": np.exp(rows).mean(),
        "Here each window weighs the same; each token should, and windows differ in how many of them "
        "count.": np.exp(rows.mean()),
        "The mean is one of surprises, and exp comes after it; this is the mean of 1/p.": np.exp(
            nats[mask]
        ).mean(),
        "Tokens that do not count were averaged with the others.": np.exp(
            nats.mean()
        ),
        "Divide by the number of tokens that count, and not of all places.": np.exp(
            nats[mask].sum() / mask.size
        ),
        "The mask is turned: True means that a token counts.": np.exp(
            nats[~mask].mean()
        ),
        "The surprises are in nats: the base is e and not 2.": 2**mean,
        "This is the mean surprise; its exp is asked for.": mean,
        "This is the geometric mean of the probabilities; the perplexity is one over it.": np.exp(
            -mean
        ),
        "A token that costs nothing counts like any other.": np.exp(
            nats[mask & (nats > 0)].mean()
        )
        if (nats[mask] == 0).any()
        else 0.0,
    }


@check(hidden=True)
def a_word_held_impossible(answer: Any, rng: np.random.Generator) -> None:
    """Who gave probability zero to a word that came has an infinite perplexity: it must not be dropped, or
    made finite."""
    for _ in range(2):
        nats, mask = _row(rng)
        nats[0, rng.choice(np.flatnonzero(mask[0]))] = np.inf
        close(answer.perplexity(nats, mask), np.inf)


@check(hidden=True, points=2)
def a_share_of_unknown(answer: Any, rng: np.random.Generator) -> None:
    """Each UNKNOWN that counts costs ln n_hidden nats more, any other token what it did cost; then take
    the perplexity of all that count."""
    for _ in range(3):
        while True:
            nats, mask = _row(rng)
            unknown = rng.permutation(14)[None] < 5
            n = int(rng.integers(20, 9000))
            both, paid, plain = mask & unknown, nats[mask], nats[mask].mean()
            charge, share = np.log(n), both.sum() / mask.sum()
            want = float(np.exp(plain + share * charge))
            mistakes = {
                "UNKNOWN costs here what it did before; which of its words was it?": np.exp(
                    plain
                ),
                "Smaller probabilities are larger surprises: the logarithm has to be added.": np.exp(
                    plain - share * charge
                ),
                "Charge UNKNOWN alone; here every token pays.": np.exp(plain)
                * n,
                "The probability of UNKNOWN itself is still to be paid; charge what comes on top of "
                "it.": np.exp(
                    (nats[mask & ~unknown].sum() + both.sum() * charge)
                    / len(paid)
                ),
                "The charge is in nats as the surprises are, and not in bits.": np.exp(
                    plain + share * np.log2(n)
                ),
                "The charge is the logarithm of n_hidden, since surprises are logarithms.": np.exp(
                    plain + share * n
                )
                if share * n < 600
                else np.inf,
                "UNKNOWN was left out of the count; it is to be paid for.": np.exp(
                    nats[mask & ~unknown].mean()
                ),
                "UNKNOWN's share was taken among all places; take it among those that count alone.": np.exp(
                    plain + unknown.mean() * charge
                ),
                "The known words were charged, and UNKNOWN was not.": np.exp(
                    plain + (1 - share) * charge
                ),
            }
            if 0 < share < 1 and distinct(want, mistakes, rtol=1e-3):
                break
        diagnose(answer.spelled_out(nats, mask, unknown, n), want, mistakes)


@check(hidden=True)
def nothing_is_hidden(answer: Any, rng: np.random.Generator) -> None:
    """Where n_hidden is 0 no token that counts is UNKNOWN, and nothing is charged: the perplexity is the
    plain one."""
    for _ in range(2):
        nats, mask = _row(rng)
        unknown = ~mask & (rng.random(mask.shape) < 0.6)
        got = answer.spelled_out(nats, mask, unknown, 0)
        close(got, float(np.exp(nats[mask].mean())))


@check(hidden=True, points=2)
def bits_by_letters(answer: Any, rng: np.random.Generator) -> None:
    """Divide all that is paid, in bits, by all characters of the tokens that count."""
    for _ in range(3):
        while True:
            mask = _mask(rng, 6, 8)
            nats = rng.uniform(0.2, 7, mask.shape)
            size = rng.integers(1, 12, mask.shape)
            some = rng.random(mask.shape) < 0.8
            some[np.arange(6), mask.argmax(axis=1)] = True
            size[~some] = 0
            total, n = nats[mask].sum(), size[mask].sum()
            rows = (nats * mask).sum(axis=1) / (size * mask).sum(axis=1)
            each = nats[mask & some] / size[mask & some]
            want = float(total / n / np.log(2))
            mistakes = {
                "These are nats; a bit is ln 2 of a nat, so there are more bits than nats.": total
                / n,
                "From nats to bits one divides by ln 2.": total
                / n
                * np.log(2),
                "The tokens' bits per character are averaged here; divide a sum by a sum.": each.mean()
                / np.log(2),
                "The windows' bits per character are averaged here; divide a sum by a sum.": rows.mean()
                / np.log(2),
                "Characters of tokens that do not count were counted.": total
                / size.sum()
                / np.log(2),
                "A token without characters costs something, too, and it is to be paid.": nats[
                    mask & some
                ].sum()
                / n
                / np.log(2),
                "These are bits for a token; divide by the characters.": nats[
                    mask
                ].mean()
                / np.log(2),
                "These are characters for a bit; turn it round.": 1 / want,
            }
            if (mask & ~some).any() and distinct(want, mistakes, rtol=1e-3):
                break
        diagnose(answer.bits_per_character(nats, mask, size), want, mistakes)


@check(hidden=True)
def nothing_to_divide_by(answer: Any, rng: np.random.Generator) -> None:
    """Without a token that counts there is no perplexity, and without a character no bits for one: raise
    ValueError."""
    nats, mask = _row(rng)
    nobody = np.zeros_like(mask)
    _refused(
        lambda: answer.perplexity(nats, nobody),
        "A model that was asked nothing has not earned a perplexity; raise ValueError.",
    )
    _refused(
        lambda: answer.spelled_out(nats, nobody, mask, 12),
        "A model that was asked nothing has none spelled out either; raise ValueError.",
    )
    none = "Where the tokens that count have no characters, raise ValueError."
    _refused(lambda: answer.bits_per_character(nats, mask, 5 * ~mask), none)
    _refused(lambda: answer.bits_per_character(nats, nobody, 5 * mask), none)


@check(hidden=True, points=2)
def a_vocabulary_of_some(answer: Any, rng: np.random.Generator) -> None:
    """The most frequent types keep their share of the text, UNKNOWN has what is left; spelled out, each
    UNKNOWN is one of as many types as are hidden."""
    for _ in range(3):
        while True:
            n_type = int(rng.integers(9, 15))
            n_kept = int(rng.integers(3, n_type - 4))
            count = rng.choice(np.arange(1, 90), n_type, replace=False)
            down = np.sort(count)[::-1]
            want = _known(down, n_kept)
            # UNKNOWN's probability is left to nobody, or the others share it.
            kept = down[:n_kept] / down.sum()
            alone, toll = kept / kept.sum(), want[1] / want[0]
            mute = -np.sum(alone * np.log(kept))
            mistakes = {
                "Known are the types that occur most often, not those that occur least.": _known(
                    down[::-1], n_kept
                ),
                "The counts come in any order; known are the largest, not the first.": _known(
                    count, n_kept
                ),
                "UNKNOWN hides types; n_hidden is their number, and not that of their tokens.": [
                    want[0],
                    want[0]
                    * down[n_kept:].sum()
                    ** (down[n_kept:].sum() / down.sum()),
                ],
                "UNKNOWN stands for the types that are hidden, and not for all of them.": [
                    want[0],
                    want[0] * n_type ** (down[n_kept:].sum() / down.sum()),
                ],
                "UNKNOWN is a token of the text and has a surprise of its own.": [
                    np.exp(mute),
                    np.exp(mute) * toll,
                ],
                "UNKNOWN's tokens were taken out of the text; they stay, under their new name.": [
                    np.exp(-np.sum(alone * np.log(alone))),
                    np.exp(-np.sum(alone * np.log(alone))) * toll,
                ],
                "A type counts as often as it occurs: weigh the surprises by their share.": _flat(
                    down, n_kept
                ),
                "Spelled out each hidden type has an even share, and not the one that it has in the "
                "text.": [want[0], _known(down, n_type)[0]],
                "First comes the plain perplexity, then the one spelled out.": want[
                    ::-1
                ],
            }
            if distinct(want, mistakes, rtol=1e-3):
                break
        diagnose(answer.without_context(count, n_kept), want, mistakes)


def _known(ranked: Array, n_kept: int) -> Array:
    """Both perplexities where the first types are known, which are some but not all of them."""
    rest = ranked[n_kept:].sum() / ranked.sum()
    share = np.array([*ranked[:n_kept] / ranked.sum(), rest])
    share = share[share > 0]
    plain = np.prod((1 / share) ** share)
    return np.array([plain, plain * max(1, len(ranked) - n_kept) ** rest])


def _flat(ranked: Array, n_kept: int) -> Array:
    """Both perplexities if each entry of the vocabulary had one token."""
    rest = ranked[n_kept:].sum()
    nats = -np.log(np.array([*ranked[:n_kept], rest]) / ranked.sum())
    toll = np.log(len(ranked) - n_kept) / (n_kept + 1)
    return np.exp(nats.mean() + np.array([0, toll]))


@check(hidden=True)
def a_vocabulary_of_one_word(answer: Any, rng: np.random.Generator) -> None:
    """Who knows no type has UNKNOWN alone and is never surprised: a perplexity of 1, and spelled out the
    number of types."""
    for _ in range(2):
        n_type = int(rng.integers(5, 40))
        count = rng.integers(1, 60, n_type)
        close(answer.without_context(count, 0), [1.0, float(n_type)])


@check(hidden=True)
def a_vocabulary_of_all(answer: Any, rng: np.random.Generator) -> None:
    """Who knows all types never says UNKNOWN, which has no share and no cost: both numbers are the
    same, and neither is NaN."""
    for n_type in (int(rng.integers(5, 40)), 1):
        count = rng.integers(1, 60, n_type)
        want = _known(count, n_type)
        close(answer.without_context(count, n_type), want)


@check(hidden=True, points=3)
def chapters_stay_whole(answer: Any, rng: np.random.Generator) -> None:
    """Of each drawn text add up the differences in surprise and the tokens that count, chapter by chapter
    as often as it was drawn; the ratio is exp of their quotient, and the bounds are percentiles of the
    ratios."""
    for n_chapter, n_draw in ((6, 25), (8, 33)):
        while True:
            chapter = rng.permutation(np.arange(3 * n_chapter) % n_chapter)
            mask = _mask(rng, len(chapter), 7)
            mask[np.flatnonzero(chapter == 0)[1:]] = False
            luck = rng.normal(0, 1, n_chapter)[chapter][:, None]
            one = np.abs(rng.normal(5, 1, mask.shape) + luck)
            other = np.abs(rng.normal(5, 1, mask.shape) - luck)
            draw = rng.choice(n_chapter, (n_draw, n_chapter))
            ratio = _ratios(one, other, mask, chapter, draw)
            want = np.percentile(ratio, [2.5, 97.5])
            mistakes = _drawing(one, other, mask, chapter, draw)
            if distinct(want, mistakes, rtol=1e-3):
                break
        got = answer.paired_interval(one, other, mask, chapter, draw)
        diagnose(got, want, mistakes)


def _ratios(
    one: Array, other: Array, mask: Array, chapter: Array, draw: Array
) -> Array:
    """The ratio on each drawn text, put together token by token."""
    parts = [
        (one - other)[chapter == c][mask[chapter == c]]
        for c in range(draw.max() + 1)
    ]
    texts = [np.concatenate([parts[c] for c in row]) for row in draw]
    return np.exp([text.mean() for text in texts])


def _drawing(
    one: Array, other: Array, mask: Array, chapter: Array, draw: Array
) -> dict[str, Array]:
    """What usual mistakes with drawn chapters lead to."""
    ratio = _ratios(one, other, mask, chapter, draw)
    gap = np.where(mask, one - other, 0.0)
    n_chapter, ends = draw.shape[1], [2.5, 97.5]
    lead = np.bincount(chapter, gap.sum(axis=1))
    size = np.bincount(chapter, mask.sum(axis=1))
    once = np.array(
        [np.bincount(row, minlength=n_chapter) > 0 for row in draw]
    )
    # As if the windows of a chapter stood together, in the order of the chapters.
    split = np.array_split(np.arange(len(chapter)), n_chapter)
    block = np.empty_like(chapter)
    for c, places in enumerate(split):
        block[places] = c
    zero = np.zeros_like(one)
    alone = [
        np.percentile(_ratios(model, zero, mask, chapter, draw), ends)
        for model in (one, other)
    ]
    every = one - other
    return {
        "The ratio is turned: the first model's perplexity is divided by the second's.": np.percentile(
            1 / ratio, ends
        ),
        "These are differences in nats; the ratio is exp of them.": np.percentile(
            np.log(ratio), ends
        ),
        "Take the percentiles of the ratios, and not exp of percentiles of their logarithms.": np.exp(
            np.percentile(np.log(ratio), ends)
        ),
        "The bounds are at 2.5 and 97.5 percent: 95 percent lie between them.": np.percentile(
            ratio, [5, 95]
        ),
        "The bounds are percentiles, and np.percentile wants percent.": np.percentile(
            ratio, [0.025, 0.975]
        ),
        "A drawn text holds whole chapters; here the drawn numbers were taken for windows.": np.percentile(
            np.exp(
                gap[draw].sum(axis=(1, 2))
                / mask[draw].sum(axis=(1, 2)).clip(1)
            ),
            ends,
        ),
        "Here each chapter weighs the same; each token should, and long chapters have more of them.": (
            np.percentile(np.exp((lead / size)[draw].mean(axis=1)), ends)
        ),
        "This is a mean of the chapters' ratios; a drawn text has one ratio, of all its tokens.": (
            np.percentile(np.exp(lead / size)[draw].mean(axis=1), ends)
        ),
        "A chapter that was drawn twice is in the text twice.": np.percentile(
            np.exp((once @ lead) / (once @ size)), ends
        ),
        "The windows of a chapter may stand anywhere; go by their numbers.": np.percentile(
            np.exp(
                np.bincount(block, gap.sum(axis=1))[draw].sum(axis=1)
                / np.bincount(block, mask.sum(axis=1))[draw].sum(axis=1)
            ),
            ends,
        ),
        "Each model has an interval of its own here; take the ratio on each drawn text, then the "
        "bounds.": alone[0] / alone[1],
        "Both models are tested on the same drawn text; divide text by text, not the far ends.": (
            alone[0] / alone[1][::-1]
        ),
        "Tokens that do not count are in the differences, or in their number.": np.percentile(
            np.exp(
                np.bincount(chapter, every.sum(axis=1))[draw].sum(axis=1)
                / (np.bincount(chapter)[draw].sum(axis=1) * one.shape[1])
            ),
            ends,
        ),
        "Divide by the tokens that count, and not by all places of the windows.": np.percentile(
            np.exp(
                lead[draw].sum(axis=1)
                / (np.bincount(chapter)[draw].sum(axis=1) * one.shape[1])
            ),
            ends,
        ),
        "The draws were not used: each drawn text has a ratio of its own.": np.full(
            2, np.exp(gap.sum() / mask.sum())
        ),
    }


@check(hidden=True)
def junk_that_reaches_nothing(answer: Any, rng: np.random.Generator) -> None:
    """What stands where a token does not count, be it NaN, infinite or a huge number, reaches no result."""
    for junk in (np.nan, np.inf, -np.inf, 1e300):
        nats, mask = _row(rng)
        noise = np.where(mask, nats, junk)
        unknown = ~mask | (rng.random(mask.shape) < 0.3)
        size = rng.integers(1, 9, mask.shape)
        want = float(np.exp(nats[mask].mean()))
        close(answer.perplexity(noise, mask), want)
        # What else may be wrong with these is told above.
        for ask, rest in (
            (answer.spelled_out, (mask, unknown, 99)),
            (answer.bits_per_character, (mask, size)),
            (
                answer.paired_interval,
                (nats[:, ::-1], mask, np.array([0]), np.array([[0], [0]])),
            ),
        ):
            close(ask(noise, *rest), ask(nats, *rest))


@check(hidden=True)
def digits_that_a_record_lost(answer: Any, rng: np.random.Generator) -> None:
    """Surprises may come in half precision, which has three digits; turn them into float64 before anything
    is added, subtracted or averaged."""
    nats, mask = _row(rng)
    half = nats.astype(np.float16)
    wide = half.astype(float)
    unknown = mask & (rng.random(mask.shape) < 0.4)
    size = rng.integers(1, 9, mask.shape)
    close(answer.perplexity(half, mask), float(np.exp(wide[mask].mean())))
    close(
        answer.spelled_out(half, mask, unknown, 512),
        answer.spelled_out(wide, mask, unknown, 512),
    )
    close(
        answer.bits_per_character(half, mask, size),
        answer.bits_per_character(wide, mask, size),
    )
    mate = rng.uniform(0.2, 7, mask.shape).astype(np.float16)
    place = mask, np.array([0]), np.array([[0], [0]])
    close(
        answer.paired_interval(half, mate, *place),
        answer.paired_interval(wide, mate.astype(float), *place),
    )


MEAN = "    return float(np.exp(paid.mean()))"
KEPT = (
    "paid = np.asarray(surprise, dtype=float)[counted]\n    if not paid.size"
)
RATIO = "np.exp(lead[draw].sum(axis=1) / size[draw].sum(axis=1))"
ENDS = "return np.percentile(ratio, [2.5, 97.5])"
ROWS = "    rows = [np.mean(r[m]) for r, m in zip(surprise, counted) if m.any()]\n"
MUTANTS = {
    "mean of windows' perplexities": Mutant(
        old=MEAN,
        new=ROWS + "    return float(np.mean(np.exp(rows)))",
        falls_by="pooled_over_tokens",
        says="there is one perplexity",
    ),
    "windows weigh the same": Mutant(
        old=MEAN,
        new="    rows = [np.mean(r[m], dtype=float) for r, m in zip(surprise, counted)"
        " if m.any()]\n    return float(np.exp(np.mean(rows)))",
        falls_by="pooled_over_tokens",
        says="each token should",
    ),
    "mean of one over p": Mutant(
        old="np.exp(paid.mean())",
        new="np.exp(paid).mean()",
        falls_by="pooled_over_tokens",
        says="exp comes after it",
    ),
    "mask ignored": Mutant(
        old=KEPT,
        new="paid = np.asarray(surprise, dtype=float)\n    if not counted.any()",
        falls_by="pooled_over_tokens",
        says="averaged with the others",
    ),
    "divided by all places": Mutant(
        old="np.exp(paid.mean())",
        new="np.exp(paid.sum() / counted.size)",
        falls_by="pooled_over_tokens",
        says="not of all places",
    ),
    "mask turned": Mutant(
        old=KEPT,
        new="paid = np.asarray(surprise, dtype=float)[~counted]\n    if not paid.size",
        falls_by="pooled_over_tokens",
        says="The mask is turned",
    ),
    "two to the power of nats": Mutant(
        old="np.exp(paid.mean())",
        new="2 ** paid.mean()",
        falls_by="pooled_over_tokens",
        says="e and not 2",
    ),
    "no exp": Mutant(
        old="np.exp(paid.mean())",
        new="paid.mean()",
        falls_by="pooled_over_tokens",
        says="its exp is asked for",
    ),
    "a probability": Mutant(
        old="np.exp(paid.mean())",
        new="np.exp(-paid.mean())",
        falls_by="pooled_over_tokens",
        says="one over it",
    ),
    "zeros taken for padding": Mutant(
        old="np.exp(paid.mean())",
        new="np.exp(paid.sum() / max(1, np.count_nonzero(paid)))",
        falls_by="pooled_over_tokens",
        says="costs nothing",
    ),
    "impossible words dropped": Mutant(
        old="np.exp(paid.mean())",
        new="np.exp(paid[np.isfinite(paid)].mean())",
        falls_by="a_word_held_impossible",
        says="must not be dropped",
    ),
    "impossible words made cheap": Mutant(
        old="np.exp(paid.mean())",
        new="np.exp(np.minimum(paid, 30.0).mean())",
        falls_by="a_word_held_impossible",
        says="made finite",
    ),
    "asked nothing and perfect": Mutant(
        old="    if not paid.size:\n"
        '        raise ValueError("a model that is asked nothing has no perplexity")\n',
        new="    if not paid.size:\n        return 1.0\n",
        falls_by="nothing_to_divide_by",
        says="has not earned",
    ),
    "a mean of nothing": Mutant(
        old="    if not paid.size:\n"
        '        raise ValueError("a model that is asked nothing has no perplexity")\n',
        new="",
        falls_by="nothing_to_divide_by",
        says="has not earned",
    ),
    "no characters and no error": Mutant(
        old="    if not n_letter:\n"
        '        raise ValueError("a text without a character has no price for one")\n',
        new="    n_letter = max(n_letter, 1)\n",
        falls_by="nothing_to_divide_by",
        says="have no characters",
    ),
    "zero times NaN": Mutant(
        old=MEAN,
        new="    wide = np.asarray(surprise, dtype=float)\n"
        "    return float(np.exp((wide * counted).sum() / counted.sum()))",
        falls_by="junk_that_reaches_nothing",
        says="reaches no result",
    ),
    "zero times NaN in a difference": Mutant(
        old="np.where(counted, gap, 0.0).sum(axis=1)",
        new="(gap * counted).sum(axis=1)",
        falls_by="junk_that_reaches_nothing",
        says="reaches no result",
    ),
    "zero times NaN in a price": Mutant(
        old="    paid = np.asarray(surprise, dtype=float)[counted]\n"
        "    return float(paid.sum()",
        new="    paid = np.asarray(surprise, dtype=float) * counted\n"
        "    return float(paid.sum()",
        falls_by="junk_that_reaches_nothing",
        says="reaches no result",
    ),
    "digits of the record": Mutant(
        old=KEPT,
        new="paid = surprise[counted]\n    if not paid.size",
        falls_by="digits_that_a_record_lost",
        says="Surprises may come in half precision",
    ),
    "sums of the record": Mutant(
        old="    paid = np.asarray(surprise, dtype=float)[counted]\n"
        "    return float(paid.sum()",
        new="    paid = surprise[counted]\n    return float(paid.sum()",
        falls_by="digits_that_a_record_lost",
        says="Surprises may come in half precision",
    ),
    "differences of the record": Mutant(
        old="gap = np.asarray(one, dtype=float) - other",
        new="gap = (one - other).astype(float)",
        falls_by="digits_that_a_record_lost",
        says="Surprises may come in half precision",
    ),
    "UNKNOWN for nothing": Mutant(
        old="dearer = surprise + np.where(unknown, charge, 0.0)",
        new="dearer = surprise",
        falls_by="a_share_of_unknown",
        says="which of its words was it",
    ),
    "a rebate": Mutant(
        old="dearer = surprise + np.where(unknown, charge, 0.0)",
        new="dearer = surprise - np.where(unknown, charge, 0.0)",
        falls_by="a_share_of_unknown",
        says="has to be added",
    ),
    "everybody pays": Mutant(
        old="dearer = surprise + np.where(unknown, charge, 0.0)",
        new="dearer = surprise + charge",
        falls_by="a_share_of_unknown",
        says="here every token pays",
    ),
    "the share in place of the price": Mutant(
        old="dearer = surprise + np.where(unknown, charge, 0.0)",
        new="dearer = np.where(unknown, charge, surprise)",
        falls_by="a_share_of_unknown",
        says="still to be paid",
    ),
    "charged in bits": Mutant(
        old="charge = np.log(n_hidden)",
        new="charge = np.log2(n_hidden)",
        falls_by="a_share_of_unknown",
        says="not in bits",
    ),
    "charged without a logarithm": Mutant(
        old="charge = np.log(n_hidden) if n_hidden else 0.0",
        new="charge = n_hidden",
        falls_by="a_share_of_unknown",
        says="surprises are logarithms",
    ),
    "UNKNOWN does not count": Mutant(
        old="return perplexity(dearer, counted)",
        new="return perplexity(surprise, counted & ~unknown)",
        falls_by="a_share_of_unknown",
        says="left out of the count",
    ),
    "share of all tokens": Mutant(
        old="return perplexity(dearer, counted)",
        new="return perplexity(surprise, counted) * np.exp(charge * unknown.mean())",
        falls_by="a_share_of_unknown",
        says="those that count alone",
    ),
    "charged on the wrong side": Mutant(
        old="np.where(unknown, charge, 0.0)",
        new="np.where(unknown, 0.0, charge)",
        falls_by="a_share_of_unknown",
        says="known words were charged",
    ),
    "logarithm of nothing": Mutant(
        old="    charge = np.log(n_hidden) if n_hidden else 0.0\n"
        "    dearer = surprise + np.where(unknown, charge, 0.0)",
        new="    dearer = surprise + unknown * np.log(n_hidden)",
        falls_by="nothing_is_hidden",
        says="nothing is charged",
    ),
    "nats for a character": Mutant(
        old="paid.sum() / np.log(2) / n_letter",
        new="paid.sum() / n_letter",
        falls_by="bits_by_letters",
        says="These are nats",
    ),
    "from bits to nats": Mutant(
        old="paid.sum() / np.log(2) / n_letter",
        new="paid.sum() * np.log(2) / n_letter",
        falls_by="bits_by_letters",
        says="divides by ln 2",
    ),
    "mean over tokens": Mutant(
        old="    return float(paid.sum() / np.log(2) / n_letter)",
        new="    size = n_character[counted]\n"
        "    return float(np.mean(paid[size > 0] / size[size > 0]) / np.log(2))",
        falls_by="bits_by_letters",
        says="The tokens' bits",
    ),
    "mean over windows": Mutant(
        old="    return float(paid.sum() / np.log(2) / n_letter)",
        new="    wide = np.where(counted, surprise, 0.0).sum(axis=1, dtype=float)\n"
        "    size = np.where(counted, n_character, 0).sum(axis=1)\n"
        "    return float(np.mean(wide[size > 0] / size[size > 0]) / np.log(2))",
        falls_by="bits_by_letters",
        says="The windows' bits",
    ),
    "all characters": Mutant(
        old="    return float(paid.sum() / np.log(2) / n_letter)",
        new="    return float(paid.sum() / np.log(2) / n_character.sum())",
        falls_by="bits_by_letters",
        says="do not count were counted",
    ),
    "free where nothing is written": Mutant(
        old="    return float(paid.sum() / np.log(2) / n_letter)",
        new="    paid = paid[n_character[counted] > 0]\n"
        "    return float(paid.sum() / np.log(2) / n_letter)",
        falls_by="bits_by_letters",
        says="A token without characters",
    ),
    "bits for a token": Mutant(
        old="    return float(paid.sum() / np.log(2) / n_letter)",
        new="    return float(paid.mean() / np.log(2))",
        falls_by="bits_by_letters",
        says="bits for a token",
    ),
    "rarest kept": Mutant(
        old="np.sort(count)[::-1]",
        new="np.sort(count)",
        falls_by="a_vocabulary_of_some",
        says="not those that occur least",
    ),
    "first kept": Mutant(
        old="np.sort(count)[::-1]",
        new="np.asarray(count)",
        falls_by="a_vocabulary_of_some",
        says="not the first",
    ),
    "tokens for types": Mutant(
        old="len(rest) **",
        new="max(rest.sum(), 1) **",
        falls_by="a_vocabulary_of_some",
        says="not that of their tokens",
    ),
    "all types hidden": Mutant(
        old="len(rest) **",
        new="len(count) **",
        falls_by="a_vocabulary_of_some",
        says="not for all of them",
    ),
    "UNKNOWN goes free": Mutant(
        old="    plain = np.exp(-np.sum(part * np.log(part)))",
        new="    part = known / ranked.sum()\n"
        "    plain = np.exp(-np.sum(part * np.log(part)) / max(part.sum(), 1e-9))",
        falls_by="a_vocabulary_of_some",
        says="surprise of its own",
    ),
    "UNKNOWN taken out": Mutant(
        old="part = np.append(known, rest.sum()) / ranked.sum()",
        new="part = known / max(known.sum(), 1)",
        falls_by="a_vocabulary_of_some",
        says="under their new name",
    ),
    "a token for each type": Mutant(
        old="    plain = np.exp(-np.sum(part * np.log(part)))\n"
        "    toll = len(rest) ** (rest.sum() / ranked.sum())",
        new="    plain = np.exp(-np.mean(np.log(part)))\n"
        "    toll = max(1, len(rest)) ** (1 / len(part))",
        falls_by="a_vocabulary_of_some",
        says="weigh the surprises",
    ),
    "true shares of the hidden": Mutant(
        old="    return np.array([plain, plain * toll])",
        new="    part = ranked / ranked.sum()\n"
        "    return np.array([plain, np.exp(-np.sum(part * np.log(part)))])",
        falls_by="a_vocabulary_of_some",
        says="has an even share",
    ),
    "last none": Mutant(
        old="    ranked = np.sort(count)[::-1]\n"
        "    known, rest = ranked[:n_kept], ranked[n_kept:]",
        new="    ranked = np.sort(count)\n"
        "    known, rest = ranked[-n_kept:], ranked[:-n_kept]",
        falls_by="a_vocabulary_of_one_word",
        says="is never surprised",
    ),
    "zero times a logarithm": Mutant(
        old="    part = part[part > 0]\n",
        new="",
        falls_by="a_vocabulary_of_all",
        says="which has no share",
    ),
    "ratio turned": Mutant(
        old="gap = np.asarray(one, dtype=float) - other",
        new="gap = other - np.asarray(one, dtype=float)",
        falls_by="chapters_stay_whole",
        says="The ratio is turned",
    ),
    "nats for a ratio": Mutant(
        old=ENDS,
        new="return np.percentile(np.log(ratio), [2.5, 97.5])",
        falls_by="chapters_stay_whole",
        says="differences in nats",
    ),
    "exp of percentiles": Mutant(
        old=ENDS,
        new="return np.exp(np.percentile(np.log(ratio), [2.5, 97.5]))",
        falls_by="chapters_stay_whole",
        says="percentiles of the ratios, and not",
    ),
    "five percent on each side": Mutant(
        old=ENDS,
        new="return np.percentile(ratio, [5, 95])",
        falls_by="chapters_stay_whole",
        says="95 percent lie between",
    ),
    "fractions for percent": Mutant(
        old=ENDS,
        new="return np.percentile(ratio, [0.025, 0.975])",
        falls_by="chapters_stay_whole",
        says="wants percent",
    ),
    "windows drawn": Mutant(
        old="    ratio = " + RATIO,
        new="    lead = np.where(counted, gap, 0.0).sum(axis=1)\n"
        "    size = counted.sum(axis=1)\n"
        "    ratio = np.exp(lead[draw].sum(axis=1) / size[draw].sum(axis=1).clip(1))",
        falls_by="chapters_stay_whole",
        says="taken for windows",
    ),
    "chapters weigh the same": Mutant(
        old=RATIO,
        new="np.exp((lead / size)[draw].mean(axis=1))",
        falls_by="chapters_stay_whole",
        says="each chapter weighs the same",
    ),
    "mean of the chapters' ratios": Mutant(
        old=RATIO,
        new="np.exp(lead / size)[draw].mean(axis=1)",
        falls_by="chapters_stay_whole",
        says="one ratio, of all its tokens",
    ),
    "each chapter once": Mutant(
        old="    ratio = " + RATIO,
        new="    sets = [np.unique(row) for row in draw]\n"
        "    ratio = np.exp([lead[c].sum() / size[c].sum() for c in sets])",
        falls_by="chapters_stay_whole",
        says="in the text twice",
    ),
    "chapters taken for blocks": Mutant(
        old="    gap = np.asarray(one, dtype=float) - other\n",
        new="    chapter = np.sort(chapter)\n"
        "    gap = np.asarray(one, dtype=float) - other\n",
        falls_by="chapters_stay_whole",
        says="may stand anywhere",
    ),
    "each for itself": Mutant(
        old="    gap = np.asarray(one, dtype=float) - other\n",
        new="    ends = []\n"
        "    for model in (one, other):\n"
        "        wide = np.where(counted, model, 0.0).sum(axis=1, dtype=float)\n"
        "        lead = np.bincount(chapter, wide)[draw].sum(axis=1)\n"
        "        size = np.bincount(chapter, counted.sum(axis=1))[draw].sum(axis=1)\n"
        "        ends.append(np.percentile(np.exp(lead / size), [2.5, 97.5]))\n"
        "    return ends[0] / ends[1]\n"
        "    gap = np.asarray(one, dtype=float) - other\n",
        falls_by="chapters_stay_whole",
        says="interval of its own",
    ),
    "the far ends": Mutant(
        old="    gap = np.asarray(one, dtype=float) - other\n",
        new="    ends = []\n"
        "    for model in (one, other):\n"
        "        wide = np.where(counted, model, 0.0).sum(axis=1, dtype=float)\n"
        "        lead = np.bincount(chapter, wide)[draw].sum(axis=1)\n"
        "        size = np.bincount(chapter, counted.sum(axis=1))[draw].sum(axis=1)\n"
        "        ends.append(np.percentile(np.exp(lead / size), [2.5, 97.5]))\n"
        "    return ends[0] / ends[1][::-1]\n"
        "    gap = np.asarray(one, dtype=float) - other\n",
        falls_by="chapters_stay_whole",
        says="divide text by text",
    ),
    "all places in the interval": Mutant(
        old="    gap = np.asarray(one, dtype=float) - other\n",
        new="    counted = np.ones_like(counted)\n"
        "    gap = np.asarray(one, dtype=float) - other\n",
        falls_by="chapters_stay_whole",
        says="are in the differences",
    ),
    "windows of one length": Mutant(
        old="np.bincount(chapter, counted.sum(axis=1))",
        new="np.bincount(chapter) * counted.shape[1]",
        falls_by="chapters_stay_whole",
        says="all places of the windows",
    ),
    "draws unused": Mutant(
        old=RATIO,
        new="np.exp(np.full(len(draw), lead.sum() / size.sum()))",
        falls_by="chapters_stay_whole",
        says="The draws were not used",
    ),
}
