/* The open conversation: its thread, and what the teammate writes. */

import { byId, hasModifier } from "../lib/dom.js";
import { createReceivedParts } from "../lib/received-parts.js";
import { createThread } from "../lib/thread.js";
import { createActions } from "./actions.js";
import { createComposer } from "./composer.js";
import { conversation, strings, teammate } from "./context.js";
import { openFormDialog } from "./form-dialog.js";
import { createQueue } from "./queue.js";
import { setReached, writeReadStatus } from "./read-status.js";
import { reasonOf, redirectIfSignedOut, request } from "./server.js";
import { watchTranscript } from "./transcript.js";

/* tell(message): on the live connection; returns whether it was sent. */
export function createConversation(tell) {
  const received = createReceivedParts();
  let seenTold = 0; // the last part that the server knows was seen

  const thread = createThread({
    scroller: byId("thread"),
    body: byId("thread-body"),
    typing: byId("typing"),
    pill: byId("newer"),
    announcer: byId("announcer"),
    loadOlder,
    onBottom: () => tellSeen(),
    isMine: (li) => !li.dataset.who || li.dataset.who.startsWith(`teammate:${teammate}:`),
  });

  const queue = createQueue({
    thread,
    onSent: onPart,
    onRefused: async (item, response) => composer.giveBack(item, await reasonOf(response)),
  });

  async function loadOlder(before) {
    try {
      const response = await request(`/inbox/${conversation}/parts?before=${before}`);
      return !redirectIfSignedOut(response) && response.ok ? await response.text() : null;
    } catch {
      return null;
    }
  }

  function tellSeen() {
    const last = received.last();
    if (document.hidden || !thread.isAtEnd() || last <= seenTold) return;
    if (tell({ type: "seen", seq: last })) seenTold = last;
  }

  function onPart({ seq, html }) {
    received.add(seq);
    const after = () => {
      writeReadStatus();
      tellSeen();
    };
    const key = thread.put(html, { after });
    if (key) queue.remove(key);
  }

  function onFigures(message) {
    actions.update(message.head);
    document.querySelector(".talk-who bdi").textContent = message.name;
    setReached(message);
  }

  function onReady() {
    queue.flush();
    seenTold = 0; // what was sent on the old connection may not have been received
    tellSeen();
    composer.updateNote();
  }

  // Starts with the parts that the server drew into the page.
  const parts = [...byId("parts").querySelectorAll(".part")];
  received.reset(parts.length ? Number(parts.at(-1).dataset.seq) : 0);
  thread.load(byId("thread-body").innerHTML, []);
  queue.show();

  const composer = createComposer({
    onSend: queue.add,
    onOpenForm: () => openForm(),
    onTyping: () => tell({ type: "typing" }),
    waiting: queue.waiting,
  });
  const actions = createActions(composer);
  watchTranscript(composer);
  const openForm = () => openFormDialog(composer);

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-resend]")) queue.flush();
    if (event.target.closest("#form-button") && !hasModifier(event)) {
      event.preventDefault();
      openForm();
    }
  });
  document.body.addEventListener("form-inserted", () => {
    byId("insert-form").close();
    composer.focus();
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) tellSeen();
  });

  return {
    queue,
    composer,
    actions,
    openForm,
    onPart,
    onFigures,
    onReady,
    lastPart: received.last,
    showTyping: (name) => thread.showTyping(strings.typing.replace("{name}", name)),
    showOthers(names) {
      const words = names.length > 1 ? strings.viewing_many : strings.viewing;
      byId("here").textContent = names.length ? words.replace(/\{names?\}/, () => names.join(", ")) : "";
    },
  };
}
