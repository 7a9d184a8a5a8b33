/* Keyboard shortcuts of the inbox. */

import { byId } from "../lib/dom.js";
import { isComposing } from "../lib/keys.js";
import { areShortcutsOn, turnShortcuts } from "../lib/shortcuts.js";
import { goBy } from "./list-position.js";
import { isPanelOpen, showPanel, togglePanel } from "./panel-drawer.js";

const EDITABLE = "input, textarea, select, dialog[open], [contenteditable]";

/* open: the open conversation, or null. */
export function watchShortcuts(open) {
  const everywhere = { j: () => goBy(1), k: () => goBy(-1), "?": () => byId("keys").showModal() };
  const inConversation = open && {
    r: () => open.composer.chooseKind("reply"),
    n: () => open.composer.chooseKind("note"),
    a: open.actions.assign,
    s: open.actions.snooze,
    f: open.openForm,
    e: open.actions.closeOrReopen,
    d: togglePanel,
  };
  const shortcuts = new Map(Object.entries({ ...everywhere, ...inConversation }));

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || isComposing(event)) return;
    const isAbovePanel = event.target.closest("dialog[open], .menu-list"); // Escape closes this first
    if (event.key === "Escape" && !isAbovePanel && isPanelOpen()) {
      showPanel(false);
      return;
    }
    if (event.target.closest(EDITABLE) || !areShortcutsOn()) return;
    const act = shortcuts.get(event.key);
    if (!act) return;
    event.preventDefault();
    act();
  });

  const setting = byId("keys-on");
  setting.checked = areShortcutsOn();
  setting.addEventListener("change", () => turnShortcuts(setting.checked));
}
