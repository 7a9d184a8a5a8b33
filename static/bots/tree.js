/* The document as an immutable tree. A changed object is a copy that keeps the key of the one that it replaces, so that a
   page can tell a step that was edited from one that is new. Nothing here touches the page. */

const keys = new WeakMap();
let lastKey = 0;

export function keyOf(object) {
  if (!keys.has(object)) {
    lastKey += 1;
    keys.set(object, `k${lastKey}`);
  }
  return keys.get(object);
}

function copyOf(object) {
  const copy = Array.isArray(object) ? [...object] : { ...object };
  if (keys.has(object)) keys.set(copy, keys.get(object));
  return copy;
}

/* `other` is what became of `object`: the same step, choice or variant. Returns it. */
export function shareKeys(object, other) {
  if (!isObject(object) || !isObject(other) || object === other) return other;
  if (keys.has(object)) keys.set(other, keys.get(object));
  for (const [name, inner] of Object.entries(other)) shareKeys(before(object, name, inner), inner);
  return other;
}

const before = (object, name, inner) =>
  Array.isArray(object) && inner?.id !== undefined ? object.find((one) => one?.id === inner.id) : object[name];

/* A copy in which each text is changed; what doesn't change stays the same object. */
export function mapTexts(value, change) {
  if (typeof value === "string") return change(value);
  if (!isObject(value)) return value;
  const mapped = Object.entries(value).map(([name, inner]) => [name, inner, mapTexts(inner, change)]);
  const changed = mapped.filter(([, inner, next]) => next !== inner);
  return changed.reduce((made, [name, , next]) => setIn(made, [name], next), value);
}

const isObject = (value) => typeof value === "object" && value !== null;

export const isStep = (value) => isObject(value) && !Array.isArray(value);
export const listIn = (value, path) => [getIn(value, path) ?? []].filter(Array.isArray).flat();
export const getIn = (value, path) => path.reduce((inner, key) => inner?.[key], value);

/* A copy with this value at the path; `undefined` removes it. */
export function setIn(value, path, next) {
  if (!path.length) return next;
  const [key, ...rest] = path;
  const copy = copyOf(isObject(value) ? value : typeof key === "number" ? [] : {});
  const inner = setIn(copy[key], rest, next);
  if (inner === undefined) delete copy[key];
  else copy[key] = inner;
  return copy;
}

export function insertIn(document, list, index, entries) {
  return setIn(document, list, listIn(document, list).toSpliced(index, 0, ...entries));
}

/* Removes the entry of a list. */
export function removeIn(document, path) {
  return setIn(document, path.slice(0, -1), listIn(document, path.slice(0, -1)).toSpliced(path.at(-1), 1));
}

/* kinds: by kind, what the template of a step says: `branches` is {field: label}, or {list: {label: field}} for entries
   that have a branch each. Returns [{path, label}], paths inside of the step. */
export function branchesOf(step, kinds) {
  return Object.entries(kinds[step.kind]?.branches ?? {}).flatMap(([field, label]) =>
    isObject(label)
      ? listIn(step, [field]).map((entry, i) => ({
          path: [field, i, "steps"],
          label: String(entry?.[label.label] ?? ""),
        }))
      : [{ path: [field], label }],
  );
}

/* All steps in the order in which they are read: [{step, path, list, index}]. */
export function walk(document, kinds, list = ["steps"]) {
  return listIn(document, list).flatMap((step, index) => {
    if (!isStep(step)) return [];
    const path = [...list, index];
    const inside = branchesOf(step, kinds).flatMap((branch) => walk(document, kinds, [...path, ...branch.path]));
    return [{ step, path, list, index }, ...inside];
  });
}

const languages = new WeakMap(); // a value: the codes that something in it is translated into

function findLanguages(value) {
  const found = new Set();
  for (const [name, inner] of Object.entries(value)) {
    if (!isObject(inner)) continue;
    if (name.endsWith("translations")) for (const code of Object.keys(inner)) found.add(code);
    for (const code of languagesIn(inner)) found.add(code);
  }
  return found;
}

export function languagesIn(value) {
  if (!languages.has(value)) languages.set(value, findLanguages(value));
  return languages.get(value);
}

/* As faults name places: steps[2].choices[0].label */
export const placeOf = (path) =>
  path
    .map((key) => (typeof key === "number" ? `[${key}]` : `.${key}`))
    .join("")
    .replace(/^\./, "");

export const pathOf = (place) =>
  [...place.matchAll(/([^.[\]]+)/g)].map(([key]) => (/^\d+$/.test(key) ? Number(key) : key));

export function freshId(base, taken) {
  let number = 1;
  while (taken.has(`${base}_${number}`)) number += 1;
  taken.add(`${base}_${number}`);
  return `${base}_${number}`;
}

export const idsIn = (document, kinds) => new Set(walk(document, kinds).map(({ step }) => step.id));

/* A new step, or an entry of one, as its template describes it: an empty `id` is filled in. */
export function fresh(model, base, taken) {
  const made = structuredClone(model);
  return "id" in made ? { ...made, id: freshId(base, taken) } : made;
}

/* Copies of steps with ids that nothing else has. "Go to" inside of them leads to the copies. */
export function withFreshIds(steps, document, kinds) {
  const taken = idsIn(document, kinds);
  let copy = { steps: structuredClone(steps) };
  const renamed = new Map();
  for (const { step, path } of walk(copy, kinds)) {
    const id = String(step.id ?? step.kind);
    const next = taken.has(id) ? freshId(id.replace(/_\d+$/, "").slice(0, 32), taken) : id;
    taken.add(next);
    renamed.set(id, next);
    copy = setIn(copy, [...path, "id"], next);
  }
  for (const { step, path } of walk(copy, kinds)) {
    if (step.kind === "go_to" && renamed.has(step.step)) copy = setIn(copy, [...path, "step"], renamed.get(step.step));
  }
  return copy.steps;
}
