"""How the runs of the recurrent model are made: sizes, batches, places, losses, a true measure."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from attn_course.soft_hard import recipe
from attn_course.training import loop

ARMS = (
    *("plain-learned-6", "plain-near-6", "plain-grid-6", "plain-dense", "plain-std-0.2"),
    *("translated-random", "cluttered-convolution", "few-translated-draws"),
)


def made(arm, preset="smoke", **change):
    config = replace(recipe.configure(preset, arm), **change)
    return config, recipe.build(config, torch.Generator().manual_seed(0))


def n_parameter(arm):
    return sum(p.numel() for p in made(arm, "book")[1].parameters())


def tensors(config, update=0):
    return {k: torch.from_numpy(v) for k, v in recipe.batch(config, 0, update).items()}


@pytest.mark.parametrize("arm", ARMS)
def test_an_arm_is_trained_and_measured(arm):
    config, _ = made(arm)
    model, curve = loop.train(recipe, config, seed=0)
    assert np.isfinite(curve["loss"]).all()
    result, predicted = loop.evaluate(recipe, config, model, subset=True)
    assert recipe.measure(config, predicted) == result
    assert predicted["answer"].size == config.n_example
    assert result["error"] == np.mean(predicted["answer"] != predicted["label"])


@pytest.mark.parametrize("kind", ["plain", "translated", "cluttered"])
def test_the_models_of_one_table_are_of_one_size(kind):
    """Within a twentieth."""
    learned = "plain-learned-6" if kind == "plain" else f"{kind}-learned"
    sizes = [n_parameter(arm) for arm in (learned, f"{kind}-dense", f"{kind}-convolution")]
    assert max(sizes) / min(sizes) < 1.05, sizes


def test_a_batch_is_a_function_of_seed_and_update():
    config, _ = made("cluttered-learned")
    first, again = (recipe.batch(config, 0, 3) for _ in range(2))
    for name, array in first.items():
        np.testing.assert_array_equal(array, again[name])
    for seed, update in ((1, 3), (0, 4)):
        other = recipe.batch(config, seed, update)
        assert np.abs(other["image"] - first["image"]).max() > 0.1
        assert np.abs(other["noise"] - first["noise"]).max() > 0.1


@pytest.mark.parametrize("kind", ["translated", "cluttered"])
def test_the_examples_are_the_same_for_every_policy(kind):
    images = [
        next(recipe.examples(made(f"{kind}-{policy}")[0], True))["image"]
        for policy in ("learned", "grid", "dense")
    ]
    for image in images[1:]:
        np.testing.assert_array_equal(image, images[0])


def test_the_places_of_the_grid_by_hand():
    near = recipe.CENTRAL / 2
    four = [[-near, -near], [near, -near], [-near, near], [near, near]]
    np.testing.assert_allclose(recipe.places(made("plain-grid-4")[0]), four)
    two = [[0, -0.5], [0, 0.5]]
    np.testing.assert_allclose(recipe.places(made("few-translated-grid")[0]), two)
    assert recipe.places(made("plain-grid-6")[0]).shape == (6, 2)
    np.testing.assert_array_equal(recipe.places(made("plain-centre-6")[0]), np.zeros((6, 2)))


@pytest.mark.parametrize(("policy", "reach"), [("random", 1.0), ("near", 0.5)])
def test_random_places_fill_their_square(policy, reach):
    config, _ = made("plain-random-6", policy=policy, batch=128)
    place = recipe.batch(config, 0, 0)["place"]
    assert np.abs(place).max() <= reach
    np.testing.assert_allclose(place.mean(axis=(0, 1, 2)), 0, atol=4 * reach / np.sqrt(3 * 768))
    assert place.std() == pytest.approx(reach / np.sqrt(3), rel=0.05)


def test_digits_set_aside_are_not_trained_on(monkeypatch):
    monkeypatch.setattr(
        recipe,
        "_digits",
        lambda split, subset: (np.zeros((60_000, 28, 28), np.uint8), np.arange(60_000)),
    )
    config, _ = made("plain-dense", "book", tune=True)
    drawn = [recipe.batch(config, 0, update)["label"].max() for update in range(20)]
    assert 45_000 < max(drawn) < 50_000
    seen = [part["label"] for part in recipe.examples(config, False)]
    np.testing.assert_array_equal(np.sort(np.concatenate(seen)), np.arange(50_000, 60_000))


def gradients(config, model, part):
    model.zero_grad()
    recipe.loss(config, model, part, 0.0).sum().backward()
    return {n: None if p.grad is None else p.grad.clone() for n, p in model.named_parameters()}


def test_fixed_places_teach_no_policy_and_draws_no_baseline():
    config, model = made("plain-grid-6")
    found = gradients(config, model, tensors(config))
    assert all(found[n] is None for n in ("mean.w", "mean.b", "baseline.w"))
    config, model = made("few-translated-draws")
    found = gradients(config, model, tensors(config))
    assert found["mean.w"].norm() > 0
    assert found["baseline.w"] is None or not found["baseline.w"].any()


def test_walks_that_are_all_right_or_all_wrong_teach_the_policy_nothing():
    """Their rewards are equal, so that each is its own leave-one-out baseline."""
    config, model = made("few-translated-draws")
    part = tensors(config)
    with torch.no_grad():
        model.answer.b[0] = 1e4
    assert gradients(config, model, part)["mean.w"].abs().max() == 0


def test_two_walks_by_hand():
    """The policy's gradient for one image and two walks, of which one is right."""
    config, model = made("plain-learned-2", n_draw=2, batch=64, dtype="float64")
    model = model.double()
    part = {k: v.double() if v.is_floating_point() else v for k, v in tensors(config).items()}
    with torch.no_grad():
        image = part["image"][:, None].expand(-1, 2, -1, -1, -1)
        score, location, mean, _ = model(image, part["noise"], config.std)
    right = (score.argmax(dim=-1) == part["label"][:, None]).double()
    [one, *_] = (right.sum(dim=1) == 1).nonzero()[:, 0].tolist()
    alone = {k: v[one : one + 1] for k, v in part.items()}
    found = gradients(config, model, alone)["mean.b"]
    sign = 2 * right[one] - 1  # reward less that of the other walk
    slope = (location - mean)[one, :, 1] / config.std**2 * (1 - mean[one, :, 1] ** 2)  # of tanh
    torch.testing.assert_close(found, -(sign[:, None] * slope).mean(dim=0))


