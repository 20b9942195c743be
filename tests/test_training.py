"""The training loop: what is resumed or shared between processes equals what was not."""

import json
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from attn_course.gaussian import recipe
from attn_course.training import __main__ as command
from attn_course.training import loop, record

ARMS = ["reader-4", "frozen-4", "convolution", "crop-learned", "track"]
PYTHON = [sys.executable, "-m", "attn_course.training", "gaussian"]


def small(arm: str, n_update: int = 20):
    config = recipe.configure("smoke", arm)
    return replace(config, n_update=n_update, batch=4, n_example=8, dtype="float64", warm_up=3)


def weights(model: torch.nn.Module) -> dict[str, np.ndarray]:
    return {k: v.detach().numpy() for k, v in model.state_dict().items()}


def assert_same(one: dict, other: dict) -> None:
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_allclose(one[name], other[name], rtol=0, atol=1e-9, err_msg=name)


class StopError(Exception):
    pass


@pytest.mark.parametrize("arm", ARMS)
def test_a_resumed_run_equals_the_uninterrupted_one(arm, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "SAVE_EVERY", 0.0)
    whole, curve = loop.train(recipe, small(arm), seed=1)

    def stop_at_7(update: int, loss: float) -> None:
        if update == 7:
            raise StopError

    file = tmp_path / "state.pt"
    with pytest.raises(StopError):
        loop.train(recipe, small(arm), seed=1, state_file=file, report=stop_at_7)
    seen = []
    resumed, resumed_curve = loop.train(
        recipe, small(arm), seed=1, state_file=file, report=lambda update, loss: seen.append(update)
    )
    assert seen[0] == 7, "the state of update 6 was there to go on from"
    assert_same(weights(whole), weights(resumed))
    np.testing.assert_allclose(curve["loss"], resumed_curve["loss"], rtol=0, atol=1e-9)


def test_training_moves_the_weights_and_seeds_differ():
    first, _ = loop.train(recipe, small("reader-4"), seed=0)
    again, _ = loop.train(recipe, small("reader-4"), seed=0)
    other, _ = loop.train(recipe, small("reader-4"), seed=1)
    start = recipe.build(small("reader-4"), torch.Generator().manual_seed(0))
    assert_same(weights(first), weights(again))
    assert abs(weights(first)["answer.w"] - weights(other)["answer.w"]).max() > 1e-3
    assert abs(weights(first)["answer.w"] - weights(start)["answer.w"]).max() > 1e-3


def test_a_state_of_another_run_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "SAVE_EVERY", 0.0)
    file = tmp_path / "state.pt"
    loop.train(recipe, small("reader-4", 2), seed=0, state_file=file)
    with pytest.raises(loop.ResumeError, match="delete it to start again"):
        loop.train(recipe, small("reader-4", 2), seed=1, state_file=file)


@pytest.mark.parametrize("arm", ["reader-4", "track"])
def test_two_processes_equal_one(arm, tmp_path):
    """Under torchrun, 20 updates in float64: the same weights to 1e-9."""
    shared = ["--arms", arm, "--weights", "--set", "dtype=float64", "--set", "n_update=20"]
    shared += ["--set", "batch=6", "--set", "n_example=8"]
    subprocess.run([*PYTHON, *shared, "--out", str(tmp_path / "one")], check=True)
    run = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    run += ["-m", "attn_course.training", "gaussian", *shared, "--out", str(tmp_path / "two")]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    one, two = (
        load_file(
            record.run_folder(tmp_path / n, "gaussian", arm, "smoke", 0) / "weights.safetensors"
        )
        for n in ("one", "two")
    )
    assert_same(one, two)


def test_a_killed_run_goes_on(tmp_path):
    """SIGKILL in the middle, the same command again: the record equals an undisturbed one."""
    code = "import sys; from attn_course.training import loop, __main__ as m; loop.SAVE_EVERY = 0.0"
    code += "; sys.exit(m.main(sys.argv[1:]))"
    shared = ["gaussian", "--set", "n_update=60", "--set", "dtype=float64"]
    killed = [sys.executable, "-c", code, *shared, "--out", str(tmp_path / "killed")]
    folder = record.run_folder(tmp_path / "killed", "gaussian", "reader-4", "smoke", 0)
    with subprocess.Popen(killed) as process:
        while not (folder / "state.pt").exists():
            assert process.poll() is None, "the run ended before it saved its state"
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert not (folder / "run.json").exists()
    done = subprocess.run(killed, check=True, capture_output=True, text=True)
    assert "going on from the state saved in" in done.stdout
    subprocess.run([*PYTHON, *shared[1:], "--out", str(tmp_path / "whole")], check=True)
    whole = record.run_folder(tmp_path / "whole", "gaussian", "reader-4", "smoke", 0)
    for name in ("curve", "final", "config"):
        assert record.read(folder)[name] == record.read(whole)[name]
    assert not (folder / "state.pt").exists()


