/* Error responses: the server's own sentence where there is one, and nothing that a proxy or a broken network sent. */

function messageIn(text) {
  try {
    return JSON.parse(text).errors[0].message;
  } catch {
    return null;
  }
}

/* The sentence in an error response of ours, as an XMLHttpRequest; null if there was none. */
export const errorMessage = (xhr) => messageIn(xhr.responseText);

/* The same for a response to `fetch`. */
export const readErrorMessage = async (response) => messageIn(await response.text());

/* For `htmx:beforeSwap`: only HTML is put into the page, everything else is reported as an error. */
export function rejectNonHtml(event) {
  if (!event.detail.shouldSwap || /^text\/html/.test(event.detail.xhr.getResponseHeader("Content-Type"))) return;
  event.detail.shouldSwap = false;
  event.detail.isError = true;
}

/* The events of htmx for a request that failed. */
export const HTMX_FAILURES = ["htmx:sendError", "htmx:timeout", "htmx:responseError"];
