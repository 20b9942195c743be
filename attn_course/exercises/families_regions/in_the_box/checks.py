"""Checks of weight in boxes: areas, an even map, other pictures' maps, and shuffled ones."""

from typing import Any

import numpy as np

from attn_course._typing import Array
from attn_course.exercises.checking import (
    Mutant,
    check,
    close,
    diagnose,
    distinct,
)

WEIGHT = np.array(
    [
        [[0.7, 0.1, 0.1, 0.1], [0.0, 0.0, 0.5, 0.5]],
        [[0.4, 0.4, 0.1, 0.1], [0.0, 0.0, 0.0, 0.0]],
        [[0.2, 0.2, 0.2, 0.4], [0.25, 0.25, 0.25, 0.25]],
    ]
)
COVER = np.array(
    [
        [[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]],
        [[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]],
        [[0.0, 0.0, 0.5, 0.5], [0.0, 1.0, 0.0, 0.0]],
    ]
)
MASK = np.array([[True, True], [True, True], [True, False]])


@check()
def boxes_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """On 2 rows and 3 columns of regions with sides of 8 the box (4, 0, 12, 4) covers 1/4 of the first
    region and 1/2 of the second. The box (20, 6, 8, 16) leaves the picture; it covers 1/8 of the third
    region and 1/2 of the last."""
    for box, want in (
        ([4.0, 0.0, 12.0, 4.0], [0.25, 0.5, 0, 0, 0, 0]),
        ([20.0, 6.0, 8.0, 16.0], [0, 0, 0.125, 0, 0, 0.5]),
    ):
        close(answer.covered(np.array(box), 2, 3, 8), np.array(want))


@check()
def inside_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """The three pictures have 0.7, 0.5, 0.4, 0 and 0.3 in their boxes, and even maps 1/4 in each; for the
    word that the last caption does not have both are 0."""
    want = np.array([[0.7, 0.5], [0.4, 0.0], [0.3, 0.0]])
    close(answer.share_inside(WEIGHT, COVER, MASK), want)
    close(answer.share_expected(COVER, MASK), 0.25 * MASK)


@check()
def strangers_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """For their first words the three pictures have strangers with 0.3, 0.15 and 0.1 in their boxes. For
    the second word the first picture has none, and the second has one with 0.5."""
    want = np.array([[0.3, 0.0], [0.15, 0.5], [0.1, 0.0]])
    close(answer.share_of_strangers(WEIGHT, COVER, MASK), want)


@check()
def shuffled_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """The maps lead by 0.225, the two rows by -1/60 and 0.075: p is 1/3. With a third row in which all
    maps are where they belong it is 2/4."""
    order = np.array([[1, 2, 0], [1, 0, 2]])
    close(answer.permutation_p(WEIGHT, COVER, MASK, order), 1 / 3)
    order = np.array([[1, 2, 0], [1, 0, 2], [0, 1, 2]])
    close(answer.permutation_p(WEIGHT, COVER, MASK, order), 0.5)


# --- what the hidden checks share -----------------------------------------------------------------


def _lengths(start: float, end: float, n: int, size: float) -> Array:
    """How far two intervals go together, and minus their distance where they are apart."""
    low = np.array([size * i for i in range(n)])
    return np.array([min(end, one + size) - max(start, one) for one in low])


def _areas(box: Any, n_row: int, n_column: int, size: float) -> Array:
    x, y, width, height = box
    across = np.clip(_lengths(x, x + width, n_column, size), 0, None)
    down = np.clip(_lengths(y, y + height, n_row, size), 0, None)
    return (down[:, None] * across[None, :]).reshape(-1)


def _pictures(
    rng: np.random.Generator, n_picture: int, n_word: int
) -> tuple[Array, Array, Array]:
    """Maps, covers and a mask: two captions of full length, and of every length. None of the words'
    maps is zeros; behind the mask stand other numbers."""
    n_region = int(rng.integers(9, 14))
    shape = (n_picture, n_word, n_region)
    weight = rng.exponential(1, shape) ** 2
    weight /= weight.sum(axis=-1, keepdims=True)
    cover = rng.choice([0.0, 0.0, 0.3, 0.6, 1.0], shape)
    cover[..., 0] = 0.5
    cover[..., -1] = 1.0
    length = np.arange(n_picture) % (n_word + 1)
    length[:2] = n_word
    mask = np.arange(n_word) < rng.permutation(length)[:, None]
    return weight, cover, mask


# --- hidden ---------------------------------------------------------------------------------------


