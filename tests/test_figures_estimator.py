"""The figure of the estimator without a browser: numbers under Node, traits, its picture."""

import json
import subprocess

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from test_figures import NASTY, Page, html_of

from attn_course.figures import Estimator
from attn_course.figures.estimator import MOST, WAYS, uniforms
from attn_course.figures.live import STATIC
from attn_course.soft_hard import reference

SCORE, REWARD = np.log([0.5, 0.3, 0.2]), np.array([0.0, 1.0, 2.0])


def estimator(**settings):
    return Estimator(SCORE, REWARD, alt="three places", items=["sky", "face", "hand"], **settings)


# --- parity: what the page computes is what the package computes ----------------------------------

RUNNER = """
import { readFileSync } from "node:fs";
const { modules, states } = JSON.parse(readFileSync(0, "utf8"));
const results = [];
for (const path of modules) {
  const { compute, uniforms } = await import(path);
  results.push(states.map((state) => ({ ...compute(state), uniform: uniforms(state) })));
}
console.log(JSON.stringify(results));
"""

MUTANTS = {
    "another generator": ("bits >>> 15", "bits >>> 14"),
    "the seed left out": ("(seed + Math.imul", "(0 + Math.imul"),
    "a draw early": ("0x6d2b79f5, k + 1", "0x6d2b79f5, k"),
    "an edge crossed": ("slice(0, -1)", "slice(1)"),
    "softmax not shifted back": ("bell.map((one) => one / sum)", "bell"),
    "no offset": ("r + offset", "r"),
    "a baseline that knows the draw": ("((r - mean) * n) / (n - 1)", "r - mean"),
    "both ways alike": ('way === "baseline" ? ((r', 'way !== "none" ? ((r'),
    "no minus p": ("(k === j ? 1 : 0) - probability[j]", "(k === j ? 1 : 0)"),
    "biased variance": ("** 2) / (n - 1)", "** 2) / n"),
    "one standard error": ("1.96 *", "1.64 *"),
    "spread not a root": ("Math.sqrt(variance.reduce", "(variance.reduce"),
    "cosine without lengths": ("/ (length * away)", "/ length"),
    "error by its own length": ("- exact[j])) / length", "- exact[j])) / away"),
    "gradient not centred": ("(shifted[k] - value)", "shifted[k]"),
    "fewer points": ("Math.log2(drawn)) - 4", "Math.log2(drawn)) - 2"),
    "the end left out": ("drawn % gap && drawn !== n", "drawn % gap"),
}


def random_states():
    """States of the figure: policies of every size, flat and sharp, none, few and many draws."""
    rng = np.random.default_rng(41)
    for k in range(40):
        n_item = int(rng.integers(2, 9))
        yield {
            "score": rng.normal(0, (0.5, 3)[k % 4 == 0], n_item).tolist(),
            "reward": rng.normal(0, 1, n_item).tolist(),
            "offset": float(rng.integers(-10, 11)) / 2,
            "seed": int(rng.integers(2**32)) if k % 2 else k,
            "n_draw": int(rng.choice([0, 1, 2, 3, 10, 77, 300])),
        }
    yield {"score": [0.0, 1.0], "reward": [0.0, 1.0], "offset": 3.0, "seed": 5, "n_draw": 2500}


STATES = list(random_states())


def figure_of(state):
    settings = {name: state[name] for name in ("offset", "seed", "n_draw")}
    return Estimator(np.array(state["score"]), np.array(state["reward"]), alt="noise", **settings)


def assert_same(got, want):
    assert (got is None) == (want is None), (got, want)
    if want is not None:
        assert_allclose(np.array(got, float), want, rtol=1e-9, atol=1e-11)


