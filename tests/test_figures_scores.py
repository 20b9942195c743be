"""The figure of the scores without a browser: numbers under Node, traits, its picture."""

import json
import subprocess

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from test_figures import NASTY, Page, html_of

from attn_course.families import reference
from attn_course.figures import Scores
from attn_course.figures.live import STATIC
from attn_course.figures.scores import EDGE, KEY, NAMES

FIXED = ("general", "concat", "v", "location")

# --- parity: what the page computes is what the package computes ----------------------------------

RUNNER = """
import { readFileSync } from "node:fs";
const { modules, states } = JSON.parse(readFileSync(0, "utf8"));
const results = [];
for (const path of modules) {
  const { compute } = await import(path);
  results.push(states.map((state) => compute(state)));
}
console.log(JSON.stringify(results));
"""

MUTANTS = {
    "width left out": ("scale * (width / 2) ** 0.25", "scale"),
    "width as it is": ("(width / 2) ** 0.25", "width ** 0.25"),
    "scale left out": ("scale * (width", "1 * (width"),
    "keys as they are": ("one.map((value) => grow * value)", "one"),
    "divided by the width": ("/ Math.sqrt(width)", "/ width"),
    "divided by the width shown": ("/ Math.sqrt(width)", "/ Math.sqrt(2)"),
    "no key strength": ("strength * dot(direction", "1 * dot(direction"),
    "query not at length one": ("dot(direction(query), direction(one))",
                                "dot(query, direction(one))"),
    "keys not at length one": ("dot(direction(query), direction(one))",
                               "dot(direction(query), one)"),
    "the largest entry for the length": ("even.map((value) => value / length)", "even"),
    "nothing over nothing": ("if (size === 0) return vector;", ""),
    "general transposed": ("general[0][j] + query[1] * general[1][j]",
                           "general[j][0] + query[1] * general[j][1]"),
    "key before query": ("[...query, ...one]", "[...one, ...query]"),
    "no tanh": ("Math.tanh(dot(row, [...query, ...one]))", "dot(row, [...query, ...one])"),
    "location looks at keys": ("dot(row, query)),", "dot(row, key[0])),"),
    "softmax not shifted": ("Math.exp(s - most)", "Math.exp(s)"),
    "softmax not divided": ("bell.map((one) => one / sum)", "bell"),
}  # fmt: skip


def random_states():
    """States of the figure: zero vectors, widths, scores beyond what `exp` can hold."""
    rng = np.random.default_rng(51)
    for k in range(40):
        n_key, d_score = int(rng.integers(2, 6)), int(rng.integers(1, 5))
        key, query = rng.uniform(-EDGE, EDGE, (n_key, 2)), rng.uniform(-EDGE, EDGE, 2)
        if k % 4 == 0:
            key[k % n_key] = 0.0
        if k % 8 == 1:
            query[:] = 0.0
        yield {
            "query": query.tolist(),
            "key": key.tolist(),
            "width": int(rng.choice([2, 3, 8, 64, 512])),
            "scale": float(2 ** rng.uniform(-2, 2)),
            "key_strength": float(rng.uniform(0, 20)),
            "general": rng.normal(size=(2, 2)).tolist(),
            "concat": rng.normal(size=(d_score, 4)).tolist(),
            "v": rng.normal(size=d_score).tolist(),
            "location": rng.normal(size=(n_key, 2)).tolist(),
        }
    far = Scores(query=(2.2, 2.2), key=[[2.2, 2.2], [2.2, 2.1], [0, 0]], width=512, scale=4)
    yield {name: value for name, value in far.state().items() if name != "alt"}


STATES = list(random_states())


def assert_parity(results):
    assert len(results) == len(STATES)
    for state, got in zip(STATES, results, strict=True):
        figure = Scores(**state)
        for kind, want in (("scores", figure.scores()), ("weights", figure.weights())):
            assert list(got[kind]) == list(NAMES)
            for name in NAMES:
                numbers = np.array(got[kind][name], float)
                assert_allclose(numbers, want[name], rtol=1e-9, atol=1e-11, err_msg=name)