@check(
    hidden=True,
    points=2,
    safety="what is wrong within the picture is wrong at its edges too, where no sentence names it",
)
def area_of_every_region(answer: Any, rng: np.random.Generator) -> None:
    """A region's share is the length that it has in common with the box across, times that down, over the
    region's area."""
    for flat in (True, False, True):
        while True:
            n_row, n_column = (3, 5) if flat else (6, 4)
            size = int(rng.integers(6, 13))
            x, y = rng.uniform(0.1, 1.3, 2) * size
            width, height = rng.uniform(1.4, 1.6, 2) * size
            height *= 1.1
            grid = (n_row, n_column, size)
            area = _areas((x, y, width, height), *grid)
            want = area / size**2
            centre = [
                (size * j + size / 2, size * i + size / 2)
                for i in range(n_row)
                for j in range(n_column)
            ]
            signed = np.outer(
                _lengths(y, y + height, n_row, size),
                _lengths(x, x + width, n_column, size),
            )
            mistakes = {
                "Rows go down and columns across: x and width belong to the columns, y and height to the "
                "rows.": _areas((y, x, height, width), *grid) / size**2,
                "Number the regions row by row: the second one is to the right of the first, and not below "
                "it.": want.reshape(n_row, n_column).T.ravel(),
                "A region of which the box has a part counts by that part, and not whole.": 1.0
                * (want > 0),
                "A region of which the box has a part counts by that part; none is left out.": 1.0
                * (want >= 1),
                "Whether a region's centre lies in the box is not asked; its covered part is.": np.array(
                    [
                        float(x <= a < x + width and y <= b < y + height)
                        for a, b in centre
                    ]
                ),
                "The first two numbers are the box's upper left corner, not its centre.": _areas(
                    (x - width / 2, y - height / 2, width, height), *grid
                )
                / size**2,
                "The last two numbers are width and height, not the right and the lower edge.": _areas(
                    (x, y, width - x, height - y), *grid
                )
                / size**2,
                "It is a share of the region that is asked for, not of the box.": area
                / (width * height),
                "These are areas in pixels; divide by the area of a region.": area,
                "Divide by the area of a region, and not by its side.": area
                / size,
                "Two intervals that lie apart share nothing; the product of two negative lengths is "
                "positive.": signed.ravel() / size**2,
            }
            if distinct(want, mistakes):
                break
        box = np.array([x, y, width, height])
        diagnose(answer.covered(box, *grid), want, mistakes)


@check(hidden=True, points=2)
def box_across_the_border(answer: Any, rng: np.random.Generator) -> None:
    """What lies past the edges of the picture covers nothing, and what lies within it counts as ever."""
    n_row, n_column, size = 3, 4, int(rng.integers(6, 12))
    tall, wide = n_row * size, n_column * size
    for across, down in ((2, 1), (1, 2), (2, 2), (0, 1), (1, 0), (0, 0)):
        while True:
            width, height = rng.uniform(1.2, 1.7, 2) * size
            part = rng.uniform(0.25, 0.75, 2)
            x = (-part[0] * width, size * 1.1, wide - part[0] * width)[across]
            y = (-part[1] * height, size * 0.7, tall - part[1] * height)[down]
            want = _areas((x, y, width, height), n_row, n_column, size)
            want = want / size**2
            pushed = (
                np.clip(x, 0, wide - width),
                np.clip(y, 0, tall - height),
                width,
                height,
            )
            begun = (max(x, 0), max(y, 0), width, height)
            mistakes: dict[str, Any] = {
                "A box that leaves the picture is cut off there, and not pushed back into it.": (
                    _areas(pushed, n_row, n_column, size) / size**2
                ),
                "What lies past an edge is lost, and not dealt out to the regions within.": (
                    want * width * height / (want.sum() * size**2)
                ),
                "A box that leaves the picture still covers what it has within.": 0
                * want,
            }
            if across == 0 or down == 0:  # then it is the same as pushed back
                mistakes = {
                    "A box that begins before the picture does not end later for that: cut it off, and keep "
                    "its far edge.": _areas(begun, n_row, n_column, size)
                    / size**2,
                } | dict(list(mistakes.items())[1:])
            if distinct(want, mistakes):
                break
        box = np.array([x, y, width, height])
        diagnose(answer.covered(box, n_row, n_column, size), want, mistakes)
    # Nowhere, without width, and everywhere.
    far = float(rng.uniform(1, 40))
    for place, each in (
        ([wide + far, size, size, size], 0.0),
        ([-far - size, -far - size, size, size], 0.0),
        ([size, tall + far, size, size], 0.0),
        ([size / 2, size / 2, 0, size], 0.0),
        ([-far, -far, wide + 2 * far, tall + 2 * far], 1.0),
    ):
        got = answer.covered(np.array(place, float), n_row, n_column, size)
        close(got, np.full(n_row * n_column, each))


