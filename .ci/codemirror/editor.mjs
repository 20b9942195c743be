// The editor of a live cell: CodeMirror with what a short piece of Python needs, and no more. The
// colours are those of the page's own code, in both themes: tokens bear the classes of Pygments.

import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { python } from "@codemirror/lang-python";
import {
  bracketMatching,
  indentOnInput,
  indentUnit,
  syntaxHighlighting,
} from "@codemirror/language";
import { EditorState } from "@codemirror/state";
import { drawSelection, EditorView, keymap } from "@codemirror/view";
import { tagHighlighter, tags as t } from "@lezer/highlight";

const pygments = tagHighlighter([
  { tag: t.keyword, class: "k" },
  { tag: [t.definitionKeyword, t.controlKeyword], class: "k" },
  { tag: t.moduleKeyword, class: "kn" },
  { tag: [t.bool, t.null, t.self], class: "kc" },
  { tag: t.operatorKeyword, class: "ow" },
  { tag: t.operator, class: "o" },
  { tag: t.comment, class: "c1" },
  { tag: t.string, class: "s2" },
  { tag: t.docString, class: "sd" },
  { tag: t.number, class: "mi" },
  { tag: t.function(t.definition(t.variableName)), class: "nf" },
  { tag: t.definition(t.className), class: "nc" },
  { tag: t.meta, class: "nd" },
]);

const dress = EditorView.theme({
  "&": { color: "inherit", backgroundColor: "transparent" },
  ".cm-content": { caretColor: "currentColor" },
  ".cm-cursor": { borderLeftColor: "currentColor" },
  "&.cm-focused": { outline: "none" }, // its frame shows the focus
  ".cm-scroller": { font: "inherit", lineHeight: "inherit" },
});

// Put an editor into `parent`, which has the class `highlight`. `describe` is the id of the words on
// how to leave it. Gives {help, get, set, focus}.
export function open({ parent, text, label, describe, onchange, onrun }) {
  const run = { key: "Ctrl-Enter", mac: "Cmd-Enter", run: () => (onrun(), true) };
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: text,
      extensions: [
        keymap.of([
          run,
          { ...run, key: "Shift-Enter", mac: "Shift-Enter" },
          { ...run, mac: "Ctrl-Enter" },
          ...defaultKeymap,
          ...historyKeymap,
          indentWithTab,
        ]),
        history(),
        drawSelection(),
        indentUnit.of("    "),
        indentOnInput(),
        bracketMatching(),
        python(),
        syntaxHighlighting(pygments),
        dress,
        EditorView.contentAttributes.of({
          "aria-label": label,
          "aria-describedby": describe,
          tabindex: "0", // or what scrolls sideways counts as out of reach
        }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) onchange(view.state.doc.toString());
        }),
      ],
    }),
  });
  return {
    help: "Tab indents; Escape and then Tab leaves the editor.",
    get: () => view.state.doc.toString(),
    set: (text) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } }),
    focus: () => view.focus(),
  };
}
