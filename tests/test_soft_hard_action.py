"""Which way the cued digit goes: films whose truth is known, arms that differ as they say."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from attn_course import data
from attn_course.soft_hard import recipe_action as recipe
from attn_course.training import loop

MAIN = [arm for arm in recipe.ARMS if "-tune-" not in arm]
SIZE, N_FRAME = 40, 5
span = recipe._span
# Where the eight directions lead, two pixels at a time, (x, y) with y downwards.
STEPS = [(2, 0), (2, 2), (0, 2), (-2, 2), (-2, 0), (-2, -2), (0, -2), (2, -2)]


@pytest.fixture(scope="module")
def digits():
    return data.mnist("test", subset=True)


def start(arm="attention", preset="smoke", **change):
    """An untrained model of an arm, in double precision, and its settings."""
    config = replace(recipe.configure(preset, arm), dtype="float64", **change)
    return config, recipe.build(config, torch.Generator().manual_seed(4)).double()


def some(config, n=16, seed=0):
    """Tensors of one batch."""
    arrays = recipe.batch(replace(config, batch=n), seed, 0)
    return loop.to_tensors(arrays, "cpu", torch.float64)


# Films -------------------------------------------------------------------------------------------


def blocks():
    """Two hand-made classes: 0 is a square of 4 × 4 when halved, 1 a bar of 2 × 10."""
    image = np.zeros((2, 28, 28), np.uint8)
    image[0, 10:18, 6:14] = 255
    image[1, 12:16, 4:24] = 255
    return image, np.arange(2, dtype=np.uint8)


def painted(box):
    """Frames that are 1 within the boxes (n, n_frame, n_digit, 4) on the torus, else 0."""
    pixel = np.arange(SIZE)

    def within(centre, side):
        away = (pixel - centre[..., None] + SIZE / 2) % SIZE - SIZE / 2
        return np.abs(away) < side[..., None] / 2

    columns, rows = (within(box[..., k], box[..., k + 2]) for k in range(2))
    return (rows[..., :, None] & columns[..., None, :]).any(axis=2)


def check_films_by_hand(act):
    """On black, the film of two hand-made digits is their boxes, which move as the label says."""
    image, label = blocks()
    black = np.zeros((1, 60, 60), np.float32)
    frame, name, direction, box = act(np.random.default_rng(0), image, label, black, 40)
    assert frame.shape == (40, N_FRAME, SIZE, SIZE)
    assert_array_equal(np.sort(name, axis=1), np.tile([0, 1], (40, 1)))
    for k, sides in enumerate(((4, 4), (10, 2))):
        assert_array_equal(_of(box, name, k)[..., 2:], np.broadcast_to(sides, (40, N_FRAME, 2)))
    assert_array_equal(frame, painted(box))
    step = (np.diff(box[..., :2], axis=1) + SIZE / 2) % SIZE - SIZE / 2
    for i in range(40):
        for k in range(2):
            assert_array_equal(step[i, :, k], np.tile(STEPS[direction[i, k]], (N_FRAME - 1, 1)))
    assert (direction[:, 0] != direction[:, 1]).all()


def _of(box, name, k):
    """The boxes of the digit of class k of each film."""
    return np.take_along_axis(box, (name == k).argmax(axis=1)[:, None, None, None], axis=2)[:, :, 0]


def test_films_by_hand():
    check_films_by_hand(recipe.act)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("MOVE", recipe.MOVE * [1, -1]),  # y upwards
        ("MOVE", recipe.MOVE[:, ::-1]),  # (row, column)
        ("MOVE", -recipe.MOVE),  # films backwards
        ("STEP", 1),
        ("_repeats", lambda name: np.zeros(len(name), bool)),  # two digits of one class
        ("_span", lambda axis, ink: span(3 if axis == 2 else 2, ink)),  # x taken for y
    ],
)
def test_wrong_films_are_rejected(monkeypatch, name, wrong):
    monkeypatch.setattr(recipe, name, wrong)
    with pytest.raises(AssertionError):
        check_films_by_hand(recipe.act)


@cache
def places(n=3_000):
    """Directions (n,) and places (n, n_frame, 2) of cued digits."""
    image, label = blocks()
    black, rng = np.zeros((1, 40, 40), np.float32), np.random.default_rng(1)
    films = [recipe.act(rng, image, label, black, 500)[2:] for _ in range(n // 500)]
    direction, box = (np.concatenate(lot) for lot in zip(*films, strict=True))
    return direction[:, 0], box[:, :, 0, :2]


def told(direction, place):
    """Chi-square, by its degrees of freedom, of direction against place in each frame."""
    found = []
    for t in range(N_FRAME):
        for axis in range(2):
            table = np.zeros((8, 8))
            np.add.at(table, (direction, (place[:, t, axis] % SIZE // 5).astype(int)), 1)
            wanted = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
            found.append(((table - wanted) ** 2 / wanted).sum() / 49)
    return np.array(found)


def test_no_frame_tells_the_direction():
    """49 degrees of freedom: a mean of 1 and a deviation of 0.2, in all frames, x and y."""
    direction, place = places()
    assert told(direction, place).max() < 1.7
    counts = np.bincount(direction, minlength=8)
    assert np.abs(counts - 375).max() < 4 * 375**0.5


def test_films_that_keep_the_digit_inside_would_tell():
    """Starts from which the way leads nowhere past the edge: each frame but the middle tells."""
    direction, place = places()
    way = place[:, :1] + np.arange(N_FRAME)[:, None] * np.array(STEPS)[direction][:, None]
    inside = ((way >= 0) & (way < SIZE)).all(axis=(1, 2))
    assert told(direction[inside], place[inside])[[0, 1, 8, 9]].min() > 1.7


def test_a_film_backwards_is_a_film_of_the_opposite_direction():
    """Without their order, then, the frames cannot tell one from the other."""
    assert_array_equal(recipe.MOVE[4:], -recipe.MOVE[:4])
    direction, place = places()
    step = (np.diff(place[:, ::-1], axis=1) + SIZE / 2) % SIZE - SIZE / 2
    assert_array_equal(step[:, 0], np.array(STEPS)[(direction + 4) % 8])


def test_digits_stay_visible_over_a_photograph(digits):
    """Where a digit has ink the frame is at least as bright, and elsewhere it is the photograph."""
    image, label = digits
    grey = np.full((1, 50, 60), 0.5, np.float32)
    ink, over = (
        recipe.act(np.random.default_rng(2), image, label, photo, 30)[0]
        for photo in (0 * grey, grey)
    )
    assert (over >= ink - 1e-6).all()
    assert_allclose(over, ink + (1 - ink) * 0.5 * recipe.DIM, atol=1e-6)
    assert (ink.max(axis=(2, 3)) > 0.8).all()
    assert 0.02 < (ink > 0.5).mean() < 0.05


def test_a_box_holds_its_digits_ink(digits):
    image, label = digits
    black = np.zeros((1, 40, 40), np.float32)
    frame, _, _, box = recipe.act(np.random.default_rng(3), image, label, black, 30)
    assert (frame[~painted(box)] <= 0.21).all()
    assert frame[painted(box)].mean() > 0.3


def test_the_cue_is_one_of_two_classes_and_all_are_as_likely(digits):
    image, label = digits
    black = np.zeros((1, 40, 40), np.float32)
    _, name, direction, _ = recipe.act(np.random.default_rng(4), image, label, black, 2_000)
    assert (name[:, 0] != name[:, 1]).all()
    assert (direction[:, 0] != direction[:, 1]).all()
    wanted = 2_000 * np.bincount(label) / len(label)
    for k in range(2):
        assert np.abs(np.bincount(name[:, k]) - wanted).max() < 5 * wanted.max() ** 0.5
    config = recipe.configure("smoke", "attention")
    part = recipe.batch(replace(config, batch=50), 0, 0)
    there = [set(p.ravel()) for p in part["place"]]
    assert sum(cue in names for cue, names in zip(part["cue"], there, strict=True)) >= 48


# The grid ----------------------------------------------------------------------------------------


def check_cover_by_counting(cover):
    """Each place of 4 × 4 pixels, cut into quarters of pixels, against the box."""
    rng = np.random.default_rng(5)
    box = np.concatenate([rng.integers(0, 80, (30, 2)) / 2, rng.integers(2, 15, (30, 2))], axis=1)
    fine = (np.arange(4 * SIZE) + 0.5) / 4 - 0.5
    away = (fine - box[:, :2, None] + SIZE / 2) % SIZE - SIZE / 2
    x, y = np.moveaxis(np.abs(away) < box[:, 2:, None] / 2, 1, 0)
    counted = (y[:, :, None] & x[:, None, :]).reshape(30, 10, 16, 10, 16).mean(axis=(2, 4))
    assert_allclose(cover(box), counted, atol=1e-12)
    assert_allclose(cover(box).sum(axis=(1, 2)) * 16, box[:, 2] * box[:, 3])


def test_cover_by_counting():
    check_cover_by_counting(recipe.cover)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda box: recipe.cover(box).swapaxes(-1, -2),
        lambda box: recipe.cover(box - [0.5, 0.5, 0, 0]),  # edges on centres of pixels
        lambda box: recipe.cover(box * [1, 1, 2, 2]),  # sides taken for halves
        lambda box: (recipe.cover(box) > 0).astype(float),
        lambda box: recipe.cover(np.concatenate([box[:, :2].clip(7, 32), box[:, 2:]], axis=1)),
    ],
)
def test_wrong_covers_are_rejected(wrong):
    with pytest.raises(AssertionError):
        check_cover_by_counting(wrong)


def check_lesson_by_hand(at_each_place):
    """A 7 at the centre of place (2, 3), a 1 half across the right edge, both on one place."""
    box = np.array([[13.5, 9.5, 8.0, 12.0], [39.0, 29.5, 4.0, 4.0]])[None, None].repeat(2, axis=1)
    box[0, 1, :, :2] = [[20.0, 20.0], [22.0, 21.0]]
    said = at_each_place(np.array([[7, 1]]), box).reshape(2, 10, 10)
    wanted = np.full((10, 10), recipe.NOTHING)
    wanted[1:4, 2:5] = recipe.UNCLEAR  # rows 3.5 to 15.5, columns 9.5 to 17.5
    wanted[2, 3] = 7
    wanted[7, [9, 0]] = 1  # columns 37 to 41: centres 1.5 and 2.5 away
    assert_array_equal(said[0], wanted)
    assert said[1, 5, 5] == recipe.UNCLEAR
    assert said[1, 4, 4] == 7


def test_the_lesson_names_what_lies_at_a_place():
    check_lesson_by_hand(recipe.at_each_place)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda name, box: recipe.at_each_place(name[:, ::-1], box),
        lambda name, box: recipe.at_each_place(name, box[..., [1, 0, 3, 2]]),
        lambda name, box: recipe.at_each_place(name, box - [2, 2, 0, 0]),
    ],
)
def test_wrong_lessons_are_rejected(wrong):
    with pytest.raises(AssertionError):
        check_lesson_by_hand(wrong)


# The arms ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", ["book", "paper"])
def test_all_arms_have_as_many_parameters(preset):
    size = {arm: sum(p.numel() for p in start(arm, preset)[1].parameters()) for arm in MAIN}
    assert max(size.values()) / min(size.values()) < 1.01, size


def test_arms_differ_in_what_their_names_say():
    plain = recipe.configure("book", "attention")
    want = {
        "mean": {"model", "d_hidden"},
        "convolution": {"model"},
        "convolution-long": {"model", "n_update"},
        "no-cue": {"cue"},
        "no-lesson": {"lesson"},
        "shuffled": {"order"},
        "still": {"order"},
    }
    for arm in set(MAIN) - {"attention"}:
        config = recipe.configure("book", arm)
        differs = {k for k, v in vars(plain).items() if vars(config)[k] != v}
        assert differs - {"lr"} == want[arm], arm
    assert not set(recipe.TRAINING) & set(recipe.HELD_OUT)


def check_weights(kind):
    """Weights over a frame's places are positive and sum to one; in `mean` all are equal."""
    for arm in ("attention", "mean", "no-cue"):
        config, model = start(arm)
        model.__class__ = kind
        with torch.no_grad():
            for p in model.parameters():
                p.mul_(3)
        _, weight, _ = recipe.watch(config, model, some(config))
        assert weight.shape == (16, N_FRAME - 1, 100)
        assert (weight > 0).all()
        torch.testing.assert_close(weight.sum(dim=-1), torch.ones(16, 4, dtype=torch.float64))
        spread = float((weight.amax(dim=-1) - weight.amin(dim=-1)).max().detach())
        assert (spread == 0) == (arm == "mean")


