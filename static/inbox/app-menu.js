/* The menu of the composer: the opt-in form, saved replies, and bot flows to start. Typing "/" opens it, and so does its button. */

import { byId } from "../lib/dom.js";
import { conversation } from "./context.js";
import { request } from "./server.js";

/* field: the composer's. onForm(): the form was chosen. onReply(text): a saved reply was. onFlow(id): a flow was. */
export function createAppMenu({ field, onForm, onReply, onFlow }) {
  const box = byId("apps");
  const list = byId("app-list");
  const button = byId("replies-button");
  let isWanted = false; // not closed since it was asked for
  let isByButton = false;
  let isLoaded = false;
  let loading = null; // the request for the saved replies, once there was one

  const all = () => [...list.querySelectorAll("[role=option]")];
  const shown = () => all().filter((option) => !option.hidden);
  const selected = () => list.querySelector("[aria-selected=true]");
  const command = () => (/^\/[^\n]*$/.test(field.value) ? field.value.slice(1).toLowerCase() : null);
  const isForm = (option) => option.id === "app-form";

  function matches(option, words) {
    if (isByButton) return !isForm(option);
    const name = isForm(option) ? "form" : option.dataset.name.toLowerCase();
    return isForm(option) ? name.startsWith(words) : name.includes(words);
  }

  function select(option) {
    for (const other of all()) other.setAttribute("aria-selected", String(other === option));
    field.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }

  function hide() {
    box.hidden = true;
    button.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
  }

  function close() {
    isWanted = false;
    isByButton = false;
    hide();
  }

  function show() {
    const words = command();
    for (const option of all()) option.hidden = !matches(option, words);
    const options = shown();
    byId("apps-none").hidden = !isByButton || options.length > 0 || !isLoaded;
    list.hidden = !options.length;
    box.hidden = !options.length && byId("apps-none").hidden;
    if (box.hidden) hide();
    else if (options.length && !options.includes(selected())) select(options[0]);
  }

  async function fetchReplies() {
    const response = await request(`/inbox/${conversation}/replies`);
    if (!response.ok) throw new Error(`${response.status}`);
    list.insertAdjacentHTML("beforeend", await response.text());
    isLoaded = true;
  }

  /* Once, even if letters are typed faster than the answer arrives. */
  async function load() {
    if (isLoaded) return;
    loading ??= fetchReplies();
    try {
      await loading;
      if (isWanted) show();
    } catch {
      loading = null; // the next "/" tries again
    }
  }

  /* After each change of the field. */
  function update() {
    isByButton = false;
    if (command() === null) {
      close();
      return;
    }
    isWanted = true;
    load();
    show();
  }

  function choose(option = selected()) {
    const { text, flow } = option.dataset;
    const isInserted = isByButton;
    close();
    if (isForm(option)) onForm();
    else if (flow) onFlow(flow);
    else onReply(text, isInserted);
  }

  function move(step) {
    const options = shown();
    if (options.length) select(options[(options.indexOf(selected()) + step + options.length) % options.length]);
  }

  async function open() {
    isWanted = true;
    isByButton = true;
    await load();
    show();
    button.setAttribute("aria-expanded", "true");
    field.focus();
  }

  button.addEventListener("click", () => (box.hidden ? open() : close()));
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) choose(option);
  });

  return { update, choose, move, close, isOpen: () => !box.hidden };
}
