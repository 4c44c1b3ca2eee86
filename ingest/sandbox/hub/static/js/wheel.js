// The hub decides where the wheel stops; here it only turns there.
import { post } from "./post.js";

const TURNS = 5;
const LONGEST_MS = 6000;

export function playWheel(form) {
  const wheel = form.querySelector("#wheel");
  const button = form.querySelector("#spin");
  const says = form.querySelector("#wheel-says");

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    says.textContent = "Round it goes...";
    try {
      const response = await post(form.action);
      if (!response.ok) throw new Error(response.statusText);
      const answer = await response.json();
      await turn(wheel, answer.slice);
      location.assign(answer.next);
    } catch {
      says.textContent = "The hub does not answer. Please try again.";
      button.disabled = false;
    }
  });
}

function turn(wheel, slice) {
  const width = 360 / Number(wheel.dataset.slices);
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const off = still ? 0 : (Math.random() - 0.5) * width * 0.6;
  return new Promise((stopped) => {
    if (still) setTimeout(stopped, 300);
    else {
      wheel.addEventListener("transitionend", () => setTimeout(stopped, 500), { once: true });
      setTimeout(stopped, LONGEST_MS);
    }
    wheel.style.transform = `rotate(${TURNS * 360 - slice * width + off}deg)`;
  });
}
