/* Drafts: one per conversation, kept on this device. {text, kind, keys?}: `keys` of messages that were not sent in time. */

import { readStored, store } from "../lib/storage.js";
import { teammate } from "./context.js";

const keyOf = (conversation) => `sayso.draft.${teammate}.${conversation}`;

export const readDraft = (conversation) => readStored("localStorage", keyOf(conversation));

/* `null` removes it. */
export const saveDraft = (conversation, draft) => store("localStorage", keyOf(conversation), draft);
