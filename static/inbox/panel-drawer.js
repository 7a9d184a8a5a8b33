/* The contact's panel beside the conversation: its drawer on smaller screens, and when it is loaded again. */

import { byId } from "../lib/dom.js";

const LOAD_AFTER = 800; // ms without a live connection

const panel = byId("panel"); // null when no conversation is open
const coversPage = matchMedia("(max-width: 30rem)");

export const isPanelOpen = () => Boolean(panel?.classList.contains("is-open"));

// Everything but the panel and what it is in.
function setOthersInert(isInert) {
  for (let node = panel; node !== document.body; node = node.parentElement) {
    for (const sibling of node.parentElement.children) if (sibling !== node) sibling.inert = isInert;
  }
}

export function showPanel(isShown) {
  const hadFocus = !document.activeElement.closest(".inbox") || panel.contains(document.activeElement);
  panel.classList.toggle("is-open", isShown);
  byId("panel-button").setAttribute("aria-expanded", String(isShown));
  setOthersInert(isShown && coversPage.matches);
  if (isShown) [...panel.querySelectorAll("a, button, input")].find((node) => node.getClientRects().length)?.focus();
  else if (hadFocus) byId("panel-button").focus();
}

export const togglePanel = () => showPanel(!isPanelOpen());

/* A form in the panel that is being filled in is not discarded: see contact-panel.js. */
export function reloadPanel() {
  clearTimeout(firstLoad);
  if (panel) window.htmx.trigger(panel, "again");
}

// It is loaded once the live connection is ready, so that no change is missed; but it doesn't wait for a slow one.
const firstLoad = setTimeout(reloadPanel, LOAD_AFTER);

if (panel) {
  coversPage.addEventListener("change", () => showPanel(false));
  byId("panel-button").addEventListener("click", togglePanel);
}
