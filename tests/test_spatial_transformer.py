"""Spatial transformers against numbers worked by hand, the paper's sums coded anew, and laws.

Every test that takes a `path` runs on the reference and on its torch twin. Equation numbers are
those of Jaderberg et al. (2015). `align` stands for `align_corners`.
"""

import importlib
import inspect
import math
import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from paths import HAS_TORCH, Functional, paths

both_paths = pytest.mark.parametrize("path", paths("spatial_transformer"))
both_corners = pytest.mark.parametrize("align", [False, True], ids=["edges", "centres"])
both_paddings = pytest.mark.parametrize("padding", ["zeros", "border"])
few = settings(max_examples=25)
number = st.integers(0, 2**32 - 1).map(np.random.default_rng)
axis = st.integers(1, 6)

THETA = np.array([[0.5, -0.25, 0.125], [0.75, 1.5, -0.375]])  # no two numbers alike
IDENTITY = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
SMALL = np.array([[[1.0, 2.0, 4.0], [8.0, 16.0, 32.0]]])


def picture(channel=2, height=7, width=9, seed=0):
    """An asymmetric image without structure."""
    return np.random.default_rng(seed).normal(size=(channel, height, width))


def shifted(x, y):
    """The transformation that reads further right by x, further down by y."""
    return IDENTITY + np.array([[0.0, 0.0, x], [0.0, 0.0, y]])


def whole_pixels(number_of_pixels, n_pixel, align):
    """So many pixels in normalised coordinates."""
    return 2 * number_of_pixels / (n_pixel - 1 if align else n_pixel)


# --- the formulas once more, one number at a time -------------------------------------------------


def slow_position(coordinate, n_pixel, align):
    if align:
        return (coordinate + 1) * (n_pixel - 1) / 2
    return ((coordinate + 1) * n_pixel - 1) / 2


def slow_positions(grid, image, align):
    """The grid in pixels, (x, y) last."""
    height, width = image.shape[1:]
    x = slow_position(grid[..., 0], width, align)
    return np.stack([x, slow_position(grid[..., 1], height, align)], axis=-1)


def slow_sample(image, grid, padding, align):
    """Equations 3 and 5: every output pixel as a sum over every image pixel."""
    channel, height, width = image.shape
    position = slow_positions(grid, image, align)
    if padding == "border":
        position = np.clip(position, 0, [width - 1, height - 1])
    out = np.zeros((channel, *grid.shape[:2]))
    for c, i, j in np.ndindex(out.shape):
        x, y = position[i, j]
        for n in range(height):
            for m in range(width):
                weight = max(0, 1 - abs(x - m)) * max(0, 1 - abs(y - n))
                out[c, i, j] += weight * image[c, n, m]
    return out


def paper_slope(image, x, y):
    """Equation 7 as printed, at one position in pixels: slope of each channel's value along x."""
    channel, height, width = image.shape
    slope = np.zeros(channel)
    for n in range(height):
        for m in range(width):
            step = 0.0 if abs(m - x) >= 1 else (1.0 if m >= x else -1.0)
            slope += image[:, n, m] * max(0, 1 - abs(y - n)) * step
    return slope


def slow_spline(landing, point):
    """The thin-plate spline through landing points, its kernel r^2 log r, at one point."""
    k = len(landing)
    side = np.linspace(-1, 1, math.isqrt(k))
    control = np.array([(x, y) for y in side for x in side])

    def kernel(a, b):
        r = math.hypot(*(a - b))
        return r**2 * math.log(r) if r else 0.0

    system = np.zeros((k + 3, k + 3))
    system[:k, :k] = [[kernel(a, b) for b in control] for a in control]
    system[:k, k:] = [[1, *a] for a in control]
    system[k:, :k] = system[:k, k:].T
    coefficient = np.linalg.solve(system, np.vstack([landing, np.zeros((3, 2))]))
    return np.array([*(kernel(point, a) for a in control), 1, *point]) @ coefficient


def grids(rng, h, w, spread=1.5):
    """Positions on the image and off it, without structure."""
    return rng.uniform(-spread, spread, size=(h, w, 2))


@both_paths
@both_corners
@both_paddings
@few
@given(rng=number, height=axis, width=axis, h=axis, w=axis)
def test_sampling_is_its_formula(path, padding, align, rng, height, width, h, w):
    assume(not align or min(height, width) > 1)
    image, grid = rng.normal(size=(2, height, width)), grids(rng, h, w)
    got = path.bilinear_sample(image, grid, padding, align)
    assert_allclose(got, slow_sample(image, grid, padding, align), rtol=1e-10, atol=1e-12)


@both_paths
@both_corners
@few
@given(rng=number, side=st.integers(2, 4), h=axis, w=axis)
def test_spline_is_its_formula(path, align, rng, side, h, w):
    assume(not align or min(h, w) > 1)
    landing = rng.normal(size=(side**2, 2))
    got = path.spline_grid(landing, (h, w), align)
    for i, j in np.ndindex(h, w):
        x, y = (-1 + 2 * k / (n - 1) if align else (2 * k + 1) / n - 1 for k, n in ((j, w), (i, h)))
        assert_allclose(got[i, j], slow_spline(landing, np.array([x, y])), rtol=1e-8, atol=1e-9)


# --- numbers worked by hand -----------------------------------------------------------------------


@both_paths
def test_positions_by_hand(path):
    # Five pixels. Centres: -1, 1 are pixels 0, 4. Edges: they are half a pixel further out.
    coordinate = np.array([-1.0, 0.0, 0.25, 1.0, 1.5])
    assert_allclose(path.pixel_position(coordinate, 5, True), [0, 2, 2.5, 4, 5], rtol=1e-12)
    assert_allclose(path.pixel_position(coordinate, 5), [-0.5, 2, 2.625, 4.5, 5.75], rtol=1e-12)
    assert_allclose(path.pixel_position(coordinate, 4)[1], 1.5, rtol=1e-12)  # between two pixels
    pixel = np.array([0.0, 3.0, -0.5])
    assert_allclose(path.normalised_position(pixel, 5, True), [-1, 0.5, -1.25], rtol=1e-12)
    assert_allclose(path.normalised_position(pixel, 5), [-0.8, 0.4, -1.0], rtol=1e-12)


@both_paths
def test_edges_are_the_default(path):
    coordinate = np.array([-1.0])
    assert_allclose(path.pixel_position(coordinate, 5), [-0.5], rtol=1e-12)
    assert_allclose(path.normalised_position(np.zeros(1), 5), [-0.8], rtol=1e-12)
    assert_allclose(path.output_grid((2, 4))[0, 0], [-0.75, -0.5], rtol=1e-12)
    assert_allclose(path.affine_grid(IDENTITY, (2, 4))[0, 0], [-0.75, -0.5], rtol=1e-12)
    assert_allclose(path.projective_grid(np.eye(3), (2, 4))[0, 0], [-0.75, -0.5], rtol=1e-12)
    assert_allclose(path.spline_weight(4, (2, 4)), path.spline_weight(4, (2, 4), False))
    corner = np.full((1, 1, 2), -1.0)  # a quarter of pixel 0, three quarters of nothing
    assert_allclose(path.bilinear_sample(SMALL, corner), [[[0.25]]], rtol=1e-12)


@both_paths
def test_axis_of_one_pixel(path):
    coordinate = np.array([-1.0, 0.0, 0.5, 1.0])
    assert_array_equal(path.pixel_position(coordinate, 1, True), np.zeros(4))
    assert_allclose(path.pixel_position(coordinate, 1), coordinate / 2, rtol=1e-12)
    for align in (False, True):
        assert_array_equal(path.normalised_position(np.zeros(2), 1, align), np.zeros(2))
        assert_array_equal(path.output_grid((1, 1), align), np.zeros((1, 1, 2)))
    line = np.array([[[1.0, 2.0, 4.0]]])
    far = np.array([[[0.5, -7.0], [-0.5, 0.9]]])  # aligned, every y reads the only row there is
    assert_allclose(path.bilinear_sample(line, far, "zeros", True), [[[3.0, 1.5]]], rtol=1e-12)
    # edges: y = -7 is three pixels off, .9 is .45 off; x = .5, -.5 are pixels 1.75 and .25
    assert_allclose(path.bilinear_sample(line, far), [[[0.0, 0.55 * 1.25]]], rtol=1e-12)


