/* Moving through the rows and selecting them by keyboard. */

import { byId } from "../lib/dom.js";
import { isComposing } from "../lib/keys.js";
import { areShortcutsOn, turnShortcuts } from "../lib/shortcuts.js";
import { boxes, clearSelection, extendTo, hasSelection, selectShown, toggle } from "./selection.js";

const EDITABLE = "input:not([type=checkbox]), textarea, select, [data-menu], [contenteditable]";

const rowOf = (element) => element.closest?.("tr[data-id]");
const current = () => boxes().findIndex((box) => rowOf(box) === rowOf(document.activeElement));

function move(step, isExtending) {
  const all = boxes();
  const at = current();
  const next = all[at < 0 ? 0 : Math.min(Math.max(at + step, 0), all.length - 1)];
  if (!next) return;
  if (isExtending && at >= 0) {
    if (!all[at].checked) toggle(all[at], true);
    extendTo(next, true);
  }
  next.focus();
  rowOf(next).scrollIntoView({ block: "nearest" });
}

function withCurrent(act) {
  const box = boxes()[current()];
  if (box) act(box);
}

const shortcuts = {
  j: () => move(1, false),
  k: () => move(-1, false),
  J: () => move(1, true),
  K: () => move(-1, true),
  x: () => withCurrent(toggle),
  o: () => withCurrent((box) => rowOf(box).querySelector("a").click()),
  a: () => selectShown(boxes().some((box) => !box.checked)),
  f: () => byId("add-filter").click(),
  "?": () => byId("keys").showModal(),
};

function onKey(event) {
  // The focus may be outside of an open dialog, when what had it is gone.
  if (document.querySelector("dialog[open]")) return;
  if (event.ctrlKey || event.metaKey || event.altKey || isComposing(event) || event.target.closest(EDITABLE)) return;
  const arrow = rowOf(event.target) && { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (arrow) {
    event.preventDefault();
    move(arrow, event.shiftKey);
  } else if (event.key === "Escape" && hasSelection()) clearSelection();
  else if (event.key === "Enter" && event.target.name === "id") {
    event.preventDefault(); // the browser would send the form
    shortcuts.o();
  } else if (areShortcutsOn() && Object.hasOwn(shortcuts, event.key)) {
    event.preventDefault();
    shortcuts[event.key]();
  }
}

export function watchKeyboard() {
  document.addEventListener("keydown", onKey);
  const setting = byId("keys-on");
  setting.checked = areShortcutsOn();
  setting.addEventListener("change", () => turnShortcuts(setting.checked));
}
