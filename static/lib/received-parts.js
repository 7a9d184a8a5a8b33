/* Which parts of a conversation have arrived. Parts are numbered without gaps, but may arrive out of order. */

export function createReceivedParts() {
  let last = 0; // every part up to this one has arrived
  const early = new Set(); // arrived while an earlier one is still missing

  function advance() {
    while (early.delete(last + 1)) last += 1;
    for (const seq of early) if (seq <= last) early.delete(seq);
  }

  return {
    reset(seq) {
      last = seq;
      early.clear();
    },
    /* Returns whether it is new. */
    add(seq) {
      const isNew = seq > last && !early.has(seq);
      early.add(seq);
      advance();
      return isNew;
    },
    /* Stop waiting for anything before this one. */
    skipTo(seq) {
      last = seq;
      advance();
    },
    last: () => last,
    newest: () => Math.max(last, ...early),
  };
}
