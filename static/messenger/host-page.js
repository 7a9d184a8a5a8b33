/* The page that embeds the chat. It boots the chat by postMessage; from then on only its origin is heard and told. */

export const isFramed = window.parent !== window;

let hostOrigin = null; // set by the first boot message

/* "ready" is sent before the origin is known, and says nothing about anyone. */
export function tellHost(type, data) {
  if (isFramed) window.parent.postMessage({ sayso: 1, type, ...data }, hostOrigin || "*");
}

/* The visitor's token is kept by the host page: a frame on another site may have no storage. */
export function storeToken(token) {
  if (hostOrigin) tellHost("token", { token });
}

/* handlers: a function for each type of message. */
export function listenToHost(handlers) {
  window.addEventListener("message", (event) => {
    const message = event.data;
    if (event.source !== window.parent || !message || message.sayso !== 1) return;
    if (!hostOrigin) {
      if (message.type !== "boot") return;
      hostOrigin = event.origin;
    }
    if (event.origin === hostOrigin && Object.hasOwn(handlers, message.type)) handlers[message.type](message);
  });
}
