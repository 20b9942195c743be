// A translator of German number words runs in the page, and shows the letters it looks at for each
// word. What is computed here is held to attn_course/seq2seq/reference.py and task.py by a test.

const [START, END, FIRST] = [1, 2, 3]; // tokens; 0 is padding
const LONGEST = 80; // letters
const MOST = 999999; // the largest number that is spelt

const UNITS = ["", "ein", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn",
  "elf", "zwölf", "dreizehn", "vierzehn", "fünfzehn", "sechzehn", "siebzehn", "achtzehn", "neunzehn"];
const TENS = ["", "", "zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig"];

/** A whole number below a million as one German word, in the spelling that the model was taught. */
export function german(number) {
  const below100 = (n) => (n < 20 ? UNITS[n] : UNITS[n % 10] + (n % 10 ? "und" : "") + TENS[Math.floor(n / 10)]);
  const below1000 = (n) => (n < 100 ? "" : `${UNITS[Math.floor(n / 100)]}hundert`) + below100(n % 100);
  if (number === 0) return "null";
  const one = (n) => below1000(n) + (n % 100 === 1 ? "s" : "");
  const many = Math.floor(number / 1000);
  // The teacher, num2words, says einhunderteinstausend, where the dictionary has no s.
  const thousands = many ? `${many === 1 ? "ein" : one(many)}tausend` : "";
  return thousands + one(number % 1000);
}

/** The arrays of a translator by name, from all their numbers, one array behind the other. */
export function unpack(tables, numbers) {
  let from = 0;
  const arrays = {};
  for (const [name, shape] of tables) {
    const size = shape.reduce((product, n) => product * n, 1);
    arrays[name] = { data: numbers.subarray(from, from + size), n: shape[0], width: shape[1] ?? 1 };
    from += size;
  }
  if (from !== numbers.length) throw new Error("the weights are incomplete");
  return arrays;
}

/** Translate a text greedily: tokens, their probabilities, and the weight of each letter for each. */
export function compute({ arrays, source_tokens, text, n_step }) {
  const row = (name, k) => {
    const { data, width } = arrays[name];
    return [...data.subarray(k * width, (k + 1) * width)];
  };
  const product = (name, vector) =>
    Array.from({ length: arrays[name].n }, (_, i) => {
      const { data, width } = arrays[name];
      let sum = 0;
      for (let j = 0; j < width; j++) sum += data[i * width + j] * vector[j];
      return sum;
    });
  const plus = (vector, name) => vector.map((value, k) => value + arrays[name].data[k]);
  const layer = (name, vector) => plus(product(`${name}.w`, vector), `${name}.b`);
  const sigmoid = (value) => 1 / (1 + Math.exp(-value));
  function gru(name, feature, hidden) {
    const n = hidden.length;
    const entering = plus(product(`${name}.w_input`, feature), `${name}.b_input`);
    const kept = plus(product(`${name}.w_hidden`, hidden), `${name}.b_hidden`);
    return hidden.map((old, k) => {
      const reset = sigmoid(entering[k] + kept[k]);
      const update = sigmoid(entering[n + k] + kept[n + k]);
      const fresh = Math.tanh(entering[2 * n + k] + reset * kept[2 * n + k]);
      return (1 - update) * fresh + update * old;
    });
  }
  function softmax(score) {
    const most = Math.max(...score);
    const bell = score.map((s) => Math.exp(s - most));
    const sum = bell.reduce((total, one) => total + one, 0);
    return bell.map((one) => one / sum);
  }

  const source = [...text].map((letter) => row("source_embedding", source_tokens.indexOf(letter, FIRST)));
  const annotation = source.map(() => []);
  const last = [];
  for (const reader of ["ahead", "back"]) {
    if (!(`${reader}.w_hidden` in arrays)) continue;
    let hidden = Array(arrays[`${reader}.w_hidden`].width).fill(0);
    const order = [...source.keys()];
    for (const j of reader === "ahead" ? order : order.reverse()) {
      hidden = gru(reader, source[j], hidden);
      annotation[j].push(...hidden);
    }
    last.push(...hidden);
  }
  const projected = annotation.map((one) => product("w_key", one));
  let state = layer("start", last).map(Math.tanh);
  const [token, probability, weight] = [[], [], []];
  while (token.length < n_step && token.at(-1) !== END) {
    const asked = product("w_query", state);
    const { data: v } = arrays.v;
    const score = projected.map((key) => key.reduce((sum, k, i) => sum + v[i] * Math.tanh(k + asked[i]), 0));
    const attended = softmax(score);
    const context = last.map((_, c) => annotation.reduce((sum, one, j) => sum + attended[j] * one[c], 0));
    const before = row("target_embedding", token.at(-1) ?? START);
    state = gru("cell", [...before, ...context], state);
    let joined = [...state, ...before, ...context];
    if ("maxout.w" in arrays) {
      const pairs = layer("maxout", joined);
      joined = Array.from({ length: pairs.length / 2 }, (_, k) => Math.max(pairs[2 * k], pairs[2 * k + 1]));
    }
    const share = softmax(layer("readout", joined));
    const most = Math.max(...share);
    token.push(share.indexOf(most));
    probability.push(most);
    weight.push(attended);
  }
  return { token, probability, weight };
}

