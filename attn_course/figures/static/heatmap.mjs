// A matrix, or a stack of them: mouse, finger or arrow keys choose a cell, whose value is read out.
// The colours are held to attn_course/figures/draw.py by a test.

// Colours of the levels -1, -1/2, 0, 1/2, 1, and of what is not finite.
const SCALE = [[214, 230, 255], [61, 127, 214], [20, 24, 30], [208, 102, 10], [255, 238, 208]];
const GREY = [139, 142, 148];

/** Colour of a level from -1 to 1: zero is dark, both ends are bright. */
export function heat(level) {
  if (!Number.isFinite(level)) return GREY;
  const at = (Math.min(Math.max(level, -1), 1) + 1) * 2;
  const first = Math.min(Math.floor(at), 3);
  const [low, high] = [SCALE[first], SCALE[first + 1]];
  return low.map((value, c) => value + (at - first) * (high[c] - value));
}

/** The chosen cell's value, and the sum of its row over what is finite. */
export function compute({ values, shape, step, row, column }) {
  const [, nRow, nColumn] = shape;
  const start = (step * nRow + row) * nColumn;
  let rowSum = 0;
  for (let j = 0; j < nColumn; j++) {
    if (Number.isFinite(values[start + j])) rowSum += values[start + j];
  }
  return { value: values[start + column], rowSum };
}

const css = `
.attn-heat { --accent: #d0660a; --ink: var(--pst-color-text-base, var(--jp-ui-font-color1, currentColor));
  --soft: var(--pst-color-text-muted, var(--jp-ui-font-color2, currentColor));
  color: var(--ink); font-size: 0.875rem; line-height: 1.35; font-variant-numeric: tabular-nums; }
.attn-heat * { box-sizing: border-box; }
.attn-heat .board { display: grid; grid-template-columns: fit-content(30%) minmax(0, var(--wide)); gap: 4px 6px; padding: 0 4px 4px 0; }
.attn-heat .axes { margin: 0 0 0.3rem; color: var(--soft); }
.attn-heat .columns { grid-area: 1 / 2; display: grid; grid-auto-flow: column; grid-auto-columns: minmax(0, 1fr); align-items: end; justify-items: center; }
.attn-heat .rows { grid-area: 2 / 1; display: grid; grid-auto-rows: minmax(0, 1fr); align-items: center; justify-items: end; }
.attn-heat :is(.rows, .columns) span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; max-width: 100%; color: var(--soft); line-height: 1.3; }
.attn-heat .upright span { writing-mode: vertical-rl; transform: rotate(180deg); max-height: 7rem; }
.attn-heat :is(.rows, .columns) span.on { color: var(--ink); font-weight: 600; }
.attn-heat .dense span { display: none; }
.attn-heat .cells { grid-area: 2 / 2; position: relative; width: 100%; min-height: 2rem; cursor: crosshair; touch-action: pan-y pinch-zoom; outline: 1px solid #8b8e94; }
.attn-heat .cells canvas { position: absolute; width: 100%; height: 100%; image-rendering: pixelated; outline: none; }
.attn-heat .cells i { position: absolute; min-width: 5px; min-height: 5px; box-shadow: 0 0 0 1px #000, inset 0 0 0 2px #fff, inset 0 0 0 3px #000; pointer-events: none; }
.attn-heat .read-out { margin: 0.5rem 0 0; color: var(--soft); min-height: 2.7em; }
.attn-heat .read-out b { color: var(--ink); font-weight: 600; }
.attn-heat .stepper { display: flex; gap: 0.6rem; align-items: center; max-width: 26rem; margin: 0 0 0.5rem; }
.attn-heat .stepper[hidden] { display: none; }
.attn-heat .stepper output { min-width: 4rem; }
.attn-heat input { flex: 1; min-width: 0; height: 24px; margin: 0; -webkit-appearance: none; appearance: none; background: none; cursor: pointer; }
.attn-heat ::-webkit-slider-runnable-track { height: 4px; border-radius: 2px; background: color-mix(in srgb, currentColor 55%, transparent); }
.attn-heat ::-moz-range-track { height: 4px; border-radius: 2px; background: color-mix(in srgb, currentColor 55%, transparent); }
.attn-heat ::-webkit-slider-thumb { -webkit-appearance: none; width: 16px; height: 16px; margin-top: -6px; border: 0; border-radius: 50%; background: var(--accent); }
.attn-heat ::-moz-range-thumb { width: 16px; height: 16px; border: 0; border-radius: 50%; background: var(--accent); }
.attn-heat :focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
`;

const body = `
<label class="stepper"><span></span><input type="range" min="0" step="1"><output></output></label>
<p class="axes" aria-hidden="true"></p>
<div class="board">
  <div class="columns" aria-hidden="true"></div>
  <div class="rows" aria-hidden="true"></div>
  <div class="cells" role="slider" tabindex="0" aria-valuemin="0"><canvas></canvas><i></i></div>
</div>
<p class="read-out"></p>`;

const CELL = 40; // pixels, at most
const BOARD = 480;
const NAMED = 12; // smaller cells go without their names

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const minus = (text) => text.replace("-", "−");
const words = (value) =>
  Number.isFinite(value) ? minus(value.toFixed(3)) : minus(String(value)).replace("Infinity", "∞");

