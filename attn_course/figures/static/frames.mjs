// Frames computed beforehand, a slider to walk through them and a button that plays them. For those
// who ask for less motion nothing plays: the button goes to the next frame.

const css = `
.attn-frames { --attn-accent: #d0660a; --line: var(--pst-color-border, var(--jp-border-color1, #9ca4af));
  max-width: 26rem; font-size: 0.9rem; line-height: 1.4;
  color: var(--pst-color-text-base, var(--jp-ui-font-color1, currentColor)); }
.attn-frames canvas { display: block; width: 100%; image-rendering: pixelated; border-radius: 3px; outline: 1px solid var(--line); outline-offset: -1px; }
.attn-frames p { margin: 0.4rem 0; font-variant-numeric: tabular-nums; }
.attn-frames div { display: flex; gap: 0.75rem; align-items: center; }
.attn-frames input { flex: 1; min-width: 0; margin: 0; height: 24px; -webkit-appearance: none; appearance: none; background: none; cursor: pointer; }
.attn-frames ::-webkit-slider-runnable-track { height: 4px; border-radius: 2px; background: color-mix(in srgb, currentColor 55%, transparent); }
.attn-frames ::-moz-range-track { height: 4px; border-radius: 2px; background: color-mix(in srgb, currentColor 55%, transparent); }
.attn-frames ::-webkit-slider-thumb { -webkit-appearance: none; width: 16px; height: 16px; margin-top: -6px; border: 0; border-radius: 50%; background: var(--attn-accent); }
.attn-frames ::-moz-range-thumb { width: 16px; height: 16px; border: 0; border-radius: 50%; background: var(--attn-accent); }
.attn-frames button { font: inherit; min-width: 4.2rem; min-height: 28px; padding: 0 0.6rem; color: inherit;
  background: none; border: 1px solid var(--line); border-radius: 4px; cursor: pointer; }
.attn-frames :focus-visible { outline: 2px solid var(--attn-accent); outline-offset: 2px; }
`;

function render({ model, el }) {
  el.innerHTML = `<style>${css}</style><div class="attn-frames" style="display:block">
    <canvas role="img"></canvas><p></p>
    <div><button type="button">play</button><input type="range" min="0" step="1"></div></div>`;
  const root = el.querySelector(".attn-frames");
  const [canvas, caption, button, slider] = ["canvas", "p", "button", "input"].map((tag) =>
    root.querySelector(tag),
  );
  const [nFrame, height, width, nChannel] = model.get("shape");
  const captions = model.get("captions");
  const view = model.get("images");
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  if (bytes.length !== nFrame * height * width * nChannel) throw new Error("frames are incomplete");
  Object.assign(canvas, { width, height });
  canvas.setAttribute("aria-label", model.get("alt"));
  slider.max = nFrame - 1;
  slider.setAttribute("aria-label", model.get("label"));
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(width, height);
  pixels.data.fill(255);

  function draw() {
    const index = model.get("index");
    const start = index * height * width * nChannel;
    for (let p = 0; p < height * width; p++) {
      for (let c = 0; c < 3; c++) {
        pixels.data[4 * p + c] = bytes[start + p * nChannel + (nChannel === 3 ? c : 0)];
      }
    }
    context.putImageData(pixels, 0, 0);
    caption.textContent = captions[index];
    slider.value = index;
    slider.setAttribute("aria-valuetext", captions[index]);
    root.dataset.index = index;
  }

  function go(index) {
    model.set("index", index);
    model.save_changes();
  }

  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let clock = null;
  function stop() {
    clearInterval(clock);
    clock = null;
    button.textContent = calm.matches ? "next" : "play";
  }
  button.addEventListener("click", () => {
    if (clock !== null) return stop();
    if (calm.matches) return go((model.get("index") + 1) % nFrame);
    if (model.get("index") === nFrame - 1) go(0);
    button.textContent = "pause";
    clock = setInterval(() => {
      if (model.get("index") < nFrame - 1) go(model.get("index") + 1);
      else stop();
    }, 200);
  });
  slider.addEventListener("input", () => {
    stop();
    go(Number(slider.value));
  });
  calm.addEventListener("change", stop);
  model.on("change:index", draw);
  stop();
  draw();
  return () => {
    stop();
    calm.removeEventListener("change", stop);
    model.off("change:index", draw);
  };
}

export default { render };
