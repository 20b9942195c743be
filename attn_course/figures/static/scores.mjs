// A query among a few keys, and the weights that six score functions give them; query and keys can
// be dragged. What is computed here is held to attn_course/families/reference.py by a test.

const NAMES = ["dot", "scaled", "cosine", "general", "additive", "location"];
const LETTERS = "abcde";
const COLOURS = ["#d0660a", "#3d7fd6", "#a045a0", "#0c7a6c", "#8b8e94"];
const EDGE = 2.2; // the plane shows from -EDGE to EDGE
const LIVE = ["query", "key", "width", "scale", "key_strength"];
const FIXED = ["general", "concat", "v", "location"];

const dot = (one, other) => one.reduce((sum, value, k) => sum + value * other[k], 0);

function softmax(score) {
  const most = Math.max(...score);
  const bell = score.map((s) => Math.exp(s - most));
  const sum = bell.reduce((total, one) => total + one, 0);
  return bell.map((one) => one / sum);
}

function direction(vector) {
  const size = Math.max(...vector.map(Math.abs));
  if (size === 0) return vector;
  const even = vector.map((value) => value / size); // no square overflows on the way
  const length = Math.sqrt(dot(even, even));
  return even.map((value) => value / length);
}

/** Scores and weights of all keys under each function, of vectors that stand for `width` numbers. */
export function compute(state) {
  const { width, scale, key_strength: strength, general, concat, v, location } = state;
  const grow = scale * (width / 2) ** 0.25;
  const query = state.query.map((value) => grow * value);
  const key = state.key.map((one) => one.map((value) => grow * value));
  const turned = [0, 1].map((j) => query[0] * general[0][j] + query[1] * general[1][j]);
  const scores = {
    dot: key.map((one) => dot(query, one)),
    scaled: key.map((one) => dot(query, one) / Math.sqrt(width)),
    cosine: key.map((one) => strength * dot(direction(query), direction(one))),
    general: key.map((one) => dot(turned, one)),
    additive: key.map((one) => dot(v, concat.map((row) => Math.tanh(dot(row, [...query, ...one]))))),
    location: location.map((row) => dot(row, query)),
  };
  const weights = Object.fromEntries(NAMES.map((name) => [name, softmax(scores[name])]));
  return { scores, weights };
}

