/* The editor of a flow. The document is one value; each change makes a new one, which is drawn and saved. */

import { byId, readData } from "../lib/dom.js";
import { createActs } from "./acts.js";
import { createAutosave } from "./autosave.js";
import { learnWords, onWhoClick, watchConditions } from "./conditions.js";
import { startDrag } from "./drag.js";
import { newTranslation, onEntryClick, setLanguages } from "./entries.js";
import { contextOf, read } from "./fields.js";
import { watchFind } from "./find.js";
import { createHistory } from "./history.js";
import { hoursAfterClick, hoursAfterInput } from "./hours.js";
import { watchKeyboard, watchKinds } from "./keyboard.js";
import { watchLive } from "./live.js";
import { createMerging } from "./merge-choices.js";
import { announce, data, editor, kinds, strings } from "./page.js";
import { drawInPlace, drawMarks, setFaults } from "./problems.js";
import { watchPublish } from "./publish.js";
import { showRunning } from "./running.js";
import { errorText } from "./server.js";
import { drawStart, newTrigger, triggerPath } from "./start.js";
import {
  buttonOf,
  drawSteps,
  drawSummaries,
  keyAt,
  listOf,
  openStep,
  pathTo,
  reveal,
  setFolded,
  setOpen,
} from "./steps.js";
import { getIn, insertIn, listIn, removeIn, setIn, shareKeys, walk } from "./tree.js";
import { watchTrial } from "./try.js";
import { setAsks } from "./variables.js";

const first = readData("flow-document");
const history = createHistory(first, kinds);
const current = history.document;
const saved = byId("flow-saved");

function show() {
  setLanguages(current());
  drawSteps(current());
  drawStart(current());
  drawMarks();
  drawInPlace();
  byId("undo").disabled = !history.canUndo();
  byId("redo").disabled = !history.canRedo();
}

function change(document_, key, typing) {
  history.push(document_, key, typing);
  show();
  autosave.changed();
}

const acts = createActs({ current, change });

/* The path of a context in the document. */
const pathOf = ({ key, path }) => {
  const start = triggerPath(current(), key) ?? pathTo(key);
  return start && [...start, ...path];
};

/* Opens the way to the step that was changed back or forth. */
function step(go, words) {
  const key = go();
  if (key === null) return;
  show();
  autosave.changed();
  learn();
  announce(words);
  reveal(key);
  if (openStep() !== key) buttonOf(key)?.focus();
}

const undo = () => step(history.undo, strings.undone);
const redo = () => step(history.redo, strings.redone);

async function learn() {
  if (!(await learnWords(current()))) return;
  drawSummaries();
  drawStart(current());
}

/* A field of a step, a trigger or the start. */
function onField(event) {
  const control = event.target;
  const context = contextOf(control);
  if (!context || control.closest("dialog") || (event.type === "input" && isStepId(control, context))) return;
  const path = pathOf(context);
  if (!path) return;
  const changes = control.closest("[data-hours]") ? [[["office_hours"], hoursAfterInput(control)]] : read(control);
  const next = changes.reduce((made, [inner, value]) => setIn(made, [...path, ...inner], value), current());
  const words = control.value.split(/\s+/).length;
  const isText = control.matches("textarea, input:not([type=checkbox])");
  if (changes.length && JSON.stringify(getIn(next, path)) !== JSON.stringify(getIn(current(), path))) {
    change(withTargets(next, path, control, context), context.key, isText ? `${control.id} ${words}` : "");
  }
}

/* It counts once it is written: on the way it may be the id of another step. */
const isStepId = (control, { key, path }) => control.name === "id" && !path.length && Boolean(pathTo(key)?.length);

/* A step that gets another id is still the one that "Go to" leads to. */
function withTargets(next, path, control, context) {
  const id = control.value;
  const before = isStepId(control, context) && getIn(current(), [...path, "id"]);
  const count = (one) => walk(next, kinds).filter(({ step }) => step.id === one).length;
  if (!before || count(id) !== 1 || count(before)) return next;
  const leading = walk(next, kinds).filter((one) => one.step.kind === "go_to" && one.step.step === before);
  return leading.reduce((made, one) => setIn(made, [...one.path, "step"], id), next);
}

