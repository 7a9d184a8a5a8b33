/* The preference center works without this file. With it a change that did not get through is told, and one that was made
   elsewhere (by STOP, in another tab, by the business) is shown. */
'use strict';
(function () {
  const page = document.getElementById('preferences-page');
  const status = document.getElementById('status');
  const stand = () => document.getElementById('choices').dataset.stand;
  let pressing = 0; // presses whose answers are on their way

  function say(words, kind) {
    const line = document.createElement('p');
    line.className = 'toast' + kind;
    line.textContent = words;
    status.replaceChildren(line);
  }

  function unsent(event) {
    say(answers.saidBy(event.detail.xhr) || page.dataset.unsent, ' toast--bad');
  }

  // What is saved shows on its switch too: the line over the page has been read by then. One with a way back stays.
  function leave() {
    const line = status.querySelector('.toast:not(.toast--bad)');
    if (line && !line.querySelector('form')) setTimeout(() => line.remove(), 8000);
  }

  function busy(event, yes) {
    pressing += yes ? 1 : -1;
    const button = event.target.querySelector && event.target.querySelector('button');
    if (button) button.setAttribute('aria-busy', String(yes));
  }

  document.body.addEventListener('htmx:afterSettle', leave);
  document.body.addEventListener('htmx:beforeRequest', (event) => busy(event, true));
  document.body.addEventListener('htmx:beforeSwap', answers.refuseOther);
  document.body.addEventListener('htmx:afterRequest', (event) => busy(event, false));
  for (const name of ['htmx:sendError', 'htmx:timeout', 'htmx:responseError']) document.body.addEventListener(name, unsent);

  // --- what was changed elsewhere

  let asked = 0;

  async function refresh() {
    const mine = ++asked;
    try {
      const answer = await fetch(location.href, { headers: { Accept: 'text/html', 'HX-Request': 'true' } });
      const html = await answer.text();
      if (answer.status === 404) return location.reload();
      const next = new DOMParser().parseFromString(html, 'text/html').getElementById('choices');
      // A press of one's own has its own answer, which is as new.
      if (!answer.ok || !next || mine !== asked || pressing || next.dataset.stand === stand()) return undefined;
      const focused = document.activeElement && document.activeElement.id;
      document.getElementById('choices').replaceWith(document.adoptNode(next));
      window.htmx.process(document.getElementById('choices'));
      const again = focused && document.getElementById(focused);
      if (again) again.focus({ preventScroll: true });
      say(page.dataset.elsewhere, '');
      leave();
    } catch (_) {
      // The line is gone: when it is back it says how things stand.
    }
    return undefined;
  }

  let socket = null;
  let wait = 500;
  let watchdog = 0;
  let retry = 0;

  function listen() {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => socket && socket.close(), 45000); // the server beats every 20 s
  }

  function connect() {
    clearTimeout(retry);
    if (socket) return;
    const mine = new WebSocket(location.origin.replace(/^http/, 'ws') + page.dataset.live);
    socket = mine;
    listen();
    mine.onmessage = (event) => {
      const message = JSON.parse(event.data);
      listen();
      if (message.type === 'ready') wait = 500;
      if (message.type === 'changed' || (message.type === 'ready' && message.stand !== stand())) refresh();
    };
    mine.onclose = (event) => {
      socket = null;
      clearTimeout(watchdog);
      if (event.code === 4401) return void refresh(); // the link is gone, and its page says what to do
      if (event.code === 1008) return undefined; // too many pages are open: this one is as it was loaded
      retry = setTimeout(connect, wait * (0.5 + Math.random() / 2));
      wait = Math.min(wait * 2, 30000);
      return undefined;
    };
  }

  connect();
  window.addEventListener('online', connect);
  document.addEventListener('visibilitychange', () => { if (!document.hidden) connect(); });
})();
