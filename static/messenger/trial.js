/* The messenger of a trial. What the visitor does is told to the page around it, which answers with entries. */

import { byId, readData } from "../lib/dom.js";
import { createThread } from "../lib/thread.js";
import { createComposer } from "./composer.js";
import { updateField } from "./number-field.js";

const strings = readData("strings");
let isOpen = false; // a flow runs

const tell = (type, data) => window.parent.postMessage({ trial: 1, type, ...data }, location.origin);

const thread = createThread({
  scroller: byId("thread"),
  body: byId("thread-body"),
  typing: byId("typing"),
  pill: byId("newer"),
  announcer: byId("announcer"),
  loadOlder: async () => null,
  onBottom: () => {},
});

const composer = createComposer({
  strings,
  canSend: () => isOpen,
  onSend: (words) => tell("act", { act: { act: "say", words } }),
  onTyping: () => false,
});

function setBusy(isBusy) {
  for (const button of document.querySelectorAll(".card-button")) button.setAttribute("aria-busy", String(isBusy));
}

/* The form was refused: it is shown again with what is wrong, and the focus goes there. */
function showCard(seq, html) {
  const card = document.querySelector(`#part-${seq} .card`);
  if (!card) return;
  card.outerHTML = html;
  const wrong = document.querySelector(`#part-${seq} [aria-invalid="true"], #part-${seq} .card-title`);
  wrong?.focus();
  thread.announce(document.querySelector(`#part-${seq} .card-error:not([hidden])`)?.textContent || "");
}

const handlers = {
  begin({ html }) {
    isOpen = true;
    thread.load(
      html,
      [...html.matchAll(/data-seq="(\d+)"/g)].map((found) => Number(found[1])),
    );
    byId("thread").setAttribute("aria-busy", "false");
    byId("line").dataset.line = "live";
    byId("line-words").textContent = strings.live;
    composer.start("");
  },
  put({ parts }) {
    if (document.activeElement?.closest(".card")) document.activeElement.blur(); // a card in use is not replaced
    for (const html of parts) thread.put(html, { fromBot: !/class="[^"]*\bmine\b/.test(html) });
    setBusy(false);
  },
  card: ({ seq, html }) => showCard(seq, html),
  refuse() {
    setBusy(false);
  },
};

window.addEventListener("message", (event) => {
  const message = event.data;
  if (event.source !== window.parent || event.origin !== location.origin || message?.trial !== 1) return;
  if (Object.hasOwn(handlers, message.type)) handlers[message.type](message);
});

// Before htmx sees it: nothing in a trial is sent to the addresses of real forms.
document.addEventListener(
  "submit",
  (event) => {
    if (event.target.id === "composer") return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!event.target.matches(".card-form")) return tell("other");
    const fields = Object.fromEntries(new FormData(event.target));
    const seq = Number(event.target.closest(".part").dataset.seq);
    setBusy(true);
    tell("act", { act: { act: "submit", card: seq, fields } });
  },
  true,
);
document.addEventListener("click", (event) => {
  const reply = event.target.closest("[data-reply]");
  if (reply && isOpen) tell("act", { act: { act: "say", words: reply.textContent.trim() } });
});
document.addEventListener("input", (event) => {
  const field = event.target.closest(".field");
  if (field?.querySelector("[name=region]")) updateField(field, event);
});

byId("close-button").hidden = true;
byId("list-button").hidden = true;
tell("ready");
