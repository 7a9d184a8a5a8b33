// Insert the form: the dialog in the inbox, or the page of its own. What is typed, previewed and sent is htmx's work.
"use strict";

(() => {
  document.addEventListener("htmx:afterSwap", (event) => {
    const box = document.getElementById("insert");
    if (!box || !(box.contains(event.target) || event.target.contains(box))) return;
    // Enter must not press "Check": with a script it is no button that sends the form.
    box.querySelectorAll(".checker-button").forEach((button) => (button.type = "button"));
  });

  // What stands in the composer goes along with the form: it is the message before it.
  const composer = () => document.getElementById("text");
  let taken = "";
  document.addEventListener("htmx:afterSwap", (event) => {
    const message = document.getElementById("message");
    if (event.target.id !== "insert-form-body" || !message) return;
    const kind = document.querySelector("#composer [name=kind]:checked");
    taken = kind && kind.value === "reply" ? composer().value : "";
    message.value = taken;
  });
  document.addEventListener("form-inserted", () => {
    if (!taken || composer().value !== taken) return;
    composer().value = "";
    composer().dispatchEvent(new Event("input", { bubbles: true })); // the draft goes too
  });

  // An answer with faults begins where the first of them is.
  document.addEventListener("htmx:afterSettle", () => {
    const wrong = document.querySelector("#insert [aria-invalid]:not([data-met])");
    if (!wrong) return;
    document.querySelectorAll("#insert [aria-invalid]").forEach((field) => (field.dataset.met = ""));
    wrong.focus();
  });

  // The standard words speak of texts: a form for emails begins without them, as long as nobody has changed them.
  document.addEventListener("change", (event) => {
    if (event.target.id !== "subscription") return;
    const legal = document.getElementById("legal_text");
    const { standard } = legal.dataset;
    if (event.target.selectedOptions[0].dataset.type === "email") {
      if (legal.value !== standard) return;
      legal.value = "";
      legal.dataset.emptied = "";
    } else if (!legal.value && "emptied" in legal.dataset) legal.value = standard;
  }, true); // before what is typed is sent to the preview

  // Whoever names a template wants it saved.
  document.addEventListener("input", (event) => {
    if (event.target.id === "template_name" && event.target.value.trim()) document.getElementById("save_template").checked = true;
  });
})();
