"""Softmax, masks, the dense layer and the recurrent cells: numbers by hand, torch's own, laws.

Every test that takes a `path` runs on the reference and on its torch twin.
"""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from paths import paths

both_paths = pytest.mark.parametrize("path", paths("preliminaries"))
few = settings(max_examples=25)
number = st.integers(0, 2**32 - 1).map(np.random.default_rng)
size = st.integers(1, 6)


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


@pytest.fixture
def twins(torch):
    """The torch twins themselves, for what needs a gradient."""
    return paths("preliminaries")[1].values[0].module


def logit(p):
    """The number whose logistic sigmoid is p."""
    return math.log(p / (1 - p))


# --- softmax --------------------------------------------------------------------------------------


@both_paths
def test_softmax_by_hand(path):
    # e^0 : e^ln 2 : e^ln 5 = 1 : 2 : 5
    score = np.array([[0.0, math.log(2), math.log(5)], [7.0, 7.0, 7.0]])
    assert_allclose(path.softmax(score), [[1 / 8, 2 / 8, 5 / 8], [1 / 3] * 3], rtol=1e-12)


@both_paths
@few
@given(rng=number, n_query=size, n_key=size)
def test_softmax_rows_are_distributions(path, rng, n_query, n_key):
    weight = path.softmax(rng.normal(scale=30, size=(n_query, n_key)))
    assert_allclose(weight.sum(1), np.ones(n_query), rtol=1e-12)
    assert (weight >= 0).all()


@both_paths
@few
@given(rng=number, shift=st.floats(-1e3, 1e3))
def test_softmax_does_not_see_a_shift_of_a_row(path, rng, shift):
    score = rng.normal(size=(2, 5))
    moved = score + np.array([[shift], [0.0]])
    assert_allclose(path.softmax(moved), path.softmax(score), rtol=1e-9)


@both_paths
@few
@given(rng=number)
def test_softmax_is_torchs(path, rng):
    torch = pytest.importorskip("torch")
    score = rng.normal(scale=5, size=(3, 4))
    assert_allclose(path.softmax(score), torch.softmax(torch.tensor(score), -1), rtol=1e-12)


@both_paths
def test_softmax_of_extreme_scores(path):
    score = np.array(
        [
            [1e4, 1e4, -1e4],
            [-1e30, 0.0, -1e30],
            [-np.inf, 2.0, 2.0],
            [-1e30, -1e30, -1e30],
            [1e30, 0.0, -1e30],
        ]
    )
    want = [[0.5, 0.5, 0], [0, 1, 0], [0, 0.5, 0.5], [1 / 3] * 3, [1, 0, 0]]
    assert_allclose(path.softmax(score), want, rtol=1e-12)


