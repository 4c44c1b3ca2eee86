// The editor of what goes to Braze: rows come and go at once, and the preview follows what is typed.
// Without this every button is answered by a new page with the same form.
import { say } from "./pages.js";

const PAUSE_MS = 400;
const DATES = ["dob", "date_of_first_session", "date_of_last_session", "marked_email_as_spam_at"];
const form = document.querySelector("form.fields");
const trial = document.getElementById("trial");
let keys = 0;
let timer = null;
let running = null;
let outcome = trial.querySelector(".outcome")?.textContent;

const freshKey = () => `n${Date.now()}${(keys += 1)}`;
const unsaved = () => form.querySelector("[data-unsaved]");
// Not FormData itself: a form of many rows has more parts than a multipart body may have.
const filledIn = (button) => new URLSearchParams(new FormData(form, button));

function post(address, button) {
  return fetch(address, { method: "POST", body: filledIn(button), headers: { Accept: "text/html" }, signal: running?.signal });
}

// What came up while trying also stands at the rule that it is about.
function tellRows() {
  document.querySelectorAll("[data-notes]").forEach((one) => one.replaceChildren());
  trial.querySelectorAll("li[data-row]").forEach((warning) => {
    const note = document.createElement("p");
    note.textContent = `${warning.querySelector("a").textContent}: ${warning.querySelector("[data-sentence]").textContent}`;
    document.querySelector(`[data-notes="${CSS.escape(warning.dataset.row)}"]`)?.append(note);
  });
}

async function preview() {
  running?.abort();
  const mine = (running = new AbortController());
  trial.parentElement.classList.add("busy");
  try {
    const answer = await post(form.dataset.preview);
    const html = await answer.text();
    if (mine !== running) return;
    if (!answer.ok) throw new Error(answer.status);
    const open = [...trial.querySelectorAll("details[open][id]")].map((one) => one.id);
    trial.innerHTML = html;
    open.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
    tellRows();
    const now = trial.querySelector(".outcome")?.textContent;
    if (now && now !== outcome) say(now.trim());
    outcome = now;
  } catch (error) {
    if (error.name === "AbortError" || mine !== running) return;
    const note = document.createElement("p");
    note.className = "note wait";
    note.textContent = form.dataset.lost;
    trial.querySelector(":scope > .note.lost")?.remove();
    note.classList.add("lost");
    trial.prepend(note);
  } finally {
    if (mine === running) trial.parentElement.classList.remove("busy");
  }
}

function changed() {
  unsaved().hidden = false;
  clearTimeout(timer);
  timer = setTimeout(preview, PAUSE_MS);
}

// What is being mended is no longer called wrong; saving judges it again.
function forgive(control) {
  if (control.getAttribute("aria-invalid") !== "true") return;
  control.removeAttribute("aria-invalid");
  control.removeAttribute("aria-describedby");
  control.classList.remove("is-invalid");
  document.getElementById(`${control.id}-errors`)?.remove();
  const box = document.getElementById("problems");
  box?.querySelector(`a[href="#${CSS.escape(control.id)}"]`)?.closest("li").remove();
  if (box && !box.querySelector("a")) box.remove();
}

function template(selector, replace) {
  const holder = document.createElement("template");
  holder.innerHTML = replace.reduce((html, [from, to]) => html.replaceAll(from, to), document.querySelector(selector).innerHTML);
  return holder.content.firstElementChild;
}

function addRow(list) {
  const key = freshKey();
  const row = template(`template[data-new="${list}"]`, [[`${list}.NEW`, `${list}.${key}`], [`${list} NEW`, `${list} ${key}`]]);
  document.getElementById(list).append(row);
  row.querySelector("select, input:not([type=hidden])").focus();
}

function addPart(button) {
  const kind = button.dataset.addPart;
  const row = button.closest("[data-row]").id;
  const part = template(`template[data-new-part="${kind}"]`, [
    [`ROW.${kind}.PART`, `${row}.${kind}.${freshKey()}`], ["remove-part ROW", `remove-part ${row.replace(".", " ")}`],
  ]);
  button.before(part);
  offerNames(part);
  part.querySelector("input").focus();
}

