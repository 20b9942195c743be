"""Scores, windows, gates and tapes against numbers worked by hand, torch's own, and laws.

Every test that takes a `path` runs on the reference and on its torch twin.
"""

import inspect
import itertools
import math

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from paths import paths

from attn_course.preliminaries.reference import causal_mask, lstm_cell
from attn_course.seq2seq.reference import additive_score

both_paths = pytest.mark.parametrize("path", paths("families"))
few = settings(max_examples=12, phases=[Phase.generate])  # any failing case is small as it is
number = st.integers(0, 2**32 - 1).map(np.random.default_rng)
axis = st.integers(1, 6)
LOG3 = math.log(3)


def slow_softmax(score):
    bell = [math.exp(s - max(score)) for s in score]
    return np.array([b / sum(bell) for b in bell])


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def all_true(n_query, n_key):
    return np.ones((n_query, n_key), dtype=bool)


def pair(rng, n_query=3, n_key=5, d=4):
    return rng.normal(size=(n_query, d)), rng.normal(size=(n_key, d))


def content_scores(path, rng, d):
    """Every score that looks at query and key, as a function of the two; both of width d."""
    w, both = rng.normal(size=(d, d)), rng.normal(size=(7, 2 * d))
    v = rng.normal(size=7)
    return {
        "dot": path.dot_score,
        "scaled dot": path.scaled_dot_score,
        "cosine": lambda query, key: path.cosine_score(query, key, 2.5),
        "general": lambda query, key: path.general_score(query, key, w),
        "concat": lambda query, key: path.concat_score(query, key, both, v),
    }


kinds = pytest.mark.parametrize("kind", ["dot", "scaled dot", "cosine", "general", "concat"])


# --- scores ---------------------------------------------------------------------------------------


@both_paths
def test_dot_score_by_hand(path):
    query = np.array([[1.0, 2.0], [0.0, -1.0]])
    key = np.array([[3.0, 4.0], [-2.0, 1.0], [5.0, 0.0]])
    assert_array_equal(path.dot_score(query, key), [[11, 0, 5], [-4, -1, 0]])


@both_paths
def test_scaled_dot_score_by_hand(path):
    # 2 + 0 + 3 - 4 = 1 and 4 + 8 + 12 + 16 = 40, over the root of 4
    query = np.array([[1.0, 2.0, 3.0, 4.0]])
    key = np.array([[2.0, 0.0, 1.0, -1.0], [4.0, 4.0, 4.0, 4.0]])
    assert_allclose(path.scaled_dot_score(query, key), [[0.5, 20.0]], rtol=1e-12)


@both_paths
def test_cosine_score_by_hand(path):
    query = np.array([[3.0, 4.0], [0.0, 2.0]])
    key = np.array([[6.0, 8.0], [-4.0, 3.0], [1.0, 0.0], [-3.0, -4.0]])
    want = 5 * np.array([[1, 0, 0.6, -1], [0.8, 0.6, 0, -0.8]])
    assert_allclose(path.cosine_score(query, key, 5.0), want, rtol=1e-12, atol=1e-12)


@both_paths
def test_a_vector_of_zeros_has_cosine_nought(path):
    query, key = np.array([[0.0, 0.0], [3.0, 4.0]]), np.array([[1.0, 0.0], [0.0, 0.0], [0.0, 2.0]])
    want = [[0, 0, 0], [1.2, 0, 1.6]]
    assert_allclose(path.cosine_score(query, key, 2.0), want, rtol=1e-12, atol=1e-12)


@both_paths
@few
@given(rng=number, d=axis)
def test_a_cosine_knows_no_lengths(path, rng, d):
    query, key = pair(rng, d=d)
    got = path.cosine_score(query, key, 3.0)
    long, short = rng.uniform(0.01, 100, size=(3, 1)), rng.uniform(0.01, 100, size=(5, 1))
    assert_allclose(path.cosine_score(long * query, short * key, 3.0), got, rtol=1e-9, atol=1e-12)
    assert_allclose(path.cosine_score(-query, key, 3.0), -got, rtol=1e-9, atol=1e-12)
    assert (np.abs(got) <= 3 + 1e-12).all()


@both_paths
@few
@given(rng=number, d=axis)
def test_cosine_of_unit_vectors_is_dot(path, rng, d):
    query, key = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in pair(rng, d=d))
    got = path.cosine_score(query, key, 1.0)
    assert_allclose(got, path.dot_score(query, key), rtol=1e-9, atol=1e-12)


