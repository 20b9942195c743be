"""Distorted MNIST: each distortion does what its numbers say, and nothing else."""

import inspect

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from attn_course import data
from attn_course.spatial_transformer import task

MIDDLE = 13.5


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.fixture(scope="module")
def digits():
    return data.mnist("test", subset=True)[0]


def pose_of(angle=0.0, scale=1.0, place=(MIDDLE, MIDDLE), n=1):
    """One affine pose, n times; the angle in degrees."""
    return task.affine_pose(
        np.full(n, np.radians(angle)), np.full(n, scale), np.tile(np.array(place, float), (n, 1))
    )


def parts(pose):
    """(angle in degrees, scale, where the centre lands) of affine poses."""
    angle = np.degrees(np.arctan2(pose[:, 1, 0], pose[:, 0, 0]))
    scale = np.hypot(pose[:, 1, 0], pose[:, 0, 0])
    return angle, scale, (pose @ [MIDDLE, MIDDLE, 1])[:, :2]


def landed(pose, point):
    """Where points (k, 2) land under poses (n, 3, 3), in float64."""
    x, y, z = np.moveaxis(np.column_stack([point, np.ones(len(point))]) @ pose.mT, -1, 0)
    return np.stack([x / z, y / z], axis=-1)


# What is known exactly ---------------------------------------------------------------------------


def test_the_identity_returns_the_digit(digits):
    image = task.posed(digits[:9], pose_of(n=9), 28)
    assert_array_equal(image, digits[:9] / np.float32(255))
    seen = np.tile(task.control_points(), (9, 1, 1))
    assert_array_equal(task.bent(digits[:9], seen), digits[:9] / np.float32(255))


@pytest.mark.parametrize(("right", "down", "size"), [(3, 5, 42), (14, 0, 42), (-6, 2, 28)])
def test_a_whole_pixel_shift_moves_the_pixels(digits, right, down, size):
    place = (MIDDLE + right, MIDDLE + down)
    image = task.posed(digits[:9], pose_of(place=place, n=9), size)
    wide = np.pad(digits[:9] / np.float32(255), ((0, 0), (20, 20), (20, 20)))
    rows, columns = np.s_[20 - down : 20 - down + size], np.s_[20 - right : 20 - right + size]
    assert_allclose(image, wide[:, rows, columns], atol=1e-6)


@pytest.mark.parametrize("n_quarter", [1, 2, 3])
def test_a_quarter_turn_is_clockwise(digits, n_quarter):
    image = task.posed(digits[:9], pose_of(90 * n_quarter, n=9), 28)
    expected = np.rot90(digits[:9] / np.float32(255), -n_quarter, axes=(1, 2))
    assert_allclose(image, expected, atol=1e-5)


def test_half_a_pixel_is_the_mean_of_two(digits):
    image = task.posed(digits[:4], pose_of(place=(14.0, MIDDLE), n=4), 28)
    expected = (digits[:4, :, 1:] / 255 + digits[:4, :, :-1] / 255) / 2
    assert_allclose(image[:, :, 1:], expected, atol=1e-6)


def test_twice_the_size_repeats_every_other_pixel_between_means():
    digit = np.zeros((1, 28, 28), np.uint8)
    digit[0, 10, 12] = 255
    place = (MIDDLE + 2.5, MIDDLE + 1.5)  # pixel 12 lands on 13, and pixel 10 on 8
    image = task.posed(digit, pose_of(scale=2.0, place=place), 28)
    hat = [0.5, 1.0, 0.5]
    expected = np.zeros((28, 28))
    expected[7:10, 12:15] = np.outer(hat, hat)
    assert_allclose(image[0], expected, atol=1e-6)


def test_outside_the_digit_it_is_black():
    white = np.full((1, 28, 28), 255, np.uint8)
    image = task.posed(white, pose_of(place=(MIDDLE + 10, MIDDLE + 4)), 42)[0]
    assert_array_equal(image[4:32, 10:38], 1)
    assert_allclose(image.sum(), 28 * 28)
    fading = task.posed(white, pose_of(place=(MIDDLE + 9.75, MIDDLE + 4)), 42)[0]
    assert_allclose(fading[10, 8:11], [0, 0.25, 1], atol=1e-6)


