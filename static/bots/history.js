/* The document of the editor, with undo and redo of everything. */

const MOST = 500;

/* merged(base, mine, theirs): one of both. */
export function createHistory(document, merged) {
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
      now = { ...now, document: merged(base, now.document, theirs), seen: now.seen + 1 };
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
    /* The key of the step that changed, or null if there is nothing to undo. */
    undo: () => go(past, future),
    redo: () => go(future, past),
    endRun() {
      run = "";
    },
  };
}