@both_paths
@few
@given(rng=number, d=axis)
def test_scaled_dot_is_dot_at_the_temperature_of_the_root_of_the_width(path, rng, d):
    query, key = pair(rng, d=d)
    dot = path.dot_score(query, key)
    assert_allclose(path.scaled_dot_score(query, key) * math.sqrt(d), dot, rtol=1e-10, atol=1e-12)
    # which leaves the spread of scores of independent entries what it was for one
    context, weight = path.attend(path.scaled_dot_score(query, key), key, all_true(3, 5))
    for i in range(3):
        want = slow_softmax(dot[i] / d**0.5)
        assert_allclose(weight[i], want, rtol=1e-9, atol=1e-12)
        assert_allclose(context[i], want @ key, rtol=1e-9, atol=1e-12)


@both_paths
def test_general_score_by_hand(path):
    # W k = (4 + 0, 50) and (0 - 1, 0); with q = (1, 2): 4 + 100 and -1
    w = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 10.0]])
    query, key = np.array([[1.0, 2.0]]), np.array([[3.0, 4.0, 5.0], [7.0, -1.0, 0.0]])
    assert_array_equal(path.general_score(query, key, w), [[104, -1]])
    # a square one that is not symmetric
    w = np.array([[0.0, 1.0], [0.0, 0.0]])
    assert_array_equal(path.general_score(query, np.array([[3.0, 4.0]]), w), [[4]])


@both_paths
@few
@given(rng=number, d=axis)
def test_general_with_the_identity_is_dot(path, rng, d):
    query, key = pair(rng, d=d)
    got = path.general_score(query, key, np.eye(d))
    assert_allclose(got, path.dot_score(query, key), rtol=1e-10, atol=1e-12)


@both_paths
def test_concat_score_by_hand(path):
    # W [q; k] of q = 1 and k = (2, -3), (0, 0): first unit q + k_1 = 3 and 1, second k_2 = -3 and 0
    w, v = np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]), np.array([2.0, 10.0])
    got = path.concat_score(np.array([[1.0]]), np.array([[2.0, -3.0], [0.0, 0.0]]), w, v)
    want = [2 * math.tanh(3) - 10 * math.tanh(3), 2 * math.tanh(1)]
    assert_allclose(got, [want], rtol=1e-12)


@both_paths
@few
@given(rng=number, d_query=axis, d_key=axis, d_score=axis)
def test_concat_is_the_additive_score(path, rng, d_query, d_key, d_score):
    query, key = rng.normal(size=(3, d_query)), rng.normal(size=(5, d_key))
    w, v = rng.normal(size=(d_score, d_query + d_key)), rng.normal(size=d_score)
    want = additive_score(query, key, w[:, :d_query], w[:, d_query:], v)
    assert_allclose(path.concat_score(query, key, w, v), want, rtol=1e-9, atol=1e-12)


@both_paths
def test_location_score_by_hand(path):
    query, w = np.array([[1.0, 2.0]]), np.array([[3.0, 4.0], [5.0, 6.0], [-2.0, 1.0]])
    assert_array_equal(path.location_score(query, w), [[11, 17, 0]])


@both_paths
def test_a_location_score_looks_at_no_key(path):
    rng = np.random.default_rng(3)
    query, key = pair(rng, d=4)
    w, order = rng.normal(size=(5, 4)), np.array([2, 0, 1, 4, 3])
    names = inspect.signature(path.module.location_score).parameters
    assert list(names) == ["query", "w"], "a score by location takes no key"
    score = path.location_score(query, w)
    weight = [path.attend(score, each, all_true(3, 5))[1] for each in (key, key[order], 9 * key)]
    assert_array_equal(weight[0], weight[1])
    assert_array_equal(weight[0], weight[2])
    # where a score by content goes with its key
    dot = path.dot_score(query, key)
    assert_allclose(path.dot_score(query, key[order]), dot[:, order], rtol=1e-12)


@both_paths
@kinds
def test_scores_are_of_one_pair_at_a_time(path, kind):
    rng = np.random.default_rng(4)
    query, key = pair(rng)
    score = content_scores(path, rng, 4)[kind]
    whole = score(query, key)
    assert whole.shape == (3, 5)
    for i, j in itertools.product(range(3), range(5)):
        alone = score(query[i : i + 1], key[j : j + 1])
        assert_allclose(alone, [[whole[i, j]]], rtol=1e-10, atol=1e-12)
    assert len({round(float(each), 9) for each in whole.ravel()}) == 15, "no two scores are alike"


# --- from scores to contexts ----------------------------------------------------------------------


@both_paths
def test_attend_by_hand(path):
    # 1/8, 2/8, 5/8 of the values; 1/3 and 2/3 without the third; nothing at all
    score = np.tile(np.log([1.0, 2.0, 5.0]), (3, 1))
    value = np.array([[8.0, 0.0], [0.0, 16.0], [-8.0, 8.0]])
    mask = np.array([[True, True, True], [True, True, False], [False, False, False]])
    context, weight = path.attend(score, value, mask)
    assert_allclose(weight, [[1 / 8, 2 / 8, 5 / 8], [1 / 3, 2 / 3, 0], [0, 0, 0]], rtol=1e-12)
    assert_allclose(context, [[-4, 9], [8 / 3, 32 / 3], [0, 0]], rtol=1e-12)


