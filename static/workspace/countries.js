/* The list of countries: filtered by typing. The default country is always selected. The selected ones are listed above. */

const box = document.querySelector("[data-countries]");
const filter = box.querySelector("[data-find]");
const summary = box.querySelector("[data-chosen]");
const defaultRegion = document.getElementById("default_region");

const rows = [...box.querySelectorAll("li")].map((row) => ({
  row,
  checkbox: row.querySelector("input"),
  name: row.querySelector("span").textContent,
  words: withoutAccents(row.textContent),
}));

function withoutAccents(text) {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

function update() {
  const own = box.querySelector(`input[name="countries.${defaultRegion.value}"]`);
  if (own) own.checked = true;
  const names = rows.filter(({ checkbox }) => checkbox.checked).map(({ name }) => name);
  summary.textContent = names.join(", ");
}

filter.hidden = false;
filter.addEventListener("input", (event) => {
  event.stopPropagation(); // the preview doesn't depend on it
  const wanted = withoutAccents(filter.value.trim());
  for (const { row, words } of rows) row.hidden = !words.includes(wanted);
});
filter.addEventListener("keydown", (event) => {
  if (event.key === "Enter") event.preventDefault();
});
box.addEventListener("change", update);
defaultRegion.addEventListener("change", update);
