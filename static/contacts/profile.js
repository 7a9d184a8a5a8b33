/* An open profile changes when the person opts out or a teammate edits it: what shows that is loaded again. */

import { byId, parseHtml } from "../lib/dom.js";
import { createLiveConnection } from "../lib/live-connection.js";

const profile = byId("profile");
const timeline = byId("timeline");

function reload() {
  for (const id of ["profile-panel", "verdicts"]) window.htmx.trigger(byId(id), "again");
  reloadTimeline();
}

/* Its newest entries: new ones come first, and those that changed take the place of the old ones. Earlier entries that
   were loaded stay. */
async function reloadTimeline() {
  try {
    const response = await fetch(timeline.dataset.path, { headers: { "HX-Request": "true" } });
    if (response.ok) merge(parseHtml(await response.text()));
  } catch {
    // It is loaded again with the next change.
  }
}

function merge(fragment) {
  if (!timeline.querySelector(".cp-entry")) timeline.replaceChildren();
  let last = null;
  for (const entry of [...fragment.querySelectorAll(".cp-entry")]) {
    const old = byId(entry.id);
    if (!old && last) last.after(entry);
    else if (!old) timeline.prepend(entry);
    else if (!old.contains(document.activeElement) && !old.querySelector("[open]")) old.replaceWith(entry);
    last = byId(entry.id);
  }
}

createLiveConnection({
  path: "/contacts/live",
  hello: () => ({ type: "follow", rows: [`${profile.dataset.contact}:${profile.dataset.version}`], texts: true }),
  onMessage({ type }) {
    if (type === "rows") reload();
    else if (type === "texts") reloadTimeline();
    else profile.dataset.line = "live";
  },
}).start();
