"""How the classifiers are made: equal sizes, batches of seed and update alone, a true measure."""

import numpy as np
import pytest
import torch

from attn_course.gaussian.functional import draw_window
from attn_course.spatial_transformer import recipe, recipe_race, reference, task
from attn_course.training import loop

ARMS = (
    *("rotated-fcn-1k", "rts-cnn-1k", "rotated-st-fcn-1k", "rts-st-cnn-1k", "strip-50"),
    *("clutter-st-fcn", "clutter-gaussian-700", "clutter-tied-700", "clutter-bilinear-2x2-700"),
    "clutter-frame-grey",
)


@pytest.mark.parametrize("arm", [arm for arm in recipe.ARMS if "-tune-" not in arm])
@pytest.mark.parametrize("preset", ["book", "paper"])
def test_all_models_of_a_preset_have_as_many_parameters(arm, preset):
    config = recipe.configure(preset, arm)
    model = recipe.build(config, torch.Generator().manual_seed(0))
    assert abs(recipe.n_parameter(model) / config.n_parameter - 1) < 0.01


@pytest.mark.parametrize("arm", ARMS)
def test_an_arm_is_trained_and_measured(arm):
    config = recipe.configure("smoke", arm)
    model, curve = loop.train(recipe, config, seed=0)
    assert np.isfinite(curve["loss"]).all()
    result, predicted = loop.evaluate(recipe, config, model, subset=True)
    assert recipe.measure(config, predicted) == result
    assert predicted["wrong"].size == config.n_example
    assert 0 <= result["error"] <= 1


def test_a_batch_is_a_function_of_seed_and_update():
    config = recipe.configure("smoke", "rotated-fcn-1k")
    first, again = (recipe.batch(config, 0, 3)["image"] for _ in range(2))
    np.testing.assert_array_equal(first, again)
    for seed, update in ((1, 3), (0, 4)):
        assert np.abs(recipe.batch(config, seed, update)["image"] - first).max() > 0.1


@pytest.mark.parametrize("arm", recipe.BOOK)
def test_an_arm_learns_from_as_many_digits_as_its_name_says(arm, monkeypatch):
    """Digit k is of the class k here: which of them do batches draw?"""
    asked = []

    def numbered(split, subset):
        asked.append((split, subset))
        n = 5_000 if subset else 60_000
        return np.zeros((n, 28, 28), np.uint8), np.arange(n)

    monkeypatch.setattr(recipe, "_digits", numbered)
    monkeypatch.setattr(recipe, "clutter", lambda rng, digit, others: digit)
    monkeypatch.setattr(recipe.task, "distorted", lambda rng, digit, kind: digit)
    config = recipe.configure("book", arm)
    drawn = [recipe.batch(config, 0, update)["label"] for update in (0, 1, 10_000)]
    assert 0.9 * config.n_train < np.max(drawn) < config.n_train
    assert asked == [("train", False)] * 3
    assert config.n_train <= 50_000 or not config.tune  # the last 10,000 are set aside
    size = arm.rsplit("-", 1)[-1]
    assert config.n_train == recipe.SIZES.get(size, config.n_train)


def test_the_examples_are_the_same_for_every_model():
    one, other = (
        next(recipe.examples(recipe.configure("smoke", f"rts-{name}-1k"), True))["image"]
        for name in ("fcn", "st-cnn")
    )
    np.testing.assert_array_equal(one, other)


def test_a_transformer_that_undoes_the_turn_leaves_no_tilt():
    """A warp that is the pose itself, in normalised coordinates, sets every digit upright."""
    config = recipe.configure("smoke", "rotated-st-fcn-1k")
    part = next(recipe.examples(config, True))
    pose = torch.from_numpy(part["pose"])

    class Straightens(torch.nn.Module):
        def forward(self, image):
            raw = torch.cat([pose[:, :2, :2], torch.zeros(len(pose), 2, 1)], dim=-1).flatten(1)
            return torch.zeros(len(pose), 10), raw

    tensors = loop.to_tensors(part, "cpu", torch.float32)
    upright = recipe.predict(config, Straightens(), tensors)
    assert upright["tilt"].abs().max() == 0
    assert set(upright["scale"].tolist()) == {100}
    start = recipe.build(config, torch.Generator().manual_seed(0))
    as_it_is = recipe.predict(config, start, tensors)["tilt"].numpy()
    turned = np.degrees(np.arctan2(part["pose"][:, 1, 0], part["pose"][:, 0, 0]))
    np.testing.assert_allclose(as_it_is, turned, atol=0.51)
    wrong = np.zeros(len(turned), np.uint8)
    half = np.full(len(turned), 50)
    measured = recipe.measure(config, {"wrong": wrong, "tilt": as_it_is, "scale": half})
    assert measured["scale"] == 0.5
    spread = measured["tilt"]
    assert 40 < spread < 65  # 52 for a uniform turn within 90 degrees either way


