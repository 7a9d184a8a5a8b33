/* Insert an opt-in form: in a dialog of the inbox, or on a page of its own. htmx draws the preview and submits. */

const composer = () => document.getElementById("text");

// With a script the checker's button doesn't submit the form, so that Enter doesn't press it.
document.addEventListener("htmx:afterSwap", (event) => {
  const box = document.getElementById("insert");
  if (!box || !(box.contains(event.target) || event.target.contains(box))) return;
  for (const button of box.querySelectorAll(".checker-button")) button.type = "button";
});

// The text in the composer is sent as the message before the form.
let taken = "";
document.addEventListener("htmx:afterSwap", (event) => {
  const message = document.getElementById("message");
  if (event.target.id !== "insert-form-body" || !message) return;
  const kind = document.querySelector("#composer [name=kind]:checked");
  taken = kind?.value === "reply" ? composer().value : "";
  message.value = taken;
});
document.addEventListener("form-inserted", () => {
  if (!taken || composer().value !== taken) return;
  composer().value = "";
  composer().dispatchEvent(new Event("input", { bubbles: true })); // removes the draft
});

// Focus the first field with an error, once.
document.addEventListener("htmx:afterSettle", () => {
  const invalid = document.querySelector("#insert [aria-invalid]:not([data-met])");
  if (!invalid) return;
  for (const field of document.querySelectorAll("#insert [aria-invalid]")) field.dataset.met = "";
  invalid.focus();
});

// Each subscription has a default legal text. It replaces the default of another one, but nothing that somebody wrote.
function onSubscription(event) {
  if (event.target.id !== "subscription") return;
  const legal = document.getElementById("legal_text");
  const standard = event.target.selectedOptions[0].dataset.standard;
  if (standard === undefined) return;
  const texts = [...event.target.options].map((option) => option.dataset.standard ?? "");
  if (!legal.value.trim() || texts.includes(legal.value)) legal.value = standard;
}
document.addEventListener("change", onSubscription, true); // before htmx sends the fields for the preview

// Whoever names a template wants it saved.
document.addEventListener("input", (event) => {
  if (event.target.id !== "template_name" || !event.target.value.trim()) return;
  document.getElementById("save_template").checked = true;
});
