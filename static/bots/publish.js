/* The dialog that publishes the flow. Errors are shown instead of it; it reminds of warnings. */

import { byId } from "../lib/dom.js";
import { readStored, store } from "../lib/storage.js";
import { editor, listItem, strings } from "./page.js";
import { hasErrors, warnings } from "./problems.js";

const saved = byId("flow-saved");
const note = byId("note");
const noteKey = `sayso.note.${editor.dataset.id}`;

/* What was written about the draft stays in this tab until the draft is published. */
function keepNote() {
  if ("published" in editor.dataset) store("sessionStorage", noteKey, null);
  note.value = readStored("sessionStorage", noteKey) ?? "";
  note.addEventListener("input", () => store("sessionStorage", noteKey, note.value || null));
}

/* flush(): saves the draft, and returns whether that worked. */
export function watchPublish(flush) {
  keepNote();
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
