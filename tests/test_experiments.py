"""The numbers that the model answers of the experiments quote, run again."""

import contextlib
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose
from paths import HAS_TORCH

from attn_course.exercises import checking, source
from attn_course.gaussian import reference

N_SEED, N_TRIAL = 24, 20
needs_torch = pytest.mark.skipif(not HAS_TORCH, reason="torch is absent")


def within(shares):
    """Mean of the seeds' shares and the half-width of its interval, in per cent."""
    return 100 * np.mean(shares), 196 * np.std(shares, ddof=1) / np.sqrt(len(shares))


def said(text, pattern):
    """The numbers that a sentence of a model answer gives; {} stands for one of them."""
    pattern = re.escape(pattern).replace(r"\{\}", r"(\d+(?:\.\d+)?)").replace(r"\ ", r"\s+")
    found = re.search(pattern, text)
    assert found, f"the model answer no longer says {pattern!r}"
    return [float(number) for number in found.groups()]


# --- Two parameters too many? ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def parameters():
    """The exercise, and the procedure as its checks have it."""
    exercise = source.load("gaussian/parameters")
    return exercise, exercise._module()


def planned(checks, line, start, target, wide=8.0, n_step=150):
    """Two numbers descended while a plan takes the std of window and target from `wide` down."""
    place = np.column_stack([start[:, 0], np.log(start[:, 1])])
    first, second = np.zeros((2, len(start), 2))
    for t in range(n_step):
        std = np.full(len(start), wide * (0.75 / wide) ** min(1, t / (0.8 * n_step)))
        wanted = checks["_read"](line, np.column_stack([target, std]))[0]
        window = np.column_stack([place[:, 0], np.exp(place[:, 1]), std])
        by = checks["_slope"](line, window, wanted)[:, :2]
        first += 0.1 * (by - first)
        second += 0.001 * (by**2 - second)
        size = np.sqrt(second / (1 - 0.999 ** (t + 1))) + 1e-8
        step = first / (1 - 0.9 ** (t + 1)) / size
        place -= checks["RATE"][:2] * (1 - t / n_step) * step
    return np.column_stack([place[:, 0], np.exp(place[:, 1]), std])


@pytest.fixture(scope="module")
def arms(parameters):
    """What became of every trial, (N_SEED, N_TRIAL) an arm, and how far off the free ones ended."""
    _, checks = parameters
    found, ends = {}, []
    for seed in range(1, N_SEED + 1):
        line = np.tile(checks["_line"](seed), (N_TRIAL, 1))
        target, start = checks["_starts"](seed)
        for arm, n_step in (("free", 150), ("tied", 150), ("free", 300), ("tied", 300)):
            end = checks["_descend"](line, start, target, np.full(N_TRIAL, arm == "tied"), n_step)
            found.setdefault((arm, n_step), []).append(checks["_found"](end, target))
            if (arm, n_step) == ("free", 150):
                ends.append(end - np.pad(target, ((0, 0), (0, 1))))
        end = planned(checks, line, start, target)
        found.setdefault(("plan", 150), []).append(checks["_found"](end, target))
    return {arm: np.array(one) for arm, one in found.items()}, np.array(ends)


def test_model_answer_on_parameters_gives_the_shares(parameters, arms):
    text, (found, _) = parameters[0].questions[0].model, arms
    free, tied, plan = (found[arm, 150] for arm in ("free", "tied", "plan"))
    assert_allclose(
        said(text, "free arm found {} ± {} % of its targets and the tied arm {} ± {} %"),
        [*within(free.mean(axis=1)), *within(tied.mean(axis=1))],
        atol=0.06,
    )
    gap = tied.astype(float) - free
    assert_allclose(
        said(text, "the tied arm found {} ± {} percentage points more"),
        within(gap.mean(axis=1)),
        atol=0.06,
    )
    assert_allclose(
        said(text, "more: {} windows arrived only when tied, {} only when free"),
        [(gap > 0).sum(), (gap < 0).sum()],
    )
    by_distance = [100 * one.reshape(N_SEED, 5, 4).mean(axis=(0, 2)) for one in (free, tied)]
    assert_allclose(
        said(
            text,
            "the free arm found {}, {}, {}, {} and {} %, the tied arm {}, {}, {}, {} and {} %",
        ),
        np.concatenate(by_distance),
        atol=0.51,
    )
    assert_allclose(
        said(text, "first three the free arm is ahead by {} ± {} points"),
        within(-gap[:3].mean(axis=1)),
        atol=0.06,
    )
    assert_allclose(said(text, "and found {} ± {} %. The"), within(plan.mean(axis=1)), atol=0.06)


def test_model_answer_on_parameters_says_how_windows_end(parameters, arms):
    text, (found, off) = parameters[0].questions[0].model, arms
    lost = off[found["tied", 150] & ~found["free", 150]]
    near = np.abs(lost[:, 0] + 5.5 * lost[:, 1]) < 1
    assert_allclose(
        said(text, "Left free, {} of the {} stood in the right place"), [near.sum(), len(lost)]
    )
    assert (np.abs(lost[:, 1]) > 0.05).all()  # the target's stride is 1
    assert_allclose(said(text, "the median std was {} and"), np.median(lost[:, 2]), atol=0.006)
    gap = found["free", 300].astype(float) - found["tied", 300]
    assert_allclose(
        said(text, "the difference is {} ± {} points the other way"),
        within(gap.mean(axis=1)),
        atol=0.06,
    )


