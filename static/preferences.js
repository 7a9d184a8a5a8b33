/* The preference center works without this file; it only says when a change did not get through. */
'use strict';
(function () {
  const page = document.getElementById('preferences-page');
  const status = document.getElementById('status');

  // An answer that is not this page (the database is away) is told, never drawn.
  function refuseOther(event) {
    if (/^text\/html/.test(event.detail.xhr.getResponseHeader('Content-Type'))) return;
    event.detail.shouldSwap = false;
    event.detail.isError = true;
  }

  function saidBy(xhr) {
    try {
      return JSON.parse(xhr.responseText).errors[0].message;
    } catch (_) {
      return null; // there was no answer, or not one of ours
    }
  }

  function unsent(event) {
    const line = document.createElement('p');
    line.className = 'toast toast--bad';
    line.textContent = saidBy(event.detail.xhr) || page.dataset.unsent;
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
  document.body.addEventListener('htmx:beforeSwap', refuseOther);
  document.body.addEventListener('htmx:afterRequest', (event) => busy(event, false));
  for (const name of ['htmx:sendError', 'htmx:timeout', 'htmx:responseError']) document.body.addEventListener(name, unsent);
})();