def test_softmax_gradient_by_its_formula(torch, twins):
    # d weight_i / d score_j = weight_i (delta_ij - weight_j)
    score = torch.tensor([[0.0, math.log(2), math.log(5)]], dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(twins.softmax, score)[0, :, 0]
    weight = np.array([1, 2, 5]) / 8
    assert_allclose(jacobian.numpy(), np.diag(weight) - np.outer(weight, weight), atol=1e-12)


@both_paths
def test_softmax_jacobian_by_hand(path):
    # weights 1/8, 2/8, 5/8 in units of 1/64: 1 * 7, 2 * 6 and 5 * 3 on the diagonal
    want = np.array([[7, -2, -5], [-2, 12, -10], [-5, -10, 15]]) / 64
    assert_allclose(path.softmax_jacobian(np.array([1, 2, 5]) / 8), want, rtol=1e-12)


@both_paths
@few
@given(rng=number, n_key=size)
def test_softmax_jacobian_is_the_slope(path, rng, n_key):
    score = rng.normal(scale=2, size=n_key)
    jacobian = path.softmax_jacobian(path.softmax(score[None])[0])
    step = 1e-5
    for j in range(n_key):
        up, down = score.copy(), score.copy()
        up[j] += step
        down[j] -= step
        slope = (path.softmax(up[None]) - path.softmax(down[None]))[0] / (2 * step)
        assert_allclose(jacobian[:, j], slope, rtol=1e-6, atol=1e-9)


@both_paths
@few
@given(rng=number, n_key=size)
def test_softmax_jacobian_is_autograds_behind_a_mask(path, rng, n_key):
    torch = pytest.importorskip("torch")
    twins = paths("preliminaries")[1].values[0].module
    mask = rng.random((1, n_key)) < 0.6  # empty now and then
    score = torch.tensor(rng.normal(scale=2, size=(1, n_key)))
    weight = twins.masked_softmax(score, torch.tensor(mask))[0].numpy()
    slope = torch.autograd.functional.jacobian(
        lambda s: twins.masked_softmax(s, torch.tensor(mask)), score
    )
    assert_allclose(path.softmax_jacobian(weight), slope[0, :, 0], rtol=1e-9, atol=1e-12)


@both_paths
@few
@given(rng=number, n_key=size, temperature=st.floats(0.1, 10))
def test_laws_of_the_softmax_jacobian(path, rng, n_key, temperature):
    weight = path.softmax(rng.normal(scale=2, size=(1, n_key)) / temperature)[0]
    jacobian = path.softmax_jacobian(weight)
    assert_allclose(jacobian, jacobian.T, rtol=0, atol=1e-15)
    # adding one number to all scores changes nothing; all weights together stay one
    assert_allclose(jacobian @ np.ones(n_key), np.zeros(n_key), atol=1e-12)
    assert_allclose(np.ones(n_key) @ jacobian, np.zeros(n_key), atol=1e-12)
    # a covariance: no score can lower the weight that it raises
    assert np.linalg.eigvalsh(jacobian).min() > -1e-12


# --- masks ----------------------------------------------------------------------------------------


@both_paths
def test_masked_softmax_by_hand(path):
    # the same 1 : 2 : 5; without its last key 1 : 2; its last alone; nothing at all
    score = np.tile([0.0, math.log(2), math.log(5)], (4, 1))
    mask = np.array([[1, 1, 1], [1, 1, 0], [0, 0, 1], [0, 0, 0]], dtype=bool)
    want = [[1 / 8, 2 / 8, 5 / 8], [1 / 3, 2 / 3, 0], [0, 0, 1], [0, 0, 0]]
    assert_allclose(path.masked_softmax(score, mask), want, rtol=1e-12)


@both_paths
@few
@given(rng=number, n_query=size, n_key=size)
def test_masked_softmax_is_softmax_of_what_is_left(path, rng, n_query, n_key):
    score = rng.normal(scale=3, size=(n_query, n_key))
    mask = rng.random((n_query, n_key)) < 0.5
    weight = path.masked_softmax(score, mask)
    for i in range(n_query):
        left = [math.exp(score[i, j]) if mask[i, j] else 0.0 for j in range(n_key)]
        total = sum(left) or 1.0
        assert_allclose(weight[i], np.array(left) / total, rtol=1e-10)


@both_paths
def test_rows_sum_to_one_or_to_zero(path):
    score = np.random.default_rng(0).normal(size=(6, 4))
    mask = np.tri(6, 4, -2, dtype=bool)  # two empty rows, then one key more for each
    total = path.masked_softmax(score, mask).sum(1)
    assert_allclose(total, [0, 0, 1, 1, 1, 1], rtol=1e-12)


@both_paths
def test_mask_is_broadcast(path):
    score = np.random.default_rng(0).normal(size=(3, 4))
    column, row = np.array([[True], [False], [True]]), np.array([[True, False, True, False]])
    for mask in (column, row, np.array([[True]]), np.array([[False]])):
        whole = np.ascontiguousarray(np.broadcast_to(mask, (3, 4)))
        assert_array_equal(path.masked_softmax(score, mask), path.masked_softmax(score, whole))
    assert_array_equal(path.masked_softmax(score, column)[1], np.zeros(4))
    assert_array_equal(path.masked_softmax(score, row)[:, 1], np.zeros(3))


@both_paths
@pytest.mark.parametrize("junk", [np.nan, np.inf, -np.inf, 1e300])
def test_what_is_masked_is_never_looked_at(path, junk):
    score = np.random.default_rng(0).normal(size=(3, 4))
    mask = np.array([[1, 0, 1, 1], [0, 1, 0, 0], [0, 0, 0, 0]], dtype=bool)
    spoilt = np.where(mask, score, junk)
    assert_array_equal(path.masked_softmax(spoilt, mask), path.masked_softmax(score, mask))


@both_paths
def test_extreme_scores_are_not_taken_for_masked_ones(path):
    # A large negative fill would let a masked key through beside scores as low as these.
    for low in (-1e4, -1e9, -1e30):
        score = np.array([[low, low, 0.0]])
        mask = np.array([[True, True, False]])
        assert_allclose(path.masked_softmax(score, mask), [[0.5, 0.5, 0.0]], rtol=1e-12)
    score = np.array([[1e4, -np.inf, 1e4, 1e4]])
    mask = np.array([[True, True, True, False]])
    assert_allclose(path.masked_softmax(score, mask), [[0.5, 0.0, 0.5, 0.0]], rtol=1e-12)


@pytest.mark.parametrize("junk", [0.0, np.nan, np.inf, -np.inf, 1e300])
def test_nothing_masked_reaches_a_gradient(torch, twins, junk):
    score = np.array([[0.0, junk, math.log(3)], [junk, junk, junk]])
    mask = torch.tensor([[True, False, True], [False, False, False]])
    score = torch.tensor(score, requires_grad=True)
    weight = twins.masked_softmax(score, mask)
    (gradient,) = torch.autograd.grad(weight[0, 0] + 7 * weight[1].sum(), score)
    # weight 1/4 and 3/4: slope of the first 1/4 * 3/4 along itself, minus that along the other
    assert_allclose(gradient.numpy(), [[3 / 16, 0, -3 / 16], [0, 0, 0]], atol=1e-12)


@both_paths
@few
@given(rng=number, n_query=size, n_key=size)
def test_masked_weights_are_the_fused_kernels(path, rng, n_query, n_key):
    torch = pytest.importorskip("torch")
    score = rng.normal(size=(n_query, n_key))
    mask = rng.random((n_query, n_key)) < 0.6
    mask[~mask.any(1), 0] = True  # the kernel promises nothing about empty rows
    # query = score, key = value = unit vectors and scale 1: the context is the weight
    unit = torch.eye(n_key, dtype=torch.float64)
    fused = torch.nn.functional.scaled_dot_product_attention(
        *(each[None, None] for each in (torch.tensor(score), unit, unit, torch.tensor(mask))),
        scale=1.0,
    )  # an axis for heads: without it PyTorch falls back on the four steps one by one
    assert_allclose(path.masked_softmax(score, mask), fused[0, 0], rtol=1e-9, atol=1e-14)


@both_paths
@pytest.mark.parametrize(("n_query", "n_key"), [(1, 1), (3, 3), (2, 4), (4, 2)])
def test_causal_mask_is_the_fused_kernels(path, n_query, n_key):
    torch = pytest.importorskip("torch")
    unit = torch.eye(n_key, dtype=torch.float64)
    zero = torch.zeros(1, 1, n_query, n_key, dtype=torch.float64)
    fused = torch.nn.functional.scaled_dot_product_attention(
        zero, unit[None, None], unit[None, None], is_causal=True
    )
    assert_array_equal(path.causal_mask(n_query, n_key), fused[0, 0].numpy() > 0)


@both_paths
def test_causal_mask_by_hand(path):
    wide = [[1, 0, 0, 0], [1, 1, 0, 0]]
    high = [[1, 0], [1, 1], [1, 1], [1, 1]]
    for want in (wide, high):
        mask = path.causal_mask(*np.shape(want))
        assert mask.dtype == bool
        assert_array_equal(mask, np.array(want, dtype=bool))


@both_paths
def test_later_keys_do_not_reach_earlier_queries(path):
    score = np.random.default_rng(0).normal(size=(5, 5))
    mask = path.causal_mask(5, 5)
    before = path.masked_softmax(score, mask)
    for key in range(5):
        bent = score.copy()
        bent[:, key] += 1.0
        changed = (path.masked_softmax(bent, mask) != before).any(1)
        # query 0 sees one key only, whose weight is 1 whatever its score
        assert_array_equal(changed, (np.arange(5) >= key) & (np.arange(5) > 0))


@both_paths
def test_padding_mask_by_hand(path):
    for length, want in ((0, [0, 0, 0]), (1, [1, 0, 0]), (3, [1, 1, 1])):
        mask = path.padding_mask(length, 3)
        assert mask.dtype == bool
        assert_array_equal(mask, np.array([want], dtype=bool))


@both_paths
def test_masks_compose(path):
    both = path.causal_mask(3, 3) & path.padding_mask(2, 3)
    assert_array_equal(both, np.array([[1, 0, 0], [1, 1, 0], [1, 1, 0]], dtype=bool))
    weight = path.masked_softmax(np.zeros((3, 3)), np.asarray(both))
    assert_allclose(weight, [[1, 0, 0], [0.5, 0.5, 0], [0.5, 0.5, 0]], rtol=1e-12)


@pytest.mark.parametrize("name", ["float64", "float32", "bfloat16"])
@pytest.mark.parametrize("junk", [0.0, math.nan, math.inf, -math.inf, 3e38])
def test_empty_row_and_padding_in_every_precision(torch, twins, name, junk, device):
    # e^0 : e^ln 3 = 1 : 3; then a row with nowhere to look; the last key is padding
    dtype = getattr(torch, name)
    score = torch.tensor([[0.0, math.log(3), junk], [junk, junk, junk]], device=device)
    mask = torch.tensor([[True, True, False], [False, False, False]], device=device)
    score = score.to(dtype).requires_grad_()
    value = torch.tensor([[8.0], [16.0], [junk]], device=device).to(dtype).requires_grad_()
    weight = twins.masked_softmax(score, mask)
    context = twins.masked_context(weight, value, mask)
    by_score, by_value = torch.autograd.grad(context.sum(), (score, value))
    rtol = {"float64": 1e-7, "float32": 1e-6, "bfloat16": 1e-2}[name]  # ln 3 came in float32

    def shown(tensor):
        return tensor.detach().double().cpu().numpy()

    assert context.dtype == by_score.dtype == dtype
    assert_allclose(shown(weight), [[0.25, 0.75, 0], [0, 0, 0]], rtol=rtol)
    assert_allclose(shown(context), [[14], [0]], rtol=rtol)
    # weights (1/4, 3/4) and values (8, 16): 1/4 (8 - 14) and 3/4 (16 - 14)
    assert_allclose(shown(by_score), [[-1.5, 1.5, 0], [0, 0, 0]], rtol=5 * rtol)
    assert_allclose(shown(by_value), [[0.25], [0.75], [0]], rtol=rtol)


@pytest.mark.parametrize("name", ["float64", "float32", "bfloat16"])
def test_extreme_scores_in_every_precision(torch, twins, name, device):
    dtype = getattr(torch, name)
    score = torch.tensor([[1e30, 1e30, 3e38], [-1e30, -1e30, 0.0]], device=device).to(dtype)
    mask = torch.tensor([[True, True, False]], device=device)
    score.requires_grad_()
    weight = twins.masked_softmax(score, mask)
    (gradient,) = torch.autograd.grad(weight[:, 0].sum(), score)
    assert_array_equal(weight.detach().double().cpu(), [[0.5, 0.5, 0], [0.5, 0.5, 0]])
    assert_array_equal(gradient.double().cpu(), [[0.25, -0.25, 0], [0.25, -0.25, 0]])


@both_paths
def test_masked_context_by_hand(path):
    weight = np.array([[0.25, 0.75, 0.5], [0.5, 0.25, 0.25], [1.0, 1.0, 1.0]])
    value = np.array([[4.0, 0.0], [8.0, 1.0], [100.0, 10.0]])
    mask = np.array([[1, 1, 0], [1, 1, 1], [0, 0, 0]], dtype=bool)
    want = [[7, 0.75], [2 + 2 + 25, 0.25 + 2.5], [0, 0]]
    assert_allclose(path.masked_context(weight, value, mask), want, rtol=1e-12)


@both_paths
@few
@given(rng=number, n_query=size, n_key=size, d_value=size)
def test_masked_context_is_its_sum(path, rng, n_query, n_key, d_value):
    weight, value = rng.normal(size=(n_query, n_key)), rng.normal(size=(n_key, d_value))
    mask = rng.random((n_query, n_key)) < 0.6
    got = path.masked_context(weight, value, mask)
    for i in range(n_query):
        want = sum((weight[i, j] * value[j] for j in range(n_key) if mask[i, j]), np.zeros(d_value))
        assert_allclose(got[i], want, rtol=1e-10, atol=1e-12)


@both_paths
@few
@given(rng=number, n_query=size, n_key=size)
def test_masked_attention_is_the_fused_kernels(path, rng, n_query, n_key):
    # empty rows included: the kernel gives zero there too, since PyTorch 2.5
    torch = pytest.importorskip("torch")
    query, key = rng.normal(size=(n_query, 4)), rng.normal(size=(n_key, 4))
    value = rng.normal(size=(n_key, 3))
    mask = rng.random((n_query, n_key)) < 0.5
    fused = torch.nn.functional.scaled_dot_product_attention(
        *(torch.tensor(each)[None, None] for each in (query, key, value, mask))
    )
    weight = path.masked_softmax(query @ key.T / 2, mask)
    got = path.masked_context(weight, value, mask)
    assert_allclose(got, fused[0, 0], rtol=1e-9, atol=1e-13)


@both_paths
@pytest.mark.parametrize("junk", [np.nan, np.inf, -np.inf, 1e300])
def test_padding_never_reaches_a_context(path, junk):
    rng = np.random.default_rng(0)
    weight, value = rng.normal(size=(3, 4)), rng.normal(size=(4, 2))
    mask = path.causal_mask(3, 4) & path.padding_mask(2, 4)  # nobody sees keys 2 and 3
    want = path.masked_context(weight, value, mask)
    weight, spoilt = np.where(mask, weight, junk), value.copy()
    spoilt[2:] = junk
    assert_array_equal(path.masked_context(weight, spoilt, mask), want)


@both_paths
def test_what_one_query_may_see_spoils_another(path):
    # The limit of the promise: one product for all queries, and 0 times NaN is NaN.
    value = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, np.nan]])
    got = path.masked_context(np.eye(3), value, path.causal_mask(3, 3))
    assert_array_equal(got[:, 0], [1, 2, 3])
    assert_array_equal(got[:, 1], [np.nan] * 3)


