"""Soft masks and hard choices against numbers worked by hand, sums over all draws, and laws.

Every test that takes a `path` runs on the reference and on its torch twin. An expectation is never
sampled here but summed over everything that could have been drawn, with its probability; the one
exception counts draws and has a seed.
"""

import importlib
import itertools
import math
from functools import partial

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from paths import paths

both_paths = pytest.mark.parametrize("path", paths("soft_hard"))
few = settings(max_examples=25)
number = st.integers(0, 2**32 - 1).map(np.random.default_rng)
axis = st.integers(1, 6)
size = st.integers(1, 5)

P = np.array([1, 2, 5]) / 8  # of three choices, no two alike
SCORE = np.log(P) + 3.0  # whose softmax they are


def room(file):
    return importlib.import_module(f"attn_course.soft_hard.{file}")


def picture(channel=2, height=7, width=9, seed=0):
    """An asymmetric image without structure."""
    return np.random.default_rng(seed).normal(size=(channel, height, width))


def slow_softmax(score):
    bell = [math.exp(s - max(score)) for s in score]
    return np.array([b / sum(bell) for b in bell])


def slope(function, at, step=1e-4):
    """Gradient of a function of an array by central differences, their leading errors cancelled."""
    gradient = np.zeros(at.shape)
    for i in np.ndindex(at.shape):
        unit = np.zeros(at.shape)
        unit[i] = step
        near = (function(at + unit) - function(at - unit)) / (2 * step)
        far = (function(at + 2 * unit) - function(at - 2 * unit)) / (4 * step)
        gradient[i] = (4 * near - far) / 3
    return gradient


# --- masks ----------------------------------------------------------------------------------------


@both_paths
def test_sigmoid_mask_by_hand(path):
    # 1 / (1 + 1), 1 / (1 + 1/3), 1 / (1 + 3), 1 / (1 + 1/9)
    score = np.array([0.0, math.log(3), -math.log(3), math.log(9)])
    assert_allclose(path.sigmoid_mask(score), [0.5, 0.75, 0.25, 0.9], rtol=1e-12)


@both_paths
def test_sigmoid_mask_at_extreme_scores(path):
    score = np.array([1e4, 1e30, np.inf, -1e4, -1e30, -np.inf])
    assert_array_equal(path.sigmoid_mask(score), [1, 1, 1, 0, 0, 0])


@both_paths
@few
@given(rng=number, n=axis)
def test_entries_of_a_sigmoid_mask_are_independent(path, rng, n):
    score, i = rng.normal(scale=4, size=n), int(rng.integers(n))
    mask = path.sigmoid_mask(score)
    assert ((mask > 0) & (mask < 1)).all()
    assert_allclose(path.sigmoid_mask(-score), 1 - mask, rtol=1e-10, atol=1e-15)
    # the softmax of two scores, one of them nought
    assert_allclose(mask, [slow_softmax([s, 0.0])[0] for s in score], rtol=1e-10)
    other = score.copy()
    other[i] += 1
    changed = path.sigmoid_mask(other) != mask
    assert_array_equal(changed, np.arange(n) == i)


@both_paths
def test_soft_glimpse_by_hand(path):
    # any real numbers: soft attention between 0 and 1, a dynamic filter's weights beyond
    got = path.soft_glimpse(np.array([2.0, 4.0, -6.0, 8.0]), np.array([0.0, 0.25, 1.0, -2.0]))
    assert_array_equal(got, [0.0, 1.0, -6.0, -16.0])


@both_paths
@few
@given(rng=number, n=axis)
def test_a_hard_mask_indexes(path, rng, n):
    feature, mask = rng.normal(size=n), (rng.random(n) < 0.5).astype(float)
    glimpse = path.soft_glimpse(feature, mask)
    assert_array_equal(glimpse[mask == 1], feature[mask == 1])
    assert_array_equal(glimpse[mask == 0], 0)


# --- four kinds -----------------------------------------------------------------------------------


@both_paths
def test_soft_item_by_hand(path):
    # 1/8, 2/8 and 5/8 of the items
    item = np.array([[8.0, 0.0], [0.0, 16.0], [-8.0, 8.0]])
    assert_allclose(path.soft_item(SCORE, item), [-4.0, 9.0], rtol=1e-12)


@both_paths
@few
@given(rng=number, n_item=axis, d=axis)
def test_soft_item_is_its_sum(path, rng, n_item, d):
    control, item = rng.normal(scale=2, size=n_item), rng.normal(size=(n_item, d))
    got = path.soft_item(control, item)
    want = sum(p * x for p, x in zip(slow_softmax(control), item, strict=True))
    assert_allclose(got, want, rtol=1e-10, atol=1e-12)
    assert_allclose(path.soft_item(control - 7, item), want, rtol=1e-10, atol=1e-12)
    order = rng.permutation(n_item)
    assert_allclose(path.soft_item(control[order], item[order]), want, rtol=1e-10, atol=1e-12)


@both_paths
def test_soft_item_at_extreme_scores(path):
    item = np.array([[4.0], [8.0], [100.0]])
    assert_array_equal(path.soft_item(np.array([1e30, 1e30, -1e30]), item), [6.0])
    assert_array_equal(path.soft_item(np.array([-1e30, 1e4, -1e4]), item), [8.0])


@both_paths
def test_hard_item_by_hand(path):
    item = np.array([[8.0, 0.0], [0.0, 16.0], [-8.0, 8.0]])
    assert_array_equal(path.hard_item(SCORE, item, np.zeros(3)), item[2])
    # log 2 against log 5: the second overtakes the third at a noise of log 2.5, no sooner
    for noise, taken in ((math.log(2.4), 2), (math.log(2.6), 1)):
        assert_array_equal(path.hard_item(SCORE, item, np.array([0, noise, 0])), item[taken])
    assert_array_equal(path.hard_item(np.zeros(3), item, np.zeros(3)), item[0])


@both_paths
def test_hard_item_draws_with_the_softmax_s_frequencies(path):
    n_draw = 2500
    uniform = np.random.default_rng(0).random((n_draw, 4))
    p = np.array([0.1, 0.2, 0.3, 0.4])
    noise = path.gumbel_noise(uniform)
    count = sum(path.hard_item(np.log(p) - 5, np.eye(4), one) for one in noise)
    assert_array_equal(count.sum(), n_draw)
    chi_square = ((count - n_draw * p) ** 2 / (n_draw * p)).sum()
    assert chi_square < 11.34  # of three degrees of freedom one in a hundred is larger


@both_paths
def test_two_items_are_drawn_with_exactly_the_right_chance(path):
    # At odds of 3 : 1 the second wins where log 3 - log(-log v) > -log(-log u): where v > u^3.
    score = np.log([1.0, 3.0])
    for u in (0.05, 0.3, 0.8):
        for v, taken in ((0.99 * u**3, 0), (1.01 * u**3, 1)):
            noise = path.gumbel_noise(np.array([u, v]))
            assert_array_equal(path.hard_item(score, np.array([[0.0], [1.0]]), noise), [taken])
    # and its chance is one minus the integral of u^3, which is 3/4


@both_paths
def test_soft_location_by_hand(path):
    image = np.array([[[4.0, 8.0, 12.0], [16.0, 20.0, 24.0]]])
    image = np.concatenate([image, -image])
    control = np.array([[0.0, math.log(3), -1e4], [1e4, -math.log(3), 0.0]])
    got = path.soft_location(control, image)
    assert_allclose(got[0], [[2.0, 6.0, 0.0], [16.0, 5.0, 12.0]], rtol=1e-12)
    assert_allclose(got[1], -got[0], rtol=1e-12)


@both_paths
def test_hard_location_by_hand(path):
    # Pixels 1 to 24 in four rows of six. From the middle, one std of 1/2 to the right, one up:
    # x = .5 is 4.5 of 6 columns, y = -.5 is 1 of 4 rows; corners 3.5 and 0, of ties the right one.
    image = np.arange(1.0, 25).reshape(1, 4, 6)
    got = path.hard_location(np.zeros(2), image, np.array([1.0, -1.0]), 2, 0.5)
    assert_array_equal(got, [[[5.0, 6.0], [11.0, 12.0]]])
    got = path.hard_location(np.array([0.4, 0.0]), image, np.zeros(2), 2, 0.5)  # 4.2 of 6
    assert_array_equal(got, [[[10.0, 11.0], [16.0, 17.0]]])
    got = path.hard_location(np.array([-1.0, 1.0]), image, np.ones(2), 2, 0.0)  # lower left corner
    assert_array_equal(got, [[[0.0, 19.0], [0.0, 0.0]]])


