/* The order of flows by dragging, beside the move buttons. */

import { byId } from "../lib/dom.js";

const list = byId("flows");
const form = byId("drop");

// A fault of the form that the server drew again.
if (byId("new-flow").querySelector("[aria-invalid]")) byId("new-flow").showModal();

if (list) {
  window.Sortable.create(list, {
    handle: ".flows-grip",
    animation: 120,
    onEnd({ item, oldIndex, newIndex }) {
      if (oldIndex === newIndex) return;
      form.action = `/bots/${item.dataset.id}/move`;
      form.elements.before.value = item.nextElementSibling?.dataset.id ?? "";
      form.submit();
    },
  });
}
