/* Flows that greet visitors after some time on a page. The launcher loads it if a live flow does so. The time runs here: the
   server is asked once, when it is over. Having opened the chat on a page, or met a greeting in this tab, is enough. */

const WAITS = __SAYSO_WAITS__; // seconds, and patterns of the page's address
const MET = "sayso.met";

let launcher;
let left = []; // waits for this page
let running = [];
let spent = 0; // milliseconds for which somebody saw the page, until `since`
let since = 0;
let met = "";

/* given: what the launcher knows and can do. */
export function start(given) {
  if (!launcher) for (const [target, name, listener] of EVENTS) target?.addEventListener(name, listener);
  launcher = given;
  watch();
}

const EVENTS = [
  [window.navigation, "navigatesuccess", watch],
  [window, "popstate", watch],
  [document, "visibilitychange", turn],
];

function watch() {
  left = WAITS.filter(([, patterns]) => patterns.some((pattern) => matches(pattern, location)));
  spent = 0;
  run();
}

// Time in a tab that nobody sees doesn't count.
function turn() {
  if (document.hidden) spent += performance.now() - since;
  run();
}

function run() {
  for (const timer of running) clearTimeout(timer);
  since = performance.now();
  running = document.hidden ? [] : left.map((wait) => setTimeout(due, wait[0] * 1000 - spent, wait));
}

/* `*` stands for anything, `?` for one character. Only the last `*` is ever tried again, so that it takes no long time. */
export function matches(pattern, { origin, pathname }) {
  const text = pattern[0] === "/" ? pathname : origin + pathname;
  let [at, place, star, tried] = [0, 0, -1, 0];
  while (place < text.length) {
    if (pattern[at] === "*") {
      star = at++;
      tried = place;
    } else if (pattern[at] === "?" || pattern[at] === text[place]) {
      at++;
      place++;
    } else if (star < 0) return false;
    else {
      at = star + 1;
      place = ++tried;
    }
  }
  return /^\**$/.test(pattern.slice(at));
}

function due(wait) {
  left = left.filter((other) => other !== wait);
  if (!launcher.isBusy() && !seen().split("\n").includes(name(wait))) ask(wait).catch(() => {}); // the next page asks again
}

async function ask(wait) {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const settings = { ...launcher.facts(), time_zone: timeZone };
  const body = JSON.stringify({ token: launcher.token() || null, seconds: wait[0], settings });
  const response = await fetch(`${launcher.origin}/messenger/stayed`, { method: "POST", body });
  const { token } = response.ok ? await response.json() : {};
  if (!token || launcher.isBusy()) return;
  remember(name(wait));
  launcher.setToken(token);
  left = [];
  run();
  // On a small screen the chat would cover the page: a badge says that there is something.
  if (launcher.small.matches) launcher.setUnread(1);
  else launcher.open(true);
}

const name = (wait) => JSON.stringify(wait); // in one line

function seen() {
  try {
    return sessionStorage.getItem(MET) || met;
  } catch {
    return met;
  }
}

function remember(wait) {
  met = `${seen()}\n${wait}`;
  try {
    sessionStorage.setItem(MET, met);
  } catch {
    // Storage is blocked: it lasts as long as the page.
  }
}