@both_paths
def test_a_place_is_brought_into_the_image_after_the_draw(path):
    image = picture()
    edge = path.hard_location(np.array([1.0, -1.0]), image, np.zeros(2), 3, 0.1)
    for control, noise in (([5.0, -7.0], [0.0, 0.0]), ([0.0, 0.0], [50.0, -50.0])):
        got = path.hard_location(np.array(control), image, np.array(noise), 3, 0.1)
        assert_array_equal(got, edge)
    # three to the right, back by three: in the middle, had it not been for a clip before
    got = path.hard_location(np.array([3.0, 0.0]), image, np.array([-30.0, 0.0]), 3, 0.1)
    middle = path.hard_location(np.zeros(2), image, np.zeros(2), 3, 0.1)
    assert_allclose(got, middle, rtol=1e-12)


# --- the loop -------------------------------------------------------------------------------------


def loop_weights(rng, d_control, d_hidden, d_glimpse):
    shapes = {"control.w": (d_control, d_hidden), "control.b": (d_control,)}
    shapes |= {"cell.w_input": (d_hidden, d_glimpse), "cell.w_hidden": (d_hidden, d_hidden)}
    shapes |= {"cell.b": (d_hidden,)}
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


def looks(rng):
    """The four kinds: how each is called, what it looks at, its noise, and the kind once more."""
    reference = room("reference")
    item, image, n_step = rng.normal(size=(4, 3)), rng.normal(size=(2, 3, 5)), 3

    def soft_item(control, feature, noise):
        return slow_softmax(control) @ feature

    def hard_item(control, feature, noise):
        return feature[max(range(len(control)), key=lambda i: control[i] + noise[i])]

    def soft_location(control, feature, noise):
        return feature / (1 + np.exp(-control.reshape(3, 5)))

    def hard_location(control, feature, noise):
        x, y = (min(max(c + 0.3 * n, -1), 1) for c, n in zip(control, noise, strict=True))
        return slow_crop(feature, slow_corner(x, 5, 2), slow_corner(y, 3, 2), 2)

    crop_near = partial(reference.hard_location, size=2, std=0.3)
    return {
        "soft item": (reference.soft_item, item, None, soft_item, 4),
        "hard item": (reference.hard_item, item, rng.normal(size=(n_step, 4)), hard_item, 4),
        "soft location": (reference.soft_location, image, None, soft_location, 15),
        "hard location": (crop_near, image, rng.normal(size=(n_step, 2)), hard_location, 2),
    }


def a_loop(kind):
    """Arguments of a loop of three glimpses, and the kind as it is coded here."""
    rng = np.random.default_rng(5)
    look, feature, noise, slow, d_control = looks(rng)[kind]
    one = None if noise is None else noise[0]
    params = loop_weights(rng, d_control, 6, slow(np.zeros(d_control), feature, one).size)
    return (look, feature, noise, params, 3), slow


four_kinds = pytest.mark.parametrize(
    "kind", ["soft item", "hard item", "soft location", "hard location"]
)


@both_paths
@four_kinds
def test_loop_is_its_formula(path, kind):
    arguments, slow = a_loop(kind)
    _, feature, noise, params, n_step = arguments
    glimpse, hidden = path.glimpse_loop(*arguments)
    state = np.zeros(6)
    for t in range(n_step):
        control = params["control.w"] @ state + params["control.b"]
        want = slow(control, feature, None if noise is None else noise[t])
        assert_allclose(glimpse[t], want, rtol=1e-9, atol=1e-12)
        total = params["cell.w_input"] @ want.reshape(-1) + params["cell.w_hidden"] @ state
        state = np.tanh(total + params["cell.b"])
        assert_allclose(hidden[t], state, rtol=1e-9, atol=1e-12)
    assert len(glimpse) == len(hidden) == n_step
    assert not np.allclose(hidden[0], hidden[2])


@both_paths
@four_kinds
def test_a_longer_loop_starts_like_a_shorter_one(path, kind):
    (look, feature, noise, params, _), _ = a_loop(kind)
    whole = path.glimpse_loop(look, feature, noise, params, 3)
    first = path.glimpse_loop(look, feature, None if noise is None else noise[:1], params, 1)
    for long, short in zip(whole, first, strict=True):
        assert_array_equal(long[:1], short)


@four_kinds
def test_vmap_makes_a_batch_of_the_loop(kind):
    torch = pytest.importorskip("torch")
    functional, twin_of = room("functional"), importlib.import_module("paths").twin_of
    (look, feature, noise, params, n_step), _ = a_loop(kind)
    params = {name: torch.tensor(value) for name, value in params.items()}
    features = torch.tensor(np.stack([feature, -2 * feature]))
    noises = None if noise is None else torch.tensor(np.stack([noise, -noise]))

    def one(feature, noise):
        return functional.glimpse_loop(twin_of(look), feature, noise, params, n_step)

    together = torch.vmap(one, in_dims=(0, None if noise is None else 0))(features, noises)
    for i in range(2):
        alone = one(features[i], None if noise is None else noises[i])
        for ours, theirs in zip(together, alone, strict=True):
            torch.testing.assert_close(ours[i], theirs, rtol=1e-12, atol=1e-12)


# --- the gradient of a choice, by enumeration -----------------------------------------------------


@both_paths
def test_expected_gradient_by_hand(path):
    # mean reward (8 + 2 * 4 + 5 * 0) / 8 = 2; 1/8 (8 - 2), 2/8 (4 - 2), 5/8 (0 - 2)
    got = path.expected_gradient(SCORE, np.array([8.0, 4.0, 0.0]))
    assert_allclose(got, [0.75, 0.5, -1.25], rtol=1e-12)


@both_paths
@few
@given(rng=number, n=axis)
def test_expected_gradient_is_the_slope(path, rng, n):
    score, reward = rng.normal(scale=2, size=n), rng.normal(size=n)
    got = path.expected_gradient(score, reward)
    want = slope(lambda s: slow_softmax(s) @ reward, score)
    assert_allclose(got, want, rtol=1e-6, atol=1e-9)
    assert_allclose(got.sum(), 0, atol=1e-12)
    assert_allclose(path.expected_gradient(score, reward + 5), got, rtol=1e-9, atol=1e-12)


@both_paths
def test_choice_score_by_hand(path):
    assert_allclose(path.choice_score(SCORE, 0), [7 / 8, -2 / 8, -5 / 8], rtol=1e-12)
    assert_allclose(path.choice_score(SCORE, 2), [-1 / 8, -2 / 8, 3 / 8], rtol=1e-12)


@both_paths
@few
@given(rng=number, n=axis)
def test_choice_score_is_the_slope_of_the_log_probability(path, rng, n):
    score = rng.normal(scale=2, size=n)
    scores = np.array([path.choice_score(score, i) for i in range(n)])
    for i in range(n):
        want = slope(lambda s, i=i: math.log(slow_softmax(s)[i]), score)
        assert_allclose(scores[i], want, rtol=1e-6, atol=1e-9)
    assert_allclose(scores.sum(1), np.zeros(n), atol=1e-12)
    assert_allclose(slow_softmax(score) @ scores, np.zeros(n), atol=1e-12)  # its mean is nought


@both_paths
def test_estimate_by_hand(path):
    # drawn: 2 for 3 against 1, 0 for -1 against 1; the mean of 2 (..3/8) and -2 (7/8..)
    got = path.score_function_gradient(
        SCORE, np.array([2, 0]), np.array([3.0, -1.0]), np.array([1.0, 1.0])
    )
    assert_allclose(got, [-1 / 8 - 7 / 8, -2 / 8 + 2 / 8, 3 / 8 + 5 / 8], rtol=1e-12, atol=1e-15)


def over_all_draws(path, score, reward, n_draw, baseline):
    """Mean and variance of the estimate over every run of draws; `baseline` takes the rewards."""
    p = slow_softmax(score)
    mean, square = np.zeros(len(score)), 0.0
    for choice in itertools.product(range(len(score)), repeat=n_draw):
        drawn = reward[list(choice)]
        estimate = path.score_function_gradient(score, np.array(choice), drawn, baseline(drawn))
        chance = np.prod(p[list(choice)])
        mean += chance * estimate
        square += chance * estimate @ estimate
    return mean, square - mean @ mean


@both_paths
@pytest.mark.parametrize("baseline", [0.0, 2.0, -30.0])
def test_estimate_is_unbiased_for_any_constant_baseline(path, baseline):
    reward = np.array([8.0, 4.0, -1.0])
    want = path.expected_gradient(SCORE, reward)
    for n_draw in (1, 2):
        mean, _ = over_all_draws(path, SCORE, reward, n_draw, lambda r: np.full(len(r), baseline))
        assert_allclose(mean, want, rtol=1e-10, atol=1e-12)