def test_weights_sum_to_one():
    check_weights(recipe.Watcher)


class SoftmaxOverFilms(recipe.Watcher):
    """The softmax's axis is the batch."""

    def forward(self, frame, cue):
        score, weight, name = super().forward(frame, cue)
        return score, weight.log().softmax(dim=0), name


class Sigmoids(recipe.Watcher):
    """Each place has a weight of its own."""

    def forward(self, frame, cue):
        score, weight, name = super().forward(frame, cue)
        return score, weight.log().sigmoid(), name


@pytest.mark.parametrize("wrong", [SoftmaxOverFilms, Sigmoids])
def test_wrong_weights_are_rejected(wrong):
    with pytest.raises(AssertionError):
        check_weights(wrong)


def test_the_glimpse_is_what_the_weights_are_on():
    """A film of which one place is read and no other: nothing else counts in the answer."""
    config, model = start()
    frame = torch.zeros(2, N_FRAME, SIZE, SIZE, dtype=torch.float64)
    cue = torch.eye(10, dtype=torch.float64)[[3, 3]]
    frame[:, 1, 20:24, 20:24] = 1
    with torch.no_grad():
        model.query.w.zero_()
        model.query.b.zero_()
        even, weight, _ = model(frame, cue)
        torch.testing.assert_close(weight, torch.full_like(weight, 0.01))
        frame[1, 2, 4:8, 4:8] = 1
        moved, _, _ = model(frame, cue)
        torch.testing.assert_close(moved[0], even[0])
        assert (moved[1] - even[1]).abs().max() > 1e-6


