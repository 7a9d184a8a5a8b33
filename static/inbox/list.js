/* The list of conversations: kept up to date without moving what the teammate looks at. */

import { byId, hasModifier } from "../lib/dom.js";
import { conversation, query, strings } from "./context.js";
import { readDraft } from "./drafts.js";
import { holdPosition, leaveFor, rowsBefore } from "./list-position.js";
import { notifyOfNew } from "./notify.js";
import { redirectIfSignedOut, request } from "./server.js";

const FURTHER_DOWN = 400; // px; from here on the list is not redrawn while somebody reads it
const MOST_ROWS = 200;
const DRAFT_LENGTH = 120; // characters shown

const box = byId("list");
const rows = () => byId("convs");
const tabs = () => [...document.querySelectorAll(".inbox-tabs a")];
let requests = 0;
let isOutdated = false;
let isPositioned = false; // after the first load the row of the open conversation is in view

async function fetchList() {
  const shown = Math.max(document.querySelectorAll(".conv:not([data-apart])").length, isPositioned ? 0 : rowsBefore());
  const response = await request(`/inbox/list?${query}&rows=${Math.min(shown, MOST_ROWS)}&current=${conversation}`);
  return redirectIfSignedOut(response) || !response.ok ? null : response.text();
}

export async function reloadList() {
  requests += 1;
  const mine = requests;
  try {
    const html = await fetchList();
    if (html !== null && mine === requests) draw(html);
  } catch {
    // The live connection says when there is something new to load.
  }
}

function draw(html) {
  const scroll = rows() ? rows().scrollTop : 0;
  isOutdated = scroll > FURTHER_DOWN;
  if (isOutdated) return;
  const focusedRow = document.activeElement?.dataset?.id;
  const focusedTab = tabs().indexOf(document.activeElement);
  box.innerHTML = html;
  window.htmx.process(box);
  holdPosition();
  if (rows()) rows().scrollTop = scroll;
  if (!isPositioned) showCurrentRow();
  isPositioned = true;
  if (focusedRow) document.querySelector(`.conv[data-id="${focusedRow}"]`)?.focus({ preventScroll: true });
  tabs()[focusedTab]?.focus({ preventScroll: true });
  markDrafts();
  writeTitle();
  notifyOfNew();
}

export function showCurrentRow() {
  document.querySelector(".conv[aria-current]")?.scrollIntoView({ block: "nearest" });
}

/* The number of unread conversations in the title of the tab. A search doesn't count them. */
function writeTitle() {
  if (!byId("list").querySelector(".inbox-tabs")) return;
  const unread = document.querySelector('[data-whose="all"] [aria-hidden]')?.textContent;
  document.title = (unread ? `(${unread}) ` : "") + document.title.replace(/^\(\d+\+?\) /, "");
}

function markDrafts() {
  for (const row of document.querySelectorAll(".conv")) {
    const draft = row.dataset.id !== conversation && readDraft(row.dataset.id);
    if (!draft) continue;
    const mark = document.createElement("span");
    mark.className = "conv-draft";
    mark.textContent = `${strings.draft}: `;
    row.querySelector(".conv-line").replaceChildren(mark, draft.text.slice(0, DRAFT_LENGTH));
  }
}

function onScroll(event) {
  if (!isOutdated || event.target.scrollTop >= FURTHER_DOWN) return;
  isOutdated = false;
  reloadList();
}

box.addEventListener("scroll", onScroll, true);
document.addEventListener("click", (event) => {
  const row = event.target.closest(".conv");
  if (row && !hasModifier(event)) leaveFor(row);
});
holdPosition();
markDrafts();