@both_paths
@pytest.mark.parametrize("n_draw", [2, 3])
def test_estimate_is_unbiased_with_the_others_mean(path, n_draw):
    reward = np.array([8.0, 4.0, -1.0])
    mean, _ = over_all_draws(path, SCORE, reward, n_draw, path.leave_one_out)
    assert_allclose(mean, path.expected_gradient(SCORE, reward), rtol=1e-10, atol=1e-12)


@both_paths
@pytest.mark.parametrize("n_draw", [1, 2, 3])
def test_a_mean_that_holds_the_own_reward_shrinks_the_estimate(path, n_draw):
    # of m draws the own one is in the mean with a share of 1/m: (m - 1) / m of the gradient is left
    reward = np.array([8.0, 4.0, -1.0])
    mean, _ = over_all_draws(path, SCORE, reward, n_draw, lambda r: np.full(len(r), r.mean()))
    want = (n_draw - 1) / n_draw * path.expected_gradient(SCORE, reward)
    assert_allclose(mean, want, rtol=1e-10, atol=1e-12)


@both_paths
def test_what_a_baseline_saves(path):
    # Two choices of equal chance, rewards 10 and 12: r (1/2, -1/2) or r (-1/2, 1/2). Without a
    # baseline squares of 50 and 72, mean 61, and the squared mean 1/2; with the mean, 11, squares
    # of 1/2 both, and no variance at all. Two draws have half of it.
    score, reward = np.zeros(2), np.array([10.0, 12.0])
    for n_draw, baseline, want in ((1, 0.0, 60.5), (2, 0.0, 30.25), (1, 11.0, 0.0)):
        _, variance = over_all_draws(
            path, score, reward, n_draw, lambda r, b=baseline: np.full(len(r), b)
        )
        assert_allclose(variance, want, rtol=1e-10, atol=1e-10)
    # the other's reward: +-1 for equal draws 0, for different ones exactly the gradient twice
    _, variance = over_all_draws(path, score, reward, 2, path.leave_one_out)
    assert_allclose(variance, 0.5, rtol=1e-10)


@both_paths
def test_leave_one_out_by_hand(path):
    got = path.leave_one_out(np.array([1.0, 5.0, 6.0, 12.0]))
    assert_allclose(got, [23 / 3, 19 / 3, 6.0, 4.0], rtol=1e-12)
    assert_allclose(path.leave_one_out(np.array([3.0, -1.0])), [-1.0, 3.0], rtol=1e-12)


@both_paths
@few
@given(rng=number, n=st.integers(2, 6))
def test_the_own_reward_is_left_out(path, rng, n):
    reward, i = rng.normal(size=n), int(rng.integers(n))
    got = path.leave_one_out(reward)
    assert_allclose(got, [np.delete(reward, k).mean() for k in range(n)], rtol=1e-10, atol=1e-12)
    other = reward.copy()
    other[i] += 100
    moved = path.leave_one_out(other) - got
    assert_allclose(moved, np.where(np.arange(n) == i, 0, 100 / (n - 1)), atol=1e-10)


# --- the gradient of a place, by quadrature -------------------------------------------------------


@both_paths
def test_location_score_by_hand(path):
    mean, location = np.array([0.5, -0.25]), np.array([0.75, -1.0])
    assert_allclose(path.location_score(mean, 0.5, location), [1.0, -3.0], rtol=1e-12)
    assert_allclose(path.location_score(mean, 2.0, location), [1 / 16, -3 / 16], rtol=1e-12)


def log_density(location, mean, std):
    """Of two independent coordinates."""
    square = ((location - mean) ** 2).sum() / (2 * std**2)
    return -square - 2 * math.log(std * math.sqrt(2 * math.pi))


@both_paths
@few
@given(rng=number, std=st.floats(0.2, 3))
def test_location_score_is_the_slope_of_the_log_density(path, rng, std):
    mean, location = rng.normal(size=2), rng.normal(size=2)
    want = slope(lambda m: log_density(location, m, std), mean)
    assert_allclose(path.location_score(mean, std, location), want, rtol=1e-6, atol=1e-8)


@both_paths
@pytest.mark.parametrize("baseline", [0.0, 4.0])
@pytest.mark.parametrize("std", [0.25, 1.5])
def test_location_score_by_quadrature(path, std, baseline):
    # E[(R - b) score] against the slope of E[R], which is known where R = x^2 y + 3 x - y^3 or
    # sin(a . l): E[x^2 y] = (m^2 + s^2) n, E[y^3] = n^3 + 3 n s^2,
    # E[sin(a . l)] = sin(a . mean) e^(-|a|^2 s^2 / 2).
    mean, a = np.array([0.4, -0.3]), np.array([1.5, -0.7])
    node, weight = np.polynomial.hermite_e.hermegauss(24)
    weight = weight / weight.sum()
    polynomial, wave = np.zeros(2), np.zeros(2)
    for i, j in np.ndindex(24, 24):
        location = mean + std * np.array([node[i], node[j]])
        score = weight[i] * weight[j] * path.location_score(mean, std, location)
        x, y = location
        polynomial += (x**2 * y + 3 * x - y**3 - baseline) * score
        wave += (math.sin(a @ location) - baseline) * score
    m, n = mean
    want = [2 * m * n + 3, m**2 + std**2 - 3 * n**2 - 3 * std**2]
    assert_allclose(polynomial, want, rtol=1e-9, atol=1e-10)
    want = a * math.cos(a @ mean) * math.exp(-a @ a * std**2 / 2)
    assert_allclose(wave, want, rtol=1e-8, atol=1e-10)


def test_a_place_that_was_not_detached_has_no_score_gradient():
    # log N(mean + std noise; mean, std) does not depend on the mean at all. Powers of two, lest
    # rounding leave something.
    torch = pytest.importorskip("torch")
    noise, std = torch.tensor([[0.75, -1.25], [0.5, 2.0]]), 0.25
    for detached in (False, True):
        mean = torch.tensor([[0.5, -0.25], [0.0, 0.125]], requires_grad=True)
        location = mean + std * noise
        location = location.detach() if detached else location
        log_prob = -((location - mean) ** 2).sum(-1) / (2 * std**2)
        (gradient,) = torch.autograd.grad(log_prob.sum(), mean)
        score = room("functional").location_score(mean.detach(), std, location.detach())
        assert_array_equal(score, noise / std)
        assert_array_equal(gradient, score if detached else torch.zeros(2, 2))


# --- Gumbel noise, relaxed and straight-through choices -------------------------------------------


@both_paths
def test_gumbel_noise_by_hand(path):
    # a number lies below g with the chance e^(-e^-g), so that uniform number is sent to g
    noise = np.array([[-1.0, 0.0, 0.5], [1.0, 3.0, 20.0]])
    uniform = np.exp(-np.exp(-noise))
    assert_allclose(path.gumbel_noise(uniform), noise, rtol=1e-6, atol=1e-12)
    assert_allclose(path.gumbel_noise(np.array([0.5])), [-math.log(math.log(2))], rtol=1e-12)


@both_paths
def test_mean_and_variance_of_gumbel_noise(path):
    # Euler's constant, and pi^2 / 6, by the midpoint rule
    n = 200_000
    noise = path.gumbel_noise((np.arange(n) + 0.5) / n)
    assert_allclose(noise.mean(), 0.5772157, atol=1e-5)
    assert_allclose(noise.var(), math.pi**2 / 6, atol=1e-3)


@both_paths
def test_gumbel_softmax_by_hand(path):
    # (log 1, log 2, log 5) and noise (log 8, log 2, 0) make 8 : 4 : 5; their square roots at
    # temperature 2, squares at 1/2
    noise = np.log([8.0, 2.0, 1.0])
    for temperature, ratio in (
        (1.0, np.array([8, 4, 5])),
        (0.5, np.array([64, 16, 25])),
        (2.0, np.sqrt([8, 4, 5])),
    ):
        got = path.gumbel_softmax(SCORE, noise, temperature)
        assert_allclose(got, ratio / ratio.sum(), rtol=1e-12)


@both_paths
@few
@given(rng=number, n=axis)
def test_limits_of_gumbel_softmax(path, rng, n):
    score, noise = rng.normal(scale=2, size=n), rng.gumbel(size=n)
    draw = path.straight_through(score, noise)
    for temperature in (1e-4, 0.1, 1.0, 10.0):
        weight = path.gumbel_softmax(score, noise, temperature)
        assert_allclose(weight.sum(), 1, rtol=1e-12)
        assert_array_equal(weight.argmax(), draw.argmax())  # whatever the temperature
    gap = np.diff(np.sort(score + noise))[-1:]
    assume(not len(gap) or gap > 0.01)
    assert_allclose(path.gumbel_softmax(score, noise, 1e-4), draw, atol=1e-12)
    assert_allclose(path.gumbel_softmax(score, noise, 1e9), np.full(n, 1 / n), rtol=1e-6)


