// A picture that is sharp only where the reader points: the pointer is the fovea of a retina with
// several scales. What is computed here is held to attn_course/soft_hard/reference.py by a test.

const COLOURS = ["#3d7fd6", "#d0660a", "#0c7a6c", "#a045a0"]; // attn_course/figures/fovea.py
const SIZES = [4, 8, 12, 16, 24, 32];
const SCALES = [1, 2, 3, 4, 5, 6];
const REST = 3; // seconds: no look at one place is counted as longer
const NAMES = ["x", "y", "size", "n_scale", "question", "whole"];

/** Upper left corners (x, y) of the patches in pixels, the finest first. */
export function corners({ height, width, x, y, size, n_scale }) {
  return Array.from({ length: n_scale }, (_, k) =>
    [[x, width], [y, height]].map(([place, n]) =>
      Math.floor(((place + 1) / 2) * n - (size * 2 ** k) / 2 + 0.5),
    ),
  );
}

/** Patches of size by size, each twice as wide as the last: means over blocks, nothing outside. */
export function retina(state) {
  const { image, height, width, size, n_scale } = state;
  const patches = new Float64Array(n_scale * size * size);
  corners(state).forEach(([left, top], k) => {
    const block = 2 ** k;
    const [first, last] = [Math.max(top, 0), Math.min(top + size * block, height)];
    const [from, to] = [Math.max(left, 0), Math.min(left + size * block, width)];
    for (let row = first; row < last; row++) {
      const start = (k * size + Math.floor((row - top) / block)) * size;
      for (let column = from; column < to; column++) {
        const value = image[row * width + column] / 255;
        patches[start + Math.floor((column - left) / block)] += value / (block * block);
      }
    }
  });
  return patches;
}

/** Patches, and the picture put together from them: the finest that covers a pixel; else NaN. */
export function compute(state) {
  const { height, width, size, n_scale } = state;
  const patches = retina(state);
  const seen = new Float64Array(height * width).fill(NaN);
  const corner = corners(state);
  for (let k = n_scale - 1; k >= 0; k--) {
    const [left, top] = corner[k];
    const side = size * 2 ** k;
    for (let row = Math.max(top, 0); row < Math.min(top + side, height); row++) {
      const start = (k * size + Math.floor((row - top) / 2 ** k)) * size;
      for (let column = Math.max(left, 0); column < Math.min(left + side, width); column++) {
        seen[row * width + column] = patches[start + Math.floor((column - left) / 2 ** k)];
      }
    }
  }
  return { patches, corner, seen };
}

