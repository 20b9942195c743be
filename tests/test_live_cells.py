"""Live cells in a browser, on a page with the markup of a built one, and how the build feeds them.

Most tests have a stand-in for Python, which knows a few words and starts at once; the rest of the
scripts are those of the book. The last tests have Python itself, where it could be fetched, and
under --site the built book.
"""

import contextlib
import html
import json
import os
import re
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from chromium import launched, served
from pyodide_folder import EXTENSION, ROOT, VENDOR, module, static_folder

from attn_course.exercises import load

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.requires("chromium")

WIDE = {"viewport": {"width": 1000, "height": 800}}
NARROW = {"viewport": {"width": 320, "height": 700}, "has_touch": True, "is_mobile": True}
BUNDLE = VENDOR / "codemirror" / "codemirror.mjs"

# In the place of the worker: a line is `name = word`, `print name`, `tick` (counts in n), `svg`,
# `raise`, `loop`, `long`, or is passed over. The answer to every exercise is 42.
WORKER = """
const spaces = {};
const say = (stage, loaded) => postMessage({ progress: { stage, loaded, total: 10e6 } });
let begun = false;
self.onmessage = async ({ data }) => {
  if (!begun) {
    for (const loaded of [0, 3e6, 10e6]) {
      say("files", loaded);
      await new Promise((done) => setTimeout(done, 60));
    }
    say("start", 10e6);
    say("ready", 10e6);
    begun = true;
  }
  postMessage({ started: true });
  const space = (spaces[data.namespace] ??= { n: 0 });
  const result = { text: "", html: "", error: "", seconds: 0.01, passed: false, counts: [0, 3] };
  if (data.task === "check") {
    result.passed = space.answer === "42";
    if (result.passed) result.counts = [3, 3];
    result.text = `${data.name}: ${result.passed ? "passed" : "not yet, a hint"}\\n`;
    if (space.wordy) result.text += `  not yet  ${"a title of many words ".repeat(6)}\\n`;
  } else {
    for (const [i, line] of data.code.split("\\n").entries()) {
      const [first, second, third] = line.trim().split(" ");
      if (second === "=") space[first] = space[third] ?? third;
      if (first === "tick") space.n += 1;
      if (first === "long") result.text += "0 1 2 3\\n".repeat(200);
      if (first === "svg") result.html += "<svg width=40 height=9 role=img aria-label=bar></svg>";
      if (first === "print" && second in space) result.text += `${space[second]}\\n`;
      else if (first === "print") result.error = `Line ${i + 1}\\nNameError: ${second}`;
      if (first === "raise") result.error = `Line ${i + 1}\\nValueError: <b>no</b>`;
      while (first === "loop") {}
      if (result.error) break;
    }
  }
  postMessage({ result });
};
"""


def cell(code, output="", tags="tag_live", **facts):
    """A code cell as the book renders it."""
    data = "".join(f' data-{key}="{value}"' for key, value in facts.items())
    lines = "".join(f"<span>{html.escape(line)}</span>\n" for line in code.split("\n"))
    stored = (
        '<div class="cell_output docutils container"><div class="output stream"><div '
        f'class="highlight"><pre><span></span>{html.escape(output)}\n</pre></div></div></div>'
    )
    return (
        f'<div class="cell {tags} docutils container"{data}><div class="cell_input docutils '
        'container"><div class="highlight-ipython3 notranslate"><div class="highlight"><pre><span>'
        f"</span>{lines}</pre></div></div></div>{stored if output else ''}</div>"
    )


def exercise(name, code, output, needs="numpy", after=""):
    """The two cells of an exercise."""
    first = cell(code, tags="", exercise=name, part="starter", needs=needs, after=after)
    return first + cell(f'check("{name}")', output, tags="", exercise=name, part="check")


CELLS = (
    cell("tick\na = 1\nprint n", "stored one"),  # Cell 1
    cell("b = a\nprint b\nprint n", "stored two"),
    cell("svg", "stored three"),
    exercise("t/first", "answer = 0", "stored first"),
    exercise("t/second", "print answer", "stored second", after="t/first"),
    exercise("t/torch", "import torch", "stored torch", needs="torch"),
    cell("print b\nloop", "stored loop", seconds="0.4"),
)
ONE, TWO, THREE, FIRST, SECOND, TORCH, LOOP = range(7)


