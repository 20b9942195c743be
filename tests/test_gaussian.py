"""Gaussian attention against numbers worked by hand, formulas of the papers coded anew, and laws.

Every test that takes a `path` runs on the reference and on its torch twin. Equation numbers are
those of Gregor et al. (2015).
"""

import importlib
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from paths import paths

both_paths = pytest.mark.parametrize("path", paths("gaussian"))
both_rules = pytest.mark.parametrize("rule", ["exact", "source"])
few = settings(max_examples=25)

WINDOW = {  # no two numbers alike, so that a swap of x and y, or of any two, is seen
    "mean": np.array([2.25, 1.5]),
    "std": np.array([0.75, 0.5]),
    "stride": np.array([1.5, 0.875]),
}


def picture(channel=2, height=7, width=9, seed=0):
    """An asymmetric image without structure."""
    return np.random.default_rng(seed).normal(size=(channel, height, width))


# --- the formulas once more, one number at a time -------------------------------------------------


def slow_filterbank(mean, std, stride, n_filter, n_pixel, rule):
    """Rows of Gaussians in plain Python; "exact" takes off the nearest pixel's exponent first."""
    rows = []
    for i in range(n_filter):
        exponent = [-((p - (mean + i * stride)) ** 2) / (2 * std**2) for p in range(n_pixel)]
        nearest = max(exponent) if rule == "exact" else 0.0
        bell = [math.exp(e - nearest) for e in exponent]
        total = sum(bell) + (0.0 if rule == "exact" else 1e-8)
        rows.append([b / total for b in bell])
    return np.array(rows)


def slow_glimpse(image, mean, std, stride, size, rule):
    """Every glimpse pixel as a sum over every image pixel."""
    channel, height, width = image.shape
    a_x = slow_filterbank(mean[0], std[0], stride[0], size[1], width, rule)
    a_y = slow_filterbank(mean[1], std[1], stride[1], size[0], height, rule)
    glimpse = np.zeros((channel, *size))
    for c, i, j in np.ndindex(glimpse.shape):
        for y in range(height):
            for x in range(width):
                glimpse[c, i, j] += a_y[i, y] * a_x[j, x] * image[c, y, x]
    return glimpse


def slow_write(patch, mean, std, stride, size, rule):
    """Every glimpse pixel spread over every canvas pixel."""
    channel, n_row, n_column = patch.shape
    a_x = slow_filterbank(mean[0], std[0], stride[0], n_column, size[1], rule)
    a_y = slow_filterbank(mean[1], std[1], stride[1], n_row, size[0], rule)
    canvas = np.zeros((channel, *size))
    for c, y, x in np.ndindex(canvas.shape):
        for i in range(n_row):
            for j in range(n_column):
                canvas[c, y, x] += patch[c, i, j] * a_y[i, y] * a_x[j, x]
    return canvas


number = st.integers(0, 2**32 - 1).map(np.random.default_rng)


@both_paths
@both_rules
@few
@given(rng=number, n_filter=st.integers(1, 6), n_pixel=st.integers(1, 8))
def test_filterbank_is_its_formula(path, rule, rng, n_filter, n_pixel):
    mean, std, stride = rng.uniform(-3, 9), rng.uniform(0.2, 3), rng.uniform(-2, 3)
    got = path.filterbank(mean, std, stride, n_filter, n_pixel, rule)
    want = slow_filterbank(mean, std, stride, n_filter, n_pixel, rule)
    assert_allclose(got, want, rtol=1e-10, atol=1e-14)


@both_paths
@both_rules
def test_glimpse_is_its_formula(path, rule):
    got = path.gaussian_glimpse(picture(), **WINDOW, size=(3, 4), rule=rule)
    assert_allclose(got, slow_glimpse(picture(), **WINDOW, size=(3, 4), rule=rule), rtol=1e-10)


@both_paths
@both_rules
def test_write_is_its_formula(path, rule):
    patch = picture(height=3, width=4)
    got = path.gaussian_write(patch, **WINDOW, size=(7, 9), rule=rule)
    want = slow_write(patch, **WINDOW, size=(7, 9), rule=rule)
    assert_allclose(got, want, rtol=1e-10, atol=1e-14)


# --- numbers worked by hand -----------------------------------------------------------------------


@both_paths
def test_vector_by_hand(path):
    # std 1/2 makes the exponent -2 d^2: 1 at the mean, e^-2 a pixel away, e^-8 two pixels away
    got = path.gaussian_vector(1.0, 0.5, 4)
    assert_allclose(got, [math.exp(-2), 1.0, math.exp(-2), math.exp(-8)], rtol=1e-12)