@pytest.fixture(scope="module")
def computed(tmp_path_factory):
    """What the module and its mutants make of the states."""
    folder = tmp_path_factory.mktemp("modules")
    path = STATIC / "scores.mjs"
    source = path.read_text(encoding="utf-8")
    modules = {"": path.as_uri()}
    for k, (name, (old, new)) in enumerate(MUTANTS.items()):
        if old in source:
            mutant = folder / f"mutant{k}.mjs"
            mutant.write_text(source.replace(old, new, 1), encoding="utf-8")
            modules[name] = mutant.as_uri()
    (folder / "run.mjs").write_text(RUNNER, encoding="utf-8")
    done = subprocess.run(
        ["node", str(folder / "run.mjs")],
        input=json.dumps({"modules": list(modules.values()), "states": STATES}),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(modules, json.loads(done.stdout), strict=True))


def test_states_try_what_matters():
    shown = [Scores(**state) for state in STATES]
    assert {len(one.key) for one in shown} == {2, 3, 4, 5}
    assert any(one.query == [0, 0] for one in shown)
    assert sum([0, 0] in one.key for one in shown) > 5
    assert max(one.scores()["dot"].max() for one in shown) > 1000, "exp alone would overflow"


@pytest.mark.requires("node")
def test_the_page_computes_what_the_package_computes(computed):
    assert_parity(computed[""])


@pytest.mark.requires("node")
@pytest.mark.parametrize("mutant", MUTANTS)
def test_parity_rejects(computed, mutant):
    assert mutant in computed, "the module reads differently now: the mutant changes nothing"
    with pytest.raises(AssertionError):
        assert_parity(computed[mutant])


# --- what it says ---------------------------------------------------------------------------------


def test_scores_at_width_two_are_the_references():
    figure = Scores(scale=1.5, key_strength=3)
    query, key = 1.5 * np.array([figure.query]), 1.5 * np.array(KEY)
    general, concat, v, location = (np.array(list(getattr(figure, name))) for name in FIXED)
    want = {
        "dot": reference.dot_score(query, key),
        "scaled": reference.scaled_dot_score(query, key),
        "cosine": reference.cosine_score(query, key, 3.0),
        "general": reference.general_score(query, key, general),
        "additive": reference.concat_score(query, key, concat, v),
        "location": reference.location_score(query, location),
    }
    for name, score in figure.scores().items():
        assert_allclose(score, want[name][0], rtol=1e-12, err_msg=name)


def test_scores_by_hand():
    figure = Scores(query=(1.0, 2.0), key=[[2.0, 0.0], [0.0, -1.0]], key_strength=5)
    scores = figure.scores()
    assert_allclose(scores["dot"], [2, -2])
    assert_allclose(scores["scaled"], [2**0.5, -(2**0.5)])
    assert_allclose(scores["cosine"], [5 / 5**0.5, -10 / 5**0.5])
    assert_allclose(scores["general"], [-4, -1])  # the query turned to (-2, 1)
    assert_allclose(scores["location"], [1.0, 0.3 + 1.8])
    want = 1.5 * np.tanh([3, 1]) + 1.5 * np.tanh([2, 1]) + np.tanh([1 - 2 - 2, 1 - 2 - 1])
    assert_allclose(scores["additive"], want)


def test_width_grows_the_dot_product_and_not_the_scaled_one():
    narrow, wide = Scores().scores(), Scores(width=512).scores()
    assert_allclose(wide["dot"], 16 * narrow["dot"])
    assert_allclose(wide["scaled"], narrow["scaled"])
    assert_allclose(wide["cosine"], narrow["cosine"])


def test_scale_sharpens_products_and_not_the_cosine():
    figure = Scores()
    before = figure.weights()
    figure.scale = 4.0
    after = figure.weights()
    assert after["dot"].max() > 0.99 > before["dot"].max()
    assert_allclose(after["cosine"], before["cosine"])
    bound = np.abs(figure.v).sum()
    assert np.abs(figure.scores()["additive"]).max() <= bound


def test_only_location_overlooks_a_key():
    figure = Scores()
    before = figure.scores()
    figure.key = [[-1.0, 0.3], *list(figure.key)[1:]]
    after = figure.scores()
    still = {name for name in NAMES if after[name][0] == before[name][0]}
    assert still == {"location"}


def test_key_strength_of_zero_is_even():
    assert_allclose(Scores(key_strength=0).weights()["cosine"], 0.2)