def test_the_test_of_a_learned_policy_draws_nothing():
    config, model = made("plain-learned-6")
    part = next(recipe.examples(config, True))
    part = {k: torch.from_numpy(v) for k, v in part.items()}
    one = recipe.predict(config, model, part)
    other = recipe.predict(config, model, part | {"noise": -part["noise"]})
    torch.testing.assert_close(one["answer"], other["answer"])
    torch.testing.assert_close(one["place"], other["place"])
    assert not one["place"][:, 0].any(), "the first glimpse is in the middle"
    with torch.no_grad():
        score, location, _, _ = model(part["image"], 0 * part["noise"][:, 0], 0.0)
    torch.testing.assert_close(one["answer"].long(), score.argmax(dim=-1))
    torch.testing.assert_close(one["place"], location.half())


def test_the_walk_and_the_spread_by_hand():
    config, _ = made("plain-learned-2")
    place = np.array([[[0, 0], [0.3, 0.4]], [[0, 0], [-0.3, 0.4]]], np.float16)
    label = np.array([1, 2], np.uint8)
    found = recipe.measure(
        config, {"label": label, "answer": label, "drawn": 0 * label, "place": place}
    )
    assert found["error"] == 0
    assert found["error_drawn"] == 1
    assert found["walk"] == pytest.approx(0.5, abs=1e-3)
    assert found["spread"] == pytest.approx(0.3 / 4, abs=1e-3)
