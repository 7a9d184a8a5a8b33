/* Every page of teammates: dialogs, menus, the search dialog, and the banner. All of it works without. */

import "./dialogs.js";
import "./banner.js";
import "./copy.js";
import "./menus.js";
import "./search.js";
import "./unsaved.js";
import "../lib/zone.js";
