/* Opens the dialog to insert an opt-in form. Its content is loaded anew each time. */

import { byId } from "../lib/dom.js";
import { conversation, strings } from "./context.js";

/* composer: of the conversation. A text message conversation has no forms. */
export async function openFormDialog(composer) {
  const dialog = byId("insert-form");
  const body = byId("insert-form-body");
  if (dialog.open) return;
  if (!byId("form-button")) {
    composer.showNote(strings.formless, true);
    return;
  }
  composer.closeApps();
  body.replaceChildren();
  await window.htmx
    .ajax("GET", `/inbox/${conversation}/form`, { target: "#insert-form-body", swap: "innerHTML" })
    .catch(() => {});
  if (!body.childElementCount) {
    composer.showNote(strings.unloaded, true);
    return;
  }
  dialog.showModal();
  dialog.querySelector("input:not([type=hidden]), select, textarea")?.focus();
}
