"""Products: constructed nets, the dial between adding and multiplying, and how nets are trained."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from attn_course.soft_hard import functional, recipe_products, reference
from attn_course.training import RUNS, loop, records

EPSILON = np.finfo(float).eps
SHIFT = 1.0


def softplus_slope(order):
    """The derivative at the shift, by differences of the sigmoid, for small orders."""
    t = SHIFT + np.linspace(-1, 1, 4001)
    values = 1 / (1 + np.exp(-t))
    for _ in range(order - 1):
        values = np.gradient(values, t, edge_order=2)
    return values[2000]


# The constructed nets ---------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_the_weights_divide_by_the_derivative_that_is_needed(n):
    hidden, out = reference.product_weights(n, 0.5, SHIFT)
    assert hidden.shape == (2**n, n)
    assert len(np.unique(hidden, axis=0)) == 2**n
    assert_allclose(np.abs(hidden), 0.5)
    assert_allclose(out, (2 * hidden).prod(axis=1) / softplus_slope(n), rtol=1e-4)


@pytest.mark.parametrize("n", range(1, 11))
def test_lower_powers_cancel_and_the_right_one_is_left(n):
    """With the power t^k for a unit the net is zero up to k = N - 1, at N the product itself."""
    rng = np.random.default_rng(n)
    x = rng.uniform(0.5, 1.5, n) * rng.choice([-1, 1], n)
    hidden, out = reference.product_weights(n, 1.0, SHIFT)
    size = np.abs(out).sum()
    for k in range(n):
        assert abs(out @ (hidden @ x) ** k) < 1e-12 * size * np.abs(x).sum() ** k
    factorial = np.prod(np.arange(1.0, n + 1))
    slope = 1 / (2**n * np.abs(out[0]))  # the derivative, up to its sign
    got = out @ (hidden @ x) ** n / factorial * slope
    assert_allclose(np.abs(got), np.abs(x.prod()), rtol=1e-9)


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_the_error_falls_with_the_square_of_the_scale_as_was_proved(n):
    x = np.random.default_rng(n).uniform(0.5, 1.5, n)

    def miss(scale):
        return reference.product_net(x, scale, SHIFT) / x.prod() - 1

    def slope(order):
        return np.sign(softplus_slope(n)) / (
            2**order * np.abs(reference.product_weights(order, 1.0, SHIFT)[1][0])
        )

    assert_allclose(miss(0.04) / miss(0.02), 4, rtol=0.05)
    predicted = 0.02**2 * slope(n + 2) / slope(n) * np.square(x).sum() / 6
    assert_allclose(abs(miss(0.02)), abs(predicted), rtol=0.05)


@pytest.mark.parametrize("n", [2, 4, 7, 10])
def test_below_the_best_scale_rounding_takes_over(n):
    rng = np.random.default_rng(0)
    x = rng.uniform(-2, 2, (50, n))

    def error(scale):
        hidden, out = reference.product_weights(n, scale, SHIFT)
        said = np.logaddexp(0, x @ hidden.T + SHIFT) @ out
        return np.sqrt(np.square(said - x.prod(axis=1)).mean() / np.square(x.prod(axis=1)).mean())

    best = EPSILON ** (1 / (n + 2))
    assert error(best / 30) > 10 * error(best) < 10 * error(30 * best)
    assert error(best) < 100 * EPSILON ** (2 / (n + 2))


@pytest.mark.parametrize("n", [3, 5, 7, 9])
def test_an_unshifted_softplus_multiplies_no_odd_number_of_factors(n):
    with np.errstate(divide="ignore"):
        _, out = reference.product_weights(n, 0.5, 0.0)
    assert not (np.abs(out) < 1e9).any()


# The dial ---------------------------------------------------------------------------------------


def test_iterates_compose():
    rng = np.random.default_rng(0)
    x = rng.uniform(0.1, 3, 100)
    first, second = rng.uniform(0, 0.5, (2, 100))
    once = reference.iterated_exp(reference.iterated_exp(x, first), second)
    assert_allclose(once, reference.iterated_exp(x, first + second), rtol=1e-10)
    back = reference.iterated_exp(reference.iterated_exp(x, -first), first)
    assert_allclose(back, x, rtol=1e-10)


def test_whole_iterates_are_what_they_are_called():
    x = np.array([0.2, 0.9, 1.0, 2.5, 20.0])
    for times, function in ((-1.0, np.log), (0.0, np.copy), (1.0, np.exp)):
        assert_allclose(reference.iterated_exp(x, np.full(5, times)), function(x), rtol=1e-12)
    below = np.array([-40.0, -1.0, 0.0])
    assert_allclose(reference.iterated_exp(below, np.zeros(3)), below, rtol=1e-12)
    assert_allclose(reference.iterated_exp(below, np.ones(3)), np.exp(below), atol=1e-15)


def test_iterates_are_continuous_and_rise():
    x = np.linspace(-3, 6, 4001)
    for times in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = reference.iterated_exp(x, np.full(len(x), times))
        assert (np.diff(y) > 0).all()
        assert np.diff(y).max() < 0.01 * max(1.0, y.max())


def test_a_unit_adds_at_one_end_and_multiplies_at_the_other():
    x = np.array([0.5, 2.0, 3.0])
    w = np.array([[1.0, 2.0, -1.0], [1.0, 2.0, -1.0]])
    got = reference.add_or_multiply(x, w, np.array([0.0, 1.0]))
    assert_allclose(got, [1.5, 0.5 * 4 / 3], rtol=1e-12)


def test_a_filter_adds_neighbours_where_a_mask_moves_nothing():
    rng = np.random.default_rng(0)
    image = rng.normal(size=(6, 7))
    shift = np.array([[0.0, 0.0, 1.0]])
    assert_allclose(reference.dynamic_filter(image, shift), image[:, 2:])
    kernel = rng.normal(size=(3, 2))
    got = reference.dynamic_filter(image, kernel)
    assert_allclose(got[2, 3], (image[2:5, 3:5] * kernel).sum())
    both = torch.from_numpy(np.stack([image, 2 * image]))
    kernels = torch.from_numpy(np.stack([kernel, kernel[::-1].copy()]))
    theirs = functional.dynamic_filter(both, kernels)
    assert_allclose(theirs[0], got, rtol=1e-12)
    assert_allclose(theirs[1], 2 * reference.dynamic_filter(image, kernel[::-1]), rtol=1e-12)


# How nets are trained ---------------------------------------------------------------------------

PLAIN = [arm for arm in recipe_products.ARMS if "-tune-" not in arm]
COMPARED = [arm for arm in PLAIN if arm.split("-")[1] in ("shallow", "deep", "multiplicative")]
SOME = (
    *("product-shallow-2", "product-multiplicative-5", "product-constructed-3", "mix-learned"),
    *("mix-dense", "steer-dynamic", "steer-additive", "steer-fixed-tune-0.1"),
)


def size_of(arm):
    config = recipe_products.configure("book", arm)
    model = recipe_products.build(config, torch.Generator().manual_seed(0))
    return sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("arm", [arm for arm in COMPARED if arm.startswith("product")])
def test_nets_that_are_compared_have_as_many_parameters(arm):
    assert abs(size_of(arm) / 1_000 - 1) < 0.05


def test_the_other_nets_are_not_smaller_than_what_they_are_compared_with():
    assert size_of("mix-dense") >= size_of("mix-learned")
    assert 0.99 < size_of("steer-additive") / size_of("steer-dynamic") < 1.01


@pytest.mark.parametrize("n", recipe_products.N_FACTOR)
def test_the_exact_net_is_of_the_constructed_size_and_starts_there_if_told(n):
    assert size_of(f"product-exact-{n}") == 2**n * (n + 2) + 1
    config = recipe_products.configure("book", f"product-constructed-{n}")
    net = recipe_products.build(config, torch.Generator().manual_seed(0)).double()
    x = np.random.default_rng(0).uniform(-2, 2, (20, n))
    with torch.no_grad():
        got = net(torch.from_numpy(x))[:, 0].numpy()
    want = [reference.product_net(one, config.scale, config.shift) for one in x]
    assert_allclose(got, want, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("arm", SOME)
def test_an_arm_is_trained_and_measured(arm):
    config = recipe_products.configure("smoke", arm)
    model, curve = loop.train(recipe_products, config, seed=0)
    assert np.isfinite(curve["loss"]).all()
    result, predicted = loop.evaluate(recipe_products, config, model, subset=True)
    assert recipe_products.measure(config, predicted) == result
    assert result["inside"] > 0
    assert result["outside"] > 0


def test_a_batch_is_a_function_of_seed_update_and_purpose():
    config = recipe_products.configure("smoke", "product-deep-3")
    first, again = (recipe_products.batch(config, 0, 3)["feature"] for _ in range(2))
    np.testing.assert_array_equal(first, again)
    tuning = recipe_products.configure("smoke", "product-deep-3-tune-0.1")
    for other in (
        recipe_products.batch(config, 1, 3),
        recipe_products.batch(config, 0, 4),
        recipe_products.batch(tuning, 0, 3),
    ):
        assert np.abs(other["feature"] - first).max() > 0.1


@pytest.mark.parametrize("n", recipe_products.N_FACTOR)
def test_inside_is_inside_and_outside_is_not(n):
    config = recipe_products.configure("book", f"product-shallow-{n}")
    near, far = recipe_products.examples(config, False)
    assert near["feature"].shape == far["feature"].shape == (config.n_example, n)
    assert np.abs(near["feature"]).max() <= 2
    assert (np.abs(far["feature"]).max(axis=1) > 2).all()
    assert np.abs(far["feature"]).max() <= 3
    assert_allclose(far["wanted"][:, 0], far["feature"].prod(axis=1))


def test_the_wanted_filters_turn_and_tell_half_a_circle_from_none():
    first, quarter, half = recipe_products.steered(np.array([0.0, np.pi / 2, np.pi]))
    assert_allclose(quarter, first.T, atol=1e-12)
    assert_allclose(half, first[::-1, ::-1], atol=1e-12)
    assert np.abs(half - first).max() > 0.1
    assert_allclose(np.square(first).sum(), 1)


# The constructed nets and the long runs take their rates from the arms they are compared with.
TUNED = [
    arm
    for arm in PLAIN
    if arm.split("-")[1] not in ("nudged", "constructed") and not arm.endswith("-long")
]


@pytest.mark.parametrize("arm", TUNED)
def test_the_rate_is_the_best_of_those_that_were_tried(arm):
    tried = {
        run["config"]["lr"]: run["final"]["inside"]
        for name in recipe_products.ARMS
        if name.startswith(f"{arm}-tune-")
        for run in records("soft_hard.products", name, out=RUNS)
    }
    assert len(tried) > 1
    # Rates that lead to the same number, or to none but rounding, are as good as each other.
    best = min(tried.values())
    assert tried[recipe_products.configure("book", arm).lr] <= 1.1 * best + 1e-12
