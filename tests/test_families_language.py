"""The next word: the split of the text, what counting says, models that see the past alone."""

from dataclasses import replace
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from attn_course import data
from attn_course.families import recipe_language as recipe
from attn_course.families import reference
from attn_course.families import task_language as task
from attn_course.training import loop

LOOKING = [model for model in recipe.MODELS if model != "lstm"]
N_WORD = 12
_TEXT = "the king took a sword and went out to the field by the old wall ;"
SAID = _TEXT.split()
RARE = ("zadok", "hiram", "ahab")  # too rare for the vocabulary


def invented_verses():
    """Sixty chapters of twelve verses; the word behind a word is nearly always the same."""
    rng = np.random.default_rng(7)
    for chapter, verse in product(range(1, 61), range(1, 13)):
        first, n = rng.integers(len(SAID)), rng.integers(5, 9)
        words = [SAID[(first + i) % len(SAID)] for i in range(n)]
        if verse == 5:
            words[2] = RARE[chapter % 3]
        yield SimpleNamespace(
            book="Gen", chapter=chapter, verse=verse, english=[(w, ("H1",)) for w in words]
        )


def forget():
    for each in (task.corpus, task._training_counts, recipe._training):
        each.cache_clear()


@pytest.fixture
def corpus(monkeypatch):
    verses = list(invented_verses())
    tested = [n for n in range(1, 61) if task.split_of("Gen", n) == "test"]
    monkeypatch.setattr(data, "verses", lambda: verses)
    monkeypatch.setattr(task, "PROBES", tuple(("Gen", tested[0], verse) for verse in (1, 3, 5)))
    forget()
    yield task.corpus(N_WORD)
    forget()


def made(arm, preset="smoke", **change):
    config = replace(recipe.configure(preset, arm), **{"n_word": N_WORD} | change)
    return config, recipe.build(config, torch.Generator().manual_seed(0))


def some_tokens(n, n_token, seed=0):
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.integers(N_WORD + 2, size=(n, n_token)))


# --- the text -------------------------------------------------------------------------------------


def test_a_chapter_belongs_to_one_split(corpus):
    seen = {}
    for (book, chapter, _), (split, _) in corpus.verse.items():
        assert seen.setdefault((book, chapter), split) == split, f"{book} {chapter} is torn apart"
        assert split == task.split_of(book, chapter)
    for split in task.SPLITS:
        n = sum(each == split for each in seen.values())
        assert len(corpus.length[split]) == n > 1
        assert sum(corpus.length[split]) == len(corpus.token[split])
    drawn = [task.split_of("Isa", n) for n in range(1, 3_001)]
    for split in ("test", "val"):
        assert 250 < drawn.count(split) < 350, "a chapter in ten each"


def test_the_probes_are_verses_of_the_test():
    assert {task.split_of(book, chapter) for book, chapter, _ in task.PROBES} == {"test"}


def test_the_vocabulary_is_that_of_training_by_frequency(corpus):
    verses = [v for v in invented_verses() if task.split_of("Gen", v.chapter) == "train"]
    words = [word for v in verses for word, _ in v.english]
    assert len(corpus.words) == N_WORD + 2
    assert corpus.words[:3] == ("<end>", "<unknown>", "the"), "the occurs three times as often"
    count = [words.count(word) for word in corpus.words[2:]]
    assert count == sorted(count, reverse=True)
    assert min(count) >= max(words.count(w) for w in set(words) - set(corpus.words))
    assert not set(RARE) & set(corpus.words)
    spelled = [corpus.words[i] for i in corpus.token["train"][: len(verses[0].english) + 1]]
    wanted = [w if w in corpus.words else "<unknown>" for w, _ in verses[0].english]
    assert spelled == [*wanted, "<end>"]
    assert (corpus.token["train"] == task.END).sum() == len(verses)