def test_a_stopped_run_says_how_to_go_on(tmp_path):
    out = ["--out", str(tmp_path), "--set", "n_update=100000"]
    with subprocess.Popen([*PYTHON, *out], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        time.sleep(4)
        process.send_signal(signal.SIGTERM)
        said = process.stderr.read()
    assert process.returncode == 130
    assert "the same command goes on from the last saved state" in said
    assert "Traceback" not in said


def test_a_sweep_runs_what_is_missing(tmp_path, capfd):
    arguments = ["gaussian", "--arms", "centre,dense", "--seeds", "0,1", "--set", "n_update=2"]
    arguments += ["--out", str(tmp_path)]
    assert command.main(arguments) == 0
    assert "0 of 4 runs are there, 4 left" in capfd.readouterr().out
    (tmp_path / "gaussian" / "dense" / "smoke-seed1" / "run.json").unlink()
    assert command.main(arguments) == 0
    said = capfd.readouterr().out
    assert "3 of 4 runs are there, 1 left" in said
    assert "0 runs left" in said
    assert len(list(tmp_path.glob("gaussian/*/*/run.json"))) == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gausian"], "mechanism must be one of families, .*got gausian"),
        (["gaussian", "--arms", "nope"], "arm must be one of reader-4, .*got nope"),
        (["gaussian", "--set", "lr=fast"], "lr must be of type float, got fast"),
        (["gaussian", "--set", "learning_rate=1"], "setting must be one of task, .*got learning_"),
        (["gaussian", "--set", "memory=maybe"], "memory must be true or false, got maybe"),
        (["gaussian", "--set", "lr"], "--set must be NAME=VALUE, got lr"),
    ],
)
def test_a_wrong_argument_gives_one_clear_line(arguments, message, capsys):
    assert command.main(arguments) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert re.search(message, said), said


def test_a_loss_that_is_not_finite_stops_the_run():
    config = replace(small("dense"), lr=float("inf"))
    with pytest.raises(FloatingPointError, match="loss must be finite, got nan at update"):
        loop.train(recipe, config, seed=0)


def test_the_learning_rate_rises_and_falls():
    rates = [loop.rate(u, 100, 9) for u in range(100)]
    np.testing.assert_allclose(rates[0], 0.1)
    assert int(np.argmax(rates)) == 9
    assert rates[-1] < 0.001


def test_the_loss_of_a_batch_is_the_mean_over_its_examples():
    config = small("reader-4")
    model = recipe.build(config, torch.Generator().manual_seed(0)).double()
    part = loop.to_tensors(recipe.batch(config, 0, 0), "cpu", torch.float64)
    losses = recipe.loss(config, model, part, 0.0)
    alone = [
        recipe.loss(config, model, {k: v[i : i + 1] for k, v in part.items()}, 0.0)
        for i in range(config.batch)
    ]
    torch.testing.assert_close(losses, torch.cat(alone))


def test_records_read_back(tmp_path):
    assert command.main(["gaussian", "--arms", "centre", "--weights", "--out", str(tmp_path)]) == 0
    folder = record.run_folder(tmp_path, "gaussian", "centre", "smoke", 0)
    run = record.read(folder)
    assert run["seed"] == 0
    assert record.read_arrays(folder, "weights")["2.w"].shape == (136, 784)
    (folder / "predictions.safetensors").write_bytes(b"other")
    with pytest.raises(ValueError, match=r"predictions\.safetensors .* must have SHA-256"):
        record.read_arrays(folder, "predictions")
    text = (folder / "run.json").read_text()
    assert json.loads(text) == run
    assert str(tmp_path) not in text, "a record holds no path of the machine that made it"


def test_the_code_hash_sees_code_and_not_docstrings():
    source = '"""Doc."""\n\n# A remark.\ndef f(x):\n    """More."""\n    return x\n'
    same = "def f(x):\n    return x\n"
    assert record._bare(source) == record._bare(same)
    assert record._bare(source) != record._bare(same.replace("return x", "return -x"))