@both_paths
def test_what_stands_behind_a_mask_is_not_looked_at(path):
    score = np.array([[0.0, LOG3, np.nan], [0.0, 0.0, 1e30]])
    value = np.array([[4.0], [8.0], [np.nan]])
    context, weight = path.attend(score, value, np.array([[True, True, False]]))
    assert_allclose(weight, [[0.25, 0.75, 0], [0.5, 0.5, 0]], rtol=1e-12)
    assert_allclose(context, [[7], [6]], rtol=1e-12)


@both_paths
def test_attend_at_extreme_scores(path):
    score, value = np.array([[1e30, 1e30, -1e30]]), np.array([[4.0], [8.0], [100.0]])
    context, weight = path.attend(score, value, all_true(1, 3))
    assert_array_equal(weight, [[0.5, 0.5, 0]])
    assert_array_equal(context, [[6]])


@both_paths
@kinds
@few
@given(rng=number, n_key=axis)
def test_the_order_of_the_keys_does_not_matter(path, kind, rng, n_key):
    query, key = pair(rng, n_key=n_key)
    value, mask = rng.normal(size=(n_key, 2)), rng.random((3, n_key)) < 0.7
    score, order = content_scores(path, rng, 4)[kind], rng.permutation(n_key)
    context, weight = path.attend(score(query, key), value, mask)
    moved = path.attend(score(query, key[order]), value[order], mask[:, order])
    assert_allclose(moved[0], context, rtol=1e-9, atol=1e-12)
    assert_allclose(moved[1], weight[:, order], rtol=1e-9, atol=1e-12)
    assert_allclose(weight.sum(1), mask.any(1), rtol=1e-12)


@both_paths
@kinds
def test_self_attention_is_the_same_with_the_queries_for_keys(path, kind):
    rng = np.random.default_rng(8)
    token, order = rng.normal(size=(5, 4)), rng.permutation(5)
    score = content_scores(path, rng, 4)[kind]
    context, weight = path.attend(score(token, token), token, all_true(5, 5))
    alone = [path.attend(score(one[None], token), token, all_true(1, 5))[0][0] for one in token]
    assert_allclose(context, alone, rtol=1e-9, atol=1e-12)
    moved = path.attend(score(token[order], token[order]), token[order], all_true(5, 5))
    assert_allclose(moved[0], context[order], rtol=1e-9, atol=1e-12)
    assert_allclose(moved[1], weight[order][:, order], rtol=1e-9, atol=1e-12)
    symmetric = np.allclose(score(token, token), score(token, token).T)
    assert symmetric == (kind in ("dot", "scaled dot", "cosine"))


@both_paths
@kinds
def test_masked_self_attention_does_not_see_the_future(path, kind):
    rng = np.random.default_rng(9)
    token = rng.normal(size=(5, 4))
    score, mask = content_scores(path, rng, 4)[kind], causal_mask(5, 5)
    context, _ = path.attend(score(token, token), token, mask)
    for t in range(1, 5):
        other = token.copy()
        other[t:] += 1
        changed, _ = path.attend(score(other, other), other, mask)
        assert_allclose(changed[:t], context[:t], rtol=1e-12, atol=1e-15)
        assert not np.allclose(changed[t], context[t]), "a step sees itself"


def test_scaled_dot_attention_is_torch_s():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    for d in (1, 4, 9):
        query, key = pair(rng, d=d)
        value, mask = rng.normal(size=(5, 2)), rng.random((3, 5)) < 0.6
        mask[:, 0] = True  # torch's own answer to an empty row depends on its version
        tensors = [torch.tensor(each) for each in (query, key, value)]
        want = torch.nn.functional.scaled_dot_product_attention(
            *tensors, attn_mask=torch.tensor(mask)
        )
        for path in (each.values[0] for each in paths("families")):
            context, _ = path.attend(path.scaled_dot_score(query, key), value, mask)
            assert_allclose(context, want.numpy(), rtol=1e-10, atol=1e-12)


def test_cosine_and_general_scores_are_torch_s():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(1)
    query, key = pair(rng, d=3)
    cosine = torch.nn.functional.cosine_similarity(
        torch.tensor(query)[:, None], torch.tensor(key)[None], dim=-1
    )
    wide = rng.normal(size=(5, 6))
    bilinear = torch.nn.Bilinear(3, 6, 1, bias=False).double()
    left = torch.tensor(query)[:, None].expand(3, 5, 3).contiguous()
    right = torch.tensor(wide)[None].expand(3, 5, 6).contiguous()
    general, w = bilinear(left, right)[..., 0].detach(), bilinear.weight[0].detach().numpy()
    for path in (each.values[0] for each in paths("families")):
        got = path.cosine_score(query, key, 2.0)
        assert_allclose(got, 2 * cosine.numpy(), rtol=1e-9, atol=1e-12)
        got = path.general_score(query, wide, w)
        assert_allclose(got, general.numpy(), rtol=1e-9, atol=1e-12)


