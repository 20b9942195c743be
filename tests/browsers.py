"""What `.ci/browsers.py` installs for the tests of pages, and windows that those tests look at.

A `Window` is the same for Chromium (`chromium.py`) and Firefox, so that one test asks both.
"""

import contextlib
import itertools
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = ROOT / "_build" / "browsers" / "node_modules"


def installed(name: str) -> Path:
    """The folder of an installed package, or a skip that says what installs it."""
    folder = MODULES / name
    if not folder.exists():
        pytest.skip(f"{name} is not installed; python .ci/browsers.py installs it")
    return folder


@dataclass(frozen=True)
class Look:
    """How a reader looks at a page; `calm` is one who asks for less motion."""

    width: int = 1100
    height: int = 900
    dark: bool = False
    calm: bool = False
    touch: bool = False
    scripts: bool = True


WIDE = Look()


class Window:
    """A browser's window. `ask` is all that differs from one browser to the other.

    `code` is always an arrow function in JavaScript, which may be given one argument.
    """

    def ask(self, what: str, *rest: Any) -> Any:
        raise NotImplementedError

    def goto(self, address: str) -> None:
        self.ask("goto", address)

    def evaluate(self, code: str, argument: Any = None) -> Any:
        # No promise where none is needed: it would not be kept in a page without scripts.
        said = "(value) => JSON.stringify(value) ?? 'null'"
        then = f"(value) => value instanceof Promise ? value.then({said}) : ({said})(value)"
        return json.loads(self.ask("evaluate", f"({then})(({code})({json.dumps(argument)}))"))

    def wait(self, code: str, argument: Any = None, seconds: float = 90) -> None:
        """Wait until something is true."""
        end = time.monotonic() + seconds
        while not self.evaluate(f"(argument) => Boolean(({code})(argument))", argument):
            assert time.monotonic() < end, f"after {seconds} seconds still not: {code}"
            time.sleep(0.05)

    def faults(self) -> list[str]:
        """Errors of the console and the page, failed requests, requests to other hosts."""
        return self.ask("faults")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.ask("press", key)

    def insert(self, text: str) -> None:
        self.ask("insert", text)

    def text(self, selector: str) -> str:
        return self.evaluate("(s) => document.querySelector(s).innerText.trim()", selector)

    def focus(self, selector: str) -> None:
        self.evaluate("(s) => document.querySelector(s).focus()", selector)

    def middle(self, selector: str) -> tuple[float, float]:
        """Centre of an element, once the window has come to rest with it in its middle."""
        box = """async (s) => {
          const one = document.querySelector(s);
          one.scrollIntoView({ block: "center", behavior: "instant" });
          for (let k = 0; k < 2; k += 1) await new Promise((done) => requestAnimationFrame(done));
          const { x, y, width, height } = one.getBoundingClientRect();
          return [Math.round(x + width / 2), Math.round(y + height / 2)];
        }"""
        x, y = self.evaluate(box, selector)
        return x, y

    def push(self, within: str, words: str) -> None:
        """Click the button or the summary that says so, inside of an element."""
        mark = """([within, words]) => {
          for (const one of document.querySelectorAll("[data-pushed]"))
            one.removeAttribute("data-pushed");
          const all = [...document.querySelector(within).querySelectorAll("button, summary")];
          all.find((one) => one.innerText.trim() === words).setAttribute("data-pushed", "");
        }"""
        self.evaluate(mark, [within, words])
        self.click("[data-pushed]")

    def click(self, selector: str) -> None:
        self.drag(selector, 0, 0)

    def tap(self, selector: str) -> None:
        self.swipe(selector, 0, 0)

    def drag(self, selector: str, dx: float, dy: float) -> None:
        """By the mouse, from the middle of an element."""
        x, y = self.middle(selector)
        self.ask("mouse", "move", x, y)
        self.ask("mouse", "down", x, y)
        for k in (1, 2):
            self.ask("mouse", "move", x + dx * k / 2, y + dy * k / 2)
        self.ask("mouse", "up", x + dx, y + dy)

    def swipe(self, selector: str, dx: float, dy: float) -> None:
        """By a finger, from the middle of an element."""
        x, y = self.middle(selector)
        self.ask("touch", "Start", x, y)
        for k in range(1, 5 if dx or dy else 1):
            self.ask("touch", "Move", x + dx * k / 4, y + dy * k / 4)
        self.ask("touch", "End", x + dx, y + dy)


class FirefoxWindow(Window):
    """A window of a Firefox that `.ci/firefox.mjs` drives."""

    def __init__(self, driver: subprocess.Popen, number: int) -> None:
        self.driver, self.number = driver, number

    def ask(self, what: str, *rest: Any) -> Any:
        assert self.driver.stdin is not None
        assert self.driver.stdout is not None
        self.driver.stdin.write(json.dumps([self.number, what, *rest]) + "\n")
        self.driver.stdin.flush()
        line = self.driver.stdout.readline()
        assert line, "Firefox is gone"
        answer = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer["value"]


class Firefox:
    """Debian's Firefox, driven by puppeteer. Its settings are those of a whole browser."""

    name = "firefox"

    def __init__(self) -> None:
        self.drivers: dict[str, subprocess.Popen] = {}
        self.numbers = itertools.count()

    def driver(self, **preferences: Any) -> subprocess.Popen:
        key = json.dumps(preferences, sort_keys=True)
        if key not in self.drivers:
            modules, firefox = installed("puppeteer-core").parent, shutil.which("firefox-esr")
            self.drivers[key] = subprocess.Popen(
                ["node", ROOT / ".ci" / "firefox.mjs", modules, str(firefox), key],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="utf-8",
            )
        return self.drivers[key]

    @contextlib.contextmanager
    def window(self, look: Look = WIDE) -> Iterator[Window]:
        driver = self.driver(
            **{
                "ui.systemUsesDarkTheme": int(look.dark),
                "ui.prefersReducedMotion": int(look.calm),
                "dom.w3c_touch_events.enabled": int(look.touch),
                "javascript.enabled": look.scripts,
                # Puppeteer lets files load modules and fonts, as a reader's Firefox does not.
                "security.fileuri.strict_origin_policy": True,
            }
        )
        window = FirefoxWindow(driver, next(self.numbers))
        window.ask("open", look.width, look.height)
        yield window
        window.ask("close")

    def close(self) -> None:
        for driver in self.drivers.values():
            driver.communicate(timeout=60)


@contextlib.contextmanager
def firefox() -> Iterator[Firefox]:
    """Firefox, started when a window is first opened."""
    running = Firefox()
    try:
        yield running
    finally:
        running.close()
