/* Flows that greet visitors after some time on a page. The launcher loads it if a live flow does so. The time runs here: the
   server is asked once, when it is over. Having opened the chat on a page, or met a greeting in this tab, is enough. */

const WAITS = __SAYSO_WAITS__; // seconds, and an expression for the page's address
const MET = "sayso.met";

let launcher;
let running = [];
let met = "";

/* given: what the launcher knows and can do. */
export function start(given) {
  if (!launcher) for (const [target, name] of MOVES) target?.addEventListener(name, watch);
  launcher = given;
  watch();
}

const MOVES = [
  [window.navigation, "navigatesuccess"],
  [window, "popstate"],
];
const address = () => location.origin + location.pathname;

function watch() {
  for (const timer of running) clearTimeout(timer);
  const page = address();
  const matching = WAITS.filter(([, pattern]) => new RegExp(pattern).test(page));
  running = matching.map((wait) => setTimeout(due, wait[0] * 1000, wait));
}

// Time in a tab that nobody sees doesn't count.
function due(wait) {
  if (document.hidden) running.push(setTimeout(due, wait[0] * 1000, wait));
  else if (!launcher.isBusy() && !seen().includes(wait.join(" "))) ask(wait).catch(() => {}); // the next page asks again
}

async function ask(wait) {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const settings = { ...launcher.facts(), time_zone: timeZone };
  const body = JSON.stringify({ token: launcher.token() || null, seconds: wait[0], settings });
  const response = await fetch(`${launcher.origin}/messenger/stayed`, { method: "POST", body });
  const { token } = response.ok ? await response.json() : {};
  if (!token || launcher.isBusy()) return;
  remember(wait.join(" "));
  launcher.setToken(token);
  for (const timer of running) clearTimeout(timer);
  // On a small screen the chat would cover the page: a badge says that there is something.
  if (launcher.small.matches) launcher.setUnread(1);
  else launcher.open(true);
}

function seen() {
  try {
    return sessionStorage.getItem(MET) || met;
  } catch {
    return met;
  }
}

function remember(name) {
  met = `${seen()}\n${name}`;
  try {
    sessionStorage.setItem(MET, met);
  } catch {
    // Storage is blocked: it lasts as long as the page.
  }
}
