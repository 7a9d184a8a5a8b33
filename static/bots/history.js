/* The document of the editor, with undo and redo of everything that was done here. Nothing here touches the page. */

import { merge } from "./merge.js";

const MOST = 500;

export function createHistory(document, kinds) {
  const past = [];
  let future = [];
  const news = []; // what teammates saved, which is not undone here: [{base, theirs}]
  let now = { document, key: "", seen: 0 }; // seen: how much of the news is in the document
  let run = ""; // what is being typed: one word of one field is one change

  function go(from, to) {
    if (!from.length) return null;
    const { key } = from === past ? now : from.at(-1);
    to.push(now);
    now = from.pop();
    for (const { base, theirs } of news.slice(now.seen)) {
      // Where an older document differs from what the teammate saved, theirs counts.
      now = { ...now, document: merge(base, now.document, theirs, kinds, false).document, seen: now.seen + 1 };
    }
    run = "";
    return key;
  }

  return {
    document: () => now.document,
    canUndo: () => past.length > 0,
    canRedo: () => future.length > 0,
    /* key: the step that changed. typing: changes of the same run are undone together. */
    push(changed, key, typing = "") {
      if (!typing || typing !== run) {
        past.push(now);
        if (past.length > MOST) past.shift();
      }
      now = { document: changed, key, seen: news.length };
      future = [];
      run = typing;
    },
    /* Shows what a teammate saved, merged with what is here. base: the document that both began with. */
    rebase(changed, base, theirs) {
      news.push({ base, theirs });
      now = { ...now, document: changed, seen: news.length };
      run = "";
    },
    /* The same after a choice, which can be undone: before it comes what the teammate saved. */
    choose(chosen, base, theirs) {
      news.push({ base, theirs });
      for (const one of new Set([theirs, chosen])) this.push(one, "");
    },
    /* The key of the step that changed, or null if there is nothing to undo. */
    undo: () => go(past, future),
    redo: () => go(future, past),
    endRun() {
      run = "";
    },
  };
}
