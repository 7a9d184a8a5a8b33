/* What a teammate can do with the conversation: assign, snooze, close, reopen. The server draws these controls. */

import { byId } from "../lib/dom.js";
import { newKey } from "../lib/send-queue.js";
import { strings } from "./context.js";
import { reasonOf, redirectIfSignedOut, request } from "./server.js";

const CLOSE_OR_REOPEN = "#state .talk-actions > form > .btn";

/* composer: shows what went wrong. */
export function createActions(composer) {
  const box = byId("state");
  let drawn = ""; // the newest controls, not shown yet

  function controlOf(element) {
    if (element.closest("#assign-menu")) return "#assign-menu > summary";
    return element.closest("#snooze-menu") ? "#snooze-menu > summary" : CLOSE_OR_REOPEN;
  }

  const focusedControl = () => box.contains(document.activeElement) && controlOf(document.activeElement);

  // While a menu is open or a button is held down the controls stay as they are, and the focus is kept: a click on a
  // button that was replaced before it was let go would do nothing.
  function draw() {
    if (!drawn || box.querySelector("[open], :active")) return;
    const control = focusedControl();
    box.innerHTML = drawn;
    drawn = "";
    if (control) document.querySelector(control)?.focus({ preventScroll: true });
  }

  function update(html) {
    drawn = html;
    draw();
  }

  // The second click of a double click is ignored: where "Close" was, there may be "Reopen" by then.
  let isRepeatedClick = false;
  document.addEventListener(
    "click",
    (event) => {
      isRepeatedClick = event.detail > 1;
    },
    true,
  );

  function bodyOf(form) {
    const body = new URLSearchParams(new FormData(form));
    body.set("key", newKey());
    return body;
  }

  async function onSubmit(event) {
    const form = event.target.closest("form[data-act]");
    if (!form) return;
    event.preventDefault();
    if (isRepeatedClick) return;
    const body = bodyOf(form);
    const control = focusedControl();
    if (control) document.querySelector(control)?.focus();
    for (const menu of document.querySelectorAll("#state [open]")) menu.open = false;
    try {
      const response = await request(form.getAttribute("action"), body);
      if (response.ok) composer.updateNote();
      else if (!redirectIfSignedOut(response)) composer.showNote(await reasonOf(response), true);
    } catch {
      composer.showNote(strings.away, true);
    }
  }

  function openMenu(id) {
    const menu = byId(id);
    if (!menu) return;
    menu.open = true;
    menu.querySelector(".menu-item").focus();
  }

  document.addEventListener("submit", onSubmit);
  box.addEventListener("toggle", draw, true);
  for (const release of ["pointerup", "pointercancel", "keyup"]) {
    document.addEventListener(release, () => setTimeout(draw)); // after the click
  }

  return {
    update,
    assign: () => openMenu("assign-menu"),
    snooze: () => openMenu("snooze-menu"),
    closeOrReopen: () => document.querySelector(CLOSE_OR_REOPEN).click(),
  };
}
