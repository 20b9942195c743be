// An affine grid that the reader drags over a photograph, and what is read at its points. What is
// computed here is held to attn_course/spatial_transformer/reference.py by a test.

const NAMES = ["raw", "align_corners", "padding", "row", "column"];

// Along an axis of n pixels: how many are one unit, where a coordinate lies, and that of pixel i.
const unit = (n, aligned) => (aligned ? n - 1 : n) / 2;
const position = (u, n, aligned) => (n - 1) / 2 + u * unit(n, aligned);
const coordinate = (i, n, aligned) => (i - (n - 1) / 2) / Math.max(unit(n, aligned), 0.5);

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/** Pixel [x, y] of the image to which the map takes a point (u, v) of the output. */
function landing({ raw, height, width, align_corners }, u, v) {
  return [
    position(raw[0] * u + raw[1] * v + raw[2], width, align_corners),
    position(raw[3] * u + raw[4] * v + raw[5], height, align_corners),
  ];
}

/** The four pixels around a position, row by row, with their weights; outside there are none. */
function around({ image, height, width }, x, y) {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  return [0, 1, 2, 3].map((k) => {
    const [row, column] = [top + (k >> 1), left + (k & 1)];
    const inside = row >= 0 && row < height && column >= 0 && column < width;
    const weight = inside ? (1 - Math.abs(x - column)) * (1 - Math.abs(y - row)) : 0;
    return { row, column, inside, weight, value: inside ? image[row * width + column] / 255 : 0 };
  });
}

/** Everything the figure shows, from its state: points and sample row by row, and one of them. */
export function compute(state) {
  const { height, width, rows, columns, align_corners, padding, row, column } = state;
  const points = [];
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const [u, v] = [coordinate(j, columns, align_corners), coordinate(i, rows, align_corners)];
      const [x, y] = landing(state, u, v);
      points.push(padding === "border" ? [clamp(x, 0, width - 1), clamp(y, 0, height - 1)] : [x, y]);
    }
  }
  const sum = (pixels) => pixels.reduce((total, { weight, value }) => total + weight * value, 0);
  const sample = points.map(([x, y]) => sum(around(state, x, y)));
  const chosen = row * columns + column;
  return { points, sample, chosen, pixels: around(state, ...points[chosen]) };
}

