/* Menus: `<details data-menu>`. One is open at a time, and the arrow keys move through it. */

const EDGE = 8; // pixels

export function closeMenus(except) {
  for (const menu of document.querySelectorAll("[data-menu][open]")) {
    if (menu !== except) menu.removeAttribute("open");
  }
}

const closeOthers = (event) => closeMenus(event.target.closest("[data-menu]"));

function moveIn(menu, step) {
  menu.open = true;
  const items = [...menu.querySelectorAll(".menu-item")];
  const current = items.indexOf(document.activeElement);
  const next = current < 0 && step < 0 ? items.length - 1 : (current + step + items.length) % items.length;
  items[next].focus();
}

/** Moves an open list to where the screen shows all of it: its button can be near any edge. */
function keepOnScreen(list) {
  list.style.translate = "";
  const { left, right } = list.getBoundingClientRect();
  const beyond = Math.max(right + EDGE - document.documentElement.clientWidth, 0) || Math.min(left - EDGE, 0);
  if (beyond) list.style.translate = `${-beyond}px`;
}

document.addEventListener(
  "toggle",
  ({ target }) => {
    const list = target.matches?.("[data-menu][open]") && target.querySelector(".menu-list");
    if (list) keepOnScreen(list);
  },
  true,
);
document.addEventListener("click", closeOthers);
document.addEventListener("focusin", closeOthers);
document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.("[data-menu]");
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!menu) return;
  if (event.key === "Escape" && menu.open) {
    menu.open = false;
    menu.querySelector("summary").focus();
  } else if (step) {
    event.preventDefault();
    moveIn(menu, step);
  }
});