@both_paths
def test_vector_between_pixels_and_off_the_axis(path):
    assert_allclose(path.gaussian_vector(0.5, 0.5, 2), [math.exp(-0.5)] * 2, rtol=1e-12)
    assert_allclose(path.gaussian_vector(-3.0, 2.0, 1), [math.exp(-9 / 8)], rtol=1e-12)
    assert_allclose(path.gaussian_vector(1.0, 1e6, 3), np.ones(3), rtol=1e-11)


@both_paths
def test_map_by_hand(path):
    # `row` runs along x over the width, `column` along y over the height: three wide, two high
    got = path.attention_map(np.array([1.0, 2.0, 3.0]), np.array([10.0, 100.0]))
    assert_array_equal(got, [[10.0, 20.0, 30.0], [100.0, 200.0, 300.0]])


@both_paths
def test_interior_row_by_hand(path):
    # centre 4 of ten pixels: e^0, e^-2, e^-8, e^-18, e^-32 at distances 0 to 4, e^-50 at the end
    row = path.filterbank(2.0, 0.5, 1.0, 5, 10)[2]
    bell = np.exp([-32.0, -18.0, -8.0, -2.0, 0.0, -2.0, -8.0, -18.0, -32.0, -50.0])
    total = 1 + 2 * math.exp(-2) + 2 * math.exp(-8) + 2 * math.exp(-18) + 2 * math.exp(-32)
    assert_allclose(row, bell / total, rtol=1e-12)
    assert_allclose(row[3:6], [0.106451, 0.786571, 0.106451], atol=5e-7)


@both_paths
def test_minimal_example_by_hand(path):
    # 10 x 10 image, bright square at pixels 3 to 5, 5 x 5 glimpse from mean 2 at stride 1
    image = np.zeros((1, 10, 10))
    image[0, 3:6, 3:6] = 1
    two = np.full(2, 2.0)
    glimpse = path.gaussian_glimpse(image, two, two / 4, two / 2, (5, 5))
    # Along one axis the centres 2 to 6 see e^-2 + e^-8, 1 + e^-2 + e^-8 and 1 + 2 e^-2 of the
    # square, each over 1 + 2 e^-2 + 2 e^-8.
    profile = np.array([0.106715, 0.893286, 0.999472, 0.893286, 0.106715])
    assert_allclose(glimpse[0], np.outer(profile, profile), atol=2e-6)


@both_paths
def test_wide_and_high_are_told_apart_by_hand(path):
    # A ramp along x reads as the x of the centres, a ramp along y as the y: (3, 5, 7) and (2, 3)
    image = np.stack([np.tile(np.arange(12.0), (6, 1)), np.tile(np.arange(6.0)[:, None], (1, 12))])
    mean, std, stride = np.array([3.0, 2.0]), np.array([0.375, 0.25]), np.array([2.0, 1.0])
    glimpse = path.gaussian_glimpse(image, mean, std, stride, (2, 3))
    assert_allclose(glimpse[0], [[3.0, 5.0, 7.0]] * 2, rtol=1e-12)
    assert_allclose(glimpse[1], [[2.0] * 3, [3.0] * 3], rtol=1e-12)


@both_paths
def test_write_by_hand(path):
    # Two Gaussians at x = 0.5 and 2.5, so narrow that each halves its weight between two pixels
    patch = np.array([[[4.0, 6.0]]])
    mean, std, stride = np.array([0.5, 1.0]), np.full(2, 0.05), np.array([2.0, 9.0])
    got = path.gaussian_write(patch, mean, std, stride, (3, 5))
    assert_allclose(got, [[[0] * 5, [2.0, 2.0, 3.0, 3.0, 0.0], [0] * 5]], atol=1e-12)


# --- the two rules --------------------------------------------------------------------------------


@both_paths
@pytest.mark.parametrize(("std", "total"), [(0.08, 0.40), (0.07, 0.002)])
def test_source_row_fades_between_pixels(path, std, total):
    row = path.filterbank(4.5, std, 0.0, 1, 10, "source")[0]
    bell = 2 * math.exp(-0.125 / std**2)  # two pixels, half a pixel away each
    assert_allclose(row.sum(), bell / (bell + 1e-8), rtol=1e-10)
    assert_allclose(row.sum(), total, atol=0.005 if total > 0.1 else 0.0005)
    assert_allclose(path.filterbank(4.5, std, 0.0, 1, 10, "exact")[0, 4:6], [0.5, 0.5], rtol=1e-12)


