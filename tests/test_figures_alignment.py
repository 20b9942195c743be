"""The figure of the alignment without a browser: a translator under Node, traits, its picture."""

import json
import subprocess

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from test_figures import NASTY, Page, decoded, html_of

from attn_course.figures import Alignment
from attn_course.figures.draw import heat
from attn_course.figures.live import STATIC
from attn_course.figures.trained import recorded_weights
from attn_course.preliminaries.reference import softmax
from attn_course.seq2seq import task
from attn_course.seq2seq.reference import decode, encode

LETTERS, WORDS = (*("-", "(", ")"), *"abcdeinuzwgß"), ("-", "(", ")", "and", "one", "two", "ten")
GRU = ("w_input", "w_hidden", "b_input", "b_hidden")


def weights(seed=0, *, back=True, n_maxout=0, d=5, d_in=3, source=LETTERS, target=WORDS, spread=1):
    """A translator that nobody has trained, by the names of its modules."""
    rng = np.random.default_rng(seed)

    def draw(*size):
        return rng.normal(0, spread, size)

    def gru(width):
        sizes = ((3 * d, width), (3 * d, d), (3 * d,), (3 * d,))
        return {name: draw(*size) for name, size in zip(GRU, sizes, strict=True)}

    both = (1 + back) * d
    joined = d + d_in + both
    params = {
        "source_embedding": draw(len(source), d_in),
        "target_embedding": draw(len(target), d_in),
        "decoder.w_query": draw(4, d),
        "decoder.w_key": draw(4, both),
        "decoder.v": 2 * draw(4),
        "decoder.start.w": draw(d, both),
        "decoder.start.b": draw(d),
        "decoder.readout.w": draw(len(target), n_maxout or joined),
        "decoder.readout.b": draw(len(target)),
    }
    if n_maxout:
        params["decoder.maxout.w"] = draw(2 * n_maxout, joined)
        params["decoder.maxout.b"] = draw(2 * n_maxout)
    for reader in ("ahead", "back")[: 1 + back]:
        params |= {f"encoder.{reader}.{name}": array for name, array in gru(d_in).items()}
    params |= {f"decoder.cell.{name}": array for name, array in gru(d_in + both).items()}
    return params


def alignment(seed=0, text="einundzwanzig", **settings):
    n_step = settings.pop("n_step", 6)
    return Alignment(weights(seed, **settings), LETTERS, WORDS, text, n_step, alt="a translator")


def translated(params, text, n_step, source=LETTERS):
    """Greedy translation by the reference, from arrays as they are: token, probability, weight."""
    params = {
        name.removeprefix("encoder.").removeprefix("decoder."): np.asarray(x, np.float32) + 0.0
        for name, x in params.items()
    }
    params = {name: np.asarray(array, float) for name, array in params.items()}
    feature = params["source_embedding"][[source.index(letter, 3) for letter in text]]
    mask = np.ones(len(text), bool)
    annotation, last = encode(feature, mask, params)
    token, probability = [], []
    for _ in range(n_step):
        before = params["target_embedding"][[1, *token]]
        score, weight = decode(before, annotation, last, mask, params)
        share = softmax(score)[-1]
        token.append(int(share.argmax()))
        probability.append(share.max())
        if token[-1] == 2:
            break
    return token, probability, weight


# --- parity: what the page computes is what the package computes ----------------------------------

RUNNER = """
import { readFileSync } from "node:fs";
const { modules, states, numbers } = JSON.parse(readFileSync(0, "utf8"));
const results = [];
for (const path of modules) {
  const { compute, german, unpack } = await import(path);
  results.push({
    german: numbers.map(german),
    found: states.map((state) => {
      const bytes = Uint8Array.from(atob(state.weights.base64), (c) => c.charCodeAt(0));
      const arrays = unpack(state.tables, new Float32Array(bytes.buffer));
      return compute({ arrays, ...state });
    }),
  });
}
console.log(JSON.stringify(results));
"""

