/* Draws the steps: each is a line that opens to its form, with its branches below. Only what changed is drawn again. */

import { byId } from "../lib/dom.js";
import { draw } from "./fields.js";
import { cloneOf, kinds, option, strings } from "./page.js";
import { nameOf, summaryOf } from "./summary.js";
import { branchesOf, getIn, isStep, keyOf, listIn, walk } from "./tree.js";

const root = byId("steps");
const elements = new Map(); // by the key of a step
const drawn = new WeakMap(); // an element: the step that it shows
const places = new WeakMap(); // a list: {key, path} of the branch that it shows
const folded = new Set();

let paths = new Map(); // by the key of a step
let openKey = "";
let current = null; // the document that is shown

places.set(root, { key: "", path: ["steps"] });

export const pathTo = (key) => (key ? paths.get(key) : []);
export const elementOf = (key) => elements.get(key);
export const keyAt = (element) => element.closest?.(".flow-step")?.dataset.key ?? "";
export const buttonOf = (key) => elements.get(key)?.querySelector(".flow-open") ?? null;
export const openStep = () => openKey;

/* The path of the list of steps in this element. */
export function listPath(list) {
  const { key, path } = places.get(list);
  return [...pathTo(key), ...path];
}

/* The path of the list that a button adds to. */
export const listOf = (button) => listPath(button.parentElement.querySelector(":scope > .flow-list"));

function make(step) {
  const element = cloneOf(byId("step"));
  const kind = kinds[step.kind];
  element.dataset.key = keyOf(step);
  element.dataset.kind = step.kind;
  element.querySelector(".flow-kind").textContent = kind?.name ?? strings.unknown;
  if (kind) element.querySelector(".flow-icon").append(cloneOf(kind.template, "[data-icon] > *"));
  return element;
}

function drawBranches(element, step) {
  const box = element.querySelector(":scope > .flow-branches");
  const branches = branchesOf(step, kinds);
  while (box.children.length > branches.length) box.lastElementChild.remove();
  while (box.children.length < branches.length) box.append(cloneOf(byId("branch")));
  for (const [i, { path, label }] of branches.entries()) {
    const section = box.children[i];
    const name = section.querySelector(".flow-branch-name");
    name.textContent = label || strings.unnamed;
    const list = section.querySelector(":scope > .flow-list");
    places.set(list, { key: element.dataset.key, path });
    drawList(list, listIn(step, path));
  }
  const fold = element.querySelector(".flow-fold");
  fold.hidden = !branches.length;
  fold.setAttribute("aria-expanded", String(!folded.has(element.dataset.key)));
  box.hidden = folded.has(element.dataset.key);
}

function drawTargets(form, step) {
  for (const select of form.querySelectorAll("[data-steps]")) {
    const steps = walk(current, kinds).map((entry) => entry.step);
    const others = steps.filter((one) => one.id !== step.id);
    select.replaceChildren(option("", ""), ...others.map((one) => option(one.id, `${one.id} · ${nameOf(one)}`)));
  }
}

function drawForm(element, step) {
  const box = element.querySelector(":scope > .flow-form");
  const isOpen = openKey === element.dataset.key;
  element.querySelector(".flow-open").setAttribute("aria-expanded", String(isOpen));
  element.classList.toggle("is-open", isOpen);
  box.hidden = !isOpen;
  if (!isOpen || !kinds[step.kind]) {
    box.replaceChildren();
    return;
  }
  const form = box.firstElementChild ?? cloneOf(kinds[step.kind].template, ".form");
  drawTargets(form, step);
  draw(form, step, { key: element.dataset.key, path: [] });
  if (!box.firstElementChild) box.append(form);
}

function drawStep(element, step) {
  if (drawn.get(element) === step) return;
  drawn.set(element, step);
  element.querySelector(".flow-summary").textContent = summaryOf(step);
  drawForm(element, step);
  drawBranches(element, step);
}

/* First all elements of the list get their places, then each is drawn: its branches may take some of another list. */
function drawList(list, entries) {
  const steps = entries.filter(isStep);
  const wanted = new Set(steps.map(keyOf));
  for (const element of [...list.children]) if (!wanted.has(element.dataset.key)) element.remove();
  for (const [i, step] of steps.entries()) {
    const element = elements.get(keyOf(step)) ?? make(step);
    elements.set(keyOf(step), element);
    if (list.children[i] !== element) list.insertBefore(element, list.children[i] ?? null);
  }
  for (const step of steps) drawStep(elements.get(keyOf(step)), step);
}

/* Draws the document. An element that is moved loses the focus, and gets it back. */
export function drawSteps(document_) {
  const focused = document.activeElement;
  current = document_;
  const steps = walk(document_, kinds);
  paths = new Map(steps.map(({ step, path }) => [keyOf(step), path]));
  for (const [key, element] of elements) {
    if (paths.has(key)) continue;
    element.remove();
    elements.delete(key);
  }
  drawList(root, listIn(document_, ["steps"]));
  if (focused !== document.activeElement && focused?.isConnected) focused.focus({ preventScroll: true });
}

/* Draws the lines again, after words in them have become known. */
export function drawSummaries() {
  for (const element of elements.values()) {
    const step = getIn(current, pathTo(element.dataset.key));
    element.querySelector(".flow-summary").textContent = summaryOf(step);
    if (openKey === element.dataset.key) drawForm(element, step);
  }
}

export function setOpen(key) {
  const before = openKey;
  openKey = key;
  for (const one of [before, key]) {
    const element = elements.get(one);
    if (element) drawForm(element, getIn(current, pathTo(one)));
  }
}

export function setFolded(key, isFolded) {
  const element = elements.get(key);
  if (!element) return;
  if (isFolded) folded.add(key);
  else folded.delete(key);
  drawBranches(element, getIn(current, pathTo(key)));
}

/* Unfolds whatever hides it. */
export function reveal(key) {
  for (
    let up = elements.get(key)?.parentElement.closest(".flow-step");
    up;
    up = up.parentElement.closest(".flow-step")
  ) {
    setFolded(up.dataset.key, false);
  }
}

/* The steps that can be seen, in order. */
export const shownButtons = () =>
  [...root.querySelectorAll(".flow-open")].filter((button) => !button.closest(".flow-branches[hidden]"));
