// The built book in Firefox: each page opened, a live figure moved by the keyboard, an exercise
// run; no console error, no request to another host. Called by tests/test_pages_firefox.py:
// node firefox.mjs MODULES FIREFOX ADDRESS PAGE...   writes what went wrong, a line each.

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [modules, executablePath, address, ...pages] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const entry = pathToFileURL(require.resolve("puppeteer-core"));
const { default: puppeteer } = await import(entry);

const browser = await puppeteer.launch({
  browser: "firefox",
  executablePath,
  headless: true,
  timeout: 120_000,
  protocolTimeout: 180_000,
});
const done = { figures: 0, cells: 0 };

async function moved(window) {
  for (const figure of await window.$$("figure.attn-live")) {
    await figure.evaluate((one) => one.scrollIntoView());
    await window.waitForFunction((one) => one.dataset.mounted, { timeout: 60_000 }, figure);
    const state = () =>
      figure.evaluate((one) => JSON.stringify([
        one.innerText,
        [...one.querySelectorAll("*")].map((part) => [{ ...part.dataset }, part.value]),
      ]));
    const before = await state();
    const handle = await figure.$("canvas[tabindex], [role=slider], input[type=range], [tabindex='0']");
    if (!handle) {
      console.log(`${window.url()}: a figure with nothing to move`);
      continue;
    }
    await handle.focus();
    await window.keyboard.press("ArrowRight");
    await new Promise((wait) => setTimeout(wait, 300));
    if ((await state()) === before) console.log(`${window.url()}: a figure that does not move`);
    else done.figures += 1;
  }
}

async function ran(window) {
  const bar = await window.waitForSelector(".attn-bar", { timeout: 60_000 });
  const press = (words) =>
    bar.evaluate((one, name) => {
      [...one.querySelectorAll("button")].find((it) => it.textContent === name).click();
    }, words);
  await press("Run");
  await window.waitForFunction(
    (one) => /^(Ran|Stopped by)/.test(one.querySelector(".attn-status").textContent),
    { timeout: 120_000 },
    bar,
  );
  const told = await bar.$eval(".attn-status", (one) => one.textContent);
  console.error(`Firefox: the first cell: ${told}`);
  done.cells += 1;
}

try {
  for (const page of pages) {
    const window = await browser.newPage();
    const fault = (words) => console.log(`${page}: ${words}`);
    window.on("console", (one) => one.type() === "error" && fault(one.text()));
    window.on("pageerror", (error) => fault(error.message));
    window.on("request", (one) => {
      const url = one.url();
      if (!/^(data|blob):/.test(url) && !url.startsWith(address)) fault(`another host: ${url}`);
    });
    try {
      await window.goto(address + page, { waitUntil: "load", timeout: 90_000 });
      await moved(window);
      const python = await window.evaluate(async (base) => {
        const { files } = await import(`${base}_static/attn/files.mjs`);
        return Boolean(files && document.querySelector("[data-part=starter], .tag_live"));
      }, address);
      if (python) await ran(window);
    } catch (error) {
      fault(`${error.message.split("\n")[0]}`);
    }
    await window.close();
  }
} finally {
  await browser.close();
}
console.error(`Firefox: ${pages.length} pages, ${done.figures} figures moved, ${done.cells} cells run`);
