"""How the scores are compared: the tasks, models that differ in the score alone, a true measure."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from attn_course.families import recipe, task
from attn_course.seq2seq import task as number_words
from attn_course.training import loop

TASKS = ("numbers", "reversal")  # the words with their sounds are not on every machine


def made(arm, preset="smoke", **change):
    config = replace(recipe.configure(preset, arm), **change)
    return config, recipe.build(config, torch.Generator().manual_seed(0))


@pytest.mark.parametrize("score", recipe.SCORES)
@pytest.mark.parametrize("name", TASKS)
def test_an_arm_is_trained_and_measured(name, score):
    config, _ = made(f"{name}-{score}", n_update=4)
    model, curve = loop.train(recipe, config, seed=0)
    assert np.isfinite(curve["loss"]).all()
    result, predicted = loop.evaluate(recipe, config, model, subset=True)
    assert recipe.measure(config, predicted) == result
    assert len(predicted["said"]) == config.n_example // 10


def test_the_measure_sees_one_wrong_token_and_no_padding():
    config, _ = made("reversal-dot")
    target = np.array([[5, 6, task.END, 0], [7, 8, 9, task.END]])
    said = np.array([[5, 6, task.END, 9], [7, 8, 9, task.END]])
    assert recipe.measure(config, {"said": said, "target": target}) == {"error": 0.0}
    said[1, 3] = 5
    assert recipe.measure(config, {"said": said, "target": target}) == {"error": 0.5}


def test_models_differ_in_the_score_alone():
    """What all have starts from the same numbers."""
    first = dict(made("numbers-uniform", "book")[1].named_parameters())
    for score in recipe.SCORES:
        weights = dict(made(f"numbers-{score}", "book")[1].named_parameters())
        for name, weight in first.items():
            torch.testing.assert_close(weights[name], weight, rtol=0, atol=0)
        own = sum(p.numel() for name, p in weights.items() if name not in first)
        assert own <= 2 * 32**2 + 32 + 32**2, score


@pytest.mark.parametrize("score", recipe.SCORES)
def test_padding_changes_nothing(score):
    _, model = made(f"reversal-{score}", "book")
    model.double()
    source, target = (torch.tensor(row) for row in ([[5, 6, 7]], [[1, 7, 6, 5]]))
    padded = torch.nn.functional.pad(source, (0, 4))
    short, long = (model(each, target) for each in (source, padded))
    torch.testing.assert_close(long[0], short[0], rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(long[1][..., :3], short[1], rtol=1e-12, atol=1e-12)
    assert (long[1][..., 3:] == 0).all()


def test_the_moving_window_never_sees_the_answer_of_a_long_reversal():
    """Step t of n needs position n - 1 - t, and may look at t - 5 to t + 5."""
    _, model = made("reversal-local-m", "book")
    source = torch.arange(3, 19)[None]
    before = torch.cat([torch.tensor([[task.START]]), source.flip(1)], dim=1)
    weight = model(source, before)[1][0]
    for t in range(16):
        seen = (15 - t - t) ** 2 <= recipe.RADIUS**2
        assert bool(weight[t, 15 - t] > 0) == seen, t


@pytest.mark.parametrize("name", TASKS)
def test_a_batch_is_a_function_of_seed_and_update(name):
    config, _ = made(f"{name}-dot")
    first, again = (recipe.batch(config, 0, 3) for _ in range(2))
    for key, array in first.items():
        np.testing.assert_array_equal(array, again[key])
    for seed, update in ((1, 3), (0, 4)):
        other = recipe.batch(config, seed, update)["source"]
        assert other.shape != first["source"].shape or (other != first["source"]).any()


def test_numbers_are_measured_on_what_is_held_out():
    for tune in (False, True):
        config, _ = made("numbers-dot", "book", tune=tune)
        (part,) = recipe.examples(config, subset=False)
        said = {tuple(row[row > 0]) for row in part["source"]}
        kept = [n for n in range(100, 10**4) if number_words.held_out(np.array([n]))[0]]
        assert said <= {tuple(number_words.letter_tokens(number_words.german(n))) for n in kept}


def test_a_reversal_by_hand():
    source, target = task.draw(np.random.default_rng(0), "reversal", 50)
    for read, said in zip(source, target, strict=True):
        read, said = read[read > 0], said[said > 0]
        np.testing.assert_array_equal(said, [*read[::-1], task.END])
        assert task.LENGTH[0] <= len(read) <= task.LENGTH[1]


@pytest.mark.parametrize(
    "ask", [task.vocabulary, lambda name: task.draw(np.random.default_rng(0), name, 1)]
)
def test_an_unknown_task_is_named(ask):
    with pytest.raises(
        ValueError,
        match=r"^task must be one of 'numbers', 'reversal', 'phonemes', got 'summary'$",
    ):
        ask("summary")


@pytest.mark.recheck
def test_the_sounds_of_the_test_can_be_said():
    n_source, n_target = task.vocabulary("phonemes")
    rng = np.random.default_rng(0)
    for read, said in (task.draw(rng, "phonemes", 1, test=True), task.tuning(rng, "phonemes", 1)):
        assert len(read) == len(said) == 450
        assert read.max() < n_source
        assert said.max() < n_target
    read, _ = task.draw(rng, "phonemes", 1, test=True)
    length = (read > 0).sum(axis=1)
    assert (length.min(), length.max()) == (2, 14)
    read, said = task.draw(rng, "phonemes", 64)
    assert (said >= 0).all()


def test_the_location_based_score_has_weights_for_every_place():
    longest = max(len(number_words.german(n)) for n in range(10**task.N_DIGIT))
    assert max(longest, task.LENGTH[1]) <= recipe.N_POSITION


def test_the_projected_score_is_the_general_one_over_the_root_of_the_width():
    query, key = torch.randn(2, 3, 4, 32, generator=torch.Generator().manual_seed(1))
    general, projected = (made(f"reversal-{s}", "book")[1] for s in ("general", "projected"))
    torch.testing.assert_close(
        projected._score(query, key) * 32**0.5, general._score(query, key), rtol=1e-5, atol=1e-6
    )
