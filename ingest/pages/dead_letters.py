"""Dead letters: why they are dead, how that is mended, and which of them to replay or discard."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import orjson
from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from ingest.context import context, start_job
from ingest.pages.door import guarded
from ingest.pages.jobs import latest
from ingest.pages.language import _
from ingest.pages.masking import DOTS, without_quotes, without_values
from ingest.pages.spans import Span, read_span
from ingest.pages.words import STEPS
from schemas.api_dead_letters import MOST_HOURS
from schemas.dead_letter import LEAST_RATE, MOST_RATE, REASONS, LetterFilter, ReplayOptions
from schemas.integration import Integration
from workers.rehearse import MOST_LOOKED_AT, dry_run

blueprint = guarded(Blueprint("dead_letters_page", __name__, url_prefix="/dead-letters"))

#: Dead letters on one page.
PAGE = 50
#: Letters that the first dry run looks at, and seconds that it and a list may take, so that their pages come at once.
TRIED_FIRST, AT_ONCE_S = 100, 0.06
#: Seconds for those who want to know more.
LONGER_S = 8.0
#: Of one letter, to find what Braze's words quote of it.
MOST_READ_BYTES = 100_000
#: Between the times of death in a list and in the store's order.
CLOCKS = timedelta(minutes=1)
#: Fields that say between which times chosen letters died.
DIED = ("died_from", "died_until")


class Counted(NamedTuple):
    """The letters of some integrations."""

    #: Reason -> how many; none is too high.
    counts: Counter[str]
    #: Always right.
    total: int
    #: Whether the counts are those of all letters.
    exact: bool
    #: Those that have any.
    integrations: list[Integration]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which letters somebody looks at."""

    integration: str
    reason: str
    span: Span
    cursor: str

    def parameters(self, **changed: str) -> dict[str, str]:
        """Of an address that shows the same, or the same but for one condition."""
        found = {"integration": self.integration, "reason": self.reason} | self.span.parameters() | changed
        return {name: value for name, value in found.items() if value}

    def filter(self) -> LetterFilter:
        return LetterFilter(self.integration or None, self.reason or None, self.span.since, self.span.until)


def read_asked(given: Mapping[str, str], now: datetime) -> Asked:
    """What a form or an address asks for; a reason that there is none of is no condition."""
    reason = given.get("reason", "")
    return Asked(
        given.get("integration", "").strip(),
        reason if reason in REASONS else "",
        read_span(given, now),
        given.get("cursor", ""),
    )


@blueprint.get("")
def show() -> AnyResponse:
    """The reasons with their numbers, and the letters of those that were chosen."""
    asked = read_asked(request.args, datetime.now(UTC))
    everywhere = context().stores.integrations.every()
    is_wrong, items, following = False, list[dict[str, Any]](), None
    if not asked.span.problem:
        try:
            items, following = context().stores.dead_letters.list(
                asked.filter(), cursor=asked.cursor or None, limit=PAGE, until=_after(AT_ONCE_S), bodies=True
            )
        except ValueError:  # of the cursor
            is_wrong = True
    counted = _counted(asked)
    told = {
        "asked": asked, "counted": counted, "letters": [_without_quotes(one) for one in items],
        "following": following, "is_wrong": is_wrong, "matched": _matched(asked, counted), "steps": STEPS,
        "names": {one.id: one.name for one in everywhere}, "jobs": latest(),
    }  # fmt: skip
    return Response(render_template("pages/dead_letters.html", **told), 422 if is_wrong or asked.span.problem else 200)


@blueprint.post("/choose")
def choose() -> AnyResponse:
    """What would happen to the letters that were chosen, and the question whether it shall."""
    form, now = request.form, datetime.now(UTC)
    action = "discard" if form.get("do", "").startswith("discard") else "replay"
    is_all = form.get("do", "").endswith("-all")
    ids = () if is_all else tuple(dict.fromkeys(form.getlist("ids")))
    asked = read_asked(form, now)
    _guard(form, asked)
    if not ids and not is_all:
        return redirect(url_for("dead_letters_page.show", nothing="chosen", **asked.parameters()), 303)  # type: ignore[arg-type]
    return _ask(action, ids, asked, _as_of(form, now), problems={})


@blueprint.post("/replay")
def replay() -> AnyResponse:
    """Put them back, as a job that goes on when nobody looks."""
    return _start("replay")


@blueprint.post("/discard")
def discard() -> AnyResponse:
    """Give them up for good, as a job."""
    return _start("discard")


def _start(action: str) -> AnyResponse:
    form, now = request.form, datetime.now(UTC)
    ids, asked, as_of = tuple(dict.fromkeys(form.getlist("ids"))), read_asked(form, now), _as_of(form, now)
    if not ids and "all" not in form:  # nobody gives up everything by leaving something out
        abort(400)
    _guard(form, asked)
    options, problems = _options(ids, asked, as_of)
    if problems or "again" in form:
        return _ask(action, ids, asked, as_of, problems)
    job = start_job("discard" if action == "discard" else "replay", options.to_json(), by="page")
    return redirect(url_for("jobs_page.show", job_id=job.id), 303)


