"""What a page of the built book costs its reader: files, bytes, seconds.

The server is one that compresses, as hosts of static pages do, and may be as slow as a telephone
line. It is the server that is slow, since a browser's own throttle does not reach its workers.
"""

import contextlib
import functools
import gzip
import http.server
import io
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from chromium import Quiet

COMPRESSED = {".html", ".css", ".js", ".mjs", ".json", ".svg", ".wasm", ".py"}

# The page is interactive when it is parsed, the buttons of its cells stand, and no script has
# held it up for 50 ms since.
WATCH = """
window.attn = { bars: 0, busy: 0 };
new PerformanceObserver((list) => {
  for (const e of list.getEntries()) attn.busy = Math.max(attn.busy, e.startTime + e.duration);
}).observe({ type: "longtask", buffered: true });
new MutationObserver(() => {
  if (!attn.bars && document.querySelector(".attn-bar")) attn.bars = performance.now();
}).observe(document, { childList: true, subtree: true });
"""
INTERACTIVE = """() => {
  const parsed = performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd;
  return Math.max(parsed, attn.bars, attn.busy) / 1000;
}"""


@functools.cache
def content(path: Path) -> tuple[bytes, bool]:
    """A file as it is sent, and whether it is compressed."""
    whole = path.read_bytes()
    packed = path.suffix in COMPRESSED
    return (gzip.compress(whole, 6) if packed else whole), packed


class Line:
    """One line for all that is sent, of so many bytes a second."""

    def __init__(self, rate: float | None) -> None:
        self.rate, self.free, self.lock = rate, 0.0, threading.Lock()

    def send(self, whole: bytes, out: Any) -> None:
        step = 16_384 if self.rate else max(len(whole), 1)
        for start in range(0, len(whole), step):
            part = whole[start : start + step]
            if self.rate:
                with self.lock:
                    now = time.monotonic()
                    self.free = max(self.free, now) + len(part) / self.rate
                    wait = self.free - now
                time.sleep(wait)
            out.write(part)


class Compressing(Quiet):
    """Sends files packed, to be kept by the browser."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    line: Line

    def send_head(self) -> io.BytesIO | None:
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return None
        whole, packed = content(path)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Length", str(len(whole)))
        self.send_header("Cache-Control", "max-age=600")
        if packed:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        return io.BytesIO(whole)

    def copyfile(self, source: Any, outputfile: Any) -> None:
        with contextlib.suppress(ConnectionError):
            self.line.send(source.read(), outputfile)


@contextlib.contextmanager
def compressed(folder: Path, megabits: float | None = None) -> Iterator[str]:
    """The folder's address while a compressing server runs."""
    line = Line(megabits and megabits * 1e6 / 8)
    kind = type("Serving", (Compressing,), {"line": line})
    handler = functools.partial(kind, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        running.daemon_threads, running.block_on_close = True, False
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}/"
        running.shutdown()


class Cost(NamedTuple):
    """What was fetched before any click, and when the page could be used."""

    files: int
    bytes: int
    seconds: float


def cost(browser: Any, address: str) -> Cost:
    """A first visit to a page, down to its end, without a click."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    window = context.new_page()
    window.add_init_script(WATCH)
    session = context.new_cdp_session(window)
    sizes: list[float] = []
    session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    session.send("Network.enable")
    window.goto(address, wait_until="networkidle")
    seconds = window.evaluate(INTERACTIVE)
    window.evaluate("""async () => {
      for (const figure of document.querySelectorAll("figure.attn-live, .attn-live")) {
        figure.scrollIntoView();
        await new Promise((done) => setTimeout(done, 200));
      }
    }""")
    window.wait_for_load_state("networkidle")
    context.close()
    return Cost(len(sizes), round(sum(sizes)), seconds)


def python(context: Any, address: str) -> tuple[float, float]:
    """Seconds from the first click on a page's Run to what came out, and of a second run."""
    window = context.new_page()
    window.set_default_timeout(120_000)
    window.goto(address, wait_until="load")
    window.wait_for_selector(".attn-bar")
    took = window.evaluate("""async () => {
      const bar = document.querySelector(".attn-bar"), times = [];
      const [status] = bar.querySelectorAll(".attn-status");
      const run = [...bar.querySelectorAll("button")].find((one) => one.textContent === "Run");
      for (let i = 0; i < 2; i += 1) {
        const start = performance.now();
        run.click();
        while (run.textContent !== "Run" || !/^(Ran|Stopped)/.test(status.textContent))
          await new Promise((done) => setTimeout(done, 5));
        times.push((performance.now() - start) / 1000);
      }
      return times;
    }""")
    window.close()
    first, second = took
    return first, second
