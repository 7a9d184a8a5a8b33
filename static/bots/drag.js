/* Dragging beside the move buttons: SortableJS moves the element, and the document says what is drawn. */

import { keyAt } from "./steps.js";

const lists = new WeakSet(); // those that already can

function onEnd({ item, from, to, newDraggableIndex, oldDraggableIndex }, drop) {
  if (from === to && newDraggableIndex === oldDraggableIndex) return;
  const key = keyAt(item);
  // Back to where the document has it: drawing moves it.
  from.insertBefore(item, from.children[oldDraggableIndex] ?? null);
  drop(key, to, newDraggableIndex);
}

/* drop(key, list, index): the step goes to this place in the list. */
export function startDrag(drop) {
  const options = {
    group: "steps",
    handle: ".flow-grip",
    draggable: ".flow-step",
    animation: 120,
    fallbackOnBody: true,
    invertSwap: true,
    onEnd: (event) => onEnd(event, drop),
  };

  /* Lists are made as steps are drawn; one can be dragged to as soon as the pointer is down. */
  document.addEventListener(
    "pointerdown",
    (event) => {
      if (!event.target.closest(".flow-grip") || !window.Sortable) return;
      for (const list of document.querySelectorAll(".flow-list")) {
        if (lists.has(list)) continue;
        lists.add(list);
        window.Sortable.create(list, options);
      }
    },
    true,
  );
}