def document(*cells):
    return (
        '<!doctype html><html lang="en" data-theme="light"><meta charset="utf-8">'
        '<title>cells</title><meta name="viewport" content="width=device-width">'
        '<link rel="icon" href="data:,"><link rel="stylesheet" href="_static/attn/live.css">'
        "<style>body { margin: 16px; font: 16px sans-serif } pre { overflow: auto }</style>"
        f"<main>{''.join(cells)}<a href='#'>After</a></main>"
        '<script type="module" src="_static/attn/live.mjs?v=1"></script></html>'
    )


def editor_at(static, bundle):
    """Let the extension write which editor there is."""
    if bundle:
        (static / "codemirror").mkdir()
        shutil.copy(BUNDLE, static / "codemirror")
    path = "../codemirror/codemirror.mjs" if bundle else "./textarea.mjs"
    (static / "attn" / "editor.mjs").write_text(f'export {{ open }} from "{path}";')


@pytest.fixture
def folder(tmp_path):
    """A page with the stand-in for Python and the plain editor."""
    static = tmp_path / "_static"
    (static / "python").mkdir(parents=True)
    (static / "python" / "pyodide-lock.json").write_text("{}")
    shutil.copytree(EXTENSION / "static", static / "attn")
    (static / "attn" / "files.mjs").write_text("export const files = {};")
    (static / "attn" / "worker.mjs").write_text(WORKER)
    editor_at(static, bundle=False)
    (tmp_path / "index.html").write_text(document(*CELLS), encoding="utf-8")
    return tmp_path


@pytest.fixture
def bundled(folder):
    """The same with CodeMirror, where npm could bundle it."""
    if not BUNDLE.exists():
        pytest.skip("codemirror is not in book/_vendor; python .ci/editor.py makes it")
    editor_at(folder / "_static", bundle=True)
    return folder


@pytest.fixture(params=["plain", "codemirror"])
def either(request, folder):
    """Each of the editors in turn."""
    return folder if request.param == "plain" else request.getfixturevalue("bundled")


@pytest.fixture(scope="module")
def browser():
    with launched() as chromium:
        yield chromium


@contextlib.contextmanager
def opened(browser, folder, page="", expected="(?!)", **settings):
    """A page of the folder; afterwards every fault must match `expected`, and one there must be."""
    context, faults = browser.new_context(**(settings or WIDE)), []
    context.set_default_timeout(15_000)
    window = context.new_page()
    window.on("console", lambda one: faults.append(one.text) if one.type == "error" else None)
    window.on("pageerror", lambda error: faults.append(str(error)))
    window.on("requestfailed", lambda one: faults.append(f"failed: {one.url}"))
    with served(folder) as address:
        window.on(
            "request",
            lambda one: (
                None
                if one.url.startswith((address, "data:", "blob:"))
                else faults.append(f"another host: {one.url}")
            ),
        )
        window.goto(address + page)
        try:
            yield window
            assert [fault for fault in faults if not re.search(expected, fault)] == []
            assert faults or expected == "(?!)", "the fault that was expected is missing"
        finally:
            context.close()


@contextlib.contextmanager
def ready(browser, folder, **settings):
    """The page with its buttons."""
    with opened(browser, folder, **settings) as window:
        window.wait_for_selector(".attn-bar")
        yield window


def nth(window, number):
    return window.locator(".tag_live, [data-part=starter]").nth(number)


def press(window, number, name):
    nth(window, number).get_by_role("button", name=name, exact=True).click()


def settled(window, number):
    """Wait until nothing runs in the cell."""
    window.wait_for_function(
        "one => one.ariaBusy === 'false'", arg=nth(window, number).element_handle()
    )


def said(window, number):
    return nth(window, number).locator(".cell_output").inner_text().strip()


def status(window, number):
    return nth(window, number).get_by_role("status").inner_text()


def verdict(window, name):
    return window.locator(f"[data-part=check][data-exercise='{name}'] .cell_output").inner_text()


def run(window, number, button="Run"):
    """Press a button, wait, and give what came out."""
    press(window, number, button)
    settled(window, number)
    return said(window, number)


