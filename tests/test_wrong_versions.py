"""Wrong versions that the suite must reject: the mistakes one makes, or finds in published code.

Each is shown to a test of this suite by name, which the right version passes and the wrong one
fails. A wrong version that slipped through would mean that the tests check nothing.
"""

import functools
import importlib
import inspect
import itertools
import math
import textwrap
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import test_families
import test_gaussian
import test_preliminaries
import test_seq2seq
import test_soft_hard
import test_spatial_transformer
import test_twins
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from paths import Functional, Reference
from twins import TWINS, build_cell

from attn_course.families import functional as torch_families
from attn_course.families import reference as families
from attn_course.gaussian import functional as torch_gaussian
from attn_course.gaussian import reference as gaussian
from attn_course.preliminaries import functional as torch_preliminaries
from attn_course.preliminaries import modules as preliminaries_modules
from attn_course.preliminaries import reference as preliminaries
from attn_course.seq2seq import functional as torch_seq2seq
from attn_course.seq2seq import reference as seq2seq
from attn_course.soft_hard import functional as torch_soft_hard
from attn_course.soft_hard import modules as soft_hard_modules
from attn_course.soft_hard import reference as soft_hard
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


def seen_by(mask, weight):
    return np.broadcast_to(mask, weight.shape).any(0)[:, None]


def context_unguarded(weight, value, mask):
    return np.where(mask, weight, 0.0) @ value


def context_that_trusts_its_weights(weight, value, mask):
    return weight @ np.where(seen_by(mask, weight), value, 0.0)


def context_without_nan(weight, value, mask):
    """NaN replaced wherever it stands, so that a real fault in the data is hidden."""
    return np.where(mask, weight, 0.0) @ np.nan_to_num(value, posinf=0.0, neginf=0.0)


def context_of_common_keys(weight, value, mask):
    common = np.broadcast_to(mask, weight.shape).all(0)[:, None]
    return np.where(mask, weight, 0.0) @ np.where(common, value, 0.0)