# --- local attention ------------------------------------------------------------------------------


@both_paths
def test_predicted_position_by_hand(path):
    # tanh(Wq) is 0, 1 and -1 in the first unit; v there log 3: sigmoids 1/2, 3/4 and 1/4 of 4 steps
    query = np.array([[0.0, 0.0], [9.0, 0.0], [-9.0, 0.0], [9.0, 9.0]])
    w, v = np.array([[100.0, 0.0], [0.0, 100.0], [0.0, 0.0]]), np.array([LOG3, LOG3, 50.0])
    assert_allclose(path.predicted_position(query, w, v, 5), [2, 3, 1, 3.6], rtol=1e-12)
    assert_allclose(path.predicted_position(query, w, v, 3), [1, 1.5, 0.5, 1.8], rtol=1e-12)


@both_paths
def test_a_position_lies_on_the_sequence(path):
    query, w, v = np.array([[1e30], [-1e30], [0.5]]), np.array([[1.0]]), np.array([1e30])
    assert_array_equal(path.predicted_position(query, w, v, 7), [6, 0, 6])
    assert_array_equal(path.predicted_position(query, w, v, 1), [0, 0, 0])
    assert_array_equal(path.predicted_position(query, w, 0 * v, 7), [3, 3, 3])


@both_paths
def test_window_mask_by_hand(path):
    got = path.window_mask(np.array([0.0, 2.0, 2.5, 3.9, -1.0, 9.0]), 5, 1)
    want = [
        [1, 1, 0, 0, 0],
        [0, 1, 1, 1, 0],
        [0, 0, 1, 1, 0],
        [0, 0, 0, 1, 1],
        [1, 0, 0, 0, 0],
        [0, 0, 0, 0, 0],
    ]
    assert_array_equal(got, np.array(want, dtype=bool))
    assert_array_equal(path.window_mask(np.array([1.0, 1.5]), 3, 0), [[0, 1, 0], [0, 0, 0]])
    assert path.window_mask(np.array([1.0]), 4, 2).dtype == bool


@both_paths
@few
@given(rng=number, radius=st.integers(0, 4))
def test_a_window_has_twice_its_radius_and_one(path, rng, radius):
    centre = float(rng.integers(4, 16))
    assert_array_equal(path.window_mask(np.array([centre]), 20, radius).sum(1), [2 * radius + 1])
    between = np.array([centre + rng.uniform(0.01, 0.99)])
    assert_array_equal(path.window_mask(between, 20, radius).sum(1), [2 * radius])


@both_paths
def test_local_weight_by_hand(path):
    # D = 2 and sigma = 1: exponents of 0, 1/2 and 2, at the window's edge too; at 1.5: 1/8 and 9/8
    weight = np.array([[1.0, 0.5, 0.25, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0, 1.0]])
    got = path.local_weight(weight, np.array([1.0, 1.5]), 2)
    want = [
        [math.exp(-0.5), 0.5, 0.25 * math.exp(-0.5), math.exp(-2), 0],
        [math.exp(-9 / 8), math.exp(-1 / 8), math.exp(-1 / 8), math.exp(-9 / 8), 0],
    ]
    assert_allclose(got, want, rtol=1e-12)
    # D = 4 and sigma = 2: the edge is two sigmas away again
    got = path.local_weight(np.ones((1, 6)), np.array([0.0]), 4)
    assert_allclose(got, [[math.exp(-(j**2) / 8) if j <= 4 else 0 for j in range(6)]], rtol=1e-12)


@both_paths
@few
@given(rng=number, n_key=axis, radius=st.integers(1, 4))
def test_local_weights_are_not_made_to_sum_to_one(path, rng, n_key, radius):
    position = rng.uniform(0, n_key - 1, size=3)
    mask = path.window_mask(position, n_key, radius)
    _, weight = path.attend(rng.normal(size=(3, n_key)), np.ones((n_key, 1)), mask)
    local = path.local_weight(weight, position, radius)
    assert (local <= weight).all(), "a Gaussian of height one makes no weight larger"
    assert (local.sum(1) <= mask.any(1) + 1e-12).all()
    assert_array_equal(local[~mask], 0)
    edge = math.exp(-2) * weight[mask]
    assert (local[mask] >= edge - 1e-15).all(), "a window ends two standard deviations away"


