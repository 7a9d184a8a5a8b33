/* Saves the draft a moment after each change. What isn't saved yet is kept in this browser, too. */

import { readStored, store } from "../lib/storage.js";
import { editor } from "./page.js";
import { get, post } from "./server.js";

const DELAY = 600; // ms after the last change
const RETRY = 5000; // ms after a failure
const LOOK = 15000; // ms between looks at what teammates saved

const path = `/bots/${editor.dataset.id}/draft`;
const key = `sayso.flow.${editor.dataset.id}`;

/* current(): the document as it is now. saved: the one that the server has.
   onSaved(answer, document), onConflict(theirs), onNewer(theirs), onState("saving" | "saved" | "failed", response). */
export function createAutosave({ current, saved, onSaved, onConflict, onNewer, onState }) {
  let revision = Number(editor.dataset.revision);
  let timer = 0;
  let running = null;
  let isStopped = false; // until the teammate has chosen between two versions

  const isSaved = () => current() === saved;
  const keep = () => store("localStorage", key, isSaved() ? null : { revision, text: JSON.stringify(current()) });

  async function saveOnce() {
    const sent = current();
    const response = await post(`${path}?revision=${revision}`, JSON.stringify(sent));
    if (response.status === 409) {
      isStopped = true;
      keep();
      onConflict(await response.json());
      return false;
    }
    if (!response.ok) throw response;
    const answer = await response.json();
    revision = answer.revision;
    saved = sent;
    keep();
    onSaved(answer, sent);
    return true;
  }

  async function run() {
    try {
      while (!isSaved()) if (!(await saveOnce())) return false;
    } catch (failure) {
      keep();
      onState("failed", failure);
      if (!(failure.status < 500)) timer = setTimeout(flush, RETRY);
      return false;
    }
    onState("saved");
    return true;
  }

  /* Returns whether everything is saved. */
  async function flush() {
    clearTimeout(timer);
    if (running) await running;
    if (isStopped) return false;
    if (isSaved()) return true;
    running = run().finally(() => {
      running = null;
    });
    return running;
  }

  function changed() {
    if (!isSaved()) onState("saving"); // what it says is only true when nothing waits
    clearTimeout(timer);
    timer = setTimeout(flush, DELAY);
  }

  /* Continues from a version of the server, which is this document. */
  function adopt(theirs, document_) {
    revision = theirs.revision;
    saved = document_;
    isStopped = false;
    keep();
    changed();
  }

  /* What this browser kept when the page was left before it was saved, or null. If the server has a newer version by now,
     the next save is refused, and the teammate chooses. */
  function restored() {
    const kept = readStored("localStorage", key);
    if (!kept || kept.text === JSON.stringify(current())) {
      keep();
      return null;
    }
    revision = kept.revision;
    return JSON.parse(kept.text);
  }

  async function look() {
    if (document.hidden || running || isStopped) return;
    try {
      const response = await get(`${path}?revision=${revision}`);
      if (!response.ok || running) return;
      const theirs = await response.json();
      if (theirs.revision <= revision) return;
      if (isSaved()) onNewer(theirs);
      else changed(); // the server refuses it, and the teammate chooses
    } catch {
      // The next save says so.
    }
  }

  window.addEventListener("pagehide", () => {
    keep();
    if (!isSaved()) flush();
  });
  window.addEventListener("focus", look);
  setInterval(look, LOOK);

  return { changed, flush, adopt, restored, revision: () => revision };
}