@pytest.mark.parametrize("name", ["float64", "float32", "bfloat16"])
def test_the_fused_kernel_lets_padding_through(torch, twins, name, device):
    # Why the package guards: were this to fail one day, the page would be out of date.
    dtype = getattr(torch, name)
    query, key, value = torch.ones(3, 1, 1, 4, 2, device=device, dtype=dtype).unbind()
    mask = torch.tensor([[True, True, True, False]], device=device)
    fused = torch.nn.functional.scaled_dot_product_attention
    for spoilt in ("key", "value"):
        given = {"key": key.clone(), "value": value.clone()}
        given[spoilt][..., 3, :] = torch.nan
        assert fused(query, **given, attn_mask=mask).isnan().all()
        score = query @ given["key"].mT
        ours = twins.masked_context(twins.masked_softmax(score, mask), given["value"], mask)
        assert_array_equal(ours.isfinite().all().item(), True)


@pytest.mark.parametrize("name", ["float64", "float32", "bfloat16"])
def test_a_padded_key_spoils_a_slope_unless_it_is_cleaned(torch, twins, name, device):
    # The score is a product too: its slope by the query is (slope of a score) times key, and behind
    # a mask that is 0 * NaN. With keys and values cleaned, the fused kernel does as we do.
    generator = torch.Generator().manual_seed(0)
    clean = torch.randn(3, 1, 4, 2, generator=generator, dtype=torch.float64)
    clean = clean.to(device, getattr(torch, name))
    mask = torch.ones(1, 4, 4, dtype=torch.bool, device=device)
    mask[..., 3] = mask[:, 1] = False  # a padded key; a query with nowhere to look
    spoilt = clean.clone()
    spoilt[1:, :, 3] = torch.nan

    def ours(query, key, value):
        return twins.masked_context(twins.masked_softmax(query @ key.mT, mask), value, mask)

    def fused(query, key, value):
        attention = torch.nn.functional.scaled_dot_product_attention
        return attention(query, key, value, mask, scale=1.0)

    def guarded(attention):
        unseen = ~mask.any(-2)[..., None]
        return lambda q, k, v: attention(q, k.masked_fill(unseen, 0), v.masked_fill(unseen, 0))

    def run(attention, parts):
        parts = parts.clone().requires_grad_()
        context = attention(*parts.unbind())
        (slope,) = torch.autograd.grad(context.sum(), parts)
        return context.detach().double().cpu(), slope.double().cpu()

    want, slope = run(ours, clean)
    context, bent = run(ours, spoilt)
    assert_array_equal(context, want)
    assert bent[0, 0, [0, 2, 3]].isnan().all()
    atol = {"float64": 1e-12, "float32": 1e-5, "bfloat16": 0.05}[name]
    for attention in (ours, fused):
        for got, wanted in zip(run(guarded(attention), spoilt), (want, slope), strict=True):
            assert_allclose(got, wanted, rtol=0, atol=atol)
    assert not slope[0, 0, 1].any()
    assert not slope[1:, 0, 3].any()