@both_paths
def test_a_wide_window_is_global_attention(path):
    rng = np.random.default_rng(5)
    query, key = pair(rng)
    position, score = np.array([0.0, 1.7, 4.0]), path.scaled_dot_score(query, key)
    context, weight = path.attend(score, key, all_true(3, 5))
    lost = []
    for radius in (10, 100, 1000, 10**6):
        mask = path.window_mask(position, 5, radius)
        assert mask.all(), "a wide window holds every key"
        windowed, inside = path.attend(score, key, mask)
        assert_allclose(windowed, context, rtol=1e-12)
        lost.append(np.abs(path.local_weight(inside, position, radius) - weight).max())
    # the exponents fall as the square of the radius
    assert lost[0] > 1e-4
    assert_allclose(lost[2] / lost[1], 0.01, rtol=0.05)
    assert lost[3] < 1e-10
    gathered, slots = path.local_attend(query, key, key, position, 6)
    assert_allclose(gathered, context, rtol=1e-10)
    assert slots.shape == (3, 13)


@both_paths
def test_local_attend_by_hand(path):
    # Scores 0, log 3 and 0. Round 1: 1/5, 3/5, 1/5. At the ends a slot is empty; off it all are.
    key, value = np.array([[0.0], [LOG3], [0.0]]), np.array([[5.0], [10.0], [20.0]])
    position = np.array([1.0, 0.0, 2.0, -1.0, 3.0, -2.0, 50.0])
    context, weight = path.local_attend(np.ones((7, 1)), key, value, position, 1)
    want = [
        [0.2, 0.6, 0.2],
        [0, 0.25, 0.75],
        [0.75, 0.25, 0],
        [0, 0, 1],
        [1, 0, 0],
        [0, 0, 0],
        [0, 0, 0],
    ]
    assert_allclose(weight, want, rtol=1e-12)
    assert_allclose(context, [[11], [8.75], [12.5], [5], [20], [0], [0]], rtol=1e-12)
    # scores over the root of the width, here 4
    wide = np.array([[0.0] * 4, [LOG3 / 2] * 4])
    _, weight = path.local_attend(np.ones((1, 4)), wide, wide, np.array([0.0]), 1)
    assert_allclose(weight, [[0, 0.25, 0.75]], rtol=1e-12)


@both_paths
def test_halves_are_rounded_up(path):
    value = np.arange(5.0)[:, None]
    position = np.array([-0.5, 0.49, 0.5, 1.5, 2.5, 3.4, -0.6, 4.5])
    context, weight = path.local_attend(np.ones((8, 1)), value, value, position, 0)
    assert_array_equal(context[:, 0], [0, 0, 1, 2, 3, 3, 0, 0])
    assert_array_equal(weight[:, 0], [1, 1, 1, 1, 1, 1, 0, 0])


@both_paths
@few
@given(rng=number, n_key=axis, radius=st.integers(0, 4))
def test_gathered_is_masked(path, rng, n_key, radius):
    query, key = pair(rng, n_key=n_key)
    value, centre = rng.normal(size=(n_key, 2)), rng.integers(-2, n_key + 2, size=3)
    context, weight = path.local_attend(query, key, value, centre.astype(float), radius)
    mask = path.window_mask(centre.astype(float), n_key, radius)
    want, dense = path.attend(path.scaled_dot_score(query, key), value, mask)
    assert_allclose(context, want, rtol=1e-9, atol=1e-12)
    assert weight.shape == (3, 2 * radius + 1)
    for i, slot in itertools.product(range(3), range(2 * radius + 1)):
        j = centre[i] - radius + slot
        want = dense[i, j] if 0 <= j < n_key else 0
        assert_allclose(weight[i, slot], want, rtol=1e-9, atol=1e-12)


@both_paths
def test_a_key_in_no_window_is_not_looked_at(path):
    rng = np.random.default_rng(6)
    query, key = pair(rng, n_query=2, n_key=7)
    position = np.array([2.0, 4.2])
    context, weight = path.local_attend(query, key, key, position, 1)
    spoilt = key.copy()
    spoilt[[0, 6]] = np.nan
    got = path.local_attend(query, spoilt, spoilt, position, 1)
    assert_allclose(got[0], context, rtol=1e-12)
    assert_allclose(got[1], weight, rtol=1e-12)


# --- regions of an image --------------------------------------------------------------------------


@both_paths
def test_region_attention_by_hand(path):
    # The layer sees the second number alone, as 1 or -1: scores of +-(log 3)/2, weights 3/4, 1/4.
    # The gate: 2 log 3 - log 3, sigmoid 3/4.
    region = np.array([[4.0, 100.0], [8.0, -100.0]])
    weights = {
        "w_query": np.zeros((1, 3)),
        "w_key": np.array([[0.0, 100.0]]),
        "v": np.array([LOG3 / 2]),
        "w_gate": np.array([LOG3, 0.0, 0.0]),
    }
    query = np.array([2.0, 5.0, -7.0])
    context, weight, gate = path.region_attention(query, region, b_gate=np.array(-LOG3), **weights)
    assert_allclose(weight, [0.75, 0.25], rtol=1e-12)
    assert_allclose(gate, 0.75, rtol=1e-12)
    assert_allclose(context, [0.75 * 5, 0.75 * 50], rtol=1e-12)


