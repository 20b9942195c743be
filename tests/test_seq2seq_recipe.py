"""How the number words are learned: who reads what, sizes, batches, a true measure."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from attn_course.seq2seq import recipe, task
from attn_course.training import loop

ARMS = ("attention-16", "fixed-17", "forth-24", "reversed-24", "open-24", "told-24")


def made(arm, preset="smoke", **change):
    config = replace(recipe.configure(preset, arm), **change)
    return config, recipe.build(config, torch.Generator().manual_seed(0))


def n_parameter(arm):
    return sum(p.numel() for p in made(arm, "book")[1].parameters())


def spelled(source):
    return "".join(task.LETTERS[i] for i in source if i)


@pytest.mark.parametrize("arm", ARMS)
def test_an_arm_is_trained_and_measured(arm):
    config, _ = made(arm, n_update=12)
    model, curve = loop.train(recipe, config, seed=0)
    assert curve["loss"][-1] < curve["loss"][0]
    result, predicted = loop.evaluate(recipe, config, model, subset=True)
    assert recipe.measure(config, predicted) == result
    number, token = predicted["number"], predicted["token"]
    assert len(number) == config.n_example // 10
    assert token.shape[1] == task.N_TARGET
    right = [task.words(t) == task.english(int(n)) for n, t in zip(number, token, strict=True)]
    assert result["error"] == pytest.approx(1 - np.mean(right))


def test_the_measure_sees_one_wrong_word():
    config, _ = made("attention-16")
    number = np.array([121, 345, 99_000, 123_456])
    token = task.pairs(number)[1]
    token = np.where(token == task.PADDING, task.END, token)
    assert recipe.measure(config, {"number": number, "token": token})["error"] == 0
    token[3, 5] = task.WORDS.index("fifty") if task.WORDS[token[3, 5]] != "fifty" else 7
    result = recipe.measure(config, {"number": number, "token": token})
    assert result == {"error": 0.25, "by_digit": {"3": 0.0, "5": 0.0, "6": 1.0}}


def test_attention_and_fixed_context_are_of_one_size():
    """Within a thirtieth: 16 wide with attention, 17 wide without."""
    assert abs(n_parameter("fixed-17") / n_parameter("attention-16") - 1) < 1 / 30


def test_reversed_differs_from_forth_by_its_source_alone():
    (config, forth), (other, turned) = made("forth-24"), made("reversed-24")
    for a, b in zip(forth.parameters(), turned.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)
    one, two = (recipe.batch(c, 0, 5) for c in (config, other))
    np.testing.assert_array_equal(one["target"], two["target"])
    assert [spelled(s)[::-1] for s in one["source"]] == [spelled(s) for s in two["source"]]
    assert one["source"][0][0] > 2
    assert two["source"][0][0] > 2


def test_open_differs_from_forth_by_its_gates_alone():
    forth, gates = made("forth-24", "book")[1], made("open-24", "book")[1]
    for (name, a), b in zip(forth.named_parameters(), gates.parameters(), strict=True):
        if name == "encoder.ahead.b_input":
            assert (b[24:48] == recipe.KEPT).all()
            a, b = (torch.cat([x[:24], x[48:]]) for x in (a, b))
        torch.testing.assert_close(a, b, rtol=0, atol=0)


def test_told_sees_the_digits():
    config, _ = made("told-24", "book")
    source = recipe.arrays(config, np.array([7, 120, 305_019]))["source"]
    np.testing.assert_array_equal(
        source, [[7, 10, 10, 10, 10, 10], [0, 2, 1, 10, 10, 10], [9, 1, 0, 5, 0, 3]]
    )


@pytest.mark.parametrize("arm", ["attention-16", "reversed-24", "told-24"])
def test_a_batch_is_a_function_of_seed_and_update(arm):
    config, _ = made(arm)
    first, again = (recipe.batch(config, 0, 3) for _ in range(2))
    for name, array in first.items():
        np.testing.assert_array_equal(array, again[name])
    for seed, update in ((1, 3), (0, 4)):
        assert (recipe.batch(config, seed, update)["number"] != first["number"]).any()
    assert not task.held_out(first["number"]).any()


@pytest.mark.parametrize("arm", ["attention-16", "told-24"])
def test_the_loss_ignores_what_stands_behind_the_end(arm):
    """Two numbers alone and together: the padding of the shorter one counts for nothing."""
    config, model = made(arm, "book", dtype="float64")
    model.double()

    def loss(*numbers):
        part = loop.to_tensors(recipe.arrays(config, np.array(numbers)), "cpu", torch.float64)
        return recipe.loss(config, model, part, 0.0)

    torch.testing.assert_close(
        loss(3, 345_678), torch.cat([loss(3), loss(345_678)]), rtol=1e-12, atol=0
    )


def test_all_arms_read_the_same_test():
    numbers = [
        np.concatenate([part["number"] for part in recipe.examples(made(arm, "book")[0], False)])
        for arm in ARMS
    ]
    for other in numbers[1:]:
        np.testing.assert_array_equal(numbers[0], other)
    assert len(numbers[0]) == 2_000
    assert task.held_out(numbers[0]).all()