@both_paths
@few
@given(
    mean=st.floats(-1e4, 1e4),
    std=st.floats(1e-3, 1e3),
    stride=st.floats(-50, 50),
    n_filter=st.integers(1, 5),
    n_pixel=st.integers(1, 7),
)
def test_exact_rows_always_sum_to_one(path, mean, std, stride, n_filter, n_pixel):
    bank = path.filterbank(mean, std, stride, n_filter, n_pixel)
    assert_allclose(bank.sum(1), np.ones(n_filter), rtol=1e-12)
    assert (bank >= 0).all()


@both_paths
@few
@given(mean=st.floats(-20, 20), std=st.floats(1e-3, 10), stride=st.floats(-5, 5))
def test_source_rows_never_sum_to_more_than_one(path, mean, std, stride):
    total = path.filterbank(mean, std, stride, 3, 7, "source").sum(1)
    assert (total >= 0).all()
    assert (total <= 1 + 1e-12).all()


@both_paths
def test_far_off_the_image(path):
    # x to the left of the image, y below it: "exact" shows the corner pixel, "source" nothing
    image = picture()
    window = {"mean": np.array([-40.0, 50.0]), "std": np.ones(2), "stride": np.ones(2)}
    glimpse = path.gaussian_glimpse(image, **window, size=(2, 3))
    corner = np.broadcast_to(image[:, -1:, :1], (2, 2, 3))
    assert_allclose(glimpse, corner, rtol=1e-12)
    assert_array_equal(
        path.gaussian_glimpse(image, **window, size=(2, 3), rule="source"), np.zeros((2, 2, 3))
    )


@both_paths
@pytest.mark.parametrize("std", [1e-2, 1e-6, 1e-100, 1e-300])
def test_std_to_zero_is_the_nearest_pixel(path, std):
    nearest = path.filterbank(0.75, std, 1.0, 3, 4)
    assert_allclose(nearest, np.eye(4)[1:], atol=1e-12)
    tie = path.filterbank(1.5, std, 0.0, 1, 4)  # midway between pixels 1 and 2
    assert_allclose(tie, [[0.0, 0.5, 0.5, 0.0]], rtol=1e-12, atol=1e-12)


@both_paths
def test_std_to_infinity_is_the_mean(path):
    assert_allclose(path.filterbank(1.0, 1e9, 2.0, 3, 5), np.full((3, 5), 0.2), rtol=1e-9)
    image = picture()
    glimpse = path.gaussian_glimpse(image, np.zeros(2), np.full(2, 1e9), np.ones(2), (3, 4))
    level = image.mean((1, 2), keepdims=True)
    assert_allclose(glimpse, np.broadcast_to(level, (2, 3, 4)), rtol=1e-7)


@both_paths
@few
@given(rng=number)
def test_exact_glimpse_stays_between_darkest_and_brightest(path, rng):
    image = rng.normal(size=(1, 5, 6))
    window = (rng.uniform(-9, 9, 2), rng.uniform(0.1, 4, 2), rng.uniform(-3, 3, 2))
    glimpse = path.gaussian_glimpse(image, *window, (3, 2))
    assert glimpse.min() >= image.min() - 1e-12
    assert glimpse.max() <= image.max() + 1e-12


# --- laws of the grid -----------------------------------------------------------------------------


@both_paths
@both_rules
def test_stride_zero_repeats_the_first_row(path, rule):
    bank = path.filterbank(1.25, 0.5, 0.0, 3, 6, rule)
    assert_allclose(bank, np.repeat(path.filterbank(1.25, 0.5, 7.0, 1, 6, rule), 3, axis=0))


@both_paths
@both_rules
def test_first_row_is_at_the_mean_whatever_the_stride(path, rule):
    for stride in (-2.0, 0.5, 3.0):
        first = path.filterbank(3.0, 0.5, stride, 4, 7, rule)[0]
        assert first.argmax() == 3
        assert_allclose(first[::-1], first, rtol=1e-12)


@both_paths
@both_rules
def test_negative_stride_mirrors(path, rule):
    forth = path.filterbank(1.0, 0.75, 1.5, 3, 7, rule)
    back = path.filterbank(4.0, 0.75, -1.5, 3, 7, rule)
    assert_allclose(back, forth[::-1], rtol=1e-12)


@both_paths
@both_rules
def test_narrow_window_is_the_hard_crop(path, rule):
    image = picture()
    mean, narrow = np.array([3.0, 1.0]), np.full(2, 0.02)  # e^-1250 is 0: exactly the crop
    glimpse = path.gaussian_glimpse(image, mean, narrow, np.ones(2), (4, 5), rule)
    crop = image[:, 1:5, 3:8]
    if rule == "exact":
        assert_array_equal(glimpse, crop)
    else:
        assert_allclose(glimpse, crop, rtol=3e-8)  # each row sums to 1 / (1 + 1e-8)


