// The checker beside a text: "Insert" puts a sentence into the field, and what the check found is told.
// The check itself is htmx's; without any of this its button opens the answer in a page.
"use strict";

(() => {
  const boxOf = (node) => node.closest("[data-checker]");
  const fieldOf = (box) => document.getElementById(box.dataset.checker);

  // Enter in a field presses the first button that sends the form: with a script, that is not this one.
  document.querySelectorAll(".checker-button").forEach((button) => (button.type = "button"));

  function insert(button) {
    const box = boxOf(button);
    const field = fieldOf(box);
    const before = field.value.trimEnd();
    field.value = before ? `${before} ${button.dataset.insert}` : button.dataset.insert;
    field.dispatchEvent(new Event("input", { bubbles: true })); // the preview beside it
    box.dataset.inserted = "";
    htmx.trigger(box.querySelector(".checker-body"), "check");
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-insert]");
    if (button) return insert(button);
    const check = event.target.closest(".checker-button");
    if (!check) return;
    htmx.trigger(boxOf(check).querySelector(".checker-body"), "check");
  });

  // What was open stays open, however often the answer comes anew.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const box = boxOf(event.target);
    const has = box && box.querySelector(".checker-has");
    if (has) box.toggleAttribute("data-has-open", has.open);
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    const box = boxOf(event.target);
    if (!box) return;
    const has = box.querySelector(".checker-has");
    if (has && box.hasAttribute("data-has-open")) has.open = true;
    const said = box.querySelector("[data-checker-said]");
    const head = box.querySelector(".checker-head").textContent;
    if (said.textContent !== head) said.textContent = head;
    if (!("inserted" in box.dataset)) return;
    delete box.dataset.inserted;
    // The button that was pressed may be gone: the hand goes on with the next one.
    if (!box.contains(document.activeElement)) (box.querySelector("[data-insert]") || fieldOf(box)).focus();
  });
})();
