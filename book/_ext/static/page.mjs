// The one Python of a page, for all that runs code in it. It stands in a module of its own since a
// page loads its scripts with a version in their address: imported by the bare name, they would be
// loaded twice.

import { Python } from "./python.mjs";

const listeners = new Set();

export const python = new Python({
  onprogress: (progress) => listeners.forEach((listener) => listener(progress)),
});

export const onprogress = (listener) => listeners.add(listener);
