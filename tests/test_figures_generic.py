"""Heat map and threshold without a browser: their numbers under Node, their traits in Jupyter."""

import json
import subprocess

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from test_figures import Page, decoded, html_of

from attn_course.figures import HeatMap, Threshold
from attn_course.figures.draw import heat
from attn_course.figures.live import STATIC

RNG = np.random.default_rng(5)

# --- parity: what the page computes is what the package computes ----------------------------------

RUNNER = """
import { readFileSync } from "node:fs";
const work = JSON.parse(readFileSync(0, "utf8"));
const results = [];
for (const { path, name, cases } of work) {
  const { [name]: call } = await import(path);
  results.push(cases.map((one) => call(one)));
}
console.log(JSON.stringify(results));
"""

LEVELS = [*np.linspace(-1.5, 1.5, 301).tolist(), None]  # JSON knows no NaN, JavaScript reads null


def heat_cases():
    """Cells of stacks of every shape, and what HeatMap says of them."""
    for _ in range(40):
        n_step, n_row, n_column = (int(n) for n in RNG.integers(1, 6, 3))
        values = RNG.normal(size=(n_step, n_row, n_column)).astype(np.float32)
        figure = HeatMap(values, alt="noise")
        figure.step, figure.row, figure.column = (int(RNG.integers(n)) for n in values.shape)
        at = {"step": figure.step, "row": figure.row, "column": figure.column}
        case = {"values": values.ravel().tolist(), "shape": list(values.shape)} | at
        yield (
            case,
            {"value": figure.value, "rowSum": values[figure.step, figure.row].sum(dtype=float)},
        )


def threshold_cases():
    """Groups of weights and of scores with ties, thresholds at values and between them."""
    for k in range(60):
        groups = {
            str(g): RNG.integers(-2 if k % 2 else 0, 5, RNG.integers(1, 8)) / 4
            for g in range(1 + k % 3)
        }
        figure = Threshold(groups, alt="noise")
        figure.threshold = float(RNG.integers(-3, 6)) / 8
        state = figure.state()
        every = np.concatenate([np.sort(group)[::-1] for group in groups.values()])
        case = {"values": every.tolist(), "sizes": state["sizes"], "threshold": state["threshold"]}
        yield case, list(figure.kept().values())


WORK = {
    "heatmap compute": ("heatmap", "compute", list(heat_cases())),
    "threshold compute": ("threshold", "compute", list(threshold_cases())),
    "heat": (
        "heatmap",
        "heat",
        [(level, heat(np.array(np.nan if level is None else level))) for level in LEVELS],
    ),
}
MUTANTS = {  # of the work above: what is changed in its module
    "rows and steps confused": ("heatmap compute", "step * nRow + row", "step + nRow * row"),
    "stride of the rows": ("heatmap compute", "[, nRow, nColumn]", "[, nColumn, nRow]"),
    "sum one short": ("heatmap compute", "j < nColumn; j++", "j < nColumn - 1; j++"),
    "above, not at": ("threshold compute", "value >= threshold", "value > threshold"),
    "groups not passed over": ("threshold compute", "(start += size)", "start + size"),
    "mass of all": ("threshold compute", "sum(kept) / sum(group)", "sum(kept) / sum(values)"),
    "mass of what is negative": ("threshold compute", "group[size - 1] >= 0 &&", ""),
    "blue for amber": ("heat", "Math.max(level, -1)", "Math.max(-level, -1)"),
    "another grey": ("heat", "139, 142, 148", "139, 142, 158"),
    "a step of the scale": ("heat", "[SCALE[first], SCALE[first + 1]]", "[SCALE[0], SCALE[4]]"),
}


