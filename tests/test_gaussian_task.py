"""The chapter's tasks and losses: exact truth, and losses that do what their names say."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from attn_course import data
from attn_course.gaussian import task


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.fixture(scope="module")
def digits():
    return data.mnist("test", subset=True)[0]


def a_film(rng, digits, n_hidden=0, n=3, n_frame=20):
    photo = np.full((1, 70, 80), 0.5, np.float32)
    return task.film(rng, digits[:n], digits, photo, n_frame, np.full(n, n_hidden))


def test_grey_keeps_the_mean_of_the_middle_square():
    whole = data.photograph("cat").mean(axis=-1) / 255
    side = min(whole.shape) // 64 * 64
    top, left = ((s - side) // 2 for s in whole.shape)
    small = task.grey("cat", 64)
    assert small.shape == (64, 64)
    square = whole[top : top + side, left : left + side]
    assert_allclose(small.mean(), square.mean(), rtol=1e-5)
    block = side // 64
    assert_allclose(small[3, 5], square[3 * block :, 5 * block :][:block, :block].mean(), rtol=1e-5)


def test_starts_are_as_far_away_as_they_say(rng):
    target, start, stride, distance = task.crop_starts(rng, 128, 24, (2.0, 24.0), 50)
    half = 23 / 2
    moved = (start + half * stride) - (target + half)
    assert_allclose(np.hypot(*moved.T), distance)
    assert_array_equal(distance, np.repeat([2.0, 24.0], 50))
    assert_array_equal(target, np.rint(target))
    for corner, step in ((target, np.ones_like(stride)), (start, stride)):
        assert (corner >= 0).all()
        assert (corner + 23 * step <= 127).all()
    assert np.abs(np.log(stride)).max() <= 0.2 + 1e-12


def test_clutter_holds_the_whole_digit_and_its_pieces(rng, digits):
    image = task.clutter(rng, digits[:20], digits, n_piece=4)
    assert image.shape == (20, 60, 60)
    assert image.dtype == np.float32
    for canvas, digit in zip(image, digits[:20], strict=True):
        windows = np.lib.stride_tricks.sliding_window_view(canvas, (28, 28))
        holds = (windows >= digit / np.float32(255) - 1e-6).all(axis=(2, 3))
        assert holds.any(), "nowhere does the canvas cover the digit"
    plain = task.clutter(rng, digits[:20], digits, n_piece=0)
    assert_allclose(plain.sum(), digits[:20].sum() / 255, rtol=1e-5)
    assert image.mean() > plain.mean()


def test_clutter_is_a_function_of_the_generator(digits):
    one, same, other = (
        task.clutter(np.random.default_rng(seed), digits[:4], digits) for seed in (1, 1, 2)
    )
    assert_array_equal(one, same)
    assert np.abs(one - other).max() > 0.5


def test_a_path_stays_within_its_walls_and_its_speed(rng):
    low, high = np.array([2.0, 10.0]), np.array([20.0, 13.0])
    for _ in range(30):
        path = task.drift(rng, 60, low, high, (1.0, 3.0), 0.3)
        assert (path >= low).all()
        assert (path <= high).all()
        assert np.abs(np.diff(path, axis=0)).max() <= 3 + 1e-12
        assert np.abs(np.diff(path, axis=0)).max() > 0.5


def test_resize_known_numbers():
    image = np.array([[0.0, 1.0]], np.float32)
    assert_allclose(task.resize(image, (1, 4)), [[0, 0.25, 0.75, 1]], atol=1e-6)
    assert_allclose(task.resize(image, (2, 2)), [[0, 1], [0, 1]])
    assert_allclose(task.resize(np.ones((5, 7), np.float32), (3, 11)), np.ones((3, 11)), rtol=1e-6)


def test_a_box_is_tight_around_the_ink_and_hidden_frames_show_the_scene(rng, digits):
    frame, ink, box, visible = a_film(rng, digits, n_hidden=4)
    assert_array_equal((~visible).sum(axis=1), 4)
    for i in range(3):
        for t in range(20):
            ys, xs = np.nonzero(ink[i, t] > 0)
            x, y, wide, high = box[i, t]
            low, top = x - (wide - 1) / 2, y - (high - 1) / 2
            assert low <= xs.min()
            assert xs.max() <= low + wide - 1
            assert top <= ys.min()
            assert ys.max() <= top + high - 1
            assert xs.max() - xs.min() >= wide - 3, "a pixel of faint ink either side, no more"
            assert ys.max() - ys.min() >= high - 3
        gone = np.flatnonzero(~visible[i])
        assert_array_equal(np.diff(gone), 1)
        assert 6 <= gone[0] <= 12
        there = np.flatnonzero(visible[i])
        assert_array_equal(frame[i, gone[0]], frame[i, gone[-1]])
        shown = ink[i, there[0]]
        scene = frame[i, gone[0]]
        assert_allclose(frame[i, there[0]], scene * (1 - shown) + shown, atol=1e-6)


def test_overlap_known_numbers():
    box = np.tile([4.0, 4.0, 2.0, 4.0], (4, 1))
    other = np.array([[4, 4, 2, 4], [5, 4, 2, 4], [4, 6, 2, 4], [9, 9, 2, 4]], float)
    assert_allclose(task.intersection_over_union(box, other), [1, 1 / 3, 1 / 3, 0])


def test_a_template_follows_what_only_moves():
    rng = np.random.default_rng(0)
    patch, film = rng.random((6, 4)), np.zeros((5, 40, 40))
    truth = []
    for t, (x, y) in enumerate([(10, 20), (13, 18), (15, 22), (9, 25), (3, 30)]):
        film[t, y : y + 6, x : x + 4] = patch
        truth.append([x + 1.5, y + 2.5, 4, 6])
    found = task.match_template(film, np.array(truth[0]))
    assert_allclose(found, truth)


# The losses; from here on torch is needed.


@pytest.fixture
def tracking(rng, digits):
    torch = pytest.importorskip("torch")
    from attn_course.gaussian import recipe
    from attn_course.training.loop import to_tensors

    frame, ink, box, visible = a_film(rng, digits, n_hidden=5)
    arrays = {"frame": frame, "ink": ink, "box": box, "visible": visible}
    config = replace(recipe.configure("smoke", "track"), n_filter=8)
    model = recipe.build(config, torch.Generator().manual_seed(0)).double()
    return recipe, config, model, to_tensors(arrays, "cpu", torch.float64)


@pytest.mark.parametrize("name", ["box_loss", "coverage_loss", "appearance_loss"])
def test_each_loss_alone_adds_up_to_the_whole(tracking, name):
    import torch

    recipe, config, model, part = tracking
    names = ("box_loss", "coverage_loss", "appearance_loss")
    alone = {
        n: recipe.loss(replace(config, **dict.fromkeys(set(names) - {n}, 0.0)), model, part, 0.0)
        for n in names
    }
    torch.testing.assert_close(sum(alone.values()), recipe.loss(config, model, part, 0.0))
    assert (alone[name] > 0).all()
    without = recipe.loss(replace(config, **{name: 0.0}), model, part, 0.0)
    torch.testing.assert_close(without + alone[name], recipe.loss(config, model, part, 0.0))


def test_a_box_that_is_right_costs_nothing_and_hidden_frames_do_not_count(tracking, monkeypatch):
    import torch

    recipe, config, model, part = tracking
    only_box = replace(config, coverage_loss=0.0, appearance_loss=0.0)
    score = torch.zeros(3, 20, 8, 8, dtype=torch.float64)

    def answer(box):
        monkeypatch.setattr(type(model), "forward", lambda self, frame, first: (box, box, score))
        return recipe.loss(only_box, model, part, 0.0)

    assert_allclose(answer(part["box"]).numpy(), -np.log(1.001), rtol=1e-9, atol=1e-3)
    elsewhere = part["box"].clone()
    elsewhere[~part["visible"]] += 30
    torch.testing.assert_close(answer(elsewhere), answer(part["box"]))
    elsewhere[:, 3] += 30
    assert (answer(elsewhere) > answer(part["box"]) + 0.1).all()


def test_coverage_wants_the_box_inside_and_the_window_small(tracking, monkeypatch):
    import torch

    recipe, config, model, part = tracking
    only = replace(config, box_loss=0.0, appearance_loss=0.0)
    score = torch.zeros(3, 20, 8, 8, dtype=torch.float64)

    def loss_of(window):
        monkeypatch.setattr(
            type(model), "forward", lambda self, frame, first: (part["box"], window, score)
        )
        return recipe.loss(only, model, part, 0.0)

    box = part["box"]
    twice = torch.cat([box[..., :2], 2 * box[..., 2:]], dim=-1)
    moved = twice.clone()
    moved[..., 0] += 2 * box[..., 2]
    whole = torch.tensor([31.5, 31.5, 64, 64], dtype=torch.float64).expand_as(box)
    assert (loss_of(twice) < loss_of(moved)).all()
    assert (loss_of(twice) < loss_of(whole)).all()


def test_a_cleared_state_knows_nothing_of_earlier_frames(tracking):
    import torch

    recipe, config, model, part = tracking
    forgetful = recipe.build(
        replace(config, memory=False), torch.Generator().manual_seed(0)
    ).double()
    patch_box = part["box"][:, 0]
    one = forgetful(part["frame"][:, :1], patch_box)[0]
    torch.testing.assert_close(forgetful(part["frame"], patch_box)[0][:, :1], one)
    torch.testing.assert_close(model(part["frame"][:, :1], patch_box)[0], one)
    later = forgetful(part["frame"], patch_box)[0][:, 5] - model(part["frame"], patch_box)[0][:, 5]
    assert later.abs().max() > 1e-6


def test_the_tracker_never_looks_ahead(tracking):
    import torch

    _, _, model, part = tracking
    changed = part["frame"].clone()
    changed[:, 10:] = torch.rand(
        changed[:, 10:].shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
    )
    first = part["box"][:, 0]
    for before, after in zip(model(part["frame"], first), model(changed, first), strict=True):
        torch.testing.assert_close(before[:, :10], after[:, :10], rtol=0, atol=0)
        assert (before[:, 11:] - after[:, 11:]).abs().max() > 1e-9


def test_the_frozen_reader_looks_four_times_at_one_place_and_the_free_one_does_not(digits):
    torch = pytest.importorskip("torch")
    from attn_course.gaussian import recipe

    image = torch.from_numpy(task.clutter(np.random.default_rng(0), digits[:5], digits))[:, None]
    for arm, same in (("frozen-4", True), ("reader-4", False)):
        model = recipe.build(recipe.configure("book", arm), torch.Generator().manual_seed(0))
        _, raw = model(image)
        spread = (raw - raw[:, :1]).abs().max().item()
        assert (spread == 0) == same, arm


def test_every_rival_has_a_reader_of_its_size():
    torch = pytest.importorskip("torch")
    from attn_course.gaussian import recipe

    def size(arm):
        model = recipe.build(recipe.configure("book", arm), torch.Generator().manual_seed(0))
        return sum(p.numel() for p in model.parameters())

    for arm in ("frozen-4", "reader-6", "centre", "dense", "convolution"):
        assert abs(size(arm) / size("reader-4") - 1) < 1 / 8, arm


def test_training_and_test_share_no_photograph():
    pytest.importorskip("torch")
    from attn_course.gaussian import recipe

    assert not set(recipe.TRAINING) & set(recipe.HELD_OUT)
    assert len(data.PHOTOGRAPHS) == 3


def test_the_planned_std_goes_from_the_start_to_the_targets():
    torch = pytest.importorskip("torch")
    from attn_course.gaussian import recipe
    from attn_course.training.loop import to_tensors

    config = recipe.configure("smoke", "crop-schedule-alike")
    model = recipe.build(config, torch.Generator().manual_seed(0))
    part = to_tensors(recipe.batch(config, 0, 0), "cpu", torch.float32)
    with torch.no_grad():  # a window on its target costs nothing at any time of the plan
        model.mean.copy_(model.target)
        model.log_stride.zero_()
        for done in (0.0, 0.5, 1.0):
            assert_allclose(recipe.loss(config, model, part, done).numpy(), 0, atol=1e-6)
        sharp = recipe.configure("smoke", "crop-schedule")
        assert recipe.loss(sharp, model, part, 0.0).median() > 1
        assert_allclose(recipe.loss(sharp, model, part, 1.0).numpy(), 0, atol=1e-6)


def test_seeds_draw_other_windows():
    torch = pytest.importorskip("torch")
    from attn_course.gaussian import recipe

    config = recipe.configure("smoke", "crop-fixed")
    zero, one = (recipe.build(config, torch.Generator().manual_seed(s)) for s in (0, 1))
    assert (zero.target - one.target).abs().max() > 1
    assert_allclose(recipe.batch(config, 1, 0)["target"], one.target.numpy())
