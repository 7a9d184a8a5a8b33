/* The messenger: the page in the frame that the launcher opens. */

import { byId, fillFrom, isVisible, readData } from "../lib/dom.js";
import { isComposing } from "../lib/keys.js";
import { createComposer } from "./composer.js";
import { createConversation } from "./conversation.js";
import { createConversationList } from "./conversation-list.js";
import { loadDraft, openDraft } from "./draft.js";
import { isFramed, listenToHost, tellHost } from "./host-page.js";
import { watchCards } from "./opt-in-cards.js";
import { setSettings, setToken } from "./visitor-api.js";

const strings = readData("strings");
let isShown = !isFramed;
let isModal = false; // the chat covers the host page
let unread = 0;

function setUnread(count) {
  if (count === unread) return;
  unread = count;
  tellHost("unread", { count });
}

const conversation = createConversation({
  strings,
  isShown: () => isShown,
  onUnread: () => setUnread(unread + 1),
  onOpen(id) {
    const draft = openDraft(id);
    composer.start(draft.text);
    cards.fillIn(draft.cards);
  },
  onRefused: (text, why) => composer.giveBack(text, why),
});

const composer = createComposer({
  strings,
  canSend: () => Boolean(conversation.id()),
  onSend: conversation.send,
  onTyping: conversation.tellTyping,
});

createConversationList({
  current: conversation.id,
  async onChoose(id) {
    await conversation.open(id);
    focusChat();
  },
  onClosed() {
    conversation.thread.measure();
    conversation.tellSeen();
  },
});

const cards = watchCards({
  thread: conversation.thread,
  onSignedOut: conversation.reopen,
  onOpened: conversation.tellOpened,
});

// On a touch screen, focusing the text field would raise the keyboard over the card.
function focusChat() {
  const target = matchMedia("(pointer: coarse)").matches ? byId("name") : byId("text");
  if (!byId("chat").hidden) target.focus({ preventScroll: true });
}

// Another person on the same page is another visitor: the server decides what they may see.
function adopt(settings) {
  if (setSettings(settings || {})) conversation.open(null);
}

listenToHost({
  boot({ token, settings, draft }) {
    setToken(token || null);
    loadDraft(draft);
    setSettings(settings || {});
    conversation.open(null);
  },
  show({ modal, quiet, settings }) {
    adopt(settings);
    isShown = true;
    isModal = Boolean(modal);
    setUnread(0);
    conversation.tellSeen();
    if (!quiet) focusChat();
  },
  hide() {
    isShown = false;
  },
  settings: ({ settings }) => adopt(settings),
});

// A chat that covers the host page keeps the focus inside. Beside the page, Tab may leave it.
function trapFocus(event) {
  if (event.key !== "Tab" || !isModal) return;
  const focusable = "a[href],button,input:not([type=hidden]),select,textarea,#thread";
  const stops = [...document.querySelectorAll(focusable)].filter(isVisible);
  const [first, last] = [stops[0], stops[stops.length - 1]];
  if (document.activeElement !== (event.shiftKey ? first : last)) return;
  event.preventDefault();
  (event.shiftKey ? last : first).focus();
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !isComposing(event)) tellHost("close");
  trapFocus(event);
});
// A quick reply is a message. Its buttons disappear with the press, so the focus moves on.
function answer(reply) {
  conversation.send(reply.textContent.trim());
  focusChat();
}

async function dismiss(button) {
  if ((await conversation.dismiss(button)) && document.activeElement === document.body) focusChat();
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-resend]")) conversation.retry();
  const dismissing = event.target.closest("[data-dismiss]");
  if (dismissing) dismiss(dismissing);
  const reply = event.target.closest("[data-reply]");
  if (reply && conversation.id()) answer(reply);
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  if (isShown) setUnread(0);
  conversation.tellSeen();
});

byId("close-button").hidden = !isFramed;
byId("close-button").addEventListener("click", () => tellHost("close"));

fillFrom(byId("thread-body"), "skeleton");
if (isFramed) tellHost("ready", { words: strings.launcher });
else conversation.open(null);
