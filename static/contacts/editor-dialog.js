/* The dialog over the list: the editor of a condition, or the name of a segment. Without this, each is a page. */

import { byId } from "../lib/dom.js";

const dialog = byId("editor");
const body = byId("editor-body");

/* Its title is that of what was loaded; the focus goes to the first thing to fill in, or to what is wrong. */
function show() {
  byId("editor-title").textContent = body.querySelector("[data-title]").dataset.title;
  for (const search of body.querySelectorAll("[data-ticks-search]")) search.hidden = false;
  if (!dialog.open) dialog.showModal();
  const wrong = body.querySelector("[aria-invalid], fieldset:has(.field-error) input");
  (wrong || body.querySelector("a, select, input:not([type=hidden])")).focus();
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
