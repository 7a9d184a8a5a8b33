/* Conditions about the person: chips in words of the server, edited in a dialog. */

import "../contacts/editor-dialog.js";
import { byId } from "../lib/dom.js";
import { cloneOf, fill, strings } from "./page.js";
import { post } from "./server.js";
import { getIn, listIn } from "./tree.js";

const EDITOR = "/bots/-/conditions";

const known = new Map(); // a condition as JSON: in words
let target = null; // where the condition goes that is being edited: {path, index}

const asText = (condition) => JSON.stringify(condition);

export const wordsOf = (condition) => known.get(asText(condition)) || strings.condition;

const isCondition = (value) => typeof value?.field === "string";

function* conditionsIn(value) {
  if (typeof value !== "object" || value === null) return;
  if (Array.isArray(value.conditions)) yield* value.conditions.filter(isCondition);
  for (const inner of Object.values(value)) yield* conditionsIn(inner);
}

/* Asks the server for the words of those that aren't known yet. Returns whether there were any. */
export async function learnWords(document) {
  const unknown = [...conditionsIn(document)].filter((condition) => !known.has(asText(condition)));
  if (!unknown.length) return false;
  const response = await post(`${EDITOR}/words`, JSON.stringify({ conditions: unknown }));
  if (!response.ok) return false;
  for (const [i, words] of (await response.json()).entries()) known.set(asText(unknown[i]), words);
  return true;
}

function chip(condition, root, index) {
  const made = cloneOf(byId("chip"));
  const [edit, remove] = made.querySelectorAll("button");
  const words = wordsOf(condition);
  edit.textContent = words;
  edit.setAttribute("aria-label", fill(strings.edit, { name: words }));
  remove.setAttribute("aria-label", fill(strings.remove, { name: words }));
  Object.assign(edit.dataset, { editCondition: index });
  Object.assign(remove.dataset, { removeCondition: index });
  root.append(made);
}

/* Draws `[data-who]`. value: the step or document that it is in. */
export function drawWho(element, value) {
  const conditions = listIn(value, [element.dataset.who, "conditions"]);
  const list = element.querySelector(".flow-chips");
  list.replaceChildren();
  for (const [index, condition] of conditions.entries()) chip(condition, list, index);
  element.querySelector("[data-everyone]").hidden = conditions.length > 0;
  element.querySelector("[data-match]").hidden = conditions.length < 2;
  element.querySelector("select").value = getIn(value, [element.dataset.who, "match"]) ?? "all";
}

function open(path, index, query) {
  target = { path, index };
  window.htmx.ajax("GET", `${EDITOR}${query}`, { target: "#editor-body" });
}

/* path: of the element's conditions. Returns whether the click was about them. */
export function onWhoClick(button, path, conditions, change) {
  const { editCondition, removeCondition, addCondition } = button.dataset;
  if (addCondition !== undefined) open(path, conditions.length, "");
  else if (editCondition !== undefined) {
    const value = encodeURIComponent(asText(conditions[editCondition]));
    open(path, Number(editCondition), `?value=${value}`);
  } else if (removeCondition !== undefined) change(path, conditions.toSpliced(Number(removeCondition), 1));
  else return false;
  return true;
}

/* change(path, index, condition) */
export function watchConditions(change) {
  document.addEventListener("condition-made", ({ detail }) => {
    known.set(asText(detail.condition), detail.words);
    byId("editor").close();
    change(target.path, target.index, detail.condition);
  });
}
