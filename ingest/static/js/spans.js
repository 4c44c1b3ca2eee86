// From when until when: two times of this place, asked for only where somebody wants them.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

document.querySelectorAll("[data-own-times]").forEach((choice) => {
  const form = choice.form;
  const own = form.querySelector("[data-times]");
  const show = () => { own.hidden = choice.value !== "own"; };
  choice.addEventListener("change", show);
  show();
});

document.querySelectorAll("[data-zone]").forEach((field) => {
  const part = field.closest("[data-times]");
  // Times that came with another zone keep it until somebody changes them.
  if (!field.value) field.value = zone;
  part.querySelectorAll("[data-zone-name]").forEach((name) => { name.textContent = field.value; });
});
