// What every page does beyond its HTML: parts that keep themselves fresh, times of this place, copying.
import { keepFresh } from "./fresh.js";
import { tellTimes } from "./times.js";

const announce = document.querySelector("[data-announce]");

export function say(text) {
  announce.textContent = text;
}

function prepare(part) {
  tellTimes(part);
  part.querySelectorAll("[data-copy]").forEach((button) => { button.hidden = !navigator.clipboard; });
  part.querySelectorAll("[data-reveal]").forEach((button) => { button.hidden = false; });
}

async function copy(button) {
  const from = document.getElementById(button.dataset.copy);
  await navigator.clipboard.writeText(from.value ?? from.textContent);
  const was = button.dataset.was ?? button.textContent;
  button.dataset.was = was;
  button.textContent = "✓";
  say(`${was} ✓`);
  setTimeout(() => { button.textContent = was; }, 1500);
}

function reveal(button) {
  const input = document.getElementById(button.dataset.reveal);
  input.type = input.type === "password" ? "text" : "password";
  button.setAttribute("aria-pressed", String(input.type === "text"));
}

function switchTheme() {
  const root = document.documentElement;
  root.dataset.bsTheme = root.dataset.bsTheme === "dark" ? "light" : "dark";
  try { localStorage.setItem("theme", root.dataset.bsTheme); } catch { /* storage is switched off */ }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.copy) copy(button);
  if (button?.dataset.reveal) reveal(button);
  if (button?.matches("[data-theme-switch]")) switchTheme();
});

// A form that asks before it does what can't be undone.
document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.ask ?? event.target.dataset.ask;
  if (question && !confirm(question)) event.preventDefault();
});

// Choices that take effect at once, where a button would be one step too many.
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submits]")) event.target.form.requestSubmit();
});

document.querySelectorAll("[data-theme-switch]").forEach((button) => { button.hidden = false; });
prepare(document);
document.querySelectorAll("[data-refresh]").forEach((part) => keepFresh(part, prepare));