@both_paths
def test_straight_through_by_hand(path):
    assert_array_equal(path.straight_through(SCORE, np.zeros(3)), [0, 0, 1])
    assert_array_equal(path.straight_through(SCORE, np.array([0.0, 1.0, 0.0])), [0, 1, 0])
    assert_array_equal(path.straight_through(np.zeros(2), np.zeros(2)), [1, 0])


@both_paths
@few
@given(rng=number, n=axis)
def test_straight_through_takes_the_item_that_hard_item_takes(path, rng, n):
    score, noise, item = rng.normal(size=n), rng.gumbel(size=n), rng.normal(size=(n, 3))
    choice = path.straight_through(score, noise)
    assert_array_equal(np.sort(choice), [0] * (n - 1) + [1])
    assert_array_equal(choice @ item, path.hard_item(score, item, noise))


@pytest.mark.parametrize("name", ["float64", "float32", "bfloat16"])
def test_straight_through_is_exactly_one_hot(name, device):
    torch = pytest.importorskip("torch")
    generator = torch.Generator().manual_seed(0)
    score, noise = torch.randn(2, 50, 7, generator=generator).to(device, getattr(torch, name))
    choice = room("functional").straight_through(score.requires_grad_(), noise)
    index = (score + noise).argmax(-1)
    assert_array_equal(choice.detach().double().cpu(), np.eye(7)[index.cpu()])


@both_paths
def test_straight_through_gradient_by_hand(path):
    # mean slope (8 + 2 * 4) / 8 = 2, as if the slopes were rewards
    got = path.straight_through_gradient(SCORE, np.array([8.0, 4.0, 0.0]))
    assert_allclose(got, [0.75, 0.5, -1.25], rtol=1e-12)


@both_paths
@few
@given(rng=number, n=axis)
def test_straight_through_gradient_is_the_softmaxs(path, rng, n):
    score, pull = rng.normal(scale=2, size=n), rng.normal(size=n)
    want = slope(lambda s: slow_softmax(s) @ pull, score)
    got = path.straight_through_gradient(score, pull)
    assert_allclose(got, want, rtol=1e-6, atol=1e-9)


def noise_that_draws(i, n):
    """Noise so large that the i-th of n choices is drawn."""
    return np.where(np.arange(n) == i, 50.0, 0.0)


def passed_on(score, noise, objective):
    """Gradient that the twin of `straight_through` passes on to scores and to noise."""
    torch = pytest.importorskip("torch")
    score, noise = (torch.tensor(each, requires_grad=True) for each in (score, noise))
    value = objective(room("functional").straight_through(score, noise))
    return [g.numpy() for g in torch.autograd.grad(value, (score, noise), materialize_grads=True)]


def test_what_straight_through_passes_on():
    torch = pytest.importorskip("torch")
    pull = np.array([3.0, -1.0, 0.5])
    reference = room("reference")
    for i in range(3):
        noise = noise_that_draws(i, 3)
        got, to_noise = passed_on(SCORE, noise, lambda z: (z * torch.tensor(pull)).sum())
        assert_allclose(got, reference.straight_through_gradient(SCORE, pull), rtol=1e-12)
        assert_array_equal(to_noise, np.zeros(3))
        # (c . z)^3 at the one-hot vector i: slope 3 c_i^2 c
        got, _ = passed_on(SCORE, noise, lambda z: (z * torch.tensor(pull)).sum() ** 3)
        want = reference.straight_through_gradient(SCORE, 3 * pull[i] ** 2 * pull)
        assert_allclose(got, want, rtol=1e-12)


def test_straight_through_in_a_batch_passes_each_its_own():
    torch = pytest.importorskip("torch")
    functional = room("functional")
    score, noise, pull = torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(0)).double()
    score.requires_grad_()
    choice = functional.straight_through(score, noise)
    (got,) = torch.autograd.grad((choice * pull).sum(), score)
    want = functional.straight_through_gradient(score.detach(), pull)
    torch.testing.assert_close(got, want, rtol=1e-12, atol=1e-12)


def test_straight_through_is_unbiased_for_a_linear_objective():
    torch = pytest.importorskip("torch")
    reward = np.array([8.0, 4.0, -1.0])
    mean = np.zeros(3)
    for i in range(3):
        noise = noise_that_draws(i, 3)
        mean += P[i] * passed_on(SCORE, noise, lambda z: z @ torch.tensor(reward))[0]
    assert_allclose(mean, room("reference").expected_gradient(SCORE, reward), rtol=1e-12)


def test_straight_through_is_biased_otherwise_by_hand():
    # Chances 1/4 and 3/4, objective (0 z1 + 2 z2)^2: 0 or 4. The true gradient is
    # 3/16 (0 - 4, 4 - 0) = (-3/4, 3/4). Straight-through sees a slope of 2 c_i c: nothing where
    # the first is drawn, else (0, 8), which makes 3/16 (-8, 8); on the mean 3/4 of it, 9/8.
    torch = pytest.importorskip("torch")
    p = np.array([0.25, 0.75])
    c = torch.tensor([0.0, 2.0], dtype=torch.float64)
    mean = np.zeros(2)
    for i in range(2):
        mean += p[i] * passed_on(np.log(p), noise_that_draws(i, 2), lambda z: (z @ c) ** 2)[0]
    assert_allclose(mean, [-9 / 8, 9 / 8], rtol=1e-12)
    true = room("reference").expected_gradient(np.log(p), np.array([0.0, 4.0]))
    assert_allclose(true, [-3 / 4, 3 / 4], rtol=1e-12)


# --- crop and retina ------------------------------------------------------------------------------


def slow_crop(image, left, top, side):
    """Pixel by pixel."""
    channel, height, width = image.shape
    piece = np.zeros((channel, side, side))
    for y in range(side):
        for x in range(side):
            if top + y in range(height) and left + x in range(width):
                piece[:, y, x] = image[:, top + y, left + x]
    return piece


def slow_corner(coordinate, n_pixel, side):
    """First pixel of the crop whose centre is nearest to the place; of two as near the later."""
    place = (coordinate + 1) / 2 * n_pixel
    return min(
        range(-2 * side - 3 * n_pixel, 3 * n_pixel + side),
        key=lambda first: (abs(first + side / 2 - place), -first),
    )


def slow_retina(image, location, side, n_scale):
    """Every number of every patch as the mean of its pixels."""
    channel, height, width = image.shape
    patch = np.zeros((n_scale, channel, side, side))
    for k in range(n_scale):
        block = 2**k
        left = slow_corner(location[0], width, side * block)
        top = slow_corner(location[1], height, side * block)
        for i, j, y, x in itertools.product(range(side), range(side), range(block), range(block)):
            row, column = top + block * i + y, left + block * j + x
            if 0 <= row < height and 0 <= column < width:
                patch[k, :, i, j] += image[:, row, column] / block**2
    return patch


SIX = np.array([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]])  # two high, three wide


@both_paths
def test_crop_by_hand(path):
    assert_array_equal(path.crop(SIX, np.array([1, 0]), 2), [[[2, 3], [5, 6]]])
    assert_array_equal(path.crop(SIX, np.array([2, 1]), 2), [[[6, 0], [0, 0]]])
    assert_array_equal(path.crop(SIX, np.array([-1, -1]), 2), [[[0, 0], [0, 1]]])
    assert_array_equal(path.crop(SIX, np.array([0, 1]), 1), [[[4]]])
    assert_array_equal(path.crop(SIX, np.array([0, 0]), 3), [[[1, 2, 3], [4, 5, 6], [0, 0, 0]]])


@both_paths
@few
@given(rng=number, channel=size, height=axis, width=axis, side=axis)
def test_crop_is_pixel_by_pixel(path, rng, channel, height, width, side):
    image = rng.normal(size=(channel, height, width))
    corner = rng.integers(-side - 1, max(height, width) + 2, size=2)
    got = path.crop(image, corner, side)
    assert_array_equal(got, slow_crop(image, *corner, side))


@both_paths
@pytest.mark.parametrize("far", [12, 1000, 10**9])
def test_far_outside_there_is_nothing(path, far):
    for corner in ((far, 0), (-far, 0), (0, far), (0, -far), (far, -far)):
        assert_array_equal(path.crop(picture(), np.array(corner), 3), np.zeros((2, 3, 3)))
    for location in ((far, 0.0), (0.0, -far)):
        patch = path.retina(picture(), np.array(location, dtype=float), 2, 3)
        assert_array_equal(patch, np.zeros((3, 2, 2, 2)))