@both_paths
@both_rules
def test_moving_image_and_window_together_changes_nothing(path, rule):
    image = picture(height=24, width=26)
    window = {"mean": np.array([9.3, 8.6]), "std": np.full(2, 0.6), "stride": np.array([0.9, 1.3])}
    moved = window | {"mean": window["mean"] + np.array([3.0, -2.0])}
    here = path.gaussian_glimpse(image, **window, size=(4, 5), rule=rule)
    there = path.gaussian_glimpse(np.roll(image, (-2, 3), (1, 2)), **moved, size=(4, 5), rule=rule)
    assert_allclose(there, here, rtol=1e-9, atol=1e-12)


@both_paths
@both_rules
def test_transposed_image_with_swapped_window(path, rule):
    here = path.gaussian_glimpse(picture(), **WINDOW, size=(3, 4), rule=rule)
    swapped = {name: pair[::-1].copy() for name, pair in WINDOW.items()}
    across = path.gaussian_glimpse(
        picture().transpose(0, 2, 1).copy(), **swapped, size=(4, 3), rule=rule
    )
    assert_allclose(across.transpose(0, 2, 1), here, rtol=1e-12)


@both_paths
@both_rules
def test_reading_and_writing_are_adjoint(path, rule):
    image, patch = picture(), picture(height=3, width=4, seed=1)
    glimpse = path.gaussian_glimpse(image, **WINDOW, size=(3, 4), rule=rule)
    canvas = path.gaussian_write(patch, **WINDOW, size=(7, 9), rule=rule)
    assert_allclose((glimpse * patch).sum((1, 2)), (image * canvas).sum((1, 2)), rtol=1e-12)


@both_paths
def test_exact_write_keeps_the_mass(path):
    patch = picture(height=3, width=4)
    for mean in (np.array([2.0, 1.0]), np.array([-30.0, 99.0])):  # on the canvas and off it
        canvas = path.gaussian_write(patch, mean, np.ones(2), np.ones(2), (7, 9))
        assert_allclose(canvas.sum((1, 2)), patch.sum((1, 2)), rtol=1e-12)


@both_paths
def test_source_write_loses_mass_off_the_canvas(path):
    mean = np.array([-30.0, 2.0])
    patch = np.ones((1, 3, 4))
    canvas = path.gaussian_write(patch, mean, np.ones(2), np.ones(2), (7, 9), "source")
    assert_allclose(canvas, np.zeros((1, 7, 9)), atol=1e-12)


@both_paths
@both_rules
def test_channels_do_not_mix(path, rule):
    image = picture(channel=3)
    together = path.gaussian_glimpse(image, **WINDOW, size=(3, 4), rule=rule)
    written = path.gaussian_write(together, **WINDOW, size=(7, 9), rule=rule)
    for c in range(3):
        alone = path.gaussian_glimpse(image[c : c + 1], **WINDOW, size=(3, 4), rule=rule)
        assert_allclose(together[c : c + 1], alone, rtol=1e-12)
        alone = path.gaussian_write(alone, **WINDOW, size=(7, 9), rule=rule)
        assert_allclose(written[c : c + 1], alone, rtol=1e-12)


@both_paths
@both_rules
def test_glimpse_is_linear_in_the_image(path, rule):
    one, two = picture(), picture(seed=1)
    read = {
        name: path.gaussian_glimpse(image, **WINDOW, size=(3, 4), rule=rule)
        for name, image in {"one": one, "two": two, "sum": 2 * one - 3 * two}.items()
    }
    assert_allclose(read["sum"], 2 * read["one"] - 3 * read["two"], rtol=1e-10, atol=1e-12)


# --- the vector form ------------------------------------------------------------------------------


@both_paths
def test_vector_form_and_matrix_form_agree_on_one_pixel(path):
    image = picture(channel=1)
    row = path.gaussian_vector(WINDOW["mean"][0], WINDOW["std"][0], 9)
    column = path.gaussian_vector(WINDOW["mean"][1], WINDOW["std"][1], 7)
    mask = path.attention_map(row, column)
    glimpse = path.gaussian_glimpse(image, **WINDOW, size=(1, 1))
    assert_allclose(glimpse[0, 0, 0], (mask * image[0]).sum() / mask.sum(), rtol=1e-12)


