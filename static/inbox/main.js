/* The inbox. All but the live updates works without it. */

import { byId } from "../lib/dom.js";
import { createLiveConnection } from "../lib/live-connection.js";
import "./contact-panel.js";
import { conversation, page, strings } from "./context.js";
import { createConversation } from "./conversation.js";
import "./insert-form.js";
import { reloadList, showCurrentRow } from "./list.js";
import { reloadPanel } from "./panel-drawer.js";
import { createQueue } from "./queue.js";
import { watchShortcuts } from "./shortcuts.js";

const connection = createLiveConnection({
  path: "/inbox/live",
  hello: () => ({ type: "hello", conversation, after: open ? open.lastPart() : 0 }),
  onMessage: (message) => handlers[message.type]?.(message),
  onLost: () => setBanner(strings.off),
  // A refused connection does not say why; the list does, to those who are signed out.
  beforeRetry: (wasReady) => wasReady || reloadList(),
});

const open = conversation ? createConversation(connection.send) : null;
const queue = open ? open.queue : createQueue();

function setBanner(words) {
  if (byId("banner")) byId("banner").textContent = words;
}

const handlers = {
  ready() {
    reloadList(); // what came since the page was drawn
    reloadPanel();
    page.dataset.line = "live";
    setBanner("");
    if (open) open.onReady();
  },
  part: (message) => open.onPart(message),
  typing: ({ name }) => open.showTyping(name),
  here: ({ names }) => open.showOthers(names),
  figures: (message) => open.onFigures(message),
  list: () => reloadList(),
  panel: () => reloadPanel(),
};

watchShortcuts(open);
if (open) showCurrentRow();
queue.flushOthers();
connection.start();