const css = `
.attn-sampler {
  --accent: #d0660a;
  --ink: var(--pst-color-text-base, var(--jp-ui-font-color1, currentColor));
  --soft: var(--pst-color-text-muted, var(--jp-ui-font-color2, currentColor));
  --line: var(--pst-color-border, var(--jp-border-color1, #9ca4af));
  container-type: inline-size; color: var(--ink); font-size: 0.875rem; line-height: 1.35;
  font-variant-numeric: tabular-nums; -webkit-user-select: none; user-select: none;
}
.attn-sampler * { box-sizing: border-box; }
.attn-sampler canvas { display: block; width: 100%; height: 100%; }
.attn-sampler .panels { display: grid; gap: 0.9rem 1.6rem; grid-template-columns: minmax(0, 1fr); }
.attn-sampler .picture { position: relative; overflow: hidden; border-radius: 2px; cursor: crosshair; touch-action: pan-y pinch-zoom; }
.attn-sampler .picture svg { position: absolute; inset: 0; width: 100%; height: 100%; fill: none; stroke-linecap: round; stroke-linejoin: round; pointer-events: none; }
.attn-sampler .picture svg * { vector-effect: non-scaling-stroke; }
.attn-sampler .edge { fill: rgb(10 12 16 / 0.45); fill-rule: evenodd; stroke: #9ca4af; }
.attn-sampler .dark { stroke: #000; stroke-opacity: 0.65; }
.attn-sampler .light { stroke: #fff; }
.attn-sampler .mark { stroke: #ffa94d; }
.attn-sampler .box { stroke: transparent; stroke-width: 18px; pointer-events: all; cursor: move; touch-action: none; }
.attn-sampler .box:focus { outline: none; }
.attn-sampler .box:focus-visible { stroke: rgb(255 177 92 / 0.75); stroke-width: 9px; }
.attn-sampler .handle {
  position: absolute; width: 20px; height: 20px; margin: -10px 0 0 -10px; border-radius: 50%; text-align: center;
  background: #fff; color: #1d2026; border: 2px solid var(--accent); box-shadow: 0 0 0 1px rgb(0 0 0 / 0.45);
  font: italic 600 13px/14px Georgia, serif; cursor: grab; touch-action: none;
}
.attn-sampler .handle::before { content: ""; position: absolute; inset: -9px; border-radius: 50%; }
.attn-sampler .handle:focus { outline: none; }
.attn-sampler .handle:focus-visible { outline: 3px solid #ffb15c; outline-offset: 1px; box-shadow: 0 0 0 6px rgb(0 0 0 / 0.7); }
.attn-sampler .results { display: grid; gap: 0.9rem; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); align-items: start; }
.attn-sampler .label { display: block; color: var(--soft); margin: 0 0 0.3rem; }
.attn-sampler .sampled { position: relative; cursor: crosshair; outline: 1px solid #8b8e94; touch-action: pan-y pinch-zoom; }
.attn-sampler .sampled canvas { image-rendering: pixelated; }
.attn-sampler .sampled i { position: absolute; min-width: 6px; min-height: 6px; pointer-events: none; box-shadow: 0 0 0 1px #000, inset 0 0 0 2px #ffa94d, inset 0 0 0 3px #000; }
.attn-sampler .near svg { display: block; width: 100%; max-width: 17rem; font-size: 22px; text-anchor: middle; overflow: visible; }
.attn-sampler .near .name { fill: var(--soft); font-size: 17px; }
.attn-sampler .near .nothing { fill: none; stroke: var(--line); stroke-dasharray: 3 5; }
.attn-sampler .sum { grid-column: 1 / -1; margin: 0; color: var(--soft); min-height: 4.1em; }
.attn-sampler .sum b { font-weight: 600; color: var(--ink); }
.attn-sampler .sum :is(span, b) { white-space: nowrap; }
.attn-sampler .settings { display: flex; flex-wrap: wrap; gap: 0.5rem 1.6rem; align-items: center; align-content: start; margin: 0; }
.attn-sampler .theta { display: flex; gap: 0.5rem; align-items: center; flex: 1 1 14rem; max-width: 22rem; }
.attn-sampler .theta i { font-size: 1rem; white-space: nowrap; }
.attn-sampler .matrix { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 3px; padding: 0 5px; flex: 1; border: solid var(--soft); border-width: 0 1.5px; border-radius: 8px; }
.attn-sampler input[type="number"] { width: 100%; min-height: 26px; padding: 0 0.15rem 0 0.3rem; font: inherit; color: inherit; background: none; border: 1px solid var(--line); border-radius: 4px; -webkit-user-select: text; user-select: text; }
.attn-sampler .rules { display: flex; flex-wrap: wrap; gap: 0.1rem 1rem; align-items: center; }
.attn-sampler .rules > * { display: inline-flex; gap: 0.4rem; align-items: center; min-height: 26px; margin: 0; }
.attn-sampler .rules > label { cursor: pointer; }
.attn-sampler .rules > span { width: 5.9rem; margin-right: -0.4rem; }
.attn-sampler input[type="radio"] { accent-color: var(--accent); margin: 0; width: 15px; height: 15px; }
.attn-sampler .reset { margin-left: auto; font: inherit; color: var(--soft); min-height: 26px; padding: 0 0.6rem; background: none; border: 1px solid var(--line); border-radius: 4px; cursor: pointer; }
.attn-sampler .reset:hover { color: var(--ink); border-color: currentColor; }
.attn-sampler :is(input, button, .sampled):focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.attn-sampler .heard { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (prefers-reduced-motion: no-preference) { .attn-sampler .handle { transition: transform 120ms; } .attn-sampler .handle:hover { transform: scale(1.2); } }
@container (min-width: 600px) {
  .attn-sampler .panels { grid-template-columns: minmax(0, 9fr) minmax(0, 4.6fr); grid-template-rows: auto 1fr; }
  .attn-sampler .results { grid-area: 1 / 2 / 3; grid-template-columns: minmax(0, 1fr); }
}
@media print { .attn-sampler .settings { display: none; } }
`;

