// The editor of a live cell where CodeMirror could not be had: a plain text box.

// As `open` in .ci/codemirror/editor.mjs.
export function open({ parent, text, label, describe, onchange, onrun }) {
  const area = document.createElement("textarea");
  area.value = text;
  area.spellcheck = false;
  area.autocapitalize = "off";
  area.setAttribute("aria-label", label);
  area.setAttribute("aria-describedby", describe);
  const fit = () => (area.rows = area.value.split("\n").length + 1);
  area.addEventListener("input", () => {
    fit();
    onchange(area.value);
  });
  area.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey || event.shiftKey)) return;
    event.preventDefault();
    onrun();
  });
  fit();
  parent.append(area);
  return {
    help: "Tab leaves the editor.",
    get: () => area.value,
    set(text) {
      area.value = text;
      fit();
      onchange(text);
    },
    focus: () => area.focus(),
  };
}
