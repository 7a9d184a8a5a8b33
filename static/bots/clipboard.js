/* Steps on the clipboard, as JSON: they can be pasted into another flow, or into a file. */

import { readStored, store } from "../lib/storage.js";
import { isStep, listIn } from "./tree.js";

const KEY = "sayso.steps"; // for the menu, which may not read the clipboard: also that of another flow

const written = (step) => JSON.stringify({ steps: [step] }, null, 2);

/* event: of the browser, or undefined when the menu asks. */
export function copyStep(step, event) {
  const text = written(step);
  store("localStorage", KEY, text);
  if (event) {
    event.clipboardData.setData("text/plain", text);
    event.preventDefault();
  } else navigator.clipboard?.writeText(text).catch(() => {});
}

/* The copied steps; none if what was copied is something else. */
export function copiedSteps(event) {
  try {
    const text = event ? event.clipboardData.getData("text/plain") : readStored("localStorage", KEY);
    return listIn(JSON.parse(text), ["steps"]).filter(isStep);
  } catch {
    return [];
  }
}
