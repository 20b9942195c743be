"""Wrong versions that the suite must reject: the mistakes one makes, or finds in published code.

Each is shown to a test of this suite by name, which the right version passes and the wrong one
fails. A wrong version that slipped through would mean that the tests check nothing.
"""

import functools
import importlib
import math
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import test_gaussian
import test_preliminaries
import test_spatial_transformer
import test_twins
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from paths import Functional, Reference
from twins import TWINS, build_cell

from attn_course.gaussian import functional as torch_gaussian
from attn_course.gaussian import reference as gaussian
from attn_course.preliminaries import functional as torch_preliminaries
from attn_course.preliminaries import modules as preliminaries_modules
from attn_course.preliminaries import reference as preliminaries
from attn_course.spatial_transformer import functional as torch_transformer
from attn_course.spatial_transformer import reference as transformer

# A wrong version is caught by a failed comparison, or breaks on shapes that do not fit.
CAUGHT = (AssertionError, ValueError, RuntimeError, IndexError)


@dataclass(frozen=True)
class Wrong:
    """A wrong version of a reference function, and the test that must reject it."""

    mistake: str
    name: str
    version: Any
    rejected_by: Any
    arguments: tuple = ()


# --- preliminaries --------------------------------------------------------------------------------

softmax, masked_softmax = preliminaries.softmax, preliminaries.masked_softmax
gru_cell, lstm_cell, dense = preliminaries.gru_cell, preliminaries.lstm_cell, preliminaries.dense
by_hand = test_preliminaries.test_masked_softmax_by_hand


def sigmoid(score):
    return 1 / (1 + np.exp(-score))


def filled(value):
    return lambda score, mask: softmax(np.where(mask, score, value))


def masked_after(score, mask):
    return softmax(score) * mask


def masked_with_epsilon(score, mask):
    bell = np.where(mask, np.exp(np.where(mask, score, 0.0)), 0.0)
    return bell / (bell.sum(-1, keepdims=True) + 1e-8)


def uniform_when_empty(score, mask):
    return np.where(mask.any(-1, keepdims=True), masked_softmax(score, mask), 1 / score.shape[1])


def with_junk(score, mask):
    return masked_softmax(score, mask) + 0 * score


def gru_reset_before(feature, hidden, w_input, w_hidden, b_input, b_hidden):
    a, c = np.split(w_input @ feature + b_input, 3), np.split(w_hidden @ hidden + b_hidden, 3)
    reset, update = sigmoid(a[0] + c[0]), sigmoid(a[1] + c[1])
    n = len(hidden)
    new = np.tanh(a[2] + w_hidden[2 * n :] @ (reset * hidden) + b_hidden[2 * n :])
    return (1 - update) * new + update * hidden


def blocks(order):
    """A cell's weights with their gate blocks in another order."""

    def shuffled(array):
        return np.concatenate([np.split(array, len(order))[i] for i in order])

    return shuffled


def gru_update_first(feature, hidden, w_input, w_hidden, b_input, b_hidden):
    weights = w_input, w_hidden, b_input, b_hidden
    return gru_cell(feature, hidden, *map(blocks([1, 0, 2]), weights))


def gru_update_inverted(feature, hidden, w_input, w_hidden, b_input, b_hidden):
    weights = w_input, w_hidden, b_input, b_hidden
    # With its sign turned z becomes 1 - z: z n + (1 - z) h.
    signs = np.repeat([1.0, -1.0, 1.0], len(hidden))
    turned = [w * (signs if w.ndim == 1 else signs[:, None]) for w in weights]
    return gru_cell(feature, hidden, *turned)


def lstm_output_third(feature, hidden, cell, w_input, w_hidden, b_input, b_hidden):
    weights = w_input, w_hidden, b_input, b_hidden
    return lstm_cell(feature, hidden, cell, *map(blocks([0, 1, 3, 2]), weights))


def lstm_forget_first(feature, hidden, cell, w_input, w_hidden, b_input, b_hidden):
    weights = w_input, w_hidden, b_input, b_hidden
    return lstm_cell(feature, hidden, cell, *map(blocks([1, 0, 2, 3]), weights))


def lstm_raw_cell(feature, hidden, cell, w_input, w_hidden, b_input, b_hidden):
    weights = w_input, w_hidden, b_input, b_hidden
    hidden, cell = lstm_cell(feature, hidden, cell, *weights)
    return hidden / np.tanh(cell) * cell, cell


def lstm_old_cell(feature, hidden, cell, w_input, w_hidden, b_input, b_hidden):
    weights = w_input, w_hidden, b_input, b_hidden
    return lstm_cell(feature, hidden, cell, *weights)[0], cell


def simple_without_bias(feature, hidden, w_input, w_hidden, b):
    return np.tanh(w_input @ feature + w_hidden @ hidden)


def simple_transposed(feature, hidden, w_input, w_hidden, b):
    return np.tanh(w_input @ feature + w_hidden.T @ hidden + b)


def causal(diagonal):
    return lambda n_query, n_key: np.tri(n_query, n_key, diagonal, dtype=bool)


