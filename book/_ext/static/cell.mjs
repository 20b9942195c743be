// One live cell of a page: its code, the editor in its place, the buttons, and what comes out.

const SECONDS = 10; // that a cell may run, unless it asks for more
const TWICE = 400; // milliseconds in which a second click belongs to the first
const BOOKS = "The book's output, of the book's code:";
const EARLIER = "From before the code was changed:";

const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};
export const note = (words) => make("p", { className: "attn-note" }, words);
const fault = (words) => make("pre", { className: "attn-error" }, words);

function attempt(action) {
  try {
    return action();
  } catch {
    return null; // a browser may forbid to keep anything
  }
}

// The keyboard reaches what scrolls where it takes focus, and then it needs a name.
const reach = new ResizeObserver((entries) => {
  for (const { target: box } of entries) {
    const fits = box.scrollHeight <= box.clientHeight && box.scrollWidth <= box.clientWidth;
    const facts = { tabindex: "0", role: "group", "aria-label": box.dataset.name };
    for (const [name, value] of Object.entries(facts)) {
      if (fits) box.removeAttribute(name);
      else box.setAttribute(name, value);
    }
  }
});

// Each line hangs: what does not fit goes on below the words, not below the margin or the verdict.
const hung = (line, i, { length }) => {
  const part = make("span", { className: "attn-line" }, i + 1 < length ? `${line}\n` : line);
  const [indent] = line.match(/^ *(passed {3}|not yet {2})?/);
  part.style.setProperty("--hang", `${indent.length}ch`);
  return part;
};

// The place of a cell's output, which tells of what comes into it.
class Output {
  constructor(cell, name, hangs = false) {
    Object.assign(this, { name, hangs });
    this.box = cell.querySelector(".cell_output") ?? make("div", { className: "cell_output" });
    if (!this.box.isConnected) cell.append(this.box);
    this.box.setAttribute("aria-live", "polite");
    this.stored = [...this.box.childNodes];
    this.whose = note("");
    this.whose.hidden = true;
    this.box.before(this.whose);
    this.of = null; // the code that gave it; null for the book's output
  }

  show({ text, html, error, loaded }, of) {
    const parts = [];
    if (error) parts.push(fault(error)); // a long text would bury it
    if (text) {
      const lines = text.trimEnd();
      const pre = make("pre", {}, ...(this.hangs ? lines.split("\n").map(hung) : [lines]));
      pre.dataset.name = this.name;
      reach.observe(pre);
      const box = make("div", { className: "highlight" }, pre);
      parts.push(make("div", { className: "output stream" }, box));
    }
    if (html) parts.push(make("div", { className: "output attn-html", innerHTML: html }));
    if (!loaded) parts.push(...this.stored); // the fault is not the code's
    this.box.replaceChildren(...(parts.length ? parts : [note("It ran, and printed nothing.")]));
    this.box.closest("details")?.setAttribute("open", "");
    this.of = loaded ? of : null;
  }

  // Say whose output it is where it is not that of the code as it now reads.
  mark(now, book) {
    const fits = now === (this.of ?? book) || !this.box.hasChildNodes();
    this.whose.textContent = fits ? "" : this.of === null ? BOOKS : EARLIER;
    this.whose.hidden = fits;
  }

  restore() {
    this.box.replaceChildren(...this.stored);
    this.of = null;
  }
}

const dressed = []; // cells

// One cell: its text, and the buttons below it.
export class Cell {
  busy = false;
  cancelled = false;
  ran = null; // the text that Python has run in its present state
  under = []; // the cells that an exercise builds on
  of = null; // the code that the status speaks of

  constructor(element, number) {
    const { exercise, needs, after, seconds } = element.dataset;
    Object.assign(this, { element, exercise, needs, number });
    this.name = exercise ?? `Cell ${number}`;
    this.after = after?.split(" ") ?? [];
    this.seconds = Number(seconds ?? SECONDS);
    this.input = element.querySelector(".cell_input");
    this.pre = this.input.querySelector("pre");
    this.stored = [...this.pre.childNodes];
    this.text = this.original = this.pre.textContent.trimEnd();
    this.key = `attn-live ${location.pathname} ${this.name}`;
  }

