/* The contact's panel, which works without this. With it, the form to record a consent opens over the page, and
   changes made elsewhere wait while somebody fills in that form. */

const panel = () => document.getElementById("contact-panel");
const openForm = () => document.querySelector("#contact-panel dialog[open]");
const holdsPanel = (element) => element?.isConnected && panel() && element.contains(panel());

// --- a reload of the panel waits while an action is in progress or the form is open: it would take them away

const pending = new Set(); // elements whose requests are in progress
let waiting = null; // the element that wanted to reload the panel meanwhile

const isBusy = () => pending.size > 0 || Boolean(openForm());

// Not htmx's own event for the end of a request: it is sent to the element, which another response may have removed.
function track(element, xhr) {
  pending.add(element);
  xhr.addEventListener("loadend", () => {
    pending.delete(element);
    reloadIfWaiting();
  });
}

function reloadIfWaiting() {
  if (!waiting || isBusy()) return;
  const element = waiting;
  waiting = null;
  if (holdsPanel(element)) window.htmx.trigger(element, "again");
}

document.addEventListener("htmx:beforeRequest", (event) => {
  const { elt, xhr } = event.detail;
  if (panel()?.contains(elt)) track(elt, xhr);
  else if (holdsPanel(elt) && isBusy()) {
    event.preventDefault();
    waiting = elt;
  }
});
document.addEventListener("htmx:beforeSwap", (event) => {
  const { elt } = event.detail.requestConfig; // `detail.elt` is the target
  if (!holdsPanel(elt) || !isBusy()) return;
  event.detail.shouldSwap = false;
  waiting = elt;
});
document.addEventListener("close", (event) => panel()?.contains(event.target) && reloadIfWaiting(), true);

// --- what a reload of the panel keeps: the last message, opened texts, the focus, and earlier history that was loaded

const historyItems = () => [...document.querySelectorAll("#contact-panel .cp-history > li")];
const focusable = (li) => [...li.querySelectorAll("a, summary")];

// Links of the history have no id by which htmx could keep the focus.
function positionOf(element) {
  const li = historyItems().find((item) => item.contains(element));
  return li && { seq: li.dataset.seq, index: focusable(li).indexOf(element) };
}

function remember() {
  return {
    focused: positionOf(document.activeElement),
    message: panel() ? panel().querySelector(".cp-said").innerHTML : "",
    opened: [...document.querySelectorAll("#contact-panel details[open]")].map((details) => details.id),
    history: historyItems(),
  };
}

let before = remember();

document.addEventListener("htmx:beforeSwap", () => {
  before = remember();
});
document.addEventListener("htmx:afterSwap", (event) => {
  keepMessage();
  keepEarlierHistory();
  keepOpened();
  keepFocus();
  if (event.detail.target.matches("#opt-in-body, #opt-out-body")) showForm(event.detail.target.closest("dialog"));
  focusRequested();
});

function keepMessage() {
  const place = panel()?.querySelector(".cp-said");
  if (place && !place.innerHTML.trim()) place.innerHTML = before.message;
}

// History never changes, so entries that were loaded before can stay.
function keepEarlierHistory() {
  const oldest = [...document.querySelectorAll("#contact-panel .cp-entry")].pop();
  const isOldest = (entry) => entry !== oldest && entry.dataset.seq === oldest.dataset.seq;
  const index = oldest ? before.history.findIndex(isOldest) : -1;
  const earlier = before.history.slice(index + 1);
  if (index < 0 || !earlier.length) return;
  while (oldest.nextElementSibling) oldest.nextElementSibling.remove();
  oldest.after(...earlier);
  for (const entry of earlier) window.htmx.process(entry);
}

function keepOpened() {
  for (const id of before.opened) {
    const details = document.getElementById(id);
    if (details) details.open = true;
  }
}

function keepFocus() {
  const { focused } = before;
  if (!focused || document.activeElement !== document.body) return;
  const li = historyItems().find((item) => item.dataset.seq === focused.seq);
  if (li) focusable(li)[focused.index]?.focus({ preventScroll: true });
}

// The server marks the button that was pressed, also where its form is gone.
function focusRequested() {
  const pressed = document.querySelector("#contact-panel [autofocus]");
  if (!pressed) return;
  pressed.removeAttribute("autofocus");
  pressed.focus({ preventScroll: true });
}

function showForm(dialog) {
  if (!dialog) return;
  if (!dialog.open) dialog.showModal();
  for (const button of dialog.querySelectorAll("[data-now]")) button.hidden = false;
  const invalid = dialog.querySelector("[aria-invalid], fieldset:has(.field-error) input");
  (invalid || dialog.querySelector("input:not([type=hidden]), .row .btn")).focus();
}

// --- "Just now", in the teammate's time zone

document.addEventListener("click", (event) => {
  const { now, zone } = event.target.closest("[data-now]")?.dataset ?? {};
  if (!now) return;
  const [day, time] = new Date().toLocaleString("sv-SE", { timeZone: zone }).split(" "); // 2026-11-30 09:41:00
  document.getElementById(now).value = `${day}T${time.slice(0, "hh:mm".length)}`;
});

// On small screens the panel covers the conversation: it is closed by the button that opened it.
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-panel-close]")) document.getElementById("panel-button").click();
});
// Escape closes the form, but not the panel under it.
document.addEventListener(
  "keydown",
  (event) => {
    if (event.key === "Escape" && openForm()) event.stopPropagation();
  },
  true,
);
