"""Encoder, decoder, additive attention and beam search: by hand, against torch's GRU, and laws.

Every test that takes a `path` runs on the reference and on its torch twin.
"""

import importlib
import itertools
import math

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from paths import HAS_TORCH, paths

both_paths = pytest.mark.parametrize("path", paths("seq2seq"))
needs_torch = pytest.mark.skipif(not HAS_TORCH, reason="the modules need torch")
few = settings(max_examples=15, phases=[Phase.generate])  # these say enough without shrinking
number = st.integers(0, 2**32 - 1).map(np.random.default_rng)
axis = st.integers(1, 5)
LOG2, LOG3 = math.log(2), math.log(3)  # tanh(log a) = (a^2 - 1) / (a^2 + 1): 3/5 and 4/5
GRU = ("w_input", "w_hidden", "b_input", "b_hidden")


def room(file):
    return importlib.import_module(f"attn_course.seq2seq.{file}")


def reader(rng, name, d_in, d_hidden):
    shapes = ((d_in,), (d_hidden,), (), ())
    return {
        f"{name}.{w}": rng.normal(size=(3 * d_hidden, *s)) for w, s in zip(GRU, shapes, strict=True)
    }


def additive(rng, d_query, d_key, d_score):
    return {
        "w_query": rng.normal(size=(d_score, d_query)),
        "w_key": rng.normal(size=(d_score, d_key)),
        "v": rng.normal(size=d_score),
    }


def decoder(rng, d_in=2, d_annotation=3, d_hidden=4, n_token=5, d_score=6, d_maxout=0):
    """Random weights of a decoder; a width of nought leaves its part out."""
    joined = d_hidden + d_in + d_annotation
    params = reader(rng, "cell", d_in + d_annotation, d_hidden)
    layers = {"start": (d_hidden, d_annotation), "readout": (n_token, d_maxout or joined)}
    layers |= {"maxout": (2 * d_maxout, joined)} if d_maxout else {}
    for name, (d_out, width) in layers.items():
        params |= {
            f"{name}.w": rng.normal(size=(d_out, width)),
            f"{name}.b": rng.normal(size=d_out),
        }
    return params | (additive(rng, d_hidden, d_annotation, d_score) if d_score else {})


def source(rng, n_source=4, d_annotation=3):
    """Annotations with one more that is masked, and the readers' last states."""
    mask = np.arange(n_source) != n_source // 2
    annotation = np.where(mask[:, None], rng.normal(size=(n_source, d_annotation)), np.nan)
    return annotation, rng.normal(size=d_annotation), mask


# --- additive attention ---------------------------------------------------------------------------


@both_paths
def test_additive_score_by_hand(path):
    # W q = (log 2, log 2), (0, log 3); U k = (0, 0), (log 2, -log 2), (-log 3, log 3)
    query, w_query = np.array([[LOG2, 0.0], [0.0, LOG3]]), np.array([[1.0, 0.0], [1.0, 1.0]])
    key, w_key = np.array([[0.0], [LOG2], [-LOG3]]), np.array([[1.0], [-1.0]])
    got = path.additive_score(query, key, w_query, w_key, np.array([10.0, 100.0]))
    want = [
        [6 + 60, 150 / 17 + 0, -50 / 13 + 3500 / 37],
        [0 + 80, 6 + 500 / 13, -8 + 4000 / 41],
    ]
    assert_allclose(got, want, rtol=1e-12)


@both_paths
@few
@given(rng=number, n_query=axis, n_key=axis, d_query=axis, d_key=axis, d_score=axis)
def test_additive_score_is_its_sum(path, rng, n_query, n_key, d_query, d_key, d_score):
    query, key = rng.normal(size=(n_query, d_query)), rng.normal(size=(n_key, d_key))
    w = additive(rng, d_query, d_key, d_score)
    got = path.additive_score(query, key, **w)
    for i, j in np.ndindex(n_query, n_key):
        units = [
            math.tanh(
                sum(a * b for a, b in zip(w["w_query"][m], query[i], strict=True))
                + sum(a * b for a, b in zip(w["w_key"][m], key[j], strict=True))
            )
            for m in range(d_score)
        ]
        assert_allclose(got[i, j], np.dot(w["v"], units), rtol=1e-10, atol=1e-12)


@both_paths
def test_additive_score_of_far_queries_is_bounded(path):
    """The dot product of the same vectors would be 1e30; here no score passes the sum of |v|."""
    query, key, one = np.array([[1e30], [-1e30]]), np.array([[3.0]]), np.ones((2, 1))
    got = path.additive_score(query, key, one, one, np.array([1.0, -4.0]))
    assert_array_equal(got, [[-3.0], [3.0]])


@both_paths
def test_additive_attention_by_hand(path):
    # scores of query 0: v tanh(0, log 3, -log 3), that is the logarithms of 1, 3 and 1/3;
    # of query 1: those of 1/3 and 1
    key, v = np.array([[0.0], [LOG3], [-LOG3], [np.nan]]), np.array([LOG3 / 0.8])
    value = np.array([[13.0, 0.0], [26.0, 0.0], [39.0, 13.0], [np.nan, np.inf]])
    query, one = np.array([[0.0], [-LOG3], [0.0]]), np.ones((1, 1))
    mask = np.array([[1, 1, 1, 0], [1, 1, 0, 0], [0, 0, 0, 0]], dtype=bool)
    context, weight = path.additive_attention(query, key, value, mask, one, one, v)
    want = [[3 / 13, 9 / 13, 1 / 13, 0], [1 / 4, 3 / 4, 0, 0], [0, 0, 0, 0]]
    assert_allclose(weight, want, rtol=1e-12, atol=1e-15)
    assert_allclose(context, [[24, 1], [22.75, 0], [0, 0]], rtol=1e-12, atol=1e-12)


