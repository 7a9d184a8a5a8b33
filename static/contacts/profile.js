/* An open profile changes when the person opts out: what shows their consents is loaded again. */

import { byId } from "../lib/dom.js";
import { createLiveConnection } from "../lib/live-connection.js";

const profile = byId("profile");

function reload() {
  for (const id of ["profile-panel", "verdicts"]) window.htmx.trigger(byId(id), "again");
}

createLiveConnection({
  path: "/contacts/live",
  hello: () => ({ type: "follow", rows: [`${profile.dataset.contact}:${profile.dataset.seq}`] }),
  onMessage({ type }) {
    if (type === "rows") reload();
    else profile.dataset.line = "live";
  },
}).start();
