// Values in falling order and a threshold to drag: how many it keeps, and how much of the sum.
// What is computed here is held to attn_course/figures/threshold.py by a test.

/** What reaches the threshold, group by group: count, share of the values and, as mass, of the sum. */
export function compute({ values, sizes, threshold }) {
  let start = 0;
  return sizes.map((size) => {
    const group = values.slice(start, (start += size));
    const kept = group.filter((value) => value >= threshold);
    const sum = (list) => list.reduce((total, value) => total + value, 0);
    const isMass = group[size - 1] >= 0 && group[0] > 0;
    const mass = isMass ? sum(kept) / sum(group) : null;
    return { count: kept.length, share: kept.length / size, mass };
  });
}

/** Three to six round numbers from low to high. */
function ticks(low, high) {
  const rough = (high - low) / 4;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const far = (m) => Math.abs(Math.log((m * unit) / rough));
  const step = unit * [1, 2, 5, 10].reduce((best, m) => (far(m) < far(best) ? m : best));
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, k) => Number(((first + k) * step).toPrecision(12)) + 0);
}

const css = `
.attn-threshold { --accent: #d0660a; --ink: var(--pst-color-text-base, var(--jp-ui-font-color1, currentColor));
  --soft: var(--pst-color-text-muted, var(--jp-ui-font-color2, currentColor));
  max-width: 34rem; color: var(--ink); font-size: 0.875rem; line-height: 1.35; font-variant-numeric: tabular-nums; }
.attn-threshold * { box-sizing: border-box; }
.attn-threshold .name { margin: 0 0 0.2rem; color: var(--soft); }
.attn-threshold .plot { position: relative; height: 250px; cursor: row-resize; -webkit-user-select: none; user-select: none; }
.attn-threshold svg { display: block; overflow: visible; fill: currentColor; font-size: 0.8rem; }
.attn-threshold .line { position: absolute; height: 28px; margin-top: -14px; touch-action: none; }
.attn-threshold .line::before { content: ""; position: absolute; left: 0; right: 0; top: 13px; border-top: 2px solid var(--ink); }
.attn-threshold .line::after { content: ""; position: absolute; right: -8px; top: 6px; width: 16px; height: 16px; border-radius: 50%; background: var(--accent); }
.attn-threshold .line:focus { outline: none; }
.attn-threshold .line:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
.attn-threshold ul { list-style: none; margin: 0.3rem 0 0; padding: 0; }
.attn-threshold li { display: flex; gap: 0.6rem; align-items: center; margin: 0; }
.attn-threshold li svg { flex: none; }
.attn-threshold li p { margin: 0; }
.attn-threshold b { font-weight: 600; }
`;

const body = `
<p class="name"></p>
<div class="plot">
  <svg aria-hidden="true"></svg>
  <div class="line" role="slider" tabindex="0" aria-orientation="vertical"></div>
</div>
<ul></ul>`;

const LEFT = 46; // pixels around the plot
const RIGHT = 12;
const TOP = 10;
const BOTTOM = 40;
const HEIGHT = 250;

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const minus = (text) => text.replace("-", "−");
const percent = (share) => `${(100 * share).toFixed(0)} %`;

