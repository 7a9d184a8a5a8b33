/* The selected rows: ticked by mouse or keyboard, all that are shown, or all that match the filter. */

import { byId, readData } from "../lib/dom.js";

const form = byId("selection"); // null where nobody matches
const strings = readData("contacts-strings");
let anchor = null; // the box that a range starts from

export const boxes = () => [...(form?.querySelectorAll("[name=id]") ?? [])];
export const hasSelection = () => boxes().some((box) => box.checked);
const isEveryone = () => !form.elements.everyone.disabled;

export function toggle(box, isChecked = !box.checked) {
  box.checked = isChecked;
  anchor = box;
  draw();
}

/* From the last ticked row to this one. */
export function extendTo(box, isChecked) {
  const all = boxes();
  const [from, to] = [all.indexOf(anchor), all.indexOf(box)].sort((a, b) => a - b);
  for (const each of all.slice(Math.max(from, 0), to + 1)) each.checked = isChecked;
  anchor = box;
  draw();
}

export function selectShown(isChecked) {
  for (const box of boxes()) box.checked = isChecked;
  draw();
}

function selectEveryone(isWanted) {
  form.elements.everyone.disabled = !isWanted;
  selectShown(isWanted);
}

export const clearSelection = () => selectEveryone(false);

/* The words and buttons follow from the ticked rows. One that is unticked is an exception that "all" can't have. */
function draw() {
  const all = boxes();
  const count = all.filter((box) => box.checked).length;
  const isAll = count > 0 && count === all.length;
  if (!isAll) form.elements.everyone.disabled = true;
  byId("select-shown").checked = isAll;
  byId("select-shown").indeterminate = count > 0 && !isAll;
  byId("select-everyone").hidden = !isAll || isEveryone() || !byId("more-rows");
  form.classList.toggle("has-selection", count > 0);
  byId("selected").textContent = wordsFor(count);
}

function wordsFor(count) {
  if (isEveryone()) return strings.everyone;
  return count ? strings.selected.replace("{count}", count.toLocaleString(document.documentElement.lang)) : "";
}

/* Rows that arrive while all that match are selected are selected, too. */
export function onRowsAdded() {
  if (isEveryone()) selectShown(true);
  else draw();
}

function onClick(event) {
  if (event.target.name !== "id") return;
  if (event.shiftKey && anchor) extendTo(event.target, event.target.checked);
  else toggle(event.target, event.target.checked);
}

export function startSelection() {
  form.addEventListener("click", onClick);
  byId("select-shown").addEventListener("change", (event) => selectShown(event.target.checked));
  byId("select-everyone").addEventListener("click", () => {
    selectEveryone(true);
    byId("clear-selection").focus();
  });
  byId("clear-selection").addEventListener("click", () => {
    clearSelection();
    byId("select-shown").focus();
  });
  draw(); // a browser that goes back keeps the ticks
}