@both_paths
@few
@given(rng=number, n_query=axis, n_key=axis, d_score=axis)
def test_rows_of_additive_attention_sum_to_one_or_to_nought(path, rng, n_query, n_key, d_score):
    query, key = 3 * rng.normal(size=(n_query, 2)), 3 * rng.normal(size=(n_key, 3))
    mask = rng.random((n_query, n_key)) < 0.5
    context, weight = path.additive_attention(query, key, key, mask, **additive(rng, 2, 3, d_score))
    assert_array_equal(weight[~mask], 0)
    assert (weight[mask] > 0).all(), "a key that may be seen has no weight"
    assert_allclose(weight.sum(-1), mask.any(-1).astype(float), rtol=1e-12)
    assert_allclose(context, weight @ key, rtol=1e-10, atol=1e-12)


@both_paths
@few
@given(rng=number, n_query=axis, n_key=axis)
def test_keys_in_another_order_have_their_weights_in_that_order(path, rng, n_query, n_key):
    query, key = rng.normal(size=(n_query, 2)), rng.normal(size=(n_key, 3))
    value, mask = rng.normal(size=(n_key, 4)), rng.random((n_query, n_key)) < 0.7
    weights, order = additive(rng, 2, 3, 5), rng.permutation(n_key)
    context, weight = path.additive_attention(query, key, value, mask, **weights)
    other, shuffled = path.additive_attention(
        query, key[order], value[order], mask[:, order], **weights
    )
    assert_allclose(shuffled, weight[:, order], rtol=1e-12, atol=1e-15)
    assert_allclose(other, context, rtol=1e-10, atol=1e-12)


@both_paths
@pytest.mark.parametrize("junk", [np.nan, np.inf, 1e300])
def test_padding_never_reaches_additive_attention(path, junk):
    rng = np.random.default_rng(0)
    query, key, value = (rng.normal(size=shape) for shape in ((2, 3), (4, 2), (4, 5)))
    weights, mask = additive(rng, 3, 2, 6), np.ones((1, 4), dtype=bool)
    want = path.additive_attention(query, key, value, mask, **weights)
    padded = [np.concatenate([x, np.full((2, x.shape[1]), junk)]) for x in (key, value)]
    mask = np.array([[True] * 4 + [False] * 2])
    context, weight = path.additive_attention(query, *padded, mask, **weights)
    assert_allclose(context, want[0], rtol=1e-12)
    assert_allclose(weight, np.pad(want[1], ((0, 0), (0, 2))), rtol=1e-12)


# --- encoder --------------------------------------------------------------------------------------


def half_way(name, w_new):
    """A reader with z = 1/2 that goes half of the way to tanh(w_new x)."""
    w_input = np.array([[0.0], [0.0], [w_new]])
    zero = {"w_hidden": np.zeros((3, 1)), "b_input": np.zeros(3), "b_hidden": np.zeros(3)}
    return {f"{name}.{w}": x for w, x in ({"w_input": w_input} | zero).items()}


@both_paths
@pytest.mark.parametrize("junk", [np.nan, 7.0])
def test_encode_by_hand(path, junk):
    # ahead: 0.6 / 2, then 0.3 / 2 + 0.8 / 2; back, negated: -0.8 / 2, then -0.4 / 2 - 0.6 / 2
    feature = np.array([[junk], [LOG2], [junk], [LOG3], [junk]])
    mask = np.array([False, True, False, True, False])
    ahead, both = half_way("ahead", 1.0), half_way("ahead", 1.0) | half_way("back", -1.0)
    annotation, last = path.encode(feature, mask, both)
    want = np.array([[0, 0], [0.3, -0.5], [0, 0], [0.55, -0.4], [0, 0]])
    assert_allclose(annotation, want, rtol=1e-12, atol=1e-15)
    assert_allclose(last, [0.55, -0.5], rtol=1e-12)
    annotation, last = path.encode(feature, mask, ahead)
    assert_allclose(annotation, want[:, :1], rtol=1e-12, atol=1e-15)
    assert_allclose(last, [0.55], rtol=1e-12)