def context_averaged(weight, value, mask):
    context = preliminaries.masked_context(weight, value, mask)
    count = np.broadcast_to(mask, weight.shape).sum(1, keepdims=True)
    return context / np.maximum(count, 1)


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
    Wrong(
        "the diagonal alone",
        "softmax_jacobian",
        lambda weight: np.diag(weight * (1 - weight)),
        test_preliminaries.test_softmax_jacobian_by_hand,
    ),
    Wrong(
        "sign turned",
        "softmax_jacobian",
        lambda weight: np.outer(weight, weight) - np.diag(weight),
        test_preliminaries.test_softmax_jacobian_is_the_slope,
    ),
    Wrong(
        "the other weights' slope missing from the diagonal",
        "softmax_jacobian",
        lambda weight: np.diag(weight) - np.outer(weight, weight) * (1 - np.eye(len(weight))),
        test_preliminaries.test_laws_of_the_softmax_jacobian,
    ),
    Wrong(
        "one formula on and off the diagonal",
        "softmax_jacobian",
        lambda weight: np.outer(weight, 1 - weight),
        test_preliminaries.test_softmax_jacobian_is_autograds_behind_a_mask,
    ),
    Wrong(
        "NaN of padding let through",
        "masked_context",
        context_unguarded,
        test_preliminaries.test_padding_never_reaches_a_context,
        (np.nan,),
    ),
    Wrong(
        "weights behind the mask trusted",
        "masked_context",
        context_that_trusts_its_weights,
        test_preliminaries.test_masked_context_by_hand,
    ),
    Wrong(
        "every NaN replaced",
        "masked_context",
        context_without_nan,
        test_preliminaries.test_what_one_query_may_see_spoils_another,
    ),
    Wrong(
        "values that some query may not see dropped",
        "masked_context",
        context_of_common_keys,
        test_preliminaries.test_masked_context_is_its_sum,
    ),
    Wrong(
        "divided by the number of keys",
        "masked_context",
        context_averaged,
        test_preliminaries.test_masked_context_by_hand,
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


# --- soft_hard ------------------------------------------------------------------------------------

acts = test_soft_hard
by_counts = acts.test_hard_item_draws_with_the_softmax_s_frequencies
drawn_place = acts.test_a_place_is_brought_into_the_image_after_the_draw


def changed(function, *pairs):
    """A function with some words of its source replaced: where it is too long to write again."""
    source = textwrap.dedent(inspect.getsource(inspect.unwrap(function)))
    for old, new in pairs:
        assert source.count(old) == 1, f"{old!r} is not once in {function.__name__}"
        source = source.replace(old, new)
    scope = dict(vars(importlib.import_module(function.__module__)))
    exec(source, scope)
    return scope[function.__name__]


def chances(score):
    return softmax(score[None])[0]


def hard_location_by(place):
    """A crop round a place that is made in another way from control, noise and std."""

    def look(control, feature, noise, size, std):
        location = place(control, noise, std)
        return soft_hard.retina(feature, np.clip(location, -1, 1), size, 1)[0]

    return look


def estimate(weigh):
    """The estimate with other weights of the draws' scores."""

    def gradient(score, choice, reward, baseline):
        scores = np.stack([soft_hard.choice_score(score, int(i)) for i in choice])
        return weigh(reward, baseline) @ scores

    return gradient


def retina_by(corner, reduce="mean"):
    """A retina with another corner, or another way to make blocks one number."""

    def patches(feature, location, size, n_scale):
        seen = []
        for k in range(n_scale):
            side, (height, width) = size * 2**k, feature.shape[1:]
            at = corner((location + 1) / 2, np.array([width, height]), side)
            wide = soft_hard.crop(feature, np.asarray(at).astype(int), side)
            blocks = wide.reshape(len(feature), size, 2**k, size, 2**k)
            seen.append(getattr(blocks, reduce)(axis=(2, 4)) if reduce else blocks[:, :, 0, :, 0])
        return np.stack(seen)

    return patches


def nearest(unit, n_pixel, side):
    return np.floor(unit * n_pixel - side / 2 + 0.5)


def repeated_edges(feature, corner, size):
    y, x = (np.arange(size) + first for first in corner[::-1])
    height, width = feature.shape[1:]
    return feature[:, y.clip(0, height - 1)][:, :, x.clip(0, width - 1)]


def rolled_edges(feature, corner, size):
    y, x = (np.arange(size) + first for first in corner[::-1])
    height, width = feature.shape[1:]
    return feature[:, y % height][:, :, x % width]


def swapped_blocks(feature, location, size, n_scale):
    seen = []
    for k in range(n_scale):
        corner = nearest((location + 1) / 2, np.array(feature.shape[:0:-1]), size * 2**k)
        wide = soft_hard.crop(feature, corner.astype(int), size * 2**k)
        seen.append(wide.reshape(-1, 2**k, size, 2**k, size).mean(axis=(1, 3)))
    return np.stack(seen)


def inside_alone(feature, location, size, n_scale):
    """Averages that leave out what lies outside."""
    count = soft_hard.retina(np.ones_like(feature), location, size, n_scale)
    return soft_hard.retina(feature, location, size, n_scale) / np.maximum(count, 1e-9)


def loss_by(*pairs):
    return changed(soft_hard.hybrid_loss, *pairs)


def walk_by(*pairs):
    return changed(soft_hard.recurrent_attention, *pairs)


def signs(n_factor):
    return np.array(list(itertools.product([1.0, -1.0], repeat=n_factor)))


def weights_with(out):
    """Weights of the product net with other ones at the output."""
    return lambda n_factor, scale, shift: (
        scale * signs(n_factor),
        out(soft_hard.product_weights(n_factor, scale, shift)[1], signs(n_factor), scale),
    )


def net_of(unit):
    def net(factor, scale, shift):
        hidden, out = soft_hard.product_weights(len(factor), scale, shift)
        return float(out @ unit(hidden @ factor + shift))

    return net


def part_of_the_way(value, times):
    """A straight line from x to e^x, or to log x."""
    end = np.where(times < 0, np.log(np.abs(value)), np.exp(value))
    return value + np.abs(times) * (end - value)


SOFT_HARD = [
    Wrong(
        "softmax for sigmoid",
        "sigmoid_mask",
        chances,
        acts.test_sigmoid_mask_by_hand,
    ),
    Wrong(
        "exponential of a large score",
        "sigmoid_mask",
        np.errstate(all="ignore")(lambda score: np.exp(score) / (1 + np.exp(score))),
        acts.test_sigmoid_mask_at_extreme_scores,
    ),
    Wrong(
        "sign turned",
        "sigmoid_mask",
        lambda score: 1 - soft_hard.sigmoid_mask(score),
        acts.test_sigmoid_mask_by_hand,
    ),
    Wrong(
        "mask made to sum to one",
        "soft_glimpse",
        lambda feature, mask: feature * mask / mask.sum(),
        acts.test_soft_glimpse_by_hand,
    ),
    Wrong(
        "mask cut to between 0 and 1",
        "soft_glimpse",
        lambda feature, mask: feature * mask.clip(0, 1),
        acts.test_soft_glimpse_by_hand,
    ),
    Wrong(
        "exponentials not made to sum to one",
        "soft_item",
        lambda control, feature, noise=None: np.exp(control) @ feature,
        acts.test_soft_item_by_hand,
    ),
    Wrong(
        "softmax over the features",
        "soft_item",
        lambda control, feature, noise=None: (softmax(control[:, None] * feature) * feature).sum(0),
        acts.test_soft_item_by_hand,
    ),
    Wrong(
        "largest score not taken off",
        "soft_item",
        np.errstate(all="ignore")(
            lambda control, feature, noise=None: np.exp(control) / np.exp(control).sum() @ feature
        ),
        acts.test_soft_item_at_extreme_scores,
    ),
    Wrong(
        "always the likeliest",
        "hard_item",
        lambda control, feature, noise: feature[np.argmax(control)],
        acts.test_hard_item_by_hand,
    ),
    Wrong(
        "Gumbel noise with its sign turned",
        "hard_item",
        lambda control, feature, noise: feature[np.argmax(control - noise)],
        by_counts,
    ),
    Wrong(
        "noise on probabilities",
        "hard_item",
        lambda control, feature, noise: feature[np.argmax(chances(control) + noise)],
        by_counts,
    ),
    Wrong(
        "softmax over the pixels",
        "soft_location",
        lambda control, feature, noise=None: (
            chances(control.ravel()).reshape(control.shape) * feature
        ),
        acts.test_soft_location_by_hand,
    ),
    Wrong(
        "brought in before the draw",
        "hard_location",
        hard_location_by(lambda control, noise, std: control.clip(-1, 1) + std * noise),
        drawn_place,
    ),
    Wrong(
        "crop as (y, x)",
        "hard_location",
        hard_location_by(lambda control, noise, std: (control + std * noise)[::-1]),
        acts.test_hard_location_by_hand,
    ),
    Wrong(
        "variance for the standard deviation",
        "hard_location",
        hard_location_by(lambda control, noise, std: control + std**2 * noise),
        acts.test_hard_location_by_hand,
    ),
    Wrong(
        "not drawn",
        "hard_location",
        hard_location_by(lambda control, noise, std: control),
        acts.test_hard_location_by_hand,
    ),
    *(
        Wrong(
            mistake,
            "glimpse_loop",
            changed(soft_hard.glimpse_loop, words),
            acts.test_loop_is_its_formula,
            (kind,),
        )
        for mistake, words, kind in (
            ("control without the state", ("dense(hidden,", "dense(0 * hidden,"), "soft item"),
            ("state forgotten", (".ravel(), hidden,", ".ravel(), 0 * hidden,"), "hard item"),
            ("one draw for all steps", ("else noise[t]", "else noise[0]"), "hard location"),
            ("control of the last glimpse", ("t in range(", "t in range(1 + "), "soft location"),
        )
    ),
    Wrong(
        "mean not taken off",
        "expected_gradient",
        lambda score, reward: chances(score) * reward,
        acts.test_expected_gradient_by_hand,
    ),
    Wrong(
        "plain mean of the rewards",
        "expected_gradient",
        lambda score, reward: chances(score) * (reward - reward.mean()),
        acts.test_expected_gradient_by_hand,
    ),
    Wrong(
        "sign turned",
        "choice_score",
        lambda score, choice: chances(score) - np.eye(len(score))[choice],
        acts.test_choice_score_by_hand,
    ),
    Wrong(
        "slope of the chance, not of its logarithm",
        "choice_score",
        lambda score, choice: (
            chances(score)[choice] * (np.eye(len(score))[choice] - chances(score))
        ),
        acts.test_choice_score_by_hand,
    ),
    Wrong(
        "standard deviation for the variance",
        "location_score",
        lambda mean, std, location: (location - mean) / std,
        acts.test_location_score_by_hand,
    ),
    Wrong(
        "sign turned",
        "location_score",
        lambda mean, std, location: (mean - location) / std**2,
        acts.test_location_score_by_quadrature,
        (0.25, 0.0),
    ),
    Wrong(
        "slope of the density, not of its logarithm",
        "location_score",
        lambda mean, std, location: (
            (location - mean) / std**2 * np.exp(-((location - mean) ** 2).sum() / (2 * std**2))
        ),
        acts.test_location_score_by_hand,
    ),
    Wrong(
        "summed over the draws",
        "score_function_gradient",
        estimate(lambda reward, baseline: reward - baseline),
        acts.test_estimate_is_unbiased_for_any_constant_baseline,
        (2.0,),
    ),
    Wrong(
        "baseline forgotten",  # unbiased all the same
        "score_function_gradient",
        estimate(lambda reward, baseline: reward / len(reward)),
        acts.test_what_a_baseline_saves,
    ),
    Wrong(
        "mean of the gains for every draw",
        "score_function_gradient",
        estimate(lambda reward, baseline: 0 * reward + (reward - baseline).mean() / len(reward)),
        acts.test_estimate_is_unbiased_with_the_others_mean,
        (2,),
    ),
    Wrong(
        "a baseline of its own, the mean of all",
        "score_function_gradient",
        estimate(lambda reward, baseline: (reward - reward.mean()) / len(reward)),
        acts.test_estimate_is_unbiased_for_any_constant_baseline,
        (0.0,),
    ),
    Wrong(
        "the own reward left in",
        "leave_one_out",
        lambda reward: np.full(len(reward), reward.mean()),
        acts.test_estimate_is_unbiased_with_the_others_mean,
        (3,),
    ),
    Wrong(
        "divided by the number of all",
        "leave_one_out",
        lambda reward: (reward.sum() - reward) / len(reward),
        acts.test_leave_one_out_by_hand,
    ),
    Wrong(
        "one logarithm",
        "gumbel_noise",
        lambda uniform: -np.log(uniform),
        acts.test_gumbel_noise_by_hand,
    ),
    Wrong(
        "noise of the smallest, not of the largest",
        "gumbel_noise",
        lambda uniform: np.log(-np.log(uniform)),
        by_counts,
    ),
    Wrong(
        "logarithms of 1 - u",
        "gumbel_noise",
        lambda uniform: np.log(-np.log1p(-uniform)),
        acts.test_mean_and_variance_of_gumbel_noise,
    ),
    Wrong(
        "temperature the wrong way up",
        "gumbel_softmax",
        lambda score, noise, temperature: chances((score + noise) * temperature),
        acts.test_gumbel_softmax_by_hand,
    ),
    Wrong(
        "noise after the temperature",
        "gumbel_softmax",
        lambda score, noise, temperature: chances(score / temperature + noise),
        acts.test_gumbel_softmax_by_hand,
    ),
    Wrong(
        "noise on chances",
        "gumbel_softmax",
        lambda score, noise, temperature: chances((chances(score) + noise) / temperature),
        acts.test_gumbel_softmax_by_hand,
    ),
    Wrong(
        "softmax for one-hot",
        "straight_through",
        lambda score, noise: chances(score + noise),
        acts.test_straight_through_by_hand,
    ),
    Wrong(
        "always the likeliest",
        "straight_through",
        lambda score, noise: np.eye(len(score))[np.argmax(score)],
        acts.test_straight_through_by_hand,
    ),
    Wrong(
        "slope straight to the scores",
        "straight_through_gradient",
        lambda score, slope: slope,
        acts.test_straight_through_gradient_by_hand,
    ),
    Wrong(
        "wrong sign",
        "straight_through_gradient",
        lambda score, slope: -soft_hard.straight_through_gradient(score, slope),
        acts.test_straight_through_gradient_by_hand,
    ),
    Wrong(
        "corner as (y, x)",
        "crop",
        lambda feature, corner, size: soft_hard.crop(feature, corner[::-1], size),
        acts.test_crop_by_hand,
    ),
    Wrong("edges repeated", "crop", repeated_edges, acts.test_crop_by_hand),
    Wrong("edges rolled", "crop", rolled_edges, acts.test_far_outside_there_is_nothing, (12,)),
    Wrong(
        "multiplied by a mask of what is inside",
        "crop",
        lambda feature, corner, size: (
            repeated_edges(feature, corner, size)
            * soft_hard.crop(np.ones_like(feature), corner, size)
        ),
        acts.test_what_lies_outside_a_crop_never_enters,
        (np.nan,),
    ),
    Wrong(
        "corner taken for the centre",
        "crop",
        lambda feature, corner, size: soft_hard.crop(feature, corner - size // 2, size),
        acts.test_crop_by_hand,
    ),
    Wrong(
        "place as (y, x)",
        "retina",
        retina_by(lambda unit, n, side: nearest(unit[::-1], n, side)),
        acts.test_retina_by_hand,
    ),
    Wrong(
        "width and height swapped",
        "retina",
        retina_by(lambda unit, n, side: nearest(unit, n[::-1], side)),
        acts.test_retina_by_hand,
    ),
    Wrong(
        "rounded down",
        "retina",
        retina_by(lambda unit, n, side: np.floor(unit * n - side / 2)),
        acts.test_odd_and_even_crops_by_hand,
    ),
    Wrong(
        "rounded to even",
        "retina",
        retina_by(lambda unit, n, side: np.round(unit * n - side / 2)),
        acts.test_odd_and_even_crops_by_hand,
    ),
    Wrong(
        "rounded towards nought",
        "retina",
        retina_by(lambda unit, n, side: np.trunc(unit * n - side / 2 + 0.5)),
        acts.test_the_corners_of_the_image_are_the_edges,
    ),
    Wrong(
        "ends at the centres of the pixels",
        "retina",
        retina_by(lambda unit, n, side: nearest(unit, n - 1, side)),
        acts.test_the_corners_of_the_image_are_the_edges,
    ),
    Wrong(
        "kept on the image",
        "retina",
        retina_by(lambda unit, n, side: np.clip(nearest(unit, n, side), 0, n - side)),
        acts.test_the_corners_of_the_image_are_the_edges,
    ),
    Wrong(
        "all scales from one corner",
        "retina",
        retina_by(lambda unit, n, side: nearest(unit, n, 2)),
        acts.test_retina_by_hand,
    ),
    Wrong(
        "every other pixel",
        "retina",
        retina_by(nearest, reduce=""),
        acts.test_retina_by_hand,
    ),
    Wrong(
        "largest of a block",
        "retina",
        retina_by(nearest, "max"),
        acts.test_retina_by_hand,
    ),
    Wrong("sum of a block", "retina", retina_by(nearest, "sum"), acts.test_retina_by_hand),
    Wrong("blocks across", "retina", swapped_blocks, acts.test_retina_by_hand),
    Wrong("means of the inside", "retina", inside_alone, acts.test_retina_by_hand),
    *(
        Wrong(mistake, "recurrent_attention", walk_by(words), test, arguments)
        for mistake, words, test, arguments in (
            (
                "brought in before its density is taken",
                ("locations.append(location)", "locations.append(here)"),
                acts.test_a_place_outside_is_looked_at_where_it_is_brought_in,
                (),
            ),
            (
                "never brought in",
                ("here = np.clip(location, -1, 1)", "here = location"),
                acts.test_a_place_outside_is_looked_at_where_it_is_brought_in,
                (),
            ),
            (
                "first place by the policy",
                ("if t else np.zeros(2)", ""),
                acts.test_the_first_place_is_the_middle_and_the_next_ones_are_not,
                (),
            ),
            (
                "variance for the standard deviation",
                ("std * noise[t]", "std**2 * noise[t]"),
                acts.test_looker_is_its_formula,
                (False,),
            ),
            (
                "given places jittered",
                ("else place[t]", "else place[t] + std * noise[t]"),
                acts.test_where_places_are_given_noise_does_not_matter,
                (),
            ),
            (
                "what times where",
                ("what + where", "what * where"),
                acts.test_looker_is_its_formula,
                (True,),
            ),
            (
                "mean without tanh",
                ('np.tanh(layer("mean", hidden))', 'layer("mean", hidden)'),
                acts.test_looker_is_its_formula,
                (False,),
            ),
            (
                "state forgotten",
                ('params["core.w_hidden"] @ hidden', '0 * params["core.w_hidden"] @ hidden'),
                acts.test_looker_is_its_formula,
                (True,),
            ),
            (
                "baseline after the glimpse",
                (
                    "return score, ",
                    "baselines = [*baselines[1:], layer('baseline', hidden)[0]]\n"
                    "    return score, ",
                ),
                acts.test_baseline_is_said_before_the_glimpse,
                (),
            ),
            (
                "the place not told",
                ('layer("place", here)', 'layer("place", 0 * here)'),
                acts.test_looker_is_its_formula,
                (True,),
            ),
        )
    ),
    *(
        Wrong(mistake, "hybrid_loss", loss_by(words), test, arguments)
        for mistake, words, test, arguments in (
            (
                "standard deviation for the variance",
                ("(2 * std**2)", "(2 * std)"),
                acts.test_hybrid_loss_by_hand,
                (0.5,),
            ),
            (
                "policy's sign turned",
                ("- gain @ log_prob", "+ gain @ log_prob"),
                acts.test_hybrid_loss_by_hand,
                (1.0,),
            ),
            (
                "reward without its baseline",
                ("== label) - baseline", "== label) + 0 * baseline"),
                acts.test_hybrid_loss_by_hand,
                (1.0,),
            ),
            (
                "baseline never taught",
                (" + gain @ gain", ""),
                acts.test_hybrid_loss_by_hand,
                (1.0,),
            ),
            (
                "reward of the wrong answer",
                ("np.argmax(score) == label", "np.argmin(score) == label"),
                acts.test_hybrid_loss_by_hand,
                (1.0,),
            ),
            (
                "means over the steps",
                ("gain @ log_prob + gain @ gain", "(gain @ log_prob - gain @ gain) / len(gain)"),
                acts.test_hybrid_loss_by_hand,
                (1.0,),
            ),
            (
                "largest score not taken off",
                ("score - score.max()", "score.clip(-700, 700)"),
                acts.test_hybrid_loss_at_extreme_scores,
                (),
            ),
        )
    ),
    Wrong(
        "signs not multiplied",
        "product_weights",
        weights_with(lambda out, sign, scale: np.abs(out)),
        acts.test_product_weights_by_hand,
    ),
    Wrong(
        "scale once for all factors",
        "product_weights",
        weights_with(lambda out, sign, scale: out * scale ** (sign.shape[1] - 1)),
        acts.test_product_weights_are_their_formula,
        (3, 0.7),
    ),
    Wrong(
        "divided by N! as in a Taylor series",
        "product_weights",
        weights_with(lambda out, sign, scale: out / math.factorial(sign.shape[1])),
        acts.test_product_weights_are_their_formula,
        (2, -1.3),
    ),
    Wrong(
        "a kink for the smooth unit",
        "product_net",
        net_of(lambda x: np.maximum(x, 0)),
        acts.test_error_of_the_product_net_falls_as_the_square_of_the_scale,
        (2,),
    ),
    Wrong(
        "sigmoid units",
        "product_net",
        net_of(lambda x: 1 / (1 + np.exp(-x))),
        acts.test_error_of_the_product_net_falls_as_the_square_of_the_scale,
        (2,),
    ),
    Wrong(
        "a straight line from x to e^x",
        "iterated_exp",
        part_of_the_way,
        acts.test_iterated_exp_by_hand,
    ),
    Wrong(
        "a sum and a product mixed",
        "add_or_multiply",
        lambda feature, w, times: (1 - times) * (w @ feature) + times * np.prod(feature**w, axis=1),
        acts.test_add_or_multiply_by_hand,
    ),
    Wrong(
        "weights for exponents",
        "add_or_multiply",
        lambda feature, w, times: np.where(times < 1, w @ feature, np.prod(feature * w, axis=1)),
        acts.test_add_or_multiply_by_hand,
    ),
    Wrong(
        "filter flipped",
        "dynamic_filter",
        lambda feature, kernel: soft_hard.dynamic_filter(feature, kernel[::-1, ::-1]),
        acts.test_dynamic_filter_by_hand,
    ),
    Wrong(
        "filter turned on its side",
        "dynamic_filter",
        lambda feature, kernel: soft_hard.dynamic_filter(feature, kernel.T),
        acts.test_dynamic_filter_by_hand,
    ),
]


# --- families -------------------------------------------------------------------------------------

kin = test_families
row_norm = functools.partial(np.linalg.norm, axis=1, keepdims=True)
one_kind = ("dot",)


def cosine_over(norm):
    """Dot products over something else than the two lengths."""
    return lambda query, key, key_strength: key_strength * (query @ key.T) / norm(query, key)


def concat_by(score):
    """A score of W [q; k] and v of one pair, made in another way."""

    def scores(query, key, w, v):
        return np.array([[score(w, v, q, k) for k in key] for q in query])

    return scores


def attended(softmax_of, value_of=lambda value, mask: np.nan_to_num(value)):
    """Contexts of weights that are made in another way."""

    def contexts(score, value, mask):
        weight = softmax_of(score, np.broadcast_to(mask, score.shape))
        return weight @ value_of(value, mask), weight

    return contexts


def over_the_queries(score, mask):
    return masked_softmax(np.ascontiguousarray(score.T), mask.T).T


def unshifted(score, mask):
    with np.errstate(all="ignore"):
        bell = np.where(mask, np.exp(score), 0.0)
        return bell / bell.sum(1, keepdims=True)


def predicted_by(place):
    return lambda query, w, v, length: place(np.tanh(query @ w.T) @ v, length)


def windows(inside):
    def mask(position, n_key, radius):
        return inside(np.arange(n_key)[None] - position[:, None], radius)

    return mask


def bells(bell, window=families.window_mask):
    """Weights times something else than the Gaussian."""

    def local(weight, position, radius):
        distance = np.arange(weight.shape[1])[None] - position[:, None]
        inside = window(position, weight.shape[1], radius)
        return np.where(inside, weight * bell(distance, radius), 0.0)

    return local


def gauss(distance, radius):
    return np.exp(-2 * (distance / radius) ** 2)


def renormalised(weight, position, radius):
    local = families.local_weight(weight, position, radius)
    return local / np.maximum(local.sum(1, keepdims=True), 1e-30)


def gathered_by(place, real=lambda place, n_key: (place >= 0) & (place < n_key)):
    """Local attention to other places, or with another idea of which slots are real."""

    def local(query, key, value, position, radius):
        centre = np.floor(position + 0.5)[:, None]
        at = place(centre, np.arange(-radius, radius + 1)[None], len(key))
        mask, at = real(at, len(key)), at.astype(int) % len(key)
        score = np.einsum("id,itd->it", query, key[at]) / math.sqrt(query.shape[1])
        weight = masked_softmax(score, mask)
        return np.einsum("it,itd->id", weight, np.nan_to_num(value[at])), weight

    return local


def local_by(*pairs):
    return changed(families.local_attend, *pairs)


def all_real(place, n_key):
    return np.full(place.shape, True)


def empty_slots_scored(query, key, value, position, radius):
    """Rows of zeros round the sequence, which take part in the softmax."""
    n = 100 + radius
    wide = [np.pad(each, ((n, n), (0, 0))) for each in (key, value)]
    return families.local_attend(query, *wide, np.clip(position, -100, 100) + n, radius)


def packed_slots(query, key, value, position, radius):
    context, weight = families.local_attend(query, key, value, position, radius)
    return context, np.stack([np.roll(row, -int((row > 0).argmax())) for row in weight])


def regions_by(*pairs):
    return changed(families.region_attention, *pairs)


def gated_weights(query, region, w_query, w_key, v, w_gate, b_gate):
    out = families.region_attention(query, region, w_query, w_key, v, w_gate, b_gate)
    return out[0], out[2] * out[1], out[2]


def penalty_by(*pairs):
    return changed(families.doubly_stochastic_penalty, *pairs)


def step_by(*pairs):
    return changed(families.lstmn_step, *pairs)


def tape_by(*pairs):
    return changed(families.lstmn, *pairs)


def present_on_the_tape(feature, params):
    """Each step is made twice: the second time what the first made is on the tape as well."""
    n_step, d_hidden = len(feature), params["cell.w_hidden"].shape[1]
    tape, cell_tape = np.zeros((2, n_step, d_hidden))
    weight, summary = np.zeros((n_step, n_step)), np.zeros(d_hidden)
    for t in range(n_step):
        now = (feature[t], tape[:t], cell_tape[:t], summary, params)
        tape[t], cell_tape[t], *_ = families.lstmn_step(*now)
        now = (feature[t], tape[: t + 1], cell_tape[: t + 1], summary, params)
        tape[t], cell_tape[t], summary, weight[t, : t + 1] = families.lstmn_step(*now)
    return tape, weight


def reading_backwards(feature, params):
    hidden, weight = families.lstmn(feature[::-1], params)
    return hidden[::-1], weight[::-1, ::-1]


FAMILIES = [
    Wrong(
        "keys ask queries",
        "dot_score",
        lambda query, key: key @ query.T,
        kin.test_dot_score_by_hand,
    ),
    Wrong(
        "distance for product",
        "dot_score",
        lambda query, key: -((query[:, None] - key[None]) ** 2).sum(-1),
        kin.test_dot_score_by_hand,
    ),
    Wrong(
        "over d, not its root",
        "scaled_dot_score",
        lambda query, key: query @ key.T / query.shape[1],
        kin.test_scaled_dot_score_by_hand,
    ),
    Wrong(
        "over the root of the number of keys",
        "scaled_dot_score",
        lambda query, key: query @ key.T / math.sqrt(len(key)),
        kin.test_scaled_dot_score_by_hand,
    ),
    Wrong(
        "times the root",
        "scaled_dot_score",
        lambda query, key: query @ key.T * math.sqrt(query.shape[1]),
        kin.test_scaled_dot_is_dot_at_the_temperature_of_the_root_of_the_width,
    ),
    Wrong(
        "not scaled",
        "scaled_dot_score",
        families.dot_score,
        kin.test_scaled_dot_is_dot_at_the_temperature_of_the_root_of_the_width,
    ),
    Wrong(
        "without the key's length",
        "cosine_score",
        cosine_over(lambda query, key: row_norm(query)),
        kin.test_cosine_score_by_hand,
    ),
    Wrong(
        "without the query's length",
        "cosine_score",
        cosine_over(lambda query, key: row_norm(key).T),
        kin.test_a_cosine_knows_no_lengths,
    ),
    Wrong(
        "lengths squared",
        "cosine_score",
        cosine_over(lambda query, key: (row_norm(query) * row_norm(key).T) ** 2),
        kin.test_cosine_score_by_hand,
    ),
    Wrong(
        "not a number for a vector of zeros",
        "cosine_score",
        np.errstate(all="ignore")(
            cosine_over(lambda query, key: row_norm(query) * row_norm(key).T)
        ),
        kin.test_a_vector_of_zeros_has_cosine_nought,
    ),
    Wrong(
        "a little added to the lengths",
        "cosine_score",
        cosine_over(lambda query, key: row_norm(query) * row_norm(key).T + 1e-6),
        kin.test_a_cosine_knows_no_lengths,
    ),
    Wrong(
        "lengths over the wrong axis",
        "cosine_score",
        lambda query, key, key_strength: (
            key_strength
            * ((query / np.linalg.norm(query, axis=0)) @ (key / np.linalg.norm(key, axis=0)).T)
        ),
        kin.test_cosine_score_by_hand,
    ),
    Wrong(
        "strength forgotten",
        "cosine_score",
        lambda query, key, key_strength: families.cosine_score(query, key, 1.0),
        kin.test_cosine_score_by_hand,
    ),
    Wrong(
        "strength for a temperature",
        "cosine_score",
        lambda query, key, key_strength: families.cosine_score(query, key, 1 / key_strength),
        kin.test_cosine_score_by_hand,
    ),
    Wrong(
        "transposed where it is square",
        "general_score",
        lambda query, key, w: query @ (w if w.shape[0] != w.shape[1] else w.T) @ key.T,
        kin.test_general_score_by_hand,
    ),
    Wrong(
        "a tanh in the middle",
        "general_score",
        lambda query, key, w: np.tanh(query @ w) @ key.T,
        kin.test_general_with_the_identity_is_dot,
    ),
    Wrong(
        "scaled",
        "general_score",
        lambda query, key, w: query @ w @ key.T / math.sqrt(key.shape[1]),
        kin.test_general_with_the_identity_is_dot,
    ),
    Wrong(
        "the key first",
        "concat_score",
        concat_by(lambda w, v, q, k: v @ np.tanh(w @ np.concatenate([k, q]))),
        kin.test_concat_score_by_hand,
    ),
    Wrong(
        "no tanh",
        "concat_score",
        concat_by(lambda w, v, q, k: v @ w @ np.concatenate([q, k])),
        kin.test_concat_is_the_additive_score,
    ),
    Wrong(
        "tanh outside",
        "concat_score",
        concat_by(lambda w, v, q, k: np.tanh(v @ w @ np.concatenate([q, k]))),
        kin.test_concat_score_by_hand,
    ),
    Wrong(
        "no v",
        "concat_score",
        concat_by(lambda w, v, q, k: np.tanh(w @ np.concatenate([q, k])).sum()),
        kin.test_concat_is_the_additive_score,
    ),
    Wrong(
        "weights for scores",
        "location_score",
        lambda query, w: softmax(query @ w.T),
        kin.test_location_score_by_hand,
    ),
    Wrong(
        "the order of the scores, not the scores",
        "location_score",
        lambda query, w: np.argsort(np.argsort(query @ w.T)).astype(float),
        kin.test_location_score_by_hand,
    ),
    Wrong(
        "positions in reverse",
        "location_score",
        lambda query, w: query @ w[::-1].T,
        kin.test_location_score_by_hand,
    ),
    Wrong(
        "softmax over the queries", "attend", attended(over_the_queries), kin.test_attend_by_hand
    ),
    Wrong(
        "what is allowed and what is not",
        "attend",
        lambda score, value, mask: families.attend(score, value, ~mask),
        kin.test_attend_by_hand,
    ),
    Wrong(
        "uniform where nothing may be seen",
        "attend",
        attended(uniform_when_empty),
        kin.test_attend_by_hand,
    ),
    Wrong(
        "masked after the softmax",
        "attend",
        attended(masked_after),
        kin.test_attend_by_hand,
    ),
    Wrong(
        "a value behind the mask",
        "attend",
        attended(masked_softmax, lambda value, mask: value),
        kin.test_what_stands_behind_a_mask_is_not_looked_at,
    ),
    Wrong(
        "a score behind the mask",
        "attend",
        lambda score, value, mask: families.attend(score + 0 * score.sum(), value, mask),
        kin.test_what_stands_behind_a_mask_is_not_looked_at,
    ),
    Wrong(
        "largest score not taken off",
        "attend",
        attended(unshifted),
        kin.test_attend_at_extreme_scores,
    ),
    Wrong(
        "weights first",
        "attend",
        lambda score, value, mask: families.attend(score, value, mask)[::-1],
        kin.test_attend_by_hand,
    ),
    Wrong(
        "weights of the keys as they stand in memory",
        "attend",
        lambda score, value, mask: families.attend(score + np.arange(len(value)), value, mask),
        kin.test_the_order_of_the_keys_does_not_matter,
        one_kind,
    ),
    *(
        Wrong(mistake, "predicted_position", version, kin.test_predicted_position_by_hand)
        for mistake, version in (
            (
                "times the length",
                predicted_by(lambda score, length: length * sigmoid(score)),
            ),
            (
                "counted from one",
                predicted_by(lambda score, length: 1 + (length - 1) * sigmoid(score)),
            ),
            (
                "a whole number",
                predicted_by(lambda score, length: np.rint((length - 1) * sigmoid(score))),
            ),
            (
                "tanh for the sigmoid",
                predicted_by(lambda score, length: (length - 1) * np.tanh(score)),
            ),
            (
                "no tanh",
                lambda query, w, v, length: (length - 1) * sigmoid((query @ w.T @ v).clip(-99, 99)),
            ),
        )
    ),
    *(
        Wrong(mistake, "window_mask", version, kin.test_window_mask_by_hand)
        for mistake, version in (
            ("one short on both sides", windows(lambda d, radius: np.abs(d) < radius)),
            ("one short at the end", windows(lambda d, radius: (d >= -radius) & (d < radius))),
            ("radius for a width", windows(lambda d, radius: np.abs(d) <= radius / 2)),
            ("what lies before alone", windows(lambda d, radius: (d >= -radius) & (d <= 0))),
            (
                "brought onto the sequence",
                lambda position, n_key, radius: families.window_mask(
                    position.clip(0, n_key - 1), n_key, radius
                ),
            ),
        )
    ),
    Wrong(
        "round a whole position",
        "window_mask",
        lambda position, n_key, radius: families.window_mask(np.rint(position), n_key, radius),
        kin.test_a_window_has_twice_its_radius_and_one,
    ),
    *(
        Wrong(mistake, "local_weight", version, kin.test_local_weight_by_hand)
        for mistake, version in (
            ("a std of the radius", bells(lambda d, radius: gauss(d / 2, radius))),
            ("no half", bells(lambda d, radius: gauss(d, radius) ** 2)),
            ("std for the variance", bells(lambda d, radius: np.exp(-(d**2) / radius))),
            ("no window", bells(gauss, lambda position, n_key, radius: np.full((1, n_key), True))),
            (
                "round a whole position",
                lambda weight, position, radius: families.local_weight(
                    weight, np.rint(position), radius
                ),
            ),
            ("a window alone", bells(lambda d, radius: 1.0)),
        )
    ),
    Wrong(
        "made to sum to one again",
        "local_weight",
        renormalised,
        kin.test_local_weights_are_not_made_to_sum_to_one,
    ),
    Wrong(
        "a density",
        "local_weight",
        bells(lambda d, radius: gauss(d, radius) / (radius / 2 * math.sqrt(2 * math.pi))),
        kin.test_a_wide_window_is_global_attention,
    ),
    *(
        Wrong(mistake, "local_attend", version, test)
        for mistake, version, test in (
            (
                "edge keys counted more than once",
                gathered_by(lambda centre, step, n_key: (centre + step).clip(0, n_key - 1)),
                kin.test_gathered_is_masked,
            ),
            (
                "round the end and on at the start",
                gathered_by(lambda centre, step, n_key: (centre + step) % n_key),
                kin.test_local_attend_by_hand,
            ),
            (
                "a window off the sequence brought onto it",
                gathered_by(lambda centre, step, n_key: centre.clip(0, n_key - 1) + step),
                kin.test_gathered_is_masked,
            ),
            ("empty slots take part", empty_slots_scored, kin.test_local_attend_by_hand),
            (
                "which slots are real not asked",
                gathered_by(lambda centre, step, n_key: centre + step, all_real),
                kin.test_gathered_is_masked,
            ),
            ("slots pushed to the left", packed_slots, kin.test_gathered_is_masked),
            (
                "the window's last key left out",
                gathered_by(
                    lambda centre, step, n_key: np.where(step < step.max(), centre + step, -1)
                ),
                kin.test_gathered_is_masked,
            ),
            (
                "not scaled",
                local_by(("scaled_dot_score(", "dot_score(")),
                kin.test_local_attend_by_hand,
            ),
            (
                "halves to the even number",
                local_by(("np.floor(position + 0.5)", "np.rint(position)")),
                kin.test_halves_are_rounded_up,
            ),
            (
                "always rounded down",
                local_by(("position + 0.5", "position")),
                kin.test_halves_are_rounded_up,
            ),
            (
                "the first key never real",
                local_by(("place >= 0", "place > 0")),
                kin.test_gathered_is_masked,
            ),
            (
                "a softmax over all the keys first",
                lambda query, key, value, position, radius: families.local_attend(
                    query, key + 0 * key.sum(), value, position, radius
                ),
                kin.test_a_key_in_no_window_is_not_looked_at,
            ),
        )
    ),
    *(
        Wrong(mistake, "region_attention", version, test)
        for mistake, version, test in (
            (
                "no gate",
                regions_by(("gate * (weight @ region)", "weight @ region")),
                kin.test_region_attention_by_hand,
            ),
            ("gate on the weights too", gated_weights, kin.test_region_attention_by_hand),
            (
                "tanh for the gate's sigmoid",
                regions_by(("_sigmoid(", "np.tanh(")),
                kin.test_region_attention_is_its_formula,
            ),
            (
                "gate without its bias",
                regions_by((" + b_gate)[0]", ")[0]")),
                kin.test_one_region_behind_an_open_gate_is_seen_as_it_is,
            ),
            (
                "gate shut when it says open",
                regions_by(("return gate *", "return (1 - gate) *")),
                kin.test_one_region_behind_an_open_gate_is_seen_as_it_is,
            ),
            (
                "the query not asked where",
                regions_by(("additive_score(query[None]", "additive_score(0 * query[None]")),
                kin.test_region_attention_is_its_formula,
            ),
            (
                "a sigmoid for each region",
                regions_by(("softmax(additive", "_sigmoid(additive")),
                kin.test_region_attention_by_hand,
            ),
        )
    ),
    *(
        Wrong(mistake, "doubly_stochastic_penalty", version, test)
        for mistake, version, test in (
            (
                "summed over the regions",
                penalty_by(("axis=0", "axis=1")),
                kin.test_doubly_stochastic_penalty_by_hand,
            ),
            (
                "padded steps counted",
                penalty_by(("weight[mask]", "weight")),
                kin.test_doubly_stochastic_penalty_by_hand,
            ),
            (
                "padded steps times nought",
                np.errstate(all="ignore")(penalty_by(("weight[mask]", "(mask[:, None] * weight)"))),
                kin.test_padded_steps_do_not_count,
            ),
            (
                "mean over the regions",
                penalty_by((".sum())", ".mean())")),
                kin.test_doubly_stochastic_penalty_by_hand,
            ),
            (
                "mean over the steps",
                penalty_by((".sum(axis", ".mean(axis")),
                kin.test_penalty_is_nought_where_every_region_gets_one,
            ),
            (
                "not squared",
                lambda weight, mask: float(np.abs(1 - weight[mask].sum(0)).sum()),
                kin.test_doubly_stochastic_penalty_by_hand,
            ),
            (
                "squared after the sum",
                lambda weight, mask: float((1 - weight[mask].sum(0)).sum() ** 2),
                kin.test_doubly_stochastic_penalty_by_hand,
            ),
            (
                "equal shares wanted, not whole ones",
                penalty_by(("(1 - weight", "(mask.sum() / weight.shape[1] - weight")),
                kin.test_penalty_is_least_for_equal_shares,
            ),
        )
    ),
    *(
        Wrong(mistake, "lstmn_step", version, test)
        for mistake, version, test in (
            (
                "cells summed up from the states' tape",
                step_by(("weight @ cell_tape", "weight @ tape")),
                kin.test_lstmn_step_by_hand,
            ),
            (
                "the last cell for the sum",
                step_by(("weight @ cell_tape", "np.vstack([0 * summary, cell_tape])[-1]")),
                kin.test_lstmn_step_is_its_formula,
            ),
            (
                "gates from the last state",
                step_by(
                    ("feature, summary,", "feature, np.vstack([0 * summary, tape])[-1],"),
                ),
                kin.test_lstmn_step_is_its_formula,
            ),
            (
                "the feature not asked",
                step_by(('params["w_feature"] @ feature + ', "")),
                kin.test_lstmn_step_by_hand,
            ),
            (
                "the summary before not asked",
                step_by((' + params["w_summary"] @ summary', "")),
                kin.test_lstmn_step_by_hand,
            ),
            (
                "no tanh",
                step_by(("np.tanh(", "(")),
                kin.test_lstmn_step_by_hand,
            ),
            (
                "the summary before handed on",
                lambda feature, tape, cell_tape, summary, params: (
                    *families.lstmn_step(feature, tape, cell_tape, summary, params)[:2],
                    summary,
                    families.lstmn_step(feature, tape, cell_tape, summary, params)[3],
                ),
                kin.test_with_one_state_on_the_tape_a_step_is_a_cell,
            ),
            (
                "the summary before where there is no past",
                step_by(
                    ("= weight @ tape,", "= weight @ tape if len(tape) else summary,"),
                ),
                kin.test_without_a_past_a_step_is_a_cell_from_zeros,
            ),
            (
                "a sigmoid for each state",
                step_by(("softmax(score[None])[0]", "_sigmoid(score)")),
                kin.test_with_one_state_on_the_tape_a_step_is_a_cell,
            ),
            (
                "summaries that are means",
                step_by(("= weight @ tape,", "= weight @ tape / max(len(tape), 1),")),
                kin.test_lstmn_step_by_hand,
            ),
        )
    ),
    *(
        Wrong(mistake, "lstmn", version, test)
        for mistake, version, test in (
            (
                "the present on the tape",
                present_on_the_tape,
                kin.test_rows_of_the_tape_s_weights_sum_to_one_before_the_diagonal,
            ),
            (
                "empty places on the tape",
                tape_by(
                    ("weight[t, :t] =", "weight[t] ="),
                    ("tape[:t], cell_tape[:t]", "tape, cell_tape"),
                ),
                kin.test_rows_of_the_tape_s_weights_sum_to_one_before_the_diagonal,
            ),
            ("read from the end", reading_backwards, kin.test_lstmn_does_not_see_the_future),
            (
                "the summary never handed on",
                tape_by(("cell_tape[t], summary,", "cell_tape[t], _,")),
                kin.test_lstmn_is_its_formula,
            ),
            (
                "the state for the summary",
                tape_by(("cell_tape[:t], summary,", "cell_tape[:t], tape[t - 1],")),
                kin.test_lstmn_is_its_formula,
            ),
            (
                "cells not put on their tape",
                tape_by(("tape[t], cell_tape[t],", "tape[t], _,")),
                kin.test_all_weight_on_the_last_state_makes_an_lstm,
            ),
            (
                "the last state alone",
                tape_by(
                    ("weight[t, :t] =", "weight[t, max(t - 1, 0) : t] ="),
                    ("tape[:t], cell_tape[:t]", "tape[:t][-1:], cell_tape[:t][-1:]"),
                ),
                kin.test_a_layer_that_weighs_nothing_takes_the_mean_of_the_past,
            ),
            (
                "weights a column late",
                tape_by(("weight[t, :t] =", "weight[t, 1 : t + 1] =")),
                kin.test_rows_of_the_tape_s_weights_sum_to_one_before_the_diagonal,
            ),
        )
    ),
]


# --- seq2seq --------------------------------------------------------------------------------------

words = test_seq2seq
whole = words.test_decode_is_its_formula
packed = words.test_encode_is_torchs_gru
no_padding = words.test_padding_changes_no_annotation
exhaustive = words.test_a_wide_beam_finds_everything


def aligned_by(*pairs):
    return changed(seq2seq.additive_score, *pairs)


def attended_by(*pairs):
    return changed(seq2seq.additive_attention, *pairs)


def encoded_by(*pairs):
    return changed(seq2seq.encode, *pairs)


def decoded_by(*pairs):
    return changed(seq2seq.decode, *pairs)


def searched_by(*pairs):
    return changed(seq2seq.beam_search, *pairs)


def stepped(change):
    """A step of the beam whose result is changed."""
    return lambda log_probability, total, n_keep: change(
        *seq2seq.beam_step(log_probability, total, n_keep)
    )


def weights_of_no_key(query, key, value, mask, w_query, w_key, v):
    """The score knows the decoder's state alone, as where the keys' part was lost."""
    return seq2seq.additive_attention(query, 0 * key, value, mask, w_query, w_key, v)


def unmasked(query, key, value, mask, w_query, w_key, v):
    return seq2seq.additive_attention(query, key, value, mask | True, w_query, w_key, v)


def over_the_queries(query, key, value, mask, w_query, w_key, v):
    score = seq2seq.additive_score(query, key, w_query, w_key, v)
    weight = masked_softmax(score.T, np.broadcast_to(mask, score.shape).T).T
    return preliminaries.masked_context(weight, value, mask), weight


def in_reading_order(feature, mask, params):
    """The second reader's states left in the order in which it made them."""
    annotation, last = seq2seq.encode(feature, mask, params)
    n = len(params["ahead.w_hidden"]) // 3
    return np.concatenate([annotation[:, :n], annotation[::-1, n:]], axis=1), last


def last_annotation(feature, mask, params):
    """Of either reader the state at the last real step: of the second it is the first it made."""
    annotation, last = seq2seq.encode(feature, mask, params)
    return annotation, annotation[mask][-1] if mask.any() else last


def last_place(feature, mask, params):
    annotation, _ = seq2seq.encode(feature, mask, params)
    return annotation, annotation[-1]


def read_by_all(name, feature, mask, params):
    """A reader that takes padding of nought for words, and is masked only afterwards."""
    seen = np.where(mask[:, None], feature, 0.0)
    order = {"ahead": range(len(mask)), "back": reversed(range(len(mask)))}[name]
    weights = [params[f"{name}.{w}"] for w in ("w_input", "w_hidden", "b_input", "b_hidden")]
    state, states = np.zeros(weights[1].shape[1]), np.zeros((len(mask), weights[1].shape[1]))
    for j in order:
        state = states[j] = gru_cell(seen[j], state, *weights)
    return np.where(mask[:, None], states, 0.0), state


def back_from_the_padding(feature, mask, params):
    annotation, last = seq2seq.encode(feature, mask, params)
    if "back.w_hidden" not in params:
        return annotation, last
    behind, end = read_by_all("back", feature, mask, params)
    n = behind.shape[1]
    return np.concatenate([annotation[:, :n], behind], 1), np.concatenate([last[:n], end])


def ahead_through_the_padding(feature, mask, params):
    annotation, last = seq2seq.encode(feature, mask, params)
    front, end = read_by_all("ahead", feature, mask, params)
    n = front.shape[1]
    return np.concatenate([front, annotation[:, n:]], 1), np.concatenate([end, last[n:]])


def decoded_with(change):
    """The decoder on other arguments."""
    return lambda *arguments: seq2seq.decode(*change(*arguments))


def without_memory(feature, *rest):
    """Each step from the first state, or as in a decoder whose state was not handed on."""
    each = [seq2seq.decode(feature[t : t + 1], *rest) for t in range(len(feature))]
    return tuple(np.concatenate(column) for column in zip(*each, strict=True))


def shifted(feature, *rest):
    """Each step with the token that it should say."""
    return np.roll(feature, -1, axis=0), *rest


QUERY_AFTER = (
    "    for t, before in enumerate(feature):\n",
    "    for t, before in enumerate(feature):\n"
    "        ahead = _gru('cell', np.concatenate([before, last]), state, params)\n",
)

SEQ2SEQ = [
    Wrong(
        "W and U swapped",
        "additive_score",
        lambda query, key, w_query, w_key, v: seq2seq.additive_score(query, key, w_key, w_query, v),
        words.test_additive_score_is_its_sum,
    ),
    Wrong(
        "without the tanh",
        "additive_score",
        aligned_by(("np.tanh(", "(")),
        words.test_additive_score_by_hand,
    ),
    Wrong(
        "without the tanh, far off",
        "additive_score",
        aligned_by(("np.tanh(", "(")),
        words.test_additive_score_of_far_queries_is_bounded,
    ),
    Wrong(
        "tanh of each part",
        "additive_score",
        aligned_by(
            (
                "np.tanh((query @ w_query.T)[:, None, :] + (key @ w_key.T)[None, :, :])",
                "np.tanh(query @ w_query.T)[:, None, :] + np.tanh(key @ w_key.T)[None, :, :]",
            )
        ),
        words.test_additive_score_by_hand,
    ),
    Wrong(
        "product for sum",
        "additive_score",
        aligned_by(("[:, None, :] +", "[:, None, :] *")),
        words.test_additive_score_by_hand,
    ),
    Wrong(
        "keys without their part",
        "additive_score",
        aligned_by(("+ (key @", "+ 0 * (key @")),
        words.test_additive_score_by_hand,
    ),
    Wrong(
        "sum without v",
        "additive_score",
        aligned_by(("return hidden @ v", "return hidden.sum(-1)")),
        words.test_additive_score_is_its_sum,
    ),
    Wrong(
        "queries for keys",
        "additive_score",
        lambda query, key, w_query, w_key, v: seq2seq.additive_score(key, query, w_key, w_query, v),
        words.test_additive_score_by_hand,
    ),
    Wrong(
        "softmax over the queries",
        "additive_attention",
        over_the_queries,
        words.test_additive_attention_by_hand,
    ),
    Wrong(
        "softmax over the queries, in its sums",
        "additive_attention",
        over_the_queries,
        words.test_rows_of_additive_attention_sum_to_one_or_to_nought,
    ),
    Wrong(
        "scores without the keys",
        "additive_attention",
        weights_of_no_key,
        words.test_additive_attention_by_hand,
    ),
    Wrong(
        "mask ignored",
        "additive_attention",
        unmasked,
        words.test_rows_of_additive_attention_sum_to_one_or_to_nought,
    ),
    Wrong(
        "mask ignored, padding of large numbers",
        "additive_attention",
        unmasked,
        words.test_padding_never_reaches_additive_attention,
        (1e300,),
    ),
    Wrong(
        "padding multiplied by nought",
        "additive_attention",
        attended_by(("masked_context(weight, value, mask)", "weight @ value")),
        words.test_padding_never_reaches_additive_attention,
        (np.nan,),
    ),
    Wrong(
        "context of the keys",
        "additive_attention",
        attended_by(("masked_context(weight, value, mask)", "masked_context(weight, key, mask)")),
        words.test_additive_attention_by_hand,
    ),
    Wrong(
        "context and weight swapped",
        "additive_attention",
        lambda *arguments, **named: seq2seq.additive_attention(*arguments, **named)[::-1],
        words.test_rows_of_additive_attention_sum_to_one_or_to_nought,
    ),
    Wrong(
        "earlier keys preferred",
        "additive_attention",
        attended_by(
            ("weight = masked_softmax(score", "weight = masked_softmax(score - np.arange(len(key))")
        ),
        words.test_keys_in_another_order_have_their_weights_in_that_order,
    ),
    Wrong("second reader not turned back", "encode", in_reading_order, packed, (True,)),
    Wrong(
        "second reader not turned back, by hand",
        "encode",
        in_reading_order,
        words.test_encode_by_hand,
        (7.0,),
    ),
    Wrong("second reader starts in the padding", "encode", back_from_the_padding, packed, (True,)),
    Wrong("first reader goes on in the padding", "encode", ahead_through_the_padding, no_padding),
    Wrong(
        "a masked step sets the state to nought",
        "encode",
        encoded_by(
            (
                "                annotation[j] = hidden\n",
                "                annotation[j] = hidden\n"
                "            else:\n"
                "                hidden = np.zeros_like(hidden)\n",
            )
        ),
        no_padding,
    ),
    Wrong(
        "a masked step repeats the state",
        "encode",
        encoded_by(
            ("                annotation[j] = hidden", "            annotation[j] = hidden")
        ),
        words.test_encode_by_hand,
        (7.0,),
    ),
    Wrong("last state of the padded end", "encode", last_place, no_padding),
    Wrong("last annotation for the readers' ends", "encode", last_annotation, packed, (True,)),
    Wrong(
        "both readers from the front",
        "encode",
        encoded_by(("reversed(steps)", "steps")),
        words.test_the_second_reader_is_the_first_on_the_source_turned_round,
    ),
    Wrong(
        "first reader's weights for both",
        "encode",
        lambda feature, mask, params: seq2seq.encode(
            feature,
            mask,
            {name: params[name.replace("back", "ahead")] for name in params},
        ),
        words.test_the_second_reader_is_the_first_on_the_source_turned_round,
    ),
    Wrong(
        "the second reader goes on from the first one's state",
        "encode",
        encoded_by(
            (
                'hidden = np.zeros(params[f"{reader}.w_hidden"].shape[1])',
                'hidden = lasts[0] if lasts else np.zeros(params["ahead.w_hidden"].shape[1])',
            )
        ),
        packed,
        (True,),
    ),
    Wrong(
        "readers summed",
        "encode",
        encoded_by(("np.concatenate(annotations, axis=1)", "sum(annotations)")),
        words.test_a_source_without_a_real_step_is_nought,
    ),
    Wrong(
        "mask multiplied in",
        "encode",
        lambda feature, mask, params: read_by_all("ahead", feature * mask[:, None], mask, params),
        words.test_encode_by_hand,
        (np.nan,),
    ),
    Wrong(
        "halves for pairs",
        "maxout",
        lambda feature: np.maximum(*np.split(feature, 2)),
        words.test_maxout_by_hand,
    ),
    Wrong(
        "smaller of each pair",
        "maxout",
        lambda feature: np.minimum(feature[0::2], feature[1::2]),
        words.test_maxout_by_hand,
    ),
    Wrong(
        "pairs that overlap",
        "maxout",
        lambda feature: np.maximum(feature[:-1], feature[1:])[: len(feature) // 2],
        words.test_maxout_by_hand,
    ),
    Wrong(
        "rectified",
        "maxout",
        lambda feature: np.maximum(seq2seq.maxout(feature), 0),
        words.test_maxout_by_hand,
    ),
    Wrong(
        "features one step early",
        "decode",
        decoded_with(shifted),
        words.test_decode_is_causal,
        (6,),
    ),
    Wrong(
        "features one step early, context fixed",
        "decode",
        decoded_with(shifted),
        words.test_decode_is_causal,
        (0,),
    ),
    Wrong("state not handed on", "decode", without_memory, whole, (0,)),
    Wrong(
        "state not handed on, though causal",
        "decode",
        without_memory,
        words.test_decode_is_causal,
        (6,),
    ),
    Wrong(
        "query after the step",
        "decode",
        decoded_by(QUERY_AFTER, ("state[None], annotation", "ahead[None], annotation")),
        words.test_decode_is_causal,
        (6,),
    ),
    Wrong(
        "query after the step, by the formula",
        "decode",
        decoded_by(QUERY_AFTER, ("state[None], annotation", "ahead[None], annotation")),
        whole,
        (0,),
    ),
    Wrong(
        "the first state for every query",
        "decode",
        decoded_by(
            ("state, context = np.tanh(", "first = state = np.tanh("),
            ('_layer("start", last, params)), last', '_layer("start", last, params))'),
            ("state[None], annotation", "first[None], annotation"),
        ),
        whole,
        (0,),
    ),
    Wrong(
        "no context in the readout",
        "decode",
        decoded_by(("[state, before, context]", "[state, before, 0 * context]")),
        words.test_decode_by_hand,
    ),
    Wrong(
        "no context in the cell",
        "decode",
        decoded_by(("[before, context]), state", "[before, 0 * context]), state")),
        words.test_decode_by_hand,
    ),
    Wrong(
        "no feature in the readout",
        "decode",
        decoded_by(("[state, before, context]", "[state, 0 * before, context]")),
        words.test_decode_by_hand,
    ),
    Wrong(
        "the state before the step in the readout",
        "decode",
        decoded_by(
            ("        state = _gru(", "        old, state = state, _gru("),
            ("[state, before, context]", "[old, before, context]"),
        ),
        words.test_decode_by_hand,
    ),
    Wrong(
        "context before feature",
        "decode",
        decoded_by(("[before, context]), state", "[context, before]), state")),
        words.test_decode_by_hand,
    ),
    Wrong(
        "first state without its tanh",
        "decode",
        decoded_by(("np.tanh(_layer(", "(_layer(")),
        words.test_decode_by_hand,
    ),
    Wrong(
        "first state of nought",
        "decode",
        decoded_by(("np.tanh(_layer(", "0 * (_layer(")),
        words.test_decode_by_hand,
    ),
    Wrong(
        "tanh for maxout",
        "decode",
        decoded_by(
            ("joined = maxout(", "joined = np.tanh(maxout("),
            (", joined, params))\n", ", joined, params)))\n"),
        ),
        whole,
        (3,),
    ),
    Wrong(
        "mask forgotten",
        "decode",
        decoded_with(lambda f, annotation, last, mask, p: (f, annotation, last, mask | True, p)),
        words.test_padding_changes_no_score,
        (6, 1e6),
    ),
    Wrong(
        "mean of the annotations for a fixed context",
        "decode",
        lambda feature, annotation, last, mask, params: seq2seq.decode(
            feature,
            annotation,
            last if "v" in params else annotation[mask].mean(0),
            mask,
            params,
        ),
        words.test_one_annotation_gives_back_the_fixed_context,
        (0,),
    ),
    Wrong(
        "last for every context",
        "decode",
        lambda feature, annotation, last, mask, params: (
            seq2seq.decode(
                feature, annotation, last, mask, {k: x for k, x in params.items() if k != "v"}
            )[0],
            seq2seq.decode(feature, annotation, last, mask, params)[1],
        ),
        words.test_one_annotation_gives_back_the_fixed_context,
        (3,),
    ),
    Wrong(
        "an empty source falls back on its last state",
        "decode",
        decoded_by(('if "v" in params:', 'if "v" in params and mask.any():')),
        words.test_an_empty_source_gives_a_context_of_nought,
    ),
    Wrong(
        "the last annotation preferred",
        "decode",
        decoded_with(
            lambda f, annotation, last, mask, p: (
                f,
                annotation,
                annotation[mask][-1],
                mask,
                p,
            )
        ),
        words.test_annotations_in_another_order_give_the_same_scores,
    ),
    Wrong(
        "origin and token swapped",
        "beam_step",
        stepped(lambda total, origin, token: (total, token, origin)),
        words.test_beam_step_by_hand,
    ),
    Wrong(
        "worst first",
        "beam_step",
        stepped(lambda total, origin, token: (total[::-1], origin[::-1], token[::-1])),
        words.test_beam_step_by_hand,
    ),
    Wrong(
        "the worst kept",
        "beam_step",
        changed(seq2seq.beam_step, ("np.argsort(-joint", "np.argsort(joint")),
        words.test_beam_step_keeps_the_best,
    ),
    Wrong(
        "divided by the number of hypotheses",
        "beam_step",
        changed(
            seq2seq.beam_step,
            ("best // n_token, best % n_token", "best // n_beam, best % n_beam"),
        ),
        words.test_beam_step_by_hand,
    ),
    Wrong(
        "totals so far forgotten",
        "beam_step",
        changed(seq2seq.beam_step, ("total[:, None] + log", "log")),
        words.test_beam_step_by_hand,
    ),
    Wrong(
        "log-probabilities weighed by totals",
        "beam_step",
        changed(seq2seq.beam_step, ("total[:, None] + log", "total[:, None] * log")),
        words.test_beam_step_keeps_the_best,
    ),
    Wrong(
        "ties as they come",
        "beam_step",
        changed(
            seq2seq.beam_step,
            ('np.argsort(-joint, kind="stable")', "np.argsort(joint)[::-1]"),
        ),
        words.test_equal_hypotheses_keep_their_order,
    ),
    Wrong(
        "one continuation of each hypothesis",
        "beam_step",
        lambda log_probability, total, n_keep: (
            lambda joint: (
                np.sort(joint.max(1))[::-1][:n_keep],
                np.argsort(-joint.max(1))[:n_keep],
                joint.argmax(1)[np.argsort(-joint.max(1))][:n_keep],
            )
        )(total[:, None] + log_probability),
        words.test_beam_step_by_hand,
    ),
    Wrong(
        "goes on after the end",
        "beam_search",
        searched_by(("& (t > 0)", "& (t < 0)")),
        words.test_a_finished_hypothesis_stays_and_is_not_charged,
    ),
    Wrong(
        "a start that is the end finishes everything",
        "beam_search",
        searched_by((" & (t > 0)", "")),
        words.test_greedy_search_can_be_worse_than_two_hypotheses,
    ),
    Wrong(
        "finished hypotheses lost",
        "beam_search",
        searched_by(("== end, 0.0, -np.inf)", "== end, -np.inf, -np.inf)")),
        words.test_a_finished_hypothesis_stays_and_is_not_charged,
    ),
    Wrong(
        "finished hypotheses charged",
        "beam_search",
        searched_by(("only_end, table[last])", "only_end + table[last], table[last])")),
        words.test_a_finished_hypothesis_stays_and_is_not_charged,
    ),
    Wrong(
        "divided by the length",
        "beam_search",
        searched_by(
            (
                "    missing = ",
                "    length = np.maximum((found != end).sum(1) + (found == end).any(1), 1)\n"
                "    order = np.argsort(-total / length, kind='stable')\n"
                "    found, total = found[order], (total / length)[order]\n"
                "    missing = ",
            )
        ),
        words.test_a_short_sentence_is_not_made_up_for,
    ),
    Wrong(
        "equal hypotheses at the first step",
        "beam_search",
        searched_by(
            (
                "found, total = np.full((1, 0), start), np.zeros(1)",
                "total = np.zeros(n_beam)\n    found = np.full((n_beam, 0), start)",
            ),
            ("last = np.array([start])", "last = np.full(n_beam, start)"),
        ),
        words.test_greedy_search_can_be_worse_than_two_hypotheses,
    ),
    Wrong(
        "pasts left where they were",
        "beam_search",
        searched_by(("found[origin]", "found[np.arange(len(origin)) % len(found)]")),
        words.test_a_finished_hypothesis_stays_and_is_not_charged,
    ),
    Wrong(
        "the best hypothesis's last token for all",
        "beam_search",
        searched_by(("only_end, table[last])", "only_end, table[last[:1]])")),
        words.test_each_hypothesis_goes_on_from_its_own_last_token,
    ),
    Wrong(
        "last and next swapped",
        "beam_search",
        lambda log_probability, start, end, n_beam: seq2seq.beam_search(
            log_probability.swapaxes(1, 2), start, end, n_beam
        ),
        words.test_each_hypothesis_goes_on_from_its_own_last_token,
    ),
    Wrong(
        "the first step's table at every step",
        "beam_search",
        lambda log_probability, start, end, n_beam: seq2seq.beam_search(
            np.broadcast_to(log_probability[:1], log_probability.shape), start, end, n_beam
        ),
        exhaustive,
    ),
    Wrong(
        "stops when the best is finished",
        "beam_search",
        searched_by(
            (
                "        found = np.concatenate([found[origin], last[:, None]], axis=1)\n",
                "        found = np.concatenate([found[origin], last[:, None]], axis=1)\n"
                "        if last[0] == end:\n"
                "            rest = ((0, 0), (0, n_step - t - 1))\n"
                "            found = np.pad(found, rest, constant_values=end)\n"
                "            break\n",
            )
        ),
        exhaustive,
    ),
    Wrong(
        "greedy, whatever the width",
        "beam_search",
        searched_by(("min(n_beam, following.size)", "1")),
        words.test_greedy_search_can_be_worse_than_two_hypotheses,
    ),
    Wrong(
        "width above what was asked",
        "beam_search",
        lambda log_probability, start, end, n_beam: [
            each[:n_beam] for each in seq2seq.beam_search(log_probability, start, end, n_beam + 20)
        ],
        words.test_a_beam_of_one_is_greedy,
    ),
    Wrong(
        "probabilities summed",
        "beam_search",
        lambda log_probability, start, end, n_beam: seq2seq.beam_search(
            np.exp(log_probability), start, end, n_beam
        ),
        words.test_no_beam_beats_viterbi,
    ),
    Wrong(
        "the impossible kept",
        "beam_search",
        searched_by(("np.where((total > -np.inf)[:, None], token, end)", "token")),
        words.test_missing_hypotheses_are_filled_up,
    ),
    Wrong(
        "missing rows cost nothing",
        "beam_search",
        searched_by(("constant_values=-np.inf", "constant_values=0.0")),
        words.test_missing_hypotheses_are_filled_up,
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
    + [(soft_hard, wrong) for wrong in SOFT_HARD]
    + [(gaussian, wrong) for wrong in GAUSSIAN]
    + [(families, wrong) for wrong in FAMILIES]
    + [(seq2seq, wrong) for wrong in SEQ2SEQ]
    + [(transformer, wrong) for wrong in TRANSFORMER],
    ids=[
        label(wrong)
        for wrong in PRELIMINARIES + SOFT_HARD + GAUSSIAN + FAMILIES + SEQ2SEQ + TRANSFORMER
    ],
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
    names |= {f"soft_hard.{wrong.name}" for wrong in SOFT_HARD}
    names |= {f"gaussian.{wrong.name}" for wrong in GAUSSIAN}
    names |= {f"families.{wrong.name}" for wrong in FAMILIES}
    names |= {f"seq2seq.{wrong.name}" for wrong in SEQ2SEQ}
    names |= {f"spatial_transformer.{wrong.name}" for wrong in TRANSFORMER}
    # the readers are below, as twins
    assert names == set(TWINS) - {"gaussian.glimpse_reader", "spatial_transformer.warp_reader"}


# --- wrong twins ----------------------------------------------------------------------------------

glimpse_twin, softmax_twin = TWINS["gaussian.gaussian_glimpse"], TWINS["preliminaries.softmax"]
masked_twin, dense_twin = TWINS["preliminaries.masked_softmax"], TWINS["preliminaries.dense"]
context_twin = TWINS["preliminaries.masked_context"]
jacobian_twin = TWINS["preliminaries.softmax_jacobian"]
bank_twin, write_twin = TWINS["gaussian.filterbank"], TWINS["gaussian.gaussian_write"]
reader_twin, lstm_twin = TWINS["gaussian.glimpse_reader"], TWINS["preliminaries.lstm_cell"]
retina_twin = TWINS["soft_hard.retina"]
looker_twin = TWINS["soft_hard.recurrent_attention"]
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


def context_by_product(weight, value, mask):
    """Right in value as long as no NaN is about; masks nothing of a value's padding."""
    return (weight * mask) @ value


def seen_in_any_example(weight, value, mask):
    """A key that a query of another example may see is not padding here."""
    seen = mask.flatten(0, -2).any(0).unsqueeze(-1)
    return weight.masked_fill(~mask, 0.0) @ value.masked_fill(~seen, 0.0)


def jacobian_without_the_diagonal(weight):
    return weight.diag_embed().detach() - weight.unsqueeze(-1) * weight.unsqueeze(-2)


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


def first_place_for_all(feature, location, size, n_scale):
    if location.ndim > 1:
        location = location[(slice(0, 1),) * (location.ndim - 1)].expand_as(location)
    return torch_soft_hard.retina(feature, location, size, n_scale)


def rounded_place(feature, location, size, n_scale):
    return torch_soft_hard.retina(feature, location.bfloat16().to(location), size, n_scale)


def one_loss(score, label, location, mean, std, baseline):
    loss = torch_soft_hard.hybrid_loss(score, label, location, mean, std, baseline)
    return loss.mean().expand_as(loss)


def unread(feature, params, noise, std, size, n_scale, place=None):
    return looker_twin.functional(feature, params, noise, std, size, n_scale)


def cosine_of_guarded_quotients(query, key, key_strength):
    """Right in value: what is not a number is thrown away, but its gradient is not."""
    query, key = (each / each.norm(dim=-1, keepdim=True) for each in (query, key))
    score = query @ key.mT
    return key_strength * torch.where(score.isnan(), 0.0, score)


def longest_for_all(query, w, v, length):
    if length.numel():
        length = length.amax().expand_as(length)
    return torch_families.predicted_position(query, w, v, length)


def steps_times_nought(weight, mask):
    return (1 - (mask[..., None] * weight).sum(-2)).square().sum(-1)


def unguarded_gather(query, key, value, position, radius):
    """Slots off the sequence hold the key at its end, which no window may reach."""
    step = torch.arange(-radius, radius + 1, device=query.device)
    place = torch.floor(position + 0.5)[..., None] + step
    real = (place >= 0) & (place < key.shape[-2])
    place = place.clamp(0, key.shape[-2] - 1).long()
    near, seen = (
        each.unsqueeze(-3)
        .expand(*place.shape[:-1], *each.shape[-2:])
        .gather(-2, place[..., None].expand(*place.shape, each.shape[-1]))
        for each in (key, value)
    )
    score = (near @ query[..., None])[..., 0] / query.shape[-1] ** 0.5
    weight = torch_preliminaries.masked_softmax(score, real)
    return (weight[..., None, :] @ seen)[..., 0, :], weight


def first_tape_for_all(feature, tape, cell_tape, summary, params):
    if tape.ndim > 2:
        tape = tape[(slice(0, 1),) * (tape.ndim - 2)].expand_as(tape)
    return torch_families.lstmn_step(feature, tape, cell_tape, summary, params)


TWIN_MISTAKES = [
    (
        "a quotient by nought behind a guard",
        TWINS["families.cosine_score"],
        cosine_of_guarded_quotients,
        "check_gradient_is_finite",
    ),
    (
        "the longest sequence for the whole batch",
        TWINS["families.predicted_position"],
        longest_for_all,
        "check_values",
    ),
    (
        "padded steps times nought",
        TWINS["families.doubly_stochastic_penalty"],
        steps_times_nought,
        "check_values",
    ),
    (
        "what no window reaches gathered",
        TWINS["families.local_attend"],
        unguarded_gather,
        "check_values",
    ),
    (
        "one tape for the whole batch",
        TWINS["families.lstmn_step"],
        first_tape_for_all,
        "check_values",
    ),
    (
        "softmax over the batch",
        TWINS["soft_hard.soft_item"],
        lambda control, feature, noise=None: torch.einsum(
            "...i,...id->...d", control.softmax(0), feature
        ),
        "check_values",
    ),
    (
        "the batch's mean reward",
        TWINS["soft_hard.leave_one_out"],
        lambda reward: (reward.sum() - reward) / (reward.numel() - 1),
        "check_values",
    ),
    (
        "a score without its softmax's slope",
        TWINS["soft_hard.choice_score"],
        lambda score, choice: torch_soft_hard.choice_score(score.detach(), choice) + 0 * score,
        "check_gradient",
    ),
    (
        "exponentials that overflow",
        TWINS["soft_hard.sigmoid_mask"],
        lambda score: score.exp() / (1 + score.exp()),
        "check_values",
    ),
    (
        "a gradient that overflows",
        TWINS["soft_hard.sigmoid_mask"],
        lambda score: torch.where(
            score > 0, 1 / (1 + (-score).exp()), score.exp() / (1 + score.exp())
        ),
        "check_gradient_is_finite",
    ),
    ("one place for the whole batch", retina_twin, first_place_for_all, "check_values"),
    ("places in bfloat16", retina_twin, rounded_place, "check_values"),
    ("one loss for the whole batch", TWINS["soft_hard.hybrid_loss"], one_loss, "check_values"),
    ("given places not read", looker_twin, unread, "check_values"),
    (
        "NaN of a masked key in the gradient of its weights",
        TWINS["seq2seq.additive_attention"],
        changed(torch_seq2seq.additive_attention, ("key.masked_fill(unseen, 0.0)", "key")),
        "check_gradient_is_finite",
    ),
    (
        "NaN of a masked step in the gradient of the readers",
        TWINS["seq2seq.encode"],
        changed(torch_seq2seq.encode, ("feature.masked_fill(~seen, 0.0)", "feature")),
        "check_gradient_is_finite",
    ),
    (
        "one length for the whole batch",
        TWINS["seq2seq.encode"],
        changed(
            torch_seq2seq.encode, ("mask.sum(dim=-1)", "mask.sum(dim=-1).max().expand(len(mask))")
        ),
        "check_values",
    ),
    (
        "NaN of a masked annotation times nought",
        TWINS["seq2seq.decode"],
        changed(
            torch_seq2seq.decode, ("annotation.masked_fill(~mask.unsqueeze(-1), 0.0)", "annotation")
        ),
        "check_values",
    ),
    (
        "a beam's weights held fixed",
        TWINS["seq2seq.beam_search"],
        lambda log_probability, start, end, n_beam: (
            lambda token, total: (token, total.detach() + 0 * log_probability.sum())
        )(*torch_seq2seq.beam_search(log_probability, start, end, n_beam)),
        "check_gradient",
    ),
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
    ("masked by a product", context_twin, context_by_product, "check_values"),
    ("padding of one example for all", context_twin, seen_in_any_example, "check_values"),
    ("a diagonal held fixed", jacobian_twin, jacobian_without_the_diagonal, "check_gradient"),
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


# --- wrong gradients on purpose -------------------------------------------------------------------

loss_parts = acts.test_gradient_of_the_hybrid_loss_by_its_parts
loss_by_hand = acts.test_gradient_of_the_hybrid_loss_by_hand
through_parts = acts.test_what_straight_through_passes_on
which_layer = acts.test_which_loss_trains_which_layer
forward = soft_hard_modules.RecurrentAttention.forward


def straight_through_by(*pairs):
    return changed(torch_soft_hard.straight_through, *pairs)


SURROGATES = [
    # mistake, what is wrong, its wrong version, the test that rejects it
    (
        "place not detached",
        "hybrid_loss",
        changed(torch_soft_hard.hybrid_loss, ("location.detach()", "location")),
        loss_parts,
        (True,),
    ),
    (
        "place not detached, by hand",
        "hybrid_loss",
        changed(torch_soft_hard.hybrid_loss, ("location.detach()", "location")),
        loss_by_hand,
        (True,),
    ),
    (
        "gain not detached",
        "hybrid_loss",
        changed(torch_soft_hard.hybrid_loss, ("gain.detach() * log_prob", "gain * log_prob")),
        loss_by_hand,
        (False,),
    ),
    (
        "baseline detached",
        "hybrid_loss",
        changed(torch_soft_hard.hybrid_loss, ("- baseline\n", "- baseline.detach()\n")),
        loss_parts,
        (False,),
    ),
    (
        "mean detached",
        "hybrid_loss",
        changed(torch_soft_hard.hybrid_loss, ("- mean)", "- mean.detach())")),
        loss_parts,
        (False,),
    ),
    (
        "gradient of the chance as reward",
        "hybrid_loss",
        changed(
            torch_soft_hard.hybrid_loss,
            (
                "(score.argmax(dim=-1) == label).to(score.dtype)",
                "(score.argmax(dim=-1) == label).to(score.dtype)"
                " + score.sum(-1) - score.sum(-1).detach()",
            ),
        ),
        loss_parts,
        (False,),
    ),
    (
        "straight through with the wrong sign",
        "straight_through",
        straight_through_by(("hard + (soft - soft.detach())", "hard - (soft - soft.detach())")),
        through_parts,
        (),
    ),
    (
        "nothing let through",
        "straight_through",
        straight_through_by(("hard + (soft - soft.detach())", "hard + 0 * soft")),
        through_parts,
        (),
    ),
    (
        "gradient of the relaxed draw",  # right elsewhere, but not what is promised here
        "straight_through",
        straight_through_by(("soft = score.softmax", "soft = (score + noise).softmax")),
        through_parts,
        (),
    ),
    (
        "rounded away from one-hot",
        "straight_through",
        straight_through_by(("hard + (soft - soft.detach())", "(hard + soft) - soft.detach()")),
        acts.test_straight_through_is_exactly_one_hot,
        ("bfloat16", "cpu"),
    ),
    (
        "gradient of the softmax itself, biased or not",
        "straight_through",
        straight_through_by(("return hard + (soft - soft.detach())", "return soft")),
        through_parts,
        (),
    ),
    (
        "NaN times nought",
        "crop",
        changed(
            torch_soft_hard.crop,
            ("piece.masked_fill(outside, 0.0)", "piece * ~outside"),
        ),
        acts.test_what_lies_outside_a_crop_has_no_gradient,
        (),
    ),
]


@pytest.mark.parametrize(
    ("name", "version", "test", "arguments"),
    [each[1:] for each in SURROGATES],
    ids=[f"{name}: {mistake}" for mistake, name, *_ in SURROGATES],
)
def test_a_wrong_surrogate_is_rejected(name, version, test, arguments, monkeypatch):
    test(*arguments)
    monkeypatch.setattr(torch_soft_hard, name, version)
    assert is_rejected(test, *arguments)


@pytest.mark.parametrize(
    ("words", "test", "arguments"),
    [
        (("past = hidden.detach()", "past = hidden"), which_layer, (True,)),
        (("location = location.detach()", ""), which_layer, (False,)),
        (
            ("moved = hidden @", "moved = hidden.detach() @"),
            acts.test_gradient_of_the_answer_is_the_slope_at_given_places,
            (),
        ),
        (
            ("locations.append(location)", "locations.append(here)"),
            acts.test_a_place_outside_is_looked_at_where_it_is_brought_in,
            (acts.OfModule,),
        ),
        (
            ("core.w_hidden.mT", "core.w_hidden"),
            acts.test_looker_is_its_formula,
            (acts.OfModule, True),
        ),
        (
            ("self.mean(past).tanh() if t else", "self.mean(past).flip(0).tanh() if t else"),
            acts.test_examples_of_a_batch_do_not_meet,
            (False,),
        ),
    ],
    ids=[
        "policy's state in the graph",
        "places in the graph",
        "state cut off",
        "places as they were brought in",
        "weights transposed",
        "another example's place",
    ],
)
def test_a_wrong_looker_is_rejected(words, test, arguments, monkeypatch):
    test(*arguments)
    wrong = changed(forward, words)
    monkeypatch.setattr(soft_hard_modules.RecurrentAttention, "forward", wrong)
    assert is_rejected(test, *arguments)
