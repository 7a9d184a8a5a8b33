/* Signs in with a passkey, at the press of a button. */

import { usePasskey } from "../lib/webauthn.js";

const form = document.querySelector("[data-use-passkey]");

if (form) {
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const error = form.querySelector("[data-passkey-error]");
    error.hidden = true;
    try {
      form.elements.credential.value = await usePasskey(JSON.parse(form.dataset.usePasskey));
      form.submit();
    } catch {
      error.hidden = false;
    }
  });
}
