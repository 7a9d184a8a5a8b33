// The teammates' pages: dialogs, menus, the command to search, what is said after a form. All of it works without.
"use strict";

(() => {
  const command = document.getElementById("command");
  const input = command.querySelector(".command-input");
  const hits = document.getElementById("command-hits");
  const count = document.getElementById("command-count");
  const said = document.getElementById("said");

  // --- dialogs: `data-open="id"` opens one, `data-close` closes the one around it
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-open]");
    const dialog = opener && document.getElementById(opener.dataset.open);
    if (dialog && !(event.ctrlKey || event.metaKey || event.shiftKey)) {
      event.preventDefault();
      closeMenus();
      dialog === command ? openCommand() : dialog.showModal();
    } else if (event.target.closest("[data-close]")) {
      event.target.closest("dialog").close();
    } else if (event.target.closest("[data-dismiss]")) {
      event.target.closest("[data-said]").remove();
    } else if (event.target.matches("dialog")) {
      event.target.close(); // the veil around it
    }
  });

  // --- menus
  const openMenus = () => document.querySelectorAll("[data-menu][open]");
  const closeMenus = (but) => openMenus().forEach((menu) => menu !== but && menu.removeAttribute("open"));
  document.addEventListener("click", (event) => closeMenus(event.target.closest("[data-menu]")));
  document.addEventListener("focusin", (event) => closeMenus(event.target.closest("[data-menu]")));
  document.addEventListener("keydown", (event) => {
    const menu = event.target.closest && event.target.closest("[data-menu]");
    if (!menu) return;
    if (event.key === "Escape" && menu.open) {
      menu.open = false;
      menu.querySelector("summary").focus();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      menu.open = true;
      const items = [...menu.querySelectorAll(".menu-item")];
      const step = event.key === "ArrowDown" ? 1 : -1;
      const at = items.indexOf(document.activeElement);
      items[at < 0 && step < 0 ? items.length - 1 : (at + step + items.length) % items.length].focus();
    }
  });

  // --- the command to search
  let asked = 0;
  let waiting = 0;

  function openCommand() {
    if (command.open || document.querySelector("dialog[open]")) return;
    command.showModal();
    input.select();
    search();
  }

  const isTyping = (node) => node.closest("input, textarea, select, [contenteditable]");
  const hasKeys = () => {
    try { return localStorage.getItem("sayso.keys") !== "off"; } catch { return true; } // turned off in the inbox
  };
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && hasKeys() && !event.ctrlKey && !event.metaKey && !event.altKey && !isTyping(event.target)) {
      event.preventDefault();
      const own = document.querySelector("[data-search]"); // a page that has its own search is searched by it
      own && own.getClientRects().length ? own.focus() : openCommand();
    }
  });

  async function search() {
    const mine = ++asked;
    hits.setAttribute("aria-busy", "true");
    try {
      const address = `/search?part=1&q=${encodeURIComponent(input.value)}`;
      const answer = await fetch(address, { headers: { Accept: "text/html", "HX-Request": "true" } });
      if (answer.status === 401) return location.assign(answer.headers.get("HX-Redirect") || "/login");
      if (!answer.ok) throw new Error(answer.status);
      const html = await answer.text();
      if (mine === asked) show(html);
    } catch {
      if (mine === asked) count.textContent = count.dataset.unsent;
    }
  }

  function show(html) {
    hits.innerHTML = html;
    hits.removeAttribute("aria-busy");
    const number = options().length;
    const { one, many, none } = count.dataset;
    count.textContent = number === 1 ? one : number ? many.replace("{number}", number) : none;
    choose(0);
  }

  const options = () => [...hits.querySelectorAll("[role=option]")];
  const chosen = () => hits.querySelector("[aria-selected=true]");

  function choose(index) {
    const all = options();
    all.forEach((option, i) => option.setAttribute("aria-selected", String(i === index)));
    const option = all[index];
    option ? input.setAttribute("aria-activedescendant", option.id) : input.removeAttribute("aria-activedescendant");
    if (option) option.scrollIntoView({ block: "nearest" });
  }

  input.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(search, 120);
  });
  input.addEventListener("keydown", (event) => {
    const all = options();
    const at = all.indexOf(chosen());
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && all.length) {
      event.preventDefault();
      choose((at + step + all.length) % all.length);
    } else if (event.key === "Enter" && chosen() && !hits.hasAttribute("aria-busy")) {
      event.preventDefault();
      chosen().click();
    }
  });

  // --- what is said: told again once the page stands, so that screen readers hear it
  function say(text) {
    const banner = document.createElement("div");
    banner.className = "banner banner--bad";
    banner.classList.toggle("is-passing", text === said.dataset.away);
    banner.dataset.said = "";
    const words = document.createElement("div");
    words.textContent = text;
    banner.append(words);
    placeToSay().replaceChildren(banner);
  }
  function placeToSay() {
    const dialog = document.querySelector("dialog[open]"); // what lies under it is not seen
    if (!dialog) return said;
    if (dialog.querySelector(".dialog-said")) return dialog.querySelector(".dialog-said");
    const place = document.createElement("div");
    place.className = "dialog-said";
    place.setAttribute("role", "alert");
    dialog.firstElementChild.after(place);
    dialog.addEventListener("close", () => place.remove(), { once: true });
    return place;
  }
  if (said.firstElementChild) {
    const first = said.firstElementChild;
    setTimeout(() => said.replaceChildren(first), 150);
  }

  // --- htmx: an answer that is no page's own says why; where none came, that is said, until the next one comes
  function unanswered(event) {
    let words = said.dataset.away;
    try {
      words = JSON.parse(event.detail.xhr.responseText).errors[0].message;
    } catch {
      // It is none of ours.
    }
    say(words);
  }
  for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) document.addEventListener(name, unanswered);
  document.addEventListener("htmx:afterOnLoad", (event) => {
    if (event.detail.xhr.status < 400) document.querySelectorAll("[data-said].is-passing").forEach((banner) => banner.remove());
  });
})();
