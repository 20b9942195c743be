// Python in a thread of its own, so that the page stays responsive and an endless loop can be ended.
// It is told {task: "load"}, {task: "run", code, namespace} or {task: "check", name, namespace}, one
// at a time. It tells {progress}, {started: true}, {printed} (a piece) and at the end {result}, or
// {failed}.

import { files } from "./files.mjs";

const base = new URL("../", import.meta.url); // works under any path, such as /book/
const address = (path) => new URL(path, base).href;
const LOCK = "python/pyodide-lock.json";

const download = self.fetch.bind(self);
const early = new Map(); // address -> a download begun before Pyodide asks for it
// Modules are brought by `import`, which tells nothing of its progress.
const counted = Object.entries(files ?? {}).filter(([path]) => !path.endsWith(".mjs"));
const total = counted.reduce((sum, [, size]) => sum + size, 0);
let loaded = 0;

function say(stage = loaded < total ? "files" : "start") {
  self.postMessage({ progress: { stage, loaded, total } });
}

// Files are fetched here and handed to Pyodide, which would wait for ever for one that is not there.
async function fetched(path, options) {
  const reply = await download(address(path), options).catch(() => null);
  if (!reply?.ok) throw new Error(`${path} did not come`);
  return reply;
}

// A file that counts what has arrived of it; compiled code can be handed on before all is there.
async function watched(path, options) {
  const reply = await fetched(path, options);
  const counter = new TransformStream({
    transform(chunk, out) {
      loaded += chunk.byteLength;
      say();
      out.enqueue(chunk);
    },
  });
  const body = reply.body.pipeThrough(counter);
  if (path.endsWith(".wasm")) {
    return new Response(body, { headers: { "Content-Type": "application/wasm" } });
  }
  return new Response(await new Response(body).arrayBuffer());
}

// In the form that a browser checks while it downloads.
const integrity = (hex) =>
  "sha256-" + btoa(String.fromCharCode(...hex.match(/../g).map((pair) => parseInt(pair, 16))));

async function load() {
  say();
  const lock = await (await fetched(LOCK, { cache: "no-cache" })).json();
  const hashes = Object.fromEntries(
    Object.values(lock.packages).map((one) => [
      new URL(one.file_name, address(LOCK)).href,
      integrity(one.sha256),
    ]),
  );
  for (const [path] of counted) {
    early.set(address(path), watched(path, { integrity: hashes[address(path)] }));
  }
  self.fetch = (resource, options) => {
    const url = new URL(resource?.url ?? resource, base).href;
    const begun = early.get(url);
    early.delete(url);
    return begun ?? download(resource, options);
  };
  const all = Promise.all(early.values());
  all.catch(() => {}); // is awaited below
  const { loadPyodide } = await import(address("pyodide/pyodide.mjs"));
  const core = loadPyodide({
    indexURL: address("pyodide/"),
    lockFileContents: lock,
    packageBaseUrl: address("python/"),
    stdin: () => null, // nobody is asked: input() finds nothing to read
  });
  await Promise.race([core, all.then(() => core)]); // whichever fails first
  const python = await core;
  await all;
  say();
  await python.loadPackage("attn-course", { messageCallback() {} });
  say();
  python.runPython(await (await fetched("attn/session.py")).text());
  python.runPython("import numpy"); // no cell is charged with the time that this takes
  say("ready");
  return python.globals.get("Session")();
}

let session;

self.addEventListener("message", async ({ data }) => {
  try {
    session ??= load();
    const ready = await session;
    self.postMessage({ started: true });
    const tell = (printed) => self.postMessage({ printed });
    const { task, namespace } = data;
    if (task === "load") self.postMessage({ result: {} });
    else {
      const json = ready[task](data.code ?? data.name, namespace, tell);
      self.postMessage({ result: JSON.parse(json) });
    }
  } catch (error) {
    self.postMessage({ failed: String(error?.message ?? error) });
  }
});
