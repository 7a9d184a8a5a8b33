/* The dialog over the list: the editor of a condition, the name of a segment, the steps of a bulk action.
   Without this, each is a page. */

import { closeMenus } from "../layout/menus.js";
import { byId } from "../lib/dom.js";

const dialog = byId("editor");
const body = byId("editor-body");

/* Its title is that of what was loaded; the focus goes to the first thing to fill in, or to what is wrong. */
function show() {
  byId("editor-title").textContent = body.querySelector("[data-title]").dataset.title;
  for (const search of body.querySelectorAll("[data-ticks-search]")) search.hidden = false;
  if (!dialog.open) open();
  const wrong = body.querySelector("[aria-invalid], fieldset:has(.field-error) input");
  (wrong || body.querySelector("a, select, input:not([type=hidden]), button"))?.focus();
}

/* The menu that it was chosen from closes, and gets the focus back with the dialog's end. */
function open() {
  document.activeElement.closest("[data-menu]")?.querySelector("summary").focus();
  closeMenus();
  dialog.showModal();
}

/* Only the options with these letters; ticked ones stay. */
function search(field) {
  const wanted = field.value.trim().toLowerCase();
  for (const item of field.parentElement.querySelectorAll(".ticks-item")) {
    const isFound = item.textContent.toLowerCase().includes(wanted);
    item.hidden = !isFound && !item.querySelector("input").checked;
  }
}

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target === body) show();
});
body.addEventListener("input", (event) => {
  if (event.target.matches("[data-ticks-search]")) search(event.target);
});
body.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches("[data-ticks-search]")) event.preventDefault();
});