@both_paths
@pytest.mark.parametrize("junk", [np.nan, np.inf])
def test_what_lies_outside_a_crop_never_enters(path, junk):
    image = np.full((2, 6, 8), junk)
    image[:, 2:4, 3:5] = [[1.0, 2.0], [3.0, 4.0]]
    want = np.array([[[1.0, 2.0], [3.0, 4.0]]] * 2)
    assert_array_equal(path.crop(image, np.array([3, 2]), 2), want)
    assert_array_equal(path.retina(image, np.zeros(2), 2, 1)[0], want)
    # beyond the edge is nothing, whatever stands on it
    image = np.full((1, 3, 3), junk)
    assert_array_equal(path.crop(image, np.array([3, 0]), 2), np.zeros((1, 2, 2)))
    assert_array_equal(path.crop(image, np.array([-2, -2]), 2), np.zeros((1, 2, 2)))


def test_what_lies_outside_a_crop_has_no_gradient():
    torch = pytest.importorskip("torch")
    image = torch.full((1, 4, 5), torch.nan, dtype=torch.float64)
    image[:, 0, 3:] = torch.tensor([1.0, 2.0])
    image.requires_grad_()
    corner = torch.tensor([3, -1])
    piece = room("functional").crop(image, corner, 2)
    (gradient,) = torch.autograd.grad((piece**2).sum(), image)
    want = np.zeros((1, 4, 5))
    want[0, 0, 3:] = [2.0, 4.0]
    assert_array_equal(gradient, want)
    piece = room("functional").crop(image, corner + 3, 2)  # off the edge, beside junk
    (gradient,) = torch.autograd.grad((piece**2).sum(), image)
    assert_array_equal(gradient, 0 * want)


@both_paths
def test_odd_and_even_crops_by_hand(path):
    # In the middle of five pixels: a crop of three takes 1 to 3; of two, 1 and 2 or 2 and 3 are
    # as near, and the later are taken. In the middle of four: two take 1 and 2, three 1 to 3.
    five, four = np.arange(5.0).reshape(1, 1, 5), np.arange(4.0).reshape(1, 1, 4)
    for image, side, want in (
        (five, 3, [1, 2, 3]),
        (five, 2, [2, 3]),
        (five, 5, [0, 1, 2, 3, 4]),
        (four, 2, [1, 2]),
        (four, 3, [1, 2, 3]),
        (four, 1, [2]),
    ):
        for turned in (False, True):
            image_here = image.transpose(0, 2, 1) if turned else image
            patch = path.retina(np.ascontiguousarray(image_here), np.zeros(2), side, 1)[0, 0]
            seen = patch.max(1) if turned else patch.max(0)
            assert_array_equal(seen, want)


@both_paths
def test_retina_by_hand(path):
    # Four rows of six. x = 1/3 is the edge between the columns 3 and 4, y = -1/2 that between the
    # rows 0 and 1. Two by two pixels; then four by four, whose first row lies outside.
    image = np.arange(24.0).reshape(1, 4, 6)
    patch = path.retina(image, np.array([1 / 3, -0.5]), 2, 2)
    assert_array_equal(patch[0, 0], [[3, 4], [9, 10]])
    want = [[(0 + 0 + 2 + 3) / 4, (0 + 0 + 4 + 5) / 4], [(8 + 9 + 14 + 15) / 4] * 2]
    want[1][1] = (10 + 11 + 16 + 17) / 4
    assert_allclose(patch[1, 0], want, rtol=1e-12)


@both_paths
@few
@given(rng=number, channel=size, height=axis, width=axis, side=axis, n_scale=st.integers(1, 3))
def test_retina_is_its_means(path, rng, channel, height, width, side, n_scale):
    image = rng.normal(size=(channel, height, width))
    location = rng.choice([rng.uniform(-1.5, 1.5), 0.0, 1.0, -0.5], size=2)
    got = path.retina(image, location, side, n_scale)
    assert_allclose(got, slow_retina(image, location, side, n_scale), rtol=1e-10, atol=1e-12)


@both_paths
@few
@given(rng=number, height=axis, width=axis, side=axis, n_scale=st.integers(1, 3))
def test_retina_is_torchs_average_pool(path, rng, height, width, side, n_scale):
    torch = pytest.importorskip("torch")
    image, location = rng.normal(size=(2, height, width)), rng.uniform(-1, 1, size=2)
    got = path.retina(image, location, side, n_scale)
    margin = side * 2**n_scale
    padded = torch.nn.functional.pad(torch.tensor(image), (margin,) * 4)
    for k in range(n_scale):
        wide = side * 2**k
        left, top = (
            slow_corner(c, n, wide) + margin for c, n in zip(location, (width, height), strict=True)
        )
        seen = padded[:, top : top + wide, left : left + wide]
        want = torch.nn.functional.avg_pool2d(seen[None], 2**k)[0]
        assert_allclose(got[k], want.numpy(), rtol=1e-10, atol=1e-12)


@both_paths
@few
@given(rng=number, height=axis, width=axis)
def test_a_scale_keeps_the_mean(path, rng, height, width):
    # of its crop, and where that holds the whole image, its sum
    image, location = rng.normal(size=(2, height, width)), rng.uniform(-1, 1, size=2)
    patch = path.retina(image, location, 4, 3)
    for k in range(3):
        side = 4 * 2**k
        left, top = (
            slow_corner(c, n, side) for c, n in zip(location, (width, height), strict=True)
        )
        crop = slow_crop(image, left, top, side)
        assert_allclose(patch[k].mean((1, 2)), crop.mean((1, 2)), rtol=1e-9, atol=1e-12)
    assert_allclose(patch[2].sum((1, 2)) * 16, image.sum((1, 2)), rtol=1e-9, atol=1e-12)


@both_paths
def test_retina_moves_with_the_image(path):
    image = np.zeros((1, 20, 24))
    image[:, 5:14, 6:15] = picture(1, 9, 9)
    here = path.retina(image, np.array([-0.1, 0.05]), 3, 2)
    moved = np.array([-0.1 + 2 * 4 / 24, 0.05 - 2 * 3 / 20])  # four pixels right, three up
    there = path.retina(np.roll(image, (-3, 4), (1, 2)), moved, 3, 2)
    assert_allclose(there, here, rtol=1e-12)
    turned = path.retina(image.transpose(0, 2, 1).copy(), np.array([0.05, -0.1]), 3, 2)
    assert_allclose(turned, here.transpose(0, 1, 3, 2), rtol=1e-12)


@both_paths
def test_the_corners_of_the_image_are_the_edges(path):
    # at (-1, -1) the upper left quarter of the crop lies outside, at (1, 1) the lower right one
    image = picture(1, 4, 6)
    first = path.retina(image, np.array([-1.0, -1.0]), 2, 1)[0, 0]
    assert_array_equal(first, [[0, 0], [0, image[0, 0, 0]]])
    last = path.retina(image, np.array([1.0, 1.0]), 2, 1)[0, 0]
    assert_array_equal(last, [[image[0, 3, 5], 0], [0, 0]])
    right = path.retina(image, np.array([1.0, -1.0]), 2, 1)[0, 0]
    assert_array_equal(right, [[0, 0], [image[0, 0, 5], 0]])


# --- the hybrid loss ------------------------------------------------------------------------------


HAND = {  # squared distances 1 and 4
    "location": np.array([[1.5, 0.25], [0.0, 1.0]]),
    "mean": np.array([[0.5, 0.25], [0.0, -1.0]]),
    "baseline": np.array([0.5, -1.0]),
}


@both_paths
@pytest.mark.parametrize("std", [1.0, 0.5])
def test_hybrid_loss_by_hand(path, std):
    # log-probabilities -1/2 and -2 at std 1, -2 and -8 at 1/2. Right: gains 1/2 and 2, squared
    # 4.25. Wrong: gains -1/2 and 1, squared 1.25.
    score = np.log([1.0, 3.0])
    first, second = 1 / (2 * std**2), 4 / (2 * std**2)
    want = math.log(4 / 3) + 0.5 * first + 2 * second + 4.25
    assert_allclose(path.hybrid_loss(score, 1, std=std, **HAND), want, rtol=1e-12)
    want = math.log(4) - 0.5 * first + 1 * second + 1.25
    assert_allclose(path.hybrid_loss(score, 0, std=std, **HAND), want, rtol=1e-12)


@both_paths
def test_hybrid_loss_at_extreme_scores(path):
    rest = path.hybrid_loss(np.zeros(2), 1, std=1.0, **HAND) - math.log(2)  # of a tie 0 is taken
    for gap in (1e3, 1e30):
        got = path.hybrid_loss(np.array([gap, 0.0]), 1, std=1.0, **HAND)
        assert_allclose(got, gap + rest, rtol=1e-12)


