"""Captions of emoji: held-out pairs, pictures, attention to their regions, and a true measure.

The emoji here are invented, so that the tests need no data: a plain colour for each name, one
shade for each artist.
"""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from attn_course.families import recipe_regions as recipe
from attn_course.training import loop

N_KIND = len(recipe.NAMES)
N_REGION = recipe.GRID**2
AREA_SHARE = recipe.EMOJI**2 / recipe.SIDE**2
PLAIN = list(recipe.MODELS)
CORNERS = [
    recipe.CELL * np.array([column, row]) + shift
    for column, row in itertools.product(range(3), repeat=2)
    for shift in itertools.product(range(recipe.CELL - recipe.EMOJI + 1), repeat=2)
]


def colour_of(artist, kind):
    """Each artist's colour of each kind: no two are alike."""
    return np.array([0.9 * kind / N_KIND, 0.2 + 0.6 * artist, 1 - 0.9 * kind / N_KIND])


@pytest.fixture(autouse=True)
def invented(monkeypatch):
    side = recipe.EMOJI
    art = np.ones((2, N_KIND, side, side, 4), np.float32)
    for artist, kind in itertools.product(range(2), range(N_KIND)):
        art[artist, kind, ..., :3] = colour_of(artist, kind)
    art[:, :, 0, 0, 3] = 0  # the upper left pixel is transparent
    monkeypatch.setattr(recipe, "sprites", lambda: art)


def made(arm, preset="smoke", seed=0, **change):
    config = replace(recipe.configure(preset, arm), **change)
    return config, recipe.build(config, torch.Generator().manual_seed(seed))


def tensors(part, dtype=torch.float32):
    return loop.to_tensors(part, "cpu", dtype)


def kinds_of(part):
    """The kinds in each picture, by its caption."""
    return [words[words > recipe.END] - 3 for words in part["target"]]


# --- which names meet -----------------------------------------------------------------------------


def test_the_names_are_words_of_their_own():
    assert len(set(recipe.NAMES)) == N_KIND == 48
    assert all(name.isalpha() and name.islower() for name in recipe.NAMES)


def test_every_name_has_as_many_pairs_held_out():
    table = recipe.PAIRS
    assert_array_equal(table, table.T)
    assert (np.diag(table) == recipe.TRAINING).all()
    for part, n_pair in ((recipe.TEST, 5), (recipe.TUNING, 4), (recipe.TRAINING, 39)):
        assert ((table == part).sum(axis=1) == n_pair).all(), f"of part {part}"
    names = [recipe.NAMES[i] for i in np.flatnonzero(table[0] == recipe.TEST)]
    assert names == ["camel", "elephant", "grapes", "kite", "rose"]  # of the anchor


def rarest_pair(kinds):
    return min(recipe.PAIRS[i, j] for i, j in itertools.combinations(kinds, 2))


def test_pairs_held_out_are_never_in_a_training_batch():
    config = recipe.configure("book", "soft")
    seen = set()
    for update in range(15):
        for kinds in kinds_of(recipe.batch(config, 0, update)):
            assert len(set(kinds)) == len(kinds), "an emoji is there twice"
            assert rarest_pair(kinds) == recipe.TRAINING, recipe.PAIRS[np.ix_(kinds, kinds)]
            seen |= set(kinds.tolist())
    assert seen == set(range(N_KIND)), "a name is never trained"


@pytest.mark.parametrize(("tune", "part"), [(False, recipe.TEST), (True, recipe.TUNING)])
def test_every_picture_measured_has_a_pair_of_its_part(tune, part):
    config = replace(recipe.configure("book", "soft"), n_example=300, tune=tune)
    everything = list(recipe.examples(config, False))
    kinds = [k for each in everything for k in kinds_of(each)]
    assert {rarest_pair(k) for k in kinds} == {part}
    assert {len(k) for k in kinds} == {2, 3, 4}
    assert set(np.concatenate(kinds).tolist()) == set(range(N_KIND))
    assert_array_equal(np.concatenate([each["number"] for each in everything]), np.arange(300))
    few = list(recipe.examples(config, True))
    assert_array_equal(few[0]["target"], everything[0]["target"][:30])