  dress(perform, stop) {
    const button = (words, action) =>
      make("button", { type: "button", className: "attn-button", onclick: action }, words);
    this.perform = perform;
    this.output = new Output(this.element, `Output of ${this.name}`);
    this.run = button("Run", () => {
      if (!this.busy) perform(this);
      else if (performance.now() - this.began > TWICE) stop(this);
    });
    this.edit = button("Edit", () => this.open());
    this.reset = button("Reset", () => this.restore());
    this.status = make("span", { className: "attn-status", role: "status" });
    this.bytes = make("span", { className: "attn-status" });
    this.help = make("p", { className: "attn-help", id: `attn-help-${this.number}`, hidden: true });
    const title = make("span", { className: "attn-cell" }, this.name);
    this.bar = make("div", { className: "attn-bar", role: "group", ariaLabel: this.name });
    this.bar.append(title, this.edit, this.run);
    const checks = document.querySelectorAll("div.cell[data-part=check]");
    const its = [...checks].find((cell) => cell.dataset.exercise === this.exercise);
    if (this.exercise && its) {
      this.verdict = new Output(its, `Check of ${this.name}`, true);
      this.check = button("Check", () => this.busy || perform(this, true));
      this.bar.append(this.check);
    }
    this.bar.append(this.reset, this.status, this.bytes);
    this.input.after(this.help, this.bar);
    this.reset.disabled = true;
    dressed.push(this);
    const [from, text] = attempt(() => JSON.parse(sessionStorage.getItem(this.key))) ?? [];
    if (from === this.original) {
      this.paint(text);
      this.changed(text);
      this.of = this.whole();
      this.tell("As you left it");
    }
  }

  // The code that an output stands on.
  whole(key = "text") {
    return [...this.under, this].map((one) => one[key]).join("\n");
  }

  // What was said of other code holds no more.
  mark() {
    const [now, book] = [this.whole(), this.whole("original")];
    this.output.mark(now, book);
    this.verdict?.mark(now, book);
    if (!this.busy && now !== this.of) this.tell("");
  }

  // Until the editor is opened only those lines have colours that the book has too.
  paint(text) {
    const known = new Map();
    const box = make("pre");
    box.append(...this.stored.map((one) => one.cloneNode(true)));
    for (const line of box.innerHTML.split("\n")) {
      box.innerHTML = line;
      known.set(box.textContent, line);
    }
    this.pre.replaceChildren();
    text.split("\n").forEach((line, i) => {
      if (i) this.pre.append("\n");
      if (known.has(line)) this.pre.insertAdjacentHTML("beforeend", known.get(line));
      else this.pre.append(line);
    });
  }

  // Put the editor in the place of the code.
  async open() {
    this.opening ??= import("./editor.mjs")
      .catch(() => import("./textarea.mjs"))
      .then(({ open }) => {
        this.box = make("div", { className: "highlight attn-editor" });
        // The theme's shortcuts, such as the slash for the search, are for the rest of the page.
        this.box.addEventListener("keydown", (event) => event.stopPropagation());
        this.input.append(this.box);
        this.input.classList.add("attn-edited");
        this.editor = open({
          parent: this.box,
          text: this.text,
          label: `Code of ${this.name}`,
          describe: this.help.id,
          onchange: (text) => this.changed(text),
          onrun: () => this.perform(this),
        });
        this.help.textContent = `Ctrl+Enter runs the cell. ${this.editor.help}`;
        this.help.hidden = false;
      });
    try {
      await this.opening;
      this.editor.focus();
      this.edit.hidden = true;
    } catch {
      this.opening = undefined;
      this.tell("The editor could not be loaded");
    }
  }

  changed(text) {
    this.text = text;
    this.dropped = undefined;
    this.reset.textContent = "Reset";
    this.reset.disabled = this.busy;
    attempt(() =>
      text === this.original
        ? sessionStorage.removeItem(this.key)
        : sessionStorage.setItem(this.key, JSON.stringify([this.original, text])),
    );
    dressed.forEach((cell) => cell.mark());
  }

  // Back to the book's code and output; pressed again, to the reader's code.
  restore() {
    const [text, before] = [this.dropped ?? this.original, this.text];
    if (this.editor) this.editor.set(text);
    else if (text === this.original) this.pre.replaceChildren(...this.stored);
    else this.paint(text);
    this.changed(text);
    if (text === this.original && before !== text) {
      this.dropped = before;
      this.reset.textContent = "Undo reset";
    }
    this.output.restore();
    this.verdict?.restore();
    this.mark();
    this.tell("");
  }

  tell(words, bytes = "") {
    if (this.status.textContent !== words) this.status.textContent = words;
    this.bytes.textContent = bytes;
  }

  set working(busy) {
    this.busy = busy;
    this.began = performance.now();
    this.cancelled = false;
    this.run.textContent = busy ? "Stop" : "Run";
    this.reset.disabled = busy;
    this.check?.setAttribute("aria-disabled", busy);
    this.element.setAttribute("aria-busy", busy);
    if (!busy) dressed.forEach((cell) => cell.mark()); // what was written while it ran
  }
}
