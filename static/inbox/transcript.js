/* Copies the transcript of the conversation, the same text as the download. */

import { strings } from "./context.js";
import { request } from "./server.js";

async function readText(path) {
  const response = await request(path);
  if (!response.ok) throw new Error(`transcript ${response.status}`);
  return new Blob([await response.text()], { type: "text/plain" });
}

/* composer: shows the result. Safari copies after a click only what it was handed as a promise. */
export function watchTranscript(composer) {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy-transcript]");
    if (!button) return;
    const menu = button.closest("details");
    menu.open = false;
    menu.querySelector("summary").focus();
    try {
      const item = new ClipboardItem({ "text/plain": readText(button.dataset.copyTranscript) });
      await navigator.clipboard.write([item]);
      composer.showNote(strings.copied);
    } catch {
      composer.showNote(strings.uncopied, true);
    }
  });
}
