/* The inbox: the live line, the thread, the composer with its drafts, the keys. All but what is live works without it. */
'use strict';
(function () {
  const $ = (id) => document.getElementById(id);
  const strings = JSON.parse($('inbox-strings').textContent);
  const page = $('inbox');
  const id = page.dataset.conversation;
  const csrf = JSON.parse(document.body.getAttribute('hx-headers'))['X-CSRF-Token'];
  const language = document.documentElement.lang || undefined;
  const clock = new Intl.DateTimeFormat(language, { hour: 'numeric', minute: '2-digit' });
  const shortDay = new Intl.DateTimeFormat(language, { month: 'short', day: 'numeric' });
  const long = new Intl.DateTimeFormat(language, { weekday: 'short', month: 'short', day: 'numeric', hour: 'numeric', minute: '2-digit' });

  function request(path, body) {
    const headers = { 'HX-Request': 'true', 'HX-Current-URL': location.href, 'X-CSRF-Token': csrf };
    // What was sent goes through also when the page is left at once.
    return fetch(path, { method: body ? 'POST' : 'GET', headers, body, keepalive: Boolean(body), signal: AbortSignal.timeout(15000) });
  }

  // Somebody who is signed out goes to sign in, and comes back here.
  function leaves(answer) {
    const where = answer.status === 401 && answer.headers.get('HX-Redirect');
    if (where) location.assign(where);
    return Boolean(where);
  }

  const reason = async (answer) => (await answers.saidIn(answer)) || strings.failed;

  // --- times in the reader's own way

  function tellTimes(root) {
    for (const time of root.querySelectorAll('.conv-at:empty')) {
      const at = new Date(time.dateTime);
      time.textContent = at.toDateString() === new Date().toDateString() ? clock.format(at) : shortDay.format(at);
    }
    for (const time of root.querySelectorAll('time[data-when="long"]')) time.textContent = long.format(new Date(time.dateTime));
  }

  // --- the list

  const tabs = () => [...document.querySelectorAll('.inbox-tabs a')];
  let listAsked = 0;
  let isListOld = false;
  $('list').addEventListener('scroll', (event) => { if (isListOld && event.target.scrollTop < 400) isListOld = false, readList(); }, true);
  async function readList() {
    const mine = ++listAsked;
    try {
      const shown = Math.max(document.querySelectorAll('.conv:not([data-apart])').length, isPlaced ? 0 : place.rows);
      const answer = await request(`/inbox/list?${page.dataset.query}&rows=${Math.min(shown, 200)}&current=${id}`);
      if (leaves(answer) || !answer.ok) return;
      const html = await answer.text();
      if (mine !== listAsked) return;
      const before = $('convs');
      const scroll = before ? before.scrollTop : 0;
      const focused = document.activeElement && document.activeElement.dataset && document.activeElement.dataset.id;
      const tab = tabs().indexOf(document.activeElement);
      isListOld = scroll > 400; // somebody reads further down: it would jump under their hands
      if (isListOld) return;
      $('list').innerHTML = html;
      window.htmx.process($('list'));
      holdPlace();
      if ($('convs')) $('convs').scrollTop = scroll;
      if (!isPlaced) document.querySelector('.conv[aria-current]')?.scrollIntoView({ block: 'nearest' });
      isPlaced = true;
      if (focused) document.querySelector(`.conv[data-id="${focused}"]`)?.focus({ preventScroll: true });
      tabs()[tab]?.focus({ preventScroll: true });
      tellTimes($('list'));
      markDrafts();
    } catch (_) {
      // The line says when there is something to read again.
    }
  }

  function markDrafts() {
    for (const conv of document.querySelectorAll('.conv')) {
      const draft = conv.dataset.id !== id && keptDraft(conv.dataset.id);
      if (!draft) continue;
      const mark = document.createElement('span');
      mark.className = 'conv-draft';
      mark.textContent = strings.draft + ': ';
      conv.querySelector('.conv-line').replaceChildren(mark, draft.text.slice(0, 120));
    }
  }

  // Who was read drops below the unread ones. The one that was opened stays where it stood, over the same neighbour: no
  // row jumps away under the hand, and going on by keys skips none. Where no row is above, going back is the way one came.
  const PLACE = 'sayso.inbox.place';
  const rows = () => [...document.querySelectorAll('.conv')];
  const rowOf = (of) => rows().findIndex((conv) => conv.dataset.id === of);
  let place = { open: '', next: '', rows: 0, trail: [] };
  try { place = { ...place, ...JSON.parse(sessionStorage.getItem(PLACE)) }; } catch (_) { /* rows jump */ }
  if (place.open !== id) place = { open: id, next: '', rows: 0, trail: [] };
  let isPlaced = false;

  function keepPlace(open, next, trail) {
    try { sessionStorage.setItem(PLACE, JSON.stringify({ open, next, rows: rows().length, trail })); } catch (_) { /* rows jump */ }
  }

  function leaveFor(conv) {
    const next = rows()[rows().indexOf(conv) + 1];
    keepPlace(conv.dataset.id, next ? next.dataset.id : '', id ? [...place.trail, id].slice(-50) : []);
  }

  function holdPlace() {
    const [open, next] = [rowOf(id), rowOf(place.next)].map((at) => rows()[at]);
    if (open && next) next.closest('li').before(open.closest('li'));
  }

  function go(step) {
    const all = rows();
    const [open, next] = [rowOf(id), rowOf(place.next)];
    const row = step > 0 ? all[open < 0 ? Math.max(next, 0) : open + 1] : all[(open < 0 ? next : open) - 1];
    const [back] = place.trail.slice(-1);
    if (row) row.click();
    else if (step < 0 && back) {
      keepPlace(back, id, place.trail.slice(0, -1));
      location.assign(`/inbox/${back}?${page.dataset.query}`);
    }
  }

  // --- drafts: one a conversation and kind, kept on this device

  const draftKey = (of) => `sayso.draft.${page.dataset.me}.${of}`;
  function keptDraft(of) {
    try { return JSON.parse(localStorage.getItem(draftKey(of))); } catch (_) { return null; }
  }
  function keepDraft() {
    try {
      if (text.value.trim()) localStorage.setItem(draftKey(id), JSON.stringify({ text: text.value, kind: kind() }));
      else localStorage.removeItem(draftKey(id));
    } catch (_) { /* blocked: it lasts as long as the page */ }
  }

  // What was not sent when the page goes is a draft, too: the queue ends with the tab. A page that still has it in its
  // queue, or in its thread, knows better. What another tab let go of is kept; what it wrote since stands.
  function leaveDraft() {
    const waiting = queue.waiting();
    if (text.value.trim()) return void (keptDraft(id) || keepDraft());
    if (!waiting.length) return undefined;
    const left = { text: waiting.map((item) => item.text).join('\n'), kind: waiting[0].kind, keys: waiting.map((item) => item.key) };
    try { localStorage.setItem(draftKey(id), JSON.stringify(left)); } catch (_) { /* blocked: it is lost */ }
    return undefined;
  }

  function takeDraft() {
    const draft = keptDraft(id);
    const isSent = (key) => queue.waiting().some((item) => item.key === key) || document.querySelector(`#parts [data-key="${CSS.escape(key)}"]`);
    if (draft && draft.keys && draft.keys.some(isSent)) keepDraft();
    else if (draft && !text.value) {
      text.value = draft.text;
      composer.elements.kind.value = draft.kind;
    }
  }

  // --- the thread

  let last = 0;
  const received = new Set();
  const text = $('text');
  const composer = $('composer');
  const kind = () => composer.elements.kind.value;

  async function older(before) {
    try {
      const answer = await request(`/inbox/${id}/parts?before=${before}`);
      if (leaves(answer)) return null;
      return answer.ok ? await answer.text() : null;
    } catch (_) {
      return null;
    }
  }

  function arrived(message) {
    received.add(message.seq);
    while (received.delete(last + 1)) last += 1;
    const key = thread.put(message.html, { after: () => { tellStatus(); seen(); } });
    if (key) queue.drop(key);
  }

  let told = 0;
  function seen() {
    if (!document.hidden && thread.atEnd() && last > told && line.say({ type: 'seen', seq: last })) told = last;
  }

  function figures(message) {
    head = message.head;
    drawHead();
    document.querySelector('.talk-who bdi').textContent = message.name;
    reached = message;
    tellStatus();
  }

  // What can be done changes under the hands: an open menu is waited for, and the focus stays where it was.
  let head = '';
  const controlOf = (node) => (node.closest('#assign-menu') ? '#assign-menu > summary' : node.closest('#snooze-menu') ? '#snooze-menu > summary' : '#state .talk-actions > form > .btn');
  function drawHead() {
    const state = $('state');
    if (!head || state.querySelector('[open]')) return;
    const control = state.contains(document.activeElement) && controlOf(document.activeElement);
    state.innerHTML = head;
    head = '';
    tellTimes(state);
    if (control) document.querySelector(control)?.focus({ preventScroll: true });
  }

  // How far the contact has read may be known before the entry that it is about stands here.
  let reached = null;
  function tellStatus() {
    if (!reached) return;
    for (const status of document.querySelectorAll('#parts [data-status]')) {
      const seq = Number(status.closest('.part').dataset.seq);
      status.textContent = ' · ' + strings[seq <= reached.seen ? 'seen' : seq <= reached.delivered ? 'delivered' : 'sent'];
    }
  }

  const thread = id && makeThread({
    scroller: $('thread'), body: $('thread-body'), typing: $('typing'), pill: $('newer'), announcer: $('announcer'),
    onOlder: older, onBottom: () => seen(), dress: tellTimes, isMine: (li) => !li.dataset.who || li.dataset.who.startsWith(`teammate:${page.dataset.me}:`),
  });

  // --- what is written and not sent yet

  function postMessage(item) {
    return request(`/inbox/${item.conversation}/messages`, new URLSearchParams({ key: item.key, text: item.text, kind: item.kind }));
  }

  const queue = makeQueue({
    place: `sayso.inbox.${page.dataset.me}`,
    current: () => id,
    post: postMessage,
    onSent: (made) => arrived(made),
    onRefused: giveBack,
    onSignedOut: leaves,
    thread,
    failed: strings.failed,
  });

  // The words go back where they can be mended; a note never among words for the customer: beside one, both are a note.
  async function giveBack(item, answer) {
    const others = text.value.trim();
    if (item.kind !== kind()) chooseKind(others ? 'note' : item.kind);
    text.value = others ? item.text + '\n' + text.value : item.text;
    keepDraft();
    grow();
    say(await reason(answer), true);
  }

  function say(words, isWrong) {
    $('composer-note').textContent = words;
    $('composer-note').classList.toggle('is-wrong', Boolean(isWrong));
  }

  function send(event) {
    event.preventDefault();
    const value = text.value.trim();
    if (!value) return text.focus();
    if (value === '/form') return openForm();
    if (tooMany() > 0) return void text.focus();
    text.value = '';
    say('');
    typedAt = 0; // what is typed next is news again
    keepDraft();
    grow();
    queue.add({ text: value, kind: kind() });
    return text.focus();
  }

  function grow() {
    text.style.blockSize = 'auto';
    text.style.blockSize = Math.min(text.scrollHeight + 2, innerHeight * 0.4) + 'px';
  }

  function wearKind() {
    const isNote = kind() === 'note';
    composer.classList.toggle('composer--note', isNote);
    if (!text.dataset.reply) text.dataset.reply = text.placeholder;
    text.placeholder = isNote ? text.dataset.note : text.dataset.reply;
    sayLength(); // a note may be longer than a text
  }

  function chooseKind(value) {
    composer.elements.kind.value = value;
    wearKind();
    if (text.value.trim()) keepDraft();
    text.focus();
  }

  function showApps(yes) {
    $('apps').hidden = !yes;
    if (yes) text.setAttribute('aria-activedescendant', 'app-form');
    else text.removeAttribute('aria-activedescendant');
  }

  // What is typed to open the app, and is no message.
  const isCommand = () => text.value && '/form'.startsWith(text.value);

  // People count characters, not UTF-16 units.
  const tooMany = () => [...text.value.trim()].length - Number(kind() === 'note' ? text.dataset.mostNote : text.dataset.most);
  const sayLength = () => say(tooMany() > 0 ? strings.over.replace('{count}', tooMany()) : '', true);

  let typedAt = 0;
  function onInput() {
    sayLength();
    grow();
    keepDraft();
    showApps($('form-button') && isCommand());
    if (kind() === 'reply' && text.value.trim() && !text.value.startsWith('/') && Date.now() - typedAt > 3000 && line.say({ type: 'typing' })) typedAt = Date.now();
  }

  function onTextKey(event) {
    if (event.isComposing) return;
    if (event.key === 'Enter' && !event.shiftKey) {
      if (!$('apps').hidden) {
        event.preventDefault();
        openForm();
      } else send(event);
    } else if (event.key === 'Escape') {
      if ($('apps').hidden) return text.blur();
      event.stopPropagation(); // and not the panel as well
      showApps(false);
    }
  }

  // --- the opt-in form

  async function openForm() {
    const dialog = $('insert-form');
    if (dialog.open) return;
    if (!$('form-button')) return void say(strings.formless, true);
    if (isCommand()) {
      text.value = '';
      keepDraft();
    }
    showApps(false);
    $('insert-form-body').replaceChildren();
    await window.htmx.ajax('GET', `/inbox/${id}/form`, { target: '#insert-form-body', swap: 'innerHTML' }).catch(() => {});
    if (!$('insert-form-body').childElementCount) return say(strings.unloaded, true);
    dialog.showModal();
    return dialog.querySelector('input:not([type=hidden]), select, textarea')?.focus();
  }

  // --- what is done to the conversation

  // The second press of a double click is none of its own: where "Close" was, "Reopen" may be by then.
  let isAgain = false;
  document.addEventListener('click', (event) => { isAgain = event.detail > 1; }, true);

  async function act(event) {
    const form = event.target.closest('form[data-act]');
    if (!form) return;
    event.preventDefault();
    if (isAgain) return;
    const body = new URLSearchParams(new FormData(form));
    body.set('key', newKey());
    if (form.elements.offset) body.set('offset', new Date(form.elements.until.value || Date.now()).getTimezoneOffset());
    if ($('state').contains(document.activeElement)) document.querySelector(controlOf(document.activeElement))?.focus();
    for (const menu of document.querySelectorAll('#state [open]')) menu.open = false;
    try {
      const answer = await request(form.getAttribute('action'), body);
      if (answer.ok) sayLength(); // and no more what went wrong before
      else if (!leaves(answer)) say(await reason(answer), true);
    } catch (_) {
      say(strings.away, true);
    }
  }

  function openMenu(which) {
    const menu = $(which);
    if (!menu) return;
    menu.open = true;
    menu.querySelector('.menu-item').focus();
  }

  // --- the line

  const line = makeLine({
    path: '/inbox/live',
    hello: () => ({ type: 'hello', conversation: id, after: last }),
    onMessage(message) {
      if (message.type === 'ready') {
        void readList(); // what came since the page was drawn
        refreshPanel();
        page.dataset.line = 'live';
        if ($('banner')) $('banner').textContent = '';
        if (id) queue.flush(), (told = 0), seen();
        if (id) sayLength(); // and no more that the server is away
      } else if (message.type === 'part') arrived(message);
      else if (message.type === 'typing') thread.showTyping(strings.typing.replace('{name}', message.name));
      else if (message.type === 'here') $('here').textContent = message.names.length ? strings.here.replace('{names}', message.names.join(', ')) : '';
      else if (message.type === 'figures') figures(message);
      else if (message.type === 'list') readList();
      else if (message.type === 'panel') refreshPanel();
    },
    onGone: () => { if ($('banner')) $('banner').textContent = strings.off; },
    // A line that is refused does not say why: the list does, to those who are signed out.
    beforeAgain: (wasReady) => wasReady || readList(),
  });

  // The panel is read when the line stands, so that nothing is missed between the two; a line that is late is not waited for.
  const withoutLine = setTimeout(refreshPanel, 800);

  // A form in the panel that is being filled in stays as it is, and is followed by what it kept waiting (inbox-panel.js).
  function refreshPanel() {
    clearTimeout(withoutLine);
    if ($('panel')) window.htmx.trigger($('panel'), 'again');
  }

  // On a phone the panel lies over all of the page.
  const covers = matchMedia('(max-width: 30rem)');
  covers.addEventListener('change', () => { if ($('panel')) showPanel(false); });

  function showPanel(yes) {
    const hadFocus = !document.activeElement.closest('.inbox') || $('panel').contains(document.activeElement);
    $('panel').classList.toggle('is-open', yes);
    $('panel-button').setAttribute('aria-expanded', String(yes));
    for (let node = $('panel'); node !== document.body; node = node.parentElement) {
      for (const behind of node.parentElement.children) if (behind !== node) behind.inert = yes && covers.matches;
    }
    if (yes) [...$('panel').querySelectorAll('a, button, input')].find((node) => node.getClientRects().length)?.focus();
    else if (hadFocus) $('panel-button').focus();
  }

  // --- keys: those of one letter can be turned off (WCAG 2.1.4)

  function hasKeys() {
    try { return localStorage.getItem('sayso.keys') !== 'off'; } catch (_) { return true; }
  }
  const keysOn = $('keys-on');
  keysOn.checked = hasKeys();
  keysOn.addEventListener('change', () => {
    try { localStorage.setItem('sayso.keys', keysOn.checked ? 'on' : 'off'); } catch (_) { /* blocked: they stay on */ }
  });

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat) return; // held, a key acts once
    const isOnTop = event.target.closest('dialog[open], .menu-list'); // what Escape closes first
    if (event.key === 'Escape' && !isOnTop && $('panel') && $('panel').classList.contains('is-open')) return void showPanel(false);
    if (event.target.closest('input, textarea, select, dialog[open], [contenteditable]') || !hasKeys()) return;
    const doing = {
      j: () => go(1), k: () => go(-1), '?': () => $('keys').showModal(),
      ...(id && {
        r: () => chooseKind('reply'), n: () => chooseKind('note'), a: () => openMenu('assign-menu'), s: () => openMenu('snooze-menu'), f: openForm,
        e: () => document.querySelector('#state .talk-actions > form > .btn').click(), d: () => showPanel(!$('panel').classList.contains('is-open')),
      }),
    }[event.key];
    if (!doing) return;
    event.preventDefault();
    doing();
  }

  document.addEventListener('keydown', onKey);
  document.addEventListener('htmx:afterSettle', (event) => tellTimes(event.target));
  document.addEventListener('click', (event) => { const conv = event.target.closest('.conv'); if (conv && !event.ctrlKey && !event.metaKey && !event.shiftKey) leaveFor(conv); });
  tellTimes(document);
  holdPlace();
  markDrafts();

  if (id) {
    const parts = [...$('parts').querySelectorAll('.part')];
    last = parts.length ? Number(parts[parts.length - 1].dataset.seq) : 0;
    thread.load($('thread-body').innerHTML, []);
    queue.show();
    takeDraft();
    wearKind();
    grow();
    composer.addEventListener('submit', send);
    composer.addEventListener('change', (event) => { if (event.target.name === 'kind') wearKind(), keepDraft(); });
    composer.addEventListener('click', (event) => { if (event.target.name === 'kind' && event.detail) text.focus(); }); // by mouse
    text.addEventListener('input', onInput);
    text.addEventListener('keydown', onTextKey);
    window.addEventListener('pagehide', leaveDraft);
    document.addEventListener('submit', act);
    $('state').addEventListener('toggle', drawHead, true);
    document.addEventListener('click', (event) => {
      if (event.target.closest('[data-resend]')) queue.flush();
      if (event.target.closest('#app-form')) openForm();
      const opener = event.target.closest('#form-button');
      if (opener && !(event.ctrlKey || event.metaKey || event.shiftKey)) event.preventDefault(), openForm();
      if (event.target.closest('#panel-button')) showPanel(!$('panel').classList.contains('is-open'));
    });
    document.body.addEventListener('form-inserted', () => {
      $('insert-form').close();
      text.focus();
    });
    document.addEventListener('visibilitychange', () => { if (!document.hidden) seen(); });
    document.querySelector('.conv[aria-current]')?.scrollIntoView({ block: 'nearest' });
  }
  queue.flushLeft();
  line.start();
})();
