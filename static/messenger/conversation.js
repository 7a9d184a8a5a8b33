/* The open conversation: opens it, keeps it up to date, sends what the visitor writes. */

import { byId, fillFrom } from "../lib/dom.js";
import { createLiveConnection } from "../lib/live-connection.js";
import { createReceivedParts } from "../lib/received-parts.js";
import { createSendQueue } from "../lib/send-queue.js";
import { readErrorMessage } from "../lib/server-errors.js";
import { createThread } from "../lib/thread.js";
import { createConnectionStatus } from "./connection-status.js";
import { hideConversationList } from "./conversation-list.js";
import * as api from "./visitor-api.js";

const GAP = 1000; // ms; a missing part may only be late
const GAP_REFILL = 4000; // ms
const REOPEN_EVERY = 10000; // ms

/* isShown(): whether the visitor can see the chat. onUnread(): a part arrived while they could not.
   onOpen(id): a conversation was opened. onRefused(text, why): the server refused a message. */
export function createConversation({ strings, isShown, onUnread, onOpen, onRefused }) {
  const body = byId("thread-body");
  const received = createReceivedParts();
  let conversation = null;
  let opening = 0; // counts openings, so that a slow response can't replace a newer one
  let seenTold = 0; // the last part that the server knows was seen

  const thread = createThread({
    scroller: byId("thread"),
    body,
    typing: byId("typing"),
    pill: byId("newer"),
    announcer: byId("announcer"),
    loadOlder: (before) => api.loadParts(conversation, before),
    onBottom: () => tellSeen(),
  });

  const queue = createSendQueue({
    storageKey: "sayso.queue",
    current: () => conversation,
    post: api.postMessage,
    onSent: ({ seq, html }) => onPart({ seq, html }),
    onRefused: async (item, response) => onRefused(item.text, (await readErrorMessage(response)) || strings.failed),
    onSignedOut: () => reopen(),
    thread,
    failed: strings.failed,
  });

  const connection = createLiveConnection({
    path: api.LIVE_PATH,
    hello: () => api.hello(conversation, received.last()),
    onMessage,
    onDrop(code) {
      if (code === 4401) reopen();
      return code !== 4401;
    },
    onLost: () => setStatus("off"),
  });

  const setStatus = createConnectionStatus(strings, () => Boolean(conversation));

  // --- opening

  function showLoading() {
    fillFrom(body, "skeleton");
    byId("thread").setAttribute("aria-busy", "true");
  }

  async function open(wanted) {
    opening += 1;
    const mine = opening;
    connection.stop();
    conversation = null;
    hideConversationList();
    showLoading();
    try {
      const opened = await api.openConversation(wanted);
      if (mine === opening) begin(opened);
    } catch (error) {
      if (mine === opening) showFailure(wanted, error.words);
    }
  }

  function begin(opened) {
    api.acceptToken(opened.token);
    conversation = opened.conversation;
    received.reset(opened.last);
    seenTold = 0;
    clearTimeout(gapTimer);
    thread.load(opened.html, opened.fresh || []);
    byId("thread").setAttribute("aria-busy", "false");
    body.append(byId("empty").content.cloneNode(true));
    if (lost) queue.move(lost, conversation);
    lost = null;
    queue.show();
    connection.start();
    queue.flush();
    onOpen(conversation);
  }

  function showFailure(wanted, words) {
    fillFrom(body, "failure");
    if (words) body.querySelector(".state-words").textContent = words;
    byId("thread").setAttribute("aria-busy", "false");
    thread.announce(body.textContent.replace(/\s+/g, " ").trim());
    setStatus("off");
    const mine = opening;
    const retry = () => {
      window.removeEventListener("online", retry);
      if (mine === opening) open(wanted); // otherwise another one was opened since
    };
    body.querySelector("[data-retry]").addEventListener("click", retry);
    window.addEventListener("online", retry);
  }

  let reopenedAt = 0;
  let lost = null; // a conversation whose unsent messages move to the next one

  // The token is no longer valid: open again without it, but at most once in REOPEN_EVERY.
  function reopen() {
    if (!conversation) return; // already reopening
    const delay = Date.now() - reopenedAt < REOPEN_EVERY ? REOPEN_EVERY : 0;
    reopenedAt = Date.now();
    lost = conversation;
    conversation = null;
    connection.stop();
    api.forgetToken();
    setTimeout(() => open(null), delay);
  }

  // --- receiving

  function onMessage(message) {
    if (message.type === "ready") {
      setStatus("live");
      queue.flush();
      seenTold = 0; // what was sent on the old connection may not have been received
      tellSeen();
    } else if (message.type === "part") onPart(message);
    else if (message.type === "skip")
      received.add(message.seq); // an entry between teammates
    else if (message.type === "typing") thread.showTyping();
  }

  function onPart({ seq, html, author = "contact", kind }) {
    const isNew = received.add(seq);
    const fromBot = isNew && author === "bot" && kind !== "event";
    const key = thread.put(html, { fromBot, after: tellSeen });
    if (key) queue.remove(key);
    if (isNew && author !== "contact" && !(isShown() && !document.hidden)) onUnread();
    clearTimeout(gapTimer);
    const newest = received.newest();
    if (newest > received.last()) gapTimer = setTimeout(() => fillGap(newest), GAP);
  }

  let gapTimer = 0;
  let gapAskedAfter = -1;

  // Reconnects once to receive what is missing. What is still missing then is not for the visitor.
  function fillGap(seq) {
    if (seq <= received.last()) return;
    if (gapAskedAfter === received.last()) {
      received.skipTo(seq);
      return;
    }
    gapAskedAfter = received.last();
    connection.reconnect();
    gapTimer = setTimeout(() => fillGap(seq), GAP_REFILL);
  }

  /* Dismisses the outbound message of this button. Returns whether it is gone. */
  async function dismiss(button) {
    const li = button.closest(".part");
    if (button.getAttribute("aria-busy") === "true" || !conversation) return false;
    button.setAttribute("aria-busy", "true");
    const { ok, isSignedOut } = await api.dismissMessage(conversation, Number(li.dataset.seq));
    if (ok) {
      thread.dismiss(li.dataset.message);
      thread.announce(strings.dismissed);
    } else if (isSignedOut) reopen();
    else showUndismissed(button);
    return ok;
  }

  function showUndismissed(button) {
    button.removeAttribute("aria-busy");
    const words = Object.assign(document.createElement("p"), { className: "dismiss-error" });
    words.textContent = strings.undismissed;
    if (!button.nextElementSibling?.matches(".dismiss-error")) button.after(words);
    thread.announce(strings.undismissed);
  }

  function tellSeen() {
    const last = received.last();
    if (!conversation || last <= seenTold) return;
    if (!isShown() || document.hidden || byId("chat").hidden || !thread.isAtEnd()) return;
    if (connection.send({ type: "seen", seq: last })) seenTold = last;
  }

  window.addEventListener("online", () => {
    setStatus("wait");
    queue.flush();
  });
  window.addEventListener("offline", () => setStatus("off"));

  return {
    thread,
    open,
    reopen,
    tellSeen,
    dismiss,
    id: () => conversation,
    send: (text) => queue.add({ text }),
    retry: () => queue.flush(),
    tellTyping: () => connection.send({ type: "typing" }),
    tellOpened: (seq) => connection.send({ type: "opened", seq }),
  };
}