MUTANTS = {
    "gates swapped": ("(1 - update) * fresh + update * old", "update * fresh + (1 - update) * old"),
    "reset before the product": ("reset * kept[2 * n + k]", "kept[2 * n + k]"),
    "update for reset": ("sigmoid(entering[k] + kept[k])",
                         "sigmoid(entering[n + k] + kept[n + k])"),
    "one bias": ("kept = plus(product(`${name}.w_hidden`, hidden), `${name}.b_hidden`)",
                 "kept = product(`${name}.w_hidden`, hidden)"),
    "both readers ahead": ("order : order.reverse()", "order : order"),
    "the second reader first": ('["ahead", "back"]', '["back", "ahead"]'),
    "the reader starts anew": ("hidden = gru(reader, source[j], hidden);",
                               "hidden = gru(reader, source[j], hidden.fill(0));"),
    "the start not squashed": ('layer("start", last).map(Math.tanh)', 'layer("start", last)'),
    "query after the step": ('const asked = product("w_query", state);',
                             'const asked = product("w_query", state.map(() => 0));'),
    "no tanh in the score": ("v[i] * Math.tanh(k + asked[i])", "v[i] * (k + asked[i])"),
    "the context is fixed": ("sum + attended[j] * one[c], 0)", "one[c], 0)"),
    "context before word": ("[...before, ...context], state", "[...context, ...before], state"),
    "joined in another order": ("[...state, ...before, ...context]",
                                "[...state, ...context, ...before]"),
    "the start at every step": ("token.at(-1) ?? START", "START"),
    "the smaller of a pair": ("Math.max(pairs[2 * k]", "Math.min(pairs[2 * k]"),
    "pairs half a layer apart": ("pairs[2 * k + 1])", "pairs[k + pairs.length / 2])"),
    "no end": ("&& token.at(-1) !== END", ""),
    "a word too many": ("token.length < n_step", "token.length <= n_step"),
    "the end's name for a letter": ("source_tokens.indexOf(letter, FIRST)",
                                    "source_tokens.indexOf(letter, 0) + 1"),
    "transposed tables": ("data[i * width + j]", "data[j * arrays[name].n + i]"),
}  # fmt: skip

SPELLING = {
    "tens before units": (
        'UNITS[n % 10] + (n % 10 ? "und" : "") + TENS[Math.floor(n / 10)]',
        'TENS[Math.floor(n / 10)] + (n % 10 ? "und" : "") + UNITS[n % 10]',
    ),
    "und too often": ('n % 10 ? "und" : ""', '"und"'),
    "no s": ('n % 100 === 1 ? "s" : ""', '""'),
    "s behind eleven": ("n % 100 === 1", "n % 10 === 1"),
    "one thousand with s": ('many === 1 ? "ein" : one(many)', "one(many)"),
    "hundred without one": ("`${UNITS[Math.floor(n / 100)]}hundert`", '"hundert"'),
    "sixteen": ('"sechzehn"', '"sechszehn"'),
    "seventy": ('"siebzig"', '"siebenzig"'),
    "thirty": ('"dreißig"', '"dreizig"'),
}

TEXTS = ("einundzwanzig", "z", "ßaß", "abcdeinuzwg", "dddddddddddddddddddddddddd", "ein")


def random_figures():
    """Translators with one reader and two, with maxout and without, small and large weights."""
    for k in range(24):
        source, target = LETTERS, WORDS
        if k % 8 == 7:
            source, target = task.LETTERS, task.WORDS
        params = weights(
            k, back=k % 3 > 0, n_maxout=4 * (k % 2), d=4 + k % 3, spread=(0.3, 1, 3)[k % 3],
            source=source, target=target,
        )  # fmt: skip
        params["decoder.readout.b"][2] += (0.8, 6, 16)[k % 3]
        text = "neunhunderttausend" if source is task.LETTERS else TEXTS[k % len(TEXTS)]
        yield params, Alignment(params, source, target, text, n_step=1 + k % 9)


FIGURES = list(random_figures())
NUMBERS = [*range(1300), *range(99_980, 100_120), *range(1_000, 10**6, 617), 999_999]


def assert_parity(results):
    assert len(results) == len(FIGURES)
    for (_, figure), got in zip(FIGURES, results, strict=True):
        assert got["token"] == figure.token.tolist()
        assert_allclose(got["probability"], figure.probability, rtol=1e-9, atol=1e-12)
        assert_allclose(np.array(got["weight"], float), figure.weight, rtol=1e-9, atol=1e-12)


