/* Merges what two teammates made of one document. Nothing here touches the page. */

import { freshId, idsIn, isStep, mapTexts, setIn, shareKeys, walk } from "./tree.js";

const isSame = (one, other) => one === other || JSON.stringify(one) === JSON.stringify(other);
const idOf = (entry) => entry.id;
const hasIds = (list) =>
  Array.isArray(list) &&
  list.every((entry) => typeof entry?.id === "string") &&
  new Set(list.map(idOf)).size === list.length;

/* Steps that both added with the same id are two steps: mine get other ids, also where my texts and steps name them. */
function withOwnIds(base, mine, theirs, kinds) {
  const before = idsIn(base, kinds);
  const others = new Map(walk(theirs, kinds).map(({ step }) => [step.id, step]));
  const taken = new Set([...idsIn(mine, kinds), ...others.keys()]);
  const renamed = new Map();
  let made = mine;
  for (const { step, path } of walk(mine, kinds)) {
    const isTaken = !before.has(step.id) && others.has(step.id) && !isSame(others.get(step.id), step);
    if (!isTaken || renamed.has(step.id)) continue;
    renamed.set(step.id, freshId(step.id.replace(/_\d+$/, ""), taken));
    made = setIn(made, [...path, "id"], renamed.get(step.id));
  }
  if (!renamed.size) return mine;
  for (const { step, path } of walk(made, kinds)) {
    if (step.kind === "go_to" && renamed.has(step.step)) made = setIn(made, [...path, "step"], renamed.get(step.step));
  }
  return mapTexts(made, (text) =>
    text.replace(/(\{\{\s*)(\w+)/g, (_all, open, name) => open + (renamed.get(name) ?? name)),
  );
}

/* base: what both began with. Where both changed the same, one counts: `isMineKept` says whose.
   Returns {document, conflicts}: the steps in which that was so, as they are in my document; null: outside of steps. */
export function merge(base, mine, theirs, kinds, isMineKept) {
  const conflicts = new Set();

  function either(my, their, owner) {
    conflicts.add(owner);
    return isMineKept ? my : shareKeys(my, their);
  }

  function both(was, my, their, owner) {
    if (isSame(was, their)) return my;
    if (isSame(was, my) || isSame(my, their)) return shareKeys(my, their);
    const values = [was, my, their];
    if (values.every(hasIds)) return listOf(was, my, their, owner);
    if (values.every(isStep)) return objectOf(was, my, their, owner);
    return either(my, their, owner);
  }

  function objectOf(was, my, their, owner) {
    const inner = typeof my.kind === "string" ? my : owner;
    const names = new Set([...Object.keys(my), ...Object.keys(their)]);
    const entries = [...names].map((name) => [name, both(was[name], my[name], their[name], inner)]);
    return shareKeys(my, Object.fromEntries(entries.filter(([, value]) => value !== undefined)));
  }

  function listOf(was, my, their, owner) {
    const maps = [was, my, their].map((list) => new Map(list.map((entry) => [entry.id, entry])));
    const inAll = (list) => JSON.stringify(list.map(idOf).filter((id) => maps.every((map) => map.has(id))));
    const [old, ours, theirOrder] = [was, my, their].map(inAll);
    if (old !== ours && old !== theirOrder && ours !== theirOrder) conflicts.add(owner);
    const isMyOrder = old === theirOrder || (old !== ours && isMineKept);
    const order = orderOf(...(isMyOrder ? [my, their] : [their, my]));
    const entries = order.map((id) => entryOf(...maps.map((map) => map.get(id)), owner));
    return entries.filter((entry) => entry !== undefined);
  }

  function entryOf(was, my, their, owner) {
    if (my && their) return both(was, my, their, owner);
    const left = my ?? their;
    if (!was) return left;
    if (isSame(was, left)) return undefined; // the other one removed it
    conflicts.add(left);
    return Boolean(my) === isMineKept ? left : undefined;
  }

  const own = withOwnIds(base, mine, theirs, kinds);
  return { document: both(base, own, theirs, null), conflicts: [...conflicts] };
}

/* The ids of the first list, and those that only the second one has behind the ones that they follow there. */
function orderOf(first, second) {
  const order = first.map(idOf);
  for (const [i, { id }] of second.entries()) {
    if (order.includes(id)) continue;
    const behind = second.slice(0, i).findLast((entry) => order.includes(entry.id));
    order.splice(behind ? order.indexOf(behind.id) + 1 : 0, 0, id);
  }
  return order;
}
