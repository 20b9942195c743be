"""The harness that times mechanisms beside their rivals: it compares before it times."""

import json
from contextlib import nullcontext
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from attn_course import benchmark
from attn_course.benchmark import Arm
from attn_course.seq2seq import bench as attending
from attn_course.spatial_transformer import bench


def square(name="square", same="square", wrong=0.0, backward=False):
    x = torch.arange(6.0).reshape(2, 3).requires_grad_()
    return Arm(name, same, lambda: (1 + wrong) * x * x, (x,) if backward else ())


def test_arms_that_differ_are_refused():
    benchmark.compare([square(), square("other"), square("another", "by itself", wrong=0.1)])
    with pytest.raises(AssertionError, match="wrong must give what square gives"):
        benchmark.compare([square(), square("wrong", wrong=0.01)])


def test_gradients_are_compared_too():
    right = square(backward=True)
    x = right.leaves[0]
    detached = Arm("half", "square", lambda: x * x.detach(), (x,))
    with pytest.raises(AssertionError, match="half must give what square gives"):
        benchmark.compare([right, detached])


def test_gradients_by_other_leaves_are_compared_in_one_form():
    x = torch.arange(6.0).reshape(2, 3)
    x, turned = x.clone().requires_grad_(), x.mT.clone().requires_grad_()
    plain = Arm("plain", "square", lambda: x * x, (x,))
    for factor, right in ((1.0, nullcontext()), (1.01, pytest.raises(AssertionError))):
        other = Arm(
            "turned",
            "square",
            lambda: turned.mT**2,
            (turned,),
            form=lambda got, factor=factor: (got[0], factor * got[1].mT),
        )
        with right:
            benchmark.compare([plain, other])


def test_the_slower_arm_takes_longer():
    quick, slow = (torch.rand(n, n) for n in (8, 400))
    arms = [
        Arm("quick", "quick", lambda: quick @ quick, operations=2.0 * 8**3),
        Arm("slow", "slow", lambda: slow @ slow, operations=2.0 * 400**3),
    ]
    row = {"arms": benchmark.measure(arms, 5)}
    assert benchmark.ratio(row, "slow", "quick") > 3
    for one in row["arms"].values():
        assert 0 < one["low"] <= one["seconds"] <= one["high"]


def test_what_is_kept_for_the_backward_pass():
    x, given = torch.rand(100).requires_grad_(), torch.rand(100)
    arm = Arm("exp", "exp", lambda: (x * given).exp(), (x,), (given,))
    assert benchmark.kept(arm) == 400  # the exponential keeps its own value, a hundred floats
    assert benchmark.kept(Arm("exp", "exp", arm.call)) == 0


@pytest.mark.parametrize("setting", list(bench.settings("smoke")), ids=str)
def test_the_two_windows_are_compared_with_their_rivals(setting):
    _, arms = bench.case(setting)
    benchmark.compare(arms)
    assert {arm.same for arm in arms} == {"gaussian", "bilinear"}
    assert all(arm.operations > 0 and arm.traffic > 0 for arm in arms)


def test_both_windows_look_at_the_same_place():
    """On a ramp a window reads its own positions, whatever the kernel, away from the border."""
    _, arms = bench.case({"image": 64, "glimpse": 8, "batch": 2, "pass": "forward"})
    ramp = torch.arange(64.0).expand(2, 1, 64, 64)
    arms[0].given[0].copy_(ramp + 0.01 * ramp.mT)  # one image for all
    seen = {arm.same: arm.call() for arm in arms}
    torch.testing.assert_close(seen["gaussian"], seen["bilinear"], rtol=0, atol=0.02)


def test_a_record_is_written(tmp_path, capsys):
    assert benchmark.main(["spatial_transformer", "--rounds", "5", "--out", str(tmp_path)]) == 0
    record = benchmark.read("spatial_transformer", folder=tmp_path)
    assert json.dumps(record["rows"]).count('"seconds"') == 6 * 5
    wide = [row for row in record["rows"] if row["image"] == 256 and row["pass"] == "parameters"]
    for row in wide:  # at peace about three; the quick readings, for other tests run beside this
        low = {name: arm["low"] for name, arm in row["arms"].items()}
        assert low["gaussian"] > 1.2 * low["bilinear"]
    assert "wrote" in capsys.readouterr().out


def test_the_settings_of_the_book_fit_into_memory():
    settings = list(bench.settings("book"))
    assert {one["image"] for one in settings} == set(bench.IMAGES)
    assert max(4 * one["batch"] * one["image"] ** 2 for one in settings) <= bench.MOST


class Joint(nn.Module):
    """Stands in for yoyodyne, which is in the benchmark's own environment only."""

    def __init__(self, d_key, d_query):
        super().__init__()
        self.M, self.V = nn.Linear(d_key + d_query, d_query), nn.Linear(d_query, 1)

    def forward(self, key, query, hidden):
        both = torch.cat([key, query.expand(-1, key.shape[1], -1)], dim=-1)
        score = self.V(self.M(both).tanh()).mT
        weight = score.masked_fill(hidden.unsqueeze(1), -torch.inf).softmax(dim=-1)
        return weight @ key, weight


