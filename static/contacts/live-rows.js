/* Rows that change while they are shown: the server says which, and they are loaded again in place. New contacts are
   counted, and shown when somebody asks for them: no row moves by itself. */

import { byId, parseHtml } from "../lib/dom.js";
import { createLiveConnection } from "../lib/live-connection.js";

const AT_ONCE = 100; // rows in one message or request
const MOST = 500; // rows that are followed; the server takes no more

const page = byId("contacts");
const rows = () => [...document.querySelectorAll("tr[data-id]")].slice(0, MOST);
const row = (id) => byId(`contact-${id}`);
let followed = 0; // how many rows the server knows of

const connection = createLiveConnection({
  path: "/contacts/live",
  hello() {
    const first = next(0);
    followed = first.length;
    return { type: "follow", rows: first, view: location.search };
  },
  onMessage({ type, ids, count, text }) {
    if (type === "ready") {
      follow();
      page.dataset.line = "live";
    } else if (type === "rows") reload(ids);
    else if (type === "new") showNew(count, text);
  },
  // A refused connection does not say why; the rows do, to those who are signed out.
  beforeRetry: (wasReady) =>
    wasReady ||
    reload(
      rows()
        .slice(0, 1)
        .map(({ dataset }) => dataset.id),
    ),
});

/* Id and version, so that the server can tell which rows are outdated. */
function next(from) {
  const some = rows().slice(from, from + AT_ONCE);
  return some.map(({ dataset }) => `${dataset.id}:${dataset.version}`);
}

/* Tells the server of the rows that it doesn't know yet. */
export function follow() {
  while (followed < rows().length) {
    const some = next(followed);
    if (!connection.send({ type: "follow", rows: some })) return;
    followed += some.length;
  }
}

async function reload(ids) {
  const query = new URLSearchParams({ columns: page.dataset.columns, ids: ids.filter(row).join(",") });
  try {
    const headers = { "HX-Request": "true", "HX-Current-URL": location.href };
    const response = await fetch(`/contacts/rows?${query}`, { headers });
    if (response.status === 401) location.assign(response.headers.get("HX-Redirect") || "/login");
    else if (response.ok) replace(parseHtml(await response.text()));
  } catch {
    // They are loaded again when the connection is back.
  }
}

function replace(fragment) {
  for (const changed of fragment.querySelectorAll("tr[data-id]")) {
    const old = row(changed.dataset.id);
    if (!old || isOlder(changed, old)) continue; // a slow answer
    const focused = [...old.querySelectorAll("input, a")].indexOf(document.activeElement);
    changed.querySelector("[name=id]").checked = old.querySelector("[name=id]").checked;
    old.replaceWith(changed);
    if (focused >= 0) changed.querySelectorAll("input, a")[focused]?.focus({ preventScroll: true });
  }
}

/* By the last event, then by the time of the last change. */
function isOlder(row, other) {
  const [one, two] = [row, other].map(({ dataset }) => dataset.version.split(":").map(Number));
  return one[0] < two[0] || (one[0] === two[0] && one[1] < two[1]);
}

function showNew(count, text) {
  byId("new-contacts").textContent = text;
  byId("new-contacts").hidden = count === 0;
}

export const startLive = () => connection.start();