@pytest.mark.parametrize("arm", MAIN)
def test_only_the_arm_without_a_cue_is_blind_to_it(arm):
    config, model = start(arm)
    part = some(config)
    other = part | {"cue": (part["cue"] + 1) % 10}
    one, two = (recipe.watch(config, model, p)[0] for p in (part, other))
    assert bool((one == two).all()) == (arm == "no-cue")


def test_orders_of_frames_and_what_goes_with_them():
    film, shuffled, still = (
        recipe.batch(replace(recipe.configure("smoke", arm), batch=30), 0, 5)
        for arm in ("attention", "shuffled", "still")
    )
    for name in ("cue", "direction"):
        assert_array_equal(film[name], shuffled[name])
        assert_array_equal(film[name], still[name])
    firsts = set()
    for i in range(30):
        same = np.abs(shuffled["frame"][i][:, None] - film["frame"][i]).max(axis=(2, 3)) == 0
        order = same.argmax(axis=1)
        assert sorted(order) == list(range(N_FRAME))
        for name in ("inside", "place"):
            assert_array_equal(shuffled[name][i], film[name][i][order])
        assert_array_equal(still["frame"][i], film["frame"][i][[order[0]] * N_FRAME])
        assert_array_equal(still["inside"][i], film["inside"][i][[order[0]] * N_FRAME])
        firsts.add(int(order[0]))
    assert firsts == set(range(N_FRAME))


