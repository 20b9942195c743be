// A Gaussian glimpse that the reader drags and resizes over a photograph. What is computed here
// is held to attn_course/gaussian/reference.py by a test.

const STD = [0.05, 16]; // pixels
const NAMES = ["mean_x", "mean_y", "std", "stride", "rule"];

/** Filters along one axis, a row of nPixel for each of nFilter, one row after the other. */
export function filterbank(mean, std, stride, nFilter, nPixel, rule) {
  const bank = new Float64Array(nFilter * nPixel);
  for (let i = 0; i < nFilter; i++) {
    const centre = mean + i * stride;
    let nearest = 0;
    if (rule === "exact") {
      nearest = Math.abs(Math.min(Math.max(Math.round(centre), 0), nPixel - 1) - centre);
    }
    let sum = rule === "source" ? 1e-8 : 0;
    for (let p = 0; p < nPixel; p++) {
      const distance = Math.abs(p - centre);
      const bell = Math.exp((((-(distance - nearest) / std) * (distance + nearest)) / std) / 2);
      bank[i * nPixel + p] = bell;
      sum += bell;
    }
    for (let p = 0; p < nPixel; p++) bank[i * nPixel + p] /= sum;
  }
  return bank;
}

/** Product of two matrices, both row after row; `a` and `b` say which of them is transposed. */
function product(left, right, rows, inner, columns, transposed = {}) {
  const result = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let k = 0; k < inner; k++) {
      const value = transposed.left ? left[k * rows + i] : left[i * inner + k];
      if (value === 0) continue;
      for (let j = 0; j < columns; j++) {
        const other = transposed.right ? right[j * inner + k] : right[k * columns + j];
        result[i * columns + j] += value * other;
      }
    }
  }
  return result;
}

/** Everything the figure shows, from its state: image in grey bytes, lengths in pixels. */
export function compute({ image, height, width, n_filter, mean_x, mean_y, std, stride, rule }) {
  const filterX = filterbank(mean_x, std, stride, n_filter, width, rule);
  const filterY = filterbank(mean_y, std, stride, n_filter, height, rule);
  const grey = new Float64Array(image.length);
  for (let p = 0; p < image.length; p++) grey[p] = image[p] / 255;
  const rows = product(filterY, grey, n_filter, height, width);
  const glimpse = product(rows, filterX, n_filter, width, n_filter, { right: true });
  const spread = product(glimpse, filterX, n_filter, n_filter, width);
  const written = product(filterY, spread, height, n_filter, width, { left: true });
  let rowSum = Infinity;
  for (const [bank, nPixel] of [[filterX, width], [filterY, height]]) {
    for (let i = 0; i < n_filter; i++) {
      let sum = 0;
      for (let p = 0; p < nPixel; p++) sum += bank[i * nPixel + p];
      rowSum = Math.min(rowSum, sum);
    }
  }
  return { filterX, filterY, glimpse, written, rowSum };
}

