// Live cells of a built page: code that a reader may change and run, and exercises that check
// themselves. Until a button is pressed nothing is loaded but this script and the few lines that
// know whether there is Python; where there is none, the page stays as it is.

const MEGABYTE = 1e6;
const UNCHECKED = "Nothing was checked, since the code does not run to its end.";

const elements = document.querySelectorAll("div.cell.tag_live, div.cell[data-part=starter]");

async function start() {
  const { available } = await import("./python.mjs");
  if (!(await available())) return;
  const { python, onprogress } = await import("./page.mjs");
  const { Cell, note } = await import("./cell.mjs");
  const cells = [...elements].map((element, i) => new Cell(element, i + 1));
  const ready = cells.filter((cell) => cell.needs !== "torch");
  const live = ready.filter((cell) => !cell.exercise);
  for (const cell of ready) cell.under = ready.filter((one) => cell.after.includes(one.exercise));
  let queue = Promise.resolve();
  let current = null; // the cell that is being worked on
  let loaded = false; // whether Python has come
  let attempts = 0;

  onprogress(({ stage, loaded: now, total }) => {
    const megabytes = (bytes) => Math.round(bytes / MEGABYTE);
    loaded = stage === "ready";
    if (stage === "files") {
      current?.tell("Loading Python", `${megabytes(now)} of ${megabytes(total)} MB`);
    } else current?.tell(stage === "start" ? "Starting Python" : "Running");
  });

  const forget = (from) => live.slice(from).forEach((cell) => (cell.ran = null));

  async function ask(task) {
    const result = { ...(await task()), loaded };
    if (result.stopped) forget(0);
    if (result.stopped) loaded = false;
    return result;
  }

  // Run one cell. Live cells share what they define; what comes after one has to be run again.
  async function run(cell, namespace) {
    const { text, seconds } = cell;
    const result = await ask(() => python.run(text, { namespace, seconds }));
    if (!cell.exercise && !result.stopped) {
      forget(live.indexOf(cell));
      cell.ran = result.error ? null : text;
    }
    return result;
  }

  // What a cell stands on: the live cells before it, from the first that Python has not run as it
  // now reads; for an exercise, in a fresh namespace, the exercises that it names.
  function before(cell) {
    if (cell.exercise) return cell.under;
    const earlier = live.slice(0, live.indexOf(cell));
    const first = earlier.findIndex((one) => one.ran !== one.text);
    return first < 0 ? [] : earlier.slice(first);
  }

  async function work(cell, checking) {
    if (cell.cancelled) return cell.tell("Stopped");
    current = cell;
    cell.tell("Running");
    const place = checking ? cell.verdict : cell.output;
    const namespace = cell.exercise ? `${cell.exercise} ${(attempts += 1)}` : "page";
    for (const one of before(cell)) {
      const result = await run(one, namespace);
      if (result.error) {
        const error = `${one.name}, which comes before, has to run first.\n${result.error}`;
        const said = { loaded: result.loaded, error: result.loaded ? error : result.error };
        place.show(said, cell.whole());
        return cell.tell("Not run");
      }
      if (!one.exercise && one.text !== one.original) one.output.show(result, one.whole());
    }
    const of = (cell.of = cell.whole()); // the reader may go on writing
    const result = await run(cell, namespace);
    if (!checking || result.text || result.html || result.error) cell.output.show(result, of);
    else cell.output.restore();
    if (!checking || result.error) {
      if (checking && result.loaded) place.show({ text: UNCHECKED, loaded: true }, of);
      return cell.tell(outcome(result));
    }
    const { exercise: name, seconds } = cell;
    const verdict = await ask(() => python.check(name, { namespace, seconds }));
    place.show(verdict, of);
    // The grader may have checks that are not here.
    const passed = `${verdict.counts.join(" of ")} passed here`;
    cell.tell(verdict.passed ? passed : verdict.error ? outcome(verdict) : "Not yet");
  }

  const outcome = ({ stopped, error, seconds }) =>
    stopped ? "Stopped" : error ? "Stopped by an error" : `Ran in ${seconds.toFixed(2)} s`;

  function perform(cell, checking = false) {
    if (cell.busy) return;
    cell.working = true;
    cell.of = cell.whole();
    cell.tell("Waiting");
    queue = queue
      .then(() => work(cell, checking))
      .catch((error) => cell.tell(`The page is at fault: ${error.message}`))
      .then(() => ((cell.working = false), (current = null)));
  }

  function stop(cell) {
    cell.cancelled = true;
    if (cell === current) python.interrupt();
  }

  for (const cell of cells) {
    if (ready.includes(cell)) cell.dress(perform, stop);
    else cell.input.after(note("This exercise needs torch: run it in Jupyter."));
  }
}

if (elements.length) {
  start().catch((error) => console.warn("The cells stay as they are:", error));
}