@both_paths
def test_pixel_of_the_slides(path):
    # 32 x 32, centres: third row and fourth column are y = -1 + 2/31 2 and x = -1 + 2/31 3
    x, y = path.output_grid((32, 32), True)[3 - 1, 4 - 1]
    assert_allclose([x, y], [-1 + 2 / 31 * 3, -1 + 2 / 31 * 2], rtol=1e-12)
    # eight rows of six: second row, third column
    x, y = path.output_grid((8, 6), True)[2 - 1, 3 - 1]
    assert_allclose([x, y], [-1 + 2 / 5 * 2, -1 + 2 / 7 * 1], rtol=1e-12)
    assert_allclose(path.output_grid((8, 6), True)[[0, -1], [0, -1]], [[-1, -1], [1, 1]])


@both_paths
def test_output_grid_by_hand(path):
    # two rows of three; the first axis of the grid runs down
    got = path.output_grid((2, 3), True)
    assert_allclose(got[..., 0], [[-1, 0, 1]] * 2, atol=1e-12)
    assert_allclose(got[..., 1], [[-1] * 3, [1] * 3], rtol=1e-12)
    got = path.output_grid((2, 3))
    assert_allclose(got[..., 0], [[-2 / 3, 0, 2 / 3]] * 2, atol=1e-12)
    assert_allclose(got[..., 1], [[-0.5] * 3, [0.5] * 3], rtol=1e-12)


@both_paths
def test_cells_by_hand(path):
    # Two cells a side: a quarter of a pixel either side of each pixel
    got = path.output_grid((2, 3), True, 2)  # a pixel is 1 along x and 2 along y
    assert_allclose(got[0, :, 0], [-1.25, -0.75, -0.25, 0.25, 0.75, 1.25], rtol=1e-12)
    assert_allclose(got[:, 0, 1], [-1.5, -0.5, 0.5, 1.5], rtol=1e-12)
    got = path.output_grid((2, 3), False, 2)  # a pixel is 2/3 along x and 1 along y
    assert_allclose(got[0, :, 0], np.array([-5, -3, -1, 1, 3, 5]) / 6, rtol=1e-12)
    assert_allclose(got[:, 0, 1], [-0.75, -0.25, 0.25, 0.75], rtol=1e-12)
    # three: a third of a pixel either side, and the middle
    got = path.output_grid((1, 2), False, 3)
    assert_allclose(got[0, :, 0], np.array([-5, -3, -1, 1, 3, 5]) / 6, rtol=1e-12)
    assert_allclose(got[:, 0, 1], [-2 / 3, 0, 2 / 3], atol=1e-12)
    # one pixel, centres: there is no neighbour, hence no distance to cut
    assert_array_equal(path.output_grid((1, 1), True, 2), np.zeros((2, 2, 2)))


@both_paths
def test_affine_matrix_by_hand(path):
    # a quarter turn [[0, -1], [1, 0]] of [[1, 1/2], [0, 1]] diag(2, 3) = [[2, 3/2], [0, 3]]
    got = path.affine_matrix(math.pi / 2, np.array([2.0, 3.0]), 0.5, np.array([0.25, -0.5]))
    assert_allclose(got, [[0, -3, 0.25], [2, 1.5, -0.5]], atol=1e-12)
    # 3-4-5: cosine 4/5, sine 3/5
    got = path.affine_matrix(math.atan2(3, 4), np.array([5.0, 10.0]), 0.0, np.array([7.0, 9.0]))
    assert_allclose(got, [[4, -6, 7], [3, 8, 9]], rtol=1e-12)


@both_paths
def test_crop_matrix_by_hand(path):
    got = path.crop_matrix(np.array([0.5, 0.25]), np.array([-0.125, 0.75]))
    assert_allclose(got, [[0.5, 0, -0.125], [0, 0.25, 0.75]], rtol=1e-12)


@both_paths
def test_affine_grid_by_hand(path):
    theta = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    got = path.affine_grid(theta, (2, 3), True)  # x in -1, 0, 1 and y in -1, 1
    assert_allclose(got[..., 0], [[0, 1, 2], [4, 5, 6]], atol=1e-12)
    assert_allclose(got[..., 1], [[-3, 1, 5], [7, 11, 15]], rtol=1e-12)
    got = path.affine_grid(theta, (2, 3))  # x in -2/3, 0, 2/3 and y in -1/2, 1/2
    assert_allclose(got[..., 0], [[4 / 3, 2, 8 / 3], [10 / 3, 4, 14 / 3]], rtol=1e-12)
    assert_allclose(got[0, 0, 1], -8 / 3 - 2.5 + 6, rtol=1e-12)


@both_paths
def test_compose_by_hand(path):
    first = np.array([[2.0, 0.0, 1.0], [0.0, 3.0, 0.0]])
    second = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.25]])
    # p goes through `second` to p + (.5, .25), that through `first` to (2x + 2, 3y + .75)
    assert_allclose(path.compose(first, second), [[2, 0, 2], [0, 3, 0.75]], rtol=1e-12)
    assert_allclose(path.compose(second, first), [[2, 0, 1.5], [0, 3, 0.25]], rtol=1e-12)


@both_paths
def test_projective_grid_by_hand(path):
    # z = 1 + x / 2 + y / 4 at x = -1, 0, 1 and y = -1, 1
    theta = np.array([[2.0, 0.0, 1.0], [0.0, 1.0, 3.0], [0.5, 0.25, 1.0]])
    got = path.projective_grid(theta, (2, 3), True)
    assert_allclose(got[..., 0], [[-1 / 0.25, 1 / 0.75, 3 / 1.25], [-1 / 0.75, 1 / 1.25, 3 / 1.75]])
    assert_allclose(got[..., 1], [[2 / 0.25, 2 / 0.75, 2 / 1.25], [4 / 0.75, 4 / 1.25, 4 / 1.75]])


