"""Soft against hard on a grid of patches: one network, true controls, an unbiased gradient."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from attn_course import data
from attn_course.gaussian import recipe as gaussian
from attn_course.preliminaries.modules import Dense
from attn_course.soft_hard import recipe_patches as recipe
from attn_course.soft_hard import task
from attn_course.training import loop

MAIN = [arm for arm in recipe.ARMS if "-tune-" not in arm]


@pytest.fixture(scope="module")
def digits():
    return data.mnist("test", subset=True)[0]


def start(arm="soft", preset="smoke", **change):
    """An untrained network of an arm, in double precision, and its settings."""
    config = replace(recipe.configure(preset, arm), dtype="float64", **change)
    return config, recipe.build(config, torch.Generator().manual_seed(4)).double()


def some(config, n=16):
    """Tensors of one batch."""
    arrays = recipe.batch(replace(config, batch=n), 0, 0)
    return loop.to_tensors(arrays, "cpu", torch.float64)


# The grid ----------------------------------------------------------------------------------------


def test_patches_lie_on_a_regular_grid():
    patch = task.patch_corners()
    assert_array_equal(
        patch, [(row, column) for row in range(0, 33, 8) for column in range(0, 33, 8)]
    )
    assert_array_equal(patch, recipe.PATCHES)
    assert recipe.N_PATCH == 25
    assert_array_equal(task.patch_corners(10, 4, 5), [(0, 0), (0, 5), (5, 0), (5, 5)])


def test_the_chosen_patch_is_cut_where_the_grid_says():
    image = torch.arange(2 * 60 * 60).reshape(2, 60, 60)
    every = recipe._grid(image).flatten(1, 2)
    for k, (row, column) in enumerate(recipe.PATCHES.tolist()):
        cut = image[:, row : row + 28, column : column + 28]
        assert torch.equal(recipe.chosen_patch(image, torch.tensor([k, k])), cut)
        assert torch.equal(every[:, k], cut)


def check_coverage_by_hand(coverage):
    """A bar of 20 pixels in the middle of a digit, and a pixel in the last corner of another."""
    digit = np.zeros((2, 28, 28), np.uint8)
    digit[0, 4:24, 14] = 200
    digit[1, 27, 27] = 10
    patch = task.patch_corners()
    bar, pixel = coverage(digit, np.array([[0, 0], [4, 32]]), patch)
    # The bar spans rows 4 to 23 in column 14: patches that begin in row 8, 16 hold 16, 8 of it.
    expected = np.zeros((5, 5))
    expected[:3, :2] = np.array([20, 16, 8])[:, None] / 20
    assert_allclose(bar.reshape(5, 5), expected)
    # The pixel lies in row 31, column 59: only the last column of patches reaches it.
    expected = np.zeros((5, 5))
    expected[1:4, 4] = 1
    assert_allclose(pixel.reshape(5, 5), expected)


def test_coverage_by_hand():
    check_coverage_by_hand(task.coverage)


def check_against_brute_force(coverage, best_patch, digits):
    """Each digit drawn alone and summed under each patch."""
    digit, patch = digits[:60], task.patch_corners()
    empty = np.zeros_like(digit[:1])
    image, corner = task.strew(np.random.default_rng(3), digit, empty)
    cover = coverage(digit, corner, patch)
    choice = best_patch(cover, corner, patch)
    for i in range(len(digit)):
        ink = [image[i, r : r + 28, c : c + 28].sum(dtype=float) for r, c in patch]
        assert_allclose(cover[i], np.array(ink) / image[i].sum(dtype=float), atol=1e-6)
        best = np.flatnonzero(cover[i] > cover[i].max() - 1e-7)
        assert choice[i] in best
        away = np.hypot(*(patch - corner[i]).T)
        assert away[choice[i]] <= away[best].min() + 1e-9


def test_the_oracle_s_patch_is_the_best_of_25(digits):
    check_against_brute_force(task.coverage, task.best_patch, digits)
    cover, corner = np.array([[0.5, 0.9, 0.9]]), np.array([[0, 20]])
    assert_array_equal(task.best_patch(cover, corner, np.array([[0, 20], [0, 0], [0, 16]])), [2])


def test_the_oracle_nearly_always_sees_the_whole_digit():
    part = recipe.batch(replace(recipe.configure("smoke", "oracle"), batch=400), 0, 0)
    best = part["cover"][np.arange(400), part["oracle"]]
    assert_array_equal(best, part["cover"].max(axis=1))
    assert best.min() > 0.95
    assert best.mean() > 0.999
    assert 0.05 < (part["cover"] >= recipe.COVERED).mean() < 0.2  # by chance one patch is enough


# Arms --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", ["smoke", "book", "paper"])
def test_all_arms_have_the_same_network_and_start_from_the_same_weights(preset):
    first = start("soft", preset)[1].state_dict()
    for arm in MAIN:
        other = start(arm, preset)[1].state_dict()
        for name in first.keys() - {"located"}:
            assert torch.equal(first[name], other[name]), (arm, name)
        assert other.keys() == first.keys()


def test_arms_differ_in_what_their_names_say_and_in_the_learning_rate():
    plain = recipe.configure("book", "soft")
    for arm in MAIN:
        config = recipe.configure("book", arm)
        change = {"model": config.model, "lr": recipe.LR.get(config.model, recipe.LR["oracle"])}
        if arm.startswith("hard-no-"):
            name = arm.removeprefix("hard-no-")
            assert not getattr(config, name)
            change[name] = getattr(config, name)
        if arm == "retrained":
            change["first_lr"] = recipe.LR["hard"]
        assert replace(plain, **change) == config


def test_what_an_arm_does_not_use_is_not_trained():
    """The locator learns in three arms and its baseline in one; the reader learns everywhere."""
    for arm in MAIN:
        config, model = start(arm)
        if arm == "retrained":
            model.located.fill_(True)
        recipe.loss(config, model, some(config), 0.0).sum().backward()
        moved = {name for name, p in model.named_parameters() if p.grad is not None}
        assert moved == {name for name, p in model.named_parameters() if p.requires_grad}
        assert {"reader.w", "hidden.w", "answer.w"} <= moved
        assert ("locator.score.w" in moved) == (config.model in recipe.LEARNT)
        assert ("locator.baseline.w" in moved) == (arm in ("hard", "hard-no-entropy"))


@pytest.mark.parametrize("arm", MAIN)
def test_an_arm_is_trained_and_measured(arm):
    config = replace(recipe.configure("smoke", arm), n_update=10)
    model, curve = loop.train(recipe, config, seed=0)
    assert np.isfinite(curve["loss"]).all()
    result, predicted = loop.evaluate(recipe, config, model, subset=True)
    assert recipe.measure(config, predicted) == result
    assert all(len(a) == config.n_example for a in predicted.values())
    assert ("chosen" in predicted) == (config.model != "uniform")
    assert_array_equal(predicted["best_cover"] >= predicted.get("cover", 0), True)
    if arm not in ("soft", "uniform"):
        assert_array_equal(predicted["one_answer"], predicted["answer"])
    if arm == "oracle":
        assert_array_equal(predicted["oracle_answer"], predicted["answer"])
        assert_array_equal(predicted["best_cover"], predicted["cover"])
    if arm == "soft":
        assert_array_equal(predicted["top_answer"][:, 0], predicted["one_answer"])


@pytest.mark.parametrize("arm", ["hard", "retrained"])
def test_a_resumed_run_equals_the_uninterrupted_one(arm, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "SAVE_EVERY", 0.0)
    config = replace(recipe.configure("smoke", arm), n_update=12)
    whole, curve = loop.train(recipe, config, seed=1)

    class StopError(Exception):
        pass

    def stop_at_7(update, loss):
        if update == 7:
            raise StopError

    file = tmp_path / "state.pt"
    with pytest.raises(StopError):
        loop.train(recipe, config, seed=1, state_file=file, report=stop_at_7)
    monkeypatch.setattr(recipe, "locate", None)  # what the first stage gave is in the state
    resumed, again = loop.train(recipe, config, seed=1, state_file=file)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name
    assert curve["loss"] == again["loss"]


def test_retrained_has_the_places_of_hard_to_the_last_bit_and_a_reader_of_its_own():
    config = replace(recipe.configure("smoke", "hard"), n_update=15)
    config = replace(config, first_lr=config.lr)
    hard, _ = loop.train(recipe, config, seed=2)
    again, _ = loop.train(recipe, replace(config, model="retrained", lr=1e-2), seed=2)
    untouched = recipe.build(config, torch.Generator().manual_seed(2)).state_dict()
    for name, value in hard.state_dict().items():
        same = torch.equal(value, again.state_dict()[name])
        assert same == (name.startswith("locator") or name == "located"), name
        trained = not torch.equal(untouched[name], again.state_dict()[name])
        assert trained == (name != "located"), name
    part = loop.to_tensors(recipe.batch(config, 0, 0), "cpu", torch.float32)
    fixed = replace(config, model="retrained")
    for _ in range(2):  # what is drawn in training is not the noise's: the likeliest place it is
        losses = recipe.loss(fixed, again, part, 0.0)
        choice = again.locator(part["image"])[0].argmax(dim=-1)
        score = again.classify(again.one_feature(part["image"], choice))
        torch.testing.assert_close(losses, recipe._cross_entropy(score, part["label"]))
        part["noise"] = part["noise"].flip(0)


# Batches -----------------------------------------------------------------------------------------


def test_a_batch_is_a_function_of_seed_and_update():
    config = recipe.configure("smoke", "hard")
    first, again = (recipe.batch(config, 0, 3) for _ in range(2))
    for name in first:
        assert_array_equal(first[name], again[name])
    for seed, update in ((1, 3), (0, 4)):
        other = recipe.batch(config, seed, update)
        assert np.abs(other["image"] - first["image"]).max() > 0.1
        assert np.abs(other["noise"] - first["noise"]).max() > 0.1


def test_canvases_are_those_of_the_gaussian_chapter():
    config = recipe.configure("smoke", "soft")
    ours, theirs = recipe.batch(config, 1, 5), None
    settings = replace(gaussian.configure("smoke", "reader-4"), n_train=500, batch=16)
    theirs = gaussian.batch(settings, 1, 5)
    assert_array_equal(ours["image"], theirs["image"][:, 0])
    assert_array_equal(ours["label"], theirs["label"])
    ours = recipe.examples(recipe.configure("book", "soft"), True)
    theirs = gaussian.examples(gaussian.configure("book", "reader-4"), True)
    for _ in range(2):
        one, other = next(ours), next(theirs)
        assert_array_equal(one["image"], other["image"][:, 0])


def test_learning_rates_are_tried_on_digits_set_aside(monkeypatch):
    """Digit k is of the class k here: which of them are drawn?"""

    def numbered(split, subset):
        n = 60_000 if split == "train" else 10_000
        return np.zeros((n, 28, 28), np.uint8), np.arange(n) + 100_000 * (split == "test")

    monkeypatch.setattr(recipe, "_digits", numbered)
    monkeypatch.setattr(recipe, "_scenes", lambda rng, draw, digit, label, pool: {"label": label})
    for arm in recipe.ARMS:
        config = recipe.configure("book", arm)
        drawn = np.concatenate([recipe.batch(config, 0, u)["label"] for u in (0, 1, 2_000)])
        seen = np.concatenate([part["label"] for part in recipe.examples(config, False)])
        assert len(seen) == len(set(seen)) == 10_000
        if "-tune-" in arm:
            assert drawn.max() < 50_000 == seen.min()
            assert seen.max() == 59_999
        else:
            assert drawn.max() > 50_000
            assert seen.min() == 100_000


def test_noise_makes_draws_from_the_softmax():
    score = torch.linspace(-1.5, 1.5, 25)
    noise = recipe.batch(replace(recipe.configure("smoke", "hard"), batch=500), 0, 0)["noise"]
    more = [recipe.batch(recipe.configure("book", "hard"), 0, u)["noise"] for u in range(100)]
    noise = torch.from_numpy(np.concatenate([noise, *more]))
    count = torch.bincount((score + noise).argmax(dim=-1), minlength=25)
    expected = len(noise) * score.softmax(dim=-1)
    assert float(((count - expected) ** 2 / expected).sum()) < 24 + 4 * 48**0.5


# What reaches an answer --------------------------------------------------------------------------


def predicted(arm, **change):
    config, model = start(arm)
    part = some(config, 64) | change
    return recipe.predict(config, model, part)


@pytest.mark.parametrize("arm", MAIN)
def test_neither_the_label_nor_what_the_oracle_knows_leaks(arm):
    plain = predicted(arm)
    other = predicted(arm, label=torch.zeros(64, dtype=torch.int64))
    for name in plain.keys() - {"label"}:
        assert torch.equal(plain[name], other[name]), name
    other = predicted(arm, cover=torch.zeros(64, 25, dtype=torch.float64))
    assert torch.equal(plain["answer"], other["answer"])
    told = predicted(arm, oracle=torch.arange(64) % 25)
    assert torch.equal(plain["answer"], told["answer"]) == (arm != "oracle")
    noisy = predicted(arm, noise=torch.randn(64, 25).double())
    assert torch.equal(plain["answer"], noisy["answer"]) == (arm != "random")


class Counted(recipe.PatchNetwork):
    """A network that notes how many patches are read."""

    def read(self, patch):
        self.n_read = getattr(self, "n_read", 0) + patch.flatten(0, -3).shape[0]
        return super().read(patch)


def check_reads(arm, config, model, part):
    model.n_read = 0
    recipe.glimpse(config, model, part)
    assert model.n_read == len(part["label"]) * (25 if arm in ("soft", "uniform") else 1)


@pytest.mark.parametrize("arm", MAIN)
def test_hard_inference_reads_one_patch(arm):
    config, _ = start(arm)
    model = Counted(config, torch.Generator().manual_seed(4)).double()
    check_reads(arm, config, model, some(config))


def test_what_lies_outside_the_chosen_patch_is_not_read():
    config, model = start("hard")
    image, choice = some(config)["image"], torch.arange(16) + 3
    spoilt = torch.full_like(image, torch.nan)
    for i, k in enumerate(choice.tolist()):
        row, column = recipe.PATCHES[k]
        there = np.s_[i, row : row + 28, column : column + 28]
        spoilt[there] = image[there]
    assert torch.equal(model.one_feature(spoilt, choice), model.one_feature(image, choice))


@pytest.mark.parametrize("arm", MAIN)
def test_operations_are_those_that_are_done(arm, monkeypatch):
    """Every dense layer counts its rows; the averaging counts a product for each feature."""
    config, model = start(arm)
    part = some(config)
    done = []
    forward = Dense.forward

    def counted(self, feature):
        done.append((self, feature.numel() // feature.shape[-1]))
        return forward(self, feature)

    monkeypatch.setattr(Dense, "forward", counted)
    feature = recipe.glimpse(config, model, part)[0]
    model.classify(feature)
    expected = sum(layer.w.numel() * n for layer, n in done if layer is not model.locator.baseline)
    if arm in ("soft", "uniform"):
        expected += 16 * 25 * config.d_feature
    assert 16 * sum(recipe.operations(config).values()) == expected


# Gradients ---------------------------------------------------------------------------------------


def gradient(model, total):
    names = [name for name, p in model.named_parameters() if p.requires_grad]
    weights = [p for p in model.parameters() if p.requires_grad]
    parts = torch.autograd.grad(total, weights, allow_unused=True)
    return dict(zip(names, parts, strict=True))


def check_unbiased(arm="hard", noise_of=lambda k: 1e6 * torch.nn.functional.one_hot(k, 25)):
    """The mean of the loss's gradient over all 25 draws is that of the expected cost."""
    config, model = start(arm, entropy=0.0)
    part = some(config, 3)
    image, label = part["image"], part["label"]
    p = model.locator(image)[0].softmax(dim=-1)
    feature = model.all_features(image)
    cost = torch.stack(
        [recipe._cross_entropy(model.classify(feature[:, k]), label) for k in range(25)], dim=-1
    )
    exact = gradient(model, (p * cost).sum())
    fixed = p.detach()
    total = 0.0
    for k in range(25):
        drawn = torch.full((3,), k)
        losses = recipe.loss(config, model, part | {"noise": noise_of(drawn).double()}, 0.0)
        total = total + (fixed[:, k] * losses).sum()
    mean = gradient(model, total)
    scale = exact["locator.score.w"].abs().max()
    assert scale > 1e-4
    for name, value in exact.items():
        if "baseline" not in name:
            torch.testing.assert_close(mean[name], value, rtol=1e-7, atol=1e-9, msg=name)
    if config.baseline:
        expected = (fixed * (model.locator(image)[1][:, None] - cost.detach())).sum()
        torch.testing.assert_close(mean["locator.baseline.b"][0], expected)


