/* The forms in the thread. htmx submits them; this adds the visitor's token, and what happens before and after. */

import { errorMessage, HTMX_FAILURES, rejectNonHtml } from "../lib/server-errors.js";
import { dropCard, keepCard } from "./draft.js";
import { currentToken, pageUrl } from "./visitor-api.js";

const FOCUS_DELAY = 50; // ms; htmx enables the button again after its event

/* onSignedOut(): the token is no longer valid. onOpened(seq): returns whether the server was told.
   Returns `fillIn(cards)`: puts drafts back into the fields. */
export function watchCards({ thread, onSignedOut, onOpened }) {
  function addVisitor({ detail }) {
    detail.headers.Authorization = `Bearer ${currentToken()}`;
    detail.parameters.page = pageUrl();
  }

  function setBusy(form, isBusy) {
    form.querySelector?.(".card-button")?.setAttribute("aria-busy", String(isBusy));
  }

  // If the person has moved on to write something, the result is announced, and they keep their focus.
  function onSubmitted(event) {
    const card = event.target.closest?.(".card");
    if (!card) return;
    const part = card.closest(".part");
    thread.dropLate(part); // the response is just as new
    if (card.dataset.state !== "open") dropCard(part.dataset.seq);
    thread.measure();
    const active = document.activeElement;
    const invalid = card.querySelector('[aria-invalid="true"]');
    const heading = card.querySelector(".card-title");
    const error = card.querySelector(".card-error:not([hidden])");
    if (active === document.body || card.contains(active)) (invalid || heading).focus({ preventScroll: false });
    else thread.announce((error || heading).textContent);
  }

  function onFailed(event) {
    const form = event.target;
    const { xhr } = event.detail;
    if (xhr.status === 401) {
      onSignedOut();
      return;
    }
    setBusy(form, false);
    const error = form.querySelector(".card-error");
    error.textContent = errorMessage(xhr) || form.dataset.unsent;
    error.hidden = false;
    thread.announce(error.textContent);
    thread.applyLate(form.closest(".part"));
    const button = form.querySelector(".card-button");
    setTimeout(() => {
      if (document.activeElement === document.body) button.focus({ preventScroll: true });
    }, FOCUS_DELAY);
  }

  // The country of the phone number: its short name, or none where a whole international number was typed.
  function showCountry(field, input) {
    if (input.matches("select")) field.querySelector("bdi").textContent = input.selectedOptions[0].dataset.short;
    else field.classList.toggle("field--foreign", input.value.trim().startsWith("+"));
  }

  const inputsOf = (part) => [...part.querySelectorAll(".field input:not([type=hidden]), .field select")];

  function onInput(event) {
    const field = event.target.closest(".field");
    if (!field) return;
    showCountry(field, event.target);
    const part = field.closest(".part");
    keepCard(part.dataset.seq, Object.fromEntries(inputsOf(part).map((input) => [input.name, input.value])));
  }

  function fillIn(cards) {
    for (const [seq, values] of Object.entries(cards)) {
      const part = document.querySelector(`.part[data-seq="${CSS.escape(seq)}"]`);
      if (!part?.querySelector('.card[data-state="open"]')) continue;
      for (const input of inputsOf(part)) {
        if (!values[input.name] || input.readOnly) continue;
        input.value = values[input.name];
        showCountry(input.closest(".field"), input);
      }
    }
  }

  // Teammates see that the contact started to fill in the form.
  function onFocus(event) {
    const part = event.target.matches(".field-input") && event.target.closest(".part");
    if (part && !part.dataset.opened && onOpened(Number(part.dataset.seq))) part.dataset.opened = "1";
  }

  document.addEventListener("input", onInput);
  document.addEventListener("focusin", onFocus);
  document.body.addEventListener("htmx:configRequest", addVisitor);
  document.body.addEventListener("htmx:beforeRequest", (event) => setBusy(event.target, true));
  document.body.addEventListener("htmx:beforeSwap", rejectNonHtml);
  document.body.addEventListener("htmx:afterSwap", onSubmitted);
  for (const name of HTMX_FAILURES) document.body.addEventListener(name, onFailed);

  return { fillIn };
}
