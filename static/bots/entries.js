/* Entries of a list in a step (`data-items`), and translations (`data-translations`). */

import { cloneOf, data, fill, option, strings } from "./page.js";
import { fresh, getIn, keyOf, languagesIn, listIn } from "./tree.js";

const drawn = new WeakMap(); // an entry's element: its key or its language

/* Draws one element for each, in order, and keeps those that are there. */
function arrange(box, names, make, fillIn) {
  const list = box.querySelector(":scope > .flow-entries");
  const there = new Map([...list.children].map((element) => [drawn.get(element), element]));
  for (const [i, name] of names.entries()) {
    const element = there.get(name) ?? make(name);
    drawn.set(element, name);
    there.delete(name);
    if (list.children[i] !== element) list.insertBefore(element, list.children[i] ?? null);
    fillIn(element, i, name);
  }
  for (const gone of there.values()) gone.remove();
}

const templateOf = (box) => box.querySelector(":scope > template");

export function drawEntries(box, value, { key, path }, draw) {
  const field = box.dataset.items;
  const entries = listIn(value, [field]);
  arrange(
    box,
    entries.map((entry) => keyOf(entry)),
    () => cloneOf(templateOf(box)),
    (element, i) => {
      element.dataset.index = i;
      const name = element.querySelector(":scope > [data-number]");
      if (name) name.textContent = fill(name.dataset.number, { number: i + 1 });
      draw(element, entries[i], { key, path: [...path, field, i] });
    },
  );
  box.querySelector(":scope > [data-add-item]").disabled = entries.length >= Number(box.dataset.most);
}

const languageName = (code) => data.languages.find(([one]) => one === code)?.[1] ?? code;

const pathOf = (box) => box.dataset.translations.split(".");

let document_ = {};

/* What the flow is translated into says which translations are missing. */
export function setLanguages(current) {
  document_ = current;
}

/* The texts of a translation that has one text are itself. */
function isWhole(box, value, text) {
  const controls = [...templateOf(box).content.querySelectorAll("[name]")];
  if (box.dataset.of) return Boolean(text) || !getIn(value, box.dataset.of.split("."));
  return controls.every(({ name }) => text?.[name] || !value?.[name]);
}

function drawMissing(box, value, texts, own) {
  const wanted = [...languagesIn(document_)].filter((code) => code !== own);
  const missing = wanted.filter((code) => !isWhole(box, value, texts[code]));
  const mark = box.querySelector(":scope > summary > [data-missing]");
  mark.hidden = !missing.length;
  mark.textContent = fill(strings.missing, { languages: missing.map(languageName).join(", ") });
  const there = Object.keys(texts).filter((code) => !missing.includes(code));
  box.querySelector(":scope > summary > [data-there]").textContent = there.map(languageName).join(", ");
  return missing;
}

function drawChoice(box, codes, missing) {
  const select = box.querySelector(":scope > .flow-more select");
  if (!select.options.length) select.append(...data.languages.map(([code, name]) => option(code, name)));
  for (const one of select.options) one.disabled = codes.includes(one.value);
  if (!select.selectedOptions[0]?.disabled && select.selectedIndex > 0) return;
  const free = [...select.options].filter((one) => !one.disabled);
  select.value = (free.find((one) => missing.includes(one.value)) ?? free[0])?.value ?? "";
}

export function drawTranslations(box, value, { key, path }, draw) {
  const field = pathOf(box);
  const texts = getIn(value, field) ?? {};
  const codes = Object.keys(texts);
  arrange(
    box,
    codes,
    () => cloneOf(templateOf(box)),
    (element, _i, code) => {
      element.dataset.code = code;
      element.querySelector("[data-language]").textContent = languageName(code);
      draw(element, texts[code], { key, path: [...path, ...field, code] });
    },
  );
  const own = value?.locale ?? document_.locale ?? "en";
  drawChoice(box, [...codes, own], drawMissing(box, value, texts, own));
}

/* A click on a button of an entry. Returns [path inside of the context, value], or null. */
export function onEntryClick(button, value) {
  const box = button.closest("[data-items]");
  if (!box) return null;
  const field = box.dataset.items;
  const entries = listIn(value, [field]);
  if ("addItem" in button.dataset) {
    const taken = new Set(entries.map((entry) => entry.id));
    return [[field], [...entries, fresh(JSON.parse(box.dataset.new), field.replace(/s$/, ""), taken)]];
  }
  const act = button.dataset.item;
  if (!act) return null;
  const index = Number(button.closest("[data-context]").dataset.index);
  const without = entries.toSpliced(index, 1);
  if (act === "remove") return [[field], without];
  const to = Math.min(Math.max(index + Number(act), 0), without.length);
  return [[field], without.toSpliced(to, 0, entries[index])];
}

/* The empty translation that a button adds: [path inside of the context, value], or null. */
export function newTranslation(button) {
  const box = button.closest("[data-translations]");
  const { selectedOptions } = box.querySelector(":scope > .flow-more select");
  if (!selectedOptions.length || selectedOptions[0].disabled) return null;
  const isText = templateOf(box).content.querySelector("[data-self]");
  return [[...pathOf(box), selectedOptions[0].value], isText ? "" : {}];
}