PRELIMINARIES = [
    Wrong(
        "softmax over the queries",
        "softmax",
        lambda score: softmax(score.T).T,
        test_preliminaries.test_softmax_by_hand,
    ),
    Wrong(
        "softmax over everything",
        "softmax",
        lambda score: softmax(score.reshape(1, -1)).reshape(score.shape),
        test_preliminaries.test_softmax_by_hand,
    ),
    Wrong(
        "largest score of all rows taken off",
        "softmax",
        lambda score: (
            np.exp(score - score.max())
            / np.maximum(np.exp(score - score.max()).sum(-1, keepdims=True), 1e-300)
        ),
        test_preliminaries.test_softmax_of_extreme_scores,
    ),
    Wrong("mask inverted", "masked_softmax", lambda s, m: masked_softmax(s, ~m), by_hand),
    Wrong("empty row uniform", "masked_softmax", uniform_when_empty, by_hand),
    Wrong("masked after the softmax", "masked_softmax", masked_after, by_hand),
    Wrong("sum plus 1e-8", "masked_softmax", masked_with_epsilon, by_hand),
    Wrong("mask ignored", "masked_softmax", lambda s, m: softmax(s), by_hand),
    *(
        Wrong(
            f"filled with {value:g}",
            "masked_softmax",
            filled(value),
            test_preliminaries.test_extreme_scores_are_not_taken_for_masked_ones,
        )
        for value in (-1e4, -1e9, -1e30)
    ),
    Wrong(
        "NaN let through",
        "masked_softmax",
        with_junk,
        test_preliminaries.test_what_is_masked_is_never_looked_at,
        (np.nan,),
    ),
    Wrong(
        "softmax over the queries, masked",
        "masked_softmax",
        lambda s, m: masked_softmax(s.T, np.broadcast_to(m, s.shape).T).T,
        test_preliminaries.test_rows_sum_to_one_or_to_zero,
    ),
    Wrong(
        "causal, but not oneself",
        "causal_mask",
        causal(-1),
        test_preliminaries.test_causal_mask_by_hand,
    ),
    Wrong(
        "causal, and one ahead",
        "causal_mask",
        causal(1),
        test_preliminaries.test_later_keys_do_not_reach_earlier_queries,
    ),
    Wrong(
        "causal from the lower right corner",
        "causal_mask",
        lambda n_query, n_key: np.tri(n_query, n_key, n_key - n_query, dtype=bool),
        test_preliminaries.test_causal_mask_by_hand,
    ),
    Wrong(
        "causal, seen from the keys",
        "causal_mask",
        lambda n_query, n_key: ~np.tri(n_query, n_key, -1, dtype=bool),
        test_preliminaries.test_later_keys_do_not_reach_earlier_queries,
    ),
    Wrong(
        "padding one too long",
        "padding_mask",
        lambda length, n_key: np.arange(n_key)[None] <= length,
        test_preliminaries.test_padding_mask_by_hand,
    ),
    Wrong(
        "padding true where it pads",
        "padding_mask",
        lambda length, n_key: np.arange(n_key)[None] >= length,
        test_preliminaries.test_padding_mask_by_hand,
    ),
    Wrong(
        "weights transposed",
        "dense",
        lambda feature, w, b: feature @ w + b,
        test_preliminaries.test_dense_by_hand,
    ),
    Wrong(
        "no bias",
        "dense",
        lambda feature, w, b: w @ feature,
        test_preliminaries.test_dense_by_hand,
    ),
    Wrong(
        "no bias",
        "simple_cell",
        simple_without_bias,
        test_preliminaries.test_simple_cell_by_hand,
    ),
    Wrong(
        "hidden weights transposed",
        "simple_cell",
        simple_transposed,
        test_preliminaries.test_simple_cell_by_hand,
    ),
    Wrong(
        "reset gate before the product",
        "gru_cell",
        gru_reset_before,
        test_preliminaries.test_gru_cell_by_hand,
    ),
    Wrong(
        "update gate first",
        "gru_cell",
        gru_update_first,
        test_preliminaries.test_gru_cell_by_hand,
    ),
    Wrong(
        "update gate inverted",
        "gru_cell",
        gru_update_inverted,
        test_preliminaries.test_gru_keeps_its_state_while_z_is_one,
    ),
    Wrong(
        "output gate third",
        "lstm_cell",
        lstm_output_third,
        test_preliminaries.test_lstm_cell_by_hand,
    ),
    Wrong(
        "forget gate first",
        "lstm_cell",
        lstm_forget_first,
        test_preliminaries.test_lstm_remembers_while_it_forgets_nothing_and_lets_nothing_in,
    ),
    Wrong(
        "cell not squashed",
        "lstm_cell",
        lstm_raw_cell,
        test_preliminaries.test_lstm_cell_by_hand,
    ),
    Wrong(
        "old cell returned",
        "lstm_cell",
        lstm_old_cell,
        test_preliminaries.test_lstm_cell_by_hand,
    ),
]


# --- gaussian -------------------------------------------------------------------------------------

filterbank, gaussian_glimpse = gaussian.filterbank, gaussian.gaussian_glimpse
gaussian_write, draw_window = gaussian.gaussian_write, gaussian.draw_window
interior = test_gaussian.test_interior_row_by_hand
formula = test_gaussian.test_glimpse_is_its_formula
window = test_gaussian.test_draw_window_by_hand


def exponents(mean, std, stride, n_filter, n_pixel):
    distance = np.arange(n_pixel) - (mean + stride * np.arange(n_filter))[:, None]
    return -(distance**2) / (2 * std**2)


def over_the_filters(mean, std, stride, n_filter, n_pixel, rule="exact"):
    bell = np.exp(exponents(mean, std, stride, n_filter, n_pixel))
    return bell / (bell.sum(0) + 1e-30)


def transposed(mean, std, stride, n_filter, n_pixel, rule="exact"):
    return filterbank(mean, std, stride, n_filter, n_pixel, rule).T


def unstable(mean, std, stride, n_filter, n_pixel, rule="exact"):
    bell = np.exp(exponents(mean, std, stride, n_filter, n_pixel))
    with np.errstate(invalid="ignore"):
        return bell / (bell.sum(1, keepdims=True) + (1e-8 if rule == "source" else 0))


def with_epsilon(epsilon):
    def bank(mean, std, stride, n_filter, n_pixel, rule="exact"):
        if rule == "exact":
            return filterbank(mean, std, stride, n_filter, n_pixel)
        bell = np.exp(exponents(mean, std, stride, n_filter, n_pixel))
        return bell / (bell.sum(1, keepdims=True) + epsilon)

    return bank


def moved(change):
    """The right filterbank at other parameters: `change` takes and gives (mean, std, stride)."""

    def bank(mean, std, stride, n_filter, n_pixel, rule="exact"):
        return filterbank(*change(mean, std, stride, n_filter, n_pixel), n_filter, n_pixel, rule)

    return bank


def swapped(*names):
    """A glimpse that takes some pairs as (y, x)."""

    def glimpse(image, mean, std, stride, size, rule="exact"):
        pairs = {"mean": mean, "std": std, "stride": stride, "size": size}
        pairs |= {name: pairs[name][::-1] for name in names}
        return gaussian_glimpse(image, **pairs, rule=rule)

    return glimpse


def mixed_channels(image, *arguments, **named):
    glimpse = gaussian_glimpse(image, *arguments, **named)
    return np.broadcast_to(glimpse.mean(0), glimpse.shape)


def first_channel(image, *arguments, **named):
    glimpse = gaussian_glimpse(image, *arguments, **named)
    return np.broadcast_to(glimpse[:1], glimpse.shape)


def write_as_read(patch, mean, std, stride, size, rule="exact"):
    # filters of the patch over the canvas: the grid inverted instead of transposed
    return gaussian_glimpse(patch, -mean / stride, std / stride, 1 / stride, size, rule)


def other_window(change):
    """DRAW's window with its results changed: `change` takes raw, size, n_filter and the window."""
    return lambda raw, size, n_filter: change(
        raw, size, n_filter, *draw_window(raw, size, n_filter)
    )


