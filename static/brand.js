// The list of countries: find one by typing, the default one is always chosen, and those that are stand over the list.
"use strict";

(() => {
  const box = document.querySelector("[data-countries]");
  const find = box.querySelector("[data-find]");
  const chosen = box.querySelector("[data-chosen]");
  const region = document.getElementById("default_region");
  const rows = [...box.querySelectorAll("li")].map((row) => ({
    row,
    tick: row.querySelector("input"),
    name: row.querySelector("span").textContent,
    words: plain(row.textContent),
  }));

  function plain(text) {
    return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  }

  function show() {
    const own = box.querySelector(`input[name="countries.${region.value}"]`);
    if (own) own.checked = true;
    const names = rows.filter(({ tick }) => tick.checked).map(({ name }) => name);
    chosen.textContent = names.join(", ");
  }

  find.hidden = false;
  find.addEventListener("input", (event) => {
    event.stopPropagation(); // it changes nothing that the preview shows
    const wanted = plain(find.value.trim());
    rows.forEach(({ row, words }) => (row.hidden = !words.includes(wanted)));
  });
  find.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault());
  box.addEventListener("change", show);
  region.addEventListener("change", show);
})();
