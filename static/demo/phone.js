/* The demo phone: times in the viewer's zone, the newest text in view, keywords by one press. */
'use strict';
(function () {
  const clock = new Intl.DateTimeFormat(document.documentElement.lang, { month: 'short', day: 'numeric', hour: 'numeric', minute: '2-digit' });
  let count = -1;
  const shown = (page) => page.querySelectorAll('.text, #numbers a').length;

  function refresh() {
    const thread = document.getElementById('phone-thread');
    const texts = thread.querySelectorAll('.text');
    for (const time of thread.querySelectorAll('time')) time.textContent = clock.format(new Date(time.dateTime));
    if (texts.length !== count) thread.scrollTop = thread.scrollHeight;
    count = texts.length;
  }

  function reply(event) {
    const chip = event.target.closest('[data-reply]');
    if (!chip) return;
    document.getElementById('body').value = chip.dataset.reply;
    chip.form.requestSubmit();
  }

  // A poll that brings nothing new is not swapped: it would be read out again and break a selection.
  function skipSame(event) {
    const next = new DOMParser().parseFromString(event.detail.serverResponse, 'text/html');
    event.detail.shouldSwap = shown(next) !== shown(document);
  }

  document.body.addEventListener('htmx:beforeSwap', skipSame);
  document.body.addEventListener('htmx:afterSettle', refresh);
  document.addEventListener('click', reply);
  refresh();
})();