def write(window, number, code):
    """Put code into a cell, as a reader would by typing; the editor stays open."""
    box = nth(window, number).get_by_role("textbox")
    if not box.count():
        press(window, number, "Edit")
    box.focus()
    window.keyboard.press("Control+A")
    window.keyboard.press("Delete")
    window.keyboard.insert_text(code)


def test_before_a_click_only_small_scripts_are_loaded(browser, folder):
    with opened(browser, folder, page="nothing", expected="404") as window:
        asked = []
        window.on("request", lambda one: asked.append(Path(one.url.split("?")[0]).name))
        window.goto(window.url.replace("nothing", "index.html"))
        window.wait_for_selector(".attn-bar")
        window.wait_for_timeout(200)
        scripts = {"live.mjs", "cell.mjs", "python.mjs", "page.mjs", "files.mjs"}
        assert set(asked) == {"index.html", "live.css", "pyodide-lock.json", *scripts}
        assert sum((EXTENSION / "static" / n).stat().st_size for n in scripts - {"files.mjs"}) < 2e4


def test_a_page_without_live_cells_asks_for_nothing(browser, folder):
    (folder / "index.html").write_text(document("<p>Prose.</p>", cell("x", "y", tags="")))
    with opened(browser, folder) as window:
        window.wait_for_timeout(200)
        assert window.evaluate("performance.getEntriesByType('resource').length") == 2
        assert window.locator("button").count() == 0


def test_first_run_loads_python_and_runs_the_cells_before(browser, folder):
    with ready(browser, folder) as window:
        window.evaluate("""() => {
          window.heard = [];
          const bar = document.querySelectorAll(".attn-bar")[1];
          new MutationObserver(() => heard.push(bar.innerText))
            .observe(bar, { subtree: true, childList: true, characterData: true });
        }""")
        place = nth(window, TWO).locator(".cell_output")
        assert place.get_attribute("aria-live") == "polite"
        assert run(window, TWO) == "1\n1"
        heard = " ".join(" ".join(window.evaluate("heard")).split())
        for words in ("Loading Python 0 of 10 MB", "Loading Python 3 of 10 MB", "Stop", "Running"):
            assert words in heard
        assert status(window, TWO) == "Ran in 0.01 s"
        assert said(window, ONE) == "stored one"  # it was run as it stands in the book


def test_cells_before_are_run_again_only_after_a_change(browser, folder):
    with ready(browser, folder) as window:
        assert run(window, TWO) == "1\n1"
        assert run(window, TWO) == "1\n1"
        write(window, ONE, "tick\na = 5\nprint n")
        assert run(window, TWO) == "5\n2"
        assert said(window, ONE) == "2"  # its stored output would be wrong
        run(window, ONE)
        assert run(window, TWO) == "5\n3"


def test_html_takes_the_place_of_the_stored_output(browser, folder):
    with ready(browser, folder) as window:
        assert run(window, THREE) == ""
        assert nth(window, THREE).locator(".cell_output svg[role=img]").count() == 1
        press(window, THREE, "Reset")
        assert said(window, THREE) == "stored three"


def test_an_error_is_text_and_named_where_it_is_in_a_cell_before(browser, folder):
    with ready(browser, folder) as window:
        write(window, ONE, "raise")
        assert run(window, ONE) == "Line 1\nValueError: <b>no</b>"
        assert status(window, ONE) == "Stopped by an error"
        assert run(window, THREE).startswith(
            "Cell 1, which comes before, has to run first.\nLine 1"
        )
        write(window, ONE, "nothing much")
        assert run(window, ONE) == "It ran, and printed nothing."
        press(window, ONE, "Reset")
        assert run(window, TWO) == "1\n1"


def test_an_endless_loop_is_stopped_and_the_next_run_starts_afresh(browser, folder):
    with ready(browser, folder) as window:
        run(window, TWO)
        assert "Stopped after 0.4 seconds" in run(window, LOOP)
        assert status(window, LOOP) == "Stopped"
        assert run(window, TWO) == "1\n1"  # what went before was run again, in a new Python


