/* What is written and not sent yet: kept until the server has it, each with its own key, so that twice sent is once kept. */
'use strict';

// randomUUID is missing on plain http, where people try things out.
function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/* place: where it is kept while the page is loaded anew. current: the conversation on the page, if one is open.
   post(item): sends it. onSent(made): the entry that the server made of it. onRefused(item, answer): it wants no part of it.
   onSignedOut(answer). failed: the sentence for a message that has to wait. */
// eslint-disable-next-line no-unused-vars
function makeQueue({ place, current, post, onSent, onRefused, onSignedOut, thread, failed }) {
  const AGAIN = 10000; // ms
  let items = [];
  let isBusy = false;
  let timer = 0;
  try { items = JSON.parse(sessionStorage.getItem(place)) || []; } catch (_) { /* blocked: memory it is */ }

  function save() {
    try { sessionStorage.setItem(place, JSON.stringify(items)); } catch (_) { /* blocked: memory it is */ }
  }

  const of = (conversation) => items.filter((item) => item.conversation === conversation);

  function add(item) {
    const kept = { ...item, key: newKey(), conversation: current(), at: new Date().toISOString() };
    items.push(kept);
    save();
    thread.addUnsent(kept, 'sending');
    flush();
  }

  function drop(key) {
    items = items.filter((item) => item.key !== key);
    save();
  }

  function move(from, to) {
    for (const item of of(from)) item.conversation = to;
    save();
  }

  function isAway(answer) {
    if (answer.status === 401) onSignedOut(answer);
    return [401, 429].includes(answer.status) || answer.status >= 500;
  }

  async function send(item) {
    const answer = await post(item);
    if (isAway(answer)) throw new Error('send ' + answer.status);
    if (answer.ok) {
      const made = await answer.json();
      if (item.conversation === current()) onSent(made);
      return drop(item.key);
    }
    drop(item.key);
    thread.removeUnsent(item.key);
    return onRefused(item, answer);
  }

  async function flush() {
    clearTimeout(timer);
    if (isBusy) return;
    isBusy = true;
    let item;
    while ((item = of(current())[0])) {
      thread.setUnsent(item.key, 'sending');
      try {
        await send(item);
      } catch (_) {
        if (!items.includes(item)) continue; // its answer was lost, but the live line brought it
        for (const waiting of items) thread.setUnsent(waiting.key, 'failed');
        thread.announce(failed);
        timer = setTimeout(flush, AGAIN);
        break;
      }
    }
    isBusy = false;
  }

  // What was not sent when another conversation was left. What is refused waits there, and says why when it is opened.
  async function flushLeft() {
    const waits = new Set(); // conversations: what was written after what is refused waits behind it
    for (const item of items.filter((one) => one.conversation !== current())) {
      if (waits.has(item.conversation)) continue;
      try {
        const answer = await post(item);
        if (isAway(answer)) return;
        if (answer.ok) drop(item.key);
        else waits.add(item.conversation);
      } catch (_) {
        return;
      }
    }
  }

  function show() {
    for (const item of of(current())) thread.addUnsent(item, 'sending');
  }

  return { add, drop, move, flush, flushLeft, show, waiting: () => of(current()) };
}
