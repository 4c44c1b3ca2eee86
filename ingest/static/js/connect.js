// Setting up an integration: an id made of its name, parts of a form that answer without a new page, and suggestions.

function suggested(name) {
  const plain = name.normalize("NFKD").replace(/[^\x00-\x7f]/g, "").toLowerCase();
  return plain.replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 63).replace(/-+$/, "");
}

function suggestIds(part) {
  const from = document.getElementById(part.dataset.suggestFrom);
  const to = document.getElementById(part.dataset.suggestTo);
  const shown = document.querySelector("[data-suggested]");
  let own = to.value !== "" && to.value !== suggested(from.value);
  const show = () => { if (shown) shown.textContent = to.value || "..."; };
  from.addEventListener("input", () => { if (!own) { to.value = suggested(from.value); show(); } });
  to.addEventListener("input", () => { own = to.value !== ""; show(); });
}

// A label that only one kind of rule has.
function showWhatBelongs(part) {
  part.querySelectorAll("[data-only-for]").forEach((one) => {
    const kind = document.getElementById(one.dataset.of);
    one.hidden = kind.value !== one.dataset.onlyFor;
  });
}

// A button with data-swaps sends its form and puts the answer's part in place of the old one; the rest stays as typed.
async function swap(form, button) {
  const part = document.getElementById(form.dataset.swap);
  button.setAttribute("aria-busy", "true");
  part.classList.add("stale");
  try {
    const answer = await fetch(form.getAttribute("action") ?? location.pathname, {
      method: "POST", body: new FormData(form, button), headers: { Accept: "text/html" },
    });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById(part.id);
    if (!fresh) return location.reload();
    part.innerHTML = fresh.innerHTML;
    showWhatBelongs(part);
    focusAgain(part, button);
  } finally {
    part.classList.remove("stale");
    button.removeAttribute("aria-busy");
  }
  return undefined;
}

function focusAgain(part, button) {
  if (button.isConnected) return;
  const at = Number(button.value);
  const moved = { up: at - 1, down: at + 1 }[button.name];
  const rows = part.querySelectorAll(".rules > li");
  const same = moved === undefined ? null : part.querySelector(`button[name="${button.name}"][value="${moved}"]:not(:disabled)`);
  const row = button.name === "add" ? rows[rows.length - 1] : rows[Math.min(moved ?? at, rows.length - 1)];
  (same ?? row?.querySelector("select") ?? part).focus();
}

document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (!button?.matches("[data-swaps]") || !event.target.dataset.swap || event.defaultPrevented) return;
  event.preventDefault();
  swap(event.target, button);
});

document.addEventListener("change", (event) => {
  if (event.target.matches("select")) showWhatBelongs(document);
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-add-to]");
  if (!button) return;
  const text = document.getElementById(button.dataset.addTo);
  const lines = text.value.split("\n").map((line) => line.trim()).filter(Boolean);
  if (!lines.includes(button.dataset.value)) text.value = [...lines, button.dataset.value].join("\n");
});

document.querySelectorAll("[data-suggest-from]").forEach(suggestIds);
document.querySelectorAll("[data-add-to]").forEach((button) => { button.hidden = false; });
showWhatBelongs(document);
document.querySelector("[data-focus]")?.focus();
