"""A folder served over loopback and a headless Chromium that reaches nothing else."""

import contextlib
import functools
import http.server
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from browsers import WIDE, Look, Window

FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
]


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Knows the types of modules and of compiled code, and logs nothing."""

    missing: tuple[str, ...] = ()  # parts of addresses that are not found

    extensions_map = {
        **http.server.SimpleHTTPRequestHandler.extensions_map,
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
    }

    def log_message(self, *_: Any) -> None:
        pass

    def send_head(self) -> Any:
        if any(part in self.path for part in self.missing):
            return self.send_error(404)
        return super().send_head()


@contextlib.contextmanager
def served(folder: Path, *missing: str) -> Iterator[str]:
    """The folder's address while a server of its own runs, which may keep some of it back."""
    kind = type("Serving", (Quiet,), {"missing": missing})
    handler = functools.partial(kind, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}/"
        running.shutdown()
        thread.join()


@contextlib.contextmanager
def launched() -> Iterator[Any]:
    """The system's Chromium, driven by playwright."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield chromium
        chromium.close()


class ChromiumWindow(Window):
    """A window of Chromium, driven by playwright."""

    def __init__(self, context: Any) -> None:
        self.page, self.heard = context.new_page(), []
        self.touches = context.new_cdp_session(self.page)
        self.page.on("console", lambda one: self.note(one.type == "error", one.text))
        self.page.on("pageerror", lambda error: self.note(True, str(error)))
        self.page.on("requestfailed", lambda one: self.note(True, f"failed: {one.url}"))
        self.page.on(
            "response", lambda one: self.note(one.status >= 400, f"{one.status}: {one.url}")
        )
        self.page.on("request", lambda one: self.note(outside(one.url), f"another host: {one.url}"))

    def note(self, wrong: bool, words: str) -> None:
        if wrong:
            self.heard.append(words)

    def ask(self, what: str, *rest: Any) -> Any:
        page = self.page
        if what == "faults":
            return self.heard
        if what == "mouse":
            kind, *place = rest
            return page.mouse.move(*place) if kind == "move" else getattr(page.mouse, kind)()
        if what == "touch":
            kind, x, y = rest
            points = [] if kind == "End" else [{"x": x, "y": y}]
            event = {"type": f"touch{kind}", "touchPoints": points}
            return self.touches.send("Input.dispatchTouchEvent", event)
        if what == "goto":
            page.goto(*rest, timeout=90_000)
            return None
        do = {
            "evaluate": page.evaluate,
            "press": page.keyboard.press,
            "insert": page.keyboard.insert_text,
        }
        return do[what](*rest)


def outside(url: str) -> bool:
    return url.startswith("http") and not url.startswith("http://127.0.0.1:")


class Chromium:
    """Chromium with the same windows as Firefox."""

    name = "chromium"

    def __init__(self, browser: Any) -> None:
        self.browser = browser

    @contextlib.contextmanager
    def window(self, look: Look = WIDE) -> Iterator[Window]:
        context = self.browser.new_context(
            viewport={"width": look.width, "height": look.height},
            color_scheme="dark" if look.dark else "light",
            reduced_motion="reduce" if look.calm else "no-preference",
            java_script_enabled=look.scripts,
            has_touch=look.touch,
            is_mobile=look.touch,
        )
        yield ChromiumWindow(context)
        context.close()
