// A field to draw on or to drop a picture into, and a trained model that looks at it: the kernel in
// Jupyter, the page's Python in a page. Both call the same function of the package.

const COLOURS = ["#3d7fd6", "#0c7a6c", "#d0660a", "#a045a0"]; // attn_course/figures/canvas.py
const PAUSE = 500; // milliseconds between two windows
const PATIENCE = 20; // seconds for the kernel to answer

const css = `
.attn-canvas { container-type: inline-size; --accent: #d0660a; --ink: var(--pst-color-text-base, var(--jp-ui-font-color1, currentColor));
  --soft: var(--pst-color-text-muted, var(--jp-ui-font-color2, currentColor));
  --line: var(--pst-color-text-muted, var(--jp-border-color1, #6b727c));
  color: var(--ink); font-size: 0.875rem; line-height: 1.35; font-variant-numeric: tabular-nums; }
.attn-canvas * { box-sizing: border-box; }
.attn-canvas p { margin: 0.5rem 0; }
.attn-canvas .help { color: var(--soft); }
.attn-canvas canvas { display: block; width: 100%; image-rendering: pixelated; }
.attn-canvas .stamps, .attn-canvas .buttons { display: flex; flex-wrap: wrap; gap: 6px; margin: 0.5rem 0; }
.attn-canvas button { font: inherit; color: inherit; background: none; border: 1px solid var(--line); border-radius: 4px; cursor: pointer; min-height: 44px; padding: 0 0.8rem; }
.attn-canvas .stamps button { width: 44px; padding: 3px; overflow: hidden; }
.attn-canvas button[aria-pressed="true"] { border-color: var(--accent); box-shadow: inset 0 0 0 2px var(--accent); }
.attn-canvas .read { border-color: currentColor; font-weight: 600; }
.attn-canvas .sheet { display: grid; grid-template-columns: 20rem minmax(0, 1fr); gap: 0 1.4rem; align-items: start; }
/* What a reading brings stands beside the field or below the buttons: these stay under the finger. */
.attn-canvas .side { grid-area: 1 / 2; }
.attn-canvas .sheet .buttons { grid-column: 1 / -1; }
@container (max-width: 34rem) {
  .attn-canvas .sheet { grid-template-columns: minmax(0, 1fr); }
  .attn-canvas .side { grid-area: auto; }
  .attn-canvas .sheet .field { max-width: calc(100% - 2.5rem); } /* beside it a finger scrolls */
}
.attn-canvas .field { position: relative; flex: none; width: min(20rem, 100%); background: #000; outline: 1px solid #8b8e94; cursor: crosshair; touch-action: none; -webkit-user-select: none; user-select: none; }
.attn-canvas .field svg { position: absolute; inset: 0; width: 100%; height: 100%; fill: none; pointer-events: none; }
.attn-canvas .field.rimmed canvas { outline: 1px solid #8b8e94; }
.attn-canvas .field.held { cursor: grabbing; }
.attn-canvas .patches { display: flex; gap: 8px; max-width: 20rem; margin: 0; padding: 0; list-style: none; }
.attn-canvas .patches li { flex: 1 1 0; min-width: 0; max-width: 8rem; margin: 0; color: var(--soft); text-align: center; white-space: nowrap; }
@container (max-width: 20rem) { .attn-canvas .patches li { font-size: 0.75rem; } }
.attn-canvas .patches canvas { border: 3px solid var(--edge); }
.attn-canvas .patches button { display: block; width: 100%; padding: 0; border: 0; }
.attn-canvas .said { min-height: 2.7em; font-weight: 600; overflow-wrap: anywhere; }
.attn-canvas .bars { display: flex; gap: 4px; align-items: end; max-width: 20rem; }
.attn-canvas .bars span { flex: 1; min-width: 0; text-align: center; color: var(--soft); }
.attn-canvas .bars i { display: block; min-height: 1px; background: var(--accent); }
.attn-canvas .heard { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.attn-canvas :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
`;