def window(generator, n=5):
    """Raw numbers of windows inside an image of 60 by 60, std as large as half a stride."""
    raw = 0.3 * torch.rand(n, 5, generator=generator) - 0.15
    raw[:, 3] -= 1.0
    stride = 59 / 11 * raw[:, 3].exp()
    raw[:, 2] = 2 * (0.5 * stride).log()
    return raw


def test_the_readers_differ_in_how_they_read_and_in_nothing_else():
    """One window, three ways: its own std, a tied one, and points where the Gaussians stand."""
    generator = torch.Generator().manual_seed(3)
    image = torch.rand(5, 1, 60, 60, generator=generator)
    raw = window(generator)
    read = {name: look(image, raw, 12) for name, look in recipe.READERS.items()}
    torch.testing.assert_close(read["tied"], read["gaussian"], rtol=1e-4, atol=1e-5)
    mean, _, stride, intensity = draw_window(raw, (60, 60), 12)
    for n in range(5):
        place = (mean[n] + stride[n] * torch.arange(12)[:, None]).double().numpy()  # (12, 2)
        x, y = np.meshgrid(place[:, 0], place[:, 1])
        grid = np.stack([reference.normalised_position(p, 60) for p in (x, y)], axis=-1)
        by_hand = reference.bilinear_sample(image[n].double().numpy(), grid)
        np.testing.assert_allclose(read["bilinear"][n] / intensity[n], by_hand, atol=1e-4)
    other = raw.clone()
    other[:, 2] += 1  # the std, which the others do not use
    for name, look in recipe.READERS.items():
        same = torch.equal(look(image, other, 12), read[name])
        assert same == (name != "gaussian")


def test_four_samples_a_pixel_are_the_mean_over_its_quarters():
    """On stripes of one pixel under a stride of two, one sample sees stripes and four see grey."""
    stripes = (torch.arange(60) % 2).float().expand(1, 1, 60, 60)
    raw = torch.tensor([[0.0, 0.0, 0.0, np.log(2 * 11 / 59), 0.0]], dtype=torch.float32)
    raw[0, :2] = (29.0 + 0.5 - 29.5) / 30.5 + 0.5 / 30.5  # centres of the window on whole pixels
    one, four = (recipe.READERS[name](stripes, raw, 12) for name in ("bilinear", "bilinear-2x2"))
    assert float((one - 0.5).abs().min()) > 0.4
    torch.testing.assert_close(four, torch.full_like(four, 0.5), atol=1e-4, rtol=0)


def test_an_arm_of_the_frames_collapses_in_the_picture_and_not_in_black():
    """What the grey frame is: a normalised black digit is not zero, an unnormalised one is."""
    for name, outside in (("black", 0.0), ("grey", 0.0), ("border", None)):
        for short in ("rotated", "clutter"):
            config = recipe.configure("book", f"{short}-frame-{name}")
            image = next(recipe.examples(config, True))["image"]
            corner = float(image[0, 0, 0, 0])
            assert config.padding == ("zeros" if outside == 0 else "border")
            assert (corner == 0) == (name == "black")


def test_a_window_of_the_race_on_its_target_stays():
    """The loss is zero and its gradient too where a window starts at home."""
    for arm in ("gaussian", "bilinear", "bilinear-3.0"):
        config = recipe_race.configure("smoke", arm)
        model = recipe_race.build(config, torch.Generator().manual_seed(0))
        with torch.no_grad():
            model.centre.copy_(model.target)
            model.log_stride.zero_()
        part = loop.to_tensors(recipe_race.batch(config, 0, 0), "cpu", torch.float32)
        loss = recipe_race.loss(config, model, part, 0.0)
        loss.sum().backward()
        assert loss.max() < 1e-8
        assert model.centre.grad.abs().max() < 1e-3
        predicted = {
            k: v.detach().numpy() for k, v in recipe_race.predict(config, model, {}).items()
        }
        assert recipe_race.found(predicted).all()


def test_the_two_windows_of_the_race_are_blurred_alike():
    """On a photograph of one bright pixel both readings have the same spread."""
    photo = torch.zeros(1, 128, 128)
    photo[0, 64, 64] = 1
    which, centre = torch.zeros(1, dtype=torch.long), torch.tensor([[64.5, 64.5]])
    one = torch.ones(1, 2)
    spread = {}
    for sampler in ("gaussian", "bilinear"):
        config = recipe_race.Config(sampler=sampler)
        seen = recipe_race.look(config, photo, which, centre, one, 3.0 * one)[0].double()
        place = torch.arange(recipe_race.GLIMPSE, dtype=torch.float64)
        profile = seen.sum(dim=0) / seen.sum()
        mean = (profile * place).sum()
        spread[sampler] = float((profile * (place - mean) ** 2).sum())
    assert spread["gaussian"] == pytest.approx(9.0, rel=0.02)
    assert spread["bilinear"] == pytest.approx(spread["gaussian"], rel=0.02)


def test_distortions_have_short_names():
    assert tuple(recipe.SHORT.values()) == task.DISTORTIONS