@pytest.fixture(scope="module")
def computed(tmp_path_factory):
    """What the module and its mutants make of the translators, and how they spell."""
    folder = tmp_path_factory.mktemp("modules")
    path = STATIC / "alignment.mjs"
    source = path.read_text(encoding="utf-8")
    modules = {"": path.as_uri()}
    for k, (name, (old, new)) in enumerate((MUTANTS | SPELLING).items()):
        if old in source:
            mutant = folder / f"mutant{k}.mjs"
            mutant.write_text(source.replace(old, new, 1), encoding="utf-8")
            modules[name] = mutant.as_uri()
    (folder / "run.mjs").write_text(RUNNER, encoding="utf-8")
    states = [figure.state() for _, figure in FIGURES]
    work = {"modules": list(modules.values()), "states": states, "numbers": NUMBERS}
    done = subprocess.run(
        ["node", str(folder / "run.mjs")], input=json.dumps(work), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(modules, json.loads(done.stdout), strict=True))


def test_translators_try_what_matters():
    ended = [figure.token[-1] == 2 for _, figure in FIGURES]
    assert 3 < sum(ended) < len(ended), "some end, some do not"
    assert sum(len(set(figure.token)) > 1 for _, figure in FIGURES) > 5, "words that differ"
    assert sum(figure.weight.max() < 0.9 for _, figure in FIGURES) > 5


@pytest.mark.requires("node")
def test_the_page_computes_what_the_package_computes(computed):
    assert_parity(computed[""]["found"])


@pytest.mark.requires("node")
@pytest.mark.parametrize("mutant", MUTANTS)
def test_parity_rejects(computed, mutant):
    assert mutant in computed, "the module reads differently now: the mutant changes nothing"
    with pytest.raises(AssertionError):
        assert_parity(computed[mutant]["found"])


@pytest.fixture(scope="module")
def spelt():
    pytest.importorskip("num2words", reason="num2words is not installed")
    return [task.german(number) for number in NUMBERS]


@pytest.mark.requires("node")
def test_the_page_spells_as_the_task_does(computed, spelt):
    assert computed[""]["german"] == spelt
    assert spelt[NUMBERS.index(21)] == "einundzwanzig"


@pytest.mark.requires("node")
@pytest.mark.parametrize("mutant", SPELLING)
def test_spelling_rejects(computed, spelt, mutant):
    assert mutant in computed, "the module reads differently now: the mutant changes nothing"
    assert computed[mutant]["german"] != spelt


