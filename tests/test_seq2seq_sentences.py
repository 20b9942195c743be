"""Real sentences: tokens, batches of like length, a score that is sacrebleu's."""

from dataclasses import replace

import numpy as np
import pytest
import sacrebleu
import torch

from attn_course import data
from attn_course.seq2seq import recipe_help
from attn_course.seq2seq import recipe_sentences as recipe
from attn_course.seq2seq import task_sentences as task
from attn_course.seq2seq.modules import forced_loss
from attn_course.training import loop

GERMAN = ("ein", "hund", "läuft", "zwei", "katzen", "schlafen", "und", "der", "mann", "singt")
ENGLISH = ("a", "dog", "runs", "two", "cats", "sleep", "and", "the", "man", "sings")
REAL_PAIRS = task.pairs  # before a fixture replaces it


@pytest.fixture(autouse=True)
def corpus(monkeypatch):
    """Invented sentences, translated word by word; words 8 and 9 are not in the training."""
    rng = np.random.default_rng(0)

    def pairs(corpus, split):
        n = {"train": 400, "val": 23, "test": 40}[split]
        rows = [rng.integers(0, 8 if split == "train" else 10, k) for k in rng.integers(1, 25, n)]
        return tuple([[names[i] for i in row] for row in rows] for names in (GERMAN, ENGLISH))

    made = {split: pairs("", split) for split in task.SPLITS}
    monkeypatch.setattr(task, "pairs", lambda corpus, split: made[split])
    for cached in (task.vocabularies, recipe._training, recipe._plan):
        cached.cache_clear()
    yield
    for cached in (task.vocabularies, recipe._training, recipe._plan):
        cached.cache_clear()


def made(arm, **change):
    config = replace(recipe.configure("smoke", arm), **change)
    return config, recipe.build(config, torch.Generator().manual_seed(0))


BOTH = {"captions": recipe, "help": recipe_help}  # of each corpus


@pytest.mark.parametrize(
    ("name", "arm"), [(name, arm) for name, each in BOTH.items() for arm in each.ARMS]
)
def test_an_arm_is_trained_and_measured(name, arm):
    trained = BOTH[name]
    config = replace(trained.configure("smoke", arm), n_update=30)
    assert config.corpus == name
    model, curve = loop.train(trained, config, seed=0)
    assert curve["loss"][-1] < curve["loss"][0]
    result, predicted = loop.evaluate(trained, config, model, subset=False)
    assert trained.measure(config, predicted) == result
    assert predicted["n_source"].shape == predicted["is_test"].shape == (63,)
    assert predicted["is_test"].sum() == 40
    assert predicted["probe"].tobytes().decode().count("\n") == len(task.PROBES["captions"])


@pytest.mark.parametrize("preset", ["book", "paper"])
@pytest.mark.parametrize("name", BOTH)
def test_the_arms_of_a_corpus_are_of_one_size(name, preset, monkeypatch):
    """Within a hundredth, with as many words as the real corpora have."""
    n_word = {"captions": (7_882, 5_898), "help": (2_717, 3_147)}
    size = {}
    with monkeypatch.context() as patch:
        patch.setattr(task, "vocabularies", lambda _: map(range, n_word[name]))
        for arm in BOTH[name].ARMS:
            config = BOTH[name].configure(preset, arm)
            model = recipe.build(config, torch.Generator().manual_seed(0))
            size[arm] = sum(p.numel() for p in model.parameters())
    assert len(size) == {"captions": 7, "help": 4}[name]
    assert max(size.values()) / min(size.values()) < 1.01, size


@pytest.mark.parametrize("preset", ["book", "paper"])
@pytest.mark.parametrize("arm", ["fixed", "forth", "reversed"])
def test_a_long_run_is_the_same_run_with_twice_the_updates(arm, preset):
    short, long = (recipe.configure(preset, name) for name in (arm, f"{arm}-long"))
    assert replace(short, n_update=2 * short.n_update) == long


