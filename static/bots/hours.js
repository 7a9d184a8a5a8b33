/* Office hours of the flow: a time zone, hours of each day, holidays and other closed days. */

import { byId } from "../lib/dom.js";
import { cloneOf } from "./page.js";

const USUAL = { opens: "09:00", closes: "17:00" };
const WEEK = ["monday", "tuesday", "wednesday", "thursday", "friday"];

const short = (time) => String(time ?? "").slice(0, 5); // the file may have seconds

function drawSpans(day, spans) {
  const list = day.querySelector("ul");
  while (list.children.length > spans.length) list.lastElementChild.remove();
  while (list.children.length < spans.length) list.append(cloneOf(byId("hours")));
  for (const [i, span] of spans.entries()) {
    for (const field of list.children[i].querySelectorAll("[data-span]")) {
      const time = short(span[field.dataset.span]);
      if (field.value !== time) field.value = time;
    }
  }
}

export function drawHours(box, hours) {
  box.querySelector("[data-hours-on]").checked = Boolean(hours);
  box.querySelector("[data-hours-body]").hidden = !hours;
  if (!hours) return;
  for (const field of box.querySelectorAll("[data-hours-field]")) {
    const value = hours[field.dataset.hoursField] ?? "";
    const text = Array.isArray(value) ? value.join("\n") : value;
    if (field.value.trim() !== text) field.value = text;
  }
  for (const day of box.querySelectorAll("[data-day]")) drawSpans(day, hours.days?.[day.dataset.day] ?? []);
}

function zone() {
  return document.documentElement.dataset.zone || Intl.DateTimeFormat().resolvedOptions().timeZone;
}

const spansOf = (day) =>
  [...day.querySelectorAll("li")].map((row) =>
    Object.fromEntries([...row.querySelectorAll("[data-span]")].map((field) => [field.dataset.span, field.value])),
  );

function read(box, isOn) {
  if (!isOn) return undefined;
  const field = (name) => box.querySelector(`[data-hours-field="${name}"]`).value;
  const days = [...box.querySelectorAll("[data-day]")].map((day) => [day.dataset.day, spansOf(day)]);
  const closed = field("closed").split(/\s+/).filter(Boolean);
  return {
    time_zone: field("time_zone"),
    days: Object.fromEntries(days.filter(([, spans]) => spans.length)),
    ...(field("holidays") && { holidays: field("holidays") }),
    ...(closed.length && { closed }),
  };
}

const usual = () => ({ time_zone: zone(), days: Object.fromEntries(WEEK.map((day) => [day, [USUAL]])) });

/* The hours after a control in the box was changed. */
export function hoursAfterInput(control) {
  const box = control.closest("[data-hours]");
  if ("hoursOn" in control.dataset) return control.checked ? usual() : undefined;
  return read(box, true);
}

/* The hours after a click on a button in the box. */
export function hoursAfterClick(button) {
  const box = button.closest("[data-hours]");
  const hours = read(box, true);
  const day = button.closest("[data-day]").dataset.day;
  const spans = hours.days[day] ?? [];
  const row = button.closest("li");
  const next = row ? spans.toSpliced([...row.parentElement.children].indexOf(row), 1) : [...spans, USUAL];
  return { ...hours, days: { ...hours.days, [day]: next } };
}
