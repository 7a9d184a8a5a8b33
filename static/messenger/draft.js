/* What is typed and not sent yet: the message, and the fields of cards. The host page keeps it, so that it survives the next
   page of the shop. It is shown in its own conversation only. */

import { tellHost } from "./host-page.js";

let draft = { conversation: "", text: "", cards: {} }; // cards: field values by name, by the part's sequence number

/* kept: what the host page has of an earlier page. */
export function loadDraft(kept) {
  try {
    if (kept) draft = JSON.parse(kept);
  } catch {
    // Something else wrote to the storage of the host page.
  }
}

/* The draft of this conversation, and from now on the one that is kept. */
export function openDraft(conversation) {
  if (draft.conversation !== conversation) draft = { conversation, text: "", cards: {} };
  return draft;
}

function save() {
  const isEmpty = !draft.text && !Object.keys(draft.cards).length;
  tellHost("draft", { draft: isEmpty ? null : JSON.stringify(draft) });
}

export function keepText(text) {
  if (draft.text === text) return;
  draft.text = text;
  save();
}

export function keepCard(seq, values) {
  draft.cards[seq] = values;
  save();
}

export function dropCard(seq) {
  if (!(seq in draft.cards)) return;
  delete draft.cards[seq];
  save();
}
