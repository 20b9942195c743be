"""The harness that times mechanisms beside their rivals: it compares before it times."""

import json

import pytest
import torch

from attn_course import benchmark
from attn_course.benchmark import Arm
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