@both_paths
@pytest.mark.parametrize("back", [True, False])
def test_encode_is_torchs_gru(path, back):
    """Torch packs the real steps of sources of several lengths; all else is ours."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(1)
    n, lengths = 6, (6, 1, 4)
    params = reader(rng, "ahead", 3, 4) | (reader(rng, "back", 3, 4) if back else {})
    gru = torch.nn.GRU(3, 4, batch_first=True, bidirectional=back).double()
    theirs = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    state = {
        f"{name}_l0{'_reverse' * (which == 'back')}": torch.tensor(params[f"{which}.{ours}"])
        for which in ("ahead", "back")[: 1 + back]
        for ours, name in zip(GRU, theirs, strict=True)
    }
    gru.load_state_dict(state)
    feature = rng.normal(size=(len(lengths), n, 3))
    packed = torch.nn.utils.rnn.pack_padded_sequence(
        torch.tensor(feature), torch.tensor(lengths), batch_first=True, enforce_sorted=False
    )
    with torch.no_grad():
        output, hidden = gru(packed)
    output, _ = torch.nn.utils.rnn.pad_packed_sequence(output, batch_first=True, total_length=n)
    for i, length in enumerate(lengths):
        annotation, last = path.encode(feature[i], np.arange(n) < length, params)
        assert_allclose(annotation, output[i].numpy(), rtol=1e-10, atol=1e-12)
        assert_allclose(last, hidden[:, i].flatten().numpy(), rtol=1e-10, atol=1e-12)


@both_paths
@few
@given(rng=number, n_source=axis, n_more=axis)
def test_padding_changes_no_annotation(path, rng, n_source, n_more):
    """Wherever it stands: in front, behind, in between."""
    params = reader(rng, "ahead", 2, 3) | reader(rng, "back", 2, 3)
    feature = rng.normal(size=(n_source, 2))
    annotation, last = path.encode(feature, np.ones(n_source, dtype=bool), params)
    mask = rng.permutation(np.arange(n_source + n_more) < n_source)
    padded = np.full((len(mask), 2), np.nan)
    padded[mask] = feature
    got, end = path.encode(padded, mask, params)
    assert_allclose(got[mask], annotation, rtol=1e-12, atol=1e-12)
    assert_array_equal(got[~mask], 0)
    assert_allclose(end, last, rtol=1e-12, atol=1e-12)


@both_paths
@few
@given(rng=number, n_source=axis)
def test_the_second_reader_is_the_first_on_the_source_turned_round(path, rng, n_source):
    ahead, back = (reader(rng, name, 2, 3) for name in ("ahead", "back"))
    feature, mask = rng.normal(size=(n_source, 2)), rng.random(n_source) < 0.8
    turned = dict(zip(ahead, back.values(), strict=True))
    annotation, last = path.encode(feature, mask, ahead | back)
    front, front_last = path.encode(feature, mask, ahead)
    behind, behind_last = path.encode(feature[::-1].copy(), mask[::-1].copy(), turned)
    assert_allclose(annotation, np.concatenate([front, behind[::-1]], axis=1), atol=1e-12)
    assert_allclose(last, np.concatenate([front_last, behind_last]), atol=1e-12)


@both_paths
def test_a_source_without_a_real_step_is_nought(path):
    rng = np.random.default_rng(2)
    params = reader(rng, "ahead", 2, 3) | reader(rng, "back", 2, 3)
    annotation, last = path.encode(np.full((4, 2), np.nan), np.zeros(4, dtype=bool), params)
    assert_array_equal(annotation, np.zeros((4, 6)))
    assert_array_equal(last, np.zeros(6))


# --- decoder --------------------------------------------------------------------------------------


@both_paths
def test_maxout_by_hand(path):
    assert_array_equal(path.maxout(np.array([1.0, 3.0, -2.0, -5.0, 7.0, 7.0])), [3, -2, 7])


@both_paths
def test_decode_by_hand(path):
    # s0 = tanh(b) = 1/2. Scores: v tanh(log 3) and v tanh(log 9), log 3 apart: weights 1/4 and 3/4,
    # c = 6. n = tanh(log 2 + 6 log(3/2) / 6) = 0.8, s1 = (0.5 + 0.8) / 2.
    params = {
        "start.w": np.zeros((1, 1)),
        "start.b": np.array([math.atanh(0.5)]),
        "w_query": np.array([[2 * LOG3]]),
        "w_key": np.array([[LOG3 / 8]]),
        "v": np.array([LOG3 / (40 / 41 - 0.8)]),
        "cell.w_input": np.array([[0.0, 0.0], [0.0, 0.0], [LOG2, (LOG3 - LOG2) / 6]]),
        "cell.w_hidden": np.zeros((3, 1)),
        "cell.b_input": np.zeros(3),
        "cell.b_hidden": np.zeros(3),
        "readout.w": np.array([[100.0, 10.0, 1.0], [0.0, 0.0, 0.0]]),
        "readout.b": np.array([0.0, 5.0]),
    }
    annotation, mask = np.array([[0.0], [8.0], [np.nan]]), np.array([True, True, False])
    score, weight = path.decode(np.ones((1, 1)), annotation, np.ones(1), mask, params)
    assert_allclose(weight, [[0.25, 0.75, 0]], rtol=1e-12)
    assert_allclose(score, [[65 + 10 + 6, 5]], rtol=1e-12)
    fixed = {name: value for name, value in params.items() if name not in ("w_query", "w_key", "v")}
    score, weight = path.decode(np.ones((1, 1)), annotation, np.full(1, 6.0), mask, fixed)
    assert_array_equal(weight, [[0, 0, 0]])
    assert_allclose(score, [[65 + 10 + 6, 5]], rtol=1e-12)


def sigmoid(score):
    return 1 / (1 + np.exp(-score))


def slow_decode(feature, annotation, last, mask, params):
    """The formula once more, only the real annotations, number after number."""
    real = annotation[mask]
    state = np.tanh(params["start.w"] @ last + params["start.b"])
    n, scores, weights = len(state), [], []
    for x in feature:
        energy = np.array(
            [
                sum(params["v"] * np.tanh(params["w_query"] @ state + params["w_key"] @ a))
                for a in real
            ]
        )
        bell = np.exp(energy - energy.max(initial=-np.inf))
        share = bell / bell.sum()
        context = sum((s * a for s, a in zip(share, real, strict=True)), np.zeros(len(last)))
        a = params["cell.w_input"] @ [*x, *context] + params["cell.b_input"]
        c = params["cell.w_hidden"] @ state + params["cell.b_hidden"]
        z = sigmoid(a[n : 2 * n] + c[n : 2 * n])
        new = np.tanh(a[2 * n :] + sigmoid(a[:n] + c[:n]) * c[2 * n :])
        state = (1 - z) * new + z * state
        out = np.array([*state, *x, *context])
        if "maxout.w" in params:
            pre = params["maxout.w"] @ out + params["maxout.b"]
            out = np.array([max(pre[j], pre[j + 1]) for j in range(0, len(pre), 2)])
        scores.append(params["readout.w"] @ out + params["readout.b"])
        weights.append(np.zeros(len(mask)))
        weights[-1][mask] = share
    return np.array(scores), np.array(weights)


@both_paths
@pytest.mark.parametrize("d_maxout", [0, 3])
def test_decode_is_its_formula(path, d_maxout):
    rng = np.random.default_rng(3)
    case = (rng.normal(size=(4, 2)), *source(rng), decoder(rng, d_maxout=d_maxout))
    for ours, theirs in zip(path.decode(*case), slow_decode(*case), strict=True):
        assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)


@both_paths
@pytest.mark.parametrize("d_maxout", [0, 3])
def test_one_annotation_gives_back_the_fixed_context(path, d_maxout):
    """The plain encoder and decoder is attention with nothing to choose from."""
    rng = np.random.default_rng(4)
    params = decoder(rng, d_maxout=d_maxout)
    fixed = {name: value for name, value in params.items() if name not in ("w_query", "w_key", "v")}
    annotation, last, mask = source(rng)
    feature = rng.normal(size=(4, 2))
    plain, nothing = path.decode(feature, annotation, last, mask, fixed)
    one, weight = path.decode(feature, last[None], last, np.array([True]), params)
    assert_allclose(one, plain, rtol=1e-12, atol=1e-12)
    assert_array_equal(weight, np.ones((4, 1)))
    assert_array_equal(nothing, np.zeros((4, 4)))
    other = path.decode(feature, annotation, last, mask, params)[0]
    assert (abs(other - plain) > 1e-6).any(axis=-1).all(), "attention made no difference"


@both_paths
@pytest.mark.parametrize("d_score", [0, 6])
def test_decode_is_causal(path, d_score):
    rng = np.random.default_rng(5)
    params, rest = decoder(rng, d_score=d_score), source(rng)
    feature = rng.normal(size=(5, 2))
    score, weight = path.decode(feature, *rest, params)
    for t in range(5):
        other = feature.copy()
        other[t] += 1
        changed, moved = path.decode(other, *rest, params)
        assert_allclose(changed[:t], score[:t], rtol=1e-12, atol=1e-12)
        assert (abs(changed[t:] - score[t:]) > 1e-9).any(axis=-1).all(), "a feature is not read"
        # the query is the state before the step: no weight looks at its own step's feature
        assert_allclose(moved[: t + 1], weight[: t + 1], rtol=1e-12, atol=1e-12)
        if d_score and t < 4:
            assert (abs(moved[t + 1] - weight[t + 1]) > 1e-9).any(), "the query does not move"


@both_paths
def test_annotations_in_another_order_give_the_same_scores(path):
    """Attention has no sense of place but what the encoder wrote into the annotations."""
    rng = np.random.default_rng(6)
    params, feature = decoder(rng), rng.normal(size=(3, 2))
    annotation, last, mask = source(rng, 6)
    score, weight = path.decode(feature, annotation, last, mask, params)
    order = rng.permutation(6)
    other, shuffled = path.decode(feature, annotation[order], last, mask[order], params)
    assert_allclose(other, score, rtol=1e-10, atol=1e-12)
    assert_allclose(shuffled, weight[:, order], rtol=1e-10, atol=1e-12)


@both_paths
@pytest.mark.parametrize("d_score", [0, 6])
@pytest.mark.parametrize("junk", [np.nan, 1e6])
def test_padding_changes_no_score(path, d_score, junk):
    """From the source's features to the scores of the target."""
    rng = np.random.default_rng(7)
    readers = reader(rng, "ahead", 2, 3) | reader(rng, "back", 2, 3)
    params, feature = decoder(rng, d_annotation=6, d_score=d_score), rng.normal(size=(3, 2))
    words = rng.normal(size=(4, 2))
    results = []
    for n_more in (0, 3):
        mask = np.arange(4 + n_more) < 4
        padded = np.concatenate([words, np.full((n_more, 2), junk)])
        annotation, last = path.encode(padded, mask, readers)
        annotation[~mask] = junk
        results.append(path.decode(feature, annotation, last, mask, params))
    (score, weight), (other, longer) = results
    assert_allclose(other, score, rtol=1e-12, atol=1e-12)
    assert_allclose(longer, np.pad(weight, ((0, 0), (0, 3))), rtol=1e-12, atol=1e-15)