def test_a_run_is_stopped_by_hand_and_one_that_waits_is_left_out(browser, folder):
    with ready(browser, folder) as window:
        write(window, ONE, "loop")
        press(window, ONE, "Run")
        window.wait_for_function(
            "document.querySelector('.attn-bar').innerText.includes('Running')"
        )
        press(window, FIRST, "Run")
        press(window, SECOND, "Run")
        assert status(window, FIRST) == "Waiting"
        window.wait_for_timeout(450)  # before that it would be a double click
        press(window, FIRST, "Stop")
        press(window, ONE, "Stop")
        for number in (ONE, FIRST, SECOND):
            settled(window, number)
        assert said(window, ONE).startswith("Stopped.")
        assert said(window, FIRST) == ""
        assert said(window, SECOND) == "0"


def test_an_exercise_is_failed_and_then_solved(browser, either):
    with ready(browser, either) as window:
        run(window, FIRST, "Check")
        assert verdict(window, "t/first") == "t/first: not yet, a hint"
        assert status(window, FIRST) == "Not yet"
        write(window, FIRST, "answer = 42")
        run(window, FIRST, "Check")
        assert verdict(window, "t/first") == "t/first: passed"
        assert status(window, FIRST) == "3 of 3 passed here"
        press(window, FIRST, "Reset")
        assert verdict(window, "t/first").strip() == "stored first"


def whose(window, name):
    """The words above a verdict that say whose it is."""
    place = f"[data-part=check][data-exercise='{name}'] > .attn-note"
    return window.locator(place).inner_text() if window.locator(place).is_visible() else ""


def test_what_was_said_of_earlier_code_is_marked_and_its_status_goes(browser, either):
    with ready(browser, either) as window:
        assert whose(window, "t/first") == ""
        write(window, FIRST, "answer = 42")
        assert whose(window, "t/first") == "The book's output, of the book's code:"
        run(window, FIRST, "Check")
        run(window, SECOND, "Check")
        assert (whose(window, "t/first"), whose(window, "t/second")) == ("", "")
        assert status(window, SECOND) == "3 of 3 passed here"  # it builds on the first
        write(window, FIRST, "answer = 41")
        for number, name in ((FIRST, "t/first"), (SECOND, "t/second")):
            assert status(window, number) == ""
            assert whose(window, name) == "From before the code was changed:"
        run(window, FIRST)
        assert status(window, FIRST) == "Ran in 0.01 s"
        assert whose(window, "t/first") == "From before the code was changed:"
        write(window, FIRST, "answer = 42")
        assert whose(window, "t/first") == ""  # of this very code
        press(window, FIRST, "Reset")
        assert whose(window, "t/first") == ""


def test_a_change_while_it_runs_is_no_part_of_what_comes_out(browser, folder):
    with ready(browser, folder) as window:
        write(window, ONE, "loop")
        press(window, ONE, "Run")
        window.wait_for_function("document.body.innerText.includes('Running')")
        write(window, ONE, "tick")
        window.wait_for_timeout(450)
        press(window, ONE, "Stop")
        settled(window, ONE)
        assert nth(window, ONE).locator(".attn-note").all_inner_texts() == [
            "From before the code was changed:"
        ]
        assert said(window, ONE).startswith("Stopped.")
        assert status(window, ONE) == ""


def test_a_double_click_on_run_does_not_stop_it(browser, folder):
    with ready(browser, folder) as window:
        nth(window, LOOP).get_by_role("button", name="Run").dblclick()
        settled(window, LOOP)
        assert "Stopped after 0.4 seconds" in said(window, LOOP)


def test_a_long_print_scrolls_in_its_box_below_the_error(browser, folder):
    with ready(browser, folder) as window:
        write(window, ONE, "long\nraise")
        assert run(window, ONE).startswith("Line 2\nValueError")
        box = window.get_by_role("group", name="Output of Cell 1")
        assert box.bounding_box()["height"] < 400
        assert box.get_attribute("tabindex") == "0"
        box.focus()
        window.keyboard.press("End")
        window.wait_for_function("one => one.scrollTop > 1000", arg=box.element_handle())
        write(window, ONE, "tick\nprint n")
        run(window, ONE)
        assert window.locator(".cell_output [tabindex]").count() == 0


