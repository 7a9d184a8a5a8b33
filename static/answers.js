/* What a page does with an answer that is not its own: the database is away, or a proxy speaks. */
'use strict';
const answers = {
  // It is told, never drawn.
  refuseOther(event) {
    if (/^text\/html/.test(event.detail.xhr.getResponseHeader('Content-Type'))) return;
    event.detail.shouldSwap = false;
    event.detail.isError = true;
  },

  // The sentence in it, if it is an error of ours; null if there was no answer, or not one of ours.
  saidBy(xhr) {
    try {
      return JSON.parse(xhr.responseText).errors[0].message;
    } catch (_) {
      return null;
    }
  },

  // The same of an answer to `fetch`.
  async saidIn(answer) {
    return answers.saidBy({ responseText: await answer.text() });
  },
};
