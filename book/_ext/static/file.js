// A page that was opened as a file: browsers let no file load the modules that move its figures and
// run its cells. This script is no module, and says so.

addEventListener("DOMContentLoaded", () => {
  const title = document.querySelector("article h1");
  if (location.protocol !== "file:" || !title) return;
  const note = document.createElement("p");
  note.className = "attn-note";
  note.setAttribute("role", "note");
  note.textContent =
    "This page was opened as a file, so its figures stand still and its cells do not run. To bring " +
    "them to life, run “python -m http.server” in the book's folder, the one with index.html, and " +
    "open http://localhost:8000.";
  title.after(note);
});