@both_paths
@few
@given(rng=number, n_class=axis, n_step=axis, std=st.floats(0.3, 2))
def test_hybrid_loss_is_the_sum_of_its_parts(path, rng, n_class, n_step, std):
    score, label = rng.normal(size=n_class), int(rng.integers(n_class))
    location, mean = rng.normal(size=(n_step, 2)), rng.normal(size=(n_step, 2))
    baseline = rng.random(n_step)
    want = -math.log(slow_softmax(score)[label])
    reward = 1.0 if max(range(n_class), key=lambda i: score[i]) == label else 0.0
    for t in range(n_step):
        gain = reward - baseline[t]
        density = log_density(location[t], mean[t], std)
        density += 2 * math.log(std * math.sqrt(2 * math.pi))  # less its constant
        want += gain**2 - gain * density
    got = path.hybrid_loss(score, label, location, mean, std, baseline)
    assert_allclose(got, want, rtol=1e-9, atol=1e-10)


def hybrid_gradient(rng, walk, n_step=3, n_class=4, std=0.4):
    """What the twin's loss sends to each of its arguments, and what it should send.

    With `walk` the places are made from the means and noise in the graph, as a careless model
    would hand them over; without it they are leaves of their own.
    """
    torch = pytest.importorskip("torch")
    functional, reference = room("functional"), room("reference")
    draw = {
        "score": rng.normal(size=n_class),
        "mean": rng.uniform(-1, 1, size=(n_step, 2)),
        "baseline": rng.random(n_step),
    }
    noise, label = rng.normal(size=(n_step, 2)), int(rng.integers(n_class))
    place = draw["mean"] + std * noise
    leaf = {name: torch.tensor(value, requires_grad=True) for name, value in draw.items()}
    other = torch.tensor(noise if walk else place, requires_grad=True)
    location = leaf["mean"] + std * other if walk else other
    loss = functional.hybrid_loss(
        leaf["score"], torch.tensor(label), location, leaf["mean"], std, leaf["baseline"]
    )
    inputs = (*leaf.values(), other)
    got = torch.autograd.grad(loss, inputs, materialize_grads=True)
    gain = float(draw["score"].argmax() == label) - draw["baseline"]
    scores = [reference.location_score(draw["mean"][t], std, place[t]) for t in range(n_step)]
    want = (
        slow_softmax(draw["score"]) - np.eye(n_class)[label],
        -gain[:, None] * np.array(scores),
        -2 * gain,
        np.zeros((n_step, 2)),
    )
    return [each.numpy() for each in got], want


@pytest.mark.parametrize("walk", [False, True], ids=["places apart", "places in the graph"])
def test_gradient_of_the_hybrid_loss_by_its_parts(walk):
    for seed in range(12):  # right answers and wrong ones
        got, want = hybrid_gradient(np.random.default_rng(seed), walk)
        for ours, theirs in zip(got, want, strict=True):
            assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("walk", [False, True], ids=["places apart", "places in the graph"])
def test_gradient_of_the_hybrid_loss_by_hand(walk):
    # One step, one std of 1/2 to the right of the mean: score (1/2) / (1/4) = 2. Answer right,
    # baseline 1/4: gain 3/4, so the mean is pulled by -3/2, the baseline by -3/2.
    torch = pytest.importorskip("torch")
    mean = torch.zeros(1, 2, requires_grad=True)
    location = mean + torch.tensor([[0.5, 0.0]])
    location = location if walk else location.detach()
    baseline = torch.tensor([0.25], requires_grad=True)
    score = torch.tensor([0.0, 0.0], requires_grad=True)
    loss = room("functional").hybrid_loss(score, torch.tensor(0), location, mean, 0.5, baseline)
    to_mean, to_baseline, to_score = torch.autograd.grad(loss, (mean, baseline, score))
    assert_allclose(to_mean, [[-1.5, 0.0]])
    assert_allclose(to_baseline, [-1.5])
    assert_allclose(to_score, [-0.5, 0.5])


# --- the recurrent model --------------------------------------------------------------------------


def looker(seed=0, n_scale=2, channel=2, double=True):
    """A model whose weights are nothing special, its weights as arrays, noise and an image."""
    torch = pytest.importorskip("torch")
    generator = torch.Generator().manual_seed(seed)
    made = room("modules").RecurrentAttention(3, n_scale, 4, generator, 5, 6, channel)
    made = made.double() if double else made
    with torch.no_grad():  # biases start at nought, which would hide a lost one
        for parameter in made.parameters():
            noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            parameter += (0.4 * noise).to(parameter.dtype)
    params = {name: value.numpy() for name, value in made.state_dict().items()}
    rng = np.random.default_rng(seed)
    return made, params, picture(channel, 8, 11, seed), rng.normal(size=(4, 2)), rng


def slow_looker(image, params, noise, std, side, n_scale, place=None):
    """Section 3.1 of Mnih et al. (2014) with a tanh on the mean, every product a sum of numbers."""

    def linear(name, x):
        rows = zip(params[f"{name}.w"], params[f"{name}.b"], strict=True)
        return [sum(w * v for w, v in zip(row, x, strict=True)) + b for row, b in rows]

    def rectified(x):
        return [max(v, 0.0) for v in x]

    hidden = [0.0] * len(params["core.b"])
    walk = []
    for t, pair in enumerate(noise):
        mean = [0.0, 0.0] if t == 0 else [math.tanh(m) for m in linear("mean", hidden)]
        location = [m + std * n for m, n in zip(mean, pair, strict=True)]
        location = location if place is None else list(place[t])
        walk.append((location, mean, linear("baseline", hidden)[0]))
        here = [min(max(c, -1.0), 1.0) for c in location]
        seen = slow_retina(image, here, side, n_scale).reshape(-1)
        what = linear("what", rectified(linear("patch", seen)))
        where = linear("where", rectified(linear("place", here)))
        glimpse = rectified(a + b for a, b in zip(what, where, strict=True))
        total = params["core.w_input"] @ glimpse + params["core.w_hidden"] @ hidden
        hidden = rectified(total + params["core.b"])
    return linear("answer", hidden), *(np.array(part) for part in zip(*walk, strict=True))


class OfModule:
    """The module behind the reference's face, as `paths.Functional` is the functions'."""

    @staticmethod
    def recurrent_attention(feature, params, noise, std, size, n_scale, place=None):
        torch = pytest.importorskip("torch")
        made = (
            room("modules")
            .RecurrentAttention(
                size,
                n_scale,
                len(params["answer.b"]),
                torch.Generator(),
                len(params["patch.b"]),
                len(params["core.b"]),
                len(feature),
            )
            .double()
        )
        made.load_state_dict({name: torch.tensor(value) for name, value in params.items()})
        place = None if place is None else torch.tensor(place)
        with torch.no_grad():
            results = made(torch.tensor(feature), torch.tensor(noise), std, place)
        return tuple(each.numpy() for each in results)


reference_and_module = pytest.mark.parametrize(
    "path", [paths("soft_hard")[0], pytest.param(OfModule, id="module")]
)
with_and_without_place = pytest.mark.parametrize("placed", [False, True], ids=["free", "placed"])


@reference_and_module
@with_and_without_place
def test_looker_is_its_formula(path, placed):
    for seed in range(3):
        _, params, image, noise, rng = looker(seed)
        place = rng.uniform(-1.3, 1.3, size=(4, 2)) if placed else None
        got = path.recurrent_attention(image, params, noise, 0.7, 3, 2, place)
        want = slow_looker(image, params, noise, 0.7, 3, 2, place)
        for ours, theirs in zip(got, want, strict=True):
            assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


@reference_and_module
def test_the_first_place_is_the_middle_and_the_next_ones_are_not(path):
    _, params, image, noise, _ = looker()
    _, location, mean, _ = path.recurrent_attention(image, params, 0 * noise, 0.5, 3, 2)
    assert_array_equal(mean[0], [0, 0])
    assert_array_equal(location, mean)
    assert (np.abs(mean[1:]) > 1e-3).all()
    assert (np.abs(mean) < 1).all()
    _, location, mean, _ = path.recurrent_attention(image, params, noise, 0.5, 3, 2)
    assert_array_equal(mean[0], [0, 0])
    assert_allclose(location, mean + 0.5 * noise, rtol=1e-12)


@reference_and_module
def test_a_place_outside_is_looked_at_where_it_is_brought_in(path):
    # ... and returned as it was drawn: its density is that of the draw, not of the edge
    _, params, image, noise, _ = looker()
    far = np.array([[3.0, -5.0], [0.2, 9.0], [-1.5, 0.1], [40.0, 40.0]])
    edge = np.clip(far, -1, 1)
    outside = path.recurrent_attention(image, params, noise, 0.5, 3, 2, far)
    brought = path.recurrent_attention(image, params, noise, 0.5, 3, 2, edge)
    assert_array_equal(outside[1], far)
    for i in (0, 2, 3):
        assert_allclose(outside[i], brought[i], rtol=1e-12)
    # a draw far off the middle, at the first step
    wide = path.recurrent_attention(image, params, 100 + noise, 0.5, 3, 2)
    assert_allclose(wide[1][0], 50 + 0.5 * noise[0], rtol=1e-12)
    corner = path.recurrent_attention(image, params, noise[:1], 0.5, 3, 2, np.ones((1, 2)))
    first = path.recurrent_attention(image, params, 100 + noise[:1], 0.5, 3, 2)
    assert_allclose(first[0], corner[0], rtol=1e-12)