const css = `
.attn-scores { --accent: #d0660a;
  --ink: var(--pst-color-text-base, var(--jp-ui-font-color1, currentColor));
  --soft: var(--pst-color-text-muted, var(--jp-ui-font-color2, currentColor));
  --line: var(--pst-color-border, var(--jp-border-color1, #9ca4af));
  --track: color-mix(in srgb, var(--soft) 70%, transparent);
  container-type: inline-size; color: var(--ink); font-size: 0.875rem; line-height: 1.35;
  font-variant-numeric: tabular-nums; }
.attn-scores * { box-sizing: border-box; }
.attn-scores p { margin: 0.5rem 0 0; }
.attn-scores .sheet { display: grid; --high: 52px; gap: 0.7rem 1.6rem; grid-template-columns: minmax(0, 1fr); align-items: start; }
.attn-scores .plane { position: relative; width: 100%; max-width: 23rem; aspect-ratio: 1; border: 1px solid var(--line); border-radius: 4px; cursor: crosshair; touch-action: pan-y pinch-zoom; overflow: hidden; -webkit-user-select: none; user-select: none; }
.attn-scores .plane svg { position: absolute; inset: 0; width: 100%; height: 100%; pointer-events: none; }
.attn-scores .spot { position: absolute; width: 26px; height: 26px; margin: -13px 0 0 -13px; border: 3px solid var(--look); border-radius: 50%; background: #fff; color: #1d2026; font-weight: 600; line-height: 19px; text-align: center; cursor: grab; touch-action: none; }
.attn-scores .spot::before { content: ""; position: absolute; inset: -11px; border-radius: 50%; }
.attn-scores .spot.query { z-index: 1; background: #1d2026; color: #fff; border-color: #fff; box-shadow: 0 0 0 1.5px #1d2026; }
.attn-scores .spot.held { cursor: grabbing; }
.attn-scores .charts { display: grid; gap: 0.8rem 1.3rem; grid-template-columns: repeat(2, minmax(0, 1fr)); }
.attn-scores .name { display: block; font-weight: 600; }
.attn-scores .formula { display: block; color: var(--soft); font-style: italic; }
.attn-scores .formula :is(sup, sub) { line-height: 0; font-size: 0.7em; }
.attn-scores .bars { display: grid; grid-auto-flow: column; grid-auto-columns: minmax(0, 1fr); margin-top: 0.2rem; }
.attn-scores .bars > span { display: flex; flex-direction: column; justify-content: end; height: calc(var(--high) + 38px); text-align: center; }
.attn-scores .bars i { height: calc(var(--high) * var(--weight)); margin: 0 3px; background: var(--look); }
.attn-scores .bars b { font-weight: 400; font-size: 0.75rem; }
.attn-scores .bars .letter { border-top: 1px solid currentColor; }
.attn-scores .settings { display: grid; gap: 0.2rem; width: 100%; max-width: 23rem; }
.attn-scores .setting { display: grid; grid-template-columns: 6.6rem minmax(0, 1fr) 2.8rem; gap: 0.6rem; align-items: center; margin: 0; }
.attn-scores .setting output { text-align: right; }
.attn-scores input { width: 100%; min-width: 0; height: 26px; margin: 0; -webkit-appearance: none; appearance: none; background: none; cursor: pointer; }
.attn-scores ::-webkit-slider-runnable-track { height: 4px; border-radius: 2px; background: var(--track); }
.attn-scores ::-moz-range-track { height: 4px; border-radius: 2px; background: var(--track); }
.attn-scores ::-webkit-slider-thumb { -webkit-appearance: none; width: 16px; height: 16px; margin-top: -6px; border: 0; border-radius: 50%; background: var(--accent); }
.attn-scores ::-moz-range-thumb { width: 16px; height: 16px; border: 0; border-radius: 50%; background: var(--accent); }
.attn-scores button { justify-self: start; margin-top: 0.3rem; font: inherit; color: inherit; background: none; border: 1px solid var(--line); border-radius: 4px; cursor: pointer; min-height: 32px; padding: 0 0.8rem; }
.attn-scores button:hover { border-color: currentColor; }
.attn-scores :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.attn-scores .help { color: var(--soft); }
.attn-scores .heard { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@container (min-width: 620px) {
  .attn-scores .sheet { grid-template-columns: minmax(0, 1fr) minmax(0, 1.1fr); grid-template-rows: auto 1fr; }
  .attn-scores .right { grid-area: 1 / 2 / 3; }
}
@container (max-width: 619px) { /* all at once on a phone: what is dragged and what it does */
  .attn-scores .sheet { --high: 36px; }
  .attn-scores .plane { max-width: 14.5rem; justify-self: center; }
  .attn-scores .charts { gap: 0.4rem 1.3rem; }
}
@container (max-width: 330px) { .attn-scores .zero { display: none; } } /* .57 for 0.57 */
@media print { .attn-scores :is(.settings, .help) { display: none; } }
`;

const CHARTS = [
  ["dot", "q·k"],
  ["scaled dot", "q·k / √d"],
  ["cosine", "β cos(q, k)"],
  ["general", "q<sup>⊤</sup>W k"],
  ["additive", "v·tanh(W [q; k])"],
  ["location", "w<sub>k</sub>·q"],
];

const body = `
<div class="sheet">
  <div class="plane"><svg aria-hidden="true" viewBox="${-EDGE} ${-EDGE} ${2 * EDGE} ${2 * EDGE}" fill="none"></svg></div>
  <div class="right">
    <div class="charts">${CHARTS.map(([name, formula], k) =>
      `<div class="chart ${NAMES[k]}" role="img"><span class="name">${name}</span>` +
      `<span class="formula">${formula}</span><div class="bars"></div></div>`).join("")}
    </div>
    <p class="help">Drag the query q, or a key, or move the chosen one with the arrow keys, with Shift in larger steps.</p>
  </div>
  <div class="settings" role="group" aria-label="settings of the vectors">
    <label class="setting"><span>scale of all</span><input type="range" name="scale" min="-2" max="2" step="0.25"><output></output></label>
    <label class="setting"><span>width d</span><input type="range" name="width" min="1" max="9" step="1"><output></output></label>
    <label class="setting"><span>key strength β</span><input type="range" name="key_strength" min="0" max="20" step="0.5"><output></output></label>
    <button type="button" class="reset">Reset</button>
  </div>
</div>
<span class="heard" role="status" aria-live="polite"></span>`;

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const rounded = (value) => Math.round(value * 1000) / 1000;
const minus = (text) => text.replace("-", "−");
const percent = (value) => `${(100 * value).toFixed(3)}%`;

