/* The demo phone: times in the viewer's time zone, the newest text in view, replies by one click. */

const clock = new Intl.DateTimeFormat(document.documentElement.lang, {
  month: "short",
  day: "numeric",
  hour: "numeric",
  minute: "2-digit",
});
let count = -1;

const itemsOf = (page) => page.querySelectorAll(".text, #numbers a").length;

function update() {
  const thread = document.getElementById("phone-thread");
  const texts = thread.querySelectorAll(".text");
  for (const time of thread.querySelectorAll("time")) time.textContent = clock.format(new Date(time.dateTime));
  if (texts.length !== count) thread.scrollTop = thread.scrollHeight;
  count = texts.length;
}

// A poll without news is not swapped in: it would be announced again and clear a selection.
document.body.addEventListener("htmx:beforeSwap", (event) => {
  const next = new DOMParser().parseFromString(event.detail.serverResponse, "text/html");
  event.detail.shouldSwap = itemsOf(next) !== itemsOf(document);
});
document.body.addEventListener("htmx:afterSettle", update);
document.addEventListener("click", (event) => {
  const chip = event.target.closest("[data-reply]");
  if (!chip) return;
  document.getElementById("body").value = chip.dataset.reply;
  chip.form.requestSubmit();
});
update();