def test_the_lines_of_a_check_hang_on_a_phone(browser, folder):
    with ready(browser, folder, **NARROW) as window:
        write(window, FIRST, "wordy = yes")
        run(window, FIRST, "Check")
        line = window.locator("[data-part=check] .attn-line").nth(1)
        assert line.inner_text().startswith("  not yet  a title")
        pre = line.locator("..")
        assert pre.evaluate("one => one.scrollWidth <= one.clientWidth")
        lefts = line.evaluate("""(one) => {
          const range = document.createRange();
          range.selectNodeContents(one);
          const lines = {};
          for (const { top, left } of range.getClientRects())
            lines[Math.round(top)] = Math.min(lines[Math.round(top)] ?? Infinity, left);
          return Object.values(lines);
        }""")
        assert len(lefts) > 2
        assert len({round(left) for left in lefts[1:]}) == 1
        assert lefts[1] > lefts[0] + 60


def test_a_hint_on_keys_is_not_for_a_finger(browser, folder):
    with ready(browser, folder, **NARROW) as window:
        nth(window, ONE).get_by_role("button", name="Edit").tap()
        nth(window, ONE).get_by_role("textbox").wait_for()
        assert not nth(window, ONE).locator(".attn-help").is_visible()


def test_an_exercise_is_run_from_the_start_with_those_it_builds_on(browser, folder):
    with ready(browser, folder) as window:
        write(window, FIRST, "answer = 42\nhelper = 7")
        write(window, SECOND, "print answer\nprint helper")
        assert run(window, SECOND, "Check") == "42\n7"
        assert verdict(window, "t/second") == "t/second: passed"
        write(window, FIRST, "answer = 42")  # what is gone from the page is gone from Python
        assert "NameError: helper" in run(window, SECOND, "Check")
        assert verdict(window, "t/second").startswith("Nothing was checked")
        assert "NameError: answer" in run(window, LOOP) or "NameError" not in said(window, LOOP)


def test_what_needs_torch_says_where_it_runs(browser, folder):
    with ready(browser, folder) as window:
        assert nth(window, TORCH).get_by_role("button").count() == 0
        assert "This exercise needs torch: run it in Jupyter." in nth(window, TORCH).inner_text()


def test_missing_worker_leaves_the_stored_output(browser, folder):
    (folder / "_static" / "attn" / "worker.mjs").unlink()
    with ready(browser, folder, expected="404|worker") as window:
        for _ in range(2):
            shown = run(window, TWO)
            assert shown.startswith("Python could not be loaded")
            assert shown.endswith("stored two")


@pytest.mark.parametrize("missing", ["python", "script", "javascript"])
def test_where_something_is_missing_the_page_stays_as_it_is(browser, folder, missing):
    settings, expected = dict(WIDE), "(?!)"
    if missing == "python":
        (folder / "_static" / "attn" / "files.mjs").write_text("export const files = null;")
    elif missing == "script":
        (folder / "_static" / "attn" / "python.mjs").unlink()
        expected = "404|python.mjs"
    else:
        settings["java_script_enabled"] = False
    with opened(browser, folder, expected=expected, **settings) as window:
        window.wait_for_timeout(300)
        assert window.locator("button, .attn-bar, .attn-note").count() == 0
        assert said(window, ONE) == "stored one"
        assert "a = 1" in nth(window, ONE).inner_text()


def test_all_can_be_done_with_the_keyboard(browser, either):
    plain = not (either / "_static" / "codemirror").exists()
    with ready(browser, either) as window:
        focused = "document.activeElement.textContent"
        window.evaluate("document.addEventListener('keydown', (e) => (window.key = e.key))")
        window.keyboard.press("Tab")
        assert window.evaluate(focused) == "Edit"
        window.keyboard.press("Enter")
        box = nth(window, ONE).get_by_role("textbox", name="Code of Cell 1")
        box.wait_for()
        window.wait_for_function("document.activeElement.closest('.attn-editor')")
        described = box.get_attribute("aria-describedby")
        words = "Tab leaves the editor." if plain else "Escape and then Tab leaves the editor."
        assert words in window.locator(f"#{described}").inner_text()
        window.evaluate("window.key = ''")
        window.keyboard.press("Control+End")
        window.keyboard.type("\n// note")
        assert window.evaluate("window.key") == ""  # a slash is not for the search
        for count, keys in enumerate(("Control+Enter", "Shift+Enter"), start=1):
            window.keyboard.press(keys)
            nth(window, ONE).locator(".cell_output", has_text=re.compile(f"^{count}$")).wait_for()
        settled(window, ONE)
        if not plain:
            window.keyboard.press("Tab")
            assert window.evaluate("!!document.activeElement.closest('.attn-editor')")
            window.keyboard.press("Escape")
        window.keyboard.press("Tab")
        assert window.evaluate(focused) == "Run"
        outline = window.evaluate("getComputedStyle(document.activeElement).outlineWidth")
        assert float(outline.removesuffix("px")) >= 2
        window.keyboard.press("Space")
        settled(window, ONE)
        assert window.evaluate(focused) == "Run"  # the focus stays where it was
        window.keyboard.press("Tab")
        assert window.evaluate(focused) == "Reset"