const css = `
.attn-glimpse {
  --accent: #d0660a; --margin: 12px; --bank: 46px; --bell: 38px;
  --ink: var(--pst-color-text-base, var(--jp-ui-font-color1, currentColor));
  --soft: var(--pst-color-text-muted, var(--jp-ui-font-color2, currentColor));
  --line: var(--pst-color-border, var(--jp-border-color1, #9ca4af));
  --edge: color-mix(in srgb, var(--line) 55%, transparent);
  --track: color-mix(in srgb, var(--soft) 70%, transparent);
  container-type: inline-size; color: var(--ink); font-size: 0.875rem; line-height: 1.35;
  font-variant-numeric: tabular-nums; -webkit-user-select: none; user-select: none;
}
.attn-glimpse * { box-sizing: border-box; }
.attn-glimpse canvas { display: block; width: 100%; height: 100%; border-radius: 2px; }
.attn-glimpse .sharp { image-rendering: pixelated; }
.attn-glimpse :is(.bank-x, .bank-y, .read, .write) canvas { outline: 1px solid var(--edge); outline-offset: -1px; }
.attn-glimpse .panels { display: grid; gap: 0.9rem 1.6rem; grid-template-columns: minmax(0, 1fr); }
.attn-glimpse .stage {
  display: grid; grid-template-columns: var(--bank) var(--bell) minmax(0, 1fr);
  grid-template-rows: var(--bank) var(--bell) auto;
}
.attn-glimpse .bank-x { grid-area: 1 / 3; padding: 0 var(--margin); }
.attn-glimpse .bell-x { grid-area: 2 / 3; padding: 3px var(--margin) 0; margin-bottom: calc(2px - var(--margin)); }
.attn-glimpse .bank-y { grid-area: 3 / 1; position: relative; }
.attn-glimpse .bell-y { grid-area: 3 / 2; position: relative; margin-right: calc(2px - var(--margin)); }
/* Out of the flow, or their own shapes would stretch the row, whose height is the photograph's. */
.attn-glimpse .bank-y canvas, .attn-glimpse .stage .bell-y svg {
  position: absolute; top: var(--margin); height: calc(100% - 2 * var(--margin));
}
.attn-glimpse .stage .bell-y svg { left: 3px; width: calc(100% - 3px); }
.attn-glimpse .name { color: var(--soft); font-style: italic; }
.attn-glimpse .name-x { grid-area: 1 / 2; text-align: right; padding-right: 0; align-self: center; margin-right: -0.25rem; }
.attn-glimpse .name-y { grid-area: 2 / 1; text-align: center; align-self: end; margin-bottom: -0.4rem; }
.attn-glimpse .stage svg { display: block; width: 100%; height: 100%; overflow: hidden; }
.attn-glimpse .bell-x svg, .attn-glimpse .bell-y svg { fill: var(--accent); fill-opacity: 0.13; stroke: var(--accent); }
.attn-glimpse .photo { grid-area: 3 / 3; position: relative; padding: var(--margin); overflow: hidden; }
.attn-glimpse .picture { position: relative; cursor: crosshair; touch-action: pan-y pinch-zoom; }
.attn-glimpse .shade { position: absolute; inset: 0; overflow: hidden; pointer-events: none; border-radius: 2px; }
.attn-glimpse .shade i { position: absolute; box-shadow: 0 0 0 200vmax rgb(10 12 16 / 0.26); }
.attn-glimpse .shade i, .attn-glimpse .window {
  left: var(--left); top: var(--top); width: var(--across); height: var(--down);
}
.attn-glimpse .window {
  position: absolute; cursor: move; touch-action: none; border-radius: 1px;
  box-shadow: 0 0 0 1.5px #fff, 0 0 0 2.5px rgb(0 0 0 / 0.6), inset 0 0 0 1px rgb(0 0 0 / 0.35);
}
.attn-glimpse .window::before { content: ""; position: absolute; inset: -8px; }
.attn-glimpse .window:focus { outline: none; }
.attn-glimpse .window:focus-visible { outline: 3px solid #ffb15c; outline-offset: 2px; box-shadow: 0 0 0 1.5px #fff, 0 0 0 6px rgb(0 0 0 / 0.7); }
.attn-glimpse .window svg { position: absolute; inset: 0; width: 100%; height: 100%; overflow: visible; pointer-events: none; }
.attn-glimpse .handle {
  position: absolute; right: calc(var(--beyond-x) - 8px); bottom: calc(var(--beyond-y) - 8px); width: 16px; height: 16px; border-radius: 50%;
  background: #fff; border: 4px solid var(--accent); box-shadow: 0 0 0 1px rgb(0 0 0 / 0.45);
  cursor: nwse-resize; touch-action: none;
}
.attn-glimpse .handle::before { content: ""; position: absolute; inset: -12px; border-radius: 50%; }
.attn-glimpse .results { display: grid; gap: 0.9rem; grid-template-columns: minmax(0, 3fr) minmax(0, 4fr); align-items: start; }
.attn-glimpse .label { display: block; color: var(--soft); margin: 0 0 0.3rem; }
.attn-glimpse .label i { color: var(--ink); }
.attn-glimpse .settings { display: grid; gap: 0.45rem 1.4rem; grid-template-columns: minmax(0, 1fr); margin: 0; }
.attn-glimpse .setting { display: grid; grid-template-columns: 3.2rem minmax(0, 1fr) 4.2rem; gap: 0.6rem; align-items: center; margin: 0; }
.attn-glimpse .setting output { text-align: right; }
.attn-glimpse input[type="range"] { width: 100%; min-width: 0; height: 24px; margin: 0; -webkit-appearance: none; appearance: none; background: none; cursor: pointer; }
.attn-glimpse ::-webkit-slider-runnable-track { height: 4px; border-radius: 2px; background: var(--track); }
.attn-glimpse ::-moz-range-track { height: 4px; border-radius: 2px; background: var(--track); }
.attn-glimpse ::-webkit-slider-thumb { -webkit-appearance: none; width: 16px; height: 16px; margin-top: -6px; border: 0; border-radius: 50%; background: var(--accent); }
.attn-glimpse ::-moz-range-thumb { width: 16px; height: 16px; border: 0; border-radius: 50%; background: var(--accent); }
.attn-glimpse .rules { display: flex; flex-wrap: wrap; gap: 0.1rem 1.1rem; align-items: center; }
.attn-glimpse .rules > label, .attn-glimpse .rules > span { display: inline-flex; gap: 0.4rem; align-items: center; min-height: 26px; margin: 0; cursor: pointer; }
.attn-glimpse .rules > span { width: 3.2rem; margin-right: -0.5rem; cursor: default; }
.attn-glimpse input[type="radio"] { accent-color: var(--accent); margin: 0; width: 15px; height: 15px; }
.attn-glimpse .reset {
  margin-left: auto; font: inherit; color: var(--soft); min-height: 26px; padding: 0 0.6rem;
  background: none; border: 1px solid var(--line); border-radius: 4px; cursor: pointer;
}
.attn-glimpse .reset:hover { color: var(--ink); border-color: currentColor; }
.attn-glimpse :is(input, button):focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.attn-glimpse .read-out { display: flex; flex-wrap: wrap; gap: 0 1.4rem; margin: 0.2rem 0 0; color: var(--soft); }
.attn-glimpse .read-out b { font-weight: 600; color: var(--ink); }
.attn-glimpse .heard { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (prefers-reduced-motion: no-preference) { .attn-glimpse .handle { transition: transform 120ms; } .attn-glimpse .handle:hover { transform: scale(1.2); } }
@container (min-width: 600px) {
  .attn-glimpse .panels { grid-template-columns: minmax(0, 9fr) minmax(0, 4.6fr); grid-template-rows: auto 1fr; }
  .attn-glimpse .results { grid-area: 1 / 2 / 3; grid-template-columns: minmax(0, 1fr); }
  .attn-glimpse .settings { padding-left: calc(var(--bank) + var(--bell) + var(--margin)); padding-right: var(--margin); }
}
@container (max-width: 420px) { .attn-glimpse .panels { --bank: 28px; --bell: 26px; --margin: 10px; } }
@media print { .attn-glimpse .settings { display: none; } }
`;

