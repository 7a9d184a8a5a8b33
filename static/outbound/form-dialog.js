/* The opt-in form of a chat message opens in a dialog; without this it is a page. Its content is loaded anew each time. */

import { byId } from "../lib/dom.js";

document.addEventListener("click", async (event) => {
  const link = event.target.closest("[data-form-dialog]");
  const dialog = byId("insert-form");
  if (!link || dialog.open || event.metaKey || event.ctrlKey) return;
  event.preventDefault();
  const body = byId("insert-form-body");
  body.replaceChildren();
  await window.htmx.ajax("GET", link.href, { target: "#insert-form-body", swap: "innerHTML" }).catch(() => {});
  if (!body.childElementCount) {
    location.assign(link.href);
    return;
  }
  dialog.showModal();
  dialog.querySelector("input:not([type=hidden]), select, textarea")?.focus();
});
