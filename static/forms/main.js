/* A public form: the number field, and the focus after a submission. Without this script the page works as well. */

import { updateField } from "../messenger/number-field.js";

function useField(event) {
  const field = event.target.closest(".field");
  if (field?.querySelector("[name=region]")) updateField(field, event);
}

// What is corrected is no longer marked as wrong.
function clearError({ target }) {
  if (!target.hasAttribute("aria-invalid")) return;
  target.removeAttribute("aria-invalid");
  target.closest(".field--wrong, .card-box--wrong")?.classList.remove("field--wrong", "card-box--wrong");
  document.getElementById(target.getAttribute("aria-describedby").split(" ").pop()).hidden = true;
}

document.addEventListener("input", (event) => {
  clearError(event);
  useField(event);
});
document.addEventListener("submit", ({ target }) => {
  target.querySelector(".card-button")?.setAttribute("aria-busy", "true");
});

// The server wants a proof of work first: the form is sent again with it.
async function prove(input) {
  const { form } = input;
  const button = form.querySelector(".card-button");
  button.disabled = true;
  const { solve } = await import("../messenger/proof-of-work.js");
  input.value = await solve(input.dataset);
  button.disabled = false;
  form.requestSubmit();
}

const challenged = document.querySelector("[data-challenge]");
if (challenged) prove(challenged);

const outcome = document.querySelector("[aria-invalid]") ?? document.querySelector("[data-done] .card-title");
outcome?.focus();