const body = `
<div class="panels">
  <div class="stage">
    <span class="name name-x" aria-hidden="true">A<sub>x</sub></span>
    <span class="name name-y" aria-hidden="true">A<sub>y</sub></span>
    <div class="bank-x"><canvas role="img"></canvas></div>
    <div class="bell-x" aria-hidden="true"><svg preserveAspectRatio="none"></svg></div>
    <div class="bank-y"><canvas role="img"></canvas></div>
    <div class="bell-y" aria-hidden="true"><svg preserveAspectRatio="none"></svg></div>
    <div class="photo"><div class="picture">
      <canvas class="image" role="img"></canvas>
      <div class="shade"><i></i></div>
      <div class="window" tabindex="0" role="application" aria-roledescription="movable window">
        <svg aria-hidden="true" fill="none" stroke-linecap="round">
          <path stroke="#000" stroke-opacity="0.6" /><path stroke="#fff" />
          <circle stroke="#000" stroke-opacity="0.6" stroke-width="3.5" />
          <circle stroke="#ffa94d" stroke-width="2" />
        </svg>
        <span class="handle"></span>
      </div>
    </div></div>
  </div>
  <div class="settings" role="group" aria-label="settings of the window">
    <label class="setting"><span>std</span><input type="range" name="std" step="0.01"><output></output></label>
    <label class="setting"><span>stride</span><input type="range" name="stride" step="0.01"><output></output></label>
    <div class="rules" role="radiogroup" aria-label="rule of the rows">
      <span>rows</span>
      <label><input type="radio" value="exact">exact</label>
      <label><input type="radio" value="source">source</label>
      <button type="button" class="reset">reset</button>
    </div>
    <p class="read-out"></p>
    <span class="heard" role="status" aria-live="polite"></span>
  </div>
  <div class="results">
    <div class="read"><span class="label">glimpse <i>A<sub>y</sub> I A<sub>x</sub><sup>⊤</sup></i></span>
      <canvas class="sharp" role="img"></canvas></div>
    <div class="write"><span class="label">written back <i>A<sub>y</sub><sup>⊤</sup> g A<sub>x</sub></i></span>
      <canvas role="img"></canvas></div>
  </div>
</div>`;

