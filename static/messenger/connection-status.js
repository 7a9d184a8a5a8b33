/* Tells the person whether the chat is connected: a line under the name, and a banner once it was connected. */

import { byId } from "../lib/dom.js";

/* isOpen(): whether a conversation is shown. Returns `setStatus("live" | "wait" | "off")`. */
export function createConnectionStatus(strings, isOpen) {
  return function setStatus(state) {
    const isOff = state === "off";
    const isReconnecting = isOff && isOpen();
    byId("line").dataset.line = state;
    byId("line-words").textContent = isReconnecting && navigator.onLine ? strings.wait : strings[state];
    byId("banner").textContent = !isReconnecting ? "" : navigator.onLine ? strings.reconnecting : strings.offline;
  };
}