def assert_parity(work, results):
    assert len(WORK[work][2]) == len(results)
    for (_, want), got in zip(WORK[work][2], results, strict=True):
        if work == "heat":  # the canvas rounds
            assert_allclose(got, want, rtol=0, atol=0.5 + 1e-9)
        elif work == "threshold compute":
            assert [one["count"] for one in got] == [one["count"] for one in want]
            for one, other in zip(got, want, strict=True):
                assert_allclose(one["share"], other["share"], rtol=1e-12)
                assert (one["mass"] is None) == (other["mass"] is None)
                assert_allclose(one["mass"] or 0, other["mass"] or 0, rtol=1e-12)
        else:
            assert_allclose(np.array(got.get("value"), float), want["value"], rtol=1e-12)
            assert_allclose(np.array(got["rowSum"], float), want["rowSum"], rtol=1e-12, atol=1e-12)


@pytest.fixture(scope="module")
def computed(tmp_path_factory):
    """What the modules and their mutants make of the cases."""
    folder = tmp_path_factory.mktemp("modules")
    tasks = {name: (work, STATIC / f"{work[0]}.mjs") for name, work in WORK.items()}
    for k, (name, (target, old, new)) in enumerate(MUTANTS.items()):
        source = (STATIC / f"{WORK[target][0]}.mjs").read_text(encoding="utf-8")
        if old in source:
            path = folder / f"mutant{k}.mjs"
            path.write_text(source.replace(old, new, 1), encoding="utf-8")
            tasks[name] = WORK[target], path
    work = [
        {"path": path.as_uri(), "name": name, "cases": [case for case, _ in cases]}
        for (_, name, cases), path in tasks.values()
    ]
    (folder / "run.mjs").write_text(RUNNER, encoding="utf-8")
    done = subprocess.run(
        ["node", str(folder / "run.mjs")], input=json.dumps(work), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(tasks, json.loads(done.stdout), strict=True))


def test_cases_try_what_matters():
    kept = [one for _, groups in WORK["threshold compute"][2] for one in groups]
    assert {one["mass"] is None for one in kept} == {True, False}
    assert {0.0, 1.0} < {one["share"] for one in kept}
    cases = WORK["threshold compute"][2]
    assert sum(case["threshold"] in case["values"] for case, _ in cases) > 10, "ties"


@pytest.mark.requires("node")
@pytest.mark.parametrize("work", WORK)
def test_the_page_computes_what_the_package_computes(computed, work):
    assert_parity(work, computed[work])


@pytest.mark.requires("node")
@pytest.mark.parametrize("mutant", MUTANTS)
def test_parity_rejects(computed, mutant):
    assert mutant in computed, "the module reads differently now: the mutant changes nothing"
    with pytest.raises(AssertionError):
        assert_parity(MUTANTS[mutant][0], computed[mutant])


# --- heat map -------------------------------------------------------------------------------------

STACK = np.arange(24.0).reshape(2, 3, 4)


def test_heat_map_reads_out_the_chosen_cell():
    figure = HeatMap(STACK, alt="numbers")
    assert figure.value == 0
    figure.step, figure.row, figure.column = 1, 2, 3
    assert figure.value == 23
    figure.step, figure.row, figure.column = -1, 9, 9
    assert (figure.step, figure.row, figure.column) == (0, 2, 3)


def test_a_matrix_is_a_stack_of_one():
    figure = HeatMap(STACK[0], alt="numbers", names=("query", "key"), rows=list("abc"))
    assert figure.shape == [1, 3, 4]
    assert figure.names == ["query", "key", "step"]
    assert (figure.rows, figure.columns, figure.steps) == (list("abc"), list("0123"), ["0"])
    assert figure.limit == 11
    with pytest.raises(Exception, match="read-only"):
        figure.rows = list("xyz")


def test_picture_of_a_heat_map_is_the_chosen_step():
    figure = HeatMap(STACK, alt="numbers", steps=["early", "late"], names=("row", "column", "time"))
    for step, name in enumerate(figure.steps):
        figure.step = step
        page = Page(html_of(figure))
        assert_array_equal(decoded(page.one("image")["href"]), heat(STACK[step] / 23))
        said = page.one("svg")["aria-label"]
        assert said.startswith(f"numbers. Of 2 the one of time {name}. 3 by 4, from {12 * step}.00")


