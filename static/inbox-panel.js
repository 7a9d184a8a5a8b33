// The contact's panel works without this file. With it the form of a yes opens over the page, times are told in full in
// the reader's zone, and what was changed elsewhere waits while somebody writes a yes down.
"use strict";

(() => {
  const panel = () => document.getElementById("contact-panel");
  const dialog = () => document.getElementById("opt-in");
  const isIn = (node) => node && node.isConnected && panel() && node.contains(panel());
  let waiting = null; // what wanted to draw the panel anew meanwhile
  let said = ""; // what came of the last press
  let opened = new Set(); // texts of the history that are open
  let focused = null; // where the focus is in the history
  let history = []; // its entries, with the earlier ones that somebody asked for

  const full = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
  function writeTimes() {
    for (const time of document.querySelectorAll("#contact-panel time:not([title])")) {
      time.title = full.format(new Date(time.dateTime));
    }
  }

  // While a press is on its way, or a yes is written down, the panel stays: what is drawn anew would take it away.
  const presses = new Set();
  const isBusy = () => presses.size > 0 || Boolean(dialog() && dialog().open);

  // htmx tells the end of a request where its button stands: the answer to another press may have taken that away.
  function follow(press, xhr) {
    presses.add(press);
    xhr.addEventListener("loadend", () => {
      presses.delete(press);
      catchUp();
    });
  }

  document.addEventListener("htmx:beforeRequest", (event) => {
    const { elt, xhr } = event.detail;
    if (panel() && panel().contains(elt)) follow(elt, xhr);
    else if (isIn(elt) && isBusy()) {
      event.preventDefault();
      waiting = elt;
    }
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { elt } = event.detail.requestConfig; // `detail.elt` is where it goes
    if (!isIn(elt) || !isBusy()) return;
    event.detail.shouldSwap = false;
    waiting = elt;
  });
  document.addEventListener("close", (event) => event.target === dialog() && catchUp(), true);

  function catchUp() {
    if (!waiting || isBusy()) return;
    const elt = waiting;
    waiting = null;
    if (isIn(elt)) htmx.trigger(elt, "again");
  }

  document.addEventListener("htmx:beforeSwap", () => {
    focused = placeOf(document.activeElement);
    said = panel() ? panel().querySelector(".cp-said").innerHTML : "";
    opened = new Set([...document.querySelectorAll("#contact-panel details[open]")].map((details) => details.id));
    history = lines();
  });

  // What was said stays as it was, so what was read of it before the panel was drawn anew stays too.
  function keepEarlier() {
    const oldest = [...document.querySelectorAll("#contact-panel .cp-entry")].pop();
    const at = oldest ? history.findIndex((entry) => entry !== oldest && entry.dataset.seq === oldest.dataset.seq) : -1;
    const earlier = history.slice(at + 1);
    if (at < 0 || !earlier.length) return;
    while (oldest.nextElementSibling) oldest.nextElementSibling.remove();
    oldest.after(...earlier);
    earlier.forEach((entry) => htmx.process(entry));
  }
  document.addEventListener("htmx:afterSwap", (event) => {
    const place = panel() && panel().querySelector(".cp-said");
    if (place && !place.innerHTML.trim()) place.innerHTML = said; // a redraw comes right behind what was pressed
    keepEarlier();
    writeTimes();
    for (const id of opened) {
      const details = document.getElementById(id);
      if (details) details.open = true;
    }
    keepFocus();
    if (event.detail.target.id === "opt-in-body" && dialog()) ask();
    takeFocus();
  });

  // The place of the focus in the history, where nothing has a name by which htmx finds it again.
  const lines = () => [...document.querySelectorAll("#contact-panel .cp-history > li")];
  const stops = (li) => [...li.querySelectorAll("a, summary")];
  function placeOf(node) {
    const li = lines().find((one) => one.contains(node));
    return li && { seq: li.dataset.seq, at: stops(li).indexOf(node) };
  }
  function keepFocus() {
    const li = focused && document.activeElement === document.body && lines().find((one) => one.dataset.seq === focused.seq);
    if (li) stops(li)[focused.at]?.focus({ preventScroll: true });
  }

  // What was pressed has the focus again, also where the form that it opened went away with the panel.
  function takeFocus() {
    const pressed = document.querySelector("#contact-panel [autofocus]");
    if (!pressed) return;
    pressed.removeAttribute("autofocus");
    pressed.focus({ preventScroll: true });
  }

  function ask() {
    if (!dialog().open) dialog().showModal();
    const wrong = dialog().querySelector("[aria-invalid], fieldset:has(.field-error) input");
    (wrong || dialog().querySelector("input:not([type=hidden])")).focus();
  }

  // On small screens the panel lies over the conversation: it is closed by the button that opened it.
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-panel-close]")) document.getElementById("panel-button").click();
  });
  // Escape closes the form, and not the panel under it.
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && dialog() && dialog().open) event.stopPropagation();
  }, true);

  writeTimes();
})();