def test_no_window_crosses_the_edge_of_a_chapter():
    length = [45, 3, 41, 40, 82]
    start, chapter = task.windows(length, 41, 20)
    edge = np.cumsum([0, *length])
    assert_array_equal(start, [0, 48, 129, 149, 169])
    assert_array_equal(chapter, [0, 2, 4, 4, 4])
    assert (start >= edge[chapter]).all()
    assert (start + 41 <= edge[chapter + 1]).all()


@pytest.mark.parametrize("tune", [False, True])
def test_every_counted_word_is_counted_once_behind_enough_others(corpus, tune):
    config, _ = made("lstm", tune=tune)
    split = "val" if tune else "test"
    start, chapter = task.windows(corpus.length[split], task.N_READ + 1, task.N_COUNTED)
    parts = list(recipe.examples(config, False))
    token = np.concatenate([part["token"] for part in parts])
    assert_array_equal(np.concatenate([part["chapter"] for part in parts]), chapter)
    counted = start[:, None] + 1 + np.arange(task.N_READ)[-task.N_COUNTED :]
    assert_array_equal(token[:, -task.N_COUNTED :], corpus.token[split][counted])
    assert len(np.unique(counted)) == counted.size, "a word is counted twice"
    first = np.cumsum([0, *corpus.length[split][:-1]])
    assert (counted - first[chapter][:, None] >= task.N_COUNTED + 1).all()
    left = np.array(corpus.length[split]) - task.N_COUNTED * np.bincount(chapter) - 21
    assert (left >= 0).all()
    assert (left < task.N_COUNTED).all(), "words at a chapter's end are left out"


def test_a_batch_is_a_function_of_seed_and_update(corpus):
    config, _ = made("lstmn")
    first, again = (recipe.batch(config, 0, 3)["token"] for _ in range(2))
    assert_array_equal(first, again)
    assert first.shape == (config.batch, task.N_READ + 1)
    for other in (
        recipe.batch(config, 1, 3),
        recipe.batch(config, 0, 4),
        recipe.batch(replace(config, tune=True), 0, 3),
    ):
        assert (other["token"] != first).any()
    assert_array_equal(recipe.batch(made("lstm")[0], 0, 3)["token"], first, "models read alike")
    text = " ".join(map(str, corpus.token["train"]))
    for row in first:
        assert " ".join(map(str, row)) in text, "a window is no piece of the training chapters"


# --- counting -------------------------------------------------------------------------------------


def test_single_words_and_pairs_by_hand():
    """The text 0 1 0 2 | 0 1 with a vocabulary of 4: 0 stands 3 times, 1 twice, 2 once."""
    counts = task.counts([[0, 1, 0, 2], [0, 1]], order=2)
    single = [task.counted_probability(w, (0,), counts, 1, 4) for w in range(4)]
    assert_allclose(single, np.array([3.75, 2.75, 1.75, 0.75]) / 9)
    # Behind 0 come 1 twice and 2 once: two kinds.
    pair = [task.counted_probability(w, (3, 0), counts, 2, 4) for w in range(4)]
    assert_allclose(pair, (np.array([0, 2, 1, 0]) + 2 * np.array(single)) / 5)
    # Behind 2 comes nothing: the end of a chapter is no word's past.
    assert_allclose([task.counted_probability(w, (2,), counts, 2, 4) for w in range(4)], single)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_what_counting_says_sums_to_one(corpus, order):
    counts = task._training_counts(N_WORD, order)
    for past in ((), (2,), (2, 3), (4, 0), (1, 1)):
        total = sum(
            task.counted_probability(w, past, counts, order, N_WORD + 2) for w in range(N_WORD + 2)
        )
        assert_allclose(total, 1, err_msg=f"after {past}")