@pytest.mark.requires("node")
def test_the_colours_are_those_of_a_heat_map():
    code = (
        f'const {{ heat }} = await import("{(STATIC / "alignment.mjs").as_uri()}");'
        "console.log(JSON.stringify(Array.from({ length: 41 }, (_, k) => heat(k / 40))));"
    )
    done = subprocess.run(
        ["node", "--input-type=module", "-e", code], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert_allclose(json.loads(done.stdout), heat(np.linspace(0, 1, 41)), atol=0.501)


# --- what it says ---------------------------------------------------------------------------------


@pytest.mark.parametrize("k", range(0, 24, 5))
def test_the_translation_is_the_references(k):
    params, figure = FIGURES[k]
    token, probability, weight = translated(
        params, figure.text, figure.n_step, list(figure.source_tokens)
    )
    assert figure.token.tolist() == token
    assert_allclose(figure.probability, probability, rtol=1e-12)
    assert_array_equal(figure.weight, weight)
    assert_allclose(figure.weight.sum(axis=1), 1)
    assert figure.words == [figure.target_tokens[t] for t in token if t != 2]


def test_names_may_have_their_parts_or_not():
    params = weights(4)
    bare = {name.split(".", 1)[-1] if "coder." in name else name: x for name, x in params.items()}
    assert set(bare) != set(params)
    one, other = (Alignment(each, LETTERS, WORDS, "ein") for each in (params, bare))
    assert_array_equal(one.weight, other.weight)


def test_a_recorded_translator_translates():
    params = recorded_weights("seq2seq/attention-16")
    figure = Alignment(params, task.LETTERS, task.WORDS)
    assert figure.words == ["twenty", "one"]
    assert figure.token[-1] == 2
    looked = ["".join(figure.text[j] for j in np.argsort(-row)[:1]) for row in figure.weight[:2]]
    assert looked[1] in "ein", "one is read in the first letters"
    assert figure.weight[1, :3].sum() > 0.5


def test_another_text_is_another_translation():
    figure = alignment(1)
    figure.step = 3
    before = figure.weight
    figure.text = "ein"
    assert figure.step == 0
    assert figure.weight.shape == (len(figure.token), 3)
    assert before.shape[1] == 13
    token, _, weight = translated(weights(1), "ein", 6)
    assert figure.token.tolist() == token
    assert_array_equal(figure.weight, weight)


def test_step_stays_inside():
    figure = alignment(3)
    figure.step = 99
    assert figure.step == len(figure.token) - 1 > 0
    figure.step = -1
    assert figure.step == 0


def test_text_stays_readable():
    figure = alignment()
    with pytest.raises(ValueError, match="a letter of text must be one of 'a', .*, got 'x'"):
        figure.text = "exakt"
    with pytest.raises(ValueError, match="the length of text must be at least 1, got 0"):
        figure.text = ""
    assert figure.text == "einundzwanzig"
    with pytest.raises(Exception, match="read-only"):
        figure.n_step = 3


def test_page_holds_the_whole_state():
    figure = alignment(2)
    page = Page(html_of(figure))
    assert page.one("figure")["data-module"] == "alignment"
    state = json.loads(page.script)
    assert len(state.pop("weights")["base64"]) * 3 / 4 >= 4 * sum(
        x.size for x in weights().values()
    )
    assert dict(state.pop("tables")) == {
        name.removeprefix("encoder.").removeprefix("decoder."): list(array.shape)
        for name, array in weights().items()
    }
    assert state == {
        "alt": "a translator",
        "source_tokens": list(LETTERS),
        "target_tokens": list(WORDS),
        "n_step": 6,
        "text": "einundzwanzig",
        "step": 0,
    }


def test_picture_is_the_matrix():
    figure = alignment(3, "nein")
    page = Page(html_of(figure))
    (cells,) = (decoded(a["href"]) for tag, a in page.elements if tag == "image")
    assert_array_equal(cells, heat(figure.weight))
    said = page.one("svg")["aria-label"]
    assert said.startswith(f"a translator. “nein” becomes “{' '.join(figure.words)}”. ")
    assert said.count("largest at word") == 1


def test_no_text_breaks_out_of_its_place():
    tokens = [*WORDS[:4], NASTY, *WORDS[5:]]
    params = weights(5)
    params["decoder.readout.b"][4] += 100.0
    page = Page(html_of(Alignment(params, LETTERS, tokens, "ein", 3, alt=NASTY)))
    state = json.loads(page.script)
    assert state["target_tokens"] == tokens
    assert state["alt"] == NASTY
    assert NASTY in page.one("svg")["aria-label"]
    assert "b" not in [tag for tag, _ in page.elements]


def without(name):
    return {key: array for key, array in weights().items() if key != name}


BAD = {
    "no attention": ("that attends must be one of .*, got 'v'", {"params": without("decoder.v")}),
    "no table": ("got 'source_embedding'", {"params": without("source_embedding")}),
    "letters": (
        r"source_embedding must have shape \(14, any\), got \(15, 3\); a row for each token",
        {"source_tokens": LETTERS[:-1]},
    ),
    "words": (r"target_embedding must have shape \(8, any\)", {"target_tokens": [*WORDS, "six"]}),
    "no words": ("the number of target_tokens must be at least 4", {"target_tokens": WORDS[:3]}),
    "readout": (
        r"readout.b must have shape \(7,\), got \(3,\)",
        {"params": weights() | {"decoder.readout.b": np.zeros(3)}},
    ),
    "a strange letter": ("a letter of text must be one of", {"text": "Ein"}),
    "padding": ("a letter of text must be one of", {"text": "-"}),
    "nothing": ("the length of text must be at least 1", {"text": ""}),
    "a tapeworm": ("the length of text must be at most 80", {"text": "e" * 81}),
    "no step": ("n_step must be at least 1, got 0", {"n_step": 0}),
    "no text": ("alt must say what the figure shows", {"alt": " "}),
}  # fmt: skip


@pytest.mark.parametrize(("words", "bad"), BAD.values(), ids=BAD)
def test_alignment_refuses(words, bad):
    arguments = {"params": weights(), "source_tokens": LETTERS, "target_tokens": WORDS} | bad
    with pytest.raises(ValueError, match=words):
        Alignment(**arguments)