def _guard(form: Mapping[str, str], asked: Asked) -> None:
    """A condition that can't be understood must not become none: far more letters would match."""
    if asked.span.problem or form.get("reason", "") != asked.reason or form.get("time", "") != asked.span.name:
        abort(400)


def _ask(action: str, ids: Sequence[str], asked: Asked, as_of: datetime, problems: dict[str, str]) -> AnyResponse:
    options, wrong = _options(ids, asked, as_of)
    problems, counted = problems or wrong, _counted(asked)
    found: dict[str, Any] = {}
    if action == "replay" and not problems:
        found = _try(options, counted.integrations)
    shows = "values" in (request.form.get("show"), request.form.get("again"))
    for one in found.get("requests", ()):
        one["body"] = one["body"] if shows else without_values(one["body"])
    integrations = context().stores.integrations.every()
    told = {
        "action": action, "ids": ids, "asked": asked, "as_of": as_of.isoformat(), "found": found, "problems": problems,
        "shows_values": shows, "died": [request.form.get(name, "") for name in DIED],
        "many": len(ids) or _matched(asked, counted),
        "tried": sum(found.get("outcomes", {}).values()), "names": {one.id: one.name for one in integrations},
    }  # fmt: skip
    return Response(render_template("pages/dead_letters_choose.html", **told), 422 if problems else 200)


def _try(options: ReplayOptions, integrations: Sequence[Integration]) -> dict[str, Any]:
    """
    A dry run. Letters that were chosen one by one are looked for where they were seen last, and then everywhere: an
    integration that moves takes its letters along.
    """
    is_long = request.form.get("again") == "all"
    most, seconds = (MOST_LOOKED_AT, LONGER_S) if is_long else (TRIED_FIRST, AT_ONCE_S)
    seen = _died(request.form) if options.ids else None
    if seen:
        found = dry_run(
            replace(options, filter=seen), context().stores, most=most, until=_after(seconds), integrations=integrations
        )
        if not found["gone"]:
            return found
    return dry_run(options, context().stores, most=most, until=_after(seconds), integrations=integrations)


def _options(ids: Sequence[str], asked: Asked, as_of: datetime) -> tuple[ReplayOptions, dict[str, str]]:
    """How to replay, and by field what is wrong with it."""
    rate, hours = request.form.get("rate", "").strip(), request.form.get("hours", "").strip()
    problems: dict[str, str] = {}
    options = ReplayOptions(
        ids=tuple(ids) or None,
        filter=None if ids else _until(asked.filter(), as_of),
        rate=_number(rate, LEAST_RATE, MOST_RATE),
        events_not_older_than_hours=_number(hours, 0.001, MOST_HOURS),
    )
    if rate and options.rate is None:
        problems["rate"] = _("Give a number between %(least)s and %(most)s, or nothing.", least="0.001", most="100,000")
    if hours and options.events_not_older_than_hours is None:
        problems["hours"] = _("Give a number of hours above 0, or nothing.")
    return options, problems


def _number(text: str, least: float, most: float) -> float | None:
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return None
    return value if least <= value <= most else None


def _as_of(form: Mapping[str, str], now: datetime) -> datetime:
    """When the letters were chosen: who dies later was not meant."""
    try:
        return datetime.fromisoformat(form.get("as_of", "")).astimezone(UTC)
    except (ValueError, OverflowError):
        return now


def _until(wanted: LetterFilter, as_of: datetime) -> LetterFilter:
    return replace(wanted, until=min(wanted.until or as_of, as_of))


def _died(form: Mapping[str, str]) -> LetterFilter | None:
    """When the letters that were chosen one by one died, so that nobody has to look for them among all others."""
    try:
        first, last = (datetime.fromisoformat(form[name]).astimezone(UTC) for name in DIED)
        return LetterFilter(since=first - CLOCKS, until=last + CLOCKS)
    except (KeyError, ValueError, OverflowError):
        return None


def _after(seconds: float) -> Callable[[], bool]:
    """Whether so much time has passed since now."""
    ends_at = time.monotonic() + seconds
    return lambda: time.monotonic() >= ends_at


def _without_quotes(letter: dict[str, Any]) -> dict[str, Any]:
    """A letter of the list; what Braze quotes of it is shown on the page of its submission, to who asks for it."""
    body, answer = letter["body"], letter["answer"]
    if not answer:
        return letter
    hidden = without_quotes(answer, orjson.loads(body)) if len(body) <= MOST_READ_BYTES else DOTS
    return letter | {"answer": hidden}


def _counted(asked: Asked) -> Counted:
    """The letters of the integrations that are meant, by reason."""
    meant = [one for one in context().stores.integrations.every() if asked.integration in ("", one.id)]
    found = context().stores.dead_letters.reasons_many(meant)
    counts = Counter[str]()
    for one in found.values():
        counts.update(one.counts)
    return Counted(
        counts,
        sum(one.total for one in found.values()),
        all(one.exact for one in found.values()),
        [one for one in meant if found[one.id].total],
    )


def _matched(asked: Asked, counted: Counted) -> int | None:
    """How many letters match; None where nobody has counted them like that."""
    if asked.span.name or (asked.reason and not counted.exact):
        return None
    return counted.counts.get(asked.reason, 0) if asked.reason else counted.total
