/* What the server says about this page of the inbox. */

import { byId, readData } from "../lib/dom.js";

export const page = byId("inbox");
export const conversation = page.dataset.conversation; // its id; empty when none is open
export const teammate = page.dataset.me; // the id of the signed-in teammate
export const query = page.dataset.query; // of the list, as in its address
export const strings = readData("inbox-strings");
