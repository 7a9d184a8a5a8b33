/* What is wrong with the flow: beside the fields, on the lines of steps, and in a list that leads there. */

import { byId } from "../lib/dom.js";
import { contextOf, nameOf, own } from "./fields.js";
import { cloneOf, fill, kinds, strings } from "./page.js";
import { buttonOf, elementOf, openStep, reveal, setOpen } from "./steps.js";
import { nameOf as stepName } from "./summary.js";
import { isStep, keyOf, listIn, pathOf, placeOf, walk } from "./tree.js";

const panel = byId("problems");
const list = panel.querySelector("ul");

let problems = []; // {key, place (inside of the step), text, isWarning, where}

/* By place: what has problems of its own, and the words for it. */
function ownersIn(document_) {
  const steps = walk(document_, kinds).map(({ step, path }) => [placeOf(path), { value: step, where: stepName(step) }]);
  const triggers = listIn(document_, ["triggers"]).map((value, i) => [
    `triggers[${i}]`,
    { value, where: strings.flow },
  ]);
  return new Map([...steps, ...triggers]);
}

/* The document may have changed since it was checked: keys name steps wherever they are now. */
function located(fault, owners) {
  const path = pathOf(fault.path);
  const shown = { text: fault.text, isWarning: fault.is_warning };
  for (let end = path.length; end > 0; end -= 1) {
    const owner = owners.get(placeOf(path.slice(0, end)));
    if (owner && isStep(owner.value)) {
      return { ...shown, key: keyOf(owner.value), place: placeOf(path.slice(end)), where: owner.where };
    }
  }
  return { ...shown, key: "", place: placeOf(path), where: strings.flow };
}

/* What they are about, and their words. */
export const warnings = () =>
  problems.filter(({ isWarning }) => isWarning).map(({ where, text }) => `${where}: ${text}`);

export const hasErrors = () => problems.some((problem) => !problem.isWarning);

/* faults: as the server names them, of this document. */
export function setFaults(faults, document_) {
  const owners = ownersIn(document_);
  problems = faults.map((fault) => located(fault, owners));
  drawPanel();
  drawMarks();
  drawInPlace();
}

function drawPanel() {
  panel.hidden = !problems.length;
  list.replaceChildren(
    ...problems.map((problem) => {
      const item = document.createElement("li");
      const button = document.createElement("button");
      const where = document.createElement("b");
      button.type = "button";
      button.className = problem.isWarning ? "flow-problem" : "flow-problem flow-problem--bad";
      where.textContent = problem.where;
      where.dir = "auto";
      button.append(where, " ", problem.text);
      button.addEventListener("click", () => show(problem));
      item.append(button);
      return item;
    }),
  );
}

/* On the line of each step that has some. */
export function drawMarks() {
  const counts = new Map();
  const faulty = new Set(problems.filter(({ isWarning }) => !isWarning).map(({ key }) => key));
  for (const { key } of problems) counts.set(key, (counts.get(key) ?? 0) + 1);
  for (const mark of document.querySelectorAll(".flow-fault")) {
    const { key } = mark.closest(".flow-step").dataset;
    const count = counts.get(key) ?? 0;
    mark.hidden = !count;
    mark.classList.toggle("is-warning", !faulty.has(key));
    const words = count === 1 ? strings.one_problem : fill(strings.problem, { count });
    mark.querySelector(".unseen").textContent = count ? words : "";
  }
}

function controlsIn(root) {
  return [root, ...root.querySelectorAll("[data-context]")].flatMap((context) => [
    ...own(context, "[name]").map((control) => [nameOf(control), control, context]),
    ...["list", "duration", "who", "hours", "items"].flatMap((kind) =>
      own(context, `[data-${kind}]`).map((box) => [[box.dataset[kind]], box, context]),
    ),
  ]);
}

/* The control of a place, or the one of the field that it is in: {control, isExact}. */
function controlOf(root, problem) {
  let best = null;
  for (const [name, control, context] of controlsIn(root)) {
    const place = placeOf([...contextOf(context).path, ...name]);
    const fits =
      problem.place === place || problem.place.startsWith(`${place}.`) || problem.place.startsWith(`${place}[`);
    if (fits && (!best || place.length > best.place.length)) best = { place, control };
  }
  return best?.control ?? null;
}

function formOf(key) {
  if (!key) return byId("start");
  return (
    elementOf(key)?.querySelector(":scope > .flow-form > .form") ??
    document.querySelector(`[data-key="${key}"].flow-trigger`)
  );
}

function clear() {
  for (const shown of document.querySelectorAll("[data-problem]")) shown.remove();
  for (const control of document.querySelectorAll("[data-described]")) {
    control.removeAttribute("aria-invalid");
    control.setAttribute("aria-describedby", control.dataset.described);
    if (!control.dataset.described) control.removeAttribute("aria-describedby");
    delete control.dataset.described;
  }
}

function explain(control, shown, isWarning) {
  const field = control.matches("input, select, textarea") ? control : control.querySelector("input, select, textarea");
  if (!field || "described" in field.dataset) return;
  field.dataset.described = field.getAttribute("aria-describedby") ?? "";
  field.setAttribute("aria-describedby", `${shown.id} ${field.dataset.described}`.trim());
  if (!isWarning) field.setAttribute("aria-invalid", "true");
}

/* Beside the fields of the open step and of the start. */
export function drawInPlace() {
  clear();
  for (const [index, problem] of problems.entries()) {
    const form = formOf(problem.key);
    if (!form) continue;
    const shown = cloneOf(byId("fault"));
    shown.id = `problem-${index}`;
    shown.dataset.problem = "";
    shown.classList.toggle("is-warning", problem.isWarning);
    shown.querySelector("span").textContent = problem.text;
    const control = problem.place ? controlOf(form, problem) : null;
    if (!control && problem.place === "steps") byId("add-first").before(shown);
    else if (!control) form.prepend(shown);
    else (control.closest(".field-row") ?? control).append(shown);
    if (control) explain(control, shown, problem.isWarning);
  }
}

function show(problem) {
  if (elementOf(problem.key)) {
    reveal(problem.key);
    if (openStep() !== problem.key) setOpen(problem.key);
    drawInPlace();
  }
  const form = formOf(problem.key);
  const control = form && problem.place ? controlOf(form, problem) : null;
  const field = control?.matches("input, select, textarea")
    ? control
    : control?.querySelector("input, select, textarea, button");
  for (let up = field?.closest("details"); up; up = up.parentElement.closest("details")) up.open = true;
  (field ?? buttonOf(problem.key) ?? form)?.focus();
  (field ?? form)?.scrollIntoView({ block: "center" });
}