@both_paths
def test_an_empty_source_gives_a_context_of_nought(path):
    rng = np.random.default_rng(8)
    params, feature = decoder(rng), rng.normal(size=(3, 2))
    nowhere, last = np.zeros(4, dtype=bool), rng.normal(size=3)
    score, weight = path.decode(feature, np.full((4, 3), np.nan), last, nowhere, params)
    assert_array_equal(weight, np.zeros((3, 4)))
    one = path.decode(feature, np.zeros((1, 3)), last, np.array([True]), params)[0]
    assert_allclose(score, one, rtol=1e-12, atol=1e-12)  # as with one annotation of nought


@needs_torch
def test_an_empty_source_has_no_gradient():
    import torch

    functional, rng = room("functional"), np.random.default_rng(9)
    readers = reader(rng, "ahead", 2, 3) | reader(rng, "back", 2, 3)
    everything = {
        "source": np.where(np.arange(2)[:, None, None] == 0, rng.normal(size=(2, 4, 2)), np.nan),
        "target": rng.normal(size=(2, 3, 2)),
    } | {f"encoder.{k}": v for k, v in readers.items()}
    everything |= {f"decoder.{k}": v for k, v in decoder(rng, d_annotation=6).items()}
    leaf = {name: torch.tensor(value, requires_grad=True) for name, value in everything.items()}
    part = {
        which: {k.removeprefix(which): v for k, v in leaf.items() if k.startswith(which)}
        for which in ("encoder.", "decoder.")
    }
    mask = torch.tensor([[True, True, True, False], [False] * 4])
    annotation, last = functional.encode(leaf["source"], mask, part["encoder."])
    score, weight = functional.decode(leaf["target"], annotation, last, mask, part["decoder."])
    (score.square().sum() + weight.square().sum()).backward()
    for name, value in leaf.items():
        assert torch.isfinite(value.grad).all(), f"the gradient of {name} is spoilt"
    assert_array_equal(leaf["source"].grad.numpy()[~mask.numpy()], 0)
    assert (leaf["source"].grad[0, :3] != 0).all(), "the real words have no gradient"


@needs_torch
@pytest.mark.parametrize(("kind", "close"), [("float64", 1e-12), ("float32", 1e-6)])
@pytest.mark.parametrize("d_score", [0, 6])
def test_examples_of_a_batch_are_as_each_alone(kind, close, d_score):
    """Sources of several lengths in one padded batch, NaN behind them."""
    import torch

    functional, rng, dtype = room("functional"), np.random.default_rng(10), getattr(torch, kind)
    readers = reader(rng, "ahead", 2, 3) | reader(rng, "back", 2, 3)
    weights = decoder(rng, d_annotation=6, d_score=d_score)
    readers, weights = (
        {name: torch.tensor(0.5 * value, dtype=dtype) for name, value in params.items()}
        for params in (readers, weights)
    )
    length = torch.tensor([3, 7, 1, 0, 5])
    mask = torch.arange(7) < length[:, None]
    words = torch.tensor(rng.normal(size=(5, 7, 2)), dtype=dtype).masked_fill(
        ~mask.unsqueeze(-1), torch.nan
    )
    before = torch.tensor(rng.normal(size=(5, 4, 2)), dtype=dtype)
    annotation, last = functional.encode(words, mask, readers)
    score, weight = functional.decode(before, annotation, last, mask, weights)
    for i, n in enumerate(length.tolist()):
        n = max(n, 1)  # of an empty source one masked step is left
        alone, end = functional.encode(words[i, :n], mask[i, :n], readers)
        one, looked = functional.decode(before[i], alone, end, mask[i, :n], weights)
        for ours, theirs in (
            (annotation[i, :n], alone),
            (last[i], end),
            (score[i], one),
            (weight[i, :, :n], looked),
        ):
            assert_allclose(ours.numpy(), theirs.numpy(), rtol=close, atol=close)
        assert_array_equal(weight[i, :, n:].numpy(), 0)