class Summed(nn.Module):
    """Stands in for the layer of keras: no projections, and a large number for a mask."""

    def build(self, shapes):
        value = nn.Parameter(torch.zeros(shapes[0][-1]))
        self.register_parameter("v", value)
        self.scale = SimpleNamespace(value=value, assign=value.data.copy_)

    def forward(self, three, mask, return_attention_scores):
        query, value, key = three
        score = (query.unsqueeze(-2) + key.unsqueeze(-3)).tanh() @ self.v
        weight = (score - 1e9 * ~mask[1].unsqueeze(1)).softmax(dim=-1)
        return weight @ value, weight


@pytest.fixture
def peers(monkeypatch):
    layers = SimpleNamespace(AdditiveAttention=Summed)
    keras = SimpleNamespace(device=nullcontext, layers=layers)
    monkeypatch.setattr(attending, "_keras", lambda: keras)
    monkeypatch.setattr(attending, "_yoyodyne", lambda: Joint)
    return {"keras", "yoyodyne"}


@pytest.mark.parametrize("setting", list(attending.settings("smoke")), ids=str)
def test_additive_attention_is_compared_with_its_peers(setting, peers):
    _, arms = attending.case(setting)
    benchmark.compare(arms)
    assert {arm.same for arm in arms} == {"additive"}
    names = {arm.name for arm in arms}
    assert peers <= names
    assert ("additive, keys once" in names) == (setting["query"] > 1)
    assert all(bool(arm.leaves) == (setting["pass"] == "all") for arm in arms)
    assert all(arm.operations > 0 and arm.traffic > 0 for arm in arms)
    for arm in arms:
        context = arm.call()
        assert context.shape == (setting["batch"], setting["query"], setting["width"])
        assert context.requires_grad == (setting["pass"] == "all"), arm.name


@pytest.mark.parametrize("setting", list(attending.settings("smoke")), ids=str)
def test_additive_attention_is_compared_with_the_peers_at_hand(setting):
    """Those that are installed: none in most environments, both in the benchmark's own."""
    _, arms = attending.case(setting)
    benchmark.compare(arms)
    assert {arm.name for arm in arms} >= {"additive", *attending.versions()}


def test_a_peer_that_takes_the_mask_the_other_way_round_is_refused(peers, monkeypatch):
    class Turned(Joint):
        def forward(self, key, query, hidden):
            return super().forward(key, query, ~hidden)

    monkeypatch.setattr(attending, "_yoyodyne", lambda: Turned)
    _, arms = attending.case({"query": 1, "source": 16, "width": 8, "batch": 4, "pass": "forward"})
    with pytest.raises(AssertionError, match="yoyodyne must give what additive gives"):
        benchmark.compare(arms)


def test_a_peer_whose_weights_get_the_wrong_gradient_is_refused(peers, monkeypatch):
    class Detached(Joint):
        def forward(self, key, query, hidden):
            context, weight = super().forward(key, query.detach(), hidden)
            return context + 0 * query.sum(), weight  # the same output, no way back to the query

    monkeypatch.setattr(attending, "_yoyodyne", lambda: Detached)
    _, arms = attending.case({"query": 1, "source": 16, "width": 8, "batch": 4, "pass": "all"})
    with pytest.raises(AssertionError, match="yoyodyne must give what additive gives"):
        benchmark.compare(arms)


def test_the_edges_are_put_into_words(peers):
    edges = attending.edges()
    nothing, behind = edges["nothing to attend to"], edges["NaN behind"]
    assert set(nothing["additive"].values()) == {"zero"}
    assert set(behind["additive"].values()) == {"unchanged"}
    assert nothing["keras"] == {
        "weight": "even",
        "context": "mean of all",
        "gradient": "other numbers",
    }
    assert set(nothing["yoyodyne"].values()) == {"NaN"}
    assert set(behind["keras"].values()) == {"NaN"}
    assert behind["yoyodyne"] == {"context": "NaN", "weight": "unchanged", "gradient": "NaN"}


def test_the_edges_are_written_where_there_are_any(tmp_path):
    for name in ("seq2seq", "spatial_transformer"):
        assert benchmark.main([name, "--rounds", "1", "--out", str(tmp_path)]) == 0
    record = benchmark.read("seq2seq", folder=tmp_path)
    assert set(record["edges"]["NaN behind"]) == {"additive", *attending.versions()}
    assert "edges" not in benchmark.read("spatial_transformer", folder=tmp_path)


@pytest.mark.parametrize("n_thread", [1, 2])
def test_the_record_of_additive_attention_is_whole(n_thread):
    record = benchmark.read("seq2seq", n_thread=n_thread)
    assert f"--preset book --device cpu --threads {n_thread}" in record["command"]
    assert record["threads"] == n_thread
    assert {"keras", "yoyodyne"} <= set(record["versions"])
    rows = [{k: row[k] for k in row if k != "arms"} for row in record["rows"]]
    assert rows == list(attending.settings("book"))
    for row in record["rows"]:
        assert {"additive", "keras", "yoyodyne"} <= set(row["arms"])
    for edge in record["edges"].values():
        assert set(edge) == {"additive", "keras", "yoyodyne"}
    for name, edge in attending.edges().items():
        assert record["edges"][name]["additive"] == edge["additive"]
