/* The visitor's conversations, shown in place of the thread. */

import { byId, fillFrom } from "../lib/dom.js";
import { clockTime } from "../lib/thread-layout.js";
import { loadConversations } from "./visitor-api.js";

function shortTime(at) {
  if (at.toDateString() === new Date().toDateString()) return clockTime(at);
  return at.toLocaleDateString(document.documentElement.lang, { month: "short", day: "numeric" });
}

function setShown(isShown) {
  byId("chat").hidden = isShown;
  byId("conversations").hidden = !isShown;
  byId("list-button").setAttribute("aria-expanded", String(isShown));
}

export const hideConversationList = () => setShown(false);

/* current(): the id of the open conversation, if any. onChoose(id): an id or "new". onClosed(): the thread is shown again. */
export function createConversationList({ current, onChoose, onClosed }) {
  const body = byId("list-body");
  const button = byId("list-button");

  async function open() {
    setShown(true);
    fillFrom(body, "skeleton-list");
    byId("conversations-title").focus({ preventScroll: true });
    try {
      body.innerHTML = await loadConversations(current() || "");
      for (const time of body.querySelectorAll("time")) time.textContent = shortTime(new Date(time.dateTime));
    } catch {
      fillFrom(body, "failure");
      body.querySelector("[data-retry]").addEventListener("click", open);
    }
  }

  function close() {
    setShown(false);
    onClosed();
    button.focus();
  }

  function choose(id) {
    if (id === current()) close();
    else onChoose(id);
  }

  button.addEventListener("click", () => (byId("conversations").hidden ? open() : close()));
  byId("new-button").addEventListener("click", () => choose("new"));
  body.addEventListener("click", (event) => {
    const row = event.target.closest(".conv");
    if (row) choose(row.dataset.conversation);
  });
}
