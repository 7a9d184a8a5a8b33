/* The search dialog: opened by "/", with results as the person types. */

import { isComposing } from "../lib/keys.js";
import { areShortcutsOn } from "../lib/shortcuts.js";
import { setOpener } from "./dialogs.js";

const DELAY = 120; // ms after the last key

const dialog = document.getElementById("command");
const input = dialog.querySelector(".command-input");
const results = document.getElementById("command-hits");
const status = document.getElementById("command-count");
let requests = 0;
let delayTimer = 0;

function open() {
  if (dialog.open || document.querySelector("dialog[open]")) return;
  dialog.showModal();
  input.select();
  search();
}

async function search() {
  requests += 1;
  const mine = requests;
  results.setAttribute("aria-busy", "true");
  try {
    const html = await fetchResults(input.value);
    if (html !== null && mine === requests) show(html);
  } catch {
    if (mine === requests) status.textContent = status.dataset.unsent;
  }
}

/* null: the teammate is signed out, and goes to the sign-in page. */
async function fetchResults(words) {
  const headers = { Accept: "text/html", "HX-Request": "true" };
  const response = await fetch(`/search?part=1&q=${encodeURIComponent(words)}`, { headers });
  if (response.status === 401) {
    location.assign(response.headers.get("HX-Redirect") || "/login");
    return null;
  }
  if (!response.ok) throw new Error(`search ${response.status}`);
  return response.text();
}

const options = () => [...results.querySelectorAll("[role=option]")];
const selected = () => results.querySelector("[aria-selected=true]");

function show(html) {
  results.innerHTML = html;
  results.removeAttribute("aria-busy");
  const count = options().length;
  const { one, many, none } = status.dataset;
  status.textContent = count === 1 ? one : count ? many.replace("{number}", count) : none;
  select(0);
}

function select(index) {
  const all = options();
  for (const [i, option] of all.entries()) option.setAttribute("aria-selected", String(i === index));
  const option = all[index];
  if (!option) {
    input.removeAttribute("aria-activedescendant");
    return;
  }
  input.setAttribute("aria-activedescendant", option.id);
  option.scrollIntoView({ block: "nearest" });
}

const isEditable = (element) => element.closest("input, textarea, select, [contenteditable]");

function onSlash(event) {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (isEditable(event.target) || !areShortcutsOn()) return;
  event.preventDefault();
  open();
}

setOpener(dialog.id, open);
document.addEventListener("keydown", onSlash);
input.addEventListener("input", () => {
  clearTimeout(delayTimer);
  delayTimer = setTimeout(search, DELAY);
});
input.addEventListener("keydown", (event) => {
  if (isComposing(event)) return;
  const all = options();
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step && all.length) {
    event.preventDefault();
    select((all.indexOf(selected()) + step + all.length) % all.length);
  } else if (event.key === "Enter" && selected() && !results.hasAttribute("aria-busy")) {
    event.preventDefault();
    selected().click();
  }
});
