/* What the server put into the page: words, kinds of steps, templates. */

import { createAnnouncer } from "../lib/announcer.js";
import { byId, readData } from "../lib/dom.js";

export const strings = readData("flow-strings");
export const data = readData("flow-data");
export const editor = byId("flow");

export const language = document.documentElement.lang || undefined;

/* By kind: name, icon, model of a new one, branches, fields of the summary. */
export const kinds = Object.fromEntries(
  [...document.querySelectorAll("template[id^='step-']")].map((template) => {
    const { name, branches, summary } = template.dataset;
    const kind = template.id.slice("step-".length);
    const model = { kind, id: "", ...JSON.parse(template.dataset.new) };
    const read = {
      name,
      model,
      branches: Object.fromEntries(JSON.parse(branches)),
      summary: JSON.parse(summary),
      template,
    };
    return [kind, read];
  }),
);

let copies = 0;

/* A copy of an element of a template, by default the first one. The ids in it, and what refers to them, are made unique. */
export function cloneOf(template, selector = "*") {
  const copy = template.content.querySelector(selector).cloneNode(true);
  copies += 1;
  for (const name of ["id", "for", "aria-describedby", "aria-labelledby"]) {
    for (const element of copy.querySelectorAll(`[${name}]`)) {
      const ids = element.getAttribute(name).split(" ");
      element.setAttribute(name, ids.map((id) => `c${copies}-${id}`).join(" "));
    }
  }
  return copy;
}

export const fill = (text, values) => text.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);

export function option(value, words) {
  const made = document.createElement("option");
  made.value = value;
  made.textContent = words;
  return made;
}

export function listItem(words) {
  const made = document.createElement("li");
  made.dir = "auto";
  made.textContent = words;
  return made;
}

export const announce = createAnnouncer(byId("announcer"));