def test_the_score_function_gradient_is_that_of_the_expected_cost():
    check_unbiased()


def test_without_a_baseline_it_is_too():
    check_unbiased("hard-no-baseline")


def test_the_entropy_s_gradient():
    score = torch.linspace(-1, 2, 25).double().repeat(2, 1).requires_grad_()
    flat = torch.zeros(2).double()
    losses = recipe.score_function_loss(score, torch.tensor([3, 4]), flat, flat, 0.3)
    p = score.softmax(dim=-1)
    entropy = -(p * p.log()).sum()
    want = torch.autograd.grad(-0.3 * entropy, score)[0]
    torch.testing.assert_close(torch.autograd.grad(losses.sum(), score)[0], want)


def test_gumbel_reads_one_patch_forwards_and_is_relaxed_backwards():
    config, model = start("gumbel", temperature=0.7)
    part = some(config)
    image, label = part["image"], part["label"]
    score = model.locator(image)[0].detach().requires_grad_()
    model.locator.forward = lambda image: (score, None)
    losses = recipe.loss(config, model, part, 0.0)
    feature = model.all_features(image)
    choice = (score + part["noise"]).argmax(dim=-1)
    seen = feature[torch.arange(16), choice].detach().requires_grad_()
    cost = recipe._cross_entropy(model.classify(seen), label)
    torch.testing.assert_close(losses, cost)
    slope = torch.autograd.grad(cost.sum(), seen)[0]
    worth = torch.einsum("bkd,bd->bk", feature, slope)
    p = ((score + part["noise"]) / 0.7).softmax(dim=-1)
    want = p * (worth - (p * worth).sum(dim=-1, keepdim=True)) / 0.7
    torch.testing.assert_close(torch.autograd.grad(losses.sum(), score)[0], want)


