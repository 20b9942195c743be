"""The built book for those who read with the ear or by the keyboard, and what its pages cost.

make book && .venv/bin/python .ci/browsers.py
.venv/bin/python -m pytest tests/test_pages_access.py --site _build/html
"""

import os
from pathlib import Path

import pytest
from browsers import installed
from chromium import launched, served
from page_costs import compressed, cost, python

pytestmark = [pytest.mark.site, pytest.mark.requires("chromium")]

CHAPTER = "book/gaussian.html"
SETTINGS = {
    "light and wide": {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
    "dark and wide": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 900}},
    "dark and narrow": {"color_scheme": "dark", "viewport": {"width": 320, "height": 700}},
}
BYTES, SECONDS = 1.5e6, 1.5

AXE = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations.flatMap(({ id, nodes }) => nodes.map(({ target, html }) =>
    `${id}: ${target.join(" ")}: ${html.slice(0, 120)}`));
}"""

# What axe does not ask: one main heading, and no level passed over on the way down.
HEADINGS = """() => [...document.querySelectorAll("article :is(h1, h2, h3, h4, h5, h6)")]
  .filter((one) => one.checkVisibility()).map((one) => Number(one.localName[1]))"""

FOCUS = """() => {
  const one = document.activeElement, style = getComputedStyle(one);
  const box = one.closest(".attn-editor");
  const drawn = (it) => it.outlineStyle !== "none" && parseFloat(it.outlineWidth) >= 1;
  const colour = style.boxShadow.replace(/rgba\\(0, 0, 0, 0\\)[^,]*/g, "");
  const ring = drawn(style) || /rgba?\\(/.test(colour) || (box && drawn(getComputedStyle(box)));
  const place = one.closest(".attn-live") ? "figure" : one.closest(".attn-bar") ? "buttons"
    : box ? "editor" : one.matches(".theme-switch-button") ? "theme"
    : one.matches(".skip-link a, #pst-skip-link a") ? "skip" : one.localName;
  const shown = one.getBoundingClientRect();
  const y = shown.top < innerHeight && shown.bottom > 0;
  return { place, ring: Boolean(ring), y, text: one.outerHTML.slice(0, 120) };
}"""


@pytest.fixture(scope="module")
def site(request):
    folder = Path(request.config.getoption("site")).resolve()
    assert (folder / "index.html").exists(), f"no book in {folder}: run make book"
    return folder


@pytest.fixture(scope="module")
def names(site):
    """Every page; the first of the site only leads to another."""
    paths = [*site.glob("book/**/*.html"), *site.glob("_modules/**/*.html"), *site.glob("*.html")]
    return [one.relative_to(site).as_posix() for one in sorted(paths) if one.parent != site] + [
        one.name for one in sorted(site.glob("*.html")) if one.name != "index.html"
    ]


@pytest.fixture(scope="module")
def server(site):
    with served(site) as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    with launched() as chromium:
        yield chromium


def settled(window):
    """Wait until the formulas stand, the figures live, and the cells have their buttons."""
    window.evaluate("""async () => {
      await window.MathJax?.startup?.promise;
      for (const figure of document.querySelectorAll("figure.attn-live")) {
        figure.scrollIntoView();
        for (let i = 0; i < 200 && !figure.dataset.mounted; i += 1)
          await new Promise((done) => setTimeout(done, 50));
      }
      scrollTo(0, 0);
      await new Promise((done) => setTimeout(done, 300));
    }""")


@pytest.mark.parametrize("setting", SETTINGS)
def test_axe_finds_nothing(browser, server, names, setting):
    axe = (installed("axe-core") / "axe.min.js").read_text(encoding="utf-8")
    context, wrong = browser.new_context(**SETTINGS[setting]), []
    context.set_default_timeout(90_000)
    for name in names:
        window = context.new_page()
        window.goto(server + name, wait_until="load")
        settled(window)
        if name == CHAPTER and window.locator(".attn-bar").count():  # an editor, opened
            window.locator(".attn-bar button", has_text="Edit").first.click()
            window.wait_for_selector(".attn-editor")
        window.evaluate(axe)
        wrong += [f"{name}: {fault}" for fault in window.evaluate(AXE)]
        levels = window.evaluate(HEADINGS)
        if name.startswith("book/") and levels.count(1) != 1:
            wrong.append(f"{name}: {levels.count(1)} main headings")
        if any(b > a + 1 for a, b in zip(levels, levels[1:], strict=False)):
            wrong.append(f"{name}: a level of headings is passed over: {levels}")
        window.close()
    context.close()
    assert not wrong, "\n".join(wrong)


def test_the_chapter_is_read_by_keyboard_alone(browser, server):
    context = browser.new_context(**SETTINGS["light and wide"])
    window = context.new_page()
    window.goto(server + CHAPTER, wait_until="load")
    settled(window)
    seen, unseen, edited = [], [], False
    for _ in range(700):
        window.keyboard.press("Tab")
        at = window.evaluate(FOCUS)
        if at["place"] == "skip":  # slides into view
            window.wait_for_function(f"({FOCUS})().y")
            at = window.evaluate(FOCUS)
        if at["place"] == "body":
            break
        seen.append(at["place"])
        if not at["ring"] or not at["y"]:
            unseen.append(at["text"])
        focused = window.locator(":focus")
        if at["place"] == "theme":
            before = window.evaluate("document.documentElement.dataset.mode")
            window.keyboard.press("Enter")
            assert window.evaluate("document.documentElement.dataset.mode") != before
        if at["place"] == "buttons" and not edited and focused.inner_text() == "Edit":
            window.keyboard.press("Enter")
            window.wait_for_selector(".attn-editor:focus-within")
            edited = True
            assert window.evaluate(FOCUS)["ring"]
            window.keyboard.type("# by hand ")
            window.keyboard.press("Escape")  # and then Tab leaves the editor
            window.keyboard.press("Tab")
            assert window.evaluate(FOCUS)["place"] == "buttons"
            assert "# by hand" in window.locator(".attn-editor").inner_text()
    else:
        pytest.fail(f"Tab does not come to the end of the page: {at}")
    context.close()
    assert seen[0] == "skip"
    assert {"theme", "figure", "summary"} <= set(seen)
    assert edited or not window_has_python(server, browser)
    assert not unseen, "\n".join(dict.fromkeys(unseen))


def window_has_python(server, browser):
    """Whether this book was built with Python in its pages."""
    window = browser.new_page()
    reply = window.goto(f"{server}_static/attn/files.mjs")
    found = "null" not in reply.text()
    window.close()
    return found


def test_the_skip_link_leads_to_the_text(browser, server):
    window = browser.new_page()
    window.goto(server + CHAPTER, wait_until="load")
    window.keyboard.press("Tab")
    window.keyboard.press("Enter")
    assert window.evaluate("location.hash") == "#main-content"
    window.keyboard.press("Tab")
    assert window.evaluate("document.activeElement.closest('main') !== null")
    window.close()


def busy():
    """How many times longer things may take on this machine now."""
    return 1 + os.getloadavg()[0] / (os.cpu_count() or 1)


def test_no_page_is_heavy_or_slow(browser, site, names):
    wrong = []
    with compressed(site) as address:
        for name in names:
            if not name.startswith("book/"):
                continue
            costs = [cost(browser, address + name)]
            while costs[-1].seconds > SECONDS and len(costs) < 3:
                costs.append(cost(browser, address + name))
            files, size, seconds = min(costs, key=lambda one: one.seconds)
            if size > BYTES:
                wrong.append(f"{name}: {size / 1e6:.2f} MB in {files} files")
            if seconds > SECONDS * busy():
                wrong.append(f"{name}: {seconds:.2f} s")
    assert not wrong, "\n".join(wrong)


def test_python_answers_soon(browser, site):
    if not (site / "_static" / "python").exists():
        pytest.skip("the book was built without Python in its pages")
    with compressed(site) as address:
        context = browser.new_context()
        first, second = python(context, address + CHAPTER)
        context.close()
    assert first < 6 * busy()
    assert second < 0.2 * busy()