@check(hidden=True, points=2)
def weight_by_area(answer: Any, rng: np.random.Generator) -> None:
    """Each weight counts by the covered part of its region, and their sum is the share in the box."""
    for _ in range(3):
        while True:
            weight, cover, mask = _pictures(rng, int(rng.integers(5, 9)), 3)
            each = weight * cover
            want = each.sum(axis=-1) * mask
            top = np.take_along_axis(
                cover, weight.argmax(axis=-1)[..., None], axis=-1
            )[..., 0]
            mistakes = {
                "A region that is half covered gives half of its weight, and not all of it.": (
                    weight * (cover > 0)
                ).sum(axis=-1)
                * mask,
                "A region that is half covered gives half of its weight, and not nothing.": (
                    weight * (cover >= 1)
                ).sum(axis=-1)
                * mask,
                "The sum is the share; divided by the covered area it says how dense the weight lies "
                "there.": want / cover.sum(axis=-1),
                "Sum over the regions; a mean divides by their number.": want
                / cover.shape[-1],
                "All weights matter, and not only the greatest.": top * mask,
                "What an even map has is asked for elsewhere; do not subtract it here.": want
                - cover.mean(axis=-1) * mask,
                "Where a caption has no word there is no share; put 0.": each.sum(
                    axis=-1
                ),
            }
            if distinct(want, mistakes):
                break
        diagnose(answer.share_inside(weight, cover, mask), want, mistakes)


@check(
    hidden=True,
    safety="a wrong chance makes a wrong p-value too, and there nothing tells which of the two is wrong",
)
def even_map_in_each_box(answer: Any, rng: np.random.Generator) -> None:
    """An even map has 1/n_region on every region; what of it lies in a box depends on this box."""
    for _ in range(3):
        while True:
            _, cover, mask = _pictures(rng, int(rng.integers(5, 9)), 3)
            even = cover.mean(axis=-1)
            want = even * mask
            mistakes = {
                "A region that is partly covered counts by that part.": (
                    cover > 0
                ).mean(axis=-1)
                * mask,
                "Boxes differ in size: each has a share of its own to expect.": even[
                    mask
                ].mean()
                * mask,
                "An even map has 1/n_region on a region; these are the regions in the box.": (
                    cover.sum(axis=-1) * mask
                ),
                "This is the weight of one region; a box has as many of them as it covers.": mask
                / cover.shape[-1],
                "An even map covers the whole picture, and not the regions in the box alone.": (
                    cover.sum(axis=-1) / (cover > 0).sum(axis=-1) * mask
                ),
                "Where a caption has no word no share is expected; put 0.": even,
            }
            if distinct(want, mistakes):
                break
        diagnose(answer.share_expected(cover, mask), want, mistakes)


def _table(weight: Array, cover: Array) -> Array:
    """Weight of the map of picture q in the box of picture p, at [p, q, word]."""
    return (cover[:, None] * weight[None]).sum(axis=-1)


@check(
    hidden=True,
    points=3,
    safety="wrong strangers are wrong beside maps of zeros too; here the mistake is named",
)
def maps_of_the_others(answer: Any, rng: np.random.Generator) -> None:
    """Of all other pictures whose caption has this word, lay the map of this word on the box, and take
    the mean of the shares."""
    for _ in range(3):
        while True:
            weight, cover, mask = _pictures(rng, int(rng.integers(7, 11)), 3)
            n = len(mask)
            table = _table(weight, cover)
            both = mask[:, None] & mask[None]
            other = both & ~np.eye(n, dtype=bool)[..., None]
            n_other = np.maximum(other.sum(axis=1), 1)
            want = (table * other).sum(axis=1) / n_other
            turned = np.sum(table * other, axis=0)
            # Every word of the other pictures on this box.
            crossed = np.einsum("pwr,qvr->pqwv", cover, weight)
            counted = other[..., None] & mask[None, :, None, :]
            counted[np.arange(n), np.arange(n)] = False
            whole = (crossed * counted).sum(axis=(1, 3))
            mistakes = {
                "A picture's own map is no stranger; leave it out.": (
                    table * both
                ).sum(axis=1)
                / np.maximum(both.sum(axis=1), 1),
                "These are the shares of the maps in their own boxes; the others' are asked for.": (
                    (weight * cover).sum(axis=-1) * mask
                ),
                "Lay the others' maps on this box, and not this map on the others' boxes.": turned
                / n_other,
                "Some captions are too short for this word; what stands there is no map.": (
                    table.sum(axis=1) - (weight * cover).sum(axis=-1)
                )
                * mask
                / (n - 1),
                "Divide by the number of strangers; captions that are too short are none.": want
                * n_other
                / (n - 1),
                "Take the others' maps for the same word, and not those for all of their words.": whole
                / np.maximum(counted.sum(axis=(1, 3)), 1),
                "Strangers' maps are not even; take theirs as they are.": cover.mean(
                    axis=-1
                )
                * mask,
                "Where a caption has no word there is no box to lay maps on; put 0.": (
                    table * (other | ~mask[:, None] & mask[None])
                ).sum(axis=1)
                / np.maximum(
                    (other | ~mask[:, None] & mask[None]).sum(axis=1), 1
                ),
            }
            if distinct(want, mistakes):
                break
        diagnose(
            answer.share_of_strangers(weight, cover, mask), want, mistakes
        )


