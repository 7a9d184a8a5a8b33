/* The contacts list. All but the selection and the live updates works without it. */

import { byId } from "../lib/dom.js";
import { startColumns } from "./columns.js";
import "./editor-dialog.js";
import { watchKeyboard } from "./keyboard.js";
import { follow, startLive } from "./live-rows.js";
import { boxes, onRowsAdded, startSelection } from "./selection.js";

/* Further rows were loaded, or some anew. The button that loaded them is gone: the focus goes on to the first one. */
function onRows(changes) {
  const added = changes.flatMap(({ addedNodes }) => [...addedNodes]).find((node) => node.matches?.("tr[data-id]"));
  if (!added) return;
  if (document.activeElement === document.body && boxes().indexOf(added.querySelector("[name=id]")) > 0) {
    added.querySelector("[name=id]").focus({ preventScroll: true });
  }
  onRowsAdded();
  follow();
}

watchKeyboard();
startColumns();
startLive();
// Where nobody matches there is no table.
if (byId("rows")) {
  startSelection();
  new MutationObserver(onRows).observe(byId("rows"), { childList: true });
}
