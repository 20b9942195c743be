"""Every page of the built book in Debian's Firefox, as tests/test_site.py reads it in Chromium."""

from pathlib import Path

import pytest
from browsers import firefox
from chromium import served

pytestmark = [pytest.mark.site, pytest.mark.requires("node", "firefox-esr")]

# How many formulas are not typeset, or not wholly: what MathJax does not know it writes in red.
TYPESET = """async () => {
  await window.MathJax?.startup?.promise;
  const all = [...document.querySelectorAll(".math")];
  const bare = all.filter((one) => !one.querySelector("mjx-math"));
  const wrong = document.querySelectorAll("mjx-merror, [data-mjx-error], mjx-math [style*=red]");
  return bare.length + wrong.length;
}"""

FIGURES = """() => [...document.querySelectorAll("figure.attn-live")].map((figure, k) => {
  figure.id = `figure-${k}`;
  return `#figure-${k}`;
})"""

HANDLE = """(figure) => document.querySelector(figure)
  .querySelector("canvas[tabindex], [role=slider], input[type=range], [tabindex='0']")"""

# A field that a digit fills has nothing to move; there it is Enter that does something.
KEY = """(handle) =>
  /^field(?!.*arrow keys)/.test(handle.getAttribute("aria-label") ?? "") ? "Enter" : "ArrowRight"
"""

STATE = """(figure) => JSON.stringify([...document.querySelector(figure).querySelectorAll("*")]
  .map((part) => [{ ...part.dataset }, part.value]))"""


def moved(window, figure):
    """Bring a figure to life and press a key on the first thing in it that takes one."""
    window.middle(figure)
    window.wait("(one) => document.querySelector(one).dataset.mounted === 'yes'", figure)
    before = window.evaluate(STATE, figure)
    window.evaluate(f"(one) => ({HANDLE})(one).focus()", figure)
    window.press(window.evaluate(f"(one) => ({KEY})(({HANDLE})(one))", figure))
    window.wait(f"([one, before]) => ({STATE})(one) !== before", [figure, before], seconds=5)


def test_firefox_reads_every_page_and_moves_its_figures(request):
    site = Path(request.config.getoption("site")).resolve()
    names = [one.relative_to(site).as_posix() for one in sorted(site.glob("book/**/*.html"))]
    wrong, n_figure = [], 0
    with served(site) as address, firefox() as browser:
        for name in names:
            with browser.window() as window:
                window.goto(address + name)
                if window.evaluate(TYPESET):
                    wrong.append(f"{name}: a formula that is not typeset")
                for figure in window.evaluate(FIGURES):
                    moved(window, figure)
                    n_figure += 1
                wrong += [f"{name}: {fault}" for fault in window.faults()]
    assert not wrong, "\n".join(wrong)
    assert len(names) > 10
    assert n_figure >= 3