def test_soft_is_the_weighted_mean_of_features():
    config, model = start("soft")
    part = some(config)
    feature, choice, most = recipe.glimpse(config, model, part)
    weight = model.locator(part["image"])[0].softmax(dim=-1)
    for i in range(16):
        expected = 0
        for k, (row, column) in enumerate(recipe.PATCHES):
            patch = part["image"][i, row : row + 28, column : column + 28]
            expected = expected + weight[i, k] * model.read(patch)
        torch.testing.assert_close(feature[i], expected)
    assert torch.equal(weight.argmax(dim=-1), choice)
    assert torch.equal(weight.max(dim=-1).values, most)
    config = replace(config, model="uniform")
    even = recipe.glimpse(config, model, part)[0]
    torch.testing.assert_close(even, model.all_features(part["image"]).mean(dim=1))


def test_with_all_patches_the_most_looked_at_are_all_there_are(monkeypatch):
    monkeypatch.setattr(recipe, "TOP", (25,))
    config, model = start("soft")
    kept = recipe.predict(config, model, some(config, 64))
    assert torch.equal(kept["top_answer"][:, 0], kept["answer"])


# Measure -----------------------------------------------------------------------------------------


def check_measure(measure):
    config = recipe.configure("smoke", "hard")
    arrays = {
        "label": [1, 2, 3, 4, 5, 6, 7, 8],
        "answer": [1, 2, 3, 0, 0, 6, 0, 0],
        "one_answer": [1, 2, 3, 0, 0, 6, 0, 0],
        "oracle_answer": [1, 2, 3, 4, 5, 6, 0, 0],
        "chosen": [0] * 8,
    }
    kept = {name: np.array(a, np.uint8) for name, a in arrays.items()}
    kept["cover"] = np.array([1, 1, 0.8, 0.9, 1, 0.79, 0.5, 0], np.float16)
    kept["best_cover"] = np.array([1, 1, 1, 1, 1, 1, 1, 0.7], np.float16)
    kept["weight"] = np.full(8, 0.5, np.float16)
    result = measure(config, kept)
    expected = {
        "error": 4 / 8, "oracle_error": 2 / 8, "one_error": 4 / 8, "covered": 5 / 8,
        "error_covered": 2 / 5, "error_missed": 2 / 3, "part_covered": 2 / 8, "part_missed": 2 / 8,
        "perfect_error": 3 / 8, "perfect_oracle": 1 / 8, "weight": 0.5,
    }  # fmt: skip
    assert {k: result[k] for k in expected} == pytest.approx(expected)
    assert result["error"] == pytest.approx(
        result["covered"] * result["error_covered"]
        + (1 - result["covered"]) * result["error_missed"]
    )
    kept["cover"][:] = 1
    assert measure(config, kept)["error_missed"] is None