def assert_parity(results):
    assert len(results) == len(STATES)
    for state, got in zip(STATES, results, strict=True):
        figure = figure_of(state)
        assert_array_equal(got["uniform"], uniforms(state["seed"], state["n_draw"]))
        assert_array_equal(got["counts"], figure.counts())
        assert got["last"] == (figure.choices()[-1] if state["n_draw"] else None)
        assert_allclose(got["probability"], figure.probability, rtol=1e-12)
        assert_allclose(got["exact"], figure.gradient, rtol=1e-9, atol=1e-12)
        found = figure.estimates()
        for way in WAYS:
            for name, value in found[way].items():
                assert_same(got[way][name], value)
        points = got["points"]
        assert points == sorted(set(points))
        few = min(16, state["n_draw"])
        assert points[:few] == list(range(1, few + 1))
        if points:
            assert points[-1] == state["n_draw"]
        if state["n_draw"] in (77, 300):
            assert len(points) > 32
        for at in {0, len(points) // 2, len(points) - 1} if points else ():
            figure.n_draw = points[at]
            for way, one in figure.estimates().items():
                assert_same(got["cosines"][way][at], one["cosine"])


@pytest.fixture(scope="module")
def computed(tmp_path_factory):
    """What the module and its mutants make of the states."""
    folder = tmp_path_factory.mktemp("modules")
    path = STATIC / "estimator.mjs"
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
    found = [figure_of(state).estimates() for state in STATES]
    assert {one["plain"]["gradient"] is None for one in found} == {True, False}
    assert any(
        one["baseline"]["gradient"] is None and one["plain"]["gradient"] is not None
        for one in found
    )
    lone = [s for s in STATES if s["n_draw"] > 1 and np.ptp(figure_of(s).choices()) == 0]
    assert lone, "draws that are all alike: with a baseline they say nothing"
    assert all(figure_of(state).estimates()["baseline"]["cosine"] is None for state in lone)


@pytest.mark.requires("node")
def test_the_page_computes_what_the_package_computes(computed):
    assert_parity(computed[""])


@pytest.mark.requires("node")
@pytest.mark.parametrize("mutant", MUTANTS)
def test_parity_rejects(computed, mutant):
    assert mutant in computed, "the module reads differently now: the mutant changes nothing"
    with pytest.raises(AssertionError):
        assert_parity(computed[mutant])


# --- the generator --------------------------------------------------------------------------------


def test_uniforms_are_uniform_and_their_own():
    drawn = uniforms(7, 100_000)
    assert 0 <= drawn.min() < drawn.max() < 1
    share = np.bincount((10 * drawn).astype(int)) / len(drawn)
    assert_allclose(share, 0.1, atol=4 * np.sqrt(0.09 / len(drawn)))
    assert abs(np.corrcoef(drawn[1:], drawn[:-1])[0, 1]) < 4 / np.sqrt(len(drawn))
    assert_array_equal(uniforms(7, 10), drawn[:10])
    assert not np.isin(uniforms(8, 100), drawn[:1000]).any()
    assert uniforms(2**32 - 1, 0).shape == (0,)


def test_draws_have_the_policys_frequencies():
    figure = estimator(n_draw=MOST, seed=3)
    wrong = figure.counts() / MOST - figure.probability
    assert (np.abs(wrong) < 4 * np.sqrt(figure.probability * (1 - figure.probability) / MOST)).all()


# --- what it says ---------------------------------------------------------------------------------


def test_estimates_by_hand():
    figure = estimator(offset=1.0, n_draw=2)
    first, second = figure.choices()
    found, p = figure.estimates(), np.array([0.5, 0.3, 0.2])
    scores = np.eye(3)[[first, second]] - p
    rewards = 1 + REWARD[[first, second]]
    assert_allclose(found["plain"]["gradient"], (rewards @ scores) / 2)
    gap = rewards[0] - rewards[1]
    assert_allclose(found["baseline"]["gradient"], gap * (scores[0] - scores[1]) / 2)
    assert_allclose(figure.gradient, [-0.35, 0.09, 0.26])


def test_offset_moves_neither_the_gradient_nor_the_estimate_with_a_baseline():
    plain, shifted = estimator(n_draw=50), estimator(n_draw=50, offset=3.0)
    assert_array_equal(plain.choices(), shifted.choices())
    assert_allclose(plain.gradient, shifted.gradient, atol=1e-12)
    one, other = plain.estimates(), shifted.estimates()
    assert_allclose(one["baseline"]["gradient"], other["baseline"]["gradient"], atol=1e-12)
    assert other["plain"]["spread"] > 2 * one["plain"]["spread"]


def test_both_estimates_reach_the_gradient():
    for offset in (0.0, 3.0, -3.0):
        for one in estimator(n_draw=MOST, offset=offset, seed=1).estimates().values():
            assert one["cosine"] > 0.99
            assert (np.abs(one["gradient"] - [-0.35, 0.09, 0.26]) < 2 * one["half"]).all()


def test_spread_is_that_of_the_enumerated_terms():
    figure = estimator(n_draw=MOST, offset=3.0, seed=2)
    p, gain = figure.probability, REWARD + 3
    for way, base in zip(WAYS, (0.0, p @ gain), strict=True):
        terms = (gain - base)[:, None] * (np.eye(3) - p)
        spread = np.sqrt(p @ (terms**2).sum(axis=1) - (figure.gradient**2).sum())
        assert_allclose(figure.estimates()[way]["spread"], spread, rtol=0.03)


def test_gradient_is_the_references():
    figure = estimator(offset=-2.0)
    assert_array_equal(figure.gradient, reference.expected_gradient(SCORE, REWARD - 2.0))


def test_traits_stay_inside():
    figure = estimator()
    figure.n_draw, figure.offset = 10**6, 40.0
    assert (figure.n_draw, figure.offset) == (MOST, 5.0)
    figure.n_draw, figure.offset = -1, -40.0
    assert (figure.n_draw, figure.offset) == (0, -5.0)
    with pytest.raises(Exception, match="read-only"):
        figure.score = [0.0, 0.0]


def test_page_holds_the_whole_state():
    page = Page(html_of(estimator(n_draw=10, offset=3, seed=4)))
    assert page.one("figure")["data-module"] == "estimator"
    assert json.loads(page.script) == {
        "alt": "three places",
        "score": SCORE.tolist(),
        "reward": REWARD.tolist(),
        "items": ["sky", "face", "hand"],
        "seed": 4,
        "n_draw": 10,
        "offset": 3.0,
    }


def test_picture_says_where_the_estimates_stand():
    figure = estimator(n_draw=1, offset=-0.5)
    page = Page(html_of(figure))
    said = page.one("svg")["aria-label"]
    cosine = f"{figure.estimates()['plain']['cosine']:.3f}".replace("-", "−")
    assert said == (
        "three places. After 1 draw, −0.5 added to all rewards. no baseline: cosine to the exact "
        f"gradient {cosine}. with a baseline: cosine to the exact gradient none yet"
    )
    assert [tag for tag, _ in page.elements].count("circle") == 3
    figure.n_draw = 20
    elements = Page(html_of(figure)).elements
    dots = [float(a["cx"]) for tag, a in elements if tag == "circle"]
    assert len(dots) == 6
    lines = [a["d"] for tag, a in elements if tag == "path"]
    assert len(lines) == 2 + 6 + 6


def test_no_text_breaks_out_of_its_place():
    figure = Estimator(np.zeros(2), np.arange(2.0), alt=NASTY, items=[NASTY, "b"], n_draw=5)
    page = Page(html_of(figure))
    assert json.loads(page.script)["items"] == [NASTY, "b"]
    assert "b" not in [tag for tag, _ in page.elements]


BAD = {
    "a matrix": (r"score must have shape \(any,\), got \(1, 3\)", {"score": np.zeros((1, 3))}),
    "one item": ("the size of score must be at least 2", {"score": np.zeros(1)}),
    "nine items": ("the size of score must be at most 8", {"score": np.zeros(9)}),
    "a reward short": (r"reward must have shape \(3,\), got \(2,\)", {"reward": np.arange(2.0)}),
    "NaN": ("reward must be finite, got nan", {"reward": np.array([0, 1, np.nan])}),
    "infinite": ("score must be finite, got -inf", {"score": np.array([0, 1, -np.inf])}),
    "all alike": ("the range of reward must be positive, got 0.0", {"reward": np.ones(3)}),
    "a name short": (r"items must have shape \(3,\), got \(2,\)", {"items": "ab"}),
    "no seed": ("seed must be at least 0, got -1", {"seed": -1}),
    "too large a seed": ("seed must be at most", {"seed": 2**32}),
    "no offset": ("offset must be finite, got nan", {"offset": float("nan")}),
    "no text": ("alt must say what the figure shows", {"alt": " "}),
}  # fmt: skip


@pytest.mark.parametrize(("words", "bad"), BAD.values(), ids=BAD)
def test_estimator_refuses(words, bad):
    arguments = {"score": SCORE, "reward": REWARD, "alt": "three places"} | bad
    score, reward = arguments.pop("score"), arguments.pop("reward")
    with pytest.raises(ValueError, match=words):
        Estimator(score, reward, **arguments)
