/* The preference center works without this file; it only says when a change did not get through. */
'use strict';
(function () {
  const page = document.getElementById('preferences-page');
  const status = document.getElementById('status');

  function unsent(event) {
    const line = document.createElement('p');
    line.className = 'toast toast--bad';
    line.textContent = answers.saidBy(event.detail.xhr) || page.dataset.unsent;
    status.replaceChildren(line);
  }

  // What is saved shows on its switch too: the line over the page has been read by then.
  function leave() {
    const line = status.querySelector('.toast:not(.toast--bad)');
    if (line) setTimeout(() => line.remove(), 8000);
  }

  function busy(event, yes) {
    const button = event.target.querySelector && event.target.querySelector('button');
    if (button) button.setAttribute('aria-busy', String(yes));
  }

  document.body.addEventListener('htmx:afterSettle', leave);
  document.body.addEventListener('htmx:beforeRequest', (event) => busy(event, true));
  document.body.addEventListener('htmx:beforeSwap', answers.refuseOther);
  document.body.addEventListener('htmx:afterRequest', (event) => busy(event, false));
  for (const name of ['htmx:sendError', 'htmx:timeout', 'htmx:responseError']) document.body.addEventListener(name, unsent);
})();
