/* The live connection of the editor: who else has the flow open, and when someone saved it. */

import { byId } from "../lib/dom.js";
import { createLiveConnection } from "../lib/live-connection.js";
import { editor, fill, strings } from "./page.js";

const here = byId("flow-here");

/* onSaved(revision): the newest one; 0: it may have changed while there was no connection. */
export function watchLive(onSaved) {
  createLiveConnection({
    path: `/bots/${editor.dataset.id}/live`,
    hello: () => ({ type: "hello" }),
    onMessage({ type, names, revision }) {
      if (type === "here") here.textContent = names.length ? fill(strings.here, { names: names.join(", ") }) : "";
      else if (type === "ready") onSaved(0);
      else if (type === "saved") onSaved(revision);
    },
    onLost() {
      here.textContent = "";
    },
  }).start();
}
