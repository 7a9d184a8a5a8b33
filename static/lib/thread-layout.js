/* How the parts of a thread are arranged: day separators, times, and groups of parts by one author. */

const GROUP = 5 * 60 * 1000; // ms; parts of one author within five minutes share one time
const DAY = 24 * 60 * 60 * 1000;

const language = document.documentElement.lang || undefined;
const timeZone = document.documentElement.dataset.zone; // a teammate's; a visitor's is the browser's
const clock = new Intl.DateTimeFormat(language, { hour: "numeric", minute: "2-digit", timeZone });
const longDay = new Intl.DateTimeFormat(language, { weekday: "long", month: "long", day: "numeric", timeZone });
const isoDay = new Intl.DateTimeFormat("en-CA", { timeZone });
const relativeDay = new Intl.RelativeTimeFormat(language, { numeric: "auto" });

export const clockTime = (date) => clock.format(date);

const dayOf = (date) => isoDay.format(date); // 2026-11-30

function dayName(date) {
  const days = Math.round((Date.parse(dayOf(date)) - Date.parse(dayOf(new Date()))) / DAY);
  const name = days === 0 || days === -1 ? relativeDay.format(days, "day") : longDay.format(date);
  return name.charAt(0).toLocaleUpperCase(language) + name.slice(1);
}

function daySeparator(date) {
  const li = document.createElement("li");
  li.className = "day";
  li.textContent = dayName(date);
  return li;
}

function writeTime(li, at) {
  const time = li.querySelector(".meta time");
  if (time && !time.textContent) time.textContent = clock.format(at);
}

function authorOf(li) {
  if (li.dataset.kind === "event") return li.id;
  return li.dataset.who || (li.classList.contains("mine") ? "me" : li.dataset.author);
}

/* Arranges the visible parts of `list` anew. */
export function arrange(list) {
  for (const old of list.querySelectorAll(".day")) old.remove();
  let before = null;
  for (const li of list.querySelectorAll(".part:not([hidden])")) {
    const at = new Date(li.dataset.at);
    const author = authorOf(li);
    const isSameDay = before && dayOf(before.at) === dayOf(at);
    const isJoined = Boolean(isSameDay && before.author === author && at - before.at < GROUP);
    if (!isSameDay) li.before(daySeparator(at));
    li.classList.toggle("joined", isJoined);
    li.classList.add("last");
    if (isJoined) before.li.classList.remove("last");
    writeTime(li, at);
    before = { li, at, author };
  }
}
