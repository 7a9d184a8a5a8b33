/* The reference of the API: finds routes, loads one when it is opened, and tries it with the token above. */

import { showCopyButtons } from "../layout/copy.js";

const page = document.querySelector(".api");
const token = document.getElementById("token");
const routes = [...page.querySelectorAll(".api-route")];
const groups = [...page.querySelectorAll(".api-group")];

async function load(route) {
  const link = route.querySelector("[data-load]");
  if (!link) return;
  const body = link.parentElement;
  body.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(link.href, { headers: { "HX-Request": "true" } });
    if (!answer.ok) throw new Error(answer.status);
    body.innerHTML = await answer.text(); // drawn by the server
    prepare(body);
  } catch {
    link.textContent = page.dataset.failed; // it stays a link to the same
  }
  body.removeAttribute("aria-busy");
}

function prepare(body) {
  showCopyButtons(body);
  for (const form of body.querySelectorAll(".api-try")) form.hidden = false;
}

function address(form) {
  let path = form.dataset.path;
  const query = new URLSearchParams();
  for (const field of form.querySelectorAll("input[data-in]")) {
    if (field.dataset.in === "path") path = path.replace(`{${field.name}}`, encodeURIComponent(field.value));
    else if (field.value) query.set(field.name, field.value);
  }
  return `${page.dataset.address}${path}${query.size ? `?${query}` : ""}`;
}

async function send(form) {
  const status = form.querySelector("[data-status]");
  const answer = form.querySelector(".code");
  answer.hidden = true;
  const secret = token.value.trim();
  if (!secret) {
    status.textContent = page.dataset.noToken;
    token.focus();
    return;
  }
  status.textContent = "…";
  const headers = { Authorization: `Bearer ${secret}`, "Content-Type": "application/json" };
  const body = form.querySelector("textarea")?.value;
  try {
    const response = await fetch(address(form), { method: form.dataset.method, headers, body, credentials: "omit" });
    const text = await response.text();
    if (text) answer.firstElementChild.textContent = JSON.stringify(JSON.parse(text), null, 2);
    status.textContent = `${response.status} ${response.statusText}`;
    answer.hidden = !text;
  } catch {
    status.textContent = page.dataset.failed;
  }
}

function open() {
  const route = location.hash && document.getElementById(location.hash.slice(1));
  if (!(route instanceof HTMLDetailsElement)) return;
  finder.reset();
  find("");
  route.closest(".api-group").open = true;
  route.open = true;
  route.scrollIntoView();
}

function find(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  for (const route of routes) {
    const said = route.firstElementChild.textContent.toLowerCase();
    route.hidden = !words.every((word) => said.includes(word));
  }
  for (const group of groups) {
    const isEmpty = !group.querySelector(".api-route:not([hidden])");
    group.hidden = isEmpty;
    group.open = words.length > 0 && !isEmpty;
  }
  const count = routes.filter((route) => !route.hidden).length;
  const status = page.querySelector(".api-find [role=status]");
  status.textContent = words.length ? (count ? `${status.dataset.some} ${count}` : status.dataset.none) : "";
}

const finder = page.querySelector(".api-find");
finder.hidden = false;
finder.addEventListener("input", ({ target }) => find(target.value));
finder.addEventListener("submit", (event) => {
  event.preventDefault();
  const first = page.querySelector(".api-route:not([hidden]) > summary");
  if (finder.elements.find.value.trim()) first?.focus();
});
page.addEventListener(
  "toggle",
  ({ target }) => {
    if (target.matches(".api-route[open]")) load(target);
  },
  true,
);
page.addEventListener("submit", (event) => {
  const form = event.target.closest(".api-try");
  if (!form) return;
  event.preventDefault();
  send(form);
});
addEventListener("hashchange", open);
prepare(page);
page.querySelector(".api-route[open]")?.scrollIntoView();
open();