function render({ model, el }) {
  el.innerHTML = `<div class="attn-heat"><style>${css}</style>${body}</div>`;
  const root = el.querySelector(".attn-heat");
  const find = (selector) => root.querySelector(selector);
  const shape = model.get("shape");
  const [nStep, nRow, nColumn] = shape;
  const view = model.get("values"); // copied: it need not begin at a multiple of four bytes
  const bytes = view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
  if (bytes.byteLength !== 4 * nStep * nRow * nColumn) throw new Error("the values are incomplete");
  const values = new Float32Array(bytes);
  const [rows, columns, steps] = ["rows", "columns", "steps"].map((name) => model.get(name));
  const [rowName, columnName, stepName] = model.get("names");

  const [board, cells, canvas, mark] = [".board", ".cells", "canvas", "i"].map(find);
  const [slider, stepOut, readOut] = ["input", "output", ".read-out"].map(find);
  const side = Math.min(CELL, BOARD / Math.max(nRow, nColumn));
  board.style.setProperty("--wide", `${Math.max(side * nColumn, 32)}px`);
  cells.style.aspectRatio = `${nColumn} / ${nRow}`;
  mark.style.width = `${100 / nColumn}%`;
  mark.style.height = `${100 / nRow}%`;
  Object.assign(canvas, { width: nColumn, height: nRow });
  find(".axes").textContent = `${rowName} ↓  ${columnName} →`;
  for (const [place, names] of [[".rows", rows], [".columns", columns]]) {
    find(place).replaceChildren(
      ...names.map((name) => Object.assign(document.createElement("span"), { textContent: name })),
    );
  }
  find(".stepper").hidden = nStep === 1;
  find(".stepper span").textContent = stepName;
  slider.max = nStep - 1;
  slider.setAttribute("aria-label", stepName);
  cells.setAttribute("aria-label", `${model.get("alt")}; the arrow keys choose a cell`);
  cells.setAttribute("aria-valuemax", nRow * nColumn - 1);

  function paint() {
    const context = canvas.getContext("2d");
    const pixels = context.createImageData(nColumn, nRow);
    const start = model.get("step") * nRow * nColumn;
    for (let p = 0; p < nRow * nColumn; p++) {
      heat(values[start + p] / model.get("limit")).forEach((v, c) => (pixels.data[4 * p + c] = v));
      pixels.data[4 * p + 3] = 255;
    }
    context.putImageData(pixels, 0, 0);
  }

  function draw() {
    const [step, row, column] = ["step", "row", "column"].map((name) => model.get(name));
    const { value, rowSum } = compute({ values, shape, step, row, column });
    mark.style.left = `${(100 * column) / nColumn}%`;
    mark.style.top = `${(100 * row) / nRow}%`;
    const cell = `${rowName} ${rows[row]}, ${columnName} ${columns[column]}`;
    readOut.replaceChildren(
      `${cell}: `,
      Object.assign(document.createElement("b"), { textContent: words(value) }),
      `; the sum of this ${rowName} is ${words(rowSum)}`,
    );
    for (const [place, index] of [[".rows", row], [".columns", column]]) {
      [...find(place).children].forEach((name, i) => name.classList.toggle("on", i === index));
    }
    cells.setAttribute("aria-valuenow", row * nColumn + column);
    cells.setAttribute("aria-valuetext", `${cell}: ${words(value)}`);
    slider.value = step;
    slider.setAttribute("aria-valuetext", steps[step]);
    stepOut.textContent = steps[step];
    Object.assign(root.dataset, { step, row, column, value, rowSum });
  }

  // Names that find no room beside their cells are left out, those of columns stood upright first.
  function arrange() {
    const wide = cells.clientWidth / nColumn;
    const longest = Math.max(...columns.map((name) => name.length));
    find(".columns").classList.toggle("upright", longest * 8 + 6 > wide);
    find(".columns").classList.toggle("dense", wide < NAMED);
    find(".rows").classList.toggle("dense", cells.clientHeight / nRow < NAMED);
  }

  function go(changes) {
    const last = { step: nStep - 1, row: nRow - 1, column: nColumn - 1 };
    for (const [name, value] of Object.entries(changes)) model.set(name, clamp(value, 0, last[name]));
    model.save_changes();
  }
  function point(event) {
    const box = cells.getBoundingClientRect();
    go({
      row: Math.floor(((event.clientY - box.top) / box.height) * nRow),
      column: Math.floor(((event.clientX - box.left) / box.width) * nColumn),
    });
  }
  cells.addEventListener("pointermove", point); // of a finger only sideways: it scrolls the page
  cells.addEventListener("click", point);
  cells.addEventListener("keydown", (event) => {
    if (event.metaKey || event.altKey) return;
    const [step, row, column] = ["step", "row", "column"].map((name) => model.get(name));
    const keys = {
      ArrowLeft: { column: column - 1 }, ArrowRight: { column: column + 1 },
      ArrowUp: { row: row - 1 }, ArrowDown: { row: row + 1 },
      Home: event.ctrlKey ? { row: 0, column: 0 } : { column: 0 },
      End: event.ctrlKey ? { row: nRow - 1, column: nColumn - 1 } : { column: nColumn - 1 },
      PageUp: { step: step - 1 }, PageDown: { step: step + 1 },
    };
    if (!(event.key in keys)) return;
    event.preventDefault();
    event.stopPropagation(); // Jupyter and the page have keys of their own
    go(keys[event.key]);
  });
  slider.addEventListener("input", () => go({ step: Number(slider.value) }));

  for (const name of ["row", "column", "step"]) model.on(`change:${name}`, draw);
  for (const name of ["step", "limit"]) model.on(`change:${name}`, paint);
  const size = new ResizeObserver(arrange);
  size.observe(cells);
  paint();
  draw();
  arrange();
  return () => {
    size.disconnect();
    for (const name of ["row", "column", "step"]) model.off(`change:${name}`, draw);
    for (const name of ["step", "limit"]) model.off(`change:${name}`, paint);
  };
}

export default { render };
