/* The forms in the thread. htmx submits them; this adds the visitor's token, and what happens before and after. */

import { errorMessage, HTMX_FAILURES, rejectNonHtml } from "../lib/server-errors.js";
import { dropCard, keepCard } from "./draft.js";
import { updateField } from "./number-field.js";
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
    const proof = card.querySelector("[data-challenge]");
    if (proof) prove(proof);
    const field = card.querySelector(".field-input");
    if (!field) dropCard(part.dataset.seq);
    thread.measure();
    const active = document.activeElement;
    const isReopened = event.detail.pathInfo?.requestPath.endsWith("/change-number");
    const invalid = card.querySelector('[aria-invalid="true"]') || (isReopened && field);
    const heading = card.querySelector(".card-title");
    const said = card.querySelector(".card-said, .card-proof, .card-error:not([hidden])");
    const next = invalid || card.querySelector(".card-said, .card-proof") || heading;
    if (active !== document.body && !card.contains(active)) {
      thread.announce((said || heading).textContent);
      return;
    }
    next.focus({ preventScroll: false });
    if (next.type === "tel") next.setSelectionRange(next.value.length, next.value.length); // to go on typing
  }

  // The server wants a proof of work first: the form is sent again with it.
  async function prove(input) {
    const { form } = input;
    const button = form.querySelector(".card-button");
    button.disabled = true;
    setBusy(form, true);
    const { solve } = await import("./proof-of-work.js");
    input.value = await solve(input.dataset);
    button.disabled = false;
    if (form.isConnected) form.requestSubmit();
  }

  function onFailed(event) {
    const form = event.target;
    const { xhr } = event.detail;
    if (xhr.status === 401) {
      onSignedOut();
      return;
    }
    setBusy(form, false);
    const error = form.closest(".card").querySelector(".card-error") || form.appendChild(emptyError());
    error.textContent = errorMessage(xhr) || form.dataset.unsent;
    error.hidden = false;
    thread.announce(error.textContent);
    thread.applyLate(form.closest(".part"));
    const button = form.querySelector("button");
    setTimeout(() => {
      if (document.activeElement === document.body) button.focus({ preventScroll: true });
    }, FOCUS_DELAY);
  }

  function emptyError() {
    return Object.assign(document.createElement("p"), { className: "card-error" });
  }

  // What is corrected is no longer marked as wrong.
  function clearError(input) {
    if (!input.hasAttribute("aria-invalid")) return;
    input.removeAttribute("aria-invalid");
    const wrong = input.closest(".field--wrong, .card-box--wrong");
    wrong.classList.remove("field--wrong", "card-box--wrong");
    const error = wrong.parentElement.querySelector(wrong.matches(".field") ? ".card-error" : ".card-error--box");
    error.hidden = true;
  }

  const inputsOf = (part) => [...part.querySelectorAll(".field input:not([type=hidden]), .field select")];

  function onInput(event) {
    const field = event.target.closest(".field, .card-box");
    if (!field) return;
    const input = field.querySelector(".field-input, [type=checkbox]");
    clearError(input);
    useField(field, event);
    if (input.type === "checkbox") return; // a tick is given for what is read now, so it is not kept
    const part = field.closest(".part");
    keepCard(part.dataset.seq, Object.fromEntries(inputsOf(part).map((input) => [input.name, input.value])));
  }

  function fillIn(cards) {
    for (const [seq, values] of Object.entries(cards)) {
      const part = document.querySelector(`.part[data-seq="${CSS.escape(seq)}"]`);
      if (!part?.querySelector(".card .field-input")) continue;
      for (const input of inputsOf(part)) {
        if (values[input.name]) input.value = values[input.name];
      }
      useField(part.querySelector(".field"));
    }
  }

  // Teammates see that the contact started to fill in the form.
  function onFocus(event) {
    useField(event.target.closest(".field"));
    const part = event.target.matches(".field-input") && event.target.closest(".part");
    if (part && !part.dataset.opened && onOpened(Number(part.dataset.seq))) part.dataset.opened = "1";
  }

  function useField(field, event) {
    if (field?.querySelector("[name=region]")) updateField(field, event);
  }

  // The preference center opens in a tab of its own, where no header can carry the token.
  function onSubmit({ target }) {
    if (target.matches("[data-manage]")) target.elements.token.value = currentToken();
  }

  document.addEventListener("submit", onSubmit);
  document.addEventListener("input", onInput);
  document.addEventListener("focusin", onFocus);
  document.body.addEventListener("htmx:configRequest", addVisitor);
  document.body.addEventListener("htmx:beforeRequest", (event) => setBusy(event.target, true));
  document.body.addEventListener("htmx:beforeSwap", rejectNonHtml);
  document.body.addEventListener("htmx:afterSwap", onSubmitted);
  for (const name of HTMX_FAILURES) document.body.addEventListener(name, onFailed);

  return { fillIn };
}