@both_paths
@few
@given(mean=st.floats(-2, 9), std=st.floats(0.3, 5), stride=st.floats(-2, 2))
def test_filter_rows_are_vectors_scaled_to_sum_one(path, mean, std, stride):
    bank = path.filterbank(mean, std, stride, 3, 6)
    for i in range(3):
        vector = path.gaussian_vector(mean + i * stride, std, 6)
        if vector.sum() > 1e-200:
            assert_allclose(bank[i], vector / vector.sum(), rtol=1e-9, atol=1e-300)


@both_paths
def test_what_the_vector_form_wastes(path):
    # A mask of std 1/2 on 10 x 10 pixels: e^(-2 d^2) exceeds 1/1000 at the mean, at its four
    # neighbours (e^-2) and at its four corners (e^-4), not at distance two (e^-8).
    vector = path.gaussian_vector(4.0, 0.5, 10)
    mask = path.attention_map(vector, vector)
    assert mask.shape == (10, 10)
    assert (mask > 1e-3).sum() == 9  # 100 multiplications for 9 pixels that show
    assert np.linalg.matrix_rank(mask) == 1


# --- gradients ------------------------------------------------------------------------------------


def slope(path, mean, std, rule):
    """d/d mean of one glimpse pixel over two image pixels of brightness 0 and 1."""

    def value(m):
        return path.filterbank(m, std, 0.0, 1, 2, rule)[0, 1]

    h = 1e-4
    near = (value(mean + h) - value(mean - h)) / (2 * h)
    return (4 * near - (value(mean + 2 * h) - value(mean - 2 * h)) / (4 * h)) / 3


@both_paths
def test_slope_of_the_exact_rule_by_hand(path):
    # Two pixels: the second weighs s = 1 / (1 + e^-(mean - 1/2) / std^2), so ds = s (1 - s) / std^2
    for mean, std in ((0.5, 1.0), (0.2, 0.3), (2.0, 1.0), (-1.0, 0.8)):
        s = 1 / (1 + math.exp(-(mean - 0.5) / std**2))
        assert_allclose(slope(path, mean, std, "exact"), s * (1 - s) / std**2, rtol=1e-6)


@both_paths
def test_dead_gradients_between_the_pixels(path):
    # std .1 on a pixel: s (1 - s) / std^2 with s = e^-50 leaves nothing; midway it is 25
    assert_allclose(slope(path, 0.0, 0.1, "exact"), 0.0, atol=1e-15)
    assert_allclose(slope(path, 0.5, 0.1, "exact"), 25.0, rtol=1e-5)
    # std .07 midway under "source": the row has faded, and the slope of its sum with it. Its
    # second pixel is b / (2 b + 1e-8), b = e^(-1/8 / .0049), whose slope is b / std^2 / 2
    # / (2 b + 1e-8) from the fading and as much again, b / std^2 b / (2 b + 1e-8)^2, from the sum.
    b = math.exp(-0.125 / 0.07**2)
    total = 2 * b + 1e-8
    want = b * 0.5 / 0.07**2 / total
    assert_allclose(slope(path, 0.5, 0.07, "source"), want, rtol=1e-4)
    assert want < 0.1 < 50 < slope(path, 0.5, 0.07, "exact")


@both_paths
def test_which_rule_keeps_its_gradient_off_the_image(path):
    # d pixels past the last one at std 1. "exact": e^-(d + 1/2), dying slowly.
    for d in (2, 6, 10):
        s = math.exp(-(d + 0.5))
        assert_allclose(slope(path, 1.0 + d, 1.0, "exact"), s / (1 + s) ** 2, rtol=1e-5)
    # "source": b / (b + 1e-8) with b = e^(-d^2 / 2): steep where b passes 1e-8, at d = 6.07, and
    # of the other sign (the pixel darkens as the window leaves); 1e-13 at d = 10.
    steep, gone = slope(path, 7.0, 1.0, "source"), slope(path, 11.0, 1.0, "source")
    b = math.exp(-18)
    assert_allclose(steep, -6 * b * 1e-8 / (b + 1e-8) ** 2, rtol=0.01)
    assert_allclose(gone, -10 * math.exp(-50) / 1e-8, rtol=1e-4)
    assert abs(steep) > 900 * slope(path, 7.0, 1.0, "exact")
    assert slope(path, 11.0, 1.0, "exact") > 1e8 * abs(gone)