function render({ model, el }) {
  el.innerHTML = `<div class="attn-threshold"><style>${css}</style>${body}</div>`;
  const root = el.querySelector(".attn-threshold");
  const find = (selector) => root.querySelector(selector);
  const [plot, drawing, line, list] = [".plot", ".plot svg", ".line", "ul"].map(find);
  const [sizes, groups, colours, dashes, low, high, label] = [
    "sizes", "groups", "colours", "dashes", "low", "high", "label",
  ].map((name) => model.get(name));
  const view = model.get("values"); // copied: it need not begin at a multiple of eight bytes
  const bytes = view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (bytes.byteLength !== 8 * total) throw new Error("the values are incomplete");
  const values = [...new Float64Array(bytes)];
  const digits = Math.max(0, 2 - Math.floor(Math.log10(high - low)));
  const said = (value) => minus(value.toFixed(digits));
  const look = (k) =>
    `fill="none" stroke="${colours[k]}" stroke-width="2.2" stroke-linejoin="round" stroke-dasharray="${dashes[k]}"`;

  find(".name").textContent = label;
  line.setAttribute("aria-label", `threshold of ${label}; ${model.get("alt")}`);
  line.setAttribute("aria-valuemin", low);
  line.setAttribute("aria-valuemax", high);
  list.innerHTML = groups
    .map((_, k) => `<li><svg width="28" height="8"><path d="M0 4h28" ${look(k)}/></svg><p></p></li>`)
    .join("");

  const y = (value) => TOP + ((HEIGHT - TOP - BOTTOM) * (high - value)) / (high - low);
  // The curve of a group, as far as its first `count` values.
  function path(group, count, width) {
    const x = (i) => (LEFT + ((width - LEFT - RIGHT) * i) / group.length).toFixed(1);
    return group.slice(0, count)
      .map((value, i) => `${i ? "V" : `M${x(0)} `}${y(value).toFixed(1)}H${x(i + 1)}`)
      .join("");
  }

  function drawNow() {
    const threshold = model.get("threshold");
    const kept = compute({ values, sizes, threshold });
    const width = Math.max(plot.clientWidth, 160);
    const floor = y(Math.max(low, 0));
    let start = 0;
    let content = "";
    kept.forEach(({ count, mass }, k) => {
      const group = values.slice(start, (start += sizes[k]));
      if (mass !== null && count) {
        const area = `${path(group, count, width)}V${floor}H${LEFT}Z`;
        content += `<path d="${area}" fill="${colours[k]}" fill-opacity="0.22"/>`;
      }
      content += `<path d="${path(group, group.length, width)}" ${look(k)}/>`;
    });
    const bottom = HEIGHT - BOTTOM;
    let axes = `M${LEFT} ${TOP}V${bottom}H${width - RIGHT}`;
    for (const tick of ticks(low, high)) {
      axes += `M${LEFT} ${y(tick)}h-4`;
      content += `<text x="${LEFT - 7}" y="${y(tick) + 4}" text-anchor="end">${minus(String(tick))}</text>`;
    }
    for (const share of [0, 0.25, 0.5, 0.75, 1]) {
      const x = LEFT + (width - LEFT - RIGHT) * share;
      axes += `M${x} ${bottom}v4`;
      content += `<text x="${x}" y="${bottom + 17}" text-anchor="middle">${100 * share}</text>`;
    }
    content += `<text x="${width - RIGHT}" y="${HEIGHT - 5}" text-anchor="end">% of the values, largest first</text>`;
    content += `<path d="${axes}" fill="none" stroke="currentColor" stroke-width="0.8"/>`;
    drawing.setAttribute("width", width);
    drawing.setAttribute("height", HEIGHT);
    drawing.innerHTML = content;
    Object.assign(line.style, { left: `${LEFT}px`, right: `${RIGHT}px`, top: `${y(threshold)}px` });

    const texts = kept.map(({ count, mass }, k) => {
      const part = mass === null ? "" : `, ${percent(mass)} of the sum`;
      return `${count} of ${sizes[k]} reach ${said(threshold)}${part}`;
    });
    texts.forEach((text, k) => {
      list.children[k].lastChild.textContent = groups.length > 1 ? `${groups[k]}: ${text}` : text;
    });
    line.setAttribute("aria-valuenow", threshold);
    line.setAttribute(
      "aria-valuetext",
      `${label} ${said(threshold)}; ${[...list.children].map((one) => one.textContent).join("; ")}`,
    );
    const numbers = { count: [], share: [], mass: [] };
    for (const one of kept) for (const name of Object.keys(numbers)) numbers[name].push(one[name]);
    Object.assign(root.dataset, { threshold });
    for (const [name, all] of Object.entries(numbers)) root.dataset[name] = JSON.stringify(all);
  }

  let frame = null;
  function draw() {
    frame ??= requestAnimationFrame(() => {
      frame = null;
      drawNow();
    });
  }

  function move(threshold) {
    const rounded = Number(threshold.toFixed(digits + 1));
    model.set("threshold", clamp(rounded, low, high));
    model.save_changes();
  }
  const valueAt = (event) => {
    const top = plot.getBoundingClientRect().top;
    return high - ((event.clientY - top - TOP) / (HEIGHT - TOP - BOTTOM)) * (high - low);
  };

  let offset = null; // from the pointer to the line, while it is dragged
  plot.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const onLine = event.target === line;
    if (!onLine && event.pointerType === "touch") return; // a finger scrolls the page, or taps
    event.preventDefault();
    line.focus({ preventScroll: true });
    plot.setPointerCapture(event.pointerId);
    offset = onLine ? model.get("threshold") - valueAt(event) : 0;
    if (!onLine) move(valueAt(event));
  });
  plot.addEventListener("pointermove", (event) => {
    if (offset !== null) move(valueAt(event) + offset);
  });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
    plot.addEventListener(end, () => (offset = null));
  }
  plot.addEventListener("click", (event) => {
    if (event.pointerType === "touch" && event.target !== line) move(valueAt(event));
  });
  line.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = ((high - low) / 100) * (event.shiftKey ? 10 : 1);
    const page = (high - low) / 10;
    const by = {
      ArrowUp: step, ArrowRight: step, ArrowDown: -step, ArrowLeft: -step,
      PageUp: page, PageDown: -page, Home: -Infinity, End: Infinity,
    }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    event.stopPropagation(); // Jupyter and the page have keys of their own
    move(clamp(model.get("threshold") + by, low, high));
  });

  model.on("change:threshold", draw);
  const size = new ResizeObserver(draw);
  size.observe(plot);
  drawNow();
  return () => {
    size.disconnect();
    cancelAnimationFrame(frame);
    model.off("change:threshold", draw);
  };
}

export default { render };
