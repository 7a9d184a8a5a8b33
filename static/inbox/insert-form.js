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

// Each subscription has a default wording. It replaces the default of another one, but nothing that somebody wrote.
const WORDING = { title: "title", button: "button", legal_text: "legalText", box: "box", locale: "locale" };
function onSubscription(event) {
  if (event.target.id !== "subscription") return;
  const chosen = event.target.selectedOptions[0].dataset;
  for (const [id, name] of Object.entries(WORDING)) {
    if (chosen[name] === undefined) continue;
    const field = document.getElementById(id);
    const texts = [...event.target.options].map((option) => option.dataset[name] ?? "");
    if (!field.value.trim() || texts.includes(field.value)) field.value = chosen[name];
  }
}
document.addEventListener("change", onSubscription, true); // before htmx sends the fields for the preview

// Whoever names a template wants it saved.
document.addEventListener("input", (event) => {
  if (event.target.id !== "template_name" || !event.target.value.trim()) return;
  document.getElementById("save_template").checked = true;
});