def test_measure_by_hand():
    check_measure(recipe.measure)


# Wrong versions ----------------------------------------------------------------------------------


def undetached(score, choice, cost, baseline, entropy):
    log_p = score.log_softmax(dim=-1).gather(-1, choice[:, None])[:, 0]
    return (cost - baseline) * log_p + 0.5 * (cost.detach() - baseline).square()


def wrong_sign(score, choice, cost, baseline, entropy):
    log_p = score.log_softmax(dim=-1).gather(-1, choice[:, None])[:, 0]
    return (baseline - cost).detach() * log_p + 0.5 * (cost.detach() - baseline).square()


def probability_instead_of_its_logarithm(score, choice, cost, baseline, entropy):
    p = score.softmax(dim=-1).gather(-1, choice[:, None])[:, 0]
    return (cost - baseline).detach() * p + 0.5 * (cost.detach() - baseline).square()


def baseline_moves_the_cost(score, choice, cost, baseline, entropy):
    log_p = score.log_softmax(dim=-1).gather(-1, choice[:, None])[:, 0]
    return (cost - baseline).detach() * log_p + 0.5 * (cost - baseline).square()


def nothing(score, choice, cost, baseline, entropy):
    return 0.5 * (cost.detach() - baseline).square()


SCORE_FUNCTIONS = (
    undetached,
    wrong_sign,
    probability_instead_of_its_logarithm,
    baseline_moves_the_cost,
    nothing,
)