def test_corners_land_where_they_are_sent(rng):
    landing = task.CORNERS + 4 * rng.standard_normal((50, 4, 2))
    assert_allclose(landed(task.corner_pose(landing), task.CORNERS), landing, atol=1e-8)
    whole = task.corner_pose(task.CORNERS[None])
    assert_allclose(whole, np.eye(3)[None], atol=1e-12)


def test_a_trapezium_by_hand():
    # The far edge of a road, half as long as the near one: the middle of the road is seen at a
    # third of the way down, where the diagonals of the trapezium cross.
    low, high = -0.5, 27.5
    landing = np.array([[[6.5, low], [20.5, low], [high, high], [low, high]]])
    middle = landed(task.corner_pose(landing), np.array([[MIDDLE, MIDDLE]]))
    assert_allclose(middle, [[[MIDDLE, low + 28 / 3]]])


def test_control_points_span_the_image():
    point = task.control_points()
    third = 28 / 3
    axis = [-0.5, -0.5 + third, -0.5 + 2 * third, 27.5]
    assert_allclose(point, [(x, y) for y in axis for x in axis])


def test_a_spline_of_an_affine_move_is_that_move(digits):
    pose = pose_of(20, 0.8, (15, 12), n=5)
    seen = landed(np.linalg.inv(pose), task.control_points())
    assert_allclose(task.bent(digits[:5], seen), task.posed(digits[:5], pose, 28), atol=1e-4)


def test_the_spline_is_the_smoothest_one_through_its_points():
    # Solved afresh in float64, in pixels, and one shift at a time, for a digit that is a ramp.
    point = task.control_points()
    shift = np.random.default_rng(0).uniform(-1.2, 1.2, (16, 2))

    def bump(one, other):
        square = ((one[:, None] - other) ** 2).sum(-1)
        return square * np.log(np.maximum(square, 1e-300)) / 2  # r² log r

    side = np.column_stack([np.ones(16), point])
    system = np.block([[bump(point, point), side], [side.T, np.zeros((3, 3))]])
    coefficient = np.linalg.solve(system, np.vstack([shift, np.zeros((3, 2))]))
    place = np.array([(x, y) for y in range(28) for x in range(28)], float)
    terms = np.column_stack([bump(place, point), np.ones(784), place])
    read = place + terms @ coefficient
    inside = ((read >= 0) & (read <= 27)).all(axis=1)
    assert inside.mean() > 0.8
    ramp = np.broadcast_to(np.arange(28, dtype=np.uint8) * 9, (28, 28))
    for image, axis in ((ramp, 0), (ramp.T, 1)):
        drawn = task.bent(image[None], (point + shift)[None]).reshape(784) * 255 / 9
        assert_allclose(drawn[inside], read[inside, axis], atol=1e-4)


# What is drawn -----------------------------------------------------------------------------------


def test_sides_and_kinds():
    assert task.DISTORTIONS == (
        "rotated",
        "rotated-scaled-translated",
        "projective",
        "elastic",
    )
    assert [task.side_of(kind) for kind in task.DISTORTIONS] == [28, 42, 28, 28]


@pytest.mark.parametrize("kind", task.DISTORTIONS)
def test_images_are_a_function_of_the_generator_and_leave_the_digits_alone(digits, kind):
    digit = digits[:6].copy()
    digit.setflags(write=False)
    one, same, other = (
        task.distorted(np.random.default_rng(seed), digit, kind) for seed in (1, 1, 2)
    )
    side = task.side_of(kind)
    assert one.shape == (6, side, side)
    assert one.dtype == np.float32
    assert one.min() >= 0
    assert one.max() <= 1
    assert_array_equal(one, same)
    assert np.abs(one - other).max(axis=(1, 2)).min() > 0.5
    assert_array_equal(digit, digits[:6])


