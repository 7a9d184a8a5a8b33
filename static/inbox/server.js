/* Requests to the server, as the signed-in teammate. */

import { readErrorMessage } from "../lib/server-errors.js";
import { strings } from "./context.js";

const TIMEOUT = 15000; // ms
const csrf = JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRF-Token"];

/* body: form data for a POST; without it, a GET. A POST completes even when the page is left. */
export function request(path, body) {
  const headers = { "HX-Request": "true", "HX-Current-URL": location.href, "X-CSRF-Token": csrf };
  const signal = AbortSignal.timeout(TIMEOUT);
  return fetch(path, { method: body ? "POST" : "GET", headers, body, keepalive: Boolean(body), signal });
}

/* If the teammate is signed out, goes to the sign-in page, which leads back here. Returns whether it does. */
export function redirectIfSignedOut(response) {
  const target = response.status === 401 && response.headers.get("HX-Redirect");
  if (target) location.assign(target);
  return Boolean(target);
}

/* What to tell the teammate about a refusal. */
export const reasonOf = async (response) => (await readErrorMessage(response)) || strings.failed;
