/* Saves the draft a moment after each change. What isn't saved yet is kept in this browser, too. */

import { readStored, store } from "../lib/storage.js";
import { editor } from "./page.js";
import { get, post } from "./server.js";

const DELAY = 600; // ms after the last change
const RETRY = 5000; // ms after a failure

const path = `/bots/${editor.dataset.id}/draft`;
const key = `sayso.flow.${editor.dataset.id}`;

/* current(): the document as it is now. saved: the one that the server has.
   onSaved(answer, document), onNewer(theirs, saved): a teammate saved theirs after the one that was saved here.
   onState("saving" | "saved" | "failed", response). */
export function createAutosave({ current, saved, onSaved, onNewer, onState }) {
  let revision = Number(editor.dataset.revision);
  let timer = 0;
  let running = null;
  let unanswered = null; // what was sent last without an answer: the server may have it
  let isStopped = false; // until the newer version is adopted

  const isSaved = () => current() === saved;
  const keep = () => {
    const kept = { revision, text: JSON.stringify(current()), saved: JSON.stringify(saved) };
    store("localStorage", key, isSaved() ? null : kept);
  };

  async function saveOnce() {
    const sent = current();
    const before = unanswered;
    unanswered = sent;
    const response = await post(`${path}?revision=${revision}`, JSON.stringify(sent));
    unanswered = null;
    if (response.status === 409) return isOwn(await response.json(), before);
    if (!response.ok) throw response;
    took(await response.json(), sent);
    return true;
  }

  function took(answer, document_) {
    revision = answer.revision;
    saved = document_;
    keep();
    onSaved(answer, document_);
  }

  /* Whether the newer version is one that was sent from here. Another one is merged. */
  function isOwn(newer, sent) {
    if (sent && newer.text === JSON.stringify(sent)) {
      took(newer, sent);
      return true;
    }
    isStopped = true;
    keep();
    onNewer(newer, saved);
    return false;
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
     the next save is refused, and both are merged. */
  function restored() {
    const kept = readStored("localStorage", key);
    if (!kept || kept.text === JSON.stringify(current())) {
      keep();
      return null;
    }
    if (kept.revision !== revision) saved = kept.saved ? JSON.parse(kept.saved) : {};
    revision = kept.revision;
    return JSON.parse(kept.text);
  }

  /* newest: the server's revision; 0: it isn't known. */
  async function look(newest = 0) {
    if (running) await running;
    if (isStopped || (newest && newest <= revision)) return;
    if (!isSaved()) return changed(); // the server refuses it, and both are merged
    try {
      const response = await get(`${path}?revision=${revision}`);
      if (!response.ok) return;
      const theirs = await response.json();
      if (theirs.revision > revision && theirs.text && !isStopped) onNewer(theirs, saved);
    } catch {
      // The next save says so.
    }
  }

  window.addEventListener("pagehide", () => {
    keep();
    if (!isSaved()) flush();
  });

  return { changed, flush, adopt, look, restored, revision: () => revision };
}
