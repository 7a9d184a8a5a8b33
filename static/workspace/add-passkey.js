/* Adds a passkey: the browser creates it, then the form sends it. */

import { createPasskey } from "../lib/webauthn.js";

const form = document.querySelector("[data-add-passkey]");

async function add() {
  const response = await fetch(form.dataset.addPasskey, {
    method: "POST",
    body: new URLSearchParams(new FormData(form)),
  });
  if (response.status === 403) window.location.reload(); // the session is too old now: the page asks for the password
  if (!response.ok) throw new Error(`options ${response.status}`);
  form.elements.challenge.value = response.headers.get("X-Challenge");
  form.elements.credential.value = await createPasskey(await response.json());
}

form?.addEventListener("submit", async (event) => {
  if (!form.elements.name.value.trim()) form.elements.name.value = form.elements.name.placeholder;
  event.preventDefault();
  const error = document.querySelector("[data-passkey-error]");
  error.hidden = true;
  try {
    await add();
    form.submit();
  } catch {
    error.hidden = false;
  }
});
