/* What can be done to a step: each function makes a new document of the one that is shown. */

import { byId } from "../lib/dom.js";
import { copiedSteps, copyStep } from "./clipboard.js";
import { announce, kinds, strings } from "./page.js";
import { buttonOf, listPath, pathTo, reveal, setOpen } from "./steps.js";
import { fresh, getIn, idsIn, insertIn, keyOf, listIn, removeIn, setIn, walk, withFreshIds } from "./tree.js";

const MOST = 200; // steps of a flow
const dialog = byId("add-step");

let place = null; // where the dialog adds a step: {list, index}

/* current(): the document. change(document, key) shows another. */
export function createActs({ current, change }) {
  function focusOn(key) {
    reveal(key);
    const button = buttonOf(key) ?? byId("add-first");
    button.focus();
    button.scrollIntoView({ block: "nearest" });
  }

  const hasRoom = (count) => {
    const fits = walk(current(), kinds).length + count <= MOST;
    if (!fits) announce(strings.full);
    return fits;
  };

  /* list: the path of a list of steps. */
  function askKind(list, index) {
    if (!hasRoom(1)) return;
    place = { list, index };
    dialog.showModal();
    byId("kinds").querySelector("button").focus();
  }

  function addKind(kind) {
    const step = fresh(kinds[kind].model, kind, idsIn(current(), kinds));
    dialog.close();
    change(insertIn(current(), place.list, place.index, [step]), keyOf(step));
    reveal(keyOf(step));
    setOpen(keyOf(step));
    buttonOf(keyOf(step))
      .closest(".flow-step")
      .querySelector(".flow-form :is(input, select, textarea, button)")
      ?.focus();
  }

  const placeAfter = (key) => {
    const path = pathTo(key);
    return [path.slice(0, -1), path.at(-1) + 1];
  };

  function remove(key) {
    const all = walk(current(), kinds);
    const path = pathTo(key);
    const siblings = listIn(current(), path.slice(0, -1));
    const next = siblings[path.at(-1) + 1] ?? siblings[path.at(-1) - 1] ?? getIn(current(), parentOf(path, all));
    change(removeIn(current(), path), key);
    focusOn(next ? keyOf(next) : "");
    announce(strings.removed);
  }

  /* The path of the step that a step is a part of. */
  function parentOf(path, all) {
    const found = all.filter(
      (entry) => entry.path.length < path.length && entry.path.every((part, i) => part === path[i]),
    );
    return found.at(-1)?.path ?? ["none"];
  }

  function move(key, by) {
    const path = pathTo(key);
    const list = path.slice(0, -1);
    const steps = listIn(current(), list);
    const to = path.at(-1) + by;
    if (to < 0 || to >= steps.length) return;
    const without = steps.toSpliced(path.at(-1), 1);
    change(setIn(current(), list, without.toSpliced(to, 0, steps[path.at(-1)])), key);
    focusOn(key);
    announce(strings.moved);
  }

  function paste(list, index, event) {
    const steps = copiedSteps(event);
    if (!steps.length) {
      if (!event) announce(strings.unpasted);
      return false;
    }
    const copies = withFreshIds(steps, current(), kinds);
    if (!hasRoom(walk({ steps: copies }, kinds).length)) return true;
    change(insertIn(current(), list, index, copies), keyOf(copies[0]));
    focusOn(keyOf(copies[0]));
    announce(strings.pasted);
    return true;
  }

  function copy(key, event) {
    copyStep(getIn(current(), pathTo(key)), event);
    announce(strings.copied);
  }

  function cut(key, event) {
    copyStep(getIn(current(), pathTo(key)), event);
    remove(key);
    announce(strings.cut);
  }

  /* A step was dragged from one list to another; lists are elements. */
  function drop(key, list, index) {
    change(moved(current(), pathTo(key), listPath(list), index), key);
    focusOn(key);
  }

  const isSame = (one, other) => JSON.stringify(one) === JSON.stringify(other);

  /* Within one list the index is that without the step; into another, the path may shift when the step is taken out. */
  function moved(document_, from, list, index) {
    const step = getIn(document_, from);
    if (isSame(from.slice(0, -1), list)) {
      const without = listIn(document_, list).toSpliced(from.at(-1), 1);
      return setIn(document_, list, without.toSpliced(index, 0, step));
    }
    const isEarlier = from.length - 1 < list.length && isSame(from.slice(0, -1), list.slice(0, from.length - 1));
    const shifted = [...list];
    if (isEarlier && from.at(-1) < list[from.length - 1]) shifted[from.length - 1] -= 1;
    return insertIn(removeIn(document_, from), shifted, index, [step]);
  }

  return { askKind, addKind, placeAfter, remove, move, paste, copy, cut, drop, focusOn };
}
