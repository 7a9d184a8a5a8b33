/* The live connection of a composer: who else has the message open, and when somebody saved a newer version. */

import { byId } from "../lib/dom.js";
import { createLiveConnection } from "../lib/live-connection.js";

const here = byId("also-here");
let newest = 0;

// A save of this page is heard of before its answer is here.
function tellOfNewer() {
  const isSaving = document.querySelector(".htmx-request");
  if (isSaving || newest <= Number(byId("version").value) || byId("newer").childElementCount) return;
  byId("newer").append(byId("newer-words").content.cloneNode(true));
}

document.addEventListener("htmx:afterSettle", tellOfNewer);
createLiveConnection({
  path: here.dataset.path,
  hello: () => ({ type: "hello" }),
  onMessage({ type, names, version }) {
    if (type === "here")
      here.textContent = names.length ? here.dataset.words.replace("{names}", () => names.join(", ")) : "";
    else if (version) {
      newest = version;
      tellOfNewer();
    }
  },
  onLost() {
    here.textContent = "";
  },
}).start();
