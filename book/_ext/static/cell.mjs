// One live cell of a page: its code, the editor in its place, the buttons, and what comes out.

const SECONDS = 10; // that a cell may run, unless it asks for more

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

// The place of a cell's output, which tells of what comes into it.
class Output {
  constructor(cell) {
    this.box = cell.querySelector(".cell_output") ?? make("div", { className: "cell_output" });
    if (!this.box.isConnected) cell.append(this.box);
    this.box.setAttribute("aria-live", "polite");
    this.stored = [...this.box.childNodes];
  }

  show({ text, html, error, loaded }) {
    const parts = [];
    if (text) {
      const box = make("div", { className: "highlight" }, make("pre", {}, text.trimEnd()));
      parts.push(make("div", { className: "output stream" }, box));
    }
    if (html) parts.push(make("div", { className: "output attn-html", innerHTML: html }));
    if (error) parts.push(fault(error));
    if (!loaded) parts.push(...this.stored); // the fault is not the code's
    this.box.replaceChildren(...(parts.length ? parts : [note("It ran, and printed nothing.")]));
    this.box.closest("details")?.setAttribute("open", "");
  }

  restore() {
    this.box.replaceChildren(...this.stored);
  }
}

// One cell: its text, and the buttons below it.
export class Cell {
  busy = false;
  cancelled = false;
  ran = null; // the text that Python has run in its present state

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
    this.output = new Output(this.element);
    this.run = button("Run", () => (this.busy ? stop(this) : perform(this)));
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
      this.verdict = new Output(its);
      this.check = button("Check", () => this.busy || perform(this, true));
      this.bar.append(this.check);
    }
    this.bar.append(this.reset, this.status, this.bytes);
    this.input.after(this.help, this.bar);
    this.reset.disabled = true;
    const [from, text] = attempt(() => JSON.parse(sessionStorage.getItem(this.key))) ?? [];
    if (from === this.original) {
      this.pre.textContent = text; // until the editor is opened, without colours
      this.changed(text);
      this.tell("As you left it");
    }
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
  }

  // Back to the book's code and output; pressed again, to the reader's code.
  restore() {
    const [text, before] = [this.dropped ?? this.original, this.text];
    if (this.editor) this.editor.set(text);
    else if (text === this.original) this.pre.replaceChildren(...this.stored);
    else this.pre.textContent = text;
    this.changed(text);
    if (text === this.original && before !== text) {
      this.dropped = before;
      this.reset.textContent = "Undo reset";
    }
    this.output.restore();
    this.verdict?.restore();
    this.tell("");
  }

  tell(words, bytes = "") {
    if (this.status.textContent !== words) this.status.textContent = words;
    this.bytes.textContent = bytes;
  }

  set working(busy) {
    this.busy = busy;
    this.cancelled = false;
    this.run.textContent = busy ? "Stop" : "Run";
    this.reset.disabled = busy;
    this.check?.setAttribute("aria-disabled", busy);
    this.element.setAttribute("aria-busy", busy);
  }
}
