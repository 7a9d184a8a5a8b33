/* The document of the editor, with undo and redo of everything. */

const MOST = 500;

export function createHistory(document) {
  const past = [];
  let future = [];
  let now = { document, key: "" };
  let run = ""; // what is being typed: one word of one field is one change

  function go(from, to) {
    if (!from.length) return null;
    const { key } = from === past ? now : from.at(-1);
    to.push(now);
    now = from.pop();
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
      now = { document: changed, key };
      future = [];
      run = typing;
    },
    /* The key of the step that changed, or null if there is nothing to undo. */
    undo: () => go(past, future),
    redo: () => go(future, past),
    endRun() {
      run = "";
    },
  };
}
