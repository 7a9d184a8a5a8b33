/* The messenger page: talks to the shop's page, opens conversations, sends messages, keeps the live line. */
'use strict';
(function () {
  const $ = (id) => document.getElementById(id);
  const strings = JSON.parse($('strings').textContent);
  const LIMIT = 4000;
  const framed = window.parent !== window;
  const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

  let parentOrigin = null; // set by the first boot message; nobody else is heard after it
  let token = null;
  let settings = {};
  let conversation = null;
  let last = 0; // every part up to this one has come
  const received = new Set(); // what has come, shown or still waiting for its turn
  let opening = 0; // counts openings, so that a slow answer can't replace a newer one
  let shown = !framed;
  let modal = false;
  let unread = 0;

  // --- the shop's page

  function tell(type, more) {
    // "ready" goes out before we know who embeds us, and says nothing about anyone.
    if (framed) window.parent.postMessage({ sayso: 1, type, ...more }, parentOrigin || '*');
  }

  function keep(value) {
    token = value;
    if (parentOrigin) tell('token', { token });
  }

  const who = (s) => JSON.stringify([s.user_id, s.user_hash, s.name, s.email]);

  function hear(event) {
    const message = event.data;
    if (event.source !== window.parent || !message || message.sayso !== 1) return;
    if (!parentOrigin) {
      if (message.type !== 'boot') return;
      parentOrigin = event.origin;
    }
    if (event.origin !== parentOrigin) return;
    if (message.type === 'boot') boot(message);
    else if (message.type === 'show') show(message.modal);
    else if (message.type === 'hide') shown = false;
    else if (message.type === 'settings') adopt(message.settings || {});
  }

  function boot(message) {
    token = message.token || null;
    settings = message.settings || {};
    open(null);
  }

  // Another person on the same page is another visitor: the server decides what they may see.
  function adopt(next) {
    const changed = who(next) !== who(settings);
    settings = next;
    if (changed) open(null);
  }

  function show(isModal) {
    shown = true;
    modal = Boolean(isModal);
    setUnread(0);
    seen();
    focusChat();
  }

  // On a touch screen the text field would raise the keyboard over the card.
  function focusChat() {
    const target = matchMedia('(pointer: coarse)').matches ? $('name') : $('text');
    if (!$('chat').hidden) target.focus({ preventScroll: true });
  }

  function setUnread(value) {
    if (value === unread) return;
    unread = value;
    tell('unread', { count: unread });
  }

  // --- requests

  function request(path, { method = 'GET', json } = {}) {
    const headers = token ? { Authorization: 'Bearer ' + token } : {};
    if (json) headers['Content-Type'] = 'application/json';
    // An answer that never comes must not keep the queue waiting: the same key may be sent again.
    const signal = AbortSignal.timeout(15000);
    return fetch(path, { method, headers, body: json && JSON.stringify(json), credentials: 'omit', signal });
  }

  const path = (rest, of = conversation) => `/messenger/conversations/${encodeURIComponent(of)}/${rest}`;

  let refusedAt = 0;
  let lostConversation = null; // its unsent messages move to the next one

  // The token is no longer good: forget it and open again, at most every ten seconds, whatever the server says.
  function reopen() {
    if (!conversation) return; // another request was told so before
    const wait = Date.now() - refusedAt < 10000 ? 10000 : 0;
    refusedAt = Date.now();
    lostConversation = conversation;
    conversation = null;
    line.stop();
    keep(null);
    setTimeout(() => open(null), wait);
  }

  // --- opening a conversation

  function fill(place, id) {
    place.replaceChildren($(id).content.cloneNode(true));
  }

  async function ask(wanted) {
    const post = () => request('/messenger/open', { method: 'POST', json: { conversation: wanted, settings: { ...settings, time_zone: timeZone } } });
    let answer = await post();
    if (answer.status === 401 && token) {
      keep(null);
      answer = await post();
    }
    if (!answer.ok) throw Object.assign(new Error('open ' + answer.status), { words: await refusal(answer) });
    return answer.json();
  }

  async function open(wanted) {
    const mine = ++opening;
    line.stop();
    conversation = null;
    showList(false);
    fill($('thread-body'), 'skeleton');
    $('thread').setAttribute('aria-busy', 'true');
    try {
      const opened = await ask(wanted);
      if (mine === opening) begin(opened);
    } catch (error) {
      if (mine === opening) failOpen(wanted, error.words);
    }
  }

  // A site that says something wrong (a user_hash, say) has to hear of it; a server that is away has no words for it.
  async function refusal(answer) {
    if (answer.status >= 500) return '';
    const words = await reason(answer);
    console.error('Sayso: ' + words);
    return words;
  }

  function begin(opened) {
    if (opened.token !== token) keep(opened.token);
    conversation = opened.conversation;
    last = opened.last;
    told = 0;
    received.clear();
    clearTimeout(gapTimer);
    thread.load(opened.html, opened.fresh || []);
    $('thread').setAttribute('aria-busy', 'false');
    $('thread-body').append($('empty').content.cloneNode(true));
    if (lostConversation) queue.move(lostConversation, conversation);
    lostConversation = null;
    queue.show();
    line.start();
    queue.flush();
    checkText();
  }

  function failOpen(wanted, words) {
    fill($('thread-body'), 'failure');
    if (words) $('thread-body').querySelector('.state-words').textContent = words;
    $('thread').setAttribute('aria-busy', 'false');
    thread.announce($('thread-body').textContent.replace(/\s+/g, ' ').trim());
    setLine('off');
    const mine = opening;
    const again = () => {
      window.removeEventListener('online', again);
      if (mine === opening) open(wanted); // else another one was opened since
    };
    $('thread-body').querySelector('[data-retry]').addEventListener('click', again);
    window.addEventListener('online', again);
  }

  const thread = makeThread({
    scroller: $('thread'), body: $('thread-body'), typing: $('typing'), pill: $('newer'), announcer: $('announcer'),
    onOlder: older, onBottom: () => seen(),
  });

  // --- what is written and not sent yet

  const queue = makeQueue({
    place: 'sayso.queue',
    current: () => conversation,
    post: (item) => request(path('messages', item.conversation), { method: 'POST', json: { key: item.key, text: item.text } }),
    onSent: (made) => arrived(made.seq, made.html),
    onRefused: async (item, answer) => giveBack(item.text, await reason(answer)),
    onSignedOut: () => reopen(),
    thread,
    failed: strings.failed,
  });

  const reason = async (answer) => (await answers.saidIn(answer)) || strings.failed;

  // --- the live line

  const line = makeLine({
    path: '/messenger/live',
    hello: () => ({ type: 'hello', token, conversation, after: last }),
    onMessage(message) {
      if (message.type === 'ready') {
        setLine('live');
        queue.flush();
        told = 0; // what was said on the old line may not have been heard
        seen();
      } else if (message.type === 'part') arrived(message.seq, message.html, message);
      else if (message.type === 'skip') skipped(message.seq);
      else if (message.type === 'typing') thread.showTyping();
    },
    onDrop(code) {
      if (code === 4401) reopen();
      return code !== 4401;
    },
    onGone: () => setLine('off'),
  });

  // --- parts that arrive

  let gapTimer = 0;
  let gapAsked = -1;

  function arrived(seq, html, { author, kind } = {}) {
    const isNew = seq > last && !received.has(seq);
    const mine = !author || author === 'contact';
    received.add(seq);
    advance();
    const key = thread.put(html, { fromBot: isNew && author === 'bot' && kind !== 'event', after: seen });
    if (key) queue.drop(key);
    if (isNew && !mine && !(shown && !document.hidden)) setUnread(unread + 1);
    clearTimeout(gapTimer);
    const newest = Math.max(...received);
    if (newest > last) gapTimer = setTimeout(() => fillGap(newest), 1000); // it may only be out of order
  }

  // An entry between teammates has a number too.
  function skipped(seq) {
    received.add(seq);
    advance();
  }

  function advance() {
    while (received.delete(last + 1)) last += 1;
    for (const seq of received) if (seq <= last) received.delete(seq);
  }

  // Ask once for what is missing. What is still missing then isn't for us.
  function fillGap(seq) {
    advance();
    if (seq <= last) return;
    if (gapAsked === last) {
      last = seq;
      advance();
      return;
    }
    gapAsked = last;
    line.renew();
    gapTimer = setTimeout(() => fillGap(seq), 4000);
  }

  let told = 0;
  function seen() {
    if (!conversation || !shown || document.hidden || !thread.atEnd() || $('chat').hidden || last <= told) return;
    if (line.say({ type: 'seen', seq: last })) told = last;
  }

  async function older(before) {
    try {
      const answer = await request(path('parts?before=' + before));
      return answer.ok ? await answer.text() : null;
    } catch (_) {
      return null;
    }
  }

  // --- state of the line, in words

  function setLine(state) {
    const isOff = state === 'off';
    $('line').dataset.line = state;
    $('line-words').textContent = isOff && conversation && navigator.onLine ? strings.wait : strings[state];
    $('banner').textContent = !isOff || !conversation ? '' : navigator.onLine ? strings.reconnecting : strings.offline;
  }

  // --- writing

  const text = $('text');
  const composer = $('composer');
  let note = '';

  const lengthOf = (value) => [...value].length; // people count characters, not UTF-16 units

  function grow() {
    text.style.blockSize = 'auto';
    text.style.blockSize = text.scrollHeight + 'px';
  }

  function checkText() {
    const left = LIMIT - lengthOf(text.value.trim());
    const words = left < 0 ? strings.over.replace('{count}', -left) : left < 200 ? strings.left.replace('{count}', left) : note;
    if ($('text-note').textContent !== words) $('text-note').textContent = words;
    $('text-note').classList.toggle('is-wrong', left < 0 || Boolean(note));
    text.setAttribute('aria-invalid', String(left < 0));
    $('send').setAttribute('aria-disabled', String(!conversation || !text.value.trim() || left < 0));
    grow();
  }

  function send(event) {
    event.preventDefault();
    const value = text.value.trim();
    if (!value || !conversation || lengthOf(value) > LIMIT) return text.focus();
    text.value = '';
    note = '';
    typedAt = 0; // what is typed next is news again
    checkText();
    queue.add({ text: value });
    text.focus();
    return undefined;
  }

  // The server took no part of it: the words go back where they can be mended.
  function giveBack(words, why) {
    text.value = text.value ? words + '\n' + text.value : words;
    note = why;
    checkText();
    text.focus();
  }

  function onTextKey(event) {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    send(event);
  }

  // --- the list of conversations

  function showList(yes) {
    $('chat').hidden = yes;
    $('conversations').hidden = !yes;
    $('list-button').setAttribute('aria-expanded', String(yes));
  }

  async function openList() {
    showList(true);
    fill($('list-body'), 'skeleton-list');
    $('conversations-title').focus({ preventScroll: true });
    try {
      const answer = await request('/messenger/conversations?current=' + encodeURIComponent(conversation || ''));
      if (!answer.ok) throw new Error('list ' + answer.status);
      $('list-body').innerHTML = await answer.text();
      for (const time of $('list-body').querySelectorAll('time')) time.textContent = whenShort(new Date(time.dateTime));
    } catch (_) {
      fill($('list-body'), 'failure');
      $('list-body').querySelector('[data-retry]').addEventListener('click', openList);
    }
  }

  function whenShort(at) {
    const today = at.toDateString() === new Date().toDateString();
    return today ? thread.clock(at) : at.toLocaleDateString(document.documentElement.lang, { month: 'short', day: 'numeric' });
  }

  function closeList() {
    showList(false);
    thread.recheck();
    seen();
    $('list-button').focus();
  }

  async function choose(id) {
    if (id === conversation) return closeList();
    await open(id);
    return focusChat();
  }

  // --- cards

  function openCard(event) {
    const { detail } = event;
    detail.headers.Authorization = 'Bearer ' + token;
    detail.parameters.page = settings.page_url || '';
  }

  function busyCard(event, busy) {
    const button = event.target.querySelector && event.target.querySelector('.card-button');
    if (button) button.setAttribute('aria-busy', String(busy));
  }

  // The person may have moved on to write something: then the news is said, and their focus is left alone.
  function settleCard(event) {
    const card = event.target.closest && event.target.closest('.card');
    if (!card) return;
    thread.dropLate(card.closest('.part')); // the answer is as new
    thread.recheck();
    const active = document.activeElement;
    const wrong = card.querySelector('[aria-invalid="true"]');
    const heading = card.querySelector('.card-title');
    const error = card.querySelector('.card-error:not([hidden])');
    if (active === document.body || card.contains(active)) (wrong || heading).focus({ preventScroll: false });
    else thread.announce((error || heading).textContent);
  }

  function failCard(event) {
    const form = event.target;
    const error = form.querySelector('.card-error');
    const { xhr } = event.detail;
    if (xhr.status === 401) return void reopen();
    busyCard(event, false);
    error.textContent = answers.saidBy(xhr) || form.dataset.unsent;
    error.hidden = false;
    thread.announce(error.textContent);
    thread.settleLate(form.closest('.part'));
    const button = form.querySelector('.card-button');
    setTimeout(() => { if (document.activeElement === document.body) button.focus({ preventScroll: true }); }, 50);
    return undefined;
  }

  function onCardInput(event) {
    const field = event.target.closest('.field');
    if (!field) return;
    if (event.target.matches('select')) field.querySelector('bdi').textContent = event.target.selectedOptions[0].dataset.short;
    else field.classList.toggle('field--foreign', event.target.value.trim().startsWith('+'));
  }

  // --- keys and clicks

  function isVisible(node) {
    return !node.disabled && node.getClientRects().length > 0;
  }

  // Full screen, the chat covers the shop's page: Tab stays inside. Beside the page it may leave.
  function holdTab(event) {
    if (event.key !== 'Tab' || !modal) return;
    const stops = [...document.querySelectorAll('a[href],button,input:not([type=hidden]),select,textarea,#thread')].filter(isVisible);
    const edge = event.shiftKey ? stops[0] : stops[stops.length - 1];
    if (document.activeElement !== edge) return;
    event.preventDefault();
    (event.shiftKey ? stops[stops.length - 1] : stops[0]).focus();
  }

  function onKey(event) {
    if (event.key === 'Escape' && !event.isComposing) tell('close');
    holdTab(event);
  }

  function onClick(event) {
    const target = event.target.closest('button');
    if (!target) return;
    if (target.matches('[data-resend]')) queue.flush();
    else if (target.matches('.conv')) choose(target.dataset.conversation);
  }

  document.addEventListener('keydown', onKey);
  document.addEventListener('click', onClick);
  document.addEventListener('input', onCardInput);
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) return;
    if (shown) setUnread(0);
    seen();
  });
  window.addEventListener('online', () => { setLine('wait'); queue.flush(); });
  window.addEventListener('offline', () => setLine('off'));
  window.addEventListener('message', hear);
  document.body.addEventListener('htmx:configRequest', openCard);
  document.body.addEventListener('htmx:beforeRequest', (event) => busyCard(event, true));
  document.body.addEventListener('htmx:beforeSwap', answers.refuseOther);
  document.body.addEventListener('htmx:afterSwap', settleCard);
  for (const name of ['htmx:sendError', 'htmx:timeout', 'htmx:responseError']) document.body.addEventListener(name, failCard);
  let typedAt = 0;
  function tellTyping() {
    if (!text.value.trim() || Date.now() - typedAt < 3000) return;
    if (line.say({ type: 'typing' })) typedAt = Date.now();
  }

  // The first look into a card's field: who sent it sees that it was opened.
  document.addEventListener('focusin', (event) => {
    const li = event.target.matches('.field-input') && event.target.closest('.part');
    if (li && !li.dataset.opened && line.say({ type: 'opened', seq: Number(li.dataset.seq) })) li.dataset.opened = '1';
  });

  text.addEventListener('input', () => { note = ''; checkText(); tellTyping(); });
  text.addEventListener('keydown', onTextKey);
  composer.addEventListener('submit', send);
  $('list-button').addEventListener('click', () => ($('conversations').hidden ? openList() : closeList()));
  $('new-button').addEventListener('click', () => choose('new'));
  $('close-button').hidden = !framed;
  $('close-button').addEventListener('click', () => tell('close'));

  fill($('thread-body'), 'skeleton');
  if (framed) tell('ready');
  else open(null);
})();