GAUSSIAN = [
    Wrong("normalised over the filters", "filterbank", over_the_filters, interior),
    Wrong("filters transposed", "filterbank", transposed, formula, ("exact",)),
    Wrong(
        "mean taken for the centre of the grid",
        "filterbank",
        moved(lambda m, s, d, n, p: (m - d * (n - 1) / 2, s, d)),
        interior,
    ),
    Wrong(
        "variance for the standard deviation",
        "filterbank",
        moved(lambda m, s, d, n, p: (m, math.sqrt(s), d)),
        interior,
    ),
    Wrong(
        "no half in the exponent",
        "filterbank",
        moved(lambda m, s, d, n, p: (m, s / math.sqrt(2), d)),
        interior,
    ),
    Wrong(
        "twice the variance squared",  # (d / 2 s^2)^2, as in a widely copied port
        "filterbank",
        moved(lambda m, s, d, n, p: (m, math.sqrt(2) * s**2, d)),
        interior,
    ),
    Wrong(
        "filters counted from one",
        "filterbank",
        moved(lambda m, s, d, n, p: (m + d, s, d)),
        test_gaussian.test_first_row_is_at_the_mean_whatever_the_stride,
        ("exact",),
    ),
    Wrong(
        "pixels counted from one",
        "filterbank",
        moved(lambda m, s, d, n, p: (m - 1, s, d)),
        interior,
    ),
    Wrong(
        "stride in units of the std",
        "filterbank",
        moved(lambda m, s, d, n, p: (m, s, d * s)),
        interior,
    ),
    Wrong(
        "stride without its sign",
        "filterbank",
        moved(lambda m, s, d, n, p: (m, s, abs(d))),
        test_gaussian.test_negative_stride_mirrors,
        ("exact",),
    ),
    Wrong(
        "mean kept on the image",
        "filterbank",
        moved(lambda m, s, d, n, p: (min(max(m, 0), p - 1), s, d)),
        test_gaussian.test_slope_of_the_exact_rule_by_hand,
    ),
    Wrong(
        "wide windows cut",
        "filterbank",
        moved(lambda m, s, d, n, p: (m, min(s, p), d)),
        test_gaussian.test_std_to_infinity_is_the_mean,
    ),
    Wrong(
        "both rules the source's",
        "filterbank",
        lambda *a: filterbank(*a[:5], "source"),
        test_gaussian.test_far_off_the_image,
    ),
    Wrong(
        "both rules exact",
        "filterbank",
        lambda *a: filterbank(*a[:5], "exact"),
        test_gaussian.test_source_row_fades_between_pixels,
        (0.08, 0.40),
    ),
    Wrong(
        "exponentials before the largest is taken off",
        "filterbank",
        unstable,
        test_gaussian.test_far_off_the_image,
    ),
    *(
        Wrong(
            f"{epsilon:g} for 1e-8",
            "filterbank",
            with_epsilon(epsilon),
            test_gaussian.test_source_row_fades_between_pixels,
            (0.08, 0.40),
        )
        for epsilon in (0.0, 1e-7, 1e-9)
    ),
    *(
        Wrong(
            f"{' and '.join(names)} as (y, x)",
            "gaussian_glimpse",
            swapped(*names),
            formula,
            ("exact",),
        )
        for names in (("mean",), ("std",), ("stride",), ("mean", "std", "stride"), ("size",))
    ),
    Wrong(
        "channels averaged",
        "gaussian_glimpse",
        mixed_channels,
        test_gaussian.test_channels_do_not_mix,
        ("exact",),
    ),
    Wrong(
        "first channel for all",
        "gaussian_glimpse",
        first_channel,
        test_gaussian.test_channels_do_not_mix,
        ("exact",),
    ),
    Wrong(
        "image turned over",
        "gaussian_glimpse",
        lambda image, *a, **k: gaussian_glimpse(image[:, ::-1].copy(), *a, **k),
        test_gaussian.test_narrow_window_is_the_hard_crop,
        ("exact",),
    ),
    Wrong(
        "write by the inverse grid",
        "gaussian_write",
        write_as_read,
        test_gaussian.test_reading_and_writing_are_adjoint,
        ("exact",),
    ),
    Wrong(
        "write always exact",
        "gaussian_write",
        lambda patch, mean, std, stride, size, rule="exact": gaussian_write(
            patch, mean, std, stride, size
        ),
        test_gaussian.test_source_write_loses_mass_off_the_canvas,
    ),
    Wrong(
        "map transposed",
        "attention_map",
        lambda row, column: row[:, None] * column,
        test_gaussian.test_map_by_hand,
    ),
    Wrong(
        "vector made to sum to one",
        "gaussian_vector",
        lambda mean, std, n_pixel: filterbank(mean, std, 0.0, 1, n_pixel)[0],
        test_gaussian.test_vector_by_hand,
    ),
    Wrong(
        "half a grid of N, not of N - 1",
        "first_to_centre",
        lambda mean, stride, n_filter: mean + stride * n_filter / 2,
        test_gaussian.test_first_mean_and_centre_by_hand,
    ),
    Wrong(
        "centre moved the wrong way",
        "centre_to_first",
        lambda centre, stride, n_filter: centre + stride * (n_filter - 1) / 2,
        test_gaussian.test_first_mean_and_centre_by_hand,
    ),
    Wrong(
        "centre counted from one",
        "draw_window",
        other_window(lambda r, z, n, m, s, d, g: (m + 1, s, d, g)),
        window,
    ),
    Wrong(
        "filters counted from nought in the paper's formula",
        "draw_window",
        other_window(lambda r, z, n, m, s, d, g: (m - d, s, d, g)),
        test_gaussian.test_draw_zeros_cover_the_image,
    ),
    Wrong(
        "centre for the first mean",
        "draw_window",
        other_window(lambda r, z, n, m, s, d, g: (m + d * (n - 1) / 2, s, d, g)),
        window,
    ),
    Wrong(
        "log std for log variance",
        "draw_window",
        other_window(lambda r, z, n, m, s, d, g: (m, s**2, d, g)),
        window,
    ),
    Wrong(
        "log intensity for the intensity",
        "draw_window",
        other_window(lambda r, z, n, m, s, d, g: (m, s, d, float(r[4]))),
        window,
    ),
    Wrong(
        "width and height swapped",
        "draw_window",
        lambda raw, size, n_filter: draw_window(raw, size[::-1], n_filter),
        window,
    ),
    Wrong(
        "x and y swapped",
        "draw_window",
        lambda raw, size, n_filter: draw_window(raw[[1, 0, 2, 3, 4]], size, n_filter),
        window,
    ),
    Wrong(
        "stride from the shorter side",
        "draw_window",
        other_window(
            lambda r, z, n, m, s, d, g: (
                m + d * (n - 1) / 2 * (1 - (min(z) - 1) / (max(z) - 1)),
                s,
                d * (min(z) - 1) / (max(z) - 1),
                g,
            )
        ),
        window,
    ),
    Wrong(
        "stride over N, not N - 1",
        "draw_window",
        other_window(lambda r, z, n, m, s, d, g: (m + d * (n - 1) / 2 / n, s, d * (n - 1) / n, g)),
        test_gaussian.test_draw_zeros_cover_the_image,
    ),
    Wrong(
        "intensity not inverted",
        "draw_write",
        lambda patch, raw, size: gaussian.draw_write(patch, raw, size) * np.exp(2 * raw[4]),
        test_gaussian.test_draw_intensity_multiplies_the_read_and_divides_the_write,
    ),
    Wrong(
        "intensity forgotten",
        "draw_read",
        lambda image, raw, n_filter: gaussian.draw_read(image, raw, n_filter) / np.exp(raw[4]),
        test_gaussian.test_draw_intensity_multiplies_the_read_and_divides_the_write,
    ),
]


# --- spatial transformer --------------------------------------------------------------------------

laws = test_spatial_transformer
pixel_position, normalised_position = transformer.pixel_position, transformer.normalised_position
output_grid, affine_matrix = transformer.output_grid, transformer.affine_matrix
crop_matrix, compose, affine_grid = (
    transformer.crop_matrix,
    transformer.compose,
    transformer.affine_grid,
)
control_points, spline_weight = transformer.control_points, transformer.spline_weight
transformer_warp, warp_grid = transformer.warp, transformer.warp_grid
identity_raw = transformer.identity_raw
bilinear_sample, bilinear_gradient = transformer.bilinear_sample, transformer.bilinear_gradient


def other_theta(change):
    """The right affine grid of another transformation."""
    return lambda theta, *a, **k: affine_grid(change(theta), *a, **k)