const body = `
<div class="stamps" role="group"></div>
<div class="sheet">
  <div class="field" tabindex="0" role="application" aria-roledescription="drawing field"><canvas></canvas><svg aria-hidden="true"></svg></div>
  <div class="buttons">
    <button type="button" class="read">Read it</button>
    <button type="button" class="strew">Add clutter</button>
    <button type="button" class="clear">Clear and draw</button>
  </div>
  <div class="side">
    <ol class="patches" aria-label="what it saw" hidden></ol>
    <p class="said"></p>
    <div class="bars" aria-hidden="true" hidden></div>
  </div>
</div>
<p class="help"></p>
<span class="heard" role="status" aria-live="polite"></span>`;

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const percent = (share) => `${100 * share}%`;
const base64 = (bytes) => btoa(String.fromCharCode(...bytes));

/** Whether a window lies in the field as the reader sees it: not turned, slanted or mirrored. */
function liesUpright([[left, top], [right, level], [plumb, bottom], [foot, last]]) {
  const straight = level === top && plumb === right && foot === left && last === bottom;
  return straight && left < right && top < bottom;
}

/** Distance of a point to the line between two others. */
function apart(x, y, [x0, y0], [x1, y1]) {
  const [dx, dy] = [x1 - x0, y1 - y0];
  const along = dx || dy ? clamp(((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy), 0, 1) : 0;
  return Math.hypot(x - x0 - along * dx, y - y0 - along * dy);
}

/** Asks the kernel, by two traits of the widget. */
function kernel(model) {
  let last = 0;
  return (image) =>
    new Promise((resolve) => {
      const id = (last += 1);
      const done = (reply) => {
        clearTimeout(timer);
        model.off("change:reply", listen);
        resolve(reply);
      };
      const listen = () => {
        const reply = JSON.parse(model.get("reply"));
        if (reply.id === id) done(reply);
      };
      const silent = { error: "No answer came: is the kernel running, and free?" };
      const timer = setTimeout(() => done(silent), 1000 * PATIENCE);
      model.on("change:reply", listen);
      model.set("request", JSON.stringify({ id, image: base64(image), at: Date.now() }));
      model.save_changes();
    });
}

async function assertPython() {
  const { available } = await import("./python.mjs");
  if (!(await available())) throw new Error("this book was built without Python");
}

/** Asks the page's Python, which is loaded at the first question. */
function page(model, tell) {
  const address = new URL(`./models/${model.get("model")}.safetensors`, import.meta.url).href;
  return async (image) => {
    const { python, onprogress } = await import("./page.mjs");
    const listen = ({ stage, loaded, total }) => {
      const bytes = `${Math.round(loaded / 1e6)} of ${Math.round(total / 1e6)} MB`;
      if (stage === "files") tell("Loading Python", bytes);
      else tell(stage === "start" ? "Starting Python" : "Loading the model");
    };
    page.listen = listen; // of several figures the one that asks is told
    if (!page.heard) onprogress((progress) => page.listen(progress));
    page.heard = true;
    const [function_, digest, size] = ["function", "digest", "size"].map((name) => model.get(name));
    const options = model.get("options") ?? {};
    const asked = { function: function_, digest, size, options, address, image: base64(image) };
    const literal = JSON.stringify(JSON.stringify(asked)); // is one in Python too
    const code = `from attn_course.figures.trained import in_page\nin_page(${literal})`;
    const { text, error } = await python.run(code, { namespace: "a trained model", seconds: 30 });
    return error ? { error } : JSON.parse(text);
  };
}

async function render({ model, el }) {
  const inKernel = typeof model.send === "function";
  if (!inKernel) await assertPython(); // before there is a button: none is pressed in vain
  el.innerHTML = `<div class="attn-canvas"><style>${css}</style>${body}</div>`;
  const root = el.querySelector(".attn-canvas");
  const find = (selector) => root.querySelector(selector);
  const [field, canvas, marks] = [".field", ".field canvas", ".field svg"].map(find);
  const [said, heard, patches, bars] = [".said", ".heard", ".patches", ".bars"].map(find);
  const [height, width] = model.get("size");
  const [nStamp, down, across] = model.get("shape");
  const names = model.get("names");
  const view = model.get("stamps");
  const stamps = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  if (stamps.length !== nStamp * down * across) throw new Error("the stamps are incomplete");

  const what = model.get("what");
  const movable = across < width || down < height; // else a stamp fills the field
  find(".stamps").setAttribute("aria-label", `${what}s to drop into the field`);
  find(".help").textContent = movable
    ? `Drag the ${what}, or move it with the arrow keys (with Shift by eight pixels). Or press “Clear ` +
      `and draw” and draw one, as large as the ${what}s above lie in the field.`
    : `Choose another ${what} above, or draw on this one. Or press “Clear and draw” and draw one of ` +
      `your own, as large as the ${what}s above.`;

  const margin = model.get("margin");
  const [wide, high] = [width + 2 * margin, height + 2 * margin];
  field.classList.toggle("rimmed", margin > 0);
  Object.assign(canvas.style, { width: percent(width / wide), margin: percent(margin / wide) });
  marks.setAttribute("viewBox", `${-margin} ${-margin} ${wide} ${high}`);

  const tell = (words, more = "") => {
    said.textContent = more ? `${words}: ${more}` : words;
    if (heard.textContent !== words) heard.textContent = words;
  };
  const ask = inKernel ? kernel(model) : page(model, tell);

  const ink = new Uint8Array(height * width); // what the reader drew
  const strewn = new Uint8Array(height * width);
  let placed = true; // whether the stamp lies in the field
  let stroke = null; // the last point of the line that is being drawn
  let grip = null; // where the stamp is held
  let awake = false; // after the first reading every change is read at once
  let busy = false;
  let again = false;
  let clock = null;
  let silence = null;

  /** Lay part of a stamp, from row `top` and column `left` of it, into a layer. */
  function lay(layer, index, top, left, rows, columns, y, x) {
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        const value = stamps[(index * down + top + i) * across + left + j];
        const p = (y + i) * width + x + j;
        layer[p] = Math.max(layer[p], value);
      }
    }
  }

  function image() {
    const all = ink.map((value, p) => Math.max(value, strewn[p]));
    const [index, x, y] = ["stamp", "x", "y"].map((name) => model.get(name));
    if (placed) lay(all, index, 0, 0, down, across, y, x);
    return all;
  }

  function paint(target, grey, rows, columns) {
    Object.assign(target, { width: columns, height: rows });
    const context = target.getContext("2d");
    const pixels = context.createImageData(columns, rows);
    grey.forEach((value, p) => pixels.data.set([value, value, value, 255], 4 * p));
    context.putImageData(pixels, 0, 0);
  }

  function draw() {
    paint(canvas, image(), height, width);
    const [index, x, y] = ["stamp", "x", "y"].map((name) => model.get(name));
    const place = movable ? ` at x ${x}, y ${y}; arrow keys move it` : "";
    const where = placed ? `${names[index]}${place}` : "nothing dropped";
    field.setAttribute("aria-label", `field; ${where}; Enter reads`);
    [...find(".stamps").children].forEach((button, k) =>
      button.setAttribute("aria-pressed", placed && k === index),
    );
    Object.assign(root.dataset, { stamp: placed ? index : -1, x, y });
  }

  // Something in the field has changed: what was seen in it holds no more.
  function changed() {
    draw();
    if (awake) return read(false);
    forget();
  }

  function forget() {
    clearInterval(clock);
    marks.replaceChildren();
    for (const box of [patches, bars]) box.style.visibility = "hidden"; // it keeps its room
    said.textContent = "";
    root.dataset.state = "idle";
  }

  const calm = matchMedia("(prefers-reduced-motion: reduce)");

  async function read(slowly) {
    if (busy) return void (again = true);
    busy = true;
    root.dataset.state = "busy";
    clearInterval(clock);
    const grey = image();
    if (slowly) tell(awake ? "Reading" : inKernel ? "Asking the kernel" : "Loading Python");
    const some = grey.some((value) => value);
    const reply = some ? await ask(grey).catch(({ message: error }) => ({ error })) : { empty: true };
    busy = false;
    if (again) {
      again = false;
      if (some) awake ||= !reply.error;
      return read(false);
    }
    if (reply.error || reply.empty) {
      forget();
      tell(reply.error ?? "There is nothing in the field yet.");
      root.dataset.state = reply.error ? "error" : "empty";
      return;
    }
    awake = true;
    const n = reply.corner.length;
    Object.assign(root.dataset, { reply: JSON.stringify(reply) });
    if (!slowly || calm.matches || n === 1) return show(reply, n);
    let shown = 1;
    said.textContent = "It looks …";
    show(reply, shown);
    clock = setInterval(() => {
      shown += 1;
      show(reply, shown);
      if (shown >= n) clearInterval(clock);
    }, PAUSE);
  }

  function shape(kind, look) {
    const one = document.createElementNS("http://www.w3.org/2000/svg", kind);
    look["vector-effect"] = "non-scaling-stroke";
    for (const [name, value] of Object.entries(look)) one.setAttribute(name, value);
    marks.append(one);
    return one;
  }
  const mark = (kind, points, k, thickness, more = {}) =>
    shape(kind, { points: points.join(" "), stroke: COLOURS[k % 4], "stroke-width": thickness, ...more });

  const within = (n) => (place) => clamp(place, 0.3 - margin, n + margin - 0.3);
  const [inX, inY] = [width, height].map(within);
  const framed = (four) => four.map(([x, y]) => [inX(x), inY(y)]);

  /** The way from window to window, each with its number; round the last one all it looks at. */
  function walk(centre, outer) {
    const last = centre.length - 1;
    for (const four of outer[last]) mark("polygon", framed(four), last, 1.5, { "stroke-dasharray": "5 4" });
    const way = { points: centre.join(" "), class: "way", "stroke-linejoin": "round" };
    shape("polyline", { ...way, stroke: "#000", "stroke-width": 4 });
    shape("polyline", { ...way, stroke: "#fff", "stroke-width": 1.5 });
    const unit = wide / 320; // about a pixel of the screen
    centre.forEach(([cx, cy], k) => {
      shape("circle", { cx, cy, r: 9 * unit, fill: "#fff", stroke: COLOURS[k % 4], "stroke-width": 2.5 });
      const look = { x: cx, y: cy + 4.2 * unit, fill: "#1d2026", "text-anchor": "middle" };
      const number = shape("text", { ...look, "font-size": 12 * unit, "font-weight": 600 });
      number.textContent = k + 1;
    });
  }

  /** The first windows of a reply, on the field. */
  function windows({ corner, centre, outer }, shown) {
    const upright = corner.map(liesUpright);
    marks.replaceChildren();
    corner.slice(0, shown).forEach((four, k) => {
      // A window larger than the field remains in sight as its frame; one that is turned is cut off.
      const points = upright[k] ? framed(four) : four;
      mark("polygon", points, k, centre ? 2.5 : 2 + k / 2);
      if (!upright[k]) mark("polyline", points.slice(0, 2), k, 6); // the top of what is seen there
    });
    if (centre) walk(centre.slice(0, shown), outer);
    [...patches.querySelectorAll("button")].forEach((button, k) =>
      button.setAttribute("aria-pressed", k + 1 === shown),
    );
  }

  /** The first windows of a reply and what was seen there; after the last, what the model says. */
  function show(reply, shown) {
    const { corner, patch, share, names: classes, says, answer, centre } = reply;
    const last = shown >= corner.length;
    const upright = corner.map(liesUpright);
    patches.hidden = false;
    patches.style.visibility = "";
    patches.replaceChildren(
      ...patch.slice(0, shown).map((rows, k) => {
        const item = document.createElement("li");
        const small = document.createElement("canvas");
        small.setAttribute("aria-hidden", "true");
        small.style.setProperty("--edge", COLOURS[k % 4]);
        if (!upright[k]) small.style.borderTopWidth = "7px";
        const grey = rows.flat().map((value) => Math.round(255 * clamp(value, 0, 1)));
        paint(small, grey, rows.length, rows[0].length);
        const name = corner.length > 4 ? `${k + 1}` : `glimpse ${k + 1}`;
        item.append(small, corner.length > 1 ? name : "what it sees");
        if (!centre) return item;
        // Steps of a walk may lie on one another: each can be gone back to.
        const button = document.createElement("button");
        button.type = "button";
        button.setAttribute("aria-label", `the walk up to glimpse ${k + 1}`);
        button.append(...item.childNodes);
        button.addEventListener("click", () => {
          if (root.dataset.state === "done") windows(reply, k + 1);
        });
        item.append(button);
        return item;
      }),
      ...patch.slice(shown).map(() => document.createElement("li")),
    );
    windows(reply, shown);
    const back = " Press one of its glimpses to go back to it.";
    if (centre && !find(".help").textContent.endsWith(back)) find(".help").append(back);
    bars.style.visibility = last ? "" : "hidden";
    if (!last) return;
    bars.hidden = false;
    bars.replaceChildren(
      ...share.map((value, k) => {
        const column = document.createElement("span");
        const bar = document.createElement("i");
        bar.style.height = `${48 * value}px`;
        column.append(bar, classes[k]);
        return column;
      }),
    );
    said.textContent = says;
    clearTimeout(silence); // while a digit is moved not every answer is spoken
    silence = setTimeout(() => (heard.textContent = says), 400);
    Object.assign(root.dataset, { state: "done", answer });
  }

  function set(changes) {
    const last = { stamp: nStamp - 1, x: width - across, y: height - down };
    for (const [name, value] of Object.entries(changes)) model.set(name, clamp(value, 0, last[name]));
    model.save_changes();
    changed();
  }
  const moveBy = (dx, dy) => set({ x: model.get("x") + dx, y: model.get("y") + dy });

  // In pixels of the field, from its edge.
  function point(event) {
    const frame = canvas.getBoundingClientRect();
    const scale = width / frame.width;
    return [(event.clientX - frame.left) * scale, (event.clientY - frame.top) * scale];
  }

  function line(from, to) {
    for (let p = 0; p < ink.length; p++) {
      const far = apart((p % width) + 0.5, Math.floor(p / width) + 0.5, from, to);
      ink[p] = Math.max(ink[p], Math.round(255 * clamp(1.9 - far, 0, 1)));
    }
    changed();
  }

  field.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    field.focus({ preventScroll: true });
    field.setPointerCapture(event.pointerId);
    const [x, y] = point(event);
    const [dx, dy] = [x - model.get("x"), y - model.get("y")];
    if (placed && movable && dx >= 0 && dy >= 0 && dx < across && dy < down) {
      grip = [dx, dy];
      field.classList.add("held");
    } else line((stroke = [x, y]), stroke);
  });
  field.addEventListener("pointermove", (event) => {
    const [x, y] = point(event);
    if (grip) set({ x: Math.round(x - grip[0]), y: Math.round(y - grip[1]) });
    if (!stroke) return;
    const from = stroke;
    stroke = [x, y];
    line(from, stroke);
  });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
    field.addEventListener(end, () => {
      grip = stroke = null;
      field.classList.remove("held");
    });
  }
  field.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = event.shiftKey ? 8 : 1;
    const keys = {
      ArrowLeft: () => moveBy(-step, 0), ArrowRight: () => moveBy(step, 0),
      ArrowUp: () => moveBy(0, -step), ArrowDown: () => moveBy(0, step),
      Enter: () => read(true),
    };
    if (!(event.key in keys) || (!movable && event.key !== "Enter")) return;
    event.preventDefault();
    event.stopPropagation(); // Jupyter and the page have keys of their own
    if (placed || event.key === "Enter") keys[event.key]();
  });

  names.forEach((name, k) => {
    const button = document.createElement("button");
    const small = document.createElement("canvas");
    button.type = "button";
    button.setAttribute("aria-label", `drop ${name}`);
    paint(small, stamps.slice(k * down * across, (k + 1) * down * across), down, across);
    button.append(small);
    button.addEventListener("click", () => {
      placed = true;
      ink.fill(0);
      set({ stamp: k });
    });
    find(".stamps").append(button);
  });
  find(".read").addEventListener("click", () => read(true));
  find(".clear").addEventListener("click", () => {
    placed = false;
    ink.fill(0);
    strewn.fill(0);
    again = busy; // what is being read is gone
    draw();
    forget();
    field.focus({ preventScroll: true });
  });
  find(".strew").addEventListener("click", () => {
    const [n, side] = model.get("clutter");
    const below = (limit) => Math.floor(Math.random() * limit);
    strewn.fill(0);
    for (let k = 0; k < n; k++) {
      const [top, left] = [below(down - side + 1), below(across - side + 1)];
      lay(strewn, below(nStamp), top, left, side, side, below(height - side + 1), below(width - side + 1));
    }
    changed();
  });
  if (!model.get("clutter")[0]) find(".strew").remove();

  for (const name of ["stamp", "x", "y"]) model.on(`change:${name}`, draw);
  forget();
  draw();
  return () => {
    clearInterval(clock);
    clearTimeout(silence);
    for (const name of ["stamp", "x", "y"]) model.off(`change:${name}`, draw);
  };
}

export default { render };
