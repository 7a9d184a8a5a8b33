/* The order of the columns: each can be moved up and down in the menu. The form sends them as they stand. */

import { byId } from "../lib/dom.js";

export function startColumns() {
  const form = byId("columns-form");
  for (const button of form.querySelectorAll("[data-move]")) button.hidden = false;
  form.addEventListener("click", (event) => {
    const button = event.target.closest("[data-move]");
    if (!button) return;
    const item = button.closest(".columns-item");
    if (button.dataset.move === "1") item.nextElementSibling?.after(item);
    else item.previousElementSibling?.before(item);
    button.focus();
  });
}