@check(hidden=True)
def nobody_to_compare_with(answer: Any, rng: np.random.Generator) -> None:
    """A word that no other caption has is without strangers, and its entry is 0; so it is with a single
    picture."""
    for n_picture in (1, int(rng.integers(3, 6))):
        weight, cover, mask = _pictures(rng, 8, 4)
        weight, cover = weight[:n_picture], cover[:n_picture]
        mask = np.arange(4) < np.minimum(np.arange(n_picture), 2)[:, None]
        mask[0] = True
        table = _table(weight, cover)
        other = (
            mask[:, None] & mask & ~np.eye(n_picture, dtype=bool)[..., None]
        )
        want = (table * other).sum(axis=1) / np.maximum(other.sum(axis=1), 1)
        close(answer.share_of_strangers(weight, cover, mask), want)


@check(hidden=True, points=2)
def maps_that_are_all_zeros(answer: Any, rng: np.random.Generator) -> None:
    """A map of zeros has 0 in its box, is no stranger to others, and is not scored; its own box has
    strangers all the same."""
    for _ in range(3):
        while True:
            weight, cover, mask = _pictures(rng, int(rng.integers(7, 11)), 3)
            n = len(mask)
            looked = rng.random(mask.shape) < 0.6
            weight = weight * looked[..., None]
            looked = looked & mask
            table = _table(weight, cover)
            others = ~np.eye(n, dtype=bool)[..., None]
            there = mask[:, None] & looked[None]
            every = mask[:, None] & mask[None]

            def mean(
                scored: Array, table: Array = table, others: Array = others
            ) -> Array:
                scored = scored & others
                n_scored = np.maximum(scored.sum(axis=1), 1)
                return (table * scored).sum(axis=1) / n_scored

            want = mean(there)
            mistakes = {
                "A map of zeros is no stranger: it says nothing of habits and is left out of the mean.": (
                    mean(every)
                ),
                "A box whose own map is all zeros has strangers all the same.": mean(
                    there & looked[:, None]
                ),
            }
            order = np.array([rng.permutation(n) for _ in range(120)])
            order[:3] = np.arange(n)
            lead = table - cover.mean(axis=-1)[:, None]
            p = _p(_leads(lead, there, order))
            slips = {
                "A word whose map is all zeros is not scored: it has no lead, and no lag either.": _p(
                    _leads(lead, every, order)
                ),
                "A map of zeros counts for nothing, not even in the number that the sum is divided by.": (
                    _p(_leads(lead * there, every, order))
                ),
                "Whether a word is scored depends on the map that is given, and not on its own.": _p(
                    _leads(lead, there & looked[:, None], order)
                ),
            }
            accompanied = (there & others).any(axis=1) | ~mask
            if (
                accompanied.all()
                and distinct(want, mistakes)
                and distinct(p, slips)
            ):
                break
        inside = answer.share_inside(weight, cover, mask)
        close(
            np.where(looked, 0.0, inside),
            np.zeros(mask.shape),
            "A map of zeros has nothing in its box: 0, and not NaN.",
        )
        diagnose(
            answer.share_of_strangers(weight, cover, mask), want, mistakes
        )
        diagnose(answer.permutation_p(weight, cover, mask, order), p, slips)


def _leads(lead: Array, there: Array, order: Array) -> Array:
    """The mean lead where the maps belong, and of each row, (1 + n_permutation,)."""
    n = len(lead)
    every = np.concatenate([np.arange(n)[None], order])
    box = np.arange(n)[None]
    scored = there[box, every]  # (1 + n_permutation, n_picture, n_word)
    total = np.where(scored, lead[box, every], 0.0).sum(axis=(1, 2))
    return total / np.maximum(scored.sum(axis=(1, 2)), 1)


