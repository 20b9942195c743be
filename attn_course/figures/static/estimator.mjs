// Glimpses drawn one by one, and two estimates of a policy's gradient: without a baseline and with.
// What is computed here is held to attn_course/figures/estimator.py by a test.

const MOST = 10000; // draws
const WAYS = ["plain", "baseline"];

/** Numbers from 0 to 1, the same as `uniforms` draws: number k depends on the seed and k alone. */
export function uniforms({ seed, n_draw: n }) {
  return Array.from({ length: n }, (_, k) => {
    let bits = (seed + Math.imul(0x6d2b79f5, k + 1)) | 0;
    bits = Math.imul(bits ^ (bits >>> 15), bits | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  });
}

function softmax(score) {
  const most = Math.max(...score);
  const bell = score.map((s) => Math.exp(s - most));
  const sum = bell.reduce((total, one) => total + one, 0);
  return bell.map((one) => one / sum);
}

const dot = (one, other) => one.reduce((sum, value, k) => sum + value * other[k], 0);

// What counts of draws tell, one way: each draw of item k adds to the mean the same term.
function told(counts, probability, reward, exact, way) {
  const n = counts.reduce((sum, count) => sum + count, 0);
  const nothing = { gradient: null, cosine: null, error: null, half: null, spread: null };
  if (n < (way === "baseline" ? 2 : 1)) return nothing;
  const mean = dot(counts, reward) / n;
  // A reward less the mean of the others is n / (n - 1) times the reward less the mean of all.
  const gain = reward.map((r) => (way === "baseline" ? ((r - mean) * n) / (n - 1) : r));
  const term = (k, j) => gain[k] * ((k === j ? 1 : 0) - probability[j]);
  const over = (f) => counts.reduce((sum, count, k) => sum + (count ? count * f(k) : 0), 0);
  const gradient = probability.map((_, j) => over((k) => term(k, j)) / n);
  const length = Math.sqrt(dot(exact, exact));
  const away = Math.sqrt(dot(gradient, gradient));
  const cosine = away > 1e-12 ? dot(gradient, exact) / (length * away) : null;
  const error = Math.hypot(...gradient.map((g, j) => g - exact[j])) / length;
  if (n < 2) return { ...nothing, gradient, cosine, error };
  const variance = gradient.map((g, j) => over((k) => (term(k, j) - g) ** 2) / (n - 1));
  const half = variance.map((v) => 1.96 * Math.sqrt(v / n));
  const spread = Math.sqrt(variance.reduce((sum, v) => sum + v, 0));
  return { gradient, cosine, error, half, spread };
}

/** Draws, the exact gradient, and what the draws tell of it: now, and at `points` on the way. */
export function compute({ score, reward, offset, seed, n_draw: n }) {
  const probability = softmax(score);
  const shifted = reward.map((r) => r + offset);
  const value = dot(probability, shifted);
  const exact = probability.map((p, k) => p * (shifted[k] - value));
  let sum = 0;
  const edges = probability.slice(0, -1).map((p) => (sum += p));
  const counts = score.map(() => 0);
  const points = [];
  const cosines = { plain: [], baseline: [] };
  const tell = (way) => told(counts, probability, shifted, exact, way);
  let last = null;
  uniforms({ seed, n_draw: n }).forEach((u, k) => {
    last = edges.filter((edge) => edge <= u).length;
    counts[last]++;
    const drawn = k + 1;
    const gap = 2 ** Math.max(0, Math.floor(Math.log2(drawn)) - 4); // sixteen points an octave
    if (drawn % gap && drawn !== n) return;
    points.push(drawn);
    for (const way of WAYS) cosines[way].push(tell(way).cosine);
  });
  const found = Object.fromEntries(WAYS.map((way) => [way, tell(way)]));
  return { probability, exact, counts, last, points, cosines, ...found };
}

const css = `
.attn-estimator { --accent: #d0660a; --blue: #3d7fd6;
  --ink: var(--pst-color-text-base, var(--jp-ui-font-color1, currentColor));
  --soft: var(--pst-color-text-muted, var(--jp-ui-font-color2, currentColor));
  --line: var(--pst-color-border, var(--jp-border-color1, #9ca4af));
  --track: color-mix(in srgb, var(--soft) 70%, transparent);
  container-type: inline-size; max-width: 46rem; color: var(--ink); font-size: 0.875rem; line-height: 1.35;
  font-variant-numeric: tabular-nums; }
.attn-estimator * { box-sizing: border-box; }
.attn-estimator p { margin: 0.3rem 0; }
.attn-estimator .key { color: var(--soft); }
.attn-estimator .ways { display: grid; gap: 0.4rem 1.6rem; grid-template-columns: minmax(0, 1fr); }
.attn-estimator .ways b { font-weight: 600; }
.attn-estimator svg { display: block; width: 100%; overflow: visible; fill: currentColor; font-size: 0.8rem; }
.attn-estimator .buttons { display: flex; flex-wrap: wrap; gap: 6px; margin: 0.6rem 0; }
.attn-estimator button { font: inherit; color: inherit; background: none; border: 1px solid var(--line); border-radius: 4px; cursor: pointer; min-height: 32px; padding: 0 0.8rem; }
.attn-estimator button:hover { border-color: currentColor; }
.attn-estimator button:disabled { opacity: 0.5; cursor: default; }
.attn-estimator .offset { display: grid; grid-template-columns: auto minmax(0, 1fr) 3rem; gap: 0.6rem; align-items: center; margin: 0; max-width: 30rem; }
.attn-estimator .offset output { text-align: right; }
.attn-estimator input { width: 100%; min-width: 0; height: 24px; margin: 0; -webkit-appearance: none; appearance: none; background: none; cursor: pointer; }
.attn-estimator ::-webkit-slider-runnable-track { height: 4px; border-radius: 2px; background: var(--track); }
.attn-estimator ::-moz-range-track { height: 4px; border-radius: 2px; background: var(--track); }
.attn-estimator ::-webkit-slider-thumb { -webkit-appearance: none; width: 16px; height: 16px; margin-top: -6px; border: 0; border-radius: 50%; background: var(--accent); }
.attn-estimator ::-moz-range-thumb { width: 16px; height: 16px; border: 0; border-radius: 50%; background: var(--accent); }
.attn-estimator :is(input, button):focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
@container (min-width: 560px) { .attn-estimator .ways { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); } }
@media print { .attn-estimator :is(.buttons, .offset) { display: none; } }
`;

const body = `
<p class="drawn" role="status"></p>
<div class="ways">
  <div class="plain"><b>no baseline</b><svg aria-hidden="true"></svg><p></p></div>
  <div class="baseline"><b>with a baseline</b><svg aria-hidden="true"></svg><p></p></div>
</div>
<p class="key">Bar: exact gradient of an item's score. Dot: its estimate, with a 95 % interval.</p>
<svg class="course" aria-hidden="true"></svg>
<div class="buttons">
  <button type="button" data-draw="1">draw 1</button>
  <button type="button" data-draw="10">draw 10</button>
  <button type="button" data-draw="100">draw 100</button>
  <button type="button" class="again">start again</button>
</div>
<label class="offset"><span>added to all rewards</span><input type="range" min="-5" max="5" step="0.5"><output></output></label>`;

const ROW = 26; // height of an item's line
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const minus = (text) => text.replace("-", "−");
const said = (value, digits) => (value === null ? "–" : minus(value.toFixed(digits)));

function render({ model, el }) {
  el.innerHTML = `<div class="attn-estimator"><style>${css}</style>${body}</div>`;
  const root = el.querySelector(".attn-estimator");
  const find = (selector) => root.querySelector(selector);
  const [score, reward, items] = ["score", "reward", "items"].map((name) => model.get(name));
  if (!score?.length || score.length !== reward?.length || score.length !== items?.length) {
    throw new Error("scores, rewards and items are not as many");
  }
  const [slider, shown, course] = ["input", "output", ".course"].map(find);
  const draws = [...root.querySelectorAll("[data-draw]")];
  slider.setAttribute("aria-label", `added to all rewards; ${model.get("alt")}`);

  const text = (x, y, content, more = "") => {
    const one = document.createElement("span");
    one.textContent = content;
    return `<text x="${x}" y="${y}" ${more}>${one.innerHTML}</text>`;
  };

  // Exact gradient and estimate, a line for each item.
  function lines({ exact, probability }, one, width) {
    const longest = Math.max(...items.map((item) => item.length));
    const left = Math.min(20 + 8 * longest, width / 3);
    const right = width - 8;
    const middle = (left + right) / 2;
    const limit = 3 * Math.max(...exact.map(Math.abs));
    const x = (value) => middle + (clamp(value / limit, -1, 1) * (right - left)) / 2;
    const high = ROW * items.length;
    let content = `<path d="M${middle} 2V${high}M${left} ${high}H${right}" fill="none" stroke="currentColor" stroke-width="0.8"/>`;
    for (const part of [-1, 0, 1]) {
      const value = Number((part * limit).toPrecision(2));
      const anchor = ["start", "middle", "end"][part + 1];
      content += text(middle + (part * (right - left)) / 2, high + 15, minus(String(value)), `text-anchor="${anchor}"`);
    }
    items.forEach((item, k) => {
      const y = ROW * (k + 0.5);
      content += text(left - 10, y + 4.5, item, 'text-anchor="end"');
      content += `<path class="exact" d="M${x(exact[k])} ${y - 9}v18" stroke="var(--blue)" stroke-width="4"/>`;
      if (one.gradient === null) return;
      const at = one.gradient[k];
      const half = one.half ? one.half[k] : 0;
      content += `<path d="M${x(at - half)} ${y}H${x(at + half)}" stroke="var(--accent)" stroke-width="2.2"/>`;
      const beyond = Math.abs(at) > limit ? 'fill="none" stroke="var(--accent)" stroke-width="2"' : 'fill="var(--accent)"';
      content += `<circle cx="${x(at)}" cy="${y}" r="4.5" ${beyond}/>`;
    });
    return [content, high + 20];
  }

  // The cosines on the way, over the number of draws, each ten times the last as far apart.
  function path({ points, cosines }, width) {
    const [left, right, top, bottom] = [46, width - 12, 44, 144];
    const x = (n) => left + ((right - left) * Math.log10(n)) / Math.log10(MOST);
    const y = (cosine) => top + ((bottom - top) * (1 - cosine)) / 2;
    let content = "";
    let axes = `M${left} ${top}V${bottom}H${right}`;
    for (const tick of [-1, 0, 1]) {
      axes += `M${left} ${y(tick)}h-4`;
      content += text(left - 7, y(tick) + 4.5, minus(String(tick)), 'text-anchor="end"');
    }
    for (const n of [1, 10, 100, 1000, 10000]) {
      axes += `M${x(n)} ${bottom}v4`;
      content += text(x(n), bottom + 17, n < MOST ? String(n) : "10⁴", 'text-anchor="middle"');
    }
    content += text(0, 13, "cosine to the exact gradient") + text(right, bottom + 34, "draws", 'text-anchor="end"');
    const looks = { plain: 'stroke="var(--accent)"', baseline: 'stroke="var(--blue)" stroke-dasharray="7 4"' };
    for (const way of WAYS) {
      let d = "";
      points.forEach((n, k) => {
        if (cosines[way][k] !== null) d += `${d ? "L" : "M"}${x(n)} ${y(cosines[way][k])}${d ? "" : "h0"}`;
      });
      content += `<path class="${way}" d="${d || "M0 0"}" fill="none" ${looks[way]} stroke-width="2.2" stroke-linejoin="round" stroke-linecap="round"/>`;
    }
        content += `<path d="M${left} 26h24" ${looks.plain} stroke-width="2.2"/>${text(left + 29, 30, "without")}`;
    content += `<path d="M${left + 92} 26h24" ${looks.baseline} stroke-width="2.2"/>${text(left + 121, 30, "with baseline")}`;
    return [`<path d="${axes}" fill="none" stroke="currentColor" stroke-width="0.8"/>${content}`, bottom + 40];
  }

  function put(drawing, width, [content, height]) {
    drawing.setAttribute("viewBox", `0 0 ${width} ${height}`);
    drawing.setAttribute("height", height);
    drawing.innerHTML = content;
  }

  function drawNow() {
    const state = Object.fromEntries(["seed", "n_draw", "offset"].map((name) => [name, model.get(name)]));
    const now = compute({ ...state, score, reward });
    const { n_draw: n, offset } = state;
    const last = now.last === null ? "" : `; the last was ${items[now.last]}, reward ${said(reward[now.last] + offset, 1)}`;
    find(".drawn").textContent = `${n} ${n === 1 ? "draw" : "draws"}${last}`;
    for (const way of WAYS) {
      const [drawing, line] = ["svg", "p"].map((tag) => find(`.ways .${way} ${tag}`));
      const width = Math.max(drawing.parentElement.clientWidth, 160);
      put(drawing, width, lines(now, now[way], width));
      const { cosine, spread } = now[way];
      const wait = way === "baseline" && n < 2 ? "; a draw is compared with the others: two are needed" : "";
      line.textContent = `cosine ${said(cosine, 3)}, spread of a draw ${said(spread, 2)}${wait}`;
      root.dataset[way] = JSON.stringify(now[way]);
    }
    const width = Math.max(course.parentElement.clientWidth, 200);
    put(course, width, path(now, width));
    slider.value = offset;
    shown.textContent = said(offset, 1);
    for (const button of draws) button.disabled = n >= MOST;
    Object.assign(root.dataset, { ...state, counts: JSON.stringify(now.counts) });
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
  for (const button of draws) {
    const more = Number(button.dataset.draw);
    button.addEventListener("click", () => set({ n_draw: Math.min(model.get("n_draw") + more, MOST) }));
  }
  find(".again").addEventListener("click", () => set({ seed: (model.get("seed") + 1) % 2 ** 32, n_draw: 0 }));
  slider.addEventListener("input", () => set({ offset: Number(slider.value) }));

  const heard = ["n_draw", "offset", "seed"].map((name) => `change:${name}`);
  for (const event of heard) model.on(event, draw);
  const size = new ResizeObserver(draw);
  size.observe(root);
  drawNow();
  return () => {
    size.disconnect();
    cancelAnimationFrame(frame);
    for (const event of heard) model.off(event, draw);
  };
}

export default { render };