const css = `
.attn-fovea { container-type: inline-size; --accent: #d0660a; --ink: var(--pst-color-text-base, var(--jp-ui-font-color1, currentColor));
  --soft: var(--pst-color-text-muted, var(--jp-ui-font-color2, currentColor));
  --line: var(--pst-color-text-muted, var(--jp-border-color1, #6b727c));
  color: var(--ink); font-size: 0.875rem; line-height: 1.35; font-variant-numeric: tabular-nums; }
.attn-fovea * { box-sizing: border-box; }
.attn-fovea p { margin: 0.5rem 0; }
.attn-fovea canvas { display: block; width: 100%; image-rendering: pixelated; }
.attn-fovea .sheet { display: grid; grid-template-columns: minmax(0, 24rem) minmax(0, 1fr); gap: 0.9rem 1.4rem; align-items: start; }
.attn-fovea .stage { position: relative; background: #14181e; outline: 1px solid #8b8e94; cursor: crosshair; touch-action: none; -webkit-user-select: none; user-select: none; }
.attn-fovea .stage canvas { height: 100%; }
.attn-fovea .stage svg { position: absolute; inset: 0; width: 100%; height: 100%; overflow: hidden; fill: none; pointer-events: none; }
.attn-fovea .questions { margin: 0 0 0.9rem; padding: 0; border: 0; min-width: 0; }
.attn-fovea .questions legend { float: none; padding: 0; color: var(--soft); font-size: inherit; margin: 0 0 0.4rem; }
.attn-fovea .cards { display: flex; flex-wrap: wrap; gap: 8px; }
.attn-fovea .question { position: relative; flex: 1 1 13.5rem; display: grid; grid-template-columns: 5.2rem minmax(0, 1fr); gap: 0.6rem; align-items: center; min-height: 44px; margin: 0; padding: 6px; border: 1px solid var(--line); border-radius: 4px; cursor: pointer; }
.attn-fovea .question input { position: absolute; opacity: 0; inset: 0; width: 100%; height: 100%; margin: 0; cursor: pointer; }
.attn-fovea .question:has(:checked) { border-color: var(--look); box-shadow: inset 0 0 0 2px var(--look); }
.attn-fovea .question:has(:focus-visible) { outline: 3px solid var(--accent); outline-offset: 2px; }
.attn-fovea .trace { background: #fff center / 100% 100%; outline: 1px solid #8b8e94; }
.attn-fovea .trace svg { display: block; width: 100%; fill: none; overflow: hidden; }
.attn-fovea .question small { display: block; font-size: inherit; color: var(--soft); }
.attn-fovea .badge { display: inline-block; min-width: 1.6em; margin-right: 0.35em; border: 2px solid var(--look); border-radius: 1em; text-align: center; font-weight: 600; }
.attn-fovea .patches { display: grid; grid-template-columns: repeat(max(4, var(--n)), minmax(0, 1fr)); gap: 10px 8px; margin: 0 0 0.7rem; padding: 0; list-style: none; }
.attn-fovea .patches li { min-width: 0; margin: 0; color: var(--soft); }
.attn-fovea .patches canvas { outline: 1px solid #8b8e94; margin-bottom: 2px; }
.attn-fovea .label { display: block; color: var(--soft); margin: 0 0 0.3rem; }
.attn-fovea .count b { font-weight: 600; }
.attn-fovea .settings { display: flex; flex-wrap: wrap; gap: 0.5rem 1.2rem; margin: 0.7rem 0; }
.attn-fovea .settings label { display: inline-flex; gap: 0.5rem; align-items: center; margin: 0; }
.attn-fovea :is(button, select) { font: inherit; color: inherit; background: transparent; border: 1px solid var(--line); border-radius: 4px; cursor: pointer; min-height: 44px; padding: 0 0.8rem; }
.attn-fovea option { color: #1d2026; background: #fff; }
.attn-fovea .buttons { display: flex; flex-wrap: wrap; gap: 6px; }
.attn-fovea .help { color: var(--soft); }
.attn-fovea .heard { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.attn-fovea :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
@container (max-width: 38rem) {
  .attn-fovea .sheet { grid-template-columns: minmax(0, 1fr); }
  .attn-fovea .stage { max-width: calc(min(24rem, 100%) - 2.5rem); } /* beside it a finger scrolls */
}
@container (max-width: 24rem) { .attn-fovea .patches { grid-template-columns: repeat(3, minmax(0, 1fr)); } }
@media print { .attn-fovea :is(.buttons, .settings, .help) { display: none; } }
`;

const body = `
<fieldset class="questions"><legend>Choose a question, then look for the answer below.</legend><div class="cards"></div></fieldset>
<div class="sheet">
  <div class="stage" tabindex="0" role="application" aria-roledescription="picture to look at"><canvas></canvas><svg aria-hidden="true"></svg></div>
  <div class="side">
    <span class="label">what the retina gives</span>
    <ol class="patches"></ol>
    <p class="count"></p>
    <div class="settings">
      <label>size <select name="size"></select></label>
      <label>scales <select name="n_scale"></select></label>
    </div>
    <div class="buttons">
      <button type="button" class="show"></button>
      <button type="button" class="clear">Clear the traces</button>
      <button type="button" class="reset">Reset</button>
    </div>
    <p class="help"></p>
  </div>
</div>
<span class="heard" role="status" aria-live="polite"></span>`;

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const rounded = (value, n = 4) => Math.round(value * 10 ** n) / 10 ** n;
const counted = (n) => n.toLocaleString("en-GB");

