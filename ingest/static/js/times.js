// Times as this place and language write them; without this they stand there in UTC.
const language = document.documentElement.lang;
const exact = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" });
const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
const UNITS = [["day", 172800, 86400], ["hour", 5400, 3600], ["minute", 90, 60], ["second", 0, 1]];

function ago(then) {
  const seconds = Math.round((Date.now() - then) / 1000);
  const [unit, , length] = UNITS.find(([, from]) => Math.abs(seconds) >= from);
  return relative.format(-Math.round(seconds / length), unit);
}

export function tellTimes(part) {
  part.querySelectorAll("time[datetime]").forEach((one) => {
    const then = new Date(one.dateTime);
    if (Number.isNaN(then.getTime())) return;
    one.textContent = "ago" in one.dataset ? ago(then) : exact.format(then);
    one.title = "ago" in one.dataset ? exact.format(then) : one.dateTime;
  });
}

setInterval(() => tellTimes(document), 10000);
