/* "Try it": sends a request with the token at the top of the page, and shows the answer. */

const page = document.querySelector(".api");
const token = document.getElementById("token");

function address(form) {
  let path = form.dataset.path;
  const query = new URLSearchParams();
  for (const field of form.querySelectorAll("input[data-in]")) {
    if (field.dataset.in === "path") path = path.replace(`{${field.name}}`, encodeURIComponent(field.value));
    else if (field.value) query.set(field.name, field.value);
  }
  return `${page.dataset.address}${path}${query.size ? `?${query}` : ""}`;
}

async function answer(form) {
  const secret = token.value.trim();
  if (!secret) {
    token.focus();
    return page.dataset.noToken;
  }
  const headers = { Authorization: `Bearer ${secret}`, "Content-Type": "application/json" };
  const body = form.querySelector("textarea")?.value;
  try {
    const response = await fetch(address(form), { method: form.dataset.method, headers, body, credentials: "omit" });
    return `${response.status}\n${JSON.stringify(await response.json(), null, 2)}`;
  } catch {
    return page.dataset.failed;
  }
}

for (const form of page.querySelectorAll("form[data-path]")) {
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const shown = form.querySelector(".code");
    shown.hidden = false;
    shown.firstElementChild.textContent = "…";
    shown.firstElementChild.textContent = await answer(form);
  });
}

function open() {
  const route = location.hash && document.getElementById(location.hash.slice(1));
  if (route instanceof HTMLDetailsElement) route.open = true;
}

addEventListener("hashchange", open);
open();