def test_the_score_is_sacrebleus():
    """Of the test set; the words of a bin; a perfect translator gets a hundred."""
    config, model = made("attention")
    predicted = loop.evaluate(recipe, config, model, subset=False)[1]
    rng = np.random.default_rng(1)
    said = task.split(predicted["reference"].astype(int))
    noisy = [[i if rng.random() < 0.8 else 4 for i in row] for row in said]
    predicted["said"] = np.array([i for row in noisy for i in [*row, task.END]])
    strings = [" ".join(map(str, row)) for row in noisy]
    wanted = [" ".join(map(str, row)) for row in said]
    test, length = predicted["is_test"], predicted["n_source"]
    result = recipe.measure(config, predicted)

    def theirs(keep):
        ours = [s for s, k in zip(strings, keep, strict=True) if k]
        reference = [s for s, k in zip(wanted, keep, strict=True) if k]
        return sacrebleu.corpus_bleu(ours, [reference], tokenize="none", force=True).score

    assert result["bleu"] == pytest.approx(theirs(test), abs=1e-9)
    assert set(result["by_length"]) == {"1", "9", "12", "15", "18", "22"}
    assert result["by_length"]["12"] == pytest.approx(theirs((length >= 12) & (length < 15)))
    assert result["by_length"]["22"] == pytest.approx(theirs(length >= 22))
    predicted["said"] = predicted["reference"]
    assert recipe.measure(config, predicted)["bleu"] == pytest.approx(100)
    assert "tok:none" in task.signature()


def test_no_credit_for_an_unknown_word():
    config, model = made("attention")
    predicted = loop.evaluate(recipe, config, model, subset=False)[1]
    n_known = len(task.vocabularies("captions")[1])
    reference = predicted["reference"]
    assert (reference == task.UNKNOWN).sum() == 0
    assert set(reference[reference >= n_known].tolist()) == {n_known, n_known + 1}
    predicted["said"] = np.where(reference >= n_known, task.UNKNOWN, reference)
    assert recipe.measure(config, predicted)["bleu"] < 95


def test_a_pass_has_every_sentence_once_and_batches_of_like_length():
    config, _ = made("attention", batch=10)
    source, _ = recipe._training(config.corpus, config.n_longest)
    plan = recipe._plan(config.corpus, config.n_longest, 10, 0, 0)
    assert sorted(np.concatenate(plan).tolist()) == list(range(len(source)))
    length = (source > 0).sum(axis=1)
    spread = np.mean([np.ptp(length[part]) for part in plan])
    assert spread < np.ptp(length) / 4
    again = recipe.batch(config, 0, 57), recipe.batch(config, 0, 57)
    for key in ("source", "target"):
        np.testing.assert_array_equal(again[0][key], again[1][key])
    other = recipe._plan(config.corpus, config.n_longest, 10, 0, 1)
    assert not all((a == b).all() for a, b in zip(plan, other, strict=True))


def test_reversed_reads_the_same_words_against_their_order():
    config, _ = made("reversed")
    source = np.array([[4, 5, 6, 2, 0, 0], [7, 2, 0, 0, 0, 0]])
    turned = recipe.arrays(config, source, source)["source"]
    assert turned.tolist() == [[2, 6, 5, 4], [2, 7, 0, 0]]


def test_a_probes_weights_belong_to_its_words():
    config, model = made("attention")
    predicted = loop.evaluate(recipe, config, model, subset=False)[1]
    said = [row.split() for row in predicted["probe"].tobytes().decode().splitlines()]
    n_source = [len(task.words(probe)) + 1 for probe in task.PROBES["captions"]]
    assert len(predicted["weight"]) == sum(
        min(len(row), recipe.N_STEP) * n for row, n in zip(said, n_source, strict=True)
    )
    n_step = min(len(said[0]), recipe.N_STEP)
    first = predicted["weight"][: n_step * n_source[0]].reshape(n_step, -1)
    np.testing.assert_allclose(first.sum(axis=1), 1, atol=2e-3)


def test_the_loss_is_a_mean_over_the_words_of_each_target():
    """Two words and an END cost what their probabilities say, padding costs nothing."""
    score = torch.tensor([[0.0, 1.0, 2.0, 3.0], [1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 5.0, 0.0]]).log()
    target = torch.tensor([[3, 2, 0], [3, 3, 2]])
    asked = []

    class Model(torch.nn.Module):
        def forward(self, source, before):
            asked.append((source, before.tolist()))
            return score.expand(2, 3, 4), None

    loss = forced_loss(Model(), target, target)
    assert asked == [(target, [[1, 3, 2], [1, 3, 3]])]  # START first, each word a step later
    wanted = [(np.log(6 / 3) + np.log(4)) / 2, (np.log(6 / 3) + np.log(4) + np.log(5 / 5)) / 3]
    np.testing.assert_allclose(loss, wanted, rtol=1e-6)