def read_alone_and_padded(kind, n_number):
    """What the recorded model makes of numbers of the test.

    Each alone and without padding; all in a batch; and the batch with eight more columns of
    padding. Padding's own embedding is NaN. For each way annotations, weights, scores and the
    probabilities of words; zeros stand where a shorter array has nothing, or no word is asked for.
    """
    import torch

    from attn_course.training import RUNS, read_arrays, run_folder

    recipe, task = room("recipe"), room("task")
    recorded = read_arrays(run_folder(RUNS, "seq2seq", "attention-16", "book", 0), "weights")
    config = recipe.configure("book", "attention-16")
    model = recipe.build(config, torch.Generator().manual_seed(0))
    model.load_state_dict({name: torch.from_numpy(one) for name, one in recorded.items()})
    model.to(getattr(torch, kind)).source_embedding.data[task.PADDING] = torch.nan
    part = next(recipe.examples(config, subset=True))
    source, target = (torch.from_numpy(part[name][:n_number]) for name in ("source", "target"))
    before = torch.cat([torch.full_like(target[:, :1], task.START), target[:, :-1]], dim=1)
    word = (target != task.PADDING).unsqueeze(-1)
    n_letter, n_word = (source != task.PADDING).sum(dim=1), word.sum(dim=(1, 2))

    @torch.no_grad()
    def read(source, before):
        annotation, last, mask = model.read(source)
        score, weight = model.decoder(model.target_embedding[before], annotation, last, mask)
        return annotation, weight, score, score.softmax(dim=-1)

    more = read(torch.cat([source, source.new_zeros(n_number, 8)], dim=1), before)
    ways = {how: [torch.zeros_like(one) for one in more] for how in ("alone", "batch")}
    parts = [("batch", slice(None), source, before)]
    for i, (n, m) in enumerate(zip(n_letter, n_word, strict=True)):
        parts.append(("alone", slice(i, i + 1), source[i : i + 1, :n], before[i : i + 1, :m]))
    for how, rows, *case in parts:
        for whole, one in zip(ways[how], read(*case), strict=True):
            whole[rows, : one.shape[1], : one.shape[2]] = one
    names = ("annotation", "weight", "score", "probability")
    return {
        how: {
            name: (one if name == "annotation" else one * word).numpy()
            for name, one in zip(names, arrays, strict=True)
        }
        for how, arrays in (ways | {"more": more}).items()
    }


@pytest.fixture(scope="module")
def readings():
    pytest.importorskip("torch", reason="the modules need torch")
    return [read_alone_and_padded(kind, 64) for kind in ("float32", "float64")]


def furthest(one, other):
    """The largest difference of each array from its partner."""
    return {name: abs(value.astype(float) - other[name]).max() for name, value in one.items()}


def moved_by_padding(single, double, how):
    """What padding moves by more than it may: in float64 1e-12, in float32 as the test says."""
    exact, gap = (furthest(read["alone"], read[how]) for read in (double, single))
    own = furthest(single["alone"], double["alone"])
    most = {name: 4 * one for name, one in own.items()} | {"probability": 1e-6}
    found = [f"{name}, float64: {x:.1e}" for name, x in exact.items() if not x <= 1e-12]
    return found + [
        f"{name}, float32: {x:.1e}, not {most[name]:.1e}"
        for name, x in gap.items()
        if not x <= most[name]
    ]


@pytest.mark.parametrize("how", ["batch", "more"])
def test_padding_moves_the_recorded_model_by_no_more_than_rounding(readings, how):
    """With the weights that the pages run: 1e-12 in float64; in float32 what float32 gets wrong.

    A product with more rows or more columns may add up in another order, and in float32 that shows.
    Scores of this model reach 22, where neighbouring numbers of float32 are 1.9e-6 apart: there no
    score can keep to 1e-6. The probabilities of the words keep to it. Annotations, weights and
    scores are held to float32's own error, which is measured where nothing is padded: a number
    alone in float32, against the same in float64. Two orders of one sum are about as far from each
    other as either is from the truth (0.5 to 2.1 times as far was measured for scores and weights,
    with AVX-512, with AVX2 and with neither); four times is leave enough, and the next test shows
    that it is not too much.
    """
    single, double = readings
    assert moved_by_padding(single, double, how) == []
    for name, gap in furthest(single["alone"], double["alone"]).items():  # or four times is a lot
        assert gap <= 1e-5 * max(1.0, abs(double["alone"][name]).max()), f"{name}: {gap:.1e}"


@needs_torch
def test_a_low_score_in_place_of_a_mask_is_found_in_float32(monkeypatch):
    """Padding that scores minus ten, and so has a weight of 2e-5, moves more than rounding does."""
    import torch

    double = read_alone_and_padded("float64", 6)
    monkeypatch.setattr(
        room("functional"),
        "masked_softmax",
        lambda score, mask: torch.softmax(score.masked_fill(~mask, -10.0), dim=-1),
    )
    for how in ("batch", "more"):
        found = moved_by_padding(read_alone_and_padded("float32", 6), double, how)
        assert {"weight, float32", "score, float32"} <= {one.partition(":")[0] for one in found}


# --- beam search ----------------------------------------------------------------------------------