def region_weights(rng, d_query=3, d_region=4, d_score=6):
    return {
        "w_query": rng.normal(size=(d_score, d_query)),
        "w_key": rng.normal(size=(d_score, d_region)),
        "v": rng.normal(size=d_score),
        "w_gate": rng.normal(size=d_query),
        "b_gate": np.array(rng.normal()),
    }


@both_paths
@few
@given(rng=number, n_region=axis)
def test_region_attention_is_its_formula(path, rng, n_region):
    query, region, w = rng.normal(size=3), rng.normal(size=(n_region, 4)), region_weights(rng)
    context, weight, gate = path.region_attention(query, region, **w)
    score = [w["v"] @ np.tanh(w["w_query"] @ query + w["w_key"] @ one) for one in region]
    share, opened = slow_softmax(score), sigmoid(w["w_gate"] @ query + w["b_gate"])
    assert_allclose(weight, share, rtol=1e-9)
    assert_allclose(gate, opened, rtol=1e-9)
    want = opened * sum(p * one for p, one in zip(share, region, strict=True))
    assert_allclose(context, want, rtol=1e-9, atol=1e-12)
    order = rng.permutation(n_region)
    moved = path.region_attention(query, region[order], **w)
    assert_allclose(moved[0], context, rtol=1e-9, atol=1e-12)
    assert_allclose(moved[1], weight[order], rtol=1e-9)
    assert_allclose(moved[2], gate, rtol=1e-12)


@both_paths
def test_one_region_behind_an_open_gate_is_seen_as_it_is(path):
    rng = np.random.default_rng(2)
    query, region = rng.normal(size=3), rng.normal(size=(1, 4))
    w = region_weights(rng)
    context, weight, gate = path.region_attention(query, region, **w | {"b_gate": np.array(60.0)})
    assert_allclose(context, region[0], rtol=1e-12)
    assert_array_equal(weight, [1])
    assert_allclose(gate, 1, rtol=1e-12)
    # and nothing of it behind a closed one, whatever the weight
    context, weight, gate = path.region_attention(query, region, **w | {"b_gate": np.array(-90.0)})
    assert_allclose(context, np.zeros(4), atol=1e-30)
    assert_array_equal(weight, [1])
    assert_allclose(gate, 0, atol=1e-30)


@both_paths
def test_doubly_stochastic_penalty_by_hand(path):
    # Shares of 3/4, 5/4 and 0: 1/16 + 1/16 + 1. Without the second step 1/2, 1/2, 0: 1/4 + 1/4 + 1.
    weight = np.array([[0.5, 0.5, 0.0], [0.25, 0.75, 0.0]])
    got = path.doubly_stochastic_penalty(weight, np.array([True, True]))
    assert_allclose(got, 9 / 8, rtol=1e-12)
    got = path.doubly_stochastic_penalty(weight, np.array([True, False]))
    assert_allclose(got, 3 / 2, rtol=1e-12)
    # no step: every region lacks a whole
    got = path.doubly_stochastic_penalty(weight, np.array([False, False]))
    assert_allclose(got, 3, rtol=1e-12)


@both_paths
def test_padded_steps_do_not_count(path):
    weight = np.array([[0.5, 0.5, 0.0], [np.nan] * 3, [0.25, 0.75, 0.0], [np.inf] * 3])
    got = path.doubly_stochastic_penalty(weight, np.array([True, False, True, False]))
    assert_allclose(got, 9 / 8, rtol=1e-12)


@both_paths
@few
@given(rng=number, n=axis)
def test_penalty_is_nought_where_every_region_gets_one(path, rng, n):
    share = rng.dirichlet(np.ones(4))
    weight = sum(p * np.eye(n)[rng.permutation(n)] for p in share)  # rows and columns sum to one
    assert_allclose(path.doubly_stochastic_penalty(weight, np.ones(n, dtype=bool)), 0, atol=1e-12)
    order = rng.permutation(n)
    got = path.doubly_stochastic_penalty(weight[order], np.ones(n, dtype=bool))
    assert_allclose(got, 0, atol=1e-12)


@both_paths
@few
@given(rng=number, n_step=axis, n_region=axis)
def test_penalty_is_least_for_equal_shares(path, rng, n_step, n_region):
    mask, least = np.ones(n_step, dtype=bool), (n_region - n_step) ** 2 / n_region
    equal = np.full((n_step, n_region), 1 / n_region)
    assert_allclose(path.doubly_stochastic_penalty(equal, mask), least, rtol=1e-9, atol=1e-12)
    weight = rng.dirichlet(np.ones(n_region), size=n_step)
    assert path.doubly_stochastic_penalty(weight, mask) >= least - 1e-9


