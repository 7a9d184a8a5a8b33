/* What a teammate saved meanwhile is merged with what is here. Where both changed the same, the teammate chooses. */

import { byId } from "../lib/dom.js";
import { merge } from "./merge.js";
import { editor, fill, kinds, listItem, strings } from "./page.js";
import { errorText, post } from "./server.js";
import { nameOf } from "./summary.js";
import { shareKeys } from "./tree.js";

const dialog = byId("conflict");
const words = byId("conflict-words");
const saved = byId("flow-saved");

/* current(): the document here. adopt(newer, theirs, document, base, isChoice): shows this one, which continues theirs.
   base: the document that both began with. Returns what is done with a newer version: (newer, base). */
export function createMerging({ current, adopt }) {
  let conflict = null; // until one is chosen: {newer, base, theirs}

  function onNewer(newer, base) {
    const isMine = current() !== base;
    const by = { name: newer.by_name || strings.someone };
    const theirs = shareKeys(current(), JSON.parse(newer.text));
    const merged = merge(base, current(), theirs, kinds, true);
    if (!merged.conflicts.length) {
      adopt(newer, theirs, merged.document, base, false);
      saved.textContent = fill(isMine ? strings.merged : strings.newer, by);
      return;
    }
    conflict = { newer, base, theirs };
    words.textContent = fill(strings.conflict, by);
    const places = new Set(merged.conflicts.map((step) => (step ? nameOf(step) : strings.flow)));
    byId("conflict-places").replaceChildren(...[...places].map(listItem));
    dialog.showModal();
  }

  function choose(isMineKept) {
    const { newer, base, theirs } = conflict;
    dialog.close();
    adopt(newer, theirs, merge(base, current(), theirs, kinds, isMineKept).document, base, true);
  }

  async function copyMine() {
    const response = await post(`/bots/${editor.dataset.id}/draft/copy`, JSON.stringify(current()));
    if (!response.ok) {
      words.textContent = await errorText(response);
      return;
    }
    const { id, name } = await response.json();
    const link = document.createElement("a");
    link.href = `/bots/${id}`;
    link.textContent = name;
    choose(false);
    saved.replaceChildren(link);
  }

  byId("keep-mine").addEventListener("click", () => choose(true));
  byId("take-theirs").addEventListener("click", () => choose(false));
  byId("copy-mine").addEventListener("click", copyMine);
  // One of them must be chosen: until then, nothing is saved.
  dialog.querySelector("[data-close]").remove();
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  return onNewer;
}
