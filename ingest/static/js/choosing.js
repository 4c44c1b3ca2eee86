// Choosing dead letters: all on a page at once, and how many there are.
document.querySelectorAll("[data-choosing]").forEach((form) => {
  const boxes = [...form.querySelectorAll('input[name="ids"]')];
  const all = form.querySelector("#all");
  const told = form.querySelector("[data-chosen]");
  const tell = () => {
    const many = boxes.filter((box) => box.checked).length;
    all.checked = many === boxes.length;
    all.indeterminate = many > 0 && many < boxes.length;
    told.textContent = many ? told.dataset.words.replace("{}", many) : "";
    form.querySelectorAll('button[value="replay"], button[value="discard"]').forEach((one) => { one.disabled = !many; });
  };
  form.querySelector("[data-all]").hidden = false;
  all.addEventListener("change", () => { boxes.forEach((box) => { box.checked = all.checked; }); tell(); });
  form.addEventListener("change", tell);
  tell();
});
