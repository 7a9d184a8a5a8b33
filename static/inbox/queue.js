/* Messages of this teammate that are not sent yet, in all conversations. */

import { createSendQueue } from "../lib/send-queue.js";
import { conversation, strings, teammate } from "./context.js";
import { redirectIfSignedOut, request } from "./server.js";

function postMessage({ conversation: id, key, text, kind }) {
  return request(`/inbox/${id}/messages`, new URLSearchParams({ key, text, kind }));
}

/* thread, onSent and onRefused: of the open conversation, if any. */
export function createQueue({ thread, onSent, onRefused } = {}) {
  return createSendQueue({
    storageKey: `sayso.inbox.${teammate}`,
    current: () => conversation,
    post: postMessage,
    onSent,
    onRefused,
    onSignedOut: redirectIfSignedOut,
    thread,
    failed: strings.failed,
  });
}