def homogeneous(theta):
    return np.vstack([theta, [0.0, 0.0, 1.0]])


def projected(divide):
    """A projective grid with a division of its own: `divide` takes (h, w, 3)."""

    def grid(theta, size, align_corners=False, n_sample=1):
        flat = output_grid(size, align_corners, n_sample)
        return divide(np.concatenate([flat, np.ones_like(flat[..., :1])], axis=-1) @ theta.T)

    return grid


def cells_of_a_larger_output(size, align_corners=False, n_sample=1):
    return output_grid((size[0] * n_sample, size[1] * n_sample), align_corners)


def cells_from_their_corner(size, align_corners=False, n_sample=1):
    y, x = (np.arange(n * n_sample) / n_sample for n in size)
    axes = (normalised_position(p, n, align_corners) for p, n in ((x, size[1]), (y, size[0])))
    return np.stack(np.meshgrid(*axes), axis=-1)


def other_spline(kernel, affine=True):
    """Spline weights with another kernel of the squared distance, or without an affine part."""

    def weight(n_control, size, align_corners=False, n_sample=1):
        control = control_points(n_control)
        point = output_grid(size, align_corners, n_sample)

        def rows(p):
            square = ((p[..., None, :] - control) ** 2).sum(-1)
            parts = [kernel(square)]
            parts += [np.ones_like(p[..., :1]), p] if affine else []
            return np.concatenate(parts, axis=-1)

        system = rows(control)
        if affine:
            polynomial = np.hstack([np.ones((n_control, 1)), control])
            system = np.vstack([system, np.hstack([polynomial.T, np.zeros((3, 3))])])
        return rows(point) @ np.linalg.inv(system)[:, :n_control]

    return weight


def square_log(square):
    return square * np.log(np.where(square > 0, square, 1.0))


def gathered(lower=np.floor, weigh=lambda left, fraction: (1 - fraction, fraction), absent=None):
    """Sampling by four neighbours, with ways to go wrong.

    `lower` finds the left neighbour, `weigh` the weights of it and the right one; `absent` says
    what becomes of the weights of pixels that do not exist.
    """

    def axis(position, n_pixel, padding):
        if padding == "border":
            position = np.clip(position, 0, n_pixel - 1)
        left = lower(position)
        index = np.stack([left, left + 1], axis=-1).astype(int)
        weight = np.stack(weigh(left, position - left), axis=-1)
        return np.clip(index, 0, n_pixel - 1), weight * ((index >= 0) & (index < n_pixel))

    def sample(image, grid, padding="zeros", align_corners=False):
        height, width = image.shape[1:]
        x = pixel_position(grid[..., 0], width, align_corners)
        y = pixel_position(grid[..., 1], height, align_corners)
        (m, a), (n, b) = axis(x, width, padding), axis(y, height, padding)
        weight = b[..., :, None] * a[..., None, :]
        if absent:
            weight = absent(weight)
        return (image[:, n[..., :, None], m[..., None, :]] * weight).sum((-1, -2))

    return sample


def renormalised(weight):
    total = weight.sum((-1, -2), keepdims=True)
    return weight / np.where(total > 0, total, 1.0)


def flat_gradient(change):
    """The right gradient with the grid's part changed: `change` takes it and the arguments."""

    def gradient(image, grid, upstream, padding="zeros", align_corners=False):
        d_image, d_grid = bilinear_gradient(image, grid, upstream, padding, align_corners)
        return d_image, change(d_grid, image, grid, upstream, padding, align_corners)

    return gradient


def half_extent(image, align_corners):
    return (np.array([image.shape[2], image.shape[1]]) - align_corners) / 2


def of_equation_7(d_grid, image, grid, upstream, padding, align_corners):
    """Equation 7 as printed, along x; the other coordinate left as it is."""
    position = laws.slow_positions(grid, image, align_corners)
    slope = np.array([[laws.paper_slope(image, *p) for p in row] for row in position])
    along_x = (np.moveaxis(slope, -1, 0) * upstream).sum(0) * half_extent(image, align_corners)[0]
    return np.stack([along_x, d_grid[..., 1]], axis=-1)


def to_the_left(d_grid, image, grid, upstream, padding, align_corners):
    return bilinear_gradient(image, grid - 1e-9, upstream, padding, align_corners)[1]


def through_the_border(d_grid, image, grid, upstream, padding, align_corners):
    """Clipped positions whose slope is taken as if they were on the last pixel."""
    if padding == "zeros":
        return d_grid
    n_pixel = np.array([image.shape[2], image.shape[1]])
    held = np.clip(laws.slow_positions(grid, image, align_corners), 1e-9, n_pixel - 1 - 1e-9)
    held = laws.at_pixels(held, image, align_corners)
    return bilinear_gradient(image, held, upstream, padding, align_corners)[1]


def averaged(mean):
    """A warp that reads the cells rightly and averages them by `mean`: (c, hS, wS), h, w, S."""

    def warp(image, raw, kind, size, padding="zeros", align_corners=False, n_sample=1):
        grid = warp_grid(raw, kind, size, align_corners, n_sample)
        return mean(bilinear_sample(image, grid, padding, align_corners), *size, n_sample)

    return warp


def swapped_raw(raw, kind, size, align_corners=False, n_sample=1):
    if kind == "crop":
        raw = raw[[0, 2, 1, 3]]  # scale, shift along x, then along y
    return warp_grid(raw, kind, size, align_corners, n_sample)


def column_by_column(raw, kind, size, align_corners=False, n_sample=1):
    if kind == "affine":
        raw = raw.reshape(3, 2).T.ravel()
    return warp_grid(raw, kind, size, align_corners, n_sample)


def landing_all_x_first(raw, kind, size, align_corners=False, n_sample=1):
    if kind == "spline":
        raw = raw.reshape(2, -1).T.ravel()
    return warp_grid(raw, kind, size, align_corners, n_sample)


def identity_of_nought(kind, n_control=16):
    return np.zeros_like(identity_raw(kind, n_control))


def identity_y_first(kind, n_control=16):
    raw = identity_raw(kind, n_control)
    return raw.reshape(-1, 2)[:, ::-1].ravel() if kind == "spline" else raw