def test_longer_pasts_predict_better_and_are_measured_as_models_are(corpus):
    found = {}
    for arm in recipe.COUNTING:
        config, model = made(arm)
        trained, _ = loop.train(recipe, config, seed=0)
        assert not list(trained.parameters())
        found[arm], predicted = loop.evaluate(recipe, config, model, subset=False)
        assert recipe.measure(config, predicted) == found[arm]
        token = np.concatenate([part["token"] for part in recipe.examples(config, False)])
        order = 1 + recipe.COUNTING.index(arm)
        each = task.counted_surprise(token, order, N_WORD)[:, -task.N_COUNTED :]
        assert_allclose(found[arm]["perplexity"], np.exp(each.mean()), rtol=1e-3)
    one, two, three = (found[arm]["perplexity"] for arm in recipe.COUNTING)
    assert one > 1.5 * two > 1.5 * three > 1.5


# --- the models -----------------------------------------------------------------------------------


def test_models_have_as_many_weights_between_embedding_and_readout():
    wanted = recipe.n_between("lstmn", 128)
    for arm in recipe.MODELS:
        config, model = made(arm, "book", n_word=4_000)
        outside = model.embedding.numel() + sum(p.numel() for p in model.readout.parameters())
        between = sum(p.numel() for p in model.parameters()) - outside
        assert between == recipe.n_between(arm, config.width), f"{arm} is counted wrongly"
        assert abs(between / wanted - 1) < 0.006, f"{arm} has {between} weights, lstmn {wanted}"
        assert outside == 4_002 * (2 * recipe.D_WORD + 1)


@pytest.mark.parametrize("arm", recipe.MODELS)
def test_no_word_is_told_what_comes(arm):
    _, model = made(arm, width=16)
    model.double()
    token = some_tokens(2, 9)
    with torch.no_grad():
        score, weight = model(token)
        for t in range(9):
            other = token.clone()
            other[:, t] = (token[:, t] + 1) % (N_WORD + 2)
            changed, moved = model(other)
            same = {"rtol": 0, "atol": 1e-12}
            torch.testing.assert_close(changed[:, :t], score[:, :t], **same)
            torch.testing.assert_close(moved[:, :t], weight[:, :t], **same)
            assert (changed[:, t] - score[:, t]).abs().amax(dim=1).min() > 1e-3
            assert (changed[:, -1] - score[:, -1]).abs().max() > 1e-9, "the past is forgotten"


@pytest.mark.parametrize("arm", LOOKING)
def test_weights_lie_on_earlier_states_alone_and_sum_to_one(arm):
    _, model = made(arm, width=16)
    with torch.no_grad():
        weight = model(some_tokens(3, 9))[1]
    assert weight.shape == (3, 9, 9)
    assert (weight.triu() == 0).all()
    assert_allclose(weight[:, 1:].sum(dim=-1), np.ones((3, 8)), rtol=1e-5)
    even = torch.ones(9, 9).tril(-1) / torch.arange(9).clamp(min=1)[:, None]
    if arm == "uniform":
        torch.testing.assert_close(weight, even.expand(3, 9, 9), rtol=1e-6, atol=0)
    else:
        assert (weight - even).abs().max() > 0.01, "weights of an untrained model are even"


