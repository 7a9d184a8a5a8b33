/* The keyboard: moving through the steps, and everything that can be done to them. */

import { byId } from "../lib/dom.js";
import { isComposing } from "../lib/keys.js";
import { areShortcutsOn, turnShortcuts } from "../lib/shortcuts.js";
import { buttonOf, keyAt, listOf, setFolded, shownButtons } from "./steps.js";
import { listIn } from "./tree.js";

const EDITABLE = "input, textarea, select, dialog[open], [contenteditable]";

/* current(): the document; acts: of acts.js; undo(), redo(), find(). */
export function watchKeyboard({ current, acts, undo, redo, find }) {
  function go(step) {
    const all = shownButtons();
    const at = all.indexOf(buttonOf(keyAt(document.activeElement)));
    const next = all[at < 0 ? 0 : Math.min(Math.max(at + step, 0), all.length - 1)];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  }

  /* The place after the step that has the focus, or the end of the list whose button has it. */
  function placeHere() {
    const add = document.activeElement.closest("[data-add]");
    const key = keyAt(document.activeElement);
    if (!add) return key ? acts.placeAfter(key) : [["steps"], listIn(current(), ["steps"]).length];
    const list = listOf(add);
    return [list, listIn(current(), list).length];
  }

  const letters = {
    j: () => go(1),
    k: () => go(-1),
    a: () => acts.askKind(...placeHere()),
    f: find,
    "?": () => byId("keys").showModal(),
  };

  const ofStep = {
    ArrowDown: () => go(1),
    ArrowUp: () => go(-1),
    ArrowLeft: (key) => setFolded(key, true),
    ArrowRight: (key) => setFolded(key, false),
    Delete: acts.remove,
    Backspace: acts.remove,
  };

  function onUndo(event) {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || document.querySelector("dialog[open]")) return false;
    const key = event.key.toLowerCase();
    if (key !== "z" && key !== "y") return false;
    if (key === "y" || event.shiftKey) redo();
    else undo();
    return true;
  }

  function onKey(event) {
    if (isComposing(event)) return false;
    if (onUndo(event)) return true;
    const isOnLine = event.target.matches?.(".flow-open");
    const key = isOnLine ? keyAt(event.target) : "";
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (isOnLine && event.altKey && by) {
      acts.move(key, by);
      return true;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    if (event.key === "Escape" && !document.querySelector("dialog[open]") && event.target.closest?.(".flow-form")) {
      buttonOf(keyAt(event.target)).focus();
      return true;
    }
    if (isOnLine && Object.hasOwn(ofStep, event.key)) {
      ofStep[event.key](key);
      return true;
    }
    if (event.target.closest?.(EDITABLE) || document.querySelector("dialog[open]") || !areShortcutsOn()) return false;
    if (!Object.hasOwn(letters, event.key)) return false;
    letters[event.key]();
    return true;
  }

  document.addEventListener("keydown", (event) => {
    if (onKey(event)) event.preventDefault();
  });

  const ofLine = (event) => (event.target.matches?.(".flow-open") ? keyAt(event.target) : "");
  document.addEventListener("copy", (event) => ofLine(event) && acts.copy(ofLine(event), event));
  document.addEventListener("cut", (event) => ofLine(event) && acts.cut(ofLine(event), event));
  document.addEventListener("paste", (event) => {
    if (event.target.closest?.(EDITABLE)) return;
    if (acts.paste(...placeHere(), event)) event.preventDefault();
  });

  const setting = byId("keys-on");
  setting.checked = areShortcutsOn();
  setting.addEventListener("change", () => turnShortcuts(setting.checked));
}

/* The choice of a kind: arrow keys move through it. */
export function watchKinds(choose) {
  const box = byId("kinds");
  box.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) choose(button.value);
  });
  box.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    const all = [...box.querySelectorAll("button")];
    const typed = all.find(
      (one) => event.key.length === 1 && one.textContent.trim().toLowerCase().startsWith(event.key),
    );
    if (!step && !typed) return;
    event.preventDefault();
    const next = typed ?? all[(all.indexOf(document.activeElement) + step + all.length) % all.length];
    next.focus();
  });
}