@both_paths
def test_beam_step_by_hand(path):
    # in sixteenths: 1/4 of (8, 4, 4) and 3/4 of (0, 4, 12), sixty-fourths (8, 4, 4), (0, 12, 36)
    with np.errstate(divide="ignore"):
        log_probability = np.log(np.array([[8, 4, 4], [0, 4, 12]]) / 16)
    total, origin, token = path.beam_step(log_probability, np.log([1 / 4, 3 / 4]), 6)
    assert_array_equal(origin, [1, 1, 0, 0, 0, 1])
    assert_array_equal(token, [2, 1, 0, 1, 2, 0])
    assert_allclose(np.exp(total), np.array([36, 12, 8, 4, 4, 0]) / 64, rtol=1e-12)
    total, origin, token = path.beam_step(log_probability, np.log([1 / 4, 3 / 4]), 2)
    assert_array_equal([origin, token], [[1, 1], [2, 1]])
    assert_allclose(np.exp(total), np.array([36, 12]) / 64, rtol=1e-12)


@both_paths
def test_equal_hypotheses_keep_their_order(path):
    n_beam, n_token = 7, 11
    total, origin, token = path.beam_step(np.zeros((n_beam, n_token)), np.zeros(n_beam), 50)
    assert_array_equal(total, np.zeros(50))
    assert_array_equal(origin * n_token + token, np.arange(50))


@both_paths
@few
@given(rng=number, n_beam=axis, n_token=axis)
def test_beam_step_keeps_the_best(path, rng, n_beam, n_token):
    log_probability, total = rng.normal(size=(n_beam, n_token)), rng.normal(size=n_beam)
    n_keep = int(rng.integers(1, n_beam * n_token + 1))
    sums = {(b, y): total[b] + log_probability[b, y] for b, y in np.ndindex(n_beam, n_token)}
    want = sorted(sums, key=sums.get, reverse=True)[:n_keep]
    best, origin, token = path.beam_step(log_probability, total, n_keep)
    assert list(zip(origin.tolist(), token.tolist(), strict=True)) == want
    assert_allclose(best, [sums[each] for each in want], rtol=1e-12)


def chances(*steps):
    """Tables of log-probabilities from probabilities."""
    with np.errstate(divide="ignore"):
        return np.log(np.array(steps, dtype=float))


@both_paths
def test_greedy_search_can_be_worse_than_two_hypotheses(path):
    # tokens 0 (end), 1, 2. First 1 with 0.6 or 2 with 0.4; after 1 all is equally likely, after 2
    # the end has 0.9: 0.6 / 3 = 0.2 against 0.36.
    third = [1 / 3] * 3
    table = chances([[0, 0.6, 0.4], [1, 0, 0], [1, 0, 0]], [third, third, [0.9, 0.05, 0.05]])
    token, total = path.beam_search(table, start=0, end=0, n_beam=1)
    assert_array_equal(token, [[1, 0]])
    assert_allclose(np.exp(total), [0.2], rtol=1e-12)
    token, total = path.beam_search(table, start=0, end=0, n_beam=2)
    assert_array_equal(token, [[2, 0], [1, 0]])
    assert_allclose(np.exp(total), [0.36, 0.2], rtol=1e-12)


@both_paths
def test_a_finished_hypothesis_stays_and_is_not_charged(path):
    # The end at once has 0.5; token 1 has 0.5 as well, then 0.8 again and again: 0.5, 0.32, 0.08...
    row = [0.2, 0.8]
    table = chances([[0.5, 0.5], [0.5, 0.5]], [[0.1, 0.9], row], [[0.1, 0.9], row])
    token, total = path.beam_search(table, start=1, end=0, n_beam=3)
    assert_array_equal(token, [[0, 0, 0], [1, 1, 1], [1, 0, 0]])
    assert_allclose(np.exp(total), [0.5, 0.32, 0.1], rtol=1e-12)


@both_paths
def test_a_short_sentence_is_not_made_up_for(path):
    """Sums, not means: of 0.3 at once and 0.7 * 0.4 the first is likelier."""
    table = chances([[0.3, 0.7], [0.3, 0.7]], [[0.0, 1.0], [0.6, 0.4]])
    token, total = path.beam_search(table, start=1, end=0, n_beam=4)
    assert_array_equal(token, [[1, 0], [0, 0], [1, 1], [0, 0]])  # the last is none at all
    assert_allclose(np.exp(total), [0.42, 0.3, 0.28, 0], rtol=1e-12)


@both_paths
def test_missing_hypotheses_are_filled_up(path):
    table = chances([[0.5, 0.5, 0], [0, 1, 0], [1, 0, 0]])
    token, total = path.beam_search(table, start=1, end=2, n_beam=3)  # one thing may follow 1
    assert_array_equal(token, [[1], [2], [2]])
    assert_array_equal(total, [0, -np.inf, -np.inf])
    token, total = path.beam_search(table[:, :, [0, 2, 1]], start=0, end=1, n_beam=4)
    assert_array_equal(token, [[0], [2], [1], [1]])
    assert_array_equal(total, [*np.log([0.5, 0.5]), -np.inf, -np.inf])


@both_paths
def test_each_hypothesis_goes_on_from_its_own_last_token(path):
    # 1 is followed by 2, 2 by 3, 3 by 1, for certain; the first step is a choice of three
    certain = [[1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0, 1, 0, 0]]
    table = chances([[0, 0.2, 0.3, 0.5]] * 4, certain, certain)
    token, total = path.beam_search(table, start=0, end=0, n_beam=3)
    assert_array_equal(token, [[3, 1, 2], [2, 3, 1], [1, 2, 3]])
    assert_allclose(np.exp(total), [0.5, 0.3, 0.2], rtol=1e-12)


def every_sequence(table, start, end):
    """All sequences and their totals, best first."""
    n_step, n_token = table.shape[:2]
    found = {}
    for sequence in itertools.product(range(n_token), repeat=n_step):
        total, last = 0.0, start
        for t, token in enumerate(sequence):
            if t and last == end:
                total += 0.0 if token == end else -np.inf
            else:
                total += table[t, last, token]
            last = token
        if total > -np.inf:
            found[sequence] = total
    return sorted(found.items(), key=lambda item: -item[1])