@pytest.mark.parametrize("kind", task.DISTORTIONS)
def test_every_digit_has_a_distortion_of_its_own_and_its_own_place(kind):
    # Of a batch of one digit and blanks only the one has ink, and twice the same is drawn twice.
    rng, digit = np.random.default_rng(0), np.zeros((5, 28, 28), np.uint8)
    digit[2, 9:19, 12:16] = 255
    image = task.distorted(rng, digit, kind)
    assert_array_equal(image.any(axis=(1, 2)), [False, False, True, False, False])
    image = task.distorted(rng, np.repeat(digit[2:3], 5, axis=0), kind)
    for i in range(4):
        assert np.abs(image[i + 1 :] - image[i]).max(axis=(1, 2)).min() > 0.1
    assert task.distorted(rng, digit[:0], kind).shape == (0, *image.shape[1:])


def test_distorted_is_its_poses_or_its_bends(digits):
    for kind in task.DISTORTIONS[:3]:
        pose = task.poses(np.random.default_rng(3), digits[:5], kind)
        image = task.posed(digits[:5], pose, task.side_of(kind))
        assert_array_equal(task.distorted(np.random.default_rng(3), digits[:5], kind), image)
    seen = task.bends(np.random.default_rng(3), 5)
    image = task.distorted(np.random.default_rng(3), digits[:5], "elastic")
    assert_array_equal(image, task.bent(digits[:5], seen))


def uniform(sample, low, high):
    """Whether a large sample is uniform on (low, high), by Kolmogorov's distance."""
    fraction = (np.sort(sample) - low) / (high - low)
    assert fraction[0] >= 0
    assert fraction[-1] <= 1
    rank = np.arange(len(sample) + 1) / len(sample)
    distance = max((rank[1:] - fraction).max(), (fraction - rank[:-1]).max())
    return distance * np.sqrt(len(sample)) < 1.63  # passed by 99 of 100 samples


@pytest.fixture(scope="module")
def many(digits):
    return np.concatenate([digits] * 4)


def test_the_uniform_check_can_fail(rng):
    assert uniform(rng.uniform(-90, 90, 4000), -90, 90)
    assert not uniform(rng.uniform(-85, 90, 4000), -90, 90)
    assert not uniform(np.clip(30 * rng.standard_normal(4000), -90, 90), -90, 90)


def test_rotated_turns_by_up_to_a_right_angle_and_does_nothing_else(rng, many):
    angle, scale, place = parts(task.poses(rng, many, "rotated"))
    assert uniform(angle, -90, 90)
    assert_allclose(scale, 1)
    assert_allclose(place, MIDDLE)


def test_turned_scaled_and_moved_by_what_the_paper_says(rng, many):
    angle, scale, place = parts(task.poses(rng, many, "rotated-scaled-translated"))
    assert uniform(angle, -45, 45)
    assert uniform(scale, 0.7, 1.2)
    assert abs(np.corrcoef(angle, scale)[0, 1]) < 0.05
    assert (place.std(axis=0) > 6).all()


def test_places_are_uniform_over_the_room_there_is(rng):
    # Of a blank digit only the centre has to stay, and what interpolation makes of it.
    blank = np.zeros((4000, 28, 28), np.uint8)
    angle, scale, place = parts(task.poses(rng, blank, "rotated-scaled-translated"))
    angle = np.abs(np.radians(angle))
    reach = (scale * (np.cos(angle) + np.sin(angle)))[:, None]
    fraction = (place - (reach - 1)) / (42 - reach - (reach - 1))
    assert uniform(fraction[:, 0], 0, 1)
    assert uniform(fraction[:, 1], 0, 1)
    assert abs(np.corrcoef(*fraction.T)[0, 1]) < 0.05


def test_places_reach_every_edge_and_cut_no_ink(rng, digits):
    pose = task.poses(rng, digits, "rotated-scaled-translated")
    image = task.posed(digits, pose, 42)
    inside = np.eye(3)
    inside[:2, 2] = 30
    wide = task.posed(digits, inside @ pose, 42 + 60)
    assert_allclose(wide.sum(axis=(1, 2)), image.sum(axis=(1, 2)), rtol=1e-5)
    assert_allclose(wide[:, 30:-30, 30:-30], image, atol=1e-4)
    for edge in (image[:, 0], image[:, -1], image[:, :, 0], image[:, :, -1]):
        assert 0.01 < (edge > 0.02).any(axis=1).mean() < 0.3, "ink comes to the edge now and then"