@pytest.mark.parametrize("wrong", SCORE_FUNCTIONS, ids=lambda wrong: wrong.__name__)
def test_wrong_score_functions_are_rejected(wrong, monkeypatch):
    monkeypatch.setattr(recipe, "score_function_loss", wrong)
    with pytest.raises(AssertionError):
        check_unbiased()


def columns_for_rows(digit, corner, patch, side=28):
    return task.coverage(digit.transpose(0, 2, 1), corner, patch, side)


def one_pixel_short(digit, corner, patch, side=28):
    return task.coverage(digit, corner, patch, side - 1)


def shares_of_the_canvas(digit, corner, patch, side=28):
    ink = digit.reshape(len(digit), -1).sum(axis=1, dtype=float)[:, None]
    return (task.coverage(digit, corner, patch, side) * ink / (255 * side**2)).astype(np.float32)


@pytest.mark.parametrize("wrong", [columns_for_rows, one_pixel_short, shares_of_the_canvas])
def test_wrong_coverages_are_rejected(wrong, digits):
    for check in (
        lambda: check_coverage_by_hand(wrong),
        lambda: check_against_brute_force(wrong, task.best_patch, digits),
    ):
        with pytest.raises(AssertionError):
            check()


def the_first_of_the_best(cover, corner, patch):
    return cover.argmax(axis=1)


def the_nearest(cover, corner, patch):
    return ((patch - corner[:, None] - 4) ** 2).sum(axis=-1).argmin(axis=1)


def the_worst(cover, corner, patch):
    return cover.argmin(axis=1)


@pytest.mark.parametrize("wrong", [the_first_of_the_best, the_nearest, the_worst])
def test_wrong_oracles_are_rejected(wrong, digits):
    with pytest.raises(AssertionError):
        check_against_brute_force(task.coverage, wrong, digits)


class ReadsAll(Counted):
    """Hard in name: all patches are read and one is kept."""

    def one_feature(self, image, choice):
        return self.all_features(image)[torch.arange(len(image)), choice]


def test_a_hard_network_that_reads_all_patches_is_rejected():
    config, _ = start("hard")
    model = ReadsAll(config, torch.Generator().manual_seed(4)).double()
    with pytest.raises(AssertionError):
        check_reads("hard", config, model, some(config))


def test_a_measure_that_takes_another_share_for_covered_is_rejected(monkeypatch):
    for share in (0.75, 0.85):
        monkeypatch.setattr(recipe, "COVERED", share)
        with pytest.raises(AssertionError):
            check_measure(recipe.measure)