function remove(what, sibling) {
  const next = what.nextElementSibling?.matches(sibling) ? what.nextElementSibling : what.previousElementSibling;
  const place = what.closest("section");
  what.remove();
  const target = next?.matches(sibling) ? next : place.querySelector("h2");
  (target.matches("[data-part]") ? target.querySelector("input") : target).focus();
}

function move(button) {
  const row = button.closest("[data-row]");
  const other = button.dataset.move === "up" ? row.previousElementSibling : row.nextElementSibling;
  if (!other) return;
  if (button.dataset.move === "up") other.before(row); else other.after(row);
  button.focus();
}

// Where a value comes from decides what there is to choose.
function offerNames(part) {
  part.querySelectorAll('select[name$=".source"]').forEach((source) => {
    const what = document.getElementById(`${source.name.slice(0, -".source".length)}.what`);
    const each = source.closest("[data-row]").querySelector('select[name$=".for_each"]');
    const fields = each?.value && source.closest("[data-part]") ? "element-names" : "seen-paths";
    what.setAttribute("list", { field: fields, question: "seen-questions", value: "" }[source.value]);
  });
  part.querySelectorAll('[data-row] input[name$=".attribute"]').forEach(askForFormat);
}

// Braze's own dates are written in some way, whatever kind is chosen.
function askForFormat(name) {
  name.closest("[data-row]").toggleAttribute("data-date", DATES.includes(name.value.trim()));
}

function goTo(id) {
  const target = document.getElementById(id);
  if (!target) return;
  for (let around = target.closest("details"); around; around = around.parentElement.closest("details")) around.open = true;
  target.focus({ preventScroll: true });
  target.scrollIntoView({ block: "center" });
}

// Buttons that need to know what Komo has sent: the server writes the rows.
async function ask(button) {
  const editor = document.getElementById("editor");
  const open = [...editor.querySelectorAll("details[open][id]")].map((one) => one.id);
  running?.abort();
  running = null;
  const answer = await post(`${form.action}?fragment=1`, button);
  if (!answer.ok) return form.requestSubmit();
  editor.innerHTML = await answer.text();
  open.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
  offerNames(form);
  const next = editor.querySelector("[data-focus]");
  if (next) goTo(next.id);
  return changed();
}

const LOCAL = [
  ["[data-add]", (button) => addRow(button.dataset.add)],
  ["[data-add-part]", addPart],
  ["[data-remove]", (button) => remove(button.closest("[data-row]"), "[data-row]")],
  ["[data-remove-part]", (button) => remove(button.closest("[data-part]"), "[data-part]")],
  ["[data-move]", move],
];

form.addEventListener("submit", (event) => {
  const button = event.submitter;
  const local = LOCAL.find(([selector]) => button?.matches(selector));
  if (local) {
    event.preventDefault();
    local[1](button);
    changed();
  } else if (/^(map|everything)/.test(button?.value ?? "")) {
    event.preventDefault();
    ask(button).catch(() => say(form.dataset.lost));
  } else if (button?.value === "preview") {
    event.preventDefault();
    preview();
  } else {
    window.removeEventListener("beforeunload", warn);
  }
});

function warn(event) {
  if (!unsaved().hidden) event.preventDefault();
}

form.addEventListener("input", (event) => {
  if (event.target.name.endsWith(".attribute")) askForFormat(event.target);
  forgive(event.target);
  if (event.target.id === "submission" || event.target.id === "sample") preview();
  else changed();
});
form.addEventListener("change", () => offerNames(form));
document.addEventListener("click", (event) => {
  const link = event.target.closest('form.fields a[href^="#"]');
  if (!link) return;
  event.preventDefault();
  goTo(decodeURIComponent(link.hash.slice(1)));
});
window.addEventListener("beforeunload", warn);

document.documentElement.classList.add("with-script");
offerNames(form);
tellRows();
const first = document.querySelector("[data-focus]");
if (first) goTo(first.id);