def test_procedure_of_the_checks_reads_as_the_package_does(parameters):
    _, checks = parameters
    rng = np.random.default_rng(0)
    window = np.column_stack(
        [rng.uniform(-9, 60, 5), rng.uniform(0.6, 2, 5), rng.uniform(0.3, 3, 5)]
    )
    line = rng.standard_normal((5, 64))
    got = checks["_read"](line, window)[0]
    for n, (mean, stride, std) in enumerate(window):
        assert_allclose(
            got[n], reference.filterbank(mean, std, stride, 12, 64) @ line[n], atol=1e-12
        )


def test_slopes_of_the_checks_are_those_of_the_loss(parameters):
    _, checks = parameters
    rng = np.random.default_rng(1)
    place = np.column_stack([rng.uniform(-3, 50, 5), *np.log(rng.uniform(0.6, 2, (2, 5)))])
    line, wanted = rng.standard_normal((5, 64)), rng.standard_normal((5, 12))

    def window(place):
        return np.column_stack([place[:, 0], np.exp(place[:, 1:])])

    def loss(place):
        return ((checks["_read"](line, window(place))[0] - wanted) ** 2).mean(axis=1)

    got = checks["_slope"](line, window(place), wanted)
    for k, nudge in enumerate(1e-6 * np.eye(3)):
        want = (loss(place + nudge) - loss(place - nudge)) / 2e-6
        assert_allclose(got[:, k], want, rtol=1e-5, atol=1e-7)


def test_made_up_records_fall(parameters):
    """Records with the right shares, their outcomes dealt out anew: none gets through."""
    exercise, _ = parameters
    namespace = {}
    exec(exercise.solution(), namespace)
    honest = namespace["record"]()
    checks = [one for one in exercise.checks() if one.name == "trials_run_again_end_alike"]
    for seed in range(5):
        outcomes = [one["found"] for one in honest["trials"]]
        dealt = np.random.default_rng(seed).permutation(outcomes)
        trials = [one | {"found": bool(f)} for one, f in zip(honest["trials"], dealt, strict=True)]
        forged = checking.Answer({"record": lambda made=trials: {"trials": made}})
        (outcome,) = checking.run(checks, forged, [seed])
        assert outcome.earned == 0
    assert checking.run(checks, checking.Answer({"record": lambda: honest}), [0])[0].earned == 3


# --- Holding still or extrapolating? --------------------------------------------------------------


def blocks(text):
    """The Python that a text gives to be run."""
    return re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def rows(text, head):
    """The numbers in the rows of a table that begin with `head`."""
    found = re.findall(rf"^\| {re.escape(head)} \|(.*)\|$", text, re.MULTILINE)
    assert found, f"the model answer no longer has a row {head!r}"
    return [[float(number) for number in row.split("|")] for row in found]


@pytest.fixture(scope="module")
def persistence():
    """The exercise, and all that the code of its text and model answer computes."""
    import torch

    n_thread = torch.get_num_threads()
    torch.set_num_threads(1)
    exercise = source.load("gaussian/persistence")
    made = {}
    (setting,) = blocks(exercise.text)
    (measuring,) = blocks(exercise.questions[1].model)
    with contextlib.chdir(source.HERE.parents[1]):  # the checkout, which the text asks for
        for code in (setting, exercise.solution(), measuring):
            exec(code, made)
    torch.set_num_threads(n_thread)
    return exercise, made


@needs_torch
def test_model_answer_on_persistence_gives_the_tables(persistence):
    exercise, made = persistence
    text = exercise.questions[1].model
    assert_allclose(
        said(text, "in {} of them the straight path stays inside"), made["kept"].sum(), atol=2
    )
    table = re.findall(r"^\| (\d+\.\d) \| (\d+\.\d) \| (\d+\.\d) \|$", text, re.MULTILINE)
    assert_allclose(np.array(table, float), made["quarters"], atol=0.06)
    heads = {"tracker": True, "state cleared": False, "the digit itself": "digit"}
    for head, name in heads.items():
        assert_allclose(rows(text, head), [made["shares"][name]], atol=0.006)
    assert_allclose(rows(text, "±"), [made["widths"][True], made["widths"][False]], atol=0.006)


@needs_torch
def test_model_answer_on_persistence_says_what_was_measured(persistence):
    exercise, made = persistence
    text, share = exercise.questions[2].model, made["shares"]
    frames = np.arange(1, 9) * share[True]  # frames' worth of motion
    assert_allclose(
        said(text, "rises from {} to about {} in the fourth"), frames[[0, 3]], atol=0.05
    )
    assert_allclose(frames[3:], 1.5, atol=0.1)
    assert_allclose(said(text, "path, {} of it still in the eighth"), share["digit"][7], atol=0.006)
    assert_allclose(
        said(text, "the factor is {} in the first hidden frame and {} in the eighth"),
        share[False][[0, 7]],
        atol=0.006,
    )
    speed = np.linalg.norm(made["velocity"][made["kept"]], axis=1).mean()
    assert_allclose(said(text, "frames at {} pixels a frame"), speed, atol=0.06)
    assert_allclose(np.mean(made["quarters"], axis=0)[1], 8, atol=0.6)  # "about eight pixels"
    assert_allclose(frames[7] * speed, 2.5, atol=0.3)  # "some two and a half"