def test_traits_stay_inside():
    figure = Scores()
    figure.query, figure.scale, figure.key_strength, figure.width = [9.0, -9.0], 40.0, -1.0, 1000
    assert figure.query == [EDGE, -EDGE]
    assert (figure.scale, figure.key_strength, figure.width) == (4.0, 0.0, 512)
    with pytest.raises(ValueError, match=r"key must have shape \(5, 2\), got \(4, 2\)"):
        figure.key = list(figure.key)[1:]
    with pytest.raises(ValueError, match="scale must be finite, got nan"):
        figure.scale = float("nan")
    with pytest.raises(Exception, match="read-only"):
        figure.general = [[1.0, 0.0], [0.0, 1.0]]


def test_page_holds_the_whole_state():
    figure = Scores(query=(0.5, -1.0), width=8, scale=2, key_strength=1)
    page = Page(html_of(figure))
    assert page.one("figure")["data-module"] == "scores"
    state = json.loads(page.script)
    assert {name: state.pop(name) for name in FIXED} == {
        name: getattr(figure, name) for name in FIXED
    }
    assert state == {
        "alt": figure.alt,
        "query": [0.5, -1.0],
        "key": [list(one) for one in KEY],
        "width": 8,
        "scale": 2.0,
        "key_strength": 1.0,
    }


def test_picture_has_a_bar_for_every_weight():
    figure = Scores(query=(-1.0, 0.5), width=32)
    page = Page(html_of(figure))
    bars = [a for tag, a in page.elements if tag == "rect"][1:]
    heights = np.reshape([float(a["height"]) for a in bars], (6, 5))
    assert_allclose(heights / heights.sum(axis=1, keepdims=True),
                    list(figure.weights().values()), atol=1e-3)  # fmt: skip
    assert len({a["fill"] for a in bars}) == 5
    said = page.one("svg")["aria-label"]
    assert "The query at (−1.0, 0.5), the keys a at (1.8, 0.6)" in said
    dot = figure.weights()["dot"]
    assert f". dot: a {dot[0]:.2f}, b {dot[1]:.2f}" in said
    assert said.endswith("width 32, vectors × 1, key strength 5")


def test_picture_shows_where_the_points_are():
    circles = [a for tag, a in Page(Scores().picture()).elements if tag == "circle"]
    got = np.array([[float(a["cx"]), float(a["cy"])] for a in circles])
    points = np.array([*KEY, (1.0, 0.9)])
    middle = 288 / 2
    want = [middle, middle + 4] + points * [1, -1] * middle / EDGE
    assert_allclose(got, want, atol=0.051)


def test_two_keys_have_two_bars():
    figure = Scores(key=[[1.0, 0.0], [0.0, 1.0]])
    elements = Page(figure.picture()).elements
    assert sum(tag == "rect" for tag, _ in elements) == 1 + 12
    assert_array_equal(np.shape(figure.location), (2, 2))


def test_no_text_breaks_out_of_its_place():
    page = Page(html_of(Scores(alt=NASTY)))
    assert json.loads(page.script)["alt"] == NASTY
    assert "b" not in [tag for tag, _ in page.elements]


BAD = {
    "one key": ("the number of keys must be at least 2, got 1", {"key": [[1, 0]]}),
    "six keys": ("the number of keys must be at most 5, got 6", {"key": np.zeros((6, 2))}),
    "keys in space": (r"key must have shape \(2, 2\), got \(2, 3\)", {"key": np.zeros((2, 3))}),
    "a query in space": (r"query must have shape \(2,\), got \(3,\)", {"query": (1, 2, 3)}),
    "NaN": ("query must be finite, got nan", {"query": (0, float("nan"))}),
    "endless": ("key_strength must be finite, got inf", {"key_strength": float("inf")}),
    "general": (r"general must have shape \(2, 2\), got \(2, 3\)", {"general": np.ones((2, 3))}),
    "concat": (r"concat must have shape \(3, 4\), got \(3, 2\)", {"concat": np.ones((3, 2))}),
    "v": (r"concat must have shape \(2, 4\), got \(3, 4\)", {"v": np.ones(2)}),
    "location": (r"location must have shape \(5, 2\), got \(4, 2\)", {"location": np.ones((4, 2))}),
    "no text": ("alt must say what the figure shows", {"alt": " "}),
}


@pytest.mark.parametrize(("words", "bad"), BAD.values(), ids=BAD)
def test_scores_refuses(words, bad):
    with pytest.raises(ValueError, match=words):
        Scores(**bad)