def test_edits_last_until_they_are_reset(browser, either):
    with ready(browser, either) as window:
        write(window, TWO, "print a")
        window.reload()
        window.wait_for_selector(".attn-bar")
        code = nth(window, TWO).locator(".cell_input pre")
        assert code.inner_text() == "print a"
        assert nth(window, TWO).locator(".attn-note").all_inner_texts() == [
            "The book's output, of the book's code:"
        ]
        assert run(window, TWO) == "1"
        press(window, TWO, "Reset")
        assert said(window, TWO) == "stored two"
        assert run(window, TWO) == "1\n1"
        press(window, TWO, "Undo reset")
        assert run(window, TWO) == "1"
        press(window, TWO, "Edit")
        press(window, TWO, "Reset")
        press(window, TWO, "Undo reset")
        assert run(window, TWO) == "1"
        window.reload()
        window.wait_for_selector(".attn-bar")
        assert run(window, TWO) == "1"
        press(window, TWO, "Reset")
        window.reload()
        window.wait_for_selector(".attn-bar")
        assert "print b" in nth(window, TWO).inner_text()


def test_after_a_reload_the_lines_of_the_book_have_their_colours(browser, folder):
    with ready(browser, folder) as window:
        write(window, ONE, "tick\na = <b>\nprint n")
        window.reload()
        window.wait_for_selector(".attn-bar")
        code = nth(window, ONE).locator(".cell_input pre")
        assert code.locator("span:not(:empty)").all_inner_texts() == ["tick", "print n"]
        assert code.inner_text() == "tick\na = <b>\nprint n"


def test_an_edit_of_code_that_the_book_has_changed_since_is_let_go(browser, folder):
    with ready(browser, folder) as window:
        write(window, ONE, "mine")
        (folder / "index.html").write_text(document(cell("the book's new code")))
        os.utime(folder / "index.html", (2e9, 2e9))  # a server looks at whole seconds
        window.reload()
        window.wait_for_selector(".attn-bar")
        assert "new code" in nth(window, ONE).inner_text()


def test_nothing_is_lost_where_the_browser_keeps_nothing(browser, folder):
    forbidden = "Object.defineProperty(window, 'sessionStorage', { get() { throw Error('no'); } })"
    page = (
        (folder / "index.html").read_text().replace("<main>", f"<script>{forbidden}</script><main>")
    )
    (folder / "index.html").write_text(page)
    with ready(browser, folder) as window:
        write(window, ONE, "a = 3\nprint a")
        assert run(window, ONE) == "3"


def test_without_the_bundle_a_cell_is_edited_in_a_text_box(browser, folder):
    (folder / "_static" / "attn" / "editor.mjs").write_text('export * from "../no/where.mjs";')
    with ready(browser, folder, expected="404|where.mjs") as window:
        write(window, ONE, "a = 3\nprint a")
        assert nth(window, ONE).locator("textarea").is_visible()
        assert run(window, ONE) == "3"


def test_it_fits_a_narrow_screen_and_a_finger(browser, either):
    with ready(browser, either, **NARROW) as window:
        wide = "word " * 60
        nth(window, ONE).get_by_role("button", name="Edit").tap()
        nth(window, ONE).get_by_role("textbox").wait_for()
        write(window, ONE, f"x = {wide}\nprint {'y' * 200}")
        nth(window, ONE).get_by_role("button", name="Run").tap()
        settled(window, ONE)
        run(window, FIRST, "Check")
        assert window.evaluate("document.documentElement.scrollWidth") <= 320
        for button in window.get_by_role("button").all():
            box = button.bounding_box()
            assert box is None or min(box["height"], box["width"]) >= 44


def test_each_row_of_buttons_has_the_name_of_its_cell(browser, folder):
    with ready(browser, folder) as window:
        for name in ("Cell 1", "t/second"):
            assert window.get_by_role("group", name=name).get_by_role("button").count() >= 3