/** Paint values between 0 and 1, one row after the other; NaN lets the ground show. */
function paint(canvas, height, width, values) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(width, height);
  for (let p = 0; p < values.length; p++) {
    if (Number.isNaN(values[p])) continue;
    pixels.data.fill(Math.round(255 * values[p]), 4 * p, 4 * p + 3);
    pixels.data[4 * p + 3] = 255;
  }
  context.putImageData(pixels, 0, 0);
}

const shape = (kind, look) =>
  `<${kind} ${Object.entries(look).map(([name, value]) => `${name}="${value}"`).join(" ")}/>`;

function render({ model, el }) {
  el.innerHTML = `<div class="attn-fovea"><style>${css}</style>${body}</div>`;
  const root = el.querySelector(".attn-fovea");
  const find = (selector) => root.querySelector(selector);
  const [stage, canvas, marks] = [".stage", ".stage canvas", ".stage svg"].map(find);
  const [height, width] = ["height", "width"].map((name) => model.get(name));
  const view = model.get("image");
  const image = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  if (image.length !== height * width) throw new Error("the image is incomplete");
  const grey = Float64Array.from(image, (value) => value / 255);
  const questions = model.get("questions");
  const state = () => Object.fromEntries(NAMES.map((name) => [name, model.get(name)]));
  const start = state();

  // What never changes: shapes, choices, names, the whole picture below the traces.
  stage.style.aspectRatio = `${width} / ${height}`;
  marks.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const whole = document.createElement("canvas");
  paint(whole, height, width, grey);
  const ground = `linear-gradient(#fff9, #fff9), url(${whole.toDataURL()})`; // paler than it is
  const selects = ["size", "n_scale"].map((name) => {
    const choices = new Set([...(name === "size" ? SIZES : SCALES), start[name]]);
    const select = find(`select[name=${name}]`);
    for (const choice of [...choices].sort((a, b) => a - b)) select.add(new Option(choice, choice));
    select.addEventListener("change", () => set({ [name]: Number(select.value) }));
    return select;
  });
  const group = `attn-fovea-${Math.random().toString(36).slice(2)}`;
  const cards = questions.map((question, k) => {
    const card = document.createElement("label");
    card.className = "question";
    card.style.setProperty("--look", COLOURS[k]);
    card.innerHTML =
      `<input type="radio" name="${group}" value="${k}"><span class="trace" aria-hidden="true">` +
      `<svg viewBox="0 0 ${width} ${height}"></svg></span>` +
      `<span><span class="badge" aria-hidden="true">${k + 1}</span><span></span><small></small></span>`;
    card.querySelector("span > span:nth-child(2)").textContent = question;
    card.querySelector("input").addEventListener("change", () => {
      rest();
      set({ question: k, whole: false }); // who knows the picture does not search
    });
    find(".cards").append(card);
    return card;
  });
  if (!questions.length) for (const part of [".questions", ".clear"]) find(part).remove();
  const asked = questions.length ? " While a question is chosen, your way is recorded in its colour." : "";
  find(".help").textContent =
    "Move the pointer or a finger over the picture, or use the arrow keys, with Shift in steps of " +
    `16 pixels instead of 4; Home leads to the middle.${asked}`;

  // The way that was looked, for each question: [x, y, seconds of rest].
  let gaze = [];
  let sent = null; // the list that the model was last given
  let since = null; // when the last place was reached
  let later = null;
  const take = () => {
    if (model.get("gaze") === sent) return;
    gaze = questions.map((_, k) => (model.get("gaze")[k] ?? []).map((point) => [...point]));
    since = null;
    draw();
  };
  function give() {
    clearTimeout(later);
    later = null;
    sent = gaze.map((points) => points.map((point) => [...point]));
    model.set("gaze", sent);
    model.save_changes();
  }
  function clear() {
    since = null;
    gaze = questions.map(() => []);
    give();
  }
  /** The look at the last place is over. */
  function rest() {
    const last = gaze[model.get("question")]?.at(-1);
    if (since !== null && last) {
      const seconds = Math.min((performance.now() - since) / 1000, REST);
      last[2] = rounded(last[2] + seconds, 2);
      later ??= setTimeout(give, 500);
    }
    since = null;
  }
  function record(x, y) {
    const points = gaze[model.get("question")];
    if (!points || model.get("whole")) return;
    const again = since === null;
    rest();
    const last = points.at(-1);
    const far = last && Math.hypot(((x - last[0]) * width) / 2, ((y - last[1]) * height) / 2);
    if (!last || far > 1.5 || (again && far > 0)) points.push([x, y, 0]);
    since = performance.now();
    later ??= setTimeout(give, 500);
  }

  const inPixels = ([x, y]) => [((x + 1) / 2) * width, ((y + 1) / 2) * height];
  /** A way in its colour over a white edge, a disc where the eye rested, and its number. */
  function traced(k, thin) {
    const points = gaze[k].map(inPixels);
    if (!points.length) return "";
    const unit = Math.max(height, width) / 256;
    const line = { points: points.map((point) => point.map((n) => rounded(n, 1)).join()).join(" ") };
    line["stroke-linejoin"] = line["stroke-linecap"] = "round";
    line["vector-effect"] = "non-scaling-stroke";
    const discs = gaze[k].map(([, , seconds], i) => {
      const [cx, cy] = points[i].map((n) => rounded(n, 1));
      const r = rounded(unit * 4.5 * Math.sqrt(seconds), 1);
      return seconds < 0.25 ? "" : shape("circle", { cx, cy, r, fill: COLOURS[k], "fill-opacity": 0.55, stroke: "#fff", "vector-effect": "non-scaling-stroke" });
    });
    const [x, y] = points[0];
    const number = thin ? "" :
      `${shape("circle", { cx: x, cy: y, r: 7 * unit, fill: "#fff", stroke: COLOURS[k], "stroke-width": 2 * unit })}<text x="${x}" y="${y + 3.6 * unit}" ` +
      `fill="#1d2026" font-size="${10 * unit}" font-weight="600" text-anchor="middle">${k + 1}</text>`;
    return shape("polyline", { ...line, stroke: "#fff", "stroke-width": thin ? 2.5 : 4 }) +
      shape("polyline", { ...line, stroke: COLOURS[k], "stroke-width": thin ? 1.5 : 2.2 }) + discs.join("") + number;
  }

  function drawNow() {
    const now = state();
    const { x, y, size, n_scale, question } = now;
    const { patches, corner, seen } = compute({ image, height, width, ...now });
    paint(canvas, height, width, now.whole ? grey : seen);

    const outline = (k, stroke, thickness) => {
      const [[left, top], side] = [corner[k], size * 2 ** k];
      return shape("rect", { x: left, y: top, width: side, height: side, stroke, "stroke-width": thickness, "vector-effect": "non-scaling-stroke" });
    };
    const shown = now.whole ? [...corner.keys()] : [0];
    const boxes = shown.map((k) => outline(k, "#000", 3) + outline(k, "#fff", 1.2)).join("");
    const ways = now.whole ? questions.map((_, k) => traced(k)) : question < 0 ? [] : [traced(question)];
    marks.innerHTML = ways.join("") + boxes;

    const list = find(".patches");
    while (list.childElementCount > n_scale) list.lastChild.remove();
    while (list.childElementCount < n_scale) {
      list.append(document.createElement("li"));
      list.lastChild.append(document.createElement("canvas"), "");
      list.lastChild.firstChild.setAttribute("aria-hidden", "true");
    }
    [...list.children].forEach((item, k) => {
      paint(item.firstChild, size, size, patches.subarray(k * size * size, (k + 1) * size * size));
      item.lastChild.textContent = `of ${size * 2 ** k} px`;
    });
    list.style.setProperty("--n", n_scale);
    list.setAttribute("aria-label", `${n_scale} patches of ${size} by ${size}`);

    const [numbers, all] = [patches.length, height * width];
    const share = numbers < all / 2 ? `: one for every ${counted(Math.round(all / numbers))}` : "";
    find(".count").innerHTML =
      `${n_scale} · ${size}² = <b>${counted(numbers)} numbers</b> read for ${counted(all)} pixels${share}.`;
    selects.forEach((select, k) => (select.value = [size, n_scale][k]));
    find(".show").textContent = now.whole ? "Cover the picture" : "Show the whole picture";
    cards.forEach((card, k) => {
      card.querySelector("input").checked = k === question;
      card.querySelector("svg").innerHTML = traced(k, true);
      card.querySelector(".trace").style.backgroundImage = now.whole ? ground : "";
      const seconds = gaze[k].reduce((sum, point) => sum + point[2], 0);
      card.querySelector("small").textContent = gaze[k].length ? `looked for ${Math.round(seconds)} s` : "";
    });
    const [px, py] = inPixels([x, y]).map((n) => rounded(n, 1));
    const where = `x ${px}, y ${py} of ${width} by ${height} pixels`;
    stage.setAttribute(
      "aria-label",
      `${model.get("alt")}; ${now.whole ? "all of it" : "as the retina gives it"}, the fovea at ${where}; arrow keys move it`,
    );
    let sum = 0;
    for (const value of patches) sum += value;
    Object.assign(root.dataset, {
      x, y, size, nScale: n_scale, numbers, question, whole: now.whole,
      patchMean: sum / numbers, points: JSON.stringify(gaze.map((points) => points.length)),
    });
    clearTimeout(silence);
    silence = setTimeout(() => (find(".heard").textContent = `fovea at ${where}`), 500);
  }

  let silence = null;
  let frame = null;
  function draw() {
    frame ??= requestAnimationFrame(() => {
      frame = null;
      drawNow();
    });
  }

  function set(changes) {
    for (const [name, value] of Object.entries(changes)) model.set(name, value);
    model.save_changes();
  }
  function look(x, y) {
    const place = { x: rounded(clamp(x, -1, 1)), y: rounded(clamp(y, -1, 1)) };
    record(place.x, place.y);
    set(place);
  }

  function follow(event) {
    const frame = stage.getBoundingClientRect();
    const [x, y] = [(event.clientX - frame.left) / frame.width, (event.clientY - frame.top) / frame.height];
    look(2 * x - 1, 2 * y - 1);
  }
  stage.addEventListener("pointermove", follow);
  stage.addEventListener("pointerdown", (event) => {
    event.preventDefault(); // nothing to select
    stage.focus({ preventScroll: true });
    follow(event);
  });
  for (const end of ["pointerleave", "pointercancel", "blur"]) stage.addEventListener(end, rest);
  stage.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = event.shiftKey ? 16 : 4;
    const by = (dx, dy) => look(model.get("x") + (2 * dx) / width, model.get("y") + (2 * dy) / height);
    const keys = {
      ArrowLeft: () => by(-step, 0), ArrowRight: () => by(step, 0),
      ArrowUp: () => by(0, -step), ArrowDown: () => by(0, step),
      Home: () => look(0, 0),
    };
    if (!(event.key in keys)) return;
    event.preventDefault();
    event.stopPropagation(); // Jupyter and the page have keys of their own
    keys[event.key]();
  });
  find(".show").addEventListener("click", () => {
    rest();
    set({ whole: !model.get("whole") });
  });
  find(".clear")?.addEventListener("click", () => {
    clear();
    draw();
  });
  find(".reset").addEventListener("click", () => {
    clear();
    set(start);
    draw();
  });

  for (const name of NAMES) model.on(`change:${name}`, draw);
  model.on("change:gaze", take);
  take();
  drawNow();
  return () => {
    if (later) give();
    clearTimeout(silence);
    cancelAnimationFrame(frame);
    for (const name of NAMES) model.off(`change:${name}`, draw);
    model.off("change:gaze", take);
  };
}

export default { render };