def test_mean_pooling_looks_at_the_digit_by_chance_alone():
    config, model = start("mean")
    kept = recipe.predict(config, model, some(config))
    expected = some(config)["inside"][:, 1:].mean(dim=-1)
    torch.testing.assert_close(kept["share"].double(), expected[..., 0], atol=1e-3, rtol=1e-2)
    torch.testing.assert_close(kept["share_other"].double(), expected[..., 1], atol=1e-3, rtol=1e-2)
    torch.testing.assert_close(
        kept["area"].double(), kept["share"].double().mean(dim=1), atol=1e-3, rtol=1e-2
    )


def test_measure_by_hand():
    predicted = {
        "label": np.array([0, 1, 2, 3, 7], np.uint8),
        "answer": np.array([0, 5, 6, 2, 3], np.uint8),
        "other": np.array([1, 5, 0, 2, 3], np.uint8),
        "cue": np.zeros(5, np.uint8),
        "apart": np.array([True, True, False, False, False]),
        "area": np.full(5, 0.0625, np.float16),
        "share": np.full((5, 4), [0.25, 0.5, 0.75, 1.0]).astype(np.float16),
        "share_other": np.zeros((5, 4), np.float16),
    }
    found = recipe.measure(recipe.configure("book", "attention"), predicted)
    assert found["error"] == pytest.approx(0.8)
    assert found["error_apart"] == pytest.approx(0.5)
    assert found["opposite"] == pytest.approx(0.6)  # 1 and 5, 2 and 6, 7 and 3
    assert found["axis_error"] == pytest.approx(0.2)
    assert found["other"] == pytest.approx(0.6)
    assert found["area"] == 0.0625
    assert found["share"] == 0.625
    assert found["share_by_frame"] == [0.25, 0.5, 0.75, 1.0]


# Training ----------------------------------------------------------------------------------------