@reference_and_module
def test_where_places_are_given_noise_does_not_matter(path):
    _, params, image, noise, rng = looker()
    place = rng.uniform(-1, 1, size=(4, 2))
    want = path.recurrent_attention(image, params, noise, 0.5, 3, 2, place)
    for other, std in ((-3 * noise, 0.5), (noise, 0.0), (noise, 7.0)):
        got = path.recurrent_attention(image, params, other, std, 3, 2, place)
        for ours, theirs in zip(got, want, strict=True):
            assert_array_equal(ours, theirs)
    assert_array_equal(want[1], place)
    # the places that it walked to by itself, given: the same walk
    free = path.recurrent_attention(image, params, noise, 0.5, 3, 2)
    given_ = path.recurrent_attention(image, params, noise, 0.5, 3, 2, free[1])
    for ours, theirs in zip(given_, free, strict=True):
        assert_allclose(ours, theirs, rtol=1e-12)


@reference_and_module
def test_what_no_glimpse_sees_changes_nothing(path):
    _, params, image, noise, _ = looker(n_scale=1)
    place = np.array([[-1.0, -1.0], [-0.8, -0.9]])  # crops of 3 in the upper left corner
    want = path.recurrent_attention(image, params, noise[:2], 0.5, 3, 1, place)
    hidden, seen = image.copy(), image.copy()
    hidden[:, 4:], hidden[:, :, 5:] = np.nan, np.nan
    seen[:, :1, :1] += 1
    got = path.recurrent_attention(hidden, params, noise[:2], 0.5, 3, 1, place)
    for ours, theirs in zip(got, want, strict=True):
        assert_array_equal(ours, theirs)
    got = path.recurrent_attention(seen, params, noise[:2], 0.5, 3, 1, place)
    assert not np.allclose(got[0], want[0])


@reference_and_module
def test_baseline_is_said_before_the_glimpse(path):
    # the first knows nothing but its bias; the last glimpse comes too late for any of them
    _, params, image, noise, _ = looker()
    place = np.zeros((4, 2))
    one = path.recurrent_attention(image, params, noise, 0.5, 3, 2, place)
    assert_allclose(one[3][0], params["baseline.b"][0], rtol=1e-12)
    place[3] = [0.5, -0.5]
    other = path.recurrent_attention(image, params, noise, 0.5, 3, 2, place)
    assert_array_equal(other[3], one[3])
    assert_array_equal(other[2], one[2])
    assert not np.allclose(other[0], one[0])


def reached(loss, made):
    """Names of the layers that a loss sends a gradient to."""
    torch = pytest.importorskip("torch")
    parameters = dict(made.named_parameters())
    gradients = torch.autograd.grad(loss, list(parameters.values()), allow_unused=True)
    return {
        name.split(".")[0]
        for name, gradient in zip(parameters, gradients, strict=True)
        if gradient is not None and gradient.abs().max() > 0
    }


SEES = {"patch", "place", "what", "where", "core", "answer"}


@with_and_without_place
def test_which_loss_trains_which_layer(placed):
    torch = pytest.importorskip("torch")
    functional = room("functional")
    made, _, image, noise, rng = looker()
    place = torch.tensor(rng.uniform(-1, 1, size=(4, 2))) if placed else None
    image, noise = torch.tensor(image), torch.tensor(noise)

    def walk():
        return made(image, noise, 0.3, place)

    label = torch.tensor(1)
    score, *_ = walk()
    assert reached(torch.nn.functional.cross_entropy(score[None], label[None]), made) == SEES
    _, _, _, baseline = walk()
    assert reached((1 - baseline).square().sum(), made) == {"baseline"}
    _, location, mean, _ = walk()
    assert not location.requires_grad
    gain = torch.arange(1.0, 5.0, dtype=torch.float64)
    log_prob = -(location - mean).square().sum(-1)
    assert reached(-(gain * log_prob).sum(), made) == {"mean"}
    score, location, mean, baseline = walk()
    loss = functional.hybrid_loss(score, label, location, mean, 0.3, baseline)
    assert reached(loss, made) == SEES | {"mean", "baseline"}


def test_gradient_of_the_answer_is_the_slope_at_given_places():
    # the places being given, the answer has an ordinary gradient: hold it to the reference's slope
    torch = pytest.importorskip("torch")
    reference = room("reference")
    made, params, image, noise, rng = looker()
    place, pull = rng.uniform(-1.2, 1.2, size=(4, 2)), rng.normal(size=4)
    image_leaf = torch.tensor(image, requires_grad=True)
    score = made(image_leaf, torch.tensor(noise), 0.5, torch.tensor(place))[0]
    inputs = {**dict(made.named_parameters()), "image": image_leaf}
    total = score @ torch.tensor(pull)
    gradients = torch.autograd.grad(total, list(inputs.values()), materialize_grads=True)
    for (name, leaf), gradient in zip(inputs.items(), gradients, strict=True):
        way = rng.normal(size=leaf.shape)

        def value(step, name=name, way=way):
            here = image + step * way if name == "image" else image
            weights = params if name == "image" else params | {name: params[name] + step * way}
            return reference.recurrent_attention(here, weights, noise, 0.5, 3, 2, place)[0] @ pull

        want = slope(value, np.array(0.0), 1e-5)
        got = (gradient.numpy() * way).sum()
        assert_allclose(got, want, rtol=1e-5, atol=1e-7, err_msg=name)


def test_score_function_gradient_of_the_looker_by_its_parts():
    # To the policy's bias goes, of each step but the first, -gain score (1 - mean^2), and so on to
    # its weights by the state, which is a constant here.
    torch = pytest.importorskip("torch")
    functional = room("functional")
    made, params, image, noise, _ = looker()
    score, location, mean, baseline = made(torch.tensor(image), torch.tensor(noise), 0.3)
    label = score.argmax()
    loss = functional.hybrid_loss(score, label, location, mean, 0.3, baseline)
    layers = made.mean.b, made.baseline.b
    to_mean, to_baseline = torch.autograd.grad(loss, layers)
    gain = 1 - baseline.detach().numpy()
    pull = gain[:, None] * noise / 0.3 * (1 - mean.detach().numpy() ** 2)
    assert_allclose(to_mean, -pull[1:].sum(0), rtol=1e-9)
    assert_allclose(to_baseline, [-2 * gain.sum()], rtol=1e-9)


@with_and_without_place
def test_examples_of_a_batch_do_not_meet(placed):
    torch = pytest.importorskip("torch")
    made, _, _, _, rng = looker()
    image, noise = (
        torch.tensor(rng.normal(size=(5, 2, 8, 11))),
        torch.tensor(rng.normal(size=(5, 4, 2))),
    )
    place = torch.tensor(rng.uniform(-1, 1, size=(5, 4, 2))) if placed else None
    order = torch.tensor([3, 0, 4, 2, 1])
    with torch.no_grad():
        together = made(image, noise, 0.3, place)
        turned = made(image[order], noise[order], 0.3, None if place is None else place[order])
    for ours, theirs in zip(turned, together, strict=True):
        torch.testing.assert_close(ours, theirs[order], rtol=1e-10, atol=1e-12)


def test_weights_of_the_looker_come_from_the_generator_alone():
    torch = pytest.importorskip("torch")
    build = room("modules").RecurrentAttention
    torch.manual_seed(1)
    one = build(3, 2, 4, torch.Generator().manual_seed(0), 5, 6)
    torch.manual_seed(2)
    same = build(3, 2, 4, torch.Generator().manual_seed(0), 5, 6)
    other = build(3, 2, 4, torch.Generator().manual_seed(1), 5, 6)
    for name, value in one.state_dict().items():
        assert_array_equal(value, same.state_dict()[name])
        if not name.endswith(".b"):
            assert (value != other.state_dict()[name]).any()


def test_sizes_of_the_looker_are_the_papers():
    # section 3.1 and 4: two halves of 128, glimpse and state of 256
    torch = pytest.importorskip("torch")
    made = room("modules").RecurrentAttention(8, 1, 10, torch.Generator())
    shapes = {name: tuple(value.shape) for name, value in made.state_dict().items()}
    assert shapes["patch.w"] == (128, 64)
    assert shapes["place.w"] == (128, 2)
    assert shapes["what.w"] == shapes["where.w"] == (256, 128)
    assert shapes["core.w_input"] == shapes["core.w_hidden"] == (256, 256)
    assert shapes["mean.w"] == (2, 256)
    assert shapes["baseline.w"] == (1, 256)
    assert shapes["answer.w"] == (10, 256)


