// What the theme leaves wrong for those who read with a screen reader or with the keyboard.

const all = (selector) => document.querySelectorAll(selector);

// The button that changes the colours bears the names of three hidden icons beside its own.
for (const icon of all(".theme-switch")) {
  icon.removeAttribute("title"); // before the icons' script turns it into a drawing
  icon.querySelector("title")?.remove(); // and after
  icon.removeAttribute("aria-labelledby");
  icon.setAttribute("aria-hidden", "true");
}

// The search button's name is not what stands on it: "Search Ctrl+K".
all(".search-button-field").forEach((button) => button.removeAttribute("aria-label"));

// The book's title and the search button stand in the side bar, outside of every landmark.
for (const bar of all("#pst-primary-sidebar")) {
  bar.setAttribute("role", "complementary");
  bar.setAttribute("aria-label", "Book");
}

// Docutils gives each entry of the bibliography's list a role that is no list's item, and outdated.
all(".citation[role=doc-biblioentry]").forEach((entry) => entry.setAttribute("role", "listitem"));

// Sphinx puts the inner lists of its index of modules beside the items, not into them.
all("article ul > ul").forEach((list) => list.previousElementSibling?.append(list));

// A wide formula or result scrolls in its box, which the arrow keys reach only where it takes focus.
function reachable() {
  for (const box of all(".bd-article :is(div.math, span.math, mjx-container, .cell_output .output)")) {
    const own = box.hasAttribute("data-scrolls");
    const hidden = box.scrollWidth <= box.clientWidth;
    if (hidden && own) {
      box.removeAttribute("tabindex");
      box.removeAttribute("data-scrolls");
    } else if (!hidden && !own && !box.querySelector("a, button, input, [tabindex='0']")) {
      box.tabIndex = 0;
      box.setAttribute("data-scrolls", "");
    }
  }
}

addEventListener("resize", reachable);
addEventListener("load", async () => {
  await window.MathJax?.startup?.promise;
  reachable();
});
