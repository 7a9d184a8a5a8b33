/* `data-open="id"` opens a dialog, `data-close` closes the one around it, and so does a click on its backdrop. */

import { hasModifier } from "../lib/dom.js";
import { closeMenus } from "./menus.js";

const openers = new Map(); // the id of a dialog: what opens it

/* For a dialog that needs more than `showModal`. */
export const setOpener = (id, open) => openers.set(id, open);

function open(id) {
  const dialog = document.getElementById(id);
  if (!dialog) return false;
  closeMenus();
  if (openers.has(id)) openers.get(id)();
  else dialog.showModal();
  return true;
}

document.addEventListener("click", (event) => {
  const dialog = event.target.closest("[data-close]")?.closest("dialog");
  const opener = event.target.closest("[data-open]");
  if (opener && !hasModifier(event) && open(opener.dataset.open)) event.preventDefault();
  else if (dialog) {
    event.preventDefault(); // a link leads where the page without JavaScript goes on
    dialog.close();
  } else if (event.target.matches("dialog")) event.target.close();
});
