/* What the messenger asks of the server, in the visitor's name. The only module that knows the addresses and the token. */

import { readErrorMessage } from "../lib/server-errors.js";
import { storeToken } from "./host-page.js";

const TIMEOUT = 15000; // ms; a request that never ends must not block the queue, and may be sent again with its key
const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

export const LIVE_PATH = "/messenger/live";

let token = null;
let settings = {}; // what the host page said about the visitor and itself

export const currentToken = () => token;
export const pageUrl = () => settings.page_url || "";

export function setToken(value) {
  token = value;
}

function replaceToken(value) {
  token = value;
  storeToken(value);
}

export const forgetToken = () => replaceToken(null);

// Not the user_jwt itself: a site may renew that every hour.
const identityOf = ({ user_id, user_hash, user_jwt, name, email }) =>
  JSON.stringify([user_id, user_hash, !!user_jwt, name, email]);

/* Returns whether they name another person. */
export function setSettings(next) {
  const isAnother = identityOf(next) !== identityOf(settings);
  settings = next;
  return isAnother;
}

function request(path, { method = "GET", json } = {}) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  if (json) headers["Content-Type"] = "application/json";
  const signal = AbortSignal.timeout(TIMEOUT);
  return fetch(path, { method, headers, body: json && JSON.stringify(json), credentials: "omit", signal });
}

async function text(response) {
  if (!response.ok) throw new Error(`${response.url} ${response.status}`);
  return response.text();
}

const pathOf = (conversation, rest) => `/messenger/conversations/${encodeURIComponent(conversation)}/${rest}`;

/* wanted: a conversation's id, "new", or null for the newest one. Returns {token, conversation, html, last, fresh}.
   Throws an error whose `words` say why the server refused; without words it could not be reached. */
export async function openConversation(wanted) {
  const json = { conversation: wanted, settings: { ...settings, time_zone: timeZone } };
  let response = await request("/messenger/open", { method: "POST", json });
  if (response.status === 401 && token) {
    forgetToken();
    response = await request("/messenger/open", { method: "POST", json });
  }
  if (!response.ok) throw Object.assign(new Error(`open ${response.status}`), { words: await refusal(response) });
  return response.json();
}

// A mistake in the site's settings (a wrong user_hash, say) is reported to its developers. A 5xx has no words for people.
async function refusal(response) {
  if (response.status >= 500) return "";
  const words = await readErrorMessage(response);
  console.error(`Sayso: ${words}`);
  return words;
}

/* Makes the token of an opened conversation the current one. */
export function acceptToken(value) {
  if (value !== token) replaceToken(value);
}

export function postMessage({ conversation, key, text: words }) {
  return request(pathOf(conversation, "messages"), { method: "POST", json: { key, text: words } });
}

/* Dismisses the outbound message of a part. Returns {ok, isSignedOut}. */
export async function dismissMessage(conversation, seq) {
  try {
    const response = await request(pathOf(conversation, "dismiss"), { method: "POST", json: { seq } });
    if (response.ok) acceptToken((await response.json()).token);
    return { ok: response.ok, isSignedOut: response.status === 401 };
  } catch {
    return { ok: false, isSignedOut: false };
  }
}

/* The parts before a sequence number as HTML; null if they could not be loaded. */
export async function loadParts(conversation, before) {
  try {
    return await text(await request(pathOf(conversation, `parts?before=${before}`)));
  } catch {
    return null;
  }
}

/* The visitor's conversations as HTML. */
export async function loadConversations(current) {
  return text(await request(`/messenger/conversations?current=${encodeURIComponent(current)}`));
}

/* The first message on the live connection. */
export const hello = (conversation, after) => ({ type: "hello", token, conversation, after });
