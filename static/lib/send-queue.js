/* Messages that were written and not accepted yet. They are kept until the server has them, each with its own idempotency
   key, so that a message sent twice is stored once. */

import { readStored, store } from "./storage.js";

const RETRY = 10000; // ms

/* `crypto.randomUUID` is missing on plain http. */
export function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/* storageKey: where the queue is kept across page loads of this tab.
   current(): the id of the open conversation, if any.
   post(item): sends one, returns the response.
   onSent(part): the part that the server made of it.
   onRefused(item, response): the server will never accept it.
   onSignedOut(response).
   thread: shows what is unsent. failed: what to announce when a message has to wait. */
export function createSendQueue({ storageKey, current, post, onSent, onRefused, onSignedOut, thread, failed }) {
  let items = readStored("sessionStorage", storageKey) || [];
  let isSending = false;
  let retryTimer = 0;

  const save = () => store("sessionStorage", storageKey, items);
  const itemsOf = (conversation) => items.filter((item) => item.conversation === conversation);

  function add(item) {
    const queued = { ...item, key: newKey(), conversation: current(), at: new Date().toISOString() };
    items.push(queued);
    save();
    thread.addUnsent(queued, "sending");
    flush();
  }

  function remove(key) {
    items = items.filter((item) => item.key !== key);
    save();
  }

  function move(from, to) {
    for (const item of itemsOf(from)) item.conversation = to;
    save();
  }

  // Signed out, rate limited or unavailable: the same message may be accepted later.
  function isTemporary(response) {
    if (response.status === 401) onSignedOut(response);
    return [401, 429].includes(response.status) || response.status >= 500;
  }

  async function send(item) {
    const response = await post(item);
    if (isTemporary(response)) throw new Error(`send ${response.status}`);
    if (response.ok) {
      const part = await response.json();
      if (item.conversation === current()) onSent(part);
      remove(item.key);
      return;
    }
    remove(item.key);
    thread.removeUnsent(item.key);
    onRefused(item, response);
  }

  async function flush() {
    clearTimeout(retryTimer);
    if (isSending) return;
    isSending = true;
    for (let item = itemsOf(current())[0]; item; item = itemsOf(current())[0]) {
      thread.setUnsent(item.key, "sending");
      try {
        await send(item);
      } catch {
        if (!items.includes(item)) continue; // its response was lost, but the live connection brought the part
        for (const waiting of items) thread.setUnsent(waiting.key, "failed");
        thread.announce(failed);
        retryTimer = setTimeout(flush, RETRY);
        break;
      }
    }
    isSending = false;
  }

  // Messages left unsent in other conversations. A refused one stays queued, and says why when its conversation is opened.
  async function flushOthers() {
    const blocked = new Set(); // conversations with a refused message: later ones wait behind it
    for (const item of items.filter((one) => one.conversation !== current())) {
      if (blocked.has(item.conversation)) continue;
      try {
        const response = await post(item);
        if (isTemporary(response)) return;
        if (response.ok) remove(item.key);
        else blocked.add(item.conversation);
      } catch {
        return;
      }
    }
  }

  function show() {
    for (const item of itemsOf(current())) thread.addUnsent(item, "sending");
  }

  return { add, remove, move, flush, flushOthers, show, waiting: () => itemsOf(current()) };
}