@pytest.fixture
def help_pairs(monkeypatch):
    """What becomes of invented sentences of the help, each on a page of the split asked for."""

    def pairs(**said):
        rows = []
        for split, sentences in said.items():
            page = next(name for name in map(str, range(100)) if task.part_of(name) == split)
            rows += [(page, *sentence) for sentence in sentences]
        monkeypatch.setattr(data, "help_texts", lambda: rows)
        for cached in (task._help, REAL_PAIRS):
            cached.cache_clear()
        return {split: REAL_PAIRS("help", split) for split in task.SPLITS}

    yield pairs
    for cached in (task._help, REAL_PAIRS):
        cached.cache_clear()


def test_a_sentence_of_the_help_stands_in_one_split(help_pairs):
    """In training if it can; what counts is its words, and its pages may come in any order."""
    ours = help_pairs(
        test=[("Close it now.", "un deux trois"), ("Open it!", "quatre cinq six")] * 2,
        val=[("Print it now.", "dix onze douze"), ("CLOSE it now .", "sept huit neuf")],
        train=[("Open it !", "a b c"), ("open it!", "d e f"), ("Save it now.", "g h i")],
    )
    assert ours == {
        "train": ([["open", "it", "!"], ["save", "it", "now", "."]], [list("abc"), list("ghi")]),
        "val": (
            [["print", "it", "now", "."], ["close", "it", "now", "."]],
            [["dix", "onze", "douze"], ["sept", "huit", "neuf"]],
        ),
        "test": ([], []),
    }
    assert task.repeats() == {"train": 1, "val": 0, "test": 4}


def test_a_sentence_of_the_help_has_3_to_25_words_in_both_languages(help_pairs):
    lengths = [(2, 3), (3, 2), (3, 3), (25, 25), (26, 25), (25, 26)]
    rows = [(f"{i} " + "a " * (n - 1), "b " * m) for i, (n, m) in enumerate(lengths)]
    source, target = help_pairs(train=rows)["train"]
    assert [(len(a), len(b)) for a, b in zip(source, target, strict=True)] == [(3, 3), (25, 25)]
    assert task.repeats() == {"train": 0, "val": 0, "test": 0}


def test_about_a_tenth_of_the_pages_is_for_the_test():
    parts = [task.part_of(f"folder/page{i}.html") for i in range(2_000)]
    for split, share in (("train", 0.8), ("val", 0.1), ("test", 0.1)):
        assert parts.count(split) / len(parts) == pytest.approx(share, abs=0.03)


def test_each_corpus_has_its_probes():
    for name, probes in task.PROBES.items():
        config = BOTH[name].configure("smoke", "attention")
        asked = [part for part in recipe.examples(config, True) if not part["target"].any()]
        assert [part["source"].shape for part in asked] == [
            (1, len(task.words(probe)) + 1) for probe in probes
        ]


@pytest.mark.recheck
def test_the_real_captions(monkeypatch):
    monkeypatch.undo()  # the invented sentences
    assert len(data.captions("test")) == 1_000
    german, english = task.vocabularies("captions")
    assert (len(german), len(english)) == (7_878 + 4, 5_894 + 4)


@pytest.mark.recheck
def test_the_real_help(monkeypatch):
    monkeypatch.undo()
    task.pairs.cache_clear()
    both = {split: task.pairs("help", split) for split in task.SPLITS}
    assert {split: len(source) for split, (source, _) in both.items()} == {
        "train": 8_847,
        "val": 840,
        "test": 1_393,
    }
    assert task.repeats() == {"train": 2_497, "val": 404, "test": 609}
    known, near = (set(map(tuple, both[split][0])) for split in ("train", "test"))
    holes = {(*row[:i], *row[i:][1:], i) for row in known for i in range(len(row))}
    assert sum(any((*r[:i], *r[i:][1:], i) in holes for i in range(len(r))) for r in near) == 84
    english, french = task.vocabularies("help")
    assert (len(english), len(french)) == (2_713 + 4, 3_143 + 4)
    known = {tuple(row) for source, _ in both.values() for row in source}
    for probe in map(task.words, task.PROBES["help"]):
        assert tuple(probe) not in known, "a probe stands in the help"
        assert set(probe) <= set(english), "a probe has a word that training does not"
