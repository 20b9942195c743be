"""The built book, read by a browser that reaches no other host.

make book && .venv/bin/python -m pytest tests/test_site.py --site _build/html
"""

import contextlib
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from bs4 import BeautifulSoup
from chromium import launched, served
from exercise_secrets import leaks

from attn_course.exercises import load, names
from attn_course.exercises.cells import label

pytestmark = [pytest.mark.site, pytest.mark.requires("chromium")]

SETTINGS = {
    "light and wide": {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
    "dark and narrow": {"color_scheme": "dark", "viewport": {"width": 320, "height": 700}},
}

# Text colour against the first opaque background below it, for what a reader reads.
CONTRAST = """() => {
  const rgb = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = (c) => c.slice(0, 3).map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const c = rgb(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] === 1) return c;
    }
    return [255, 255, 255];
  };
  const faint = new Set();
  const read = "article :is(p, li, td, th, h1, h2, h3, a, code, figcaption, pre span, dt)";
  for (const e of document.querySelectorAll(read)) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.checkVisibility() || e.matches(".headerlink")) continue;
    const [a, b] = [light(rgb(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const where = e.closest("[class]").className;
    const what = `<${e.localName}> in .${where}: ${e.textContent.trim().slice(0, 30)}`;
    if (ratio < 4.5) faint.add(`${ratio.toFixed(2)} ${what}`);
  }
  return [...faint];
}"""

# Drawn pictures without a name, their own or that of what stands around them.
NAMELESS = """() => [...document.querySelectorAll("article :is(svg, canvas)")]
  .filter((e) => e.checkVisibility() && !e.closest("mjx-container, [aria-hidden=true], button, a"))
  .filter((e) => !e.closest("[aria-label], [aria-labelledby]"))
  .filter((e) => !e.querySelector(":scope > title"))
  .map((e) => e.outerHTML.slice(0, 80))"""


@pytest.fixture(scope="module")
def site(request):
    folder = Path(request.config.getoption("site")).resolve()
    assert (folder / "index.html").exists(), f"no book in {folder}: run make book"
    return folder


@pytest.fixture(scope="module")
def pages(site):
    """Path below the site -> parsed page, of every page of the book."""
    found = sorted(site.glob("book/**/*.html"))
    assert found
    read = {path.relative_to(site).as_posix(): path.read_text(encoding="utf-8") for path in found}
    return {name: BeautifulSoup(text, "html.parser") for name, text in read.items()}


@pytest.fixture(scope="module")
def server(site):
    """The site's address while a server of its own runs."""

    with served(site) as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    with launched() as chromium:
        yield chromium


def references(page):
    """What a page links to or loads."""
    for tag, key in (("a", "href"), ("link", "href"), ("script", "src"), ("img", "src")):
        yield from (element[key] for element in page.find_all(tag) if element.get(key))


def test_no_internal_link_or_anchor_is_broken(site, pages):
    ids = {name: {e["id"] for e in page.find_all(id=True)} for name, page in pages.items()}
    broken = set()
    for name, page in pages.items():
        for reference in references(page):
            target = urlsplit(urljoin("http://here/" + name, reference))
            if target.scheme not in ("http", "https") or target.netloc != "here":
                continue
            path = unquote(target.path).lstrip("/")
            anchor = unquote(target.fragment)
            if not (site / path).exists() or (anchor and anchor not in ids.get(path, {anchor})):
                broken.add(f"{name} -> {reference}")
    assert not broken, "\n".join(sorted(broken))


def test_no_file_holds_a_solution_or_a_hidden_check(site):
    exercises = [load(name) for name in names()]
    found = set()
    foreign = site / "_static"  # of the theme and others; the wheel in it has a test of its own
    for path in [p for p in site.rglob("*") if foreign not in p.parents]:
        if path.suffix not in (".html", ".ipynb", ".md", ".txt", ".js", ".json", ".py", ".inv"):
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        for one in exercises:
            found |= {f"{path.relative_to(site)}: {one.name}: {x}" for x in leaks(one, text)}
    assert not found, "\n".join(sorted(found))


def test_every_exercise_stands_in_its_box_with_its_hints(pages):
    for name in names():
        one = load(name)
        page = pages[f"book/{one.chapter}.html"]
        box = page.select_one(f"div.exercise#{label(one)}")
        assert box is not None, name
        assert one.title in box.get_text()
        assert len(box.find_all("summary")) == len(one.hints) == 3


def test_every_image_has_alternative_text(pages):
    bare = [
        f"{name}: {image.get('src', '')[:60]}"
        for name, page in pages.items()
        for image in page.find_all("img")
        if not image.get("alt", "").strip() or "_images/" in image["alt"]
    ]
    assert not bare, "\n".join(bare)


def test_every_live_figure_has_a_described_picture_for_readers_without_scripts(pages):
    for name, page in pages.items():
        for figure in page.select("figure.attn-live"):
            picture = figure.select_one(".attn-fallback :is(svg, img)")
            assert picture is not None, name
            assert len(picture.get("aria-label") or picture.get("alt") or "") > 20, name


@contextlib.contextmanager
def reading(browser, server, setting):
    """A browser window, and the list of what went wrong in it."""
    context = browser.new_context(**SETTINGS[setting])
    window, faults = context.new_page(), []
    window.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
    window.on("pageerror", lambda error: faults.append(str(error)))
    window.on("requestfailed", lambda r: faults.append(f"failed: {r.url}"))
    window.on(
        "response", lambda r: faults.append(f"{r.status}: {r.url}") if r.status >= 400 else None
    )
    window.on(
        "request",
        lambda r: (
            None
            if r.url.startswith((server, "data:", "blob:"))
            else faults.append(f"another host: {r.url}")
        ),
    )
    yield window, faults
    context.close()


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_page_reads_well(browser, server, site, pages, setting):
    wrong = []
    for name, page in pages.items():
        with reading(browser, server, setting) as (window, faults):
            window.goto(server + name, wait_until="load")
            if page.select(".math") and (site / "_static" / "mathjax").exists():
                window.wait_for_selector("mjx-container", state="attached")
                window.evaluate("MathJax.startup.promise.then(() => true)")
                if window.query_selector("mjx-merror, [data-mjx-error]"):
                    faults.append("a formula that MathJax rejects")
            for figure in window.query_selector_all("figure.attn-live"):
                figure.scroll_into_view_if_needed()
                with contextlib.suppress(Exception):
                    window.wait_for_function("f => f.dataset.mounted", arg=figure, timeout=10_000)
                if figure.get_attribute("data-mounted") != "yes":
                    faults.append(f"{figure.get_attribute('data-module')} did not come to life")
            if window.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
                faults.append("wider than the window")
            faults += [f"too faint: {x}" for x in window.evaluate(CONTRAST)]
            faults += [f"no name: {x}" for x in window.evaluate(NAMELESS)]
            wrong += [f"{name}: {fault}" for fault in faults]
    assert not wrong, "\n".join(wrong)
