/* Marks the step that waits in the trial. */

import { kinds } from "./page.js";
import { keyOf, walk } from "./tree.js";

/* id: of a step of the document; empty: none waits. */
export function showRunning(document_, id) {
  document.querySelector(".flow-step[aria-current]")?.removeAttribute("aria-current");
  const found = id && walk(document_, kinds).find((one) => one.step.id === id);
  const element = found && document.querySelector(`.flow-step[data-key="${keyOf(found.step)}"]`);
  if (!element) return;
  element.setAttribute("aria-current", "step");
  element.scrollIntoView({ block: "nearest" });
}
