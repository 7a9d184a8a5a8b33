/* The field to write a message in. */

import { byId, characterCount, growToFit } from "../lib/dom.js";
import { isComposing } from "../lib/keys.js";
import { keepText } from "./draft.js";

const MAX_LENGTH = 4000; // characters
const COUNTDOWN = 200; // characters left
const TYPING_EVERY = 3000; // ms

/* canSend(): whether a conversation is open. onSend(text). onTyping(): returns whether it was told. */
export function createComposer({ strings, canSend, onSend, onTyping }) {
  const field = byId("text");
  const note = byId("text-note");
  let refusal = ""; // why the server refused the last message
  let typingToldAt = 0;

  const charactersLeft = () => MAX_LENGTH - characterCount(field.value.trim());

  function noteFor(left) {
    if (left < 0) return strings.over.replace("{count}", -left);
    return left < COUNTDOWN ? strings.left.replace("{count}", left) : refusal;
  }

  function update() {
    const left = charactersLeft();
    const words = noteFor(left);
    if (note.textContent !== words) note.textContent = words;
    note.classList.toggle("is-wrong", left < 0 || Boolean(refusal));
    field.setAttribute("aria-invalid", String(left < 0));
    byId("send").setAttribute("aria-disabled", String(!canSend() || !field.value.trim() || left < 0));
    growToFit(field);
    if (canSend()) keepText(field.value);
  }

  /* A conversation was opened. */
  function start(text) {
    if (!field.value) field.value = text;
    update();
  }

  function send(event) {
    event.preventDefault();
    const text = field.value.trim();
    if (text && canSend() && charactersLeft() >= 0) {
      field.value = "";
      refusal = "";
      typingToldAt = 0; // the next message is told at once
      update();
      onSend(text);
    }
    field.focus();
  }

  /* The server refused it: the person can correct it. */
  function giveBack(text, why) {
    field.value = field.value ? `${text}\n${field.value}` : text;
    refusal = why;
    update();
    field.focus();
  }

  function tellTyping() {
    if (!field.value.trim() || Date.now() - typingToldAt < TYPING_EVERY) return;
    if (onTyping()) typingToldAt = Date.now();
  }

  field.addEventListener("input", () => {
    refusal = "";
    update();
    tellTyping();
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !isComposing(event)) send(event);
  });
  byId("composer").addEventListener("submit", send);

  return { start, giveBack };
}
