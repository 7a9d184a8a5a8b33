/* What a step does, in a line. */

import { wordsOf } from "./conditions.js";
import { kinds, language } from "./page.js";
import { getIn } from "./tree.js";

const MOST = 160; // characters of a text
const UNITS = [
  [86400, "day"],
  [3600, "hour"],
  [60, "minute"],
  [1, "second"],
];

export const unitOf = (seconds) => UNITS.find(([size]) => seconds % size === 0) ?? UNITS.at(-1);

function duration(seconds) {
  const [size, unit] = unitOf(seconds);
  return new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "long" }).format(seconds / size);
}

function wordsIn(kind, name, value) {
  if (Array.isArray(value?.conditions)) return value.conditions.map(wordsOf).join(" · ");
  if (typeof value === "number") return name === "seconds" ? duration(value) : String(value);
  if (typeof value !== "string" || !value) return "";
  const select = kind.template.content.querySelector(`select[name="${name}"]`);
  const option = [...(select?.options ?? [])].find((one) => one.value === value);
  return option ? option.textContent : value;
}

/* Thousands of letters without a space would take seconds to lay out. */
const shortened = (words) => (words.length > MOST ? `${words.slice(0, MOST)}…` : words);

export function summaryOf(step) {
  const kind = kinds[step.kind];
  if (!kind) return "";
  return kind.summary
    .map((name) => shortened(wordsIn(kind, name, getIn(step, [name]))))
    .filter(Boolean)
    .join(" · ");
}

export const nameOf = (step) => `${kinds[step.kind]?.name ?? step.kind} ${summaryOf(step)}`.trim();
