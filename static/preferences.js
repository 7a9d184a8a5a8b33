/* The preference center works without this file. With it a change that did not get through is told, and one that was made
   elsewhere (by STOP, in another tab, by the business) is shown. */
'use strict';
(function () {
  const page = document.getElementById('preferences-page');
  const status = document.getElementById('status');
  const stand = () => document.getElementById('choices').dataset.stand;
  let pressing = 0; // presses whose answers are on their way
  let missed = false; // whether something was told meanwhile
  let isBack = false; // the button that was pressed was one of the line over the page, which its answer replaces

  function line(words, kind) {
    const made = document.createElement('p');
    made.className = 'toast ' + kind;
    made.textContent = words;
    return made;
  }

  function unsent(event) {
    const toast = line(answers.saidBy(event.detail.xhr) || page.dataset.unsent, 'toast--bad');
    toast.dataset.unsent = ''; // until the server is back
    status.replaceChildren(toast);
  }

  // What is saved shows on its switch too: the line over the page has been read by then. One with a way back stays.
  function leave() {
    for (const toast of status.querySelectorAll('.toast:not(.toast--bad)')) {
      if (!toast.querySelector('form')) setTimeout(() => toast.remove(), 8000);
    }
    if (isBack && document.activeElement === document.body) status.focus({ preventScroll: true });
  }

  function busy(event, yes) {
    pressing += yes ? 1 : -1;
    if (yes) isBack = status.contains(event.target);
    else if (missed && !pressing) refresh();
    const button = event.target.querySelector && event.target.querySelector('button');
    if (button) button.setAttribute('aria-busy', String(yes));
  }

  document.body.addEventListener('htmx:afterSettle', leave);
  // htmx tells the end of a request where its button stands: the answer to another press may have taken that away.
  document.body.addEventListener('htmx:beforeRequest', (event) => {
    busy(event, true);
    event.detail.xhr.addEventListener('loadend', () => busy(event, false));
  });
  document.body.addEventListener('htmx:beforeSwap', answers.refuseOther);
  for (const name of ['htmx:sendError', 'htmx:timeout', 'htmx:responseError']) document.body.addEventListener(name, unsent);

  // --- what was changed elsewhere

  let asked = 0;

  async function refresh() {
    const mine = ++asked;
    missed = pressing > 0; // what a press is answered may be older than what was told
    if (missed) return undefined;
    try {
      const answer = await fetch(location.href, { headers: { Accept: 'text/html', 'HX-Request': 'true' } });
      const html = await answer.text();
      if (answer.status === 404) return location.reload();
      const next = new DOMParser().parseFromString(html, 'text/html').getElementById('choices');
      missed = pressing > 0;
      if (!answer.ok || !next || mine !== asked || pressing || next.dataset.stand === stand()) return undefined;
      const focused = document.activeElement && document.activeElement.id;
      document.getElementById('choices').replaceWith(document.adoptNode(next));
      window.htmx.process(document.getElementById('choices'));
      const again = focused && document.getElementById(focused);
      if (again) again.focus({ preventScroll: true });
      for (const old of status.querySelectorAll('.toast--news')) old.remove();
      status.append(line(page.dataset.elsewhere, 'toast--news')); // beside the way back from one's own press
      leave();
    } catch (_) {
      // The line is gone: when it is back it says how things stand.
    }
    return undefined;
  }

  makeLine({
    path: page.dataset.live,
    onMessage(message) {
      if (message.type === 'ready') for (const old of status.querySelectorAll('[data-unsent]')) old.remove();
      if (message.type === 'changed' || (message.type === 'ready' && message.stand !== stand())) refresh();
    },
    onDrop(code) {
      if (code === 4401) refresh(); // the link is gone, and its page says what to do
      return code !== 4401 && code !== 1008; // too many pages are open: this one is as it was loaded
    },
  }).start();
})();
