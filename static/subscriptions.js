// What is typed shows in the preview beside it. Without this the Preview button does the same.
"use strict";

(() => {
  const frame = document.getElementById("preview");
  const form = document.querySelector("[data-preview]");
  const follow = document.querySelector("[data-follow]");

  if (form && frame) {
    const button = form.querySelector("[data-show]");
    let waiting = 0;
    let asked = 0;

    async function show() {
      const mine = ++asked;
      const scrolled = frame.contentWindow.scrollY;
      try {
        const answer = await fetch(button.formAction, { method: "POST", body: new URLSearchParams(new FormData(form)) });
        if (!answer.ok) return;
        const html = await answer.text();
        if (mine !== asked) return;
        frame.addEventListener("load", () => frame.contentWindow.scrollTo(0, scrolled), { once: true });
        frame.srcdoc = html;
      } catch {
        // The last picture stays; the button is there to try again.
      }
    }

    document.addEventListener("input", (event) => {
      if (event.target.form !== form) return; // the language of the preview stands outside it
      clearTimeout(waiting);
      waiting = setTimeout(show, event.target.name === "locale" ? 0 : 350);
    });
    button.addEventListener("click", (event) => {
      event.preventDefault();
      show();
      frame.scrollIntoView({ block: "nearest" });
    });
    show();
  }

  if (follow) {
    follow.addEventListener("change", () => follow.requestSubmit());
    follow.querySelector(".controls-button").hidden = true;
  }
})();
