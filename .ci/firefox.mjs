// Firefox for the tests of pages: each line of standard input is a command in JSON, [window, what,
// ...with], and is answered by a line, {value} or {error}. tests/browsers.py writes and reads them.
// node firefox.mjs MODULES FIREFOX PREFERENCES

import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [modules, executablePath, preferences] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const entry = pathToFileURL(require.resolve("puppeteer-core"));
const { default: puppeteer } = await import(entry);

const browser = await puppeteer.launch({
  browser: "firefox",
  executablePath,
  headless: true,
  extraPrefsFirefox: JSON.parse(preferences),
  timeout: 120_000,
  protocolTimeout: 180_000,
});
const windows = new Map(); // number -> {page, faults}
let front = null;

// Puppeteer types Firefox one letter at a time, and the editor indents as they come.
function paste(text) {
  const held = { data: text, dataType: "text/plain" };
  const event = new ClipboardEvent("paste", { ...held, bubbles: true, cancelable: true });
  const taken = !document.activeElement.dispatchEvent(event);
  if (!taken) document.execCommand("insertText", false, text);
}

const commands = {
  async open(_, number, width, height) {
    const page = await browser.newPage();
    const faults = [];
    page.on("console", (one) => one.type() === "error" && faults.push(one.text()));
    page.on("pageerror", (error) => faults.push(error.message));
    page.on("requestfailed", (one) => faults.push(`failed: ${one.url()}`));
    page.on("response", (one) => one.status() >= 400 && faults.push(`${one.status()}: ${one.url()}`));
    page.on("request", (one) => {
      const [scheme, , host] = one.url().split("/");
      if (/^https?:$/.test(scheme) && !host.startsWith("127.0.0.1:")) {
        faults.push(`another host: ${one.url()}`);
      }
    });
    await page.setViewport({ width, height });
    windows.set(number, { page, faults });
  },
  close: ({ page }) => page.close(),
  faults: ({ faults }) => faults,
  goto: async ({ page }, address) => void (await page.goto(address, { timeout: 90_000 })),
  evaluate: ({ page }, code) => page.evaluate(code),
  async press({ page }, keys) {
    const [last, ...held] = keys.split("+").reverse();
    for (const key of held.reverse()) await page.keyboard.down(key);
    await page.keyboard.press(last);
    for (const key of held) await page.keyboard.up(key);
  },
  insert: ({ page }, text) => page.evaluate(paste, text),
  mouse: ({ page }, what, x, y) => (what === "move" ? page.mouse.move(x, y) : page.mouse[what]()),
  touch: ({ page }, what, x, y) => page.touchscreen[`touch${what}`](x, y),
};

try {
  for await (const line of createInterface({ input: process.stdin })) {
    const [number, what, ...rest] = JSON.parse(line);
    const window = windows.get(number);
    let answer;
    try {
      if (window && front !== number) await window.page.bringToFront(); // another tab's clock is slow
      front = number;
      answer = { value: (await commands[what](window, ...(window ? rest : [number, ...rest]))) ?? null };
    } catch (error) {
      answer = { error: `${what}: ${error.message}` };
    }
    console.log(JSON.stringify(answer));
  }
} finally {
  await browser.close();
}
