// Mounts the live figures of a built page. Each stands in it as a static picture, its state as JSON
// and the name of its module; a figure whose module fails in any way keeps the picture.

const revive = (key, value) =>
  value?.base64 === undefined
    ? value
    : new DataView(Uint8Array.from(atob(value.base64), (c) => c.charCodeAt(0)).buffer);

// The part of a Jupyter widget's model that the modules use.
function model(state) {
  const listeners = new Map();
  const emit = (event) => listeners.get(event)?.forEach((listener) => listener());
  return {
    get: (name) => state[name],
    set(name, value) {
      if (state[name] === value) return;
      state[name] = value;
      emit(`change:${name}`);
    },
    on: (event, listener) => listeners.set(event, [...(listeners.get(event) ?? []), listener]),
    off: (event, listener) =>
      listeners.set(event, (listeners.get(event) ?? []).filter((other) => other !== listener)),
    save_changes() {},
  };
}

async function mount(figure) {
  const el = document.createElement("div");
  try {
    const state = JSON.parse(figure.querySelector("script").textContent, revive);
    const path = new URL(`./${figure.dataset.module}.mjs`, import.meta.url);
    const { default: module } = await import(path);
    figure.append(el);
    await module.render({ model: model(state), el });
    figure.querySelector(".attn-fallback").hidden = true;
    figure.dataset.mounted = "yes";
  } catch (error) {
    el.remove();
    figure.dataset.mounted = "no";
    console.warn("A live figure stays a picture:", error);
  }
}

const near = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      near.unobserve(target);
      mount(target);
    }
  },
  { rootMargin: "600px" },
);
document.querySelectorAll("figure.attn-live").forEach((figure) => near.observe(figure));