# How the build feeds them


@pytest.fixture
def extension():
    pytest.importorskip("docutils")
    return module(EXTENSION / "live_cells.py")


def test_cells_of_an_exercise_tell_what_it_needs(extension):
    from docutils import nodes

    assert extension.facts({"attn": {"exercise": "gaussian/write", "part": "starter"}}) == {
        "exercise": "gaussian/write",
        "part": "starter",
        "needs": "numpy",
        "after": "gaussian/filterbank",
    }
    assert extension.facts({"attn": {"seconds": 30}}) == {"seconds": "30"}
    part = {"exercise": "gaussian/batch", "part": "check"}
    code = nodes.container("", nodes.Text("x"), cell_metadata={"attn": part}, classes=["cell"])
    plain = nodes.container("", cell_metadata={"tags": ["live"]}, classes=["cell"])
    page = nodes.container("", code, plain)
    extension.mark(None, page)
    assert page.children[0].attributes["facts"] == part
    assert page.children[0].attributes["classes"] == ["cell"]
    assert page.children[0].astext() == "x"
    assert page.children[1] is plain


def test_below_its_title_a_page_says_what_it_lacks_without_scripts(extension):
    context = {"body": "<section><h1>One</h1><p>Text.</p><h1>Two</h1></section>"}
    extension.tell_without_scripts(None, "one", "page.html", context, None)
    assert re.search(r"</h1>\s*<noscript><p class.*formulas.*</noscript><p>", context["body"])
    assert context["body"].count("noscript>") == 2
    empty = {}
    extension.tell_without_scripts(None, "search", "search.html", empty, None)


@pytest.mark.parametrize("there", [True, False])
def test_the_build_names_the_editor_that_is_there(extension, tmp_path, monkeypatch, there):
    monkeypatch.setattr(extension, "__file__", str(tmp_path / "book" / "_ext" / "live_cells.py"))
    bundle = tmp_path / "book" / "_vendor" / "codemirror" / "codemirror.mjs"
    if there:
        bundle.parent.mkdir(parents=True)
        bundle.touch()
    builder = SimpleNamespace(format="html")
    extension.add_editor(SimpleNamespace(builder=builder, outdir=str(tmp_path / "html")))
    text = (tmp_path / "html" / "_static" / "attn" / "editor.mjs").read_text()
    assert ("codemirror" in text) == there
    assert ("textarea" in text) != there


@pytest.fixture
def bundling(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / ".ci"))
    yield module(ROOT / ".ci" / "editor.py")
    sys.modules.pop("vendor", None)


def test_packages_of_the_editor_are_pinned_by_their_hash_and_name_no_registry():
    text = (ROOT / ".ci" / "codemirror" / "package-lock.json").read_text()
    assert "://" not in text
    assert '"resolved"' not in text
    locked = json.loads(text)["packages"]
    asked = json.loads((ROOT / ".ci" / "codemirror" / "package.json").read_text())["dependencies"]
    assert locked[""]["dependencies"] == asked
    for name, one in locked.items():
        assert not name or one["integrity"].startswith("sha512-"), name
        assert not name or one["version"], name
    assert all(re.fullmatch(r"[\d.]+", version) for version in asked.values())


