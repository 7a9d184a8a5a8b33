/* The Install page: buttons that copy the code beside them. */

const status = document.getElementById("said");

async function copy(button) {
  const code = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(code.textContent);
  } catch {
    getSelection().selectAllChildren(code); // not allowed here: Ctrl+C copies it
    return;
  }
  const label = button.querySelector("span");
  const before = label.textContent;
  label.textContent = button.dataset.copied;
  if (!status.textContent.trim()) status.textContent = button.dataset.copied;
  setTimeout(() => {
    label.textContent = before;
    if (status.textContent === button.dataset.copied) status.textContent = "";
  }, 2000);
}

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", () => copy(button));
}