def _p(leads: Array) -> float:
    above = leads[1:] >= leads[0] - 1e-9
    return float((1 + above.sum()) / len(leads))


@check(
    hidden=True,
    points=3,
    safety="a wrong count of rows is wrong beside maps of zeros too; here the mistake is named",
)
def rows_that_lead_as_far(answer: Any, rng: np.random.Generator) -> None:
    """Each row of `order` gives the boxes other pictures' maps: take the mean lead of what is scored, and
    count the rows that lead at least as far as the true one."""
    for _ in range(2):
        while True:
            weight, cover, mask = _pictures(rng, int(rng.integers(7, 11)), 4)
            n, n_row = len(mask), int(rng.integers(150, 200))
            order = np.array([rng.permutation(n) for _ in range(n_row)])
            order[rng.permutation(n_row)[:7]] = np.arange(n)
            table, even = _table(weight, cover), cover.mean(axis=-1)[:, None]
            lead, there = table - even, mask[:, None] & mask[None]
            leads = _leads(lead, there, order)
            true, found = leads[0], leads[1:]
            want = _p(leads)
            inverse = np.argsort(order, axis=1)
            few = np.maximum(there.sum(axis=2, keepdims=True), 1)
            each = (lead * there).sum(axis=2, keepdims=True) / few
            filled = (there.any(axis=2, keepdims=True)) & (few > 0)
            n_above = round(want * (n_row + 1)) - 1
            mistakes = {
                "The true row counts as one of those that lead as far: add 1 above and below.": n_above
                / n_row,
                "The true row counts as one of those that lead as far: add 1 above as well.": n_above
                / (n_row + 1),
                "The true row is one more row: add 1 below as well.": (
                    n_above + 1
                )
                / n_row,
                "A row that leads exactly as far as the true one counts, too.": (
                    1 + (found > true + 1e-9).sum()
                )
                / (1 + n_row),
                "Count the rows that lead at least as far, not those that stay behind.": (
                    1 + (found <= true + 1e-9).sum()
                )
                / (1 + n_row),
                "Only a lead counts; a row far behind is none, so take no absolute values.": (
                    1 + (abs(found) >= abs(true) - 1e-9).sum()
                )
                / (1 + n_row),
                "The boxes of picture p are given the maps of picture order[k, p], and not the other way "
                "round.": _p(_leads(lead, there, inverse)),
                "If maps and boxes move together each map keeps its box; move the maps alone.": 1.0,
                "Subtract from each share what an even map has in that box: captions of other lengths bring "
                "other boxes.": _p(_leads(table, there, order)),
                "Subtract what an even map has in the box that is looked at, and not in the map's own.": _p(
                    _leads(table - cover.mean(axis=-1)[None], there, order)
                ),
                "A word that the other caption does not have is not scored; what stands there is no map.": (
                    _p(_leads(lead, there | mask[:, None], order))
                ),
                "Divide by the number of words that are scored in this row.": _p(
                    _leads(lead * there, there | mask[:, None], order)
                ),
                "The mean goes over all scored words at once, and is no mean of the pictures' means.": _p(
                    _leads(each, filled, order)
                ),
            }
            if 0.1 < want < 0.6 and distinct(want, mistakes):
                break
        diagnose(
            answer.permutation_p(weight, cover, mask, order), want, mistakes
        )


@check(hidden=True)
def nothing_that_is_scored(answer: Any, rng: np.random.Generator) -> None:
    """Without rows, or without a scored word, the number is 1; and a row in which no word is scored has the
    lead 0."""
    weight, cover, mask = _pictures(rng, int(rng.integers(4, 8)), 3)
    n = len(mask)
    order = np.array([rng.permutation(n) for _ in range(20)])
    close(answer.permutation_p(weight, cover, mask, order[:0]), 1.0)
    close(answer.permutation_p(weight, cover, mask & False, order), 1.0)
    close(answer.permutation_p(0 * weight, cover, mask, order), 1.0)
    # An empty caption beside another: shuffled, nothing is scored.
    pair, turned = np.array([[True, True, True], [False] * 3]), [[1, 0]] * 3
    high, low = np.zeros((2, 3, 4)), np.zeros((2, 3, 4))
    high[..., 0] = low[..., 1] = 1.0
    where = np.array([[0, 1], *turned])
    close(answer.permutation_p(high, high, pair, where), 2 / 5)
    close(answer.permutation_p(high, low, pair, where), 1.0)