def test_ink_is_spread_over_the_area_the_scale_says(rng, many):
    pose = task.poses(rng, many, "rotated-scaled-translated")
    _, scale, _ = parts(pose)
    ratio = task.posed(many, pose, 42).sum(axis=(1, 2)) / (many / 255).sum(axis=(1, 2))
    assert_allclose(ratio, scale**2, rtol=0.1)


def test_a_digit_too_large_for_the_canvas_is_put_in_its_middle():
    white = np.full((200, 28, 28), 255, np.uint8)
    pose = task.poses(np.random.default_rng(0), white, "rotated-scaled-translated")
    angle, scale, place = parts(pose)
    needs = 27 * scale * (np.abs(np.cos(np.radians(angle))) + np.abs(np.sin(np.radians(angle))))
    large = needs > 43
    assert large.any()
    assert_allclose(place[large], 20.5)


def test_the_corners_of_a_scaled_digit_s_image_are_moved_by_five_pixels(rng, many, monkeypatch):
    half = pose_of(scale=0.5)[0]
    monkeypatch.setattr(task, "affine_pose", lambda a, s, p: np.tile(half, (len(a), 1, 1)))
    beyond = MIDDLE + 2 * (task.CORNERS - MIDDLE)  # the halving brings it to the corners
    noise = landed(task.poses(rng, many, "projective"), beyond) - task.CORNERS
    assert_allclose(noise.mean(axis=0), 0, atol=0.4)
    assert_allclose(noise.std(axis=0), 5, rtol=0.05)
    flat = noise.reshape(len(many), 8)
    off = np.corrcoef(flat.T)[~np.eye(8, dtype=bool)]
    assert np.abs(off).max() < 0.07
    assert_allclose((flat**4).mean() / (flat**2).mean() ** 2, 3, rtol=0.05)


def test_projective_scales_before_it_moves_the_corners(rng, many, monkeypatch):
    monkeypatch.setattr(task, "CORNER_STD", 0.0)
    angle, scale, place = parts(task.poses(rng, many, "projective"))
    assert_allclose(angle, 0, atol=1e-9)
    assert_allclose(place, MIDDLE)
    assert uniform(scale, 0.75, 1)


def test_projective_corners_keep_a_tenth_of_their_triangle(monkeypatch):
    monkeypatch.setattr(task, "CORNER_STD", 9.0)  # so that many are drawn again
    landing = task._landings(np.random.default_rng(0), 2000)
    edge = np.roll(landing, -1, axis=1) - landing
    following = np.roll(edge, -1, axis=1)
    triangle = (edge[..., 0] * following[..., 1] - edge[..., 1] * following[..., 0]) / 2
    assert 0.1 * 28**2 / 2 <= triangle.min() < 0.11 * 28**2 / 2


def test_nothing_is_drawn_beyond_the_horizon():
    landing = task._landings(np.random.default_rng(0), 400) + 20
    white = np.full((400, 28, 28), 255, np.uint8)
    pose = task.corner_pose(landing)
    image = task.posed(white, pose, 68)
    x, y = np.moveaxis(landing, -1, 0)
    area = (x * np.roll(y, -1, axis=1) - y * np.roll(x, -1, axis=1)).sum(axis=1) / 2
    assert_allclose(image.sum(axis=(1, 2)), area, rtol=0.06)  # pixels fade over the rim
    horizon = np.linalg.inv(pose)[:, 2] @ [[0, 67, 0, 67], [0, 0, 67, 67], [1, 1, 1, 1]]
    assert ((horizon.min(axis=1) < 0) & (horizon.max(axis=1) > 0)).mean() > 0.1


def test_elastic_noise_and_scale(rng):
    point = task.control_points()
    seen = task.bends(rng, 4000) - MIDDLE
    scale = (
        (point - MIDDLE).ravel()
        @ (point - MIDDLE).ravel()
        / (seen.reshape(4000, 32) @ (point - MIDDLE).ravel())
    )
    assert_allclose(np.quantile(scale, [0.1, 0.5, 0.9]), [0.775, 0.875, 0.975], atol=0.02)
    noise = seen - (point - MIDDLE) / scale[:, None, None]
    # Measured in pixels of the scaled digit; fitting the scale takes away one part in 32.
    spread = (noise * scale[:, None, None]).std()
    assert_allclose(spread, 1.5 * np.sqrt(31 / 32), rtol=0.02)


