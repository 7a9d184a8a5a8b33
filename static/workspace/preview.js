/* Updates the preview while somebody types. Without this, the Preview button does. */

const DELAY = 350; // ms after the last key

const frame = document.getElementById("preview");
const form = document.querySelector("[data-preview]");
const autoSubmit = document.querySelector("[data-follow]"); // a form that is submitted on change

function watch() {
  const button = form.querySelector("[data-show]");
  let delayTimer = 0;
  let requests = 0;

  async function update() {
    requests += 1;
    const mine = requests;
    const scroll = frame.contentWindow.scrollY;
    try {
      const body = new URLSearchParams(new FormData(form));
      const response = await fetch(button.formAction, { method: "POST", body });
      if (!response.ok) return;
      const html = await response.text();
      if (mine !== requests) return;
      frame.addEventListener("load", () => frame.contentWindow.scrollTo(0, scroll), { once: true });
      frame.srcdoc = html;
    } catch {
      // The last preview stays; the button tries again.
    }
  }

  document.addEventListener("input", (event) => {
    if (event.target.form !== form) return; // the language of the preview is outside of the form
    clearTimeout(delayTimer);
    delayTimer = setTimeout(update, event.target.name === "locale" ? 0 : DELAY);
  });
  button.addEventListener("click", (event) => {
    event.preventDefault();
    update();
    frame.scrollIntoView({ block: "nearest" });
  });
  update();
}

if (form && frame) watch();
if (autoSubmit) {
  autoSubmit.addEventListener("change", () => autoSubmit.requestSubmit());
  autoSubmit.querySelector(".controls-button").hidden = true;
}