def test_a_batch_is_a_function_of_seed_update_and_purpose():
    config = recipe.configure("book", "soft")
    first = recipe.batch(config, 0, 3)
    for name, again in recipe.batch(
        replace(recipe.configure("book", "hard"), as_soft=0.0), 0, 3
    ).items():
        assert_array_equal(first[name], again, f"the arms see another {name}")
    for other in (
        recipe.batch(config, 1, 3),
        recipe.batch(config, 0, 4),
        recipe.batch(replace(config, tune=True), 0, 3),
    ):
        assert np.abs(other["image"] - first["image"]).max() > 0.1
        assert (other["target"] != first["target"]).any()


# --- pictures -------------------------------------------------------------------------------------


def test_captions_name_what_lies_in_the_boxes_in_reading_order():
    part = recipe.drawn(np.random.default_rng(0), 60, recipe.TRAINING)
    assert part["image"].shape == (60, 3, 96, 96)
    assert part["image"].dtype == np.float32
    artists = set()
    for image, words, corner in zip(*(part[k] for k in ("image", "target", "corner")), strict=True):
        n = int((words > recipe.END).sum())
        assert 2 <= n <= 4
        assert_array_equal(words[n:], [recipe.END] + [recipe.PADDING] * (4 - n))
        cells = [(y // 32, x // 32) for x, y in corner[:n]]
        assert cells == sorted(set(cells)), "not row by row from the left, a cell for each"
        free = np.ones((96, 96), bool)
        for word, (x, y) in zip(words, corner[:n], strict=False):
            assert x % 32 + 24 <= 32, "it leaves its cell"
            assert y % 32 + 24 <= 32, "it leaves its cell"
            piece = image[:, y : y + 24, x : x + 24] + 0.5
            near = [np.abs(piece[:, 12, 12] - colour_of(a, word - 3)).max() for a in range(2)]
            assert min(near) < 1e-6, f"{recipe.NAMES[word - 3]} is not in its box"
            assert np.ptp(piece[:, 1:], axis=(1, 2)).max() < 1e-6
            assert np.abs(piece[:, 0, 0] - piece[:, 12, 12]).max() > 0.02, "the background is gone"
            artists.add(int(np.argmin(near)))
            free[y : y + 24, x : x + 24] = False
        background = image[:, free]
        assert background.min() >= -0.5
        assert background.max() <= 0.5
        assert background.std(axis=1).max() < 1.1 * recipe.NOISE, "another emoji lies there"
    assert artists == {0, 1}


def test_regions_in_a_box_by_hand():
    def found(x, y):
        return recipe.in_box(torch.tensor([x, y])).reshape(12, 12).nonzero().tolist()

    # Centres lie at 4, 12, 20, ...: a box from 8 to 32 has those of columns 1, 2 and 3.
    assert found(8, 40) == [[row, column] for row in (5, 6, 7) for column in (1, 2, 3)]
    assert found(4, 5) == [[row, column] for row in (1, 2, 3) for column in (0, 1, 2)]


def test_even_weights_have_the_boxs_share_of_the_area():
    box = recipe.in_box(torch.from_numpy(np.stack(CORNERS)))
    assert_array_equal(box.sum(dim=-1), np.full(len(CORNERS), 9))
    assert 9 / N_REGION == AREA_SHARE == 0.0625


# --- the measure ----------------------------------------------------------------------------------


def predictions():
    """Two pictures, of two names and of three; boxes at the cells' corners."""
    target = np.array([[5, 9, 2, 0, 0], [7, 8, 4, 2, 0]], np.uint8)
    corner = np.zeros((2, 4, 2), np.uint8)
    corner[0, :2] = [[0, 0], [32, 0]]
    corner[1, :3] = [[0, 0], [64, 0], [0, 64]]
    top = np.array([[0, 13, 0, 0], [0, 8, 8 * 12 + 2, 0]], np.uint8)
    inside = np.array([[0.5, 0.25, 9, 9], [1.0, 0.0, 0.75, 9]], np.float16)
    gate = np.array([[0.5, 1, 0.25, 9, 9], [0.5, 0.5, 1, 0.75, 9]], np.float16)
    return {
        "said": target.copy(),
        "target": target,
        "corner": corner,
        "inside": inside,
        "top": top,
        "gate": gate,
    }


def test_the_measure_by_hand():
    config = recipe.configure("book", "soft")
    got = recipe.measure(config, predictions())
    # Region 13 is (column 1, row 1): outside the box at x = 32. The four others are inside.
    wanted = {"error": 0, "word_error": 0, "inside": 0.5, "uniform": 0.0625, "hit": 0.8}
    wanted |= {"gate": 0.7, "gate_end": 0.5}
    assert got.pop("error_of") == {"2": 0.0, "3": 0.0}
    assert got == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("place", "word", "error", "word_error"),
    [
        ((0, 1), 6, 0.5, 0.2),  # another name
        ((0, 2), 7, 0.5, 0.0),  # a name where END should be
        ((1, 0), recipe.END, 0.5, 0.2),  # END too early
        ((0, 3), 7, 0.0, 0.0),  # what is said behind the end
    ],
)
def test_the_measure_sees_a_wrong_word_and_no_padding(place, word, error, word_error):
    predicted = predictions()
    predicted["said"][place] = word
    got = recipe.measure(recipe.configure("book", "soft"), predicted)
    assert got["error"] == error
    assert got["word_error"] == pytest.approx(word_error)
    assert got["error_of"] == {"2": 2 * error * (place[0] == 0), "3": 2 * error * (place[0] == 1)}


@pytest.mark.parametrize("arm", PLAIN)
def test_an_arm_is_trained_and_measured(arm):
    config, _ = made(arm, n_update=3)
    model, curve = loop.train(recipe, config, seed=0)
    assert np.isfinite(curve["loss"]).all()
    result, predicted = loop.evaluate(recipe, config, model, subset=False)
    assert recipe.measure(config, predicted) == result
    assert len(predicted["said"]) == config.n_example
    assert result["uniform"] == AREA_SHARE
    if arm == "mean":
        assert result["inside"] == pytest.approx(AREA_SHARE, rel=1e-3)


def test_predictions_are_small_enough_to_be_kept():
    config, model = made("soft")
    _, predicted = loop.evaluate(recipe, config, model, subset=False)
    assert predicted["map"].shape == (recipe.N_MAP, recipe.LONGEST + 1, N_REGION)
    rows = sum(a[0].nbytes for name, a in predicted.items() if name != "map")
    n_example = recipe.configure("book", "soft").n_example
    assert predicted["map"].nbytes + n_example * rows < 100_000


def test_what_is_predicted_is_what_the_weights_say():
    config, model = made("soft")
    part = tensors(next(iter(recipe.examples(config, False))))
    with torch.no_grad():
        predicted = recipe.predict(config, model, part)
        weight = model(part["image"], part["target"])["weight"]
    for i, t in ((0, 0), (3, 1), (7, 1)):
        x, y = part["corner"][i, t].tolist()
        inside = sum(
            weight[i, t, 12 * row + column].item()
            for row, column in itertools.product(range(12), repeat=2)
            if x <= 8 * column + 4 < x + 24 and y <= 8 * row + 4 < y + 24
        )
        assert_allclose(predicted["inside"][i, t], inside, rtol=2e-3)
        assert predicted["top"][i, t] == weight[i, t].argmax()
        assert_allclose(predicted["map"][i, t].float(), weight[i, t], atol=1e-3)


# --- the model ------------------------------------------------------------------------------------


def test_the_arms_are_of_one_size_and_start_alike():
    _, first = made("soft")
    for arm in PLAIN:
        _, model = made(arm)
        for (name, p), q in zip(model.named_parameters(), first.parameters(), strict=True):
            assert torch.equal(p, q), f"{name} of {arm} starts elsewhere"


@pytest.mark.parametrize("arm", PLAIN)
def test_what_an_arm_trains_gets_a_gradient(arm):
    config, model = made(arm)
    each = recipe.loss(config, model, tensors(recipe.batch(config, 0, config.n_update - 1)), 0.0)
    assert each.shape == (config.batch,)
    each.sum().backward()
    idle = {name for name, p in model.named_parameters() if p.grad is None}
    own = {f"attention.{name}" for name in ("w_query", "w_key", "v")} if arm == "mean" else set()
    assert idle == own | (set() if arm == "hard" else {"baseline.w", "baseline.b"})
    for name, p in model.named_parameters():
        assert p.grad is None or p.grad.abs().max() > 0, f"{name} of {arm} learns nothing"


def test_what_each_arm_sees_of_the_regions():
    rng = np.random.default_rng(0)
    hidden, region = (torch.from_numpy(rng.normal(size=size)) for size in ((3, 128), (3, 144, 64)))
    uniform = torch.tensor([0.1, 0.5, 0.9]).double()
    seen = {}
    for arm in PLAIN:
        _, model = made(arm)
        model.double()
        with torch.no_grad():
            model.attention.v.mul_(4)  # weights that differ
            seen[arm] = model.look(hidden, region, uniform)
            greedy = model.look(hidden, region, None)
            weight = model.attention(hidden, region)[1]
        if arm == "hard":
            drawn = [int((w.cumsum(0) <= u).sum()) for w, u in zip(weight, uniform, strict=True)]
            for look, wanted in ((seen[arm], drawn), (greedy, weight.argmax(-1).tolist())):
                assert look[3].tolist() == wanted
                taken = region[torch.arange(3), look[3]]
                assert_allclose(look[0], look[2][:, None] * taken, rtol=1e-12)
    gate = seen["soft"][2]
    for arm, used in (
        ("soft", weight),
        ("soft-penalty", weight),
        ("mean", torch.full((3, 144), 1 / 144, dtype=torch.float64)),
        ("shuffled", weight[[2, 0, 1]]),
    ):
        context = gate[:, None] * torch.einsum("br,brd->bd", used, region)
        assert_allclose(seen[arm][0], context, rtol=1e-9, atol=1e-12, err_msg=arm)
        assert_allclose(seen[arm][1], used, rtol=1e-12, err_msg=arm)


def test_hard_begins_as_soft_and_learns_no_draw_meanwhile():
    config, model = made("hard", n_update=8)
    for update in range(8):
        uniform = recipe.batch(config, 0, update)["uniform"]
        assert ((uniform < 0) == (update < 4)).all(), update
    for other in (replace(config, as_soft=0.0), recipe.configure("smoke", "soft")):
        assert (recipe.batch(other, 0, 0)["uniform"] >= 0).all()
    part = tensors(recipe.batch(config, 0, 0))
    image, target, uniform = (part[name] for name in ("image", "target", "uniform"))
    _, soft = made("soft")
    with torch.no_grad():
        told, mean = model(image, target, uniform), soft(image, target)
    assert_allclose(told["score"], mean["score"], atol=1e-5)
    assert (told["choice"] == -1).all()
    surprise = torch.rand(len(image), target.shape[1])
    terms = recipe.hard_terms(config, told, surprise, target != recipe.PADDING)
    assert_array_equal(terms, np.zeros(len(image)))


def test_the_lesson_knows_what_and_not_in_which_order():
    there = torch.tensor([[0.0, 1.0, 2.0, 5.0]]).log().expand(3, 4)
    target = torch.tensor([[4, 6, 2, 0], [6, 4, 2, 0], [5, 2, 0, 0]])
    wanted = [np.log(8 / 1) + np.log(8 / 5)] * 2 + [np.log(8 / 2)]
    assert_allclose(recipe.lesson(there, target), wanted, rtol=1e-6)
    config, model = made("soft", lesson=0.0)
    part = tensors(recipe.batch(config, 0, 0))
    without = recipe.loss(config, model, part, 0.0)
    with_it = recipe.loss(replace(config, lesson=2.0), model, part, 0.0)
    there = model(part["image"], part["target"])["there"]
    more = 2 * recipe.lesson(there, part["target"])
    assert_allclose((with_it - without).detach(), more.detach(), rtol=1e-4)
    assert more.min() > 2 * np.log(2)


def test_regions_are_drawn_as_often_as_they_weigh():
    _, model = made("hard", width=8, d_region=8)
    model.double()
    rng = np.random.default_rng(1)
    hidden = torch.from_numpy(rng.normal(size=(1, 8))).expand(2_000, -1)
    region = torch.from_numpy(rng.normal(size=(1, 144, 8))).expand(2_000, -1, -1)
    with torch.no_grad():
        model.attention.v.mul_(4)
        _, weight, _, choice = model.look(hidden, region, (torch.arange(2_000) + 0.5) / 2_000)
    often = np.bincount(choice, minlength=144) / 2_000
    assert_allclose(often, weight[0], atol=1.01 / 2_000)
    assert weight.max() > 5 * weight.min(), "weights this even show nothing"


def test_greedy_search_says_the_likeliest_word_after_its_own():
    config, model = made("soft")
    part = tensors(recipe.batch(config, 0, 0))
    with torch.no_grad():
        said = model.caption(part["image"])
        assert_array_equal(model(part["image"], said)["score"].argmax(dim=-1), said)


def test_a_word_depends_on_the_words_before_it_alone():
    config, model = made("soft")
    part = tensors(recipe.batch(config, 0, 0))
    other = part["target"].clone()
    other[:, 1:] = 5
    with torch.no_grad():
        first, second = (model(part["image"], t)["score"] for t in (part["target"], other))
    assert_array_equal(first[:, :2], second[:, :2])
    assert (first[:, 2] - second[:, 2]).abs().max() > 1e-3


def test_the_penalty_is_that_of_every_region():
    config, model = made("soft")
    part = tensors(recipe.batch(config, 0, 0))
    with torch.no_grad():
        plain = recipe.loss(config, model, part, 0.0)
        more = recipe.loss(replace(config, penalty=2.0), model, part, 0.0)
        weight = model(part["image"], part["target"])["weight"]
    for i, words in enumerate(part["target"]):
        total = weight[i, : int((words != recipe.PADDING).sum())].sum(dim=0)
        assert_allclose(more[i] - plain[i], 2 * ((1 - total) ** 2).sum(), rtol=1e-4)


# --- the estimator --------------------------------------------------------------------------------


def told_of(score_1, score_2, surprise, baseline):
    """All nine ways to draw two of three regions; the second score depends on the first draw."""
    ways = list(itertools.product(range(3), repeat=2))
    choice = torch.tensor(ways)
    weight = torch.stack([score_1.softmax(-1).expand(9, 3), score_2.softmax(-1)[choice[:, 0]]], 1)
    return {"weight": weight, "choice": choice, "baseline": baseline(choice)}, torch.stack(
        [surprise[0][choice[:, 0]], surprise[1][choice[:, 0], choice[:, 1]]], dim=1
    )


def test_the_estimator_is_right_on_average_by_enumeration():
    rng = np.random.default_rng(2)
    leaves = [torch.from_numpy(rng.normal(size=s)).requires_grad_() for s in ((3,), (3, 3))]
    surprise = [torch.from_numpy(rng.exponential(size=s)) for s in ((3,), (3, 3))]
    guess = torch.from_numpy(rng.normal(size=4))

    def baseline(choice):  # of the state before each draw
        return torch.stack([guess[3].expand(9), guess[:3][choice[:, 0]]], dim=1)

    config = replace(recipe.configure("book", "hard"), entropy=0.0)
    told, each = told_of(*leaves, surprise, baseline)
    taken = torch.take_along_dim(told["weight"], told["choice"][..., None], -1).squeeze(-1)
    chance = taken.prod(dim=1)
    assert_allclose(chance.sum().item(), 1.0)
    exact = torch.autograd.grad((chance * each.sum(dim=1)).sum(), leaves, retain_graph=True)
    terms = recipe.hard_terms(config, told, each, torch.ones(9, 2, dtype=torch.bool))
    found = torch.autograd.grad((chance.detach() * terms).sum(), leaves)
    for got, want in zip(found, exact, strict=True):
        assert want.abs().max() > 0.01
        assert_allclose(got, want, rtol=1e-9, atol=1e-12)


def test_the_estimator_of_the_whole_model_is_right_on_average():
    """One word, every region drawn once, each as heavy as it weighs: the exact gradient."""
    config, model = made("hard", entropy=0.0, lesson=0.0, width=16, d_region=16)
    model.double()
    with torch.no_grad():
        model.attention.v.mul_(6)
    part = tensors(recipe.batch(config, 0, 0), torch.float64)
    image = part["image"][:1].expand(N_REGION, -1, -1, -1)
    target = torch.full((N_REGION, 1), 7)
    with torch.no_grad():
        weight = model(image[:1], target[:1])["weight"][0, 0]
    uniform = (weight.cumsum(0) - weight / 2)[:, None]
    aside = ("baseline", "thing")
    leaves = {n: p for n, p in model.named_parameters() if not n.startswith(aside)}
    told = model(image, target, uniform)
    assert_array_equal(told["choice"][:, 0], np.arange(N_REGION))
    surprise = -told["score"][:, 0].log_softmax(-1)[:, 7]
    exact = torch.autograd.grad((told["weight"][0, 0] * surprise).sum(), leaves.values())
    part = {"image": image, "target": target, "uniform": uniform}
    each = recipe.loss(config, model, part, 0.0)
    found = torch.autograd.grad((weight * each).sum(), leaves.values())
    for name, got, want in zip(leaves, found, exact, strict=True):
        assert_allclose(got, want, rtol=1e-7, atol=1e-9 * float(want.abs().max()), err_msg=name)


def test_the_entropy_is_that_of_the_weights_and_padding_has_none():
    config = replace(recipe.configure("book", "hard"), entropy=0.5)
    weight = torch.tensor([[[0.5, 0.5], [0.25, 0.75], [1.0, 0.0]]], dtype=torch.float64)
    told = {"weight": weight.requires_grad_(), "choice": torch.tensor([[0, 1, 1]])}
    told["baseline"] = torch.tensor([[-4.0, -3.0, 9.0]], dtype=torch.float64)
    surprise = torch.tensor([[1.0, 3.0, 0.0]], dtype=torch.float64)
    mask = torch.tensor([[True, True, False]])
    got = recipe.hard_terms(config, told, surprise, mask)
    # Rewards to go are -4 and -3, so that nothing is gained; the entropies are those of two coins.
    entropy = np.log(2) + 0.25 * np.log(4) + 0.75 * np.log(4 / 3)
    assert_allclose(got.detach(), [-0.5 * entropy], rtol=1e-9)
    got.sum().backward()
    assert torch.isfinite(told["weight"].grad).all()
    assert (told["weight"].grad[0, 2] == 0).all(), "padding is learned from"


# --- runs -----------------------------------------------------------------------------------------


def test_a_short_run_learns():
    config, before = made("soft")
    after, curve = loop.train(recipe, config, seed=0)
    assert curve["update"][-1] == config.n_update
    part = tensors(next(iter(recipe.examples(config, False))))
    with torch.no_grad():
        first, last = (recipe.loss(config, model, part, 0.0).mean() for model in (before, after))
    assert last < first - 1, f"the loss of other pictures went from {first:.2f} to {last:.2f}"