@both_paths
def test_behind_the_camera(path):
    # z = x: at -1 and 0 it is kept at a millionth, far off the image instead of mirrored back
    theta = np.array([[1.0, 0.0, 2.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    got = path.projective_grid(theta, (1, 3), True)
    assert_allclose(got[0, :, 0], [1e6, 2e6, 3.0], rtol=1e-9)
    assert_allclose(got[0, :, 1], np.zeros(3), atol=1e-12)


@both_paths
def test_control_points_by_hand(path):
    assert_allclose(path.control_points(4), [[-1, -1], [1, -1], [-1, 1], [1, 1]], rtol=1e-12)
    nine = path.control_points(9)
    assert_allclose(nine[:4], [[-1, -1], [0, -1], [1, -1], [-1, 0]], atol=1e-12)
    assert_allclose(path.control_points(16)[6], [1 / 3, -1 / 3], rtol=1e-12)  # second row, third


@both_paths
@both_corners
def test_weights_of_four_corners_by_hand(path, align):
    # Four corners leave one way to bend, up at two opposite ones and down at the others:
    # s(p) = sum_i v_i U(|p - p_i|) / 8 ln 2, v = (1, -1, -1, 1), is v_i at p_i and flat on average.
    # A corner (a, b) therefore weighs (1 + a x + b y + v s(x, y)) / 4.
    corner = ((-1, -1), (1, -1), (-1, 1), (1, 1))

    def bend(x, y):
        square = [(x - a) ** 2 + (y - b) ** 2 for a, b in corner]
        return sum(a * b * r * math.log(r or 1) for (a, b), r in zip(corner, square, strict=True))

    got = path.spline_weight(4, (3, 5), align)
    grid = path.output_grid((3, 5), align)
    for i, j in np.ndindex(3, 5):
        x, y = grid[i, j]
        want = [(1 + a * x + b * y + a * b * bend(x, y) / math.log(256)) / 4 for a, b in corner]
        assert_allclose(got[i, j], want, rtol=1e-9, atol=1e-12)


@both_paths
def test_identity_raw_by_hand(path):
    assert_array_equal(path.identity_raw("crop"), [1, 1, 0, 0])
    assert_array_equal(path.identity_raw("affine"), [1, 0, 0, 0, 1, 0])
    assert_array_equal(path.identity_raw("projective"), [1, 0, 0, 0, 1, 0, 0, 0])
    assert_array_equal(path.identity_raw("spline", 4), [-1, -1, 1, -1, -1, 1, 1, 1])
    assert len(path.identity_raw("spline")) == 32


@both_paths
def test_raw_numbers_by_hand(path):
    # what each kind's numbers do to the point (x, y) = (1, -1), top right, centres
    def corner(kind, *raw):
        return path.warp_grid(np.array(raw, dtype=float), kind, (2, 2), True)[0, 1]

    assert_allclose(corner("crop", 2, 3, 10, 20), [12, 17], rtol=1e-12)
    assert_allclose(corner("affine", 1, 2, 3, 4, 5, 6), [2, 5], rtol=1e-12)
    assert_allclose(corner("projective", 1, 2, 3, 4, 5, 6, 0.5, 0.25), [1.6, 4], rtol=1e-12)
    assert_allclose(corner("spline", 1, 2, 3, 4, 5, 6, 7, 8), [3, 4], rtol=1e-9)


@both_paths
def test_sample_by_hand(path):
    # x = 1/4: 1.25 in the upper row and 10 in the lower; y = 3/4: .25 1.25 + .75 10
    centres, edges = np.array([[[-0.75, 0.5]]]), np.array([[[-0.5, 0.25]]])
    for padding in ("zeros", "border"):
        assert_allclose(path.bilinear_sample(SMALL, centres, padding, True), [[[7.8125]]])
        assert_allclose(path.bilinear_sample(SMALL, edges, padding), [[[7.8125]]])


@both_paths
def test_paddings_by_hand(path):
    # Edges; in pixels (x, y): (-.5, 1), (-.5, -.5), (2.25, .5), (3, 0), (1, -1), (-9, 9)
    pixel = np.array([[-0.5, 1], [-0.5, -0.5], [2.25, 0.5], [3, 0], [1, -1], [-9, 9]])
    grid = ((2 * pixel + 1) / [3, 2] - 1)[None]
    # zeros: half of 8; a quarter of 1; three quarters of (4 + 32) / 2; nothing a whole pixel off
    assert_allclose(path.bilinear_sample(SMALL, grid)[0, 0], [4, 0.25, 13.5, 0, 0, 0], atol=1e-12)
    got = path.bilinear_sample(SMALL, grid, "border")[0, 0]
    assert_allclose(got, [8, 1, 18, 4, 2, 8], rtol=1e-12)


@both_paths
def test_the_example_of_mxnet(path):
    # Zoomed out to twice the extent about the centre: pixels -1.5, .5, 2.5, 4.5 along either axis.
    image = np.array([[[1.0, 4, 3, 6], [1, 8, 8, 9], [0, 4, 1, 5], [1, 0, 1, 3]]])
    want = [[0, 0, 0, 0], [0, 3.5, 6.5, 0], [0, 1.25, 2.5, 0], [0, 0, 0, 0]]
    for align in (True, False):  # about the centre both conventions do the same
        got = path.warp(image, np.array([2.0, 0, 0, 0, 2, 0]), "affine", (4, 4), "zeros", align)
        assert_allclose(got[0], want, atol=1e-12)
    got = path.warp(image, np.array([2.0, 0, 0, 0, 2, 0]), "affine", (4, 4), "border")
    assert_allclose(
        got[0], [[1, 2.5, 4.5, 6], [1, 3.5, 6.5, 7.5], [0.5, 1.25, 2.5, 4], [1, 0.5, 2, 3]]
    )


@both_paths
def test_the_conventions_part_on_a_shift_by_hand(path):
    # Half the extent of four pixels is 1.5 between centres, 2 between edges; a quarter of it here
    line, raw = np.array([[[1.0, 2.0, 4.0, 8.0]]]), np.array([1.0, 1.0, 0.5, 0.0])

    def read(padding, align):
        return path.warp(line, raw, "crop", (1, 4), padding, align)[0, 0]

    assert_allclose(read("zeros", True), [1.75, 3.5, 7, 2], rtol=1e-12)
    assert_allclose(read("border", True), [1.75, 3.5, 7, 8], rtol=1e-12)
    assert_allclose(read("zeros", False), [2, 4, 8, 0], atol=1e-12)
    assert_allclose(read("border", False), [2, 4, 8, 8], rtol=1e-12)


@both_paths
def test_the_crop_of_the_sources(path):
    # 10 x 10 to 5 x 5: pixels 2 to 6. Centres span 4 of 9, about the 4th: shift (2 4 - 9) / 9.
    # Edges span 5 of 10, about 4.5: shift (2 4.5 - 10) / 10.
    image = picture(1, 10, 10)

    def read(scale, shift, align):
        return path.warp(
            image, np.array([scale, scale, shift, shift]), "crop", (5, 5), "zeros", align
        )

    crop = image[:, 2:7, 2:7]
    assert_allclose(read(4 / 9, -1 / 9, True), crop, atol=1e-12)
    assert_allclose(read(0.5, -0.1, False), crop, atol=1e-12)
    for align in (False, True):
        assert np.abs(read(0.4, -0.1, align) - crop).max() > 0.1


# --- outside oracles ------------------------------------------------------------------------------


@both_paths
@both_corners
@few
@given(rng=number, h=axis, w=axis)
def test_torchs_affine_grid(path, align, rng, h, w):
    assume(not align or min(h, w) > 1)  # torch warns of an axis of one pixel
    torch = pytest.importorskip("torch")
    theta = rng.normal(size=(2, 3))
    want = torch.nn.functional.affine_grid(torch.tensor(theta)[None], (1, 1, h, w), align)[0]
    got = path.affine_grid(theta, (h, w), align)
    assert_allclose(got, want.numpy(), rtol=1e-10, atol=1e-12)


@both_paths
@both_corners
@both_paddings
@few
@given(rng=number, height=axis, width=axis, h=axis, w=axis)
def test_torchs_grid_sample(path, padding, align, rng, height, width, h, w):
    torch = pytest.importorskip("torch")
    image, grid = rng.normal(size=(3, height, width)), grids(rng, h, w, 3.0)
    want = torch.nn.functional.grid_sample(
        torch.tensor(image)[None], torch.tensor(grid)[None], "bilinear", padding, align
    )[0]
    got = path.bilinear_sample(image, grid, padding, align)
    assert_allclose(got, want.numpy(), rtol=1e-10, atol=1e-12)


@both_paths
def test_scipys_interpolation(path):
    # scipy.ndimage.map_coordinates 1.17.1, order 1, modes "grid-constant" and "nearest"
    image = np.array([[[1.0, 4, 3, 6], [1, 8, 8, 9], [0, 4, 1, 5]]])
    pixel = np.array([[-0.75, 0.25], [1.25, 0.5], [3.5, 1.5], [2.25, 2.75], [0.5, -0.5]])
    grid = ((2 * pixel + 1) / [4, 3] - 1)[None]
    assert_allclose(path.bilinear_sample(image, grid)[0, 0], [0.25, 5.875, 3.5, 0.5, 1.25])
    assert_allclose(path.bilinear_sample(image, grid, "border")[0, 0], [1.0, 5.875, 7.0, 2.0, 2.5])


@both_paths
def test_scipys_spline(path):
    # scipy.interpolate.RBFInterpolator 1.17.1, kernel "thin_plate_spline", degree 1
    moved = [[0.1, -0.2], [0, 0.3], [0.25, 0], [-0.15, 0.05], [0.2, 0.1], [0, -0.1]]
    moved += [[0.3, 0.2], [-0.25, 0.15], [0.05, -0.3]]
    want = [
        [[-0.483250621142, -0.574891959497], [0.623956629051, -0.500355066011]],
        [[-0.489005628778, 0.111064147192], [0.597603639121, 0.036064147192]],
        [[-0.510306944033, 0.851306819606], [0.426000999319, 0.62676992612]],
    ]
    got = path.spline_grid(path.control_points(9) + moved, (3, 2))
    assert_allclose(got, want, rtol=1e-9)


# --- laws of the grid -----------------------------------------------------------------------------


@both_paths
@both_corners
@few
@given(rng=number, n_pixel=st.integers(2, 9))
def test_normalised_and_pixels_are_inverse(path, align, rng, n_pixel):
    coordinate = rng.uniform(-3, 3, 5)
    pixel = path.pixel_position(coordinate, n_pixel, align)
    assert_allclose(pixel, slow_position(coordinate, n_pixel, align), rtol=1e-12, atol=1e-12)
    back = path.normalised_position(pixel, n_pixel, align)
    assert_allclose(back, coordinate, rtol=1e-12, atol=1e-12)


@both_paths
@both_corners
@few
@given(h=axis, w=axis)
def test_output_grid_lies_on_the_pixels(path, align, h, w):
    grid = path.output_grid((h, w), align)
    assert grid.shape == (h, w, 2)
    x, y = path.pixel_position(grid[..., 0], w, align), path.pixel_position(grid[..., 1], h, align)
    assert_allclose(x, np.tile(np.arange(w), (h, 1)), atol=1e-12)
    assert_allclose(y, np.tile(np.arange(h)[:, None], (1, w)), atol=1e-12)


@both_paths
@both_corners
@few
@given(h=st.integers(2, 5), w=st.integers(2, 5), n_sample=st.integers(1, 4))
def test_cells_centre_on_their_pixel(path, align, h, w, n_sample):
    fine = path.output_grid((h, w), align, n_sample)
    assert fine.shape == (h * n_sample, w * n_sample, 2)
    cells = fine.reshape(h, n_sample, w, n_sample, 2)
    assert_allclose(cells.mean((1, 3)), path.output_grid((h, w), align), atol=1e-12)
    step = np.diff(path.pixel_position(fine[0, :, 0], w, align))
    assert_allclose(step, np.full(w * n_sample - 1, 1 / n_sample), rtol=1e-10)


@both_paths
@both_corners
@pytest.mark.parametrize("kind", ["crop", "affine", "projective", "spline"])
@pytest.mark.parametrize("n_sample", [1, 3])
def test_identity_is_the_output_grid(path, align, kind, n_sample):
    got = path.warp_grid(path.identity_raw(kind), kind, (4, 5), align, n_sample)
    assert_allclose(got, path.output_grid((4, 5), align, n_sample), atol=1e-9)


@both_paths
@both_corners
@few
@given(rng=number, h=axis, w=axis, n_sample=st.integers(1, 3))
def test_the_kinds_are_their_grids(path, align, rng, h, w, n_sample):
    how = {"size": (h, w), "align_corners": align, "n_sample": n_sample}
    raw = rng.normal(size=18)
    crop = path.affine_grid(path.crop_matrix(raw[:2], raw[2:4]), **how)
    assert_allclose(path.warp_grid(raw[:4], "crop", **how), crop, rtol=1e-10, atol=1e-12)
    affine = path.affine_grid(raw[:6].reshape(2, 3), **how)
    assert_allclose(path.warp_grid(raw[:6], "affine", **how), affine, rtol=1e-10, atol=1e-12)
    projective = path.projective_grid(np.append(raw[:8], 1).reshape(3, 3), **how)
    got = path.warp_grid(raw[:8], "projective", **how)
    assert_allclose(got, projective, rtol=1e-10, atol=1e-12)
    spline = path.spline_grid(raw.reshape(9, 2), **how)
    assert_allclose(path.warp_grid(raw, "spline", **how), spline, rtol=1e-10, atol=1e-12)


@both_paths
@few
@given(rng=number)
def test_a_crop_is_an_affine_map_without_turn_or_shear(path, rng):
    scale, shift = rng.normal(size=2), rng.normal(size=2)
    affine = path.affine_matrix(0.0, scale, 0.0, shift)
    assert_allclose(path.crop_matrix(scale, shift), affine, rtol=1e-12, atol=1e-15)


@both_paths
@few
@given(rng=number)
def test_a_turn_keeps_lengths_and_a_shear_keeps_areas(path, rng):
    angle, shear = rng.uniform(-3, 3), rng.normal()
    scale, none = rng.uniform(0.5, 2, 2), np.zeros(2)
    turn = path.affine_matrix(angle, np.ones(2), 0.0, none)[:, :2]
    assert_allclose(turn @ turn.T, np.eye(2), atol=1e-12)
    assert_allclose(np.linalg.det(turn), 1.0, rtol=1e-12)
    whole = path.affine_matrix(angle, scale, shear, none)[:, :2]
    assert_allclose(np.linalg.det(whole), scale.prod(), rtol=1e-10)
    # the shear moves along x: the x axis stays where the turn puts it
    assert_allclose(whole[:, 0], scale[0] * turn[:, 0], rtol=1e-12, atol=1e-12)


@both_paths
@few
@given(rng=number)
def test_compose_is_a_product(path, rng):
    first, second, third = rng.normal(size=(3, 2, 3))
    point = rng.normal(size=2)

    def through(theta, p):
        return theta[:, :2] @ p + theta[:, 2]

    both = path.compose(first, second)
    assert_allclose(through(both, point), through(first, through(second, point)), rtol=1e-10)
    left = path.compose(both, third)
    assert_allclose(left, path.compose(first, path.compose(second, third)), rtol=1e-9, atol=1e-12)
    for same in (path.compose(first, IDENTITY), path.compose(IDENTITY, first)):
        assert_allclose(same, first, rtol=1e-12)
    inverse = np.linalg.inv(np.vstack([first, [0, 0, 1]]))[:2]
    assert_allclose(path.compose(first, inverse), IDENTITY, atol=1e-8)


@both_paths
@both_corners
@few
@given(rng=number, h=axis, w=axis, n_sample=st.integers(1, 3))
def test_projective_without_perspective_is_affine(path, align, rng, h, w, n_sample):
    theta = rng.normal(size=(2, 3))
    affine = path.affine_grid(theta, (h, w), align, n_sample)
    flat = np.vstack([theta, [0, 0, 1]])
    got = path.projective_grid(flat, (h, w), align, n_sample)
    assert_allclose(got, affine, rtol=1e-12, atol=1e-12)
    got = path.projective_grid(3 * flat, (h, w), align, n_sample)  # one scale over all is nothing
    assert_allclose(got, affine, rtol=1e-10, atol=1e-12)


@both_paths
def test_projective_keeps_straight_lines_straight(path):
    theta = np.array([[0.9, 0.2, 0.1], [-0.1, 1.1, 0.0], [0.3, -0.2, 1.0]])
    grid = path.projective_grid(theta, (5, 6))
    for line in (grid[2], grid[:, 3]):
        step = np.diff(line, axis=0)
        for a, b in pairwise(step):
            assert_allclose(a[0] * b[1] - a[1] * b[0], 0.0, atol=1e-12)
    lengths = np.hypot(*np.diff(grid[2], axis=0).T)
    assert np.ptp(lengths) > 0.05  # but not evenly spaced


# --- the spline -----------------------------------------------------------------------------------


@both_paths
@both_corners
@few
@given(side=st.integers(2, 5), h=axis, w=axis, n_sample=st.integers(1, 3))
def test_spline_weights_sum_to_one(path, align, side, h, w, n_sample):
    weight = path.spline_weight(side**2, (h, w), align, n_sample)
    assert weight.shape == (h * n_sample, w * n_sample, side**2)
    assert_allclose(weight.sum(-1), np.ones(weight.shape[:2]), rtol=1e-9)


@both_paths
@both_corners
@few
@given(rng=number, side=st.integers(2, 5), h=axis, w=axis, n_sample=st.integers(1, 3))
def test_spline_reproduces_affine_maps(path, align, rng, side, h, w, n_sample):
    theta = rng.normal(size=(2, 3))
    landing = path.control_points(side**2) @ theta[:, :2].T + theta[:, 2]
    got = path.spline_grid(landing, (h, w), align, n_sample)
    assert_allclose(got, path.affine_grid(theta, (h, w), align, n_sample), rtol=1e-8, atol=1e-9)


@both_paths
@pytest.mark.parametrize("side", [2, 3, 4])
def test_spline_goes_through_its_landing_points(path, side):
    # Centres, three output steps between neighbouring control points along x, two along y
    size = (2 * (side - 1) + 1, 3 * (side - 1) + 1)
    landing = np.random.default_rng(side).normal(size=(side**2, 2))
    at_controls = path.spline_grid(landing, size, True)[::2, ::3]
    assert_allclose(at_controls.reshape(side**2, 2), landing, rtol=1e-8, atol=1e-9)
    weight = path.spline_weight(side**2, (side, side), True).reshape(side**2, side**2)
    assert_allclose(weight, np.eye(side**2), atol=1e-9)


@both_paths
def test_spline_bends_between_its_points(path):
    # One point of nine moved: its neighbourhood follows, most at the point, and the rest swings
    landing = path.control_points(9)
    pulled = landing + np.eye(9)[4][:, None] * [0.0, 0.3]
    moved = path.spline_grid(pulled, (5, 5), True) - path.spline_grid(landing, (5, 5), True)
    assert_allclose(moved[..., 0], np.zeros((5, 5)), atol=1e-10)
    assert_allclose(moved[2, 2, 1], 0.3, rtol=1e-9)
    assert_allclose(moved[::2, ::2, 1].ravel()[[0, 1, 2, 3, 5, 6, 7, 8]], np.zeros(8), atol=1e-10)
    assert 0.05 < moved[2, 1, 1] < 0.29
    assert_allclose(moved[..., 1], moved[::-1, ::-1, 1], atol=1e-10)


@both_paths
@few
@given(rng=number)
def test_spline_grid_is_weight_times_landing(path, rng):
    landing = rng.normal(size=(9, 2))
    weight = path.spline_weight(9, (3, 4), False, 2)
    got = path.spline_grid(landing, (3, 4), False, 2)
    assert_allclose(got, weight @ landing, rtol=1e-10, atol=1e-12)


# --- laws of sampling -----------------------------------------------------------------------------


@both_paths
@both_corners
@both_paddings
@pytest.mark.parametrize("kind", ["crop", "affine", "projective", "spline"])
@few
@given(rng=number, channel=st.integers(1, 3), height=st.integers(1, 7), width=st.integers(1, 7))
def test_identity_returns_the_image(path, padding, align, kind, rng, channel, height, width):
    image = rng.normal(size=(channel, height, width))
    raw = path.identity_raw(kind)
    got = path.warp(image, raw, kind, (height, width), padding, align)
    assert_allclose(got, image, atol=1e-9 if kind == "spline" else 1e-12)


@both_corners
@both_paddings
@pytest.mark.parametrize("kind", ["crop", "affine", "projective", "spline"])
def test_identity_in_float32(padding, align, kind):
    torch = pytest.importorskip("torch")
    functional = importlib.import_module("attn_course.spatial_transformer.functional")
    for size in ((5, 8), (28, 28), (42, 60), (1, 3)):
        grey = np.random.default_rng(0).random((2, *size))  # between 0 and 1, as images are
        image = torch.tensor(grey, dtype=torch.float32)
        raw = functional.identity_raw(kind).to(torch.float32)
        got = functional.warp(image, raw, kind, size, padding, align)
        assert got.dtype == torch.float32
        assert_allclose(got.numpy(), image.numpy(), atol=1e-5)


@both_paths
@both_corners
@both_paddings
@few
@given(right=st.integers(-4, 4), down=st.integers(-4, 4))
def test_a_shift_by_whole_pixels(path, padding, align, right, down):
    image = picture(2, 5, 8)
    height, width = image.shape[1:]
    theta = shifted(whole_pixels(right, width, align), whole_pixels(down, height, align))
    got = path.bilinear_sample(image, path.affine_grid(theta, (5, 8), align), padding, align)
    rim = [(0, 0), (4, 4), (4, 4)]
    wide = np.pad(image, rim, mode="constant" if padding == "zeros" else "edge")
    want = wide[:, 4 + down : 4 + down + height, 4 + right : 4 + right + width]
    assert_allclose(got, want, atol=1e-12)


@both_paths
@both_corners
@both_paddings
@few
@given(top=st.integers(0, 4), left=st.integers(0, 5), h=st.integers(2, 3), w=st.integers(2, 4))
def test_a_crop_of_whole_pixels(path, padding, align, top, left, h, w):
    image = picture(1, 7, 9)

    def window(first, n, n_pixel):
        if align:
            return (n - 1) / (n_pixel - 1), (2 * first + n - 1) / (n_pixel - 1) - 1
        return n / n_pixel, (2 * first + n) / n_pixel - 1

    (scale_x, shift_x), (scale_y, shift_y) = window(left, w, 9), window(top, h, 7)
    raw = np.array([scale_x, scale_y, shift_x, shift_y])
    got = path.warp(image, raw, "crop", (h, w), padding, align)
    assert_allclose(got, image[:, top : top + h, left : left + w], atol=1e-12)


@both_paths
@both_corners
@both_paddings
@pytest.mark.parametrize("quarter", [1, 2, 3])
def test_quarter_turns(path, padding, align, quarter):
    # y points down: a positive angle reads (-y, x), so the top right corner shows the bottom right
    # one, and the picture turns anticlockwise, as np.rot90 turns it.
    image = picture(2, 6, 6)
    theta = path.affine_matrix(quarter * math.pi / 2, np.ones(2), 0.0, np.zeros(2))
    got = path.bilinear_sample(image, path.affine_grid(theta, (6, 6), align), padding, align)
    assert_allclose(got, np.rot90(image, quarter, axes=(1, 2)), atol=1e-12)


@both_paths
@both_corners
def test_a_quarter_turn_of_an_image_that_is_not_square(path, align):
    image = picture(2, 4, 7)
    theta = path.affine_matrix(math.pi / 2, np.ones(2), 0.0, np.zeros(2))
    grid = path.affine_grid(theta, (7, 4), align)
    got = path.bilinear_sample(image, grid, "border", align)
    assert_allclose(got, np.rot90(image, axes=(1, 2)), atol=1e-12)


@both_paths
@both_corners
@both_paddings
@few
@given(height=axis, width=axis)
def test_mirrors(path, padding, align, height, width):
    image = picture(2, height, width)

    def mirrored(x, y):
        raw = np.array([x, y, 0.0, 0.0])
        return path.warp(image, raw, "crop", (height, width), padding, align)

    assert_allclose(mirrored(-1, 1), image[:, :, ::-1], atol=1e-12)
    assert_allclose(mirrored(1, -1), image[:, ::-1], atol=1e-12)
    assert_allclose(mirrored(-1, -1), image[:, ::-1, ::-1], atol=1e-12)


@both_paths
@both_corners
@few
@given(top=st.integers(0, 3), left=st.integers(0, 4), quarter=st.integers(0, 3))
def test_one_sample_after_another_is_one_by_the_composition(path, align, top, left, quarter):
    # a crop of whole pixels, then a turn of what is left: nothing is blurred on the way
    image, side = picture(1, 8, 9), 5

    def window(first, n_pixel):
        if align:
            return (side - 1) / (n_pixel - 1), (2 * first + side - 1) / (n_pixel - 1) - 1
        return side / n_pixel, (2 * first + side) / n_pixel - 1

    (scale_x, shift_x), (scale_y, shift_y) = window(left, 9), window(top, 8)
    first = path.crop_matrix(np.array([scale_x, scale_y]), np.array([shift_x, shift_y]))
    second = path.affine_matrix(quarter * math.pi / 2, np.ones(2), 0.0, np.zeros(2))

    def sample(image, theta):
        grid = path.affine_grid(theta, (side, side), align)
        return path.bilinear_sample(image, grid, "border", align)

    twice = sample(sample(image, first), second)
    assert_allclose(sample(image, path.compose(first, second)), twice, atol=1e-12)


@both_paths
@both_corners
@both_paddings
@few
@given(rng=number)
def test_sampling_is_linear_in_the_image(path, padding, align, rng):
    one, two, grid = picture(), picture(seed=1), grids(rng, 3, 4)
    read = [
        path.bilinear_sample(each, grid, padding, align) for each in (one, two, 2 * one - 3 * two)
    ]
    assert_allclose(read[2], 2 * read[0] - 3 * read[1], rtol=1e-10, atol=1e-12)


@both_paths
@both_corners
@both_paddings
def test_channels_do_not_mix(path, padding, align):
    image, grid = picture(channel=3), grids(np.random.default_rng(1), 3, 4)
    together = path.bilinear_sample(image, grid, padding, align)
    for c in range(3):
        alone = path.bilinear_sample(image[c : c + 1], grid, padding, align)
        assert_allclose(together[c : c + 1], alone, rtol=1e-12)


@both_paths
@both_corners
@both_paddings
def test_transposed_image_with_swapped_coordinates(path, padding, align):
    image, grid = picture(), grids(np.random.default_rng(2), 3, 4)
    here = path.bilinear_sample(image, grid, padding, align)
    across = path.bilinear_sample(
        image.transpose(0, 2, 1).copy(), grid[..., ::-1].copy(), padding, align
    )
    assert_allclose(across, here, rtol=1e-12, atol=1e-14)


@both_paths
@both_corners
@few
@given(rng=number, height=axis, width=axis)
def test_weights_sum_to_one_under_border(path, align, rng, height, width):
    image, grid = np.full((1, height, width), -2.5), grids(rng, 3, 4, 4.0)
    got = path.bilinear_sample(image, grid, "border", align)
    assert_allclose(got, np.full((1, 3, 4), -2.5), rtol=1e-12)


@both_paths
@both_corners
@few
@given(rng=number, height=st.integers(2, 6), width=st.integers(2, 6))
def test_weights_sum_to_one_inside_under_zeros_and_fade_outside(path, align, rng, height, width):
    image, grid = np.ones((1, height, width)), grids(rng, 5, 6)
    got = path.bilinear_sample(image, grid, "zeros", align)[0]
    position = slow_positions(grid, image, align)
    beyond = np.maximum(0, np.maximum(-position, position - [width - 1, height - 1]))
    inside = (beyond == 0).all(-1)
    assert_allclose(got[inside], np.ones(inside.sum()), rtol=1e-12)
    assert_allclose(got, np.maximum(0, 1 - beyond).prod(-1), rtol=1e-10, atol=1e-12)


@both_paths
@both_corners
@both_paddings
@few
@given(rng=number)
def test_samples_stay_between_darkest_and_brightest(path, padding, align, rng):
    image, grid = rng.uniform(1, 2, size=(1, 4, 5)), grids(rng, 4, 5, 3.0)
    got = path.bilinear_sample(image, grid, padding, align)
    assert got.min() >= (0 if padding == "zeros" else 1) - 1e-12
    assert got.max() <= 2 + 1e-12


@both_paths
@both_corners
def test_a_ramp_reads_its_position(path, align):
    image = np.stack([np.tile(np.arange(9.0), (7, 1)), np.tile(np.arange(7.0)[:, None], (1, 9))])
    grid = grids(np.random.default_rng(3), 4, 5, 0.7)
    got = path.bilinear_sample(image, grid, "zeros", align)
    assert_allclose(np.moveaxis(got, 0, -1), slow_positions(grid, image, align), rtol=1e-10)


@both_paths
@both_corners
@both_paddings
@pytest.mark.parametrize("far", [1e3, 1e6, 1e12])
def test_far_off_the_image(path, padding, align, far):
    grid = np.array([[[far, -far], [-far, 0.0]]])  # top right corner; left end of the middle row
    image = picture(2, 5, 4)
    got = path.bilinear_sample(image, grid, padding, align)
    want = np.stack([image[:, 0, -1], image[:, 2, 0]], axis=-1)[:, None]
    assert_allclose(got, want if padding == "border" else np.zeros((2, 1, 2)), atol=1e-12)


@both_paths
def test_the_padding_trap(path):
    # Black, normalised as digits are, is -.42, and zero is a grey: zoomed out two times, eight
    # pixels read -3.5, -1.5, .5, ..., 6.5, 8.5, and two on either side are a frame.
    black = np.full((1, 8, 8), (0 - 0.1307) / 0.3081)
    raw = np.array([2.0, 2.0, 0.0, 0.0])
    framed = path.warp(black, raw, "crop", (8, 8))
    assert_allclose(framed[0, 2:6, 2:6], black[0, 2:6, 2:6], rtol=1e-12)
    frame = np.pad(np.zeros((4, 4), dtype=bool), 2, constant_values=True)
    assert_array_equal(framed[0][frame], np.zeros(frame.sum()))
    assert_allclose(path.warp(black, raw, "crop", (8, 8), "border"), black, rtol=1e-12)


# --- scaling down ---------------------------------------------------------------------------------


@both_paths
@both_paddings
@few
@given(rng=number, h=axis, w=axis, n_sample=st.integers(1, 4))
def test_cells_of_a_whole_factor_are_block_means(path, padding, rng, h, w, n_sample):
    image = rng.normal(size=(2, h * n_sample, w * n_sample))
    raw = path.identity_raw("affine")
    got = path.warp(image, raw, "affine", (h, w), padding, False, n_sample)
    blocks = image.reshape(2, h, n_sample, w, n_sample)
    assert_allclose(got, blocks.mean((2, 4)), atol=1e-12)


@both_paths
@both_corners
@both_paddings
@pytest.mark.parametrize("kind", ["crop", "affine", "projective", "spline"])
def test_warp_is_the_mean_over_cells(path, padding, align, kind):
    raw = path.identity_raw(kind, 9)
    raw = raw + 0.2 * np.random.default_rng(4).normal(size=raw.shape)
    got = path.warp(picture(), raw, kind, (3, 4), padding, align, 2)
    grid = path.warp_grid(raw, kind, (3, 4), align, 2)
    fine = slow_sample(picture(), np.asarray(grid), padding, align)
    assert_allclose(got, fine.reshape(2, 3, 2, 4, 2).mean((2, 4)), rtol=1e-9, atol=1e-12)


@both_paths
def test_a_chessboard_scaled_down_by_two(path):
    # Read at every other pixel, a chessboard is all of one colour, and moved by a pixel all of the
    # other. Two cells a side see both colours wherever they fall: the grey that it is.
    board = (np.indices((12, 12)).sum(0) % 2).astype(float)[None]
    pixel = 2 / 12

    def read(x, y, n_sample):
        raw = np.array([1.0, 1.0, x * pixel, y * pixel])
        return path.warp(board, raw, "crop", (6, 6), "zeros", False, n_sample)[0, 1:-1, 1:-1]

    assert_allclose(read(0.5, 0.5, 1), np.zeros((4, 4)), atol=1e-12)
    assert_allclose(read(-0.5, 0.5, 1), np.ones((4, 4)), rtol=1e-12)
    for x, y in ((0.5, 0.5), (-0.5, 0.5), (0.25, -0.125)):
        assert_allclose(read(x, y, 2), np.full((4, 4), 0.5), rtol=1e-12)


@both_paths
def test_a_chessboard_scaled_down_by_three(path):
    # the middle of every 3 x 3 block is a chessboard of full contrast; its mean is 4/9 or 5/9
    board = (np.indices((12, 15)).sum(0) % 2).astype(float)[None]
    raw = path.identity_raw("affine")
    small = (np.indices((4, 5)).sum(0) % 2).astype(float)
    assert_allclose(path.warp(board, raw, "affine", (4, 5))[0], small, atol=1e-12)
    got = path.warp(board, raw, "affine", (4, 5), n_sample=3)[0]
    assert_allclose(got, np.where(small == 1, 5 / 9, 4 / 9), rtol=1e-12)


# --- gradients ------------------------------------------------------------------------------------


class Autograd(Functional):
    """The torch path with `bilinear_gradient`: autograd through one of the two samplers."""

    def __init__(self, module, sampler):
        super().__init__(module)
        self.sampler = sampler

    def __getattr__(self, name):
        return super().__getattr__(self.sampler if name == "bilinear_sample" else name)

    def bilinear_gradient(self, image, grid, upstream, padding="zeros", align_corners=False):
        torch = importlib.import_module("torch")
        image, grid = (torch.tensor(each, requires_grad=True) for each in (image, grid))
        out = getattr(self.module, self.sampler)(image, grid, padding, align_corners)
        pulled = (out * torch.tensor(upstream)).sum()
        return tuple(each.numpy() for each in torch.autograd.grad(pulled, (image, grid)))


def gradient_paths():
    """The reference's gradient, written out, and autograd's through either twin."""
    both = paths("spatial_transformer")
    if not HAS_TORCH:
        return both
    module = both[1].values[0].module
    samplers = ("bilinear_sample", "gathered_sample")
    return both[:1] + [pytest.param(Autograd(module, name), id=name) for name in samplers]


all_gradients = pytest.mark.parametrize("path", gradient_paths())


def at_pixels(pixel, image, align):
    """A grid that reads at positions in pixels (h, w, 2)."""
    n = np.array([image.shape[2], image.shape[1]])
    return 2 * pixel / (n - 1) - 1 if align else (2 * pixel + 1) / n - 1


def differences(path, image, grid, upstream, padding, align, back, ahead):
    """Slopes of the pulled output along each coordinate, `back` to `ahead` of every position."""
    slope = np.zeros(grid.shape)
    for axis in (0, 1):
        reach = np.eye(2)[axis]
        low, high = (
            path.bilinear_sample(image, grid + step * reach, padding, align)
            for step in (back, ahead)
        )
        slope[..., axis] = (upstream * (high - low)).sum(0) / (ahead - back)
    return slope


@all_gradients
def test_gradient_by_hand(path):
    # At x = 1/4, y = 3/4 the rows rise by 1 and 8, the columns' mix by 10 - 1.25. A unit of the
    # normalised coordinate is half the extent: 1 and 1/2 pixels, or 3/2 and 1.
    upstream = np.array([[[2.0]]])
    for align, point, pixels in (
        (True, [-0.75, 0.5], [1.0, 0.5]),
        (False, [-0.5, 0.25], [1.5, 1.0]),
    ):
        grid = np.array([[point]])
        d_image, d_grid = path.bilinear_gradient(SMALL, grid, upstream, "zeros", align)
        assert_allclose(d_grid[0, 0], 2 * np.array([6.25, 8.75]) * pixels, rtol=1e-12)
        want = 2 * np.array([[0.1875, 0.0625, 0.0], [0.5625, 0.1875, 0.0]])
        assert_allclose(d_image[0], want, atol=1e-12)


@all_gradients
def test_gradient_on_a_pixel_by_hand(path):
    # The slope to the right and down. Four pixels between edges, 2 of them a unit: x = -1/4 is 1.
    line = np.array([[[1.0, 2.0, 4.0, 8.0]]])
    pull = np.ones((1, 1, 1))

    def slope(x, padding):
        grid = np.array([[[x, 0.0]]])
        return path.bilinear_gradient(line, grid, pull, padding)[1][0, 0, 0] / 2

    assert_allclose(slope(-0.25, "zeros"), 4 - 2, rtol=1e-12)
    assert_allclose(slope(-0.25, "border"), 4 - 2, rtol=1e-12)
    assert_allclose(slope(-0.75, "zeros"), 2 - 1, rtol=1e-12)  # pixel 0
    assert_allclose(slope(0.75, "zeros"), 0 - 8, rtol=1e-12)  # the last: on to the black outside
    assert_allclose(slope(-1.25, "zeros"), 1 - 0, rtol=1e-12)  # one before the first
    assert_allclose(slope(1.25, "zeros"), 0.0, atol=1e-12)  # one past the last
    for x in (-0.75, 0.75, -1.25, 1.25, 9.0):  # clipped, so that a small step changes nothing
        assert_allclose(slope(x, "border"), 0.0, atol=1e-12)


@all_gradients
@both_corners
@both_paddings
@few
@given(rng=number, height=st.integers(2, 5), width=st.integers(2, 5))
def test_gradient_between_pixels_is_the_slope(path, padding, align, rng, height, width):
    # between grid lines the value is linear along either axis: differences are exact
    image, upstream = rng.normal(size=(2, height, width)), rng.normal(size=(2, 3, 4))
    whole = np.stack([rng.integers(-2, n + 2, (3, 4)) for n in (width, height)], axis=-1)
    grid = at_pixels(whole + rng.uniform(0.1, 0.9, (3, 4, 2)), image, align)
    d_image, d_grid = path.bilinear_gradient(image, grid, upstream, padding, align)
    want = differences(path, image, grid, upstream, padding, align, -0.01, 0.01)
    assert_allclose(d_grid, want, rtol=1e-9, atol=1e-10)
    # the output is linear in the image: the gradient by it is the transpose
    other = rng.normal(size=image.shape)
    pulled = (upstream * path.bilinear_sample(other, grid, padding, align)).sum()
    assert_allclose((d_image * other).sum(), pulled, rtol=1e-9, atol=1e-10)


@all_gradients
@both_paddings
@few
@given(rng=number)
def test_gradient_on_pixels_is_the_slope_ahead(path, padding, rng):
    # sizes of a power of two, so that the positions are whole to the last bit
    image, upstream = rng.normal(size=(2, 8, 4)), rng.normal(size=(2, 3, 5))
    pixel = np.stack([rng.integers(-2, n + 2, (3, 5)) for n in (4, 8)], axis=-1).astype(float)
    grid = at_pixels(pixel, image, False)
    _, d_grid = path.bilinear_gradient(image, grid, upstream, padding)
    want = differences(path, image, grid, upstream, padding, False, 0, 2.0**-10)
    if padding == "border":
        want = np.where((pixel <= 0) | (pixel >= [3, 7]), 0.0, want)
    assert_allclose(d_grid, want, rtol=1e-9, atol=1e-10)


@all_gradients
@few
@given(rng=number)
def test_gradient_on_pixels_between_centres(path, rng):
    image, upstream = rng.normal(size=(1, 9, 5)), rng.normal(size=(1, 3, 4))
    pixel = np.stack([rng.integers(1, n - 1, (3, 4)) for n in (5, 9)], axis=-1).astype(float)
    grid = at_pixels(pixel, image, True)
    for padding in ("zeros", "border"):
        _, d_grid = path.bilinear_gradient(image, grid, upstream, padding, True)
        want = differences(path, image, grid, upstream, padding, True, 0, 2.0**-10)
        assert_allclose(d_grid, want, rtol=1e-9, atol=1e-10)


@all_gradients
@both_corners
@both_paddings
@few
@given(rng=number, height=axis, width=axis)
def test_gradient_is_that_of_torchs_grid_sample(path, padding, align, rng, height, width):
    torch = pytest.importorskip("torch")
    image, upstream = rng.normal(size=(2, height, width)), rng.normal(size=(2, 3, 4))
    grid = grids(rng, 3, 4, 2.0)
    grid[0] = rng.choice([-1.0, 1.0, 0.0, -0.5, 0.5], size=(4, 2))  # borders, and lines of some
    inputs = [torch.tensor(each, requires_grad=True) for each in (image, grid)]
    out = torch.nn.functional.grid_sample(
        *(each[None] for each in inputs), "bilinear", padding, align
    )[0]
    want = torch.autograd.grad((out * torch.tensor(upstream)).sum(), inputs)
    got = path.bilinear_gradient(image, grid, upstream, padding, align)
    for ours, theirs in zip(got, want, strict=True):
        assert_allclose(ours, theirs.numpy(), rtol=1e-9, atol=1e-11)


@all_gradients
@both_corners
def test_beyond_the_border_nothing_pulls(path, align):
    image, upstream = picture(1, 4, 5), np.ones((1, 1, 3))
    grid = np.array([[[1.5, 0.1], [0.1, -1.5], [-3.0, 3.0]]])
    _, d_grid = path.bilinear_gradient(image, grid, upstream, "border", align)
    assert_array_equal(d_grid[0] == 0, [[True, False], [False, True], [True, True]])
    # under zeros neither does a position a whole pixel off
    grid = np.array([[[3.0, 0.1], [0.1, -3.0], [-3.0, 3.0]]])
    d_image, d_grid = path.bilinear_gradient(image, grid, upstream, "zeros", align)
    assert_array_equal(d_grid, np.zeros((1, 3, 2)))
    assert_array_equal(d_image, np.zeros((1, 4, 5)))


@all_gradients
def test_equation_7_as_printed_on_a_pixel(path):
    # On a pixel the printed sum keeps one term, +I: on a flat image a slope where there is none.
    # Neither slope, to the left or to the right, is that.
    flat, pull = np.full((1, 4, 4), 3.0), np.ones((1, 1, 1))
    on_pixel = np.array([[[-0.25, 0.25]]])  # x = 1, y = 2
    assert_allclose(paper_slope(flat, 1.0, 2.0), [3.0], rtol=1e-12)
    _, d_grid = path.bilinear_gradient(flat, on_pixel, pull)
    assert_array_equal(d_grid, np.zeros((1, 1, 2)))
    image = picture(1, 4, 4)
    assert_allclose(paper_slope(image, 1.0, 2.0), image[:, 2, 1], rtol=1e-12)
    _, d_grid = path.bilinear_gradient(image, on_pixel, pull)
    assert_allclose(d_grid[0, 0, 0], 2 * (image[0, 2, 2] - image[0, 2, 1]), rtol=1e-12)
    # off the lines it is right
    between = at_pixels(np.array([[[1.25, 1.5]]]), image, False)
    _, d_grid = path.bilinear_gradient(image, between, pull)
    assert_allclose(d_grid[0, 0, 0], 2 * paper_slope(image, 1.25, 1.5)[0], rtol=1e-12)


@all_gradients
def test_a_flat_image_pulls_nowhere(path):
    flat, rng = np.full((2, 5, 6), -1.5), np.random.default_rng(5)
    pixel = np.concatenate([rng.uniform(0, 4, (3, 4, 2)), rng.integers(0, 4, (3, 4, 2))])
    for align in (False, True):
        grid = at_pixels(pixel, flat, align)
        _, d_grid = path.bilinear_gradient(flat, grid, rng.normal(size=(2, 6, 4)), "border", align)
        assert_allclose(d_grid, np.zeros((6, 4, 2)), atol=1e-12)


def test_gradient_needs_one_upstream_number_a_sample():
    reference = importlib.import_module("attn_course.spatial_transformer.reference")
    gradient = inspect.unwrap(reference.bilinear_gradient)
    for shape in ((1, 1, 1), (2, 1, 1), (1, 2)):  # broadcasting would let the first pass
        with pytest.raises(ValueError, match=re.escape(f"shape (1, 1, 2), got {shape}")):
            gradient(SMALL, np.zeros((1, 2, 2)), np.ones(shape))


def test_several_windows_read_one_image():
    torch = pytest.importorskip("torch")
    functional = importlib.import_module("attn_course.spatial_transformer.functional")
    rng = np.random.default_rng(9)
    image, grid = torch.tensor(picture(2, 4, 5)), torch.tensor(rng.uniform(-1, 1, (3, 6, 7, 2)))
    for sampler in (functional.bilinear_sample, functional.gathered_sample):
        got = sampler(image[None], grid)
        assert got.shape == (3, 2, 6, 7)
        for one, its_grid in zip(got, grid, strict=True):
            assert_allclose(one, sampler(image, its_grid), rtol=1e-12)


@both_corners
@both_paddings
def test_the_second_twin_is_the_first(padding, align):
    torch = pytest.importorskip("torch")
    functional = importlib.import_module("attn_course.spatial_transformer.functional")
    rng = np.random.default_rng(6)
    image, grid = torch.tensor(rng.normal(size=(2, 3, 4, 5, 6))), grids(rng, 7, 3, 2.0)
    grid = torch.tensor(np.stack([grid, -grid, grid + 0.1, grid * 2, grid - 1, grid / 2]))
    grid = grid.reshape(2, 3, 7, 3, 2)
    got = functional.gathered_sample(image, grid, padding, align)
    assert got.shape == (2, 3, 4, 7, 3)
    want = functional.bilinear_sample(image, grid, padding, align)
    assert_allclose(got.numpy(), want.numpy(), rtol=1e-10, atol=1e-12)


# --- the modules ----------------------------------------------------------------------------------

KINDS = ("crop", "affine", "projective", "spline")
every_kind = pytest.mark.parametrize("kind", KINDS)
every_localiser = pytest.mark.parametrize("name", ["dense", "convolution"])
SIZE = (42, 46)


def tools():
    """torch, the room's modules and functions, and a seeded generator."""
    torch = pytest.importorskip("torch")
    modules = importlib.import_module("attn_course.spatial_transformer.modules")
    functional = importlib.import_module("attn_course.spatial_transformer.functional")
    return torch, modules, functional, torch.Generator().manual_seed(3)


def localiser(name, kind, seed=3):
    torch, modules, _, _ = tools()
    generator = torch.Generator().manual_seed(seed)
    if name == "dense":
        made = modules.DenseLocaliser(2 * SIZE[0] * SIZE[1], kind=kind, generator=generator)
    else:
        made = modules.ConvolutionLocaliser(2, SIZE, kind, generator)
    return made.double()


def batch(n=3):
    """Images (n, 2, 42, 46)."""
    torch = pytest.importorskip("torch")
    return torch.tensor(np.random.default_rng(7).normal(size=(n, 2, *SIZE)))


@every_kind
@every_localiser
@both_corners
def test_a_transformer_starts_at_the_identity(kind, name, align):
    _, modules, functional, _ = tools()
    module = modules.SpatialTransformer(localiser(name, kind), kind, SIZE, align_corners=align)
    image = batch()
    warped, raw = module(image)
    want = functional.identity_raw(kind).double().expand(3, -1)
    assert_allclose(raw.detach().numpy(), want.numpy(), rtol=1e-6)
    # the bias is float32's, made float64: a third is off by 1e-8
    assert_allclose(warped.detach().numpy(), image.numpy(), atol=1e-5)


@every_kind
@every_localiser
def test_a_transformer_learns_from_the_start(kind, name):
    # The last layer starts at zero weights, which let no gradient past them: it moves first, and
    # at the next step everything before it does.
    torch, modules, _, _ = tools()
    module = modules.SpatialTransformer(localiser(name, kind), kind, (20, 22))
    target = torch.tensor(picture(2, 20, 22, seed=8))

    def gradients():
        module.zero_grad()
        (module(batch())[0] - target).square().mean().backward()
        return {k: v.grad.abs().max().item() for k, v in module.named_parameters()}

    first = gradients()
    moved = [k for k, size in first.items() if size > 1e-6]
    assert len(moved) == 2  # the weights and the bias of the last layer
    assert {k: dict(module.named_parameters())[k].ndim for k in moved} == dict(
        zip(moved, (2, 1), strict=True)
    )
    with torch.no_grad():
        for parameter in module.parameters():
            parameter -= 0.1 * parameter.grad
    assert min(gradients().values()) > 0


@every_localiser
def test_an_image_moves_only_its_own_transformation(name):
    torch, _, _, generator = tools()
    module = localiser(name, "affine")
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += 0.05 * torch.randn(parameter.shape, generator=generator)
    image = batch()
    other = image.clone()
    other[1] += 1
    difference = (module(other) - module(image)).abs().amax(-1).detach().numpy()
    assert_allclose(difference[[0, 2]], np.zeros(2), atol=1e-12)
    assert difference[1] > 1e-3
    for i in range(3):
        assert_allclose(module(image[i]).detach(), module(image)[i].detach(), atol=1e-12)


@every_kind
@both_paddings
def test_a_transformer_is_its_localiser_and_a_warp(kind, padding):
    torch, modules, functional, generator = tools()
    part = localiser("dense", kind)
    with torch.no_grad():
        for parameter in part.parameters():
            parameter += 0.02 * torch.randn(parameter.shape, generator=generator)
    module = modules.SpatialTransformer(part, kind, (9, 8), padding, True, 2)
    with torch.no_grad():
        warped, raw = module(batch())
        assert_allclose(raw, part(batch()), rtol=1e-12)
        want = functional.warp(batch(), part(batch()), kind, (9, 8), padding, True, 2)
    assert warped.shape == (3, 2, 9, 8)
    assert_allclose(warped, want, rtol=1e-12, atol=1e-14)


def test_parallel_transformers_stand_side_by_side():
    torch, modules, _, generator = tools()
    each = [
        modules.SpatialTransformer(localiser("dense", "affine", seed), "affine", (9, 8))
        for seed in (1, 2, 3)
    ]
    with torch.no_grad():
        for module in each:
            for parameter in module.parameters():
                parameter += 0.02 * torch.randn(parameter.shape, generator=generator)
        warped, raw = modules.ParallelTransformers(each)(batch(4))
        assert warped.shape == (4, 6, 9, 8)
        assert raw.shape == (4, 3, 6)
        for i, module in enumerate(each):
            alone, its_raw = module(batch(4))
            assert_allclose(warped[:, 2 * i : 2 * i + 2], alone, rtol=1e-12)
            assert_allclose(raw[:, i], its_raw, rtol=1e-12)


def readers(seed):
    """A dense and a convolutional reader of ten classes, for images (1, 28, 28)."""
    torch, modules, _, _ = tools()
    generator = torch.Generator().manual_seed(seed)
    dense = modules.dense_reader(28 * 28, (12, 9), 10, generator)
    return dense, modules.convolution_reader(1, (28, 28), (4, 5), 11, 10, generator)


def test_readers_give_a_score_a_class():
    torch, modules, _, _ = tools()
    image = torch.tensor(picture(5, 28, 28), dtype=torch.float32)[:, None]
    for reader in readers(0):
        score, raw = modules.WarpReader(None, reader)(image)
        assert raw is None
        assert_allclose(score.detach(), reader(image).detach())
        assert score.shape == (5, 10)
        assert score.std(0).min() > 0  # the image matters


def test_weights_come_from_the_generator_alone():
    torch, *_ = tools()

    def weights(seed, world):
        torch.manual_seed(world)
        before = torch.get_rng_state()
        parts = [
            *readers(seed),
            localiser("dense", "crop", seed),
            localiser("convolution", "crop", seed),
        ]
        assert torch.equal(torch.get_rng_state(), before)  # nor is the world's touched
        return [p.detach().double().flatten() for part in parts for p in part.parameters()]

    one, again, other = torch.cat(weights(0, 1)), torch.cat(weights(0, 2)), torch.cat(weights(5, 1))
    assert_array_equal(one, again)
    assert (one != other).double().mean() > 0.9


@pytest.mark.parametrize("n_sample", [1, 2])
def test_warp_reader_is_the_module(n_sample):
    torch, modules, _, generator = tools()
    part = modules.DenseLocaliser(9 * 7, widths=(6, 5), kind="affine", generator=generator)
    transformer = modules.SpatialTransformer(part, "affine", (4, 5), n_sample=n_sample)
    reader = modules.dense_reader(4 * 5, (8,), 3, generator)
    module = modules.WarpReader(transformer, reader).double()
    with torch.no_grad():  # from the identity and from biases of nought, which hide a lost one
        for parameter in module.parameters():
            parameter += 0.2 * torch.randn(parameter.shape, generator=generator)
    params = {name: value.numpy() for name, value in module.state_dict().items()}
    reference = importlib.import_module("attn_course.spatial_transformer.reference")
    for seed in range(3):
        image = picture(1, 9, 7, seed)
        score, raw = reference.warp_reader(image, params, (4, 5), n_sample=n_sample)
        with torch.no_grad():
            want, want_raw = module(torch.tensor(image)[None])
        assert_allclose(raw, want_raw[0], rtol=1e-10, atol=1e-12)
        assert_allclose(score, want[0], rtol=1e-10, atol=1e-12)
        assert np.abs(raw - [1, 0, 0, 0, 1, 0]).max() > 0.05  # it did look elsewhere