# --- a tape of past states ------------------------------------------------------------------------


def tape_weights(rng, d_in=2, d_hidden=3, d_score=5):
    shapes = {
        "w_tape": (d_score, d_hidden),
        "w_feature": (d_score, d_in),
        "w_summary": (d_score, d_hidden),
        "v": (d_score,),
        "cell.w_input": (4 * d_hidden, d_in),
        "cell.w_hidden": (4 * d_hidden, d_hidden),
        "cell.b_input": (4 * d_hidden,),
        "cell.b_hidden": (4 * d_hidden,),
    }
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


def cell_weights(params):
    return [params[f"cell.{name}"] for name in ("w_input", "w_hidden", "b_input", "b_hidden")]


def slow_step(feature, tape, cell_tape, summary, params):
    """A step by the paper's equations, one state of the past at a time."""
    score = []
    for state in tape:
        layer = params["w_tape"] @ state + params["w_feature"] @ feature
        score.append(params["v"] @ np.tanh(layer + params["w_summary"] @ summary))
    weight = slow_softmax(score) if score else np.zeros(0)
    now, cell = np.zeros(len(summary)), np.zeros(len(summary))
    for p, state, memory in zip(weight, tape, cell_tape, strict=True):
        now, cell = now + p * state, cell + p * memory
    return *lstm_cell(feature, now, cell, *cell_weights(params)), now, weight


@both_paths
def test_lstmn_step_by_hand(path):
    # States of 1 and -1 behind a layer that tells their signs: weights 3/4 and 1/4. Summaries
    # 3/4 - 1/4 = 1/2 and 6 + 4 = 10; gates of one half and nothing new: a cell of 5.
    params = {
        "w_tape": np.array([[50.0]]),
        "w_feature": np.zeros((1, 2)),
        "w_summary": np.zeros((1, 1)),
        "v": np.array([LOG3 / 2]),
        "cell.w_input": np.zeros((4, 2)),
        "cell.w_hidden": np.zeros((4, 1)),
        "cell.b_input": np.zeros(4),
        "cell.b_hidden": np.zeros(4),
    }
    tape, cell_tape = np.array([[1.0], [-1.0]]), np.array([[8.0], [16.0]])
    hidden, cell, summary, weight = path.lstmn_step(
        np.ones(2), tape, cell_tape, np.zeros(1), params
    )
    assert_allclose(weight, [0.75, 0.25], rtol=1e-12)
    assert_allclose(summary, [0.5], rtol=1e-12)
    assert_allclose(cell, [5], rtol=1e-12)
    assert_allclose(hidden, [0.5 * math.tanh(5)], rtol=1e-12)
    # the feature, or the summary of the step before, takes both states to one side of the layer
    for change in ({"w_feature": np.array([[-50.0, -50.0]])}, {"w_summary": np.array([[-100.0]])}):
        got = path.lstmn_step(np.ones(2), tape, cell_tape, np.ones(1), params | change)[3]
        assert_allclose(got, [0.5, 0.5], rtol=1e-12)


@both_paths
@few
@given(rng=number, n_past=st.integers(0, 5))
def test_lstmn_step_is_its_formula(path, rng, n_past):
    params = tape_weights(rng)
    tape, cell_tape = rng.normal(size=(n_past, 3)), rng.normal(size=(n_past, 3))
    feature, summary = rng.normal(size=2), rng.normal(size=3)
    got = path.lstmn_step(feature, tape, cell_tape, summary, params)
    for ours, want in zip(got, slow_step(feature, tape, cell_tape, summary, params), strict=True):
        assert ours.shape == want.shape
        assert_allclose(ours, want, rtol=1e-9, atol=1e-12)
    order = rng.permutation(n_past)
    moved = path.lstmn_step(feature, tape[order], cell_tape[order], summary, params)
    for ours, want in zip(moved[:3], got[:3], strict=True):
        assert_allclose(ours, want, rtol=1e-9, atol=1e-12)
    assert_allclose(moved[3], got[3][order], rtol=1e-9, atol=1e-12)


@both_paths
def test_without_a_past_a_step_is_a_cell_from_zeros(path):
    rng = np.random.default_rng(1)
    params, feature, nothing = tape_weights(rng), rng.normal(size=2), np.zeros((0, 3))
    hidden, cell, summary, weight = path.lstmn_step(
        feature, nothing, nothing, rng.normal(size=3), params
    )
    want = lstm_cell(feature, np.zeros(3), np.zeros(3), *cell_weights(params))
    assert_allclose([hidden, cell], want, rtol=1e-10)
    assert_array_equal(summary, np.zeros(3))
    assert weight.shape == (0,)