const body = `
<div class="panels">
  <div class="picture">
    <canvas class="image" role="img"></canvas>
    <svg>
      <path class="edge" />
      <path class="dark outline" stroke-width="3.5" /><path class="light outline" stroke-width="1.5" />
      <polygon class="box" data-grip="move" tabindex="0" role="application" aria-roledescription="movable box" />
      <path class="dark dots" /><path class="light dots" />
      <path class="dark here" stroke-width="12" /><path class="mark here" stroke-width="8" />
    </svg>
    <span class="handle" data-grip="x" tabindex="0" role="application">x</span>
    <span class="handle" data-grip="y" tabindex="0" role="application">y</span>
    <span class="handle" data-grip="turn" tabindex="0" role="application"></span>
  </div>
  <div class="settings" role="group" aria-label="settings of the grid">
    <div class="theta"><i aria-hidden="true">A<sub>θ</sub> =</i><div class="matrix"></div></div>
    <div>
      <div class="rules" role="radiogroup" aria-label="align_corners">
        <span>align_corners</span>
        <label><input type="radio" value="false">false</label>
        <label><input type="radio" value="true">true</label>
      </div>
      <div class="rules" role="radiogroup" aria-label="padding">
        <span>padding</span>
        <label><input type="radio" value="zeros">zeros</label>
        <label><input type="radio" value="border">border</label>
      </div>
    </div>
    <button type="button" class="reset">reset</button>
    <span class="heard" role="status" aria-live="polite"></span>
  </div>
  <div class="results">
    <div><span class="label">output</span>
      <div class="sampled" role="slider" tabindex="0" aria-valuemin="0"><canvas></canvas><i></i></div></div>
    <div class="near"><span class="label">the pixels around</span>
      <svg viewBox="-42 -26 244 228" role="img"></svg></div>
    <p class="sum"></p>
  </div>
</div>`;

const ENTRIES = ["x from x", "x from y", "x shift", "y from x", "y from y", "y shift"];
const GRIPS = {
  move: "box of the grid; arrow keys move it by a pixel",
  x: "handle x, turns and stretches the grid's rows; arrow keys move it by a pixel",
  y: "handle y, turns and stretches the grid's columns; arrow keys move it by a pixel",
  turn: "corner, turns and scales the whole grid; arrow keys move it by a pixel",
};

/** Paint values between 0 and 1 into a canvas, `value(row, column)` for each pixel. */
function paint(canvas, height, width, value) {
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(width, height);
  for (let p = 0; p < height * width; p++) {
    const level = Math.round(255 * value(Math.floor(p / width), p % width));
    pixels.data.set([level, level, level, 255], 4 * p);
  }
  context.putImageData(pixels, 0, 0);
}

const rounded = (value) => Math.round(value * 1e4) / 1e4;
const minus = (text) => text.replaceAll("-", "−");
const pair = ([x, y]) => minus(`(${x.toFixed(2)}, ${y.toFixed(2)})`);
const closed = (points) => `M${points.map((point) => point.join(" ")).join("L")}Z`;
const dots = (points) => points.map(([x, y]) => `M${x} ${y}h0`).join("");

/** The four pixels, and the square of one pixel around the position: it covers each by its weight. */
function near(pixels, [x, y]) {
  const [{ column, row }] = pixels;
  const [across, down] = [100 * (x - column) + 50, 100 * (y - row) + 50];
  const cells = pixels.map(({ inside, value }, k) => {
    const look = inside ? `fill="rgb(${`${255 * value} `.repeat(3)})"` : 'class="nothing"';
    return `<rect x="${100 * (k & 1)}" y="${100 * (k >> 1)}" width="100" height="100" ${look}/>`;
  });
  const square = `<rect x="${across - 50}" y="${down - 50}" width="100" height="100" fill="none"`;
  const weights = pixels.map(({ inside, weight, value }, k) => {
    const colour = !inside ? "var(--ink)" : value > 0.46 ? "#000" : "#fff";
    return `<text x="${100 * (k & 1) + 50}" y="${k > 1 ? 191 : 24}" fill="${colour}">${weight.toFixed(3)}</text>`;
  });
  const names = [0, 1].map(
    (k) =>
      `<text class="name" x="${100 * k + 50}" y="-8">${minus(`${column + k}`)}</text>` +
      `<text class="name" x="-8" y="${100 * k + 56}" text-anchor="end">${minus(`${row + k}`)}</text>`,
  );
  return (
    cells.join("") + `${square} stroke="#000" stroke-width="4" stroke-opacity="0.6"/>` +
    `${square} stroke="#ffa94d" stroke-width="2.5"/>` +
    `<circle cx="${across}" cy="${down}" r="6" fill="#ffa94d" stroke="#000"/>` +
    weights.join("") + names.join("")
  );
}

