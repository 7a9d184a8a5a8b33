/* Requests to the server, as the signed-in teammate. */

import { readErrorMessage } from "../lib/server-errors.js";

const TIMEOUT = 20000; // ms
const MOST_KEPT = 60000; // bytes that a browser still sends when the page is left

const csrf = JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRF-Token"];

function send(path, options) {
  const headers = { "HX-Request": "true", "X-CSRF-Token": csrf, "Content-Type": "application/json" };
  return fetch(path, { headers, signal: AbortSignal.timeout(TIMEOUT), ...options });
}

export const get = (path) => send(path, {});
export const post = (path, body) => send(path, { method: "POST", body, keepalive: new Blob([body]).size < MOST_KEPT });

/* The server's sentence about a request that failed; null if it had none. */
export const errorText = (failure) => (failure instanceof Response ? readErrorMessage(failure) : null);