# --- dense layer and simple cell ------------------------------------------------------------------


@both_paths
def test_dense_by_hand(path):
    w = np.array([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]])
    got = path.dense(np.array([1.0, 0.0, -1.0]), w, np.array([0.5, 0.25]))
    assert_array_equal(got, [-1.5, -19.75])


@both_paths
@few
@given(rng=number, d_in=size, d_out=size)
def test_dense_is_its_formula(path, rng, d_in, d_out):
    feature, w, b = rng.normal(size=d_in), rng.normal(size=(d_out, d_in)), rng.normal(size=d_out)
    want = [sum(w[o, i] * feature[i] for i in range(d_in)) + b[o] for o in range(d_out)]
    assert_allclose(path.dense(feature, w, b), want, rtol=1e-10, atol=1e-12)


@both_paths
def test_simple_cell_by_hand(path):
    # tanh artanh 1/2 = 1/2 with artanh 1/2 = ln 3 / 2, made of three different parts
    half = math.log(3) / 2
    got = path.simple_cell(
        np.array([2.0]),
        np.array([3.0, 5.0]),
        np.array([[half], [0.0]]),
        np.array([[0.0, -half / 5], [1.0, -half / 5]]),
        np.array([0.0, 2 * half - 3.0]),
    )
    # rows: 2 half - half + 0 and 3 - half + 2 half - 3
    assert_allclose(got, [0.5, 0.5], rtol=1e-12)