def random_table(rng, n_step, n_token):
    score = rng.normal(scale=2, size=(n_step, n_token, n_token))
    return score - np.log(np.exp(score).sum(-1, keepdims=True))


@both_paths
@few
@given(rng=number, n_step=st.integers(1, 4), n_token=st.integers(2, 4))
def test_a_wide_beam_finds_everything(path, rng, n_step, n_token):
    table = random_table(rng, n_step, n_token)
    start, end = (int(each) for each in rng.integers(n_token, size=2))
    want = every_sequence(table, start, end)
    n_beam = n_token**n_step
    token, total = path.beam_search(table, start, end, n_beam)
    assert_array_equal(token[: len(want)], [sequence for sequence, _ in want])
    assert_allclose(total[: len(want)], [total for _, total in want], rtol=1e-10)
    assert_array_equal(token[len(want) :], end)
    assert_array_equal(total[len(want) :], -np.inf)
    assert_allclose(np.exp(total).sum(), 1, rtol=1e-10)  # all there is


@both_paths
@few
@given(rng=number, n_step=st.integers(1, 7), n_token=st.integers(2, 5))
def test_no_beam_beats_viterbi(path, rng, n_step, n_token):
    """The best sequence by dynamic programming, for models whose next token knows only the last."""
    table, end = random_table(rng, n_step, n_token), 0
    best = np.full(n_token, -np.inf)
    best[1] = 0.0
    for step in table:
        step = step.copy()
        step[end] = np.where(np.arange(n_token) == end, 0.0, -np.inf)
        best = (best[:, None] + step).max(axis=0)
    totals = [path.beam_search(table, 1, end, n)[1][0] for n in (1, 2, n_token**3)]
    assert (np.array(totals) <= best.max() + 1e-9).all()
    if n_step <= 4:  # every hypothesis that matters is still there
        assert_allclose(totals[-1], best.max(), rtol=1e-10)


@both_paths
@few
@given(rng=number, n_step=axis, n_token=st.integers(2, 5))
def test_a_beam_of_one_is_greedy(path, rng, n_step, n_token):
    table, last, want = random_table(rng, n_step, n_token), 1, []
    for step in table:
        last = int(step[last].argmax()) if last != 0 else 0
        want.append(last)
    token, total = path.beam_search(table, 1, 0, 1)
    assert_array_equal(token, [want])
    assert total.shape == (1,)


@needs_torch
def test_a_batch_of_tables_that_run_dry_at_different_steps():
    import torch

    rng = np.random.default_rng(11)
    table = random_table(rng, 4, 3) + np.where(rng.random((6, 4, 3, 3)) < 0.6, -np.inf, 0.0)
    token, total = room("functional").beam_search(torch.tensor(table), 1, 2, 5)
    filled = set()
    for i, one in enumerate(table):
        theirs, sums = room("reference").beam_search(one, 1, 2, 5)
        assert_array_equal(token[i].numpy(), theirs)
        assert_allclose(total[i].numpy(), sums, rtol=1e-12)
        filled.add(int((sums == -np.inf).sum()))
    assert len(filled) > 1, "all examples have as many hypotheses"


# --- modules --------------------------------------------------------------------------------------


def translator(seed=0, **options):
    import torch

    generator = torch.Generator().manual_seed(seed)
    made = room("modules").Translator(7, 6, 4, 5, generator, **options).double()
    with torch.no_grad():
        for parameter in made.parameters():  # not to find all words about equally likely
            parameter += 0.5 * torch.randn(parameter.shape, generator=generator).double()
    return made


SOURCE = [[3, 5, 4, 6], [6, 3, 0, 0], [4, 0, 0, 0]]
each_kind = pytest.mark.parametrize(
    "options",
    [{}, {"attention": False}, {"back": False}, {"d_maxout": 3}],
    ids=["attention", "fixed", "one reader", "maxout"],
)


@needs_torch
@each_kind
def test_a_translator_is_its_parts(options):
    """Embeddings looked up, `encode`, then `decode` on the words one step earlier."""
    import torch

    made, reference = translator(**options), room("reference")
    before = [[1, 3, 5], [1, 4, 2], [1, 5, 3]]
    with torch.no_grad():
        score, weight = made(torch.tensor(SOURCE), torch.tensor(before))
    state = {name: value.numpy() for name, value in made.state_dict().items()}
    part = {
        which: {k.removeprefix(which): v for k, v in state.items() if k.startswith(which)}
        for which in ("encoder.", "decoder.")
    }
    for i, (words, given_words) in enumerate(zip(SOURCE, before, strict=True)):
        mask = np.array(words) != 0
        coded = reference.encode(state["source_embedding"][words], mask, part["encoder."])
        feature = state["target_embedding"][given_words]
        one, looked = reference.decode(feature, *coded, mask, part["decoder."])
        assert_allclose(score[i].numpy(), one, rtol=1e-10, atol=1e-12)
        assert_allclose(weight[i].numpy(), looked, rtol=1e-10, atol=1e-12)


def torchs_encoder_decoder(params, words, before):
    """Scores of one sentence without attention: torch's GRU to its end, then torch's GRUCell.

    Every step sees the word before and the GRU's last state, which also sets the first state.
    """
    import torch

    d_embedding, d_hidden = params["source_embedding"].shape[1], params["decoder.start.b"].shape[0]
    gru = torch.nn.GRU(d_embedding, d_hidden, batch_first=True).double()
    cell = torch.nn.GRUCell(d_embedding + d_hidden, d_hidden).double()
    for theirs, name, end in ((gru, "encoder.ahead", "_l0"), (cell, "decoder.cell", "")):
        parts = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        theirs.load_state_dict(
            {
                f"{part}{end}": params[f"{name}.{ours}"]
                for ours, part in zip(GRU, parts, strict=True)
            }
        )
    with torch.no_grad():
        (context,) = gru(params["source_embedding"][words].unsqueeze(0))[1][0]
        hidden = torch.tanh(params["decoder.start.w"] @ context + params["decoder.start.b"])
        scores = []
        for word in params["target_embedding"][before]:
            hidden = cell(torch.cat([word, context]), hidden)
            out = torch.cat([hidden, word, context])
            if "decoder.maxout.w" in params:
                pair = params["decoder.maxout.w"] @ out + params["decoder.maxout.b"]
                out = torch.maximum(pair[::2], pair[1::2])
            scores.append(params["decoder.readout.w"] @ out + params["decoder.readout.b"])
    return torch.stack(scores).numpy()