def test_elastic_without_noise_only_scales(rng, digits, monkeypatch):
    monkeypatch.setattr(task, "CONTROL_STD", 0.0)
    seen = task.bends(rng, 20)
    scale = (MIDDLE + 0.5) / (MIDDLE - seen[:, 0, 0])
    place = np.full((20, 2), MIDDLE)
    pose = task.affine_pose(np.zeros(20), scale, place)
    assert_allclose(task.bent(digits[:20], seen), task.posed(digits[:20], pose, 28), atol=1e-4)
    assert (scale > 0.75).all()
    assert (scale < 1).all()


@pytest.mark.parametrize(("kind", "most"), [("rotated", 0.0005), ("projective", 0.03)])
def test_little_ink_leaves_the_small_canvas(rng, many, kind, most):
    pose = task.poses(rng, many, kind)
    away = np.eye(3)
    away[:2, 2] = 20
    whole = task.posed(many, away @ pose, 68).sum(axis=(1, 2))
    kept = task.posed(many, pose, 28).sum(axis=(1, 2))
    assert (kept > 0.03 * (many / 255).sum(axis=(1, 2))).all(), "no canvas is empty"
    lost = 1 - kept / whole
    assert lost.min() > -1e-3
    assert 0 < lost.mean() < most


# Errors ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda d, g: task.side_of("tps"), "kind must be one of 'rotated', .*, got 'tps'"),
        (lambda d, g: plain(task.distorted)(g, d, "R"), "kind must be one of .*, got 'R'"),
        (
            lambda d, g: plain(task.poses)(g, d, "elastic"),
            "kind must be one of 'rotated', 'rotated-scaled-translated', 'projective', got",
        ),
        (
            lambda d, g: plain(task.posed)(d, np.eye(3)[None], 28),
            r"pose must have shape \(2, 3, 3\), got \(1, 3, 3\)",
        ),
        (
            lambda d, g: plain(task.bent)(d, np.zeros((2, 9, 2))),
            r"seen must have shape \(2, 16, 2\), got \(2, 9, 2\)",
        ),
        (
            lambda d, g: plain(task.posed)(d[:, :20], np.tile(np.eye(3), (2, 1, 1)), 28),
            r"digit must have shape \(any, 28, 28\), got \(2, 20, 28\)",
        ),
    ],
)
def test_errors(digits, rng, call, message):
    with pytest.raises(ValueError, match=message):
        call(digits[:2], rng)


def plain(function):
    """A function without the shape checks of the test run, as its users have it."""
    return inspect.unwrap(function)


def test_a_pose_that_flattens_cannot_be_undone(digits):
    with pytest.raises(np.linalg.LinAlgError):
        task.posed(digits[:1], np.zeros((1, 3, 3)), 28)


# An outside opinion ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", task.DISTORTIONS)
def test_torch_reads_the_same(digits, kind):
    torch = pytest.importorskip("torch")
    rng, digit, side = np.random.default_rng(8), digits[:40], task.side_of(kind)
    place = np.array([(x, y) for y in range(side) for x in range(side)], float)
    if kind == "elastic":
        seen = task.bends(rng, 40)
        image = task.bent(digit, seen)
        weight = task._spline_weight().astype(float)
        read = place + weight @ (seen - task.control_points())
    else:
        pose = task.poses(rng, digit, kind)
        image = task.posed(digit, pose, side)
        read = landed(np.linalg.inv(pose), place)
    grid = torch.from_numpy((read / MIDDLE - 1).reshape(40, side, side, 2))
    expected = torch.nn.functional.grid_sample(
        torch.from_numpy(digit[:, None] / 255), grid, padding_mode="zeros", align_corners=True
    )
    assert_allclose(image, expected[:, 0].numpy(), atol=2e-5)