/** Colour of a weight from 0 to 1, from dark to bright, as in a heat map. */
export function heat(level) {
  const stops = [[20, 24, 30], [208, 102, 10], [255, 238, 208]];
  const at = Math.min(Math.max(level, 0), 1) * 2;
  const first = Math.min(Math.floor(at), 1);
  return stops[first].map((value, c) => value + (at - first) * (stops[first + 1][c] - value));
}

function ink(colour) {
  const [red, green, blue] = colour
    .map((value) => value / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000" : "#fff";
}

const css = `
.attn-alignment { --accent: #d0660a;
  --ink: var(--pst-color-text-base, var(--jp-ui-font-color1, currentColor));
  --soft: var(--pst-color-text-muted, var(--jp-ui-font-color2, currentColor));
  --line: var(--pst-color-text-muted, var(--jp-border-color1, #6b727c));
  container-type: inline-size; max-width: 46rem; color: var(--ink); font-size: 0.875rem; line-height: 1.35;
  font-variant-numeric: tabular-nums; }
.attn-alignment * { box-sizing: border-box; }
.attn-alignment p { margin: 0.4rem 0; }
.attn-alignment :is(.ask, .walk) { display: flex; flex-wrap: wrap; gap: 0.5rem 0.7rem; align-items: end; }
.attn-alignment .ask label { flex: 1 1 16rem; margin: 0; }
.attn-alignment label span { display: block; color: var(--soft); margin-bottom: 0.2rem; }
.attn-alignment input { width: 100%; min-height: 40px; padding: 0 0.6rem; font: inherit; font-size: 1rem; color: inherit; background: transparent; border: 1px solid var(--line); border-radius: 4px; }
.attn-alignment input[aria-invalid="true"] { border: 2px dashed var(--accent); }
.attn-alignment button { font: inherit; color: inherit; background: none; border: 1px solid var(--line); border-radius: 4px; cursor: pointer; min-height: 40px; padding: 0 0.8rem; }
.attn-alignment button:hover { border-color: currentColor; }
.attn-alignment button:disabled { opacity: 0.5; cursor: default; }
.attn-alignment .trouble { min-height: 1.35em; overflow-wrap: anywhere; }
.attn-alignment .board { display: grid; grid-template-columns: fit-content(40%) minmax(0, var(--wide)); gap: 6px 8px; padding: 0 4px 4px 0; }
.attn-alignment .letters { grid-area: 1 / 2; display: grid; grid-auto-flow: column; grid-auto-columns: minmax(0, 1fr); outline: 1px solid #8b8e94; }
.attn-alignment .letters span { height: 32px; line-height: 32px; text-align: center; font-size: min(1.05rem, var(--size)); overflow: hidden; }
.attn-alignment .dense .letters { grid-area: 1 / 1 / 2 / 3; display: flex; flex-wrap: wrap; outline: none; margin-bottom: 0.5rem; }
.attn-alignment .dense .letters span { width: 1.35rem; height: 1.8rem; line-height: 1.8rem; font-size: 1rem; }
.attn-alignment .rows { grid-area: 2 / 1; display: grid; grid-auto-rows: 30px; align-items: center; justify-items: end; }
.attn-alignment .rows span { color: var(--soft); white-space: nowrap; }
.attn-alignment .rows span.on { color: var(--ink); font-weight: 600; }
.attn-alignment .cells { grid-area: 2 / 2; position: relative; cursor: pointer; touch-action: pan-y pinch-zoom; outline: 1px solid #8b8e94; }
.attn-alignment canvas { position: absolute; width: 100%; height: 100%; image-rendering: pixelated; }
.attn-alignment .cells i { position: absolute; left: 0; right: 0; height: 30px; box-shadow: 0 0 0 1px #000, inset 0 0 0 2px #fff, inset 0 0 0 3px #000; pointer-events: none; }
.attn-alignment .so-far { font-size: 1.05rem; margin: 0.3rem 0 0.6rem; }
.attn-alignment .so-far b { border-bottom: 3px solid var(--accent); font-weight: 600; }
.attn-alignment .walk { align-items: center; margin-top: 0.5rem; }
.attn-alignment .read-out { color: var(--soft); min-height: 2.7em; }
.attn-alignment .read-out b { color: var(--ink); font-weight: 600; }
.attn-alignment .heard { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.attn-alignment :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
@media print { .attn-alignment :is(.ask, .walk, .trouble) { display: none; } }
`;

const body = `
<div class="ask">
  <label><span>A German number word, or a number up to 999 999</span><input type="text" maxlength="120" lang="de" autocomplete="off" autocapitalize="none" spellcheck="false"></label>
  <button type="button" class="another">Another number</button>
</div>
<p class="trouble" role="status"></p>
<p class="so-far" lang="en"></p>
<div class="board">
  <div class="letters" aria-hidden="true"></div>
  <div class="rows" aria-hidden="true"></div>
  <div class="cells" role="slider" tabindex="0" aria-valuemin="1"><canvas></canvas><i></i></div>
</div>
<div class="walk">
  <button type="button" class="back">Back a word</button>
  <button type="button" class="next">Next word</button>
  <span class="place"></span>
</div>
<p class="read-out"></p>
<span class="heard" role="status" aria-live="polite"></span>`;

const CELL = 40; // pixels, at most
const ALIGNED = 13; // narrower columns have no room for their letters
const ROW = 30;
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

function render({ model, el }) {
  el.innerHTML = `<div class="attn-alignment"><style>${css}</style>${body}</div>`;
  const root = el.querySelector(".attn-alignment");
  const find = (selector) => root.querySelector(selector);
  const [source_tokens, names, n_step] = ["source_tokens", "target_tokens", "n_step"].map((name) => model.get(name));
  const view = model.get("weights"); // copied: it need not begin at a multiple of four bytes
  const bytes = view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
  const arrays = unpack(model.get("tables"), new Float32Array(bytes));
  const known = source_tokens.slice(FIRST);
  const [field, trouble, board, cells] = ["input", ".trouble", ".board", ".cells"].map(find);
  const [letters, rows, canvas, mark] = [".letters", ".rows", "canvas", ".cells i"].map(find);
  const [back, next] = [".back", ".next"].map(find);
  cells.setAttribute("aria-label", `${model.get("alt")}; the arrow keys walk through the words`);

  let now = null; // the translation of the text
  let shown = null; // that text
  const called = (token) => (token === END ? "(end)" : names[token]);

  /** The letters that the reader means, or what is wrong with them. */
  function meant(typed) {
    const text = typed.trim().toLowerCase().replace(/\s+/g, "");
    if (!text) return { wrong: "Type a German number word, or a number." };
    const digits = text.replace(/[.,]/g, "");
    if (/^[-+]?\d+$/.test(digits) && !known.some((letter) => /\d/.test(letter))) {
      const number = Number(digits);
      if (number < 0 || number > MOST) return { wrong: "The number must lie between 0 and 999 999." };
      return spelt(german(number), `${number} is “${german(number)}”.`);
    }
    return spelt(text, "");
  }
  function spelt(text, words) {
    const strange = [...new Set(text)].filter((letter) => !known.includes(letter));
    const list = strange.map((letter) => `“${letter}”`).join(", ");
    if (strange.length) return { wrong: `The model has never met ${list}. It knows the letters ${known.join(" ")}.` };
    if ([...text].length > LONGEST) return { wrong: `The word must have at most ${LONGEST} letters.` };
    return { text, words };
  }

  function paint(weight, step) {
    const n = weight[0].length;
    Object.assign(canvas, { width: n, height: weight.length });
    const context = canvas.getContext("2d");
    const pixels = context.createImageData(n, weight.length);
    weight.flat().forEach((one, p) => {
      heat(one).forEach((value, c) => (pixels.data[4 * p + c] = value));
      pixels.data[4 * p + 3] = Math.floor(p / n) > step ? 70 : 255; // what is to come is pale
    });
    context.putImageData(pixels, 0, 0);
  }

  const spans = (texts) => texts.map((text) => Object.assign(document.createElement("span"), { textContent: text }));

  let silence = null;
  function draw() {
    const text = model.get("text");
    if (text !== shown) {
      now = compute({ arrays, source_tokens, text, n_step });
      shown = text;
      letters.replaceChildren(...spans([...text]));
      rows.replaceChildren(...spans(now.token.map(called)));
      if (meant(field.value).text !== text) {
        field.value = text;
        complain({ text, words: "" });
      }
      arrange();
    }
    const { token, probability, weight } = now;
    const step = clamp(model.get("step"), 0, token.length - 1);
    paint(weight, step);
    mark.style.top = `${step * ROW}px`;
    [...rows.children].forEach((name, k) => name.classList.toggle("on", k === step));
    [...letters.children].forEach((letter, j) => {
      const colour = heat(weight[step][j]).map(Math.round);
      letter.style.background = `rgb(${colour.join(" ")})`;
      letter.style.color = ink(colour);
    });
    const soFar = token.slice(0, step + 1).map((one, k) => {
      const word = document.createElement(k === step ? "b" : "span");
      word.textContent = called(one);
      return word;
    });
    find(".so-far").replaceChildren("Written so far: ", ...soFar.flatMap((word) => [word, " "]));
    const best = [...weight[step].keys()].sort((a, b) => weight[step][b] - weight[step][a]).slice(0, 3);
    const looks = best.map((j) => `${[...text][j]} (letter ${j + 1}) ${weight[step][j].toFixed(2)}`).join(", ");
    const word = Object.assign(document.createElement("b"), { textContent: called(token[step]) });
    const chance = `, probability ${probability[step].toFixed(2)}. Most weight on ${looks}.`;
    const endless = token.at(-1) === END ? "" : ` No end within ${n_step} words.`;
    find(".read-out").replaceChildren(word, chance + endless);
    const place = `word ${step + 1} of ${token.length}`;
    find(".place").textContent = place;
    [back.disabled, next.disabled] = [step === 0, step === token.length - 1];
    cells.setAttribute("aria-valuemax", token.length);
    cells.setAttribute("aria-valuenow", step + 1);
    cells.setAttribute("aria-valuetext", `${place}: ${called(token[step])}${chance}`);
    clearTimeout(silence);
    silence = setTimeout(() => (find(".heard").textContent = `${place}: ${called(token[step])}${chance}`), 600);
    Object.assign(root.dataset, {
      text, step, token: JSON.stringify(token),
      probability: JSON.stringify(probability), weight: JSON.stringify(weight),
    });
  }

  // Letters stand over their columns; where these are too narrow, they run on as in a sentence.
  function arrange() {
    const n = letters.childElementCount;
    cells.style.height = `${ROW * now.token.length}px`;
    board.style.setProperty("--wide", `${CELL * n}px`);
    const wide = cells.clientWidth / n;
    board.classList.toggle("dense", wide < ALIGNED);
    board.style.setProperty("--size", `${wide}px`);
  }

  function complain({ wrong, words }) {
    trouble.textContent = wrong ?? words;
    field.setAttribute("aria-invalid", wrong ? "true" : "false");
    root.dataset.trouble = wrong ?? "";
  }
  function set(changes) {
    for (const [name, value] of Object.entries(changes)) model.set(name, value);
    model.save_changes();
  }
  const go = (step) => set({ step: clamp(step, 0, now.token.length - 1) });
  function typed() {
    const found = meant(field.value);
    complain(found);
    if (found.text && found.text !== model.get("text")) set({ text: found.text, step: 0 });
  }

  field.addEventListener("input", typed);
  for (const kind of ["keydown", "keyup"]) {
    field.addEventListener(kind, (event) => event.stopPropagation()); // Jupyter has keys of its own
  }
  find(".another").addEventListener("click", () => {
    field.value = String(Math.floor(10 ** (1 + 5 * Math.random())));
    typed();
  });
  back.addEventListener("click", () => go(model.get("step") - 1));
  next.addEventListener("click", () => go(model.get("step") + 1));
  const point = (event) => go(Math.floor((event.clientY - cells.getBoundingClientRect().top) / ROW));
  cells.addEventListener("click", point);
  cells.addEventListener("pointermove", (event) => event.buttons && point(event));
  cells.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = model.get("step");
    const keys = {
      ArrowLeft: step - 1, ArrowUp: step - 1, ArrowRight: step + 1, ArrowDown: step + 1,
      Home: 0, End: now.token.length - 1,
    };
    if (!(event.key in keys)) return;
    event.preventDefault();
    event.stopPropagation();
    go(keys[event.key]);
  });

  field.value = model.get("text");
  for (const name of ["text", "step"]) model.on(`change:${name}`, draw);
  const size = new ResizeObserver(arrange);
  draw();
  size.observe(root);
  return () => {
    size.disconnect();
    clearTimeout(silence);
    for (const name of ["text", "step"]) model.off(`change:${name}`, draw);
  };
}

export default { render };
