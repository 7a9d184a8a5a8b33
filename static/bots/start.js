/* The panel above the steps: name, triggers, audience, office hours. */

import { byId } from "../lib/dom.js";
import { draw } from "./fields.js";
import { cloneOf } from "./page.js";
import { isStep, keyOf, listIn } from "./tree.js";

const panel = byId("start");
const list = byId("triggers");
const elements = new Map(); // by the key of a trigger

function elementFor(trigger) {
  const key = keyOf(trigger);
  const template = byId(`trigger-${trigger.kind}`);
  if (!template) return null;
  if (!elements.has(key)) elements.set(key, cloneOf(template));
  const element = elements.get(key);
  element.dataset.key = key;
  draw(element, trigger, { key, path: [] });
  return element;
}

export function drawStart(document_) {
  const triggers = listIn(document_, ["triggers"]).filter(isStep);
  const shown = triggers.map(elementFor).filter(Boolean);
  if (shown.length !== list.children.length || shown.some((element, i) => list.children[i] !== element)) {
    list.replaceChildren(...shown);
  }
  byId("no-triggers").hidden = triggers.length > 0;
  draw(panel, document_, { key: "", path: [] });
}

export const triggerPath = (document_, key) => {
  const index = listIn(document_, ["triggers"]).findIndex((trigger) => isStep(trigger) && keyOf(trigger) === key);
  return index < 0 ? null : ["triggers", index];
};

/* A new trigger, as its template describes it. */
export const newTrigger = (kind) => ({ kind, ...JSON.parse(byId(`trigger-${kind}`).dataset.new) });