def test_autograd_dies_where_the_slope_dies():
    torch = pytest.importorskip("torch")
    functional = paths("gaussian")[1].values[0].module
    image = torch.tensor(picture())

    def gradient(mean, rule):
        mean = torch.tensor(mean, dtype=torch.float64, requires_grad=True)
        two = torch.ones(2, dtype=torch.float64)
        glimpse = functional.gaussian_glimpse(image, mean, two, two, (3, 4), rule)
        return torch.autograd.grad(glimpse.square().sum(), mean)[0].abs().max().item()

    for rule in ("exact", "source"):
        assert gradient([3.0, 2.0], rule) > 0.1
        assert gradient([60.0, 60.0], rule) < 1e-15
    # ten pixels off on either side of the image the rules part
    assert gradient([18.0, 2.0], "exact") > 1e-6 > 1e-9 > gradient([18.0, 2.0], "source")


@pytest.mark.parametrize("mean", [-1e4, 1e4])
def test_float32_keeps_its_digits_off_the_image(mean):
    # 10,000 pixels away at std 100 neighbours weigh as e to 1, the difference of two exponents of
    # 5,000: float32 would lose four digits, were the common part not taken off beforehand.
    torch = pytest.importorskip("torch")
    functional = paths("gaussian")[1].values[0].module
    arguments = (torch.tensor(each) for each in (mean, 100.0, 0.0))
    row = functional.filterbank(*arguments, 1, 6)[0].double().numpy()
    assert_allclose(row, slow_filterbank(mean, 100.0, 0.0, 1, 6, "exact")[0], rtol=1e-5)


def test_gradient_of_a_read_is_a_write():
    torch = pytest.importorskip("torch")
    functional = paths("gaussian")[1].values[0].module
    image = torch.tensor(picture(), requires_grad=True)
    patch = torch.tensor(picture(height=3, width=4, seed=1))
    window = {name: torch.tensor(pair) for name, pair in WINDOW.items()}
    glimpse = functional.gaussian_glimpse(image, **window, size=(3, 4))
    (gradient,) = torch.autograd.grad((glimpse * patch).sum(), image)
    want = slow_write(patch.numpy(), **WINDOW, size=(7, 9), rule="exact")
    assert_allclose(gradient.numpy(), want, rtol=1e-10, atol=1e-14)


# --- DRAW -----------------------------------------------------------------------------------------


def paper_filters(g, n_pixel, longest, n_filter, log_variance, log_stride):
    """Equations 19 to 26 as printed: filters and pixels counted from one."""
    centre = (n_pixel + 1) / 2 * (g + 1)  # (22), (23)
    stride = (longest - 1) / (n_filter - 1) * math.exp(log_stride)  # (24)
    bank = np.zeros((n_filter, n_pixel))
    for i in range(1, n_filter + 1):
        mean = centre + (i - n_filter / 2 - 0.5) * stride  # (19), (20)
        for a in range(1, n_pixel + 1):
            bank[i - 1, a - 1] = math.exp(-((a - mean) ** 2) / (2 * math.exp(log_variance)))
    return bank / bank.sum(1, keepdims=True)  # (25), (26)


def paper_pair(raw, size, n_filter):
    height, width = size
    f_x = paper_filters(raw[0], width, max(size), n_filter, raw[2], raw[3])
    f_y = paper_filters(raw[1], height, max(size), n_filter, raw[2], raw[3])
    return f_x, f_y, math.exp(raw[4])


draw_raw = st.tuples(
    st.floats(-0.9, 0.9),
    st.floats(-0.9, 0.9),
    st.floats(-1.0, 3.0),
    st.floats(-2.0, 0.5),
    st.floats(-2.0, 2.0),
).map(np.array)
draw_size = st.tuples(st.integers(2, 7), st.integers(2, 9))


@both_paths
@few
@given(raw=draw_raw, size=draw_size, n_filter=st.integers(2, 5))
def test_draw_window_is_the_papers(path, raw, size, n_filter):
    mean, std, stride, intensity = path.draw_window(raw, size, n_filter)
    f_x, f_y, gamma = paper_pair(raw, size, n_filter)
    x = path.filterbank(mean[0], std[0], stride[0], n_filter, size[1])
    y = path.filterbank(mean[1], std[1], stride[1], n_filter, size[0])
    assert_allclose(x, f_x, rtol=1e-9, atol=1e-13)
    assert_allclose(y, f_y, rtol=1e-9, atol=1e-13)
    assert_allclose(intensity, gamma, rtol=1e-12)


@both_paths
@few
@given(raw=draw_raw, size=draw_size, n_filter=st.integers(2, 5))
def test_draw_read_is_the_papers(path, raw, size, n_filter):
    image = picture(2, *size)
    f_x, f_y, gamma = paper_pair(raw, size, n_filter)
    want = gamma * np.stack([f_y @ one @ f_x.T for one in image])  # (27)
    assert_allclose(path.draw_read(image, raw, n_filter), want, rtol=1e-8, atol=1e-11)


