/* Warns before a page with unsaved changes is left. It watches all forms of a page that have a field to fill in; the inbox
   keeps its own drafts. */

const WATCHED = 'main form[method="post"]:not([data-act], #composer)';

const written = new WeakMap(); // what the fields of a form held when it was drawn
let isSubmitting = false;

const fields = (form) =>
  JSON.stringify([...new FormData(form)].filter(([name]) => name !== "csrf" && name !== "key").map(String));
// Drawn again with a fault: what was typed is stored nowhere.
const isRefused = (form) => Boolean(form.querySelector("[aria-invalid], .field-error"));
const isClosed = (form) => Boolean(form.closest("dialog:not([open])")); // inserted, or given up
const isChanged = (form) =>
  written.has(form) && !isClosed(form) && (isRefused(form) || fields(form) !== written.get(form));

function watch() {
  for (const form of document.querySelectorAll(WATCHED)) {
    if (!written.has(form)) written.set(form, fields(form));
  }
}

document.addEventListener("submit", (event) => {
  // Another window or frame, or a script, takes the answer: the page stays.
  if (event.defaultPrevented || event.submitter?.formTarget || event.target.target) return;
  isSubmitting = true;
});
window.addEventListener("pageshow", () => {
  isSubmitting = false;
});
window.addEventListener("beforeunload", (event) => {
  if (!isSubmitting && [...document.querySelectorAll(WATCHED)].some(isChanged)) event.preventDefault();
});
document.addEventListener("htmx:afterSettle", watch);
watch();