function render({ model, el }) {
  el.innerHTML = `<div class="attn-sampler"><style>${css}</style>${body}</div>`;
  const root = el.querySelector(".attn-sampler");
  const find = (selector) => root.querySelector(selector);
  const all = (selector) => [...root.querySelectorAll(selector)];
  const [height, width, rows, columns] = ["height", "width", "rows", "columns"].map((name) => model.get(name));
  const view = model.get("image");
  const image = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  if (image.length !== height * width) throw new Error("the image is incomplete");
  const state = () => ({
    image, height, width, rows, columns,
    ...Object.fromEntries(NAMES.map((name) => [name, model.get(name)])),
  });
  const start = Object.fromEntries(NAMES.map((name) => [name, model.get(name)]));

  // What never changes: shapes and names. Around the photograph there is room for points outside.
  const room = Math.ceil(Math.max(height, width) / 8);
  const [wide, high] = [width + 2 * room, height + 2 * room];
  const [picture, box, output] = [".picture", ".box", ".sampled"].map(find);
  picture.style.aspectRatio = `${wide} / ${high}`;
  find(".picture svg").setAttribute("viewBox", `${-room - 0.5} ${-room - 0.5} ${wide} ${high}`);
  find(".edge").setAttribute(
    "d",
    `M${-room - 0.5} ${-room - 0.5}h${wide}v${high}h${-wide}zM-0.5 -0.5h${width}v${height}h${-width}z`,
  );
  find(".image").setAttribute("aria-label", model.get("alt"));
  output.style.aspectRatio = `${columns} / ${rows}`;
  output.setAttribute("aria-label", `output, ${rows} by ${columns}; the arrow keys choose a pixel`);
  output.setAttribute("aria-valuemax", rows * columns - 1);
  Object.assign(find(".sampled i").style, { width: `${100 / columns}%`, height: `${100 / rows}%` });
  for (const grip of all("[data-grip]")) {
    const keys = ", with shift by 8, plus and minus scale the grid, square brackets turn it";
    grip.setAttribute("aria-label", GRIPS[grip.dataset.grip] + keys);
  }
  find(".matrix").innerHTML = ENTRIES.map(
    (name) => `<input type="number" step="0.01" aria-label="theta, ${name}">`,
  ).join("");
  const inputs = all(".matrix input");
  const radios = all("input[type=radio]");
  const group = `attn-${Math.random().toString(36).slice(2)}`;
  for (const radio of radios) radio.name = group + radio.closest(".rules").ariaLabel;

  const corners = (now) => [[-1, -1], [1, -1], [1, 1], [-1, 1]].map(([u, v]) => landing(now, u, v));
  const spots = (now) => ({
    move: landing(now, 0, 0), x: landing(now, 1, 0), y: landing(now, 0, 1), turn: landing(now, 1, 1),
  });

  function drawNow() {
    const now = state();
    const { points, sample, chosen, pixels } = compute(now);
    const [raw, padding, aligned] = [now.raw, now.padding, now.align_corners];
    const here = points[chosen];
    if (root.dataset.padding !== padding) {
      paint(find(".image"), high, wide, (i, j) => {
        const [y, x] = [clamp(i - room, 0, height - 1), clamp(j - room, 0, width - 1)];
        const outside = y !== i - room || x !== j - room;
        return outside && padding === "zeros" ? 0 : image[y * width + x] / 255;
      });
    }
    const edge = corners(now);
    box.setAttribute("points", edge.join(" "));
    for (const path of all(".outline")) path.setAttribute("d", closed(edge));
    for (const path of all(".dots")) path.setAttribute("d", dots(points));
    for (const path of all(".here")) path.setAttribute("d", dots([here]));
    const screen = picture.clientWidth / wide; // pixels of the screen for one of the photograph
    const area = Math.abs(raw[0] * raw[4] - raw[1] * raw[3]) * height * width;
    const dot = clamp(0.2 * screen * Math.sqrt(area / (rows * columns)), 1.5, 5);
    all(".dots").forEach((path, k) => path.setAttribute("stroke-width", k ? dot : dot + 1.5));
    const places = spots(now);
    for (const handle of all(".handle")) {
      // A handle that the grid takes out of sight waits at the rim.
      const [x, y] = places[handle.dataset.grip].map((p, k) => (p + room + 0.5) / [wide, high][k]);
      const rim = 10 / Math.max(picture.clientWidth, 40);
      handle.style.left = `${100 * clamp(x, rim, 1 - rim)}%`;
      handle.style.top = `${100 * clamp(y, (rim * wide) / high, 1 - (rim * wide) / high)}%`;
    }

    paint(find(".sampled canvas"), rows, columns, (i, j) => sample[i * columns + j]);
    const mark = find(".sampled i").style;
    mark.left = `${(100 * now.column) / columns}%`;
    mark.top = `${(100 * now.row) / rows}%`;
    const value = sample[chosen];
    const weightSum = pixels.reduce((sum, { weight }) => sum + weight, 0);
    const weights = pixels.map(({ weight }) => weight);
    const text = `row ${now.row}, column ${now.column}`;
    output.setAttribute("aria-valuenow", chosen);
    output.setAttribute("aria-valuetext", `${text}: ${value.toFixed(3)}, read at ${pair(here)}`);
    find(".near svg").innerHTML = near(pixels, here);
    find(".near svg").setAttribute(
      "aria-label",
      pixels
        .map(({ row, column, inside, weight, value: grey }) =>
          `pixel row ${row}, column ${column}: ` +
          (inside ? `weight ${weight.toFixed(3)}, grey ${grey.toFixed(3)}` : "outside, weight 0"))
        .join("; "),
    );
    const terms = pixels.map(({ weight, value: grey }) => `<span>${weight.toFixed(3)} · ${grey.toFixed(3)}</span>`);
    find(".sum").innerHTML =
      `${text} reads at <b>${pair(here)}</b><br>${terms.join(" + ")} = <b>${value.toFixed(3)}</b><br>` +
      `sum of the weights <b>${weightSum.toFixed(3)}</b>`;
    inputs.forEach((input, k) => {
      if (input.valueAsNumber !== raw[k]) input.value = rounded(raw[k]);
    });
    for (const radio of radios) radio.checked = radio.value === padding || radio.value === `${aligned}`;
    Object.assign(root.dataset, {
      theta: JSON.stringify(raw), alignCorners: aligned, padding, row: now.row, column: now.column,
      x: here[0], y: here[1], weights: JSON.stringify(weights), weightSum, value,
      outputMean: sample.reduce((sum, one) => sum + one, 0) / sample.length,
    });
    clearTimeout(silence);
    silence = setTimeout(() => {
      find(".heard").textContent =
        `theta ${raw.map(rounded).join(", ")}, align_corners ${aligned}, padding ${padding}`;
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
  const setRaw = (raw) => set({ raw: raw.map((value) => rounded(clamp(value, -9, 9))) });

  // All of the hand's work is done in pixels, where turning is turning for any shape of photograph.
  const units = () => [width, height].map((n) => Math.max(unit(n, model.get("align_corners")), 0.5));
  function turn(real, imaginary) {
    const [a, b, x, c, d, y] = model.get("raw");
    const [across, down] = units();
    const ratio = down / across;
    setRaw([
      real * a - imaginary * c * ratio, real * b - imaginary * d * ratio, x,
      real * c + (imaginary * a) / ratio, real * d + (imaginary * b) / ratio, y,
    ]);
  }
  function place(grip, [x, y]) {
    const [a, b, tx, c, d, ty] = model.get("raw");
    const [across, down] = units();
    if (grip === "move") {
      const centre = [[x, width, across], [y, height, down]];
      const [u, v] = centre.map(([p, n, one]) => (clamp(p, 0, n - 1) - (n - 1) / 2) / one);
      return setRaw([a, b, u, c, d, v]);
    }
    const places = spots(state());
    const from = ([p, q]) => [p - places.move[0], q - places.move[1]]; // the centre, which stays
    const [dx, dy] = from([clamp(x, -room, width - 1 + room), clamp(y, -room, height - 1 + room)]);
    if (grip === "x") return setRaw([dx / across, b, tx, dy / down, d, ty]);
    if (grip === "y") return setRaw([a, dx / across, tx, c, dy / down, ty]);
    const [px, py] = from(places.turn);
    const square = px * px + py * py;
    if (square < 0.25 || dx * dx + dy * dy < 0.25) return; // what has no length is not turned
    turn((dx * px + dy * py) / square, (dy * px - dx * py) / square);
  }

  // Position in the photograph, in its pixels, of a pointer.
  function pointed(event) {
    const frame = picture.getBoundingClientRect();
    return [
      ((event.clientX - frame.left) / frame.width) * wide - room - 0.5,
      ((event.clientY - frame.top) / frame.height) * high - room - 0.5,
    ];
  }
  let drag = null;
  picture.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const held = event.target.closest("[data-grip]");
    if (!held && event.pointerType === "touch") return; // a finger scrolls the page, or taps
    if (!held) place("move", pointed(event));
    event.preventDefault();
    (held ?? box).focus({ preventScroll: true });
    picture.setPointerCapture(event.pointerId);
    const grip = held?.dataset.grip ?? "move";
    drag = { grip, from: pointed(event), spot: spots(state())[grip] };
  });
  picture.addEventListener("pointermove", (event) => {
    if (drag === null) return;
    place(drag.grip, pointed(event).map((p, k) => drag.spot[k] + p - drag.from[k]));
  });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
    picture.addEventListener(end, () => (drag = null));
  }
  picture.addEventListener("click", (event) => {
    if (event.pointerType === "touch" && !event.target.closest("[data-grip]")) place("move", pointed(event));
  });

  /** Keys of an element; Jupyter and the page have keys of their own. */
  function onKeys(element, keys) {
    element.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return;
      event.preventDefault();
      event.stopPropagation();
      keys[event.key](event.shiftKey ? 8 : 1);
    });
  }
  for (const element of all("[data-grip]")) {
    const { grip } = element.dataset;
    const by = (dx, dy) => (step) => {
      const [x, y] = spots(state())[grip];
      place(grip, [x + step * dx, y + step * dy]);
    };
    const rotate = (degrees) => () => turn(Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180));
    onKeys(element, {
      ArrowLeft: by(-1, 0), ArrowRight: by(1, 0), ArrowUp: by(0, -1), ArrowDown: by(0, 1),
      "+": () => turn(1.1, 0), "=": () => turn(1.1, 0), "-": () => turn(1 / 1.1, 0),
      "]": rotate(5), "[": rotate(-5),
    });
  }

  const choose = (row, column) =>
    set({ row: clamp(row, 0, rows - 1), column: clamp(column, 0, columns - 1) });
  const step = (down, across) => () => choose(model.get("row") + down, model.get("column") + across);
  onKeys(output, {
    ArrowLeft: step(0, -1), ArrowRight: step(0, 1), ArrowUp: step(-1, 0), ArrowDown: step(1, 0),
    Home: step(0, -columns), End: step(0, columns),
  });
  function point(event) {
    const frame = output.getBoundingClientRect();
    choose(
      Math.floor(((event.clientY - frame.top) / frame.height) * rows),
      Math.floor(((event.clientX - frame.left) / frame.width) * columns),
    );
  }
  output.addEventListener("click", point);
  output.addEventListener("pointermove", (event) => event.buttons && point(event));

  inputs.forEach((input, k) =>
    input.addEventListener("input", () => {
      if (!Number.isFinite(input.valueAsNumber)) return; // half typed
      setRaw(model.get("raw").map((value, other) => (other === k ? input.valueAsNumber : value)));
    }),
  );
  for (const radio of radios) {
    const aligned = { true: true, false: false }[radio.value];
    radio.addEventListener("change", () =>
      set(aligned === undefined ? { padding: radio.value } : { align_corners: aligned }));
  }
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
