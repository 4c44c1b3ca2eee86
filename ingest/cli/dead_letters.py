"""`komo-braze dead-letters`: what was given up, why, and what to do with it."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import orjson

from ingest.cli.filters import Number, letter_options, page_options, read_filter
from ingest.cli.opened import BY, Opened, opened, say, store_options, table
from ingest.cli.progress import watch
from schemas.api_dead_letters import MOST_HOURS
from schemas.dead_letter import LEAST_RATE, MOST_RATE, LetterFilter, ReplayOptions, no_letter
from workers.chosen import unknown
from workers.rehearse import MOST_SHOWN
from workers.rehearse import dry_run as rehearse

NONE = "There are no such dead letters."
#: Letters that are counted before they are discarded.
MOST_COUNTED = 10_000


@click.group("dead-letters")
def dead_letters() -> None:
    """Show, replay, discard and export what was given up."""


@dead_letters.command("list")
@letter_options
@page_options
@store_options
def list_dead_letters(cursor: str | None, limit: int, data_dir: Path | None, as_json: bool, **asked: Any) -> None:
    """List dead letters, newest first."""
    with opened(data_dir) as here:
        try:
            items, following = here.stores.dead_letters.list(_filter(here, asked), cursor=cursor, limit=limit)
        except ValueError as error:
            raise click.BadParameter(f"{error}.", param_hint="--cursor") from None
    say({"items": items, "next": following}, as_json, _listed(items, following))


@dead_letters.command("show")
@click.argument("submission_id", metavar="ID")
@store_options
def show_dead_letter(submission_id: str, data_dir: Path | None, as_json: bool) -> None:
    """Show why a submission is dead, what was tried, and its body."""
    with opened(data_dir) as here:
        found = here.stores.dead_letters.show(submission_id)
    if found is None:
        raise click.ClickException(no_letter([submission_id]))
    say(found, as_json, _told(found))


@dead_letters.command("replay")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@letter_options
@click.option("--all", "every", is_flag=True, help="Every dead letter of every integration.")
@click.option("--dry-run", is_flag=True, help="Show the requests that would be sent, and change nothing.")
@click.option("--rate", type=Number(LEAST_RATE, MOST_RATE), help="Dead letters a second, at most.")
@click.option(
    "--events-not-older-than",
    "hours",
    type=Number(0, MOST_HOURS, min_open=True),
    metavar="HOURS",
    help="Leave out events that happened longer ago.",
)
@store_options
def replay(
    ids: tuple[str, ...],
    every: bool,
    dry_run: bool,
    rate: float | None,
    hours: float | None,
    data_dir: Path | None,
    as_json: bool,
    **asked: Any,
) -> None:
    """Put dead letters back, under the rules that are current now: by ids, by filters, or --all."""
    chosen = _chosen(ids, asked, every=every)
    options = replace(chosen, dry_run=dry_run, rate=rate, events_not_older_than_hours=hours)
    with opened(data_dir) as here:
        _refuse_unknown(here, options)
        if dry_run:
            told = rehearse(options, here.stores)
            say({"matched": sum(told["outcomes"].values()), **told}, as_json, _rehearsed(told))
            return
        job = here.stores.jobs.create("replay", options.to_json(), by=BY)
        watch(here.stores.jobs, job, as_json)


@dead_letters.command("discard")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@letter_options
@click.option("--all", "every", is_flag=True, help="Every dead letter of every integration.")
@click.option("--yes", is_flag=True, help="Don't ask.")
@store_options
def discard(ids: tuple[str, ...], every: bool, yes: bool, data_dir: Path | None, as_json: bool, **asked: Any) -> None:
    """Give dead letters up for good: by ids, by filters, or --all."""
    options = _chosen(ids, asked, every=every)
    if not yes and not sys.stdin.isatty():
        raise click.UsageError("Nobody is there to confirm: add --yes.")
    with opened(data_dir) as here:
        _refuse_unknown(here, options)
        if not yes:
            click.confirm(f"Discard {_how_many(here, options)} for good?", abort=True, err=True)
        job = here.stores.jobs.create("discard", options.to_json(), by=BY)
        watch(here.stores.jobs, job, as_json)


@dead_letters.command("export")
@letter_options
@click.argument("file", type=click.File("wb"), default="-")
@store_options
def export(file: Any, data_dir: Path | None, as_json: bool, **asked: Any) -> None:  # noqa: ARG001
    """Write dead letters into a FILE, newest first: a line of JSON for each; - writes to standard output."""
    with opened(data_dir) as here:
        letters = here.stores.dead_letters.each(_filter(here, asked))
        write, count = file.write, 0  # opens it, also where there is nothing to write
        for count, letter in enumerate(letters, 1):  # noqa: B007 -- the last one is told
            write(orjson.dumps(letter.whole(), option=orjson.OPT_APPEND_NEWLINE))
        file.flush()  # at its closing nobody would hear that the disk is full
    if not count:
        click.echo(NONE, err=True)


def _filter(here: Opened, asked: dict[str, Any]) -> LetterFilter:
    """What the options mean; raises UnknownIntegration."""
    found = read_filter(asked)
    if found.integration is not None:
        here.stores.integrations.get(found.integration)
    return found


def _chosen(ids: tuple[str, ...], asked: dict[str, Any], *, every: bool) -> ReplayOptions:
    letters = read_filter(asked)
    if bool(ids) + (letters != LetterFilter()) + every != 1:
        raise click.UsageError("Say which dead letters: ids, or filters, or --all.")
    return ReplayOptions(ids=tuple(dict.fromkeys(ids))) if ids else ReplayOptions(filter=letters)


def _refuse_unknown(here: Opened, options: ReplayOptions) -> None:
    """Raises UnknownIntegration, or ClickException if no id is of a dead letter."""
    if options.filter and options.filter.integration is not None:
        here.stores.integrations.get(options.filter.integration)
    if options.ids and unknown(options.ids, here.stores, all_or_none=True):
        raise click.ClickException(no_letter(options.ids))


def _how_many(here: Opened, options: ReplayOptions) -> str:
    """As far as a bounded look at them tells."""
    if options.ids:
        known, more = len(options.ids) - len(unknown(options.ids, here.stores)), False
    else:
        items, following = here.stores.dead_letters.list(options.filter or LetterFilter(), limit=MOST_COUNTED)
        known, more = len(items), following is not None
    how = "more than " if more and known >= MOST_COUNTED else "at least " if more else ""
    return f"{how}{known:,} dead letter{'' if known == 1 else 's'}"


def _listed(items: list[dict[str, Any]], following: str | None) -> Iterator[str]:
    if not items and not following:
        yield NONE
        return
    rows = [("ID", "INTEGRATION", "REASON", "DEAD", "ATTEMPTS", "STATUS", "EVENT")]
    rows += [
        (one["id"], one["integration"], one["reason"], one["dead_at"], str(one["attempts"]),
         str(one["status"] or ""), one["event"]) for one in items
    ]  # fmt: skip
    yield from table(rows)
    if following:
        yield f"More with --cursor {following}"


def _told(found: dict[str, Any]) -> Iterator[str]:
    yield f"{found['id']}  {found['event']}  {found['integration']}  dead ({found['reason']})"
    yield _step(found["received_at"], "received", {})
    for one in found["tried"]:
        yield _step(one.get("at", ""), "attempt", {name: one[name] for name in one if name != "at"})
    counted = {name: found[name] for name in ("attempts", "status", "answer", "version", "replays") if found[name]}
    yield _step(found["dead_at"], "dead", counted)
    for name in ("warnings", "accepted", "raw"):
        yield f"  {name}  {orjson.dumps(found[name]).decode()}"


def _rehearsed(told: dict[str, Any]) -> Iterator[str]:
    for request in told["requests"]:
        yield f"{request['submission']}  {request['method']} {request['url']}"
        yield f"  {orjson.dumps(request['body']).decode()}"
        if request["left_out"]:
            yield f"  left out: {', '.join(request['left_out'])}"
    if told["requests"] and sum(told["outcomes"].values()) > MOST_SHOWN:
        yield f"These are the requests of the first {MOST_SHOWN}."
    for outcome, count in told["outcomes"].items():
        yield f"{count} would be sent" if outcome == "delivered" else f"{count} would stay dead ({outcome})"
    if told["gone"]:
        yield f"No dead letters (any more): {', '.join(told['gone'])}"
    if not told["outcomes"]:
        yield NONE
    if not told["complete"]:
        yield "There are more, which were not looked at."


def _step(at: str, what: str, more: dict[str, Any]) -> str:
    told = [
        f"{name}={value if isinstance(value, str) else orjson.dumps(value).decode()}" for name, value in more.items()
    ]
    return "  ".join([f"  {at:24}", what, *told])
