/* `data-copy="id"`: a button that copies the field or the code with that id. */

const LASTS = 2000; // ms

const status = document.getElementById("said");

async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.value ?? source.textContent);
  } catch {
    select(source); // not allowed here: Ctrl+C copies it
    return;
  }
  const label = button.querySelector("span");
  const before = label.textContent;
  label.textContent = button.dataset.copied;
  if (!status.textContent.trim()) status.textContent = button.dataset.copied;
  setTimeout(() => {
    label.textContent = before;
    if (status.textContent === button.dataset.copied) status.textContent = "";
  }, LASTS);
}

function select(source) {
  if (source.select) source.select();
  else getSelection().selectAllChildren(source);
}

export function showCopyButtons(root) {
  for (const button of root.querySelectorAll("[data-copy]")) button.hidden = false;
}

addEventListener("click", ({ target }) => {
  const button = target.closest?.("[data-copy]");
  if (button) copy(button);
});
showCopyButtons(document);
