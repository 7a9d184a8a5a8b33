/* Finds steps by their words. */

import { setOpener } from "../layout/dialogs.js";
import { byId } from "../lib/dom.js";
import { fill, kinds, strings } from "./page.js";
import { buttonOf, reveal } from "./steps.js";
import { nameOf } from "./summary.js";
import { branchesOf, keyOf, walk } from "./tree.js";

const MOST = 50;

const dialog = byId("find");
const input = byId("find-words");
const list = byId("found");
const status = byId("found-count");

/* All that a step says, without its branches. */
function textOf(step) {
  const inside = new Set(branchesOf(step, kinds).map(({ path }) => path[0]));
  const own = Object.entries(step).filter(([name]) => !inside.has(name) || kinds[step.kind].branches[name]?.label);
  const read = (value, name) => {
    if (name === "steps") return "";
    return value && typeof value === "object"
      ? Object.entries(value)
          .map(([key, inner]) => read(inner, key))
          .join(" ")
      : value;
  };
  return `${nameOf(step)} ${own.map(([name, value]) => read(value, name)).join(" ")}`.toLocaleLowerCase();
}

function result({ step }) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "menu-item";
  button.dir = "auto";
  button.textContent = nameOf(step);
  button.addEventListener("click", () => {
    dialog.close();
    reveal(keyOf(step));
    buttonOf(keyOf(step)).focus();
  });
  item.append(button);
  return item;
}

/* current(): the document. */
export function watchFind(current) {
  function find() {
    const words = input.value.trim().toLocaleLowerCase();
    const found = words ? walk(current(), kinds).filter(({ step }) => textOf(step).includes(words)) : [];
    list.replaceChildren(...found.slice(0, MOST).map(result));
    status.textContent =
      words && !found.length ? strings.none : words ? fill(strings.many, { number: found.length }) : "";
  }

  input.addEventListener("input", find);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") list.querySelector("button")?.click();
    else if (event.key === "ArrowDown") list.querySelector("button")?.focus();
    else return;
    event.preventDefault();
  });
  list.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const all = [...list.querySelectorAll("button")];
    event.preventDefault();
    (all[all.indexOf(event.target) + step] ?? input).focus();
  });
  function open() {
    dialog.showModal();
    input.select();
    find();
  }

  setOpener(dialog.id, open);
  return open;
}