def test_without_npm_the_build_goes_on_and_says_so(bundling, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(bundling, "TOOLS", ("node", "no-such-tool"))
    target = tmp_path / "codemirror" / "codemirror.mjs"
    assert bundling.build(target) is False
    assert "edited in a plain text box" in (said := capsys.readouterr().out)
    assert "no-such-tool not installed" in said
    assert not target.parent.exists()


def test_a_bundle_is_made_once_and_again_when_its_sources_change(bundling, tmp_path, monkeypatch):
    made = []

    def make(first_line, target):
        made.append(first_line)
        target.parent.mkdir(parents=True)
        target.write_text(f"{first_line}\ncode\n")

    monkeypatch.setattr(bundling, "bundle", make)
    source = shutil.copytree(ROOT / ".ci" / "codemirror", tmp_path / "source")
    monkeypatch.setattr(bundling, "SOURCE", source)
    target = tmp_path / "codemirror" / "codemirror.mjs"
    assert [bundling.build(target), bundling.build(target)] == [True, False]
    (source / "editor.mjs").write_text("other")
    assert bundling.build(target) is True
    assert len(set(made)) == 2


# With Python itself

STARTER = ".cell[data-part=starter][data-exercise='{}']"


def solve(window, name, wrong):
    """Fail an exercise, then solve it, in the page; what the check said each time."""
    starter = window.locator(STARTER.format(name))
    starter.get_by_role("button", name="Edit").click()
    box = starter.get_by_role("textbox")
    for code in (wrong, load(name).solution()):
        box.focus()
        window.keyboard.press("Control+A")
        window.keyboard.insert_text(code)
        starter.get_by_role("button", name="Check").click()
        window.wait_for_function("e => e.ariaBusy === 'false'", arg=starter.element_handle())
        yield verdict(window, name)


def assert_solved(window):
    name = "gaussian/filterbank"
    wrong = load(name).starter().replace("raise NotImplementedError", "return np.ones(3)")
    first, second = solve(window, name, wrong)
    assert "not yet" in first
    assert "must" in first or "shape" in first
    assert "Everything that is checked here passes: 3 of 3 points." in second


def test_with_python_an_exercise_is_failed_and_solved(browser, tmp_path):
    static = static_folder(tmp_path)
    editor_at(static, BUNDLE.exists())
    name = "gaussian/filterbank"
    picture = "class A:\n    def _repr_svg_(self):\n        return '<svg role=img></svg>'\n\nA()"
    page = document(
        cell("import numpy as np\n\nnp.arange(3) / 2", "stored"),
        cell(picture),
        exercise(name, load(name).starter().rstrip(), "stored check"),
        cell("print(1, 2)\nwhile True:\n    pass", seconds="1"),
    )
    (tmp_path / "index.html").write_text(page, encoding="utf-8")
    with ready(browser, tmp_path) as window:
        window.set_default_timeout(180_000)
        run(window, 1)
        assert nth(window, 1).locator(".cell_output svg").count() == 1
        assert run(window, 0) == "array([0. , 0.5, 1. ])"
        write(window, 0, "import numpy as np\n\nnp.ones(2) @ np.ones(3)")
        assert "Line 3" in run(window, 0)
        assert "ValueError" in said(window, 0)
        assert_solved(window)
        press(window, 0, "Reset")
        shown = run(window, 3)
        assert "Stopped after 1 seconds" in shown
        assert shown.endswith("1 2")
        assert run(window, 0) == "array([0. , 0.5, 1. ])"


@pytest.mark.site
def test_in_the_built_book_an_exercise_is_failed_and_solved(browser, request):
    site = Path(request.config.getoption("site")).resolve()
    if not (site / "_static" / "python").exists():
        pytest.skip("this book was built without Python for its pages")
    with opened(browser, site, page="book/gaussian.html") as window:
        window.wait_for_selector(".attn-bar")
        window.set_default_timeout(180_000)
        assert_solved(window)


@pytest.mark.site
@pytest.mark.parametrize("width", [1280, 390])
def test_without_scripts_a_page_says_so_and_its_header_covers_the_text(browser, request, width):
    site = Path(request.config.getoption("site")).resolve()
    settings = {"viewport": {"width": width, "height": 800}, "java_script_enabled": False}
    expected = r"failed: .*\.js"  # that were to be loaded early
    with opened(browser, site, "book/gaussian.html", expected, **settings) as window:
        assert window.locator("noscript .attn-note").is_visible()
        colour = "one => getComputedStyle(one).backgroundColor"
        for place in ("body", ".bd-header-article"):
            assert window.locator(place).first.evaluate(colour) == "rgb(255, 254, 251)"


@pytest.mark.site
def test_the_magnifier_lies_before_what_is_searched(browser, request):
    site = Path(request.config.getoption("site")).resolve()
    with opened(browser, site, page="search.html") as window:
        for _ in range(2):
            form = window.locator("form.bd-search:visible")
            icon, field = form.locator("svg, i").first, form.locator("input[type=search]")
            begin = field.evaluate("one => parseFloat(getComputedStyle(one).paddingLeft)")
            edge = icon.bounding_box()["x"] + icon.bounding_box()["width"]
            assert edge < field.bounding_box()["x"] + begin
            window.keyboard.press("Control+K")
