/* The thread: keeps parts in the order of their sequence, groups them by author and day, reveals new ones, minds the scroll. */
'use strict';

/* onOlder(seq): the entries before this one, as html; null where they did not come. onBottom: the end is in view.
   dress(node): whatever the page does to what is put in. */
// eslint-disable-next-line no-unused-vars
function makeThread({ scroller, body, typing, pill, announcer, onOlder, onBottom, dress = () => {}, isMine = (li) => li.classList.contains('mine') }) {
  const TOGETHER = 5 * 60 * 1000; // parts of one author within five minutes share one stamp
  const NEAR = 80; // px from the end that still count as "at the end"
  const TYPING = 650;
  const calm = matchMedia('(prefers-reduced-motion: reduce)');
  const language = document.documentElement.lang || undefined;
  const clock = new Intl.DateTimeFormat(language, { hour: 'numeric', minute: '2-digit' });
  const day = new Intl.DateTimeFormat(language, { weekday: 'long', month: 'long', day: 'numeric' });
  const near = new Intl.RelativeTimeFormat(language, { numeric: 'auto' });

  let list = null;
  let top = null; // "Show earlier messages"
  let stuck = true;
  let turn = Promise.resolve(); // parts are revealed one after another
  let era = 0; // a newly opened conversation makes older reveals void
  const late = new Map(); // cards that changed while their form was on its way

  // --- reading the list

  const bySeq = (seq) => list.querySelector(`.part[data-seq="${seq}"]`);
  const byKey = (key) => list.querySelector(`.part[data-key="${CSS.escape(key)}"]`);
  const unsent = (key) => list.querySelector(`.part[data-key="${CSS.escape(key)}"]:not([data-seq])`);
  const seqOf = (li) => Number(li.dataset.seq);
  const atEnd = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR;

  function parse(html) {
    const template = document.createElement('template');
    template.innerHTML = html;
    return template.content;
  }

  // --- days and stamps

  function dayName(date) {
    const midnight = (d) => new Date(d.getFullYear(), d.getMonth(), d.getDate());
    const days = Math.round((midnight(date) - midnight(new Date())) / 864e5);
    const name = days === 0 || days === -1 ? near.format(days, 'day') : day.format(date);
    return name.charAt(0).toLocaleUpperCase(language) + name.slice(1);
  }

  function separator(date) {
    const li = document.createElement('li');
    li.className = 'day';
    li.textContent = dayName(date);
    return li;
  }

  function stamp(li, at) {
    const time = li.querySelector('.meta time');
    if (time && !time.textContent) time.textContent = clock.format(at);
  }

  function regroup() {
    for (const old of list.querySelectorAll('.day')) old.remove();
    let before = null;
    for (const li of list.querySelectorAll('.part:not([hidden])')) {
      const at = new Date(li.dataset.at);
      const who = li.dataset.kind === 'event' ? li.id : li.dataset.who || (li.classList.contains('mine') ? 'me' : li.dataset.author);
      const sameDay = before && before.at.toDateString() === at.toDateString();
      const joined = Boolean(sameDay && before.who === who && at - before.at < TOGETHER);
      if (!sameDay) li.before(separator(at));
      li.classList.toggle('joined', joined);
      li.classList.add('last');
      if (joined) before.li.classList.remove('last');
      stamp(li, at);
      before = { li, at, who };
    }
    body.classList.toggle('is-empty', !list.querySelector('.part'));
  }

  // --- scroll

  function toEnd() {
    scroller.scrollTop = scroller.scrollHeight;
    stuck = true;
    pill.hidden = true;
    onBottom();
  }

  function follow(force) {
    if (stuck || force) toEnd();
    else pill.hidden = false;
  }

  function noteScroll() {
    stuck = atEnd();
    if (stuck && !pill.hidden) toEnd();
    else if (stuck) onBottom();
    if (scroller.scrollTop < NEAR && top && !top.hidden) loadOlder();
  }

  async function loadOlder() {
    if (top.disabled) return;
    const first = list.querySelector('.part[data-seq]');
    const mine = era;
    const hadFocus = document.activeElement === top;
    top.disabled = true;
    const html = first && (await onOlder(seqOf(first)));
    if (mine !== era) return;
    top.disabled = false;
    if (hadFocus && document.activeElement === document.body) top.focus({ preventScroll: true }); // disabled, it lost it
    if (html === null || html === undefined) return;
    const content = parse(html);
    const items = [...content.querySelectorAll('.part')].filter((li) => !bySeq(li.dataset.seq));
    const height = scroller.scrollHeight;
    list.prepend(...items);
    top.hidden = !items.length || seqOf(items[0]) <= 1;
    items.forEach(wake);
    regroup();
    scroller.scrollTop += scroller.scrollHeight - height; // what the person looks at stays where it is
    if (hadFocus && top.hidden) scroller.focus();
  }

  // --- saying new parts to a screen reader: once each, and only new ones, which a live list can't promise

  function announce(words) {
    const line = document.createElement('p');
    line.textContent = words;
    announcer.append(line);
    setTimeout(() => line.remove(), 8000);
  }

  function announcePart(li) {
    const words = li.querySelector('.bubble, .card-title, .event');
    if (!words || isMine(li)) return;
    announce((li.dataset.kind === 'event' ? '' : li.dataset.author + ': ') + words.textContent.trim());
  }

  // --- putting parts in

  function wake(li) {
    dress(li);
    if (window.htmx) window.htmx.process(li);
  }

  function place(li) {
    const parts = [...list.querySelectorAll('.part[data-seq]')];
    const before = parts.reverse().find((other) => seqOf(other) < seqOf(li));
    if (before) before.after(li);
    else list.prepend(li);
  }

  const isBusy = (li) => Boolean(li.querySelector('.htmx-request'));
  const isOpenCard = (li) => Boolean(li.querySelector('.card[data-state="open"]'));
  const isTyping = (li) => li.contains(document.activeElement) && document.activeElement.matches('.field-input');

  // Of a form, as the contact or a teammate sees it, and of what left as a text. Others are as they are.
  const stateOf = (li) => {
    const card = li.querySelector('.card, .sent-form');
    const said = [...li.querySelectorAll('.card-outcome, .card-progress-words, .texted')].map((node) => node.textContent.trim());
    return [...(card ? [card.dataset.state] : []), ...said].join();
  };

  // What closes by itself has no entry that says so.
  function announceClosed(li) {
    if (li.querySelector('.card[data-state="closed"], .card[data-state="lapsed"]')) announce(li.querySelector('.card-outcome').textContent.trim());
  }

  // A card that changes elsewhere never takes away what the person is typing, nor the form that is on its way.
  function replace(old, li) {
    if (isBusy(old)) return void late.set(li.dataset.seq, li);
    if (isTyping(old) && isOpenCard(li)) return;
    if (stateOf(li) && stateOf(old) === stateOf(li)) return; // and what it said was wrong stays to be mended
    const typed = old.querySelector('.field-input');
    const field = li.querySelector('.field-input');
    if (typed && field && typed.value && !field.value) field.value = typed.value;
    const hadFocus = old.contains(document.activeElement);
    old.replaceWith(li);
    wake(li);
    regroup();
    if (stuck) toEnd(); // it may have grown
    const heading = li.querySelector('.card-title');
    if (hadFocus && heading) heading.focus({ preventScroll: true });
    announceClosed(li);
  }

  function settleLate(li) {
    const next = late.get(li.dataset.seq);
    late.delete(li.dataset.seq);
    if (next) replace(li, next);
  }

  const pause = (ms) => new Promise((done) => setTimeout(done, ms));

  async function pretendTyping() {
    if (calm.matches || document.hidden) return;
    typing.hidden = false;
    follow();
    await pause(TYPING);
    typing.hidden = true;
  }

  // Somebody writes: shown until nothing more is heard of it, or their words come.
  let typingTimer = 0;
  function showTyping(words) {
    clearTimeout(typingTimer);
    if (words) typing.textContent = words;
    typing.hidden = false;
    if (stuck) toEnd();
    typingTimer = setTimeout(hideTyping, 5000);
  }

  function hideTyping() {
    clearTimeout(typingTimer);
    typingTimer = 0;
    typing.hidden = true;
  }

  function reveal(work, withTyping) {
    const mine = era;
    turn = turn.then(async () => {
      if (mine !== era) return;
      if (withTyping) await pretendTyping();
      if (mine === era) work();
    });
  }

  function enter(li) {
    if (typingTimer && !li.classList.contains('mine')) hideTyping();
    li.hidden = false;
    li.classList.add('enter');
    regroup();
    follow(isMine(li));
    announcePart(li);
  }

  /* A part from the server: new, again, or the answer to one of ours, whose key is answered.
     `after` runs when it stands in the list. */
  function put(html, { fromBot = false, after = () => {} } = {}) {
    const li = parse(html).querySelector('.part');
    if (!li) return '';
    const old = bySeq(li.dataset.seq) || (li.dataset.key && unsent(li.dataset.key)); // a form and its words share a key
    if (!old && isEarlier(li)) return '';
    if (old) {
      const first = !old.dataset.seq;
      replace(old, li);
      if (first) place(li), regroup();
      after();
      return li.dataset.key || '';
    }
    reveal(() => {
      const again = bySeq(li.dataset.seq);
      if (again) replace(again, li);
      else {
        place(li);
        wake(li);
        enter(li);
      }
      after();
    }, fromBot);
    return li.dataset.key || '';
  }

  // An entry of long ago that has changed comes with the others of its time, when somebody asks for them.
  function isEarlier(li) {
    const first = list.querySelector('.part[data-seq]');
    return Boolean(first && top && !top.hidden && seqOf(li) < seqOf(first));
  }

  function load(html, fresh) {
    era += 1;
    late.clear();
    typing.hidden = true;
    body.replaceChildren(parse(html));
    list = body.querySelector('.parts');
    top = body.querySelector('.older');
    if (top) top.addEventListener('click', loadOlder);
    const isFresh = (li) => fresh.includes(seqOf(li));
    const waiting = calm.matches ? [] : [...list.querySelectorAll('.part')].filter(isFresh);
    for (const li of waiting) li.hidden = true;
    wake(body);
    regroup();
    toEnd();
    for (const li of waiting) reveal(() => enter(li), true);
    if (calm.matches) [...list.querySelectorAll('.part')].filter(isFresh).forEach(announcePart);
  }

  // --- the visitor's own, before the server has it

  function addUnsent({ key, text, at }, state) {
    const known = byKey(key);
    if (known) return setUnsent(key, state);
    const li = document.getElementById('unsent').content.firstElementChild.cloneNode(true);
    li.dataset.key = key;
    li.dataset.at = at;
    li.dataset.state = state;
    li.querySelector('.bubble').textContent = text;
    list.append(li);
    regroup();
    follow(true);
  }

  function setUnsent(key, state) {
    const li = list && unsent(key);
    if (!li) return;
    li.dataset.state = state;
    if (stuck) toEnd();
  }

  function removeUnsent(key) {
    const li = list && unsent(key);
    if (li) li.remove(), regroup();
  }

  scroller.addEventListener('scroll', noteScroll, { passive: true });
  pill.addEventListener('click', () => { toEnd(); scroller.focus({ preventScroll: true }); });
  new ResizeObserver(() => { if (stuck && list) scroller.scrollTop = scroller.scrollHeight; }).observe(scroller);

  return {
    load, put, announce, showTyping, addUnsent, setUnsent, removeUnsent, settleLate,
    dropLate: (li) => late.delete(li.dataset.seq),
    atEnd: () => stuck,
    recheck: () => { stuck = atEnd(); },
    clock: (date) => clock.format(date),
  };
}
