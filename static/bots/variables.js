/* The variables that a text can have, inserted from a menu below it. */

import { byId } from "../lib/dom.js";
import { cloneOf, data, fill, strings } from "./page.js";

let asks = () => []; // steps that ask

export function setAsks(find) {
  asks = find;
}

function choices() {
  const personal = ["first_name", "name", "email"].map((name) => [name, strings[name]]);
  const attributes = data.attributes.map(([key, name]) => [`attribute_${key}`, name]);
  const answers = asks().map((step) => [step.id, fill(strings.answer, { name: step.text || step.id })]);
  return [...personal, ...attributes, ...answers];
}

/* Not everyone has a value, so each is inserted with a fallback to edit. */
function insert(area, name) {
  const start = area.selectionStart + name.length + 3;
  area.setRangeText(`{{${name}|${strings.there}}}`, area.selectionStart, area.selectionEnd, "end");
  area.dispatchEvent(new Event("input", { bubbles: true }));
  area.focus();
  area.setSelectionRange(start, start + strings.there.length);
}

function item(area, menu, [name, words]) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "menu-item";
  button.dir = "auto";
  button.textContent = words;
  button.addEventListener("click", () => {
    menu.open = false;
    insert(area, name);
  });
  return button;
}

export function drawVariables(area) {
  const row = area.closest(".field-row");
  if (row.querySelector(".flow-variables")) return;
  const menu = cloneOf(byId("variables"));
  const list = menu.querySelector(".menu-list");
  menu.addEventListener(
    "toggle",
    () => menu.open && list.replaceChildren(...choices().map((one) => item(area, menu, one))),
  );
  row.append(menu);
}