// Black through amber to cream, 256 steps.
const HEAT = Array.from({ length: 256 }, (_, k) => {
  const stops = [[20, 24, 30], [208, 102, 10], [255, 238, 208]];
  const at = Math.min((k / 255) * 2, 1.999);
  const [low, high] = [stops[Math.floor(at)], stops[Math.floor(at) + 1]];
  return low.map((value, c) => value + (at % 1) * (high[c] - value));
});

/** Paint values between 0 and 1 into a canvas, `value(row, column)` for each pixel. */
function paint(canvas, height, width, value, colours = null) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(width, height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const level = Math.round(255 * Math.min(Math.max(value(y, x), 0), 1));
      const colour = colours?.[level];
      const at = 4 * (y * width + x);
      for (let c = 0; c < 3; c++) pixels.data[at + c] = colour ? colour[c] : level;
      pixels.data[at + 3] = 255;
    }
  }
  context.putImageData(pixels, 0, 0);
}

/** Outlines of all rows of a filter bank: pixels across, height in units of an ideal bell's peak. */
function bells(bank, nFilter, nPixel, peak, point) {
  return Array.from({ length: nFilter }, (_, i) => {
    let path = "";
    for (let p = 0; p < nPixel; p++) {
      const level = Math.min((0.92 * bank[i * nPixel + p]) / peak, 1);
      if (level < 0.002) continue;
      if (!path) path = `M${point(Math.max(p - 1, -0.5), 0)}`;
      path += `L${point(p, level)}`;
      if (p === nPixel - 1 || bank[i * nPixel + p + 1] * 0.92 < 0.002 * peak) {
        path += `L${point(Math.min(p + 1, nPixel - 0.5), 0)}`;
      }
    }
    return path;
  });
}

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const rounded = (value) => Math.round(value * 100) / 100;