def cell_arrays(rng, n_gate, d_in, d_hidden):
    """Input, states and weights of a cell, none of them symmetric."""
    return {
        "feature": rng.normal(size=d_in),
        "hidden": rng.normal(size=d_hidden),
        "cell": rng.normal(size=d_hidden),
        "w_input": rng.normal(size=(n_gate * d_hidden, d_in)),
        "w_hidden": rng.normal(size=(n_gate * d_hidden, d_hidden)),
        "b_input": rng.normal(size=n_gate * d_hidden),
        "b_hidden": rng.normal(size=n_gate * d_hidden),
    }


def torch_cell(name, arrays):
    """torch's own cell, as an oracle, with these weights."""
    torch = pytest.importorskip("torch")
    d_hidden, d_in = arrays["hidden"].size, arrays["feature"].size
    cell = getattr(torch.nn, name)(d_in, d_hidden, dtype=torch.float64)
    names = {"weight_ih": "w_input", "weight_hh": "w_hidden"}
    names |= {"bias_ih": "b_input", "bias_hh": "b_hidden"}
    cell.load_state_dict({key: torch.tensor(arrays[ours]) for key, ours in names.items()})
    state = torch.tensor(arrays["hidden"])
    if name == "LSTMCell":
        state = (state, torch.tensor(arrays["cell"]))
    with torch.no_grad():
        return cell(torch.tensor(arrays["feature"]), state)