def test_the_lstmn_is_that_of_the_reference():
    _, model = made("lstmn", width=16)
    model.double()
    token = some_tokens(1, 12)
    params = {name: p.detach().numpy() for name, p in model.lstmn.named_parameters()}
    hidden, weight = reference.lstmn(model.embedding.detach().numpy()[token[0]], params)
    joined = np.tanh(hidden @ model.join.w.detach().numpy().T + model.join.b.detach().numpy())
    score = joined @ model.readout.w.detach().numpy().T + model.readout.b.detach().numpy()
    with torch.no_grad():
        got, looked = model(token)
    assert_allclose(got[0], score, rtol=1e-9, atol=1e-11)
    assert_allclose(looked[0], weight, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("arm", recipe.MODELS)
def test_every_weight_is_trained(arm, corpus):
    config, model = made(arm, width=16)
    part = loop.to_tensors(recipe.batch(config, 0, 0), "cpu", torch.float32)
    each = recipe.loss(config, model, part, 0.0)
    assert each.shape == (config.batch,)
    each.sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad.abs().max() > 0, f"{name} of {arm} gets no gradient"


# --- measures -------------------------------------------------------------------------------------


@pytest.mark.parametrize("arm", recipe.MODELS)
def test_who_takes_all_words_for_alike_has_the_vocabulary_for_perplexity(arm, corpus):
    config, model = made(arm, width=16)
    torch.nn.init.zeros_(model.readout.w)
    result, predicted = loop.evaluate(recipe, config, model, subset=False)
    assert_allclose(result["perplexity"], N_WORD + 2, rtol=1e-3)
    assert recipe.measure(config, predicted) == result
    assert ("entropy" in result) == (arm != "lstm")
    assert sum(each.nbytes for each in predicted.values()) < 100_000


def test_even_weights_have_the_entropies_and_distances_that_follow(corpus):
    config, model = made("uniform", width=16)
    result, predicted = loop.evaluate(recipe, config, model, subset=False)
    n_past = np.arange(task.N_READ - task.N_COUNTED, task.N_READ)  # states to look at
    assert_allclose(result["entropy"], np.log(n_past).mean(), rtol=1e-3)
    assert_allclose(result["previous"], (1 / n_past).mean(), rtol=1e-5)
    for d, share in result["by_distance"].items():
        wanted = np.where(n_past >= int(d), 1 / n_past, 0.0).mean()
        assert_allclose(share, wanted, rtol=1e-5, err_msg=f"distance {d}")
    assert_allclose(sum(result["by_distance"].values()), 1, rtol=1e-5)


def test_the_probes_are_kept_as_words_with_their_weights(corpus):
    config, model = made("lstmn", width=16)
    _, predicted = loop.evaluate(recipe, config, model, subset=True)
    lines = predicted["probe"].tobytes().decode().splitlines()
    text = [corpus.words[i] for i in corpus.token["test"]]
    assert lines[0].split() == text[: task.N_PROBE]
    assert [len(line.split()) for line in lines] == [task.N_PROBE] * 3
    assert predicted["weight"].shape == (3, task.N_PROBE, task.N_PROBE)
    with torch.no_grad():
        weight = model(torch.from_numpy(task.probes(N_WORD)))[1]
    assert_allclose(predicted["weight"], weight, atol=1e-3)


def test_words_that_stood_in_the_window_before_are_found(corpus, monkeypatch):
    monkeypatch.setattr(recipe, "N_COMMON", 1)
    config, model = made("bigram")
    _, predicted = loop.evaluate(recipe, config, model, subset=False)
    token = np.concatenate([part["token"] for part in recipe.examples(config, False)])
    surprise = task.counted_surprise(token, 2, N_WORD)
    for i, row in enumerate(token.tolist()):
        found = [t for t in range(21, 41) if row[t] in row[:t] and row[t] > 2]
        assert predicted["n_again"][i] == len(found)
        wanted = sum(surprise[i, t - 1] for t in found)
        assert_allclose(predicted["again"][i], wanted, rtol=2e-3, atol=1e-3)
    assert 0 < predicted["n_again"].sum() < 20 * len(token)


# --- runs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("arm", recipe.MODELS)
def test_a_short_run_lowers_the_loss(arm, corpus):
    config, start = made(arm, width=16, lr=1e-2)
    before, _ = loop.evaluate(recipe, config, start, subset=False)
    model, curve = loop.train(recipe, config, seed=0)
    after, _ = loop.evaluate(recipe, config, model, subset=False)
    assert curve["update"][-1] == config.n_update == 20
    assert after["perplexity"] < 0.7 * before["perplexity"]


def test_rates_are_tried_on_other_chapters_and_change_nothing_else():
    assert set(recipe.LR) <= set(recipe.MODELS)
    for model, lr in product(recipe.MODELS, recipe.RATES):
        tuning = recipe.configure("book", f"{model}-tune-{lr}")
        assert tuning == replace(recipe.configure("book", model), lr=lr, tune=True)
    for model, lr in recipe.LR.items():
        assert lr in recipe.RATES, f"{model} has a rate that no arm of its own tried"
