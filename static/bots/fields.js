/* The fields of steps and triggers: a control's `name` is its place in the value that its context shows. A context is an
   element with `data-context`; entries of lists and translations are contexts of their own. */

import { drawWho } from "./conditions.js";
import { drawEntries, drawTranslations } from "./entries.js";
import { drawHours } from "./hours.js";
import { option } from "./page.js";
import { unitOf } from "./summary.js";
import { getIn } from "./tree.js";
import { drawVariables } from "./variables.js";

const contexts = new WeakMap(); // an element with `data-context`: {key, path} of what it shows
const SPECIAL = "[data-who], [data-duration], [data-hours]";

export const contextOf = (element) => contexts.get(element.closest("[data-context]"));

export function own(root, selector) {
  return [...root.querySelectorAll(selector)].filter(
    (element) => element.parentElement.closest("[data-context]") === root,
  );
}

export const nameOf = (control) => ("self" in control.dataset ? [] : control.name.split("."));

/* key: of the step or trigger; "": the document. path: inside of it. */
export function draw(root, value, context) {
  contexts.set(root, context);
  for (const control of own(root, "[name]")) {
    if (!control.closest(SPECIAL)) setControl(control, getIn(value, nameOf(control)));
  }
  for (const box of own(root, "[data-list]")) setList(box, getIn(value, [box.dataset.list]));
  for (const box of own(root, "[data-duration]")) setDuration(box, getIn(value, [box.dataset.duration]));
  for (const box of own(root, "[data-who]")) drawWho(box, value);
  for (const box of own(root, "[data-hours]")) drawHours(box, getIn(value, [box.dataset.hours]));
  for (const box of own(root, "[data-items]")) drawEntries(box, value, context, draw);
  for (const box of own(root, "[data-translations]")) drawTranslations(box, value, context, draw);
  for (const area of own(root, "[data-variables]")) drawVariables(area);
  for (const part of own(root, "[data-if]")) part.hidden = !isShown(root, part.dataset.if);
}

function isShown(root, rule) {
  const [name, wanted] = rule.split("=");
  return own(root, `[name="${name}"]`)[0].value === wanted;
}

const linesOf = (text) =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);

/* Texts with names, one on each line: "size: medium". */
const pairsOf = (text) =>
  Object.fromEntries(
    linesOf(text).map((line) => {
      const [name, ...rest] = line.split(":");
      return [name.trim(), rest.join(":").trim()];
    }),
  );

function setPairs(control, value) {
  const pairs = Object.entries(value ?? {}).map(([name, text]) => [name, String(text).replaceAll(/\s*\n\s*/g, " ")]);
  if (JSON.stringify(Object.entries(pairsOf(control.value))) === JSON.stringify(pairs)) return;
  control.value = pairs.map(([name, text]) => `${name}: ${text}`).join("\n");
}

function setControl(control, value) {
  if (control.type === "checkbox") {
    control.checked = Boolean(value);
    return;
  }
  if ("pairs" in control.dataset) return setPairs(control, value);
  if ("lines" in control.dataset) {
    const lines = Array.isArray(value) ? value.map(String) : [];
    if (linesOf(control.value).join("\n") !== lines.join("\n")) control.value = lines.join("\n");
    return;
  }
  const text = String(value ?? control.dataset.default ?? "");
  if (control.matches("select")) addMissing(control, text);
  if (control.value !== text) control.value = text;
}

/* What was deleted or archived since stays chosen, and the server says what is wrong with it. */
function addMissing(select, value) {
  if (![...select.options].some((one) => one.value === value)) select.append(option(value, value));
}

function setList(box, values) {
  for (const tick of box.querySelectorAll("input")) tick.checked = Array.isArray(values) && values.includes(tick.value);
}

function setDuration(box, seconds) {
  const [amount, unit] = box.querySelectorAll("input, select");
  if (readDuration(box) === seconds) return;
  amount.value = seconds ? seconds / unitOf(seconds)[0] : "";
  if (seconds) unit.value = String(unitOf(seconds)[0]);
}

function readDuration(box) {
  const [amount, unit] = box.querySelectorAll("input, select");
  return amount.value === "" ? undefined : Math.round(amount.valueAsNumber * Number(unit.value));
}

function readControl(control) {
  if (control.type === "checkbox") return control.checked || undefined;
  if ("lines" in control.dataset) return linesOf(control.value);
  if ("pairs" in control.dataset) return control.value.trim() ? pairsOf(control.value) : undefined;
  if (control.type === "number") return control.value === "" ? undefined : control.valueAsNumber;
  if (control.value === control.dataset.default) return undefined;
  return control.value === "" && !control.required ? undefined : control.value;
}

/* Reads the control that changed. Returns [[path inside of the context, value], …]. */
export function read(control) {
  const list = control.closest("[data-list]");
  const duration = control.closest("[data-duration]");
  const who = control.closest("[data-who]");
  if (list) {
    const ticked = [...list.querySelectorAll("input:checked")].map((tick) => tick.value);
    return [[[list.dataset.list], ticked]];
  }
  if (duration) return [[[duration.dataset.duration], readDuration(duration)]];
  if (who) return [[[who.dataset.who, "match"], control.value === "all" ? undefined : control.value]];
  if (!control.name) return [];
  return [[nameOf(control), readControl(control)], ...dropped(control)];
}

/* `data-only="choice:choices"`: the field `choices` is only kept while this one is `choice`. */
function dropped(control) {
  const [value, field] = (control.dataset.only ?? "").split(":");
  return field && control.value !== value ? [[[field], undefined]] : [];
}