# --- products -------------------------------------------------------------------------------------


def slow_slope(at, order):
    """Derivatives of log(1 + e^t), of the orders 1 to 4, in the sigmoid p."""
    p = 1 / (1 + math.exp(-at))
    q = p * (1 - p)
    return (p, q, q * (1 - 2 * p), q * (1 - 6 * q))[order - 1]


@both_paths
@pytest.mark.parametrize("shift", [0.7, -1.3])
@pytest.mark.parametrize("n_factor", [1, 2, 3, 4])
def test_product_weights_are_their_formula(path, n_factor, shift):
    hidden, out = path.product_weights(n_factor, 0.5, shift)
    unit = {tuple(row): weight for row, weight in zip(hidden, out, strict=True)}
    assert len(unit) == 2**n_factor
    for sign in itertools.product([1, -1], repeat=n_factor):
        want = math.prod(sign) / (2**n_factor * 0.5**n_factor * slow_slope(shift, n_factor))
        assert_allclose(unit[tuple(0.5 * s for s in sign)], want, rtol=1e-5)


@both_paths
def test_product_weights_by_hand(path):
    # two factors, shift 0: second derivative 1/4, so +-1 / (4 / 100 / 4)
    hidden, out = path.product_weights(2, 0.1, 0.0)
    assert_allclose(hidden, np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]]) / 10, rtol=1e-6)
    assert_allclose(out, [100, -100, -100, 100], rtol=1e-5)


@both_paths
@few
@given(rng=number, n_factor=st.integers(1, 4), shift=st.sampled_from([0.7, -1.3]))
def test_product_net_is_its_formula(path, rng, n_factor, shift):
    factor = rng.normal(size=n_factor)
    want = 0.0
    for sign in itertools.product([1, -1], repeat=n_factor):
        inner = 0.5 * sum(s * x for s, x in zip(sign, factor, strict=True)) + shift
        want += math.prod(sign) * math.log1p(math.exp(inner)) / slow_slope(shift, n_factor)
    got = path.product_net(factor, 0.5, shift)
    assert_allclose(got, want, rtol=1e-9, atol=1e-9)  # scale 1/2: (2 * 1/2)^N = 1


@both_paths
@pytest.mark.parametrize("n_factor", [1, 2, 3, 4])
def test_error_of_the_product_net_falls_as_the_square_of_the_scale(path, n_factor):
    factor = np.array([1.5, -0.8, 1.2, 0.7])[:n_factor]
    error = [path.product_net(factor, s, 0.7) - factor.prod() for s in (0.2, 0.1, 0.05)]
    assert_allclose([error[0] / error[1], error[1] / error[2]], [4, 4], rtol=0.15)
    assert abs(error[2]) < 0.01 * abs(factor.prod())


@both_paths
def test_product_net_is_odd_in_every_factor(path):
    factor = np.array([1.5, -0.8, 1.2])
    value = path.product_net(factor, 0.5, 0.7)
    for i in range(3):
        turned, gone = factor.copy(), factor.copy()
        turned[i], gone[i] = -factor[i], 0.0
        assert_allclose(path.product_net(turned, 0.5, 0.7), -value, rtol=1e-9)
        assert_allclose(path.product_net(gone, 0.5, 0.7), 0, atol=1e-10)


def slow_iterated(x, n):
    """psi^-1(psi(x) + n), both as recursions."""

    def psi(x):
        return psi(math.exp(x)) - 1 if x < 0 else x if x < 1 else psi(math.log(x)) + 1

    def inverse(p):
        return math.log(inverse(p + 1)) if p < 0 else p if p < 1 else math.exp(inverse(p - 1))

    return inverse(psi(x) + n)


@both_paths
def test_iterated_exp_by_hand(path):
    # Between 0 and 1 half a step adds a half. From 2, one step above log 2, half a step leads to
    # e^e^(log 2 - 1/2); back from 1/4 to -1/4, one step below 3/4; from -1 = log(1/e), one step
    # below 1/e, to 1/e + 1/2.
    value = np.array([0.25, 0.75, 2.0, 0.25, -1.0])
    times = np.array([0.5, 0.5, 0.5, -0.5, 0.5])
    want = [0.75, math.exp(0.25), math.exp(math.exp(math.log(2) - 0.5)), math.log(0.75)]
    want.append(math.log(math.exp(-1) + 0.5))
    assert_allclose(path.iterated_exp(value, times), want, rtol=1e-12)


@both_paths
@few
@given(rng=number)
def test_iterated_exp_is_its_recursion(path, rng):
    value = rng.uniform(-3, 4, size=6)
    times = rng.uniform(-1, 1, size=6)
    times = np.where(value > 0, times, abs(times))
    want = [slow_iterated(x, n) for x, n in zip(value, times, strict=True)]
    assert_allclose(path.iterated_exp(value, times), want, rtol=1e-9, atol=1e-12)


@both_paths
@few
@given(rng=number, first=st.floats(0, 0.5), second=st.floats(-0.5, 0.5))
def test_laws_of_iterated_exp(path, rng, first, second):
    value = np.sort(rng.uniform(0.01, 3, size=5))
    for times, want in ((1.0, np.exp(value)), (0.0, value), (-1.0, np.log(value))):
        got = path.iterated_exp(value, np.full(5, times))
        assert_allclose(got, want, rtol=1e-10, atol=1e-12)
    there = path.iterated_exp(value, np.full(5, first))
    assert (np.diff(there) > 0).all()
    once = path.iterated_exp(value, np.full(5, first + second))
    assert_allclose(path.iterated_exp(there, np.full(5, second)), once, rtol=1e-8, atol=1e-10)


@both_paths
def test_add_or_multiply_by_hand(path):
    # 3/2 * 2 - 1/2 * 4 = 1 and 2^(3/2) / 4^(1/2) = sqrt 2
    feature, w = np.array([2.0, 4.0]), np.array([[1.5, -0.5], [1.5, -0.5]])
    got = path.add_or_multiply(feature, w, np.array([0.0, 1.0]))
    assert_allclose(got, [1.0, math.sqrt(2)], rtol=1e-12)
    # half way, a half is taken off 0.6 and 0.7 and put on the sum of what is left
    got = path.add_or_multiply(np.array([0.6, 0.7]), np.ones((1, 2)), np.array([0.5]))
    assert_allclose(got, [0.8], rtol=1e-12)


@both_paths
@few
@given(rng=number, d_in=axis, n_unit=axis)
def test_add_or_multiply_is_its_formula(path, rng, d_in, n_unit):
    feature, times = rng.uniform(0.3, 3, size=d_in), rng.random(n_unit)
    w = rng.normal(size=(n_unit, d_in)) / 2
    got = path.add_or_multiply(feature, w, times)
    for i in range(n_unit):
        total = sum(w[i, j] * slow_iterated(feature[j], -times[i]) for j in range(d_in))
        assert_allclose(got[i], slow_iterated(total, times[i]), rtol=1e-8, atol=1e-10)


@both_paths
def test_dynamic_filter_by_hand(path):
    # the slope to the right and twice the slope down, of 1, 2, 4 over 8, 16, 32; not flipped
    image = np.array([[1.0, 2.0, 4.0], [8.0, 16.0, 32.0]])
    assert_array_equal(path.dynamic_filter(image, np.array([[-1.0, 1.0]])), [[1, 2], [8, 16]])
    got = path.dynamic_filter(image, np.array([[-2.0], [2.0]]))
    assert_array_equal(got, [[14, 28, 56]])
    assert_array_equal(path.dynamic_filter(image, image), [[85 * 16 + 5]])


@both_paths
@few
@given(rng=number, rows=axis, columns=axis, h=axis, w=axis)
def test_dynamic_filter_is_torchs_correlation(path, rng, rows, columns, h, w):
    torch = pytest.importorskip("torch")
    image, kernel = (
        rng.normal(size=(rows + h - 1, columns + w - 1)),
        rng.normal(size=(rows, columns)),
    )
    got = path.dynamic_filter(image, kernel)
    want = torch.nn.functional.conv2d(
        torch.tensor(image)[None, None], torch.tensor(kernel)[None, None]
    )
    assert got.shape == (h, w)
    assert_allclose(got, want[0, 0].numpy(), rtol=1e-9, atol=1e-12)
    slow = [
        [
            sum(kernel[i, j] * image[y + i, x + j] for i in range(rows) for j in range(columns))
            for x in range(w)
        ]
        for y in range(h)
    ]
    assert_allclose(got, slow, rtol=1e-9, atol=1e-12)
