// One question at a time. In a quiz the first press on Next checks the answer, the second moves on.
export function playQuestions(form) {
  const questions = [...form.querySelectorAll(".question")];
  const steps = [...form.querySelectorAll(".progress i")];
  const next = form.querySelector("#next");
  const finish = form.querySelector("#finish");
  let at = 0;

  function show(place) {
    at = place;
    questions.forEach((question, n) => { question.hidden = n !== at; });
    steps.forEach((step, n) => step.classList.toggle("done", n <= at));
    offer();
    if (place > 0) questions[at].querySelector("legend").focus();
  }

  function picked() {
    return questions[at].querySelector("input:checked");
  }

  function toCheck() {
    return questions[at].querySelector("[data-right]") && !questions[at].classList.contains("checked");
  }

  function offer() {
    const last = at === questions.length - 1 && !toCheck();
    next.hidden = last;
    finish.hidden = !last;
    next.disabled = finish.disabled = !picked();
    next.textContent = toCheck() ? "Check" : "Next";
  }

  function check() {
    const question = questions[at];
    const right = picked().closest(".option").dataset.right === "yes";
    question.classList.add("checked");
    for (const input of question.querySelectorAll("input:not(:checked)")) input.disabled = true;
    question.querySelector(".verdict").textContent = right
      ? "Right!"
      : `Not quite. It is: ${question.querySelector('[data-right="yes"] span').textContent}`;
    offer();
    (next.hidden ? finish : next).focus();
  }

  form.addEventListener("change", offer);
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.target.type !== "radio" || next.hidden) return;
    event.preventDefault();
    if (picked()) next.click();
  });
  next.addEventListener("click", () => (toCheck() ? check() : show(at + 1)));
  show(0);
}
