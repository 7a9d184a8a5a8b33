/* Tries a flow in a messenger beside it. The trial is kept here, signed by the server, which stores nothing. */

import { byId } from "../lib/dom.js";
import { readErrorMessage } from "../lib/server-errors.js";
import { fill, option } from "./page.js";

/* currentText(): the flow as it is edited now, as JSON. mostVariants(): of its forms. showStep(id): this step waits; empty:
   none does. */
export function watchTrial({ currentText, mostVariants, showStep }) {
  const panel = byId("try");
  const frame = byId("try-frame");
  const status = byId("try-status");
  const log = byId("try-log");
  const csrf = JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRF-Token"];

  let text = ""; // the flow as it was when the trial began: a conversation finishes on the version that it began with
  let trial = "";
  let isReady = false; // the frame listens
  let running = 0; // counts trials, so that a late answer can't change a newer one

  const tell = (type, data) => frame.contentWindow.postMessage({ trial: 1, type, ...data }, location.origin);
  const fieldValue = (name) => panel.querySelector(`[name=${name}]`).value;

  function note(words) {
    const item = document.createElement("li");
    item.textContent = words;
    log.append(item);
  }

  function setButtons({ can_wait: canWait, can_confirm: canConfirm }) {
    byId("try-wait").disabled = !canWait;
    byId("try-confirm").hidden = !canConfirm;
  }

  function showFaults(faults) {
    status.textContent = panel.dataset.faulty;
    log.replaceChildren();
    for (const { path, text: words } of faults) note(path ? `${path}: ${words}` : words);
    showStep("");
  }

  function show(answer, act) {
    trial = answer.trial;
    if (answer.thread !== undefined) tell("begin", { html: answer.thread });
    else tell("put", { parts: answer.parts });
    if (answer.card) tell("card", { seq: act.card, html: answer.card });
    for (const words of answer.did) note(words);
    status.textContent = answer.status;
    setButtons(answer);
    showStep(answer.step);
  }

  async function send(act) {
    const mine = running;
    const body = JSON.stringify({
      text,
      trial,
      persona: fieldValue("persona"),
      locale: fieldValue("try-locale"),
      variant: Number(fieldValue("variant")),
      ...act,
    });
    const headers = { "Content-Type": "application/json", "X-CSRF-Token": csrf };
    try {
      const response = await fetch(panel.dataset.path, { method: "POST", headers, body });
      if (mine !== running) return;
      if (response.ok) show(await response.json(), act);
      else if (response.status === 422) showFaults((await response.json()).faults || []);
      else throw Object.assign(new Error(), { words: await readErrorMessage(response) });
    } catch (error) {
      if (mine !== running) return;
      status.textContent = error.words || panel.dataset.failed;
      tell("refuse");
    }
  }

  let queue = Promise.resolve(); // one act after the other, each on the state that the last one left

  function act(wanted) {
    queue = queue.then(() => send(wanted));
  }

  /* One can be chosen that a form has as the flow is now. */
  function drawVariants() {
    const select = panel.querySelector("[name=variant]");
    const count = mostVariants();
    while (select.options.length > count + 1) select.lastElementChild.remove();
    for (let i = select.options.length; i <= count; i += 1) {
      select.append(option(String(i), fill(select.dataset.variant, { number: i })));
    }
    byId("try-variants").hidden = !count;
  }

  function restart() {
    drawVariants();
    running += 1;
    trial = "";
    text = currentText();
    log.replaceChildren();
    setButtons({});
    if (isReady) act({ act: "begin" });
  }

  function load() {
    isReady = false;
    frame.src = `${panel.dataset.path}?locale=${encodeURIComponent(fieldValue("try-locale"))}`;
  }

  window.addEventListener("message", (event) => {
    const message = event.data;
    if (event.source !== frame.contentWindow || event.origin !== location.origin || message?.trial !== 1) return;
    if (message.type === "ready") {
      isReady = true;
      restart();
    } else if (message.type === "act" && trial) act(message.act);
    else if (message.type === "other") status.textContent = panel.dataset.other;
  });

  byId("try-restart").addEventListener("click", restart);
  byId("try-wait").addEventListener("click", () => act({ act: "wait" }));
  byId("try-confirm").addEventListener("click", () => act({ act: "confirm" }));
  for (const name of ["persona", "variant"]) panel.querySelector(`[name=${name}]`).addEventListener("change", restart);
  panel.querySelector("[name=try-locale]").addEventListener("change", load);

  panel.addEventListener("toggle", () => {
    if (panel.open && !frame.src) load();
    if (!panel.open) showStep("");
  });
}