@both_paths
@few
@given(raw=draw_raw, size=draw_size, n_filter=st.integers(2, 5))
def test_draw_write_is_the_papers(path, raw, size, n_filter):
    patch = picture(2, n_filter, n_filter)
    f_x, f_y, gamma = paper_pair(raw, size, n_filter)
    want = np.stack([f_y.T @ one @ f_x for one in patch]) / gamma  # (29)
    assert_allclose(path.draw_write(patch, raw, size), want, rtol=1e-8, atol=1e-11)


@both_paths
def test_draw_window_by_hand(path):
    # 7 high, 11 wide, N = 3: stride (11 - 1) / 2 e^0.  x~ = .5: 12 / 2 * 1.5 - 1 = 8, first at 3.
    # y~ = -.25: 8 / 2 * .75 - 1 = 2, first at -3.  log var ln 9: std 3.  log intensity ln 2.
    raw = np.array([0.5, -0.25, math.log(9), 0.0, math.log(2)])
    mean, std, stride, intensity = path.draw_window(raw, (7, 11), 3)
    assert_allclose(mean, [3.0, -3.0], rtol=1e-12)
    assert_allclose(std, [3.0, 3.0], rtol=1e-12)
    assert_allclose(stride, [5.0, 5.0], rtol=1e-12)
    assert_allclose(intensity, 2.0, rtol=1e-12)


@both_paths
def test_draw_zeros_cover_the_image(path):
    mean, std, stride, intensity = path.draw_window(np.zeros(5), (10, 10), 4)
    assert_allclose(mean, [0.0, 0.0], atol=1e-12)  # first pixel ...
    assert_allclose(mean + 3 * stride, [9.0, 9.0], rtol=1e-12)  # ... to last
    assert_allclose([*std, intensity], [1.0, 1.0, 1.0], rtol=1e-12)
    # On an image that is not square the grid spans the longer side and hangs over the shorter.
    mean, _, stride, _ = path.draw_window(np.zeros(5), (5, 9), 3)
    assert_allclose(mean, [0.0, -2.0], atol=1e-12)
    assert_allclose(mean + 2 * stride, [8.0, 6.0], rtol=1e-12)


@both_paths
def test_draw_window_moves_by_whole_pixels(path):
    # 2 / (W + 1) of x~ is one pixel along x, 2 / (H + 1) of y~ one along y; nothing else moves
    raw = np.array([0.125, -0.25, 0.5, -0.75, 0.25])
    step = np.array([2 / 10 * 3, 2 / 8 * -2, 0.0, 0.0, 0.0])
    here, there = path.draw_window(raw, (7, 9), 4), path.draw_window(raw + step, (7, 9), 4)
    assert_allclose(there[0] - here[0], [3.0, -2.0], rtol=1e-12)
    for a, b in zip(here[1:], there[1:], strict=True):
        assert_array_equal(a, b)


@both_paths
def test_draw_intensity_multiplies_the_read_and_divides_the_write(path):
    raw = np.array([0.1, -0.2, 0.3, -0.4, 0.0])
    louder = raw + np.array([0, 0, 0, 0, math.log(4)])
    image, patch = picture(), picture(height=3, width=3)
    read, write = path.draw_read(image, raw, 3), path.draw_write(patch, raw, (7, 9))
    assert_allclose(path.draw_read(image, louder, 3), 4 * read, rtol=1e-12)
    assert_allclose(path.draw_write(patch, louder, (7, 9)), write / 4, rtol=1e-12)


@both_paths
@few
@given(rng=number, n_filter=st.integers(1, 9))
def test_first_mean_and_centre_are_inverse(path, rng, n_filter):
    mean, stride = rng.uniform(-9, 9, 2), rng.uniform(-4, 4, 2)
    centre = path.first_to_centre(mean, stride, n_filter)
    last = mean + (n_filter - 1) * stride
    assert_allclose(centre, (mean + last) / 2, rtol=1e-10, atol=1e-12)
    back = path.centre_to_first(centre, stride, n_filter)
    assert_allclose(back, mean, rtol=1e-10, atol=1e-12)


