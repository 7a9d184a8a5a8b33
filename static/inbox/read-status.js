/* How far the contact has received and read the replies: "Sent", "Delivered" or "Seen" beside each. */

import { strings } from "./context.js";

let reached = null; // may be known before the parts that it is about are shown

function statusOf(seq) {
  if (seq <= reached.seen) return strings.seen;
  return seq <= reached.delivered ? strings.delivered : strings.sent;
}

export function writeReadStatus() {
  if (!reached) return;
  for (const status of document.querySelectorAll("#parts [data-status]")) {
    status.textContent = ` · ${statusOf(Number(status.closest(".part").dataset.seq))}`;
  }
}

/* seen, delivered: sequence numbers of parts. */
export function setReached({ seen, delivered }) {
  reached = { seen, delivered };
  writeReadStatus();
}
