// What every page needs: the view is reported once, forms are sent once, a card's game is set up.
import { post } from "./post.js";
import { playQuestions } from "./questions.js";
import { playWheel } from "./wheel.js";

const { seen } = document.body.dataset;
if (seen) post(seen).catch(() => {});

for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    if (form.classList.contains("sent")) event.preventDefault();
    else if (!event.defaultPrevented) form.classList.add("sent");
  });
}
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form.sent")) form.classList.remove("sent");
});

document.addEventListener("keydown", (event) => {
  const drawer = document.getElementById("settings");
  if (event.key === "Escape" && drawer.open) {
    drawer.open = false;
    drawer.querySelector("summary").focus();
  }
});

const start = document.getElementById("start");
const game = document.getElementById("game");
if (start && game) {
  start.addEventListener("click", () => {
    post(start.dataset.start).catch(() => {});
    document.getElementById("cover").hidden = true;
    game.classList.add("on");
    game.focus({ preventScroll: true });
    game.scrollIntoView({ block: "nearest" });
  });
}
const questions = document.getElementById("questions");
if (questions) playQuestions(questions);
const wheel = document.getElementById("wheel-form");
if (wheel) playWheel(wheel);
if (document.querySelector(".game .problem")) {
  document.getElementById("cover").hidden = true;
  game.classList.add("on");
}
document.getElementById("result")?.focus({ preventScroll: true });
document.querySelector("[aria-invalid]")?.focus();