@both_paths
@few
@given(rng=number)
def test_with_one_state_on_the_tape_a_step_is_a_cell(path, rng):
    params, feature = tape_weights(rng), rng.normal(size=2)
    tape, cell_tape = rng.normal(size=(1, 3)), rng.normal(size=(1, 3))
    hidden, cell, summary, weight = path.lstmn_step(
        feature, tape, cell_tape, rng.normal(size=3), params
    )
    want = lstm_cell(feature, tape[0], cell_tape[0], *cell_weights(params))
    assert_allclose([hidden, cell], want, rtol=1e-9, atol=1e-12)
    assert_allclose(summary, tape[0], rtol=1e-12)
    assert_array_equal(weight, [1])


@both_paths
@few
@given(rng=number, n_step=axis)
def test_lstmn_is_its_formula(path, rng, n_step):
    params, feature = tape_weights(rng), rng.normal(size=(n_step, 2))
    hidden, weight = path.lstmn(feature, params)
    assert hidden.shape == (n_step, 3)
    assert weight.shape == (n_step, n_step)
    tape, cell_tape, summary = [], [], np.zeros(3)
    for t in range(n_step):
        state, cell, summary, row = slow_step(feature[t], tape, cell_tape, summary, params)
        tape.append(state)
        cell_tape.append(cell)
        assert_allclose(hidden[t], state, rtol=1e-8, atol=1e-12)
        assert_allclose(weight[t, :t], row, rtol=1e-8, atol=1e-12)
        assert_array_equal(weight[t, t:], 0)


@both_paths
def test_rows_of_the_tape_s_weights_sum_to_one_before_the_diagonal(path):
    rng = np.random.default_rng(3)
    _, weight = path.lstmn(rng.normal(size=(6, 2)), tape_weights(rng))
    assert_array_equal(weight[np.triu_indices(6)], 0)
    assert_allclose(weight.sum(1), [0, 1, 1, 1, 1, 1], rtol=1e-12)
    assert weight[1, 0] == 1


@both_paths
def test_lstmn_does_not_see_the_future(path):
    rng = np.random.default_rng(4)
    params, feature = tape_weights(rng), rng.normal(size=(5, 2))
    hidden, weight = path.lstmn(feature, params)
    for t in range(5):
        other = feature.copy()
        other[t:] += 1
        changed, moved = path.lstmn(other, params)
        assert_array_equal(changed[:t], hidden[:t])
        assert_array_equal(moved[:t], weight[:t])
        assert not np.allclose(changed[t], hidden[t]), "a step sees its own feature"
    short = path.lstmn(feature[:3], params)
    assert_allclose(short[0], hidden[:3], rtol=1e-12)
    assert_allclose(short[1], weight[:3, :3], rtol=1e-12)


@both_paths
def test_all_weight_on_the_last_state_makes_an_lstm(path):
    # The first unit of the cell counts steps, its gates wide open, and the layer looks at it alone:
    # of the past the last state has the largest score by far.
    rng = np.random.default_rng(7)
    params, feature = tape_weights(rng), rng.normal(size=(6, 2))
    for name in ("w_input", "w_hidden", "b_input", "b_hidden"):
        params[f"cell.{name}"][[0, 3, 6, 9]] = 0
    params["cell.b_input"][[0, 3, 6, 9]] = [60, 60, math.atanh(0.1), 60]
    params |= {"w_tape": np.array([[1.0, 0, 0]]), "v": np.array([1e5])}
    params |= {"w_feature": np.zeros((1, 2)), "w_summary": np.zeros((1, 3))}
    hidden, weight = path.lstmn(feature, params)
    assert_allclose(weight, np.eye(6, k=-1), atol=1e-12)
    state, cell = np.zeros(3), np.zeros(3)
    for t in range(6):
        state, cell = lstm_cell(feature[t], state, cell, *cell_weights(params))
        assert_allclose(cell[0], 0.1 * (t + 1), rtol=1e-9)
        assert_allclose(hidden[t], state, rtol=1e-8, atol=1e-12)


@both_paths
def test_a_layer_that_weighs_nothing_takes_the_mean_of_the_past(path):
    rng = np.random.default_rng(8)
    params, feature = tape_weights(rng) | {"v": np.zeros(5)}, rng.normal(size=(4, 2))
    hidden, weight = path.lstmn(feature, params)
    tape, cell_tape = [np.zeros(3)], [np.zeros(3)]
    for t in range(4):
        past = slice(1, None) if t else slice(None)
        means = np.mean(tape[past], axis=0), np.mean(cell_tape[past], axis=0)
        state, cell = lstm_cell(feature[t], *means, *cell_weights(params))
        tape.append(state)
        cell_tape.append(cell)
        assert_allclose(weight[t, :t], np.full(t, 1 / max(t, 1)), rtol=1e-12)
        assert_allclose(hidden[t], state, rtol=1e-9, atol=1e-12)
