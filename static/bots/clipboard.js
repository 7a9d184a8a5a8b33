/* Steps on the clipboard, as JSON: they can be pasted into another flow, or into a file. */

import { isStep, listIn } from "./tree.js";

let last = ""; // for the menu, which may not read the clipboard

const written = (step) => JSON.stringify({ steps: [step] }, null, 2);

/* event: of the browser, or undefined when the menu asks. */
export function copyStep(step, event) {
  last = written(step);
  if (event) {
    event.clipboardData.setData("text/plain", last);
    event.preventDefault();
  } else navigator.clipboard?.writeText(last).catch(() => {});
}

/* The copied steps; none if what was copied is something else. */
export function copiedSteps(event) {
  try {
    return listIn(JSON.parse(event ? event.clipboardData.getData("text/plain") : last), ["steps"]).filter(isStep);
  } catch {
    return [];
  }
}
