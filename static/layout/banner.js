/* The banner at the top of a page: the result of a form, or why a request of htmx failed. */

import { errorMessage, HTMX_FAILURES, rejectNonHtml } from "../lib/server-errors.js";

const ANNOUNCE_DELAY = 150; // ms; screen readers announce a live region only when it changes after the page has loaded

const status = document.getElementById("said");

function show(words) {
  const banner = document.createElement("div");
  banner.className = "banner banner--bad";
  banner.classList.toggle("is-passing", words === status.dataset.away); // removed once the server responds again
  banner.dataset.said = "";
  const text = document.createElement("div");
  text.textContent = words;
  banner.append(text);
  place().replaceChildren(banner);
}

// An open dialog covers the page's own banner.
function place() {
  const dialog = document.querySelector("dialog[open]");
  return dialog ? dialog.querySelector(".dialog-said") || addPlace(dialog) : status;
}

function addPlace(dialog) {
  const added = document.createElement("div");
  added.className = "dialog-said";
  added.setAttribute("role", "alert");
  dialog.firstElementChild.after(added);
  dialog.addEventListener("close", () => added.remove(), { once: true });
  return added;
}

if (status.firstElementChild) {
  const banner = status.firstElementChild;
  setTimeout(() => status.replaceChildren(banner), ANNOUNCE_DELAY);
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-dismiss]")) event.target.closest("[data-said]").remove();
});
document.addEventListener("htmx:beforeSwap", rejectNonHtml);
for (const name of HTMX_FAILURES) {
  document.addEventListener(name, (event) => show(errorMessage(event.detail.xhr) || status.dataset.away));
}
document.addEventListener("htmx:afterOnLoad", (event) => {
  if (event.detail.xhr.status >= 400) return;
  for (const banner of document.querySelectorAll("[data-said].is-passing")) banner.remove();
});