@needs_torch
@pytest.mark.parametrize("d_maxout", [0, 3])
def test_attention_to_the_last_state_alone_is_torchs_plain_encoder_and_decoder(d_maxout):
    """From tokens to scores, one reader, every annotation masked but the last.

    And the fixed decoder with the same weights, and the reference, give the same numbers.
    """
    import torch

    made = translator(back=False, d_maxout=d_maxout)
    fixed = translator(1, attention=False, back=False, d_maxout=d_maxout)
    params = made.state_dict()
    looks = {f"decoder.{name}" for name in ("w_query", "w_key", "v")}
    fixed.load_state_dict({name: one for name, one in params.items() if name not in looks})
    source, before = torch.tensor(SOURCE), torch.tensor([[1, 3, 5, 2], [1, 4, 4, 3], [1, 5, 3, 0]])
    feature = made.target_embedding.detach()[before]
    with torch.no_grad():
        annotation, last, mask = made.read(source)
        ends_here = torch.arange(source.shape[1]) == mask.sum(dim=1, keepdim=True) - 1
        assert_array_equal(annotation[ends_here], last)
        score, weight = made.decoder(feature, annotation, last, ends_here)
        plain, free = fixed(source, before)[0], made(source, before)[0]
    assert_array_equal(weight, ends_here[:, None].expand(weight.shape).double())
    parts = {
        which: {
            name.removeprefix(which): one.numpy()
            for name, one in params.items()
            if name.startswith(which)
        }
        for which in ("encoder.", "decoder.")
    }
    for i, words in enumerate(SOURCE):
        want = torchs_encoder_decoder(params, [word for word in words if word], before[i])
        assert_allclose(score[i], want, rtol=1e-12, atol=1e-12)
        assert_allclose(plain[i], want, rtol=1e-12, atol=1e-12)
        letters = params["source_embedding"].numpy()[words]
        coded = room("reference").encode(letters, mask[i].numpy(), parts["encoder."])
        case = (feature[i].numpy(), *coded, ends_here[i].numpy(), parts["decoder."])
        assert_allclose(room("reference").decode(*case)[0], want, rtol=1e-12, atol=1e-12)
    assert_allclose(free[2], plain[2], rtol=1e-12, atol=1e-12)  # one letter: nothing to choose
    assert ((free - plain)[:2].abs() > 1e-6).any(dim=-1).all(), "attention made no difference"


def ends(sequence):
    """How many words a translation has, its END included."""
    return sequence.index(2) + 1 if 2 in sequence else len(sequence)


def log_probabilities(made, words, sequences):
    """Of whole translations under the teacher's words, and where each looked."""
    import torch

    before = torch.tensor([[1, *sequence[:-1]] for sequence in sequences])
    with torch.no_grad():
        score, weight = made(torch.tensor([words] * len(sequences)), before)
    each = score.log_softmax(-1).gather(-1, torch.tensor(sequences)[..., None])[..., 0].numpy()
    return [float(row[: ends(s)].sum()) for row, s in zip(each, sequences, strict=True)], weight


@needs_torch
@each_kind
def test_a_wide_beam_translates_best(options):
    """A beam that holds everything, against the probability of every sentence there is."""
    import torch

    made, n_step = translator(**options), 3
    token, total, weight = made.translate(torch.tensor(SOURCE), n_step, 6**n_step)
    sentences = [
        each
        for each in itertools.product(range(6), repeat=n_step)
        if set(each[ends(each) :]) <= {2}
    ]
    for i, words in enumerate(SOURCE):
        totals, looked = log_probabilities(made, words, sentences)
        best = int(np.argmax(totals))
        assert tuple(token[i].tolist()) == sentences[best]
        assert_allclose(float(total[i]), totals[best], rtol=1e-10)
        n = ends(sentences[best])
        assert_allclose(weight[i, :n].numpy(), looked[best, :n].numpy(), rtol=1e-10, atol=1e-12)


@needs_torch
@pytest.mark.parametrize("n_beam", [1, 2, 5])
def test_a_translation_has_the_probability_that_it_says(n_beam):
    import torch

    made = translator(3)
    token, total, weight = made.translate(torch.tensor(SOURCE), 5, n_beam)
    for i, words in enumerate(SOURCE):
        sequence = token[i].tolist()
        [want], [looked] = log_probabilities(made, words, [sequence])
        assert_allclose(float(total[i]), want, rtol=1e-10)
        n = ends(sequence)
        assert_allclose(weight[i, :n].numpy(), looked[:n].numpy(), rtol=1e-10, atol=1e-12)
        alone = made.translate(torch.tensor([[each for each in words if each]]), 5, n_beam)
        assert_array_equal(alone[0][0].numpy(), sequence)
        assert_allclose(float(alone[1][0]), want, rtol=1e-10)
        for t in range(n if n_beam == 1 else 0):
            tries = [[*sequence[:t], word] for word in range(6)]
            assert sequence[t] == np.argmax(log_probabilities(made, words, tries)[0])


@needs_torch
def test_the_same_seed_gives_the_same_weights():
    import torch

    modules = room("modules")
    one, same, other = (
        modules.AdditiveAttention(30, 40, 5000, torch.Generator().manual_seed(seed)).state_dict()
        for seed in (0, 0, 1)
    )
    assert set(one) == {"w_query", "w_key", "v"}
    for name, value in one.items():
        assert_array_equal(value.numpy(), same[name].numpy())
        assert (value != other[name]).any()
    assert_allclose(float(one["v"].var()) * 5000, 1, rtol=0.1)