@both_paths
@few
@given(rng=number, d_in=size, d_hidden=size)
def test_simple_cell_is_torchs(path, rng, d_in, d_hidden):
    arrays = cell_arrays(rng, 1, d_in, d_hidden)
    want = torch_cell("RNNCell", arrays)
    b = arrays.pop("b_input") + arrays.pop("b_hidden")
    del arrays["cell"]
    assert_allclose(path.simple_cell(**arrays, b=b), want, rtol=1e-10)


# --- gated cells ----------------------------------------------------------------------------------


@both_paths
def test_gru_cell_by_hand(path):
    # One unit at h = 2. r = 3/4 and z = 1/4 by their biases. The candidate reads
    # a + r (w h + b) with a = artanh(1/2) - 3 and w h + b = 1 * 2 + 2 = 4, so it is 1/2, and
    # h' = (1 - z) / 2 + 2 z = 3/8 + 1/2. (Gate before the product: a + w r h + b = a + 3.5.)
    half = math.log(3) / 2
    got = path.gru_cell(
        np.array([0.0]),
        np.array([2.0]),
        np.zeros((3, 1)),
        np.array([[0.0], [0.0], [1.0]]),
        np.array([logit(3 / 4), 0.0, half - 3.0]),
        np.array([0.0, logit(1 / 4), 2.0]),
    )
    assert_allclose(got, [7 / 8], rtol=1e-12)


