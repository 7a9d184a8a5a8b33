/* The preference center works without this file; it only says when a change did not get through. */
'use strict';
(function () {
  const page = document.getElementById('preferences-page');
  const status = document.getElementById('status');

  function unsent() {
    const line = document.createElement('p');
    line.className = 'toast toast--bad';
    line.textContent = page.dataset.unsent;
    status.replaceChildren(line);
  }

  function busy(event, yes) {
    const button = event.target.querySelector && event.target.querySelector('button');
    if (button) button.setAttribute('aria-busy', String(yes));
  }

  document.body.addEventListener('htmx:beforeRequest', (event) => busy(event, true));
  document.body.addEventListener('htmx:afterRequest', (event) => busy(event, false));
  for (const name of ['htmx:sendError', 'htmx:timeout', 'htmx:responseError']) document.body.addEventListener(name, unsent);
})();
