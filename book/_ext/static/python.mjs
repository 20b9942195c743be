// Python for the cells of a page: one worker, made when it is first needed. What depends on it asks
// `available()` first: a book built without Pyodide or NumPy has none.

import { files } from "./files.mjs";

const PATIENCE = 60; // seconds in which something must come while Python loads
const EMPTY = {
  text: "", html: "", error: "", seconds: 0, passed: false, counts: [0, 0], stopped: false,
};
const LEFT_OUT =
  "Not run: while this waited, Python was stopped. Press the button again: Python starts anew.";

let found;

// Whether Python can be had on this page.
export function available() {
  found ??= files === null ? Promise.resolve(false) : answers("../python/pyodide-lock.json");
  return found;
}

async function answers(path) {
  try {
    const reply = await fetch(new URL(path, import.meta.url), { method: "HEAD" });
    await reply.text(); // nothing; but a reply that is not read counts as broken off
    return reply.ok;
  } catch {
    return false;
  }
}

// Each method gives {text, html, error, seconds, passed, counts, stopped, session} and never throws.
// `text` is what was printed, `error` is for the reader, `passed` says whether all of a check's tests
// pass and `counts` how many, of how many. `stopped` says that Python was ended, with all that it held; `session` counts how often it began.
export class Python {
  session = 0;
  #onprogress;
  #worker = null;
  #finish = null; // ends the task in hand with a result
  #last = Promise.resolve();
  #era = 0;

  // `onprogress` is given {stage, loaded, total}: the stages are "files" (with bytes), "start" and
  // "ready".
  constructor({ onprogress = () => {} } = {}) {
    this.#onprogress = onprogress;
  }

  // Load Python before it is needed.
  load() {
    return this.#queue({ task: "load" }, PATIENCE);
  }

  run(code, { namespace = "page", seconds = 10 } = {}) {
    return this.#queue({ task: "run", code, namespace }, seconds);
  }

  check(name, { namespace = "page", seconds = 10 } = {}) {
    return this.#queue({ task: "check", name, namespace }, seconds);
  }

  // Stop what runs and what waits to be run.
  interrupt() {
    this.#stop("Stopped. Python starts anew with the next run.");
  }

  terminate() {
    this.#stop("Python was ended.");
  }

  // One task after another. What waits for one that is stopped is not run: it may need what is lost.
  #queue(task, seconds) {
    const era = this.#era;
    const turn = () =>
      era === this.#era
        ? this.#ask(task, seconds)
        : { ...EMPTY, stopped: true, session: this.session, error: LEFT_OUT };
    this.#last = this.#last.then(turn);
    return this.#last;
  }

  #ask(task, seconds) {
    return new Promise((resolve) => {
      let timer;
      let printed = "";
      const allow = (limit, message) => {
        clearTimeout(timer);
        timer = setTimeout(() => this.#stop(message), 1000 * limit);
      };
      const slow = `Python did not load: for ${PATIENCE} seconds nothing came.`;
      this.#finish = (result) => {
        clearTimeout(timer);
        this.#finish = null;
        resolve({ ...EMPTY, text: printed, session: this.session, ...result });
      };
      if (this.#worker === null) {
        this.session += 1;
        this.#worker = new Worker(new URL("./worker.mjs", import.meta.url), { type: "module" });
      }
      this.#worker.onerror = (event) => {
        event.preventDefault();
        this.#stop(`Python could not be loaded${event.message ? `: ${event.message}` : ""}.`);
      };
      let started = false;
      this.#worker.onmessage = ({ data }) => {
        if (data.progress) {
          allow(PATIENCE, slow);
          this.#onprogress(data.progress);
        } else if (data.started) {
          started = true;
          allow(
            seconds,
            `Stopped after ${seconds} seconds: is there a loop that does not end? ` +
              "Python starts anew with the next run.",
          );
        } else if (data.printed) {
          printed += data.printed;
        } else if (data.failed) {
          const what = started ? "Python broke down" : "Python could not be loaded";
          this.#stop(`${what}: ${data.failed}. The next run starts it anew.`);
        } else if (data.result) {
          this.#finish?.(data.result);
        }
      };
      allow(PATIENCE, slow);
      this.#worker.postMessage(task);
    });
  }

  #stop(error) {
    this.#worker?.terminate();
    this.#worker = null;
    this.#era += 1;
    this.#finish?.({ error, stopped: true });
  }
}
