/* The field to write a reply or a note in, with its draft and the menu of apps ("/"). */

import { byId, characterCount, growToFit } from "../lib/dom.js";
import { isComposing } from "../lib/keys.js";
import { newKey } from "../lib/send-queue.js";
import { createAppMenu } from "./app-menu.js";
import { conversation, strings } from "./context.js";
import { readDraft, saveDraft } from "./drafts.js";
import { reasonOf, request } from "./server.js";

const TYPING_EVERY = 3000; // ms
const MOST_HEIGHT = 0.4; // of the window
const FORM_COMMAND = "/form";

/* onSend({text, kind}). onOpenForm(). onTyping(): returns whether it was told.
   waiting(): the messages of this conversation that are queued. */
export function createComposer({ onSend, onOpenForm, onTyping, waiting }) {
  const form = byId("composer");
  const field = byId("text");
  const note = byId("composer-note");
  const replyPlaceholder = field.placeholder;
  let typingToldAt = 0;

  const kind = () => form.elements.kind.value; // "reply" or "note"

  // --- the line under the field

  function showNote(words, isWrong = false) {
    note.textContent = words;
    note.classList.toggle("is-wrong", isWrong);
  }

  function charactersOver() {
    const most = kind() === "note" ? field.dataset.mostNote : field.dataset.most;
    return characterCount(field.value.trim()) - Number(most);
  }

  /* Says that the text is too long, or clears what was said before. */
  function updateNote() {
    const over = charactersOver();
    showNote(over > 0 ? strings.over.replace("{count}", over) : "", true);
  }

  const grow = () => growToFit(field, { extra: 2, most: innerHeight * MOST_HEIGHT });

  // --- drafts

  function keepDraft() {
    saveDraft(conversation, field.value.trim() ? { text: field.value, kind: kind() } : null);
  }

  // When the page is left, unsent messages become a draft: the queue ends with the tab. A draft that another tab wrote
  // meanwhile is kept.
  function keepUnsent() {
    const unsent = waiting();
    if (field.value.trim()) {
      if (!readDraft(conversation)) keepDraft();
    } else if (unsent.length) {
      const text = unsent.map((item) => item.text).join("\n");
      saveDraft(conversation, { text, kind: unsent[0].kind, keys: unsent.map((item) => item.key) });
    }
  }

  const isInThread = (key) => document.querySelector(`#parts [data-key="${CSS.escape(key)}"]`);
  const isQueued = (key) => waiting().some((item) => item.key === key);

  function restoreDraft() {
    const draft = readDraft(conversation);
    if (draft?.keys?.some((key) => isQueued(key) || isInThread(key))) keepDraft();
    else if (draft && !field.value) {
      field.value = draft.text;
      form.elements.kind.value = draft.kind;
    }
  }

  // --- replies and notes

  function showKind() {
    const isNote = kind() === "note";
    form.classList.toggle("composer--note", isNote);
    field.placeholder = isNote ? field.dataset.note : replyPlaceholder;
    updateNote(); // a note may be longer than a reply
  }

  function chooseKind(value) {
    form.elements.kind.value = value;
    showKind();
    if (field.value.trim()) keepDraft();
    field.focus();
  }

  // --- the menu of apps

  const apps = createAppMenu({ field, onForm: () => onOpenForm(), onReply: insertReply, onFlow: startFlow });

  /* Its messages come over the live connection. */
  async function startFlow(flow) {
    if (field.value.startsWith("/")) field.value = "";
    keepDraft();
    field.focus();
    const body = new FormData();
    body.set("flow", flow);
    body.set("key", newKey());
    try {
      const response = await request(`/inbox/${conversation}/flows`, body);
      if (!response.ok) showNote(await reasonOf(response), true);
    } catch {
      showNote(strings.failed, true);
    }
  }

  /* A saved reply takes the place of the command that was typed, or goes where the cursor is. */
  function insertReply(text, isInserted) {
    if (isInserted) field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
    else field.value = text;
    field.focus();
    onInput();
  }

  /* Closes the menu of apps; what was typed to open it is not a message. */
  function closeApps() {
    if (field.value && FORM_COMMAND.startsWith(field.value)) {
      field.value = "";
      keepDraft();
    }
    apps.close();
  }

  // --- sending

  function send(event) {
    event.preventDefault();
    const text = field.value.trim();
    if (text === FORM_COMMAND) {
      onOpenForm();
      return;
    }
    if (text && charactersOver() <= 0) {
      field.value = "";
      showNote("");
      typingToldAt = 0; // the next message is told at once
      keepDraft();
      grow();
      onSend({ text, kind: kind() });
    }
    field.focus();
  }

  /* The server refused it: the teammate can correct it. A refused note never ends up in a reply to the customer: if
     something else was typed meanwhile, both become a note. */
  function giveBack(item, why) {
    const others = field.value.trim();
    if (item.kind !== kind()) chooseKind(others ? "note" : item.kind);
    field.value = others ? `${item.text}\n${field.value}` : item.text;
    keepDraft();
    grow();
    showNote(why, true);
  }

  function onInput() {
    updateNote();
    grow();
    keepDraft();
    apps.update();
    const isReply = kind() === "reply" && field.value.trim() && !field.value.startsWith("/");
    if (isReply && Date.now() - typingToldAt > TYPING_EVERY && onTyping()) typingToldAt = Date.now();
  }

  function onEnter(event) {
    if (!apps.isOpen()) {
      send(event);
      return;
    }
    event.preventDefault();
    apps.choose();
  }

  function onEscape(event) {
    if (!apps.isOpen()) {
      field.blur();
      return;
    }
    event.stopPropagation(); // so that it doesn't close the panel as well
    apps.close();
  }

  form.addEventListener("submit", send);
  form.addEventListener("change", (event) => {
    if (event.target.name !== "kind") return;
    showKind();
    keepDraft();
  });
  form.addEventListener("click", (event) => {
    if (event.target.name === "kind" && event.detail) field.focus(); // by mouse
  });
  field.addEventListener("input", onInput);
  field.addEventListener("keydown", (event) => {
    if (isComposing(event)) return;
    if (event.key === "Enter" && !event.shiftKey) onEnter(event);
    else if (event.key === "Escape") onEscape(event);
    else if (apps.isOpen() && /^Arrow(Up|Down)$/.test(event.key)) {
      event.preventDefault();
      apps.move(event.key === "ArrowDown" ? 1 : -1);
    }
  });
  window.addEventListener("pagehide", keepUnsent);

  restoreDraft();
  showKind();
  grow();

  return { showNote, updateNote, chooseKind, closeApps, giveBack, focus: () => field.focus() };
}
