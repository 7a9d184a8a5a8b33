/* The wording checker beside a text: "Insert" adds a sentence to the text, and results are announced.
   htmx runs the check. Without this script, its button opens the result on a page. */

const boxOf = (element) => element.closest("[data-checker]");
const fieldOf = (box) => document.getElementById(box.dataset.checker);
const runCheck = (box) => window.htmx.trigger(box.querySelector(".checker-body"), "check");

// Enter in a field presses the first submit button. With a script this is not one.
for (const button of document.querySelectorAll(".checker-button")) button.type = "button";

function insert(button) {
  const box = boxOf(button);
  const field = fieldOf(box);
  const before = field.value.trimEnd();
  field.value = before ? `${before} ${button.dataset.insert}` : button.dataset.insert;
  field.dispatchEvent(new Event("input", { bubbles: true })); // updates the preview
  box.dataset.inserted = "";
  runCheck(box);
}

document.addEventListener("click", (event) => {
  const insertButton = event.target.closest("[data-insert]");
  const checkButton = event.target.closest(".checker-button");
  if (insertButton) insert(insertButton);
  else if (checkButton) runCheck(boxOf(checkButton));
});

// The list of met requirements stays open when a new result arrives.
document.addEventListener("htmx:beforeSwap", (event) => {
  const box = boxOf(event.target);
  const met = box?.querySelector(".checker-has");
  if (met) box.toggleAttribute("data-has-open", met.open);
});

document.addEventListener("htmx:afterSwap", (event) => {
  const box = boxOf(event.target);
  if (!box) return;
  const met = box.querySelector(".checker-has");
  if (met && box.hasAttribute("data-has-open")) met.open = true;
  announce(box);
  if ("inserted" in box.dataset) moveFocus(box);
});

function announce(box) {
  const status = box.querySelector("[data-checker-said]");
  const result = box.querySelector(".checker-head").textContent;
  if (status.textContent !== result) status.textContent = result;
}

// The button that was pressed may be gone: the next one gets the focus.
function moveFocus(box) {
  delete box.dataset.inserted;
  if (!box.contains(document.activeElement)) (box.querySelector("[data-insert]") || fieldOf(box)).focus();
}