function render({ model, el }) {
  el.innerHTML = `<div class="attn-glimpse"><style>${css}</style>${body}</div>`;
  const find = (selector) => el.querySelector(`.attn-glimpse ${selector}`);
  const root = el.querySelector(".attn-glimpse");
  const [height, width, n] = ["height", "width", "n_filter"].map((name) => model.get(name));
  const view = model.get("image");
  const image = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  if (image.length !== height * width) throw new Error("the image is incomplete");
  const state = () => Object.fromEntries(NAMES.map((name) => [name, model.get(name)]));
  const start = state();
  const coarsest = Math.max(height, width) / n;

  // What never changes: the photograph, the dots of the grid, names.
  const [picture, box, handle] = [".picture", ".window", ".handle"].map(find);
  paint(find(".image"), height, width, (y, x) => image[y * width + x] / 255);
  find(".image").setAttribute("aria-label", model.get("alt"));
  picture.style.aspectRatio = `${width} / ${height}`;
  find(".write canvas").style.aspectRatio = `${width} / ${height}`;
  find(".read canvas").style.aspectRatio = "1";
  const grid = find(".window svg");
  grid.setAttribute("viewBox", `0 0 ${n} ${n}`);
  const indices = Array.from({ length: n * n }, (_, k) => [k % n, Math.floor(k / n)]);
  const dots = indices.map(([i, j]) => `M${i + 0.5} ${j + 0.5}h0`).join("");
  for (const path of grid.querySelectorAll("path")) path.setAttribute("d", dots);
  for (const circle of grid.querySelectorAll("circle")) {
    circle.setAttribute("cx", 0.5);
    circle.setAttribute("cy", 0.5);
  }
  for (const shape of grid.children) shape.setAttribute("vector-effect", "non-scaling-stroke");
  find(".bell-x svg").setAttribute("viewBox", `-0.5 0 ${width} 1`);
  find(".bell-y svg").setAttribute("viewBox", `0 -0.5 1 ${height}`);
  for (const axis of [".bell-x svg", ".bell-y svg"].map(find)) {
    axis.innerHTML = `<path vector-effect="non-scaling-stroke"/>`.repeat(n);
    axis.firstChild.setAttribute("stroke-width", "2.5");
  }
  box.setAttribute(
    "aria-label",
    `window of ${n} by ${n} Gaussians; arrow keys move it, with shift by 8 pixels, plus and minus ` +
      "change the stride, square brackets the standard deviation",
  );
  const group = `attn-rule-${Math.random().toString(36).slice(2)}`;
  const radios = [...el.querySelectorAll("input[type=radio]")];
  for (const radio of radios) radio.name = group;
  const [stdSlider, strideSlider] = ["std", "stride"].map((name) => find(`input[name=${name}]`));
  [stdSlider.min, stdSlider.max] = STD.map((value) => Math.log2(value).toFixed(2));
  [strideSlider.min, strideSlider.max] = [0.2, coarsest.toFixed(2)];

  function drawNow() {
    const now = state();
    const { mean_x, mean_y, std, stride, rule } = now;
    const { filterX, filterY, glimpse, written, rowSum } = compute({
      image, height, width, n_filter: n, ...now,
    });
    const place = {
      left: (mean_x - stride / 2 + 0.5) / width, top: (mean_y - stride / 2 + 0.5) / height,
      across: (n * stride) / width, down: (n * stride) / height,
    };
    for (const [name, share] of Object.entries(place)) {
      picture.style.setProperty(`--${name}`, `${100 * share}%`);
    }
    // The handle stands on the photograph, where the corner may not.
    const beyond = { x: [place.left, place.across], y: [place.top, place.down] };
    for (const [axis, [first, share]] of Object.entries(beyond)) {
      const part = Math.max(0, first + share - 1) / share;
      handle.style.setProperty(`--beyond-${axis}`, `${100 * part}%`);
    }
    const cell = (stride * picture.clientWidth) / width; // pixels of the screen
    const dot = clamp(0.22 * cell, 0.6, 3);
    grid.children[0].setAttribute("stroke-width", dot + clamp(0.1 * cell, 0.3, 1.2));
    grid.children[1].setAttribute("stroke-width", dot);
    for (const circle of grid.querySelectorAll("circle")) circle.setAttribute("r", std / stride);

    const peak = Math.min(1, 1 / (Math.sqrt(2 * Math.PI) * std));
    const upright = bells(filterX, n, width, peak, (p, level) => `${p} ${1 - level}`);
    const lying = bells(filterY, n, height, peak, (p, level) => `${1 - level} ${p}`);
    find(".bell-x svg").childNodes.forEach((path, i) => path.setAttribute("d", upright[i]));
    find(".bell-y svg").childNodes.forEach((path, i) => path.setAttribute("d", lying[i]));
    paint(find(".bank-x canvas"), n, width, (i, p) => filterX[i * width + p] / peak, HEAT);
    paint(find(".bank-y canvas"), height, n, (p, i) => filterY[i * height + p] / peak, HEAT);
    paint(find(".read canvas"), n, n, (i, j) => glimpse[i * n + j]);
    // A sum of bells that overlap is bright, one of bells far apart dark: undo that, on both axes.
    let overlap = 0;
    for (let k = 1 - n; k < n; k++) overlap += peak * Math.exp(-((k * stride) ** 2) / std ** 2 / 2);
    const gain = 1 / overlap ** 2;
    paint(find(".write canvas"), height, width, (y, x) => gain * written[y * width + x]);

    const mean = glimpse.reduce((sum, value) => sum + value, 0) / glimpse.length;
    const [x, y, s, d] = [mean_x, mean_y, std, stride].map((value) => value.toFixed(2));
    find(".read-out").innerHTML =
      `<span>first mean <b>(${x}, ${y})</b> px</span> ` +
      `<span>smallest row sum <b>${rowSum.toFixed(3)}</b></span>`;
    stdSlider.value = Math.log2(std);
    strideSlider.value = stride;
    [[stdSlider, s], [strideSlider, d]].forEach(([slider, text]) => {
      slider.nextElementSibling.textContent = `${text} px`;
      slider.setAttribute("aria-valuetext", `${text} pixels`);
    });
    for (const radio of radios) radio.checked = radio.value === rule;
    find(".bank-x canvas").setAttribute("aria-label", `filters along x, ${n} rows of ${width}`);
    find(".bank-y canvas").setAttribute("aria-label", `filters along y, ${n} rows of ${height}, upright`);
    find(".read canvas").setAttribute("aria-label", `glimpse, ${n} by ${n}, mean grey ${mean.toFixed(2)}`);
    find(".write canvas").setAttribute("aria-label", `the glimpse written back, ${height} by ${width}`);
    Object.assign(root.dataset, {
      meanX: mean_x, meanY: mean_y, std, stride, rule, rowSum, glimpseMean: mean,
    });
    clearTimeout(silence);
    silence = setTimeout(() => {
      find(".heard").textContent = `first mean x ${x}, y ${y}, std ${s}, stride ${d} pixels, rule ${rule}`;
    }, 500);
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

  // The middle of the grid stays on the photograph: half of the window may look off it.
  function move(x, y) {
    const half = (model.get("stride") * (n - 1)) / 2;
    set({
      mean_x: rounded(clamp(x + half, 0, width - 1) - half),
      mean_y: rounded(clamp(y + half, 0, height - 1) - half),
    });
  }
  const resize = (stride) => set({ stride: rounded(clamp(stride, 0.2, coarsest)) });
  const blur = (std) => set({ std: rounded(clamp(std, ...STD)) });
  const moveBy = (dx, dy) => move(model.get("mean_x") + dx, model.get("mean_y") + dy);

  // Pixels of the photograph for pixels of the screen.
  const scale = () => width / picture.getBoundingClientRect().width;
  function jump(event) {
    const corner = picture.getBoundingClientRect();
    const half = (model.get("stride") * (n - 1)) / 2;
    move(
      (event.clientX - corner.left) * scale() - 0.5 - half,
      (event.clientY - corner.top) * scale() - 0.5 - half,
    );
  }

  let drag = null;
  picture.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const outside = !box.contains(event.target);
    if (outside && event.pointerType === "touch") return; // a finger scrolls the page, or taps
    if (outside) jump(event);
    event.preventDefault();
    box.focus({ preventScroll: true });
    picture.setPointerCapture(event.pointerId);
    drag = { ...state(), corner: event.target === handle, x: event.clientX, y: event.clientY };
  });
  picture.addEventListener("pointermove", (event) => {
    if (drag === null) return;
    const [dx, dy] = [(event.clientX - drag.x) * scale(), (event.clientY - drag.y) * scale()];
    if (drag.corner) resize(drag.stride + (dx + dy) / 2 / (n - 0.5));
    else move(drag.mean_x + dx, drag.mean_y + dy);
  });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
    picture.addEventListener(end, () => (drag = null));
  }
  picture.addEventListener("click", (event) => {
    if (event.pointerType === "touch" && !box.contains(event.target)) jump(event);
  });

  box.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = event.shiftKey ? 8 : 1;
    const { std, stride } = state();
    const keys = {
      ArrowLeft: () => moveBy(-step, 0), ArrowRight: () => moveBy(step, 0),
      ArrowUp: () => moveBy(0, -step), ArrowDown: () => moveBy(0, step),
      "+": () => resize(stride + 0.25), "=": () => resize(stride + 0.25),
      "-": () => resize(stride - 0.25),
      "]": () => blur(std * 1.1), "[": () => blur(std / 1.1),
    };
    if (!(event.key in keys)) return;
    event.preventDefault();
    event.stopPropagation(); // Jupyter and the page have keys of their own
    keys[event.key]();
  });
  stdSlider.addEventListener("input", () => blur(2 ** Number(stdSlider.value)));
  // The slider is fine for the mouse; with the arrow keys that would be a long way.
  stdSlider.addEventListener("keydown", (event) => {
    const steps = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 5, PageDown: -5 };
    const by = steps[event.key];
    if (!by || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const { std } = state();
    const most = by > 0 ? Math.max : Math.min;
    blur(most(std * 1.05 ** by, std + by / 100));
  });
  strideSlider.addEventListener("input", () => resize(Number(strideSlider.value)));
  for (const radio of radios) radio.addEventListener("change", () => set({ rule: radio.value }));
  find(".reset").addEventListener("click", () => set(start));

  for (const name of NAMES) model.on(`change:${name}`, draw);
  const size = new ResizeObserver(draw);
  size.observe(picture);
  drawNow();
  return () => {
    size.disconnect();
    clearTimeout(silence);
    cancelAnimationFrame(frame);
    for (const name of NAMES) model.off(`change:${name}`, draw);
  };
}

export default { render };