TRANSFORMER = [
    Wrong(
        "corner conventions swapped",
        "pixel_position",
        lambda u, n, align_corners=False: pixel_position(u, n, not align_corners),
        laws.test_positions_by_hand,
    ),
    Wrong(
        "centres spread over n, not n - 1",
        "pixel_position",
        lambda u, n, align_corners=False: (
            (u + 1) * n / 2 if align_corners else pixel_position(u, n)
        ),
        laws.test_positions_by_hand,
    ),
    Wrong(
        "edges without the half pixel",
        "pixel_position",
        lambda u, n, align_corners=False: (
            pixel_position(u, n, align_corners) + 0.5 * (not align_corners)
        ),
        laws.test_output_grid_lies_on_the_pixels,
        (False,),
    ),
    Wrong(
        "pixels counted from one",
        "pixel_position",
        lambda u, n, align_corners=False: pixel_position(u, n, align_corners) + 1,
        laws.test_positions_by_hand,
    ),
    Wrong(
        "corner conventions swapped",
        "normalised_position",
        lambda p, n, align_corners=False: normalised_position(p, n, not align_corners),
        laws.test_normalised_and_pixels_are_inverse,
        (True,),
    ),
    Wrong(
        "edges without the half pixel",
        "normalised_position",
        lambda p, n, align_corners=False: normalised_position(
            p - 0.5 * (not align_corners), n, align_corners
        ),
        laws.test_positions_by_hand,
    ),
    Wrong(
        "points as (y, x)",
        "output_grid",
        lambda *a, **k: output_grid(*a, **k)[..., ::-1],
        laws.test_output_grid_by_hand,
    ),
    Wrong(
        "size as (width, height)",
        "output_grid",
        lambda size, *a, **k: output_grid(size[::-1], *a, **k),
        laws.test_pixel_of_the_slides,
    ),
    Wrong(
        "columns run down",
        "output_grid",
        lambda size, *a, **k: np.moveaxis(output_grid(size[::-1], *a, **k), 0, 1)[..., ::-1][::-1],
        laws.test_output_grid_by_hand,
    ),
    Wrong(
        "y points up",
        "output_grid",
        lambda *a, **k: output_grid(*a, **k) * [1, -1],
        laws.test_output_grid_by_hand,
    ),
    Wrong(
        "centres always",
        "output_grid",
        lambda size, align_corners=False, n_sample=1: output_grid(size, True, n_sample),
        laws.test_output_grid_lies_on_the_pixels,
        (False,),
    ),
    Wrong(
        "cells as the pixels of a larger output",
        "output_grid",
        cells_of_a_larger_output,
        laws.test_cells_by_hand,
    ),
    Wrong(
        "cells read at their corner",
        "output_grid",
        cells_from_their_corner,
        laws.test_cells_centre_on_their_pixel,
        (False,),
    ),
    Wrong(
        "turned the other way",
        "affine_matrix",
        lambda angle, *a: affine_matrix(-angle, *a),
        laws.test_quarter_turns,
        ("zeros", False, 1),
    ),
    Wrong(
        "angle in degrees",
        "affine_matrix",
        lambda angle, *a: affine_matrix(math.radians(angle), *a),
        laws.test_affine_matrix_by_hand,
    ),
    Wrong(
        "scaled before the turn",
        "affine_matrix",
        lambda angle, scale, shear, shift: np.column_stack(
            [
                np.diag(scale) @ affine_matrix(angle, np.ones(2), shear, shift)[:, :2],
                shift,
            ]
        ),
        laws.test_affine_matrix_by_hand,
    ),
    Wrong(
        "sheared after the turn",
        "affine_matrix",
        lambda angle, scale, shear, shift: np.column_stack(
            [
                np.array([[1, shear], [0, 1]]) @ affine_matrix(angle, scale, 0.0, shift)[:, :2],
                shift,
            ]
        ),
        laws.test_a_turn_keeps_lengths_and_a_shear_keeps_areas,
    ),
    Wrong(
        "shift turned too",
        "affine_matrix",
        lambda angle, scale, shear, shift: affine_matrix(
            angle, scale, shear, affine_matrix(angle, scale, shear, shift)[:, :2] @ shift
        ),
        laws.test_affine_matrix_by_hand,
    ),
    Wrong(
        "y before x",
        "crop_matrix",
        lambda scale, shift: crop_matrix(scale[::-1], shift[::-1]),
        laws.test_crop_matrix_by_hand,
    ),
    Wrong(
        "shift in units of the crop",
        "crop_matrix",
        lambda scale, shift: crop_matrix(scale, scale * shift),
        laws.test_a_crop_is_an_affine_map_without_turn_or_shear,
    ),
    Wrong(
        "the other order",
        "compose",
        lambda first, second: compose(second, first),
        laws.test_compose_by_hand,
    ),
    Wrong(
        "shifts added",
        "compose",
        lambda first, second: np.column_stack(
            [first[:, :2] @ second[:, :2], first[:, 2] + second[:, 2]]
        ),
        laws.test_compose_is_a_product,
    ),
    Wrong(
        "theta transposed",
        "affine_grid",
        other_theta(lambda theta: np.column_stack([theta[:, :2].T, theta[:, 2]])),
        laws.test_affine_grid_by_hand,
    ),
    Wrong(
        "rows of theta for (y, x)",
        "affine_grid",
        other_theta(lambda theta: theta[::-1]),
        laws.test_affine_grid_by_hand,
    ),
    Wrong(
        "from the input to the output",
        "affine_grid",
        other_theta(
            lambda theta: (
                np.linalg.inv(homogeneous(theta))[:2]
                if abs(np.linalg.det(theta[:, :2])) > 1e-9
                else theta
            )
        ),
        laws.test_a_shift_by_whole_pixels,
        ("zeros", False),
    ),
    Wrong(
        "shift in half pixels of an extent of two",
        "affine_grid",
        other_theta(lambda theta: theta * [1, 1, 0.5]),
        laws.test_torchs_affine_grid,
        (True,),
    ),
    Wrong(
        "not divided",
        "projective_grid",
        projected(lambda point: point[..., :2]),
        laws.test_projective_grid_by_hand,
    ),
    Wrong(
        "only x divided",
        "projective_grid",
        projected(lambda p: np.stack([p[..., 0] / p[..., 2], p[..., 1]], axis=-1)),
        laws.test_projective_keeps_straight_lines_straight,
    ),
    Wrong(
        "mirrored behind the camera",
        "projective_grid",
        projected(lambda p: p[..., :2] / np.where(p[..., 2:] == 0, 1e-6, p[..., 2:])),
        laws.test_behind_the_camera,
    ),
    Wrong(
        "the plane's own scale forgotten",
        "projective_grid",
        projected(lambda p: p[..., :2] / (p[..., 2:] - p[..., 2:].mean() + 1)),
        laws.test_projective_without_perspective_is_affine,
        (False,),
    ),
    Wrong(
        "column by column",
        "control_points",
        lambda n_control: control_points(n_control)[:, ::-1],
        laws.test_control_points_by_hand,
    ),
    Wrong(
        "on centres between edges",
        "control_points",
        lambda n_control: control_points(n_control) * (1 - 1 / math.sqrt(n_control)),
        laws.test_control_points_by_hand,
    ),
    Wrong(
        "r log r",
        "spline_weight",
        other_spline(lambda square: square_log(np.sqrt(square))),
        laws.test_weights_of_four_corners_by_hand,
        (False,),
    ),
    Wrong(
        "r^4 log r",
        "spline_weight",
        other_spline(lambda square: square * square_log(square)),
        laws.test_weights_of_four_corners_by_hand,
        (True,),
    ),
    Wrong(
        "no affine part",
        "spline_weight",
        other_spline(square_log, affine=False),
        laws.test_weights_of_four_corners_by_hand,
        (False,),
    ),
    Wrong(
        "a softmax of distances",
        "spline_weight",
        lambda n_control, size, *a: preliminaries.softmax(
            -((output_grid(size, *a)[:, :, None] - control_points(n_control)) ** 2).sum(-1)
        ),
        laws.test_spline_goes_through_its_landing_points,
        (3,),
    ),
    Wrong(
        "control points in another order",
        "spline_weight",
        lambda n_control, *a: spline_weight(n_control, *a)[..., ::-1],
        laws.test_weights_of_four_corners_by_hand,
        (False,),
    ),
    Wrong(
        "landing as (y, x)",
        "spline_grid",
        lambda landing, *a: transformer.spline_grid(landing[:, ::-1].copy(), *a),
        laws.test_scipys_spline,
    ),
    Wrong(
        "landing as offsets",
        "spline_grid",
        lambda landing, *a: transformer.spline_grid(landing + control_points(len(landing)), *a),
        laws.test_spline_goes_through_its_landing_points,
        (3,),
    ),
    Wrong("nought", "identity_raw", identity_of_nought, laws.test_identity_raw_by_hand),
    Wrong("y before x", "identity_raw", identity_y_first, laws.test_identity_raw_by_hand),
    Wrong("crop an axis at a time", "warp_grid", swapped_raw, laws.test_raw_numbers_by_hand),
    Wrong("matrix by columns", "warp_grid", column_by_column, laws.test_raw_numbers_by_hand),
    Wrong(
        "all x before all y",
        "warp_grid",
        landing_all_x_first,
        laws.test_raw_numbers_by_hand,
    ),
    Wrong(
        "n_sample forgotten",
        "warp_grid",
        lambda raw, kind, size, align_corners=False, n_sample=1: warp_grid(
            raw, kind, size, align_corners
        ),
        laws.test_identity_is_the_output_grid,
        (True, "crop", 3),
    ),
    Wrong(
        "points as (y, x)",
        "bilinear_sample",
        lambda image, grid, *a: bilinear_sample(image, grid[..., ::-1].copy(), *a),
        laws.test_sample_by_hand,
    ),
    Wrong(
        "corner conventions swapped",
        "bilinear_sample",
        lambda image, grid, padding="zeros", align_corners=False: bilinear_sample(
            image, grid, padding, not align_corners
        ),
        laws.test_paddings_by_hand,
    ),
    Wrong(
        "centres always",
        "bilinear_sample",
        lambda image, grid, padding="zeros", align_corners=False: bilinear_sample(
            image, grid, padding, True
        ),
        laws.test_edges_are_the_default,
    ),
    Wrong(
        "border as zeros",
        "bilinear_sample",
        lambda image, grid, padding="zeros", align_corners=False: bilinear_sample(
            image, grid, "zeros", align_corners
        ),
        laws.test_weights_sum_to_one_under_border,
        (False,),
    ),
    Wrong(
        "zeros as border",
        "bilinear_sample",
        lambda image, grid, padding="zeros", align_corners=False: bilinear_sample(
            image, grid, "border", align_corners
        ),
        laws.test_scipys_interpolation,
    ),
    Wrong(
        "the nearest pixel",
        "bilinear_sample",
        gathered(lower=np.round, weigh=lambda left, f: (np.ones_like(f), np.zeros_like(f))),
        laws.test_sample_by_hand,
    ),
    Wrong(
        "rounded for floored",
        "bilinear_sample",
        gathered(lower=np.round),
        laws.test_sampling_is_its_formula,
        ("zeros", False),
    ),
    Wrong(
        "cut towards zero for floored",  # wrong to the left of the image only
        "bilinear_sample",
        gathered(lower=np.trunc),
        laws.test_sampling_is_its_formula,
        ("zeros", False),
    ),
    Wrong(
        "weights the wrong way round",
        "bilinear_sample",
        gathered(weigh=lambda left, fraction: (fraction, 1 - fraction)),
        laws.test_a_ramp_reads_its_position,
        (False,),
    ),
    Wrong(
        "weights of absent pixels shared among the others",
        "bilinear_sample",
        gathered(absent=renormalised),
        laws.test_paddings_by_hand,
    ),
    Wrong(
        "black as soon as a neighbour is absent",
        "bilinear_sample",
        gathered(absent=lambda weight: weight * np.isclose(weight.sum((-1, -2), keepdims=True), 1)),
        laws.test_paddings_by_hand,
    ),
    Wrong(
        "channels averaged",
        "bilinear_sample",
        lambda image, *a: bilinear_sample(image.mean(0, keepdims=True) + 0 * image, *a),
        laws.test_channels_do_not_mix,
        ("zeros", False),
    ),
    Wrong(
        "the other sign",
        "bilinear_gradient",
        flat_gradient(lambda d_grid, *a: -d_grid),
        laws.test_gradient_by_hand,
    ),
    Wrong(
        "per pixel, not per unit of the coordinate",
        "bilinear_gradient",
        flat_gradient(lambda d, image, g, u, p, align: d / half_extent(image, align)),
        laws.test_gradient_by_hand,
    ),
    Wrong(
        "n for n - 1",
        "bilinear_gradient",
        flat_gradient(
            lambda d, image, g, u, p, align: d / half_extent(image, align) * half_extent(image, 0)
        ),
        laws.test_gradient_between_pixels_is_the_slope,
        ("zeros", True),
    ),
    Wrong(
        "width for height",
        "bilinear_gradient",
        flat_gradient(
            lambda d, image, g, u, p, align: (
                d / half_extent(image, align) * half_extent(image, align)[::-1]
            )
        ),
        laws.test_gradient_by_hand,
    ),
    Wrong(
        "by (y, x)",
        "bilinear_gradient",
        flat_gradient(lambda d_grid, *a: d_grid[..., ::-1]),
        laws.test_gradient_by_hand,
    ),
    Wrong(
        "equation 7 as printed",
        "bilinear_gradient",
        flat_gradient(of_equation_7),
        laws.test_equation_7_as_printed_on_a_pixel,
    ),
    Wrong(
        "the slope to the left",
        "bilinear_gradient",
        flat_gradient(to_the_left),
        laws.test_gradient_on_a_pixel_by_hand,
    ),
    Wrong(
        "a slope beyond the border",
        "bilinear_gradient",
        flat_gradient(through_the_border),
        laws.test_beyond_the_border_nothing_pulls,
        (True,),
    ),
    Wrong(
        "one upstream for all channels",
        "bilinear_gradient",
        lambda image, grid, upstream, *a: bilinear_gradient(
            image, grid, upstream.mean(0, keepdims=True) + 0 * upstream, *a
        ),
        laws.test_gradient_between_pixels_is_the_slope,
        ("zeros", False),
    ),
    Wrong(
        "image's part without its upstream",
        "bilinear_gradient",
        lambda image, grid, upstream, *a: (
            bilinear_gradient(image, grid, np.ones_like(upstream), *a)[0],
            bilinear_gradient(image, grid, upstream, *a)[1],
        ),
        laws.test_gradient_by_hand,
    ),
    Wrong(
        "cells averaged over the wrong axes",
        "warp",
        averaged(lambda fine, h, w, s: fine.reshape(-1, s, h, s, w).mean((1, 3))),
        laws.test_warp_is_the_mean_over_cells,
        ("border", True, "crop"),
    ),
    Wrong(
        "cells averaged along x only",
        "warp",
        averaged(lambda fine, h, w, s: fine.reshape(-1, h, s, w, s).mean(4)[:, :, 0]),
        laws.test_warp_is_the_mean_over_cells,
        ("zeros", False, "affine"),
    ),
    Wrong(
        "cells added up",
        "warp",
        averaged(lambda fine, h, w, s: fine.reshape(-1, h, s, w, s).sum((2, 4))),
        laws.test_a_chessboard_scaled_down_by_three,
    ),
    Wrong(
        "one cell for all",
        "warp",
        averaged(lambda fine, h, w, s: fine[:, s // 2 :: s, s // 2 :: s]),
        laws.test_a_chessboard_scaled_down_by_two,
    ),
    Wrong(
        "zeros whatever the padding",
        "warp",
        lambda image, raw, kind, size, padding="zeros", *a: transformer_warp(
            image, raw, kind, size, "zeros", *a
        ),
        laws.test_the_padding_trap,
    ),
    Wrong(
        "read in one convention, placed in the other",
        "warp",
        lambda image, raw, kind, size, padding="zeros", align_corners=False, n_sample=1: (
            bilinear_sample(image, warp_grid(raw, kind, size, not align_corners), padding)
        ),
        laws.test_the_conventions_part_on_a_shift_by_hand,
    ),
]


class Mistaken(Reference):
    """A room in which one function is a wrong version, for whoever calls it."""

    def __init__(self, module: ModuleType, name: str, version: Any) -> None:
        super().__init__(module)
        self.wrong = {name: version}

    def __getattr__(self, name: str) -> Any:
        return self.wrong.get(name) or getattr(self.module, name)


def is_rejected(check: Any, *arguments: Any, **named: Any) -> bool:
    """Whether a test fails."""
    try:
        check(*arguments, **named)
    except CAUGHT:
        return True
    return False


def label(wrong: Wrong) -> str:
    return f"{wrong.name}: {wrong.mistake}"


@pytest.mark.parametrize(
    ("module", "wrong"),
    [(preliminaries, wrong) for wrong in PRELIMINARIES]
    + [(gaussian, wrong) for wrong in GAUSSIAN]
    + [(transformer, wrong) for wrong in TRANSFORMER],
    ids=[label(wrong) for wrong in PRELIMINARIES + GAUSSIAN + TRANSFORMER],
)
def test_a_wrong_version_is_rejected(module, wrong, monkeypatch):
    twin = importlib.import_module(module.__name__.replace("reference", "functional"))
    wrong.rejected_by(Reference(module), *wrong.arguments)
    if hasattr(twin, wrong.name):  # a gradient's twin is autograd
        wrong.rejected_by(Functional(twin), *wrong.arguments)
    if wrong.name in ("filterbank", "softmax", "draw_window"):
        # the room's own functions call the wrong version too
        monkeypatch.setattr(module, wrong.name, wrong.version)
    with test_twins.unhooked():
        mistaken = Mistaken(module, wrong.name, wrong.version)
        assert is_rejected(wrong.rejected_by, mistaken, *wrong.arguments)


def test_every_function_has_a_wrong_version():
    names = {f"preliminaries.{wrong.name}" for wrong in PRELIMINARIES}
    names |= {f"gaussian.{wrong.name}" for wrong in GAUSSIAN}
    names |= {f"spatial_transformer.{wrong.name}" for wrong in TRANSFORMER}
    # the readers are below, as twins
    assert names == set(TWINS) - {"gaussian.glimpse_reader", "spatial_transformer.warp_reader"}


# --- wrong twins ----------------------------------------------------------------------------------

glimpse_twin, softmax_twin = TWINS["gaussian.gaussian_glimpse"], TWINS["preliminaries.softmax"]
masked_twin, dense_twin = TWINS["preliminaries.masked_softmax"], TWINS["preliminaries.dense"]
bank_twin, write_twin = TWINS["gaussian.filterbank"], TWINS["gaussian.gaussian_write"]
reader_twin, lstm_twin = TWINS["gaussian.glimpse_reader"], TWINS["preliminaries.lstm_cell"]
affine_twin, spline_twin = (TWINS[f"spatial_transformer.{n}_grid"] for n in ("affine", "spline"))
sample_twin = TWINS["spatial_transformer.bilinear_sample"]
warp_twin, warp_reader_twin = (TWINS[f"spatial_transformer.{n}"] for n in ("warp", "warp_reader"))


def first_example_for_all(image, mean, std, stride, size, rule="exact"):
    batch = (1,) * (image.ndim - 3)
    first = [each[(slice(0, 1),) * len(batch)] for each in (mean, std, stride)]
    return torch_gaussian.gaussian_glimpse(
        image, *(each.expand_as(mean) for each in first), size, rule
    )


def for_squares(image, mean, std, stride, size, rule="exact"):
    return torch_gaussian.gaussian_glimpse(image.mT, mean, std, stride, size, rule)


def mixed_batch(image, *arguments, **named):
    glimpse = torch_gaussian.gaussian_glimpse(image, *arguments, **named)
    return glimpse.flip(0) if glimpse.ndim > 3 else glimpse


def in_place(score, mask):
    score.masked_fill_(~mask, -1e30)
    return torch_preliminaries.masked_softmax(score, mask)


def in_place_array(score, mask):
    score[~np.broadcast_to(mask, score.shape)] = -1e30
    return preliminaries.masked_softmax(score, mask)


def masked_by_a_bias(score, mask):
    weight = torch.softmax(score + torch.where(mask, 0.0, -torch.inf), dim=-1)
    return torch.where(mask & mask.any(-1, keepdim=True), weight, 0.0)


def as_if_contiguous(score):
    score = torch.as_strided(score, score.shape, torch.empty(score.shape).stride())
    return torch.softmax(score, dim=-1)


def deaf_to_std(mean, std, stride, n_filter, n_pixel, rule="exact"):
    return torch_gaussian.filterbank(mean, std.detach(), stride, n_filter, n_pixel, rule)


def moved_nearest(mean, std, stride, n_filter, n_pixel, rule="exact"):
    bank = torch_gaussian.filterbank(mean, std, stride, n_filter, n_pixel, rule)
    return bank + 0.1 * (mean - mean.detach())[..., None, None]


def other_default(mean, std, stride, n_filter, n_pixel, rule="source"):
    return torch_gaussian.filterbank(mean, std, stride, n_filter, n_pixel, rule)


def other_name(features, w, b):
    return torch_preliminaries.dense(features, w, b)


def own_words(feature, w, b):
    if w.shape != (len(b), feature.shape[-1]):
        raise ValueError("shapes do not fit")
    return torch_preliminaries.dense(feature, w, b)


def unguarded(feature, w, b):
    return torch.nn.functional.linear(feature, w, b)


def naive_bank(mean, std, stride, n_filter, n_pixel, rule="exact"):
    centre = mean[..., None] + stride[..., None] * torch.arange(n_filter)
    distance = torch.arange(n_pixel) - centre[..., None]
    bell = torch.exp(-0.5 * (distance / std[..., None, None]) ** 2)
    return bell / (bell.sum(-1, keepdim=True) + (1e-8 if rule == "source" else 0))


def never_frozen(image, params, n_step, n_filter, frozen=False):
    return reader_twin.functional(image, params, n_step, n_filter)


def unfed(image, params, n_step, n_filter, frozen=False):
    return reader_twin.functional(image.detach(), params, n_step, n_filter, frozen)


def first_map_for_all(theta, *arguments, **named):
    if theta.ndim > 2:
        theta = theta[(slice(0, 1),) * (theta.ndim - 2)].expand_as(theta)
    return torch_transformer.affine_grid(theta, *arguments, **named)


def unmoved(image, grid, padding="zeros", align_corners=False):
    return torch_transformer.bilinear_sample(image, grid.detach(), padding, align_corners)


def reflected(image, grid, padding="zeros", align_corners=False):
    return torch.nn.functional.grid_sample(
        image.flatten(0, -4), grid.flatten(0, -4), "bilinear", "reflection", align_corners
    ).unflatten(0, image.shape[:-3])


def one_sample(image, raw, kind, size, padding="zeros", align_corners=False, n_sample=1):
    return torch_transformer.warp(image, raw, kind, size, padding, align_corners)


def rough_spline(landing, *arguments, **named):
    weight = torch_transformer.spline_weight(landing.shape[-2], *arguments, **named)
    return torch.einsum("hwk,...kd->...hwd", weight.float().to(landing.dtype), landing)


def never_padded(image, params, size, n_sample=1, padding="zeros", align_corners=False):
    return warp_reader_twin.functional(image, params, size, n_sample, "zeros", align_corners)


def half(function):
    """A twin that works in float32 whatever comes in, and gives back what came in."""

    def rough(*arguments, **named):
        named = {k: v.float() if isinstance(v, torch.Tensor) else v for k, v in named.items()}
        return function(*arguments, **named).double()

    return rough


TWIN_MISTAKES = [
    ("one window for the whole batch", glimpse_twin, first_example_for_all, "check_values"),
    ("only square images", glimpse_twin, for_squares, "check_values"),
    ("examples in another order", glimpse_twin, mixed_batch, "check_values"),
    ("softmax over the batch", softmax_twin, lambda score: torch.softmax(score, 0), "check_values"),
    ("float32 within", softmax_twin, half(torch_preliminaries.softmax), "check_values"),
    ("exponentials of far pixels", bank_twin, naive_bank, "check_values"),
    ("rows that forget their place", softmax_twin, as_if_contiguous, "check_strides"),
    ("std without a gradient", bank_twin, deaf_to_std, "check_gradient"),
    ("a gradient too much", bank_twin, moved_nearest, "check_gradient"),
    ("image without a gradient", reader_twin, unfed, "check_gradient"),
    ("never frozen", reader_twin, never_frozen, "check_values"),
    ("masked by a bias", masked_twin, masked_by_a_bias, "check_gradient_is_finite"),
    ("scores overwritten", masked_twin, in_place, "check_inputs_unharmed"),
    ("one map for the whole batch", affine_twin, first_map_for_all, "check_values"),
    ("reflection for both paddings", sample_twin, reflected, "check_values"),
    ("one sample a pixel", warp_twin, one_sample, "check_values"),
    ("weights in float32", spline_twin, rough_spline, "check_values"),
    ("padding forgotten", warp_reader_twin, never_padded, "check_values"),
    ("grid without a gradient", sample_twin, unmoved, "check_gradient"),
    ("another default", bank_twin, other_default, "check_signature"),
    ("another name", dense_twin, other_name, "check_signature"),
    ("its own words for an error", dense_twin, own_words, "check_errors"),
    ("no words for an error", dense_twin, unguarded, "check_errors"),
]
TAME = ("check_gradient", "check_strides")
CHECKS = {
    "check_values": lambda twin, batch, case: test_twins.check_values(twin, batch, case),
    "check_strides": lambda twin, batch, case: test_twins.check_strides(twin, case),
    "check_gradient": lambda twin, batch, case: test_twins.check_gradient(twin, batch, case),
    "check_gradient_is_finite": lambda twin, batch, case: test_twins.check_gradient_is_finite(
        twin, case
    ),
    "check_inputs_unharmed": test_twins.check_inputs_unharmed,
    "check_signature": lambda twin, batch, case: test_twins.check_signature(twin),
    "check_errors": lambda twin, batch, case: [
        test_twins.check_errors(twin, error) for error in twin.errors
    ],
    "check_module": test_twins.check_module,
}


def times_rejected(twin, check: str) -> int:
    """How many of a handful of cases a check fails on."""
    rejected = []

    @settings(max_examples=3 if check == "check_gradient" else 8)
    @given(data=st.data())
    def hunt(data):
        batch = data.draw(st.sampled_from([(3,), (), (2, 3)] if check not in TAME else [(2,)]))
        case = twin.cases(data.draw, batch, check not in TAME)
        with test_twins.unhooked():
            rejected.append(is_rejected(CHECKS[check], twin, batch, case))

    hunt()
    return sum(rejected)


@pytest.mark.parametrize(
    ("mistake", "twin", "version", "check"),
    TWIN_MISTAKES,
    ids=[f"{twin.reference.__name__}: {mistake}" for mistake, twin, _, _ in TWIN_MISTAKES],
)
def test_a_wrong_twin_is_rejected(mistake, twin, version, check):
    assert times_rejected(twin, check) == 0
    assert times_rejected(replace(twin, functional=version), check) > 0


def test_a_reference_that_writes_to_its_input_is_rejected():
    wrong = replace(masked_twin, reference=in_place_array)
    assert times_rejected(masked_twin, "check_inputs_unharmed") == 0
    assert times_rejected(wrong, "check_inputs_unharmed") > 0


@pytest.mark.parametrize("taken", ["w_hidden", "b_input", "b_hidden"])
def test_a_module_that_takes_the_wrong_weights_is_rejected(taken):
    class Deaf(preliminaries_modules.LstmCell):
        def forward(self, feature, hidden, cell):
            names = ("w_input", "w_hidden", "b_input", "b_hidden")
            others = {"b_input": self.b_hidden, "b_hidden": self.b_input}
            other = others.get(taken, self.w_hidden.flip(1))
            weights = [other if name == taken else getattr(self, name) for name in names]
            return torch_preliminaries.lstm_cell(feature, hidden, cell, *weights)

    wrong = replace(lstm_twin, module=replace(lstm_twin.module, build=build_cell(Deaf)))
    assert times_rejected(lstm_twin, "check_module") == 0
    assert times_rejected(wrong, "check_module") > 0


@functools.wraps(torch_transformer.gathered_sample)
def clamped_sample(image, grid, padding="zeros", align_corners=False):
    """Autograd's own clamp lets a slope through on the outermost pixels."""
    n_pixel = torch.tensor([image.shape[-1], image.shape[-2]])
    pixel = ((grid + 1) * n_pixel - 1) / 2
    if padding == "border":
        pixel = torch.clamp(pixel, torch.zeros_like(n_pixel), n_pixel - 1)
        # a column and a row more, for the last pixel's neighbour that does not exist
        image = torch.nn.functional.pad(image, (0, 1, 0, 1))
    grid = (2 * pixel + 1) / torch.tensor([image.shape[-1], image.shape[-2]]) - 1
    return torch_transformer.bilinear_sample(image, grid, "zeros", align_corners)


def test_a_slope_on_the_border_is_rejected(monkeypatch):
    path = test_spatial_transformer.Autograd(torch_transformer, "gathered_sample")
    laws.test_gradient_on_a_pixel_by_hand(path)
    monkeypatch.setattr(torch_transformer, "gathered_sample", clamped_sample)
    laws.test_paddings_by_hand(path)  # its values are right
    assert is_rejected(laws.test_gradient_on_a_pixel_by_hand, path)