@both_paths
@few
@given(rng=number, d_in=size, d_hidden=size)
def test_gru_cell_is_torchs(path, rng, d_in, d_hidden):
    arrays = cell_arrays(rng, 3, d_in, d_hidden)
    want = torch_cell("GRUCell", arrays)
    del arrays["cell"]
    assert_allclose(path.gru_cell(**arrays), want, rtol=1e-10, atol=1e-13)


@both_paths
def test_gru_keeps_its_state_while_z_is_one(path):
    arrays = cell_arrays(np.random.default_rng(0), 3, 2, 3)
    del arrays["cell"]
    arrays["b_input"][3:6] = 1e3
    assert_array_equal(path.gru_cell(**arrays), arrays["hidden"])
    arrays["b_input"][3:6] = -1e3  # z = 0: a fresh candidate, and of the old state no more than r
    arrays["b_input"][:3] = -1e3  # r = 0: not even that
    arrays["w_input"][:] = 0.0
    assert_allclose(path.gru_cell(**arrays), np.tanh(arrays["b_input"][6:]), rtol=1e-12)


@both_paths
def test_lstm_cell_by_hand(path):
    # i = 3/4, f = 1/4, g = tanh artanh 1/2 = 1/2, o = 4/5, from c = 2: c' = 2/4 + 3/8 = 7/8
    gates = [logit(3 / 4), logit(1 / 4), math.log(3) / 2, logit(4 / 5)]
    half = np.array(gates) / 2
    zero = np.zeros((4, 1))
    hidden, cell = path.lstm_cell(
        np.array([9.0]), np.array([9.0]), np.array([2.0]), zero, zero, half, half
    )
    assert_allclose(cell, [7 / 8], rtol=1e-12)
    assert_allclose(hidden, [4 / 5 * math.tanh(7 / 8)], rtol=1e-12)


@both_paths
@few
@given(rng=number, d_in=size, d_hidden=size)
def test_lstm_cell_is_torchs(path, rng, d_in, d_hidden):
    arrays = cell_arrays(rng, 4, d_in, d_hidden)
    for got, want in zip(path.lstm_cell(**arrays), torch_cell("LSTMCell", arrays), strict=True):
        assert_allclose(got, want, rtol=1e-10, atol=1e-13)


