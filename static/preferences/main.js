/* The preference center, which works without this. With it, a change that could not be saved is reported, and changes made
   elsewhere (by STOP, in another tab, by the business) are shown. */

import { byId } from "../lib/dom.js";
import { createLiveConnection } from "../lib/live-connection.js";
import { errorMessage, HTMX_FAILURES, rejectNonHtml } from "../lib/server-errors.js";

const TOAST_LASTS = 8000; // ms
const LINK_EXPIRED = 4401;
const TOO_MANY = 1008; // connections

const page = byId("preferences-page");
const status = byId("status");
const version = () => byId("choices").dataset.stand;
let pending = 0; // requests in progress
let isOutdated = false; // a change elsewhere was reported meanwhile
let wasUndo = false; // the pressed button was in the toast, which its response replaces

function toast(words, kind) {
  const made = document.createElement("p");
  made.className = `toast ${kind}`;
  made.textContent = words;
  return made;
}

function reportFailure(event) {
  const failure = toast(errorMessage(event.detail.xhr) || page.dataset.unsent, "toast--bad");
  failure.dataset.unsent = ""; // removed once the server is back
  status.replaceChildren(failure);
}

// A saved change is visible on its switch. A toast with an undo button stays.
function expireToasts() {
  for (const shown of status.querySelectorAll(".toast:not(.toast--bad)")) {
    if (!shown.querySelector("form")) setTimeout(() => shown.remove(), TOAST_LASTS);
  }
  if (wasUndo && document.activeElement === document.body) status.focus({ preventScroll: true });
}

function setBusy(element, isBusy) {
  element.querySelector?.("button")?.setAttribute("aria-busy", String(isBusy));
}

// Not htmx's own event for the end of a request: it is sent to the element, which another response may have removed.
document.body.addEventListener("htmx:beforeRequest", (event) => {
  const form = event.target;
  pending += 1;
  wasUndo = status.contains(form);
  setBusy(form, true);
  event.detail.xhr.addEventListener("loadend", () => {
    pending -= 1;
    if (isOutdated && !pending) reload();
    setBusy(form, false);
  });
});
document.body.addEventListener("htmx:afterSettle", expireToasts);
document.body.addEventListener("htmx:beforeSwap", rejectNonHtml);
for (const name of HTMX_FAILURES) document.body.addEventListener(name, reportFailure);

// --- changes made elsewhere

let reloads = 0;

async function reload() {
  reloads += 1;
  const mine = reloads;
  isOutdated = pending > 0; // the response to a request in progress may be older than the change
  if (isOutdated) return;
  try {
    const next = await fetchChoices();
    isOutdated = pending > 0;
    if (!next || mine !== reloads || pending || next.dataset.stand === version()) return;
    draw(next);
  } catch {
    // The connection is lost; once it is back, it reports the current version.
  }
}

async function fetchChoices() {
  const response = await fetch(location.href, { headers: { Accept: "text/html", "HX-Request": "true" } });
  const html = await response.text();
  if (response.status === 404) location.reload(); // its page explains that the link has expired
  return response.ok ? new DOMParser().parseFromString(html, "text/html").getElementById("choices") : null;
}

function draw(next) {
  const focused = document.activeElement?.id;
  byId("choices").replaceWith(document.adoptNode(next));
  window.htmx.process(byId("choices"));
  if (focused) byId(focused)?.focus({ preventScroll: true });
  for (const old of status.querySelectorAll(".toast--news")) old.remove();
  status.append(toast(page.dataset.elsewhere, "toast--news")); // beside a toast with an undo button
  expireToasts();
}

function clearFailures() {
  for (const failure of status.querySelectorAll("[data-unsent]")) failure.remove();
}

createLiveConnection({
  path: page.dataset.live,
  onMessage(message) {
    if (message.type === "ready") clearFailures();
    if (message.type === "changed" || (message.type === "ready" && message.stand !== version())) reload();
  },
  onDrop(code) {
    if (code === LINK_EXPIRED) reload();
    return code !== LINK_EXPIRED && code !== TOO_MANY;
  },
}).start();