@both_paths
def test_first_mean_and_centre_by_hand(path):
    # four Gaussians from 2 at stride 1: 2 3 4 5, about 3.5; from 9 at stride -2: 9 7 5 3, about 6
    mean, stride = np.array([2.0, 9.0]), np.array([1.0, -2.0])
    assert_allclose(path.first_to_centre(mean, stride, 4), [3.5, 6.0], rtol=1e-12)
    assert_allclose(path.centre_to_first(np.array([3.5, 6.0]), stride, 4), mean, rtol=1e-12)
    assert_array_equal(path.first_to_centre(mean, stride, 1), mean)


# --- the reader -----------------------------------------------------------------------------------


def reader(seed=0, frozen=False, n_step=3, size=(9, 7)):
    """A reader of three glimpses of 3 x 3, its weights nothing special, and an image for it."""
    torch = pytest.importorskip("torch")
    modules = importlib.import_module("attn_course.gaussian.modules")
    generator = torch.Generator().manual_seed(seed)
    made = modules.GlimpseReader(n_step, 3, 6, 4, size, generator, frozen).double()
    params = {name: value.numpy() for name, value in made.state_dict().items()}
    return made, params, picture(1, *size)


@pytest.mark.parametrize("frozen", [False, True])
def test_reader_from_torchs_own_parts(frozen):
    # The same model from torch's linear layer and GRU cell and from the paper's formulas.
    torch = pytest.importorskip("torch")
    _, params, image = reader(frozen=frozen)
    rng = np.random.default_rng(1)  # the biases start at nought, which would hide a lost one
    params = {name: value + 0.3 * rng.normal(size=value.shape) for name, value in params.items()}
    cell = torch.nn.GRUCell(6, 6, dtype=torch.float64)
    names = {"weight_ih": "w_input", "weight_hh": "w_hidden", "bias_ih": "b_input"}
    names |= {"bias_hh": "b_hidden"}
    cell.load_state_dict({k: torch.tensor(params[f"core.{v}"]) for k, v in names.items()})
    hidden, raws = torch.zeros(6, dtype=torch.float64), []
    for _ in range(3):
        state = np.zeros(6) if frozen else hidden.detach().numpy()
        raw = params["window.w"] @ state + params["window.b"]
        f_x, f_y, gamma = paper_pair(raw, (9, 7), 3)
        seen = np.append((gamma * f_y @ image[0] @ f_x.T).reshape(-1), raw)
        seen = np.maximum(params["read.w"] @ seen + params["read.b"], 0)
        hidden = cell(torch.tensor(seen), hidden)
        raws.append(raw)
    want = params["answer.w"] @ hidden.detach().numpy() + params["answer.b"]
    reference = importlib.import_module("attn_course.gaussian.reference")
    score, raw = reference.glimpse_reader(image, params, 3, 3, frozen)
    assert_allclose(raw, raws, rtol=1e-9, atol=1e-12)
    assert_allclose(score, want, rtol=1e-9, atol=1e-12)


def test_frozen_reader_looks_at_one_place_and_the_other_does_not():
    reference = importlib.import_module("attn_course.gaussian.reference")
    _, params, image = reader()
    raw = reference.glimpse_reader(image, params, 3, 3, frozen=True)[1]
    assert_array_equal(raw, np.tile(raw[0], (3, 1)))
    free = reference.glimpse_reader(image, params, 3, 3)[1]
    assert_array_equal(free[0], raw[0])
    assert (free[1] != free[0]).all()


def test_reader_looks_at_the_whole_image_first():
    reference = importlib.import_module("attn_course.gaussian.reference")
    _, params, image = reader(size=(9, 9))
    raw = reference.glimpse_reader(image, params, 1, 3)[1][0]
    mean, std, stride, intensity = reference.draw_window(raw, (9, 9), 3)
    # pixels 0, 4 and 8, each seen with a std of half a stride
    assert_allclose([*mean, *stride, *std, intensity], [0, 0, 4, 4, 2, 2, 1], atol=1e-6)


def test_reader_reads_what_it_looks_at():
    # An image that differs only where no glimpse looks gets the same answer, elsewhere another.
    reference = importlib.import_module("attn_course.gaussian.reference")
    _, params, image = reader(size=(9, 9))
    params = params | {"window.w": np.zeros_like(params["window.w"])}
    params["window.b"] = np.array([-0.8, -0.8, -5.0, -1.5, 0.0])  # a corner: pixels 0 and 1
    before = reference.glimpse_reader(image, params, 2, 3)[0]
    far, near = image.copy(), image.copy()
    far[0, 6:, 6:] += 1
    near[0, :2, :2] += 1
    assert_allclose(reference.glimpse_reader(far, params, 2, 3)[0], before, rtol=1e-9)
    assert (np.abs(reference.glimpse_reader(near, params, 2, 3)[0] - before) > 1e-4).all()