function onButton(button) {
  const context = contextOf(button);
  if (!context) return;
  const path = pathOf(context);
  const value = getIn(current(), path);
  const who = button.closest("[data-who]");
  if ("addTrigger" in button.dataset) {
    button.closest("[data-menu]").open = false;
    const place = listIn(current(), ["triggers"]).length;
    change(insertIn(current(), ["triggers"], place, [newTrigger(button.dataset.addTrigger)]), "");
    focusFirst(byId("triggers").lastElementChild);
    return;
  }
  if ("addTranslation" in button.dataset) {
    const made = newTranslation(button);
    if (!made) return;
    change(setIn(current(), [...path, ...made[0]], made[1]), context.key);
    focusFirst(button.closest("details").querySelector(":scope > .flow-entries > :last-child"));
    return;
  }
  if ("removeTrigger" in button.dataset) {
    change(removeIn(current(), path), "");
    return byId("add-trigger").focus();
  }
  if ("removeTranslation" in button.dataset) {
    const summary = button.closest("details").querySelector(":scope > summary");
    change(setIn(current(), path, undefined), context.key);
    return summary.focus();
  }
  if ("addHours" in button.dataset || "removeHours" in button.dataset) {
    return change(setIn(current(), ["office_hours"], hoursAfterClick(button)), "");
  }
  if (who) {
    const place = [...path, who.dataset.who, "conditions"];
    onWhoClick(button, place, listIn(current(), place), (at, list) => change(setIn(current(), at, list), context.key));
    return;
  }
  // A button of an entry is in the entry's context; the list is in the one around it.
  const outer = "item" in button.dataset ? contextOf(button.closest("[data-context]").parentElement) : context;
  const outerPath = pathOf(outer);
  const entries = onEntryClick(button, outer === context ? value : getIn(current(), outerPath));
  if (!entries) return;
  const box = button.closest("[data-items]");
  change(setIn(current(), [...outerPath, ...entries[0]], entries[1]), context.key);
  if ("addItem" in button.dataset) focusFirst(box.querySelector(":scope > .flow-entries > :last-child"));
  else if (!button.isConnected) box.querySelector(":scope > [data-add-item]").focus();
  else button.focus(); // it moved
}

const focusFirst = (element) => element?.querySelector("input, select, textarea")?.focus();

const menu = {
  up: (key) => acts.move(key, -1),
  down: (key) => acts.move(key, 1),
  add: (key) => acts.askKind(...acts.placeAfter(key)),
  copy: (key) => acts.copy(key),
  cut: (key) => acts.cut(key),
  paste: (key) => acts.paste(...acts.placeAfter(key)),
  remove: acts.remove,
};

function onClick(event) {
  const button = event.target.closest("button");
  if (!button || button.closest("dialog")) return;
  const key = keyAt(button);
  if (button.matches(".flow-open")) {
    setOpen(openStep() === key ? "" : key);
    drawInPlace();
  } else if (button.matches(".flow-fold")) setFolded(key, button.getAttribute("aria-expanded") === "true");
  else if (button.dataset.do) {
    button.closest("[data-menu]")?.removeAttribute("open");
    menu[button.dataset.do](key);
  } else if ("add" in button.dataset) {
    const list = listOf(button);
    acts.askKind(list, listIn(current(), list).length);
  } else onButton(button);
}

/* document_: what is shown now. base: the document that both began with. */
function adopt(newer, theirs, document_, base, isChoice) {
  if (isChoice) history.choose(document_, base, theirs);
  else history.rebase(document_, base, theirs);
  autosave.adopt(newer, theirs);
  setFaults(newer.faults, theirs);
  show();
  learn();
}

const autosave = createAutosave({
  current,
  saved: first,
  onSaved(answer, document_) {
    setFaults(answer.faults, document_);
  },
  onNewer: createMerging({ current, adopt }),
  async onState(state, failure) {
    saved.textContent = strings[state];
    saved.classList.toggle("is-bad", state === "failed");
    const reason = state === "failed" && (await errorText(failure));
    if (reason) saved.textContent = reason;
  },
});

async function onSubmit(event) {
  const form = event.target;
  event.preventDefault();
  if (!(await autosave.flush())) return;
  form.elements.revision.value = autosave.revision();
  form.submit();
}

editor.addEventListener("input", onField);
editor.addEventListener("change", onField);
editor.addEventListener("focusout", history.endRun);
editor.addEventListener("click", onClick);
byId("undo").addEventListener("click", undo);
byId("redo").addEventListener("click", redo);
watchPublish(autosave.flush);
for (const id of ["publish", "discard"]) byId(id)?.addEventListener("submit", onSubmit);
setAsks(() =>
  walk(current(), kinds)
    .map((one) => one.step)
    .filter((one) => one.kind === "ask"),
);
watchConditions((path, index, condition) => change(setIn(current(), [...path, index], condition), ""));
watchKinds(acts.addKind);
watchKeyboard({ current, acts, undo, redo, find: watchFind(current) });
startDrag(acts.drop);
watchTrial({
  currentText: () => JSON.stringify(current()),
  mostVariants: () => Math.max(0, ...walk(current(), kinds).map(({ step }) => listIn(step, ["variants"]).length)),
  showStep: (id) => showRunning(current(), id),
});
show();
setFaults(data.faults, current());
learn();
const restored = autosave.restored();
if (restored) {
  change(shareKeys(current(), restored), "");
  announce(strings.restored);
}
watchLive(autosave.look);