def test_the_lesson_is_taught_where_it_is_clear_and_in_all_arms_but_one():
    """Its loss by hand: half for places in the middle of a digit, half for those with none."""
    for arm in ("attention", "convolution", "no-lesson"):
        config, model = start(arm)
        part = some(config)
        unclear = part | {"place": torch.full_like(part["place"], recipe.UNCLEAR)}
        with torch.no_grad():
            taught, untaught = (recipe.loss(config, model, p, 0.1) for p in (part, unclear))
            score, _, name = recipe.watch(config, model, part)
        torch.testing.assert_close(name.exp().sum(dim=2), torch.ones_like(name[:, :, 0]))
        direction = part["direction"][:, 0]
        torch.testing.assert_close(
            untaught, torch.nn.functional.cross_entropy(score, direction, reduction="none")
        )
        lesson = (taught - untaught).numpy()
        place = part["place"][:, -name.shape[1] :].numpy()
        for i in range(len(lesson)):
            said = np.moveaxis(name[i].numpy(), 1, 2)
            digit, none = ((place[i] >= 0) & (place[i] < 10), place[i] == 10)
            wanted = -sum(
                np.mean([said[t, p, place[i, t, p]] for t, p in np.argwhere(there)])
                for there in (digit, none)
            )
            assert lesson[i] == pytest.approx(0.0 if arm == "no-lesson" else wanted / 2)


def test_a_batch_is_a_function_of_seed_and_update():
    config = recipe.configure("smoke", "attention")
    first, again = (recipe.batch(config, 0, 3)["frame"] for _ in range(2))
    assert_array_equal(first, again)
    for seed, update in ((1, 3), (0, 4)):
        assert np.abs(recipe.batch(config, seed, update)["frame"] - first).max() > 0.1


def test_training_films_hold_no_digit_set_aside(monkeypatch):
    """Which digits and which photographs are films made of?"""
    asked = []

    def fake(split, subset):
        asked.append((split, subset))
        n = 60_000 if split == "train" else 10_000
        return np.arange(n), np.arange(n)

    def noted(rng, image, label, photo, n):
        drawn.append((image.min(), image.max(), len(photo)))
        raise StopIteration

    drawn = []
    monkeypatch.setattr(recipe, "_digits", fake)
    monkeypatch.setattr(recipe, "act", noted)
    for arm in ("attention", "attention-tune-0.004"):
        config = recipe.configure("book", arm)
        for make in (
            lambda c=config: recipe.batch(c, 0, 0),
            lambda c=config: [*recipe.examples(c, False)],
        ):
            with pytest.raises((StopIteration, RuntimeError)):
                make()
    assert drawn == [(0, 49_999, 2), (0, 9_999, 1), (0, 49_999, 2), (50_000, 59_999, 2)]
    assert [split for split, _ in asked] == ["train", "test", "train", "train"]


def test_the_examples_are_the_same_for_every_model():
    one, other = (
        next(recipe.examples(recipe.configure("smoke", arm), True))["frame"]
        for arm in ("attention", "convolution")
    )
    assert_array_equal(one, other)


@pytest.mark.parametrize("arm", MAIN)
def test_an_arm_is_trained_and_measured(arm):
    config = replace(recipe.configure("smoke", arm), n_update=6)
    model, curve = loop.train(recipe, config, seed=0)
    assert np.isfinite(curve["loss"]).all()
    result, predicted = loop.evaluate(recipe, config, model, subset=True)
    assert recipe.measure(config, predicted) == result
    assert predicted["answer"].size == config.n_example // 4
    assert 0.5 < result["error"] <= 1
    assert ("share" in result) == (config.model != "convolution")


class StopError(Exception):
    pass


@pytest.mark.parametrize("arm", ["attention", "convolution"])
def test_a_resumed_run_equals_the_uninterrupted_one(arm, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "SAVE_EVERY", 0.0)
    config = replace(recipe.configure("smoke", arm), n_update=8, batch=4, dtype="float64")
    whole, _ = loop.train(recipe, config, seed=1)

    def stop_at_4(update, loss):
        if update == 4:
            raise StopError

    file = tmp_path / "state.pt"
    with pytest.raises(StopError):
        loop.train(recipe, config, seed=1, state_file=file, report=stop_at_4)
    resumed, _ = loop.train(recipe, config, seed=1, state_file=file)
    for one, other in zip(whole.parameters(), resumed.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-9)