@check(hidden=True)
def nothing_behind_the_mask(answer: Any, rng: np.random.Generator) -> None:
    """What stands where a caption has no word, NaN too, reaches no result."""
    weight, cover, mask = _pictures(rng, int(rng.integers(6, 9)), 3)
    order = np.array([rng.permutation(len(mask)) for _ in range(30)])
    clean, *spoilt = (
        [np.where(mask[..., None], one, junk) for one in (weight, cover)]
        for junk in (0.0, np.nan, np.inf, -np.inf)
    )
    for weight, cover in spoilt:
        for ask, given, tidy in (
            (answer.share_inside, (weight, cover, mask), (*clean, mask)),
            (answer.share_expected, (cover, mask), (clean[1], mask)),
            (answer.share_of_strangers, (weight, cover, mask), (*clean, mask)),
            (
                answer.permutation_p,
                (weight, cover, mask, order),
                (*clean, mask, order),
            ),
        ):
            close(ask(*given), ask(*tidy))


MUTANTS = {
    "across and down": Mutant(
        old="    x, y, width, height = box",
        new="    y, x, height, width = box",
        falls_by="area_of_every_region",
        says="Rows go down",
    ),
    "column by column": Mutant(
        old="np.outer(down, across)",
        new="np.outer(across, down)",
        falls_by="area_of_every_region",
        says="row by row",
    ),
    "touched is covered": Mutant(
        old="np.outer(down, across).ravel()",
        new="(np.outer(down, across).ravel() > 0).astype(float)",
        falls_by="area_of_every_region",
        says="and not whole",
    ),
    "whole regions alone": Mutant(
        old="np.outer(down, across).ravel()",
        new="(np.outer(down, across).ravel() >= 1).astype(float)",
        falls_by="area_of_every_region",
        says="none is left out",
    ),
    "centres": Mutant(
        old="    return np.maximum(shared, 0) / size",
        new="    middle = edge + size / 2\n"
        "    return ((middle >= start) & (middle < end)).astype(float)",
        falls_by="area_of_every_region",
        says="centre lies in the box",
    ),
    "corner as centre": Mutant(
        old="    across = _overlap(x, width, n_column, size)",
        new="    x, y = x - width / 2, y - height / 2\n"
        "    across = _overlap(x, width, n_column, size)",
        falls_by="area_of_every_region",
        says="upper left corner",
    ),
    "right and lower edge": Mutant(
        old="    end = start + length",
        new="    end = length",
        falls_by="area_of_every_region",
        says="width and height, not",
    ),
    "share of the box": Mutant(
        old="np.outer(down, across).ravel()",
        new="np.outer(down, across).ravel() * size**2 / (width * height)",
        falls_by="area_of_every_region",
        says="not of the box",
    ),
    "pixels": Mutant(
        old="np.maximum(shared, 0) / size",
        new="np.maximum(shared, 0)",
        falls_by="area_of_every_region",
        says="areas in pixels",
    ),
    "a product of negatives": Mutant(
        old="np.maximum(shared, 0) / size",
        new="shared / size",
        falls_by="area_of_every_region",
        says="two negative lengths",
    ),
    "pushed back": Mutant(
        old="    across = _overlap(x, width, n_column, size)",
        new="    x = np.clip(x, 0, max(n_column * size - width, 0))\n"
        "    y = np.clip(y, 0, max(n_row * size - height, 0))\n"
        "    across = _overlap(x, width, n_column, size)",
        falls_by="box_across_the_border",
        says="pushed back into it",
    ),
    "the far edge moves": Mutant(
        old="    end = start + length",
        new="    start = max(start, 0)\n    end = start + length",
        falls_by="box_across_the_border",
        says="far edge",
    ),
    "dealt out": Mutant(
        old="    return np.outer(down, across).ravel()",
        new="    found = np.outer(down, across).ravel()\n"
        "    scale = width * height / max(found.sum() * size**2, 1e-9)\n"
        "    return found * scale",
        falls_by="box_across_the_border",
        says="not dealt out",
    ),
    "no box that leaves": Mutant(
        old="    across = _overlap(x, width, n_column, size)",
        new="    high, wide = n_row * size, n_column * size\n"
        "    if x < 0 or y < 0 or x + width > wide or y + height > high:\n"
        "        return np.zeros(n_row * n_column)\n"
        "    across = _overlap(x, width, n_column, size)",
        falls_by="box_across_the_border",
        says="still covers",
    ),
    "half is all": Mutant(
        old="np.sum(weight * cover, axis=-1)",
        new="np.sum(weight * (cover > 0), axis=-1)",
        falls_by="weight_by_area",
        says="not all of it",
    ),
    "half is nothing": Mutant(
        old="np.sum(weight * cover, axis=-1)",
        new="np.sum(weight * (cover >= 1), axis=-1)",
        falls_by="weight_by_area",
        says="and not nothing",
    ),
    "density": Mutant(
        old="np.sum(weight * cover, axis=-1)",
        new="np.sum(weight * cover, axis=-1) / np.sum(cover, axis=-1)",
        falls_by="weight_by_area",
        says="how dense",
    ),
    "the greatest alone": Mutant(
        old="    inside = np.sum(weight * cover, axis=-1)",
        new="    top = np.argmax(np.nan_to_num(weight), axis=-1)[..., None]\n"
        "    inside = np.take_along_axis(cover, top, axis=-1)[..., 0]",
        falls_by="weight_by_area",
        says="not only the greatest",
    ),
    "shares without a word": Mutant(
        old="    return np.where(mask, inside, 0.0)",
        new="    return inside",
        falls_by="weight_by_area",
        says="no word there is no share",
    ),
    "one chance for all": Mutant(
        old="    return np.where(mask, even, 0.0)",
        new="    return np.where(mask, even[mask].mean() if mask.any() else 0, 0.0)",
        falls_by="even_map_in_each_box",
        says="a share of its own",
    ),
    "regions that are touched": Mutant(
        old="even = np.mean(cover, axis=-1)",
        new="even = np.mean(cover > 0, axis=-1)",
        falls_by="even_map_in_each_box",
        says="counts by that part",
    ),
    "regions in the box": Mutant(
        old="even = np.mean(cover, axis=-1)",
        new="even = np.sum(cover, axis=-1)",
        falls_by="even_map_in_each_box",
        says="regions in the box",
    ),
    "even within the box": Mutant(
        old="even = np.mean(cover, axis=-1)",
        new="even = np.sum(cover, axis=-1) / np.sum(cover > 0, axis=-1)",
        falls_by="even_map_in_each_box",
        says="whole picture",
    ),
    "no stranger to itself": Mutant(
        old="    stranger = both & ~np.eye(len(mask), dtype=bool)[..., None]",
        new="    stranger = both",
        falls_by="maps_of_the_others",
        says="no stranger; leave it out",
    ),
    "own maps": Mutant(
        old="    stranger = both & ~np.eye(len(mask), dtype=bool)[..., None]",
        new="    stranger = both & np.eye(len(mask), dtype=bool)[..., None]",
        falls_by="maps_of_the_others",
        says="in their own boxes",
    ),
    "this map on their boxes": Mutant(
        old="    total = np.where(stranger, share, 0.0).sum(axis=1)",
        new="    stranger = stranger & mask & mask[:, None]\n"
        "    total = np.where(stranger, share, 0.0).sum(axis=0)",
        falls_by="maps_of_the_others",
        says="not this map",
    ),
    "short captions divide": Mutant(
        old="    n_stranger = stranger.sum(axis=1)",
        new="    n_stranger = len(mask) - 1",
        falls_by="maps_of_the_others",
        says="Divide by the number of strangers",
    ),
    "any word": Mutant(
        old="    total = np.where(stranger, share, 0.0).sum(axis=1)",
        new="    looked = mask & np.where(mask[..., None], weight, 0).any(axis=-1)\n"
        "    kept = np.where(looked[..., None], weight, 0.0)\n"
        "    box = np.where(mask[..., None], cover, 0.0)\n"
        "    far = stranger[..., None] & looked[None, :, None, :]\n"
        "    share = np.einsum('pwr,qvr->pqwv', box, kept)\n"
        "    total = np.where(far, share, 0.0).sum(axis=(1, 3))\n"
        "    n_stranger = far.sum(axis=(1, 3))",
        falls_by="maps_of_the_others",
        says="for the same word",
    ),
    "a mean over nobody": Mutant(
        old="    return total / np.maximum(n_stranger, 1)",
        new="    found = total / n_stranger\n"
        "    return np.where(mask, found, 0.0)",
        falls_by="nobody_to_compare_with",
        says="without strangers",
    ),
    "zeros are strangers": Mutant(
        old="    looked = weight.any(axis=-1)",
        new="    looked = mask",
        falls_by="maps_that_are_all_zeros",
        says="is no stranger",
    ),
    "boxes of zeros left out": Mutant(
        old="    n_stranger = stranger.sum(axis=1)",
        new="    looked = np.where(mask[..., None], weight, 0).any(axis=-1)\n"
        "    stranger = stranger & looked[:, None]\n"
        "    n_stranger = stranger.sum(axis=1)",
        falls_by="maps_that_are_all_zeros",
        says="strangers all the same",
    ),
    "zeros by zero": Mutant(
        old="    return np.where(mask, inside, 0.0)",
        new="    return np.where(mask, inside / np.sum(weight, axis=-1), 0.0)",
        falls_by="maps_that_are_all_zeros",
        says="and not NaN",
    ),
    "zeros are scored": Mutant(
        old="    true = _mean_of_given(lead, both, own)",
        new="    both = mask[:, None] & mask\n"
        "    true = _mean_of_given(lead, both, own)",
        falls_by="maps_that_are_all_zeros",
        says="no lag either",
    ),
    "scored by its own map": Mutant(
        old="    true = _mean_of_given(lead, both, own)",
        new="    both = both & both[own, own][:, None]\n"
        "    true = _mean_of_given(lead, both, own)",
        falls_by="maps_that_are_all_zeros",
        says="the map that is given",
    ),
    "no one added": Mutant(
        old="    return (1 + n_above) / (1 + len(order))",
        new="    return n_above / len(order) if len(order) else 1.0",
        falls_by="rows_that_lead_as_far",
        says="add 1 above and below",
    ),
    "one added below": Mutant(
        old="    return (1 + n_above) / (1 + len(order))",
        new="    return n_above / (1 + len(order)) if len(order) else 1.0",
        falls_by="rows_that_lead_as_far",
        says="add 1 above as well",
    ),
    "ties do not count": Mutant(
        old="one > true - 1e-9",
        new="one > true + 1e-9",
        falls_by="rows_that_lead_as_far",
        says="exactly as far",
    ),
    "the other tail": Mutant(
        old="one > true - 1e-9",
        new="one < true + 1e-9",
        falls_by="rows_that_lead_as_far",
        says="stay behind",
    ),
    "two tails": Mutant(
        old="one > true - 1e-9",
        new="abs(one) > abs(true) - 1e-9",
        falls_by="rows_that_lead_as_far",
        says="no absolute values",
    ),
    "boxes are moved": Mutant(
        old="    scored = both[box, given]\n    return lead[box, given]",
        new="    scored = both[given, box]\n    return lead[given, box]",
        falls_by="rows_that_lead_as_far",
        says="the other way",
    ),
    "both are moved": Mutant(
        old="    box = np.arange(len(given))",
        new="    box = given",
        falls_by="rows_that_lead_as_far",
        says="move the maps alone",
    ),
    "shares without a chance": Mutant(
        old="    lead = share - share_expected(cover, mask)[:, None]",
        new="    lead = share",
        falls_by="rows_that_lead_as_far",
        says="other lengths bring",
    ),
    "chance of the map's own box": Mutant(
        old="    lead = share - share_expected(cover, mask)[:, None]",
        new="    lead = share - share_expected(cover, mask)[None]",
        falls_by="rows_that_lead_as_far",
        says="not in the map's own",
    ),
    "divided by all words": Mutant(
        old="[scored].sum() / max(scored.sum(), 1)",
        new="[scored].sum() / max(both.any(axis=1).sum(), 1)",
        falls_by="rows_that_lead_as_far",
        says="scored in this row",
    ),
    "a mean of means": Mutant(
        old="    return lead[box, given][scored].sum() / max(scored.sum(), 1)",
        new="    n_scored = scored.sum(axis=1)\n"
        "    total = np.where(scored, lead[box, given], 0.0).sum(axis=1)\n"
        "    each = total / np.maximum(n_scored, 1)\n"
        "    return each.sum() / max((n_scored > 0).sum(), 1)",
        falls_by="rows_that_lead_as_far",
        says="no mean of the pictures' means",
    ),
    "a mean of nothing": Mutant(
        old="max(scored.sum(), 1)",
        new="scored.sum()",
        falls_by="nothing_that_is_scored",
        says="without a scored word",
    ),
    "zero times NaN": Mutant(
        old="    inside = np.sum(weight * cover, axis=-1)\n    return np.where(mask, inside, 0.0)",
        new="    return np.sum(weight * cover * mask[..., None], axis=-1)",
        falls_by="nothing_behind_the_mask",
        says="NaN too",
    ),
    "an even map of NaN": Mutant(
        old="    even = np.mean(cover, axis=-1)\n    return np.where(mask, even, 0.0)",
        new="    return np.mean(cover * mask[..., None], axis=-1)",
        falls_by="nothing_behind_the_mask",
        says="NaN too",
    ),
    "padding among the maps": Mutant(
        old="    weight = np.where(mask[..., None], weight, 0.0)\n"
        "    cover = np.where(mask[..., None], cover, 0.0)\n",
        new="    weight = weight * mask[..., None]\n    cover = cover * mask[..., None]\n",
        falls_by="nothing_behind_the_mask",
        says="NaN too",
    ),
}
