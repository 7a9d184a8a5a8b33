/* The composer: conditions of the audience open in a dialog, and each change is saved with the message. */

import "../contacts/editor-dialog.js";
import { byId } from "../lib/dom.js";
import "./live.js";

document.addEventListener("filter-applied", ({ detail }) => {
  byId("editor").close();
  window.htmx.ajax("GET", detail.path, { target: "#audience-filter", swap: "outerHTML" });
});
document.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (detail.target.id !== "audience-filter") return;
  byId("add-filter").focus();
  byId("message").dispatchEvent(new Event("change", { bubbles: true }));
});
