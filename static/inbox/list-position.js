/* The position of the open conversation in the list. A conversation that was read drops below the unread ones, but the open
   one stays above its former neighbor: no row moves while somebody is about to click it, and the keys for the next and
   the previous conversation skip none. If there is no row above, "previous" goes back the way the teammate came. */

import { readStored, store } from "../lib/storage.js";
import { conversation, query } from "./context.js";

const KEY = "sayso.inbox.place";
const LONGEST_TRAIL = 50;

/* open: the conversation that the position is of; next: its neighbor below; rows: how many were loaded; trail: the
   conversations that were open before. */
const nowhere = { open: "", next: "", rows: 0, trail: [] };
const stored = { ...nowhere, ...readStored("sessionStorage", KEY) };
const position = stored.open === conversation ? stored : { ...nowhere, open: conversation };

const rows = () => [...document.querySelectorAll(".conv")];
const indexOf = (id) => rows().findIndex((row) => row.dataset.id === id);

export const rowsBefore = () => position.rows;

const save = (open, next, trail) => store("sessionStorage", KEY, { open, next, rows: rows().length, trail });

/* The teammate opens the conversation of this row. */
export function leaveFor(row) {
  const next = rows()[rows().indexOf(row) + 1];
  const trail = conversation ? [...position.trail, conversation].slice(-LONGEST_TRAIL) : [];
  save(row.dataset.id, next ? next.dataset.id : "", trail);
}

/* Moves the row of the open conversation back to its place. */
export function holdPosition() {
  const [open, next] = [indexOf(conversation), indexOf(position.next)].map((index) => rows()[index]);
  if (open && next) next.closest("li").before(open.closest("li"));
}

/* step: 1 opens the next conversation, -1 the previous one. */
export function goBy(step) {
  const all = rows();
  const [open, next] = [indexOf(conversation), indexOf(position.next)];
  const row = step > 0 ? all[open < 0 ? Math.max(next, 0) : open + 1] : all[(open < 0 ? next : open) - 1];
  const previous = position.trail.at(-1);
  if (row) row.click();
  else if (step < 0 && previous) {
    save(previous, conversation, position.trail.slice(0, -1));
    location.assign(`/inbox/${previous}?${query}`);
  }
}
