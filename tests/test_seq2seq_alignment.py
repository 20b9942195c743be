"""Alignment: links between the words of two languages, aligners, and how they are judged."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from attn_course import data
from attn_course.data import Verse
from attn_course.seq2seq import functional
from attn_course.seq2seq import recipe_alignment as recipe
from attn_course.seq2seq import task_alignment as task
from attn_course.training import loop

SPANISH = ("perro", "gato", "ve", "oye", "casa", "roja", "y", "no", "luz", "agua")
ENGLISH = ("dog", "cat", "sees", "hears", "house", "red", "and", "not", "light", "water")
FRONT = 4  # the places of START, of END and of what is special in a word list


def invented():
    """Verses said word by word, the English in the other order; numbers are those of the words."""
    rng = np.random.default_rng(0)
    found = []
    for i in range(300):
        row = rng.permutation(len(SPANISH))[: rng.integers(2, 9)]
        spanish = [(SPANISH[k], (f"H{k}",)) for k in row]
        english = [(ENGLISH[k], (f"H{k}",)) for k in row[::-1]]
        if i % 3 == 0:  # too long to be judged
            spanish += [(",", ())] * task.N_LONGEST
        found.append(Verse("Gen", 1, i + 1, [*english, (".", ())], [*spanish, (".", ())]))
    long = [("x", ())] * (task.N_TRAINING + 1)
    return [*found, Verse("Gen", 2, 1, long, long[:3])]


@pytest.fixture
def corpora(monkeypatch):
    monkeypatch.setattr(data, "verses", invented)
    task.corpora.cache_clear()
    yield task.corpora()
    task.corpora.cache_clear()


def made(arm, **change):
    config = replace(recipe.configure("smoke", arm), **change)
    return config, recipe.build(config, torch.Generator().manual_seed(0))


# Links


def test_links_are_of_numbers_that_stand_once_in_each():
    english = [("H1",), (), ("H2",), ("H2",), ("H3",), ("H4",), ("H4",), ("H5",), ("H4",)]
    spanish = [("H2",), ("H1", "H4"), ("H3",), (), ("H3",), ("H6",)]
    assert task.links(english, spanish).tolist() == [
        [1, 2, 1],  # one word to one
        [0, 0, 0],
        [0, 1, 0],  # two words side by side to one
        [0, 1, 0],
        [0, 0, 0],  # twice in the Spanish
        [0, 0, 0],  # twice in the English
        [0, 0, 0],
        [0, 0, 0],  # not in the Spanish
        [0, 0, 0],
    ]


def test_short_verses_are_held_out_by_their_words(corpora):
    training, aside, known, named = corpora
    rows = [[known[i] for i in row if i] for row in aside.source]
    expected = [
        [word for word, _ in verse.spanish]
        for verse in invented()
        if len(verse.spanish) <= task.N_LONGEST
        and task.held_out([word for word, _ in verse.spanish])
    ]
    assert rows == expected
    assert 0.1 < len(aside.source) / 200 < 0.4
    assert len(training.source) + len(aside.source) == 300  # all but the one that is too long
    seen = {tuple(row) for row in training.source[:, : aside.source.shape[1]].tolist()}
    assert not seen & {tuple(row) for row in aside.source.tolist()}
    assert (training.source > 0).sum(axis=1).max() > task.N_LONGEST
    assert "x" not in known
    assert set(named[4:]) == {*ENGLISH, "."}


def test_links_lead_to_the_same_word(corpora):
    _, aside, known, named = corpora
    n_link = 0
    for source, target, link in zip(*aside, strict=True):
        for token, (first, end, sure) in zip(target, link, strict=True):
            if end:
                assert (end - first, sure) == (1, 1)
                assert SPANISH.index(known[source[first]]) == ENGLISH.index(named[token])
                n_link += 1
    assert n_link == (aside.target > task.END).sum() - len(aside.target)  # all but the full stops


# Aligners

THE, HOUSE, BOOK = 4, 5, 6
DAS, HAUS, BUCH = 4, 5, 6
TOY = np.array([[DAS, HAUS], [DAS, BUCH]]), np.array([[THE, HOUSE], [THE, BOOK]])


def table(n_round):
    code, t = task.model1(*TOY, n_round)
    return dict(zip([divmod(int(c), task.N_CODE) for c in code], t, strict=True))


def test_model_1_learns_as_worked_by_hand():
    """das Haus, the house; das Buch, the book; START stands in front of both."""
    first = table(1)  # a third of each word comes from each of three
    assert_allclose([first[DAS, w] for w in (THE, HOUSE, BOOK)], [1 / 2, 1 / 4, 1 / 4])
    assert_allclose([first[task.START, w] for w in (THE, HOUSE, BOOK)], [1 / 2, 1 / 4, 1 / 4])
    assert_allclose([first[HAUS, w] for w in (THE, HOUSE)], [1 / 2, 1 / 2])
    # Now `the` is shared equally, of `house` a half comes from Haus and a quarter from das.
    second = table(2)
    assert_allclose([second[DAS, w] for w in (THE, HOUSE, BOOK)], [4 / 7, 3 / 14, 3 / 14])
    assert_allclose([second[HAUS, w] for w in (THE, HOUSE)], [2 / 5, 3 / 5])
    assert_allclose([second[BUCH, w] for w in (THE, BOOK)], [2 / 5, 3 / 5])
    assert table(50)[HAUS, HOUSE] > 0.9


def test_model_1_is_not_moved_by_padding():
    source, target = (np.pad(table, ((0, 1), (0, 2))) for table in TOY)
    code, t = task.model1(source, target, 3)
    wanted, t_wanted = task.model1(*TOY, 3)
    assert_array_equal(code[code > 0], wanted)
    assert_allclose(t[code > 0], t_wanted)
    weight = task.model1_weight(code, t, source, target)
    assert_allclose(weight[:2, :2, :2], task.model1_weight(wanted, t_wanted, *TOY))
    assert not weight[2].any()
    assert not weight[:, 2:].any()
    assert not weight[:, :, 2:].any()


def test_model_1_shares_a_word_out():
    code, t = task.model1(*TOY, 2)
    weight = task.model1_weight(code, t, *TOY)
    start = np.array([[4 / 7, 3 / 14]])  # t of `the` and of `house`
    das, haus = start[0], np.array([2 / 5, 3 / 5])
    total = start[0] + das + haus
    assert_allclose(weight[0], np.stack([das / total, haus / total], axis=1))
    unseen = task.model1_weight(code, t, np.array([[9, BUCH]]), np.array([[HOUSE]]))
    assert unseen[0, 0].max() < 1e-9  # START is all that ever met it
    unseen = task.model1_weight(code, t, np.array([[9, 8]]), np.array([[9]]))
    assert_allclose(unseen[0, 0], 1 / 3)


@pytest.mark.parametrize(("n_target", "n_source"), [(1, 1), (3, 3), (7, 3), (3, 7), (15, 14)])
def test_the_diagonal_finds_the_word_that_lies_as_far_along(n_target, n_source):
    weight = task.diagonal_weight(n_target, n_source)
    place = weight.argmax(axis=1)
    assert_allclose(weight.sum(axis=1), 1)
    middle = (np.arange(n_target) + 0.5) / n_target  # of each word, as a share of the way
    assert (place / n_source <= middle).all()
    assert (middle < (place + 1) / n_source).all()
    if n_target == n_source:
        assert_array_equal(weight, np.eye(n_source))


# The measures


def test_the_error_rate_is_that_of_och_and_ney():
    """Against sets of pairs, as the paper has it."""
    rng = np.random.default_rng(3)
    for _ in range(20):
        first = rng.integers(0, 6, 30)
        end = first + rng.integers(1, 4, 30)
        best = rng.integers(0, 9, 30)
        sure = end - first == 1
        claimed = {(j, int(i)) for j, i in enumerate(best)}
        possible = {(j, i) for j in range(30) for i in range(first[j], end[j])}
        certain = {(j, int(first[j])) for j in range(30) if sure[j]}
        both = len(claimed & certain), len(claimed & possible)
        rate = task.error_rate((best >= first) & (best < end), sure)
        assert rate["aer"] == pytest.approx(1 - sum(both) / (len(claimed) + len(certain)))
        assert rate["precision"] == pytest.approx(both[1] / len(claimed))
        assert rate["recall"] == pytest.approx(both[0] / len(certain))


def test_the_measures_by_hand():
    """Four words with links: at 2; at 0; at 1 or 2; at 5."""
    predicted = {
        "first": np.array([2, 0, 1, 5], dtype=np.uint8),
        "end": np.array([3, 1, 3, 6], dtype=np.uint8),
        "sure": np.array([1, 1, 0, 1], dtype=bool),
        "best": np.array([[2, 2, 3], [5, 1, 0], [3, 2, 2], [5, 2, 5]], dtype=np.uint8),
        "hindsight": np.array([2, 0, 3, 4], dtype=np.uint8),
        "likely": np.array([2, 1, 3, 4], dtype=np.uint8),
        "on_link": np.array([0.5, 0.25, 0.75, 0], dtype=np.float16),
        "surprise": np.array([2.0, 4.0], dtype=np.float32),
        "n_word": np.array([1, 2], dtype=np.uint8),
    }
    config = recipe.configure("book", "attention")
    assert recipe.measure(config, predicted) == {
        "aer": pytest.approx(1 - (1 + 2) / 7),
        "precision": 0.5,
        "recall": pytest.approx(1 / 3),
        "weight": 0.375,
        "near": 0.75,
        "by_step": {
            "-1": pytest.approx(1 - (2 + 2) / 7),
            "0": pytest.approx(1 - (1 + 2) / 7),
            "1": pytest.approx(1 - (2 + 3) / 7),
        },
        "perplexity": pytest.approx(np.exp(2)),
        "hindsight": pytest.approx(1 - (2 + 2) / 7),
        "likely": pytest.approx(1 - (1 + 1) / 7),
    }
    predicted |= {"surprise": np.empty(0, np.float32), "n_word": np.empty(0, np.uint8)}
    assert not {"perplexity", "hindsight", "likely"} & recipe.measure(config, predicted).keys()


# The recipe


@pytest.mark.usefixtures("corpora")
@pytest.mark.parametrize("arm", recipe.ARMS)
def test_an_arm_is_trained_and_measured(arm):
    learns = {"n_update": 40} if arm == "attention" else {}
    config, _ = made(arm, batch=16, **learns)
    model, curve = loop.train(recipe, config, seed=0)
    assert len(curve["loss"]) == config.n_update
    if learns:
        assert np.mean(curve["loss"][-5:]) < np.mean(curve["loss"][:5]) - 0.1
    result, predicted = loop.evaluate(recipe, config, model, subset=False)
    assert recipe.measure(config, predicted) == result
    _, aside, *_ = task.corpora()
    assert len(predicted["first"]) == (aside.link[:, :, 1] > 0).sum()
    assert ("perplexity" in result) == (arm in ("attention", "untrained"))
    assert sum(array.nbytes for array in predicted.values()) < 100_000


@pytest.mark.usefixtures("corpora")
def test_model_1_finds_words_that_are_turned_round_and_the_diagonal_does_not():
    results = {}
    for arm in ("model1", "diagonal"):
        config, model = made(arm, n_round=10)
        results[arm] = loop.evaluate(recipe, config, model, subset=False)[0]
    assert results["model1"]["aer"] < 0.02, results
    assert results["diagonal"]["aer"] > 0.6, results


def hindsight(model, source, before, target, weight, step):
    """Where a word came from, with the weights and without: the decoder sees one place alone."""
    params = dict(model.decoder.named_parameters())
    with torch.no_grad():
        annotation, last, mask = model.read(torch.from_numpy(source)[None])
        projected = annotation @ params["w_key"].mT
        hidden = functional.start(last, params)
        for word in before[:, :step].unbind(dim=1):
            feature = model.target_embedding[word]
            hidden, *_ = functional.step(feature, hidden, annotation, projected, last, mask, params)
        feature, likely = model.target_embedding[before[:, step]], []
        for place in range(len(source)):
            alone = torch.zeros_like(mask)
            alone[:, place] = True
            _, joined, all_weight = functional.step(
                feature, hidden, annotation, projected, last, alone, params
            )
            assert all_weight[0, place] == 1
            score = functional.readout(joined, params).softmax(dim=-1)
            likely.append(float(score[0, target[step]]))
    return int((weight[step] * np.array(likely)).argmax()), int(np.argmax(likely))


@pytest.mark.usefixtures("corpora")
def test_what_is_kept_is_what_the_translator_does():
    """Verse by verse, with loops."""
    config, model = made("attention")
    model = model.double()
    _, predicted = loop.evaluate(recipe, replace(config, dtype="float64"), model, subset=False)
    _, aside, known, named = task.corpora()
    kept, surprise, texts, weights = [], [], [], []
    n_sure = aside.link[:, :, 2].sum(axis=1)
    shown = sorted(np.argsort(-n_sure, kind="stable")[: recipe.N_SHOWN])
    for row, (source, target, link) in enumerate(zip(*aside, strict=True)):
        source, target = source[source > 0], target[target > 0]
        before = torch.tensor([[task.START, *target[:-1]]])
        with torch.no_grad():
            score, weight = model(torch.from_numpy(source)[None], before)
        said = score[0].log_softmax(dim=-1)[torch.arange(len(target)), target]
        surprise.append(-float(said.sum()))
        weight = weight[0].numpy()
        for step, (first, end, sure) in enumerate(link):
            if end:
                steps = (max(step - 1, 0), step, step + 1)
                best = [int(weight[each].argmax()) for each in steps]
                told = hindsight(model, source, before, target, weight, step)
                kept.append(
                    (first, end, sure, *best, row, step, *told, weight[step, first:end].sum())
                )
        if row in shown:
            both = [[known[i] for i in source], [named[i] for i in target[:-1]]]
            texts.append("\t".join(map(" ".join, both)))
            weights += weight[:-1].ravel().tolist()
    names = ("first", "end", "sure")
    found = [*(predicted[k] for k in names), *predicted["best"].T]
    found += [predicted[k] for k in ("verse", "word", "hindsight", "likely")]
    assert (predicted["hindsight"] != predicted["best"][:, 1]).any()
    assert_array_equal(np.column_stack(found), np.array(kept)[:, :10].astype(int))
    assert_allclose(predicted["on_link"], np.array(kept)[:, 10], atol=1e-3)
    assert_allclose(predicted["surprise"], surprise, rtol=1e-5)
    assert predicted["text"].tobytes().decode().splitlines() == texts
    assert_allclose(predicted["weight"], weights, atol=1e-3)


def test_batches_are_of_verses_to_train_on_of_like_length(corpora):
    config = recipe.configure("smoke", "attention")
    config = replace(config, batch=16)
    training = corpora[0]
    n_padding = n_token = 0
    for update in range(30):
        part = recipe.batch(config, 0, update)
        again = recipe.batch(config, 0, update)
        for name, table in part.items():
            assert_array_equal(table, again[name])
            assert len(table) == 16
        assert (part["source"] > 0).any(axis=0).all()
        assert (part["target"] > 0).any(axis=0).all()
        n_padding += (part["source"] == 0).sum()
        n_token += part["source"].size
        rows = {tuple(row[row > 0]) for row in training.source}
        assert {tuple(row[row > 0]) for row in part["source"]} <= rows
    assert n_padding / n_token < 0.2  # of verses drawn at random it is about a half


@pytest.mark.recheck
def test_the_real_verses():
    task.corpora.cache_clear()
    assert len(data.verses()) == 31_084
    training, aside, *_ = task.corpora()
    assert (len(training.source), len(aside.source)) == (12_592, 694)
    linked, sure = (aside.link[..., k] > 0 for k in (1, 2))
    assert (linked.sum(), (linked & sure).sum()) == (3_416, 1_761)
