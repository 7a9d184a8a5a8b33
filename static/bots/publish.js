/* The dialog that publishes the flow. Errors are shown instead of it; it reminds of warnings. */

import { byId } from "../lib/dom.js";
import { listItem, strings } from "./page.js";
import { hasErrors, warnings } from "./problems.js";

const saved = byId("flow-saved");

/* flush(): saves the draft, and returns whether that worked. */
export function watchPublish(flush) {
  byId("publish-open").addEventListener("click", async () => {
    if (!(await flush())) return;
    if (hasErrors()) {
      saved.textContent = strings.fix;
      saved.classList.add("is-bad");
      byId("problems").querySelector("button").focus();
      return;
    }
    const shown = warnings();
    const box = byId("publish-warnings");
    box.hidden = !shown.length;
    box.querySelector("ul").replaceChildren(...shown.map(listItem));
    byId("publish-dialog").showModal();
  });
}