@both_paths
def test_lstm_remembers_while_it_forgets_nothing_and_lets_nothing_in(path):
    arrays = cell_arrays(np.random.default_rng(0), 4, 2, 3)
    arrays["b_input"][:3] = -1e3  # i = 0
    arrays["b_input"][3:6] = 1e3  # f = 1
    hidden, cell = path.lstm_cell(**arrays)
    assert_array_equal(cell, arrays["cell"])
    assert (np.abs(hidden) < np.abs(np.tanh(cell))).all()  # o is strictly between 0 and 1


@both_paths
def test_cells_at_extreme_inputs(path):
    # sigmoid and tanh saturate without overflow, and no warning says otherwise
    for sign in (1.0, -1.0):
        arrays = cell_arrays(np.random.default_rng(0), 4, 2, 3)
        arrays["feature"] *= sign * 1e4
        for state in path.lstm_cell(**arrays):
            assert np.isfinite(state).all()
        arrays = cell_arrays(np.random.default_rng(0), 3, 2, 3)
        arrays["feature"] *= sign * 1e4
        del arrays["cell"]
        assert np.isfinite(path.gru_cell(**arrays)).all()


# --- initial weights of the modules ---------------------------------------------------------------

MODULES = {  # name: (arguments, {parameter: (shape, bound)}); width in 400, width out 900
    "Dense": ((400, 900), {"w": ((900, 400), 1 / 20), "b": ((900,), 0)}),
    "SimpleCell": (
        (400, 900),
        {"w_input": ((900, 400), 1 / 30), "w_hidden": ((900, 900), 1 / 30), "b": ((900,), 0)},
    ),
    "GruCell": (
        (400, 100),
        {
            "w_input": ((300, 400), 1 / 10),
            "w_hidden": ((300, 100), 1 / 10),
            "b_input": ((300,), 0),
            "b_hidden": ((300,), 0),
        },
    ),
    "LstmCell": (
        (400, 100),
        {
            "w_input": ((400, 400), 1 / 10),
            "w_hidden": ((400, 100), 1 / 10),
            "b_input": ((400,), 0),
            "b_hidden": ((400,), 0),
        },
    ),
}


@pytest.fixture
def modules(torch):
    import importlib

    return importlib.import_module("attn_course.preliminaries.modules")


@pytest.mark.parametrize("name", MODULES)
def test_initial_weights(torch, modules, name):
    arguments, parameters = MODULES[name]
    made = getattr(modules, name)(*arguments, torch.Generator().manual_seed(0))
    assert {key: tuple(value.shape) for key, value in made.state_dict().items()} == {
        key: shape for key, (shape, _) in parameters.items()
    }
    for key, (_, bound) in parameters.items():
        value = made.state_dict()[key].double().numpy().ravel()
        if not bound:
            assert_array_equal(value, np.zeros_like(value))
            continue
        assert np.abs(value).max() <= bound * (1 + 1e-6)
        # uniform: a tenth of the values in each tenth of the range, give or take five deviations
        share = np.histogram(value, bins=10, range=(-bound, bound))[0] / value.size
        assert_allclose(share, np.full(10, 0.1), atol=5 * math.sqrt(0.09 / value.size))


@pytest.mark.parametrize("name", MODULES)
def test_initial_weights_come_from_the_generator_alone(torch, modules, name):
    def made(seed):
        module = getattr(modules, name)(3, 4, torch.Generator().manual_seed(seed))
        return np.concatenate([value.numpy().ravel() for value in module.state_dict().values()])

    before = torch.get_rng_state()
    assert_array_equal(made(0), made(0))
    assert (made(0) != made(1)).any()
    assert_array_equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", ["GruCell", "LstmCell", "SimpleCell"])
def test_input_and_hidden_weights_differ(torch, modules, name):
    module = getattr(modules, name)(4, 4, torch.Generator().manual_seed(0))
    assert (module.w_input != module.w_hidden).all()
