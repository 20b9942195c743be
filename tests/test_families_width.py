"""Retrieval at growing width: batches, models of equal size, and what a short run learns."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from attn_course.families import recipe_width as recipe
from attn_course.training import loop

PLAIN = [arm for arm in recipe.ARMS if "-tune-" not in arm]


def model_of(arm, seed=0):
    return recipe.build(recipe.configure("book", arm), torch.Generator().manual_seed(seed))


def starting_scores(score, width):
    """Scores of a model that has learned nothing."""
    part = recipe.batch(recipe.configure("book", f"{score}-{width}"), 0, 0)
    part = {name: torch.from_numpy(each) for name, each in part.items()}
    with torch.no_grad():
        return model_of(f"{score}-{width}").score(part["query"], part["key"]).double()


# --- the arms -------------------------------------------------------------------------------------


def test_every_score_has_a_rate_at_every_width_out_of_those_that_were_tried():
    assert set(recipe.LR) == set(recipe.SCORES)
    assert len(PLAIN) == len(recipe.SCORES) * len(recipe.WIDTHS)
    for arm in PLAIN:
        config = recipe.configure("book", arm)
        assert config.lr in recipe.RATES, f"{arm} has a rate that no arm of its own tried"
        for lr in recipe.RATES:
            tuning = recipe.configure("book", f"{arm}-tune-{lr}")
            assert tuning == replace(config, lr=lr, tune=True), "tuning must change nothing else"


def test_models_of_one_width_have_as_many_parameters_but_for_the_scores_own():
    for width in recipe.WIDTHS[:3]:
        for score in recipe.SCORES:
            model = model_of(f"{score}-{width}")
            own = {name: p for name, p in model.named_parameters() if name in ("v", "b")}
            assert set(own) == ({"v", "b"} if score.startswith("additive") else set())
            rest = sum(
                p.numel() for p in model.parameters() if all(p is not q for q in own.values())
            )
            assert rest == 2 * width**2, f"{score} has other maps than the rest at {width}"


def test_the_maps_of_all_scores_start_alike_and_unlike_those_of_tuning():
    first = model_of("dot-32")
    for score in recipe.SCORES:
        assert torch.equal(model_of(f"{score}-32").w_query, first.w_query)
    tuning = model_of("dot-32-tune-0.001")
    assert (tuning.w_query - first.w_query).abs().max() > 0.1
    assert (first.w_query - first.w_key).abs().max() > 0.1, "maps must start unrelated"


# --- batches --------------------------------------------------------------------------------------


def test_a_batch_is_a_function_of_seed_update_and_purpose():
    config = recipe.configure("book", "dot-32")
    first, again = (recipe.batch(config, 0, 3) for _ in range(2))
    for name in first:
        assert_array_equal(first[name], again[name])
    for other in (
        recipe.batch(config, 1, 3),
        recipe.batch(config, 0, 4),
        recipe.batch(replace(config, tune=True), 0, 3),
    ):
        assert np.abs(other["key"] - first["key"]).max() > 0.1
    scaled = recipe.batch(recipe.configure("book", "scaled-32"), 0, 3)
    assert_array_equal(scaled["key"], first["key"], "scores are compared on the same draws")


def test_what_is_measured_is_neither_what_is_trained_nor_what_rates_are_chosen_with():
    config = replace(recipe.configure("book", "dot-32"), n_example=60)
    measured = [part["key"] for part in recipe.examples(config, False)]
    assert [len(key) for key in measured] == [50, 10]
    tuned = [part["key"] for part in recipe.examples(replace(config, tune=True), False)]
    trained = [recipe.batch(config, seed, k)["key"] for seed in range(3) for k in range(5)]
    there = {key.tobytes() for part in measured for key in part}
    assert len(there) == 60, "a set of keys is measured twice"
    assert not there & {key.tobytes() for part in (*tuned, *trained) for key in part}


def test_a_query_is_a_noisy_copy_of_the_key_whose_class_is_wanted():
    part = recipe.batch(recipe.configure("book", "dot-256"), 0, 0)
    distance = np.square(part["query"][:, :, None] - part["key"][:, None]).mean(axis=-1)
    assert_array_equal(distance.argmin(axis=-1), part["index"])
    assert_allclose(distance.min(axis=-1), recipe.NOISE**2, rtol=0.35)
    for label, index, wanted in zip(part["label"], part["index"], part["wanted"], strict=True):
        assert_array_equal(label[index], wanted)
    assert len(np.unique(part["label"])) == recipe.N_CLASS


# --- the model ------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [32, 256])
def test_scores_start_with_the_variances_that_are_said(width):
    for score, want in (("dot", width), ("scaled", 1.0)):
        got = starting_scores(score, width).var().item()
        assert 0.7 < got / want < 1.4, f"{score} starts with variance {got:.2f} at {width}"
    ratio = starting_scores("additive-unit", width).var() / starting_scores("additive", width).var()
    assert_allclose(ratio, width, rtol=1e-3, err_msg="v is the same but for its scale")


def test_the_additive_score_has_its_bias():
    model = model_of("additive-32").double()
    rng = np.random.default_rng(0)
    query, key = (torch.from_numpy(rng.normal(size=(n, 32))) for n in (2, 3))
    with torch.no_grad():
        got = model.score(query, key)
        mirrored = model.score(-query, -key)
        model.b.zero_()
        odd = model.score(query, key) + model.score(-query, -key)
    inner = query[:, None] @ model.w_query.detach().T + key @ model.w_key.detach().T
    bias = model_of("additive-32").double().b.detach()[:, 0]
    assert_allclose(got, torch.tanh(inner + bias) @ model.v.detach(), rtol=1e-10, atol=1e-12)
    assert (got + mirrored).abs().max() > 0.1
    assert_allclose(odd, np.zeros((2, 3)), atol=1e-12, err_msg="odd without a bias")


def test_a_query_sure_of_its_key_names_the_class():
    config = replace(recipe.configure("book", "scaled-256"), n_example=20)
    model = recipe.build(config, torch.Generator().manual_seed(0))
    with torch.no_grad():
        model.w_key.copy_(model.w_query)  # related maps: nothing is left to be learned
        model.w_query.mul_(3)
    result, predicted = loop.evaluate(recipe, config, model, subset=True)
    assert result["error"] < 0.02, "a query does not find its own key"
    assert result["found"] > 0.9
    assert len(predicted["wrong"]) == 20 * recipe.N_QUERY
    assert recipe.measure(config, predicted) == result


# --- runs -----------------------------------------------------------------------------------------


def test_a_short_run_lowers_the_loss():
    config = replace(recipe.configure("smoke", "scaled-32"), lr=1e-2)
    before, _ = loop.evaluate(recipe, config, model_of("scaled-32"), subset=True)
    model, curve = loop.train(recipe, config, seed=0)
    after, _ = loop.evaluate(recipe, config, model, subset=True)
    assert curve["update"][-1] == config.n_update
    assert before["error"] > 0.8, "the task is solved before it is learned"
    assert after["loss"] < 0.7 * before["loss"], f"{before['loss']:.2f} became {after['loss']:.2f}"
    assert after["error"] < 0.7 * before["error"]


@pytest.mark.parametrize("score", recipe.SCORES)
def test_every_score_reaches_every_weight(score):
    config = recipe.configure("smoke", f"{score}-32")
    model = model_of(f"{score}-32")
    part = loop.to_tensors(recipe.batch(config, 0, 0), "cpu", torch.float32)
    each = recipe.loss(config, model, part, 0.0)
    assert each.shape == (config.batch,)
    each.sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad.abs().max() > 0, f"{name} of {score} gets no gradient"