BAD_HEAT = {
    "a row": (r"values must have shape .*, got \(4,\)", {"values": np.ones(4)}),
    "nothing": ("the size of values must be", {"values": np.ones((0, 3))}),
    "a name short": (r"columns must have shape \(3,\), got \(2,\)", {"columns": "ab"}),
    "no limit": ("limit must be positive, got 0", {"limit": 0}),
    "no text": ("alt must say what the figure shows", {"alt": ""}),
}


@pytest.mark.parametrize(("words", "bad"), BAD_HEAT.values(), ids=BAD_HEAT)
def test_heat_map_refuses(words, bad):
    arguments = {"values": np.ones((2, 3)), "alt": "ones"} | bad
    with pytest.raises(ValueError, match=words):
        HeatMap(arguments.pop("values"), **arguments)


# --- threshold ------------------------------------------------------------------------------------


def test_threshold_by_hand():
    figure = Threshold(
        {"weights": np.array([0.1, 0.6, 0.3]), "scores": np.array([-1.0, 1.0])}, alt="two groups"
    )
    assert_allclose(figure.threshold, 1.0 / 5)
    figure.threshold = 0.3
    kept = figure.kept()
    assert kept["weights"].pop("mass") == pytest.approx(0.9)
    assert kept == {
        "weights": {"count": 2, "share": 2 / 3},
        "scores": {"count": 1, "share": 0.5, "mass": None},
    }
    figure.threshold = -50
    assert figure.threshold == -1
    assert figure.kept()["scores"]["count"] == 2
    figure.threshold = 50
    assert figure.threshold == 1


def test_threshold_of_zeros_and_of_one_value():
    assert Threshold(np.zeros(3), alt="zeros").kept()["values"]["mass"] is None
    figure = Threshold(np.array([0.0]), alt="zero")
    assert (figure.low, figure.high) == (0, 1)
    figure = Threshold(np.array([-2.0, -2.0]), alt="below")
    assert (figure.low, figure.high) == (-2, 0) or figure.high > figure.low


def test_threshold_does_not_sort_what_it_is_given():
    values = np.array([1.0, 3.0, 2.0])
    Threshold(values, alt="three values")
    assert_array_equal(values, [1, 3, 2])


def test_picture_of_a_threshold_says_what_it_keeps():
    figure = Threshold({"a": np.array([3.0, 1.0]), "b": np.ones(4)}, alt="x", label="weight")
    figure.threshold = 2
    page = Page(html_of(figure))
    assert page.one("svg")["aria-label"] == (
        "x. The threshold stands at weight 2.000. a: 1 of 2 reach it, 75% of the sum. "
        "b: 0 of 4 reach it, 0% of the sum"
    )


BAD_THRESHOLD = {
    "a matrix": (r"values must have shape \(any,\), got \(2, 2\)", {"values": np.ones((2, 2))}),
    "empty": ("the size of values must be at least 1, got 0", {"values": np.ones(0)}),
    "NaN": ("values must be finite, got nan", {"values": np.array([1.0, np.nan])}),
    "infinite": ("a must be finite, got -inf", {"values": {"a": np.array([-np.inf, 1.0])}}),
    "no group": ("the number of groups must be at least 1", {"values": {}}),
    "six groups": (
        "the number of groups must be at most 5, got 6",
        {"values": dict.fromkeys("abcdef", np.ones(1))},
    ),
    "nowhere": ("threshold must be finite, got nan", {"threshold": float("nan")}),
    "no text": ("alt must say what the figure shows", {"alt": " "}),
}


@pytest.mark.parametrize(("words", "bad"), BAD_THRESHOLD.values(), ids=BAD_THRESHOLD)
def test_threshold_refuses(words, bad):
    arguments = {"values": np.ones(3), "alt": "ones"} | bad
    with pytest.raises(ValueError, match=words):
        Threshold(arguments.pop("values"), **arguments)
