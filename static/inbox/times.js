/* Times in the reader's own time zone and language. */

const language = document.documentElement.lang || undefined;
const clock = new Intl.DateTimeFormat(language, { hour: "numeric", minute: "2-digit" });
const shortDay = new Intl.DateTimeFormat(language, { month: "short", day: "numeric" });
const long = new Intl.DateTimeFormat(language, {
  weekday: "short",
  month: "short",
  day: "numeric",
  hour: "numeric",
  minute: "2-digit",
});

export function writeTimes(root) {
  for (const time of root.querySelectorAll(".conv-at:empty")) {
    const at = new Date(time.dateTime);
    const isToday = at.toDateString() === new Date().toDateString();
    time.textContent = (isToday ? clock : shortDay).format(at);
  }
  for (const time of root.querySelectorAll('time[data-when="long"]')) {
    time.textContent = long.format(new Date(time.dateTime));
  }
}