// How a slider's place and the number that it sets belong together.
const SLIDERS = {
  scale: [(place) => 2 ** place, Math.log2, (value) => `× ${Number(value.toFixed(2))}`],
  width: [(place) => 2 ** place, Math.log2, String],
  key_strength: [(place) => place, (value) => value, (value) => String(Number(value.toFixed(2)))],
};

function render({ model, el }) {
  el.innerHTML = `<div class="attn-scores"><style>${css}</style>${body}</div>`;
  const root = el.querySelector(".attn-scores");
  const find = (selector) => root.querySelector(selector);
  const plane = find(".plane");
  const state = () => Object.fromEntries([...LIVE, ...FIXED].map((name) => [name, model.get(name)]));
  const live = () => Object.fromEntries(LIVE.map((name) => [name, model.get(name)]));
  const start = live();
  const n = start.key.length;
  const { v, concat, location } = state();
  if (location.length !== n || concat.length !== v.length || n > LETTERS.length) {
    throw new Error("the keys and the weights do not fit");
  }

  // What never changes: a handle for the query and for each key, and bars without their heights.
  const spots = [...Array(n + 1).keys()].map((k) => {
    const spot = document.createElement("div");
    spot.className = k < n ? "spot" : "spot query";
    spot.textContent = k < n ? LETTERS[k] : "q";
    spot.tabIndex = 0;
    spot.setAttribute("role", "application");
    spot.setAttribute("aria-roledescription", "movable point");
    spot.style.setProperty("--look", COLOURS[k] ?? "#1d2026");
    return spot;
  });
  plane.append(spots[n], ...spots.slice(0, n)); // the query is reached first
  const bars = NAMES.map((name) => {
    const box = find(`.${name} .bars`);
    for (let k = 0; k < n; k++) {
      const bar = document.createElement("span");
      bar.style.setProperty("--look", COLOURS[k]);
      bar.innerHTML = `<b><span class="zero">0</span><span></span></b><i></i><span class="letter">${LETTERS[k]}</span>`;
      box.append(bar);
    }
    return [...box.children];
  });
  const charts = NAMES.map((name) => find(`.chart.${name}`));
  plane.setAttribute("role", "group");
  plane.setAttribute("aria-label", model.get("alt"));

  let silence = null;
  function drawNow() {
    const now = state();
    const { weights, scores } = compute(now);
    const points = [...now.key, now.query];
    let lines = `<path d="M${-EDGE} 0H${EDGE}M0 ${-EDGE}V${EDGE}" stroke="var(--line)" stroke-width="0.015"/>`;
    points.forEach(([x, y], k) => {
      const [colour, thick] = k < n ? [COLOURS[k], 0.035] : ["var(--ink)", 0.06];
      lines += `<path d="M0 0L${x} ${-y}" stroke="${colour}" stroke-width="${thick}"/>`;
      Object.assign(spots[k].style, { left: percent((x + EDGE) / (2 * EDGE)), top: percent((EDGE - y) / (2 * EDGE)) });
      const name = k < n ? `key ${LETTERS[k]}` : "query";
      const where = `x ${minus(x.toFixed(2))}, y ${minus(y.toFixed(2))}`;
      spots[k].setAttribute("aria-label", `${name} at ${where}; arrow keys move it`);
    });
    find(".plane svg").innerHTML = lines;
    NAMES.forEach((name, c) => {
      const weight = weights[name];
      bars[c].forEach((bar, k) => {
        bar.style.setProperty("--weight", weight[k]);
        const [whole, rest] = weight[k].toFixed(2).split(".");
        const [zero, digits] = bar.querySelectorAll("b span");
        zero.textContent = whole === "0" ? "0" : "";
        digits.textContent = (whole === "0" ? "." : `${whole}.`) + rest;
      });
      const said = weight.map((w, k) => `${LETTERS[k]} ${w.toFixed(2)}`).join(", ");
      charts[c].setAttribute("aria-label", `weights under ${CHARTS[c][0]}: ${said}`);
    });
    for (const [name, [, place, words]] of Object.entries(SLIDERS)) {
      const slider = find(`input[name=${name}]`);
      slider.value = place(now[name]);
      slider.setAttribute("aria-valuetext", words(now[name]));
      slider.nextElementSibling.textContent = words(now[name]);
    }
    Object.assign(root.dataset, {
      state: JSON.stringify(live()), scores: JSON.stringify(scores), weights: JSON.stringify(weights),
    });
    clearTimeout(silence); // while something is dragged not every place is spoken
    silence = setTimeout(() => {
      find(".heard").textContent = NAMES.map((name, c) => {
        const most = weights[name].indexOf(Math.max(...weights[name]));
        return `${CHARTS[c][0]}: ${LETTERS[most]} ${weights[name][most].toFixed(2)}`;
      }).join("; ");
    }, 600);
  }

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
  function place(k, [x, y]) {
    const point = [x, y].map((value) => rounded(clamp(value, -EDGE, EDGE)));
    if (k === n) return set({ query: point });
    set({ key: model.get("key").map((one, other) => (other === k ? point : one)) });
  }

  let drag = null; // which point, and how far from its middle it is held
  function pointed(event) {
    const box = plane.getBoundingClientRect();
    return [
      ((event.clientX - box.left) / box.width) * 2 * EDGE - EDGE,
      EDGE - ((event.clientY - box.top) / box.height) * 2 * EDGE,
    ];
  }
  plane.addEventListener("pointerdown", (event) => {
    const held = event.target.closest(".spot");
    // Beside the points a finger scrolls the page; what it taps is a click.
    if (event.button !== 0 || (!held && event.pointerType === "touch")) return;
    event.preventDefault();
    const k = held ? spots.indexOf(held) : n;
    spots[k].focus({ preventScroll: true });
    plane.setPointerCapture(event.pointerId);
    const at = pointed(event);
    const from = k < n ? model.get("key")[k] : model.get("query");
    drag = { k, off: held ? from.map((value, c) => value - at[c]) : [0, 0] };
    spots[k].classList.add("held");
    if (!held) place(k, at);
  });
  plane.addEventListener("pointermove", (event) => {
    if (drag) place(drag.k, pointed(event).map((value, c) => value + drag.off[c]));
  });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
    plane.addEventListener(end, () => {
      if (drag) spots[drag.k].classList.remove("held");
      drag = null;
    });
  }
  plane.addEventListener("click", (event) => {
    if (event.pointerType === "touch" && !event.target.closest(".spot")) place(n, pointed(event));
  });
  spots.forEach((spot, k) => {
    spot.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const step = event.shiftKey ? 0.5 : 0.05;
      const [x, y] = k < n ? model.get("key")[k] : model.get("query");
      const keys = {
        ArrowLeft: [x - step, y], ArrowRight: [x + step, y], ArrowUp: [x, y + step], ArrowDown: [x, y - step],
      };
      if (!(event.key in keys)) return;
      event.preventDefault();
      event.stopPropagation(); // Jupyter and the page have keys of their own
      place(k, keys[event.key]);
    });
  });
  for (const [name, [number]] of Object.entries(SLIDERS)) {
    const slider = find(`input[name=${name}]`);
    slider.addEventListener("input", () => set({ [name]: number(Number(slider.value)) }));
  }
  find(".reset").addEventListener("click", () => set(start));

  for (const name of LIVE) model.on(`change:${name}`, draw);
  drawNow();
  return () => {
    clearTimeout(silence);
    cancelAnimationFrame(frame);
    for (const name of LIVE) model.off(`change:${name}`, draw);
  };
}

export default { render };
